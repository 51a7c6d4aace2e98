//! Expectation values at save times: <psi|A|psi> per lane, a few operators at once.

use super::batch::Batch;
use super::lanes::{Complex8, Lanes};
use crate::model::Operator;
use num_complex::Complex64;
use std::collections::BTreeMap;

/// Rows are summed into this many accumulators, row r into r mod 4, joined as (0+1)+(2+3): short
/// dependency chains, one fixed order.
const CHAINS: usize = 4;

/// Compiled operators to be measured.
#[derive(Debug, Clone)]
pub struct Observables {
    operators: Vec<Compiled>,
}

#[derive(Debug, Clone)]
struct Compiled {
    /// Only diagonals with offset >= 0 are stored; the others are their conjugates.
    hermitian: bool,
    diagonals: Vec<Diagonal>,
}

#[derive(Debug, Clone)]
struct Diagonal {
    offset: isize,
    /// First row with a nonzero value.
    first: usize,
    values: Vec<Complex64>,
}

impl Observables {
    /// Compile operators of one space.
    pub fn new<'a>(operators: impl IntoIterator<Item = &'a Operator>) -> Self {
        Observables { operators: operators.into_iter().map(Compiled::new).collect() }
    }

    /// How many operators.
    pub fn len(&self) -> usize {
        self.operators.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.operators.is_empty()
    }

    /// `out[k] = <psi|A_k|psi> / norm` per lane, with `1/<psi|psi>` given; Hermitian operators yield exactly real numbers.
    #[inline(always)]
    pub fn measure(&self, psi: &Batch, inverse_norm: Lanes, out: &mut [Complex8]) {
        for (operator, out) in self.operators.iter().zip(out) {
            *out = operator.overlap(psi).times_real(inverse_norm);
        }
    }
}

impl Compiled {
    fn new(operator: &Operator) -> Self {
        let hermitian = operator.is_hermitian();
        let mut by_offset: BTreeMap<isize, BTreeMap<usize, Complex64>> = BTreeMap::new();
        for ((row, col), value) in operator.elements() {
            let offset = col as isize - row as isize;
            if !hermitian || offset >= 0 {
                by_offset.entry(offset).or_default().insert(row, value);
            }
        }
        let diagonals = by_offset
            .into_iter()
            .map(|(offset, rows)| {
                let first = *rows.keys().next().expect("a stored diagonal has a row");
                let last = *rows.keys().next_back().expect("a stored diagonal has a row");
                let values = (first..=last).map(|row| rows.get(&row).copied().unwrap_or_default()).collect();
                Diagonal { offset, first, values }
            })
            .collect();
        Compiled { hermitian, diagonals }
    }

    #[inline(always)]
    fn overlap(&self, psi: &Batch) -> Complex8 {
        let mut total = Complex8::ZERO;
        for diagonal in &self.diagonals {
            let part = diagonal.overlap(psi);
            if self.hermitian {
                let times = if diagonal.offset == 0 { 1.0 } else { 2.0 };
                total.re = part.re.mul_add(Lanes::splat(times), total.re);
            } else {
                total = total.plus(part);
            }
        }
        total
    }
}

impl Diagonal {
    #[inline(always)]
    fn overlap(&self, psi: &Batch) -> Complex8 {
        let rows = psi.rows();
        let bras = &rows[self.first..self.first + self.values.len()];
        let start = self.first.wrapping_add_signed(self.offset);
        let kets = &rows[start..start + self.values.len()];
        let mut chains = [Complex8::ZERO; CHAINS];
        for (i, ((bra, ket), value)) in bras.iter().zip(kets).zip(&self.values).enumerate() {
            let weighted = Complex8::splat(*value).mul_add(*ket, Complex8::ZERO);
            chains[i % CHAINS] = bra.conj_mul_add(weighted, chains[i % CHAINS]);
        }
        chains[0].plus(chains[1]).plus(chains[2].plus(chains[3]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Isa, Kernel, LANES, Lane};

    struct Measure<'a>(&'a Observables, &'a Batch, Lanes, &'a mut [Complex8]);

    impl Kernel for Measure<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lane, const ROWS: usize>(self) {
            self.0.measure(self.1, self.2, self.3);
        }
    }

    #[test]
    fn expectation_values_are_those_of_the_operators() {
        let dim = 23;
        let a = Operator::destroy(dim);
        let hermitian = &(&a * &a) + &(&a.dag() * &a.dag());
        let mixed = &hermitian.scale(Complex64::new(0.3, 0.1)) + &(&a.dag() * &a);
        let operators = [a.clone(), &a.dag() * &a, hermitian, mixed, (&a - &a.dag()).scale(0.5)];
        let mut psi = Batch::zeros(dim, 4);
        let kets: Vec<Vec<Complex64>> = (0..LANES)
            .map(|lane| {
                (0..dim).map(|i| Complex64::new((i * lane % 7) as f64 - 3.0, (i + 2 * lane) as f64 % 5.0)).collect()
            })
            .collect();
        kets.iter().enumerate().for_each(|(lane, ket)| psi.set_ket(lane, ket));
        let compiled = Observables::new(&operators);
        let mut first = None;
        for isa in Isa::available() {
            let mut out = vec![Complex8::ZERO; operators.len()];
            isa.run(Measure(&compiled, &psi, Lanes::splat(0.5), &mut out));
            for (lane, ket) in kets.iter().enumerate() {
                for (operator, value) in operators.iter().zip(&out) {
                    let exact = operator.expect(ket) * 0.5;
                    assert!((value.lane(lane) - exact).norm() < 1e-12 * (1.0 + exact.norm()));
                    assert!(!operator.is_hermitian() || value.lane(lane).im == 0.0);
                }
            }
            assert_eq!(*first.get_or_insert(out.clone()), out, "{} gives other bits", isa.name());
        }
    }
}
