//! Which time a step begins at and how long it is: a function of its number alone.
//!
//! Steps are equal, m to a save interval, except in intervals in which a coefficient of the model jumps
//! or bends. Such an interval is cut there, and each part has its own whole number of equal steps, none
//! longer than the others of the run:
//!
//! ```text
//! save        j                    j+1                   j+2
//! steps       |-----|-----|-----|---|---|-----|----|----|-----|-----|
//! breakpoints                           ^          ^
//! ```

use crate::input::TimeGrid;

/// Breakpoints nearer than this part of a step to a boundary count as being on it.
const NEAR: f64 = 1e-6;
/// Forgives the rounding of length/h.
const ROUNDING: f64 = 1e-9;
/// Steps to an interval of a schedule that has a step and no save times: enough that intervals do not show.
const OPEN: u64 = 1 << 20;

/// The steps of a trajectory.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    save_dt: f64,
    /// Steps of an interval that is not cut.
    per_interval: u64,
    /// Length of a step in it; no step is longer.
    h: f64,
    /// Intervals that are cut, in order.
    cuts: Vec<Cut>,
}

/// An interval cut at breakpoints.
#[derive(Debug, Clone, PartialEq)]
struct Cut {
    interval: u64,
    /// Number of its first step, and of the first step after it.
    first: u64,
    end: u64,
    /// Its parts.
    spans: Vec<Span>,
}

/// Steps of equal length between two boundaries, no breakpoint inside.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// Number of its first step, and of the first step after it.
    pub first: u64,
    /// Number of the first step after it.
    pub end: u64,
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Length of a step.
    pub h: f64,
}

impl Span {
    /// Time at which step `step` begins; `end` gives the end of the last.
    #[inline]
    pub fn time(&self, step: u64) -> f64 {
        if step == self.end { self.to } else { self.from + (step - self.first) as f64 * self.h }
    }
}

impl Schedule {
    /// The steps of a grid of save times, with boundaries at `breakpoints`, which ascend.
    pub fn new(grid: &TimeGrid, breakpoints: &[f64]) -> Self {
        let (save_dt, per_interval, h) = (grid.save_dt, grid.steps_per_save, grid.h);
        let mut schedule = Schedule { save_dt, per_interval, h, cuts: vec![] };
        let mut inside: Vec<(u64, Vec<f64>)> = vec![];
        for &t in breakpoints.iter().filter(|t| **t > 0.0 && **t < grid.duration()) {
            let interval = (t / save_dt) as u64;
            let (from, to) = (interval as f64 * save_dt, (interval + 1) as f64 * save_dt);
            let near = |boundary: f64| (t - boundary).abs() <= NEAR * h;
            if near(from) || near(to) {
                continue;
            }
            match inside.last_mut().filter(|(last, _)| *last == interval) {
                Some((_, times)) if near(times[times.len() - 1]) => {}
                Some((_, times)) => times.push(t),
                None => inside.push((interval, vec![t])),
            }
        }
        for (interval, times) in inside {
            let first = schedule.first_step(interval);
            let (from, to) = (interval as f64 * save_dt, (interval + 1) as f64 * save_dt);
            let edges: Vec<f64> = std::iter::once(from).chain(times).chain([to]).collect();
            let mut spans: Vec<Span> = vec![];
            for edge in edges.windows(2) {
                let (from, to) = (edge[0], edge[1]);
                let steps = ((to - from) / h - ROUNDING).ceil().max(1.0);
                let first = spans.last().map_or(first, |span| span.end);
                spans.push(Span { first, end: first + steps as u64, from, to, h: (to - from) / steps });
            }
            let end = spans[spans.len() - 1].end;
            schedule.cuts.push(Cut { interval, first, end, spans });
        }
        schedule
    }

    /// Equal steps without end.
    pub fn steps_of(h: f64) -> Self {
        Schedule { save_dt: h * OPEN as f64, per_interval: OPEN, h, cuts: vec![] }
    }

    /// The same with `factor` equal steps in the place of every one.
    pub fn refined(&self, factor: u64) -> Self {
        let count = factor as f64;
        let span =
            |span: &Span| Span { first: span.first * factor, end: span.end * factor, h: span.h / count, ..*span };
        let cut = |cut: &Cut| Cut {
            interval: cut.interval,
            first: cut.first * factor,
            end: cut.end * factor,
            spans: cut.spans.iter().map(span).collect(),
        };
        Schedule {
            save_dt: self.save_dt,
            per_interval: self.per_interval * factor,
            h: self.h / count,
            cuts: self.cuts.iter().map(cut).collect(),
        }
    }

    /// The longest step, that of the intervals that are not cut.
    pub fn h(&self) -> f64 {
        self.h
    }

    /// Number of the first step of a save interval.
    pub fn first_step(&self, interval: u64) -> u64 {
        let before = self.cuts.partition_point(|cut| cut.interval < interval);
        match before.checked_sub(1).map(|last| &self.cuts[last]) {
            Some(cut) => cut.end + (interval - cut.interval - 1) * self.per_interval,
            None => interval * self.per_interval,
        }
    }

    /// Steps of a save interval.
    pub fn steps_in(&self, interval: u64) -> u64 {
        self.first_step(interval + 1) - self.first_step(interval)
    }

    /// The span that step `step` is in.
    pub fn span(&self, step: u64) -> Span {
        let begun = self.cuts.partition_point(|cut| cut.first <= step);
        let (mut interval, mut first) = (0, 0);
        if let Some(cut) = begun.checked_sub(1).map(|last| &self.cuts[last]) {
            if step < cut.end {
                return cut.spans[cut.spans.partition_point(|span| span.end <= step)];
            }
            (interval, first) = (cut.interval + 1, cut.end);
        }
        let whole = (step - first) / self.per_interval;
        (interval, first) = (interval + whole, first + whole * self.per_interval);
        let (from, to) = (interval as f64 * self.save_dt, (interval + 1) as f64 * self.save_dt);
        Span { first, end: first + self.per_interval, from, to, h: self.h }
    }

    /// Time at which step `step` begins.
    pub fn time(&self, step: u64) -> f64 {
        self.span(step).time(step)
    }

    /// Beginnings of steps of a run of `intervals` intervals and its end, at most about `most` of them,
    /// evenly chosen, ascending; the first step after every cut is among them.
    pub fn samples(&self, intervals: u64, most: u64) -> Vec<f64> {
        let steps = self.first_step(intervals);
        let every = (steps / most).max(1);
        let mut chosen: Vec<u64> = (0..steps).step_by(every as usize).collect();
        chosen.extend(self.cuts.iter().flat_map(|cut| &cut.spans).map(|span| span.first).filter(|step| *step < steps));
        chosen.sort_unstable();
        chosen.dedup();
        let end = intervals as f64 * self.save_dt;
        chosen.into_iter().map(|step| self.time(step)).chain([end]).collect()
    }
}

impl From<f64> for Schedule {
    fn from(h: f64) -> Self {
        Schedule::steps_of(h)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> TimeGrid {
        TimeGrid::new(2.0, 0.2, 4, 0.0).expect("fits")
    }

    #[test]
    fn without_breakpoints_steps_are_those_of_the_grid() {
        let schedule = Schedule::new(&grid(), &[]);
        assert_eq!((schedule.first_step(3), schedule.steps_in(3), schedule.first_step(10)), (12, 4, 40));
        let span = schedule.span(13);
        assert_eq!((span.first, span.end, span.h), (12, 16, 0.05));
        assert_eq!((span.time(12), span.time(16)), (3.0 * 0.2, 4.0 * 0.2));
        assert_eq!(Schedule::from(0.01).time(150), 1.5);
    }

    #[test]
    fn every_breakpoint_is_the_end_of_a_step_and_no_step_is_longer() {
        let breakpoints = [0.0, 0.13, 0.3, 0.31, 0.6000000000000001, 1.0, 1.23, 1.2300000001, 1.99, 2.0, 7.0];
        let schedule = Schedule::new(&grid(), &breakpoints);
        let steps = schedule.first_step(10);
        let times: Vec<f64> = (0..steps).map(|s| schedule.time(s)).chain([2.0]).collect();
        for pair in times.windows(2) {
            assert!(pair[0] < pair[1] && pair[1] - pair[0] <= 0.05 * (1.0 + 1e-9), "{pair:?}");
        }
        for b in breakpoints.iter().filter(|b| **b <= 2.0) {
            assert!(times.iter().any(|t| (t - b).abs() <= 1e-6 * 0.05), "{b}");
        }
        for interval in 0..=10 {
            let t = interval as f64 * 0.2;
            assert!((schedule.time(schedule.first_step(interval)) - t).abs() < 1e-15, "save {interval}");
        }
        // 0.2 .. 0.3 .. 0.31 .. 0.4 take 2, 1 and 2 steps; 1.23 and its neighbour cut once: 1.2 .. 1.23 .. 1.4.
        assert_eq!((schedule.steps_in(1), schedule.steps_in(2), schedule.steps_in(6)), (5, 4, 1 + 4));
        assert_eq!(schedule.span(schedule.first_step(1) + 2).h, 0.31 - 0.3);
    }

    /// Also in cut intervals, which a schedule made for half the step would cut otherwise.
    #[test]
    fn a_refined_schedule_has_two_steps_for_every_one() {
        let coarse = Schedule::new(&grid(), &[0.13, 0.31, 1.23]);
        let fine = coarse.refined(2);
        assert_eq!(fine.h(), 0.025);
        for step in 0..coarse.first_step(10) {
            let (whole, half) = (coarse.span(step), fine.span(2 * step));
            assert_eq!((half.first, half.end, half.h), (2 * whole.first, 2 * whole.end, 0.5 * whole.h));
            assert_eq!(fine.time(2 * step), coarse.time(step));
        }
        let mut halved = grid();
        (halved.h, halved.steps_per_save) = (0.025, 8);
        assert_ne!(Schedule::new(&halved, &[0.13, 0.31, 1.23]), fine);
    }

    #[test]
    fn a_step_is_found_from_its_number_alone() {
        let schedule = Schedule::new(&grid(), &[0.13, 0.5, 0.55, 1.7]);
        let mut step = 0;
        while step < schedule.first_step(10) {
            let span = schedule.span(step);
            assert_eq!(span.first, step);
            for inside in span.first..span.end {
                assert_eq!(schedule.span(inside), span);
            }
            step = span.end;
        }
        let samples = schedule.samples(10, 7);
        assert!(
            samples.windows(2).all(|pair| pair[0] < pair[1]) && samples.contains(&0.55) && samples.ends_with(&[2.0])
        );
    }
}
