//! What there is to say about a file, before it is put into words.

use super::Averages;
use crate::ensemble::{ObservableInfo, Statistics, StepVerdict, Value};
use crate::report::standing::Standing;
use crate::store::{GuardRecord, Results, StoreError};
use serde::Serialize;
use std::collections::BTreeMap;

/// Files up to this size have the rows of a finished run verified too.
const QUICKLY_VERIFIED: u64 = 256 << 20;
/// What is said instead of the end condition of a finished run whose rows have changed since.
const DAMAGED: &str = "but some rows have changed since they were written";

/// The end condition of a run that did all it was asked for.
const REACHED: &str = "ntraj reached";
/// What is said instead when it was asked for more since.
const EXTENDED: &str = "more were asked for since the last run";

/// One guard.
#[derive(Debug, Clone, Serialize)]
pub struct GuardLine {
    /// Name.
    pub name: String,
    /// What was measured; NaN (null) until it was.
    pub value: f64,
    /// What it means.
    pub verdict: &'static str,
}

impl GuardLine {
    fn of(guard: GuardRecord) -> GuardLine {
        GuardLine { verdict: guard.verdict.word(), name: guard.name, value: guard.value }
    }
}

/// All of it.
#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    /// The file.
    pub file: String,
    /// Its title.
    pub title: String,
    /// Every trajectory is done and the statistics are in.
    pub complete: bool,
    /// How far the run is.
    pub standing: Standing,
    /// Trajectories whose rows are good.
    pub done: u64,
    /// Which rows those are, or, where they were not read again, which were written.
    #[serde(skip)]
    pub rows: Vec<bool>,
    /// Trajectories in all.
    pub ntraj: u64,
    /// Why the last run ended.
    pub end_condition: String,
    /// True if the rows were read and their checksums compared; a large complete file is taken at its word.
    pub verified: bool,
    /// First and last trajectory number.
    pub trajectories: (i64, i64),
    /// Of a merged file: which trajectories of which seeds.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<Range>,
    /// Parameters by name.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Unit of time.
    pub time_unit: String,
    /// Saved times.
    pub time: Vec<f64>,
    /// Means and their errors.
    pub observables: Vec<Series>,
    /// Averages over time, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub averages: Option<Averages>,
    /// The guards.
    pub guards: Vec<GuardLine>,
    /// Trajectories in the density matrix, if there is to be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub density_matrix: Option<DensityMatrix>,
    /// What the check of the step comes to, if it was asked for and is done.
    pub step_check: Option<StepVerdict>,
    /// Starts: when, where, how many ranks and threads, exit code, seconds.
    pub runs: Vec<Run>,
    /// Software, versions, command line.
    pub provenance: BTreeMap<String, String>,
    /// Files that may be merged share it.
    pub parameter_hash: String,
}

/// Trajectories of one seed with consecutive numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Seed.
    pub seed: u64,
    /// First trajectory number.
    pub first: i64,
    /// Last trajectory number.
    pub last: i64,
}

/// Mean of one observable over trajectories, per time. Complex ones have imaginary parts.
#[derive(Debug, Clone, Serialize)]
pub struct Series {
    /// Name.
    pub name: String,
    /// Label.
    pub label: String,
    /// Unit.
    pub unit: String,
    /// Mean.
    pub mean: Vec<f64>,
    /// Standard error of the mean.
    pub sem: Vec<f64>,
    /// Imaginary part of the mean, for complex observables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean_imag: Option<Vec<f64>>,
    /// Standard error of the imaginary part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sem_imag: Option<Vec<f64>>,
}

impl Series {
    /// What it is called in a picture: its label, or its name if it has none.
    pub fn shown(&self) -> &str {
        if self.label.is_empty() { &self.name } else { &self.label }
    }
}

/// `time (1/kappa)`; without brackets for a plain number.
pub fn with_unit(what: &str, unit: &str) -> String {
    if matches!(unit, "" | "1") { what.into() } else { format!("{what} ({unit})") }
}

/// A density matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct DensityMatrix {
    /// Basis states.
    pub basis_states: usize,
    /// Trajectories in it.
    pub trajectories: u64,
}

/// One start of the program.
#[derive(Debug, Clone, Serialize)]
pub struct Run {
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
    /// Exit code; none while running or if killed.
    pub exit_code: Option<i32>,
    /// Seconds; none while running or if killed.
    pub wall_time: Option<f64>,
}

impl Overview {
    /// Read it from a file.
    ///
    /// # Errors
    /// `StoreError` if the file cannot be read.
    pub fn of(results: &Results) -> Result<Overview, StoreError> {
        let state = results.state()?;
        let stored = results.statistics()?;
        // Checksums of rows are looked at where that takes no time, and where nothing else is known.
        let small = std::fs::metadata(results.path()).is_ok_and(|file| file.len() <= QUICKLY_VERIFIED);
        let valid = if small || stored.is_none() { Some(results.valid_rows()?) } else { None };
        let count = valid.as_ref().map(|valid| valid.iter().filter(|valid| **valid).count() as u64);
        // Statistics of all rows that are there, or of a large file up to the last time they were refreshed.
        let stored = stored.filter(|_| count.is_none_or(|count| count == state.stats_n));
        let verified = valid.is_some();
        let rows = valid.clone().map_or_else(|| results.written_rows(), Ok)?;
        let (done, statistics) = match (stored, valid) {
            (Some(statistics), _) => (state.stats_n, statistics),
            (None, Some(valid)) => (count.unwrap_or(0), results.statistics_of(&valid)?),
            (None, None) => unreachable!("without stored statistics the rows were looked at"),
        };
        let trajectories = results.trajectories()?;
        let (times, infos) = (results.times()?, results.observables()?);
        let check = results.step_check()?.map(|check| check.judge(&infos, &times, &statistics, done));
        let ends = |numbers: &[i64]| Some((*numbers.first()?, *numbers.last()?));
        let parameters = results.parameters()?.into_iter();
        let provenance: BTreeMap<String, String> = results.provenance()?.into_iter().collect();
        let is_merged = provenance.contains_key("merged_from");
        let merged = if is_merged { ranges(&results.seeds()?, &trajectories) } else { vec![] };
        Ok(Overview {
            file: results.path().display().to_string(),
            title: results.about("title").into(),
            complete: state.complete && done == state.ntraj,
            standing: Standing::of(results)?,
            done,
            rows,
            ntraj: state.ntraj,
            end_condition: match state.complete {
                true if done < state.ntraj => DAMAGED.into(),
                false if state.end_condition == REACHED => EXTENDED.into(),
                _ => state.end_condition,
            },
            verified,
            merged,
            trajectories: ends(&trajectories).unwrap_or_default(),
            parameters: parameters.map(|p| (p.name, json(p.value))).collect(),
            time_unit: results.time_unit()?,
            time: times,
            observables: series(infos, statistics),
            averages: None,
            guards: results.guards()?.into_iter().map(GuardLine::of).collect(),
            density_matrix: results
                .averaged()?
                .map(|(basis_states, trajectories)| DensityMatrix { basis_states, trajectories }),
            step_check: check,
            runs: runs(results)?,
            provenance,
            parameter_hash: results.about("parameter_hash").into(),
        })
    }
}

/// Rows in their order as ranges.
fn ranges(seeds: &[u64], numbers: &[i64]) -> Vec<Range> {
    let mut all: Vec<Range> = vec![];
    for (&seed, &number) in seeds.iter().zip(numbers) {
        match all.last_mut() {
            Some(range) if range.seed == seed && range.last + 1 == number => range.last = number,
            _ => all.push(Range { seed, first: number, last: number }),
        }
    }
    all
}

fn series(infos: Vec<ObservableInfo>, statistics: Vec<Statistics>) -> Vec<Series> {
    let observables = infos.into_iter().zip(statistics);
    let series = observables.map(|(info, statistics)| {
        let Statistics { mean, sem, .. } = statistics;
        let complex = !info.hermitian;
        Series {
            name: info.name,
            label: info.label,
            unit: info.unit,
            mean_imag: complex.then(|| mean.iter().map(|z| z.im).collect()),
            sem_imag: complex.then(|| sem.iter().map(|z| z.im).collect()),
            mean: mean.iter().map(|z| z.re).collect(),
            sem: sem.iter().map(|z| z.re).collect(),
        }
    });
    series.collect()
}

fn runs(results: &Results) -> Result<Vec<Run>, StoreError> {
    let runs = results.runs()?.into_iter().map(|run| Run {
        start: run.start,
        end: run.end,
        host: run.host,
        ranks: run.ranks,
        threads: run.threads,
        exit_code: (run.exit_code >= 0).then_some(run.exit_code),
        wall_time: run.wall_time.is_finite().then_some(run.wall_time),
    });
    Ok(runs.collect())
}

fn json(value: Value) -> serde_json::Value {
    match value {
        Value::Real(x) => x.into(),
        Value::Integer(n) => n.into(),
        Value::Unsigned(n) => n.into(),
        Value::Flag(yes) => yes.into(),
        Value::Text(text) => text.into(),
    }
}
