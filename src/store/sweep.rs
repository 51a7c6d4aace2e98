//! A sweep on the disk. While it runs it is a folder `FILE.points` of ordinary results files, one a point, beside a
//! `sweep.toml` that says what they are; at its end one file with all of them (`stack`), and the folder goes.
//!
//! The folder is removed only when the new file has its name and was read again, so that a sweep killed at any moment
//! is gone on with by the same command.

use super::place::{self, Lock, PART, standing, with_suffix};
use super::{Results, StoreError, stack};
use crate::error::Error;
use crate::input::{Axes, Existing, InputError, Options, Streams, Sweep};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Suffix of the folder.
const FOLDER: &str = ".points";
/// What is in it beside the points.
const RECORD: &str = "sweep.toml";

/// Where a sweep is kept. Rank 0 looks, begins and ends; every rank asks it for the files of points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweepPlace {
    output: PathBuf,
    digits: usize,
}

/// Held by rank 0 from `begin` to `end`.
pub struct SweepLock(#[expect(dead_code, reason = "it is held, and freed when it is dropped")] Lock);

impl SweepPlace {
    /// Of a sweep of so many points; `output` is its results file.
    pub fn new(output: &Path, points: usize) -> SweepPlace {
        // Through symbolic links, so that a link stays one.
        let output = fs::canonicalize(output).unwrap_or(output.into());
        SweepPlace { output, digits: points.saturating_sub(1).to_string().len().max(3) }
    }

    /// Its results file, when it is done.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// The results file of a point while it runs.
    pub fn point(&self, point: usize) -> PathBuf {
        self.folder().join(format!("{point:0digits$}.h5", digits = self.digits))
    }

    fn folder(&self) -> PathBuf {
        with_suffix(&self.output, FOLDER)
    }

    fn record(&self) -> PathBuf {
        self.folder().join(RECORD)
    }

    /// Whether the results file has this sweep already.
    ///
    /// # Errors
    /// `Different` if it, or the folder, is of another sweep, `SingleRun`, and those of a file that is in the way.
    pub fn is_complete(&self, sweep: &Sweep, existing: Existing) -> Result<bool, StoreError> {
        let there = fs::symlink_metadata(&self.output).is_ok() || self.record().exists();
        match existing {
            Existing::Refuse if there => return Err(StoreError::Exists { path: self.output.clone() }),
            Existing::Replace => return standing(&self.output, existing).map(|_| false),
            _ => {}
        }
        if fs::symlink_metadata(&self.output).is_ok() {
            return match standing(&self.output, existing) {
                Err(StoreError::IsSweep { .. }) => {
                    let stacked = Swept::open(&self.output)?;
                    self.check(sweep, stacked.axes(), stacked.streams(), &stacked.inputs()?).map(|()| true)
                }
                Ok(_) => Err(StoreError::SingleRun { path: self.output.clone() }),
                Err(error) => Err(error),
            };
        }
        let Some((axes, streams, inputs)) = self.parts()? else { return Ok(false) };
        self.check(sweep, &axes, streams, &inputs).map(|()| false)
    }

    /// Take the lock and make the folder; what it holds of this sweep stays, unless it is to be replaced.
    ///
    /// # Errors
    /// Those of `is_complete`, `Locked`, `Foreign` for a folder of somebody else, `Directory` if it cannot be made.
    pub fn begin(&self, sweep: &Sweep, existing: Existing, alone: bool) -> Result<SweepLock, StoreError> {
        let lock = Lock::take(&self.output, alone)?;
        if lock.is_held() {
            place::remove_leftovers(&self.output);
        }
        // Once more, now that nobody else can change it.
        self.is_complete(sweep, existing)?;
        let folder = self.folder();
        if existing == Existing::Replace {
            self.clear();
        }
        if !folder.exists() {
            let failed = |source| StoreError::Directory { path: folder.clone(), doing: "create the directory", source };
            fs::create_dir(&folder).map_err(failed)?;
            place::sync_directory(&folder)?;
        }
        if !self.record().exists() {
            let mut names = self.names().into_iter();
            if let Some(name) = names.find(|name| !name.starts_with(&format!("{RECORD}{PART}"))) {
                return Err(StoreError::Foreign { path: folder, why: format!("it has {name} and no {RECORD}") });
            }
            self.write_record(&sweep.to_toml())?;
        }
        Ok(SweepLock(lock))
    }

    /// Stack all points, which are complete, and remove the folder; gives nothing back but the lock.
    ///
    /// # Errors
    /// `Full` or `File` if the new file cannot be made, `Unstackable` if two points do not go together: the folder stays.
    pub fn end(&self, sweep: &Sweep, lock: SweepLock) -> Result<(), StoreError> {
        let files: Vec<PathBuf> = (0..sweep.points.len()).map(|point| self.point(point)).collect();
        stack::stack(&self.output, &sweep.axes, sweep.streams, &files)?;
        let stacked = Swept::open(&self.output)?;
        self.check(sweep, stacked.axes(), stacked.streams(), &stacked.inputs()?)?;
        self.clear();
        drop(lock);
        Ok(())
    }

    /// Remove what a start that was killed at its very end has left behind.
    pub fn remove_folder(&self) {
        self.clear();
    }

    fn check(&self, sweep: &Sweep, axes: &Axes, streams: Streams, inputs: &[String]) -> Result<(), StoreError> {
        match sweep.differs_from(axes, streams, inputs) {
            Some(difference) => Err(StoreError::Different { path: self.output.clone(), difference }),
            None => Ok(()),
        }
    }

    /// What the folder is a sweep of; `None` without a folder.
    fn parts(&self) -> Result<Option<(Axes, Streams, Vec<String>)>, StoreError> {
        let path = self.record();
        if !path.exists() {
            return Ok(None);
        }
        let text = fs::read_to_string(&path).map_err(|e| StoreError::io(&path, "read", e))?;
        let doing = "go on with the sweep";
        let unreadable = |error: InputError| StoreError::File { path, doing: doing.into(), detail: error.to_string() };
        Sweep::parts_of(&text).map(Some).map_err(unreadable)
    }

    /// On the disk first, then under its name.
    fn write_record(&self, text: &str) -> Result<(), StoreError> {
        let (path, part) = (self.record(), with_suffix(&self.record(), &format!("{PART}{}", std::process::id())));
        let write = || {
            fs::write(&part, text)?;
            fs::File::open(&part)?.sync_all()?;
            fs::rename(&part, &path)
        };
        write().map_err(|e| StoreError::io(&path, "write", e))?;
        place::sync_directory(&path)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder()).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Remove what is ours in the folder, and it if nothing else is in it; the record last but for the folder.
    fn clear(&self) {
        let is_of_point = |name: &String| name.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(".h5");
        let (points, others): (Vec<String>, Vec<String>) = self.names().into_iter().partition(is_of_point);
        let records = others.into_iter().filter(|name| name.starts_with(RECORD));
        for name in points.into_iter().chain(records) {
            // What cannot be removed is told by the directory that stays.
            let _ = fs::remove_file(self.folder().join(name));
        }
        if let Err(error) = fs::remove_dir(self.folder())
            && error.kind() != std::io::ErrorKind::NotFound
        {
            log::warn!("{} cannot be removed ({error})", self.folder().display());
        }
    }
}

/// A file of something else would hide the points of a sweep that is not done.
///
/// # Errors
/// `Begun` if `output` has such a sweep.
pub fn check_none_begun(output: &Path) -> Result<(), StoreError> {
    let place = SweepPlace::new(output, 0);
    match place.record().exists() {
        true => Err(StoreError::Begun { path: output.into(), folder: place.folder() }),
        false => Ok(()),
    }
}

/// A sweep that is read: stacked, or still in its folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    place: SweepPlace,
    axes: Axes,
    streams: Streams,
    stacked: bool,
}

impl Results {
    /// A results file, or of a sweep the point that `--point` names.
    ///
    /// # Errors
    /// `IsSweep` for a sweep without a point and `SingleRun` for a point without a sweep, else those of `open` and `Swept::named`.
    pub fn at(path: &Path, point: Option<&str>) -> Result<Results, StoreError> {
        match (Swept::find(path)?, point) {
            (Some(swept), Some(point)) => swept.named(point),
            (Some(Swept { axes, .. }), None) => {
                Err(StoreError::IsSweep { path: path.into(), points: axes.count(), example: axes.label(0) })
            }
            (None, None) => Results::open(path),
            // What is no results file says so itself.
            (None, Some(_)) => Results::open(path).and(Err(StoreError::SingleRun { path: path.into() })),
        }
    }
}

impl Swept {
    /// The sweep that `path` names; `None` if it names something else.
    ///
    /// # Errors
    /// `File` and its like if there is one that cannot be read.
    pub fn find(path: &Path) -> Result<Option<Swept>, StoreError> {
        match Results::open(path) {
            Err(StoreError::IsSweep { .. }) => Swept::open(path).map(Some),
            Err(StoreError::Missing { .. }) => {
                let place = SweepPlace::new(path, 0);
                let Some((axes, streams, _)) = place.parts()? else { return Ok(None) };
                let place = SweepPlace::new(path, axes.count());
                Ok(Some(Swept { place, axes, streams, stacked: false }))
            }
            _ => Ok(None),
        }
    }

    /// The sweep whose points are, or were, in this folder; `None` of any other folder, and where another file has the name.
    pub fn of_folder(folder: &Path) -> Option<Swept> {
        let output = PathBuf::from(folder.to_str()?.strip_suffix(FOLDER)?);
        Swept::find(&output).ok()?
    }

    /// How many points are complete.
    pub fn complete(&self) -> usize {
        let is_complete =
            |point: &usize| matches!(self.at(*point), Ok(Some(point)) if point.state().is_ok_and(|s| s.complete));
        if self.stacked { self.axes.count() } else { (0..self.axes.count()).filter(is_complete).count() }
    }

    /// The latest change of any point, and the size of all.
    pub fn stamp(&self) -> (SystemTime, u64) {
        let files = match self.stacked {
            true => vec![self.path().to_path_buf()],
            false => self.place.names().into_iter().map(|name| self.place.folder().join(name)).collect(),
        };
        files.iter().filter_map(|file| file.metadata().ok()).fold((SystemTime::UNIX_EPOCH, 0), |(last, bytes), file| {
            (last.max(file.modified().unwrap_or(last)), bytes + file.len())
        })
    }

    /// A stacked file.
    fn open(path: &Path) -> Result<Swept, StoreError> {
        let (axes, streams) = stack::axes_of(path)?;
        Ok(Swept { place: SweepPlace::new(path, axes.count()), axes, streams, stacked: true })
    }

    /// The parameters and their values.
    pub fn axes(&self) -> &Axes {
        &self.axes
    }

    /// The noise of the points.
    pub fn streams(&self) -> Streams {
        self.streams
    }

    /// Its results file, which may not be there yet.
    pub fn path(&self) -> &Path {
        self.place.output()
    }

    /// Whether all points are in one file.
    pub fn is_stacked(&self) -> bool {
        self.stacked
    }

    /// The sweep itself, to go on with.
    ///
    /// # Errors
    /// `File` if it cannot be read, and those of a resolved input.
    pub fn sweep(&self, options: Options) -> Result<Sweep, Error> {
        let inputs = match self.stacked {
            true => self.inputs()?,
            false => self.place.parts()?.map_or(vec![], |(_, _, inputs)| inputs),
        };
        Ok(Sweep::of_parts(self.axes.clone(), self.streams, &inputs, options)?)
    }

    /// What there is of a point; `None` if it was not begun.
    ///
    /// # Errors
    /// Those of `Results::open`.
    pub fn at(&self, point: usize) -> Result<Option<Results>, StoreError> {
        if self.stacked {
            return Results::open_at(self.path(), self.axes.place(point)).map(Some);
        }
        match Results::open(&self.place.point(point)) {
            Err(StoreError::Missing { .. }) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// What there is of the point that `--point` names.
    ///
    /// # Errors
    /// `Point` if none has this name, `NotBegun`, and those of `Results::open`.
    pub fn named(&self, point: &str) -> Result<Results, StoreError> {
        let number = self.axes.find(point)?;
        let not_begun = || StoreError::NotBegun { path: self.path().into(), point: self.axes.label(number) };
        self.at(number)?.ok_or_else(not_begun)
    }

    /// The resolved inputs of all points of a stacked file.
    fn inputs(&self) -> Result<Vec<String>, StoreError> {
        let input = |point: usize| Results::open_at(self.path(), self.axes.place(point))?.resolved_input();
        (0..self.axes.count()).map(input).collect()
    }
}
