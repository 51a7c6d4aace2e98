//! What README.md says is what the program has: its tables are made from the tables of the code, its
//! session is what the binary prints, every flag and every error id has its place.

mod common;

use qsd::input::{Method, default_step, defaults};
use qsd::integrator::METHODS;
use qsd::model::library::ENTRIES;
use qsd::store::layout;
use std::collections::BTreeSet;
use std::path::Path;

fn readme() -> String {
    std::fs::read_to_string(common::in_package("README.md")).expect("a README.md")
}

/// Fails unless `part` stands in README.md; the message is what to paste.
#[track_caller]
fn assert_says(part: &str) {
    assert!(readme().contains(part), "README.md should say:\n{part}");
}

#[test]
fn the_table_of_datasets_is_the_one_the_files_are_made_from() {
    assert_says(&layout::markdown());
}

#[test]
fn the_table_of_models_is_the_library_with_its_defaults() {
    let rows = ENTRIES.iter().map(|entry| {
        let numbers: Vec<String> = entry.numbers.iter().map(|(name, value, ..)| format!("{name}={value}")).collect();
        let step = |method| default_step(entry, method, entry.nfock_a);
        let run = defaults(entry);
        format!(
            "| `{}` | `{}` | {} | {} | {} | {} | {} |\n",
            entry.name,
            entry.summary,
            entry.nfock_a,
            numbers.join(", "),
            run.duration,
            run.save_dt,
            Method::ALL.iter().map(|method| format!("{:e}", step(*method))).collect::<Vec<_>>().join(" / ")
        )
    });
    assert_says(&format!("---|\n{}\n", rows.collect::<String>()));
}

#[test]
fn the_table_of_keys_is_the_one_the_parser_uses() {
    assert_says(qsd::report::explain::markdown().trim_end());
}

#[test]
fn the_table_of_methods_is_the_one_of_the_code() {
    let rows = METHODS.iter().map(|info| {
        let default = if info.method == Method::DEFAULT { " (default)" } else { "" };
        let (weak, strong) = (info.weak_order, info.strong_order);
        let (normals, passes) = (1 + u8::from(info.tilt), info.passes);
        format!("| `{}`{default} | {weak} | {strong} | {normals} | {passes} | {} |\n", info.name, info.source)
    });
    assert_says(&format!("---|\n{}\n", rows.collect::<String>()));
}

#[test]
fn every_flag_of_a_run_is_in_the_options() {
    let readme = readme();
    let options = between(&readme, "\n## Options\n", "\n## ");
    let command = qsd::cli::command();
    let run = command.find_subcommand("run").expect("a subcommand");
    for flag in run.get_arguments().filter_map(|argument| argument.get_long()) {
        let named =
            options.split(|c: char| !(c.is_alphanumeric() || "-_".contains(c))).any(|w| w == format!("--{flag}"));
        assert!(named, "the options in README.md do not name --{flag}");
    }
}

#[test]
fn every_error_id_is_explained_in_order() {
    let readme = readme();
    let troubleshooting = between(&readme, "\n## Troubleshooting\n", "\n## ");
    let explained: Vec<String> = troubleshooting
        .lines()
        .filter_map(|line| line.strip_prefix("- `E-")?.split_once('`'))
        .map(|(id, _)| format!("E-{id}"))
        .collect();
    let mut ids = BTreeSet::new();
    collect_ids(&common::in_package("src"), &mut ids);
    assert!(ids.len() > 5, "found only {ids:?} in src");
    assert_eq!(explained, ids.into_iter().collect::<Vec<_>>(), "explained in README.md, and used in src");
}

/// The numbers of a run are the same everywhere, so the session in the README is exact but for the time it took.
#[test]
fn the_session_is_what_the_program_prints() {
    let readme = readme();
    let session = between(&readme, "<!-- printed by: ", "\n```\n");
    let (arguments, printed) = session.split_once(" -->\n```text\n").expect("a block of text after the comment");
    let outcome = common::run_qsd(arguments.split_whitespace()).expect_code(0);
    let numbers: Vec<&str> = printed.lines().filter(|line| line.contains('±')).collect();
    assert!(numbers.len() > 2, "no numbers in: {printed}");
    for line in numbers {
        assert!(outcome.stdout.contains(line), "README.md says\n{line}\nand the program\n{}", outcome.stdout);
    }
}

/// The text after the first `start` up to the next `end` (or the end of the text).
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no '{start}' in README.md"));
    rest.split_once(end).map_or(rest, |(part, _)| part)
}

/// The ids in string literals of the code below `directory`, such as "E-disk" or "error: E-output: ...".
fn collect_ids(directory: &Path, ids: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(directory).expect("a readable source directory") {
        let path = entry.expect("a readable source directory").path();
        if path.is_dir() {
            collect_ids(&path, ids);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).expect("a readable source file");
            for start in ["\"E-", "error: E-"] {
                ids.extend(text.split(start).skip(1).map(|rest| {
                    let name: String = rest.chars().take_while(char::is_ascii_lowercase).collect();
                    format!("E-{name}")
                }));
            }
        }
    }
}
