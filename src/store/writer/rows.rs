//! One batch: its rows, then their checksums, then their status.

use super::super::StoreError;
use super::super::block::Block;
use super::super::checksum::Fnv;
use super::{Open, shape};
use crate::ensemble::{Header, RowInfo, Rows};
use std::path::Path;

/// Value of `status` for a row that is in.
pub(super) const DONE: i8 = 2;

/// A batch on its way into the file.
pub struct Batch {
    /// Row of the file at which it begins.
    pub(super) row: usize,
    /// What the checksum covers, in the order of `layout::checked`.
    pub(super) blocks: Vec<Block>,
    /// Core times.
    pub(super) cpu_time: Vec<f64>,
}

/// Consecutive rows with all that the file says of them.
pub struct StoredRows {
    /// What the checksum covers, in the order of `layout::checked`.
    pub blocks: Vec<Block>,
    /// Checksums.
    pub sums: Vec<u64>,
    /// Core times.
    pub cpu_time: Vec<f64>,
    /// Ranks.
    pub mpi_rank: Vec<i32>,
}

impl Batch {
    /// The rows of a batch.
    ///
    /// # Errors
    /// `Shape` if they do not belong into this file.
    pub fn new(path: &Path, header: &Header, rows: &Rows) -> Result<Batch, StoreError> {
        let (first, ntraj) = (header.first_trajectory, header.ntraj);
        let end = rows.first.saturating_add(rows.info.len() as u64);
        if rows.first < first || end > first + ntraj || rows.info.is_empty() {
            let expected = format!("trajectories {first} to {}", first + ntraj - 1);
            return Err(shape(path, "rows", expected, format!("{} to {}", rows.first, end.saturating_sub(1))));
        }
        let cpu_time = rows.info.iter().map(|info| info.cpu_time).collect();
        Ok(Batch { row: (rows.first - first) as usize, blocks: blocks(header, rows), cpu_time })
    }
}

impl Open {
    /// Write a batch that `rank` has integrated. Independent of other ranks.
    ///
    /// # Errors
    /// `Shape` if the rows do not belong into this file, `Full` or `File` if writing fails.
    pub fn write_batch(&self, batch: Batch, rank: i32) -> Result<(), StoreError> {
        let Batch { row, blocks, cpu_time } = batch;
        let count = cpu_time.len();
        self.check_shapes(count, &blocks)?;
        let mut sums = vec![Fnv::new(); count];
        blocks.iter().for_each(|block| block.fold(&mut sums));
        let sums = sums.into_iter().map(Fnv::finish).collect();
        self.put(row, &StoredRows { blocks, sums, cpu_time, mpi_rank: vec![rank; count] })
    }

    /// Rows, then their checksums, then their status.
    ///
    /// # Errors
    /// `Full` or `File` if writing fails.
    pub fn put(&self, row: usize, rows: &StoredRows) -> Result<(), StoreError> {
        for (dataset, block) in self.checked.iter().zip(&rows.blocks) {
            dataset.write_rows(row, block)?;
        }
        self.cpu_time.write_slab(row, &rows.cpu_time)?;
        self.mpi_rank.write_slab(row, &rows.mpi_rank)?;
        self.checksum.write_slab(row, &rows.sums)?;
        self.status.write_slab(row, &vec![DONE; rows.sums.len()])
    }

    fn check_shapes(&self, count: usize, blocks: &[Block]) -> Result<(), StoreError> {
        let path = self.file.path();
        if blocks.len() != self.checked.len() {
            let expected = format!("{} datasets", self.checked.len());
            return Err(shape(path, "rows", expected, blocks.len().to_string()));
        }
        for (dataset, block) in self.checked.iter().zip(blocks) {
            let expected = count * dataset.extent().1;
            if block.len() != expected {
                let what = format!("rows of {}", dataset.name());
                return Err(shape(path, &what, format!("{expected} values"), block.len().to_string()));
            }
        }
        Ok(())
    }
}

/// What the checksum covers, in the order of `layout::checked`.
fn blocks(header: &Header, rows: &Rows) -> Vec<Block> {
    let expect = header.observables.iter().zip(&rows.expect);
    let observables = expect.map(|(observable, values)| match observable.hermitian {
        true => Block::Real(values.iter().map(|z| z.re).collect()),
        false => Block::Complex(values.iter().copied().collect()),
    });
    let leaks = rows.leak.iter().map(|values| Block::Real(values.iter().copied().collect()));
    let kets = rows.states.iter().map(|kets| Block::Complex(kets.iter().copied().collect()));
    let record = rows.record.iter().map(|record| Block::Complex(record.iter().copied().collect()));
    let real = |of: fn(&RowInfo) -> f64| Block::Real(rows.info.iter().map(of).collect());
    let signed = |of: fn(&RowInfo) -> i64| Block::Signed(rows.info.iter().map(of).collect());
    let info = [
        Block::Unsigned(vec![header.seed; rows.info.len()]),
        Block::Signed((rows.first as i64..).take(rows.info.len()).collect()),
        Block::Unsigned(rows.info.iter().map(|info| info.rng_stream).collect()),
        signed(|info| info.steps),
        real(|info| info.norm_drift),
        real(|info| info.h_gamma),
        signed(|info| info.h_gamma_above_half),
        signed(|info| info.h_gamma_above_one),
    ];
    observables.chain(leaks).chain(kets).chain(record).chain(info).collect()
}
