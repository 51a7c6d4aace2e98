//! How a run is conducted: flags of everything that integrates, which change no number.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Threads, guards, and how a run ends early.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Conduct (changes no number)")]
pub struct ConductFlags {
    /// Threads of each rank: a number, or auto (the CPUs of a rank, shared with the ranks beside it)
    #[arg(long, value_name = "N|auto", default_value = "auto")]
    pub threads: String,
    /// Treat failed guards (step too large, Fock space too small) as warnings
    #[arg(long)]
    pub allow_unsafe: bool,
    /// Keep unfinished trajectories in FILE.ckpt, and refresh the statistics in FILE, this often: 30s, 10min, 2h, 01:30:00
    #[arg(long, value_name = "TIME", default_value = "10min")]
    pub checkpoint_every: String,
    /// Stop after this wall time so that the same command goes on later: 110min, 01:50:00, 1-12:00:00, none, or auto:
    /// two minutes before a Slurm job ends, else none
    #[arg(long, value_name = "TIME", default_value = "auto")]
    pub max_wall: String,
    /// Stop, as --max-wall does, when this file exists [default: FILE.stop]
    #[arg(long, value_name = "PATH")]
    pub stop_file: Option<PathBuf>,
    /// End the run with an error when no rank has got on for this time, as when one hangs: 10min, or none
    #[arg(long, value_name = "TIME", default_value = "none")]
    pub watchdog: String,
    /// How ranks write the results file
    #[arg(long, value_enum, default_value_t = Io::Parallel)]
    pub io: Io,
}

/// How ranks write the results file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Io {
    /// Every rank its own rows, through MPI-IO
    Parallel,
    /// Rank 0 for all, for file systems without MPI-IO or locks; the same bytes
    Gather,
}
