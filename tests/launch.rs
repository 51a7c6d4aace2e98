//! Starting: processes that never met are told so, ranks without work do no harm.

mod common;

use std::process::Command;

/// A short run: eight saved intervals of the default regime, small enough for debug builds.
const SHORT: [&str; 5] = ["run", "--Nfock_a=12", "--duration=1.6", "--save-dt=0.2", "--quiet"];

/// The binary as the `of`-th part of a launch that `mpirun` knows nothing of.
fn lonely(variable: &str, of: usize) -> Command {
    let mut command = common::qsd();
    for known in ["QSD_RANKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_NAMESPACE", "SLURM_STEP_NUM_TASKS"] {
        command.env_remove(known);
    }
    command.env(variable, of.to_string());
    command
}

#[test]
fn processes_that_never_met_each_say_so_and_write_nothing() {
    let directory = common::temporary_directory();
    let file = directory.path().join("lonely.h5");
    for variable in ["QSD_RANKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"] {
        for _ in 0..3 {
            let mut command = lonely(variable, 3);
            command.args(SHORT).arg("-o").arg(&file);
            let outcome = common::run(command).expect_code(1);
            assert!(outcome.stderr.contains("E-launch"), "{}", outcome.stderr);
            assert!(outcome.stderr.contains(&format!("{variable}=3")), "{}", outcome.stderr);
            assert!(outcome.stderr.lines().count() == 1, "one sentence, not: {}", outcome.stderr);
        }
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "they wrote something");
}

#[test]
fn what_only_reads_does_not_care_about_the_launcher() {
    for argument in ["--help", "--version", "models"] {
        let mut command = lonely("PMI_SIZE", 3);
        command.arg(argument);
        common::run(command).expect_code(0);
    }
}

#[test]
fn a_process_without_a_launcher_needs_nothing_from_its_environment() {
    let directory = common::temporary_directory();
    let file = directory.path().join("alone.h5");
    let mut command = common::qsd();
    command.env_clear().args(SHORT).args(["--ntraj=3", "-o"]).arg(&file);
    let outcome = common::run(command).expect_code(0);
    assert_eq!(outcome.stderr, "", "something spoke although --quiet");
    assert!(file.exists());
}

#[cfg(feature = "mpi")]
#[test]
fn ranks_without_work_leave_with_the_others() {
    let directory = common::temporary_directory();
    let file = directory.path().join("idle.h5");
    let mut arguments: Vec<&str> = SHORT.to_vec();
    let path = file.to_str().unwrap();
    // Two trajectories are one batch: three of the four ranks have nothing to do.
    arguments.extend(["--ntraj=2", "-o", path]);
    common::mpirun(4, arguments).expect_code(0);
    assert!(file.exists());
}
