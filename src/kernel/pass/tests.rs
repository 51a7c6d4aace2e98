//! The pass against the operators of the equation, and its bits against themselves.

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

struct Everything<'a>(&'a Plan, &'a Coefficients, &'a Batch, &'a Batch, &'a mut Batch, &'a mut Batch, &'a mut Overlaps);

impl Kernel for Everything<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let Everything(plan, coefficients, v, u, acc, out, seen) = self;
        let pass = Pass { plan, coefficients, v, u: Some((0.7, u)), acc: Some((-1.3, acc)) };
        pass.sweep::<V, true, true, true, true>(out, seen);
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
        cases
            .push((k_with_drive, vec![a.scale(1.7).shifted(phase), a.scale(phase), l, general, Operator::spin_z(dim)]));
        cases.push((k, vec![]));
        // What the window is for: a driven damped mode, in its frame and detuned; and with a second diagonal above.
        let number = &a.dag() * &a;
        for diagonal in [Complex64::from(-0.7), Complex64::new(-0.7, 1.9), Complex64::I] {
            let k = &number.scale(diagonal) + &a.dag().scale(0.3);
            cases.push((k.clone(), vec![a.scale(1.7)]));
            cases.push((&k + &a.dag().scale(phase), vec![a.scale(1.7), &(&number * &a) + &a.dag()]));
        }
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
        (coefficients.s, coefficients.g) = (s, g);
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
                    let mean = plan.expectation(k, &overlaps.reduced, Lanes::splat(1.0).over(overlaps.norm)).lane(lane);
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

struct Bare<'a>(&'a Plan, &'a Coefficients, &'a Batch, &'a mut Batch, &'a mut Overlaps, bool);

impl Kernel for Bare<'_> {
    type Output = ();
    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let Bare(plan, coefficients, v, out, seen, measures) = self;
        let pass = Pass { plan, coefficients, v, u: None, acc: None };
        match measures {
            true => pass.sweep::<V, false, false, false, true>(out, seen),
            false => pass.sweep::<V, false, false, false, false>(out, seen),
        }
    }
}

#[test]
fn a_pass_that_measures_nothing_writes_the_same_bits() {
    let numbers = &mut Numbers(13);
    let mut windows = [0; 3];
    for (k, channels) in cases(numbers) {
        let plan = Plan::new(&k, &channels);
        for segment in &plan.segments {
            windows[usize::from(segment.above.is_some()) + usize::from(segment.below.is_some())] += 1;
        }
        let mut coefficients = Coefficients::new(&plan);
        coefficients.c.iter_mut().for_each(|c| *c = numbers.complex8());
        (coefficients.s, coefficients.g) = (numbers.complex8(), 0.21);
        let v = numbers.batch(&plan);
        for isa in Isa::available() {
            let run = |measures| {
                let mut out = Batch::zeros(plan.dim(), plan.guard());
                let mut seen = Overlaps::new(&plan);
                seen.norm = Lanes::splat(7.0);
                isa.run(Bare(&plan, &coefficients, &v, &mut out, &mut seen, measures));
                (out, seen)
            };
            let ((measured, seen), (bare, untouched)) = (run(true), run(false));
            assert_eq!(measured.rows(), bare.rows());
            let norm: f64 = measured.ket(5).iter().map(|x| x.norm_sqr()).sum();
            assert!((seen.norm.0[5] - norm).abs() < 1e-12 * norm);
            assert_eq!(untouched.norm, Lanes::splat(7.0));
        }
    }
    assert!(windows.iter().all(|count| *count > 3), "every form of the window is met: {windows:?}");
}

#[test]
fn a_broken_trajectory_does_not_touch_its_neighbours() {
    let numbers = &mut Numbers(11);
    let a = Operator::destroy(20);
    let plan = Plan::new(&(&a + &a.dag()).scale(-Complex64::I), &[a]);
    let mut coefficients = Coefficients::new(&plan);
    plan.start_coefficients(0.1, &mut coefficients.c);
    (coefficients.s, coefficients.g) = (Complex8::splat(Complex64::ONE), 0.1);
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
