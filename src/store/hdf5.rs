//! The only file that names the HDF5 library: opening, creating, rows in, rows out. (`text` and
//! `fault` beside it take what they need from here.)
//!
//! Text is stored with a fixed length; datasets of text carry the ASCII tag even where they are UTF-8,
//! the one kind that every reader we know takes (Octave stops at any other). Nothing has a variable length, nothing
//! carries a time stamp, everything is contiguous and allocated when it is created.

mod fault;
mod slab;
mod text;

use self::fault::{detail, fault};
use super::StoreError;
use super::StoreError::NotHdf5;
use super::block::Block;
use super::layout::{Dataset as Layout, Fill, Kind};
use crate::comm::RawComm;
use ::hdf5::file::LibraryVersion;
use ::hdf5::plist::DatasetCreate;
use ::hdf5::plist::dataset_create::{AllocTime, FillTime, Layout as Storage};
use ::hdf5::plist::file_access::FileAccessBuilder;
use ::hdf5::sync::sync;
use ::hdf5::types::TypeDescriptor;
use ::hdf5::{Dataspace, Datatype, Error as LibraryError, FileBuilder, Hyperslab, Location, Result, SliceOrIndex};
use hdf5_sys::h5a::{H5Aread, H5Awrite};
use hdf5_sys::h5d::{H5Dclose, H5Dcreate2, H5Dread, H5Dwrite};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::{h5p::H5P_DEFAULT, h5s::H5S_ALL};
use num_complex::Complex64;
use std::ffi::{CString, c_char, c_int, c_uint};
use std::ops::Range;
use std::path::{Path, PathBuf};

pub use self::text::clip;
pub use ::hdf5::H5Type as Element;

/// Name under which netCDF's tools look for a complex type; without it they drop complex variables silently.
const COMPLEX: &str = "_PFNC_DOUBLE_COMPLEX_TYPE";

// Dimension scales live in HDF5's high-level library, for which the crate has no declarations.
// SAFETY: signatures of hdf5_hl's H5DSpublic.h, the same in 1.8 to 1.14; build scripts link the library.
unsafe extern "C" {
    fn H5DSset_scale(dataset: hid_t, name: *const c_char) -> c_int;
    fn H5DSattach_scale(dataset: hid_t, scale: hid_t, axis: c_uint) -> c_int;
}

/// What came of it, in this room's terms.
type Stored<T> = std::result::Result<T, StoreError>;

/// Attribute of datasets that hold all points of a sweep: the names of their leading axes.
pub const SWEPT: &str = "sweep_axes";

/// An open file.
pub struct File {
    file: ::hdf5::File,
    path: PathBuf,
    /// Of a sweep: the one point of it that is shown, its place on every axis.
    at: Vec<(String, usize)>,
}

/// An open dataset.
pub struct Dataset {
    data: ::hdf5::Dataset,
    name: String,
    path: PathBuf,
    /// Where on its leading axes the values are that it shows; on the others it shows all.
    at: Vec<usize>,
}

impl File {
    /// Create a file, serially. Format bounds up to 1.8: later superblocks leave a killed writer's file locked.
    pub fn create(path: &Path) -> Stored<File> {
        let mut builder = FileBuilder::new();
        builder.with_fapl(|p| unlocked(p).libver_bounds(LibraryVersion::Earliest, LibraryVersion::V18));
        let create = || -> Result<::hdf5::File> {
            let file = builder.create_excl(path)?;
            file.commit_datatype(COMPLEX, &Datatype::from_type::<Complex64>()?)?;
            Ok(file)
        };
        Ok(File { file: create().map_err(fault(path, "create the file"))?, path: path.into(), at: vec![] })
    }

    /// Open an existing file for rows, through MPI-IO if there is a communicator (then all its ranks must call).
    ///
    /// Without MPI-IO the sieve buffer is off: a row must be in the file before its checksum is. There is
    /// no HDF5 lock: somebody who looks into the file must not stop the end of a run.
    pub fn open_rows(path: &Path, comm: Option<RawComm>) -> Stored<File> {
        let mut builder = FileBuilder::new();
        match comm {
            Some(comm) => through_mpi(&mut builder, comm),
            None => {
                builder.with_fapl(|p| unlocked(p).sieve_buf_size(0));
            }
        }
        let file = builder.open_rw(path).map_err(fault(path, "open the file for writing"))?;
        Ok(File { file, path: path.into(), at: vec![] })
    }

    /// Open a file for reading, also while others write it.
    pub fn open(path: &Path) -> Stored<File> {
        File::open_at(path, vec![])
    }

    /// Open the file of a sweep for reading, as if it held one point only.
    pub fn open_at(path: &Path, at: Vec<(String, usize)>) -> Stored<File> {
        let mut builder = FileBuilder::new();
        builder.with_fapl(unlocked);
        let not_hdf5 = |error| NotHdf5 { path: path.into(), detail: detail(&error) };
        Ok(File { file: builder.open(path).map_err(not_hdf5)?, path: path.into(), at })
    }

    /// Close it; collective if it was opened through MPI-IO. Its datasets must be gone.
    pub fn close(self) -> Stored<()> {
        self.file.close().map_err(fault(&self.path, "close the file"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Create a group of the root.
    pub fn create_group(&self, name: &str) -> Stored<()> {
        let group = self.file.create_group_builder().obj_track_times(false).create(name);
        group.map(drop).map_err(self.fault("create the group", name))
    }

    /// Create a dataset with its space, fill value and dimension scales. Scales come first.
    pub fn create_dataset(&self, layout: &Layout) -> Stored<Dataset> {
        let create = || -> Result<::hdf5::Dataset> {
            let data = self.allocate(layout)?;
            if layout.is_scale() {
                self.make_scale(&data, &layout.path)?;
            } else {
                self.attach_scales(&data, &layout.scales)?;
            }
            Ok(data)
        };
        let data = create().map_err(self.fault("create", &layout.path))?;
        Ok(Dataset { data, name: layout.path.clone(), path: self.path.clone(), at: vec![] })
    }

    /// Open a dataset.
    pub fn dataset(&self, name: &str) -> Stored<Dataset> {
        let data = self.file.dataset(name).map_err(self.fault("find", name))?;
        let mut found = Dataset { data, name: name.into(), path: self.path.clone(), at: vec![] };
        if !self.at.is_empty() {
            let texts = found.texts()?;
            let axes = texts.iter().find(|(name, _)| name == SWEPT).map_or("", |(_, names)| names.as_str());
            let place = |name: &str| self.at.iter().find(|(axis, _)| axis == name).map(|(_, place)| *place);
            found.at = axes.split_whitespace().filter_map(place).collect();
        }
        Ok(found)
    }

    /// True if there is an object of this name; every group on the way must exist.
    pub fn contains(&self, name: &str) -> bool {
        self.file.link_exists(name)
    }

    /// Names of the datasets and groups in a group.
    pub fn members(&self, group: &str) -> Stored<Vec<String>> {
        let names = || self.file.group(group)?.member_names();
        names().map_err(self.fault("list", group))
    }

    /// Give a group ("/" for the root) a count as an attribute, or another value to the one it has.
    pub fn set_count(&self, group: &str, name: &str, value: i64) -> Stored<()> {
        let set = || {
            let group = self.file.group(group)?;
            let is_there = group.attr_names()?.iter().any(|found| found == name);
            let attribute = if is_there { group.attr(name)? } else { group.new_attr::<i64>().create(name)? };
            attribute.write_scalar(&value)
        };
        set().map_err(self.fault("write the attribute", name))
    }

    /// The count that is an attribute of a group; `None` if there is no such attribute.
    pub fn count(&self, group: &str, name: &str) -> Stored<Option<i64>> {
        let get = || -> Result<Option<i64>> {
            let group = self.file.group(group)?;
            match group.attr_names()?.iter().any(|found| found == name) {
                true => group.attr(name)?.read_scalar().map(Some),
                false => Ok(None),
            }
        };
        get().map_err(self.fault("read the attribute", name))
    }

    /// Take an attribute away.
    #[cfg(test)]
    pub fn remove_attribute(&self, group: &str, name: &str) -> Stored<()> {
        let remove = || self.file.group(group)?.delete_attr(name);
        remove().map_err(self.fault("remove the attribute", name))
    }

    /// Not through the crate's builder of datasets, which loses the library's reason: a full disk would be nameless.
    fn allocate(&self, layout: &Layout) -> Result<::hdf5::Dataset> {
        let dtype = match layout.kind {
            Kind::Complex => self.file.committed_datatype(COMPLEX)?.as_datatype().clone(),
            kind => Datatype::from_descriptor(&descriptor(kind))?,
        };
        let mut creation = DatasetCreate::build();
        creation.obj_track_times(false).layout(Storage::Contiguous);
        creation.alloc_time(Some(AllocTime::Early)).fill_time(FillTime::Alloc);
        match (layout.row.fill, layout.kind) {
            (Fill::Nan, Kind::Complex) => creation.fill_value(Complex64::new(f64::NAN, f64::NAN)),
            (Fill::Nan, _) => creation.fill_value(f64::NAN),
            (Fill::MinusOne, Kind::I8) => creation.fill_value(-1i8),
            (Fill::MinusOne, _) => creation.fill_value(-1i32),
            _ => &mut creation,
        };
        let (creation, space) = (creation.finish()?, Dataspace::try_new(layout.shape.clone())?);
        let name = CString::new(layout.path.as_str()).map_err(|e| e.to_string())?;
        let (file, plain) = (self.file.id(), H5P_DEFAULT);
        // SAFETY: valid ids and a string that ends in zero, all outliving the call.
        let id =
            call(|| unsafe { H5Dcreate2(file, name.as_ptr(), dtype.id(), space.id(), plain, creation.id(), plain) })?;
        // SAFETY: the id just created, closed once; the dataset is opened again under the crate's care.
        call(|| unsafe { H5Dclose(id) })?;
        self.file.dataset(&layout.path)
    }

    fn make_scale(&self, data: &::hdf5::Dataset, path: &str) -> Result<()> {
        let name = CString::new(path.rsplit('/').next().unwrap_or(path)).map_err(|e| e.to_string())?;
        // SAFETY: a valid dataset and a string that ends in zero, both outliving the call.
        call(|| unsafe { H5DSset_scale(data.id(), name.as_ptr()) }).map(drop)
    }

    fn attach_scales(&self, data: &::hdf5::Dataset, scales: &[String]) -> Result<()> {
        for (axis, name) in scales.iter().enumerate() {
            let scale = self.file.dataset(name)?;
            // SAFETY: two valid datasets of this file.
            call(|| unsafe { H5DSattach_scale(data.id(), scale.id(), axis as c_uint) }).map(drop)?;
        }
        Ok(())
    }

    fn fault(&self, doing: &str, name: &str) -> impl FnOnce(LibraryError) -> StoreError + use<> {
        fault(&self.path, &format!("{doing} {name}"))
    }
}

impl Dataset {
    /// Values in all, and in one row.
    pub fn extent(&self) -> (usize, usize) {
        let shape = self.shape();
        (shape.iter().product(), shape.iter().skip(1).product())
    }

    /// Its path in the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Write everything.
    pub fn write<T: Element>(&self, values: &[T]) -> Stored<()> {
        self.data.write_raw(values).map_err(self.fault("write"))
    }

    /// Write rows from `row` on.
    pub fn write_rows(&self, row: usize, block: &Block) -> Stored<()> {
        match block {
            Block::Real(values) => self.write_slab(row, values),
            Block::Complex(values) => self.write_slab(row, values),
            Block::Signed(values) => self.write_slab(row, values),
            Block::Unsigned(values) => self.write_slab(row, values),
        }
    }

    /// Write rows of any type from `row` on.
    pub fn write_slab<T: Element>(&self, row: usize, values: &[T]) -> Stored<()> {
        let write = || -> Result<()> {
            let mut shape = self.shape();
            shape[0] = values.len() / self.extent().1.max(1);
            let view = ndarray::ArrayViewD::from_shape(shape.clone(), values).map_err(|e| e.to_string())?;
            self.data.write_slice(view, self.region(row..row + shape[0]))
        };
        write().map_err(self.fault("write rows of"))
    }

    /// Read everything.
    pub fn read<T: Element>(&self) -> Stored<Vec<T>> {
        let read = || -> Result<Vec<T>> {
            match (self.at.is_empty(), self.shape().first()) {
                (true, _) => self.data.read_raw(),
                (false, rows) => self.read_region(0..rows.copied().unwrap_or(1)),
            }
        };
        read().map_err(self.fault("read"))
    }

    /// Read `count` values of a dataset with one axis, from `row` on.
    pub fn read_slab<T: Element>(&self, row: usize, count: usize) -> Stored<Vec<T>> {
        self.read_region(row..row + count).map_err(self.fault("read rows of"))
    }

    /// Read `rows` of a dataset with two axes or more, of the second axis only `at`.
    pub fn read_column<T: Element>(&self, rows: Range<usize>, at: usize) -> Stored<Vec<T>> {
        let read = || {
            let mut part = self.part(rows);
            part[self.at.len() + 1] = SliceOrIndex::from(at..at + 1);
            self.data.read_slice::<T, _, ndarray::IxDyn>(Hyperslab::from(part))
        };
        Ok(read().map_err(self.fault("read rows of"))?.into_raw_vec_and_offset().0)
    }

    /// Read one number.
    pub fn read_one<T: Element + Copy>(&self) -> Stored<T> {
        match self.at.is_empty() {
            true => self.data.read_scalar().map_err(self.fault("read")),
            false => self.read::<T>().map(|values| values[0]),
        }
    }

    /// Read `count` rows from `row` on.
    pub fn read_rows(&self, row: usize, count: usize) -> Stored<Block> {
        let read = || -> Result<Block> {
            let rows = row..row + count;
            Ok(match self.data.dtype()?.to_descriptor()? {
                TypeDescriptor::Compound(_) => Block::Complex(self.read_region(rows)?),
                TypeDescriptor::Integer(_) => Block::Signed(self.read_region(rows)?),
                TypeDescriptor::Unsigned(_) => Block::Unsigned(self.read_region(rows)?),
                _ => Block::Real(self.read_region(rows)?),
            })
        };
        read().map_err(self.fault("read rows of"))
    }

    /// So many values of its type from words of eight bytes.
    pub fn block(&self, count: usize, words: &mut impl Iterator<Item = u64>) -> Block {
        let mut real = || words.next().map_or(f64::NAN, f64::from_bits);
        match self.kind() {
            Some(Kind::Complex) => Block::Complex((0..count).map(|_| Complex64::new(real(), real())).collect()),
            Some(Kind::I64) => Block::Signed(words.take(count).map(|n| n as i64).collect()),
            Some(Kind::U64) => Block::Unsigned(words.take(count).collect()),
            _ => Block::Real((0..count).map(|_| real()).collect()),
        }
    }

    /// Type of an element, if it is one of ours.
    pub fn kind(&self) -> Option<Kind> {
        use ::hdf5::types::{
            FloatSize::U8 as Double,
            IntSize::{U1, U4, U8},
        };
        match self.data.dtype().ok()?.to_descriptor().ok()? {
            TypeDescriptor::Float(Double) => Some(Kind::Real),
            TypeDescriptor::Integer(U8) => Some(Kind::I64),
            TypeDescriptor::Integer(U4) => Some(Kind::I32),
            TypeDescriptor::Integer(U1) => Some(Kind::I8),
            TypeDescriptor::Unsigned(U8) => Some(Kind::U64),
            TypeDescriptor::Unsigned(U1) => Some(Kind::U8),
            TypeDescriptor::Compound(_) => Some(Kind::Complex),
            TypeDescriptor::FixedAscii(bytes) | TypeDescriptor::FixedUnicode(bytes) => Some(Kind::Text(bytes)),
            _ => None,
        }
    }

    /// Give it an attribute of small integers.
    pub fn set_flags(&self, name: &str, values: &[i8]) -> Stored<()> {
        let set = self.data.new_attr_builder().with_data(values).create(name);
        set.map(drop).map_err(self.fault("write an attribute of"))
    }

    /// The count that is an attribute of it, if there is one of that name.
    pub fn count(&self, name: &str) -> Stored<Option<i64>> {
        let get = || -> Result<Option<i64>> {
            match self.data.attr_names()?.iter().any(|found| found == name) {
                true => self.data.attr(name)?.read_scalar().map(Some),
                false => Ok(None),
            }
        };
        get().map_err(self.fault("read an attribute of"))
    }

    /// Give it a count as an attribute.
    pub fn set_count(&self, name: &str, value: i64) -> Stored<()> {
        let set = || self.data.new_attr::<i64>().create(name)?.write_scalar(&value);
        set().map_err(self.fault("write an attribute of"))
    }

    fn fault(&self, doing: &str) -> impl FnOnce(LibraryError) -> StoreError + use<> {
        fault(&self.path, &format!("{doing} {}", self.name))
    }
}

/// Without a lock of HDF5's own.
#[cfg(hdf5_locking)]
fn unlocked(access: &mut FileAccessBuilder) -> &mut FileAccessBuilder {
    access.file_locking(false)
}

/// The same for a library before 1.10.7, which asks the environment whenever it opens a file.
#[cfg(not(hdf5_locking))]
fn unlocked(access: &mut FileAccessBuilder) -> &mut FileAccessBuilder {
    static ASKED: std::sync::Once = std::sync::Once::new();
    // SAFETY: before the first file is opened, which is before there are threads that integrate.
    ASKED.call_once(|| unsafe { std::env::set_var("HDF5_USE_FILE_LOCKING", "FALSE") });
    access
}

#[cfg(feature = "mpi")]
fn through_mpi(builder: &mut FileBuilder, comm: RawComm) {
    builder.with_fapl(|p| p.mpio(comm, None));
}

#[cfg(not(feature = "mpi"))]
fn through_mpi(_: &mut FileBuilder, (): RawComm) {
    unreachable!("a build without MPI has no communicator")
}

/// Version of the HDF5 library in use: `1.10.8`.
pub fn library_version() -> String {
    let (major, minor, patch) = ::hdf5::library_version();
    format!("{major}.{minor}.{patch}")
}

fn descriptor(kind: Kind) -> TypeDescriptor {
    match kind {
        Kind::I8 => i8::type_descriptor(),
        Kind::U8 => u8::type_descriptor(),
        Kind::I32 => i32::type_descriptor(),
        Kind::I64 => i64::type_descriptor(),
        Kind::U64 => u64::type_descriptor(),
        Kind::Complex => Complex64::type_descriptor(),
        Kind::Text(_) => TypeDescriptor::FixedAscii(kind.bytes()),
        _ => f64::type_descriptor(),
    }
}

/// Call the library; a negative code is an error, asked for before anybody else's call replaces it.
fn call<T: Into<i64> + Copy>(function: impl FnOnce() -> T) -> Result<T> {
    sync(|| {
        let code = function();
        if code.into() < 0 { Err(LibraryError::query()?) } else { Ok(code) }
    })
}
