//! A run that is killed, stopped, or asked to stop at any moment, and gone on with on another number of ranks, ends with
//! the bits of a run that nobody disturbed.
//!
//! `QSD_KILLS=200 cargo test --test kill -- --nocapture` does it that often and counts; 20 times otherwise.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![cfg(feature = "mpi")]

mod common;
#[path = "crash/processes.rs"]
mod processes;

use processes::Running;
use qsd::error::exit;
use qsd::store::{Results, VOLATILE};
use rand_pcg::rand_core::Rng;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Rows that come all the time, trajectories that take as long as the run, and a density matrix that is not in the rows.
const RUNS: [&[&str]; 3] = [
    &["kerr_bistable", "--Nfock_a=14", "--duration=0.4", "--save-dt=0.02", "--ntraj=6000", "--seed=3"],
    &[
        "kerr_bistable",
        "--Nfock_a=14",
        "--duration=200",
        "--save-dt=0.5",
        "--ntraj=20",
        "--store-states=final",
        "--store-record",
    ],
    &["absorptive_bistable", "--Nfock_a=6", "--duration=40", "--save-dt=0.5", "--ntraj=900", "--store-states=average"],
];

/// Trajectories that outlast the second in which ranks agree to stop.
const LONG: &[&str] = &[
    "kerr_bistable",
    "--Nfock_a=14",
    "--duration=600",
    "--save-dt=1.5",
    "--ntraj=20",
    "--store-states=final",
    "--store-record",
];

/// Moments are chosen by what a run takes when nothing else runs: one test at a time.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed is no reason to stop the others.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A run to be disturbed, and what it gives when nobody does.
struct Scene {
    words: &'static [&'static str],
    directory: common::TempDir,
    straight: PathBuf,
    /// What it takes on two ranks.
    whole: Duration,
}

impl Scene {
    fn new(words: &'static [&'static str]) -> Scene {
        let directory = common::temporary_directory();
        let straight = directory.path().join("straight.h5");
        let started = Instant::now();
        common::run(command(2, words, &straight)).expect_code(0);
        Scene { words, directory, straight, whole: started.elapsed() }
    }

    /// The file has the bits of the undisturbed run, and nothing is left beside it.
    #[track_caller]
    fn check(&self, file: &Path) {
        common::assert_same_hdf5(&self.straight, file, VOLATILE, &["/", "/trajectory"]);
        for suffix in ["ckpt", "rho", "lock", "stop"] {
            assert!(!file.with_extension(format!("h5.{suffix}")).exists(), "{suffix} is left");
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.h5"))
    }
}

/// The run on some ranks: started, or gone on with. It checkpoints as often as it can.
fn command(ranks: usize, words: &[&str], file: &Path) -> Command {
    let mut command = match ranks {
        1 => common::qsd(),
        _ => common::launcher(ranks, env!("CARGO_BIN_EXE_qsd")),
    };
    // Small spaces make guards fail, which is not the matter here.
    command.arg("run").args(words).args(["--quiet", "--allow-unsafe", "--checkpoint-every=0s", "-o"]).arg(file);
    processes::mark(&mut command, file);
    command
}

/// Disturb runs at random moments, `rounds` times; gives how often a run was really interrupted.
fn disturb(rounds: usize, signals: &[&str]) -> usize {
    let now = UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let seed = std::env::var("QSD_TEST_SEED").map_or(now, |text| text.parse().expect("QSD_TEST_SEED is a number"));
    println!("QSD_TEST_SEED={seed} draws the same again");
    let mut random = rand_pcg::Pcg64Mcg::new(seed.into());
    let mut below = |n: usize| (random.next_u64() % n as u64) as usize;
    let scenes = RUNS.map(Scene::new);
    let (mut equal, mut interrupted) = (0, 0);
    for round in 0..rounds {
        let scene = &scenes[round % scenes.len()];
        let file = scene.file(&format!("round-{round}"));
        let mut starts = 0;
        let code = loop {
            starts += 1;
            let ranks = 1 + below(3);
            let mut running = Running::start(&mut command(ranks, scene.words, &file));
            let mut disturbed = "undisturbed".to_string();
            // Twice disturbed at most: the third start comes to its end.
            if starts <= 2 {
                let moment = scene.whole.mul_f64(below(1000) as f64 / 1000.0);
                let end = Instant::now() + moment;
                running.wait_for(|| Instant::now() >= end);
                let ranks = processes::ranks(&file);
                // The launcher, or the process alone, or any of its ranks.
                let victim = match below(ranks.len() + 1) {
                    0 => running.process(),
                    other => ranks[other - 1].1,
                };
                let signal = signals[below(signals.len())];
                disturbed = format!("{signal} to {victim} of {} and {ranks:?} after {moment:?}", running.process());
                processes::signal(signal, victim);
            }
            println!("round {round}, start {starts} on {ranks} ranks: {disturbed}");
            let code = running.wait();
            println!("    exit code {code:?}");
            processes::assert_all_gone(&file);
            if code == Some(0) {
                break code;
            }
            interrupted += 1;
            assert!(starts <= 2, "round {round}: exit code {code:?} though nobody disturbed it");
            if file.exists() {
                Results::open(&file).unwrap_or_else(|error| panic!("round {round}: {error}"));
            }
        };
        assert_eq!(code, Some(0));
        scene.check(&file);
        std::fs::remove_file(&file).unwrap();
        equal += 1;
    }
    println!("{equal} of {rounds} equal, {interrupted} interruptions");
    interrupted
}

fn rounds() -> usize {
    std::env::var("QSD_KILLS").map_or(20, |text| text.parse().expect("QSD_KILLS is a number"))
}

#[test]
fn a_killed_run_is_gone_on_with_to_the_same_bits() {
    let _turn = turn();
    let interrupted = disturb(rounds(), &["KILL"]);
    assert!(interrupted * 2 >= rounds(), "{interrupted} of {}: most came to their end before", rounds());
}

#[test]
fn a_run_told_to_end_is_gone_on_with_to_the_same_bits() {
    let _turn = turn();
    let interrupted = disturb(rounds().div_ceil(2), &["TERM", "INT", "USR1"]);
    assert!(interrupted * 4 >= rounds(), "{interrupted} of {}: most came to their end before", rounds());
}

/// How a run of long trajectories is told to stop.
fn stopped(ranks: usize, name: &str, scene: &Scene, extra: &[&str], tell: impl FnOnce(&mut Running, &Path)) -> PathBuf {
    let file = scene.file(name);
    let mut command = command(ranks, scene.words, &file);
    let mut running = Running::start(command.args(extra));
    assert!(running.wait_for(|| file.exists()), "{name}: it ended without a file");
    std::thread::sleep(scene.whole / 4);
    tell(&mut running, &file);
    let asked = Instant::now();
    assert_eq!(running.wait(), Some(exit::RESUMABLE), "{name}");
    assert!(asked.elapsed() < Duration::from_secs(30), "{name}: it took {:?} to leave", asked.elapsed());
    let state = Results::open(&file).unwrap().state().unwrap();
    assert!(!state.complete && state.end_condition != "not finished", "{name}: {state:?}");
    assert!(file.with_extension("h5.ckpt").exists(), "{name}: long trajectories were kept");
    file
}

#[test]
fn every_way_to_stop_gives_75_and_a_file_that_goes_on() {
    let _turn = turn();
    let scene = Scene::new(LONG);
    let to_all = |signal: &'static str| {
        move |_: &mut Running, file: &Path| {
            processes::ranks(file).iter().for_each(|(_, process)| processes::signal(signal, *process));
        }
    };
    let condition = |file: &Path| Results::open(file).unwrap().state().unwrap().end_condition;
    let alone = stopped(1, "alone", &scene, &[], |running, _| processes::signal("INT", running.process()));
    assert_eq!(condition(&alone), "stopped (INT)");
    let file = stopped(2, "usr1", &scene, &[], to_all("USR1"));
    assert_eq!(condition(&file), "stopped (USR1)");
    // As a batch system does that knows one of them only.
    let one = stopped(3, "one", &scene, &[], |_, file| {
        let ranks = processes::ranks(file);
        let (_, process) = ranks.iter().find(|(rank, _)| *rank == 2).expect("three ranks");
        processes::signal("TERM", *process);
    });
    assert_eq!(condition(&one), "stopped");
    let by_file = stopped(2, "file", &scene, &[], |_, file| {
        std::fs::write(file.with_extension("h5.stop"), "").unwrap();
    });
    assert_eq!(condition(&by_file), "stopped (stop file)");
    let wall = format!("{}s", scene.whole.as_secs_f64() / 3.0);
    let timeout = stopped(2, "wall", &scene, &["--max-wall", &wall], |_, _| ());
    assert_eq!(condition(&timeout), "timeout");
    for file in [alone, file, one, by_file, timeout] {
        let outcome =
            common::mpirun(2, ["resume".as_ref(), file.as_os_str(), "--quiet".as_ref(), "--allow-unsafe".as_ref()]);
        outcome.expect_code(0);
        scene.check(&file);
    }
}

#[test]
fn slurm_says_when_its_job_ends() {
    let _turn = turn();
    let scene = Scene::new(RUNS[1]);
    let file = scene.file("slurm");
    let mut command = command(1, scene.words, &file);
    // Two minutes are the margin: it is time already.
    let end = UNIX_EPOCH.elapsed().unwrap().as_secs() + 100;
    common::run({
        command.env("SLURM_JOB_END_TIME", end.to_string());
        command
    })
    .expect_code(exit::RESUMABLE);
    assert_eq!(Results::open(&file).unwrap().state().unwrap().end_condition, "timeout");
}

#[test]
fn the_second_signal_leaves_at_once() {
    let _turn = turn();
    let scene = Scene::new(RUNS[1]);
    let file = scene.file("twice");
    let mut running = Running::start(&mut command(1, scene.words, &file));
    assert!(running.wait_for(|| file.exists()));
    // Both before the main thread looks again, or after: it is gone either way, and the file goes on.
    (0..2).for_each(|_| processes::signal("TERM", running.process()));
    assert_eq!(running.wait(), Some(exit::RESUMABLE));
    common::run(command(2, scene.words, &file)).expect_code(0);
    scene.check(&file);
}

/// The others would wait for it for ever.
#[test]
fn a_rank_that_hangs_ends_the_run_with_a_sentence_and_the_run_goes_on() {
    let _turn = turn();
    let scene = Scene::new(RUNS[1]);
    let file = scene.file("hang");
    let (log, mut hanging) = (file.with_extension("log"), command(3, scene.words, &file));
    hanging.args(["--watchdog", "3s", "--log-file"]).arg(&log);
    let mut running = Running::start(&mut hanging);
    assert!(running.wait_for(|| file.exists()), "it ended without a file");
    let ranks = processes::ranks(&file);
    let (_, process) = ranks.iter().find(|(rank, _)| *rank == 2).expect("three ranks");
    processes::signal("STOP", *process);
    let stopped = Instant::now();
    assert_eq!(running.wait(), Some(exit::FAILED));
    assert!(stopped.elapsed() < Duration::from_secs(60), "it took {:?} to leave", stopped.elapsed());
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("E-hang") && said.contains("saw no progress of the run for 3 s"), "{said}");
    processes::assert_all_gone(&file);
    common::run(command(2, scene.words, &file)).expect_code(0);
    scene.check(&file);
}
