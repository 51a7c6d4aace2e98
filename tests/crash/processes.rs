//! Runs that are disturbed from outside, and who is left of them: the processes of a run are known by
//! a variable in their environment.
#![allow(dead_code, reason = "every test file uses a part of this")]

use crate::common;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const MARK: &str = "QSD_TEST_MARK";

/// Open MPI's mpirun (4.1.4) sometimes waits for itself when a rank dies while it starts: it is ended when it has had no
/// rank for so long.
const PATIENCE: Duration = Duration::from_secs(15);

/// A run under way; what it prints is lost.
pub struct Running {
    child: Child,
    /// The mark of its ranks, if a launcher started them.
    launched: Option<PathBuf>,
}

impl Running {
    /// Start it.
    pub fn start(command: &mut Command) -> Running {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let child = quiet.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let alone = command.get_program() == env!("CARGO_BIN_EXE_qsd");
        let mark = command.get_envs().find(|(name, _)| *name == MARK).and_then(|(_, mark)| Some(mark?.into()));
        Running { child, launched: mark.filter(|_| !alone) }
    }

    /// The process that was started: the launcher, or the program itself.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Wait until something is true, but not longer than the run takes. False if that came first.
    pub fn wait_for(&mut self, mut is_true: impl FnMut() -> bool) -> bool {
        let end = Instant::now() + common::DEADLINE;
        let (mut seen, mut looked) = (Instant::now(), Instant::now());
        while Instant::now() < end {
            if is_true() {
                return true;
            }
            if self.child.try_wait().expect("our own child").is_some() {
                return false;
            }
            if let Some(mark) = self.launched.as_ref().filter(|_| looked.elapsed() > PATIENCE / 10) {
                looked = Instant::now();
                if !ranks(mark).is_empty() {
                    seen = looked;
                }
            }
            if self.launched.is_some() && seen.elapsed() > PATIENCE {
                println!("the launcher has no ranks and does not leave: it is ended");
                common::signal_group("KILL", &self.child);
                self.launched = None;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let alive = Command::new("ps").args(["-eo", "pid,ppid,stat,wchan:20,args"]).output();
        let alive = alive.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        common::signal_group("KILL", &self.child);
        panic!("it neither ended nor did what was waited for in {:?}; processes:\n{alive}", common::DEADLINE);
    }

    /// Its exit code, none after a signal.
    pub fn wait(mut self) -> Option<i32> {
        self.wait_for(|| false);
        self.child.wait().expect("our own child").code()
    }
}

/// Make all that `command` starts known by `mark` (the scratch directory of the test will do).
pub fn mark(command: &mut Command, mark: &Path) {
    command.env(MARK, mark);
}

/// Rank and process number of the living ranks of a marked run.
pub fn ranks(mark: &Path) -> Vec<(usize, u32)> {
    let marked = format!("{MARK}={}", mark.display());
    let processes = std::fs::read_dir("/proc").expect("Linux").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    numbers
        .filter_map(|process| {
            // Gone, or somebody else's: not one of ours.
            let environment = std::fs::read(format!("/proc/{process}/environ")).ok()?;
            let mut variables = environment.split(|&byte| byte == 0).filter_map(|text| str::from_utf8(text).ok());
            let is_ours = variables.clone().any(|variable| variable == marked);
            let rank = variables.find_map(|variable| variable.strip_prefix("PMIX_RANK="))?;
            let is_binary =
                std::fs::read_link(format!("/proc/{process}/exe")).ok()? == Path::new(env!("CARGO_BIN_EXE_qsd"));
            (is_ours && is_binary).then_some((rank.parse().ok()?, process))
        })
        .collect()
}

/// Fails unless all ranks of a marked run are gone in a few seconds.
#[track_caller]
pub fn assert_all_gone(mark: &Path) {
    let patience = Instant::now() + Duration::from_secs(5);
    while !ranks(mark).is_empty() {
        assert!(Instant::now() < patience, "still alive: {:?}", ranks(mark));
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// `command` after `script`, in a mount namespace of its own: what the script mounts, nobody else sees.
///
/// `None`, said loudly, where this is not allowed: then the test that asks cannot be done here.
pub fn in_own_mounts(script: &str, command: &Command) -> Option<Command> {
    let allowed = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("NOT TESTED: this needs `unshare -m` and a mount in it, which is for root");
        return None;
    }
    let mut inner = Command::new("unshare");
    inner.args(["-m", "sh", "-e", "-c", &format!("{script}\nexec \"$@\""), "sh"]).arg(command.get_program());
    inner.args(command.get_args());
    inner.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(inner)
}

/// Send a signal to one process.
pub fn signal(name: &str, process: u32) {
    let kill = Command::new("sh").args(["-c", &format!("kill -s {name} {process}")]).status();
    // It fails when the process has left already, which is as good.
    kill.expect("a shell");
}
