//! The sink that keeps rows: all ranks, one file, raw data into fixed places.
//!
//! Order is everything. A batch's rows go first, then their checksums, then their status; at the end
//! the statistics between a checksum of 0 and the right one, and `complete` last. So at any moment a
//! reader can tell what is valid, whoever was killed in between.

mod finish;
mod rows;

use super::h5::{self, File};
use super::layout::{self, check_names};
use super::{StoreError, place, skeleton};
use crate::comm::Comm;
use crate::ensemble::{Begun, Failure, Header, Rows, Sink, Summary};
use crate::error::Error;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a rank asks the system to put its rows on the disk; a power cut costs at most this much work.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);

/// Writes one results file together with the other ranks.
pub struct H5Sink<'a> {
    path: PathBuf,
    comm: &'a dyn Comm,
    overwrite: bool,
    /// Rank 0 has put an empty file at `path` that nobody has written to.
    unused: bool,
    lock: Option<place::Lock>,
    open: Option<Open>,
}

/// What a rank holds between `begin` and `finish`.
struct Open {
    file: File,
    header: Header,
    rank: i32,
    /// Datasets that the checksum covers, in its order.
    checked: Vec<h5::Dataset>,
    cpu_time: h5::Dataset,
    mpi_rank: h5::Dataset,
    checksum: h5::Dataset,
    status: h5::Dataset,
    /// A descriptor of our own: `fdatasync` on it works for the whole file and concerns no other rank.
    descriptor: std::fs::File,
    synced: Instant,
}

impl<'a> H5Sink<'a> {
    /// A sink that will write `path`; `overwrite` says that what is there may go.
    pub fn new(path: PathBuf, comm: &'a dyn Comm, overwrite: bool) -> Self {
        // Through symbolic links, so that a link stays one and its target is written.
        let path = std::fs::canonicalize(&path).unwrap_or(path);
        H5Sink { path, comm, overwrite, unused: false, lock: None, open: None }
    }

    /// The file it writes.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Collective: the result if it is good on all ranks; a rank without an error of its own says nothing.
    fn agree<T>(&self, result: Result<T, StoreError>) -> Result<T, Error> {
        match (result, self.comm) {
            (Err(error), comm) => {
                comm.all(false);
                Err(error.into())
            }
            (Ok(value), comm) if comm.all(true) => Ok(value),
            _ => Err(Error::Elsewhere),
        }
    }

    /// Collective: what rank 0 does alone, and all wait for.
    fn on_root<T>(&self, act: impl FnOnce() -> Result<T, StoreError>) -> Result<Option<T>, Error> {
        self.agree(if self.comm.is_root() { act().map(Some) } else { Ok(None) })
    }

    /// Rank 0: nobody else writes it, and what is there may go.
    fn claim(&self) -> Result<place::Lock, StoreError> {
        let lock = place::Lock::take(&self.path, self.comm.size() == 1)?;
        place::may_be_written(&self.path, self.overwrite)?;
        if lock.is_held() {
            place::remove_leftovers(&self.path);
        }
        Ok(lock)
    }

    fn start(&mut self, header: &Header) -> Result<(), Error> {
        self.agree(check_header(&self.path, header))?;
        place::check_directory(&self.path, self.comm).map_err(|e| e.map_or(Error::Elsewhere, Error::from))?;
        self.lock = self.on_root(|| self.claim())?;
        let inode = self.on_root(|| skeleton::create(&self.path, header).and_then(|()| place::inode(&self.path)))?;
        self.unused = self.comm.is_root();
        let inode = self.comm.broadcast(inode.unwrap_or(0).to_le_bytes().to_vec());
        let inode = inode.try_into().map(u64::from_le_bytes).unwrap_or(0);
        let descriptor = self.agree(place::await_file(&self.path, inode))?;
        let file = self.agree(File::open_rows(&self.path, self.comm.raw()))?;
        let open = Open::new(file, header, self.comm.rank(), descriptor);
        self.open = Some(self.agree(open)?);
        self.unused = false;
        Ok(())
    }

    fn end(&mut self, summary: Option<&Summary>) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else {
            return Err(unopened(&self.path).into());
        };
        let done = self.close(&mut open, summary);
        match done {
            // All ranks agree that all is well: a collective close cannot hang.
            Ok(()) => self.agree(open.into_file().close()),
            Err(error) => {
                std::mem::forget(open);
                Err(error)
            }
        }
    }

    fn close(&self, open: &mut Open, summary: Option<&Summary>) -> Result<(), Error> {
        // Rows on the disk before anything says that they are.
        self.agree(open.sync())?;
        self.on_root(|| {
            let Some(summary) = summary else { return Ok(()) };
            open.write_summary(summary)?;
            open.sync()?;
            open.write_complete(summary)?;
            open.sync()
        })?;
        Ok(())
    }
}

impl Sink for H5Sink<'_> {
    fn begin(&mut self, header: &Header) -> Result<Begun, Error> {
        let begun = self.start(header);
        if begun.is_err() {
            self.forget();
            if self.unused {
                // It holds nothing, and would be in the way of the next try.
                let _ = std::fs::remove_file(&self.path);
            }
            self.lock = None;
        }
        begun.map(|()| Begun::New)
    }

    fn accept(&mut self, rows: &Rows) -> Result<(), Error> {
        let open = self.open.as_mut().ok_or_else(|| unopened(&self.path))?;
        open.write_batch(&self.path, rows)?;
        if open.synced.elapsed() > SYNC_INTERVAL {
            open.sync()?;
        }
        Ok(())
    }

    fn finish(&mut self, summary: Option<&Summary>) -> Result<(), Error> {
        let ended = self.end(summary);
        self.lock = None;
        ended
    }

    fn fail(&mut self, failure: &Failure) {
        if let Some(open) = &self.open
            && let Err(error) = open.write_failure(failure)
        {
            log::debug!("how the run failed could not be noted in its file: {error}");
        }
    }

    fn forget(&mut self) {
        // Closing would wait for ranks that may be dead. Rows are in the file already.
        std::mem::forget(self.open.take());
    }
}

impl Drop for H5Sink<'_> {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Open {
    fn new(file: File, header: &Header, rank: usize, descriptor: std::fs::File) -> Result<Open, StoreError> {
        let observables: Vec<_> = header.observables.iter().map(|o| o.name.clone()).collect();
        let factors: Vec<_> = header.leaks.iter().map(|leak| leak.factor.clone()).collect();
        let checked = layout::checked(&observables, &factors, header.states.is_some());
        Ok(Open {
            checked: checked.iter().map(|name| file.dataset(name)).collect::<Result<_, _>>()?,
            cpu_time: file.dataset("cpu_time")?,
            mpi_rank: file.dataset("mpi_rank")?,
            checksum: file.dataset("checksum")?,
            status: file.dataset("status")?,
            file,
            header: header.clone(),
            rank: rank as i32,
            descriptor,
            synced: Instant::now(),
        })
    }

    /// Close every dataset; the file is left.
    fn into_file(self) -> File {
        self.file
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        self.synced = Instant::now();
        match self.descriptor.sync_data() {
            // Some file systems cannot.
            Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            synced => synced.map_err(|e| StoreError::io(self.file.path(), "write to the disk", e)),
        }
    }
}

fn check_header(path: &Path, header: &Header) -> Result<(), StoreError> {
    if header.ntraj == 0 || header.times.is_empty() {
        let found = format!("{} trajectories and {} times", header.ntraj, header.times.len());
        return Err(shape(path, "trajectories and times", "at least one of each".into(), found));
    }
    check_names(header)
}

fn shape(path: &Path, what: &str, expected: String, found: String) -> StoreError {
    StoreError::Shape { path: path.into(), what: what.into(), expected, found }
}

fn unopened(path: &Path) -> StoreError {
    StoreError::File { path: path.into(), doing: "write".into(), detail: "the file is not open".into() }
}
