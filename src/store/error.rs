//! What can go wrong with the results file, in the words of the person who waits for it.

use super::access;
use crate::error::exit;
use crate::input::{Difference, InputError};
use std::path::PathBuf;
use thiserror::Error;

/// The results file could not be written or read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The output exists and nobody said that it may go.
    #[error("{} exists, and --no-resume says that it is not gone on with; --force replaces it", .path.display())]
    Exists {
        /// The output.
        path: PathBuf,
    },
    /// The output is a directory, a device, a pipe...
    #[error("{} is not a regular file; -o FILE names a new one, --output-dir DIR a directory for it", .path.display())]
    NotAFile {
        /// The output.
        path: PathBuf,
    },
    /// The output exists and is no results file.
    #[error(
        "{} is not a results file of qsd, so it is neither gone on with nor replaced, not even by --force ({why}); \
         remove it or choose another name",
        .path.display()
    )]
    Foreign {
        /// The output.
        path: PathBuf,
        /// What gave it away.
        why: String,
    },
    /// The output is a results file of another input.
    #[error("{} {}; {}", .path.display(), differs(.difference), instead(.difference))]
    Different {
        /// The output.
        path: PathBuf,
        /// The first key that differs.
        difference: Difference,
    },
    /// The output was begun by a program whose seeds give other numbers.
    #[error(
        "{} was begun by {source_program}, whose seeds give other numbers (its attribute numbers is {found}, here it is {}): \
         finish it with that, or choose another file with -o",
        .path.display(), crate::store::layout::NUMBERS
    )]
    Numbers {
        /// The output.
        path: PathBuf,
        /// Its attribute.
        found: i64,
        /// What began it.
        source_program: String,
    },
    /// The output was merged from several seeds or ranges.
    #[error(
        "{} was merged from several seeds or ranges of trajectories, and cannot be gone on with; run what is \
         missing into a file of its own and merge that (qsd merge)",
        .path.display()
    )]
    Scattered {
        /// The output.
        path: PathBuf,
    },
    /// Something stands where a merged file should go.
    #[error("{} exists; --force replaces it, or choose another name with -o", .path.display())]
    InTheWay {
        /// The output.
        path: PathBuf,
    },
    /// Two files that are not of one ensemble.
    #[error("{} and {} cannot be merged: {what}", .a.display(), .b.display())]
    Mismatch {
        /// One file.
        a: PathBuf,
        /// The other.
        b: PathBuf,
        /// The first thing that differs.
        what: String,
    },
    /// Two files with the same trajectory.
    #[error(
        "trajectory {trajectory} of seed {seed} is in {} and in {}: leave one of them out, or run other trajectories \
         (--seed, --first-trajectory)",
        .a.display(), .b.display()
    )]
    Overlap {
        /// Its seed.
        seed: u64,
        /// Its number.
        trajectory: u64,
        /// One file.
        a: PathBuf,
        /// The other.
        b: PathBuf,
    },
    /// Trajectories whose rows and whose part of the density matrix are not both there.
    #[error(
        "{} of the trajectories of {} have either a row in it or a part in its density matrix, and not both, as a killed run \
         leaves them; `qsd resume {}` first",
        .count, .path.display(), .path.display()
    )]
    Unaveraged {
        /// The file.
        path: PathBuf,
        /// How many.
        count: usize,
    },
    /// Nothing to merge.
    #[error("{} and what was named with it hold no finished trajectory; `qsd info` says how far a run is", .path.display())]
    Empty {
        /// The first file.
        path: PathBuf,
    },
    /// The file was deleted while it was written.
    #[error("{} was removed while it was written, and what comes now would be lost; start again", .path.display())]
    Removed {
        /// The output.
        path: PathBuf,
    },
    /// The directory of the output cannot be used.
    #[error("cannot {doing} {}: {source}; {}", .path.display(), access::advice(.path, .source))]
    Directory {
        /// The directory, or the file in it that failed.
        path: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// A rank does not see what rank 0 wrote.
    #[error(
        "rank {rank} on {host} does not see the output directory {} of rank 0{}; \
         put it on a file system that all nodes share, or bind it into the container (--bind)",
        .path.display(), others(*.count)
    )]
    NotShared {
        /// The directory.
        path: PathBuf,
        /// First rank that does not see it.
        rank: usize,
        /// Its host.
        host: String,
        /// How many ranks do not see it.
        count: usize,
    },
    /// Another process holds the lock of the output.
    #[error("another process is writing {} ({}.lock is held); {}", .path.display(), .path.display(), lonely(*.alone))]
    Locked {
        /// The output.
        path: PathBuf,
        /// This run has one rank only.
        alone: bool,
    },
    /// No room for the file.
    #[error(
        "no space left on the disk, or the quota is used up: {} needs {}; free some, or choose another place with \
         -o FILE or --output-dir DIR",
        .path.display(), needs(*.needed)
    )]
    Full {
        /// The output.
        path: PathBuf,
        /// Size of the whole file in bytes, if known here.
        needed: Option<u64>,
    },
    /// An observable or a factor cannot have this name in the file.
    #[error("the observable name '{name}' cannot be used: {why}; rename it")]
    Name {
        /// The name.
        name: String,
        /// The rule it breaks.
        why: String,
    },
    /// Rows or statistics that do not belong into this file.
    #[error("{}: {what} do not fit: expected {expected}, found {found}", .path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: String,
        /// What the file has room for.
        expected: String,
        /// What came.
        found: String,
    },
    /// Fewer trajectories than are done: they are not given up.
    #[error("{} has {done} trajectories already and keeps them all: ask for --ntraj {done} or more, not {asked}", .path.display())]
    Fewer {
        /// The file.
        path: PathBuf,
        /// Up to the last one that is done.
        done: u64,
        /// What was asked for.
        asked: u64,
    },
    /// There is no such file.
    #[error("{}: no such file{}", .path.display(), access::unseen())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It is not HDF5, or only the first part of such a file.
    #[error("{} is not an HDF5 file, or it is cut off{}", .path.display(), why(.detail))]
    NotHdf5 {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        detail: String,
    },
    /// An HDF5 file of another program.
    #[error("{} is an HDF5 file, but not a result of qsd (it has no attribute format=\"qsd-result\")", .path.display())]
    NotQsd {
        /// The file.
        path: PathBuf,
    },
    /// The file of a sweep, where one run is asked for.
    #[error(
        "{} holds a sweep of {points} points, and one run is asked for: report, plot, export and info take a point, as in \
         --point {example} (qsd info {} lists them); extend and merge take runs only: for more trajectories, run the \
         sweep into another file with a larger --ntraj",
        .path.display(), .path.display()
    )]
    IsSweep {
        /// The file.
        path: PathBuf,
        /// How many.
        points: usize,
        /// The first of them.
        example: String,
    },
    /// The file of one run, where a sweep is asked for.
    #[error("{} holds a single run and is no sweep; choose another file with -o, or leave --sweep and --point out", .path.display())]
    SingleRun {
        /// The file.
        path: PathBuf,
    },
    /// A sweep that is not done, where something else is to be written.
    #[error(
        "{} is the name of a sweep that is not done, whose points are in {}: choose another file with -o, go on with it \
         (qsd resume {}), or remove the folder to give its points up",
        .path.display(), .folder.display(), .path.display()
    )]
    Begun {
        /// The file of the sweep.
        path: PathBuf,
        /// The folder of its points.
        folder: PathBuf,
    },
    /// A point of a sweep that has not begun.
    #[error("{} has nothing of the point {point} yet: `qsd info` shows how far the sweep is", .path.display())]
    NotBegun {
        /// The file of the sweep.
        path: PathBuf,
        /// The point.
        point: String,
    },
    /// A point that a sweep does not have.
    #[error(transparent)]
    Point(#[from] InputError),
    /// An axis that would be called like something else in the file.
    #[error(
        "--sweep {name}: the axis would have this name in the results file, which has something else under it; rename \
         the parameter, or sweep one that it is made from"
    )]
    AxisName {
        /// The parameter.
        name: String,
    },
    /// Points whose results have other shapes.
    #[error("the results of {a} and of {b} cannot stand in one array: {what}; sweep them one by one")]
    Unstackable {
        /// The first point.
        a: String,
        /// Another.
        b: String,
        /// The first thing that differs.
        what: String,
    },
    /// A file of a later major version.
    #[error("{} has format version {found}; this program reads {} and its minor versions: use a newer qsd", .path.display(), crate::store::layout::FORMAT_VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
    },
    /// Anything else that HDF5 or the system refused.
    #[error("{}: cannot {doing}: {detail}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was tried.
        doing: String,
        /// What the library said.
        detail: String,
    },
}

impl StoreError {
    /// Short id printed with the message.
    pub fn id(&self) -> &'static str {
        match self {
            StoreError::Exists { .. }
            | StoreError::InTheWay { .. }
            | StoreError::NotAFile { .. }
            | StoreError::Foreign { .. }
            | StoreError::Different { .. }
            | StoreError::Numbers { .. }
            | StoreError::Scattered { .. } => "E-exists",
            StoreError::Directory { .. } | StoreError::NotShared { .. } => "E-directory",
            StoreError::Locked { .. } => "E-lock",
            StoreError::Full { .. } => "E-disk",
            StoreError::Name { .. } => "E-name",
            StoreError::Point(_) | StoreError::Fewer { .. } => "E-input",
            StoreError::IsSweep { .. }
            | StoreError::SingleRun { .. }
            | StoreError::Begun { .. }
            | StoreError::NotBegun { .. }
            | StoreError::AxisName { .. }
            | StoreError::Unstackable { .. } => "E-sweep",
            StoreError::Mismatch { .. }
            | StoreError::Overlap { .. }
            | StoreError::Unaveraged { .. }
            | StoreError::Empty { .. } => "E-merge",
            _ => "E-file",
        }
    }

    /// Whether it is about what was typed, and met by every rank alike.
    pub fn is_common(&self) -> bool {
        matches!(self, StoreError::AxisName { .. } | StoreError::Unstackable { .. } | StoreError::Fewer { .. })
    }

    /// The exit code that goes with it.
    pub fn exit_code(&self) -> i32 {
        match self {
            StoreError::Name { .. }
            | StoreError::Fewer { .. }
            | StoreError::Point(_)
            | StoreError::AxisName { .. }
            | StoreError::Unstackable { .. } => exit::USAGE,
            _ => exit::FAILED,
        }
    }

    /// The system's refusal to do something with `path`; a full disk is told apart.
    pub(super) fn io(path: &std::path::Path, doing: &str, source: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        let path = path.to_path_buf();
        match source.kind() {
            StorageFull | QuotaExceeded => StoreError::Full { path, needed: None },
            _ => StoreError::File { path, doing: doing.into(), detail: source.to_string() },
        }
    }
}

fn others(count: usize) -> String {
    if count > 1 { format!(", nor do {} others", count - 1) } else { String::new() }
}

fn differs(difference: &Difference) -> String {
    let with = |value: &str| difference.typed(value);
    match (&difference.stored, &difference.asked) {
        (Some(stored), Some(asked)) => format!("was made with {}, and this run has {}", with(stored), with(asked)),
        (Some(stored), None) => format!("was made with {}, which this run does not have", with(stored)),
        (None, asked) => {
            let asked = asked.as_deref().unwrap_or("?");
            format!("was made without {}, and this run has {}", difference.name(), with(asked))
        }
    }
}

fn instead(difference: &Difference) -> &'static str {
    match difference.key.as_str() {
        "ntraj" => {
            "`qsd extend FILE --ntraj N` adds trajectories to a run that is no sweep; else choose another file with -o; --force replaces it"
        }
        _ => "choose another file with -o; --force replaces it",
    }
}

fn lonely(alone: bool) -> &'static str {
    if alone {
        "this run has one rank only: if you started several, each of them is alone, so use the launcher of the MPI \
         library this program was built with and let the container keep the environment (no --cleanenv); \
         else wait for the other run or choose another file with -o"
    } else {
        "wait for the other run or choose another file with -o"
    }
}

fn needs(bytes: Option<u64>) -> String {
    bytes.map_or("more".into(), human_bytes)
}

fn why(detail: &str) -> String {
    if detail.is_empty() { String::new() } else { format!(" ({detail})") }
}

/// Bytes as people say them: `1.4 GB`.
pub fn human_bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if value < 1000.0 {
            let digits = if unit == "B" { 0 } else { 1 };
            return format!("{value:.digits$} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} PB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart_and_says_how_much_is_needed() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = StoreError::io("x.h5".as_ref(), "write", full);
        assert_eq!(error.id(), "E-disk");
        let error = StoreError::Full { path: "x.h5".into(), needed: Some(1_440_200_000) };
        assert!(error.to_string().contains("x.h5 needs 1.4 GB"), "{error}");
    }

    #[test]
    fn another_input_is_told_by_its_key_and_both_values() {
        let said = |key: &str, stored: Option<&str>, asked: Option<&str>| {
            let [stored, asked] = [stored, asked].map(|value| value.map(String::from));
            StoreError::Different { path: "x.h5".into(), difference: Difference { key: key.into(), stored, asked } }
                .to_string()
        };
        let text = said("ntraj", Some("64"), Some("128"));
        assert!(text.starts_with("x.h5 was made with --ntraj 64, and this run has --ntraj 128; `qsd extend"), "{text}");
        let text = said("time.h", Some("0.1"), None);
        assert!(text.starts_with("x.h5 was made with --dt 0.1, which this run does not have; choose"), "{text}");
        let text = said("colour", Some("1"), Some("2"));
        assert!(text.starts_with("x.h5 was made with colour = 1, and this run has colour = 2;"), "{text}");
        assert!(said("set.chi", None, Some("-10.0")).contains("without --set chi, and this run has --set chi=-10.0"));
    }

    #[test]
    fn a_held_lock_explains_lonely_ranks_only_to_a_rank_that_is_alone() {
        let alone = StoreError::Locked { path: "x.h5".into(), alone: true }.to_string();
        let many = StoreError::Locked { path: "x.h5".into(), alone: false }.to_string();
        assert!(alone.contains("each of them is alone") && alone.contains("x.h5.lock"));
        assert!(!many.contains("alone"));
    }
}
