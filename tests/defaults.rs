//! The steps that run when the user names none are stable: for every model and method, more and fewer
//! Fock states, long runs, and in both gauges. A default that the program itself refuses helps nobody.

use qsd::input::{Method, default_step, default_step_of_two, defaults, steps_per_save};
use qsd::integrator::{MethodInfo, largest_stable_step};
use qsd::model::library::{Choices, ENTRIES, Pair, build, parse};
use qsd::unravelling::Unravelling;

#[test]
fn default_steps_are_stable_at_every_cutoff_and_in_both_gauges() {
    for entry in ENTRIES {
        let usual_drive = if entry.name.ends_with("B<alpha0>") { "33.25" } else { "21.75" };
        let regime = parse(&entry.name.replace("<alpha0>", usual_drive)).expect("a regime of the library");
        for halves in [1, 2, 3, 4] {
            let nfock = halves * entry.nfock_a / 2;
            let model = build(&regime, &Choices { nfock_a: Some(nfock), ..Choices::default() }).expect("a model");
            for method in Method::ALL {
                let run = defaults(entry);
                let m = steps_per_save(run.save_dt, default_step(entry, *method, nfock)).expect("a step");
                let h = run.save_dt / m as f64;
                for keep_constants in [false, true] {
                    let drift = Unravelling::qsd(&model, keep_constants).drift;
                    let stable = largest_stable_step(*method, &drift, h, 100.0 * run.duration);
                    assert_eq!(stable, None, "{} Nfock_a {nfock} {} h = {h:e}", entry.name, method.name());
                }
            }
        }
    }
}

/// Two systems: in small spaces, where the matrix of a step is still taken whole.
#[test]
fn default_steps_of_two_systems_are_stable() {
    for (name, nfock) in
        [("kerr_bistable", 12), ("kerr_bistableB33.25", 12), ("kerr_qubit", 10), ("absorptive_bistable", 6)]
    {
        let regime = parse(name).expect("a regime of the library");
        let pair = Pair { reflection: 0.6, eps: 0.5, drive_second: true, ..Pair::default() };
        let model =
            build(&regime, &Choices { nfock_a: Some(nfock), pair: Some(pair), ..Choices::default() }).expect("a model");
        for method in Method::ALL {
            let run = defaults(regime.entry);
            let m = steps_per_save(run.save_dt, default_step_of_two(regime.entry, *method, nfock)).expect("a step");
            let h = run.save_dt / m as f64;
            let calculus = MethodInfo::of(*method).calculus;
            let drift = Unravelling::of(&model, false, calculus).drift;
            let stable = largest_stable_step(*method, &drift, h, 100.0 * run.duration);
            assert_eq!(stable, None, "two {name} Nfock_a {nfock} {} h = {h:e}", method.name());
        }
    }
}
