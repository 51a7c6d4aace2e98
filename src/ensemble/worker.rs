//! A thread that integrates one batch after another.

use super::averaging::Average;
use super::checking::Task;
use super::flight::Flight;
use super::setup::Ensemble;
use super::slice::{Todo, Trajectories};
use super::statistics::{Node, Shape};
use super::{Rows, Unfinished};
use crate::integrator::{Engine, IntegrationError, engine};
use crate::kernel::{Isa, LANES};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

/// A worker looks up from its steps about this often.
const QUANTUM: Duration = Duration::from_millis(100);
/// Steps before the cost of a step is known.
const FIRST_QUANTUM: u64 = 16;

/// A finished batch.
pub(super) struct Finished {
    pub batch: u64,
    pub rows: Rows,
    pub leaf: Node,
}

/// What a worker tells the main thread.
pub(super) enum Message {
    /// A batch came to its end.
    Finished(Box<Finished>),
    /// A batch of the step check came to its end.
    Checked { batch: u64, leaf: Box<Node> },
    /// A batch in flight, to be kept in the place of this worker.
    Saved { worker: usize, batch: u64, state: Vec<u8> },
    /// A trajectory broke.
    Failed(IntegrationError),
}

/// What workers are to do. Later ones overrule earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// Integrate until there is nothing left.
    Work,
    /// Hand in what is in flight and leave.
    SaveAndLeave,
    /// Leave.
    Leave,
}

/// Orders of the main thread to its workers.
#[derive(Default)]
pub(super) struct Orders {
    order: AtomicU8,
    /// How often states of batches were asked for.
    saves: AtomicU64,
}

impl Orders {
    pub fn give(&self, order: Order) {
        self.order.fetch_max(order as u8, Ordering::Relaxed);
    }

    pub fn ask_for_states(&self) {
        self.saves.fetch_add(1, Ordering::Relaxed);
    }

    fn order(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            0 => Order::Work,
            1 => Order::SaveAndLeave,
            _ => Order::Leave,
        }
    }
}

/// What the threads of a rank have done, counted while they do it.
#[derive(Default)]
pub(super) struct Meters {
    /// Trajectory steps taken by this start, padding left out.
    pub steps: AtomicU64,
    /// Trajectory steps that earlier starts had taken of the batches gone on with.
    pub earlier: AtomicU64,
    /// Nanoseconds of cores spent integrating.
    pub busy: AtomicU64,
}

/// What a rank's threads share in one round.
pub(super) struct Shared<'a> {
    pub ensemble: &'a Ensemble,
    pub shape: &'a Shape,
    pub trajectories: Trajectories,
    /// Batches of all ranks.
    pub todo: &'a Todo,
    /// The next of those of this rank, and where they end.
    pub next: AtomicU64,
    pub end: u64,
    /// The check of the step, if it is to be done; its next batch, and where those of this rank end.
    pub check: Option<Arc<Task>>,
    pub next_check: AtomicU64,
    pub end_check: u64,
    /// The density matrix, if there is to be one.
    pub average: Option<Arc<Average>>,
    pub unfinished: Arc<dyn Unfinished>,
    pub orders: Orders,
    pub meters: &'a Meters,
}

/// Integrate batches until there are none, one fails, or the run ends early; those of the step check first.
pub(super) fn work(shared: &Shared, number: usize, to: &SyncSender<Message>) {
    if check(shared, to) {
        integrate(shared, number, to);
    }
}

/// Batches of the step check; false if there is nothing to be done any more.
fn check(shared: &Shared, to: &SyncSender<Message>) -> bool {
    let Some(task) = &shared.check else { return true };
    while shared.orders.order() == Order::Work {
        let batch = shared.next_check.fetch_add(1, Ordering::Relaxed);
        if batch >= shared.end_check {
            return true;
        }
        let (message, goes_on) = match task.integrate(batch, shared) {
            Ok(Some(leaf)) => (Message::Checked { batch, leaf: Box::new(leaf) }, true),
            Ok(None) => return false,
            Err(error) => (Message::Failed(error), false),
        };
        if to.send(message).is_err() || !goes_on {
            return false;
        }
    }
    false
}

/// The rows of a whole batch, padding included, by somebody else's engine and never kept; nothing if the run ended early.
///
/// # Errors
/// `NotFinite` if a trajectory broke.
pub(super) fn fly(
    shared: &Shared,
    ensemble: &Ensemble,
    engine: &mut dyn Engine,
    batch: u64,
) -> Result<Option<Rows>, IntegrationError> {
    let mut flight = Flight::start(ensemble, batch, 0..LANES, engine);
    let mut quantum = FIRST_QUANTUM;
    while shared.orders.order() == Order::Work {
        let started = Instant::now();
        let steps = flight.advance(ensemble, engine, quantum)?;
        let took = started.elapsed();
        shared.meters.busy.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
        shared.meters.steps.fetch_add(steps * flight.count(), Ordering::Relaxed);
        if steps == 0 {
            return Ok(Some(flight.finish(ensemble, engine)));
        }
        quantum = next_quantum(steps, took);
    }
    Ok(None)
}

/// Batches of the run.
fn integrate(shared: &Shared, number: usize, to: &SyncSender<Message>) {
    let spec = &shared.ensemble.spec;
    let mut engine = engine(spec.method, shared.ensemble.problem.clone(), spec.seed, Isa::detect());
    while shared.orders.order() == Order::Work {
        let next = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(batch) = shared.todo.get(next).filter(|_| next < shared.end) else { return };
        let mut worker = Worker { shared, number, to, engine: engine.as_mut(), saves: 0 };
        let message = match worker.integrate(batch) {
            Ok(Some(mut rows)) => {
                if let Some(average) = &shared.average {
                    average.add(&mut rows);
                }
                let leaf = Node::leaf(shared.shape, &rows);
                Message::Finished(Box::new(Finished { batch, rows, leaf }))
            }
            Ok(None) => return,
            Err(error) => Message::Failed(error),
        };
        let failed = matches!(message, Message::Failed(_));
        // Nobody listens any more when the run ends early.
        if to.send(message).is_err() || failed {
            return;
        }
    }
}

/// A thread with a batch in hand.
struct Worker<'a> {
    shared: &'a Shared<'a>,
    number: usize,
    to: &'a SyncSender<Message>,
    engine: &'a mut dyn Engine,
    /// States asked for so far.
    saves: u64,
}

impl Worker<'_> {
    /// The rows of one batch, or nothing if the run ended early.
    fn integrate(&mut self, batch: u64) -> Result<Option<Rows>, IntegrationError> {
        let (ensemble, meters, orders) = (self.shared.ensemble, self.shared.meters, &self.shared.orders);
        self.saves = orders.saves.load(Ordering::Relaxed);
        let mut flight = self.begin(batch);
        let mut quantum = FIRST_QUANTUM;
        loop {
            match orders.order() {
                Order::Work => {}
                Order::SaveAndLeave => {
                    self.hand_in(&flight, batch);
                    return Ok(None);
                }
                Order::Leave => return Ok(None),
            }
            let saves = orders.saves.load(Ordering::Relaxed);
            if saves > self.saves {
                self.saves = saves;
                self.hand_in(&flight, batch);
            }
            let started = Instant::now();
            let steps = flight.advance(ensemble, self.engine, quantum)?;
            let took = started.elapsed();
            flight.spend(took.as_secs_f64());
            meters.busy.fetch_add(took.as_nanos() as u64, Ordering::Relaxed);
            meters.steps.fetch_add(steps * flight.count(), Ordering::Relaxed);
            if steps == 0 {
                return Ok(Some(flight.finish(ensemble, self.engine)));
            }
            quantum = next_quantum(steps, took);
        }
    }

    /// From where an earlier start has left it, or from the beginning.
    fn begin(&mut self, batch: u64) -> Flight {
        let (ensemble, lanes) = (self.shared.ensemble, self.shared.trajectories.lanes(batch));
        let saved = self.shared.unfinished.state(batch);
        let resumed = saved.and_then(|saved| Flight::resume(ensemble, batch, lanes.clone(), self.engine, &saved));
        if let Some(flight) = resumed {
            self.shared.meters.earlier.fetch_add(flight.steps(ensemble) * flight.count(), Ordering::Relaxed);
            return flight;
        }
        Flight::start(ensemble, batch, lanes, self.engine)
    }

    /// Give the main thread what is needed to go on from here.
    fn hand_in(&mut self, flight: &Flight, batch: u64) {
        if flight.steps(self.shared.ensemble) > 0 {
            let state = flight.save(self.shared.ensemble, self.engine);
            // Nobody listens when another failure has ended the run.
            let _ = self.to.send(Message::Saved { worker: self.number, batch, state });
        }
    }
}

/// Steps that would take about `QUANTUM`. It only decides when to look up: no number depends on it.
fn next_quantum(steps: u64, took: Duration) -> u64 {
    let wanted = steps as f64 * QUANTUM.as_secs_f64() / took.as_secs_f64().max(1e-6);
    (wanted as u64).clamp(1, 64 * steps)
}
