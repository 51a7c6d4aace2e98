//! Exports as commands: what they refuse, and what becomes of half a run. `make test-readers` opens them in other programs.

mod common;

use std::path::Path;

fn run(file: &Path, more: &[&str]) -> common::Outcome {
    let mut command = common::qsd();
    command
        .args(["run", "--Nfock_a=12", "--duration=0.4", "--ntraj=5", "--quiet", "--force", "-o"])
        .arg(file)
        .args(more);
    common::run(command).expect_code(0)
}

fn export(file: &Path, more: &[&str]) -> common::Outcome {
    let mut command = common::qsd();
    command.arg("export").arg(file).args(more);
    common::run(command)
}

#[test]
fn an_export_stands_in_nobodys_way() {
    let directory = common::temporary_directory();
    let file = directory.path().join("run.h5");
    run(&file, &[]);
    for (flag, name) in [("--csv", "run.csv"), ("--npz", "run.npz"), ("--mat", "run.mat")] {
        let path = directory.path().join(name);
        export(&file, &[flag]).expect_code(0);
        let first = std::fs::read(&path).expect(name);
        let refused = export(&file, &[flag]).expect_code(1);
        assert!(refused.stderr.contains("E-export") && refused.stderr.contains("--force"), "{}", refused.stderr);
        export(&file, &[flag, "--force"]).expect_code(0);
        assert_eq!(first, std::fs::read(&path).expect(name), "{name} is not the same again");
    }
    let names: Vec<_> = std::fs::read_dir(directory.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names.len(), 4, "half-made files were left behind: {names:?}");
    let missing = export(&directory.path().join("none.h5"), &["--csv"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.stderr.contains("no such file"), "{}", missing.stderr);
    assert_eq!(export(&file, &[]).code, Some(2), "without a format it cannot know what to do");
}

/// The rows that are there, and no zeros for those that are not.
#[test]
fn half_a_run_exports_its_finished_trajectories() {
    let directory = common::temporary_directory();
    let (half, whole) = (directory.path().join("half.h5"), directory.path().join("whole.h5"));
    run(&whole, &["--save2mat", "--save2pkl"]);
    assert!(directory.path().join("whole.mat").exists() && directory.path().join("whole.npz").exists());
    let rows = |name: &str| {
        // expects[trajectory, time, observable] is the first array of the archive; its shape is in plain text.
        let bytes = std::fs::read(directory.path().join(name)).expect(name);
        let text = String::from_utf8_lossy(&bytes[..400]).into_owned();
        let (_, shape) = text.split_once("'shape': (").expect("a shape");
        shape.split(',').next().expect("a number").trim().parse::<usize>().expect("a number")
    };
    assert_eq!(rows("whole.npz"), 5);
    // Stopped after a second: with some trajectories, or with none on a slow machine.
    let mut command = common::qsd();
    let long = "run --Nfock_a=12 --duration=400 --save-dt=1 --ntraj=5000 --method=heun --allow-unsafe --quiet --max-wall=1s -o";
    command.args(long.split(' ')).arg(&half);
    common::run(command).expect_code(75);
    let outcome = export(&half, &["--npz"]);
    match outcome.code {
        Some(0) => {
            assert!(rows("half.npz") < 5000);
            let info = common::run_qsd(["info".as_ref(), half.as_os_str(), "--json".as_ref()]).expect_code(0).stdout;
            let done = format!("\"done\": {},", rows("half.npz"));
            assert!(info.contains(&done), "{done} is not in\n{info}");
        }
        Some(1) => assert!(outcome.stderr.contains("no finished trajectory yet"), "{}", outcome.stderr),
        _ => panic!("{outcome:?}"),
    }
}
