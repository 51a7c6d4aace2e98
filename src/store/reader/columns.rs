//! The datasets that the checksum of a row covers, read side by side.

use super::super::StoreError;
use super::super::block::Block;
use super::super::checksum::Fnv;
use super::super::h5::Dataset;
use super::super::layout::{self, Kept};
use super::Results;
use crate::ensemble::{RowInfo, Rows, Shape};
use ndarray::{Array2, Array3};
use num_complex::Complex64;
use std::ops::Range;

/// Bytes read at once.
const READ: usize = 8 << 20;

/// Rows of all columns.
pub struct Read {
    /// In the order of the columns.
    pub blocks: Vec<Block>,
    /// Stored checksums.
    pub sums: Vec<u64>,
    /// Whether a row is what was written.
    pub valid: Vec<bool>,
}

/// Open columns of a file.
pub struct Columns {
    checked: Vec<Dataset>,
    checksum: Dataset,
    /// Which numbers of a row statistics are of.
    pub shape: Shape,
    /// Stored times and basis states of the kets, if they are read.
    kets: Option<(usize, usize)>,
    /// Save intervals and c_ops of the records, if they are read.
    record: Option<(usize, usize)>,
}

impl Columns {
    /// Open all columns of a file.
    ///
    /// # Errors
    /// `File` if one is missing.
    pub fn of(results: &Results) -> Result<Columns, StoreError> {
        let has = |name| results.file.contains(name);
        Columns::open(results, Kept { kets: has("psi"), record: has("record") })
    }

    /// All but kets and records, which are most of a file and in no statistics; what is read cannot be checked then.
    ///
    /// # Errors
    /// `File` if one is missing.
    pub fn without_kets(results: &Results) -> Result<Columns, StoreError> {
        Columns::open(results, Kept { kets: false, record: false })
    }

    fn open(results: &Results, kept: Kept) -> Result<Columns, StoreError> {
        let file = &results.file;
        let names = |attribute| results.about(attribute).split_whitespace().map(String::from).collect::<Vec<_>>();
        let (observables, leaks) = (names("observables"), names("leaks"));
        let paths = layout::checked(&observables, &leaks, kept);
        let checked: Vec<Dataset> = paths.iter().map(|path| file.dataset(path)).collect::<Result<_, _>>()?;
        let is_real = |data: &Dataset| data.kind() != Some(layout::Kind::Complex);
        let hermitian = checked[..observables.len()].iter().map(is_real).collect();
        let shape = Shape { hermitian, leaks: leaks.len(), times: results.times()?.len() };
        // Behind the observables and leaks the kets, then the records: a slice of so many things for each of these times.
        let mut next = observables.len() + leaks.len();
        let mut block = |kept: bool, scale: &str| -> Result<Option<(usize, usize)>, StoreError> {
            if !kept {
                return Ok(None);
            }
            let times = file.dataset(scale)?.extent().0;
            next += 1;
            Ok(Some((times, checked[next - 1].extent().1 / times.max(1))))
        };
        let (kets, record) = (block(kept.kets, "time_psi")?, block(kept.record, "time_record")?);
        Ok(Columns { checksum: file.dataset("checksum")?, shape, kets, record, checked })
    }

    /// How many rows to read at once: a few megabytes of them.
    pub fn rows_at_once(&self) -> usize {
        let width: usize = self.checked.iter().map(|data| data.extent().1).sum();
        (READ / (16 * width.max(1))).max(1)
    }

    /// Rows of all columns.
    ///
    /// # Errors
    /// `File` if they cannot be read.
    pub fn read(&self, row: usize, count: usize) -> Result<Vec<Block>, StoreError> {
        self.checked.iter().map(|data| data.read_rows(row, count)).collect()
    }

    /// Rows of all columns, and whether each is what was written; nothing where no row has come yet.
    ///
    /// # Errors
    /// `File` if they cannot be read.
    pub fn read_checked(&self, row: usize, count: usize) -> Result<Option<Read>, StoreError> {
        let stored: Vec<u64> = self.checksum.read_slab(row, count)?;
        if stored.iter().all(|&sum| sum == 0) {
            return Ok(None);
        }
        let blocks = self.read(row, count)?;
        let mut sums = vec![Fnv::new(); count];
        blocks.iter().for_each(|block| block.fold(&mut sums));
        let holds = |(sum, &stored): (Fnv, &u64)| stored != 0 && sum.finish() == stored;
        let valid = sums.into_iter().zip(&stored).map(holds).collect();
        Ok(Some(Read { blocks, sums: stored, valid }))
    }

    /// Some of the rows of `blocks` as the run gave them; the first has trajectory number `first`. Core times are left out.
    pub fn rows(&self, blocks: &[Block], first: u64, which: &[usize]) -> Rows {
        let (observables, leaks, times) = (self.shape.hermitian.len(), self.shape.leaks, self.shape.times);
        let table = |block: &Block| {
            Array2::from_shape_fn((which.len(), times), |(row, t)| block.complex(which[row] * times + t))
        };
        let leak = |block: &Block| {
            Array2::from_shape_fn((which.len(), times), |(row, t)| block.complex(which[row] * times + t).re)
        };
        let mut rest = &blocks[observables + leaks..];
        let mut cube = |(times, width): (usize, usize)| {
            let (block, others) = rest.split_first().expect("a block for every column");
            rest = others;
            Array3::from_shape_fn((which.len(), times, width), |(row, t, i)| {
                block.complex((which[row] * times + t) * width + i)
            })
        };
        let (states, record) = (self.kets.map(&mut cube), self.record.map(&mut cube));
        let plain = rest;
        let info = |&row: &usize| RowInfo {
            rng_stream: plain[2].word(row),
            steps: plain[3].word(row) as i64,
            norm_drift: f64::from_bits(plain[4].word(row)),
            h_gamma: f64::from_bits(plain[5].word(row)),
            h_gamma_above_half: plain[6].word(row) as i64,
            h_gamma_above_one: plain[7].word(row) as i64,
            cpu_time: 0.0,
        };
        Rows {
            first,
            expect: blocks[..observables].iter().map(table).collect(),
            leak: blocks[observables..observables + leaks].iter().map(leak).collect(),
            states,
            record,
            info: which.iter().map(info).collect(),
        }
    }
}

impl Block {
    /// A number as a complex one.
    pub(super) fn complex(&self, at: usize) -> Complex64 {
        match self {
            Block::Complex(values) => values[at],
            Block::Real(values) => values[at].into(),
            Block::Signed(values) => (values[at] as f64).into(),
            Block::Unsigned(values) => (values[at] as f64).into(),
        }
    }

    /// The eight bytes of a number that is not complex.
    fn word(&self, at: usize) -> u64 {
        match self {
            Block::Complex(values) => values[at].re.to_bits(),
            Block::Real(values) => values[at].to_bits(),
            Block::Signed(values) => values[at] as u64,
            Block::Unsigned(values) => values[at],
        }
    }
}

/// Positions of consecutive equal keys.
pub fn groups<K: PartialEq>(keys: &[K]) -> Vec<Range<usize>> {
    let mut from = 0;
    let group = |part: &[K]| {
        let range = from..from + part.len();
        from = range.end;
        range
    };
    keys.chunk_by(|a, b| a == b).map(group).collect()
}
