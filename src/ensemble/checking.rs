//! The check of a step while it goes on: an ensemble of differences, which nobody keeps.
//!
//! Its trajectories have streams of their own (`Domain::Check`, numbers from 0), so no number of the run depends on
//! it. Its batches are handed out with those of the first round, before them: they take longest, and ranks need not wait for
//! each other. Differences are summed as all statistics are, along the tree over batch numbers.

use super::rank::gather;
use super::setup::Ensemble;
use super::slice::part;
use super::statistics::{Forest, Node, Shape};
use super::step_check::StepCheck;
use super::worker::{Shared, fly};
use super::{Rows, Sink};
use crate::comm::Comm;
use crate::error::Error;
use crate::input::RunSpec;
use crate::integrator::{IntegrationError, check_engine};
use crate::kernel::{Isa, LANES};
use std::ops::Range;
use std::sync::Arc;

/// A batch of the check takes as long as so many others: once in steps h, and twice as many of h/2.
const COST: u64 = 3;

/// What is to be integrated.
pub(super) struct Task {
    /// With steps h and h/2; they keep no kets.
    coarse: Ensemble,
    fine: Ensemble,
    shape: Shape,
    trajectories: u64,
}

/// The check of a run, on one rank.
pub(super) struct Checking {
    /// None if nobody asked for it, or an earlier start has done it, or when its round is over.
    task: Option<Arc<Task>>,
    /// Of the batches done here.
    forest: Forest,
    /// On rank 0, when it is whole.
    found: Option<StepCheck>,
    /// Trajectory steps of all ranks.
    steps: u64,
}

impl Checking {
    /// Collective: what there is to do.
    pub fn begin(ensemble: &Ensemble, sink: &mut dyn Sink, comm: &dyn Comm) -> Result<Self, Error> {
        let mut checking = Checking { task: None, forest: Forest::default(), found: None, steps: 0 };
        let Some(trajectories) = ensemble.spec.check_dt else { return Ok(checking) };
        checking.found = sink.step_check()?;
        if comm.broadcast(vec![checking.found.is_some().into()]) == [0] {
            let task = Task::new(ensemble, trajectories)?;
            checking.steps = trajectories * (task.coarse.steps() + task.fine.steps());
            checking.task = Some(Arc::new(task));
        }
        Ok(checking)
    }

    /// What is to be integrated in this round, if anything.
    pub fn task(&self) -> Option<Arc<Task>> {
        self.task.clone()
    }

    /// Trajectory steps that this start has to do for it, all ranks together.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// A batch has come in.
    pub fn add(&mut self, batch: u64, leaf: Node) {
        self.forest.add(batch, leaf);
    }

    /// Collective: rank 0 learns whether it is whole.
    pub fn collect(&mut self, comm: &dyn Comm) {
        let Some(task) = &self.task else { return };
        let Some(node) = gather(&self.forest, &task.shape, comm).and_then(Forest::root) else { return };
        if node.n == task.trajectories {
            let Ensemble { spec, .. } = &task.coarse;
            let differences = node.statistics(&task.shape);
            self.found = Some(StepCheck::of(node.n, spec.time.h, task.coarse.weak_order(), differences));
        }
    }

    /// Its round is over.
    pub fn end(&mut self) {
        self.task = None;
    }

    /// On rank 0, the check if it is whole.
    pub fn found(&self) -> Option<&StepCheck> {
        self.found.as_ref()
    }
}

impl Task {
    fn new(ensemble: &Ensemble, trajectories: u64) -> Result<Self, Error> {
        let spec = RunSpec { store_states: None, ..ensemble.spec.clone() };
        let coarse = Ensemble { spec, ..ensemble.clone() };
        let fine = coarse.halved()?;
        Ok(Task { shape: Shape { leaks: 0, ..coarse.shape() }, coarse, fine, trajectories })
    }

    /// Its batches.
    pub fn batches(&self) -> u64 {
        self.trajectories / LANES as u64
    }

    /// The differences of one batch; nothing if the run ended early.
    ///
    /// # Errors
    /// `CheckNotFinite` if a trajectory broke.
    pub fn integrate(&self, batch: u64, shared: &Shared) -> Result<Option<Node>, IntegrationError> {
        let Some(coarse) = rows(&self.coarse, 2, batch, shared)? else { return Ok(None) };
        let Some(fine) = rows(&self.fine, 1, batch, shared)? else { return Ok(None) };
        let expect = coarse.expect.into_iter().zip(&fine.expect).map(|(mut coarse, fine)| {
            coarse.zip_mut_with(fine, |coarse, fine| *coarse -= *fine);
            coarse
        });
        let expect = expect.collect();
        Ok(Some(Node::leaf(&self.shape, &Rows { expect, leak: vec![], ..fine })))
    }
}

/// The rows of a batch on the paths of the check, in steps that have `steps` of the finest in one.
fn rows(ensemble: &Ensemble, steps: usize, batch: u64, shared: &Shared) -> Result<Option<Rows>, IntegrationError> {
    let spec = &ensemble.spec;
    let mut engine = check_engine(spec.method, ensemble.problem.clone(), spec.seed, Isa::detect(), steps);
    fly(shared, ensemble, engine.as_mut(), batch).map_err(|error| match error {
        IntegrationError::NotFinite { time, h, .. } => IntegrationError::CheckNotFinite { time, h },
        other => other,
    })
}

/// What falls to a rank of `count` batches of the run and `checks` batches of the check: of both a contiguous part,
/// all ranks with about the same to do.
pub(super) fn parts(count: u64, checks: u64, rank: usize, size: usize) -> [Range<u64>; 2] {
    let units = part(count + COST * checks, rank, size);
    // The check's units come last; a batch falls to the rank that has its first unit.
    let check = |unit: u64| unit.saturating_sub(count).div_ceil(COST);
    [units.start.min(count)..units.end.min(count), check(units.start)..check(units.end)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_batch_falls_to_one_rank_and_none_has_much_more_to_do() {
        for (count, checks) in [(0, 0), (0, 4), (1, 1), (7, 4), (100, 4), (3, 50), (1000, 0)] {
            for size in [1, 2, 3, 8, 64] {
                let all: Vec<_> = (0..size).map(|rank| parts(count, checks, rank, size)).collect();
                for (kind, whole) in [count, checks].into_iter().enumerate() {
                    let found: Vec<u64> = all.iter().flat_map(|parts| parts[kind].clone()).collect();
                    assert_eq!(found, (0..whole).collect::<Vec<_>>(), "{count} {checks} on {size}");
                }
                let fair = (count + COST * checks) as f64 / size as f64;
                for [run, check] in all {
                    let units = (run.end - run.start) + COST * (check.end - check.start);
                    assert!((units as f64) < fair + COST as f64, "{count} {checks} on {size}: {units} of {fair}");
                }
            }
        }
    }
}
