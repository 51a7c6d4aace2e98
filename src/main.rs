//! The binary: what was typed, what it means, the run, its file, what the user reads.

#[path = "main/doctor.rs"]
mod doctor;
#[path = "main/listen.rs"]
mod listen;
#[path = "main/look.rs"]
mod look;
#[path = "main/merge.rs"]
mod merge;
#[path = "main/ranks.rs"]
mod ranks;
#[path = "main/say.rs"]
mod say;
#[path = "main/sweep.rs"]
mod sweep;
#[path = "main/verify.rs"]
mod verify;

use clap::builder::PossibleValuesParser;
use qsd::cli::{self, Cli, CompletionsArgs, ExplainArgs, ExportArgs, ModelsArgs, Task};
use qsd::error::Error;
use qsd::input::Export;
use qsd::integrator::METHODS;
use qsd::model::library::{self, ENTRIES};
use qsd::report::{explain, export, logging, models};
use qsd::store::Results;
use say::{complain, shown};
use std::io::{self, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let code = match Cli::from_env().task {
        Task::Run(args) => ranks::start(&args),
        Task::Resume(args) => ranks::resume(&args),
        Task::Extend(args) => ranks::extend(&args),
        Task::Merge(args) => merge::run(&args),
        Task::Models(args) => show_models(&args),
        Task::Explain(args) => show_key(&args),
        Task::Info(args) => look::info(&args),
        Task::Report(args) => look::report(&args),
        Task::Plot(args) => look::plot(&args),
        Task::View(args) => look::view(&args),
        Task::Verify(args) => verify::examine(&args),
        Task::Export(args) => write_export(&args),
        Task::Doctor(args) => doctor::examine(&args),
        Task::Completions(args) => write_completions(&args),
    };
    ExitCode::from(code as u8)
}

fn show_models(args: &ModelsArgs) -> i32 {
    let out = &mut io::stdout();
    if args.methods {
        return shown(models::write_methods(out));
    }
    let Some(name) = &args.toml else { return shown(models::write(out)) };
    let text = library::parse(name).and_then(|regime| qsd::input::as_model_file(&regime));
    text.map_or_else(|error| complain(&error.into()), |text| shown(write!(out, "{text}")))
}

fn show_key(args: &ExplainArgs) -> i32 {
    let out = &mut io::stdout();
    let Some(key) = &args.key else { return shown(explain::list(out)) };
    explain::find(key).map_or_else(|error| complain(&Error::from(error)), |keys| shown(explain::write(out, &keys)))
}

fn write_export(args: &ExportArgs) -> i32 {
    // What is left out is said.
    if let Err(error) = logging::start(logging::level(true, 0), None, 0) {
        return complain(&error.into());
    }
    let format = match (args.csv, args.npz) {
        (true, _) => Export::Csv,
        (_, true) => Export::Npz,
        _ => Export::Mat,
    };
    let path = args.output.clone().unwrap_or_else(|| export::path_of(&args.file, args.point.as_deref(), format));
    let results = Results::at(&args.file, args.point.as_deref()).map_err(Error::from);
    let written = results.and_then(|results| Ok(export::export(&results, format, &path, args.force)?));
    let said = |()| shown(writeln!(io::stdout(), "{}", path.display()));
    written.map_or_else(|error| complain(&error), said)
}

/// The command line with the names that the library has: a shell may offer them, and only what is typed is refused.
fn with_names(command: clap::Command) -> clap::Command {
    let one_of = |names: Vec<&'static str>| move |arg: clap::Arg| arg.value_parser(PossibleValuesParser::new(names));
    let regimes = || ENTRIES.iter().map(|entry| entry.name).filter(|name| !name.contains('<')).collect();
    let methods = || METHODS.iter().map(|info| info.name).collect();
    let of_run = |run: clap::Command| run.mut_arg("regime", one_of(regimes())).mut_arg("method", one_of(methods()));
    let models = |models: clap::Command| models.mut_arg("toml", one_of(regimes()));
    command.mut_subcommand("run", of_run).mut_subcommand("verify", of_run).mut_subcommand("models", models)
}

fn write_completions(args: &CompletionsArgs) -> i32 {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut with_names(cli::command()), "qsd", &mut script);
    shown(io::stdout().write_all(&script))
}
