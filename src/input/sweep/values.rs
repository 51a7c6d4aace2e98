//! Values of a swept parameter as people type them: a list, or linspace, range and logspace as numpy has them. Numbers
//! are what `--set` takes: also expressions without parameters, as in 1/3 and 2*pi.

use super::InputError;
use crate::input::expression::{Scope, number as number_of, parse};
use crate::model::HilbertSpace;

/// More points than this are a slip.
pub const MOST: usize = 10_000;

/// What is left out of a sentence where the parameter stands elsewhere.
pub const KEY: &str = "a parameter and its values: ";

/// What may stand before brackets.
const FUNCTIONS: [&str; 3] = ["linspace", "range", "logspace"];

/// How far from a whole number of steps a range may be and still count as one.
const ROUNDING: f64 = 1e-9;

/// The values; `text` is all that was typed, for messages.
///
/// # Errors
/// `Malformed` for what is none of the forms, or no finite numbers.
pub fn values(typed: &str, text: &str) -> Result<Vec<f64>, InputError> {
    let malformed = |form| InputError::Malformed {
        flag: "--sweep",
        text: typed.into(),
        form,
        example: "'alpha0=linspace(15,25,11)'",
    };
    let numbers = |list: &str| -> Option<Vec<f64>> { list.split(',').map(number).collect() };
    // It begins with KEY.
    let forms = "a parameter and its values: numbers with commas, linspace(FROM,TO,N), range(FROM,TO,STEP) or logspace(FROM,TO,N)";
    let function = text.trim().split_once('(').filter(|(name, _)| FUNCTIONS.contains(&name.trim()));
    let Some((name, inner)) = function else {
        return numbers(text).ok_or_else(|| malformed(forms));
    };
    let arguments = inner.strip_suffix(')').and_then(numbers).ok_or_else(|| malformed(forms))?;
    let &[from, to, third] = &arguments[..] else { return Err(malformed("three numbers in brackets")) };
    let found = match name.trim() {
        "range" => range(from, to, third).ok_or_else(|| malformed("a step that leads from FROM to TO"))?,
        name => {
            let count = count(third).ok_or_else(|| malformed("a whole number of points, 10000 at most"))?;
            let exponents = linspace(from, to, count);
            if name == "linspace" { exponents } else { exponents.into_iter().map(power_of_ten).collect() }
        }
    };
    match found.iter().all(|x| x.is_finite()) {
        true => Ok(found),
        false => Err(malformed("finite numbers")),
    }
}

/// A finite real number, also as an expression.
fn number(word: &str) -> Option<f64> {
    let nothing = HilbertSpace { factors: vec![] };
    let scope = Scope { space: &nothing, parameters: &[], time: false };
    let computed = || number_of(&parse(word).ok()?, &scope).ok().filter(|z| z.im == 0.0).map(|z| z.re);
    word.trim().parse().ok().or_else(computed).filter(|x: &f64| x.is_finite())
}

fn count(x: f64) -> Option<usize> {
    (x.fract() == 0.0 && (1.0..=MOST as f64).contains(&x)).then_some(x as usize)
}

/// In the order of operations of numpy, so that `.sel(alpha0=np.linspace(...)[3])` finds it.
fn linspace(from: f64, to: f64, count: usize) -> Vec<f64> {
    let step = (to - from) / (count.max(2) - 1) as f64;
    let value = |i: usize| if i > 0 && i + 1 == count { to } else { i as f64 * step + from };
    (0..count).map(value).collect()
}

/// Without its end, as in numpy and Python; an end that only rounding keeps from being a step is one.
fn range(from: f64, to: f64, step: f64) -> Option<Vec<f64>> {
    let steps = (to - from) / step;
    let count = (steps - ROUNDING * steps.abs().max(1.0)).ceil();
    (step != 0.0 && (1.0..=MOST as f64).contains(&count))
        .then(|| (0..count as usize).map(|i| from + i as f64 * step).collect())
}

/// The C library's is another on every platform.
fn power_of_ten(x: f64) -> f64 {
    libm::pow(10.0, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_functions_are_those_of_numpy() {
        for (text, expected) in [
            ("-10,-5", vec![-10.0, -5.0]),
            (" 1e-3 ", vec![1e-3]),
            ("linspace(15,25,11)", (15..=25).map(f64::from).collect()),
            ("linspace(0,1,4)", vec![0.0, 1.0 / 3.0, 2.0 * (1.0 / 3.0), 1.0]),
            ("linspace(2,5,1)", vec![2.0]),
            ("linspace(5, -5, 3)", vec![5.0, 0.0, -5.0]),
            ("range(0,10,4)", vec![0.0, 4.0, 8.0]),
            ("range(0,8,4)", vec![0.0, 4.0]),
            // 0.3 is not 3 * 0.1 in binary.
            ("range(0,0.3,0.1)", vec![0.0, 0.1, 0.2]),
            ("range(3,0,-1)", vec![3.0, 2.0, 1.0]),
            ("logspace(-2,2,3)", vec![0.01, 1.0, 100.0]),
            ("1/3, -pi, sqrt(2)", vec![1.0 / 3.0, -std::f64::consts::PI, libm::sqrt(2.0)]),
            ("linspace(0,2*pi,3)", vec![0.0, std::f64::consts::PI, 2.0 * std::f64::consts::PI]),
        ] {
            assert_eq!(values("x", text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_numbers_is_refused_with_the_forms() {
        for text in [
            "",
            "a",
            "1,,2",
            "1,nan",
            "1/0",
            "1i",
            "t",
            "linspace(1,2)",
            "linspace(1,2,0)",
            "linspace(1,2,2.5)",
            "range(0,1,0)",
            "range(0,1,-1)",
            "range(0,1,1e-9)",
            "linspace(1,2,3",
            "geomspace(1,2,3)",
            "logspace(0,400,3)",
            "linspace(1,2,1e9)",
        ] {
            let error = values(&format!("x={text}"), text).expect_err(text).to_string();
            assert!(error.starts_with(&format!("--sweep x={text}: expected")), "{error}");
        }
    }
}
