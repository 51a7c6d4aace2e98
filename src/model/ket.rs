//! Initial kets.

use super::Operator;
use num_complex::Complex64;

/// Coherent state exp(alpha a^dag - conj(alpha) a)|0> in the truncated space of `dim` Fock states.
///
/// This is QuTiP's default definition: the displacement is exponentiated inside the truncated space,
/// so the ket has norm 1 and the amplitudes near the cutoff differ from the analytic ones.
pub fn coherent(dim: usize, alpha: Complex64) -> Vec<Complex64> {
    let a = Operator::destroy(dim);
    let displacement = &a.dag().scale(alpha) - &a.scale(alpha.conj());
    exp_multiply(&displacement, fock(dim, 0))
}

/// Fock (or spin basis) state number `n` of `dim`.
pub(super) fn fock(dim: usize, n: usize) -> Vec<Complex64> {
    let mut ket = vec![Complex64::ZERO; dim];
    ket[n] = Complex64::ONE;
    ket
}

/// Tensor product of kets, the first the slowest index.
pub fn tensor(factors: &[Vec<Complex64>]) -> Vec<Complex64> {
    factors.iter().fold(vec![Complex64::ONE], |product, ket| {
        product.iter().flat_map(|x| ket.iter().map(move |y| x * y)).collect()
    })
}

/// exp(A)|psi> by Taylor series in substeps of norm at most one: additions, products and IEEE
/// square roots only, so the bits do not depend on a mathematical library.
fn exp_multiply(a: &Operator, psi: Vec<Complex64>) -> Vec<Complex64> {
    let mut column_sums = vec![0.0; a.dim()];
    for ((_, col), value) in a.elements() {
        column_sums[col] += value.re.abs() + value.im.abs();
    }
    let norm = column_sums.iter().fold(0.0f64, |m, x| m.max(*x));
    let substeps = norm.ceil().max(1.0);
    let mut psi = psi;
    for _ in 0..substeps as usize {
        let (mut term, mut sum) = (psi.clone(), psi);
        for order in 1..=30 {
            term = a.apply(&term);
            let factor = 1.0 / (substeps * order as f64);
            for (s, t) in sum.iter_mut().zip(&mut term) {
                *t *= factor;
                *s += *t;
            }
        }
        psi = sum;
    }
    let norm: f64 = psi.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
    psi.iter().map(|x| x / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_coherent_state_has_the_analytic_amplitudes() {
        let alpha = Complex64::new(1.2, -0.7);
        let ket = coherent(60, alpha);
        let mut amplitude = Complex64::from(libm::exp(-0.5 * alpha.norm_sqr()));
        for (n, x) in ket.iter().take(20).enumerate() {
            assert!((x - amplitude).norm() < 1e-13, "amplitude {n}");
            amplitude *= alpha / ((n + 1) as f64).sqrt();
        }
    }

    #[test]
    fn a_truncated_coherent_state_is_the_one_of_qutip() {
        let ket = coherent(4, 0.5.into());
        let number: f64 = ket.iter().enumerate().map(|(n, x)| n as f64 * x.norm_sqr()).sum();
        // QuTiP 5.3.1: <n>(0.1) = 0.24374484 under pure decay at rate 0.25, so <n>(0) = 0.24374484 exp(0.025).
        assert!((number - 0.24374484 * libm::exp(0.025)).abs() < 5e-9, "{number}");
    }

    /// Those with more photons than levels are refused; of the others none is wrong with nothing in the top levels,
    /// where the guard of the truncation looks.
    #[test]
    fn a_coherent_state_that_is_cut_shows_in_the_top_two_levels() {
        for dim in [4, 10, 20, 40, 60] {
            for alpha in (1..).map(|i| 0.05 * f64::from(i)).take_while(|alpha| alpha * alpha < dim as f64) {
                let ket = coherent(dim, alpha.into());
                let top: f64 = ket[dim - 2..].iter().map(|x| x.norm_sqr()).sum();
                let number: f64 = ket.iter().enumerate().map(|(n, x)| n as f64 * x.norm_sqr()).sum();
                assert!(top > 1e-5 || (number / (alpha * alpha) - 1.0).abs() < 1e-3, "{alpha} in {dim}: {number}");
            }
        }
    }

    #[test]
    fn tensor_products_put_the_first_factor_slowest() {
        let product = tensor(&[fock(3, 2), fock(2, 1)]);
        assert_eq!(product.iter().position(|x| *x == Complex64::ONE), Some(5));
    }
}
