//! Why the step of a run is as long as it is, for those who read the plan or the file.

use std::fmt;

/// Where a step comes from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepReason {
    /// `--dt` or `--downsample`.
    Typed,
    /// The table of built-in models.
    Table,
    /// The results file that is gone on with.
    File,
    /// Nobody has named one: that of the spec is the save interval until one is chosen.
    Open,
    /// Nothing asks for less than the save interval.
    SaveInterval,
    /// A part of the largest stable step, which is this.
    Stability(f64),
    /// Short beside this rate of Lindblad operators that change no Fock number.
    Rates(f64),
    /// Step times Gamma stays below what the method needs.
    Gamma {
        /// Largest Gamma = sum_k |L_k psi|^2 that the pilot trajectories saw.
        gamma: f64,
        /// What the method allows h * Gamma to be.
        largest: f64,
        /// The time to which they went.
        until: f64,
    },
    /// Step times the rate at which the Hamiltonian turns Lindblad operators stays below what the method needs.
    Turning {
        /// Largest omega that the pilot trajectories saw.
        omega: f64,
        /// What the method allows h * omega to be.
        largest: f64,
        /// The time to which they went.
        until: f64,
    },
}

impl fmt::Display for StepReason {
    /// Half a sentence; numbers in it have three digits.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let short = |x: f64| format!("{x:.2e}").parse().unwrap_or(x);
        match *self {
            StepReason::Typed => write!(f, "as asked for"),
            StepReason::Table => write!(f, "by the table of `qsd models`"),
            StepReason::File => write!(f, "as in the results file"),
            StepReason::Open => write!(f, "not chosen yet"),
            StepReason::SaveInterval => write!(f, "by the save interval; nothing needs it shorter"),
            StepReason::Stability(largest) => write!(f, "by stability: the largest stable step is {}", short(largest)),
            StepReason::Rates(rate) => {
                write!(f, "by rates: those of atoms and other finite systems sum to {}", short(rate))
            }
            StepReason::Gamma { gamma, largest, until } => write!(
                f,
                "by Gamma: pilot trajectories up to {} saw {}, and h * Gamma is to be below {largest}",
                short(until),
                short(gamma)
            ),
            StepReason::Turning { omega, largest, until } => write!(
                f,
                "by omega: pilot trajectories up to {} saw H turn the c_ops at {}, and h * omega is to be below {largest}",
                short(until),
                short(omega)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_its_numbers_in_three_digits() {
        assert_eq!(StepReason::Stability(0.1 / 3.0).to_string(), "by stability: the largest stable step is 0.0333");
        let gamma = StepReason::Gamma { gamma: 712.345, largest: 0.5, until: 3.0 * 0.1 };
        assert_eq!(
            gamma.to_string(),
            "by Gamma: pilot trajectories up to 0.3 saw 712, and h * Gamma is to be below 0.5"
        );
    }
}
