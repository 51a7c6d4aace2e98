//! What was typed: clap structs and nothing else. What it means is decided in `input`.
//!
//! Two rules hold for the whole command line: `qsd [flags]` is `qsd run [flags]`, and every long flag
//! is accepted with `-` and with `_` between its words, because scripts exist that spell it either way.

mod again;
mod conduct;
mod defaults;
mod look;
mod merge;
mod run;
mod values;

pub use again::{ExtendArgs, ResumeArgs};
pub use conduct::{ConductFlags, Io};
pub use defaults::{check_flag, with_flags_of_file};
pub use look::{CompletionsArgs, InfoArgs, PlotArgs, ReportArgs, ViewArgs};
pub use merge::MergeArgs;
pub use run::{
    DEFAULT_NTRAJ, Gauge, LinkFlags, LinkKind, ModelFlags, OutputFlags, RunArgs, StoreStates, Streams, SweepFlags,
    TalkFlags, TimeFlags,
};
pub use values::Dt;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// Ensembles of quantum trajectories (quantum state diffusion) over MPI ranks, gathered in one HDF5 file.
#[derive(Debug, Parser)]
#[command(name = "qsd", version, arg_required_else_help = true)]
#[command(after_help = "`qsd [flags]` is the same as `qsd run [flags]`.\n\
    Example: mpirun -n 4 qsd run kerr_bistable --ntraj 1000 -o kerr.h5")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub task: Task,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Integrate an ensemble of trajectories
    #[command(allow_negative_numbers = true)]
    Run(Box<RunArgs>),
    /// Finish what is missing of a results file, from the file alone
    Resume(ResumeArgs),
    /// Add trajectories to a results file
    Extend(ExtendArgs),
    /// Put results of one ensemble together in a new file
    Merge(MergeArgs),
    /// List the built-in models and the methods, or write one as a model file
    Models(ModelsArgs),
    /// Explain a key of a model file, or list them all
    Explain(ExplainArgs),
    /// Say what a results file holds, or list those of a folder
    Info(InfoArgs),
    /// Show a results file as one page of HTML that needs no network
    Report(ReportArgs),
    /// Draw means over single trajectories, as a figure or in the terminal
    Plot(PlotArgs),
    /// Show the results of a folder in a browser, also through a tunnel
    View(ViewArgs),
    /// Write a results file in another format
    Export(ExportArgs),
    /// Compare ensembles with exact results: systems with known answers, or the small MODEL of a run with its master
    /// equation
    #[command(allow_negative_numbers = true)]
    Verify(Box<RunArgs>),
    /// Say whether runs will work here, alone or on several ranks
    Doctor(DoctorArgs),
    /// Write what a shell needs to complete this command line
    Completions(CompletionsArgs),
}

/// Arguments of `qsd models`.
#[derive(Debug, clap::Args)]
pub struct ModelsArgs {
    /// Write this built-in model as a model file, to standard output
    #[arg(long, value_name = "NAME")]
    pub toml: Option<String>,
    /// List the methods only
    #[arg(long, conflicts_with = "toml")]
    pub methods: bool,
}

/// Arguments of `qsd explain`.
#[derive(Debug, clap::Args)]
pub struct ExplainArgs {
    /// A key of a model file, as in c_ops or ntraj [default: all]
    pub key: Option<String>,
}

/// Arguments of `qsd export`.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("format").required(true))]
pub struct ExportArgs {
    /// Results file
    pub file: PathBuf,
    /// Statistics by time, comma-separated
    #[arg(long, group = "format")]
    pub csv: bool,
    /// Everything, for numpy.load, under the names of the original simulator
    #[arg(long, group = "format")]
    pub npz: bool,
    /// Everything, for MATLAB, Octave and scipy.io.loadmat, under the same names
    #[arg(long, group = "format")]
    pub mat: bool,
    /// The new file [default: that of the results, with another ending]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long)]
    pub force: bool,
    /// The point of a sweep: its number, or its parameters, as in alpha0=15,chi=-10
    #[arg(long, value_name = "POINT", allow_hyphen_values = true)]
    pub point: Option<String>,
}

/// Arguments of `qsd doctor`.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Directory where results are to go
    #[arg(default_value = ".")]
    pub directory: PathBuf,
}

impl Cli {
    /// The command line of this process; prints help or the mistake and leaves by itself (exit code 0 or 2).
    pub fn from_env() -> Cli {
        Cli::from_words(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// The same for given words, program name first.
    pub fn from_words(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
        let words = with_run(words);
        let matches = command().try_get_matches_from(&words).map_err(with_hint)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        match &mut cli.task {
            Task::Run(args) => args.words = words,
            // What else is typed is a run.
            Task::Verify(args) => {
                args.words = words;
                args.words[1] = "run".into();
            }
            _ => {}
        }
        Ok(cli)
    }
}

/// The whole command line, both spellings of every flag included.
pub fn command() -> Command {
    both_spellings(Cli::command())
}

/// `qsd --ntraj 8` is `qsd run --ntraj 8`: a first word that is a flag, except those of `qsd` itself.
fn with_run(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    let is_flag_of_run = words
        .get(1)
        .and_then(|word| word.to_str())
        .is_some_and(|word| word.starts_with('-') && !["-h", "--help", "-V", "--version"].contains(&word));
    if is_flag_of_run {
        words.insert(1, "run".into());
    }
    words
}

/// `qsd kerr_bistable` is a likely slip: a model needs `run` in front of it.
fn with_hint(mut error: clap::Error) -> clap::Error {
    let slip = error.get(ContextKind::InvalidSubcommand).map(ToString::to_string);
    if let Some(word) = slip.filter(|_| error.get(ContextKind::SuggestedSubcommand).is_none()) {
        let hint = format!("to integrate a model of that name, type 'qsd run {word}'").into();
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![hint]));
    }
    error
}

/// Adds to every long flag, also of subcommands, its other spelling as a hidden alias.
fn both_spellings(command: Command) -> Command {
    command.mut_args(with_other_spelling).mut_subcommands(both_spellings)
}

fn with_other_spelling(arg: Arg) -> Arg {
    let mut spellings: Vec<String> = arg.get_long().map(str::to_owned).into_iter().collect();
    spellings.extend(arg.get_all_aliases().unwrap_or_default().into_iter().map(str::to_owned));
    let others: Vec<String> = spellings
        .iter()
        .flat_map(|name| [name.replace('-', "_"), name.replace('_', "-")])
        .filter(|name| !spellings.contains(name))
        .collect();
    arg.aliases(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::from_words(line.split_whitespace().map(OsString::from))
    }

    fn run(line: &str) -> RunArgs {
        match parse(line).unwrap_or_else(|error| panic!("{line}: {error}")).task {
            Task::Run(args) => *args,
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn flags_alone_are_a_run() {
        assert_eq!(run("qsd --ntraj 8").ntraj, 8);
        assert_eq!(run("qsd run --ntraj 8").ntraj, 8);
        assert_eq!(parse("qsd --help").unwrap_err().exit_code(), 0);
        assert_eq!(parse("qsd -V").unwrap_err().exit_code(), 0);
        assert!(matches!(parse("qsd models").unwrap().task, Task::Models(ModelsArgs { toml: None, methods: false })));
        assert!(matches!(parse("qsd info a.h5 --json").unwrap().task, Task::Info(InfoArgs { json: true, .. })));
    }

    /// The command line of a script written for the seed, word for word.
    #[test]
    fn the_flags_of_the_seed_work() {
        let args = run("qsd --seed 3 --ntraj 1 --duration 10 --delta_t 2e-3 --downsample 100 \
             --sdeint_method_name itoEuler --regime kerr_bistable --num_systems 1 --Nfock_a 50 --Nfock_j 2 \
             --R 0.5 --eps 0 --noise_amp 1 --trans_phase -1 --drive_second_system False --lambda 0.9 \
             --quiet --output_dir out --save2pkl --save2mat");
        assert_eq!((args.seed, args.ntraj), (3, 1));
        assert_eq!(args.time.dt.number(), Some(2e-3));
        assert_eq!(args.time.downsample, Some(100));
        assert_eq!(args.time.method.as_deref(), Some("itoEuler"));
        assert_eq!(args.model.nfock_a, Some(50));
        assert_eq!(args.link.trans_phase.as_deref(), Some("-1"));
        assert_eq!(args.link.drive_second_system, Some(false));
        assert_eq!(args.output.output_dir, Some("out".into()));
        assert!(args.output.save2mat && args.output.save2pkl && args.talk.quiet);
    }

    #[test]
    fn every_long_flag_has_both_spellings() {
        for line in ["qsd run --delta-t 1", "qsd run --delta_t 1", "qsd run --dt 1"] {
            assert_eq!(run(line).time.dt.number(), Some(1.0), "{line}");
        }
        for line in ["qsd run --Nfock_a 7", "qsd run --Nfock-a 7"] {
            assert_eq!(run(line).model.nfock_a, Some(7), "{line}");
        }
        for task in command().get_subcommands() {
            for arg in task.get_arguments().filter(|arg| arg.get_long().is_some()) {
                let mut names = arg.get_all_aliases().unwrap_or_default();
                names.extend(arg.get_long());
                for name in &names {
                    assert!(names.contains(&name.replace('-', "_").as_str()), "--{name}");
                    assert!(names.contains(&name.replace('_', "-").as_str()), "--{name}");
                }
            }
        }
    }

    #[test]
    fn contradictions_are_usage_errors() {
        for line in [
            "qsd run kerr_qubit --regime kerr_qubit",
            "qsd run --save-dt 1 --downsample 2",
            "qsd run -o a.h5 --output-dir b",
            "qsd run --quiet -v",
            "qsd run --nonsense",
            "qsd run --ntraj many",
        ] {
            assert_eq!(parse(line).expect_err(line).exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn a_model_without_run_is_explained() {
        let text = |line| parse(line).expect_err(line).to_string();
        assert!(text("qsd kerr_bistable").contains("type 'qsd run kerr_bistable'"), "{}", text("qsd kerr_bistable"));
        assert!(!text("qsd modles").contains("qsd run"), "{}", text("qsd modles"));
    }

    #[test]
    fn a_negative_number_is_a_value() {
        assert_eq!(run("qsd run --duration -1").time.duration, Some(-1.0));
        assert_eq!(run("qsd run --initial -3+1i").model.initial.as_deref(), Some("-3+1i"));
        assert_eq!(run("qsd run --set chi=-10 --set Delta=1").model.set, ["chi=-10", "Delta=1"]);
    }

    #[test]
    fn drive_second_system_may_stand_alone() {
        assert_eq!(run("qsd --drive-second-system").link.drive_second_system, Some(true));
        assert_eq!(run("qsd --drive-second-system=False").link.drive_second_system, Some(false));
        assert_eq!(run("qsd --drive_second_system False --ntraj 2").link.drive_second_system, Some(false));
    }

    #[test]
    fn every_flag_says_what_it_does() {
        for task in command().get_subcommands().filter(|task| task.get_name() != "help") {
            for arg in task.get_arguments() {
                assert!(arg.get_help().is_some(), "{} of {}", arg.get_id(), task.get_name());
            }
        }
    }
}
