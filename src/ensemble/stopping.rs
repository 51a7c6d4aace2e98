//! Why a run ends before all its trajectories are done.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How often rank 0 looks for the stop file: file systems of clusters do not like to be asked more often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A reason to stop early. What is done is kept, and the same command goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The wall time is used up.
    WallTime,
    /// This signal came.
    Signal(&'static str),
    /// The stop file is there.
    File,
    /// Another rank was asked to.
    Elsewhere,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Stop::WallTime => f.write_str("timeout"),
            Stop::Signal(name) => write!(f, "stopped ({name})"),
            Stop::File => f.write_str("stopped (stop file)"),
            Stop::Elsewhere => f.write_str("stopped"),
        }
    }
}

/// What a rank listens to. Signals reach any rank; only rank 0 should be given a deadline and a file.
#[derive(Debug, Clone, Default)]
pub struct Listener {
    /// Signals that were registered, by name; true when one came.
    pub signals: Vec<(&'static str, Arc<AtomicBool>)>,
    /// When the wall time is used up, and what of it saving will need.
    pub deadline: Option<Instant>,
    /// Stop when this file exists.
    pub file: Option<PathBuf>,
    looked: Option<Instant>,
}

impl Listener {
    /// Whether it is time to stop; cheap enough to be asked in every turn of the loop. `saving` is what the last
    /// checkpoint took.
    pub fn heard(&mut self, saving: Duration) -> Option<Stop> {
        if let Some((name, _)) = self.signals.iter().find(|(_, came)| came.load(Ordering::Relaxed)) {
            return Some(Stop::Signal(name));
        }
        if self.deadline.is_some_and(|deadline| Instant::now() + saving >= deadline) {
            return Some(Stop::WallTime);
        }
        let file = self.file.as_ref()?;
        if self.looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            return None;
        }
        self.looked = Some(Instant::now());
        file.exists().then_some(Stop::File)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_hears_signals_the_deadline_and_the_file() {
        let mut listener = Listener::default();
        assert_eq!(listener.heard(Duration::ZERO), None);
        listener.deadline = Some(Instant::now() + Duration::from_secs(60));
        assert_eq!(listener.heard(Duration::from_secs(1)), None);
        assert_eq!(listener.heard(Duration::from_secs(61)), Some(Stop::WallTime), "saving takes as long as is left");
        listener.deadline = None;
        let directory = std::env::temp_dir().join(format!("qsd-stop-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        listener.file = Some(directory.join("stop"));
        assert_eq!(listener.heard(Duration::ZERO), None);
        std::fs::write(directory.join("stop"), "").unwrap();
        assert_eq!(listener.heard(Duration::ZERO), None, "it looked a moment ago");
        std::thread::sleep(LOOK_EVERY);
        assert_eq!(listener.heard(Duration::ZERO), Some(Stop::File));
        let came = Arc::new(AtomicBool::new(false));
        listener.signals.push(("TERM", came.clone()));
        came.store(true, Ordering::Relaxed);
        assert_eq!(listener.heard(Duration::ZERO).unwrap().to_string(), "stopped (TERM)");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
