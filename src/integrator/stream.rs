//! One random stream per trajectory, named by (domain, seed, trajectory) and by nothing else.
//!
//! The generator is PCG-DXSM on a 128-bit linear congruence (`rand_pcg::Lcg128CmDxsm64`). State and
//! stream are the two halves of SHA-256("qsd-stream-1" | domain | seed | trajectory): PCG streams that
//! differ in the increment only may correlate (measured: with structured increments they do).

use crate::kernel::LANES;
use rand_pcg::Lcg128CmDxsm64;
use sha2::{Digest, Sha256};

/// Multiplier of `Lcg128CmDxsm64`.
const MULTIPLIER: u64 = 15_750_249_268_501_108_917;

/// What a stream is for; runs, pilots and checks never share numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// The trajectories of a run.
    Run,
    /// Pilot trajectories that choose a step.
    Pilot,
    /// Trajectories that check a step.
    Check,
}

/// State and stream parameter of a trajectory's generator.
fn seed_words(domain: Domain, seed: u64, trajectory: u64) -> (u128, u128) {
    let domain: &[u8] = match domain {
        Domain::Run => b"run",
        Domain::Pilot => b"pilot",
        Domain::Check => b"check",
    };
    let mut hash = Sha256::new();
    hash.update(b"qsd-stream-1\0");
    hash.update(domain);
    hash.update(b"\0");
    hash.update(seed.to_le_bytes());
    hash.update(trajectory.to_le_bytes());
    let digest: [u8; 32] = hash.finalize().into();
    let half = |from: usize| u128::from_le_bytes(digest[from..from + 16].try_into().expect("half of 32 bytes"));
    (half(0), half(16))
}

/// First eight bytes of the hash, little-endian: the number that names the stream in the results file.
pub fn stream_number(domain: Domain, seed: u64, trajectory: u64) -> u64 {
    seed_words(domain, seed, trajectory).0 as u64
}

/// The generator of one trajectory, scalar: what every faster version must agree with.
pub fn stream(domain: Domain, seed: u64, trajectory: u64) -> Lcg128CmDxsm64 {
    let (state, stream) = seed_words(domain, seed, trajectory);
    Lcg128CmDxsm64::new(state, stream)
}

/// The generators of eight trajectories side by side.
#[derive(Debug, Clone)]
pub struct Streams {
    state: [u128; LANES],
    increment: [u128; LANES],
}

impl Streams {
    /// The streams of eight consecutive trajectories.
    pub fn new(domain: Domain, seed: u64, first_trajectory: u64) -> Self {
        let mut streams = Streams { state: [0; LANES], increment: [0; LANES] };
        for lane in 0..LANES {
            let (state, stream) = seed_words(domain, seed, first_trajectory.wrapping_add(lane as u64));
            let increment = (stream << 1) | 1;
            streams.increment[lane] = increment;
            streams.state[lane] = state.wrapping_add(increment).wrapping_mul(MULTIPLIER.into()).wrapping_add(increment);
        }
        streams
    }

    /// The next 64 bits of every stream.
    #[inline(always)]
    pub fn next_bits(&mut self) -> [u64; LANES] {
        let mut out = [0; LANES];
        for ((out, state), increment) in out.iter_mut().zip(&mut self.state).zip(&self.increment) {
            let old = *state;
            *state = old.wrapping_mul(MULTIPLIER.into()).wrapping_add(*increment);
            let low = old as u64 | 1;
            let mut high = (old >> 64) as u64;
            high ^= high >> 32;
            high = high.wrapping_mul(MULTIPLIER);
            high ^= high >> 48;
            *out = high.wrapping_mul(low);
        }
        out
    }

    /// Skip `words` outputs of every stream in O(log words): state -> a^n state + c (a^n - 1)/(a - 1).
    pub fn advance(&mut self, words: u128) {
        for lane in 0..LANES {
            let (mut multiplier, mut increment) = (u128::from(MULTIPLIER), self.increment[lane]);
            let (mut total_multiplier, mut total_increment, mut left) = (1u128, 0u128, words);
            while left > 0 {
                if left & 1 == 1 {
                    total_multiplier = total_multiplier.wrapping_mul(multiplier);
                    total_increment = total_increment.wrapping_mul(multiplier).wrapping_add(increment);
                }
                increment = multiplier.wrapping_add(1).wrapping_mul(increment);
                multiplier = multiplier.wrapping_mul(multiplier);
                left >>= 1;
            }
            self.state[lane] = self.state[lane].wrapping_mul(total_multiplier).wrapping_add(total_increment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_pcg::rand_core::Rng;

    #[test]
    fn eight_streams_side_by_side_give_the_bits_of_rand_pcg() {
        let mut streams = Streams::new(Domain::Run, 42, 1000);
        let mut scalar: Vec<_> = (0..LANES as u64).map(|lane| stream(Domain::Run, 42, 1000 + lane)).collect();
        for _ in 0..1000 {
            let words = streams.next_bits();
            for (word, scalar) in words.iter().zip(&mut scalar) {
                assert_eq!(*word, scalar.next_u64());
            }
        }
    }

    #[test]
    fn a_jump_lands_where_walking_would() {
        for words in [0u128, 1, 2, 7, 64, 1001] {
            let (mut walked, mut jumped) = (Streams::new(Domain::Run, 1, 0), Streams::new(Domain::Run, 1, 0));
            (0..words).for_each(|_| {
                walked.next_bits();
            });
            jumped.advance(words);
            assert_eq!(walked.next_bits(), jumped.next_bits(), "{words} words");
        }
        let (mut far, mut scalar) = (Streams::new(Domain::Run, 3, 8), stream(Domain::Run, 3, 8));
        far.advance(1 << 80);
        scalar.advance(1 << 80);
        assert_eq!(far.next_bits()[0], scalar.next_u64());
    }

    #[test]
    fn domains_seeds_and_trajectories_name_different_streams() {
        let names = [
            stream_number(Domain::Run, 1, 2),
            stream_number(Domain::Run, 2, 1),
            stream_number(Domain::Pilot, 1, 2),
            stream_number(Domain::Check, 1, 2),
            stream_number(Domain::Run, 1, 3),
        ];
        for (i, name) in names.iter().enumerate() {
            assert!(!names[..i].contains(name));
        }
    }

    #[test]
    fn the_first_word_of_trajectory_zero_never_changes() {
        // Changing it changes every number a seed gives: a headline in the changelog.
        assert_eq!(stream(Domain::Run, 1, 0).next_u64(), Streams::new(Domain::Run, 1, 0).next_bits()[0]);
        assert_eq!(stream_number(Domain::Run, 1, 0), STREAM_OF_SEED_1);
    }

    /// Computed with Python's hashlib.
    const STREAM_OF_SEED_1: u64 = 11354884204235443533;
}
