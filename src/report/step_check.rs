//! The check of the step in words: a line for every mean, and what to do.

use crate::ensemble::{StepErrorAt, StepSize, StepVerdict};

/// A longer step is worth a word from here on.
const WORTH_SAYING: f64 = 1.5;

/// A heading, a table and a sentence, one line each and without an end.
pub fn lines(found: &StepVerdict) -> Vec<String> {
    let StepVerdict { trajectories, step, weak_order, .. } = found;
    let mut lines = vec![format!(
        "Error of the step {}, from {trajectories} trajectories with it and with half of it on the same noise (weak order \
         {weak_order})",
        short(*step)
    )];
    let columns = ["", "bias at the end", "largest bias", "at t =", "strong", "standard error", "at most"];
    let mut table = vec![columns.map(String::from)];
    table.extend(found.means.iter().map(|mean| {
        let (last, largest) = (&mean.last, &mean.largest);
        let number = |x: f64| format!("{x:.1e}");
        [
            mean.name.clone(),
            bias(last),
            bias(largest),
            short(largest.time),
            number(last.strong),
            number(last.sem),
            number(mean.largest_sem),
        ]
    }));
    let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    lines.extend(table.iter().map(|row| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("  {}", cells.join("  ").trim_end())
    }));
    lines.push(format!("  {}", sentence(found)));
    lines
}

/// What it comes to.
pub fn sentence(found: &StepVerdict) -> String {
    let step = found.sufficient_step.unwrap_or(f64::NAN);
    match (found.verdict, found.trajectories_needed) {
        (None, _) => "One trajectory has no standard error that the step could be measured against".into(),
        (Some(StepSize::Below), _) if step >= WORTH_SAYING * found.step => {
            format!("The error of the step is below the standard errors; --dt {step} would do")
        }
        (Some(StepSize::Below), _) => "The error of the step is below the standard errors".into(),
        (Some(StepSize::Above), _) => {
            format!("The error of the step is above the standard errors; --dt {step} would do")
        }
        (Some(StepSize::Comparable), None) => {
            format!("The error of the step is comparable to the standard errors; --dt {step} would bring it below")
        }
        (Some(StepSize::Comparable), Some(more)) => format!(
            "The error of the step may be comparable to the standard errors: --check-dt {more} would tell, and --dt \
             {step} would be small enough"
        ),
    }
}

/// A number as people write it: 8.2 and not 8.200000000000001.
fn short(x: f64) -> String {
    format!("{x:.5e}").parse().map_or(x, |short: f64| short).to_string()
}

fn bias(at: &StepErrorAt) -> String {
    format!("{:+.1e} ± {:.0e}", at.bias, at.bias_sem)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ensemble::{StepCheck, StepDifference};
    use num_complex::Complex64;

    /// A check of the example run of this room's tests: two observables at two times.
    pub fn example() -> StepCheck {
        let difference = |x: f64| StepDifference {
            weak: vec![Complex64::ZERO, Complex64::new(x, x / 4.0)],
            weak_sem: vec![Complex64::ZERO, Complex64::new(x.abs() / 30.0, x.abs() / 30.0)],
            strong: vec![Complex64::ZERO, Complex64::new(0.25, 0.125)],
        };
        StepCheck {
            trajectories: 32,
            h: 0.01,
            weak_order: 2.0,
            observables: vec![difference(-0.009), difference(0.03)],
        }
    }

    #[test]
    fn what_was_found_is_said_with_what_to_do() {
        let found = |verdict, sufficient, needed| StepVerdict {
            trajectories: 32,
            step: 0.01,
            weak_order: 2.0,
            verdict,
            sufficient_step: Some(sufficient),
            trajectories_needed: needed,
            means: vec![],
        };
        for (verdict, step, needed, words) in [
            (Some(StepSize::Below), 0.04, None, "is below the standard errors; --dt 0.04 would do"),
            (Some(StepSize::Below), 0.012, None, "is below the standard errors"),
            (Some(StepSize::Above), 0.002, None, "is above the standard errors; --dt 0.002 would do"),
            (
                Some(StepSize::Comparable),
                0.008,
                None,
                "is comparable to the standard errors; --dt 0.008 would bring it below",
            ),
            (
                Some(StepSize::Comparable),
                0.008,
                Some(512),
                "--check-dt 512 would tell, and --dt 0.008 would be small enough",
            ),
            (None, 0.01, None, "no standard error"),
        ] {
            let said = sentence(&found(verdict, step, needed));
            assert!(said.contains(words), "{said}");
        }
    }
}
