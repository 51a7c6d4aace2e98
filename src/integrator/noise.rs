//! Where Wiener increments come from: a trajectory's stream, or a path given in advance.

use super::normal::complex_normal;
use super::stream::{Domain, Streams};
use crate::kernel::{Complex8, LANES, Lanes};
use num_complex::Complex64;

/// Increments dxi_k of one step after another, E[|dxi|^2] = h.
pub trait Noise: Send {
    /// Go to the first step of batch `batch` (trajectories 8 batch .. 8 batch + 8).
    fn start(&mut self, batch: u64);
    /// Steps are of length h from here on.
    fn set_step(&mut self, h: f64);
    /// The increments of the next step, one per channel.
    fn draw(&mut self, dxi: &mut [Complex8]);
    /// Pass over the increments of `steps` steps.
    fn skip(&mut self, steps: u64);
}

/// The streams of a run: two words per channel and step, so any step is a jump away.
#[derive(Debug, Clone)]
pub struct StreamNoise {
    domain: Domain,
    seed: u64,
    channels: usize,
    sigma: f64,
    streams: Streams,
}

impl StreamNoise {
    /// Words drawn per channel and step.
    const WORDS: u128 = 2;

    /// Noise of step h for `channels` channels.
    pub fn new(domain: Domain, seed: u64, channels: usize, h: f64) -> Self {
        StreamNoise { domain, seed, channels, sigma: h.sqrt(), streams: Streams::new(domain, seed, 0) }
    }
}

impl Noise for StreamNoise {
    fn start(&mut self, batch: u64) {
        self.streams = Streams::new(self.domain, self.seed, batch * LANES as u64);
    }

    #[inline]
    fn set_step(&mut self, h: f64) {
        self.sigma = h.sqrt();
    }

    #[inline(always)]
    fn draw(&mut self, dxi: &mut [Complex8]) {
        for dxi in dxi {
            let radius = self.streams.next_bits();
            *dxi = complex_normal(radius, self.streams.next_bits(), self.sigma);
        }
    }

    fn skip(&mut self, steps: u64) {
        self.streams.advance(Self::WORDS * self.channels as u128 * u128::from(steps));
    }
}

/// Wiener increments of eight trajectories on a grid of time: `increments[step][channel]`.
#[derive(Debug, Clone, PartialEq)]
pub struct WienerPath {
    /// Length of a step.
    pub h: f64,
    /// Per step and channel.
    pub increments: Vec<Vec<Complex8>>,
}

impl WienerPath {
    /// The path that the streams of batch `batch` would give.
    pub fn sample(seed: u64, batch: u64, channels: usize, h: f64, steps: usize) -> Self {
        let mut noise = StreamNoise::new(Domain::Check, seed, channels, h);
        noise.start(batch);
        let increments = (0..steps)
            .map(|_| {
                let mut dxi = vec![Complex8::ZERO; channels];
                noise.draw(&mut dxi);
                dxi
            })
            .collect();
        WienerPath { h, increments }
    }

    /// The same path seen on a grid `factor` times as coarse: increments add.
    pub fn coarsen(&self, factor: usize) -> Self {
        assert!(factor > 0 && self.increments.len().is_multiple_of(factor), "the path must divide into coarse steps");
        let sum = |fine: &[Vec<Complex8>]| {
            fine.iter().fold(vec![Complex8::ZERO; fine[0].len()], |sum, dxi| {
                sum.iter().zip(dxi).map(|(s, d)| s.plus(*d)).collect()
            })
        };
        WienerPath { h: self.h * factor as f64, increments: self.increments.chunks(factor).map(sum).collect() }
    }

    /// The increment of one lane.
    pub fn lane(&self, step: usize, channel: usize, lane: usize) -> Complex64 {
        self.increments[step][channel].lane(lane)
    }
}

/// A prescribed path, whatever the batch; zeros after its end.
#[derive(Debug, Clone)]
pub struct PathNoise {
    path: WienerPath,
    step: usize,
}

impl PathNoise {
    /// Noise that follows `path`.
    pub fn new(path: WienerPath) -> Self {
        PathNoise { path, step: 0 }
    }
}

impl Noise for PathNoise {
    fn start(&mut self, _batch: u64) {
        self.step = 0;
    }

    /// The path knows how long its steps are.
    fn set_step(&mut self, _h: f64) {}

    #[inline(always)]
    fn draw(&mut self, dxi: &mut [Complex8]) {
        match self.path.increments.get(self.step) {
            Some(increments) => dxi.copy_from_slice(increments),
            None => dxi.fill(Complex8 { re: Lanes::ZERO, im: Lanes::ZERO }),
        }
        self.step += 1;
    }

    fn skip(&mut self, steps: u64) {
        self.step += steps as usize;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_step_is_a_jump_away() {
        let mut walked = StreamNoise::new(Domain::Run, 5, 3, 0.01);
        let mut jumped = walked.clone();
        walked.start(4);
        jumped.start(4);
        let mut dxi = [Complex8::ZERO; 3];
        for _ in 0..123 {
            walked.draw(&mut dxi);
        }
        jumped.skip(122);
        let mut same = [Complex8::ZERO; 3];
        jumped.draw(&mut same);
        assert_eq!(dxi, same);
    }

    #[test]
    fn a_coarse_path_has_the_same_end_point() {
        let fine = WienerPath::sample(9, 0, 2, 0.01, 12);
        let coarse = fine.coarsen(4);
        assert_eq!(coarse.increments.len(), 3);
        let end = |path: &WienerPath| -> Complex64 { (0..path.increments.len()).map(|s| path.lane(s, 1, 5)).sum() };
        assert!((end(&fine) - end(&coarse)).norm() < 1e-15);
    }
}
