//! Numbers of single datasets, for those who show or convert them.

use super::super::StoreError;
use super::super::block::Block;
use super::Results;
use num_complex::Complex64;
use std::ops::Range;

/// What kets a file has.
#[derive(Debug, Clone, PartialEq)]
pub struct Kets {
    /// The times at which they were stored.
    pub times: Vec<f64>,
    /// Amplitudes of one, over all factors in the order of the model.
    pub dimension: usize,
}

impl Results {
    /// Rows of an observable, or of `psi`: value after value, row after row. Rows that have not come yet are NaN.
    ///
    /// # Errors
    /// `File` if they cannot be read.
    pub fn values(&self, name: &str, rows: Range<usize>) -> Result<Vec<Complex64>, StoreError> {
        let block = self.file.dataset(name)?.read_rows(rows.start, rows.len())?;
        Ok(match block {
            Block::Complex(values) => values,
            other => (0..other.len()).map(|at| other.complex(at)).collect(),
        })
    }

    /// The kets of the file, if it has any.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn kets(&self) -> Result<Option<Kets>, StoreError> {
        if !self.file.contains("psi") {
            return Ok(None);
        }
        let times: Vec<f64> = self.file.dataset("time_psi")?.read()?;
        let dimension = self.file.dataset("psi")?.extent().1 / times.len().max(1);
        Ok(Some(Kets { times, dimension }))
    }
}
