//! From a tree to a number or an operator, once the space and the parameters are known.
//!
//! Products and sums are taken from left to right and numbers are multiplied before they meet an
//! operator, so the elements have the bits that the same formula has in the library.

use super::{Expr, Mistake, Node, hint, members};
use crate::model::{Function, HilbertSpace, Operator, Scalar, written};
use num_complex::Complex64;
use std::ops::Range;

/// Largest power of an operator.
const MOST_FACTORS: i64 = 100;

/// Names that mean the same in every model, beside those of [`Function::ALL`].
pub const BUILT_IN: &[&str] = &["i", "pi", "t", "dag", "Im", "Re"];

/// What names mean.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The factors; none where only numbers may stand.
    pub space: &'a HilbertSpace,
    /// Parameters in their order.
    pub parameters: &'a [(String, Complex64)],
    /// Whether the time t may stand here.
    pub time: bool,
}

/// What an expression is worth.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number, or a function of time.
    Scalar(Scalar),
    /// An operator on the whole space.
    Operator(Operator),
}

use Value::{Operator as Op, Scalar as Sc};

impl Value {
    /// As an operator; a number is a multiple of the identity.
    pub fn operator(self, dim: usize, at: &Range<usize>) -> Result<Operator, Mistake> {
        match self {
            Op(op) => Ok(op),
            Sc(s) => Ok(Operator::identity(dim).scale(constant(&s, at)?)),
        }
    }
}

/// The value of an expression.
///
/// # Errors
/// Unknown names with the nearest known, operations that make no sense, numbers that are not finite.
pub fn value(x: &Expr, scope: &Scope) -> Result<Value, Mistake> {
    match &x.node {
        Node::Number(z) => Ok(Sc(Scalar::Number(*z))),
        Node::Name(name) => named(name, &x.at, scope),
        Node::Member(of, word) => member(of, &word.name, None, &word.at, scope),
        Node::Call(function, argument) => call(x, function, argument, scope),
        Node::Negate(inner) => match value(inner, scope)? {
            Sc(s) => scalar(Scalar::Negate(Box::new(s)), &x.at),
            Op(op) => Ok(Op(op.scale(-1.0))),
        },
        Node::Dagger(inner) => Ok(match value(inner, scope)? {
            Sc(s) => Sc(Scalar::Call(Function::Conj, Box::new(s)).folded()),
            Op(op) => Op(op.dag()),
        }),
        Node::Power(base, exponent) => power(x, value(base, scope)?, value(exponent, scope)?, &exponent.at),
        Node::Product(first, others) => others.iter().try_fold(value(first, scope)?, |left, (times, right)| {
            let (at, right_at) = (x.at.start..right.at.end, &right.at);
            let right = value(right, scope)?;
            if *times { product(left, right, &at) } else { quotient(left, right, &at, right_at) }
        }),
        Node::Sum(first, others) => others.iter().try_fold(value(first, scope)?, |left, (plus, right)| {
            let at = x.at.start..right.at.end;
            sum(left, value(right, scope)?, *plus, &at)
        }),
    }
}

/// A number that does not depend on time.
pub fn constant(s: &Scalar, at: &Range<usize>) -> Result<Complex64, Mistake> {
    match s {
        Scalar::Number(z) => Ok(*z),
        _ => {
            Err(Mistake::new(at, "an operator cannot depend on t; write the term as { op = \"...\", coeff = \"...\" }"))
        }
    }
}

fn named(name: &str, at: &Range<usize>, scope: &Scope) -> Result<Value, Mistake> {
    if let Some(m) = scope.space.factors.iter().position(|factor| factor.name == name) {
        return members::bare(scope.space, m, at).map(Op);
    }
    if let Some((_, z)) = scope.parameters.iter().find(|(known, _)| known == name) {
        return Ok(Sc(Scalar::Number(*z)));
    }
    match name {
        "i" => Ok(Sc(Scalar::Number(Complex64::I))),
        "pi" => Ok(Sc(Scalar::Number(std::f64::consts::PI.into()))),
        "t" if scope.time => Ok(Sc(Scalar::Time)),
        "t" => Err(Mistake::new(
            at,
            "the time t may stand in coeff = \"...\" only, as in { op = \"a + a'\", coeff = \"cos(t)\" }",
        )),
        "j" => Err(Mistake::new(at, "unknown name 'j'; the imaginary unit is written 1j, 1i or i")),
        _ if members::is_state(name) => Err(Mistake::new(at, format!("{name} is a state, and this is no state"))),
        _ => Err(Mistake::new(at, format!("unknown name '{name}'{}", hint(name, known_names(scope))))),
    }
}

fn known_names<'a>(scope: &Scope<'a>) -> Vec<&'a str> {
    let factors = scope.space.factors.iter().map(|factor| factor.name.as_str());
    let parameters = scope.parameters.iter().map(|(name, _)| name.as_str());
    let functions = Function::ALL.iter().map(|(name, _)| *name);
    factors
        .chain(parameters)
        .chain(functions)
        .chain(BUILT_IN.iter().copied().filter(|name| *name != "t" || scope.time))
        .collect()
}

/// `a.name` for a factor a, `X.dag` for anything else.
fn member(
    of: &Expr,
    name: &str,
    argument: Option<Complex64>,
    at: &Range<usize>,
    scope: &Scope,
) -> Result<Value, Mistake> {
    if let Node::Name(factor) = &of.node {
        let factors = &scope.space.factors;
        if let Some(m) = factors.iter().position(|known| known.name == *factor) {
            return members::operator(scope.space, m, name, argument, at).map(Op);
        }
        if !scope.parameters.iter().any(|(known, _)| known == factor) {
            let known = factors.iter().map(|known| known.name.as_str());
            return Err(Mistake::new(&of.at, format!("unknown factor '{factor}'{}", hint(factor, known))));
        }
    }
    match (value(of, scope)?, name, argument) {
        (Op(op), "dag", None) => Ok(Op(op.dag())),
        (Sc(s), "dag", None) => Ok(Sc(Scalar::Call(Function::Conj, Box::new(s)).folded())),
        _ => Err(Mistake::new(
            at,
            format!("only a factor of the space has a member '{name}'; anything else has .dag alone"),
        )),
    }
}

fn call(x: &Expr, function: &Expr, argument: &Expr, scope: &Scope) -> Result<Value, Mistake> {
    let name = match &function.node {
        Node::Name(name) => name,
        Node::Member(of, word) => {
            let number = number(argument, scope)?;
            return member(of, &word.name, Some(number), &word.at, scope);
        }
        _ => return Err(Mistake::new(&function.at, "this is no function; products are written with *")),
    };
    let found = Function::ALL.iter().find(|(known, _)| known == name).map(|(_, function)| *function);
    if found.is_none() && !["dag", "Im", "Re"].contains(&name.as_str()) {
        let functions = Function::ALL.iter().map(|(name, _)| *name).chain(["dag", "Im", "Re"]);
        let what = if named(name, &function.at, scope).is_ok() {
            format!("{name} is no function; products are written with *")
        } else {
            format!("unknown function '{name}'{}", hint(name, functions))
        };
        return Err(Mistake::new(&function.at, what));
    }
    match (name.as_str(), found, value(argument, scope)?) {
        (_, Some(function), Sc(s)) => applied(function, s, x, argument, scope),
        ("dag", _, Sc(s)) => Ok(Sc(Scalar::Call(Function::Conj, Box::new(s)).folded())),
        ("Re", _, Sc(s)) => Ok(Sc(Scalar::Call(Function::Real, Box::new(s)).folded())),
        ("Im", _, Sc(s)) => Ok(Sc(Scalar::Call(Function::Imag, Box::new(s)).folded())),
        ("dag", _, Op(op)) => Ok(Op(op.dag())),
        ("Im", _, Op(op)) => Ok(Op(op.im())),
        ("Re", _, Op(op)) => Ok(Op((&op + &op.dag()).scale(0.5))),
        _ => Err(Mistake::new(&argument.at, format!("{name} takes a number, and this is an operator"))),
    }
}

fn applied(function: Function, s: Scalar, x: &Expr, argument: &Expr, scope: &Scope) -> Result<Value, Mistake> {
    if let (Function::Sqrt | Function::Log, Scalar::Number(z)) = (function, &s)
        && z.im == 0.0
        && (z.re < 0.0 || (z.re == 0.0 && function == Function::Log))
    {
        let names = parameters_in(argument, scope);
        let whose = if names.is_empty() { String::new() } else { format!(", with {}", names.join(", ")) };
        let advice = if function == Function::Sqrt { "; a rate must not be negative" } else { "" };
        return Err(Mistake::new(&x.at, format!("{} of {}{whose}{advice}", function.name(), written(*z))));
    }
    scalar(Scalar::Call(function, Box::new(s)), &x.at)
}

/// `kappa = -1` for every parameter in an expression.
fn parameters_in(x: &Expr, scope: &Scope) -> Vec<String> {
    match &x.node {
        Node::Name(name) => {
            let known = scope.parameters.iter().find(|(known, _)| known == name);
            known.map(|(name, z)| format!("{name} = {}", written(*z))).into_iter().collect()
        }
        Node::Number(_) => vec![],
        Node::Member(x, ..) | Node::Negate(x) | Node::Dagger(x) | Node::Call(_, x) => parameters_in(x, scope),
        Node::Power(x, y) => [parameters_in(x, scope), parameters_in(y, scope)].concat(),
        Node::Product(x, others) | Node::Sum(x, others) => {
            let rest = others.iter().flat_map(|(_, y)| parameters_in(y, scope));
            parameters_in(x, scope).into_iter().chain(rest).collect()
        }
    }
}

/// A number, where nothing else will do.
pub fn number(x: &Expr, scope: &Scope) -> Result<Complex64, Mistake> {
    match value(x, &Scope { time: false, ..*scope })? {
        Sc(s) => constant(&s, &x.at),
        Op(_) => Err(Mistake::new(&x.at, "expected a number, and this is an operator")),
    }
}

/// One number if it can be, and a finite one.
fn scalar(s: Scalar, at: &Range<usize>) -> Result<Value, Mistake> {
    match s.folded() {
        Scalar::Number(z) if !z.is_finite() => Err(Mistake::new(at, "this is not a finite number")),
        folded => Ok(Sc(folded)),
    }
}

fn product(left: Value, right: Value, at: &Range<usize>) -> Result<Value, Mistake> {
    match (left, right) {
        (Sc(x), Sc(y)) => scalar(Scalar::Multiply(Box::new(x), Box::new(y)), at),
        (Sc(s), Op(op)) | (Op(op), Sc(s)) => Ok(Op(op.scale(constant(&s, at)?))),
        (Op(x), Op(y)) => Ok(Op(&x * &y)),
    }
}

fn quotient(left: Value, right: Value, at: &Range<usize>, right_at: &Range<usize>) -> Result<Value, Mistake> {
    match (left, right) {
        (_, Sc(Scalar::Number(z))) if z == Complex64::ZERO => Err(Mistake::new(right_at, "division by zero")),
        (Sc(x), Sc(y)) => scalar(Scalar::Divide(Box::new(x), Box::new(y)), at),
        (Op(op), Sc(s)) => {
            let z = constant(&s, right_at)?;
            let divided =
                |x: Complex64| Scalar::Divide(Box::new(Scalar::Number(x)), Box::new(Scalar::Number(z))).value(0.0);
            Ok(Op(Operator::from_elements(op.dim(), op.elements().map(|(place, x)| (place, divided(x))))))
        }
        (_, Op(_)) => Err(Mistake::new(right_at, "division by an operator")),
    }
}

fn sum(left: Value, right: Value, plus: bool, at: &Range<usize>) -> Result<Value, Mistake> {
    match (left, right) {
        (Sc(x), Sc(y)) => {
            let (x, y) = (Box::new(x), Box::new(y));
            scalar(if plus { Scalar::Add(x, y) } else { Scalar::Subtract(x, y) }, at)
        }
        (Op(x), Op(y)) => Ok(Op(if plus { &x + &y } else { &x - &y })),
        (Op(op), Sc(s)) => {
            let z = constant(&s, at)?;
            Ok(Op(op.shifted(if plus { z } else { -z })))
        }
        (Sc(s), Op(op)) => {
            let z = constant(&s, at)?;
            Ok(Op(if plus { op } else { op.scale(-1.0) }.shifted(z)))
        }
    }
}

fn power(x: &Expr, base: Value, exponent: Value, exponent_at: &Range<usize>) -> Result<Value, Mistake> {
    match (base, exponent) {
        (Sc(Scalar::Number(z)), Sc(Scalar::Number(n))) if z == Complex64::ZERO && n.re < 0.0 => {
            Err(Mistake::new(&x.at, "division by zero"))
        }
        (Sc(base), Sc(exponent)) => scalar(Scalar::Power(Box::new(base), Box::new(exponent)), &x.at),
        (Op(op), Sc(Scalar::Number(n)))
            if n.im == 0.0 && n.re.fract() == 0.0 && (0.0..=MOST_FACTORS as f64).contains(&n.re) =>
        {
            let mut product = Operator::identity(op.dim());
            for factor in 0..n.re as usize {
                product = if factor == 0 { op.clone() } else { &product * &op };
            }
            Ok(Op(product))
        }
        (Op(_), _) => Err(Mistake::new(
            exponent_at,
            format!("the power of an operator is a whole number from 0 to {MOST_FACTORS}"),
        )),
        (_, Op(_)) => Err(Mistake::new(exponent_at, "an operator cannot be an exponent")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;
    use crate::model::Factor;

    fn space() -> HilbertSpace {
        HilbertSpace::new(vec![Factor::fock("a", 5), Factor::spin("j", 2), Factor::spin("s", 3)]).expect("a space")
    }

    fn found(text: &str, time: bool) -> Result<Value, Mistake> {
        let space = space();
        let parameters = [
            ("kappa".to_owned(), 0.25.into()),
            ("g0".to_owned(), Complex64::new(-1.5, 0.0)),
            ("loss".to_owned(), (-2.0).into()),
        ];
        value(&parse(text)?, &Scope { space: &space, parameters: &parameters, time })
    }

    fn operator(text: &str) -> Operator {
        match found(text, false) {
            Ok(Op(op)) => op,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn number(text: &str) -> Complex64 {
        match found(text, false) {
            Ok(Sc(Scalar::Number(z))) => z,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn a_hamiltonian_as_typed_is_the_one_of_the_library() {
        let (space, i) = (space(), Complex64::I);
        let (a, jm) = (space.destroy(0), space.embed(1, &Operator::spin_minus(2)));
        let (ad, jp, jz) = (a.dag(), jm.dag(), space.embed(1, &Operator::spin_z(2)));
        let exchange = (&(&a * &jp) - &(&ad * &jm)).scale(-i * -1.5);
        assert_eq!(operator("-1i*g0*(a*j.plus - a.dag*j.minus) + 0.5*j.z"), &exchange + &jz.scale(0.5));
        assert_eq!(operator("a'^2*a^2"), &(&ad * &ad) * &(&a * &a));
        assert_eq!(operator("sqrt(kappa)*a - 3"), a.scale(0.5).shifted((-3.0).into()));
        assert_eq!(operator("Im(2*a)"), a.scale(2.0).im());
        assert_eq!(operator("(a - a.dag)/1i"), operator("a.p"));
        assert_eq!(operator("(a.dag*a)^0"), Operator::identity(30));
    }

    #[test]
    fn members_are_what_their_names_say() {
        assert_eq!(operator("a.n"), operator("a.dag*a"));
        assert_eq!(operator("a.x"), operator("a + a'"));
        assert_eq!(operator("a.parity*a*a.parity"), operator("-a"));
        assert_eq!(operator("j.sx"), operator("2*j.x"));
        assert_eq!(operator("j.sy"), operator("2*j.y"));
        assert_eq!(operator("j.sz"), operator("j.up - j.down"));
        assert_eq!(operator("j.sp*j.sm"), operator("j.up"));
        assert_eq!(operator("s.proj(2)"), operator("s.down"));
        let commutator = operator("s.x*s.y - s.y*s.x - 1i*s.z");
        assert!(commutator.elements().all(|(_, z)| z.norm() < 1e-15), "[jx, jy] = i jz");
    }

    #[test]
    fn numbers_are_computed_from_left_to_right() {
        assert_eq!(number("2/3/7"), (2.0 / 3.0 / 7.0).into());
        assert_eq!(number("sqrt(kappa) + 2^-2"), 0.75.into());
        assert_eq!(number("-2^2"), (-4.0).into());
        assert_eq!(number("(1+2j)'"), Complex64::new(1.0, -2.0));
        assert_eq!(number("i*i*pi"), (-std::f64::consts::PI).into());
        assert_eq!(number("exp(0) + cos(0) + abs(3+4i)"), 7.0.into());
    }

    #[test]
    fn functions_of_time_stay_trees_that_print_and_read_back() {
        for text in ["kappa*cos(2*t)", "exp(-t)^2/(1 + t)", "(1+2i)*sin(t) - t^(-0.5)", "t*(-1i)"] {
            let Ok(Sc(tree)) = found(text, true) else { panic!("{text}") };
            assert!(tree.depends_on_time());
            assert_eq!(found(&tree.to_string(), true), Ok(Sc(tree.clone())), "{tree}");
        }
        assert!(found("t*a", true).unwrap_err().what.contains("coeff"));
        assert!(found("t*2", false).unwrap_err().what.contains("coeff"));
    }

    #[test]
    fn mistakes_name_the_place_and_the_nearest_word() {
        for (text, at, what) in [
            ("2*kapa*a", 2..6, "unknown name 'kapa'; did you mean kappa?"),
            ("a.dga", 2..5, "a has no operator 'dga'; did you mean dag?"),
            ("s.sx", 2..4, "s has no operator 'sx'"),
            ("b.dag", 0..1, "unknown factor 'b'; there is a, j, s"),
            ("sin(a)", 4..5, "sin takes a number"),
            ("sine(2)", 0..4, "unknown function 'sine'; did you mean sin"),
            ("kappa(2)", 0..5, "kappa is no function"),
            ("1j*j", 3..4, "j alone is no operator; it has minus, plus"),
            ("a/a", 2..3, "division by an operator"),
            ("a/(2-2)", 2..7, "division by zero"),
            ("a^0.5", 2..5, "a whole number from 0 to 100"),
            ("sqrt(2*loss)*a", 0..12, "sqrt of -4, with loss = -2; a rate must not be negative"),
            ("exp(1000)", 0..9, "not a finite number"),
            ("a.fock(2)", 2..6, "is a state"),
            ("a.proj(5)", 2..6, "the states 0 to 4, not 5"),
            ("a.dag(2)", 2..5, "takes no argument"),
            ("kappa.n", 6..7, "only a factor"),
        ] {
            let mistake = found(text, false).expect_err(text);
            assert!(mistake.what.contains(what), "{text}: {}", mistake.what);
            assert_eq!(mistake.at, at, "{text}: {}", mistake.what);
        }
    }
}
