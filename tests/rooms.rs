//! The one direction in which the rooms of `src` may use each other.
//!
//! ```text
//! cli -> model -> input -> unravelling -> kernel -> integrator -> ensemble -> store -> report
//!                                                        comm ---------^
//! ```
//!
//! A file uses only rooms to its left, `error`, and, from `ensemble` on, `comm`. MPI is named in
//! `comm` only, HDF5 in `store/hdf5.rs` only. This reads the text of the files, apart from comments
//! and the tests at their end; it is no compiler, but nobody draws an arrow by accident past it.

use std::path::{Path, PathBuf};

const ORDER: [&str; 9] =
    ["cli", "model", "input", "unravelling", "kernel", "integrator", "ensemble", "store", "report"];

/// Rooms that may know who else is running.
const KNOW_COMM: [&str; 3] = ["ensemble", "store", "report"];

/// Files that join the rooms: every arrow is theirs, but neither MPI nor HDF5.
const JOINTS: [&str; 4] = ["lib.rs", "main.rs", "main", "error.rs"];

#[test]
fn no_arrow_points_backward() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&source);
    assert!(files.len() > ORDER.len(), "found only {} files in {}", files.len(), source.display());
    let complaints: Vec<String> = files
        .iter()
        .flat_map(|file| {
            let text = std::fs::read_to_string(file).expect("a readable source file");
            complaints(file.strip_prefix(&source).expect("a path below src"), &text)
        })
        .collect();
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn a_backward_arrow_is_seen_however_it_is_written() {
    for (file, text) in [
        ("model/space.rs", "use crate::kernel::Plan;"),
        ("model/space.rs", "use crate::{\n    error::Error,\n    store::{self, Reader},\n};"),
        ("model/space.rs", "fn f() -> crate::report::Table { todo!() }"),
        ("model/mod.rs", "use super::input::RunSpec;"),
        ("model/library/kerr.rs", "use super::super::super::input::RunSpec;"),
        ("kernel/plan.rs", "use crate::comm::Comm;"),
        ("comm/solo.rs", "use crate::ensemble::Sink;"),
        ("kernel/plan.rs", "use crate::shed::Tool;"),
        ("ensemble/run.rs", "use mpi::traits::*;"),
        ("main.rs", "fn main() { ::mpi::initialize(); }"),
        ("store/writer.rs", "let file = hdf5::File::create(path)?;"),
        ("report/info.rs", "use hdf5_sys::h5p::H5Pcreate;"),
    ] {
        assert_eq!(complaints(Path::new(file), text).len(), 1, "{file}: {text}");
    }
}

#[test]
fn a_forward_arrow_a_comment_and_a_test_are_none_of_its_business() {
    for (file, text) in [
        ("input/resolve.rs", "use crate::cli::Run;\nuse crate::model::{self, Model};\nuse crate::error::Error;"),
        ("input/resolve.rs", "use crate::input::steps::TimeGrid;"),
        ("model/mod.rs", "use self::space::HilbertSpace;"),
        ("model/library/kerr.rs", "use super::super::operator::Operator;"),
        ("ensemble/run.rs", "use crate::comm::Comm;"),
        ("model/space.rs", "/// Stored by [`crate::store`].\n// crate::store"),
        ("model/space.rs", "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::kernel::Plan;\n}"),
        ("main.rs", "use qsd::store; use crate::report;"),
        ("comm/mpi.rs", "use mpi::traits::*;"),
        ("store/hdf5.rs", "use hdf5::File; use hdf5_sys::h5p::H5Pcreate;"),
        ("store/writer.rs", "use super::hdf5::create; fn f() { crate::store::hdf5::create(); }"),
    ] {
        assert_eq!(complaints(Path::new(file), text), [""; 0], "{file}: {text}");
    }
}

/// One sentence for everything wrong in a file; `file` is its path below `src`.
fn complaints(file: &Path, text: &str) -> Vec<String> {
    let parts: Vec<&str> = file.iter().map(|part| part.to_str().expect("plain file names")).collect();
    let room = parts[0];
    let code = code_only(text);
    let name = format!("src/{}", parts.join("/"));
    let mut found = Vec::new();
    if !JOINTS.contains(&room) {
        let wrong = used_rooms(&parts, &code).into_iter().filter(|used| !may_use(room, used));
        found.extend(wrong.map(|used| format!("{name} uses {used}, which is not to the left of {room}")));
    }
    if room != "comm" && names_crate(&code, &["mpi", "mpi_sys"]) {
        found.push(format!("{name} names MPI, which only src/comm may"));
    }
    if parts != ["store", "hdf5.rs"] && names_crate(&code, &["hdf5", "hdf5_sys", "hdf5_metno", "hdf5_metno_sys"]) {
        found.push(format!("{name} names HDF5, which only src/store/hdf5.rs may"));
    }
    found
}

fn may_use(room: &str, used: &str) -> bool {
    let place = |room: &str| ORDER.iter().position(|known| *known == room);
    match (place(room), place(used)) {
        _ if used == room || used == "error" => true,
        _ if used == "comm" => KNOW_COMM.contains(&room),
        (Some(room), Some(used)) => used < room,
        _ => false,
    }
}

/// The text without its comments and without the tests at its end.
fn code_only(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let without_comment = |line: &str| line.split(" //").next().map(str::to_owned).unwrap_or_default();
    text[..end]
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(without_comment)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Rooms named from the root of the crate: after `crate::`, or after as many `super::` as lead there.
fn used_rooms(parts: &[&str], code: &str) -> Vec<String> {
    let depth = parts.len() - usize::from(parts.last() == Some(&"mod.rs"));
    let root = "super::".repeat(depth);
    let code = code.replace(&root, "crate::");
    let mut rooms: Vec<String> = code.split("crate::").skip(1).flat_map(first_names).collect();
    rooms.sort();
    rooms.dedup();
    rooms
}

/// `a` of `a::b`, and `a` and `c` of `{a::b, c::{d, e}}`. Macros and items of the root start with other letters.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut depth = 1;
    let mut names = vec![name(group.trim_start())];
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => names.push(name(group[at + 1..].trim_start())),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Whether a path starts with one of these crates: `mpi::`, not `super::mpi::` or `rsmpi::`.
fn names_crate(code: &str, crates: &[&str]) -> bool {
    crates.iter().any(|krate| {
        let path = format!("{krate}::");
        code.match_indices(&path).any(|(at, _)| {
            let before = &code[..at];
            let absolute = before.strip_suffix("::").unwrap_or(before);
            !absolute.ends_with(|c: char| c.is_alphanumeric() || c == '_')
        })
    })
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a readable source directory");
    let paths = entries.map(|entry| entry.expect("a readable source directory").path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => rust_files(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}
