//! One batch: its rows, then their checksums, then their status.

use super::super::StoreError;
use super::super::block::Block;
use super::super::checksum::Fnv;
use super::{Open, shape};
use crate::ensemble::{RowInfo, Rows};
use std::path::Path;

/// Value of `status` for a row that is in.
const DONE: i8 = 2;

impl Open {
    /// Write a batch. Independent of other ranks.
    ///
    /// # Errors
    /// `Shape` if the rows do not belong into this file, `Full` or `File` if writing fails.
    pub fn write_batch(&self, path: &Path, rows: &Rows) -> Result<(), StoreError> {
        let count = rows.info.len();
        let row = self.row_of(path, rows)?;
        let blocks = self.blocks(rows);
        self.check_shapes(path, count, &blocks)?;
        let mut sums = vec![Fnv::new(); count];
        for (dataset, block) in self.checked.iter().zip(&blocks) {
            block.fold(&mut sums);
            dataset.write_rows(row, block)?;
        }
        let cpu_time: Vec<f64> = rows.info.iter().map(|info| info.cpu_time).collect();
        self.cpu_time.write_slab(row, &cpu_time)?;
        self.mpi_rank.write_slab(row, &vec![self.rank; count])?;
        let sums: Vec<u64> = sums.into_iter().map(Fnv::finish).collect();
        self.checksum.write_slab(row, &sums)?;
        self.status.write_slab(row, &vec![DONE; count])
    }

    /// Row of the file at which the batch begins.
    fn row_of(&self, path: &Path, rows: &Rows) -> Result<usize, StoreError> {
        let (first, ntraj) = (self.header.first_trajectory, self.header.ntraj);
        let end = rows.first.saturating_add(rows.info.len() as u64);
        if rows.first < first || end > first + ntraj || rows.info.is_empty() {
            let expected = format!("trajectories {first} to {}", first + ntraj - 1);
            return Err(shape(path, "rows", expected, format!("{} to {}", rows.first, end.saturating_sub(1))));
        }
        Ok((rows.first - first) as usize)
    }

    /// What the checksum covers, in the order of `layout::checked`.
    fn blocks(&self, rows: &Rows) -> Vec<Block> {
        let expect = self.header.observables.iter().zip(&rows.expect);
        let observables = expect.map(|(observable, values)| match observable.hermitian {
            true => Block::Real(values.iter().map(|z| z.re).collect()),
            false => Block::Complex(values.iter().copied().collect()),
        });
        let leaks = rows.leak.iter().map(|values| Block::Real(values.iter().copied().collect()));
        let kets = rows.states.iter().map(|kets| Block::Complex(kets.iter().copied().collect()));
        let real = |of: fn(&RowInfo) -> f64| Block::Real(rows.info.iter().map(of).collect());
        let signed = |of: fn(&RowInfo) -> i64| Block::Signed(rows.info.iter().map(of).collect());
        let info = [
            Block::Unsigned(vec![self.header.seed; rows.info.len()]),
            Block::Signed((rows.first as i64..).take(rows.info.len()).collect()),
            Block::Unsigned(rows.info.iter().map(|info| info.rng_stream).collect()),
            signed(|info| info.steps),
            real(|info| info.norm_drift),
            real(|info| info.h_gamma),
            signed(|info| info.h_gamma_above_half),
            signed(|info| info.h_gamma_above_one),
        ];
        observables.chain(leaks).chain(kets).chain(info).collect()
    }

    fn check_shapes(&self, path: &Path, count: usize, blocks: &[Block]) -> Result<(), StoreError> {
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
