//! Writing: every thread in turn into one of its two slots.

use super::head::{self, Head, MOST};
use super::{MAGIC, StoreError, Survey, cells_for, extents, offset, path_of};
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The slots of all threads of all ranks; a process writes those of its own threads, or of all.
pub struct Slots {
    path: PathBuf,
    /// Created with the first state.
    file: Option<File>,
    input: u64,
    /// Threads of all ranks.
    pairs: u64,
    /// Cells of earlier starts that are still needed, ascending.
    taken: Vec<u64>,
    generation: u64,
    /// How often a thread has written.
    turns: HashMap<u64, u64>,
    /// Somebody else's file has the name.
    is_foreign: bool,
}

impl Slots {
    /// Slots for `pairs` threads in what the survey has left free.
    pub fn new(results: &Path, input: u64, pairs: u64, survey: &Survey) -> Slots {
        Slots {
            path: path_of(results),
            file: None,
            input,
            pairs,
            taken: survey.taken(),
            generation: survey.generation,
            turns: HashMap::new(),
            is_foreign: survey.is_foreign,
        }
    }

    /// Write a state into the older slot of thread `pair`; the other one is whole until this is.
    ///
    /// # Errors
    /// `Full` or `File` if writing fails.
    pub fn keep(&mut self, pair: u64, batch: u64, state: &[u8]) -> Result<(), StoreError> {
        let (length, count) = (state.len() as u64, cells_for(state.len() as u64));
        if self.is_foreign {
            return Ok(());
        }
        if count > MOST {
            log::debug!("a state of {length} bytes is too large for {}", self.path.display());
            return Ok(());
        }
        let turn = self.turns.entry(pair).or_default();
        let slot = 2 * pair + *turn % 2;
        let cells = (0..count).map(|part| free(&self.taken, part * 2 * self.pairs + slot)).collect();
        let head = Head { input: self.input, batch, generation: self.generation, length, sum: head::sum(state), cells };
        self.write(&head, state)
            .map_err(|e| StoreError::io(&self.path, "keep trajectories in flight in the file", e))?;
        // Only now, so that a failed attempt does not cost the state before.
        *self.turns.entry(pair).or_default() += 1;
        self.generation += 1;
        Ok(())
    }

    fn write(&mut self, head: &Head, state: &[u8]) -> io::Result<()> {
        let file = match self.file.take() {
            Some(file) => file,
            None => create(&self.path)?,
        };
        let file = self.file.insert(file);
        let mut at = 0;
        for (offset, count) in extents(&head.cells, head.length) {
            file.write_all_at(&state[at..at + count], offset)?;
            at += count;
        }
        file.sync_data()?;
        let bytes: Vec<u8> = head.words().into_iter().flat_map(u64::to_le_bytes).collect();
        file.write_all_at(&bytes, offset(head.cells[0]))?;
        file.sync_data()
    }
}

/// All ranks may do this at once: they write the same bytes.
fn create(path: &Path) -> io::Result<File> {
    let file = File::options().create(true).read(true).write(true).truncate(false).open(path)?;
    file.write_all_at(MAGIC, 0)?;
    Ok(file)
}

/// The cell with this number among those that are not taken.
fn free(taken: &[u64], number: u64) -> u64 {
    taken.iter().fold(number, |cell, &taken| if taken <= cell { cell + 1 } else { cell })
}

#[cfg(test)]
mod tests {
    use super::free;

    #[test]
    fn free_cells_are_counted_past_the_taken_ones() {
        let cells: Vec<u64> = (0..6).map(|number| free(&[0, 3, 4, 9], number)).collect();
        assert_eq!(cells, [1, 2, 5, 6, 7, 8]);
        assert_eq!(free(&[0, 3, 4, 9], 6), 10);
        assert_eq!(free(&[], 6), 6);
    }
}
