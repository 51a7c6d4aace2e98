//! Which source this binary was built from, for the provenance of its results; what the HDF5 it is built with can do.

use std::process::Command;

fn main() {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("--no-optional-locks").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    // A build from an archive has no history; one inside somebody else's repository must not take theirs.
    let ours = git(&["ls-files", "--error-unmatch", "Cargo.toml"]).is_some();
    let revision = ours.then(|| git(&["rev-parse", "HEAD"])).flatten();
    let dirty = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    let revision = revision.map(|hash| if dirty { format!("{hash}+dirty") } else { hash });
    // The build of an image has no history either: whoever starts it says what it is built from.
    let told = std::env::var("QSD_REVISION").ok().filter(|told| !told.is_empty());
    let revision = revision.or(told).unwrap_or_else(|| "unknown".into());
    println!("cargo:rerun-if-env-changed=QSD_REVISION");
    println!("cargo:rustc-env=QSD_GIT_REVISION={revision}");
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok();
    let version = version.map_or("unknown".into(), |v| String::from_utf8_lossy(&v.stdout).trim().to_owned());
    println!("cargo:rustc-env=QSD_RUSTC={version}");
    if std::env::var_os("CARGO_FEATURE_MPI").is_some() {
        println!("cargo:rustc-env=QSD_MPI={}", mpi_library());
        println!("cargo:rerun-if-env-changed=MPICC");
    }
    // HDF5 can be told file by file not to lock from 1.10.7 on.
    println!("cargo:rustc-check-cfg=cfg(hdf5_locking)");
    if std::env::var_os("DEP_HDF5_VERSION_1_10_7").is_some() {
        println!("cargo:rustc-cfg=hdf5_locking");
    }
    for name in ["TARGET", "PROFILE"] {
        println!("cargo:rustc-env=QSD_{name}={}", std::env::var(name).unwrap_or_default());
    }
    // Where a work tree keeps these, git knows; a path that is not there would build everything anew every time.
    let kept =
        ["HEAD", "index"].into_iter().filter(|_| ours).filter_map(|name| git(&["rev-parse", "--git-path", name]));
    for path in kept.chain(["build.rs", "src"].map(str::to_owned)) {
        println!("cargo:rerun-if-changed={path}");
    }
}

/// The MPI library of the compiler wrapper, in the words that library uses of itself; "unknown" if it does not say.
fn mpi_library() -> String {
    let mpicc = std::env::var("MPICC").unwrap_or_else(|_| "mpicc".into());
    let says = |flag: &str| {
        let output = Command::new(&mpicc).arg(flag).output().ok().filter(|output| output.status.success());
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    // "mpicc: Open MPI 4.1.4 (Language: C)" and "mpicc for MPICH version 4.0.2".
    let after = |text: String, mark: &str| {
        let (_, rest) = text.split_once(mark)?;
        rest.split_whitespace().next().map(str::to_owned)
    };
    let open_mpi = after(says("--showme:version"), "Open MPI ").map(|version| format!("Open MPI v{version}"));
    let mpich = || after(says("-v"), "MPICH version ").map(|version| format!("MPICH Version: {version}"));
    open_mpi.or_else(mpich).unwrap_or_else(|| "unknown".into())
}
