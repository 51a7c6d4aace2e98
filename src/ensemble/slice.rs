//! Which batches belong to which rank.

use crate::kernel::LANES;
use std::ops::Range;

/// The contiguous part of `count` things that falls to one rank; ranks beyond their number get none.
pub fn part(count: u64, rank: usize, size: usize) -> Range<u64> {
    let cut = |rank: usize| (u128::from(count) * rank as u128 / size as u128) as u64;
    cut(rank)..cut(rank + 1)
}

/// Batches that are to be done, in order: a few ranges, however many they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Todo {
    /// How many stand before a range, and the range.
    ranges: Vec<(u64, Range<u64>)>,
    count: u64,
}

impl Todo {
    /// All but those found, which ascend.
    pub fn without(all: Range<u64>, found: &[u64]) -> Self {
        let mut todo = Todo { ranges: vec![], count: 0 };
        let mut start = all.start;
        for &end in found.iter().chain([&all.end]) {
            if start < end {
                todo.ranges.push((todo.count, start..end));
                todo.count += end - start;
            }
            start = end + 1;
        }
        todo
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The k-th.
    pub fn get(&self, k: u64) -> Option<u64> {
        let (before, range) = &self.ranges[self.ranges.partition_point(|(before, _)| *before <= k).checked_sub(1)?];
        Some(range.start + (k - before)).filter(|batch| range.contains(batch))
    }
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
        let part = part(all.end - all.start, rank, size);
        all.start + part.start..all.start + part.end
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
    fn what_is_to_be_done_is_all_but_what_was_found() {
        let all = 5..40u64;
        let found: [&[u64]; 6] = [&[], &[5], &[39], &[5, 6, 7, 20, 22, 39], &[12], &(5..40).collect::<Vec<_>>()];
        for found in found {
            let todo = Todo::without(all.clone(), found);
            let expected: Vec<u64> = all.clone().filter(|batch| !found.contains(batch)).collect();
            assert_eq!(todo.count(), expected.len() as u64);
            let listed: Vec<u64> = (0..).map_while(|k| todo.get(k)).collect();
            assert_eq!(listed, expected, "{found:?}");
        }
        assert_eq!(Todo::without(0..1 << 50, &[1 << 40]).get((1 << 50) - 2), Some((1 << 50) - 1));
    }

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
