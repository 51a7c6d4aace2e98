//! The batched engines against the methods written out for one trajectory, and one set of
//! instructions against another.

mod laboratory;

use laboratory::system;
use num_complex::Complex64;
use qsd::input::{Method, TimeGrid};
use qsd::integrator::reference::Reference;
use qsd::integrator::{Form, METHODS, MethodInfo, PathNoise, Problem, Schedule, WienerPath, engine_with};
use qsd::kernel::{Isa, LANES};
use qsd::model::library::{Choices, build, parse};
use qsd::model::{
    Drive, Factor, Function, HilbertSpace, Interpolation, Link, Model, Modulation, Operator, Scalar, TimeFunction,
    coherent, tensor,
};
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
    let mut all = vec![library("absorptive_bistable", 20, 0.01), library("kerr_bistable", 25, 1e-4), awkward, closed];
    all.extend(systems_that_depend_on_time());
    all.extend(linked_systems());
    all
}

/// Steps and breakpoints as in a run: pulses, a staircase, a line and expressions, in H and in the c_ops.
fn systems_that_depend_on_time() -> Vec<(Model, f64)> {
    let choices = Choices { nfock_a: Some(7), ..Choices::default() };
    let mut model = build(&parse("absorptive_bistable").expect("known"), &choices).expect("valid");
    let a = model.space.destroy(0);
    let jm = model.space.embed(1, &Operator::spin_minus(2));
    let i = Complex64::I;
    let turn = |sign: f64| {
        let angle = Scalar::Multiply(Box::new(Scalar::Number(sign * 7.0 * i)), Box::new(Scalar::Time));
        TimeFunction::Expression(Scalar::Call(Function::Exp, Box::new(angle)))
    };
    let pulses = TimeFunction::pulses(&[(0.1034, 0.2, 3.0.into()), (0.2, 0.71, (-1.0).into())]).expect("pulses");
    let times = vec![0.0, 0.333, 0.5, 9.0];
    let values = vec![0.5.into(), 1.5 * i, (1.0 + i) / 2.0, i];
    let table = |kind| TimeFunction::table(times.clone(), values.clone(), kind).expect("a table");
    let drive = |operator: Operator, coefficient| Drive { operator, coefficient };
    model.dynamics.drives = vec![
        drive(&a + &a.dag(), pulses),
        drive((&a.dag() * &jm).scale(i), turn(1.0)),
        drive((&a * &jm.dag()).scale(-i), turn(-1.0)),
        drive(&a.dag() * &a, TimeFunction::Expression(Scalar::Time)),
    ];
    model.dynamics.modulations = vec![
        Modulation { lindblad: 0, coefficient: table(Interpolation::Linear) },
        Modulation { lindblad: 2, coefficient: table(Interpolation::Step) },
    ];
    model.lindblads.push((&a.dag() + &jm.scale(i)).shifted(0.3 * i));
    vec![(model, 0.01)]
}

/// Two small cavities with every kind of link, driven so that both ports carry constants.
fn linked_systems() -> Vec<(Model, f64)> {
    let link = Link::new(0, 2, 0.6, 1.0 / 3.0, Complex64::new(0.6, 0.8)).expect("a link");
    let links = [
        link,
        Link { noise: 0.7, ..link },
        Link { correction: false, noise: 1.3, ..link },
        Link { filter_time: 0.05, ..link },
        Link { reflection: 0.0, transmission: 1.0.into(), ..link },
    ];
    let make = |link: Link| {
        let factors = vec![Factor::fock("a1", 4), Factor::fock("a2", 3)];
        let space = HilbertSpace::new(factors).expect("two cavities");
        let (a, b) = (space.destroy(0), space.destroy(1));
        let kerr = |a: &Operator| &(&a.dag() * a).scale(2.0) + &(&(&a.dag() * &a.dag()) * &(a * a)).scale(-0.5);
        let drive = (&a + &a.dag()).scale(0.7);
        let mut model = system(
            Factor::fock("a", 12),
            &(&kerr(&a) + &kerr(&b)) + &drive,
            vec![
                a.scale(0.9).shifted(Complex64::new(-0.4, 0.2)),
                a.scale(0.5),
                b.scale(1.1).shifted(0.3.into()),
                b.scale(0.4),
            ],
            tensor(&[coherent(4, 0.4.into()), coherent(3, Complex64::new(0.1, -0.3))]),
            vec![],
        );
        (model.space, model.dynamics.link) = (space, Some(link));
        (model, 0.01)
    };
    links.into_iter().map(make).collect()
}

/// The amplitude `r` of `reference`, turned by the global phase between the two kets.
fn aligned(r: &Complex64, reference: &[Complex64], ket: &[Complex64]) -> Complex64 {
    let overlap: Complex64 = reference.iter().zip(ket).map(|(r, k)| r.conj() * k).sum();
    r * overlap / overlap.norm()
}

/// Every method, and `saba` in each of its forms.
fn methods_and_forms() -> Vec<(&'static MethodInfo, Option<Form>)> {
    let forms = |info: &MethodInfo| match info.method {
        Method::Saba => Form::ALL.map(Some).to_vec(),
        _ => vec![None],
    };
    METHODS.iter().flat_map(|info| forms(info).into_iter().map(move |form| (info, form))).collect()
}

#[test]
fn every_engine_integrates_what_the_textbook_says() {
    for (model, h) in models() {
        for keep_constants in [false, true] {
            let grid = TimeGrid::new(20.0 * h * 6.0, 20.0 * h, 20, 0.0).expect("a grid");
            let schedule = Schedule::new(&grid, &model.dynamics.breakpoints());
            let path = WienerPath::sample(3, 0, model.lindblads.len(), h, 120);
            for (info, form) in methods_and_forms() {
                let unravelling = Unravelling::of(&model, keep_constants, info.calculus);
                if !info.takes(&unravelling) {
                    continue;
                }
                let problem = Problem::new(&model, unravelling.clone(), &[], schedule.clone());
                let problem = Arc::new(form.map_or(problem.clone(), |form| problem.in_form(form)));
                let rest = form.map_or(Operator::zero(model.space.dim()), |_| {
                    problem.operator_in_users_basis(&problem.splitting().rest)
                });
                let mut kets: Option<Vec<Vec<Complex64>>> = None;
                for isa in Isa::available() {
                    let mut engine =
                        engine_with(info.method, problem.clone(), Box::new(PathNoise::new(path.clone())), isa);
                    engine.start(0);
                    engine.advance(120);
                    let found: Vec<_> = (0..LANES).map(|lane| engine.ket(lane)).collect();
                    if let Some(kets) = &kets {
                        assert_eq!(*kets, found, "{} on {} gives other bits", info.name, isa.name());
                        continue;
                    }
                    for (lane, ket) in found.iter().enumerate() {
                        let reference = Reference::new(&unravelling, info.method, schedule.clone(), &model.initial);
                        let mut reference = reference.with_rest(rest.clone());
                        for step in 0..120 {
                            let [dxi, tilt] = path.of_lane(step, lane);
                            reference.step(&dxi, &tilt);
                        }
                        let largest =
                            reference.psi.iter().zip(ket).map(|(r, k)| (aligned(r, &reference.psi, ket) - k).norm());
                        let error = largest.fold(0.0, f64::max);
                        assert!(error < 1e-11, "{} {} {form:?} lane {lane}: {error}", model.name, info.name);
                        let norm: f64 = ket.iter().map(|x| x.norm_sqr()).sum();
                        assert!((norm - 1.0).abs() < 1e-12);
                    }
                    kets = Some(found);
                }
            }
        }
    }
}
