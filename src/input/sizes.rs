//! How many levels each factor of the space keeps.

use super::{InputError, unknown};
use crate::cli::ModelFlags;
use crate::model::library::{Family, Regime};

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

/// How many levels one factor is to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Size {
    /// The factor.
    pub factor: String,
    /// Its levels, as typed.
    pub levels: u64,
    /// Its truncation is part of the model.
    pub exact: bool,
}

impl Size {
    /// What a flag of its own says, as `--Nfock_a`.
    pub fn new(factor: &str, levels: u64) -> Size {
        Size { factor: factor.into(), levels, exact: false }
    }

    /// `--fock NAME=N[,exact]`.
    fn parse(text: &str) -> Result<Size, InputError> {
        let malformed = || InputError::Malformed {
            flag: "--fock",
            text: text.into(),
            form: "a factor and its number of levels",
            example: "a=60",
        };
        let (factor, size) = text.split_once('=').ok_or_else(malformed)?;
        let (levels, exact) = match size.split_once(',') {
            Some((levels, "exact")) => (levels, true),
            Some(_) => return Err(malformed()),
            None => (size, false),
        };
        Ok(Size { factor: factor.into(), levels: levels.parse().map_err(|_| malformed())?, exact })
    }

    /// Those of flags of their own, then those of `--fock`.
    ///
    /// # Errors
    /// A text of another form, a factor that is named twice.
    pub fn all(own: impl IntoIterator<Item = Size>, texts: &[String]) -> Result<Vec<Size>, InputError> {
        let mut all: Vec<Size> = vec![];
        for size in own.into_iter().map(Ok).chain(texts.iter().map(|text| Size::parse(text))) {
            let size = size?;
            if all.iter().any(|known| known.factor == size.factor) {
                return Err(InputError::Repeated { what: format!("the size of factor {}", size.factor) });
            }
            all.push(size);
        }
        Ok(all)
    }
}

impl Sizes {
    /// What `--Nfock_a`, `--Nfock_j` and `--fock` say together, the rest by the model.
    pub fn resolve(flags: &ModelFlags, regime: &Regime, warnings: &mut Vec<String>) -> Result<Sizes, InputError> {
        let spin = regime.entry.family == Family::JaynesCummings;
        let factors: &[&str] = if spin { &["a", "j"] } else { &["a"] };
        if let Some(n) = flags.nfock_j.filter(|n| !spin && *n != DEFAULT_SPIN) {
            warnings.push(format!("--Nfock_j {n} has no effect: {} has no spin", regime.name));
        }
        let own = [flags.nfock_a.map(|n| Size::new("a", n)), flags.nfock_j.filter(|_| spin).map(|n| Size::new("j", n))];
        let all = Size::all(own.into_iter().flatten(), &flags.fock)?;
        if let Some(size) = all.iter().find(|size| !factors.contains(&size.factor.as_str())) {
            return Err(unknown("factor", &size.factor, factors));
        }
        let size = |factor, default| {
            let typed = all.iter().find(|size| size.factor == factor).map_or(default, |size| size.levels);
            usize::try_from(typed).unwrap_or(usize::MAX)
        };
        // A spin is exact anyway; saying so must not make another run of it.
        let exact = all.iter().filter(|size| size.exact && size.factor == "a").map(|size| size.factor.clone());
        Ok(Sizes {
            a: size("a", regime.entry.nfock_a as u64),
            j: spin.then(|| size("j", DEFAULT_SPIN)),
            exact: exact.collect(),
        })
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
