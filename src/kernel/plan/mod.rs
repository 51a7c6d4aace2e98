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
//! The order of terms is fixed here (the main diagonal, the neighbours above and below, K by offset, then T_j in order
//! of appearance), so it is part of the numbers: every path through the pass adds in this order.

mod channels;
mod segments;
mod terms;

use super::lanes::{Complex8, Lanes};
use crate::model::Operator;
use channels::{Channel, absorb, reduce};
use num_complex::Complex64;
pub(super) use segments::{Above, Far, Gather, Kind, Segment};
use segments::{active_rows, cut};
pub(super) use terms::Table;
use terms::{Overlap, Term, Values, by_later_row, complex, diagonals};

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
    /// Tables of K.
    pub(super) drift: Vec<f64>,
    /// Tables of the T_j and of their overlaps.
    pub(super) tables: Vec<f64>,
    /// The main diagonal of K, real or complex, in `drift`.
    pub(super) diagonal: Table,
    /// Which overlaps are gathered as their conjugates.
    pub(super) conjugated: Vec<bool>,
    /// Together all rows; what the pass relies on: offsets and lags are within `guard`, tables are `dim` long, numbers
    /// of T_j are below `reduced`, those of overlaps below `measured`.
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
        let on = |table: &Vec<f64>| active_rows(&complex(table));
        let active: Vec<Vec<bool>> =
            k.values().map(|v| active_rows(v)).chain(tables.iter().map(|(_, table)| on(table))).collect();
        let later: Vec<Vec<f64>> = tables[..measured].iter().map(|(offset, t)| by_later_row(*offset, t)).collect();
        let seen: Vec<Vec<bool>> = later.iter().map(on).collect();

        let (mut of_k, mut of_t) = (Values::default(), Values::default());
        let diagonal = of_k.diagonal(&diagonal);
        let drift: Vec<Term> =
            k.iter().map(|(offset, values)| Term { offset: *offset, table: of_k.drift(values) }).collect();
        let mut reduced = vec![];
        for ((offset, table), active) in tables.iter().zip(&active[drift.len()..]) {
            let table = of_t.unless_ones(table, active).map_or(Table::Ones, Table::Real);
            reduced.push(Term { offset: *offset, table });
        }
        let mut overlaps = vec![];
        for ((term, table), seen) in reduced.iter().zip(&later).zip(&seen) {
            let (lag, table) = (term.offset.unsigned_abs(), of_t.unless_ones(table, seen));
            overlaps.push(Overlap { lag, ket_is_later: term.offset > 0, table });
        }
        let guard = drift.iter().chain(&reduced).map(|term| term.offset.unsigned_abs()).max().unwrap_or(0);
        Plan {
            dim,
            guard,
            channels,
            terms,
            absorbed,
            measured,
            drift: of_k.0,
            tables: of_t.0,
            diagonal,
            conjugated: overlaps.iter().map(|overlap| !overlap.ket_is_later).collect(),
            segments: cut(dim, (&drift, &reduced, &overlaps), &active, &seen),
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
        self.reduced.len()
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

    /// Vector additions, products and multiply-adds of one pass over eight trajectories that measures; for the
    /// benchmark's share of peak.
    pub fn vector_operations(&self) -> usize {
        let far = |kind: Kind| match kind {
            Kind::DriftReal | Kind::DriftImaginary => 2,
            Kind::DriftComplex | Kind::ReducedOnes => 4,
            Kind::ReducedReal => 6,
        };
        let row = |segment: &Segment| {
            let near = 12 * usize::from(segment.above.is_some()) + 2 * usize::from(segment.below.is_some());
            let far: usize = segment.far.iter().map(|term| far(term.kind)).sum();
            let seen: usize = segment.overlaps.iter().map(|gather| if gather.table.is_some() { 6 } else { 4 }).sum();
            self.diagonal.cost() / 2 + 4 + near + far + seen + 2
        };
        self.segments.iter().map(|segment| segment.rows.len() * row(segment)).sum()
    }
}
