//! Diagonals of any form and place: what a row has beyond the window.

use super::super::lane::{Complex, Lane};
use super::super::plan::{Far, Gather, Kind};
use super::rows::{Rows, several};

/// x += diagonal v for rows `row .. row + R` of a segment that has it.
#[inline(always)]
pub fn add_far<V: Lane, const R: usize>(rows: &Rows<V>, term: &Far, row: usize, x: &mut [Complex<V>; R]) {
    let (part, at) = (rows.part, (rows.guard + row).wrapping_add_signed(term.offset));
    // SAFETY: offsets stay within the guard rows and tables have an entry for every row, as checked by `Sweep::run`.
    let v = unsafe { several::<_, R>(rows.v, at) };
    // SAFETY: as above.
    let drift = |start: usize| unsafe { several::<_, R>(rows.drift, start + row) };
    match term.kind {
        Kind::DriftReal => {
            let re = drift(term.table);
            for r in 0..R {
                x[r] = Complex::load(&v[r], part).real_mul_add(V::splat(re[r]), x[r]);
            }
        }
        Kind::DriftImaginary => {
            let im = drift(term.table);
            for r in 0..R {
                x[r] = Complex::load(&v[r], part).imaginary_mul_add(V::splat(im[r]), x[r]);
            }
        }
        Kind::DriftComplex => {
            let (re, im) = (drift(term.table), drift(term.other));
            for r in 0..R {
                let x_re = Complex::load(&v[r], part).real_mul_add(V::splat(re[r]), x[r]);
                x[r] = Complex::load(&v[r], part).imaginary_mul_add(V::splat(im[r]), x_re);
            }
        }
        Kind::ReducedOnes => {
            let c = coefficient(rows, term.other);
            for r in 0..R {
                x[r] = c.mul_add(Complex::load(&v[r], part), x[r]);
            }
        }
        Kind::ReducedReal => {
            let c = coefficient(rows, term.other);
            // SAFETY: as above.
            let table = unsafe { several::<_, R>(rows.tables, term.table + row) };
            for r in 0..R {
                x[r] = c.times_real(V::splat(table[r])).mul_add(Complex::load(&v[r], part), x[r]);
            }
        }
    }
}

/// The coefficient of a T_j.
#[inline(always)]
fn coefficient<V: Lane>(rows: &Rows<V>, reduced: usize) -> Complex<V> {
    debug_assert!(reduced < rows.c.len());
    // SAFETY: numbers of a plan's own T_j, as checked by `Sweep::run`.
    Complex::load(unsafe { rows.c.get_unchecked(reduced) }, rows.part)
}

/// Add what rows `row .. row + R`, written and in x, complete of an overlap, conj(earlier) T x. The products with the real
/// and the imaginary part of `earlier` are summed apart: half as long a chain of additions that wait for each other.
#[inline(always)]
pub fn gather<V: Lane, const R: usize>(rows: &mut Rows<V>, overlap: &Gather, row: usize, x: &[Complex<V>; R]) {
    // SAFETY: lags stay within the guard rows, tables have an entry for every row, and the number is one of a measured
    // T_j, as checked by `Sweep::run`.
    let (earlier, table, sums) = unsafe {
        (
            several::<_, R>(rows.out, rows.guard + row - overlap.lag),
            overlap.table.map(|start| several::<_, R>(rows.tables, start + row)),
            rows.gathered.get_unchecked_mut(overlap.reduced),
        )
    };
    let (mut of_re, mut of_im) = (Complex::load(&sums[0], rows.part), Complex::load(&sums[1], rows.part));
    match table {
        None => {
            for r in 0..R {
                let earlier = Complex::<V>::load(&earlier[r], rows.part);
                of_re = x[r].real_mul_add(earlier.re, of_re);
                of_im = x[r].real_mul_add(earlier.im, of_im);
            }
        }
        Some(table) => {
            for r in 0..R {
                let earlier = Complex::<V>::load(&earlier[r], rows.part).times_real(V::splat(table[r]));
                of_re = x[r].real_mul_add(earlier.re, of_re);
                of_im = x[r].real_mul_add(earlier.im, of_im);
            }
        }
    }
    of_re.store(&mut sums[0], rows.part);
    of_im.store(&mut sums[1], rows.part);
}
