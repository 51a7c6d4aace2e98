//! The first batches of a run: a failed guard there ends a run that has cost little; later it is recorded
//! and judged at the end.

use super::guards::{first_failure, guards};
use super::setup::Ensemble;
use super::statistics::{Forest, Node, Shape};
use crate::error::Error;
use std::ops::Range;

/// Batches after which a failed guard ends the run.
const BATCHES: u64 = 8;

/// What rank 0 holds of the first batches until it has them all; other ranks wait for none.
pub(super) struct FirstBlock<'a> {
    ensemble: &'a Ensemble,
    shape: &'a Shape,
    allow_unsafe: bool,
    batches: Range<u64>,
    forest: Forest,
    /// How many are still to come; `None` if they will not all come here, or were judged.
    missing: Option<usize>,
}

impl<'a> FirstBlock<'a> {
    /// None yet.
    pub fn new(ensemble: &'a Ensemble, shape: &'a Shape, allow_unsafe: bool) -> Self {
        FirstBlock { ensemble, shape, allow_unsafe, batches: 0..0, forest: Forest::default(), missing: None }
    }

    /// The first of these batches. Of a run that ends with them nothing is said before its end.
    pub fn of(&mut self, round: &Range<u64>) {
        let end = round.start + BATCHES;
        self.batches = if end < round.end { round.start..end } else { 0..0 };
    }

    /// Whether a batch belongs to it.
    pub fn has(&self, batch: u64) -> bool {
        self.batches.contains(&batch)
    }

    /// On rank 0, before the first step: `kept` are the nodes of those `found` finished, rank 0 will do `coming` of them.
    ///
    /// # Errors
    /// `Guard` if all were finished before and a guard fails.
    pub fn expect(&mut self, kept: Forest, found: &[u64], coming: usize) -> Result<(), Error> {
        let earlier = found.iter().filter(|batch| self.has(**batch)).count();
        self.forest = kept;
        let all = earlier + coming == (self.batches.end - self.batches.start) as usize;
        self.missing = all.then_some(coming);
        self.judge_if_whole()
    }

    /// A batch has come in.
    ///
    /// # Errors
    /// `Guard` if it was the last of them and a guard fails.
    pub fn see(&mut self, batch: u64, leaf: &Node) -> Result<(), Error> {
        let Some(missing) = self.missing.filter(|_| self.has(batch)) else { return Ok(()) };
        self.forest.add(batch, leaf.clone());
        self.missing = Some(missing - 1);
        self.judge_if_whole()
    }

    fn judge_if_whole(&mut self) -> Result<(), Error> {
        if self.missing != Some(0) {
            return Ok(());
        }
        self.missing = None;
        let Some(node) = std::mem::take(&mut self.forest).root() else { return Ok(()) };
        let judged = guards(&node, self.shape, &self.ensemble.watched(), self.allow_unsafe);
        first_failure(&judged, node.n).map_or(Ok(()), |error| Err(error.into()))
    }
}
