//! Which batches belong to which rank.

use crate::kernel::LANES;
use std::ops::Range;

/// The contiguous part of `count` things that falls to one rank; ranks beyond their number get none.
pub fn part(count: usize, rank: usize, size: usize) -> Range<usize> {
    let cut = |rank: usize| (count as u128 * rank as u128 / size as u128) as usize;
    cut(rank)..cut(rank + 1)
}

/// The trajectories of a run, cut into batches: batch b holds trajectory numbers 8b .. 8b+7, of which
/// the run may own only some at either end. Lane = trajectory number mod 8, so a trajectory has the
/// same neighbours whatever range it is asked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trajectories {
    /// First trajectory number.
    pub first: u64,
    /// How many.
    pub count: u64,
}

impl Trajectories {
    /// All batch numbers of the run.
    pub fn batches(&self) -> Range<u64> {
        let lanes = LANES as u64;
        self.first / lanes..(self.first + self.count).div_ceil(lanes)
    }

    /// The contiguous batches of one rank; ranks beyond the number of batches get none.
    pub fn slice(&self, rank: usize, size: usize) -> Range<u64> {
        let all = self.batches();
        let part = part((all.end - all.start) as usize, rank, size);
        all.start + part.start as u64..all.start + part.end as u64
    }

    /// The lanes of a batch that belong to the run; the others are padding.
    pub fn lanes(&self, batch: u64) -> Range<usize> {
        let start = batch * LANES as u64;
        let from = self.first.saturating_sub(start).min(LANES as u64);
        let to = (self.first + self.count).saturating_sub(start).min(LANES as u64);
        from as usize..to as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_cover_every_trajectory_once_on_any_number_of_ranks() {
        for (first, count) in [(0, 64), (0, 1), (5, 3), (13, 100), (1 << 40, 17), (7, 2)] {
            let all = Trajectories { first, count };
            for size in [1, 2, 3, 7, 40] {
                let numbers: Vec<u64> = (0..size)
                    .flat_map(|rank| all.slice(rank, size))
                    .flat_map(|batch| all.lanes(batch).map(move |lane| batch * 8 + lane as u64))
                    .collect();
                assert_eq!(numbers, (first..first + count).collect::<Vec<_>>(), "{first} {count} on {size}");
            }
        }
    }
}
