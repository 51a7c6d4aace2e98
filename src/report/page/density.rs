//! How often which value occurs at which time: a histogram of the trajectories in every column of time.

use std::ops::Range;

/// Bins between the smallest and the largest value.
pub const BINS: usize = 96;

/// Counts of values, column after column, the lowest bin first.
pub struct Density {
    range: [f64; 2],
    /// `BINS` numbers a column.
    pub counts: Vec<u32>,
}

impl Density {
    /// Nothing counted yet, of values in this range.
    pub fn new(range: [f64; 2], columns: usize) -> Density {
        Density { range, counts: vec![0; columns * BINS] }
    }

    /// Count the values of one trajectory, one at every saved time.
    pub fn add(&mut self, columns: &[Range<usize>], values: &[f64]) {
        let [low, high] = self.range;
        let scale = BINS as f64 / (high - low);
        for (column, counts) in columns.iter().zip(self.counts.chunks_exact_mut(BINS)) {
            for value in values[column.clone()].iter().filter(|value| value.is_finite()) {
                counts[(((value - low) * scale) as usize).min(BINS - 1)] += 1;
            }
        }
    }

    /// The value below which a share of every column lies, linear within a bin; NaN where nothing was counted.
    pub fn quantile(&self, share: f64) -> Vec<f64> {
        let [low, high] = self.range;
        let value = |bin: f64| low + (high - low) * bin / BINS as f64;
        let of_column = |counts: &[u32]| {
            let total: u64 = counts.iter().map(|n| u64::from(*n)).sum();
            let wanted = share * total as f64;
            let mut below = 0.0;
            for (bin, &n) in counts.iter().enumerate().filter(|(_, n)| **n > 0) {
                let n = f64::from(n);
                if below + n >= wanted {
                    return value(bin as f64 + (wanted - below) / n);
                }
                below += n;
            }
            f64::NAN
        };
        self.counts.chunks_exact(BINS).map(of_column).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once_in_its_column_and_bin() {
        let mut density = Density::new([0.0, 96.0], 2);
        density.add(&[0..2, 2..3], &[0.5, 96.0, 50.0]);
        density.add(&[0..2, 2..3], &[0.5, f64::NAN, 50.5]);
        let at = |column: usize, bin: usize| density.counts[column * BINS + bin];
        assert_eq!((at(0, 0), at(0, 95), at(1, 50)), (2, 1, 2), "the largest value is in the last bin");
        assert_eq!(density.counts.iter().sum::<u32>(), 5);
    }

    /// Values 0.5, 1.5, ..., 95.5 once each: uniform, so a share of p lies below 96 p.
    #[test]
    fn quantiles_are_those_of_the_values_to_a_bin() {
        let mut density = Density::new([0.0, 96.0], 2);
        for k in 0..96 {
            density.add(&[0..1, 1..1], &[f64::from(k) + 0.5]);
        }
        for share in [0.1, 0.5, 0.9] {
            let found = density.quantile(share);
            assert!((found[0] - 96.0 * share).abs() < 1e-9, "{share}: {}", found[0]);
            assert!(found[1].is_nan(), "nothing was counted in the second column");
        }
    }
}
