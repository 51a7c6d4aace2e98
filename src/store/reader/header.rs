//! What a file says of its run, as the run itself said it: enough to make another file like it.

use super::super::StoreError;
use super::Results;
use crate::ensemble::{Header, LeakInfo, RecordInfo, StateInfo};

impl Results {
    /// The header of the first run.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub(in super::super) fn header(&self) -> Result<Header, StoreError> {
        let first = self.runs()?.into_iter().next();
        let numbers = self.trajectories()?;
        Ok(Header {
            title: self.about("title").into(),
            first_trajectory: numbers.first().map_or(0, |&number| number as u64),
            ntraj: numbers.len() as u64,
            seed: self.seeds()?.first().copied().unwrap_or(0),
            times: self.times()?,
            time_unit: self.time_unit()?,
            observables: self.observables()?,
            leaks: self.about("leaks").split_whitespace().map(|name| self.leak(name)).collect::<Result<_, _>>()?,
            states: self.states()?,
            density: self.density_info()?,
            record: self.record()?,
            check_dt: self.step_check_asked()?,
            parameters: self.parameters()?,
            resolved_input: self.resolved_input()?,
            provenance: self.provenance()?,
            parameter_hash: self.about("parameter_hash").into(),
            ranks: first.as_ref().map_or(1, |run| run.ranks.max(1) as usize),
            threads: first.as_ref().map_or(1, |run| run.threads.max(1) as usize),
            host: first.as_ref().map_or(String::new(), |run| run.host.clone()),
            started: first.map_or(String::new(), |run| run.start),
        })
    }

    fn leak(&self, factor: &str) -> Result<LeakInfo, StoreError> {
        let data = self.file.dataset(&format!("leak_{factor}"))?;
        let count = |name| data.count(name);
        let levels = count("levels")?.unwrap_or(2).max(0) as usize;
        Ok(LeakInfo { factor: factor.into(), levels, guarded: count("guarded")? != Some(0) })
    }

    fn record(&self) -> Result<Option<RecordInfo>, StoreError> {
        if !self.file.contains("record") {
            return Ok(None);
        }
        let (ends, channels) = (self.file.dataset("time_record")?, self.file.dataset("channel_name")?);
        Ok(Some(RecordInfo { ends: ends.read()?, channels: channels.read_texts()? }))
    }

    fn states(&self) -> Result<Option<StateInfo>, StoreError> {
        if !self.file.contains("psi") {
            return Ok(None);
        }
        let factor = |name: &str| {
            let scales = [format!("fock_{name}"), format!("level_{name}")];
            let scale = scales.into_iter().find(|scale| self.file.contains(scale)).unwrap_or_default();
            Ok((name.to_string(), self.file.dataset(&scale)?.extent().0))
        };
        let factors = self.about("factors").split_whitespace().map(factor).collect::<Result<_, StoreError>>()?;
        Ok(Some(StateInfo { times: self.file.dataset("time_psi")?.read()?, factors }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{header, scratch, written};
    use super::*;

    #[test]
    fn a_header_comes_back_from_its_file() {
        let path = scratch("header").join("x.h5");
        let mut header = header();
        header.leaks[0].guarded = false;
        header.provenance.sort();
        header.parameters.sort_by(|a, b| a.name.cmp(&b.name));
        written(&path, &header, 20);
        let mut found = Results::open(&path).unwrap().header().unwrap();
        found.provenance.retain(|(name, _)| name != "hdf5_version");
        assert_eq!(found, header);
    }
}
