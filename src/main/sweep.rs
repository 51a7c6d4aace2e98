//! A sweep: a run at every point, each in a file of its own, by groups of ranks side by side; in the end one file.
//!
//! Groups meet at the start and at the end only. A guard that fails concerns its point; what would fail at any point,
//! such as a full disk, ends the job, and the same command goes on.

use crate::listen;
use crate::ranks::{self, Recorded};
use crate::say::{complain, shown};
use qsd::comm::{self, Comm, Flags};
use qsd::ensemble::{Conduct, Ensemble, Header, Listener, Pulse, Sink, Trajectories, choose_step, group_of, groups};
use qsd::error::{Error, exit};
use qsd::input::{Io, Resolved, Sweep};
use qsd::report::{dry_run, info, progress::Reporter};
use qsd::store::{self, H5Sink, Place, StoreError, SweepLock, SweepPlace, Swept};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How often a group that is done looks whether the others are.
const NAP: Duration = Duration::from_millis(20);

/// The sweep with a step at every point where nobody has named one.
pub fn with_steps(sweep: Sweep) -> Result<Sweep, Error> {
    let Sweep { axes, streams, points, options } = sweep;
    let mut stepped: Vec<Resolved> = Vec::with_capacity(points.len());
    for (point, resolved) in points.into_iter().enumerate() {
        stepped.push(choose_step(resolved).map_err(|error| error.at_point(axes.label(point)))?);
    }
    Ok(Sweep { axes, streams, points: stepped, options })
}

/// Collective: every point that is missing, then the file of all.
pub fn run(sweep: &Sweep, world: &dyn Comm, started: Instant) -> Result<i32, Error> {
    let (options, count) = (&sweep.options, sweep.points.len());
    let path = sweep.path()?;
    if world.is_root() {
        let mut warnings: Vec<String> = sweep.points.iter().flat_map(|point| point.warnings.clone()).collect();
        warnings.dedup();
        ranks::warn(&warnings);
    }
    survey(sweep, world)?;
    // Counted over all ranks: those of one group may be a part of those that share cores.
    let threads = ranks::threads_of(options, world);
    let groups = groups(count, options.ntasks.unwrap_or(world.size()), threads, batches(sweep));
    if options.dry_run {
        return if world.is_root() { show_plan(sweep, groups, world, threads) } else { Ok(exit::DONE) };
    }

    ranks::make_way(options, Some(&path), world)?;
    let place = SweepPlace::new(&path, count);
    let is_complete = on_root(world, || place.is_complete(sweep, options.existing))?;
    if world.broadcast(vec![is_complete.unwrap_or(false).into()]) == [1] {
        return conclude(world, || already_complete(sweep, &place));
    }
    // Through rank 0 alone means no more than that of its group.
    let by_all = options.io == Io::Parallel || groups > 1;
    check_directory(&path, by_all, world)?;
    let lock = on_root(world, || place.begin(sweep, options.existing, world.size() == 1))?;
    check_directory(&place.point(0), by_all, world)?;

    let group = group_of(world.rank(), world.size(), groups);
    let part = world.split(group);
    let listener = listen::listener(options, Some(&path), part.is_root(), started);
    let member = Member { sweep, place: &place, world, comm: part.as_ref(), listener, threads };
    let mut ended: Vec<(usize, Ended)> = vec![];
    let mut told = None;
    for point in (group..count).step_by(groups) {
        let how = member.integrate(point)?;
        ended.push((point, how));
        if how == Ended::Stopped {
            break;
        }
    }
    await_all(world, || {
        // A signal may have reached this rank only, also while it waits: the others look for the file.
        if told.is_none() && groups > 1 && member.listener.signalled().is_some() {
            told = listen::tell(options, &path);
        }
    });
    if let Some(file) = told {
        // Left behind it would only cost a warning at the next start.
        let _ = std::fs::remove_file(file);
    }
    let ended = gather(world, if part.is_root() { &ended } else { &[] }, count);
    conclude(world, || end(sweep, &place, &ended, lock))
}

/// How a point ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// It was not begun.
    Open,
    /// All its trajectories are done, with this exit code.
    Complete(u8),
    /// It was asked to stop.
    Stopped,
    /// It failed for a reason of its own, with this exit code.
    Failed(u8),
}

/// A rank in its group.
struct Member<'a> {
    sweep: &'a Sweep,
    place: &'a SweepPlace,
    world: &'a dyn Comm,
    /// The ranks that work on the same point.
    comm: &'a dyn Comm,
    listener: Listener,
    threads: usize,
}

impl Member<'_> {
    /// Collective in the group: one point, as a run of its own would do it.
    fn integrate(&self, point: usize) -> Result<Ended, Error> {
        let (options, comm) = (&self.sweep.options, self.comm);
        let label = self.sweep.axes.label(point);
        let Resolved { spec, step, .. } = &self.sweep.points[point];
        let ensemble = Ensemble::new(spec.clone())?;
        let header = ranks::header_of(&ensemble, *step, comm, self.threads);
        if comm.is_root() {
            log::info!("point {} of {}: {label}", point + 1, self.sweep.points.len());
        }
        let place = Place { path: self.place.point(point), existing: qsd::input::Existing::Resume, io: options.io };
        let mut sink = H5Sink::new(place, comm);
        let began = Instant::now();
        let mut reporter = Reporter::new(options.quiet || !self.world.is_root());
        let pulse = Pulse::default();
        let watchdog = options.watchdog.map(|patience| ranks::watch(&pulse, patience, self.world));
        let conduct = Conduct {
            threads: self.threads,
            allow_unsafe: options.allow_unsafe,
            checkpoint_every: options.checkpoint_every,
            listener: self.listener.clone(),
            pulse,
            watch: &mut |progress| reporter.update(progress),
        };
        let recorded = ranks::record(&ensemble, &header, comm, &mut sink, conduct);
        reporter.finish();
        drop(watchdog);
        match recorded {
            Ok(Recorded::Nothing { exit_code }) => Ok(Ended::Complete(exit_code as u8)),
            Ok(Recorded::Elsewhere) => Ok(of_code(comm.broadcast(vec![])[0])),
            Ok(Recorded::Here(outcome)) => Ok(of_code(comm.broadcast(vec![outcome.summary.exit_code as u8])[0])),
            Err(error) => Ok(self.fail(error.at_point(label), sink, began)),
        }
    }

    /// Collective in the group: a failure that all of it know of. One of the point itself is noted in its file.
    fn fail(&self, error: Error, mut sink: H5Sink, began: Instant) -> Ended {
        let comm = self.comm;
        if !comm.all(is_of_point(&error)) {
            ranks::leave(&error, comm, self.world, Box::new(sink), began.elapsed());
        }
        complain(&error);
        if comm.is_root() {
            sink.fail(&ranks::failure(&error, began.elapsed()));
        }
        // Nobody failed to write, so all can close the file together.
        if let Err(error) = sink.finish(None) {
            ranks::leave(&error, comm, self.world, Box::new(sink), began.elapsed());
        }
        let codes = comm.all_gather(&[code_of(&error)]);
        Ended::Failed(codes.concat().into_iter().max().unwrap_or(exit::FAILED as u8))
    }
}

/// Whether another point may do better.
fn is_of_point(error: &Error) -> bool {
    match error {
        Error::AtPoint { error, .. } => is_of_point(error),
        Error::Guard(_) | Error::Integration(_) | Error::Elsewhere => true,
        _ => false,
    }
}

/// The exit code of a point that failed; 0 on ranks that only heard of it.
fn code_of(error: &Error) -> u8 {
    match error {
        Error::AtPoint { error, .. } => code_of(error),
        Error::Elsewhere => exit::DONE as u8,
        Error::Guard(_) => exit::GUARD as u8,
        _ => exit::FAILED as u8,
    }
}

fn of_code(code: u8) -> Ended {
    if i32::from(code) == exit::RESUMABLE { Ended::Stopped } else { Ended::Complete(code) }
}

/// Collective: every point makes sense, and all results fit into one file. Each rank looks at a part of them; what one
/// finds all find, so that rank 0 says it.
fn survey(sweep: &Sweep, world: &dyn Comm) -> Result<(), Error> {
    let first = header_of(sweep, 0)?;
    store::check_axes(&sweep.axes, &first)?;
    let look = |point: usize| -> Result<(), Error> {
        let labels = [sweep.axes.label(0), sweep.axes.label(point)];
        Ok(store::check_same(&first, &header_of(sweep, point)?, [&labels[0], &labels[1]])?)
    };
    let count = sweep.points.len();
    let found = (world.rank()..count).step_by(world.size()).find(|point| look(*point).is_err()).unwrap_or(count);
    let all = world.all_gather(&(found as u64).to_le_bytes());
    let number = |bytes: &Vec<u8>| bytes[..].try_into().map_or(count, |bytes| u64::from_le_bytes(bytes) as usize);
    match all.iter().map(number).min() {
        Some(point) if point < count => look(point),
        _ => Ok(()),
    }
}

fn header_of(sweep: &Sweep, point: usize) -> Result<Header, Error> {
    let Resolved { spec, step, .. } = &sweep.points[point];
    let made = Ensemble::new(spec.clone()).and_then(|ensemble| {
        ensemble.check_step()?;
        Ok(ranks::header_of(&ensemble, *step, comm::solo().as_ref(), 1))
    });
    made.map_err(|error| error.at_point(sweep.axes.label(point)))
}

/// Batches of a point.
fn batches(sweep: &Sweep) -> u64 {
    let spec = &sweep.points[0].spec;
    let batches = Trajectories { first: spec.first_trajectory, count: spec.ntraj }.batches();
    batches.end - batches.start
}

/// Collective: what rank 0 does alone, and all wait for; its result is given to rank 0.
fn on_root<T>(world: &dyn Comm, act: impl FnOnce() -> Result<T, StoreError>) -> Result<Option<T>, Error> {
    let done = if world.is_root() { act().map(Some) } else { Ok(None) };
    match (world.all(done.is_ok()), done) {
        (true, Ok(done)) => Ok(done),
        (_, Err(error)) => Err(error.into()),
        (false, _) => Err(Error::Elsewhere),
    }
}

/// Collective: the exit code that rank 0 finds, on every rank. Where it failed all leave as after any failed write
/// (`ranks::leave`): HDF5 may still have the file that it could not write.
fn conclude(world: &dyn Comm, act: impl FnOnce() -> Result<i32, Error>) -> Result<i32, Error> {
    let done = if world.is_root() { act() } else { Ok(exit::DONE) };
    if !world.all(done.is_ok()) {
        ranks::quit(complain(&done.err().unwrap_or(Error::Elsewhere)), world, world)
    }
    Ok(world.broadcast(vec![done? as u8])[0].into())
}

/// Collective: the directory of a file can be written by those that are to.
fn check_directory(path: &Path, by_all: bool, world: &dyn Comm) -> Result<(), Error> {
    if by_all {
        return store::check_directory(path, world).map_err(|error| error.map_or(Error::Elsewhere, Error::from));
    }
    let alone = comm::solo();
    let missing = || StoreError::Missing { path: path.into() };
    let check = || store::check_directory(path, alone.as_ref()).map_err(|error| error.unwrap_or_else(missing));
    on_root(world, check).map(drop)
}

/// Collective: until all groups are done, `meanwhile` now and then. Who waits leaves its core to the others.
fn await_all(world: &dyn Comm, mut meanwhile: impl FnMut()) {
    world.offer(Flags::default());
    while world.agreed().is_none() {
        meanwhile();
        std::thread::sleep(NAP);
    }
}

/// Collective: how every point ended.
fn gather(world: &dyn Comm, ended: &[(usize, Ended)], count: usize) -> Vec<Ended> {
    let word = |(point, how): &(usize, Ended)| {
        let (kind, code) = match how {
            Ended::Open => (0, 0),
            Ended::Complete(code) => (1, *code),
            Ended::Stopped => (2, 0),
            Ended::Failed(code) => (3, *code),
        };
        [&(*point as u32).to_le_bytes()[..], &[kind, code]].concat()
    };
    let mine: Vec<u8> = ended.iter().flat_map(word).collect();
    let mut all = vec![Ended::Open; count];
    for bytes in world.all_gather(&mine).concat().chunks_exact(6) {
        let point = bytes[..4].try_into().map_or(0, u32::from_le_bytes) as usize;
        all[point] = match bytes[4] {
            1 => Ended::Complete(bytes[5]),
            2 => Ended::Stopped,
            3 => Ended::Failed(bytes[5]),
            _ => Ended::Open,
        };
    }
    all
}

/// On rank 0: the file of all points, if all are complete and good; else what is missing.
fn end(sweep: &Sweep, place: &SweepPlace, ended: &[Ended], lock: Option<SweepLock>) -> Result<i32, Error> {
    let (axes, path) = (&sweep.axes, place.output().display());
    let labels = |is: fn(&Ended) -> bool| -> String {
        let points = ended.iter().enumerate().filter(|(_, how)| is(how));
        points.map(|(point, _)| axes.label(point)).collect::<Vec<_>>().join("; ")
    };
    let complete = ended.iter().filter(|how| matches!(how, Ended::Complete(_))).count();
    let so_far = format!("{complete} of {} points are complete", ended.len());
    if ended.iter().any(|how| matches!(how, Ended::Stopped | Ended::Open)) {
        log::warn!("stopped: {so_far}; the same command, or qsd resume {path}, goes on");
        return Ok(exit::RESUMABLE);
    }
    let failed = labels(|how| matches!(how, Ended::Failed(_)));
    if !failed.is_empty() {
        log::warn!("{so_far}, and it failed at {failed}: {path} is not made, `qsd info {path}` shows every point");
        let is_other = ended.contains(&Ended::Failed(exit::FAILED as u8));
        return Ok(if is_other { exit::FAILED } else { exit::GUARD });
    }
    let unsafe_points = labels(|how| *how == Ended::Complete(exit::GUARD as u8));
    if !unsafe_points.is_empty() && !sweep.options.allow_unsafe {
        log::warn!(
            "{so_far}, and a guard failed at {unsafe_points}: {path} is not made, `qsd info {path}` shows every point; \
             with --allow-unsafe the same command makes it"
        );
        return Ok(exit::GUARD);
    }
    if let Some(lock) = lock {
        place.end(sweep, lock)?;
    }
    if !unsafe_points.is_empty() {
        log::warn!("a guard failed at {unsafe_points}");
    }
    tell(sweep, place)
}

/// On rank 0: nothing was left to do.
fn already_complete(sweep: &Sweep, place: &SweepPlace) -> Result<i32, Error> {
    place.remove_folder();
    log::info!("{} is complete, there is nothing to do; `qsd run` with --force starts again", place.output().display());
    tell(sweep, place)
}

/// What was found, as text or JSON.
fn tell(sweep: &Sweep, place: &SweepPlace) -> Result<i32, Error> {
    let Some(swept) = Swept::find(place.output())? else { return Ok(exit::DONE) };
    let out = &mut io::stdout();
    let written = match (sweep.options.json, sweep.options.quiet) {
        (true, _) => {
            let document = info::sweep_json(&swept)?;
            io::Write::write_fmt(out, format_args!("{document:#}\n"))
        }
        (false, true) => Ok(()),
        (false, false) => info::sweep_text(&swept, out)?,
    };
    Ok(shown(written))
}

fn show_plan(sweep: &Sweep, groups: usize, world: &dyn Comm, threads: usize) -> Result<i32, Error> {
    let Resolved { spec, step, .. } = &sweep.points[0];
    let ensemble = Ensemble::new(spec.clone())?;
    let header = ranks::header_of(&ensemble, *step, world, threads);
    let size = store::file_size(&header).saturating_mul(sweep.points.len() as u64);
    let plan = ranks::plan_of(&ensemble, *step, &header, &sweep.options, Some(size))?;
    let out = &mut io::stdout();
    Ok(shown(match sweep.options.json {
        true => dry_run::json_sweep(out, sweep, groups, &plan),
        false => dry_run::write_sweep(out, sweep, groups, &plan),
    }))
}
