//! Batches to ranks and threads, statistics, guards, the program's one loop; where results go is
//! somebody else's business, behind `Sink`.
//!
//! For an observable A and trajectories k = 1..N and saved times, with `A_k = <psi_k|A|psi_k>`:
//!
//! ```text
//! mean = sum_k A_k / N ,   traj_std^2 = sum_k (A_k - mean)^2 / (N - 1) ,   sem = traj_std / sqrt(N)
//! ```
//!
//! Real and imaginary parts have each their own. `traj_std` is a spread over trajectories and not the
//! quantum uncertainty of A.

mod averaging;
mod checking;
mod clock;
mod density;
mod enough;
mod first_block;
mod flight;
mod groups;
mod guards;
mod header;
mod pilot;
mod progress;
mod rank;
mod run;
mod setup;
mod sink;
mod slice;
mod statistics;
mod step;
mod step_check;
mod stopping;
mod watchdog;
mod worker;

pub use clock::utc_now;
pub use density::Density;
pub use enough::half_width;
pub use groups::{group_of, groups};
pub use guards::{GuardError, LEAK, Watched, guards as judge};
pub use header::provenance;
pub use progress::{Cost, Progress};
pub use run::{CHECKPOINT_EVERY, Conduct, Outcome, run};
pub use setup::Ensemble;
pub use sink::*;
pub use slice::Trajectories;
pub use statistics::{Extremes, Forest, Node, Shape};
pub use step::choose_step;
pub use step_check::{StepCheck, StepDifference, StepError, StepErrorAt, StepSize, StepVerdict};
pub use stopping::{Listener, Stop};
pub use watchdog::{HangError, Pulse, Watchdog};
