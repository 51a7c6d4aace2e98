//! `qsd verify`: one process, all its cores.

use crate::say::{complain, shown};
use qsd::cli::RunArgs;
use qsd::comm;
use qsd::ensemble::{Ensemble, choose_step};
use qsd::error::{Error, exit};
use qsd::input::{is_sweep, resolve};
use qsd::report::logging;
use qsd::report::verify::{self, Report, VerifyError};
use std::io;

/// Systems with known answers if nothing else was typed, else the run that was typed.
pub fn examine(args: &RunArgs) -> i32 {
    let talk = &args.talk;
    if let Err(error) = logging::start(logging::level(talk.quiet, talk.verbose), talk.log_file.as_deref(), 0) {
        return complain(&error.into());
    }
    let out = &mut io::stdout();
    let (mut reports, mut written) = (vec![], Ok(()));
    let mut done = |report: Report| {
        if written.is_ok() {
            written = verify::write(out, &report);
        }
        reports.push(report);
    };
    if !args.output.is_empty() {
        log::warn!("qsd verify keeps no results");
    }
    match is_sweep(args) {
        Ok(false) => {}
        Ok(true) => return complain(&Error::from(VerifyError::Sweep)),
        Err(error) => return complain(&error),
    }
    let named = args.model.model.is_some() || args.model.regime.is_some();
    let ran = if named { one(args).map(&mut done) } else { all(args, &mut done) };
    if let Err(error) = ran {
        return complain(&error);
    }
    match written.and_then(|()| verify::conclude(out, &reports)) {
        Ok(true) => exit::DONE,
        Ok(false) => exit::GUARD,
        Err(error) => shown(Err(error)),
    }
}

/// Without a model most flags of a run have nothing to act on.
fn all(args: &RunArgs, done: impl FnMut(Report)) -> Result<(), Error> {
    const KNOWN: [&str; 6] = ["--seed", "--threads", "--quiet", "--verbose", "--log-file", "-v"];
    let typed = args.words[2..].iter().map(|word| word.to_string_lossy());
    if let Some(flag) =
        typed.filter(|word| word.starts_with('-')).find(|word| !KNOWN.iter().any(|known| word.starts_with(known)))
    {
        return Err(VerifyError::WithoutModel { flag: flag.split('=').next().unwrap_or_default().to_owned() }.into());
    }
    let threads = resolve(args)?.options.threads.unwrap_or_else(comm::allowed_cpus);
    verify::battery(args.seed, comm::solo().as_ref(), threads, done)
}

fn one(args: &RunArgs) -> Result<Report, Error> {
    let resolved = choose_step(resolve(args)?)?;
    resolved.warnings.iter().for_each(|warning| log::warn!("{warning}"));
    let ensemble = Ensemble::new(resolved.spec)?;
    ensemble.check_step()?;
    let threads = resolved.options.threads.unwrap_or_else(comm::allowed_cpus);
    verify::against_master_equation(&ensemble, comm::solo().as_ref(), threads)
}
