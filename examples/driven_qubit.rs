//! A model of your own through the library: resonance fluorescence of a driven qubit, compared with
//! the analytic answer at every saved time.
//!
//! ```text
//! H = (Omega/2) (s_plus + s_minus) ,   L = sqrt(gamma) s_minus ,   start in the ground state
//! <n_e>(t) = Omega^2/(gamma^2 + 2 Omega^2) [ 1 - exp(-3 gamma t/4) ( cos(mu t) + 3 gamma/(4 mu) sin(mu t) ) ]
//! mu^2 = Omega^2 - gamma^2/16
//! ```
//!
//! hbar = 1, times in 1/gamma. The answer is the solution of the Bloch equations on resonance, H. C. Torrey,
//! Phys. Rev. 76, 1059 (1949). Run it with `cargo run --release --example driven_qubit`.

use num_complex::Complex64;
use qsd::ensemble::{Conduct, Discard, Ensemble, run};
use qsd::error::Error;
use qsd::input::{RunSpec, TimeGrid};
use qsd::model::{Dynamics, Factor, HilbertSpace, Model, ModelParameter, Observable, Operator};

const OMEGA: f64 = 3.0;
const GAMMA: f64 = 1.0;

fn main() -> Result<(), Error> {
    // H and L need no layout and no step; times, method and seed are the other half of a run.
    let ensemble = Ensemble::of_model(spec()?, driven_qubit()?)?;
    ensemble.check_step()?;

    // One process; `qsd::store::H5Sink` in the place of `Discard` would keep the rows.
    let comm = qsd::comm::solo();
    let mut nobody = |_: &_| {};
    let conduct = Conduct::new(2, &mut nobody);
    let outcome = run(&ensemble, comm.as_ref(), &mut Discard, conduct)?.expect("one process is rank 0");

    println!("   t     <n_e>     standard error   exact");
    let excited = &outcome.summary.observables[0];
    let mut farthest = 0.0f64;
    for (at, t) in ensemble.times.iter().enumerate().skip(1) {
        let (mean, sem) = (excited.mean[at].re, excited.sem[at].re);
        farthest = farthest.max((mean - exact(*t)).abs() / sem);
        println!("{t:5.2}   {mean:.5}   {sem:.5}          {:.5}", exact(*t));
    }
    println!("farthest from the exact answer: {farthest:.1} standard errors");
    // Thirty correlated comparisons: 4.5 standard errors have a chance below 2e-4 to be exceeded.
    assert!(farthest < 4.5, "the mean disagrees with the exact answer");
    Ok(())
}

/// The physics.
fn driven_qubit() -> Result<Model, Error> {
    // Basis of a spin: m = +1/2 (excited), m = -1/2 (ground).
    let space = HilbertSpace::new(vec![Factor::spin("q", 2)])?;
    let lower = Operator::spin_minus(2);
    let raise = lower.dag();
    Ok(Model {
        name: "driven_qubit".into(),
        description: "resonance fluorescence".into(),
        source: "Torrey, Phys. Rev. 76, 1059 (1949)".into(),
        time_unit: "1/gamma".into(),
        hamiltonian: (&raise + &lower).scale(0.5 * OMEGA),
        lindblads: vec![lower.scale(GAMMA.sqrt())],
        lindblad_names: vec![],
        dynamics: Dynamics::default(),
        observables: vec![Observable {
            name: "n_e".into(),
            expression: "q.plus*q.minus".into(),
            label: "⟨σ₊σ₋⟩".into(),
            latex: r"\langle \sigma_+ \sigma_- \rangle".into(),
            unit: "1".into(),
            description: "population of the excited state".into(),
            quantity: (&raise * &lower).into(),
        }],
        initial: vec![Complex64::ZERO, Complex64::ONE],
        parameters: vec![
            ModelParameter::new("Omega", OMEGA, "gamma", "Rabi frequency"),
            ModelParameter::new("gamma", GAMMA, "gamma", "decay rate"),
        ],
        space,
    })
}

/// Everything else that the numbers depend on.
fn spec() -> Result<RunSpec, Error> {
    let (duration, save_dt, steps_per_save) = (6.0, 0.2, 40);
    // The seed, the method and the rest as on a command line that does not name them.
    Ok(RunSpec { ntraj: 4000, ..RunSpec::of_program(TimeGrid::new(duration, save_dt, steps_per_save, 0.0)?) })
}

/// Population of the excited state, from the ground state at t = 0.
fn exact(t: f64) -> f64 {
    let mu = (OMEGA * OMEGA - GAMMA * GAMMA / 16.0).sqrt();
    let steady = OMEGA * OMEGA / (GAMMA * GAMMA + 2.0 * OMEGA * OMEGA);
    steady * (1.0 - (-0.75 * GAMMA * t).exp() * ((mu * t).cos() + 0.75 * GAMMA / mu * (mu * t).sin()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_mean_is_the_exact_answer() {
        super::main().expect("a run");
    }
}
