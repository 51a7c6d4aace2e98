//! Two systems of a regime behind each other: the first driven, its first port linked to the first port
//! of the second.

use crate::model::{HilbertSpace, Link, ModelError, ModelParameter, Observable, Operator, Slh, tensor};
use num_complex::Complex64;

/// What the user may choose about two linked systems.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// Amplitude reflectivity of the beam splitter between them.
    pub reflection: f64,
    /// Amplification of the measured signal.
    pub eps: f64,
    /// Scale of its noise; 1 for a real detector.
    pub noise: f64,
    /// Time constant of its low-pass filter; 0 for none.
    pub filter_time: f64,
    /// Phase factor on the way.
    pub phase: Complex64,
    /// Whether the second system has the drive of the first as well.
    pub drive_second: bool,
    /// Whether the Ito correction is there.
    pub correction: bool,
}

impl Default for Pair {
    /// A cascade: everything is transmitted, nothing measured.
    fn default() -> Self {
        Pair {
            reflection: 0.0,
            eps: 0.0,
            noise: 1.0,
            filter_time: 0.0,
            phase: Complex64::ONE,
            drive_second: false,
            correction: true,
        }
    }
}

impl Pair {
    /// The link between Lindblads 0 and 1.
    pub fn link(&self) -> Result<Link, ModelError> {
        let link = Link::new(0, 1, self.reflection, self.eps, self.phase)?;
        let link = Link { noise: self.noise, filter_time: self.filter_time, correction: self.correction, ..link };
        link.check(2)?;
        Ok(link)
    }

    /// Its numbers, for the file.
    pub fn numbers(&self) -> [ModelParameter; 6] {
        let number = ModelParameter::new;
        [
            number("R", self.reflection, "1", "amplitude reflectivity of the beam splitter between the systems"),
            number("eps", self.eps, "1", "amplification of the measured signal"),
            number("noise_amp", self.noise, "1", "scale of the noise of the measured signal"),
            number("filter_time", self.filter_time, "1/rate", "time constant of the filter on the signal, 0 for none"),
            number("trans_phase_re", self.phase.re, "1", "phase factor between the systems, real part"),
            number("trans_phase_im", self.phase.im, "1", "phase factor between the systems, imaginary part"),
        ]
    }
}

/// A system beside another: its space is the product, the first factor group the slower.
pub(super) struct Joined {
    pub space: HilbertSpace,
    pub hamiltonian: Operator,
    /// The linked ports first, then the others of the first and of the second; ports that do not couple
    /// and are not linked are left out.
    pub lindblads: Vec<Operator>,
    pub observables: Vec<Observable>,
    pub initial: Vec<Complex64>,
}

/// Join two systems that live in copies of one space, each in the state `initial`.
pub(super) fn join(
    space: &HilbertSpace,
    [first, second]: [(Slh, Vec<Observable>); 2],
    initial: &[Complex64],
) -> Result<Joined, ModelError> {
    let one = Operator::identity(space.dim());
    let in_first = |op: &Operator| op.kron(&one);
    let in_second = |op: &Operator| one.kron(op);
    let factors = [1, 2].into_iter().flat_map(|system| {
        space.factors.iter().map(move |factor| {
            let mut factor = factor.clone();
            factor.name = format!("{}{system}", factor.name);
            factor
        })
    });
    let mut observables = vec![];
    for (system, seen) in [(1, &first.1), (2, &second.1)] {
        observables.extend(seen.iter().filter_map(|o| {
            let operator = o.quantity.operator()?;
            let operator = if system == 1 { in_first(operator) } else { in_second(operator) };
            Some(numbered(o, system, operator))
        }));
    }
    let (h1, h2) = (in_first(&first.0.h), in_second(&second.0.h));
    let mut ports: Vec<Operator> = vec![in_first(&first.0.l[0]), in_second(&second.0.l[0])];
    let others = first.0.l[1..].iter().map(in_first).chain(second.0.l[1..].iter().map(in_second));
    ports.extend(others.filter(|l| !l.is_zero()));
    Ok(Joined {
        space: HilbertSpace::new(factors.collect())?,
        hamiltonian: &h1 + &h2,
        lindblads: ports,
        observables,
        initial: tensor(&[initial.to_vec(), initial.to_vec()]),
    })
}

/// Light that passes a component without degrees of freedom, S = -1, and then a system in `space`.
pub(super) fn empty_then(
    alpha0: f64,
    second: (Slh, Vec<Observable>),
    space: HilbertSpace,
    initial: Vec<Complex64>,
) -> Joined {
    let (second, observables) = second;
    let mut lindblads = vec![Operator::identity(space.dim()).scale(-alpha0), second.l[0].clone()];
    lindblads.extend(second.l[1..].iter().filter(|l| !l.is_zero()).cloned());
    Joined { space, hamiltonian: second.h, lindblads, observables, initial }
}

/// An observable of system 1 or 2.
fn numbered(observable: &Observable, system: usize, operator: Operator) -> Observable {
    let subscript = if system == 1 { "₁" } else { "₂" };
    Observable {
        name: format!("{}{system}", observable.name),
        expression: renamed(&observable.expression, system),
        label: format!("{}{subscript}", observable.label),
        latex: format!("{}_{system}", observable.latex),
        unit: observable.unit.clone(),
        description: format!("{}, system {system}", observable.description),
        quantity: operator.into(),
    }
}

/// `a.dag*a` becomes `a1.dag*a1`: factors have names of one letter, members stand behind a dot.
fn renamed(expression: &str, system: usize) -> String {
    let mut out = String::new();
    let mut before = ' ';
    let mut rest = expression.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        let alone =
            !before.is_alphanumeric() && before != '.' && rest.peek().is_none_or(|next| !next.is_alphanumeric());
        if c.is_alphabetic() && alone {
            out.push_str(&system.to_string());
        }
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::library::{Choices, build, parse};

    fn two(regime: &str, pair: Pair) -> crate::model::Model {
        let choices = Choices { nfock_a: Some(4), pair: Some(pair), ..Choices::default() };
        build(&parse(regime).expect("known"), &choices).expect("valid")
    }

    #[test]
    fn expressions_name_the_factors_of_their_system() {
        assert_eq!(renamed("a.dag*a", 1), "a1.dag*a1");
        assert_eq!(renamed("(a - a.dag)/1i", 2), "(a2 - a2.dag)/1i");
        assert_eq!(renamed("(j.plus + j.minus)/2", 2), "(j2.plus + j2.minus)/2");
        assert_eq!(renamed("a*j.plus", 1), "a1*j1.plus");
    }

    #[test]
    fn the_second_of_two_kerr_cavities_is_not_driven_unless_asked() {
        let model = two("kerr_bistable", Pair::default());
        let factors: Vec<_> = model.space.factors.iter().map(|f| (f.name.as_str(), f.dim)).collect();
        assert_eq!(factors, [("a1", 4), ("a2", 4)]);
        let names: Vec<_> = model.observables.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(names, ["n1", "x1", "p1", "n2", "x2", "p2"]);
        let constants: Vec<_> = model.lindblads.iter().map(|l| l.constant_part().re).collect();
        assert_eq!(constants, [-21.75, 0.0, 0.0, 0.0]);
        assert!(model.raises(0) && model.raises(1), "the second is fed by the link");
        let both = two("kerr_bistable", Pair { drive_second: true, ..Pair::default() });
        assert_eq!(both.lindblads[1].constant_part().re, -21.75);
        assert!(both.hamiltonian.is_hermitian() && both.hamiltonian != model.hamiltonian);
        assert_eq!(two("kerr_qubit", Pair::default()).lindblads.len(), 2, "kappa2 = 0 twice");
    }

    #[test]
    fn two_jaynes_cummings_systems_have_the_nine_observables_each() {
        let model = two("absorptive_bistable", Pair::default());
        assert_eq!(model.space.factors.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["a1", "j1", "a2", "j2"]);
        let names: Vec<_> = model.observables.iter().map(|o| o.name.as_str()).collect();
        assert_eq!((names.len(), names[8], names[9]), (18, "jy1", "a2"));
        assert_eq!(model.initial.iter().position(|x| x.re == 1.0), Some(0), "both spins excited");
        let value = |name: &str| model.parameters.iter().filter(|p| p.name == name).count();
        assert_eq!((value("kappa"), value("R")), (1, 1), "every number once");
    }

    #[test]
    fn an_empty_component_passes_the_drive_on() {
        let model = two("empty_then_kerrA21.75", Pair::default());
        assert_eq!(model.space.dim(), 4);
        assert_eq!(model.lindblads[0], Operator::identity(4).scale(-21.75));
        assert_eq!(model.lindblads[1].constant_part(), Complex64::ZERO);
        assert_eq!(model.observables.iter().map(|o| o.name.as_str()).collect::<Vec<_>>(), ["n", "x", "p"]);
    }
}
