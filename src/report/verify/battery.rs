//! Systems with known answers.

use super::{Check, Report};
use crate::comm::Comm;
use crate::ensemble::{Begun, Conduct, Ensemble, Failure, Header, Outcome, Rows, Sink, Summary, run};
use crate::error::Error;
use crate::input::{FileModel, Method, Origin, RunSpec, TimeGrid, steps_per_save};
use crate::model::library::{self, Choices};
use num_complex::Complex64;

/// Standard errors at which a mean counts as wrong: of some forty numbers one right one in four hundred batteries.
const SIGMAS: f64 = 4.0;

/// A system, a run of it, and what is known.
struct Case {
    title: &'static str,
    source: &'static str,
    /// A model file, or a regime of the library.
    model: &'static str,
    ntraj: u64,
    duration: f64,
    save_dt: f64,
    dt: f64,
    laws: &'static [Law],
}

/// What is known.
struct Law {
    of: Of,
    observable: &'static str,
    time: f64,
    exact: Complex64,
    /// What a step of this length may be off.
    step: f64,
}

/// Of which number.
#[derive(Clone, Copy)]
enum Of {
    /// The mean over trajectories.
    Mean,
    /// The mean over trajectories of the square.
    Square,
    /// Every single trajectory.
    Each,
    /// <xx> - <x>^2 in every single trajectory, of the observable and its square `..` named in the second place.
    EachVariance(&'static str),
}

const fn law(of: Of, observable: &'static str, time: f64, re: f64, step: f64) -> Law {
    Law { of, observable, time, exact: Complex64::new(re, 0.0), step }
}

use Of::{Each, EachVariance, Mean, Square};

const CASES: &[Case] = &[
    Case {
        title: "a coherent state in a damped cavity stays free of noise",
        source: "<a> = alpha exp(-(i w + k/2) t) in every trajectory",
        model: "H = 'w*a.n'\nc_ops = ['sqrt(k)*a']\ninitial = 'coherent(1.5)'\n\
                [space]\na = { fock = 24 }\n[parameters]\nw = 2\nk = 1\n[e_ops]\na = 'a'",
        ntraj: 32,
        duration: 2.0,
        save_dt: 1.0,
        dt: 0.0025,
        laws: &[Law {
            of: Each,
            observable: "a",
            time: 2.0,
            exact: Complex64::new(-0.3606930750, 0.4176181186),
            step: 2e-4,
        }],
    },
    Case {
        title: "dephasing localises sigma_z",
        source: "E[<sz>^2] is a function of 2 gamma t alone, E<sx> = exp(-2 gamma t)",
        model: include_str!("../../../examples/localisation.toml"),
        ntraj: 20_000,
        duration: 0.5,
        save_dt: 0.125,
        dt: 0.0025,
        laws: &[
            law(Square, "z", 0.125, 0.2040542656, 1e-3),
            law(Square, "z", 0.25, 0.3501134047, 1e-3),
            law(Square, "z", 0.5, 0.5504004908, 1e-3),
            law(Mean, "z", 0.5, 0.0, 0.0),
            law(Mean, "x", 0.5, 0.36787944117144233, 1e-3),
        ],
    },
    Case {
        title: "a parametric oscillator squeezes every trajectory alike",
        source: "V = (2 e + sqrt(k^2 + 4 e^2))/k, <n> = 2 e^2/(k^2 - 4 e^2)",
        model: include_str!("../../../examples/parametric-oscillator.toml"),
        ntraj: 1000,
        duration: 12.0,
        save_dt: 12.0,
        dt: 0.01,
        laws: &[law(EachVariance("xx"), "x", 12.0, 1.2198039027, 2e-3), law(Mean, "n", 12.0, 0.0208333333, 1e-5)],
    },
    Case {
        title: "a Fock state decays",
        source: "<n> = 9 exp(-0.2 t)",
        model: include_str!("../../../examples/fock-decay.toml"),
        ntraj: 2000,
        duration: 5.0,
        save_dt: 2.5,
        dt: 0.01,
        laws: &[law(Mean, "n", 2.5, 5.458775937413701, 1e-3), law(Mean, "n", 5.0, 3.3109149705429813, 1e-3)],
    },
    Case {
        title: "a Fock state decays at a rate that fades",
        source: "<n> = 9 exp(-0.2 (1 - exp(-t)))",
        model: include_str!("../../../examples/fading-decay.toml"),
        ntraj: 2000,
        duration: 2.0,
        save_dt: 1.0,
        dt: 0.01,
        laws: &[law(Mean, "n", 1.0, 7.931188379886203, 1e-3), law(Mean, "n", 2.0, 7.5707461543, 1e-3)],
    },
    Case {
        title: "a truncated coherent state",
        source: "master equation, QuTiP 5.3.1",
        model: "H = 'a.n'\nc_ops = ['0.5*a']\ninitial = 'coherent(0.5)'\n\
                [space]\na = { fock = 4, exact = true }\n[e_ops]\nn = 'a.n'\nx = 'a.x'\np = 'a.p'",
        ntraj: 20_000,
        duration: 0.1,
        save_dt: 0.1,
        dt: 1e-3,
        laws: &[
            law(Mean, "n", 0.1, 0.24374484, 1e-6),
            law(Mean, "x", 0.1, 0.98134277, 1e-6),
            law(Mean, "p", 0.1, -0.09846265, 1e-6),
        ],
    },
    Case {
        title: "resonance fluorescence",
        source: "n_e = W^2/(g^2 + 2 W^2)",
        model: include_str!("../../../examples/resonance-fluorescence.toml"),
        ntraj: 20_000,
        duration: 15.0,
        save_dt: 5.0,
        dt: 0.02,
        laws: &[law(Mean, "excited", 10.0, 1.0 / 6.0, 2e-4), law(Mean, "excited", 15.0, 1.0 / 6.0, 2e-4)],
    },
    Case {
        title: "kerr_bistable from the vacuum",
        source: "master equation, QuTiP 5.3.1 and a matrix exponential",
        model: "kerr_bistable",
        ntraj: 20_000,
        duration: 0.2,
        save_dt: 0.02,
        dt: 5e-4,
        laws: &[
            law(Mean, "n", 0.02, 2.2167494731, 2e-3),
            law(Mean, "n", 0.1, 2.7114103713, 5e-3),
            law(Mean, "n", 0.2, 2.7972926749, 5e-3),
            law(Mean, "x", 0.1, 1.2461342703, 5e-3),
            law(Mean, "p", 0.1, -1.9317879189, 5e-3),
        ],
    },
    Case {
        title: "absorptive_bistable from the vacuum",
        source: "master equation, QuTiP 5.3.1 and a matrix exponential",
        model: "absorptive_bistable",
        ntraj: 20_000,
        duration: 10.0,
        save_dt: 1.0,
        dt: 0.1,
        laws: &[
            law(Mean, "n", 1.0, 0.5651126219, 1e-3),
            law(Mean, "n", 4.0, 0.6824714139, 2e-3),
            law(Mean, "n", 10.0, 0.9655340350, 3e-3),
            law(Mean, "a", 4.0, -0.5648009106, 2e-3),
            law(Mean, "jz", 3.0, -0.2608744438, 1e-3),
        ],
    },
];

/// Runs one system after another; `done` is given each report as soon as there is one.
///
/// # Errors
/// Those of a run.
pub fn battery(seed: u64, comm: &dyn Comm, threads: usize, mut done: impl FnMut(Report)) -> Result<(), Error> {
    for case in CASES {
        done(case.report(seed, comm, threads)?);
    }
    Ok(())
}

impl Case {
    fn report(&self, seed: u64, comm: &dyn Comm, threads: usize) -> Result<Report, Error> {
        let steps = steps_per_save(self.save_dt, self.dt)?;
        let time = TimeGrid::new(self.duration, self.save_dt, steps, 0.0)?;
        let model = match library::parse(self.model) {
            Ok(regime) => library::build(&regime, &Choices::default())?,
            Err(_) => Origin::File(FileModel::new(self.model.into())?).model()?,
        };
        let method = Method::default_of(model.dynamics.is_constant());
        let spec = RunSpec { method, seed, ntraj: self.ntraj, ..RunSpec::of_program(time) };
        let ensemble = Ensemble::of_model(spec, model)?;
        let mut rows = Kept::default();
        let mut nobody = |_: &_| {};
        let outcome = run(&ensemble, comm, &mut rows, Conduct::new(threads, &mut nobody))?.ok_or(Error::Elsewhere)?;
        let checks = self.laws.iter().flat_map(|law| law.checks(&ensemble, &outcome, &rows)).collect();
        let title = format!("{} ({} trajectories)", self.title, self.ntraj);
        Ok(Report { title, source: self.source.into(), checks })
    }
}

impl Law {
    fn checks(&self, ensemble: &Ensemble, outcome: &Outcome, rows: &Kept) -> Vec<Check> {
        let number = |name: &str| {
            ensemble
                .observables
                .iter()
                .position(|o| o.name == name)
                .expect("a law speaks of an observable of its model")
        };
        let off = |at: &usize| (ensemble.times[*at] - self.time).abs();
        let at = (0..ensemble.times.len()).min_by(|a, b| off(a).total_cmp(&off(b))).expect("saved times");
        let name = number(self.observable);
        let check = |quantity: String, found: f64, sem: f64, exact: f64| {
            let limit = if sem > 0.0 { SIGMAS * sem + self.step } else { self.step };
            Check { quantity, found, sem, exact, limit }
        };
        let (what, time) = (self.observable, self.time);
        match self.of {
            Mean => {
                let found = &outcome.summary.observables[name];
                vec![check(format!("<{what}>({time})"), found.mean[at].re, found.sem[at].re, self.exact.re)]
            }
            Square => {
                let squares: Vec<f64> = rows.values(name, at).map(|z| z.re * z.re).collect();
                let n = squares.len() as f64;
                let mean = squares.iter().sum::<f64>() / n;
                let variance = squares.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
                vec![check(format!("E[<{what}>^2]({time})"), mean, (variance / n).sqrt(), self.exact.re)]
            }
            Each => {
                let worst = farthest(rows.values(name, at), |z| (z - self.exact).norm());
                let label = |part| format!("{part} <{what}>({time}), farthest trajectory");
                vec![check(label("Re"), worst.re, 0.0, self.exact.re), check(label("Im"), worst.im, 0.0, self.exact.im)]
            }
            EachVariance(square) => {
                let pairs = rows.values(number(square), at).zip(rows.values(name, at));
                let variances = pairs.map(|(xx, x)| (xx - x * x).re.into());
                let worst = farthest(variances, |v| (v - self.exact).norm());
                vec![check(format!("variance of {what} at {time}, farthest trajectory"), worst.re, 0.0, self.exact.re)]
            }
        }
    }
}

/// The value that is farthest off, or the first that is no number.
fn farthest(values: impl Iterator<Item = Complex64>, off: impl Fn(Complex64) -> f64) -> Complex64 {
    values.max_by(|a, b| off(*a).total_cmp(&off(*b))).expect("a run has trajectories")
}

/// Rows as they come.
#[derive(Default)]
struct Kept {
    batches: Vec<Rows>,
}

impl Kept {
    fn values(&self, observable: usize, at: usize) -> impl Iterator<Item = Complex64> + '_ {
        self.batches.iter().flat_map(move |rows| rows.expect[observable].column(at).to_vec())
    }
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
