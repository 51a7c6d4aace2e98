//! The check of the step in the file: where its numbers stand and what its checksum covers.

use super::checksum::Fnv;
use crate::ensemble::{StepCheck, StepDifference};
use num_complex::Complex64;

/// Endings of the names of what was measured, in the order of the checksum.
pub const PARTS: [&str; 3] = ["weak", "weak_sem", "strong"];

/// What was measured of an observable, in the order of `PARTS`.
pub fn parts(found: &StepDifference) -> [&[Complex64]; 3] {
    [&found.weak, &found.weak_sem, &found.strong]
}

/// Of a whole check, as its numbers are stored: those of Hermitian observables are real. Never 0.
pub fn checksum(check: &StepCheck, hermitian: &[bool]) -> u64 {
    let mut sum = Fnv::new();
    sum.update(&(check.trajectories as i64).to_le_bytes());
    sum.update(&check.weak_order.to_le_bytes());
    for (found, hermitian) in check.observables.iter().zip(hermitian) {
        for z in parts(found).into_iter().flatten() {
            sum.update(&z.re.to_le_bytes());
            if !hermitian {
                sum.update(&z.im.to_le_bytes());
            }
        }
    }
    sum.finish()
}
