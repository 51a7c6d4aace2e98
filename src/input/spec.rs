//! [`RunSpec`]: everything that defines the numbers of a run, with every default resolved. It is
//! written into the results file as TOML and read back bit for bit.

use super::origin::{Origin, ProgramModel};
use super::{Gauge, InputError, LinkSpec, Method, StoreStates, TargetTol, TimeGrid, unknown, within};
use crate::error::Error;
use crate::model::Model;
use serde::{Deserialize, Serialize};

/// Whole numbers of the input must fit TOML's, which are signed.
const MAX_COUNT: u64 = i64::MAX as u64;

/// A run, resolved: equal specs give equal bits.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunSpec {
    /// The physics.
    #[serde(flatten)]
    pub origin: Origin,
    /// Where the constants of the Lindblad operators go.
    pub gauge: Gauge,
    /// How a step is taken.
    pub method: Method,
    /// Kets that are kept, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_states: Option<StoreStates>,
    /// Whether the heterodyne records are kept.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub store_record: bool,
    /// Functions of the ket that are observed beside what the model observes, as in `var(n)`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub observe: Vec<String>,
    /// Seed of all noise.
    pub seed: u64,
    /// Number of the first trajectory.
    pub first_trajectory: u64,
    /// Number of trajectories.
    pub ntraj: u64,
    /// Trajectories that check the step, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_dt: Option<u64>,
    /// Stop before `ntraj` when the means are known to these tolerances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_tol: Option<TargetTol>,
    /// Saved times and steps.
    pub time: TimeGrid,
}

/// The keys of a resolved input that do not say where the physics comes from.
#[derive(Deserialize)]
struct Conduct {
    gauge: Gauge,
    method: Method,
    #[serde(default)]
    store_states: Option<StoreStates>,
    #[serde(default)]
    store_record: bool,
    #[serde(default)]
    observe: Vec<String>,
    seed: u64,
    first_trajectory: u64,
    ntraj: u64,
    #[serde(default)]
    check_dt: Option<u64>,
    #[serde(default)]
    target_tol: Option<TargetTol>,
    time: TimeGrid,
}

impl RunSpec {
    const KEYS: &[&str] = &[
        "gauge",
        "method",
        "store_states",
        "store_record",
        "observe",
        "seed",
        "first_trajectory",
        "ntraj",
        "check_dt",
        "target_tol",
        "time",
    ];

    /// A run of a model that a program makes itself, with the defaults of the command line:
    /// [`crate::ensemble::Ensemble::of_model`] puts the model in. Of a model that depends on time or is linked `method`
    /// must be another than the default, `saba`.
    pub fn of_program(time: TimeGrid) -> RunSpec {
        RunSpec {
            origin: Origin::Program(ProgramModel::default()),
            gauge: Gauge::Removed,
            method: Method::DEFAULT,
            store_states: None,
            store_record: false,
            observe: vec![],
            seed: 1,
            first_trajectory: 0,
            ntraj: 64,
            check_dt: None,
            target_tol: None,
            time,
        }
    }

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
        let mut table: toml::Table = text.parse().map_err(unreadable)?;
        let of_origin = Origin::keys_in(&table);
        refuse_unknown_keys(&table, &[of_origin, RunSpec::KEYS].concat())?;
        for (name, known) in [("time", TimeGrid::KEYS), ("link", LinkSpec::KEYS)] {
            if let Some(toml::Value::Table(inner)) = table.get(name) {
                refuse_unknown_keys(inner, known)?;
            }
        }
        let mut origin = toml::Table::new();
        for key in of_origin {
            origin.extend(table.remove_entry(*key));
        }
        let origin = Origin::from_table(origin)?;
        let Conduct {
            gauge,
            method,
            store_states,
            store_record,
            observe,
            seed,
            first_trajectory,
            ntraj,
            check_dt,
            target_tol,
            time,
        } = table.try_into().map_err(unreadable)?;
        let spec = RunSpec {
            origin,
            gauge,
            method,
            store_states,
            store_record,
            observe,
            seed,
            first_trajectory,
            ntraj,
            check_dt,
            target_tol,
            time,
        };
        spec.check()?;
        Ok(spec)
    }

    /// Refuses what no run can have: sizes and counts out of range, numbers that are not finite.
    pub(super) fn check(&self) -> Result<(), InputError> {
        let dimension = self.origin.check(self.method)?;
        within("--seed", self.seed, 0, MAX_COUNT)?;
        within("--ntraj", self.ntraj, 1, MAX_COUNT)?;
        within("--first-trajectory", self.first_trajectory, 0, MAX_COUNT - self.ntraj)?;
        self.time.check()?;
        check_number(self.check_dt)?;
        let fewer = "a smaller --ntraj, continued by runs with --first-trajectory";
        no_more("steps of all trajectories", self.ntraj, self.time.steps(), MAX_COUNT, fewer)?;
        let values = dimension * size_of::<num_complex::Complex64>() as u64;
        no_more("bytes", self.ntraj, self.time.saves() as u64 * values, MAX_COUNT, fewer)
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

    /// The physics it asks for.
    ///
    /// # Errors
    /// What the library or the file has against it; the model of a program is not here.
    pub fn model(&self) -> Result<Model, Error> {
        self.origin.model()
    }

    /// Name of its results file in a directory: model, seed, first and last trajectory, parameter hash.
    pub fn file_name(&self) -> String {
        let (name, seed, first) = (self.origin.name(), self.seed, self.first_trajectory);
        let last = first + self.ntraj - 1;
        format!("QSD_{name}_s{seed}_t{first}-{last}_{}.h5", &self.parameter_hash()[..8])
    }
}

/// Trajectories that check the step come in whole batches.
fn check_number(check_dt: Option<u64>) -> Result<(), InputError> {
    let Some(count) = check_dt else { return Ok(()) };
    within("--check-dt", count, 8, 1 << 20)?;
    match count.is_multiple_of(8) {
        true => Ok(()),
        false => Err(InputError::Malformed {
            flag: "--check-dt",
            text: count.to_string(),
            form: "a multiple of 8, because trajectories are integrated eight at a time",
            example: "32",
        }),
    }
}

pub(super) fn no_more(what: &'static str, a: u64, b: u64, most: u64, advice: &'static str) -> Result<(), InputError> {
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
    use crate::input::BuiltIn;
    use crate::model::library::Initial;
    use num_complex::Complex64;
    use std::collections::BTreeMap;

    /// A run with every optional part present.
    pub fn example() -> RunSpec {
        let origin = Origin::BuiltIn(BuiltIn {
            regime: "absorptive_bistable".into(),
            nfock_a: 50,
            nfock_j: Some(2),
            exact: vec!["a".into()],
            drive: true,
            initial: Initial::Coherent(Complex64::new(1.5, -0.25)),
            link: None,
            set: BTreeMap::from([("Delta".into(), -0.5)]),
        });
        RunSpec {
            origin,
            gauge: Gauge::Removed,
            method: Method::Heun,
            store_states: Some(StoreStates::Final),
            store_record: false,
            observe: vec![],
            seed: 1,
            first_trajectory: 0,
            ntraj: 64,
            check_dt: None,
            target_tol: None,
            time: TimeGrid::new(10.0, 0.2, 20, 0.0).expect("fits"),
        }
    }

    /// The built-in model of a spec.
    pub fn built_in(spec: &mut RunSpec) -> &mut BuiltIn {
        match &mut spec.origin {
            Origin::BuiltIn(built_in) => built_in,
            other => panic!("{other:?}"),
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
            built_in(&mut spec).set = BTreeMap::from([("Delta".into(), x), ("Cn".into(), -x)]);
            built_in(&mut spec).initial = Initial::Coherent(Complex64::new(-x, x));
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
            let mut back = back;
            assert_eq!(built_in(&mut back).set["Delta"].to_bits(), x.to_bits(), "{text}");
            assert_eq!(back.time.save_dt.to_bits(), spec.time.save_dt.to_bits(), "{text}");
            assert_eq!(back.to_toml(), text, "the text is canonical");
            tried += 1;
        }
        assert!(tried > 2000);
        let mut plain = RunSpec { store_states: None, ..example() };
        let model = built_in(&mut plain);
        (model.nfock_j, model.exact, model.set) = (None, vec![], BTreeMap::new());
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
    fn the_keys_of_another_origin_are_unknown() {
        let built_in = example().to_toml();
        let of_program = RunSpec::of_program(example().time).to_toml();
        let refuse = |text: String| RunSpec::from_toml(&text).expect_err(&text).to_string();
        assert!(refuse(format!("sha256 = \"0\"\n{built_in}")).contains("unknown key 'sha256'"));
        for key in ["link", "set"] {
            assert!(refuse(format!("{of_program}\n[{key}]\n")).contains(&format!("unknown key '{key}'")));
        }
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
        let mut spec =
            RunSpec { check_dt: Some(32), target_tol, store_record: true, observe: vec!["var(n)".into()], ..example() };
        (built_in(&mut spec).link, built_in(&mut spec).nfock_a) = (Some(link), 10);
        assert_eq!(RunSpec::from_toml(&spec.to_toml()), Ok(spec.clone()));
        let table: toml::Table = spec.to_toml().parse().expect("own text");
        let mut known = LinkSpec::KEYS.to_vec();
        known.sort_unstable();
        let link = table["link"].as_table().expect("a table");
        assert_eq!(link.keys().map(String::as_str).collect::<Vec<_>>(), known);
        let written: Vec<&str> = table.keys().map(String::as_str).collect();
        let mut known = [example().origin.keys(), RunSpec::KEYS].concat();
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
        assert_eq!(refuse(&|s| built_in(s).nfock_a = 1), "--Nfock_a is 1, but must lie between 2 and 1048576");
        assert!(refuse(&|s| built_in(s).nfock_a = usize::MAX).starts_with("--Nfock_a is"));
        assert!(refuse(&|s| built_in(s).nfock_j = Some(1)).starts_with("--Nfock_j is 1"));
        let both = refuse(&|s| {
            let built_in = built_in(s);
            (built_in.nfock_a, built_in.nfock_j) = (1 << 20, Some(1 << 20));
        });
        assert!(both.contains("basis states"), "{both}");
        assert_eq!(refuse(&|s| s.ntraj = 0), format!("--ntraj is 0, but must lie between 1 and {MAX_COUNT}"));
        assert!(refuse(&|s| s.check_dt = Some(0)).starts_with("--check-dt is 0"));
        assert!(refuse(&|s| s.check_dt = Some(12)).starts_with("--check-dt 12: expected a multiple of 8"));
        assert!(refuse(&|s| s.ntraj = MAX_COUNT).contains("steps of all trajectories"));
        assert!(refuse(&|s| s.ntraj = 1 << 52).contains("bytes"));
        assert!(refuse(&|s| s.seed = u64::MAX).starts_with("--seed is 18446744073709551615"));
        assert!(
            refuse(&|s| s.first_trajectory = MAX_COUNT - 63).starts_with("--first-trajectory"),
            "the last overflows"
        );
        assert!(refuse(&|s| built_in(s).set = BTreeMap::from([("chi".into(), f64::NAN)])).starts_with("--set chi=NaN"));
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
