//! A model file, read from top to bottom: the model, its normal text and the flags of its `[run]`.

use super::document::{Item, entries};
use super::keys::Place;
use super::link::Linked;
use super::network::Parts;
use super::operators::Term;
use super::source::Source;
use super::timed::Timed;
use crate::input::InputError;
use crate::input::expression::{Mistake, Scope, number};
use crate::model::{Drive, Dynamics, HilbertSpace, Model, ModelParameter, Modulation, Operator, Reduced};
use num_complex::Complex64;
use std::ops::Range;
use std::path::Path;
use toml::de::DeTable;

/// What rounding may leave of H - H^dag, relative to the largest element of H.
const HERMITIAN: f64 = 1e-12;

/// What the command line says instead of the file.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// Parameters and their new values as typed.
    pub set: Vec<(String, String)>,
    /// Modes, their sizes, and whether these are exact.
    pub fock: Vec<(String, usize, bool)>,
    /// Initial state as typed.
    pub initial: Option<String>,
}

/// A model file, understood.
#[derive(Debug, Clone)]
pub struct Described {
    /// The physics.
    pub model: Model,
    /// The file in its normal form.
    pub text: String,
    /// The normal form without what changes no number: names, labels and descriptions.
    pub meaning: String,
    /// Its `[[component]]`s as one, if it has any.
    pub network: Option<Reduced>,
    /// Flags of `[run]`: name and value; empty for one that has none.
    pub run: Vec<(String, String)>,
    /// One sentence each, for the user.
    pub warnings: Vec<String>,
    /// Terms that depend on time.
    pub timed: Vec<Timed>,
    /// Where H stands.
    pub hamiltonian_at: Range<usize>,
}

/// What is known while a file is read.
pub struct Reader<'a> {
    pub(super) source: Source<'a>,
    /// Where tables are looked for.
    pub(super) directory: &'a Path,
    pub(super) space: HilbertSpace,
    pub(super) parameters: Vec<(String, Complex64)>,
    /// The tables of the normal text.
    pub(super) out: String,
    /// Terms that depend on time.
    timed: Vec<Timed>,
}

/// Read a model file. `stem` is its name if it has none of its own, `directory` where its tables lie.
///
/// # Errors
/// Whatever is unknown, missing, of the wrong type or without a meaning, with file, line, column and key.
pub fn read(source: Source, stem: &str, directory: &Path, overrides: &Overrides) -> Result<Described, InputError> {
    let document = DeTable::parse(source.text).map_err(|error| {
        source.mistake(&error.span().unwrap_or(0..0), error.message().trim_end().replace('\n', ", "))
    })?;
    let space = HilbertSpace { factors: vec![] };
    let mut reader = Reader { source, directory, space, parameters: vec![], out: String::new(), timed: vec![] };
    reader.read(document.get_ref(), stem, overrides)
}

impl Reader<'_> {
    fn read(&mut self, document: &DeTable, stem: &str, overrides: &Overrides) -> Result<Described, InputError> {
        let keys = self.source.known_entries(document, Place::File)?;
        let find = |name: &str| keys.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
        let end = self.source.text.len();
        let needed = |name: &str| {
            let example = super::keys::KEYS.iter().find(|key| key.name == name).map_or("", |key| key.example);
            let what = format!("the model has no {name}; say, for instance, {}", example.replace('\n', " "));
            find(name).ok_or_else(|| self.source.mistake(&(end..end), what))
        };
        let word = |name: &str| find(name).map(|item| self.source.text(item)).transpose();
        let (space, e_ops) = (needed("space")?, needed("e_ops")?);
        // A network brings an H and L of its own.
        let physics = |name: &str| match find("component") {
            Some(_) => Ok(find(name)),
            None => needed(name).map(Some),
        };
        let (h, c_ops) = (physics("H")?, physics("c_ops")?);
        let initial = needed("initial")?;
        let name = word("name")?.unwrap_or(stem).to_owned();
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c)) || name.is_empty() {
            let at = find("name").map_or(0..0, |item| item.at.clone());
            return Err(self.source.mistake(&at, format!("the model cannot be called '{name}': letters, digits and -_.+ only, as it becomes part of a file name")));
        }
        let about = [
            ("name", Some(name.as_str())),
            ("description", word("description")?),
            ("source", word("source")?),
            ("time_unit", word("time_unit")?),
        ];
        self.read_space(space, overrides)?;
        self.read_parameters(find("parameters"), overrides)?;
        let mut warnings = self.unused_parameters(document, overrides);
        let mut dynamics = Dynamics::default();
        let (mut hamiltonian, h_toml) = match h {
            Some(item) => self.read_hamiltonian(item, &mut dynamics)?,
            None => (Operator::zero(self.space.dim()), String::new()),
        };
        let linked = find("link").map(|item| self.read_link(item)).transpose()?;
        let (mut lindblads, mut names, c_toml) = match c_ops {
            Some(item) => self.read_lindblads(item, linked.as_ref(), &mut dynamics, &mut warnings)?,
            None => (vec![], vec![], String::new()),
        };
        dynamics.link = linked.as_ref().map(|linked| self.place_link(linked, &names)).transpose()?;
        let [components, connections, inputs] = ["component", "connect", "input"].map(find);
        let network = self.read_network(&Parts { components, connections, inputs })?;
        let network = network.map(|(network, toml)| {
            hamiltonian = &hamiltonian + &network.slh.h;
            // A dark output has no noise to draw.
            let bright = network.slh.l.iter().zip(&network.outputs).filter(|(l, _)| !l.is_zero());
            bright.for_each(|(l, output)| {
                lindblads.push(l.clone());
                names.push(output.clone());
            });
            self.out.push_str(&toml);
            network
        });
        let (ket, initial_toml) = self.read_initial(initial, overrides)?;
        let (observables, e_toml, e_meaning) = self.read_observables(e_ops)?;
        let mut parameters = self.listed_parameters();
        parameters.extend(linked.map_or(vec![], |linked| linked.numbers(&parameters)));
        let run = find("run").map(|item| self.read_run(item)).transpose()?.unwrap_or_default();

        let words: String =
            about.iter().filter_map(|(key, text)| text.map(|text| format!("{key} = {}\n", quoted(text)))).collect();
        let physics = format!("{h_toml}{c_toml}initial = {initial_toml}\n{}", self.out);
        let of = |key: &str| about.iter().find(|(name, _)| *name == key).and_then(|(_, text)| *text);
        let model = Model {
            name: name.clone(),
            description: of("description").unwrap_or_default().into(),
            source: of("source").unwrap_or_default().into(),
            time_unit: of("time_unit").unwrap_or("1/rate").into(),
            space: self.space.clone(),
            hamiltonian,
            lindblads,
            lindblad_names: names,
            dynamics,
            observables,
            initial: ket,
            parameters,
        };
        let text = format!("{words}{physics}\n[e_ops]\n{e_toml}");
        let meaning = format!("{physics}\n[e_ops]\n{e_meaning}");
        let hamiltonian_at = h.map_or(0..0, |item| item.at.clone());
        let timed = std::mem::take(&mut self.timed);
        Ok(Described { model, text, meaning, network, run, warnings, timed, hamiltonian_at })
    }

    fn read_hamiltonian(&mut self, item: &Item, dynamics: &mut Dynamics) -> Result<(Operator, String), InputError> {
        let items = match item.value.as_array() {
            Some(_) => self.source.items(item, "a list of terms")?,
            None => vec![item.clone()],
        };
        let (mut toml, mut sum): (Vec<String>, Option<Operator>) = (vec![], None);
        for (number, item) in items.iter().enumerate() {
            let Term { operator, coefficient, toml: written } = self.term(item)?;
            toml.push(written);
            match coefficient {
                Some(coefficient) => {
                    let name = format!("term {} of H", number + 1);
                    self.timed.push(Timed { name, at: item.at.clone(), function: coefficient.clone() });
                    dynamics.drives.push(Drive { operator, coefficient });
                }
                None => sum = Some(sum.map_or(operator.clone(), |sum| &sum + &operator)),
            }
        }
        let sum = sum.unwrap_or_else(|| Operator::zero(self.space.dim()));
        let off = &sum - &sum.dag();
        let size = |op: &Operator| op.elements().map(|(_, z)| z.norm()).fold(0.0, f64::max);
        if size(&off) > HERMITIAN * size(&sum) {
            let worst =
                off.elements().max_by(|a, b| a.1.norm().total_cmp(&b.1.norm())).map_or((0, 0), |(place, _)| place);
            let (z, w) = (sum.get(worst.0, worst.1), sum.get(worst.1, worst.0));
            let what = format!(
                "H is not Hermitian: element {worst:?} is {}, and its mirror image {}; \
                 is a conjugate missing, as in a + a.dag?",
                crate::model::written(z),
                crate::model::written(w)
            );
            return Err(self.source.mistake(&item.at, what));
        }
        let listed = if item.value.as_array().is_some() { format!("[{}]", toml.join(", ")) } else { toml.concat() };
        Ok((sum, format!("H = {listed}\n")))
    }

    /// The Lindblad operators, their names and the line of the normal text; a table goes to the end of the text.
    fn read_lindblads(
        &mut self,
        item: &Item,
        linked: Option<&Linked>,
        dynamics: &mut Dynamics,
        warnings: &mut Vec<String>,
    ) -> Result<(Vec<Operator>, Vec<String>, String), InputError> {
        let mut named: Vec<(String, Item)> = vec![];
        if let Some(table) = item.value.as_table() {
            for entry in entries(table) {
                if Place::Term.keys().any(|key| key == entry.key) {
                    let what = format!(
                        "a table of c_ops gives each a name, and '{}' belongs to one term: write c_ops = [{{ op = ... }}]",
                        entry.key
                    );
                    return Err(self.source.mistake(&entry.value.at, what));
                }
                named.push((entry.key.to_owned(), entry.value));
            }
        } else {
            let items = self.source.items(item, "a list of operators or a table of them, as in [\"sqrt(kappa)*a\"]")?;
            named.extend(items.into_iter().enumerate().map(|(k, item)| ((k + 1).to_string(), item)));
        }
        let is_linked = |name: &String| linked.is_some_and(|linked| linked.ends.contains(name));
        let (mut lindblads, mut names, mut toml) = (vec![], vec![], vec![]);
        for (name, item) in &named {
            let Term { operator, coefficient, toml: written } = self.term(item)?;
            toml.push((name.clone(), written));
            if operator.is_zero() && !is_linked(name) {
                // It has no noise to draw; the built-in models leave such a port out too.
                warnings.push(format!("c_op {name} is zero and left out"));
                continue;
            }
            if let Some(coefficient) = coefficient {
                let called = format!("c_op {name}");
                self.timed.push(Timed { name: called, at: item.at.clone(), function: coefficient.clone() });
                dynamics.modulations.push(Modulation { lindblad: lindblads.len(), coefficient });
            }
            lindblads.push(operator);
            names.push(name.clone());
        }
        if lindblads.is_empty() && !named.is_empty() {
            return Err(self.source.mistake(&item.at, "every c_op is zero; a closed system has c_ops = []"));
        }
        if item.value.as_table().is_none() {
            let listed: Vec<String> = toml.into_iter().map(|(_, text)| text).collect();
            return Ok((lindblads, names, format!("c_ops = [{}]\n", listed.join(", "))));
        }
        let listed = toml.iter().map(|(name, text)| format!("{} = {text}\n", key(name)));
        self.out.push_str(&format!("\n[c_ops]\n{}", listed.collect::<String>()));
        Ok((lindblads, names, String::new()))
    }

    /// What expressions may name.
    pub(super) fn scope(&self, time: bool) -> Scope<'_> {
        Scope { space: &self.space, parameters: &self.parameters, time }
    }

    /// A number, or an expression that gives one.
    pub(super) fn number(&self, item: &Item) -> Result<Complex64, InputError> {
        let expression = self.source.expression(item)?;
        number(&expression, &self.scope(false)).map_err(|mistake| self.mistake_in(item, &mistake))
    }

    /// The same, where it must be real.
    pub(super) fn real_number(&self, item: &Item) -> Result<f64, InputError> {
        let z = self.number(item)?;
        if z.im == 0.0 { Ok(z.re) } else { Err(self.source.mistake(&item.at, "expected a real number")) }
    }

    pub(super) fn mistake_in(&self, item: &Item, mistake: &Mistake) -> InputError {
        match item.value.as_str() {
            Some(text) => self.source.mistake_in_string(&item.at, text, mistake),
            None => self.source.mistake(&item.at, &mistake.what),
        }
    }

    /// Parameters as the results file has them; a complex one is two numbers.
    fn listed_parameters(&self) -> Vec<ModelParameter> {
        let part = |name: String, value: f64, what: &str| ModelParameter {
            name,
            value,
            unit: "1".into(),
            description: format!("{what} of the model file"),
        };
        let both = |(name, z): &(String, Complex64)| {
            if z.im == 0.0 {
                return vec![part(name.clone(), z.re, "parameter")];
            }
            let (re, im) = (format!("{name}_re"), format!("{name}_im"));
            vec![part(re, z.re, "real part of a parameter"), part(im, z.im, "imaginary part of a parameter")]
        };
        self.parameters.iter().flat_map(both).collect()
    }
}

/// A TOML string.
pub fn quoted(text: &str) -> String {
    toml::Value::String(text.into()).to_string()
}

/// A key, in quotes where TOML needs them.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(bare) { name.into() } else { quoted(name) }
}

/// A TOML number that reads back as the same bits.
pub fn real(x: f64) -> String {
    format!("{x:?}")
}
