//! A TOML document with the place of every key and value, walked in the order in which it was written.

use super::keys::Place;
use super::source::Source;
use crate::input::InputError;
use crate::input::expression::{Expr, hint, parse};
use num_complex::Complex64;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A key with its value.
#[derive(Debug, Clone)]
pub struct Entry<'d> {
    /// As typed.
    pub key: &'d str,
    /// Its bytes.
    pub key_at: Range<usize>,
    /// What it is set to.
    pub value: Item<'d>,
}

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Item<'d> {
    /// The value.
    pub value: &'d DeValue<'d>,
    /// Its bytes.
    pub at: Range<usize>,
}

/// The entries of a table as they stand in the file.
pub fn entries<'d>(table: &'d DeTable<'d>) -> Vec<Entry<'d>> {
    let mut all: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref(),
            key_at: key.span(),
            value: Item { value: value.get_ref(), at: value.span() },
        })
        .collect();
    all.sort_by_key(|entry| entry.key_at.start);
    all
}

impl Source<'_> {
    /// The entries of a table whose keys are those of `place`.
    pub fn known_entries<'d>(&self, table: &'d DeTable<'d>, place: Place) -> Result<Vec<Entry<'d>>, InputError> {
        let all = entries(table);
        match all.iter().find(|entry| !place.keys().any(|known| known == entry.key)) {
            None => Ok(all),
            Some(entry) => {
                let what = format!("{} has no key '{}'{}", place.name(), entry.key, hint(entry.key, place.keys()));
                Err(self.mistake(&entry.key_at, what))
            }
        }
    }

    /// A value of another type than the one that is needed.
    pub fn wrong_type(&self, item: &Item, expected: &str) -> InputError {
        self.mistake(&item.at, format!("expected {expected}, found {}", described(item.value)))
    }

    /// A string.
    pub fn text<'d>(&self, item: &Item<'d>) -> Result<&'d str, InputError> {
        item.value.as_str().ok_or_else(|| self.wrong_type(item, "a text in quotes"))
    }

    /// A table.
    pub fn table<'d>(&self, item: &Item<'d>, expected: &str) -> Result<&'d DeTable<'d>, InputError> {
        item.value.as_table().ok_or_else(|| self.wrong_type(item, expected))
    }

    /// The members of an array.
    pub fn items<'d>(&self, item: &Item<'d>, expected: &str) -> Result<Vec<Item<'d>>, InputError> {
        let array = item.value.as_array().ok_or_else(|| self.wrong_type(item, expected))?;
        Ok(array.iter().map(|member| Item { value: member.get_ref(), at: member.span() }).collect())
    }

    /// true or false.
    pub fn flag(&self, item: &Item) -> Result<bool, InputError> {
        item.value.as_bool().ok_or_else(|| self.wrong_type(item, "true or false"))
    }

    /// A real number that is written as one.
    pub fn real(&self, item: &Item) -> Result<f64, InputError> {
        match number(item.value) {
            Some(x) if x.is_finite() => Ok(x),
            Some(_) => Err(self.mistake(&item.at, "expected a finite number")),
            None => Err(self.wrong_type(item, "a number")),
        }
    }

    /// A whole number, not below 0.
    pub fn whole(&self, item: &Item) -> Result<usize, InputError> {
        match item.value {
            DeValue::Integer(n) => usize::from_str_radix(n.as_str(), n.radix())
                .map_err(|_| self.mistake(&item.at, "expected a whole number, not below 0")),
            _ => Err(self.wrong_type(item, "a whole number")),
        }
    }

    /// A number, or an expression in quotes.
    pub fn expression(&self, item: &Item) -> Result<Expr, InputError> {
        match item.value.as_str() {
            Some(text) => parse(text).map_err(|mistake| self.mistake_in_string(&item.at, text, &mistake)),
            None if number(item.value).is_some() => self.real(item).map(signed),
            None => Err(self.wrong_type(item, "an expression in quotes")),
        }
    }
}

/// A number in its normal form: the minus is a sign of its own.
fn signed(x: f64) -> Expr {
    let magnitude = Expr::number(Complex64::from(x.abs()));
    if x < 0.0 {
        Expr { at: 0..0, node: crate::input::expression::Node::Negate(Box::new(magnitude)) }
    } else {
        magnitude
    }
}

fn number(value: &DeValue) -> Option<f64> {
    match value {
        DeValue::Integer(n) => match n.radix() {
            10 => n.as_str().parse().ok(),
            radix => i64::from_str_radix(n.as_str(), radix).ok().map(|n| n as f64),
        },
        DeValue::Float(x) => x.as_str().parse().ok(),
        _ => None,
    }
}

fn described(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
