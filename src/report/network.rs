//! A network of components as the one component it is: S with the names of its free ports, L and H as
//! expressions where they are short, else by their elements.

use crate::model::{HilbertSpace, Operator, Reduced, normally_ordered, rounded, written};
use num_complex::Complex64;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Elements of an operator that is no short expression.
const MOST_ELEMENTS: usize = 12;

/// Writes S, L and H as comments.
pub fn write(out: &mut dyn Write, network: &Reduced, space: &HilbertSpace) -> io::Result<()> {
    let Reduced { slh, inputs, outputs } = network;
    writeln!(out, "# The network as one component; rows of S and L: free outputs, columns of S: free inputs")?;
    let number = |z: Complex64| written(rounded(z));
    let rows: Vec<Vec<String>> = slh.s.rows().into_iter().map(|row| row.iter().map(|z| number(*z)).collect()).collect();
    let first = widest(outputs.iter());
    let widths: Vec<usize> =
        (0..inputs.len()).map(|column| widest(rows.iter().map(|row| &row[column]).chain([&inputs[column]]))).collect();
    let line = |out: &mut dyn Write, name: &str, cells: &[String]| {
        let cells: String = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:>width$}")).collect();
        writeln!(out, "#   {name:<first$}{cells}")
    };
    line(out, "S", inputs)?;
    for (name, row) in outputs.iter().zip(&rows) {
        line(out, name, row)?;
    }
    for (name, l) in outputs.iter().zip(&slh.l) {
        operator(out, &format!("L {name:<first$}"), l, space)?;
    }
    operator(out, "H", &slh.h, space)
}

/// The same for other programs: numbers as [Re, Im], operators as text or as [row, column, Re, Im].
pub fn json(network: &Reduced, space: &HilbertSpace) -> Value {
    let Reduced { slh, inputs, outputs } = network;
    let operator = |op: &Operator| match normally_ordered(op, space) {
        Some(text) => json!(text),
        None => op.elements().map(|((row, col), z)| json!([row, col, z.re, z.im])).collect(),
    };
    let s: Vec<Vec<[f64; 2]>> =
        slh.s.rows().into_iter().map(|row| row.iter().map(|z| [z.re, z.im]).collect()).collect();
    json!({
        "inputs": inputs,
        "outputs": outputs,
        "S": s,
        "L": slh.l.iter().map(operator).collect::<Vec<_>>(),
        "H": operator(&slh.h),
    })
}

fn operator(out: &mut dyn Write, name: &str, op: &Operator, space: &HilbertSpace) -> io::Result<()> {
    if let Some(text) = normally_ordered(op, space) {
        return writeln!(out, "#   {name} = {text}");
    }
    let all = op.elements().count();
    writeln!(out, "#   {name}: {all} elements <row|{}|column>", &name[..1])?;
    for ((row, col), z) in op.elements().take(MOST_ELEMENTS) {
        writeln!(out, "#     <{}| |{}> = {}", state(space, row), state(space, col), written(rounded(z)))?;
    }
    if all > MOST_ELEMENTS { writeln!(out, "#     and {} more", all - MOST_ELEMENTS) } else { Ok(()) }
}

/// The basis states of the factors, as in `3, 0`.
fn state(space: &HilbertSpace, index: usize) -> String {
    (0..space.factors.len()).map(|m| space.digit(index, m).to_string()).collect::<Vec<_>>().join(", ")
}

fn widest<'a>(texts: impl Iterator<Item = &'a String>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Factor, Network, Slh};

    /// A cavity behind a beamsplitter that lets 36 % of the power through.
    fn example() -> (Reduced, HilbertSpace) {
        let space = HilbertSpace::new(vec![Factor::fock("a", 4), Factor::spin("j", 2)]).expect("a space");
        let mut network = Network::new();
        let splitter = Slh::beamsplitter_of(8, 0.6.into(), 0.8.into()).expect("unitary");
        network.add("bs", splitter).expect("a name");
        network.add("cavity", Slh::cavity(&space.destroy(0), -0.5, &[4.0, 1.0]).expect("a cavity")).expect("a name");
        network.connect("bs.0", "cavity.0").expect("free ports");
        network.drive("bs.0", Complex64::new(0.0, 2.0)).expect("a free port");
        (network.reduce().expect("no loop"), space)
    }

    #[test]
    fn a_network_is_written_with_the_names_of_its_ports() {
        let (network, space) = example();
        let mut out = vec![];
        write(&mut out, &network, &space).expect("memory takes everything");
        let text = String::from_utf8(out).expect("text");
        let expected = "\
#   S         bs.0  bs.1  cavity.1
#   bs.1       0.8   0.6         0
#   cavity.0   0.6  -0.8         0
#   cavity.1     0     0         1
#   L bs.1     = 1.6i
#   L cavity.0 = 1.2i + 2*a
#   L cavity.1 = a
#   H = 1.2*a + 1.2*a' - 0.5*a'*a
";
        assert!(text.ends_with(expected), "{text}");
        let document = json(&network, &space);
        assert_eq!(document["S"][1][1], json!([-0.8, 0.0]));
        assert_eq!(document["L"][1], "1.2i + 2*a");
        assert_eq!(document["inputs"], json!(["bs.0", "bs.1", "cavity.1"]));
    }

    #[test]
    fn a_long_operator_is_written_by_its_first_elements() {
        let space = HilbertSpace::new(vec![Factor::fock("a", 6)]).expect("a space");
        let dense = Operator::from_elements(6, (0..36).map(|k| ((k / 6, k % 6), (1.0 / (k as f64 + 1.0)).into())));
        let mut out = vec![];
        operator(&mut out, "H", &dense, &space).expect("memory takes everything");
        let text = String::from_utf8(out).expect("text");
        assert!(text.starts_with("#   H: 36 elements <row|H|column>\n#     <0| |0> = 1\n"), "{text}");
        assert!(text.contains("<1| |0> = 0.1428571429\n") && text.ends_with("and 24 more\n"), "{text}");
    }
}
