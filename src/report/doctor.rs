//! Will a run work here? What `qsd doctor` finds, each finding with the next step.
//!
//! Every rank collects facts of its own (`facts`); rank 0 has those of all of them and judges (`judge`). Two things are
//! tried: a large message round the ring of ranks (`ring`), and a file in the directory of the results
//! (`place`). A launch that hangs is what a doctor is called for, so nothing here waits longer than
//! `ring::DEADLINE`.

mod facts;
mod judge;
mod place;
mod ring;

pub use ring::{DEADLINE, Watchdog};

use crate::comm::{Comm, LaunchError};
use crate::error::exit;
use facts::Facts;
use std::io::{self, Write};
use std::path::Path;

/// Columns for the longest subject, "user namespaces".
const WIDTH: usize = 15;

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// A run works, but not as well as it could, or not always.
    Warning,
    /// A run fails, hangs, or gives numbers nobody asked for.
    Bad,
}

/// One line: what was looked at, what was found, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How good it is.
    pub verdict: Verdict,
    /// What was looked at.
    pub subject: &'static str,
    /// What was found.
    pub found: String,
    /// The next step; empty if all is good.
    pub next: String,
}

impl Finding {
    fn good(subject: &'static str, found: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Good, subject, found: found.into(), next: String::new() }
    }

    fn warning(subject: &'static str, found: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Warning, subject, found: found.into(), next: next.into() }
    }

    fn bad(subject: &'static str, found: impl Into<String>, next: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Bad, subject, found: found.into(), next: next.into() }
    }
}

/// Collective: looks at everything; rank 0 writes each finding as soon as it has it (the next look may hang) and knows
/// the worst. `hdf5` is the version of that library, `directory` where results are to go.
///
/// # Errors
/// Those of `out`.
pub fn examine(comm: &dyn Comm, hdf5: &str, directory: &Path, out: &mut dyn Write) -> io::Result<Verdict> {
    let all: Vec<Facts> =
        comm.all_gather(&Facts::mine(comm).to_bytes()).iter().map(|bytes| Facts::from_bytes(bytes)).collect();
    let facts = if comm.is_root() { judge::all(&all, hdf5) } else { vec![] };
    let said = write(out, &facts);
    let ring = ring::pass(comm);
    let said = said.and(write(out, &ring));
    let place = place::examine(comm, directory);
    said.and(write(out, &place))?;
    Ok(worst(facts.iter().chain(&ring).chain(&place)))
}

/// The one finding of a process whose launcher started others that it does not see.
pub fn of_launch(error: &LaunchError) -> Finding {
    Finding { verdict: Verdict::Bad, subject: "launch", found: error.to_string(), next: String::new() }
}

/// Writes findings, how good they are first on every line.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, findings: &[Finding]) -> io::Result<()> {
    for Finding { verdict, subject, found, next } in findings {
        let word = match verdict {
            Verdict::Good => "good",
            Verdict::Warning => "warning",
            Verdict::Bad => "bad",
        };
        writeln!(out, "{word:7}  {subject:WIDTH$}  {found}")?;
        if !next.is_empty() {
            writeln!(out, "{:7}  {:WIDTH$}  -> {next}", "", "")?;
        }
    }
    out.flush()
}

fn worst<'a>(findings: impl Iterator<Item = &'a Finding>) -> Verdict {
    findings.map(|f| f.verdict).max().unwrap_or(Verdict::Good)
}

impl Verdict {
    /// The exit code of a doctor who found nothing worse: 0 good, 3 warning, 1 bad.
    pub fn exit_code(self) -> i32 {
        match self {
            Verdict::Good => exit::DONE,
            Verdict::Warning => exit::GUARD,
            Verdict::Bad => exit::FAILED,
        }
    }
}
