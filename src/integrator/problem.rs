//! A system and a step, compiled once and shared by every engine of a process.

use super::increments::Couplings;
use super::readout::Readouts;
use super::schedule::Schedule;
use super::splitting::{Form, Splitting};
use crate::kernel::{Observables, Plan};
use crate::model::{HilbertSpace, Model, Operator};
use crate::unravelling::{Linked, Output, Unravelling};
use num_complex::Complex64;
use std::sync::{Arc, OnceLock};

/// With more factors than this their order is left alone: 5! plans are still quick to make.
const MOST_REORDERED: usize = 5;

/// What an engine integrates and measures.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The equation, in the user's order of factors.
    pub unravelling: Unravelling,
    /// Its terms compiled, in the order of factors that needs the fewest operations.
    pub plan: Plan,
    /// When steps are taken.
    pub schedule: Schedule,
    /// The longest step.
    pub h: f64,
    /// Channels whose coefficients are not plain.
    pub(super) couplings: Couplings,
    /// What the record is of; empty if none is kept.
    pub(super) outputs: Vec<Output>,
    /// What the user's observables are made from, then the populations to watch, then the steady part of the rate Gamma, then
    /// L^dag L of the modulated channels.
    pub measured: Observables,
    /// How the user's observables come from it.
    pub(super) readouts: Readouts,
    /// How many populations are watched.
    pub watched: usize,
    /// Normalised initial ket in the plan's order.
    pub initial: Vec<Complex64>,
    /// Entry i is the index in the user's basis of state i of the plan.
    order: Vec<usize>,
    /// Dimensions of the factors in the plan's order, the slowest index first.
    pub(super) factors: Vec<usize>,
    /// What `saba` is to integrate exactly, if anybody has asked for it.
    form: Option<Form>,
    /// Compiled when it is needed first.
    splitting: OnceLock<Arc<Splitting>>,
}

impl Problem {
    /// Compile a model; `watched` are the projectors on the top levels of its Fock factors, `schedule` the
    /// steps or the length of all of them.
    pub fn new(model: &Model, unravelling: Unravelling, watched: &[Operator], schedule: impl Into<Schedule>) -> Self {
        let schedule = schedule.into();
        let (factors, plan) = cheapest_order(&model.space, &unravelling);
        let order = model.space.reordered(&factors);
        let (readouts, users) = Readouts::new(model);
        let rates = std::iter::once(&unravelling.rate).chain(unravelling.modulated.iter().map(|m| &m.rate));
        let measured: Vec<_> = users.iter().chain(watched).chain(rates).map(|op| op.reordered(&order)).collect();
        Problem {
            measured: Observables::new(&measured),
            readouts,
            watched: watched.len(),
            initial: order.iter().map(|i| model.initial[*i]).collect(),
            order,
            factors: factors.iter().map(|m| model.space.factors[*m].dim).collect(),
            form: None,
            splitting: OnceLock::new(),
            plan,
            couplings: Couplings::new(&unravelling),
            outputs: vec![],
            unravelling,
            h: schedule.h(),
            schedule,
        }
    }

    /// The same, with a record of its outputs kept.
    pub fn with_record(mut self) -> Self {
        self.outputs = self.unravelling.outputs();
        self
    }

    /// Whether a step needs more than the plain channels and a constant K.
    #[inline(always)]
    pub(super) fn is_coupled(&self) -> bool {
        !self.unravelling.terms.is_empty() || self.couplings.len() > 0
    }

    /// The link if its signal is filtered.
    #[inline(always)]
    pub(super) fn filtered(&self) -> Option<&Linked> {
        self.unravelling.link.as_ref().filter(|linked| linked.link.filter_time > 0.0)
    }

    /// The same problem with a form of `saba` asked for.
    pub fn in_form(self, form: Form) -> Self {
        Problem { form: Some(form), splitting: OnceLock::new(), ..self }
    }

    /// A step of `saba`.
    pub fn splitting(&self) -> &Splitting {
        self.splitting.get_or_init(|| Arc::new(Splitting::new(self, self.form)))
    }

    /// An operator of the model in the plan's basis.
    pub(super) fn in_plans_basis(&self, operator: &Operator) -> Operator {
        operator.reordered(&self.order)
    }

    /// An operator of the plan in the user's basis.
    pub fn operator_in_users_basis(&self, operator: &Operator) -> Operator {
        let elements = operator.elements().map(|((row, col), z)| ((self.order[row], self.order[col]), z));
        Operator::from_elements(operator.dim(), elements)
    }

    /// The place in the user's basis of every basis state of the plan.
    pub(super) fn order(&self) -> &[usize] {
        &self.order
    }

    /// A ket of the plan in the user's basis.
    pub fn in_users_basis(&self, ket: &[Complex64]) -> Vec<Complex64> {
        let mut out = vec![Complex64::ZERO; ket.len()];
        self.order.iter().zip(ket).for_each(|(place, x)| out[*place] = *x);
        out
    }

    /// `<K>` of the initial ket at t = 0.
    pub fn initial_drift(&self) -> Complex64 {
        let (ket, values) = (self.in_users_basis(&self.initial), self.unravelling.values(0.0));
        let terms = self.unravelling.terms.iter();
        terms.fold(self.unravelling.drift.expect(&ket), |k, term| {
            k + term.coefficient(&values) * term.operator.expect(&ket)
        })
    }
}

/// The order of factors, by their numbers, whose plan has the fewest vector operations, and that plan. Half-empty diagonals
/// (a spin's) cost nothing outside their segment when the spin is the slowest index. Of equals the first
/// in lexical order wins, so the numbers do not depend on anything but the model.
fn cheapest_order(space: &HilbertSpace, unravelling: &Unravelling) -> (Vec<usize>, Plan) {
    let plan = |order: &[usize]| {
        let channels: Vec<_> = unravelling.channels.iter().map(|l| l.reordered(order)).collect();
        let adjoint = unravelling.link.iter().map(|linked| &linked.adjoint);
        let terms = unravelling.terms.iter().map(|term| &term.operator).chain(adjoint);
        let terms: Vec<_> = terms.map(|op| op.reordered(order)).collect();
        Plan::with_terms(&unravelling.drift.reordered(order), &channels, &terms)
    };
    let factors = space.factors.len();
    let orders = if factors <= MOST_REORDERED { permutations(factors) } else { vec![(0..factors).collect()] };
    orders
        .iter()
        .map(|factors| (factors.clone(), plan(&space.reordered(factors))))
        .min_by_key(|(_, plan)| plan.vector_operations())
        .expect("there is at least one order")
}

/// All permutations of 0 .. n in lexical order.
fn permutations(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![vec![]];
    }
    let with_last = |p: Vec<usize>| -> Vec<Vec<usize>> {
        (0..n)
            .map(|first| std::iter::once(first).chain(p.iter().map(|x| if *x >= first { x + 1 } else { *x })).collect())
            .collect()
    };
    let mut all: Vec<Vec<usize>> = permutations(n - 1).into_iter().flat_map(with_last).collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::library::{Choices, build, parse};

    #[test]
    fn permutations_are_all_there_in_order() {
        assert_eq!(permutations(3), [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]);
    }

    #[test]
    fn the_spin_becomes_the_slowest_index_and_kets_come_back_in_the_users_basis() {
        let model = build(&parse("absorptive_bistable").expect("known"), &Choices::default()).expect("valid");
        let problem = Problem::new(&model, Unravelling::qsd(&model, false), &[], 0.01);
        assert_eq!(problem.order[..3], [0, 2, 4], "states of the mode next to each other");
        let ket: Vec<Complex64> = (0..100).map(|i| Complex64::from(i as f64)).collect();
        let plans: Vec<_> = problem.order.iter().map(|i| ket[*i]).collect();
        assert_eq!(problem.in_users_basis(&plans), ket);
    }
}
