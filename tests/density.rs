//! The ensemble's density matrix: it is the mean of the projectors on the kets, to the same bits whoever computes it and
//! however often it is interrupted, extended, or put together.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![cfg(feature = "mpi")]

mod common;

use num_complex::Complex64;
use qsd::cli::{Cli, Task};
use qsd::error::exit;
use qsd::input::resolve;
use qsd::model::{Model, Quantity};
use qsd::store::{Results, VOLATILE};
use std::path::{Path, PathBuf};

/// A cavity and a spin, and numbers of trajectories that end in the middle of a batch.
const SYSTEM: &[&str] = &["absorptive_bistable", "--Nfock_a=6", "--duration=2", "--save-dt=0.25", "--seed=4"];
const AVERAGE: &str = "--store-states=average";

struct Scene {
    directory: common::TempDir,
}

impl Scene {
    fn new() -> Scene {
        Scene { directory: common::temporary_directory() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(format!("{name}.h5"))
    }

    /// A run on these ranks into a file of this name.
    fn run(&self, name: &str, ranks: usize, words: &[&str]) -> PathBuf {
        let file = self.file(name);
        start(ranks, &file, words).expect_code(0);
        file
    }
}

fn start(ranks: usize, file: &Path, words: &[&str]) -> common::Outcome {
    let mut command = match ranks {
        1 => common::qsd(),
        _ => common::launcher(ranks, env!("CARGO_BIN_EXE_qsd")),
    };
    // Small spaces make guards fail, which is not the matter here.
    command.arg("run").args(SYSTEM).args(words).args(["--quiet", "--allow-unsafe", "-o"]).arg(file);
    common::run(command)
}

#[track_caller]
fn assert_same(a: &Path, b: &Path) {
    assert_same_but(a, b, &[]);
}

#[track_caller]
fn assert_same_but(a: &Path, b: &Path, paths: &[&str]) {
    common::assert_same_hdf5(a, b, &[VOLATILE, paths].concat(), &["/", "/trajectory"]);
    for suffix in ["rho", "ckpt", "lock"] {
        assert!(!b.with_extension(format!("h5.{suffix}")).exists(), "{suffix} is left");
    }
}

/// rho of a file at all its times: (matrices, basis states).
fn rho(file: &Path) -> (Vec<Vec<Complex64>>, usize) {
    let results = Results::open(file).unwrap();
    let (dim, times) = (results.averaged().unwrap().unwrap().0, results.times().unwrap().len());
    let all = results.values("rho", 0..times).unwrap();
    assert_eq!(all.len(), times * dim * dim);
    (all.chunks(dim * dim).map(<[_]>::to_vec).collect(), dim)
}

fn model(words: &[&str]) -> Model {
    let line = ["qsd", "run"].iter().chain(words).map(Into::into);
    let Task::Run(args) = Cli::from_words(line).unwrap().task else { panic!("no run") };
    resolve(&args).unwrap().spec.model().unwrap()
}

#[test]
fn it_is_the_mean_of_the_projectors_on_the_kets() {
    let scene = Scene::new();
    let average = scene.run("average", 1, &["--ntraj=45", "--first-trajectory=3", AVERAGE]);
    let all = scene.run("all", 1, &["--ntraj=45", "--first-trajectory=3", "--store-states=all"]);
    let (found, dim) = rho(&average);
    assert_eq!((found.len(), dim), (9, 12));
    let psi = Results::open(&all).unwrap().values("psi", 0..45).unwrap();
    for (time, rho) in found.iter().enumerate() {
        let ket = |row: usize| &psi[(row * found.len() + time) * dim..][..dim];
        for i in 0..dim {
            for j in 0..dim {
                let mean = (0..45).map(|row| ket(row)[i] * ket(row)[j].conj()).sum::<Complex64>() / 45.0;
                assert!((rho[i * dim + j] - mean).norm() < 1e-12, "time {time}, ({i}, {j}): {mean}");
                assert_eq!(rho[i * dim + j], rho[j * dim + i].conj());
            }
        }
        let trace: Complex64 = (0..dim).map(|i| rho[i * dim + i]).sum();
        assert!((trace - 1.0).norm() < 1e-14, "time {time}: {trace}");
    }
    // Everything else is as in a run that keeps nothing.
    let nothing = scene.run("nothing", 1, &["--ntraj=45", "--first-trajectory=3"]);
    for name in ["n", "a", "jz"] {
        let values = |file: &Path| Results::open(file).unwrap().values(name, 0..45).unwrap();
        assert_eq!(values(&nothing), values(&average), "{name}");
    }
}

#[test]
fn tr_rho_a_is_the_stored_mean() {
    let scene = Scene::new();
    for (name, words) in [("saba", &["--ntraj=37"][..]), ("heun", &["--ntraj=20", "--method=heun"])] {
        let file = scene.run(name, 2, &[words, &[AVERAGE]].concat());
        let (rho, dim) = rho(&file);
        let statistics = Results::open(&file).unwrap().statistics().unwrap().unwrap();
        let mut compared = 0;
        for (observable, found) in model(&[SYSTEM, words].concat()).observables.iter().zip(statistics) {
            let Quantity::Mean(operator) = &observable.quantity else { continue };
            let column = |j: usize| {
                let mut unit = vec![Complex64::ZERO; dim];
                unit[j] = Complex64::ONE;
                operator.apply(&unit)
            };
            let columns: Vec<_> = (0..dim).map(column).collect();
            let norm = columns.iter().flatten().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
            for (time, rho) in rho.iter().enumerate() {
                // tr(rho A) = sum_ij rho_ij A_ji, and A_ji is entry j of column i.
                let trace: Complex64 = (0..dim * dim).map(|at| rho[at] * columns[at / dim][at % dim]).sum();
                let off = (trace - found.mean[time]).norm();
                assert!(off < 1e-12 * norm, "{name}: {} at time {time}: {trace} {}", observable.name, found.mean[time]);
            }
            compared += 1;
        }
        assert!(compared > 4, "{compared} observables");
    }
}

#[test]
fn any_ranks_and_threads_give_the_same_bits() {
    let scene = Scene::new();
    let words = ["--ntraj=61", "--first-trajectory=5", AVERAGE, "--check-dt=16"];
    let one = scene.run("one", 1, &[&words[..], &["--threads=1"]].concat());
    for (ranks, threads, io) in [(1, 3, "parallel"), (2, 2, "parallel"), (3, 1, "parallel"), (3, 1, "gather")] {
        let more = [format!("--threads={threads}"), format!("--io={io}"), "--checkpoint-every=0s".into()];
        let more: Vec<&str> = words.iter().copied().chain(more.iter().map(String::as_str)).collect();
        assert_same(&one, &scene.run(&format!("{ranks}-{threads}-{io}"), ranks, &more));
    }
}

#[test]
fn a_stopped_run_goes_on_and_an_extended_one_has_the_bits_of_the_larger() {
    let scene = Scene::new();
    let small = scene.run("small", 2, &["--ntraj=13", AVERAGE]);
    // Thirteen and thirty are no whole batches: the last is integrated again, and added only in part.
    for ntraj in ["30", "61"] {
        common::run_qsd_on(&["extend", "--quiet", "--allow-unsafe", "--ntraj", ntraj], &[&small]).expect_code(0);
    }
    assert_same(&scene.run("61", 1, &["--ntraj=61", AVERAGE]), &small);

    // A second of work for one thread, that is to leave at once.
    let stopped = scene.file("stopped");
    start(1, &stopped, &["--ntraj=6005", "--threads=1", AVERAGE, "--max-wall=0s"]).expect_code(exit::RESUMABLE);
    let results = Results::open(&stopped).unwrap();
    let done = results.state().unwrap().n_done;
    assert!(0 < done && done < 6005, "{done}");
    assert_eq!(results.averaged().unwrap(), Some((12, done)), "asking to stop loses nothing");
    drop(results);
    start(2, &stopped, &["--ntraj=6005", AVERAGE]).expect_code(0);
    common::run_qsd_on(&["extend", "--quiet", "--allow-unsafe", "--ntraj=6101"], &[&stopped]).expect_code(0);
    assert_same(&scene.run("6101", 1, &["--ntraj=6101", AVERAGE]), &stopped);
}

#[test]
fn merged_ranges_have_the_bits_of_one_run() {
    let scene = Scene::new();
    let whole = scene.run("whole", 1, &["--ntraj=50", AVERAGE]);
    let parts = [("a", 0, 20), ("b", 20, 17), ("c", 37, 13)].map(|(name, first, ntraj)| {
        scene.run(name, 1, &[&format!("--ntraj={ntraj}"), &format!("--first-trajectory={first}"), AVERAGE])
    });
    let [some, merged] = ["some", "merged"].map(|name| scene.file(name));
    let merge = |files: &[&Path], to: &Path| {
        let to = to.display().to_string();
        common::run_qsd_on(&["merge", "--allow-unsafe", "-o", &to], files)
    };
    merge(&[&parts[2], &parts[0]], &some).expect_code(0);
    merge(&[&some, &parts[1]], &merged).expect_code(0);
    assert_same_but(&whole, &merged, &["/state/end_condition"]);
    let refused = merge(&[&whole, &parts[1]], &scene.file("twice")).expect_code(exit::FAILED);
    assert!(refused.stderr.contains("trajectory 20"), "{}", refused.stderr);
    let without = scene.run("without", 1, &["--ntraj=8", "--first-trajectory=60"]);
    let refused = merge(&[&whole, &without], &scene.file("none")).expect_code(exit::FAILED);
    assert!(refused.stderr.contains("store_states") || refused.stderr.contains("--store-states"), "{}", refused.stderr);
}

#[test]
fn a_run_that_knows_enough_ends_with_a_whole_density_matrix() {
    let scene = Scene::new();
    let file = scene.run("enough", 2, &["--ntraj=4000", "--target-tol=3", AVERAGE]);
    let results = Results::open(&file).unwrap();
    let state = results.state().unwrap();
    assert!(state.complete && state.end_condition == "target tolerance reached", "{state:?}");
    assert_eq!(results.averaged().unwrap(), Some((12, state.n_done)));
    let straight = scene.run("straight", 1, &[&format!("--ntraj={}", state.n_done), AVERAGE]);
    assert_eq!(rho(&file), rho(&straight));
}

#[test]
fn one_that_is_too_large_is_refused_with_what_to_do() {
    let refused = |words: &[&str]| {
        let said = common::run_qsd_on(&[&["run"], words].concat(), &[]).expect_code(exit::USAGE).stderr;
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        said
    };
    let said = refused(&["kerr_bistable", "--Nfock_a=600", "--duration=1", "--save-dt=0.001", AVERAGE, "--dt=1e-5"]);
    for word in ["600 basis states", "1001 times", "5.4 GiB", "4.0 GiB", "--save-dt", "fewer Fock states"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let plan = common::run_qsd_on(&["run", "kerr_bistable", "--ntraj=10", "--dry-run", "--json", "--threads=2"], &[])
        .expect_code(0);
    let with =
        common::run_qsd_on(&["run", "kerr_bistable", "--ntraj=10", "--dry-run", "--json", "--threads=2", AVERAGE], &[]);
    let [plan, with] =
        [plan, with.expect_code(0)].map(|said| serde_json::from_str::<serde_json::Value>(&said.stdout).unwrap());
    let number = |of: &serde_json::Value, key: &str| of[key].as_u64().unwrap();
    let (dim, times) = (number(&with, "basis_states"), number(&with, "saves"));
    let more = number(&with, "memory_of_a_rank") - number(&plan, "memory_of_a_rank");
    // Sums of 16 bytes; of each thread eight kets of 16 at all times, and once more while they are added.
    assert_eq!(more, 16 * dim * dim * times + 2 * 8 * 16 * dim * (times + 1));
}
