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

use qsd::cli::{self, Cli, CompletionsArgs, ExplainArgs, ExportArgs, ModelsArgs, Task};
use qsd::error::Error;
use qsd::input::Export;
use qsd::model::library;
use qsd::report::{explain, export, models};
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
    let format = match (args.csv, args.npz) {
        (true, _) => Export::Csv,
        (_, true) => Export::Npz,
        _ => Export::Mat,
    };
    let path = args.output.clone().unwrap_or_else(|| export::path_of(&args.file, format));
    let results = Results::at(&args.file, args.point.as_deref()).map_err(Error::from);
    let written = results.and_then(|results| Ok(export::export(&results, format, &path, args.force)?));
    let said = |()| shown(writeln!(io::stdout(), "{}", path.display()));
    written.map_or_else(|error| complain(&error), said)
}

fn write_completions(args: &CompletionsArgs) -> i32 {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut cli::command(), "qsd", &mut script);
    shown(io::stdout().write_all(&script))
}
