//! Processes die at any moment: what was finished is in the file, and nothing else claims to be.
//!
//! "Finished" is not taken from the program: a library loaded into the ranks writes down every write
//! that was done, and a row is finished when the last byte of its checksum was written.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![cfg(feature = "mpi")]

mod common;
#[path = "crash/processes.rs"]
mod processes;
#[path = "crash/rows.rs"]
mod rows;
#[path = "crash/shim.rs"]
mod shim;

use processes::Running;
use qsd::ensemble::Statistics;
use qsd::report::info;
use qsd::store::Results;
use rand_pcg::rand_core::Rng;
use rows::RowBytes;
use shim::{Operation, Strike};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// A run to be disturbed, and what it gives when nobody does.
struct Scene {
    ranks: usize,
    arguments: Vec<&'static str>,
    directory: common::TempDir,
    rows: RowBytes,
    statistics: Vec<Statistics>,
}

/// One disturbed run: its file and its journal, in a directory of their own.
struct Stage {
    directory: PathBuf,
    file: PathBuf,
    log: PathBuf,
}

/// What was found of a disturbed run.
#[derive(Debug, Default)]
struct Found {
    valid: usize,
    complete: bool,
}

impl Scene {
    /// The small ensemble of these trajectories on `ranks` ranks.
    fn new(ranks: usize, arguments: &[&'static str]) -> Scene {
        let directory = common::temporary_directory();
        let file = directory.path().join("undisturbed.h5");
        let mut command = common::qsd();
        command.arg("run").args(arguments).args(["--quiet", "-o"]).arg(&file);
        common::run(command).expect_code(0);
        let statistics = Results::open(&file).unwrap().statistics().unwrap().expect("a finished run");
        Scene { ranks, arguments: arguments.to_vec(), rows: RowBytes::read(&file), statistics, directory }
    }

    fn stage(&self, name: &str) -> Stage {
        let directory = self.directory.path().join(name);
        std::fs::create_dir(&directory).unwrap();
        Stage { file: directory.join("x.h5"), log: directory.join("log"), directory }
    }

    /// The run, watched; one rank is started without a launcher.
    fn command(&self, stage: &Stage) -> Command {
        let mut command = match self.ranks {
            1 => common::qsd(),
            ranks => common::launcher(ranks, env!("CARGO_BIN_EXE_qsd")),
        };
        command.arg("run").args(&self.arguments).args(["--quiet", "--threads=1", "-o"]).arg(&stage.file);
        shim::watch(&mut command, &stage.file, &stage.log);
        processes::mark(&mut command, &stage.directory);
        command
    }

    /// What a rank does when nobody disturbs it.
    fn operations(&self, rank: usize) -> Vec<Operation> {
        let stage = self.stage("calm");
        common::run(self.command(&stage)).expect_code(0);
        let mut journal = shim::journal(&stage.log, rank);
        assert_eq!(journal.pop().expect("it wrote something").name, "peak", "the journal is complete");
        std::fs::remove_dir_all(&stage.directory).unwrap();
        journal
    }

    /// Fails unless the file is absent or right; `None` if it is absent.
    #[track_caller]
    fn check(&self, stage: &Stage, what: &str) -> Option<Found> {
        let journals: Vec<_> = (0..self.ranks).map(|rank| shim::journal(&stage.log, rank)).collect();
        let published = journals[0].iter().any(|operation| operation.name == "rename");
        assert_eq!(stage.file.exists(), published, "{what}: the file has its final name from the rename on");
        if !published {
            return None;
        }
        let results = Results::open(&stage.file).unwrap_or_else(|error| panic!("{what}: {error}"));
        info::text(&results, None, &mut vec![]).unwrap_or_else(|error| panic!("{what}: {error}")).unwrap();
        let (valid, rows) = (results.valid_rows().unwrap(), RowBytes::read(&stage.file));
        for row in (0..rows.count).filter(|&row| valid[row]) {
            assert!(rows.row(row) == self.rows.row(row), "{what}: row {row} is wrong and its checksum holds");
        }
        for row in journals.iter().flat_map(|journal| rows.finished_by(&shim::written(journal))) {
            assert!(valid[row], "{what}: row {row} was finished, and its checksum does not hold");
        }
        let (state, statistics) = (results.state().unwrap(), results.statistics().unwrap());
        let of_valid = results.statistics_of(&valid).unwrap();
        let valid = valid.iter().filter(|valid| **valid).count();
        if let Some(statistics) = &statistics {
            // A run that was asked to stop leaves those of the rows it has.
            let expected = if valid == rows.count { &self.statistics } else { &of_valid };
            assert!(statistics == expected, "{what}: the statistics are wrong and their checksum holds");
            assert_eq!(state.stats_n, valid as u64, "{what}");
        }
        let all = valid == rows.count && statistics.is_some();
        assert!(all || !state.complete, "{what}: the file says it is complete");
        Some(Found { valid, complete: state.complete })
    }

    /// Kill `rank` at each of these operations, before it and in the middle of it; gives the number of crashes.
    fn exhaust(&self, rank: usize, operations: &[Operation]) -> usize {
        let torn = |operation: &&Operation| operation.name == "write" && operation.length > 1;
        let before = operations.iter().map(|operation| (operation.number, Strike::Before));
        let half = operations.iter().filter(torn).map(|operation| (operation.number, Strike::Half));
        let crashes: Vec<_> = before.chain(half).collect();
        in_parallel(crashes.len(), |index| {
            let (at, how) = crashes[index];
            let what = format!("rank {rank} of {} killed at its operation {at} ({how:?})", self.ranks);
            let stage = self.stage(&format!("{rank}-{index:04}"));
            let mut command = self.command(&stage);
            shim::strike(&mut command, rank, at, how);
            let outcome = common::run(command);
            assert_ne!(outcome.code, Some(0), "{what}: it goes unnoticed");
            processes::assert_all_gone(&stage.directory);
            self.check(&stage, &what);
            std::fs::remove_dir_all(&stage.directory).unwrap();
        });
        crashes.len()
    }
}

/// Calls `act` for 0 .. count on a few threads: most of a launch is waiting.
fn in_parallel(count: usize, act: impl Fn(usize) + Sync) {
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(1, |cpus| cpus.get()) * 3;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count {
                        return;
                    }
                    act(index);
                }
            });
        }
    });
}

/// Three batches, the last of four trajectories.
const TINY: [&str; 5] = ["kerr_bistable", "--Nfock_a=10", "--duration=0.004", "--save-dt=0.002", "--ntraj=20"];

/// What is done before the file has its final name.
fn until_rename(operations: &[Operation]) -> Vec<(&str, u64)> {
    let all = operations.iter().map(|operation| (operation.name.as_str(), operation.length));
    all.take_while(|(name, _)| *name != "rename").collect()
}

#[test]
fn wherever_a_process_alone_dies_its_file_is_absent_or_right() {
    let scene = Scene::new(1, &TINY);
    let operations = scene.operations(0);
    let crashes = scene.exhaust(0, &operations);
    println!("{crashes} crash points in {} operations of one process", operations.len());
    assert!(crashes > 300, "there were {crashes}: does the journal see all writes?");
}

#[test]
fn wherever_one_of_two_ranks_dies_the_file_is_absent_or_right() {
    let scene = Scene::new(2, &TINY);
    let (root, other) = (scene.operations(0), scene.operations(1));
    // Until the rename rank 0 does what a process alone does, where every point is tried: here only the last ones.
    let alone = Scene::new(1, &TINY).operations(0);
    let skeleton = until_rename(&root);
    assert_eq!(skeleton, until_rename(&alone));
    let crashes = scene.exhaust(0, &root[skeleton.len() - 2..]) + scene.exhaust(1, &other);
    println!("{crashes} crash points in {} + {} operations of two ranks", root.len() - skeleton.len(), other.len());
    assert!(crashes > 100, "there were {crashes}: does the journal see all writes?");
}

#[test]
fn what_a_dead_run_leaves_behind_is_not_in_the_way_of_the_next() {
    let scene = Scene::new(2, &TINY);
    let stage = scene.stage("again");
    let mut command = scene.command(&stage);
    shim::strike(&mut command, 0, 100, Strike::Before);
    assert_ne!(common::run(command).code, Some(0));
    assert!(std::fs::read_dir(&stage.directory).unwrap().count() > 1, "half a file and a lock are left");
    std::fs::remove_file(shim::journal_path(&stage.log, 0)).unwrap();
    common::run(scene.command(&stage)).expect_code(0);
    assert!(scene.check(&stage, "the next run").unwrap().complete);
    let names = std::fs::read_dir(&stage.directory).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["log.0", "log.1", "x.h5"]);
}

/// The first of TINY's trajectories, and the way to all of them.
const FEWER: [&str; 5] = ["kerr_bistable", "--Nfock_a=10", "--duration=0.004", "--save-dt=0.002", "--ntraj=13"];

#[test]
fn wherever_it_dies_an_extension_leaves_the_old_file_or_the_new_one() {
    let scene = Scene::new(1, &TINY);
    let small = scene.directory.path().join("small.h5");
    common::run(qsd_into(&FEWER, &small)).expect_code(0);
    let old = std::fs::read(&small).unwrap();
    let extend = |stage: &Stage| {
        std::fs::copy(&small, &stage.file).unwrap();
        let mut command = common::qsd();
        command.arg("extend").arg(&stage.file).args(["--ntraj=20", "--quiet", "--threads=1"]);
        shim::watch(&mut command, &stage.file, &stage.log);
        command
    };
    let stage = scene.stage("calm");
    common::run(extend(&stage)).expect_code(0);
    let journal = shim::journal(&stage.log, 0);
    let renamed = journal.iter().position(|operation| operation.name == "rename").unwrap();
    // The last writes and the rename one by one, those before in steps.
    let points: Vec<usize> = (1..renamed - 20).step_by(9).chain(renamed - 20..renamed + 4).collect();
    let (kept, made) = (AtomicUsize::new(0), AtomicUsize::new(0));
    in_parallel(points.len(), |index| {
        let at = points[index] + 1;
        let stage = scene.stage(&format!("extend-{at}"));
        let mut command = extend(&stage);
        shim::strike(&mut command, 0, at, Strike::Before);
        assert_ne!(common::run(command).code, Some(0), "operation {at}: it goes unnoticed");
        match std::fs::read(&stage.file).unwrap() == old {
            true => kept.fetch_add(1, Ordering::Relaxed),
            false => {
                let valid = Results::open(&stage.file).unwrap().valid_rows().unwrap();
                assert!(valid.len() == 20 && valid[..13].iter().all(|valid| *valid), "operation {at}: {valid:?}");
                made.fetch_add(1, Ordering::Relaxed)
            }
        };
        let mut again = common::qsd();
        again.arg("extend").arg(&stage.file).args(["--ntraj=20", "--quiet"]);
        common::run(again).expect_code(0);
        let undisturbed = scene.directory.path().join("undisturbed.h5");
        common::assert_same_hdf5(&undisturbed, &stage.file, qsd::store::VOLATILE, &["/", "/trajectory"]);
        let left: Vec<_> =
            std::fs::read_dir(&stage.directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "operation {at}: only the file and the journal, not {left:?}");
    });
    println!("{kept:?} times the old file, {made:?} times the new one");
    assert!(kept.into_inner() > 30 && made.into_inner() >= 3);
}

/// One process that writes `file`.
fn qsd_into(arguments: &[&str], file: &std::path::Path) -> Command {
    let mut command = common::qsd();
    command.arg("run").args(arguments).args(["--quiet", "-o"]).arg(file);
    command
}

/// A few seconds, in which rows come all the time.
const LONGER: [&str; 4] = ["kerr_bistable", "--duration=0.2", "--save-dt=0.02", "--ntraj=2000"];

/// How long it takes from the moment the file is there.
fn duration(scene: &Scene) -> Duration {
    let stage = scene.stage("calm");
    let mut running = Running::start(&mut scene.command(&stage));
    assert!(running.wait_for(|| stage.file.exists()), "it ended without a file");
    let started = Instant::now();
    assert_eq!(running.wait(), Some(0));
    started.elapsed()
}

#[test]
fn a_rank_killed_at_a_random_moment_costs_no_finished_row() {
    const ROUNDS: usize = 20;
    let scene = Scene::new(3, &LONGER);
    let whole = duration(&scene);
    let now = UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let seed = std::env::var("QSD_TEST_SEED").map_or(now, |text| text.parse().expect("QSD_TEST_SEED is a number"));
    println!("moments within {whole:?}; QSD_TEST_SEED={seed} draws them again");
    let mut random = rand_pcg::Pcg64Mcg::new(seed.into());
    let draws: Vec<(u64, u64)> = (0..ROUNDS).map(|_| (random.next_u64(), random.next_u64())).collect();
    let hit_in_the_middle = AtomicUsize::new(0);
    for (round, (moment, victim)) in draws.into_iter().enumerate() {
        let stage = scene.stage(&format!("round-{round}"));
        let mut running = Running::start(&mut scene.command(&stage));
        assert!(running.wait_for(|| stage.file.exists()), "it ended without a file");
        std::thread::sleep(whole.mul_f64(moment as f64 / u64::MAX as f64));
        let ranks = processes::ranks(&stage.directory);
        let victim = ranks.get(victim as usize % ranks.len().max(1)).copied();
        victim.inspect(|(_, process)| processes::signal("KILL", *process));
        let code = running.wait();
        let what = format!("round {round}, killed {victim:?}, exit code {code:?}");
        processes::assert_all_gone(&stage.directory);
        let found = scene.check(&stage, &what).expect("the file was there");
        assert!(found.complete || code != Some(0), "{what}: {found:?}");
        let said = common::run_qsd(["info".as_ref(), stage.file.as_os_str()]).expect_code(0).stdout;
        assert_eq!(said.contains("state       complete:"), found.complete, "{what}: {said}");
        println!("{what}: {} of {} rows", found.valid, scene.rows.count);
        hit_in_the_middle.fetch_add(usize::from(found.valid > 0 && !found.complete), Ordering::Relaxed);
    }
    assert!(hit_in_the_middle.into_inner() >= ROUNDS / 4, "most were killed before the first row or after the last");
}

#[test]
fn a_run_that_is_interrupted_keeps_its_finished_rows() {
    // Many times what is done when the signal comes: a machine may be slow to look, and quick to integrate.
    const MUCH_LONGER: [&str; 4] = ["kerr_bistable", "--duration=0.2", "--save-dt=0.02", "--ntraj=16000"];
    let scene = Scene::new(2, &MUCH_LONGER);
    for signal in ["INT", "TERM"] {
        let stage = scene.stage(signal);
        let mut running = Running::start(&mut scene.command(&stage));
        // Some rows of both: a batch is sixteen writes.
        let is_under_way =
            || (0..2).all(|rank| shim::journal(&stage.log, rank).len() > if rank == 0 { 200 } else { 50 });
        assert!(running.wait_for(is_under_way), "{signal}: it ended before it could be interrupted");
        processes::signal(signal, running.process());
        let asked = Instant::now();
        let code = running.wait();
        assert!(asked.elapsed() < Duration::from_secs(10), "{signal}: it took {:?} to end", asked.elapsed());
        processes::assert_all_gone(&stage.directory);
        let found = scene.check(&stage, signal).expect("the file was there");
        assert!(found.valid > 0 && !found.complete && code != Some(0), "{signal}: exit code {code:?}, {found:?}");
    }
}
