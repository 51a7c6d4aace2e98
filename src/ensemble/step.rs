//! The step of a run that names none: a fraction of the largest stable one.

use super::Ensemble;
use crate::error::Error;
use crate::input::{Method, RunSpec, TimeGrid, steps_per_save};
use crate::model::{Kind, Model, Operator};

/// The largest stable step is divided by this. Stability is not accuracy: the measured default step of
/// Jaynes-Cummings is an eighth of its largest stable one, those of the Kerr systems are half of theirs.
const SAFETY: f64 = 8.0;
/// Step times the rate of Lindblad operators that change no Fock number: their noise is as large as it gets in any
/// state, and a longer step warns of its norm drift from the start.
const RATE: f64 = 0.04;

/// The spec with a step: at most the save interval, an eighth of the largest stable one, and short beside the rates of
/// atoms.
///
/// # Errors
/// Those of building the model.
pub fn choose_step(spec: RunSpec) -> Result<RunSpec, Error> {
    let (save_dt, duration, first_save) = (spec.time.save_dt, spec.time.duration(), spec.time.first_save);
    let provisional = Ensemble::new(spec)?;
    // A step of a splitting method is not limited by stability; one that is right for heun is short enough for it.
    let method = Method::default_of(false);
    let method = if provisional.spec.method == Method::Saba { method } else { provisional.spec.method };
    let stable = provisional.largest_stable(method, SAFETY * save_dt).map_or(save_dt, |largest| largest / SAFETY);
    let rate = bounded_rate(&provisional.model);
    let dt = if rate > 0.0 { stable.min(RATE / rate) } else { stable };
    let time = TimeGrid::new(duration, save_dt, steps_per_save(save_dt, dt)?, first_save as f64 * save_dt)?;
    Ok(RunSpec { time, ..provisional.spec })
}

/// Sum of the largest `<L^dag L>` of the operators that leave all Fock numbers as they are.
fn bounded_rate(model: &Model) -> f64 {
    let space = &model.space;
    let fock: Vec<usize> = (0..space.factors.len()).filter(|m| space.factors[*m].kind == Kind::Fock).collect();
    let keeps = |l: &&Operator| {
        l.elements().all(|((row, col), _)| fock.iter().all(|m| space.digit(row, *m) == space.digit(col, *m)))
    };
    let largest = |l: &Operator| (&l.dag() * l).elements().map(|(_, z)| z.norm()).fold(0.0, f64::max);
    model.lindblads.iter().filter(keeps).map(largest).sum()
}
