//! One random stream per trajectory, named by (domain, seed, trajectory) and by nothing else.
//!
//! The generator is PCG-DXSM on a 128-bit linear congruence (`rand_pcg::Lcg128CmDxsm64`). State and
//! stream are the two halves of SHA-256("qsd-stream-1" | domain | seed | trajectory): PCG streams that
//! differ in the increment only may correlate (measured: with structured increments they do).

use crate::kernel::{LANES, Lane};
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

/// The generators of eight trajectories side by side: 128-bit states and increments in halves, so that eight of them
/// are vectors of 64-bit words.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub struct Streams {
    high: [u64; LANES],
    low: [u64; LANES],
    increment_high: [u64; LANES],
    increment_low: [u64; LANES],
}

impl Streams {
    /// The streams of eight consecutive trajectories.
    pub fn new(domain: Domain, seed: u64, first_trajectory: u64) -> Self {
        let zero = [0; LANES];
        let mut streams = Streams { high: zero, low: zero, increment_high: zero, increment_low: zero };
        for lane in 0..LANES {
            let (state, stream) = seed_words(domain, seed, first_trajectory.wrapping_add(lane as u64));
            let increment = (stream << 1) | 1;
            (streams.increment_high[lane], streams.increment_low[lane]) = halves(increment);
            let state = state.wrapping_add(increment).wrapping_mul(MULTIPLIER.into()).wrapping_add(increment);
            (streams.high[lane], streams.low[lane]) = halves(state);
        }
        streams
    }

    /// The next 64 bits of every stream. Both ways to multiply are exact; which is faster depends on the registers.
    #[inline(always)]
    pub fn next_bits<V: Lane>(&mut self) -> [u64; LANES] {
        let multiply = if V::WIDE_PRODUCTS { product_of_pieces } else { product };
        let mut out = [0; LANES];
        for (lane, out) in out.iter_mut().enumerate() {
            let (old_high, old_low) = (self.high[lane], self.low[lane]);
            // state -> MULTIPLIER state + increment
            let (carried, low) = multiply(old_low, MULTIPLIER);
            let high = carried.wrapping_add(old_high.wrapping_mul(MULTIPLIER));
            let low = low.wrapping_add(self.increment_low[lane]);
            let carry = u64::from(low < self.increment_low[lane]);
            self.high[lane] = high.wrapping_add(self.increment_high[lane]).wrapping_add(carry);
            self.low[lane] = low;
            // The output function DXSM.
            let mixed = (old_high ^ (old_high >> 32)).wrapping_mul(MULTIPLIER);
            *out = (mixed ^ (mixed >> 48)).wrapping_mul(old_low | 1);
        }
        out
    }

    /// Skip `words` outputs of every stream in O(log words): state -> a^n state + c (a^n - 1)/(a - 1).
    pub fn advance(&mut self, words: u128) {
        for lane in 0..LANES {
            let mut multiplier = u128::from(MULTIPLIER);
            let mut increment = whole(self.increment_high[lane], self.increment_low[lane]);
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
            let state = whole(self.high[lane], self.low[lane]);
            (self.high[lane], self.low[lane]) =
                halves(state.wrapping_mul(total_multiplier).wrapping_add(total_increment));
        }
    }
}

#[inline(always)]
fn halves(x: u128) -> (u64, u64) {
    ((x >> 64) as u64, x as u64)
}

fn whole(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

/// a b, high half first, by the processor's own wide product.
#[inline(always)]
fn product(a: u64, b: u64) -> (u64, u64) {
    halves(u128::from(a) * u128::from(b))
}

/// a b, high half first, from products of 32-bit pieces: what vectors can multiply.
#[inline(always)]
fn product_of_pieces(a: u64, b: u64) -> (u64, u64) {
    const PIECE: u64 = 0xffff_ffff;
    let (a0, a1, b0, b1) = (a & PIECE, a >> 32, b & PIECE, b >> 32);
    let middle = a1 * b0 + ((a0 * b0) >> 32);
    let other = a0 * b1 + (middle & PIECE);
    (a1 * b1 + (middle >> 32) + (other >> 32), a.wrapping_mul(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Array, Isa, Kernel};
    use rand_pcg::rand_core::Rng;

    struct Next<'a>(&'a mut Streams);

    impl Kernel for Next<'_> {
        type Output = [u64; LANES];
        #[inline(always)]
        fn run<V: Lane, const ROWS: usize>(self) -> Self::Output {
            self.0.next_bits::<V>()
        }
    }

    #[test]
    fn eight_streams_side_by_side_give_the_bits_of_rand_pcg() {
        for isa in Isa::available() {
            let mut streams = Streams::new(Domain::Run, 42, 1000);
            let mut scalar: Vec<_> = (0..LANES as u64).map(|lane| stream(Domain::Run, 42, 1000 + lane)).collect();
            for _ in 0..1000 {
                let words = isa.run(Next(&mut streams));
                for (word, scalar) in words.iter().zip(&mut scalar) {
                    assert_eq!(*word, scalar.next_u64(), "{}", isa.name());
                }
            }
        }
    }

    #[test]
    fn a_product_of_pieces_is_the_product() {
        let mut streams = Streams::new(Domain::Check, 1, 0);
        let edges = [0, 1, u64::MAX, u64::MAX - 1, 0xffff_ffff, 1 << 32, 1 << 63];
        let words: Vec<u64> = (0..200).flat_map(|_| streams.next_bits::<Array>()).chain(edges).collect();
        for pair in words.windows(2).chain(words.rchunks(2).filter(|pair| pair.len() == 2)) {
            assert_eq!(product_of_pieces(pair[0], pair[1]), product(pair[0], pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn a_jump_lands_where_walking_would() {
        for words in [0u128, 1, 2, 7, 64, 1001] {
            let (mut walked, mut jumped) = (Streams::new(Domain::Run, 1, 0), Streams::new(Domain::Run, 1, 0));
            (0..words).for_each(|_| {
                walked.next_bits::<Array>();
            });
            jumped.advance(words);
            assert_eq!(walked.next_bits::<Array>(), jumped.next_bits::<Array>(), "{words} words");
        }
        let (mut far, mut scalar) = (Streams::new(Domain::Run, 3, 8), stream(Domain::Run, 3, 8));
        far.advance(1 << 80);
        scalar.advance(1 << 80);
        assert_eq!(far.next_bits::<Array>()[0], scalar.next_u64());
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
        assert_eq!(stream(Domain::Run, 1, 0).next_u64(), Streams::new(Domain::Run, 1, 0).next_bits::<Array>()[0]);
        assert_eq!(stream_number(Domain::Run, 1, 0), STREAM_OF_SEED_1);
    }

    /// Computed with Python's hashlib.
    const STREAM_OF_SEED_1: u64 = 11354884204235443533;
}
