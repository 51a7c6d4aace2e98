//! What a factor of the space has: its operators, `a.dag`, and its states, `a.fock(2)`.

use super::{Mistake, hint};
use crate::model::{Factor, HilbertSpace, Kind, Operator, coherent};
use num_complex::Complex64;
use std::ops::Range;

/// Operators of a mode.
pub const FOCK_OPERATORS: &[&str] = &["dag", "n", "x", "p", "parity", "id", "proj"];
/// Operators of a spin.
pub const SPIN_OPERATORS: &[&str] = &["minus", "plus", "x", "y", "z", "up", "down", "id", "proj"];
/// Pauli matrices, of a spin with two states only.
pub const PAULI: &[&str] = &["sx", "sy", "sz", "sp", "sm"];
/// Operators of a space without structure.
pub const PLAIN_OPERATORS: &[&str] = &["id", "proj"];
/// States of a mode.
pub const FOCK_STATES: &[&str] = &["fock", "coherent", "vacuum", "basis"];
/// States of a spin.
pub const SPIN_STATES: &[&str] = &["up", "down", "basis"];
/// States of a space without structure.
pub const PLAIN_STATES: &[&str] = &["basis"];

/// The names of a factor's operators.
fn operators(factor: &Factor) -> Vec<&'static str> {
    match factor.kind {
        Kind::Fock => FOCK_OPERATORS.to_vec(),
        Kind::Spin if factor.dim == 2 => [SPIN_OPERATORS, PAULI].concat(),
        Kind::Spin => SPIN_OPERATORS.to_vec(),
        Kind::Levels => PLAIN_OPERATORS.to_vec(),
    }
}

/// The names of a factor's states.
fn states(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Fock => FOCK_STATES,
        Kind::Spin => SPIN_STATES,
        Kind::Levels => PLAIN_STATES,
    }
}

/// Whether `name` is a state of some kind of factor.
pub fn is_state(name: &str) -> bool {
    [Kind::Fock, Kind::Spin, Kind::Levels].iter().any(|kind| states(*kind).contains(&name))
}

/// The factor by itself: the annihilation operator of a mode.
pub fn bare(space: &HilbertSpace, m: usize, at: &Range<usize>) -> Result<Operator, Mistake> {
    let factor = &space.factors[m];
    match factor.kind {
        Kind::Fock => Ok(space.destroy(m)),
        _ => {
            let (name, known) = (&factor.name, operators(factor).join(", "));
            Err(Mistake::new(
                at,
                format!("{name} alone is no operator; it has {known}, as in {name}.{}", operators(factor)[0]),
            ))
        }
    }
}

/// `a.name` or `a.name(argument)` as an operator on the whole space.
pub fn operator(
    space: &HilbertSpace,
    m: usize,
    name: &str,
    argument: Option<Complex64>,
    at: &Range<usize>,
) -> Result<Operator, Mistake> {
    let factor = &space.factors[m];
    let known = operators(factor);
    if !known.contains(&name) {
        let (of, state) = (&factor.name, states(factor.kind).contains(&name));
        let what = if state {
            format!("{of}.{name} is a state and this is an operator; projectors are {of}.proj(n)")
        } else {
            format!("{of} has no operator '{name}'{}", hint(name, known))
        };
        return Err(Mistake::new(at, what));
    }
    if name == "proj" {
        let n = level(factor, argument, name, at)?;
        return Ok(space.embed(m, &Operator::from_elements(factor.dim, [((n, n), Complex64::ONE)])));
    }
    if argument.is_some() {
        return Err(Mistake::new(at, format!("{}.{name} takes no argument; products are written with *", factor.name)));
    }
    Ok(match factor.kind {
        Kind::Fock => of_mode(space, m, name),
        Kind::Spin => of_spin(space, m, name),
        Kind::Levels => identity(space),
    })
}

fn identity(space: &HilbertSpace) -> Operator {
    Operator::identity(space.dim())
}

fn of_mode(space: &HilbertSpace, m: usize, name: &str) -> Operator {
    let a = space.destroy(m);
    match name {
        "dag" => a.dag(),
        "n" => &a.dag() * &a,
        "x" => &a + &a.dag(),
        "p" => (&a - &a.dag()).scale(-Complex64::I),
        "parity" => {
            let dim = space.factors[m].dim;
            let sign = |n: usize| Complex64::from(if n.is_multiple_of(2) { 1.0 } else { -1.0 });
            space.embed(m, &Operator::from_elements(dim, (0..dim).map(|n| ((n, n), sign(n)))))
        }
        _ => identity(space),
    }
}

fn of_spin(space: &HilbertSpace, m: usize, name: &str) -> Operator {
    let dim = space.factors[m].dim;
    let minus = || space.embed(m, &Operator::spin_minus(dim));
    let z = || space.embed(m, &Operator::spin_z(dim));
    let basis = |n: usize| space.embed(m, &Operator::from_elements(dim, [((n, n), Complex64::ONE)]));
    match name {
        "minus" | "sm" => minus(),
        "plus" | "sp" => minus().dag(),
        "x" => (&minus().dag() + &minus()).scale(0.5),
        "y" => (&minus().dag() - &minus()).scale(Complex64::new(0.0, -0.5)),
        "z" => z(),
        "sx" => &minus().dag() + &minus(),
        "sy" => (&minus().dag() - &minus()).scale(-Complex64::I),
        "sz" => z().scale(2.0),
        "up" => basis(0),
        "down" => basis(dim - 1),
        _ => identity(space),
    }
}

/// `a.name` or `a.name(argument)` as a normalised ket of that factor.
pub fn state(
    factor: &Factor,
    name: &str,
    argument: Option<Complex64>,
    at: &Range<usize>,
) -> Result<Vec<Complex64>, Mistake> {
    let basis = |n: usize| {
        let mut ket = vec![Complex64::ZERO; factor.dim];
        ket[n] = Complex64::ONE;
        ket
    };
    let known = states(factor.kind);
    if !known.contains(&name) {
        return Err(Mistake::new(
            at,
            format!("{} has no state '{name}'{}", factor.name, hint(name, known.iter().copied())),
        ));
    }
    match (name, argument) {
        ("fock" | "basis", _) => Ok(basis(level(factor, argument, name, at)?)),
        // Beyond the cutoff the truncated displacement folds back, also to states with nothing in the top levels.
        ("coherent", Some(alpha)) if alpha.norm_sqr() < factor.dim as f64 => Ok(coherent(factor.dim, alpha)),
        ("coherent", Some(alpha)) => {
            let (photons, dim) = (alpha.norm_sqr(), factor.dim);
            Err(Mistake::new(at, format!("it has {photons:.2e} photons and {} keeps {dim} Fock states", factor.name)))
        }
        ("coherent", None) => Err(Mistake::new(at, "coherent needs its amplitude, as in coherent(1.5)")),
        (_, Some(_)) => Err(Mistake::new(at, format!("{name} takes no argument; products are written with *"))),
        ("down", None) => Ok(basis(factor.dim - 1)),
        _ => Ok(basis(0)),
    }
}

/// The number of a basis state.
fn level(factor: &Factor, argument: Option<Complex64>, name: &str, at: &Range<usize>) -> Result<usize, Mistake> {
    let last = factor.dim - 1;
    let Some(z) = argument else {
        return Err(Mistake::new(at, format!("{name} needs the number of a state, 0 to {last}, as in {name}(1)")));
    };
    if z.im == 0.0 && z.re.fract() == 0.0 && (0.0..=last as f64).contains(&z.re) {
        return Ok(z.re as usize);
    }
    let z = crate::model::written(z);
    Err(Mistake::new(at, format!("{} has the states 0 to {last}, not {z}", factor.name)))
}
