//! Initial states as text: `ground`, `excited`, `vacuum`, `fock:N`, `coherent:RE[,IM]`, or a complex
//! amplitude such as `3+1i`. The text that is written reads back as the same state, bit for bit.

use super::{InputError, unknown};
use crate::model::library::Initial;
use num_complex::Complex64;

const FLAG: &str = "--initial";
const WORDS: &[&str] = &["ground", "excited", "vacuum", "default", "fock:N", "coherent:RE,IM"];

/// The state a user means. `excited` and `vacuum` are the state a model starts in anyway.
pub fn parse_initial(text: &str) -> Result<Initial, InputError> {
    match text.split_once(':') {
        None => match text {
            "ground" => Ok(Initial::Ground),
            "excited" | "vacuum" | "default" => Ok(Initial::Default),
            _ => amplitude(text).map(Initial::Coherent).ok_or_else(|| unknown("initial state", text, WORDS)),
        },
        Some(("fock", level)) => level.parse().map(Initial::Fock).map_err(|_| InputError::Malformed {
            flag: FLAG,
            text: text.into(),
            form: "the number of photons after the colon",
            example: "fock:9",
        }),
        Some(("coherent", alpha)) => pair(alpha).map(Initial::Coherent).ok_or_else(|| InputError::Malformed {
            flag: FLAG,
            text: text.into(),
            form: "a finite amplitude after the colon",
            example: "coherent:3,1",
        }),
        Some((word, _)) => Err(unknown("initial state", word, WORDS)),
    }
}

/// The text of a state in the resolved input.
pub fn write_initial(initial: &Initial) -> String {
    match initial {
        Initial::Default => "default".into(),
        Initial::Ground => "ground".into(),
        Initial::Fock(level) => format!("fock:{level}"),
        // {:?} is the shortest text that reads back as the same bits.
        Initial::Coherent(alpha) => format!("coherent:{:?},{:?}", alpha.re, alpha.im),
    }
}

/// A finite complex number, written as physicists (`i`) or Python (`j`, also in brackets) write it.
pub(super) fn amplitude(text: &str) -> Option<Complex64> {
    let text = text.trim();
    let bare = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    bare.parse().ok().filter(|z: &Complex64| z.is_finite())
}

/// `RE,IM`, or a complex number.
fn pair(text: &str) -> Option<Complex64> {
    let Some((re, im)) = text.split_once(',') else { return amplitude(text) };
    let z = Complex64::new(re.trim().parse().ok()?, im.trim().parse().ok()?);
    z.is_finite().then_some(z)
}

/// For `#[serde(with)]`.
pub(super) mod as_text {
    use super::*;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(initial: &Initial, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&write_initial(initial))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Initial, D::Error> {
        parse_initial(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_as_physicists_type_them() {
        let coherent = |re, im| Ok(Initial::Coherent(Complex64::new(re, im)));
        assert_eq!(parse_initial("vacuum"), Ok(Initial::Default));
        assert_eq!(parse_initial("excited"), Ok(Initial::Default));
        assert_eq!(parse_initial("ground"), Ok(Initial::Ground));
        assert_eq!(parse_initial("fock:9"), Ok(Initial::Fock(9)));
        assert_eq!(parse_initial("coherent:0.5"), coherent(0.5, 0.0));
        assert_eq!(parse_initial("coherent:3,-1"), coherent(3.0, -1.0));
        assert_eq!(parse_initial("coherent:3+1i"), coherent(3.0, 1.0));
        assert_eq!(parse_initial("-3+1i"), coherent(-3.0, 1.0));
        assert_eq!(parse_initial("(3+1j)"), coherent(3.0, 1.0));
        assert_eq!(parse_initial("1e-3-2i"), coherent(1e-3, -2.0));
        assert_eq!(parse_initial("2"), coherent(2.0, 0.0));
    }

    #[test]
    fn nonsense_is_refused_in_one_sentence() {
        let text = |text| parse_initial(text).expect_err(text).to_string();
        assert!(text("grund").contains("did you mean ground?"));
        assert!(text("foc:3").contains("did you mean fock:N?"));
        assert_eq!(
            text("fock:-1"),
            "--initial fock:-1: expected the number of photons after the colon, as in --initial fock:9"
        );
        for nonsense in ["coherent:nan", "coherent:inf,0", "coherent:", "coherent:1,2,3"] {
            assert!(text(nonsense).contains("as in --initial coherent:3,1"), "{nonsense}");
        }
        for nonsense in ["nan", "inf", "", "3+"] {
            assert!(text(nonsense).contains("unknown initial state"), "{nonsense}");
        }
    }

    #[test]
    fn what_is_written_reads_back_bit_for_bit() {
        for re in [0.1 + 0.2, -0.0, 5e-324, f64::MAX, 1.0 / 3.0, 1e16] {
            let initial = Initial::Coherent(Complex64::new(re, -re));
            let Initial::Coherent(back) = parse_initial(&write_initial(&initial)).expect("own text") else {
                panic!("another state")
            };
            assert_eq!((back.re.to_bits(), back.im.to_bits()), (re.to_bits(), (-re).to_bits()));
        }
        for initial in [Initial::Default, Initial::Ground, Initial::Fock(7)] {
            assert_eq!(parse_initial(&write_initial(&initial)), Ok(initial));
        }
    }
}
