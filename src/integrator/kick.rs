//! A kick: noise over a time tau in an instant.
//!
//! With X_k = L_k - l_k and l_k = <L_k> of the normalised ket before the kick (a c-number: it changes the norm only, and keeps
//! the terms small), and u + u' = 1,
//!
//! ```text
//! p    = ( 1 + tau B + sum_k ( w_k + tau conj(l_k) ) X_k ) psi ,   l'_k = <L_k>_p
//! y_k  = w_k + tau conj( u l_k + u' l'_k )
//! psi' = exp( tau B + sum_k y_k X_k ) psi                                     if all L_k commute, else
//! psi' = exp( tau B/2 + tau u' sum_k conj(l'_k) X_k )  prod_k exp( w_k X_k )  exp( tau B/2 + tau u sum_k conj(l_k) X_k ) psi
//! ```
//!
//! The record y takes part of the drift from before the noise and part from after it. A step has the means l1 before the
//! first kick, l2 between the kicks (twice: after the first and before the second) and l3 after the second, and
//! takes c1 l1 + c2 l2 + c1 l3: u = 2 c1, u' = c2 in the first kick, the other way round in the second. Equal outer weights give weak order
//! 2; for these two numbers the noise in the drift has the integral of the Wiener path, which is strong order 3/2. (With
//! u = u' = 1/2 it is 1, with a small constant.)
//!
//! In the product the first kick of a step has the channels in ascending order, the second in descending: a step
//! reads the same in both directions of time, and what commutators do to the mean cancels in first order. S. Ninomiya
//! and N. Victoir, Appl. Math. Finance 15, 107 (2008), draw the direction by lot.
//!
//! Exponentials are Taylor polynomials of degree three, by Horner.

use super::problem::Problem;
use super::splitting::Splitting;
use crate::kernel::{Batch, Coefficients, Complex8, Lane, Lanes, Overlaps, Pass, Plan};

/// Degree of the Taylor polynomials. Two would make the error of single trajectories ten times as large.
const DEGREE: usize = 3;

/// Scratch of a kick.
pub(super) struct Kick {
    /// Exponent, and what of it a pass applies.
    exponent: Coefficients,
    scaled: Coefficients,
    predictor: Batch,
    predicted: Overlaps,
    work: [Batch; 2],
    unseen: Overlaps,
    /// l_k and l'_k of the latest kick.
    pub before: Vec<Complex8>,
    pub after: Vec<Complex8>,
    /// y_k.
    record: Vec<Complex8>,
}

/// The noise of a kick.
#[derive(Clone, Copy)]
pub(super) struct Impulse<'a> {
    pub tau: f64,
    /// w_k, E[|w_k|^2] = tau.
    pub noise: &'a [Complex8],
    /// u and u': how much of the drift is from before and from after it.
    pub weights: [f64; 2],
    /// Whether channels that do not commute come in descending order.
    pub descending: bool,
}

impl Kick {
    pub fn new(problem: &Problem, splitting: &Splitting) -> Self {
        let plan = &splitting.kick;
        let batch = || Batch::zeros(plan.dim(), plan.guard());
        let channels = vec![Complex8::ZERO; problem.plan.channels()];
        Kick {
            exponent: Coefficients::new(plan),
            scaled: Coefficients::new(plan),
            predictor: batch(),
            predicted: Overlaps::new(plan),
            work: [batch(), batch()],
            unseen: Overlaps::new(plan),
            before: channels.clone(),
            after: channels.clone(),
            record: channels,
        }
    }

    /// Kick `psi`, of which `seen` was seen. Gives the norm drift: the square of the predictor's change of |psi|^2, per unit of
    /// noise. With M the exponent that change is |M psi|^2, and the error of the Taylor polynomials begins with |M|^4/24, so
    /// the thresholds that fit the change in a step of Euler fit its square here.
    #[inline(always)]
    pub fn apply<V: Lane>(
        &mut self,
        splitting: &Splitting,
        Impulse { tau, noise, weights, descending }: Impulse,
        psi: &mut Batch,
        seen: &Overlaps,
    ) -> Lanes {
        let plan = &splitting.kick;
        means(plan, seen, &mut self.before);
        let euler = |k: usize| self.before[k].conj().real_mul_add(Lanes::splat(tau), noise[k]);
        set(plan, tau, &self.before, euler, &mut self.exponent);
        scale(&self.exponent, 1.0, 1.0, &mut self.scaled);
        let pass = Pass { plan, coefficients: &self.scaled, v: psi, u: None, acc: None };
        pass.sweep::<V, false, false, false, true>(&mut self.predictor, &mut self.predicted);
        means(plan, &self.predicted, &mut self.after);
        let [early, late] = weights.map(|u| Lanes::splat(u * tau));
        for (k, y) in self.record.iter_mut().enumerate() {
            *y = self.before[k].conj().real_mul_add(early, self.after[k].conj().real_mul_add(late, noise[k]));
        }

        // One exponential, or in turn: the drift from before, each channel, the drift from after.
        let channels = noise.len();
        let factors = if splitting.ordered { channels + 2 } else { 1 };
        for factor in 0..factors {
            let g = match (splitting.ordered, factor) {
                (false, _) => tau,
                (true, 0) => 0.5 * tau,
                (true, last) if last == factors - 1 => 0.5 * tau,
                (true, _) => 0.0,
            };
            let now = if descending { channels.wrapping_sub(factor) } else { factor.wrapping_sub(1) };
            let Kick { before, after, record, .. } = self;
            let y = |k: usize| match (splitting.ordered, factor) {
                (false, _) => record[k],
                (true, 0) => before[k].conj().times_real(early),
                (true, last) if last == factors - 1 => after[k].conj().times_real(late),
                (true, _) if k == now => noise[k],
                (true, _) => Complex8::ZERO,
            };
            set(plan, g, before, y, &mut self.exponent);
            self.exponential::<V>(plan, psi);
        }

        let one = Lanes::splat(1.0);
        let strength = noise.iter().fold(Lanes::ZERO, |sum, w| w.norm_add(sum)).scale(1.0 / tau);
        let change = self.predicted.norm.over(seen.norm).minus(one);
        change.times(change).over(strength.largest(one))
    }

    /// psi -> e^M psi with M the exponent: w = psi + M/3 psi, w = psi + M/2 w, psi' = psi + M w.
    #[inline(always)]
    fn exponential<V: Lane>(&mut self, plan: &Plan, psi: &mut Batch) {
        let Kick { exponent, scaled, work: [from, to], unseen, .. } = self;
        for m in (1..=DEGREE).rev() {
            scale(exponent, 0.0, 1.0 / m as f64, scaled);
            let v = if m == DEGREE { &*psi } else { &*from };
            let pass = Pass { plan, coefficients: scaled, v, u: Some((1.0, psi)), acc: None };
            pass.sweep::<V, true, false, false, false>(to, unseen);
            std::mem::swap(from, to);
        }
        std::mem::swap(psi, from);
    }
}

/// Set the exponent  g B + sum_k y_k ( L_k - mean_k ).
#[inline(always)]
fn set(plan: &Plan, g: f64, means: &[Complex8], y: impl Fn(usize) -> Complex8, exponent: &mut Coefficients) {
    let Coefficients { s, g: of_drift, c, .. } = exponent;
    plan.start_coefficients(g, c);
    (*s, *of_drift) = (Complex8::ZERO, g);
    for (k, mean) in means.iter().enumerate() {
        let y = y(k);
        *s = s.minus(y.mul_add(*mean, Complex8::ZERO));
        plan.add_channel(k, y, s, c);
    }
}

/// <L_k> of a ket of which the overlaps were seen.
#[inline(always)]
fn means(plan: &Plan, seen: &Overlaps, means: &mut [Complex8]) {
    let inverse = Lanes::splat(1.0).over(seen.norm);
    for (channel, mean) in means.iter_mut().enumerate() {
        *mean = plan.expectation(channel, &seen.reduced, inverse);
    }
}

/// identity + weight M.
#[inline(always)]
fn scale(m: &Coefficients, identity: f64, weight: f64, out: &mut Coefficients) {
    out.g = m.g * weight;
    let weight = Lanes::splat(weight);
    out.s = m.s.real_mul_add(weight, Complex8 { re: Lanes::splat(identity), im: Lanes::ZERO });
    for (out, c) in out.c.iter_mut().zip(&m.c) {
        *out = c.times_real(weight);
    }
}
