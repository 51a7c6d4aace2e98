//! What is answered to which address. `/SECRET/` is the folder, `/SECRET/rows` its lines, `/SECRET/run/NAME` the report of a
//! file and `/SECRET/run/NAME?state` how far it is. Everything else is not there.

use super::place::{encoded, inside};
use crate::report::folder::{Content, Entry, Final, Folder, Other, Stamp, stamp};
use crate::report::page::{self, Home, escape};
use crate::report::standing::Standing;
use crate::store::{Results, StoreError};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

const SKELETON: &str = include_str!("folder.html");
const SCRIPT: &str = include_str!("folder.js");
const HTML: &str = "text/html; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// Reports that are kept until their files change.
const KEPT: usize = 8;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Status of HTTP.
    pub status: u16,
    /// Media type.
    pub kind: &'static str,
    /// What is sent.
    pub body: Vec<u8>,
}

impl Reply {
    fn found(kind: &'static str, body: impl Into<Vec<u8>>) -> Reply {
        Reply { status: 200, kind, body: body.into() }
    }

    fn missing() -> Reply {
        Reply { status: 404, kind: TEXT, body: "There is nothing here. The whole address is in the terminal.\n".into() }
    }

    /// A file that makes the program stumble; the folder is still served.
    pub fn broken() -> Reply {
        Reply { status: 500, kind: TEXT, body: "This file cannot be shown; the terminal says why.\n".into() }
    }
}

/// A folder behind a secret.
pub struct Site {
    secret: String,
    folder: Folder,
    reports: Mutex<Vec<(PathBuf, Stamp, Arc<String>)>>,
}

impl Site {
    /// Of a folder whose links are resolved.
    pub fn new(root: PathBuf, secret: String) -> Site {
        Site { secret, folder: Folder::new(root), reports: Mutex::default() }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    /// The word of the address.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The answer to a request.
    pub fn answer(&self, method: &str, url: &str) -> Reply {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let mut parts = path.strip_prefix('/').unwrap_or(path).splitn(2, '/');
        let (secret, rest) = (parts.next().unwrap_or(""), parts.next());
        if !same(secret.as_bytes(), self.secret.as_bytes()) {
            return Reply::missing();
        }
        if !matches!(method, "GET" | "HEAD") {
            return Reply { status: 405, kind: TEXT, body: "Results are read here, not written.\n".into() };
        }
        match (rest, rest.and_then(|rest| rest.strip_prefix("run/"))) {
            (Some(""), _) => Reply::found(HTML, self.page()),
            (Some("rows"), _) => Reply::found(HTML, rows(&self.folder.entries())),
            (_, Some(name)) => self.run(name, query),
            _ => Reply::missing(),
        }
    }

    fn page(&self) -> String {
        let entries = self.folder.entries();
        page::folder(SKELETON, SCRIPT, &self.root().display().to_string(), rows(&entries))
    }

    fn run(&self, name: &str, query: &str) -> Reply {
        let Some(path) = inside(self.folder.root(), name) else { return Reply::missing() };
        let answer = match query {
            "state" => state(&path).map(|text| Reply::found(JSON, text)),
            _ => self.report(&path).map(|text| Reply::found(HTML, text.as_bytes())),
        };
        let refused = |error: StoreError| Reply { status: 404, kind: TEXT, body: format!("{error}\n").into() };
        answer.unwrap_or_else(refused)
    }

    /// The report of a file, made again when the file has changed.
    fn report(&self, path: &Path) -> Result<Arc<String>, StoreError> {
        let now = std::fs::metadata(path).map(|file| stamp(&file)).ok();
        let kept = || self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((.., page)) = kept().iter().find(|(known, old, _)| known == path && Some(*old) == now) {
            return Ok(page.clone());
        }
        let page = Arc::new(page::of(&Results::open(path)?, Home::Server)?);
        let mut kept = kept();
        kept.retain(|(known, ..)| known != path);
        kept.truncate(KEPT - 1);
        kept.extend(now.map(|now| (path.to_path_buf(), now, page.clone())));
        kept.rotate_right(1);
        Ok(page)
    }
}

/// Whether two texts are equal, in a time that does not say where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    let differing = a.iter().zip(b).fold(0, |all, (a, b)| all | black_box(a ^ b));
    a.len() == b.len() && black_box(differing) == 0
}

/// How far a file is, for a page that shows it.
fn state(path: &Path) -> Result<String, StoreError> {
    let results = Results::open(path)?;
    let (state, written) = (results.state()?, results.written_rows()?);
    let done = written.iter().filter(|written| **written).count();
    Ok(serde_json::json!({ "done": done, "complete": state.complete }).to_string())
}

/// The lines of the table.
fn rows(entries: &[Entry]) -> String {
    entries.iter().map(row).collect()
}

fn row(entry: &Entry) -> String {
    let (name, size) = (escape(&entry.name()), escape(&entry.size));
    match &entry.content {
        Err(other) => {
            let (tone, word) = match other {
                Other::Sweep { points, complete, .. } if complete < points => ("now", "sweep"),
                Other::Sweep { .. } => ("good", "sweep"),
                Other::Unreadable(_) => ("bad", "unreadable"),
            };
            format!(
                "<tr><th scope=\"row\">{name}</th><td class=\"{tone}\">{word}</td><td colspan=\"4\">{}</td><td>{size}</td></tr>\n",
                escape(&other.text())
            )
        }
        Ok(Content { model, standing, done: (done, all), values, begun, .. }) => {
            let tone = match standing {
                Standing::Complete => "good",
                Standing::Running => "now",
                _ => "warn",
            };
            let word = standing.word();
            let value = |value: &Final| format!("<span>{} = {}</span>", escape(&value.name), escape(&value.text()));
            let values: String = values.iter().map(value).collect();
            format!(
                "<tr><th scope=\"row\"><a href=\"run/{}\">{name}</a></th><td class=\"{tone}\">{word}</td><td>{}</td>\
                 <td>{done} / {all}</td><td class=\"values\">{values}</td><td>{}</td><td>{size}</td></tr>\n",
                encoded(&entry.path),
                escape(model),
                escape(begun.replace('T', " ").trim_end_matches('Z'))
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{header, scratch, written};

    fn site(name: &str) -> Site {
        Site::new(scratch(name).canonicalize().unwrap(), "0123456789abcdef".into())
    }

    fn text(reply: &Reply) -> String {
        String::from_utf8(reply.body.clone()).unwrap()
    }

    #[test]
    fn nothing_is_answered_without_the_secret() {
        let site = site("site-secret");
        written(&site.root().join("x.h5"), &header(), 20);
        for url in [
            "/",
            "",
            "/run/x.h5",
            "/0123456789abcde/",
            "/0123456789abcdeF/",
            "/0123456789abcdef0/",
            "//",
            "/?0123456789abcdef",
        ] {
            assert_eq!(site.answer("GET", url), Reply::missing(), "{url}");
        }
        assert_eq!(site.answer("POST", "/wrong/"), Reply::missing());
        assert_eq!(site.answer("GET", "/0123456789abcdef/").status, 200);
        assert_eq!(site.answer("GET", "/0123456789abcdef"), Reply::missing(), "its links would lead astray");
    }

    #[test]
    fn the_folder_leads_to_reports_and_reports_say_how_far_they_are() {
        let site = site("site-folder");
        written(&site.root().join("x y.h5"), &header(), 11);
        let ask = |rest: &str| site.answer("GET", &format!("/{}/{rest}", site.secret()));
        assert!(text(&ask("")).contains("href=\"run/x%20y.h5\"") && text(&ask("")).contains("11 / 20"));
        assert!(text(&ask("rows")).starts_with("<tr>"));
        let report = ask("run/x%20y.h5");
        assert!(report.status == 200 && text(&report).contains("data-live=\"yes\""));
        assert_eq!(text(&ask("run/x%20y.h5?state")), r#"{"complete":false,"done":11}"#);
        assert_eq!(site.reports.lock().unwrap().len(), 1);
        written(&site.root().join("x y.h5"), &header(), 20);
        assert!(text(&ask("run/x%20y.h5")).contains("data-live=\"no\""), "the file has changed");
        for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
            assert_eq!(site.answer(method, &format!("/{}/", site.secret())).status, 405);
        }
        for rest in ["run/", "run/none.h5", "run/..%2Fx%20y.h5", "run/%2Fetc%2Fpasswd", "other", "rows/", "run"] {
            assert_eq!(ask(rest).status, 404, "{rest}");
        }
    }

    #[test]
    fn texts_of_files_stay_texts() {
        let site = site("site-text");
        let mut header = header();
        header.title = "<script>alert(1)</script>, trajectories 0-1".into();
        written(&site.root().join("<img src=x onerror=alert(1)>.h5"), &header, 20);
        let page = text(&site.answer("GET", &format!("/{}/", site.secret())));
        assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("&lt;img src=x"), "{page}");
        assert!(!page.contains("<script>alert") && !page.contains("<img"), "{page}");
    }

    #[test]
    fn equal_is_equal_and_nothing_else() {
        assert!(same(b"abc", b"abc") && same(b"", b""));
        for (a, b) in [("abc", "abd"), ("abc", "ab"), ("", "a"), ("abc", "bbc")] {
            assert!(!same(a.as_bytes(), b.as_bytes()), "{a} {b}");
        }
    }
}
