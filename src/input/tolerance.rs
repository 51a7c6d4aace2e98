//! How exact the means are to be: `--target-tol` in the three forms QuTiP has.

use super::{InputError, unknown};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Half-width that an interval may have: `atol + rtol |mean|`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tolerance {
    /// In the unit of the observable.
    pub atol: f64,
    /// As a share of the mean.
    #[serde(default)]
    pub rtol: f64,
}

/// When there are trajectories enough.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetTol {
    /// For every observable that is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<Tolerance>,
    /// For these observables; if there is nothing for `all`, the others do not count.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub named: BTreeMap<String, Tolerance>,
}

impl TargetTol {
    /// `0.05`, `0.05,0.01` (atol,rtol), and either with `n=` before it; `None` if there are no texts.
    ///
    /// # Errors
    /// `Malformed`, `Repeated`.
    pub fn parse(texts: &[String]) -> Result<Option<TargetTol>, InputError> {
        let mut target = TargetTol::default();
        for text in texts {
            let (name, numbers) = match text.split_once('=') {
                Some((name, numbers)) => (Some(name.trim()), numbers),
                None => (None, text.as_str()),
            };
            let tolerance = tolerance(numbers).filter(|_| name != Some("")).ok_or_else(|| InputError::Malformed {
                flag: "--target-tol",
                text: text.clone(),
                form: "atol or atol,rtol, finite, not negative, and not both 0, for all observables or for NAME=",
                example: "n=0.05,0.01",
            })?;
            let earlier = match name {
                Some(name) => target.named.insert(name.into(), tolerance),
                None => target.all.replace(tolerance),
            };
            if earlier.is_some() {
                let what =
                    name.map_or("--target-tol for all observables".into(), |name| format!("--target-tol {name}"));
                return Err(InputError::Repeated { what });
            }
        }
        Ok((!texts.is_empty()).then_some(target))
    }

    /// Refuse names that are none of the observables.
    ///
    /// # Errors
    /// `Unknown`, with the nearest.
    pub fn check(&self, observables: &[&str]) -> Result<(), InputError> {
        match self.named.keys().find(|name| !observables.contains(&name.as_str())) {
            Some(name) => Err(unknown("observable", name, observables)),
            None => Ok(()),
        }
    }

    /// The tolerance of an observable; `None` if it does not count.
    pub fn of(&self, observable: &str) -> Option<Tolerance> {
        self.named.get(observable).copied().or(self.all)
    }
}

impl std::fmt::Display for TargetTol {
    /// As it was typed, one flag's text after the other.
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let named = self.named.iter().map(|(name, tolerance)| (format!("{name}="), tolerance));
        let all = self.all.iter().map(|tolerance| (String::new(), tolerance)).chain(named);
        let texts: Vec<String> = all.map(|(name, t)| format!("{name}{},{}", t.atol, t.rtol)).collect();
        f.write_str(&texts.join(" "))
    }
}

fn tolerance(text: &str) -> Option<Tolerance> {
    let numbers: Vec<f64> = text.split(',').map(|number| number.trim().parse().ok()).collect::<Option<_>>()?;
    let (atol, rtol) = match numbers[..] {
        [atol] => (atol, 0.0),
        [atol, rtol] => (atol, rtol),
        _ => return None,
    };
    let is_measure = |x: f64| x.is_finite() && x >= 0.0;
    (is_measure(atol) && is_measure(rtol) && atol + rtol > 0.0).then_some(Tolerance { atol, rtol })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Result<Option<TargetTol>, InputError> {
        TargetTol::parse(&texts.iter().map(|text| text.to_string()).collect::<Vec<_>>())
    }

    #[test]
    fn the_three_forms_of_qutip_are_understood() {
        let of = |texts: &[&str], name| parse(texts).unwrap().unwrap().of(name).map(|t| (t.atol, t.rtol));
        assert_eq!(parse(&[]), Ok(None));
        assert_eq!(of(&["0.05"], "n"), Some((0.05, 0.0)));
        assert_eq!(of(&["0.05,0.01"], "n"), Some((0.05, 0.01)));
        assert_eq!(of(&["n=0.05", "x=0,0.1"], "x"), Some((0.0, 0.1)));
        assert_eq!(of(&["n=0.05", "x=0,0.1"], "p"), None, "only the named count");
        assert_eq!(of(&["n=0.05", "0.1"], "p"), Some((0.1, 0.0)));
    }

    #[test]
    fn what_is_no_tolerance_is_refused() {
        for text in ["", "0", "0,0", "-1", "nan", "1,2,3", "n=", "=1", "n:1", "inf"] {
            let error = parse(&[text]).expect_err(text).to_string();
            assert!(error.starts_with("--target-tol") && error.contains("n=0.05,0.01"), "{error}");
        }
        assert_eq!(parse(&["n=1", "n=2"]).unwrap_err().to_string(), "--target-tol n is given twice; give it once");
    }
}
