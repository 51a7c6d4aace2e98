//! Whether a file that exists is of the input of this run, and of a program whose seeds mean the same.

use super::layout::NUMBERS;
use super::{Results, StoreError};
use crate::ensemble::Header;
use crate::input::difference;

/// The file may be gone on with; keys named in `but` may differ.
///
/// # Errors
/// `Numbers`, `Scattered`, `Different`; `File` if it cannot be read.
pub fn check(results: &Results, header: &Header, but: &[&str]) -> Result<(), StoreError> {
    let path = || results.path().to_path_buf();
    if results.numbers()? != NUMBERS {
        return Err(StoreError::Numbers {
            path: path(),
            found: results.numbers()?,
            source_program: results.about("source").into(),
        });
    }
    if !is_one_range(results)? && !is_range_of(results, header)? {
        return Err(StoreError::Scattered { path: path() });
    }
    match difference(&results.resolved_input()?, &header.resolved_input, but) {
        Some(difference) => Err(StoreError::Different { path: path(), difference }),
        None => Ok(()),
    }
}

/// Whether all trajectories have one seed and consecutive numbers; merged files need not.
///
/// # Errors
/// `File` if it cannot be read.
pub fn is_one_range(results: &Results) -> Result<bool, StoreError> {
    let (seeds, numbers) = (results.seeds()?, results.trajectories()?);
    let is_next = |pair: &[i64]| pair[0].checked_add(1) == Some(pair[1]);
    Ok(seeds.windows(2).all(|pair| pair[0] == pair[1]) && numbers.windows(2).all(is_next))
}

/// Whether all valid rows are those of this run: others may have lost their names.
fn is_range_of(results: &Results, header: &Header) -> Result<bool, StoreError> {
    let (seeds, numbers, valid) = (results.seeds()?, results.trajectories()?, results.valid_rows()?);
    let names = seeds.into_iter().zip(numbers).zip(header.first_trajectory as i64..);
    Ok(names.zip(valid).all(|(((seed, number), expected), valid)| !valid || (seed, number) == (header.seed, expected)))
}

/// The numbers are the same by their own version; whoever compares revisions should know.
///
/// # Errors
/// `File` if it cannot be read.
pub fn warn_of_versions(results: &Results, header: &Header) -> Result<(), StoreError> {
    let stored = results.provenance()?;
    let value = |of: &[(String, String)], name: &str| {
        of.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    for (name, what) in [("software_version", "version"), ("git_revision", "revision")] {
        let (then, now) = (value(&stored, name), value(&header.provenance, name));
        if then != now {
            log::warn!(
                "{} was begun by {what} {then} of this program, and {now} goes on with it",
                results.path().display()
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::block::Block;
    use super::super::h5::File;
    use super::super::testing::{header, scratch, written};
    use super::*;

    /// A file of another run, or a merged one, has valid rows with other names.
    #[test]
    fn a_row_that_lost_its_name_makes_no_merged_file() {
        let path = scratch("nameless").join("x.h5");
        written(&path, &header(), 20);
        let file = File::open_rows(&path, None).unwrap();
        file.dataset("seed").unwrap().write_rows(3, &Block::Unsigned(vec![77])).unwrap();
        file.close().unwrap();
        let results = Results::open(&path).unwrap();
        assert!(!is_one_range(&results).unwrap());
        check(&results, &header(), &[]).unwrap();
        let other = check(&results, &Header { seed: 6, ..header() }, &[]).unwrap_err();
        assert!(matches!(other, StoreError::Scattered { .. }), "{other}");
    }
}
