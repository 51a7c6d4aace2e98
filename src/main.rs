//! The binary: what was typed, what it means, the run, its file, what the user reads.

use qsd::cli::{Cli, InfoArgs, RunArgs, Task};
use qsd::comm::{self, Comm};
use qsd::ensemble::{Conduct, Discard, Ensemble, Failure, Header, Outcome, Sink, Summary, Verdict, run, utc_now};
use qsd::error::{Error, exit};
use qsd::input::{Options, Output, Resolved, resolve};
use qsd::kernel::Isa;
use qsd::report::{dry_run, info, json, logging, models, progress::Reporter, table};
use qsd::store::{self, Existing, H5Sink, Place, Results};
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

fn main() -> ExitCode {
    let code = match Cli::from_env().task {
        Task::Run(args) => run_ranks(&args),
        Task::Models => shown(models::write(&mut io::stdout())),
        Task::Info(args) => show_info(&args),
    };
    ExitCode::from(code as u8)
}

/// One rank of a run; the exit code is the same on all of them unless one failed alone.
fn run_ranks(args: &RunArgs) -> i32 {
    let world = match comm::world() {
        Ok(world) => world,
        Err(error) => return complain(&error.into()),
    };
    let talk = &args.talk;
    let started = logging::start(logging::level(talk.quiet, talk.verbose), talk.log_file.as_deref(), world.rank());
    let ran =
        started.map_err(Error::from).and_then(|()| resolve(args)).and_then(|input| run_input(input, world.as_ref()));
    match ran {
        Ok(code) => code,
        Err(error) if error.is_common() && !world.is_root() => error.exit_code(),
        Err(error) => complain(&error),
    }
}

fn run_input(Resolved { spec, options, warnings }: Resolved, comm: &dyn Comm) -> Result<i32, Error> {
    if comm.is_root() {
        warnings.iter().for_each(|warning| log::warn!("{warning}"));
        if !Isa::detect().has_fma() && std::env::var_os(qsd::kernel::OVERRIDE).is_none() {
            log::warn!(
                "this CPU has no fused multiply-add: the numbers are the same, but a step takes tens of times longer"
            );
        }
    }
    let ensemble = Ensemble::new(spec)?;
    ensemble.check_step()?;
    let threads = options.threads.unwrap_or_else(|| comm::fair_threads(comm));
    let header = ensemble.header(comm, threads, &store::library_version());
    let path = options.path(&ensemble.spec);
    if comm.is_root() {
        log::debug!("{} ranks with {threads} threads each, {} kernel", comm.size(), Isa::detect().name());
        let operations = ensemble.problem.plan.vector_operations();
        log::debug!(
            "{} basis states, {operations} vector operations a pass of eight trajectories",
            ensemble.model.space.dim()
        );
        log::debug!("resolved input:\n{}", header.resolved_input.trim_end());
    }
    if options.dry_run {
        return Ok(if comm.is_root() { show_plan(&ensemble, &header, &options) } else { exit::DONE });
    }

    if let (true, Output::Directory(directory)) = (comm.is_root(), &options.output) {
        // If it cannot be made, the sink says so on all ranks.
        if !directory.exists() && std::fs::create_dir_all(directory).is_ok() {
            log::info!("created {}", directory.display());
        }
    }
    let mut sink: Box<dyn Sink> = match &path {
        Some(path) => {
            let existing = if options.overwrite { Existing::Replace } else { Existing::Refuse };
            Box::new(H5Sink::new(Place { existing, ..Place::new(path) }, comm))
        }
        None => Box::new(Discard),
    };
    let began = Instant::now();
    let mut reporter = Reporter::new(options.quiet || !comm.is_root());
    let conduct =
        Conduct { threads, allow_unsafe: options.allow_unsafe, watch: &mut |progress| reporter.update(progress) };
    let recorded = record(&ensemble, &header, comm, sink.as_mut(), conduct);
    reporter.finish();
    let Some((outcome, summary)) = recorded.unwrap_or_else(|error| leave(&error, comm, sink, began.elapsed())) else {
        return Ok(comm.broadcast(vec![])[0].into());
    };
    comm.broadcast(vec![summary.exit_code as u8]);
    let (out, path) = (&mut io::stdout().lock(), path.as_deref());
    let written = match (options.json, options.quiet) {
        (true, _) => json::write(out, &header, &summary, &outcome.cost, path),
        (false, false) => table::write(out, &header, &summary, &outcome.cost, path),
        (false, true) => summary.guards.iter().filter(|g| g.verdict > Verdict::Good).try_for_each(|guard| {
            log::warn!("{}", guard.message);
            Ok(())
        }),
    };
    Ok(shown(written).max(summary.exit_code))
}

/// The run and its file; what came of it on rank 0. If it fails it fails on all ranks.
fn record(
    ensemble: &Ensemble,
    header: &Header,
    comm: &dyn Comm,
    sink: &mut dyn Sink,
    conduct: Conduct,
) -> Result<Option<(Outcome, Summary)>, Error> {
    sink.begin(header)?;
    let outcome = run(ensemble, comm, sink, conduct)?;
    let ended = outcome.map(|outcome| {
        let summary = summary(&outcome, ensemble);
        (outcome, summary)
    });
    sink.finish(ended.as_ref().map(|(_, summary)| summary))?;
    Ok(ended)
}

/// Leave after a failure that all ranks know of, each by itself.
///
/// Ending MPI in good order would let HDF5 close the file from inside MPI_Finalize, which hangs or crashes
/// where a write has failed; and Open MPI's mpirun sometimes hangs itself after MPI_Abort (with 4.1.4 in 3 of 150 starts of a bare C program).
fn leave(error: &Error, comm: &dyn Comm, mut sink: Box<dyn Sink + '_>, took: Duration) -> ! {
    let code = complain(error);
    if comm.is_root() {
        sink.fail(&Failure {
            end_condition: format!("failed ({})", error.id()),
            exit_code: code,
            guards: if let Error::Guard(error) = error { error.guards.clone() } else { vec![] },
            wall_time: took.as_secs_f64(),
            ended: utc_now(),
        });
    }
    drop(sink);
    // A launcher ends the others as soon as the first is gone: not before all have spoken.
    comm.barrier();
    std::process::exit(code)
}

fn summary(outcome: &Outcome, ensemble: &Ensemble) -> Summary {
    Summary {
        n_done: outcome.n_done,
        observables: outcome.observables.clone(),
        leaks: outcome.leaks.clone(),
        guards: outcome.guards.clone(),
        end_condition: if outcome.n_done == ensemble.spec.ntraj { "ntraj reached".into() } else { "incomplete".into() },
        exit_code: if outcome.failed() { exit::GUARD } else { exit::DONE },
        wall_time: outcome.cost.wall,
        ended: utc_now(),
    }
}

fn show_plan(ensemble: &Ensemble, header: &Header, options: &Options) -> i32 {
    let path = options.path(&ensemble.spec);
    if let Some(path) = path.as_ref().filter(|path| path.exists() && !options.overwrite) {
        log::warn!("{} exists: the run itself will refuse it without --force", path.display());
    }
    let plan = dry_run::Plan {
        dimension: ensemble.model.space.dim(),
        observables: ensemble.observables.len(),
        ranks: header.ranks,
        threads: header.threads,
        file_size: path.map(|_| store::file_size(header)),
    };
    let out = &mut io::stdout();
    shown(if options.json {
        dry_run::json(out, &ensemble.spec, &plan)
    } else {
        dry_run::write(out, &ensemble.spec, &plan)
    })
}

fn show_info(args: &InfoArgs) -> i32 {
    let said = Results::open(&args.file).and_then(|results| {
        let out = &mut io::stdout();
        if !args.json {
            return info::text(&results, out);
        }
        let document = info::json(&results)?;
        Ok(writeln!(out, "{document:#}"))
    });
    said.map_or_else(|error| complain(&error.into()), shown)
}

/// Say what went wrong, once; a rank whose fellow failed says nothing.
fn complain(error: &Error) -> i32 {
    if !matches!(error, Error::Elsewhere) {
        match log::max_level() {
            // Before anything is known about this process there is no log.
            log::LevelFilter::Off => eprintln!("error: {}: {error}", error.id()),
            _ => log::error!("{}: {error}", error.id()),
        }
    }
    error.exit_code()
}

/// A reader that goes away (`qsd info F | head`) is no failure.
fn shown(written: io::Result<()>) -> i32 {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: E-output: cannot write to standard output: {error}");
            exit::FAILED
        }
        _ => exit::DONE,
    }
}
