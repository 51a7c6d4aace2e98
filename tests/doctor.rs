//! `qsd doctor` on this machine, alone and on ranks, and where it is known what is wrong.

mod common;

use std::process::Command;

/// The line about a subject.
fn line<'a>(stdout: &'a str, subject: &str) -> &'a str {
    let found = stdout.lines().find(|line| line.get(9..).is_some_and(|rest| rest.starts_with(subject)));
    found.unwrap_or_else(|| panic!("nothing about {subject} in:\n{stdout}"))
}

fn doctor() -> Command {
    let mut command = common::qsd();
    command.arg("doctor");
    command
}

#[test]
fn a_process_alone_can_write_here() {
    let directory = common::temporary_directory();
    let mut command = doctor();
    command.arg(directory.path());
    let outcome = common::run(command);
    for subject in ["launch", "hdf5", "cores", "directory", "file locks"] {
        assert!(line(&outcome.stdout, subject).starts_with("good"), "{}", outcome.stdout);
    }
    assert!(line(&outcome.stdout, "launch").contains("without a launcher"), "{}", outcome.stdout);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "the doctor left something behind");
}

#[cfg(feature = "mpi")]
#[test]
fn ranks_pass_a_large_message_round() {
    let directory = common::temporary_directory();
    let outcome = common::mpirun(3, ["doctor".as_ref(), directory.path().as_os_str()]);
    assert!(line(&outcome.stdout, "launch").contains("3 ranks"), "{}", outcome.stdout);
    assert!(line(&outcome.stdout, "ring").starts_with("good"), "{}", outcome.stdout);
    assert!(line(&outcome.stdout, "directory").contains("all ranks"), "{}", outcome.stdout);
    assert_eq!(outcome.stdout.matches("hdf5").count(), 1, "one rank speaks: {}", outcome.stdout);
    let known = line(&outcome.stdout, "mpi");
    assert!(known.starts_with("good") && !known.contains("compiled for"), "{known}");
}

#[test]
fn what_is_bad_decides_the_exit_code_and_says_what_to_do() {
    let directory = common::temporary_directory();
    let file = directory.path().join("file");
    std::fs::write(&file, "no directory").unwrap();
    let mut command = doctor();
    command.arg(&file);
    let outcome = common::run(command).expect_code(1);
    assert!(line(&outcome.stdout, "directory").starts_with("bad"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("-> qsd doctor DIR"), "{}", outcome.stdout);

    let mut lonely = doctor();
    lonely.env("PMI_SIZE", "3").env_remove("OMPI_COMM_WORLD_SIZE").env_remove("QSD_RANKS");
    let outcome = common::run(lonely).expect_code(1);
    let launch = line(&outcome.stdout, "launch");
    assert!(launch.starts_with("bad") && launch.contains("PMI_SIZE=3"), "{launch}");

    let mut slow = doctor();
    slow.arg(directory.path()).env("QSD_KERNEL", "portable");
    let outcome = common::run(slow).expect_code(3);
    assert!(line(&outcome.stdout, "kernel").starts_with("warning"), "{}", outcome.stdout);
}
