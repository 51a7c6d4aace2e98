//! Model files: the built-in regimes written as files give the same bits, the resolved input alone gives
//! them again, and the examples reach the numbers that are known for them.

mod laboratory;

use laboratory::{Found, run_line, run_spec, spec};
use num_complex::Complex64;
use qsd::input::{RunSpec, as_model_file};
use qsd::model::library;
use std::path::PathBuf;

fn real(x: f64) -> Complex64 {
    x.into()
}

/// The rows of two runs are the same, bit for bit.
fn assert_same_bits(a: &Found, b: &Found, what: &str) {
    let names = |found: &Found| found.ensemble.observables.iter().map(|o| o.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(a), names(b), "{what}");
    assert_eq!(a.ensemble.times, b.ensemble.times, "{what}");
    for name in names(a) {
        for (x, y) in a.rows(&name).iter().zip(&b.rows(&name)) {
            let bits = |z: &Complex64| (z.re.to_bits(), z.im.to_bits());
            assert_eq!(bits(x), bits(y), "{what}: {name} is {x} and {y}");
        }
    }
}

/// All example files.
fn examples() -> Vec<PathBuf> {
    let files = std::fs::read_dir("examples").expect("the examples").map(|entry| entry.expect("a file").path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).collect();
    files.sort();
    assert!(files.len() >= 10, "{files:?}");
    files
}

#[test]
fn a_regime_as_a_file_gives_the_same_bits() {
    let directory = tempfile::tempdir().expect("a directory");
    for (name, flags) in [
        ("absorptive_bistable", "--ntraj 9 --Nfock_a 14 --duration 0.4 --dt 0.01"),
        ("kerr_bistable", "--ntraj 9 --Nfock_a 20 --duration 0.02 --set Delta=90"),
        ("kerr_bistableA20.5", "--ntraj 8 --duration 0.004"),
        ("kerr_bistableB33.25", "--ntraj 8 --duration 0.002 --method em --dt 1e-5"),
        ("kerr_qubit", "--ntraj 8 --duration 0.04 --gauge slh"),
        ("empty_then_kerrA20.5", "--ntraj 8 --duration 0.004"),
    ] {
        let file = directory.path().join(format!("{name}.toml"));
        let regime = library::parse(name).expect(name);
        std::fs::write(&file, as_model_file(&regime).expect(name)).expect("a file");
        let (built_in, of_file) =
            (run_line(&format!("{name} {flags}")), run_line(&format!("{} {flags}", file.display())));
        assert_same_bits(&built_in, &of_file, name);
    }
}

#[test]
fn the_resolved_input_alone_gives_the_same_bits_again() {
    for file in examples() {
        let line = format!("{} --ntraj 3 --seed 5", file.display());
        let resolved = short(spec(&line));
        let again = RunSpec::from_toml(&resolved.to_toml()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert_eq!(again, resolved, "{line}");
        assert_eq!(again.to_toml(), resolved.to_toml(), "the normal form is its own normal form: {line}");
        assert_eq!(again.parameter_hash(), resolved.parameter_hash(), "{line}");
        assert_same_bits(&run_spec(resolved), &run_spec(again), &line);
    }
}

/// The same run, one save interval long where nothing forbids it.
fn short(mut spec: RunSpec) -> RunSpec {
    spec.time.intervals = 1;
    spec
}

#[test]
fn the_hash_is_that_of_the_meaning() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = std::fs::read_to_string("examples/fock-decay.toml").expect("an example");
    let hash = |name: &str, text: &str, flags: &str| {
        let file = directory.path().join(name);
        std::fs::write(&file, text).expect("a file");
        spec(&format!("{} {flags}", file.display())).parameter_hash()
    };
    let original = hash("a.toml", &text, "");
    let respelt = text
        .replace("# ", "# other words: ")
        .replace("\"a.dag*a\"\nc_ops", "\"a.dag * a\"\nc_ops")
        .replace("kappa = 0.2", "kappa = \"1/5\"")
        .replace("name = \"fock-decay\"", "")
        .replace("label = \"photons\", ", "");
    assert_ne!(respelt, text);
    assert_eq!(hash("b.toml", &respelt, "--seed 3 --ntraj 7 --first-trajectory 8"), original);
    assert_eq!(hash("a.toml", &text, "--set kappa=0.2"), original);
    assert_ne!(hash("a.toml", &text, "--set kappa=0.3"), original);
    assert_ne!(hash("a.toml", &text, "--initial fock(8)"), original);
    assert_ne!(hash("a.toml", &text.replace("n = {", "number = {"), ""), original);
}

#[test]
fn every_example_runs_and_its_name_is_that_of_its_file() {
    for file in examples() {
        let found = run_spec(short(spec(&format!("{} --ntraj 8", file.display()))));
        let stem = file.file_stem().expect("a name").to_string_lossy().into_owned();
        assert_eq!(found.ensemble.spec.origin.name(), stem);
        assert!(!found.ensemble.model.description.is_empty(), "{stem}");
        let text = std::fs::read_to_string(&file).expect("readable");
        for word in ["# Problem:", "# Source:", "# Look for:"] {
            assert!(text.contains(word), "{stem} has no line {word}");
        }
    }
}

/// A mean without noise: what is left is the error of the step, of second order in dt = 0.005.
fn assert_near(found: &Found, name: &str, t: f64, exact: Complex64) {
    let (mean, _) = found.mean(name, t);
    assert!((mean - exact).norm() < 1e-4, "<{name}>({t}) = {mean}, exact {exact}");
}

#[test]
fn coherent_examples_follow_their_equation_of_motion() {
    let rate = Complex64::new(0.5, 0.5);
    let alpha = -Complex64::I * 0.6 / rate;
    let found = run_line("examples/driven-cavity.toml --ntraj 8");
    for t in [1.0, 3.0, 10.0] {
        let faded = libm::exp(-0.5 * t) * Complex64::new(libm::cos(0.5 * t), -libm::sin(0.5 * t));
        assert_near(&found, "a", t, alpha * (1.0 - faded));
    }
    let found = run_line("examples/cascade.toml --ntraj 8 --dt 0.005");
    assert_near(&found, "a", 20.0, real(-1.0 + libm::exp(-10.0)));
    assert!((found.mean("b", 20.0).0 - real(0.5f64.sqrt())).norm() < 3e-4);
}

#[test]
fn a_sampled_pulse_drives_a_cavity_as_its_equation_says() {
    // da/dt = -r a - i E(t) for the triangle of the file, by the exact solution of each linear piece.
    let rate = Complex64::new(0.5, 1.5);
    let decayed = |t: f64| libm::exp(-rate.re * t) * Complex64::new(libm::cos(rate.im * t), -libm::sin(rate.im * t));
    // From a(0) with E = e + s t: a(t) = (a(0) + p) exp(-r t) - p + ... with the particular solution
    // -i [ (e + s t)/r - s/r^2 ].
    let piece = |a: Complex64, e: f64, s: f64, t: f64| {
        let particular = |t: f64| -Complex64::I * ((e + s * t) / rate - s / (rate * rate));
        (a - particular(0.0)) * decayed(t) + particular(t)
    };
    let at_2 = piece(Complex64::ZERO, 0.0, 1.2, 1.0);
    let at_3 = piece(at_2, 1.2, -1.2, 1.0);
    let found = run_line("examples/pulsed-cavity.toml --ntraj 8");
    for (t, exact) in [(1.0, Complex64::ZERO), (2.0, at_2), (3.0, at_3), (6.0, at_3 * decayed(3.0))] {
        assert_near(&found, "a", t, exact);
    }
    assert_near(&found, "a", 1.5, piece(Complex64::ZERO, 0.0, 1.2, 0.5));
}

/// The exact master equation in four states, whose coherent state is the displaced vacuum of these four.
#[test]
fn a_truncated_coherent_state_decays_as_its_master_equation_says() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("truncated.toml");
    let text = r#"
H = "a.dag*a"
c_ops = ["0.5*a"]
initial = { a = "coherent(0.5)" }
[space]
a = { fock = 4, exact = true }
[e_ops]
n = "a.dag*a"
x = "a + a'"
p = "(a - a')/1i"
"#;
    std::fs::write(&file, text).expect("a file");
    let found = run_line(&format!("{} --ntraj 4000 --duration 0.1 --save-dt 0.02 --dt 0.002", file.display()));
    for (name, exact) in [("n", 0.24374484), ("x", 0.98134277), ("p", -0.09846265)] {
        found.assert_mean(name, 0.1, real(exact), 4.0);
    }
}

#[test]
fn decaying_examples_follow_their_formulas() {
    let found = run_line("examples/fock-decay.toml --ntraj 2000");
    for t in [0.5, 2.5, 5.0] {
        found.assert_mean("n", t, real(9.0 * libm::exp(-0.2 * t)), 4.0);
    }
    let found = run_line("examples/fading-decay.toml --ntraj 2000");
    for t in [0.5, 2.0, 4.0] {
        found.assert_mean("n", t, real(9.0 * libm::exp(-0.2 * (1.0 - libm::exp(-t)))), 4.0);
    }
    let found = run_line("examples/thermal-cavity.toml --ntraj 2000");
    for t in [0.5, 2.0, 4.0] {
        found.assert_mean("n", t, real(0.5 * (1.0 - libm::exp(-t))), 4.0);
    }
}

#[test]
fn atoms_and_spins_of_the_examples_follow_their_formulas() {
    let found = run_line("examples/resonance-fluorescence.toml --ntraj 8000");
    for t in [12.0, 15.0] {
        found.assert_mean("excited", t, real(1.0 / 6.0), 4.0);
    }
    let found = run_line("examples/localisation.toml --ntraj 8000");
    let z = found.rows("z");
    for (s, exact) in [(0.25, 0.2040542656), (0.5, 0.3501134047), (1.0, 0.5504004908)] {
        let squares: Vec<f64> = z.column(found.at(s / 2.0)).iter().map(|z| z.re * z.re).collect();
        let n = squares.len() as f64;
        let mean = squares.iter().sum::<f64>() / n;
        let sem = (squares.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0) / n).sqrt();
        assert!((mean - exact).abs() < 4.0 * sem, "E[z^2](s = {s}) = {mean} +- {sem}, exact {exact}");
    }
    found.assert_mean("x", 0.5, real(libm::exp(-1.0)), 4.0);
}

#[test]
fn the_parametric_example_squeezes_every_trajectory_alike() {
    let (k, e) = (1.0f64, 0.1f64);
    let found = run_line("examples/parametric-oscillator.toml --ntraj 2000");
    let (x, xx) = (found.rows("x"), found.rows("xx"));
    let last = x.ncols() - 1;
    let expected = (2.0 * e + (k * k + 4.0 * e * e).sqrt()) / k;
    for (x, xx) in x.column(last).iter().zip(xx.column(last)) {
        let variance = xx.re - x.re * x.re;
        assert!((variance - expected).abs() < 2e-3, "conditional variance {variance}, {expected}");
    }
    found.assert_mean("n", 12.0, real(1.0 / 48.0), 4.0);
}

#[test]
fn a_pulse_turns_a_qubit_and_its_edges_are_exact() {
    // Torrey: from the ground state at the edge t0, on resonance.
    let (omega, gamma, t0) = (3.0f64, 1.0f64, 0.33);
    let t1 = t0 + std::f64::consts::PI / omega;
    let within = |t: f64| {
        let mu = (omega * omega - gamma * gamma / 16.0).sqrt();
        let steady = omega * omega / (gamma * gamma + 2.0 * omega * omega);
        let swing = libm::cos(mu * t) + 0.75 * gamma / mu * libm::sin(mu * t);
        steady * (1.0 - libm::exp(-0.75 * gamma * t) * swing)
    };
    let found = run_line("examples/pulsed-qubit.toml --ntraj 8000");
    for t in [0.25, 0.5, 1.0, 1.25, 1.5, 2.0, 4.0] {
        let exact = if t < t0 {
            0.0
        } else if t < t1 {
            within(t - t0)
        } else {
            within(t1 - t0) * libm::exp(-gamma * (t - t1))
        };
        found.assert_mean("excited", t, real(exact), 4.0);
    }
}
