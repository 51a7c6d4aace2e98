//! What the program says when something went wrong, and how it writes.

use qsd::error::{Error, exit};
use std::io;

/// Say what went wrong, once; a rank whose fellow failed says nothing.
pub fn complain(error: &Error) -> i32 {
    if !matches!(error, Error::Elsewhere) {
        match log::max_level() {
            // Before anything is known about this process there is no log.
            log::LevelFilter::Off => eprintln!("error: {}: {error}", error.id()),
            _ => log::error!("{}: {error}", error.id()),
        }
    }
    error.exit_code()
}

/// A reader that goes away (`qsd info F | head`) is no failure.
pub fn shown(written: io::Result<()>) -> i32 {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            eprintln!("error: E-output: cannot write to standard output: {error}");
            exit::FAILED
        }
        _ => exit::DONE,
    }
}
