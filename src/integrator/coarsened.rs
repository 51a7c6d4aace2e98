//! The same Brownian path in longer steps.

use super::noise::{Draws, Noise, StepNoise};
use crate::kernel::Isa;

/// Noise whose every step holds several steps of another, exactly ([`StepNoise::gather`]): an engine with it and one with
/// the other follow the same path in steps of different length. One step of one is that other noise itself.
#[derive(Debug, Clone)]
pub struct Coarsened<N> {
    fine: N,
    steps: usize,
    drawn: StepNoise,
}

impl<N: Noise> Coarsened<N> {
    /// `steps` steps of `fine` in one.
    pub fn new(fine: N, draws: Draws, steps: usize) -> Self {
        assert!(steps > 0, "a step holds at least one");
        Coarsened { fine, steps, drawn: StepNoise::zeros(draws) }
    }
}

impl<N: Noise> Noise for Coarsened<N> {
    fn start(&mut self, batch: u64) {
        self.fine.start(batch);
    }

    fn set_step(&mut self, h: f64) {
        self.fine.set_step(h / self.steps as f64);
    }

    fn draw(&mut self, isa: Isa, noise: &mut StepNoise) {
        for number in 0..self.steps {
            self.fine.draw(isa, &mut self.drawn);
            noise.gather(&self.drawn, number, self.steps);
        }
    }

    fn skip(&mut self, steps: u64) {
        self.fine.skip(steps * self.steps as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise::{StreamNoise, WienerPath};
    use super::super::stream::Domain;
    use super::*;

    const DRAWS: Draws = Draws { channels: 2, tilt: true };

    #[test]
    fn two_steps_in_one_are_the_path_seen_on_a_coarse_grid() {
        let path = WienerPath::sample(5, 3, DRAWS.channels, 0.01, 12);
        let fine = StreamNoise::new(Domain::Check, 5, DRAWS, 0.01);
        for (steps, expected) in [(1, path.clone()), (2, path.coarsen(2)), (3, path.coarsen(3))] {
            let mut coarse = Coarsened::new(fine.clone(), DRAWS, steps);
            coarse.start(3);
            coarse.set_step(0.01 * steps as f64);
            let mut drawn = StepNoise::zeros(DRAWS);
            for step in &expected.steps {
                coarse.draw(Isa::detect(), &mut drawn);
                assert_eq!(drawn, *step, "{steps} in one");
            }
            coarse.start(3);
            coarse.skip(2);
            coarse.draw(Isa::detect(), &mut drawn);
            assert_eq!(drawn, expected.steps[2], "the third, by a jump");
        }
    }
}
