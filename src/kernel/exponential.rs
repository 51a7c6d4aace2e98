//! Exponentials of an operator, applied to a batch.
//!
//! ```text
//! out = e^{tau A} v ,   A = K , or a sum of operators of single factors, or a diagonal
//! ```
//!
//! The matrices are made once, by scaling and squaring, with +, -, * and / only: the bits depend on no library and on no
//! set of instructions.

use super::batch::Batch;
use super::blocks::Blocks;
use super::lane::{Complex, Lane};
use super::lanes::Complex8;
use crate::model::Operator;
use num_complex::Complex64;

/// Degree of the Taylor polynomial: of a matrix of norm 1 the rest is 1/21! = 2e-20.
const DEGREE: usize = 20;
/// Elements of a power below this are zero: 2^-100, far below what is left out later.
const TINY: f64 = 7.888609052210118e-31;

/// e^{tau A} by rows, A a matrix with few elements.
///
/// A is halved until its largest row sum is at most 1; the Taylor polynomial of that is squared as often.
pub(super) fn exponential(a: &Operator, tau: f64) -> Vec<Complex64> {
    let dim = a.dim();
    let mut sums = vec![0.0; dim];
    a.elements().for_each(|((row, _), z)| sums[row] += tau * (z.re.abs() + z.im.abs()));
    let (mut norm, mut scale, mut squarings) = (sums.into_iter().fold(0.0, f64::max), tau, 0);
    while norm > 1.0 {
        (norm, scale, squarings) = (0.5 * norm, 0.5 * scale, squarings + 1);
    }
    let one = |x: &mut [Complex64]| (0..dim).for_each(|i| x[i * dim + i] += 1.0);
    let mut x = vec![Complex64::ZERO; dim * dim];
    one(&mut x);
    for m in (1..=DEGREE).rev() {
        let mut next = vec![Complex64::ZERO; dim * dim];
        for ((row, col), z) in a.elements() {
            add_row(&mut next, x[col * dim..].iter().take(dim), row, z * (scale / m as f64));
        }
        one(&mut next);
        x = next;
    }
    for _ in 0..squarings {
        let mut square = vec![Complex64::ZERO; dim * dim];
        for row in 0..dim {
            for k in (0..dim).filter(|k| x[row * dim + k] != Complex64::ZERO) {
                add_row(&mut square, x[k * dim..].iter().take(dim), row, x[row * dim + k]);
            }
        }
        x = square;
        x.iter_mut().filter(|z| z.re.abs() + z.im.abs() < TINY).for_each(|z| *z = Complex64::ZERO);
    }
    x
}

/// Add z times a row to row `row` of a matrix.
fn add_row<'a>(
    matrix: &mut [Complex64],
    values: impl ExactSizeIterator<Item = &'a Complex64>,
    row: usize,
    z: Complex64,
) {
    let dim = values.len();
    matrix[row * dim..(row + 1) * dim].iter_mut().zip(values).for_each(|(x, value)| *x += z * value);
}

/// e^{tau A}, compiled.
#[derive(Debug, Clone)]
pub struct Exponential {
    /// Applied one after the other; of the last factor, which is the fastest index, last.
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    /// A number a row.
    Diagonal(Vec<Complex64>),
    /// A matrix on one factor whose neighbouring states are `stride` rows apart.
    Factor { matrix: Blocks, stride: usize },
}

impl Exponential {
    /// Of A on the whole space.
    pub fn whole(a: &Operator, tau: f64) -> Self {
        Exponential { parts: vec![Part::Factor { matrix: Blocks::new(a.dim(), &exponential(a, tau)), stride: 1 }] }
    }

    /// Of a sum of operators, one for each factor of the space, the slowest index first.
    pub fn local(factors: &[Operator], tau: f64) -> Self {
        let stride = |m: usize| factors[m + 1..].iter().map(Operator::dim).product();
        let acts = factors.iter().enumerate().filter(|(_, a)| !a.is_zero());
        let part = |(m, a): (usize, &Operator)| Part::Factor {
            matrix: Blocks::new(a.dim(), &exponential(a, tau)),
            stride: stride(m),
        };
        Exponential { parts: acts.map(part).collect() }
    }

    /// Of the diagonal of A.
    pub fn diagonal(a: &Operator, tau: f64) -> Self {
        let exp = |z: Complex64| {
            let (modulus, angle) = (libm::exp(tau * z.re), tau * z.im);
            Complex64::new(modulus * libm::cos(angle), modulus * libm::sin(angle))
        };
        Exponential { parts: vec![Part::Diagonal((0..a.dim()).map(|i| exp(a.get(i, i))).collect())] }
    }

    /// out = e^{tau A} v; `scratch` is a batch like `out`.
    #[inline(always)]
    pub fn apply<V: Lane>(&self, v: &Batch, scratch: &mut Batch, out: &mut Batch) {
        if self.parts.is_empty() {
            out.rows_mut().copy_from_slice(v.rows());
        }
        for (number, part) in self.parts.iter().enumerate() {
            if number > 0 {
                std::mem::swap(scratch, out);
            }
            let from = if number == 0 { v } else { &*scratch };
            part.apply::<V>(from.rows(), out.rows_mut());
        }
    }

    /// Vector multiply-adds for eight kets of `dim` amplitudes.
    pub fn vector_operations(&self, dim: usize) -> usize {
        let cost = |part: &Part| match part {
            Part::Diagonal(values) => 4 * values.len(),
            Part::Factor { matrix, .. } => matrix.vector_operations() * (dim / matrix.dim()),
        };
        self.parts.iter().map(cost).sum()
    }
}

impl Part {
    #[inline(always)]
    fn apply<V: Lane>(&self, v: &[Complex8], out: &mut [Complex8]) {
        match self {
            Part::Diagonal(values) => {
                for ((out, v), z) in out.iter_mut().zip(v).zip(values) {
                    for part in V::parts() {
                        let z = Complex { re: V::splat(z.re), im: V::splat(z.im) };
                        z.times(Complex::load(v, part)).store(out, part);
                    }
                }
            }
            Part::Factor { matrix, stride } => {
                for first in (0..v.len()).step_by(matrix.dim() * stride) {
                    for offset in 0..*stride {
                        matrix.apply::<V>(v, out, first + offset, *stride);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Isa, Kernel, LANES};

    /// A driven, damped Kerr oscillator: not normal, not real.
    fn kerr(dim: usize) -> Operator {
        let a = Operator::destroy(dim);
        let n = &a.dag() * &a;
        let drive = (&a + &a.dag()).scale(Complex64::new(0.0, -3.0));
        &(&n.scale(Complex64::new(-0.7, 1.3)) + &(&n * &n).scale(Complex64::new(0.0, -0.4))) + &drive
    }

    #[test]
    fn a_spin_turns_as_its_formula_says() {
        // exp(tau (-i w/2 sigma_x - g)) = e^{-g tau} ( cos(w tau/2) - i sin(w tau/2) sigma_x ), through six squarings.
        let (w, g, tau) = (80.0, 0.25, 0.9);
        let sm = Operator::spin_minus(2);
        let a = (&sm + &sm.dag()).scale(Complex64::new(0.0, -0.5 * w)).shifted((-g).into());
        let found = exponential(&a, tau);
        let (sin, cos) = libm::sincos(0.5 * w * tau);
        let damping = libm::exp(-g * tau);
        for (i, z) in found.iter().enumerate() {
            let exact = damping * if i % 3 == 0 { cos.into() } else { Complex64::new(0.0, -sin) };
            assert!((z - exact).norm() < 1e-13, "element {i}: {z}, exact {exact}");
        }
    }

    /// Elements of e^{0.31 K} of the Kerr oscillator with 12 states, by mpmath 1.3 with 60 digits.
    #[allow(clippy::excessive_precision, reason = "as they were computed")]
    const ELEMENTS: [(usize, usize, f64, f64); 5] = [
        (0, 0, 0.67001558122710827, -0.025737342776258482),
        (5, 3, -0.16528146717520917, 0.053804671258437687),
        (11, 11, 0.015216546315090152, -0.037034635163924715),
        (0, 11, 4.4213693122875421e-6, -9.1453582662614452e-6),
        (9, 2, 0.0063092224380618444, -0.0023372421578357732),
    ];

    #[test]
    fn a_matrix_that_is_not_normal_has_the_exponential_of_arbitrary_precision() {
        let found = exponential(&kerr(12), 0.31);
        for (row, col, re, im) in ELEMENTS {
            let (z, exact) = (found[row * 12 + col], Complex64::new(re, im));
            assert!((z - exact).norm() < 1e-14, "({row}, {col}): {z}, exact {exact}");
        }
    }

    struct Apply<'a>(&'a Exponential, &'a Batch, &'a mut Batch);

    impl Kernel for Apply<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lane, const ROWS: usize>(self) {
            let mut scratch = self.2.clone();
            self.0.apply::<V>(self.1, &mut scratch, self.2);
        }
    }

    /// Kets of all lanes after `exponential`, the same from every set of instructions.
    fn applied(exponential: &Exponential, kets: &[Vec<Complex64>]) -> Vec<Vec<Complex64>> {
        let mut v = Batch::zeros(kets[0].len(), 2);
        kets.iter().enumerate().for_each(|(lane, ket)| v.set_ket(lane, ket));
        let mut first = None;
        for isa in Isa::available() {
            let mut out = Batch::zeros(v.dim(), 3);
            isa.run(Apply(exponential, &v, &mut out));
            let found: Vec<_> = (0..LANES).map(|lane| out.ket(lane)).collect();
            assert_eq!(*first.get_or_insert(found.clone()), found, "{} gives other bits", isa.name());
        }
        first.expect("there is a set of instructions")
    }

    fn kets(dim: usize) -> Vec<Vec<Complex64>> {
        let amplitude = |i: usize, lane: usize| {
            Complex64::new(libm::sin((3 * i + lane) as f64), libm::cos((i * i + 2 * lane) as f64)) / (dim as f64).sqrt()
        };
        (0..LANES).map(|lane| (0..dim).map(|i| amplitude(i, lane)).collect()).collect()
    }

    /// What is left out of a row sums to at most 2^-44, of amplitudes below 1; of products of three matrices three times that.
    #[test]
    fn a_batch_gets_the_matrix_or_its_factors() {
        for dim in [2, 5, 12, 50] {
            let (k, tau) = (kerr(dim), 0.002);
            let whole = Exponential::whole(&k, tau);
            let matrix = exponential(&k, tau);
            for (ket, found) in kets(dim).iter().zip(applied(&whole, &kets(dim))) {
                for (row, z) in found.iter().enumerate() {
                    let exact: Complex64 = matrix[row * dim..].iter().zip(ket).map(|(x, y)| x * y).sum();
                    assert!((z - exact).norm() < 6e-14, "dim {dim}, row {row}: {z}, {exact}");
                }
            }
        }
        let factors = [kerr(4), Operator::zero(2), Operator::spin_minus(3), kerr(5)];
        let tau = 0.05;
        let one = Operator::identity;
        let alone: Vec<Operator> =
            vec![factors[0].kron(&one(30)), one(8).kron(&factors[2]).kron(&one(5)), one(24).kron(&factors[3])];
        let sum = &(&alone[0] + &alone[1]) + &alone[2];
        let (local, whole) = (Exponential::local(&factors, tau), Exponential::whole(&sum, tau));
        for count in 1..=4 {
            let (some, dim) = (&factors[4 - count..], factors[4 - count..].iter().map(Operator::dim).product());
            applied(&Exponential::local(some, tau), &kets(dim));
        }
        for (a, b) in applied(&local, &kets(120)).iter().flatten().zip(applied(&whole, &kets(120)).iter().flatten()) {
            assert!((a - b).norm() < 3e-13, "{a} {b}");
        }
        let diagonal = Operator::from_elements(6, (0..6).map(|i| ((i, i), Complex64::new(-0.3 * i as f64, i as f64))));
        let (a, b) = (Exponential::diagonal(&diagonal, 0.7), Exponential::whole(&diagonal, 0.7));
        for (a, b) in applied(&a, &kets(6)).iter().flatten().zip(applied(&b, &kets(6)).iter().flatten()) {
            assert!((a - b).norm() < 1e-14, "{a} {b}");
        }
    }

    #[test]
    fn a_short_step_needs_a_band_and_a_real_matrix_half_the_work() {
        let (dim, a) = (50, Operator::destroy(50));
        let drive = &a - &a.dag();
        let short = Exponential::whole(&drive, 0.01);
        let turned = Exponential::whole(&drive.scale(Complex64::I), 0.01);
        assert!(short.vector_operations(dim) < 2 * dim * dim / 2, "{}", short.vector_operations(dim));
        assert_eq!(2 * short.vector_operations(dim), turned.vector_operations(dim));
    }
}
