//! The steps that run when the user names none are stable: for every model and method, more and fewer
//! Fock states, long runs, and in both gauges. A default that the program itself refuses helps nobody.

use qsd::input::{Method, default_step, defaults, steps_per_save};
use qsd::integrator::largest_stable_step;
use qsd::model::library::{Choices, ENTRIES, build, parse};
use qsd::unravelling::Unravelling;

#[test]
fn default_steps_are_stable_at_every_cutoff_and_in_both_gauges() {
    for entry in ENTRIES {
        let usual_drive = if entry.name.starts_with("kerr_bistableB") { "33.25" } else { "21.75" };
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
