//! Random components for the tests of the algebra, and the deviation of one from another.

use super::Slh;
use crate::model::Operator;
use ndarray::Array2;
use num_complex::Complex64;

/// A stream of random numbers: a linear congruential generator is good enough for matrices without structure.
pub struct Draw(u64);

impl Draw {
    /// One stream a seed.
    pub fn new(seed: u64) -> Self {
        Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    /// Uniform between -1 and 1.
    pub fn real(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Both parts uniform between -1 and 1.
    pub fn complex(&mut self) -> Complex64 {
        Complex64::new(self.real(), self.real())
    }

    /// A dense operator.
    pub fn operator(&mut self, dim: usize) -> Operator {
        Operator::from_elements(dim, (0..dim * dim).map(|i| ((i / dim, i % dim), self.complex())))
    }

    /// A Hermitian operator.
    pub fn hamiltonian(&mut self, dim: usize) -> Operator {
        let x = self.operator(dim);
        &x + &x.dag()
    }

    /// A unitary matrix, by Gram-Schmidt from random columns.
    pub fn unitary(&mut self, ports: usize) -> Array2<Complex64> {
        let mut matrix = Array2::from_shape_fn((ports, ports), |_| self.complex());
        for column in 0..ports {
            for done in 0..column {
                let overlap: Complex64 = (0..ports).map(|row| matrix[[row, done]].conj() * matrix[[row, column]]).sum();
                for row in 0..ports {
                    let part = overlap * matrix[[row, done]];
                    matrix[[row, column]] -= part;
                }
            }
            let norm = (0..ports).map(|row| matrix[[row, column]].norm_sqr()).sum::<f64>().sqrt();
            matrix.column_mut(column).mapv_inplace(|v| v / norm);
        }
        matrix
    }

    /// A component without any structure.
    pub fn component(&mut self, ports: usize, dim: usize) -> Slh {
        let s = self.unitary(ports);
        let l = (0..ports).map(|_| self.operator(dim)).collect();
        Slh::new(s, l, self.hamiltonian(dim)).expect("a component")
    }
}

/// Largest difference between two operators.
pub fn apart(a: &Operator, b: &Operator) -> f64 {
    (a - b).elements().map(|(_, v)| v.norm()).fold(0.0, f64::max)
}

/// Fails unless two components are the same to rounding.
#[track_caller]
pub fn assert_same(a: &Slh, b: &Slh) {
    assert_eq!(a.s.dim(), b.s.dim());
    for (x, y) in a.s.iter().zip(&b.s) {
        assert!((x - y).norm() < 1e-11, "S:\n{:.12}\n{:.12}", a.s, b.s);
    }
    for (port, (x, y)) in a.l.iter().zip(&b.l).enumerate() {
        assert!(apart(x, y) < 1e-11, "L of output {port} differs by {:.2e}", apart(x, y));
    }
    assert!(apart(&a.h, &b.h) < 1e-10, "H differs by {:.2e}", apart(&a.h, &b.h));
    assert!(a.h.is_hermitian() && b.h.is_hermitian(), "Hermitian bit for bit");
}
