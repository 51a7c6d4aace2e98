//! Parts of datasets: rows, and of a sweep's the rows of one point. Bytes where the type does not matter.

use super::{
    Dataset, Dataspace, Datatype, Element, H5Dread, H5Dwrite, H5P_DEFAULT, Hyperslab, Result, SliceOrIndex, Stored,
    call,
};
use std::ops::Range;

/// Bytes that are copied at once.
const AT_ONCE: usize = 8 << 20;

impl Dataset {
    /// The same dataset, showing the values at this place of its leading axes.
    pub fn at(self, at: Vec<usize>) -> Dataset {
        Dataset { at, ..self }
    }

    /// Everything, bit for bit, into another of the same shape and type; texts may be longer there.
    pub fn copy_to(&self, to: &Dataset) -> Stored<()> {
        let copy = || -> Result<()> {
            let dtype = self.data.dtype()?;
            let (rows, width) = (self.shape().first().copied().unwrap_or(1), self.extent().1);
            let at_once = (AT_ONCE / (width * dtype.size()).max(1)).max(1);
            let mut bytes: Vec<u8> = vec![];
            for from in (0..rows).step_by(at_once) {
                let part = from..rows.min(from + at_once);
                self.read_bytes(part.clone(), &dtype, &mut bytes)?;
                to.write_bytes(part, &dtype, &bytes)?;
            }
            Ok(())
        };
        copy().map_err(to.fault("copy"))
    }

    /// Lengths of the axes it shows.
    pub fn shape(&self) -> Vec<usize> {
        self.data.shape()[self.at.len()..].to_vec()
    }

    /// Some rows; the other axes whole.
    pub(super) fn region(&self, rows: Range<usize>) -> Hyperslab {
        Hyperslab::from(self.part(rows))
    }

    /// The same, axis by axis.
    pub(super) fn part(&self, rows: Range<usize>) -> Vec<SliceOrIndex> {
        let one = |place: &usize| SliceOrIndex::from(*place..place + 1);
        let all = |length: &usize| SliceOrIndex::from(0..*length);
        let shape = self.shape();
        let mut region: Vec<SliceOrIndex> = self.at.iter().map(one).collect();
        if !shape.is_empty() {
            region.push(rows.into());
            region.extend(shape[1..].iter().map(all));
        }
        region
    }

    /// Numbers of some rows.
    pub(super) fn read_region<T: Element>(&self, rows: Range<usize>) -> Result<Vec<T>> {
        let read = self.data.read_slice::<T, _, ndarray::IxDyn>(self.region(rows))?;
        Ok(read.into_raw_vec_and_offset().0)
    }

    /// The bytes of some rows, as elements of `dtype`, which has no pointers.
    pub(super) fn read_bytes(&self, rows: Range<usize>, dtype: &Datatype, bytes: &mut Vec<u8>) -> Result<()> {
        let count = rows.len() * self.extent().1;
        bytes.resize(count * dtype.size(), 0);
        let (memory, file) = (Dataspace::try_new(count)?, self.space(rows)?);
        // SAFETY: `bytes` has room for `count` elements of `dtype`, and as many are selected in the file.
        call(|| unsafe {
            H5Dread(self.data.id(), dtype.id(), memory.id(), file.id(), H5P_DEFAULT, bytes.as_mut_ptr().cast())
        })
        .map(drop)
    }

    fn write_bytes(&self, rows: Range<usize>, dtype: &Datatype, bytes: &[u8]) -> Result<()> {
        let count = rows.len() * self.extent().1;
        if bytes.len() != count * dtype.size() {
            return Err("another number of elements".into());
        }
        let (memory, file) = (Dataspace::try_new(count)?, self.space(rows)?);
        // SAFETY: `bytes` holds `count` elements of `dtype`, and as many are selected in the file.
        call(|| unsafe {
            H5Dwrite(self.data.id(), dtype.id(), memory.id(), file.id(), H5P_DEFAULT, bytes.as_ptr().cast())
        })
        .map(drop)
    }

    fn space(&self, rows: Range<usize>) -> Result<Dataspace> {
        let space = self.data.space()?;
        if space.is_scalar() { Ok(space) } else { space.select(self.region(rows)) }
    }
}
