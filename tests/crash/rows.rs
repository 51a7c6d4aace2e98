//! Rows of a results file as bytes, found without the reader of the program: the place of every
//! dataset from HDF5 itself, the content from the file.
#![allow(dead_code, reason = "every test file uses a part of this")]

use qsd::store::Results;
use qsd::store::layout::{self, Kept};
use std::ops::Range;
use std::path::Path;

/// Everything the checksum of a row covers, and the checksums.
pub struct RowBytes {
    bytes: Vec<u8>,
    checked: Vec<Column>,
    checksum: Column,
    /// Rows in all.
    pub count: usize,
}

struct Column {
    offset: usize,
    width: usize,
}

impl RowBytes {
    /// Read a file that opens.
    pub fn read(path: &Path) -> RowBytes {
        // Open for the program's reader, too, which takes no lock: HDF5 wants the same of both.
        let mut builder = hdf5::FileBuilder::new();
        builder.with_fapl(|plist| plist.file_locking(false));
        let file = builder.open(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let column = |name: &str| {
            let data = file.dataset(name).expect("a dataset of the layout");
            let values: usize = data.shape().iter().skip(1).product();
            let size = data.dtype().expect("its type").size();
            Column { offset: data.offset().expect("allocated at the start") as usize, width: values * size }
        };
        let results = Results::open(path).expect("it has just been opened");
        let names = |key| results.about(key).split_whitespace().map(String::from).collect::<Vec<_>>();
        let kept = Kept { kets: file.link_exists("psi"), record: file.link_exists("record") };
        let checked = layout::checked(&names("observables"), &names("leaks"), kept);
        let count = file.dataset("checksum").expect("a dataset of the layout").shape()[0];
        let bytes = std::fs::read(path).expect("it has just been opened");
        RowBytes {
            checked: checked.iter().map(|name| column(name)).collect(),
            checksum: column("checksum"),
            bytes,
            count,
        }
    }

    /// All bytes of a row in the order of its checksum.
    pub fn row(&self, row: usize) -> Vec<u8> {
        self.checked.iter().flat_map(|column| &self.bytes[column.of(row)]).copied().collect()
    }

    /// Rows whose checksum was written to its last byte, by the bytes that a rank wrote.
    pub fn finished_by(&self, written: &[Range<usize>]) -> Vec<usize> {
        let is_in = |bytes: Range<usize>| written.iter().any(|w| w.start <= bytes.start && bytes.end <= w.end);
        (0..self.count).filter(|&row| is_in(self.checksum.of(row))).collect()
    }
}

impl Column {
    fn of(&self, row: usize) -> Range<usize> {
        self.offset + row * self.width..self.offset + (row + 1) * self.width
    }
}
