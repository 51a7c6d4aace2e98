//! A results file in other formats: `qsd export`, `--save2mat`, `--save2pkl`.
//!
//! NPZ and MAT hold what scripts written for the original simulator read, under its names: `expects[trajectory, time,
//! observable]`, `psis[trajectory, time, state]`, `times`, `observable_str`, `seeds` and every parameter. CSV holds the
//! statistics by time. Only rows whose checksums hold are exported.

mod content;
mod csv;
mod mat;
mod npz;

use super::put::{PutError, may_write, put_by};
use crate::error::exit;
use crate::input::Export;
use crate::store::{Results, StoreError};
use content::Content;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why nothing was exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The results file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It may not stand there, or could not be written.
    #[error(transparent)]
    Put(#[from] PutError),
    /// MAT files count bytes in 32 bits.
    #[error(
        "{variable} has {gigabytes:.1} GB and a variable of a MAT file at most 2: export --npz, or read the HDF5 file itself"
    )]
    TooLarge {
        /// The variable.
        variable: String,
        /// Its size.
        gigabytes: f64,
    },
    /// No trajectory has been stored yet.
    #[error("{} has no finished trajectory yet: qsd info shows how far it is", .path.display())]
    Nothing {
        /// The results file.
        path: PathBuf,
    },
}

impl ExportError {
    /// Short id printed with the message.
    pub fn id(&self) -> &'static str {
        match self {
            ExportError::Store(error) => error.id(),
            _ => "E-export",
        }
    }

    /// The exit code that goes with it.
    pub fn exit_code(&self) -> i32 {
        match self {
            ExportError::Store(error) => error.exit_code(),
            _ => exit::FAILED,
        }
    }
}

/// Where an export of `file` goes by default: the same name with another ending.
pub fn path_of(file: &Path, format: Export) -> PathBuf {
    file.with_extension(format.extension())
}

/// Write `results` as `format` to `path`, which is replaced if `force`. The old file stands until the new one is whole.
///
/// # Errors
/// Those of `ExportError`.
pub fn export(results: &Results, format: Export, path: &Path, force: bool) -> Result<(), ExportError> {
    may_write(path, &[results.path().into()], force)?;
    let content = Content::of(results)?;
    if content.rows.is_empty() {
        return Err(ExportError::Nothing { path: results.path().into() });
    }
    let written = put_by(path, |file| match format {
        Export::Csv => csv::write(&content, file),
        Export::Npz => npz::write(&content, file),
        Export::Mat => mat::write(&content, file),
    });
    written.map_err(|stopped| match stopped {
        Stopped::Io(source) => PutError::Write { path: path.into(), source }.into(),
        Stopped::Export(error) => error,
    })
}

/// Why a writer stopped: the disk, or what is to be written.
enum Stopped {
    Io(io::Error),
    Export(ExportError),
}

impl From<io::Error> for Stopped {
    fn from(source: io::Error) -> Self {
        Stopped::Io(source)
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Stopped::Export(error.into())
    }
}
