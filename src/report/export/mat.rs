//! MATLAB's level 5 MAT file, uncompressed: what MATLAB, Octave and scipy load.
//!
//! A file is a header of 128 bytes and elements (type, length, bytes, padded to eight); a variable is an element of elements:
//! flags, dimensions, name, real parts, imaginary parts. Arrays are stored first index fastest, so every observable is read
//! as a whole and transposed. ("MAT-File Format", The MathWorks.)

use super::content::{Content, Variable};
use super::{ExportError, Stopped};
use num_complex::Complex64;
use std::io::Write;

/// Lengths are counted in 32 bits, with a sign in some readers.
const LIMIT: u64 = i32::MAX as u64;
/// Bytes of the flags and the length before them.
const FLAGS: u64 = 16;

/// Types of elements.
const INT8: u32 = 1;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const DOUBLE: u32 = 9;
const INT64: u32 = 12;
const UINT64: u32 = 13;
const MATRIX: u32 = 14;
const UTF16: u32 = 17;

/// Classes of arrays.
const CELL: u8 = 1;
const CHAR: u8 = 4;
const DOUBLES: u8 = 6;
const INT64S: u8 = 14;
const UINT64S: u8 = 15;
/// Flag of arrays with imaginary parts.
const COMPLEX: u8 = 8;

/// Writes the file.
pub fn write(content: &Content, out: &mut impl Write) -> Result<(), Stopped> {
    let mut header = b"MATLAB 5.0 MAT-file, written by qsd export".to_vec();
    header.resize(124, b' ');
    header.extend(0x0100u16.to_le_bytes());
    header.extend(b"IM");
    out.write_all(&header)?;
    for (name, variable) in content.variables()? {
        out.write_all(&matrix(&name, &variable))?;
    }
    let (rows, times) = (content.rows.len(), content.times.len());
    let all = 0..rows;
    let observables = content.observables.iter().map(|o| o.name.as_str());
    stream(out, "expects", [rows, times, content.observables.len()], observables, |name| {
        Ok(transposed(&content.values(name, all.clone())?, rows))
    })?;
    if let Some(kets) = &content.kets {
        let shape = [rows, kets.times.len(), kets.dimension];
        check_size("psis", shape)?;
        let psi = content.values("psi", 0..rows)?;
        stream(out, "psis", shape, 0..kets.dimension, |state| {
            let at = |time: usize, row: usize| psi[(row * kets.times.len() + time) * kets.dimension + state];
            Ok((0..kets.times.len())
                .flat_map(|time| (0..rows).map(move |row| (time, row)))
                .map(|(t, r)| at(t, r))
                .collect())
        })?;
    }
    if let Some(dim) = content.density {
        check_size("rho", [times, dim, dim])?;
        let rho = content.density_at(0..times)?;
        stream(out, "rho", [times, dim, dim], 0..dim, |column| {
            Ok((0..dim * times).map(|at| rho[(at % times * dim + at / times) * dim + column]).collect())
        })?;
    }
    Ok(())
}

/// A complex array of three dimensions, a slice of the last at a time: real parts of all slices, then imaginary ones.
fn stream<S: Clone>(
    out: &mut impl Write,
    name: &str,
    shape: [usize; 3],
    slices: impl Iterator<Item = S> + Clone,
    slice: impl Fn(S) -> Result<Vec<Complex64>, Stopped>,
) -> Result<(), Stopped> {
    let doubles = check_size(name, shape)?;
    let mut head = vec![];
    element(&mut head, UINT32, &[DOUBLES, COMPLEX, 0, 0, 0, 0, 0, 0]);
    element(&mut head, INT32, &shape.iter().flat_map(|n| (*n as i32).to_le_bytes()).collect::<Vec<_>>());
    element(&mut head, INT8, name.as_bytes());
    let length = head.len() as u64 + 2 * (8 + doubles);
    out.write_all(&tag(MATRIX, length))?;
    out.write_all(&head)?;
    for part in [|z: &Complex64| z.re, |z: &Complex64| z.im] {
        out.write_all(&tag(DOUBLE, doubles))?;
        for which in slices.clone() {
            let bytes: Vec<u8> = slice(which)?.iter().flat_map(|z| part(z).to_le_bytes()).collect();
            out.write_all(&bytes)?;
        }
    }
    Ok(())
}

/// Bytes of the real parts of an array, if it fits.
fn check_size(name: &str, shape: [usize; 3]) -> Result<u64, Stopped> {
    let doubles = 8 * shape.iter().map(|n| *n as u64).product::<u64>();
    let bytes = 2 * doubles + FLAGS + 128;
    if bytes > LIMIT {
        let error = ExportError::TooLarge { variable: name.into(), gigabytes: bytes as f64 / 1e9 };
        return Err(Stopped::Export(error));
    }
    Ok(doubles)
}

fn transposed(values: &[Complex64], rows: usize) -> Vec<Complex64> {
    let width = values.len() / rows.max(1);
    (0..width).flat_map(|column| (0..rows).map(move |row| values[row * width + column])).collect()
}

fn tag(kind: u32, length: u64) -> Vec<u8> {
    [kind.to_le_bytes(), (length as u32).to_le_bytes()].concat()
}

fn element(out: &mut Vec<u8>, kind: u32, bytes: &[u8]) {
    out.extend(tag(kind, bytes.len() as u64));
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(8), 0);
}

fn matrix(name: &str, variable: &Variable) -> Vec<u8> {
    let bytes = |numbers: &[f64]| numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
    match variable {
        Variable::Real(x) => array(name, DOUBLES, [1, 1], &[(DOUBLE, bytes(&[*x]))]),
        Variable::Flag(yes) => array(name, DOUBLES, [1, 1], &[(DOUBLE, bytes(&[f64::from(u8::from(*yes))]))]),
        Variable::Integer(n) => array(name, INT64S, [1, 1], &[(INT64, n.to_le_bytes().into())]),
        Variable::Unsigned(n) => array(name, UINT64S, [1, 1], &[(UINT64, n.to_le_bytes().into())]),
        Variable::Text(text) => {
            let units: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            array(name, CHAR, [1, units.len() / 2], &[(UTF16, units)])
        }
        Variable::Texts(texts) => {
            let cells = texts.iter().map(|text| matrix("", &Variable::Text(text.clone())));
            let mut body = head(name, CELL, [1, texts.len()], false);
            cells.for_each(|cell| body.extend(cell));
            [tag(MATRIX, body.len() as u64), body].concat()
        }
        Variable::Reals(all) => array(name, DOUBLES, [1, all.len()], &[(DOUBLE, bytes(all))]),
        Variable::Complexes(all) => {
            let part = |of: fn(&Complex64) -> f64| bytes(&all.iter().map(of).collect::<Vec<_>>());
            array(name, DOUBLES, [1, all.len()], &[(DOUBLE, part(|z| z.re)), (DOUBLE, part(|z| z.im))])
        }
        Variable::Integers(all) => {
            array(name, INT64S, [1, all.len()], &[(INT64, all.iter().flat_map(|n| n.to_le_bytes()).collect())])
        }
        Variable::Unsigneds(all) => {
            array(name, UINT64S, [1, all.len()], &[(UINT64, all.iter().flat_map(|n| n.to_le_bytes()).collect())])
        }
    }
}

fn head(name: &str, class: u8, shape: [usize; 2], complex: bool) -> Vec<u8> {
    let mut body = vec![];
    element(&mut body, UINT32, &[class, if complex { COMPLEX } else { 0 }, 0, 0, 0, 0, 0, 0]);
    element(&mut body, INT32, &shape.iter().flat_map(|n| (*n as i32).to_le_bytes()).collect::<Vec<_>>());
    element(&mut body, INT8, name.as_bytes());
    body
}

/// A two-dimensional array; a second part is imaginary.
fn array(name: &str, class: u8, shape: [usize; 2], parts: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut body = head(name, class, shape, parts.len() > 1);
    parts.iter().for_each(|(kind, bytes)| element(&mut body, *kind, bytes));
    [tag(MATRIX, body.len() as u64), body].concat()
}
