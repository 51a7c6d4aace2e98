//! The library's complaints in our words.

use super::{LibraryError, StoreError};
use std::path::Path;

/// What to make of a failure to do something with a file.
pub fn fault(path: &Path, doing: &str) -> impl FnOnce(LibraryError) -> StoreError + use<> {
    let (path, doing) = (path.to_path_buf(), doing.to_string());
    move |error| {
        let detail = detail(&error);
        let full = ["No space left on device", "errno = 28,", "quota exceeded", "errno = 122,"];
        if full.iter().any(|words| detail.contains(words)) {
            return StoreError::Full { path, needed: None };
        }
        let detail = if detail == LOST_REASON { format!("{detail} ({SUSPECTS})") } else { detail };
        StoreError::File { path, doing, detail }
    }
}

/// All that is left of what the system said when it refused a write of MPI-IO.
const LOST_REASON: &str = "file write failed";
/// What it may have been.
const SUSPECTS: &str = "MPI-IO does not pass on why: is the disk full, the quota used up, the file system gone? \
                        What was written before is kept: `qsd info` counts it";

/// The library's own words: the innermost reason, which is what the system said, rather than the first.
pub fn detail(error: &LibraryError) -> String {
    match error.stack() {
        Some(stack) => match stack.last() {
            Some(frame) => frame.desc().trim().to_string(),
            None => "HDF5 gave no reason".into(),
        },
        None => error.to_string(),
    }
}
