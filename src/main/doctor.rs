//! `qsd doctor`: every rank comes through here.

use crate::say::shown;
use qsd::cli::DoctorArgs;
use qsd::comm;
use qsd::error::exit;
use qsd::report::doctor::{self, DEADLINE, Verdict, Watchdog};
use qsd::store;
use std::io;

/// The exit code is the same on all ranks, unless they do not find each other.
pub fn examine(args: &DoctorArgs) -> i32 {
    let out = &mut io::stdout();
    let world = match comm::world() {
        Ok(world) => world,
        Err(error) => return shown(doctor::write(out, &[doctor::of_launch(&error)])).max(Verdict::Bad.exit_code()),
    };
    let watchdog = Watchdog::start(world.rank(), world.size(), DEADLINE, |finding| {
        // It is the last word of this process, whether somebody reads it or not.
        let _ = doctor::write(&mut io::stdout(), &[finding]);
        // Leaving in good order would wait for the ranks that do not answer.
        signal_hook::low_level::exit(Verdict::Bad.exit_code())
    });
    let code = match doctor::examine(world.as_ref(), &store::library_version(), &args.directory, out) {
        Ok(verdict) => verdict.exit_code(),
        Err(error) => shown(Err(error)),
    };
    let code = world.broadcast(vec![u8::try_from(code).unwrap_or(exit::FAILED as u8)])[0].into();
    drop(watchdog);
    code
}
