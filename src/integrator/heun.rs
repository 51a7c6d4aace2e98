//! Heun with frozen noise on the linear form of the equation.
//!
//! ```text
//! F(phi) = K phi + sum_k ( conj(<L_k>_phi) + dxi_k/h ) ( L_k - l_k ) phi - c phi
//! p = psi + h F(psi) ,   psi' = psi/2 + p/2 + h/2 F(p)
//! ```
//!
//! `<.>_phi` is divided by `<phi|phi>`; `l_k = <L_k>_psi` and c are frozen over the step. They are c-numbers:
//! any value integrates the same equation, a good one keeps the terms small. c is `<K>` of the step
//! before, read off the overlap `<psi|p>` that the predictor measures anyway. Ito and Stratonovich agree
//! here because E[dxi^2] = 0 and L phi is holomorphic in phi. Weak order 2, strong order 1: the
//! stochastic Heun method (Kloeden and Platen 1992, section 15.1) on d phi = K phi dt + L phi dy,
//! `dy = dxi + conj(<L>) dt` (N. Gisin and I. C. Percival, J. Phys. A 25, 5677 (1992)).

use super::MethodInfo;
use super::engine::{State, Stepper};
use super::increments::{Filter, Increment, Step, add_terms};
use super::problem::Problem;
use crate::input::Method;
use crate::kernel::{Batch, Coefficients, Complex8, Lane, Lanes, Overlaps, Pass};
use crate::unravelling::Calculus;
use num_complex::Complex64;

pub(super) const INFO: MethodInfo = MethodInfo {
    method: Method::Heun,
    name: "heun",
    weak_order: 2.0,
    strong_order: 1.0,
    tilt: false,
    largest_h_gamma: None,
    calculus: Calculus::Stratonovich,
    passes: 2,
    source: "stochastic Heun, Kloeden and Platen 1992, section 15.1, on the linear form",
};

/// Scratch of a step and the c-number it carries to the next.
pub(super) struct Heun {
    coefficients: Coefficients,
    predictor: Batch,
    predicted: Overlaps,
    out: Batch,
    seen: Overlaps,
    /// l_k at the start of the step.
    start_means: Vec<Complex8>,
    /// Means of all channels at a stage, where a coefficient needs those of others.
    stage_means: Vec<Complex8>,
    increments: Vec<Increment>,
    filter: Filter,
    /// `<K>` of the step before, times the longest step.
    centre: Complex8,
}

impl Stepper for Heun {
    fn new(problem: &Problem) -> Self {
        let plan = &problem.plan;
        Heun {
            coefficients: Coefficients::new(plan),
            predictor: Batch::zeros(plan.dim(), plan.guard()),
            predicted: Overlaps::new(plan),
            out: Batch::zeros(plan.dim(), plan.guard()),
            seen: Overlaps::new(plan),
            start_means: vec![Complex8::ZERO; plan.channels()],
            stage_means: vec![Complex8::ZERO; plan.channels()],
            increments: Vec::with_capacity(problem.couplings.len()),
            filter: Filter::NEW,
            centre: Complex8::ZERO,
        }
    }

    fn start(&mut self, problem: &Problem, _state: &State) {
        self.centre = Complex8::splat(problem.initial_drift() * problem.h);
    }

    fn carried(&mut self) -> Vec<&mut Lanes> {
        vec![&mut self.centre.re, &mut self.centre.im]
    }

    #[inline(always)]
    fn step<V: Lane, const ROWS: usize>(&mut self, problem: &Problem, step: Step, state: &mut State) {
        let (plan, Step { h, dxi, .. }) = (&problem.plan, step);
        let shorter = h != problem.h;
        if shorter {
            self.centre = self.centre.times_real(Lanes::splat(h / problem.h));
        }
        let signal = state.signal;
        let one = Lanes::splat(1.0);
        let inverse = one.over(state.seen.norm);
        for (channel, mean) in self.start_means.iter_mut().enumerate() {
            *mean = plan.expectation(channel, &state.seen.reduced, inverse);
        }

        // p = (1 + h F) psi, and <psi|p>/<psi|psi> = 1 + h<K> - centre.
        self.set_coefficients(problem, step, step.start, signal, &state.seen.reduced, inverse, [1.0, h, 1.0]);
        let pass = Pass { plan, coefficients: &self.coefficients, v: &state.psi, u: None, acc: None };
        pass.sweep::<V, ROWS, false, false, true>(&mut self.predictor, &mut self.predicted);
        let progress = self.predicted.projection.times_real(inverse);
        let next_centre = Complex8 { re: progress.re.minus(one), im: progress.im }.plus(self.centre);

        // psi' = psi/2 + (1/2 + h/2 F) p.
        let inverse = one.over(self.predicted.norm);
        let overlaps = std::mem::take(&mut self.predicted.reduced);
        self.set_coefficients(problem, step, step.end, signal, &overlaps, inverse, [0.5, 0.5 * h, 0.5]);
        self.predicted.reduced = overlaps;
        let u = Some((0.5, &state.psi));
        let pass = Pass { plan, coefficients: &self.coefficients, v: &self.predictor, u, acc: None };
        pass.sweep::<V, ROWS, true, false, false>(&mut self.out, &mut self.seen);

        if let Some(linked) = problem.filtered() {
            self.filter.advance(linked, step, self.start_means[linked.link.first], &mut state.signal);
        }
        self.centre = if shorter { next_centre.times_real(Lanes::splat(problem.h / h)) } else { next_centre };
        state.accept(&mut self.out, &mut self.seen, dxi, h);
    }
}

impl Heun {
    /// Coefficients of  identity + weight h F  with F's <L_k> taken from `overlaps`.
    #[inline(always)]
    #[allow(clippy::too_many_arguments, reason = "a stage is where, when, and how much of it")]
    fn set_coefficients(
        &mut self,
        problem: &Problem,
        step: Step,
        values: &[Complex64],
        signal: Complex8,
        overlaps: &[Complex8],
        inverse: Lanes,
        [identity, g, weight]: [f64; 3],
    ) {
        let (plan, Step { h, dxi, .. }) = (&problem.plan, step);
        let Coefficients { s, g: lanes, c } = &mut self.coefficients;
        plan.start_coefficients(g, c);
        *lanes = Lanes::splat(g);
        *s = self.centre.real_mul_add(Lanes::splat(-weight), Complex8 { re: Lanes::splat(identity), im: Lanes::ZERO });
        for (channel, dxi) in dxi[..problem.unravelling.plain].iter().enumerate() {
            let mean = plan.expectation(channel, overlaps, inverse);
            let y = mean.conj().real_mul_add(Lanes::splat(h), *dxi).times_real(Lanes::splat(weight));
            *s = s.minus(y.mul_add(self.start_means[channel], Complex8::ZERO));
            plan.add_channel(channel, y, s, c);
        }
        if !problem.is_coupled() {
            return;
        }
        for (channel, mean) in self.stage_means.iter_mut().enumerate() {
            *mean = plan.expectation(channel, overlaps, inverse);
        }
        add_terms(problem, values, g, s, c);
        let couplings = &problem.couplings;
        couplings.fill(step, values, &self.stage_means, signal, &mut self.increments);
        for Increment { member, noise, drift } in &self.increments {
            let y = noise.plus(*drift).times_real(Lanes::splat(weight));
            *s = s.minus(y.mul_add(couplings.mean(*member, &self.start_means), Complex8::ZERO));
            couplings.add(plan, *member, y, s, c);
        }
    }
}
