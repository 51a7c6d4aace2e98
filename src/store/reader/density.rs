//! The density matrix, as the file has it.

use super::super::StoreError;
use super::super::block::Block;
use super::super::sums::{self, Identity, checksum, whole};
use super::Results;
use crate::ensemble::{Density, DensityInfo};

impl Results {
    /// Basis states and how many trajectories are in the density matrix of the file, if it has a place for one.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub fn averaged(&self) -> Result<Option<(usize, u64)>, StoreError> {
        let Some(info) = self.density_info()? else { return Ok(None) };
        let is_in = self.file.dataset("state/rho_checksum")?.read_one::<u64>()? != 0;
        let n = self.file.dataset("state/rho_n")?.read_one::<i64>()?.max(0) as u64;
        Ok(Some((info.dim(), if is_in { n } else { 0 })))
    }

    /// What the density matrix is over.
    pub(super) fn density_info(&self) -> Result<Option<DensityInfo>, StoreError> {
        if !self.file.contains("rho") {
            return Ok(None);
        }
        let factor = |name: &str| {
            let levels: Vec<i64> = self.file.dataset(&format!("basis_{name}"))?.read()?;
            Ok((name.to_string(), levels.last().map_or(0, |last| last + 1) as usize))
        };
        let factors = self.about("factors").split_whitespace().map(factor).collect::<Result<_, StoreError>>()?;
        Ok(Some(DensityInfo { factors }))
    }

    /// The sums that are kept, of no trajectory if none are; `None` if the file has no place for them. Those on their way into
    /// the file count where a kill has left half of them in it.
    ///
    /// # Errors
    /// `File` if it cannot be read.
    pub(in super::super) fn density(&self) -> Result<Option<Density>, StoreError> {
        let Some(info) = self.density_info()? else { return Ok(None) };
        let (dim, times, count) = (info.dim(), self.times()?.len(), self.count()?);
        if let Some(density) = self.stored_density(dim, times, count)? {
            return Ok(Some(density));
        }
        let (seed, first) = (self.seeds()?.first().copied(), self.trajectories()?.first().copied());
        let identity = Identity::of(self.about("parameter_hash"), seed.unwrap_or(0), first.unwrap_or(0) as u64);
        Ok(Some(sums::read(self, identity, dim, times).unwrap_or_else(|| Density::none(dim, times, count))))
    }

    /// Those of the file, if their checksum holds.
    fn stored_density(&self, dim: usize, times: usize, count: usize) -> Result<Option<Density>, StoreError> {
        let sum = self.file.dataset("state/rho_checksum")?.read_one::<u64>()?;
        if sum == 0 {
            return Ok(None);
        }
        let mut density = Density::none(dim, times, count);
        let [high, low] = ["state/rho_sum_high", "state/rho_sum_low"].map(|name| self.file.dataset(name));
        let (high, low) = (high?, low?);
        for time in 0..times {
            if let (Block::Signed(high), Block::Unsigned(low)) = (high.read_rows(time, 1)?, low.read_rows(time, 1)?) {
                density.add_sums(time, high.into_iter().zip(low).map(|(high, low)| whole(high, low)));
            }
        }
        let list: Vec<u8> = self.file.dataset("in_rho")?.read()?;
        *density.counted() = list.into_iter().map(|counted| counted == 1).collect();
        Ok((checksum(&mut density) == sum).then_some(density))
    }
}
