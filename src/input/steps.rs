//! The times of a run: saved at t_j = j save_dt, with m = ceil(save_dt/dt) equal steps of
//! h = save_dt/m <= dt in between, so that every saved time is reached exactly. And the step sizes
//! that are right for a built-in model when the user names none.

use super::{InputError, Method, positive, within};
use crate::model::library::Entry;
use serde::{Deserialize, Serialize};

/// Saved times a run may have; the statistics of all of them are held in memory.
const MAX_INTERVALS: u64 = 10_000_000;
/// Steps up to which every step number is exact as a floating-point number (2^53).
const MAX_STEPS: f64 = 9_007_199_254_740_992.0;
/// How far duration / save_dt may be from a whole number.
const FIT: f64 = 1e-6;
/// Forgives the rounding of save_dt/dt, so that 0.3/0.1 is three steps and not four.
const ROUNDING: f64 = 1e-9;

/// What a built-in model runs with when the user says nothing. Times in the model's unit.
#[derive(Debug)]
pub struct Defaults {
    /// Rows of the model library it belongs to.
    entries: &'static [&'static str],
    /// Fock states for which the steps were measured.
    nfock: usize,
    /// The step shrinks with this power of the number of Fock states.
    power: usize,
    /// Step of Euler-Maruyama.
    em: f64,
    /// Step of Heun.
    heun: f64,
    /// Step of `saba`, for any number of Fock states.
    saba: f64,
    /// Step of Runge-Kutta along parabolas.
    rk4p1: f64,
    /// Length of a trajectory.
    pub duration: f64,
    /// Time between saved values.
    pub save_dt: f64,
}

/// heun: measured, for a bias of a few tenths of a per cent and inside the region of stability.
/// em: for comparison with the original script, whose step it is for Jaynes-Cummings (over long runs of a
/// bistable system its bias is several per cent); on the Kerr qubit stability leaves no choice.
const DEFAULTS: &[Defaults] = &[
    Defaults {
        entries: &["absorptive_bistable"],
        nfock: 50,
        power: 2,
        em: 2e-3,
        heun: 1e-2,
        rk4p1: 4e-2,
        saba: 0.08,
        duration: 10.0,
        save_dt: 0.2,
    },
    Defaults {
        entries: &["kerr_bistable", "kerr_bistableA<alpha0>", "empty_then_kerrA<alpha0>"],
        nfock: 40,
        power: 3,
        em: 1e-5,
        heun: 1.5e-4,
        rk4p1: 2.5e-4,
        saba: 5e-4,
        duration: 0.2,
        save_dt: 2e-3,
    },
    Defaults {
        entries: &["kerr_bistableB<alpha0>", "empty_then_kerrB<alpha0>"],
        nfock: 80,
        power: 3,
        em: 1e-5,
        heun: 1e-4,
        rk4p1: 1.5e-4,
        saba: 2e-4,
        duration: 0.2,
        save_dt: 2e-3,
    },
    Defaults {
        entries: &["kerr_qubit"],
        nfock: 10,
        power: 3,
        em: 2.5e-7,
        heun: 4e-5,
        rk4p1: 2.5e-4,
        saba: 1e-2,
        duration: 4.0,
        save_dt: 0.04,
    },
];

/// The defaults of a built-in model.
pub fn defaults(entry: &Entry) -> &'static Defaults {
    DEFAULTS
        .iter()
        .find(|row| row.entries.contains(&entry.name))
        .expect("every model of the library has a row here; a test compares the two tables")
}

/// The step that is right for a model, a method and a number of Fock states.
///
/// It shrinks by min(1, (N_ref/N)^power). In a Kerr cavity frequencies grow as omega ~ N^2 and damping as
/// gamma ~ N, so the stable steps, h < 2 gamma/omega^2 for em and h^3 < 8 gamma/omega^4 for heun, fall as
/// N^-3 and N^-7/3: the power is 3. Jaynes-Cummings would do with less than its 2. No step grows in a
/// smaller space, where accuracy limits it.
pub fn default_step(entry: &Entry, method: Method, nfock_a: usize) -> f64 {
    let row = defaults(entry);
    let measured = match method {
        Method::Em => row.em,
        Method::Heun => row.heun,
        Method::Rk4p1 => row.rk4p1,
        Method::Saba => row.saba,
    };
    if method == Method::Saba {
        return row.saba;
    }
    let ratio = row.nfock as f64 / nfock_a as f64;
    measured * std::iter::repeat_n(ratio, row.power).product::<f64>().min(1.0)
}

/// The step that is right for two linked systems of a model: half of that for one. Frequencies and damping
/// of the two add, and both stability limits (see above) fall to a half when both double.
pub fn default_step_of_two(entry: &Entry, method: Method, nfock_a: usize) -> f64 {
    0.5 * default_step(entry, method, nfock_a)
}

/// Number of equal steps between two saved times, none longer than `dt`.
pub fn steps_per_save(save_dt: f64, dt: f64) -> Result<u64, InputError> {
    let steps = (positive("--save-dt", save_dt)? / positive("--dt", dt)? - ROUNDING).ceil().max(1.0);
    enough_steps(steps)?;
    Ok(steps as u64)
}

/// Saved times and steps of a run; times in the model's unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TimeGrid {
    /// Time between saved values.
    pub save_dt: f64,
    /// Steps between saved values.
    pub steps_per_save: u64,
    /// Length of a step, save_dt / steps_per_save.
    pub h: f64,
    /// Save intervals of a trajectory: it ends at intervals * save_dt.
    pub intervals: u64,
    /// The first saved time is first_save * save_dt.
    pub first_save: u64,
}

impl TimeGrid {
    /// Keys of its table in the resolved input.
    pub(super) const KEYS: &[&str] = &["save_dt", "steps_per_save", "h", "intervals", "first_save"];

    /// The grid of a run of length `duration` saved from `save_from` on.
    ///
    /// # Errors
    /// A duration that is no whole number of save intervals, a time that is not finite and positive,
    /// more times or steps than can be counted, nothing left to save.
    pub fn new(duration: f64, save_dt: f64, steps_per_save: u64, save_from: f64) -> Result<TimeGrid, InputError> {
        let count = positive("--duration", duration)? / positive("the save interval", save_dt)?;
        let intervals = count.round();
        enough_intervals(intervals)?;
        if (count - intervals).abs() >= FIT || intervals < 1.0 {
            let fitting = intervals.max(1.0);
            let (fitting, fitting_save) = (neat(fitting * save_dt), neat(duration / fitting));
            return Err(InputError::DoesNotFit { duration, save_dt: neat(save_dt), fitting, fitting_save });
        }
        let first_save = (save_from / save_dt - FIT).ceil().max(0.0);
        if !(save_from >= 0.0 && first_save <= intervals) {
            return Err(InputError::SaveFrom { save_from, duration });
        }
        let h = save_dt / steps_per_save as f64;
        let grid = TimeGrid { save_dt, steps_per_save, h, intervals: intervals as u64, first_save: first_save as u64 };
        grid.check()?;
        Ok(grid)
    }

    /// What `new` guarantees, for a grid that was read.
    pub(super) fn check(&self) -> Result<(), InputError> {
        positive("save_dt", self.save_dt)?;
        within("steps_per_save", self.steps_per_save, 1, MAX_STEPS as u64)?;
        within("intervals", self.intervals, 1, MAX_INTERVALS)?;
        within("first_save", self.first_save, 0, self.intervals)?;
        positive("h", self.h)?;
        let expected = self.save_dt / self.steps_per_save as f64;
        if self.h != expected {
            return Err(InputError::Contradiction { key: "h", found: self.h, expected });
        }
        enough_steps(self.intervals as f64 * self.steps_per_save as f64)
    }

    /// Steps of a trajectory.
    pub fn steps(&self) -> u64 {
        self.intervals * self.steps_per_save
    }

    /// End of a trajectory.
    pub fn duration(&self) -> f64 {
        self.intervals as f64 * self.save_dt
    }

    /// Number of saved times.
    pub fn saves(&self) -> usize {
        (self.intervals - self.first_save + 1) as usize
    }

    /// The saved times, t_j = j save_dt.
    pub fn times(&self) -> Vec<f64> {
        (self.first_save..=self.intervals).map(|j| j as f64 * self.save_dt).collect()
    }
}

fn enough_steps(count: f64) -> Result<(), InputError> {
    if count <= MAX_STEPS {
        return Ok(());
    }
    Err(InputError::TooMany { what: "steps", count, most: MAX_STEPS, advice: "a larger --dt or a shorter --duration" })
}

fn enough_intervals(count: f64) -> Result<(), InputError> {
    if count <= MAX_INTERVALS as f64 {
        return Ok(());
    }
    let advice = "a larger --save-dt or --downsample, or a shorter --duration";
    Err(InputError::TooMany { what: "saved times", count, most: MAX_INTERVALS as f64, advice })
}

/// Without the last digits, which only rounding put there: for messages.
pub fn neat(x: f64) -> f64 {
    format!("{x:.9e}").parse().expect("a number that was just printed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::library::ENTRIES;

    fn entry(name: &str) -> &'static Entry {
        ENTRIES.iter().find(|entry| entry.name == name).expect("a row of the library")
    }

    #[test]
    fn steps_divide_the_save_interval_and_are_never_longer_than_dt() {
        for (save_dt, dt, m) in [
            (0.2, 0.01, 20),
            (0.3, 0.1, 3),   // 0.3/0.1 is 2.9999999999999996
            (0.6, 0.2, 3),   // 0.6/0.2 is 2.9999999999999996
            (0.7, 0.1, 7),   // 0.7/0.1 is 6.999999999999999
            (0.07, 0.01, 7), // 0.07/0.01 is 7.000000000000001
            (0.2, 0.03, 7),
            (0.2, 0.2, 1),
            (0.2, 1000.0, 1),
            (2e-3, 1.5e-4, 14),
            (0.04, 5e-7, 80_000),
        ] {
            let found = steps_per_save(save_dt, dt).expect("sensible");
            assert_eq!(found, m, "{save_dt} / {dt}");
            assert!(save_dt / found as f64 <= dt * (1.0 + 1e-9));
        }
    }

    #[test]
    fn saved_times_are_multiples_of_the_save_interval() {
        let grid = TimeGrid::new(1.0, 0.1, 5, 0.0).expect("fits");
        assert_eq!((grid.intervals, grid.saves(), grid.steps(), grid.h), (10, 11, 50, 0.02));
        assert_eq!(grid.times()[3], 3.0 * 0.1, "not a sum of rounded steps");
        assert_eq!(grid.times().len(), grid.saves());
        assert_eq!(*grid.times().last().expect("a time"), 1.0);
    }

    #[test]
    fn a_duration_that_does_not_fit_names_one_that_does() {
        let error = TimeGrid::new(1.0, 0.3, 1, 0.0).expect_err("3.33 intervals").to_string();
        assert_eq!(
            error,
            "--duration 1 is not a whole number of save intervals of 0.3: \
             try --duration 0.9, or a save interval of 0.3333333333"
        );
        assert!(TimeGrid::new(0.1, 0.2, 1, 0.0).expect_err("half").to_string().contains("--duration 0.2"));
        assert!(TimeGrid::new(1.0 + 0.9e-7, 0.1, 1, 0.0).is_ok(), "within 1e-6 of an interval");
        assert!(TimeGrid::new(1.0 + 1.1e-7, 0.1, 1, 0.0).is_err(), "beyond");
    }

    #[test]
    fn saving_may_start_late_but_not_after_the_end() {
        let first = |save_from| TimeGrid::new(1.0, 0.1, 1, save_from).map(|grid| grid.first_save);
        assert_eq!(first(0.0), Ok(0));
        assert_eq!(first(0.3), Ok(3), "0.3/0.1 is a rounding error below 3");
        assert_eq!(first(0.31), Ok(4));
        assert_eq!(first(1.0), Ok(10));
        for nonsense in [1.1, -0.1, f64::NAN, f64::INFINITY] {
            assert!(first(nonsense).expect_err("nothing to save").to_string().contains("--save-from"));
        }
    }

    #[test]
    fn absurd_numbers_are_refused_before_they_overflow() {
        for (duration, save_dt) in [(1e300, 1e-300), (1e9, 1e-9), (f64::NAN, 1.0), (1.0, -1.0), (1.0, f64::INFINITY)] {
            assert!(TimeGrid::new(duration, save_dt, 1, 0.0).is_err(), "{duration} {save_dt}");
        }
        for (save_dt, dt) in [(1.0, 0.0), (1.0, -1.0), (1.0, f64::NAN), (1.0, 1e-300), (f64::INFINITY, 1.0)] {
            assert!(steps_per_save(save_dt, dt).is_err(), "{save_dt} {dt}");
        }
        assert!(TimeGrid::new(1e6, 1.0, 1 << 50, 0.0).expect_err("2^70").to_string().contains("a larger --dt"));
    }

    #[test]
    fn every_model_of_the_library_has_defaults_that_fit() {
        for entry in ENTRIES {
            let row = defaults(entry);
            for method in Method::ALL {
                let m = steps_per_save(row.save_dt, default_step(entry, *method, entry.nfock_a)).expect("a step");
                TimeGrid::new(row.duration, row.save_dt, m, 0.0).expect(entry.name);
            }
            assert_eq!(row.nfock, entry.nfock_a, "{}: measured for another cutoff", entry.name);
        }
    }

    #[test]
    fn default_steps_shrink_with_a_power_of_the_cutoff() {
        for (name, method, nfock, step) in [
            ("absorptive_bistable", Method::Heun, 50, 1e-2),
            ("absorptive_bistable", Method::Em, 100, 5e-4),
            ("kerr_bistable", Method::Heun, 40, 1.5e-4),
            ("kerr_bistableA<alpha0>", Method::Heun, 80, 1.875e-5),
            ("kerr_bistableA<alpha0>", Method::Em, 20, 1e-5),
            ("kerr_bistableB<alpha0>", Method::Heun, 80, 1e-4),
            ("kerr_qubit", Method::Em, 20, 3.125e-8),
            ("kerr_qubit", Method::Heun, 5, 4e-5),
        ] {
            let found = default_step(entry(name), method, nfock);
            assert!((found / step - 1.0).abs() < 1e-12, "{name} {method:?} {nfock}: {found}");
        }
    }
}
