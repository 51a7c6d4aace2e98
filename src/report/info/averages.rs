//! Averages over time of a stationary stretch, with errors that know that neighbouring times are correlated.
//!
//! The mean of N trajectories at n saved times has the error of its N n values only if they are independent. Trajectories are,
//! neighbouring times are not: one value is worth as many as there are times in two correlation times. So values are averaged in
//! blocks of B times, and the error is taken from the M = N floor(n/B) blocks,
//!
//! ```text
//! err_B^2 = (sum over blocks of (block - mean)^2) / (M (M - 1)) ,    tau_int = (save_dt/2) err_B^2 / err_1^2
//! ```
//!
//! tau_int being the integral of the normalised autocorrelation over all positive times. Blocks that are too short are still
//! correlated, of long ones there are few. The smallest B with B^3 > 2 N n (err_B/err_1)^4 balances the two (R. M. Lee et al., Phys.
//! Rev. E 83, 066706 (2011), after U. Wolff's argument for windows; the blocks are H. Flyvbjerg and H. G. Petersen's, J. Chem.
//! Phys. 91, 461 (1989)). Whole trajectories are blocks too, and independent of each other whatever the correlation.

use super::Overview;
use crate::report::rows::{Part, each_row, marked};
use crate::store::{Results, StoreError};
use serde::Serialize;

/// Fewer blocks than this say nothing about their spread.
const FEWEST: u64 = 8;

/// Averages over times and trajectories.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Averages {
    /// The first saved time.
    pub from: f64,
    /// The last saved time.
    pub to: f64,
    /// How many there are.
    pub saved: usize,
    /// Trajectories whose rows are good.
    pub trajectories: usize,
    /// One for every real number.
    pub values: Vec<Average>,
}

/// The average of one real number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Average {
    /// Name, with `Re` or `Im` before it for a part of a complex observable.
    pub name: String,
    /// The average.
    pub mean: f64,
    /// Its standard error, from blocks.
    pub error: f64,
    /// Integrated autocorrelation time, in the unit of time.
    pub tau_int: f64,
    /// How many independent values would have this error.
    pub effective_samples: f64,
    /// Saved times of a block.
    pub block: usize,
    /// How many blocks there are.
    pub blocks: u64,
    /// False if the run is too short beside the correlation time for the error to be known: it is larger.
    pub settled: bool,
}

impl Averages {
    /// Over the saved times from `from` on; none if there is no such time.
    ///
    /// # Errors
    /// `StoreError` if the file cannot be read.
    pub fn of(results: &Results, overview: &Overview, from: f64) -> Result<Option<Averages>, StoreError> {
        let times = &overview.time;
        // Times are multiples of a step, and rarely the number that was typed.
        let near = 1e-9 * times.last().copied().unwrap_or(0.0).abs();
        let begin = times.partition_point(|t| *t < from - near);
        let (Some(&from), Some(&to)) = (times.get(begin), times.last()) else { return Ok(None) };
        let saved = times.len() - begin;
        let save_dt = if saved > 1 { (to - from) / (saved - 1) as f64 } else { 0.0 };
        let rows = marked(&overview.rows);
        let mut values = vec![];
        for info in results.observables()? {
            let parts = Part::all(info.hermitian);
            let mut made = vec![Blocks::new(saved); parts.len()];
            let mut series = Vec::with_capacity(saved);
            each_row(results, &info.name, &rows, times.len(), |_, _, row| {
                for (part, blocks) in parts.iter().zip(&mut made) {
                    part.take(&row[begin..], &mut series);
                    blocks.add(&mut series);
                }
            })?;
            let names = if info.hermitian {
                vec![info.name]
            } else {
                ["Re ", "Im "].map(|p| p.to_string() + &info.name).into()
            };
            values.extend(names.into_iter().zip(made).map(|(name, blocks)| blocks.average(name, save_dt)));
        }
        Ok(Some(Averages { from, to, saved, trajectories: rows.len(), values }))
    }
}

/// Number, mean and sum of squared deviations of what has come, by Welford's recurrence.
#[derive(Debug, Clone, Copy, Default)]
struct Spread {
    count: u64,
    mean: f64,
    square: f64,
}

impl Spread {
    fn add(&mut self, x: f64) {
        self.count += 1;
        let off = x - self.mean;
        self.mean += off / self.count as f64;
        self.square += off * (x - self.mean);
    }

    /// Squared standard error of the mean.
    fn error_squared(&self) -> f64 {
        let n = self.count as f64;
        self.square / (n * (n - 1.0))
    }
}

/// Blocks of 1, 2, 4, ... times, and whole trajectories.
#[derive(Debug, Clone)]
struct Blocks {
    levels: Vec<Spread>,
    whole: Spread,
    length: usize,
}

impl Blocks {
    fn new(length: usize) -> Blocks {
        let levels = (0..usize::BITS).take_while(|level| length >> level > 0).count();
        Blocks { levels: vec![Spread::default(); levels], whole: Spread::default(), length }
    }

    /// Take the values of a trajectory; they are lost.
    fn add(&mut self, values: &mut Vec<f64>) {
        self.whole.add(values.iter().sum::<f64>() / values.len() as f64);
        for spread in &mut self.levels {
            values.iter().for_each(|x| spread.add(*x));
            // An odd value at the end is in no longer block.
            let halves = values.len() / 2;
            for k in 0..halves {
                values[k] = 0.5 * (values[2 * k] + values[2 * k + 1]);
            }
            values.truncate(halves);
        }
    }

    /// Block length, the blocks, and whether their spread can be believed.
    fn chosen(&self) -> (usize, Spread, bool) {
        let single = self.levels.first().copied().unwrap_or_default();
        let lengths = (0..self.levels.len()).map(|level| 1usize << level);
        let enough = || lengths.clone().zip(&self.levels).filter(|(_, blocks)| blocks.count >= FEWEST);
        let balanced = enough().find(|(length, blocks)| {
            let ratio = blocks.error_squared() / single.error_squared();
            (*length as f64).powi(3) > 2.0 * single.count as f64 * ratio * ratio
        });
        match (balanced, enough().next_back()) {
            (Some((length, blocks)), _) => (length, *blocks, true),
            _ if self.whole.count >= FEWEST => (self.length, self.whole, true),
            (None, Some((length, blocks))) => (length, *blocks, false),
            (None, None) => (1, single, false),
        }
    }

    fn average(&self, name: String, save_dt: f64) -> Average {
        let single = self.levels.first().copied().unwrap_or_default();
        // A constant has no error and no correlation.
        let (block, blocks, settled) = if single.square == 0.0 { (1, single, single.count > 0) } else { self.chosen() };
        let ratio = if single.square == 0.0 { 1.0 } else { blocks.error_squared() / single.error_squared() };
        let known = single.count > 0;
        Average {
            name,
            mean: if known { single.mean } else { f64::NAN },
            error: blocks.error_squared().sqrt(),
            tau_int: 0.5 * save_dt * ratio,
            effective_samples: single.count as f64 / ratio,
            block,
            blocks: blocks.count,
            settled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{header, scratch, written};

    /// x(t+1) = a x(t) + sqrt(1 - a^2) g, of variance 1 from the beginning: tau_int = (1 + a)/(2 (1 - a)) steps.
    struct Walk {
        state: u64,
        a: f64,
        x: f64,
    }

    impl Walk {
        fn new(seed: u64, a: f64) -> Walk {
            let mut walk = Walk { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1, a, x: 0.0 };
            walk.x = walk.normal();
            walk
        }

        /// Twelve uniform numbers from a xorshift generator have variance 1 together, and are nearly normal.
        fn normal(&mut self) -> f64 {
            let uniform = |state: &mut u64| {
                *state ^= *state << 13;
                *state ^= *state >> 7;
                *state ^= *state << 17;
                (*state >> 11) as f64 / (1u64 << 53) as f64
            };
            (0..12).map(|_| uniform(&mut self.state)).sum::<f64>() - 6.0
        }

        fn series(&mut self, count: usize) -> Vec<f64> {
            let step = |_| {
                let fresh = self.normal();
                self.x = self.a * self.x + (1.0 - self.a * self.a).sqrt() * fresh;
                self.x
            };
            (0..count).map(step).collect()
        }
    }

    fn averaged(all: impl IntoIterator<Item = Vec<f64>>, length: usize, save_dt: f64) -> Average {
        let mut blocks = Blocks::new(length);
        all.into_iter().for_each(|mut values| blocks.add(&mut values));
        blocks.average("x".into(), save_dt)
    }

    /// The spread of M blocks is known to 1/sqrt(2 M), 4.4 % for the 256 here, and tau_int, its square, to 9 %: three of these.
    #[test]
    fn one_long_trajectory_has_the_error_and_correlation_time_of_theory() {
        let (a, length) = (0.9f64, 1 << 18);
        let found = averaged([Walk::new(5, a).series(length)], length, 0.1);
        let tau = (1.0 + a) / (2.0 * (1.0 - a));
        assert!(found.settled && found.blocks >= 256, "{found:?}");
        assert!((found.tau_int / (0.1 * tau) - 1.0).abs() < 0.3, "{found:?}");
        let exact = (2.0 * tau / length as f64).sqrt();
        assert!((found.error / exact - 1.0).abs() < 0.15, "{} and {exact}", found.error);
        assert!((found.effective_samples * found.error.powi(2) - 1.0).abs() < 0.05, "the variance is 1: {found:?}");
    }

    /// In 400 runs the mean, which is 0, is within two errors in 95 % of them; 90 % is five standard deviations of a binomial less.
    #[test]
    fn the_truth_is_within_two_errors_as_often_as_it_should_be() {
        for (trajectories, length) in [(1, 8192), (6, 2048), (32, 256)] {
            let hits = (0..400).filter(|run| {
                let walks = (0..trajectories).map(|k| Walk::new(1 + run * 64 + k, 0.9).series(length));
                let found = averaged(walks, length, 1.0);
                found.mean.abs() < 2.0 * found.error
            });
            let hits = hits.count();
            assert!(hits > 360, "{hits} of 400 with {trajectories} trajectories of {length}");
        }
    }

    #[test]
    fn trajectories_that_never_leave_their_branch_count_once_each() {
        let branch = |k: usize| vec![if k.is_multiple_of(2) { 1.0 } else { -1.0 }; 100];
        let found = averaged((0..64).map(branch), 100, 1.0);
        assert!(found.settled && found.block == 100 && found.blocks == 64, "{found:?}");
        // (64/63)/64 = 1/63 for the squared error.
        assert!(
            (found.error - 63f64.recip().sqrt()).abs() < 1e-12 && (found.effective_samples - 63.0).abs() < 0.1,
            "{found:?}"
        );
    }

    #[test]
    fn a_run_shorter_than_its_correlation_says_so() {
        let found = averaged([Walk::new(3, 0.9999).series(4096)], 4096, 1.0);
        assert!(!found.settled, "{found:?}");
        let constant = averaged([vec![2.0; 64]], 64, 1.0);
        assert!(constant.settled && constant.error == 0.0 && constant.effective_samples == 64.0, "{constant:?}");
        let nothing = averaged([], 64, 1.0);
        assert!(!nothing.settled && nothing.mean.is_nan() && nothing.error.is_nan(), "{nothing:?}");
    }

    /// n of trajectory k at time j is k + j/8, k from 100 to 119, j from 4 to 6.
    #[test]
    fn averages_are_of_the_times_from_the_first_one_asked_for() {
        let path = scratch("averages").join("x.h5");
        written(&path, &header(), 20);
        let results = Results::open(&path).unwrap();
        let overview = Overview::of(&results).unwrap();
        let found = Averages::of(&results, &overview, 0.9).unwrap().unwrap();
        assert_eq!((found.from, found.to, found.saved, found.trajectories), (1.0, 1.5, 3, 20));
        let names: Vec<&str> = found.values.iter().map(|value| value.name.as_str()).collect();
        assert_eq!(names, ["n", "Re a", "Im a"]);
        assert!((found.values[0].mean - (109.5 + 5.0 / 8.0)).abs() < 1e-9, "{:?}", found.values[0]);
        // Consecutive numbers: (20^2 - 1)/12/19 for the squared error of whole trajectories.
        assert!((found.values[0].error - (399.0 / 12.0 / 19.0f64).sqrt()).abs() < 1e-2, "{:?}", found.values[0]);
        let from_a_time = Averages::of(&results, &overview, 1.0).unwrap().unwrap();
        assert_eq!(from_a_time, found);
        assert_eq!(Averages::of(&results, &overview, 1.6).unwrap(), None);
    }
}
