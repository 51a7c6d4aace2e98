//! Wall time as people and Slurm write it.

use super::InputError;
use std::time::Duration;

const SECONDS: [(&str, f64); 3] = [("min", 60.0), ("h", 3600.0), ("s", 1.0)];
/// A hundred years: more is a slip.
const MOST: f64 = 3.2e9;

/// `30s`, `1.5h`, `10min`, `MM:SS`, `HH:MM:SS`, `D-HH:MM:SS`. A bare number is refused: it is minutes to Slurm and seconds to
/// everybody else.
pub(super) fn wall_time(flag: &'static str, text: &str, example: &'static str) -> Result<Duration, InputError> {
    let seconds = with_unit(text).or_else(|| with_colons(text)).filter(|seconds| (0.0..MOST).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| InputError::Malformed {
        flag,
        text: text.into(),
        form: "a time with its unit (s, min, h) or HH:MM:SS",
        example,
    })
}

fn with_unit(text: &str) -> Option<f64> {
    let (unit, seconds) = SECONDS.iter().find(|(unit, _)| text.ends_with(unit))?;
    let number: f64 = text.strip_suffix(unit)?.trim_end().parse().ok()?;
    Some(number * seconds)
}

fn with_colons(text: &str) -> Option<f64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (days.parse::<u32>().ok()?, clock),
        None => (0, text),
    };
    let parts: Vec<u32> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [minutes, seconds] if days == 0 => (0, minutes, seconds),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    // The leading part may be large: 90:00 is an hour and a half.
    let fits = seconds < 60 && (minutes < 60 || parts.len() == 2);
    fits.then(|| {
        f64::from(days) * 86_400.0 + f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + f64::from(seconds)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_and_slurm_write_them() {
        let seconds = |text| wall_time("--max-wall", text, "2h").map(|time| time.as_secs_f64());
        for (text, expected) in [
            ("30s", 30.0),
            ("0.2s", 0.2),
            ("10min", 600.0),
            ("1.5h", 5400.0),
            ("01:50:00", 6600.0),
            ("90:00", 5400.0),
            ("1-12:00:00", 129_600.0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for nonsense in
            ["600", "", "s", "-1s", "nan s", "1:2:3:4", "01:61:00", "1:99", "1-2:30", "1e30h", "soon", "-1:00:00"]
        {
            let error = seconds(nonsense).expect_err(nonsense).to_string();
            assert!(error.starts_with("--max-wall") && error.contains("HH:MM:SS"), "{error}");
        }
    }
}
