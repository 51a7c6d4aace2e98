//! How many levels each factor of the space keeps.

use super::{InputError, unknown};
use crate::cli::ModelFlags;
use crate::model::library::{Family, Regime};
use std::collections::BTreeMap;

/// Levels of the spin.
const DEFAULT_SPIN: u64 = 2;

/// Dimensions of the factors.
pub(super) struct Sizes {
    /// Fock states of the cavity.
    pub a: usize,
    /// Levels of the spin, if there is one.
    pub j: Option<usize>,
    /// Fock factors whose truncation is part of the model.
    pub exact: Vec<String>,
}

impl Sizes {
    /// What `--Nfock_a`, `--Nfock_j` and `--fock` say together, the rest by the model.
    pub fn resolve(flags: &ModelFlags, regime: &Regime, warnings: &mut Vec<String>) -> Result<Sizes, InputError> {
        let spin = regime.entry.family == Family::JaynesCummings;
        let factors: &[&str] = if spin { &["a", "j"] } else { &["a"] };
        let mut given = BTreeMap::new();
        given.extend(flags.nfock_a.map(|n| ("a", n)));
        given.extend(flags.nfock_j.filter(|_| spin).map(|n| ("j", n)));
        if let Some(n) = flags.nfock_j.filter(|n| !spin && *n != DEFAULT_SPIN) {
            warnings.push(format!("--Nfock_j {n} has no effect: {} has no spin", regime.name));
        }
        let mut exact = Vec::new();
        for text in &flags.fock {
            let malformed = || InputError::Malformed {
                flag: "--fock",
                text: text.clone(),
                form: "a factor and its number of levels",
                example: "a=60",
            };
            let (name, size) = text.split_once('=').ok_or_else(malformed)?;
            let factor = *factors.iter().find(|f| **f == name).ok_or_else(|| unknown("factor", name, factors))?;
            let (size, mark) = size.split_once(',').map_or((size, None), |(size, mark)| (size, Some(mark)));
            if mark.is_some_and(|mark| mark != "exact") {
                return Err(malformed());
            }
            let size = size.parse().map_err(|_| malformed())?;
            if given.insert(factor, size).is_some() {
                return Err(InputError::Repeated { what: format!("the size of factor {factor}") });
            }
            // A spin is exact anyway; saying so must not make another run of it.
            exact.extend((mark.is_some() && factor == "a").then(|| factor.to_owned()));
        }
        let size =
            |factor, default| usize::try_from(given.get(factor).copied().unwrap_or(default)).unwrap_or(usize::MAX);
        Ok(Sizes { a: size("a", regime.entry.nfock_a as u64), j: spin.then(|| size("j", DEFAULT_SPIN)), exact })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};
    use crate::model::library;

    fn typed(line: &str) -> Result<(Sizes, Vec<String>), InputError> {
        let Task::Run(args) = Cli::from_words(line.split_whitespace().map(Into::into)).expect(line).task else {
            panic!("{line} is not a run")
        };
        let regime = library::parse(args.model.model.as_deref().unwrap_or("absorptive_bistable")).expect("a regime");
        let mut warnings = vec![];
        Sizes::resolve(&args.model, &regime, &mut warnings).map(|sizes| (sizes, warnings))
    }

    #[test]
    fn sizes_come_from_either_flag_or_the_model() {
        for (line, a, j) in [
            ("qsd run", 50, Some(2)),
            ("qsd --Nfock_a 60 --Nfock_j 4", 60, Some(4)),
            ("qsd --fock a=60 --fock j=4", 60, Some(4)),
            ("qsd --fock a=60 --Nfock_j 4", 60, Some(4)),
            ("qsd run kerr_qubit", 10, None),
            ("qsd run kerr_qubit --Nfock_j 2", 10, None),
        ] {
            let (sizes, warnings) = typed(line).expect(line);
            assert_eq!((sizes.a, sizes.j, warnings.len()), (a, j, 0), "{line}");
        }
    }

    #[test]
    fn a_truncation_may_be_declared_part_of_the_model() {
        assert_eq!(typed("qsd --fock a=10,exact").expect("fine").0.exact, ["a"]);
        assert!(typed("qsd --fock j=2,exact").expect("fine").0.exact.is_empty(), "a spin always is");
    }

    #[test]
    fn a_spin_that_is_not_there_is_mentioned() {
        let (_, warnings) = typed("qsd run kerr_qubit --Nfock_j 3").expect("accepted");
        assert_eq!(warnings, ["--Nfock_j 3 has no effect: kerr_qubit has no spin"]);
    }

    #[test]
    fn nonsense_is_refused() {
        let text = |line: &str| typed(line).map(|_| ()).expect_err(line).to_string();
        assert!(text("qsd run kerr_qubit --fock j=3").contains("unknown factor 'j'; one of a"));
        assert!(text("qsd --Nfock_a 10 --fock a=20").contains("size of factor a is given twice"));
        for nonsense in ["a", "a=", "a=x", "a=-3", "a=60,exakt", "a=99999999999999999999"] {
            let text = text(&format!("qsd --fock {nonsense}"));
            assert!(text.ends_with("as in --fock a=60"), "{text}");
        }
    }
}
