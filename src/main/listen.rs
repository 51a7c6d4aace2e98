//! What a run listens to: signals on every rank; the wall time and the stop file on rank 0.

use qsd::ensemble::Listener;
use qsd::error::exit;
use qsd::input::{InputError, MaxWall, Options};
use qsd::store::{Lock, LockState};
use signal_hook::consts::{SIGINT, SIGTERM, SIGUSR1};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, UNIX_EPOCH};

const SIGNALS: [(&str, i32); 3] = [("USR1", SIGUSR1), ("TERM", SIGTERM), ("INT", SIGINT)];
/// Before a Slurm job ends, for what is beside saving: the slowest node, the launcher, the requeue.
const MARGIN: Duration = Duration::from_secs(120);

/// The listener of one rank. Nothing that is kept means nothing that could be resumed: then signals end the run as they
/// end any program.
pub fn listener(options: &Options, output: Option<&Path>, is_root: bool, started: Instant) -> Listener {
    let mut listener = Listener::default();
    if output.is_some() {
        listener.signals = SIGNALS.map(|(name, number)| (name, flag(name, number))).into();
    }
    if is_root {
        listener.deadline = match options.max_wall {
            MaxWall::None => None,
            MaxWall::Auto => end_of_job(),
            MaxWall::After(wall) => Some(started + wall),
        };
        listener.file = stop_file_of(options, output);
    }
    listener
}

/// True when the signal has come; at the second one the process leaves at once.
fn flag(name: &str, number: i32) -> Arc<AtomicBool> {
    let came = Arc::new(AtomicBool::new(false));
    let registered = signal_hook::flag::register_conditional_shutdown(number, exit::RESUMABLE, came.clone())
        .and_then(|_| signal_hook::flag::register(number, came.clone()));
    if let Err(error) = registered {
        log::warn!("signal {name} cannot be caught ({error}): it will end the run without a checkpoint");
    }
    came
}

/// When the Slurm job that this process runs in will have to stop, if Slurm says.
fn end_of_job() -> Option<Instant> {
    let end: u64 = std::env::var("SLURM_JOB_END_TIME").ok()?.parse().ok()?;
    let left = (UNIX_EPOCH + Duration::from_secs(end)).duration_since(std::time::SystemTime::now()).ok()?;
    Some(Instant::now() + left.saturating_sub(MARGIN))
}

/// Named, or beside the results file.
fn stop_file_of(options: &Options, output: Option<&Path>) -> Option<PathBuf> {
    let beside = |path: &Path| {
        let mut name = path.as_os_str().to_os_string();
        name.push(".stop");
        PathBuf::from(name)
    };
    options.stop_file.clone().or_else(|| output.map(beside))
}

/// Make the stop file, for ranks that have not heard what this one has; gives it if it was not there.
pub fn tell(options: &Options, output: &Path) -> Option<PathBuf> {
    stop_file_of(options, Some(output)).filter(|file| std::fs::File::create_new(file).is_ok())
}

/// Refuse a stop file that is somebody's file: it would be removed, or stop the run at once.
///
/// # Errors
/// `Malformed` if something with content stands there, or the results are to go there.
pub fn check_stop_file(options: &Options, output: Option<&Path>) -> Result<(), InputError> {
    let Some(path) = stop_file_of(options, output) else { return Ok(()) };
    let found = path.metadata();
    if output == Some(&path) || found.is_ok_and(|found| !found.is_file() || found.len() > 0) {
        return Err(InputError::Malformed {
            flag: "--stop-file",
            text: path.display().to_string(),
            form: "the name of a file that is not there, or is empty",
            example: "run.h5.stop",
        });
    }
    Ok(())
}

/// One that is there before the start was meant for an earlier run. Rank 0 removes it.
pub fn remove_stop_file(options: &Options, output: Option<&Path>) {
    let Some(path) = stop_file_of(options, output).filter(|path| path.is_file()) else { return };
    // That of a run that goes on, which will refuse this one.
    if output.is_some_and(|output| Lock::state(output) == LockState::Held) {
        return;
    }
    match std::fs::remove_file(&path) {
        Ok(()) => log::warn!("{} was left by an earlier run and is removed", path.display()),
        Err(error) => {
            log::warn!("{} is there and cannot be removed ({error}): the run stops at once", path.display())
        }
    }
}
