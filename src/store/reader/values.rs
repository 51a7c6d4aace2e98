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
    /// The factors of the space, the first one the slowest index of a ket.
    pub factors: Vec<Factor>,
}

/// A factor of the space.
#[derive(Debug, Clone, PartialEq)]
pub struct Factor {
    /// Its name.
    pub name: String,
    /// Its levels.
    pub levels: usize,
    /// Whether these are Fock states.
    pub fock: bool,
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
            Block::Real(values) => values.into_iter().map(Complex64::from).collect(),
            other => (0..other.len()).map(|at| other.complex(at)).collect(),
        })
    }

    /// The last number of a dataset along time; none if it is empty.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn last(&self, name: &str) -> Result<Option<Complex64>, StoreError> {
        let data = self.file.dataset(name)?;
        let Some(end) = data.extent().0.checked_sub(1) else { return Ok(None) };
        Ok(Some(data.read_rows(end, 1)?.complex(0)))
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
        let factors =
            self.about("factors").split_whitespace().map(|name| self.factor(name)).collect::<Result<_, _>>()?;
        Ok(Some(Kets { times, dimension, factors }))
    }

    /// Kets of some rows at the stored time of number `at`, one after the other. Rows that have not come yet are NaN.
    ///
    /// # Errors
    /// `File` if they cannot be read.
    pub fn kets_at(&self, at: usize, rows: Range<usize>) -> Result<Vec<Complex64>, StoreError> {
        self.file.dataset("psi")?.read_column(rows, at)
    }

    /// Names of the Fock factors whose top levels are watched: `leak_<name>` has their populations.
    pub fn leaks(&self) -> Vec<String> {
        self.about("leaks").split_whitespace().map(String::from).collect()
    }

    /// For every trajectory of the file whether its row was written; whether rightly, `valid_rows` says. Quick.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn written_rows(&self) -> Result<Vec<bool>, StoreError> {
        Ok(self.checksums(0, self.count()?)?.into_iter().map(|sum| sum != 0).collect())
    }

    fn factor(&self, name: &str) -> Result<Factor, StoreError> {
        let scale = format!("fock_{name}");
        let fock = self.file.contains(&scale);
        let scale = if fock { scale } else { format!("level_{name}") };
        Ok(Factor { name: name.into(), levels: self.file.dataset(&scale)?.extent().0, fock })
    }
}
