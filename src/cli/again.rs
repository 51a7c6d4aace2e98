//! Arguments of the commands that go on with a results file.

use super::conduct::ConductFlags;
use super::run::TalkFlags;
use super::values::whole;
use std::path::PathBuf;

/// Arguments of `qsd resume`.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    /// Results file of a run that did not come to its end
    pub file: PathBuf,
    /// How.
    #[command(flatten)]
    pub conduct: ConductFlags,
    /// What is said on the way.
    #[command(flatten)]
    pub talk: TalkFlags,
}

/// Arguments of `qsd extend`.
#[derive(Debug, clap::Args)]
pub struct ExtendArgs {
    /// Results file, complete or not
    pub file: PathBuf,
    /// Number of trajectories it is to hold in the end
    #[arg(long, value_name = "N", value_parser = whole)]
    pub ntraj: u64,
    /// How.
    #[command(flatten)]
    pub conduct: ConductFlags,
    /// What is said on the way.
    #[command(flatten)]
    pub talk: TalkFlags,
}
