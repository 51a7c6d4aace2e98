//! The tree of an expression. Printed, it is the text in its normal form, which reads back as the same tree.

use crate::model::written;
use num_complex::Complex64;
use std::fmt;
use std::ops::Range;

/// An expression and its place in the text.
#[derive(Debug, Clone)]
pub struct Expr {
    /// Bytes of the text.
    pub at: Range<usize>,
    /// What it is.
    pub node: Node,
}

/// The kinds of expressions. Chains of sums and products are kept flat, so depth is depth of brackets.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A real or an imaginary number.
    Number(Complex64),
    /// A name.
    Name(String),
    /// `x.name`.
    Member(Box<Expr>, Word),
    /// `f(x)` or `a.f(x)`.
    Call(Box<Expr>, Box<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `x'`.
    Dagger(Box<Expr>),
    /// `x^y`.
    Power(Box<Expr>, Box<Expr>),
    /// The first, then the others with `*` (true) or `/` (false) in front.
    Product(Box<Expr>, Vec<(bool, Expr)>),
    /// The first, then the others with `+` (true) or `-` (false) in front.
    Sum(Box<Expr>, Vec<(bool, Expr)>),
}

/// The name behind a dot.
#[derive(Debug, Clone)]
pub struct Word {
    /// The name.
    pub name: String,
    /// Bytes of the text.
    pub at: Range<usize>,
}

/// Places do not matter.
impl PartialEq for Word {
    fn eq(&self, other: &Word) -> bool {
        self.name == other.name
    }
}

/// Places do not matter.
impl PartialEq for Expr {
    fn eq(&self, other: &Expr) -> bool {
        self.node == other.node
    }
}

const SUM: u8 = 0;
const PRODUCT: u8 = 1;
const MINUS: u8 = 2;
const POSTFIX: u8 = 3;
const ATOM: u8 = 4;

impl Expr {
    /// A number by itself.
    pub fn number(z: Complex64) -> Expr {
        Expr { at: 0..0, node: Node::Number(z) }
    }

    fn binding(&self) -> u8 {
        match self.node {
            Node::Sum(..) => SUM,
            Node::Product(..) => PRODUCT,
            Node::Negate(_) => MINUS,
            Node::Power(..) => POSTFIX,
            _ => ATOM,
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Node::Number(z) => f.write_str(&written(*z)),
            Node::Name(name) => f.write_str(name),
            Node::Member(x, word) => write!(f, "{}.{}", Within(x, ATOM), word.name),
            Node::Call(function, x) => write!(f, "{function}({x})"),
            Node::Negate(x) => write!(f, "-{}", Within(x, MINUS)),
            Node::Dagger(x) => write!(f, "{}'", Within(x, POSTFIX)),
            Node::Power(x, y) if matches!(y.node, Node::Number(_)) => write!(f, "{}^{y}", Within(x, ATOM)),
            Node::Power(x, y) => write!(f, "{}^{}", Within(x, ATOM), Within(y, ATOM)),
            Node::Product(first, others) => {
                write!(f, "{}", Within(first, MINUS))?;
                others
                    .iter()
                    .try_for_each(|(times, x)| write!(f, "{}{}", if *times { '*' } else { '/' }, Within(x, MINUS)))
            }
            Node::Sum(first, others) => {
                write!(f, "{}", Within(first, PRODUCT))?;
                others
                    .iter()
                    .try_for_each(|(plus, x)| write!(f, " {} {}", if *plus { '+' } else { '-' }, Within(x, PRODUCT)))
            }
        }
    }
}

/// An operand, in brackets if it binds less tightly than its place needs.
struct Within<'a>(&'a Expr, u8);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `2.n` would read as a number.
        let bare = self.0.binding() >= self.1 && !(self.1 >= POSTFIX && matches!(self.0.node, Node::Number(_)));
        if bare { write!(f, "{}", self.0) } else { write!(f, "({})", self.0) }
    }
}
