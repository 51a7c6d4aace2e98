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
//!
//! A drive adds f(t) (-i A) to K. A Lindblad f(t) L contributes |f(t)|^2 times what L would, its shift
//! included, and its noise f(t) L dxi. Noises are numbered as the channels here: first the Lindblads
//! that neither depend on time nor are linked, then the modulated ones, then the two linked ones.

mod link;
mod record;

pub use link::{Feed, Linked, Member, Source};
pub use record::Output;

use crate::model::{Model, Operator, TimeFunction};
use num_complex::Complex64;

/// In which sense the noise terms are read; the two differ where a noise and its conjugate both act,
/// which is the link only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calculus {
    /// The equation as it stands.
    Ito,
    /// What a method integrates that freezes the noise over a step.
    Stratonovich,
}

/// The terms of the equation, ready for the kernel.
#[derive(Debug, Clone)]
pub struct Unravelling {
    /// In which sense the terms are meant.
    pub calculus: Calculus,
    /// The part of K = -iH - 1/2 sum L^dag L, in the gauge used, that stays as it is.
    pub drift: Operator,
    /// L_k in the gauge used, without its factor of time; one complex noise each.
    pub channels: Vec<Operator>,
    /// Constants taken out: L_k as written is `channels[k] + constants[k]`, times its factor of time.
    pub constants: Vec<Complex64>,
    /// Which Lindblad operator of the model a channel is.
    pub lindblads: Vec<usize>,
    /// How many channels, from the first, neither depend on time nor are linked.
    pub plain: usize,
    /// The part of sum_k L_k^dag L_k that stays as it is; the mean of the whole is `Gamma = -2 Re<K>`.
    pub rate: Operator,
    /// The coefficients f_i(t).
    pub functions: Vec<TimeFunction>,
    /// K(t) = drift + sum of these.
    pub terms: Vec<Term>,
    /// The channels from `plain` on that depend on time.
    pub modulated: Vec<Modulated>,
    /// The last two channels, if they are linked.
    pub link: Option<Linked>,
}

/// A part of K that depends on time: f_i(t) or |f_i(t)|^2 times an operator.
#[derive(Debug, Clone)]
pub struct Term {
    /// The operator.
    pub operator: Operator,
    /// i.
    pub function: usize,
    /// Whether |f|^2 is meant.
    pub squared: bool,
}

/// A channel f_i(t) L.
#[derive(Debug, Clone)]
pub struct Modulated {
    /// Number of the channel.
    pub channel: usize,
    /// i.
    pub function: usize,
    /// L^dag L, which enters the rate with |f_i|^2.
    pub rate: Operator,
}

impl Term {
    /// Its coefficient, from the values of the functions.
    #[inline(always)]
    pub fn coefficient(&self, values: &[Complex64]) -> Complex64 {
        let f = values[self.function];
        if self.squared { f.norm_sqr().into() } else { f }
    }
}

impl Unravelling {
    /// Quantum state diffusion of a model in Ito's sense; `keep_constants` leaves L as written (the SLH gauge).
    pub fn qsd(model: &Model, keep_constants: bool) -> Self {
        Self::of(model, keep_constants, Calculus::Ito)
    }

    /// Quantum state diffusion of a model.
    pub fn of(model: &Model, keep_constants: bool, calculus: Calculus) -> Self {
        let dynamics = &model.dynamics;
        let factor = |k: usize| dynamics.modulations.iter().position(|m| m.lindblad == k);
        let linked: Vec<usize> = dynamics.link.iter().flat_map(|link| [link.first, link.second]).collect();
        let all = 0..model.lindblads.len();
        let plain: Vec<usize> = all.clone().filter(|k| factor(*k).is_none() && !linked.contains(k)).collect();
        let modulated: Vec<usize> = all.filter(|k| factor(*k).is_some()).collect();

        let dim = model.space.dim();
        let (mut h, mut rate) = (model.hamiltonian.clone(), Operator::zero(dim));
        let mut out = Unravelling {
            calculus,
            drift: Operator::zero(dim),
            channels: vec![],
            constants: vec![],
            lindblads: plain.iter().chain(&modulated).chain(&linked).copied().collect(),
            plain: plain.len(),
            rate: Operator::zero(dim),
            functions: dynamics.functions().cloned().collect(),
            terms: vec![],
            modulated: vec![],
            link: None,
        };
        for (function, drive) in dynamics.drives.iter().enumerate() {
            let operator = drive.operator.scale(-Complex64::I);
            out.terms.push(Term { operator, function, squared: false });
        }
        for &k in plain.iter().chain(&linked) {
            let (l, constant, shift) = without_constant(&model.lindblads[k], keep_constants);
            if let Some(shift) = shift {
                h = &h + &shift;
            }
            rate = &rate + &(&l.dag() * &l);
            out.channels.push(l);
            out.constants.push(constant);
        }
        let after = out.channels.split_off(out.plain);
        let constants_after = out.constants.split_off(out.plain);
        for k in modulated {
            let (l, constant, shift) = without_constant(&model.lindblads[k], keep_constants);
            let function = dynamics.drives.len() + factor(k).expect("a modulated Lindblad");
            let rate = &l.dag() * &l;
            let damping = rate.scale(-0.5);
            let operator = shift.map_or_else(|| damping.clone(), |h| &damping - &h.scale(Complex64::I));
            out.terms.push(Term { operator, function, squared: true });
            out.modulated.push(Modulated { channel: out.channels.len(), function, rate });
            out.channels.push(l);
            out.constants.push(constant);
        }
        out.channels.extend(after);
        out.constants.extend(constants_after);
        out.drift = &h.scale(-Complex64::I) - &rate.scale(0.5);
        out.rate = rate;
        if let Some(link) = &dynamics.link {
            link::add(&mut out, link);
        }
        out
    }

    /// Values of the functions at time `t` on the piece that holds at `inside`.
    #[inline]
    pub fn values_on(&self, t: f64, inside: f64, values: &mut [Complex64]) {
        for (value, function) in values.iter_mut().zip(&self.functions) {
            *value = function.value_on(t, inside);
        }
    }

    /// Values of the functions at time `t`.
    pub fn values(&self, t: f64) -> Vec<Complex64> {
        self.functions.iter().map(|function| function.value(t)).collect()
    }

    /// K(t) for given values of the functions.
    pub fn drift_with(&self, values: &[Complex64]) -> Operator {
        self.terms.iter().fold(self.drift.clone(), |k, term| &k + &term.operator.scale(term.coefficient(values)))
    }
}

/// L without its constant, the constant, and what the shift adds to H if there is one.
fn without_constant(l: &Operator, keep: bool) -> (Operator, Complex64, Option<Operator>) {
    let constant = if keep { Complex64::ZERO } else { l.constant_part() };
    if constant == Complex64::ZERO {
        return (l.clone(), constant, None);
    }
    // L -> L + c with c = -constant; (conj(c) L - c L^dag)/(2i) = Im(conj(c) L).
    (l.shifted(-constant), constant, Some(l.scale(-constant.conj()).im()))
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

    const FACTOR: Complex64 = Complex64::new(0.3, -0.7);

    fn always(z: Complex64) -> TimeFunction {
        TimeFunction::pulses(&[(0.0, 9.0, z)]).expect("a pulse")
    }

    /// A Kerr cavity whose first Lindblad has a factor of time, and whose drive has one, too.
    pub fn modulated_kerr() -> Model {
        use crate::model::{Drive, Modulation};
        let choices = Choices { nfock_a: Some(5), ..Choices::default() };
        let mut model = build(&parse("kerr_bistable").expect("known"), &choices).expect("valid");
        let x = &model.space.destroy(0) + &model.space.destroy(0).dag();
        model.dynamics.modulations = vec![Modulation { lindblad: 0, coefficient: always(FACTOR) }];
        model.dynamics.drives = vec![Drive { operator: x, coefficient: always(1.3.into()) }];
        model
    }

    #[test]
    fn a_modulated_lindblad_is_at_every_time_the_lindblad_it_is_then() {
        let model = modulated_kerr();
        let mut frozen = model.clone();
        frozen.dynamics = Default::default();
        frozen.lindblads[0] = frozen.lindblads[0].scale(FACTOR);
        frozen.hamiltonian = &frozen.hamiltonian + &model.dynamics.drives[0].operator.scale(1.3);
        for keep in [false, true] {
            let (u, v) = (Unravelling::qsd(&model, keep), Unravelling::qsd(&frozen, keep));
            let off = &u.drift_with(&u.values(1.0)) - &v.drift;
            assert!(off.elements().all(|(_, z)| z.norm() < 1e-12), "gauge slh: {keep}");
            assert_eq!((u.plain, u.modulated[0].channel), (1, 1), "the steady channel comes first");
            assert!((u.constants[1] * FACTOR - v.constants[0]).norm() < 1e-12);
        }
    }
}
