//! The results files below a folder, a line for each. A file is read again only when it has changed.

use super::place::encoded;
use crate::report::info::with_error;
use crate::store::{Results, StoreError, human_bytes};
use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Endings of results files.
const ENDINGS: [&str; 3] = ["h5", "hdf5", "nc"];
/// How deep folders are looked into, and how many files are shown.
const DEPTH: usize = 6;
const MOST: usize = 5000;
/// Observables whose final values are shown.
const VALUES: usize = 2;
/// A run without an end that has written nothing for this long is not called running any more.
const SILENT: Duration = Duration::from_secs(180);

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its path from the folder.
    pub name: String,
    /// The same as a part of an address.
    pub link: String,
    /// When it was changed.
    pub changed: SystemTime,
    /// Its size in words.
    pub size: String,
    /// What it holds, or why it cannot be read.
    pub content: Result<Content, String>,
}

/// What it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// Its title.
    pub title: String,
    /// How far it is.
    pub standing: Standing,
    /// Trajectories that are in it, and in all.
    pub done: (u64, u64),
    /// Final means with their errors.
    pub values: Vec<(String, String)>,
    /// When it was begun, ISO 8601 UTC.
    pub begun: String,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Everything is there.
    Complete,
    /// It ended before that, by itself.
    Stopped,
    /// It has not ended, and writes.
    Running,
    /// It has not ended, and does not write: killed, or slow.
    Silent,
}

/// A folder and what is known of its files.
pub struct Folder {
    root: PathBuf,
    known: Mutex<HashMap<PathBuf, (Stamp, Entry)>>,
}

/// What changes when a file does.
pub type Stamp = (SystemTime, u64);

/// The stamp of a file.
pub fn stamp(file: &Metadata) -> Stamp {
    (file.modified().unwrap_or(SystemTime::UNIX_EPOCH), file.len())
}

impl Folder {
    /// Nothing is known of it yet; `root` has its links resolved.
    pub fn new(root: PathBuf) -> Folder {
        Folder { root, known: Mutex::default() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Its files, those that changed last first.
    pub fn entries(&self) -> Vec<Entry> {
        let mut files = vec![];
        collect(&self.root, 0, &mut files);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|path, _| files.iter().any(|(file, _)| file == path));
        let mut entries: Vec<Entry> = files
            .into_iter()
            .map(|(path, file)| {
                let stamp = stamp(&file);
                match known.get(&path) {
                    // An old run falls silent without a change of its file.
                    Some((old, entry)) if *old == stamp && !is_running(entry) => entry.clone(),
                    _ => {
                        let entry = self.read(&path, stamp);
                        known.insert(path, (stamp, entry.clone()));
                        entry
                    }
                }
            })
            .collect();
        entries.sort_by(|a, b| b.changed.cmp(&a.changed).then_with(|| a.name.cmp(&b.name)));
        entries
    }

    fn read(&self, path: &Path, (changed, bytes): Stamp) -> Entry {
        let relative = path.strip_prefix(&self.root).unwrap_or(path);
        Entry {
            name: relative.display().to_string(),
            link: encoded(relative),
            changed,
            size: human_bytes(bytes),
            content: Results::open(path).and_then(|results| content(&results, changed)).map_err(|error| {
                // The name stands beside it, and where the folder is, is nobody's business.
                error.to_string().replace(&path.display().to_string(), "it")
            }),
        }
    }
}

fn is_running(entry: &Entry) -> bool {
    entry.content.as_ref().is_ok_and(|content| content.standing == Standing::Running)
}

/// Regular files with the right ending; links are not followed, hidden ones not shown.
fn collect(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, Metadata)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        if files.len() >= MOST || hidden {
            continue;
        }
        if kind.is_dir() && depth < DEPTH {
            collect(&path, depth + 1, files);
        } else if kind.is_file() && ENDINGS.contains(&ending) {
            files.extend(entry.metadata().map(|file| (path, file)));
        }
    }
}

fn content(results: &Results, changed: SystemTime) -> Result<Content, StoreError> {
    let state = results.state()?;
    let runs = results.runs()?;
    let ended = runs.last().is_none_or(|run| !run.end.is_empty());
    let fresh = changed.elapsed().unwrap_or_default() < SILENT;
    let standing = match (state.complete, ended, fresh) {
        (true, ..) => Standing::Complete,
        (false, true, _) => Standing::Stopped,
        (false, false, true) => Standing::Running,
        (false, false, false) => Standing::Silent,
    };
    let done = match standing {
        Standing::Complete => state.ntraj,
        _ => results.written_rows()?.iter().filter(|written| **written).count() as u64,
    };
    Ok(Content {
        title: results.about("title").into(),
        standing,
        done: (done, state.ntraj),
        values: values(results)?,
        begun: runs.first().map_or(String::new(), |run| run.start.clone()),
    })
}

/// Final means of the first observables, as far as statistics are in the file.
fn values(results: &Results) -> Result<Vec<(String, String)>, StoreError> {
    let names: Vec<&str> = results.about("observables").split_whitespace().take(VALUES).collect();
    let last = |name: String| Ok::<_, StoreError>(results.last(&name)?);
    let mut values = vec![];
    for name in names {
        let (mean, sem) = (last(format!("{name}_mean"))?, last(format!("{name}_sem"))?);
        let (Some(mean), Some(sem)) = (mean, sem) else { continue };
        if !mean.re.is_finite() {
            continue;
        }
        let imaginary = if mean.im == 0.0 && sem.im == 0.0 { None } else { Some(with_error(mean.im, sem.im)) };
        let real = with_error(mean.re, sem.re);
        values.push((name.into(), imaginary.map_or(real.clone(), |imaginary| format!("({real}) + ({imaginary}) i"))));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{header, scratch, written};

    fn folder(name: &str) -> Folder {
        Folder::new(scratch(name).canonicalize().unwrap())
    }

    #[test]
    fn finished_running_and_damaged_files_are_told_apart() {
        let folder = folder("folder");
        let root = folder.root().to_path_buf();
        fs::create_dir(root.join("sub")).unwrap();
        written(&root.join("sub/done.h5"), &header(), 20);
        written(&root.join("half.h5"), &header(), 11);
        fs::write(root.join("text.h5"), "hello").unwrap();
        fs::write(root.join("notes.txt"), "hello").unwrap();
        fs::write(root.join(".hidden.h5"), "hello").unwrap();
        let mut entries = folder.entries();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["half.h5", "sub/done.h5", "text.h5"]);
        let half = entries[0].content.as_ref().unwrap();
        assert_eq!((half.standing, half.done, half.values.len()), (Standing::Running, (11, 20), 0));
        let done = entries[1].content.as_ref().unwrap();
        assert_eq!(
            (done.standing, done.done, entries[1].link.as_str()),
            (Standing::Complete, (20, 20), "sub%2Fdone.h5")
        );
        assert_eq!(done.values[0], ("n".into(), "1.00 ± 0.10".into()));
        assert_eq!(done.values[1].1, "(2.00 ± 0.10) + (1.000 ± 0.050) i");
        let reason = entries[2].content.as_ref().unwrap_err();
        assert!(reason.contains("not an HDF5 file") && !reason.contains(root.to_str().unwrap()), "{reason}");
    }

    #[test]
    fn a_run_that_writes_nothing_any_more_is_not_called_running() {
        let folder = folder("silent");
        let path = folder.root().join("half.h5");
        written(&path, &header(), 11);
        let old = SystemTime::now() - 2 * SILENT;
        fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        assert_eq!(folder.entries()[0].content.as_ref().unwrap().standing, Standing::Silent);
    }

    #[test]
    fn a_file_is_read_again_when_it_has_changed_and_forgotten_when_it_is_gone() {
        let folder = folder("cache");
        let path = folder.root().join("x.h5");
        written(&path, &header(), 20);
        let first = folder.entries();
        assert_eq!(folder.entries(), first);
        fs::write(&path, "hello").unwrap();
        assert!(folder.entries()[0].content.is_err());
        fs::remove_file(&path).unwrap();
        assert!(folder.entries().is_empty() && folder.known.lock().unwrap().is_empty());
    }
}
