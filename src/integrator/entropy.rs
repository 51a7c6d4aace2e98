//! Entanglement of one factor of a ket with the rest.
//!
//! ```text
//! rho = tr_rest |psi><psi| ,   S = -tr( rho ln rho ) = -sum_i p_i ln p_i
//! ```
//!
//! in nats. The reduced states of both sides have the same eigenvalues p_i, so the smaller one is taken. They come from cyclic Jacobi rotations of
//! the Hermitian matrix (G. H. Golub and C. F. Van Loan, Matrix Computations, section 8.5), in plain arithmetic and with `libm`, so
//! that the bits are those of every machine.

use crate::model::HilbertSpace;
use num_complex::Complex64;

/// Elements off the diagonal below this are left: they move an eigenvalue by their square over a gap, of a matrix of trace 1.
const NEGLIGIBLE: f64 = 1e-36;
/// Sweeps at most; convergence is quadratic, and takes six to ten.
const SWEEPS: usize = 50;

/// Where a factor is in the index of a ket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    slower: usize,
    dim: usize,
    faster: usize,
}

impl Cut {
    /// Around factor `m`.
    pub fn new(space: &HilbertSpace, m: usize) -> Self {
        let product = |factors: &[crate::model::Factor]| factors.iter().map(|f| f.dim).product();
        let (slower, faster) = (product(&space.factors[..m]), product(&space.factors[m + 1..]));
        Cut { slower, dim: space.factors[m].dim, faster }
    }

    /// The entropy of the factor in a normalised ket.
    pub fn entropy(&self, ket: &[Complex64]) -> f64 {
        let rest = self.slower * self.faster;
        let at = |n: usize, other: usize| {
            let (slow, fast) = (other / self.faster, other % self.faster);
            ket[(slow * self.dim + n) * self.faster + fast]
        };
        let rho = if self.dim <= rest {
            reduced(self.dim, rest, at)
        } else {
            reduced(rest, self.dim, |other, n| at(n, other))
        };
        let terms = eigenvalues(rho).into_iter().filter(|p| *p > 0.0).map(|p| -p * libm::log(p));
        // A product state has one eigenvalue, which is 1 up to rounding.
        terms.sum::<f64>().max(0.0)
    }
}

/// rho_ij = sum_k psi_ik conj(psi_jk), rows of a square matrix; Hermitian to the bit, as products commute.
fn reduced(size: usize, others: usize, psi: impl Fn(usize, usize) -> Complex64) -> Vec<Vec<Complex64>> {
    let element = |i: usize, j: usize| (0..others).map(|k| psi(i, k) * psi(j, k).conj()).sum();
    (0..size).map(|i| (0..size).map(|j| element(i, j)).collect()).collect()
}

/// Eigenvalues of a Hermitian matrix of trace 1, in no order.
fn eigenvalues(mut a: Vec<Vec<Complex64>>) -> Vec<f64> {
    let size = a.len();
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for p in 0..size {
            for q in p + 1..size {
                if a[p][q].norm_sqr() > NEGLIGIBLE {
                    rotate(&mut a, p, q);
                    rotated = true;
                }
            }
        }
        if !rotated {
            break;
        }
    }
    (0..size).map(|i| a[i][i].re).collect()
}

/// A rotation in the plane of p and q that makes a_pq vanish.
fn rotate(a: &mut [Vec<Complex64>], p: usize, q: usize) {
    let size = a[p][q].norm_sqr().sqrt();
    let phase = a[p][q] / size;
    let theta = (a[q][q].re - a[p][p].re) / (2.0 * size);
    let sign = if theta < 0.0 { -1.0 } else { 1.0 };
    let tangent = sign / (theta * sign + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    a[p][p].re -= tangent * size;
    a[q][q].re += tangent * size;
    (a[p][q], a[q][p]) = (Complex64::ZERO, Complex64::ZERO);
    for k in (0..a.len()).filter(|k| *k != p && *k != q) {
        // The phase of basis state q makes a_pq real.
        let (x, y) = (a[k][p], a[k][q] * phase.conj());
        a[k][p] = x * cosine - y * sine;
        a[k][q] = x * sine + y * cosine;
        (a[p][k], a[q][k]) = (a[k][p].conj(), a[k][q].conj());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Factor, HilbertSpace};

    fn space(dims: &[usize]) -> HilbertSpace {
        let factors = dims.iter().enumerate().map(|(m, dim)| Factor::levels(&format!("s{m}"), *dim)).collect();
        HilbertSpace::new(factors).expect("a space")
    }

    fn normalised(ket: Vec<Complex64>) -> Vec<Complex64> {
        let norm = ket.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        ket.into_iter().map(|z| z / norm).collect()
    }

    /// Amplitudes without a pattern.
    fn scattered(dim: usize) -> Vec<Complex64> {
        let x = |i: usize| ((i * 7919 + 13) % 101) as f64 / 50.0 - 1.0;
        normalised((0..dim).map(|i| Complex64::new(x(i), x(3 * i + 1))).collect())
    }

    #[test]
    fn two_qubits_have_the_entropy_of_their_schmidt_coefficients() {
        for (p, turn) in [(0.5, 0.0), (0.9, 0.3), (1.0, 1.1), (1e-9, 0.7)] {
            // Schmidt form, one qubit then turned: that is no matter of entanglement.
            let (c, s) = (libm::cos(turn), libm::sin(turn));
            let (a, b) = (f64::sqrt(p), f64::sqrt(1.0 - p));
            let ket: Vec<Complex64> =
                [a * c, -b * s, a * s, b * c].iter().map(|x| Complex64::from_polar(*x, 0.4)).collect();
            let h = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
            for m in 0..2 {
                let found = Cut::new(&space(&[2, 2]), m).entropy(&ket);
                assert!((found - h(p) - h(1.0 - p)).abs() < 1e-14, "p = {p}: {found}");
            }
        }
    }

    #[test]
    fn a_product_has_none_and_the_largest_is_the_logarithm_of_the_smaller_side() {
        let (dims, part) = ([3, 5, 2], scattered(5));
        let product: Vec<_> = scattered(3)
            .iter()
            .flat_map(|a| part.iter().map(move |b| a * b))
            .flat_map(|ab| scattered(2).into_iter().map(move |c| ab * c))
            .collect();
        let mixed: Vec<_> = (0..30).map(|i| f64::from(u8::from(i / 10 == i % 10 / 2)).into()).collect();
        let mixed = normalised(mixed);
        for m in 0..3 {
            assert!(Cut::new(&space(&dims), m).entropy(&product) < 1e-14);
        }
        assert!((Cut::new(&space(&dims), 0).entropy(&mixed) - 3f64.ln()).abs() < 1e-14);
    }

    /// The sums of powers of the eigenvalues are traces of powers of the matrix, and both sides of a cut agree.
    #[test]
    fn eigenvalues_have_the_moments_of_the_matrix() {
        let ket = scattered(9 * 20);
        let cut = Cut::new(&space(&[9, 20]), 0);
        let rho = reduced(9, 20, |n, k| ket[n * 20 + k]);
        let p = eigenvalues(rho.clone());
        let product = |a: &[Vec<Complex64>], b: &[Vec<Complex64>]| -> Vec<Vec<Complex64>> {
            (0..9).map(|i| (0..9).map(|j| (0..9).map(|k| a[i][k] * b[k][j]).sum()).collect()).collect()
        };
        let (square, trace) = (product(&rho, &rho), |a: &[Vec<Complex64>]| (0..9).map(|i| a[i][i].re).sum::<f64>());
        let cube = product(&square, &rho);
        for (power, matrix) in [(1, &rho), (2, &square), (3, &cube)] {
            let sum: f64 = p.iter().map(|p| p.powi(power)).sum();
            assert!((sum - trace(matrix)).abs() < 1e-14, "power {power}");
        }
        let other = Cut::new(&space(&[9, 20]), 1).entropy(&ket);
        assert!((cut.entropy(&ket) - other).abs() < 1e-13 && other > 1.0);
    }
}
