//! What a pass measures while it writes, measured of a batch that something else has written.

use super::batch::Batch;
use super::lanes::{Complex8, Lanes};
use super::pass::Overlaps;
use super::plan::{Plan, Table};

/// Rows are summed into this many accumulators, row r into r mod 4, joined as (0+1)+(2+3): short
/// dependency chains, one fixed order.
const CHAINS: usize = 4;

impl Overlaps {
    /// |psi|^2 and <psi|T_j|psi> of the T_j that are measured.
    #[inline(always)]
    pub fn survey(&mut self, plan: &Plan, psi: &Batch) {
        let rows = psi.rows();
        self.norm = norm(rows);
        for (sum, (number, overlap)) in self.reduced.iter_mut().zip(plan.overlaps.iter().enumerate()) {
            let mut chains = [Complex8::ZERO; CHAINS];
            for segment in plan.segments.iter().filter(|segment| segment.overlaps.contains(&number)) {
                let later = &rows[segment.rows.clone()];
                let first = segment.rows.start.saturating_sub(overlap.lag);
                // Rows before the first have no earlier partner, and the table is zero there.
                let skipped = overlap.lag.saturating_sub(segment.rows.start).min(later.len());
                let pairs = rows[first..].iter().zip(&later[skipped..]).enumerate();
                match &overlap.table {
                    Table::Ones => {
                        for (r, (earlier, later)) in pairs {
                            chains[r % CHAINS] = earlier.conj_mul_add(*later, chains[r % CHAINS]);
                        }
                    }
                    Table::Real(table) => {
                        let table = &table[segment.rows.start + skipped..];
                        for ((r, (earlier, later)), t) in pairs.zip(table) {
                            let weighted = later.times_real(Lanes::splat(*t));
                            chains[r % CHAINS] = earlier.conj_mul_add(weighted, chains[r % CHAINS]);
                        }
                    }
                    Table::Imaginary(_) | Table::Complex(..) => unreachable!("reduced operators have real tables"),
                }
            }
            let total = chains[0].plus(chains[1]).plus(chains[2].plus(chains[3]));
            *sum = if overlap.ket_is_later { total } else { total.conj() };
        }
    }
}

/// |psi|^2.
#[inline(always)]
pub fn norm(rows: &[Complex8]) -> Lanes {
    let mut chains = [Lanes::ZERO; CHAINS];
    for (r, z) in rows.iter().enumerate() {
        chains[r % CHAINS] = z.norm_add(chains[r % CHAINS]);
    }
    chains[0].plus(chains[1]).plus(chains[2].plus(chains[3]))
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
            self.2.survey(self.0, self.1);
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
