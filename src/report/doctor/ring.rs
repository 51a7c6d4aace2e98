//! A large message round the ring of ranks, and a clock for when it never arrives.
//!
//! Small messages pass where large ones hang: they take other paths through an MPI library. 8 MiB hung in four
//! of four starts of the configuration that `judge::namespaces` warns of.

use super::Finding;
use crate::comm::Comm;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Nothing may take longer.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// Bytes of the message.
const MESSAGE: usize = 8 << 20;

/// Collective: sends 8 MiB to the next rank while the one before sends here.
pub fn pass(comm: &dyn Comm) -> Vec<Finding> {
    let (rank, size) = (comm.rank(), comm.size());
    if size == 1 {
        return vec![];
    }
    let began = Instant::now();
    // Every byte depends on its sender and its place.
    let message = |from: usize| -> Vec<u8> { (0..MESSAGE).map(|i| ((i % 251) ^ from) as u8).collect() };
    comm.post((rank + 1) % size, &message(rank));
    let (from, came) = loop {
        if let Some(came) = comm.poll() {
            break came;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    while comm.posted() > 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let whole = from == (rank + size - 1) % size && came == message(from);
    let whole = comm.all(whole);
    if !comm.is_root() {
        return vec![];
    }
    let took = began.elapsed().as_secs_f64();
    vec![match whole {
        true => Finding::good("ring", format!("8 MiB went round {size} ranks in {took:.2} s")),
        false => Finding::bad(
            "ring",
            format!("8 MiB went round {size} ranks and came out changed"),
            "this MPI installation or network is broken: tell who looks after it",
        ),
    }]
}

/// Calls what it was given if it is not dropped in time.
pub struct Watchdog(Arc<AtomicBool>);

impl Watchdog {
    /// Starts the clock of rank `rank` of `size`: it calls `bite` with what to say when `deadline` is over.
    pub fn start(
        rank: usize,
        size: usize,
        deadline: Duration,
        bite: impl FnOnce(Finding) + Send + 'static,
    ) -> Watchdog {
        let done = Arc::new(AtomicBool::new(false));
        let seen = done.clone();
        std::thread::spawn(move || {
            let began = Instant::now();
            while began.elapsed() < deadline {
                std::thread::sleep(deadline.min(Duration::from_millis(100)));
                if seen.load(Ordering::Relaxed) {
                    return;
                }
            }
            bite(Finding::bad(
                "ring",
                format!("rank {rank} of {size} waited {} s for the others", deadline.as_secs()),
                "a run would hang here: in containers export OMPI_MCA_btl_vader_single_copy_mechanism=none (Open MPI 4) \
                 or OMPI_MCA_smsc=^cma (5); between nodes look for a firewall or a wrong network interface",
            ));
        });
        Watchdog(done)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn the_watchdog_bites_in_time_and_only_while_it_is_there() {
        let (bitten, bites) = mpsc::channel();
        let other = bitten.clone();
        let short = Duration::from_millis(50);
        let calm = Watchdog::start(0, 2, short, move |finding| bitten.send(finding).expect("a listener"));
        drop(calm);
        let fierce = Watchdog::start(1, 2, short, move |finding| other.send(finding).expect("a listener"));
        let said = bites.recv_timeout(Duration::from_secs(10)).expect("a bite");
        assert!(said.found.contains("rank 1 of 2"), "{said:?}");
        drop(fierce);
        assert!(bites.recv_timeout(Duration::from_millis(200)).is_err(), "it bit after it was sent away");
    }
}
