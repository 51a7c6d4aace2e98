//! What an export holds, whatever its format.

use crate::ensemble::{ObservableInfo, Statistics, Value};
use crate::store::{Kets, Results, StoreError};
use num_complex::Complex64;
use std::ops::Range;

/// Bytes read at once.
const READ: usize = 8 << 20;

/// A results file as an export sees it.
pub struct Content<'a> {
    results: &'a Results,
    /// The rows that are what was written.
    pub rows: Vec<usize>,
    pub times: Vec<f64>,
    pub observables: Vec<ObservableInfo>,
    pub statistics: Vec<Statistics>,
    pub kets: Option<Kets>,
    /// Basis states of the density matrix, if there is one.
    pub density: Option<usize>,
}

/// A small variable of a file that names its variables.
#[derive(Debug, Clone, PartialEq)]
pub enum Variable {
    Real(f64),
    Integer(i64),
    Unsigned(u64),
    Flag(bool),
    Text(String),
    Texts(Vec<String>),
    Reals(Vec<f64>),
    Complexes(Vec<Complex64>),
    Integers(Vec<i64>),
    Unsigneds(Vec<u64>),
}

impl<'a> Content<'a> {
    /// Reads checksums and statistics; rows are read when they are written.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn of(results: &'a Results) -> Result<Content<'a>, StoreError> {
        let valid = results.valid_rows()?;
        let stored = results.statistics()?.filter(|_| valid.iter().all(|valid| *valid));
        let statistics = stored.map_or_else(|| results.statistics_of(&valid), Ok)?;
        Ok(Content {
            rows: (0..valid.len()).filter(|row| valid[*row]).collect(),
            times: results.times()?,
            observables: results.observables()?,
            statistics,
            kets: results.kets()?,
            density: results.averaged()?.filter(|(_, n)| *n > 0).map(|(dim, _)| dim),
            results,
        })
    }

    /// Every small variable by its name: those of the original simulator, the parameters, the statistics.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn variables(&self) -> Result<Vec<(String, Variable)>, StoreError> {
        let (seeds, numbers) = (self.results.seeds()?, self.results.trajectories()?);
        let names = self.observables.iter().map(|o| o.name.clone()).collect();
        let mut all = vec![
            ("times".into(), Variable::Reals(self.times.clone())),
            ("observable_str".into(), Variable::Texts(names)),
            ("seeds".into(), Variable::Unsigneds(self.rows.iter().map(|row| seeds[*row]).collect())),
            ("trajectories".into(), Variable::Integers(self.rows.iter().map(|row| numbers[*row]).collect())),
        ];
        if let Some(kets) = &self.kets {
            all.push(("times_psi".into(), Variable::Reals(kets.times.clone())));
        }
        for (info, found) in self.observables.iter().zip(&self.statistics) {
            for (suffix, values) in [("mean", &found.mean), ("sem", &found.sem), ("traj_std", &found.traj_std)] {
                let values = if info.hermitian {
                    Variable::Reals(values.iter().map(|z| z.re).collect())
                } else {
                    Variable::Complexes(values.clone())
                };
                all.push((format!("{}_{suffix}", info.name), values));
            }
        }
        for parameter in self.results.parameters()? {
            let name: String =
                parameter.name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            // A parameter called like another variable stays in the HDF5 file only.
            let is_taken = self.density.is_some() && name == "rho";
            if !is_taken && all.iter().all(|(known, _)| *known != name) {
                all.push((name, of_value(parameter.value)));
            }
        }
        Ok(all)
    }

    /// Some exported rows of a dataset, `width` numbers each.
    ///
    /// # Errors
    /// `File` if they cannot be read.
    pub fn values(&self, name: &str, which: Range<usize>) -> Result<Vec<Complex64>, StoreError> {
        let rows = &self.rows[which];
        let (Some(&first), Some(&last)) = (rows.first(), rows.last()) else { return Ok(vec![]) };
        let all = self.results.values(name, first..last + 1)?;
        let width = all.len() / (last + 1 - first);
        Ok(rows.iter().flat_map(|row| &all[(row - first) * width..(row - first + 1) * width]).copied().collect())
    }

    /// The density matrix at some of the saved times, row by row.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn density_at(&self, times: Range<usize>) -> Result<Vec<Complex64>, StoreError> {
        self.results.values("rho", times)
    }

    /// Numbers of exported rows in pieces that fit into memory, when each row has `width` numbers.
    pub fn pieces(&self, width: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (count, step) = (self.rows.len(), (READ / (16 * width.max(1))).max(1));
        (0..count).step_by(step).map(move |from| from..count.min(from + step))
    }
}

fn of_value(value: Value) -> Variable {
    match value {
        Value::Real(x) => Variable::Real(x),
        Value::Integer(n) => Variable::Integer(n),
        Value::Unsigned(n) => Variable::Unsigned(n),
        Value::Flag(yes) => Variable::Flag(yes),
        Value::Text(text) => Variable::Text(text),
    }
}
