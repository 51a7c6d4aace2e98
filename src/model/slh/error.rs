//! Why components cannot be made or joined.

use std::fmt;
use thiserror::Error;

/// Which side of a component a port is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Light goes in.
    Input,
    /// Light comes out.
    Output,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Input => "input",
            Side::Output => "output",
        })
    }
}

/// Why a component or a network makes no sense.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SlhError {
    /// S and L do not fit together.
    #[error("S is {rows} x {columns} and there are {couplings} L: S must be square, with one L for each of its rows")]
    Shape {
        /// Rows of S.
        rows: usize,
        /// Columns of S.
        columns: usize,
        /// Coupling operators.
        couplings: usize,
    },
    /// Operators of two spaces.
    #[error(
        "operators of dimensions {first} and {second} cannot be joined: write all of them in the space of the whole system"
    )]
    Spaces {
        /// One dimension.
        first: usize,
        /// The other.
        second: usize,
    },
    /// Scattering that creates or loses light.
    #[error("S is not unitary: S^dag S differs from 1 by {deviation:.2e}; light that is lost needs a port of its own")]
    NotUnitary {
        /// Largest element of S^dag S - 1.
        deviation: f64,
    },
    /// A Hamiltonian that is none.
    #[error("H is not Hermitian: H and H^dag differ by {deviation:.2e}; add the Hermitian conjugate of every term")]
    NotHermitian {
        /// Largest element of H - H^dag.
        deviation: f64,
    },
    /// A parameter outside its range.
    #[error("{name} = {value}: {rule}")]
    Parameter {
        /// Parameter.
        name: &'static str,
        /// Value.
        value: f64,
        /// What it must be.
        rule: &'static str,
    },
    /// Two components in series with different numbers of ports.
    #[error("{first} outputs cannot feed {second} inputs one by one: connect single ports instead")]
    PortCount {
        /// Outputs of the first component.
        first: usize,
        /// Inputs of the second.
        second: usize,
    },
    /// A port that is not there.
    #[error("{component} has no {side} '{port}'; {}", ports(*.side, .known))]
    NoPort {
        /// The component in the user's words.
        component: String,
        /// Input or output.
        side: Side,
        /// The port as named.
        port: String,
        /// The ports there are.
        known: Vec<String>,
    },
    /// An order of ports that leaves one out.
    #[error("{order:?} does not name each of {ports} {side}s once")]
    NotAnOrder {
        /// Input or output.
        side: Side,
        /// What was given.
        order: Vec<usize>,
        /// Number of ports.
        ports: usize,
    },
    /// Feedback without a solution.
    #[error(
        "the loop from {output} into {input} is singular: it returns all of its light in phase, so that 1 - S = 0; \
         change a phase in the loop or let some light out"
    )]
    Singular {
        /// Output.
        output: String,
        /// Input it feeds.
        input: String,
    },
    /// A component nobody has named.
    #[error("unknown component '{name}'; {hint}there {}", count(.known))]
    UnknownComponent {
        /// What was asked for.
        name: String,
        /// The nearest known name as a half sentence, or nothing.
        hint: String,
        /// Names of the components.
        known: Vec<String>,
    },
    /// A name given to two components.
    #[error("two components are named '{0}': give each a name of its own")]
    SameName(String),
    /// A name given to two ports.
    #[error("{component} has two {side}s named '{port}': give each a name of its own")]
    SamePort {
        /// Component.
        component: String,
        /// Input or output.
        side: Side,
        /// The name.
        port: String,
    },
    /// Names for some of the ports.
    #[error("{component} has {ports} {side}s but names for {names}: name all of them or none")]
    PortNames {
        /// Component.
        component: String,
        /// Input or output.
        side: Side,
        /// Number of names.
        names: usize,
        /// Number of ports.
        ports: usize,
    },
    /// A network of nothing.
    #[error("the network has no components: add at least one")]
    Empty,
    /// A name that cannot stand in front of a port.
    #[error("'{0}' cannot name a component or a port: use letters, digits and _, as in cavity_1")]
    BadName(String),
    /// A port that is not written as component and port.
    #[error("'{0}' is not a port: write the component, a dot and the port, as in cavity.0")]
    BadPort(String),
    /// A port that is connected or driven twice.
    #[error("{side} {port} is used twice: {first}, and {second}; light is split and added by a beamsplitter")]
    UsedTwice {
        /// Input or output.
        side: Side,
        /// The port.
        port: String,
        /// Where it is used first.
        first: String,
        /// Where it is used again.
        second: String,
    },
    /// An amplitude that is not a number.
    #[error("the amplitude into {port} is {amplitude}: it must be a finite number")]
    NotFinite {
        /// The port.
        port: String,
        /// The amplitude.
        amplitude: String,
    },
}

/// What there is instead of a missing port.
fn ports(side: Side, known: &[String]) -> String {
    match known {
        [one] => format!("its only {side} is {one}"),
        known => format!("its {side}s are {}", known.join(", ")),
    }
}

fn count(known: &[String]) -> String {
    match known {
        [] => "is none yet".into(),
        [one] => format!("is only {one}"),
        known => format!("are {}", known.join(", ")),
    }
}
