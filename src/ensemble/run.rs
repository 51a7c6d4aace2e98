//! The program's one loop, seen from above: rounds of batches, and what they add up to.

use super::enough::{Rule, rounds};
use super::rank::{Rank, Round};
use super::setup::Ensemble;
use super::statistics::Node;
use super::stopping::Listener;
use super::watchdog::Pulse;
use super::{Cost, Progress, Sink, Summary, Verdict};
use crate::comm::Comm;
use crate::error::{Error, exit};
use std::time::Duration;

/// States of batches in flight are kept, and statistics refreshed, this often unless somebody says otherwise.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(600);

/// What an ensemble yields, on rank 0.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What was found.
    pub summary: Summary,
    /// What it cost.
    pub cost: Cost,
}

/// How to run, beside the numbers.
pub struct Conduct<'a> {
    /// Threads of this rank.
    pub threads: usize,
    /// Failed guards are warnings.
    pub allow_unsafe: bool,
    /// Time between checkpoints.
    pub checkpoint_every: Duration,
    /// Reasons to stop early.
    pub listener: Listener,
    /// Beats while the run gets on.
    pub pulse: Pulse,
    /// Told about once a second how far the run is; called on rank 0 only.
    pub watch: &'a mut dyn FnMut(&Progress),
}

impl<'a> Conduct<'a> {
    /// To the end, with guards, on this many threads.
    pub fn new(threads: usize, watch: &'a mut dyn FnMut(&Progress)) -> Self {
        let listener = Listener::default();
        Conduct {
            threads,
            allow_unsafe: false,
            checkpoint_every: CHECKPOINT_EVERY,
            listener,
            pulse: Pulse::default(),
            watch,
        }
    }
}

/// Integrate what is missing of the ensemble, once the sink has begun. Collective; the outcome is given on rank 0.
///
/// # Errors
/// On the rank that failed its own error, on the others `Error::Elsewhere`; all ranks leave in the same round.
pub fn run(
    ensemble: &Ensemble,
    comm: &dyn Comm,
    sink: &mut dyn Sink,
    conduct: Conduct,
) -> Result<Option<Outcome>, Error> {
    let spec = &ensemble.spec;
    let shape = ensemble.shape();
    let mut rank = Rank::new(ensemble, &shape, comm, sink, conduct)?;
    let rounds = rounds(ensemble);
    let rule = spec.target_tol.as_ref().map(|target| Rule::new(target, ensemble, &shape, rounds.len()));
    let mut ending = Ending::Ntraj;
    for batches in rounds {
        if rank.round(batches)? == Round::Stopped {
            ending = Ending::Stopped;
            break;
        }
        let Some(rule) = &rule else { continue };
        if is_enough(rule, &rank, comm) {
            ending = Ending::Tolerance;
            break;
        }
    }
    rank.keep_density()?;
    let (node, cost) = (rank.node(), rank.cost());
    Ok(node.map(|node| {
        // Asked to stop when nothing was left to do.
        let is_done = node.n == spec.ntraj && rank.is_checked();
        let ending = if ending == Ending::Stopped && is_done { Ending::Ntraj } else { ending };
        if let (Some(rule), Ending::Ntraj) = (&rule, ending) {
            let missing = rule.excess(&node);
            log::warn!(
                "--target-tol is not reached: the widest interval is {missing:.3} times what it may be; about {:.1e} \
                 trajectories would do",
                node.n as f64 * missing * missing
            );
        }
        Outcome { summary: closing_summary(&rank, &node, ending), cost }
    }))
}

/// Why the run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// All trajectories are done.
    Ntraj,
    /// Those that are done are enough.
    Tolerance,
    /// It was asked to stop.
    Stopped,
}

/// Collective: whether the means are known to the tolerance asked for.
fn is_enough(rule: &Rule, rank: &Rank, comm: &dyn Comm) -> bool {
    let held = rank.node().map(|node| rule.holds(&node));
    comm.broadcast(vec![held.unwrap_or(false).into()]) == [1]
}

fn closing_summary(rank: &Rank, node: &Node, ending: Ending) -> Summary {
    let end_condition = match ending {
        Ending::Ntraj => "ntraj reached".into(),
        Ending::Tolerance => "target tolerance reached".into(),
        Ending::Stopped => rank.stop().map_or("stopped".into(), |stop| stop.to_string()),
    };
    let mut summary = rank.summary(node, end_condition, exit::DONE);
    let failed = summary.guards.iter().any(|guard| guard.verdict == Verdict::Failed);
    summary.exit_code = match ending {
        Ending::Stopped => exit::RESUMABLE,
        _ if failed => exit::GUARD,
        _ => exit::DONE,
    };
    summary
}

#[cfg(test)]
mod tests {
    use super::super::{Begun, Header, Rows, Summary};
    use super::*;
    use crate::cli::{Cli, Task};
    use crate::ensemble::Guard;
    use crate::integrator::IntegrationError;

    /// Counts the rows it is given.
    #[derive(Default)]
    struct Counting(usize);

    impl Sink for Counting {
        fn begin(&mut self, _: &Header) -> Result<Begun, Error> {
            Ok(Begun::New)
        }
        fn accept(&mut self, rows: &Rows) -> Result<(), Error> {
            self.0 += rows.info.len();
            Ok(())
        }
        fn finish(&mut self, _: Option<&Summary>) -> Result<(), Error> {
            Ok(())
        }
        fn fail(&mut self, _failure: &crate::ensemble::Failure) {}
        fn forget(&mut self) {}
    }

    /// What comes of a command line whose step nobody has checked, and how many rows were kept.
    fn unchecked(line: &str) -> (Result<Option<Outcome>, Error>, usize) {
        let cli = Cli::from_words(line.split_whitespace().map(Into::into)).unwrap();
        let Task::Run(args) = cli.task else { panic!("{line} is no run") };
        let ensemble = Ensemble::new(crate::input::resolve(&args).unwrap().spec).unwrap();
        let (comm, mut sink) = (crate::comm::solo(), Counting::default());
        let mut nobody = |_: &Progress| ();
        let conduct = Conduct::new(2, &mut nobody);
        let ended = run(&ensemble, comm.as_ref(), &mut sink, conduct);
        (ended, sink.0)
    }

    #[test]
    fn an_amplitude_that_is_no_number_ends_the_run_before_its_row_is_kept() {
        for (method, dt) in [("heun", "1e90"), ("em", "1e200")] {
            let line =
                format!("qsd run kerr_bistable --ntraj 8 --method {method} --dt {dt} --save-dt {dt} --duration {dt}");
            let (ended, rows) = unchecked(&line);
            let error = ended.unwrap_err();
            assert!(matches!(error, Error::Integration(IntegrationError::NotFinite { trajectory: 0, .. })), "{error}");
            assert!(error.to_string().contains("try a smaller --dt"), "{error}");
            assert_eq!((rows, error.exit_code()), (0, 1), "{method}");
        }
    }

    /// Normalising would hide it: the numbers are finite and look like others.
    #[test]
    fn a_step_far_too_large_fails_the_guard_of_the_norm() {
        for dt in ["0.1", "1", "1e30"] {
            let (ended, rows) = unchecked(&format!(
                "qsd run kerr_bistable --ntraj 8 --method heun --dt {dt} --save-dt {dt} --duration {dt}"
            ));
            let failed = |guard: &Guard| guard.name == "norm_drift" && guard.verdict == Verdict::Failed;
            assert!(rows == 8 && ended.unwrap().unwrap().summary.guards.iter().any(failed), "--dt {dt}");
        }
    }
}
