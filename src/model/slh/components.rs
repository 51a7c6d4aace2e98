//! Components every laboratory has. Ports are counted from 0.
//!
//! | component | S | L | H |
//! |---|---|---|---|
//! | beamsplitter | t, -conj(r); r, conj(t) | 0, 0 | 0 |
//! | phase shifter | exp(i phi) | 0 | 0 |
//! | loss | a beamsplitter with t = sqrt(eta) | 0, 0 | 0 |
//! | cavity | 1 | sqrt(kappa_k) a for each port | Delta a^dag a |
//! | two-level atom | 1 | sqrt(gamma_k) s_minus for each port | Delta s_plus s_minus |
//! | displacement | 1 | alpha | 0 |

use super::{Slh, SlhError};
use crate::model::Operator;
use ndarray::{Array2, arr2};
use num_complex::Complex64;

impl Slh {
    /// Ports that let light pass and do nothing else, in a space of `dim` states.
    pub fn pass(dim: usize, ports: usize) -> Slh {
        Slh::diagonal(1.0, vec![Operator::zero(dim); ports], Operator::zero(dim))
    }

    /// Beamsplitter by its angle: t = cos(theta), r = sin(theta).
    pub fn beamsplitter(dim: usize, theta: f64) -> Result<Slh, SlhError> {
        let turn = unit_phase("theta", theta)?;
        Self::beamsplitter_of(dim, turn.re.into(), turn.im.into())
    }

    /// Beamsplitter by its amplitudes: input 0 goes with t into output 0 and with r into output 1.
    /// |t|^2 + |r|^2 = 1.
    pub fn beamsplitter_of(dim: usize, t: Complex64, r: Complex64) -> Result<Slh, SlhError> {
        let s = arr2(&[[t, -r.conj()], [r, t.conj()]]);
        Slh::new(s, vec![Operator::zero(dim); 2], Operator::zero(dim))
    }

    /// Phase shifter: S = exp(i phi).
    pub fn phase_shifter(dim: usize, phi: f64) -> Result<Slh, SlhError> {
        let s = Array2::from_elem((1, 1), unit_phase("phi", phi)?);
        Slh::new(s, vec![Operator::zero(dim)], Operator::zero(dim))
    }

    /// Loss: the part `eta` of the power passes from port 0 to port 0, the rest leaves at output 1; input 1 is the
    /// vacuum that comes in instead.
    pub fn loss(dim: usize, eta: f64) -> Result<Slh, SlhError> {
        if !(0.0..=1.0).contains(&eta) {
            let rule = "the part of the power that passes lies between 0 and 1";
            return Err(SlhError::Parameter { name: "eta", value: eta, rule });
        }
        Self::beamsplitter_of(dim, eta.sqrt().into(), (1.0 - eta).sqrt().into())
    }

    /// Cavity with mode operator `a`, detuned by `detuning` from the light, one port a decay rate.
    pub fn cavity(a: &Operator, detuning: f64, rates: &[f64]) -> Result<Slh, SlhError> {
        decaying(a, ("Delta", detuning), ("kappa", rates))
    }

    /// Two-level atom with lowering operator `minus`, detuned by `detuning` from the light, one port a decay rate.
    pub fn two_level_atom(minus: &Operator, detuning: f64, rates: &[f64]) -> Result<Slh, SlhError> {
        decaying(minus, ("Delta", detuning), ("gamma", rates))
    }

    /// Adds a coherent amplitude to the light that passes: L = alpha.
    pub fn displacement(dim: usize, alpha: Complex64) -> Slh {
        Slh::diagonal(1.0, vec![Operator::identity(dim).scale(alpha)], Operator::zero(dim))
    }
}

/// S = 1, L_k = sqrt(rate_k) lower, H = detuning lower^dag lower.
fn decaying(
    lower: &Operator,
    (name, detuning): (&'static str, f64),
    (rate, rates): (&'static str, &[f64]),
) -> Result<Slh, SlhError> {
    if !detuning.is_finite() {
        return Err(SlhError::Parameter { name, value: detuning, rule: "it must be a finite number" });
    }
    if let Some(&value) = rates.iter().find(|rate| !(rate.is_finite() && **rate >= 0.0)) {
        return Err(SlhError::Parameter { name: rate, value, rule: "a rate is a finite number and not negative" });
    }
    let l = rates.iter().map(|rate| lower.scale(rate.sqrt())).collect();
    Ok(Slh::diagonal(1.0, l, (&lower.dag() * lower).scale(detuning)))
}

/// exp(i phi). A part that is only the rounding of pi is 0, so that half a turn is exactly -1.
fn unit_phase(name: &'static str, phi: f64) -> Result<Complex64, SlhError> {
    if !phi.is_finite() {
        return Err(SlhError::Parameter { name, value: phi, rule: "it must be a finite number" });
    }
    let rounding = f64::EPSILON * phi.abs().max(1.0);
    let part = |x: f64| if x.abs() <= rounding { 0.0 } else { x };
    Ok(Complex64::new(part(libm::cos(phi)), part(libm::sin(phi))))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{apart, assert_same};
    use super::*;
    use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

    #[test]
    fn beamsplitters_are_unitary_and_turn_back() {
        for theta in [0.0, 0.3, FRAC_PI_4, 2.0, -1.1] {
            let there = Slh::beamsplitter(2, theta).expect("an angle");
            assert!(there.unitary_deviation() < 1e-15);
            let back = Slh::beamsplitter(2, -theta).expect("an angle");
            assert_same(&back.fed_by(&there).expect("two ports"), &Slh::pass(2, 2));
        }
        let (t, r) = (Complex64::new(0.48, 0.36), Complex64::new(0.0, 0.8));
        assert!(Slh::beamsplitter_of(2, t, r).expect("|t|^2 + |r|^2 = 1").unitary_deviation() < 1e-15);
        let lossy = Slh::beamsplitter_of(2, t, 0.7.into()).expect_err("0.85");
        assert!(lossy.to_string().contains("differs from 1 by 1.50e-1"), "{lossy}");
    }

    #[test]
    fn quarter_turns_are_exact() {
        assert_eq!(Slh::phase_shifter(2, PI).expect("a phase").s[[0, 0]], Complex64::from(-1.0));
        assert_eq!(Slh::phase_shifter(2, -FRAC_PI_2).expect("a phase").s[[0, 0]], -Complex64::I);
        assert_eq!(Slh::beamsplitter(2, FRAC_PI_2).expect("an angle").s[[0, 0]], Complex64::ZERO);
        assert!(Slh::phase_shifter(2, f64::NAN).is_err());
    }

    #[test]
    fn losses_in_a_row_multiply() {
        let (one, two) = (Slh::loss(2, 0.8).expect("a loss"), Slh::loss(2, 0.5).expect("a loss"));
        let row = one.beside(&two).and_then(|g| g.with_feedback(0, 2)).expect("no loop");
        // Outputs: lost by one, passed by two, lost by two. Inputs: the signal, two vacua.
        let powers: Vec<f64> = (0..3).map(|output| row.s[[output, 0]].norm_sqr()).collect();
        for (power, expected) in powers.iter().zip([0.2, 0.4, 0.4]) {
            assert!((power - expected).abs() < 1e-15, "{powers:?}");
        }
        for eta in [-0.1, 1.1, f64::NAN] {
            assert!(Slh::loss(2, eta).expect_err("out of range").to_string().contains("between 0 and 1"));
        }
    }

    #[test]
    fn a_displacement_drives_the_cavity_behind_it() {
        let a = Operator::destroy(4);
        let cavity = Slh::cavity(&a, 0.5, &[2.0]).expect("a cavity");
        let alpha = Complex64::new(0.3, -0.2);
        let driven = cavity.fed_by(&Slh::displacement(4, alpha)).expect("one port each");
        assert_same(&driven, &cavity.coherent_input(0, alpha));
    }

    #[test]
    fn rates_and_detunings_are_checked_by_name() {
        let a = Operator::destroy(3);
        let refused = |made: Result<Slh, SlhError>| made.expect_err("out of range").to_string();
        assert!(refused(Slh::cavity(&a, 0.0, &[1.0, -0.5])).contains("kappa = -0.5: a rate"));
        assert!(refused(Slh::two_level_atom(&a, 0.0, &[f64::NAN])).contains("gamma = NaN: a rate"));
        assert!(refused(Slh::cavity(&a, f64::INFINITY, &[1.0])).contains("Delta = inf"));
    }

    /// A mode between two mirrors of power transmission kappa_k tau, tau the round trip: for tau -> 0 the two
    /// beamsplitters in a ring scatter like the cavity's response 1 - L^dag (i w + kappa/2)^-1 L of the Markov limit.
    #[test]
    fn a_ring_of_two_beamsplitters_is_a_cavity_in_the_markov_limit() {
        let (kappa, omega) = ([1.0, 3.0], 0.7);
        let ring = |tau: f64| {
            // Port 0 of each mirror faces the outside, port 1 the inside; light takes the phase omega tau in a round.
            let mirror = |kappa: f64| {
                let r = (kappa * tau).sqrt();
                Slh::beamsplitter_of(1, (1.0 - r * r).sqrt().into(), r.into()).expect("a mirror")
            };
            let delay = Slh::phase_shifter(1, -omega * tau).expect("a phase");
            let open = mirror(kappa[0]).beside(&mirror(kappa[1])).and_then(|g| g.beside(&delay)).expect("one space");
            // Output 1 of mirror one -> inside of mirror two -> delay -> inside of mirror one.
            // Outputs 0 1 2 3 4, inputs 0 1 2 3 4; then what is left of them.
            open.with_feedback(1, 3).and_then(|g| g.with_feedback(2, 3)).and_then(|g| g.with_feedback(2, 1))
        };
        let response = |j: usize, k: usize| {
            let through = Complex64::new((kappa[0] + kappa[1]) / 2.0, omega).inv() * (kappa[j] * kappa[k]).sqrt();
            Complex64::from(f64::from(u8::from(j == k))) - through
        };
        let error = |tau: f64| {
            let s = ring(tau).expect("an open loop").s;
            assert_eq!(s.dim(), (2, 2));
            (0..4).map(|i| (s[[i / 2, i % 2]].norm() - response(i / 2, i % 2).norm()).abs()).fold(0.0, f64::max)
        };
        assert!(error(1e-4) < 1e-3 && error(1e-5) < 0.2 * error(1e-4), "{:.1e} {:.1e}", error(1e-4), error(1e-5));
    }

    /// Output of the cavity -> beamsplitter input 1, beamsplitter output 1 -> phase phi -> cavity. With the loop
    /// amplitude z = t exp(i phi) the cavity decays at kappa (1 - t^2)/|1 - z|^2 and is detuned by kappa Im(z)/|1 - z|^2.
    #[test]
    fn feedback_through_a_beamsplitter_changes_the_linewidth_as_the_books_say() {
        let a = Operator::destroy(5);
        let kappa = 2.0;
        for (t, phi) in [(0.6, 0.0), (0.6, PI), (-0.28, 0.4), (0.9, 1.3)] {
            let splitter = Slh::beamsplitter_of(5, Complex64::from(t), f64::sqrt(1.0 - t * t).into()).expect("unitary");
            let phase = Slh::phase_shifter(5, phi).expect("a phase");
            let cavity = Slh::cavity(&a, 0.0, &[kappa]).expect("a cavity");
            let open = splitter.beside(&phase).and_then(|g| g.beside(&cavity)).expect("one space");
            // Splitter 1 -> phase (2), phase -> cavity (3), cavity -> splitter 1.
            let closed = open
                .with_feedback(1, 2)
                .and_then(|g| g.with_feedback(1, 2))
                .and_then(|g| g.with_feedback(1, 1))
                .expect("an open loop");
            assert_eq!(closed.ports(), 1);
            let z = Complex64::new(libm::cos(phi), libm::sin(phi)) * t;
            let open = (Complex64::ONE - z).norm_sqr();
            let decay = &closed.l[0].dag() * &closed.l[0];
            let number = &a.dag() * &a;
            assert!(apart(&decay, &number.scale(kappa * (1.0 - t * t) / open)) < 1e-12, "t = {t}, phi = {phi}");
            assert!(apart(&closed.h, &number.scale(kappa * z.im / open)) < 1e-12, "t = {t}, phi = {phi}");
        }
    }
}
