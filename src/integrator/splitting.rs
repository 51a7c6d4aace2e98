//! How `saba` splits the constant part of the equation: K = A + B, with A integrated exactly between the kicks and B
//! within them.
//!
//! ```text
//! whole      A = K                                    , B = 0
//! local      A = sum of operators of single factors   , B = couplings
//! diagonal   A = diagonal of K                        , B = the rest
//! ```

use super::problem::Problem;
use super::stability::round_down;
use crate::kernel::{Exponential, Plan};
use crate::model::Operator;
use num_complex::Complex64;

/// The nodes of Gauss's quadrature with two points on [0, 1] are c1 and c1 + c2: c1 = (3 - sqrt 3)/6, c2 = 1/sqrt 3.
pub(super) const C1: f64 = 0.211_324_865_405_187_13;
pub(super) const C2: f64 = 0.577_350_269_189_625_7;

/// Above this dimension the exponential of the whole K is not tried: making it takes as the cube.
const MOST_WHOLE: usize = 256;
/// The exponentials of a step may take as many operations as this many passes over K and all L_k. A step has about
/// eight passes beside them, so a step of the form with the smallest error takes at most three times that of the one with
/// the largest, which needs more than three times the steps where couplings are strong.
const MOST_PASSES: usize = 16;
/// Two operators commute if no element of their commutator is larger than this, relative to their own largest.
const COMMUTE: f64 = 1e-12;
/// Powers of B^dag B that its norm is taken from: enough for a few per cent.
const POWERS: usize = 60;

/// What is integrated exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All of K.
    Whole,
    /// The part of K that is a sum of operators of single factors.
    Local,
    /// The diagonal of K.
    Diagonal,
}

impl Form {
    /// From the smallest error to the largest.
    pub const ALL: [Form; 3] = [Form::Whole, Form::Local, Form::Diagonal];

    /// In words, for messages.
    pub fn describe(self) -> &'static str {
        match self {
            Form::Whole => "all of K exactly",
            Form::Local => "K of each factor exactly, couplings in the kicks",
            Form::Diagonal => "the diagonal of K exactly, the rest in the kicks",
        }
    }
}

/// A step of length h, compiled. Operators are in the order of the plan.
#[derive(Debug, Clone)]
pub struct Splitting {
    /// What is integrated exactly.
    pub form: Form,
    /// B.
    pub rest: Operator,
    /// B and the channels.
    pub kick: Plan,
    /// Whether some L_j and L_k do not commute, so that their order in a kick matters.
    pub ordered: bool,
    /// e^{c1 h A}: before the first kick of a trajectory, and to be seen after the last.
    pub outer: Exponential,
    /// e^{2 c1 h A}: the end of a step and the beginning of the next.
    pub joint: Exponential,
    /// e^{c2 h A}: between the kicks of a step.
    pub inner: Exponential,
}

impl Splitting {
    /// In the form asked for, or the one with the smallest error that is not too dear.
    pub(super) fn new(problem: &Problem, form: Option<Form>) -> Self {
        let k = problem.in_plans_basis(&problem.unravelling.drift);
        let channels: Vec<Operator> = problem.unravelling.channels.iter().map(|l| problem.in_plans_basis(l)).collect();
        let most = MOST_PASSES * problem.plan.vector_operations();
        let cheap = |parts: &Parts| {
            let [_, joint, inner] = &parts.exponentials;
            joint.vector_operations(k.dim()) + inner.vector_operations(k.dim()) <= most
        };
        let parts = match form {
            Some(form) => Parts::new(form, &k, problem),
            None => Form::ALL
                .into_iter()
                .filter(|form| match form {
                    Form::Whole => k.dim() <= MOST_WHOLE,
                    Form::Local => problem.factors.len() > 1,
                    Form::Diagonal => true,
                })
                .map(|form| Parts::new(form, &k, problem))
                .find(|parts| parts.form == Form::Diagonal || cheap(parts))
                .expect("the last form is always cheap enough"),
        };
        let Parts { form, rest, exponentials: [outer, joint, inner] } = parts;
        let kick = Plan::new(&rest, &channels).guarded_as(&problem.plan);
        Splitting { form, rest, kick, ordered: !all_commute(&channels), outer, joint, inner }
    }

    /// The largest step, rounded down to two digits, at which the Taylor polynomials of the kicks amplify nothing; `None`
    /// if there is no B.
    ///
    /// The polynomial of degree three has modulus at most 1 on the imaginary axis up to sqrt 3, and a kick takes half a
    /// step: h |B|/2 <= sqrt 3, for a B that is nearly anti-Hermitian, as couplings and drives are.
    pub fn largest_step(&self) -> Option<f64> {
        (!self.rest.is_zero()).then(|| round_down(2.0 * 3f64.sqrt() / norm(&self.rest)))
    }
}

/// The largest singular value of B, by powers of B^dag B.
fn norm(b: &Operator) -> f64 {
    let adjoint = b.dag();
    let mut x: Vec<Complex64> = (0..b.dim()).map(|i| Complex64::new(1.0, 0.1 * (i % 7) as f64)).collect();
    let mut square = 0.0;
    for _ in 0..POWERS {
        let size = x.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        x.iter_mut().for_each(|z| *z /= size);
        x = adjoint.apply(&b.apply(&x));
        square = x.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
    }
    square.sqrt()
}

/// A form of one K.
struct Parts {
    form: Form,
    rest: Operator,
    /// Over c1 h, 2 c1 h and c2 h.
    exponentials: [Exponential; 3],
}

impl Parts {
    fn new(form: Form, k: &Operator, problem: &Problem) -> Self {
        let times = [C1, 2.0 * C1, C2].map(|c| c * problem.h);
        match form {
            Form::Whole => {
                let exponentials = times.map(|tau| Exponential::whole(k, tau));
                Parts { form, rest: Operator::zero(k.dim()), exponentials }
            }
            Form::Local => {
                let local = local_parts(k, &problem.factors);
                let one = |dims: &[usize]| Operator::identity(dims.iter().product());
                let embedded = local
                    .iter()
                    .enumerate()
                    .map(|(m, a)| one(&problem.factors[..m]).kron(a).kron(&one(&problem.factors[m + 1..])));
                // What differs by rounding only is the same.
                let largest = k.elements().map(|(_, z)| z.norm()).fold(0.0, f64::max);
                let rest = embedded.fold(k.clone(), |rest, a| &rest - &a);
                let rest = rest.elements().filter(|(_, z)| z.norm() > 8.0 * f64::EPSILON * largest);
                let rest = Operator::from_elements(k.dim(), rest);
                Parts { form, rest, exponentials: times.map(|tau| Exponential::local(&local, tau)) }
            }
            Form::Diagonal => {
                let rest = Operator::from_elements(k.dim(), k.elements().filter(|((row, col), _)| row != col));
                Parts { form, rest, exponentials: times.map(|tau| Exponential::diagonal(k, tau)) }
            }
        }
    }
}

/// One operator for each factor: K with the other factors in their first states. The constant is in the first.
fn local_parts(k: &Operator, factors: &[usize]) -> Vec<Operator> {
    let constant = k.get(0, 0);
    let mut local = vec![];
    for (m, &dim) in factors.iter().enumerate() {
        let stride: usize = factors[m + 1..].iter().product();
        let elements = (0..dim).flat_map(|row| (0..dim).map(move |col| (row, col)));
        let found = elements.map(|(row, col)| ((row, col), k.get(row * stride, col * stride)));
        let a = Operator::from_elements(dim, found.filter(|(_, z)| *z != Complex64::ZERO));
        local.push(if m == 0 { a } else { a.shifted(-constant) });
    }
    local
}

fn all_commute(operators: &[Operator]) -> bool {
    let largest = |x: &Operator| x.elements().map(|(_, z)| z.norm()).fold(0.0, f64::max);
    operators.iter().enumerate().all(|(j, a)| {
        operators[..j].iter().all(|b| largest(&(&(a * b) - &(b * a))) <= COMMUTE * largest(a) * largest(b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::library::{Choices, build, parse};
    use crate::unravelling::Unravelling;

    fn problem(regime: &str, nfock: usize, h: f64) -> Problem {
        let choices = Choices { nfock_a: Some(nfock), ..Choices::default() };
        let model = build(&parse(regime).expect("known"), &choices).expect("valid");
        Problem::new(&model, Unravelling::qsd(&model, false), &[], h)
    }

    #[test]
    fn the_built_in_systems_are_integrated_whole() {
        for (regime, nfock, h) in [
            ("absorptive_bistable", 50, 0.1),
            ("kerr_bistable", 40, 5e-4),
            ("kerr_bistableB33.25", 80, 2.5e-4),
            ("kerr_qubit", 10, 1e-2),
        ] {
            let problem = problem(regime, nfock, h);
            let splitting = Splitting::new(&problem, None);
            assert_eq!(splitting.form, Form::Whole, "{regime}");
            assert!(splitting.rest.is_zero() && !splitting.ordered);
        }
    }

    #[test]
    fn local_parts_and_the_rest_are_the_whole() {
        let problem = problem("absorptive_bistable", 8, 0.1);
        let k = problem.in_plans_basis(&problem.unravelling.drift);
        for form in Form::ALL {
            let Parts { rest, .. } = Parts::new(form, &k, &problem);
            let exact = &k - &rest;
            // What is integrated exactly commutes with what acts on other factors only.
            assert_eq!(rest.is_zero(), form == Form::Whole);
            assert!(form != Form::Diagonal || exact.elements().all(|((row, col), _)| row == col));
        }
        let local = local_parts(&k, &problem.factors);
        let Parts { rest, .. } = Parts::new(Form::Local, &k, &problem);
        // The coupling changes both factors at once; of each alone nothing is left.
        let stride = problem.factors[1];
        assert!(rest.elements().all(|((row, col), _)| row / stride != col / stride && row % stride != col % stride));
        assert_eq!(local.iter().map(Operator::dim).collect::<Vec<_>>(), problem.factors);
    }

    #[test]
    fn a_drive_limits_the_step_by_its_norm() {
        // |-i E (a + a^dag)| = 2 E cos(pi/(N + 1)) times about sqrt(N): of N = 3 states it is E sqrt 3.
        let a = Operator::destroy(3);
        let drive = (&a + &a.dag()).scale(Complex64::new(0.0, -40.0));
        assert!((norm(&drive) - 40.0 * 3f64.sqrt()).abs() < 0.1, "{}", norm(&drive));
        let problem = problem("kerr_bistable", 30, 5e-4);
        let splitting = Splitting::new(&problem, Some(Form::Diagonal));
        let largest = splitting.largest_step().expect("there is a drive");
        // 2 sqrt(3)/(108.75 |a + a^dag|), the norm being 2 sqrt(2 N) or a little less.
        assert!(largest > 2e-3 && largest < 4e-3, "{largest}");
        assert_eq!(Splitting::new(&problem, None).largest_step(), None);
    }

    #[test]
    fn operators_that_do_not_commute_are_found() {
        let (a, one) = (Operator::destroy(5), Operator::identity);
        let spin = one(5).kron(&Operator::spin_minus(2).scale(0.3));
        let mode = a.kron(&one(2)).scale(1.7);
        assert!(all_commute(&[mode.clone(), spin.clone(), mode.scale(Complex64::I)]));
        assert!(!all_commute(&[mode.clone(), spin, mode.dag()]));
        assert!(all_commute(&[]));
    }
}
