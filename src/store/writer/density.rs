//! The density matrix: what earlier starts have kept of it, and the one that takes its place.

use super::super::sums::{self, Identity, checksum, halves};
use super::super::{Results, StoreError};
use super::{H5Sink, Open, shape, unopened};
use crate::ensemble::{Density, Header, Summary};
use crate::error::Error;
use crate::kernel::LANES;

impl H5Sink<'_> {
    /// Collective, when the file is there and this process alone may write it.
    pub(super) fn find_density(&mut self, header: &Header) -> Result<(), Error> {
        let mut found = self.on_root(|| {
            if self.fresh {
                sums::remove(self.path())?;
                return Ok(None);
            }
            Results::open(self.path())?.density()
        })?;
        if header.density.is_none() {
            return Ok(());
        }
        let counted = found.iter_mut().flatten().flat_map(|found| found.counted().clone()).map(u8::from).collect();
        self.averaged = self.comm.broadcast(counted).iter().map(|counted| *counted == 1).collect();
        self.density = found.flatten();
        Ok(())
    }

    /// Whether the density matrix has all of a batch that earlier starts have finished, or there is none.
    pub(super) fn has_averaged(&self, header: &Header, batch: u64) -> bool {
        let all = header.trajectories();
        if header.density.is_none() || !all.batches().contains(&batch) {
            return true;
        }
        let lanes = all.lanes(batch);
        let first = (batch * LANES as u64 + lanes.start as u64 - all.first) as usize;
        (first..first + lanes.len()).all(|row| self.averaged.get(row) == Some(&true))
    }

    /// In the place of the one before, which is whole beside the file until this one is.
    pub(super) fn replace_density(&mut self, density: &mut Density) -> Result<(), Error> {
        let path = self.place.path.clone();
        let open = self.open.as_mut().ok_or_else(|| unopened(&path))?;
        if density.n() == open.averaged {
            return Ok(());
        }
        let header = &open.header;
        let identity = Identity::of(&header.parameter_hash, header.seed, header.first_trajectory);
        if let Err(error) = sums::write(&path, identity, density) {
            log::warn!("{error}; the run goes on, but a kill within the next moments would cost all its trajectories");
        }
        open.write_density(density)?;
        open.sync()?;
        Ok(sums::remove(&path)?)
    }
}

impl Open {
    /// Checksum 0, the sums and what follows from them, the right checksum.
    ///
    /// # Errors
    /// `Shape` for one that the file has no place for, `Full` or `File` if writing fails.
    pub fn write_density(&mut self, density: &mut Density) -> Result<(), StoreError> {
        let path = self.file.path();
        let found = (density.dim(), density.times(), density.counted().len());
        let room = self.header.density.as_ref().map_or(0, |info| info.dim());
        let expected = (room, self.header.times.len(), self.header.ntraj as usize);
        if found != expected {
            let told = |(dim, times, n)| format!("{dim} basis states at {times} times of {n} trajectories");
            return Err(shape(path, "density matrices", told(expected), told(found)));
        }
        let n = density.n();
        self.put_one("state/rho_checksum", 0u64)?;
        let [high, low] = ["state/rho_sum_high", "state/rho_sum_low"].map(|name| self.file.dataset(name));
        let (high, low, rho) = (high?, low?, self.file.dataset("rho")?);
        for time in 0..density.times() {
            let (highs, lows) = halves(density.sums(time));
            high.write_slab(time, &highs)?;
            low.write_slab(time, &lows)?;
            rho.write_slab(time, &density.matrix(time, n))?;
        }
        let list: Vec<u8> = density.counted().iter().map(|counted| u8::from(*counted)).collect();
        self.file.dataset("in_rho")?.write(&list)?;
        self.put_one("state/rho_n", n as i64)?;
        self.averaged = n;
        self.put_one("state/rho_checksum", checksum(density))
    }

    /// Nothing is missing of the density matrix, or there is none.
    pub(super) fn is_averaged(&self, summary: &Summary) -> bool {
        self.header.density.is_none() || self.averaged == summary.n_done
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{header, rows, scratch, summary};
    use super::super::super::{Merging, Place, h5, merge, resize};
    use super::*;
    use crate::ensemble::{Begun, DensityInfo, Sink};
    use num_complex::Complex64;
    use std::fs;
    use std::path::Path;

    fn asked() -> Header {
        let factors = vec![("a".into(), 4), ("j".into(), 2)];
        Header { density: Some(DensityInfo { factors }), states: None, ..header() }
    }

    /// Of some of the twenty trajectories: sums that are functions of how many, beyond the low half.
    fn density(counted: impl IntoIterator<Item = usize>) -> Density {
        let mut density = Density::none(8, 7, 20);
        counted.into_iter().for_each(|row| density.counted()[row] = true);
        let n = i128::from(density.n());
        for time in 0..7 {
            let sign = |at: usize| if at.is_multiple_of(2) { n } else { -n };
            let sum = |at: usize| (sign(at) * ((1 << 51) + at as i128 + time as i128)) << 12;
            density.add_sums(time, (0..64).map(sum));
        }
        density
    }

    fn stored(path: &Path) -> (Vec<bool>, Vec<Vec<i128>>) {
        let mut found = Results::open(path).unwrap().density().unwrap().unwrap();
        (found.counted().clone(), (0..7).map(|time| found.sums(time).collect()).collect())
    }

    fn parts(mut density: Density) -> (Vec<bool>, Vec<Vec<i128>>) {
        (density.counted().clone(), (0..7).map(|time| density.sums(time).collect()).collect())
    }

    #[test]
    fn a_file_is_complete_with_its_density_matrix_and_a_batch_that_is_not_in_it_is_not_finished() {
        let path = scratch("density").join("x.h5");
        let (header, comm) = (asked(), crate::comm::solo());
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        assert_eq!(sink.begin(&header).unwrap(), Begun::New);
        assert!(sink.density().unwrap().is_none());
        for (first, count) in [(100, 4), (104, 8), (112, 8)] {
            sink.accept(&rows(&header, first, count)).unwrap();
        }
        // All rows, and of the last batch one trajectory is missing; the batch before is in it.
        sink.keep_density(&mut density(4..19)).unwrap();
        sink.finish(Some(&summary(&header))).unwrap();
        let results = Results::open(&path).unwrap();
        assert_eq!((results.state().unwrap().complete, results.averaged().unwrap()), (false, Some((8, 15))));
        drop(results);
        let merged = merge(std::slice::from_ref(&path), &path.with_extension("merged"), Merging::default());
        let error = merged.unwrap_err().to_string();
        assert!(error.starts_with("5 of the trajectories") && error.contains("`qsd resume"), "{error}");

        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        assert_eq!(sink.begin(&header).unwrap(), Begun::Resumed);
        let mut shown = vec![];
        assert_eq!(sink.kept(12..15, &mut |batch, _| shown.push(batch)).unwrap(), [13]);
        assert_eq!(shown, [13]);
        assert_eq!(parts(sink.density().unwrap().unwrap()), parts(density(4..19)));
        sink.keep_density(&mut density(0..20)).unwrap();
        sink.finish(Some(&summary(&header))).unwrap();
        assert!(Results::open(&path).unwrap().state().unwrap().complete);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside");

        let file = h5::File::open(&path).unwrap();
        let levels = |name: &str| file.dataset(name).unwrap().read::<i64>().unwrap();
        assert_eq!(levels("basis_a"), [0, 0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(levels("basis_j"), [0, 1, 0, 1, 0, 1, 0, 1]);
        let rho: Vec<Complex64> = file.dataset("rho").unwrap().read().unwrap();
        let of = |at: i128| (4096.0 * ((1i128 << 51) + at) as f64) / (1i128 << 51) as f64;
        // Of time 2, entry (1, 3): the real part is sum 8 + 3, the imaginary one less that of sum 24 + 1.
        assert_eq!(rho[2 * 64 + 8 + 3], Complex64::new(-of(13), of(27)));
        assert_eq!(rho[2 * 64 + 24 + 1], Complex64::new(-of(13), -of(27)));
    }

    /// Writing it stops after any of its steps, and what is found is the old one or the new one, whole.
    #[test]
    fn whatever_a_kill_leaves_one_of_the_two_is_whole() {
        let path = scratch("torn").join("x.h5");
        let (header, comm) = (asked(), crate::comm::solo());
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        sink.begin(&header).unwrap();
        sink.keep_density(&mut density(0..3)).unwrap();
        drop(sink);
        let (old, new) = (parts(density(0..3)), parts(density(0..9)));
        let identity = Identity::of(&header.parameter_hash, header.seed, header.first_trajectory);
        let file = || h5::File::open_rows(&path, None).unwrap();
        // Half a file beside it has another name.
        fs::write(path.with_extension("h5.part.77.rho"), "qsd").unwrap();
        assert!(stored(&path) == old);
        sums::write(&path, identity, &mut density(0..9)).unwrap();
        assert!(stored(&path) == old, "the file counts as long as it is whole");
        // Half of the sums.
        let (high, low) = halves(density(0..9).sums(1));
        file().dataset("state/rho_sum_low").unwrap().write_slab(1, &low).unwrap();
        file().dataset("state/rho_sum_high").unwrap().write_slab(1, &high).unwrap();
        assert!(stored(&path) == new);
        file().dataset("state/rho_checksum").unwrap().write(&[0u64]).unwrap();
        assert!(stored(&path) == new);
        // Both gone: everything starts again, and nothing is counted.
        let beside = sums::path_of(&path);
        let whole = fs::read(&beside).unwrap();
        for at in (0..whole.len()).step_by(61).chain([15, 16, 24, whole.len() - 1]) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&beside, &bytes).unwrap();
            assert_eq!(stored(&path).0, [false; 20], "byte {at}");
            fs::write(&beside, &whole[..at]).unwrap();
            assert_eq!(stored(&path).0, [false; 20], "cut at {at}");
        }
        // That of another input is not taken for ours.
        sums::write(&path, Identity::of("another", 1, 0), &mut density(0..9)).unwrap();
        assert_eq!(stored(&path).0, [false; 20]);
        // A file of somebody else is neither read nor replaced nor removed.
        fs::write(&beside, "precious").unwrap();
        assert!(sums::write(&path, identity, &mut density(0..9)).is_err());
        sums::remove(&path).unwrap();
        assert_eq!(fs::read_to_string(&beside).unwrap(), "precious");
    }

    #[test]
    fn another_number_keeps_it_and_nothing_is_taken_out_of_it() {
        let path = scratch("resized_density").join("x.h5");
        let (header, comm) = (asked(), crate::comm::solo());
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        sink.begin(&header).unwrap();
        sink.keep_density(&mut density(0..15)).unwrap();
        drop(sink);
        let with = |ntraj: u64| {
            let resolved_input = header.resolved_input.replace("ntraj = 20", &format!("ntraj = {ntraj}"));
            Header { ntraj, resolved_input, ..header.clone() }
        };
        for refused in [resize::resize(&path, &with(14)), resize::replace(&path, &with(14), None)] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("fewer trajectories than are done") && error.contains("at least 15"), "{error}");
        }
        resize::resize(&path, &with(33)).unwrap();
        let (counted, sums) = stored(&path);
        assert_eq!(counted, [vec![true; 15], vec![false; 18]].concat());
        assert_eq!(sums, parts(density(0..15)).1);
    }

    #[test]
    fn one_that_the_file_has_no_place_for_is_refused() {
        let path = scratch("placeless").join("x.h5");
        let comm = crate::comm::solo();
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        sink.begin(&header()).unwrap();
        let error = sink.keep_density(&mut density(0..20)).unwrap_err();
        assert!(error.to_string().contains("found 8 basis states at 7 times of 20 trajectories"), "{error}");
    }
}
