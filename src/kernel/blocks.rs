//! A matrix applied to a batch: few columns a row, four rows together.
//!
//! The exponential of a banded operator over a short time is full in principle and banded in effect. Of
//! every row the smallest elements are left out as long as they sum to at most 2^-44: a million steps change an amplitude by
//! less than 1e-7. Four rows share a list of columns,
//!
//! ```text
//! rows 0-3   columns 0..17                one value each, or two if any element of the matrix is complex
//! rows 4-7   columns 0..21, 50..63
//! ```
//!
//! and each row is summed along it in this order, on every path.

use super::lane::{Complex, Lane, Part};
use super::lanes::Complex8;
use num_complex::Complex64;
use std::ops::Range;

/// Rows that share a list of columns.
const TOGETHER: usize = 4;
/// What is left out of a row sums to at most this.
const LEFT_OUT: f64 = 5.684341886080802e-14;
/// Columns between two runs that are worked with small values rather than skipped.
const GAP: usize = 1;

/// A compiled matrix.
#[derive(Debug, Clone)]
pub struct Blocks {
    dim: usize,
    real: bool,
    blocks: Vec<Block>,
    /// By block and column: real parts of its rows, then, unless all are real, imaginary parts.
    values: Vec<f64>,
}

/// `TOGETHER` rows.
#[derive(Debug, Clone)]
struct Block {
    first: usize,
    /// Fewer in the last block.
    rows: usize,
    columns: Vec<Range<usize>>,
    /// Its first value.
    at: usize,
}

impl Blocks {
    /// Compile a matrix given by rows.
    pub fn new(dim: usize, matrix: &[Complex64]) -> Self {
        assert_eq!(matrix.len(), dim * dim, "a square matrix");
        let mut out = Blocks { dim, real: matrix.iter().all(|z| z.im == 0.0), blocks: vec![], values: vec![] };
        for first in (0..dim).step_by(TOGETHER) {
            let rows = TOGETHER.min(dim - first);
            let mut needed = vec![false; dim];
            for row in first..first + rows {
                mark_needed(&matrix[row * dim..(row + 1) * dim], &mut needed);
            }
            let columns = runs(&needed);
            let at = out.values.len();
            let element = |row: usize, col: usize| if row < dim { matrix[row * dim + col] } else { Complex64::ZERO };
            for col in columns.iter().cloned().flatten() {
                out.values.extend((first..first + TOGETHER).map(|row| element(row, col).re));
                if !out.real {
                    out.values.extend((first..first + TOGETHER).map(|row| element(row, col).im));
                }
            }
            out.blocks.push(Block { first, rows, columns, at });
        }
        out
    }

    /// Rows and columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Vector multiply-adds for eight kets.
    pub fn vector_operations(&self) -> usize {
        2 * self.values.len()
    }

    /// out = M v on the amplitudes first, first + stride, ... of both.
    #[inline(always)]
    pub fn apply<V: Lane>(&self, v: &[Complex8], out: &mut [Complex8], first: usize, stride: usize) {
        for part in V::parts() {
            for block in &self.blocks {
                let amplitudes = Amplitudes { v, out: &mut *out, first, stride, part };
                match self.real {
                    true => self.rows::<V, true>(block, amplitudes),
                    false => self.rows::<V, false>(block, amplitudes),
                }
            }
        }
    }

    /// The rows of a block. Eight sums that do not wait for each other keep two pipes busy.
    #[inline(always)]
    fn rows<V: Lane, const REAL: bool>(&self, block: &Block, amplitudes: Amplitudes<V>) {
        let Amplitudes { v, out, first, stride, part } = amplitudes;
        let parts = if REAL { 1 } else { 2 };
        let mut x = [Complex::<V>::zero(); TOGETHER];
        let mut values = self.values[block.at..].chunks_exact(parts * TOGETHER);
        for columns in &block.columns {
            let run = v[first + columns.start * stride..].iter().step_by(stride).take(columns.len());
            for (v, values) in run.zip(&mut values) {
                let v = Complex::load(v, part);
                for r in 0..TOGETHER {
                    x[r] = v.real_mul_add(V::splat(values[r]), x[r]);
                }
                if !REAL {
                    for r in 0..TOGETHER {
                        x[r] = v.imaginary_mul_add(V::splat(values[TOGETHER + r]), x[r]);
                    }
                }
            }
        }
        for (r, x) in x.iter().enumerate().take(block.rows) {
            x.store(&mut out[first + (block.first + r) * stride], part);
        }
    }
}

/// What a matrix is applied to: a part of the lanes of amplitudes `first`, `first + stride`, ...
struct Amplitudes<'a, V> {
    v: &'a [Complex8],
    out: &'a mut [Complex8],
    first: usize,
    stride: usize,
    part: Part<V>,
}

/// Mark the columns that a row cannot do without.
fn mark_needed(row: &[Complex64], needed: &mut [bool]) {
    let size = |col: usize| row[col].re.abs() + row[col].im.abs();
    let mut ascending: Vec<usize> = (0..row.len()).collect();
    ascending.sort_by(|a, b| size(*a).total_cmp(&size(*b)));
    let mut sum = 0.0;
    for col in ascending {
        sum += size(col);
        if sum > LEFT_OUT {
            needed[col] = true;
        }
    }
}

/// Runs of needed columns, near ones joined.
fn runs(needed: &[bool]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = vec![];
    for col in (0..needed.len()).filter(|col| needed[*col]) {
        match out.last_mut().filter(|run| col <= run.end + GAP) {
            Some(run) => run.end = col + 1,
            None => out.push(col..col + 1),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_row_at_most_the_bound_is_left_out() {
        let row: Vec<Complex64> = (0..40).map(|k| Complex64::from(0.1f64.powi(k))).collect();
        let mut needed = vec![false; 40];
        mark_needed(&row, &mut needed);
        let left_out: f64 = row.iter().zip(&needed).filter(|(_, needed)| !**needed).map(|(z, _)| z.re).sum();
        assert!(left_out <= LEFT_OUT && left_out > 0.1 * LEFT_OUT, "{left_out:e}");
    }

    #[test]
    fn near_runs_are_joined() {
        let needed: Vec<bool> = "xx.x..xxx".chars().map(|c| c == 'x').collect();
        assert_eq!(runs(&needed), [0..4, 6..9]);
    }
}
