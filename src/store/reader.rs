//! Reading a results file back, finished or not, also while it is being written.

mod columns;
mod density;
mod header;
mod rows;
mod step_check;
mod values;

pub use values::{Factor, Kets};

use super::h5::File;
use super::layout::{FORMAT, FORMAT_VERSION, Kind, SWEEP_FORMAT};
use super::place::{LOCK, with_suffix};
use super::stack::{VARYING, VARYING_ROOT};
use super::{StoreError, stack};
use crate::ensemble::{ObservableInfo, Parameter, Value, Verdict};
use std::path::{Path, PathBuf};

/// The one dataset of `/provenance` in a file of one run.
const RESOLVED_INPUT: &str = "resolved_input";

/// An open results file.
pub struct Results {
    file: File,
    path: PathBuf,
    /// Text attributes of the root.
    about: Vec<(String, String)>,
}

/// How far a run has come, by its own account; `Results::valid_rows` says what is true.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Trajectories of the file.
    pub ntraj: u64,
    /// Trajectories in the file when the last run ended.
    pub n_done: u64,
    /// Trajectories in the statistics.
    pub stats_n: u64,
    /// Every trajectory is done and the statistics are in.
    pub complete: bool,
    /// Why the last run ended.
    pub end_condition: String,
}

/// One start of the program on this file.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// Start, ISO 8601 UTC.
    pub start: String,
    /// End; empty while running or if killed.
    pub end: String,
    /// Host of rank 0.
    pub host: String,
    /// MPI ranks.
    pub ranks: i32,
    /// Threads of each.
    pub threads: i32,
    /// Exit code, -1 while running or if killed.
    pub exit_code: i32,
    /// Wall time in seconds; NaN while running or if killed.
    pub wall_time: f64,
}

/// A guard as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct GuardRecord {
    /// Its name.
    pub name: String,
    /// What was measured; NaN if nothing was yet.
    pub value: f64,
    /// What it means.
    pub verdict: Verdict,
}

impl Results {
    /// Open a file.
    ///
    /// # Errors
    /// `Missing`, `NotHdf5` (also for a file that is cut off), `NotQsd`, `Version`.
    pub fn open(path: &Path) -> Result<Results, StoreError> {
        let results = Results::of(path, vec![])?;
        match results.about("format") {
            FORMAT => Ok(results),
            _ => Err(StoreError::NotQsd { path: path.into() }),
        }
    }

    /// Open one point of the stacked file of a sweep, by its place on the axes: everything below is of it alone.
    ///
    /// # Errors
    /// Those of `open`.
    pub(super) fn open_at(path: &Path, at: Vec<(String, usize)>) -> Result<Results, StoreError> {
        let mut results = Results::of(path, at)?;
        // What is text of the root in a file of one point.
        for name in VARYING_ROOT {
            let dataset = format!("{VARYING}/{name}");
            if results.file.contains(&dataset) {
                let text = results.text(&dataset)?;
                results.about.retain(|(known, _)| known != name);
                results.about.push((name.to_string(), text));
            }
        }
        Ok(results)
    }

    fn of(path: &Path, at: Vec<(String, usize)>) -> Result<Results, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.into() });
        }
        if path.is_dir() {
            return Err(StoreError::NotHdf5 { path: path.into(), detail: "it is a directory".into() });
        }
        let is_view = !at.is_empty();
        let file = File::open_at(path, at)?;
        let results = Results { about: file.texts("/")?, file, path: path.into() };
        let (format, found) = (results.about("format"), results.about("format_version"));
        let is_ours = [FORMAT, SWEEP_FORMAT].contains(&format);
        if is_ours && found.split('.').next() != FORMAT_VERSION.split('.').next() {
            return Err(StoreError::Version { path: path.into(), found: found.into() });
        }
        if format == SWEEP_FORMAT && !is_view {
            let (axes, _) = stack::axes_of(path)?;
            return Err(StoreError::IsSweep { path: path.into(), points: axes.count(), example: axes.label(0) });
        }
        Ok(results)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether `FILE.lock` stands beside it: a run is writing, or was killed in a way that left it.
    pub fn has_lock(&self) -> bool {
        with_suffix(&self.path, LOCK).exists()
    }

    /// A text attribute of the file (`title`, `source`, `history`, `parameter_hash`); empty if there is none.
    pub fn about(&self, name: &str) -> &str {
        self.about.iter().find(|(key, _)| key == name).map_or("", |(_, text)| text)
    }

    /// Which numbers its seeds mean; 1 in the first files, which do not say.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn numbers(&self) -> Result<i64, StoreError> {
        Ok(self.file.count("/", "numbers")?.unwrap_or(1))
    }

    /// Saved times.
    ///
    /// # Errors
    /// `File` if it cannot be read, as for everything below.
    pub fn times(&self) -> Result<Vec<f64>, StoreError> {
        self.file.dataset("time")?.read()
    }

    /// Unit of time.
    ///
    /// # Errors
    /// `File`.
    pub fn time_unit(&self) -> Result<String, StoreError> {
        Ok(attribute(&self.file.dataset("time")?.texts()?, "units"))
    }

    /// Trajectory numbers.
    ///
    /// # Errors
    /// `File`.
    pub fn trajectories(&self) -> Result<Vec<i64>, StoreError> {
        self.file.dataset("trajectory")?.read()
    }

    /// Seed of every trajectory.
    ///
    /// # Errors
    /// `File`.
    pub fn seeds(&self) -> Result<Vec<u64>, StoreError> {
        self.file.dataset("seed")?.read()
    }

    /// The rank that integrated every trajectory; -1 if there is none yet.
    ///
    /// # Errors
    /// `File`.
    pub fn ranks(&self) -> Result<Vec<i32>, StoreError> {
        self.file.dataset("mpi_rank")?.read()
    }

    /// Observables, in the order of the row.
    ///
    /// # Errors
    /// `File`.
    pub fn observables(&self) -> Result<Vec<ObservableInfo>, StoreError> {
        let info = |name: &str| {
            let data = self.file.dataset(name)?;
            let texts = data.texts()?;
            Ok(ObservableInfo {
                name: name.into(),
                expression: attribute(&texts, "expression"),
                label: attribute(&texts, "label"),
                latex: attribute(&texts, "latex"),
                unit: attribute(&texts, "units"),
                description: attribute(&texts, "description"),
                hermitian: data.kind() != Some(Kind::Complex),
            })
        };
        self.about("observables").split_whitespace().map(info).collect()
    }

    /// How far the run has come.
    ///
    /// # Errors
    /// `File`.
    pub fn state(&self) -> Result<State, StoreError> {
        let count = |name: &str| Ok::<_, StoreError>(self.file.dataset(name)?.read_one::<i64>()?.max(0) as u64);
        Ok(State {
            ntraj: self.file.dataset("checksum")?.extent().0 as u64,
            n_done: count("state/n_done")?,
            stats_n: count("state/stats_n")?,
            complete: self.file.dataset("state/complete")?.read_one::<u8>()? == 1,
            end_condition: self.text("state/end_condition")?,
        })
    }

    /// Scalars of `/parameters`.
    ///
    /// # Errors
    /// `File`.
    pub fn parameters(&self) -> Result<Vec<Parameter>, StoreError> {
        let parameter = |name: String| {
            let path = format!("parameters/{name}");
            let data = self.file.dataset(&path)?;
            let value = match data.kind() {
                Some(Kind::Text(_)) => Value::Text(self.text(&path)?),
                Some(Kind::I64) => Value::Integer(data.read_one()?),
                Some(Kind::U64) => Value::Unsigned(data.read_one()?),
                Some(Kind::U8) => Value::Flag(data.read_one::<u8>()? != 0),
                _ => Value::Real(data.read_one()?),
            };
            let texts = data.texts()?;
            Ok(Parameter { name, value, unit: attribute(&texts, "units"), description: attribute(&texts, "long_name") })
        };
        self.file.members("parameters")?.into_iter().map(parameter).collect()
    }

    /// Attributes of `/provenance`; of a point of a sweep also those that its file has for every point.
    ///
    /// # Errors
    /// `File`.
    pub fn provenance(&self) -> Result<Vec<(String, String)>, StoreError> {
        let mut found = self.file.texts("provenance")?;
        for name in self.file.members(VARYING)? {
            if name != RESOLVED_INPUT && !VARYING_ROOT.contains(&name.as_str()) {
                let text = self.text(&format!("{VARYING}/{name}"))?;
                found.push((name, text));
            }
        }
        Ok(found)
    }

    /// The input the run was made from, TOML.
    ///
    /// # Errors
    /// `File`.
    pub fn resolved_input(&self) -> Result<String, StoreError> {
        self.text(&format!("provenance/{RESOLVED_INPUT}"))
    }

    /// Starts so far.
    ///
    /// # Errors
    /// `File`.
    pub fn runs(&self) -> Result<Vec<RunRecord>, StoreError> {
        let count = self.file.dataset("runs/n_runs")?.read_one::<i64>()?.max(0) as usize;
        let texts = |name: &str| self.file.dataset(name)?.read_texts();
        let counts = |name: &str| self.file.dataset(name)?.read::<i32>();
        let (starts, ends, hosts) = (texts("runs/start")?, texts("runs/end")?, texts("runs/host")?);
        let (ranks, threads) = (counts("runs/ranks")?, counts("runs/threads")?);
        let (exits, walls) = (counts("runs/exit_code")?, self.file.dataset("runs/wall_time")?.read::<f64>()?);
        let run = |i: usize| RunRecord {
            start: starts[i].clone(),
            end: ends[i].clone(),
            host: hosts[i].clone(),
            ranks: ranks[i],
            threads: threads[i],
            exit_code: exits[i],
            wall_time: walls[i],
        };
        let room = [starts.len(), ends.len(), hosts.len(), ranks.len(), threads.len(), exits.len(), walls.len()];
        Ok((0..room.into_iter().fold(count, usize::min)).map(run).collect())
    }

    /// Guards and their verdicts.
    ///
    /// # Errors
    /// `File`.
    pub fn guards(&self) -> Result<Vec<GuardRecord>, StoreError> {
        let guard = |name: String| {
            let verdict = self.file.dataset(&format!("guards/{name}_verdict"))?.read_one::<i8>()?;
            let value = self.file.dataset(&format!("guards/{name}"))?.read_one()?;
            let verdict = match verdict {
                0 => Verdict::Good,
                1 => Verdict::Warning,
                2.. => Verdict::Failed,
                _ => Verdict::Recorded,
            };
            Ok(GuardRecord { name, value, verdict })
        };
        let names = self.file.members("guards")?;
        names.into_iter().filter(|name| !name.ends_with("_verdict")).map(guard).collect()
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    fn text(&self, name: &str) -> Result<String, StoreError> {
        Ok(self.file.dataset(name)?.read_texts()?.concat())
    }
}

fn attribute(texts: &[(String, String)], name: &str) -> String {
    texts.iter().find(|(key, _)| key == name).map(|(_, text)| text.clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::h5::File;
    use super::super::testing::{header, scratch, written};
    use super::*;

    #[test]
    fn what_was_known_at_the_start_comes_back() {
        let path = scratch("known").join("x.h5");
        written(&path, &header(), 20);
        let (results, header) = (Results::open(&path).unwrap(), header());
        assert_eq!(results.observables().unwrap(), header.observables);
        assert_eq!(results.times().unwrap(), header.times);
        assert_eq!(results.time_unit().unwrap(), "1/kappa");
        assert_eq!(results.about("title"), header.title);
        assert_eq!(results.resolved_input().unwrap(), header.resolved_input);
        assert_eq!(results.seeds().unwrap(), vec![header.seed; 20]);
        assert_eq!(results.trajectories().unwrap()[0], 100);
        let mut parameters = header.parameters;
        parameters.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(results.parameters().unwrap(), parameters);
        for entry in header.provenance {
            assert!(results.provenance().unwrap().contains(&entry));
        }
    }

    #[test]
    fn the_end_of_a_run_comes_back() {
        let path = scratch("ended").join("x.h5");
        written(&path, &header(), 20);
        let results = Results::open(&path).unwrap();
        let end_condition = "ntraj reached".to_string();
        let state = State { ntraj: 20, n_done: 20, stats_n: 20, complete: true, end_condition };
        assert_eq!(results.state().unwrap(), state);
        let runs = results.runs().unwrap();
        assert_eq!(runs.len(), 1);
        assert_eq!((runs[0].end.as_str(), runs[0].exit_code, runs[0].wall_time), ("2026-01-02T03:05:05Z", 0, 1.5));
        let guards = results.guards().unwrap();
        let leak = guards.iter().find(|guard| guard.name == "leak_a").unwrap();
        assert_eq!((leak.value, leak.verdict), (1e-9, Verdict::Good));
        assert!(guards.iter().any(|guard| guard.name == "h_gamma_above_one" && guard.verdict == Verdict::Recorded));
    }

    #[test]
    fn what_is_no_result_is_explained_in_one_sentence() {
        let dir = scratch("foreign");
        let error = |name: &str| Results::open(&dir.join(name)).err().unwrap().to_string();
        assert!(error("absent.h5").ends_with("absent.h5: no such file"));
        std::fs::write(dir.join("text.h5"), "hello").unwrap();
        assert!(error("text.h5").contains("is not an HDF5 file"));
        File::create(&dir.join("other.h5")).unwrap().close().unwrap();
        assert!(error("other.h5").contains("not a result of qsd"));
        written(&dir.join("x.h5"), &header(), 20);
        let bytes = std::fs::read(dir.join("x.h5")).unwrap();
        std::fs::write(dir.join("cut.h5"), &bytes[..bytes.len() / 2]).unwrap();
        assert!(error("cut.h5").contains("cut off (truncated file"), "{}", error("cut.h5"));
        let newer = File::create(&dir.join("newer.h5")).unwrap();
        newer.set_text("/", "format", FORMAT).unwrap();
        newer.set_text("/", "format_version", "2.0.0").unwrap();
        newer.close().unwrap();
        assert!(error("newer.h5").contains("format version 2.0.0"));
    }
}
