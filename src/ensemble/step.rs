//! The step of a run that names none and has no table: as long as stability, rates and the method allow.

use super::Ensemble;
use super::pilot::{LARGEST_H_OMEGA, glance, pilot};
use crate::error::Error;
use crate::input::{Origin, Resolved, RunSpec, StepReason, TimeGrid, neat, steps_per_save};
use crate::integrator::MethodInfo;
use crate::model::{Kind, Model, Operator};

/// The largest stable step is divided by this. Stability is not accuracy: the measured default step of
/// Jaynes-Cummings is an eighth of its largest stable one, those of the Kerr systems are half of theirs.
const SAFETY: f64 = 8.0;
/// h * omega of a typed step above which something is said.
const WORTH_A_WARNING: f64 = 2.0 * LARGEST_H_OMEGA;
/// Step times the rate of Lindblad operators that change no Fock number: their noise is as large as it gets in any
/// state, and a longer step warns of its norm drift from the start.
const RATE: f64 = 0.04;

/// The resolved input with a step, if nobody has named one: at most the save interval, an eighth of the largest stable
/// one, and short beside the rates: those of atoms, or for a method that needs it Gamma as pilot trajectories see it.
///
/// A function of model, method and times alone. Every rank computes it. A step that was typed stays, and a warning comes
/// beside it where it is too long for what only the method knows.
///
/// # Errors
/// Those of building the model and of the pilot.
pub fn choose_step(resolved: Resolved) -> Result<Resolved, Error> {
    match resolved.step {
        StepReason::Open => chosen(resolved),
        StepReason::Typed => {
            let warning = warning(&resolved)?;
            Ok(Resolved { warnings: resolved.warnings.into_iter().chain(warning).collect(), ..resolved })
        }
        _ => Ok(resolved),
    }
}

/// What a splitting method would do wrong in silence: numbers stay finite and plausible where H turns an operator many times
/// between two kicks. (h * Gamma is judged while the run goes on, and so is all that breaks a norm.)
fn warning(resolved: &Resolved) -> Result<Option<String>, Error> {
    let (spec, method) = (&resolved.spec, MethodInfo::of(resolved.spec.method));
    if method.largest_h_gamma.is_none() || !matches!(spec.origin, Origin::File(_)) {
        return Ok(None);
    }
    let ensemble = Ensemble::new(spec.clone())?;
    let h = spec.time.h;
    Ok(glance(&ensemble).filter(|seen| h * seen.omega > WORTH_A_WARNING).map(|seen| {
        format!(
            "the step {} is long for {}: H turns the c_ops at omega = {:.2e}, and h * omega is to be below {LARGEST_H_OMEGA}: \
             try --dt auto, or see what the step does with --check-dt",
            neat(h), method.name, seen.omega
        )
    }))
}

fn chosen(resolved: Resolved) -> Result<Resolved, Error> {
    let ensemble = Ensemble::new(resolved.spec)?;
    let (dt, step) = longest(&ensemble, ensemble.largest_h_gamma())?;
    let time = &ensemble.spec.time;
    let first_save = time.first_save as f64 * time.save_dt;
    let time = TimeGrid::new(time.duration(), time.save_dt, steps_per_save(time.save_dt, dt)?, first_save)?;
    Ok(Resolved { spec: RunSpec { time, ..ensemble.spec }, step, ..resolved })
}

/// The longest step and what asks for it; `largest_h_gamma` is what the method needs of h * Gamma.
fn longest(ensemble: &Ensemble, largest_h_gamma: Option<f64>) -> Result<(f64, StepReason), Error> {
    let save_dt = ensemble.spec.time.save_dt;
    let mut found = (save_dt, StepReason::SaveInterval);
    if let Some(largest) = ensemble.largest_stable(ensemble.spec.method, SAFETY * save_dt) {
        found = (largest / SAFETY, StepReason::Stability(largest));
    }
    let (dt, reason) = match largest_h_gamma {
        Some(largest) => {
            let seen = pilot(ensemble, found.0, largest)?;
            let by_gamma = StepReason::Gamma { gamma: seen.gamma, largest, until: seen.until };
            let by_omega = StepReason::Turning { omega: seen.omega, largest: LARGEST_H_OMEGA, until: seen.until };
            let (dt, by_dt) = (seen.step_by_gamma(largest), seen.step_by_omega());
            if by_dt < dt { (by_dt, by_omega) } else { (dt, by_gamma) }
        }
        None => {
            let rate = bounded_rate(&ensemble.model);
            (if rate > 0.0 { RATE / rate } else { f64::INFINITY }, StepReason::Rates(rate))
        }
    };
    Ok(if dt < found.0 { (dt, reason) } else { found })
}

/// Sum of the largest `<L^dag L>` of the operators that leave all Fock numbers as they are.
fn bounded_rate(model: &Model) -> f64 {
    let space = &model.space;
    let fock: Vec<usize> = (0..space.factors.len()).filter(|m| space.factors[*m].kind == Kind::Fock).collect();
    let keeps = |l: &&Operator| {
        l.elements().all(|((row, col), _)| fock.iter().all(|m| space.digit(row, *m) == space.digit(col, *m)))
    };
    let largest = |l: &Operator| (&l.dag() * l).elements().map(|(_, z)| z.norm()).fold(0.0, f64::max);
    model.lindblads.iter().filter(keeps).map(largest).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};
    use crate::input::resolve;

    fn resolved(line: &str) -> Resolved {
        let line = format!("qsd run {}/examples/{line}", env!("CARGO_MANIFEST_DIR"));
        let Task::Run(args) = Cli::from_words(line.split_whitespace().map(Into::into)).unwrap().task else {
            panic!("no run")
        };
        resolve(&args).unwrap()
    }

    #[test]
    fn what_asks_for_the_shortest_step_is_the_reason() {
        for (line, h, reason) in [
            ("driven-cavity.toml --dt 0.05", 0.05, "as asked for"),
            ("driven-cavity.toml --dt auto --fock a=3 --method heun", 0.05, "by the save interval"),
            (
                "resonance-fluorescence.toml --dt auto --set gamma=2 --method heun",
                0.02,
                "by rates: those of atoms and other finite systems sum to 2",
            ),
        ] {
            let found = choose_step(resolved(line)).unwrap();
            assert_eq!(found.spec.time.h, h, "{line}: {}", found.step);
            assert!(found.step.to_string().starts_with(reason), "{line}: {}", found.step);
        }
        let found = choose_step(resolved("driven-cavity.toml --dt auto --method heun")).unwrap();
        let StepReason::Stability(largest) = found.step else { panic!("{}", found.step) };
        let steps = (0.05 / (largest / SAFETY)).ceil();
        assert!((found.spec.time.h * steps - 0.05).abs() < 1e-12 && steps > 1.0, "{largest} {}", found.spec.time.h);
    }

    /// <L^dag L> = kappa |alpha|^2, and the largest |alpha(t)|^2 of the driven cavity is known: no trajectory scatters.
    #[test]
    fn a_method_that_needs_it_keeps_h_gamma_below_its_limit() {
        let line =
            "driven-cavity.toml --method heun --dt auto --set Delta=0 --set E=2 --set kappa=4 --fock a=20 --save-dt 5";
        let ensemble = Ensemble::new(resolved(line).spec).unwrap();
        let (dt, reason) = longest(&ensemble, Some(0.01)).unwrap();
        // |alpha(t)|^2 = (2 E/kappa)^2 (1 - exp(-kappa t/2))^2 rises to 1, so Gamma to 4.
        let StepReason::Gamma { gamma, largest, until } = reason else { panic!("{reason}") };
        assert!((gamma - 4.0).abs() < 1e-3 && until == 10.0 && largest == 0.01, "{reason}");
        assert!((dt * gamma - 0.008).abs() < 1e-12, "{dt}");
        // A method that needs less has what limits it otherwise.
        let (dt, reason) = longest(&ensemble, Some(5.0)).unwrap();
        assert!(dt < 0.8 * 5.0 / gamma && matches!(reason, StepReason::Stability(_)), "{dt} {reason}");
    }

    /// An atom in a strong beam: (Omega/2) [sx, sm] ~ (Omega/2) sz, of unit spread for atoms without dipole.
    #[test]
    fn a_step_that_splits_is_short_beside_what_turns_the_operators() {
        let line =
            |omega: f64| format!("resonance-fluorescence.toml --dt auto --set Omega={omega} --duration 6 --save-dt 2");
        for rabi in [10.0, 40.0] {
            let found = choose_step(resolved(&line(rabi))).unwrap();
            let StepReason::Turning { omega, .. } = found.step else { panic!("{}", found.step) };
            assert!((0.9..1.2).contains(&(omega / (0.5 * rabi))), "{rabi} {omega}");
            assert!(found.spec.time.h * omega <= 0.4 + 1e-12, "{}", found.spec.time.h);
        }
        let found = choose_step(resolved(&line(1.0))).unwrap();
        assert!(matches!(found.step, StepReason::Gamma { .. }), "{}", found.step);
        // As long a step that was typed is taken, and said to be too long.
        for (dt, warned) in [("0.4", true), ("0.02", false)] {
            let found = choose_step(resolved(&line(31.4).replace("auto", dt))).unwrap();
            let said = found.warnings.iter().any(|warning| warning.contains("omega = 1.5"));
            assert_eq!(said, warned, "{dt} {:?}", found.warnings);
        }
        // A frame that rotates turns the phase of the noise and nothing else.
        let free =
            "driven-cavity.toml --dt auto --set Delta=300 --set E=0 --save-dt 10 --initial a.fock(3) --duration 10";
        let found = choose_step(resolved(free)).unwrap();
        assert!(matches!(found.step, StepReason::Gamma { .. }), "{}", found.step);
    }

    #[test]
    fn the_pilot_does_not_know_seed_and_number() {
        let chosen = |line: &str| {
            let line = format!("resonance-fluorescence.toml --dt auto {line}");
            longest(&Ensemble::new(resolved(&line).spec).unwrap(), Some(0.1)).unwrap()
        };
        let first = chosen("");
        let StepReason::Gamma { gamma, .. } = first.1 else { panic!("{}", first.1) };
        assert!((0.3..1.0).contains(&gamma), "an atom that is driven becomes excited: {gamma}");
        assert_eq!(chosen("--seed 7 --ntraj 3 --first-trajectory 100"), first);
        assert_ne!(chosen("--duration 1"), first);
    }
}
