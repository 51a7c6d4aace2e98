//! `qsd verify`: right numbers are called right, and wrong ones wrong.

mod common;

fn verify(line: &str) -> common::Outcome {
    common::run_qsd(std::iter::once("verify").chain(line.split_whitespace()))
}

#[test]
fn systems_with_known_answers_come_out_right() {
    let outcome = verify("--seed 2").expect_code(0);
    assert!(outcome.stdout.contains("numbers are right"), "{}", outcome.stdout);
    assert!(outcome.stdout.matches("\n  right  ").count() >= 28, "{}", outcome.stdout);
}

#[test]
fn a_run_is_compared_with_its_master_equation() {
    let outcome = verify("kerr_qubit --ntraj 200 --duration 2").expect_code(0);
    assert!(outcome.stdout.contains("All 3 numbers are right"), "{}", outcome.stdout);
    let outcome = verify("examples/pulsed-cavity.toml --ntraj 64").expect_code(0);
    assert!(outcome.stdout.contains("numbers are right"), "{}", outcome.stdout);
}

/// Euler-Maruyama at half the decay time is several per cent off, and a finer step is not.
#[test]
fn a_step_that_is_too_long_is_found() {
    let line = "examples/resonance-fluorescence.toml --method em --ntraj 20000";
    let outcome = verify(&format!("{line} --dt 0.5")).expect_code(3);
    assert!(outcome.stdout.contains("WRONG") && outcome.stdout.contains("do not trust"), "{}", outcome.stdout);
    verify(&format!("{line} --dt 0.01")).expect_code(0);
}

#[test]
fn what_cannot_be_compared_says_why() {
    let directory = common::temporary_directory();
    let file = directory.path().join("conditional.toml");
    let model =
        "H = 'q.sx'\nc_ops = ['q.sm']\ninitial = 'down'\nspace = { q = 'qubit' }\ne_ops = { v = 'var(q.up)' }\n";
    std::fs::write(&file, format!("{model}run = {{ duration = 1, save_dt = 1 }}\n")).expect("a file");
    let conditional = file.display().to_string();
    for (line, words) in [
        ("absorptive_bistable --Nfock_a 50", "100 states"),
        ("kerr_qubit --ntraj 1", "at least 2"),
        ("kerr_bistable --num-systems 2 --Nfock_a 5 --R 0.5 --eps 0.1", "two linked systems"),
        (&conditional, "functions of single trajectories"),
        ("--duration 3", "qsd verify MODEL --duration"),
    ] {
        let outcome = verify(line).expect_code(2);
        assert!(outcome.stderr.contains("E-verify") && outcome.stderr.contains(words), "{line}: {}", outcome.stderr);
    }
}
