//! `[link]` of a model file: the partially coherent link between two of its c_ops.

use super::document::{Entry, Item};
use super::keys::Place;
use super::operators::complex;
use super::read::{Reader, quoted, real};
use crate::input::InputError;
use crate::model::library::Pair;
use crate::model::{Link, ModelError, ModelParameter};
use num_complex::Complex64;
use std::ops::Range;
use toml::de::DeValue;

/// A link before the c_ops are read.
pub struct Linked {
    /// Names of the c_ops that are linked; those of a list are their numbers from 1.
    pub ends: [String; 2],
    places: [Range<usize>; 2],
    pair: Pair,
    link: Link,
    toml: String,
}

impl Reader<'_> {
    /// `[link]`.
    pub fn read_link(&self, item: &Item) -> Result<Linked, InputError> {
        let table = self.source.table(item, "a link between two c_ops, as in from = 1")?;
        let keys = self.source.known_entries(table, Place::Link)?;
        if keys.is_empty() {
            return Err(self.source.mistake(&item.at, "this [link] is empty: give from = 1 and to = 2, for instance"));
        }
        let find = |key: &str| keys.iter().find(|entry| entry.key == key).map(|entry| &entry.value);
        let ((from, from_at), (to, to_at)) = (self.end(&keys, "from")?, self.end(&keys, "to")?);
        if from == to {
            return Err(self.source.mistake(&to_at, "a link joins two different c_ops"));
        }
        let number = |key: &str, default: f64| find(key).map_or(Ok(default), |item| self.real_number(item));
        let equation = find("equation").map(|item| self.source.text(item).map(|word| (word, &item.at))).transpose()?;
        let pair = Pair {
            reflection: number("R", 0.0)?,
            eps: number("eps", 0.0)?,
            noise: number("noise_amp", 1.0)?,
            filter_time: number("filter_time", 0.0)?,
            phase: find("trans_phase").map_or(Ok(Complex64::ONE), |item| self.number(item))?,
            drive_second: false,
            correction: match equation {
                None | Some(("physical", _)) => true,
                Some(("seed", _)) => false,
                Some((other, at)) => {
                    let what = format!("the equation of a link is physical or seed, not '{other}'");
                    return Err(self.source.mistake(at, what));
                }
            },
        };
        let link = pair.link().map_err(|error| {
            let wrong = match &error {
                ModelError::BadParameter { name, .. } => find(name.trim_matches('|')),
                _ => None,
            };
            self.source.mistake(&wrong.unwrap_or(item).at, error.to_string())
        })?;
        let toml = link_toml(&pair, [&from, &to]);
        Ok(Linked { ends: [from, to], places: [from_at, to_at], pair, link, toml })
    }

    /// The name of a c_op, and where it stands.
    fn end(&self, keys: &[Entry], key: &str) -> Result<(String, Range<usize>), InputError> {
        let item = self.required(keys, Place::Link, key)?;
        let name = match item.value {
            DeValue::String(name) => name.to_string(),
            DeValue::Integer(_) => self.source.whole(item)?.to_string(),
            _ => return Err(self.source.wrong_type(item, "a c_op: its number, from 1, or its name")),
        };
        Ok((name, item.at.clone()))
    }

    /// The link between c_ops whose names, in the order of `Model::lindblads`, are `names`.
    pub fn place_link(&mut self, linked: &Linked, names: &[String]) -> Result<Link, InputError> {
        let find = |end: usize| {
            names.iter().position(|name| *name == linked.ends[end]).ok_or_else(|| {
                let known = if names.is_empty() { "none".into() } else { names.join(", ") };
                let what = format!("c_ops has no {}; it has {known}", linked.ends[end]);
                self.source.mistake(&linked.places[end], what)
            })
        };
        let (first, second) = (find(0)?, find(1)?);
        self.out.push_str(&linked.toml);
        Ok(Link { first, second, ..linked.link })
    }
}

impl Linked {
    /// Its numbers for the results file, but for those that the file has as parameters of that name.
    pub fn numbers(&self, parameters: &[ModelParameter]) -> Vec<ModelParameter> {
        let is_free = |number: &ModelParameter| !parameters.iter().any(|p| p.name == number.name);
        self.pair.numbers().into_iter().filter(is_free).collect()
    }
}

/// The `[link]` between two c_ops in its normal form.
pub fn link_toml(pair: &Pair, [from, to]: [&str; 2]) -> String {
    // A list is counted, and a table has names.
    let end = |name: &str| if name.parse::<usize>().is_ok() { name.into() } else { quoted(name) };
    format!(
        "\n[link]\nfrom = {}\nto = {}\nR = {}\neps = {}\nnoise_amp = {}\nfilter_time = {}\ntrans_phase = {}\nequation = {}\n",
        end(from),
        end(to),
        real(pair.reflection),
        real(pair.eps),
        real(pair.noise),
        real(pair.filter_time),
        complex(pair.phase),
        quoted(if pair.correction { "physical" } else { "seed" }),
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Described, Overrides, Source, read};
    use crate::input::InputError;
    use num_complex::Complex64;
    use std::path::Path;

    const HEAD: &str = r#"
H = "a.n"
initial = "a.vacuum*b.vacuum"
space = { a = { fock = 3 }, b = { fock = 4 } }
e_ops = { n = "b.n" }
parameters = { k = 0.25, eps = 0.5 }
"#;
    const LIST: &str = "c_ops = [\"0\", \"0.1*a\", \"a\", \"sqrt(k)*b\"]\n[link]\nfrom = 3\nto = 4\nR = \"k + 0.35\"\n\
                        eps = \"eps\"\nnoise_amp = 0.9\nfilter_time = 0.1\ntrans_phase = \"0.6-0.8i\"\n";

    fn described(rest: &str) -> Result<Described, InputError> {
        let text = format!("{HEAD}{rest}");
        read(Source { name: "m.toml", text: &text }, "m", Path::new(""), &Overrides::default())
    }

    #[test]
    fn a_link_joins_the_c_ops_that_it_names() {
        let found = described(LIST).unwrap_or_else(|error| panic!("{error}"));
        let link = found.model.dynamics.link.expect("a link");
        assert_eq!((link.first, link.second), (1, 2), "the first c_op is zero and left out");
        assert_eq!((link.reflection, link.noise, link.filter_time, link.correction), (0.6, 0.9, 0.1, true));
        assert!((link.feedback - Complex64::new(0.3, -0.4)).norm() < 1e-15);
        let numbers: Vec<&str> = found.model.parameters.iter().map(|p| p.name.as_str()).collect();
        let expected = ["k", "eps", "R", "noise_amp", "filter_time", "trans_phase_re", "trans_phase_im"];
        assert_eq!(numbers, expected, "each name once");
    }

    #[test]
    fn linked_ports_may_be_zero_and_have_names() {
        let named = "[c_ops]\nother = \"0*a\"\nlaser = \"0\"\n2 = \"b\"\n[link]\nfrom = \"laser\"\nto = \"2\"\nequation = \"seed\"";
        let found = described(named).unwrap_or_else(|error| panic!("{error}"));
        let link = found.model.dynamics.link.expect("a link");
        assert_eq!((link.first, link.second, link.correction), (0, 1, false));
        assert!(found.model.lindblads.len() == 2 && found.model.lindblads[0].is_zero());
        assert!(found.warnings.contains(&"c_op other is zero and left out".into()), "{:?}", found.warnings);
    }

    #[test]
    fn the_normal_form_of_a_link_gives_the_same_bits() {
        for rest in [LIST, "[c_ops]\none = \"a\"\ntwo = \"b\"\n[link]\nfrom = \"two\"\nto = \"one\""] {
            let first = described(rest).unwrap_or_else(|error| panic!("{error}"));
            let source = Source { name: "normal.toml", text: &first.text };
            let again = read(source, "m", Path::new(""), &Overrides::default()).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!((&again.text, &again.meaning), (&first.text, &first.meaning));
            assert_eq!(again.model.dynamics.link, first.model.dynamics.link);
            assert_eq!(again.model.lindblads, first.model.lindblads);
        }
    }

    #[test]
    fn links_that_cannot_be_are_shown_at_their_place() {
        for (from, to, what, marked) in [
            ("from = 3", "from = 5", "c_ops has no 5; it has 2, 3, 4", "5"),
            ("from = 3", "from = 4", "joins two different c_ops", "4"),
            ("from = 3", "from = true", "its number, from 1, or its name", "true"),
            ("from = 3\n", "", "this [link] has no key 'from'", "to"),
            ("R = \"k + 0.35\"", "R = 1.5", "between 0 and 1", "1.5"),
            ("R = \"k + 0.35\"", "r = 0.5", "did you mean R?", "r"),
            ("\"0.6-0.8i\"", "2", "modulus 1", "2"),
            ("filter_time = 0.1", "filter_time = -1", "filter_time = -1", "-1"),
            ("filter_time = 0.1", "equation = \"sed\"", "physical or seed, not 'sed'", "\"sed\""),
        ] {
            assert!(LIST.contains(from), "{from}");
            let said = described(&LIST.replacen(from, to, 1)).expect_err(to).to_string();
            assert!(said.contains(what), "{to}: {said}");
            let [.., source, carets] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
            let place = carets.find('^').expect("a caret");
            assert!(source[place..].starts_with(marked), "{to}: {said}");
        }
        let lonely = described(
            "[[component]]\nname = \"c\"\nkind = \"cavity\"\nfactor = \"a\"\nkappa = 1\n[link]\nfrom = 1\nto = 2",
        );
        let said = lonely.expect_err("only what stands in c_ops has a number").to_string();
        assert!(said.contains("c_ops has no 1; it has none"), "{said}");
    }
}
