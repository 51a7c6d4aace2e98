//! A text that people wrote, and mistakes in it shown the way compilers show them.

use super::super::InputError;
use super::super::expression::Mistake;
use std::ops::Range;

/// Characters of a source line that are shown.
const WIDTH: usize = 100;

/// A file and what it says.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// Name as the user knows it.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

impl Source<'_> {
    /// What is wrong at these bytes: file, line and column, then the line with a caret below the place.
    pub fn mistake(&self, at: &Range<usize>, what: impl AsRef<str>) -> InputError {
        let start = self.boundary(at.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        let number = self.text[..line_start].matches('\n').count() + 1;
        let column = self.text[line_start..start].chars().count();
        let marked =
            self.text[start..self.boundary(at.end.max(start))].lines().next().map_or(0, |part| part.chars().count());

        // A long line is cut so that the place is on the screen.
        let skipped = if column < WIDTH - 20 { 0 } else { column - WIDTH / 2 };
        let shown: String =
            line.chars().skip(skipped).take(WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let cut = if skipped > 0 { "..." } else { "" };
        let indent = " ".repeat(column - skipped + cut.len());
        let carets = "^".repeat(marked.clamp(1, (WIDTH + skipped).saturating_sub(column).max(1)));
        let (margin, name, what) = (" ".repeat(number.to_string().len()), self.name, what.as_ref());
        InputError::Source(format!(
            "{name}:{number}:{}: {what}\n {number} | {cut}{shown}\n {margin} | {indent}{carets}",
            column + 1
        ))
    }

    /// A mistake inside a TOML string that stands at `at` and means `value`.
    pub fn mistake_in_string(&self, at: &Range<usize>, value: &str, mistake: &Mistake) -> InputError {
        let raw = &self.text[self.boundary(at.start)..self.boundary(at.end)];
        let quotes = ["\"\"\"\r\n", "'''\r\n", "\"\"\"\n", "'''\n", "\"\"\"", "'''", "\"", "'"];
        let quote = quotes.iter().find(|quote| raw.starts_with(**quote)).map_or(0, |quote| quote.len());
        if raw[quote..].starts_with(value) {
            let start = at.start + quote;
            return self.mistake(&(start + mistake.at.start..start + mistake.at.end), &mistake.what);
        }
        // With escapes in it the string is not what stands in the file.
        let place = value.get(..mistake.at.start).map_or(0, |before| before.chars().count()) + 1;
        self.mistake(at, format!("{} (character {place} of the string)", mistake.what))
    }

    /// The nearest start of a character at or before `at`.
    fn boundary(&self, at: usize) -> usize {
        (0..=at.min(self.text.len())).rev().find(|at| self.text.is_char_boundary(*at)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, at: Range<usize>) -> String {
        Source { name: "m.toml", text }.mistake(&at, "wrong").to_string()
    }

    #[test]
    fn the_place_is_shown_below_the_line() {
        assert_eq!(shown("a = 1\nbb = cc\n", 11..13), "m.toml:2:6: wrong\n 2 | bb = cc\n   |      ^^");
        assert_eq!(shown("ψ = φ", 5..7), "m.toml:1:5: wrong\n 1 | ψ = φ\n   |     ^");
        assert_eq!(shown("a", 1..1), "m.toml:1:2: wrong\n 1 | a\n   |  ^");
        assert_eq!(shown("", 0..0), "m.toml:1:1: wrong\n 1 | \n   | ^");
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let line = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let text = shown(&line, 500..501);
        let [_, source, carets] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
        assert!(source.len() < 120, "{source}");
        assert_eq!(source.find('X'), carets.find('^'));
    }

    #[test]
    fn a_place_in_a_string_is_one_in_the_file_if_there_are_no_escapes() {
        let mistake = Mistake { at: 2..3, what: "wrong".into() };
        for (text, at, column) in
            [("H = \"abcd\"", 4..10, 8), ("H = '''abcd'''", 4..14, 10), ("H = \"a\\tcd\"", 4..11, 5)]
        {
            let value = if text.contains('\\') { "a\tcd" } else { "abcd" };
            let said = Source { name: "m", text }.mistake_in_string(&at, value, &mistake).to_string();
            assert!(said.starts_with(&format!("m:1:{column}: wrong")), "{said}");
        }
    }
}
