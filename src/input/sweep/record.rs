//! What a sweep is, as text: enough to go on with it, and to tell it from another.

use super::super::{Difference, InputError, Options, Resolved, RunSpec, StepReason, Streams, difference};
use super::{Axes, Sweep};
use serde::{Deserialize, Serialize};

/// First line, for whoever finds the file.
const HEAD: &str = "# A sweep of qsd that is not at its end: `qsd resume` with the name of its results file goes on.\n";

/// The text as a table.
#[derive(Serialize, Deserialize)]
struct Record {
    streams: Streams,
    /// The resolved input of every point.
    points: Vec<String>,
    #[serde(flatten)]
    axes: Axes,
}

impl Sweep {
    /// The sweep as TOML; `parts_of` and `of_parts` give the same runs, bit for bit.
    pub fn to_toml(&self) -> String {
        let points = self.specs().map(RunSpec::to_toml).collect();
        let record = Record { streams: self.streams, points, axes: self.axes.clone() };
        format!("{HEAD}{}", toml::to_string(&record).expect("numbers and texts are always TOML"))
    }

    /// The sweep of these parts, which `parts_of` or a results file gives.
    ///
    /// # Errors
    /// Those of a resolved input, and `Contradiction` for another number of points than the axes have.
    pub fn of_parts(axes: Axes, streams: Streams, inputs: &[String], options: Options) -> Result<Sweep, InputError> {
        let mut points: Vec<Resolved> = vec![];
        for input in inputs {
            let spec = RunSpec::from_toml(input)?;
            points.push(Resolved { spec, step: StepReason::File, options: options.clone(), warnings: vec![] });
        }
        if points.is_empty() || points.len() != axes.count() {
            let (found, expected) = (points.len() as f64, axes.count() as f64);
            return Err(InputError::Contradiction { key: "points", found, expected });
        }
        Ok(Sweep { axes, streams, points, options })
    }

    /// The axes, the streams and the resolved inputs of such a text.
    ///
    /// # Errors
    /// `Toml` for another text.
    pub fn parts_of(text: &str) -> Result<(Axes, Streams, Vec<String>), InputError> {
        parse(text).map(|Record { axes, streams, points }| (axes, streams, points))
    }

    /// What is not the same in a sweep of these axes, streams and resolved inputs.
    pub fn differs_from(&self, axes: &Axes, streams: Streams, inputs: &[String]) -> Option<Difference> {
        let differ = |key: &str, stored: String, asked: String| {
            Some(Difference { key: key.into(), stored: Some(stored), asked: Some(asked) }.cut())
        };
        if *axes != self.axes {
            let typed = |axes: &Axes| axes.typed().trim_start_matches("--sweep ").to_owned();
            return differ("sweep", typed(axes), typed(&self.axes));
        }
        if streams != self.streams {
            return differ("sweep_streams", streams.word().into(), self.streams.word().into());
        }
        inputs.iter().zip(self.specs()).find_map(|(stored, asked)| difference(stored, &asked.to_toml(), &[]))
    }
}

impl Streams {
    /// As it is typed.
    pub fn word(self) -> &'static str {
        match self {
            Streams::Common => "common",
            Streams::Independent => "independent",
        }
    }
}

fn parse(text: &str) -> Result<Record, InputError> {
    toml::from_str(text).map_err(|error| InputError::Toml(error.to_string().trim_end().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::super::sweep;
    use super::*;
    use crate::cli::{Cli, Task};

    fn swept(line: &str) -> Sweep {
        let words = format!("qsd run kerr_bistable -o x.h5 {line}");
        match Cli::from_words(words.split_whitespace().map(Into::into)).expect(line).task {
            Task::Run(args) => sweep(&args).expect(line).expect(line),
            other => panic!("{line} is {other:?}"),
        }
    }

    #[test]
    fn what_is_written_reads_back_as_the_same_runs() {
        for line in
            ["--sweep chi=-10,0.1 --sweep alpha0=1e-7,5", "--sweep chi=1,2 --sweep-zip --sweep-streams independent"]
        {
            let one = swept(line);
            let (axes, streams, inputs) = Sweep::parts_of(&one.to_toml()).expect(line);
            let again = Sweep::of_parts(axes, streams, &inputs, one.options.clone()).expect(line);
            assert!(one.specs().eq(again.specs()) && one.axes == again.axes && one.streams == again.streams, "{line}");
            assert_eq!(one.differs_from(&again.axes, streams, &inputs), None);
        }
        assert!(Sweep::parts_of("seed = 1").is_err());
    }

    #[test]
    fn another_sweep_is_told_by_what_was_typed() {
        let (axes, streams, inputs) = Sweep::parts_of(&swept("--sweep chi=-10,-5").to_toml()).expect("its own text");
        let said = |line: &str| {
            let found = swept(line).differs_from(&axes, streams, &inputs).expect(line);
            (found.name(), found.asked.unwrap_or_default())
        };
        assert_eq!(said("--sweep chi=-10,-6"), ("--sweep".into(), "chi=-10,-6".into()));
        assert_eq!(said("--sweep chi=-10,-5 --sweep-zip").1, "chi=-10,-5 --sweep-zip");
        assert_eq!(
            said("--sweep chi=-10,-5 --sweep-streams independent"),
            ("--sweep-streams".into(), "independent".into())
        );
        assert_eq!(said("--sweep chi=-10,-5 --seed 2"), ("--seed".into(), "2".into()));
    }
}
