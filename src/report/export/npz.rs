//! NumPy's archive of arrays: a zip of `.npy` files, uncompressed, rows streamed.
//!
//! An array is a magic word, a version, a line of Python that says type and shape, padded to 64 bytes, and the numbers, last
//! index fastest (numpy.lib.format, version 1.0).

use super::Stopped;
use super::content::{Content, Variable};
use num_complex::Complex64;
use std::io::{self, Seek, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Writes the archive.
pub fn write(content: &Content, out: &mut (impl Write + Seek)) -> Result<(), Stopped> {
    let mut archive = ZipWriter::new(out);
    let (rows, times, count) = (content.rows.len(), content.times.len(), content.observables.len());
    begin(&mut archive, "expects", "<c16", &[rows, times, count])?;
    for piece in content.pieces(times * count) {
        let columns: Vec<Vec<Complex64>> =
            content.observables.iter().map(|o| content.values(&o.name, piece.clone())).collect::<Result<_, _>>()?;
        let numbers = (0..piece.len() * times).flat_map(|at| columns.iter().map(move |column| column[at]));
        archive.write_all(&bytes_of(numbers))?;
    }
    if let Some(kets) = &content.kets {
        begin(&mut archive, "psis", "<c16", &[rows, kets.times.len(), kets.dimension])?;
        for piece in content.pieces(kets.times.len() * kets.dimension) {
            archive.write_all(&bytes_of(content.values("psi", piece)?.into_iter()))?;
        }
    }
    if let Some(dim) = content.density {
        begin(&mut archive, "rho", "<c16", &[times, dim, dim])?;
        for time in 0..times {
            archive.write_all(&bytes_of(content.density_at(time..time + 1)?.into_iter()))?;
        }
    }
    for (name, variable) in content.variables()? {
        add(&mut archive, &name, &variable)?;
    }
    archive.finish().map_err(io::Error::from)?;
    Ok(())
}

fn begin<W: Write + Seek>(archive: &mut ZipWriter<W>, name: &str, kind: &str, shape: &[usize]) -> Result<(), Stopped> {
    // Without compression, and with room for more than 4 GB.
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored).large_file(true);
    archive.start_file(format!("{name}.npy"), options).map_err(io::Error::from)?;
    let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let shape = shape.trim_end();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    // Magic, version and length take ten bytes, the line its own and a newline.
    header.push_str(&" ".repeat((64 - (10 + header.len() + 1) % 64) % 64));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| io::Error::other("a shape that takes 64 kB to write"))?;
    archive.write_all(b"\x93NUMPY\x01\x00")?;
    archive.write_all(&length.to_le_bytes())?;
    Ok(archive.write_all(header.as_bytes())?)
}

fn bytes_of(numbers: impl Iterator<Item = Complex64>) -> Vec<u8> {
    numbers.flat_map(|z| [z.re.to_le_bytes(), z.im.to_le_bytes()]).flatten().collect()
}

fn add<W: Write + Seek>(archive: &mut ZipWriter<W>, name: &str, variable: &Variable) -> Result<(), Stopped> {
    let mut array = |kind: &str, shape: &[usize], bytes: Vec<u8>| {
        begin(archive, name, kind, shape)?;
        Ok(archive.write_all(&bytes)?)
    };
    match variable {
        Variable::Real(x) => array("<f8", &[], x.to_le_bytes().into()),
        Variable::Integer(n) => array("<i8", &[], n.to_le_bytes().into()),
        Variable::Unsigned(n) => array("<u8", &[], n.to_le_bytes().into()),
        Variable::Flag(yes) => array("|b1", &[], vec![u8::from(*yes)]),
        Variable::Text(text) => {
            let width = text.chars().count().max(1);
            array(&format!("<U{width}"), &[], utf32(text, width))
        }
        Variable::Texts(texts) => {
            let width = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
            array(&format!("<U{width}"), &[texts.len()], texts.iter().flat_map(|text| utf32(text, width)).collect())
        }
        Variable::Reals(all) => array("<f8", &[all.len()], all.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Variable::Complexes(all) => array("<c16", &[all.len()], bytes_of(all.iter().copied())),
        Variable::Integers(all) => array("<i8", &[all.len()], all.iter().flat_map(|n| n.to_le_bytes()).collect()),
        Variable::Unsigneds(all) => array("<u8", &[all.len()], all.iter().flat_map(|n| n.to_le_bytes()).collect()),
    }
}

/// `width` characters of four bytes, the rest of them zero.
fn utf32(text: &str, width: usize) -> Vec<u8> {
    let characters = text.chars().map(u32::from).chain(std::iter::repeat(0));
    characters.take(width).flat_map(u32::to_le_bytes).collect()
}
