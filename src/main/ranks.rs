//! The commands that integrate: every rank comes through here, and all leave with the same exit code.

use crate::listen;
use crate::say::{complain, shown};
use crate::sweep;
use qsd::cli::{ExtendArgs, ResumeArgs, RunArgs, TalkFlags};
use qsd::comm::{self, Comm};
use qsd::ensemble::{
    Begun, Conduct, Discard, Ensemble, Failure, HangError, Header, Outcome, Pulse, Sink, StepSize, Verdict, Watchdog,
    choose_step, run, utc_now,
};
use qsd::error::{Error, exit};
use qsd::input::{Existing, Export, Options, Output, Resolved, RunSpec, StepReason, Sweep, resolve};
use qsd::kernel::Isa;
use qsd::report::{dry_run, export, json, logging, progress::Reporter, step_check, table};
use qsd::store::{self, H5Sink, Place, Results, StoreError, Swept};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// `qsd run`.
pub fn start(args: &RunArgs) -> i32 {
    on_ranks(&args.talk, |_| match qsd::input::sweep(args)? {
        None => Ok(Work::run(choose_step(resolve(args)?)?)),
        Some(sweep) => Ok(Work::sweep(sweep::with_steps(sweep)?)),
    })
}

/// What a command asks for.
enum Work {
    /// One run.
    Run(Box<Resolved>),
    /// A run at every point.
    Sweep(Box<Sweep>),
}

impl Work {
    fn run(resolved: Resolved) -> Work {
        Work::Run(Box::new(resolved))
    }

    fn sweep(sweep: Sweep) -> Work {
        Work::Sweep(Box::new(sweep))
    }
}

/// `qsd resume`: the file says what is to be done.
pub fn resume(args: &ResumeArgs) -> i32 {
    on_ranks(&args.talk, |_| {
        let options = Options::of_file(&args.file, &args.conduct, &args.talk)?;
        if let Some(swept) = Swept::find(&args.file)? {
            return Ok(Work::sweep(swept.sweep(options)?));
        }
        Ok(Work::run(Resolved { spec: spec_of(&args.file)?, step: StepReason::File, options, warnings: vec![] }))
    })
}

/// `qsd extend`: make room, then resume.
pub fn extend(args: &ExtendArgs) -> i32 {
    on_ranks(&args.talk, |comm| {
        let options = Options::of_file(&args.file, &args.conduct, &args.talk)?;
        let old = spec_of(&args.file)?;
        let state = Results::open(&args.file)?.state()?;
        if args.ntraj < state.n_done {
            return Err(StoreError::Fewer { path: args.file.clone(), done: state.n_done, asked: args.ntraj }.into());
        }
        let spec = old.extended(args.ntraj)?;
        if !options.dry_run {
            let header = Ensemble::new(spec.clone())?.header(comm, 1, &store::library_version());
            // All have read the old file.
            comm.barrier();
            let made = if comm.is_root() { store::resize(&args.file, &header) } else { Ok(()) };
            if !comm.all(made.is_ok()) {
                quit(complain(&made.err().map_or(Error::Elsewhere, Error::from)), comm, comm);
            }
        }
        Ok(Work::run(Resolved { spec, step: StepReason::File, options, warnings: vec![] }))
    })
}

fn spec_of(file: &Path) -> Result<RunSpec, Error> {
    Ok(RunSpec::from_toml(&Results::open(file)?.resolved_input()?)?)
}

/// One rank; the exit code is the same on all of them unless one failed alone.
fn on_ranks(talk: &TalkFlags, input: impl FnOnce(&dyn Comm) -> Result<Work, Error>) -> i32 {
    let started = Instant::now();
    let world = match comm::world() {
        Ok(world) => world,
        Err(error) => return complain(&error.into()),
    };
    let logging = logging::start(logging::level(talk.quiet, talk.verbose), talk.log_file.as_deref(), world.rank());
    let ran = logging.map_err(Error::from).and_then(|()| input(world.as_ref())).and_then(|work| match work {
        Work::Run(resolved) => run_input(*resolved, world.as_ref(), started),
        Work::Sweep(sweep) => sweep::run(&sweep, world.as_ref(), started),
    });
    match ran {
        Ok(code) => code,
        Err(error) if error.is_common() && !world.is_root() => error.exit_code(),
        Err(error) => complain(&error),
    }
}

fn run_input(resolved: Resolved, comm: &dyn Comm, started: Instant) -> Result<i32, Error> {
    let Resolved { spec, step, options, warnings } = resolved;
    if comm.is_root() {
        warn(&warnings);
    }
    let ensemble = Ensemble::new(spec)?;
    ensemble.check_step()?;
    let threads = threads_of(&options, comm);
    let header = header_of(&ensemble, step, comm, threads);
    let path = options.path(&ensemble.spec);
    if comm.is_root() {
        describe(&ensemble, &header);
    }
    if options.dry_run {
        return if comm.is_root() { show_plan(&ensemble, step, &header, &options) } else { Ok(exit::DONE) };
    }

    make_way(&options, path.as_deref(), comm)?;
    let mut sink: Box<dyn Sink> = match &path {
        Some(path) => {
            let place = Place { path: path.clone(), existing: options.existing, io: options.io };
            Box::new(H5Sink::new(place, comm))
        }
        None => Box::new(Discard),
    };
    let began = Instant::now();
    let mut reporter = Reporter::new(options.quiet || !comm.is_root());
    let listener = listen::listener(&options, path.as_deref(), comm.is_root(), started);
    let pulse = Pulse::default();
    let watchdog = options.watchdog.map(|patience| watch(&pulse, patience, comm));
    let conduct = Conduct {
        threads,
        allow_unsafe: options.allow_unsafe,
        checkpoint_every: options.checkpoint_every,
        listener,
        pulse,
        watch: &mut |progress| reporter.update(progress),
    };
    let recorded = record(&ensemble, &header, comm, sink.as_mut(), conduct);
    reporter.finish();
    drop(watchdog);
    let recorded = recorded.unwrap_or_else(|error| leave(&error, comm, comm, sink, began.elapsed()));
    let outcome = match recorded {
        Recorded::Nothing { exit_code } => return Ok(already_complete(path.as_deref(), &options, comm, exit_code)),
        Recorded::Elsewhere => return Ok(comm.broadcast(vec![])[0].into()),
        Recorded::Here(outcome) => outcome,
    };
    comm.broadcast(vec![outcome.summary.exit_code as u8]);
    let told = tell(&outcome, &header, &options, path.as_deref());
    let complete = outcome.summary.exit_code != exit::RESUMABLE;
    Ok(told.max(path.filter(|_| complete).map_or(exit::DONE, |path| write_exports(&path, &options))))
}

/// What is worth a word before a run. On rank 0.
pub fn warn(warnings: &[String]) {
    warnings.iter().for_each(|warning| log::warn!("{warning}"));
    if !Isa::detect().has_fma() && std::env::var_os(qsd::kernel::OVERRIDE).is_none() {
        log::warn!(
            "this CPU has no fused multiply-add: the numbers are the same, but a step takes tens of times longer"
        );
    }
}

/// Threads of every rank: as asked, or those that are there.
pub fn threads_of(options: &Options, world: &dyn Comm) -> usize {
    let threads = options.threads.unwrap_or_else(|| comm::fair_threads(world));
    if world.is_root() && threads > comm::allowed_cpus() && std::env::var_os("SLURM_JOB_ID").is_some() {
        log::warn!(
            "--threads {threads} is more than the {} CPUs that Slurm gave this rank: ask for more with --cpus-per-task, or \
             leave --threads out",
            comm::allowed_cpus()
        );
    }
    threads
}

/// What the file of a run says of it.
pub fn header_of(ensemble: &Ensemble, step: StepReason, comm: &dyn Comm, threads: usize) -> Header {
    let mut header = ensemble.header(comm, threads, &store::library_version());
    header.provenance.push(("step".into(), format!("{:?} {step}", ensemble.spec.time.h)));
    header
}

/// Collective: nothing stands where the stop file may come, and the directory that was asked for is there.
pub fn make_way(options: &Options, path: Option<&Path>, comm: &dyn Comm) -> Result<(), Error> {
    // What is there may change under the eyes of the others: rank 0 looks.
    let free = if comm.is_root() { listen::check_stop_file(options, path) } else { Ok(()) };
    if !comm.all(free.is_ok()) {
        return Err(free.err().map_or(Error::Elsewhere, Error::from));
    }
    if !comm.is_root() {
        return Ok(());
    }
    listen::remove_stop_file(options, path);
    if let Output::Directory(directory) = &options.output {
        // If it cannot be made, the sink says so on all ranks.
        if !directory.exists() && std::fs::create_dir_all(directory).is_ok() {
            log::info!("created {}", directory.display());
        }
    }
    Ok(())
}

fn describe(ensemble: &Ensemble, header: &Header) {
    log::debug!("{} ranks with {} threads each, {} kernel", header.ranks, header.threads, Isa::detect().name());
    let operations = ensemble.problem.plan.vector_operations();
    log::debug!(
        "{} basis states, {operations} vector operations a pass of eight trajectories",
        ensemble.model.space.dim()
    );
    log::debug!("resolved input:\n{}", header.resolved_input.trim_end());
}

/// What came of a run on this rank.
pub enum Recorded {
    /// The file had everything.
    Nothing { exit_code: i32 },
    /// Rank 0 knows.
    Elsewhere,
    /// This is rank 0.
    Here(Box<Outcome>),
}

/// The run and its file. If it fails it fails on all ranks.
pub fn record(
    ensemble: &Ensemble,
    header: &Header,
    comm: &dyn Comm,
    sink: &mut dyn Sink,
    conduct: Conduct,
) -> Result<Recorded, Error> {
    if let Begun::Complete { exit_code } = sink.begin(header)? {
        return Ok(Recorded::Nothing { exit_code });
    }
    let outcome = run(ensemble, comm, sink, conduct)?;
    sink.finish(outcome.as_ref().map(|outcome| &outcome.summary))?;
    Ok(outcome.map_or(Recorded::Elsewhere, |outcome| Recorded::Here(Box::new(outcome))))
}

/// A rank that has waited for too long says so and leaves at once, so that the launcher ends all of them.
pub fn watch(pulse: &Pulse, patience: Duration, world: &dyn Comm) -> Watchdog {
    let (rank, size, host) = (world.rank(), world.size(), comm::hostname());
    let error = Error::from(HangError { rank, size, host, patience });
    Watchdog::start(pulse, patience, move || {
        // One sentence is enough: the others are ended before it is their turn.
        std::thread::sleep(Duration::from_millis(200) * rank.min(25) as u32);
        let code = complain(&error);
        // In good order it would wait for the rank that hangs.
        signal_hook::low_level::exit(code)
    })
}

/// Nothing was left to do.
fn already_complete(path: Option<&Path>, options: &Options, comm: &dyn Comm, exit_code: i32) -> i32 {
    let Some(path) = path.filter(|_| comm.is_root()) else { return exit_code };
    let said = match options.json {
        true => Results::open(path)
            .map_err(Error::from)
            .and_then(|results| Ok(qsd::report::info::json(&results, None)?))
            .map(|document| writeln!(io::stdout(), "{document:#}")),
        false if options.quiet => Ok(Ok(())),
        false => Ok(writeln!(
            io::stdout(),
            "{} is complete, there is nothing to do; `qsd info` shows it, `qsd extend` adds trajectories, `qsd run` with --force starts again",
            path.display()
        )),
    };
    let said = said.map_or_else(|error| complain(&error), shown);
    said.max(exit_code).max(write_exports(path, options))
}

/// The end of a run in words or as JSON.
fn tell(outcome: &Outcome, header: &Header, options: &Options, path: Option<&Path>) -> i32 {
    let Outcome { summary, cost } = outcome;
    if let (true, Some(path)) = (summary.exit_code == exit::RESUMABLE, path) {
        let (done, all) = (summary.n_done, header.ntraj);
        let file = path.display();
        let unchecked = match (header.check_dt, &summary.check) {
            (Some(_), None) => ", and the check of the step is not",
            _ => "",
        };
        log::warn!(
            "{}: {done} of {all} trajectories are done{unchecked}; the same command, or qsd resume {file}, goes on",
            summary.end_condition
        );
    }
    let out = &mut io::stdout().lock();
    let written = match (options.json, options.quiet) {
        (true, _) => json::write(out, header, summary, cost, path),
        (false, false) => table::write(out, header, summary, cost, path),
        (false, true) => {
            if let Some(found) = table::verdict(header, summary).filter(|found| found.verdict == Some(StepSize::Above))
            {
                log::warn!("{}", step_check::sentence(&found));
            }
            summary.guards.iter().filter(|g| g.verdict > Verdict::Good).try_for_each(|guard| {
                log::warn!("{}", guard.message);
                Ok(())
            })
        }
    };
    shown(written).max(summary.exit_code)
}

/// Leave after a failure that all ranks of `comm` know of, each by itself.
///
/// Ending MPI in good order would let HDF5 close the file from inside MPI_Finalize, which hangs or crashes
/// where a write has failed; and Open MPI's mpirun sometimes hangs itself after MPI_Abort (with 4.1.4 in 3 of 150 starts of a bare C program).
pub fn leave(error: &Error, comm: &dyn Comm, world: &dyn Comm, mut sink: Box<dyn Sink + '_>, took: Duration) -> ! {
    let code = complain(error);
    if comm.is_root() {
        sink.fail(&failure(error, took));
    }
    drop(sink);
    quit(code, comm, world)
}

/// Leave with this code, past the end of MPI, after a write that failed; all ranks of `comm` know why.
pub fn quit(code: i32, comm: &dyn Comm, world: &dyn Comm) -> ! {
    // A launcher ends the others as soon as the first is gone: not before all have spoken.
    comm.barrier();
    if comm.size() < world.size() && comm.is_root() {
        // The others know of nothing, and not every launcher ends them because these are gone.
        world.abort(code)
    }
    std::process::exit(code)
}

/// How a run failed, as its file has it.
pub fn failure(error: &Error, took: Duration) -> Failure {
    Failure {
        end_condition: format!("failed ({})", error.id()),
        exit_code: error.exit_code(),
        guards: error.guards().to_vec(),
        wall_time: took.as_secs_f64(),
        ended: utc_now(),
    }
}

/// The formats that were asked for with the run; each replaces that of an earlier start.
fn write_exports(path: &Path, options: &Options) -> i32 {
    let write = |format: &Export| -> Result<(), Error> {
        let to = export::path_of(path, None, *format);
        export::export(&Results::open(path)?, *format, &to, true)?;
        log::info!("exported to {}", to.display());
        Ok(())
    };
    options
        .exports
        .iter()
        .map(|format| write(format).map_or_else(|error| complain(&error), |()| exit::DONE))
        .max()
        .unwrap_or(0)
}

fn show_plan(ensemble: &Ensemble, step: StepReason, header: &Header, options: &Options) -> Result<i32, Error> {
    let path = options.path(&ensemble.spec);
    if let Some(path) = path.as_ref().filter(|path| path.exists() && options.existing == Existing::Refuse) {
        log::warn!("{} exists: the run itself will refuse it without --force", path.display());
    }
    let plan = plan_of(ensemble, step, header, options, path.map(|_| store::file_size(header)))?;
    let out = &mut io::stdout();
    Ok(shown(if options.json {
        dry_run::json(out, &ensemble.spec, &plan)
    } else {
        dry_run::write(out, &ensemble.spec, &plan)
    }))
}

/// What is known of a run that has not started.
pub fn plan_of(
    ensemble: &Ensemble,
    step: StepReason,
    header: &Header,
    options: &Options,
    file_size: Option<u64>,
) -> Result<dry_run::Plan, Error> {
    Ok(dry_run::Plan {
        dimension: ensemble.model.space.dim(),
        steps: ensemble.steps(),
        step,
        observables: ensemble.observables.len(),
        splitting: ensemble.splitting(),
        records: header.record.as_ref().map_or(0, |record| record.channels.len()),
        ranks: options.ntasks.unwrap_or(header.ranks),
        threads: header.threads,
        file_size,
        network: ensemble.spec.origin.network()?.map(|network| (network, ensemble.model.space.clone())),
    })
}
