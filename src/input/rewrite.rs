//! A resolved input with another number in it, or without one, as text: comments and order stay.

/// The text with the number of a key of the root replaced; unchanged if the key is not there.
pub fn with_number(text: &str, key: &str, number: u64) -> String {
    with(text, key, &format!("{key} = {number}\n"))
}

/// The text without a key of the root whose value is a number.
pub fn without_number(text: &str, key: &str) -> String {
    with(text, key, "")
}

fn with(text: &str, key: &str, instead: &str) -> String {
    let mut in_root = true;
    let mut out = String::with_capacity(text.len() + 20);
    for line in text.split_inclusive('\n') {
        in_root &= !line.trim_start().starts_with('[');
        let is_it = in_root && line.split_once('=').is_some_and(|(name, _)| name.trim() == key);
        out.push_str(if is_it { instead } else { line });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::spec::tests::example;
    use super::*;
    use crate::input::RunSpec;

    #[test]
    fn it_is_the_text_that_a_run_with_that_number_would_have() {
        let other = RunSpec { ntraj: 999, first_trajectory: 7, ..example() };
        let text = with_number(&example().to_toml(), "ntraj", 999);
        assert_eq!(with_number(&text, "first_trajectory", 7), other.to_toml());
        let checked = RunSpec { check_dt: Some(32), ..example() };
        assert_eq!(without_number(&checked.to_toml(), "check_dt"), example().to_toml());
    }

    #[test]
    fn keys_of_tables_and_words_in_comments_are_left_alone() {
        let text = "# ntraj = 1\nseed = 2\n[ntraj_of]\nntraj = 3\n";
        assert_eq!(with_number(text, "ntraj", 9), text);
        assert_eq!(with_number(text, "seed", 9), text.replace("seed = 2", "seed = 9"));
    }
}
