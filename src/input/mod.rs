//! What the command line means: a validated [`RunSpec`], which defines every number of a run, and
//! [`Options`], which define none. Nonsense is refused here, in words of the flag that was typed.

mod difference;
mod export;
pub mod expression;
mod from_file;
mod hash;
mod initial;
pub mod json;
mod link;
mod method;
pub mod model_file;
mod observe;
mod options;
mod origin;
mod reason;
mod resolve;
mod rewrite;
mod sizes;
mod spec;
mod steps;
mod sweep;
mod times;
mod tolerance;
mod wall;

pub use crate::cli::{Gauge, Io, LinkKind, StoreStates, Streams};
pub use difference::{Difference, difference};
pub use export::as_model_file;
pub use initial::{parse_initial, write_initial};
pub use link::LinkSpec;
pub use method::Method;
pub use observe::observe;
pub use options::{Existing, Export, MaxWall, Options, Output};
pub use origin::{BuiltIn, FileModel, Origin, ProgramModel};
pub use reason::StepReason;
pub use resolve::{Resolved, resolve};
pub use rewrite::{with_number, without_number};
pub use spec::RunSpec;
pub use steps::{Defaults, TimeGrid, default_step, default_step_of_two, defaults, neat, steps_per_save};
pub use sweep::{Axes, Axis, POINT, Sweep, is_sweep, sweep};
pub use tolerance::{TargetTol, Tolerance};

use thiserror::Error;

/// Why the input makes no sense.
#[derive(Debug, Error, PartialEq)]
pub enum InputError {
    /// A word that is none of the known ones.
    #[error("unknown {what} '{word}'; {}{}", did_you_mean(.nearest), one_of(.known))]
    Unknown {
        /// What was expected: method, initial state, key...
        what: &'static str,
        /// What was typed.
        word: String,
        /// The nearest known word, if one is near.
        nearest: Option<String>,
        /// Comma-separated known words.
        known: String,
    },
    /// A number that must be finite and above zero.
    #[error("{flag} is {value}, but must be a finite number above 0")]
    NotPositive {
        /// Flag or key.
        flag: &'static str,
        /// What was given.
        value: f64,
    },
    /// A number that must lie in a range.
    #[error("{flag} is {value}, but must lie between {least} and {most}")]
    OutOfRange {
        /// Flag or key.
        flag: &'static str,
        /// What was given, as typed.
        value: String,
        /// Smallest allowed value.
        least: u64,
        /// Largest allowed value.
        most: u64,
    },
    /// The duration is not a whole number of save intervals.
    #[error(
        "--duration {duration} is not a whole number of save intervals of {save_dt}: \
         try --duration {fitting}, or a save interval of {fitting_save}"
    )]
    DoesNotFit {
        /// Duration asked for.
        duration: f64,
        /// Time between saved values.
        save_dt: f64,
        /// The nearest duration that fits.
        fitting: f64,
        /// The nearest save interval that fits.
        fitting_save: f64,
    },
    /// Nothing would be saved.
    #[error("--save-from {save_from} is not between 0 and the end of the run at {duration}")]
    SaveFrom {
        /// First time to save.
        save_from: f64,
        /// End of the run.
        duration: f64,
    },
    /// More than the counters and the file can hold.
    #[error("{count:e} {what} are more than the {most:e} a run can hold: {advice}")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many were asked for.
        count: f64,
        /// How many there may be.
        most: f64,
        /// What to change.
        advice: &'static str,
    },
    /// A flag whose value does not have the form it needs.
    #[error("{flag} {text}: expected {form}, as in {flag} {example}")]
    Malformed {
        /// Flag.
        flag: &'static str,
        /// What was typed.
        text: String,
        /// What it should look like.
        form: &'static str,
        /// A value that works.
        example: &'static str,
    },
    /// The same thing said twice.
    #[error("{what} is given twice; give it once")]
    Repeated {
        /// What is given twice.
        what: String,
    },
    /// An initial state that needs a factor the model does not have.
    #[error("--initial {state} needs a spin, and {regime} has none: try --initial vacuum")]
    NoSpin {
        /// Initial state as typed.
        state: &'static str,
        /// Regime.
        regime: String,
    },
    /// A mistake in a text that people wrote, with its place.
    #[error("{0}")]
    Source(String),
    /// A file that cannot be read.
    #[error("cannot read the model {path}: {reason}")]
    ModelFile {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A flag that acts on built-in models only.
    #[error("{flag} is for built-in models: {advice}")]
    NotForFiles {
        /// Flag.
        flag: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// A model file without a length of the run.
    #[error("the run has no duration: give --duration, or duration = ... in [run] of {file}")]
    NoDuration {
        /// The file.
        file: String,
    },
    /// Values that make no sweep.
    #[error("--sweep: {0}")]
    Sweep(String),
    /// A point that a sweep does not have.
    #[error("--point {text}: {why}")]
    Point {
        /// As typed.
        text: String,
        /// What there is.
        why: String,
    },
    /// A model that is not in the resolved input.
    #[error("the model '{0}' was made by a program through the library, and only that program can make it again")]
    OfProgram(String),
    /// A link that cannot be.
    #[error("two systems: {0}")]
    Link(String),
    /// A log file that cannot be opened.
    #[error("--log-file {path} cannot be written: {reason}; name a file in a directory where you may write")]
    LogFile {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// A density matrix that no rank could hold.
    #[error(
        "--store-states average: a density matrix of {dimension} basis states at {times} times takes {} on every rank, and \
         {} is the most; save fewer times (--save-dt, --save-from) or take fewer Fock states (--fock NAME=N)",
        gibibytes(*.bytes), gibibytes(*.largest)
    )]
    Density {
        /// Basis states.
        dimension: usize,
        /// Saved times.
        times: usize,
        /// What it would take.
        bytes: u64,
        /// What it may take.
        largest: u64,
    },
    /// A record that would hold nothing.
    #[error("--store-record: {0}")]
    Record(&'static str),
    /// A function of the ket that the model does not have.
    #[error("--observe {text}: {why}")]
    Observe {
        /// As typed.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// Text that is not the TOML of a resolved input.
    #[error("the resolved input cannot be read: {0}")]
    Toml(String),
    /// Numbers of a resolved input that contradict each other.
    #[error("the resolved input contradicts itself: {key} is {found}, but the other keys make it {expected}")]
    Contradiction {
        /// Key.
        key: &'static str,
        /// What it is.
        found: f64,
        /// What it must be.
        expected: f64,
    },
}

impl InputError {
    /// The error for a key that is none of `known`.
    pub fn unknown_key<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> InputError {
        let mut known: Vec<&str> = known.into_iter().collect();
        known.dedup();
        unknown("key", word, &known)
    }
}

/// Bytes in a sentence.
fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

fn one_of(known: &str) -> String {
    if known.is_empty() { "there are none here".into() } else { format!("one of {known}") }
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |word| format!("did you mean {word}? "))
}

/// The error for a word that is none of `known`, with the nearest of them.
fn unknown(what: &'static str, word: &str, known: &[&str]) -> InputError {
    InputError::Unknown { what, word: word.into(), nearest: nearest(word, known), known: known.join(", ") }
}

/// The known word that was probably meant.
fn nearest(word: &str, known: &[&str]) -> Option<String> {
    let score = |candidate: &str| strsim::jaro_winkler(&candidate.to_lowercase(), &word.to_lowercase());
    known
        .iter()
        .map(|candidate| (score(candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        // Chosen by trial: a typo or two in a word of four letters passes, another word does not.
        .filter(|(score, _)| *score > 0.75)
        .or_else(|| known.iter().map(|known| (1.0, known)).find(|(_, known)| is_slip(word, known)))
        .map(|(_, candidate)| candidate.to_string())
}

/// One letter wrong, missing, too many, or two swapped, in a word of three letters or more.
fn is_slip(word: &str, known: &str) -> bool {
    word.len() >= 3 && strsim::osa_distance(word, known) == 1
}

/// A finite number above zero.
fn positive(flag: &'static str, value: f64) -> Result<f64, InputError> {
    if value.is_finite() && value > 0.0 { Ok(value) } else { Err(InputError::NotPositive { flag, value }) }
}

/// A whole number from `least` to `most`.
fn within(flag: &'static str, value: u64, least: u64, most: u64) -> Result<u64, InputError> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        Err(InputError::OutOfRange { flag, value: value.to_string(), least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_suggested_and_a_far_one_is_not() {
        let text = |word| unknown("method", word, &["em", "heun"]).to_string();
        assert_eq!(text("hein"), "unknown method 'hein'; did you mean heun? one of em, heun");
        assert_eq!(text("xyz"), "unknown method 'xyz'; one of em, heun");
    }

    #[test]
    fn numbers_that_are_no_measure_are_refused() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, -0.0] {
            let error = positive("--duration", value).expect_err("nonsense").to_string();
            assert!(error.starts_with("--duration is ") && error.contains("above 0"), "{error}");
        }
        assert_eq!(positive("--duration", 1e-300), Ok(1e-300));
        assert_eq!(
            within("--ntraj", 0, 1, 9).expect_err("none").to_string(),
            "--ntraj is 0, but must lie between 1 and 9"
        );
    }
}
