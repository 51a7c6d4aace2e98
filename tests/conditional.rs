//! Functions of the ket of one trajectory, against the kets of the same run.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod laboratory;

use laboratory::{Found, run_line, spec};
use num_complex::Complex64;
use qsd::ensemble::Ensemble;
use qsd::input::FileModel;
use qsd::model::Operator;

/// `compare(ket)` is what the run has of `name`, at all times of all trajectories, to `rounding`.
#[track_caller]
fn assert_of_kets(found: &Found, name: &str, rounding: f64, compare: impl Fn(&[Complex64]) -> f64) {
    let (rows, kets) = (found.rows(name), found.states());
    let mut largest = 0.0f64;
    for (at, value) in rows.indexed_iter() {
        let ket: Vec<Complex64> = kets.slice(ndarray::s![at.0, at.1, ..]).to_vec();
        let exact = compare(&ket);
        assert!(value.im == 0.0 && (value.re - exact).abs() < rounding, "{name} at {at:?} is {value}, not {exact}");
        largest = largest.max(exact);
    }
    assert!(largest > 0.01, "{name} says something: {largest}");
}

/// |(A - <A>) psi|^2.
fn variance(operator: &Operator, ket: &[Complex64]) -> f64 {
    let mean = operator.expect(ket).re;
    operator.apply(ket).iter().zip(ket).map(|(y, x)| (y - mean * x).norm_sqr()).sum()
}

/// Of the spin, which is the faster index: its Bloch vector r gives the eigenvalues (1 +- |r|)/2.
fn entropy_of_spin(ket: &[Complex64]) -> f64 {
    let (mut up, mut down, mut coherence) = (0.0, 0.0, Complex64::ZERO);
    for pair in ket.chunks_exact(2) {
        up += pair[0].norm_sqr();
        down += pair[1].norm_sqr();
        coherence += pair[0] * pair[1].conj();
    }
    let r = ((up - down) * (up - down) + 4.0 * coherence.norm_sqr()).sqrt().min(1.0);
    let term = |p: f64| if p > 0.0 { -p * p.ln() } else { 0.0 };
    term(0.5 * (1.0 + r)) + term(0.5 * (1.0 - r))
}

const LINE: &str = "absorptive_bistable --Nfock_a 12 --ntraj 11 --first-trajectory 3 --duration 2 --store-states all";

#[test]
fn every_function_is_that_of_the_stored_kets() {
    let found = run_line(&format!("{LINE} --observe var(n),abs2(a) --observe entropy(j) --observe entropy(a)"));
    let model = &found.ensemble.model;
    let operator = |name: &str| model.observables.iter().find(|o| o.name == name).unwrap().quantity.operator().unwrap();
    assert_of_kets(&found, "var_n", 1e-12, |ket| variance(operator("n"), ket));
    assert_of_kets(&found, "abs2_a", 1e-13, |ket| operator("a").expect(ket).norm_sqr());
    // |r| is known to 1e-16, and near a pure state the entropy changes by 40 times that.
    assert_of_kets(&found, "entropy_j", 1e-13, entropy_of_spin);
    assert_of_kets(&found, "entropy_a", 1e-13, entropy_of_spin);
    assert!(found.mean("entropy_j", 2.0).1.re > 0.0, "it has a standard error like any other");
}

#[test]
fn what_is_observed_beside_changes_no_other_number() {
    let (with, without) = (run_line(&format!("{LINE} --observe var(n),entropy(j)")), run_line(LINE));
    assert_eq!(with.states(), without.states());
    for o in &without.ensemble.observables {
        assert_eq!(with.rows(&o.name), without.rows(&o.name), "{}", o.name);
    }
}

const FILE: &str = r#"
H = "Delta*a.dag*a + g*(a*q.plus + a.dag*q.minus)"
c_ops = ["sqrt(kappa)*a", "sqrt(2)*q.minus"]
initial = "a.fock(1)*q.up"
[space]
a = { fock = 5 }
q = "qubit"
[parameters]
Delta = 0.5
g = 2
kappa = 0.3
[e_ops]
vn = "var(n)"
n = "a.dag*a"
vx = { op = "var(a + a')", label = "Var X", description = "noise of a quadrature" }
light = "abs2(a)"
s = "entropy(q)"
"#;

#[test]
fn a_model_file_names_them_among_its_observables() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("m.toml");
    std::fs::write(&file, FILE).unwrap();
    let found =
        run_line(&format!("{} --duration 1 --save-dt 0.1 --dt 0.01 --ntraj 9 --store-states all", file.display()));
    let names: Vec<_> = found.ensemble.observables.iter().map(|o| o.name.as_str()).collect();
    assert_eq!(names, ["vn", "n", "vx", "light", "s"], "in the order of the file");
    let a = found.ensemble.model.space.destroy(0);
    assert_of_kets(&found, "vn", 1e-12, |ket| variance(&(&a.dag() * &a), ket));
    assert_of_kets(&found, "vx", 1e-12, |ket| variance(&(&a + &a.dag()), ket));
    assert_of_kets(&found, "light", 1e-13, |ket| a.expect(ket).norm_sqr());
    assert_of_kets(&found, "s", 1e-13, entropy_of_spin);
    let vx = &found.ensemble.observables[2];
    assert_eq!((vx.label.as_str(), vx.expression.as_str(), vx.hermitian), ("Var X", "var(a + a')", true));
    // The normal form is a model file and its own normal form.
    let model = FileModel::new(FILE.into()).unwrap();
    let again = Ensemble::new(qsd::input::RunSpec::from_toml(&found.ensemble.spec.to_toml()).unwrap()).unwrap();
    assert_eq!(again.observables, found.ensemble.observables);
    assert_eq!(again.spec.to_toml(), found.ensemble.spec.to_toml());
    assert!(model.text().contains("[e_ops]"));
}

#[test]
fn what_a_file_cannot_mean_is_shown_with_its_place() {
    let said = |from: &str, to: &str| {
        assert!(FILE.contains(from));
        FileModel::new(FILE.replace(from, to)).unwrap_err().to_string()
    };
    let error = said("\"var(n)\"", "\"var(nn)\"");
    assert!(error.contains("'nn' is neither another entry of [e_ops] nor an operator; did you mean n?"), "{error}");
    assert!(error.ends_with("|           ^^"), "the caret is below the name: {error}");
    assert!(said("\"var(n)\"", "\"vra(n)\"").contains("unknown function 'vra'; did you mean var?"));
    assert!(said("\"entropy(q)\"", "\"entropy(p)\"").contains("this is no factor"));
    assert!(said("\"abs2(a)\"", "\"var(a)\"").contains("a is not Hermitian"));
    assert!(said("\"abs2(a)\"", "\"abs2(vn)\"").contains("'vn' is neither"));
    assert!(said("\"abs2(a)\"", "\"abs2(b)\"").contains("'b' is neither"));
}

#[test]
fn a_name_on_the_command_line_is_looked_for_in_the_model() {
    let refused = |line: &str| Ensemble::new(spec(line)).unwrap_err().to_string();
    assert!(refused("absorptive_bistable --observe var(jzz)").contains("did you mean jz?"));
    assert!(refused("kerr_qubit --observe entropy(a)").contains("a is all of it"));
    assert!(refused("kerr_qubit --observe var(n) --target-tol var_m=0.1").contains("did you mean var_n?"));
}
