//! What the tests that start processes share: the binary, ranks, deadlines, comparing files.
//!
//! A process that hangs is killed with all its ranks and fails its test; a missing launcher fails
//! it too, because a test that silently did nothing is worse than none.
#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]

use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

pub use tempfile::TempDir;

/// Nothing that a test starts may take longer.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// What a process left behind.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    /// Fails the test with everything that was printed unless the exit code is `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "exit code; stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// The binary under test.
pub fn qsd() -> Command {
    Command::new(env!("CARGO_BIN_EXE_qsd"))
}

/// The binary under test with these arguments, run to its end.
pub fn run_qsd<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Outcome {
    let mut command = qsd();
    command.args(arguments);
    run(command)
}

/// The binary under test with these words and files, run to its end.
pub fn run_qsd_on(words: &[&str], files: &[&Path]) -> Outcome {
    let mut command = qsd();
    command.args(words).args(files);
    run(command)
}

/// The binary under test on `ranks` ranks, run to its end.
pub fn mpirun<A: AsRef<OsStr>>(ranks: usize, arguments: impl IntoIterator<Item = A>) -> Outcome {
    let mut command = launcher(ranks, env!("CARGO_BIN_EXE_qsd"));
    command.args(arguments);
    run(command)
}

/// A launcher about to start `program` on `ranks` ranks: `mpirun`, or what `QSD_TEST_MPIRUN` says
/// (`srun --mpi=pmix`). Arguments of the program may follow.
pub fn launcher(ranks: usize, program: impl AsRef<OsStr>) -> Command {
    let words = std::env::var("QSD_TEST_MPIRUN").unwrap_or_else(|_| "mpirun".into());
    let mut words = words.split_whitespace();
    let mut command = Command::new(words.next().expect("QSD_TEST_MPIRUN is empty; unset it or name a launcher"));
    command.args(words).arg("-n").arg(ranks.to_string()).arg(program).envs(mpi_environment());
    SESSIONS.with(|directory| command.envs(SESSION_VARIABLES.map(|variable| (variable, directory.path()))));
    command
}

thread_local! {
    /// Where a launcher of this thread keeps its files. One that ends removes the directory of all its user's sessions when it
    /// is empty, sometimes while another, of a test beside this one, is about to make its own there.
    static SESSIONS: TempDir = temporary_directory();
}

/// What names that directory, to Open MPI 4 and 5.
const SESSION_VARIABLES: [&str; 2] = ["OMPI_MCA_orte_tmpdir_base", "PRTE_MCA_prte_tmpdir_base"];

/// The lines `NAME=VALUE` of scripts/mpi.env.
fn mpi_environment() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("../../scripts/mpi.env")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|l| l.split_once('='))
}

/// Runs to the end or to the deadline.
pub fn run(command: Command) -> Outcome {
    run_within(command, DEADLINE)
}

/// Runs to the end; after `deadline` the process and all it started are killed and the test fails.
pub fn run_within(mut command: Command, deadline: Duration) -> Outcome {
    // Files, not pipes: an orphan that keeps a pipe open would keep the reader waiting.
    let directory = temporary_directory();
    let (stdout, stderr) = (directory.path().join("stdout"), directory.path().join("stderr"));
    let create = |path: &Path| File::create(path).expect("a file in a fresh directory");
    command.stdin(Stdio::null()).stdout(create(&stdout)).stderr(create(&stderr)).process_group(0);
    let started = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{}", cannot_start(&command, &error)));
    let status = wait_until(&mut child, started + deadline);
    let read = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).expect("just created")).into_owned();
    let (stdout, stderr) = (read(&stdout), read(&stderr));
    match status {
        Some(status) => Outcome { code: status.code(), stdout, stderr },
        None => panic!("{command:?} was killed after {deadline:?}; stdout:\n{stdout}\nstderr:\n{stderr}"),
    }
}

fn cannot_start(command: &Command, error: &std::io::Error) -> String {
    let program = command.get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound => format!(
            "{program} is missing and this test needs it: `make setup` installs it; \
             QSD_TEST_MPIRUN names another launcher than mpirun"
        ),
        _ => format!("cannot start {program}: {error}"),
    }
}

/// The status of the child, or `None` after killing its process group at `end`.
fn wait_until(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    if let Some(status) = poll_until(child, end) {
        return Some(status);
    }
    // Ranks are in groups of their own: TERM lets the launcher end them, KILL ends the launcher.
    signal_group("TERM", child);
    if poll_until(child, Instant::now() + Duration::from_secs(10)).is_none() {
        signal_group("KILL", child);
        child.kill().expect("our own child");
        child.wait().expect("our own child");
    }
    None
}

fn poll_until(child: &mut Child, end: Instant) -> Option<ExitStatus> {
    while Instant::now() < end {
        if let Some(status) = child.try_wait().expect("our own child") {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Sends a signal to a process started by `run_within` or with `process_group(0)`, and to all in its group.
pub fn signal_group(signal: &str, child: &Child) {
    let kill = format!("kill -s {signal} -- -{}", child.id());
    // It fails when everybody has left already, which is as good.
    let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status();
}

/// The same command, for which no file grows beyond so many bytes, in blocks of 512: as on a full disk.
pub fn limited(inner: &Command, bytes: u64) -> Command {
    let limit = format!("trap '' XFSZ; ulimit -f {}; exec \"$@\"", bytes / 512);
    let mut limited = Command::new("sh");
    limited.args(["-c", &limit, "sh"]).arg(inner.get_program()).args(inner.get_args());
    limited.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    limited
}

/// Changes the last bit of a number in a file, wherever it stands.
#[track_caller]
pub fn change(file: &Path, number: f64) {
    let mut bytes = std::fs::read(file).expect("a file");
    let known = number.to_le_bytes();
    let at: Vec<usize> = (0..bytes.len() - 8).filter(|at| bytes[*at..at + 8] == known).collect();
    assert!(!at.is_empty(), "{number} is not in {}", file.display());
    at.iter().for_each(|at| bytes[*at] ^= 1);
    std::fs::write(file, bytes).expect("a file that can be written");
}

/// A directory that disappears with its owner.
pub fn temporary_directory() -> TempDir {
    tempfile::Builder::new().prefix("qsd-test-").tempdir().expect("a temporary directory")
}

/// Fails the test unless two HDF5 files hold the same bits, apart from these objects and attributes (full paths).
#[track_caller]
pub fn assert_same_hdf5(a: &Path, b: &Path, but_paths: &[&str], but_attributes: &[&str]) {
    let mut command = Command::new("h5diff");
    // -c names what could not be compared, which otherwise counts as equal.
    command.args(["-r", "-c"]);
    command.args(but_paths.iter().flat_map(|path| ["--exclude-path", path]));
    command.args(but_attributes.iter().flat_map(|path| ["--exclude-attribute", path]));
    command.args([a, b]);
    let outcome = run(command);
    let same = outcome.code == Some(0) && !outcome.stdout.contains("not comparable");
    assert!(same, "{} and {} differ:\n{}{}", a.display(), b.display(), outcome.stdout, outcome.stderr);
}

/// A file of this package, by its path from the root.
pub fn in_package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
