//! The physics and nothing else: Hilbert space, operators, SLH components, Lindblads, observables,
//! initial ket, and the library of built-in systems. No layout, no time step, no random number.
//!
//! hbar = 1; the first factor of a space is the slowest index (numpy's `kron`).

mod conditional;
mod dynamics;
mod ket;
pub mod library;
mod link;
mod names;
mod normal_order;
mod operator;
mod scalar;
mod slh;
mod space;
mod time;

pub use conditional::{Conditional, Quantity};
pub use dynamics::{Drive, Dynamics, Modulation};
pub use ket::{coherent, tensor};
pub use link::Link;
pub use names::{RESERVED, RESERVED_PARAMETERS, check_observable_name, is_identifier};
pub use normal_order::{normally_ordered, rounded};
pub use operator::Operator;
pub use scalar::{Function, Scalar, written};
pub use slh::{Network, Reduced, Side, Slh, SlhError};
pub use space::{Factor, HilbertSpace, Kind};
pub use time::{Interpolation, Pulse, Table, TimeFunction};

use num_complex::Complex64;
use thiserror::Error;

/// Why a model makes no sense.
#[derive(Debug, Error, PartialEq)]
pub enum ModelError {
    /// No system of that name.
    #[error("unknown regime '{name}'{hint}; `qsd models` lists what there is")]
    UnknownRegime {
        /// What was asked for.
        name: String,
        /// The nearest known name as a half sentence, or nothing.
        hint: String,
    },
    /// The number behind `A` or `B` is missing or not a number.
    #[error("'{name}': the drive behind '{family}' must be a number, as in {family}21.75")]
    BadDrive {
        /// What was asked for.
        name: String,
        /// `kerr_bistableA` or `kerr_bistableB`.
        family: String,
    },
    /// A parameter the system does not have.
    #[error("{regime} has no parameter '{name}'; it has {known}")]
    UnknownParameter {
        /// Regime.
        regime: String,
        /// What was asked for.
        name: String,
        /// Comma-separated names.
        known: String,
    },
    /// A parameter outside its range.
    #[error("{name} = {value}: {rule}")]
    BadParameter {
        /// Parameter.
        name: String,
        /// Value.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// A factor the space does not have.
    #[error("{regime} has no factor '{name}'; its factors are {known}")]
    UnknownFactor {
        /// Regime.
        regime: String,
        /// What was asked for.
        name: String,
        /// Comma-separated names.
        known: String,
    },
    /// The initial state does not fit the space.
    #[error("initial state {what} does not fit: {rule}")]
    BadInitial {
        /// As typed.
        what: String,
        /// Why.
        rule: String,
    },
    /// Components that cannot be made or joined.
    #[error(transparent)]
    Slh(#[from] SlhError),
    /// A coefficient without a value at some time.
    #[error("{what}: {rule}")]
    BadTimeFunction {
        /// Which coefficient.
        what: String,
        /// What is wrong with it.
        rule: String,
    },
    /// A factor that is too small.
    #[error("factor '{name}' needs at least 2 states, not {dim}")]
    TooSmall {
        /// Factor.
        name: String,
        /// Its dimension.
        dim: usize,
    },
}

/// A measured quantity.
#[derive(Debug, Clone)]
pub struct Observable {
    /// Name of its dataset.
    pub name: String,
    /// As a physicist types it.
    pub expression: String,
    /// Unicode label.
    pub label: String,
    /// LaTeX label.
    pub latex: String,
    /// Its unit.
    pub unit: String,
    /// What it is, in a few words.
    pub description: String,
    /// What is measured.
    pub quantity: Quantity,
}

/// A number of the model, for the file and for `qsd models`.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelParameter {
    /// Name.
    pub name: String,
    /// Value.
    pub value: f64,
    /// Unit.
    pub unit: String,
    /// What it is, in a few words.
    pub description: String,
}

impl ModelParameter {
    /// A number with its unit and meaning.
    pub fn new(name: &str, value: f64, unit: &str, description: &str) -> Self {
        ModelParameter { name: name.into(), value, unit: unit.into(), description: description.into() }
    }
}

/// An open quantum system: H, Lindblads, observables and the initial ket.
#[derive(Debug, Clone)]
pub struct Model {
    /// Name.
    pub name: String,
    /// One line.
    pub description: String,
    /// Where it comes from.
    pub source: String,
    /// Unit of time.
    pub time_unit: String,
    /// The space everything acts on.
    pub space: HilbertSpace,
    /// Hamiltonian, hbar = 1.
    pub hamiltonian: Operator,
    /// Lindblad operators as written, rates inside: L = sqrt(kappa) a.
    pub lindblads: Vec<Operator>,
    /// Names of them; without any they are called by their numbers, from 1.
    pub lindblad_names: Vec<String>,
    /// What depends on time, and the link between two of the Lindblads.
    pub dynamics: Dynamics,
    /// What is measured.
    pub observables: Vec<Observable>,
    /// Normalised initial ket.
    pub initial: Vec<Complex64>,
    /// The numbers it was made from.
    pub parameters: Vec<ModelParameter>,
}

impl Model {
    /// Refuse a model whose time dependence or link has no meaning; `times` are those at which its
    /// coefficients are tried, ascending.
    pub fn check(&self, times: &[f64]) -> Result<(), ModelError> {
        self.dynamics.check(self.lindblads.len(), times)
    }

    /// The name of every Lindblad operator.
    pub fn lindblad_names(&self) -> Vec<String> {
        (0..self.lindblads.len())
            .map(|k| self.lindblad_names.get(k).cloned().unwrap_or_else(|| (k + 1).to_string()))
            .collect()
    }

    /// Whether some term of H, of the Lindblads or of the link raises factor `m`, so that its truncation can matter.
    pub fn raises(&self, m: usize) -> bool {
        let up =
            |op: &Operator| op.elements().any(|((row, col), _)| self.space.digit(row, m) > self.space.digit(col, m));
        up(&self.hamiltonian)
            || self.lindblads.iter().any(up)
            || self.dynamics.drives.iter().any(|drive| up(&drive.operator))
            // A linked port is driven by what arrives there.
            || self.dynamics.link.is_some_and(|link| up(&self.lindblads[link.second].dag()))
    }
}
