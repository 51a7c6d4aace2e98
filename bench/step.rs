//! Nanoseconds per trajectory and step on one core, noise and scalar phase included, beside what the core could do:
//! `cargo bench --bench step`.
//!
//! W1 is `absorptive_bistable` with 100 states, W2 `kerr_bistable` with 50, W3 two Kerr cavities in a row with 900.
//! Times are those of one thread divided by eight lanes. Quote ratios of one run: machines differ and are noisy.
//!
//! The table that is printed first measures the peak of the machine, multiply-adds of registers that depend on
//! nothing, and says which share of it a step reaches: vector operations of its passes (`Plan::vector_operations`) over time.
//! Noise and scalar phase count as time and not as operations. `observables` is what measuring all of them every hundred
//! steps adds. Criterion's statistics follow, also of the method as the textbook writes it; `QSD_BENCH=table` stops before them.

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use num_complex::Complex64;
use qsd::input::Method;
use qsd::integrator::reference::Reference;
use qsd::integrator::{METHODS, MethodInfo, Problem, Splitting, WienerPath, engine};
use qsd::kernel::{Isa, Kernel, LANES, Lane, Lanes};
use qsd::model::library::{Choices, build, parse};
use qsd::model::{Factor, HilbertSpace, Model, Observable, Operator, Quantity};
use qsd::unravelling::Unravelling;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Steps between two measurements of all observables.
const SAVE_EVERY: u32 = 100;
/// Timings of which the table gives the median.
const REPEATS: usize = 15;

/// Name and model of each workload, and the step of explicit methods and of `saba`, whose exponentials depend on it.
fn workloads() -> [(&'static str, Model, [f64; 2]); 3] {
    [
        ("W1 jaynes-cummings 100", regime("absorptive_bistable", 50, true), [1e-3, 0.2 / 3.0]),
        ("W2 kerr 50", regime("kerr_bistable", 50, true), [1e-5, 5e-4]),
        ("W3 two kerr 900", two_cavities(30), [1e-5, 5e-4]),
    ]
}

/// The problem of a workload as a method steps it.
fn problem(model: &Model, method: Method, [explicit, splitting]: [f64; 2]) -> Arc<Problem> {
    let h = if method == Method::Saba { splitting } else { explicit };
    Arc::new(Problem::new(model, Unravelling::qsd(model, false), &[], h))
}

/// Vector operations of the passes and exponentials of a step of eight trajectories.
fn operations(problem: &Problem, info: &MethodInfo) -> usize {
    if info.method != Method::Saba {
        return info.passes * problem.plan.vector_operations();
    }
    let (Splitting { kick, joint, inner, .. }, dim) = (problem.splitting(), problem.plan.dim());
    info.passes * kick.vector_operations() + joint.vector_operations(dim) + inner.vector_operations(dim)
}

fn regime(name: &str, nfock: usize, drive: bool) -> Model {
    let choices = Choices { nfock_a: Some(nfock), drive, ..Choices::default() };
    build(&parse(name).expect("a known regime"), &choices).expect("a valid model")
}

/// Two Kerr cavities; what leaves port 1 of the first, which is driven, enters port 1 of the second:
/// L = [L1 + L1', L2, L2'], H = H1 + H1' + Im(L1'^dag L1).
fn two_cavities(nfock: usize) -> Model {
    let [first, second] = [true, false].map(|drive| regime("kerr_bistable", nfock, drive));
    let factors = vec![Factor::fock("a", nfock), Factor::fock("b", nfock)];
    let space = HilbertSpace::new(factors).expect("two small factors");
    let of = |model: &Model, m| -> Vec<Operator> { model.lindblads.iter().map(|l| space.embed(m, l)).collect() };
    let (l, l_second) = (of(&first, 0), of(&second, 1));
    let h = &space.embed(0, &first.hamiltonian) + &space.embed(1, &second.hamiltonian);
    let mut observables = vec![];
    for (m, model) in [&first, &second].into_iter().enumerate() {
        for observable in &model.observables {
            let Quantity::Mean(operator) = &observable.quantity else { continue };
            let (name, quantity) = (format!("{}{m}", observable.name), Quantity::Mean(space.embed(m, operator)));
            observables.push(Observable { name, quantity, ..observable.clone() });
        }
    }
    let mut initial = vec![Complex64::ZERO; nfock * nfock];
    initial[0] = Complex64::ONE;
    Model {
        hamiltonian: &h + &(&l_second[0].dag() * &l[0]).im(),
        lindblads: vec![&l[0] + &l_second[0], l[1].clone(), l_second[1].clone()],
        space,
        observables,
        initial,
        ..first
    }
}

fn fast() -> impl Iterator<Item = Isa> {
    Isa::available().into_iter().filter(|isa| isa.has_fma())
}

/// Multiply-adds of eight f64 that wait for nothing: enough registers in flight to fill the pipes, few enough to stay registers.
struct Peak(usize);

impl Kernel for Peak {
    type Output = ();

    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) {
        let mut sums = [V::splat(1.0); 12];
        let (factor, rest) = (V::splat(black_box(0.999)), V::splat(black_box(1.7e-3)));
        for _ in 0..self.0 * (LANES / V::WIDTH) {
            for sum in &mut sums {
                *sum = sum.mul_add(factor, rest);
            }
        }
        let mut out = Lanes::ZERO;
        for sum in sums {
            for part in V::parts() {
                sum.store(&mut out, part);
            }
            black_box(&out);
        }
    }
}

/// Median of the seconds that `work` takes.
fn median(mut work: impl FnMut()) -> f64 {
    work();
    let mut seconds: Vec<f64> = (0..REPEATS)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[REPEATS / 2]
}

/// The table of the head of this file.
fn table() {
    println!(
        "{:24} {:6} {:8} {:>8} {:>12} {:>12} {:>8}",
        "", "method", "", "ns/step", "observables", "operations", "of peak"
    );
    for (workload, model, steps) in workloads() {
        for info in &METHODS {
            let problem = problem(&model, info.method, steps);
            let operations = operations(&problem, info);
            let saves = (300_000 * SAVE_EVERY as usize / operations.max(3000) / 100 + 1) as u32;
            for isa in fast() {
                const LOOPS: usize = 1_000_000;
                let peak = (12 * LOOPS) as f64 / median(|| isa.run(Peak(LOOPS)));
                let mut engine = engine(info.method, problem.clone(), 1, isa);
                engine.start(0);
                let steps = f64::from(saves * SAVE_EVERY);
                let bare = median(|| (0..saves).for_each(|_| engine.advance(SAVE_EVERY.into()))) / steps;
                let measuring = median(|| {
                    (0..saves).for_each(|_| {
                        black_box(engine.measure());
                    });
                });
                println!(
                    "{workload:24} {:6} {:8} {:8.1} {:10.1} % {operations:12} {:6.0} %",
                    info.name,
                    isa.name(),
                    bare / LANES as f64 * 1e9,
                    100.0 * measuring / (bare * steps),
                    100.0 * operations as f64 / (bare * peak),
                );
            }
        }
    }
    for isa in fast() {
        const LOOPS: usize = 1_000_000;
        let peak = (12 * LOOPS) as f64 / median(|| isa.run(Peak(LOOPS)));
        println!("peak {:8} {:.2} multiply-adds of eight lanes a nanosecond", isa.name(), peak / 1e9);
    }
}

/// Time `work`, which takes `steps` trajectory steps, so that what is reported is the time of one.
fn per_step(b: &mut Bencher, steps: u32, mut work: impl FnMut()) {
    b.iter_custom(|iterations| {
        let started = Instant::now();
        (0..iterations).for_each(|_| work());
        started.elapsed() / steps
    });
}

fn steps(c: &mut Criterion) {
    table();
    if std::env::var("QSD_BENCH").is_ok_and(|what| what == "table") {
        return;
    }
    for (workload, model, steps) in workloads() {
        let mut group = c.benchmark_group(workload);
        for info in &METHODS {
            let problem = problem(&model, info.method, steps);
            for isa in fast() {
                let mut engine = engine(info.method, problem.clone(), 1, isa);
                engine.start(0);
                group.bench_function(format!("{} {}", info.name, isa.name()), |b| {
                    per_step(b, LANES as u32 * SAVE_EVERY, || {
                        engine.advance(SAVE_EVERY.into());
                        black_box(engine.measure());
                    });
                });
            }
            if model.initial.len() > 100 {
                continue;
            }
            let path = WienerPath::sample(1, 0, problem.plan.channels(), problem.h, SAVE_EVERY as usize);
            let noise: Vec<_> = (0..SAVE_EVERY as usize).map(|step| path.of_lane(step, 0)).collect();
            let mut reference = Reference::new(&problem.unravelling, info.method, problem.h, &model.initial);
            group.bench_function(format!("{} naive reference, noise given", info.name), |b| {
                per_step(b, SAVE_EVERY, || noise.iter().for_each(|[dxi, tilt]| reference.step(dxi, tilt)));
            });
        }
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1)).sample_size(20);
    targets = steps
}
criterion_main!(benches);
