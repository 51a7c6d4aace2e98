//! The flags that act between two systems: what they mean for two, and that they mean nothing for one.

use super::initial::amplitude;
use super::{InputError, Method, within};
use crate::cli::{LinkFlags, LinkKind};
use crate::model::library::{Family, Pair};
use num_complex::Complex64;
use serde::{Deserialize, Serialize};

/// Two linked systems, in the resolved input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkSpec {
    /// Amplitude reflectivity of the beam splitter between them.
    #[serde(rename = "R")]
    pub reflection: f64,
    /// Amplification of the measured signal.
    pub eps: f64,
    /// Scale of its noise.
    pub noise_amp: f64,
    /// Time constant of its filter; 0 for none.
    pub filter_time: f64,
    /// Phase factor between them, real and imaginary part.
    pub trans_phase: [f64; 2],
    /// Whether the second system is driven too.
    pub drive_second_system: bool,
    /// Which equation.
    pub link: LinkKind,
}

impl LinkSpec {
    pub(super) const KEYS: &[&str] =
        &["R", "eps", "noise_amp", "filter_time", "trans_phase", "drive_second_system", "link"];

    /// The choice it is for the library.
    pub fn pair(&self) -> Pair {
        Pair {
            reflection: self.reflection,
            eps: self.eps,
            noise: self.noise_amp,
            filter_time: self.filter_time,
            phase: Complex64::new(self.trans_phase[0], self.trans_phase[1]),
            drive_second: self.drive_second_system,
            correction: self.link == LinkKind::Physical,
        }
    }

    /// What no method can run, and numbers that no link can have.
    pub(super) fn check(&self, method: Method) -> Result<(), InputError> {
        self.pair().link().map_err(|error| InputError::Link(error.to_string()))?;
        let omitted = self.link == LinkKind::Seed && self.eps != 0.0 && self.filter_time == 0.0;
        if omitted && method != Method::Em {
            return Err(InputError::Link(format!(
                "--link seed leaves out a term that {} does not have: its equation is complete without; use --method em",
                method.name()
            )));
        }
        Ok(())
    }
}

/// Whether two systems run, and a warning if a flag was meant to act and does not.
///
/// `--lambda` is a factor per step of `delta_t`, so its filter has the time constant -delta_t/ln(lambda).
pub(super) fn link(
    flags: &LinkFlags,
    family: Family,
    delta_t: f64,
    warnings: &mut Vec<String>,
) -> Result<Option<LinkSpec>, InputError> {
    if two_systems(flags, family)? {
        return spec(flags, delta_t).map(Some);
    }
    let acting = acting(flags, delta_t)?;
    if !acting.is_empty() {
        warnings.push(format!("without effect on one system, since it acts only between two: {}", acting.join(", ")));
    }
    Ok(None)
}

/// A model file says itself what is linked: refuse flags that would.
pub(super) fn none_for_files(flags: &LinkFlags) -> Result<(), InputError> {
    let advice = "two linked ports of a model file stand in its [link]; leave the flag out";
    let systems = within("--num-systems", flags.num_systems, 1, 2)? == 2;
    match systems.then_some("--num-systems").or(acting(flags, 1.0)?.first().copied()) {
        Some(flag) => Err(InputError::NotForFiles { flag, advice }),
        None => Ok(()),
    }
}

/// The time constant of a filter that is given as a factor per step; `None` for a factor that is none.
pub(super) fn filter_time(lambda: f64, delta_t: f64) -> Option<f64> {
    match lambda {
        0.0 => Some(0.0),
        lambda if lambda > 0.0 && lambda < 1.0 => Some(-delta_t / libm::log(lambda)),
        _ => None,
    }
}

fn spec(flags: &LinkFlags, delta_t: f64) -> Result<LinkSpec, InputError> {
    let malformed = |flag, text: &str, form, example| InputError::Malformed { flag, text: text.into(), form, example };
    let phase = flags.trans_phase.as_deref().map(|text| {
        let form = "a complex number of modulus 1";
        amplitude(text).ok_or_else(|| malformed("--trans-phase", text, form, "0.6+0.8i"))
    });
    let phase = phase.transpose()?.unwrap_or(Complex64::ONE);
    let filter_of = |lambda: f64| {
        let form = "a factor from 0 (no filter) to below 1";
        filter_time(lambda, delta_t).ok_or_else(|| malformed("--lambda", &lambda.to_string(), form, "0.9999"))
    };
    Ok(LinkSpec {
        reflection: flags.reflectivity.unwrap_or(0.0),
        eps: flags.eps.unwrap_or(0.0),
        noise_amp: flags.noise_amp.unwrap_or(1.0),
        filter_time: flags.lambda.map_or(Ok(flags.filter_time.unwrap_or(0.0)), filter_of)?,
        trans_phase: [phase.re, phase.im],
        drive_second_system: flags.drive_second_system.unwrap_or(false),
        link: flags.link,
    })
}

/// The flags between two systems whose values are not neutral.
fn acting(flags: &LinkFlags, delta_t: f64) -> Result<Vec<&'static str>, InputError> {
    let spec = spec(flags, delta_t)?;
    Ok([
        ("--R", spec.reflection != 0.0),
        ("--eps", spec.eps != 0.0),
        ("--noise-amp", spec.noise_amp != 1.0),
        ("--lambda", flags.lambda.is_some_and(|x| x != 0.0)),
        ("--filter-time", flags.filter_time.is_some_and(|x| x != 0.0)),
        ("--trans-phase", spec.trans_phase != [1.0, 0.0]),
        ("--drive-second-system", spec.drive_second_system),
        ("--link", spec.link != LinkKind::Physical),
    ]
    .into_iter()
    .filter_map(|(flag, acts)| acts.then_some(flag))
    .collect())
}

/// Whether two systems run: asked for, or what the model is.
pub(super) fn two_systems(flags: &LinkFlags, family: Family) -> Result<bool, InputError> {
    Ok(within("--num-systems", flags.num_systems, 1, 2)? == 2 || family == Family::EmptyThenKerr)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};

    fn typed(line: &str) -> Result<(Option<LinkSpec>, Vec<String>), InputError> {
        match Cli::from_words(line.split_whitespace().map(Into::into)).expect(line).task {
            Task::Run(args) => {
                let mut warnings = vec![];
                link(&args.link, Family::Kerr, 1e-5, &mut warnings).map(|link| (link, warnings))
            }
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn neutral_values_pass_without_a_word() {
        let line = "qsd --num_systems 1 --R 0 --eps 0 --noise_amp 1 --trans_phase 1 --drive_second_system False";
        assert_eq!(typed(line), Ok((None, vec![])));
        assert_eq!(typed("qsd --ntraj 1"), Ok((None, vec![])));
    }

    #[test]
    fn values_that_were_meant_to_act_get_a_warning() {
        for (line, flag) in [
            ("qsd --R 0.5", "--R"),
            ("qsd --eps 1", "--eps"),
            ("qsd --noise_amp 0", "--noise-amp"),
            ("qsd --lambda 0.9999", "--lambda"),
            ("qsd --filter-time 0.1", "--filter-time"),
            ("qsd --trans_phase -1", "--trans-phase"),
            ("qsd --trans_phase 1j", "--trans-phase"),
            ("qsd --drive_second_system", "--drive-second-system"),
            ("qsd --link seed", "--link"),
        ] {
            let (link, warnings) = typed(line).expect(line);
            assert_eq!(link, None);
            assert!(warnings[0].starts_with("without effect on one system") && warnings[0].ends_with(flag));
        }
        assert!(typed("qsd --R 1 --eps 1").expect("fine").1[0].ends_with("--R, --eps"));
    }

    #[test]
    fn two_systems_have_a_link() {
        let two = |rest: &str| typed(&format!("qsd --num_systems 2 {rest}")).expect(rest);
        let (plain, warnings) = two("");
        assert_eq!((plain.expect("a link").pair(), warnings), (Pair::default(), vec![]));
        let all = two("--R 0.6 --eps 0.5 --noise_amp 2 --lambda 0.9999 --trans_phase 0.6+0.8i --drive_second_system");
        let link = all.0.expect("a link");
        assert_eq!((link.reflection, link.eps, link.noise_amp), (0.6, 0.5, 2.0));
        assert!((link.filter_time - 0.1).abs() < 1e-5, "0.9999 at 1e-5 is 0.1: {}", link.filter_time);
        assert_eq!((link.trans_phase, link.drive_second_system), ([0.6, 0.8], true));
        assert_eq!(link.check(Method::Heun), Ok(()));
    }

    #[test]
    fn a_link_that_cannot_be_is_refused() {
        let text = |line| typed(line).map(|_| ()).expect_err(line).to_string();
        assert!(text("qsd --num_systems 3").contains("between 1 and 2"));
        assert!(text("qsd --trans_phase north").contains("as in --trans-phase 0.6+0.8i"));
        assert!(text("qsd --num-systems 2 --lambda 1").contains("--lambda 1: expected a factor"));
        let refused = |rest: &str| {
            let link = typed(&format!("qsd --num-systems 2 {rest}")).expect(rest).0.expect("a link");
            link.check(Method::Heun).expect_err(rest).to_string()
        };
        assert!(refused("--trans-phase 2").contains("modulus 1"));
        assert!(refused("--R 1.5").contains("between 0 and 1"));
        assert!(refused("--filter-time -1").contains("filter_time = -1"));
        assert!(refused("--link seed --eps 0.5 --R 0.5").contains("use --method em"));
    }
}
