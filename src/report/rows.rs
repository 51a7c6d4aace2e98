//! The rows of an observable as they pass by, in pieces, so that a file may be larger than the memory.

use crate::store::{Results, StoreError};
use num_complex::Complex64;

/// Bytes read at once.
const READ: usize = 8 << 20;

/// One of the real numbers that an observable is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The real part, or the only one.
    Re,
    /// The imaginary part.
    Im,
}

impl Part {
    /// One part if the observable is Hermitian, else two.
    pub fn all(hermitian: bool) -> &'static [Part] {
        if hermitian { &[Part::Re] } else { &[Part::Re, Part::Im] }
    }

    /// That part of some values, in the place of what was in `found`.
    pub fn take(self, values: &[Complex64], found: &mut Vec<f64>) {
        found.clear();
        match self {
            Part::Re => found.extend(values.iter().map(|z| z.re)),
            Part::Im => found.extend(values.iter().map(|z| z.im)),
        }
    }
}

/// The rows that are marked.
pub fn marked(marks: &[bool]) -> Vec<usize> {
    (0..marks.len()).filter(|row| marks[*row]).collect()
}

/// At most `count` of some rows, evenly spread over them.
pub fn evenly(rows: &[usize], count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(rows.len());
    (0..count).map(move |k| rows[k * rows.len() / count])
}

/// Visit some rows, ascending, of a dataset that has `width` saved times: the place among them, the row, its values.
///
/// # Errors
/// `File` if they cannot be read.
pub fn each_row(
    results: &Results,
    name: &str,
    rows: &[usize],
    width: usize,
    mut visit: impl FnMut(usize, usize, &[Complex64]),
) -> Result<(), StoreError> {
    let at_once = (READ / (16 * width.max(1))).max(1);
    let mut place = 0;
    while let Some(&first) = rows.get(place) {
        let end = rows.partition_point(|row| *row < first + at_once);
        let values = results.values(name, first..rows[end - 1] + 1)?;
        for &row in &rows[place..end] {
            visit(place, row, &values[(row - first) * width..(row - first + 1) * width]);
            place += 1;
        }
    }
    Ok(())
}
