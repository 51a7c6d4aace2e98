//! Text that came with a file and is shown in a terminal or drawn: it may hold letters and line ends, but no order to either.

use std::io::{self, Write};

/// The text with control characters other than line ends replaced by the letter for what cannot be shown. A terminal would
/// take some for orders (colours, its title, keys pressed); XML forbids them.
pub fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() && letter != '\n' { '\u{fffd}' } else { letter }).collect()
}

/// Write what `write` does, as plain text.
///
/// # Errors
/// What `out` says.
pub fn plainly(out: &mut dyn Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut said = vec![];
    write(&mut said)?;
    out.write_all(plain(&String::from_utf8_lossy(&said)).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_to_the_terminal_are_not_passed_on() {
        assert_eq!(plain("⟨n⟩ \u{1b}[2J\u{9b}31m\n\u{7}\r"), "⟨n⟩ \u{fffd}[2J\u{fffd}31m\n\u{fffd}\u{fffd}");
        let mut said = vec![];
        plainly(&mut said, |out| writeln!(out, "a\u{1b}b")).unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), "a\u{fffd}b\n");
    }
}
