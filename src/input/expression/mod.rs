//! Expressions as physicists type them: `-1i*g0*(a*j.plus - a.dag*j.minus) + Delta*j.z`.
//!
//! Two passes. Text becomes a tree that remembers where everything stood (`lexer`, `grammar`, `tree`);
//! a tree becomes a number, an operator (`value`) or a ket (`ket`) once the space and the parameters are
//! known. Mistakes of either pass are a [`Mistake`]: what is wrong, at which bytes of the text.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = sign { ("*" | "/") sign }
//! sign    = "-" sign | postfix
//! postfix = atom { "'" | "." name [ "(" sum ")" ] | "^" exponent }        exponent = "-" exponent | atom
//! atom    = number | name [ "(" sum ")" ] | "(" sum ")"
//! ```
//!
//! `^` (also `**`) and `'` (also `†`) bind tightest, then the sign, then `*` and `/`, then `+` and `-`.
//! A number may end in `i` or `j`, and `i` alone is the imaginary unit.

mod grammar;
mod ket;
mod lexer;
mod members;
mod tree;
mod value;

pub use grammar::parse;
pub use ket::{Ket, ket, tensor};
pub use tree::{Expr, Node};
pub use value::{BUILT_IN, Scope, Value, number, value};

use std::ops::Range;

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq)]
pub struct Mistake {
    /// Bytes of the text.
    pub at: Range<usize>,
    /// One sentence without a full stop.
    pub what: String,
}

impl Mistake {
    fn new(at: &Range<usize>, what: impl Into<String>) -> Mistake {
        Mistake { at: at.clone(), what: what.into() }
    }
}

/// ` did you mean X?` if a known name is near, the list of all if there are few, else nothing.
pub(super) fn hint<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    /// More names than this are no help in a message.
    const FEW: usize = 12;
    let known: Vec<&str> = known.into_iter().collect();
    let listed = if known.is_empty() || known.len() > FEW { None } else { Some(known.join(", ")) };
    match (super::nearest(word, &known), listed) {
        (Some(near), _) => format!("; did you mean {near}?"),
        (None, Some(list)) => format!("; there is {list}"),
        (None, None) => String::new(),
    }
}
