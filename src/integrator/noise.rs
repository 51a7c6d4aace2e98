//! Where the noise of a step comes from: a trajectory's stream, or a path given in advance.

use super::normal::complex_normal;
use super::stream::{Domain, Streams};
use crate::kernel::{Complex8, Isa, Kernel, LANES, Lane, Lanes};
use num_complex::Complex64;

/// The noise of a step of length h that begins at t, per lane. For a Wiener process xi_k
///
/// ```text
/// dxi_k  = int dxi_k(s) ,                      E[|dxi_k|^2]  = h
/// tilt_k = int ( 2 (s - t)/h - 1 ) dxi_k(s) ,  E[|tilt_k|^2] = h/3 , independent of dxi_k
/// ```
///
/// All have `E[z] = E[z^2] = 0`. The tilt is -2 times the space-time Levy area of the step (Foster, dos Reis
/// and Strange, arXiv 2210.17543).
#[derive(Debug, Clone, PartialEq)]
pub struct StepNoise {
    /// Increments, one per channel.
    pub dxi: Vec<Complex8>,
    /// Tilts, one per channel; empty if the method does without.
    pub tilt: Vec<Complex8>,
}

/// What a method draws in a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draws {
    /// Channels.
    pub channels: usize,
    /// Whether it needs the tilts.
    pub tilt: bool,
}

impl Draws {
    /// Words drawn from a stream per step: two a complex normal.
    pub fn words(self) -> u64 {
        2 * self.channels as u64 * (1 + u64::from(self.tilt))
    }
}

impl StepNoise {
    /// Room for what is drawn in a step.
    pub fn zeros(draws: Draws) -> Self {
        let tilts = if draws.tilt { draws.channels } else { 0 };
        StepNoise { dxi: vec![Complex8::ZERO; draws.channels], tilt: vec![Complex8::ZERO; tilts] }
    }

    /// Add the noise of step `number` of `steps` equal ones to that of the step they make together; the first one
    /// begins it. With c_i = (2 i + 1)/m - 1, the centre of step i of m in the whole:
    ///
    /// ```text
    /// dxi = sum dxi_i ,   tilt = sum tilt_i/m + c_i dxi_i
    /// ```
    #[inline(always)]
    pub fn gather(&mut self, fine: &StepNoise, number: usize, steps: usize) {
        if number == 0 {
            self.dxi.fill(Complex8::ZERO);
            self.tilt.fill(Complex8::ZERO);
        }
        let share = Lanes::splat(1.0 / steps as f64);
        let centre = Lanes::splat((2 * number + 1) as f64 / steps as f64 - 1.0);
        for (sum, dxi) in self.dxi.iter_mut().zip(&fine.dxi) {
            *sum = sum.plus(*dxi);
        }
        for ((sum, tilt), dxi) in self.tilt.iter_mut().zip(&fine.tilt).zip(&fine.dxi) {
            *sum = dxi.real_mul_add(centre, tilt.real_mul_add(share, *sum));
        }
    }
}

/// The noise of one step after another. Engines know it by these four calls alone, so that a method is compiled once, not once
/// for every source; beside a step of eight trajectories the call costs nothing.
pub trait Noise: Send {
    /// Go to the first step of batch `batch` (trajectories 8 batch .. 8 batch + 8).
    fn start(&mut self, batch: u64);
    /// Steps are of length h from here on.
    fn set_step(&mut self, h: f64);
    /// The noise of the next step, computed on that path.
    fn draw(&mut self, isa: Isa, noise: &mut StepNoise);
    /// Pass over that of `steps` steps.
    fn skip(&mut self, steps: u64);
}

/// The streams of a run: so many words a step, so any step is a jump away. Of each channel first the increment, then the
/// tilt.
#[derive(Debug, Clone)]
pub struct StreamNoise {
    domain: Domain,
    seed: u64,
    draws: Draws,
    /// sqrt(h) and sqrt(h/3).
    sigma: f64,
    tilted: f64,
    streams: Streams,
}

impl StreamNoise {
    /// Noise of steps h.
    pub fn new(domain: Domain, seed: u64, draws: Draws, h: f64) -> Self {
        let mut noise =
            StreamNoise { domain, seed, draws, sigma: 0.0, tilted: 0.0, streams: Streams::new(domain, seed, 0) };
        noise.set_step(h);
        noise
    }
}

/// sigma z from the next two words.
#[inline(always)]
fn next_normal<V: Lane>(streams: &mut Streams, sigma: f64) -> Complex8 {
    let radius = streams.next_bits::<V>();
    complex_normal(radius, streams.next_bits::<V>(), sigma)
}

impl Noise for StreamNoise {
    fn start(&mut self, batch: u64) {
        self.streams = Streams::new(self.domain, self.seed, batch * LANES as u64);
    }

    fn set_step(&mut self, h: f64) {
        (self.sigma, self.tilted) = (h.sqrt(), (h / 3.0).sqrt());
    }

    fn draw(&mut self, isa: Isa, noise: &mut StepNoise) {
        isa.run(Draw { source: self, noise });
    }

    fn skip(&mut self, steps: u64) {
        self.streams.advance(u128::from(self.draws.words()) * u128::from(steps));
    }
}

/// The noise of one step from streams, compiled once per instruction set.
struct Draw<'a> {
    source: &'a mut StreamNoise,
    noise: &'a mut StepNoise,
}

impl Kernel for Draw<'_> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let (StreamNoise { draws, sigma, tilted, streams, .. }, noise) = (self.source, self.noise);
        if draws.tilt {
            for (dxi, tilt) in noise.dxi.iter_mut().zip(&mut noise.tilt) {
                *dxi = next_normal::<V>(streams, *sigma);
                *tilt = next_normal::<V>(streams, *tilted);
            }
        } else {
            for dxi in &mut noise.dxi {
                *dxi = next_normal::<V>(streams, *sigma);
            }
        }
    }
}

/// The noise of eight trajectories on a grid of time.
#[derive(Debug, Clone, PartialEq)]
pub struct WienerPath {
    /// Length of a step.
    pub h: f64,
    /// Noise by step.
    pub steps: Vec<StepNoise>,
}

impl WienerPath {
    /// The path that the streams of batch `batch` would give, with tilts.
    pub fn sample(seed: u64, batch: u64, channels: usize, h: f64, steps: usize) -> Self {
        let draws = Draws { channels, tilt: true };
        let mut noise = StreamNoise::new(Domain::Check, seed, draws, h);
        noise.start(batch);
        let steps = (0..steps)
            .map(|_| {
                let mut step = StepNoise::zeros(draws);
                noise.draw(Isa::detect(), &mut step);
                step
            })
            .collect();
        WienerPath { h, steps }
    }

    /// The same path seen on a grid `factor` times as coarse.
    pub fn coarsen(&self, factor: usize) -> Self {
        assert!(factor > 0 && self.steps.len().is_multiple_of(factor), "the path must divide into coarse steps");
        let sum = |fine: &[StepNoise]| {
            let mut sum = fine[0].clone();
            fine.iter().enumerate().for_each(|(number, step)| sum.gather(step, number, factor));
            sum
        };
        WienerPath { h: self.h * factor as f64, steps: self.steps.chunks(factor).map(sum).collect() }
    }

    /// The increment of one lane.
    pub fn lane(&self, step: usize, channel: usize, lane: usize) -> Complex64 {
        self.steps[step].dxi[channel].lane(lane)
    }

    /// Increments and tilts of all channels of one lane.
    pub fn of_lane(&self, step: usize, lane: usize) -> [Vec<Complex64>; 2] {
        let StepNoise { dxi, tilt, .. } = &self.steps[step];
        [dxi, tilt].map(|all| all.iter().map(|z| z.lane(lane)).collect())
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

    fn draw(&mut self, _isa: Isa, noise: &mut StepNoise) {
        match self.path.steps.get(self.step) {
            Some(given) => {
                noise.dxi.copy_from_slice(&given.dxi);
                noise.tilt.iter_mut().zip(&given.tilt).for_each(|(tilt, given)| *tilt = *given);
            }
            None => {
                noise.dxi.fill(Complex8::ZERO);
                noise.tilt.fill(Complex8::ZERO);
            }
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
        for tilt in [false, true] {
            let draws = Draws { channels: 3, tilt };
            let mut walked = StreamNoise::new(Domain::Run, 5, draws, 0.01);
            let mut jumped = walked.clone();
            walked.start(4);
            jumped.start(4);
            let mut noise = StepNoise::zeros(draws);
            for _ in 0..123 {
                walked.draw(Isa::detect(), &mut noise);
            }
            jumped.skip(122);
            let mut same = StepNoise::zeros(draws);
            jumped.draw(Isa::detect(), &mut same);
            assert_eq!(noise, same);
        }
    }

    #[test]
    fn a_coarse_path_has_the_same_end_point() {
        let fine = WienerPath::sample(9, 0, 2, 0.01, 12);
        let coarse = fine.coarsen(4);
        assert_eq!(coarse.steps.len(), 3);
        let end = |path: &WienerPath| -> Complex64 { (0..path.steps.len()).map(|s| path.lane(s, 1, 5)).sum() };
        assert!((end(&fine) - end(&coarse)).norm() < 1e-15);
    }

    /// Coarsened twice by two is coarsened by four, and the moments are those of a step of that length.
    #[test]
    fn a_coarse_path_has_the_law_of_a_path_of_coarse_steps() {
        let (h, steps, factor) = (0.01, 60_000, 6);
        let fine = WienerPath::sample(9, 1, 1, h, steps);
        let coarse = fine.coarsen(factor);
        let twice = fine.coarsen(2).coarsen(3);
        for (a, b) in coarse.steps.iter().zip(&twice.steps) {
            assert!((a.tilt[0].lane(3) - b.tilt[0].lane(3)).norm() < 1e-14);
        }
        let (mut tilt, mut both, mut square) = (0.0, Complex64::ZERO, Complex64::ZERO);
        for step in &coarse.steps {
            for lane in 0..LANES {
                let (dxi, p) = (step.dxi[0].lane(lane), step.tilt[0].lane(lane));
                tilt += p.norm_sqr();
                both += dxi.conj() * p;
                square += p * p;
            }
        }
        // n = 8e4 values of mean h/3 and standard deviation h/3: 4.5 standard errors.
        let (n, h) = ((coarse.steps.len() * LANES) as f64, coarse.h);
        let bound = 4.5 / n.sqrt();
        assert!((tilt / n / (h / 3.0) - 1.0).abs() < bound, "E|tilt|^2 = {} h", tilt / n / h);
        assert!(both.norm() / n / h < bound && square.norm() / n / h < bound);
    }
}
