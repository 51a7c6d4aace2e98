//! Functions of the ket of one trajectory that are no expectation values: conditional on its record, and not linear in
//! |psi><psi|, so that their means over trajectories are no properties of the ensemble's density matrix.

use super::{HilbertSpace, Observable, Operator};

/// What is measured of the ket of one trajectory.
#[derive(Debug, Clone, PartialEq)]
pub enum Quantity {
    /// `<A>`.
    Mean(Operator),
    /// `<A^2> - <A>^2` of a Hermitian A.
    Variance(Operator),
    /// `|<A>|^2`.
    Abs2(Operator),
    /// -tr(rho ln rho) in nats, rho the reduced state of the factor of that number.
    Entropy(usize),
}

impl From<Operator> for Quantity {
    fn from(operator: Operator) -> Self {
        Quantity::Mean(operator)
    }
}

impl Quantity {
    /// The operator it is made from, if it is made from one.
    pub fn operator(&self) -> Option<&Operator> {
        match self {
            Quantity::Mean(op) | Quantity::Variance(op) | Quantity::Abs2(op) => Some(op),
            Quantity::Entropy(_) => None,
        }
    }

    /// The operator whose expectation value it is: linear in |psi><psi|, so that the ensemble's density matrix has it too.
    pub fn linear(&self) -> Option<&Operator> {
        match self {
            Quantity::Mean(op) => Some(op),
            Quantity::Variance(_) | Quantity::Abs2(_) | Quantity::Entropy(_) => None,
        }
    }

    /// Whether it has no imaginary part.
    pub fn is_real(&self) -> bool {
        match self {
            Quantity::Mean(op) => op.is_hermitian(),
            Quantity::Variance(_) | Quantity::Abs2(_) | Quantity::Entropy(_) => true,
        }
    }
}

/// The functions by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conditional {
    /// `var(A)`.
    Variance,
    /// `abs2(A)`.
    Abs2,
    /// `entropy(factor)`.
    Entropy,
}

impl Conditional {
    /// All of them.
    pub const ALL: [(&str, Conditional); 3] =
        [("var", Conditional::Variance), ("abs2", Conditional::Abs2), ("entropy", Conditional::Entropy)];

    /// The function of that name.
    pub fn named(name: &str) -> Option<Conditional> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    /// The function of what `of` is the mean of.
    ///
    /// # Errors
    /// Why there is none, as half a sentence.
    pub fn of_operator(self, of: &Observable) -> Result<Observable, String> {
        let (name, expression) = (&of.name, &of.expression);
        let Quantity::Mean(operator) = &of.quantity else {
            return Err(format!("{expression} is itself a function of the ket and no operator"));
        };
        let (label, latex) = (bare(&of.label, "⟨", "⟩"), bare(&of.latex, r"\langle ", r" \rangle"));
        let unit = if of.unit == "1" { "1".into() } else { format!("({})^2", of.unit) };
        match self {
            Conditional::Variance if !operator.is_hermitian() => {
                Err(format!("{expression} is not Hermitian, and only Hermitian operators have a variance"))
            }
            Conditional::Variance => Ok(Observable {
                name: format!("var_{name}"),
                expression: format!("var({expression})"),
                label: format!("Var({label})"),
                latex: format!(r"\mathrm{{Var}}({latex})"),
                unit,
                description: format!(
                    "variance of {expression} within one trajectory, <A^2> - <A>^2; its mean over trajectories is not the \
                     variance in the ensemble's state, which also has the spread of <A> from trajectory to trajectory"
                ),
                quantity: Quantity::Variance(operator.clone()),
            }),
            Conditional::Abs2 => Ok(Observable {
                name: format!("abs2_{name}"),
                expression: format!("abs2({expression})"),
                label: format!("|⟨{label}⟩|²"),
                latex: format!(r"|\langle {latex} \rangle|^2"),
                unit,
                description: format!("squared modulus of the expectation value of {expression} in one trajectory"),
                quantity: Quantity::Abs2(operator.clone()),
            }),
            Conditional::Entropy => Err("entropy is of a factor of the space, as in entropy(a)".into()),
        }
    }

    /// The entropy of factor `m`.
    ///
    /// # Errors
    /// A space of one factor has nothing it could be entangled with.
    pub fn entropy_of(space: &HilbertSpace, m: usize) -> Result<Observable, String> {
        let name = &space.factors[m].name;
        if space.factors.len() < 2 {
            return Err(format!(
                "the entropy of {name} is its entanglement with the rest of the space, and {name} is all of it"
            ));
        }
        Ok(Observable {
            name: format!("entropy_{name}"),
            expression: format!("entropy({name})"),
            label: format!("S({name})"),
            latex: format!("S_{{{name}}}"),
            unit: "nat".into(),
            description: format!(
                "von Neumann entropy, in nats, of the reduced state of factor {name} of one trajectory: its entanglement \
                 with the rest; its mean over trajectories is not the entropy of the ensemble's state"
            ),
            quantity: Quantity::Entropy(m),
        })
    }
}

/// A label without the brackets of an expectation value.
fn bare<'a>(label: &'a str, open: &str, close: &str) -> &'a str {
    label.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).unwrap_or(label)
}
