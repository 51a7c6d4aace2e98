//! A batch in flight: state, stepper and noise behind one erased face.

use super::increments::Step;
use super::noise::{Draws, Noise, StepNoise};
use super::problem::Problem;
use super::record::Record;
use crate::kernel::{Batch, Complex8, Isa, Kernel, LANES, Lane, Lanes, Overlaps};
use num_complex::Complex64;
use std::ops::Range;
use std::sync::Arc;

/// What a save time yields, per lane.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The user's observables.
    pub observables: Vec<Complex8>,
    /// Watched populations.
    pub watched: Vec<Lanes>,
    /// Gamma = sum_k |L_k psi|^2 / |psi|^2 in the gauge used.
    pub rate: Lanes,
    /// |psi|^2; not finite in a lane whose trajectory broke.
    pub norm: Lanes,
}

/// Eight trajectories advanced together. The ensemble sees only this.
pub trait Engine: Send {
    /// Put trajectories 8 batch .. 8 batch + 8 at t = 0.
    fn start(&mut self, batch: u64);
    /// Take `steps` steps.
    fn advance(&mut self, steps: u64);
    /// Measure everything at the present time.
    fn measure(&mut self) -> &Sample;
    /// The record of every output since the last call or the start, in the order of the model's Lindblad operators;
    /// empty if the problem keeps none.
    fn take_record(&mut self) -> Vec<Complex8>;
    /// The normalised ket of a lane.
    fn ket(&self, lane: usize) -> Vec<Complex64>;
    /// Those of several lanes, each into its place.
    fn kets(&self, lanes: Range<usize>, places: &mut [&mut [Complex64]]);
    /// Largest norm drift of a step so far, per lane: | |psi'|^2/|psi|^2 - 1 | divided by
    /// max(1, sum_k |dxi_k|^2/h). The noise alone changes the norm by |dxi|^2 var(L), so without the
    /// division the largest of many steps would measure how many there were.
    fn norm_drift(&self) -> Lanes;
    /// Everything that survives a step, appended to `out`: the kets as they are, unscaled, and what was seen of them.
    /// A generator needs no room: the number of steps is its state.
    fn save(&mut self, out: &mut Vec<f64>);
    /// Go on from what `save` gave after `steps` steps of batch `batch`; false, and nothing useful, if `saved` has not
    /// the length of this engine's own.
    fn restore(&mut self, batch: u64, steps: u64, saved: &[f64]) -> bool;
}

/// One way to take a step. `step` is inlined into a function compiled for each instruction set.
pub(super) trait Stepper: Send {
    /// Whether a step needs the functions of time in its middle.
    const MIDDLE: bool = false;
    /// Allocate what a step needs.
    fn new(problem: &Problem) -> Self;
    /// Forget the previous trajectory; `state` holds the initial kets and their overlaps.
    fn start(&mut self, problem: &Problem, state: &State);
    /// What it carries from one step to the next.
    fn carried(&mut self) -> Vec<&mut Lanes>;
    /// Advance `state` by `step`.
    fn step<V: Lane>(&mut self, problem: &Problem, step: Step, state: &mut State);
    /// Make what is to be seen of `state`; called at the start, and after steps, as many as it happens to be: it
    /// changes nothing that a later step depends on.
    #[inline(always)]
    fn finish<V: Lane>(&mut self, _problem: &Problem, _state: &State) {}
    /// The kets to be seen and their |psi|^2.
    fn shown<'a>(&'a self, state: &'a State) -> (&'a Batch, Lanes) {
        (&state.psi, state.seen.norm)
    }
}

/// What survives a step beside the stepper's own: kets of a batch with what the last pass measured of
/// them, the number of the next step, the filtered signal of a link, the record since it was last taken. Kets are normalised lazily: by powers of
/// two when |psi|^2 leaves [1/2, 2], which changes no bit of the mantissas.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub psi: Batch,
    pub seen: Overlaps,
    pub norm_drift: Lanes,
    pub step: u64,
    pub signal: Complex8,
    pub record: Record,
}

impl State {
    /// What survives a step; its number is known to whoever goes on.
    fn carried(&mut self) -> Vec<&mut Lanes> {
        let kets = self.psi.rows_mut().iter_mut();
        let parts = kets.chain(&mut self.seen.reduced).flat_map(|z| [&mut z.re, &mut z.im]);
        let signal = [&mut self.signal.re, &mut self.signal.im];
        parts.chain([&mut self.seen.norm, &mut self.norm_drift]).chain(signal).chain(self.record.carried()).collect()
    }

    /// Take over what a step of length h with noise `dxi` produced in `out` and `seen`.
    #[inline(always)]
    pub fn accept(&mut self, out: &mut Batch, seen: &mut Overlaps, dxi: &[Complex8], h: f64) {
        let noise = dxi.iter().fold(Lanes::ZERO, |sum, dxi| dxi.norm_add(sum)).scale(1.0 / h);
        let change = seen.norm.over(self.seen.norm).minus(Lanes::splat(1.0)).abs();
        let drift = change.over(noise.largest(Lanes::splat(1.0)));
        self.norm_drift = self.norm_drift.largest(drift);
        self.take(out, seen);
    }

    /// Take over kets and what was seen of them.
    #[inline(always)]
    pub fn take(&mut self, out: &mut Batch, seen: &mut Overlaps) {
        std::mem::swap(&mut self.psi, out);
        std::mem::swap(&mut self.seen, seen);
        // All eight are looked at, so that it is a comparison of vectors.
        let outside = self.seen.norm.0.iter().fold(false, |outside, n| outside | !(0.5..2.0).contains(n));
        if outside {
            self.rescale();
        }
    }

    #[inline(always)]
    fn rescale(&mut self) {
        let mut factor = Lanes::splat(1.0);
        for lane in 0..LANES {
            factor.0[lane] = power_of_two_towards_one(self.seen.norm.0[lane]);
        }
        let square = factor.times(factor);
        self.psi.scale(factor);
        self.seen.norm = self.seen.norm.times(square);
        for overlap in &mut self.seen.reduced {
            *overlap = overlap.times_real(square);
        }
    }
}

/// 2^-m that brings |psi|^2 = `norm` into [1/2, 2); 1 for numbers that are not positive and finite.
#[inline(always)]
fn power_of_two_towards_one(norm: f64) -> f64 {
    if !(norm.is_normal() && norm > 0.0) {
        return 1.0;
    }
    let exponent = (norm.to_bits() >> 52) as i64 - 0x3ff;
    let half = (exponent + 1) >> 1;
    f64::from_bits(((0x3ff - half) as u64) << 52)
}

/// The engine of a stepper and a source of noise.
pub(super) struct BatchEngine<S> {
    problem: Arc<Problem>,
    isa: Isa,
    stepper: S,
    noise: Box<dyn Noise>,
    state: State,
    drawn: StepNoise,
    /// Functions of time at the start, in the middle and at the end of a step.
    start: Vec<Complex64>,
    middle: Vec<Complex64>,
    end: Vec<Complex64>,
    measured: Vec<Complex8>,
    sample: Sample,
}

impl<S: Stepper> BatchEngine<S> {
    pub(super) fn new(problem: Arc<Problem>, draws: Draws, noise: Box<dyn Noise>, isa: Isa) -> Self {
        let plan = &problem.plan;
        let sample = Sample {
            observables: vec![Complex8::ZERO; problem.readouts.len()],
            watched: vec![Lanes::ZERO; problem.watched],
            rate: Lanes::ZERO,
            norm: Lanes::ZERO,
        };
        BatchEngine {
            state: State {
                psi: Batch::zeros(plan.dim(), plan.guard()),
                seen: Overlaps::new(plan),
                norm_drift: Lanes::ZERO,
                step: 0,
                signal: Complex8::ZERO,
                record: Record::new(&problem),
            },
            start: vec![Complex64::ZERO; problem.unravelling.functions.len()],
            middle: vec![Complex64::ZERO; problem.unravelling.functions.len()],
            end: vec![Complex64::ZERO; problem.unravelling.functions.len()],
            stepper: S::new(&problem),
            drawn: StepNoise::zeros(draws),
            measured: vec![Complex8::ZERO; problem.measured.len()],
            sample,
            noise,
            isa,
            problem,
        }
    }
}

impl<S: Stepper> BatchEngine<S> {
    fn carried(&mut self) -> Vec<&mut Lanes> {
        let mut all = self.state.carried();
        all.extend(self.stepper.carried());
        all
    }
}

/// `steps` steps of an engine, compiled once per instruction set.
struct Advance<'a, S> {
    engine: &'a mut BatchEngine<S>,
    steps: u64,
}

impl<S: Stepper> Kernel for Advance<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let BatchEngine { problem, isa, stepper, noise, state, drawn, start, middle, end, .. } = self.engine;
        let last = state.step + self.steps;
        while state.step < last {
            let span = problem.schedule.span(state.step);
            noise.set_step(span.h);
            while state.step < last.min(span.end) {
                if !start.is_empty() {
                    let (from, to) = (span.time(state.step), span.time(state.step + 1));
                    let inside = 0.5 * (from + to);
                    problem.unravelling.values_on(from, inside, start);
                    problem.unravelling.values_on(to, inside, end);
                    if S::MIDDLE {
                        problem.unravelling.values_on(inside, inside, middle);
                    }
                }
                noise.draw(*isa, drawn);
                let StepNoise { dxi, tilt } = drawn;
                stepper.step::<V>(problem, Step { h: span.h, dxi, tilt, start, middle, end }, state);
                state.step += 1;
            }
        }
        stepper.finish::<V>(problem, state);
    }
}

/// One measurement of an engine, compiled once per instruction set.
struct Measure<'a, S>(&'a mut BatchEngine<S>);

impl<S: Stepper> Kernel for Measure<'_, S> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let BatchEngine { problem, stepper, state, measured, sample, .. } = self.0;
        let (psi, norm) = stepper.shown(state);
        let inverse = Lanes::splat(1.0).over(norm);
        problem.measured.measure(psi, inverse, measured);
        let rest = &measured[problem.readouts.operators..];
        for (watched, measured) in sample.watched.iter_mut().zip(rest) {
            *watched = measured.re;
        }
        sample.rate = rest[problem.watched].re;
        let modulated = &problem.unravelling.modulated;
        if !modulated.is_empty() {
            let values = problem.unravelling.values(problem.schedule.time(state.step));
            for (modulated, rate) in modulated.iter().zip(&rest[problem.watched + 1..]) {
                let square = values[modulated.function].norm_sqr();
                sample.rate = rate.re.mul_add(Lanes::splat(square), sample.rate);
            }
        }
        sample.norm = norm;
    }
}

impl<S: Stepper> Engine for BatchEngine<S> {
    fn start(&mut self, batch: u64) {
        self.noise.start(batch);
        self.state.psi.fill(&self.problem.initial);
        self.state.norm_drift = Lanes::ZERO;
        self.state.step = 0;
        self.state.signal = Complex8::ZERO;
        self.state.record.clear();
        let overlaps = self.problem.plan.overlaps_of(&self.problem.initial);
        self.state.seen.norm = Lanes::splat(self.problem.initial.iter().map(|x| x.norm_sqr()).sum());
        for (seen, overlap) in self.state.seen.reduced.iter_mut().zip(overlaps) {
            *seen = Complex8::splat(overlap);
        }
        self.stepper.start(&self.problem, &self.state);
        self.advance(0);
    }

    fn advance(&mut self, steps: u64) {
        self.isa.run(Advance { engine: self, steps });
    }

    fn measure(&mut self) -> &Sample {
        self.isa.run(Measure(self));
        let mut observables = std::mem::take(&mut self.sample.observables);
        self.problem.readouts.read(&self.measured, |lane| self.ket(lane), &mut observables);
        self.sample.observables = observables;
        &self.sample
    }

    fn take_record(&mut self) -> Vec<Complex8> {
        let taken = self.state.record.sums().to_vec();
        self.state.record.clear();
        taken
    }

    fn ket(&self, lane: usize) -> Vec<Complex64> {
        let mut ket = vec![Complex64::ZERO; self.problem.order().len()];
        self.kets(lane..lane + 1, &mut [&mut ket]);
        ket
    }

    fn kets(&self, lanes: Range<usize>, places: &mut [&mut [Complex64]]) {
        let (psi, norm) = self.stepper.shown(&self.state);
        let norm = norm.0.map(f64::sqrt);
        for (row, place) in psi.rows().iter().zip(self.problem.order()) {
            for (lane, ket) in lanes.clone().zip(places.iter_mut()) {
                ket[*place] = row.lane(lane) / norm[lane];
            }
        }
    }

    fn norm_drift(&self) -> Lanes {
        self.state.norm_drift
    }

    fn save(&mut self, out: &mut Vec<f64>) {
        self.carried().iter().for_each(|lanes| out.extend(lanes.0));
    }

    fn restore(&mut self, batch: u64, steps: u64, saved: &[f64]) -> bool {
        self.start(batch);
        self.noise.skip(steps);
        self.state.step = steps;
        let carried = self.carried();
        if saved.len() != carried.len() * LANES {
            return false;
        }
        for (lanes, saved) in carried.into_iter().zip(saved.chunks_exact(LANES)) {
            lanes.0.copy_from_slice(saved);
        }
        self.advance(0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Method, TimeGrid};
    use crate::integrator::{METHODS, Schedule, engine};
    use crate::model::library::{Choices, build, parse};
    use crate::model::{Drive, Link, TimeFunction};
    use crate::unravelling::Unravelling;

    #[test]
    fn rescaling_brings_the_norm_back_by_an_exact_power_of_two() {
        for norm in [0.49, 0.2, 2.0, 3.9, 7.3, 1e-9, 1e12, 0.5, 1.0, 1.99] {
            let factor = power_of_two_towards_one(norm);
            let scaled = norm * factor * factor;
            assert!((0.5..2.0).contains(&scaled), "{norm} -> {scaled}");
            assert_eq!(factor.to_bits() & 0x000f_ffff_ffff_ffff, 0);
        }
        for broken in [f64::NAN, f64::INFINITY, 0.0] {
            assert_eq!(power_of_two_towards_one(broken), 1.0);
        }
    }

    /// At any step, and into an engine that has done something else before.
    #[test]
    fn a_restored_engine_goes_on_with_the_same_bits() {
        let choices = Choices { nfock_a: Some(12), ..Choices::default() };
        let mut model = build(&parse("kerr_bistable").expect("known"), &choices).expect("valid");
        let plain = Problem::new(&model, Unravelling::qsd(&model, false), &[], 1e-4).with_record();
        // Steps of several lengths, and a signal that remembers.
        let pulses =
            TimeFunction::pulses(&[(3.3e-4, 2.11e-3, 40.0.into()), (4.4e-3, 1.0, 9.0.into())]).expect("pulses");
        let number = &model.space.destroy(0).dag() * &model.space.destroy(0);
        model.dynamics.drives = vec![Drive { operator: number, coefficient: pulses }];
        let link = Link::new(0, 1, 0.6, 0.5, Complex64::I).expect("a link");
        model.dynamics.link = Some(Link { filter_time: 0.01, ..link });
        let schedule =
            Schedule::new(&TimeGrid::new(1.0, 2e-3, 20, 0.0).expect("a grid"), &model.dynamics.breakpoints());
        let eventful = Problem::new(&model, Unravelling::qsd(&model, false), &[], schedule);
        for problem in [plain, eventful].map(Arc::new) {
            for info in METHODS.iter().filter(|info| info.takes(&problem.unravelling)) {
                goes_on(&problem, info.method);
            }
        }
    }

    fn goes_on(problem: &Arc<Problem>, method: Method) {
        let [mut straight, mut other] = [(); 2].map(|()| engine(method, problem.clone(), 7, Isa::detect()));
        straight.start(3);
        other.start(5);
        other.advance(11);
        for steps in [0, 1, 17, 400] {
            straight.start(3);
            straight.advance(steps);
            let mut saved = vec![];
            straight.save(&mut saved);
            assert!(other.restore(3, steps, &saved), "{method:?}");
            straight.advance(100);
            other.advance(100);
            assert_eq!(straight.measure().observables, other.measure().observables, "{method:?} at {steps}");
            assert_eq!(straight.ket(2), other.ket(2), "{method:?} at {steps}");
            assert_eq!(straight.take_record(), other.take_record(), "{method:?} at {steps}");
            assert_eq!(straight.norm_drift(), other.norm_drift(), "{method:?} at {steps}");
            assert!(!other.restore(3, steps, &saved[1..]));
        }
    }
}
