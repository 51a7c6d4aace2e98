//! Eight numbers side by side, one per trajectory.
//!
//! Plain arrays and `f64::mul_add`: inside a function compiled for AVX-512 or AVX2 (`dispatch`) the
//! loops below become vector instructions, elsewhere they are the same IEEE operations one by one.

/// Trajectories in a batch.
pub const LANES: usize = 8;

/// A real number per trajectory.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Lanes(pub [f64; LANES]);

/// A complex number per trajectory.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C, align(64))]
pub struct Complex8 {
    /// Real parts.
    pub re: Lanes,
    /// Imaginary parts.
    pub im: Lanes,
}

macro_rules! each_lane {
    ($i:ident => $value:expr) => {{
        let mut out = [0.0; LANES];
        for $i in 0..LANES {
            out[$i] = $value;
        }
        Lanes(out)
    }};
}

impl Lanes {
    /// Zero in every lane.
    pub const ZERO: Lanes = Lanes([0.0; LANES]);

    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(x: f64) -> Self {
        Lanes([x; LANES])
    }

    /// self * b + c, rounded once.
    #[inline(always)]
    pub fn mul_add(self, b: Lanes, c: Lanes) -> Self {
        each_lane!(i => self.0[i].mul_add(b.0[i], c.0[i]))
    }

    /// c - self * b, rounded once.
    #[inline(always)]
    pub fn neg_mul_add(self, b: Lanes, c: Lanes) -> Self {
        each_lane!(i => (-self.0[i]).mul_add(b.0[i], c.0[i]))
    }

    /// self + b.
    #[inline(always)]
    pub fn plus(self, b: Lanes) -> Self {
        each_lane!(i => self.0[i] + b.0[i])
    }

    /// self - b.
    #[inline(always)]
    pub fn minus(self, b: Lanes) -> Self {
        each_lane!(i => self.0[i] - b.0[i])
    }

    /// self * b.
    #[inline(always)]
    pub fn times(self, b: Lanes) -> Self {
        each_lane!(i => self.0[i] * b.0[i])
    }

    /// self * x with the same x in every lane.
    #[inline(always)]
    pub fn scale(self, x: f64) -> Self {
        each_lane!(i => self.0[i] * x)
    }

    /// self / b.
    #[inline(always)]
    pub fn over(self, b: Lanes) -> Self {
        each_lane!(i => self.0[i] / b.0[i])
    }

    /// The larger of the two; a NaN in `self` stays, so that a broken trajectory is not hidden.
    #[inline(always)]
    pub fn largest(self, b: Lanes) -> Self {
        each_lane!(i => if b.0[i] > self.0[i] || b.0[i].is_nan() { b.0[i] } else { self.0[i] })
    }

    /// Absolute value.
    #[inline(always)]
    pub fn abs(self) -> Self {
        each_lane!(i => self.0[i].abs())
    }
}

impl Complex8 {
    /// Zero in every lane.
    pub const ZERO: Complex8 = Complex8 { re: Lanes::ZERO, im: Lanes::ZERO };

    /// The same number in every lane.
    #[inline(always)]
    pub fn splat(z: num_complex::Complex64) -> Self {
        Complex8 { re: Lanes::splat(z.re), im: Lanes::splat(z.im) }
    }

    /// The number in lane `lane`.
    pub fn lane(&self, lane: usize) -> num_complex::Complex64 {
        num_complex::Complex64::new(self.re.0[lane], self.im.0[lane])
    }

    /// Complex conjugate.
    #[inline(always)]
    pub fn conj(self) -> Self {
        Complex8 { re: self.re, im: each_lane!(i => -self.im.0[i]) }
    }

    /// self + b.
    #[inline(always)]
    pub fn plus(self, b: Complex8) -> Self {
        Complex8 { re: self.re.plus(b.re), im: self.im.plus(b.im) }
    }

    /// self - b.
    #[inline(always)]
    pub fn minus(self, b: Complex8) -> Self {
        Complex8 { re: self.re.minus(b.re), im: self.im.minus(b.im) }
    }

    /// self * x, x real.
    #[inline(always)]
    pub fn times_real(self, x: Lanes) -> Self {
        Complex8 { re: self.re.times(x), im: self.im.times(x) }
    }

    /// self * b + c: four roundings, in this order everywhere.
    #[inline(always)]
    pub fn mul_add(self, b: Complex8, c: Complex8) -> Self {
        Complex8 {
            re: self.im.neg_mul_add(b.im, self.re.mul_add(b.re, c.re)),
            im: self.im.mul_add(b.re, self.re.mul_add(b.im, c.im)),
        }
    }

    /// conj(self) * b + c: four roundings, in this order everywhere.
    #[inline(always)]
    pub fn conj_mul_add(self, b: Complex8, c: Complex8) -> Self {
        Complex8 {
            re: self.im.mul_add(b.im, self.re.mul_add(b.re, c.re)),
            im: self.im.neg_mul_add(b.re, self.re.mul_add(b.im, c.im)),
        }
    }

    /// x * self + c, x real.
    #[inline(always)]
    pub fn real_mul_add(self, x: Lanes, c: Complex8) -> Self {
        Complex8 { re: x.mul_add(self.re, c.re), im: x.mul_add(self.im, c.im) }
    }

    /// |self|^2 + c.
    #[inline(always)]
    pub fn norm_add(self, c: Lanes) -> Lanes {
        self.re.mul_add(self.re, self.im.mul_add(self.im, c))
    }
}
