//! How far a run is, as far as its file tells.

use crate::comm;
use crate::store::{LockState, Results, StoreError};
use serde::Serialize;
use std::time::{Duration, SystemTime};

/// A run without an end that has written nothing for this long is not called running any more.
pub const SILENT: Duration = Duration::from_secs(180);

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Everything is there.
    Complete,
    /// It ended before that, by itself.
    Stopped,
    /// It has not ended, and its process lives, or writes.
    Running,
    /// It has not ended, and on another machine, whose locks may not be seen here, nothing was written for long: killed, or slow.
    Silent,
    /// It has not ended, and nobody holds it.
    Killed,
}

impl Standing {
    /// Of a file.
    ///
    /// # Errors
    /// `StoreError` if it cannot be read.
    pub fn of(results: &Results) -> Result<Standing, StoreError> {
        if results.state()?.complete {
            return Ok(Standing::Complete);
        }
        let runs = results.runs()?;
        let last = runs.last();
        let ended = last.is_none_or(|run| !run.end.is_empty());
        let was_here = last.is_some_and(|run| run.host == comm::hostname());
        let changed = std::fs::metadata(results.path()).and_then(|file| file.modified());
        let quiet = changed.unwrap_or(SystemTime::UNIX_EPOCH).elapsed().unwrap_or_default() >= SILENT;
        Ok(match (ended, results.lock(), was_here, quiet) {
            (true, ..) => Standing::Stopped,
            (false, LockState::Held, ..) => Standing::Running,
            (false, LockState::Absent, ..) | (false, LockState::Free, true, _) => Standing::Killed,
            (false, LockState::Free | LockState::Unknown, _, false) => Standing::Running,
            (false, LockState::Free | LockState::Unknown, _, true) => Standing::Silent,
        })
    }

    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Complete => "complete",
            Standing::Stopped => "stopped early",
            Standing::Running => "running",
            Standing::Silent => "no news",
            Standing::Killed => "killed",
        }
    }

    /// Whether the run said why it ended.
    pub fn has_ended(self) -> bool {
        matches!(self, Standing::Complete | Standing::Stopped)
    }

    /// Whether time alone may change it.
    pub fn may_pass(self) -> bool {
        matches!(self, Standing::Running | Standing::Silent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::Header;
    use crate::store::testing::{header, scratch, written};
    use std::fs::{self, File};

    #[test]
    fn a_run_without_an_end_runs_while_its_lock_is_held_and_from_afar_while_it_writes() {
        let path = scratch("standing").join("x.h5");
        let lock = path.with_extension("h5.lock");
        let standing = || Standing::of(&Results::open(&path).unwrap()).unwrap();
        written(&path, &header(), 20);
        assert_eq!(standing(), Standing::Complete);
        written(&path, &header(), 11);
        assert_eq!(standing(), Standing::Killed, "there is no lock");
        let held = File::create(&lock).unwrap();
        assert_eq!(standing(), Standing::Running, "it was begun elsewhere and has just written");
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - 2 * SILENT).unwrap();
        assert_eq!(standing(), Standing::Silent);
        held.lock().unwrap();
        assert_eq!(standing(), Standing::Running, "somebody holds the lock");
        drop(held);
        written(&path, &Header { host: comm::hostname(), ..header() }, 11);
        fs::write(&lock, "").unwrap();
        assert_eq!(standing(), Standing::Killed, "it was begun here, and nobody holds its lock");
    }
}
