//! The place of the output: is it there, is it shared, is it ours alone?
//!
//! HDF5 answers all of these with "unable to open file"; so they are asked before HDF5 is.

use super::{Results, StoreError};
use crate::comm::{self, Comm};
use crate::input::{Existing, Io};
use std::fs::{self, File, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Where results are kept, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The results file.
    pub path: PathBuf,
    /// What happens to a results file that exists.
    pub existing: Existing,
    /// How ranks write.
    pub io: Io,
}

impl Place {
    /// Go on with what is there, all ranks writing: what a command means that says nothing else.
    pub fn new(path: impl Into<PathBuf>) -> Place {
        Place { path: path.into(), existing: Existing::Resume, io: Io::Parallel }
    }
}

/// Suffix of a file in the making; the number of its process follows.
pub const PART: &str = ".part.";
/// A network file system may show a new file to other nodes a moment later.
const PATIENCE: Duration = Duration::from_secs(5);

/// The directory a file is in.
pub fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Collective: the directory of the output exists, can be written, and is the same for all ranks.
///
/// # Errors
/// `Directory` and `NotShared` on rank 0, which speaks for all; the inner `Err(None)` on the others.
pub fn check_directory(path: &Path, comm: &dyn Comm) -> Result<(), Option<StoreError>> {
    let dir = directory(path);
    let nonce = if comm.is_root() { leave_nonce(dir) } else { Ok(PathBuf::new()) };
    let name = nonce.as_ref().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let name = comm.broadcast(name.into_bytes());
    if name.is_empty() {
        return Err(nonce.err());
    }
    let name = String::from_utf8_lossy(&name).into_owned();
    let blind = if sees(&dir.join(&name), &name) { vec![] } else { comm::hostname().into_bytes() };
    let blind = comm.all_gather(&blind);
    if comm.is_root() {
        // Left behind it would do no harm.
        let _ = fs::remove_file(dir.join(&name));
    }
    let count = blind.iter().filter(|host| !host.is_empty()).count();
    match blind.iter().position(|host| !host.is_empty()) {
        None => Ok(()),
        Some(rank) if comm.is_root() => {
            let host = String::from_utf8_lossy(&blind[rank]).into_owned();
            Err(Some(StoreError::NotShared { path: dir.into(), rank, host, count }))
        }
        Some(_) => Err(None),
    }
}

/// Free bytes for this user on the disk of a directory; `None` where the system does not know.
pub fn free_space(directory: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(directory).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize)).filter(|free| *free > 0)
}

/// Whether files in the directory of `output` can be locked.
///
/// # Errors
/// `Directory` if no file can be made there, `Locked` if somebody holds the lock of `output`.
pub fn has_locks(output: &Path) -> Result<bool, StoreError> {
    Ok(Lock::take(output, true)?.is_held())
}

/// Wait until this rank sees the very file that rank 0 has made (an old one may linger in a cache).
///
/// # Errors
/// `Directory` if it cannot be opened.
pub fn await_file(path: &Path, inode: u64) -> Result<File, StoreError> {
    let start = Instant::now();
    loop {
        let found = File::open(path).and_then(|file| file.metadata().map(|meta| (file, meta.ino())));
        let patient = start.elapsed() < PATIENCE;
        match found {
            Ok((file, found)) if found == inode => return Ok(file),
            // Some user-space file systems number files per client.
            Ok((file, _)) if !patient => return Ok(file),
            Err(source) if !patient => {
                return Err(StoreError::Directory { path: path.into(), doing: "open", source });
            }
            _ => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// The results file that stands at `path`; `None` if one may be made there.
///
/// # Errors
/// `Exists`, `NotAFile`, `Foreign`, `Version`.
pub fn standing(path: &Path, existing: Existing) -> Result<Option<Results>, StoreError> {
    let Ok(found) = fs::symlink_metadata(path) else { return Ok(None) };
    if !found.is_file() {
        return Err(StoreError::NotAFile { path: path.into() });
    }
    match existing {
        Existing::Refuse => Err(StoreError::Exists { path: path.into() }),
        Existing::Replace if found.len() == 0 => Ok(None),
        _ => match (Results::open(path), existing) {
            (Ok(_) | Err(StoreError::IsSweep { .. }), Existing::Replace) => Ok(None),
            (Ok(results), _) => Ok(Some(results)),
            (Err(error @ (StoreError::Version { .. } | StoreError::IsSweep { .. })), Existing::Resume) => Err(error),
            // An unreadable or half-made file of ours has no format either: let the user remove it.
            (Err(error), _) => {
                let why = error.to_string().replacen(&path.display().to_string(), "it", 1);
                Err(StoreError::Foreign { path: path.into(), why })
            }
        },
    }
}

/// Whether an open file still has a name.
///
/// # Errors
/// `Removed` if it has not: what is written to it is lost when it is closed.
pub fn still_there(path: &Path, file: &File) -> Result<(), StoreError> {
    match file.metadata() {
        Ok(found) if found.nlink() == 0 => Err(StoreError::Removed { path: path.into() }),
        _ => Ok(()),
    }
}

/// Inode of a file.
///
/// # Errors
/// `File` if there is none.
pub fn inode(path: &Path) -> Result<u64, StoreError> {
    fs::metadata(path).map(|meta| meta.ino()).map_err(|e| StoreError::io(path, "find the file", e))
}

/// Make names in a directory survive a power cut.
///
/// # Errors
/// `File` if the system refuses.
pub fn sync_directory(path: &Path) -> Result<(), StoreError> {
    let sync = File::open(directory(path)).and_then(|dir| dir.sync_all());
    // Some network file systems cannot, and need not.
    match sync {
        Err(e) if !matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => {
            Err(StoreError::io(path, "make the directory entry permanent of", e))
        }
        _ => Ok(()),
    }
}

/// What the name of a lock ends in.
pub const LOCK: &str = ".lock";

/// `FILE.lock`, held by rank 0 while it writes FILE; the system frees it if the process dies.
pub struct Lock {
    /// Open for as long as it is held; `None` where there are no locks.
    file: Option<File>,
    path: PathBuf,
}

impl Lock {
    /// Take it.
    ///
    /// # Errors
    /// `Locked` if another process holds it, `Directory` if it cannot be created. A file system without
    /// locks is only worth a warning.
    pub fn take(output: &Path, alone: bool) -> Result<Lock, StoreError> {
        let path = with_suffix(output, LOCK);
        loop {
            let open = File::options().create(true).write(true).truncate(false).open(&path);
            let file = open.map_err(|source| StoreError::Directory { path: path.clone(), doing: "create", source })?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(StoreError::Locked { path: output.into(), alone });
                }
                Err(TryLockError::Error(why)) => {
                    log::warn!(
                        "cannot lock {} ({why}): two runs on the same output would not be noticed",
                        path.display()
                    );
                    return Ok(Lock { file: None, path });
                }
            }
            // The last holder may have removed the file between our open and our lock.
            let ours = file.metadata().map(|meta| meta.ino()).ok();
            if ours == fs::metadata(&path).map(|meta| meta.ino()).ok() {
                return Ok(Lock { file: Some(file), path });
            }
        }
    }

    /// Whether it keeps others out: some file systems have no locks.
    pub fn is_held(&self) -> bool {
        self.file.is_some()
    }
}

/// Remove half-made files that runs killed at their start have left beside `output`, whose lock we hold.
pub fn remove_leftovers(output: &Path) {
    let Some(name) = output.file_name() else { return };
    let prefix = with_suffix(Path::new(name), PART).into_os_string().into_encoded_bytes();
    let entries = fs::read_dir(directory(output)).into_iter().flatten().flatten();
    for left in entries.filter(|entry| entry.file_name().as_encoded_bytes().starts_with(&prefix)) {
        // What cannot be removed is not in the way either.
        let _ = fs::remove_file(left.path());
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Removed before it is released, so that nobody locks a name that is about to go.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a file that exists is known by its first bytes, `count` of them if it has so many. A link is not.
pub fn is_known(path: &Path, count: usize, is: impl Fn(&[u8]) -> bool) -> Option<bool> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return Some(false);
    }
    let mut start = vec![];
    let read = File::open(path).and_then(|file| file.take(count as u64).read_to_end(&mut start));
    Some(read.is_ok() && is(&start))
}

/// Whether an HDF5 file stands there.
pub fn is_hdf5(path: &Path) -> bool {
    const SIGNATURE: &[u8; 8] = b"\x89HDF\r\n\x1a\n";
    is_known(path, SIGNATURE.len(), |start| start == SIGNATURE) == Some(true)
}

/// Remove a file beside the results, if it is known to be ours.
///
/// # Errors
/// `File` if the system refuses.
pub fn remove_ours(path: &Path, is_ours: Option<bool>) -> Result<(), StoreError> {
    match is_ours {
        Some(true) => fs::remove_file(path).map_err(|e| StoreError::io(path, "remove the file", e)),
        _ => Ok(()),
    }
}

/// `path` with something appended to its name.
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    name.into()
}

/// Create the directory and leave a file in it whose content is its name; gives the name.
fn leave_nonce(dir: &Path) -> Result<PathBuf, StoreError> {
    let fail = |doing, source| StoreError::Directory { path: dir.into(), doing, source };
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    let name = format!(".qsd-{}-{now}", std::process::id());
    fs::write(dir.join(&name), &name).map_err(|e| fail("write into the directory", e))?;
    Ok(name.into())
}

fn sees(nonce: &Path, content: &str) -> bool {
    let start = Instant::now();
    loop {
        if fs::read_to_string(nonce).is_ok_and(|found| found == content) {
            return true;
        }
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::scratch;
    use super::*;

    #[test]
    fn a_second_writer_is_refused_until_the_first_is_gone() {
        let output = scratch("lock").join("x.h5");
        let first = Lock::take(&output, true).unwrap();
        assert_eq!(Lock::take(&output, true).err().unwrap().id(), "E-lock");
        drop(first);
        assert!(!with_suffix(&output, ".lock").exists());
        Lock::take(&output, true).unwrap();
    }

    #[test]
    fn a_directory_is_tried_without_a_trace_and_a_missing_one_is_named() {
        let output = scratch("place").join("x.h5");
        check_directory(&output, crate::comm::solo().as_ref()).unwrap();
        assert_eq!(fs::read_dir(directory(&output)).unwrap().count(), 0);
        let missing = output.with_file_name("deeper").join("x.h5");
        let error = check_directory(&missing, crate::comm::solo().as_ref()).unwrap_err().unwrap();
        assert_eq!(error.id(), "E-directory");
        assert!(!directory(&missing).exists(), "a misspelt path made a directory");
    }

    #[test]
    fn only_a_results_file_is_replaced_or_gone_on_with() {
        use Existing::{Refuse, Replace, Resume};
        let output = scratch("replaced").join("x.h5");
        let is_free = |path: &Path, existing| standing(path, existing).unwrap().is_none();
        assert!([Refuse, Replace, Resume].into_iter().all(|existing| is_free(&output, existing)));
        fs::write(&output, "precious").unwrap();
        let said = |path: &Path, existing| standing(path, existing).err().unwrap().to_string();
        assert!(said(&output, Refuse).contains("--force replaces it"));
        for existing in [Replace, Resume] {
            assert!(said(&output, existing).contains("x.h5 is not a results file of qsd"));
            assert!(said(directory(&output), existing).contains("not a regular file"));
            assert!(said(Path::new("/dev/null"), existing).contains("not a regular file"));
        }
        let results = output.with_file_name("y.h5");
        super::super::testing::written(&results, &super::super::testing::header(), 3);
        assert!(is_free(&results, Replace) && !is_free(&results, Resume));
        fs::write(&output, "").unwrap();
        assert!(is_free(&output, Replace) && said(&output, Resume).contains("not a results file"));
    }

    #[test]
    fn a_file_without_a_name_is_noticed() {
        let path = scratch("nameless").join("x.h5");
        let file = File::create(&path).unwrap();
        still_there(&path, &file).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(still_there(&path, &file).unwrap_err().to_string().contains("x.h5 was removed"));
    }

    #[test]
    fn a_file_in_the_way_of_the_directory_is_named() {
        let blocked = scratch("blocked").join("file");
        fs::write(&blocked, "").unwrap();
        let error = check_directory(&blocked.join("x.h5"), crate::comm::solo().as_ref()).unwrap_err().unwrap();
        assert_eq!(error.id(), "E-directory");
        assert!(error.to_string().contains("blocked/file") && error.to_string().contains("--output-dir"), "{error}");
    }

    /// Rank 0 of three, of which rank 2 on n2 does not see the directory.
    struct RankZero;

    impl Comm for RankZero {
        fn rank(&self) -> usize {
            0
        }
        fn size(&self) -> usize {
            3
        }
        fn barrier(&self) {}
        fn all(&self, ok: bool) -> bool {
            ok
        }
        fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8> {
            bytes
        }
        fn all_gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
            vec![bytes.to_vec(), vec![], b"n2".to_vec()]
        }
        fn send(&self, _: usize, _: &[u8]) {}
        fn receive(&self, _: usize) -> Vec<u8> {
            vec![]
        }
        fn post(&self, _: usize, _: &[u8]) {}
        fn posted(&self) -> usize {
            0
        }
        fn poll(&self) -> Option<(usize, Vec<u8>)> {
            None
        }
        fn offer(&self, _: comm::Flags) {}
        fn agreed(&self) -> Option<comm::Flags> {
            None
        }
        fn split(&self, _: usize) -> Box<dyn Comm> {
            comm::solo()
        }
        fn abort(&self, _: i32) -> ! {
            unreachable!("nobody aborts")
        }
        fn raw(&self) -> Option<comm::RawComm> {
            None
        }
        fn library(&self) -> String {
            "none".into()
        }
    }

    #[test]
    fn a_rank_that_does_not_see_the_directory_is_named_with_its_host() {
        let output = scratch("shared").join("x.h5");
        let error = check_directory(&output, &RankZero).unwrap_err().unwrap();
        assert!(error.to_string().starts_with("rank 2 on n2 does not see the output directory"), "{error}");
        assert!(!error.to_string().contains("others"), "{error}");
        assert_eq!(fs::read_dir(directory(&output)).unwrap().count(), 0);
    }
}
