//! Sweeps: every point has the bits of the run that sets its parameters, whatever the ranks, and whatever happened on
//! the way; and what makes no sweep is refused before anything is integrated.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![cfg(feature = "mpi")]

mod common;
#[path = "crash/processes.rs"]
mod processes;

use processes::Running;
use qsd::error::exit;
use qsd::store::{Results, Swept, VOLATILE};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A small run of two batches, the second of them not full. Its space is too small for the guard, which is not the matter here.
const RUN: &[&str] = &[
    "kerr_bistable",
    "--Nfock_a=10",
    "--duration=0.02",
    "--ntraj=13",
    "--seed=3",
    "--store-states=final",
    "--store-record",
    "--check-dt=8",
    "--allow-unsafe",
];
/// Two by three points.
const GRID: &[&str] = &["--sweep", "alpha0=5,6.5", "--sweep", "chi=linspace(-10,-5,3)"];

/// `qsd run` on some ranks.
fn command(ranks: usize, words: &[&[&str]], file: &Path) -> Command {
    let mut command = match ranks {
        1 => common::qsd(),
        _ => common::launcher(ranks, env!("CARGO_BIN_EXE_qsd")),
    };
    command.arg("run").args(words.concat()).args(["--quiet", "-o"]).arg(file);
    command
}

fn run(ranks: usize, words: &[&[&str]], file: &Path) -> common::Outcome {
    common::run(command(ranks, words, file))
}

/// One point of a sweep.
fn point(file: &Path, point: usize) -> Results {
    Swept::find(file).unwrap().expect("a sweep").at(point).unwrap().expect("a point that was begun")
}

/// All that a file says of one run, apart from what may differ: bits of every number.
fn content(results: &Results) -> String {
    let state = results.state().unwrap();
    let rows = 0..state.ntraj as usize;
    let names = results
        .observables()
        .unwrap()
        .into_iter()
        .map(|o| o.name)
        .chain(["psi", "record", "norm_drift", "h_gamma", "steps", "leak_a"].map(String::from));
    let bits = |name: String| {
        let values = results.values(&name, rows.clone()).unwrap();
        let bits: Vec<[u64; 2]> = values.iter().map(|z| [z.re.to_bits(), z.im.to_bits()]).collect();
        format!("{name}: {bits:?}")
    };
    assert!(results.valid_rows().unwrap().into_iter().all(|valid| valid), "rows and their checksums");
    let about = ["title", "parameter_hash", "observables", "leaks"].map(|name| results.about(name));
    let known = (
        results.times().unwrap(),
        results.seeds().unwrap(),
        results.trajectories().unwrap(),
        results.parameters().unwrap(),
        results.resolved_input().unwrap(),
        results.guards().unwrap(),
        results.statistics().unwrap().expect("statistics and their checksum"),
        results.step_check().unwrap(),
    );
    format!("{about:?}\n{state:?}\n{known:?}\n{}", names.map(bits).collect::<Vec<_>>().join("\n"))
}

/// Two stacked files hold the same bits, and nothing is left beside this one.
#[track_caller]
fn assert_same(a: &Path, b: &Path) {
    // Scales know by their addresses the datasets that may differ.
    common::assert_same_hdf5(a, b, VOLATILE, &["/", "/trajectory", "/alpha0", "/chi"]);
    for suffix in ["points", "lock", "stop"] {
        let left = beside(b, suffix);
        assert!(!left.exists(), "{} is left", left.display());
    }
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(format!(".{suffix}"));
    name.into()
}

#[test]
fn every_point_has_the_bits_of_the_run_that_sets_its_parameters() {
    let directory = common::temporary_directory();
    let (sweep, alone) = (directory.path().join("sweep.h5"), directory.path().join("alone.h5"));
    run(1, &[RUN, GRID], &sweep).expect_code(0);
    for (number, (alpha0, chi)) in
        [5.0, 6.5].into_iter().flat_map(|a| [-10.0, -7.5, -5.0].map(|chi| (a, chi))).enumerate()
    {
        let set = [format!("--set=alpha0={alpha0}"), format!("--set=chi={chi}")];
        run(1, &[RUN, &[&set[0], &set[1], "--force"]], &alone).expect_code(0);
        assert_eq!(content(&point(&sweep, number)), content(&Results::open(&alone).unwrap()), "point {number}");
    }
    let other = [content(&point(&sweep, 0)), content(&point(&sweep, 1))];
    assert_ne!(other[0], other[1], "points are told apart");
}

#[test]
fn any_ranks_give_the_bits_of_one() {
    let directory = common::temporary_directory();
    let file = |name: String| directory.path().join(name);
    let straight = file("1.h5".into());
    run(1, &[RUN, GRID], &straight).expect_code(0);
    for ranks in 2..=4 {
        let parallel = file(format!("{ranks}.h5"));
        run(ranks, &[RUN, GRID, &["--threads=1"]], &parallel).expect_code(0);
        assert_same(&straight, &parallel);
    }
    let gathered = file("gathered.h5".into());
    run(3, &[RUN, GRID, &["--threads=1", "--io=gather"]], &gathered).expect_code(0);
    assert_same(&straight, &gathered);
    // Again: there is nothing to do, and another sweep is told by what was typed.
    let before = std::fs::read(&straight).unwrap();
    run(2, &[RUN, GRID], &straight).expect_code(0);
    for (more, words) in [
        (["--sweep", "alpha0=5,6.5"], "was made with --sweep alpha0=5,6.5 --sweep chi=-10,-7.5,-5"),
        (["--seed=4", "--threads=1"], "--seed"),
    ] {
        let words_of_run: &[&[&str]] =
            if more[0] == "--sweep" { &[RUN, &more] } else { &[&RUN[..4], &RUN[5..], GRID, &more] };
        let refused = run(1, words_of_run, &straight);
        assert!(refused.code != Some(0) && refused.stderr.contains(words), "{}", refused.stderr);
    }
    let single = run(1, &[RUN], &straight);
    assert!(single.code != Some(0) && single.stderr.contains("--point alpha0=5,chi=-10"), "{}", single.stderr);
    assert!(std::fs::read(&straight).unwrap() == before);
}

#[test]
fn a_density_matrix_at_every_point_has_the_bits_of_the_run_alone() {
    let directory = common::temporary_directory();
    let file = |name: &str| directory.path().join(name);
    let (straight, parallel, alone) = (file("1.h5"), file("3.h5"), file("alone.h5"));
    let average: &[&str] = &["--store-states=average", "--threads=1"];
    let words: Vec<&str> = RUN.iter().copied().filter(|word| !word.starts_with("--store-states")).collect();
    let grid: &[&str] = &["--sweep=alpha0=5,6.5", "--sweep=chi=-10,-5"];
    run(1, &[&words, average, grid], &straight).expect_code(0);
    run(3, &[&words, average, grid], &parallel).expect_code(0);
    assert_same(&straight, &parallel);
    run(1, &[&words, average, &["--set=alpha0=6.5", "--set=chi=-10"]], &alone).expect_code(0);
    let (sweep, alone) = (point(&straight, 2), Results::open(&alone).unwrap());
    let rho = |results: &Results| -> Vec<[u64; 2]> {
        let values = results.values("rho", 0..results.times().unwrap().len()).unwrap();
        values.iter().map(|z| [z.re.to_bits(), z.im.to_bits()]).collect()
    };
    assert_eq!(sweep.averaged().unwrap(), Some((10, 13)));
    assert_eq!((rho(&sweep), sweep.averaged().unwrap()), (rho(&alone), alone.averaged().unwrap()));
    assert_ne!(rho(&sweep), rho(&point(&straight, 0)), "points are told apart");
}

/// Long trajectories, so that there is time to disturb them: two points, each on one of two ranks.
const LONG: &[&str] = &[
    "kerr_bistable",
    "--Nfock_a=14",
    "--duration=1000",
    "--save-dt=0.5",
    "--ntraj=8",
    "--threads=1",
    "--allow-unsafe",
    "--checkpoint-every=0s",
    "--sweep",
    "alpha0=5,6,7",
];

#[test]
fn a_sweep_that_was_stopped_or_killed_is_gone_on_with_to_the_same_bits() {
    let directory = common::temporary_directory();
    let file = |name: &str| directory.path().join(name);
    let straight = file("straight.h5");
    run(1, &[LONG], &straight).expect_code(0);
    // One rank of two is told, as by a batch system that knows one of them only, or when it has done its part and waits; then
    // a stop file; then it is killed.
    for (name, ranks, again) in
        [("term", 2, "resume"), ("late", 2, "resume"), ("file", 3, "resume"), ("kill", 2, "run")]
    {
        let output = file(&format!("{name}.h5"));
        let mut command = command(ranks, &[LONG], &output);
        processes::mark(&mut command, &output);
        let mut running = Running::start(&mut command);
        let point = if name == "late" { "002.h5.ckpt" } else { "000.h5.ckpt" };
        let checkpoint = beside(&output, "points").join(point);
        assert!(running.wait_for(|| checkpoint.exists()), "{name}: it ended without a checkpoint");
        let ranks_of = processes::ranks(&output);
        match name {
            "term" | "late" => processes::signal("TERM", ranks_of[ranks_of.len() - 1].1),
            "file" => std::fs::write(beside(&output, "stop"), "").unwrap(),
            _ => processes::signal("KILL", ranks_of[0].1),
        }
        let code = running.wait();
        assert!(!output.exists(), "{name}: a file of all points before all are done");
        if name != "kill" {
            assert_eq!(code, Some(exit::RESUMABLE), "{name}");
            let info = common::run_qsd(["info".as_ref(), output.as_os_str()]).expect_code(0);
            // Told through the stop file, no group goes on with another point.
            let last = Swept::find(&output).unwrap().expect("a sweep").at(2).unwrap();
            assert!(last.is_none_or(|last| !last.state().unwrap().complete), "{name}: a group was not told");
            assert!(info.stdout.contains("of 3 points are complete, each in a file of its own"), "{}", info.stdout);
        }
        processes::assert_all_gone(&output);
        let outcome = match again {
            "resume" => common::mpirun(
                2,
                ["resume".as_ref(), output.as_os_str(), "--quiet".as_ref(), "--allow-unsafe".as_ref()],
            ),
            _ => run(1, &[LONG], &output),
        };
        outcome.expect_code(0);
        assert_same(&straight, &output);
    }
}

/// A limit of the size of files stands for a disk that becomes full: the points fit below it, the file of all does not.
#[test]
fn points_that_cannot_be_put_together_stay_and_are_once_there_is_room() {
    let directory = common::temporary_directory();
    let (straight, file) = (directory.path().join("straight.h5"), directory.path().join("x.h5"));
    run(1, &[RUN, GRID], &straight).expect_code(0);
    let size = std::fs::metadata(&straight).unwrap().len();
    // Somewhere in the table of objects, among the first values, near the end.
    for part in [0.5, 0.7, 0.9, 0.98] {
        let command = common::limited(&command(1, &[RUN, GRID], &file), (part * size as f64) as u64);
        let failed = common::run(command).expect_code(exit::FAILED);
        assert_eq!(failed.stderr.matches("error: E-").count(), 1, "{}", failed.stderr);
        let left: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "the file of before, the folder, and nothing half-made: {left:?}");
    }
    common::mpirun(2, ["resume".as_ref(), file.as_os_str(), "--quiet".as_ref(), "--allow-unsafe".as_ref()])
        .expect_code(0);
    assert_same(&straight, &file);
}

#[test]
fn a_single_run_does_not_take_the_name_of_a_sweep_that_is_not_done() {
    let directory = common::temporary_directory();
    let file = directory.path().join("x.h5");
    // One of its points fails, so that the others wait for it.
    let words = ["kerr_bistable", "--Nfock_a=10", "--duration=0.02", "--ntraj=100", "--sweep=alpha0=0.5,20"];
    run(1, &[&words], &file).expect_code(exit::GUARD);
    let folder = beside(&file, "points");
    let names = || {
        let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = names();
    for (ranks, more) in [(1, vec![]), (2, vec!["--force"])] {
        let refused = run(ranks, &[&words[..4], &more], &file).expect_code(exit::FAILED);
        let said = ["E-sweep", "x.h5.points", "another file with -o", "remove the folder"];
        assert!(said.iter().all(|words| refused.stderr.contains(words)), "{}", refused.stderr);
        assert_eq!(refused.stderr.matches("error:").count(), 1, "{}", refused.stderr);
        assert!(!file.exists() && names() == before && !beside(&file, "lock").exists());
    }
    // In its folder and by its name it is a sweep all the same.
    let other = directory.path().join("other.h5");
    run(1, &[RUN], &other).expect_code(0);
    for files in [vec![directory.path()], vec![&file, &other]] {
        let words = |more: &'static [&'static str]| {
            let mut command = common::qsd();
            common::run({
                command.arg("info").args(&files).args(more);
                command
            })
        };
        let table = words(&[]).expect_code(0).stdout;
        let said = ["x.h5: 1 complete of 2 points of alpha0: ", "other.h5"];
        assert!(said.iter().all(|words| table.contains(words)) && !table.contains("000.h5"), "{table}");
        let table: serde_json::Value = serde_json::from_str(&words(&["--json"]).expect_code(0).stdout).unwrap();
        assert_eq!((&table["sweeps"][0]["points"], &table["sweeps"][0]["complete"]), (&2.into(), &1.into()), "{table}");
        assert_eq!(table["groups"].as_array().map(Vec::len), Some(1), "{table}");
    }
    std::fs::remove_file(&other).unwrap();
    let [a, b] = ["000.h5", "001.h5"].map(|name| folder.join(name));
    let merged = common::run_qsd(["merge".as_ref(), a.as_os_str(), "-o".as_ref(), file.as_os_str()]);
    assert!(merged.code == Some(exit::FAILED) && merged.stderr.contains("E-sweep"), "{}", merged.stderr);
    assert!(b.exists() && !file.exists());
    std::fs::remove_dir_all(&folder).unwrap();
    run(1, &[&words[..4], &["--set=alpha0=0.5"]], &file).expect_code(0);
}

#[test]
fn parameters_go_together_and_seeds_apart_when_asked_to() {
    let directory = common::temporary_directory();
    let (sweep, alone) = (directory.path().join("zip.h5"), directory.path().join("alone.h5"));
    let zip = ["--sweep=alpha0=5,6,7", "--sweep=chi=-10,-5,-5", "--sweep-zip", "--sweep-streams=independent"];
    run(2, &[RUN, &zip], &sweep).expect_code(0);
    let seeds: Vec<u64> = (0..3).map(|number| point(&sweep, number).seeds().unwrap()[0]).collect();
    assert!(seeds[0] != seeds[1] && seeds[1] != seeds[2] && !seeds.contains(&3), "{seeds:?}");
    // Any point can be run alone with the seed that its file names.
    let seed = format!("--seed={}", seeds[2]);
    let words: Vec<&str> = RUN.iter().copied().filter(|word| !word.starts_with("--seed")).collect();
    run(1, &[&words, &["--set=alpha0=7", "--set=chi=-5", &seed]], &alone).expect_code(0);
    assert_eq!(content(&point(&sweep, 2)), content(&Results::open(&alone).unwrap()));
}

#[test]
fn a_model_file_may_sweep_and_the_command_line_wins() {
    let directory = common::temporary_directory();
    let model = directory.path().join("m.toml");
    let text = "H = \"E*(a + a.dag)\"\nc_ops = [\"sqrt(kappa)*a\"]\ninitial = \"a.vacuum\"\n[space]\na = { fock = 8 }\n\
                [parameters]\nE = 0.3\nkappa = 1\nsteps = 2\n[e_ops]\nn = \"a.n\"\n[run]\nduration = 1\nntraj = 8\ndt = 0.1\n\
                allow_unsafe = true\n[sweep]\nE = \"linspace(0.1, 0.3, 3)\"\nkappa = [1, 2]\n";
    std::fs::write(&model, text).unwrap();
    let model = model.to_str().unwrap();
    let names = |name: &str, more: &[&str]| -> Vec<String> {
        let file = directory.path().join(name);
        run(1, &[&[model], more], &file).expect_code(0);
        let swept = Swept::find(&file).unwrap().expect("a sweep");
        (0..swept.axes().count()).map(|point| swept.axes().label(point)).collect()
    };
    let all = names("file.h5", &[]);
    assert_eq!((all.len(), all[3].as_str()), (6, "E=0.2,kappa=2"));
    assert_eq!(names("typed.h5", &["--sweep=kappa=3"]), ["kappa=3"]);
    let zipped = std::fs::read_to_string(model).unwrap().replace("0.3, 3)\"", "0.3, 2)\"\nzip = true");
    std::fs::write(model, zipped).unwrap();
    assert_eq!(names("zipped.h5", &[]), ["E=0.1,kappa=1", "E=0.3,kappa=2"]);
    assert_eq!(names("typed-again.h5", &["--sweep=kappa=3,4", "--sweep=E=1,2"]).len(), 4, "zip was of the file's");
    // What is set is not swept; with nothing left it is a single run.
    assert_eq!(names("set.h5", &["--set=kappa=1/2"]), ["E=0.1", "E=0.3"]);
    let single = directory.path().join("single.h5");
    let set: &[&str] = &["--set=kappa=2", "--set=E=0.3"];
    run(1, &[&[model], set], &single).expect_code(0);
    let told =
        |results: Results| (results.resolved_input().unwrap(), results.statistics().unwrap().expect("statistics"));
    assert_eq!(told(Results::open(&single).unwrap()), told(point(&directory.path().join("zipped.h5"), 1)));
    let verify = |more: &[&str]| {
        let mut command = common::qsd();
        command.args(["verify", model]).args(more);
        common::run(command)
    };
    let one = verify(&[set, &["--ntraj=200"]].concat());
    assert!(one.stdout.contains("exact"), "{}", one.stderr);
    for more in [&[][..], &["--set=kappa=2"]] {
        let refused = verify(more);
        assert!(refused.code != Some(0) && refused.stderr.contains("compares one run"), "{}", refused.stderr);
    }
    assert_eq!(names("computed.h5", &["--sweep=kappa=1/2, 2/2"]), ["kappa=0.5", "kappa=1"]);
    let nothing = run(1, &[&[model], set, &["--sweep-streams=independent"]], &single).expect_code(exit::USAGE);
    assert!(nothing.stderr.contains("independent has nothing to sweep"), "{}", nothing.stderr);
    // A parameter may be called like a dataset until it is swept.
    let clash = run(1, &[&[model, "--sweep=steps=1,2"]], &directory.path().join("clash.h5")).expect_code(exit::USAGE);
    assert!(clash.stderr.contains("--sweep steps: the axis would have this name"), "{}", clash.stderr);
}

#[test]
fn what_makes_no_sweep_is_refused_before_anything_is_integrated() {
    let directory = common::temporary_directory();
    let file = directory.path().join("x.h5");
    for (ranks, more, words) in [
        // A port that does not couple has no record.
        (1, ["--sweep=kappa2=0,1", "--gauge=slh"], "the results of kappa2=0 and of kappa2=1 cannot stand in one array"),
        (2, ["--sweep=kappa2=1,2,0", "--gauge=slh"], "the results of kappa2=1 and of kappa2=0"),
        (1, ["--sweep=colour=1,2", "--gauge=slh"], "colour"),
        (1, ["--sweep=chi=-5", "--target-tol=0.1"], "--target-tol"),
    ] {
        let refused = run(ranks, &[RUN, &more], &file).expect_code(exit::USAGE);
        assert!(refused.stderr.contains(words), "{}", refused.stderr);
        assert_eq!(refused.stderr.matches("error:").count(), 1, "said once: {}", refused.stderr);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
    let plan = run(2, &[RUN, GRID, &["--dry-run"]], &file).expect_code(0);
    assert!(plan.stdout.contains("the first of 6 points") && !file.exists(), "{}", plan.stdout);
    // A folder of somebody else is left alone.
    let folder = beside(&file, "points");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("000.h5"), "precious").unwrap();
    let refused = run(1, &[RUN, GRID], &file);
    assert!(refused.code != Some(0) && refused.stderr.contains("no sweep.toml"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(folder.join("000.h5")).unwrap(), "precious");
}

/// At alpha0 = 20 ten levels are far too few: with eight trajectories the guard is judged at the end, with a hundred
/// after the first of them.
#[test]
fn a_point_whose_guard_fails_does_not_end_the_sweep() {
    let directory = common::temporary_directory();
    let words = ["kerr_bistable", "--Nfock_a=10", "--duration=0.02", "--sweep=alpha0=0.5,20,0.6"];
    for (ranks, ntraj) in [(1, "--ntraj=8"), (3, "--ntraj=8"), (1, "--ntraj=100"), (2, "--ntraj=200")] {
        let file = directory.path().join(format!("{ranks}{ntraj}.h5"));
        let failed = run(ranks, &[&words, &[ntraj]], &file).expect_code(exit::GUARD);
        assert!(failed.stderr.contains("alpha0=20") && failed.stderr.contains("is not made"), "{}", failed.stderr);
        assert!(!file.exists());
        let info = common::run_qsd(["info".as_ref(), "--json".as_ref(), file.as_os_str()]).expect_code(0);
        let info: serde_json::Value = serde_json::from_str(&info.stdout).unwrap();
        let complete = |point: usize| info["points"][point]["results"]["complete"] == true;
        assert!(complete(0) && complete(2), "{ranks} {ntraj}");
        let guards = info["points"][1]["results"]["guards"].as_array().unwrap();
        assert!(guards.iter().any(|guard| guard["verdict"] == "failed"), "{guards:?}");
        let own = Results::open(&beside(&file, "points").join("001.h5")).unwrap().state().unwrap();
        assert_eq!(own.complete, ntraj == "--ntraj=8", "{own:?}");
        // Whether its verdict stands already or not.
        run(ranks, &[&words, &[ntraj, "--allow-unsafe"]], &file).expect_code(0);
        assert!(file.exists() && !beside(&file, "points").exists());
    }
}

#[test]
fn a_point_is_shown_and_exported_by_its_parameters() {
    let directory = common::temporary_directory();
    let file = directory.path().join("sweep.h5");
    run(1, &[RUN, GRID], &file).expect_code(0);
    let asked = |words: &[&str]| {
        let mut command = common::qsd();
        command.arg(words[0]).arg(&file).args(&words[1..]);
        common::run(command)
    };
    let all = asked(&["info"]).expect_code(0).stdout;
    assert!(
        all.contains("6 of 6 points are complete\n") && all.contains("    4      6.5     -7.5  complete  "),
        "{all}"
    );
    assert_eq!(all.lines().filter(|line| line.contains("complete  ")).count(), 6, "{all}");
    let one = asked(&["info", "--point", "alpha0=6.5,chi=-10", "--json"]).expect_code(0).stdout;
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&one["parameters"]["alpha0"], &one["parameters"]["chi"]), (&6.5.into(), &(-10.0).into()));
    asked(&["export", "--csv", "--point", "3"]).expect_code(0);
    let csv = std::fs::read_to_string(file.with_file_name("sweep-3.csv")).unwrap();
    let mean = point(&file, 3).statistics().unwrap().unwrap()[0].mean.last().unwrap().re;
    let found: f64 = csv.lines().last().unwrap().split(',').nth(1).unwrap().parse().unwrap();
    assert_eq!(found, mean, "{csv}");
    // Kets are read by time: this is the one point whose page they are on.
    let kets = |results: &Results| results.kets_at(0, 2..7).unwrap();
    let set = ["--set=alpha0=6.5", "--set=chi=-10"];
    let alone = directory.path().join("alone.h5");
    run(1, &[RUN, &set], &alone).expect_code(0);
    assert_eq!(kets(&point(&file, 3)), kets(&Results::open(&alone).unwrap()));
    asked(&["report", "--point", "alpha0=6.5,chi=-10"]).expect_code(0);
    let page = std::fs::read_to_string(file.with_file_name("sweep-alpha0=6.5_chi=-10.html")).unwrap();
    assert!(page.contains("Husimi") && page.contains("6.5"));
    let averages = asked(&["info", "--point", "3", "--from", "0.01"]).expect_code(0).stdout;
    assert!(averages.contains("its blocked error"), "{averages}");
    let svg = file.with_extension("svg");
    asked(&["plot", "--point=0", "--point", "alpha0=6.5,chi=-10", "-o", svg.to_str().unwrap()]).expect_code(0);
    let figure = std::fs::read_to_string(&svg).unwrap();
    assert!(["sweep.h5, 0: mean", "sweep.h5, alpha0=6.5,chi=-10: mean"].iter().all(|name| figure.contains(name)));
    let folder = |words: &[&str]| {
        let mut command = common::qsd();
        common::run({
            command.arg("info").arg(directory.path()).args(words);
            command
        })
    };
    let table = folder(&[]).expect_code(0).stdout;
    assert!(table.contains("sweep.h5: 6 points of alpha0, chi") && !table.contains("cannot be read"), "{table}");
    let table: serde_json::Value = serde_json::from_str(&folder(&["--json"]).expect_code(0).stdout).unwrap();
    assert_eq!((&table["sweeps"][0]["points"], &table["unreadable"]), (&6.into(), &serde_json::json!([])));
    assert!(folder(&["--point", "3"]).expect_code(exit::USAGE).stderr.contains("name one"));
    for (words, said) in [
        (&["report", "--force"][..], "--point alpha0=5,chi=-10"),
        (&["plot", "--term"], "--point alpha0=5,chi=-10"),
        (&["info", "--from", "0.01"], "--point alpha0=5,chi=-10"),
        (&["export", "--csv", "--force"], "--point alpha0=5,chi=-10"),
        (&["info", "--point", "alpha0=6"], "alpha0 has the values 5, 6.5"),
        (&["resume", "--quiet"], ""),
    ] {
        let outcome = asked(words);
        assert!(outcome.stderr.contains(said) && (outcome.code == Some(0)) == said.is_empty(), "{}", outcome.stderr);
    }
}
