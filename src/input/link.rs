//! The flags that act between two systems. This version integrates one, and scripts pass them anyway.

use super::initial::amplitude;
use super::{InputError, within};
use crate::cli::LinkFlags;
use num_complex::Complex64;

/// The flags of two systems: refused for two, harmless for one; a warning if they were meant to act.
pub(super) fn one_system(link: &LinkFlags) -> Result<Option<String>, InputError> {
    if within("--num-systems", link.num_systems, 1, 2)? == 2 {
        return Err(InputError::LinkedSystems(2));
    }
    let phase = link.trans_phase.as_deref().map(|text| {
        amplitude(text).ok_or_else(|| InputError::Malformed {
            flag: "--trans-phase",
            text: text.into(),
            form: "a complex number of modulus 1",
            example: "0.6+0.8i",
        })
    });
    let phase = phase.transpose()?;
    let acting: Vec<&str> = [
        ("--R", link.reflectivity.is_some_and(|x| x != 0.0)),
        ("--eps", link.eps.is_some_and(|x| x != 0.0)),
        ("--noise-amp", link.noise_amp.is_some_and(|x| x != 1.0)),
        ("--lambda", link.lambda.is_some_and(|x| x != 0.0)),
        ("--trans-phase", phase.is_some_and(|z| z != Complex64::ONE)),
        ("--drive-second-system", link.drive_second_system == Some(true)),
    ]
    .into_iter()
    .filter_map(|(flag, acts)| acts.then_some(flag))
    .collect();
    let warning = || format!("without effect on one system, since it acts only between two: {}", acting.join(", "));
    Ok((!acting.is_empty()).then(warning))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};

    fn typed(line: &str) -> Result<Option<String>, InputError> {
        match Cli::from_words(line.split_whitespace().map(Into::into)).expect(line).task {
            Task::Run(args) => one_system(&args.link),
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn neutral_values_pass_without_a_word() {
        let line = "qsd --num_systems 1 --R 0 --eps 0 --noise_amp 1 --trans_phase 1 --drive_second_system False";
        assert_eq!(typed(line), Ok(None));
        assert_eq!(typed("qsd --ntraj 1"), Ok(None));
    }

    #[test]
    fn values_that_were_meant_to_act_get_a_warning() {
        for (line, flag) in [
            ("qsd --R 0.5", "--R"),
            ("qsd --eps 1", "--eps"),
            ("qsd --noise_amp 0", "--noise-amp"),
            ("qsd --lambda 0.9999", "--lambda"),
            ("qsd --trans_phase -1", "--trans-phase"),
            ("qsd --trans_phase 1j", "--trans-phase"),
            ("qsd --drive_second_system", "--drive-second-system"),
        ] {
            let warning = typed(line).expect(line).expect("a warning");
            assert!(warning.starts_with("without effect on one system") && warning.ends_with(flag), "{warning}");
        }
        assert!(typed("qsd --R 1 --eps 1").expect("fine").expect("a warning").ends_with("--R, --eps"));
    }

    #[test]
    fn two_systems_are_refused() {
        let text = |line| typed(line).expect_err(line).to_string();
        assert!(text("qsd --num_systems 2").contains("two linked systems are not in this version"));
        assert!(text("qsd --num_systems 3").contains("between 1 and 2"));
        assert!(text("qsd --trans_phase north").contains("as in --trans-phase 0.6+0.8i"));
    }
}
