//! Are the numbers right? `qsd verify` runs systems whose answers are known, `qsd verify MODEL` an ensemble of any small
//! system beside its master equation.
//!
//! A mean counts as right when it is within its statistical limit of the exact value, plus what a step of finite length may
//! be off, which is said beside it. Single trajectories are checked where a law holds for each of them: that catches a
//! wrong unravelling, which ensemble means cannot.

mod battery;
mod compare;
mod master;

use super::table::plural;
pub use battery::battery;
pub use compare::{LARGEST, VerifyError, against_master_equation};

use std::io::{self, Write};

/// One number beside the one it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// System and quantity: `<n>(0.2)`.
    pub quantity: String,
    /// What was found.
    pub found: f64,
    /// Its standard error; 0 for a law of every trajectory.
    pub sem: f64,
    /// What it should be.
    pub exact: f64,
    /// Distance at which it counts as wrong.
    pub limit: f64,
}

impl Check {
    /// Whether it is right; a number that is none is wrong.
    pub fn holds(&self) -> bool {
        (self.found - self.exact).abs() <= self.limit
    }

    /// Distance in standard errors, as text; in parts of the limit where there is no error.
    fn distance(&self) -> String {
        let off = (self.found - self.exact).abs();
        match self.sem > 0.0 {
            true => format!("{:.1} sigma", off / self.sem),
            false => format!("off by {off:.1e} of {:.1e}", self.limit),
        }
    }
}

/// A system, what is known of it, and what was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was run.
    pub title: String,
    /// Where the exact values are from.
    pub source: String,
    /// The numbers.
    pub checks: Vec<Check>,
}

/// Writes one report.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    writeln!(out, "{}\n  exact: {}", report.title, report.source)?;
    let width = report.checks.iter().map(|check| check.quantity.chars().count()).max().unwrap_or(0);
    for check in &report.checks {
        let Check { quantity, found, sem, exact, .. } = check;
        let word = if check.holds() { "right" } else { "WRONG" };
        let error = if *sem > 0.0 { format!(" ± {sem:.1e}") } else { String::new() };
        let found = format!("{found:.6}{error}");
        writeln!(out, "  {word}  {quantity:width$}  {found:22}  exact {exact:<12.6}  {}", check.distance())?;
    }
    out.flush()
}

/// Writes the verdict over all reports and says whether everything is right.
///
/// # Errors
/// Those of `out`.
pub fn conclude(out: &mut dyn Write, reports: &[Report]) -> io::Result<bool> {
    let all = || reports.iter().flat_map(|report| &report.checks);
    let (count, wrong) = (all().count(), all().filter(|check| !check.holds()).count());
    match wrong {
        0 if count == 1 => writeln!(out, "\nThe one number is right.")?,
        0 => writeln!(out, "\nAll {} are right.", plural(count, "number"))?,
        _ => writeln!(
            out,
            "\n{wrong} of {} WRONG: do not trust results like these; a smaller --dt is the first thing to try.",
            if count == 1 { "1 number is".into() } else { format!("{} are", plural(count, "number")) }
        )?,
    }
    Ok(wrong == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: f64, sem: f64) -> Check {
        Check { quantity: "<n>(1)".into(), found, sem, exact: 1.0, limit: 0.04 }
    }

    #[test]
    fn a_number_beyond_its_limit_or_none_at_all_is_wrong_and_the_verdict_says_so() {
        assert!(check(1.039, 0.01).holds() && !check(1.041, 0.01).holds() && !check(f64::NAN, 0.01).holds());
        let report = |found| Report {
            title: "a system".into(),
            source: "a formula".into(),
            checks: vec![check(1.0, 0.01), check(found, 0.0)],
        };
        let said = |found| {
            let (mut out, report) = (vec![], report(found));
            write(&mut out, &report).unwrap();
            let fine = conclude(&mut out, &[report]).unwrap();
            (fine, String::from_utf8(out).unwrap())
        };
        let (fine, text) = said(1.0);
        assert!(fine && text.contains("All 2 numbers are right") && text.contains("0.0 sigma"), "{text}");
        let (fine, text) = said(1.05);
        assert!(
            !fine && text.contains("1 of 2 numbers are WRONG") && text.contains("off by 5.0e-2 of 4.0e-2"),
            "{text}"
        );
    }
}
