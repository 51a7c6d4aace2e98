//! The density matrix of an ensemble: rho(t) = (1/n) sum over n trajectories of |psi(t)><psi(t)|.
//!
//! It is summed in whole numbers of 2^-51, each trajectory rounded by itself, and whole numbers may be added in any
//! order: so the sum depends neither on ranks nor on threads, nor on who was killed in between, and what is known of a
//! trajectory can be added to what is known of others at any time. No entry is off by more than 2^-52 by that, which is what a
//! number near 1 is known to.
//!
//! Of each matrix dim^2 real numbers are held, row by row: Re rho_ij where i <= j, and Im rho_ij where i > j.

use ndarray::ArrayView1;
use num_complex::Complex64;
use std::sync::Mutex;

/// Units of a sum in 1.
const UNITS: f64 = (1u64 << 51) as f64;
/// From here to 4 floating-point numbers are 2^-51 apart.
const OFFSET: f64 = 3.0;
/// Why a lock can be had.
const NO_PANIC: &str = "nobody panics while adding";

/// Sums over trajectories, and which are in them. It can be added to from several threads.
#[derive(Debug)]
pub struct Density {
    dim: usize,
    /// One for each saved time.
    sums: Vec<Mutex<Vec<i128>>>,
    /// In the order of their numbers.
    counted: Mutex<Vec<bool>>,
}

impl Density {
    /// The most bytes of sums that a rank may hold.
    pub const LARGEST: u64 = 4 << 30;

    /// Bytes of the sums.
    pub fn bytes(dim: u64, times: u64) -> u64 {
        const SUM: u64 = size_of::<i128>() as u64;
        dim.saturating_mul(dim).saturating_mul(times).saturating_mul(SUM)
    }

    /// Of none of these trajectories.
    pub fn none(dim: usize, times: usize, trajectories: usize) -> Density {
        Density {
            dim,
            sums: (0..times).map(|_| Mutex::new(vec![0; dim * dim])).collect(),
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
    pub fn sums(&mut self, time: usize) -> &mut Vec<i128> {
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
        let sums = self.sums(time);
        let mean = |i: usize, j: usize| sums[i * dim + j] as f64 / UNITS / n;
        let entry = |i: usize, j: usize| match i.cmp(&j) {
            std::cmp::Ordering::Less => Complex64::new(mean(i, j), -mean(j, i)),
            std::cmp::Ordering::Equal => mean(i, i).into(),
            std::cmp::Ordering::Greater => Complex64::new(mean(j, i), mean(i, j)),
        };
        (0..dim * dim).map(|at| entry(at / dim, at % dim)).collect()
    }

    /// Add the normalised kets of some trajectories at one time. `scratch` keeps its memory between calls.
    pub(super) fn add<'a>(
        &self,
        time: usize,
        kets: impl Iterator<Item = ArrayView1<'a, Complex64>>,
        scratch: &mut Scratch,
    ) {
        scratch.sums.clear();
        scratch.sums.resize(self.dim * self.dim, 0);
        kets.for_each(|ket| scratch.project(ket));
        let mut sums = self.sums[time].lock().expect(NO_PANIC);
        sums.iter_mut().zip(&scratch.sums).for_each(|(sum, part)| *sum += i128::from(*part));
    }

    /// Note that these are in it.
    pub(super) fn count(&self, places: &[usize]) {
        let mut counted = self.counted.lock().expect(NO_PANIC);
        places.iter().for_each(|place| counted[*place] = true);
    }

    /// Add one of other trajectories. Which those are is for the caller to note.
    pub fn join(&mut self, other: &mut Density) {
        for time in 0..self.times() {
            let sums = self.sums(time);
            sums.iter_mut().zip(other.sums(time)).for_each(|(sum, part)| *sum += *part);
        }
    }
}

/// What a thread adds up before it adds it to what all have.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    re: Vec<f64>,
    im: Vec<f64>,
    sums: Vec<i64>,
}

impl Scratch {
    /// Add |psi><psi| of one ket: psi_i conj(psi_j) is re_i re_j + im_i im_j + i (im_i re_j - re_i im_j).
    fn project(&mut self, ket: ArrayView1<Complex64>) {
        self.re.clear();
        self.im.clear();
        self.re.extend(ket.iter().map(|z| z.re));
        self.im.extend(ket.iter().map(|z| z.im));
        for (i, row) in self.sums.chunks_exact_mut(ket.len()).enumerate() {
            let (x, y) = (self.re[i], self.im[i]);
            let (below, above) = row.split_at_mut(i);
            for ((sum, re), im) in below.iter_mut().zip(&self.re).zip(&self.im) {
                *sum += units(y * re - x * im);
            }
            for ((sum, re), im) in above.iter_mut().zip(&self.re[i..]).zip(&self.im[i..]) {
                *sum += units(x * re + y * im);
            }
        }
    }
}

/// The nearest whole number of units of a number between -1 and 1. The addition rounds to it, and the bits of numbers
/// from 2 to 4, taken as whole numbers, go up by one from unit to unit.
fn units(x: f64) -> i64 {
    (x + OFFSET).to_bits().wrapping_sub(OFFSET.to_bits()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array1;

    /// A normalised ket of recognisable numbers.
    fn ket(dim: usize, number: usize) -> Array1<Complex64> {
        let ket = Array1::from_shape_fn(dim, |i| Complex64::new((i * 7 + number) as f64, (number * i) as f64 - 3.0));
        let norm = ket.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        ket / Complex64::from(norm)
    }

    #[test]
    fn units_are_the_nearest() {
        for (x, expected) in [(0.0, 0), (1.0, 1 << 51), (-1.0, -(1 << 51)), (0.5, 1 << 50), (1e-30, 0), (-0.3e-15, -1)]
        {
            assert_eq!(units(x), expected, "{x}");
        }
        // A norm that was rounded up may lead out of the range, by less than anybody sees.
        assert_eq!(units(1.0 + 2.0 * f64::EPSILON), 1 << 51);
    }

    #[test]
    fn it_is_the_mean_of_projectors_in_any_order_and_any_parts() {
        let (dim, count) = (5, 23);
        let kets: Vec<_> = (0..count).map(|number| ket(dim, number)).collect();
        let of = |orders: &[Vec<usize>]| {
            let mut all = Density::none(dim, 1, count);
            for order in orders {
                let mut part = Density::none(dim, 1, count);
                part.add(0, order.iter().map(|number| kets[*number].view()), &mut Scratch::default());
                all.join(&mut part);
                all.count(order);
            }
            let n = all.n();
            (n, all.matrix(0, n))
        };
        let whole: Vec<usize> = (0..count).collect();
        let (n, rho) = of(&[whole.clone()]);
        assert_eq!(n, count as u64);
        for i in 0..dim {
            for j in 0..dim {
                let mean = kets.iter().map(|ket| ket[i] * ket[j].conj()).sum::<Complex64>() / count as f64;
                assert!((rho[i * dim + j] - mean).norm() < 4e-16, "{i} {j}");
                assert_eq!(rho[i * dim + j], rho[j * dim + i].conj());
            }
        }
        let reversed: Vec<usize> = whole.iter().rev().copied().collect();
        assert_eq!(of(&[reversed]), (n, rho.clone()));
        assert_eq!(of(&[whole[9..].to_vec(), vec![], whole[..9].to_vec()]), (n, rho));
        assert!(of(&[]).1.iter().all(|z| z.re.is_nan()));
    }
}
