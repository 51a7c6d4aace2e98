//! The results file: one HDF5 file a run, written by all ranks, readable whatever happens to them.
//!
//! `layout` is the table of what is in it; `skeleton` creates every object of it, serially, before
//! the first step; `writer` then puts rows into fixed places and never touches metadata again;
//! `reader` says which rows are valid. A row is valid if, and only if, its checksum holds.

mod access;
mod block;
mod checkpoint;
mod checksum;
mod copy;
mod error;
mod hdf5;
pub mod layout;
mod merge;
mod place;
mod reader;
mod resize;
mod same;
mod skeleton;
mod stack;
mod step_check;
mod sums;
mod sweep;
#[cfg(test)]
pub(crate) mod testing;
mod writer;

use self::hdf5 as h5;

pub use self::hdf5::library_version;

pub use crate::input::{Existing, Io};
pub use error::{StoreError, human_bytes};
pub use layout::{VOLATILE, VOLATILE_ATTRIBUTES, check_observable_name, file_size};
pub use merge::{Merged, Merging, merge};
pub use place::{Lock, LockState, Place, check_directory, free_space, has_locks, is_hdf5};
pub use reader::{Factor, GuardRecord, Kets, Results, RunRecord, State};
pub use resize::resize;
pub use stack::{check_axes, check_same};
pub use sweep::{SweepLock, SweepPlace, Swept};
pub use writer::H5Sink;
