//! States of batches in flight, as the sink keeps and finds them.

use super::super::Results;
use super::super::checkpoint::{self, Earlier, Slots, Survey};
use super::super::checksum::Fnv;
use super::super::layout::NUMBERS;
use super::H5Sink;
use crate::ensemble::{Header, Trajectories, Unfinished};
use crate::error::Error;
use std::sync::Arc;

/// What a rank knows of the checkpoint file.
pub struct Saved {
    slots: Slots,
    /// Threads of lower ranks.
    before: u64,
    /// Threads of this rank.
    threads: u64,
    earlier: Option<Arc<Earlier>>,
    /// One complaint is enough.
    has_failed: bool,
}

impl H5Sink<'_> {
    /// Collective, when the file is there and this process alone may write it: what was left half done.
    pub(super) fn survey(&mut self, header: &Header) -> Result<(), Error> {
        let input = hash(header);
        let survey = self.on_root(|| {
            if self.fresh {
                checkpoint::remove(self.path())?;
                return Ok(checkpoint::survey(self.path(), input, &|_| false));
            }
            let results = Results::open(self.path())?;
            let all = header.trajectories();
            let survey = checkpoint::survey(self.path(), input, &|batch| {
                results.lacks(all, batch) || !self.has_averaged(header, batch)
            });
            if survey.heads.is_empty() {
                checkpoint::remove(self.path())?;
            }
            Ok(survey)
        })?;
        let survey = Survey::from_bytes(&self.comm.broadcast(survey.map_or(vec![], |survey| survey.to_bytes())));
        let threads: Vec<u64> = (self.comm.all_gather(&(header.threads as u64).to_le_bytes()).into_iter())
            .map(|bytes| bytes.try_into().map_or(1, u64::from_le_bytes))
            .collect();
        let rank = self.comm.rank();
        self.saved = Some(Saved {
            slots: Slots::new(self.path(), input, threads.iter().sum(), &survey),
            before: threads[..rank].iter().sum(),
            threads: threads[rank],
            earlier: Earlier::new(self.path(), &survey).map(Arc::new),
            has_failed: false,
        });
        Ok(())
    }
}

impl Saved {
    /// States of earlier starts.
    pub fn earlier(&self) -> Option<Arc<dyn Unfinished>> {
        self.earlier.clone().map(|earlier| earlier as Arc<dyn Unfinished>)
    }

    /// The number of a thread of this rank among those of all ranks.
    pub fn pair(&self, worker: usize) -> u64 {
        self.before + worker as u64 % self.threads.max(1)
    }

    /// Keep a state. A state that cannot be kept costs the next start some steps, and this one nothing.
    pub fn keep(&mut self, pair: u64, batch: u64, state: &[u8]) {
        match self.slots.keep(pair, batch, state) {
            Ok(()) => self.has_failed = false,
            Err(error) if !self.has_failed => {
                log::warn!("{error}; the run goes on");
                self.has_failed = true;
            }
            Err(error) => log::debug!("{error}"),
        }
    }
}

impl Results {
    /// Whether some row of a batch has not come yet; a batch that the file does not have lacks none.
    fn lacks(&self, all: Trajectories, batch: u64) -> bool {
        if !all.batches().contains(&batch) {
            return false;
        }
        let lanes = all.lanes(batch);
        let first = (batch * crate::kernel::LANES as u64 + lanes.start as u64 - all.first) as usize;
        self.checksums(first, lanes.len()).is_ok_and(|sums| sums.contains(&0))
    }
}

/// Only a state of the very same ensemble, from the very same program, is gone on with. How many trajectories there
/// are in all is no part of it: they can be extended.
fn hash(header: &Header) -> u64 {
    let mut sum = Fnv::new();
    sum.update(&NUMBERS.to_le_bytes());
    sum.update(env!("CARGO_PKG_VERSION").as_bytes());
    sum.update(header.parameter_hash.as_bytes());
    sum.update(&header.seed.to_le_bytes());
    sum.update(&header.first_trajectory.to_le_bytes());
    sum.finish()
}
