//! The mean of |psi><psi| while it grows: threads add what they have integrated, and rank 0 gathers it at every checkpoint.
//!
//! A trajectory is added once, whatever happens: those that an earlier start has saved in the sums are passed over, also
//! where their rows were lost and are integrated again; and sums go to the sink together with the trajectories that are in them.

use super::density::Density;
use super::setup::Ensemble;
use super::slice::Trajectories;
use super::{Rows, Sink};
use crate::comm::Comm;
use crate::error::Error;
use crate::kernel::Projectors;
use std::sync::{Arc, RwLock};

/// Why a lock can be had.
const NO_PANIC: &str = "nobody panics while adding";

/// What the threads of a rank add to.
pub(super) struct Average {
    trajectories: Trajectories,
    /// Saved by earlier starts, on all ranks.
    earlier: Vec<bool>,
    /// On rank 0 everything known; elsewhere what it has not been given yet. Threads add as readers, one time after another;
    /// who wants all times to be of the same trajectories writes.
    density: RwLock<Density>,
}

/// The density matrix of a run, on one rank; nothing if nobody asked for it.
pub(super) struct Averaging {
    average: Option<Arc<Average>>,
}

impl Averaging {
    /// Collective: what there is so far.
    pub fn begin(ensemble: &Ensemble, sink: &mut dyn Sink, comm: &dyn Comm) -> Result<Self, Error> {
        let Some(info) = ensemble.density() else { return Ok(Averaging { average: None }) };
        let mut found = sink.density()?;
        let counted = found.as_mut().map_or(vec![], |found| found.counted().iter().map(|c| u8::from(*c)).collect());
        let count = ensemble.spec.ntraj as usize;
        let mut earlier: Vec<bool> = comm.broadcast(counted).iter().map(|counted| *counted != 0).collect();
        earlier.resize(count, false);
        let none = || Density::none(info.dim(), ensemble.times.len(), count);
        let average = Average {
            trajectories: ensemble.trajectories(),
            earlier,
            density: RwLock::new(found.filter(|_| comm.is_root()).unwrap_or_else(none)),
        };
        Ok(Averaging { average: Some(Arc::new(average)) })
    }

    /// What threads add to.
    pub fn average(&self) -> Option<Arc<Average>> {
        self.average.clone()
    }

    /// Collective: everything to rank 0, which keeps it. The error is this rank's own.
    pub fn keep(&self, comm: &dyn Comm, sink: &mut dyn Sink) -> Result<(), Error> {
        let Some(average) = &self.average else { return Ok(()) };
        let mut density = average.density.write().expect(NO_PANIC);
        if !comm.is_root() {
            give(&mut density, comm);
            return Ok(());
        }
        (1..comm.size()).for_each(|rank| take(&mut density, rank, comm));
        sink.keep_density(&mut density)
    }
}

impl Average {
    /// Add the kets of a finished batch, and drop them.
    pub fn add(&self, rows: &mut Rows) {
        let Some(kets) = rows.states.take() else { return };
        let first = (rows.first - self.trajectories.first) as usize;
        let new: Vec<usize> = (0..kets.dim().0).filter(|row| !self.earlier[first + row]).collect();
        if new.is_empty() {
            return;
        }
        let (_, times, dim) = kets.dim();
        let all = kets.as_slice().expect("an array made in this order");
        let density = self.density.read().expect(NO_PANIC);
        let mut scratch = Projectors::new(dim);
        for time in 0..times {
            density.add(time, new.iter().map(|row| &all[(row * times + time) * dim..][..dim]), &mut scratch);
        }
        density.count(&new.iter().map(|row| first + row).collect::<Vec<_>>());
    }
}

/// To rank 0: which trajectories, then their sums at one time after another, unless there are none.
fn give(density: &mut Density, comm: &dyn Comm) {
    let places: Vec<u8> = (0u64..)
        .zip(density.counted().iter())
        .filter(|(_, counted)| **counted)
        .flat_map(|(place, _)| place.to_le_bytes())
        .collect();
    comm.send(0, &places);
    if places.is_empty() {
        return;
    }
    for time in 0..density.times() {
        comm.send(0, &density.sums(time).flat_map(|sum| sum.to_le_bytes()).collect::<Vec<u8>>());
    }
    density.clear();
}

/// On rank 0, what another gives.
fn take(density: &mut Density, rank: usize, comm: &dyn Comm) {
    let places = comm.receive(rank);
    if places.is_empty() {
        return;
    }
    for time in 0..density.times() {
        let bytes = comm.receive(rank);
        let parts = bytes.chunks_exact(16).map(|sum| i128::from_le_bytes(sum.try_into().expect("sixteen bytes")));
        density.add_sums(time, parts);
    }
    let places = places.chunks_exact(8).map(|place| u64::from_le_bytes(place.try_into().expect("eight bytes")));
    density.count(&places.map(|place| place as usize).collect::<Vec<_>>());
}
