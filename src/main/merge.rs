//! `qsd merge`: results of one ensemble as one file.

use crate::say::{complain, shown};
use qsd::cli::MergeArgs;
use qsd::comm;
use qsd::ensemble::{Verdict, provenance};
use qsd::report::{logging, table::plural};
use qsd::store::{Merged, Merging, library_version, merge};
use std::io::{self, Write};

/// One process; gives its exit code.
pub fn run(args: &MergeArgs) -> i32 {
    if let Err(error) = logging::start(logging::level(args.quiet, 0), None, 0) {
        return complain(&error.into());
    }
    let merging = Merging {
        overwrite: args.force,
        allow_unsafe: args.allow_unsafe,
        provenance: provenance(comm::solo().as_ref(), &library_version()),
        host: comm::hostname(),
    };
    match merge(&args.files, &args.output, merging) {
        Ok(merged) => tell(args, &merged),
        Err(error) => complain(&error.into()),
    }
}

fn tell(args: &MergeArgs, merged: &Merged) -> i32 {
    for (path, rows, missing) in merged.files.iter().filter(|(_, _, missing)| *missing > 0) {
        log::warn!("{}: {rows} trajectories taken, {missing} are missing in it", path.display());
    }
    for guard in merged.summary.guards.iter().filter(|guard| guard.verdict >= Verdict::Warning) {
        log::warn!("{}", guard.message);
    }
    let (rows, files) = (merged.summary.n_done, merged.files.len());
    let said = match args.quiet {
        true => Ok(()),
        false => {
            let (rows, files) = (plural(rows, "trajectory"), plural(files, "file"));
            writeln!(io::stdout(), "{rows} of {files}\nResults: {}", args.output.display())
        }
    };
    shown(said).max(merged.summary.exit_code)
}
