//! Models from files: a space, parameters, H, c_ops, e_ops and an initial state, in TOML.
//!
//! Reading gives the model and its normal text: parameters and `--set` put in as numbers, expressions in
//! one spelling, samples inlined, comments gone. The normal text is itself a model file; it is what the
//! results file keeps and what the same bits come from.

mod component;
mod document;
pub mod keys;
mod link;
mod network;
mod observables;
mod operators;
mod parts;
mod read;
mod samples;
mod source;
mod sweep;
mod timed;

pub use link::link_toml;
pub use operators::complex;
pub use parts::factor_toml;
pub use read::{Described, Overrides, quoted, read, real};
pub use source::Source;
pub use sweep::read_sweep;

#[cfg(test)]
mod tests;
