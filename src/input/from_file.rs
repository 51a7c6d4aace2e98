//! A run of a model file: what the file says, what the command line says instead, and the times.

use super::json::as_model_file;
use super::link::none_for_files;
use super::model_file::{Overrides, Source, read, read_sweep};
use super::resolve::{Resolved, method, resolved};
use super::sizes::Size;
use super::times::{Habits, times};
use super::{FileModel, InputError, Origin, within};
use crate::cli::{ModelFlags, RunArgs, with_flags_of_file};
use crate::error::Error;
use std::path::Path;

/// Save intervals of a run without `--save-dt`.
const INTERVALS: f64 = 200.0;
/// Times at which coefficients are tried, about.
const SAMPLES: u64 = 1000;
/// Levels that a factor may have.
const MAX_LEVELS: u64 = 1 << 20;

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
    let duration = args.time.duration;
    let habits = Habits { duration: None, save_dt: duration.unwrap_or(f64::NAN) / INTERVALS, dt: None };
    let times = times(&args.time, &habits, name, &mut warnings)?;
    let grid = &times.0;
    let samples = (0..grid.intervals).step_by((grid.intervals / SAMPLES).max(1) as usize).chain([grid.intervals]);
    let samples: Vec<f64> = samples.map(|j| j as f64 * grid.save_dt).collect();
    warnings.extend(found.check_times(Source { name, text: &text }, grid.duration(), &samples)?);
    resolved(&args, Origin::File(FileModel::of(found)), method, times, warnings)
}

/// The flags that `[sweep]` of the model file `name` stands for.
pub(super) fn sweep_of_file(name: &str) -> Result<Vec<(String, String)>, InputError> {
    let unreadable = |error: std::io::Error| InputError::ModelFile { path: name.into(), reason: error.to_string() };
    let text = std::fs::read_to_string(name).map_err(unreadable)?;
    read_sweep(Source { name, text: &text })
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
    let sizes = Size::all(flags.nfock_a.map(|n| Size::new("a", n)), &flags.fock)?.into_iter();
    let fock = sizes.map(|size| {
        let levels = within("--fock", size.levels, 2, MAX_LEVELS)? as usize;
        Ok((size.factor, levels, size.exact))
    });
    Ok(Overrides { set, fock: fock.collect::<Result<_, InputError>>()?, initial: flags.initial.clone() })
}
