//! Systems given as matrices, in JSON: those of the original simulator, and our own for other programs.
//!
//! Both become the text of a model file, so that one reader judges them and the results file keeps one form.
//!
//! The original simulator's operators are diagonals in scipy's DIA convention: `data[k][column]` is the
//! element at row = column - `offsets[k]`. Its `H_eff` is -iH - 1/2 sum L^dag L; of two systems, the first two
//! operators are linked. Ours list elements by row
//! and column:
//!
//! ```json
//! { "qsd_model": 1, "space": [["a", {"fock": 5}]], "H": {"row": [0], "col": [1], "real": [1.0], "imag": [0.0]},
//!   "c_ops": [], "e_ops": [["n", {"row": [], "col": [], "real": [], "imag": []}]],
//!   "psi0": {"real": [1.0], "imag": [0.0]} }
//! ```

use super::InputError;
use super::link::filter_time;
use super::model_file::{link_toml, quoted, real};
use crate::model::Operator;
use crate::model::library::Pair;
use num_complex::Complex64;
use serde::Deserialize;
use serde_json::Value;

/// What may be left of H - H^dag and the like, relative to the largest element: the file was printed with its digits.
const HERMITIAN: f64 = 1e-9;

/// The model file that says the same as a JSON file.
///
/// # Errors
/// What is missing, misspelt or of the wrong shape, with file, line and column or the key.
pub fn as_model_file(name: &str, text: &str) -> Result<(String, Vec<String>), InputError> {
    let refuse = |what: String| InputError::Source(format!("{name}: {what}"));
    let parsed: Value = serde_json::from_str(text).map_err(|error| of_serde(name, &error))?;
    if parsed.get("qsd_model").is_some() {
        let matrices: Matrices = serde_json::from_str(text).map_err(|error| of_serde(name, &error))?;
        return matrices.as_model_file().map(|text| (text, vec![])).map_err(refuse);
    }
    if parsed.get("H_eff").is_some() {
        let script: Script = serde_json::from_str(text).map_err(|error| of_serde(name, &error))?;
        return script.as_model_file().map_err(refuse);
    }
    Err(refuse("neither a system of the original simulator (key H_eff) nor matrices of ours (key qsd_model)".into()))
}

fn of_serde(name: &str, error: &serde_json::Error) -> InputError {
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or(&what);
    InputError::Source(format!("{name}:{}:{}: {what}", error.line(), error.column()))
}

/// Complex numbers, parts apart.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Complexes {
    real: Vec<f64>,
    imag: Vec<f64>,
}

impl Complexes {
    fn list(&self, what: &str) -> Result<Vec<Complex64>, String> {
        if self.real.len() != self.imag.len() {
            return Err(format!("{what} has {} real and {} imaginary parts", self.real.len(), self.imag.len()));
        }
        Ok(self.real.iter().zip(&self.imag).map(|(re, im)| Complex64::new(*re, *im)).collect())
    }

    fn amplitudes(&self) -> Result<String, String> {
        let listed: Vec<String> = self.list("psi0")?.into_iter().map(super::model_file::complex).collect();
        Ok(format!("initial = {{ amplitudes = [{}] }}\n", listed.join(", ")))
    }
}

/// Our own form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Matrices {
    qsd_model: u64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    space: Vec<(String, Value)>,
    #[serde(rename = "H")]
    h: Elements,
    c_ops: Vec<Elements>,
    e_ops: Vec<(String, Elements)>,
    psi0: Complexes,
}

/// The elements of an operator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Elements {
    row: Vec<u64>,
    col: Vec<u64>,
    real: Vec<f64>,
    imag: Vec<f64>,
}

impl Elements {
    fn toml(&self, what: &str) -> Result<String, String> {
        let n = self.row.len();
        if [self.col.len(), self.real.len(), self.imag.len()].iter().any(|length| *length != n) {
            return Err(format!("row, col, real and imag of {what} differ in length"));
        }
        let listed: Vec<String> = (0..n)
            .map(|i| format!("[{}, {}, {}, {}]", self.row[i], self.col[i], real(self.real[i]), real(self.imag[i])))
            .collect();
        Ok(format!("{{ elements = [{}] }}", listed.join(", ")))
    }
}

impl Matrices {
    fn as_model_file(&self) -> Result<String, String> {
        if self.qsd_model != 1 {
            return Err(format!("qsd_model is {}, and this version reads 1", self.qsd_model));
        }
        let mut text = String::new();
        for (key, words) in [("name", &self.name), ("description", &self.description)] {
            text += &words.as_ref().map_or(String::new(), |words| format!("{key} = {}\n", quoted(words)));
        }
        let c_ops: Result<Vec<String>, String> =
            self.c_ops.iter().enumerate().map(|(k, op)| op.toml(&format!("c_ops[{k}]"))).collect();
        text += &format!("H = {}\nc_ops = [{}]\n", self.h.toml("H")?, c_ops?.join(", "));
        text += &self.psi0.amplitudes()?;
        text += "\n[space]\n";
        for (name, factor) in &self.space {
            let factor = toml::Value::try_from(factor).map_err(|_| format!("the factor {name} of space is not one"))?;
            text += &format!("{} = {factor}\n", quoted(name));
        }
        text += "\n[e_ops]\n";
        for (name, op) in &self.e_ops {
            text += &format!("{} = {}\n", quoted(name), op.toml(&format!("e_ops {name}"))?);
        }
        Ok(text)
    }
}

/// The form of the original simulator.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(rename = "H_eff")]
    h_eff: Diagonals,
    #[serde(rename = "Ls")]
    ls: Vec<Diagonals>,
    psi0: Complexes,
    obsq: Vec<Diagonals>,
    duration: f64,
    delta_t: f64,
    downsample: u64,
    ntraj: u64,
    seeds: Vec<u64>,
    sdeint_method: String,
    #[serde(default)]
    num_systems: Option<u64>,
    #[serde(rename = "L2_dag")]
    l2_dag: Option<Diagonals>,
    #[serde(rename = "L2_dag_L1")]
    l2_dag_l1: Option<Diagonals>,
    #[serde(rename = "R")]
    r: Option<f64>,
    #[serde(rename = "T")]
    t: Option<f64>,
    eps: Option<f64>,
    n: Option<f64>,
    lambda: Option<f64>,
}

/// An operator by its diagonals.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Diagonals {
    offsets: Vec<i64>,
    data: Vec<Complexes>,
}

impl Diagonals {
    fn operator(&self, dim: usize, what: &str) -> Result<Operator, String> {
        if self.offsets.len() != self.data.len() {
            return Err(format!("{what} has {} offsets and {} diagonals", self.offsets.len(), self.data.len()));
        }
        let mut elements = vec![];
        for (offset, data) in self.offsets.iter().zip(&self.data) {
            let data = data.list(what)?;
            if data.len() > dim {
                return Err(format!("a diagonal of {what} has {} elements, and psi0 {dim}", data.len()));
            }
            for (column, z) in data.into_iter().enumerate() {
                // What lies outside the matrix is padding of the DIA format.
                let row = (column as i64).checked_sub(*offset).and_then(|row| usize::try_from(row).ok());
                elements.extend(row.filter(|row| *row < dim).map(|row| ((row, column), z)));
            }
        }
        Ok(Operator::from_elements(dim, elements))
    }
}

impl Script {
    fn as_model_file(&self) -> Result<(String, Vec<String>), String> {
        let dim = self.psi0.list("psi0")?.len();
        let numbered = |ops: &[Diagonals], what: &str| -> Result<Vec<Operator>, String> {
            ops.iter().enumerate().map(|(k, op)| op.operator(dim, &format!("{what}[{k}]"))).collect()
        };
        let (ls, observables) = (numbered(&self.ls, "Ls")?, numbered(&self.obsq, "obsq")?);
        // H_eff = -iH - 1/2 sum L^dag L.
        let h_eff = self.h_eff.operator(dim, "H_eff")?;
        let rate = ls.iter().fold(Operator::zero(dim), |rate, l| &rate + &(&l.dag() * l));
        let h = (&h_eff + &rate.scale(0.5)).scale(Complex64::I);
        if size(&(&h - &h.dag())) > HERMITIAN * size(&h_eff).max(size(&h)) {
            return Err("i(H_eff + 1/2 sum L^dag L) is not Hermitian: H_eff and Ls do not belong together".into());
        }
        let h = (&h + &h.dag()).scale(0.5);
        let link = match self.num_systems {
            None | Some(1) => None,
            Some(2) => Some(self.link(&ls)?),
            Some(systems) => return Err(format!("num_systems is {systems}, and one or two can be run")),
        };
        let c_ops: Vec<String> = ls.iter().map(listed).collect();
        let mut text = format!("H = {}\nc_ops = [{}]\n", listed(&h), c_ops.join(", "));
        text += &self.psi0.amplitudes()?;
        text += &format!("\n[space]\nsystem = {{ levels = {dim} }}\n\n[e_ops]\n");
        for (k, op) in observables.iter().enumerate() {
            text += &format!("obs{} = {}\n", k + 1, listed(op));
        }
        text += &link.as_ref().map_or(String::new(), |link| link_toml(link, ["1", "2"]));
        text += &format!(
            "\n[run]\nduration = {}\ndt = {}\ndownsample = {}\nntraj = {}\nmethod = {}\n",
            real(self.duration),
            real(self.delta_t),
            self.downsample,
            self.ntraj,
            quoted(&self.sdeint_method)
        );
        let mut warnings = vec![];
        if link.is_some_and(|link| link.eps != 0.0 && link.noise != 0.0 && link.filter_time == 0.0) {
            warnings.push("the link has its Ito correction, which the original simulator left out".into());
        }
        if let Some(seed) = self.seeds.first() {
            text += &format!("seed = {seed}\n");
            if self.seeds.len() > 1 {
                warnings.push(format!(
                    "of the {} seeds the first, {seed}, is that of the run; trajectories are told apart by their numbers",
                    self.seeds.len()
                ));
            }
        }
        Ok((text, warnings))
    }

    /// The link between the first two of the operators. T and eps have the phase factor in them, which is 1 or -1 here.
    fn link(&self, ls: &[Operator]) -> Result<Pair, String> {
        fn needed<'a, T>(value: &'a Option<T>, key: &str) -> Result<&'a T, String> {
            value.as_ref().ok_or_else(|| format!("two systems need the key {key}, and it is missing"))
        }
        let [l1, l2, ..] = ls else { return Err("two systems need two operators in Ls".into()) };
        let (r, t) = (*needed(&self.r, "R")?, *needed(&self.t, "T")?);
        let (eps, n, lambda) = (*needed(&self.eps, "eps")?, *needed(&self.n, "n")?, *needed(&self.lambda, "lambda")?);
        for (op, expected, key) in [
            (needed(&self.l2_dag, "L2_dag")?, l2.dag(), "L2_dag"),
            (needed(&self.l2_dag_l1, "L2_dag_L1")?, &l2.dag() * l1, "L2_dag_L1"),
        ] {
            if size(&(&op.operator(l2.dim(), key)? - &expected)) > HERMITIAN * size(&expected) {
                return Err(format!("{key} is not what the first two of Ls give"));
            }
        }
        let power = t * t + r * r;
        if !power.is_finite() || (power - 1.0).abs() > HERMITIAN {
            return Err(format!("R^2 + T^2 is {power}; a beam splitter without loss makes it 1"));
        }
        let phase = if t < 0.0 { -1.0 } else { 1.0 };
        Ok(Pair {
            reflection: r,
            eps: phase * eps,
            noise: n,
            filter_time: filter_time(lambda, self.delta_t)
                .ok_or_else(|| format!("lambda is {lambda}, and must be a factor from 0 (no filter) to below 1"))?,
            phase: phase.into(),
            ..Pair::default()
        })
    }
}

fn size(op: &Operator) -> f64 {
    op.elements().map(|(_, z)| z.norm()).fold(0.0, f64::max)
}

fn listed(op: &Operator) -> String {
    let elements: Vec<String> =
        op.elements().map(|((row, column), z)| format!("[{row}, {column}, {}, {}]", real(z.re), real(z.im))).collect();
    format!("{{ elements = [{}] }}", elements.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::model_file::{Described, Overrides, Source, read};
    use std::path::Path;

    /// H = 2 (|0><1| + |1><0|), L = |0><1|: H_eff = -iH - 1/2 |1><1|.
    const SCRIPT: &str = r#"{"H_eff": {"offsets": [1, -1, 0], "data": [
        {"real": [9.0, 0.0], "imag": [9.0, -2.0]}, {"real": [0.0, 9.0], "imag": [-2.0, 9.0]},
        {"real": [0.0, -0.5], "imag": [0.0, 0.0]}]},
        "Ls": [{"offsets": [1], "data": [{"real": [0.0, 1.0], "imag": [0.0, 0.0]}]}],
        "psi0": {"real": [0.0, 1.0], "imag": [0.0, 0.0]},
        "obsq": [{"offsets": [0], "data": [{"real": [0.0, 1.0], "imag": [0.0, 0.0]}]}],
        "duration": 1.0, "delta_t": 0.01, "downsample": 10, "ntraj": 3, "seeds": [5, 6],
        "sdeint_method": "itoEuler", "num_systems": 1}"#;

    fn found(text: &str) -> (Described, Vec<String>) {
        let (text, warnings) = as_model_file("spec.json", text).unwrap_or_else(|error| panic!("{error}"));
        let source = Source { name: "spec.json", text: &text };
        (read(source, "spec", Path::new(""), &Overrides::default()).unwrap_or_else(|e| panic!("{e}\n{text}")), warnings)
    }

    #[test]
    fn a_system_of_the_original_simulator_is_taken_apart() {
        let (found, warnings) = found(SCRIPT);
        let h = Operator::from_elements(2, [((0, 1), 2.0.into()), ((1, 0), 2.0.into())]);
        assert_eq!(found.model.hamiltonian, h, "the padding of the diagonals is not read");
        assert_eq!(found.model.lindblads, [Operator::destroy(2)]);
        assert_eq!(found.model.initial, [Complex64::ZERO, Complex64::ONE]);
        assert_eq!(found.model.observables[0].name, "obs1");
        let run: Vec<String> = found.run.iter().map(|(key, value)| format!("{key}={value}")).collect();
        assert_eq!(run, ["duration=1.0", "dt=0.01", "downsample=10", "ntraj=3", "method=itoEuler", "seed=5"]);
        assert!(warnings[0].contains("of the 2 seeds the first, 5"));
    }

    /// The same with a second |0><1|, to which the first is linked.
    fn two_systems() -> String {
        let l = r#"{"offsets": [1], "data": [{"real": [0.0, 1.0], "imag": [0.0, 0.0]}]}"#;
        let link = r#""num_systems": 2, "R": 0.6, "T": -0.8, "eps": 0.5, "n": 0.9, "lambda": 0.9,
            "L2_dag": {"offsets": [-1], "data": [{"real": [1.0, 0.0], "imag": [0.0, 0.0]}]},
            "L2_dag_L1": {"offsets": [0], "data": [{"real": [0.0, 1.0], "imag": [0.0, 0.0]}]}"#;
        let twice = format!("\"Ls\": [{l}, {l}]");
        SCRIPT
            .replace(&format!("\"Ls\": [{l}]"), &twice)
            .replace("[0.0, -0.5]", "[0.0, -1.0]")
            .replace("\"num_systems\": 1", link)
    }

    #[test]
    fn two_systems_are_linked() {
        let (found, _) = found(&two_systems());
        let link = found.model.dynamics.link.expect("a link");
        assert_eq!((link.first, link.second, link.reflection, link.noise), (0, 1, 0.6, 0.9));
        assert!((link.transmission + 0.8).norm() < 1e-15);
        assert_eq!(link.feedback, 0.5.into(), "eps has the phase factor in it");
        assert_eq!(link.filter_time, -0.01 / libm::log(0.9), "a factor per step of delta_t");
        let wrong = |from: &str, to: &str| {
            assert!(two_systems().contains(from), "{from}");
            as_model_file("spec.json", &two_systems().replacen(from, to, 1)).expect_err(to).to_string()
        };
        assert!(wrong("\"T\": -0.8", "\"T\": 0.7").contains("R^2 + T^2 is 0.8"));
        assert!(wrong("\"eps\": 0.5,", "").contains("two systems need the key eps"));
        assert!(wrong("\"lambda\": 0.9", "\"lambda\": 1").contains("lambda is 1, and must be"));
        assert!(wrong("[1.0, 0.0]", "[2.0, 0.0]").contains("L2_dag is not what"));
        let unfiltered = two_systems().replace("\"lambda\": 0.9", "\"lambda\": 0");
        let (_, warnings) = as_model_file("spec.json", &unfiltered).expect("fine");
        assert!(warnings[0].contains("Ito correction"), "{warnings:?}");
    }

    #[test]
    fn our_own_matrices_keep_their_names_and_factors() {
        let text = r#"{"qsd_model": 1, "name": "two", "space": [["b", {"fock": 2}], ["a", {"levels": 2}]],
            "H": {"row": [], "col": [], "real": [], "imag": []},
            "c_ops": [{"row": [0], "col": [3], "real": [0.5], "imag": [-1]}],
            "e_ops": [["z", {"row": [1], "col": [1], "real": [1], "imag": [0]}], ["b", {"row": [0], "col": [0], "real": [2], "imag": [0]}]],
            "psi0": {"real": [0, 3, 0, 4], "imag": [0, 0, 0, 0]}}"#;
        let (found, _) = found(text);
        let names: Vec<_> = found.model.space.factors.iter().map(|f| f.name.as_str()).collect();
        assert_eq!((found.model.name.as_str(), names), ("two", vec!["b", "a"]));
        assert_eq!(found.model.lindblads[0].get(0, 3), Complex64::new(0.5, -1.0));
        assert_eq!(found.model.initial[3], 0.8.into());
        assert_eq!(found.model.observables[0].name, "z");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let text = |from: &str, to: &str| {
            assert!(SCRIPT.contains(from), "{from}");
            as_model_file("spec.json", &SCRIPT.replace(from, to)).expect_err(to).to_string()
        };
        assert!(text("\"Ls\"", "\"Lss\"").contains("unknown field `Lss`"));
        assert!(text("\"Ls\"", "\"Lss\"").starts_with("spec.json:4:"));
        assert!(text("[1, -1, 0]", "[1, -1]").contains("2 offsets and 3 diagonals"));
        assert!(text("[0.0, -0.5]", "[0.0, -0.6]").contains("not Hermitian"));
        assert!(text("\"num_systems\": 1", "\"num_systems\": 2").contains("two operators in Ls"));
        assert!(text("\"num_systems\": 1", "\"num_systems\": 3").contains("one or two"));
        assert!(text("{\"H_eff\"", "{\"H\"").contains("key qsd_model"));
        assert!(text("\"real\": [0.0, 1.0]", "\"real\": [0.0]").contains("real and"));
        assert!(as_model_file("x.json", "{").expect_err("cut").to_string().starts_with("x.json:1:1: EOF"));
    }
}
