//! `qsd explain`: the keys of a model file, from the table that the parser uses.

use crate::input::InputError;
use crate::input::model_file::keys::{KEYS, Key, Place};
use std::io::{self, Write};

/// The rows of a key; a key may have a meaning in several places.
///
/// # Errors
/// `Unknown` with the nearest key.
pub fn find(name: &str) -> Result<Vec<&'static Key>, InputError> {
    let plain = name.replace('-', "_");
    let found: Vec<&Key> = KEYS.iter().filter(|key| key.name == name || key.name == plain).collect();
    if found.is_empty() { Err(InputError::unknown_key(name, KEYS.iter().map(|key| key.name))) } else { Ok(found) }
}

/// Writes what there is to know about some keys.
pub fn write(out: &mut dyn Write, keys: &[&Key]) -> io::Result<()> {
    for (i, key) in keys.iter().enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{} in {}: {}", key.name, key.place.name(), key.text)?;
        writeln!(out, "    value    {}", key.form)?;
        writeln!(out, "    unit     {}", key.unit)?;
        writeln!(out, "    default  {}", key.default)?;
        writeln!(out, "    example  {}", key.example.replace('\n', "\n             "))?;
    }
    Ok(())
}

/// Writes one line for every key.
pub fn list(out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "Keys of a model file; `qsd explain KEY` says more")?;
    for place in Place::ALL {
        writeln!(out, "\nIn {}", place.name())?;
        for key in KEYS.iter().filter(|key| key.place == place) {
            writeln!(out, "  {:<17} {} [{}]", key.name, key.text, key.default)?;
        }
    }
    Ok(())
}

/// The table of the README.
pub fn markdown() -> String {
    let cell = |text: &str| text.replace('|', r"\|").replace('\n', "; ");
    let row = |key: &Key| {
        let [form, unit, default, text] = [key.form, key.unit, key.default, key.text].map(cell);
        format!("| `{}` | {} | {form} | {unit} | {default} | {text} |\n", key.name, key.place.name())
    };
    let head = "| key | in | value | unit | default | meaning |\n|---|---|---|---|---|---|\n";
    format!("{head}{}", KEYS.iter().map(row).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_explained_wherever_it_stands() {
        let mut out = vec![];
        write(&mut out, &find("op").expect("a key")).expect("memory takes everything");
        let text = String::from_utf8(out).expect("text");
        assert!(text.contains("op in a term of H or c_ops: the operator\n    value    expression\n"), "{text}");
        assert!(text.contains("op in an entry of [e_ops]"), "{text}");
        assert_eq!(find("save-dt").expect("a flag")[0].name, "save_dt");
        assert!(find("cops").expect_err("no key").to_string().contains("did you mean c_ops?"));
    }

    #[test]
    fn the_list_has_every_key() {
        let mut out = vec![];
        list(&mut out).expect("memory takes everything");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text.lines().filter(|line| line.starts_with("  ")).count(), KEYS.len());
    }
}
