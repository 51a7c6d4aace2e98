//! What goes wrong is said in one sentence with its id, all ranks leave within seconds, and the exit
//! code is the documented one.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![cfg(feature = "mpi")]

mod common;
#[path = "crash/processes.rs"]
mod processes;
#[path = "crash/shim.rs"]
mod shim;

use common::Outcome;
use processes::{Running, in_own_mounts};
use qsd::store::{Results, VOLATILE};
use shim::Strike;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Three batches of a run that takes no time.
const TINY: [&str; 6] = ["run", "kerr_bistable", "--Nfock_a=10", "--duration=0.004", "--save-dt=0.002", "--ntraj=20"];

/// Failing is quick: launching, five seconds of patience with the file system, ending.
const SOON: Duration = Duration::from_secs(60);

/// The binary on `ranks` ranks, or without a launcher if that is one.
fn command(ranks: usize, arguments: &[&str], file: &Path) -> Command {
    let mut command = match ranks {
        1 => common::qsd(),
        _ => common::launcher(ranks, env!("CARGO_BIN_EXE_qsd")),
    };
    command.args(arguments).args(["--quiet", "--threads=1", "-o"]).arg(file);
    command
}

/// Fails unless the run ends soon, on all ranks, with this exit code and one sentence that has these words.
#[track_caller]
fn assert_fails(mut command: Command, code: i32, words: &[&str]) -> Outcome {
    let scratch = common::temporary_directory();
    processes::mark(&mut command, scratch.path());
    let outcome = common::run_within(command, SOON).expect_code(code);
    processes::assert_all_gone(scratch.path());
    let sentences: Vec<&str> = outcome.stderr.lines().filter(|line| line.contains("error: E-")).collect();
    assert_eq!(sentences.len(), 1, "one voice, not: {}", outcome.stderr);
    for word in words {
        assert!(sentences[0].contains(word), "no '{word}' in: {}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    outcome
}

/// Names in a directory.
fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_file_that_exists_is_not_touched_without_force() {
    let directory = common::temporary_directory();
    let file = directory.path().join("x.h5");
    std::fs::write(&file, "precious").unwrap();
    for ranks in [1, 3] {
        assert_fails(command(ranks, &TINY, &file), 1, &["E-exists", "x.h5", "--force"]);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
        assert_eq!(names(directory.path()), ["x.h5"]);
    }
    let forced = |file: &Path| {
        let mut command = command(3, &TINY, file);
        command.arg("--force");
        command
    };
    assert_fails(forced(&file), 1, &["E-exists", "not a results file of qsd"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    let results = directory.path().join("results.h5");
    for _ in 0..2 {
        common::run(forced(&results)).expect_code(0);
        assert!(Results::open(&results).unwrap().state().unwrap().complete);
    }
}

#[test]
fn a_directory_that_cannot_be_written_is_named() {
    let directory = common::temporary_directory();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for ranks in [1, 3] {
        let words = ["E-directory", "choose another place with -o FILE or --output-dir DIR"];
        assert_fails(command(ranks, &TINY, &file.join("x.h5")), 1, &[words[0], words[1], "file"]);
        assert_fails(command(ranks, &TINY, Path::new("/proc/x.h5")), 1, &[words[0], words[1], "/proc"]);
        let place = directory.path().join("read-only");
        std::fs::create_dir_all(&place).unwrap();
        let read_only = format!("mount -t tmpfs -o ro none {}", place.display());
        let command = command(ranks, &TINY, &place.join("x.h5"));
        let Some(command) = in_own_mounts(&read_only, &command) else { return };
        assert_fails(command, 1, &[words[0], words[1], "read-only", "Read-only file system"]);
    }
}

#[test]
fn a_rank_that_does_not_see_the_directory_is_named() {
    let directory = common::temporary_directory();
    let place = directory.path().join("private");
    std::fs::create_dir(&place).unwrap();
    // Rank 1 has another file system in the place of the directory.
    let script = directory.path().join("rank.sh");
    let mount = format!("mount -t tmpfs none {}", place.display());
    let Some(probe) = in_own_mounts(&mount, &Command::new("true")) else { return };
    common::run(probe).expect_code(0);
    let text =
        format!("[ \"$PMIX_RANK\" != 1 ] || exec unshare -m sh -c '{mount}; exec \"$@\"' sh \"$@\"\nexec \"$@\"\n");
    std::fs::write(&script, text).unwrap();
    let mut command = common::launcher(3, "sh");
    command.arg(&script).arg(env!("CARGO_BIN_EXE_qsd")).args(TINY).args(["--quiet", "-o"]).arg(place.join("x.h5"));
    let words = ["E-directory", "rank 1 on", "does not see the output directory", "private", "--bind"];
    assert_fails(command, 1, &words);
    assert_eq!(names(&place), [""; 0]);
}

#[test]
fn a_full_disk_is_found_at_the_start_and_the_size_is_named() {
    let directory = common::temporary_directory();
    let place = directory.path().join("small");
    std::fs::create_dir(&place).unwrap();
    let mount = format!("mount -t tmpfs -o size=4m none {}", place.display());
    let large = ["run", "kerr_bistable", "--ntraj=4000"];
    for ranks in [1, 3] {
        let Some(command) = in_own_mounts(&mount, &command(ranks, &large, &place.join("x.h5"))) else { return };
        assert_fails(command, 1, &["E-disk", "no space left", "x.h5 needs 13.", "MB", "--output-dir"]);
    }
}

/// Errors of the system, with their numbers.
const NO_SPACE: i32 = 28;
const BROKEN: i32 = 5;
const NO_QUOTA: i32 = 122;

#[test]
fn a_rank_that_cannot_write_ends_all_and_what_was_finished_stays() {
    let directory = common::temporary_directory();
    let straight = directory.path().join("straight.h5");
    common::run(command(1, &TINY, &straight)).expect_code(0);
    // Operations of rank 0: 150 is among its rows, 180 in the statistics. Rank 2 writes rows only.
    for (index, (ranks, rank, at, errno)) in [
        (3, 0, 150, NO_SPACE),
        (3, 0, 180, BROKEN),
        (3, 2, 10, NO_QUOTA),
        (1, 0, 150, BROKEN),
        (1, 0, 200, NO_SPACE),
        (1, 0, 150, NO_QUOTA),
    ]
    .into_iter()
    .enumerate()
    {
        let file = directory.path().join(format!("{index}.h5"));
        let mut command = command(ranks, &TINY, &file);
        shim::watch(&mut command, &file, &directory.path().join(format!("log-{index}")));
        shim::strike(&mut command, rank, at, Strike::Fails(errno));
        let id = if ranks == 1 && errno != BROKEN { "E-disk" } else { "E-file" };
        let why = if ranks == 1 { "" } else { "is the disk full" };
        let outcome = assert_fails(command, 1, &[id, &format!("{index}.h5"), why]);
        let whose = if rank == 0 { String::new() } else { format!("rank {rank}: ") };
        assert!(outcome.stderr.contains(&format!("{whose}error: E-")), "{}", outcome.stderr);
        let results = Results::open(&file).unwrap();
        assert!(!results.state().unwrap().complete);
        let valid = results.valid_rows().unwrap().iter().filter(|valid| **valid).count();
        assert_eq!(valid, if at >= 180 { 20 } else { valid.min(16) }, "case {index}");
        // After room is made the same command goes on, here on another number of ranks.
        common::run(self::command(4 - ranks, &TINY, &file)).expect_code(0);
        common::assert_same_hdf5(&straight, &file, VOLATILE, &["/", "/trajectory"]);
    }
}

#[test]
fn after_room_is_made_the_same_command_does_it() {
    let directory = common::temporary_directory();
    let place = directory.path().join("small");
    std::fs::create_dir(&place).unwrap();
    let fill = format!(
        "mount -t tmpfs -o size=1m none {0}\nhead -c 1000k /dev/zero > {0}/filler\nif \"$@\"; then exit 9; fi\n\
         test \"$(ls {0})\" = filler\nrm {0}/filler",
        place.display()
    );
    for ranks in [1, 3] {
        let Some(command) = in_own_mounts(&fill, &command(ranks, &TINY, &place.join("x.h5"))) else { return };
        let outcome = common::run_within(command, SOON).expect_code(0);
        assert_eq!(outcome.stderr.matches("error: E-disk").count(), 1, "{}", outcome.stderr);
    }
}

#[test]
fn on_a_read_only_place_a_complete_file_is_said_to_be_and_another_is_refused() {
    let directory = common::temporary_directory();
    let [whole, half] = ["whole.h5", "half.h5"].map(|name| directory.path().join(name));
    common::run(command(1, &TINY, &whole)).expect_code(0);
    let mut broken = command(1, &TINY, &half);
    shim::watch(&mut broken, &half, &directory.path().join("log"));
    shim::strike(&mut broken, 0, 150, Strike::Fails(BROKEN));
    common::run(broken).expect_code(1);
    let read_only = format!("mount --bind {0} {0}\nmount -o remount,ro,bind {0}", directory.path().display());
    for ranks in [1, 3] {
        let Some(whole) = in_own_mounts(&read_only, &command(ranks, &TINY, &whole)) else { return };
        common::run(whole).expect_code(0);
        let half = in_own_mounts(&read_only, &command(ranks, &TINY, &half)).expect("as before");
        assert_fails(half, 1, &["E-directory", "Read-only file system"]);
    }
}

#[test]
fn a_file_that_is_removed_under_the_run_ends_it() {
    let directory = common::temporary_directory();
    let long = ["run", "kerr_bistable", "--duration=0.4", "--save-dt=0.02", "--ntraj=100000"];
    for (ranks, io) in [(1, "parallel"), (3, "parallel"), (3, "gather")] {
        let file = directory.path().join(format!("{ranks}-{io}.h5"));
        let mut command = command(ranks, &long, &file);
        command.args(["--io", io]);
        std::thread::scope(|scope| {
            let run = scope.spawn(|| assert_fails(command, 1, &["E-file", ".h5 was removed while it was written"]));
            while !file.exists() && !run.is_finished() {
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(Duration::from_millis(500));
            std::fs::remove_file(&file).unwrap();
            run.join().unwrap();
        });
        assert!(!file.exists());
    }
}

#[test]
fn an_error_while_the_file_is_made_leaves_nothing_behind() {
    let (directory, log) = (common::temporary_directory(), common::temporary_directory());
    for ranks in [1, 3] {
        let file = directory.path().join("x.h5");
        let mut command = command(ranks, &TINY, &file);
        shim::watch(&mut command, &file, &log.path().join("log"));
        shim::strike(&mut command, 0, 60, Strike::Fails(NO_SPACE));
        assert_fails(command, 1, &["E-disk", "x.h5 needs"]);
        assert_eq!(names(directory.path()), [""; 0]);
    }
}

#[test]
fn of_processes_that_never_met_one_writes_and_the_others_say_that_they_are_alone() {
    let directory = common::temporary_directory();
    let file = directory.path().join("lonely.h5");
    let start = || {
        let mut command = common::qsd();
        command.env_clear().args(["run", "kerr_bistable", "--duration=0.2", "--save-dt=0.02", "--ntraj=16000"]);
        command.args(["--quiet", "--threads=1", "-o"]).arg(&file);
        command
    };
    let mut first = Running::start(&mut start());
    assert!(first.wait_for(|| file.exists()), "it ended without a file");
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_fails(start(), 1, &["E-lock", "lonely.h5", "each of them is alone", "-o"]));
        }
    });
    assert!(first.wait_for(|| false) || first.wait() == Some(0), "the first one did not end well");
    let results = Results::open(&file).unwrap();
    assert!(results.state().unwrap().complete && results.valid_rows().unwrap().iter().all(|valid| *valid));
    assert_eq!(names(directory.path()), ["lonely.h5"]);
}

#[test]
fn processes_that_start_in_the_same_moment_do_not_share_a_file() {
    let directory = common::temporary_directory();
    let file = directory.path().join("race.h5");
    let codes: Vec<_> = std::thread::scope(|scope| {
        let run = || {
            let mut command = common::qsd();
            command.env_clear().args(TINY).args(["--quiet", "-o"]).arg(&file);
            common::run_within(command, SOON)
        };
        let started: Vec<_> = (0..6).map(|_| scope.spawn(run)).collect();
        started.into_iter().map(|run| run.join().unwrap()).collect()
    });
    // Whoever comes when all is done has nothing to do.
    assert!(codes.iter().any(|outcome| outcome.code == Some(0)), "{codes:?}");
    for outcome in codes.iter().filter(|outcome| outcome.code != Some(0)) {
        assert_eq!(outcome.code, Some(1));
        assert!(outcome.stderr.contains("E-lock"), "{}", outcome.stderr);
    }
    let results = Results::open(&file).unwrap();
    assert!(results.state().unwrap().complete && results.runs().unwrap().len() == 1, "one of them did it");
}

#[test]
fn a_step_that_is_too_large_is_refused_with_the_largest_that_is_not() {
    let arguments = ["run", "kerr_bistable", "--dt=0.002", "--method=heun", "--quiet"];
    for ranks in [1, 3] {
        let mut refused = common::launcher(ranks, env!("CARGO_BIN_EXE_qsd"));
        refused.args(arguments);
        assert_fails(
            refused,
            2,
            &["E-integration", "a step of 0.002 is unstable for heun", "largest stable step is 0.00032 (--dt 0.00032)"],
        );
    }
    common::run_qsd(["run", "kerr_bistable", "--dt=0.00032", "--method=heun", "--ntraj=8", "--quiet"]).expect_code(0);
}

/// On the upper branch Gamma is about 50 * 36: a step of 1e-3 is beyond what saba can do, and its numbers would look fine.
#[test]
fn a_step_that_is_too_long_for_the_rate_fails_a_guard() {
    let directory = common::temporary_directory();
    let file = directory.path().join("x.h5");
    let long = upper_branch(&file, &["--Nfock_a=90", "--ntraj=8", "--dt=1e-3", "--save-dt=1e-3"]).expect_code(3);
    assert!(long.stdout.contains("h * Gamma exceeds 1 at"), "{}", long.stdout);
    upper_branch(&file, &["--Nfock_a=90", "--ntraj=8", "--dt=1e-4", "--save-dt=1e-3"]).expect_code(0);
}

#[test]
fn an_initial_state_that_does_not_fit_is_refused_and_not_folded_back() {
    for alpha in ["7", "1e200", "-3,1e9"] {
        let mut command = common::qsd();
        command.args(["run", "kerr_bistable", "--ntraj=8", "--initial", &format!("coherent:{alpha}")]);
        assert_fails(command, 2, &["E-model", "initial state coherent", "40 Fock states", "--Nfock_a"]);
    }
}

/// Near the upper branch of the bistable Kerr cavity: 60 Fock states are too few for it, 90 are enough.
const UPPER_BRANCH: [&str; 4] = ["run", "kerr_bistableB33.25", "--initial=coherent:6,0", "--duration=0.02"];

/// The run with further words, into a file; gives what it printed.
fn upper_branch(file: &Path, words: &[&str]) -> Outcome {
    let mut command = common::qsd();
    command.args(UPPER_BRANCH).args(words).args(["--force", "-o"]).arg(file);
    common::run_within(command, SOON)
}

#[test]
fn a_space_that_is_too_small_ends_with_exit_code_3_and_the_file_says_so() {
    let directory = common::temporary_directory();
    let file = directory.path().join("x.h5");
    let verdict = || {
        let guards = Results::open(&file).unwrap().guards().unwrap();
        guards.into_iter().find(|guard| guard.name == "leak_a").unwrap().verdict as i8
    };
    let small = upper_branch(&file, &["--Nfock_a=60", "--ntraj=8"]).expect_code(3);
    assert!(small.stdout.contains("larger --Nfock_a"), "{}", small.stdout);
    assert_eq!(verdict(), 2);
    assert_eq!(Results::open(&file).unwrap().runs().unwrap()[0].exit_code, 3);
    upper_branch(&file, &["--Nfock_a=60", "--ntraj=8", "--allow-unsafe"]).expect_code(0);
    assert_eq!(verdict(), 1);
    upper_branch(&file, &["--Nfock_a=90", "--ntraj=8"]).expect_code(0);
    assert_eq!(verdict(), 0);
}

#[test]
fn a_guard_that_fails_in_the_first_block_ends_a_long_run() {
    let directory = common::temporary_directory();
    for ranks in [1, 2] {
        let file = directory.path().join(format!("{ranks}.h5"));
        // So many that each of two ranks has more than the first block of 64.
        let mut long: Vec<&str> = UPPER_BRANCH.to_vec();
        long.extend(["--Nfock_a=60", "--ntraj=20000"]);
        let words = ["E-guard", "after the first 64 trajectories", "larger --Nfock_a", "--allow-unsafe"];
        assert_fails(command(ranks, &long, &file), 1, &words);
        let results = Results::open(&file).unwrap();
        let valid = results.valid_rows().unwrap().iter().filter(|valid| **valid).count();
        assert!((1..20_000).contains(&valid) && !results.state().unwrap().complete, "{valid} rows");
        assert_eq!(results.state().unwrap().end_condition, "failed (E-guard)");
        assert_eq!(results.runs().unwrap()[0].exit_code, 1);
        let leak = results.guards().unwrap().into_iter().find(|guard| guard.name == "leak_a").unwrap();
        assert!(leak.verdict as i8 == 2 && leak.value > 1e-5, "the file says what was measured: {}", leak.value);
    }
}

/// Peak memory in kB of every rank of a run of so many trajectories, and the size of its file.
fn peaks(ntraj: u64, ranks: usize) -> (Vec<u64>, u64) {
    let directory = common::temporary_directory();
    let (file, log) = (directory.path().join("x.h5"), directory.path().join("log"));
    let short = ["run", "kerr_bistable", "--duration=0.01", "--save-dt=0.0001", &format!("--ntraj={ntraj}")];
    let mut command = command(ranks, &short, &file);
    shim::watch(&mut command, &file, &log);
    common::run(command).expect_code(0);
    let peak = |rank| shim::journal(&log, rank).last().filter(|last| last.name == "peak").map(|last| last.length);
    let peaks = (0..ranks).map(|rank| peak(rank).expect("every rank wrote something and ended well")).collect();
    (peaks, std::fs::metadata(&file).unwrap().len())
}

#[test]
fn memory_does_not_grow_with_the_number_of_trajectories() {
    for ranks in [1, 2] {
        let ((few, _), (many, size)) = (peaks(100, ranks), peaks(10_000, ranks));
        println!("peak memory in kB on {ranks} ranks: {few:?} for 100 trajectories, {many:?} for 10000");
        for (few, many) in few.iter().zip(&many) {
            assert!(size / 1024 > few / 2, "the file is so small that keeping it all would go unnoticed: {size} bytes");
            assert!((*many as f64) < 1.05 * *few as f64, "100 trajectories need {few} kB, 10000 need {many} kB");
        }
    }
}
