//! The built-in systems: regime names as the users of the original script know them, their numbers
//! and their sources. A regime is a row of data; the two families build operators from it.

mod families;
mod pair;

pub use pair::Pair;

use self::pair::{Joined, empty_then, join};
use super::ket::fock;
use super::{Dynamics, Factor, HilbertSpace, Model, ModelError, ModelParameter, coherent, tensor};
use num_complex::Complex64;

/// What kind of system a regime is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// A spin in a driven cavity.
    JaynesCummings,
    /// A driven Kerr cavity with two ports.
    Kerr,
    /// A Kerr cavity whose drive passes an empty component first.
    EmptyThenKerr,
}

impl Family {
    /// Name in the parameter hash.
    pub fn name(self) -> &'static str {
        match self {
            Family::JaynesCummings => "jaynes_cummings",
            Family::Kerr => "kerr",
            Family::EmptyThenKerr => "empty_then_kerr",
        }
    }
}

/// A row of the library.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// Name as typed; `<alpha0>` stands for a number.
    pub name: &'static str,
    /// The physics in one line.
    pub summary: &'static str,
    /// Where the numbers come from.
    pub source: &'static str,
    /// Which operators it is made of.
    pub family: Family,
    /// Fock states of the cavity unless the user says otherwise.
    pub nfock_a: usize,
    /// Named numbers the user may override, with unit and meaning.
    pub numbers: &'static [(&'static str, f64, &'static str, &'static str)],
}

const JC_NUMBERS: &[(&str, f64, &str, &str)] = &[
    ("Cn", 10.5, "1", "cooperativity"),
    ("kn", 0.12, "rate", "cavity half-width kappa/2"),
    ("yn", 11.3, "1", "scaled drive"),
    ("J", 0.5, "1", "spin in the scaling of g and g0 (0.5 whatever Nfock_j)"),
    ("Delta", 0.0, "rate", "detuning of the spin"),
    ("Theta", 0.0, "rate", "detuning of the cavity"),
];

const fn kerr(
    chi: f64,
    delta: f64,
    k1: f64,
    k2: f64,
    alpha0: f64,
) -> [(&'static str, f64, &'static str, &'static str); 5] {
    [
        ("chi", chi, "rate", "Kerr coefficient"),
        ("Delta", delta, "rate", "detuning"),
        ("kappa1", k1, "rate", "decay rate through the driven port"),
        ("kappa2", k2, "rate", "decay rate through the other port"),
        ("alpha0", alpha0, "sqrt(rate)", "coherent amplitude into port 1"),
    ]
}
const KERR_A: &[(&str, f64, &str, &str)] = &kerr(-10.0, 100.0, 25.0, 25.0, 21.75);
const KERR_B: &[(&str, f64, &str, &str)] = &kerr(-1.5, 60.0, 25.0, 25.0, 33.25);
const KERR_QUBIT: &[(&str, f64, &str, &str)] = &kerr(-100.0, 0.0, 0.5, 0.0, 10.0);

const KERR_SUMMARY: &str = "H = Delta a.dag*a + chi/2 a.dag*a.dag*a*a; \
     L = sqrt(kappa1) a - alpha0, sqrt(kappa2) a";
const EMPTY_SUMMARY: &str = "L1 = -alpha0 linked to L2 = sqrt(kappa1) a, sqrt(kappa2) a; \
     H = Delta a.dag*a + chi/2 a.dag*a.dag*a*a";
const KERR_SOURCE: &str = "numbers of the original script (tabakg/quantum_state_diffusion); \
     exact steady state: Drummond and Walls, J. Phys. A 13, 725 (1980)";

/// The library. `qsd models` prints it, `parse` searches it.
pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "absorptive_bistable",
        summary: "Jaynes-Cummings: H = -i g0 (a j+ - a.dag j-) + Delta jz + Theta a.dag*a; \
                  L = sqrt(kappa) a + Omega, sqrt(gamma) j-",
        source: "numbers of the original script; model: Armen and Mabuchi, Phys. Rev. A 73, 063801 (2006)",
        family: Family::JaynesCummings,
        nfock_a: 50,
        numbers: JC_NUMBERS,
    },
    Entry {
        name: "kerr_bistable",
        summary: KERR_SUMMARY,
        source: KERR_SOURCE,
        family: Family::Kerr,
        nfock_a: 40,
        numbers: KERR_A,
    },
    Entry {
        name: "kerr_bistableA<alpha0>",
        summary: KERR_SUMMARY,
        source: KERR_SOURCE,
        family: Family::Kerr,
        nfock_a: 40,
        numbers: KERR_A,
    },
    Entry {
        name: "kerr_bistableB<alpha0>",
        summary: KERR_SUMMARY,
        source: KERR_SOURCE,
        family: Family::Kerr,
        nfock_a: 80,
        numbers: KERR_B,
    },
    Entry {
        name: "kerr_qubit",
        summary: KERR_SUMMARY,
        source: KERR_SOURCE,
        family: Family::Kerr,
        nfock_a: 10,
        numbers: KERR_QUBIT,
    },
    Entry {
        name: "empty_then_kerrA<alpha0>",
        summary: EMPTY_SUMMARY,
        source: KERR_SOURCE,
        family: Family::EmptyThenKerr,
        nfock_a: 40,
        numbers: KERR_A,
    },
    Entry {
        name: "empty_then_kerrB<alpha0>",
        summary: EMPTY_SUMMARY,
        source: KERR_SOURCE,
        family: Family::EmptyThenKerr,
        nfock_a: 80,
        numbers: KERR_B,
    },
];

const DRIVE_MARK: &str = "<alpha0>";

/// A regime as the user named it.
#[derive(Debug, Clone, PartialEq)]
pub struct Regime {
    /// As typed.
    pub name: String,
    /// Its row of the library.
    pub entry: &'static Entry,
    /// The drive behind `A` or `B`.
    pub alpha0: Option<f64>,
}

/// Find a regime by name.
pub fn parse(name: &str) -> Result<Regime, ModelError> {
    for entry in ENTRIES {
        if entry.name == name {
            return Ok(Regime { name: name.into(), entry, alpha0: None });
        }
        let Some(family) = entry.name.strip_suffix(DRIVE_MARK) else { continue };
        let Some(drive) = name.strip_prefix(family) else { continue };
        let bad = || ModelError::BadDrive { name: name.into(), family: family.into() };
        let alpha0: f64 = drive.parse().map_err(|_| bad())?;
        if !alpha0.is_finite() {
            return Err(bad());
        }
        return Ok(Regime { name: name.into(), entry, alpha0: Some(alpha0) });
    }
    let nearest = ENTRIES
        .iter()
        .map(|e| (strsim::jaro_winkler(e.name, name), e.name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(score, _)| *score > 0.8);
    let hint = nearest.map_or(String::new(), |(_, known)| format!("; did you mean {known}?"));
    Err(ModelError::UnknownRegime { name: name.into(), hint })
}

/// Where a trajectory starts.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Initial {
    /// Vacuum, and the spin in its first basis state (m = +j, excited), as the original script had it.
    #[default]
    Default,
    /// Vacuum, and the spin in its last basis state (m = -j).
    Ground,
    /// The cavity in a Fock state, the spin as in `Default`.
    Fock(usize),
    /// The cavity in a coherent state, the spin as in `Default`.
    Coherent(Complex64),
}

/// What the user may choose about a regime.
#[derive(Debug, Clone, PartialEq)]
pub struct Choices {
    /// Fock states of the cavity; `None` for the regime's own number.
    pub nfock_a: Option<usize>,
    /// Spin states; `None` for 2.
    pub nfock_j: Option<usize>,
    /// Fock factors whose truncation is part of the model.
    pub exact: Vec<String>,
    /// Whether the coherent drive is on.
    pub drive: bool,
    /// Initial ket.
    pub initial: Initial,
    /// Overridden numbers.
    pub set: Vec<(String, f64)>,
    /// Two linked systems instead of one.
    pub pair: Option<Pair>,
}

impl Default for Choices {
    fn default() -> Self {
        Choices {
            nfock_a: None,
            nfock_j: None,
            exact: vec![],
            drive: true,
            initial: Initial::Default,
            set: vec![],
            pair: None,
        }
    }
}

/// The numbers of a regime, with the drive of its name and then the user's own put in.
pub fn numbers(regime: &Regime, set: &[(String, f64)]) -> Result<Vec<ModelParameter>, ModelError> {
    let mut numbers: Vec<ModelParameter> = regime
        .entry
        .numbers
        .iter()
        .map(|&(name, value, unit, description)| ModelParameter::new(name, value, unit, description))
        .collect();
    if let Some(alpha0) = regime.alpha0 {
        override_number(&mut numbers, regime, "alpha0", alpha0)?;
    }
    for (name, value) in set {
        override_number(&mut numbers, regime, name, *value)?;
    }
    Ok(numbers)
}

/// Build the model of a regime.
pub fn build(regime: &Regime, choices: &Choices) -> Result<Model, ModelError> {
    let mut numbers = numbers(regime, &choices.set)?;
    let nfock_a = choices.nfock_a.unwrap_or(regime.entry.nfock_a);
    let mut factors = vec![Factor::fock("a", nfock_a)];
    if regime.entry.family == Family::JaynesCummings {
        factors.push(Factor::spin("j", choices.nfock_j.unwrap_or(2)));
    }
    for name in &choices.exact {
        let known = || factors.iter().map(|f| f.name.clone()).collect::<Vec<_>>().join(", ");
        match factors.iter().position(|f| f.name == *name) {
            Some(m) => factors[m].exact = true,
            None => {
                let (regime, name) = (regime.name.clone(), name.clone());
                return Err(ModelError::UnknownFactor { regime, name, known: known() });
            }
        }
    }
    let space = HilbertSpace::new(factors)?;
    let initial = initial_ket(&space, choices.initial)?;
    let family = regime.entry.family;
    let component = |numbers: &mut Vec<ModelParameter>, drive| match family {
        Family::JaynesCummings => families::jaynes_cummings(&space, numbers, drive),
        Family::Kerr | Family::EmptyThenKerr => families::kerr_cavity(&space, numbers, drive),
    };
    let pair = choices.pair.or_else(|| (family == Family::EmptyThenKerr).then(Pair::default));
    let Some(pair) = pair else {
        let (component, observables) = component(&mut numbers, choices.drive)?;
        // A port that does not couple (kappa2 = 0) has no noise to draw.
        let lindblads = component.l.into_iter().filter(|l| !l.is_zero()).collect();
        return Ok(model(regime, numbers, Joined { space, hamiltonian: component.h, lindblads, observables, initial }));
    };
    let second = component(&mut numbers.clone(), pair.drive_second)?;
    let joined = if family == Family::EmptyThenKerr {
        let alpha0 = numbers.iter().find(|n| n.name == "alpha0").map_or(0.0, |n| n.value);
        empty_then(if choices.drive { alpha0 } else { 0.0 }, second, space, initial)
    } else {
        join(&space, [component(&mut numbers, choices.drive)?, second], &initial)?
    };
    numbers.extend(pair.numbers());
    let mut model = model(regime, numbers, joined);
    model.dynamics.link = Some(pair.link()?);
    Ok(model)
}

fn model(regime: &Regime, parameters: Vec<ModelParameter>, joined: Joined) -> Model {
    let Joined { space, hamiltonian, lindblads, observables, initial } = joined;
    Model {
        name: regime.name.clone(),
        description: regime.entry.summary.into(),
        source: regime.entry.source.into(),
        time_unit: "1/rate".into(),
        space,
        hamiltonian,
        lindblads,
        lindblad_names: vec![],
        dynamics: Dynamics::default(),
        observables,
        initial,
        parameters,
    }
}

fn override_number(numbers: &mut [ModelParameter], regime: &Regime, name: &str, value: f64) -> Result<(), ModelError> {
    let known = || numbers.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join(", ");
    if !value.is_finite() {
        return Err(ModelError::BadParameter { name: name.into(), value, rule: "it must be a finite number" });
    }
    let Some(at) = numbers.iter().position(|n| n.name == name) else {
        let (regime, name) = (regime.name.clone(), name.into());
        return Err(ModelError::UnknownParameter { regime, name, known: known() });
    };
    numbers[at].value = value;
    Ok(())
}

fn initial_ket(space: &HilbertSpace, initial: Initial) -> Result<Vec<Complex64>, ModelError> {
    let cavity = &space.factors[0];
    let mut kets = vec![match initial {
        Initial::Default | Initial::Ground => fock(cavity.dim, 0),
        Initial::Fock(n) if n < cavity.dim => fock(cavity.dim, n),
        Initial::Fock(n) => {
            let rule = format!("the cavity keeps {} Fock states, 0 to {}", cavity.dim, cavity.dim - 1);
            return Err(ModelError::BadInitial { what: format!("fock:{n}"), rule });
        }
        // Beyond the cutoff the truncated displacement folds back, also to states with nothing in the top levels.
        Initial::Coherent(alpha) if alpha.norm_sqr() < cavity.dim as f64 => coherent(cavity.dim, alpha),
        Initial::Coherent(alpha) => {
            let rule = format!(
                "it has {:.2e} photons and the cavity keeps {} Fock states; use a larger --Nfock_a or a smaller amplitude",
                alpha.norm_sqr(),
                cavity.dim
            );
            return Err(ModelError::BadInitial { what: format!("coherent:{alpha}"), rule });
        }
    }];
    for spin in &space.factors[1..] {
        kets.push(fock(spin.dim, if initial == Initial::Ground { spin.dim - 1 } else { 0 }));
    }
    Ok(tensor(&kets))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(name: &str) -> Model {
        build(&parse(name).expect("a known name"), &Choices::default()).expect("a valid model")
    }

    #[test]
    fn absorptive_bistable_has_the_published_numbers() {
        let model = built("absorptive_bistable");
        let value = |name: &str| model.parameters.iter().find(|p| p.name == name).expect("a parameter").value;
        for (name, expected) in [("Omega", 1.2329310798), ("kappa", 0.24), ("gamma", 2.0), ("g0", -1.5874507866)] {
            assert!((value(name) - expected).abs() < 1e-10, "{name} = {}", value(name));
        }
        assert_eq!(model.space.dim(), 100);
        assert!(model.hamiltonian.is_hermitian());
        let names: Vec<_> = model.observables.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(names, ["a", "jm", "jz", "aa", "n", "ajp", "jp", "jx", "jy"]);
        assert_eq!(model.initial.iter().position(|x| x.re == 1.0), Some(0), "vacuum and excited");
        assert!(model.raises(0) && model.raises(1));
    }

    #[test]
    fn kerr_regimes_differ_in_their_numbers_only() {
        let value =
            |model: &Model, name: &str| model.parameters.iter().find(|p| p.name == name).expect("a parameter").value;
        let (plain, a) = (built("kerr_bistable"), built("kerr_bistableA21.75"));
        assert_eq!(plain.hamiltonian, a.hamiltonian);
        assert_eq!(plain.lindblads, a.lindblads);
        let b = built("kerr_bistableB33.25");
        assert_eq!((value(&b, "chi"), value(&b, "alpha0"), b.space.dim()), (-1.5, 33.25, 80));
        assert_eq!(b.lindblads[0].constant_part(), (-33.25).into());
        assert_eq!(built("kerr_qubit").lindblads.len(), 1, "kappa2 = 0 draws no noise");
    }

    #[test]
    fn without_drive_nothing_raises_a_kerr_cavity() {
        let choices = Choices { drive: false, ..Choices::default() };
        let model = build(&parse("kerr_bistable").expect("known"), &choices).expect("valid");
        assert!(!model.raises(0));
    }

    #[test]
    fn wrong_names_and_numbers_are_explained() {
        let text = |e: ModelError| e.to_string();
        assert!(text(parse("kerr_bistible").unwrap_err()).contains("did you mean kerr_bistable"));
        assert!(text(parse("kerr_bistableAxyz").unwrap_err()).contains("must be a number"));
        assert!(text(parse("kerr_bistableBnan").unwrap_err()).contains("must be a number"));
        let kerr = parse("kerr_bistable").expect("known");
        let set = |name: &str, value: f64| {
            let set = vec![(name.to_string(), value)];
            text(build(&kerr, &Choices { set, ..Choices::default() }).unwrap_err())
        };
        assert!(set("kapa1", 1.0).contains("it has chi, Delta, kappa1"));
        assert!(set("kappa1", -1.0).contains("must not be negative"));
        assert!(set("chi", f64::NAN).contains("finite"));
        let initial = Initial::Fock(40);
        let refused = build(&kerr, &Choices { initial, ..Choices::default() }).unwrap_err();
        assert!(text(refused).contains("0 to 39"));
    }
}
