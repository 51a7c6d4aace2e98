//! A picture in a terminal: dots of Braille letters, two across and four up in a cell.

use super::{Picture, Track};
use std::io::{self, Write};

/// Rows of letters of a panel.
const HEIGHT: usize = 16;
/// Fewest columns in which anything can be seen.
const NARROWEST: usize = 30;
/// Letters left of a panel.
const LEFT: usize = 10;
/// Colours of the means of the files; single trajectories are dim.
const COLOURS: [&str; 6] = ["34", "33", "32", "35", "36", "31"];

/// Where it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terminal {
    /// Columns.
    pub width: usize,
    /// Whether it may be in colours.
    pub colour: bool,
}

/// Dots and whose they are.
struct Canvas {
    width: usize,
    dots: Vec<u8>,
    /// What was drawn last in a cell; the later, the more important.
    owner: Vec<Option<usize>>,
}

/// Write it.
///
/// # Errors
/// What `out` says.
pub fn draw(picture: &Picture, terminal: Terminal, out: &mut dyn Write) -> io::Result<()> {
    let width = terminal.width.max(NARROWEST) - LEFT;
    for panel in &picture.panels {
        let (times, range) = (panel.times(), panel.range());
        // Without colours curves cannot be told apart, so each has a frame of its own, of the same size.
        let at_once = if terminal.colour { panel.tracks.len().max(1) } else { 1 };
        for (first, tracks) in panel.tracks.chunks(at_once).enumerate() {
            let label = if first == 0 { panel.label.as_str() } else { "" };
            draw_frame((label, tracks), [times, range], width, terminal.colour, out)?;
        }
    }
    writeln!(out, "{:LEFT$}{:>width$}", "", picture.time)
}

fn draw_frame(
    (label, tracks): (&str, &[Track]),
    [times, range]: [[f64; 2]; 2],
    width: usize,
    colour: bool,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut canvas = Canvas::new(width);
    // Without colours a thin line cannot be told from the mean, so it is left out.
    if colour {
        let singles = tracks.iter().flat_map(|track| track.singles.iter().map(|values| (&track.times, values)));
        singles.for_each(|(t, values)| canvas.line(t, values, times, range, None));
    }
    for (at, track) in tracks.iter().enumerate() {
        for edge in track.band() {
            canvas.line(&track.times, &edge, times, range, Some(at));
        }
        canvas.line(&track.times, &track.mean, times, range, Some(at));
    }
    let names = tracks.iter().enumerate().map(|(at, track)| painted(&track.name, Some(at), colour));
    let words: Vec<String> =
        Some(label.to_string()).filter(|label| !label.is_empty()).into_iter().chain(names).collect();
    writeln!(out, "{}", words.join("  "))?;
    for row in 0..HEIGHT {
        let label = match row {
            0 => short(range[1]),
            _ if row == HEIGHT - 1 => short(range[0]),
            _ => String::new(),
        };
        let line = format!("{label:>edge$} {}", canvas.row(row, colour), edge = LEFT - 1);
        writeln!(out, "{}", line.trim_end())?;
    }
    let (first, last) = (short(times[0]), short(times[1]));
    writeln!(out, "{:LEFT$}{first}{last:>rest$}", "", rest = width.saturating_sub(first.len()))
}

impl Canvas {
    fn new(width: usize) -> Canvas {
        Canvas { width, dots: vec![0; width * HEIGHT], owner: vec![None; width * HEIGHT] }
    }

    /// A curve; missing numbers leave a gap.
    fn line(&mut self, times: &[f64], values: &[f64], [t0, t1]: [f64; 2], [low, high]: [f64; 2], owner: Option<usize>) {
        let (right, top) = ((2 * self.width - 1) as f64, (4 * HEIGHT - 1) as f64);
        let place = |t: f64, y: f64| ((t - t0) / (t1 - t0) * right, (high - y) / (high - low) * top);
        let points: Vec<_> = times.iter().zip(values).map(|(t, y)| place(*t, *y)).collect();
        for pair in points.windows(2).filter(|pair| pair.iter().all(|(_, y)| y.is_finite())) {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let steps = (x1 - x0).abs().max((y1 - y0).abs()).ceil().max(1.0);
            for k in 0..=steps as usize {
                let share = k as f64 / steps;
                self.dot(x0 + share * (x1 - x0), y0 + share * (y1 - y0), owner);
            }
        }
        if let [(x, y)] = points[..] {
            self.dot(x, y, owner);
        }
    }

    fn dot(&mut self, x: f64, y: f64, owner: Option<usize>) {
        /// Bits of a Braille letter, by row and column of its dots.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let (x, y) = (x.round(), y.round());
        if !(0.0..(2 * self.width) as f64).contains(&x) || !(0.0..(4 * HEIGHT) as f64).contains(&y) {
            return;
        }
        let (x, y) = (x as usize, y as usize);
        let cell = y / 4 * self.width + x / 2;
        // A mean takes the cell of the thin lines under it.
        if owner.is_some() && self.owner[cell].is_none() {
            self.dots[cell] = 0;
        }
        self.dots[cell] |= BITS[y % 4][x % 2];
        self.owner[cell] = owner.or(self.owner[cell]);
    }

    fn row(&self, row: usize, colour: bool) -> String {
        let cell = |at: usize| match self.dots[at] {
            0 => " ".into(),
            dots => {
                let letter = char::from_u32(0x2800 + u32::from(dots)).expect("Braille letters are 256 in a row");
                painted(&letter.to_string(), self.owner[at], colour)
            }
        };
        (row * self.width..(row + 1) * self.width).map(cell).collect::<String>().trim_end().to_string()
    }
}

/// In the colour of a file, or dim.
fn painted(text: &str, owner: Option<usize>, colour: bool) -> String {
    match owner {
        _ if !colour => text.into(),
        None => format!("\x1b[2m{text}\x1b[0m"),
        Some(at) => format!("\x1b[{}m{text}\x1b[0m", COLOURS[at % COLOURS.len()]),
    }
}

/// A number in the margin.
fn short(x: f64) -> String {
    let text = format!("{x:.3}");
    match x.abs() {
        size if size != 0.0 && !(1e-2..1e5).contains(&size) => format!("{x:.1e}"),
        _ => text.trim_end_matches('0').trim_end_matches('.').into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Panel;
    use super::*;

    fn said(terminal: Terminal, singles: Vec<Vec<f64>>) -> String {
        let times: Vec<f64> = (0..100).map(f64::from).collect();
        let track = Track { name: "x.h5".into(), mean: times.clone(), sem: vec![0.0; 100], times, singles };
        let picture = Picture { time: "time".into(), panels: vec![Panel { label: "n".into(), tracks: vec![track] }] };
        let mut out = vec![];
        draw(&picture, terminal, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_straight_line_goes_from_corner_to_corner() {
        let text = said(Terminal { width: 50, colour: false }, vec![]);
        let rows: Vec<&str> = text.lines().skip(1).take(HEIGHT).collect();
        let columns: Vec<usize> =
            rows.iter().map(|row| row.chars().skip(LEFT).take_while(|c| *c == ' ').count()).collect();
        assert!(columns.is_sorted_by(|a, b| a > b), "falls to the left from the top row down: {columns:?}\n{text}");
        assert_eq!(columns.last(), Some(&0), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 50), "{text}");
    }

    #[test]
    fn without_colours_there_is_no_escape_and_no_thin_line() {
        let flat = vec![vec![50.0; 100]];
        assert_eq!(
            said(Terminal { width: 60, colour: false }, flat.clone()),
            said(Terminal { width: 60, colour: false }, vec![])
        );
        let coloured = said(Terminal { width: 60, colour: true }, flat);
        assert!(coloured.contains("\x1b[2m") && coloured.contains("\x1b[34m"), "{coloured}");
        assert!(!said(Terminal { width: 60, colour: false }, vec![]).contains('\x1b'));
    }

    #[test]
    fn an_absurd_width_is_no_panic() {
        for width in [0, 1, 500] {
            assert!(said(Terminal { width, colour: true }, vec![]).lines().count() > HEIGHT);
        }
    }
}
