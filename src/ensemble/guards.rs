//! When a finished number is not to be trusted: thresholds and their verdicts.

use super::statistics::{Node, Shape};
use super::{Guard, LeakInfo, Verdict};
use thiserror::Error;

/// A guard failed before much was spent; the run ends.
#[derive(Debug, Error, PartialEq)]
#[error(
    "after the first {trajectories} trajectories: {message}; the run ends here (--allow-unsafe goes on and marks the file)"
)]
pub struct GuardError {
    /// Trajectories looked at.
    pub trajectories: u64,
    /// The guard's sentence.
    pub message: String,
    /// All guards as they were judged.
    pub guards: Vec<Guard>,
}

/// Ensemble-mean population of the top levels of a Fock factor: above the first a warning, above the second a failure.
pub const LEAK: [f64; 2] = [1e-7, 1e-5];
/// Relative change of |psi|^2 in one step, per unit of noise.
const NORM_DRIFT: [f64; 2] = [0.1, 0.5];

/// Above the first threshold a warning, above the second a failure; NaN fails.
fn judge(value: f64, [warning, failed]: [f64; 2], allow_unsafe: bool) -> Verdict {
    match value {
        v if v <= warning => Verdict::Good,
        v if v <= failed || allow_unsafe => Verdict::Warning,
        _ => Verdict::Failed,
    }
}

/// All guards of a set of trajectories.
pub fn guards(node: &Node, shape: &Shape, leaks: &[LeakInfo], times: &[f64], allow_unsafe: bool) -> Vec<Guard> {
    if node.n == 0 {
        return vec![];
    }
    let mut guards: Vec<Guard> = leaks
        .iter()
        .zip(node.leaks(shape))
        .map(|(info, (mean, _))| {
            let (at, value) = largest(&mean);
            let factor = &info.factor;
            // Factors a1 and a2 of two systems have one flag.
            let flag = factor.trim_end_matches(char::is_numeric);
            let verdict = if info.guarded { judge(value, LEAK, allow_unsafe) } else { Verdict::Recorded };
            let message = format!(
                "the top {} levels of factor {factor} hold {value:.1e} of the population at t = {} (limit {:.0e}): \
                 the truncation is felt; use a larger --Nfock_{flag}",
                info.levels, times[at], LEAK[1]
            );
            Guard { name: format!("leak_{factor}"), value, verdict, message }
        })
        .collect();
    let extremes = &node.extremes;
    let share = |count: i64| count as f64 / extremes.samples.max(1) as f64;
    let (drift, half, one) = (extremes.norm_drift, share(extremes.above_half), share(extremes.above_one));
    guards.push(Guard {
        name: "norm_drift".into(),
        value: drift,
        verdict: judge(drift, NORM_DRIFT, allow_unsafe),
        message: format!(
            "one step changed |psi|^2 by {:.0} % per unit of noise (warning above {:.0} %, failure above {:.0} %): \
             compare with a run at half the --dt",
            100.0 * drift,
            100.0 * NORM_DRIFT[0],
            100.0 * NORM_DRIFT[1]
        ),
    });
    // h * Gamma limits splitting methods; explicit ones are limited by stability, so it is recorded only.
    for (name, value, level) in [("h_gamma_above_half", half, "0.5"), ("h_gamma_above_one", one, "1")] {
        let message = format!("h * Gamma exceeds {level} at {:.1} % of the saved times", 100.0 * value);
        guards.push(Guard { name: name.into(), value, verdict: Verdict::Recorded, message });
    }
    guards
}

/// Place and value of the largest entry; a NaN counts as largest.
fn largest(values: &[f64]) -> (usize, f64) {
    values.iter().copied().enumerate().fold((0, f64::NEG_INFINITY), |best, (i, x)| {
        if x > best.1 || (x.is_nan() && !best.1.is_nan()) { (i, x) } else { best }
    })
}

/// The first guard that failed, as the error that ends a run early.
pub fn first_failure(guards: &[Guard], trajectories: u64) -> Option<GuardError> {
    let failed = guards.iter().find(|g| g.verdict == Verdict::Failed)?;
    Some(GuardError { trajectories, message: failed.message.clone(), guards: guards.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_divide_good_warning_and_failed() {
        let verdict = |value| judge(value, LEAK, false);
        assert_eq!(
            [verdict(0.0), verdict(1e-7), verdict(2e-7), verdict(1e-5)],
            [Verdict::Good, Verdict::Good, Verdict::Warning, Verdict::Warning]
        );
        assert_eq!([verdict(2e-5), verdict(f64::NAN)], [Verdict::Failed; 2]);
        assert_eq!(judge(1.0, LEAK, true), Verdict::Warning);
    }

    #[test]
    fn a_number_that_is_none_is_the_largest() {
        assert_eq!(largest(&[1.0, 3.0, 2.0]), (1, 3.0));
        assert!(largest(&[1.0, f64::NAN, 2.0]).1.is_nan());
    }
}
