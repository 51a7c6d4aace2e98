//! The fast room: terms of an equation compiled to a plan, batches of eight kets, the pass over them.
//!
//! ```text
//! out = b u + ( s + g K + sum_j c_j T_j ) v ,  measuring |out|^2, <out|T_j|out>, <v|out> on the way
//! ```
//!
//! and, for methods that split it, exponentials of parts of it; and sums of projectors on kets.
//!
//! Knows layout and arithmetic, no physics names. Lane = trajectory: nothing is ever summed across
//! lanes, every multiply-add is explicit, the order of terms is the plan's, so a trajectory has the
//! same bits on every path through this room and whatever its neighbours are.

mod batch;
mod blocks;
mod dispatch;
mod exponential;
mod lane;
mod lanes;
mod measure;
mod pass;
mod plan;
mod projectors;
mod survey;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use batch::Batch;
pub use dispatch::{Isa, Kernel, OVERRIDE};
pub use exponential::Exponential;
pub use lane::{Array, Lane, Part};
pub use lanes::{Complex8, LANES, Lanes};
pub use measure::Observables;
pub use pass::{Coefficients, Overlaps, Pass};
pub use plan::Plan;
pub use projectors::{Projectors, UNITS};
pub use survey::norm;
