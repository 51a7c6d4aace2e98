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
    keys.map(|key| Difference { key: key.clone(), stored: value(&first, key), asked: value(&second, key) })
        .find(|difference| difference.stored != difference.asked)
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
    fn texts_that_are_no_toml_are_compared_by_line() {
        assert_eq!(
            found("a = 1\n= 2\n", "a = 1\n= 3\n"),
            Some(("line 2".into(), Some("= 2".into()), Some("= 3".into())))
        );
        assert_eq!(found("a\n", "a"), None);
    }
}
