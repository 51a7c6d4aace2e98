//! The overview in words and blocks.

use super::super::step_check::lines;
use super::averages::{Average, Averages};
use super::overview::{DensityMatrix, GuardLine, Overview, Range, Run, Series};
use crate::input::neat;
use crate::report::standing::Standing;
use crate::report::table::plural;
use std::io::{self, Write};

/// Columns of a sparkline.
const WIDTH: usize = 40;
/// Seeds, and ranges of one, that are listed.
const MOST_SEEDS: usize = 8;
/// Eighths of a character cell.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Write it.
///
/// # Errors
/// What `out` says, for instance that nobody reads it any more.
pub fn write(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", overview.file)?;
    if !overview.title.is_empty() {
        writeln!(out, "  {}", overview.title)?;
    }
    writeln!(out, "\n  state       {}", state(overview))?;
    writeln!(out, "  run         {}", what(overview))?;
    write_merged(overview, out)?;
    writeln!(out, "  time        {}", times(overview))?;
    write_observables(overview, out)?;
    if let Some(DensityMatrix { basis_states, trajectories }) = overview.density_matrix {
        let of = if trajectories == 1 { "1 trajectory".into() } else { format!("{trajectories} trajectories") };
        writeln!(out, "\n  rho         {basis_states} basis states at every saved time, of {of}")?;
    }
    overview.averages.iter().try_for_each(|averages| write_averages(averages, &overview.time_unit, out))?;
    for (i, line) in overview.step_check.iter().flat_map(lines).enumerate() {
        writeln!(out, "{}  {line}", if i == 0 { "\n" } else { "" })?;
    }
    write_guards(overview, out)?;
    write_provenance(overview, out)
}

fn state(overview: &Overview) -> String {
    let Overview { done, ntraj, end_condition, .. } = overview;
    let word = match overview.standing {
        Standing::Complete if !overview.complete => "incomplete",
        standing => standing.word(),
    };
    // Of a run without an end the file says only that.
    let why = if overview.standing.has_ended() { format!(", {end_condition}") } else { String::new() };
    let checked = if overview.verified { ", rows verified by their checksums" } else { ", rows not read again" };
    format!("{word}: {done} of {ntraj} trajectories{why}{checked}")
}

/// Regime, method, step, seed and trajectory numbers, as far as the file knows them.
fn what(overview: &Overview) -> String {
    let known = [("regime", ""), ("method", "method "), ("h", "step "), ("delta_t", "step "), ("seed", "seed ")];
    let mut seen = vec![];
    let mut words = vec![];
    let many = overview.merged.len() > 1;
    for (name, before) in known.into_iter().filter(|(name, _)| !(many && *name == "seed")) {
        if let Some(value) = overview.parameters.get(name).filter(|_| !seen.contains(&before)) {
            let real = value.as_f64().filter(|_| value.is_f64()).map(|x| neat(x).to_string());
            let plain = || value.as_str().map_or_else(|| value.to_string(), String::from);
            words.push(format!("{before}{}", real.unwrap_or_else(plain)));
            seen.push(before);
        }
    }
    let (first, last) = overview.trajectories;
    words.push(match overview.merged.len() {
        0 | 1 => format!("trajectories {first} to {last}"),
        ranges => format!("{ranges} ranges of trajectories"),
    });
    words.join(", ")
}

/// Which trajectories of which seeds were merged, one line a seed.
fn write_merged(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    if overview.merged.len() < 2 {
        return Ok(());
    }
    let seeds: Vec<&[Range]> = overview.merged.chunk_by(|a, b| a.seed == b.seed).collect();
    for ranges in seeds.iter().take(MOST_SEEDS) {
        let listed: Vec<String> =
            ranges.iter().take(MOST_SEEDS).map(|r| format!("{} to {}", r.first, r.last)).collect();
        let rest =
            if ranges.len() > MOST_SEEDS { format!(" and {} more", ranges.len() - MOST_SEEDS) } else { String::new() };
        writeln!(out, "              seed {}: trajectories {}{rest}", ranges[0].seed, listed.join(", "))?;
    }
    match seeds.len().checked_sub(MOST_SEEDS) {
        Some(more) if more > 0 => writeln!(out, "              and {more} seeds more (--json lists them)"),
        _ => Ok(()),
    }
}

fn times(overview: &Overview) -> String {
    let (Some(first), Some(last)) = (overview.time.first(), overview.time.last()) else { return "none".into() };
    let (first, last) = (neat(*first), neat(*last));
    format!("{first} to {last} in {}, saved {} times", overview.time_unit, overview.time.len())
}

fn write_observables(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    let Some(end) = overview.time.last() else { return Ok(()) };
    writeln!(out, "\n  mean over trajectories ± its standard error at time {}, and the mean over time", neat(*end))?;
    let lines: Vec<_> = overview.observables.iter().flat_map(lines_of).collect();
    let width = |of: fn(&[String; 3]) -> &String| lines.iter().map(|line| of(line).chars().count()).max().unwrap_or(0);
    let (names, values) = (width(|line| &line[0]), width(|line| &line[1]));
    for [name, value, curve] in &lines {
        writeln!(out, "    {name:names$}  {value:values$}  {curve}")?;
    }
    Ok(())
}

/// Name, final value and curve; two lines for a complex observable.
fn lines_of(series: &Series) -> Vec<[String; 3]> {
    let line = |name: String, mean: &[f64], sem: &[f64]| {
        let last = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
        [name, with_error(last(mean), last(sem)), sparkline(mean)]
    };
    match (&series.mean_imag, &series.sem_imag) {
        (Some(mean), Some(sem)) => vec![
            line(format!("Re {}", series.name), &series.mean, &series.sem),
            line(format!("Im {}", series.name), mean, sem),
        ],
        _ => vec![line(series.name.clone(), &series.mean, &series.sem)],
    }
}

fn write_averages(averages: &Averages, unit: &str, out: &mut dyn Write) -> io::Result<()> {
    let Averages { from, to, saved, trajectories, values } = averages;
    let (from, to) = (neat(*from), neat(*to));
    writeln!(
        out,
        "\n  average over {trajectories} trajectories and the {saved} saved times from {from} to {to} ± its blocked error"
    )?;
    let lines: Vec<[String; 4]> = values.iter().map(average).collect();
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let [names, numbers, taus, samples] = [0, 1, 2, 3].map(width);
    for ([name, number, tau, sample], value) in lines.iter().zip(values) {
        let note = if value.settled { "" } else { "  too short a run to know the error: it is larger" };
        writeln!(
            out,
            "    {name:names$}  {number:numbers$}  tau_int {tau:>taus$} {unit}  {sample:>samples$} effective samples{note}"
        )?;
    }
    Ok(())
}

/// Name, value with error, correlation time, samples.
fn average(value: &Average) -> [String; 4] {
    let samples =
        if value.effective_samples.is_finite() { format!("{:.0}", value.effective_samples) } else { "?".into() };
    [value.name.clone(), with_error(value.mean, value.error), format!("{:.3e}", value.tau_int), samples]
}

fn write_guards(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    let measured: Vec<_> = overview.guards.iter().filter(|guard| !guard.value.is_nan()).collect();
    writeln!(out, "\n  guards{}", if measured.is_empty() { ": none judged yet" } else { "" })?;
    let width = measured.iter().map(|guard| guard.name.len()).max().unwrap_or(0);
    for GuardLine { name, value, verdict } in measured {
        writeln!(out, "    {name:width$}  {value:<9.2e}  {verdict}")?;
    }
    Ok(())
}

fn write_provenance(overview: &Overview, out: &mut dyn Write) -> io::Result<()> {
    let known = |key: &str| overview.provenance.get(key).map_or("", String::as_str);
    let software = [known("software"), known("software_version"), known("git_revision")];
    let software: Vec<_> = software.into_iter().filter(|word| !word.is_empty()).collect();
    let run = overview.runs.last().map(in_words).unwrap_or_default();
    writeln!(out, "\n  written by  {}{run}", software.join(" "))?;
    writeln!(out, "  command     {}", known("command_line"))
}

fn in_words(run: &Run) -> String {
    let wall = run.wall_time.map_or("no end recorded".into(), |wall| format!("{wall:.1} s"));
    let (ranks, threads) = (plural(run.ranks, "rank"), plural(run.threads, "thread"));
    format!(" on {}, {ranks} with {threads} each, {}, {wall}", run.host, run.start)
}

/// `1.2346 ± 0.0012`: as many digits as the error supports.
pub fn with_error(mean: f64, sem: f64) -> String {
    if !mean.is_finite() {
        return "not computed".into();
    }
    if !(sem.is_finite() && sem > 0.0) {
        return format!("{mean:.6}");
    }
    // Two digits of the error; scientific where a plain number would be all zeros.
    let digits = 1 - sem.log10().floor() as i32;
    match digits {
        0..=8 => format!("{mean:.*} ± {sem:.*}", digits as usize, digits as usize),
        _ => format!("{mean:.6e} ± {sem:.1e}"),
    }
}

/// A curve from its smallest to its largest value; blank where nothing is known.
fn sparkline(values: &[f64]) -> String {
    let finite = || values.iter().copied().filter(|x| x.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let columns = values.len().min(WIDTH);
    let block = |column: usize| {
        let x = values[column * (values.len() - 1) / columns.saturating_sub(1).max(1)];
        let level = if high > low { (x - low) / (high - low) } else { 0.0 };
        if x.is_finite() { BLOCKS[(level * 7.0).round() as usize] } else { ' ' }
    };
    (0..columns).map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_follow_the_error() {
        assert_eq!(with_error(1.234567, 0.00123), "1.2346 ± 0.0012");
        assert_eq!(with_error(-12.3, 2.0), "-12.3 ± 2.0");
        assert_eq!(with_error(1e-12, 1e-14), "1.000000e-12 ± 1.0e-14");
        assert_eq!(with_error(1234.0, 320.0), "1.234000e3 ± 3.2e2");
        assert_eq!(with_error(0.5, f64::NAN), "0.500000");
        assert_eq!(with_error(f64::NAN, 0.1), "not computed");
    }

    #[test]
    fn a_curve_goes_from_its_smallest_to_its_largest_value() {
        assert_eq!(sparkline(&[0.0, 1.0, 0.5]), "▁█▅");
        assert_eq!(sparkline(&[f64::NAN, 2.0, 2.0]), " ▁▁");
        assert_eq!(sparkline(&[]), "");
        assert_eq!(sparkline(&[1.0]), "▁");
        let long: Vec<_> = (0..1001).map(f64::from).collect();
        let curve = sparkline(&long);
        assert_eq!(curve.chars().count(), WIDTH);
        assert!(curve.starts_with('▁') && curve.ends_with('█'));
    }
}
