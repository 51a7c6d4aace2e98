//! Projectors on kets, summed in whole numbers: sum over eight kets of |psi><psi|, each ket rounded by itself.
//!
//! ```text
//! Re psi_i conj(psi_j) = re_i re_j + im_i im_j ,   Im psi_i conj(psi_j) = im_i re_j - re_i im_j
//! ```
//!
//! Real parts are wanted where i <= j and imaginary parts where i > j: dim^2 real numbers, row by row. A number becomes a whole
//! number of 2^-51 by what multiply-adds do anyway: both products are added to 3, and from 2 to 4, where that ends, the bits of
//! floating-point numbers, taken as whole numbers, go up by one from unit to unit. So an entry costs two multiply-adds and
//! an addition of whole numbers. Each product is rounded to a unit: no entry is off by more than one, 2^-51.
//!
//! Elsewhere in this room a register holds eight trajectories; here it holds eight neighbours of a row, because
//! trajectories are summed.

use super::dispatch::{Isa, Kernel};
use super::lane::Lane;
use super::lanes::{LANES, Lanes};
use num_complex::Complex64;

/// Units of a sum in 1.
pub const UNITS: f64 = (1u64 << 51) as f64;
/// From here to 4 floating-point numbers are 2^-51 apart, and from here down to 2.
const OFFSET: f64 = 3.0;

/// At most eight normalised kets of one space.
#[derive(Debug, Clone)]
pub struct Projectors {
    dim: usize,
    /// Of the amplitudes 8 c to 8 c + 7 the real parts of one ket after another, zeros behind the last; then those of the next c.
    re: Vec<[Lanes; LANES]>,
    /// Imaginary parts.
    im: Vec<[Lanes; LANES]>,
}

impl Projectors {
    /// None yet, of `dim` amplitudes.
    pub fn new(dim: usize) -> Projectors {
        let zero = vec![[Lanes::ZERO; LANES]; dim.div_ceil(LANES)];
        Projectors { dim, re: zero.clone(), im: zero }
    }

    /// Take these kets, at most eight, in the place of those before.
    pub fn set<'a>(&mut self, kets: impl Iterator<Item = &'a [Complex64]>) {
        self.re.fill([Lanes::ZERO; LANES]);
        self.im.fill([Lanes::ZERO; LANES]);
        for (ket, amplitudes) in kets.enumerate() {
            for ((re, im), eight) in self.re.iter_mut().zip(&mut self.im).zip(amplitudes.chunks(LANES)) {
                for (lane, z) in eight.iter().enumerate() {
                    re[ket].0[lane] = z.re;
                    im[ket].0[lane] = z.im;
                }
            }
        }
    }

    /// Add their projectors to the dim^2 sums.
    pub fn add_to(&self, sums: &mut [i64], isa: Isa) {
        assert_eq!(sums.len(), self.dim * self.dim, "sums and kets live in different spaces");
        isa.run(Add { kets: self, sums });
    }

    /// Amplitude i of every ket.
    #[inline(always)]
    fn amplitudes(&self, i: usize) -> ([f64; LANES], [f64; LANES]) {
        let of = |parts: &[[Lanes; LANES]]| parts[i / LANES].map(|ket| ket.0[i % LANES]);
        (of(&self.re), of(&self.im))
    }
}

struct Add<'a> {
    kets: &'a Projectors,
    sums: &'a mut [i64],
}

impl Kernel for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let Add { kets, sums } = self;
        for (i, sums) in sums.chunks_exact_mut(kets.dim).enumerate() {
            let (x, y) = kets.amplitudes(i);
            let (mut imaginary, mut real) = ([[V::splat(0.0); 2]; LANES], [[V::splat(0.0); 2]; LANES]);
            for ket in 0..LANES {
                imaginary[ket] = [V::splat(y[ket]), V::splat(-x[ket])];
                real[ket] = [V::splat(x[ket]), V::splat(y[ket])];
            }
            let (eights, rest) = sums.as_chunks_mut::<LANES>();
            for (c, sums) in eights.iter_mut().enumerate().take(i / LANES) {
                add(sums, kets.total(c, &imaginary));
            }
            for (c, sums) in eights.iter_mut().enumerate().skip(i / LANES + 1) {
                add(sums, kets.total(c, &real));
            }
            if !rest.is_empty() && eights.len() != i / LANES {
                rest.iter_mut().zip(kets.total(eights.len(), &real)).for_each(|(sum, units)| *sum += units);
            }
            // The eight with the diagonal among them: imaginary parts before it, real parts from it on.
            let c = i / LANES;
            let (before, from) = (kets.total(c, &imaginary), kets.total(c, &real));
            for (j, sum) in (c * LANES..kets.dim).zip(&mut sums[c * LANES..]).take(LANES) {
                *sum += if j < i { before[j % LANES] } else { from[j % LANES] };
            }
        }
    }
}

impl Projectors {
    /// Sum over the kets of p re + q im in units, of the entries 8 c to 8 c + 7 of a row.
    #[inline(always)]
    fn total<V: Lane>(&self, c: usize, coefficients: &[[V; 2]; LANES]) -> [i64; LANES] {
        const NONE: u64 = OFFSET.to_bits().wrapping_mul(LANES as u64);
        let (re, im) = (&self.re[c], &self.im[c]);
        let mut total = Lanes::ZERO;
        for part in V::parts() {
            let mut sum = V::splat(0.0);
            for ket in 0..LANES {
                let [p, q] = coefficients[ket];
                let first = p.mul_add(V::load(&re[ket], part), V::splat(OFFSET));
                sum = q.mul_add(V::load(&im[ket], part), first).plus_bits(sum);
            }
            sum.store(&mut total, part);
        }
        let mut out = [0; LANES];
        for (units, bits) in out.iter_mut().zip(total.0) {
            *units = bits.to_bits().wrapping_sub(NONE) as i64;
        }
        out
    }
}

#[inline(always)]
fn add(sums: &mut [i64; LANES], units: [i64; LANES]) {
    let old = *sums;
    *sums = std::array::from_fn(|k| old[k].wrapping_add(units[k]));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of some kets on one path.
    fn sums(kets: &[Vec<Complex64>], isa: Isa) -> Vec<i64> {
        let dim = kets[0].len();
        let (mut projectors, mut sums) = (Projectors::new(dim), vec![0; dim * dim]);
        for kets in kets.chunks(LANES) {
            projectors.set(kets.iter().map(Vec::as_slice));
            projectors.add_to(&mut sums, isa);
        }
        sums
    }

    /// A normalised ket of recognisable numbers.
    fn ket(dim: usize, number: usize) -> Vec<Complex64> {
        let ket: Vec<_> = (0..dim)
            .map(|i| Complex64::new(((i * 7 + number) % 11) as f64 - 4.5, (number * i % 13) as f64 - 3.0))
            .collect();
        let norm = ket.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        ket.into_iter().map(|z| z / norm).collect()
    }

    #[test]
    fn entries_are_those_of_the_projectors_to_a_unit_each_and_the_same_on_every_path() {
        for dim in [1, 2, 7, 8, 9, 16, 23, 40] {
            let kets: Vec<_> = (0..13).map(|number| ket(dim, number)).collect();
            let found = sums(&kets, Isa::available()[0]);
            for (at, found) in found.iter().enumerate() {
                let (i, j) = (at / dim, at % dim);
                let exact: Complex64 = kets.iter().map(|ket| ket[i] * ket[j].conj()).sum();
                let exact = if i <= j { exact.re } else { exact.im };
                // A unit for each ket, and the rounding of the sum that it is compared with.
                let off = (*found as f64 / UNITS - exact).abs() * UNITS;
                assert!(off < 13.0 + 8.0, "dim {dim}, ({i}, {j}): {off} units");
            }
            for isa in Isa::available() {
                assert_eq!(sums(&kets, isa), found, "{} gives other bits", isa.name());
            }
        }
    }

    #[test]
    fn kets_are_rounded_one_by_one() {
        for dim in [3, 17] {
            let kets: Vec<_> = (0..8).map(|number| ket(dim, number)).collect();
            let isa = Isa::available()[0];
            let mut expected = vec![0; dim * dim];
            for ket in &kets {
                expected.iter_mut().zip(sums(std::slice::from_ref(ket), isa)).for_each(|(sum, part)| *sum += part);
            }
            let reversed: Vec<_> = kets.iter().rev().cloned().collect();
            assert_eq!(sums(&kets, isa), expected);
            assert_eq!(sums(&reversed, isa), expected);
        }
    }

    #[test]
    fn units_are_the_nearest_to_the_ends_of_their_range() {
        let of = |x: f64, y: f64| sums(&[vec![Complex64::new(x, y)]], Isa::available()[0])[0];
        let half = 0.5f64.sqrt();
        for (x, y, expected) in
            [(0.0, 0.0, 0), (1.0, 0.0, 1 << 51), (0.0, -1.0, 1 << 51), (1e-9, 0.0, 0), (1.8e-8, 0.0, 1)]
        {
            assert_eq!(of(x, y), expected, "{x} {y}");
        }
        assert!((of(half, half) - (1 << 51)).abs() <= 1);
        // A norm that was rounded up leads out of the range, where units are twice as large, by less than anybody sees.
        let above = 1.0 + 4.0 * f64::EPSILON;
        assert!((of(above, 0.0) - (1 << 51) - 4).abs() <= 4);
        let entries = sums(&[vec![Complex64::new(half, 0.0), Complex64::new(0.0, half)]], Isa::available()[0]);
        // psi_0 conj(psi_1) = -i/2, psi_1 conj(psi_0) = i/2.
        assert!(entries[1] == 0 && (entries[2] - (1 << 50)).abs() <= 1, "{entries:?}");
    }
}
