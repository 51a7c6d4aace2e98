//! `[e_ops]`: expectation values of operators, and functions of the ket made from them, as in `var(n)`.

use super::document::{Entry, Item, entries};
use super::keys::Place;
use super::operators::Written;
use super::read::{Reader, quoted};
use crate::input::InputError;
use crate::input::expression::{BUILT_IN, Expr, Mistake, Node, hint, value};
use crate::model::{Conditional, Function, Observable, Operator, Quantity, check_observable_name};

/// What an entry is before those it names are known.
enum Draft {
    /// An expectation value, with the TOML that gives it.
    Mean(Observable, String),
    /// A function of the ket and what stands in its brackets.
    Function(Conditional, Expr),
}

impl Reader<'_> {
    /// The observables, their table in the normal text, and the same without labels.
    pub fn read_observables(&self, item: &Item) -> Result<(Vec<Observable>, String, String), InputError> {
        let table = self.source.table(item, "observables by name, as in n = \"a.dag*a\"")?;
        let mut drafts = vec![];
        for entry in entries(table) {
            if let Err(why) = check_observable_name(entry.key) {
                let what = format!("an observable cannot be called '{}': {why}", entry.key);
                return Err(self.source.mistake(&entry.key_at, what));
            }
            let table = entry.value.value.as_table();
            let keys = table.map(|table| self.source.known_entries(table, Place::Observable)).transpose()?;
            let draft = self.draft(&entry, keys.as_deref())?;
            drafts.push((entry, keys.unwrap_or_default(), draft));
        }
        if drafts.is_empty() {
            return Err(self.source.mistake(&item.at, "[e_ops] needs an observable, as in n = \"a.dag*a\""));
        }
        let means: Vec<&Observable> =
            drafts.iter().filter_map(|(_, _, d)| if let Draft::Mean(o, _) = d { Some(o) } else { None }).collect();
        let (mut observables, mut toml, mut meaning) = (vec![], String::new(), String::new());
        for (entry, keys, draft) in &drafts {
            let (mut observable, written) = match draft {
                Draft::Mean(observable, toml) => (observable.clone(), toml.clone()),
                Draft::Function(function, argument) => {
                    let op = keys.iter().find(|key| key.key == "op").map_or(&entry.value, |op| &op.value);
                    let (found, text) =
                        self.function(*function, argument, &means).map_err(|mistake| self.mistake_in(op, &mistake))?;
                    (found, format!("op = {}", quoted(&text)))
                }
            };
            observable.name = entry.key.to_owned();
            let mut words = vec![written];
            let mut described = |name: &str, into: &mut String| -> Result<(), InputError> {
                if let Some(key) = keys.iter().find(|key| key.key == name) {
                    *into = self.source.text(&key.value)?.to_owned();
                    words.push(format!("{name} = {}", quoted(into)));
                }
                Ok(())
            };
            described("label", &mut observable.label)?;
            described("latex", &mut observable.latex)?;
            described("unit", &mut observable.unit)?;
            described("description", &mut observable.description)?;
            toml.push_str(&format!("{} = {{ {} }}\n", entry.key, words.join(", ")));
            meaning.push_str(&format!("{} = {{ {} }}\n", entry.key, words[0]));
            observables.push(observable);
        }
        Ok((observables, toml, meaning))
    }

    fn draft(&self, entry: &Entry, keys: Option<&[Entry]>) -> Result<Draft, InputError> {
        let op = match keys {
            Some(keys) => keys.iter().find(|key| key.key == "op").map(|key| &key.value),
            None => Some(&entry.value),
        };
        if let Some(op) = op.filter(|op| op.value.as_str().is_some())
            && let Node::Call(called, argument) = self.source.expression(op)?.node
            && let Node::Name(name) = &called.node
        {
            if let Some(function) = Conditional::named(name) {
                return Ok(Draft::Function(function, *argument));
            }
            let of_numbers = Function::ALL.iter().map(|(name, _)| *name).chain(BUILT_IN.iter().copied());
            if !of_numbers.clone().any(|known| known == name) {
                let near = hint(name, Conditional::ALL.iter().map(|(name, _)| *name).chain(of_numbers));
                let what = format!("unknown function '{name}'{near}");
                return Err(self.mistake_in(op, &Mistake { at: called.at.clone(), what }));
            }
        }
        let written = match keys {
            Some(keys) => self.operator_of(&entry.value, keys)?,
            None => self.expression_operator(&entry.value)?,
        };
        let Written { operator, expression, toml } = written;
        Ok(Draft::Mean(mean(entry.key, expression, operator), toml))
    }

    /// A function of the ket and its normal text. A name in its brackets is that of another entry, or of a factor for the
    /// entropy; anything else is an operator.
    fn function(
        &self,
        function: Conditional,
        argument: &Expr,
        means: &[&Observable],
    ) -> Result<(Observable, String), Mistake> {
        let wrong = |what: String| Mistake { at: argument.at.clone(), what };
        let name = if let Node::Name(name) = &argument.node { Some(name.as_str()) } else { None };
        if function == Conditional::Entropy {
            let known = || self.space.factors.iter().map(|factor| factor.name.as_str());
            let m = name.and_then(|name| known().position(|factor| factor == name));
            let m = m.ok_or_else(|| wrong(format!("this is no factor{}", hint(name.unwrap_or(""), known()))))?;
            let found = Conditional::entropy_of(&self.space, m).map_err(wrong)?;
            return Ok((found.clone(), found.expression));
        }
        let word = Conditional::ALL.iter().find(|(_, f)| *f == function).map_or("", |(word, _)| word);
        let of = match name.and_then(|name| means.iter().find(|o| o.name == name)) {
            Some(known) => (*known).clone(),
            None => {
                let operator = value(argument, &self.scope(false))
                    .and_then(|value| value.operator(self.space.dim(), &argument.at))
                    .map_err(|mistake| match name {
                        // What was meant may be an entry as well as a name of expressions.
                        Some(name) => {
                            let near = hint(name, means.iter().map(|o| o.name.as_str()));
                            wrong(format!("'{name}' is neither another entry of [e_ops] nor an operator{near}"))
                        }
                        None => mistake,
                    })?;
                if operator.elements().any(|(_, z)| !z.is_finite()) {
                    return Err(wrong("this operator has elements that are not finite".into()));
                }
                mean("", argument.to_string(), operator)
            }
        };
        let found = function.of_operator(&of).map_err(wrong)?;
        Ok((found, format!("{word}({argument})")))
    }
}

/// An expectation value as it is described if nobody says otherwise.
fn mean(name: &str, expression: String, operator: Operator) -> Observable {
    Observable {
        name: name.to_owned(),
        label: format!("⟨{expression}⟩"),
        latex: format!(r"\langle \mathrm{{{}}} \rangle", name.replace('_', r"\_")),
        unit: "1".into(),
        description: format!("expectation value of {expression}"),
        expression,
        quantity: Quantity::Mean(operator),
    }
}
