//! Diagonals, their tables of values, and how an overlap is gathered.

use crate::model::Operator;
use num_complex::Complex64;
use std::collections::BTreeMap;

/// All tables of a kind, one behind the other: row i of the table that starts at `start` is `values[start + i]`.
#[derive(Debug, Clone, Default)]
pub struct Values(pub Vec<f64>);

/// One diagonal: entry `row` of the table multiplies the amplitude at `row + offset`.
#[derive(Debug, Clone)]
pub struct Term {
    pub offset: isize,
    pub table: Table,
}

/// Where the values of a diagonal are, by what they cost to apply.
#[derive(Debug, Clone, PartialEq)]
pub enum Table {
    Ones,
    Real(usize),
    Imaginary(usize),
    Complex(usize, usize),
}

/// How the overlap of one T_j is gathered while rows are produced: at row q the pair of rows
/// (q, q - lag) is complete, weighted with entry q of the table.
#[derive(Debug, Clone)]
pub struct Overlap {
    pub lag: usize,
    /// The later row is the right-hand (ket) side: offset > 0.
    pub ket_is_later: bool,
    /// Start of its table; none if all values are one.
    pub table: Option<usize>,
}

impl Values {
    fn add(&mut self, table: impl Iterator<Item = f64>) -> usize {
        let start = self.0.len();
        self.0.extend(table);
        start
    }

    /// The cheapest table of a part of K.
    pub fn drift(&mut self, values: &[Complex64]) -> Table {
        let (re, im) = (values.iter().map(|v| v.re), values.iter().map(|v| v.im));
        if values.iter().all(|v| v.im == 0.0) {
            Table::Real(self.add(re))
        } else if values.iter().all(|v| v.re == 0.0) {
            Table::Imaginary(self.add(im))
        } else {
            Table::Complex(self.add(re), self.add(im))
        }
    }

    /// The table of the main diagonal, real or complex.
    pub fn diagonal(&mut self, values: &[Complex64]) -> Table {
        match self.drift(values) {
            Table::Imaginary(im) => Table::Complex(self.add(values.iter().map(|_| 0.0)), im),
            table => table,
        }
    }

    /// The start of a real table, none if it is one in all active rows; the others are not read then.
    pub fn unless_ones(&mut self, table: &[f64], active: &[bool]) -> Option<usize> {
        let ones = table.iter().zip(active).all(|(x, on)| !on || *x == 1.0);
        (!ones).then(|| self.add(table.iter().copied()))
    }
}

impl Table {
    /// Vector operations a row to apply it with the same coefficient in all lanes.
    pub fn cost(&self) -> usize {
        if matches!(self, Table::Complex(..)) { 4 } else { 2 }
    }
}

/// offset -> value by row, offset = column - row.
pub(super) fn diagonals(op: &Operator) -> BTreeMap<isize, Vec<Complex64>> {
    let mut out: BTreeMap<isize, Vec<Complex64>> = BTreeMap::new();
    for ((row, col), value) in op.elements() {
        let offset = col as isize - row as isize;
        out.entry(offset).or_insert_with(|| vec![Complex64::ZERO; op.dim()])[row] = value;
    }
    out
}

pub(super) fn complex(table: &[f64]) -> Vec<Complex64> {
    table.iter().map(|x| Complex64::from(*x)).collect()
}

/// <out|T|out> = sum_i conj(out_i) T_i out_{i+offset}: T by the later of the two rows, at which the pair is complete.
pub(super) fn by_later_row(offset: isize, table: &[f64]) -> Vec<f64> {
    let at =
        |q: usize| if offset > 0 { q.checked_sub(offset.unsigned_abs()).map_or(0.0, |i| table[i]) } else { table[q] };
    (0..table.len()).map(at).collect()
}
