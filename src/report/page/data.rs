//! The numbers that a page draws, as the JSON its scripts read.

use super::husimi::{self, GRID, Husimi};
use super::packed::{counts, fractions, singles};
use super::reduce::{Picks, Reduced, reduce};
use super::times::Times;
use crate::ensemble::LEAK;
use crate::report::info::{Overview, Series, with_unit};
use crate::report::rows::each_row;
use crate::store::{Results, StoreError};
use serde::Serialize;

/// Endings of the names of two observables that make a plane: position and momentum, the components of a spin.
const PLANES: [[&str; 2]; 2] = [["x", "p"], ["jx", "jz"]];

/// All of it. Packed numbers are base64, see `packed`.
#[derive(Debug, Serialize)]
pub struct Data {
    /// Label of the axis of time.
    time: String,
    /// Times at which curves are drawn, packed.
    times: String,
    /// Edges of the columns of distributions, packed.
    edges: String,
    /// Of how many saved times one is drawn.
    stride: usize,
    /// Begin of the second half of the run, of which the dots are.
    half: f64,
    /// Trajectories in the distributions.
    trajectories: usize,
    /// Numbers of the trajectories that are shown one by one.
    singles: Vec<i64>,
    /// Numbers of trajectories that the standard errors are of.
    ladder: Vec<usize>,
    /// Real numbers there are curves of.
    curves: Vec<Curve>,
    /// Which two of them are shown against each other at first.
    plane: Option<[usize; 2]>,
    /// Husimi functions.
    husimi: Vec<Cells>,
    /// Population of the top levels.
    leaks: Vec<Leak>,
    /// Above the first it is a warning, above the second a failure.
    limits: [f64; 2],
}

/// An observable, or its real or imaginary part.
#[derive(Debug, Serialize)]
struct Curve {
    name: String,
    label: String,
    /// Empty for a plain number.
    unit: String,
    /// Packed, at the drawn times.
    mean: String,
    sem: String,
    range: [f64; 2],
    /// Packed, one for every trajectory that is shown.
    singles: Vec<String>,
    /// Bytes of a count, and the packed counts, column after column.
    density: (u8, String),
    /// Packed: below which value lie 10, 50 and 90 % of the trajectories in every column.
    quantiles: [String; 3],
    /// Packed, for the numbers of the ladder.
    convergence: String,
    /// Packed, as shares of the range.
    dots: String,
}

/// A Husimi function.
#[derive(Debug, Serialize)]
struct Cells {
    factor: String,
    time: f64,
    kets: usize,
    extent: f64,
    cells: usize,
    largest: f64,
    integral: f64,
    /// Packed, as shares of the largest value, row after row.
    values: String,
}

/// Population of the top levels of a factor, packed, at the drawn times.
#[derive(Debug, Serialize)]
struct Leak {
    factor: String,
    mean: String,
    largest: String,
}

impl Data {
    /// Names of the factors with a Husimi function, and the time it is of.
    pub fn husimi(&self) -> impl Iterator<Item = &str> {
        self.husimi.iter().map(|cells| cells.factor.as_str())
    }

    /// Whether there are two numbers to show against each other.
    pub fn has_plane(&self) -> bool {
        self.plane.is_some()
    }

    /// Whether any factor's top levels are watched.
    pub fn has_leaks(&self) -> bool {
        !self.leaks.is_empty()
    }
}

/// Read and reduce it.
///
/// # Errors
/// `StoreError` if the file cannot be read.
pub fn of(results: &Results, overview: &Overview) -> Result<Data, StoreError> {
    let times = Times::of(overview.time.clone());
    let picks = Picks::of(&overview.rows, &times);
    let numbers = results.trajectories()?;
    let mut curves = vec![];
    for (info, series) in results.observables()?.iter().zip(&overview.observables) {
        let parts = reduce(results, info, &picks, &times)?;
        let several = parts.len() > 1;
        curves.extend(parts.into_iter().enumerate().map(|(part, reduced)| {
            let before = ["Re ", "Im "][part];
            curve(series, if several { Some((part, before)) } else { None }, &reduced, &times)
        }));
    }
    let leaks = results.leaks().into_iter().map(|factor| leak(results, factor, &picks, &times));
    Ok(Data {
        time: with_unit("time", &overview.time_unit),
        times: singles(times.drawn.iter().map(|at| times.saved[*at])),
        edges: singles(times.edges()),
        stride: times.saved.len().div_ceil(times.drawn.len().max(1)),
        half: times.saved.get(times.half()).copied().unwrap_or(0.0),
        trajectories: picks.rows.len(),
        singles: picks.singles.iter().map(|row| numbers[*row]).collect(),
        plane: plane(&overview.observables, &curves),
        curves,
        husimi: husimi::of(results, &picks)?.iter().map(cells).collect(),
        leaks: leaks.collect::<Result<_, _>>()?,
        limits: LEAK,
        ladder: picks.ladder,
    })
}

fn curve(series: &Series, part: Option<(usize, &str)>, reduced: &Reduced, times: &Times) -> Curve {
    let (mean, sem) = match (part, &series.mean_imag, &series.sem_imag) {
        (Some((1, _)), Some(mean), Some(sem)) => (mean, sem),
        _ => (&series.mean, &series.sem),
    };
    let before = part.map_or("", |(_, before)| before);
    let drawn = |values: &[f64]| singles(times.drawn.iter().map(|at| values[*at]));
    Curve {
        name: format!("{before}{}", series.name),
        label: format!("{before}{}", series.shown()),
        unit: if series.unit == "1" { String::new() } else { series.unit.clone() },
        mean: drawn(mean),
        sem: drawn(sem),
        range: reduced.range,
        singles: reduced.singles.iter().map(|values| singles(values.iter().copied())).collect(),
        density: counts(&reduced.density.counts),
        quantiles: [0.1, 0.5, 0.9].map(|share| singles(reduced.density.quantile(share))),
        convergence: singles(reduced.sem.iter().copied()),
        dots: fractions(reduced.dots.iter().copied(), reduced.range),
    }
}

/// Which two curves make the plane a physicist looks at first: position and momentum, else the real and the
/// imaginary part of the first complex observable, else the first two.
fn plane(observables: &[Series], curves: &[Curve]) -> Option<[usize; 2]> {
    let find = |name: &str| curves.iter().position(|curve| curve.name == name);
    let named = || {
        let pairs = observables.iter().flat_map(|series| PLANES.map(|plane| (series.name.as_str(), plane)));
        let mut pairs = pairs.filter_map(|(name, [x, p])| Some((name, format!("{p}{}", name.strip_prefix(x)?))));
        pairs.find_map(|(x, p)| Some([find(x)?, find(&p)?]))
    };
    let complex = || {
        let first = observables.iter().find(|series| series.mean_imag.is_some())?;
        Some([find(&format!("Re {}", first.name))?, find(&format!("Im {}", first.name))?])
    };
    complex().or_else(named).or((curves.len() > 1).then_some([0, 1]))
}

fn cells(husimi: &Husimi) -> Cells {
    let largest = husimi.values.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    Cells {
        factor: husimi.factor.clone(),
        time: husimi.time,
        kets: husimi.kets,
        extent: husimi.extent,
        cells: GRID,
        largest,
        integral: husimi.integral(),
        values: fractions(husimi.values.iter().copied(), [0.0, largest]),
    }
}

/// Mean and largest value over the rows that count.
fn leak(results: &Results, factor: String, picks: &Picks, times: &Times) -> Result<Leak, StoreError> {
    let (mut sum, mut largest) = (vec![0.0; times.saved.len()], vec![f64::NAN; times.saved.len()]);
    each_row(results, &format!("leak_{factor}"), &picks.rows, times.saved.len(), |_, _, values| {
        for ((value, sum), largest) in values.iter().zip(&mut sum).zip(&mut largest) {
            *sum += value.re;
            *largest = value.re.max(*largest);
        }
    })?;
    let count = picks.rows.len() as f64;
    Ok(Leak {
        factor,
        mean: singles(times.drawn.iter().map(|at| sum[*at] / count)),
        largest: singles(times.drawn.iter().map(|at| largest[*at])),
    })
}
