//! What a step does to the means, as it was measured, and how much that is beside their standard errors.
//!
//! A trajectory of the check is integrated twice on one Brownian path, in steps h and in steps h/2. With x the
//! expectation of an observable, E the mean over trajectories and p the weak order of the method,
//!
//! ```text
//! weak = E[ x_h - x_{h/2} ] ,   strong = sqrt( E[ |x_h - x_{h/2}|^2 ] ) ,   bias = weak 2^p/(2^p - 1)
//! ```
//!
//! bias is what remains of E[ x_h - x_0 ] if it is c h^p (L. F. Richardson and J. A. Gaunt, Phil. Trans. R. Soc. A 226,
//! 299 (1927)). The noise is common to both, so weak is known far better than either mean.

use super::{ObservableInfo, Statistics};
use crate::integrator::round_down;
use num_complex::Complex64;
use serde::Serialize;

/// Standard errors that an estimate of the bias may be off by.
const SIGMAS: f64 = 3.0;
/// A standard error below this part of the largest mean counts as this part of it: the step is not measured against
/// numbers that have no spread, as those of coherent states.
const NEGLIGIBLE: f64 = 1e-6;
/// A longer step is proposed up to this multiple: further out h^p is a guess.
const LONGEST: f64 = 4.0;
/// So that a step that is 0.2 but for rounding is not called 0.19.
const FORGIVING: f64 = 1.0 + 1e-9;
/// A check of up to so many times as many trajectories is proposed; what it does not tell apart is the same.
const MOST: f64 = 100.0;

/// Differences between steps h and h/2, per observable in the order of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct StepCheck {
    /// Trajectories it is of.
    pub trajectories: u64,
    /// h.
    pub h: f64,
    /// p.
    pub weak_order: f64,
    /// Per observable.
    pub observables: Vec<StepDifference>,
}

/// x_h - x_{h/2} of one observable at the saved times; complex ones have each number per part.
#[derive(Debug, Clone, PartialEq)]
pub struct StepDifference {
    /// Its mean.
    pub weak: Vec<Complex64>,
    /// Standard error of that.
    pub weak_sem: Vec<Complex64>,
    /// Its root mean square.
    pub strong: Vec<Complex64>,
}

/// The error of the step beside the standard error of the means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepSize {
    /// Surely smaller.
    Below = 0,
    /// Near it, or not known well enough.
    Comparable = 1,
    /// Surely larger.
    Above = 2,
}

/// What comes of a check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepVerdict {
    /// Trajectories of the check.
    pub trajectories: u64,
    /// The step.
    pub step: f64,
    /// Weak order of the method.
    pub weak_order: f64,
    /// The worst of all means; none if they have no standard errors.
    pub verdict: Option<StepSize>,
    /// The step at which the largest bias is surely as small as the standard error; at most four times the present one.
    pub sufficient_step: Option<f64>,
    /// Trajectories with which the check would tell, where it cannot.
    pub trajectories_needed: Option<u64>,
    /// Per observable, real and imaginary parts each.
    pub means: Vec<StepError>,
}

/// Errors of one mean.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepError {
    /// `n`, `Re a`, `Im a`.
    pub name: String,
    /// At the last saved time.
    pub last: StepErrorAt,
    /// At the saved time with the largest bias.
    pub largest: StepErrorAt,
    /// Largest standard error over the saved times.
    pub largest_sem: f64,
    /// How much that is.
    pub verdict: Option<StepSize>,
}

/// Errors of one mean at one time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct StepErrorAt {
    /// When.
    pub time: f64,
    /// Estimated error of the mean.
    pub bias: f64,
    /// Standard error of that estimate.
    pub bias_sem: f64,
    /// Root mean square error of a single trajectory.
    pub strong: f64,
    /// Standard error of the mean.
    pub sem: f64,
}

impl StepCheck {
    /// From means and spreads of the differences.
    pub(super) fn of(trajectories: u64, h: f64, weak_order: f64, differences: Vec<Statistics>) -> Self {
        let n = trajectories as f64;
        let square = |mean: f64, std: f64| (mean * mean + std * std * ((n - 1.0) / n)).sqrt();
        let strong =
            |(mean, std): (&Complex64, &Complex64)| Complex64::new(square(mean.re, std.re), square(mean.im, std.im));
        let difference = |found: Statistics| StepDifference {
            strong: found.mean.iter().zip(&found.traj_std).map(strong).collect(),
            weak: found.mean,
            weak_sem: found.sem,
        };
        let observables = differences.into_iter().map(difference).collect();
        StepCheck { trajectories, h, weak_order, observables }
    }

    /// 2^p/(2^p - 1).
    pub fn extrapolation(&self) -> f64 {
        let power = libm::exp2(self.weak_order);
        power / (power - 1.0)
    }

    /// The errors beside those of the means, which are of `n` trajectories.
    ///
    /// Two numbers of every mean are judged: the bias at the last saved time against the standard error there, and the
    /// largest bias of all saved times against their largest standard error. (At early times, when all trajectories
    /// still agree, a standard error is arbitrarily small.)
    pub fn judge(&self, infos: &[ObservableInfo], times: &[f64], means: &[Statistics], n: u64) -> StepVerdict {
        let mut judged = vec![];
        for ((info, found), mean) in infos.iter().zip(&self.observables).zip(means) {
            let mut add = |name: String, part: fn(&Complex64) -> f64| {
                judged.extend(self.judge_part(name, times, Parts::of(found, mean, part)));
            };
            match info.hermitian {
                true => add(info.name.clone(), |z| z.re),
                false => {
                    add(format!("Re {}", info.name), |z| z.re);
                    add(format!("Im {}", info.name), |z| z.im);
                }
            }
        }
        let comparisons: Vec<Comparison> = judged.iter().flat_map(|(_, comparisons)| *comparisons).collect();
        let mut means: Vec<StepError> = judged.into_iter().map(|(error, _)| error).collect();
        // The spread of one trajectory is not known.
        let is_known = n > 1 && !comparisons.is_empty();
        if !is_known {
            means.iter_mut().for_each(|mean| mean.verdict = None);
        }
        let stretch = |least: f64, c: &Comparison| least.min(c.stretch(self.weak_order));
        let step = round_down(self.h * comparisons.iter().fold(LONGEST, stretch) * FORGIVING);
        let verdict = means.iter().filter_map(|mean| mean.verdict).max();
        let needed = comparisons.iter().filter_map(Comparison::times_needed).reduce(f64::max);
        let needed = needed.filter(|times| verdict == Some(StepSize::Comparable) && *times <= MOST);
        StepVerdict {
            trajectories: self.trajectories,
            step: self.h,
            weak_order: self.weak_order,
            verdict,
            sufficient_step: is_known.then_some(step),
            trajectories_needed: needed.map(|times| (times * self.trajectories as f64 / 8.0).ceil() as u64 * 8),
            means,
        }
    }

    fn judge_part(&self, name: String, times: &[f64], parts: Parts) -> Option<(StepError, [Comparison; 2])> {
        let factor = self.extrapolation();
        let at = |i: usize| StepErrorAt {
            time: times[i],
            bias: factor * parts.weak[i],
            bias_sem: factor * parts.weak_sem[i],
            strong: parts.strong[i],
            sem: parts.sem[i],
        };
        let all: Vec<StepErrorAt> = (0..times.len()).map(at).collect();
        let last = *all.last()?;
        let largest = all.iter().copied().reduce(|a, b| if b.bias.abs() > a.bias.abs() { b } else { a })?;
        let most = |of: fn(&StepErrorAt) -> f64| all.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let least_sem = NEGLIGIBLE * parts.mean.iter().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        let largest_sem = most(|e| e.sem);
        let comparisons = [
            Comparison { low: last.low(), high: last.high(), sem: last.sem.max(least_sem) },
            Comparison { low: most(StepErrorAt::low), high: most(StepErrorAt::high), sem: largest_sem.max(least_sem) },
        ];
        let verdict = comparisons.iter().map(Comparison::size).max();
        Some((StepError { name, last, largest, largest_sem, verdict }, comparisons))
    }
}

impl StepErrorAt {
    /// The bias is surely not smaller.
    fn low(&self) -> f64 {
        self.bias.abs() - SIGMAS * self.bias_sem
    }

    /// The bias is surely not larger.
    fn high(&self) -> f64 {
        self.bias.abs() + SIGMAS * self.bias_sem
    }
}

/// One part of the numbers of an observable, per saved time.
struct Parts {
    weak: Vec<f64>,
    weak_sem: Vec<f64>,
    strong: Vec<f64>,
    mean: Vec<f64>,
    sem: Vec<f64>,
}

impl Parts {
    fn of(found: &StepDifference, mean: &Statistics, part: fn(&Complex64) -> f64) -> Self {
        let of = |values: &[Complex64]| -> Vec<f64> { values.iter().map(part).collect() };
        let StepDifference { weak, weak_sem, strong } = found;
        let [weak, weak_sem, strong, mean, sem] = [weak, weak_sem, strong, &mean.mean, &mean.sem].map(|z| of(z));
        Parts { weak, weak_sem, strong, mean, sem }
    }
}

/// Limits of a bias and the standard error it is measured against.
#[derive(Debug, Clone, Copy)]
struct Comparison {
    low: f64,
    high: f64,
    sem: f64,
}

impl Comparison {
    fn size(&self) -> StepSize {
        match () {
            () if self.low > self.sem => StepSize::Above,
            () if self.high > self.sem => StepSize::Comparable,
            () => StepSize::Below,
        }
    }

    /// By how much the step may be longer for the upper limit to be the standard error.
    fn stretch(&self, weak_order: f64) -> f64 {
        if self.high > 0.0 { libm::pow(self.sem / self.high, 1.0 / weak_order) } else { f64::INFINITY }
    }

    /// How many times as many trajectories would tell, if these do not: their limits are half as far from the middle as
    /// the standard error is.
    fn times_needed(&self) -> Option<f64> {
        let (middle, width) = (0.5 * (self.high + self.low), 0.5 * (self.high - self.low));
        let times = 2.0 * width / (self.sem - middle);
        (self.size() == StepSize::Comparable).then_some(times * times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: [f64; 3] = [0.0, 1.0, 2.0];

    fn info(hermitian: bool) -> ObservableInfo {
        let text = String::new;
        ObservableInfo {
            name: "x".into(),
            expression: text(),
            label: text(),
            latex: text(),
            unit: text(),
            description: text(),
            hermitian,
        }
    }

    fn series(values: [f64; 3]) -> Vec<Complex64> {
        values.map(Complex64::from).to_vec()
    }

    fn statistics(mean: [f64; 3], sem: [f64; 3]) -> Statistics {
        Statistics { mean: series(mean), traj_std: series([0.0; 3]), sem: series(sem) }
    }

    /// Of a method of weak order 2 at h = 0.1: the bias is 4/3 of the difference.
    fn check(weak: [f64; 3], weak_sem: [f64; 3]) -> StepCheck {
        let found = StepDifference { weak: series(weak), weak_sem: series(weak_sem), strong: series([0.0; 3]) };
        StepCheck { trajectories: 32, h: 0.1, weak_order: 2.0, observables: vec![found] }
    }

    /// Means of size 1 with these standard errors.
    fn judge(check: &StepCheck, sem: [f64; 3]) -> StepVerdict {
        check.judge(&[info(true)], &TIMES, &[statistics([1.0; 3], sem)], 100)
    }

    #[test]
    fn a_bias_is_below_comparable_to_or_above_the_standard_error() {
        let sem = [0.0, 0.4, 0.2];
        // At the end 4/3 0.03 = 0.04, up to 0.05 with three of its errors: 0.2 would be reached at twice the step.
        let below = judge(&check([0.0, 0.06, 0.03], [0.0, 0.0025, 0.0025]), sem);
        assert_eq!((below.verdict, below.sufficient_step), (Some(StepSize::Below), Some(0.2)));
        let error = &below.means[0];
        assert_eq!((error.largest.time, error.largest_sem, error.last.time), (1.0, 0.4, 2.0));
        assert!((error.largest.bias - 0.08).abs() < 1e-15 && (error.last.bias_sem - 0.01 / 3.0).abs() < 1e-15);
        // At the end 0.8 +- 0.004: four times too much, half the step.
        let above = judge(&check([0.0, 0.06, -0.597], [0.0, 0.003, 0.001]), sem);
        assert_eq!((above.verdict, above.sufficient_step), (Some(StepSize::Above), Some(0.05)));
        assert_eq!(above.trajectories_needed, None);
        // Above in the middle only.
        let middle = judge(&check([0.0, 0.6, 0.03], [0.0, 0.003, 0.001]), sem);
        assert_eq!(middle.verdict, Some(StepSize::Above));
        // Known well and near.
        let near = judge(&check([0.0, 0.06, 0.15], [0.0, 0.003, 0.003]), sem);
        assert_eq!((near.verdict, near.trajectories_needed), (Some(StepSize::Comparable), None));
        // Small and not known: three errors are twice the standard error, and should be half of it.
        let unknown = judge(&check([0.0, 0.0, 0.0], [0.0, 0.1, 0.1]), sem);
        assert_eq!((unknown.verdict, unknown.trajectories_needed), (Some(StepSize::Comparable), Some(32 * 16)));
    }

    #[test]
    fn numbers_without_spread_are_no_measure() {
        let tiny = judge(&check([0.0, 1e-8, 1e-8], [0.0; 3]), [0.0, 1e-17, 1e-17]);
        assert_eq!(tiny.verdict, Some(StepSize::Below));
        assert_eq!(judge(&check([0.0; 3], [0.0; 3]), [0.0; 3]).sufficient_step, Some(0.4), "no error at all");
        let real = judge(&check([0.0, 1e-3, 1e-3], [0.0; 3]), [0.0, 1e-17, 1e-17]);
        assert_eq!(real.verdict, Some(StepSize::Above));
        let one = check([0.0, 1e-3, 1e-3], [0.0; 3]);
        let one = one.judge(&[info(true)], &TIMES, &[statistics([1.0; 3], [f64::NAN; 3])], 1);
        assert_eq!((one.verdict, one.sufficient_step, one.means[0].verdict), (None, None, None));
    }

    #[test]
    fn a_complex_mean_is_two() {
        let mut check = check([0.0, 1e-3, 1e-3], [0.0; 3]);
        check.observables[0].weak[2].im = 0.9;
        let mean = statistics([1.0; 3], [0.0, 0.1, 0.1]);
        let mean = Statistics { sem: mean.sem.iter().map(|z| Complex64::new(z.re, z.re)).collect(), ..mean };
        let found = check.judge(&[info(false)], &TIMES, &[mean], 100);
        let all: Vec<_> = found.means.iter().map(|mean| (mean.name.as_str(), mean.verdict)).collect();
        assert_eq!(all, [("Re x", Some(StepSize::Below)), ("Im x", Some(StepSize::Above))]);
        assert_eq!(found.verdict, Some(StepSize::Above));
    }

    #[test]
    fn the_strong_error_is_the_root_mean_square() {
        // Differences 1, 2, 3, 6 + i: mean 3, spread sqrt(14/3), root mean square sqrt(12.5).
        let found = Statistics {
            mean: vec![Complex64::new(3.0, 1.0)],
            traj_std: vec![Complex64::new((14.0f64 / 3.0).sqrt(), 0.0)],
            sem: vec![Complex64::ZERO],
        };
        let check = StepCheck::of(4, 0.1, 1.0, vec![found]);
        let strong = check.observables[0].strong[0];
        assert!((strong.re - 12.5f64.sqrt()).abs() < 1e-15 && strong.im == 1.0);
        assert_eq!(check.extrapolation(), 2.0);
    }
}
