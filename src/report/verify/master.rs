//! The master equation of a small system, integrated as it stands.
//!
//! ```text
//! d rho/dt = K rho + rho K^dag + sum_k L_k rho L_k^dag ,   K = -iH - 1/2 sum_k L_k^dag L_k
//! ```
//!
//! by the embedded pair of Dormand and Prince, orders 5 and 4 (J. Comput. Appl. Math. 6, 19 (1980)), with steps that keep the
//! estimated error of each below [`TOLERANCE`] of the norm of rho and end at breakpoints of the coefficients.

use crate::model::Operator;
use crate::unravelling::Unravelling;
use num_complex::Complex64;

/// Error allowed per step, relative to |rho| in the Frobenius norm.
const TOLERANCE: f64 = 1e-11;
/// Steps after which it is given up.
const MOST_STEPS: usize = 2_000_000;

/// Times within a step, in parts of it.
const NODES: [f64; 7] = [0.0, 1.0 / 5.0, 3.0 / 10.0, 4.0 / 5.0, 8.0 / 9.0, 1.0, 1.0];
/// Weights of earlier slopes in each stage; the last row is the step of order 5.
const STAGES: [&[f64]; 7] = [
    &[],
    &[1.0 / 5.0],
    &[3.0 / 40.0, 9.0 / 40.0],
    &[44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0],
    &[19372.0 / 6561.0, -25360.0 / 2187.0, 64448.0 / 6561.0, -212.0 / 729.0],
    &[9017.0 / 3168.0, -355.0 / 33.0, 46732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18656.0],
    &[35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0],
];
/// Weights of order 5 minus weights of order 4.
const ERROR: [f64; 7] =
    [71.0 / 57600.0, 0.0, -71.0 / 16695.0, 71.0 / 1920.0, -17253.0 / 339200.0, 22.0 / 525.0, -1.0 / 40.0];

/// The equation of an unravelling without a link.
pub struct MasterEquation<'a> {
    unravelling: &'a Unravelling,
    dim: usize,
    drift: Sparse,
    terms: Vec<Sparse>,
    channels: Vec<Sparse>,
    breakpoints: Vec<f64>,
}

/// Row, column and value of every element.
struct Sparse(Vec<(usize, usize, Complex64)>);

impl Sparse {
    fn new(op: &Operator) -> Self {
        Sparse(op.elements().map(|((row, col), value)| (row, col, value)).collect())
    }

    /// out += factor op x, matrices by rows.
    fn add_product(&self, factor: Complex64, x: &[Complex64], out: &mut [Complex64], dim: usize) {
        for (row, col, value) in &self.0 {
            let weight = factor * value;
            let from = &x[col * dim..(col + 1) * dim];
            out[row * dim..(row + 1) * dim].iter_mut().zip(from).for_each(|(out, x)| *out += weight * x);
        }
    }
}

/// The conjugate transpose.
fn adjoint(x: &[Complex64], dim: usize) -> Vec<Complex64> {
    (0..dim * dim).map(|at| x[(at % dim) * dim + at / dim].conj()).collect()
}

/// The Hermitian part. `slope` takes it for granted: what rounding adds beside it would grow.
fn hermitian(x: &[Complex64], dim: usize) -> Vec<Complex64> {
    x.iter().zip(adjoint(x, dim)).map(|(a, b)| 0.5 * (a + b)).collect()
}

impl<'a> MasterEquation<'a> {
    /// Of an unravelling whose coefficients jump or bend at `breakpoints`.
    pub fn new(unravelling: &'a Unravelling, breakpoints: Vec<f64>) -> Self {
        MasterEquation {
            dim: unravelling.drift.dim(),
            drift: Sparse::new(&unravelling.drift),
            terms: unravelling.terms.iter().map(|term| Sparse::new(&term.operator)).collect(),
            channels: unravelling.channels.iter().map(Sparse::new).collect(),
            unravelling,
            breakpoints,
        }
    }

    /// d rho/dt at `t`, coefficients on the piece that holds at `inside`.
    fn slope(&self, t: f64, inside: f64, rho: &[Complex64]) -> Vec<Complex64> {
        let dim = self.dim;
        let mut values = vec![Complex64::ZERO; self.unravelling.functions.len()];
        self.unravelling.values_on(t, inside, &mut values);
        let mut drift = vec![Complex64::ZERO; dim * dim];
        self.drift.add_product(Complex64::ONE, rho, &mut drift, dim);
        for (term, operator) in self.unravelling.terms.iter().zip(&self.terms) {
            operator.add_product(term.coefficient(&values), rho, &mut drift, dim);
        }
        // rho is Hermitian, so rho K^dag is the adjoint of K rho, and (L rho)^dag is rho L^dag.
        let mut out: Vec<Complex64> = drift.iter().zip(adjoint(&drift, dim)).map(|(a, b)| a + b).collect();
        for (number, channel) in self.channels.iter().enumerate() {
            let modulated = self.unravelling.modulated.iter().find(|m| m.channel == number);
            let rate = modulated.map_or(1.0, |m| values[m.function].norm_sqr());
            let mut left = vec![Complex64::ZERO; dim * dim];
            channel.add_product(Complex64::ONE, rho, &mut left, dim);
            channel.add_product(rate.into(), &adjoint(&left, dim), &mut out, dim);
        }
        out
    }

    /// Calls `visit` with rho at each of the ascending `times`, from the pure state `psi` at t = 0; false if it was given up.
    pub fn solve(&self, psi: &[Complex64], times: &[f64], mut visit: impl FnMut(&[Complex64])) -> bool {
        let dim = self.dim;
        let mut rho: Vec<Complex64> = (0..dim * dim).map(|at| psi[at / dim] * psi[at % dim].conj()).collect();
        let (mut t, mut h, mut steps) = (0.0, f64::INFINITY, 0);
        for &saved in times {
            while t < saved {
                let cut = self.breakpoints.iter().copied().filter(|b| *b > t * (1.0 + 1e-12)).fold(saved, f64::min);
                let step = h.min(cut - t);
                let (next, error) = self.step(t, step, &rho);
                let norm = rho.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
                let ratio = error / (TOLERANCE * norm);
                if ratio <= 1.0 {
                    rho = hermitian(&next, dim);
                    t = if step == cut - t { cut } else { t + step };
                }
                // The usual controller: aim below the tolerance, never change by more than these factors.
                h = step * (0.9 * ratio.max(1e-12).powf(-0.2)).clamp(0.2, 5.0);
                steps += 1;
                if steps > MOST_STEPS || !ratio.is_finite() && step < f64::MIN_POSITIVE.sqrt() {
                    return false;
                }
                if !ratio.is_finite() {
                    h = 0.1 * step;
                }
            }
            visit(&rho);
        }
        true
    }

    /// A step from `rho`, and the norm of its estimated error.
    fn step(&self, t: f64, h: f64, rho: &[Complex64]) -> (Vec<Complex64>, f64) {
        let mut slopes: Vec<Vec<Complex64>> = vec![];
        let mut next = rho.to_vec();
        for (node, weights) in NODES.iter().zip(STAGES) {
            next.copy_from_slice(rho);
            for (weight, slope) in weights.iter().zip(&slopes) {
                next.iter_mut().zip(slope).for_each(|(x, k)| *x += h * weight * k);
            }
            slopes.push(self.slope(t + node * h, t + 0.5 * h, &next));
        }
        let error = (0..rho.len())
            .map(|at| {
                ERROR.iter().zip(&slopes).map(|(weight, slope)| h * weight * slope[at]).sum::<Complex64>().norm_sqr()
            })
            .sum::<f64>();
        (next, error.sqrt())
    }
}

/// tr(A rho).
pub fn mean(operator: &Operator, rho: &[Complex64]) -> Complex64 {
    let dim = operator.dim();
    operator.elements().map(|((row, col), value)| value * rho[col * dim + row]).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::library::{Choices, build, parse};
    use crate::model::{Modulation, TimeFunction};

    fn n_at(choices: &Choices, regime: &str, times: &[f64]) -> Vec<f64> {
        let model = build(&parse(regime).expect("known"), choices).expect("valid");
        let unravelling = Unravelling::qsd(&model, false);
        let number = &model.space.destroy(0).dag() * &model.space.destroy(0);
        let (mut found, mut traces) = (vec![], vec![]);
        let equation = MasterEquation::new(&unravelling, vec![]);
        assert!(equation.solve(&model.initial, times, |rho| {
            found.push(mean(&number, rho).re);
            traces.push(mean(&Operator::identity(model.space.dim()), rho));
        }));
        assert!(traces.iter().all(|trace| (trace - 1.0).norm() < 1e-8), "{traces:?}");
        found
    }

    /// QuTiP 5.3.1 and an independent matrix exponential.
    #[test]
    fn the_kerr_cavity_has_the_values_of_other_programs() {
        let choices = Choices { nfock_a: Some(40), ..Choices::default() };
        let found = n_at(&choices, "kerr_bistable", &[0.02, 0.1, 0.2]);
        for (found, exact) in found.iter().zip([2.2167494731, 2.7114103713, 2.7972926749]) {
            assert!((found - exact).abs() < 1e-6, "{found} {exact}");
        }
    }

    /// L = sqrt(k) exp(-t/2) a: <n> = n0 exp(-k (1 - exp(-t))), and the same by pulses with one edge.
    #[test]
    fn decay_that_depends_on_time_follows_the_formula() {
        let mut model = build(&parse("kerr_qubit").expect("known"), &Choices::default()).expect("valid");
        let a = model.space.destroy(0);
        let number = &a.dag() * &a;
        model.hamiltonian = number.clone();
        model.lindblads = vec![a.scale(f64::sqrt(0.2))];
        model.initial = (0..model.space.dim()).map(|i| Complex64::from(f64::from(u8::from(i == 3)))).collect();
        let pulse = TimeFunction::pulses(&[(0.0, 0.7, 2.0.into())]).expect("a pulse");
        model.dynamics.modulations = vec![Modulation { lindblad: 0, coefficient: pulse }];
        let unravelling = Unravelling::qsd(&model, false);
        let mut found = vec![];
        let equation = MasterEquation::new(&unravelling, model.dynamics.breakpoints());
        assert!(equation.solve(&model.initial, &[0.5, 1.5], |rho| found.push(mean(&number, rho).re)));
        for (found, exact) in found.iter().zip([3.0 * libm::exp(-0.4), 3.0 * libm::exp(-0.2 * 4.0 * 0.7)]) {
            assert!((found - exact).abs() < 1e-8, "{found} {exact}");
        }
    }
}
