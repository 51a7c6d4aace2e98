//! A system of QuTiP runs here and agrees with its equation of motion. Skipped, loudly, where QuTiP is not
//! installed; `QSD_TEST_PYTHON` names a Python that has it.

mod laboratory;

use laboratory::run_line;
use num_complex::Complex64;
use std::process::Command;

#[test]
fn a_system_of_qutip_runs_here() {
    let python = std::env::var("QSD_TEST_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_qutip = Command::new(&python).args(["-c", "import qutip"]).output().is_ok_and(|out| out.status.success());
    if !has_qutip {
        eprintln!("SKIPPED: {python} cannot import qutip; QSD_TEST_PYTHON names one that can");
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("model.json");
    let wrote = Command::new(&python).arg("examples/from_qutip.py").arg(&file).status().expect("python");
    assert!(wrote.success());
    let found = run_line(&format!("{} --ntraj 8 --duration 10 --dt 0.005", file.display()));
    assert_eq!(found.ensemble.spec.origin.name(), "driven");
    // A driven cavity stays coherent: <a> tends to -i E/(i Delta + kappa/2), E = 0.4, Delta = 0.5, kappa = 1.
    let steady = -Complex64::I * 0.4 / Complex64::new(0.5, 0.5);
    let faded = libm::exp(-5.0) * Complex64::new(libm::cos(5.0), -libm::sin(5.0));
    let (mean, _) = found.mean("a", 10.0);
    assert!((mean - steady * (1.0 - faded)).norm() < 1e-4, "{mean}");
}
