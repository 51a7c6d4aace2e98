//! How far a run is, as far as its file tells.

use crate::store::{Results, StoreError};
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
    /// It has not ended, and writes.
    Running,
    /// It has not ended, its lock is there, and it has not written for long: killed on another machine, or slow.
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
        let ended = results.runs()?.last().is_none_or(|run| !run.end.is_empty());
        let changed = std::fs::metadata(results.path()).and_then(|file| file.modified());
        let quiet = changed.unwrap_or(SystemTime::UNIX_EPOCH).elapsed().unwrap_or_default() >= SILENT;
        Ok(match (ended, results.has_lock(), quiet) {
            (true, ..) => Standing::Stopped,
            (false, false, _) => Standing::Killed,
            (false, true, false) => Standing::Running,
            (false, true, true) => Standing::Silent,
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
    use crate::store::testing::{header, scratch, written};
    use std::fs::{self, File};

    #[test]
    fn a_run_without_an_end_is_running_while_its_lock_stands_and_it_writes() {
        let path = scratch("standing").join("x.h5");
        let standing = || Standing::of(&Results::open(&path).unwrap()).unwrap();
        written(&path, &header(), 20);
        assert_eq!(standing(), Standing::Complete);
        written(&path, &header(), 11);
        assert_eq!(standing(), Standing::Killed, "nobody holds it");
        fs::write(path.with_extension("h5.lock"), "").unwrap();
        assert_eq!(standing(), Standing::Running);
        File::options().write(true).open(&path).unwrap().set_modified(SystemTime::now() - 2 * SILENT).unwrap();
        assert_eq!(standing(), Standing::Silent);
    }
}
