//! `qsd plot`: means with their error bands over single trajectories, as a figure (SVG, PNG) or in the terminal.
//!
//! What is drawn is collected once (`Picture`), a panel for every real number; the two ways of drawing only draw.

mod braille;
mod figure;

use super::info::{Overview, Series, with_unit};
use super::page::Times;
use super::plain::plain;
use super::put::{PutError, may_write, put};
use super::rows::{evenly, marked};
use crate::store::{Results, StoreError};
use std::io;
use std::path::{Path, PathBuf};

pub use braille::Terminal;

/// Standard errors on each side of a mean.
const BAND: f64 = 2.0;

/// What to draw.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Results files, drawn over each other.
    pub files: Vec<PathBuf>,
    /// Points of the sweeps that the files are, by number or parameters; none of files of one run.
    pub points: Vec<String>,
    /// Names of observables; the first of the file if there are none.
    pub observables: Vec<String>,
    /// Single trajectories of each run.
    pub singles: usize,
}

impl Ask {
    /// Every file, or every point of it.
    fn runs(&self) -> impl Iterator<Item = (&Path, Option<&str>)> {
        let points: Vec<Option<&str>> = match self.points.as_slice() {
            [] => vec![None],
            points => points.iter().map(|point| Some(point.as_str())).collect(),
        };
        self.files.iter().flat_map(move |path| points.clone().into_iter().map(move |point| (path.as_path(), point)))
    }
}

/// All that is drawn.
#[derive(Debug, Clone, PartialEq)]
struct Picture {
    /// Label of the axis of time.
    time: String,
    /// One below the other.
    panels: Vec<Panel>,
}

/// Curves of one real number.
#[derive(Debug, Clone, PartialEq)]
struct Panel {
    label: String,
    tracks: Vec<Track>,
}

/// Curves of one run.
#[derive(Debug, Clone, PartialEq)]
struct Track {
    /// The file's name, and of a sweep the point, for the legend.
    name: String,
    times: Vec<f64>,
    mean: Vec<f64>,
    sem: Vec<f64>,
    singles: Vec<Vec<f64>>,
}

impl Panel {
    /// Smallest and largest number of all curves, with a little room.
    fn range(&self) -> [f64; 2] {
        let bands = |track: &Track| track.band().into_iter().flatten().collect::<Vec<_>>();
        let values = self.tracks.iter().flat_map(|track| bands(track).into_iter().chain(track.singles.concat()));
        room(values)
    }

    /// From the first to the last time.
    fn times(&self) -> [f64; 2] {
        let [first, last] = ends(self.tracks.iter().flat_map(|track| track.times.iter().copied()));
        if last > first { [first, last] } else { [first - 0.5, first + 0.5] }
    }
}

impl Track {
    /// Lower and upper edge of the band.
    fn band(&self) -> [Vec<f64>; 2] {
        let half = |sem: f64| if sem.is_finite() { BAND * sem } else { 0.0 };
        [-1.0, 1.0].map(|sign| self.mean.iter().zip(&self.sem).map(|(mean, sem)| mean + sign * half(*sem)).collect())
    }
}

/// Draw a figure into a file, SVG or PNG by its ending.
///
/// # Errors
/// Those of `PutError`.
pub fn to_file(ask: &Ask, path: &Path, force: bool) -> Result<(), PutError> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
    let format = match ending.as_str() {
        "svg" => figure::Format::Svg,
        "png" => figure::Format::Png,
        _ => {
            let what =
                format!("{} does not end in .svg or .png, the figures there are; choose -o FILE.svg", path.display());
            return Err(PutError::Ask { what });
        }
    };
    may_write(path, &ask.files, force)?;
    let drawn = figure::draw(&picture(ask)?, format)
        .map_err(|what| PutError::Write { path: path.into(), source: io::Error::other(what) })?;
    put(path, &drawn)
}

/// Draw in a terminal.
///
/// # Errors
/// Those of `PutError`; the inner error is that of the output.
pub fn to_terminal(ask: &Ask, terminal: Terminal, out: &mut dyn io::Write) -> Result<io::Result<()>, PutError> {
    Ok(braille::draw(&picture(ask)?, terminal, out))
}

/// Read what is to be drawn.
fn picture(ask: &Ask) -> Result<Picture, PutError> {
    let mut picture: Option<Picture> = None;
    for (path, point) in ask.runs() {
        let results = Results::at(path, point)?;
        let file = name_of(path, &ask.files);
        let name = point.map_or(file.clone(), |point| format!("{file}, {point}"));
        let overview = Overview::of(&results)?;
        let mut panels = vec![];
        for series in chosen(&overview, &ask.observables)? {
            panels.extend(panels_of(&results, (&overview, &name), series, ask.singles)?);
        }
        match &mut picture {
            None => {
                picture = Some(Picture { time: plain(&with_unit("time", &overview.time_unit)), panels });
            }
            Some(picture) => {
                for panel in panels {
                    match picture.panels.iter_mut().find(|known| known.label == panel.label) {
                        Some(known) => known.tracks.extend(panel.tracks),
                        None => picture.panels.push(panel),
                    }
                }
            }
        }
    }
    let picture = picture.unwrap_or(Picture { time: "time".into(), panels: vec![] });
    if picture.panels.iter().all(|panel| panel.tracks.iter().all(|track| ends_of(track).is_none())) {
        let what = "there is no finished trajectory yet, so nothing to draw: qsd info shows how far a run is".into();
        return Err(PutError::Ask { what });
    }
    Ok(picture)
}

/// A number of the track that is there.
fn ends_of(track: &Track) -> Option<f64> {
    track.mean.iter().copied().find(|mean| mean.is_finite())
}

/// The last part of a path, the whole one where another file has the same.
fn name_of(path: &Path, all: &[PathBuf]) -> String {
    let alike = all.iter().filter(|other| other.file_name() == path.file_name()).count();
    let name = path.file_name().filter(|_| alike == 1).unwrap_or(path.as_os_str());
    name.to_string_lossy().into()
}

/// The observables of these names, in this order.
fn chosen<'a>(overview: &'a Overview, names: &[String]) -> Result<Vec<&'a Series>, PutError> {
    if names.is_empty() {
        return Ok(overview.observables.first().into_iter().collect());
    }
    let find = |name: &String| {
        overview.observables.iter().find(|series| series.name == *name).ok_or_else(|| {
            let known: Vec<&str> = overview.observables.iter().map(|series| series.name.as_str()).collect();
            let what = format!("{} has no observable '{name}'; it has {}", overview.file, known.join(", "));
            PutError::Ask { what }
        })
    };
    names.iter().map(find).collect()
}

/// One panel, or two of a complex observable.
fn panels_of(
    results: &Results,
    (overview, name): (&Overview, &str),
    series: &Series,
    singles: usize,
) -> Result<Vec<Panel>, StoreError> {
    let rows = marked(&overview.rows);
    let shown =
        evenly(&rows, singles).map(|row| results.values(&series.name, row..row + 1)).collect::<Result<Vec<_>, _>>()?;
    let label = with_unit(series.shown(), &series.unit);
    // The mean of a part must not pass for that of the whole.
    let (done, all) = (overview.done, overview.ntraj);
    let part = if done < all { format!(" ({done} of {all})") } else { String::new() };
    let name = plain(&format!("{name}{part}"));
    // More than a figure has pixels would only make it heavy.
    let drawn = Times::of(overview.time.clone()).drawn;
    let pick = |values: &[f64]| drawn.iter().map(|at| values[*at]).collect::<Vec<_>>();
    let panel = |before: &str, mean: &[f64], sem: &[f64], part: fn(&num_complex::Complex64) -> f64| Panel {
        label: plain(&format!("{before}{label}")),
        tracks: vec![Track {
            name: name.clone(),
            times: pick(&overview.time),
            mean: pick(mean),
            sem: pick(sem),
            singles: shown.iter().map(|values| pick(&values.iter().map(part).collect::<Vec<_>>())).collect(),
        }],
    };
    Ok(match (&series.mean_imag, &series.sem_imag) {
        (Some(mean), Some(sem)) => {
            vec![panel("Re ", &series.mean, &series.sem, |z| z.re), panel("Im ", mean, sem, |z| z.im)]
        }
        _ => vec![panel("", &series.mean, &series.sem, |z| z.re)],
    })
}

/// Smallest and largest of the numbers that are finite; infinite the wrong way round if there are none.
fn ends(values: impl Iterator<Item = f64>) -> [f64; 2] {
    values
        .filter(|x| x.is_finite())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)])
}

/// The same with a little room around, also for equal values and none.
fn room(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] = ends(values);
    if low > high {
        return [0.0, 1.0];
    }
    let more = 0.04 * (high - low).max(1e-9 * low.abs().max(high.abs()).max(1e-12));
    [low - more, high + more]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{header, scratch, written};

    fn ask(files: &[&Path], observables: &[&str]) -> Ask {
        Ask {
            files: files.iter().map(PathBuf::from).collect(),
            points: vec![],
            observables: observables.iter().map(|name| name.to_string()).collect(),
            singles: 3,
        }
    }

    #[test]
    fn a_complex_observable_has_two_panels_and_files_share_them() {
        let dir = scratch("plot");
        let (one, two) = (dir.join("one.h5"), dir.join("two.h5"));
        written(&one, &header(), 20);
        written(&two, &header(), 11);
        let picture = picture(&ask(&[&one, &two], &["a", "n"])).unwrap();
        let labels: Vec<_> = picture.panels.iter().map(|panel| panel.label.as_str()).collect();
        assert_eq!((picture.time.as_str(), labels), ("time (1/kappa)", vec!["Re ⟨a⟩", "Im ⟨a⟩", "⟨a†a⟩"]));
        let names = |panel: &Panel| panel.tracks.iter().map(|track| track.name.clone()).collect::<Vec<_>>();
        assert!(picture.panels.iter().all(|panel| names(panel) == ["one.h5", "two.h5 (11 of 20)"]));
        let n = &picture.panels[2].tracks[1];
        assert_eq!(n.mean[0], 105.0, "the mean of the eleven rows that are there");
        assert_eq!(
            n.singles,
            [0, 3, 7].map(|k| (0..7).map(|j| 100.0 + f64::from(k) + f64::from(j) / 8.0).collect::<Vec<_>>())
        );
    }

    #[test]
    fn without_a_name_the_first_observable_is_drawn_and_an_unknown_one_is_refused() {
        let path = scratch("plot-names").join("x.h5");
        written(&path, &header(), 20);
        assert_eq!(picture(&ask(&[&path], &[])).unwrap().panels[0].label, "⟨a†a⟩");
        let error = picture(&ask(&[&path], &["m"])).unwrap_err();
        assert!(error.to_string().ends_with("has no observable 'm'; it has n, a"), "{error}");
        assert_eq!(error.exit_code(), 2);
        let error = to_file(&ask(&[&path], &[]), Path::new("x.pdf"), false).unwrap_err();
        assert!(error.to_string().contains(".svg or .png"), "{error}");
    }

    #[test]
    fn files_of_one_name_are_told_apart_and_labels_give_no_orders() {
        let dir = scratch("plot-alike");
        let paths = ["a", "b"].map(|folder| dir.join(folder).join("x.h5"));
        let mut header = header();
        header.observables[0].label = "\u{1b}[2Jn".into();
        for path in &paths {
            std::fs::create_dir(path.parent().unwrap()).unwrap();
            written(path, &header, 20);
        }
        let picture = picture(&ask(&[&paths[0], &paths[1]], &[])).unwrap();
        let panel = &picture.panels[0];
        assert_eq!(panel.label, "\u{fffd}[2Jn");
        assert!(panel.tracks[0].name.ends_with("a/x.h5") && panel.tracks[1].name.ends_with("b/x.h5"));
    }

    #[test]
    fn a_run_without_a_trajectory_is_no_picture() {
        let path = scratch("plot-none").join("x.h5");
        written(&path, &header(), 0);
        assert!(picture(&ask(&[&path], &[])).unwrap_err().to_string().contains("nothing to draw"));
    }

    #[test]
    fn the_band_is_two_standard_errors_and_missing_ones_have_none() {
        let numbers = |values: &[f64]| values.to_vec();
        let track = Track {
            name: "x".into(),
            times: numbers(&[0.0, 1.0]),
            mean: numbers(&[1.0, 2.0]),
            sem: numbers(&[0.25, f64::NAN]),
            singles: vec![],
        };
        assert_eq!(track.band(), [[0.5, 2.0], [1.5, 2.0]]);
        assert_eq!(room([1.0, 1.0].into_iter()).map(|x| (x - 1.0).abs() < 1e-9), [true, true]);
    }
}
