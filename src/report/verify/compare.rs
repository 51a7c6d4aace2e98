//! An ensemble beside its master equation, at every saved time.

use super::master::{MasterEquation, mean};
use super::{Check, Report};
use crate::comm::Comm;
use crate::ensemble::{Conduct, Discard, Ensemble, half_width, run};
use crate::error::Error;
use crate::input::neat;
use crate::model::Operator;
use crate::unravelling::{Calculus, Unravelling};
use num_complex::Complex64;
use thiserror::Error;

/// Basis states up to which the master equation is integrated: it has the square of their number of unknowns.
pub const LARGEST: usize = 64;
/// Probability with which a right ensemble is called wrong.
const FALSE_ALARM: f64 = 1e-3;
/// What a step of finite length may be off, in parts of the largest value the observable takes.
const STEP_ERROR: f64 = 1e-3;

/// Why an ensemble cannot be compared.
#[derive(Debug, Error, PartialEq)]
pub enum VerifyError {
    /// Too many states.
    #[error(
        "the space has {dim} states, and the master equation is integrated up to {LARGEST}: \
         fewer levels will do for a check (--Nfock_a N, or --fock NAME=N)"
    )]
    Large {
        /// Its states.
        dim: usize,
    },
    /// Two linked systems.
    #[error("qsd verify does not know the master equation of two linked systems: leave the link out (--num-systems 1)")]
    Linked,
    /// A flag of a run, and no run.
    #[error(
        "{flag} needs a model: qsd verify MODEL {flag} ... compares that run, qsd verify alone runs systems with known answers"
    )]
    WithoutModel {
        /// The flag.
        flag: String,
    },
    /// Many runs.
    #[error(
        "qsd verify compares one run: leave --sweep out, and of what is swept, also by [sweep] of the model file, name a point with --set KEY=VALUE"
    )]
    Sweep,
    /// One trajectory has no standard error.
    #[error("--ntraj is {ntraj}, and a standard error needs at least 2 trajectories: several hundred are good")]
    Few {
        /// How many.
        ntraj: u64,
    },
    /// No number that the master equation knows.
    #[error(
        "the master equation knows means of operators, and all that is observed are functions of single trajectories: \
         add an operator to e_ops"
    )]
    Conditional,
    /// The equation could not be solved.
    #[error("the master equation is too stiff to be integrated here: try a shorter --duration or fewer levels")]
    Stiff,
}

/// Real or imaginary part.
type Part = fn(&Complex64) -> f64;

fn re(z: &Complex64) -> f64 {
    z.re
}

fn im(z: &Complex64) -> f64 {
    z.im
}

/// Runs the ensemble in this process and compares all means; the largest distance of each observable is kept.
///
/// # Errors
/// `VerifyError`, and those of a run.
pub fn against_master_equation(ensemble: &Ensemble, comm: &dyn Comm, threads: usize) -> Result<Report, Error> {
    let (model, dim, ntraj) = (&ensemble.model, ensemble.model.space.dim(), ensemble.spec.ntraj);
    if model.dynamics.link.is_some() {
        return Err(VerifyError::Linked.into());
    }
    if dim > LARGEST {
        return Err(VerifyError::Large { dim }.into());
    }
    if ntraj < 2 {
        return Err(VerifyError::Few { ntraj }.into());
    }
    let unravelling = Unravelling::of(model, false, Calculus::Ito);
    let equation = MasterEquation::new(&unravelling, model.dynamics.breakpoints());
    let operators: Vec<Option<&Operator>> = model.observables.iter().map(|o| o.quantity.linear()).collect();
    if operators.iter().all(Option::is_none) {
        return Err(VerifyError::Conditional.into());
    }
    let mut exact: Vec<Vec<Complex64>> = vec![vec![]; model.observables.len()];
    let solved = equation.solve(&model.initial, &ensemble.times, |rho| {
        let means = operators.iter().map(|operator| operator.map(|operator| mean(operator, rho)));
        exact.iter_mut().zip(means).for_each(|(exact, mean)| exact.extend(mean));
    });
    if !solved {
        return Err(VerifyError::Stiff.into());
    }

    let mut nobody = |_: &_| {};
    let conduct = Conduct { allow_unsafe: true, ..Conduct::new(threads, &mut nobody) };
    let outcome = run(ensemble, comm, &mut Discard, conduct)?.ok_or(Error::Elsewhere)?;
    let compared = || ensemble.observables.iter().zip(&operators).filter(|(_, operator)| operator.is_some());
    let parts: usize = compared().map(|(o, _)| if o.hermitian { 1 } else { 2 }).sum();
    let alpha = FALSE_ALARM / (parts * ensemble.times.len()) as f64;
    let mut checks = vec![];
    for ((info, found), exact) in ensemble.observables.iter().zip(&outcome.summary.observables).zip(&exact) {
        if exact.is_empty() {
            continue;
        }
        let largest = exact.iter().map(|z| z.norm()).fold(0.0, f64::max);
        let parts: &[(&str, Part)] = if info.hermitian { &[("", re)] } else { &[("Re ", re), ("Im ", im)] };
        for (prefix, part) in parts {
            let check = |at: usize| {
                let sem = part(&found.sem[at]);
                Check {
                    quantity: format!("{prefix}<{}>({})", info.name, neat(ensemble.times[at])),
                    found: part(&found.mean[at]),
                    sem,
                    exact: part(&exact[at]),
                    // Where nothing is random the error of a sum of rounded numbers remains.
                    limit: half_width(ntraj, sem, alpha) + STEP_ERROR * largest + 1e-12,
                }
            };
            let excess = |check: &Check| (check.found - check.exact).abs() / check.limit;
            let worst = (0..ensemble.times.len()).map(check).max_by(|a, b| excess(a).total_cmp(&excess(b)));
            checks.extend(worst);
        }
    }
    Ok(Report {
        title: format!(
            "{}: {ntraj} trajectories of {dim} states beside the master equation, at the worst of {} times",
            model.name,
            ensemble.times.len()
        ),
        source: format!(
            "master equation; wrong beyond {:.1} standard errors (one false alarm in {:.0}) and {} % of the largest value for the step",
            half_width(ntraj, 1.0, alpha),
            1.0 / FALSE_ALARM,
            100.0 * STEP_ERROR
        ),
        checks,
    })
}
