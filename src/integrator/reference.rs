//! The methods written out for one trajectory, as in a textbook: the oracle of the property test and
//! the other side of the benchmark. Sparse operators, one ket, normalised after every step.

use crate::input::Method;
use crate::model::Operator;
use crate::unravelling::Unravelling;
use num_complex::Complex64;

/// A sparse operator by rows, as any straightforward program would store it.
#[derive(Debug, Clone)]
struct Rows {
    rows: Vec<Vec<(usize, Complex64)>>,
}

impl Rows {
    fn new(op: &Operator) -> Self {
        let mut rows = vec![vec![]; op.dim()];
        for ((row, col), value) in op.elements() {
            rows[row].push((col, value));
        }
        Rows { rows }
    }

    fn apply(&self, psi: &[Complex64]) -> Vec<Complex64> {
        self.rows.iter().map(|row| row.iter().map(|(col, value)| value * psi[*col]).sum()).collect()
    }
}

/// One trajectory, step by step.
#[derive(Debug, Clone)]
pub struct Reference {
    k: Rows,
    channels: Vec<Rows>,
    h: f64,
    method: Method,
    /// `<K>` at the start of the step before: the c-number shift of `heun`.
    centre: Complex64,
    /// The normalised ket.
    pub psi: Vec<Complex64>,
}

impl Reference {
    /// A trajectory at its start.
    pub fn new(unravelling: &Unravelling, method: Method, h: f64, initial: &[Complex64]) -> Self {
        Reference {
            centre: unravelling.drift.expect(initial),
            k: Rows::new(&unravelling.drift),
            channels: unravelling.channels.iter().map(Rows::new).collect(),
            h,
            method,
            psi: initial.to_vec(),
        }
    }

    /// Advance by h with the increments `dxi`, one per channel, and normalise.
    pub fn step(&mut self, dxi: &[Complex64]) {
        self.psi = match self.method {
            Method::Em => self.em(dxi),
            Method::Heun => self.heun(dxi),
        };
        let norm = self.psi.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
        self.psi.iter_mut().for_each(|x| *x /= norm);
    }

    fn em(&self, dxi: &[Complex64]) -> Vec<Complex64> {
        let psi = &self.psi;
        let mut next: Vec<_> = psi.iter().zip(self.k.apply(psi)).map(|(x, kx)| x + self.h * kx).collect();
        for (l, dxi) in self.channels.iter().zip(dxi) {
            let lpsi = l.apply(psi);
            let mean = overlap(psi, &lpsi);
            for ((next, lx), x) in next.iter_mut().zip(&lpsi).zip(psi) {
                *next += self.h * (mean.conj() * lx - 0.5 * mean.norm_sqr() * x) + dxi * (lx - mean * x);
            }
        }
        next
    }

    fn heun(&mut self, dxi: &[Complex64]) -> Vec<Complex64> {
        let psi = &self.psi;
        let means: Vec<_> = self.channels.iter().map(|l| overlap(psi, &l.apply(psi))).collect();
        let centre = std::mem::replace(&mut self.centre, overlap(psi, &self.k.apply(psi)));
        let slope = |phi: &[Complex64]| -> Vec<Complex64> {
            let norm: f64 = phi.iter().map(|x| x.norm_sqr()).sum();
            let mut f: Vec<_> = self.k.apply(phi).iter().zip(phi).map(|(kx, x)| kx - centre * x).collect();
            for ((l, mean), dxi) in self.channels.iter().zip(&means).zip(dxi) {
                let lphi = l.apply(phi);
                let y = (overlap(phi, &lphi) / norm).conj() + dxi / self.h;
                for ((f, lx), x) in f.iter_mut().zip(&lphi).zip(phi) {
                    *f += y * (lx - mean * x);
                }
            }
            f
        };
        let k1 = slope(psi);
        let predictor: Vec<_> = psi.iter().zip(&k1).map(|(x, k)| x + self.h * k).collect();
        let k2 = slope(&predictor);
        psi.iter().zip(k1.iter().zip(&k2)).map(|(x, (a, b))| x + 0.5 * self.h * (a + b)).collect()
    }
}

fn overlap(bra: &[Complex64], ket: &[Complex64]) -> Complex64 {
    bra.iter().zip(ket).map(|(b, k)| b.conj() * k).sum()
}
