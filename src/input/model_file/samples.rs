//! Coefficients that are not expressions: square pulses and tables of samples.

use super::document::Item;
use super::keys::Place;
use super::operators::complex;
use super::read::{Reader, real};
use super::source::Source;
use crate::input::InputError;
use crate::model::{Interpolation, TimeFunction};
use num_complex::Complex64;

impl Reader<'_> {
    /// `[[start, end, value], ...]` and its normal form.
    pub fn pulses(&self, item: &Item) -> Result<(TimeFunction, String), InputError> {
        let form = "a list of pulses [start, end, value]";
        let mut pulses = vec![];
        for pulse in self.source.items(item, form)? {
            let parts = self.source.items(&pulse, form)?;
            let [from, to, value] = &parts[..] else { return Err(self.source.wrong_type(&pulse, form)) };
            pulses.push((self.real_number(from)?, self.real_number(to)?, self.number(value)?));
        }
        let listed: Vec<String> =
            pulses.iter().map(|(from, to, z)| format!("[{}, {}, {}]", real(*from), real(*to), complex(*z))).collect();
        let function =
            TimeFunction::pulses(&pulses).map_err(|error| self.source.mistake(&item.at, error.to_string()))?;
        Ok((function, format!("pulse = [{}]", listed.join(", "))))
    }

    /// A table in the file or beside it, and its normal form, which has it inside.
    pub fn samples(&self, item: &Item, interpolation: Option<&Item>) -> Result<(TimeFunction, String), InputError> {
        let (interpolation, word) = match interpolation.map(|word| self.source.text(word)).transpose()? {
            None | Some("linear") => (Interpolation::Linear, "linear"),
            Some("step") => (Interpolation::Step, "step"),
            Some(other) => {
                let at = &interpolation.expect("its text was just read").at;
                return Err(self.source.mistake(at, format!("interpolation is linear or step, not '{other}'")));
            }
        };
        let (times, values) = match item.value.as_str() {
            Some(file) => self.read_csv(item, file)?,
            None => self.inline(item)?,
        };
        let list = |numbers: Vec<String>| numbers.join(", ");
        let toml = format!(
            "table = {{ t = [{}], value = [{}] }}, interpolation = \"{word}\"",
            list(times.iter().map(|t| real(*t)).collect()),
            list(values.iter().map(|z| complex(*z)).collect())
        );
        let function = TimeFunction::table(times, values, interpolation);
        Ok((function.map_err(|error| self.source.mistake(&item.at, error.to_string()))?, toml))
    }

    fn inline(&self, item: &Item) -> Result<(Vec<f64>, Vec<Complex64>), InputError> {
        let table = self.source.table(item, "the name of a CSV file or a table { t = [...], value = [...] }")?;
        let entries = self.source.known_entries(table, Place::Samples)?;
        let column = |key: &str| {
            let entry = entries.iter().find(|entry| entry.key == key);
            let missing = || self.source.mistake(&item.at, format!("a table of samples needs {key} = [...]"));
            self.source.items(&entry.ok_or_else(missing)?.value, "a list of numbers")
        };
        let times = column("t")?.iter().map(|t| self.real_number(t)).collect::<Result<_, _>>()?;
        let values = column("value")?.iter().map(|z| self.number(z)).collect::<Result<_, _>>()?;
        Ok((times, values))
    }

    /// Columns t, Re and perhaps Im; a first line of words is a heading, `#` begins a comment.
    fn read_csv(&self, item: &Item, file: &str) -> Result<(Vec<f64>, Vec<Complex64>), InputError> {
        let path = self.directory.join(file);
        let unreadable = |why: String| self.source.mistake(&item.at, format!("cannot read {}: {why}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(error.to_string()))?;
        let name = path.display().to_string();
        let csv_source = Source { name: &name, text: &text };
        let mut rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .comment(Some(b'#'))
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.as_bytes());
        let (mut times, mut values) = (vec![], vec![]);
        for (number, row) in rows.records().enumerate() {
            let row = row.map_err(|error| unreadable(error.to_string()))?;
            let cells: Vec<Option<f64>> =
                row.iter().map(|cell| cell.parse().ok().filter(|x: &f64| x.is_finite())).collect();
            match cells[..] {
                [Some(t), Some(re)] => (times.push(t), values.push(re.into())),
                [Some(t), Some(re), Some(im)] => (times.push(t), values.push(Complex64::new(re, im))),
                _ if number == 0 && cells.iter().all(Option::is_none) => continue,
                _ => {
                    let start = row.position().map_or(0, |place| place.byte() as usize);
                    let what = "expected the numbers t, Re and perhaps Im, separated by commas";
                    return Err(csv_source.mistake(&(start..start + 1), what));
                }
            };
        }
        Ok((times, values))
    }
}
