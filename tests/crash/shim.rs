//! `shim.c` beside this file, compiled and loaded into the ranks of a run: what they do to the results
//! file is written down, and one of them can be struck in the middle of it.
#![allow(dead_code, reason = "every test file uses a part of this")]

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// One thing done to the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Number among those of its process, from 1.
    pub number: usize,
    /// write, truncate, sync, rename, unlink; or peak, at a normal end.
    pub name: String,
    /// First byte of a write.
    pub offset: u64,
    /// Bytes really written; for `peak` the most memory the process ever had, in kB.
    pub length: u64,
}

/// What happens to the struck rank.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Strike {
    /// It dies before the operation.
    Before,
    /// It dies after half of the write.
    Half,
    /// This write and all later ones fail with this errno.
    Fails(i32),
}

/// Watch what `command` does to `file` (an absolute path); the ranks write it down beside `log`.
pub fn watch(command: &mut Command, file: &Path, log: &Path) {
    command.env("LD_PRELOAD", library()).env("QSD_SHIM_FILE", file).env("QSD_SHIM_LOG", log);
}

/// Strike `rank` of a watched command at its `at`-th operation.
pub fn strike(command: &mut Command, rank: usize, at: usize, how: Strike) {
    let how = match how {
        Strike::Before => "kill".into(),
        Strike::Half => "half".into(),
        Strike::Fails(errno) => errno.to_string(),
    };
    command.env("QSD_SHIM_RANK", rank.to_string()).env("QSD_SHIM_AT", at.to_string()).env("QSD_SHIM_DO", how);
}

/// What a rank did, in order; nothing if it never touched the file.
pub fn journal(log: &Path, rank: usize) -> Vec<Operation> {
    let text = std::fs::read_to_string(journal_path(log, rank)).unwrap_or_default();
    text.lines().filter(|line| line.split(' ').count() == 4).map(operation).collect()
}

/// The bytes that were written to the finished skeleton.
pub fn written(journal: &[Operation]) -> Vec<Range<usize>> {
    // Before the rename the whole file is filled with what means "no row yet".
    let made = journal.iter().position(|operation| operation.name == "rename").unwrap_or(0);
    let writes = journal[made..].iter().filter(|operation| operation.name == "write");
    writes.map(|write| write.offset as usize..(write.offset + write.length) as usize).collect()
}

/// Where it is written.
pub fn journal_path(log: &Path, rank: usize) -> PathBuf {
    PathBuf::from(format!("{}.{rank}", log.display()))
}

fn operation(line: &str) -> Operation {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |at: usize| words[at].parse::<u64>().unwrap_or_else(|_| panic!("a journal with the line '{line}'"));
    Operation { number: number(0) as usize, name: words[1].into(), offset: number(2), length: number(3) }
}

/// Compiled once per process.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crash/shim.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("qsd-shim.so");
        // Another test may be loading it: it is replaced, not overwritten.
        let fresh = library.with_extension(std::process::id().to_string());
        let mut cc = Command::new("cc");
        cc.args(["-Wall", "-Wextra", "-Werror", "-O1", "-shared", "-fPIC", "-o"]).arg(&fresh).args([source, "-ldl"]);
        let status = cc.status().expect("cc is missing and this test needs it: `make setup` installs it");
        assert!(status.success(), "{source} does not compile");
        std::fs::rename(&fresh, &library).expect("in the build's own directory");
        library
    })
}
