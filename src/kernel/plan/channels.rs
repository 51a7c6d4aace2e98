//! L_k = constant_k + sum_j weight_kj T_j with as few T_j as possible.

use super::terms::{complex, diagonals};
use crate::kernel::lanes::Complex8;
use crate::model::Operator;
use num_complex::Complex64;
use std::collections::BTreeMap;

/// Two diagonals are proportional if all ratios agree to this many units of rounding: sqrt(k1) sqrt(n)
/// and sqrt(k2) sqrt(n) are each rounded on their own.
const SAME_RATIO: f64 = 8.0 * f64::EPSILON;
/// L_k in terms of the T_j.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    pub constant: Complex64,
    pub weights: Vec<(usize, Complex64)>,
}

impl Channel {
    #[inline(always)]
    pub fn add(&self, y: Complex8, s: &mut Complex8, c: &mut [Complex8]) {
        if self.constant != Complex64::ZERO {
            *s = Complex8::splat(self.constant).mul_add(y, *s);
        }
        for (j, weight) in &self.weights {
            c[*j] = Complex8::splat(*weight).mul_add(y, c[*j]);
        }
    }
}

/// q with a = q b in every row, if there is one.
fn ratio(a: &[Complex64], b: &[Complex64]) -> Option<Complex64> {
    let largest = (0..b.len()).max_by(|&i, &j| b[i].norm_sqr().total_cmp(&b[j].norm_sqr()))?;
    let q = a[largest] / b[largest];
    let off = |(a, b): (&Complex64, &Complex64)| (a - q * b).norm() <= SAME_RATIO * (q * b).norm();
    a.iter().zip(b).all(off).then_some(q)
}

/// L_k = constant_k + sum_j weight_kj T_j with as few T_j beyond those in `tables` as possible, each one diagonal with a real table if its
/// values share a phase; a diagonal with several phases is split into its real and imaginary part.
pub(super) fn reduce(operators: &[Operator], dim: usize, tables: &mut Vec<(isize, Vec<f64>)>) -> Vec<Channel> {
    let mut channels = vec![];
    for op in operators {
        let constant = op.constant_part();
        let mut weights = vec![];
        for (offset, values) in diagonals(&op.shifted(-constant)) {
            let shared = (0..tables.len()).find_map(|j| {
                let (o, table) = &tables[j];
                if *o == offset { ratio(&values, &complex(table)).map(|q| (j, q)) } else { None }
            });
            if let Some(found) = shared {
                weights.push(found);
                continue;
            }
            for (weight, table) in real_tables(&values, dim) {
                weights.push((tables.len(), weight));
                tables.push((offset, table));
            }
        }
        channels.push(Channel { constant, weights });
    }
    channels
}

/// values = sum of weight x real table, one summand if all values share a phase (up to sign).
fn real_tables(values: &[Complex64], dim: usize) -> Vec<(Complex64, Vec<f64>)> {
    let first = values.iter().copied().find(|v| *v != Complex64::ZERO).expect("a stored diagonal has a nonzero value");
    // A uniform diagonal (sigma-minus) becomes a table of ones: no multiplication in the pass.
    let uniform = values.iter().all(|v| *v == Complex64::ZERO || *v == first);
    let phase = if first.im == 0.0 { Complex64::ONE } else { first / first.norm() };
    let weight = if uniform { first } else { phase };
    let turned: Vec<Complex64> = values
        .iter()
        .map(|v| if uniform { if *v == Complex64::ZERO { *v } else { Complex64::ONE } } else { v / weight })
        .collect();
    if turned.iter().all(|v| v.im.abs() <= SAME_RATIO * v.re.abs()) {
        return vec![(weight, turned.iter().map(|v| v.re).collect())];
    }
    let parts = [
        (Complex64::ONE, values.iter().map(|v| v.re).collect::<Vec<_>>()),
        (Complex64::I, values.iter().map(|v| v.im).collect()),
    ];
    debug_assert_eq!(values.len(), dim);
    parts.into_iter().filter(|(_, table)| table.iter().any(|x| *x != 0.0)).collect()
}

/// Take a diagonal of K proportional to a T_j out of K and return the factor. The main diagonal stays:
/// it is applied anyway.
pub(super) fn absorb(k: &mut BTreeMap<isize, Vec<Complex64>>, offset: isize, table: &[f64]) -> Complex64 {
    let factor = if offset == 0 { None } else { k.get(&offset).and_then(|values| ratio(values, &complex(table))) };
    if factor.is_some() {
        k.remove(&offset);
    }
    factor.unwrap_or_default()
}
