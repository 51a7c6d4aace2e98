//! The words of a page: what it is of, the numbers at its top, and its tables. Every text is escaped here.

use super::data::Data;
use super::html::{escape, row};
use crate::ensemble::{Parameter, StepVerdict, Value};
use crate::report::info::{GuardLine, Overview, Run, with_error};
use crate::report::step_check::lines;
use crate::report::table::plural;
use crate::store::{Results, StoreError};

/// Bytes of the input that are shown; a model with large matrices has more.
const INPUT: usize = 64 << 10;

/// The parts of a page that are words, as HTML.
pub struct Words {
    /// What the page is of, for the window.
    pub title: String,
    /// The same for the top of the page.
    pub heading: String,
    /// File, numbers, version, place.
    pub under: String,
    /// The numbers everybody wants first.
    pub figures: String,
    /// Rows of the table of guards.
    pub guards: String,
    /// What the check of the step found, if there was one.
    pub step_check: String,
    /// Rows of the table of starts.
    pub runs: String,
    /// Rows of the table of parameters.
    pub parameters: String,
    /// Rows of the table of origin.
    pub provenance: String,
    /// The input.
    pub input: String,
    /// Panels for every Husimi function.
    pub husimi: String,
    /// Panel of the plane, if there is one.
    pub has_plane: bool,
    /// Panel of the top levels, if any are watched.
    pub has_leaks: bool,
    /// How far the run is, for a page that asks for news.
    pub done: u64,
    /// Whether there will be none.
    pub complete: bool,
}

impl Words {
    /// Of a file.
    ///
    /// # Errors
    /// `StoreError` if it cannot be read.
    pub fn of(results: &Results, overview: &Overview, data: &Data) -> Result<Words, StoreError> {
        let parameters = results.parameters()?;
        let model = overview.parameters.get("regime").or(overview.parameters.get("model"));
        let heading = model.and_then(|model| model.as_str()).unwrap_or(&overview.title).to_string();
        Ok(Words {
            title: escape(&format!("{heading}, {}", name_of(&overview.file))),
            heading: escape(&heading),
            under: under(overview),
            figures: figures(overview),
            guards: overview.guards.iter().map(guard).collect(),
            step_check: overview.step_check.as_ref().map_or(String::new(), step_check),
            runs: overview.runs.iter().map(run).collect(),
            parameters: parameters.iter().map(parameter).collect(),
            provenance: overview.provenance.iter().filter(|(_, text)| !text.is_empty()).map(origin).collect(),
            input: input(&results.resolved_input()?),
            husimi: data.husimi().enumerate().map(|(at, factor)| husimi(at, factor)).collect(),
            has_plane: data.has_plane(),
            has_leaks: data.has_leaks(),
            done: overview.done,
            complete: overview.complete,
        })
    }
}

/// The last part of a path.
fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn under(overview: &Overview) -> String {
    let known = |key: &str| overview.provenance.get(key).map_or("", String::as_str);
    let revision: String = known("git_revision").chars().take(9).collect();
    let (first, last) = overview.trajectories;
    let mut words = vec![
        name_of(&overview.file).to_string(),
        format!("trajectories {first} to {last}"),
        format!("{} {} ({revision})", known("software"), known("software_version")),
    ];
    if let Some(run) = overview.runs.first() {
        words.push(format!("begun {} UTC on {}", run.start.replace('T', " ").trim_end_matches('Z'), run.host));
    }
    words.extend(Some(known("slurm_job_id")).filter(|id| !id.is_empty()).map(|id| format!("job {id}")));
    words.iter().map(|word| format!("<span>{}</span>", escape(word))).collect()
}

/// A number and what it is; `tone` is good, warn, bad or nothing.
fn figure(tone: &str, number: &str, what: &str) -> String {
    format!("<div><b class=\"{tone}\">{}</b><span>{}</span></div>\n", escape(number), escape(what))
}

fn figures(overview: &Overview) -> String {
    let tone = if overview.complete { "good" } else { "warn" };
    let end = if overview.complete { "trajectories done" } else { "trajectories done; incomplete" };
    let mut all = vec![figure(tone, &format!("{} / {}", overview.done, overview.ntraj), end)];
    all.extend(means(overview).into_iter().take(2));
    all.push(worst(overview));
    if let Some((step, method)) = overview.parameters.get("delta_t").zip(overview.parameters.get("method")) {
        let method = method.as_str().unwrap_or("");
        all.push(figure(
            "",
            &brief(step.as_f64().unwrap_or(f64::NAN)),
            &format!("step in {}, {method}", overview.time_unit),
        ));
    }
    if let Some(run) = overview.runs.last() {
        let walls: f64 = overview.runs.iter().filter_map(|run| run.wall_time).sum();
        let places = format!("{} x {}", plural(run.ranks, "rank"), plural(run.threads, "thread"));
        let wall = if walls > 0.0 { seconds(walls) } else { "no end yet".into() };
        all.push(figure("", &wall, &format!("wall time, {places}")));
    }
    all.concat()
}

/// Final means, one for every real number.
fn means(overview: &Overview) -> Vec<String> {
    let end = overview.time.last().copied().unwrap_or(f64::NAN);
    let last = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
    let one = |label: String, mean: &[f64], sem: &[f64]| {
        figure("", &with_error(last(mean), last(sem)), &format!("{label} at t = {}", brief(end)))
    };
    let all = overview.observables.iter().flat_map(|series| match (&series.mean_imag, &series.sem_imag) {
        (Some(mean), Some(sem)) => {
            let [re, im] = ["Re", "Im"].map(|part| format!("{part} {}", series.label));
            vec![one(re, &series.mean, &series.sem), one(im, mean, sem)]
        }
        _ => vec![one(series.label.clone(), &series.mean, &series.sem)],
    });
    all.collect()
}

/// The worst of all guards, by its verdict.
fn worst(overview: &Overview) -> String {
    let of = |verdict: &str| overview.guards.iter().filter(|guard| guard.verdict == verdict).count();
    match (of("failed"), of("warning"), of("good")) {
        (0, 0, 0) => figure("", "not yet", "guards judged"),
        (0, 0, good) => figure("good", "all good", &format!("{} judged", plural(good, "guard"))),
        (0, some, _) => figure("warn", &plural(some, "warning"), "among the guards"),
        (some, ..) => figure("bad", &format!("{some} failed"), "among the guards; the numbers are not to be trusted"),
    }
}

fn guard(guard: &GuardLine) -> String {
    let tone = match guard.verdict {
        "good" => "good",
        "warning" => "warn",
        "failed" => "bad",
        _ => "",
    };
    let value = if guard.value.is_nan() { "not yet".into() } else { brief(guard.value) };
    format!(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td class=\"{tone}\">{}</td></tr>\n",
        escape(&guard.name),
        escape(&value),
        escape(guard.verdict)
    )
}

fn step_check(found: &StepVerdict) -> String {
    let lines: Vec<String> = lines(found).iter().map(|line| escape(line)).collect();
    format!("<h2 class=\"second\">Check of the step</h2>\n<pre tabindex=\"0\">{}</pre>\n", lines.join("\n"))
}

fn run(run: &Run) -> String {
    let code = run.exit_code.map_or("no end".into(), |code| format!("code {code}"));
    let wall = run.wall_time.map_or(String::new(), seconds);
    let places = format!("{} x {}", plural(run.ranks, "rank"), plural(run.threads, "thread"));
    row(&run.start, &[&run.host, &places, &wall, &code])
}

fn parameter(parameter: &Parameter) -> String {
    let value = match &parameter.value {
        Value::Real(x) => brief(*x),
        Value::Integer(n) => n.to_string(),
        Value::Unsigned(n) => n.to_string(),
        Value::Flag(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::Text(text) => text.clone(),
    };
    let unit = if parameter.unit == "1" { "" } else { &parameter.unit };
    row(&parameter.name, &[&value, unit, &parameter.description])
}

fn origin((key, text): (&String, &String)) -> String {
    row(key, &[text])
}

fn input(text: &str) -> String {
    if text.len() <= INPUT {
        return escape(text);
    }
    let end = (0..=INPUT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let all = format!("\n... {} bytes in all; the rest is in the results file, provenance/resolved_input", text.len());
    escape(&text[..end]) + &escape(&all)
}

fn husimi(at: usize, factor: &str) -> String {
    let factor = escape(factor);
    format!(
        "<section class=\"panel half\" id=\"husimi-{at}\"><header><h2>Husimi Q(α) of {factor}</h2></header>\
         <p class=\"note\"></p><div class=\"plot\"></div></section>\n"
    )
}

/// Up to six digits, scientific where a plain number would be long.
pub fn brief(x: f64) -> String {
    let size = x.abs();
    if x == 0.0 || (1e-4..1e7).contains(&size) {
        let digits = (5 - size.max(1e-4).log10().floor() as i32).clamp(0, 9) as usize;
        let text = format!("{x:.digits$}");
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text };
    }
    format!("{x:.3e}")
}

/// `1 h 02 min`, `10 min 42 s`, `1.5 s`.
fn seconds(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (x, text) in [
            (0.0, "0"),
            (-10.0, "-10"),
            (21.75, "21.75"),
            (1.4953271028037384e-4, "0.000149533"),
            (5.55e-20, "5.550e-20"),
            (1e9, "1.000e9"),
            (250000.0, "250000"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(brief(x), text);
        }
        assert_eq!([1.5, 642.0, 3720.0].map(seconds), ["1.5 s", "10 min 42 s", "1 h 02 min"]);
    }

    #[test]
    fn a_long_input_is_cut_between_two_letters() {
        let text = "κ".repeat(INPUT);
        let shown = input(&text);
        assert!(shown.starts_with("κκ") && shown.ends_with("provenance/resolved_input") && shown.len() < INPUT + 200);
    }
}
