//! Rows cut where the set of active diagonals changes, and for each piece a list of what the pass does there.

use super::terms::{Overlap, Table, Term};
use num_complex::Complex64;
use std::ops::Range;

/// Inactive rows between active ones that are worked with zeros rather than cut into a segment.
const GAP: usize = 16;
/// Likewise at the edges of the space.
const EDGE: usize = 3;

/// Rows in which the same diagonals are active. Those next to the main one are worked from a window of registers
/// where they have the common form; the lists hold the others, in the order in which they are added.
#[derive(Debug, Clone)]
pub struct Segment {
    pub rows: Range<usize>,
    pub above: Option<Above>,
    /// Start of the table of a real diagonal of K with offset -1; only beside `above`.
    pub below: Option<usize>,
    pub far: Vec<Far>,
    pub overlaps: Vec<Gather>,
}

/// A T_j with offset +1 and a table that is measured in the same rows.
#[derive(Debug, Clone, Copy)]
pub struct Above {
    pub reduced: usize,
    /// Start of its table.
    pub table: usize,
    /// Start of its table by the row that completes the overlap.
    pub overlap: usize,
}

/// A diagonal outside the window.
#[derive(Debug, Clone, Copy)]
pub struct Far {
    pub kind: Kind,
    pub offset: isize,
    /// Start of its table, or of the one of its real parts.
    pub table: usize,
    /// Start of the table of imaginary parts of a complex one; number of the T_j of a reduced operator.
    pub other: usize,
}

/// Whose diagonal it is and what its values are. Tables of K are read from those that are multiplied by g.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    DriftReal,
    DriftImaginary,
    DriftComplex,
    ReducedOnes,
    ReducedReal,
}

/// An overlap that these rows complete.
#[derive(Debug, Clone, Copy)]
pub struct Gather {
    pub reduced: usize,
    pub lag: usize,
    /// Start of its table; none if all values are one.
    pub table: Option<usize>,
}

/// Rows with a nonzero value, small gaps and near edges filled.
pub(super) fn active_rows(values: &[Complex64]) -> Vec<bool> {
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

/// Cut the rows where the set of active diagonals or overlaps changes. `active` are the rows of the parts of K, then
/// of the T_j; `seen` those of the overlaps.
pub(super) fn cut(
    dim: usize,
    (drift, reduced, overlaps): (&[Term], &[Term], &[Overlap]),
    active: &[Vec<bool>],
    seen: &[Vec<bool>],
) -> Vec<Segment> {
    let signature =
        |row: usize| -> Vec<bool> { active.iter().map(|a| a[row]).chain(seen.iter().map(|s| s[row])).collect() };
    let mut segments = vec![];
    let mut start = 0;
    for row in 1..=dim {
        if row < dim && signature(row) == signature(start) {
            continue;
        }
        let terms = drift.iter().map(|term| (None, term)).chain(reduced.iter().enumerate().map(|(j, t)| (Some(j), t)));
        let mut far: Vec<Far> = terms.zip(active).filter(|(_, a)| a[start]).map(|((j, t), _)| Far::new(j, t)).collect();
        let gathers = overlaps.iter().enumerate().zip(seen).filter(|(_, s)| s[start]);
        let mut gathers: Vec<Gather> = gathers.map(|((j, overlap), _)| Gather::new(j, overlap)).collect();
        let above = take_above(&mut far, &mut gathers);
        let below = above.and_then(|_| take_below(&mut far));
        segments.push(Segment { rows: start..row, above, below, far, overlaps: gathers });
        start = row;
    }
    segments
}

impl Far {
    fn new(reduced: Option<usize>, term: &Term) -> Far {
        let (kind, table, other) = match (reduced, &term.table) {
            (None, Table::Real(re)) => (Kind::DriftReal, *re, 0),
            (None, Table::Imaginary(im)) => (Kind::DriftImaginary, *im, 0),
            (None, Table::Complex(re, im)) => (Kind::DriftComplex, *re, *im),
            (Some(j), Table::Ones) => (Kind::ReducedOnes, 0, j),
            (Some(j), Table::Real(re)) => (Kind::ReducedReal, *re, j),
            (None, Table::Ones) | (Some(_), _) => unreachable!("K has tables, reduced operators have real ones"),
        };
        Far { kind, offset: term.offset, table, other }
    }
}

impl Gather {
    fn new(reduced: usize, overlap: &Overlap) -> Gather {
        Gather { reduced, lag: overlap.lag, table: overlap.table }
    }
}

/// Move a diagonal that the window can work above the main one out of the lists.
fn take_above(far: &mut Vec<Far>, gathers: &mut Vec<Gather>) -> Option<Above> {
    let above = far.iter().filter(|term| term.kind == Kind::ReducedReal && term.offset == 1).find_map(|term| {
        let gather = gathers.iter().find(|gather| gather.reduced == term.other)?;
        Some(Above { reduced: term.other, table: term.table, overlap: gather.table? })
    })?;
    far.retain(|term| term.kind != Kind::ReducedReal || term.other != above.reduced);
    gathers.retain(|gather| gather.reduced != above.reduced);
    Some(above)
}

/// Likewise below it; the start of its table.
fn take_below(far: &mut Vec<Far>) -> Option<usize> {
    let at = far.iter().position(|term| term.kind == Kind::DriftReal && term.offset == -1)?;
    Some(far.remove(at).table)
}
