//! Networks of components from model files, against what is known about them.

mod common;
mod laboratory;

use num_complex::Complex64;
use qsd::model::Operator;
use serde_json::Value;

/// The final means of an example: names of complex observables and what is expected.
///
/// Coherent states have no noise, so what differs is the error of the step: of order (rate dt)^2 with dt = 1/500 and
/// rates up to 4.
fn assert_ends_at(file: &str, flags: &[&str], expected: &[(&str, Complex64)]) {
    let path = common::in_package(file);
    let mut words =
        vec!["run", path.to_str().expect("a plain path"), "--json", "--ntraj=2", "--dt=2e-3", "--threads=1"];
    words.extend(flags);
    let outcome = common::run_qsd(words).expect_code(0);
    let document: Value = serde_json::from_str(&outcome.stdout).expect("a JSON document");
    for (name, expected) in expected {
        let mean = &document["observables"][name]["mean"];
        let part = |key: &str| mean[key].as_f64().unwrap_or_else(|| panic!("no {key} of {name} in {document:#}"));
        let found = Complex64::new(part("re"), part("im"));
        assert!((found - expected).norm() < 2e-5, "{file} {flags:?}: <{name}> is {found}, not {expected}");
    }
}

#[test]
fn a_cascade_follows_the_equations_of_its_amplitudes() {
    // examples/cascade-components.toml has the equations; their solution from vacuum, with l = i Delta + kappa/2 of each cavity.
    let (k1, k2, eta, beta, t) = (1.0f64, 2.0f64, 0.8f64, 0.6, 5.0);
    let (l1, l2) = (Complex64::new(0.5 * k1, 0.5), Complex64::new(0.5 * k2, -0.25));
    let decayed = |l: Complex64| (-l * t).exp();
    let steady = -k1.sqrt() * beta / l1;
    let a = steady * (1.0 - decayed(l1));
    let constant = (k1.sqrt() * steady + beta) * (1.0 - decayed(l2)) / l2;
    let transient = k1.sqrt() * steady * (decayed(l1) - decayed(l2)) / (l2 - l1);
    let b = -(k2 * eta).sqrt() * (constant - transient);
    assert_ends_at("examples/cascade-components.toml", &[], &[("a", a), ("b", b)]);
}

/// The same two cavities in both spellings: without loss and detuning the operators are equal to rounding.
#[test]
fn a_cascade_by_components_is_the_cascade_by_hand() {
    let model = |line: &str| laboratory::spec(line).model().expect(line);
    let hand = model("examples/cascade.toml --set beta=0.6");
    let network = model("examples/cascade-components.toml --set eta=1 --set Delta1=0 --set Delta2=0");
    let apart = |a: &Operator, b: &Operator| (a - b).elements().map(|(_, z)| z.norm()).fold(0.0, f64::max);
    assert!(apart(&network.hamiltonian, &hand.hamiltonian) < 1e-14);
    assert_eq!((network.lindblads.len(), hand.lindblads.len()), (1, 1), "the fibre loses nothing");
    assert!(apart(&network.lindblads[0], &hand.lindblads[0]) < 1e-14);
}

#[test]
fn feedback_changes_the_linewidth_and_the_frequency_of_a_cavity() {
    let (t, duration) = (0.6, 4.0);
    for (phi, text) in [(std::f64::consts::PI, "phi=pi"), (0.0, "phi=0"), (1.2, "phi=1.2")] {
        let z = Complex64::from_polar(t, phi);
        let open = (1.0 - z).norm_sqr();
        let (decay, detuning) = ((1.0 - t * t) / open, z.im / open);
        let a = 1.5 * (-Complex64::new(decay / 2.0, detuning) * duration).exp();
        assert_ends_at("examples/feedback.toml", &["--set", text], &[("a", a)]);
    }
}

#[test]
fn a_dry_run_prints_the_network_as_one_component() {
    let path = common::in_package("examples/feedback.toml");
    let path = path.to_str().expect("a plain path");
    let text = common::run_qsd(["run", path, "--dry-run"]).expect_code(0).stdout;
    let row = |name: &str, cell: &str| format!("#   {name:<16}  {cell:>16}\n");
    let outside = "splitter.outside";
    for line in [row("S", outside), row(outside, "1"), format!("#   L {outside} = -0.5*a\n"), "#   H = 0\n".into()] {
        assert!(text.contains(&line), "{line}\n{text}");
    }
    let json = common::run_qsd(["run", path, "--dry-run", "--json"]).expect_code(0).stdout;
    let document: Value = serde_json::from_str(&json).expect("a JSON document");
    assert_eq!(document["network"]["L"], serde_json::json!(["-0.5*a"]));
}

#[test]
fn the_network_of_the_readme_is_a_model() {
    let readme = std::fs::read_to_string(common::in_package("README.md")).expect("a README.md");
    let (_, section) = readme.split_once("\n## Networks of components\n").expect("the section");
    let (_, block) = section.split_once("```toml\n").expect("an example");
    let (network, _) = block.split_once("```").expect("the end of the example");
    let space = "initial = \"vacuum\"\n[space]\na = { fock = 8 }\n[parameters]\nchi = -0.1\n[e_ops]\nn = \"a.n\"\n";
    let directory = common::temporary_directory();
    let path = directory.path().join("readme.toml");
    std::fs::write(&path, format!("{space}{network}")).expect("a file");
    let words = ["run", path.to_str().expect("a plain path"), "--duration=1", "--dry-run"];
    let text = common::run_qsd(words).expect_code(0).stdout;
    // The loop of t = 0.6: amplitude -r/(1 - t) = -2, and the drive enters with S = -1.
    assert!(text.contains("#   L splitter.0 = (-2-1i) - 2*a\n"), "{text}");
}
