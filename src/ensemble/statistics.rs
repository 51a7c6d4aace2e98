//! Means and spreads over trajectories that do not depend on who computed them.
//!
//! A leaf holds one batch (trajectory numbers 8b .. 8b+7), summed in trajectory order by Welford's
//! recurrence; nodes are joined by Chan's formula along the binary tree over batch numbers: node
//! (level, i) covers batches i 2^level .. (i+1) 2^level. The tree is fixed by the trajectory numbers
//! alone, so any split over ranks and threads, in any order of arrival, gives the same bits.
//!
//! B. P. Welford, Technometrics 4, 419 (1962); T. F. Chan, G. H. Golub and R. J. LeVeque,
//! Am. Stat. 37, 242 (1983).

use super::{Rows, Statistics};
use num_complex::Complex64;
use std::collections::BTreeMap;

/// Which numbers of a row the statistics are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Per observable: Hermitian ones have no imaginary part.
    pub hermitian: Vec<bool>,
    /// Watched factors.
    pub leaks: usize,
    /// Saved times.
    pub times: usize,
}

impl Shape {
    /// Real series with mean and spread: parts of observables, then leaks.
    fn series(&self) -> usize {
        self.hermitian.iter().map(|h| if *h { 1 } else { 2 }).sum::<usize>() + self.leaks
    }

    fn numbers(&self) -> usize {
        self.series() * self.times
    }
}

/// What is kept of a set of trajectories.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Trajectories in it.
    pub n: u64,
    /// Mean of every series at every time.
    mean: Vec<f64>,
    /// Sum of squared deviations from it.
    m2: Vec<f64>,
    /// Largest leak at every time, per watched factor.
    leak_max: Vec<f64>,
    /// Extremes and counts of the guards.
    pub extremes: Extremes,
}

/// Guard quantities of a set of trajectories; joined by maximum and integer sum, so in any order.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Extremes {
    /// Largest relative change of |psi|^2 in a step.
    pub norm_drift: f64,
    /// Largest h * Gamma at a saved time.
    pub h_gamma: f64,
    /// Saved times with h * Gamma above 0.5.
    pub above_half: i64,
    /// Saved times with h * Gamma above 1.
    pub above_one: i64,
    /// Saved times looked at.
    pub samples: i64,
}

impl Node {
    /// Of no trajectory: nothing is known.
    pub fn empty(shape: &Shape) -> Node {
        let nothing = vec![f64::NAN; shape.numbers()];
        let leak_max = vec![f64::NAN; shape.leaks * shape.times];
        Node { n: 0, mean: nothing.clone(), m2: nothing, leak_max, extremes: Extremes::default() }
    }

    /// The leaf of one batch, rows in trajectory order.
    pub fn leaf(shape: &Shape, rows: &Rows) -> Node {
        let numbers = shape.numbers();
        let mut node = Node {
            n: 0,
            mean: vec![0.0; numbers],
            m2: vec![0.0; numbers],
            leak_max: vec![f64::NEG_INFINITY; shape.leaks * shape.times],
            extremes: Extremes::default(),
        };
        for row in 0..rows.info.len() {
            node.n += 1;
            let n = node.n as f64;
            let mut at = 0;
            let mut add = |x: f64| {
                let delta = x - node.mean[at];
                node.mean[at] += delta / n;
                node.m2[at] += delta * (x - node.mean[at]);
                at += 1;
            };
            for (values, hermitian) in rows.expect.iter().zip(&shape.hermitian) {
                values.row(row).iter().for_each(|x| add(x.re));
                if !hermitian {
                    values.row(row).iter().for_each(|x| add(x.im));
                }
            }
            for values in &rows.leak {
                values.row(row).iter().for_each(|x| add(*x));
            }
            let leaks = rows.leak.iter().flat_map(|values| values.row(row).to_vec());
            for (max, x) in node.leak_max.iter_mut().zip(leaks) {
                *max = max.max(x);
            }
            let info = &rows.info[row];
            node.extremes = node.extremes.join(Extremes {
                norm_drift: info.norm_drift,
                h_gamma: info.h_gamma,
                above_half: info.h_gamma_above_half,
                above_one: info.h_gamma_above_one,
                samples: shape.times as i64,
            });
        }
        node
    }

    /// The node of both halves, lower batch numbers first.
    pub fn join(mut self, right: Node) -> Node {
        let (a, b) = (self.n as f64, right.n as f64);
        let n = a + b;
        for ((mean, m2), (right_mean, right_m2)) in
            self.mean.iter_mut().zip(&mut self.m2).zip(right.mean.iter().zip(&right.m2))
        {
            let delta = right_mean - *mean;
            *mean += delta * (b / n);
            *m2 += right_m2 + delta * delta * (a * b / n);
        }
        for (max, x) in self.leak_max.iter_mut().zip(&right.leak_max) {
            *max = max.max(*x);
        }
        self.extremes = self.extremes.join(right.extremes);
        self.n += right.n;
        self
    }

    /// Mean, spread and standard error per observable.
    pub fn statistics(&self, shape: &Shape) -> Vec<Statistics> {
        let mut at = 0;
        let mut next = || {
            let series = self.series(at, shape.times);
            at += 1;
            series
        };
        let zero = || [vec![0.0; shape.times], vec![0.0; shape.times], vec![0.0; shape.times]];
        shape
            .hermitian
            .iter()
            .map(|hermitian| {
                let [mean, std, sem] = next();
                let [mean_im, std_im, sem_im] = if *hermitian { zero() } else { next() };
                let complex = |re: Vec<f64>, im: Vec<f64>| {
                    re.into_iter().zip(im).map(|(re, im)| Complex64::new(re, im)).collect()
                };
                Statistics { mean: complex(mean, mean_im), traj_std: complex(std, std_im), sem: complex(sem, sem_im) }
            })
            .collect()
    }

    /// Ensemble mean and largest value of every watched population.
    pub fn leaks(&self, shape: &Shape) -> Vec<(Vec<f64>, Vec<f64>)> {
        let first = shape.series() - shape.leaks;
        (0..shape.leaks)
            .map(|leak| {
                let [mean, ..] = self.series(first + leak, shape.times);
                (mean, self.leak_max[leak * shape.times..(leak + 1) * shape.times].to_vec())
            })
            .collect()
    }

    /// Mean, spread (ddof = 1) and standard error of one series; with one trajectory the last two are NaN.
    fn series(&self, number: usize, times: usize) -> [Vec<f64>; 3] {
        let range = number * times..(number + 1) * times;
        let n = self.n as f64;
        let std: Vec<f64> = self.m2[range.clone()].iter().map(|m2| (m2 / (n - 1.0)).sqrt()).collect();
        let sem = std.iter().map(|std| std / n.sqrt()).collect();
        [self.mean[range].to_vec(), std, sem]
    }

    fn to_bytes(&self, out: &mut Vec<u8>) {
        out.extend(self.n.to_le_bytes());
        for x in self.mean.iter().chain(&self.m2).chain(&self.leak_max) {
            out.extend(x.to_le_bytes());
        }
        let e = &self.extremes;
        out.extend(e.norm_drift.to_le_bytes());
        out.extend(e.h_gamma.to_le_bytes());
        for count in [e.above_half, e.above_one, e.samples] {
            out.extend(count.to_le_bytes());
        }
    }

    fn from_words(shape: &Shape, words: &mut impl Iterator<Item = u64>) -> Node {
        let mut next = || words.next().expect("a rank sends whole nodes");
        let n = next();
        let mut reals = |count: usize| -> Vec<f64> { (0..count).map(|_| f64::from_bits(next())).collect() };
        let (mean, m2) = (reals(shape.numbers()), reals(shape.numbers()));
        let leak_max = reals(shape.leaks * shape.times);
        let [norm_drift, h_gamma] = [f64::from_bits(next()), f64::from_bits(next())];
        let [above_half, above_one, samples] = [next() as i64, next() as i64, next() as i64];
        Node { n, mean, m2, leak_max, extremes: Extremes { norm_drift, h_gamma, above_half, above_one, samples } }
    }
}

impl Extremes {
    fn join(self, b: Extremes) -> Extremes {
        Extremes {
            norm_drift: self.norm_drift.max(b.norm_drift),
            h_gamma: self.h_gamma.max(b.h_gamma),
            above_half: self.above_half + b.above_half,
            above_one: self.above_one + b.above_one,
            samples: self.samples + b.samples,
        }
    }
}

/// The nodes a rank holds: as few as the batch numbers it has seen allow.
#[derive(Debug, Clone, Default)]
pub struct Forest {
    /// (level, index) -> node; two siblings never stand side by side.
    nodes: BTreeMap<(u32, u64), Node>,
}

impl Forest {
    /// Add the leaf of batch `batch`.
    pub fn add(&mut self, batch: u64, leaf: Node) {
        self.insert(0, batch, leaf);
    }

    fn insert(&mut self, mut level: u32, mut index: u64, mut node: Node) {
        while let Some(sibling) = self.nodes.remove(&(level, index ^ 1)) {
            node = if index & 1 == 1 { sibling.join(node) } else { node.join(sibling) };
            (level, index) = (level + 1, index >> 1);
        }
        self.nodes.insert((level, index), node);
    }

    /// The node of everything: missing batches count as empty, so a node without a sibling moves up as it is.
    pub fn root(mut self) -> Option<Node> {
        while self.nodes.len() > 1 {
            let ((level, index), node) = self.nodes.pop_first()?;
            self.insert(level + 1, index >> 1, node);
        }
        self.nodes.pop_first().map(|(_, node)| node)
    }

    /// Everything as bytes, to be sent to rank 0.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![];
        for ((level, index), node) in &self.nodes {
            out.extend(u64::from(*level).to_le_bytes());
            out.extend(index.to_le_bytes());
            node.to_bytes(&mut out);
        }
        out
    }

    /// Add the nodes of another rank, as `to_bytes` wrote them.
    pub fn add_bytes(&mut self, shape: &Shape, bytes: &[u8]) {
        let mut words =
            bytes.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().expect("eight bytes"))).peekable();
        while let Some(level) = words.next() {
            let index = words.next().expect("a rank sends whole nodes");
            let node = Node::from_words(shape, &mut words);
            self.insert(level as u32, index, node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::RowInfo;
    use ndarray::Array2;

    fn shape() -> Shape {
        Shape { hermitian: vec![true, false], leaks: 1, times: 3 }
    }

    /// Rows of batch `b` with reproducible numbers.
    fn rows(batch: u64, count: usize) -> Rows {
        let value = |row: usize, time: usize, k: u64| {
            let x = (batch * 8 + row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(k * 77 + time as u64);
            ((x ^ (x >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1u64 << 53) as f64
        };
        let complex =
            |k: u64| Array2::from_shape_fn((count, 3), |(r, t)| Complex64::new(value(r, t, k), value(r, t, k + 1)));
        let info = RowInfo { norm_drift: value(0, 0, 9), h_gamma_above_half: batch as i64, ..RowInfo::default() };
        Rows {
            first: batch * 8,
            expect: vec![complex(0), complex(2)],
            leak: vec![Array2::from_shape_fn((count, 3), |(r, t)| value(r, t, 5))],
            states: None,
            record: None,
            info: vec![info; count],
        }
    }

    fn leaf(batch: u64) -> Node {
        Node::leaf(&shape(), &rows(batch, if batch == 12 { 3 } else { 8 }))
    }

    #[test]
    fn any_split_and_any_order_give_the_same_bits() {
        let batches: Vec<u64> = (2..13).collect();
        let mut straight = Forest::default();
        batches.iter().for_each(|b| straight.add(*b, leaf(*b)));
        let expected = straight.root().expect("leaves");
        for split in
            [vec![2..13, 13..13], vec![2..5, 5..13], vec![2..3, 3..9, 9..9, 9..13], (2..13).map(|b| b..b + 1).collect()]
        {
            let mut all = Forest::default();
            for (number, range) in split.into_iter().enumerate() {
                let mut mine = Forest::default();
                let order: Vec<u64> = if number % 2 == 0 { range.clone().rev().collect() } else { range.collect() };
                order.into_iter().for_each(|b| mine.add(b, leaf(b)));
                all.add_bytes(&shape(), &mine.to_bytes());
            }
            assert_eq!(all.root().expect("leaves"), expected);
        }
    }

    #[test]
    fn the_statistics_are_those_of_the_textbook() {
        let mut forest = Forest::default();
        (2..13).for_each(|b| forest.add(b, leaf(b)));
        let root = forest.root().expect("leaves");
        let all: Vec<Rows> = (2..13).map(|b| rows(b, if b == 12 { 3 } else { 8 })).collect();
        let n = 83.0;
        assert_eq!(root.n, 83);
        let statistics = root.statistics(&shape());
        for time in 0..3 {
            let of = |part: fn(&Complex64) -> f64, k: usize| {
                let xs: Vec<f64> =
                    all.iter().flat_map(|r| r.expect[k].column(time).iter().map(part).collect::<Vec<_>>()).collect();
                let mean = xs.iter().sum::<f64>() / n;
                let var = xs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0);
                (mean, var.sqrt(), (var / n).sqrt())
            };
            let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-13, "{a} {b}");
            let (mean, std, sem) = of(|z| z.im, 1);
            close(statistics[1].mean[time].im, mean);
            close(statistics[1].traj_std[time].im, std);
            close(statistics[1].sem[time].im, sem);
            close(statistics[0].mean[time].re, of(|z| z.re, 0).0);
            assert_eq!(statistics[0].mean[time].im, 0.0);
            let (leak_mean, leak_max) = &root.leaks(&shape())[0];
            let leaks: Vec<f64> = all.iter().flat_map(|r| r.leak[0].column(time).to_vec()).collect();
            close(leak_mean[time], leaks.iter().sum::<f64>() / n);
            assert_eq!(leak_max[time], leaks.iter().fold(0.0, |a: f64, b| a.max(*b)));
        }
        assert_eq!(root.extremes.samples, 83 * 3);
        assert_eq!(root.extremes.above_half, (2..12).map(|b| b * 8).sum::<i64>() + 36);
    }

    #[test]
    fn a_forest_stays_small() {
        let mut forest = Forest::default();
        for batch in 0..1000 {
            forest.add(batch, leaf(batch));
            assert!(forest.nodes.len() <= 10);
        }
    }

    #[test]
    fn one_trajectory_has_a_mean_and_no_spread() {
        let node = Node::leaf(&shape(), &rows(0, 1));
        let found = &node.statistics(&shape())[0];
        assert!(found.mean[0].re.is_finite() && found.traj_std[0].re.is_nan() && found.sem[0].re.is_nan());
    }
}
