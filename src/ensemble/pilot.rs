//! Pilot trajectories: how large the rate of the noise becomes, before a step is chosen.
//!
//! ```text
//! Gamma = sum_k |L_k psi|^2 / |psi|^2 ,   largest over pilot trajectories and times
//! ```
//!
//! They have random streams of their own, and one seed whatever that of the run is: its step is a function of the
//! model, the method and the times, so that runs of other seeds can be merged.

use super::setup::Ensemble;
use crate::error::Error;
use crate::input::{RunSpec, TimeGrid};
use crate::integrator::{Domain, IntegrationError, MethodInfo, StreamNoise, engine_with};
use crate::kernel::{Isa, LANES};

/// Batches of eight pilot trajectories.
const BATCHES: u64 = 2;
/// Their seed.
const SEED: u64 = 0;
/// They are looked at this often at least.
const LOOKS: u64 = 200;
/// Steps of a pilot trajectory times basis states: about a second of a core for all of them.
const MOST: u64 = 1 << 23;
/// Part of the limit that is used: the run has more trajectories than the pilot, and some go further.
const MARGIN: f64 = 0.8;
/// Shorter and shorter steps are tried this often.
const ROUNDS: usize = 60;

/// What pilot trajectories saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// Largest Gamma.
    pub gamma: f64,
    /// The time they went to: the end of the run, or as far as steps were allowed.
    pub until: f64,
}

impl Seen {
    /// The longest step that keeps h * Gamma below `largest`, with a margin.
    pub fn step(self, largest: f64) -> f64 {
        MARGIN * largest / self.gamma
    }
}

/// Gamma as pilot trajectories see it, which themselves keep h * Gamma below `largest` and their step below `dt`:
/// beyond it a splitting method may go astray, and Gamma with it.
///
/// # Errors
/// `NotFinite` if no step is short enough; those of compiling the model.
pub(super) fn pilot(ensemble: &Ensemble, dt: f64, largest: f64) -> Result<Seen, Error> {
    let mut h = dt;
    let mut error = None;
    for _ in 0..ROUNDS {
        let time = grid(&ensemble.spec.time, h)?;
        let trial = ensemble.with(RunSpec { time, ..ensemble.spec.clone() })?;
        match look(&trial) {
            Ok(seen) if time.h * seen.gamma <= largest => return Ok(seen),
            Ok(seen) => h = seen.step(largest).min(0.5 * h),
            Err(broken) => (h, error) = (0.125 * h, Some(broken)),
        }
    }
    Err(error.unwrap_or(IntegrationError::NotFinite { trajectory: 0, time: 0.0, h }).into())
}

/// The times of the run with steps of at most `h`, saved often enough.
fn grid(run: &TimeGrid, h: f64) -> Result<TimeGrid, Error> {
    let steps = crate::input::steps_per_save(run.save_dt, h)?;
    let parts = LOOKS.div_ceil(run.intervals).min(steps);
    let save_dt = run.save_dt / parts as f64;
    Ok(TimeGrid::new(run.duration(), save_dt, steps.div_ceil(parts), 0.0)?)
}

/// The largest Gamma at saved times, as far as a bounded number of steps goes.
fn look(ensemble: &Ensemble) -> Result<Seen, IntegrationError> {
    let Ensemble { problem, spec, times, .. } = ensemble;
    let noise = StreamNoise::new(Domain::Pilot, SEED, MethodInfo::of(spec.method).draws(problem), problem.h);
    let mut engine = engine_with(spec.method, problem.clone(), noise, Isa::detect());
    let most = (MOST / ensemble.model.space.dim() as u64).max(1);
    let mut seen = Seen { gamma: 0.0, until: 0.0 };
    for batch in 0..BATCHES {
        engine.start(batch);
        for (interval, time) in (0..).zip(times) {
            let sample = engine.measure();
            for lane in 0..LANES {
                let (rate, norm) = (sample.rate.0[lane], sample.norm.0[lane]);
                if !(rate.is_finite() && norm.is_normal()) {
                    let trajectory = batch * LANES as u64 + lane as u64;
                    return Err(IntegrationError::NotFinite { trajectory, time: *time, h: problem.h });
                }
                seen.gamma = seen.gamma.max(rate);
            }
            seen.until = seen.until.max(*time);
            if interval == spec.time.intervals || problem.schedule.first_step(interval + 1) > most {
                break;
            }
            engine.advance(problem.schedule.steps_in(interval));
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pilot_looks_often_and_its_step_is_not_longer_than_it_may_be() {
        for (duration, save_dt, h) in [(10.0, 10.0, 0.3), (10.0, 0.01, 1.0), (10.0, 0.5, 1e-4), (1.0, 1.0, 1.0)] {
            let run = TimeGrid::new(duration, save_dt, 1, 0.5 * duration).expect("a grid");
            let grid = grid(&run, h).expect("a grid");
            let looks = grid.intervals.min(grid.steps());
            assert!(grid.h <= h && grid.h > 0.4 * h.min(save_dt), "{grid:?}");
            assert!(looks >= LOOKS.min((duration / h) as u64), "{grid:?}");
            assert!((grid.duration() - duration).abs() < 1e-9 && grid.first_save == 0);
        }
    }
}
