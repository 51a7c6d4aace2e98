//! The batched engines against the methods written out for one trajectory, and one set of
//! instructions against another.

use num_complex::Complex64;
use qsd::integrator::reference::Reference;
use qsd::integrator::{METHODS, PathNoise, Problem, WienerPath, engine_with};
use qsd::kernel::{Isa, LANES};
use qsd::model::library::{Choices, build, parse};
use qsd::model::{Model, Operator};
use qsd::unravelling::Unravelling;
use std::sync::Arc;

/// Built-in systems and two made to be awkward: non-commuting channels with constants and complex rates.
fn models() -> Vec<(Model, f64)> {
    let library = |name: &str, nfock: usize, h: f64| {
        let choices = Choices { nfock_a: Some(nfock), ..Choices::default() };
        (build(&parse(name).expect("known"), &choices).expect("valid"), h)
    };
    let mut awkward = library("absorptive_bistable", 6, 0.01);
    let a = awkward.0.space.destroy(0);
    let jm = awkward.0.space.embed(1, &Operator::spin_minus(2));
    let jz = awkward.0.space.embed(1, &Operator::spin_z(2));
    let mixed = &(&a.scale(Complex64::new(0.3, 0.4)) + &jm.scale(Complex64::new(0.0, 0.7))) + &a.dag().scale(0.2);
    awkward.0.lindblads = vec![mixed.shifted(Complex64::new(0.5, -1.0)), jz.scale(0.8), a.clone(), jm.dag()];
    let mut closed = library("kerr_bistable", 12, 1e-4);
    closed.0.lindblads.clear();
    vec![library("absorptive_bistable", 20, 0.01), library("kerr_bistable", 25, 1e-4), awkward, closed]
}

/// The amplitude `r` of `reference`, turned by the global phase between the two kets.
fn aligned(r: &Complex64, reference: &[Complex64], ket: &[Complex64]) -> Complex64 {
    let overlap: Complex64 = reference.iter().zip(ket).map(|(r, k)| r.conj() * k).sum();
    r * overlap / overlap.norm()
}

#[test]
fn every_engine_integrates_what_the_textbook_says() {
    for (model, h) in models() {
        for keep_constants in [false, true] {
            let unravelling = Unravelling::qsd(&model, keep_constants);
            let problem = Arc::new(Problem::new(&model, unravelling.clone(), &[], h));
            let path = WienerPath::sample(3, 0, problem.plan.channels(), h, 120);
            for info in &METHODS {
                let mut kets: Option<Vec<Vec<Complex64>>> = None;
                for isa in Isa::available() {
                    let mut engine = engine_with(info.method, problem.clone(), PathNoise::new(path.clone()), isa);
                    engine.start(0);
                    engine.advance(120);
                    let found: Vec<_> = (0..LANES).map(|lane| engine.ket(lane)).collect();
                    if let Some(kets) = &kets {
                        assert_eq!(*kets, found, "{} on {} gives other bits", info.name, isa.name());
                        continue;
                    }
                    for (lane, ket) in found.iter().enumerate() {
                        let mut reference = Reference::new(&unravelling, info.method, h, &model.initial);
                        for step in 0..120 {
                            let dxi: Vec<_> = (0..problem.plan.channels()).map(|k| path.lane(step, k, lane)).collect();
                            reference.step(&dxi);
                        }
                        let largest =
                            reference.psi.iter().zip(ket).map(|(r, k)| (aligned(r, &reference.psi, ket) - k).norm());
                        let error = largest.fold(0.0, f64::max);
                        assert!(error < 1e-11, "{} {} lane {lane}: {error}", model.name, info.name);
                        let norm: f64 = ket.iter().map(|x| x.norm_sqr()).sum();
                        assert!((norm - 1.0).abs() < 1e-12);
                    }
                    kets = Some(found);
                }
            }
        }
    }
}
