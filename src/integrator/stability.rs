//! Which steps an explicit method survives.
//!
//! Without noise a step multiplies the ket by a matrix R(hK), the Taylor polynomial of exp of degree 1 for `em`, 2 for
//! `heun`, 4 for `rk4p1`. (`saba` has no such limit, or another one: `Splitting::largest_step`.)
//! Modes that R amplifies run away to the top of the truncated space, and normalising every step hides
//! it: every number stays finite and wrong. A step is called stable if R amplifies nothing by more than
//! ten per cent over the whole run. The growth per step is the logarithm of R's spectral radius, taken
//! from matrix powers R^(2^m), exact to 2^-m of the run's own length; that needs no eigenvalue solver
//! and sees slow blow-ups that a bound on |h lambda| would miss.

use crate::input::Method;
use crate::kernel::{Isa, Kernel, Lane};
use crate::model::Operator;
use num_complex::Complex64;

/// Amplification over the run that is still called stable.
const TOLERATED: f64 = 0.1;
/// Above this dimension powers act on one vector instead of the matrix, which resolves growth less finely.
const DENSE: usize = 160;
/// Applications of R to that vector.
const VECTOR_STEPS: usize = 4000;

/// ln of the spectral radius of an explicit step's matrix: positive if some mode grows.
pub fn growth(method: Method, k: &Operator, h: f64, steps: u64) -> f64 {
    growth_beside(method, k, h, steps, f64::NAN)
}

/// The same, or a bound on it as soon as that is on one side of `limit`.
fn growth_beside(method: Method, k: &Operator, h: f64, steps: u64, limit: f64) -> f64 {
    match degree(method) {
        None => f64::NEG_INFINITY,
        Some(degree) if k.dim() <= DENSE => growth_dense(degree, k, h, steps, limit),
        Some(degree) => growth_of_vector(degree, k, h),
    }
}

/// The largest step, rounded down to two digits, that is stable over `duration`; `None` if `h` itself is.
pub fn largest_stable_step(method: Method, k: &Operator, h: f64, duration: f64) -> Option<f64> {
    let stable = |h: f64| {
        let steps = (duration / h).ceil().max(1.0);
        let limit = TOLERATED / steps;
        growth_beside(method, k, h, steps as u64, limit) <= limit
    };
    if stable(h) {
        return None;
    }
    let (mut low, mut high) = (0.5 * h, h);
    for _ in 0..200 {
        if stable(low) {
            break;
        }
        (low, high) = (0.5 * low, low);
    }
    for _ in 0..6 {
        let middle = 0.5 * (low + high);
        if stable(middle) { low = middle } else { high = middle }
    }
    Some(round_down(low))
}

/// Two significant digits, rounded down: the shortest decimal cut off, so that 0.085 prints as 0.085.
pub fn round_down(x: f64) -> f64 {
    let text = format!("{x:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return x };
    let kept = digits.get(.."8.5".len()).unwrap_or(digits);
    format!("{kept}e{exponent}").parse().unwrap_or(x)
}

/// A dense matrix, real and imaginary parts apart so that the products vectorise.
struct Dense {
    dim: usize,
    re: Vec<f64>,
    im: Vec<f64>,
}

impl Dense {
    fn new(k: &Operator, scale: f64) -> Self {
        let dim = k.dim();
        let mut dense = Dense { dim, re: vec![0.0; dim * dim], im: vec![0.0; dim * dim] };
        for ((row, col), value) in k.elements() {
            dense.re[row * dim + col] = scale * value.re;
            dense.im[row * dim + col] = scale * value.im;
        }
        dense
    }

    fn times(&self, b: &Dense) -> Dense {
        Isa::detect().run(Product(self, b))
    }

    /// |trace|.
    fn trace(&self) -> f64 {
        let diagonal = |x: &[f64]| x.iter().step_by(self.dim + 1).sum::<f64>();
        Complex64::new(diagonal(&self.re), diagonal(&self.im)).norm_sqr().sqrt()
    }

    fn add_one(&mut self) {
        (0..self.dim).for_each(|i| self.re[i * self.dim + i] += 1.0);
    }

    fn norm(&self) -> f64 {
        self.re.iter().chain(&self.im).map(|x| x * x).sum::<f64>().sqrt()
    }

    /// Divide by the norm and return its logarithm.
    fn normalise(&mut self) -> f64 {
        let norm = self.norm();
        self.re.iter_mut().chain(&mut self.im).for_each(|x| *x /= norm);
        libm::log(norm)
    }
}

/// A product of matrices, compiled once per instruction set.
struct Product<'a>(&'a Dense, &'a Dense);

impl Kernel for Product<'_> {
    type Output = Dense;

    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) -> Dense {
        let Product(a, b) = self;
        let dim = a.dim;
        let mut out = Dense { dim, re: vec![0.0; dim * dim], im: vec![0.0; dim * dim] };
        for row in 0..dim {
            let (out_re, out_im) = (&mut out.re[row * dim..(row + 1) * dim], &mut out.im[row * dim..(row + 1) * dim]);
            for k in 0..dim {
                let (x, y) = (a.re[row * dim + k], a.im[row * dim + k]);
                if x == 0.0 && y == 0.0 {
                    continue;
                }
                let (b_re, b_im) = (&b.re[k * dim..(k + 1) * dim], &b.im[k * dim..(k + 1) * dim]);
                for (((re, im), u), v) in out_re.iter_mut().zip(out_im.iter_mut()).zip(b_re).zip(b_im) {
                    *re += x * u - y * v;
                    *im += x * v + y * u;
                }
            }
        }
        out
    }
}

/// Degree of the Taylor polynomial that a step without noise is; `None` if it is none.
fn degree(method: Method) -> Option<usize> {
    match method {
        Method::Em => Some(1),
        Method::Heun => Some(2),
        Method::Rk4p1 => Some(4),
        Method::Saba => None,
    }
}

/// The matrix of a step without noise, by Horner: 1 + z (1 + z/2 (1 + z/3 ...)).
fn step_matrix(degree: usize, k: &Operator, h: f64) -> Dense {
    let mut r = Dense::new(k, h / degree as f64);
    r.add_one();
    for m in (1..degree).rev() {
        r = Dense::new(k, h / m as f64).times(&r);
        r.add_one();
    }
    r
}

/// From R^n with n = 2^m: the spectral radius to the power n lies between |trace R^n|/dim and |R^n|, and most steps are
/// far from `limit`.
fn growth_dense(degree: usize, k: &Operator, h: f64, steps: u64, limit: f64) -> f64 {
    let doublings = (64 - steps.leading_zeros()).clamp(12, 26);
    let mut power = step_matrix(degree, k, h);
    // ln |R^(2^m)| = log + ln |power|; the difference of the last two doublings removes the transient.
    let (mut log, mut previous) = (power.normalise(), 0.0);
    let mut n = 1.0;
    for _ in 0..doublings {
        previous = log;
        power = power.times(&power);
        log = 2.0 * log + power.normalise();
        n *= 2.0;
        if !log.is_finite() {
            return f64::INFINITY;
        }
        let most = log / n;
        let least = (log + libm::log(power.trace() / power.dim as f64)) / n;
        if most <= limit {
            return most;
        }
        if least > limit {
            return least;
        }
    }
    (log - previous) / (0.5 * n)
}

fn growth_of_vector(degree: usize, k: &Operator, h: f64) -> f64 {
    let elements: Vec<_> = k.elements().collect();
    let apply = |x: &[Complex64]| {
        let mut y = vec![Complex64::ZERO; x.len()];
        elements.iter().for_each(|((row, col), value)| y[*row] += value * x[*col]);
        y
    };
    // A start with every component and no symmetry: phases of the squares.
    let mut x: Vec<Complex64> = (0..k.dim()).map(|i| phase((i * i % 97) as f64 + 0.1 * i as f64)).collect();
    let mut log = 0.0;
    for step in 0..VECTOR_STEPS {
        let mut power = x.clone();
        for m in 1..=degree {
            power = apply(&power);
            let scale = h / m as f64;
            power.iter_mut().for_each(|y| *y *= scale);
            x.iter_mut().zip(&power).for_each(|(x, y)| *x += y);
        }
        let norm = x.iter().map(|x| x.norm_sqr()).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return f64::INFINITY;
        }
        x.iter_mut().for_each(|x| *x /= norm);
        if step >= VECTOR_STEPS / 2 {
            log += libm::log(norm);
        }
    }
    log / (VECTOR_STEPS / 2) as f64
}

/// exp(i x), the same on every platform.
fn phase(x: f64) -> Complex64 {
    Complex64::new(libm::cos(x), libm::sin(x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::library::{Choices, build, parse};
    use crate::unravelling::Unravelling;

    fn drift(regime: &str, nfock: usize) -> Operator {
        let choices = Choices { nfock_a: Some(nfock), ..Choices::default() };
        Unravelling::qsd(&build(&parse(regime).expect("known"), &choices).expect("valid"), false).drift
    }

    #[test]
    fn a_damped_oscillator_has_the_textbook_limit() {
        // One mode |1> with lambda = -i w - k/2: |1 + z|^2 = 1 at h = k/(w^2 + k^2/4) for em.
        let (w, k) = (3.0, 0.5);
        let op = Operator::from_elements(2, [((1, 1), Complex64::new(-0.5 * k, -w))]);
        let limit = k / (w * w + 0.25 * k * k);
        let found = largest_stable_step(Method::Em, &op, 1.0, 1e5).expect("h = 1 is unstable");
        assert!(found <= limit && found > 0.93 * limit, "{found} against {limit}");
        assert_eq!(largest_stable_step(Method::Em, &op, 0.99 * limit, 1e5), None);
    }

    #[test]
    fn heun_limits_of_the_built_in_systems_are_the_measured_ones() {
        for (regime, nfock, expected) in [
            ("absorptive_bistable", 50, 0.086),
            ("kerr_bistable", 30, 8.7e-4),
            ("kerr_bistable", 50, 1.6e-4),
            ("kerr_qubit", 10, 4.8e-5),
        ] {
            let found =
                largest_stable_step(Method::Heun, &drift(regime, nfock), 1.0, 100.0).expect("h = 1 is unstable");
            assert!((found / expected - 1.0).abs() < 0.08, "{regime} {nfock}: {found}, published {expected}");
        }
    }

    #[test]
    fn powers_of_a_vector_agree_with_powers_of_the_matrix() {
        let k = drift("kerr_bistable", 30);
        for h in [1.1e-3, 2e-3] {
            let (dense, vector) = (growth(Method::Heun, &k, h, 10_000), growth_of_vector(2, &k, h));
            assert!((dense - vector).abs() < 1e-3 * (1.0 + dense.abs()), "{dense} {vector}");
        }
    }

    #[test]
    fn limits_are_printed_with_two_digits() {
        assert_eq!([round_down(0.08567), round_down(1.699e-4), round_down(4.2)], [0.085, 1.6e-4, 4.2]);
    }
}
