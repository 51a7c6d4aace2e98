//! The main thread of a rank: it writes rows, agrees with the other ranks, and gives the threads their orders.

use super::averaging::Averaging;
use super::checking::{Checking, parts};
use super::first_block::FirstBlock;
use super::guards::guards;
use super::run::Conduct;
use super::setup::Ensemble;
use super::slice::Todo;
use super::statistics::{Forest, Node, Shape};
use super::stopping::Stop;
use super::worker::{Finished, Message, Meters, Order, Orders, Shared, work};
use super::{Cost, Progress, Sink, Summary, utc_now};
use crate::comm::{Comm, Flags};
use crate::error::Error;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Ranks agree about this often while they are busy.
const AGREE_EVERY: Duration = Duration::from_secs(1);
/// How long the main thread sleeps for want of rows: short enough to answer others, long enough to cost nothing.
const NAP: Duration = Duration::from_millis(20);
/// The same when this rank has nothing left to do.
const SHORT_NAP: Duration = Duration::from_millis(1);

/// What a rank holds from the first round to the last.
pub(super) struct Rank<'a, 'b> {
    ensemble: &'a Ensemble,
    shape: &'a Shape,
    comm: &'a dyn Comm,
    sink: &'a mut dyn Sink,
    conduct: Conduct<'b>,
    first_block: FirstBlock<'a>,
    forest: Forest,
    checking: Checking,
    averaging: Averaging,
    meters: Arc<Meters>,
    /// Trajectory steps of batches that earlier starts had finished, all ranks together.
    earlier: u64,
    /// Most threads of a round.
    threads: usize,
    rounds: usize,
    writing: Duration,
    started: Instant,
    checkpointed: Instant,
    /// What the last checkpoint took.
    saving: Duration,
    stop: Option<Stop>,
    /// Rows were taken since the last agreement was offered.
    took: bool,
    /// Steps of this rank when it was.
    stepped: u64,
}

/// How a round ended, on all ranks alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// All its batches are in.
    Done,
    /// The ranks were asked to stop.
    Stopped,
}

impl<'a, 'b> Rank<'a, 'b> {
    /// Collective.
    pub fn new(
        ensemble: &'a Ensemble,
        shape: &'a Shape,
        comm: &'a dyn Comm,
        sink: &'a mut dyn Sink,
        conduct: Conduct<'b>,
    ) -> Result<Self, Error> {
        Ok(Rank {
            checking: Checking::begin(ensemble, sink, comm)?,
            averaging: Averaging::begin(ensemble, sink, comm)?,
            first_block: FirstBlock::new(ensemble, shape, conduct.allow_unsafe),
            ensemble,
            shape,
            comm,
            sink,
            conduct,
            forest: Forest::default(),
            meters: Arc::default(),
            earlier: 0,
            threads: 1,
            rounds: 0,
            writing: Duration::ZERO,
            started: Instant::now(),
            checkpointed: Instant::now(),
            saving: Duration::ZERO,
            stop: None,
            took: false,
            stepped: 0,
        })
    }

    /// Collective: everything that is missing of these batches, and the check of the step with the first.
    pub fn round(&mut self, batches: Range<u64>) -> Result<Round, Error> {
        let ended = self.integrate(batches)?;
        self.checking.collect(self.comm);
        self.checking.end();
        Ok(ended)
    }

    fn integrate(&mut self, batches: Range<u64>) -> Result<Round, Error> {
        let missing = self.take_kept(batches)?;
        let [mine, checks] = self.parts_of(&missing);
        let count = (mine.end - mine.start) + (checks.end - checks.start);
        let threads = self.conduct.threads.min(count.min(1 << 20) as usize).max(1);
        self.threads = self.threads.max(threads);
        let meters = self.meters.clone();
        let shared = Shared {
            ensemble: self.ensemble,
            shape: self.shape,
            trajectories: self.ensemble.trajectories(),
            todo: &missing,
            next: AtomicU64::new(mine.start),
            end: mine.end,
            check: self.checking.task(),
            next_check: AtomicU64::new(checks.start),
            end_check: checks.end,
            average: self.averaging.average(),
            unfinished: self.sink.unfinished(),
            orders: Orders::default(),
            meters: &meters,
        };
        self.rounds += 1;
        std::thread::scope(|scope| {
            let (sender, receiver) = sync_channel(2 * threads);
            for number in 0..threads {
                let (sender, shared) = (sender.clone(), &shared);
                scope.spawn(move || work(shared, number, &sender));
            }
            drop(sender);
            let served = self.serve(receiver, &shared);
            // Workers see it at their next look, and the closed channel at their next batch.
            shared.orders.give(Order::Leave);
            served
        })
    }

    /// Which of them fall to this rank, and which batches of the step check.
    fn parts_of(&self, todo: &Todo) -> [Range<u64>; 2] {
        let checks = self.checking.task().map_or(0, |task| task.batches());
        parts(todo.count(), checks, self.comm.rank(), self.comm.size())
    }

    /// Collective: the nodes of finished batches into the forest; gives the batches that are not.
    fn take_kept(&mut self, batches: Range<u64>) -> Result<Todo, Error> {
        let is_first = self.rounds == 0;
        if is_first {
            self.first_block.of(&batches);
        }
        let mut first = Forest::default();
        let (forest, shape, block) = (&mut self.forest, self.shape, &self.first_block);
        let pulse = &self.conduct.pulse;
        let found = self.sink.kept(batches.clone(), &mut |batch, rows| {
            pulse.beat();
            let leaf = Node::leaf(shape, rows);
            if block.has(batch) {
                first.add(batch, leaf.clone());
            }
            forest.add(batch, leaf);
        })?;
        let trajectories = self.ensemble.trajectories();
        let kept: u64 = found.iter().map(|batch| trajectories.lanes(*batch).len() as u64).sum();
        self.earlier += kept * self.ensemble.steps();
        let missing = Todo::without(batches, &found);
        if is_first {
            let first = gather(&first, shape, self.comm);
            let [mine, _] = self.parts_of(&missing);
            let coming = mine.map_while(|k| missing.get(k)).take_while(|batch| self.first_block.has(*batch)).count();
            let judged = first.map_or(Ok(()), |first| self.first_block.expect(first, &found, coming));
            if !self.comm.all(judged.is_ok()) {
                return Err(judged.err().unwrap_or(Error::Elsewhere));
            }
        }
        Ok(missing)
    }

    /// Write rows as they come and agree with the other ranks until all are done or one failed.
    fn serve(&mut self, receiver: Receiver<Message>, shared: &Shared) -> Result<Round, Error> {
        let mut failure: Option<Error> = None;
        let (mut busy, mut offered, mut last, mut told, mut leaving) = (true, false, Instant::now(), false, false);
        loop {
            let turned = self.sink.turn();
            let came = if busy { receiver.recv_timeout(NAP) } else { Err(RecvTimeoutError::Timeout) };
            let taken = match came {
                Ok(message) => self.take(message),
                Err(RecvTimeoutError::Disconnected) => {
                    busy = false;
                    Ok(())
                }
                Err(RecvTimeoutError::Timeout) => {
                    if !busy {
                        std::thread::sleep(SHORT_NAP);
                    }
                    Ok(())
                }
            };
            failure = failure.or(turned.and(taken).err());
            busy &= failure.is_none();
            self.stop = self.stop.or_else(|| self.conduct.listener.heard(self.saving));
            let urgent = self.stop.is_some() && !told;
            if !offered && (!busy || urgent || last.elapsed() >= AGREE_EVERY) {
                let checkpoint = self.comm.is_root() && self.checkpointed.elapsed() >= self.conduct.checkpoint_every;
                let flags = self.flags(busy, failure.is_some(), checkpoint);
                (self.took, self.stepped) = (false, flags.steps);
                self.comm.offer(flags);
                (offered, last, told) = (true, Instant::now(), self.stop.is_some());
            }
            let Some(all) = (if offered { self.comm.agreed() } else { None }) else { continue };
            offered = false;
            if all.moved {
                self.conduct.pulse.beat();
            }
            self.report(all);
            if all.failed {
                return Err(failure.unwrap_or(Error::Elsewhere));
            }
            if all.stop && !leaving {
                leaving = true;
                self.stop.get_or_insert(Stop::Elsewhere);
                shared.orders.give(Order::SaveAndLeave);
            }
            if all.checkpoint && !leaving {
                shared.orders.ask_for_states();
                failure = failure.or(self.refresh().err());
            }
            if !all.busy {
                return Ok(if leaving { Round::Stopped } else { Round::Done });
            }
        }
    }

    fn flags(&self, busy: bool, failed: bool, checkpoint: bool) -> Flags {
        let [steps, earlier] = [&self.meters.steps, &self.meters.earlier].map(|meter| meter.load(Ordering::Relaxed));
        let moved = self.took || steps != self.stepped;
        Flags { busy, stop: self.stop.is_some(), failed, checkpoint, moved, steps, earlier }
    }

    fn take(&mut self, message: Message) -> Result<(), Error> {
        let started = Instant::now();
        self.took = true;
        let taken = match message {
            Message::Finished(finished) => {
                let Finished { batch, rows, leaf } = *finished;
                self.sink.accept(&rows)?;
                self.first_block.see(batch, &leaf)?;
                self.forest.add(batch, leaf);
                Ok(())
            }
            Message::Checked { batch, leaf } => {
                self.checking.add(batch, *leaf);
                Ok(())
            }
            Message::Saved { worker, batch, state } => self.sink.checkpoint(worker, batch, &state),
            Message::Failed(error) => Err(error.into()),
        };
        self.writing += started.elapsed();
        taken
    }

    /// Collective: the statistics and the density matrix of what is done so far, kept by rank 0. The error is this rank's own.
    fn refresh(&mut self) -> Result<(), Error> {
        let started = Instant::now();
        let node = self.node();
        self.checking.collect(self.comm);
        let kept = match node {
            Some(node) if node.n > 0 => {
                let summary = self.summary(&node, "running".into(), -1);
                self.sink.refresh(&summary)
            }
            _ => Ok(()),
        };
        let kept = kept.and(self.averaging.keep(self.comm, self.sink));
        self.checkpointed = Instant::now();
        self.saving = started.elapsed();
        self.writing += self.saving;
        kept
    }

    /// Collective: the density matrix of everything so far is kept.
    pub fn keep_density(&mut self) -> Result<(), Error> {
        let kept = self.averaging.keep(self.comm, self.sink);
        if self.comm.all(kept.is_ok()) { Ok(()) } else { Err(kept.err().unwrap_or(Error::Elsewhere)) }
    }

    /// Collective: the node of everything so far, on rank 0.
    pub fn node(&self) -> Option<Node> {
        let all = gather(&self.forest, self.shape, self.comm)?;
        Some(all.root().unwrap_or_else(|| Node::empty(self.shape)))
    }

    /// What is known of these trajectories.
    pub fn summary(&self, node: &Node, end_condition: String, exit_code: i32) -> Summary {
        Summary {
            n_done: node.n,
            observables: node.statistics(self.shape),
            leaks: node.leaks(self.shape),
            guards: guards(node, self.shape, &self.ensemble.watched(), self.conduct.allow_unsafe),
            check: self.checking.found().cloned(),
            end_condition,
            exit_code,
            wall_time: self.started.elapsed().as_secs_f64(),
            ended: utc_now(),
        }
    }

    /// On rank 0: the check of the step is done, or nobody asked for it.
    pub fn is_checked(&self) -> bool {
        self.ensemble.spec.check_dt.is_none() || self.checking.found().is_some()
    }

    /// Why this rank stops, if it does.
    pub fn stop(&self) -> Option<Stop> {
        self.stop
    }

    fn report(&mut self, all: Flags) {
        if self.comm.is_root() {
            let spec = &self.ensemble.spec;
            (self.conduct.watch)(&Progress {
                steps_done: all.steps,
                steps_earlier: self.earlier + all.earlier,
                steps_total: spec.ntraj * self.ensemble.steps() + self.checking.steps(),
                elapsed: self.started.elapsed(),
            });
        }
    }

    /// Collective: what the run cost, all ranks together.
    pub fn cost(&self) -> Cost {
        let wall = self.started.elapsed().as_secs_f64();
        let [busy, steps] = [&self.meters.busy, &self.meters.steps].map(|meter| meter.load(Ordering::Relaxed));
        let bytes: Vec<u8> =
            [busy, steps, self.writing.as_nanos() as u64].iter().flat_map(|x| x.to_le_bytes()).collect();
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
        Cost {
            wall,
            steps: sum(1) as u64,
            core_seconds: busy * 1e-9,
            io_share: sum(2) * 1e-9 / (wall * size).max(1e-9),
            imbalance: if busy > 0.0 { busiest * size / busy - 1.0 } else { 0.0 },
            ranks: self.comm.size(),
            threads: self.threads,
        }
    }
}

/// Collective: all nodes on rank 0; `None` elsewhere.
pub(super) fn gather(forest: &Forest, shape: &Shape, comm: &dyn Comm) -> Option<Forest> {
    if !comm.is_root() {
        comm.send(0, &forest.to_bytes());
        return None;
    }
    let mut all = forest.clone();
    for rank in 1..comm.size() {
        all.add_bytes(shape, &comm.receive(rank));
    }
    Some(all)
}
