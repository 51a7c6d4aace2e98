//! From a resolved input to something that can run: the compiled problem and what its rows hold.

use super::guards::Watched;
use super::slice::Trajectories;
use super::statistics::Shape;
use super::{Density, DensityInfo, LeakInfo, ObservableInfo, RecordInfo, StateInfo};
use crate::error::Error;
use crate::input::{Gauge, InputError, Method, Origin, ProgramModel, RunSpec, StoreStates, TimeGrid, observe};
use crate::integrator::{IntegrationError, MethodInfo, Problem, Schedule, largest_stable_step};
use crate::model::{Kind, Model};
use crate::unravelling::Unravelling;
use std::sync::Arc;

/// Top levels of a Fock factor whose population is watched.
const WATCHED_LEVELS: usize = 2;
/// Times at which coefficients are tried before a run.
const SAMPLES: u64 = 1000;

/// An ensemble ready to run; the same on every rank.
#[derive(Debug, Clone)]
pub struct Ensemble {
    /// What defines its numbers.
    pub spec: RunSpec,
    /// The system.
    pub model: Model,
    /// The system compiled.
    pub problem: Arc<Problem>,
    /// Observables, in the order of a row.
    pub observables: Vec<ObservableInfo>,
    /// Watched Fock factors.
    pub leaks: Vec<LeakInfo>,
    /// Saved times.
    pub times: Vec<f64>,
}

impl Ensemble {
    /// The ensemble of a spec's own model.
    pub fn new(spec: RunSpec) -> Result<Self, Error> {
        let model = spec.model()?;
        Self::observing(spec, model)
    }

    /// The ensemble of a model that the caller made, with times, method, seed and numbers taken from `spec`
    /// ([`RunSpec::of_program`] has the defaults). The resolved input names the model and has its hash.
    pub fn of_model(spec: RunSpec, model: Model) -> Result<Self, Error> {
        let origin = Origin::Program(ProgramModel::of(&model));
        Self::observing(RunSpec { origin, ..spec }, model)
    }

    /// The model with the observables that the spec adds.
    fn observing(spec: RunSpec, mut model: Model) -> Result<Self, Error> {
        for text in &spec.observe {
            let observable = observe(text, &model)?;
            model.observables.push(observable);
        }
        Self::compiled(spec, model)
    }

    /// The same system with another spec: other times.
    pub(super) fn with(&self, spec: RunSpec) -> Result<Self, Error> {
        Self::compiled(spec, self.model.clone())
    }

    fn compiled(spec: RunSpec, model: Model) -> Result<Self, Error> {
        let schedule = Schedule::new(&spec.time, &model.dynamics.breakpoints());
        Self::scheduled(spec, model, schedule)
    }

    fn scheduled(spec: RunSpec, model: Model, schedule: Schedule) -> Result<Self, Error> {
        let calculus = MethodInfo::of(spec.method).calculus;
        let unravelling = Unravelling::of(&model, spec.gauge == Gauge::Slh, calculus);
        let method = MethodInfo::of(spec.method);
        if !method.takes(&unravelling) {
            return Err(IntegrationError::NotConstant { method: method.name }.into());
        }
        model.check(&schedule.samples(spec.time.intervals, SAMPLES))?;
        let watchable = (0..model.space.factors.len()).filter(|m| model.space.factors[*m].kind != Kind::Spin);
        let (mut leaks, mut watched) = (vec![], vec![]);
        for m in watchable {
            let factor = &model.space.factors[m];
            // Of a space without structure the last state is recorded and not judged.
            let levels = if factor.kind == Kind::Fock { WATCHED_LEVELS } else { 1 };
            let guarded = !factor.exact && model.raises(m);
            leaks.push(LeakInfo { factor: factor.name.clone(), levels, guarded });
            watched.push(model.space.top_levels(m, levels));
        }
        let observables = model
            .observables
            .iter()
            .map(|o| ObservableInfo {
                name: o.name.clone(),
                expression: o.expression.clone(),
                label: o.label.clone(),
                latex: o.latex.clone(),
                unit: o.unit.clone(),
                description: o.description.clone(),
                hermitian: o.quantity.is_real(),
            })
            .collect();
        if let Some(target) = &spec.target_tol {
            target.check(&model.observables.iter().map(|o| o.name.as_str()).collect::<Vec<_>>())?;
        }
        let times = spec.time.times();
        let mut problem = Problem::new(&model, unravelling, &watched, schedule);
        if spec.store_states == Some(StoreStates::Average) {
            check_density(model.space.dim(), times.len())?;
        }
        if spec.store_record {
            check_record(&model, &times)?;
            problem = problem.with_record();
        }
        let problem = Arc::new(problem);
        Ok(Ensemble { spec, model, problem, observables, leaks, times })
    }

    /// The same with two steps in the place of every one: the same saved times, and breakpoints where they were.
    pub(super) fn halved(&self) -> Result<Self, Error> {
        let grid = &self.spec.time;
        let time = TimeGrid { steps_per_save: 2 * grid.steps_per_save, h: 0.5 * grid.h, ..*grid };
        let schedule = self.problem.schedule.refined(2);
        Self::scheduled(RunSpec { time, ..self.spec.clone() }, self.model.clone(), schedule)
    }

    /// Exponent of the step in the error of means. A filtered signal acts one step late, whatever the method.
    pub(super) fn weak_order(&self) -> f64 {
        let order = MethodInfo::of(self.spec.method).weak_order;
        let delayed = self.model.dynamics.link.as_ref().is_some_and(|link| link.filter_time > 0.0);
        if delayed { order.min(1.0) } else { order }
    }

    /// Steps of a trajectory.
    pub fn steps(&self) -> u64 {
        self.problem.schedule.first_step(self.spec.time.intervals)
    }

    /// What the guards depend on.
    pub fn watched(&self) -> Watched<'_> {
        Watched { leaks: &self.leaks, times: &self.times, method: self.spec.method }
    }

    /// What the method integrates exactly, if it splits the equation.
    pub fn splitting(&self) -> Option<&'static str> {
        (self.spec.method == Method::Saba).then(|| self.problem.splitting().form.describe())
    }

    /// Refuse a step outside the method's stability region.
    ///
    /// The drift is taken with the constants of L removed, whatever the gauge: they change no trajectory,
    /// and the c-number shifts inside a step take them out again. If it depends on time, it must be stable
    /// for the length of the run as it is at each of the sampled times at which some coefficient is
    /// largest, and at which that of a Lindblad is smallest: damping that fades leaves less room.
    pub fn check_step(&self) -> Result<(), Error> {
        let (method, h) = (MethodInfo::of(self.spec.method).name, self.spec.time.h);
        match self.largest_stable(self.spec.method, h) {
            None => Ok(()),
            Some(largest) => Err(IntegrationError::Unstable { method, h, largest }.into()),
        }
    }

    /// The largest stable step of a method below `h`; `None` if `h` itself is stable.
    pub(super) fn largest_stable(&self, method: Method, h: f64) -> Option<f64> {
        if method == Method::Saba {
            return self.problem.splitting().largest_step().filter(|largest| h > *largest);
        }
        let removed = match self.spec.gauge {
            Gauge::Removed => None,
            Gauge::Slh => Some(Unravelling::of(&self.model, false, MethodInfo::of(method).calculus)),
        };
        let unravelling = removed.as_ref().unwrap_or(&self.problem.unravelling);
        let samples = self.problem.schedule.samples(self.spec.time.intervals, SAMPLES);
        // Of most times it need only be seen that they do not ask for less than the ones before.
        extreme_times(unravelling, &samples).iter().fold(None, |least, t| {
            let drift = unravelling.drift_with(&unravelling.values(*t));
            largest_stable_step(method, &drift, least.unwrap_or(h), self.spec.time.duration()).or(least)
        })
    }

    /// Stored kets, if any.
    pub fn states(&self) -> Option<StateInfo> {
        let times = match self.spec.store_states? {
            StoreStates::Final => self.times.last().copied().into_iter().collect(),
            StoreStates::All => self.times.clone(),
            StoreStates::Average => return None,
        };
        Some(StateInfo { times, factors: self.factors() })
    }

    /// The density matrix, if there is to be one.
    pub fn density(&self) -> Option<DensityInfo> {
        (self.spec.store_states == Some(StoreStates::Average)).then(|| DensityInfo { factors: self.factors() })
    }

    /// At how many times the kets of a batch in flight are kept, if they are: for its rows, or for the density matrix.
    pub(super) fn kets_in_flight(&self) -> Option<usize> {
        self.spec.store_states.map(|which| if which == StoreStates::Final { 1 } else { self.times.len() })
    }

    fn factors(&self) -> Vec<(String, usize)> {
        self.model.space.factors.iter().map(|f| (f.name.clone(), f.dim)).collect()
    }

    /// The trajectories of the run.
    pub(super) fn trajectories(&self) -> Trajectories {
        Trajectories { first: self.spec.first_trajectory, count: self.spec.ntraj }
    }

    /// Kept records, if any.
    pub fn record(&self) -> Option<RecordInfo> {
        let channels = self.spec.store_record.then(|| self.model.lindblad_names())?;
        Some(RecordInfo { ends: self.times[1..].to_vec(), channels })
    }

    /// What the method needs of h * Gamma, if it needs anything.
    pub(super) fn largest_h_gamma(&self) -> Option<f64> {
        MethodInfo::of(self.spec.method).largest_h_gamma
    }

    pub(super) fn shape(&self) -> Shape {
        Shape {
            hermitian: self.observables.iter().map(|o| o.hermitian).collect(),
            leaks: self.leaks.len(),
            times: self.times.len(),
        }
    }
}

/// Refuse a density matrix that no rank could hold.
fn check_density(dimension: usize, times: usize) -> Result<(), InputError> {
    let bytes = Density::bytes(dimension as u64, times as u64);
    if bytes > Density::LARGEST {
        return Err(InputError::Density { dimension, times, bytes, largest: Density::LARGEST });
    }
    Ok(())
}

/// Refuse a record that would hold nothing.
fn check_record(model: &Model, times: &[f64]) -> Result<(), InputError> {
    if model.lindblads.is_empty() {
        return Err(InputError::Record("a system without c_ops sends out nothing that could be recorded"));
    }
    if times.len() < 2 {
        return Err(InputError::Record(
            "it is kept for the intervals between saved times, and only one time is saved; try an earlier --save-from",
        ));
    }
    Ok(())
}

/// The times among `samples` at which some function is largest, or that of a Lindblad smallest; the first
/// sample if nothing depends on time.
fn extreme_times(unravelling: &Unravelling, samples: &[f64]) -> Vec<f64> {
    let functions = &unravelling.functions;
    let first_with_most = |size: &dyn Fn(f64) -> f64| {
        samples.iter().copied().fold(samples[0], |best, t| if size(t) > size(best) { t } else { best })
    };
    let mut times: Vec<f64> = functions.iter().map(|f| first_with_most(&|t| f.value(t).norm_sqr())).collect();
    let lindblads = unravelling.modulated.iter().map(|m| &functions[m.function]);
    times.extend(lindblads.map(|f| first_with_most(&|t| -f.value(t).norm_sqr())));
    if times.is_empty() {
        times.push(samples[0]);
    }
    times.sort_by(f64::total_cmp);
    times.dedup();
    times
}
