//! What a run has found and what it cost, as text at its end.

use super::step_check;
use crate::ensemble::{Cost, Header, ObservableInfo, Statistics, StepVerdict, Summary, Verdict};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

/// Writes final means, guards that are not good, the cost, and last where the results are.
pub fn write(
    out: &mut dyn Write,
    header: &Header,
    summary: &Summary,
    cost: &Cost,
    results: Option<&Path>,
) -> io::Result<()> {
    let end = header.times.last().copied().unwrap_or(0.0);
    match summary.n_done {
        0 => writeln!(out, "No trajectory has come to its end yet.")?,
        n => writeln!(out, "Mean ± standard error at t = {end} over {n} trajectories")?,
    }
    let columns: Vec<[String; 3]> = header
        .observables
        .iter()
        .zip(&summary.observables)
        .filter(|_| summary.n_done > 0)
        .map(|(info, found)| [info.name.clone(), info.expression.clone(), final_mean(info, found)])
        .collect();
    let width = |column: usize| columns.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (name_width, expression_width) = (width(0), width(1));
    for [name, expression, value] in &columns {
        writeln!(out, "  {name:name_width$}  {expression:expression_width$}  {value}")?;
    }
    for line in verdict(header, summary).iter().flat_map(step_check::lines) {
        writeln!(out, "{line}")?;
    }
    for guard in summary.guards.iter().filter(|guard| guard.verdict >= Verdict::Warning) {
        let word = if guard.verdict == Verdict::Failed { "Guard failed" } else { "Guard warning" };
        writeln!(out, "{word}: {}", guard.message)?;
    }
    writeln!(out, "{}", cost_line(cost))?;
    match results {
        Some(path) => writeln!(out, "Results: {}", path.display()),
        None => writeln!(out, "No results file was written; -o FILE or --output-dir DIR keeps one."),
    }
}

/// What the check of the step comes to, if it is done.
pub fn verdict(header: &Header, summary: &Summary) -> Option<StepVerdict> {
    let check = summary.check.as_ref()?;
    Some(check.judge(&header.observables, &header.times, &summary.observables, summary.n_done))
}

fn final_mean(info: &ObservableInfo, found: &Statistics) -> String {
    let (Some(mean), Some(sem)) = (found.mean.last(), found.sem.last()) else { return "nothing saved".into() };
    if info.hermitian {
        return measured(mean.re, sem.re);
    }
    format!("({}) + ({}) i", measured(mean.re, sem.re), measured(mean.im, sem.im))
}

/// A number with its standard error, both cut at the error's second digit.
fn measured(mean: f64, sem: f64) -> String {
    if !sem.is_finite() {
        return format!("{mean:.6} ± ?");
    }
    if sem <= 0.0 {
        return format!("{mean:.6} ± 0");
    }
    let decimals = 1 - sem.log10().floor() as i32;
    match usize::try_from(decimals) {
        // Rounding noise and huge numbers read better with an exponent.
        Ok(13..) => format!("{mean:.6e} ± {sem:.1e}"),
        _ if mean.abs().max(sem) >= 1e9 => format!("{mean:.6e} ± {sem:.1e}"),
        Ok(decimals) => format!("{mean:.decimals$} ± {sem:.decimals$}"),
        Err(_) => format!("{mean:.0} ± {sem:.0}"),
    }
}

fn cost_line(cost: &Cost) -> String {
    let rate = if cost.core_seconds > 0.0 { cost.steps as f64 / cost.core_seconds } else { 0.0 };
    format!(
        "{:.2} s on {} x {}: {rate:.3e} trajectory-steps per second and core, {:.1} % of the time writing, \
         busiest rank {:.0} % above the mean",
        cost.wall,
        plural(cost.ranks, "rank"),
        plural(cost.threads, "thread"),
        100.0 * cost.io_share,
        100.0 * cost.imbalance,
    )
}

/// `1 rank`, `2 ranks`, `2 trajectories`.
pub fn plural<N: Display + PartialEq + From<u8>>(count: N, what: &str) -> String {
    match what.strip_suffix('y') {
        _ if count == N::from(1) => format!("{count} {what}"),
        Some(stem) => format!("{count} {stem}ies"),
        None => format!("{count} {what}s"),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::ensemble::Guard;
    use num_complex::Complex64;

    /// The end of a small run with a real and a complex observable and one guard of each kind.
    pub fn example() -> (Header, Summary, Cost) {
        let info = |name: &str, expression: &str, hermitian| ObservableInfo {
            name: name.into(),
            expression: expression.into(),
            label: format!("⟨{name}⟩"),
            latex: name.into(),
            unit: "1".into(),
            description: String::new(),
            hermitian,
        };
        let found = |mean: Complex64, sem: Complex64| Statistics {
            mean: vec![Complex64::ZERO, mean],
            traj_std: vec![Complex64::ZERO; 2],
            sem: vec![Complex64::ZERO, sem],
        };
        let guard = |name: &str, verdict| Guard {
            name: name.into(),
            value: 2e-6,
            verdict,
            message: format!("{name} is 2e-6; keep more Fock states"),
        };
        let header = Header {
            title: "absorptive_bistable".into(),
            first_trajectory: 8,
            ntraj: 64,
            seed: 3,
            times: vec![0.0, 10.0],
            time_unit: "1/rate".into(),
            observables: vec![info("n", "a.dag*a", true), info("a", "a", false)],
            leaks: vec![],
            states: None,
            density: None,
            record: None,
            check_dt: None,
            parameters: vec![],
            resolved_input: String::new(),
            provenance: vec![],
            parameter_hash: "abc".into(),
            ranks: 2,
            threads: 1,
            host: "node".into(),
            started: "2000-01-01T00:00:00Z".into(),
        };
        let summary = Summary {
            n_done: 64,
            observables: vec![
                found(Complex64::new(4.06883, 0.0), Complex64::new(0.1234, 0.0)),
                found(Complex64::new(-1.3186, 0.25), Complex64::new(0.02, 0.005)),
            ],
            leaks: vec![],
            guards: vec![
                guard("norm_drift", Verdict::Good),
                guard("leak_a", Verdict::Warning),
                guard("leak_b", Verdict::Failed),
            ],
            check: None,
            end_condition: "ntraj reached".into(),
            exit_code: 3,
            wall_time: 1.5,
            ended: "2000-01-01T00:00:02Z".into(),
        };
        let cost = Cost {
            wall: 1.5,
            steps: 64_000,
            core_seconds: 2.0,
            io_share: 0.012,
            imbalance: 0.07,
            ranks: 2,
            threads: 1,
        };
        (header, summary, cost)
    }

    #[test]
    fn an_error_has_two_digits_and_the_mean_as_many_decimals() {
        for (mean, sem, text) in [
            (4.06883, 0.1234, "4.07 ± 0.12"),
            (-1.3186, 0.02, "-1.319 ± 0.020"),
            (123.4, 12.3, "123 ± 12"),
            (12345.6, 1234.0, "12346 ± 1234"),
            (1.0, 0.0, "1.000000 ± 0"),
            (0.5, f64::NAN, "0.500000 ± ?"),
            (0.0, 1e-17, "0.000000e0 ± 1.0e-17"),
            (3e12, 1e9, "3.000000e12 ± 1.0e9"),
        ] {
            assert_eq!(measured(mean, sem), text);
        }
    }

    #[test]
    fn the_table_is_what_a_user_reads_at_the_end() {
        let (header, summary, cost) = example();
        let mut out = vec![];
        write(&mut out, &header, &summary, &cost, Some(Path::new("out/run.h5"))).expect("memory takes everything");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "Mean ± standard error at t = 10 over 64 trajectories\n\
             \x20 n  a.dag*a  4.07 ± 0.12\n\
             \x20 a  a        (-1.319 ± 0.020) + (0.2500 ± 0.0050) i\n\
             Guard warning: leak_a is 2e-6; keep more Fock states\n\
             Guard failed: leak_b is 2e-6; keep more Fock states\n\
             1.50 s on 2 ranks x 1 thread: 3.200e4 trajectory-steps per second and core, \
             1.2 % of the time writing, busiest rank 7 % above the mean\n\
             Results: out/run.h5\n"
        );
    }

    #[test]
    fn the_error_of_the_step_stands_beside_that_of_the_means() {
        let (header, mut summary, cost) = example();
        summary.check = Some(step_check::tests::example());
        let mut out = vec![];
        write(&mut out, &header, &summary, &cost, None).expect("memory takes everything");
        let text = String::from_utf8(out).expect("text");
        let expected = "\
Error of the step 0.01, from 32 trajectories with it and with half of it on the same noise (weak order 2)
        bias at the end  largest bias    at t =  strong  standard error  at most
  n     -1.2e-2 ± 4e-4   -1.2e-2 ± 4e-4  10      2.5e-1  1.2e-1          1.2e-1
  Re a  +4.0e-2 ± 1e-3   +4.0e-2 ± 1e-3  10      2.5e-1  2.0e-2          2.0e-2
  Im a  +1.0e-2 ± 1e-3   +1.0e-2 ± 1e-3  10      1.2e-1  5.0e-3          5.0e-3
  The error of the step is above the standard errors; --dt 0.0059 would do
";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn without_a_file_it_says_so() {
        let (header, summary, cost) = example();
        let mut out = vec![];
        write(&mut out, &header, &summary, &cost, None).expect("memory takes everything");
        assert!(String::from_utf8(out).expect("text").ends_with("-o FILE or --output-dir DIR keeps one.\n"));
    }
}
