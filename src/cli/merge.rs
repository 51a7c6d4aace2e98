//! Arguments of `qsd merge`.

use std::path::PathBuf;

/// Arguments of `qsd merge`.
#[derive(Debug, clap::Args)]
pub struct MergeArgs {
    /// Results files of one ensemble, finished or not: other seeds, other trajectory numbers, all else the same
    #[arg(required = true, num_args = 1..)]
    pub files: Vec<PathBuf>,
    /// The new results file
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace a results file that exists
    #[arg(long)]
    pub force: bool,
    /// Treat failed guards as warnings
    #[arg(long)]
    pub allow_unsafe: bool,
    /// Warnings and errors only
    #[arg(long)]
    pub quiet: bool,
}
