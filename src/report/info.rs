//! `qsd info`: one results file in a screenful, finished or not; a folder, or several files, as a table.
//!
//! For a run that ended well everything comes from what the file says of itself. For any other the
//! rows are verified and the statistics made from the valid ones, and it says so.

mod averages;
mod overview;
mod sweep;
mod table;
mod text;

pub use averages::{Average, Averages};
pub(super) use overview::with_unit;
pub use overview::{GuardLine, Overview, Run, Series};
pub use sweep::{json as sweep_json, text as sweep_text};
pub(super) use text::with_error;

use crate::error::exit;
use crate::input::neat;
use crate::report::folder::{Entry, Folder, stamp};
use crate::report::plain::plainly;
use crate::store::{Results, StoreError, Swept};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why there is nothing to say.
#[derive(Debug, Error)]
pub enum InfoError {
    /// A file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// More than one file is averaged over time, or asked for a point.
    #[error("--from and --point are about one results file, and a folder or several files were named; name one")]
    Several,
    /// No saved time is late enough.
    #[error("--from {from} is later than the last saved time of {}, which is {}; choose an earlier one", .path.display(), neat(*.last))]
    From {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        from: f64,
        /// The last saved time.
        last: f64,
    },
}

impl InfoError {
    /// Short id printed with the message.
    pub fn id(&self) -> &'static str {
        match self {
            InfoError::Store(error) => error.id(),
            InfoError::Several | InfoError::From { .. } => "E-input",
        }
    }

    /// The exit code that goes with it.
    pub fn exit_code(&self) -> i32 {
        match self {
            InfoError::Store(error) => error.exit_code(),
            InfoError::Several | InfoError::From { .. } => exit::USAGE,
        }
    }
}

/// What is known of a file, with averages over the times from `from` on.
///
/// # Errors
/// Those of `InfoError`.
pub fn overview(results: &Results, from: Option<f64>) -> Result<Overview, InfoError> {
    let mut overview = Overview::of(results)?;
    if let Some(from) = from {
        overview.averages = Averages::of(results, &overview, from)?;
        let last = overview.time.last().copied().unwrap_or(f64::NAN);
        overview.averages.as_ref().ok_or_else(|| InfoError::From { path: results.path().into(), from, last })?;
    }
    Ok(overview)
}

/// Write what is in a file as text.
///
/// # Errors
/// Those of `InfoError`; the inner error is the reader of our output gone (`qsd info F | head`).
pub fn text(results: &Results, from: Option<f64>, out: &mut dyn Write) -> Result<io::Result<()>, InfoError> {
    let overview = overview(results, from)?;
    Ok(plainly(out, |out| text::write(&overview, out)))
}

/// The same as JSON. Numbers that are not there are null.
///
/// # Errors
/// Those of `InfoError`.
pub fn json(results: &Results, from: Option<f64>) -> Result<serde_json::Value, InfoError> {
    Ok(serde_json::to_value(overview(results, from)?).expect("plain numbers and words with text keys"))
}

/// Results files of which a table is made: those named, and those in the folders named.
#[derive(Debug)]
pub struct Table {
    entries: Vec<Entry>,
    /// Whether a file that was named cannot be read.
    pub missed: bool,
}

impl Table {
    /// Look at them. What cannot be read is in the table, with the reason.
    ///
    /// # Errors
    /// `Missing` if a folder or file is not there.
    pub fn of(paths: &[PathBuf]) -> Result<Table, StoreError> {
        let mut table = Table { entries: vec![], missed: false };
        for path in paths {
            let Ok(found) = path.metadata() else {
                // A sweep has no file before it is done.
                let swept = Swept::find(path)?.ok_or_else(|| StoreError::Missing { path: path.clone() })?;
                table.entries.push(Entry::of(Path::new(""), path, swept.stamp()));
                continue;
            };
            if found.is_dir() {
                let below = Folder::new(path.clone()).entries();
                let named = |entry: Entry| Entry {
                    path: if paths.len() > 1 { path.join(entry.path) } else { entry.path },
                    ..entry
                };
                table.entries.extend(below.into_iter().map(named));
            } else {
                let entry = Entry::of(Path::new(""), path, stamp(&found));
                table.missed |= entry.unreadable().is_some();
                table.entries.push(entry);
            }
        }
        Ok(table)
    }

    /// As text.
    ///
    /// # Errors
    /// What `out` says.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        plainly(out, |out| table::write(&self.entries, out))
    }

    /// As JSON.
    pub fn json(&self) -> serde_json::Value {
        table::document(&self.entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::Header;
    use crate::store::testing::{header, scratch, written};

    fn said(name: &str, rows: u64) -> (String, serde_json::Value) {
        let path = scratch(name).join("x.h5");
        written(&path, &header(), rows);
        let results = Results::open(&path).unwrap();
        let mut out = vec![];
        text(&results, None, &mut out).unwrap().unwrap();
        (String::from_utf8(out).unwrap(), json(&results, None).unwrap())
    }

    #[test]
    fn a_finished_run_shows_its_stored_means_and_guards() {
        let (text, json) = said("info-finished", 20);
        for words in [
            "complete: 20 of 20 trajectories, ntraj reached",
            "test, method em, step 0.01, seed 9223372036854775813, trajectories 100 to 119",
            "0 to 1.5 in 1/kappa, saved 7 times",
            "n     1.00 ± 0.10",
            "Im a  1.000 ± 0.050",
            "psi         kets of 8 basis states of every trajectory, at 2 times",
            "record      of every trajectory, 2 channels over 3 save intervals",
            "leak_a  1.00e-9    good",
            "written by  qsd 0.1.0 on n1, 1 rank with 2 threads each, 2026-01-02T03:04:05Z, 1.5 s",
            "command     qsd run --regime test",
        ] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        assert_eq!(json["observables"][1]["mean_imag"][6], 1.0);
        assert_eq!(json["complete"], true);
        assert_eq!(json["verified"], true, "a small file is read again");
        assert_eq!(json["record"], serde_json::json!({ "times": 3, "numbers": 2 }));
        let good = serde_json::json!({ "name": "leak_a", "value": 1e-9, "verdict": "good" });
        assert!(json["guards"].as_array().unwrap().contains(&good), "{}", json["guards"]);
        assert_eq!(json["parameters"]["seed"], 9223372036854775813u64);
    }

    /// n of trajectory k at time j is k + j/8, k from 100 to 119.
    #[test]
    fn averages_over_time_are_shown_where_they_are_asked_for() {
        let path = scratch("info-from").join("x.h5");
        written(&path, &header(), 20);
        let results = Results::open(&path).unwrap();
        let mut out = vec![];
        text(&results, Some(1.0), &mut out).unwrap().unwrap();
        let text = String::from_utf8(out).unwrap();
        for words in ["20 trajectories and the 3 saved times from 1 to 1.5", "n     110.1 ± 1.3", "Im a  "] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        let found = json(&results, Some(1.0)).unwrap();
        assert_eq!((&found["averages"]["saved"], &found["averages"]["values"][0]["name"]), (&3.into(), &"n".into()));
        assert!(json(&results, None).unwrap().get("averages").is_none());
        let error = overview(&results, Some(2.0)).unwrap_err();
        assert!(error.exit_code() == 2 && error.to_string().contains("--from 2 is later than"), "{error}");
    }

    #[test]
    fn files_that_are_named_are_a_table_and_one_that_cannot_be_read_counts() {
        let dir = scratch("info-table");
        let (good, bad) = (dir.join("good.h5"), dir.join("bad.h5"));
        written(&good, &header(), 20);
        std::fs::write(&bad, "hello").unwrap();
        let of = |paths: &[&PathBuf]| Table::of(&paths.iter().map(|path| (*path).clone()).collect::<Vec<_>>());
        let table = of(&[&good, &bad]).unwrap();
        let mut out = vec![];
        table.write(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(
            table.missed && text.contains(good.to_str().unwrap()) && text.contains("is not an HDF5 file"),
            "{text}"
        );
        assert!(!of(&[&dir]).unwrap().missed && of(&[&dir]).unwrap().entries.len() == 2);
        assert!(matches!(of(&[&good, &dir.join("none")]), Err(StoreError::Missing { .. })));
    }

    #[test]
    fn a_merged_file_lists_its_seeds_and_ranges() {
        let dir = scratch("info-merged");
        let part = |name: &str, seed, first_trajectory, count| {
            let resolved_input = format!("ntraj = 20\nseed = {seed}\nfirst_trajectory = {first_trajectory}\n");
            written(&dir.join(name), &Header { seed, first_trajectory, resolved_input, ..header() }, count);
            dir.join(name)
        };
        let files = [part("a", 3, 0, 20), part("b", 3, 40, 11), part("c", 7, 0, 20)];
        crate::store::merge(&files, &dir.join("all"), crate::store::Merging::default()).unwrap();
        let results = Results::open(&dir.join("all")).unwrap();
        let mut out = vec![];
        text(&results, None, &mut out).unwrap().unwrap();
        let text = String::from_utf8(out).unwrap();
        for words in [
            "complete: 51 of 51 trajectories, merged, rows",
            "step 0.01, 3 ranges of trajectories\n              seed 3: trajectories 0 to 19, 40 to 50\n",
            "seed 7: trajectories 0 to 19\n  time",
        ] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        let range = serde_json::json!({ "seed": 3, "first": 40, "last": 50 });
        assert_eq!(json(&results, None).unwrap()["merged"][1], range);
    }

    #[test]
    fn a_killed_run_shows_the_means_of_its_valid_rows() {
        let (text, json) = said("info-killed", 11);
        assert!(text.contains("killed: 11 of 20 trajectories, rows verified"), "{text}");
        assert!(text.contains("guards: none judged yet") && text.contains("no end recorded"), "{text}");
        assert_eq!(json["observables"][0]["mean"][0], 105.0);
        assert_eq!(json["guards"][0]["value"], serde_json::Value::Null);
        assert_eq!(json["runs"][0]["exit_code"], serde_json::Value::Null);
    }

    #[test]
    fn a_run_killed_before_its_first_row_has_no_means() {
        let (text, json) = said("info-empty", 0);
        assert!(text.contains("killed: 0 of 20") && text.contains("not computed"), "{text}");
        assert_eq!(json["observables"][0]["mean"][0], serde_json::Value::Null);
    }

    /// `qsd info FILE | head -1`: the reader is gone, which is its good right.
    #[test]
    fn a_closed_pipe_is_given_back_and_nothing_panics() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let path = scratch("info-pipe").join("x.h5");
        written(&path, &header(), 20);
        let results = Results::open(&path).unwrap();
        let error = text(&results, None, &mut Closed).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
