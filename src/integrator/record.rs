//! The record since the last save time, added up step by step.
//!
//! ```text
//! dy_k = dxi_k + conj(<L_k>) h
//! ```
//!
//! with L_k as the model has it and its mean as the method used it in the step: at its start, or averaged over stages.
//! A method gives the noise of a step once and the means of its stages with their shares of the step.

use super::problem::Problem;
use crate::kernel::{Complex8, Lanes};
use num_complex::Complex64;

/// One sum for every output; none if nobody keeps them.
#[derive(Debug, Clone)]
pub(super) struct Record {
    sums: Vec<Complex8>,
}

impl Record {
    /// That of a problem.
    pub fn new(problem: &Problem) -> Self {
        Record { sums: vec![Complex8::ZERO; problem.outputs.len()] }
    }

    /// Whether there is anything to be told.
    #[inline(always)]
    pub fn is_kept(&self) -> bool {
        !self.sums.is_empty()
    }

    /// A new interval begins.
    pub fn clear(&mut self) {
        self.sums.fill(Complex8::ZERO);
    }

    /// The sums.
    pub fn sums(&self) -> &[Complex8] {
        &self.sums
    }

    /// What survives a step.
    pub fn carried(&mut self) -> impl Iterator<Item = &mut Lanes> {
        self.sums.iter_mut().flat_map(|z| [&mut z.re, &mut z.im])
    }

    /// The noise of a step, or of a part of it, one number per channel.
    #[inline(always)]
    pub fn add_noise(&mut self, problem: &Problem, dxi: &[Complex8]) {
        for (sum, output) in self.sums.iter_mut().zip(&problem.outputs) {
            let dxi = dxi[output.noise];
            *sum = sum.plus(if output.conjugated { dxi.conj() } else { dxi });
        }
    }

    /// The means over a time tau: those of all channels in the gauge used, and the functions of time.
    #[inline(always)]
    pub fn add_means(&mut self, problem: &Problem, tau: f64, values: &[Complex64], means: &[Complex8]) {
        for (sum, output) in self.sums.iter_mut().zip(&problem.outputs) {
            let mut mean = Complex8::splat(output.constant);
            for (channel, weight) in &output.parts {
                mean = Complex8::splat(*weight).mul_add(means[*channel], mean);
            }
            if let Some(function) = output.function {
                mean = Complex8::splat(values[function]).mul_add(mean, Complex8::ZERO);
            }
            *sum = mean.conj().real_mul_add(Lanes::splat(tau), *sum);
        }
    }
}
