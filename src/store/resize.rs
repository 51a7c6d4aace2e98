//! The same results with room for another number of trajectories: a new file, and then the name of the old one.
//!
//! Killed at any moment it leaves the old file or the new one, whole.

use super::merge::retitled;
use super::writer::Open;
use super::{Results, StoreError, checkpoint, copy, place, same, skeleton, sums};
use crate::ensemble::{Header, Summary};
use std::path::Path;

/// Give the file at `path` the rows that `header` asks for: the same seed and first trajectory, another number.
/// One process. A file that has room for them already is left as it is.
///
/// # Errors
/// Those of going on with a file (`Different`, `Numbers`, `Scattered`, `Locked`), and `Shape` if a row that is
/// done would be lost.
pub fn resize(path: &Path, header: &Header) -> Result<(), StoreError> {
    let path = std::fs::canonicalize(path).unwrap_or(path.into());
    let lock = place::Lock::take(&path, true)?;
    let results = Results::open(&path)?;
    same::check(&results, header, &["ntraj", "target_tol"])?;
    if results.count()? as u64 == header.ntraj && same::check(&results, header, &[]).is_ok() {
        return Ok(());
    }
    at_least(&path, end_of(&results.valid_rows()?), header)?;
    if let Some(mut density) = results.density()? {
        at_least(&path, end_of(density.counted()), header)?;
    }
    drop(results);
    if lock.is_held() {
        place::remove_leftovers(&path);
    }
    replace(&path, header, None)
}

/// The same for a process that has the lock; with the end of the run, if it is one.
///
/// # Errors
/// `Full` or `File` if the new file cannot be made, `Shape` if a trajectory that is left out is in the density matrix: the
/// old one stays.
pub(super) fn replace(path: &Path, header: &Header, end: Option<&Summary>) -> Result<(), StoreError> {
    let old = Results::open(path)?;
    let found = old.header()?;
    let (first, last) = (header.first_trajectory, header.first_trajectory + header.ntraj - 1);
    let header = Header {
        provenance: found.provenance,
        ranks: found.ranks,
        threads: found.threads,
        host: found.host,
        started: found.started,
        title: retitled(&header.title, &format!("trajectories {first}-{last}, seed {}", header.seed)),
        ..header.clone()
    };
    skeleton::create_with(path, &header, |part| {
        let mut new = Open::alone(part, &header)?;
        let copied = copy::rows(&old, &new, &|row| ((row as u64) < header.ntraj).then_some(row))?;
        new.take_runs(&old)?;
        if let Some(check) = old.step_check()? {
            new.write_step_check(&check)?;
        }
        if let Some(mut density) = old.density()? {
            at_least(path, end_of(density.counted()), &header)?;
            density.counted().resize(header.ntraj as usize, false);
            new.write_density(&mut density)?;
        }
        match end {
            None => new.write_count(copied)?,
            Some(summary) => {
                new.write_summary(summary)?;
                new.write_end(summary)?;
                new.write_complete(summary)?;
            }
        }
        new.into_file().close()
    })?;
    sums::remove(path)?;
    // A run that ends here needs its states no more; one that goes on does.
    if end.is_some() { checkpoint::remove(path) } else { Ok(()) }
}

/// How many rows up to the last that is done.
fn end_of(done: &[bool]) -> u64 {
    done.iter().rposition(|done| *done).map_or(0, |last| last as u64 + 1)
}

/// Rows that are done are not given up; and what is in the density matrix cannot be taken out of it.
fn at_least(path: &Path, most: u64, header: &Header) -> Result<(), StoreError> {
    if most <= header.ntraj {
        return Ok(());
    }
    Err(StoreError::Shape {
        path: path.into(),
        what: "fewer trajectories than are done".into(),
        expected: format!("at least {most}"),
        found: header.ntraj.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{header, scratch, summary, written};
    use super::*;

    fn larger(ntraj: u64) -> Header {
        let mut header = Header { ntraj, ..header() };
        header.resolved_input = header.resolved_input.replace("ntraj = 20", &format!("ntraj = {ntraj}"));
        header
    }

    #[test]
    fn rows_and_runs_are_taken_along_and_nothing_is_left_beside() {
        let path = scratch("resized").join("x.h5");
        written(&path, &header(), 20);
        let old = Results::open(&path).unwrap();
        let rows = |results: &Results, count| {
            let mut all = vec![];
            let trajectories = crate::ensemble::Trajectories { first: 100, count };
            results.whole_batches(trajectories, 12..14, &mut |_, rows| all.push(rows.clone())).unwrap();
            (all, results.runs().unwrap(), results.provenance().unwrap())
        };
        let before = rows(&old, 20);
        drop(old);
        std::fs::write(checkpoint::path_of(&path), "").unwrap();
        resize(&path, &larger(31)).unwrap();
        let new = Results::open(&path).unwrap();
        assert_eq!(new.valid_rows().unwrap(), [vec![true; 20], vec![false; 11]].concat());
        assert!(rows(&new, 31) == before);
        let state = new.state().unwrap();
        assert_eq!((state.ntraj, state.n_done, state.complete, state.stats_n), (31, 20, false, 0));
        assert!(new.resolved_input().unwrap().contains("ntraj = 31"));
        assert_eq!(new.trajectories().unwrap()[30], 130);
        let states = checkpoint::path_of(&path);
        assert!(states.exists(), "what is in flight goes on");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
        drop(new);
        let error = resize(&path, &larger(19)).unwrap_err().to_string();
        assert!(error.contains("fewer trajectories than are done") && error.contains("at least 20"), "{error}");
        let other = Header { resolved_input: larger(40).resolved_input.replace("seed = 5", "seed = 6"), ..larger(40) };
        assert!(resize(&path, &other).unwrap_err().to_string().contains("--seed 5"));
        resize(&path, &larger(20)).unwrap();
        assert_eq!(Results::open(&path).unwrap().valid_rows().unwrap(), [true; 20]);
    }

    #[test]
    fn a_run_that_ends_before_its_number_is_complete_with_what_it_has() {
        let path = scratch("tolerance").join("x.h5");
        written(&path, &header(), 12);
        let end = Summary { n_done: 12, end_condition: "target tolerance reached".into(), ..summary(&header()) };
        replace(&path, &Header { ntraj: 12, ..header() }, Some(&end)).unwrap();
        let results = Results::open(&path).unwrap();
        let state = results.state().unwrap();
        assert_eq!((state.ntraj, state.n_done, state.stats_n, state.complete), (12, 12, 12, true));
        assert_eq!(results.statistics().unwrap().unwrap()[1], end.observables[1]);
        assert!(results.resolved_input().unwrap().contains("ntraj = 20"), "what was asked for");
        assert_eq!(results.runs().unwrap()[0].exit_code, 0);
    }
}
