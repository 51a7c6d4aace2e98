//! The directory where results are to go: seen by all ranks, with room, with locks.

use super::Finding;
use crate::comm::Comm;
use crate::store::{self, StoreError};
use std::path::Path;

/// Less free space than this is worth a word.
const LITTLE: u64 = 1 << 30;

/// Collective: tries the directory. Findings are rank 0's.
pub fn examine(comm: &dyn Comm, directory: &Path) -> Vec<Finding> {
    // Any name in it will do.
    let file = directory.join(".qsd-doctor");
    let seen = store::check_directory(&file, comm);
    if !comm.is_root() {
        return vec![];
    }
    let shown = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    let who = if comm.size() == 1 { "this process" } else { "all ranks" };
    match seen {
        Ok(()) => vec![
            Finding::good("directory", format!("{}: seen and written by {who}", shown.display())),
            space(directory),
            locks(&file),
        ],
        Err(error) => vec![Finding::bad(
            "directory",
            error.as_ref().map_or_else(|| shown.display().to_string(), StoreError::to_string),
            "qsd doctor DIR looks at another directory; in a container bind it (--bind DIR)",
        )],
    }
}

fn space(directory: &Path) -> Finding {
    match store::free_space(directory) {
        None => Finding::warning("free space", "the system does not say", "look with df"),
        Some(free) if free < LITTLE => Finding::warning(
            "free space",
            store::human_bytes(free),
            "qsd run --dry-run says how large a file will be; choose another directory if it does not fit",
        ),
        Some(free) => Finding::good("free space", store::human_bytes(free)),
    }
}

fn locks(file: &Path) -> Finding {
    match store::has_locks(file) {
        Ok(true) => Finding::good("file locks", "work"),
        Ok(false) => Finding::warning(
            "file locks",
            "this file system has none",
            "two runs on the same output would not be noticed; if HDF5 says it cannot lock a file: \
             export HDF5_USE_FILE_LOCKING=FALSE",
        ),
        Err(error) => Finding::bad("file locks", error.to_string(), "choose another directory"),
    }
}
