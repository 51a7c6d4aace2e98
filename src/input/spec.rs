//! [`RunSpec`]: everything that defines the numbers of a run, with every default resolved. It is
//! written into the results file as TOML and read back bit for bit.

use super::{Gauge, InputError, LinkSpec, Method, StoreStates, TargetTol, TimeGrid, initial, unknown, within};
use crate::model::library::{self, Choices, Family, Initial};
use crate::model::{Model, ModelError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whole numbers of the input must fit TOML's, which are signed.
const MAX_COUNT: u64 = i64::MAX as u64;
/// Basis states of the whole space; far beyond what an ensemble of kets can use.
const MAX_DIMENSION: u64 = 1 << 20;

/// A run, resolved: equal specs give equal bits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    /// Built-in model, by name.
    pub regime: String,
    /// Fock states kept of the cavity.
    #[serde(rename = "Nfock_a")]
    pub nfock_a: usize,
    /// Levels of the spin; absent in a model without one.
    #[serde(rename = "Nfock_j", default, skip_serializing_if = "Option::is_none")]
    pub nfock_j: Option<usize>,
    /// Fock factors whose truncation is part of the model and is not guarded.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Whether the coherent drive is on.
    pub drive: bool,
    /// Where a trajectory starts.
    #[serde(with = "initial::as_text")]
    pub initial: Initial,
    /// Where the constants of the Lindblad operators go.
    pub gauge: Gauge,
    /// How a step is taken.
    pub method: Method,
    /// Kets that are kept, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_states: Option<StoreStates>,
    /// Seed of all noise.
    pub seed: u64,
    /// Number of the first trajectory.
    pub first_trajectory: u64,
    /// Number of trajectories.
    pub ntraj: u64,
    /// Stop before `ntraj` when the means are known to these tolerances.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_tol: Option<TargetTol>,
    /// Saved times and steps.
    pub time: TimeGrid,
    /// Two linked systems, if they are two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkSpec>,
    /// Parameters of the model that differ from the library's, in their own units.
    #[serde(default)]
    pub set: BTreeMap<String, f64>,
}

impl RunSpec {
    const KEYS: &[&str] = &[
        "regime",
        "Nfock_a",
        "Nfock_j",
        "exact",
        "drive",
        "initial",
        "gauge",
        "method",
        "store_states",
        "seed",
        "first_trajectory",
        "ntraj",
        "target_tol",
        "time",
        "link",
        "set",
    ];

    /// The resolved input as TOML; [`RunSpec::from_toml`] gives the same spec, bit for bit.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("whole numbers below 2^63, finite numbers and words are always TOML")
    }

    /// Reads what [`RunSpec::to_toml`] wrote.
    ///
    /// # Errors
    /// A key that is not known (with the nearest that is), a missing or ill-typed one, numbers out of range.
    pub fn from_toml(text: &str) -> Result<RunSpec, InputError> {
        let unreadable = |error: toml::de::Error| InputError::Toml(error.to_string().trim_end().to_owned());
        let table: toml::Table = text.parse().map_err(unreadable)?;
        refuse_unknown_keys(&table, RunSpec::KEYS)?;
        if let Some(toml::Value::Table(time)) = table.get("time") {
            refuse_unknown_keys(time, TimeGrid::KEYS)?;
        }
        if let Some(toml::Value::Table(link)) = table.get("link") {
            refuse_unknown_keys(link, LinkSpec::KEYS)?;
        }
        let spec: RunSpec = toml::from_str(text).map_err(unreadable)?;
        spec.check()?;
        Ok(spec)
    }

    /// Refuses what no run can have: sizes and counts out of range, numbers that are not finite.
    pub(super) fn check(&self) -> Result<(), InputError> {
        let nfock_a = within("--Nfock_a", self.nfock_a as u64, 2, MAX_DIMENSION)?;
        let nfock_j = self.nfock_j.map_or(Ok(1), |n| within("--Nfock_j", n as u64, 2, MAX_DIMENSION))?;
        no_more("basis states", nfock_a, nfock_j, MAX_DIMENSION, "a smaller --Nfock_a or --Nfock_j")?;
        let one = nfock_a * nfock_j;
        let others = if self.is_two_systems() { one } else { 1 };
        no_more("basis states of two systems", one, others, MAX_DIMENSION, "a smaller --Nfock_a or --Nfock_j")?;
        self.link.as_ref().map_or(Ok(()), |link| link.check(self.method))?;
        within("--seed", self.seed, 0, MAX_COUNT)?;
        within("--ntraj", self.ntraj, 1, MAX_COUNT)?;
        within("--first-trajectory", self.first_trajectory, 0, MAX_COUNT - self.ntraj)?;
        self.time.check()?;
        let fewer = "a smaller --ntraj, continued by runs with --first-trajectory";
        no_more("steps of all trajectories", self.ntraj, self.time.steps(), MAX_COUNT, fewer)?;
        let values = one * others * size_of::<num_complex::Complex64>() as u64;
        no_more("bytes", self.ntraj, self.time.saves() as u64 * values, MAX_COUNT, fewer)?;
        match self.set.iter().find(|(_, value)| !value.is_finite()) {
            Some((name, value)) => Err(InputError::Malformed {
                flag: "--set",
                text: format!("{name}={value}"),
                form: "a finite number",
                example: "chi=-10",
            }),
            None => Ok(()),
        }
    }

    /// The same ensemble with `ntraj` trajectories, whatever tolerance they reach.
    ///
    /// # Errors
    /// `OutOfRange`, `TooMany` for more than a run can hold.
    pub fn extended(&self, ntraj: u64) -> Result<RunSpec, InputError> {
        let spec = RunSpec { ntraj, target_tol: None, ..self.clone() };
        spec.check()?;
        Ok(spec)
    }

    /// Whether the space is that of two systems; an empty component has none.
    fn is_two_systems(&self) -> bool {
        let empty = library::parse(&self.regime).is_ok_and(|regime| regime.entry.family == Family::EmptyThenKerr);
        self.link.is_some() && !empty
    }

    /// The physics it asks for.
    pub fn model(&self) -> Result<Model, ModelError> {
        let choices = Choices {
            nfock_a: Some(self.nfock_a),
            nfock_j: self.nfock_j,
            exact: self.exact.clone(),
            drive: self.drive,
            initial: self.initial,
            set: self.set.iter().map(|(name, value)| (name.clone(), *value)).collect(),
            pair: self.link.as_ref().map(LinkSpec::pair),
        };
        library::build(&library::parse(&self.regime)?, &choices)
    }

    /// Name of its results file in a directory: regime, seed, first and last trajectory, parameter hash.
    pub fn file_name(&self) -> String {
        let (regime, seed, first) = (&self.regime, self.seed, self.first_trajectory);
        let last = first + self.ntraj - 1;
        format!("QSD_{regime}_s{seed}_t{first}-{last}_{}.h5", &self.parameter_hash()[..8])
    }
}

fn no_more(what: &'static str, a: u64, b: u64, most: u64, advice: &'static str) -> Result<(), InputError> {
    match a.checked_mul(b) {
        Some(product) if product <= most => Ok(()),
        _ => Err(InputError::TooMany { what, count: a as f64 * b as f64, most: most as f64, advice }),
    }
}

fn refuse_unknown_keys(table: &toml::Table, known: &[&str]) -> Result<(), InputError> {
    match table.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(unknown("key", key, known)),
        None => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use num_complex::Complex64;

    /// A run with every optional part present.
    pub fn example() -> RunSpec {
        RunSpec {
            regime: "absorptive_bistable".into(),
            nfock_a: 50,
            nfock_j: Some(2),
            exact: vec!["a".into()],
            drive: true,
            initial: Initial::Coherent(Complex64::new(1.5, -0.25)),
            gauge: Gauge::Removed,
            method: Method::Heun,
            link: None,
            store_states: Some(StoreStates::Final),
            seed: 1,
            first_trajectory: 0,
            ntraj: 64,
            target_tol: None,
            time: TimeGrid::new(10.0, 0.2, 20, 0.0).expect("fits"),
            set: BTreeMap::from([("Delta".into(), -0.5)]),
        }
    }

    /// Bits of a small generator, enough to visit floats of every size.
    fn odd_floats() -> impl Iterator<Item = f64> {
        let special = [0.1 + 0.2, -0.0, 5e-324, f64::MIN_POSITIVE, f64::MAX, 1.0 / 3.0, 1e16, 1e300, -1e-7, 3.0];
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let random = std::iter::repeat_with(move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f64::from_bits(state ^ (state >> 31))
        });
        special.into_iter().chain(random.filter(|x| x.is_finite()).take(2000))
    }

    #[test]
    fn the_resolved_input_round_trips_bit_for_bit() {
        let mut tried = 0;
        for x in odd_floats() {
            let mut spec = example();
            spec.set = BTreeMap::from([("Delta".into(), x), ("Cn".into(), -x)]);
            spec.initial = Initial::Coherent(Complex64::new(-x, x));
            if x.is_normal() && x > 0.0 && x < 1e300 {
                spec.time.save_dt = x;
                spec.time.h = x / spec.time.steps_per_save as f64;
            }
            if spec.time.h <= 0.0 {
                continue;
            }
            let text = spec.to_toml();
            let back = RunSpec::from_toml(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert_eq!(back, spec);
            assert_eq!(back.set["Delta"].to_bits(), x.to_bits(), "{text}");
            assert_eq!(back.time.save_dt.to_bits(), spec.time.save_dt.to_bits(), "{text}");
            assert_eq!(back.to_toml(), text, "the text is canonical");
            tried += 1;
        }
        assert!(tried > 2000);
        let plain = RunSpec { nfock_j: None, store_states: None, exact: vec![], set: BTreeMap::new(), ..example() };
        assert_eq!(RunSpec::from_toml(&plain.to_toml()), Ok(plain));
    }

    #[test]
    fn the_largest_counts_round_trip() {
        let spec = RunSpec { seed: MAX_COUNT, first_trajectory: MAX_COUNT - 64, ..example() };
        assert_eq!(RunSpec::from_toml(&spec.to_toml()), Ok(spec));
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest_known() {
        let text = example().to_toml();
        let refuse = |from: &str, to: &str| {
            assert!(text.contains(from), "{text}");
            RunSpec::from_toml(&text.replace(from, to)).expect_err(to).to_string()
        };
        assert!(refuse("ntraj", "ntrai").contains("unknown key 'ntrai'; did you mean ntraj?"));
        assert!(refuse("steps_per_save", "step_per_save").contains("did you mean steps_per_save?"));
        assert!(refuse("seed = 1", "seed = 1\ncolour = 2").contains("unknown key 'colour'; one of"));
        assert!(refuse("seed = 1\n", "").contains("missing field `seed`"));
        assert!(refuse("seed = 1", "seed = -1").contains("cannot be read"));
        assert!(refuse("\"heun\"", "\"hein\"").contains("hein"));
        assert!(refuse("h = 0.01", "h = 0.02").contains("contradicts itself: h is 0.02"));
    }

    #[test]
    fn every_key_that_is_written_is_known() {
        let link = LinkSpec {
            reflection: 0.6,
            eps: 1.0 / 3.0,
            noise_amp: 1.0,
            filter_time: 0.1,
            trans_phase: [0.6, -0.8],
            drive_second_system: true,
            link: crate::input::LinkKind::Physical,
        };
        let target_tol = TargetTol::parse(&["0,0.05".into()]).expect("a target");
        let spec = RunSpec { link: Some(link), target_tol, nfock_a: 10, ..example() };
        assert_eq!(RunSpec::from_toml(&spec.to_toml()), Ok(spec.clone()));
        let table: toml::Table = spec.to_toml().parse().expect("own text");
        let mut known = LinkSpec::KEYS.to_vec();
        known.sort_unstable();
        let link = table["link"].as_table().expect("a table");
        assert_eq!(link.keys().map(String::as_str).collect::<Vec<_>>(), known);
        let written: Vec<&str> = table.keys().map(String::as_str).collect();
        let mut known = RunSpec::KEYS.to_vec();
        known.sort_unstable();
        assert_eq!(written, known);
        let mut known = TimeGrid::KEYS.to_vec();
        known.sort_unstable();
        let time = table["time"].as_table().expect("a table");
        assert_eq!(time.keys().map(String::as_str).collect::<Vec<_>>(), known);
    }

    #[test]
    fn sizes_and_counts_out_of_range_are_refused() {
        let refuse = |change: &dyn Fn(&mut RunSpec)| {
            let mut spec = example();
            change(&mut spec);
            spec.check().expect_err("nonsense").to_string()
        };
        assert_eq!(refuse(&|s| s.nfock_a = 1), "--Nfock_a is 1, but must lie between 2 and 1048576");
        assert!(refuse(&|s| s.nfock_a = usize::MAX).starts_with("--Nfock_a is"));
        assert!(refuse(&|s| s.nfock_j = Some(1)).starts_with("--Nfock_j is 1"));
        let both = refuse(&|s| (s.nfock_a, s.nfock_j) = (1 << 20, Some(1 << 20)));
        assert!(both.contains("basis states"), "{both}");
        assert_eq!(refuse(&|s| s.ntraj = 0), format!("--ntraj is 0, but must lie between 1 and {MAX_COUNT}"));
        assert!(refuse(&|s| s.ntraj = MAX_COUNT).contains("steps of all trajectories"));
        assert!(refuse(&|s| s.ntraj = 1 << 52).contains("bytes"));
        assert!(refuse(&|s| s.seed = u64::MAX).starts_with("--seed is 18446744073709551615"));
        assert!(
            refuse(&|s| s.first_trajectory = MAX_COUNT - 63).starts_with("--first-trajectory"),
            "the last overflows"
        );
        assert!(refuse(&|s| s.set = BTreeMap::from([("chi".into(), f64::NAN)])).starts_with("--set chi=NaN"));
    }

    #[test]
    fn the_spec_builds_its_model() {
        let model = example().model().expect("a model");
        assert_eq!(model.space.dim(), 100);
        let delta = model.parameters.iter().find(|p| p.name == "Delta").expect("a parameter");
        assert_eq!(delta.value, -0.5);
    }

    #[test]
    fn the_file_is_named_after_the_run() {
        let spec = RunSpec { seed: 3, first_trajectory: 100, ..example() };
        let hash = spec.parameter_hash();
        assert_eq!(spec.file_name(), format!("QSD_absorptive_bistable_s3_t100-163_{}.h5", &hash[..8]));
    }
}
