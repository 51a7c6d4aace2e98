//! What the tests of the physics share: systems made by hand, and ensembles run in this process with
//! every row kept.
#![allow(dead_code, reason = "each test file uses its own part")]

use ndarray::{Array2, Array3};
use num_complex::Complex64;
use qsd::cli::{Cli, Task};
use qsd::comm;
use qsd::ensemble::{Begun, Conduct, Ensemble, Failure, Header, Outcome, Rows, Sink, Summary, choose_step, run};
use qsd::error::Error;
use qsd::input::{Method, RunSpec, resolve};
use qsd::model::{Dynamics, Factor, HilbertSpace, Model, Observable, Operator};

/// The resolved input of a command line.
pub fn spec(line: &str) -> RunSpec {
    let words = format!("qsd run {line}");
    let Task::Run(args) = Cli::from_words(words.split_whitespace().map(Into::into)).expect(line).task else {
        panic!("{line} is no run")
    };
    resolve(&args).and_then(choose_step).unwrap_or_else(|error| panic!("{line}: {error}")).spec
}

/// A system made by hand.
pub fn system(
    factor: Factor,
    hamiltonian: Operator,
    lindblads: Vec<Operator>,
    initial: Vec<Complex64>,
    observables: Vec<(&str, Operator)>,
) -> Model {
    let seen = |(name, operator): (&str, Operator)| Observable {
        name: name.into(),
        expression: name.into(),
        label: name.into(),
        latex: name.into(),
        unit: "1".into(),
        description: name.into(),
        quantity: operator.into(),
    };
    Model {
        name: "by hand".into(),
        description: String::new(),
        source: String::new(),
        time_unit: "1".into(),
        space: HilbertSpace::new(vec![factor]).expect("a space"),
        hamiltonian,
        lindblads,
        lindblad_names: vec![],
        dynamics: Dynamics::default(),
        observables: observables.into_iter().map(seen).collect(),
        initial,
        parameters: vec![],
    }
}

/// Rows of all trajectories, in their order.
#[derive(Default)]
pub struct Kept {
    batches: Vec<Rows>,
}

impl Sink for Kept {
    fn begin(&mut self, _header: &Header) -> Result<Begun, Error> {
        Ok(Begun::New)
    }
    fn accept(&mut self, rows: &Rows) -> Result<(), Error> {
        self.batches.push(rows.clone());
        Ok(())
    }
    fn finish(&mut self, _summary: Option<&Summary>) -> Result<(), Error> {
        Ok(())
    }
    fn fail(&mut self, _failure: &Failure) {}
    fn forget(&mut self) {}
}

/// An ensemble after its run.
pub struct Found {
    pub ensemble: Ensemble,
    pub outcome: Outcome,
    rows: Vec<Rows>,
}

impl Found {
    /// (trajectory, time) of an observable.
    pub fn rows(&self, name: &str) -> Array2<Complex64> {
        let k = self.number(name);
        let views: Vec<_> = self.rows.iter().map(|rows| rows.expect[k].view()).collect();
        ndarray::concatenate(ndarray::Axis(0), &views).expect("rows of one width")
    }

    /// (trajectory, save interval, c_op).
    pub fn record(&self) -> Array3<Complex64> {
        self.cube(|rows| rows.record.as_ref())
    }

    /// (trajectory, stored time, basis state).
    pub fn states(&self) -> Array3<Complex64> {
        self.cube(|rows| rows.states.as_ref())
    }

    fn cube(&self, part: fn(&Rows) -> Option<&Array3<Complex64>>) -> Array3<Complex64> {
        let views: Vec<_> = self.rows.iter().map(|rows| part(rows).expect("it was asked for").view()).collect();
        ndarray::concatenate(ndarray::Axis(0), &views).expect("rows of one shape")
    }

    fn number(&self, name: &str) -> usize {
        self.ensemble.observables.iter().position(|o| o.name == name).unwrap_or_else(|| panic!("no observable {name}"))
    }

    /// Ensemble mean and standard error at the saved time nearest to `t`.
    pub fn mean(&self, name: &str, t: f64) -> (Complex64, Complex64) {
        let statistics = &self.outcome.summary.observables[self.number(name)];
        let at = self.at(t);
        (statistics.mean[at], statistics.sem[at])
    }

    /// Number of the saved time nearest to `t`.
    pub fn at(&self, t: f64) -> usize {
        let off = |i: &usize| (self.ensemble.times[*i] - t).abs();
        (0..self.ensemble.times.len()).min_by(|a, b| off(a).total_cmp(&off(b))).expect("saved times")
    }

    /// The mean of `name` at `t` is `exact` within `sigmas` standard errors, per part.
    pub fn assert_mean(&self, name: &str, t: f64, exact: Complex64, sigmas: f64) {
        let (mean, sem) = self.mean(name, t);
        for (part, mean, sem, exact) in [("Re", mean.re, sem.re, exact.re), ("Im", mean.im, sem.im, exact.im)] {
            let off = (mean - exact).abs();
            assert!(
                off <= sigmas * sem + 1e-12,
                "{part} <{name}>({t}) = {mean} +- {sem}, exact {exact}: {:.1} sigma",
                off / sem
            );
        }
    }
}

/// Run an ensemble of a system made by hand; `line` gives times, method, step, seed and number.
pub fn run_system(model: Model, line: &str) -> Found {
    finish(by_hand(model, line).expect(line))
}

/// The ensemble of a system made by hand, with the default method of such a system if `line` names none.
pub fn by_hand(model: Model, line: &str) -> Result<Ensemble, Error> {
    let mut spec = spec(line);
    if !line.contains("--method") {
        spec.method = Method::default_of(model.dynamics.is_constant());
    }
    Ensemble::of_model(spec, model)
}

/// Run a command line.
pub fn run_line(line: &str) -> Found {
    finish(Ensemble::new(spec(line)).expect(line))
}

/// Run a resolved input.
pub fn run_spec(spec: RunSpec) -> Found {
    finish(Ensemble::new(spec).unwrap_or_else(|error| panic!("{error}")))
}

fn finish(ensemble: Ensemble) -> Found {
    ensemble.check_step().unwrap_or_else(|error| panic!("{error}"));
    let mut kept = Kept::default();
    let mut nobody = |_: &_| {};
    let conduct = Conduct { allow_unsafe: true, ..Conduct::new(2, &mut nobody) };
    let outcome = run(&ensemble, comm::solo().as_ref(), &mut kept, conduct);
    let outcome = outcome.unwrap_or_else(|error| panic!("{error}")).expect("rank 0 has the outcome");
    let mut rows = kept.batches;
    rows.sort_by_key(|rows| rows.first);
    Found { ensemble, outcome, rows }
}
