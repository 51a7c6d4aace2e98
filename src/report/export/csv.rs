//! Comma-separated statistics: a line per saved time, complex numbers in two columns.

use super::Stopped;
use super::content::Content;
use std::io::{self, Write};

/// Writes the table.
pub fn write(content: &Content, out: &mut impl Write) -> Result<(), Stopped> {
    let mut table = ::csv::Writer::from_writer(out);
    let mut columns: Vec<(String, Vec<f64>)> = vec![("time".into(), content.times.clone())];
    for (info, found) in content.observables.iter().zip(&content.statistics) {
        for (suffix, values) in [("mean", &found.mean), ("sem", &found.sem), ("traj_std", &found.traj_std)] {
            let name = format!("{}_{suffix}", info.name);
            if info.hermitian {
                columns.push((name, values.iter().map(|z| z.re).collect()));
            } else {
                columns.push((format!("{name}_re"), values.iter().map(|z| z.re).collect()));
                columns.push((format!("{name}_im"), values.iter().map(|z| z.im).collect()));
            }
        }
    }
    let wrong = |error: ::csv::Error| io::Error::other(error);
    table.write_record(columns.iter().map(|(name, _)| name)).map_err(wrong)?;
    for line in 0..content.times.len() {
        table.write_record(columns.iter().map(|(_, values)| format!("{:?}", values[line]))).map_err(wrong)?;
    }
    Ok(table.flush()?)
}
