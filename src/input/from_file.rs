//! A run of a model file: what the file says, what the command line says instead, and the times.

use super::json::as_model_file;
use super::link::none_for_files;
use super::model_file::{Overrides, Source, read};
use super::options::options;
use super::resolve::{Resolved, announce, method};
use super::{FileModel, InputError, Origin, RunSpec, TargetTol, TimeGrid, observe, positive, steps_per_save, within};
use crate::cli::{ModelFlags, RunArgs, TimeFlags, with_flags_of_file};
use crate::error::Error;
use std::path::Path;

/// Save intervals of a run without `--save-dt`.
const INTERVALS: f64 = 200.0;
/// The step that `--downsample` counts when no other is given: the default of the original script.
const SCRIPT_STEP: f64 = 2e-3;

/// Whether MODEL is a file and not a regime.
pub(super) fn is_file(name: &str) -> bool {
    name.contains('/') || [".toml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// What a run of the model file `name` means.
pub(super) fn resolve_file(typed: &RunArgs, name: &str) -> Result<Resolved, Error> {
    let path = Path::new(name);
    let unreadable = |reason: String| InputError::ModelFile { path: name.into(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let stem: String =
        path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default().chars().map(plain).collect();
    let directory = path.parent().unwrap_or(Path::new(""));
    let (text, remarks) = if name.ends_with(".json") { as_model_file(name, &text)? } else { (text, vec![]) };
    let found = read(Source { name, text: &text }, &stem, directory, &overrides(&typed.model)?)?;

    let conflict = |why: String| unreadable(format!("its [run] and the command line do not fit together: {why}"));
    let args = with_flags_of_file(typed, &found.run).map_err(conflict)?;
    let mut warnings = [remarks, found.warnings.clone()].concat();
    none_for_files(&args.link)?;
    let method = method(args.time.method.as_deref(), found.model.dynamics.is_constant(), &mut warnings)?;
    let (time, step_is_open) = time(&args.time, name, &mut warnings)?;
    let spec = RunSpec {
        origin: Origin::File(FileModel::of(found)),
        gauge: args.model.gauge,
        method,
        store_states: args.output.store_states,
        store_record: args.output.store_record,
        observe: observe::parse(&args.output.observe)?,
        seed: args.seed,
        first_trajectory: args.first_trajectory,
        ntraj: args.ntraj,
        target_tol: TargetTol::parse(&args.target_tol)?,
        time,
    };
    spec.check()?;
    let options = super::Options { step_is_open, ..options(&args, &mut warnings)? };
    Ok(Resolved { spec, options, warnings })
}

/// A character that may stand in the name of a results file.
fn plain(c: char) -> char {
    if c.is_ascii_alphanumeric() || "-_.+".contains(c) { c } else { '_' }
}

fn overrides(flags: &ModelFlags) -> Result<Overrides, InputError> {
    let refuse = |flag, advice| Err(InputError::NotForFiles { flag, advice });
    if flags.nfock_j.is_some() {
        return refuse("--Nfock_j", "the size of a spin stands in [space] of the file");
    }
    if flags.no_drive {
        return refuse("--no-drive", "set the parameter of the drive to 0, as in --set E=0");
    }
    let mut set: Vec<(String, String)> = vec![];
    for text in &flags.set {
        let Some((name, value)) = text.split_once('=') else {
            let form = "a parameter and a number";
            return Err(InputError::Malformed { flag: "--set", text: text.clone(), form, example: "kappa=0.3" });
        };
        let name = name.trim().to_owned();
        if set.iter().any(|(known, _)| *known == name) {
            return Err(InputError::Repeated { what: format!("--set {name}") });
        }
        set.push((name, value.trim().to_owned()));
    }
    let mut fock: Vec<(String, usize, bool)> = vec![];
    let sizes = flags.nfock_a.map(|n| format!("a={n}"));
    for text in sizes.iter().chain(&flags.fock) {
        let malformed = || InputError::Malformed {
            flag: "--fock",
            text: text.clone(),
            form: "a factor and its number of levels",
            example: "a=60",
        };
        let (name, size) = text.split_once('=').ok_or_else(malformed)?;
        let (size, exact) = match size.split_once(',') {
            Some((size, "exact")) => (size, true),
            Some(_) => return Err(malformed()),
            None => (size, false),
        };
        let size = within("--fock", size.parse().map_err(|_| malformed())?, 2, 1 << 20)? as usize;
        if fock.iter().any(|(known, ..)| known == name) {
            return Err(InputError::Repeated { what: format!("the size of factor {name}") });
        }
        fock.push((name.to_owned(), size, exact));
    }
    Ok(Overrides { set, fock, initial: flags.initial.clone() })
}

/// Times and steps, and whether the step is still to be chosen by the stability of the model.
fn time(flags: &TimeFlags, file: &str, warnings: &mut Vec<String>) -> Result<(TimeGrid, bool), InputError> {
    let Some(duration) = flags.duration else { return Err(InputError::NoDuration { file: file.into() }) };
    let dt = flags.dt.map(|dt| positive("--dt", dt)).transpose()?;
    let (save_dt, steps, open) = match (flags.downsample, dt) {
        (Some(every), _) => {
            let every = within("--downsample", every, 1, u32::MAX.into())?;
            (dt.unwrap_or(SCRIPT_STEP) * every as f64, every, false)
        }
        (None, Some(dt)) => {
            let save_dt = flags.save_dt.unwrap_or(duration / INTERVALS);
            (save_dt, steps_per_save(save_dt, dt)?, false)
        }
        (None, None) => (flags.save_dt.unwrap_or(duration / INTERVALS), 1, true),
    };
    let grid = TimeGrid::new(duration, save_dt, steps, flags.save_from.unwrap_or(0.0))?;
    warnings.extend(announce(&grid, dt));
    Ok((grid, open))
}
