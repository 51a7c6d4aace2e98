//! Euler-Maruyama steps of a driven Kerr mode and of a mode with a spin, with the plan, the pass and the noise of
//! the program, and an exponential at the end. Prints a digest of everything for each set of instructions of this machine: one and the same
//! everywhere, or a trajectory depends on where it runs.
#![allow(dead_code, unused_imports, reason = "the rooms have more than is used here")]

#[path = "../../../src/kernel/mod.rs"]
mod kernel;

#[path = "."]
mod model {
    #[path = "../../../src/model/operator.rs"]
    mod operator;
    pub use operator::Operator;
}

#[path = "."]
mod integrator {
    #[path = "../../../src/integrator/noise.rs"]
    mod noise;
    #[path = "../../../src/integrator/normal.rs"]
    mod normal;
    #[path = "../../../src/integrator/stream.rs"]
    mod stream;
    pub use noise::*;
    pub use normal::complex_normal;
    pub use stream::{Domain, Streams, stream};
}

use integrator::{Domain, Draws, Noise, StepNoise, StreamNoise};
use kernel::{Batch, Coefficients, Complex8, Exponential, Isa, Kernel, Lane, Lanes, Observables, Overlaps, Pass, Plan};
use model::Operator;
use num_complex::Complex64;

const STEPS: usize = 300;
const H: f64 = 1e-4;

fn main() {
    for isa in Isa::available() {
        let mut hash = 0xcbf2_9ce4_8422_2325u64;
        for (hamiltonian, channels) in [kerr(23), jaynes_cummings(17)] {
            for z in isa.run(Run { isa, hamiltonian, channels }) {
                for x in z.re.0.into_iter().chain(z.im.0) {
                    assert!(x.is_finite());
                    let bytes = x.to_bits().to_le_bytes();
                    hash = bytes.iter().fold(hash, |hash, b| (hash ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
                }
            }
        }
        println!("{hash:016x} {} {}", std::env::consts::ARCH, isa.name());
    }
}

/// H = 3 n - n(n-1)/2 + i (a^dag - a), L = [2 a + 1, a].
fn kerr(nfock: usize) -> (Operator, Vec<Operator>) {
    let a = Operator::destroy(nfock);
    let number = &a.dag() * &a;
    let squeeze = &(&a.dag() * &a.dag()) * &(&a * &a);
    let drive = (&a.dag() - &a).scale(Complex64::I);
    let h = &(&number.scale(3.0) - &squeeze.scale(0.5)) + &drive;
    (h, vec![a.scale(2.0).shifted(-Complex64::ONE), a])
}

/// H = i g (a s_+ - a^dag s_-) + (a + a^dag), L = [a, s_-].
fn jaynes_cummings(nfock: usize) -> (Operator, Vec<Operator>) {
    let a = Operator::identity(2).kron(&Operator::destroy(nfock));
    let lower = Operator::spin_minus(2).kron(&Operator::identity(nfock));
    let exchange = (&(&a * &lower.dag()) - &(&a.dag() * &lower)).scale(1.3 * Complex64::I);
    (&exchange + &(&a + &a.dag()), vec![a, lower])
}

/// One batch from a ket that is everywhere; yields kets, what is measured of them, and the last noise.
struct Run {
    isa: Isa,
    hamiltonian: Operator,
    channels: Vec<Operator>,
}

impl Kernel for Run {
    type Output = Vec<Complex8>;

    #[inline(always)]
    fn run<V: Lane, const ROWS: usize>(self) -> Vec<Complex8> {
        let Run { isa, hamiltonian, channels } = self;
        let damping = |k: Operator, l: &Operator| &k - &(&l.dag() * l).scale(0.5);
        let k = channels.iter().fold(hamiltonian.scale(-Complex64::I), damping);
        let plan = Plan::new(&k, &channels);
        let ket: Vec<Complex64> = (0..plan.dim()).map(|i| Complex64::new(1.0, i as f64) / (2 + i * i) as f64).collect();
        let (mut psi, mut out) = (Batch::zeros(plan.dim(), plan.guard()), Batch::zeros(plan.dim(), plan.guard()));
        psi.fill(&ket);
        let mut seen = Overlaps::new(&plan);
        seen.norm = Lanes::splat(ket.iter().map(|x| x.norm_sqr()).sum());
        for (seen, overlap) in seen.reduced.iter_mut().zip(plan.overlaps_of(&ket)) {
            *seen = Complex8::splat(overlap);
        }
        let draws = Draws { channels: channels.len(), tilt: true };
        let mut noise = StreamNoise::new(Domain::Run, 5, draws, H);
        noise.start(3);
        let mut drawn = StepNoise::zeros(draws);
        let mut coefficients = Coefficients::new(&plan);
        for _ in 0..STEPS {
            noise.draw(isa, &mut drawn);
            let inverse = Lanes::splat(1.0).over(seen.norm);
            let Coefficients { s, g, c, .. } = &mut coefficients;
            plan.start_coefficients(H, c);
            *g = H;
            *s = Complex8::splat(Complex64::ONE);
            for (channel, dxi) in drawn.dxi.iter().enumerate() {
                let mean = plan.expectation(channel, &seen.reduced, inverse);
                plan.add_channel(channel, mean.conj().real_mul_add(Lanes::splat(H), *dxi), s, c);
            }
            let pass = Pass { plan: &plan, coefficients: &coefficients, v: &psi, u: None, acc: None };
            pass.sweep::<V, false, false, true, true>(&mut out, &mut seen);
            std::mem::swap(&mut psi, &mut out);
        }
        let observables = Observables::new([&k, &channels[0]]);
        let mut measured = vec![Complex8::ZERO; observables.len()];
        observables.measure(&psi, Lanes::splat(1.0).over(seen.norm), &mut measured);
        // What `saba` is made of beside the pass.
        let (whole, diagonal) = (Exponential::whole(&k, 0.05), Exponential::diagonal(&k, 0.05));
        whole.apply::<V>(&psi, &mut Batch::zeros(plan.dim(), plan.guard()), &mut out);
        diagonal.apply::<V>(&out, &mut Batch::zeros(plan.dim(), plan.guard()), &mut psi);
        let projection = seen.projection;
        let norm = Complex8 { re: seen.norm, im: Lanes::ZERO };
        let passed = std::mem::replace(&mut seen.reduced, vec![Complex8::ZERO; plan.measured()]);
        seen.survey::<V>(&plan, &psi);
        let kets = psi.rows().iter().chain(&passed).chain(&seen.reduced).chain(&measured);
        kets.chain(&drawn.dxi).chain(&drawn.tilt).copied().chain([projection, norm]).collect()
    }
}
