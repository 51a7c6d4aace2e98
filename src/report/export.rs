//! A results file in other formats: `qsd export`, `--save2mat`, `--save2pkl`.
//!
//! NPZ and MAT hold what scripts written for the original simulator read, under its names: `expects[trajectory, time,
//! observable]`, `psis[trajectory, time, state]`, `times`, `observable_str`, `seeds` and every parameter. CSV holds the
//! statistics by time. Only rows whose checksums hold are exported.

mod content;
mod csv;
mod mat;
mod npz;

use super::put::is_hdf5;
use crate::error::exit;
use crate::input::Export;
use crate::store::{Results, StoreError};
use content::Content;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why nothing was exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The results file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something stands where the export should go.
    #[error("{} exists: --force replaces it, -o FILE chooses another name", .path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// Results stand there.
    #[error("{} is a results file, which is not replaced by anything else: choose another name with -o FILE", .path.display())]
    Results {
        /// The place.
        path: PathBuf,
    },
    /// The export could not be written.
    #[error("cannot write {}: {source}; choose another place with -o FILE", .path.display())]
    Write {
        /// The place.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
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
    if path.exists() && !force {
        return Err(ExportError::Exists { path: path.into() });
    }
    if is_hdf5(path) {
        return Err(ExportError::Results { path: path.into() });
    }
    let content = Content::of(results)?;
    if content.rows.is_empty() {
        return Err(ExportError::Nothing { path: results.path().into() });
    }
    let failed = |source| ExportError::Write { path: path.into(), source };
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".part.{}", std::process::id()));
    let part = PathBuf::from(part);
    let mut file = BufWriter::new(File::create(&part).map_err(failed)?);
    let written = match format {
        Export::Csv => csv::write(&content, &mut file),
        Export::Npz => npz::write(&content, &mut file),
        Export::Mat => mat::write(&content, &mut file),
    };
    let whole = written.and_then(|()| {
        file.flush().and_then(|()| file.get_ref().sync_all()).and_then(|()| fs::rename(&part, path))?;
        Ok(())
    });
    whole.map_err(|stopped| {
        // The first error is the one that counts.
        let _ = fs::remove_file(&part);
        match stopped {
            Stopped::Io(source) => failed(source),
            Stopped::Export(error) => error,
        }
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
