//! When a finished number is not to be trusted: thresholds and their verdicts.

use super::statistics::{Node, Shape};
use super::{Guard, LeakInfo, Verdict};
use crate::input::Method;
use crate::input::neat;
use crate::integrator::MethodInfo;
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
/// Share of saved times at which h * Gamma may be larger than is good.
const OFTEN: f64 = 0.01;

/// Above the first threshold a warning, above the second a failure; NaN fails.
fn judge(value: f64, [warning, failed]: [f64; 2], allow_unsafe: bool) -> Verdict {
    match value {
        v if v <= warning => Verdict::Good,
        v if v <= failed || allow_unsafe => Verdict::Warning,
        _ => Verdict::Failed,
    }
}

/// What of a run its guards depend on.
#[derive(Debug, Clone, Copy)]
pub struct Watched<'a> {
    /// Watched Fock factors.
    pub leaks: &'a [LeakInfo],
    /// Saved times.
    pub times: &'a [f64],
    /// The method; what limits its step.
    pub method: Method,
}

/// All guards of a set of trajectories.
pub fn guards(node: &Node, shape: &Shape, watched: &Watched, allow_unsafe: bool) -> Vec<Guard> {
    if node.n == 0 {
        return vec![];
    }
    let Watched { leaks, times, method } = *watched;
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
                info.levels,
                neat(times[at]),
                LEAK[1]
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
    let method = MethodInfo::of(method);
    for (name, value, level, limits) in
        [("h_gamma_above_half", half, "0.5", [OFTEN, f64::INFINITY]), ("h_gamma_above_one", one, "1", [OFTEN, OFTEN])]
    {
        let limited = method.largest_h_gamma.is_some();
        let verdict = if limited { judge(value, limits, allow_unsafe) } else { Verdict::Recorded };
        let message = format!(
            "h * Gamma exceeds {level} at {:.1} % of the saved times (at most 1 % should): beyond 1 {} may go wrong smoothly, \
             with finite, plausible numbers; use a smaller --dt, or compare with --method heun",
            100.0 * value,
            method.name
        );
        guards.push(Guard { name: name.into(), value, verdict, message });
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
    use super::super::statistics::Extremes;
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

    #[test]
    fn h_gamma_is_judged_for_methods_that_it_limits() {
        let shape = Shape { hermitian: vec![], leaks: 0, times: 0 };
        let verdicts = |method, above_half, above_one| {
            let mut node = Node::empty(&shape);
            node.n = 8;
            node.extremes = Extremes { h_gamma: 1.25, above_half, above_one, samples: 1000, ..Extremes::default() };
            let watched = Watched { leaks: &[], times: &[], method };
            let all = guards(&node, &shape, &watched, false);
            all[1..].iter().map(|guard| guard.verdict).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(Method::Heun, 900, 900), [Verdict::Recorded; 2]);
        assert_eq!(verdicts(Method::Saba, 10, 10), [Verdict::Good; 2]);
        assert_eq!(verdicts(Method::Saba, 11, 1), [Verdict::Warning, Verdict::Good]);
        assert_eq!(verdicts(Method::Saba, 900, 11), [Verdict::Warning, Verdict::Failed]);
    }

    #[test]
    fn a_time_is_said_without_the_digits_of_rounding() {
        let shape = Shape { hermitian: vec![], leaks: 1, times: 1 };
        let leak = LeakInfo { factor: "a".into(), levels: 2, guarded: true };
        let mut node = Node::empty(&shape);
        node.n = 8;
        let watched = Watched { leaks: &[leak], times: &[9.0 * 0.002], method: Method::Heun };
        let said = guards(&node, &shape, &watched, false);
        assert!(said[0].message.contains("at t = 0.018 ("), "{}", said[0].message);
    }
}
