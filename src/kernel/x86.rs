//! `Lane` by the intrinsics of x86-64.
//!
//! The types are known to `dispatch` only, which hands them to a kernel inside a function compiled for their
//! instructions and only on a machine that has them.

use super::dispatch::Kernel;
use super::lane::{Lane, Part};
use super::lanes::Lanes;
use std::arch::x86_64::*;

/// AVX-512: eight lanes, 32 registers.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(__m512d);

/// AVX2 with fused multiply-add: four lanes, 16 registers.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(__m256d);

impl Avx512 {
    /// Whether this machine has the instructions.
    pub fn is_available() -> bool {
        Avx2::is_available()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512bw")
    }
}

impl Avx2 {
    /// Whether this machine has the instructions.
    pub fn is_available() -> bool {
        is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2")
    }
}

#[inline(never)]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,bmi2")]
fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx512, 4>()
}

#[inline(never)]
#[target_feature(enable = "avx2,fma,bmi2")]
fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run::<Avx2, 2>()
}

/// An implementation by the intrinsics of one width.
macro_rules! lane {
    ($name:ident, $width:literal, $wide:literal, $run:ident, $splat:ident $load:ident $store:ident $fma:ident $fnma:ident $add:ident $mul:ident $bits:ident $add_bits:ident $of_bits:ident) => {
        // SAFETY of every block: the CPU has the instructions (head of this file); a part of these registers starts at
        // a multiple of their width below eight, so loads and stores stay inside `Lanes` and on its alignment of 64 bytes.
        impl Lane for $name {
            const WIDTH: usize = $width;
            const WIDE_PRODUCTS: bool = $wide;

            #[inline(always)]
            fn splat(x: f64) -> Self {
                // SAFETY: see above.
                unsafe { $name($splat(x)) }
            }

            #[inline(always)]
            fn load(from: &Lanes, part: Part<Self>) -> Self {
                // SAFETY: see above.
                unsafe { $name($load(from.0.as_ptr().add(part.first()))) }
            }

            #[inline(always)]
            fn store(self, to: &mut Lanes, part: Part<Self>) {
                // SAFETY: see above.
                unsafe { $store(to.0.as_mut_ptr().add(part.first()), self.0) }
            }

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: see above.
                unsafe { $name($fma(self.0, b.0, c.0)) }
            }

            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                // SAFETY: see above.
                unsafe { $name($fnma(self.0, b.0, c.0)) }
            }

            #[inline(always)]
            fn plus(self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $name($add(self.0, b.0)) }
            }

            #[inline(always)]
            fn times(self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $name($mul(self.0, b.0)) }
            }

            #[inline(always)]
            fn plus_bits(self, b: Self) -> Self {
                // SAFETY: see above.
                unsafe { $name($of_bits($add_bits($bits(self.0), $bits(b.0)))) }
            }

            #[inline(always)]
            fn run<K: Kernel>(kernel: K) -> K::Output {
                // SAFETY: see above.
                unsafe { $run(kernel) }
            }
        }
    };
}

lane!(Avx512, 8, true, avx512, _mm512_set1_pd _mm512_load_pd _mm512_store_pd _mm512_fmadd_pd _mm512_fnmadd_pd _mm512_add_pd _mm512_mul_pd
    _mm512_castpd_si512 _mm512_add_epi64 _mm512_castsi512_pd);
lane!(Avx2, 4, false, avx2, _mm256_set1_pd _mm256_load_pd _mm256_store_pd _mm256_fmadd_pd _mm256_fnmadd_pd _mm256_add_pd _mm256_mul_pd
    _mm256_castpd_si256 _mm256_add_epi64 _mm256_castsi256_pd);
