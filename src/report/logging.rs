//! Messages: to standard error in plain words, and with time stamps to `--log-file`.
//!
//! Rank 0 speaks for all; the others are heard when something goes wrong, each line whole and with its
//! rank in front. `RUST_LOG` overrides the level of rank 0.

use super::progress::above_the_bar;
use crate::input::InputError;
use env_logger::{Builder, Logger, Target};
use log::{Level, LevelFilter, Log, Metadata, Record};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// How much is said: `--quiet` leaves warnings and errors, each `-v` adds a level to the usual messages.
pub fn level(quiet: bool, verbose: u8) -> LevelFilter {
    match (quiet, verbose) {
        (true, _) => LevelFilter::Warn,
        (false, 0) => LevelFilter::Info,
        (false, 1) => LevelFilter::Debug,
        (false, _) => LevelFilter::Trace,
    }
}

/// Starts the messages of this process; once, as early as the rank is known.
///
/// # Errors
/// The log file cannot be opened. It is appended to, so that a restarted run keeps its history.
pub fn start(level: LevelFilter, log_file: Option<&Path>, rank: usize) -> Result<(), InputError> {
    let file = log_file.filter(|_| rank == 0).map(|path| to_file(path, level)).transpose()?;
    let voices = Voices { terminal: to_terminal(level, rank), file };
    let most = voices.file.as_ref().map_or(LevelFilter::Off, Logger::filter).max(voices.terminal.filter());
    // A second start leaves the first in place: only tests do that.
    if log::set_boxed_logger(Box::new(voices)).is_ok() {
        log::set_max_level(most);
    }
    Ok(())
}

/// The terminal and the file, each with its own level and form.
struct Voices {
    terminal: Logger,
    file: Option<Logger>,
}

impl Log for Voices {
    fn enabled(&self, metadata: &Metadata) -> bool {
        self.terminal.enabled(metadata) || self.file.as_ref().is_some_and(|file| file.enabled(metadata))
    }

    fn log(&self, record: &Record) {
        self.terminal.log(record);
        if let Some(file) = &self.file {
            file.log(record);
        }
    }

    fn flush(&self) {
        self.terminal.flush();
        if let Some(file) = &self.file {
            file.flush();
        }
    }
}

fn to_terminal(level: LevelFilter, rank: usize) -> Logger {
    let mut builder = Builder::new();
    builder.filter_level(if rank == 0 { level } else { LevelFilter::Error });
    if let (0, Ok(filters)) = (rank, std::env::var("RUST_LOG")) {
        builder.parse_filters(&filters);
    }
    builder
        .format(move |out, record| writeln!(out, "{}", line(rank, record.level(), &record.args().to_string())))
        .target(Target::Pipe(Box::new(Screen)))
        .build()
}

/// Whether lines may be appended to what is there: nothing, or lines that begin with a time.
fn is_log(path: &Path) -> bool {
    let mut head = vec![];
    let mut read = || File::open(path)?.take(5).read_to_end(&mut head);
    if !path.is_file() || read().is_err() {
        // What cannot be read says why when it is opened.
        return true;
    }
    head.is_empty() || matches!(head[..], [a, b, c, d, b'-'] if [a, b, c, d].iter().all(u8::is_ascii_digit))
}

/// The file gets the usual messages even if the terminal is quiet.
fn to_file(path: &Path, level: LevelFilter) -> Result<Logger, InputError> {
    let refused = |reason: String| InputError::LogFile { path: path.display().to_string(), reason };
    if !is_log(path) {
        return Err(refused("it is there and is something else than a log".into()));
    }
    let file = OpenOptions::new().create(true).append(true).open(path).map_err(|error| refused(error.to_string()))?;
    Ok(Builder::new()
        .filter_level(level.max(LevelFilter::Info))
        .format(|out, record| {
            let time = out.timestamp();
            writeln!(out, "{time} {:5} {}", record.level(), record.args())
        })
        .target(Target::Pipe(Box::new(file)))
        .build())
}

/// A message as the user reads it.
fn line(rank: usize, level: Level, message: &str) -> String {
    let word = match level {
        Level::Error => "error: ",
        Level::Warn => "warning: ",
        Level::Info => "",
        Level::Debug | Level::Trace => "debug: ",
    };
    if rank == 0 { format!("{word}{message}") } else { format!("rank {rank}: {word}{message}") }
}

/// Standard error, with the progress bar out of the way while a line is written.
struct Screen;

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        above_the_bar(|| io::stderr().lock().write_all(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record<'a>(level: Level, text: std::fmt::Arguments<'a>) -> Record<'a> {
        Record::builder().level(level).target("qsd").args(text).build()
    }

    #[test]
    fn flags_choose_the_level() {
        assert_eq!(level(false, 0), LevelFilter::Info);
        assert_eq!(level(true, 0), LevelFilter::Warn);
        assert_eq!(level(false, 1), LevelFilter::Debug);
        assert_eq!(level(false, 9), LevelFilter::Trace);
    }

    #[test]
    fn a_line_has_a_rank_only_if_it_is_not_rank_0() {
        assert_eq!(line(0, Level::Info, "done"), "done");
        assert_eq!(line(0, Level::Warn, "odd"), "warning: odd");
        assert_eq!(line(3, Level::Error, "disk full"), "rank 3: error: disk full");
    }

    #[test]
    fn other_ranks_say_errors_only() {
        let logger = to_terminal(LevelFilter::Trace, 1);
        assert!(!logger.matches(&record(Level::Warn, format_args!("odd"))));
        assert!(logger.matches(&record(Level::Error, format_args!("bad"))));
    }

    #[test]
    fn the_log_file_has_times_and_hears_more_than_a_quiet_terminal() {
        let path = std::env::temp_dir().join(format!("qsd-log-{}.txt", std::process::id()));
        let logger = to_file(&path, LevelFilter::Warn).expect("a writable directory");
        logger.log(&record(Level::Info, format_args!("half way")));
        logger.log(&record(Level::Debug, format_args!("detail")));
        let text = std::fs::read_to_string(&path).expect("a log");
        std::fs::remove_file(&path).expect("the log was there");
        let (time, rest) = text.split_once(' ').expect("a time stamp");
        assert!(time.starts_with("20") && time.ends_with('Z'), "{text}");
        assert_eq!(rest, "INFO  half way\n");
    }

    #[test]
    fn a_file_that_is_no_log_is_left_as_it_is() {
        let path = std::env::temp_dir().join(format!("qsd-model-{}.toml", std::process::id()));
        for (text, taken) in
            [("[space]\n", false), ("\u{89}HDF", false), ("", true), ("2026-11-21T10:00:00Z INFO  x\n", true)]
        {
            std::fs::write(&path, text).expect("a writable directory");
            assert_eq!(to_file(&path, LevelFilter::Warn).is_ok(), taken, "{text}");
            assert_eq!(std::fs::read_to_string(&path).expect("it is there"), text);
        }
        std::fs::remove_file(&path).expect("it was there");
    }

    #[test]
    fn a_log_file_that_cannot_be_written_is_named() {
        let error = to_file(Path::new("/no/such/directory/run.log"), LevelFilter::Info).map(|_| ());
        let text = error.expect_err("no such directory").to_string();
        assert!(text.starts_with("--log-file /no/such/directory/run.log cannot be written: "), "{text}");
    }
}
