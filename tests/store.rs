//! The results file among real ranks: each test starts itself again under the launcher.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![cfg(feature = "mpi")]

mod common;
#[path = "../src/store/testing.rs"]
#[allow(dead_code, clippy::unwrap_used, reason = "shared with the unit tests, which use more of it")]
mod testing;

use qsd::comm;
use qsd::ensemble::{self, Begun, Header, Sink};
use qsd::error::Error;
use qsd::input;
use qsd::store::{H5Sink, Place, Results, StoreError, VOLATILE, VOLATILE_ATTRIBUTES};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Set in the ranks that a test starts: the file they write.
const FILE: &str = "QSD_TEST_FILE";

/// A run of 20 trajectories on three ranks; rank 2 has nothing to do. `before_end` is called when all rows are in.
fn write_on_three_ranks(place: Place, before_end: impl FnOnce(usize)) -> Result<(), Error> {
    let comm = comm::world().expect("a launcher and a library that met");
    assert_eq!(comm.size(), 3);
    let header = Header { ranks: 3, started: "2026-01-02T05:06:07Z".into(), ..testing::header() };
    let mut sink = H5Sink::new(place, comm.as_ref());
    sink.begin(&header)?;
    for (batch, count) in [(0, 8), (1, 8), (2, 4)] {
        if comm.rank() == batch % 2 {
            sink.accept(&testing::rows(&header, header.first_trajectory + 8 * batch as u64, count))?;
        }
    }
    comm.barrier();
    before_end(comm.rank());
    sink.finish(comm.is_root().then(|| testing::summary(&header)).as_ref())
}

/// The file in a rank; else starts the ranks of `test` with that file and gives their outcome.
fn in_rank_or_start(test: &str, file: &Path) -> Result<PathBuf, common::Outcome> {
    if let Some(file) = std::env::var_os(FILE) {
        return Ok(file.into());
    }
    let this = std::env::current_exe().expect("the path of this test");
    let mut command = common::launcher(3, this);
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(FILE, file);
    Err(common::run_within(command, Duration::from_secs(60)))
}

#[test]
fn three_ranks_write_the_bits_of_one() {
    let dir = common::temporary_directory();
    let many = dir.path().join("many.h5");
    match in_rank_or_start("three_ranks_write_the_bits_of_one", &many) {
        Ok(file) => write_on_three_ranks(Place::new(file), |_| ()).unwrap(),
        Err(outcome) => {
            outcome.expect_code(0);
            let one = dir.path().join("one.h5");
            testing::written(&one, &testing::header(), 20);
            // h5diff leaves out the attributes of whole objects: `history` is one of the root, and the users of a
            // scale, which it follows to the volatile datasets, are one of `trajectory`.
            assert_eq!(VOLATILE_ATTRIBUTES, ["/history"]);
            common::assert_same_hdf5(&one, &many, VOLATILE, &["/", "/trajectory"]);
            assert_eq!(Results::open(&many).unwrap().valid_rows().unwrap(), [true; 20]);
            let left: Vec<_> = std::fs::read_dir(many.parent().unwrap()).unwrap().collect();
            assert_eq!(left.len(), 2, "the lock and the temporary files are gone: {left:?}");
        }
    }
}

#[test]
fn rank_0_writing_for_all_writes_the_same_bytes() {
    let dir = common::temporary_directory();
    let gathered = dir.path().join("gathered.h5");
    match in_rank_or_start("rank_0_writing_for_all_writes_the_same_bytes", &gathered) {
        Ok(file) => {
            write_on_three_ranks(Place { io: input::Io::Gather, ..Place::new(file) }, |_| ()).unwrap();
        }
        Err(outcome) => {
            outcome.expect_code(0);
            let one = dir.path().join("one.h5");
            testing::written(&one, &testing::header(), 20);
            common::assert_same_hdf5(&one, &gathered, VOLATILE, &["/", "/trajectory"]);
            let results = Results::open(&gathered).unwrap();
            assert_eq!(results.valid_rows().unwrap(), [true; 20]);
            // Ranks 0 and 1 had the batches in turn.
            assert_eq!(results.ranks().unwrap(), [[0; 8].as_slice(), &[1; 8], &[0; 4]].concat());
        }
    }
}

#[test]
fn a_killed_rank_costs_no_row_that_was_in() {
    let dir = common::temporary_directory();
    let path = dir.path().join("killed.h5");
    match in_rank_or_start("a_killed_rank_costs_no_row_that_was_in", &path) {
        Ok(file) => {
            let abort = |rank| {
                if rank == 1 {
                    std::process::abort();
                }
            };
            write_on_three_ranks(Place::new(file), abort).unwrap();
        }
        Err(outcome) => {
            assert_ne!(outcome.code, Some(0));
            let results = Results::open(&path).unwrap();
            assert_eq!(results.valid_rows().unwrap(), [true; 20]);
            let state = results.state().unwrap();
            assert!(!state.complete, "{state:?}");
            assert_eq!(results.runs().unwrap()[0].exit_code, -1);
            assert_eq!(results.statistics().unwrap(), None);
        }
    }
}

#[test]
fn all_ranks_leave_together_when_the_file_exists() {
    let dir = common::temporary_directory();
    let path = dir.path().join("exists.h5");
    std::fs::write(&path, "precious").unwrap();
    match in_rank_or_start("all_ranks_leave_together_when_the_file_exists", &path) {
        Ok(file) => match write_on_three_ranks(Place::new(file), |_| ()) {
            Err(Error::Store(StoreError::Foreign { .. })) => println!("I say why"),
            Err(Error::Elsewhere) => println!("I leave quietly"),
            other => panic!("{other:?}"),
        },
        Err(outcome) => {
            let said = outcome.expect_code(0).stdout;
            assert_eq!((said.matches("I say why").count(), said.matches("I leave quietly").count()), (1, 2), "{said}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
        }
    }
}

/// Rows that are missing come from three ranks into a file that one process has left; gives the batches each rank was shown.
fn go_on_on_three_ranks(place: Place) {
    let io = place.io;
    let is_gathered = io == input::Io::Gather;
    let comm = comm::world().expect("a launcher and a library that met");
    let header = Header { ranks: 3, started: "2026-01-02T05:06:07Z".into(), ..testing::header() };
    let mut sink = H5Sink::new(place, comm.as_ref());
    assert_eq!(sink.begin(&header).unwrap(), Begun::Resumed);
    // Trajectories 100 to 119: batches 12 to 14, of which the file has 12 and 13.
    let mut shown = vec![];
    let kept = sink.kept(12..15, &mut |batch, rows| {
        shown.push(batch);
        let (first, count) = if batch == 12 { (100, 4) } else { (104, 8) };
        let mut expected = testing::rows(&header, first, count);
        expected.info.iter_mut().for_each(|info| info.cpu_time = 0.0);
        assert_eq!(*rows, expected);
    });
    assert_eq!(kept.unwrap(), [12, 13]);
    let shares = if is_gathered { [vec![12, 13], vec![], vec![]] } else { [vec![12], vec![13], vec![]] };
    assert_eq!(shown, shares[comm.rank()], "every batch falls to one rank");
    let state = vec![7; 300_001];
    if comm.rank() == 1 {
        sink.checkpoint(1, 14, &state).unwrap();
    }
    comm.barrier();
    for _ in 0..50 {
        sink.turn().unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    comm.barrier();
    // As if killed here, and started again.
    let place = Place { io, ..Place::new(sink.path()) };
    drop(sink);
    let mut sink = H5Sink::new(place, comm.as_ref());
    assert_eq!(sink.begin(&header).unwrap(), Begun::Resumed);
    assert_eq!((sink.unfinished().state(13), sink.unfinished().state(14) == Some(state)), (None, true));
    if comm.rank() == 2 {
        sink.accept(&testing::rows(&header, 112, 8)).unwrap();
    }
    comm.barrier();
    sink.finish(comm.is_root().then(|| testing::summary(&header)).as_ref()).unwrap();
    let mut again = H5Sink::new(Place::new(sink.path()), comm.as_ref());
    assert_eq!(again.begin(&header).unwrap(), Begun::Complete { exit_code: 0 });
}

/// One process has begun it, three ranks finish it; the same as if one had done it all.
#[track_caller]
fn assert_finished_with_the_bits_of_one(test: &str, io: input::Io) {
    let dir = common::temporary_directory();
    let path = dir.path().join("resumed.h5");
    if std::env::var_os(FILE).is_none() {
        testing::written(&path, &testing::header(), 12);
    }
    match in_rank_or_start(test, &path) {
        Ok(file) => go_on_on_three_ranks(Place { io, ..Place::new(file) }),
        Err(outcome) => {
            outcome.expect_code(0);
            let one = dir.path().join("one.h5");
            testing::written(&one, &testing::header(), 20);
            common::assert_same_hdf5(&one, &path, VOLATILE, &["/", "/trajectory"]);
            let runs = Results::open(&path).unwrap().runs().unwrap();
            let ranks: Vec<_> = runs.iter().map(|run| (run.ranks, run.exit_code)).collect();
            assert_eq!(ranks, [(1, -1), (3, -1), (3, 0)]);
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "no lock and no checkpoint is left");
        }
    }
}

#[test]
fn three_ranks_finish_what_one_has_begun_with_the_bits_of_one() {
    assert_finished_with_the_bits_of_one(
        "three_ranks_finish_what_one_has_begun_with_the_bits_of_one",
        input::Io::Parallel,
    );
}

#[test]
fn rank_0_finishes_for_all_what_one_has_begun() {
    assert_finished_with_the_bits_of_one("rank_0_finishes_for_all_what_one_has_begun", input::Io::Gather);
}
