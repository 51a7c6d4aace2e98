//! The program's one loop: threads integrate, the main thread writes rows and agrees with other ranks.

use super::guards::{first_failure, guards};
use super::setup::Ensemble;
use super::slice::Trajectories;
use super::statistics::{Forest, Node};
use super::worker::{Finished, Shared, work};
use super::{Cost, Guard, Progress, Sink, Statistics, Verdict};
use crate::comm::{Comm, Flags};
use crate::error::Error;
use crate::integrator::IntegrationError;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Ranks agree about this often while they are busy.
const AGREE_EVERY: Duration = Duration::from_secs(1);
/// How long the main thread sleeps for want of rows: short enough to answer others, long enough to cost nothing.
const NAP: Duration = Duration::from_millis(20);
/// The same when this rank has nothing left to do.
const SHORT_NAP: Duration = Duration::from_millis(1);
/// Batches after which a failed guard ends the run.
const FIRST_BLOCK: u64 = 8;

/// What an ensemble yields, on rank 0.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Trajectories in the statistics.
    pub n_done: u64,
    /// Per observable.
    pub observables: Vec<Statistics>,
    /// Per watched factor: ensemble mean and largest value per time.
    pub leaks: Vec<(Vec<f64>, Vec<f64>)>,
    /// The guards, judged.
    pub guards: Vec<Guard>,
    /// What it cost.
    pub cost: Cost,
}

impl Outcome {
    /// Whether a guard failed.
    pub fn failed(&self) -> bool {
        self.guards.iter().any(|guard| guard.verdict == Verdict::Failed)
    }
}

/// How to run, beside the numbers.
pub struct Conduct<'a> {
    /// Threads of this rank.
    pub threads: usize,
    /// Failed guards are warnings.
    pub allow_unsafe: bool,
    /// Told about once a second how far the run is; called on rank 0 only.
    pub watch: &'a mut dyn FnMut(&Progress),
}

/// Integrate the ensemble. Collective; the outcome is given on rank 0.
///
/// # Errors
/// On the rank that failed its own error, on the others `Error::Elsewhere`; all ranks leave in the same round.
pub fn run(
    ensemble: &Ensemble,
    comm: &dyn Comm,
    sink: &mut dyn Sink,
    conduct: Conduct,
) -> Result<Option<Outcome>, Error> {
    let spec = &ensemble.spec;
    let trajectories = Trajectories { first: spec.first_trajectory, count: spec.ntraj };
    let slice = trajectories.slice(comm.rank(), comm.size());
    let threads = conduct.threads.min((slice.end - slice.start).max(1) as usize).max(1);
    let shared = Shared {
        ensemble,
        shape: ensemble.shape(),
        trajectories,
        next: AtomicU64::new(slice.start),
        end: slice.end,
        stop: AtomicBool::new(false),
        steps: AtomicU64::new(0),
        busy: AtomicU64::new(0),
    };
    let started = Instant::now();
    let mut rank =
        Rank { shared: &shared, comm, sink, conduct, forest: Forest::default(), writing: Duration::ZERO, started };
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(2 * threads);
        for _ in 0..threads {
            let (sender, shared) = (sender.clone(), &shared);
            scope.spawn(move || work(shared, &sender));
        }
        drop(sender);
        let served = rank.serve(receiver);
        // Workers see it at their next look, and the closed channel at their next batch.
        shared.stop.store(true, Ordering::Relaxed);
        served
    })?;
    let wall = started.elapsed();
    let cost = rank.cost(wall, threads);
    let Some(root) = gather(rank.forest, &shared, comm) else { return Ok(None) };
    Ok(Some(Outcome {
        n_done: root.n,
        observables: root.statistics(&shared.shape),
        leaks: root.leaks(&shared.shape),
        guards: guards(&root, &shared.shape, &ensemble.leaks, &ensemble.times, rank.conduct.allow_unsafe),
        cost,
    }))
}

/// The main thread of a rank.
struct Rank<'a, 'b> {
    shared: &'a Shared<'a>,
    comm: &'a dyn Comm,
    sink: &'a mut dyn Sink,
    conduct: Conduct<'b>,
    forest: Forest,
    writing: Duration,
    started: Instant,
}

impl Rank<'_, '_> {
    /// Write rows as they come and agree with the other ranks until all are done or one failed.
    fn serve(&mut self, receiver: Receiver<Result<Finished, IntegrationError>>) -> Result<(), Error> {
        let mut first_block = FirstBlock::new(self.shared, self.comm.is_root());
        let mut failure: Option<Error> = None;
        let (mut busy, mut offered, mut last) = (true, false, Instant::now());
        loop {
            if busy {
                match receiver.recv_timeout(NAP) {
                    Ok(message) => {
                        let taken =
                            message.map_err(Error::from).and_then(|finished| self.take(finished, &mut first_block));
                        failure = failure.or(taken.err());
                        busy = failure.is_none();
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => busy = false,
                }
            } else {
                std::thread::sleep(SHORT_NAP);
            }
            if !offered && (!busy || last.elapsed() >= AGREE_EVERY) {
                let steps = self.shared.steps.load(Ordering::Relaxed);
                self.comm.offer(Flags { busy, stop: false, failed: failure.is_some(), steps });
                (offered, last) = (true, Instant::now());
            }
            let Some(all) = (if offered { self.comm.agreed() } else { None }) else { continue };
            offered = false;
            self.report(all.steps);
            if all.failed {
                return Err(failure.unwrap_or(Error::Elsewhere));
            }
            if !all.busy {
                return Ok(());
            }
        }
    }

    fn take(&mut self, finished: Finished, first_block: &mut FirstBlock) -> Result<(), Error> {
        let started = Instant::now();
        self.sink.accept(&finished.rows)?;
        self.writing += started.elapsed();
        first_block.see(self.shared, &finished, self.conduct.allow_unsafe)?;
        self.forest.add(finished.batch, finished.leaf);
        Ok(())
    }

    fn report(&mut self, steps_done: u64) {
        if self.comm.is_root() {
            let spec = &self.shared.ensemble.spec;
            let steps_total = spec.ntraj * spec.time.steps();
            (self.conduct.watch)(&Progress { steps_done, steps_total, elapsed: self.started.elapsed() });
        }
    }

    /// Collective: what the run cost, all ranks together.
    fn cost(&self, wall: Duration, threads: usize) -> Cost {
        let mine = [
            self.shared.busy.load(Ordering::Relaxed),
            self.shared.steps.load(Ordering::Relaxed),
            self.writing.as_micros() as u64,
        ];
        let bytes: Vec<u8> = mine.iter().flat_map(|x| x.to_le_bytes()).collect();
        let all: Vec<[f64; 3]> = self
            .comm
            .all_gather(&bytes)
            .iter()
            .map(|bytes| {
                let mut words =
                    bytes.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().expect("eight bytes")) as f64);
                [(); 3].map(|()| words.next().expect("three words"))
            })
            .collect();
        let sum = |k: usize| all.iter().map(|x| x[k]).sum::<f64>();
        let (size, busy) = (self.comm.size() as f64, sum(0));
        let busiest = all.iter().map(|x| x[0]).fold(0.0, f64::max);
        let wall = wall.as_secs_f64();
        Cost {
            wall,
            steps: sum(1) as u64,
            core_seconds: busy * 1e-6,
            io_share: sum(2) * 1e-6 / (wall * size).max(1e-9),
            imbalance: if busy > 0.0 { busiest * size / busy - 1.0 } else { 0.0 },
            ranks: self.comm.size(),
            threads,
        }
    }
}

/// The first batches of the run, held by rank 0 if its slice has them all: a failed guard there ends
/// a run that has cost little; later it is recorded and judged at the end.
struct FirstBlock {
    waiting: Option<(Forest, u64)>,
    batches: std::ops::Range<u64>,
}

impl FirstBlock {
    fn new(shared: &Shared, is_root: bool) -> Self {
        let all = shared.trajectories.batches();
        let batches = all.start..all.start + FIRST_BLOCK;
        let judged = is_root && shared.end >= batches.end && all.end > batches.end;
        FirstBlock { waiting: judged.then(|| (Forest::default(), FIRST_BLOCK)), batches }
    }

    fn see(&mut self, shared: &Shared, finished: &Finished, allow_unsafe: bool) -> Result<(), Error> {
        let Some((forest, missing)) = &mut self.waiting else { return Ok(()) };
        if !self.batches.contains(&finished.batch) {
            return Ok(());
        }
        forest.add(finished.batch, finished.leaf.clone());
        *missing -= 1;
        if *missing > 0 {
            return Ok(());
        }
        let Some(node) = self.waiting.take().and_then(|(forest, _)| forest.root()) else { return Ok(()) };
        let ensemble = shared.ensemble;
        let judged = guards(&node, &shared.shape, &ensemble.leaks, &ensemble.times, allow_unsafe);
        first_failure(&judged, node.n).map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Collective: all nodes on rank 0, joined; `None` elsewhere.
fn gather(mut forest: Forest, shared: &Shared, comm: &dyn Comm) -> Option<Node> {
    if !comm.is_root() {
        comm.send(0, &forest.to_bytes());
        return None;
    }
    for rank in 1..comm.size() {
        forest.add_bytes(&shared.shape, &comm.receive(rank));
    }
    forest.root()
}

#[cfg(test)]
mod tests {
    use super::super::{Begun, Header, Rows, Summary};
    use super::*;
    use crate::cli::{Cli, Task};

    /// Counts the rows it is given.
    #[derive(Default)]
    struct Counting(usize);

    impl Sink for Counting {
        fn begin(&mut self, _: &Header) -> Result<Begun, Error> {
            Ok(Begun::New)
        }
        fn accept(&mut self, rows: &Rows) -> Result<(), Error> {
            self.0 += rows.info.len();
            Ok(())
        }
        fn finish(&mut self, _: Option<&Summary>) -> Result<(), Error> {
            Ok(())
        }
        fn fail(&mut self, _failure: &crate::ensemble::Failure) {}
        fn forget(&mut self) {}
    }

    /// What comes of a command line whose step nobody has checked, and how many rows were kept.
    fn unchecked(line: &str) -> (Result<Option<Outcome>, Error>, usize) {
        let cli = Cli::from_words(line.split_whitespace().map(Into::into)).unwrap();
        let Task::Run(args) = cli.task else { panic!("{line} is no run") };
        let ensemble = Ensemble::new(crate::input::resolve(&args).unwrap().spec).unwrap();
        let (comm, mut sink) = (crate::comm::solo(), Counting::default());
        let conduct = Conduct { threads: 2, allow_unsafe: false, watch: &mut |_| () };
        let ended = run(&ensemble, comm.as_ref(), &mut sink, conduct);
        (ended, sink.0)
    }

    #[test]
    fn an_amplitude_that_is_no_number_ends_the_run_before_its_row_is_kept() {
        for (method, dt) in [("heun", "1e90"), ("em", "1e200")] {
            let line =
                format!("qsd run kerr_bistable --ntraj 8 --method {method} --dt {dt} --save-dt {dt} --duration {dt}");
            let (ended, rows) = unchecked(&line);
            let error = ended.unwrap_err();
            assert!(matches!(error, Error::Integration(IntegrationError::NotFinite { trajectory: 0, .. })), "{error}");
            assert!(error.to_string().contains("try a smaller --dt"), "{error}");
            assert_eq!((rows, error.exit_code()), (0, 1), "{method}");
        }
    }

    /// Normalising would hide it: the numbers are finite and look like others.
    #[test]
    fn a_step_far_too_large_fails_the_guard_of_the_norm() {
        for dt in ["0.1", "1", "1e30"] {
            let (ended, rows) =
                unchecked(&format!("qsd run kerr_bistable --ntraj 8 --dt {dt} --save-dt {dt} --duration {dt}"));
            let failed = |guard: &Guard| guard.name == "norm_drift" && guard.verdict == Verdict::Failed;
            assert!(rows == 8 && ended.unwrap().unwrap().guards.iter().any(failed), "--dt {dt}");
        }
    }
}
