//! Complex normal numbers by Box-Muller, two words each, without a platform's mathematical library.
//!
//! z = sqrt(-ln u) exp(i phi) with u uniform in (0, 1) and phi uniform on the circle has E[z] = E[z^2] = 0,
//! E[|z|^2] = 1. Logarithm, sine and cosine are polynomials in explicit multiply-adds, so the bits are
//! the same on every CPU; 53-bit uniforms reach |z| = 6.06 (8.57 standard deviations of a real part).

use crate::kernel::{Complex8, LANES, Lanes};
use std::f64::consts::{FRAC_PI_2, LN_2};

const EXPONENT_BIAS: u64 = 0x3ff0_0000_0000_0000;
/// Bits of sqrt(1/2): mantissas are taken from [sqrt(1/2), sqrt(2)).
const SQRT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;

/// ln(x) = 2 s + s R(s^2) with s = (x-1)/(x+1); R of FreeBSD msun's e_log.c, |error| < 2^-58.
const LN: [f64; 7] = [
    0.14798198605116586,
    0.15313837699209373,
    0.1818357216161805,
    0.22222198432149784,
    0.2857142874366239,
    0.3999999999940942,
    0.6666666666666735,
];

/// sin(pi x / 2) / x in x^2 for |x| <= 1/2: Chebyshev fit, error 5e-18.
const SIN: [f64; 7] = [
    5.633933781537854e-08,
    -3.59864335298231e-06,
    0.0001604411507421909,
    -0.004681754132340976,
    0.07969262624604301,
    -0.6459640975062443,
    FRAC_PI_2,
];

/// cos(pi x / 2) in x^2 for |x| <= 1/2: Chebyshev fit, error 3e-20.
const COS: [f64; 8] = [
    -6.321256869628588e-09,
    4.710609726757823e-07,
    -2.520203677046026e-05,
    0.0009192602741831558,
    -0.02086348076331121,
    0.2536695079010467,
    -1.2337005501361697,
    1.0,
];

#[inline(always)]
fn polynomial<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    let mut sum = coefficients[0];
    for c in &coefficients[1..] {
        sum = sum.mul_add(x, *c);
    }
    sum
}

/// A uniform number in (0, 1) from the top 52 bits, half a unit away from either end.
#[inline(always)]
fn open_unit(bits: u64) -> f64 {
    f64::from_bits((bits >> 12) | EXPONENT_BIAS) - (1.0 - f64::EPSILON / 2.0)
}

/// ln(x) for a positive normal x.
#[inline(always)]
pub fn ln_unit(x: f64) -> f64 {
    let shifted = x.to_bits().wrapping_add(EXPONENT_BIAS - SQRT_HALF);
    let exponent = (shifted >> 52) as i64 - 0x3ff;
    let mantissa = f64::from_bits((shifted & MANTISSA) + SQRT_HALF);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let z = s * s;
    let ln = (polynomial(&LN, z) * z).mul_add(s, 2.0 * s);
    (exponent as f64).mul_add(LN_2, ln)
}

/// (cos, sin) of a uniform angle: the top two bits choose the quarter turn, the rest x in [-1/2, 1/2) of it.
#[inline(always)]
pub fn cos_sin_quarter(bits: u64) -> (f64, f64) {
    let quarter = bits >> 62;
    let x = f64::from_bits(((bits << 2) >> 12) | EXPONENT_BIAS) - 1.5;
    let w = x * x;
    let (sin, cos) = (polynomial(&SIN, w) * x, polynomial(&COS, w));
    let (c, s) = if quarter & 1 == 1 { (sin, cos) } else { (cos, sin) };
    // Quarter turns: (c, s) -> (-s, c) -> (-c, -s) -> (s, -c); the swap is done, the signs follow.
    let flip_cos = ((quarter ^ (quarter >> 1)) & 1) << 63;
    let flip_sin = (quarter >> 1) << 63;
    (f64::from_bits(c.to_bits() ^ flip_cos), f64::from_bits(s.to_bits() ^ flip_sin))
}

/// sigma z per lane, E[|z|^2] = 1, from two words per lane.
#[inline(always)]
pub fn complex_normal(radius_bits: [u64; LANES], angle_bits: [u64; LANES], sigma: f64) -> Complex8 {
    let (mut re, mut im) = ([0.0; LANES], [0.0; LANES]);
    for lane in 0..LANES {
        let radius = sigma * (-ln_unit(open_unit(radius_bits[lane]))).sqrt();
        let (cos, sin) = cos_sin_quarter(angle_bits[lane]);
        (re[lane], im[lane]) = (radius * cos, radius * sin);
    }
    Complex8 { re: Lanes(re), im: Lanes(im) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::integrator::{Domain, Streams};
    use crate::kernel::Array;

    #[test]
    fn the_logarithm_is_libms_to_1e_13() {
        let mut streams = Streams::new(Domain::Check, 1, 0);
        let mut points: Vec<f64> = (0..20_000).flat_map(|_| streams.next_bits::<Array>()).map(open_unit).collect();
        points.extend([open_unit(0), open_unit(u64::MAX), 0.5, 0.25, 0.7, 1.0 - f64::EPSILON, 1e-10]);
        for u in points {
            assert!(0.0 < u && u < 1.0);
            let exact = libm::log(u);
            assert!((ln_unit(u) - exact).abs() <= 1e-13 * exact.abs(), "ln({u})");
        }
    }

    #[test]
    fn sine_and_cosine_are_libms_to_1e_13() {
        let mut streams = Streams::new(Domain::Check, 2, 0);
        let mut words: Vec<u64> = (0..20_000).flat_map(|_| streams.next_bits::<Array>()).collect();
        words.extend([0, u64::MAX, 1 << 62, 1 << 63, 3 << 62, 1 << 61, (1 << 62) - 1]);
        for bits in words {
            let x = f64::from_bits(((bits << 2) >> 12) | EXPONENT_BIAS) - 1.5;
            let angle = std::f64::consts::FRAC_PI_2 * ((bits >> 62) as f64 + x);
            let (cos, sin) = cos_sin_quarter(bits);
            assert!((cos - libm::cos(angle)).abs() < 1e-13 && (sin - libm::sin(angle)).abs() < 1e-13, "{angle}");
        }
    }

    #[test]
    fn complex_normals_have_the_moments_of_complex_normals() {
        // n = 8e5; standard errors: mean 1/sqrt(2n), |z|^2 1/sqrt(n), |z|^4 sqrt(20/n), z^2 1/sqrt(n); bound 4.5 of them.
        let mut streams = Streams::new(Domain::Check, 3, 16);
        let (mut mean, mut square, mut modulus, mut fourth) = ([0.0; 2], [0.0; 2], 0.0, 0.0);
        let n = 100_000;
        for _ in 0..n {
            let z = complex_normal(streams.next_bits::<Array>(), streams.next_bits::<Array>(), 1.0);
            for lane in 0..LANES {
                let z = z.lane(lane);
                let (s, m) = (z * z, z.norm_sqr());
                mean = [mean[0] + z.re, mean[1] + z.im];
                square = [square[0] + s.re, square[1] + s.im];
                (modulus, fourth) = (modulus + m, fourth + m * m);
            }
        }
        let n = (n * LANES) as f64;
        let bound = 4.5 / n.sqrt();
        assert!(mean.iter().all(|x| (x / n).abs() < bound), "{mean:?}");
        assert!(square.iter().all(|x| (x / n).abs() < bound), "{square:?}");
        assert!((modulus / n - 1.0).abs() < bound);
        assert!((fourth / n - 2.0).abs() < bound * 20f64.sqrt());
    }
}
