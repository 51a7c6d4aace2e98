//! Numbers as people type them, with a refusal that says what was expected.

/// A whole number; 1e5 counts as one.
pub fn whole(text: &str) -> Result<u64, String> {
    /// Below 2^53 a floating-point number says exactly which whole number it is.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let spelled_as_float = || text.parse().ok().filter(|x: &f64| x.fract() == 0.0 && (0.0..EXACT).contains(x));
    match (text.parse(), spelled_as_float()) {
        (Ok(count), _) => Ok(count),
        (_, Some(count)) => Ok(count as u64),
        _ => Err(format!("expected a whole number between 0 and {}, as in 1000 or 1e3", i64::MAX)),
    }
}

/// A real number.
pub fn real(text: &str) -> Result<f64, String> {
    text.parse().map_err(|_| "expected a number, as in 0.01 or 1e-2".into())
}

/// A real number that is one.
pub fn finite(text: &str) -> Result<f64, String> {
    let number = real(text)?;
    if number.is_finite() { Ok(number) } else { Err("expected a finite number, as in 0.5".into()) }
}

/// A step that somebody names, or one that the program chooses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Dt {
    /// By the table of built-in models, or by what is known about a model file.
    #[default]
    Auto,
    /// At most this.
    AtMost(f64),
}

impl Dt {
    /// The number, if there is one.
    pub fn number(self) -> Option<f64> {
        match self {
            Dt::Auto => None,
            Dt::AtMost(dt) => Some(dt),
        }
    }
}

/// A step: a real number or `auto`.
pub fn step(text: &str) -> Result<Dt, String> {
    match text {
        "auto" => Ok(Dt::Auto),
        _ => text.parse().map(Dt::AtMost).map_err(|_| "expected auto or a number, as in 0.01 or 1e-2".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_may_have_an_exponent() {
        let cases = [("0", 0), ("64", 64), ("1e4", 10_000), ("2.5e3", 2500), ("9223372036854775807", i64::MAX as u64)];
        for (text, count) in cases {
            assert_eq!(whole(text), Ok(count), "{text}: exact, although no f64 is");
        }
        for text in ["-5", "1.5", "many", "", "nan", "inf", "1e20", "99999999999999999999"] {
            assert!(whole(text).expect_err(text).contains("a whole number between 0 and"), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused_with_an_example() {
        assert_eq!(real("-1e-3"), Ok(-1e-3));
        assert!(real("abc").expect_err("a word").contains("as in 0.01"));
        assert!(step("atuo").expect_err("a word").contains("expected auto or a number"));
    }

    #[test]
    fn a_step_is_a_number_or_left_to_the_program() {
        assert_eq!([step("auto"), step("1e-3")], [Ok(Dt::Auto), Ok(Dt::AtMost(1e-3))]);
        assert_eq!([Dt::default().number(), Dt::AtMost(0.5).number()], [None, Some(0.5)]);
    }
}
