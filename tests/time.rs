//! Systems that depend on time, against their analytic means.

mod laboratory;

use laboratory::{by_hand, run_system, system};
use num_complex::Complex64;
use qsd::model::{Drive, Dynamics, Factor, Function, Interpolation, Model, Modulation, Operator, Scalar, TimeFunction};

fn times(x: impl Into<Complex64>, y: Scalar) -> Scalar {
    Scalar::Multiply(Box::new(Scalar::Number(x.into())), Box::new(y))
}

fn call(f: Function, x: Scalar) -> Scalar {
    Scalar::Call(f, Box::new(x))
}

fn fock(dim: usize, n: usize) -> Vec<Complex64> {
    (0..dim).map(|i| if i == n { Complex64::ONE } else { Complex64::ZERO }).collect()
}

/// H = a.dag*a, L = sqrt(0.2 exp(-t)) a from |9>.
fn fading_decay() -> Model {
    let a = Operator::destroy(10);
    let number = &a.dag() * &a;
    let factor = Factor { exact: true, ..Factor::fock("a", 10) };
    let mut model = system(factor, number.clone(), vec![a.scale(0.2f64.sqrt())], fock(10, 9), vec![("n", number)]);
    let coefficient = TimeFunction::Expression(call(Function::Exp, times(-0.5, Scalar::Time)));
    model.dynamics.modulations = vec![Modulation { lindblad: 0, coefficient }];
    model
}

#[test]
fn a_rate_that_fades_leaves_the_analytic_number() {
    // <n> = 9 exp(-0.2 (1 - exp(-t))).
    for (method, dt) in [("heun", 0.02), ("rk4p1", 0.05), ("em", 2e-4)] {
        let line = format!("kerr_bistable --ntraj 1600 --duration 2 --save-dt 0.5 --dt {dt} --method {method}");
        let found = run_system(fading_decay(), &line);
        for t in [0.5f64, 1.0, 1.5, 2.0] {
            found.assert_mean("n", t, (9.0 * (-0.2 * (1.0 - (-t).exp())).exp()).into(), 4.0);
        }
    }
}

const KAPPA: f64 = 1.0;
const DETUNING: f64 = 0.7;
const EDGES: [f64; 4] = [0.337, 1.2913, 1.7, 2.2071];
const HEIGHTS: [f64; 2] = [0.9, -0.6];

/// A damped oscillator under two square pulses, at rest in the vacuum.
fn pulsed(coefficient: TimeFunction) -> Model {
    let dim = 14;
    let a = Operator::destroy(dim);
    let h = (&a.dag() * &a).scale(DETUNING);
    let seen = vec![("a", a.clone()), ("n", &a.dag() * &a)];
    let factor = Factor { exact: true, ..Factor::fock("a", dim) };
    let mut model = system(factor, h, vec![a.scale(KAPPA.sqrt())], fock(dim, 0), seen);
    model.dynamics.drives = vec![Drive { operator: &a + &a.dag(), coefficient }];
    model
}

/// <a> of the pulsed oscillator: d<a>/dt = -(i w + kappa/2) <a> - i f(t).
fn amplitude(t: f64) -> Complex64 {
    let rate = Complex64::new(0.5 * KAPPA, DETUNING);
    let pulse = |from: f64, to: f64, height: f64| {
        let (from, to) = (from.min(t), to.min(t));
        -Complex64::I * height * ((-rate * (t - to)).exp() - (-rate * (t - from)).exp()) / rate
    };
    pulse(EDGES[0], EDGES[1], HEIGHTS[0]) + pulse(EDGES[2], EDGES[3], HEIGHTS[1])
}

#[test]
fn pulses_begin_and_end_where_they_say() {
    // The state stays coherent, so every trajectory has the analytic amplitude up to the error of the step,
    // O(h^2) for heun. A pulse seen half a step too late would be off by 0.9 h/2 = 5e-3.
    let [a, b, c, d] = EDGES;
    let pulses = TimeFunction::pulses(&[(a, b, HEIGHTS[0].into()), (c, d, HEIGHTS[1].into())]).expect("pulses");
    let heights: Vec<Complex64> = [0.0, HEIGHTS[0], 0.0, HEIGHTS[1], 0.0, 0.0].map(Complex64::from).into();
    let staircase = TimeFunction::table(vec![0.0, a, b, c, d, 3.0], heights, Interpolation::Step).expect("a table");
    for coefficient in [pulses, staircase] {
        let found = run_system(pulsed(coefficient), "kerr_bistable --ntraj 8 --duration 3 --save-dt 0.25 --dt 0.01");
        let values = found.rows("a");
        for (at, t) in found.ensemble.times.iter().enumerate() {
            for value in values.column(at) {
                assert!((value - amplitude(*t)).norm() < 1e-4, "<a>({t}) = {value}, exact {}", amplitude(*t));
            }
        }
        // 12 intervals of 25 steps; three edges lie between two of them and cost a step more each, 1.7 lies on one.
        assert_eq!(found.ensemble.steps(), 12 * 25 + 3);
    }
}

#[test]
fn a_line_between_samples_is_followed() {
    // f(t) = t/2 up to t = 2: d<a>/dt = -r <a> - i t/2 has <a> = -(i/2)(r t - 1 + exp(-r t))/r^2.
    let table =
        TimeFunction::table(vec![0.0, 0.3, 2.0], vec![0.0.into(), 0.15.into(), 1.0.into()], Interpolation::Linear);
    let found =
        run_system(pulsed(table.expect("a table")), "kerr_bistable --ntraj 8 --duration 2 --save-dt 0.5 --dt 0.01");
    let rate = Complex64::new(0.5 * KAPPA, DETUNING);
    for t in [0.5, 1.0, 1.5, 2.0] {
        let exact = -0.5 * Complex64::I * (rate * t - 1.0 + (-rate * t).exp()) / (rate * rate);
        let (mean, _) = found.mean("a", t);
        assert!((mean - exact).norm() < 5e-5, "<a>({t}) = {mean}, exact {exact}");
    }
}

#[test]
fn a_coefficient_without_meaning_is_refused_before_the_run() {
    let refuse = |model: Model| {
        let line = "kerr_bistable --ntraj 8 --duration 3 --save-dt 0.5 --dt 0.01";
        by_hand(model, line).expect_err("nonsense").to_string()
    };
    let table =
        TimeFunction::table(vec![0.0, 2.0], vec![0.0.into(), 1.0.into()], Interpolation::Linear).expect("a table");
    assert!(refuse(pulsed(table)).contains("ends at t = 2, and the run at 3"));
    let turning = call(Function::Exp, times(Complex64::I, Scalar::Time));
    assert!(refuse(pulsed(TimeFunction::Expression(turning))).contains("comes with its Hermitian conjugate"));
    let modulations = vec![Modulation { lindblad: 1, coefficient: TimeFunction::Expression(Scalar::Time) }];
    let model = Model { dynamics: Dynamics { modulations, ..Dynamics::default() }, ..fading_decay() };
    assert!(refuse(model).contains("there is no such c_op"));
}

#[test]
fn a_step_that_only_the_height_of_a_pulse_makes_unstable_is_refused() {
    // A detuning of 2000 for a moment: |h lambda| = 13 * 2000 * 0.01 in the middle of a calm run.
    let mut model = fading_decay();
    let pulse = TimeFunction::pulses(&[(1.003, 1.0031, 2000.0.into())]).expect("a pulse");
    model.dynamics.drives = vec![Drive { operator: model.hamiltonian.clone(), coefficient: pulse }];
    let line = "kerr_bistable --ntraj 8 --duration 2 --save-dt 0.5 --dt 0.01";
    let check = |model: Model| by_hand(model, line).expect("a model").check_step();
    assert_eq!(check(fading_decay()).map_err(|error| error.to_string()), Ok(()));
    assert!(check(model).expect_err("unstable").to_string().contains("unstable for heun"));
}

#[test]
fn saba_refuses_what_it_cannot_integrate_and_says_what_can() {
    let line = "kerr_bistable --ntraj 8 --duration 2 --save-dt 0.5 --dt 0.01";
    let error = by_hand(fading_decay(), &format!("{line} --method saba")).expect_err("it depends on time").to_string();
    assert!(error.contains("do not depend on time") && error.contains("--method heun"), "{error}");
    assert_eq!(by_hand(fading_decay(), line).expect("a model").spec.method.name(), "heun");
}
