//! The parts of a model file that are not operators: space, parameters, initial state, `[run]`.

use super::document::{Entry, Item, entries};
use super::keys::{NOT_IN_A_FILE, Place};
use super::operators::complex;
use super::read::{Overrides, Reader, quoted};
use super::source::Source;
use crate::input::expression::{BUILT_IN, Expr, Ket, Mistake, Scope, hint, ket, parse, value};
use crate::input::{InputError, expression::Value};
use crate::model::{Factor, Function, HilbertSpace, RESERVED_PARAMETERS, is_identifier};
use num_complex::Complex64;
use std::collections::BTreeSet;
use toml::de::{DeTable, DeValue};

/// Basis states of the whole space; far beyond what an ensemble of kets can use.
pub const MAX_DIMENSION: usize = 1 << 20;

/// Keys whose text is for people.
const PROSE: &[&str] = &["name", "description", "source", "time_unit", "label", "latex", "unit"];

impl Reader<'_> {
    /// `[space]`, with the sizes of the command line put in.
    pub fn read_space(&mut self, item: &Item, overrides: &Overrides) -> Result<(), InputError> {
        let table = self.source.table(item, "factors by name, as in a = { fock = 50 }")?;
        let mut factors: Vec<Factor> = vec![];
        for entry in entries(table) {
            self.free_name(&entry, "a factor")?;
            factors.push(self.factor(&entry)?);
        }
        if factors.is_empty() {
            return Err(self.source.mistake(&item.at, "[space] needs a factor, as in a = { fock = 50 }"));
        }
        for (name, size, exact) in &overrides.fock {
            let modes = factors.iter_mut().filter(|factor| factor.kind == crate::model::Kind::Fock);
            let mut known = vec![];
            let mut found = None;
            for factor in modes {
                known.push(factor.name.clone());
                if factor.name == *name {
                    found = Some(factor);
                }
            }
            match found {
                Some(factor) => (factor.dim, factor.exact) = (*size, factor.exact || *exact),
                None => {
                    let known: Vec<&str> = known.iter().map(String::as_str).collect();
                    return Err(super::super::unknown("mode for --fock", name, &known));
                }
            }
        }
        let dim = factors.iter().try_fold(1usize, |product, factor| product.checked_mul(factor.dim));
        if dim.is_none_or(|dim| dim > MAX_DIMENSION) {
            return Err(self.source.mistake(&item.at, format!("the space has more than {MAX_DIMENSION} basis states")));
        }
        let listed = factors.iter().map(|f| format!("{} = {}\n", f.name, factor_toml(f)));
        self.out.push_str(&format!("\n[space]\n{}", listed.collect::<String>()));
        self.space = HilbertSpace::new(factors).map_err(|error| self.source.mistake(&item.at, error.to_string()))?;
        Ok(())
    }

    fn factor(&self, entry: &Entry) -> Result<Factor, InputError> {
        let (form, name) = ("{ fock = N }, { spin = J }, { levels = N } or \"qubit\"", entry.key);
        match entry.value.value.as_str() {
            Some("qubit") => return Ok(Factor::spin(name, 2)),
            Some(other) => {
                let what = format!("a factor is {form}, not \"{other}\"");
                return Err(self.source.mistake(&entry.value.at, what));
            }
            None => {}
        }
        let table = self.source.table(&entry.value, form)?;
        let keys = self.source.known_entries(table, Place::Space)?;
        let exact = keys.iter().find(|key| key.key == "exact").map(|key| self.source.flag(&key.value)).transpose()?;
        let kinds: Vec<&Entry> = keys.iter().filter(|key| key.key != "exact").collect();
        let [kind] = kinds[..] else {
            return Err(self.source.mistake(&entry.value.at, format!("a factor is one of {form}")));
        };
        let factor = match kind.key {
            "spin" => {
                let dim = 2.0 * self.source.real(&kind.value)? + 1.0;
                if dim.fract() != 0.0 || !(2.0..=MAX_DIMENSION as f64).contains(&dim) {
                    return Err(self.source.mistake(&kind.value.at, "a spin is 0.5, 1, 1.5 and so on"));
                }
                Factor::spin(name, dim as usize)
            }
            "levels" => Factor::levels(name, self.source.whole(&kind.value)?),
            _ => Factor { exact: exact.unwrap_or(false), ..Factor::fock(name, self.source.whole(&kind.value)?) },
        };
        if exact.is_some() && kind.key != "fock" {
            return Err(self.source.mistake(&entry.value.at, "exact is for modes; a spin has no truncation"));
        }
        if !(2..=MAX_DIMENSION).contains(&factor.dim) {
            let what = format!("a factor keeps 2 to {MAX_DIMENSION} states, not {}", factor.dim);
            return Err(self.source.mistake(&kind.value.at, what));
        }
        Ok(factor)
    }

    /// A name that an expression can use and that is not taken.
    fn free_name(&self, entry: &Entry, what: &str) -> Result<(), InputError> {
        let name = entry.key;
        let refuse =
            |why: &str| Err(self.source.mistake(&entry.key_at, format!("{what} cannot be called '{name}': {why}")));
        if !is_identifier(name) {
            return refuse("letters, digits and underscores, a letter first");
        }
        if BUILT_IN.contains(&name) || Function::ALL.iter().any(|(known, _)| *known == name) {
            return refuse("the name has a meaning in expressions");
        }
        if self.space.factors.iter().any(|factor| factor.name == name) {
            return refuse("a factor of the space has that name");
        }
        Ok(())
    }

    /// `[parameters]`, with those of the command line put in.
    pub fn read_parameters(&mut self, item: Option<&Item>, overrides: &Overrides) -> Result<(), InputError> {
        let table = item.map(|item| self.source.table(item, "parameters by name, as in kappa = 0.5")).transpose()?;
        let all = table.map(entries).unwrap_or_default();
        if let Some((name, _)) = overrides.set.iter().find(|(name, _)| !all.iter().any(|entry| entry.key == name)) {
            let known: Vec<&str> = all.iter().map(|entry| entry.key).collect();
            return Err(super::super::unknown("parameter for --set", name, &known));
        }
        for entry in &all {
            self.free_name(entry, "a parameter")?;
            if RESERVED_PARAMETERS.contains(&entry.key) {
                let what = format!("the results file has a parameter '{}' of its own; choose another name", entry.key);
                return Err(self.source.mistake(&entry.key_at, what));
            }
            let replaced = overrides.set.iter().find(|(name, _)| name == entry.key);
            let z = match replaced {
                Some((name, text)) => replaced_value(name, text)?,
                None => self.number(&entry.value)?,
            };
            self.parameters.push((entry.key.to_owned(), z));
        }
        if !self.parameters.is_empty() {
            let listed = self.parameters.iter().map(|(name, z)| format!("{name} = {}\n", complex(*z)));
            self.out.push_str(&format!("\n[parameters]\n{}", listed.collect::<String>()));
        }
        Ok(())
    }

    /// Parameters that no expression names, one sentence each.
    pub fn unused_parameters(&self, document: &DeTable, overrides: &Overrides) -> Vec<String> {
        let mut words = words_of(overrides.initial.as_deref().unwrap_or_default());
        for (key, value) in document {
            let is_prose = PROSE.contains(&key.get_ref().as_ref());
            collect_words(value.get_ref(), is_prose, &mut words);
        }
        let unused = self.parameters.iter().filter(|(name, _)| !words.contains(name));
        unused.map(|(name, _)| format!("the parameter {name} is used nowhere in the file")).collect()
    }

    /// The initial ket and the normal form of what it was made from.
    pub fn read_initial(&self, item: &Item, overrides: &Overrides) -> Result<(Vec<Complex64>, String), InputError> {
        if let Some(text) = &overrides.initial {
            let source = Source { name: "--initial", text };
            let wrong = |mistake: Mistake| source.mistake(&mistake.at, &mistake.what);
            let expression = parse(text).map_err(wrong)?;
            let found = self.ket(&expression, None).map_err(wrong)?;
            let whole = self.whole_ket(found).map_err(|what| source.mistake(&(0..text.len()), what))?;
            return Ok((whole, quoted(&expression.to_string())));
        }
        let refuse = |what: String| self.source.mistake(&item.at, what);
        match item.value {
            DeValue::String(_) => {
                let expression = self.source.expression(item)?;
                let found = self.ket(&expression, None).map_err(|mistake| self.mistake_in(item, &mistake))?;
                Ok((self.whole_ket(found).map_err(refuse)?, quoted(&expression.to_string())))
            }
            DeValue::Table(table) if table.keys().any(|key| key.get_ref() == "amplitudes") => {
                let keys = self.source.known_entries(table, Place::Initial)?;
                self.amplitudes(&keys[0].value)
            }
            DeValue::Table(table) => {
                let mut product: Option<Ket> = None;
                let mut listed = vec![];
                for entry in entries(table) {
                    let names = || self.space.factors.iter().map(|factor| factor.name.as_str());
                    let Some(m) = names().position(|name| name == entry.key) else {
                        let what = format!("there is no factor '{}'{}", entry.key, hint(entry.key, names()));
                        return Err(self.source.mistake(&entry.key_at, what));
                    };
                    let expression = self.source.expression(&entry.value)?;
                    let found =
                        self.ket(&expression, Some(m)).map_err(|mistake| self.mistake_in(&entry.value, &mistake))?;
                    if found.factors != [m] {
                        return Err(self
                            .source
                            .mistake(&entry.value.at, format!("this is not a state of {} alone", entry.key)));
                    }
                    listed.push(format!("{} = {}", entry.key, quoted(&expression.to_string())));
                    product = Some(match product {
                        None => found,
                        Some(product) => crate::input::expression::tensor(&product, &found, &self.space),
                    });
                }
                let Some(product) = product else { return Err(refuse("initial says nothing".into())) };
                Ok((self.whole_ket(product).map_err(refuse)?, format!("{{ {} }}", listed.join(", "))))
            }
            _ => Err(self.source.wrong_type(item, "a state in quotes, a table of states, or { amplitudes = [...] }")),
        }
    }

    fn ket(&self, expression: &Expr, alone: Option<usize>) -> Result<Ket, Mistake> {
        let single = (self.space.factors.len() == 1).then_some(0);
        ket(expression, &self.scope(false), alone.or(single))
    }

    fn amplitudes(&self, item: &Item) -> Result<(Vec<Complex64>, String), InputError> {
        let items = self.source.items(item, "a list of numbers")?;
        let amplitudes: Vec<Complex64> = items.iter().map(|z| self.number(z)).collect::<Result<_, _>>()?;
        let dim = self.space.dim();
        if amplitudes.len() != dim {
            let what = format!("the space has {dim} basis states and these are {} amplitudes", amplitudes.len());
            return Err(self.source.mistake(&item.at, what));
        }
        let listed: Vec<String> = amplitudes.iter().map(|z| complex(*z)).collect();
        let ket = Ket { factors: vec![], normalised: false, amplitudes };
        let ket = normalised(ket).map_err(|what| self.source.mistake(&item.at, what))?;
        Ok((ket, format!("{{ amplitudes = [{}] }}", listed.join(", "))))
    }

    /// Every factor has its state, and the norm is 1.
    fn whole_ket(&self, found: Ket) -> Result<Vec<Complex64>, String> {
        let missing = (0..self.space.factors.len()).find(|m| !found.factors.contains(m));
        if let Some(m) = missing {
            let name = &self.space.factors[m].name;
            return Err(format!("the state of {name} is missing; multiply with one, as in {name}.basis(0)"));
        }
        normalised(found)
    }

    /// The flags of `[run]`: name and value as on a command line.
    pub fn read_run(&self, item: &Item) -> Result<Vec<(String, String)>, InputError> {
        let mut flags = vec![];
        for entry in entries(self.source.table(item, "flags of `qsd run`, as in duration = 10")?) {
            let key = entry.key.replace('-', "_");
            if let Some((_, why)) = NOT_IN_A_FILE.iter().find(|(flag, _)| *flag == key) {
                return Err(self.source.mistake(&entry.key_at, format!("{key} has no place in [run]: {why}")));
            }
            if !Place::Run.keys().any(|known| known == key) {
                let what = format!("[run] has no key '{}'{}", entry.key, hint(&key, Place::Run.keys()));
                return Err(self.source.mistake(&entry.key_at, what));
            }
            let text = match entry.value.value {
                DeValue::String(text) => text.to_string(),
                DeValue::Boolean(true) => String::new(),
                DeValue::Boolean(false) => continue,
                DeValue::Integer(n) if n.radix() == 10 => n.as_str().to_owned(),
                DeValue::Float(x) => x.as_str().to_owned(),
                _ => return Err(self.source.wrong_type(&entry.value, "a number, a text, true or false")),
            };
            let flag = (key.replace('_', "-"), text);
            crate::cli::check_flag(&flag.0, &flag.1).map_err(|why| self.source.mistake(&entry.value.at, why))?;
            flags.push(flag);
        }
        Ok(flags)
    }
}

/// The words of all texts in a value that may be expressions.
fn collect_words(value: &DeValue, is_prose: bool, words: &mut BTreeSet<String>) {
    match value {
        DeValue::String(text) if !is_prose => words.append(&mut words_of(text)),
        DeValue::Array(members) => members.iter().for_each(|member| collect_words(member.get_ref(), is_prose, words)),
        DeValue::Table(table) => {
            for (key, value) in table {
                collect_words(value.get_ref(), PROSE.contains(&key.get_ref().as_ref()), words);
            }
        }
        _ => {}
    }
}

fn words_of(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    words.filter(|word| !word.is_empty()).map(String::from).collect()
}

/// A factor as it stands in `[space]`.
pub fn factor_toml(factor: &Factor) -> String {
    match factor.kind {
        crate::model::Kind::Fock if factor.exact => format!("{{ fock = {}, exact = true }}", factor.dim),
        crate::model::Kind::Fock => format!("{{ fock = {} }}", factor.dim),
        crate::model::Kind::Spin => format!("{{ spin = {:?} }}", (factor.dim as f64 - 1.0) / 2.0),
        crate::model::Kind::Levels => format!("{{ levels = {} }}", factor.dim),
    }
}

/// The number behind `--set NAME=`; it may be an expression without parameters.
fn replaced_value(name: &str, text: &str) -> Result<Complex64, InputError> {
    let title = format!("--set {name}");
    let source = Source { name: &title, text };
    let wrong = |mistake: Mistake| source.mistake(&mistake.at, &mistake.what);
    let nothing = HilbertSpace { factors: vec![] };
    let expression = parse(text).map_err(wrong)?;
    match value(&expression, &Scope { space: &nothing, parameters: &[], time: false }).map_err(wrong)? {
        Value::Scalar(crate::model::Scalar::Number(z)) => Ok(z),
        _ => Err(source.mistake(&(0..text.len()), "expected a number")),
    }
}

fn normalised(ket: Ket) -> Result<Vec<Complex64>, String> {
    if ket.normalised {
        return Ok(ket.amplitudes);
    }
    let norm = ket.amplitudes.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
    if !(norm.is_finite() && norm > 0.0) {
        return Err("this state has no norm: all its amplitudes vanish, or one is not finite".into());
    }
    Ok(ket.amplitudes.iter().map(|x| x / norm).collect())
}
