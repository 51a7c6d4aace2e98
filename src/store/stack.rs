//! All points of a sweep in one file: every dataset of an ordinary results file with the axes of the sweep in front,
//! `n(alpha0, chi, trajectory, time)`.
//!
//! Coordinates are the same at all points and kept once, parameters that are the same stay numbers, and all else is
//! stacked. What is in a file stands in the table of `layout`, so this file names no dataset of it. Points are open
//! one at a time and copied in pieces.

use super::h5::{File, SWEPT};
use super::layout::{self, Axis as LayoutAxis, Dataset, Each, FORMAT_VERSION, Fill, Kind, Row, SWEEP_FORMAT, Unit};
use super::merge::retitled;
use super::{Results, StoreError, place, skeleton};
use crate::ensemble::Header;
use crate::input::{Axes, Axis, POINT, Streams};
use std::fs;
use std::path::{Path, PathBuf};

/// Text attributes of this group are datasets of it here, with the text of every point; whether these happen to be the
/// same changes nothing, so that equal sweeps have equal files.
pub const VARYING: &str = "provenance";
/// Text attributes of the root that are there as well.
pub const VARYING_ROOT: &[&str] = &["title", "history", "parameter_hash"];

/// Check that an axis can have the name of its parameter in the file of this header.
///
/// # Errors
/// `AxisName` if a dataset or a group has it.
pub fn check_axes(axes: &Axes, header: &Header) -> Result<(), StoreError> {
    let all = layout::datasets(header);
    let taken = |name: &str| all.iter().any(|dataset| dataset.path.split('/').next() == Some(name));
    let point = axes.zip.then_some(POINT).into_iter();
    let mut names = axes.all.iter().map(|axis| axis.name.as_str()).chain(point.clone());
    let clash = names.find(|name| taken(name) || name.contains('/') || name.is_empty());
    let clash =
        clash.or_else(|| axes.all.iter().map(|axis| axis.name.as_str()).find(|name| axes.zip && *name == POINT));
    clash.map_or(Ok(()), |name| Err(StoreError::AxisName { name: name.into() }))
}

/// Check that the results of two points can stand in one array, from what is known before the first step.
///
/// # Errors
/// `Unstackable` with the first thing that differs.
pub fn check_same(first: &Header, other: &Header, points: [&str; 2]) -> Result<(), StoreError> {
    let refuse = |what: String| Err(StoreError::Unstackable { a: points[0].into(), b: points[1].into(), what });
    let (a, b) = (layout::datasets(first), layout::datasets(other));
    if let Some((a, b)) = a.iter().zip(&b).find(|(a, b)| a.path != b.path) {
        return refuse(format!("{} is at one and {} at the other", a.path, b.path));
    }
    if a.len() != b.len() {
        return refuse(format!("one has {} datasets and the other {}", a.len(), b.len()));
    }
    let is_text = |kind: Kind| matches!(kind, Kind::Text(_));
    for (a, b) in a.iter().zip(&b) {
        if a.shape != b.shape {
            return refuse(format!("{} has the shapes {:?} and {:?}", a.path, a.shape, b.shape));
        }
        if a.kind != b.kind && !(is_text(a.kind) && is_text(b.kind)) {
            return refuse(format!("{} is real at one and complex at the other", a.path));
        }
    }
    let times = |header: &Header| {
        let kets = header.states.as_ref().map(|states| states.times.clone());
        (header.times.clone(), kets, header.record.as_ref().map(|record| record.ends.clone()))
    };
    if times(first) != times(other) {
        return refuse("their saved times differ".into());
    }
    if first.first_trajectory != other.first_trajectory {
        return refuse("their trajectories have other numbers".into());
    }
    Ok(())
}

/// Make the file of all points at `output`, replacing what is there.
///
/// # Errors
/// `Unstackable`, `Full` or `File`; nothing is left of the new file then.
pub fn stack(output: &Path, axes: &Axes, streams: Streams, files: &[PathBuf]) -> Result<(), StoreError> {
    let plan = Plan::of(axes, files)?;
    let part = with_part(output);
    let made = make(&part, &plan, axes, streams, files).and_then(|()| skeleton::publish(&part, output));
    made.map_err(|error| {
        // It may not exist; the first error is the one that counts.
        let _ = fs::remove_file(&part);
        match error {
            StoreError::Full { .. } => StoreError::Full { path: output.into(), needed: Some(plan.bytes()) },
            StoreError::File { doing, detail, .. } => StoreError::File { path: output.into(), doing, detail },
            other => other,
        }
    })
}

fn with_part(output: &Path) -> PathBuf {
    place::with_suffix(output, &format!("{}{}", place::PART, std::process::id()))
}

/// The axes and the noise of a stacked file.
///
/// # Errors
/// `File` if it cannot be read.
pub fn axes_of(path: &Path) -> Result<(Axes, Streams), StoreError> {
    let file = File::open(path)?;
    let texts = file.texts("/")?;
    let text = |name: &str| texts.iter().find(|(key, _)| key == name).map_or("", |(_, text)| text.as_str());
    let mut all: Vec<Axis> = vec![];
    for name in text(SWEPT).split_whitespace() {
        all.push(Axis { name: name.into(), values: file.dataset(name)?.read()? });
    }
    let streams = if text(STREAMS) == Streams::Independent.word() { Streams::Independent } else { Streams::Common };
    Ok((Axes { zip: file.count("/", ZIP)? == Some(1), all }, streams))
}

/// Root attributes beside the axes.
const STREAMS: &str = "sweep_streams";
const ZIP: &str = "sweep_zip";

/// What is the same at all points, and what is not.
struct Plan {
    /// Of the first point.
    header: Header,
    /// Number of the program's random numbers.
    numbers: i64,
    /// Kept once.
    once: Vec<Dataset>,
    /// With the axes in front.
    stacked: Vec<Dataset>,
    /// Text attributes of the root, of the first point.
    about: Vec<(String, String)>,
    /// Text attributes that points have each for themselves: name, and the text of every point.
    varying: Vec<(String, Vec<String>)>,
}

impl Plan {
    fn of(axes: &Axes, files: &[PathBuf]) -> Result<Plan, StoreError> {
        let first = files.first().map(|path| Results::open(path));
        let first = first.unwrap_or_else(|| Err(StoreError::Missing { path: PathBuf::new() }))?;
        let (header, numbers) = (first.header()?, first.numbers()?);
        let all = layout::datasets(&header);
        let mut lengths: Vec<usize> = all.iter().map(|dataset| dataset.kind.bytes()).collect();
        let mut varies: Vec<bool> = vec![false; header.parameters.len()];
        let mut texts: Vec<Vec<(String, String)>> = vec![];
        for (point, path) in files.iter().enumerate() {
            let results = Results::open(path)?;
            let other = results.header()?;
            let labels = [axes.label(0), axes.label(point)];
            check_same(&header, &other, [&labels[0], &labels[1]])?;
            if results.numbers()? != numbers || !results.state()?.complete {
                let what = "they are not complete results of one version of the program".into();
                return Err(StoreError::Unstackable { a: labels[0].clone(), b: labels[1].clone(), what });
            }
            for (length, dataset) in lengths.iter_mut().zip(layout::datasets(&other)) {
                *length = (*length).max(dataset.kind.bytes());
            }
            for (k, parameter) in other.parameters.iter().enumerate() {
                varies[k] |= parameter.value != header.parameters[k].value;
            }
            let root = results.file().texts("/")?.into_iter();
            let of_point = root.filter(|(name, _)| VARYING_ROOT.contains(&name.as_str())).chain(results.provenance()?);
            texts.push(of_point.collect::<Vec<(String, String)>>());
        }
        let is_once = |dataset: &Dataset| match dataset.row.each {
            Each::Parameter => !varies[dataset.item],
            // Coordinates, of an axis that is called by another name.
            Each::BasisFactor => true,
            _ => dataset.is_scale(),
        };
        let (mut once, mut stacked): (Vec<Dataset>, Vec<Dataset>) = (vec![], vec![]);
        for (mut dataset, length) in all.into_iter().zip(lengths) {
            if is_once(&dataset) {
                once.push(dataset);
                continue;
            }
            if let Kind::Text(bytes) = &mut dataset.kind {
                *bytes = length;
            }
            stacked.push(match axes.all.iter().position(|axis| is_value_of(&axis.name, &dataset)) {
                Some(k) if !axes.zip => along(axes, &[k], dataset),
                _ => in_front(axes, dataset),
            });
        }
        let about = first.file().texts("/")?;
        Ok(Plan { header, numbers, once, stacked, about, varying: by_name(&texts) })
    }

    /// Size of the file, as near as that of an ordinary one is known.
    fn bytes(&self) -> u64 {
        let points = self.varying.first().map_or(0, |(_, texts)| texts.len());
        let length = |texts: &[String]| texts.iter().map(String::len).max().unwrap_or(0);
        let varying = self.varying.iter().map(|(_, texts)| layout::DATASET + (length(texts) * points) as u64);
        let about: usize = self.about.iter().map(|(key, value)| 80 + key.len() + value.len()).sum();
        layout::size_of(self.once.iter().chain(&self.stacked)) + varying.sum::<u64>() + about as u64
    }
}

/// Every name with the text of every point, an empty one where there is none.
fn by_name(texts: &[Vec<(String, String)>]) -> Vec<(String, Vec<String>)> {
    let mut names: Vec<&String> = texts.iter().flatten().map(|(name, _)| name).collect();
    names.sort();
    names.dedup();
    let text = |of_point: &Vec<(String, String)>, name: &String| -> String {
        of_point.iter().find(|(key, _)| key == name).map(|(_, text)| text.clone()).unwrap_or_default()
    };
    names.into_iter().map(|name| (name.clone(), texts.iter().map(|of_point| text(of_point, name)).collect())).collect()
}

/// A dataset with the axes of the sweep in front of its own.
fn in_front(axes: &Axes, dataset: Dataset) -> Dataset {
    let all: Vec<usize> = (0..axes.shape().len()).collect();
    along(axes, &all, dataset)
}

/// A dataset with some of these axes in front of its own.
fn along(axes: &Axes, which: &[usize], dataset: Dataset) -> Dataset {
    let (lengths, names) = (axes.shape(), axes.dimensions());
    let mut shape: Vec<usize> = which.iter().map(|&k| lengths[k]).collect();
    let mut scales: Vec<String> = which.iter().map(|&k| names[k].to_string()).collect();
    shape.extend(dataset.shape);
    scales.extend(dataset.scales);
    Dataset { shape, scales, ..dataset }
}

/// Whether it is the value of a swept parameter, which changes along its own axis only. (Older versions of xarray refuse
/// a variable of several axes that is called like one of them.)
fn is_value_of(axis: &str, dataset: &Dataset) -> bool {
    dataset.row.each == Each::Parameter && dataset.path.rsplit('/').next() == Some(axis)
}

/// Names of the axes of the sweep that a dataset has.
fn axes_of_dataset<'a>(axes: &'a Axes, dataset: &Dataset) -> Vec<&'a str> {
    axes.dimensions().into_iter().filter(|name| dataset.scales.iter().any(|scale| scale == name)).collect()
}

const AXIS: Row = Row {
    path: "",
    each: Each::File,
    axes: &[] as &[LayoutAxis],
    kind: Kind::Real,
    unit: Unit::Is("1"),
    fill: Fill::Zero,
    checked: false,
    long_name: "",
    description: "",
    attributes: &[],
    flags: &[],
};

/// A dataset that ordinary files have not.
fn plain(name: &str, kind: Kind, shape: Vec<usize>, scales: Vec<String>) -> Dataset {
    Dataset {
        row: const { &AXIS },
        item: 0,
        path: name.into(),
        kind,
        shape,
        scales,
        units: "1".into(),
        long_name: String::new(),
        description: String::new(),
    }
}

fn make(part: &Path, plan: &Plan, axes: &Axes, streams: Streams, files: &[PathBuf]) -> Result<(), StoreError> {
    if place::free_space(place::directory(part)).is_some_and(|free| free < plan.bytes()) {
        return Err(StoreError::Full { path: part.into(), needed: None });
    }
    let file = File::create(part)?;
    if let Err(error) = fill(&file, plan, axes, streams, files) {
        // Closing it would write once more what could not be written.
        std::mem::forget(file);
        return Err(error);
    }
    file.close()
}

fn fill(file: &File, plan: &Plan, axes: &Axes, streams: Streams, files: &[PathBuf]) -> Result<(), StoreError> {
    let mut groups: Vec<&str> =
        plan.once.iter().chain(&plan.stacked).filter_map(|d| Some(d.path.split_once('/')?.0)).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.iter().try_for_each(|group| file.create_group(group))?;
    describe(file, plan, axes, streams)?;
    write_axes(file, plan, axes)?;
    let (scales, others): (Vec<&Dataset>, Vec<&Dataset>) = plan.once.iter().partition(|dataset| dataset.is_scale());
    let first = Results::open(&files[0])?;
    for dataset in scales.into_iter().chain(others) {
        let data = file.create_dataset(dataset)?;
        skeleton::describe(&data, dataset, &plan.header)?;
        first.file().dataset(&dataset.path)?.copy_to(&data)?;
    }
    let names = axes.dimensions().join(" ");
    for dataset in &plan.stacked {
        let data = file.create_dataset(dataset)?;
        skeleton::describe(&data, dataset, &plan.header)?;
        data.set_text(SWEPT, &axes_of_dataset(axes, dataset).join(" "))?;
    }
    for (name, texts) in &plan.varying {
        let length = texts.iter().map(String::len).max().unwrap_or(0);
        let path = format!("{VARYING}/{name}");
        let data = file.create_dataset(&in_front(axes, plain(&path, Kind::Text(length), vec![], vec![])))?;
        data.set_text("units", "1")?;
        data.set_text("long_name", &format!("{name} of the run of the point"))?;
        data.set_text(SWEPT, &names)?;
        data.write_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>())?;
    }
    for (point, path) in files.iter().enumerate() {
        let results = Results::open(path)?;
        for dataset in &plan.stacked {
            let mine = axes_of_dataset(axes, dataset);
            let place = axes.place(point).into_iter().filter(|(name, _)| mine.contains(&name.as_str()));
            let to = file.dataset(&dataset.path)?.at(place.map(|(_, place)| place).collect());
            results.file().dataset(&dataset.path)?.copy_to(&to)?;
        }
    }
    Ok(())
}

/// Attributes of the root.
fn describe(file: &File, plan: &Plan, axes: &Axes, streams: Streams) -> Result<(), StoreError> {
    let names: Vec<&str> = axes.all.iter().map(|axis| axis.name.as_str()).collect();
    let mut own = vec![
        ("format", SWEEP_FORMAT.to_string()),
        ("format_version", FORMAT_VERSION.to_string()),
        ("title", retitled(&plan.header.title, &format!("{} points of {}", axes.count(), names.join(", ")))),
        (SWEPT, names.join(" ")),
        (STREAMS, streams.word().to_string()),
    ];
    if axes.zip {
        // Where readers look for coordinates that are no axes.
        own.push(("coordinates", names.join(" ")));
    }
    let is_own = |name: &String| own.iter().any(|(own, _)| own == name) || name == "parameter_hash";
    let kept = plan.about.iter().filter(|(name, _)| !is_own(name)).map(|(name, text)| (name.as_str(), text));
    for (name, text) in own.iter().map(|(name, text)| (*name, text)).chain(kept) {
        file.set_text("/", name, text)?;
    }
    file.set_count("/", ZIP, axes.zip.into())?;
    file.set_count("/", "numbers", plan.numbers)
}

/// The values of the parameters.
fn write_axes(file: &File, plan: &Plan, axes: &Axes) -> Result<(), StoreError> {
    if axes.zip {
        let data = file.create_dataset(&plain(POINT, Kind::I64, axes.shape(), vec![POINT.into()]))?;
        data.set_text("units", "1")?;
        data.set_text("long_name", "number of the point")?;
        data.write(&(0..axes.count() as i64).collect::<Vec<_>>())?;
    }
    for axis in &axes.all {
        let scale = if axes.zip { POINT } else { axis.name.as_str() };
        let data = file.create_dataset(&plain(&axis.name, Kind::Real, vec![axis.values.len()], vec![scale.into()]))?;
        let parameter = plan.header.parameters.iter().find(|parameter| parameter.name == axis.name);
        data.set_text("units", parameter.map_or("1", |parameter| parameter.unit.as_str()))?;
        data.set_text("long_name", parameter.map_or(axis.name.as_str(), |parameter| parameter.description.as_str()))?;
        data.write(&axis.values)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{header, rows, scratch, summary, written};
    use super::super::{H5Sink, Place};
    use super::*;
    use crate::ensemble::{Density, DensityInfo, Parameter, Sink, Value};

    /// Two by two points of a parameter x and a parameter y, in files of their own.
    fn points(dir: &Path, axes: &Axes) -> Vec<PathBuf> {
        let file = |point: usize| {
            let mut header = Header { ntraj: 20, seed: 5 + point as u64, ..header() };
            for (name, value) in axes.values(point) {
                let (name, unit, description) =
                    (String::from(name), String::from("kappa"), String::from("a swept one"));
                header.parameters.push(Parameter { name, value: Value::Real(value), unit, description });
            }
            header.title = format!("point {point}");
            header.resolved_input = format!("x = {}\n{}", "1".repeat(point + 1), header.resolved_input);
            header.started = format!("2026-01-02T03:04:0{point}Z");
            let path = dir.join(format!("{point}.h5"));
            written(&path, &header, 20);
            path
        };
        (0..axes.count()).map(file).collect()
    }

    fn axes(zip: bool) -> Axes {
        let axis = |name: &str, values: &[f64]| Axis { name: name.into(), values: values.into() };
        Axes { zip, all: vec![axis("x", &[1.0, 2.0]), axis("y", &[0.5, 0.25])] }
    }

    #[test]
    fn a_point_of_the_stack_is_read_as_its_own_file() {
        for zip in [false, true] {
            let (dir, axes) = (scratch(if zip { "stack-zip" } else { "stack" }), axes(zip));
            let (files, output) = (points(&dir, &axes), dir.join("all.h5"));
            let needed = Plan::of(&axes, &files).unwrap().bytes();
            stack(&output, &axes, Streams::Independent, &files).unwrap();
            let real = fs::metadata(&output).unwrap().len();
            assert!(real.abs_diff(needed) * 10 < real, "{needed} bytes were said to be needed, {real} are");
            assert_eq!(axes_of(&output).unwrap(), (axes.clone(), Streams::Independent));
            for (point, file) in files.iter().enumerate() {
                let (own, view) = (Results::open(file).unwrap(), Results::open_at(&output, axes.place(point)).unwrap());
                assert_eq!(own.header().unwrap(), view.header().unwrap(), "point {point}");
                assert_eq!(own.state().unwrap(), view.state().unwrap());
                assert_eq!(own.runs().unwrap(), view.runs().unwrap());
                // As text: a value that was not measured is not a number.
                let guards = |results: &Results| format!("{:?}", results.guards().unwrap());
                assert_eq!(guards(&own), guards(&view));
                assert_eq!(view.valid_rows().unwrap(), [true; 20]);
                assert_eq!(own.statistics().unwrap().unwrap(), view.statistics().unwrap().unwrap());
                assert_eq!(own.values("a", 3..9).unwrap(), view.values("a", 3..9).unwrap());
                assert_eq!(own.ranks().unwrap(), view.ranks().unwrap());
                assert_eq!(view.about("title"), format!("point {point}"));
            }
            let error = Results::open(&output).err().unwrap();
            assert!(error.to_string().contains("--point x=1,y=0.5") && error.id() == "E-sweep", "{error}");
            let names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names.len(), files.len() + 1, "nothing else is left: {names:?}");
        }
    }

    #[test]
    fn density_matrices_are_stacked_and_their_basis_is_kept_once() {
        let (dir, axes) = (scratch("stack-density"), axes(false));
        let density = Some(DensityInfo { factors: vec![("a".into(), 4), ("j".into(), 2)] });
        let files: Vec<PathBuf> = (0..axes.count()).map(|point| dir.join(format!("{point}.h5"))).collect();
        for (path, k) in files.iter().zip(1..) {
            let (header, comm) = (Header { density: density.clone(), states: None, ..header() }, crate::comm::solo());
            let mut sink = H5Sink::new(Place::new(path), comm.as_ref());
            sink.begin(&header).unwrap();
            for (first, count) in [(100, 4), (104, 8), (112, 8)] {
                sink.accept(&rows(&header, first, count)).unwrap();
            }
            let mut sums = Density::none(8, 7, 20);
            *sums.counted() = vec![true; 20];
            (0..7).for_each(|time| sums.add_sums(time, (0..64).map(|at| (k * (at + 1)) << 52)));
            sink.keep_density(&mut sums).unwrap();
            sink.finish(Some(&summary(&header))).unwrap();
        }
        let output = dir.join("all.h5");
        stack(&output, &axes, Streams::Common, &files).unwrap();
        let file = File::open(&output).unwrap();
        let shape = |name: &str| file.dataset(name).unwrap().shape();
        for name in ["rho", "state/rho_sum_high", "state/rho_sum_low"] {
            assert_eq!(shape(name), [2, 2, 7, 8, 8], "{name}");
        }
        assert_eq!((shape("in_rho"), shape("state/rho_n")), (vec![2, 2, 20], vec![2, 2]));
        for name in ["rho_row", "rho_col", "basis_a", "basis_j"] {
            assert_eq!(shape(name), [8], "{name}");
        }
        let view = Results::open_at(&output, axes.place(3)).unwrap();
        assert_eq!(view.header().unwrap().density, density);
        let rho = |results: &Results| results.values("rho", 0..7).unwrap();
        assert_eq!(rho(&view), rho(&Results::open(&files[3]).unwrap()));
        assert_ne!(rho(&view), rho(&Results::open(&files[2]).unwrap()));
    }

    #[test]
    fn points_that_do_not_go_together_are_told_by_what_differs() {
        let same = |change: fn(&mut Header)| {
            let mut other = header();
            change(&mut other);
            check_same(&header(), &other, ["x=1", "x=2"]).err().map(|error| error.to_string())
        };
        assert_eq!(same(|other| other.resolved_input.push_str("more = 1\n")), None);
        for (change, words) in [
            ((|other| other.ntraj = 8) as fn(&mut Header), "has the shapes"),
            (|other| other.times[3] = 0.7, "saved times"),
            (|other| other.first_trajectory = 1, "other numbers"),
            (|other| other.observables[0].hermitian = false, "n is real at one and complex at the other"),
            (|other| other.observables[1].name = "b".into(), "a is at one and b at the other"),
        ] {
            let said = same(change).expect(words);
            assert!(
                said.starts_with("the results of x=1 and of x=2 cannot stand in one array: ") && said.contains(words),
                "{said}"
            );
        }
    }

    #[test]
    fn an_axis_needs_a_name_that_is_free() {
        let named = |name: &str, zip| Axes { zip, all: vec![Axis { name: name.into(), values: vec![1.0] }] };
        let check = |name: &str, zip| check_axes(&named(name, zip), &header()).err().map(|error| error.to_string());
        assert_eq!([check("x", false), check("point", false), check("x", true)], [None, None, None]);
        for (name, zip) in
            [("n", false), ("time", false), ("a_mean", false), ("parameters", false), ("point", true), ("x/y", false)]
        {
            let error = check(name, zip).expect(name);
            assert!(error.starts_with(&format!("--sweep {name}: ")), "{error}");
        }
    }

    #[test]
    fn an_incomplete_point_is_not_stacked_and_nothing_is_left() {
        let (dir, axes) = (scratch("stack-incomplete"), axes(false));
        let files = points(&dir, &axes);
        let incomplete = Header { ntraj: 20, ..header() };
        written(&files[2], &incomplete, 11);
        assert!(stack(&dir.join("all.h5"), &axes, Streams::Common, &files).is_err());
        assert_eq!(fs::read_dir(&dir).unwrap().count(), files.len());
    }
}
