//! Eight kets side by side.

use super::lanes::{Complex8, LANES};
use num_complex::Complex64;

/// `dim` rows of eight amplitudes, `psi[row][re|im][lane]`, lane contiguous, each row 64-byte aligned,
/// with rows of zeros before and behind so that a diagonal may reach past the edges:
///
/// ```text
/// guard rows | row 0: re re re re re re re re im im im im im im im im | row 1: ... | guard rows
/// ```
#[derive(Debug, Clone)]
pub struct Batch {
    rows: Vec<Complex8>,
    guard: usize,
}

impl Batch {
    /// Eight zero kets of `dim` amplitudes with `guard` rows of zeros on either side.
    pub fn zeros(dim: usize, guard: usize) -> Self {
        Batch { rows: vec![Complex8::ZERO; dim + 2 * guard], guard }
    }

    /// Number of amplitudes of a ket.
    pub fn dim(&self) -> usize {
        self.rows.len() - 2 * self.guard
    }

    /// Rows of zeros on either side.
    #[inline(always)]
    pub(super) fn guard(&self) -> usize {
        self.guard
    }

    /// The same ket in every lane.
    pub fn fill(&mut self, ket: &[Complex64]) {
        for (row, x) in self.rows_mut().iter_mut().zip(ket) {
            *row = Complex8::splat(*x);
        }
    }

    /// The amplitudes.
    #[inline(always)]
    pub fn rows(&self) -> &[Complex8] {
        &self.rows[self.guard..self.rows.len() - self.guard]
    }

    /// The amplitudes.
    #[inline(always)]
    pub fn rows_mut(&mut self) -> &mut [Complex8] {
        let end = self.rows.len() - self.guard;
        &mut self.rows[self.guard..end]
    }

    /// Amplitudes and guard rows; row i of the ket is at `guard + i`.
    #[inline(always)]
    pub(super) fn guarded(&self) -> &[Complex8] {
        &self.rows
    }

    /// Amplitudes and guard rows; row i of the ket is at `guard + i`.
    #[inline(always)]
    pub(super) fn guarded_mut(&mut self) -> &mut [Complex8] {
        &mut self.rows
    }

    /// The ket of one lane.
    pub fn ket(&self, lane: usize) -> Vec<Complex64> {
        assert!(lane < LANES);
        self.rows().iter().map(|row| row.lane(lane)).collect()
    }

    /// Set the ket of one lane.
    pub fn set_ket(&mut self, lane: usize, ket: &[Complex64]) {
        assert_eq!(ket.len(), self.dim(), "ket and batch live in different spaces");
        for (row, x) in self.rows_mut().iter_mut().zip(ket) {
            row.re.0[lane] = x.re;
            row.im.0[lane] = x.im;
        }
    }

    /// Multiply every ket by its own real number.
    #[inline(always)]
    pub fn scale(&mut self, factor: super::Lanes) {
        for row in self.rows_mut() {
            *row = row.times_real(factor);
        }
    }
}
