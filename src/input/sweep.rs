//! A sweep: the same run at every point of a grid of parameters, each as if its values had been typed with `--set`.

mod axes;
mod record;
mod values;

pub use axes::{Axes, Axis, POINT};

use super::from_file::{is_file, sweep_of_file};
use super::{InputError, Options, Output, Resolved, RunSpec, Streams, resolve};
use crate::cli::{RunArgs, SweepFlags, with_flags_of_file};
use crate::error::Error;
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// A command line that means many runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Sweep {
    /// The parameters and their values.
    pub axes: Axes,
    /// The noise of the points.
    pub streams: Streams,
    /// The run of every point.
    pub points: Vec<Resolved>,
    /// What they have in common.
    pub options: Options,
}

/// What the arguments of `qsd run` mean if they, or the model file, sweep something.
///
/// # Errors
/// Those of `resolve`, with the point at which they come up, and of values that make no sweep.
pub fn sweep(typed: &RunArgs) -> Result<Option<Sweep>, Error> {
    let Some(flags) = flags(typed)? else { return Ok(None) };
    let axes = parse(&flags)?;
    if let Some(axis) = axes.all.iter().find(|axis| typed.model.set.iter().any(|set| name_of(set) == axis.name)) {
        return Err(InputError::Sweep(format!("{} is swept and set (--set); leave one of them out", axis.name)).into());
    }
    let mut points: Vec<Resolved> = Vec::with_capacity(axes.count());
    for point in 0..axes.count() {
        let mut resolved = resolve(&at(typed, &axes, point)).map_err(|error| error.at_point(axes.label(point)))?;
        if flags.sweep_streams == Streams::Independent {
            resolved.spec.seed = seed_of_point(resolved.spec.seed, point as u64);
        }
        points.push(resolved);
    }
    let options = points[0].options.clone();
    if points[0].spec.target_tol.is_some() {
        let why = "--target-tol gives every point a number of trajectories of its own, which is no array: give --ntraj instead";
        return Err(InputError::Sweep(why.into()).into());
    }
    if !options.exports.is_empty() {
        return Err(InputError::Sweep(
            "--save2mat and --save2pkl are for single runs; qsd export FILE --point exports a point".into(),
        )
        .into());
    }
    Ok(Some(Sweep { axes, streams: flags.sweep_streams, points, options }))
}

impl Sweep {
    /// Where it goes.
    ///
    /// # Errors
    /// `Sweep` if nobody has said.
    pub fn path(&self) -> Result<PathBuf, InputError> {
        match &self.options.output {
            Output::File(file) => Ok(file.clone()),
            Output::Directory(directory) => Ok(directory.join(self.file_name())),
            Output::Nowhere => Err(InputError::Sweep("a sweep needs a results file: name one with -o FILE".into())),
        }
    }

    /// Name of its file in a directory: that of its first point with a hash of all points.
    fn file_name(&self) -> String {
        let first = self.points[0].spec.file_name();
        let stem = first.rsplit_once('_').map_or(first.as_str(), |(stem, _)| stem);
        let hash: String = Sha256::digest(self.to_toml()).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{stem}_sweep-{hash}.h5")
    }

    /// The runs.
    pub fn specs(&self) -> impl Iterator<Item = &RunSpec> {
        self.points.iter().map(|point| &point.spec)
    }
}

/// Whether the arguments, or the model file, sweep something.
///
/// # Errors
/// Those of `sweep` that are known before there are values.
pub fn is_sweep(typed: &RunArgs) -> Result<bool, Error> {
    Ok(flags(typed)?.is_some())
}

/// What is wrong with the values of `KEY=VALUES`.
pub(super) fn check_values(typed: &str) -> Result<(), String> {
    let (_, text) = typed.split_once('=').unwrap_or_default();
    match values::values(typed, text) {
        Err(InputError::Malformed { form, .. }) => {
            Err(format!("expected {}", form.strip_prefix(values::KEY).unwrap_or(form)))
        }
        other => other.map(drop).map_err(|error| error.to_string()),
    }
}

/// The flags of the sweep, those of the model file among them; `None` if nothing is swept.
fn flags(typed: &RunArgs) -> Result<Option<SweepFlags>, Error> {
    let flags = match typed.model.model.as_deref().filter(|name| is_file(name) && !name.ends_with(".json")) {
        Some(file) => {
            let conflict = |reason| InputError::ModelFile { path: file.into(), reason };
            with_flags_of_file(typed, &of_file(typed, file)?).map_err(conflict)?.sweep
        }
        None => typed.sweep.clone(),
    };
    let nothing = |flag| Err(InputError::Sweep(format!("{flag} has nothing to sweep; add --sweep KEY=VALUES")).into());
    match (flags.sweep.is_empty(), flags.sweep_zip, flags.sweep_streams) {
        (false, ..) => Ok(Some(flags)),
        (true, true, _) => nothing("--sweep-zip"),
        (true, false, Streams::Independent) => nothing("--sweep-streams independent"),
        (true, false, Streams::Common) => Ok(None),
    }
}

/// Those of the model file that count. Parameters that are swept on the command line replace all of the file's, and
/// what is set there is not swept.
fn of_file(typed: &RunArgs, file: &str) -> Result<Vec<(String, String)>, InputError> {
    let mut flags = sweep_of_file(file)?;
    let is_axis = |(name, _): &(String, String)| name == "sweep";
    if !typed.sweep.sweep.is_empty() {
        flags.retain(|(name, _)| name == "sweep-streams");
    } else if flags.iter().any(is_axis) {
        let is_set = |axis: &str| typed.model.set.iter().any(|set| name_of(set) == name_of(axis));
        flags.retain(|flag| !(is_axis(flag) && is_set(&flag.1)));
        if !flags.iter().any(is_axis) {
            flags.clear();
        }
    }
    Ok(flags)
}

fn parse(flags: &SweepFlags) -> Result<Axes, InputError> {
    let mut all: Vec<Axis> = vec![];
    for typed in &flags.sweep {
        let (name, text) = (name_of(typed).to_owned(), typed.split_once('=').map_or("", |(_, text)| text));
        let values = values::values(typed, text)?;
        if all.iter().any(|axis| axis.name == name) {
            return Err(InputError::Repeated { what: format!("--sweep {name}") });
        }
        let twice = (0..values.len()).find(|&k| values[..k].contains(&values[k]));
        if let Some(k) = twice.filter(|_| !flags.sweep_zip) {
            return Err(InputError::Repeated { what: format!("--sweep {name}={}", axes::plain(values[k])) });
        }
        all.push(Axis { name, values });
    }
    let lengths: Vec<String> = all.iter().map(|axis| format!("{} has {}", axis.name, axis.values.len())).collect();
    if flags.sweep_zip && all.iter().any(|axis| axis.values.len() != all[0].values.len()) {
        let why = format!("--sweep-zip needs the same number of values for all, and {}", lengths.join(", "));
        return Err(InputError::Sweep(why));
    }
    let axes = Axes { zip: flags.sweep_zip, all };
    match axes.count() {
        count if count > values::MOST => {
            let advice = "fewer values, or several sweeps";
            Err(InputError::TooMany { what: "points", count: count as f64, most: values::MOST as f64, advice })
        }
        _ => Ok(axes),
    }
}

fn name_of(assignment: &str) -> &str {
    assignment.split_once('=').map_or(assignment, |(name, _)| name).trim()
}

/// The run of a point as it would have been typed.
fn at(typed: &RunArgs, axes: &Axes, point: usize) -> RunArgs {
    let mut args = typed.clone();
    for (name, value) in axes.values(point) {
        let set = format!("{name}={}", axes::plain(value));
        args.words.push(format!("--set={set}").into());
        args.model.set.push(set);
    }
    args
}

/// Seed of a point whose noise is its own: the first 63 bits of SHA-256("qsd-sweep-1" 0 seed point), both numbers as
/// little-endian words.
fn seed_of_point(seed: u64, point: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(b"qsd-sweep-1\0");
    hash.update(seed.to_le_bytes());
    hash.update(point.to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    u64::from_be_bytes(digest[..8].try_into().expect("eight of 32 bytes")) >> 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};

    fn typed(line: &str) -> RunArgs {
        match Cli::from_words(line.split_whitespace().map(Into::into)).unwrap_or_else(|e| panic!("{line}: {e}")).task {
            Task::Run(args) => *args,
            other => panic!("{line} is {other:?}"),
        }
    }

    fn swept(line: &str) -> Sweep {
        sweep(&typed(line)).unwrap_or_else(|e| panic!("{line}: {e}")).expect(line)
    }

    fn refusal(line: &str) -> String {
        sweep(&typed(line)).expect_err(line).to_string()
    }

    #[test]
    fn a_point_is_the_run_that_has_its_values_set() {
        let all = swept(
            "qsd run kerr_bistable --sweep alpha0=linspace(15,25,3) --sweep chi=-10,-5 --set Delta=1 --ntraj 8 -o x.h5",
        );
        assert_eq!((all.points.len(), all.path()), (6, Ok("x.h5".into())));
        let one = typed("qsd run kerr_bistable --set Delta=1 --set alpha0=25 --set chi=-10 --ntraj 8 -o x.h5");
        assert_eq!(all.points[4], resolve(&one).expect("a run"));
        assert!(sweep(&typed("qsd run kerr_bistable")).expect("a run").is_none());
    }

    #[test]
    fn noise_is_common_or_of_each_point() {
        let seeds = |more: &str| -> Vec<u64> {
            swept(&format!("qsd run kerr_bistable --sweep chi=-10,-5 --seed 3 {more}"))
                .specs()
                .map(|spec| spec.seed)
                .collect()
        };
        assert_eq!(seeds(""), [3, 3]);
        // hashlib.sha256(b"qsd-sweep-1\0" + struct.pack("<QQ", 3, p)).digest()[:8], big-endian, shifted by one.
        assert_eq!(seeds("--sweep-streams independent"), [5_343_018_829_382_295_461, 7_393_682_543_050_592_540]);
    }

    #[test]
    fn what_makes_no_sweep_is_refused_in_a_sentence() {
        for (line, words) in [
            ("--sweep chi", "expected a parameter and its values"),
            ("--sweep chi=-10 --sweep chi=-5", "--sweep chi is given twice"),
            ("--sweep chi=-10,-10", "--sweep chi=-10 is given twice"),
            ("--sweep chi=-10 --set chi=-5", "chi is swept and set"),
            ("--sweep chi=-10,-5 --sweep alpha0=1,2,3 --sweep-zip", "chi has 2, alpha0 has 3"),
            ("--sweep-zip", "--sweep-zip has nothing to sweep"),
            ("--sweep-streams independent", "--sweep-streams independent has nothing to sweep"),
            ("--sweep chi=-5 --target-tol 0.1", "--target-tol gives every point"),
            ("--sweep chi=linspace(1,2,1000) --sweep alpha0=linspace(1,2,1000)", "points are more than"),
            ("--sweep chi=-5 --save2mat", "qsd export FILE --point"),
        ] {
            let text = refusal(&format!("qsd run kerr_bistable {line}"));
            assert!(text.contains(words), "{line}: {text}");
        }
        let nowhere = swept("qsd run kerr_bistable --sweep chi=-10").path().expect_err("no file").to_string();
        assert!(nowhere.contains("-o FILE"), "{nowhere}");
        assert!(swept("qsd run kerr_bistable --sweep-zip --sweep chi=-5,-5 --sweep alpha0=1,2").axes.zip);
    }

    #[test]
    fn a_directory_gets_a_file_named_after_all_points() {
        let name = |values: &str| {
            swept(&format!("qsd run kerr_bistable --sweep chi={values} --output-dir d")).path().expect("a path")
        };
        assert!(
            name("-10,-5").starts_with("d")
                && name("-10,-5").to_string_lossy().contains("QSD_kerr_bistable_s1_t0-63_sweep-")
        );
        assert_eq!(name("-10,-5"), name("linspace(-10,-5,2)"));
        assert_ne!(name("-10,-5"), name("-10,-6"));
    }
}
