//! Where results go: the seam between the ensemble and whoever keeps its rows.

use super::{Density, StepCheck, Trajectories};
use crate::error::Error;
use ndarray::{Array2, Array3};
use num_complex::Complex64;
use std::ops::Range;
use std::sync::Arc;

/// A value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A real number.
    Real(f64),
    /// A signed integer.
    Integer(i64),
    /// A seed.
    Unsigned(u64),
    /// Yes or no, stored as 0 or 1.
    Flag(bool),
    /// A word.
    Text(String),
}

/// One scalar of `/parameters`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name as the seed's users know it (`Nfock_a`, `delta_t`, `chi`).
    pub name: String,
    /// Its value.
    pub value: Value,
    /// Unit, "1" if it has none.
    pub unit: String,
    /// What it is, in a few words.
    pub description: String,
}

/// What is known about an observable besides its operator.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservableInfo {
    /// Name of the dataset.
    pub name: String,
    /// As a physicist types it: `a.dag*a`.
    pub expression: String,
    /// Unicode label: `⟨a†a⟩`.
    pub label: String,
    /// LaTeX label.
    pub latex: String,
    /// Unit.
    pub unit: String,
    /// What it is, in a few words.
    pub description: String,
    /// Hermitian observables are stored as real numbers.
    pub hermitian: bool,
}

/// A Fock factor whose truncation is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct LeakInfo {
    /// Name of the factor; the dataset is `leak_<factor>`.
    pub factor: String,
    /// How many of its top levels are counted.
    pub levels: usize,
    /// False for a factor that no term raises or that was declared exact: recorded, never judged.
    pub guarded: bool,
}

/// Stored kets.
#[derive(Debug, Clone, PartialEq)]
pub struct StateInfo {
    /// Times at which kets are stored.
    pub times: Vec<f64>,
    /// Name and dimension of every factor of the space, slowest index first.
    pub factors: Vec<(String, usize)>,
}

/// A density matrix of the ensemble.
#[derive(Debug, Clone, PartialEq)]
pub struct DensityInfo {
    /// Name and dimension of every factor of the space, slowest index first.
    pub factors: Vec<(String, usize)>,
}

impl DensityInfo {
    /// Basis states.
    pub fn dim(&self) -> usize {
        self.factors.iter().map(|(_, dim)| dim).product()
    }
}

/// Kept records of heterodyne detection.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordInfo {
    /// Ends of the save intervals they are integrated over; each begins at the saved time before.
    pub ends: Vec<f64>,
    /// Name of every c_op.
    pub channels: Vec<String>,
}

/// Everything known before the first step; the same on every rank.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// One line that names the run.
    pub title: String,
    /// First trajectory number.
    pub first_trajectory: u64,
    /// Number of trajectories.
    pub ntraj: u64,
    /// Seed shared by them.
    pub seed: u64,
    /// Saved times.
    pub times: Vec<f64>,
    /// Unit of time.
    pub time_unit: String,
    /// Stored observables, in the order of the row.
    pub observables: Vec<ObservableInfo>,
    /// Watched Fock factors.
    pub leaks: Vec<LeakInfo>,
    /// Stored kets, if asked for.
    pub states: Option<StateInfo>,
    /// The density matrix of the ensemble, if asked for.
    pub density: Option<DensityInfo>,
    /// Kept records, if asked for.
    pub record: Option<RecordInfo>,
    /// Trajectories of the step check, if there is one.
    pub check_dt: Option<u64>,
    /// Scalars of `/parameters`.
    pub parameters: Vec<Parameter>,
    /// Resolved input, verbatim TOML; enough to repeat the run.
    pub resolved_input: String,
    /// Attributes of `/provenance` that are known at the start (software, versions, command line...).
    pub provenance: Vec<(String, String)>,
    /// SHA-256 of the canonical parameters without seed and trajectory numbers: files that may be merged share it.
    pub parameter_hash: String,
    /// Ranks of this run.
    pub ranks: usize,
    /// Threads of each rank.
    pub threads: usize,
    /// Host of rank 0.
    pub host: String,
    /// Start of this run, ISO 8601 UTC, 20 characters.
    pub started: String,
}

impl Header {
    /// The trajectories of the run.
    pub fn trajectories(&self) -> Trajectories {
        Trajectories { first: self.first_trajectory, count: self.ntraj }
    }
}

/// What is kept of one trajectory beside its observables.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RowInfo {
    /// First eight bytes of the hash that names its random stream.
    pub rng_stream: u64,
    /// Steps taken.
    pub steps: i64,
    /// Largest | |psi'|^2/|psi|^2 - 1 | / max(1, sum_k |dxi_k|^2/h) of a step.
    pub norm_drift: f64,
    /// Largest h * Gamma at a saved time.
    pub h_gamma: f64,
    /// Saved times with h * Gamma above 0.5.
    pub h_gamma_above_half: i64,
    /// Saved times with h * Gamma above 1.
    pub h_gamma_above_one: i64,
    /// Seconds of a core spent on it. Volatile: not part of the checksum.
    pub cpu_time: f64,
}

/// The finished rows of one batch (at most eight trajectories, consecutive numbers).
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// Trajectory number of the first row.
    pub first: u64,
    /// Per observable: (row, time). Imaginary parts of Hermitian observables are zero.
    pub expect: Vec<Array2<Complex64>>,
    /// Per watched factor: (row, time), population of its top levels.
    pub leak: Vec<Array2<f64>>,
    /// Kets, if stored: (row, stored time, basis state).
    pub states: Option<Array3<Complex64>>,
    /// Records, if kept: (row, save interval, c_op).
    pub record: Option<Array3<Complex64>>,
    /// Per row.
    pub info: Vec<RowInfo>,
}

/// Mean and spread of one observable over trajectories; complex observables have them per part.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// Mean per time.
    pub mean: Vec<Complex64>,
    /// Spread of the conditional expectation over trajectories (ddof = 1), per part.
    pub traj_std: Vec<Complex64>,
    /// Standard error of the mean, per part.
    pub sem: Vec<Complex64>,
}

/// Verdict of a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Recorded, not judged.
    Recorded = -1,
    /// Good.
    Good = 0,
    /// Above the warning threshold.
    Warning = 1,
    /// Above the error threshold.
    Failed = 2,
}

impl Verdict {
    /// In a word, as people and scripts read it.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Recorded => "recorded",
            Verdict::Good => "good",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
        }
    }
}

/// One guard at the end of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// Name, also the dataset under `/guards`: `leak_a`, `norm_drift`, `h_gamma`.
    pub name: String,
    /// What was measured.
    pub value: f64,
    /// What it means.
    pub verdict: Verdict,
    /// One sentence for the user: what it is, what to do.
    pub message: String,
}

/// What is known when the last row is in; complete on rank 0 only.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Trajectories whose rows are in the statistics.
    pub n_done: u64,
    /// Per observable.
    pub observables: Vec<Statistics>,
    /// Per watched factor: ensemble mean and largest value over trajectories, per time.
    pub leaks: Vec<(Vec<f64>, Vec<f64>)>,
    /// The guards.
    pub guards: Vec<Guard>,
    /// The check of the step, if it was asked for and is done.
    pub check: Option<StepCheck>,
    /// "ntraj reached", "target tolerance reached", "timeout" (QuTiP's words).
    pub end_condition: String,
    /// Exit code the program will leave with.
    pub exit_code: i32,
    /// Wall time of this run in seconds.
    pub wall_time: f64,
    /// End of this run, ISO 8601 UTC, 20 characters.
    pub ended: String,
}

/// How a run ended that did not come to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// Why, in at most 32 characters: `failed (E-guard)`.
    pub end_condition: String,
    /// Exit code the program will leave with.
    pub exit_code: i32,
    /// Guards that were judged before, if any.
    pub guards: Vec<Guard>,
    /// Wall time of this run in seconds.
    pub wall_time: f64,
    /// End of this run, ISO 8601 UTC, 20 characters.
    pub ended: String,
}

/// What was found where results are to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: this is the first run.
    New,
    /// Rows of earlier runs of the same input, some missing.
    Resumed,
    /// Everything that was asked for; there is nothing to do.
    Complete {
        /// Exit code of the run that completed it.
        exit_code: i32,
    },
}

/// States of batches that earlier runs have begun and not finished. Threads look their batches up here.
pub trait Unfinished: Send + Sync {
    /// The newest state of a batch, as `Sink::checkpoint` was given it; `None` if there is none that holds.
    fn state(&self, batch: u64) -> Option<Vec<u8>>;
}

/// Keeps results. Called by the main thread of every rank, in this order: `begin`, `step_check` and `density`; for every round of
/// the run `kept`, and until the round is over `accept`, `checkpoint`, `turn`, `refresh` and `keep_density` in any order; `finish`.
/// What has a default here is for those that outlive the process.
pub trait Sink {
    /// Collective, once, before the first row; the same answer on all ranks.
    fn begin(&mut self, header: &Header) -> Result<Begun, Error>;
    /// Collective, before a round: the batches among `batches` that are finished already, also in the density matrix
    /// if there is one, ascending, the same on all ranks. `visit` is given the rows of those that fall to this rank; every finished batch falls to one rank.
    fn kept(&mut self, _batches: Range<u64>, _visit: &mut dyn FnMut(u64, &Rows)) -> Result<Vec<u64>, Error> {
        Ok(vec![])
    }
    /// Collective, before the first round: the check of the step if an earlier start has finished it; given on rank 0 only.
    fn step_check(&mut self) -> Result<Option<StepCheck>, Error> {
        Ok(None)
    }
    /// Collective, before the first round: the density matrix of what earlier starts have kept of it, with the
    /// trajectories that are in it; given on rank 0 only.
    fn density(&mut self) -> Result<Option<Density>, Error> {
        Ok(None)
    }
    /// Independent, after `begin`: what earlier runs left half done.
    fn unfinished(&self) -> Arc<dyn Unfinished> {
        Arc::new(Nothing)
    }
    /// Independent: any rank, any time between `begin` and `finish`; a rank without work never calls it.
    fn accept(&mut self, rows: &Rows) -> Result<(), Error>;
    /// Independent: keep the state of a batch in flight in the place of thread `worker` of this rank.
    fn checkpoint(&mut self, _worker: usize, _batch: u64, _state: &[u8]) -> Result<(), Error> {
        Ok(())
    }
    /// Independent, often: do what other ranks have asked for.
    fn turn(&mut self) -> Result<(), Error> {
        Ok(())
    }
    /// Independent, rank 0: the statistics of what is done so far.
    fn refresh(&mut self, _summary: &Summary) -> Result<(), Error> {
        Ok(())
    }
    /// Independent, rank 0: the density matrix of what is done so far, in the place of the one before. Its trajectories
    /// need not be those whose rows were accepted.
    fn keep_density(&mut self, _density: &mut Density) -> Result<(), Error> {
        Ok(())
    }
    /// Collective, once, after the last row; `summary` is given on rank 0 only.
    fn finish(&mut self, summary: Option<&Summary>) -> Result<(), Error>;
    /// Not collective, rank 0: note how the run failed, as far as that is still possible.
    fn fail(&mut self, failure: &Failure);
    /// Not collective: let go of everything without talking to other ranks (they may be dead).
    fn forget(&mut self);
}

/// Nothing was left half done.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl Unfinished for Nothing {
    fn state(&self, _batch: u64) -> Option<Vec<u8>> {
        None
    }
}

/// Keeps nothing: a run whose summary is all that was asked for.
#[derive(Debug, Default)]
pub struct Discard;

impl Sink for Discard {
    fn begin(&mut self, _header: &Header) -> Result<Begun, Error> {
        Ok(Begun::New)
    }
    fn accept(&mut self, _rows: &Rows) -> Result<(), Error> {
        Ok(())
    }
    fn finish(&mut self, _summary: Option<&Summary>) -> Result<(), Error> {
        Ok(())
    }
    fn fail(&mut self, _failure: &Failure) {}
    fn forget(&mut self) {}
}
