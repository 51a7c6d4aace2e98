//! `FILE.ckpt`: states of batches in flight, beside the results file and thrown away with its last row.
//!
//! A page that says what the file is, then cells of one size. A state takes as many cells as it needs; its
//! first begins with a head that names it: input, batch, generation, length, checksum, cells. Every thread of
//! every rank owns two slots, sequences of cells without end, and writes them in turn: the bytes first, then,
//! when they are on the disk, the head. So its last state but one is whole whatever happens, and no rank
//! waits for another, because a state is a function of input, batch and step alone.
//!
//! At a start rank 0 looks for the newest whole state of every unfinished batch. Their cells are left alone;
//! the slots of this start are laid out in what is free. Nothing here is trusted further than its checksums.

mod head;
mod slots;

pub use head::Head;
pub use slots::Slots;

use super::{StoreError, place};
use crate::ensemble::Unfinished;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// First bytes of the file.
const MAGIC: &[u8; 16] = b"qsd-checkpoint-1";
/// Bytes before the first cell.
const PAGE: u64 = 4096;
/// Bytes of a cell: most states fit into one, and what a state does not fill takes no space on most disks.
const CELL: u64 = 256 << 10;
/// Bytes of the head in the first cell of a state.
const HEAD: u64 = 8 << 10;

/// What rank 0 has found, and all ranks go by.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// The newest whole state of every unfinished batch that has one.
    pub heads: Vec<Head>,
    /// Greater than any generation in the file.
    pub generation: u64,
    /// The name belongs to a file of somebody else: nothing is kept.
    pub is_foreign: bool,
}

/// Name of the checkpoint file of a results file.
pub fn path_of(results: &Path) -> PathBuf {
    place::with_suffix(results, ".ckpt")
}

/// Remove it, if it is ours.
///
/// # Errors
/// `File` if the system refuses.
pub fn remove(results: &Path) -> Result<(), StoreError> {
    let path = path_of(results);
    place::remove_ours(&path, is_ours(&path))
}

/// Rank 0: what the file holds for the batches that `is_unfinished`. States of another input are of no use.
pub fn survey(results: &Path, input: u64, is_unfinished: &dyn Fn(u64) -> bool) -> Survey {
    let path = path_of(results);
    match (is_ours(&path), File::open(&path)) {
        (None, _) => Survey::default(),
        (Some(true), Ok(file)) => newest(&file, &path, input, is_unfinished),
        _ => {
            let name = path.display();
            log::warn!(
                "{name} is no checkpoint of qsd: it is left alone, and trajectories in flight are not kept; remove it"
            );
            Survey { is_foreign: true, ..Survey::default() }
        }
    }
}

/// Whether a file that exists is a checkpoint, or one that was killed before it had a first byte.
fn is_ours(path: &Path) -> Option<bool> {
    place::is_known(path, MAGIC.len(), |start| start == MAGIC || start.iter().all(|&byte| byte == 0))
}

fn newest(file: &File, path: &Path, input: u64, is_unfinished: &dyn Fn(u64) -> bool) -> Survey {
    let mut found: HashMap<u64, Vec<Head>> = HashMap::new();
    let mut generation = 0;
    let length = file.metadata().map_or(0, |meta| meta.len());
    for cell in 0..length.saturating_sub(PAGE).div_ceil(CELL) {
        let Some(head) = Head::read(file, cell).filter(|head| head.input == input) else { continue };
        generation = generation.max(head.generation);
        if is_unfinished(head.batch) {
            found.entry(head.batch).or_default().push(head);
        }
    }
    let mut heads = vec![];
    for (batch, mut states) in found {
        states.sort_by_key(|head| std::cmp::Reverse(head.generation));
        match states.into_iter().find(|head| head.state(file).is_some()) {
            Some(head) => heads.push(head),
            None => log::warn!("{}: no state of batch {batch} is whole: it starts again", path.display()),
        }
    }
    heads.sort_by_key(|head| head.batch);
    Survey { heads, generation: generation + 1, is_foreign: false }
}

impl Survey {
    /// For the other ranks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let heads = self.heads.iter().flat_map(Head::words);
        [self.generation, self.is_foreign.into()].into_iter().chain(heads).flat_map(u64::to_le_bytes).collect()
    }

    /// What `to_bytes` has written.
    pub fn from_bytes(bytes: &[u8]) -> Survey {
        let mut words = words(bytes);
        let (generation, is_foreign) = (words.next().unwrap_or(0), words.next() == Some(1));
        let heads = std::iter::from_fn(|| Head::from_words(&mut words)).collect();
        Survey { heads, generation, is_foreign }
    }

    /// Cells that hold states which are still needed, ascending.
    fn taken(&self) -> Vec<u64> {
        let mut cells: Vec<u64> = self.heads.iter().flat_map(|head| head.cells.iter().copied()).collect();
        cells.sort_unstable();
        cells
    }
}

/// Looks up the states of a survey.
pub struct Earlier {
    file: File,
    heads: HashMap<u64, Head>,
}

impl Earlier {
    /// `None` if there are none, or this rank does not see them: then batches start again.
    pub fn new(results: &Path, survey: &Survey) -> Option<Earlier> {
        if survey.heads.is_empty() {
            return None;
        }
        let path = path_of(results);
        match File::open(&path) {
            Ok(file) => {
                let heads = survey.heads.iter().map(|head| (head.batch, head.clone())).collect();
                Some(Earlier { file, heads })
            }
            Err(why) => {
                log::debug!("{} cannot be read here: {why}", path.display());
                None
            }
        }
    }
}

impl Unfinished for Earlier {
    fn state(&self, batch: u64) -> Option<Vec<u8>> {
        self.heads.get(&batch)?.state(&self.file)
    }
}

/// Place of a cell in the file.
fn offset(cell: u64) -> u64 {
    PAGE.saturating_add(cell.saturating_mul(CELL))
}

/// Where the bytes of a state of this length lie, in order: place in the file and number.
fn extents(cells: &[u64], length: u64) -> impl Iterator<Item = (u64, usize)> {
    let mut left = length;
    cells.iter().enumerate().map_while(move |(index, &cell)| {
        let skip = if index == 0 { HEAD } else { 0 };
        let part = left.min(CELL - skip);
        left -= part;
        (part > 0).then_some((offset(cell) + skip, part as usize))
    })
}

/// Cells that a state of this length needs.
fn cells_for(length: u64) -> u64 {
    (HEAD + length).div_ceil(CELL).max(1)
}

fn words(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes))
}

/// All bytes from there, zeros behind the end of the file.
fn read_at(file: &File, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
    while !into.is_empty() {
        match file.read_at(into, at)? {
            0 => return Ok(()),
            n => {
                into = &mut into[n..];
                at += n as u64;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::testing::scratch;
    use super::*;

    const INPUT: u64 = 77;

    /// A state with recognisable bytes.
    fn state(batch: u64, turn: u64, length: usize) -> Vec<u8> {
        (0..length as u64).map(|i| (i * 31 + batch * 7 + turn * 13 + i / 251) as u8 | 1).collect()
    }

    fn all(_: u64) -> bool {
        true
    }

    /// What the next start finds of batch `batch`.
    fn found(results: &Path, batch: u64) -> Option<Vec<u8>> {
        let survey = survey(results, INPUT, &all);
        assert_eq!(Survey::from_bytes(&survey.to_bytes()), survey);
        Earlier::new(results, &survey)?.state(batch)
    }

    #[test]
    fn the_newest_state_of_every_batch_comes_back_on_other_slots() {
        let results = scratch("ckpt-back").join("x.h5");
        let long = 2 * CELL as usize + 17;
        // Three threads; batches 5, 6, 7; longer states later on, as rows fill.
        let mut slots = Slots::new(&results, INPUT, 3, &Survey::default());
        for turn in 1..=3 {
            for pair in 0..3 {
                slots.keep(pair, 5 + pair, &state(5 + pair, turn, [1000, 300_000, long][turn as usize - 1])).unwrap();
            }
        }
        for batch in 5..8 {
            assert!(found(&results, batch) == Some(state(batch, 3, long)), "batch {batch}");
        }
        assert_eq!(found(&results, 8), None);
        // The next start has five threads, and other batches for its first turns: what it does not know yet stays.
        let survey = survey(&results, INPUT, &all);
        assert_eq!(survey.heads.len(), 3);
        let mut slots = Slots::new(&results, INPUT, 5, &survey);
        for turn in 0..4 {
            for pair in 0..5 {
                slots.keep(pair, 50 + pair, &state(50 + pair, turn, long)).unwrap();
                assert!(found(&results, 7) == Some(state(7, 3, long)), "turn {turn} of {pair}");
            }
        }
        slots.keep(4, 6, &state(6, 9, 100)).unwrap();
        assert!(found(&results, 6) == Some(state(6, 9, 100)), "newer than what the start found");
        assert!(found(&results, 54) == Some(state(54, 3, long)), "its other slot");
        let size = fs::metadata(path_of(&results)).unwrap().len();
        assert!(size <= PAGE + (9 + 30) * CELL, "{size} bytes: what is free is used");
    }

    #[test]
    fn batches_that_are_finished_and_other_inputs_are_left_out() {
        let results = scratch("ckpt-other").join("x.h5");
        let mut slots = Slots::new(&results, INPUT, 1, &Survey::default());
        slots.keep(0, 3, &state(3, 1, 100)).unwrap();
        assert!(survey(&results, INPUT + 1, &all).heads.is_empty());
        assert!(survey(&results, INPUT, &|batch| batch != 3).heads.is_empty());
        assert_eq!(survey(&results, INPUT, &all).heads.len(), 1);
        remove(&results).unwrap();
        assert!(!path_of(&results).exists());
        assert_eq!(survey(&results, INPUT, &all), Survey::default());
    }

    #[test]
    fn whatever_byte_is_changed_or_missing_the_last_state_or_the_one_before_is_found() {
        let results = scratch("ckpt-torn").join("x.h5");
        let path = path_of(&results);
        let mut slots = Slots::new(&results, INPUT, 1, &Survey::default());
        let states: Vec<_> = (1..=3).map(|turn| state(4, turn, 500 * turn as usize)).collect();
        states.iter().for_each(|state| slots.keep(0, 4, state).unwrap());
        let whole = fs::read(&path).unwrap();
        let interesting: Vec<usize> = (0..whole.len()).filter(|&at| whole[at] != 0).collect();
        assert!(interesting.len() > 2500, "{} bytes that mean something", interesting.len());
        let (mut newest, mut before) = (0, 0);
        for &at in interesting.iter().filter(|&&at| at >= PAGE as usize) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x10;
            fs::write(&path, &bytes).unwrap();
            match found(&results, 4) {
                Some(found) if found == states[2] => newest += 1,
                Some(found) if found == states[1] => before += 1,
                other => panic!("byte {at}: {:?} bytes", other.map(|state| state.len())),
            }
        }
        // The newest is spoilt by its 1500 bytes and its head, and by nothing else.
        assert!((1500..1600).contains(&before) && newest > 1000, "{before} and {newest}");
        for cut in (0..whole.len()).step_by(997).chain([1, 16, 17, 4095, 4096, 4097]) {
            fs::write(&path, &whole[..cut]).unwrap();
            let found = found(&results, 4);
            assert!(found.is_none_or(|found| states[1..].contains(&found)), "cut at {cut}");
        }
    }

    #[test]
    fn a_state_torn_in_the_middle_of_its_writing_leaves_the_one_before() {
        let results = scratch("ckpt-kill").join("x.h5");
        let path = path_of(&results);
        let mut slots = Slots::new(&results, INPUT, 1, &Survey::default());
        let long = CELL as usize + 1000;
        (1..=2).for_each(|turn| slots.keep(0, 4, &state(4, turn, long)).unwrap());
        let old = fs::read(&path).unwrap();
        slots.keep(0, 4, &state(4, 3, long)).unwrap();
        let new = fs::read(&path).unwrap();
        let changed: Vec<usize> = (0..old.len()).filter(|&at| old[at] != new[at]).collect();
        let body: Vec<usize> = changed
            .iter()
            .copied()
            .filter(|at| (at - PAGE as usize) % CELL as usize >= HEAD as usize || *at >= (PAGE + 2 * CELL) as usize)
            .collect();
        assert!(body.len() > long / 2 && body.len() < changed.len());
        // The body in any part, without the head that names it; then the head in any part.
        let head: Vec<usize> = changed.iter().copied().filter(|at| body.binary_search(at).is_err()).collect();
        let mut bytes = old.clone();
        for (i, &at) in body.iter().chain(&head).enumerate() {
            bytes[at] = new[at];
            if i % 20_011 == 0 || i >= body.len() {
                fs::write(&path, &bytes).unwrap();
                let expected = if i + 1 < changed.len() { 2 } else { 3 };
                assert!(found(&results, 4) == Some(state(4, expected, long)), "after {i} bytes");
            }
        }
        assert!(found(&results, 4) == Some(state(4, 3, long)));
    }

    #[test]
    fn a_file_of_somebody_else_is_neither_used_nor_removed() {
        let results = scratch("ckpt-foreign").join("x.h5");
        fs::write(path_of(&results), "precious").unwrap();
        assert!(survey(&results, INPUT, &all).is_foreign);
        remove(&results).unwrap();
        let mut slots = Slots::new(&results, INPUT, 1, &survey(&results, INPUT, &all));
        slots.keep(0, 1, &state(1, 1, 100)).unwrap();
        assert_eq!(fs::read_to_string(path_of(&results)).unwrap(), "precious");
    }
}
