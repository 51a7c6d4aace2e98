//! Which of the saved times are drawn: all if a screen can show them, else evenly chosen ones.

use std::ops::Range;

/// Points of a curve.
const CURVE: usize = 1200;
/// Columns of a distribution.
const COLUMNS: usize = 240;

/// The saved times of a file as a page shows them.
pub struct Times {
    /// All of them.
    pub saved: Vec<f64>,
    /// Indices of those at which curves are drawn; the last one is among them.
    pub drawn: Vec<usize>,
    /// Which go together into a column of a distribution.
    pub columns: Vec<Range<usize>>,
}

impl Times {
    /// Choose them.
    pub fn of(saved: Vec<f64>) -> Times {
        let count = saved.len();
        let stride = count.div_ceil(CURVE).max(1);
        let drawn = (0..count).rev().step_by(stride).collect::<Vec<_>>().into_iter().rev().collect();
        let columns = count.min(COLUMNS);
        let edge = |column: usize| column * count / columns.max(1);
        Times { saved, drawn, columns: (0..columns).map(|c| edge(c)..edge(c + 1)).collect() }
    }

    /// Where the columns begin and end on the axis of time: halfway between neighbouring saved times.
    pub fn edges(&self) -> Vec<f64> {
        let (t, count) = (&self.saved, self.saved.len());
        let half = |at: usize| (t[at] - t[at - 1]) / 2.0;
        let edge = |at: usize| match at {
            _ if count < 2 => t[0] + if at == 0 { -0.5 } else { 0.5 },
            0 => t[0] - half(1),
            _ if at == count => t[count - 1] + half(count - 1),
            _ => t[at] - half(at),
        };
        match self.columns.last() {
            None => vec![],
            Some(last) => self.columns.iter().map(|column| edge(column.start)).chain([edge(last.end)]).collect(),
        }
    }

    /// The index of the first saved time of the second half of the run.
    pub fn half(&self) -> usize {
        let ends = self.saved.first().zip(self.saved.last());
        ends.map_or(0, |(first, last)| self.saved.partition_point(|t| *t < (first + last) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_times_are_all_drawn_and_have_a_column_each() {
        let times = Times::of(vec![0.0, 1.0, 2.0, 4.0]);
        assert_eq!(times.drawn, [0, 1, 2, 3]);
        assert_eq!(times.columns, [0..1, 1..2, 2..3, 3..4]);
        assert_eq!(times.edges(), [-0.5, 0.5, 1.5, 3.0, 5.0]);
        assert_eq!(times.half(), 2);
    }

    #[test]
    fn of_many_times_the_last_is_drawn_and_every_one_is_in_a_column() {
        let times = Times::of((0..5000).map(f64::from).collect());
        assert!(times.drawn.len() <= CURVE && times.drawn.len() > CURVE / 2);
        assert_eq!(times.drawn.last(), Some(&4999));
        assert_eq!(times.columns.iter().map(Range::len).sum::<usize>(), 5000);
        assert_eq!(times.edges().len(), COLUMNS + 1);
    }

    #[test]
    fn one_time_and_none_are_no_special_case_for_the_page() {
        assert_eq!(Times::of(vec![3.0]).edges(), [2.5, 3.5]);
        assert_eq!(Times::of(vec![]).edges(), [0.0; 0]);
        assert_eq!(Times::of(vec![]).half(), 0);
    }
}
