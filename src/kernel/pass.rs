//! The pass: what every method is made of.
//!
//! ```text
//! out = b u + ( s + g K + sum_j c_j T_j ) v ;   acc += w out
//! and in the same sweep, per lane:  |out|^2 ,  <out|T_j|out> ,  <v|out>
//! ```
//!
//! s and c_j complex and g real per lane, b and w the same in all lanes. One read of v, one write of
//! out, no intermediate vectors.

use super::batch::Batch;
use super::dispatch::Lane;
use super::lanes::{Complex8, Lanes};
use super::plan::{Plan, Segment, Table, Term};

/// Lane coefficients of a pass.
#[derive(Debug, Clone)]
pub struct Coefficients {
    /// Coefficient of the identity.
    pub s: Complex8,
    /// Coefficient of K.
    pub g: Lanes,
    /// Coefficient of each T_j.
    pub c: Vec<Complex8>,
}

impl Coefficients {
    /// Zero coefficients for a plan.
    pub fn new(plan: &Plan) -> Self {
        Coefficients { s: Complex8::ZERO, g: Lanes::ZERO, c: vec![Complex8::ZERO; plan.reduced()] }
    }
}

/// What a pass measures while it writes, per lane and not divided by the norm.
#[derive(Debug, Clone)]
pub struct Overlaps {
    /// |out|^2.
    pub norm: Lanes,
    /// <out|T_j|out> of the T_j that are measured.
    pub reduced: Vec<Complex8>,
    /// <v|out>; only passes asked for it write it.
    pub projection: Complex8,
}

impl Overlaps {
    /// Room for the overlaps of a plan.
    pub fn new(plan: &Plan) -> Self {
        Overlaps { norm: Lanes::ZERO, reduced: vec![Complex8::ZERO; plan.measured()], projection: Complex8::ZERO }
    }
}

/// One sweep. `U`, `ACC`, `PROJECT` and `SEEN` say at compile time which parts it has; a stage whose norm and overlaps
/// nobody needs goes without `SEEN`.
pub struct Pass<'a> {
    /// The compiled terms.
    pub plan: &'a Plan,
    /// The lane coefficients.
    pub coefficients: &'a Coefficients,
    /// The kets the terms act on.
    pub v: &'a Batch,
    /// b and u, read if `U`.
    pub u: Option<(f64, &'a Batch)>,
    /// w and acc, updated if `ACC`.
    pub acc: Option<(f64, &'a mut Batch)>,
}

impl Pass<'_> {
    /// Sweep over all rows, `ROWS` at a time (the grouping does not change a bit).
    #[inline(always)]
    pub fn sweep<V: Lane, const ROWS: usize, const U: bool, const ACC: bool, const PROJECT: bool, const SEEN: bool>(
        self,
        out: &mut Batch,
        seen: &mut Overlaps,
    ) {
        let Pass { plan, coefficients, v, u, acc } = self;
        let guard = plan.guard();
        debug_assert!(v.guard() == guard && out.guard() == guard);
        let (b, u) = u.map_or((0.0, v), |(b, u)| (b, u));
        let mut nothing = [];
        let (w, acc) = acc.map_or((0.0, &mut nothing[..]), |(w, acc)| (w, acc.guarded_mut()));
        let mut sweep =
            Sweep { plan, coefficients, guard, v: v.guarded(), u: u.guarded(), b, w, out: out.guarded_mut(), acc };
        if SEEN {
            seen.norm = Lanes::ZERO;
            seen.reduced.fill(Complex8::ZERO);
        }
        seen.projection = Complex8::ZERO;
        for segment in &plan.segments {
            let mut row = segment.rows.start;
            while row + ROWS <= segment.rows.end {
                sweep.block::<ROWS, U, ACC, PROJECT, SEEN>(segment, row, seen);
                row += ROWS;
            }
            while row < segment.rows.end {
                sweep.block::<1, U, ACC, PROJECT, SEEN>(segment, row, seen);
                row += 1;
            }
        }
        if !SEEN {
            return;
        }
        // Gathered with the earlier row as the bra; where it is the ket, the conjugate was meant.
        for (sum, overlap) in seen.reduced.iter_mut().zip(&plan.overlaps) {
            if !overlap.ket_is_later {
                *sum = sum.conj();
            }
        }
    }
}

/// The slices of a pass, guard rows included.
struct Sweep<'a> {
    plan: &'a Plan,
    coefficients: &'a Coefficients,
    guard: usize,
    v: &'a [Complex8],
    u: &'a [Complex8],
    b: f64,
    w: f64,
    out: &'a mut [Complex8],
    acc: &'a mut [Complex8],
}

/// `R` consecutive rows from `at`, one bounds check.
#[inline(always)]
fn rows<const R: usize>(x: &[Complex8], at: usize) -> &[Complex8; R] {
    x[at..at + R].try_into().expect("a slice of R rows")
}

/// `R` consecutive table entries from `at`.
#[inline(always)]
fn entries<const R: usize>(x: &[f64], at: usize) -> &[f64; R] {
    x[at..at + R].try_into().expect("a slice of R entries")
}

impl Sweep<'_> {
    /// Rows `row .. row + R`, all in one segment.
    #[inline(always)]
    fn block<const R: usize, const U: bool, const ACC: bool, const PROJECT: bool, const SEEN: bool>(
        &mut self,
        segment: &Segment,
        row: usize,
        seen: &mut Overlaps,
    ) {
        let at = self.guard + row;
        let v = rows::<R>(self.v, at);
        let mut x = [Complex8::ZERO; R];
        add_constant(&self.plan.diagonal, row, v, &mut x);
        for &number in &segment.constant {
            let term = &self.plan.constant[number];
            add_constant(&term.table, row, rows::<R>(self.v, at.wrapping_add_signed(term.offset)), &mut x);
        }
        for x in &mut x {
            *x = x.times_real(self.coefficients.g);
        }
        if U {
            let u = rows::<R>(self.u, at);
            for r in 0..R {
                x[r] = u[r].real_mul_add(Lanes::splat(self.b), x[r]);
            }
        }
        for r in 0..R {
            x[r] = self.coefficients.s.mul_add(v[r], x[r]);
        }
        for &number in &segment.lane_terms {
            let term = &self.plan.lane_terms[number];
            let source = rows::<R>(self.v, at.wrapping_add_signed(term.offset));
            add_lane_term(term, self.coefficients.c[term.reduced], row, source, &mut x);
        }
        self.out[at..at + R].copy_from_slice(&x);
        if ACC {
            let acc = &mut self.acc[at..at + R];
            for r in 0..R {
                acc[r] = x[r].real_mul_add(Lanes::splat(self.w), acc[r]);
            }
        }
        if PROJECT {
            for r in 0..R {
                seen.projection = v[r].conj_mul_add(x[r], seen.projection);
            }
        }
        if !SEEN {
            return;
        }
        for x in &x {
            seen.norm = x.norm_add(seen.norm);
        }
        for &j in &segment.overlaps {
            self.gather::<R>(j, row, &x, &mut seen.reduced[j]);
        }
    }

    /// Add what rows `row .. row + R` complete of sum conj(earlier) T later.
    #[inline(always)]
    fn gather<const R: usize>(&self, j: usize, row: usize, x: &[Complex8; R], sum: &mut Complex8) {
        let overlap = &self.plan.overlaps[j];
        let earlier = rows::<R>(self.out, self.guard + row - overlap.lag);
        let mut total = *sum;
        match &overlap.table {
            Table::Ones => {
                for r in 0..R {
                    total = earlier[r].conj_mul_add(x[r], total);
                }
            }
            Table::Real(table) => {
                let t = entries::<R>(table, row);
                for r in 0..R {
                    total = earlier[r].conj_mul_add(x[r].times_real(Lanes::splat(t[r])), total);
                }
            }
            Table::Imaginary(_) | Table::Complex(..) => unreachable!("reduced operators have real tables"),
        }
        *sum = total;
    }
}

/// x += table v for a part of K.
#[inline(always)]
fn add_constant<const R: usize>(table: &Table, row: usize, v: &[Complex8; R], x: &mut [Complex8; R]) {
    match table {
        Table::Ones => {
            for r in 0..R {
                x[r] = x[r].plus(v[r]);
            }
        }
        Table::Real(re) => {
            let t = entries::<R>(re, row);
            for r in 0..R {
                x[r] = v[r].real_mul_add(Lanes::splat(t[r]), x[r]);
            }
        }
        Table::Imaginary(im) => {
            let t = entries::<R>(im, row);
            for r in 0..R {
                let t = Lanes::splat(t[r]);
                x[r].re = t.neg_mul_add(v[r].im, x[r].re);
                x[r].im = t.mul_add(v[r].re, x[r].im);
            }
        }
        Table::Complex(re, im) => {
            let (re, im) = (entries::<R>(re, row), entries::<R>(im, row));
            for r in 0..R {
                let t = Complex8 { re: Lanes::splat(re[r]), im: Lanes::splat(im[r]) };
                x[r] = t.mul_add(v[r], x[r]);
            }
        }
    }
}

/// x += c table v for a reduced operator.
#[inline(always)]
fn add_lane_term<const R: usize>(term: &Term, c: Complex8, row: usize, v: &[Complex8; R], x: &mut [Complex8; R]) {
    match &term.table {
        Table::Ones => {
            for r in 0..R {
                x[r] = c.mul_add(v[r], x[r]);
            }
        }
        Table::Real(table) => {
            let t = entries::<R>(table, row);
            for r in 0..R {
                x[r] = c.times_real(Lanes::splat(t[r])).mul_add(v[r], x[r]);
            }
        }
        Table::Imaginary(_) | Table::Complex(..) => unreachable!("reduced operators have real tables"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Isa, Kernel, LANES, Lane};
    use crate::model::Operator;
    use num_complex::Complex64;

    /// Reproducible numbers in [-1, 1).
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        }
        fn complex(&mut self) -> Complex64 {
            Complex64::new(self.next(), self.next())
        }
        fn complex8(&mut self) -> Complex8 {
            let mut z = Complex8::ZERO;
            for lane in 0..LANES {
                (z.re.0[lane], z.im.0[lane]) = (self.next(), self.next());
            }
            z
        }
        fn batch(&mut self, plan: &Plan) -> Batch {
            let mut batch = Batch::zeros(plan.dim(), plan.guard());
            for lane in 0..LANES {
                let ket: Vec<_> = (0..plan.dim()).map(|_| self.complex()).collect();
                batch.set_ket(lane, &ket);
            }
            batch
        }
    }

    struct Everything<'a>(
        &'a Plan,
        &'a Coefficients,
        &'a Batch,
        &'a Batch,
        &'a mut Batch,
        &'a mut Batch,
        &'a mut Overlaps,
    );

    impl Kernel for Everything<'_> {
        type Output = ();
        #[inline(always)]
        fn run<V: Lane, const ROWS: usize>(self) {
            let Everything(plan, coefficients, v, u, acc, out, seen) = self;
            let pass = Pass { plan, coefficients, v, u: Some((0.7, u)), acc: Some((-1.3, acc)) };
            pass.sweep::<V, ROWS, true, true, true, true>(out, seen);
        }
    }

    /// Operators that exercise every table and edge: random diagonals, shared ones, constants, half-empty ones.
    fn cases(numbers: &mut Numbers) -> Vec<(Operator, Vec<Operator>)> {
        let mut cases = vec![];
        for dim in [2usize, 3, 7, 40, 61] {
            let mut random = |kept: f64, real: bool| {
                let mut elements = vec![];
                for offset in [-9isize, -3, -1, 0, 1, 2, 5] {
                    if numbers.next() > kept {
                        continue;
                    }
                    for row in 0..dim {
                        let Some(col) = row.checked_add_signed(offset).filter(|c| *c < dim) else { continue };
                        let value = if real { numbers.next().into() } else { numbers.complex() };
                        if (row / 20) % 2 == 0 || offset == 1 {
                            elements.push(((row, col), value));
                        }
                    }
                }
                Operator::from_elements(dim, elements)
            };
            let (k, l) = (random(0.8, false), random(0.4, true));
            let general = random(0.2, false);
            let a = Operator::destroy(dim);
            let phase = Complex64::new(0.6, 0.8);
            let k_with_drive = &k + &a.scale(Complex64::new(0.3, -2.0));
            cases.push((
                k_with_drive,
                vec![a.scale(1.7).shifted(phase), a.scale(phase), l, general, Operator::spin_z(dim)],
            ));
            cases.push((k, vec![]));
        }
        cases
    }

    #[test]
    fn the_pass_is_the_operator_sum_of_the_equation() {
        let numbers = &mut Numbers(7);
        for (number, (k, channels)) in cases(numbers).into_iter().enumerate() {
            // Two more that are applied and not measured: one shares a diagonal with a channel, one is its own.
            let a = Operator::destroy(k.dim());
            let terms = [&a.dag() + &a.scale(Complex64::new(0.2, 0.9)), (&a.dag() * &a).shifted(Complex64::I)];
            let plan = Plan::with_terms(&k, &channels, &terms);
            assert!(plan.measured() < plan.reduced());
            let z: Vec<Complex8> = terms.iter().map(|_| numbers.complex8()).collect();
            let y: Vec<Complex8> = channels.iter().map(|_| numbers.complex8()).collect();
            let g = 0.37;
            let mut coefficients = Coefficients::new(&plan);
            plan.start_coefficients(g, &mut coefficients.c);
            let s = numbers.complex8();
            (coefficients.s, coefficients.g) = (s, Lanes::splat(g));
            for (channel, y) in y.iter().enumerate() {
                plan.add_channel(channel, *y, &mut coefficients.s, &mut coefficients.c);
            }
            for (term, z) in z.iter().enumerate() {
                plan.add_term(term, *z, &mut coefficients.s, &mut coefficients.c);
            }
            let (v, u, acc) = (numbers.batch(&plan), numbers.batch(&plan), numbers.batch(&plan));
            let mut seen: Option<(Batch, Batch, Overlaps)> = None;
            for isa in Isa::available() {
                let (mut out, mut sum) = (Batch::zeros(plan.dim(), plan.guard()), acc.clone());
                let mut overlaps = Overlaps::new(&plan);
                isa.run(Everything(&plan, &coefficients, &v, &u, &mut sum, &mut out, &mut overlaps));
                for lane in 0..LANES {
                    let ket = v.ket(lane);
                    let mut expected: Vec<Complex64> =
                        ket.iter().zip(u.ket(lane)).map(|(v, u)| s.lane(lane) * v + 0.7 * u).collect();
                    for (x, kv) in expected.iter_mut().zip(k.apply(&ket)) {
                        *x += g * kv;
                    }
                    for (l, y) in channels.iter().zip(&y).chain(terms.iter().zip(&z)) {
                        for (x, lv) in expected.iter_mut().zip(l.apply(&ket)) {
                            *x += y.lane(lane) * lv;
                        }
                    }
                    let close = |a: Complex64, b: Complex64| (a - b).norm() < 1e-12 * (1.0 + b.norm());
                    let produced = out.ket(lane);
                    assert!(
                        produced.iter().zip(&expected).all(|(a, b)| close(*a, *b)),
                        "case {number} lane {lane} on {}",
                        isa.name()
                    );
                    let summed = sum.ket(lane).into_iter().zip(acc.ket(lane)).zip(&produced);
                    assert!(summed.into_iter().all(|((sum, acc), x)| close(sum, acc - 1.3 * x)));
                    let norm: f64 = produced.iter().map(|x| x.norm_sqr()).sum();
                    assert!((overlaps.norm.0[lane] - norm).abs() < 1e-12 * norm);
                    let projection: Complex64 = ket.iter().zip(&produced).map(|(v, x)| v.conj() * x).sum();
                    assert!((overlaps.projection.lane(lane) - projection).norm() < 1e-12 * (1.0 + norm));
                    for (k, l) in channels.iter().enumerate() {
                        let mean =
                            plan.expectation(k, &overlaps.reduced, Lanes::splat(1.0).over(overlaps.norm)).lane(lane);
                        let exact = l.expect(&produced) / norm;
                        assert!((mean - exact).norm() < 1e-11 * (1.0 + exact.norm()), "<L_{k}> = {mean}, not {exact}");
                    }
                }
                match &seen {
                    None => seen = Some((out, sum, overlaps)),
                    Some((first, first_sum, first_overlaps)) => {
                        assert_eq!(first.rows(), out.rows(), "{} gives other bits", isa.name());
                        assert_eq!(first_sum.rows(), sum.rows());
                        assert_eq!(first_overlaps.reduced, overlaps.reduced);
                        assert_eq!(first_overlaps.norm, overlaps.norm);
                        assert_eq!(first_overlaps.projection, overlaps.projection);
                    }
                }
            }
        }
    }

    #[test]
    fn a_broken_trajectory_does_not_touch_its_neighbours() {
        let numbers = &mut Numbers(11);
        let a = Operator::destroy(20);
        let plan = Plan::new(&(&a + &a.dag()).scale(-Complex64::I), &[a]);
        let mut coefficients = Coefficients::new(&plan);
        plan.start_coefficients(0.1, &mut coefficients.c);
        (coefficients.s, coefficients.g) = (Complex8::splat(Complex64::ONE), Lanes::splat(0.1));
        let (u, clean) = (numbers.batch(&plan), numbers.batch(&plan));
        let mut dirty = clean.clone();
        dirty.set_ket(3, &[Complex64::new(f64::NAN, f64::INFINITY); 20]);
        let run = |v: &Batch| {
            let (mut out, mut acc) = (Batch::zeros(20, plan.guard()), u.clone());
            let mut seen = Overlaps::new(&plan);
            Isa::detect().run(Everything(&plan, &coefficients, v, &u, &mut acc, &mut out, &mut seen));
            (out, seen)
        };
        let ((clean, c), (dirty, d)) = (run(&clean), run(&dirty));
        for lane in (0..LANES).filter(|lane| *lane != 3) {
            assert_eq!(clean.ket(lane), dirty.ket(lane));
            assert_eq!(c.norm.0[lane], d.norm.0[lane]);
            assert_eq!(c.reduced[0].lane(lane), d.reduced[0].lane(lane));
        }
        assert!(d.norm.0[3].is_nan());
    }
}
