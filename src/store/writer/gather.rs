//! Writing through rank 0, for file systems without MPI-IO: the other ranks post what they have, and it writes.
//!
//! Nobody waits while the run goes on, so a rank that fails can say so and be heard. At the end all wait until
//! rank 0 has everything.

use super::super::StoreError;
use super::super::block::Block;
use super::rows::Batch;
use super::{H5Sink, Open};
use crate::error::Error;
use crate::input::Io;
use std::time::{Duration, Instant};

/// What a post holds: its first word.
const ROWS: u64 = 0;
const STATE: u64 = 1;
const END: u64 = 2;

/// Posts on their way before a rank slows down.
const MANY: usize = 16;
/// How long it slows down for one batch: rank 0 may be gone, and then all leave.
const PATIENCE: Duration = Duration::from_secs(1);
const NAP: Duration = Duration::from_millis(1);

impl H5Sink<'_> {
    /// Whether this rank has the file open.
    pub(super) fn writes(&self) -> bool {
        self.place.io == Io::Parallel || self.comm.is_root()
    }

    pub(super) fn post_rows(&self, batch: &Batch) {
        let asked = Instant::now();
        while self.comm.posted() > MANY && asked.elapsed() < PATIENCE {
            std::thread::sleep(NAP);
        }
        self.comm.post(0, &message(ROWS, &batch.words()));
    }

    pub(super) fn post_state(&self, pair: u64, batch: u64, state: &[u8]) {
        let mut bytes = message(STATE, &[pair, batch]);
        bytes.extend(state);
        self.comm.post(0, &bytes);
    }

    /// Rank 0: do what others have posted.
    pub(super) fn take_posts(&mut self) -> Result<(), Error> {
        if self.place.io == Io::Parallel || !self.comm.is_root() {
            return Ok(());
        }
        while let Some((from, bytes)) = self.comm.poll() {
            let mut words = bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes));
            match words.next() {
                Some(ROWS) => {
                    let open = self.open.as_mut().ok_or_else(|| super::unopened(&self.place.path))?;
                    let batch = Batch::from_words(open, &mut words)?;
                    open.write_batch(batch, from as i32)?;
                    open.sync_sometimes()?;
                }
                Some(STATE) => {
                    let (pair, batch) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
                    if let Some(saved) = &mut self.saved {
                        saved.keep(pair, batch, &bytes[24..]);
                    }
                }
                _ => self.ended += 1,
            }
        }
        Ok(())
    }

    /// Collective: nothing is on its way any more. The error is of what was written.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        if self.place.io == Io::Parallel {
            return Ok(());
        }
        if !self.comm.is_root() {
            self.comm.post(0, &message(END, &[]));
            while self.comm.posted() > 0 {
                std::thread::sleep(NAP);
            }
            return Ok(());
        }
        let mut failure = None;
        while self.ended + 1 < self.comm.size() {
            // Also after a failure: the others wait until they are rid of what they have.
            failure = failure.or(self.take_posts().err());
            std::thread::sleep(NAP);
        }
        failure.map_or(Ok(()), Err)
    }
}

impl Batch {
    /// Row, number of rows, core times, then every block.
    fn words(&self) -> Vec<u64> {
        let mut words = vec![self.row as u64, self.cpu_time.len() as u64];
        words.extend(self.cpu_time.iter().map(|x| x.to_bits()));
        for block in &self.blocks {
            match block {
                Block::Real(values) => words.extend(values.iter().map(|x| x.to_bits())),
                Block::Complex(values) => words.extend(values.iter().flat_map(|z| [z.re.to_bits(), z.im.to_bits()])),
                Block::Signed(values) => words.extend(values.iter().map(|&n| n as u64)),
                Block::Unsigned(values) => words.extend(values),
            }
        }
        words
    }

    /// What `words` gave, for this file.
    fn from_words(open: &Open, words: &mut impl Iterator<Item = u64>) -> Result<Batch, StoreError> {
        let (row, count) = (words.next().unwrap_or(0) as usize, words.next().unwrap_or(0) as usize);
        let cpu_time = words.by_ref().take(count).map(f64::from_bits).collect();
        let blocks = open.checked.iter().map(|data| data.block(count * data.extent().1, words)).collect();
        Ok(Batch { row, blocks, cpu_time })
    }
}

fn message(kind: u64, words: &[u64]) -> Vec<u8> {
    [kind].iter().chain(words).flat_map(|word| word.to_le_bytes()).collect()
}
