//! What a model file may say, and what it is told if it says something else.

use super::*;
use crate::model::{Operator, TimeFunction};
use num_complex::Complex64;
use std::path::Path;

const FILE: &str = r#"
H = ["Delta*a.n", { op = "a + a'", coeff = "E*cos(w*t)" }, { op = "q.sx", pulse = [[0, "2*pi", 0.5]] }]
c_ops = { cavity = "sqrt(kappa)*a", atom = { op = "q.sm", table = { t = [0, 1], value = [1, "1+2i"] }, interpolation = "step" } }
initial = { a = "coherent(z)", q = "up - down" }

[space]
b = { levels = 2 }
a = { fock = 6 }
q = "qubit"

[parameters]
kappa = 0.25
Delta = "4*kappa"
E = 0.5
w = 2
z = "0.5 + 0.25i"

[e_ops]
n = { op = "a.n", label = "photons", unit = "photon" }
c = "a*q.sp"
"#;

fn file() -> String {
    FILE.replace("initial = { a", "initial = { b = \"basis(1)\", a")
}

fn found(text: &str, overrides: &Overrides) -> Described {
    read(Source { name: "m.toml", text }, "m", Path::new(""), overrides).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(text: &str) -> String {
    let source = Source { name: "m.toml", text };
    read(source, "m", Path::new(""), &Overrides::default()).expect_err(text).to_string()
}

#[test]
fn a_file_is_the_model_that_it_describes() {
    let Described { model, .. } = found(&file(), &Overrides::default());
    let space = &model.space;
    assert_eq!(space.factors.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["b", "a", "q"], "as in the file");
    let a = space.destroy(1);
    assert_eq!(model.hamiltonian, &a.dag() * &a, "Delta = 4 kappa = 1");
    assert_eq!(model.lindblads[0], a.scale(0.5));
    let [drive, pulse] = &model.dynamics.drives[..] else { panic!("two drives") };
    assert_eq!(drive.operator, &a + &a.dag());
    assert_eq!(drive.coefficient.value(0.3), (0.5 * libm::cos(0.6)).into());
    assert_eq!((pulse.coefficient.value(6.2), pulse.coefficient.value(6.3)), (0.5.into(), Complex64::ZERO));
    let [modulation] = &model.dynamics.modulations[..] else { panic!("one modulation") };
    assert!(modulation.lindblad == 1 && matches!(modulation.coefficient, TimeFunction::Table(_)));
    let norm: f64 = model.initial.iter().map(|x| x.norm_sqr()).sum();
    assert!((norm - 1.0).abs() < 1e-14);
    assert!(model.initial[..12].iter().all(|x| *x == Complex64::ZERO), "b is in its second state");
    assert_eq!((model.observables[0].label.as_str(), model.observables[0].unit.as_str()), ("photons", "photon"));
    let parameters: Vec<(&str, f64)> = model.parameters.iter().map(|p| (p.name.as_str(), p.value)).collect();
    assert_eq!(parameters[4..], [("z_re", 0.5), ("z_im", 0.25)]);
}

#[test]
fn the_normal_form_is_a_file_and_its_own_normal_form() {
    let first = found(&file(), &Overrides::default());
    let second = found(&first.text, &Overrides::default());
    assert_eq!(second.text, first.text);
    assert_eq!(second.meaning, first.meaning);
    assert_eq!(second.model.hamiltonian, first.model.hamiltonian);
    assert_eq!(second.model.initial, first.model.initial);
    assert_eq!(format!("{:?}", second.model.dynamics), format!("{:?}", first.model.dynamics));
}

#[test]
fn the_command_line_replaces_parameters_sizes_and_the_initial_state() {
    let overrides = Overrides {
        set: vec![("kappa".into(), "1/2^2 + 0.75".into()), ("z".into(), "0.1j".into())],
        fock: vec![("a".into(), 4, true)],
        initial: Some("a.fock(3)*b.basis(0)*q.down".into()),
    };
    let Described { model, text, .. } = found(&file(), &overrides);
    assert_eq!((model.space.factors[1].dim, model.space.factors[1].exact), (4, true));
    let a = model.space.destroy(1);
    assert_eq!(model.hamiltonian, (&a.dag() * &a).scale(4.0), "expressions of a parameter follow it");
    assert_eq!(model.initial.iter().position(|x| *x == Complex64::ONE), Some(7));
    assert!(text.contains("kappa = 1.0\nDelta = 4.0") && text.contains("z = \"0.1i\""), "{text}");
    let wrong = |overrides| {
        let source = Source { name: "m.toml", text: FILE };
        read(source, "m", Path::new(""), &overrides).expect_err("nonsense").to_string()
    };
    let set = |name: &str, value: &str| Overrides { set: vec![(name.into(), value.into())], ..Overrides::default() };
    assert!(wrong(set("kapa", "1")).contains("unknown parameter for --set 'kapa'; did you mean kappa?"));
    assert!(wrong(set("kappa", "2*w")).starts_with("--set kappa:1:3: unknown name 'w'"));
    assert!(wrong(set("kappa", "-1")).contains("sqrt of -1, with kappa = -1; a rate must not be negative"));
    let fock = Overrides { fock: vec![("q".into(), 4, false)], ..Overrides::default() };
    assert!(wrong(fock).contains("unknown mode for --fock 'q'"));
}

#[test]
fn mistakes_name_line_column_and_the_nearest_word() {
    let mut wrong = vec![];
    for (from, to, place, what) in [
        ("c_ops", "cops", "3:1", "the file has no key 'cops'; did you mean c_ops?"),
        ("[e_ops]", "[eops]", "18:2", "no key 'eops'; did you mean e_ops?"),
        ("levels = 2", "level = 2", "7:7", "a factor of [space] has no key 'level'; did you mean levels?"),
        ("levels = 2", "levels = 1", "7:16", "keeps 2 to 1048576 states, not 1"),
        ("fock = 6", "fock = 6.5", "8:14", "expected a whole number, found a number"),
        ("fock = 6", "fock = 600000", "6:1", "more than 1048576 basis states"),
        ("\"qubit\"", "\"qbit\"", "9:5", "not \"qbit\""),
        ("\"qubit\"", "{ spin = 0.4 }", "9:14", "a spin is 0.5, 1, 1.5"),
        ("\"qubit\"", "{ spin = 0.5, exact = true }", "9:5", "exact is for modes"),
        ("kappa = 0.25", "kappa = true", "12:9", "expected an expression in quotes, found true or false"),
        ("kappa = 0.25", "kappa = nan", "12:9", "expected a finite number"),
        ("kappa = 0.25", "pi = 3\nkappa = 0.25", "12:1", "a parameter cannot be called 'pi'"),
        ("kappa = 0.25", "a = 3\nkappa = 0.25", "12:1", "a factor of the space has that name"),
        ("kappa = 0.25", "seed = 3\nkappa = 0.25", "12:1", "has a parameter 'seed' of its own"),
        ("\"4*kappa\"", "\"4*kapa\"", "13:12", "unknown name 'kapa'; did you mean kappa?"),
        ("\"4*kappa\"", "\"4*E\"", "13:12", "unknown name 'E'"),
        ("w = 2", "kappa = 2", "15:1", "duplicate key"),
        ("\"Delta*a.n\"", "\"Delta*a\"", "2:5", "H is not Hermitian"),
        ("\"Delta*a.n\"", "[1]", "2:6", "expected an expression in quotes or a table"),
        ("op = \"a + a'\"", "opp = \"a + a'\"", "2:21", "no key 'opp'; did you mean op?"),
        ("coeff = \"E*cos(w*t)\"", "coeff = \"E*cos(w*s)\"", "2:53", "unknown name 's'"),
        ("coeff = \"E*cos(w*t)\"", "coeff = \"a\"", "2:44", "operators belong in op"),
        ("coeff = \"E*cos(w*t)\"", "coeff = 1, pulse = []", "2:47", "one of coeff, pulse and table"),
        ("coeff = \"E*cos(w*t)\"", "interpolation = \"step\"", "2:36", "interpolation belongs to a table"),
        ("[[0, \"2*pi\", 0.5]]", "[[0, 1]]", "2:84", "a list of pulses [start, end, value]"),
        ("[[0, \"2*pi\", 0.5]]", "[[2, 1, 1]]", "2:83", "lasts no time"),
        ("value = [1, \"1+2i\"]", "value = [1]", "3:67", "2 times and 1 values"),
        ("\"step\"", "\"spline\"", "3:120", "linear or step, not 'spline'"),
        ("q = \"up - down\"", "q = \"up - up\"", "4:11", "this state has no norm"),
        (", q = \"up - down\"", "", "4:11", "the state of q is missing"),
        ("q = \"up - down\"", "p = \"up\"", "4:48", "there is no factor 'p'"),
        ("coherent(z)", "coherent(9*z)", "4:34", "photons and a keeps 6"),
        ("c = \"a*q.sp\"", "time = \"a\"", "20:1", "cannot be called 'time': the results file uses it itself"),
        ("c = \"a*q.sp\"", "c_sem = \"a\"", "20:1", "names that end in _sem"),
        ("c = \"a*q.sp\"", "c = { op = \"a\", lable = \"x\" }", "20:17", "did you mean label?"),
        ("c = \"a*q.sp\"", "c = { elements = [[24, 0, 1, 0]] }", "20:19", "outside the 24 states"),
        ("c = \"a*q.sp\"", "c = \"a*q.sp\"\n[run]\nntraj = \"x\"", "22:9", "invalid value 'x'"),
        ("c = \"a*q.sp\"", "c = \"a*q.sp\"\n[run]\nntrajs = 3", "22:1", "did you mean ntraj?"),
        ("c = \"a*q.sp\"", "c = \"a*q.sp\"\n[run]\nquiet = true", "22:1", "no place in [run]: messages begin"),
    ] {
        let text = file();
        assert!(text.contains(from), "{from}");
        let said = refusal(&text.replacen(from, to, 1));
        if !said.contains(what) || !said.starts_with(&format!("m.toml:{place}: ")) {
            wrong.push(format!("{to}: expected {place} {what}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_missing_is_asked_for_with_an_example() {
    for key in ["H", "c_ops", "initial"] {
        let text: String =
            file().lines().filter(|line| !line.starts_with(key)).map(|line| format!("{line}\n")).collect();
        assert!(refusal(&text).contains(&format!("the model has no {key}; say, for instance, ")), "{key}");
    }
}

#[test]
fn a_c_op_that_is_zero_is_left_out_aloud_and_never_all_of_them() {
    let text = file().replace("\"sqrt(kappa)*a\"", "\"0*a\"");
    let found = found(&text, &Overrides::default());
    assert_eq!(found.warnings, ["c_op cavity is zero and left out"]);
    assert_eq!((found.model.lindblads.len(), found.model.dynamics.modulations[0].lindblad), (1, 0));
    let none: String = text
        .lines()
        .map(|line| if line.starts_with("c_ops") { "c_ops = [\"0\"]\n".into() } else { format!("{line}\n") })
        .collect();
    assert!(refusal(&none).contains("every c_op is zero; a closed system has c_ops = []"));
}

#[test]
fn samples_beside_the_file_come_inside() {
    let directory = tempfile::tempdir().expect("a directory");
    let text = file().replace("coeff = \"E*cos(w*t)\"", "table = \"drive.csv\"");
    let source = Source { name: "m.toml", text: &text };
    let read_with = |csv: &str| {
        std::fs::write(directory.path().join("drive.csv"), csv).expect("a file");
        read(source, "m", directory.path(), &Overrides::default())
    };
    let found = read_with("# made by hand\nt, Re, Im\n0, 1, 0\n2, 3, -1\n").expect("a table");
    assert_eq!(found.model.dynamics.drives[0].coefficient.value(1.0), Complex64::new(2.0, -0.5));
    assert!(found.text.contains("table = { t = [0.0, 2.0], value = [1.0, \"3-1i\"] }, interpolation = \"linear\""));
    let said = read_with("0,1\n1,x\n").expect_err("a word").to_string();
    assert!(said.contains("drive.csv:2:1: expected the numbers t, Re"), "{said}");
    assert!(refusal(&text).contains("cannot read drive.csv"));
}

#[test]
fn elements_are_kept_bit_for_bit() {
    let odd = 0.1 + 0.2;
    let text = format!(
        "H = {{ elements = [[0, 1, {odd:?}, 5e-324], [1, 0, {odd:?}, -5e-324]] }}\nc_ops = []\n\
         initial = {{ amplitudes = [3, \"4i\"] }}\nspace.s = {{ levels = 2 }}\ne_ops.z = \"s.proj(1)\"\n"
    );
    let first = found(&text, &Overrides::default());
    let h = Operator::from_elements(2, [((0, 1), Complex64::new(odd, 5e-324)), ((1, 0), Complex64::new(odd, -5e-324))]);
    assert_eq!(first.model.hamiltonian, h);
    assert_eq!(first.model.initial, [0.6.into(), Complex64::new(0.0, 0.8)]);
    assert_eq!(found(&first.text, &Overrides::default()).model.hamiltonian, h);
}

#[test]
fn a_term_in_the_place_of_named_c_ops_is_refused() {
    for c_ops in [r#"{ op = "sqrt(kappa)*a", coeff = "2" }"#, r#"{ op = "sqrt(kappa)*a", pulse = [[0, 1, 1]] }"#] {
        let from = FILE.find("c_ops").expect("it has some");
        let end = from + FILE[from..].find('\n').expect("a line");
        let text = file().replace(&FILE[from..end], &format!("c_ops = {c_ops}"));
        let said = refusal(&text);
        assert!(said.contains("m.toml:3:") && said.contains("write c_ops = [{ op"), "{said}");
    }
}

#[test]
fn a_parameter_that_no_expression_names_is_mentioned() {
    let unused = |text: &str, overrides: &Overrides| found(text, overrides).warnings;
    assert_eq!(unused(&file(), &Overrides::default()), Vec::<String>::new());
    let text = file().replace("w = 2", "w = 2\nkapa = 3\nunit = 1").replace("\"photons\"", "\"kapa photons\"");
    let expected = ["kapa", "unit"].map(|name| format!("the parameter {name} is used nowhere in the file"));
    assert_eq!(unused(&text, &Overrides::default()), expected);
    let initial = Some("a.coherent(kapa/unit/9)*b.basis(0)*q.up".into());
    assert_eq!(unused(&text, &Overrides { initial, ..Overrides::default() }), Vec::<String>::new());
}

#[test]
fn what_the_length_of_the_run_decides_is_shown_with_its_place() {
    let checked = |text: &str, duration: f64| {
        let times: Vec<f64> = (0..=10).map(|j| 0.1 * f64::from(j) * duration).collect();
        let source = Source { name: "m.toml", text };
        found(text, &Overrides::default()).check_times(source, duration, &times)
    };
    let text = file().replace("\"2*pi\", 0.5]]", "0.25, 0.5], [1, 2, 3]]");
    assert_eq!(
        checked(&text, 1.0).expect("fine"),
        ["term 3 of H: the pulse from 1 to 2 does nothing, the run goes from 0 to 1"]
    );
    assert_eq!(checked(&text, 0.9).expect("fine").len(), 1);
    let refusal = |text: &str, duration| checked(text, duration).expect_err("no value").to_string();
    let said = refusal(&text, 1.5);
    assert!(said.starts_with("m.toml:3:44: c_op atom: table: it ends at t = 1, and the run at 1.5"), "{said}");
    let pole = refusal(&text.replace("E*cos(w*t)", "1/(t - 0.5)"), 1.0);
    assert!(pole.starts_with("m.toml:2:19: term 2 of H: its coefficient is not finite at t = 0.5"), "{pole}");
    let skew = refusal(&text.replace("a + a'", "a"), 1.0);
    assert!(skew.starts_with("m.toml:2:5: H(t) at t = 0: element"), "{skew}");
}
