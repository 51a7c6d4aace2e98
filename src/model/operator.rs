//! Sparse operators and their algebra, as physicists write it: `&a.dag() * &a`.
//!
//! Elements are kept in a sorted map, so every sum is taken in one order and a model has the same
//! bits wherever it is built. Built once per run: clarity before speed.

use num_complex::Complex64;
use std::collections::BTreeMap;
use std::ops::{Add, Mul, Sub};

/// A linear operator on a space of `dim` states.
#[derive(Debug, Clone, PartialEq)]
pub struct Operator {
    dim: usize,
    elements: BTreeMap<(usize, usize), Complex64>,
}

impl Operator {
    /// The operator 0.
    pub fn zero(dim: usize) -> Self {
        Operator { dim, elements: BTreeMap::new() }
    }

    /// The operator 1.
    pub fn identity(dim: usize) -> Self {
        Self::from_elements(dim, (0..dim).map(|i| ((i, i), 1.0.into())))
    }

    /// From ((row, column), value); later values replace earlier ones, exact zeros are dropped.
    pub fn from_elements(dim: usize, elements: impl IntoIterator<Item = ((usize, usize), Complex64)>) -> Self {
        let mut op = Self::zero(dim);
        for ((row, col), value) in elements {
            assert!(row < dim && col < dim, "element ({row}, {col}) outside an operator of dimension {dim}");
            op.elements.insert((row, col), value);
        }
        op.drop_zeros()
    }

    /// Annihilation operator: a |n> = sqrt(n) |n-1>.
    pub fn destroy(dim: usize) -> Self {
        Self::from_elements(dim, (1..dim).map(|n| ((n - 1, n), (n as f64).sqrt().into())))
    }

    /// Spin lowering operator of spin j = (dim - 1)/2 in the basis m = j, j-1, ..., -j:
    /// j- |m> = sqrt(j(j+1) - m(m-1)) |m-1>.
    pub fn spin_minus(dim: usize) -> Self {
        let j = (dim as f64 - 1.0) / 2.0;
        Self::from_elements(
            dim,
            (1..dim).map(|row| {
                let m = j - (row as f64 - 1.0);
                ((row, row - 1), (j * (j + 1.0) - m * (m - 1.0)).sqrt().into())
            }),
        )
    }

    /// Spin component jz in the basis m = j, j-1, ..., -j.
    pub fn spin_z(dim: usize) -> Self {
        let j = (dim as f64 - 1.0) / 2.0;
        Self::from_elements(dim, (0..dim).map(|row| ((row, row), (j - row as f64).into())))
    }

    /// Dimension of the space.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// <row|A|col>.
    pub fn get(&self, row: usize, col: usize) -> Complex64 {
        self.elements.get(&(row, col)).copied().unwrap_or_default()
    }

    /// Nonzero elements as ((row, column), value), sorted by row, then column.
    pub fn elements(&self) -> impl Iterator<Item = ((usize, usize), Complex64)> + '_ {
        self.elements.iter().map(|(&at, &value)| (at, value))
    }

    /// True for the operator 0.
    pub fn is_zero(&self) -> bool {
        self.elements.is_empty()
    }

    /// Hermitian conjugate.
    pub fn dag(&self) -> Self {
        Operator { dim: self.dim, elements: self.elements.iter().map(|(&(r, c), v)| ((c, r), v.conj())).collect() }
    }

    /// Whether it equals its Hermitian conjugate, bit for bit.
    pub fn is_hermitian(&self) -> bool {
        self.elements.iter().all(|(&(r, c), v)| self.get(c, r) == v.conj())
    }

    /// s A.
    pub fn scale(&self, s: impl Into<Complex64>) -> Self {
        let s = s.into();
        Operator { dim: self.dim, elements: self.elements.iter().map(|(&at, v)| (at, v * s)).collect() }.drop_zeros()
    }

    /// Im(X) = (X - X^dag)/(2i), the Hermitian operator of SLH algebra.
    pub fn im(&self) -> Self {
        (self - &self.dag()).scale(Complex64::new(0.0, -0.5))
    }

    /// A x B, A the slower index.
    pub fn kron(&self, b: &Operator) -> Self {
        let mut out = Self::zero(self.dim * b.dim);
        for (&(r, c), v) in &self.elements {
            for (&(r2, c2), w) in &b.elements {
                out.elements.insert((r * b.dim + r2, c * b.dim + c2), v * w);
            }
        }
        out
    }

    /// A |psi>.
    pub fn apply(&self, psi: &[Complex64]) -> Vec<Complex64> {
        assert_eq!(psi.len(), self.dim, "ket and operator live in different spaces");
        let mut out = vec![Complex64::ZERO; self.dim];
        for (&(r, c), v) in &self.elements {
            out[r] += v * psi[c];
        }
        out
    }

    /// <psi|A|psi>, not divided by the norm.
    pub fn expect(&self, psi: &[Complex64]) -> Complex64 {
        self.apply(psi).iter().zip(psi).map(|(y, x)| x.conj() * y).sum()
    }

    /// The constant c if the operator's diagonal is c everywhere (as in L = sqrt(kappa) a + Omega), else 0.
    pub fn constant_part(&self) -> Complex64 {
        let c = self.get(0, 0);
        if (0..self.dim).all(|i| self.get(i, i) == c) { c } else { Complex64::ZERO }
    }

    /// A + c.
    pub fn shifted(&self, c: Complex64) -> Self {
        self + &Operator::identity(self.dim).scale(c)
    }

    /// The same operator in another order of the basis: entry i of `order` is the index here of state i there.
    pub fn reordered(&self, order: &[usize]) -> Self {
        let mut there = vec![0; self.dim];
        order.iter().enumerate().for_each(|(new, old)| there[*old] = new);
        Operator {
            dim: self.dim,
            elements: self.elements.iter().map(|(&(r, c), v)| ((there[r], there[c]), *v)).collect(),
        }
    }

    fn drop_zeros(mut self) -> Self {
        self.elements.retain(|_, v| *v != Complex64::ZERO);
        self
    }
}

impl Add for &Operator {
    type Output = Operator;
    fn add(self, b: &Operator) -> Operator {
        assert_eq!(self.dim, b.dim, "operators live in different spaces");
        let mut out = self.clone();
        for (&at, v) in &b.elements {
            *out.elements.entry(at).or_default() += v;
        }
        out.drop_zeros()
    }
}

impl Sub for &Operator {
    type Output = Operator;
    fn sub(self, b: &Operator) -> Operator {
        self + &b.scale(-1.0)
    }
}

impl Mul for &Operator {
    type Output = Operator;
    fn mul(self, b: &Operator) -> Operator {
        assert_eq!(self.dim, b.dim, "operators live in different spaces");
        let mut out = Operator::zero(self.dim);
        for (&(r, k), v) in &self.elements {
            for (&(_, c), w) in b.elements.range((k, 0)..(k + 1, 0)) {
                *out.elements.entry((r, c)).or_default() += v * w;
            }
        }
        out.drop_zeros()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ladder_operators_commute_to_one_below_the_cutoff() {
        let a = Operator::destroy(6);
        let commutator = &(&a * &a.dag()) - &(&a.dag() * &a);
        for n in 0..5 {
            assert!((commutator.get(n, n).re - 1.0).abs() < 1e-14);
        }
        assert!((commutator.get(5, 5).re + 5.0).abs() < 1e-14);
    }

    #[test]
    fn spin_operators_obey_the_angular_momentum_algebra() {
        for dim in [2, 3, 4, 7] {
            let (jm, jz) = (Operator::spin_minus(dim), Operator::spin_z(dim));
            let (jp, j) = (jm.dag(), (dim as f64 - 1.0) / 2.0);
            let commutator = &(&(&jp * &jm) - &(&jm * &jp)) - &jz.scale(2.0);
            assert!(commutator.elements().all(|(_, v)| v.norm() < 1e-13), "[j+, j-] = 2 jz at dim {dim}");
            let jx = (&jp + &jm).scale(0.5);
            let jy = (&jp - &jm).scale(Complex64::new(0.0, -0.5));
            let square = &(&(&jx * &jx) + &(&jy * &jy)) + &(&jz * &jz);
            let off = &square - &Operator::identity(dim).scale(j * (j + 1.0));
            assert!(off.elements().all(|(_, v)| v.norm() < 1e-13), "j^2 = j(j+1) at dim {dim}");
        }
    }

    #[test]
    fn products_and_kron_agree_with_dense_arithmetic() {
        let a = Operator::from_elements(3, [((0, 1), Complex64::new(1.0, 2.0)), ((2, 0), Complex64::new(-0.5, 0.0))]);
        let b = Operator::from_elements(3, [((1, 2), Complex64::new(0.0, 1.0)), ((0, 0), Complex64::new(3.0, -1.0))]);
        let dense = |x: &Operator, y: &Operator, r: usize, c: usize| -> Complex64 {
            (0..3).map(|k| x.get(r, k) * y.get(k, c)).sum()
        };
        let (product, tensor) = (&a * &b, a.kron(&b));
        for r in 0..3 {
            for c in 0..3 {
                assert_eq!(product.get(r, c), dense(&a, &b, r, c));
                assert_eq!(tensor.get(3 * r + c, 3 * c + r), a.get(r, c) * b.get(c, r));
            }
        }
    }

    #[test]
    fn hermitian_and_constant_parts_are_seen() {
        let a = Operator::destroy(4);
        assert!((&a + &a.dag()).is_hermitian() && !a.is_hermitian());
        assert!(a.im().is_hermitian());
        assert_eq!(a.shifted(2.5.into()).constant_part(), 2.5.into());
        assert_eq!((&a.dag() * &a).constant_part(), Complex64::ZERO);
    }
}
