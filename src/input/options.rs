//! What was asked for that changes no number: threads, files, guards, messages.

use super::wall::wall_time;
use super::{InputError, RunSpec, within};
use crate::cli::{ConductFlags, Io, OutputFlags, RunArgs, TalkFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where results go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Nowhere: only the summary is shown.
    Nowhere,
    /// This file.
    File(PathBuf),
    /// A file named after the run in this directory.
    Directory(PathBuf),
}

/// What happens to a results file that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It is gone on with.
    Resume,
    /// It is in the way.
    Refuse,
    /// It is replaced.
    Replace,
}

/// When a run stops early by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxWall {
    /// Never.
    None,
    /// In time before the end of a Slurm job, else never.
    Auto,
    /// After this wall time.
    After(Duration),
}

/// A format to which results are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// Statistics as comma-separated values.
    Csv,
    /// NumPy's archive of arrays.
    Npz,
    /// MATLAB's MAT file, level 5.
    Mat,
}

impl Export {
    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            Export::Csv => "csv",
            Export::Npz => "npz",
            Export::Mat => "mat",
        }
    }
}

/// What was asked for that changes no number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Threads of each rank; `None`: as many as it has CPUs to itself.
    pub threads: Option<usize>,
    /// Where results go.
    pub output: Output,
    /// Formats it is exported to when it is complete.
    pub exports: Vec<Export>,
    /// What happens to a results file that exists.
    pub existing: Existing,
    /// Failed guards are warnings.
    pub allow_unsafe: bool,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
    /// When to stop early.
    pub max_wall: MaxWall,
    /// Stop when this file exists; `None`: beside the results file.
    pub stop_file: Option<PathBuf>,
    /// End a run that has not got on for this long.
    pub watchdog: Option<Duration>,
    /// How ranks write.
    pub io: Io,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Say it for so many ranks.
    pub ntasks: Option<usize>,
    /// The summary as JSON.
    pub json: bool,
    /// No progress and no table.
    pub quiet: bool,
}

impl Options {
    /// The results file of a run, if it has one.
    pub fn path(&self, spec: &RunSpec) -> Option<PathBuf> {
        match &self.output {
            Output::Nowhere => None,
            Output::File(file) => Some(file.clone()),
            Output::Directory(directory) => Some(directory.join(spec.file_name())),
        }
    }

    /// The options of going on with a results file.
    ///
    /// # Errors
    /// `Malformed` and `OutOfRange` as for the flags of a run.
    pub fn of_file(file: &Path, conduct: &ConductFlags, talk: &TalkFlags) -> Result<Options, InputError> {
        let every = wall_time("--checkpoint-every", &conduct.checkpoint_every, "10min")?;
        let max_wall = match conduct.max_wall.as_str() {
            "none" => MaxWall::None,
            "auto" => MaxWall::Auto,
            text => MaxWall::After(wall_time("--max-wall", text, "01:50:00")?),
        };
        let ntasks = talk.ntasks.map(|ranks| within("--ntasks", ranks, 1, 1 << 24)).transpose()?;
        Ok(Options {
            threads: threads(&conduct.threads)?,
            output: Output::File(file.into()),
            exports: vec![],
            existing: Existing::Resume,
            allow_unsafe: conduct.allow_unsafe,
            checkpoint_every: every,
            max_wall,
            stop_file: conduct.stop_file.clone(),
            watchdog: watchdog(&conduct.watchdog)?,
            io: conduct.io,
            dry_run: talk.dry_run,
            ntasks: ntasks.map(|ranks| ranks as usize),
            json: talk.json,
            quiet: talk.quiet,
        })
    }
}

/// The options of a run.
pub(super) fn options(args: &RunArgs, warnings: &mut Vec<String>) -> Result<Options, InputError> {
    let existing = match (args.output.force, args.output.no_resume) {
        (true, _) => Existing::Replace,
        (false, true) => Existing::Refuse,
        (false, false) => Existing::Resume,
    };
    let of_file = Options::of_file(Path::new(""), &args.conduct, &args.talk)?;
    let exports = exports(&args.output, warnings);
    Ok(Options { output: output(&args.output, &exports), exports, existing, ..of_file })
}

fn threads(text: &str) -> Result<Option<usize>, InputError> {
    if text == "auto" {
        return Ok(None);
    }
    let malformed = InputError::Malformed {
        flag: "--threads",
        text: text.into(),
        form: "a number of threads or auto",
        example: "4",
    };
    let count = text.parse().map_err(|_| malformed)?;
    within("--threads", count, 1, 4096).map(|count| Some(count as usize))
}

fn watchdog(text: &str) -> Result<Option<Duration>, InputError> {
    let (flag, example) = ("--watchdog", "10min");
    match text {
        "none" => Ok(None),
        // Ranks agree once a second: in less nobody can have got on.
        text => match wall_time(flag, text, example)? {
            time if time >= Duration::from_secs(3) => Ok(Some(time)),
            _ => {
                Err(InputError::Malformed { flag, text: text.into(), form: "at least three seconds, or none", example })
            }
        },
    }
}

fn output(flags: &OutputFlags, exports: &[Export]) -> Output {
    match (&flags.output, &flags.output_dir) {
        (Some(file), _) => Output::File(file.clone()),
        (None, Some(directory)) => Output::Directory(directory.clone()),
        (None, None) if exports.is_empty() => Output::Nowhere,
        (None, None) => Output::Directory(".".into()),
    }
}

fn exports(flags: &OutputFlags, warnings: &mut Vec<String>) -> Vec<Export> {
    if flags.save2pkl {
        let why = "--save2pkl writes a .npz file, which numpy.load reads: a pickle runs code when it is read";
        warnings.push(why.into());
    }
    let asked = [(flags.save2mat, Export::Mat), (flags.save2pkl, Export::Npz)];
    asked.into_iter().filter(|(asked, _)| *asked).map(|(_, format)| format).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};

    fn typed(line: &str) -> Result<(Options, Vec<String>), InputError> {
        let Task::Run(args) = Cli::from_words(line.split_whitespace().map(Into::into)).expect(line).task else {
            panic!("{line} is not a run")
        };
        let mut warnings = vec![];
        options(&args, &mut warnings).map(|options| (options, warnings))
    }

    #[test]
    fn results_go_where_they_are_asked_to() {
        let directory = |name: &str| Output::Directory(name.into());
        for (line, output, remarks) in [
            ("qsd --ntraj 1", Output::Nowhere, 0),
            ("qsd -o a.h5", Output::File("a.h5".into()), 0),
            ("qsd --output_dir out", directory("out"), 0),
            ("qsd --save2mat", directory("."), 0),
            ("qsd --save2mat --save2pkl --output_dir out", directory("out"), 1),
            ("qsd --save2pkl -o a.h5", Output::File("a.h5".into()), 1),
        ] {
            let (options, warnings) = typed(line).expect(line);
            assert_eq!((options.output, warnings.len()), (output, remarks), "{line}");
        }
        let (options, warnings) = typed("qsd --save2pkl --save2mat").expect("fine");
        assert_eq!(options.exports, [Export::Mat, Export::Npz]);
        assert!(warnings[0].starts_with("--save2pkl writes a .npz file"), "{warnings:?}");
    }

    #[test]
    fn a_directory_gets_a_file_named_after_the_run() {
        let spec = super::super::spec::tests::example();
        let path = |line| typed(line).expect("fine").0.path(&spec);
        assert_eq!(path("qsd --ntraj 1"), None);
        assert_eq!(path("qsd -o a.h5"), Some("a.h5".into()));
        assert_eq!(path("qsd --output-dir out"), Some(PathBuf::from("out").join(spec.file_name())));
    }

    #[test]
    fn a_watchdog_has_patience_or_is_none() {
        let patience = |text| typed(&format!("qsd --watchdog {text}")).map(|(options, _)| options.watchdog);
        assert_eq!(patience("none"), Ok(None));
        assert_eq!(patience("10min"), Ok(Some(Duration::from_secs(600))));
        assert!(patience("1s").expect_err("short").to_string().contains("at least three seconds"));
    }

    #[test]
    fn threads_are_a_number_or_auto() {
        let count = |text| typed(&format!("qsd --threads {text}")).map(|(options, _)| options.threads);
        assert_eq!(count("auto"), Ok(None));
        assert_eq!(count("3"), Ok(Some(3)));
        assert!(count("0").expect_err("none").to_string().starts_with("--threads is 0"));
        assert!(count("many").expect_err("a word").to_string().contains("a number of threads or auto"));
    }
}
