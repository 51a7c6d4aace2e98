//! The sink that keeps rows: all ranks, one file, raw data into fixed places.
//!
//! Order is everything. A batch's rows go first, then their checksums, then their status; at the end
//! the statistics between a checksum of 0 and the right one, and `complete` last. So at any moment a
//! reader can tell what is valid, whoever was killed in between.

mod finish;
mod kept;
mod rows;
mod saved;
mod start;

use self::rows::Batch;
use self::saved::Saved;
use super::h5::{self, File};
use super::place::{self, Place};
use super::{StoreError, checkpoint, layout};
use crate::comm::Comm;
use crate::ensemble::{Begun, Failure, Header, Nothing, Rows, Sink, Summary, Unfinished};
use crate::error::Error;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a rank asks the system to put its rows on the disk; a power cut costs at most this much work.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);

/// Writes one results file together with the other ranks.
pub struct H5Sink<'a> {
    place: Place,
    comm: &'a dyn Comm,
    /// Rank 0 has put an empty file at the place that nobody has written to.
    unused: bool,
    /// This start has made the file: no row of it was there before.
    fresh: bool,
    lock: Option<place::Lock>,
    open: Option<Open>,
    saved: Option<Saved>,
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
    /// A sink that will write there.
    pub fn new(mut place: Place, comm: &'a dyn Comm) -> Self {
        // Through symbolic links, so that a link stays one and its target is written.
        place.path = std::fs::canonicalize(&place.path).unwrap_or(place.path);
        H5Sink { place, comm, unused: false, fresh: false, lock: None, open: None, saved: None }
    }

    /// The file it writes.
    pub fn path(&self) -> &Path {
        &self.place.path
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

    fn end(&mut self, summary: Option<&Summary>) -> Result<(), Error> {
        let Some(mut open) = self.open.take() else {
            return Err(unopened(self.path()).into());
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
            open.write_end(summary)?;
            open.sync()?;
            open.write_complete(summary)?;
            open.sync()?;
            if summary.n_done == open.header.ntraj { checkpoint::remove(self.path()) } else { Ok(()) }
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
                let _ = std::fs::remove_file(self.path());
            }
            self.lock = None;
        }
        begun
    }

    fn kept(&mut self, batches: Range<u64>, visit: &mut dyn FnMut(u64, &Rows)) -> Result<Vec<u64>, Error> {
        self.find_kept(batches, visit)
    }

    fn accept(&mut self, rows: &Rows) -> Result<(), Error> {
        let open = self.open.as_mut().ok_or_else(|| unopened(&self.place.path))?;
        let batch = Batch::new(&self.place.path, &open.header, rows)?;
        open.write_batch(&batch, open.rank)?;
        if open.synced.elapsed() > SYNC_INTERVAL {
            open.sync()?;
        }
        Ok(())
    }

    fn unfinished(&self) -> Arc<dyn Unfinished> {
        self.saved.as_ref().and_then(Saved::earlier).unwrap_or_else(|| Arc::new(Nothing))
    }

    fn checkpoint(&mut self, worker: usize, batch: u64, state: &[u8]) -> Result<(), Error> {
        if let Some(saved) = &mut self.saved {
            saved.keep(saved.pair(worker), batch, state);
        }
        Ok(())
    }

    fn refresh(&mut self, summary: &Summary) -> Result<(), Error> {
        let open = self.open.as_mut().ok_or_else(|| unopened(&self.place.path))?;
        // Rows on the disk before the statistics of them.
        open.sync()?;
        open.write_summary(summary)?;
        Ok(open.sync()?)
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
        place::still_there(self.file.path(), &self.descriptor)?;
        match self.descriptor.sync_data() {
            // Some file systems cannot.
            Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            synced => synced.map_err(|e| StoreError::io(self.file.path(), "write to the disk", e)),
        }
    }
}

fn shape(path: &Path, what: &str, expected: String, found: String) -> StoreError {
    StoreError::Shape { path: path.into(), what: what.into(), expected, found }
}

fn unopened(path: &Path) -> StoreError {
    StoreError::File { path: path.into(), doing: "write".into(), detail: "the file is not open".into() }
}
