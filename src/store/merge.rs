//! Several results of one ensemble as one: the valid rows of all, ordered by seed and trajectory number, with the
//! statistics of a run that had had them all.
//!
//! Files are open one at a time and read in pieces, so their number and size do not matter; only the names of
//! the rows, sixteen bytes each, are held together.

use super::place::{Lock, remove_leftovers, standing};
use super::sweep::check_none_begun;
use super::writer::Open;
use super::{Results, StoreError, copy, skeleton};
use crate::ensemble::{Density, Header, StepCheck, Summary, Value, Verdict, Watched, judge, utc_now};
use crate::error::exit;
use crate::input::{Existing, Method, difference, with_number, without_number};
use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What may differ between results that are merged.
const IDENTITY: &[&str] = &["seed", "ntraj", "first_trajectory", "check_dt", "target_tol"];

/// What is asked for beside the files.
#[derive(Debug, Clone, Default)]
pub struct Merging {
    /// Replace a results file that stands where the new one is to be.
    pub overwrite: bool,
    /// Failed guards are warnings.
    pub allow_unsafe: bool,
    /// Who does it, with what: the provenance of the new file.
    pub provenance: Vec<(String, String)>,
    /// This host.
    pub host: String,
}

/// What came of it.
#[derive(Debug)]
pub struct Merged {
    /// What the new file says of itself.
    pub header: Header,
    /// Statistics, guards and the exit code.
    pub summary: Summary,
    /// Of every file: name, valid rows, rows that are missing.
    pub files: Vec<(PathBuf, u64, u64)>,
}

/// A row: its seed, its number, the file it is in and where.
type Row = (u64, u64, u32, u32);

/// Merge `files` into `output`.
///
/// # Errors
/// `Mismatch` and `Overlap` name two files that do not go together; `Exists`, `Locked` and their like are about
/// the output.
pub fn merge(files: &[PathBuf], output: &Path, merging: Merging) -> Result<Merged, StoreError> {
    let started = (Instant::now(), utc_now());
    let existing = if merging.overwrite { Existing::Replace } else { Existing::Refuse };
    let lock = Lock::take(output, true)?;
    let same = |file: &PathBuf| {
        std::fs::canonicalize(file)
            .ok()
            .is_some_and(|file| std::fs::canonicalize(output).is_ok_and(|output| output == file))
    };
    if files.iter().any(same) {
        return Err(StoreError::Mismatch {
            a: output.into(),
            b: output.into(),
            what: "it is one of the files to merge; name a new one with -o".into(),
        });
    }
    let taken = standing(output, existing).map_err(|error| match error {
        StoreError::Exists { path } => StoreError::InTheWay { path },
        other => other,
    });
    taken?;
    check_none_begun(output)?;
    if lock.is_held() {
        remove_leftovers(output);
    }
    let Found { mut header, rows, counts, check, mut density, numbers } = survey(files)?;
    header.ranks = 1;
    header.threads = 1;
    header.host = merging.host;
    header.started = started.1;
    header.provenance = merging.provenance;
    let names = counts.iter().map(|(path, rows, _)| {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        format!("{name} ({rows})")
    });
    header.provenance.push(("merged_from".into(), names.collect::<Vec<_>>().join(", ")));
    let mut summary = None;
    skeleton::create_with(output, &header, |part| {
        let new = Open::alone(part, &header)?;
        new.set_numbers(numbers)?;
        fill(files, &rows, &new)?;
        if let Some(check) = &check {
            new.write_step_check(check)?;
        }
        new.into_file().close()?;
        let found = summarise(part, &header, merging.allow_unsafe, started.0)?;
        let mut new = Open::alone(part, &header)?;
        if let Some(density) = &mut density {
            new.write_density(density)?;
        }
        new.write_summary(&found)?;
        new.write_end(&found)?;
        new.write_complete(&found)?;
        new.sync()?;
        summary = Some(found);
        new.into_file().close()
    })?;
    let summary = summary.ok_or_else(|| StoreError::Missing { path: output.into() })?;
    Ok(Merged { header, summary, files: counts })
}

/// What is found in one pass over the files.
struct Found {
    /// Of the result.
    header: Header,
    /// In their order.
    rows: Vec<Row>,
    /// Of every file: name, valid rows, rows that are missing.
    counts: Vec<(PathBuf, u64, u64)>,
    /// The step check that is kept.
    check: Option<StepCheck>,
    /// The density matrix of all of them.
    density: Option<Density>,
    /// What the seeds of all of them mean.
    numbers: i64,
}

/// Of several step checks that of the lowest seed is kept, which the header names; of several of them that of the most
/// trajectories. (They are not joined: those of one seed have trajectories in common.)
fn survey(files: &[PathBuf]) -> Result<Found, StoreError> {
    let mut first: Option<(Header, i64)> = None;
    let (mut rows, mut counts): (Vec<Row>, Vec<_>) = (vec![], vec![]);
    let mut kept: Option<(u64, StepCheck, Header)> = None;
    let mut density: Option<Density> = None;
    for (number, path) in files.iter().enumerate() {
        let results = Results::open(path)?;
        match &first {
            Some((header, numbers)) => same_ensemble(&files[0], header, *numbers, &results)?,
            None => first = Some((results.header()?, results.numbers()?)),
        }
        let (seeds, trajectories, valid) = (results.seeds()?, results.trajectories()?, results.valid_rows()?);
        if let (Some(check), Some(&seed)) = (results.step_check()?, seeds.first()) {
            let rank = |seed: u64, check: &StepCheck| (seed, Reverse(check.trajectories));
            if kept.as_ref().is_none_or(|(old_seed, old, _)| rank(seed, &check) < rank(*old_seed, old)) {
                kept = Some((seed, check, results.header()?));
            }
        }
        if let Some(part) = averaged(&results, &valid)? {
            density = Some(joined(density, part));
        }
        let names = seeds.into_iter().zip(trajectories).zip(&valid).enumerate();
        let before = rows.len();
        rows.extend(names.filter_map(|(row, ((seed, trajectory), valid))| {
            valid.then_some((seed, trajectory as u64, number as u32, row as u32))
        }));
        let found = (rows.len() - before) as u64;
        counts.push((path.clone(), found, valid.len() as u64 - found));
    }
    rows.sort_unstable();
    if let Some(pair) = rows.windows(2).find(|pair| pair[0].0 == pair[1].0 && pair[0].1 == pair[1].1) {
        let [(seed, trajectory, a, _), (_, _, b, _)] = pair else { unreachable!("windows of two") };
        let [a, b] = [a, b].map(|&file| files[file as usize].clone());
        return Err(StoreError::Overlap { seed: *seed, trajectory: *trajectory, a, b });
    }
    match (first, rows.first()) {
        (Some((header, numbers)), Some((lowest, ..))) => {
            let (check, header) = match kept.filter(|(seed, ..)| seed == lowest) {
                Some((_, check, header)) => (Some(check), header),
                None => (None, unchecked(header)),
            };
            if let Some(density) = &mut density {
                *density.counted() = vec![true; rows.len()];
            }
            Ok(Found { header: header_of(header, &rows), rows, counts, check, density, numbers })
        }
        _ => Err(StoreError::Empty { path: files.first().cloned().unwrap_or_default() }),
    }
}

/// The density matrix of a file, if it has one: of the rows that are merged, and of no other.
fn averaged(results: &Results, valid: &[bool]) -> Result<Option<Density>, StoreError> {
    let Some(mut density) = results.density()? else { return Ok(None) };
    match density.counted().iter().zip(valid).filter(|(counted, valid)| counted != valid).count() {
        0 => Ok(Some(density)),
        count => Err(StoreError::Unaveraged { path: results.path().into(), count }),
    }
}

fn joined(all: Option<Density>, mut part: Density) -> Density {
    match all {
        Some(mut all) => {
            all.join(&mut part);
            all
        }
        None => part,
    }
}

fn same_ensemble(first: &Path, header: &Header, numbers: i64, other: &Results) -> Result<(), StoreError> {
    let mismatch = |what: String| StoreError::Mismatch { a: first.into(), b: other.path().into(), what };
    if other.numbers()? != numbers {
        return Err(mismatch("their seeds give other numbers (attribute numbers)".into()));
    }
    if other.about("parameter_hash") == header.parameter_hash {
        return Ok(());
    }
    let found = difference(&header.resolved_input, &other.resolved_input()?, IDENTITY);
    let value = |value: Option<String>| value.unwrap_or("missing".into());
    Err(mismatch(match found {
        Some(found) => format!("{} is {} and {}", found.name(), value(found.stored), value(found.asked)),
        None => "their attributes parameter_hash differ".into(),
    }))
}

/// The header of a file whose step check is not taken along.
fn unchecked(header: Header) -> Header {
    let resolved_input = without_number(&header.resolved_input, "check_dt");
    Header { check_dt: None, resolved_input, ..header }
}

/// The header of one file, for all rows.
fn header_of(mut header: Header, rows: &[Row]) -> Header {
    let ((seed, first, ..), (last_seed, last, ..)) = (rows[0], rows[rows.len() - 1]);
    let is_one_range = seed == last_seed && last - first + 1 == rows.len() as u64;
    header.seed = seed;
    header.first_trajectory = first;
    header.ntraj = rows.len() as u64;
    let mut input = header
        .resolved_input
        .lines()
        .filter(|line| *line != SCATTERED)
        .fold(String::new(), |all, line| all + line + "\n");
    for (key, number) in [("seed", seed), ("first_trajectory", first), ("ntraj", header.ntraj)] {
        input = with_number(&input, key, number);
    }
    header.resolved_input = if is_one_range { input } else { format!("{SCATTERED}\n{input}") };
    for parameter in &mut header.parameters {
        parameter.value = match parameter.name.as_str() {
            "seed" => Value::Unsigned(seed),
            "first_trajectory" => Value::Integer(first as i64),
            "Ntraj" => Value::Integer(header.ntraj as i64),
            _ => continue,
        };
    }
    let seeds = rows.chunk_by(|a, b| a.0 == b.0).count();
    let what = match is_one_range {
        true => format!("trajectories {first}-{last}, seed {seed}"),
        false => format!("{} trajectories of {seeds} seed{}, merged", header.ntraj, if seeds == 1 { "" } else { "s" }),
    };
    header.title = retitled(&header.title, &what);
    header
}

/// First line of an input that does not name all its rows.
const SCATTERED: &str =
    "# Merged: seeds and trajectory numbers are in the datasets seed and trajectory; those here are of the first.";

/// A title with other words for its trajectories.
pub(super) fn retitled(title: &str, what: &str) -> String {
    let model = match (title.rsplit_once(", trajectories "), title.rsplit_once(" trajectories of ")) {
        (Some((model, _)), _) => model,
        (None, Some((model, _))) => model.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(", "),
        (None, None) => title,
    };
    format!("{model}, {what}")
}

/// All rows into their places.
fn fill(files: &[PathBuf], rows: &[Row], new: &Open) -> Result<(), StoreError> {
    let mut places: Vec<Vec<(usize, usize)>> = vec![vec![]; files.len()];
    for (place, (_, _, file, row)) in rows.iter().enumerate() {
        places[*file as usize].push((*row as usize, place));
    }
    for (path, mut places) in files.iter().zip(places) {
        places.sort_unstable();
        let place = |row: usize| places.binary_search_by_key(&row, |(row, _)| *row).ok().map(|at| places[at].1);
        let copied = copy::rows(&Results::open(path)?, new, &place)?;
        if copied != places.len() as u64 {
            let detail = format!("{} of its rows have changed meanwhile", places.len() as u64 - copied);
            return Err(StoreError::File { path: path.clone(), doing: "merge".into(), detail });
        }
    }
    Ok(())
}

fn summarise(part: &Path, header: &Header, allow_unsafe: bool, started: Instant) -> Result<Summary, StoreError> {
    let results = Results::open(part)?;
    let (shape, node) = results.node_of(&vec![true; header.ntraj as usize])?;
    let node = node.ok_or_else(|| StoreError::Empty { path: part.into() })?;
    let method = Method::of_input(&header.resolved_input);
    let watched = Watched { leaks: &header.leaks, times: &header.times, method };
    let guards = judge(&node, &shape, &watched, allow_unsafe);
    let failed = guards.iter().any(|guard| guard.verdict == Verdict::Failed);
    Ok(Summary {
        n_done: node.n,
        observables: node.statistics(&shape),
        leaks: node.leaks(&shape),
        guards,
        check: results.step_check()?,
        end_condition: "merged".into(),
        exit_code: if failed { exit::GUARD } else { exit::DONE },
        wall_time: started.elapsed().as_secs_f64(),
        ended: utc_now(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::h5::File;
    use super::super::testing::{header, scratch, written};
    use super::*;

    /// A file with `count` of the rows from `first` on, of a run of `ntraj`.
    fn part(path: &Path, seed: u64, first: u64, ntraj: u64, count: u64) -> PathBuf {
        let mut header = Header { seed, first_trajectory: first, ntraj, ..header() };
        header.title = format!("test, trajectories {first}-{}, seed {seed}", first + ntraj - 1);
        header.resolved_input =
            format!("regime = \"test\"\nntraj = {ntraj}\nseed = {seed}\nfirst_trajectory = {first}\n");
        written(path, &header, count);
        path.into()
    }

    fn merged(files: &[PathBuf], output: &Path) -> Result<Merged, String> {
        merge(files, output, Merging { overwrite: false, ..Merging::default() }).map_err(|error| error.to_string())
    }

    #[test]
    fn parts_of_a_run_in_any_order_give_the_bits_of_the_run() {
        let dir = scratch("merged");
        let [a, b, c] = [("a", 100, 5), ("b", 105, 2), ("c", 107, 13)]
            .map(|(name, first, ntraj)| part(&dir.join(name), 5, first, ntraj, ntraj));
        let whole = part(&dir.join("whole"), 5, 100, 20, 20);
        merged(&[c.clone(), a.clone(), b.clone()], &dir.join("all")).unwrap();
        // Merging what was merged is the same again.
        merged(&[a, b], &dir.join("ab")).unwrap();
        merged(&[dir.join("ab"), c], &dir.join("abc")).unwrap();
        let whole = Results::open(&whole).unwrap();
        let expected = whole.statistics_of(&[true; 20]).unwrap();
        for name in ["all", "abc"] {
            let results = Results::open(&dir.join(name)).unwrap();
            assert_eq!(results.statistics().unwrap().unwrap(), expected, "{name}");
            assert_eq!(results.statistics_of(&[true; 20]).unwrap(), expected);
            assert_eq!(results.checksums(0, 20).unwrap(), whole.checksums(0, 20).unwrap());
            assert_eq!(results.valid_rows().unwrap(), [true; 20]);
            assert_eq!(results.resolved_input().unwrap(), whole.resolved_input().unwrap());
            assert_eq!(results.about("title"), "test, trajectories 100-119, seed 5");
            assert!(results.state().unwrap().complete);
        }
        let from = Results::open(&dir.join("abc")).unwrap().provenance().unwrap();
        assert!(from.contains(&("merged_from".into(), "ab (7), c (13)".into())), "{from:?}");
    }

    #[test]
    fn seeds_are_joined_in_their_order_and_missing_rows_are_counted() {
        let dir = scratch("seeds");
        let files: Vec<_> = [9, 3, 7].map(|seed| part(&dir.join(seed.to_string()), seed, 0, 4, 4)).into();
        let killed = part(&dir.join("killed"), 3, 50, 20, 11);
        let found = merged(&[files.clone(), vec![killed]].concat(), &dir.join("all")).unwrap();
        let counts: Vec<_> = found.files.iter().map(|(_, rows, missing)| (*rows, *missing)).collect();
        assert_eq!(counts, [(4, 0), (4, 0), (4, 0), (11, 9)]);
        let results = Results::open(&dir.join("all")).unwrap();
        assert_eq!(results.seeds().unwrap(), [vec![3; 15], vec![7; 4], vec![9; 4]].concat());
        let numbers = [(0..4).collect::<Vec<_>>(), (50..61).collect(), (0..4).collect(), (0..4).collect()].concat();
        assert_eq!(results.trajectories().unwrap(), numbers);
        assert_eq!(results.about("title"), "test, 23 trajectories of 3 seeds, merged");
        assert_eq!(results.statistics().unwrap().unwrap(), results.statistics_of(&[true; 23]).unwrap());
        // n of trajectory t at time 0 is t.
        let mean = (3 * 6 + (50..61).sum::<i64>()) as f64 / 23.0;
        assert!((results.statistics().unwrap().unwrap()[0].mean[0].re - mean).abs() < 1e-12);
        let text = results.resolved_input().unwrap();
        assert!(text.starts_with("# Merged") && text.contains("ntraj = 23"), "{text}");
        // In another order, and through an intermediate file: the same rows, the same statistics.
        merged(&[files[2].clone(), files[0].clone()], &dir.join("97")).unwrap();
        merged(&[dir.join("killed"), dir.join("97"), files[1].clone()], &dir.join("again")).unwrap();
        let again = Results::open(&dir.join("again")).unwrap();
        assert_eq!(again.statistics().unwrap(), results.statistics().unwrap());
        assert_eq!(again.resolved_input().unwrap(), text);
        let header = Header { resolved_input: text, ..header() };
        let error = super::super::same::check(&again, &header, &[]).unwrap_err().to_string();
        assert!(error.contains("cannot be gone on with"), "{error}");
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_both_names() {
        let dir = scratch("apart");
        let a = part(&dir.join("a"), 5, 0, 20, 20);
        let b = part(&dir.join("b"), 5, 19, 4, 4);
        let said = |files: &[&PathBuf]| {
            let files: Vec<PathBuf> = files.iter().map(|path| path.to_path_buf()).collect();
            merged(&files, &dir.join("out")).unwrap_err()
        };
        let error = said(&[&a, &b]);
        assert!(
            error.contains("trajectory 19 of seed 5 is in") && error.contains("/a ") && error.contains("/b"),
            "{error}"
        );
        let error = said(&[&a, &a]);
        assert!(error.contains("trajectory 0 of seed 5"), "{error}");
        let mut other = Header { seed: 6, parameter_hash: "f".into(), ..header() };
        other.resolved_input = "regime = \"test\"\nntraj = 20\nseed = 6\nfirst_trajectory = 0\nchi = 2.0\n".into();
        written(&dir.join("c"), &other, 20);
        let error = said(&[&a, &dir.join("c")]);
        assert!(
            error.contains("chi is missing and 2.0") && error.contains("/a and ") && error.contains("/c"),
            "{error}"
        );
        assert!(!dir.join("out").exists() && !dir.join("out.lock").exists());
        std::fs::write(dir.join("out"), "precious").unwrap();
        assert!(said(&[&a]).contains("out exists"));
        let forced = merge(&[a], &dir.join("out"), Merging { overwrite: true, ..Merging::default() });
        assert!(forced.unwrap_err().to_string().contains("not a results file"));
    }

    #[test]
    fn rows_of_another_program_keep_its_numbers_and_do_not_mix_with_ours() {
        let dir = scratch("numbers");
        let [a, b, c] = [0, 4, 8].map(|first| part(&dir.join(format!("{first}")), 5, first, 4, 4));
        for path in [&a, &b] {
            let file = File::open_rows(path, None).unwrap();
            file.set_count("/", "numbers", 7).unwrap();
            file.close().unwrap();
        }
        merged(&[a.clone(), b], &dir.join("old")).unwrap();
        assert_eq!(Results::open(&dir.join("old")).unwrap().numbers().unwrap(), 7);
        let error = merged(&[a, c], &dir.join("mixed")).unwrap_err();
        assert!(error.contains("their seeds give other numbers"), "{error}");
    }

    #[test]
    fn a_title_keeps_the_name_of_the_model() {
        for title in ["kerrA21, trajectories 0-63, seed 1", "kerrA21, 23 trajectories of 3 seeds, merged", "kerrA21"] {
            assert_eq!(retitled(title, "trajectories 0-9, seed 2"), "kerrA21, trajectories 0-9, seed 2");
        }
    }

    #[test]
    #[ignore = "a thousand files: cargo test --release merge -- --ignored --nocapture"]
    fn a_thousand_files_of_one_trajectory_merge_in_seconds() {
        let dir = scratch("thousand");
        let files: Vec<_> = (1..1000).map(|seed| part(&dir.join(format!("{seed}.h5")), seed, 0, 1, 1)).collect();
        let started = Instant::now();
        let merged = merged(&files, &dir.join("all")).unwrap();
        println!("999 files in {:?}", started.elapsed());
        assert_eq!(merged.summary.n_done, 999);
        assert!(started.elapsed().as_secs() < 20);
    }
}
