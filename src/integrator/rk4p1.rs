//! The classical Runge-Kutta method along a path made of parabolas.
//!
//! F is the linear form (`linear_form`). The noise of its stages is that of the parabola which has the increment
//! and the tilt P of the Wiener path over the step:
//!
//! ```text
//! z(s) = dxi + 3 P (2 s/h - 1)         at s = 0, h/2, h/2, h
//! p2 = psi + h/2 F(psi) ,   p3 = psi + h/2 F(p2) ,   p4 = psi + h F(p3)
//! psi' = ( -psi + p2 + 2 p3 + p4 )/3 + h/6 F(p4)
//! ```
//!
//! No parabola is nearer to the Wiener path (J. Foster, T. Lyons and H. Oberhauser, SIAM J. Numer. Anal. 58, 1393
//! (2020)), and where channels commute the error of single trajectories falls as h^{3/2} until an error of order h
//! shows, which is small: E|z|^2, integrated over a step, is less by h^2/15 along a parabola than along a Wiener path, and
//! the drift `<L>` sees it if the state has a third cumulant. So both orders are 1 in the strict sense.

use super::MethodInfo;
use super::engine::{State, Stepper};
use super::increments::Step;
use super::linear_form::LinearForm;
use super::problem::Problem;
use crate::input::Method;
use crate::kernel::{Batch, Complex8, Lane, Lanes, Overlaps, Pass};
use crate::unravelling::Calculus;

pub(super) const INFO: MethodInfo = MethodInfo {
    method: Method::Rk4p1,
    name: "rk4p1",
    weak_order: 1.0,
    strong_order: 1.0,
    tilt: true,
    constant: false,
    largest_h_gamma: None,
    calculus: Calculus::Stratonovich,
    passes: 4,
    source: "classical Runge-Kutta on the linear form, along the path of Foster, Lyons and Oberhauser, SIAM J. Numer. Anal. 58, 1393 (2020)",
};

/// Scratch of a step and the form it steps.
pub(super) struct Rk4p1 {
    form: LinearForm,
    /// z of a stage.
    noise: Vec<Complex8>,
    /// p2, later the sum that the last stage starts from; p3; p4.
    stages: [Batch; 3],
    out: Batch,
    /// What was seen of the first stage, and of the one at hand.
    first_seen: Overlaps,
    seen: Overlaps,
}

impl Stepper for Rk4p1 {
    const MIDDLE: bool = true;

    fn new(problem: &Problem) -> Self {
        let plan = &problem.plan;
        let batch = || Batch::zeros(plan.dim(), plan.guard());
        Rk4p1 {
            form: LinearForm::new(problem),
            noise: vec![Complex8::ZERO; plan.channels()],
            stages: [batch(), batch(), batch()],
            out: batch(),
            first_seen: Overlaps::new(plan),
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
        let (plan, psi, signal) = (&problem.plan, &state.psi, state.signal);
        let Rk4p1 { form, noise, stages, out, first_seen, seen } = self;
        form.begin(problem, step.h, &state.seen);

        set_noise(-1.0, step, noise);
        form.set(problem, Step { dxi: noise, ..step }, step.start, signal, &state.seen, [1.0, 0.5]);
        let pass = Pass { plan, coefficients: &form.coefficients, v: psi, u: None, acc: None };
        let [second, third, fourth] = stages;
        pass.sweep::<V, false, false, true, true>(second, first_seen);

        if state.record.is_kept() {
            state.record.add_noise(problem, step.dxi);
            form.record(problem, step.h / 6.0, step.start, &state.seen, &mut state.record);
        }

        for stage in 2..=4 {
            let (sign, values, weights) = match stage {
                2 => (0.0, step.middle, [0.0, 0.5]),
                3 => (0.0, step.middle, [0.0, 1.0]),
                _ => (1.0, step.end, [1.0 / 3.0, 1.0 / 6.0]),
            };
            set_noise(sign, step, noise);
            let last_seen = if stage == 2 { &*first_seen } else { &*seen };
            form.set(problem, Step { dxi: noise, ..step }, values, signal, last_seen, weights);
            if state.record.is_kept() {
                let share = if stage == 4 { 1.0 / 6.0 } else { 1.0 / 3.0 };
                form.record(problem, share * step.h, values, last_seen, &mut state.record);
            }
            if stage == 4 {
                // -psi + p2 + 2 p3, in the place of p2.
                for ((sum, third), psi) in second.rows_mut().iter_mut().zip(third.rows()).zip(psi.rows()) {
                    *sum = third.real_mul_add(Lanes::splat(2.0), sum.minus(*psi));
                }
            }
            let (v, u, to) = match stage {
                2 => (&*second, (1.0, psi), &mut *third),
                3 => (&*third, (1.0, psi), &mut *fourth),
                _ => (&*fourth, (1.0 / 3.0, &*second), &mut *out),
            };
            let pass = Pass { plan, coefficients: &form.coefficients, v, u: Some(u), acc: None };
            pass.sweep::<V, true, false, false, true>(to, seen);
        }

        form.end(problem, step, first_seen, 0.5, state);
        state.accept(out, seen, step.dxi, step.h);
    }
}

/// z at the beginning (-1), in the middle (0), or at the end (1) of a step.
#[inline(always)]
fn set_noise(place: f64, step: Step, noise: &mut [Complex8]) {
    for ((z, dxi), tilt) in noise.iter_mut().zip(step.dxi).zip(step.tilt) {
        *z = tilt.real_mul_add(Lanes::splat(3.0 * place), *dxi);
    }
}
