//! What rank 0 writes of the check of the step. Its numbers never change once they are known, so writing them again at
//! every refresh disturbs no reader; the verdict changes with the standard errors of the means.

use super::super::step_check::{PARTS, checksum, parts};
use super::super::{Results, StoreError};
use super::{H5Sink, Open, shape};
use crate::ensemble::{StepCheck, Summary};
use crate::error::Error;
use num_complex::Complex64;

impl Open {
    /// The numbers, then their checksum.
    ///
    /// # Errors
    /// `Shape` for a check that the file has no place for, `Full` or `File` if writing fails.
    pub fn write_step_check(&self, check: &StepCheck) -> Result<(), StoreError> {
        let (asked, observables) = (self.header.check_dt, &self.header.observables);
        if asked != Some(check.trajectories) || check.observables.len() != observables.len() {
            let told =
                |n: Option<u64>| n.map_or("no step check".into(), |n| format!("{n} trajectories that check the step"));
            return Err(shape(self.file.path(), "step checks", told(asked), told(Some(check.trajectories))));
        }
        let factor = check.extrapolation();
        for (info, found) in observables.iter().zip(&check.observables) {
            let put = |part: &str, values: &[Complex64]| {
                let data = self.file.dataset(&format!("step_check/{}_{part}", info.name))?;
                match info.hermitian {
                    true => data.write(&values.iter().map(|z| z.re).collect::<Vec<_>>()),
                    false => data.write(values),
                }
            };
            for (part, values) in PARTS.into_iter().zip(parts(found)) {
                put(part, values)?;
            }
            put("bias", &found.weak.iter().map(|z| z * factor).collect::<Vec<_>>())?;
        }
        self.put_one("step_check/weak_order", check.weak_order)?;
        let hermitian: Vec<bool> = observables.iter().map(|o| o.hermitian).collect();
        self.put_one("step_check/checksum", checksum(check, &hermitian))
    }

    /// What it means for these statistics.
    pub(super) fn write_step_verdict(&self, check: &StepCheck, summary: &Summary) -> Result<(), StoreError> {
        let (infos, times) = (&self.header.observables, &self.header.times);
        let found = check.judge(infos, times, &summary.observables, summary.n_done);
        self.put_one("step_check/verdict", found.verdict.map_or(-1, |size| size as i8))?;
        self.put_one("step_check/sufficient_step", found.sufficient_step.unwrap_or(f64::NAN))
    }

    /// Everything that the file has room for is in it.
    pub(super) fn is_whole(&self, summary: &Summary) -> bool {
        let is_checked = self.header.check_dt.is_none() || summary.check.is_some();
        summary.n_done == self.header.ntraj && is_checked && self.is_averaged(summary)
    }
}

impl H5Sink<'_> {
    /// Collective: what an earlier start has found, on rank 0.
    pub(super) fn find_step_check(&self) -> Result<Option<StepCheck>, Error> {
        if self.fresh {
            return Ok(None);
        }
        Ok(self.on_root(|| Results::open(self.path())?.step_check())?.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{header, rows, scratch, summary};
    use super::super::super::{Place, h5};
    use super::*;
    use crate::ensemble::{Begun, Header, Sink, StepDifference, StepSize};

    fn asked() -> Header {
        Header { check_dt: Some(8), ..header() }
    }

    /// Small beside the standard errors of the summary; of a real and a complex observable.
    fn check(header: &Header) -> StepCheck {
        let times = header.times.len();
        let all = |re: f64, im: f64| vec![Complex64::new(re, im); times];
        let of = |im: f64| StepDifference { weak: all(1e-3, im), weak_sem: all(1e-4, im), strong: all(2e-3, im) };
        StepCheck { trajectories: 8, h: 0.01, weak_order: 1.0, observables: vec![of(0.0), of(1e-3)] }
    }

    #[test]
    fn a_file_is_complete_with_its_check_and_a_check_is_found_again() {
        let path = scratch("checked").join("x.h5");
        let (header, comm) = (asked(), crate::comm::solo());
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        assert_eq!(sink.begin(&header).unwrap(), Begun::New);
        assert_eq!(sink.step_check().unwrap(), None);
        for (first, count) in [(100, 4), (104, 8), (112, 8)] {
            sink.accept(&rows(&header, first, count)).unwrap();
        }
        sink.finish(Some(&summary(&header))).unwrap();
        let state = || Results::open(&path).unwrap().state().unwrap();
        assert_eq!((state().n_done, state().complete), (20, false), "all rows and no check");

        let whole = Summary { check: Some(check(&header)), ..summary(&header) };
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        assert_eq!(sink.begin(&header).unwrap(), Begun::Resumed);
        sink.refresh(&whole).unwrap();
        drop(sink);
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        assert_eq!(sink.begin(&header).unwrap(), Begun::Resumed);
        assert_eq!(sink.step_check().unwrap(), whole.check, "kept by a refresh");
        sink.finish(Some(&whole)).unwrap();
        assert!(state().complete);

        let file = h5::File::open_rows(&path, None).unwrap();
        assert_eq!(file.dataset("step_check/verdict").unwrap().read_one::<i8>().unwrap(), StepSize::Below as i8);
        assert_eq!(
            file.dataset("step_check/n_bias").unwrap().read::<f64>().unwrap()[3],
            2e-3,
            "2^1/(2^1 - 1) times weak"
        );
        file.dataset("step_check/a_weak").unwrap().write(&[Complex64::ZERO; 7]).unwrap();
        file.close().unwrap();
        assert_eq!(Results::open(&path).unwrap().step_check().unwrap(), None, "not what was written");
    }

    #[test]
    fn a_check_that_nobody_asked_for_has_no_place() {
        let path = scratch("unasked").join("x.h5");
        let comm = crate::comm::solo();
        let mut sink = H5Sink::new(Place::new(&path), comm.as_ref());
        sink.begin(&header()).unwrap();
        let error = sink.refresh(&Summary { check: Some(check(&header())), ..summary(&header()) }).unwrap_err();
        assert!(error.to_string().contains("no step check"), "{error}");
    }
}
