//! What the loop tells whoever watches it.

use std::time::Duration;

/// State of the whole run, all ranks together, given to rank 0's watcher about once a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Trajectory steps integrated so far by this start.
    pub steps_done: u64,
    /// Trajectory steps that earlier starts had done.
    pub steps_earlier: u64,
    /// Trajectory steps of the whole run.
    pub steps_total: u64,
    /// Wall time since the first step.
    pub elapsed: Duration,
}

impl Progress {
    /// Trajectory steps behind the whole run, whoever took them.
    pub fn steps_behind(&self) -> u64 {
        self.steps_done.saturating_add(self.steps_earlier)
    }
}

/// What the run cost, all ranks together; rank 0 prints it at the end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Wall time of the integration, seconds.
    pub wall: f64,
    /// Trajectory steps integrated.
    pub steps: u64,
    /// Core seconds spent integrating (sum over threads of all ranks).
    pub core_seconds: f64,
    /// Share of the main threads' wall time spent writing, 0 to 1.
    pub io_share: f64,
    /// Busiest rank's core seconds over the mean, minus 1.
    pub imbalance: f64,
    /// Ranks.
    pub ranks: usize,
    /// Threads of each rank.
    pub threads: usize,
}
