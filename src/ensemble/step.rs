//! The step of a run that names none: a fraction of the largest stable one.

use crate::error::Error;
use crate::input::{RunSpec, TimeGrid, steps_per_save};
use crate::integrator::largest_stable_step;
use crate::model::{Model, TimeFunction};
use crate::unravelling::Unravelling;

/// The largest stable step is divided by this. Stability is not accuracy: the measured default step of
/// Jaynes-Cummings is an eighth of its largest stable one, those of the Kerr systems are half of theirs.
const SAFETY: f64 = 8.0;
/// Times at which coefficients are looked at.
const LOOKS: usize = 64;

/// The spec with a step: at most the save interval, and an eighth of the largest stable one.
///
/// # Errors
/// Those of building the model.
pub fn choose_step(spec: RunSpec) -> Result<RunSpec, Error> {
    let (save_dt, duration) = (spec.time.save_dt, spec.time.duration());
    let drift = Unravelling::qsd(&at_its_strongest(spec.model()?, duration), false).drift;
    let dt = match largest_stable_step(spec.method, &drift, SAFETY * save_dt, duration) {
        None => save_dt,
        Some(largest) => largest / SAFETY,
    };
    let from = spec.time.first_save as f64 * save_dt;
    let time = TimeGrid::new(duration, save_dt, steps_per_save(save_dt, dt)?, from)?;
    Ok(RunSpec { time, ..spec })
}

/// The model without time dependence, every coefficient at the time when they are largest together.
fn at_its_strongest(mut model: Model, duration: f64) -> Model {
    let times = (0..=LOOKS).map(|i| duration * i as f64 / LOOKS as f64).chain(model.dynamics.breakpoints());
    let strength = |t: f64| model.dynamics.functions().map(|f| f.value(t).norm()).sum::<f64>();
    let strongest = times
        .filter(|t| (0.0..=duration).contains(t))
        .map(|t| (strength(t), t))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map_or(0.0, |(_, t)| t);
    let at = |f: &TimeFunction| f.value(strongest);
    for drive in std::mem::take(&mut model.dynamics.drives) {
        model.hamiltonian = &model.hamiltonian + &drive.operator.scale(at(&drive.coefficient));
    }
    for modulation in std::mem::take(&mut model.dynamics.modulations) {
        let l = &mut model.lindblads[modulation.lindblad];
        *l = l.scale(at(&modulation.coefficient));
    }
    model
}
