//! SABA2 for quantum state diffusion: exact flow of the constant part, noise in two kicks at the nodes of Gauss's quadrature.
//!
//! ```text
//! a_k = dxi_k/2 - sqrt(3)/2 P_k ,   b_k = dxi_k/2 + sqrt(3)/2 P_k           independent, E[|a|^2] = E[|b|^2] = h/2
//! psi' = e^{c1 h A}  Kick(h/2, b)  e^{c2 h A}  Kick(h/2, a)  e^{c1 h A}  psi ,   c1 = (3 - sqrt 3)/6 , c2 = 1/sqrt 3
//! ```
//!
//! P is the tilt of the noise, A what `splitting` takes out of K, the kick is in `kick`. Weak order 2; strong order 3/2 if
//! the L_k commute, 1/2 if not. The step is not limited by the frequencies in A but by the rate at which the ket is
//! observed: h Gamma <= 1/2 with Gamma = sum_k <L_k^dag L_k>. Beyond h Gamma = 1 it may go wrong
//! smoothly: A damps high Fock states and the kicks restore them, each in large strides.
//!
//! Symplectic integrator of J. Laskar and P. Robutel, Celest. Mech. Dyn. Astron. 80, 39 (2001), with noise in the place of
//! the perturbation; order 3/2 for commuting noise: J. Foster, G. dos Reis and C. Strange, arXiv 2210.17543.
//!
//! The last exponential of a step and the first of the next are one. Between steps the ket is therefore carried
//! as it is after the second kick, and what is measured is a copy with the outer exponential applied.

use super::MethodInfo;
use super::engine::{State, Stepper};
use super::increments::Step;
use super::kick::{Impulse, Kick};
use super::problem::Problem;
use super::splitting::{C1, C2};
use crate::input::Method;
use crate::kernel::{Batch, Complex8, Lane, Lanes, Overlaps, norm};
use crate::unravelling::Calculus;

pub(super) const INFO: MethodInfo = MethodInfo {
    method: Method::Saba,
    name: "saba",
    weak_order: 2.0,
    strong_order: 1.5,
    tilt: true,
    constant: true,
    largest_h_gamma: Some(0.5),
    calculus: Calculus::Ito,
    passes: 8,
    source: "SABA2 of Laskar and Robutel, Celest. Mech. Dyn. Astron. 80, 39 (2001), with noise as in Foster, dos Reis \
             and Strange, arXiv 2210.17543",
};

/// sqrt(3)/2.
const TILT: f64 = 0.866_025_403_784_438_6;

/// Scratch of a step, and the ket as it is to be seen.
pub(super) struct Saba {
    kick: Kick,
    /// w_k of a kick.
    noise: Vec<Complex8>,
    scratch: Batch,
    out: Batch,
    seen: Overlaps,
    shown: Batch,
    shown_norm: Lanes,
}

impl Stepper for Saba {
    fn new(problem: &Problem) -> Self {
        let plan = &problem.plan;
        let batch = || Batch::zeros(plan.dim(), plan.guard());
        Saba {
            kick: Kick::new(problem, problem.splitting()),
            noise: vec![Complex8::ZERO; plan.channels()],
            scratch: batch(),
            out: batch(),
            seen: Overlaps::new(plan),
            shown: batch(),
            shown_norm: Lanes::ZERO,
        }
    }

    fn start(&mut self, _problem: &Problem, _state: &State) {}

    fn carried(&mut self) -> Vec<&mut Lanes> {
        vec![]
    }

    #[inline(always)]
    fn step<V: Lane>(&mut self, problem: &Problem, step: Step, state: &mut State) {
        let splitting = problem.splitting();
        let Saba { kick, noise, scratch, out, seen, .. } = self;
        if state.record.is_kept() {
            state.record.add_noise(problem, step.dxi);
        }
        let first = if state.step == 0 { &splitting.outer } else { &splitting.joint };
        for (exponential, sign, weights) in [(first, -TILT, [2.0 * C1, C2]), (&splitting.inner, TILT, [C2, 2.0 * C1])] {
            exponential.apply::<V>(&state.psi, scratch, out);
            seen.survey::<V>(&problem.plan, out);
            state.take(out, seen);
            for ((w, dxi), tilt) in noise.iter_mut().zip(step.dxi).zip(step.tilt) {
                *w = tilt.real_mul_add(Lanes::splat(sign), dxi.times_real(Lanes::splat(0.5)));
            }
            let impulse = Impulse { tau: 0.5 * step.h, noise, weights, descending: sign > 0.0 };
            let drift = kick.apply::<V>(splitting, impulse, &mut state.psi, &state.seen);
            state.norm_drift = state.norm_drift.largest(drift);
            if state.record.is_kept() {
                // Nothing depends on time here.
                for (weight, means) in weights.iter().zip([&kick.before, &kick.after]) {
                    state.record.add_means(problem, weight * impulse.tau, &[], means);
                }
            }
        }
    }

    #[inline(always)]
    fn finish<V: Lane>(&mut self, problem: &Problem, state: &State) {
        if state.step == 0 {
            self.shown.rows_mut().copy_from_slice(state.psi.rows());
        } else {
            problem.splitting().outer.apply::<V>(&state.psi, &mut self.scratch, &mut self.shown);
        }
        self.shown_norm = norm::<V>(self.shown.rows());
    }

    fn shown<'a>(&'a self, _state: &'a State) -> (&'a Batch, Lanes) {
        (&self.shown, self.shown_norm)
    }
}
