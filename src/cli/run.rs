//! Arguments of `qsd run`, in the groups in which `--help` shows them.
//!
//! Numbers may begin with a hyphen, so that -1e-3 is refused as a duration and not as an unknown flag.

use super::conduct::ConductFlags;
use super::values::{Dt, real, step, whole};
use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

/// Trajectories of a run that does not say how many.
pub const DEFAULT_NTRAJ: u64 = 64;

/// `qsd run`: integrate an ensemble of trajectories.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// The words it was parsed from, program and `run` first.
    #[arg(skip)]
    pub words: Vec<OsString>,
    /// What is simulated.
    #[command(flatten)]
    pub model: ModelFlags,
    /// Number of trajectories
    #[arg(long, value_name = "N", default_value_t = DEFAULT_NTRAJ, help_heading = "Ensemble", value_parser = whole)]
    pub ntraj: u64,
    /// Stop before --ntraj when all means are known to a half-width (95 %, all times and observables together): ATOL,
    /// ATOL,RTOL, or NAME=ATOL,RTOL for one observable (repeatable)
    #[arg(long, value_name = "[NAME=]ATOL[,RTOL]", help_heading = "Ensemble")]
    pub target_tol: Vec<String>,
    /// Measure what the step does to the means: N more trajectories, a multiple of 8, at the step of the run and at half
    /// of it on the same noise; 32 if N is left out [default: none]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "32", help_heading = "Ensemble",
          value_parser = whole)]
    pub check_dt: Option<u64>,
    /// Seed of the noise; a trajectory is a function of the seed and its number, nothing else
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Ensemble", value_parser = whole)]
    pub seed: u64,
    /// Number of the first trajectory, to add to an ensemble that exists
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Ensemble", value_parser = whole)]
    pub first_trajectory: u64,
    /// When and how.
    #[command(flatten)]
    pub time: TimeFlags,
    /// Two linked systems.
    #[command(flatten)]
    pub link: LinkFlags,
    /// Many points in one.
    #[command(flatten)]
    pub sweep: SweepFlags,
    /// Where results go.
    #[command(flatten)]
    pub output: OutputFlags,
    /// How it is conducted.
    #[command(flatten)]
    pub conduct: ConductFlags,
    /// What is said on the way.
    #[command(flatten)]
    pub talk: TalkFlags,
}

/// The physics.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Model")]
pub struct ModelFlags {
    /// Model file (.toml, .json, or a path with a /), or a built-in model, see `qsd models` [default: absorptive_bistable]
    #[arg(value_name = "MODEL", conflicts_with = "regime")]
    pub model: Option<String>,
    /// A built-in model
    #[arg(long, value_name = "MODEL")]
    pub regime: Option<String>,
    /// Fock states kept of the cavity [default: by the model, see `qsd models`]
    #[arg(long = "Nfock_a", value_name = "N", value_parser = whole)]
    pub nfock_a: Option<u64>,
    /// Levels of the atom, only in Jaynes-Cummings models [default: 2]
    #[arg(long = "Nfock_j", value_name = "N", value_parser = whole)]
    pub nfock_j: Option<u64>,
    /// Levels of one factor of the space, as in a=60; a=10,exact also switches its truncation guard off (repeatable)
    #[arg(long, value_name = "FACTOR=N[,exact]")]
    pub fock: Vec<String>,
    /// Initial state: ground, excited, vacuum, fock:N, coherent:RE,IM or a complex amplitude like 3+1i; of a model
    /// file an expression, as in a.coherent(2)*q.up [default: the model's]
    #[arg(long, value_name = "STATE", allow_hyphen_values = true)]
    pub initial: Option<String>,
    /// Leave the coherent drive out
    #[arg(long)]
    pub no_drive: bool,
    /// Another value for a parameter of the model, in its units, as in chi=-10 (repeatable)
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Where the constants of the Lindblad operators go; changes no expectation value
    #[arg(long, value_enum, default_value_t = Gauge::Removed)]
    pub gauge: Gauge,
}

/// Times and the method.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Time, in the model's unit of time")]
pub struct TimeFlags {
    /// Length of every trajectory; a whole number of save intervals
    /// [default: 10 absorptive_bistable, 0.2 kerr_bistable, 4 kerr_qubit]
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = real)]
    pub duration: Option<f64>,
    /// Largest step; made smaller until it divides the save interval. auto: by model, method and Fock states, see
    /// `qsd models`; for a model file by its stability, its rates and a short pilot run
    #[arg(long, visible_alias = "delta-t", value_name = "T|auto", default_value = "auto", allow_hyphen_values = true,
          value_parser = step)]
    pub dt: Dt,
    /// Time between saved values [default: 0.2 absorptive_bistable, 0.002 kerr_bistable, 0.04 kerr_qubit]
    #[arg(long, value_name = "T", conflicts_with = "downsample", allow_hyphen_values = true, value_parser = real)]
    pub save_dt: Option<f64>,
    /// Save every N-th step of --dt, which is then 0.002 if no number is given
    #[arg(long, value_name = "N", value_parser = whole)]
    pub downsample: Option<u64>,
    /// Save nothing before this time [default: 0]
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = real)]
    pub save_from: Option<f64>,
    /// Method of integration: saba, heun, rk4p1 or em (also under the names of sdeint, such as itoEuler)
    /// [default: saba, or heun where something depends on time or is linked]
    #[arg(long, visible_alias = "sdeint-method-name", value_name = "NAME")]
    pub method: Option<String>,
}

/// The link between two systems.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Two systems, the first driven and linked to the second")]
pub struct LinkFlags {
    /// Number of systems, 1 or 2; each has the numbers and the levels of the model
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole)]
    pub num_systems: u64,
    /// Amplitude reflectivity of the beam splitter between them, 0 to 1 [default: 0]
    #[arg(long = "R", value_name = "X", allow_hyphen_values = true, value_parser = real)]
    pub reflectivity: Option<f64>,
    /// Amplification of the measured signal [default: 0]
    #[arg(long, value_name = "X", allow_hyphen_values = true, value_parser = real)]
    pub eps: Option<f64>,
    /// Scale of the measured signal's noise [default: 1]
    #[arg(long, value_name = "X", allow_hyphen_values = true, value_parser = real)]
    pub noise_amp: Option<f64>,
    /// Filter of the measured signal as a factor per step --dt, 0 (none) to 1; 0.9999 at 1e-5 is --filter-time 0.1
    /// [default: 0]
    #[arg(long, value_name = "X", allow_hyphen_values = true, value_parser = real, conflicts_with = "filter_time")]
    pub lambda: Option<f64>,
    /// Time constant of the low-pass filter of the measured signal, 0 for none [default: 0]
    #[arg(long, value_name = "T", allow_hyphen_values = true, value_parser = real)]
    pub filter_time: Option<f64>,
    /// Phase factor of the transmitted field, of modulus 1, as in 1 or 0.6+0.8i [default: 1]
    #[arg(long, value_name = "Z", allow_hyphen_values = true)]
    pub trans_phase: Option<String>,
    /// Drive the second system too [default: false]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    pub drive_second_system: Option<bool>,
    /// Which equation the link has
    #[arg(long, value_enum, default_value_t = LinkKind::Physical)]
    pub link: LinkKind,
}

/// The equation of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkKind {
    /// That of the physics
    Physical,
    /// That of the original programs, without its Ito correction: wrong where eps is not 0, for comparison only
    Seed,
}

/// A run at every point of a grid of parameters.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sweep: a run for every point, all in one results file")]
pub struct SweepFlags {
    /// Values of a parameter: a list as in chi=-10,-5, linspace(FROM,TO,N), range(FROM,TO,STEP) without TO, or
    /// logspace(FROM,TO,N), exponents of ten (repeatable: all combinations, the first parameter the slowest)
    #[arg(long, value_name = "KEY=VALUES")]
    pub sweep: Vec<String>,
    /// Sweep the parameters together, point by point, instead of in all combinations
    #[arg(long)]
    pub sweep_zip: bool,
    /// Noise of the points: the same at all of them, or another seed for each
    #[arg(long, value_enum, default_value_t = Streams::Common)]
    pub sweep_streams: Streams,
}

/// The noise of the points of a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Streams {
    /// The same: differences between points are known better than the points
    Common,
    /// Another seed for every point, a function of --seed and of the number of the point
    Independent,
}

/// Results.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Results (none are kept without one of -o, --output-dir, --save2mat, --save2pkl)")]
pub struct OutputFlags {
    /// Results file (HDF5) [default: none]
    #[arg(short, long, value_name = "FILE", conflicts_with = "output_dir")]
    pub output: Option<PathBuf>,
    /// Directory for a results file named after the run [default: none]
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Also a MAT file beside the results file, which is in the working directory if nothing else is said
    #[arg(long)]
    pub save2mat: bool,
    /// Also a .npz file beside the results file, for numpy.load
    #[arg(long)]
    pub save2pkl: bool,
    /// Replace a results file that exists [default: go on with it]
    #[arg(long)]
    pub force: bool,
    /// Refuse a results file that exists
    #[arg(long, conflicts_with = "force")]
    pub no_resume: bool,
    /// Keep the kets as well, or the ensemble's density matrix [default: none]
    #[arg(long, value_enum, value_name = "WHICH")]
    pub store_states: Option<StoreStates>,
    /// Functions of the ket of one trajectory, observed beside what the model observes: var(OBSERVABLE), abs2(OBSERVABLE),
    /// entropy(FACTOR) in nats (repeatable, or with commas)
    #[arg(long, value_name = "FUNCTION", value_delimiter = ',')]
    pub observe: Vec<String>,
    /// Keep the heterodyne record of every c_op as well, `dxi + conj(<L>) dt` added up over each save interval
    #[arg(long)]
    pub store_record: bool,
}

impl OutputFlags {
    /// Whether none was typed.
    pub fn is_empty(&self) -> bool {
        self.output.is_none() && self.output_dir.is_none() && !self.save2mat && !self.save2pkl
    }
}

/// Screen and log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Messages")]
pub struct TalkFlags {
    /// Say what would be done and how large it is, and stop
    #[arg(long)]
    pub dry_run: bool,
    /// With --dry-run: what it would take on so many ranks, without starting them
    #[arg(long, value_name = "N", requires = "dry_run", value_parser = whole)]
    pub ntasks: Option<u64>,
    /// Print the result as one JSON document on standard output
    #[arg(long)]
    pub json: bool,
    /// Write all messages, with time stamps, to this file too [default: none]
    #[arg(long, value_name = "FILE")]
    pub log_file: Option<PathBuf>,
    /// Say more; twice: everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No progress, no table; warnings and errors only
    #[arg(long, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// Where the constants of the Lindblad operators go (`L -> L + c`, `H -> H + (conj(c) L - c L^dag)/2i`).
/// Serialisable because the resolved input records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gauge {
    /// Into the Hamiltonian: the smaller error for the same step
    Removed,
    /// Where the network composition puts them: as written
    Slh,
}

/// Which kets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreStates {
    /// The last one of every trajectory
    Final,
    /// Those of all saved times
    All,
    /// None; the density matrix of the ensemble at all saved times, their mean of |psi><psi|
    Average,
}
