//! The check of a step: what it says of a step is true, it disturbs no number of the run, and it survives what runs survive.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod common;
mod laboratory;

use laboratory::{Found, run_spec, spec, system};
use num_complex::Complex64;
use qsd::ensemble::{Ensemble, StepSize, StepVerdict};
use qsd::input::RunSpec;
use qsd::integrator::METHODS;
use qsd::model::{Factor, Model, Operator};

/// H = sigma_x, L = sigma_-, from the ground state.
fn qubit() -> Model {
    let lower = Operator::spin_minus(2);
    let drive = &lower + &lower.dag();
    let excited = &lower.dag() * &lower;
    system(Factor::spin("j", 2), drive, vec![lower], vec![Complex64::ZERO, Complex64::ONE], vec![("e", excited)])
}

/// The population of its excited state: e' = -2 y - e, y' = 2 e - 1 - y/2, y the imaginary part of rho_eg.
fn exact(t: f64) -> f64 {
    let rate = |[e, y]: [f64; 2]| [-2.0 * y - e, 2.0 * e - 1.0 - 0.5 * y];
    let along = |x: [f64; 2], d: [f64; 2], h: f64| [x[0] + h * d[0], x[1] + h * d[1]];
    let (steps, mut x) = (1000, [0.0, 0.0]);
    let h = t / f64::from(steps);
    for _ in 0..steps {
        let a = rate(x);
        let b = rate(along(x, a, 0.5 * h));
        let c = rate(along(x, b, 0.5 * h));
        let d = rate(along(x, c, h));
        x = [0, 1].map(|i| x[i] + h / 6.0 * (a[i] + 2.0 * b[i] + 2.0 * c[i] + d[i]));
    }
    x[0]
}

fn checked(line: &str) -> RunSpec {
    spec(&format!("kerr_qubit {line}"))
}

fn run_qubit(line: &str) -> Found {
    let found = laboratory::run_system(qubit(), &format!("kerr_qubit {line}"));
    assert_eq!(found.outcome.summary.check.is_some(), line.contains("--check-dt"));
    found
}

fn verdict(found: &Found) -> StepVerdict {
    let (summary, ensemble) = (&found.outcome.summary, &found.ensemble);
    let check = summary.check.as_ref().unwrap();
    check.judge(&ensemble.observables, &ensemble.times, &summary.observables, summary.n_done)
}

#[test]
fn the_bias_it_finds_is_that_of_the_step() {
    for info in METHODS {
        let line =
            format!("--method {} --duration 4 --save-dt 1 --dt 0.125 --check-dt 65536 --ntraj 500000", info.name);
        let found = run_qubit(&line);
        let verdict = verdict(&found);
        let at = verdict.means[0].last;
        let bias = found.mean("e", 4.0).0.re - exact(4.0);
        println!("{}: found {:.5} +- {:.5}, is {bias:.5} +- {:.5}", info.name, at.bias, at.bias_sem, at.sem);
        // Beside the two statistical errors, the next power of h: (h/2)/(1/|lambda|) of the bias, |lambda| about 2.
        let allowed = 4.0 * at.bias_sem.hypot(at.sem) + 0.125 * bias.abs();
        assert!((at.bias - bias).abs() < allowed, "{}: found {at:?}, is {bias}", info.name);
        if info.name == "em" {
            assert!(at.bias.abs() > 10.0 * at.bias_sem && bias.abs() > 10.0 * at.sem, "the bias is seen: {at:?}");
            assert_eq!(verdict.verdict, Some(StepSize::Above));
            assert!(verdict.sufficient_step.unwrap() < 0.03, "{verdict:?}");
        }
    }
}

#[test]
fn a_small_step_is_below_and_the_step_it_proposes_too() {
    let line = "--method em --duration 4 --save-dt 1 --ntraj 1000 --check-dt 1024";
    let coarse = verdict(&run_qubit(&format!("{line} --dt 0.25")));
    assert_eq!(coarse.verdict, Some(StepSize::Above), "{coarse:?}");
    let proposed = coarse.sufficient_step.unwrap();
    let fine = verdict(&run_qubit(&format!("{line} --dt {}", 0.5 * proposed)));
    assert_eq!(fine.verdict, Some(StepSize::Below), "--dt {proposed} was proposed: {fine:?}");
}

#[test]
fn it_changes_no_number_of_the_run() {
    let rows = |line: &str| {
        let found = run_qubit(&format!("--duration 2 --save-dt 0.5 --dt 0.1 --ntraj 21 {line}"));
        let summary = found.outcome.summary.clone();
        (found.rows("e"), summary.observables, summary.guards)
    };
    assert!(rows("") == rows("--check-dt 40"));
}

/// The largest strong error of any observable at the end, relative to the largest mean.
fn strong(line: &str) -> f64 {
    let found = run_spec(spec(&format!("{line} --check-dt 32 --ntraj 8")));
    let last = |values: &[Complex64]| values.last().unwrap().norm();
    let check = found.outcome.summary.check.as_ref().unwrap();
    let of = |(difference, mean): (&qsd::ensemble::StepDifference, &qsd::ensemble::Statistics)| {
        last(&difference.strong) / last(&mean.mean).max(0.1)
    };
    check.observables.iter().zip(&found.outcome.summary.observables).map(of).fold(0.0, f64::max)
}

/// On another path, or one that is out of step, a difference would not fall with the step. In the time of the run the
/// constants of the strong orders 1/2 and 1 are about the same; halved thrice, 1/2 gives a factor of 2.8.
#[test]
fn the_same_path_is_followed_by_both_whatever_depends_on_time() {
    let linked = "kerr_bistable --num-systems 2 --fock a=6,exact --duration 0.02 --R 0.6 --eps 0.5 --filter-time 0.01";
    for (line, constant, dt) in [
        ("absorptive_bistable --Nfock_a 9 --duration 0.4", true, 0.02),
        (linked, false, 2e-4),
        ("examples/pulsed-qubit.toml --save-dt 0.3 --duration 3", false, 0.08),
    ] {
        for info in METHODS.iter().filter(|info| constant || !info.constant) {
            let at = |dt: f64| strong(&format!("{line} --method {} --dt {dt}", info.name));
            let (coarse, fine) = (at(dt), at(dt / 8.0));
            println!("{line}, {}: {coarse:.2e} {fine:.2e}", info.name);
            assert!(coarse > 2.0 * fine && fine > 0.0, "{line}, {}: {coarse} {fine}", info.name);
        }
    }
}

#[test]
fn the_trajectories_of_a_check_come_in_eights() {
    let refused = RunSpec { check_dt: Some(12), ..checked("") };
    assert!(
        RunSpec::from_toml(&refused.to_toml()).unwrap_err().to_string().contains("--check-dt 12: expected a multiple")
    );
    let ensemble = Ensemble::of_model(checked("--check-dt"), qubit()).unwrap();
    assert_eq!(ensemble.spec.check_dt, Some(32));
}

mod files {
    use super::common::{self, Outcome, run_qsd};
    use qsd::ensemble::StepCheck;
    use qsd::store::{Results, VOLATILE};
    use std::path::Path;

    const MODEL: [&str; 5] = ["run", "kerr_bistable", "--Nfock_a=12", "--duration=0.01", "--allow-unsafe"];
    /// Of a check that takes long enough to be cut.
    const LONG: u64 = 4096;

    fn run_to(file: &Path, words: &[&str]) -> Outcome {
        run_qsd(MODEL.iter().copied().chain(words.iter().copied()).chain(["--json", "-o", file.to_str().unwrap()]))
    }

    fn check(file: &Path) -> Option<StepCheck> {
        Results::open(file).unwrap().step_check().unwrap()
    }

    fn steps(outcome: &Outcome) -> u64 {
        let printed: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        printed["cost"]["steps"].as_u64().unwrap()
    }

    #[track_caller]
    fn assert_same(a: &Path, b: &Path) {
        common::assert_same_hdf5(a, b, VOLATILE, &["/", "/trajectory"]);
        assert!(check(a).is_some() && check(a) == check(b));
    }

    #[test]
    fn it_is_done_once_and_again_only_if_it_was_cut() {
        let directory = common::temporary_directory();
        let file = |name: &str| directory.path().join(name);
        let (whole, cut) = (file("whole.h5"), file("cut.h5"));
        let long = format!("--check-dt={LONG}");
        let straight = run_to(&whole, &["--ntraj=16", &long]).expect_code(0);
        let trajectory = steps(&straight) / (16 + 3 * LONG);
        assert_eq!(steps(&straight), trajectory * (16 + 3 * LONG));

        // Stopped in its first steps: nothing is known of it, and the last word says so.
        let stopped = run_to(&cut, &["--ntraj=16", &long, "--max-wall=0s"]).expect_code(75);
        assert!(stopped.stderr.contains("and the check of the step is not"), "{}", stopped.stderr);
        assert_eq!((check(&cut), Results::open(&cut).unwrap().state().unwrap().complete), (None, false));
        run_qsd(["resume", cut.to_str().unwrap(), "--quiet", "--allow-unsafe"]).expect_code(0);
        assert_same(&whole, &cut);

        let (longer, extended) = (file("longer.h5"), whole);
        run_to(&longer, &["--ntraj=40", &long]).expect_code(0);
        let words = ["extend", extended.to_str().unwrap(), "--ntraj=40", "--json", "--allow-unsafe"];
        let outcome = run_qsd(words).expect_code(0);
        assert_eq!(steps(&outcome), trajectory * 24, "not done again");
        assert_same(&longer, &extended);
    }

    #[test]
    fn a_check_that_was_killed_is_done_again() {
        let directory = common::temporary_directory();
        let (whole, killed) = (directory.path().join("whole.h5"), directory.path().join("killed.h5"));
        let words = ["--ntraj=8", &format!("--check-dt={LONG}"), "--threads=2"];
        run_to(&whole, &words).expect_code(0);
        let mut child = common::qsd().args(MODEL).args(words).arg("-o").arg(&killed).arg("--quiet").spawn().unwrap();
        while !killed.exists() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(check(&killed), None);
        assert!(!Results::open(&killed).unwrap().state().unwrap().complete);
        run_to(&killed, &words).expect_code(0);
        assert_same(&whole, &killed);
    }

    #[test]
    fn a_merged_file_has_the_check_of_its_lowest_seed() {
        let directory = common::temporary_directory();
        let file = |name: &str| directory.path().join(name);
        let make = |name: &str, words: &[&str]| {
            run_to(&file(name), words).expect_code(0);
            file(name)
        };
        let a = make("a.h5", &["--ntraj=16", "--seed=2"]);
        let b = make("b.h5", &["--ntraj=16", "--seed=2", "--first-trajectory=16", "--check-dt=16"]);
        let c = make("c.h5", &["--ntraj=16", "--seed=2", "--first-trajectory=32", "--check-dt=32"]);
        let d = make("d.h5", &["--ntraj=16", "--seed=3", "--check-dt=64"]);
        let merge = |name: &str, files: &[&Path]| {
            let files = files.iter().map(|path| path.to_str().unwrap());
            let words = ["merge", "--quiet", "--allow-unsafe", "-o", file(name).to_str().unwrap()].map(String::from);
            run_qsd(words.into_iter().chain(files.map(String::from))).expect_code(0);
            file(name)
        };
        let all = merge("all.h5", &[&d, &b, &a, &c]);
        assert_eq!(check(&all), check(&c));
        // One seed and one range: it is the file of a run with that check.
        let range = merge("range.h5", &[&a, &c, &b]);
        let straight = make("straight.h5", &["--ntraj=48", "--seed=2", "--check-dt=32"]);
        assert_eq!(check(&range), check(&straight));
        let input = |file: &Path| Results::open(file).unwrap().resolved_input().unwrap();
        assert_eq!(input(&range), input(&straight));
        // Those of other seeds are left out, and the input does not ask for one.
        let none = merge("none.h5", &[&d, &a]);
        assert_eq!((check(&none), input(&none).contains("check_dt")), (None, false));
        run_qsd(["info", none.to_str().unwrap()]).expect_code(0);
    }

    #[test]
    #[cfg(feature = "mpi")]
    fn rank_0_writes_it_for_all_and_a_run_that_ends_early_has_it() {
        let directory = common::temporary_directory();
        let (one, gathered) = (directory.path().join("one.h5"), directory.path().join("gathered.h5"));
        let words = ["--ntraj=400", "--check-dt=40", "--target-tol=n=0.5"];
        run_to(&one, &words).expect_code(0);
        let words = MODEL.iter().chain(&words).chain(&["--quiet", "--threads=1", "--io=gather", "-o"]);
        common::mpirun(3, words.map(|word| word.to_string()).chain([gathered.display().to_string()])).expect_code(0);
        assert_same(&one, &gathered);
        let state = Results::open(&one).unwrap().state().unwrap();
        assert!(state.complete && state.n_done < 400, "{state:?}");
    }
}
