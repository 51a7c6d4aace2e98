//! Coefficients that depend on time: an expression of t, square pulses, or a sampled table.
//!
//! Where a coefficient jumps or bends is a breakpoint. Steps end there, and inside a step only the piece
//! that holds there counts: the value at the end of a pulse is the pulse's for the step that ends and 0
//! for the one that begins.

use super::{ModelError, Scalar};
use num_complex::Complex64;

/// A complex number that depends on time, t >= 0.
#[derive(Debug, Clone, PartialEq)]
pub enum TimeFunction {
    /// An expression of t.
    Expression(Scalar),
    /// Square pulses in order of time; 0 outside.
    Pulses(Vec<Pulse>),
    /// Samples.
    Table(Table),
}

/// A constant value from one time to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Its value in between.
    pub value: Complex64,
}

/// Samples in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    times: Vec<f64>,
    values: Vec<Complex64>,
    interpolation: Interpolation,
}

/// What holds between two samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The straight line between them.
    Linear,
    /// The earlier one.
    Step,
}

impl TimeFunction {
    /// Square pulses, each given by its beginning, end and value.
    ///
    /// # Errors
    /// Numbers that are not finite, a pulse that ends before it begins, pulses out of order or overlapping.
    pub fn pulses(pulses: &[(f64, f64, Complex64)]) -> Result<Self, ModelError> {
        let bad = |rule: String| Err(ModelError::BadTimeFunction { what: "pulses".into(), rule });
        let mut end = f64::NEG_INFINITY;
        for &(from, to, value) in pulses {
            if !(from.is_finite() && to.is_finite() && value.is_finite()) {
                return bad(format!("every number must be finite, as those of [{from}, {to}, {value}] are not"));
            }
            if from >= to {
                return bad(format!(
                    "a pulse from {from} to {to} lasts no time; its end must come after its beginning"
                ));
            }
            if from < end {
                return bad(format!("the pulse from {from} begins before the one before it ends at {end}"));
            }
            end = to;
        }
        let pulses = pulses.iter().map(|&(from, to, value)| Pulse { from, to, value }).collect();
        Ok(TimeFunction::Pulses(pulses))
    }

    /// A table of samples.
    ///
    /// # Errors
    /// Fewer than two samples, lists of different lengths, numbers that are not finite, times not ascending.
    pub fn table(times: Vec<f64>, values: Vec<Complex64>, interpolation: Interpolation) -> Result<Self, ModelError> {
        let bad = |rule: String| Err(ModelError::BadTimeFunction { what: "table".into(), rule });
        if times.len() != values.len() {
            return bad(format!("it has {} times and {} values", times.len(), values.len()));
        }
        if times.len() < 2 {
            return bad("it needs at least two samples".into());
        }
        if let Some(row) = (0..times.len()).find(|&i| !(times[i].is_finite() && values[i].is_finite())) {
            return bad(format!("sample {} is ({}, {}), which is not finite", row + 1, times[row], values[row]));
        }
        if let Some(pair) = times.windows(2).find(|pair| pair[0] >= pair[1]) {
            return bad(format!("times must ascend, and {} comes before {}", pair[0], pair[1]));
        }
        Ok(TimeFunction::Table(Table { times, values, interpolation }))
    }

    /// Its value at time `t`; at a breakpoint that of the later piece.
    pub fn value(&self, t: f64) -> Complex64 {
        self.value_on(t, t)
    }

    /// Its value at `t` on the piece that holds at `inside`, a time between the same two breakpoints.
    pub fn value_on(&self, t: f64, inside: f64) -> Complex64 {
        match self {
            TimeFunction::Expression(scalar) => scalar.value(t),
            TimeFunction::Pulses(pulses) => {
                let begun = pulses.partition_point(|pulse| pulse.from <= inside);
                match begun.checked_sub(1).map(|last| pulses[last]) {
                    Some(pulse) if inside < pulse.to => pulse.value,
                    _ => Complex64::ZERO,
                }
            }
            TimeFunction::Table(table) => table.value_on(t, inside),
        }
    }

    /// Times at which it jumps or bends, ascending.
    pub fn breakpoints(&self) -> Vec<f64> {
        match self {
            TimeFunction::Expression(_) => vec![],
            TimeFunction::Pulses(pulses) => {
                let mut edges: Vec<f64> = pulses.iter().flat_map(|pulse| [pulse.from, pulse.to]).collect();
                edges.dedup();
                edges
            }
            TimeFunction::Table(table) => table.times.clone(),
        }
    }

    /// Refuse a function that has no value somewhere between 0 and `duration`. Expressions are tried at
    /// both ends here and at every time that is sampled later.
    pub fn check(&self, duration: f64) -> Result<(), ModelError> {
        let bad = |what: &str, rule: String| Err(ModelError::BadTimeFunction { what: what.into(), rule });
        match self {
            TimeFunction::Expression(scalar) => {
                match [0.0, duration].into_iter().find(|t| !scalar.value(*t).is_finite()) {
                    Some(t) => bad(&scalar.to_string(), format!("it is not finite at t = {t}")),
                    None => Ok(()),
                }
            }
            TimeFunction::Pulses(_) => Ok(()),
            TimeFunction::Table(table) => {
                let (first, last) = (table.times[0], table.times[table.times.len() - 1]);
                if first > 0.0 {
                    return bad("table", format!("it begins at t = {first}, and a run begins at 0"));
                }
                // The duration is a product, such as 3 * 0.1, and may exceed the last time by its rounding.
                if last < duration * (1.0 - 1e-9) {
                    return bad(
                        "table",
                        format!(
                            "it ends at t = {last}, and the run at {duration}; give a longer table or a shorter --duration"
                        ),
                    );
                }
                Ok(())
            }
        }
    }

    /// Whether it is certainly real at all times.
    pub fn is_real(&self) -> bool {
        match self {
            TimeFunction::Expression(scalar) => scalar.is_real(),
            TimeFunction::Pulses(pulses) => pulses.iter().all(|pulse| pulse.value.im == 0.0),
            TimeFunction::Table(table) => table.values.iter().all(|value| value.im == 0.0),
        }
    }
}

impl Table {
    /// Times of the samples.
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// The samples.
    pub fn values(&self) -> &[Complex64] {
        &self.values
    }

    /// What holds between two samples.
    pub fn interpolation(&self) -> Interpolation {
        self.interpolation
    }

    /// The piece that holds at `inside`, continued to `t`.
    fn value_on(&self, t: f64, inside: f64) -> Complex64 {
        let begun = self.times.partition_point(|time| *time <= inside);
        match self.interpolation {
            Interpolation::Step => self.values[begun.saturating_sub(1)],
            Interpolation::Linear => {
                let left = begun.saturating_sub(1).min(self.times.len() - 2);
                let [t0, t1] = [self.times[left], self.times[left + 1]];
                let [a, b] = [self.values[left], self.values[left + 1]];
                a + (b - a) * ((t - t0) / (t1 - t0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square() -> TimeFunction {
        TimeFunction::pulses(&[(1.0, 2.0, 3.0.into()), (2.0, 4.0, Complex64::I), (5.0, 6.0, (-1.0).into())])
            .expect("fine")
    }

    #[test]
    fn a_pulse_holds_from_its_beginning_to_before_its_end() {
        let f = square();
        for (t, value) in
            [(0.0, 0.0), (0.999, 0.0), (1.0, 3.0), (1.999, 3.0), (4.0, 0.0), (5.5, -1.0), (6.0, 0.0), (9.0, 0.0)]
        {
            assert_eq!(f.value(t), value.into(), "at {t}");
        }
        assert_eq!(f.value(2.0), Complex64::I);
        assert_eq!(f.value_on(2.0, 1.9), 3.0.into(), "the end of a step inside the first pulse");
        assert_eq!(f.breakpoints(), [1.0, 2.0, 4.0, 5.0, 6.0]);
        assert!(!f.is_real());
    }

    #[test]
    fn a_table_is_a_line_or_a_staircase_between_its_samples() {
        let table = |interpolation| {
            let values = vec![0.0.into(), 2.0.into(), Complex64::new(2.0, 4.0)];
            TimeFunction::table(vec![0.0, 1.0, 3.0], values, interpolation).expect("fine")
        };
        let (line, stairs) = (table(Interpolation::Linear), table(Interpolation::Step));
        assert_eq!(
            [line.value(0.25), line.value(1.0), line.value(2.0)],
            [0.5.into(), 2.0.into(), Complex64::new(2.0, 2.0)]
        );
        assert_eq!([stairs.value(0.25), stairs.value(1.0), stairs.value(2.9)], [0.0.into(), 2.0.into(), 2.0.into()]);
        assert_eq!(stairs.value_on(1.0, 0.9), Complex64::ZERO);
        assert_eq!(line.value(3.0), Complex64::new(2.0, 4.0), "the last sample");
        assert_eq!(line.check(3.0), Ok(()));
        assert!(line.check(3.1).expect_err("too short").to_string().contains("ends at t = 3, and the run at 3.1"));
    }

    #[test]
    fn what_has_no_meaning_is_refused() {
        let pulses = |list: &[(f64, f64)]| {
            let list: Vec<_> = list.iter().map(|&(from, to)| (from, to, Complex64::ONE)).collect();
            TimeFunction::pulses(&list).expect_err("nonsense").to_string()
        };
        assert!(pulses(&[(1.0, 1.0)]).contains("lasts no time"));
        assert!(pulses(&[(0.0, 2.0), (1.0, 3.0)]).contains("begins before"));
        assert!(pulses(&[(0.0, f64::INFINITY)]).contains("finite"));
        let table = |times: &[f64], values: &[f64]| {
            let values = values.iter().map(|x| Complex64::from(*x)).collect();
            TimeFunction::table(times.to_vec(), values, Interpolation::Linear)
        };
        let text = |times: &[f64], values: &[f64]| table(times, values).expect_err("nonsense").to_string();
        assert!(text(&[0.0, 1.0], &[1.0]).contains("2 times and 1 values"));
        assert!(text(&[0.0], &[1.0]).contains("at least two"));
        assert!(text(&[0.0, 0.0], &[1.0, 1.0]).contains("ascend"));
        assert!(text(&[0.0, 1.0], &[1.0, f64::NAN]).contains("sample 2"));
        let late = table(&[0.5, 1.0], &[1.0, 1.0]).expect("a table");
        assert!(late.check(1.0).expect_err("late").to_string().contains("begins at t = 0.5"));
        let pole =
            TimeFunction::Expression(Scalar::Divide(Box::new(Scalar::Number(Complex64::ONE)), Box::new(Scalar::Time)));
        assert!(pole.check(1.0).expect_err("1/0").to_string().contains("not finite at t = 0"));
    }
}
