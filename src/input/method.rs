//! Methods of integration by name, under the names of this program and of the Python package sdeint.

use super::{InputError, unknown};
use serde::{Deserialize, Serialize};

/// How a step is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// Euler-Maruyama: weak order 1, strong order 1/2.
    Em,
    /// Heun with frozen noise: weak order 2, strong order 1.
    Heun,
    /// Exact flow of the constant part, noise in two kicks: weak order 2, strong order 3/2.
    Saba,
    /// Runge-Kutta along parabolas: orders 1 with a small constant, errors of trajectories mostly as h^{3/2}.
    Rk4p1,
}

/// A name of sdeint that stands for another method here, and why; `None` if it is the same method.
struct Alias {
    name: &'static str,
    method: Method,
    why: Option<&'static str>,
}

const IMPLICIT: &str = "there is no implicit method here, and the original simulator's re-evaluated the step at the old \
                        state, which is explicit Euler at several times the cost";
const QUASI: &str = "there is no implicit method here; heun allows larger steps at a smaller error";
const BETTER: &str = "heun has the same strong order 1 and the higher weak order 2 at a lower cost";

const ALIASES: &[Alias] = &[
    Alias { name: "itoEuler", method: Method::Em, why: None },
    Alias { name: "itoImplicitEuler", method: Method::Em, why: Some(IMPLICIT) },
    Alias { name: "itoQuasiImplicitEuler", method: Method::Em, why: Some(QUASI) },
    Alias { name: "itoSRI2", method: Method::Heun, why: Some(BETTER) },
    Alias { name: "numItoMilstein", method: Method::Heun, why: Some(BETTER) },
    Alias { name: "itoMilstein", method: Method::Heun, why: Some(BETTER) },
];

impl Method {
    /// All of them, the default first.
    pub const ALL: &[Method] = &[Method::Saba, Method::Heun, Method::Rk4p1, Method::Em];
    /// What runs when no method is named and nothing depends on time or is linked.
    pub const DEFAULT: Method = Method::Saba;

    /// What runs when no method is named.
    pub fn default_of(constant: bool) -> Method {
        if constant { Method::DEFAULT } else { Method::Heun }
    }

    /// The method that a resolved input names, also one that is not read otherwise; the default if it names none.
    pub fn of_input(text: &str) -> Method {
        let table: Option<toml::Table> = text.parse().ok();
        let named = table.as_ref().and_then(|table| table.get("method")?.as_str());
        named.and_then(|name| Method::parse(name).ok()).map_or(Method::DEFAULT, |(method, _)| method)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Method::Em => "em",
            Method::Heun => "heun",
            Method::Rk4p1 => "rk4p1",
            Method::Saba => "saba",
        }
    }

    /// Other names it is found under; those that deserve a warning are left out.
    pub fn same_as(self) -> impl Iterator<Item = &'static str> {
        ALIASES.iter().filter(move |alias| alias.method == self && alias.why.is_none()).map(|alias| alias.name)
    }

    /// The method of that name, and a warning if the name promises another one.
    ///
    /// Capitals do not matter: `itoEuler` and `ItoEuler` were both in use.
    pub fn parse(name: &str) -> Result<(Method, Option<String>), InputError> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        if let Some(method) = Method::ALL.iter().find(|method| is(method.name())) {
            return Ok((*method, None));
        }
        if let Some(alias) = ALIASES.iter().find(|alias| is(alias.name)) {
            let warning = |why| format!("--method {} runs as {}: {why}", alias.name, alias.method.name());
            return Ok((alias.method, alias.why.map(warning)));
        }
        let names = Method::ALL.iter().map(|method| method.name());
        let known: Vec<&str> = names.chain(ALIASES.iter().map(|alias| alias.name)).collect();
        Err(unknown("method", name, &known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn euler_is_em_in_every_spelling() {
        for name in ["em", "itoEuler", "ItoEuler", "EM"] {
            assert_eq!(Method::parse(name), Ok((Method::Em, None)), "{name}");
        }
        assert_eq!([true, false].map(Method::default_of), [Method::Saba, Method::Heun]);
    }

    #[test]
    fn a_name_that_promises_another_method_warns() {
        for (name, method, word) in [
            ("itoImplicitEuler", Method::Em, "explicit Euler"),
            ("ItoImplicitEuler", Method::Em, "explicit Euler"),
            ("itoQuasiImplicitEuler", Method::Em, "no implicit method"),
            ("itoSRI2", Method::Heun, "weak order 2"),
            ("numItoMilstein", Method::Heun, "weak order 2"),
        ] {
            let (found, warning) = Method::parse(name).expect("a known name");
            assert_eq!(found, method, "{name}");
            let warning = warning.expect("a warning");
            assert!(warning.contains(&format!("runs as {}", method.name())) && warning.contains(word), "{warning}");
        }
    }

    #[test]
    fn a_misspelt_method_is_an_error_with_the_nearest_name() {
        let text = |name| Method::parse(name).expect_err("unknown").to_string();
        assert!(text("hein").contains("did you mean heun?"));
        assert!(text("itoEular").contains("did you mean itoEuler?"));
        assert!(text("sabb").contains("did you mean saba?"));
        assert!(text("milstein2000").contains("one of saba, heun, rk4p1, em, itoEuler"));
    }

    #[test]
    fn the_name_is_what_the_resolved_input_says() {
        for method in Method::ALL {
            let written = toml::Value::try_from(method).expect("a word");
            assert_eq!(written.as_str(), Some(method.name()));
            assert_eq!(Method::parse(method.name()), Ok((*method, None)));
            assert_eq!(Method::of_input(&format!("# merged\nregime = \"x\"\nmethod = {written}\n")), *method);
        }
    }
}
