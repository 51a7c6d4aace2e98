//! The start: what stands at the place of the output, and what comes of it.

use super::super::layout::check_names;
use super::super::sweep::check_none_begun;
use super::super::{Results, StoreError, place, same, skeleton};
use super::{File, H5Sink, Open, shape, unopened};
use crate::comm;
use crate::ensemble::{Begun, Header};
use crate::error::{Error, exit};
use crate::input::Io;
use std::path::Path;

impl H5Sink<'_> {
    /// Collective: the file open on all ranks, made or found; or complete, and then untouched.
    pub(super) fn start(&mut self, header: &Header) -> Result<Begun, Error> {
        self.agree(check_header(self.path(), header))?;
        // Before anything is tried: a finished file may be where nothing can be written.
        let found = self.look(header)?;
        if found != Begun::New && found != Begun::Resumed {
            return Ok(found);
        }
        self.check_directory()?;
        self.lock = self.on_root(|| place::Lock::take(self.path(), self.comm.size() == 1))?;
        // Once more, now that nobody else can change it.
        let found = self.look(header)?;
        if found != Begun::New && found != Begun::Resumed {
            self.lock = None;
            return Ok(found);
        }
        self.on_root(|| {
            if self.lock.as_ref().is_some_and(place::Lock::is_held) {
                place::remove_leftovers(self.path());
            }
            Ok(())
        })?;
        self.fresh = found == Begun::New;
        self.on_root(|| if self.fresh { skeleton::create(self.path(), header) } else { Ok(()) })?;
        self.unused = self.fresh && self.comm.is_root();
        self.open_rows(header)?;
        if let Some(open) = &mut self.open {
            open.watches = self.comm.is_root();
        }
        self.unused = false;
        if !self.fresh {
            self.on_root(|| self.open.as_ref().map_or(Ok(()), |open| open.write_start(header)))?;
        }
        self.find_density(header)?;
        self.survey(header)?;
        Ok(found)
    }

    /// Collective: the same answer on all ranks, for which only rank 0 looks.
    fn look(&self, header: &Header) -> Result<Begun, Error> {
        let found = self.on_root(|| match place::standing(self.path(), self.place.existing)? {
            Some(results) => what_is_left(&results, header),
            None => check_none_begun(self.path()).map(|()| Begun::New),
        })?;
        let code = match found {
            Some(Begun::Complete { exit_code }) => exit_code,
            Some(Begun::Resumed) => -2,
            _ => -1,
        };
        let code = self.comm.broadcast(code.to_le_bytes().to_vec());
        Ok(match code.try_into().map_or(-1, i32::from_le_bytes) {
            -1 => Begun::New,
            -2 => Begun::Resumed,
            exit_code => Begun::Complete { exit_code },
        })
    }

    /// Collective: it can be written, by all ranks that are to write.
    fn check_directory(&self) -> Result<(), Error> {
        if self.place.io == Io::Gather {
            let alone = comm::solo();
            let check = || place::check_directory(self.path(), alone.as_ref());
            return self.on_root(|| check().map_err(|e| e.unwrap_or_else(|| unopened(self.path())))).map(drop);
        }
        place::check_directory(self.path(), self.comm).map_err(|e| e.map_or(Error::Elsewhere, Error::from))
    }

    fn open_rows(&mut self, header: &Header) -> Result<(), Error> {
        self.header = Some(header.clone());
        if self.place.io == Io::Gather {
            self.open = self.on_root(|| Open::alone(self.path(), header))?;
            return Ok(());
        }
        let inode = self.on_root(|| place::inode(self.path()))?;
        let inode = self.comm.broadcast(inode.unwrap_or(0).to_le_bytes().to_vec());
        let inode = inode.try_into().map(u64::from_le_bytes).unwrap_or(0);
        let descriptor = self.agree(place::await_file(self.path(), inode))?;
        let raw = self.comm.raw();
        let file = File::open_rows(self.path(), raw).map_err(|error| match (raw, error) {
            (Some(_), StoreError::File { path, doing, detail }) => {
                StoreError::File { path, doing, detail: format!("{detail}; {SERIALLY}") }
            }
            (_, error) => error,
        });
        let file = self.agree(file)?;
        self.open = Some(self.agree(Open::new(file, header, descriptor))?);
        Ok(())
    }
}

/// What to try where MPI-IO does not work.
const SERIALLY: &str = "if this file system is not made for MPI-IO, --io gather writes through rank 0 alone";

/// What a file of ours means to a run of this input.
fn what_is_left(results: &Results, header: &Header) -> Result<Begun, StoreError> {
    same::check(results, header, &[])?;
    let state = results.state()?;
    if state.complete && state.ntraj == header.ntraj && results.is_small() && !results.is_whole()? {
        log::warn!(
            "{} has changed since it was written: what is not valid any more is integrated again",
            results.path().display()
        );
    } else if state.complete {
        let exit_code = results.runs()?.last().map_or(exit::DONE, |run| run.exit_code.max(exit::DONE));
        return Ok(Begun::Complete { exit_code });
    }
    if state.ntraj != header.ntraj {
        let (expected, found) = (header.ntraj.to_string(), state.ntraj.to_string());
        return Err(shape(results.path(), "the rows of its own input", expected, found));
    }
    same::warn_of_versions(results, header)?;
    Ok(Begun::Resumed)
}

fn check_header(path: &Path, header: &Header) -> Result<(), StoreError> {
    if header.ntraj == 0 || header.times.is_empty() {
        let found = format!("{} trajectories and {} times", header.ntraj, header.times.len());
        return Err(shape(path, "trajectories and times", "at least one of each".into(), found));
    }
    check_names(header)
}

#[cfg(test)]
mod tests {
    use super::super::super::h5;
    use super::super::super::testing::{header, rows, scratch, summary, written};
    use super::super::super::{H5Sink, Place};
    use super::*;
    use crate::ensemble::Sink;
    use crate::input::Existing;
    use std::fs;

    /// Begin on what is at `path`, and let go.
    fn begin(path: &Path, header: &Header, existing: Existing) -> Result<Begun, String> {
        let comm = crate::comm::solo();
        let mut sink = H5Sink::new(Place { existing, ..Place::new(path) }, comm.as_ref());
        sink.begin(header).map_err(|error| error.to_string())
    }

    fn names(path: &Path) -> Vec<String> {
        let entries = fs::read_dir(path.parent().unwrap()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_without_all_its_rows_is_gone_on_with_and_its_runs_are_counted() {
        let path = scratch("begun").join("x.h5");
        written(&path, &header(), 11);
        fs::write(path.with_extension("h5.part.77"), "half").unwrap();
        let again = Header { ranks: 3, host: "n2".into(), started: "2026-01-03T00:00:00Z".into(), ..header() };
        for run in 2..70 {
            assert_eq!(begin(&path, &again, Existing::Resume), Ok(Begun::Resumed));
            let runs = Results::open(&path).unwrap().runs().unwrap();
            let last = runs.last().unwrap();
            assert_eq!((runs.len(), last.host.as_str(), last.ranks, last.exit_code), (run.min(64), "n2", 3, -1));
            assert_eq!((runs[0].host.as_str(), runs[0].ranks), ("n1", 1), "the first is kept");
        }
        assert_eq!(names(&path), ["x.h5"], "neither lock nor leftovers");
        assert_eq!(Results::open(&path).unwrap().valid_rows().unwrap().iter().filter(|valid| **valid).count(), 11);
    }

    #[test]
    fn a_complete_file_is_said_to_be_and_not_touched() {
        let path = scratch("complete").join("x.h5");
        written(&path, &header(), 20);
        let (before, modified) = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().modified().unwrap());
        assert_eq!(begin(&path, &header(), Existing::Resume), Ok(Begun::Complete { exit_code: 0 }));
        assert!(fs::read(&path).unwrap() == before && fs::metadata(&path).unwrap().modified().unwrap() == modified);
        assert_eq!(names(&path), ["x.h5"]);
        assert_eq!(begin(&path, &header(), Existing::Replace), Ok(Begun::New));
    }

    #[test]
    fn another_input_is_refused_by_its_first_key_and_leaves_the_file_alone() {
        let path = scratch("other").join("x.h5");
        written(&path, &header(), 11);
        let before = fs::read(&path).unwrap();
        let said = |from: &str, to: &str| {
            let mut other = header();
            other.resolved_input = other.resolved_input.replace(from, to);
            begin(&path, &other, Existing::Resume).unwrap_err()
        };
        let error = said("seed = 5", "seed = 6");
        assert!(error.contains("x.h5 was made with --seed 5, and this run has --seed 6; choose another"), "{error}");
        let error = said("ntraj = 20", "ntraj = 30");
        assert!(error.contains("--ntraj 20") && error.contains("qsd extend FILE --ntraj N"), "{error}");
        assert!(begin(&path, &header(), Existing::Refuse).unwrap_err().contains("--no-resume"));
        fs::write(&path, &before[..before.len() / 2]).unwrap();
        let error = begin(&path, &header(), Existing::Resume).unwrap_err();
        assert!(error.contains("cut off") && error.contains("remove it"), "{error}");
        fs::write(&path, &before).unwrap();
        assert!(fs::read(&path).unwrap() == before);
        assert_eq!(names(&path), ["x.h5"], "no lock is left");
    }

    #[test]
    fn a_file_whose_seeds_mean_other_numbers_is_refused() {
        let path = scratch("numbers").join("x.h5");
        written(&path, &header(), 11);
        let file = h5::File::open_rows(&path, None).unwrap();
        file.remove_attribute("/", "numbers").unwrap();
        file.set_count("/", "numbers", 7).unwrap();
        file.close().unwrap();
        let error = begin(&path, &header(), Existing::Resume).unwrap_err();
        assert!(
            error.contains("begun by qsd 0.1.0, whose seeds give other numbers (its attribute numbers is 7"),
            "{error}"
        );
    }

    #[test]
    fn what_was_kept_has_the_bits_that_were_written_and_a_touched_batch_is_not_among_it() {
        let path = scratch("kept").join("x.h5");
        let header = header();
        written(&path, &header, 20);
        let file = h5::File::open_rows(&path, None).unwrap();
        // Row 5 is in batch 13 of the batches 12 to 14.
        file.dataset("steps").unwrap().write_slab(5, &[7i64]).unwrap();
        file.dataset("state/complete").unwrap().write(&[0u8]).unwrap();
        file.close().unwrap();
        let comm = crate::comm::solo();
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        assert_eq!(sink.begin(&header).unwrap(), Begun::Resumed);
        let mut shown = vec![];
        let kept = sink.kept(12..15, &mut |batch, rows| shown.push((batch, rows.clone()))).unwrap();
        assert_eq!(kept, [12, 14]);
        let expected = [(12, rows(&header, 100, 4)), (14, rows(&header, 112, 8))].map(|(batch, mut rows)| {
            rows.info.iter_mut().for_each(|info| info.cpu_time = 0.0);
            (batch, rows)
        });
        assert_eq!(shown, expected);
        assert_eq!(sink.kept(14..15, &mut |_, _| ()).unwrap(), [14]);
        sink.accept(&rows(&header, 104, 8)).unwrap();
        assert_eq!(sink.kept(12..15, &mut |_, _| ()).unwrap(), [12, 13, 14], "read again after it was written");
        sink.finish(Some(&summary(&header))).unwrap();
        assert!(Results::open(&path).unwrap().state().unwrap().complete);
    }

    #[test]
    fn statistics_are_refreshed_while_it_runs() {
        let path = scratch("refreshed").join("x.h5");
        let header = header();
        let comm = crate::comm::solo();
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        assert_eq!(sink.begin(&header).unwrap(), Begun::New);
        assert_eq!(sink.kept(12..15, &mut |_, _| panic!("a new file has no rows")).unwrap(), [0; 0]);
        sink.accept(&rows(&header, 100, 4)).unwrap();
        let so_far = crate::ensemble::Summary { n_done: 4, ..summary(&header) };
        sink.refresh(&so_far).unwrap();
        let results = Results::open(&path).unwrap();
        let state = results.state().unwrap();
        assert_eq!((state.n_done, state.stats_n, state.complete), (4, 4, false));
        assert_eq!(state.end_condition, "not finished");
        assert_eq!(results.statistics().unwrap().unwrap()[1], so_far.observables[1]);
        assert_eq!(results.runs().unwrap()[0].exit_code, -1);
        drop(results);
        sink.finish(Some(&crate::ensemble::Summary { end_condition: "timeout".into(), exit_code: 75, ..so_far }))
            .unwrap();
        let state = Results::open(&path).unwrap().state().unwrap();
        assert_eq!((state.n_done, state.complete, state.end_condition.as_str()), (4, false, "timeout"));
    }
}
