//! SLH components: scattering matrix, coupling operators, Hamiltonian, and how they join.
//!
//! ```text
//! dA_out = S dA_in + L dt ,     the component itself evolves under H and the Lindblads L
//! ```
//!
//! Row j of S and L_j belong to output j, column k of S to input k; hbar = 1. Every operator lives in the
//! space of the whole system, so components that share a factor may be joined like any others.
//! J. Gough and M. R. James, IEEE Trans. Autom. Control 54, 2530 (2009).

mod components;
mod compose;
mod error;
mod network;
#[cfg(test)]
mod testing;

pub use error::{Side, SlhError};
pub use network::{Network, Reduced};

use super::Operator;
use ndarray::Array2;
use num_complex::Complex64;

/// Largest deviation of S^dag S from 1: numbers typed with ten digits pass, a wrong sign does not.
const UNITARY: f64 = 1e-9;

/// Largest deviation from a Hermitian H, relative to its largest element.
const HERMITIAN: f64 = 1e-9;

/// An open component with one coupling operator per port.
#[derive(Debug, Clone, PartialEq)]
pub struct Slh {
    /// Scattering matrix, outputs x inputs, c-numbers.
    pub s: Array2<Complex64>,
    /// Coupling operators, one an output.
    pub l: Vec<Operator>,
    /// Hamiltonian.
    pub h: Operator,
}

impl Slh {
    /// A component of any kind: S square and unitary, one L an output, H Hermitian.
    pub fn new(s: Array2<Complex64>, l: Vec<Operator>, h: Operator) -> Result<Self, SlhError> {
        let (rows, columns) = s.dim();
        if rows != columns || rows != l.len() {
            return Err(SlhError::Shape { rows, columns, couplings: l.len() });
        }
        if let Some(other) = l.iter().find(|l| l.dim() != h.dim()) {
            return Err(SlhError::Spaces { first: h.dim(), second: other.dim() });
        }
        let largest = h.elements().map(|(_, v)| v.norm()).fold(0.0, f64::max);
        let deviation = (&h - &h.dag()).elements().map(|(_, v)| v.norm()).fold(0.0, f64::max);
        if !largest.is_finite() || deviation > HERMITIAN * largest {
            return Err(SlhError::NotHermitian { deviation });
        }
        let component = Slh { s, l, h };
        let deviation = component.unitary_deviation();
        // Also if it is not a number.
        if deviation.is_nan() || deviation > UNITARY {
            return Err(SlhError::NotUnitary { deviation });
        }
        Ok(component)
    }

    /// A component whose ports scatter into themselves with amplitude `s`.
    pub fn diagonal(s: f64, l: Vec<Operator>, h: Operator) -> Self {
        let mut matrix = Array2::zeros((l.len(), l.len()));
        matrix.diag_mut().fill(Complex64::from(s));
        Slh { s: matrix, l, h }
    }

    /// Number of ports: as many outputs as inputs.
    pub fn ports(&self) -> usize {
        self.l.len()
    }

    /// Largest element of S^dag S - 1, in modulus.
    pub fn unitary_deviation(&self) -> f64 {
        let product = self.s.t().mapv(|v| v.conj()).dot(&self.s);
        product
            .indexed_iter()
            .map(|((row, col), v)| (v - f64::from(u8::from(row == col))).norm())
            // max would pass over what is not a number.
            .fold(0.0, |most, v| if v.is_nan() || v > most { v } else { most })
    }

    /// The same component with a coherent amplitude alpha fed into `port`:
    /// L -> L + S alpha, H -> H + Im(L^dag S alpha).
    pub fn coherent_input(mut self, port: usize, alpha: Complex64) -> Self {
        for (row, l) in self.l.iter_mut().enumerate() {
            let amplitude = self.s[[row, port]] * alpha;
            if amplitude != Complex64::ZERO {
                self.h = &self.h + &l.dag().scale(amplitude).im();
                *l = l.shifted(amplitude);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::testing::Draw;
    use super::*;

    #[test]
    fn a_driven_cavity_displaces_its_coupling_and_gains_the_drive_hamiltonian() {
        let a = Operator::destroy(5);
        let cavity = Slh::diagonal(-1.0, vec![a.scale(3.0), a.scale(2.0)], Operator::zero(5));
        let driven = cavity.coherent_input(0, Complex64::from(7.0));
        assert_eq!(driven.l[0].constant_part(), Complex64::from(-7.0));
        assert_eq!(driven.l[1].constant_part(), Complex64::ZERO);
        // (1/2i)(L^dag S alpha - h.c.) with L = 3 a, S alpha = -7: (21 i/2)(a^dag - a)
        let expected = (&a.dag() - &a).scale(Complex64::new(0.0, 10.5));
        assert!((&driven.h - &expected).elements().all(|(_, v)| v.norm() < 1e-14));
        assert!(driven.h.is_hermitian());
    }

    #[test]
    fn a_component_that_loses_light_is_refused_with_its_deviation() {
        let mut draw = Draw::new(1);
        let good = draw.component(3, 4);
        assert_eq!(Slh::new(good.s.clone(), good.l.clone(), good.h.clone()), Ok(good.clone()));
        let mut s = good.s.clone();
        s[[1, 2]] += 0.01;
        match Slh::new(s, good.l.clone(), good.h.clone()) {
            Err(SlhError::NotUnitary { deviation }) => assert!(deviation > 1e-3 && deviation < 0.03, "{deviation}"),
            other => panic!("{other:?}"),
        }
        let mut s = good.s;
        s[[0, 0]] = f64::NAN.into();
        assert!(matches!(Slh::new(s, good.l, good.h), Err(SlhError::NotUnitary { .. })));
    }

    #[test]
    fn shapes_spaces_and_hamiltonians_that_do_not_fit_are_refused() {
        let mut draw = Draw::new(2);
        let Slh { s, l, h } = draw.component(2, 3);
        let few = Slh::new(s.clone(), l[..1].to_vec(), h.clone());
        assert_eq!(few, Err(SlhError::Shape { rows: 2, columns: 2, couplings: 1 }));
        let other = Slh::new(s.clone(), vec![l[0].clone(), draw.operator(4)], h);
        assert_eq!(other, Err(SlhError::Spaces { first: 3, second: 4 }));
        let crooked = Slh::new(s, l.clone(), draw.operator(3));
        assert!(matches!(crooked, Err(SlhError::NotHermitian { deviation }) if deviation > 0.01));
    }
}
