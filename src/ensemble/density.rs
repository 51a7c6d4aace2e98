//! The density matrix of an ensemble: rho(t) = (1/n) sum over n trajectories of |psi(t)><psi(t)|.
//!
//! It is summed in whole numbers of 2^-51, each trajectory rounded by itself (`kernel/projectors.rs`), and whole numbers may
//! be added in any order: so the sum depends neither on ranks nor on threads, nor on who was killed in between, and what is
//! known of a trajectory can be added to what is known of others at any time. No entry is off by more than 2^-51 by that, twice
//! what a number near 1 is known to.
//!
//! Of each matrix dim^2 real numbers are held, row by row: Re rho_ij where i <= j, and Im rho_ij where i > j.

use crate::kernel::{Isa, Projectors, UNITS};
use num_complex::Complex64;
use std::sync::Mutex;

/// A sum is held as high 2^51 + low.
const HALF: u32 = 51;
/// Trajectories that a low half has room for beside its own 2^51: each adds 2^51 at most, or a little more.
const ROOM: usize = 4000;
/// Why a lock can be had.
const NO_PANIC: &str = "nobody panics while adding";

/// Sums over trajectories, and which are in them. It can be added to from several threads.
#[derive(Debug)]
pub struct Density {
    dim: usize,
    /// One for each saved time.
    sums: Vec<Mutex<Sums>>,
    /// In the order of their numbers.
    counted: Mutex<Vec<bool>>,
}

/// The sums of one time.
#[derive(Debug, Clone)]
struct Sums {
    low: Vec<i64>,
    high: Vec<i64>,
    /// Trajectories added to the low halves since these were last below 2^51.
    recent: usize,
}

impl Sums {
    fn zero(count: usize) -> Sums {
        Sums { low: vec![0; count], high: vec![0; count], recent: 0 }
    }

    /// The kets of some trajectories.
    fn add(&mut self, kets: &Projectors, count: usize) {
        if self.recent + count > ROOM {
            self.set(|sum| sum);
        }
        self.recent += count;
        kets.add_to(&mut self.low, Isa::detect());
    }

    /// Every sum anew, with low halves below 2^51.
    fn set(&mut self, mut new: impl FnMut(i128) -> i128) {
        for (low, high) in self.low.iter_mut().zip(&mut self.high) {
            let sum = new(whole(*high, *low));
            // Too large for any number of trajectories is what a damaged file holds: it stays wrong, and a checksum tells.
            *high = (sum >> HALF).clamp(i64::MIN.into(), i64::MAX.into()) as i64;
            *low = (sum & ((1 << HALF) - 1)) as i64;
        }
        self.recent = 0;
    }
}

fn whole(high: i64, low: i64) -> i128 {
    (i128::from(high) << HALF) + i128::from(low)
}

impl Density {
    /// The most bytes of sums that a rank may hold.
    pub const LARGEST: u64 = 4 << 30;

    /// Bytes of the sums.
    pub fn bytes(dim: u64, times: u64) -> u64 {
        const SUM: u64 = 2 * size_of::<i64>() as u64;
        dim.saturating_mul(dim).saturating_mul(times).saturating_mul(SUM)
    }

    /// Of none of these trajectories.
    pub fn none(dim: usize, times: usize, trajectories: usize) -> Density {
        Density {
            dim,
            sums: (0..times).map(|_| Mutex::new(Sums::zero(dim * dim))).collect(),
            counted: Mutex::new(vec![false; trajectories]),
        }
    }

    /// Basis states.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Saved times.
    pub fn times(&self) -> usize {
        self.sums.len()
    }

    /// The sums at one time, in units of 2^-51.
    pub fn sums(&mut self, time: usize) -> impl Iterator<Item = i128> {
        let sums = self.at(time);
        sums.high.iter().zip(&sums.low).map(|(high, low)| whole(*high, *low))
    }

    /// Add to the sums at one time. Which trajectories are in what is added is for the caller to note.
    pub fn add_sums(&mut self, time: usize, parts: impl IntoIterator<Item = i128>) {
        let mut parts = parts.into_iter();
        self.at(time).set(|sum| sum + parts.next().unwrap_or(0));
    }

    /// Back to none.
    pub fn clear(&mut self) {
        let count = self.dim * self.dim;
        (0..self.times()).for_each(|time| *self.at(time) = Sums::zero(count));
        self.counted().fill(false);
    }

    fn at(&mut self, time: usize) -> &mut Sums {
        self.sums[time].get_mut().expect(NO_PANIC)
    }

    /// Which trajectories are in it, by their place among those of the run.
    pub fn counted(&mut self) -> &mut Vec<bool> {
        self.counted.get_mut().expect(NO_PANIC)
    }

    /// How many are.
    pub fn n(&mut self) -> u64 {
        self.counted().iter().filter(|counted| **counted).count() as u64
    }

    /// rho at one time, row by row, when `n` trajectories are in it: Hermitian to the bit, not a number if there are none.
    pub fn matrix(&mut self, time: usize, n: u64) -> Vec<Complex64> {
        let (dim, n) = (self.dim, n as f64);
        let means: Vec<f64> = self.sums(time).map(|sum| sum as f64 / UNITS / n).collect();
        let entry = |i: usize, j: usize| match i.cmp(&j) {
            std::cmp::Ordering::Less => Complex64::new(means[i * dim + j], -means[j * dim + i]),
            std::cmp::Ordering::Equal => means[i * dim + i].into(),
            std::cmp::Ordering::Greater => Complex64::new(means[j * dim + i], means[i * dim + j]),
        };
        (0..dim * dim).map(|at| entry(at / dim, at % dim)).collect()
    }

    /// Add the normalised kets of at most eight trajectories at one time; `scratch` is of this space.
    pub(super) fn add<'a>(
        &self,
        time: usize,
        kets: impl ExactSizeIterator<Item = &'a [Complex64]>,
        scratch: &mut Projectors,
    ) {
        let count = kets.len();
        scratch.set(kets);
        self.sums[time].lock().expect(NO_PANIC).add(scratch, count);
    }

    /// Note that these are in it.
    pub(super) fn count(&self, places: &[usize]) {
        let mut counted = self.counted.lock().expect(NO_PANIC);
        places.iter().for_each(|place| counted[*place] = true);
    }

    /// Add one of other trajectories. Which those are is for the caller to note.
    pub fn join(&mut self, other: &mut Density) {
        (0..self.times()).for_each(|time| self.add_sums(time, other.sums(time)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::LANES;

    /// A normalised ket of recognisable numbers.
    fn ket(dim: usize, number: usize) -> Vec<Complex64> {
        let ket: Vec<_> =
            (0..dim).map(|i| Complex64::new((i * 7 + number) as f64, (number * i) as f64 - 3.0)).collect();
        let norm = ket.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        ket.into_iter().map(|z| z / norm).collect()
    }

    #[test]
    fn it_is_the_mean_of_projectors_in_any_order_and_any_parts() {
        let (dim, count) = (5, 23);
        let kets: Vec<_> = (0..count).map(|number| ket(dim, number)).collect();
        let of = |orders: &[Vec<usize>]| {
            let mut all = Density::none(dim, 1, count);
            for order in orders {
                let mut part = Density::none(dim, 1, count);
                for some in order.chunks(LANES) {
                    part.add(0, some.iter().map(|number| kets[*number].as_slice()), &mut Projectors::new(dim));
                }
                all.join(&mut part);
                all.count(order);
            }
            let n = all.n();
            (n, all.matrix(0, n))
        };
        let whole: Vec<usize> = (0..count).collect();
        let (n, rho) = of(std::slice::from_ref(&whole));
        assert_eq!(n, count as u64);
        for i in 0..dim {
            for j in 0..dim {
                let mean = kets.iter().map(|ket| ket[i] * ket[j].conj()).sum::<Complex64>() / count as f64;
                assert!((rho[i * dim + j] - mean).norm() < 1e-15, "{i} {j}");
                assert_eq!(rho[i * dim + j], rho[j * dim + i].conj());
            }
        }
        let reversed: Vec<usize> = whole.iter().rev().copied().collect();
        assert_eq!(of(&[reversed]), (n, rho.clone()));
        assert_eq!(of(&[whole[9..].to_vec(), vec![], whole[..9].to_vec()]), (n, rho));
        assert!(of(&[]).1.iter().all(|z| z.re.is_nan()));
    }

    /// Ones on the diagonal, once for each trajectory, are what low halves fill up with first.
    #[test]
    fn sums_have_room_for_any_number_of_trajectories() {
        let ket = [Complex64::ONE, Complex64::ZERO];
        let (mut density, mut scratch) = (Density::none(2, 1, 1), Projectors::new(2));
        let batches = 2 * ROOM / LANES + 3;
        for _ in 0..batches {
            density.add(0, (0..LANES).map(|_| &ket[..]), &mut scratch);
        }
        let expected = ((batches * LANES) as i128) << 51;
        assert_eq!(density.sums(0).collect::<Vec<_>>(), [expected, 0, 0, 0]);
        let large = [1 << 100, -(1 << 100), -1, 1];
        density.add_sums(0, large);
        assert_eq!(density.sums(0).collect::<Vec<_>>(), [expected + (1 << 100), -(1 << 100), -1, 1]);
        density.add(0, [&ket[..]].into_iter(), &mut scratch);
        assert_eq!(density.sums(0).next(), Some(expected + (1 << 100) + (1 << 51)));
        density.clear();
        assert!(density.sums(0).all(|sum| sum == 0));
    }
}
