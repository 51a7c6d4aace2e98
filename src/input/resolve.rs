//! From what was typed to what it means: defaults are filled in, synonyms resolved, nonsense refused,
//! and whatever is accepted without having its old effect gets a warning.

use super::from_file::{is_file, resolve_file};
use super::link::{link, two_systems};
use super::options::{Options, options};
use super::sizes::Sizes;
use super::times::{Habits, times};
use super::{
    BuiltIn, InputError, Method, Origin, RunSpec, StepReason, TargetTol, TimeGrid, default_step, default_step_of_two,
    defaults, observe, parse_initial,
};
use crate::cli::{DEFAULT_NTRAJ, RunArgs};
use crate::error::Error;
use crate::model::library::{self, Family, Initial, Regime};
use std::collections::BTreeMap;

/// The model that runs when none is named.
const DEFAULT_REGIME: &str = "absorptive_bistable";

/// A command line, understood.
#[derive(Debug, Clone, PartialEq)]
pub struct Resolved {
    /// What defines the numbers.
    pub spec: RunSpec,
    /// Why its step is as long as it is.
    pub step: StepReason,
    /// What defines none.
    pub options: Options,
    /// One sentence each, for the user.
    pub warnings: Vec<String>,
}

/// What the arguments of `qsd run` mean.
///
/// # Errors
/// Unknown names, contradictions, and numbers that make no sense, each in one sentence that names the flag.
pub fn resolve(args: &RunArgs) -> Result<Resolved, Error> {
    match args.model.model.as_deref().filter(|name| is_file(name)) {
        Some(file) => resolve_file(args, file),
        None => resolve_built_in(args),
    }
}

fn resolve_built_in(args: &RunArgs) -> Result<Resolved, Error> {
    let mut warnings = Vec::new();
    let flags = &args.model;
    let name = flags.model.as_deref().or(flags.regime.as_deref()).unwrap_or(DEFAULT_REGIME);
    let regime = library::parse(name)?;
    let sizes = Sizes::resolve(flags, &regime, &mut warnings)?;
    let linked = two_systems(&args.link, regime.entry.family)?;
    let method = method(args.time.method.as_deref(), !linked, &mut warnings)?;
    let two = linked && regime.entry.family != Family::EmptyThenKerr;
    let table = if two { default_step_of_two } else { default_step };
    let defaults = defaults(regime.entry);
    let table = Habits {
        duration: Some(defaults.duration),
        save_dt: defaults.save_dt,
        dt: Some(table(regime.entry, method, sizes.a)),
    };
    let (time, step) = times(&args.time, &table, &regime.name, &mut warnings)?;
    let link = link(&args.link, regime.entry.family, args.time.dt.number().unwrap_or(time.h), &mut warnings)?;
    let origin = Origin::BuiltIn(BuiltIn {
        nfock_a: sizes.a,
        nfock_j: sizes.j,
        exact: sizes.exact,
        drive: !flags.no_drive,
        initial: initial(flags.initial.as_deref(), &regime)?,
        link,
        set: parameters(&flags.set)?,
        regime: regime.name,
    });
    resolved(args, origin, method, (time, step), warnings)
}

/// What is the same for every origin: the rest of the spec, its checks, the options.
pub(super) fn resolved(
    args: &RunArgs,
    origin: Origin,
    method: Method,
    (time, step): (TimeGrid, StepReason),
    mut warnings: Vec<String>,
) -> Result<Resolved, Error> {
    let spec = RunSpec {
        origin,
        gauge: args.model.gauge,
        method,
        store_states: args.output.store_states,
        store_record: args.output.store_record,
        observe: observe::parse(&args.output.observe)?,
        seed: args.seed,
        first_trajectory: args.first_trajectory,
        ntraj: args.ntraj,
        check_dt: args.check_dt,
        target_tol: TargetTol::parse(&args.target_tol)?,
        time,
    };
    spec.check()?;
    if spec.target_tol.is_some() && spec.ntraj == DEFAULT_NTRAJ {
        warnings.push(format!("--target-tol ends a run early, at --ntraj at the latest, which is {DEFAULT_NTRAJ}"));
    }
    let options = options(args, &mut warnings)?;
    Ok(Resolved { spec, step, options, warnings })
}

/// The method named, or the default of a system that is constant or not. An empty name is none.
pub(super) fn method(name: Option<&str>, constant: bool, warnings: &mut Vec<String>) -> Result<Method, InputError> {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return Ok(Method::default_of(constant)) };
    let (method, warning) = Method::parse(name)?;
    warnings.extend(warning);
    Ok(method)
}

fn initial(text: Option<&str>, regime: &Regime) -> Result<Initial, InputError> {
    let Some(text) = text else { return Ok(Initial::Default) };
    if text == "excited" && regime.entry.family != Family::JaynesCummings {
        return Err(InputError::NoSpin { state: "excited", regime: regime.name.clone() });
    }
    parse_initial(text)
}

fn parameters(texts: &[String]) -> Result<BTreeMap<String, f64>, InputError> {
    let mut set = BTreeMap::new();
    for text in texts {
        let malformed = || InputError::Malformed {
            flag: "--set",
            text: text.clone(),
            form: "a parameter and a finite number",
            example: "chi=-10",
        };
        let (name, value) = text.split_once('=').ok_or_else(malformed)?;
        let value = value.trim().parse().ok().filter(|x: &f64| x.is_finite()).ok_or_else(malformed)?;
        if set.insert(name.trim().to_owned(), value).is_some() {
            return Err(InputError::Repeated { what: format!("--set {}", name.trim()) });
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};
    use crate::input::{Gauge, Output};

    fn typed(line: &str) -> Result<Resolved, Error> {
        let cli = Cli::from_words(line.split_whitespace().map(Into::into)).unwrap_or_else(|e| panic!("{line}: {e}"));
        match cli.task {
            Task::Run(args) => resolve(&args),
            other => panic!("{line} is {other:?}"),
        }
    }

    /// A run of the library: its own keys, then the others.
    fn spec(line: &str) -> (BuiltIn, RunSpec) {
        let spec = whole(line);
        match spec.origin.clone() {
            Origin::BuiltIn(built_in) => (built_in, spec),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn whole(line: &str) -> RunSpec {
        typed(line).unwrap_or_else(|error| panic!("{line}: {error}")).spec
    }

    fn refusal(line: &str) -> String {
        typed(line).expect_err(line).to_string()
    }

    #[test]
    fn nothing_but_the_name_gives_the_defaults() {
        let resolved = typed("qsd run").expect("the default run");
        let (model, spec) = spec("qsd run");
        assert_eq!((model.regime.as_str(), model.nfock_a, model.nfock_j), ("absorptive_bistable", 50, Some(2)));
        assert_eq!((spec.seed, spec.first_trajectory, spec.ntraj), (1, 0, 64));
        assert_eq!((spec.method, spec.gauge, model.drive), (Method::Saba, Gauge::Removed, true));
        assert_eq!((spec.time.duration(), spec.time.save_dt, spec.time.steps_per_save), (10.0, 0.2, 3));
        assert_eq!(resolved.options.output, Output::Nowhere);
        assert_eq!(resolved.warnings, Vec::<String>::new());
    }

    #[test]
    fn a_regime_brings_its_own_times_and_sizes() {
        for (line, nfock, saves, h) in [
            ("qsd run kerr_bistable", 40, 101, 2e-3 / 4.0),
            ("qsd run kerr_bistable --method heun", 40, 101, 2e-3 / 14.0),
            ("qsd run kerr_bistableB33.25", 80, 101, 2e-3 / 10.0),
            ("qsd --regime kerr_qubit", 10, 101, 0.04 / 4.0),
            ("qsd run kerr_qubit --method em", 10, 101, 0.04 / 160_000.0),
            ("qsd run kerr_bistable --Nfock_a 80", 80, 101, 2e-3 / 4.0),
            ("qsd run kerr_bistable --method heun --Nfock_a 80", 80, 101, 2e-3 / 107.0),
            ("qsd run empty_then_kerrA20", 40, 101, 2e-3 / 14.0),
        ] {
            let (model, spec) = spec(line);
            assert_eq!((model.nfock_a, model.nfock_j, spec.time.saves()), (nfock, None, saves), "{line}");
            assert_eq!(spec.time.h, h, "{line}");
        }
    }

    #[test]
    fn downsample_counts_steps_as_the_original_script_did() {
        let time = whole("qsd --delta_t 1e-3 --downsample 100").time;
        assert_eq!((time.save_dt, time.steps_per_save, time.h, time.intervals), (0.1, 100, 1e-3, 100));
        let time = whole("qsd --downsample 100").time;
        assert_eq!((time.save_dt, time.steps_per_save, time.h), (0.2, 100, 2e-3));
        let time = whole("qsd --delta_t 1e-5 --downsample 1 --duration 1").time;
        assert_eq!((time.saves(), time.steps_per_save), (100_001, 1));
        assert!(refusal("qsd --downsample 0").starts_with("--downsample is 0"));
    }

    #[test]
    fn a_step_alone_changes_nothing_of_what_is_saved() {
        let (fine, default) = (whole("qsd --dt 1e-3").time, whole("qsd run").time);
        assert_eq!((fine.save_dt, fine.intervals, fine.steps_per_save), (default.save_dt, default.intervals, 200));
    }

    #[test]
    fn a_step_that_was_changed_is_announced() {
        let warnings = typed("qsd --dt 0.03").expect("fine").warnings;
        assert_eq!(warnings, ["--dt 0.03 does not divide the save interval 0.2: the step is 0.02857142857"]);
        assert!(typed("qsd --dt 1000").expect("fine").warnings[0].ends_with("the step is 0.2"));
        assert!(typed("qsd --dt 0.1 --save-dt 0.3 --duration 3").expect("fine").warnings.is_empty());
    }

    #[test]
    fn times_that_make_no_sense_are_refused() {
        for line in ["--dt 0", "--dt nan", "--dt -1e-3", "--dt inf", "--duration 0", "--duration -1", "--duration nan"]
        {
            let flag = line.split(' ').next().expect("a flag");
            let text = refusal(&format!("qsd {line}"));
            assert!(text.starts_with(flag) && text.ends_with("must be a finite number above 0"), "{text}");
        }
        assert!(refusal("qsd --duration 0.5").contains("try --duration 0.6, or a save interval of 0.1666666667"));
        assert!(refusal("qsd --duration 1e300").contains("saved times"));
        assert!(refusal("qsd --save-dt 0").contains("above 0"));
        assert!(refusal("qsd --save-from 11").contains("--save-from 11"));
    }

    #[test]
    fn names_are_checked_with_the_nearest_known() {
        assert!(refusal("qsd run kerr_bistible").contains("did you mean kerr_bistable"));
        assert!(refusal("qsd --method hein").contains("did you mean heun?"));
        assert!(refusal("qsd --initial grund").contains("did you mean ground?"));
        let warnings = typed("qsd --sdeint_method_name itoImplicitEuler").expect("runs").warnings;
        assert!(warnings[0].contains("runs as em"), "{warnings:?}");
    }

    #[test]
    fn parameters_are_numbers_given_once() {
        let set = spec("qsd run kerr_bistable --set chi=-9.5 --set Delta=1e2").0.set;
        assert_eq!(set, BTreeMap::from([("Delta".into(), 100.0), ("chi".into(), -9.5)]));
        for nonsense in ["chi", "chi=", "chi=nan", "chi=1e999", "chi=x"] {
            let text = refusal(&format!("qsd run kerr_bistable --set {nonsense}"));
            assert!(text.ends_with("as in --set chi=-10"), "{text}");
        }
        assert_eq!(refusal("qsd --set Cn=1 --set Cn=2"), "--set Cn is given twice; give it once");
    }

    #[test]
    fn a_cavity_alone_cannot_be_excited() {
        assert_eq!(spec("qsd --initial excited").0.initial, Initial::Default);
        assert_eq!(spec("qsd --initial fock:3").0.initial, Initial::Fock(3));
        assert!(refusal("qsd run kerr_qubit --initial excited").contains("kerr_qubit has none"));
    }

    #[test]
    fn what_is_resolved_reads_back_from_its_text() {
        for line in [
            "qsd run",
            "qsd run kerr_bistableA20.5 --dt 3e-5 --initial 0.1+0.2i --no-drive",
            "qsd --gauge slh",
            "qsd run kerr_qubit --num-systems 2 --R 0.3 --lambda 0.99 --trans-phase 0.6-0.8i",
            "qsd run empty_then_kerrA20",
        ] {
            let spec = whole(line);
            assert_eq!(RunSpec::from_toml(&spec.to_toml()), Ok(spec), "{line}");
        }
    }
}
