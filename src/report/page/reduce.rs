//! All trajectories of one observable, reduced to what a page draws. They pass by in pieces, twice: once for their range.

use super::density::Density;
use super::times::Times;
use crate::ensemble::ObservableInfo;
use crate::report::rows::{Part, each_row, evenly, marked};
use crate::store::{Results, StoreError};

/// Trajectories shown one by one.
const SINGLES: usize = 6;
/// Dots of a cloud.
const DOTS: usize = 2500;
/// Fewest trajectories whose standard error is drawn.
const FEWEST: usize = 4;
/// Numbers of trajectories for every doubling, at which it is drawn.
const PER_DOUBLING: f64 = 3.0;

/// What is picked out of the trajectories, the same for all observables.
pub struct Picks {
    /// Rows that count, ascending.
    pub rows: Vec<usize>,
    /// Those of them that are shown one by one.
    pub singles: Vec<usize>,
    /// How many of the first rows the standard errors are of.
    pub ladder: Vec<usize>,
    /// Which row at which time the dots are, in the order of the rows.
    dots: Vec<(usize, usize)>,
}

/// The real or the imaginary part of an observable.
pub struct Reduced {
    /// Smallest and largest value of all trajectories, the second above the first.
    pub range: [f64; 2],
    /// The rows of `Picks::singles`, at the drawn times.
    pub singles: Vec<Vec<f64>>,
    /// How often which value occurs when.
    pub density: Density,
    /// Standard error of the mean of the first N trajectories, mean over all saved times, for the N of the ladder.
    pub sem: Vec<f64>,
    /// The values of the dots.
    pub dots: Vec<f64>,
}

impl Picks {
    /// Pick from the rows marked in `valid`.
    pub fn of(valid: &[bool], times: &Times) -> Picks {
        let rows = marked(valid);
        let singles = evenly(&rows, SINGLES).collect();
        Picks { singles, ladder: ladder(rows.len()), dots: dots(&rows, times), rows }
    }
}

/// Numbers of trajectories at equal distances of their logarithms, the last all of them.
fn ladder(count: usize) -> Vec<usize> {
    let rung = |k: i32| (count as f64 * (-f64::from(k) / PER_DOUBLING).exp2()).round() as usize;
    let mut rungs: Vec<usize> = (0..64).map(rung).take_while(|n| *n >= FEWEST).collect();
    rungs.dedup();
    rungs.reverse();
    rungs
}

/// Rows evenly spread over all, times over the second half of the run by the golden ratio: any stretch of rows has its
/// dots at times as evenly spread as they can be.
fn dots(rows: &[usize], times: &Times) -> Vec<(usize, usize)> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let (from, count) = (times.half(), times.saved.len() - times.half());
    let wanted = DOTS.min(rows.len() * count);
    let time = |k: usize| from + ((k as f64 * GOLDEN).fract() * count as f64) as usize;
    (0..wanted).map(|k| (rows[k * rows.len() / wanted], time(k).min(times.saved.len() - 1))).collect()
}

/// The parts of an observable: one if it is Hermitian, else real and imaginary part.
///
/// # Errors
/// `File` if it cannot be read.
pub fn reduce(
    results: &Results,
    observable: &ObservableInfo,
    picks: &Picks,
    times: &Times,
) -> Result<Vec<Reduced>, StoreError> {
    let (parts, width) = (Part::all(observable.hermitian), times.saved.len());
    let mut ranges = vec![[f64::INFINITY, f64::NEG_INFINITY]; parts.len()];
    let mut series = Vec::with_capacity(width);
    each_row(results, &observable.name, &picks.rows, width, |_, _, values| {
        for (part, range) in parts.iter().zip(&mut ranges) {
            part.take(values, &mut series);
            let finite = series.iter().filter(|value| value.is_finite());
            *range = finite.fold(*range, |[low, high], value| [low.min(*value), high.max(*value)]);
        }
    })?;
    let mut makers: Vec<Maker> = ranges.into_iter().map(|range| Maker::new(widened(range), times)).collect();
    each_row(results, &observable.name, &picks.rows, width, |place, row, values| {
        for (part, maker) in parts.iter().zip(&mut makers) {
            part.take(values, &mut series);
            maker.take(place, row, &series, picks, times);
        }
    })?;
    Ok(makers.into_iter().map(|maker| maker.made).collect())
}

/// A range that has a length, also of equal values and of none.
fn widened([low, high]: [f64; 2]) -> [f64; 2] {
    if low > high {
        return [0.0, 1.0];
    }
    let room = f64::max(high - low, 1e-9 * low.abs().max(high.abs()).max(1e-12));
    if high - low >= room { [low, high] } else { [low - room / 2.0, high + room / 2.0] }
}

/// One part of an observable while its rows pass by.
struct Maker {
    made: Reduced,
    mean: Vec<f64>,
    square: Vec<f64>,
    next_dot: usize,
    rung: usize,
}

impl Maker {
    fn new(range: [f64; 2], times: &Times) -> Maker {
        let density = Density::new(range, times.columns.len());
        let made = Reduced { range, singles: vec![], density, sem: vec![], dots: vec![] };
        let zeros = vec![0.0; times.saved.len()];
        Maker { made, mean: zeros.clone(), square: zeros, next_dot: 0, rung: 0 }
    }

    fn take(&mut self, place: usize, row: usize, values: &[f64], picks: &Picks, times: &Times) {
        self.made.density.add(&times.columns, values);
        if picks.singles.contains(&row) {
            self.made.singles.push(times.drawn.iter().map(|time| values[*time]).collect());
        }
        while let Some((_, time)) = picks.dots.get(self.next_dot).filter(|(of, _)| *of == row) {
            self.made.dots.push(values[*time]);
            self.next_dot += 1;
        }
        // Welford's recurrence, as in the statistics of the file.
        let n = (place + 1) as f64;
        let share = 1.0 / n;
        for ((value, mean), square) in values.iter().zip(&mut self.mean).zip(&mut self.square) {
            let off = value - *mean;
            *mean += off * share;
            *square += off * (value - *mean);
        }
        if picks.ladder.get(self.rung) == Some(&(place + 1)) {
            let sems = self.square.iter().map(|square| (square / (n - 1.0) / n).sqrt());
            self.made.sem.push(sems.sum::<f64>() / self.square.len().max(1) as f64);
            self.rung += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{header, scratch, written};

    fn reduced(name: &str, rows: u64) -> (Picks, Times, Vec<Vec<Reduced>>) {
        let path = scratch(name).join("x.h5");
        written(&path, &header(), rows);
        let results = Results::open(&path).unwrap();
        let times = Times::of(results.times().unwrap());
        let picks = Picks::of(&results.valid_rows().unwrap(), &times);
        let all = results.observables().unwrap();
        let parts = all.iter().map(|o| reduce(&results, o, &picks, &times).unwrap()).collect();
        (picks, times, parts)
    }

    /// Values of the file: n of trajectory k at time j is k + j/8; a is k + j/8 + 1000 - i (k + j); k from 100 on.
    #[test]
    fn parts_have_the_range_and_the_single_trajectories_of_the_file() {
        let (picks, _, parts) = reduced("reduced", 20);
        assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(parts[0][0].range, [100.0, 119.75]);
        assert_eq!(parts[1][1].range, [-125.0, -100.0]);
        assert_eq!(picks.singles, [0, 3, 6, 10, 13, 16]);
        assert_eq!(parts[0][0].singles[1], (0..7).map(|j| 103.0 + f64::from(j) / 8.0).collect::<Vec<_>>());
        let counted: u32 = parts[0][0].density.counts.iter().sum();
        assert_eq!(counted, 20 * 7);
    }

    /// Consecutive numbers k = 1..N have variance N (N + 1)/12, so the standard error is sqrt((N + 1)/12) at every time.
    #[test]
    fn the_standard_error_of_the_first_trajectories_is_the_textbook_one() {
        let (picks, _, parts) = reduced("ladder", 20);
        assert_eq!((picks.ladder.first(), picks.ladder.last()), (Some(&4), Some(&20)));
        for (n, sem) in picks.ladder.iter().zip(&parts[0][0].sem) {
            assert!((sem - ((*n as f64 + 1.0) / 12.0).sqrt()).abs() < 1e-12, "{n}: {sem}");
        }
        assert_eq!(parts[0][0].sem.len(), picks.ladder.len());
    }

    #[test]
    fn rows_that_never_came_are_left_out() {
        let (picks, _, parts) = reduced("half", 11);
        assert_eq!(picks.rows.len(), 11);
        assert_eq!(parts[0][0].range, [100.0, 110.75]);
        let (picks, _, parts) = reduced("none", 0);
        assert!(picks.singles.is_empty() && picks.ladder.is_empty());
        assert_eq!(parts[0][0].range, [0.0, 1.0]);
    }

    #[test]
    fn dots_are_of_the_second_half_and_the_same_for_all_observables() {
        let (picks, times, parts) = reduced("dots", 20);
        assert_eq!(picks.dots.len(), 20 * 4, "every value of times 3 to 6 is wanted");
        assert!(picks.dots.iter().all(|(_, time)| *time >= times.half()));
        for (k, (row, time)) in picks.dots.iter().enumerate() {
            let n = 100.0 + *row as f64 + *time as f64 / 8.0;
            assert_eq!((parts[0][0].dots[k], parts[1][0].dots[k]), (n, n + 1000.0));
        }
    }

    #[test]
    fn equal_values_still_have_a_range() {
        for [low, high] in [[2.0, 2.0], [0.0, 0.0], [-1e-30, 1e-30]].map(widened) {
            assert!(low < high && (low + high).abs() <= 4.0, "{low} {high}");
        }
    }
}
