//! Rows from one file into another, bit for bit, with their checksums and what is known about them.

use super::writer::{Open, StoredRows};
use super::{Results, StoreError};
use std::ops::Range;

/// Copy every valid row of `from` for which `place` names a row of `to`; gives how many there were.
///
/// # Errors
/// `File` if reading, `Full` or `File` if writing fails.
pub fn rows(from: &Results, to: &Open, place: &dyn Fn(usize) -> Option<usize>) -> Result<u64, StoreError> {
    let columns = from.columns()?;
    let (count, mut row, mut copied) = (from.count()?, 0, 0);
    while row < count {
        let rows = row..count.min(row + columns.rows_at_once());
        row = rows.end;
        let Some(read) = columns.read_checked(rows.start, rows.len())? else { continue };
        let about = from.about_rows(rows.clone())?;
        let places: Vec<Option<usize>> =
            rows.clone().zip(&read.valid).map(|(row, valid)| place(row).filter(|_| *valid)).collect();
        for part in runs(&places) {
            let Some(at) = places[part.start] else { continue };
            copied += part.len() as u64;
            to.put(
                at,
                &StoredRows {
                    blocks: read.blocks.iter().map(|block| block.part(part.clone(), rows.len())).collect(),
                    sums: read.sums[part.clone()].to_vec(),
                    cpu_time: about.0[part.clone()].to_vec(),
                    mpi_rank: about.1[part].to_vec(),
                },
            )?;
        }
    }
    Ok(copied)
}

/// Parts that go to consecutive places, and the parts between that go nowhere.
fn runs(places: &[Option<usize>]) -> Vec<Range<usize>> {
    let mut from = 0;
    let follows = |a: &Option<usize>, b: &Option<usize>| a.map(|a| a + 1) == *b;
    let run = |part: &[Option<usize>]| {
        let range = from..from + part.len();
        from = range.end;
        range
    };
    places.chunk_by(follows).map(run).collect()
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn runs_are_as_long_as_places_follow_each_other() {
        let places = [Some(4), Some(5), None, None, Some(6), Some(9), Some(8)];
        let found: Vec<_> = runs(&places).into_iter().filter(|part| places[part.start].is_some()).collect();
        assert_eq!(found, [0..2, 4..5, 5..6, 6..7]);
    }
}
