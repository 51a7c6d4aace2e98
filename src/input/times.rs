//! Saved times and steps from what was typed, and from what a model has when nothing was.

use super::steps::neat;
use super::{InputError, StepReason, TimeGrid, positive, steps_per_save, within};
use crate::cli::TimeFlags;

/// The step that `--downsample` counts when no other is given: the default of the original script.
const SCRIPT_STEP: f64 = 2e-3;

/// What a model runs with when the user says nothing; times in its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Habits {
    /// Length of a trajectory.
    pub duration: Option<f64>,
    /// Time between saved values.
    pub save_dt: f64,
    /// Step; `None`: it is chosen when the model is known.
    pub dt: Option<f64>,
}

/// Times and steps of a run of the model `name`. `--dt` alone changes the accuracy, not what is saved: the save
/// interval stays the model's. (The original script would save every step; `--downsample 1` does.)
pub(super) fn times(
    flags: &TimeFlags,
    habits: &Habits,
    name: &str,
    warnings: &mut Vec<String>,
) -> Result<(TimeGrid, StepReason), InputError> {
    let duration = flags.duration.or(habits.duration).ok_or_else(|| InputError::NoDuration { file: name.into() })?;
    let dt = flags.dt.number().map(|dt| positive("--dt", dt)).transpose()?;
    let save_dt = flags.save_dt.unwrap_or(habits.save_dt);
    let (save_dt, steps, reason) = match (flags.downsample, dt, habits.dt) {
        (Some(every), _, _) => {
            let every = within("--downsample", every, 1, u32::MAX.into())?;
            (dt.unwrap_or(SCRIPT_STEP) * every as f64, every, StepReason::Typed)
        }
        (None, Some(dt), _) => (save_dt, steps_per_save(save_dt, dt)?, StepReason::Typed),
        (None, None, Some(dt)) => (save_dt, steps_per_save(save_dt, dt)?, StepReason::Table),
        (None, None, None) => (save_dt, 1, StepReason::Open),
    };
    let grid = TimeGrid::new(duration, save_dt, steps, flags.save_from.unwrap_or(0.0))?;
    warnings.extend(announce(&grid, dt));
    Ok((grid, reason))
}

/// What to say when the step is not the one that was asked for.
fn announce(grid: &TimeGrid, dt: Option<f64>) -> Option<String> {
    let dt = dt.filter(|dt| (grid.h / dt - 1.0).abs() > 1e-6)?;
    let (h, save_dt) = (neat(grid.h), neat(grid.save_dt));
    Some(format!("--dt {dt} does not divide the save interval {save_dt}: the step is {h}"))
}
