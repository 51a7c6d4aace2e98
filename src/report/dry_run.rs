//! `--dry-run`: the resolved input and what it would take. The output is itself the TOML of the
//! resolved input, but for lines of matrices that nobody could read; everything else in it is a comment.

use super::{network, table::plural};
use crate::ensemble::Density;
use crate::input::{RunSpec, StepReason, StoreStates, Sweep, neat};
use crate::model::{HilbertSpace, Reduced};
use indicatif::{BinaryBytes, HumanCount};
use std::io::{self, Write};

/// Trajectories advanced together.
const LANES: u64 = 8;
/// Bytes of a complex number.
const COMPLEX: u64 = 16;
/// Copies of the kets that a step works on: the state, the stages and what they are made from.
const COPIES: u64 = 4;

/// Characters of a line of the input that are shown: matrices have lines without end.
const LONGEST: usize = 400;
/// What stands for the rest.
const CUT: &str = " ...";

/// What the caller knows about a run that has not started.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Basis states.
    pub dimension: usize,
    /// Steps of a trajectory.
    pub steps: u64,
    /// Why a step is as long as it is.
    pub step: StepReason,
    /// Stored observables.
    pub observables: usize,
    /// What the method integrates exactly, if it splits the equation.
    pub splitting: Option<&'static str>,
    /// Records kept of every save interval.
    pub records: usize,
    /// Ranks.
    pub ranks: usize,
    /// Threads of each rank.
    pub threads: usize,
    /// Size of the results file in bytes, if there is one.
    pub file_size: Option<u64>,
    /// The network of the model as one component and the space it acts on, if it has one.
    pub network: Option<(Reduced, HilbertSpace)>,
}

/// Writes the resolved input and the estimates.
pub fn write(out: &mut dyn Write, spec: &RunSpec, plan: &Plan) -> io::Result<()> {
    let cut = write_input(out, &spec.to_toml())?;
    let count = |n: u64| HumanCount(n).to_string();
    let time = &spec.time;
    let file = plan.file_size.map_or("none (-o FILE keeps one)".into(), |size| BinaryBytes(size).to_string());
    let line = |out: &mut dyn Write, what: &str, value: String| writeln!(out, "# {what:<22}{value}");
    writeln!(out, "\n# Dry run: nothing was integrated and nothing written.")?;
    if cut {
        writeln!(out, "# Lines that end in {CUT} are longer; --json has them whole, as the results file would.")?;
    }
    line(out, "times", format!("{} saved, up to {}", count(time.saves() as u64), time.duration()))?;
    line(out, "step", format!("{} {}", neat(time.h), plan.step))?;
    line(out, "steps", format!("{} a trajectory, {} in all", count(plan.steps), count(spec.ntraj * plan.steps)))?;
    if let Some(n) = spec.check_dt {
        line(out, "step check", format!("{} steps more, {n} trajectories thrice", count(3 * n * plan.steps)))?;
    }
    line(out, "basis states", count(plan.dimension as u64))?;
    plan.splitting.map_or(Ok(()), |exact| line(out, "exact between kicks", exact.into()))?;
    line(out, "processes", format!("{} x {}", plural(plan.ranks, "rank"), plural(plan.threads, "thread")))?;
    line(out, "memory of a rank", format!("about {}, beside the program itself", BinaryBytes(memory(spec, plan))))?;
    if plan.ranks > 1 {
        let all = memory(spec, plan).saturating_mul(plan.ranks as u64);
        line(out, "memory of all ranks", format!("about {}", BinaryBytes(all)))?;
    }
    line(out, "results file", file)?;
    plan.network.as_ref().map_or(Ok(()), |(reduced, space)| network::write(out, reduced, space))
}

/// The resolved input, its longest lines cut; whether any was.
fn write_input(out: &mut dyn Write, text: &str) -> io::Result<bool> {
    let mut cut = false;
    for line in text.lines() {
        match line.char_indices().nth(LONGEST) {
            None => writeln!(out, "{line}")?,
            Some((end, _)) => {
                cut = true;
                writeln!(out, "{}{CUT}", &line[..end])?;
            }
        }
    }
    Ok(cut)
}

/// The same as one JSON document.
pub fn json(out: &mut dyn Write, spec: &RunSpec, plan: &Plan) -> io::Result<()> {
    writeln!(out, "{:#}", document(spec, plan))
}

/// What would be done for a sweep: its points, then its first run. `file_size` is that of the file of all points.
pub fn write_sweep(out: &mut dyn Write, sweep: &Sweep, groups: usize, plan: &Plan) -> io::Result<()> {
    write(out, &sweep.points[0].spec, plan)?;
    let (points, at_once) = (plural(sweep.points.len(), "point"), plural(groups, "group"));
    writeln!(out, "\n# The above is the first of {points} ({}).", sweep.axes.typed())?;
    writeln!(out, "# {:<22}{at_once} of ranks, one point each at a time", "side by side")?;
    writeln!(out, "# {:<22}{}", "noise of the points", sweep.streams.word())?;
    let Some(size) = plan.file_size else { return Ok(()) };
    let twice = BinaryBytes(size.saturating_mul(2));
    writeln!(out, "# {:<22}{twice} while the points and the file of all stand side by side", "on the disk")
}

/// The same as one JSON document.
pub fn json_sweep(out: &mut dyn Write, sweep: &Sweep, groups: usize, plan: &Plan) -> io::Result<()> {
    let document = serde_json::json!({
        "sweep": sweep.axes,
        "streams": sweep.streams,
        "points": sweep.points.len(),
        "groups": groups,
        "first_point": document(&sweep.points[0].spec, plan),
    });
    writeln!(out, "{document:#}")
}

fn document(spec: &RunSpec, plan: &Plan) -> serde_json::Value {
    serde_json::json!({
        "resolved_input": spec,
        "saves": spec.time.saves(),
        "steps_per_trajectory": plan.steps,
        "steps": spec.ntraj * plan.steps,
        "step": { "h": spec.time.h, "why": plan.step.to_string() },
        "basis_states": plan.dimension,
        "splitting": plan.splitting,
        "ranks": plan.ranks,
        "threads": plan.threads,
        "memory_of_a_rank": memory(spec, plan),
        "file_size": plan.file_size,
        "network": plan.network.as_ref().map(|(reduced, space)| network::json(reduced, space)),
    })
}

/// Bytes of a rank: the kets in work and the rows that wait to be written, for every thread; and the density matrix.
fn memory(spec: &RunSpec, plan: &Plan) -> u64 {
    let (dimension, saves) = (plan.dimension as u64, spec.time.saves() as u64);
    let stored = match spec.store_states {
        None => 0,
        Some(StoreStates::Final) => 1,
        Some(StoreStates::All) => saves,
        // Those of one time once more, as they are added.
        Some(StoreStates::Average) => saves.saturating_add(1),
    };
    let numbers = saves
        .saturating_mul((plan.observables + plan.records) as u64)
        .saturating_add(dimension.saturating_mul(COPIES.saturating_add(stored)));
    let threads = plan.threads as u64;
    let density = match spec.store_states {
        Some(StoreStates::Average) => Density::bytes(dimension, saves),
        _ => 0,
    };
    threads.saturating_mul(LANES * COMPLEX).saturating_mul(numbers).saturating_add(density)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};
    use crate::input::resolve;

    fn spec(line: &str) -> RunSpec {
        match Cli::from_words(line.split_whitespace().map(Into::into)).expect(line).task {
            Task::Run(args) => resolve(&args).expect(line).spec,
            other => panic!("{line} is {other:?}"),
        }
    }

    fn text(spec: &RunSpec, plan: &Plan) -> String {
        let mut out = vec![];
        write(&mut out, spec, plan).expect("memory takes everything");
        String::from_utf8(out).expect("text")
    }

    const PLAN: Plan = Plan {
        dimension: 100,
        steps: 1000,
        step: StepReason::Table,
        observables: 9,
        splitting: None,
        records: 0,
        ranks: 2,
        threads: 4,
        file_size: Some(3 << 20),
        network: None,
    };

    #[test]
    fn the_output_is_the_resolved_input() {
        let spec = spec("qsd run --ntraj 1000");
        let text = text(&spec, &PLAN);
        assert_eq!(RunSpec::from_toml(&text), Ok(spec), "{text}");
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut out = vec![];
        assert!(!write_input(&mut out, "a = 1\nb = 2\n").expect("memory"));
        assert!(write_input(&mut out, &format!("c = [{}]\nd = 3\n", "1, ".repeat(1000))).expect("memory"));
        let lines = String::from_utf8(out).expect("text");
        let lengths: Vec<usize> = lines.lines().map(str::len).collect();
        assert_eq!(lengths, [5, 5, LONGEST + CUT.len(), 5]);
    }

    #[test]
    fn the_cost_is_counted() {
        let text = text(&spec("qsd run --ntraj 1000"), &PLAN);
        for line in [
            "# times                 51 saved, up to 10\n",
            "# step                  0.06666666667 by the table of `qsd models`\n",
            "# steps                 1,000 a trajectory, 1,000,000 in all\n",
            "# processes             2 ranks x 4 threads\n",
            // Twice 4 threads x 8 lanes x 16 bytes x (51 times x 9 observables + 100 states x 4 copies).
            "# memory of all ranks   about 859.00 KiB\n",
            "# results file          3.00 MiB\n",
        ] {
            assert!(text.contains(line), "{line}\n{text}");
        }
        let checked = super::tests::text(&spec("qsd run --check-dt"), &PLAN);
        assert!(checked.contains("# step check            96,000 steps more, 32 trajectories thrice\n"), "{checked}");
        let nowhere = Plan { file_size: None, ..PLAN };
        assert!(super::tests::text(&spec("qsd run"), &nowhere).contains("none (-o FILE keeps one)"));
    }

    #[test]
    fn memory_grows_with_threads_and_stored_kets() {
        // 4 threads x 8 lanes x 16 bytes x (51 times x 9 observables + 100 states x 4 copies)
        assert_eq!(memory(&spec("qsd run"), &PLAN), 4 * 8 * 16 * (51 * 9 + 100 * 4));
        assert_eq!(memory(&spec("qsd run --store-states all"), &PLAN), 4 * 8 * 16 * (51 * 9 + 100 * (4 + 51)));
        let huge = Plan { dimension: usize::MAX, ..PLAN };
        assert_eq!(memory(&spec("qsd run --store-states all"), &huge), u64::MAX);
    }
}
