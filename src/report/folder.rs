//! The results files below a folder, a line for each. A file is read again only when it has changed.

use super::info::with_error;
use super::standing::Standing;
use crate::store::{Results, StoreError, Swept, human_bytes};
use num_complex::Complex64;
use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Endings of results files.
const ENDINGS: [&str; 3] = ["h5", "hdf5", "nc"];
/// How deep folders are looked into, and how many files are shown.
const DEPTH: usize = 6;
const MOST: usize = 5000;
/// Observables whose final values are shown.
const VALUES: usize = 2;

/// One file.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its path from the folder.
    pub path: PathBuf,
    /// When it was changed.
    pub changed: SystemTime,
    /// Its size in words.
    pub size: String,
    /// What it holds, if it is one run.
    pub content: Result<Content, Other>,
}

/// A file that is not one run.
#[derive(Debug, Clone, PartialEq)]
pub enum Other {
    /// A sweep, in one file or on its way there.
    Sweep {
        /// How many points.
        points: usize,
        /// How many of them are complete.
        complete: usize,
        /// The swept parameters.
        axes: Vec<String>,
    },
    /// It cannot be read, and why.
    Unreadable(String),
}

impl Other {
    /// In a sentence.
    pub fn text(&self) -> String {
        match self {
            Other::Sweep { points, complete, axes } => format!(
                "{}{points} points of {}: `qsd info` of this file alone has a line for each, `qsd report --point 0` a page of one",
                if complete == points { String::new() } else { format!("{complete} complete of ") },
                axes.join(", ")
            ),
            Other::Unreadable(why) => why.clone(),
        }
    }
}

/// What it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// Its model.
    pub model: String,
    /// Trajectories and seed, as its title has them.
    pub numbers: String,
    /// Equal for runs of one ensemble.
    pub hash: String,
    /// How far it is.
    pub standing: Standing,
    /// Trajectories that are in it, and in all.
    pub done: (u64, u64),
    /// Final means with their errors.
    pub values: Vec<Final>,
    /// When it was begun, ISO 8601 UTC.
    pub begun: String,
}

/// The mean of an observable at the last saved time, and its standard error; complex ones with both parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Final {
    /// The observable.
    pub name: String,
    /// Its mean.
    pub mean: Complex64,
    /// The standard error of either part.
    pub sem: Complex64,
}

impl Final {
    /// In words.
    pub fn text(&self) -> String {
        let Final { mean, sem, .. } = self;
        let real = with_error(mean.re, sem.re);
        if mean.im == 0.0 && sem.im == 0.0 { real } else { format!("({real}) + ({}) i", with_error(mean.im, sem.im)) }
    }
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
        // Files that are gone stay behind.
        let mut before = std::mem::take(&mut *known);
        let mut entries: Vec<Entry> = files
            .into_iter()
            .map(|(path, stamp)| {
                let entry = match before.remove(&path) {
                    // A run falls silent without a change of its file.
                    Some((old, entry)) if old == stamp && !may_pass(&entry) => entry,
                    _ => Entry::of(&self.root, &path, stamp),
                };
                known.insert(path, (stamp, entry.clone()));
                entry
            })
            .collect();
        entries.sort_by(|a, b| b.changed.cmp(&a.changed).then_with(|| a.path.cmp(&b.path)));
        entries
    }
}

impl Entry {
    /// What a file below `root` holds.
    pub fn of(root: &Path, path: &Path, (changed, bytes): Stamp) -> Entry {
        let relative = path.strip_prefix(root).ok().filter(|rest| !rest.as_os_str().is_empty());
        Entry {
            path: relative.unwrap_or(path).into(),
            changed,
            size: human_bytes(bytes),
            content: Results::open(path).and_then(|results| content(&results)).map_err(|error| other(path, &error)),
        }
    }

    /// Why it cannot be read, if so.
    pub fn unreadable(&self) -> Option<&str> {
        match &self.content {
            Err(Other::Unreadable(why)) => Some(why),
            _ => None,
        }
    }

    /// Its path in letters.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// What a file is that is not one run, by the error that says so.
fn other(path: &Path, error: &StoreError) -> Other {
    if matches!(error, StoreError::IsSweep { .. } | StoreError::Missing { .. })
        && let Ok(Some(swept)) = Swept::find(path)
    {
        let axes = swept.axes().all.iter().map(|axis| axis.name.clone()).collect();
        return Other::Sweep { points: swept.axes().count(), complete: swept.complete(), axes };
    }
    // The name stands beside it, and where the folder is, is nobody's business.
    Other::Unreadable(error.to_string().replace(&path.display().to_string(), "it"))
}

fn may_pass(entry: &Entry) -> bool {
    entry.content.as_ref().is_ok_and(|content| content.standing.may_pass())
}

/// Regular files with the right ending; links are not followed, hidden ones not shown. The folder of a sweep counts as
/// the file that it will be.
fn collect(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, Stamp)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, Ok(kind)) = (entry.path(), entry.file_type()) else { continue };
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("");
        if files.len() >= MOST || hidden {
            continue;
        }
        if let Some(swept) = Some(&path).filter(|_| kind.is_dir()).and_then(|path| Swept::of_folder(path)) {
            // Beside the file of all it is about to go.
            files.extend((!swept.is_stacked()).then(|| (swept.path().into(), swept.stamp())));
        } else if kind.is_dir() && depth < DEPTH {
            collect(&path, depth + 1, files);
        } else if kind.is_file() && ENDINGS.contains(&ending) {
            files.extend(entry.metadata().map(|file| (path, stamp(&file))));
        }
    }
}

fn content(results: &Results) -> Result<Content, StoreError> {
    let (state, standing) = (results.state()?, Standing::of(results)?);
    let done = match standing {
        Standing::Complete => state.ntraj,
        _ => results.written_rows()?.iter().filter(|written| **written).count() as u64,
    };
    let title = results.about("title");
    let (model, numbers) = title.split_once(", trajectories ").unwrap_or((title, ""));
    Ok(Content {
        model: model.into(),
        numbers: numbers.into(),
        hash: results.about("parameter_hash").into(),
        standing,
        done: (done, state.ntraj),
        values: values(results)?,
        begun: results.runs()?.first().map_or(String::new(), |run| run.start.clone()),
    })
}

/// Final means of the first observables, as far as statistics are in the file.
fn values(results: &Results) -> Result<Vec<Final>, StoreError> {
    let mut values = vec![];
    for name in results.about("observables").split_whitespace().take(VALUES) {
        let (mean, sem) = (results.last(&format!("{name}_mean"))?, results.last(&format!("{name}_sem"))?);
        values.extend(mean.zip(sem).filter(|(mean, _)| mean.re.is_finite()).map(|(mean, sem)| Final {
            name: name.into(),
            mean,
            sem,
        }));
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
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        let names: Vec<String> = entries.iter().map(Entry::name).collect();
        assert_eq!(names, ["half.h5", "sub/done.h5", "text.h5"]);
        let half = entries[0].content.as_ref().unwrap();
        assert_eq!((half.standing, half.done, half.values.len()), (Standing::Killed, (11, 20), 0));
        let done = entries[1].content.as_ref().unwrap();
        assert_eq!(
            (done.standing, done.done, done.hash.as_str()),
            (Standing::Complete, (20, 20), header().parameter_hash.as_str())
        );
        assert_eq!((done.values[0].name.as_str(), done.values[0].text().as_str()), ("n", "1.00 ± 0.10"));
        assert_eq!(done.values[1].text(), "(2.00 ± 0.10) + (1.000 ± 0.050) i");
        let reason = entries[2].unreadable().unwrap();
        assert!(reason.contains("not an HDF5 file") && !reason.contains(root.to_str().unwrap()), "{reason}");
    }

    #[test]
    fn a_run_falls_silent_without_a_change_of_its_file() {
        let folder = folder("silent");
        let path = folder.root().join("half.h5");
        written(&path, &header(), 11);
        let lock = path.with_extension("h5.lock");
        fs::write(&lock, "").unwrap();
        let standing = || folder.entries()[0].content.as_ref().unwrap().standing;
        assert_eq!(standing(), Standing::Running);
        fs::remove_file(&lock).unwrap();
        assert_eq!(standing(), Standing::Killed);
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
