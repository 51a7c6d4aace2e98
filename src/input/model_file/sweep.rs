//! `[sweep]` of a model file, as the flags that it stands for.

use super::document::entries;
use super::keys::Place;
use super::source::Source;
use crate::input::sweep::check_values;
use crate::input::{InputError, unknown};
use toml::de::{DeTable, DeValue};

/// The flags, name and value, in the order of the file; none without a `[sweep]`.
///
/// # Errors
/// Values that are neither a text nor a list of numbers, with their place. What is wrong elsewhere in the file is told
/// when it is read.
pub fn read_sweep(source: Source) -> Result<Vec<(String, String)>, InputError> {
    let Ok(document) = DeTable::parse(source.text) else { return Ok(vec![]) };
    let all = entries(document.get_ref());
    let Some(entry) = all.iter().find(|entry| entry.key == "sweep") else { return Ok(vec![]) };
    let parameters = all.iter().find(|entry| entry.key == "parameters").and_then(|entry| entry.value.value.as_table());
    let parameters: Vec<&str> = parameters.map(entries).unwrap_or_default().iter().map(|entry| entry.key).collect();
    let mut flags: Vec<(String, String)> = vec![];
    for entry in
        entries(source.table(&entry.value, "parameters and their values, as in kappa = \"linspace(0, 1, 11)\"")?)
    {
        let flag = match entry.key {
            "zip" => match source.flag(&entry.value)? {
                true => ("sweep-zip".to_string(), String::new()),
                false => continue,
            },
            "streams" => ("sweep-streams".to_string(), source.text(&entry.value)?.to_owned()),
            name => {
                if !parameters.contains(&name) {
                    let unknown = unknown("parameter in [sweep]", name, &parameters);
                    return Err(source.mistake(&entry.key_at, unknown.to_string()));
                }
                let values = match entry.value.value {
                    DeValue::String(text) => text.to_string(),
                    DeValue::Array(_) => {
                        let mut words: Vec<String> = vec![];
                        for item in source.items(&entry.value, "a list of numbers")? {
                            words.push(match item.value {
                                DeValue::String(text) => text.to_string(),
                                _ => format!("{:?}", source.real(&item)?),
                            });
                        }
                        words.join(",")
                    }
                    _ => {
                        return Err(
                            source.wrong_type(&entry.value, "a list of numbers, or a text like \"linspace(0, 1, 11)\"")
                        );
                    }
                };
                let typed = format!("{name}={values}");
                check_values(&typed).map_err(|why| source.mistake(&entry.value.at, why))?;
                ("sweep".to_string(), typed)
            }
        };
        crate::cli::check_flag(&flag.0, &flag.1).map_err(|why| source.mistake(&entry.value.at, why))?;
        flags.push(flag);
    }
    debug_assert!(Place::Sweep.keys().eq(["zip", "streams"]), "the keys that are read here");
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        read_sweep(Source { name: "m.toml", text }).map_err(|error| error.to_string())
    }

    #[test]
    fn a_table_is_the_flags_in_its_order() {
        let text = "[parameters]\nE = 1\nkappa = 1\n[sweep]\nkappa = \"linspace(0, 1, 3)\"\nE = [1, 2.5, -1e-3]\nzip = true\nstreams = \"independent\"\n";
        let flags = [
            ("sweep", "kappa=linspace(0, 1, 3)"),
            ("sweep", "E=1.0,2.5,-0.001"),
            ("sweep-zip", ""),
            ("sweep-streams", "independent"),
        ];
        assert_eq!(read(text), Ok(flags.map(|(name, value)| (name.to_string(), value.to_string())).into()));
        assert_eq!(read("H = \"0\"\n"), Ok(vec![]));
    }

    #[test]
    fn a_mistake_is_shown_at_its_place() {
        for (text, words) in [
            ("[sweep]\nkappa = 3\n[parameters]\nkappa = 1\n", "m.toml:2:9: expected a list of numbers"),
            ("[sweep]\nkappa = [1, true]\n[parameters]\nkappa = 1\n", "m.toml:2:13: expected a number, found"),
            (
                "[sweep]\nkappa = \"lnspace(0,1,3)\"\n[parameters]\nkappa = 1\n",
                "m.toml:2:9: expected numbers with commas",
            ),
            ("[sweep]\nkapa = [1]\n[parameters]\nkappa = 1\n", "m.toml:2:1: unknown parameter in [sweep] 'kapa'"),
            ("[sweep]\nstreams = \"both\"\n", "'both'"),
            ("sweep = 3\n", "m.toml:1:9: expected parameters and their values"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(words), "{error}");
        }
    }
}
