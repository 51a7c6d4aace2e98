//! A folder, or several files, as a table: runs of one ensemble together, then sweeps, and what cannot be read with its reason.

use crate::report::folder::{Entry, Final, Other};
use crate::report::table::plural;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Digits of a hash that are shown; `--json` has all.
const DIGITS: usize = 12;

/// Write it.
///
/// # Errors
/// What `out` says, for instance that nobody reads it any more.
pub fn write(entries: &[Entry], out: &mut dyn Write) -> io::Result<()> {
    if entries.is_empty() {
        return writeln!(out, "no results file here: they end in .h5, .hdf5 or .nc");
    }
    for group in grouped(entries) {
        let Some(Ok(first)) = group.first().map(|entry| entry.content.as_ref()) else { continue };
        let hash: String = first.hash.chars().take(DIGITS).collect();
        writeln!(out, "{}  (parameters {hash}, {})", first.model, plural(group.len(), "file"))?;
        let lines: Vec<Vec<String>> = group.iter().filter_map(|entry| line(entry)).collect();
        for line in aligned(&lines) {
            writeln!(out, "  {line}")?;
        }
        writeln!(out)?;
    }
    let sweeps: Vec<&Entry> =
        entries.iter().filter(|entry| matches!(entry.content, Err(Other::Sweep { .. }))).collect();
    if !sweeps.is_empty() {
        writeln!(out, "sweeps  ({})", plural(sweeps.len(), "file"))?;
        for entry in sweeps {
            writeln!(out, "  {}: {}", entry.name(), entry.content.as_ref().err().map_or(String::new(), Other::text))?;
        }
        writeln!(out)?;
    }
    let unreadable: Vec<_> = entries.iter().filter_map(|entry| Some((entry.name(), entry.unreadable()?))).collect();
    if !unreadable.is_empty() {
        writeln!(out, "cannot be read  ({})", plural(unreadable.len(), "file"))?;
    }
    for (name, reason) in unreadable {
        writeln!(out, "  {name}: {reason}")?;
    }
    Ok(())
}

/// The same as JSON: groups with their files, sweeps, and files that cannot be read.
pub fn document(entries: &[Entry]) -> Value {
    let groups: Vec<Value> = grouped(entries)
        .into_iter()
        .map(|group| {
            let first = group.first().and_then(|entry| entry.content.as_ref().ok());
            json!({
                "parameter_hash": first.map(|content| &content.hash),
                "model": first.map(|content| &content.model),
                "files": group.iter().filter_map(|entry| file(entry)).collect::<Vec<_>>(),
            })
        })
        .collect();
    let unreadable: Vec<Value> = entries
        .iter()
        .filter_map(|entry| Some(json!({ "file": entry.name(), "reason": entry.unreadable()? })))
        .collect();
    json!({ "groups": groups, "sweeps": entries.iter().filter_map(sweep).collect::<Vec<_>>(), "unreadable": unreadable })
}

fn sweep(entry: &Entry) -> Option<Value> {
    match &entry.content {
        Err(Other::Sweep { points, complete, axes }) => {
            Some(json!({ "file": entry.name(), "points": points, "complete": complete, "axes": axes }))
        }
        _ => None,
    }
}

/// Files that can be read, those of one ensemble together, groups and files by name.
fn grouped(entries: &[Entry]) -> Vec<Vec<&Entry>> {
    let hash = |entry: &Entry| entry.content.as_ref().ok().map(|content| content.hash.clone());
    let mut readable: Vec<&Entry> = entries.iter().filter(|entry| entry.content.is_ok()).collect();
    readable.sort_by(|a, b| a.path.cmp(&b.path));
    let mut groups: Vec<Vec<&Entry>> = vec![];
    for entry in readable {
        match groups.iter_mut().find(|group| hash(group[0]) == hash(entry)) {
            Some(group) => group.push(entry),
            None => groups.push(vec![entry]),
        }
    }
    groups
}

/// The cells of a file.
fn line(entry: &Entry) -> Option<Vec<String>> {
    let content = entry.content.as_ref().ok()?;
    let (done, all) = content.done;
    let of = if done == all { done.to_string() } else { format!("{done} of {all}") };
    let mut cells =
        vec![entry.name(), content.standing.word().into(), of, content.numbers.clone(), begun(&content.begun)];
    cells.extend(content.values.iter().map(|value| format!("{} = {}", value.name, value.text())));
    Some(cells)
}

/// `2026-01-02 03:04`.
fn begun(time: &str) -> String {
    time.chars().take(16).map(|letter| if letter == 'T' { ' ' } else { letter }).collect()
}

fn file(entry: &Entry) -> Option<Value> {
    let content = entry.content.as_ref().ok()?;
    let part = |z: num_complex::Complex64| if z.im == 0.0 { json!(z.re) } else { json!({ "re": z.re, "im": z.im }) };
    let value = |Final { name, mean, sem }: &Final| (name.clone(), json!({ "mean": part(*mean), "sem": part(*sem) }));
    let (done, all) = content.done;
    Some(json!({
        "file": entry.name(),
        "state": content.standing,
        "n_done": done,
        "ntraj": all,
        "trajectories": content.numbers,
        "begun": content.begun,
        "values": content.values.iter().map(value).collect::<serde_json::Map<_, _>>(),
    }))
}

/// Lines with their columns below each other.
fn aligned(lines: &[Vec<String>]) -> Vec<String> {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let line = |cells: &Vec<String>| {
        let cells: Vec<String> = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_string()
    };
    lines.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ensemble::Header;
    use crate::report::folder::Folder;
    use crate::store::testing::{header, scratch, written};

    fn entries() -> Vec<Entry> {
        let dir = scratch("table").canonicalize().unwrap();
        written(&dir.join("a.h5"), &header(), 20);
        written(&dir.join("c.h5"), &header(), 11);
        written(&dir.join("b.h5"), &Header { parameter_hash: "another".into(), ..header() }, 20);
        std::fs::write(dir.join("d.h5"), "hello").unwrap();
        Folder::new(dir).entries()
    }

    #[test]
    fn runs_of_one_ensemble_stand_together_and_damaged_files_with_their_reason() {
        let mut out = vec![];
        write(&entries(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words} is not in\n{text}"));
        let order = [
            at("  a.h5  complete  20"),
            at("  c.h5  killed    11 of 20"),
            at("(parameters another, 1 file)"),
            at("  b.h5"),
        ];
        assert!(order.is_sorted(), "{order:?}\n{text}");
        assert!(text.contains("n = 1.00 ± 0.10") && text.contains("a = (2.00 ± 0.10) + (1.000 ± 0.050) i"), "{text}");
        assert!(text.contains("cannot be read  (1 file)\n  d.h5: it is not an HDF5 file"), "{text}");
    }

    #[test]
    fn a_program_finds_the_same() {
        let found = document(&entries());
        assert_eq!(found["groups"].as_array().map(Vec::len), Some(2));
        let killed = &found["groups"][0]["files"][1];
        assert_eq!(
            (&killed["file"], &killed["state"], &killed["n_done"]),
            (&json!("c.h5"), &json!("killed"), &json!(11))
        );
        let value = &found["groups"][0]["files"][0]["values"];
        assert_eq!((&value["n"]["mean"], &value["a"]["sem"]["im"]), (&json!(1.0), &json!(0.05)));
        assert_eq!(found["unreadable"][0]["file"], "d.h5");
    }

    #[test]
    fn an_empty_folder_says_what_is_looked_for() {
        let mut out = vec![];
        write(&[], &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains(".h5"));
    }
}
