//! Systems with known answers: laws of single trajectories, which catch a wrong unravelling that
//! ensemble means cannot see, and ensemble means against formulas and exact master equations.

mod laboratory;

use laboratory::{run_line, run_system, system};
use num_complex::Complex64;
use qsd::input::Method;
use qsd::model::{Factor, Model, Operator, coherent};

fn ket(dim: usize, n: usize) -> Vec<Complex64> {
    (0..dim).map(|i| if i == n { Complex64::ONE } else { Complex64::ZERO }).collect()
}

fn real(x: f64) -> Complex64 {
    x.into()
}

/// H = w n, L = sqrt(k) a, start |alpha>.
fn damped_cavity(dim: usize, w: f64, k: f64, initial: Vec<Complex64>) -> Model {
    let a = Operator::destroy(dim);
    let n = &a.dag() * &a;
    let h = n.scale(w);
    system(Factor::fock("a", dim), h, vec![a.scale(k.sqrt())], initial, vec![("a", a), ("n", n)])
}

#[test]
fn a_coherent_state_stays_noise_free() {
    // Every trajectory has <a> = alpha exp(-(iw + k/2) t); a step of order two leaves a spread that falls with h.
    let exact = Complex64::new(-0.3606930750, 0.4176181186);
    let worst = |method: &str, dt: f64| {
        let model = damped_cavity(24, 2.0, 1.0, coherent(24, real(1.5)));
        let line = format!("kerr_bistable --ntraj 32 --duration 2 --save-dt 0.5 --dt {dt} --method {method}");
        let found = run_system(model, &line);
        let rows = found.rows("a");
        let last = rows.ncols() - 1;
        rows.column(last).iter().map(|a| (a - exact).norm()).fold(0.0, f64::max)
    };
    let (coarse, fine, finest) = (worst("heun", 0.02), worst("heun", 0.01), worst("heun", 0.0025));
    println!("largest deviation at h = 0.02, 0.01, 0.0025: {coarse} {fine} {finest}");
    assert!(finest < 2e-4, "largest deviation of a trajectory: {finest}");
    assert!(fine < 0.3 * coarse && finest < 0.08 * fine, "order two: {coarse} {fine} {finest}");
    // What damps it is exact in saba, and a kick finds an eigenstate: nothing is left but the cutoff.
    let exactly = worst("saba", 0.5);
    assert!(exactly < 1e-8, "largest deviation with saba at h = 0.5: {exactly}");
}

#[test]
fn sigma_z_localises_as_it_should() {
    // H = 0, L = sqrt(g) sigma_z, start |+x>: E[z^2] depends on s = 2 g t only, E[<sigma_x>] = exp(-2 g t).
    let sz = Operator::spin_z(2).scale(2.0);
    let sm = Operator::spin_minus(2);
    let sx = &sm + &sm.dag();
    let half = real(0.5f64.sqrt());
    let model =
        system(Factor::spin("j", 2), Operator::zero(2), vec![sz.clone()], vec![half, half], vec![("z", sz), ("x", sx)]);
    let found = run_system(model, "kerr_bistable --ntraj 20000 --duration 4 --save-dt 0.125 --dt 0.0025");
    let z = found.rows("z");
    for (s, exact) in [(0.25, 0.2040542656), (0.5, 0.3501134047), (1.0, 0.5504004908)] {
        let squares: Vec<f64> = z.column(found.at(s / 2.0)).iter().map(|z| z.re * z.re).collect();
        let n = squares.len() as f64;
        let mean = squares.iter().sum::<f64>() / n;
        let sem = (squares.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0) / n).sqrt();
        assert!((mean - exact).abs() < 4.0 * sem, "E[z^2](s = {s}) = {mean} +- {sem}, exact {exact}");
    }
    for t in [0.25, 0.5, 1.0] {
        found.assert_mean("z", t, real(0.0), 4.0);
        found.assert_mean("x", t, real(libm::exp(-2.0 * t)), 4.0);
    }
    // At s = 8 every trajectory has decided; half went up, with a binomial spread of sqrt(n)/2.
    let end = z.column(z.ncols() - 1);
    assert!(end.iter().filter(|z| z.re.abs() > 0.98).count() as f64 > 0.97 * end.len() as f64);
    let up = end.iter().filter(|z| z.re > 0.0).count() as f64;
    let n = end.len() as f64;
    assert!((up - 0.5 * n).abs() < 4.0 * 0.5 * n.sqrt(), "{up} of {n} went up");
}

#[test]
fn the_parametric_oscillator_squeezes_every_trajectory_alike() {
    // H = (i e/2)(a^dag^2 - a^2), L = sqrt(k) a: the conditional variance of X = a + a^dag tends to
    // V = (2 e + sqrt(k^2 + 4 e^2))/k in every trajectory; <n> to 2 e^2/(k^2 - 4 e^2).
    let (k, e, dim) = (1.0, 0.1, 24);
    let a = Operator::destroy(dim);
    let h = (&(&a.dag() * &a.dag()) - &(&a * &a)).scale(Complex64::new(0.0, 0.5 * e));
    let x = &a + &a.dag();
    let n = &a.dag() * &a;
    // Squares of truncated operators are wrong at the cutoff only, where nothing is populated.
    let observables = vec![("xx", &x * &x), ("x", x), ("n", n)];
    let model = system(Factor::fock("a", dim), h, vec![a.scale(f64::sqrt(k))], ket(dim, 0), observables);
    let found = run_system(model, "kerr_bistable --ntraj 4000 --duration 12 --save-dt 1 --dt 0.01");
    let (x, xx) = (found.rows("x"), found.rows("xx"));
    let last = x.ncols() - 1;
    let expected = (2.0 * e + (k * k + 4.0 * e * e).sqrt()) / k;
    assert!((expected - 1.2198039027).abs() < 1e-10);
    for (x, xx) in x.column(last).iter().zip(xx.column(last)) {
        let variance = xx.re - x.re * x.re;
        assert!((variance - expected).abs() < 2e-3, "conditional variance {variance}, {expected}");
    }
    found.assert_mean("n", 12.0, real(2.0 * e * e / (k * k - 4.0 * e * e)), 4.0);
}

#[test]
fn a_fock_state_decays_exponentially() {
    let found = run_system(
        damped_cavity(10, 1.0, 0.2, ket(10, 9)),
        "kerr_bistable --ntraj 2000 --duration 5 --save-dt 0.5 --dt 0.01",
    );
    for t in [0.5, 1.0, 2.5, 5.0] {
        found.assert_mean("n", t, real(9.0 * libm::exp(-0.2 * t)), 4.0);
    }
}

#[test]
fn a_truncated_coherent_state_follows_its_master_equation() {
    // QuTiP 5.3.1, N = 4, H = n, L = 0.5 a, coherent(0.5) in the truncated space, t = 0.1.
    let a = Operator::destroy(4);
    let (x, p) = (&a + &a.dag(), (&a - &a.dag()).scale(-Complex64::I));
    let mut model = damped_cavity(4, 1.0, 0.25, coherent(4, real(0.5)));
    model
        .observables
        .extend(system(Factor::fock("a", 4), a.clone(), vec![], vec![], vec![("x", x), ("p", p)]).observables);
    let found = run_system(model, "kerr_bistable --ntraj 20000 --duration 0.1 --save-dt 0.1 --dt 1e-3");
    for (name, exact) in [("n", 0.24374484), ("x", 0.98134277), ("p", -0.09846265)] {
        found.assert_mean(name, 0.1, real(exact), 4.0);
    }
}

#[test]
fn resonance_fluorescence_reaches_its_steady_state() {
    // H = (W/2) sigma_x, L = sqrt(g) sigma_-: n_e = W^2/(g^2 + 2 W^2) = 1/6 for g = 1, W = 0.5.
    let sm = Operator::spin_minus(2);
    let h = (&sm + &sm.dag()).scale(0.25);
    let excited = &sm.dag() * &sm;
    let model = system(Factor::spin("j", 2), h, vec![sm], ket(2, 1), vec![("e", excited)]);
    let found = run_system(model, "kerr_bistable --ntraj 20000 --duration 15 --save-dt 5 --dt 0.01");
    for t in [10.0, 15.0] {
        found.assert_mean("e", t, real(1.0 / 6.0), 4.0);
    }
}

#[test]
fn stored_kets_are_normalised() {
    let line = "kerr_bistable --Nfock_a 20 --ntraj 8 --duration 0.01 --save-dt 0.002 --dt 1e-4";
    let found = run_line(line);
    let engine_norms = found.rows("n");
    assert_eq!(engine_norms.dim(), (8, 6));
    for method in Method::ALL.iter().map(|method| method.name()) {
        let spec = laboratory::spec(&format!("{line} --method {method}"));
        let ensemble = qsd::ensemble::Ensemble::new(spec).expect("valid");
        let mut engine =
            qsd::integrator::engine(ensemble.spec.method, ensemble.problem.clone(), 1, qsd::kernel::Isa::detect());
        engine.start(0);
        for _ in 0..5 {
            engine.advance(20);
            for lane in 0..8 {
                let norm: f64 = engine.ket(lane).iter().map(|x| x.norm_sqr()).sum();
                assert!((norm - 1.0).abs() < 1e-12, "{method}: {norm}");
            }
        }
    }
}

/// Exact master-equation means (QuTiP 5.3.1 and an independent matrix exponential).
mod exact {
    pub const JC_TIMES: [f64; 10] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
    pub const JC_N: [f64; 10] = [
        0.5651126219,
        0.5280977684,
        0.6250530715,
        0.6824714139,
        0.7239279303,
        0.7660088439,
        0.8128860125,
        0.8630706170,
        0.9143584243,
        0.9655340350,
    ];
    pub const KERR_TIMES: [f64; 5] = [0.02, 0.04, 0.06, 0.1, 0.2];
    pub const KERR_N: [f64; 5] = [2.2167494731, 3.3718382687, 3.1217411870, 2.7114103713, 2.7972926749];
    pub const KERR_X: [f64; 5] = [2.1050811788, 1.6192892357, 1.2442010319, 1.2461342703, 1.2953238029];
    pub const KERR_P: [f64; 5] = [-2.0845480887, -3.1166998131, -2.7868500727, -1.9317879189, -1.7875011049];
}

#[test]
fn absorptive_bistability_follows_its_master_equation() {
    // The default step has a bias below 0.1 % here; 4000 trajectories resolve about 2 %.
    let found = run_line("absorptive_bistable --ntraj 4000 --Nfock_a 40 --duration 10 --save-dt 1");
    for (t, n) in exact::JC_TIMES.iter().zip(exact::JC_N) {
        found.assert_mean("n", *t, real(n), 4.0);
    }
    for (name, t, value) in [
        ("a", 1.0, -0.4585021678),
        ("a", 4.0, -0.5648009106),
        ("jz", 1.0, -0.4156837538),
        ("jz", 3.0, -0.2608744438),
        ("jm", 2.0, -0.2824172864),
        ("aa", 3.0, 0.2282837289),
        ("ajp", 4.0, 0.1490011017),
        ("jx", 1.0, -0.2430342481),
        ("jy", 5.0, 0.0),
    ] {
        found.assert_mean(name, t, real(value), 4.0);
    }
}

#[test]
fn the_kerr_cavity_follows_its_master_equation() {
    // The default step has a bias below 0.1 % in <n>; 4000 trajectories resolve about 2 %.
    for gauge in ["removed", "slh"] {
        let found = run_line(&format!("kerr_bistable --ntraj 4000 --duration 0.2 --save-dt 0.02 --gauge {gauge}"));
        for (i, t) in exact::KERR_TIMES.iter().enumerate() {
            found.assert_mean("n", *t, real(exact::KERR_N[i]), 4.0);
            found.assert_mean("x", *t, real(exact::KERR_X[i]), 4.0);
            found.assert_mean("p", *t, real(exact::KERR_P[i]), 4.0);
        }
    }
}

#[test]
fn the_kerr_qubit_follows_its_master_equation() {
    // Steady <n> = 0.5095562942; relaxation time 1/0.5.
    let found = run_line("kerr_qubit --ntraj 120 --duration 12 --save-dt 2 --save-from 8");
    found.assert_mean("n", 10.0, real(0.5095562942), 4.0);
    found.assert_mean("n", 12.0, real(0.5095562942), 4.0);
}
