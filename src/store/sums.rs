//! `FILE.rho`: the density matrix on its way into the results file.
//!
//! Rows only ever come to a file. The sums of a density matrix are replaced, all of them and the list of the trajectories that
//! are in them, and whoever is killed meanwhile leaves half of the old ones and half of the new. So they are written twice: to a
//! file of their own that gets its name when it is on the disk, then to the results file; then the first goes. At any moment
//! one of the two is whole, and says so by its checksum. Either may be gone on with: a sum and its list belong together.

use super::checksum::Fnv;
use super::layout::NUMBERS;
use super::place::{self, PART};
use super::{Results, StoreError};
use crate::ensemble::Density;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// First bytes of the file.
const MAGIC: &[u8; 16] = b"qsd-density-v1\0\0";

/// What a density matrix belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity(u64);

impl Identity {
    /// The very same ensemble. How many trajectories there are in all is no part of it: they can be extended.
    pub fn of(parameter_hash: &str, seed: u64, first_trajectory: u64) -> Identity {
        let mut sum = Fnv::new();
        sum.update(&NUMBERS.to_le_bytes());
        sum.update(parameter_hash.as_bytes());
        sum.update(&seed.to_le_bytes());
        sum.update(&first_trajectory.to_le_bytes());
        Identity(sum.finish())
    }
}

/// The high and the low half of every sum at one time: high 2^64 + low.
pub fn halves(sums: impl Iterator<Item = i128>) -> (Vec<i64>, Vec<u64>) {
    sums.map(|sum| (high(sum), low(sum))).unzip()
}

fn high(sum: i128) -> i64 {
    (sum >> 64) as i64
}

fn low(sum: i128) -> u64 {
    sum as u64
}

/// What `halves` took apart.
pub fn whole(high: i64, low: u64) -> i128 {
    i128::from(high) << 64 | i128::from(low)
}

/// Of n, the list, all high halves and all low ones. Never 0.
pub fn checksum(density: &mut Density) -> u64 {
    let mut sum = Fnv::new();
    sum.update(&(density.n() as i64).to_le_bytes());
    density.counted().iter().for_each(|counted| sum.update(&[(*counted).into()]));
    for time in 0..density.times() {
        density.sums(time).for_each(|of_time| sum.update(&high(of_time).to_le_bytes()));
    }
    for time in 0..density.times() {
        density.sums(time).for_each(|of_time| sum.update(&low(of_time).to_le_bytes()));
    }
    sum.finish()
}

/// Name of the file of a results file.
pub fn path_of(results: &Path) -> PathBuf {
    place::with_suffix(results, ".rho")
}

/// Remove it, if it is ours.
///
/// # Errors
/// `File` if the system refuses.
pub fn remove(results: &Path) -> Result<(), StoreError> {
    let path = path_of(results);
    place::remove_ours(&path, is_ours(&path))
}

/// Write it, and give it its name when it is on the disk.
///
/// # Errors
/// `File` or `Full` if it cannot be written, or the name belongs to a file of somebody else.
pub fn write(results: &Path, identity: Identity, density: &mut Density) -> Result<(), StoreError> {
    let path = path_of(results);
    if is_ours(&path) == Some(false) {
        let detail = "the name belongs to another file; remove that".into();
        return Err(StoreError::File { path, doing: "keep the density matrix there".into(), detail });
    }
    let part = place::with_suffix(results, &format!("{PART}{}.rho", std::process::id()));
    let made = fill(&part, identity, density).and_then(|()| fs::rename(&part, &path));
    made.map_err(|error| {
        // It may not exist; the first error is the one that counts.
        let _ = fs::remove_file(&part);
        StoreError::io(&path, "write", error)
    })?;
    place::sync_directory(&path)
}

fn fill(path: &Path, identity: Identity, density: &mut Density) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    out.write_all(MAGIC)?;
    let (dim, times, count, sum) = (density.dim(), density.times(), density.counted().len(), checksum(density));
    for word in [identity.0, dim as u64, times as u64, count as u64, sum] {
        out.write_all(&word.to_le_bytes())?;
    }
    out.write_all(&density.counted().iter().map(|counted| u8::from(*counted)).collect::<Vec<_>>())?;
    for time in 0..times {
        for sum in density.sums(time) {
            out.write_all(&sum.to_le_bytes())?;
        }
    }
    out.into_inner()?.sync_all()
}

/// What stands there, if it is whole and belongs to these results.
pub fn read(results: &Results, identity: Identity, dim: usize, times: usize) -> Option<Density> {
    let mut file = BufReader::new(File::open(path_of(results.path())).ok()?);
    let mut magic = [0; 16];
    file.read_exact(&mut magic).ok()?;
    let mut word = || {
        let mut word = [0; 8];
        file.read_exact(&mut word).ok().map(|()| u64::from_le_bytes(word))
    };
    let [found, found_dim, found_times, count, sum] = [word()?, word()?, word()?, word()?, word()?];
    // A list of another length is of the same file when it had room for another number.
    let room = u64::try_from(results.count().ok()?).ok()?;
    if &magic != MAGIC || (found, found_dim, found_times) != (identity.0, dim as u64, times as u64) || count > room {
        return None;
    }
    let mut density = Density::none(dim, times, count as usize);
    let mut list = vec![0; count as usize];
    file.read_exact(&mut list).ok()?;
    density.counted().iter_mut().zip(list).for_each(|(counted, byte)| *counted = byte == 1);
    for time in 0..times {
        let mut bytes = vec![0; 16 * dim * dim];
        file.read_exact(&mut bytes).ok()?;
        let sums = bytes.chunks_exact(16).map(|sum| i128::from_le_bytes(sum.try_into().expect("sixteen bytes")));
        density.add_sums(time, sums);
    }
    let holds = checksum(&mut density) == sum;
    density.counted().resize(room as usize, false);
    holds.then_some(density)
}

/// Whether a file that exists is one of these.
fn is_ours(path: &Path) -> Option<bool> {
    place::is_known(path, MAGIC.len(), |start| start == MAGIC)
}
