//! The heterodyne record: the means it carries, its noise, and that it is what the ket is conditioned on.
#![allow(clippy::unwrap_used, reason = "an unwrap in a test is an assertion")]

mod laboratory;

use laboratory::{run_system, spec, system};
use num_complex::Complex64;
use qsd::ensemble::Ensemble;
use qsd::integrator::{METHODS, MethodInfo};
use qsd::model::{
    Drive, Dynamics, Factor, HilbertSpace, Link, Model, Modulation, Observable, Operator, Scalar, TimeFunction,
    coherent, tensor,
};
use qsd::unravelling::Unravelling;

/// f(t) = 1/2 + t.
fn ramp() -> TimeFunction {
    TimeFunction::Expression(Scalar::Add(Box::new(Scalar::Number(0.5.into())), Box::new(Scalar::Time)))
}

/// A driven cavity whose first c_op grows with time and whose second carries a constant.
fn cavity() -> Model {
    let a = Operator::destroy(8);
    let x = &a + &a.dag();
    let lindblads = vec![a.scale(0.8).shifted(Complex64::new(0.2, 0.1)), a.scale(0.6).shifted((-0.7).into())];
    let start = coherent(8, Complex64::new(0.6, -0.3));
    let kerr = (&(&a.dag() * &a.dag()) * &(&a * &a)).scale(0.5);
    let mut model = system(Factor::fock("a", 8), kerr, lindblads, start, vec![]);
    model.dynamics = Dynamics {
        drives: vec![Drive { operator: x, coefficient: ramp() }],
        modulations: vec![Modulation { lindblad: 0, coefficient: ramp() }],
        link: None,
    };
    model
}

/// Two cavities, the light of the second c_op sent on to the first.
fn pair(noise: f64) -> Model {
    let space = HilbertSpace::new(vec![Factor::fock("a1", 4), Factor::fock("a2", 4)]).unwrap();
    let (a, b) = (space.destroy(0), space.destroy(1));
    let h = &(&a.dag() * &a).scale(1.5) - &(&b.dag() * &b).scale(0.8);
    let lindblads = vec![b.scale(0.9).shifted(0.2.into()), a.shifted((-0.3).into()), a.scale(0.5)];
    let start = tensor(&[coherent(4, 0.4.into()), coherent(4, Complex64::new(-0.2, 0.3))]);
    let mut model = system(Factor::fock("a", 16), h, lindblads, start, vec![]);
    let link = Link::new(1, 0, 0.6, 0.0, Complex64::new(0.6, 0.8)).unwrap();
    (model.space, model.dynamics.link) = (space, Some(Link { noise, ..link }));
    model
}

/// What leaves at every output, without its factor of time, and that factor.
fn outputs(model: &Model) -> Vec<(Operator, Option<TimeFunction>)> {
    let factor = |k| model.dynamics.modulations.iter().find(|m| m.lindblad == k).map(|m| m.coefficient.clone());
    let l = &model.lindblads;
    let light = |k: usize| match &model.dynamics.link {
        Some(link) if k == link.first => l[k].scale(link.reflection),
        Some(link) if k == link.second => &l[k] + &l[link.first].scale(link.transmission),
        _ => l[k].clone(),
    };
    (0..l.len()).map(|k| (light(k), factor(k))).collect()
}

fn observed(mut model: Model) -> Model {
    let outputs = outputs(&model);
    let light = outputs.into_iter().enumerate().map(|(k, (operator, _))| Observable {
        name: format!("out{k}"),
        expression: String::new(),
        label: String::new(),
        latex: String::new(),
        unit: "1".into(),
        description: String::new(),
        quantity: operator.into(),
    });
    model.observables = light.collect();
    model
}

/// The system as a method can integrate it: without its dependence on time where the method needs that.
fn for_method(model: &Model, info: &MethodInfo) -> Option<Model> {
    match (info.constant, &model.dynamics.link) {
        (false, _) => Some(model.clone()),
        (true, None) => Some(Model { dynamics: Dynamics::default(), ..model.clone() }),
        (true, Some(_)) => None,
    }
}

/// With r = record - int conj(<L>) dt over an interval: E[r] = 0, E[|r|^2] = its length, E[r^2] = 0. The integral is taken by
/// the trapezoid over an interval of four steps, which misses the noise of <L> inside it: that is of the order of
/// the interval to the power 3/2, three per cent of r here, and independent of r in the mean.
#[test]
fn the_record_is_the_conjugate_of_the_light_with_the_noise_of_the_vacuum() {
    for (number, model) in [cavity(), pair(1.0), pair(0.0)].into_iter().enumerate() {
        for info in &METHODS {
            let Some(model) = for_method(&model, info) else { continue };
            let line = format!(
                "kerr_qubit --duration 0.4 --save-dt 0.004 --dt 0.001 --ntraj 400 --seed {number} --store-record --method {}",
                info.name
            );
            let found = run_system(observed(model.clone()), &line);
            let (record, dt) = (found.record(), 0.004);
            let [trajectories, intervals, channels] = *record.shape() else { panic!("three axes") };
            assert_eq!((trajectories, intervals, channels), (400, 100, model.lindblads.len()));
            for (channel, (_, factor)) in outputs(&model).iter().enumerate() {
                let light = found.rows(&format!("out{channel}"));
                let at = |k: usize, j: usize| {
                    let f = factor.as_ref().map_or(Complex64::ONE, |f| f.value(found.ensemble.times[j]));
                    (f * light[[k, j]]).conj()
                };
                let (mut mean, mut size, mut square) = (Complex64::ZERO, 0.0, Complex64::ZERO);
                for k in 0..trajectories {
                    for j in 0..intervals {
                        let r = record[[k, j, channel]] - 0.5 * dt * (at(k, j) + at(k, j + 1));
                        mean += r;
                        size += r.norm_sqr();
                        square += r * r;
                    }
                }
                // |r|^2 is exponential with mean dt; each part of r has variance dt/2, those of r^2 have dt^2.
                let n = (trajectories * intervals) as f64;
                let what = format!("model {number}, {}, channel {channel}", info.name);
                let bound = 4.5 / n.sqrt();
                assert!(mean.norm() / n < bound * dt.sqrt(), "{what}: mean {}", mean / n);
                assert!((size / n / dt - 1.0).abs() < bound, "{what}: variance {} of {dt}", size / n);
                assert!(square.norm() / n / dt < bound * 1.5, "{what}: square {}", square / n);
            }
        }
    }
}

/// exp(X) |phi> by its series.
fn exponential(x: &Operator, phi: &[Complex64]) -> Vec<Complex64> {
    let (mut sum, mut term) = (phi.to_vec(), phi.to_vec());
    for order in 1..12 {
        term = x.apply(&term).iter().map(|z| z / f64::from(order)).collect();
        sum.iter_mut().zip(&term).for_each(|(sum, z)| *sum += z);
    }
    sum
}

/// A ket that is driven by the record alone, d|phi> = K |phi> dt + sum_k L_k |phi> dy_k, with K and L_k as the model has them:
/// step by step exp(h K + sum_k L_k dy_k), with functions of time in the middle of the step.
fn conditioned(model: &Model, h: f64, record: &dyn Fn(usize, usize) -> Complex64, steps: usize) -> Vec<Complex64> {
    let as_written = Unravelling::qsd(model, true);
    let outputs = outputs(model);
    let mut phi = model.initial.clone();
    for step in 0..steps {
        let t = (step as f64 + 0.5) * h;
        let mut x = as_written.drift_with(&as_written.values(t)).scale(h);
        for (k, (l, factor)) in outputs.iter().enumerate() {
            let f = factor.as_ref().map_or(Complex64::ONE, |f| f.value(t));
            x = &x + &l.scale(f * record(step, k));
        }
        phi = exponential(&x, &phi);
        let norm = phi.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        phi.iter_mut().for_each(|z| *z /= norm);
    }
    phi
}

/// Both are within their strong errors of the same ket, and an infidelity is a square of errors: h^2 with order 1, h with
/// order 1/2, times what the noise does to states so near to coherent ones. Records without their means, or with two
/// outputs swapped, are told apart by one order of magnitude and more.
#[test]
fn the_ket_can_be_computed_from_the_record_alone() {
    for (number, model) in [cavity(), pair(0.0)].into_iter().enumerate() {
        for info in &METHODS {
            let Some(model) = for_method(&model, info) else { continue };
            let h = 2e-4;
            for gauge in ["removed", "slh"] {
                let line = format!(
                    "kerr_qubit --duration 0.4 --save-dt {h} --dt {h} --ntraj 8 --seed 3 --store-record --store-states final \
                     --gauge {gauge} --method {}",
                    info.name
                );
                let found = run_system(observed(model.clone()), &line);
                let (record, kets) = (found.record(), found.states());
                let steps = record.shape()[1];
                let infidelity = |row: usize, record: &dyn Fn(usize, usize) -> Complex64| {
                    let phi = conditioned(&model, h, record, steps);
                    let ket = kets.index_axis(ndarray::Axis(0), row);
                    1.0 - phi.iter().zip(ket.iter()).map(|(p, k)| p.conj() * k).sum::<Complex64>().norm_sqr()
                };
                let (mut right, mut swapped, mut dark) = (0.0f64, 0.0f64, 0.0f64);
                for row in 0..4 {
                    let seen = |step, k| record[[row, step, k]];
                    right = right.max(infidelity(row, &seen));
                    swapped = swapped.max(infidelity(row, &|step, k| seen(step, [1, 0, 2][k])));
                    let means = |step: usize, k: usize| found.rows(&format!("out{k}"))[[row, step]].conj() * h;
                    dark = dark.max(if row == 0 {
                        infidelity(row, &|step, k| seen(step, k) - means(step, k))
                    } else {
                        0.0
                    });
                }
                let bound = if info.strong_order < 1.0 { 1e-6 } else { 1e-9 };
                assert!(right < bound, "model {number} {} {gauge}: {right}", info.name);
                assert!(swapped > 100.0 * right && dark > 10.0 * right, "{swapped} {dark}");
            }
        }
    }
}

#[test]
fn a_record_of_nothing_is_refused() {
    let refused = |model: Model, line: &str| Ensemble::of_model(spec(line), model).unwrap_err().to_string();
    let closed = Model { lindblads: vec![], dynamics: Dynamics::default(), ..cavity() };
    assert!(refused(closed, "kerr_qubit --store-record").contains("without c_ops"));
    let one = "kerr_qubit --duration 1 --save-dt 0.5 --save-from 1 --store-record --method heun";
    assert!(refused(cavity(), one).contains("only one time is saved; try an earlier --save-from"));
}
