//! The ranks of an MPI job. The only file that names MPI.
//!
//! MPI is initialised for one talking thread (`MPI_THREAD_FUNNELED`): the thread that calls `world`
//! is the one that may use the communicator. MPI's own error handler stays as it is and ends the
//! job: after a failed MPI call there is nobody left to agree with.

mod outbox;

use self::outbox::Outbox;
use super::launch::{self, LaunchError};
use super::{Comm, Flags, RawComm};
use mpi::collective::SystemOperation;
use mpi::environment::{Threading, Universe};
use mpi::ffi;
use mpi::topology::{Color, SimpleCommunicator};
use mpi::traits::*;
use std::cell::RefCell;
use std::mem::ManuallyDrop;

/// MPI counts in `int`; longer messages travel in pieces of this many bytes.
const PIECE: usize = 1 << 30;

/// Starts MPI and checks that the launcher and this library met.
pub fn world() -> Result<Box<dyn Comm>, LaunchError> {
    start_without_daemon();
    let (universe, threading) =
        mpi::initialize_with_threading(Threading::Funneled).ok_or(LaunchError::AlreadyStarted)?;
    let world = universe.world();
    let mpi = Mpi::of(world, Some(universe));
    if threading < Threading::Funneled {
        return Err(LaunchError::Threads { library: mpi.library() });
    }
    launch::check(mpi.size, Some(&mpi.library()))?;
    Ok(Box::new(mpi))
}

/// Without a launcher, Open MPI 4 starts a daemon of its own, through ssh, and fails where there is
/// none (most containers); it is of use only to programs that spawn more processes.
fn start_without_daemon() {
    const ISOLATED: &str = "OMPI_MCA_ess_singleton_isolated";
    if std::env::var_os(ISOLATED).is_none() {
        // SAFETY: `world` is for the main thread before there are others; MPI_Init, which comes
        // next, asks for the same because it changes the environment itself.
        unsafe { std::env::set_var(ISOLATED, "1") };
    }
}

/// A communicator; `MPI_COMM_WORLD` has MPI itself until it is dropped.
struct Mpi {
    rank: usize,
    size: usize,
    world: SimpleCommunicator,
    agreement: RefCell<Agreement>,
    outbox: RefCell<Outbox>,
    universe: ManuallyDrop<Option<Universe>>,
}

impl Mpi {
    fn of(world: SimpleCommunicator, universe: Option<Universe>) -> Mpi {
        Mpi {
            rank: world.rank() as usize,
            size: world.size() as usize,
            world,
            agreement: RefCell::default(),
            outbox: RefCell::default(),
            universe: ManuallyDrop::new(universe),
        }
    }
}

impl Comm for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn barrier(&self) {
        self.world.barrier();
    }

    fn all(&self, ok: bool) -> bool {
        let mut everywhere = 0u8;
        self.world.all_reduce_into(&u8::from(ok), &mut everywhere, SystemOperation::min());
        everywhere != 0
    }

    fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8> {
        let root = self.world.process_at_rank(0);
        let mut length = bytes.len() as u64;
        root.broadcast_into(&mut length);
        let mut bytes = if self.is_root() { bytes } else { vec![0; length as usize] };
        for piece in bytes.chunks_mut(PIECE) {
            root.broadcast_into(piece);
        }
        bytes
    }

    fn all_gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut lengths = vec![0u64; self.size];
        self.world.all_gather_into(&(bytes.len() as u64), &mut lengths[..]);
        // Every rank in turn: any length passes, and it is meant for small things only.
        (lengths.iter().enumerate())
            .map(|(rank, &length)| {
                let root = self.world.process_at_rank(rank as i32);
                let mut from = if rank == self.rank { bytes.to_vec() } else { vec![0; length as usize] };
                for piece in from.chunks_mut(PIECE) {
                    root.broadcast_into(piece);
                }
                from
            })
            .collect()
    }

    fn send(&self, to: usize, bytes: &[u8]) {
        let to = self.world.process_at_rank(to as i32);
        to.send(&(bytes.len() as u64));
        for piece in bytes.chunks(PIECE) {
            to.send(piece);
        }
    }

    fn receive(&self, from: usize) -> Vec<u8> {
        let from = self.world.process_at_rank(from as i32);
        let (length, _) = from.receive::<u64>();
        let mut bytes = vec![0; length as usize];
        for piece in bytes.chunks_mut(PIECE) {
            from.receive_into(piece);
        }
        bytes
    }

    fn post(&self, to: usize, bytes: &[u8]) {
        self.outbox.borrow_mut().send(to, bytes, self.world.as_raw());
    }

    fn posted(&self) -> usize {
        self.outbox.borrow_mut().left()
    }

    fn poll(&self) -> Option<(usize, Vec<u8>)> {
        let probed = self.world.any_process().immediate_matched_probe_with_tag(outbox::TAG)?;
        let (words, status) = probed.matched_receive_vec::<u64>();
        Some((status.source_rank() as usize, outbox::bytes(&words)))
    }

    fn offer(&self, flags: Flags) {
        self.agreement.borrow_mut().start(flags, self.world.as_raw());
    }

    fn agreed(&self) -> Option<Flags> {
        self.agreement.borrow_mut().test()
    }

    fn split(&self, color: usize) -> Box<dyn Comm> {
        let part = self.world.split_by_color(Color::with_value(color as i32));
        Box::new(Mpi::of(part.expect("every rank has a color"), None))
    }

    fn abort(&self, code: i32) -> ! {
        // A part of the world ends all of it.
        let world = SimpleCommunicator::world();
        match world.size() {
            // Nobody else to end, and no need for MPI's page about it.
            1 => std::process::exit(code),
            _ => world.abort(code),
        }
    }

    fn raw(&self) -> Option<RawComm> {
        // A process alone needs no MPI-IO, whose helpers want a session directory that it has not got.
        (self.size > 1).then(|| self.world.as_raw())
    }

    fn library(&self) -> String {
        launch::short_library(&mpi::environment::library_version().unwrap_or_default())
    }
}

impl Drop for Mpi {
    /// A normal end finalises MPI, which waits for the other ranks. A panic must not: it would wait
    /// for ranks that wait for this one, so it ends them all.
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.abort(crate::error::exit::FAILED);
        }
        self.agreement.borrow_mut().wait();
        // SAFETY: dropped once, here, and not used again.
        unsafe { ManuallyDrop::drop(&mut self.universe) }
    }
}

/// One agreement under way: a non-blocking sum over the ranks of [busy, stop, failed, checkpoint, moved, steps, earlier].
#[derive(Default)]
struct Agreement {
    pending: Option<Pending>,
}

/// Boxed so that the numbers stay in place while MPI reads and writes them.
struct Pending {
    mine: Box<[u64; 7]>,
    sum: Box<[u64; 7]>,
    request: ffi::MPI_Request,
}

impl Agreement {
    fn start(&mut self, flags: Flags, world: ffi::MPI_Comm) {
        assert!(self.pending.is_none(), "flags were offered again before the ranks agreed");
        let mut pending = Pending {
            mine: Box::new([
                flags.busy.into(),
                flags.stop.into(),
                flags.failed.into(),
                flags.checkpoint.into(),
                flags.moved.into(),
                flags.steps,
                flags.earlier,
            ]),
            sum: Box::default(),
            // SAFETY: reads a constant.
            request: unsafe { ffi::RSMPI_REQUEST_NULL },
        };
        // SAFETY: both boxes hold seven u64 and live, unmoved and untouched, in `self.pending` until
        // MPI_Test or MPI_Wait reports the request complete; `Mpi::drop` waits for it.
        unsafe {
            ffi::MPI_Iallreduce(
                pending.mine.as_ptr().cast(),
                pending.sum.as_mut_ptr().cast(),
                pending.mine.len() as i32,
                u64::equivalent_datatype().as_raw(),
                SystemOperation::sum().as_raw(),
                world,
                &mut pending.request,
            );
        }
        self.pending = Some(pending);
    }

    fn test(&mut self) -> Option<Flags> {
        let pending = self.pending.as_mut()?;
        let mut done = 0;
        // SAFETY: the request is the live one of `start`.
        unsafe { ffi::MPI_Test(&mut pending.request, &mut done, ffi::RSMPI_STATUS_IGNORE) };
        if done == 0 {
            return None;
        }
        let [busy, stop, failed, checkpoint, moved, steps, earlier] = *self.pending.take()?.sum;
        let (busy, stop, failed, checkpoint, moved) = (busy > 0, stop > 0, failed > 0, checkpoint > 0, moved > 0);
        Some(Flags { busy, stop, failed, checkpoint, moved, steps, earlier })
    }

    fn wait(&mut self) {
        if let Some(mut pending) = self.pending.take() {
            // SAFETY: the request is the live one of `start`.
            unsafe { ffi::MPI_Wait(&mut pending.request, ffi::RSMPI_STATUS_IGNORE) };
        }
    }
}
