//! Husimi's function of a Fock factor, from the stored kets of an ensemble.
//!
//! ```text
//! Q(alpha) = <alpha|rho|alpha> / pi ,   rho = mean over trajectories of Tr_others |psi><psi| ,   integral of Q d^2alpha = 1
//! ```
//!
//! K. Husimi, Proc. Phys. Math. Soc. Jpn. 22, 264 (1940). `<alpha|n> = exp(-|alpha|^2/2) conj(alpha)^n / sqrt(n!)`.

use super::reduce::Picks;
use crate::report::rows::evenly;
use crate::store::{Kets, Results, StoreError};
use num_complex::Complex64;
use std::f64::consts::PI;

/// Points of the grid along one axis.
pub const GRID: usize = 96;
/// Multiply-adds spent on a density matrix, which bounds the number of kets.
const WORK: usize = 1 << 30;
/// Population that may lie beyond the photon number up to which is drawn.
const BEYOND: f64 = 1e-3;
/// How far the vacuum reaches around an amplitude: exp(-2.5^2) = 0.002.
const VACUUM: f64 = 2.5;

/// Q on a square grid around the origin, at the last time of stored kets.
pub struct Husimi {
    /// The factor.
    pub factor: String,
    /// The time.
    pub time: f64,
    /// How many trajectories it is the mean of.
    pub kets: usize,
    /// Re alpha and Im alpha go from -extent to extent, the points are the middles of cells.
    pub extent: f64,
    /// Row after row of increasing Im alpha.
    pub values: Vec<f64>,
}

impl Husimi {
    /// Integral over the grid; what is missing from 1 lies outside.
    pub fn integral(&self) -> f64 {
        self.values.iter().sum::<f64>() * (2.0 * self.extent / GRID as f64).powi(2)
    }
}

/// Q of every Fock factor; none if the file has no kets.
///
/// # Errors
/// `File` if they cannot be read.
pub fn of(results: &Results, picks: &Picks) -> Result<Vec<Husimi>, StoreError> {
    let Some(kets) = results.kets()? else { return Ok(vec![]) };
    let Some(&time) = kets.times.last().filter(|_| !picks.rows.is_empty()) else { return Ok(vec![]) };
    let focks = || kets.factors.iter().enumerate().filter(|(_, factor)| factor.fock);
    let mut states: Vec<State> = focks().map(|(at, _)| State::new(&kets, at)).collect();
    let work: usize = states.iter().map(|state| kets.dimension * state.levels).sum();
    let count = picks.rows.len().min((WORK / work.max(1)).max(1));
    for row in evenly(&picks.rows, count) {
        let ket = results.kets_at(kets.times.len() - 1, row..row + 1)?;
        states.iter_mut().for_each(|state| state.add(&ket, 1.0 / count as f64));
    }
    let husimi = |(state, (_, factor)): (&State, (usize, &crate::store::Factor))| {
        let extent = state.extent();
        Husimi { factor: factor.name.clone(), time, kets: count, extent, values: state.husimi(extent) }
    };
    Ok(states.iter().zip(focks()).map(husimi).collect())
}

/// The density matrix of one factor, row after row.
struct State {
    levels: usize,
    /// States of the factors behind it.
    behind: usize,
    rho: Vec<Complex64>,
}

impl State {
    fn new(kets: &Kets, factor: usize) -> State {
        let levels = kets.factors[factor].levels;
        let behind = kets.factors[factor + 1..].iter().map(|factor| factor.levels).product();
        State { levels, behind, rho: vec![Complex64::ZERO; levels * levels] }
    }

    fn add(&mut self, ket: &[Complex64], weight: f64) {
        for block in ket.chunks_exact(self.levels * self.behind) {
            for other in 0..self.behind {
                let amplitude = |n: usize| block[n * self.behind + other];
                for (n, row) in self.rho.chunks_exact_mut(self.levels).enumerate() {
                    let left = amplitude(n) * weight;
                    row.iter_mut().enumerate().for_each(|(m, element)| *element += left * amplitude(m).conj());
                }
            }
        }
    }

    /// Half the side of the square in which nearly all of Q lies.
    fn extent(&self) -> f64 {
        let population = |n: usize| self.rho[n * self.levels + n].re;
        let mut beyond = 0.0;
        let largest = (1..self.levels).rev().find(|n| {
            beyond += population(*n);
            beyond > BEYOND
        });
        (largest.unwrap_or(0) as f64).sqrt() + VACUUM
    }

    fn husimi(&self, extent: f64) -> Vec<f64> {
        let middle = |cell: usize| extent * ((2 * cell + 1) as f64 / GRID as f64 - 1.0);
        let points = (0..GRID).flat_map(|y| (0..GRID).map(move |x| Complex64::new(middle(x), middle(y))));
        points.map(|alpha| self.at(alpha)).collect()
    }

    /// Q(alpha).
    fn at(&self, alpha: Complex64) -> f64 {
        let (modulus, phase) = (alpha.norm(), alpha / alpha.norm().max(f64::MIN_POSITIVE));
        // |<n|alpha>| through its logarithm: exp(-|alpha|^2/2) alone underflows where the product does not.
        let size = |n: usize| {
            let n = n as f64;
            (n * modulus.max(f64::MIN_POSITIVE).ln() - (modulus * modulus + libm::lgamma(n + 1.0)) / 2.0).exp()
        };
        let mut turn = Complex64::ONE;
        let mut coherent = Vec::with_capacity(self.levels);
        for n in 0..self.levels {
            coherent.push(turn * size(n));
            turn *= phase;
        }
        let row = |row: &[Complex64]| row.iter().zip(&coherent).map(|(rho, c)| rho * c).sum::<Complex64>();
        let rows = self.rho.chunks_exact(self.levels).zip(&coherent);
        rows.map(|(elements, c)| (c.conj() * row(elements)).re).sum::<f64>() / PI
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(levels: usize, behind: usize, kets: &[Vec<Complex64>]) -> State {
        let mut state = State { levels, behind, rho: vec![Complex64::ZERO; levels * levels] };
        kets.iter().for_each(|ket| state.add(ket, 1.0 / kets.len() as f64));
        state
    }

    /// `<n|beta>`, by its recurrence.
    fn coherent(beta: Complex64, levels: usize) -> Vec<Complex64> {
        let mut ket = vec![Complex64::from((-beta.norm_sqr() / 2.0).exp())];
        (1..levels).for_each(|n| ket.push(ket[n - 1] * beta / (n as f64).sqrt()));
        ket
    }

    /// Q of a coherent state is exp(-|alpha - beta|^2)/pi, of a Fock state exp(-|alpha|^2) |alpha|^2n / (pi n!).
    #[test]
    fn coherent_and_fock_states_have_the_function_of_the_textbook() {
        let beta = Complex64::new(1.5, -0.5);
        let alone = state(60, 1, &[coherent(beta, 60)]);
        let mut fock = vec![Complex64::ZERO; 60];
        fock[3] = Complex64::ONE;
        let fock = state(60, 1, &[fock]);
        for alpha in [Complex64::ZERO, beta, Complex64::new(-0.3, 2.0)] {
            let exact = (-(alpha - beta).norm_sqr()).exp() / PI;
            assert!((alone.at(alpha) - exact).abs() < 1e-12, "{alpha}: {} and {exact}", alone.at(alpha));
            let exact = (-alpha.norm_sqr()).exp() * alpha.norm_sqr().powi(3) / (PI * 6.0);
            assert!((fock.at(alpha) - exact).abs() < 1e-12, "{alpha}: {} and {exact}", fock.at(alpha));
        }
    }

    /// (|beta, up> + |-beta, down>)/sqrt(2): the trace over the spin leaves a mixture, whatever stands in front or behind.
    #[test]
    fn other_factors_are_traced_out() {
        let (beta, levels) = (Complex64::new(1.0, 0.5), 30);
        let half = |sign: f64| coherent(beta * sign, levels).into_iter().map(|z| z / 2f64.sqrt()).collect::<Vec<_>>();
        let (up, down) = (half(1.0), half(-1.0));
        let behind: Vec<_> = up.iter().zip(&down).flat_map(|(up, down)| [*up, *down]).collect();
        let front: Vec<_> = up.iter().chain(&down).copied().collect();
        let alpha = Complex64::new(0.2, -0.7);
        let exact = ((-(alpha - beta).norm_sqr()).exp() + (-(alpha + beta).norm_sqr()).exp()) / (2.0 * PI);
        for state in [state(levels, 2, &[behind]), state(levels, 1, &[front])] {
            assert!((state.at(alpha) - exact).abs() < 1e-12, "{} and {exact}", state.at(alpha));
        }
    }

    #[test]
    fn nearly_all_of_it_is_in_the_frame_and_large_amplitudes_do_not_underflow() {
        for beta in [Complex64::ZERO, Complex64::new(3.0, 2.0), Complex64::new(0.0, 38.0)] {
            let levels = 60 + (beta.norm_sqr() * 1.3) as usize;
            // Through logarithms, as exp(-38^2/2) is no double.
            let size = |n: usize| n as f64 * beta.norm().max(1e-300).ln() - libm::lgamma(n as f64 + 1.0) / 2.0;
            let ket: Vec<_> = (0..levels)
                .map(|n| Complex64::from_polar((size(n) - beta.norm_sqr() / 2.0).exp(), beta.arg() * n as f64))
                .collect();
            let state = state(levels, 1, &[ket]);
            let extent = state.extent();
            assert!((state.at(beta) * PI - 1.0).abs() < 1e-6, "{}", state.at(beta) * PI);
            let husimi = Husimi { factor: "a".into(), time: 0.0, kets: 1, extent, values: vec![] };
            if levels < 100 {
                let integral = Husimi { values: state.husimi(extent), ..husimi }.integral();
                assert!((integral - 1.0).abs() < 2e-3, "{beta}: {integral}");
            }
        }
    }
}
