//! Which stochastic equation: drift and noise terms as operators with coefficients.
//!
//! Quantum state diffusion (heterodyne), Ito form, hbar = 1 (N. Gisin and I. C. Percival,
//! J. Phys. A 25, 5677 (1992)):
//!
//! ```text
//! d|psi> = [ K + sum_k ( conj(l_k) L_k - 1/2 |l_k|^2 ) ] |psi> dt + sum_k ( L_k - l_k ) |psi> dxi_k
//! K = -iH - 1/2 sum_k L_k^dag L_k ,   l_k = <psi|L_k|psi> ,
//! E[dxi] = E[dxi^2] = 0 ,   E[|dxi|^2] = dt
//! ```
//!
//! The shift L -> L + c, H -> H + (conj(c) L - c L^dag)/(2i) leaves every trajectory unchanged up to
//! a phase, but not the error of an integrator; `Unravelling::qsd` takes the constants of L out unless
//! asked not to.

use crate::model::{Model, Operator};
use num_complex::Complex64;

/// The terms of the equation, ready for the kernel.
#[derive(Debug, Clone)]
pub struct Unravelling {
    /// K = -iH - 1/2 sum L^dag L in the gauge used.
    pub drift: Operator,
    /// L_k in the gauge used; one complex noise each.
    pub channels: Vec<Operator>,
    /// Constants taken out: L_k as written is `channels[k] + constants[k]`.
    pub constants: Vec<Complex64>,
    /// sum_k L_k^dag L_k in the gauge used; its mean is the rate `Gamma = -2 Re<K>`.
    pub rate: Operator,
}

impl Unravelling {
    /// Quantum state diffusion of a model; `keep_constants` leaves L as written (the SLH gauge).
    pub fn qsd(model: &Model, keep_constants: bool) -> Self {
        let dim = model.space.dim();
        let (mut h, mut channels, mut constants) = (model.hamiltonian.clone(), vec![], vec![]);
        for l in &model.lindblads {
            let constant = if keep_constants { Complex64::ZERO } else { l.constant_part() };
            if constant == Complex64::ZERO {
                channels.push(l.clone());
            } else {
                // L -> L + c with c = -constant; (conj(c) L - c L^dag)/(2i) = Im(conj(c) L).
                h = &h + &l.scale(-constant.conj()).im();
                channels.push(l.shifted(-constant));
            }
            constants.push(constant);
        }
        let mut rate = Operator::zero(dim);
        for l in &channels {
            rate = &rate + &(&l.dag() * l);
        }
        let drift = &h.scale(-Complex64::I) - &rate.scale(0.5);
        Unravelling { drift, channels, constants, rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::library::{Choices, build, parse};

    /// The change of |psi><psi| over dt without noise, and the noise term, for L as written:
    /// both must be the same in every gauge.
    fn drift_of_projector(u: &Unravelling, psi: &[Complex64]) -> Vec<Complex64> {
        let mut d = u.drift.apply(psi);
        for l in &u.channels {
            let mean = l.expect(psi);
            for ((d, lpsi), x) in d.iter_mut().zip(l.apply(psi)).zip(psi) {
                *d += mean.conj() * lpsi - 0.5 * mean.norm_sqr() * x;
            }
        }
        (0..psi.len())
            .flat_map(|i| (0..psi.len()).map(move |j| (i, j)))
            .map(|(i, j)| d[i] * psi[j].conj() + psi[i] * d[j].conj())
            .collect()
    }

    #[test]
    fn the_drift_of_the_projector_does_not_depend_on_the_gauge() {
        let choices = Choices { nfock_a: Some(6), ..Choices::default() };
        let model = build(&parse("kerr_bistable").expect("known"), &choices).expect("valid");
        let raw: Vec<_> = (0..6).map(|i| Complex64::new(1.0 / (i + 1) as f64, 0.3 * i as f64 - 0.4)).collect();
        let norm = raw.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
        let psi: Vec<_> = raw.iter().map(|x| x / norm).collect();
        let (removed, slh) = (Unravelling::qsd(&model, false), Unravelling::qsd(&model, true));
        assert_eq!(removed.constants[0], (-21.75).into());
        assert_eq!(slh.constants[0], Complex64::ZERO);
        let (a, b) = (drift_of_projector(&removed, &psi), drift_of_projector(&slh, &psi));
        let scale = b.iter().map(|x| x.norm()).fold(0.0, f64::max);
        for (x, y) in a.iter().zip(&b) {
            assert!((x - y).norm() < 1e-12 * scale, "{x} {y}");
        }
    }

    #[test]
    fn the_rate_is_minus_twice_the_real_part_of_the_drift() {
        let model = build(&parse("absorptive_bistable").expect("known"), &Choices::default()).expect("valid");
        let u = Unravelling::qsd(&model, false);
        let psi = &model.initial;
        assert!((u.rate.expect(psi).re + 2.0 * u.drift.expect(psi).re).abs() < 1e-12);
        assert!((u.rate.expect(psi).re - 2.0).abs() < 1e-12, "vacuum, excited: gamma = 2 only");
    }
}
