//! Nanoseconds per trajectory and step on one core, noise and scalar phase included, beside the same
//! method written out for one trajectory: `cargo bench`.
//!
//! W1 is `absorptive_bistable` with 100 states, W2 `kerr_bistable` with 50. Times are thread time of
//! one core divided by eight lanes; quote ratios, machines differ and are noisy.

use criterion::{Bencher, Criterion, criterion_group, criterion_main};
use qsd::input::Method;
use qsd::integrator::reference::Reference;
use qsd::integrator::{METHODS, Problem, Splitting, WienerPath, engine};
use qsd::kernel::{Isa, LANES};
use qsd::model::library::{Choices, build, parse};
use qsd::unravelling::Unravelling;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Name, regime, Fock states, step of explicit methods and of `saba`, whose exponentials depend on it, of each workload.
const WORKLOADS: [(&str, &str, usize, [f64; 2]); 2] = [
    ("W1 jaynes-cummings 100", "absorptive_bistable", 50, [1e-3, 0.2 / 3.0]),
    ("W2 kerr 50", "kerr_bistable", 50, [1e-5, 5e-4]),
];
/// Steps between two measurements of all observables.
const SAVE_EVERY: u32 = 100;

/// Time `work`, which takes `steps` trajectory steps, so that what is reported is the time of one.
fn per_step(b: &mut Bencher, steps: u32, mut work: impl FnMut()) {
    b.iter_custom(|iterations| {
        let started = Instant::now();
        (0..iterations).for_each(|_| work());
        started.elapsed() / steps
    });
}

fn steps(c: &mut Criterion) {
    for (workload, regime, nfock, [explicit, splitting]) in WORKLOADS {
        let choices = Choices { nfock_a: Some(nfock), ..Choices::default() };
        let model = build(&parse(regime).expect("a known regime"), &choices).expect("a valid model");
        let unravelling = Unravelling::qsd(&model, false);
        let mut group = c.benchmark_group(workload);
        for info in &METHODS {
            let h = if info.method == Method::Saba { splitting } else { explicit };
            let problem = Arc::new(Problem::new(&model, unravelling.clone(), &[], h));
            let channels = problem.plan.channels();
            for isa in Isa::available().into_iter().filter(|isa| isa.has_fma()) {
                let mut engine = engine(info.method, problem.clone(), 1, isa);
                engine.start(0);
                group.bench_function(format!("{} {}", info.name, isa.name()), |b| {
                    per_step(b, LANES as u32 * SAVE_EVERY, || {
                        engine.advance(SAVE_EVERY.into());
                        black_box(engine.measure());
                    });
                });
            }
            let path = WienerPath::sample(1, 0, channels, h, SAVE_EVERY as usize);
            let noise: Vec<_> = (0..SAVE_EVERY as usize).map(|step| path.of_lane(step, 0)).collect();
            let mut reference = Reference::new(&unravelling, info.method, h, &model.initial);
            group.bench_function(format!("{} naive reference, noise given", info.name), |b| {
                per_step(b, SAVE_EVERY, || noise.iter().for_each(|[dxi, tilt]| reference.step(dxi, tilt)));
            });
        }
        group.finish();
        let problem = Problem::new(&model, unravelling.clone(), &[], splitting);
        let Splitting { form, kick, joint, inner, .. } = problem.splitting();
        println!(
            "{workload}: {} vector operations per pass of eight trajectories; a step of saba ({form:?}) has eight over {} and \
             exponentials of {} and {}",
            problem.plan.vector_operations(),
            kick.vector_operations(),
            joint.vector_operations(problem.plan.dim()),
            inner.vector_operations(problem.plan.dim())
        );
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1)).sample_size(20);
    targets = steps
}
criterion_main!(benches);
