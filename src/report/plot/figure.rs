//! A picture as SVG or PNG: panels below each other, on white, with letters of a font that travels with the program.

use super::{BAND, Panel, Picture, Track};
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::{FontStyle, TextStyle, register_font};
use std::error::Error;
use std::ops::Range;

/// DejaVu Sans, under the licence beside it: it has the brackets, daggers and indices of physics.
const FONT: &[u8] = include_bytes!("font/DejaVuSans.ttf");
/// Its name here, and what an SVG viewer takes where it has none of that name.
const FAMILY: &str = "sans-serif";
/// Width of a figure and height of a panel.
const SIZE: (u32, u32) = (900, 330);
/// Pixels of a PNG for one of the SVG, and how many are averaged to one along each axis: that makes lines smooth.
const PNG: (u32, u32) = (2, 2);
/// Okabe and Ito's colours, for all kinds of eyes.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(138, 109, 0),
    RGBColor(86, 180, 233),
];
const INK: RGBColor = RGBColor(40, 48, 60);
const GRID: RGBColor = RGBColor(229, 233, 238);

/// What figures there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines, for papers.
    Svg,
    /// Pixels, for slides.
    Png,
}

type Drawn = Result<(), Box<dyn Error>>;

/// The bytes of the file.
///
/// # Errors
/// What the drawing library says.
pub fn draw(picture: &Picture, format: Format) -> Result<Vec<u8>, String> {
    // Registering twice is harmless, and the font is one we ship.
    let _ = register_font(FAMILY, FontStyle::Normal, FONT);
    let drawn = match format {
        Format::Svg => svg(picture),
        Format::Png => bitmap(picture),
    };
    drawn.map_err(|error| error.to_string())
}

fn size(picture: &Picture, scale: u32) -> (u32, u32) {
    (SIZE.0 * scale, SIZE.1 * picture.panels.len().max(1) as u32 * scale)
}

fn svg(picture: &Picture) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut text = String::new();
    panels(SVGBackend::with_string(&mut text, size(picture, 1)).into_drawing_area(), picture, 1)?;
    Ok(text.into_bytes())
}

fn bitmap(picture: &Picture) -> Result<Vec<u8>, Box<dyn Error>> {
    let (scale, over) = PNG;
    let large = size(picture, scale * over);
    let mut pixels = vec![0u8; 3 * large.0 as usize * large.1 as usize];
    panels(BitMapBackend::with_buffer(&mut pixels, large).into_drawing_area(), picture, scale * over)?;
    let (width, height) = size(picture, scale);
    let mut bytes = vec![];
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&averaged(&pixels, large.0 as usize, over as usize))?;
    writer.finish()?;
    Ok(bytes)
}

/// A picture with as many pixels fewer along each axis, each the mean of a square.
fn averaged(pixels: &[u8], width: usize, over: usize) -> Vec<u8> {
    let (columns, rows) = (width / over, pixels.len() / (3 * width) / over);
    let mean = |row: usize, column: usize, channel: usize| {
        let square = (0..over * over).map(|k| (row * over + k / over, column * over + k % over));
        let sum: usize = square.map(|(y, x)| usize::from(pixels[3 * (y * width + x) + channel])).sum();
        ((sum + over * over / 2) / (over * over)) as u8
    };
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    places.flat_map(|(row, column)| [0, 1, 2].map(|channel| mean(row, column, channel))).collect()
}

fn panels<B: DrawingBackend>(root: DrawingArea<B, Shift>, picture: &Picture, scale: u32) -> Drawn
where
    B::ErrorType: 'static,
{
    root.fill(&WHITE)?;
    for (area, panel) in root.split_evenly((picture.panels.len().max(1), 1)).iter().zip(&picture.panels) {
        draw_panel(area, panel, &picture.time, scale)?;
    }
    root.present()?;
    Ok(())
}

fn draw_panel<B: DrawingBackend>(area: &DrawingArea<B, Shift>, panel: &Panel, time: &str, scale: u32) -> Drawn
where
    B::ErrorType: 'static,
{
    let text = |points: u32| text(points, scale);
    let range = |[low, high]: [f64; 2]| -> Range<f64> { low..high };
    let above = legend(area, panel, scale)?;
    let mut chart = ChartBuilder::on(area)
        .margin(12 * scale)
        .margin_right(22 * scale)
        .margin_top(above)
        .x_label_area_size(44 * scale)
        .y_label_area_size(66 * scale)
        .build_cartesian_2d(range(panel.times()), range(panel.range()))?;
    chart
        .configure_mesh()
        .x_desc(time)
        .y_desc(&panel.label)
        .x_labels(9)
        .y_labels(7)
        .max_light_lines(0)
        .bold_line_style(GRID.stroke_width(scale))
        .axis_style(INK.stroke_width(scale))
        .set_all_tick_mark_size(4 * scale)
        .x_label_formatter(&|x| short(*x))
        .y_label_formatter(&|y| short(*y))
        .label_style(text(13))
        .axis_desc_style(text(14))
        .draw()?;
    let several = panel.tracks.len() > 1;
    for (at, track) in panel.tracks.iter().enumerate() {
        let colour = |of: usize| COLOURS[of % COLOURS.len()];
        for (k, values) in track.singles.iter().enumerate() {
            let own = if several { colour(at) } else { colour(k + 1) };
            chart.draw_series(lines(track, values, own.mix(0.55).stroke_width(scale)))?;
        }
    }
    for (at, track) in panel.tracks.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        chart.draw_series(band(track).map(|edge| Polygon::new(edge, colour.mix(0.28).filled())))?;
        chart.draw_series(lines(track, &track.mean, colour.stroke_width(2 * scale)))?;
    }
    Ok(())
}

fn text(points: u32, scale: u32) -> TextStyle<'static> {
    (FAMILY, points * scale).into_font().color(&INK)
}

/// What the curves are, in lines above them, so that no curve is behind a word; gives the height it takes.
fn legend<B: DrawingBackend>(area: &DrawingArea<B, Shift>, panel: &Panel, scale: u32) -> Result<u32, Box<dyn Error>>
where
    B::ErrorType: 'static,
{
    let style = text(12, scale);
    let [left, line, row, gap] = [78, 18, 19, 22].map(|pixels: u32| (pixels * scale) as i32);
    let right = area.dim_in_pixel().0 as i32 - gap;
    let (mut x, mut y) = (left, row);
    for (at, track) in panel.tracks.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let words = match track.singles.len() {
            0 => format!("{}: mean ± {BAND} SEM", track.name),
            1 => format!("{}: mean ± {BAND} SEM, a single trajectory", track.name),
            n => format!("{}: mean ± {BAND} SEM, {n} single trajectories", track.name),
        };
        let (width, height) = area.estimate_text_size(&words, &style)?;
        let width = line + 6 * scale as i32 + width as i32;
        if x > left && x + width > right {
            (x, y) = (left, y + row);
        }
        area.draw(&PathElement::new([(x, y), (x + line, y)], colour.stroke_width(2 * scale)))?;
        area.draw_text(&words, &style, (x + line + 6 * scale as i32, y - height as i32 / 2))?;
        x += width + gap;
    }
    Ok((y + row) as u32 - 6 * scale)
}

/// A curve, cut where a number is missing.
fn lines(track: &Track, values: &[f64], style: ShapeStyle) -> impl Iterator<Item = PathElement<(f64, f64)>> + use<> {
    let points: Vec<(f64, f64)> = track.times.iter().copied().zip(values.iter().copied()).collect();
    let stretches: Vec<Vec<(f64, f64)>> =
        points.split(|(_, y)| !y.is_finite()).filter(|stretch| !stretch.is_empty()).map(<[_]>::to_vec).collect();
    stretches.into_iter().map(move |stretch| PathElement::new(stretch, style))
}

/// The outline of the band, one for every stretch without missing numbers.
fn band(track: &Track) -> impl Iterator<Item = Vec<(f64, f64)>> {
    let [low, high] = track.band();
    let points: Vec<(f64, f64, f64)> =
        track.times.iter().zip(low.iter().zip(&high)).map(|(t, (low, high))| (*t, *low, *high)).collect();
    let outline = |stretch: &[(f64, f64, f64)]| {
        let lower = stretch.iter().map(|(t, low, _)| (*t, *low));
        lower.chain(stretch.iter().rev().map(|(t, _, high)| (*t, *high))).collect::<Vec<_>>()
    };
    let stretches = points.split(|(_, low, _)| !low.is_finite()).filter(|stretch| stretch.len() > 1);
    stretches.map(outline).collect::<Vec<_>>().into_iter()
}

/// A number at an axis.
fn short(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || (1e-3..1e5).contains(&size) {
        let text = format!("{x:.6}");
        return text.trim_end_matches('0').trim_end_matches('.').to_string();
    }
    // What is left of a sum that should be zero.
    if size < 1e-12 { "0".into() } else { format!("{x:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture() -> Picture {
        let times: Vec<f64> = (0..50).map(f64::from).collect();
        let track = |name: &str, shift: f64| Track {
            name: name.into(),
            mean: times.iter().map(|t| (t / 8.0).sin() + shift).collect(),
            sem: vec![0.1; 50],
            singles: vec![times.iter().map(|t| (t / 3.0).cos()).collect()],
            times: times.clone(),
        };
        let panel =
            Panel { label: "⟨a†a⟩ <script>".into(), tracks: vec![track("one.h5", 0.0), track("two.h5", 1.0)] };
        Picture { time: "time (1/κ)".into(), panels: vec![panel.clone(), panel] }
    }

    #[test]
    fn an_svg_has_the_labels_as_text_and_the_curves_in_their_colours() {
        let text = String::from_utf8(draw(&picture(), Format::Svg).unwrap()).unwrap();
        for part in ["<svg", "⟨a†a⟩ &lt;script&gt;", "time (1/κ)", "two.h5", "#0072B2", "#D55E00", "<polygon"] {
            assert!(text.contains(part), "{part} is not in\n{}", &text[..2000.min(text.len())]);
        }
        assert!(!text.contains("<script"));
    }

    #[test]
    fn a_png_has_its_size_its_colours_and_letters() {
        let bytes = draw(&picture(), Format::Png).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        assert_eq!(reader.info().size(), (1800, 1320));
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let count = |wanted: RGBColor| pixels.chunks(3).filter(|p| **p == [wanted.0, wanted.1, wanted.2]).count();
        assert!(count(COLOURS[0]) > 1000 && count(COLOURS[1]) > 1000, "{} {}", count(COLOURS[0]), count(COLOURS[1]));
        assert!(count(INK) > 200, "no letters: {}", count(INK));
    }

    #[test]
    fn a_curve_is_cut_where_a_number_is_missing() {
        let track = Track {
            name: "x".into(),
            times: vec![0.0, 1.0, 2.0, 3.0, 4.0],
            mean: vec![1.0, 1.0, f64::NAN, 1.0, 1.0],
            sem: vec![0.1; 5],
            singles: vec![],
        };
        assert_eq!(band(&track).count(), 2);
        assert_eq!(lines(&track, &track.mean, INK.stroke_width(1)).count(), 2);
    }

    #[test]
    fn numbers_at_an_axis_are_short() {
        assert_eq!([0.0, 2.5, -30.0, 1e-17, 2e-5, 3e6].map(short), ["0", "2.5", "-30", "0", "2.0e-5", "3.0e6"]);
    }
}
