//! Files that are extended, merged, or end by tolerance: the commands, and the bits of the run that does it at once.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;

use qsd::error::exit;
use qsd::store::{Results, VOLATILE};
use std::path::Path;

const MODEL: [&str; 4] = ["kerr_bistable", "--Nfock_a=14", "--duration=0.02", "--allow-unsafe"];

/// A quiet run of these trajectories into a file.
fn run(file: &Path, words: &[&str]) -> common::Outcome {
    let mut command = common::qsd();
    command.arg("run").args(MODEL).args(words).args(["--quiet", "-o"]).arg(file);
    common::run(command)
}

#[track_caller]
fn assert_same(a: &Path, b: &Path) {
    common::assert_same_hdf5(a, b, VOLATILE, &["/", "/trajectory"]);
}

#[test]
fn an_extended_file_has_the_bits_of_the_larger_run() {
    let directory = common::temporary_directory();
    let file = |name: &str| directory.path().join(name);
    let (large, small) = (file("large.h5"), file("small.h5"));
    run(&large, &["--ntraj=61"]).expect_code(0);
    for ntraj in ["13", "30", "61"] {
        match small.exists() {
            false => run(&small, &[&format!("--ntraj={ntraj}")]),
            true => common::run_qsd_on(&["extend", "--quiet", "--allow-unsafe", "--ntraj", ntraj], &[&small]),
        }
        .expect_code(0);
    }
    assert_same(&large, &small);
    let fewer = common::run_qsd_on(&["extend", "--ntraj", "20"], &[&small]).expect_code(exit::USAGE);
    assert!(fewer.stderr.contains("61") && fewer.stderr.contains("20"), "{}", fewer.stderr);
    assert_same(&large, &small);
}

#[test]
fn a_file_that_cannot_be_extended_stays_as_it_is() {
    let directory = common::temporary_directory();
    let (large, small) = (directory.path().join("large.h5"), directory.path().join("small.h5"));
    run(&large, &["--ntraj=300"]).expect_code(0);
    run(&small, &["--ntraj=13"]).expect_code(0);
    let (size, before) = (std::fs::metadata(&large).unwrap().len(), std::fs::read(&small).unwrap());
    for part in [0.4, 0.6, 0.8] {
        let mut extend = common::qsd();
        extend.args(["extend", "--quiet", "--allow-unsafe", "--ntraj=300"]).arg(&small);
        let failed = common::run(common::limited(&extend, (part * size as f64) as u64)).expect_code(exit::FAILED);
        assert_eq!(failed.stderr.matches("error: E-").count(), 1, "{}", failed.stderr);
        assert!(std::fs::read(&small).unwrap() == before);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2, "nothing half-made is left");
    }
    common::run_qsd_on(&["extend", "--quiet", "--allow-unsafe", "--ntraj=300"], &[&small]).expect_code(0);
    assert_same(&large, &small);
}

#[test]
fn a_finished_file_that_has_changed_since_is_put_right_by_the_same_command_and_by_resume() {
    let directory = common::temporary_directory();
    let (whole, changed) = (directory.path().join("whole.h5"), directory.path().join("changed.h5"));
    run(&whole, &["--ntraj=21"]).expect_code(0);
    run(&changed, &["--ntraj=21"]).expect_code(0);
    let results = Results::open(&whole).unwrap();
    let (row, mean) = (results.values("n", 3..4).unwrap()[5].re, results.statistics().unwrap().unwrap()[0].mean[4].re);
    for number in [row, mean] {
        common::change(&changed, number);
        let repaired = if number == row {
            run(&changed, &["--ntraj=21"])
        } else {
            common::run_qsd_on(&["resume", "--quiet", "--allow-unsafe"], &[&changed])
        };
        assert!(repaired.expect_code(0).stderr.contains("has changed since it was written"));
        assert_same(&whole, &changed);
    }
    let before = std::fs::read(&changed).unwrap();
    run(&changed, &["--ntraj=21"]).expect_code(0);
    assert!(std::fs::read(&changed).unwrap() == before, "there was nothing to do");
}

#[test]
fn merged_ranges_have_the_bits_of_one_run_and_overlaps_are_named() {
    let directory = common::temporary_directory();
    let file = |name: &str| directory.path().join(name);
    let [all, a, b, c, merged] = ["all.h5", "a.h5", "b.h5", "c.h5", "merged.h5"].map(file);
    run(&all, &["--ntraj=50"]).expect_code(0);
    run(&a, &["--ntraj=20"]).expect_code(0);
    run(&b, &["--ntraj=17", "--first-trajectory=20"]).expect_code(0);
    run(&c, &["--ntraj=13", "--first-trajectory=37"]).expect_code(0);
    // In any order, and merged files merge.
    let some = file("some.h5");
    common::run_qsd_on(&["merge", "--allow-unsafe", "-o"], &[&some, &c, &a]).expect_code(0);
    common::run_qsd_on(&["merge", "--allow-unsafe", "-o"], &[&merged, &b, &some]).expect_code(0);
    common::assert_same_hdf5(&all, &merged, &[VOLATILE, &["/state/end_condition"]].concat(), &["/", "/trajectory"]);
    let overlap = common::run_qsd_on(&["merge", "-o"], &[&file("x.h5"), &a, &all]);
    assert_ne!(overlap.code, Some(0));
    assert!(overlap.stderr.contains("a.h5") && overlap.stderr.contains("all.h5"), "{}", overlap.stderr);
    let other = file("other.h5");
    run(&other, &["--ntraj=8", "--set", "chi=-9", "--first-trajectory=90"]).expect_code(0);
    let mismatch = common::run_qsd_on(&["merge", "-o"], &[&file("x.h5"), &a, &other]);
    assert!(mismatch.code != Some(0) && mismatch.stderr.contains("chi"), "{}", mismatch.stderr);
    assert!(!file("x.h5").exists());
    let before = std::fs::read(&a).unwrap();
    let itself = common::run_qsd_on(&["merge", "--force", "-o"], &[&a, &a, &b]);
    assert!(itself.code != Some(0) && itself.stderr.contains("one of the files to merge"), "{}", itself.stderr);
    assert!(std::fs::read(&a).unwrap() == before);
}

#[test]
fn a_run_that_ends_by_tolerance_leaves_a_complete_file_of_what_it_needed() {
    let directory = common::temporary_directory();
    let (enough, plain) = (directory.path().join("enough.h5"), directory.path().join("plain.h5"));
    let words = ["--ntraj=5000", "--target-tol=n=0.2"];
    run(&enough, &words).expect_code(0);
    let state = Results::open(&enough).unwrap().state().unwrap();
    assert!(state.complete && state.end_condition == "target tolerance reached", "{state:?}");
    assert!(
        (64..5000).contains(&state.ntraj) && state.n_done == state.ntraj && state.stats_n == state.ntraj,
        "{state:?}"
    );
    // Its rows and statistics are those of a run of that number.
    run(&plain, &[&format!("--ntraj={}", state.ntraj)]).expect_code(0);
    let [a, b] = [&enough, &plain].map(|file| Results::open(file).unwrap());
    assert_eq!(a.statistics().unwrap().unwrap(), b.statistics().unwrap().unwrap());
    drop((a, b));
    let before = std::fs::read(&enough).unwrap();
    run(&enough, &words).expect_code(0);
    assert!(std::fs::read(&enough).unwrap() == before, "there was nothing to do");
    // More can be had.
    let more = (state.ntraj + 8).to_string();
    common::run_qsd_on(&["extend", "--quiet", "--allow-unsafe", "--ntraj", &more], &[&enough]).expect_code(0);
    let state = Results::open(&enough).unwrap().state().unwrap();
    assert_eq!((state.n_done.to_string(), state.end_condition.as_str()), (more, "ntraj reached"));
}

#[test]
fn the_same_command_on_another_input_names_the_first_key() {
    let directory = common::temporary_directory();
    let file = directory.path().join("x.h5");
    run(&file, &["--ntraj=8"]).expect_code(0);
    let before = std::fs::read(&file).unwrap();
    for (words, key, advice) in [
        (["--ntraj=8", "--seed=2"], "seed", "--force"),
        (["--ntraj=16", "--seed=1"], "ntraj", "qsd extend"),
        (["--ntraj=8", "--method=em"], "method", "--force"),
    ] {
        let refused = run(&file, &words);
        assert_ne!(refused.code, Some(0));
        assert!(refused.stderr.contains(key) && refused.stderr.contains(advice), "{}", refused.stderr);
    }
    assert_ne!(run(&file, &["--ntraj=8", "--no-resume"]).code, Some(0));
    assert!(std::fs::read(&file).unwrap() == before);
    run(&file, &["--ntraj=8", "--seed=2", "--force"]).expect_code(0);
    assert!(std::fs::read(&file).unwrap() != before);
}

#[test]
fn a_stop_file_is_never_a_file_with_content() {
    let directory = common::temporary_directory();
    let (file, notes) = (directory.path().join("x.h5"), directory.path().join("notes.txt"));
    std::fs::write(&notes, "precious").unwrap();
    let stop = format!("--stop-file={}", notes.display());
    let refused = run(&file, &["--ntraj=8", &stop]).expect_code(exit::USAGE);
    assert!(refused.stderr.contains("--stop-file"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&notes).unwrap(), "precious");
    run(&file, &["--ntraj=8"]).expect_code(0);
    let before = std::fs::read(&file).unwrap();
    run(&file, &["--ntraj=8", &format!("--stop-file={}", file.display())]).expect_code(exit::USAGE);
    assert!(std::fs::read(&file).unwrap() == before);
    // An empty one was left by somebody who stopped an earlier run.
    let left = directory.path().join("y.h5.stop");
    std::fs::write(&left, "").unwrap();
    run(&directory.path().join("y.h5"), &["--ntraj=8"]).expect_code(0);
    assert!(!left.exists());
}

#[test]
fn a_disk_without_room_is_not_filled_first() {
    let directory = common::temporary_directory();
    let file = directory.path().join("x.h5");
    let refused = run(&file, &["--ntraj=1e12"]).expect_code(exit::FAILED);
    assert!(refused.stderr.contains("no space left") && refused.stderr.contains("TB"), "{}", refused.stderr);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
