//! How many points of a sweep are integrated side by side.

/// Groups of ranks: as many as it takes for a group to have about as many workers (ranks times threads) as a point has
/// batches, so that no worker is idle; at most one a point and one a rank. With few ranks it is one: all work on one
/// point after the other.
pub fn groups(points: usize, ranks: usize, threads: usize, batches: u64) -> usize {
    let workers = ranks.saturating_mul(threads) as u64;
    let wanted = usize::try_from(workers.div_ceil(batches.max(1))).unwrap_or(usize::MAX);
    wanted.min(points).min(ranks).max(1)
}

/// The group of a rank: neighbours, which are often on one node, stay together.
pub fn group_of(rank: usize, ranks: usize, groups: usize) -> usize {
    rank * groups / ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_worker_is_idle_as_long_as_there_are_points() {
        for (points, ranks, threads, batches, expected) in [
            // One batch a point: every rank has a point of its own.
            (6, 4, 1, 1, 4),
            (3, 8, 1, 1, 3),
            // As many batches as workers, or more: all on one.
            (6, 4, 1, 4, 1),
            (6, 4, 2, 125, 1),
            (6, 1, 16, 1, 1),
            // In between.
            (100, 64, 1, 8, 8),
            (100, 64, 4, 8, 32),
            (100, 5, 1, 4, 2),
            (1, 64, 8, 1, 1),
        ] {
            let found = groups(points, ranks, threads, batches);
            assert_eq!(found, expected, "{points} points of {batches} batches on {ranks} x {threads}");
            let sizes: Vec<usize> = (0..found)
                .map(|group| (0..ranks).filter(|rank| group_of(*rank, ranks, found) == group).count())
                .collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(*least > 0 && most - least <= 1, "{sizes:?}");
        }
    }
}
