//! The head of a state: what it is, where its bytes are, and what they add up to.

use super::super::checksum::Fnv;
use super::{HEAD, cells_for, extents, offset, read_at, words};
use std::fs::File;

/// First word of a head.
const MAGIC: u64 = u64::from_le_bytes(*b"qsdstate");
/// Words beside the cells: magic, input, batch, generation, length, checksum of the state, number of cells, checksum of the head.
const FIXED: u64 = 8;
/// Cells that a head can name.
pub const MOST: u64 = HEAD / 8 - FIXED;

/// One state in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What it is a state of a run of: a hash of the resolved input.
    pub input: u64,
    /// The batch.
    pub batch: u64,
    /// Later states have greater ones.
    pub generation: u64,
    /// Bytes of the state.
    pub length: u64,
    /// Their checksum.
    pub sum: u64,
    /// Where they are.
    pub cells: Vec<u64>,
}

impl Head {
    /// The head that a cell begins with, if it does.
    pub fn read(file: &File, cell: u64) -> Option<Head> {
        let mut bytes = vec![0; HEAD as usize];
        read_at(file, offset(cell), &mut bytes).ok()?;
        Head::from_words(&mut words(&bytes)).filter(|head| head.cells.first() == Some(&cell))
    }

    /// The state, if every byte of it is what was written.
    pub fn state(&self, file: &File) -> Option<Vec<u8>> {
        let mut state = vec![0; self.length as usize];
        let mut at = 0;
        for (offset, count) in extents(&self.cells, self.length) {
            read_at(file, offset, &mut state[at..at + count]).ok()?;
            at += count;
        }
        (at == state.len() && sum(&state) == self.sum).then_some(state)
    }

    /// As numbers, with their checksum last.
    pub fn words(&self) -> Vec<u64> {
        let Head { input, batch, generation, length, sum, cells } = self;
        let mut words = vec![MAGIC, *input, *batch, *generation, *length, *sum, cells.len() as u64];
        words.extend(cells);
        words.push(sum_of(&words));
        words
    }

    /// What `words` gave.
    pub fn from_words(from: &mut impl Iterator<Item = u64>) -> Option<Head> {
        let mut words: Vec<u64> = from.by_ref().take(FIXED as usize - 1).collect();
        let [MAGIC, input, batch, generation, length, sum, count] = words[..] else { return None };
        if count > MOST || count != cells_for(length) {
            return None;
        }
        words.extend(from.by_ref().take(count as usize));
        let cells = words[FIXED as usize - 1..].to_vec();
        let holds = from.next() == Some(sum_of(&words));
        holds.then_some(Head { input, batch, generation, length, sum, cells })
    }
}

/// Checksum of the bytes of a state.
pub fn sum(state: &[u8]) -> u64 {
    let mut sum = Fnv::new();
    sum.update(state);
    sum.finish()
}

fn sum_of(words: &[u64]) -> u64 {
    let mut sum = Fnv::new();
    words.iter().for_each(|word| sum.update(&word.to_le_bytes()));
    sum.finish()
}
