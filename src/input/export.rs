//! A built-in regime as a model file that gives the same bits.
//!
//! The formulas are those of the library in the same order of operations: products in brackets where the
//! library multiplies operators first, Im(...) where it composes a drive with a port.

use super::model_file::{link_toml, quoted};
use super::{Method, default_step, defaults};
use crate::model::library::{self, Choices, Family, Pair, Regime};
use crate::model::{Model, ModelError};

/// The text of the file; `qsd run FILE` is then `qsd run NAME`.
///
/// # Errors
/// Those of building the model.
pub fn as_model_file(regime: &Regime) -> Result<String, ModelError> {
    let model = library::build(regime, &Choices::default())?;
    let numbers = library::numbers(regime, &[])?;
    let (h, c_ops, initial, derived): (_, &[&str], _, &[(&str, &str)]) = match regime.entry.family {
        Family::JaynesCummings => (
            "-1i*g0*(a*j.plus - a.dag*j.minus) + Delta*j.z + Theta*(a.dag*a) + Im(Omega*(sqrt(kappa)*a).dag)",
            &["sqrt(kappa)*a + Omega", "sqrt(gamma)*j.minus"],
            "a.fock(0)*j.up",
            &[
                ("kappa", "2*kn"),
                ("gamma", "2/sqrt(2*J)"),
                ("g0n", "sqrt(2*kn*Cn)"),
                ("g0", "-g0n/sqrt(2*J)"),
                ("Omega", "yn*kn/sqrt(2)/g0n/sqrt(2*kn)"),
            ],
        ),
        Family::Kerr => (
            "Delta*(a.dag*a) + 0.5*chi*((a.dag*a.dag)*(a*a)) + Im(-alpha0*(sqrt(kappa1)*a).dag)",
            &["sqrt(kappa1)*a - alpha0", "sqrt(kappa2)*a"],
            "a.fock(0)",
            &[],
        ),
        Family::EmptyThenKerr => (
            "Delta*(a.dag*a) + 0.5*chi*((a.dag*a.dag)*(a*a))",
            &["-alpha0", "sqrt(kappa1)*a", "sqrt(kappa2)*a"],
            "a.fock(0)",
            &[],
        ),
    };
    let listed: Vec<String> = c_ops.iter().map(|op| quoted(op)).collect();
    let mut text = format!(
        "# {}, as `qsd models --toml {}` writes it: the same bits as the built-in model.\n\n",
        regime.name, regime.name
    );
    for (key, words) in [("name", &regime.name), ("description", &model.description), ("source", &model.source)] {
        text += &format!("{key} = {}\n", quoted(words));
    }
    text += &format!("\nH = {}\nc_ops = [{}]\ninitial = {}\n", quoted(h), listed.join(", "), quoted(initial));
    text += "\n[space]\n";
    for factor in &model.space.factors {
        text += &format!("{} = {}\n", factor.name, super::model_file::factor_toml(factor));
    }
    text += "\n[parameters]\n";
    for number in &numbers {
        text += &format!("{} = {:?}  # {}\n", number.name, number.value, number.description);
    }
    for (name, formula) in derived {
        text += &format!("{name} = {}\n", quoted(formula));
    }
    text += &observables(&model);
    if model.dynamics.link.is_some() {
        // A regime that is linked by itself has a plain link, as the flags between two systems have their defaults.
        text += &link_toml(&Pair::default(), ["1", "2"]);
    }
    let method = Method::default_of(model.dynamics.is_constant());
    let (run, dt) = (defaults(regime.entry), default_step(regime.entry, method, regime.entry.nfock_a));
    text += &format!("\n[run]\nduration = {:?}\nsave_dt = {:?}\n", run.duration, run.save_dt);
    text += &format!("dt = {dt:?}  # for {}, and this number of Fock states\n", method.name());
    Ok(text)
}

fn observables(model: &Model) -> String {
    let row = |o: &crate::model::Observable| {
        let words = [("op", &o.expression), ("label", &o.label), ("latex", &o.latex), ("description", &o.description)];
        let words: Vec<String> = words.iter().map(|(key, text)| format!("{key} = {}", quoted(text))).collect();
        format!("{} = {{ {} }}\n", o.name, words.join(", "))
    };
    format!("\n[e_ops]\n{}", model.observables.iter().map(row).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::model_file::{Overrides, Source, read};
    use crate::model::Operator;
    use std::path::Path;

    /// Bit for bit, but for the sign of zeros.
    fn same(a: &Operator, b: &Operator, what: &str) {
        assert_eq!(a, b, "{what}");
    }

    #[test]
    fn every_element_is_that_of_the_library() {
        for name in [
            "absorptive_bistable",
            "kerr_bistable",
            "kerr_bistableA7.3",
            "kerr_bistableB33.25",
            "kerr_qubit",
            "empty_then_kerrA7.3",
        ] {
            let regime = library::parse(name).expect(name);
            let text = as_model_file(&regime).expect(name);
            let source = Source { name: "m.toml", text: &text };
            let found = read(source, "m", Path::new(""), &Overrides::default()).unwrap_or_else(|e| panic!("{e}")).model;
            let built = library::build(&regime, &Choices::default()).expect(name);
            same(&found.hamiltonian, &built.hamiltonian, name);
            assert_eq!(found.lindblads, built.lindblads, "{name}");
            assert_eq!(found.dynamics.link, built.dynamics.link, "{name}");
            assert_eq!(found.initial, built.initial, "{name}");
            assert_eq!(found.space, built.space, "{name}");
            let operator = |o: &crate::model::Observable| o.quantity.operator().expect("an expectation value").clone();
            for (a, b) in found.observables.iter().zip(&built.observables) {
                same(&operator(a), &operator(b), &b.name);
                assert_eq!(
                    (&a.name, &a.label, &a.latex, &a.description),
                    (&b.name, &b.label, &b.latex, &b.description)
                );
            }
        }
    }
}
