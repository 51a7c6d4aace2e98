//! The binary: what was typed, what it means, the run, its file, what the user reads.

#[path = "main/doctor.rs"]
mod doctor;
#[path = "main/listen.rs"]
mod listen;
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

use qsd::cli::{Cli, ExplainArgs, ExportArgs, InfoArgs, ModelsArgs, Task};
use qsd::error::Error;
use qsd::input::Export;
use qsd::model::library;
use qsd::report::{explain, export, info, models};
use qsd::store::{Results, StoreError, Swept};
use say::{complain, shown};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let code = match Cli::from_env().task {
        Task::Run(args) => ranks::start(&args),
        Task::Resume(args) => ranks::resume(&args),
        Task::Extend(args) => ranks::extend(&args),
        Task::Merge(args) => merge::run(&args),
        Task::Models(args) => show_models(&args),
        Task::Explain(args) => show_key(&args),
        Task::Info(args) => show_info(&args),
        Task::Verify(args) => verify::examine(&args),
        Task::Export(args) => write_export(&args),
        Task::Doctor(args) => doctor::examine(&args),
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

fn show_info(args: &InfoArgs) -> i32 {
    let out = &mut io::stdout();
    let mut said = || -> Result<io::Result<()>, Error> {
        let swept = if args.point.is_none() { Swept::find(&args.file)? } else { None };
        Ok(match (swept, args.json) {
            (Some(swept), false) => info::sweep_text(&swept, out)?,
            (Some(swept), true) => {
                let document = info::sweep_json(&swept)?;
                writeln!(out, "{document:#}")
            }
            (None, false) => info::text(&opened(&args.file, args.point.as_deref())?, out)?,
            (None, true) => {
                let document = info::json(&opened(&args.file, args.point.as_deref())?)?;
                writeln!(out, "{document:#}")
            }
        })
    };
    said().map_or_else(|error| complain(&error), shown)
}

/// A results file, or one point of a sweep.
fn opened(file: &Path, point: Option<&str>) -> Result<Results, Error> {
    let Some(point) = point else { return Ok(Results::open(file)?) };
    let Some(swept) = Swept::find(file)? else {
        // What is no results file says so itself.
        Results::open(file)?;
        return Err(StoreError::SingleRun { path: file.into() }.into());
    };
    let number = swept.axes().find(point)?;
    let not_begun = || StoreError::NotBegun { path: file.into(), point: swept.axes().label(number) };
    Ok(swept.at(number)?.ok_or_else(not_begun)?)
}

fn write_export(args: &ExportArgs) -> i32 {
    let format = match (args.csv, args.npz) {
        (true, _) => Export::Csv,
        (_, true) => Export::Npz,
        _ => Export::Mat,
    };
    let path = args.output.clone().unwrap_or_else(|| export::path_of(&args.file, format));
    let results = opened(&args.file, args.point.as_deref());
    let written = results.and_then(|results| Ok(export::export(&results, format, &path, args.force)?));
    let said = |()| shown(writeln!(io::stdout(), "{}", path.display()));
    written.map_or_else(|error| complain(&error), said)
}
