//! The linear form of the equation, as methods use it that freeze the noise over a step.
//!
//! ```text
//! F(phi) = K phi + sum_k ( conj(<L_k>_phi) + z_k/h ) ( L_k - l_k ) phi - c phi
//! ```
//!
//! `<.>_phi` is divided by `<phi|phi>`; z_k is the noise of a stage, `l_k = <L_k>_psi` and c are frozen over the
//! step. They are c-numbers: any value integrates the same equation, a good one keeps the terms small. c is `<K>` of
//! the step before, read off the overlap of the first stage with the start of its step.

use super::engine::State;
use super::increments::{Filter, Increment, Step, add_terms};
use super::problem::Problem;
use super::record::Record;
use crate::kernel::{Coefficients, Complex8, Lanes, Overlaps};
use num_complex::Complex64;

/// F as coefficients of a pass, and the c-number it carries to the next step.
pub(super) struct LinearForm {
    pub coefficients: Coefficients,
    /// l_k at the start of the step.
    start_means: Vec<Complex8>,
    /// Means of all channels at a stage, where a coefficient needs those of others.
    stage_means: Vec<Complex8>,
    increments: Vec<Increment>,
    filter: Filter,
    /// `<K>` of the step before, times the longest step.
    centre: Complex8,
}

impl LinearForm {
    pub fn new(problem: &Problem) -> Self {
        let plan = &problem.plan;
        LinearForm {
            coefficients: Coefficients::new(plan),
            start_means: vec![Complex8::ZERO; plan.channels()],
            stage_means: vec![Complex8::ZERO; plan.channels()],
            increments: Vec::with_capacity(problem.couplings.len()),
            filter: Filter::NEW,
            centre: Complex8::ZERO,
        }
    }

    /// At the start of a trajectory.
    pub fn start(&mut self, problem: &Problem) {
        self.centre = Complex8::splat(problem.initial_drift() * problem.h);
    }

    /// What it carries from one step to the next.
    pub fn carried(&mut self) -> Vec<&mut Lanes> {
        vec![&mut self.centre.re, &mut self.centre.im]
    }

    /// At the start of a step of length h.
    #[inline(always)]
    pub fn begin(&mut self, problem: &Problem, h: f64, seen: &Overlaps) {
        if h != problem.h {
            self.centre = self.centre.times_real(Lanes::splat(h / problem.h));
        }
        let inverse = Lanes::splat(1.0).over(seen.norm);
        for (channel, mean) in self.start_means.iter_mut().enumerate() {
            *mean = problem.plan.expectation(channel, &seen.reduced, inverse);
        }
    }

    /// Coefficients of  identity + weight h F(phi), with the noise in `step.dxi`, the functions of time at `values`
    /// and what was seen of phi.
    #[inline(always)]
    pub fn set(
        &mut self,
        problem: &Problem,
        step: Step,
        values: &[Complex64],
        signal: Complex8,
        seen: &Overlaps,
        [identity, weight]: [f64; 2],
    ) {
        let (plan, Step { h, dxi, .. }) = (&problem.plan, step);
        let inverse = Lanes::splat(1.0).over(seen.norm);
        let g = weight * h;
        let Coefficients { s, g: of_drift, c, .. } = &mut self.coefficients;
        plan.start_coefficients(g, c);
        *of_drift = g;
        *s = self.centre.real_mul_add(Lanes::splat(-weight), Complex8 { re: Lanes::splat(identity), im: Lanes::ZERO });
        for (channel, dxi) in dxi[..problem.unravelling.plain].iter().enumerate() {
            let mean = plan.expectation(channel, &seen.reduced, inverse);
            let y = mean.conj().real_mul_add(Lanes::splat(h), *dxi).times_real(Lanes::splat(weight));
            *s = s.minus(y.mul_add(self.start_means[channel], Complex8::ZERO));
            plan.add_channel(channel, y, s, c);
        }
        if !problem.is_coupled() {
            return;
        }
        for (channel, mean) in self.stage_means.iter_mut().enumerate() {
            *mean = plan.expectation(channel, &seen.reduced, inverse);
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

    /// Add the means of a stage, over a time tau, to a record that is kept.
    #[inline(always)]
    pub fn record(&mut self, problem: &Problem, tau: f64, values: &[Complex64], seen: &Overlaps, record: &mut Record) {
        let inverse = Lanes::splat(1.0).over(seen.norm);
        for (channel, mean) in self.stage_means.iter_mut().enumerate() {
            *mean = problem.plan.expectation(channel, &seen.reduced, inverse);
        }
        record.add_means(problem, tau, values, &self.stage_means);
    }

    /// At the end of a step: `first` is the stage (1 + weight h F) psi, seen with its projection on psi, which was `seen`:
    /// `<psi|first>/<psi|psi>` = 1 + weight (h `<K>` - centre).
    #[inline(always)]
    pub fn end(&mut self, problem: &Problem, step: Step, first: &Overlaps, weight: f64, state: &mut State) {
        let one = Lanes::splat(1.0);
        let progress = first.projection.times_real(one.over(state.seen.norm));
        let change = Complex8 { re: progress.re.minus(one), im: progress.im };
        let centre = if weight == 1.0 { change } else { change.times_real(Lanes::splat(1.0 / weight)) };
        let centre = centre.plus(self.centre);
        self.centre = if step.h == problem.h { centre } else { centre.times_real(Lanes::splat(problem.h / step.h)) };
        if let Some(linked) = problem.filtered() {
            self.filter.advance(linked, step, self.start_means[linked.link.first], &mut state.signal);
        }
    }
}
