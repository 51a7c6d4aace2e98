//! The table as people read it, for the README.

use super::{Axis, Each, Kind, TABLE};

/// The table of datasets in Markdown: name, shape, type and meaning. Rows that belong together
/// stand where `TABLE` has them, so that the text and the file cannot drift apart.
pub fn markdown() -> String {
    let mut lines = vec!["| dataset | shape | type | meaning |".to_string(), "|---|---|---|---|".to_string()];
    for row in TABLE {
        let axes: Vec<&str> = row.axes.iter().map(|&axis| axis_name(axis)).collect();
        let path = match row.each {
            Each::Factor => "fock_<factor>, level_<factor>",
            _ => row.path,
        };
        let meaning = row.long_name.replace('|', "\\|").replace("<label>", "the observable");
        let meaning = meaning.replace("<description>", "as set for the run");
        // Outside code a page would take a placeholder for a tag and show nothing.
        let meaning = meaning.replace('<', "`<").replace('>', ">`");
        lines.push(format!("| `{path}` | ({}) | {} | {meaning} |", axes.join(", "), kind_name(row.kind)));
    }
    lines.join("\n") + "\n"
}

fn axis_name(axis: Axis) -> &'static str {
    match axis {
        Axis::Trajectory => "trajectory",
        Axis::Time => "time",
        Axis::KetTime => "time_psi",
        Axis::Interval => "time_record",
        Axis::Channel => "channel",
        Axis::BasisRow => "rho_row",
        Axis::BasisColumn => "rho_col",
        Axis::Factors => "factors...",
        Axis::Level => "level",
        Axis::Run => "64",
    }
}

fn kind_name(kind: Kind) -> String {
    match kind {
        Kind::Real => "f64".into(),
        Kind::Complex => "complex".into(),
        Kind::I8 => "i8".into(),
        Kind::U8 => "u8".into(),
        Kind::I32 => "i32".into(),
        Kind::I64 => "i64".into(),
        Kind::U64 => "u64".into(),
        Kind::Text(bytes) => format!("text, {bytes} bytes"),
        Kind::OfInput | Kind::OfChannel => "text".into(),
        Kind::OfObservable => "f64 or complex".into(),
        Kind::OfParameter => "number or text".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dataset_has_a_line_with_four_cells() {
        let markdown = markdown();
        assert_eq!(markdown.lines().count(), TABLE.len() + 2);
        for line in markdown.lines() {
            assert_eq!(line.replace("\\|", "").matches('|').count(), 5, "{line}");
            let outside_code: String = line.split('`').step_by(2).collect();
            assert!(!outside_code.contains('<'), "{line}");
        }
        assert!(
            markdown.contains(
                "| `<observable>_mean` | (time) | f64 or complex | mean of the observable over trajectories |"
            ),
            "{markdown}"
        );
    }
}
