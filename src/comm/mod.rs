//! Who else is running: rank, size, agreement, exchange, abort. The only room that knows MPI.
//!
//! `solo` is one process; `mpi` is a communicator. Nothing here does arithmetic on results:
//! statistics travel as bytes and are combined in a fixed order by `ensemble`.

mod cpus;
pub mod launch;
#[cfg(feature = "mpi")]
mod mpi;
mod solo;

pub use cpus::{allowed_cpus, fair_threads, hostname, ranks_sharing_my_cpus};
pub use launch::LaunchError;

/// The raw communicator, opaque to everyone but `store`.
#[cfg(feature = "mpi")]
pub type RawComm = ::mpi::ffi::MPI_Comm;
/// The raw communicator of a build without MPI: there is none.
#[cfg(not(feature = "mpi"))]
pub type RawComm = ();

/// What the ranks agree on about once a second. Flags are joined by OR, counts by sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    /// This rank still has batches to integrate or rows to write.
    pub busy: bool,
    /// This rank was asked to stop early.
    pub stop: bool,
    /// This rank failed and has said why.
    pub failed: bool,
    /// It is time for a checkpoint.
    pub checkpoint: bool,
    /// This rank has taken steps or rows since it last said so.
    pub moved: bool,
    /// Trajectory steps this rank has integrated so far.
    pub steps: u64,
    /// Trajectory steps of its batches that earlier starts had taken.
    pub earlier: u64,
}

/// The processes of a run. Methods marked *collective* must be called by all ranks in the same order.
pub trait Comm {
    /// Number of this process, from 0.
    fn rank(&self) -> usize;
    /// Number of processes.
    fn size(&self) -> usize;
    /// Rank 0 speaks for all.
    fn is_root(&self) -> bool {
        self.rank() == 0
    }
    /// Collective: wait for everyone.
    fn barrier(&self);
    /// Collective: true on every rank if it was true on all of them.
    fn all(&self, ok: bool) -> bool;
    /// Collective: rank 0's bytes on every rank.
    fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8>;
    /// Collective: the bytes of every rank, in rank order, on every rank. For small things.
    fn all_gather(&self, bytes: &[u8]) -> Vec<Vec<u8>>;
    /// Send bytes to rank `to`, which must call `receive`.
    fn send(&self, to: usize, bytes: &[u8]);
    /// The next bytes that rank `from` sent here.
    fn receive(&self, from: usize) -> Vec<u8>;
    /// Start sending bytes to rank `to`, which finds them with `poll`. Does not wait.
    fn post(&self, to: usize, bytes: &[u8]);
    /// How many of this rank's posts have not been taken yet. None are left when it leaves in good order.
    fn posted(&self) -> usize;
    /// A post that has come here, with the rank it is from; those of one rank in their order. Does not wait.
    fn poll(&self) -> Option<(usize, Vec<u8>)>;
    /// Collective, first half: offer this rank's flags for the next agreement. Does not wait.
    fn offer(&self, flags: Flags);
    /// Collective, second half: the joined flags once every rank has offered its own; `None` until then.
    /// Does not wait and does not spin, so that the cores stay with the integration. An agreement
    /// of P ranks takes about log2(P) looks on every rank: look every few milliseconds.
    fn agreed(&self) -> Option<Flags>;
    /// Collective: the ranks that give the same `color`, in their order, as a world of their own in which nothing of this
    /// one is heard. Dropping it is collective among them; `abort` still ends every process.
    fn split(&self, color: usize) -> Box<dyn Comm>;
    /// End every process of the run now, from any rank.
    fn abort(&self, code: i32) -> !;
    /// What parallel HDF5 needs; `None` for one process alone, which opens its file without MPI.
    fn raw(&self) -> Option<RawComm>;
    /// Name and version of the MPI library, or "none".
    fn library(&self) -> String;
}

/// The communicator of this process: MPI when built with it, else one process alone.
///
/// To be called once, by the main thread, before there are others; it alone may use the result. Drop it before leaving
/// with `std::process::exit`: dropping is what ends MPI in good order. Without a launcher it is a
/// world of one.
///
/// # Errors
/// [`LaunchError`] when the launcher started another number of processes than this one sees.
#[cfg(feature = "mpi")]
pub fn world() -> Result<Box<dyn Comm>, LaunchError> {
    mpi::world()
}

/// The communicator of this process: one process alone, in a build without MPI.
///
/// # Errors
/// [`LaunchError`] when a launcher started several.
#[cfg(not(feature = "mpi"))]
pub fn world() -> Result<Box<dyn Comm>, LaunchError> {
    launch::check(1, None)?;
    Ok(Box::new(solo::Solo::default()))
}

/// One process alone, also in a build with MPI (reading commands, library use, tests).
pub fn solo() -> Box<dyn Comm> {
    Box::new(solo::Solo::default())
}
