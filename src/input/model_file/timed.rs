//! What the length of a run decides: whether every coefficient of a file has a value at all its times, and whether its
//! pulses fall into it.

use super::read::Described;
use super::source::Source;
use crate::input::{InputError, neat};
use crate::model::{ModelError, TimeFunction};
use std::ops::Range;

/// A term with a coefficient that depends on time.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    /// What it is called in messages.
    pub name: String,
    /// Its bytes.
    pub at: Range<usize>,
    /// Its coefficient.
    pub function: TimeFunction,
}

impl Described {
    /// Pulses outside a run of length `duration`, one sentence each; `times` are some of its times, ascending.
    ///
    /// # Errors
    /// A coefficient without a value at one of them, H(t) that is not Hermitian, with file, line and column.
    pub fn check_times(&self, source: Source, duration: f64, times: &[f64]) -> Result<Vec<String>, InputError> {
        let mut outside = vec![];
        for Timed { name, at, function } in &self.timed {
            let refuse = |error: String| source.mistake(at, format!("{name}: {error}"));
            function.check(duration).map_err(|error| refuse(error.to_string()))?;
            if let Some(t) = times.iter().find(|t| !function.value(**t).is_finite()) {
                return Err(refuse(format!("its coefficient is not finite at t = {}", neat(*t))));
            }
            let TimeFunction::Pulses(pulses) = function else { continue };
            outside.extend(pulses.iter().filter(|pulse| pulse.from >= duration || pulse.to <= 0.0).map(|pulse| {
                format!(
                    "{name}: the pulse from {} to {} does nothing, the run goes from 0 to {}",
                    pulse.from,
                    pulse.to,
                    neat(duration)
                )
            }));
        }
        match self.model.check(times) {
            Err(ModelError::BadTimeFunction { what, rule }) if what.starts_with("H(t)") => {
                Err(source.mistake(&self.hamiltonian_at, format!("{what}: {rule}")))
            }
            // Anything else is said when the model is put together.
            _ => Ok(outside),
        }
    }
}
