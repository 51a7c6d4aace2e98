//! The partially coherent link: part of the light that leaves a first system reaches a second one, the
//! rest is measured and the amplified record drives it.
//!
//! A beam splitter of amplitude reflectivity R divides the output L1 of the first system. What is
//! transmitted, with amplitude T, feeds the port L2 of the second; what is reflected is detected, and
//! the record, with noise n, drives the same port with gain e. Without filter and with n = 1 it is the
//! master equation with H = H1 + H2 + Im((T + e R) L2^dag L1) and the Lindblads T L1 + L2,
//! R L1 + conj(e) L2, e L2^dag; R = 0 and e = 0 is the cascade of Gough and James.

use super::ModelError;
use num_complex::Complex64;

/// How far a modulus that must be 1 may be from it: a phase typed with twelve digits.
const UNIT: f64 = 1e-11;

/// A link between two ports of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Link {
    /// Number of L1 in `Model::lindblads`.
    pub first: usize,
    /// Number of L2 in `Model::lindblads`.
    pub second: usize,
    /// Amplitude reflectivity R.
    pub reflection: f64,
    /// Transmitted amplitude T, |T|^2 = 1 - R^2.
    pub transmission: Complex64,
    /// Amplification e of the measured signal.
    pub feedback: Complex64,
    /// Scale n of the noise of the measured signal; 1 for a real detector.
    pub noise: f64,
    /// Time constant of the low-pass filter on the signal; 0 for none.
    pub filter_time: f64,
    /// Whether the Ito correction is there. Without it the equation is that of the original programs,
    /// which is not the physical one where `feedback` is not 0.
    pub correction: bool,
}

impl Link {
    /// A link from Lindblad `first` to Lindblad `second` with reflectivity R, amplification eps and a
    /// phase factor on the way; a real detector, no filter.
    ///
    /// # Errors
    /// R outside 0 to 1, a phase factor whose modulus is not 1, numbers that are not finite.
    pub fn new(first: usize, second: usize, reflection: f64, eps: f64, phase: Complex64) -> Result<Self, ModelError> {
        let bad = |name: &str, value, rule| Err(ModelError::BadParameter { name: name.into(), value, rule });
        if !(0.0..=1.0).contains(&reflection) {
            return bad("R", reflection, "an amplitude reflectivity lies between 0 and 1");
        }
        if !eps.is_finite() {
            return bad("eps", eps, "it must be a finite number");
        }
        let modulus = phase.norm_sqr().sqrt();
        if !modulus.is_finite() || (modulus - 1.0).abs() > UNIT {
            return bad("|trans_phase|", modulus, "a phase factor has modulus 1");
        }
        Ok(Link {
            first,
            second,
            reflection,
            transmission: phase * (1.0 - reflection * reflection).sqrt(),
            feedback: phase * eps,
            noise: 1.0,
            filter_time: 0.0,
            correction: true,
        })
    }

    /// Refuse numbers that no link can have.
    pub fn check(&self, lindblads: usize) -> Result<(), ModelError> {
        let bad = |name: &str, value, rule| Err(ModelError::BadParameter { name: name.into(), value, rule });
        if self.first >= lindblads || self.second >= lindblads || self.first == self.second {
            let value = self.first.max(self.second) as f64;
            return bad("link", value, "it joins two different Lindblad operators of the model, counted from 0");
        }
        let total = self.transmission.norm_sqr() + self.reflection * self.reflection;
        if !total.is_finite() || (total - 1.0).abs() > UNIT {
            return bad("|T|^2 + R^2", total, "a beam splitter without loss makes it 1");
        }
        if !self.feedback.is_finite() {
            return bad("eps", self.feedback.re, "it must be a finite number");
        }
        if !self.noise.is_finite() {
            return bad("noise_amp", self.noise, "it must be a finite number");
        }
        if !(self.filter_time.is_finite() && self.filter_time >= 0.0) {
            return bad("filter_time", self.filter_time, "it must be a time, 0 for no filter");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_no_beam_splitter_has_are_refused() {
        let text = |r, eps, phase: Complex64| Link::new(0, 1, r, eps, phase).expect_err("nonsense").to_string();
        assert!(text(1.1, 0.0, Complex64::ONE).starts_with("R = 1.1"));
        assert!(text(f64::NAN, 0.0, Complex64::ONE).starts_with("R = NaN"));
        assert!(text(0.5, f64::INFINITY, Complex64::ONE).starts_with("eps"));
        assert!(text(0.5, 0.0, 2.0.into()).contains("modulus 1"));
        let link = Link::new(0, 1, 0.6, 0.5, Complex64::new(0.6, 0.8)).expect("fine");
        assert!((link.transmission - Complex64::new(0.48, 0.64)).norm() < 1e-15);
        assert_eq!(link.feedback, Complex64::new(0.3, 0.4));
        assert_eq!(link.check(2), Ok(()));
        assert!(link.check(1).is_err(), "there is no Lindblad 1");
        assert!(Link { second: 0, ..link }.check(2).is_err(), "a port is not linked to itself");
        assert!(Link { transmission: 1.0.into(), ..link }.check(2).is_err());
        assert!(Link { filter_time: -1.0, ..link }.check(2).is_err());
        assert!(Link { noise: f64::NAN, ..link }.check(2).is_err());
    }
}
