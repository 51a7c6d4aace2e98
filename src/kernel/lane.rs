//! The registers of an instruction set: `Lane::WIDTH` of the eight lanes in one value.
//!
//! Operations are IEEE additions, products and fused multiply-adds, one rounding each, so the bits do not
//! depend on the implementation. `Array` is what the compiler makes of plain loops (NEON on aarch64); on x86-64
//! intrinsics keep a register a register: loops over arrays cost 15 to 20 % more in the pass (bench/step).

use super::dispatch::Kernel;
use super::lanes::{Complex8, LANES, Lanes};
use std::marker::PhantomData;

/// Which of the eight lanes a register of `V` holds: those from a multiple of its width. `Lane::parts` makes them.
#[derive(Debug, Clone, Copy)]
pub struct Part<V> {
    first: usize,
    of: PhantomData<V>,
}

impl<V> Part<V> {
    /// The first lane.
    #[inline(always)]
    pub(super) fn first(self) -> usize {
        self.first
    }
}

/// A register of f64, one per trajectory.
pub trait Lane: Copy {
    /// Lanes in a register; divides `LANES`.
    const WIDTH: usize;
    /// Whether 64-bit integers are multiplied in vectors; else the processor's scalar 128-bit product is faster.
    const WIDE_PRODUCTS: bool;
    /// The same number in every lane.
    fn splat(x: f64) -> Self;
    /// A part of eight numbers.
    fn load(from: &Lanes, part: Part<Self>) -> Self;
    /// Write a part of eight numbers.
    fn store(self, to: &mut Lanes, part: Part<Self>);
    /// self * b + c, rounded once.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// c - self * b, rounded once.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// self + b.
    fn plus(self, b: Self) -> Self;
    /// self * b.
    fn times(self, b: Self) -> Self;
    /// The bits of self and of b, added as whole numbers modulo 2^64.
    fn plus_bits(self, b: Self) -> Self;
    /// Run `kernel` in a function of its own, compiled for these registers: what several callers share is compiled once.
    fn run<K: Kernel>(kernel: K) -> K::Output;

    /// The parts that make up eight lanes.
    #[inline(always)]
    fn parts() -> impl Iterator<Item = Part<Self>> {
        (0..LANES / Self::WIDTH).map(|number| Part { first: number * Self::WIDTH, of: PhantomData })
    }
}

/// A complex number per lane, in registers.
#[derive(Debug, Clone, Copy)]
pub struct Complex<V> {
    pub re: V,
    pub im: V,
}

impl<V: Lane> Complex<V> {
    #[inline(always)]
    pub fn zero() -> Self {
        Complex { re: V::splat(0.0), im: V::splat(0.0) }
    }

    #[inline(always)]
    pub fn load(from: &Complex8, part: Part<V>) -> Self {
        Complex { re: V::load(&from.re, part), im: V::load(&from.im, part) }
    }

    #[inline(always)]
    pub fn store(self, to: &mut Complex8, part: Part<V>) {
        self.re.store(&mut to.re, part);
        self.im.store(&mut to.im, part);
    }

    /// self + b.
    #[inline(always)]
    pub fn plus(self, b: Self) -> Self {
        Complex { re: self.re.plus(b.re), im: self.im.plus(b.im) }
    }

    /// self - i b.
    #[inline(always)]
    pub fn minus_i_times(self, b: Self) -> Self {
        Complex { re: self.re.plus(b.im), im: b.re.neg_mul_add(V::splat(1.0), self.im) }
    }

    /// self * x, x real.
    #[inline(always)]
    pub fn times_real(self, x: V) -> Self {
        Complex { re: self.re.times(x), im: self.im.times(x) }
    }

    /// self * b: two roundings a part.
    #[inline(always)]
    pub fn times(self, b: Self) -> Self {
        Complex { re: self.im.neg_mul_add(b.im, self.re.times(b.re)), im: self.im.mul_add(b.re, self.re.times(b.im)) }
    }

    /// conj(self) * b: two roundings a part.
    #[inline(always)]
    pub fn conj_times(self, b: Self) -> Self {
        Complex { re: self.im.mul_add(b.im, self.re.times(b.re)), im: self.im.neg_mul_add(b.re, self.re.times(b.im)) }
    }

    /// self * b + c: two roundings a part.
    #[inline(always)]
    pub fn mul_add(self, b: Self, c: Self) -> Self {
        Complex {
            re: self.im.neg_mul_add(b.im, self.re.mul_add(b.re, c.re)),
            im: self.im.mul_add(b.re, self.re.mul_add(b.im, c.im)),
        }
    }

    /// conj(self) * b + c: two roundings a part.
    #[inline(always)]
    pub fn conj_mul_add(self, b: Self, c: Self) -> Self {
        Complex {
            re: self.im.mul_add(b.im, self.re.mul_add(b.re, c.re)),
            im: self.im.neg_mul_add(b.re, self.re.mul_add(b.im, c.im)),
        }
    }

    /// x * self + c, x real.
    #[inline(always)]
    pub fn real_mul_add(self, x: V, c: Self) -> Self {
        Complex { re: x.mul_add(self.re, c.re), im: x.mul_add(self.im, c.im) }
    }

    /// i x * self + c, x real.
    #[inline(always)]
    pub fn imaginary_mul_add(self, x: V, c: Self) -> Self {
        Complex { re: x.neg_mul_add(self.im, c.re), im: x.mul_add(self.re, c.im) }
    }

    /// |self|^2 + c.
    #[inline(always)]
    pub fn norm_add(self, c: V) -> V {
        self.re.mul_add(self.re, self.im.mul_add(self.im, c))
    }
}

/// Lanes of `Array`.
const WIDTH: usize = if HARDWARE { LANES } else { 1 };
/// Whether every processor of the target has fused multiply-add.
const HARDWARE: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// Rows that it works together.
const ROWS: usize = if HARDWARE { 2 } else { 1 };

/// f64 as the compiler arranges them in the function that holds them: all eight where it has multiply-adds for vectors;
/// elsewhere every multiply-add is a call, and one lane at a time is an eighth of the code.
#[derive(Debug, Clone, Copy)]
#[repr(transparent)]
pub struct Array([f64; WIDTH]);

macro_rules! each_lane {
    ($lane:ident => $value:expr) => {{
        let mut out = [0.0; WIDTH];
        for $lane in 0..WIDTH {
            out[$lane] = $value;
        }
        Array(out)
    }};
}

impl Lane for Array {
    const WIDTH: usize = WIDTH;
    const WIDE_PRODUCTS: bool = false;

    #[inline(always)]
    fn splat(x: f64) -> Self {
        Array([x; WIDTH])
    }

    #[inline(always)]
    fn load(from: &Lanes, part: Part<Self>) -> Self {
        each_lane!(lane => from.0[part.first + lane])
    }

    #[inline(always)]
    fn store(self, to: &mut Lanes, part: Part<Self>) {
        to.0[part.first..part.first + WIDTH].copy_from_slice(&self.0);
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        each_lane!(lane => self.0[lane].mul_add(b.0[lane], c.0[lane]))
    }

    #[inline(always)]
    fn neg_mul_add(self, b: Self, c: Self) -> Self {
        each_lane!(lane => (-self.0[lane]).mul_add(b.0[lane], c.0[lane]))
    }

    #[inline(always)]
    fn plus(self, b: Self) -> Self {
        each_lane!(lane => self.0[lane] + b.0[lane])
    }

    #[inline(always)]
    fn times(self, b: Self) -> Self {
        each_lane!(lane => self.0[lane] * b.0[lane])
    }

    #[inline(always)]
    fn plus_bits(self, b: Self) -> Self {
        each_lane!(lane => f64::from_bits(self.0[lane].to_bits().wrapping_add(b.0[lane].to_bits())))
    }

    #[inline(never)]
    fn run<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Array, ROWS>()
    }
}
