//! The page put together: its skeleton, its look, its scripts, its numbers, and the policy that lets nothing else in.

use super::Home;
use super::data::Data;
use super::packed::base64;
use super::tables::Words;
use sha2::{Digest, Sha256};

const SKELETON: &str = include_str!("look/page.html");
const STYLE: &str = concat!(include_str!("vendor/uPlot.min.css"), "\n", include_str!("look/page.css"));
/// Curves and axes: uPlot, under the licence beside it.
const CURVES: &str = include_str!("vendor/uPlot.iife.min.js");
const LICENCE: &str = include_str!("vendor/LICENSE");
const SCRIPT: &str = concat!(
    include_str!("look/numbers.js"),
    include_str!("look/colours.js"),
    include_str!("look/plots.js"),
    include_str!("look/panels.js"),
    include_str!("look/image.js"),
    include_str!("look/page.js"),
);

/// All of it as text.
pub fn page(words: &Words, data: &Data, home: Home) -> String {
    let served = home == Home::Server;
    let numbers = serde_json::to_string(data).expect("plain numbers and words").replace('<', "\\u003c");
    let slots = [
        ("policy", policy(&[STYLE], &[CURVES, SCRIPT], served)),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("title", words.title.clone()),
        ("style", STYLE.into()),
        ("heading", words.heading.clone()),
        ("under", words.under.clone()),
        ("back", if served { "<a class=\"tool\" href=\"../\">all runs</a>" } else { "" }.into()),
        ("figures", words.figures.clone()),
        ("husimi", words.husimi.clone()),
        ("no_plane", if words.has_plane { "" } else { " hidden" }.into()),
        ("no_leaks", if words.has_leaks { "" } else { " hidden" }.into()),
        ("guards", words.guards.clone()),
        ("step_check", words.step_check.clone()),
        ("runs", words.runs.clone()),
        ("parameters", words.parameters.clone()),
        ("provenance", words.provenance.clone()),
        ("input", words.input.clone()),
        ("done", words.done.to_string()),
        ("live", if served && !words.complete { "yes" } else { "no" }.into()),
        ("licence", escape(LICENCE)),
        ("curves", CURVES.into()),
        ("numbers", numbers),
        ("script", SCRIPT.into()),
    ];
    filled(SKELETON, &slots)
}

/// The page of a folder, with the same look: `rows` are lines of a table, already HTML.
pub fn folder(skeleton: &str, script: &str, folder: &str, rows: String) -> String {
    let slots = [
        ("policy", policy(&[STYLE], &[script], true)),
        ("folder", escape(folder)),
        ("style", STYLE.into()),
        ("rows", rows),
        ("script", script.into()),
    ];
    filled(skeleton, &slots)
}

/// The template with every `{{name}}` replaced, in one pass: what is put in is not looked at again.
pub fn filled(template: &str, slots: &[(&str, String)]) -> String {
    let mut parts = template.split("{{");
    let mut page = parts.next().unwrap_or_default().to_string();
    for part in parts {
        let (name, rest) = part.split_once("}}").expect("a slot ends");
        let (_, text) = slots.iter().find(|(slot, _)| *slot == name).expect("a slot of the table");
        page.push_str(text);
        page.push_str(rest);
    }
    page
}

/// A content security policy: these scripts and styles, named by their hashes, and pictures the page draws itself. A
/// served page may ask its own server.
pub fn policy(styles: &[&str], scripts: &[&str], served: bool) -> String {
    let hashes = |texts: &[&str]| {
        let hash = |text: &&str| format!(" 'sha256-{}'", base64(Sha256::digest(text.as_bytes())));
        texts.iter().map(hash).collect::<String>()
    };
    let ask = if served { "; connect-src 'self'" } else { "" };
    format!(
        "default-src 'none'; style-src{}; script-src{}; img-src data: blob:; base-uri 'none'; form-action 'none'{ask}",
        hashes(styles),
        hashes(scripts)
    )
}

/// Text that stands for itself between tags and within quotes, without the control characters that a page may not hold.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other if other.is_control() && !other.is_whitespace() => safe.push('\u{fffd}'),
            other => safe.push(other),
        }
    }
    safe
}

/// A row of a table: its name, then its cells.
pub fn row(name: &str, cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_into_a_slot_is_not_a_template() {
        let page = filled("<b>{{one}}</b>{{two}}", &[("one", "{{two}}".into()), ("two", "2".into())]);
        assert_eq!(page, "<b>{{two}}</b>2");
    }

    #[test]
    fn text_stands_for_itself() {
        assert_eq!(escape("<a href='x'>\"&"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
        assert_eq!(escape("a\n\u{1b}[2J"), "a\n\u{fffd}[2J");
        assert_eq!(row("<n>", &["1", "κ"]), "<tr><th scope=\"row\">&lt;n&gt;</th><td>1</td><td>κ</td></tr>\n");
    }

    /// echo -n "1" | openssl dgst -sha256 -binary | base64
    #[test]
    fn scripts_are_named_by_their_hashes() {
        let policy = policy(&[], &["1"], false);
        assert!(policy.contains("script-src 'sha256-a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s=';"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains("connect-src"), "{policy}");
    }
}
