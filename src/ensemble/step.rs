//! The step of a run that names none: a fraction of the largest stable one.

use super::Ensemble;
use crate::error::Error;
use crate::input::{RunSpec, TimeGrid, steps_per_save};

/// The largest stable step is divided by this. Stability is not accuracy: the measured default step of
/// Jaynes-Cummings is an eighth of its largest stable one, those of the Kerr systems are half of theirs.
const SAFETY: f64 = 8.0;

/// The spec with a step: at most the save interval, and an eighth of the largest stable one.
///
/// # Errors
/// Those of building the model.
pub fn choose_step(spec: RunSpec) -> Result<RunSpec, Error> {
    let (save_dt, duration, first_save) = (spec.time.save_dt, spec.time.duration(), spec.time.first_save);
    let provisional = Ensemble::new(spec)?;
    let dt = provisional.largest_stable(SAFETY * save_dt).map_or(save_dt, |largest| largest / SAFETY);
    let time = TimeGrid::new(duration, save_dt, steps_per_save(save_dt, dt)?, first_save as f64 * save_dt)?;
    Ok(RunSpec { time, ..provisional.spec })
}
