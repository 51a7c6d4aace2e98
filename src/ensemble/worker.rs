//! A thread that integrates one batch after another.

use super::setup::Ensemble;
use super::slice::Trajectories;
use super::statistics::{Node, Shape};
use super::{RowInfo, Rows};
use crate::input::StoreStates;
use crate::integrator::{Domain, Engine, IntegrationError, Sample, engine, stream_number};
use crate::kernel::{Isa, LANES};
use ndarray::{Array2, Array3, aview1, s};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// A worker looks up from its steps about this often.
const QUANTUM: Duration = Duration::from_millis(100);
/// Steps before the cost of a step is known.
const FIRST_QUANTUM: u64 = 16;

/// A finished batch.
pub(super) struct Finished {
    pub batch: u64,
    pub rows: Rows,
    pub leaf: Node,
}

/// What a rank's threads share.
pub(super) struct Shared<'a> {
    pub ensemble: &'a Ensemble,
    pub shape: Shape,
    pub trajectories: Trajectories,
    pub next: AtomicU64,
    pub end: u64,
    /// Set when the run is to end early.
    pub stop: AtomicBool,
    /// Trajectory steps taken, padding left out.
    pub steps: AtomicU64,
    /// Microseconds of cores spent integrating.
    pub busy: AtomicU64,
}

/// Integrate batches until there are none, one fails, or the run ends early.
pub(super) fn work(shared: &Shared, done: &SyncSender<Result<Finished, IntegrationError>>) {
    let spec = &shared.ensemble.spec;
    let mut engine = engine(spec.method, shared.ensemble.problem.clone(), spec.seed, Isa::detect());
    loop {
        let batch = shared.next.fetch_add(1, Ordering::Relaxed);
        if batch >= shared.end || shared.stop.load(Ordering::Relaxed) {
            return;
        }
        let started = Instant::now();
        let rows = integrate(shared, engine.as_mut(), batch);
        let spent = started.elapsed();
        shared.busy.fetch_add(spent.as_micros() as u64, Ordering::Relaxed);
        let message = match rows {
            Ok(Some(mut rows)) => {
                let each = spent.as_secs_f64() / rows.info.len() as f64;
                rows.info.iter_mut().for_each(|info| info.cpu_time = each);
                let leaf = Node::leaf(&shared.shape, &rows);
                Ok(Finished { batch, rows, leaf })
            }
            Ok(None) => return,
            Err(error) => Err(error),
        };
        // Nobody listens any more when the run ends early.
        let failed = message.is_err();
        if done.send(message).is_err() || failed {
            return;
        }
    }
}

/// The rows of one batch, or nothing if the run ended early.
fn integrate(shared: &Shared, engine: &mut dyn Engine, batch: u64) -> Result<Option<Rows>, IntegrationError> {
    let ensemble = shared.ensemble;
    let (spec, grid) = (&ensemble.spec, &ensemble.spec.time);
    let lanes = shared.trajectories.lanes(batch);
    let mut filling = Filling::new(ensemble, batch, lanes.clone());
    let mut quantum = FIRST_QUANTUM;
    engine.start(batch);
    for interval in 0..=grid.intervals {
        if interval >= grid.first_save {
            let sample = engine.measure();
            filling.take(ensemble, (interval - grid.first_save) as usize, sample)?;
            let last = interval == grid.intervals;
            if spec.store_states == Some(StoreStates::All) || (last && spec.store_states.is_some()) {
                filling.keep(engine);
            }
        }
        if interval == grid.intervals {
            break;
        }
        let mut left = ensemble.problem.schedule.steps_in(interval);
        while left > 0 {
            if shared.stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let steps = quantum.min(left);
            let started = Instant::now();
            engine.advance(steps);
            shared.steps.fetch_add(steps * lanes.len() as u64, Ordering::Relaxed);
            left -= steps;
            quantum = next_quantum(steps, started.elapsed());
        }
    }
    Ok(Some(filling.finish(ensemble, engine)))
}

/// Steps that would take about `QUANTUM`. It only decides when to look up: no number depends on it.
fn next_quantum(steps: u64, took: Duration) -> u64 {
    let wanted = steps as f64 * QUANTUM.as_secs_f64() / took.as_secs_f64().max(1e-6);
    (wanted as u64).clamp(1, 64 * steps)
}

/// Rows on their way to being finished.
struct Filling {
    batch: u64,
    lanes: Range<usize>,
    rows: Rows,
    kets: usize,
}

impl Filling {
    fn new(ensemble: &Ensemble, batch: u64, lanes: Range<usize>) -> Self {
        let (count, times, dim) = (lanes.len(), ensemble.times.len(), ensemble.model.space.dim());
        let first = batch * LANES as u64 + lanes.start as u64;
        let info = (0..count as u64)
            .map(|row| RowInfo {
                rng_stream: stream_number(Domain::Run, ensemble.spec.seed, first + row),
                steps: ensemble.problem.schedule.first_step(ensemble.spec.time.intervals) as i64,
                ..RowInfo::default()
            })
            .collect();
        let rows = Rows {
            first,
            expect: ensemble.observables.iter().map(|_| Array2::zeros((count, times))).collect(),
            leak: ensemble.leaks.iter().map(|_| Array2::zeros((count, times))).collect(),
            states: ensemble.states().map(|states| Array3::zeros((count, states.times.len(), dim))),
            info,
        };
        Filling { batch, lanes, rows, kets: 0 }
    }

    /// Put a sample into column `at`.
    fn take(&mut self, ensemble: &Ensemble, at: usize, sample: &Sample) -> Result<(), IntegrationError> {
        let h = ensemble.problem.h;
        for (row, lane) in self.lanes.clone().enumerate() {
            let trajectory = self.batch * LANES as u64 + lane as u64;
            let finite = sample.norm.0[lane].is_normal() && sample.observables.iter().all(|z| z.lane(lane).is_finite());
            if !finite {
                return Err(IntegrationError::NotFinite { trajectory, time: ensemble.times[at], h });
            }
            for (series, value) in self.rows.expect.iter_mut().zip(&sample.observables) {
                series[[row, at]] = value.lane(lane);
            }
            for (series, value) in self.rows.leak.iter_mut().zip(&sample.watched) {
                series[[row, at]] = value.0[lane];
            }
            let info = &mut self.rows.info[row];
            let h_gamma = h * sample.rate.0[lane];
            info.h_gamma = info.h_gamma.max(h_gamma);
            info.h_gamma_above_half += i64::from(h_gamma > 0.5);
            info.h_gamma_above_one += i64::from(h_gamma > 1.0);
        }
        Ok(())
    }

    /// Keep the kets of this time.
    fn keep(&mut self, engine: &dyn Engine) {
        let Some(states) = &mut self.rows.states else { return };
        for (row, lane) in self.lanes.clone().enumerate() {
            states.slice_mut(s![row, self.kets, ..]).assign(&aview1(&engine.ket(lane)));
        }
        self.kets += 1;
    }

    fn finish(mut self, ensemble: &Ensemble, engine: &dyn Engine) -> Rows {
        let drift = engine.norm_drift();
        for (info, lane) in self.rows.info.iter_mut().zip(self.lanes) {
            info.norm_drift = drift.0[lane];
        }
        debug_assert!(ensemble.states().is_none_or(|states| states.times.len() == self.kets));
        self.rows
    }
}
