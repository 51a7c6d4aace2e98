//! Rows as the file holds them: flat values of consecutive trajectories, and their checksums.
//!
//! The writer hashes what it is about to write and the reader what it has read, both through
//! `fold`, dataset by dataset in the order of `layout::checked`, so that the two cannot differ.

use super::checksum::Fnv;
use num_complex::Complex64;
use std::ops::Range;

/// Consecutive rows of one dataset, row after row.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// f64.
    Real(Vec<f64>),
    /// {r, i} of f64.
    Complex(Vec<Complex64>),
    /// i64.
    Signed(Vec<i64>),
    /// u64.
    Unsigned(Vec<u64>),
}

impl Block {
    /// Take the little-endian bytes of every row into the checksum of that row.
    pub fn fold(&self, sums: &mut [Fnv]) {
        match self {
            Block::Real(values) => fold(sums, values, |sum, x| sum.update(&x.to_le_bytes())),
            Block::Complex(values) => fold(sums, values, |sum, z| {
                sum.update(&z.re.to_le_bytes());
                sum.update(&z.im.to_le_bytes());
            }),
            Block::Signed(values) => fold(sums, values, |sum, n| sum.update(&n.to_le_bytes())),
            Block::Unsigned(values) => fold(sums, values, |sum, n| sum.update(&n.to_le_bytes())),
        }
    }

    /// Some of the `count` rows it holds.
    pub fn part(&self, rows: Range<usize>, count: usize) -> Block {
        let width = self.len() / count.max(1);
        let values = rows.start * width..rows.end * width;
        match self {
            Block::Real(all) => Block::Real(all[values].to_vec()),
            Block::Complex(all) => Block::Complex(all[values].to_vec()),
            Block::Signed(all) => Block::Signed(all[values].to_vec()),
            Block::Unsigned(all) => Block::Unsigned(all[values].to_vec()),
        }
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Block::Real(values) => values.len(),
            Block::Complex(values) => values.len(),
            Block::Signed(values) => values.len(),
            Block::Unsigned(values) => values.len(),
        }
    }
}

fn fold<T>(sums: &mut [Fnv], values: &[T], take: impl Fn(&mut Fnv, &T)) {
    let width = values.len() / sums.len();
    if width == 0 {
        return;
    }
    for (sum, row) in sums.iter_mut().zip(values.chunks_exact(width)) {
        row.iter().for_each(|value| take(sum, value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_the_same_checksum_alone_and_in_a_batch() {
        let (mut both, mut second) = ([Fnv::new(); 2], [Fnv::new(); 1]);
        Block::Real(vec![1.0, 2.0, 3.0, 4.0]).fold(&mut both);
        Block::Unsigned(vec![5, 6]).fold(&mut both);
        Block::Real(vec![3.0, 4.0]).fold(&mut second);
        Block::Unsigned(vec![6]).fold(&mut second);
        assert_eq!(both[1].finish(), second[0].finish());
        assert_ne!(both[0].finish(), second[0].finish());
    }

    #[test]
    fn one_flipped_bit_shows() {
        let sum = |x: f64| {
            let mut sums = [Fnv::new()];
            Block::Complex(vec![Complex64::new(0.5, x)]).fold(&mut sums);
            sums[0].finish()
        };
        assert_ne!(sum(1.0), sum(f64::from_bits(1.0f64.to_bits() ^ 1)));
    }
}
