//! The same input gives the same bits: for any ranks and threads, any set of instructions, and for a
//! range of trajectories cut out of a larger run. Nothing may differ but what `store::VOLATILE` lists.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]
#![cfg(feature = "mpi")]

mod common;
#[path = "crash/rows.rs"]
mod rows;

use qsd::kernel::Isa;
use qsd::store::{Results, VOLATILE};
use rows::RowBytes;
use std::path::{Path, PathBuf};

/// Systems, methods, stored kets, a step check, and numbers of trajectories that end in the middle of a batch.
const RUNS: [&[&str]; 8] = [
    &["kerr_bistable", "--Nfock_a=12", "--duration=0.01", "--ntraj=61", "--first-trajectory=13", "--store-states=all"],
    &["kerr_bistable", "--Nfock_a=12", "--duration=0.01", "--ntraj=61", "--method=em", "--gauge=slh", "--store-record"],
    &[
        "absorptive_bistable",
        "--Nfock_a=9",
        "--duration=2",
        "--ntraj=59",
        "--method=em",
        "--store-states=all",
        "--store-record",
    ],
    &["absorptive_bistable", "--Nfock_a=9", "--duration=2", "--ntraj=59", "--first-trajectory=13", "--initial=ground"],
    &["kerr_qubit", "--Nfock_a=4", "--duration=0.4", "--ntraj=58", "--seed=9223372036854775807", "--method=rk4p1"],
    &[
        "kerr_bistableB33.25",
        "--initial=coherent:2,1",
        "--duration=0.02",
        "--ntraj=5",
        "--method=heun",
        "--store-states=final",
    ],
    &["kerr_bistable", "--Nfock_a=12", "--duration=0.01", "--ntraj=21", "--store-states=all", "--check-dt=40"],
    &[
        "absorptive_bistable",
        "--Nfock_a=9",
        "--duration=2",
        "--ntraj=59",
        "--first-trajectory=13",
        "--store-states=average",
    ],
];

/// Ranks and threads of each.
const SPLITS: [(usize, usize); 6] = [(1, 2), (1, 4), (2, 1), (2, 2), (3, 1), (7, 1)];

struct Run {
    file: PathBuf,
    printed: serde_json::Value,
}

/// One run into `file`, with what it printed about the numbers.
fn run(words: &[&str], (ranks, threads): (usize, usize), kernel: &str, file: PathBuf) -> Run {
    let mut command = match ranks {
        1 => common::qsd(),
        _ => common::launcher(ranks, env!("CARGO_BIN_EXE_qsd")),
    };
    // Small spaces make guards fail, which is not the matter here.
    command.arg("run").args(words).args(["--json", "--quiet", "--allow-unsafe", &format!("--threads={threads}"), "-o"]);
    command.arg(&file).env("QSD_KERNEL", kernel);
    let outcome = common::run(command).expect_code(0);
    let mut printed: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("one document");
    let document = printed.as_object_mut().expect("an object");
    document.remove("cost").expect("what it cost, which may differ");
    document.remove("results").expect("the name of the file, which differs");
    Run { file, printed }
}

#[track_caller]
fn assert_same(a: &Run, b: &Run) {
    assert_eq!(a.printed, b.printed, "{} and {}", a.file.display(), b.file.display());
    // h5diff leaves out the attributes of whole objects: `history` is one of the root, and the users of a scale,
    // which it follows to the volatile datasets, are one of `trajectory`.
    common::assert_same_hdf5(&a.file, &b.file, VOLATILE, &["/", "/trajectory"]);
    let (a, b) = (Results::open(&a.file).unwrap(), Results::open(&b.file).unwrap());
    for name in ["format", "format_version", "title", "source", "observables", "leaks", "parameter_hash"] {
        assert!(!a.about(name).is_empty() && a.about(name) == b.about(name), "{name}");
    }
    assert_eq!(a.resolved_input().unwrap(), b.resolved_input().unwrap());
}

#[test]
fn any_ranks_and_threads_give_the_bits_of_one() {
    let directory = common::temporary_directory();
    for (index, words) in RUNS.iter().enumerate() {
        let file = |name: &str| directory.path().join(format!("{index}-{name}.h5"));
        let one = run(words, (1, 1), "", file("one"));
        assert!(Results::open(&one.file).unwrap().valid_rows().unwrap().iter().all(|valid| *valid));
        for split in SPLITS {
            assert_same(&one, &run(words, split, "", file(&format!("{}-{}", split.0, split.1))));
        }
    }
}

#[test]
fn any_set_of_instructions_gives_the_bits_of_any_other() {
    let directory = common::temporary_directory();
    let kernels: Vec<_> = Isa::available().iter().map(|isa| isa.name()).collect();
    println!("this machine has {kernels:?}");
    for (index, words) in RUNS.iter().enumerate() {
        let file = |kernel: &str| directory.path().join(format!("{index}-{kernel}.h5"));
        let first = run(words, (1, 2), kernels[0], file(kernels[0]));
        for kernel in &kernels[1..] {
            assert_same(&first, &run(words, (1, 2), kernel, file(kernel)));
        }
    }
}

/// All rows of a file, in order.
fn rows(file: &Path) -> Vec<Vec<u8>> {
    let rows = RowBytes::read(file);
    (0..rows.count).map(|row| rows.row(row)).collect()
}

#[test]
fn a_range_of_trajectories_has_the_rows_of_the_larger_run() {
    let directory = common::temporary_directory();
    for (index, model) in ["kerr_bistable", "absorptive_bistable"].iter().enumerate() {
        let run = |first: usize, ntraj: usize, split| {
            let file = directory.path().join(format!("{index}-{first}-{ntraj}.h5"));
            let (first, ntraj) = (format!("--first-trajectory={first}"), format!("--ntraj={ntraj}"));
            let duration = if index == 0 { "--duration=0.01" } else { "--duration=1" };
            let words = [*model, "--Nfock_a=12", duration, "--store-states=final", &first, &ntraj];
            rows(&self::run(&words, split, "", file).file)
        };
        let all = run(0, 64, (1, 2));
        assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "trajectories differ");
        for (first, ntraj) in [(20, 11), (7, 1), (31, 33), (16, 8)] {
            assert!(run(first, ntraj, (2, 1)) == all[first..first + ntraj], "{model}: {ntraj} from {first}");
        }
    }
}
