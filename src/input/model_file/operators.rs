//! Operators and terms of a model file: `"a.dag*a"`, `{ op = "a + a'", coeff = "cos(t)" }`.

use super::document::{Entry, Item};
use super::keys::Place;
use super::read::{Reader, quoted, real};
use crate::input::InputError;
use crate::input::expression::{Value, value};
use crate::model::{Operator, Scalar, TimeFunction, written};
use num_complex::Complex64;

/// An operator as it was written.
#[derive(Debug, Clone)]
pub struct Written {
    /// The operator.
    pub operator: Operator,
    /// Its normal text for people.
    pub expression: String,
    /// The key and value that give it: `op = "..."` or `elements = [...]`.
    pub toml: String,
}

/// An operator with a coefficient.
#[derive(Debug, Clone)]
pub struct Term {
    /// The operator, with a constant coefficient multiplied in.
    pub operator: Operator,
    /// Its coefficient, if it depends on time.
    pub coefficient: Option<TimeFunction>,
    /// Its normal form as a TOML value.
    pub toml: String,
}

impl Reader<'_> {
    /// An operator given by an expression.
    pub fn expression_operator(&self, item: &Item) -> Result<Written, InputError> {
        let expression = self.source.expression(item)?;
        let dim = self.space.dim();
        let operator = value(&expression, &self.scope(false))
            .and_then(|value| value.operator(dim, &expression.at))
            .map_err(|mistake| self.mistake_in(item, &mistake))?;
        if operator.elements().any(|(_, z)| !z.is_finite()) {
            return Err(self.source.mistake(&item.at, "this operator has elements that are not finite"));
        }
        let expression = expression.to_string();
        Ok(Written { operator, toml: format!("op = {}", quoted(&expression)), expression })
    }

    /// An operator given by `op` or by `elements`.
    pub fn operator_of(&self, item: &Item, entries: &[Entry]) -> Result<Written, InputError> {
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        match (find("op"), find("elements")) {
            (Some(op), None) => self.expression_operator(&op.value),
            (None, Some(elements)) => self.elements(&elements.value),
            (Some(_), Some(elements)) => {
                Err(self.source.mistake(&elements.key_at, "op and elements say the same; give one"))
            }
            (None, None) => Err(self.source.mistake(&item.at, "expected op = \"...\" in this table")),
        }
    }

    fn elements(&self, item: &Item) -> Result<Written, InputError> {
        let (form, dim) = ("a list of [row, column, Re, Im]", self.space.dim());
        let mut found = vec![];
        for element in self.source.items(item, form)? {
            let parts = self.source.items(&element, form)?;
            let [row, column, re, im] = &parts[..] else { return Err(self.source.wrong_type(&element, form)) };
            let (place, z) = (
                (self.source.whole(row)?, self.source.whole(column)?),
                Complex64::new(self.source.real(re)?, self.source.real(im)?),
            );
            if place.0 >= dim || place.1 >= dim {
                let what = format!("element ({}, {}) lies outside the {dim} states of the space", place.0, place.1);
                return Err(self.source.mistake(&element.at, what));
            }
            found.push((place, z));
        }
        let operator = Operator::from_elements(dim, found);
        let listed: Vec<String> = operator
            .elements()
            .map(|((row, column), z)| format!("[{row}, {column}, {}, {}]", real(z.re), real(z.im)))
            .collect();
        Ok(Written { operator, expression: "matrix".into(), toml: format!("elements = [{}]", listed.join(", ")) })
    }

    /// A term of H, or a Lindblad operator.
    pub fn term(&self, item: &Item) -> Result<Term, InputError> {
        let Some(table) = item.value.as_table() else {
            if item.value.as_array().is_some() {
                return Err(self.source.wrong_type(item, "an expression in quotes or a table { op = \"...\" }"));
            }
            let Written { operator, expression, .. } = self.expression_operator(item)?;
            return Ok(Term { operator, coefficient: None, toml: quoted(&expression) });
        };
        let entries = self.source.known_entries(table, Place::Term)?;
        let written = self.operator_of(item, &entries)?;
        let coefficients = ["coeff", "pulse", "table"];
        let given: Vec<&Entry> = entries.iter().filter(|entry| coefficients.contains(&entry.key)).collect();
        if let [_, second, ..] = given[..] {
            return Err(self.source.mistake(&second.key_at, "a term has one of coeff, pulse and table"));
        }
        let interpolation = entries.iter().find(|entry| entry.key == "interpolation");
        if let (Some(entry), None) = (interpolation, given.iter().find(|entry| entry.key == "table")) {
            return Err(self.source.mistake(&entry.key_at, "interpolation belongs to a table"));
        }
        let Some(given) = given.first() else {
            let toml = format!("{{ {} }}", written.toml);
            return Ok(Term { operator: written.operator, coefficient: None, toml });
        };
        let (coefficient, toml) = match given.key {
            "coeff" => {
                let scalar = self.scalar(&given.value)?;
                let toml = format!("coeff = {}", quoted(&scalar.to_string()));
                (TimeFunction::Expression(scalar), toml)
            }
            "pulse" => self.pulses(&given.value)?,
            _ => self.samples(&given.value, interpolation.map(|entry| &entry.value))?,
        };
        let toml = format!("{{ {}, {toml} }}", written.toml);
        Ok(match coefficient {
            TimeFunction::Expression(Scalar::Number(z)) => {
                Term { operator: written.operator.scale(z), coefficient: None, toml }
            }
            _ => Term { operator: written.operator, coefficient: Some(coefficient), toml },
        })
    }

    /// A coefficient.
    fn scalar(&self, item: &Item) -> Result<Scalar, InputError> {
        let expression = self.source.expression(item)?;
        match value(&expression, &self.scope(true)).map_err(|mistake| self.mistake_in(item, &mistake))? {
            Value::Scalar(scalar) => Ok(scalar),
            Value::Operator(_) => Err(self
                .source
                .mistake(&item.at, "a coefficient is a number or a function of t; operators belong in op")),
        }
    }
}

/// A complex number as a TOML value.
pub fn complex(z: Complex64) -> String {
    if z.im == 0.0 { real(z.re) } else { quoted(&written(z)) }
}
