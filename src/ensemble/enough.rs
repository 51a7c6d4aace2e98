//! When there are trajectories enough: means known to a tolerance, decided at fixed numbers of trajectories.
//!
//! After n trajectories the half-width of an interval is
//!
//! ```text
//! w = t_{n-1}( 1 - alpha / (2 m K) ) * sem ,   alpha = 0.05
//! ```
//!
//! with Student's quantile, m the numbers that are looked at (times x observables, real and imaginary parts each) and
//! K the number of looks planned. The run ends at the first look at which w <= atol + rtol |mean| for all of them.
//! By the inequality of Bonferroni the probability that any of the m intervals of any of the K looks misses is at most
//! alpha, wherever the run ends: looking often costs a larger quantile and not the promise (O. J. Dunn, J. Am. Stat.
//! Assoc. 56, 52 (1961), for the m; K. K. G. Lan and D. L. DeMets, Biometrika 70, 659 (1983), for spending alpha over
//! looks, here evenly). What it rests on is that means of n trajectories are near to normal; the first look comes
//! late enough for that, unless rare events carry the mean.

use super::setup::Ensemble;
use super::slice::Trajectories;
use super::statistics::{Node, Shape};
use crate::input::{TargetTol, Tolerance};
use statrs::distribution::{ContinuousCDF, Normal};
use statrs::function::beta::beta_reg;
use std::ops::Range;

/// Probability with which any interval may miss.
const ALPHA: f64 = 0.05;
/// Batches at the first look.
const FIRST: u64 = 8;
/// Looks follow at this ratio: what is spent beyond need stays below a half.
const RATIO: f64 = 1.5;

/// Half-width of the two-sided interval of probability `1 - alpha` around a mean of `n` with standard error `sem`; not a
/// number with fewer than two trajectories.
pub fn half_width(n: u64, sem: f64, alpha: f64) -> f64 {
    if n < 2 {
        return f64::NAN;
    }
    student_quantile((n - 1) as f64, 0.5 * alpha) * sem
}

/// The t that Student's variable of `nu` degrees of freedom exceeds with probability `tail`, below one half.
fn student_quantile(nu: f64, tail: f64) -> f64 {
    let normal = Normal::standard().inverse_cdf(tail).abs();
    // From here on the next term of the expansion in 1/nu is below rounding, and the incomplete beta function is not.
    if nu > 1e5 {
        return normal + normal * (normal * normal + 1.0) / (4.0 * nu);
    }
    let exceeds = |t: f64| 0.5 * beta_reg(0.5 * nu, 0.5, nu / (nu + t * t));
    let (mut low, mut high) = (normal, 2.0 * normal + 1.0);
    while exceeds(high) > tail {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if exceeds(middle) > tail { low = middle } else { high = middle }
    }
    high
}

/// The rounds of a run: one for all, or one to every look. Batch numbers, one range after the other.
pub(super) fn rounds(ensemble: &Ensemble) -> Vec<Range<u64>> {
    let spec = &ensemble.spec;
    let all = Trajectories { first: spec.first_trajectory, count: spec.ntraj }.batches();
    if spec.target_tol.is_none() {
        return vec![all];
    }
    let mut looks = vec![];
    let (mut start, mut count) = (all.start, FIRST);
    while start < all.end {
        let end = (all.start + count).min(all.end);
        looks.push(start..end);
        (start, count) = (end, (count as f64 * RATIO) as u64);
    }
    looks
}

/// What is asked of the means, and what the looks have cost.
pub(super) struct Rule<'a> {
    /// Per observable.
    tolerances: Vec<Option<Tolerance>>,
    shape: &'a Shape,
    /// `alpha/(m K)`.
    alpha: f64,
}

impl<'a> Rule<'a> {
    /// The rule of these tolerances for a run of so many looks.
    pub fn new(target: &TargetTol, ensemble: &Ensemble, shape: &'a Shape, looks: usize) -> Self {
        let tolerances: Vec<_> = ensemble.observables.iter().map(|o| target.of(&o.name)).collect();
        let parts = tolerances.iter().zip(&shape.hermitian).filter(|(tolerance, _)| tolerance.is_some());
        let numbers: usize = parts.map(|(_, hermitian)| if *hermitian { shape.times } else { 2 * shape.times }).sum();
        Rule { tolerances, shape, alpha: ALPHA / (numbers.max(1) * looks) as f64 }
    }

    /// Whether the means of these trajectories are known well enough.
    pub fn holds(&self, node: &Node) -> bool {
        self.excess(node) <= 1.0
    }

    /// The largest half-width as a multiple of its tolerance; above 1 the rule does not hold.
    pub fn excess(&self, node: &Node) -> f64 {
        if node.n < 2 {
            return f64::INFINITY;
        }
        let width = half_width(node.n, 1.0, self.alpha);
        let mut largest = 0.0f64;
        for (tolerance, found) in self.tolerances.iter().zip(node.statistics(self.shape)) {
            let Some(Tolerance { atol, rtol }) = tolerance else { continue };
            for (mean, sem) in found.mean.iter().zip(&found.sem) {
                let allowed = atol + rtol * mean.norm();
                for sem in [sem.re, sem.im] {
                    // A number without spread is known, whatever is asked; NaN is never enough.
                    let ratio = if sem == 0.0 { 0.0 } else { width * sem / allowed };
                    largest = if ratio.is_nan() { f64::INFINITY } else { largest.max(ratio) };
                }
            }
        }
        largest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tables of Student's distribution.
    #[test]
    fn half_widths_are_students() {
        for (n, alpha, expected) in [
            (2, 0.05, 12.706_204_736),
            (16, 0.05, 2.131_449_546),
            (64, 0.05, 1.998_340_543),
            (11, 0.001, 4.586_893_859),
        ] {
            let found = half_width(n, 1.0, alpha);
            assert!((found / expected - 1.0).abs() < 1e-8, "{n} {alpha}: {found}");
        }
        // Both ways of computing it agree where they meet.
        for tail in [0.025, 1e-4, 1e-9] {
            let (below, above) = (student_quantile(1e5, tail), student_quantile(1e5 + 1.0, tail));
            assert!((below / above - 1.0).abs() < 1e-8, "{tail}: {below} {above}");
        }
        // Far out, where a rule with many numbers works: the normal quantile at 1 - 1e-6/2.
        assert!((half_width(1 << 40, 1.0, 1e-6) - 4.891_638_476).abs() < 1e-6);
        assert!(half_width(1, 1.0, 0.05).is_nan() && half_width(0, 1.0, 0.05).is_nan());
    }
}
