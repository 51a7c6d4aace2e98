//! Scalar expressions: arithmetic over complex numbers and the time t, as in `A*cos(w*t)`.
//!
//! Parameters are numbers by the time an expression is one of these. Everything is computed with
//! additions, products, IEEE square roots and the crate `libm`, so a coefficient has the same bits on
//! every platform. Real input stays real: no operation leaves an imaginary part of -0 behind, so
//! sqrt(-1) is i however the -1 was typed.

mod functions;

pub use functions::Function;

use num_complex::Complex64;
use std::fmt;

/// An expression in t.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A number.
    Number(Complex64),
    /// The time, from 0 on.
    Time,
    /// -x.
    Negate(Box<Scalar>),
    /// x + y.
    Add(Box<Scalar>, Box<Scalar>),
    /// x - y.
    Subtract(Box<Scalar>, Box<Scalar>),
    /// x y.
    Multiply(Box<Scalar>, Box<Scalar>),
    /// x / y.
    Divide(Box<Scalar>, Box<Scalar>),
    /// x^y.
    Power(Box<Scalar>, Box<Scalar>),
    /// f(x).
    Call(Function, Box<Scalar>),
}

use Scalar::{Add, Call, Divide, Multiply, Negate, Number, Power, Subtract, Time};

impl Scalar {
    /// Its value at time `t`.
    pub fn value(&self, t: f64) -> Complex64 {
        match self {
            Number(z) => *z,
            Time => t.into(),
            Negate(x) => plain(-x.value(t)),
            Add(x, y) => plain(x.value(t) + y.value(t)),
            Subtract(x, y) => plain(x.value(t) - y.value(t)),
            Multiply(x, y) => plain(x.value(t) * y.value(t)),
            Divide(x, y) => functions::divide(x.value(t), y.value(t)),
            Power(x, y) => functions::power(x.value(t), y.value(t)),
            Call(f, x) => f.of(x.value(t)),
        }
    }

    /// The same expression as one number if it does not depend on time.
    pub fn folded(self) -> Scalar {
        let is_number = |x: &Scalar| matches!(x, Number(_));
        let foldable = match &self {
            Number(z) => return Number(plain(*z)),
            Time => false,
            Negate(x) | Call(_, x) => is_number(x),
            Add(x, y) | Subtract(x, y) | Multiply(x, y) | Divide(x, y) | Power(x, y) => is_number(x) && is_number(y),
        };
        if foldable { Number(self.value(0.0)) } else { self }
    }

    /// Whether t occurs in it.
    pub fn depends_on_time(&self) -> bool {
        match self {
            Number(_) => false,
            Time => true,
            Negate(x) | Call(_, x) => x.depends_on_time(),
            Add(x, y) | Subtract(x, y) | Multiply(x, y) | Divide(x, y) | Power(x, y) => {
                x.depends_on_time() || y.depends_on_time()
            }
        }
    }

    /// Whether its form shows that it is real at all times t >= 0. `false` may mean that nobody knows.
    pub fn is_real(&self) -> bool {
        match self {
            Number(z) => z.im == 0.0,
            Time => true,
            Negate(x) => x.is_real(),
            Add(x, y) | Subtract(x, y) | Multiply(x, y) | Divide(x, y) => x.is_real() && y.is_real(),
            Power(x, y) => x.is_real() && (y.whole().is_some() || (x.is_nonnegative() && y.is_real())),
            Call(Function::Abs | Function::Real | Function::Imag | Function::Arg, _) => true,
            Call(Function::Sqrt | Function::Log, x) => x.is_nonnegative(),
            Call(_, x) => x.is_real(),
        }
    }

    /// Whether its form shows that it is real and not below 0.
    fn is_nonnegative(&self) -> bool {
        match self {
            Number(z) => z.im == 0.0 && z.re >= 0.0,
            Time | Call(Function::Abs, _) => true,
            Call(Function::Exp | Function::Cosh, x) => x.is_real(),
            Call(Function::Sqrt, x) => x.is_nonnegative(),
            Power(x, y) => x.is_real() && (y.whole().is_some_and(|n| n % 2 == 0) || x.is_nonnegative() && y.is_real()),
            Add(x, y) | Divide(x, y) => x.is_nonnegative() && y.is_nonnegative(),
            Multiply(x, y) => (x.is_nonnegative() && y.is_nonnegative()) || (x == y && x.is_real()),
            _ => false,
        }
    }

    /// The whole number it is, if it is one by itself.
    fn whole(&self) -> Option<i64> {
        match self {
            Number(z) => functions::whole(*z),
            _ => None,
        }
    }

    /// How tightly its outermost operation binds.
    fn binding(&self) -> u8 {
        match self {
            Number(z) if z.re != 0.0 && z.im != 0.0 => SUM,
            Number(z) if z.re < 0.0 || z.im < 0.0 => MINUS,
            Add(..) | Subtract(..) => SUM,
            Multiply(..) | Divide(..) => PRODUCT,
            Negate(_) => MINUS,
            Power(..) => POWER,
            Number(_) | Time | Call(..) => ATOM,
        }
    }
}

const SUM: u8 = 0;
const PRODUCT: u8 = 1;
const MINUS: u8 = 2;
const POWER: u8 = 3;
const ATOM: u8 = 4;

/// Text that the parser of expressions reads back as the same tree, bit for bit, if its numbers are folded.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number(z) => f.write_str(&written(*z)),
            Time => f.write_str("t"),
            Negate(x) => write!(f, "-{}", Within(x, POWER)),
            Add(x, y) => write!(f, "{} + {}", Within(x, SUM), Within(y, PRODUCT)),
            Subtract(x, y) => write!(f, "{} - {}", Within(x, SUM), Within(y, PRODUCT)),
            Multiply(x, y) => write!(f, "{}*{}", Within(x, PRODUCT), Within(y, POWER)),
            Divide(x, y) => write!(f, "{}/{}", Within(x, PRODUCT), Within(y, POWER)),
            Power(x, y) => write!(f, "{}^{}", Within(x, ATOM), Within(y, ATOM)),
            Call(function, x) => write!(f, "{}({x})", function.name()),
        }
    }
}

/// An operand, in brackets if it binds less tightly than its place needs.
struct Within<'a>(&'a Scalar, u8);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.binding() < self.1 { write!(f, "({})", self.0) } else { write!(f, "{}", self.0) }
    }
}

/// A number as the parser of expressions reads it: `2.5`, `-1i`, `1.5-2i`. {:?} is the shortest text
/// that reads back as the same bits.
pub fn written(z: Complex64) -> String {
    let real = |x: f64| format!("{x:?}").trim_end_matches(".0").to_owned();
    match (z.re + 0.0, z.im + 0.0) {
        (re, 0.0) => real(re),
        (0.0, im) => format!("{}i", real(im)),
        (re, im) => format!("{}{}{}i", real(re), if im < 0.0 { "-" } else { "+" }, real(im.abs())),
    }
}

/// Without negative zeros: x + 0 is 0 for x = -0 and x for every other.
fn plain(z: Complex64) -> Complex64 {
    Complex64::new(z.re + 0.0, z.im + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(re: f64) -> Box<Scalar> {
        Box::new(Number(re.into()))
    }

    fn time() -> Box<Scalar> {
        Box::new(Time)
    }

    #[test]
    fn a_modulated_drive_has_its_value() {
        let phase = Box::new(Multiply(number(3.0), time()));
        let drive = Multiply(number(2.0), Box::new(Call(Function::Cos, phase)));
        assert_eq!(drive.value(0.5), (2.0 * libm::cos(1.5)).into());
        assert!(drive.depends_on_time() && drive.is_real());
        assert_eq!(drive.to_string(), "2*cos(3*t)");
        assert!(!Number(2.0.into()).depends_on_time());
    }

    #[test]
    fn brackets_stand_where_the_tree_needs_them() {
        let sum = || Box::new(Add(number(1.0), time()));
        for (tree, text) in [
            (Multiply(sum(), time()), "(1 + t)*t"),
            (Divide(time(), Box::new(Multiply(time(), time()))), "t/(t*t)"),
            (Subtract(time(), sum()), "t - (1 + t)"),
            (Power(number(-2.0), time()), "(-2)^t"),
            (Negate(Box::new(Power(time(), number(2.0)))), "-t^2"),
            (Power(Box::new(Power(time(), number(2.0))), number(3.0)), "(t^2)^3"),
            (Multiply(Box::new(Number(Complex64::new(1.0, -2.5))), time()), "(1-2.5i)*t"),
            (Multiply(time(), Box::new(Number(Complex64::new(0.0, -1.0)))), "t*(-1i)"),
        ] {
            assert_eq!(tree.to_string(), text);
        }
        assert_eq!(written(Complex64::new(1e-300, 0.0)), "1e-300");
        assert_eq!(written(Complex64::new(-0.0, 1e16)), "1e16i");
    }

    #[test]
    fn what_is_real_is_known_where_the_form_shows_it() {
        let i = || Box::new(Number(Complex64::I));
        let sqrt = |x| Call(Function::Sqrt, x);
        for (tree, real) in [
            (sqrt(time()), true),
            (sqrt(Box::new(Negate(time()))), false),
            (sqrt(Box::new(Power(Box::new(Negate(time())), number(2.0)))), true),
            (Power(time(), number(0.5)), true),
            (Power(number(-2.0), time()), false),
            (Power(number(-2.0), number(3.0)), true),
            (Multiply(i(), time()), false),
            (Call(Function::Abs, Box::new(Multiply(i(), time()))), true),
            (Call(Function::Exp, Box::new(Negate(time()))), true),
            (Call(Function::Conj, i()), false),
        ] {
            assert_eq!(tree.is_real(), real, "{tree}");
            if real {
                assert!([0.0, 0.3, 2.0].iter().all(|t| tree.value(*t).im == 0.0), "{tree}");
            }
        }
    }

    #[test]
    fn numbers_fold_and_the_time_does_not() {
        assert_eq!(Add(number(1.0), number(2.0)).folded(), *number(3.0));
        assert_eq!(Negate(number(0.0)).folded().value(0.0).re.to_bits(), 0.0f64.to_bits());
        assert_eq!(Add(number(1.0), time()).folded(), Add(number(1.0), time()));
    }
}
