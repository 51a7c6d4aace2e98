//! The empty file: every object of it at its final size, made by one process with serial HDF5.
//!
//! It grows under another name and is renamed when it is on the disk, so the final name never stands
//! for half a skeleton. Afterwards no metadata changes any more, which is why a killed run leaves a
//! readable file. Filling it with NaN takes the disk space now, not after two days.

use super::h5::{self, File};
use super::layout::{self, Dataset, Each, FORMAT, FORMAT_VERSION, Fill, NUMBERS, RUNS, UNFINISHED};
use super::{StoreError, place};
use crate::ensemble::{Header, Value};
use std::fs;
use std::path::Path;

/// HDF5 keeps an attribute within 64 kB.
const LONGEST_ATTRIBUTE: usize = 60_000;

/// Create the file at `path`, replacing what is there.
///
/// # Errors
/// `Full` says how much the file needs; the temporary file is gone after any error.
pub fn create(path: &Path, header: &Header) -> Result<(), StoreError> {
    create_with(path, header, |_| Ok(()))
}

/// The same, but it does not get its name before `act` has done what it likes with it.
///
/// # Errors
/// Also those of `act`.
pub fn create_with(
    path: &Path,
    header: &Header,
    act: impl FnOnce(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let part = place::with_suffix(path, &format!("{}{}", place::PART, std::process::id()));
    let made = fill(&part, header).and_then(|()| act(&part)).and_then(|()| publish(&part, path));
    made.map_err(|error| {
        // It may not exist; the first error is the one that counts.
        let _ = fs::remove_file(&part);
        in_terms_of(path, header, error)
    })
}

/// A disk that cannot hold the file is not filled first.
fn check_room(part: &Path, header: &Header) -> Result<(), StoreError> {
    match place::free_space(place::directory(part)) {
        Some(free) if free < layout::file_size(header) => Err(StoreError::Full { path: part.into(), needed: None }),
        // Where nobody knows, filling it tells.
        _ => Ok(()),
    }
}

fn fill(part: &Path, header: &Header) -> Result<(), StoreError> {
    check_room(part, header)?;
    let file = File::create(part)?;
    for group in ["parameters", "provenance", "state", "runs", "guards"] {
        file.create_group(group)?;
    }
    if header.check_dt.is_some() {
        file.create_group("step_check")?;
    }
    describe_file(&file, header)?;
    let (scales, others): (Vec<_>, Vec<_>) = layout::datasets(header).into_iter().partition(Dataset::is_scale);
    for dataset in scales.iter().chain(&others) {
        let data = file.create_dataset(dataset)?;
        describe(&data, dataset, header)?;
        if dataset.row.fill == Fill::Known {
            write_known(&data, dataset, header)?;
        }
    }
    file.close()
}

/// On the disk first, then under its name, then the name on the disk.
pub(super) fn publish(part: &Path, path: &Path) -> Result<(), StoreError> {
    let file = fs::File::open(part).map_err(|e| StoreError::io(path, "open the new file", e))?;
    file.sync_all().map_err(|e| StoreError::io(path, "write the new file to the disk", e))?;
    fs::rename(part, path).map_err(|e| StoreError::io(path, "rename the new file", e))?;
    place::sync_directory(path)
}

/// The same error about the final name, with the size of the whole file.
fn in_terms_of(path: &Path, header: &Header, error: StoreError) -> StoreError {
    let path = path.to_path_buf();
    match error {
        StoreError::Full { .. } => StoreError::Full { path, needed: Some(layout::file_size(header)) },
        StoreError::File { doing, detail, .. } => StoreError::File { path, doing, detail },
        other => other,
    }
}

fn describe_file(file: &File, header: &Header) -> Result<(), StoreError> {
    let join = |names: Vec<&str>| names.join(" ");
    let of_states = header.states.iter().flat_map(|states| &states.factors);
    let factors = of_states.chain(header.density.iter().flat_map(|density| &density.factors));
    let command = header.provenance.iter().find(|(key, _)| key == "command_line").map_or("qsd", |(_, value)| value);
    let about = [
        ("format", FORMAT.to_string()),
        ("format_version", FORMAT_VERSION.to_string()),
        ("title", header.title.clone()),
        ("source", concat!("qsd ", env!("CARGO_PKG_VERSION")).to_string()),
        ("history", format!("{} {command}", header.started)),
        ("observables", join(header.observables.iter().map(|o| o.name.as_str()).collect())),
        ("leaks", join(header.leaks.iter().map(|leak| leak.factor.as_str()).collect())),
        ("factors", join(factors.map(|(name, _)| name.as_str()).collect())),
        ("parameter_hash", header.parameter_hash.clone()),
    ];
    for (name, text) in &about {
        file.set_text("/", name, clip(text))?;
    }
    file.set_count("/", "numbers", NUMBERS)?;
    for (name, text) in &header.provenance {
        file.set_text("provenance", name, clip(text))?;
    }
    if header.provenance.iter().any(|(name, _)| name == "hdf5_version") {
        return Ok(());
    }
    file.set_text("provenance", "hdf5_version", &h5::library_version())
}

pub(super) fn describe(data: &h5::Dataset, dataset: &Dataset, header: &Header) -> Result<(), StoreError> {
    let row = dataset.row;
    data.set_text("units", &dataset.units)?;
    data.set_text("long_name", &dataset.long_name)?;
    if !dataset.description.is_empty() {
        data.set_text("description", clip(&dataset.description))?;
    }
    for (name, text) in row.attributes {
        data.set_text(name, text)?;
    }
    if !row.flags.is_empty() {
        let (values, meanings): (Vec<i8>, Vec<&str>) = row.flags.iter().copied().unzip();
        data.set_flags("flag_values", &values)?;
        data.set_text("flag_meanings", &meanings.join(" "))?;
    }
    match row.each {
        Each::Observable if row.checked => describe_observable(data, dataset, header),
        Each::Leak => {
            data.set_count("guarded", header.leaks[dataset.item].guarded.into())?;
            data.set_count("levels", header.leaks[dataset.item].levels as i64)
        }
        _ => Ok(()),
    }
}

fn describe_observable(data: &h5::Dataset, dataset: &Dataset, header: &Header) -> Result<(), StoreError> {
    let observable = &header.observables[dataset.item];
    let name = &observable.name;
    data.set_text("expression", clip(&observable.expression))?;
    data.set_text("label", &observable.label)?;
    data.set_text("latex", &observable.latex)?;
    data.set_text("ancillary_variables", &format!("{name}_mean {name}_sem {name}_traj_std"))?;
    data.set_flags("hermitian", &[i8::from(observable.hermitian)])
}

/// Write what is known before the first step.
fn write_known(data: &h5::Dataset, dataset: &Dataset, header: &Header) -> Result<(), StoreError> {
    let length = dataset.shape.first().copied().unwrap_or(1);
    let counting = |from: i64| (from..).take(length).collect::<Vec<_>>();
    let of_first_run = |value: usize| [value as i32].into_iter().chain([0; RUNS - 1]).collect::<Vec<_>>();
    let text_of_first_run = |text| [text].into_iter().chain([""; RUNS - 1]).collect::<Vec<_>>();
    match (dataset.path.as_str(), dataset.row.each) {
        (_, Each::Parameter) => write_parameter(data, &header.parameters[dataset.item].value),
        (_, Each::Factor) => data.write(&counting(0)),
        (_, Each::BasisFactor) => data.write(&layout::levels(header, dataset.item)),
        ("rho_row" | "rho_col", _) => data.write(&counting(0)),
        ("time", _) => data.write(&header.times),
        ("time_psi", _) => data.write(header.states.as_ref().map_or(&[][..], |states| &states.times)),
        ("time_record", _) => data.write(header.record.as_ref().map_or(&[][..], |record| &record.ends)),
        ("channel", _) => data.write(&counting(1)),
        ("channel_name", _) => {
            data.write_texts(&layout::channels(header).iter().map(String::as_str).collect::<Vec<_>>())
        }
        ("trajectory", _) => data.write(&counting(header.first_trajectory as i64)),
        ("seed", _) => data.write(&vec![header.seed; length]),
        ("provenance/resolved_input", _) => data.write_texts(&[&header.resolved_input]),
        ("step_check/trajectories", _) => data.write(&[header.check_dt.unwrap_or(0) as i64]),
        ("state/end_condition", _) => data.write_texts(&[UNFINISHED]),
        ("runs/run", _) => data.write(&counting(0)),
        ("runs/n_runs", _) => data.write(&[1i64]),
        ("runs/start", _) => data.write_texts(&text_of_first_run(&header.started)),
        ("runs/host", _) => data.write_texts(&text_of_first_run(&header.host)),
        ("runs/ranks", _) => data.write(&of_first_run(header.ranks)),
        ("runs/threads", _) => data.write(&of_first_run(header.threads)),
        (path, _) => unreachable!("{path} is marked as known in the table, but nobody knows it"),
    }
}

fn write_parameter(data: &h5::Dataset, value: &Value) -> Result<(), StoreError> {
    match value {
        Value::Real(x) => data.write(&[*x]),
        Value::Integer(n) => data.write(&[*n]),
        Value::Unsigned(n) => data.write(&[*n]),
        Value::Flag(yes) => data.write(&[u8::from(*yes)]),
        Value::Text(text) => data.write_texts(&[text]),
    }
}

fn clip(text: &str) -> &str {
    h5::clip(text, LONGEST_ATTRIBUTE)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{header, scratch};
    use super::*;

    #[test]
    fn the_same_header_gives_the_same_bytes_at_another_time() {
        let dir = scratch("bytes");
        create(&dir.join("a.h5"), &header()).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1100));
        create(&dir.join("b.h5"), &header()).unwrap();
        assert!(fs::read(dir.join("a.h5")).unwrap() == fs::read(dir.join("b.h5")).unwrap());
    }

    #[test]
    fn the_predicted_size_is_near_the_real_one() {
        let path = scratch("size").join("a.h5");
        let mut header = header();
        for ntraj in [1, 64, 1000] {
            header.ntraj = ntraj;
            create(&path, &header).unwrap();
            let (real, predicted) = (fs::metadata(&path).unwrap().len(), layout::file_size(&header));
            let off = real.abs_diff(predicted) as f64 / real as f64;
            assert!(off < 0.05, "ntraj {ntraj}: {real} bytes, predicted {predicted}");
        }
    }

    #[test]
    fn nothing_is_left_behind_when_it_cannot_be_made() {
        let dir = scratch("left");
        let mut header = header();
        // Two datasets of one name: HDF5 refuses the second.
        header.observables.push(header.observables[0].clone());
        let error = create(&dir.join("a.h5"), &header).unwrap_err();
        assert!(error.to_string().contains("a.h5: cannot create n"), "{error}");
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    }
}
