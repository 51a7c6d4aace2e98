//! Which rows are valid, and what follows from them.

use super::super::StoreError;
use super::super::block::Block;
use super::super::checksum::Fnv;
use super::Results;
use super::columns::{Columns, Read, groups};
use crate::ensemble::{Forest, Node, Rows, Shape, Statistics, Trajectories};
use crate::kernel::LANES;
use num_complex::Complex64;
use std::ops::Range;

impl Results {
    /// For every trajectory of the file whether its row is what was written. Reads the whole file.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn valid_rows(&self) -> Result<Vec<bool>, StoreError> {
        let (columns, count) = (Columns::of(self)?, self.count()?);
        let mut all = Vec::with_capacity(count);
        while all.len() < count {
            let rows = columns.rows_at_once().min(count - all.len());
            let valid = columns.read_checked(all.len(), rows)?.map(|read| read.valid);
            all.extend(valid.unwrap_or(vec![false; rows]));
        }
        Ok(all)
    }

    /// The columns under the checksum.
    pub(in super::super) fn columns(&self) -> Result<Columns, StoreError> {
        Columns::of(self)
    }

    /// Core times and ranks of some rows, which the checksum does not cover.
    pub(in super::super) fn about_rows(&self, rows: Range<usize>) -> Result<(Vec<f64>, Vec<i32>), StoreError> {
        let cpu_time = self.file.dataset("cpu_time")?.read_slab(rows.start, rows.len())?;
        Ok((cpu_time, self.file.dataset("mpi_rank")?.read_slab(rows.start, rows.len())?))
    }

    /// Stored checksums of some rows, 0 where none has come yet.
    pub(in super::super) fn checksums(&self, row: usize, count: usize) -> Result<Vec<u64>, StoreError> {
        self.file.dataset("checksum")?.read_slab(row, count)
    }

    /// Rows in all.
    pub(in super::super) fn count(&self) -> Result<usize, StoreError> {
        Ok(self.file.dataset("checksum")?.extent().0)
    }

    /// Those of the batches of which every row is valid, ascending, in a file of `all`; `visit` is given their rows.
    ///
    /// # Errors
    /// `File` if they cannot be read.
    pub fn whole_batches(
        &self,
        all: Trajectories,
        batches: Range<u64>,
        visit: &mut dyn FnMut(u64, &Rows),
    ) -> Result<Vec<u64>, StoreError> {
        let columns = Columns::of(self)?;
        let at_once = (columns.rows_at_once() / LANES).max(1) as u64;
        let number = |batch: u64| batch * LANES as u64 + all.lanes(batch).start as u64;
        let mut whole = vec![];
        let mut from = batches.start;
        while from < batches.end {
            let group = from..batches.end.min(from + at_once);
            from = group.end;
            let row = (number(group.start) - all.first) as usize;
            let count = group.clone().map(|batch| all.lanes(batch).len()).sum();
            let Some(Read { blocks, valid, .. }) = columns.read_checked(row, count)? else { continue };
            let mut at = 0;
            for batch in group {
                let rows: Vec<usize> = (at..at + all.lanes(batch).len()).collect();
                at += rows.len();
                if rows.iter().all(|&row| valid[row]) {
                    visit(batch, &columns.rows(&blocks, number(batch), &rows));
                    whole.push(batch);
                }
            }
        }
        Ok(whole)
    }

    /// Stored statistics of every observable; `None` if they are not in or their checksum does not hold.
    ///
    /// # Errors
    /// `File` if they cannot be read.
    pub fn statistics(&self) -> Result<Option<Vec<Statistics>>, StoreError> {
        let (stored, n) = (self.file.dataset("state/stats_checksum")?, self.file.dataset("state/stats_n")?);
        let mut sum = [Fnv::new()];
        let mut read = |path: String| -> Result<Vec<Complex64>, StoreError> {
            let data = self.file.dataset(&path)?;
            let block = data.read_rows(0, data.extent().0)?;
            block.fold(&mut sum);
            Ok(complex(block))
        };
        let mut found = vec![];
        for name in self.about("observables").split_whitespace() {
            let mut part = |suffix| read(format!("{name}_{suffix}"));
            let (mean, sem, traj_std) = (part("mean")?, part("sem")?, part("traj_std")?);
            found.push(Statistics { mean, sem, traj_std });
        }
        for factor in self.about("leaks").split_whitespace() {
            read(format!("leak_{factor}_mean"))?;
            read(format!("leak_{factor}_max"))?;
        }
        sum[0].update(&n.read_one::<i64>()?.to_le_bytes());
        Ok((sum[0].finish() == stored.read_one::<u64>()?).then_some(found))
    }

    /// Statistics of every observable over the rows marked in `valid`, for files whose own are missing:
    /// the bits that the run itself would have stored for these rows.
    ///
    /// # Errors
    /// `File` if the rows cannot be read.
    pub fn statistics_of(&self, valid: &[bool]) -> Result<Vec<Statistics>, StoreError> {
        let (shape, node) = self.node_of(valid)?;
        let missing = vec![Complex64::new(f64::NAN, f64::NAN); shape.times];
        let none = || Statistics { mean: missing.clone(), traj_std: missing.clone(), sem: missing.clone() };
        Ok(node.map_or_else(|| shape.hermitian.iter().map(|_| none()).collect(), |node| node.statistics(&shape)))
    }

    /// All that is known of the rows marked in `valid` together: the tree over the batches of every seed, and the
    /// roots of several seeds joined in the order of the seeds.
    ///
    /// # Errors
    /// `File` if the rows cannot be read.
    pub(in super::super) fn node_of(&self, valid: &[bool]) -> Result<(Shape, Option<Node>), StoreError> {
        let columns = Columns::without_kets(self)?;
        let numbers = self.trajectories()?;
        let batches = numbers.iter().map(|&number| number as u64 / LANES as u64);
        let keys: Vec<(u64, u64)> = self.seeds()?.into_iter().zip(batches).collect();
        let mut all: Option<Node> = None;
        let mut forest = Forest::default();
        let mut row = 0;
        while row < keys.len() {
            let mut end = keys.len().min(row + columns.rows_at_once());
            while end < keys.len() && keys[end] == keys[end - 1] {
                end += 1;
            }
            let blocks = columns.read(row, end - row)?;
            for group in groups(&keys[row..end]) {
                let (seed, batch) = keys[row + group.start];
                if row + group.start > 0 && keys[row + group.start - 1].0 != seed {
                    all = joined(all, std::mem::take(&mut forest));
                }
                let kept: Vec<usize> = group.filter(|at| valid[row + at]).collect();
                if let Some(first) = kept.first() {
                    let rows = columns.rows(&blocks, numbers[row + first] as u64, &kept);
                    forest.add(batch, Node::leaf(&columns.shape, &rows));
                }
            }
            row = end;
        }
        Ok((columns.shape.clone(), joined(all, forest)))
    }
}

/// What there was so far and the next seed's.
fn joined(all: Option<Node>, forest: Forest) -> Option<Node> {
    match (all, forest.root()) {
        (Some(all), Some(next)) => Some(all.join(next)),
        (all, next) => all.or(next),
    }
}

/// Numbers as complex ones.
fn complex(block: Block) -> Vec<Complex64> {
    match block {
        Block::Complex(values) => values,
        Block::Real(values) => values.into_iter().map(Complex64::from).collect(),
        Block::Signed(values) => values.into_iter().map(|n| Complex64::from(n as f64)).collect(),
        Block::Unsigned(values) => values.into_iter().map(|n| Complex64::from(n as f64)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::h5::File;
    use super::super::super::testing::{header, scratch, summary, written};
    use super::*;

    #[test]
    fn all_rows_of_a_finished_run_are_valid_and_one_changed_number_is_found() {
        let path = scratch("changed").join("x.h5");
        written(&path, &header(), 20);
        assert_eq!(Results::open(&path).unwrap().valid_rows().unwrap(), [true; 20]);
        for (name, block) in [("n", Block::Real(vec![0.5; 7])), ("steps", Block::Signed(vec![7]))] {
            let file = File::open_rows(&path, None).unwrap();
            file.dataset(name).unwrap().write_rows(3, &block).unwrap();
            file.close().unwrap();
            let valid = Results::open(&path).unwrap().valid_rows().unwrap();
            assert_eq!(valid.iter().position(|valid| !valid), Some(3), "{name}");
            written(&path, &header(), 20);
        }
    }

    #[test]
    fn rows_that_never_came_are_invalid() {
        let path = scratch("some").join("x.h5");
        written(&path, &header(), 11);
        let valid = Results::open(&path).unwrap().valid_rows().unwrap();
        assert_eq!(valid.iter().filter(|valid| **valid).count(), 11);
        assert!(valid[10] && !valid[11]);
    }

    #[test]
    fn stored_statistics_hold_until_one_is_touched() {
        let path = scratch("touched").join("x.h5");
        let header = header();
        written(&path, &header, 20);
        let stored = Results::open(&path).unwrap().statistics().unwrap().unwrap();
        assert_eq!(stored[1], summary(&header).observables[1]);
        let file = File::open_rows(&path, None).unwrap();
        file.dataset("a_sem").unwrap().write(&[Complex64::new(0.1, 0.2); 7]).unwrap();
        file.close().unwrap();
        assert_eq!(Results::open(&path).unwrap().statistics().unwrap(), None);
    }

    /// n of trajectory t at time index 0 is t: mean of 100..=110 is 105, its variance (ddof 1) is 11.
    #[test]
    fn statistics_of_valid_rows_are_the_textbook_ones() {
        let path = scratch("textbook").join("x.h5");
        written(&path, &header(), 11);
        let results = Results::open(&path).unwrap();
        let found = results.statistics_of(&results.valid_rows().unwrap()).unwrap();
        assert!((found[0].mean[0].re - 105.0).abs() < 1e-12);
        assert!((found[0].traj_std[0].re - 11f64.sqrt()).abs() < 1e-12);
        assert!((found[1].sem[0].im - 1.0).abs() < 1e-12, "{}", found[1].sem[0]);
        assert!(results.statistics_of(&[false; 20]).unwrap()[0].mean[0].re.is_nan());
    }
}
