//! The sink that keeps rows: all ranks, one file, raw data into fixed places.
//!
//! Order is everything. A batch's rows go first, then their checksums, then their status; at the end
//! the statistics between a checksum of 0 and the right one, and `complete` last. So at any moment a
//! reader can tell what is valid, whoever was killed in between.

mod density;
mod finish;
mod gather;
mod kept;
mod rows;
mod saved;
mod start;
mod step_check;

pub(super) use self::rows::StoredRows;

use self::rows::Batch;
use self::saved::Saved;
use super::h5::{self, File};
use super::place::{self, Place};
use super::{StoreError, checkpoint, layout, resize, sums};
use crate::comm::Comm;
use crate::ensemble::{Begun, Density, Failure, Header, Nothing, Rows, Sink, StepCheck, Summary, Unfinished};
use crate::error::Error;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a rank asks the system to put its rows on the disk; a power cut costs at most this much work.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);

/// End condition of a run that does not need all its trajectories, in QuTiP's words.
const ENOUGH: &str = "target tolerance reached";

/// Writes one results file together with the other ranks.
pub struct H5Sink<'a> {
    place: Place,
    comm: &'a dyn Comm,
    /// Rank 0 has put an empty file at the place that nobody has written to.
    unused: bool,
    /// This start has made the file: no row of it was there before.
    fresh: bool,
    lock: Option<place::Lock>,
    /// Between `begin` and `finish`.
    header: Option<Header>,
    /// On the ranks that write.
    open: Option<Open>,
    saved: Option<Saved>,
    /// The density matrix of earlier starts, on rank 0 until somebody takes it.
    density: Option<Density>,
    /// Which trajectories are in it, on all ranks.
    averaged: Vec<bool>,
    /// Ranks that have posted all they had to.
    ended: usize,
}

/// What a rank holds between `begin` and `finish`.
pub(super) struct Open {
    file: File,
    header: Header,
    /// Datasets that the checksum covers, in its order.
    checked: Vec<h5::Dataset>,
    cpu_time: h5::Dataset,
    mpi_rank: h5::Dataset,
    checksum: h5::Dataset,
    status: h5::Dataset,
    /// A descriptor of our own: `fdatasync` on it works for the whole file and concerns no other rank.
    descriptor: std::fs::File,
    /// One rank looks whether the file still has its name, and speaks for all.
    watches: bool,
    synced: Instant,
    /// Trajectories in the density matrix that this process has put into the file.
    averaged: u64,
}

impl<'a> H5Sink<'a> {
    /// A sink that will write there.
    pub fn new(mut place: Place, comm: &'a dyn Comm) -> Self {
        // Through symbolic links, so that a link stays one and its target is written.
        place.path = std::fs::canonicalize(&place.path).unwrap_or(place.path);
        H5Sink {
            place,
            comm,
            unused: false,
            fresh: false,
            lock: None,
            header: None,
            open: None,
            saved: None,
            density: None,
            averaged: vec![],
            ended: 0,
        }
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
        let Some(header) = self.header.take() else {
            return Err(unopened(self.path()).into());
        };
        let settled = self.settle();
        if !self.comm.all(settled.is_ok()) {
            return Err(settled.err().unwrap_or(Error::Elsewhere));
        }
        let mut open = self.open.take();
        if let Err(error) = self.close(open.as_mut(), summary) {
            std::mem::forget(open);
            return Err(error);
        }
        // All ranks agree that all is well: a collective close cannot hang.
        self.agree(open.map_or(Ok(()), |open| open.into_file().close()))?;
        self.on_root(|| match summary.filter(|summary| is_enough(summary, &header)) {
            Some(summary) => {
                let header = Header { ntraj: summary.n_done, ..header };
                resize::replace(self.path(), &header, Some(summary))
            }
            None => Ok(()),
        })?;
        Ok(())
    }

    fn close(&self, mut open: Option<&mut Open>, summary: Option<&Summary>) -> Result<(), Error> {
        // Rows on the disk before anything says that they are.
        self.agree(open.as_mut().map_or(Ok(()), |open| open.sync()))?;
        self.on_root(|| {
            let (Some(open), Some(summary)) = (open, summary) else { return Ok(()) };
            open.write_summary(summary)?;
            open.write_end(summary)?;
            open.sync()?;
            open.write_complete(summary)?;
            open.sync()?;
            if summary.n_done == open.header.ntraj && open.is_averaged(summary) {
                sums::remove(self.path())?;
                checkpoint::remove(self.path())?;
            }
            Ok(())
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

    fn step_check(&mut self) -> Result<Option<StepCheck>, Error> {
        self.find_step_check()
    }

    fn density(&mut self) -> Result<Option<Density>, Error> {
        Ok(self.density.take())
    }

    fn accept(&mut self, rows: &Rows) -> Result<(), Error> {
        let header = self.header.as_ref().ok_or_else(|| unopened(&self.place.path))?;
        let batch = Batch::new(&self.place.path, header, rows)?;
        match &mut self.open {
            Some(open) => {
                open.write_batch(batch, self.comm.rank() as i32)?;
                open.sync_sometimes()?;
            }
            None => self.post_rows(&batch),
        }
        Ok(())
    }

    fn turn(&mut self) -> Result<(), Error> {
        self.take_posts()?;
        // A rank whose batches take long has rows of its own to think of, and rank 0 the file.
        if let Some(open) = &mut self.open {
            open.sync_sometimes()?;
        }
        Ok(())
    }

    fn unfinished(&self) -> Arc<dyn Unfinished> {
        self.saved.as_ref().and_then(Saved::earlier).unwrap_or_else(|| Arc::new(Nothing))
    }

    fn checkpoint(&mut self, worker: usize, batch: u64, state: &[u8]) -> Result<(), Error> {
        let is_writer = self.writes();
        match &mut self.saved {
            Some(saved) if is_writer => saved.keep(saved.pair(worker), batch, state),
            Some(saved) => {
                let pair = saved.pair(worker);
                self.post_state(pair, batch, state);
            }
            None => {}
        }
        Ok(())
    }

    fn refresh(&mut self, summary: &Summary) -> Result<(), Error> {
        // Rows before the statistics of them: in the file, and on the disk.
        self.take_posts()?;
        let open = self.open.as_mut().ok_or_else(|| unopened(&self.place.path))?;
        open.sync()?;
        open.write_summary(summary)?;
        Ok(open.sync()?)
    }

    fn keep_density(&mut self, density: &mut Density) -> Result<(), Error> {
        self.replace_density(density)
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
    fn new(file: File, header: &Header, descriptor: std::fs::File) -> Result<Open, StoreError> {
        let observables: Vec<_> = header.observables.iter().map(|o| o.name.clone()).collect();
        let factors: Vec<_> = header.leaks.iter().map(|leak| leak.factor.clone()).collect();
        let kept = layout::Kept { kets: header.states.is_some(), record: header.record.is_some() };
        let checked = layout::checked(&observables, &factors, kept);
        Ok(Open {
            checked: checked.iter().map(|name| file.dataset(name)).collect::<Result<_, _>>()?,
            cpu_time: file.dataset("cpu_time")?,
            mpi_rank: file.dataset("mpi_rank")?,
            checksum: file.dataset("checksum")?,
            status: file.dataset("status")?,
            file,
            header: header.clone(),
            descriptor,
            watches: false,
            synced: Instant::now(),
            averaged: 0,
        })
    }

    /// A file that this process alone has made and writes.
    ///
    /// # Errors
    /// `File` if it cannot be opened.
    pub fn alone(path: &Path, header: &Header) -> Result<Open, StoreError> {
        let descriptor = std::fs::File::open(path).map_err(|e| StoreError::io(path, "open the new file", e))?;
        Open::new(File::open_rows(path, None)?, header, descriptor)
    }

    /// Say that its rows were made by a program with these numbers (`layout::NUMBERS`), which may be another one.
    ///
    /// # Errors
    /// `File` if it cannot be written.
    pub fn set_numbers(&self, numbers: i64) -> Result<(), StoreError> {
        self.file.set_count("/", "numbers", numbers)
    }

    /// Close every dataset; the file is left.
    pub fn into_file(self) -> File {
        self.file
    }

    /// Now and then, so that a power cut costs little.
    fn sync_sometimes(&mut self) -> Result<(), StoreError> {
        if self.synced.elapsed() > SYNC_INTERVAL { self.sync() } else { Ok(()) }
    }

    pub fn sync(&mut self) -> Result<(), StoreError> {
        self.synced = Instant::now();
        if self.watches {
            place::still_there(self.file.path(), &self.descriptor)?;
        }
        match self.descriptor.sync_data() {
            // Some file systems cannot.
            Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
            synced => synced.map_err(|e| StoreError::io(self.file.path(), "write to the disk", e)),
        }
    }
}

/// Fewer trajectories than were asked for are enough: the file is to have no room for more.
fn is_enough(summary: &Summary, header: &Header) -> bool {
    summary.end_condition == ENOUGH && summary.n_done > 0 && summary.n_done < header.ntraj
}

fn shape(path: &Path, what: &str, expected: String, found: String) -> StoreError {
    StoreError::Shape { path: path.into(), what: what.into(), expected, found }
}

fn unopened(path: &Path) -> StoreError {
    StoreError::File { path: path.into(), doing: "write".into(), detail: "the file is not open".into() }
}
