//! What is in a results file: the one table of datasets, their shapes, types, units and meaning.
//!
//! The skeleton is created from `datasets(header)`, the writer and the reader take their order of
//! rows from `checked`, and the table in the README is compared with `TABLE`. Placeholders in a
//! path stand for one dataset each: `<observable>`, `<factor>`, `<guard>`, `<parameter>`.

mod markdown;
mod names;
mod table;

pub use markdown::markdown;
pub use names::{check_names, check_observable_name};
pub use table::TABLE;

use crate::ensemble::{Header, Value};

/// Value of the root attribute `format`.
pub const FORMAT: &str = "qsd-result";
/// Value of the root attribute `format` of the stacked points of a sweep.
pub const SWEEP_FORMAT: &str = "qsd-sweep";
/// Value of the root attribute `format_version`; another major number is refused.
pub const FORMAT_VERSION: &str = "1.0.0";
/// Value of the root attribute `numbers`: another one when a seed gives other numbers, because rows of both
/// must not stand in one file.
pub const NUMBERS: i64 = 2;
/// Value of `state/end_condition` before the end.
pub const UNFINISHED: &str = "not finished";
/// Runs (starts and restarts) that a file has room for.
pub const RUNS: usize = 64;
/// What may differ between two files of equal input: datasets, and groups with all that is in them. Everything
/// else, but for `VOLATILE_ATTRIBUTES`, is the same to the bit for any ranks and threads.
/// (`provenance/resolved_input` is the same, too; only the attributes of `provenance` differ.)
pub const VOLATILE: &[&str] = &["/cpu_time", "/mpi_rank", "/runs", "/provenance"];
/// Attributes that may differ, by path.
pub const VOLATILE_ATTRIBUTES: &[&str] = &["/history"];

/// What one axis of a dataset runs over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Trajectories of this file.
    Trajectory,
    /// Saved times.
    Time,
    /// Times with stored kets.
    KetTime,
    /// Save intervals with a record.
    Interval,
    /// The c_ops.
    Channel,
    /// Basis states: rows of the density matrix.
    BasisRow,
    /// Basis states: its columns.
    BasisColumn,
    /// One axis for every factor of the space.
    Factors,
    /// Levels of one factor.
    Level,
    /// Starts and restarts.
    Run,
}

/// What one dataset exists for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Each {
    /// Every file has one.
    File,
    /// Every observable has one.
    Observable,
    /// Every watched Fock factor has one.
    Leak,
    /// Only with stored kets.
    Kets,
    /// Only with a density matrix.
    Density,
    /// Every factor of the space has one, only with a density matrix.
    BasisFactor,
    /// Only with kept records.
    Record,
    /// Every factor of the space has one, only with stored kets.
    Factor,
    /// Only with a step check.
    Check,
    /// Every observable has one, only with a step check.
    CheckedObservable,
    /// Every parameter has one.
    Parameter,
    /// Every guard has one.
    Guard,
}

/// Type of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// f64.
    Real,
    /// {r: f64, i: f64}, the committed type `_PFNC_DOUBLE_COMPLEX_TYPE`.
    Complex,
    /// i8.
    I8,
    /// u8.
    U8,
    /// i32.
    I32,
    /// i64.
    I64,
    /// u64.
    U64,
    /// Fixed number of bytes of UTF-8, padded with zeros.
    Text(usize),
    /// In the table only: f64 if the observable is Hermitian, else complex.
    OfObservable,
    /// In the table only: as the parameter is.
    OfParameter,
    /// In the table only: as long as the input is.
    OfInput,
    /// In the table only: as long as the longest name of a c_op.
    OfChannel,
}

/// Unit of a dataset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// This one; "1" for a plain number.
    Is(&'static str),
    /// The unit of time of the run.
    Time,
    /// Its square root.
    RootTime,
    /// That of the observable or the parameter.
    Own,
}

/// What is in a dataset before anything was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// Not a number: reads as missing everywhere.
    Nan,
    /// Zero.
    Zero,
    /// Minus one: unknown.
    MinusOne,
    /// Its final value: known before the first step.
    Known,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Path from the root, with placeholders.
    pub path: &'static str,
    /// What there is one of it for.
    pub each: Each,
    /// Shape, slowest axis first.
    pub axes: &'static [Axis],
    /// Type.
    pub kind: Kind,
    /// Unit.
    pub unit: Unit,
    /// Content before the first step.
    pub fill: Fill,
    /// Part of the checksum of a trajectory; its place in the table is its place in the row.
    pub checked: bool,
    /// Attribute `long_name`, with the placeholder `<label>`.
    pub long_name: &'static str,
    /// Attribute `description`; the observable's or parameter's own if empty.
    pub description: &'static str,
    /// Further attributes.
    pub attributes: &'static [(&'static str, &'static str)],
    /// Attributes `flag_values` and `flag_meanings`.
    pub flags: &'static [(i8, &'static str)],
}

/// One dataset of one file.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// The row of the table it comes from.
    pub row: &'static Row,
    /// Which observable, factor, guard or parameter it belongs to.
    pub item: usize,
    /// Path from the root.
    pub path: String,
    /// Type of an element.
    pub kind: Kind,
    /// Shape, slowest axis first.
    pub shape: Vec<usize>,
    /// Dimension scale of every axis.
    pub scales: Vec<String>,
    /// Attribute `units`.
    pub units: String,
    /// Attribute `long_name`.
    pub long_name: String,
    /// Attribute `description`; empty for none.
    pub description: String,
}

impl Dataset {
    /// Bytes of its values.
    pub fn bytes(&self) -> u64 {
        self.shape.iter().fold(self.kind.bytes() as u64, |bytes, &n| bytes.saturating_mul(n as u64))
    }

    /// True for the coordinate of an axis.
    pub fn is_scale(&self) -> bool {
        self.scales == [self.path.clone()]
    }
}

impl Kind {
    /// Bytes of one element.
    pub fn bytes(self) -> usize {
        match self {
            Kind::I8 | Kind::U8 => 1,
            Kind::I32 => 4,
            Kind::Real | Kind::I64 | Kind::U64 => 8,
            Kind::Complex => 16,
            Kind::Text(bytes) => bytes.max(1),
            Kind::OfObservable | Kind::OfParameter | Kind::OfInput | Kind::OfChannel => 0,
        }
    }
}

/// The guards a file has room for, by name.
pub fn guards(header: &Header) -> Vec<String> {
    let fixed = ["norm_drift", "h_gamma_above_half", "h_gamma_above_one"].map(String::from);
    fixed.into_iter().chain(header.leaks.iter().map(|leak| format!("leak_{}", leak.factor))).collect()
}

/// Every dataset of the file that belongs to `header`, in the order of the table.
pub fn datasets(header: &Header) -> Vec<Dataset> {
    let guards = guards(header);
    let factors = header.states.iter().flat_map(|states| &states.factors);
    let names = |each| -> Vec<String> {
        match each {
            Each::File => vec![String::new()],
            Each::Observable => header.observables.iter().map(|o| o.name.clone()).collect(),
            Each::Check => header.check_dt.iter().map(|_| String::new()).collect(),
            Each::CheckedObservable if header.check_dt.is_none() => vec![],
            Each::CheckedObservable => header.observables.iter().map(|o| o.name.clone()).collect(),
            Each::Leak => header.leaks.iter().map(|leak| leak.factor.clone()).collect(),
            Each::Kets => header.states.iter().map(|_| String::new()).collect(),
            Each::Density => header.density.iter().map(|_| String::new()).collect(),
            Each::BasisFactor => header.density.iter().flat_map(|d| &d.factors).map(|(name, _)| name.clone()).collect(),
            Each::Record => header.record.iter().map(|_| String::new()).collect(),
            Each::Factor => factors.clone().map(|(name, _)| level_scale(header, name)).collect(),
            Each::Parameter => header.parameters.iter().map(|p| p.name.clone()).collect(),
            Each::Guard => guards.clone(),
        }
    };
    let of_row = |row: &'static Row| {
        let items = names(row.each).into_iter().enumerate();
        items.map(move |(item, name)| dataset(header, row, item, &name)).collect::<Vec<_>>()
    };
    TABLE.iter().flat_map(of_row).collect()
}

/// What a row holds beside the numbers that every run keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Kets.
    pub kets: bool,
    /// Records.
    pub record: bool,
}

/// Paths of what the checksum of a row covers, in order. Everything by name, so that a reader can ask, too.
pub fn checked(observables: &[String], factors: &[String], kept: Kept) -> Vec<String> {
    let names = |each| match each {
        Each::Observable => observables.to_vec(),
        Each::Leak => factors.to_vec(),
        Each::Kets if !kept.kets => vec![],
        Each::Record if !kept.record => vec![],
        _ => vec![String::new()],
    };
    let paths = |row: &Row| -> Vec<String> { names(row.each).iter().map(|name| placed(row.path, name)).collect() };
    TABLE.iter().filter(|row| row.checked).flat_map(paths).collect()
}

/// Predicted size of the file in bytes: values exactly, HDF5's own bookkeeping to a few per cent of a small file.
pub fn file_size(header: &Header) -> u64 {
    let text: usize = header.provenance.iter().map(|(key, value)| 80 + key.len() + value.len()).sum();
    size_of(datasets(header).iter()).saturating_add(text as u64)
}

/// Superblock, groups, and the committed type.
const FILE: u64 = 12_000;
/// Object header of a dataset, links, the standard attributes, references to and from its dimension scales.
pub const DATASET: u64 = 550;

/// Size of a file with these datasets, without the texts of its groups.
pub fn size_of<'a>(datasets: impl Iterator<Item = &'a Dataset>) -> u64 {
    datasets.fold(FILE, |sum, dataset| sum.saturating_add(dataset.bytes()).saturating_add(DATASET))
}

fn dataset(header: &Header, row: &'static Row, item: usize, name: &str) -> Dataset {
    let observable = || &header.observables[item];
    let parameter = || &header.parameters[item];
    let kind = match row.kind {
        Kind::OfObservable if observable().hermitian => Kind::Real,
        Kind::OfObservable => Kind::Complex,
        Kind::OfParameter => kind_of(&parameter().value),
        Kind::OfInput => Kind::Text(header.resolved_input.len()),
        Kind::OfChannel => Kind::Text(channels(header).iter().map(String::len).max().unwrap_or(0)),
        kind => kind,
    };
    let units = match (row.unit, row.each) {
        (Unit::Is(unit), _) => unit.to_string(),
        (Unit::Time, _) => header.time_unit.clone(),
        (Unit::RootTime, _) => format!("sqrt({})", header.time_unit),
        (Unit::Own, Each::Parameter) => parameter().unit.clone(),
        (Unit::Own, _) => observable().unit.clone(),
    };
    let (label, own) = match row.each {
        Each::Observable => (observable().label.as_str(), observable().description.as_str()),
        Each::CheckedObservable => (observable().label.as_str(), ""),
        Each::Parameter => (parameter().description.as_str(), ""),
        _ => (name, ""),
    };
    let path = placed(row.path, name);
    let axes = row.axes.iter().flat_map(|&axis| axis_of(header, axis, item, &path));
    let (shape, scales) = axes.unzip();
    let description = if row.description.is_empty() { own } else { row.description }.to_string();
    Dataset { row, item, kind, shape, scales, units, long_name: placed(row.long_name, label), description, path }
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Real(_) => Kind::Real,
        Value::Integer(_) => Kind::I64,
        Value::Unsigned(_) => Kind::U64,
        Value::Flag(_) => Kind::U8,
        Value::Text(text) => Kind::Text(text.len()),
    }
}

/// Length and scale of an axis; one pair for every factor of the space.
fn axis_of(header: &Header, axis: Axis, item: usize, path: &str) -> Vec<(usize, String)> {
    let factors = || header.states.iter().flat_map(|states| &states.factors);
    match axis {
        Axis::Trajectory => vec![(header.ntraj as usize, "trajectory".into())],
        Axis::Time => vec![(header.times.len(), "time".into())],
        Axis::Interval => {
            vec![(header.record.as_ref().map_or(0, |record| record.ends.len()), "time_record".into())]
        }
        Axis::Channel => vec![(channels(header).len(), "channel".into())],
        Axis::BasisRow => vec![(dimension(header), "rho_row".into())],
        Axis::BasisColumn => vec![(dimension(header), "rho_col".into())],
        Axis::KetTime => vec![(header.states.as_ref().map_or(0, |s| s.times.len()), "time_psi".into())],
        Axis::Factors => factors().map(|(name, dim)| (*dim, level_scale(header, name))).collect(),
        Axis::Level => factors().skip(item).take(1).map(|(_, dim)| (*dim, path.into())).collect(),
        Axis::Run => vec![(RUNS, "runs/run".into())],
    }
}

/// Names of the c_ops, if their records are kept.
pub fn channels(header: &Header) -> &[String] {
    header.record.as_ref().map_or(&[], |record| &record.channels)
}

/// Basis states, if there is a density matrix.
fn dimension(header: &Header) -> usize {
    header.density.as_ref().map_or(0, |density| density.dim())
}

/// The level of a factor in every basis state: the last factor counts fastest.
pub fn levels(header: &Header, factor: usize) -> Vec<i64> {
    let factors = header.density.iter().flat_map(|density| &density.factors).map(|(_, dim)| *dim);
    let dims: Vec<usize> = factors.skip(factor).collect();
    let faster: usize = dims.iter().skip(1).product();
    (0..dimension(header)).map(|state| (state / faster % dims[0]) as i64).collect()
}

/// Scale of a factor: `fock_<name>` for a Fock factor (all of them are watched), else `level_<name>`.
fn level_scale(header: &Header, factor: &str) -> String {
    let fock = header.leaks.iter().any(|leak| leak.factor == factor);
    format!("{}_{factor}", if fock { "fock" } else { "level" })
}

/// A template with its placeholder, if it has one, replaced.
fn placed(template: &str, name: &str) -> String {
    match (template.find('<'), template.find('>')) {
        (Some(from), Some(to)) => format!("{}{name}{}", &template[..from], &template[to + 1..]),
        _ => template.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::header;
    use super::*;

    fn find(header: &Header, path: &str) -> Dataset {
        let found = datasets(header).into_iter().find(|dataset| dataset.path == path);
        found.unwrap_or_else(|| panic!("no dataset {path}"))
    }

    #[test]
    fn hermitian_observables_are_real_and_others_complex() {
        let header = header();
        assert_eq!(find(&header, "n").kind, Kind::Real);
        assert_eq!(find(&header, "a").kind, Kind::Complex);
        assert_eq!(find(&header, "a_traj_std").kind, Kind::Complex);
        assert_eq!(find(&header, "n").shape, [header.ntraj as usize, header.times.len()]);
        assert_eq!(find(&header, "n").scales, ["trajectory", "time"]);
    }

    #[test]
    fn kets_have_one_named_axis_for_every_factor() {
        let psi = find(&header(), "psi");
        assert_eq!(psi.shape[2..], [4, 2]);
        assert_eq!(psi.scales, ["trajectory", "time_psi", "fock_a", "level_j"]);
    }

    #[test]
    fn the_checksum_covers_a_row_in_the_documented_order() {
        let order = checked(&["n".into(), "a".into()], &["a".into()], Kept { kets: true, record: true });
        let expected = "n a leak_a psi record seed trajectory rng_stream steps norm_drift h_gamma h_gamma_above_half h_gamma_above_one";
        assert_eq!(order.join(" "), expected);
        let without = checked(&[], &[], Kept { kets: false, record: false });
        assert_eq!(without[0], "seed");
    }

    #[test]
    fn every_dataset_says_what_it_is_and_in_which_unit() {
        for dataset in datasets(&header()) {
            assert!(!dataset.long_name.is_empty() && !dataset.units.is_empty(), "{}", dataset.path);
            assert!(!dataset.path.contains('<') && !dataset.long_name.contains('<'), "{}", dataset.path);
        }
        let spread = find(&header(), "n_traj_std").long_name;
        assert!(spread.contains("not the quantum spread"), "{spread}");
    }

    #[test]
    fn an_absurd_size_saturates_instead_of_wrapping() {
        let mut header = header();
        header.ntraj = u64::MAX / 2;
        assert_eq!(file_size(&header), u64::MAX);
    }
}
