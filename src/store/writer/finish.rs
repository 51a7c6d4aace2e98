//! What rank 0 alone writes: statistics and guards, the entry of a run at its start and its end, `complete` last.

use super::super::checksum::Fnv;
use super::super::layout::{self, UNFINISHED};
use super::super::{Results, StoreError};
use super::{Open, shape};
use crate::ensemble::{Failure, Header, Statistics, Summary};
use num_complex::Complex64;

impl Open {
    /// Statistics and guards of what is done.
    ///
    /// # Errors
    /// `Shape` for statistics or guards that the file has no place for, `Full` or `File` if writing fails.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), StoreError> {
        self.check_summary(summary)?;
        self.write_statistics(summary)?;
        for guard in &summary.guards {
            self.put_one(&format!("guards/{}", guard.name), guard.value)?;
            self.put_one(&format!("guards/{}_verdict", guard.name), guard.verdict as i8)?;
        }
        if let Some(check) = &summary.check {
            self.write_step_check(check)?;
            self.write_step_verdict(check, summary)?;
        }
        self.put_one("state/n_done", summary.n_done as i64)
    }

    /// How many rows there are.
    ///
    /// # Errors
    /// `Full` or `File` if writing fails.
    pub fn write_count(&self, n_done: u64) -> Result<(), StoreError> {
        self.put_one("state/n_done", n_done as i64)
    }

    /// The entries of all runs on another file.
    ///
    /// # Errors
    /// `File` if they cannot be read, `Full` or `File` if writing fails.
    pub fn take_runs(&self, from: &Results) -> Result<(), StoreError> {
        let old = from.file();
        for name in ["runs/start", "runs/end", "runs/host"] {
            let texts = old.dataset(name)?.read_texts()?;
            self.file.dataset(name)?.write_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>())?;
        }
        for name in ["runs/ranks", "runs/threads", "runs/exit_code"] {
            self.file.dataset(name)?.write(&old.dataset(name)?.read::<i32>()?)?;
        }
        self.file.dataset("runs/wall_time")?.write(&old.dataset("runs/wall_time")?.read::<f64>()?)?;
        self.put_one("runs/n_runs", old.dataset("runs/n_runs")?.read_one::<i64>()?)
    }

    /// How the run ended.
    ///
    /// # Errors
    /// `Full` or `File` if writing fails.
    pub fn write_end(&self, summary: &Summary) -> Result<(), StoreError> {
        self.write_run(&summary.ended, summary.wall_time, summary.exit_code)?;
        self.file.dataset("state/end_condition")?.write_texts(&[&summary.end_condition])
    }

    /// One more run on a file that exists. If there is no room for its entry the oldest but the first goes.
    ///
    /// # Errors
    /// `Full` or `File` if writing fails.
    pub fn write_start(&self, header: &Header) -> Result<(), StoreError> {
        let room = layout::RUNS;
        let runs = self.file.dataset("runs/n_runs")?.read_one::<i64>()?.clamp(0, room as i64) as usize;
        let is_full = runs == room;
        let texts = |name: &str, text: &str| {
            let data = self.file.dataset(name)?;
            let all = with_entry(data.read_texts()?, runs, text.to_string());
            data.write_texts(&all.iter().map(String::as_str).collect::<Vec<_>>())
        };
        texts("runs/start", &header.started)?;
        texts("runs/end", "")?;
        texts("runs/host", &header.host)?;
        for (name, value) in [("ranks", header.ranks as i32), ("threads", header.threads as i32), ("exit_code", -1)] {
            let data = self.file.dataset(&format!("runs/{name}"))?;
            data.write(&with_entry(data.read::<i32>()?, runs, value))?;
        }
        let walls = self.file.dataset("runs/wall_time")?;
        walls.write(&with_entry(walls.read::<f64>()?, runs, f64::NAN))?;
        self.put_one("runs/n_runs", (runs + usize::from(!is_full)) as i64)?;
        // It was, if a row has changed since.
        self.put_one("state/complete", 0u8)?;
        self.file.dataset("state/end_condition")?.write_texts(&[UNFINISHED])
    }

    /// The last word.
    ///
    /// # Errors
    /// `Full` or `File` if writing fails.
    pub fn write_complete(&self, summary: &Summary) -> Result<(), StoreError> {
        if summary.n_done == self.header.ntraj {
            // A row whose rank died between its checksum and its status is done, too.
            self.status.write(&vec![super::rows::DONE; self.header.ntraj as usize])?;
        }
        self.put_one("state/complete", u8::from(self.is_whole(summary)))
    }

    /// Checksum 0, the arrays, their n, then the right checksum.
    fn write_statistics(&self, summary: &Summary) -> Result<(), StoreError> {
        self.put_one("state/stats_checksum", 0u64)?;
        let mut sum = Fnv::new();
        for (observable, statistics) in self.header.observables.iter().zip(&summary.observables) {
            let Statistics { mean, traj_std, sem } = statistics;
            for (suffix, values) in [("mean", mean), ("sem", sem), ("traj_std", traj_std)] {
                let path = format!("{}_{suffix}", observable.name);
                if observable.hermitian {
                    let real: Vec<f64> = values.iter().map(|z| z.re).collect();
                    self.put_reals(&path, &real, &mut sum)?;
                } else {
                    self.put_complex(&path, values, &mut sum)?;
                }
            }
        }
        for (leak, (mean, max)) in self.header.leaks.iter().zip(&summary.leaks) {
            self.put_reals(&format!("leak_{}_mean", leak.factor), mean, &mut sum)?;
            self.put_reals(&format!("leak_{}_max", leak.factor), max, &mut sum)?;
        }
        self.put_one("state/stats_n", summary.n_done as i64)?;
        sum.update(&(summary.n_done as i64).to_le_bytes());
        self.put_one("state/stats_checksum", sum.finish())
    }

    /// How the run failed; statistics stay as they are.
    ///
    /// # Errors
    /// `Full` or `File` if writing fails.
    pub fn write_failure(&self, failure: &Failure) -> Result<(), StoreError> {
        for guard in &failure.guards {
            self.put_one(&format!("guards/{}", guard.name), guard.value)?;
            self.put_one(&format!("guards/{}_verdict", guard.name), guard.verdict as i8)?;
        }
        self.write_run(&failure.ended, failure.wall_time, failure.exit_code)?;
        self.file.dataset("state/end_condition")?.write_texts(&[&failure.end_condition])
    }

    /// The end in the entry of this run.
    fn write_run(&self, ended: &str, wall_time: f64, exit_code: i32) -> Result<(), StoreError> {
        let run = self.file.dataset("runs/n_runs")?.read_one::<i64>()?.clamp(1, layout::RUNS as i64) as usize - 1;
        let ends = self.file.dataset("runs/end")?;
        let mut texts = ends.read_texts()?;
        texts[run] = ended.into();
        ends.write_texts(&texts.iter().map(String::as_str).collect::<Vec<_>>())?;
        self.file.dataset("runs/wall_time")?.write_slab(run, &[wall_time])?;
        self.file.dataset("runs/exit_code")?.write_slab(run, &[exit_code])
    }

    pub(super) fn put_one<T: super::h5::Element>(&self, path: &str, value: T) -> Result<(), StoreError> {
        self.file.dataset(path)?.write(&[value])
    }

    fn put_reals(&self, path: &str, values: &[f64], sum: &mut Fnv) -> Result<(), StoreError> {
        values.iter().for_each(|x| sum.update(&x.to_le_bytes()));
        self.file.dataset(path)?.write(values)
    }

    fn put_complex(&self, path: &str, values: &[Complex64], sum: &mut Fnv) -> Result<(), StoreError> {
        values.iter().for_each(|z| [z.re, z.im].iter().for_each(|x| sum.update(&x.to_le_bytes())));
        self.file.dataset(path)?.write(values)
    }

    fn check_summary(&self, summary: &Summary) -> Result<(), StoreError> {
        let path = self.file.path();
        let (observables, leaks) = (self.header.observables.len(), self.header.leaks.len());
        if summary.observables.len() != observables || summary.leaks.len() != leaks {
            let found = format!("{} and {}", summary.observables.len(), summary.leaks.len());
            return Err(shape(
                path,
                "statistics of observables and leaks",
                format!("{observables} and {leaks}"),
                found,
            ));
        }
        let known = layout::guards(&self.header);
        match summary.guards.iter().find(|guard| !known.contains(&guard.name)) {
            Some(guard) => Err(shape(path, "guards", known.join(", "), guard.name.clone())),
            None => Ok(()),
        }
    }
}

/// Entries of all runs with one more behind the first `count`.
fn with_entry<T>(mut entries: Vec<T>, count: usize, entry: T) -> Vec<T> {
    if count < entries.len() {
        entries[count] = entry;
    } else if entries.len() > 1 {
        entries.remove(1);
        entries.push(entry);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::with_entry;

    #[test]
    fn the_first_run_is_never_dropped() {
        let mut entries = vec![1, 0, 0, 0];
        for run in 2..9 {
            entries = with_entry(entries, (run - 1).min(4), run);
        }
        assert_eq!(entries, [1, 6, 7, 8]);
        assert_eq!(with_entry(vec![1, 0, 0], 1, 2), [1, 2, 0]);
    }
}
