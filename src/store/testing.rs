//! What the tests of this room share: a small run with every kind of dataset, and rows with known values.

use super::{H5Sink, Place};
use crate::ensemble::{
    Guard, Header, LeakInfo, ObservableInfo, Parameter, RecordInfo, RowInfo, Rows, Sink, StateInfo, Statistics,
    Summary, Value, Verdict,
};
use crate::input::Existing;
use ndarray::{Array2, Array3};
use num_complex::Complex64;
use std::path::{Path, PathBuf};

/// An empty directory of its own.
pub fn scratch(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("qsd-store-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn observable(name: &str, label: &str, hermitian: bool) -> ObservableInfo {
    ObservableInfo {
        name: name.into(),
        expression: name.into(),
        label: label.into(),
        latex: format!("\\langle {name} \\rangle"),
        unit: "1".into(),
        description: format!("observable {name}"),
        hermitian,
    }
}

/// Twenty trajectories of a mode and a spin, 7 times, kets at two of them.
pub fn header() -> Header {
    let parameter = |name: &str, value| Parameter {
        name: name.into(),
        value,
        unit: "1".into(),
        description: format!("parameter {name}"),
    };
    Header {
        title: "a mode and a spin, κ = 1".into(),
        first_trajectory: 100,
        ntraj: 20,
        seed: 1 << 63 | 5,
        times: (0..7).map(|j| f64::from(j) * 0.25).collect(),
        time_unit: "1/kappa".into(),
        observables: vec![observable("n", "⟨a†a⟩", true), observable("a", "⟨a⟩", false)],
        leaks: vec![LeakInfo { factor: "a".into(), levels: 2, guarded: true }],
        states: Some(StateInfo { times: vec![0.0, 1.5], factors: vec![("a".into(), 4), ("j".into(), 2)] }),
        density: None,
        record: Some(RecordInfo { ends: vec![0.5, 1.0, 1.5], channels: vec!["decay".into(), "2".into()] }),
        check_dt: None,
        parameters: vec![
            parameter("regime", Value::Text("test".into())),
            parameter("method", Value::Text("em".into())),
            parameter("kappa", Value::Real(1.0)),
            parameter("Nfock_a", Value::Integer(4)),
            parameter("seed", Value::Unsigned(1 << 63 | 5)),
            parameter("drive", Value::Flag(true)),
            parameter("delta_t", Value::Real(0.01)),
        ],
        resolved_input: format!("{}regime = \"test\"\nntraj = 20\nseed = 5\n", "# κ = 1\n".repeat(8000)),
        provenance: vec![
            ("software".into(), "qsd".into()),
            ("software_version".into(), "0.1.0".into()),
            ("command_line".into(), "qsd run --regime test".into()),
        ],
        parameter_hash: "0123456789abcdef".into(),
        ranks: 1,
        threads: 2,
        host: "n1".into(),
        started: "2026-01-02T03:04:05Z".into(),
    }
}

/// Rows of trajectories `first` to `first + count`: every value is a function of its trajectory and place.
pub fn rows(header: &Header, first: u64, count: usize) -> Rows {
    let times = header.times.len();
    let value = |row: usize, time: usize, k: usize| {
        let t = (first + row as u64) as f64;
        Complex64::new(t + time as f64 / 8.0 + k as f64 * 1000.0, -(t + time as f64))
    };
    let expect = |(k, o): (usize, &ObservableInfo)| {
        Array2::from_shape_fn((count, times), |(row, time)| {
            let z = value(row, time, k);
            if o.hermitian { Complex64::new(z.re, 0.0) } else { z }
        })
    };
    let kets = header.states.as_ref().map(|states| {
        let dim = states.factors.iter().map(|(_, dim)| dim).product();
        Array3::from_shape_fn((count, states.times.len(), dim), |(row, time, i)| value(row, time, i))
    });
    let record = header.record.as_ref().map(|record| {
        let shape = (count, record.ends.len(), record.channels.len());
        Array3::from_shape_fn(shape, |(row, time, channel)| value(row, time, 7 + channel))
    });
    let info = |row: usize| RowInfo {
        rng_stream: 77 + first + row as u64,
        steps: 1000,
        norm_drift: 1e-5,
        h_gamma: 0.01,
        h_gamma_above_half: 1,
        h_gamma_above_one: 0,
        cpu_time: 0.5,
    };
    Rows {
        first,
        expect: header.observables.iter().enumerate().map(expect).collect(),
        leak: header.leaks.iter().map(|_| Array2::from_elem((count, times), 1e-9)).collect(),
        states: kets,
        record,
        info: (0..count).map(info).collect(),
    }
}

/// The end of a run whose statistics are recognisable.
pub fn summary(header: &Header) -> Summary {
    let times = header.times.len();
    let flat = |x: f64| vec![Complex64::new(x, x / 2.0); times];
    let statistics = |k: usize| Statistics { mean: flat(1.0 + k as f64), traj_std: flat(0.5), sem: flat(0.1) };
    Summary {
        n_done: header.ntraj,
        observables: (0..header.observables.len()).map(statistics).collect(),
        leaks: header.leaks.iter().map(|_| (vec![1e-9; times], vec![2e-9; times])).collect(),
        guards: vec![Guard {
            name: "leak_a".into(),
            value: 1e-9,
            verdict: Verdict::Good,
            message: "population of the top levels of a".into(),
        }],
        check: None,
        end_condition: "ntraj reached".into(),
        exit_code: 0,
        wall_time: 1.5,
        ended: "2026-01-02T03:05:05Z".into(),
    }
}

/// A file of which the first `count` rows were written, batch after batch; finished if that is all of them, else as a kill leaves it.
pub fn written(path: &Path, header: &Header, count: u64) {
    let comm = crate::comm::solo();
    let mut sink = H5Sink::new(Place { existing: Existing::Replace, ..Place::new(path) }, comm.as_ref());
    sink.begin(header).unwrap();
    let end = header.first_trajectory + count;
    let mut first = header.first_trajectory;
    while first < end {
        let next = end.min((first / 8 + 1) * 8);
        sink.accept(&rows(header, first, (next - first) as usize)).unwrap();
        first = next;
    }
    if count == header.ntraj {
        sink.finish(Some(&summary(header))).unwrap();
        return;
    }
    sink.forget();
    // What is on the disk, not what this process remembers.
    let copy = path.with_extension("copy");
    std::fs::copy(path, &copy).unwrap();
    std::fs::rename(&copy, path).unwrap();
}
