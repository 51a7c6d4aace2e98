//! Operators compiled to what the pass walks over: diagonals, shared tables, segments of rows.
//!
//! The pass applies  s + g K + sum_k y_k L_k  with lane coefficients s, y_k and real g. Here
//!
//! - identity parts of L_k are stripped: L_k = constant_k + sum_j weight_kj T_j, one diagonal per T_j;
//! - proportional diagonals of different L_k share one T_j, with a real table (the phase is in weight_kj);
//! - a diagonal of K proportional to a T_j on the same offset is absorbed as absorbed_j T_j;
//! - operators that need no mean, such as a drive that depends on time, are T_j that are not measured;
//! - rows are cut into segments in which the same diagonals are active, so that half-empty ones cost
//!   only where they act.
//!
//! The order of terms is fixed here (K by offset, then T_j in order of appearance), so it is part of
//! the numbers: every path through the pass adds in this order.

use super::lanes::{Complex8, Lanes};
use crate::model::Operator;
use num_complex::Complex64;
use std::collections::BTreeMap;
use std::ops::Range;

/// Two diagonals are proportional if all ratios agree to this many units of rounding: sqrt(k1) sqrt(n)
/// and sqrt(k2) sqrt(n) are each rounded on their own.
const SAME_RATIO: f64 = 8.0 * f64::EPSILON;
/// Inactive rows between active ones that are worked with zeros rather than cut into a segment.
const GAP: usize = 16;
/// Likewise at the edges of the space.
const EDGE: usize = 3;

/// One diagonal: `table[row]` multiplies the amplitude at `row + offset`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Term {
    pub offset: isize,
    pub table: Table,
    /// Number of the T_j whose lane coefficient multiplies it; unused for parts of K.
    pub reduced: usize,
}

/// Values of a diagonal by row, by what they cost to apply.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Table {
    Ones,
    Real(Vec<f64>),
    Imaginary(Vec<f64>),
    Complex(Vec<f64>, Vec<f64>),
}

/// Rows in which the same diagonals are active.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub rows: Range<usize>,
    /// Numbers into `Plan::constant`.
    pub constant: Vec<usize>,
    /// Numbers into `Plan::lane_terms`.
    pub lane_terms: Vec<usize>,
    /// Numbers of the T_j measured in these rows.
    pub overlaps: Vec<usize>,
}

/// How the overlap of one T_j is gathered while rows are produced: at row q the pair of rows
/// (q, q - lag) is complete, weighted with `table[q]`.
#[derive(Debug, Clone)]
pub(super) struct Overlap {
    pub lag: usize,
    /// The later row is the right-hand (ket) side: offset > 0.
    pub ket_is_later: bool,
    pub table: Table,
}

/// L_k in terms of the T_j.
#[derive(Debug, Clone, PartialEq)]
struct Channel {
    constant: Complex64,
    weights: Vec<(usize, Complex64)>,
}

/// A compiled set of terms.
#[derive(Debug, Clone)]
pub struct Plan {
    dim: usize,
    guard: usize,
    channels: Vec<Channel>,
    /// Operators that are applied with coefficients of their own and not measured.
    terms: Vec<Channel>,
    absorbed: Vec<Complex64>,
    /// How many T_j, from the first, are measured: those of the channels.
    measured: usize,
    /// Offset and whole table of every T_j.
    reduced: Vec<(isize, Vec<f64>)>,
    pub(super) diagonal: Table,
    pub(super) constant: Vec<Term>,
    pub(super) lane_terms: Vec<Term>,
    pub(super) overlaps: Vec<Overlap>,
    pub(super) segments: Vec<Segment>,
}

impl Plan {
    /// Compile K and the channels L_k.
    pub fn new(k: &Operator, channels: &[Operator]) -> Plan {
        Plan::with_terms(k, channels, &[])
    }

    /// Compile K, the channels L_k, and further operators that have coefficients of their own but whose
    /// means nobody needs.
    pub fn with_terms(k: &Operator, channels: &[Operator], terms: &[Operator]) -> Plan {
        let dim = k.dim();
        let mut k = diagonals(k);
        let mut tables = vec![];
        let channels = reduce(channels, dim, &mut tables);
        let measured = tables.len();
        let terms = reduce(terms, dim, &mut tables);
        let absorbed = tables.iter().map(|(offset, table)| absorb(&mut k, *offset, table)).collect();
        let diagonal = k.remove(&0).unwrap_or_else(|| vec![Complex64::ZERO; dim]);
        let active: Vec<(isize, Vec<bool>)> = k
            .iter()
            .map(|(offset, values)| (*offset, active_rows(values)))
            .chain(tables.iter().map(|(o, t)| (*o, active_rows(&complex(t)))))
            .collect();
        let seen: Vec<Overlap> = tables[..measured].iter().map(|(offset, table)| overlap(*offset, table)).collect();
        let seen_rows: Vec<Vec<bool>> = seen.iter().map(|o| active_rows(&o.values(dim))).collect();
        let guard = active.iter().map(|(offset, _)| offset.unsigned_abs()).max().unwrap_or(0);
        let segments = cut(dim, k.len(), &active.iter().map(|a| &a.1[..]).collect::<Vec<_>>(), &seen_rows);
        let term = |(number, (offset, values)): (usize, (isize, Vec<Complex64>)), reduced: usize| Term {
            offset,
            table: Table::new(&values, &active[number].1),
            reduced,
        };
        let parts = k.len();
        Plan {
            dim,
            guard,
            channels,
            terms,
            absorbed,
            measured,
            diagonal: Table::new(&diagonal, &vec![true; dim]),
            constant: k.into_iter().enumerate().map(|diagonal| term(diagonal, 0)).collect(),
            lane_terms: tables
                .iter()
                .enumerate()
                .map(|(j, (offset, table))| term((parts + j, (*offset, complex(table))), j))
                .collect(),
            overlaps: seen.iter().zip(&seen_rows).map(|(o, rows)| o.tightened(dim, rows)).collect(),
            segments,
            reduced: tables,
        }
    }

    /// Dimension of the space.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Guard rows a batch of this plan needs.
    pub fn guard(&self) -> usize {
        self.guard
    }

    /// The same plan for batches with the guard rows of `other`, of which it has no more.
    pub fn guarded_as(mut self, other: &Plan) -> Plan {
        debug_assert!(self.guard <= other.guard && self.dim == other.dim);
        self.guard = other.guard;
        self
    }

    /// Number of channels L_k.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Number of reduced operators T_j.
    pub fn reduced(&self) -> usize {
        self.lane_terms.len()
    }

    /// How many of them, from the first, are measured.
    pub fn measured(&self) -> usize {
        self.measured
    }

    /// <L_k> per lane from the overlaps <psi|T_j|psi> and 1/<psi|psi>.
    #[inline(always)]
    pub fn expectation(&self, channel: usize, overlaps: &[Complex8], inverse_norm: Lanes) -> Complex8 {
        let channel = &self.channels[channel];
        let mut l = Complex8::splat(channel.constant);
        for (j, weight) in &channel.weights {
            l = Complex8::splat(*weight).mul_add(overlaps[*j].times_real(inverse_norm), l);
        }
        l
    }

    /// Add y L_k to the coefficients: s += y constant_k, c_j += y weight_kj.
    #[inline(always)]
    pub fn add_channel(&self, channel: usize, y: Complex8, s: &mut Complex8, c: &mut [Complex8]) {
        self.channels[channel].add(y, s, c);
    }

    /// Add y times further operator `term` to the coefficients.
    #[inline(always)]
    pub fn add_term(&self, term: usize, y: Complex8, s: &mut Complex8, c: &mut [Complex8]) {
        self.terms[term].add(y, s, c);
    }

    /// Start the coefficients of a pass: s as given, c_j = g absorbed_j.
    #[inline(always)]
    pub fn start_coefficients(&self, g: f64, c: &mut [Complex8]) {
        for (c, absorbed) in c.iter_mut().zip(&self.absorbed) {
            *c = Complex8::splat(absorbed * g);
        }
    }

    /// <psi|T_j|psi> of one ket for the T_j that are measured, to start from.
    pub fn overlaps_of(&self, psi: &[Complex64]) -> Vec<Complex64> {
        let sum = |(offset, table): &(isize, Vec<f64>)| {
            let reach = |row: usize| row.checked_add_signed(*offset).and_then(|col| psi.get(col));
            (0..self.dim).filter_map(|row| reach(row).map(|ket| psi[row].conj() * table[row] * ket)).sum()
        };
        self.reduced[..self.measured].iter().map(sum).collect()
    }

    /// Vector multiply-adds per row and eight trajectories of one full pass; for the benchmark's share of peak.
    pub fn vector_operations(&self) -> usize {
        self.segments
            .iter()
            .map(|segment| {
                let constant: usize = segment.constant.iter().map(|&t| self.constant[t].table.cost()).sum();
                let lane: usize = segment.lane_terms.iter().map(|&t| 4 + self.lane_terms[t].table.lane_cost()).sum();
                let seen: usize = segment.overlaps.iter().map(|&j| 4 + self.overlaps[j].table.lane_cost()).sum();
                segment.rows.len() * (self.diagonal.cost() + 2 + 4 + constant + lane + seen + 2)
            })
            .sum()
    }
}

impl Channel {
    #[inline(always)]
    fn add(&self, y: Complex8, s: &mut Complex8, c: &mut [Complex8]) {
        if self.constant != Complex64::ZERO {
            *s = Complex8::splat(self.constant).mul_add(y, *s);
        }
        for (j, weight) in &self.weights {
            c[*j] = Complex8::splat(*weight).mul_add(y, c[*j]);
        }
    }
}

impl Table {
    /// The cheapest table that has these values in the active rows; elsewhere it holds zeros or is not read.
    fn new(values: &[Complex64], active: &[bool]) -> Table {
        let every = |f: fn(&Complex64) -> bool| values.iter().zip(active).all(|(v, on)| !on || f(v));
        let re = || values.iter().map(|v| v.re).collect();
        let im = || values.iter().map(|v| v.im).collect();
        if every(|v| *v == Complex64::ONE) {
            Table::Ones
        } else if every(|v| v.im == 0.0) {
            Table::Real(re())
        } else if every(|v| v.re == 0.0) {
            Table::Imaginary(im())
        } else {
            Table::Complex(re(), im())
        }
    }

    fn cost(&self) -> usize {
        if matches!(self, Table::Complex(..)) { 4 } else { 2 }
    }

    fn lane_cost(&self) -> usize {
        match self {
            Table::Ones => 0,
            Table::Real(_) | Table::Imaginary(_) => 2,
            Table::Complex(..) => 4,
        }
    }

    fn values(&self, dim: usize) -> Vec<Complex64> {
        let zero = || vec![0.0; dim];
        let (re, im) = match self {
            Table::Ones => (vec![1.0; dim], zero()),
            Table::Real(re) => (re.clone(), zero()),
            Table::Imaginary(im) => (zero(), im.clone()),
            Table::Complex(re, im) => (re.clone(), im.clone()),
        };
        re.into_iter().zip(im).map(|(re, im)| Complex64::new(re, im)).collect()
    }
}

impl Overlap {
    fn values(&self, dim: usize) -> Vec<Complex64> {
        self.table.values(dim)
    }

    fn tightened(&self, dim: usize, active: &[bool]) -> Overlap {
        Overlap { table: Table::new(&self.values(dim), active), ..self.clone() }
    }
}

/// offset -> value by row, offset = column - row.
fn diagonals(op: &Operator) -> BTreeMap<isize, Vec<Complex64>> {
    let mut out: BTreeMap<isize, Vec<Complex64>> = BTreeMap::new();
    for ((row, col), value) in op.elements() {
        let offset = col as isize - row as isize;
        out.entry(offset).or_insert_with(|| vec![Complex64::ZERO; op.dim()])[row] = value;
    }
    out
}

fn complex(table: &[f64]) -> Vec<Complex64> {
    table.iter().map(|x| Complex64::from(*x)).collect()
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
fn reduce(operators: &[Operator], dim: usize, tables: &mut Vec<(isize, Vec<f64>)>) -> Vec<Channel> {
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
fn absorb(k: &mut BTreeMap<isize, Vec<Complex64>>, offset: isize, table: &[f64]) -> Complex64 {
    let factor = if offset == 0 { None } else { k.get(&offset).and_then(|values| ratio(values, &complex(table))) };
    if factor.is_some() {
        k.remove(&offset);
    }
    factor.unwrap_or_default()
}

/// <out|T|out> = sum_i conj(out_i) T_i out_{i+offset}, gathered when the later of the two rows is produced.
fn overlap(offset: isize, table: &[f64]) -> Overlap {
    let lag = offset.unsigned_abs();
    let at = |q: usize| if offset > 0 { q.checked_sub(lag).map_or(0.0, |i| table[i]) } else { table[q] };
    Overlap { lag, ket_is_later: offset > 0, table: Table::Real((0..table.len()).map(at).collect()) }
}

/// Rows with a nonzero value, small gaps and near edges filled.
fn active_rows(values: &[Complex64]) -> Vec<bool> {
    let mut active: Vec<bool> = values.iter().map(|v| *v != Complex64::ZERO).collect();
    let on: Vec<usize> = (0..active.len()).filter(|&i| active[i]).collect();
    for pair in on.windows(2) {
        if pair[1] - pair[0] <= GAP + 1 {
            active[pair[0]..pair[1]].fill(true);
        }
    }
    if let (Some(&first), Some(&last)) = (on.first(), on.last()) {
        if first <= EDGE {
            active[..first].fill(true);
        }
        if values.len() - 1 - last <= EDGE {
            active[last..].fill(true);
        }
    }
    active
}

/// Cut the rows where the set of active diagonals or overlaps changes.
fn cut(dim: usize, constants: usize, active: &[&[bool]], seen: &[Vec<bool>]) -> Vec<Segment> {
    let signature =
        |row: usize| -> Vec<bool> { active.iter().map(|a| a[row]).chain(seen.iter().map(|s| s[row])).collect() };
    let mut segments = vec![];
    let mut start = 0;
    for row in 1..=dim {
        if row < dim && signature(row) == signature(start) {
            continue;
        }
        segments.push(Segment {
            rows: start..row,
            constant: (0..constants).filter(|&t| active[t][start]).collect(),
            lane_terms: (constants..active.len()).filter(|&t| active[t][start]).map(|t| t - constants).collect(),
            overlaps: (0..seen.len()).filter(|&j| seen[j][start]).collect(),
        });
        start = row;
    }
    segments
}
