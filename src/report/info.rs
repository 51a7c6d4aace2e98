//! `qsd info FILE`: one results file in a screenful, finished or not.
//!
//! For a run that ended well everything comes from what the file says of itself. For any other the
//! rows are verified and the statistics made from the valid ones, and it says so.

mod overview;
mod sweep;
mod text;

pub use overview::{Overview, Series};
pub use sweep::{json as sweep_json, text as sweep_text};

use crate::store::{Results, StoreError};
use std::io::{self, Write};

/// Write what is in a file as text.
///
/// # Errors
/// `StoreError` if the file cannot be read; the inner error is the reader of our output gone (`qsd info F | head`).
pub fn text(results: &Results, out: &mut dyn Write) -> Result<io::Result<()>, StoreError> {
    let overview = Overview::of(results)?;
    Ok(text::write(&overview, out))
}

/// The same as JSON. Numbers that are not there are null.
///
/// # Errors
/// `StoreError` if the file cannot be read.
pub fn json(results: &Results) -> Result<serde_json::Value, StoreError> {
    let overview = Overview::of(results)?;
    Ok(serde_json::to_value(overview).expect("plain numbers and words with text keys"))
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
        text(&results, &mut out).unwrap().unwrap();
        (String::from_utf8(out).unwrap(), json(&results).unwrap())
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
            "leak_a  1.00e-9    good",
            "written by  qsd 0.1.0 on n1, 1 rank with 2 threads each, 2026-01-02T03:04:05Z, 1.5 s",
            "command     qsd run --regime test",
        ] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        assert_eq!(json["observables"][1]["mean_imag"][6], 1.0);
        assert_eq!(json["complete"], true);
        assert_eq!(json["verified"], true, "a small file is read again");
        let good = serde_json::json!({ "name": "leak_a", "value": 1e-9, "verdict": "good" });
        assert!(json["guards"].as_array().unwrap().contains(&good), "{}", json["guards"]);
        assert_eq!(json["parameters"]["seed"], 9223372036854775813u64);
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
        text(&results, &mut out).unwrap().unwrap();
        let text = String::from_utf8(out).unwrap();
        for words in [
            "complete: 51 of 51 trajectories, merged, rows",
            "step 0.01, 3 ranges of trajectories\n              seed 3: trajectories 0 to 19, 40 to 50\n",
            "seed 7: trajectories 0 to 19\n  time",
        ] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
        let range = serde_json::json!({ "seed": 3, "first": 40, "last": 50 });
        assert_eq!(json(&results).unwrap()["merged"][1], range);
    }

    #[test]
    fn a_killed_run_shows_the_means_of_its_valid_rows() {
        let (text, json) = said("info-killed", 11);
        assert!(text.contains("incomplete: 11 of 20 trajectories, not finished, rows verified"), "{text}");
        assert!(text.contains("guards: none judged yet") && text.contains("no end recorded"), "{text}");
        assert_eq!(json["observables"][0]["mean"][0], 105.0);
        assert_eq!(json["guards"][0]["value"], serde_json::Value::Null);
        assert_eq!(json["runs"][0]["exit_code"], serde_json::Value::Null);
    }

    #[test]
    fn a_run_killed_before_its_first_row_has_no_means() {
        let (text, json) = said("info-empty", 0);
        assert!(text.contains("incomplete: 0 of 20") && text.contains("not computed"), "{text}");
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
        let error = text(&results, &mut Closed).unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
