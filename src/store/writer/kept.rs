//! What earlier runs have finished, read back and shared out over the ranks.

use super::super::{Results, StoreError};
use super::{H5Sink, unopened};
use crate::ensemble::Rows;
use crate::error::Error;
use crate::input::Io;
use std::ops::Range;

impl H5Sink<'_> {
    /// Collective: every rank reads its share of the batches, and all learn which are whole.
    pub(super) fn find_kept(&self, batches: Range<u64>, visit: &mut dyn FnMut(u64, &Rows)) -> Result<Vec<u64>, Error> {
        if self.fresh {
            return Ok(vec![]);
        }
        let mine = self.agree(self.read_kept(self.share(batches), visit))?;
        let bytes: Vec<u8> = mine.iter().flat_map(|batch| batch.to_le_bytes()).collect();
        let all = self.comm.all_gather(&bytes).concat();
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
        Ok(all.chunks_exact(8).map(number).collect())
    }

    /// A contiguous part of the batches, so that all parts in the order of ranks ascend; all of them for the only
    /// rank that has the file.
    fn share(&self, batches: Range<u64>) -> Range<u64> {
        if self.place.io == Io::Gather {
            return if self.comm.is_root() { batches } else { batches.end..batches.end };
        }
        let count = u128::from(batches.end.saturating_sub(batches.start));
        let cut = |rank: usize| batches.start + (count * rank as u128 / self.comm.size() as u128) as u64;
        cut(self.comm.rank())..cut(self.comm.rank() + 1)
    }

    /// Through a reader of its own, which concerns no other rank: rows of earlier runs no longer change.
    fn read_kept(&self, batches: Range<u64>, visit: &mut dyn FnMut(u64, &Rows)) -> Result<Vec<u64>, StoreError> {
        if batches.is_empty() {
            return Ok(vec![]);
        }
        let header = self.header.as_ref().ok_or_else(|| unopened(self.path()))?;
        let trajectories = header.trajectories();
        let results = Results::open(self.path())?;
        let mut whole = results.whole_batches(trajectories, batches, &mut |batch, rows| {
            if self.has_averaged(header, batch) {
                visit(batch, rows);
            }
        })?;
        whole.retain(|batch| self.has_averaged(header, *batch));
        Ok(whole)
    }
}
