//! An operator as people write it: a sum of normally ordered products, `0.5*a'*a - 1i*a*j.plus`.
//!
//! In a factor with lowering operator x (a of a mode, j.minus of a spin) the products x'^m x^n are a basis of all
//! operators. x'^m x^n leaves states below m or n alone, so the coefficients follow one after the other from the
//! lowest states up: the first element that remains, <m|A|n>, can only be due to x'^m x^n.

use super::{HilbertSpace, Kind, Operator, written};
use num_complex::Complex64;
use std::collections::BTreeMap;

/// More terms are better read as a matrix.
const MOST_TERMS: usize = 24;

/// An element this much smaller than what was taken from it is rounding.
const ROUNDING: f64 = 1e-11;

/// Digits of a printed coefficient.
const DIGITS: usize = 10;

/// The operator as an expression that the parser of model files reads, with coefficients of ten digits; `None`
/// if it has more than two dozen terms, or acts on levels without a lowering operator.
pub fn normally_ordered(op: &Operator, space: &HilbertSpace) -> Option<String> {
    if space.factors.iter().any(|factor| factor.kind == Kind::Levels) {
        return None;
    }
    let terms = terms(op, space)?;
    let mut text = String::new();
    for (at, (powers, coefficient)) in terms.iter().enumerate() {
        let term = term(&product(powers, space), *coefficient);
        text += &match (at, term.strip_prefix('-')) {
            (0, _) => term,
            (_, Some(rest)) => format!(" - {rest}"),
            (_, None) => format!(" + {term}"),
        };
    }
    Some(if text.is_empty() { "0".into() } else { text })
}

/// Powers (m, n) of x' and x for every factor.
type Powers = Vec<(usize, usize)>;

/// The products and their coefficients, lowest powers first.
fn terms(op: &Operator, space: &HilbertSpace) -> Option<Vec<(Powers, Complex64)>> {
    // What is left of the operator, and the size of what went into each element, by the quanta of row and column.
    let mut rest: BTreeMap<(usize, Powers), (Complex64, f64)> = BTreeMap::new();
    for ((row, col), value) in op.elements() {
        rest.insert(
            key((0..space.factors.len()).map(|m| (quanta(space, row, m), quanta(space, col, m)))),
            (value, size(value)),
        );
    }
    let mut terms = vec![];
    while let Some(((_, powers), (value, scale))) = rest.pop_first() {
        if size(value) <= ROUNDING * scale {
            continue;
        }
        if terms.len() == MOST_TERMS {
            return None;
        }
        let lowest: f64 = (0..powers.len()).map(|m| element(space, m, powers[m], 0)).product();
        let coefficient = value / lowest;
        for (lifted, weight) in lifted(space, &powers).into_iter().skip(1) {
            let taken = coefficient * weight;
            let left = rest.entry(key(lifted.into_iter())).or_default();
            left.0 -= taken;
            left.1 += size(taken);
        }
        terms.push((powers, coefficient));
    }
    Some(terms)
}

/// Elements are taken in the order of all their quanta: x'^m x^n reaches only those above <m|..|n>.
fn key(powers: impl Iterator<Item = (usize, usize)>) -> (usize, Powers) {
    let powers: Powers = powers.collect();
    (powers.iter().map(|(m, n)| m + n).sum(), powers)
}

/// All elements of the product: rows and columns d above the lowest, for every d of every factor.
fn lifted(space: &HilbertSpace, powers: &[(usize, usize)]) -> Vec<(Powers, f64)> {
    powers.iter().enumerate().fold(vec![(vec![], 1.0)], |all, (factor, &(m, n))| {
        let room = space.factors[factor].dim - m.max(n);
        let lift = |(start, weight): &(Powers, f64)| {
            let longer = |d| [start.as_slice(), &[(m + d, n + d)]].concat();
            (0..room).map(|d| (longer(d), weight * element(space, factor, (m, n), d))).collect::<Vec<_>>()
        };
        all.iter().flat_map(lift).collect()
    })
}

/// <m + d| x'^m x^n |n + d>
fn element(space: &HilbertSpace, factor: usize, (m, n): (usize, usize), d: usize) -> f64 {
    let dim = space.factors[factor].dim;
    let lower = |quantum: usize| match space.factors[factor].kind {
        Kind::Fock | Kind::Levels => (quantum as f64).sqrt(),
        // j(j+1) - m(m-1) with m = quantum - j
        Kind::Spin => (quantum as f64 * (dim - quantum) as f64).sqrt(),
    };
    (d + 1..=d + m).chain(d + 1..=d + n).map(lower).product()
}

/// Quanta of factor `m` in a basis state: photons, or steps above the lowest spin state.
fn quanta(space: &HilbertSpace, state: usize, m: usize) -> usize {
    let digit = space.digit(state, m);
    match space.factors[m].kind {
        Kind::Fock | Kind::Levels => digit,
        Kind::Spin => space.factors[m].dim - 1 - digit,
    }
}

fn size(z: Complex64) -> f64 {
    z.re.abs() + z.im.abs()
}

/// `a'^2*a*j.minus`, empty for the identity.
fn product(powers: &[(usize, usize)], space: &HilbertSpace) -> String {
    let mut factors = vec![];
    for (factor, (m, n)) in space.factors.iter().zip(powers) {
        let (raise, lower) = match factor.kind {
            Kind::Fock | Kind::Levels => (format!("{}'", factor.name), factor.name.clone()),
            Kind::Spin => (format!("{}.plus", factor.name), format!("{}.minus", factor.name)),
        };
        for (name, power) in [(raise, *m), (lower, *n)] {
            match power {
                0 => {}
                1 => factors.push(name),
                power => factors.push(format!("{name}^{power}")),
            }
        }
    }
    factors.join("*")
}

/// A coefficient and its product; a minus stands at the front.
fn term(product: &str, coefficient: Complex64) -> String {
    let z = rounded(coefficient);
    let number = if z.re != 0.0 && z.im != 0.0 { format!("({})", written(z)) } else { written(z) };
    match (number.as_str(), product) {
        (_, "") => number,
        ("1", _) => product.into(),
        ("-1", _) => format!("-{product}"),
        _ => format!("{number}*{product}"),
    }
}

/// A number to the ten digits that people read, without a part that is only the rounding of the other.
pub fn rounded(z: Complex64) -> Complex64 {
    let part = |x: f64| {
        if x.abs() <= ROUNDING * size(z) {
            return 0.0;
        }
        format!("{x:.*e}", DIGITS - 1).parse().expect("a number that was just written")
    };
    Complex64::new(part(z.re), part(z.im))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Factor;

    fn space() -> HilbertSpace {
        HilbertSpace::new(vec![Factor::fock("a", 6), Factor::spin("j", 2), Factor::fock("b", 4)]).expect("a space")
    }

    #[test]
    fn operators_are_written_as_physicists_write_them() {
        let space = space();
        let (a, b) = (space.destroy(0), space.destroy(2));
        let jm = space.embed(1, &Operator::spin_minus(2));
        let text = |op: &Operator| normally_ordered(op, &space).expect("few terms");
        let i = Complex64::I;
        for (op, expected) in [
            (Operator::zero(48), "0"),
            (Operator::identity(48).scale(-2.5), "-2.5"),
            (a.scale(2f64.sqrt()).shifted((-3.0).into()), "-3 + 1.414213562*a"),
            ((&a.dag() * &a).scale(-1.0), "-a'*a"),
            (&(&a * &jm.dag()).scale(i) - &(&a.dag() * &jm).scale(i), "1i*a*j.plus - 1i*a'*j.minus"),
            ((&b.dag() * &a).scale(Complex64::new(0.5, -0.25)), "(0.5-0.25i)*a*b'"),
            (space.embed(1, &Operator::spin_z(2)), "-0.5 + j.plus*j.minus"),
            (&(&a.dag() * &a.dag()) * &(&a * &a), "a'^2*a^2"),
            // The commutator is 1 - N |N-1><N-1| below the cutoff: the last term is the cutoff.
            (&b * &b.dag(), "1 + b'*b - 0.6666666667*b'^3*b^3"),
        ] {
            assert_eq!(text(&op), expected);
        }
    }

    #[test]
    fn an_operator_without_structure_is_left_to_a_matrix() {
        let space = HilbertSpace::new(vec![Factor::fock("a", 6)]).expect("a space");
        let dense = Operator::from_elements(6, (0..36).map(|k| ((k / 6, k % 6), (libm::sin(k as f64 + 1.0)).into())));
        assert_eq!(normally_ordered(&dense, &space), None);
    }

    #[test]
    fn spins_of_any_length_have_their_products() {
        let space = HilbertSpace::new(vec![Factor::spin("s", 4)]).expect("a space");
        let (minus, z) = (Operator::spin_minus(4), Operator::spin_z(4));
        assert_eq!(normally_ordered(&minus.dag(), &space).as_deref(), Some("s.plus"));
        // Put together again from its terms.
        let back = terms(&z, &space).expect("few terms").iter().fold(Operator::zero(4), |sum, (powers, c)| {
            let power = |x: &Operator, n: usize| (0..n).fold(Operator::identity(4), |p, _| &p * x);
            &sum + &(&power(&minus.dag(), powers[0].0) * &power(&minus, powers[0].1)).scale(*c)
        });
        assert!((&back - &z).elements().all(|(_, v)| v.norm() < 1e-13));
    }

    #[test]
    fn the_parser_of_model_files_reads_it_back() {
        use crate::input::expression::{Scope, parse, value};
        let space = space();
        let (a, b, jm) = (space.destroy(0), space.destroy(2), space.embed(1, &Operator::spin_minus(2)));
        let op = &(&(&a.dag() * &b).scale(Complex64::new(0.3, -1e-3)) - &(&a * &a).scale(2f64.sqrt()))
            + &(&jm.dag() * &b.dag()).scale(Complex64::new(0.0, 1e-7)).shifted(0.1.into());
        let text = normally_ordered(&op, &space).expect("few terms");
        let scope = Scope { space: &space, parameters: &[], time: false };
        let tree = parse(&text).expect(&text);
        let back = value(&tree, &scope).and_then(|v| v.operator(48, &tree.at)).expect(&text);
        assert!((&back - &op).elements().all(|(_, v)| v.norm() < 1e-8), "ten digits: {text}");
    }

    #[test]
    fn levels_have_no_products() {
        let space = HilbertSpace::new(vec![Factor::levels("s", 3)]).expect("a space");
        assert_eq!(normally_ordered(&Operator::identity(3), &space), None);
    }
}
