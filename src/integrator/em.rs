//! Euler-Maruyama, the method of the original script.
//!
//! ```text
//! psi' = psi + h ( K + sum_k conj(l_k) L_k - 1/2 |l_k|^2 ) psi + sum_k dxi_k ( L_k - l_k ) psi
//! ```
//!
//! with l_k = <psi|L_k|psi>/<psi|psi>, and what depends on time taken at the start of the step; one pass per step. Kloeden and Platen, Numerical Solution of
//! Stochastic Differential Equations (1992), eq. (10.2.4), then normalised.

use super::MethodInfo;
use super::engine::{State, Stepper};
use super::increments::{Filter, Increment, Step, add_terms};
use super::problem::Problem;
use crate::input::Method;
use crate::kernel::{Batch, Coefficients, Complex8, Lane, Lanes, Overlaps, Pass};
use crate::unravelling::Calculus;
use num_complex::Complex64;

pub(super) const INFO: MethodInfo = MethodInfo {
    method: Method::Em,
    name: "em",
    weak_order: 1.0,
    strong_order: 0.5,
    tilt: false,
    constant: false,
    largest_h_gamma: None,
    calculus: Calculus::Ito,
    passes: 1,
    source: "Kloeden and Platen 1992, eq. (10.2.4)",
};

/// Scratch of a step.
pub(super) struct Em {
    coefficients: Coefficients,
    out: Batch,
    seen: Overlaps,
    /// Means of all channels, where a coefficient needs those of others.
    means: Vec<Complex8>,
    increments: Vec<Increment>,
    filter: Filter,
}

impl Stepper for Em {
    fn new(problem: &Problem) -> Self {
        let plan = &problem.plan;
        Em {
            coefficients: Coefficients::new(plan),
            out: Batch::zeros(plan.dim(), plan.guard()),
            seen: Overlaps::new(plan),
            means: vec![Complex8::ZERO; plan.channels()],
            increments: Vec::with_capacity(problem.couplings.len()),
            filter: Filter::NEW,
        }
    }

    fn start(&mut self, _problem: &Problem, _state: &State) {}

    fn carried(&mut self) -> Vec<&mut Lanes> {
        vec![]
    }

    #[inline(always)]
    fn step<V: Lane>(&mut self, problem: &Problem, step: Step, state: &mut State) {
        let (plan, Step { h, dxi, .. }) = (&problem.plan, step);
        let inverse = Lanes::splat(1.0).over(state.seen.norm);
        let Coefficients { s, g, c, .. } = &mut self.coefficients;
        plan.start_coefficients(h, c);
        *g = h;
        *s = Complex8::splat(Complex64::ONE);
        for (channel, dxi) in dxi[..problem.unravelling.plain].iter().enumerate() {
            let l = plan.expectation(channel, &state.seen.reduced, inverse);
            let half = l.norm_add(Lanes::ZERO).scale(0.5 * h);
            let shift = l.mul_add(*dxi, Complex8 { re: half, im: Lanes::ZERO });
            *s = s.minus(shift);
            let y = l.conj().real_mul_add(Lanes::splat(h), *dxi);
            plan.add_channel(channel, y, s, c);
        }
        if problem.is_coupled() || state.record.is_kept() {
            for (channel, mean) in self.means.iter_mut().enumerate() {
                *mean = plan.expectation(channel, &state.seen.reduced, inverse);
            }
        }
        if state.record.is_kept() {
            state.record.add_noise(problem, dxi);
            state.record.add_means(problem, h, step.start, &self.means);
        }
        if problem.is_coupled() {
            add_terms(problem, step.start, h, s, c);
            let couplings = &problem.couplings;
            couplings.fill(step, step.start, &self.means, state.signal, &mut self.increments);
            for Increment { member, noise, drift } in &self.increments {
                // -x (noise + drift/2): the c-number that keeps the norm on average.
                let x = couplings.mean(*member, &self.means);
                *s = s.minus(x.mul_add(drift.real_mul_add(Lanes::splat(0.5), *noise), Complex8::ZERO));
                couplings.add(plan, *member, noise.plus(*drift), s, c);
            }
            if let Some(linked) = problem.filtered() {
                self.filter.advance(linked, step, self.means[linked.link.first], &mut state.signal);
            }
        }
        let pass = Pass { plan, coefficients: &self.coefficients, v: &state.psi, u: None, acc: None };
        pass.sweep::<V, false, false, false, true>(&mut self.out, &mut self.seen);
        state.accept(&mut self.out, &mut self.seen, dxi, h);
    }
}
