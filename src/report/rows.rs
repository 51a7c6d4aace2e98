//! The rows of an observable as they pass by, in pieces, so that a file may be larger than the memory.

use crate::store::{Results, StoreError};
use num_complex::Complex64;

/// Bytes read at once.
const READ: usize = 8 << 20;

/// The real, or the imaginary part of a number.
pub type Part = fn(&Complex64) -> f64;

/// The real numbers that an observable is made of: one if it is Hermitian, else two.
pub fn parts(hermitian: bool) -> &'static [Part] {
    if hermitian { &[|z| z.re] } else { &[|z| z.re, |z| z.im] }
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
