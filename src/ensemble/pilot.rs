//! Pilot trajectories: how large the rate of the noise becomes and how fast its operators turn, before a step is chosen.
//!
//! ```text
//! Gamma = sum_k |L_k psi|^2 / |psi|^2 ,   largest over pilot trajectories and times
//! omega = largest over k of  max |d_k psi| / max |L_k psi| ,   d_k = [K, L_k] as the noise feels it
//! ```
//!
//! A method that splits the equation lets the noise act at a few times of a step, although L changes all the time by
//! exp(-K t) L exp(K t) = L - t [K, L] + ... . What of it the noise does not feel is taken out of `d_k psi`: the mean,
//! since it acts through `L - <L>`, and what only turns the phase of `(L - <L>) psi`, since that of the noise is random.
//!
//! They have random streams of their own, and one seed whatever that of the run is: its step is a function of the
//! model, the method and the times, so that runs of other seeds can be merged.

use super::setup::Ensemble;
use crate::error::Error;
use crate::input::{RunSpec, TimeGrid};
use crate::integrator::{Domain, IntegrationError, MethodInfo, StreamNoise, engine_with};
use crate::kernel::{Isa, LANES};
use crate::model::Operator;
use num_complex::Complex64;

/// Batches of eight pilot trajectories.
const BATCHES: u64 = 2;
/// Their seed.
const SEED: u64 = 0;
/// They are looked at this often at least.
const LOOKS: u64 = 200;
/// Steps of a pilot trajectory times basis states: about a second of a core for all of them.
const MOST: u64 = 1 << 23;
/// The same for a glance.
const MOST_OF_GLANCE: u64 = MOST >> 3;
/// Step times omega is kept below this by methods that need h * Gamma small. An atom with Rabi frequency Omega has
/// omega = Omega/2 or less, and at h * Omega = 2 pi no kick would know that it turned.
pub(super) const LARGEST_H_OMEGA: f64 = 0.5;
/// Part of the limit that is used: the run has more trajectories than the pilot, and some go further.
const MARGIN: f64 = 0.8;
/// Shorter and shorter steps are tried this often.
const ROUNDS: usize = 60;

/// What pilot trajectories saw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    /// Largest Gamma.
    pub gamma: f64,
    /// omega.
    pub omega: f64,
    /// The time they went to: the end of the run, or as far as steps were allowed.
    pub until: f64,
}

impl Seen {
    /// The longest step that keeps h * Gamma below `largest`, with a margin.
    pub fn step_by_gamma(self, largest: f64) -> f64 {
        MARGIN * largest / self.gamma
    }

    /// The longest step that keeps h * omega below its limit, with a margin.
    pub fn step_by_omega(self) -> f64 {
        MARGIN * LARGEST_H_OMEGA / self.omega
    }

    /// Whether steps of `h` have been short enough.
    fn allows(self, h: f64, largest: f64) -> bool {
        h * self.gamma <= largest && h * self.omega <= LARGEST_H_OMEGA
    }
}

/// Gamma and omega as pilot trajectories see them, which themselves keep h * Gamma below `largest` and their step below
/// `dt`: beyond it a splitting method may go astray, and what they see with it.
///
/// # Errors
/// `NotFinite` if no step is short enough; those of compiling the model.
pub(super) fn pilot(ensemble: &Ensemble, dt: f64, largest: f64) -> Result<Seen, Error> {
    let mut h = dt;
    let mut error = None;
    for _ in 0..ROUNDS {
        let time = grid(&ensemble.spec.time, h)?;
        let trial = ensemble.with(RunSpec { time, ..ensemble.spec.clone() })?;
        match look(&trial, BATCHES, MOST) {
            Ok(seen) if seen.allows(time.h, largest) => return Ok(seen),
            Ok(seen) => h = seen.step_by_gamma(largest).min(seen.step_by_omega()).min(0.5 * h),
            Err(broken) => (h, error) = (0.125 * h, Some(broken)),
        }
    }
    Err(error.unwrap_or(IntegrationError::NotFinite { trajectory: 0, time: 0.0, h }).into())
}

/// What one batch sees on its first steps as long as those of the run; nothing if it broke.
pub(super) fn glance(ensemble: &Ensemble) -> Option<Seen> {
    look(ensemble, 1, MOST_OF_GLANCE).ok()
}

/// The times of the run with steps of at most `h`, saved often enough.
fn grid(run: &TimeGrid, h: f64) -> Result<TimeGrid, Error> {
    let steps = crate::input::steps_per_save(run.save_dt, h)?;
    let parts = LOOKS.div_ceil(run.intervals).min(steps);
    let save_dt = run.save_dt / parts as f64;
    Ok(TimeGrid::new(run.duration(), save_dt, steps.div_ceil(parts), 0.0)?)
}

/// One channel: `L` and `[K, L]`, and the largest squared norms seen of what they make of a ket.
struct Turning {
    l: Operator,
    commutator: Operator,
    largest_l: f64,
    largest_d: f64,
}

impl Turning {
    fn new(k: &Operator, l: &Operator) -> Self {
        let commutator = &(k * l) - &(l * k);
        Turning { l: l.clone(), commutator, largest_l: 0.0, largest_d: 0.0 }
    }

    /// Take a normalised ket into account.
    fn see(&mut self, psi: &[Complex64]) {
        let mut l = self.l.apply(psi);
        self.largest_l = self.largest_l.max(norm_sqr(&l));
        let mut d = self.commutator.apply(psi);
        for turned in [&mut l, &mut d] {
            let mean = product(psi, turned);
            turned.iter_mut().zip(psi).for_each(|(x, psi)| *x -= mean * psi);
        }
        let spread = norm_sqr(&l);
        if spread > 0.0 {
            let phase = Complex64::new(0.0, product(&l, &d).im / spread);
            d.iter_mut().zip(&l).for_each(|(d, l)| *d -= phase * l);
        }
        self.largest_d = self.largest_d.max(norm_sqr(&d));
    }

    /// omega of this channel.
    fn omega(&self) -> f64 {
        if self.largest_l > 0.0 { (self.largest_d / self.largest_l).sqrt() } else { 0.0 }
    }
}

fn product(a: &[Complex64], b: &[Complex64]) -> Complex64 {
    a.iter().zip(b).map(|(a, b)| a.conj() * b).sum()
}

fn norm_sqr(a: &[Complex64]) -> f64 {
    a.iter().map(Complex64::norm_sqr).sum()
}

/// The largest Gamma and omega at saved times, as far as a bounded number of steps goes.
fn look(ensemble: &Ensemble, batches: u64, most: u64) -> Result<Seen, IntegrationError> {
    let Ensemble { problem, spec, times, .. } = ensemble;
    let noise = StreamNoise::new(Domain::Pilot, SEED, MethodInfo::of(spec.method).draws(problem), problem.h);
    let mut engine = engine_with(spec.method, problem.clone(), Box::new(noise), Isa::detect());
    let most = (most / ensemble.model.space.dim() as u64).max(1);
    let k = &problem.unravelling.drift;
    let mut channels: Vec<Turning> = problem.unravelling.channels.iter().map(|l| Turning::new(k, l)).collect();
    let mut seen = Seen { gamma: 0.0, omega: 0.0, until: 0.0 };
    for batch in 0..batches {
        engine.start(batch);
        for (interval, time) in (0..).zip(times) {
            let sample = engine.measure();
            let (rates, norms) = (sample.rate, sample.norm);
            for lane in 0..LANES {
                let (rate, norm) = (rates.0[lane], norms.0[lane]);
                if !(rate.is_finite() && norm.is_normal()) {
                    let trajectory = batch * LANES as u64 + lane as u64;
                    return Err(IntegrationError::NotFinite { trajectory, time: *time, h: problem.h });
                }
                seen.gamma = seen.gamma.max(rate);
                let psi = engine.ket(lane);
                channels.iter_mut().for_each(|channel| channel.see(&psi));
            }
            seen.until = seen.until.max(*time);
            if interval == spec.time.intervals || problem.schedule.first_step(interval + 1) > most {
                break;
            }
            engine.advance(problem.schedule.steps_in(interval));
        }
    }
    seen.omega = channels.iter().map(Turning::omega).fold(0.0, f64::max);
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
