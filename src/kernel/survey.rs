//! What a pass measures while it writes, measured of a batch that something else has written.

use super::batch::Batch;
use super::lane::{Complex, Lane, Part};
use super::lanes::{Complex8, Lanes};
use super::pass::Overlaps;
use super::plan::Plan;

/// Rows are summed into this many accumulators, row r into r mod 4, joined as (0+1)+(2+3): short
/// dependency chains, one fixed order.
const CHAINS: usize = 4;

impl Overlaps {
    /// |psi|^2 and <psi|T_j|psi> of the T_j that are measured.
    #[inline(always)]
    pub fn survey<V: Lane>(&mut self, plan: &Plan, psi: &Batch) {
        self.norm = norm::<V>(psi.rows());
        self.reduced.fill(Complex8::ZERO);
        let rows = psi.guarded();
        for segment in &plan.segments {
            let above = segment.above.iter().map(|above| (above.reduced, 1, Some(above.overlap)));
            let others = segment.overlaps.iter().map(|gather| (gather.reduced, gather.lag, gather.table));
            for (reduced, lag, table) in above.chain(others) {
                let first = psi.guard() + segment.rows.start;
                let later = &rows[first..first + segment.rows.len()];
                let earlier = &rows[first - lag..][..later.len()];
                let table = table.map(|start| &plan.tables[start + segment.rows.start..][..later.len()]);
                for part in V::parts() {
                    let sum = overlap(earlier, later, table, part);
                    Complex::load(&self.reduced[reduced], part).plus(sum).store(&mut self.reduced[reduced], part);
                }
            }
        }
        for (sum, conjugated) in self.reduced.iter_mut().zip(&plan.conjugated) {
            if *conjugated {
                *sum = sum.conj();
            }
        }
    }
}

/// sum conj(earlier) T later.
#[inline(always)]
fn overlap<V: Lane>(earlier: &[Complex8], later: &[Complex8], table: Option<&[f64]>, part: Part<V>) -> Complex<V> {
    let mut chains = [Complex::zero(); CHAINS];
    let whole = later.len() / CHAINS * CHAINS;
    for first in (0..whole).step_by(CHAINS) {
        for (chain, sum) in chains.iter_mut().enumerate() {
            *sum = add_pair(earlier, later, table, first + chain, part, *sum);
        }
    }
    for (row, sum) in (whole..later.len()).zip(&mut chains) {
        *sum = add_pair(earlier, later, table, row, part, *sum);
    }
    chains[0].plus(chains[1]).plus(chains[2].plus(chains[3]))
}

/// conj(earlier) T later of one row, added to `sum`. (A closure would not be compiled for the registers of `V`.)
#[inline(always)]
fn add_pair<V: Lane>(
    earlier: &[Complex8],
    later: &[Complex8],
    table: Option<&[f64]>,
    row: usize,
    part: Part<V>,
    sum: Complex<V>,
) -> Complex<V> {
    let (earlier, mut later) = (Complex::<V>::load(&earlier[row], part), Complex::load(&later[row], part));
    if let Some(table) = table {
        later = later.times_real(V::splat(table[row]));
    }
    earlier.conj_mul_add(later, sum)
}

/// |psi|^2.
#[inline(always)]
pub fn norm<V: Lane>(rows: &[Complex8]) -> Lanes {
    let mut norm = Lanes::ZERO;
    for part in V::parts() {
        let mut chains = [V::splat(0.0); CHAINS];
        let mut fours = rows.chunks_exact(CHAINS);
        for rows in &mut fours {
            for (chain, row) in chains.iter_mut().zip(rows) {
                *chain = Complex::load(row, part).norm_add(*chain);
            }
        }
        for (chain, row) in chains.iter_mut().zip(fours.remainder()) {
            *chain = Complex::load(row, part).norm_add(*chain);
        }
        chains[0].plus(chains[1]).plus(chains[2].plus(chains[3])).store(&mut norm, part);
    }
    norm
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Isa, Kernel, LANES, Lane};
    use crate::model::Operator;
    use num_complex::Complex64;

    struct Survey<'a>(&'a Plan, &'a Batch, &'a mut Overlaps);

    impl Kernel for Survey<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lane, const ROWS: usize>(self) {
            self.2.survey::<V>(self.0, self.1);
        }
    }

    /// Operators above, below and on the diagonal, half-empty ones, and one whose table is all ones.
    #[test]
    fn means_are_those_of_the_channels() {
        let (mode, spin, one) = (Operator::destroy(40), Operator::spin_minus(2), Operator::identity);
        let channels = [
            one(2).kron(&mode),
            spin.kron(&one(40)).dag().scale(Complex64::new(0.0, 0.7)),
            one(2).kron(&(&mode.dag() * &mode)),
            spin.kron(&one(40)),
            one(2).kron(&mode.dag()).shifted(Complex64::new(0.2, -1.0)),
        ];
        let plan = Plan::new(&Operator::zero(80), &channels);
        let mut psi = Batch::zeros(80, plan.guard());
        for lane in 0..LANES {
            let amplitude = |i: usize| Complex64::new(libm::sin((3 * i + lane) as f64), libm::cos((i * lane) as f64));
            psi.set_ket(lane, &(0..80).map(amplitude).collect::<Vec<_>>());
        }
        let mut first = None;
        for isa in Isa::available() {
            let mut seen = Overlaps::new(&plan);
            isa.run(Survey(&plan, &psi, &mut seen));
            for lane in 0..LANES {
                let ket = psi.ket(lane);
                let norm: f64 = ket.iter().map(|z| z.norm_sqr()).sum();
                assert!((seen.norm.0[lane] - norm).abs() < 1e-12 * norm);
                for (k, l) in channels.iter().enumerate() {
                    let mean = plan.expectation(k, &seen.reduced, Lanes::splat(1.0).over(seen.norm)).lane(lane);
                    let exact = l.expect(&ket) / norm;
                    assert!((mean - exact).norm() < 1e-12 * (1.0 + exact.norm()), "<L_{k}> = {mean}, not {exact}");
                }
            }
            assert_eq!(*first.get_or_insert(seen.reduced.clone()), seen.reduced, "{} gives other bits", isa.name());
        }
    }
}
