//! From a resolved input to something that can run: the compiled problem and what its rows hold.

use super::statistics::Shape;
use super::{LeakInfo, ObservableInfo, StateInfo};
use crate::error::Error;
use crate::input::{Gauge, RunSpec, StoreStates};
use crate::integrator::{IntegrationError, MethodInfo, Problem, largest_stable_step};
use crate::model::{Kind, Model};
use crate::unravelling::Unravelling;
use std::sync::Arc;

/// Top levels of a Fock factor whose population is watched.
const WATCHED_LEVELS: usize = 2;

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
        Self::of_model(spec, model)
    }

    /// The ensemble of any model, with times, method, seed and numbers taken from `spec`.
    pub fn of_model(spec: RunSpec, model: Model) -> Result<Self, Error> {
        let unravelling = Unravelling::qsd(&model, spec.gauge == Gauge::Slh);
        let fock = (0..model.space.factors.len()).filter(|m| model.space.factors[*m].kind == Kind::Fock);
        let (mut leaks, mut watched) = (vec![], vec![]);
        for m in fock {
            let factor = &model.space.factors[m];
            let guarded = !factor.exact && model.raises(m);
            leaks.push(LeakInfo { factor: factor.name.clone(), levels: WATCHED_LEVELS, guarded });
            watched.push(model.space.top_levels(m, WATCHED_LEVELS));
        }
        let observables = model
            .observables
            .iter()
            .map(|o| ObservableInfo {
                name: o.name.clone(),
                expression: o.expression.clone(),
                label: o.label.clone(),
                latex: o.latex.clone(),
                unit: "1".into(),
                description: o.description.clone(),
                hermitian: o.operator.is_hermitian(),
            })
            .collect();
        if let Some(target) = &spec.target_tol {
            target.check(&model.observables.iter().map(|o| o.name.as_str()).collect::<Vec<_>>())?;
        }
        let problem = Arc::new(Problem::new(&model, unravelling, &watched, spec.time.h));
        let times = spec.time.times();
        Ok(Ensemble { spec, model, problem, observables, leaks, times })
    }

    /// Refuse a step outside the method's stability region.
    ///
    /// The drift is taken with the constants of L removed, whatever the gauge: they change no trajectory,
    /// and the c-number shifts inside a step take them out again.
    pub fn check_step(&self) -> Result<(), Error> {
        let drift = match self.spec.gauge {
            Gauge::Removed => self.problem.unravelling.drift.clone(),
            Gauge::Slh => Unravelling::qsd(&self.model, false).drift,
        };
        let (method, h) = (self.spec.method, self.spec.time.h);
        match largest_stable_step(method, &drift, h, self.spec.time.duration()) {
            None => Ok(()),
            Some(largest) => Err(IntegrationError::Unstable { method: MethodInfo::of(method).name, h, largest }.into()),
        }
    }

    /// Stored kets, if any.
    pub fn states(&self) -> Option<StateInfo> {
        let times = match self.spec.store_states? {
            StoreStates::Final => self.times.last().copied().into_iter().collect(),
            StoreStates::All => self.times.clone(),
        };
        let factors = self.model.space.factors.iter().map(|f| (f.name.clone(), f.dim)).collect();
        Some(StateInfo { times, factors })
    }

    pub(super) fn shape(&self) -> Shape {
        Shape {
            hermitian: self.observables.iter().map(|o| o.hermitian).collect(),
            leaks: self.leaks.len(),
            times: self.times.len(),
        }
    }
}
