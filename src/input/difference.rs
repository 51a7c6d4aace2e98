//! How two resolved inputs differ, as texts: what a results file was made from, and what is asked for now.
//!
//! Only the TOML is looked at and no `RunSpec`, so that an input of another version, with keys that this
//! one does not have, is told apart by its keys as well.

use toml::de::{DeTable, DeValue};

/// The first key that is not the same in two inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The key, with the tables it is in: `time.h`.
    pub key: String,
    /// Its value in the first input, if it is there.
    pub stored: Option<String>,
    /// Its value in the second.
    pub asked: Option<String>,
}

/// Characters of a value that are shown.
const WIDTH: usize = 80;
/// It follows from two others, and nobody types it.
const DERIVED: &str = "time.steps_per_save";
/// Keys whose value is typed under another name.
const FLAGS: &[(&str, &str)] = &[
    ("time.h", "--dt"),
    ("time.save_dt", "--save-dt"),
    ("time.intervals", "time.intervals (--duration over --save-dt)"),
    ("time.first_save", "time.first_save (--save-from over --save-dt)"),
    ("drive", "drive (--no-drive)"),
    ("exact", "exact (--fock NAME=N,exact)"),
    ("link.drive_second_system", "--drive-second-system"),
    ("link.link", "--link"),
    ("link.trans_phase", "--trans-phase"),
    ("link.noise_amp", "--noise-amp"),
    ("link.filter_time", "--filter-time"),
    ("link.eps", "--eps"),
    ("link.R", "--R"),
    ("sweep", "--sweep"),
    ("sweep_streams", "--sweep-streams"),
];
/// Keys that are flags but for their spelling.
const SPELT: &[&str] = &[
    "regime",
    "Nfock_a",
    "Nfock_j",
    "initial",
    "gauge",
    "method",
    "store_states",
    "seed",
    "first_trajectory",
    "ntraj",
];

/// The key under which a model file stands in an input.
const MODEL: &str = "model";

impl Difference {
    /// With values that fit into a sentence.
    pub(super) fn cut(self) -> Difference {
        let short = |value: String| match value.char_indices().nth(WIDTH) {
            Some((end, _)) => format!("{}...", &value[..end]),
            None => value,
        };
        Difference { key: self.key, stored: self.stored.map(short), asked: self.asked.map(short) }
    }

    /// It with a value, as it is typed where it is a flag.
    pub fn typed(&self, value: &str) -> String {
        match self.name() {
            name if name.starts_with("--set ") => format!("{name}={value}"),
            name if name.starts_with("--") => format!("{name} {value}"),
            name => format!("{name} = {value}"),
        }
    }

    /// The flag that it is typed with, if there is one, else the key.
    pub fn name(&self) -> String {
        let parameter = self.key.strip_prefix("set.").or_else(|| self.key.strip_prefix("model.parameters."));
        if let Some(name) = parameter {
            return format!("--set {name}");
        }
        if self.key.starts_with("target_tol") {
            return "--target-tol".into();
        }
        match FLAGS.iter().find(|(key, _)| *key == self.key) {
            Some((_, flag)) => (*flag).into(),
            None if SPELT.contains(&self.key.as_str()) => format!("--{}", spelt(&self.key)),
            None => self.key.clone(),
        }
    }
}

/// Flags are written with hyphens, but for those of the original script.
fn spelt(key: &str) -> String {
    if key.starts_with("Nfock") { key.into() } else { key.replace('_', "-") }
}

/// The first key, in the order of the first text, then of the second, whose values differ; keys of the root
/// named in `but` may. Numbers are compared as numbers: `1e3` is `1000.0`. Comments and order do not count.
pub fn difference(stored: &str, asked: &str, but: &[&str]) -> Option<Difference> {
    if stored == asked {
        return None;
    }
    let (Some(first), Some(second)) = (entries(stored), entries(asked)) else { return by_line(stored, asked) };
    let value = |entries: &[(String, String)], key: &str| {
        entries.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone())
    };
    let keys = first.iter().chain(&second).map(|(key, _)| key).filter(|key| !but.iter().any(|but| is_in(key, but)));
    let found = keys
        .filter(|key| *key != DERIVED)
        .map(|key| Difference { key: key.clone(), stored: value(&first, key), asked: value(&second, key) })
        .find(|difference| difference.stored != difference.asked)?;
    Some(inside_the_model(stored, asked, &found).unwrap_or(found).cut())
}

/// Where two models differ, which are texts with keys themselves.
fn inside_the_model(stored: &str, asked: &str, found: &Difference) -> Option<Difference> {
    if found.key != MODEL {
        return None;
    }
    let text = |input: &str| Some(input.parse::<toml::Table>().ok()?.get(MODEL)?.as_str()?.to_owned());
    let inner = difference(&text(stored)?, &text(asked)?, &[])?;
    Some(Difference { key: format!("{MODEL}.{}", inner.key), ..inner })
}

/// Whether a key is this one of the root, or in the table of that name.
fn is_in(key: &str, of_root: &str) -> bool {
    key.strip_prefix(of_root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Keys with the tables they are in and values in one way of writing, in the order of the text.
fn entries(text: &str) -> Option<Vec<(String, String)>> {
    let table = DeTable::parse(text).ok()?;
    let mut found = vec![];
    collect(table.get_ref(), &[], &mut found);
    found.sort();
    let values: toml::Table = text.parse().ok()?;
    let value = |path: &[String]| {
        let (first, inner) = path.split_first()?;
        inner.iter().try_fold(values.get(first)?, |value, name| value.get(name)).map(toml::Value::to_string)
    };
    found.into_iter().map(|(_, path)| Some((path.join("."), value(&path)?))).collect()
}

/// Places in the text and paths of all keys that have a value of their own.
fn collect(table: &DeTable, inside: &[String], found: &mut Vec<(usize, Vec<String>)>) {
    for (key, value) in table {
        let path = [inside, &[key.get_ref().to_string()]].concat();
        match value.get_ref() {
            // A table without keys says no more than one that is not there.
            DeValue::Table(inner) => collect(inner, &path, found),
            _ => found.push((key.span().start, path)),
        }
    }
}

/// For texts that are no TOML: the first line that differs.
fn by_line(stored: &str, asked: &str) -> Option<Difference> {
    let (mut first, mut second) = (stored.lines(), asked.lines());
    let mut number = 0;
    loop {
        number += 1;
        let (stored, asked) = (first.next(), second.next());
        if stored.is_none() && asked.is_none() {
            return None;
        }
        if stored != asked {
            let (stored, asked) = (stored.map(String::from), asked.map(String::from));
            return Some(Difference { key: format!("line {number}"), stored, asked });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::tests::example;
    use super::*;

    fn found(stored: &str, asked: &str) -> Option<(String, Option<String>, Option<String>)> {
        difference(stored, asked, &[]).map(|found| (found.key, found.stored, found.asked))
    }

    #[test]
    fn the_first_key_of_the_text_that_differs_is_named_with_both_values() {
        let some = |text: &str| Some(text.to_string());
        let stored = "z = 1\nb = \"x\"\n[time]\nh = 0.1\na = 2\n";
        assert_eq!(
            found(stored, "z = 1\nb = \"y\"\n[time]\nh = 0.2\na = 2\n"),
            Some(("b".into(), some("\"x\""), some("\"y\"")))
        );
        let later = "z = 1\nb = \"x\"\n[time]\nh = 0.2\na = 3\n";
        assert_eq!(found(stored, later), Some(("time.h".into(), some("0.1"), some("0.2"))));
        assert_eq!(found(stored, "z = 1\n[time]\nh = 0.1\na = 2\n"), Some(("b".into(), some("\"x\""), None)));
        assert_eq!(found("z = 1\n", "z = 1\ny = [1, 2]\n"), Some(("y".into(), None, some("[1, 2]"))));
        assert_eq!(difference(stored, later, &["time"]), None, "a table with all that is in it");
        assert_eq!(found("[set]\n", "[set]\nchi = 1\n"), Some(("set.chi".into(), None, some("1"))));
        assert_eq!(difference(stored, later, &["tim", "h"]).map(|found| found.key), Some("time.h".into()));
    }

    #[test]
    fn order_comments_and_ways_of_writing_a_number_are_no_difference() {
        assert_eq!(found("a = 1e3\nb = 2 # two\n", "# none\nb = 2\na = 1_000.0\n"), None);
        assert_eq!(difference("ntraj = 1\nseed = 2\n", "ntraj = 3\nseed = 2\n", &["ntraj"]), None);
        assert!(found("a = 1\n", "a = 1.0\n").is_some() && found("a = 0.0\n", "a = -0.0\n").is_some());
    }

    #[test]
    fn the_last_bit_of_a_number_of_a_run_is_a_difference() {
        let mut other = example();
        other.time.h = f64::from_bits(other.time.h.to_bits() + 1);
        let difference = difference(&example().to_toml(), &other.to_toml(), &[]).unwrap();
        assert_eq!(difference.key, "time.h");
        assert_ne!(difference.stored, difference.asked);
    }

    #[test]
    fn models_differ_in_a_key_of_theirs_and_not_as_a_whole() {
        let input = |kappa: &str, h: &str| {
            let model = format!("H = \"{h}\"\n[parameters]\nkappa = {kappa}\n");
            format!("model = {}\nseed = 1\n", toml::Value::from(model))
        };
        let found = difference(&input("1.0", "0"), &input("2.0", "0"), &[]).unwrap();
        assert_eq!((found.name().as_str(), found.stored.as_deref()), ("--set kappa", Some("1.0")));
        let long = "a + ".repeat(100);
        let found = difference(&input("1.0", "0"), &input("2.0", &long), &[]).unwrap();
        assert_eq!((found.name().as_str(), found.stored.as_deref()), ("model.H", Some("\"0\"")));
        assert!(found.asked.is_some_and(|asked| asked.len() < 90 && asked.ends_with("...")));
    }

    #[test]
    fn a_difference_is_named_as_it_is_typed() {
        let flag = |key: &str| Difference { key: key.into(), stored: None, asked: None }.name();
        for (key, name) in [
            ("seed", "--seed"),
            ("Nfock_a", "--Nfock_a"),
            ("first_trajectory", "--first-trajectory"),
            ("set.chi", "--set chi"),
            ("time.h", "--dt"),
            ("target_tol.named.n.atol", "--target-tol"),
            ("colour", "colour"),
        ] {
            assert_eq!(flag(key), name);
        }
    }

    /// Every flag that is named exists.
    #[test]
    fn the_flags_of_keys_are_flags() {
        let command = crate::cli::command();
        let run = command.find_subcommand("run").unwrap();
        let spelt = SPELT.iter().map(|key| format!("--{}", spelt(key)));
        for name in spelt.chain(FLAGS.iter().map(|(_, flag)| flag.to_string())) {
            let words = name.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c)));
            for flag in words.filter_map(|word| word.strip_prefix("--")) {
                assert!(run.get_arguments().any(|arg| arg.get_long() == Some(flag)), "{flag}");
            }
        }
    }

    #[test]
    fn texts_that_are_no_toml_are_compared_by_line() {
        assert_eq!(
            found("a = 1\n= 2\n", "a = 1\n= 3\n"),
            Some(("line 2".into(), Some("= 2".into()), Some("= 3".into())))
        );
        assert_eq!(found("a\n", "a"), None);
    }
}
