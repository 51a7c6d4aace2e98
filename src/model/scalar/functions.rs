//! Functions of complex numbers from `libm`, real where the argument is.

use super::plain;
use num_complex::Complex64;

/// Largest exponent taken by repeated squaring.
const MOST_SQUARED: f64 = 1024.0;

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Square root, Re >= 0.
    Sqrt,
    /// e^x.
    Exp,
    /// Natural logarithm, -pi < Im <= pi.
    Log,
    /// Sine.
    Sin,
    /// Cosine.
    Cos,
    /// Tangent.
    Tan,
    /// Hyperbolic sine.
    Sinh,
    /// Hyperbolic cosine.
    Cosh,
    /// Hyperbolic tangent.
    Tanh,
    /// Modulus.
    Abs,
    /// Complex conjugate.
    Conj,
    /// Real part.
    Real,
    /// Imaginary part.
    Imag,
    /// Argument, -pi < arg <= pi.
    Arg,
}

impl Function {
    /// All of them with their names.
    pub const ALL: &[(&str, Function)] = &[
        ("sqrt", Function::Sqrt),
        ("exp", Function::Exp),
        ("log", Function::Log),
        ("sin", Function::Sin),
        ("cos", Function::Cos),
        ("tan", Function::Tan),
        ("sinh", Function::Sinh),
        ("cosh", Function::Cosh),
        ("tanh", Function::Tanh),
        ("abs", Function::Abs),
        ("conj", Function::Conj),
        ("real", Function::Real),
        ("imag", Function::Imag),
        ("arg", Function::Arg),
    ];

    /// Its name in expressions.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, function)| *function == self).expect("every function has a name").0
    }

    /// f(z).
    pub fn of(self, z: Complex64) -> Complex64 {
        plain(match self {
            Function::Abs => libm::hypot(z.re, z.im).into(),
            Function::Conj => z.conj(),
            Function::Real => z.re.into(),
            Function::Imag => z.im.into(),
            Function::Arg => argument(z).into(),
            Function::Sqrt => sqrt(z),
            Function::Log => Complex64::new(libm::log(libm::hypot(z.re, z.im)), argument(z)),
            Function::Exp => exp(z),
            _ if z.im == 0.0 => self.of_real(z.re).into(),
            Function::Sinh => sinh(z),
            Function::Cosh => cosh(z),
            Function::Tanh => divide(sinh(z), cosh(z)),
            // With iz: sin z = -i sinh(iz), cos z = cosh(iz), tan z = -i tanh(iz).
            Function::Sin => -Complex64::I * sinh(turned(z)),
            Function::Cos => cosh(turned(z)),
            Function::Tan => -Complex64::I * divide(sinh(turned(z)), cosh(turned(z))),
        })
    }

    fn of_real(self, x: f64) -> f64 {
        match self {
            Function::Sin => libm::sin(x),
            Function::Cos => libm::cos(x),
            Function::Tan => libm::tan(x),
            Function::Sinh => libm::sinh(x),
            Function::Cosh => libm::cosh(x),
            Function::Tanh => libm::tanh(x),
            other => unreachable!("{} has a branch of its own", other.name()),
        }
    }
}

/// x / y; by a real number each part is divided, which rounds once.
pub(super) fn divide(x: Complex64, y: Complex64) -> Complex64 {
    plain(if y.im == 0.0 { Complex64::new(x.re / y.re, x.im / y.re) } else { x / y })
}

/// x^y: by repeated squaring for whole y, else exp(y log x).
pub(super) fn power(x: Complex64, y: Complex64) -> Complex64 {
    if let Some(n) = whole(y) {
        let raised = squared_up(x, n.unsigned_abs());
        return if n < 0 { divide(Complex64::ONE, raised) } else { raised };
    }
    match (x, y) {
        (x, y) if x.im == 0.0 && y.im == 0.0 && x.re >= 0.0 => libm::pow(x.re, y.re).into(),
        (x, y) if x == Complex64::ZERO && y.re > 0.0 => Complex64::ZERO,
        _ => plain(exp(y * Function::Log.of(x))),
    }
}

/// The whole number that z is, if it is one and small enough for repeated squaring.
pub(super) fn whole(z: Complex64) -> Option<i64> {
    (z.im == 0.0 && z.re.fract() == 0.0 && z.re.abs() <= MOST_SQUARED).then_some(z.re as i64)
}

fn squared_up(mut base: Complex64, mut n: u64) -> Complex64 {
    let mut product = Complex64::ONE;
    while n > 0 {
        if n & 1 == 1 {
            product = plain(product * base);
        }
        n >>= 1;
        if n > 0 {
            base = plain(base * base);
        }
    }
    product
}

fn argument(z: Complex64) -> f64 {
    libm::atan2(z.im + 0.0, z.re + 0.0)
}

/// sqrt(z) = u + iv with u^2 = (|z| + Re z)/2, 2uv = Im z; the larger of the two is taken from the root.
fn sqrt(z: Complex64) -> Complex64 {
    if z.im == 0.0 {
        return if z.re >= 0.0 { z.re.sqrt().into() } else { Complex64::new(0.0, (-z.re).sqrt()) };
    }
    let larger = (0.5 * (libm::hypot(z.re, z.im) + z.re.abs())).sqrt();
    let smaller = z.im.abs() / (2.0 * larger);
    let (u, v) = if z.re >= 0.0 { (larger, smaller) } else { (smaller, larger) };
    Complex64::new(u, v.copysign(z.im))
}

fn exp(z: Complex64) -> Complex64 {
    let modulus = libm::exp(z.re);
    if z.im == 0.0 { modulus.into() } else { Complex64::new(modulus * libm::cos(z.im), modulus * libm::sin(z.im)) }
}

fn sinh(z: Complex64) -> Complex64 {
    Complex64::new(libm::sinh(z.re) * libm::cos(z.im), libm::cosh(z.re) * libm::sin(z.im))
}

fn cosh(z: Complex64) -> Complex64 {
    Complex64::new(libm::cosh(z.re) * libm::cos(z.im), libm::sinh(z.re) * libm::sin(z.im))
}

/// iz.
fn turned(z: Complex64) -> Complex64 {
    Complex64::new(-z.im, z.re)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POINTS: [Complex64; 5] = [
        Complex64::new(0.3, -1.2),
        Complex64::new(-2.0, 0.7),
        Complex64::new(-0.5, -0.25),
        Complex64::new(1.75, 0.0),
        Complex64::new(0.0, 0.4),
    ];

    #[test]
    fn functions_agree_with_those_of_the_platform_to_rounding() {
        for z in POINTS {
            for (name, function) in Function::ALL {
                let expected = match function {
                    Function::Sqrt => z.sqrt(),
                    Function::Exp => z.exp(),
                    Function::Log => z.ln(),
                    Function::Sin => z.sin(),
                    Function::Cos => z.cos(),
                    Function::Tan => z.tan(),
                    Function::Sinh => z.sinh(),
                    Function::Cosh => z.cosh(),
                    Function::Tanh => z.tanh(),
                    Function::Abs => z.norm().into(),
                    Function::Conj => z.conj(),
                    Function::Real => z.re.into(),
                    Function::Imag => z.im.into(),
                    Function::Arg => z.arg().into(),
                };
                let found = function.of(z);
                assert!((found - expected).norm() < 1e-14 * (1.0 + expected.norm()), "{name}({z}) = {found}");
            }
            for y in POINTS {
                assert!((power(z, y) - z.powc(y)).norm() < 1e-13 * (1.0 + z.powc(y).norm()), "{z}^{y}");
            }
        }
    }

    #[test]
    fn real_numbers_stay_real_and_exact() {
        assert_eq!(divide(1.0.into(), 49.0.into()), (1.0 / 49.0).into());
        assert_eq!(power(3.0.into(), (-2.0).into()), (1.0 / 9.0).into());
        assert_eq!(power(2.0.into(), 10.0.into()), 1024.0.into());
        assert_eq!(power(0.0.into(), 0.0.into()), Complex64::ONE);
        assert_eq!(Function::Sqrt.of((-4.0).into()), Complex64::new(0.0, 2.0));
        assert_eq!(Function::Sqrt.of(Complex64::new(-4.0, -0.0)), Complex64::new(0.0, 2.0));
        assert_eq!(Function::Conj.of(2.0.into()).im.to_bits(), 0);
        assert_eq!(power(Complex64::I, 2.0.into()), (-1.0).into());
    }
}
