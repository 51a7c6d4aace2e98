//! Initial kets: products and sums of states of the factors, `a.coherent(2)*q.up` or `q.up + q.down`.

use super::value::number;
use super::{Expr, Mistake, Node, Scope, Value, members, value};
use crate::model::{HilbertSpace, Scalar};
use num_complex::Complex64;
use std::ops::Range;

/// A ket of some factors of the space, in the order of the space.
#[derive(Debug, Clone, PartialEq)]
pub struct Ket {
    /// Numbers of the factors.
    pub factors: Vec<usize>,
    /// Amplitudes, the first factor the slowest index.
    pub amplitudes: Vec<Complex64>,
    /// Whether its norm is 1 by construction.
    pub normalised: bool,
}

enum Part {
    Number(Complex64),
    Ket(Ket),
}

/// The ket that an expression describes, not yet normalised. `alone` is the factor whose states may be
/// written without its name.
///
/// # Errors
/// Unknown states, sums over different factors, products over the same, operators.
pub fn ket(x: &Expr, scope: &Scope, alone: Option<usize>) -> Result<Ket, Mistake> {
    match part(x, scope, alone)? {
        Part::Ket(ket) => Ok(ket),
        Part::Number(_) => Err(Mistake::new(&x.at, "expected a state, and this is a number")),
    }
}

fn part(x: &Expr, scope: &Scope, alone: Option<usize>) -> Result<Part, Mistake> {
    if let Some(ket) = state(x, scope, alone)? {
        return Ok(Part::Ket(ket));
    }
    match &x.node {
        Node::Negate(inner) => Ok(match part(inner, scope, alone)? {
            Part::Number(z) => Part::Number(-z),
            Part::Ket(ket) => Part::Ket(scaled(ket, -Complex64::ONE)),
        }),
        Node::Product(first, others) => others.iter().try_fold(part(first, scope, alone)?, |left, (times, right)| {
            let at = &right.at;
            multiplied(left, part(right, scope, alone)?, *times, at, scope.space)
        }),
        Node::Sum(first, others) => others.iter().try_fold(part(first, scope, alone)?, |left, (plus, right)| {
            let at = &right.at;
            added(left, part(right, scope, alone)?, *plus, at)
        }),
        _ => match value(x, scope)? {
            Value::Scalar(Scalar::Number(z)) => Ok(Part::Number(z)),
            Value::Scalar(_) => Err(Mistake::new(&x.at, "a state cannot depend on t")),
            Value::Operator(_) => Err(Mistake::new(&x.at, "expected a state such as fock(0), and this is an operator")),
        },
    }
}

/// `a.fock(2)`, `q.up`, or, of the factor `alone`, `fock(2)` and `up`.
fn state(x: &Expr, scope: &Scope, alone: Option<usize>) -> Result<Option<Ket>, Mistake> {
    let (word, argument) = match &x.node {
        Node::Call(word, argument) => (&**word, Some(&**argument)),
        _ => (x, None),
    };
    let (m, name, at) = match &word.node {
        Node::Member(of, member) => match &of.node {
            Node::Name(factor) => match scope.space.factors.iter().position(|known| known.name == *factor) {
                Some(m) => (m, &member.name, &member.at),
                None => return Ok(None),
            },
            _ => return Ok(None),
        },
        Node::Name(name) if members::is_state(name) => match alone {
            Some(m) => (m, name, &word.at),
            None => {
                let first = &scope.space.factors[0].name;
                return Err(Mistake::new(
                    &word.at,
                    format!("of which factor? write it in front, as in {first}.{name}"),
                ));
            }
        },
        _ => return Ok(None),
    };
    let argument = argument.map(|x| number(x, scope)).transpose()?;
    let amplitudes = members::state(&scope.space.factors[m], name, argument, at)?;
    Ok(Some(Ket { factors: vec![m], amplitudes, normalised: true }))
}

fn scaled(ket: Ket, z: Complex64) -> Ket {
    Ket { amplitudes: ket.amplitudes.iter().map(|x| x * z).collect(), normalised: false, ..ket }
}

fn multiplied(left: Part, right: Part, times: bool, at: &Range<usize>, space: &HilbertSpace) -> Result<Part, Mistake> {
    match (left, right) {
        (Part::Number(x), Part::Number(y)) if times => Ok(Part::Number(x * y)),
        (Part::Number(_) | Part::Ket(_), Part::Number(z)) if !times && z == Complex64::ZERO => {
            Err(Mistake::new(at, "division by zero"))
        }
        (Part::Number(x), Part::Number(y)) => Ok(Part::Number(x / y)),
        (_, Part::Ket(_)) if !times => Err(Mistake::new(at, "division by a state")),
        (Part::Ket(ket), Part::Number(z)) => Ok(Part::Ket(scaled(ket, if times { z } else { z.inv() }))),
        (Part::Number(z), Part::Ket(ket)) => Ok(Part::Ket(scaled(ket, z))),
        (Part::Ket(x), Part::Ket(y)) => {
            if let Some(m) = x.factors.iter().find(|m| y.factors.contains(m)) {
                let name = &space.factors[*m].name;
                return Err(Mistake::new(at, format!("the state of {name} is given twice in one product")));
            }
            Ok(Part::Ket(tensor(&x, &y, space)))
        }
    }
}

fn added(left: Part, right: Part, plus: bool, at: &Range<usize>) -> Result<Part, Mistake> {
    let sign = |z: Complex64| if plus { z } else { -z };
    match (left, right) {
        (Part::Number(x), Part::Number(y)) => Ok(Part::Number(x + sign(y))),
        (Part::Ket(x), Part::Ket(y)) if x.factors == y.factors => {
            let amplitudes = x.amplitudes.iter().zip(&y.amplitudes).map(|(x, y)| x + sign(*y)).collect();
            Ok(Part::Ket(Ket { amplitudes, normalised: false, ..x }))
        }
        (Part::Ket(_), Part::Ket(_)) => Err(Mistake::new(at, "a sum of states of different factors")),
        _ => Err(Mistake::new(at, "a sum of a number and a state")),
    }
}

/// The product of kets of different factors, in the order of the space.
pub fn tensor(x: &Ket, y: &Ket, space: &HilbertSpace) -> Ket {
    let mut factors = [x.factors.as_slice(), &y.factors].concat();
    factors.sort_unstable();
    let dim = |m: usize| space.factors[m].dim;
    let size: usize = factors.iter().map(|m| dim(*m)).product();
    // Where the digits of a basis state of all factors put it among the states of some.
    let place = |digits: &[usize], of: &[usize]| {
        of.iter().fold(0, |place, m| {
            let at = factors.iter().position(|known| known == m).expect("a factor of the product");
            place * dim(*m) + digits[at]
        })
    };
    let mut digits = vec![0; factors.len()];
    let amplitudes = (0..size)
        .map(|index| {
            let mut rest = index;
            for (digit, m) in digits.iter_mut().zip(&factors).rev() {
                (*digit, rest) = (rest % dim(*m), rest / dim(*m));
            }
            x.amplitudes[place(&digits, &x.factors)] * y.amplitudes[place(&digits, &y.factors)]
        })
        .collect();
    Ket { factors, amplitudes, normalised: x.normalised && y.normalised }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::model::{Factor, coherent};

    fn found(text: &str, alone: Option<usize>) -> Result<Ket, Mistake> {
        let factors = vec![Factor::fock("a", 4), Factor::spin("q", 2), Factor::fock("b", 3)];
        let space = HilbertSpace::new(factors).expect("a space");
        ket(&parse(text)?, &Scope { space: &space, parameters: &[("z".into(), 0.5.into())], time: false }, alone)
    }

    #[test]
    fn products_stand_in_the_order_of_the_space_however_they_are_typed() {
        let straight = found("a.coherent(z)*q.up*b.fock(2)", None).expect("a ket");
        assert_eq!(found("b.fock(2)*a.coherent(z)*q.up", None), Ok(straight.clone()));
        assert!(straight.normalised);
        assert_eq!(straight.factors, [0, 1, 2]);
        let cavity = coherent(4, 0.5.into());
        for (n, x) in cavity.iter().enumerate() {
            assert_eq!(straight.amplitudes[n * 6 + 2], *x);
        }
    }

    #[test]
    fn sums_and_multiples_are_left_to_be_normalised() {
        let cat = found("fock(0) - 2i*fock(1)/2", Some(0)).expect("a ket");
        assert_eq!(cat.amplitudes[..2], [Complex64::ONE, -Complex64::I]);
        assert!(!cat.normalised);
        let bell = found("a.fock(0)*q.up + a.fock(1)*q.down", None).expect("a ket");
        assert_eq!(bell.amplitudes.iter().filter(|x| **x == Complex64::ONE).count(), 2);
    }

    #[test]
    fn mistakes_are_explained() {
        for (text, alone, what) in [
            ("fock(0)", None, "of which factor? write it in front, as in a.fock"),
            ("fock(4)", Some(0), "the states 0 to 3, not 4"),
            ("coherent(2)", Some(0), "photons and a keeps 4"),
            ("coherent", Some(0), "needs its amplitude"),
            ("up", Some(0), "a has no state 'up'"),
            ("a.fok(0)", None, "did you mean fock?"),
            ("a.fock(0)*a.fock(1)", None, "the state of a is given twice"),
            ("a.fock(0) + q.up", None, "different factors"),
            ("2", None, "expected a state"),
            ("a.fock(0) + 1", None, "a number and a state"),
            ("q.up/0", None, "division by zero"),
        ] {
            let mistake = found(text, alone).expect_err(text);
            assert!(mistake.what.contains(what), "{text}: {}", mistake.what);
        }
    }
}
