//! `qsd`: ensembles of quantum trajectories (quantum state diffusion) over MPI ranks.
//!
//! The rooms stand in the order in which data flows; a file uses only rooms to its left, `error`,
//! and the trait `comm::Comm` (ARCHITECTURE.md draws it, `tests/rooms.rs` enforces it):
//!
//! ```text
//! cli -> model -> input -> unravelling -> kernel -> integrator -> ensemble -> store -> report
//!                                                        comm ---------^
//! ```
//!
//! hbar = 1 throughout; times and rates are in the inverse units of the rates a model names. The
//! equation is in [`unravelling`], the built-in systems are in [`model::library`], the methods in
//! [`integrator::METHODS`], the datasets of a results file in [`store::layout::TABLE`].
//!
//! What `qsd run kerr_qubit --ntraj 8 --duration 0.04` does, but for the file:
//!
//! ```
//! use qsd::cli::{Cli, Task};
//! use qsd::ensemble::{Conduct, Discard, Ensemble, run};
//!
//! let words = "qsd run kerr_qubit --ntraj 8 --duration 0.04".split(' ').map(Into::into);
//! let Task::Run(args) = Cli::from_words(words)?.task else { unreachable!("it says run") };
//! let ensemble = Ensemble::new(qsd::input::resolve(&args)?.spec)?;
//! ensemble.check_step()?;
//! let mut nobody = |_: &_| {};
//! let conduct = Conduct::new(2, &mut nobody);
//! let outcome = run(&ensemble, qsd::comm::solo().as_ref(), &mut Discard, conduct)?.expect("one process is rank 0");
//! // Early on the photon number is (alpha0 sqrt(kappa1) t)^2; damping and the Kerr term take a few per cent.
//! let n = outcome.summary.observables[0].mean.last().expect("a saved time").re;
//! assert!((n / (10.0 * 0.5f64.sqrt() * 0.04).powi(2) - 1.0).abs() < 0.1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A model of one's own goes through [`ensemble::Ensemble::of_model`]; `examples/driven_qubit.rs` does it.

pub mod cli;
pub mod comm;
pub mod ensemble;
pub mod error;
pub mod input;
pub mod integrator;
pub mod kernel;
pub mod model;
pub mod report;
pub mod store;
pub mod unravelling;
