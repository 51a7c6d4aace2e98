//! A file put beside the results: a page, a figure, an export. What stood there before stands until the new one is whole.

use crate::error::exit;
use crate::store::{StoreError, is_hdf5};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why there is no such file.
#[derive(Debug, Error)]
pub enum PutError {
    /// A results file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something stands in the way.
    #[error("{} exists: --force replaces it, -o FILE chooses another name", .path.display())]
    Exists {
        /// The place.
        path: PathBuf,
    },
    /// It would take the place of what it is made from.
    #[error("{} is the results file itself: choose another name with -o FILE", .path.display())]
    Itself {
        /// The place.
        path: PathBuf,
    },
    /// It would take the place of other results.
    #[error("{} is a results file, which is not replaced by anything else: choose another name with -o FILE", .path.display())]
    Results {
        /// The place.
        path: PathBuf,
    },
    /// It could not be written.
    #[error("cannot write {}: {source}; choose another place with -o FILE", .path.display())]
    Write {
        /// The place.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was asked for makes no sense.
    #[error("{what}")]
    Ask {
        /// Why, and what to do.
        what: String,
    },
}

impl PutError {
    /// Short id printed with the message.
    pub fn id(&self) -> &'static str {
        match self {
            PutError::Store(error) => error.id(),
            _ => "E-picture",
        }
    }

    /// The exit code that goes with it.
    pub fn exit_code(&self) -> i32 {
        match self {
            PutError::Store(error) => error.exit_code(),
            PutError::Ask { .. } => exit::USAGE,
            _ => exit::FAILED,
        }
    }
}

/// Whether `path` may be written: it is none of the `sources` and no results file, and if something is there, `force` is given.
///
/// # Errors
/// `Exists`, `Itself`, `Results`.
pub fn may_write(path: &Path, sources: &[PathBuf], force: bool) -> Result<(), PutError> {
    let Ok(place) = path.canonicalize() else { return Ok(()) };
    if sources.iter().any(|source| source.canonicalize().is_ok_and(|source| source == place)) {
        return Err(PutError::Itself { path: path.into() });
    }
    if is_hdf5(&place) {
        return Err(PutError::Results { path: path.into() });
    }
    if force { Ok(()) } else { Err(PutError::Exists { path: path.into() }) }
}

/// Write it, whole or not at all.
///
/// # Errors
/// `Write`.
pub fn put(path: &Path, content: &[u8]) -> Result<(), PutError> {
    put_by(path, |file| file.write_all(content)).map_err(|source| PutError::Write { path: path.into(), source })
}

/// What `write` writes, whole or not at all.
///
/// # Errors
/// What `write` says, or the system.
pub fn put_by<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), E>,
) -> Result<(), E> {
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".part.{}", std::process::id()));
    let part = PathBuf::from(part);
    let made = || -> Result<(), E> {
        let mut file = BufWriter::new(File::create(&part)?);
        write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        Ok(fs::rename(&part, path)?)
    };
    made().inspect_err(|_| {
        // The first error is the one that counts.
        let _ = fs::remove_file(&part);
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::scratch;

    #[test]
    fn what_exists_is_replaced_when_asked_and_the_source_never() {
        let dir = scratch("put");
        let (source, page) = (dir.join("x.h5"), dir.join("x.html"));
        fs::write(&source, "results").unwrap();
        let sources = [source.clone()];
        may_write(&page, &sources, false).unwrap();
        put(&page, b"one").unwrap();
        assert!(matches!(may_write(&page, &sources, false), Err(PutError::Exists { .. })));
        may_write(&page, &sources, true).unwrap();
        put(&page, b"two").unwrap();
        assert_eq!(fs::read(&page).unwrap(), b"two");
        assert!(matches!(may_write(&dir.join("./x.h5"), &sources, true), Err(PutError::Itself { .. })));
        let other = dir.join("other");
        fs::write(&other, b"\x89HDF\r\n\x1a\n and so on").unwrap();
        assert!(matches!(may_write(&other, &sources, true), Err(PutError::Results { .. })));
        fs::remove_file(&other).unwrap();
        let missing = put(&dir.join("none/x.html"), b"one").unwrap_err();
        assert!(missing.to_string().contains("choose another place"), "{missing}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 2, "nothing half-made is left");
    }
}
