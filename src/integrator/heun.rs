//! Heun with frozen noise on the linear form of the equation (`linear_form`, z = dxi).
//!
//! ```text
//! p = psi + h F(psi) ,   psi' = psi/2 + p/2 + h/2 F(p)
//! ```
//!
//! Ito and Stratonovich agree here because E[dxi^2] = 0 and L phi is holomorphic in phi. Weak order 2, strong
//! order 1: the stochastic Heun method (Kloeden and Platen 1992, section 15.1) on d phi = K phi dt + L phi dy,
//! `dy = dxi + conj(<L>) dt` (N. Gisin and I. C. Percival, J. Phys. A 25, 5677 (1992)).

use super::MethodInfo;
use super::engine::{State, Stepper};
use super::increments::Step;
use super::linear_form::LinearForm;
use super::problem::Problem;
use crate::input::Method;
use crate::kernel::{Batch, Lane, Lanes, Overlaps, Pass};
use crate::unravelling::Calculus;

pub(super) const INFO: MethodInfo = MethodInfo {
    method: Method::Heun,
    name: "heun",
    weak_order: 2.0,
    strong_order: 1.0,
    tilt: false,
    constant: false,
    largest_h_gamma: None,
    calculus: Calculus::Stratonovich,
    passes: 2,
    source: "stochastic Heun, Kloeden and Platen 1992, section 15.1, on the linear form",
};

/// Scratch of a step and the form it steps.
pub(super) struct Heun {
    form: LinearForm,
    predictor: Batch,
    predicted: Overlaps,
    out: Batch,
    seen: Overlaps,
}

impl Stepper for Heun {
    fn new(problem: &Problem) -> Self {
        let plan = &problem.plan;
        Heun {
            form: LinearForm::new(problem),
            predictor: Batch::zeros(plan.dim(), plan.guard()),
            predicted: Overlaps::new(plan),
            out: Batch::zeros(plan.dim(), plan.guard()),
            seen: Overlaps::new(plan),
        }
    }

    fn start(&mut self, problem: &Problem, _state: &State) {
        self.form.start(problem);
    }

    fn carried(&mut self) -> Vec<&mut Lanes> {
        self.form.carried()
    }

    #[inline(always)]
    fn step<V: Lane>(&mut self, problem: &Problem, step: Step, state: &mut State) {
        let plan = &problem.plan;
        let Heun { form, predictor, predicted, out, seen } = self;
        form.begin(problem, step.h, &state.seen);

        // p = (1 + h F) psi.
        form.set(problem, step, step.start, state.signal, &state.seen, [1.0, 1.0]);
        let pass = Pass { plan, coefficients: &form.coefficients, v: &state.psi, u: None, acc: None };
        pass.sweep::<V, false, false, true, true>(predictor, predicted);

        if state.record.is_kept() {
            state.record.add_noise(problem, step.dxi);
            form.record(problem, 0.5 * step.h, step.start, &state.seen, &mut state.record);
            form.record(problem, 0.5 * step.h, step.end, predicted, &mut state.record);
        }

        // psi' = psi/2 + (1/2 + h/2 F) p.
        form.set(problem, step, step.end, state.signal, predicted, [0.5, 0.5]);
        let u = Some((0.5, &state.psi));
        let pass = Pass { plan, coefficients: &form.coefficients, v: predictor, u, acc: None };
        pass.sweep::<V, true, false, false, true>(out, seen);

        form.end(problem, step, predicted, 1.0, state);
        state.accept(out, seen, step.dxi, step.h);
    }
}
