//! `qsd info` of a sweep: a line for every point, whether all are in one file or still in the folder of a running one.

use super::overview::Overview;
use super::text::with_error;
use crate::store::{StoreError, Swept};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Columns of means: more would not fit on a line.
const MOST: usize = 4;

/// Write the points as a table.
///
/// # Errors
/// `StoreError` if one cannot be read; the inner error is the reader of our output gone.
pub fn text(swept: &Swept, out: &mut dyn Write) -> Result<io::Result<()>, StoreError> {
    let (axes, points) = (swept.axes(), overviews(swept)?);
    let mut rows: Vec<Vec<String>> = vec![];
    let known = points.iter().flatten().next();
    let means: Vec<String> = known.map_or(vec![], names);
    let shown = means.len().min(MOST);
    let names = axes.all.iter().map(|axis| axis.name.clone()).chain(["state".to_string()]);
    rows.push(
        ["point".to_string()]
            .into_iter()
            .chain(names)
            .chain(means[..shown].to_vec())
            .chain(["worst guard".into()])
            .collect(),
    );
    for (number, point) in points.iter().enumerate() {
        let values = axes.values(number).into_iter().map(|(_, value)| value.to_string());
        let state = point.as_ref().map_or("not begun".into(), state);
        let found = point.as_ref().map_or(vec![String::new(); shown], |point| finals(point, shown));
        let guard = point.as_ref().map_or(String::new(), worst_guard);
        rows.push([number.to_string()].into_iter().chain(values).chain([state]).chain(found).chain([guard]).collect());
    }
    let complete = points.iter().flatten().filter(|point| point.complete).count();
    let stacked = if swept.is_stacked() { "" } else { ", each in a file of its own until all are" };
    Ok(write(out, swept, &rows, [complete, points.len()], stacked, known, &means[shown..]))
}

fn write(
    out: &mut dyn Write,
    swept: &Swept,
    rows: &[Vec<String>],
    [complete, count]: [usize; 2],
    stacked: &str,
    known: Option<&Overview>,
    left_out: &[String],
) -> io::Result<()> {
    writeln!(out, "{}", swept.path().display())?;
    writeln!(out, "  sweep       {}", swept.axes().typed())?;
    writeln!(
        out,
        "  noise       {} at all points",
        if swept.streams().word() == "common" { "the same" } else { "another" }
    )?;
    writeln!(out, "  state       {complete} of {count} points are complete{stacked}")?;
    if let Some(end) = known.and_then(|point| Some((point.time.last()?, &point.time_unit))) {
        writeln!(out, "\n  mean over trajectories ± its standard error at time {} in {}", end.0, end.1)?;
    }
    let columns = rows.first().map_or(0, Vec::len);
    let width = |k: usize| rows.iter().map(|row| row[k].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "    {}", cells.join("  ").trim_end())?;
    }
    if !left_out.is_empty() {
        writeln!(out, "\n  {} are left out here; --json has all, and --point N shows one point", left_out.join(", "))?;
    }
    Ok(())
}

/// The same as JSON: what `qsd info --json` says of a run, for every point; null where it was not begun.
///
/// # Errors
/// `StoreError` if one cannot be read.
pub fn json(swept: &Swept) -> Result<Value, StoreError> {
    let (axes, points) = (swept.axes(), overviews(swept)?);
    let complete = points.iter().flatten().filter(|point| point.complete).count();
    let all: serde_json::Map<String, Value> =
        axes.all.iter().map(|axis| (axis.name.clone(), json!(axis.values))).collect();
    let one = |(number, point): (usize, &Option<Overview>)| {
        let at: serde_json::Map<String, Value> =
            axes.values(number).into_iter().map(|(name, value)| (name.to_string(), json!(value))).collect();
        json!({ "point": number, "at": at, "results": point })
    };
    Ok(json!({
        "file": swept.path().display().to_string(),
        "sweep": all,
        "zip": axes.zip,
        "streams": swept.streams(),
        "stacked": swept.is_stacked(),
        "complete": complete,
        "points": points.iter().enumerate().map(one).collect::<Vec<Value>>(),
    }))
}

/// What is known of every point; nothing of one that was not begun.
fn overviews(swept: &Swept) -> Result<Vec<Option<Overview>>, StoreError> {
    let overview = |point: usize| -> Result<Option<Overview>, StoreError> {
        swept.at(point)?.map(|results| Overview::of(&results)).transpose()
    };
    (0..swept.axes().count()).map(overview).collect()
}

fn state(point: &Overview) -> String {
    match point.complete {
        true => "complete".into(),
        false => {
            let how = if point.standing.has_ended() { point.end_condition.as_str() } else { point.standing.word() };
            format!("{} of {}, {how}", point.done, point.ntraj)
        }
    }
}

/// Names of all means; two of a complex observable.
fn names(point: &Overview) -> Vec<String> {
    let names = |series: &super::Series| match series.mean_imag {
        Some(_) => vec![format!("Re {}", series.name), format!("Im {}", series.name)],
        None => vec![series.name.clone()],
    };
    point.observables.iter().flat_map(names).collect()
}

/// The first of the final means.
fn finals(point: &Overview, count: usize) -> Vec<String> {
    let last = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
    let values = |series: &super::Series| {
        let real = with_error(last(&series.mean), last(&series.sem));
        match (&series.mean_imag, &series.sem_imag) {
            (Some(mean), Some(sem)) => vec![real, with_error(last(mean), last(sem))],
            _ => vec![real],
        }
    };
    point.observables.iter().flat_map(values).take(count).collect()
}

/// The guard that says the worst, of several the first; one word if all are good.
fn worst_guard(point: &Overview) -> String {
    let rank = |verdict: &str| ["failed", "warning", "good"].iter().position(|word| *word == verdict);
    let judged = point.guards.iter().filter(|guard| !guard.value.is_nan());
    let worst = judged.filter_map(|guard| Some((rank(guard.verdict)?, guard))).min_by_key(|(rank, _)| *rank);
    worst.map_or(String::new(), |(_, guard)| match guard.verdict {
        "good" => "good".into(),
        verdict => format!("{} {:.1e} {verdict}", guard.name, guard.value),
    })
}
