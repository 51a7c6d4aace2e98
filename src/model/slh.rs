//! SLH components: scattering matrix, coupling operators, Hamiltonian.
//!
//! J. Gough and M. R. James, IEEE Trans. Autom. Control 54, 2530 (2009).

use super::Operator;
use ndarray::Array2;
use num_complex::Complex64;

/// An open component with one coupling operator per port.
#[derive(Debug, Clone)]
pub struct Slh {
    /// Scattering matrix, ports x ports, c-numbers.
    pub s: Array2<Complex64>,
    /// Coupling operators.
    pub l: Vec<Operator>,
    /// Hamiltonian.
    pub h: Operator,
}

impl Slh {
    /// A component whose ports scatter into themselves with amplitude `s`.
    pub fn diagonal(s: f64, l: Vec<Operator>, h: Operator) -> Self {
        let mut matrix = Array2::zeros((l.len(), l.len()));
        matrix.diag_mut().fill(Complex64::from(s));
        Slh { s: matrix, l, h }
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
}
