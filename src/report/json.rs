//! `--json`: the end of a run as one JSON document. Numbers that do not exist are `null`.

use crate::ensemble::{Cost, Header, Summary, Verdict};
use num_complex::Complex64;
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::path::Path;

/// Writes the document and a newline.
pub fn write(
    out: &mut dyn Write,
    header: &Header,
    summary: &Summary,
    cost: &Cost,
    results: Option<&Path>,
) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &document(header, summary, cost, results))?;
    writeln!(out)
}

/// Final means with their errors, guards, cost, exit code and the results file.
pub fn document(header: &Header, summary: &Summary, cost: &Cost, results: Option<&Path>) -> Value {
    let number = |z: Option<&Complex64>, hermitian: bool| match z {
        None => Value::Null,
        Some(z) if hermitian => json!(z.re),
        Some(z) => json!({ "re": z.re, "im": z.im }),
    };
    let observables: Map<String, Value> = header
        .observables
        .iter()
        .zip(&summary.observables)
        .map(|(info, found)| {
            let last = |values: &[Complex64]| number(values.last(), info.hermitian);
            let value = json!({
                "mean": last(&found.mean),
                "sem": last(&found.sem),
                "traj_std": last(&found.traj_std),
                "unit": info.unit,
            });
            (info.name.clone(), value)
        })
        .collect();
    let guards: Vec<Value> = summary
        .guards
        .iter()
        .map(|guard| {
            json!({
                "name": guard.name,
                "value": guard.value,
                "verdict": guard.verdict.word(),
                "message": (guard.verdict >= Verdict::Warning).then_some(&guard.message),
            })
        })
        .collect();
    json!({
        "title": header.title,
        "seed": header.seed,
        "first_trajectory": header.first_trajectory,
        "ntraj": header.ntraj,
        "n_done": summary.n_done,
        "time": header.times.last(),
        "time_unit": header.time_unit,
        "observables": observables,
        "guards": guards,
        "step_check": super::table::verdict(header, summary),
        "end_condition": summary.end_condition,
        "exit_code": summary.exit_code,
        "parameter_hash": header.parameter_hash,
        "results": results.map(|path| path.display().to_string()),
        "cost": {
            "wall": cost.wall,
            "steps": cost.steps,
            "core_seconds": cost.core_seconds,
            "io_share": cost.io_share,
            "imbalance": cost.imbalance,
            "ranks": cost.ranks,
            "threads": cost.threads,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::super::table::tests::example;
    use super::*;

    #[test]
    fn a_program_finds_means_guards_and_the_file() {
        let (header, summary, cost) = example();
        let mut out = vec![];
        write(&mut out, &header, &summary, &cost, Some(Path::new("run.h5"))).expect("memory takes everything");
        let read: Value = serde_json::from_slice(&out).expect("one document");
        assert_eq!(read["observables"]["n"]["mean"], 4.06883);
        assert_eq!(read["observables"]["n"]["sem"], 0.1234);
        assert_eq!(read["observables"]["a"]["mean"], json!({ "re": -1.3186, "im": 0.25 }));
        assert_eq!(read["guards"][1]["verdict"], "warning");
        assert_eq!(read["guards"][2]["verdict"], "failed");
        assert_eq!(read["exit_code"], 3);
        assert_eq!(read["results"], "run.h5");
        assert_eq!((&read["time"], &read["seed"], &read["n_done"]), (&json!(10.0), &json!(3), &json!(64)));
        assert_eq!(read["cost"]["steps"], 64_000);
    }

    #[test]
    fn a_program_finds_the_error_of_the_step() {
        let (header, mut summary, cost) = example();
        assert!(document(&header, &summary, &cost, None)["step_check"].is_null());
        summary.check = Some(super::super::step_check::tests::example());
        let check = document(&header, &summary, &cost, None)["step_check"].take();
        assert_eq!((&check["verdict"], &check["sufficient_step"]), (&json!("above"), &json!(0.0059)));
        assert_eq!(check["means"][2]["name"], "Im a");
        assert_eq!(check["means"][2]["last"]["strong"], 0.125);
    }

    #[test]
    fn what_is_not_a_number_is_null() {
        let (header, mut summary, cost) = example();
        summary.observables[0].sem[1] = f64::NAN.into();
        summary.observables[1].mean.clear();
        let read = document(&header, &summary, &cost, None);
        assert!(read["observables"]["n"]["sem"].is_null() && read["observables"]["a"]["mean"].is_null());
        assert!(read["results"].is_null());
    }
}
