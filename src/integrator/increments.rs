//! Coefficients of a step beyond the plain ones: terms of K that depend on time, modulated channels, and
//! the link. A system without them has empty lists here.
//!
//! An operator X gets noise + drift, both linear in the step's increments, in means and their
//! conjugates:
//!
//! ```text
//! f(t) L:  noise = f dxi ,  drift = h |f|^2 conj(<L>)
//! link:    noise = sum w dxi + w' conj(dxi') ,  drift = h sum w <L> + w' conj(<L'>) + w'' alpha_f
//! ```

use super::problem::Problem;
use crate::kernel::{Complex8, Lanes, Plan};
use crate::unravelling::{Feed, Linked, Member, Source, Unravelling};
use num_complex::Complex64;

/// The operators of a problem whose coefficients are not plain.
#[derive(Debug, Clone)]
pub(super) struct Couplings {
    /// Modulated channels: number of the channel, number of the function.
    modulated: Vec<(usize, usize)>,
    /// The operators of the link with what each is fed.
    linked: Vec<(Member, Vec<Feed>)>,
    /// The second linked channel.
    second: usize,
    /// Number of the plan's term that is its adjoint.
    adjoint: usize,
}

/// What one operator gets in a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Increment {
    pub member: Member,
    /// Its part that is linear in dxi.
    pub noise: Complex8,
    /// Its part that is proportional to h.
    pub drift: Complex8,
}

/// A step as a method sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// Its length.
    pub h: f64,
    /// Increments of the noises, E[|dxi|^2] = h.
    pub dxi: &'a [Complex8],
    /// Their tilts, if the method draws them.
    pub tilt: &'a [Complex8],
    /// Values of the functions of time at its start.
    pub start: &'a [Complex64],
    /// Their values in its middle, if the method asks for them.
    pub middle: &'a [Complex64],
    /// Their values at its end.
    pub end: &'a [Complex64],
}

impl Couplings {
    pub fn new(unravelling: &Unravelling) -> Self {
        let modulated = unravelling.modulated.iter().map(|m| (m.channel, m.function)).collect();
        let link = unravelling.link.as_ref();
        let mut linked: Vec<(Member, Vec<Feed>)> = vec![];
        for feed in link.iter().flat_map(|linked| &linked.feeds) {
            match linked.iter_mut().find(|(member, _)| *member == feed.member) {
                Some((_, feeds)) => feeds.push(*feed),
                None => linked.push((feed.member, vec![*feed])),
            }
        }
        let second = link.map_or(0, |linked| linked.link.second);
        Couplings { modulated, linked, second, adjoint: unravelling.terms.len() }
    }

    /// How many operators there are.
    pub fn len(&self) -> usize {
        self.modulated.len() + self.linked.len()
    }

    /// The increments of a step: `means` are those of all channels, `values` the functions of time.
    #[inline(always)]
    pub fn fill(
        &self,
        step: Step,
        values: &[Complex64],
        means: &[Complex8],
        signal: Complex8,
        out: &mut Vec<Increment>,
    ) {
        let h = Lanes::splat(step.h);
        out.clear();
        for (channel, function) in &self.modulated {
            let f = values[*function];
            let noise = Complex8::splat(f).mul_add(step.dxi[*channel], Complex8::ZERO);
            let drift = means[*channel].conj().times_real(Lanes::splat(step.h * f.norm_sqr()));
            out.push(Increment { member: Member::Channel(*channel), noise, drift });
        }
        for (member, feeds) in &self.linked {
            let (mut noise, mut drift) = (Complex8::ZERO, Complex8::ZERO);
            for Feed { source, weight, .. } in feeds {
                let weight = Complex8::splat(*weight);
                match source {
                    Source::Noise(k) => noise = weight.mul_add(step.dxi[*k], noise),
                    Source::NoiseConj(k) => noise = weight.mul_add(step.dxi[*k].conj(), noise),
                    Source::Mean(k) => drift = weight.mul_add(means[*k], drift),
                    Source::MeanConj(k) => drift = weight.mul_add(means[*k].conj(), drift),
                    Source::Signal => drift = weight.mul_add(signal, drift),
                    Source::SignalConj => drift = weight.mul_add(signal.conj(), drift),
                }
            }
            out.push(Increment { member: *member, noise, drift: drift.times_real(h) });
        }
    }

    /// The mean of an operator, from those of the channels.
    #[inline(always)]
    pub fn mean(&self, member: Member, means: &[Complex8]) -> Complex8 {
        match member {
            Member::Channel(k) => means[k],
            Member::Adjoint => means[self.second].conj(),
        }
    }

    /// Add y times an operator to the coefficients of a pass.
    #[inline(always)]
    pub fn add(&self, plan: &Plan, member: Member, y: Complex8, s: &mut Complex8, c: &mut [Complex8]) {
        match member {
            Member::Channel(k) => plan.add_channel(k, y, s, c),
            Member::Adjoint => plan.add_term(self.adjoint, y, s, c),
        }
    }
}

/// Add weight h times the terms of K that depend on time.
#[inline(always)]
pub(super) fn add_terms(problem: &Problem, values: &[Complex64], g: f64, s: &mut Complex8, c: &mut [Complex8]) {
    for (number, term) in problem.unravelling.terms.iter().enumerate() {
        problem.plan.add_term(number, Complex8::splat(term.coefficient(values) * g), s, c);
    }
}

/// The filtered signal after a step: alpha_f -> q alpha_f + (1 - q)(R l1 + n dxi_2/h), q = exp(-h/tau), with
/// l1 of the start of the step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    h: f64,
    keep: f64,
}

impl Filter {
    /// A filter that has not seen a step yet.
    pub const NEW: Filter = Filter { h: 0.0, keep: 0.0 };

    #[inline(always)]
    pub fn advance(&mut self, linked: &Linked, step: Step, l1: Complex8, signal: &mut Complex8) {
        let link = &linked.link;
        if self.h != step.h {
            *self = Filter { h: step.h, keep: libm::exp(-step.h / link.filter_time) };
        }
        let l1 = l1.plus(Complex8::splat(linked.field));
        let noise = step.dxi[link.second].times_real(Lanes::splat(link.noise / step.h));
        let measured = l1.real_mul_add(Lanes::splat(link.reflection), noise);
        let held = signal.times_real(Lanes::splat(self.keep));
        *signal = measured.real_mul_add(Lanes::splat(1.0 - self.keep), held);
    }
}
