//! The check of the step, as the file has it.

use super::super::StoreError;
use super::super::h5::Dataset;
use super::super::layout::Kind;
use super::super::step_check::{PARTS, checksum};
use super::Results;
use crate::ensemble::{StepCheck, StepDifference};
use num_complex::Complex64;

impl Results {
    /// Trajectories of the step check that the run was asked for.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn step_check_asked(&self) -> Result<Option<u64>, StoreError> {
        if !self.file.contains("step_check") {
            return Ok(None);
        }
        Ok(Some(self.file.dataset("step_check/trajectories")?.read_one::<i64>()?.max(0) as u64))
    }

    /// The step check, if it was asked for and is done.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn step_check(&self) -> Result<Option<StepCheck>, StoreError> {
        let Some(trajectories) = self.step_check_asked()? else { return Ok(None) };
        let sum: u64 = self.file.dataset("step_check/checksum")?.read_one()?;
        if sum == 0 {
            return Ok(None);
        }
        let difference = |name: &str| {
            let [weak, weak_sem, strong] = PARTS.map(|part| {
                let data = self.file.dataset(&format!("step_check/{name}_{part}"))?;
                numbers(&data)
            });
            Ok::<_, StoreError>(StepDifference { weak: weak?, weak_sem: weak_sem?, strong: strong? })
        };
        let names: Vec<&str> = self.about("observables").split_whitespace().collect();
        let is_real = |name: &&str| Ok(self.file.dataset(name)?.kind() != Some(Kind::Complex));
        let hermitian: Vec<bool> = names.iter().map(is_real).collect::<Result<_, StoreError>>()?;
        let check = StepCheck {
            trajectories,
            h: self.file.dataset("parameters/delta_t")?.read_one()?,
            weak_order: self.file.dataset("step_check/weak_order")?.read_one()?,
            observables: names.into_iter().map(difference).collect::<Result<_, _>>()?,
        };
        Ok((checksum(&check, &hermitian) == sum).then_some(check))
    }
}

/// Real or complex.
fn numbers(data: &Dataset) -> Result<Vec<Complex64>, StoreError> {
    match data.kind() {
        Some(Kind::Complex) => data.read(),
        _ => Ok(data.read::<f64>()?.into_iter().map(Complex64::from).collect()),
    }
}
