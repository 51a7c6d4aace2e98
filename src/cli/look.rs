//! Arguments of what shows results, and of the shell's help with them.

use super::values::finite;
use clap::Args;
use clap_complete::Shell;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

/// Arguments of `qsd info`.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// Results file; of a folder, or of several, a table
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Average over the saved times from here on, with an error that knows of their correlation (one file)
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = finite)]
    pub from: Option<f64>,
    /// Print one JSON document instead of text
    #[arg(long)]
    pub json: bool,
    /// One point of a sweep: its number, or its parameters, as in alpha0=15,chi=-10 [default: a line for every point]
    #[arg(long, value_name = "POINT", allow_hyphen_values = true)]
    pub point: Option<String>,
}

/// Arguments of `qsd completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Arguments of `qsd report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Results file, finished or not
    pub file: PathBuf,
    /// The point of a sweep: its number, or its parameters, as in alpha0=15,chi=-10
    #[arg(long, value_name = "POINT", allow_hyphen_values = true)]
    pub point: Option<String>,
    /// The page [default: that of the results, ending in .html]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Replace a file that exists
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `qsd plot`.
#[derive(Debug, Args)]
pub struct PlotArgs {
    /// Results files, drawn over each other
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Figure, SVG or PNG by its ending [default: none, the terminal]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// What to draw, as in n,x; real and imaginary part of a complex one [default: the first of the file]
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    pub observable: Vec<String>,
    /// Single trajectories of each run [default: 5 of one run, none of several]
    #[arg(long, value_name = "N")]
    pub singles: Option<usize>,
    /// A point of a sweep, by its number or its parameters, as in alpha0=15,chi=-10; several times for several points
    #[arg(long = "point", value_name = "POINT", allow_hyphen_values = true)]
    pub points: Vec<String>,
    /// Draw in the terminal, also beside a figure
    #[arg(long)]
    pub term: bool,
    /// Replace a figure that exists
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `qsd view`.
#[derive(Debug, Args)]
pub struct ViewArgs {
    /// Folder with results files
    #[arg(default_value = ".")]
    pub directory: PathBuf,
    /// First port to try; 0 takes any
    #[arg(long, default_value_t = 9999)]
    pub port: u16,
    /// Address to listen at; another one than this makes the results readable from other machines
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub host: IpAddr,
}
