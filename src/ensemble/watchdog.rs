//! Ends a run that does not get on: a rank that hangs would let all others wait for it until the job's time is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};
use thiserror::Error;

/// The run was ended because it did not get on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "rank {rank} of {size} on {host} saw no progress of the run for {} s: a rank hangs, or its node, its network or the file \
     system is gone; finished trajectories are kept and the same command goes on (--watchdog)",
    .patience.as_secs()
)]
pub struct HangError {
    /// Who says so; the one that hangs cannot.
    pub rank: usize,
    /// Number of ranks.
    pub size: usize,
    /// The host of the rank that says so.
    pub host: String,
    /// How long it waited.
    pub patience: Duration,
}

/// Beats whenever the run is known to get on: once a second, when the ranks have agreed and any of them has taken steps or rows.
#[derive(Debug, Clone, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// It got on.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Listens to a pulse until it is dropped.
#[derive(Debug)]
pub struct Watchdog(#[expect(dead_code, reason = "dropping it is what tells the thread")] Sender<()>);

impl Watchdog {
    /// Calls `bite`, on a thread of its own, when the pulse has not beaten for `patience`.
    ///
    /// Time in which this process itself stood still (a debugger, a suspended laptop) does not count.
    pub fn start(pulse: &Pulse, patience: Duration, bite: impl FnOnce() + Send + 'static) -> Watchdog {
        let (owner, gone) = channel();
        let pulse = pulse.clone();
        let nap = (patience / 20).min(Duration::from_secs(1));
        std::thread::spawn(move || {
            let (mut count, mut waited) = (pulse.count(), Duration::ZERO);
            while waited < patience {
                let fell_asleep = Instant::now();
                if gone.recv_timeout(nap) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
                waited += fell_asleep.elapsed().min(2 * nap);
                if pulse.count() != count {
                    (count, waited) = (pulse.count(), Duration::ZERO);
                }
            }
            bite();
        });
        Watchdog(owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_millis(200);

    #[test]
    fn it_bites_when_the_pulse_stops_and_not_before() {
        let (pulse, (bitten, bites)) = (Pulse::default(), channel());
        let _watchdog = Watchdog::start(&pulse, PATIENCE, move || bitten.send(()).unwrap());
        for _ in 0..20 {
            std::thread::sleep(PATIENCE / 10);
            pulse.beat();
        }
        assert!(bites.try_recv().is_err(), "it bit a run that gets on");
        bites.recv_timeout(Duration::from_secs(10)).expect("a bite");
    }

    #[test]
    fn it_leaves_with_its_run() {
        let (pulse, (bitten, bites)) = (Pulse::default(), channel());
        drop(Watchdog::start(&pulse, PATIENCE, move || bitten.send(()).unwrap()));
        assert_eq!(bites.recv_timeout(Duration::from_secs(10)), Err(RecvTimeoutError::Disconnected));
    }
}
