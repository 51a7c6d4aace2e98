//! How one step is taken, and the random stream of a trajectory.
//!
//! `em` takes the equation of `unravelling` as it stands, `heun` its linear form, which is the same up
//! to a factor (Ito; it is its own Stratonovich form, since E[dxi^2] = 0):
//!
//! ```text
//! d|phi> = K |phi> dt + sum_k L_k |phi> ( dxi_k + conj(<L_k>) dt ) ,   |psi> = |phi>/|phi|
//! ```
//!
//! Steps h and times are in the model's unit of time; E[|dxi_k|^2] = h over a step.
//!
//! Generic in the stepper below the `Engine` seam, `dyn` above it: nobody to the right knows which method runs. Sources of
//! noise are `dyn` as well, so a method is compiled once per instruction set.

mod coarsened;
mod em;
mod engine;
mod entropy;
mod heun;
mod increments;
mod kick;
mod linear_form;
mod noise;
mod normal;
mod problem;
mod readout;
mod record;
pub mod reference;
mod rk4p1;
mod saba;
mod schedule;
mod splitting;
mod stability;
mod stream;

pub use coarsened::Coarsened;
pub use engine::{Engine, Sample};
pub use noise::{Draws, Noise, PathNoise, StepNoise, StreamNoise, WienerPath};
pub use normal::{complex_normal, cos_sin_quarter, ln_unit};
pub use problem::Problem;
pub use schedule::{Schedule, Span};
pub use splitting::{Form, Splitting};
pub use stability::{growth, largest_stable_step, round_down};
pub use stream::{Domain, Streams, stream, stream_number};

use crate::input::Method;
use crate::kernel::Isa;
use crate::unravelling::{Calculus, Unravelling};
use std::sync::Arc;
use thiserror::Error;

/// What can go wrong while integrating.
#[derive(Debug, Error, PartialEq)]
pub enum IntegrationError {
    /// An amplitude is not a number any more.
    #[error(
        "trajectory {trajectory} is not finite at t = {time}: the step h = {h} is too large for this system; \
         try a smaller --dt"
    )]
    NotFinite {
        /// Trajectory number.
        trajectory: u64,
        /// Time at which it was seen.
        time: f64,
        /// The step.
        h: f64,
    },
    /// A method for constant systems and one that is none.
    #[error(
        "{method} integrates systems that do not depend on time and are not linked, and this one does or is: take \
         --method heun, or rk4p1 for single trajectories"
    )]
    NotConstant {
        /// Method.
        method: &'static str,
    },
    /// The same in a trajectory that checks the step.
    #[error(
        "a trajectory of --check-dt is not finite at t = {time}: the step h = {h} is too large for this system; \
         try a smaller --dt"
    )]
    CheckNotFinite {
        /// Time at which it was seen.
        time: f64,
        /// The step.
        h: f64,
    },
    /// The step is outside the stability region.
    #[error(
        "a step of {h} is unstable for {method} on this system: normalising every step would hide the blow-up; \
         the largest stable step is {largest:?} (--dt {largest:?})"
    )]
    Unstable {
        /// Method.
        method: &'static str,
        /// The step asked for.
        h: f64,
        /// The largest stable one, rounded down to two digits.
        largest: f64,
    },
}

impl IntegrationError {
    /// Whether it follows from the input alone, before a step is taken.
    pub fn is_common(&self) -> bool {
        matches!(self, IntegrationError::Unstable { .. } | IntegrationError::NotConstant { .. })
    }
}

/// What a method is and where it comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MethodInfo {
    /// The method.
    pub method: Method,
    /// Its name in the input.
    pub name: &'static str,
    /// Exponent of h in the error of ensemble means.
    pub weak_order: f64,
    /// Exponent of h in the error of single trajectories on the same noise.
    pub strong_order: f64,
    /// Whether a step needs the tilt of the noise beside its increment.
    pub tilt: bool,
    /// Whether it takes only systems that do not depend on time and are not linked.
    pub constant: bool,
    /// Largest step times Gamma = sum_k <L_k^dag L_k>, if that limits it.
    pub largest_h_gamma: Option<f64>,
    /// In which sense it reads the noise terms.
    pub calculus: Calculus,
    /// Applications of the operators per step.
    pub passes: usize,
    /// Source.
    pub source: &'static str,
}

/// The methods. `qsd models --methods`, the README and the tests read this table.
pub const METHODS: [MethodInfo; 4] = [saba::INFO, heun::INFO, rk4p1::INFO, em::INFO];

impl MethodInfo {
    /// The row of a method.
    pub fn of(method: Method) -> &'static MethodInfo {
        METHODS.iter().find(|info| info.method == method).expect("every method has a row")
    }

    /// Whether it can integrate an equation.
    pub fn takes(&self, equation: &Unravelling) -> bool {
        let constant = equation.terms.is_empty() && equation.modulated.is_empty() && equation.link.is_none();
        constant || !self.constant
    }

    /// What it draws in a step.
    pub fn draws(&self, problem: &Problem) -> Draws {
        Draws { channels: problem.plan.channels(), tilt: self.tilt }
    }
}

/// An engine for the trajectories of a run.
pub fn engine(method: Method, problem: Arc<Problem>, seed: u64, isa: Isa) -> Box<dyn Engine> {
    let noise = StreamNoise::new(Domain::Run, seed, MethodInfo::of(method).draws(&problem), problem.h);
    engine_with(method, problem, Box::new(noise), isa)
}

/// An engine for the check of a step: its every step has the noise of `steps` steps of the check's streams. So one of step
/// h with 2 and one of step h/2 with 1 follow the same Brownian paths.
pub fn check_engine(method: Method, problem: Arc<Problem>, seed: u64, isa: Isa, steps: usize) -> Box<dyn Engine> {
    let draws = MethodInfo::of(method).draws(&problem);
    let fine = StreamNoise::new(Domain::Check, seed, draws, problem.h / steps as f64);
    engine_with(method, problem, Box::new(Coarsened::new(fine, draws, steps)), isa)
}

/// An engine with a given source of noise, such as a prescribed Wiener path.
pub fn engine_with(method: Method, problem: Arc<Problem>, noise: Box<dyn Noise>, isa: Isa) -> Box<dyn Engine> {
    let draws = MethodInfo::of(method).draws(&problem);
    match method {
        Method::Em => Box::new(engine::BatchEngine::<em::Em>::new(problem, draws, noise, isa)),
        Method::Heun => Box::new(engine::BatchEngine::<heun::Heun>::new(problem, draws, noise, isa)),
        Method::Saba => Box::new(engine::BatchEngine::<saba::Saba>::new(problem, draws, noise, isa)),
        Method::Rk4p1 => Box::new(engine::BatchEngine::<rk4p1::Rk4p1>::new(problem, draws, noise, isa)),
    }
}
