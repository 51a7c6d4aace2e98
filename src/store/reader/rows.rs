//! Which rows are valid, and what follows from them.

use super::super::StoreError;
use super::super::block::Block;
use super::super::checksum::Fnv;
use super::super::h5::Dataset;
use super::super::layout;
use super::Results;
use crate::ensemble::{Forest, Node, RowInfo, Rows, Shape, Statistics, Trajectories};
use crate::kernel::LANES;
use ndarray::Array2;
use num_complex::Complex64;

/// Bytes read at once.
const READ: usize = 8 << 20;

impl Results {
    /// For every trajectory of the file whether its row is what was written. Reads the whole file.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn valid_rows(&self) -> Result<Vec<bool>, StoreError> {
        let stored: Vec<u64> = self.file.dataset("checksum")?.read()?;
        let names = |attribute| self.about(attribute).split_whitespace().map(String::from).collect::<Vec<_>>();
        let paths = layout::checked(&names("observables"), &names("leaks"), self.file.contains("psi"));
        let checked: Vec<Dataset> = paths.iter().map(|path| self.file.dataset(path)).collect::<Result<_, _>>()?;
        let width: usize = checked.iter().map(|data| data.extent().1).sum();
        let at_once = rows_at_once(width);
        let mut valid = vec![false; stored.len()];
        for (batch, stored) in stored.chunks(at_once).enumerate() {
            if stored.iter().all(|&sum| sum == 0) {
                continue;
            }
            let mut sums = vec![Fnv::new(); stored.len()];
            for data in &checked {
                data.read_rows(batch * at_once, stored.len())?.fold(&mut sums);
            }
            for (row, (found, &stored)) in sums.into_iter().zip(stored).enumerate() {
                valid[batch * at_once + row] = stored != 0 && found.finish() == stored;
            }
        }
        Ok(valid)
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
        let first = self.trajectories()?.first().copied().unwrap_or(0) as u64;
        let trajectories = Trajectories { first, count: valid.len() as u64 };
        let names = self.about("observables").split_whitespace();
        names.map(|name| self.statistics_of_one(name, valid, trajectories)).collect()
    }

    fn statistics_of_one(
        &self,
        name: &str,
        valid: &[bool],
        trajectories: Trajectories,
    ) -> Result<Statistics, StoreError> {
        let data = self.file.dataset(name)?;
        let width = data.extent().1;
        let mut forest = Forest::default();
        let mut shape = Shape { hermitian: vec![true], leaks: 0, times: width };
        // Whole batches at once, as many as fit.
        let batches: Vec<u64> = trajectories.batches().collect();
        let mut row = 0;
        for group in batches.chunks((rows_at_once(width) / LANES).max(1)) {
            let count = group.iter().map(|batch| trajectories.lanes(*batch).len()).sum();
            let block = data.read_rows(row, count)?;
            shape.hermitian = vec![matches!(block, Block::Real(_))];
            let values = complex(block);
            let mut at = 0;
            for batch in group {
                let rows = at..at + trajectories.lanes(*batch).len();
                at = rows.end;
                let kept: Vec<usize> = rows.filter(|at| valid[row + at]).collect();
                if !kept.is_empty() {
                    let value = |(r, t): (usize, usize)| values[kept[r] * width + t];
                    let expect = vec![Array2::from_shape_fn((kept.len(), width), value)];
                    let info = vec![RowInfo::default(); kept.len()];
                    let rows = Rows { first: batch * LANES as u64, expect, leak: vec![], states: None, info };
                    forest.add(*batch, Node::leaf(&shape, &rows));
                }
            }
            row += count;
        }
        let missing = vec![Complex64::new(f64::NAN, f64::NAN); width];
        Ok(forest.root().and_then(|root| root.statistics(&shape).pop()).unwrap_or_else(|| Statistics {
            mean: missing.clone(),
            traj_std: missing.clone(),
            sem: missing,
        }))
    }
}

fn rows_at_once(width: usize) -> usize {
    (READ / (16 * width.max(1))).max(1)
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
