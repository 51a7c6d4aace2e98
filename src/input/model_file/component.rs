//! One `[[component]]`: a kind with its numbers, or S, L and H of its own.

use super::document::{Entry, Item};
use super::keys::Place;
use super::read::{Reader, quoted};
use crate::input::InputError;
use crate::input::expression::{hint, number};
use crate::model::{Kind, Operator, Side, Slh, SlhError};
use ndarray::Array2;
use num_complex::Complex64;

/// A component, understood.
pub struct Made {
    /// Its name.
    pub name: String,
    /// What it is.
    pub slh: Slh,
    /// Names of its inputs, if they have any.
    pub inputs: Vec<String>,
    /// Names of its outputs, if they have any.
    pub outputs: Vec<String>,
    /// The table in its normal form.
    pub toml: String,
}

/// Keys that every component may have.
const COMMON: &[&str] = &["name", "kind", "inputs", "outputs"];

/// A kind, the keys that belong to it, and the names of its inputs and outputs if they have any.
type Row = (&'static str, &'static [&'static str], [&'static [&'static str]; 2]);

const KINDS: &[Row] = &[
    ("beamsplitter", &["theta", "t", "r"], [&[], &[]]),
    ("phase_shifter", &["phi"], [&[], &[]]),
    ("loss", &["eta"], [&["in", "vacuum"], &["out", "lost"]]),
    ("cavity", &["factor", "kappa", "Delta", "H"], [&[], &[]]),
    ("two_level_atom", &["factor", "gamma", "Delta", "H"], [&[], &[]]),
    ("displacement", &["alpha"], [&[], &[]]),
];

/// Keys of a component without a kind.
const OWN: &[&str] = &["S", "L", "H"];

impl Reader<'_> {
    /// A component from its keys.
    pub fn component(&self, keys: &[Entry]) -> Result<Made, InputError> {
        let find = |name: &str| keys.iter().find(|entry| entry.key == name).map(|entry| &entry.value);
        let name = self.source.text(self.required(keys, Place::Component, "name")?)?;
        let mut toml = format!("\n[[component]]\nname = {}\n", quoted(name));
        let kind = find("kind").map(|item| self.kind(item)).transpose()?;
        let (allowed, [inputs, outputs]) = kind.map_or((OWN, [&[][..], &[]]), |(_, keys, ports)| (keys, ports));
        let stranger = keys.iter().find(|entry| !COMMON.contains(&entry.key) && !allowed.contains(&entry.key));
        if let Some(entry) = stranger {
            let whose = kind.map_or("a component without a kind".into(), |(kind, ..)| format!("a {kind}"));
            let what = format!("{whose} has no key '{}'{}", entry.key, hint(entry.key, allowed.iter().copied()));
            return Err(self.source.mistake(&entry.key_at, what));
        }
        let mut form = Form { reader: self, keys, toml: String::new() };
        let slh = match kind {
            Some((kind, ..)) => {
                toml.push_str(&format!("kind = {}\n", quoted(kind)));
                form.of_kind(kind)?
            }
            None => form.of_its_own()?,
        };
        toml.push_str(&form.toml);
        let mut ports = |key: &str, usual: &[&str]| -> Result<Vec<String>, InputError> {
            let Some(item) = find(key) else { return Ok(usual.iter().map(|name| name.to_string()).collect()) };
            let items = self.source.items(item, "names of ports, as in [\"left\", \"right\"]")?;
            let names: Vec<&str> = items.iter().map(|item| self.source.text(item)).collect::<Result<_, _>>()?;
            let listed: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            toml.push_str(&format!("{key} = [{}]\n", listed.join(", ")));
            Ok(names.into_iter().map(str::to_owned).collect())
        };
        let (inputs, outputs) = (ports("inputs", inputs)?, ports("outputs", outputs)?);
        Ok(Made { name: name.into(), slh, inputs, outputs, toml })
    }

    /// A mistake of a component, at the key that is to be changed.
    pub fn component_mistake(&self, keys: &[Entry], error: &SlhError) -> InputError {
        let wanted: &[&str] = match error {
            SlhError::Parameter { name, .. } => &[name],
            SlhError::NotUnitary { .. } => &["S", "r", "t"],
            SlhError::Shape { .. } => &["S", "L"],
            SlhError::NotHermitian { .. } => &["H"],
            SlhError::PortNames { side, .. } | SlhError::SamePort { side, .. } => match side {
                Side::Input => &["inputs"],
                Side::Output => &["outputs"],
            },
            SlhError::BadName(name) => {
                let named = |entry: &&Entry| entry.value.value.as_str() == Some(name);
                if keys.iter().any(|entry| entry.key == "name" && named(&entry)) {
                    &["name"]
                } else {
                    &["inputs", "outputs"]
                }
            }
            _ => &["name"],
        };
        let entry = wanted.iter().find_map(|name| keys.iter().find(|entry| entry.key == *name)).or(keys.first());
        self.source.mistake(&entry.map_or(0..0, |entry| entry.value.at.clone()), error.to_string())
    }

    /// A number and the normal form of what it was made from.
    pub fn written_number(&self, item: &Item) -> Result<(Complex64, String), InputError> {
        let expression = self.source.expression(item)?;
        let z = number(&expression, &self.scope(false)).map_err(|mistake| self.mistake_in(item, &mistake))?;
        Ok((z, quoted(&expression.to_string())))
    }

    fn kind(&self, item: &Item) -> Result<Row, InputError> {
        let text = self.source.text(item)?;
        KINDS.iter().find(|(kind, ..)| *kind == text).copied().ok_or_else(|| {
            let kinds = KINDS.iter().map(|(kind, ..)| *kind);
            self.source.mistake(&item.at, format!("unknown kind of component '{text}'{}", hint(text, kinds)))
        })
    }
}

/// The keys of one component while they are read, and their normal form.
struct Form<'r, 'a, 'e, 'd> {
    reader: &'r Reader<'a>,
    keys: &'e [Entry<'d>],
    toml: String,
}

impl<'e, 'd> Form<'_, '_, 'e, 'd> {
    fn of_kind(&mut self, kind: &str) -> Result<Slh, InputError> {
        let dim = self.reader.space.dim();
        let made = match kind {
            "beamsplitter" => match (self.find("theta"), self.find("t").or(self.find("r"))) {
                (Some(_), Some(item)) => {
                    return Err(self.wrong(item, "theta says it all: t = cos(theta), r = sin(theta)"));
                }
                (Some(theta), None) => Slh::beamsplitter(dim, self.real("theta", theta)?),
                (None, _) => {
                    let (t, r) = (self.needed("t")?, self.needed("r")?);
                    Slh::beamsplitter_of(dim, self.number("t", t)?, self.number("r", r)?)
                }
            },
            "phase_shifter" => Slh::phase_shifter(dim, self.needed("phi").and_then(|item| self.real("phi", item))?),
            "loss" => Slh::loss(dim, self.needed("eta").and_then(|item| self.real("eta", item))?),
            "displacement" => {
                let item = self.needed("alpha")?;
                Ok(Slh::displacement(dim, self.number("alpha", item)?))
            }
            "cavity" => {
                let (a, rates, detuning) = self.decaying(Kind::Fock, "kappa")?;
                Slh::cavity(&a, detuning, &rates)
            }
            _ => {
                let (minus, rates, detuning) = self.decaying(Kind::Spin, "gamma")?;
                Slh::two_level_atom(&minus, detuning, &rates)
            }
        };
        let Slh { s, l, h } = made.map_err(|error| self.reader.component_mistake(self.keys, &error))?;
        let h = match self.hamiltonian()? {
            Some(more) => &h + &more,
            None => h,
        };
        Slh::new(s, l, h).map_err(|error| self.reader.component_mistake(self.keys, &error))
    }

    fn of_its_own(&mut self) -> Result<Slh, InputError> {
        let dim = self.reader.space.dim();
        let s = self.scattering()?;
        let l = match (self.find("L"), &s) {
            (Some(item), _) => {
                let items = self.reader.source.items(item, "a list with an operator for every output")?;
                let made =
                    items.iter().map(|item| self.reader.expression_operator(item)).collect::<Result<Vec<_>, _>>()?;
                let listed: Vec<String> = made.iter().map(|written| quoted(&written.expression)).collect();
                self.toml.push_str(&format!("L = [{}]\n", listed.join(", ")));
                made.into_iter().map(|written| written.operator).collect()
            }
            (None, Some(s)) => vec![Operator::zero(dim); s.nrows()],
            (None, None) => {
                let kinds: Vec<&str> = KINDS.iter().map(|(kind, ..)| *kind).collect();
                let what = format!("a component needs a kind ({}), or S, L and H of its own", kinds.join(", "));
                return Err(self.wrong(&self.keys[0].value, &what));
            }
        };
        let s = s.unwrap_or_else(|| Array2::eye(l.len()));
        let h = self.hamiltonian()?.unwrap_or_else(|| Operator::zero(dim));
        Slh::new(s, l, h).map_err(|error| self.reader.component_mistake(self.keys, &error))
    }

    /// `S = [["0", "1"], ["1", "0"]]`.
    fn scattering(&mut self) -> Result<Option<Array2<Complex64>>, InputError> {
        let form = "the rows of S, as in [[0, 1], [1, 0]]";
        let Some(item) = self.find("S") else { return Ok(None) };
        let rows = self.reader.source.items(item, form)?;
        let (mut numbers, mut listed) = (vec![], vec![]);
        for row in &rows {
            let cells = self.reader.source.items(row, form)?;
            if cells.len() != rows.len() {
                let what =
                    format!("S is square: {} rows need {} numbers each, not {}", rows.len(), rows.len(), cells.len());
                return Err(self.wrong(row, &what));
            }
            let cells = cells.iter().map(|cell| self.reader.written_number(cell)).collect::<Result<Vec<_>, _>>()?;
            let texts: Vec<&str> = cells.iter().map(|(_, text)| text.as_str()).collect();
            listed.push(format!("[{}]", texts.join(", ")));
            numbers.extend(cells.iter().map(|(z, _)| *z));
        }
        self.toml.push_str(&format!("S = [{}]\n", listed.join(", ")));
        Ok(Some(Array2::from_shape_vec((rows.len(), rows.len()), numbers).expect("every row was counted")))
    }

    fn hamiltonian(&mut self) -> Result<Option<Operator>, InputError> {
        let Some(item) = self.find("H") else { return Ok(None) };
        let written = self.reader.expression_operator(item)?;
        self.toml.push_str(&format!("H = {}\n", quoted(&written.expression)));
        Ok(Some(written.operator))
    }

    /// Lowering operator, rates and detuning of a cavity or an atom.
    fn decaying(&mut self, kind: Kind, rate: &'static str) -> Result<(Operator, Vec<f64>, f64), InputError> {
        let item = self.needed("factor")?;
        let (name, space) = (self.reader.source.text(item)?, &self.reader.space);
        let fits = |m: usize| {
            let factor = &space.factors[m];
            factor.kind == kind && (kind == Kind::Fock || factor.dim == 2)
        };
        let Some(m) = space.factors.iter().position(|factor| factor.name == name) else {
            let known = space.factors.iter().map(|factor| factor.name.as_str());
            return Err(self.wrong(item, &format!("unknown factor '{name}'{}", hint(name, known))));
        };
        if !fits(m) {
            let needs = if kind == Kind::Fock {
                "a cavity needs a mode, as in a = { fock = 20 }"
            } else {
                "a two-level atom needs a \"qubit\""
            };
            return Err(self.wrong(item, &format!("{needs}, and {name} is none")));
        }
        let lower = match kind {
            Kind::Fock => space.destroy(m),
            _ => space.embed(m, &Operator::spin_minus(2)),
        };
        self.toml.push_str(&format!("factor = {}\n", quoted(name)));
        let item = self.needed(rate)?;
        let items =
            if item.value.as_array().is_some() { self.reader.source.items(item, "rates")? } else { vec![item.clone()] };
        let mut rates = vec![];
        let mut listed = vec![];
        for item in &items {
            let (z, text) = self.reader.written_number(item)?;
            if z.im != 0.0 {
                return Err(self.wrong(item, "a rate is a real number"));
            }
            rates.push(z.re);
            listed.push(text);
        }
        self.toml.push_str(&format!("{rate} = [{}]\n", listed.join(", ")));
        let detuning = self.find("Delta").map(|item| self.real("Delta", item)).transpose()?;
        Ok((lower, rates, detuning.unwrap_or(0.0)))
    }

    fn real(&mut self, key: &str, item: &Item) -> Result<f64, InputError> {
        let z = self.number(key, item)?;
        if z.im == 0.0 { Ok(z.re) } else { Err(self.wrong(item, "expected a real number")) }
    }

    fn number(&mut self, key: &str, item: &Item) -> Result<Complex64, InputError> {
        let (z, text) = self.reader.written_number(item)?;
        self.toml.push_str(&format!("{key} = {text}\n"));
        Ok(z)
    }

    fn find(&self, key: &str) -> Option<&'e Item<'d>> {
        self.keys.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    fn needed(&self, key: &str) -> Result<&'e Item<'d>, InputError> {
        self.reader.required(self.keys, Place::Component, key)
    }

    fn wrong(&self, item: &Item, what: &str) -> InputError {
        self.reader.source.mistake(&item.at, what)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::KEYS;
    use super::*;

    #[test]
    fn every_kind_and_key_is_explained() {
        let explained = |name: &str| KEYS.iter().find(|key| key.place == Place::Component && key.name == name);
        let kinds = explained("kind").expect("a row").text;
        for (kind, keys, _) in KINDS {
            assert!(kinds.contains(kind), "{kind}");
            assert!(keys.iter().all(|key| explained(key).is_some()), "{kind}");
        }
        let of_some = |name: &str| {
            COMMON.contains(&name) || OWN.contains(&name) || KINDS.iter().any(|(_, keys, _)| keys.contains(&name))
        };
        assert!(Place::Component.keys().all(of_some), "a key that no component has");
    }
}
