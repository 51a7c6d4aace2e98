//! The two families of built-in systems: from numbers to operators.

use crate::model::{HilbertSpace, ModelError, ModelParameter, Observable, Operator, Slh};
use num_complex::Complex64;

/// H = -i g0 (a j+ - a^dag j-) + Delta jz + Theta a^dag a, L = [sqrt(kappa) a, sqrt(gamma) j-],
/// coherent amplitude Omega into port 1, S = +1, with the scaled numbers of Armen and Mabuchi:
/// g0n = sqrt(2 kn Cn), kappa = 2 kn, gamma = 2/sqrt(2J), g0 = -g0n/sqrt(2J),
/// Omega = yn kn/(sqrt(2) g0n)/sqrt(2 kn).
pub(super) fn jaynes_cummings(
    space: &HilbertSpace,
    numbers: &mut Vec<ModelParameter>,
    drive: bool,
) -> Result<(Slh, Vec<Observable>), ModelError> {
    let value = |name| number(numbers, name);
    let (kn, spin) = (value("kn"), value("J"));
    if kn <= 0.0 || spin <= 0.0 || value("Cn") <= 0.0 {
        let (name, value) = if kn <= 0.0 {
            ("kn", kn)
        } else if spin <= 0.0 {
            ("J", spin)
        } else {
            ("Cn", value("Cn"))
        };
        return Err(ModelError::BadParameter { name: name.into(), value, rule: "it must be positive" });
    }
    let g0n = root("Cn", 2.0 * kn * value("Cn"))?;
    let scale = (2.0 * spin).sqrt();
    let (kappa, gamma, g0) = (2.0 * kn, 2.0 / scale, -g0n / scale);
    let omega = if drive { value("yn") * kn / 2f64.sqrt() / g0n / (2.0 * kn).sqrt() } else { 0.0 };
    let (delta, theta) = (value("Delta"), value("Theta"));
    numbers.extend([
        ModelParameter::new("kappa", kappa, "rate", "cavity decay rate"),
        ModelParameter::new("gamma", gamma, "rate", "spin decay rate"),
        ModelParameter::new("g0", g0, "rate", "coupling"),
        ModelParameter::new("Omega", omega, "sqrt(rate)", "coherent amplitude into port 1"),
    ]);

    let i = Complex64::I;
    let a = space.destroy(0);
    let jm = space.embed(1, &Operator::spin_minus(space.factors[1].dim));
    let jz = space.embed(1, &Operator::spin_z(space.factors[1].dim));
    let (ad, jp) = (a.dag(), jm.dag());
    let number = &ad * &a;
    let exchange = (&(&a * &jp) - &(&ad * &jm)).scale(-i * g0);
    let h = &(&exchange + &jz.scale(delta)) + &number.scale(theta);
    let component = Slh::diagonal(1.0, vec![a.scale(kappa.sqrt()), jm.scale(gamma.sqrt())], h);
    let jx = (&jp + &jm).scale(0.5);
    let jy = (&jp - &jm).scale(0.5);
    let observables = vec![
        seen("a", "a", "a", "a", "cavity amplitude", a.clone()),
        seen("jm", "j.minus", "j₋", "j_-", "spin lowering operator", jm.clone()),
        seen("jz", "j.z", "j_z", "j_z", "spin inversion", jz),
        seen("aa", "a*a", "a²", "a^2", "squared cavity amplitude", &a * &a),
        seen("n", "a.dag*a", "a†a", r"a^\dagger a", "photon number", number),
        seen("ajp", "a*j.plus", "a j₊", "a j_+", "exchange of a photon and an excitation", &a * &jp),
        seen("jp", "j.plus", "j₊", "j_+", "spin raising operator", jp),
        seen("jx", "(j.plus + j.minus)/2", "j_x", "j_x", "spin component x", jx),
        seen(
            "jy",
            "(j.plus - j.minus)/2",
            "(j₊−j₋)/2",
            r"\tfrac{1}{2}(j_+ - j_-)",
            "i times spin component y (anti-Hermitian, as in the original script)",
            jy,
        ),
    ];
    Ok((component.coherent_input(0, omega.into()), observables))
}

/// H = Delta a^dag a + chi/2 a^dag^2 a^2, L = [sqrt(kappa1) a, sqrt(kappa2) a],
/// coherent amplitude alpha0 into port 1, S = -1.
pub(super) fn kerr_cavity(
    space: &HilbertSpace,
    numbers: &[ModelParameter],
    drive: bool,
) -> Result<(Slh, Vec<Observable>), ModelError> {
    let value = |name| number(numbers, name);
    let (root1, root2) = (root("kappa1", value("kappa1"))?, root("kappa2", value("kappa2"))?);
    let alpha0 = if drive { value("alpha0") } else { 0.0 };
    let a = space.destroy(0);
    let ad = a.dag();
    let number = &ad * &a;
    let kerr = &(&ad * &ad) * &(&a * &a);
    let h = &number.scale(value("Delta")) + &kerr.scale(0.5 * value("chi"));
    let component = Slh::diagonal(-1.0, vec![a.scale(root1), a.scale(root2)], h);
    let p = (&a - &ad).scale(-Complex64::I);
    let observables = vec![
        seen("n", "a.dag*a", "a†a", r"a^\dagger a", "photon number", number),
        seen("x", "a + a.dag", "a+a†", r"a + a^\dagger", "amplitude quadrature", &a + &ad),
        seen("p", "(a - a.dag)/1i", "(a−a†)/i", r"(a - a^\dagger)/i", "phase quadrature", p),
    ];
    Ok((component.coherent_input(0, alpha0.into()), observables))
}

/// An observable of the library; `label` and `latex` come without the brackets of an expectation value.
fn seen(name: &str, expression: &str, label: &str, latex: &str, description: &str, operator: Operator) -> Observable {
    Observable {
        name: name.into(),
        expression: expression.into(),
        label: format!("⟨{label}⟩"),
        latex: format!(r"\langle {latex} \rangle"),
        unit: "1".into(),
        description: description.into(),
        quantity: operator.into(),
    }
}

fn number(numbers: &[ModelParameter], name: &str) -> f64 {
    numbers
        .iter()
        .find(|n| n.name == name)
        .map(|n| n.value)
        .expect("every family asks for numbers of its own rows only")
}

/// sqrt of a number that must not be negative.
fn root(name: &str, value: f64) -> Result<f64, ModelError> {
    if value < 0.0 {
        return Err(ModelError::BadParameter { name: name.into(), value, rule: "a rate must not be negative" });
    }
    Ok(value.sqrt())
}
