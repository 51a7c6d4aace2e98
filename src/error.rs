//! What can go wrong, and how the program leaves.
//!
//! Every room has its own enum whose variants carry values; this one joins them, gives each the
//! short id that the troubleshooting page explains, and the exit code of the process.

use thiserror::Error;

/// Exit codes of the binary.
pub mod exit {
    /// Everything asked for was done.
    pub const DONE: i32 = 0;
    /// The run failed; the message says why.
    pub const FAILED: i32 = 1;
    /// The command line or the input does not make sense.
    pub const USAGE: i32 = 2;
    /// The run finished but a guard failed: the numbers are not to be trusted.
    pub const GUARD: i32 = 3;
    /// Stopped early; the same command goes on (`EX_TEMPFAIL`).
    pub const RESUMABLE: i32 = 75;
}

/// Any failure of the program.
#[derive(Debug, Error)]
pub enum Error {
    /// The input does not make sense.
    #[error(transparent)]
    Input(#[from] crate::input::InputError),
    /// The physics does not make sense.
    #[error(transparent)]
    Model(#[from] crate::model::ModelError),
    /// The integration went wrong.
    #[error(transparent)]
    Integration(#[from] crate::integrator::IntegrationError),
    /// Ranks and launcher do not fit together.
    #[error(transparent)]
    Launch(#[from] crate::comm::LaunchError),
    /// The results file could not be written or read.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A guard failed early in the run.
    #[error(transparent)]
    Guard(#[from] crate::ensemble::GuardError),
    /// The run did not get on.
    #[error(transparent)]
    Hang(#[from] crate::ensemble::HangError),
    /// Results could not be exported.
    #[error(transparent)]
    Export(#[from] crate::report::export::ExportError),
    /// There is nothing to say about results.
    #[error(transparent)]
    Info(#[from] crate::report::info::InfoError),
    /// A page or a figure could not be made.
    #[error(transparent)]
    Put(#[from] crate::report::put::PutError),
    /// Nothing could be shown in a browser.
    #[error(transparent)]
    View(#[from] crate::report::view::ViewError),
    /// There is nothing to verify with.
    #[error(transparent)]
    Verify(#[from] crate::report::verify::VerifyError),
    /// It went wrong at one point of a sweep.
    #[error("at {point}: {error}")]
    AtPoint {
        /// The parameters of the point.
        point: String,
        /// What went wrong.
        error: Box<Error>,
    },
    /// Another rank failed and has said why; this one leaves quietly.
    #[error("another rank failed")]
    Elsewhere,
}

impl Error {
    /// Short id printed with the message; the troubleshooting page is ordered by it.
    pub fn id(&self) -> &'static str {
        match self {
            Error::Input(_) => "E-input",
            Error::Model(_) => "E-model",
            Error::Integration(_) => "E-integration",
            Error::Launch(_) => "E-launch",
            Error::Store(e) => e.id(),
            Error::Guard(_) => "E-guard",
            Error::Hang(_) => "E-hang",
            Error::Export(e) => e.id(),
            Error::Info(e) => e.id(),
            Error::Put(e) => e.id(),
            Error::View(e) => e.id(),
            Error::Verify(_) => "E-verify",
            Error::AtPoint { error, .. } => error.id(),
            Error::Elsewhere => "E-elsewhere",
        }
    }

    /// The same with the point of a sweep at which it came up.
    pub fn at_point(self, point: String) -> Error {
        match self {
            Error::Elsewhere => Error::Elsewhere,
            error => Error::AtPoint { point, error: Box::new(error) },
        }
    }

    /// The guards that were judged, if one of them failed.
    pub fn guards(&self) -> &[crate::ensemble::Guard] {
        match self {
            Error::Guard(error) => &error.guards,
            Error::AtPoint { error, .. } => error.guards(),
            _ => &[],
        }
    }

    /// Whether every rank of a run meets it alike, so that rank 0 says it for all.
    pub fn is_common(&self) -> bool {
        if let Error::AtPoint { error, .. } = self {
            return error.is_common();
        }
        if let Error::Store(error) = self {
            return error.is_common();
        }
        let common = crate::integrator::IntegrationError::is_common;
        matches!(self, Error::Input(_) | Error::Model(_)) || matches!(self, Error::Integration(e) if common(e))
    }

    /// The exit code that goes with it.
    pub fn exit_code(&self) -> i32 {
        match self {
            Error::Input(_) | Error::Model(_) => exit::USAGE,
            Error::Integration(e) if e.is_common() => exit::USAGE,
            Error::Verify(_) => exit::USAGE,
            Error::Store(e) => e.exit_code(),
            Error::Export(e) => e.exit_code(),
            Error::AtPoint { error, .. } => error.exit_code(),
            Error::Info(e) => e.exit_code(),
            Error::Put(e) => e.exit_code(),
            Error::View(e) => e.exit_code(),
            _ => exit::FAILED,
        }
    }
}
