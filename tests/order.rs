//! Orders of convergence, measured: every method on the same Wiener paths at several steps, against
//! the finest. The table of methods says what is expected.

mod laboratory;

use laboratory::system;
use num_complex::Complex64;
use qsd::input::Method;
use qsd::integrator::{METHODS, PathNoise, Problem, WienerPath, engine_with};
use qsd::kernel::{Isa, LANES};
use qsd::model::library::{Choices, build, parse};
use qsd::model::{Drive, Factor, Function, Model, Modulation, Operator, Scalar, TimeFunction};
use qsd::unravelling::Unravelling;
use std::sync::Arc;

/// Values of the first observable at the end of a path, per lane.
fn end_values(model: &Model, method: Method, path: &WienerPath) -> [f64; LANES] {
    let unravelling = Unravelling::qsd(model, false);
    let problem = Arc::new(Problem::new(model, unravelling, &[], path.h));
    let mut engine = engine_with(method, problem, PathNoise::new(path.clone()), Isa::detect());
    engine.start(0);
    engine.advance(path.steps.len() as u64);
    engine.measure().observables[0].re.0
}

/// Errors of ensemble means and of single trajectories.
struct Errors {
    /// Mean difference to the reference.
    weak: f64,
    /// Its standard error.
    weak_sem: f64,
    /// Root mean square difference.
    strong: f64,
}

/// Errors at each coarsening of paths of `steps` steps of length `h`; the reference is `heun` on the finest.
fn errors(model: &Model, method: Method, h: f64, steps: usize, coarsenings: &[usize], batches: u64) -> Vec<Errors> {
    let channels = model.lindblads.len();
    let mut differences = vec![vec![]; coarsenings.len()];
    for batch in 0..batches {
        let fine = WienerPath::sample(17, batch, channels, h, steps);
        let reference = end_values(model, Method::Heun, &fine);
        for (differences, factor) in differences.iter_mut().zip(coarsenings) {
            let found = end_values(model, method, &fine.coarsen(*factor));
            differences.extend(found.iter().zip(&reference).map(|(x, r)| x - r));
        }
    }
    let summary = |d: &Vec<f64>| {
        let n = d.len() as f64;
        let weak = d.iter().sum::<f64>() / n;
        let square = d.iter().map(|d| d * d).sum::<f64>() / n;
        Errors { weak: weak.abs(), weak_sem: ((square - weak * weak) / n).sqrt(), strong: square.sqrt() }
    };
    differences.iter().map(summary).collect()
}

/// Slope of ln(error) over ln(step) by least squares; steps double.
fn slope(errors: impl Iterator<Item = f64>) -> f64 {
    let y: Vec<f64> = errors.map(f64::ln).collect();
    let n = y.len() as f64;
    let (mean_x, mean_y) = ((n - 1.0) / 2.0, y.iter().sum::<f64>() / n);
    let top: f64 = y.iter().enumerate().map(|(i, y)| (i as f64 - mean_x) * (y - mean_y)).sum();
    let bottom: f64 = (0..y.len()).map(|i| (i as f64 - mean_x).powi(2)).sum();
    top / bottom / std::f64::consts::LN_2
}

/// <n> of the Jaynes-Cummings system from vacuum.
fn jaynes_cummings() -> Model {
    let choices = Choices { nfock_a: Some(16), ..Choices::default() };
    let mut model = build(&parse("absorptive_bistable").expect("known"), &choices).expect("valid");
    model.observables.retain(|o| o.name == "n");
    model
}

/// The excited-state population of a driven, decaying qubit: its third cumulant separates weak orders.
fn qubit() -> Model {
    let sm = Operator::spin_minus(2);
    let h = (&sm + &sm.dag()).scale(1.0);
    let excited = &sm.dag() * &sm;
    let ground = vec![Complex64::ZERO, Complex64::ONE];
    system(Factor::spin("j", 2), h, vec![sm], ground, vec![("e", excited)])
}

/// The same with a drive and a decay that depend on time: H = (1 + cos(3t)) sigma_x, L = (1 + sin(2t)/2) sigma_-.
fn modulated_qubit() -> Model {
    let mut model = qubit();
    let wave = |f: Function, rate: f64| {
        let angle = Scalar::Multiply(Box::new(Scalar::Number(rate.into())), Box::new(Scalar::Time));
        Scalar::Call(f, Box::new(angle))
    };
    let half = Scalar::Multiply(Box::new(Scalar::Number(0.5.into())), Box::new(wave(Function::Sin, 2.0)));
    let decay = Scalar::Add(Box::new(Scalar::Number(Complex64::ONE)), Box::new(half));
    let drive = TimeFunction::Expression(wave(Function::Cos, 3.0));
    model.dynamics.drives = vec![Drive { operator: model.hamiltonian.clone(), coefficient: drive }];
    model.dynamics.modulations = vec![Modulation { lindblad: 0, coefficient: TimeFunction::Expression(decay) }];
    model
}

#[test]
fn time_dependence_costs_no_order() {
    let model = modulated_qubit();
    for info in &METHODS {
        let found = errors(&model, info.method, 1.0 / 1024.0, 1024, &[8, 16, 32], 40);
        let strong = slope(found.iter().map(|e| e.strong));
        println!("{}: strong order {strong:.2}, table {}", info.name, info.strong_order);
        assert!((strong - info.strong_order).abs() < 0.2, "{}: strong order {strong}", info.name);
        let found = errors(&model, info.method, 0.0125, 160, &[8, 16], 10_000);
        let weak = slope(found.iter().map(|e| e.weak));
        let error = (found[0].weak_sem / found[0].weak).hypot(found[1].weak_sem / found[1].weak) / 2f64.ln();
        println!("{}: weak order {weak:.2} +- {error:.2}, table {}", info.name, info.weak_order);
        assert!(error < 0.2, "{}: the slope is not resolved: +- {error}", info.name);
        assert!((weak - info.weak_order).abs() < 0.3 + 2.0 * error, "{}: weak order {weak}", info.name);
    }
}

#[test]
fn single_trajectories_converge_with_the_strong_order_of_the_table() {
    let model = jaynes_cummings();
    for info in &METHODS {
        // 1024 fine steps of 1/1024; coarse steps 1/256 .. 1/32.
        let found = errors(&model, info.method, 1.0 / 1024.0, 1024, &[4, 8, 16, 32], 40);
        let measured = slope(found.iter().map(|e| e.strong));
        println!("{}: strong order {measured:.2}, table {}", info.name, info.strong_order);
        assert!((measured - info.strong_order).abs() < 0.2, "{}: strong order {measured}", info.name);
    }
}

#[test]
fn ensemble_means_converge_with_the_weak_order_of_the_table() {
    let model = qubit();
    for info in &METHODS {
        // Paths of length 4; steps 0.1, 0.2, 0.4 against 0.0125 on the same noise.
        let found = errors(&model, info.method, 0.0125, 320, &[8, 16, 32], 20_000);
        let measured = slope(found.iter().map(|e| e.weak));
        // The slope's own error: relative errors of the two outer biases over ln 4.
        let error = (found[0].weak_sem / found[0].weak).hypot(found[2].weak_sem / found[2].weak) / 4f64.ln();
        for e in &found {
            println!("{}: bias {:.2e} +- {:.1e}", info.name, e.weak, e.weak_sem);
        }
        println!("{}: weak order {measured:.2} +- {error:.2}, table {}", info.name, info.weak_order);
        assert!(error < 0.15, "{}: the slope is not resolved: +- {error}", info.name);
        assert!((measured - info.weak_order).abs() < 0.25 + 2.0 * error, "{}: weak order {measured}", info.name);
    }
}
