//! Which lines of a log are page views.

use super::line::Line;
use crate::edge::rules::Pattern;

/// What the last part of a page's path ends with, if it ends with anything.
const EXTENSIONS: &[&[u8]] =
    &[b"html", b"htm", b"shtml", b"xhtml", b"php", b"asp", b"aspx", b"jsp", b"cgi"];

/// Which lines are page views: a GET that was answered (200 to 299, or 304 from a cache), of a path
/// whose last part has no extension or one of a page's.
#[derive(Clone, Debug, Default)]
pub struct PageLines {
    /// Where there are any: the paths that are pages, whatever their extension.
    pub only: Vec<Pattern>,
    /// Paths that are none.
    pub except: Vec<Pattern>,
}

impl PageLines {
    pub(super) fn include(&self, line: &Line<'_>) -> bool {
        let answered = matches!(line.status, 200..=299 | 304);
        if !answered || line.method != b"GET" {
            return false;
        }
        let path = line.path();
        if self.only.is_empty() && self.except.is_empty() {
            return is_page(path);
        }
        let text = String::from_utf8_lossy(path);
        let any = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(&text));
        let page = if self.only.is_empty() { is_page(path) } else { any(&self.only) };
        page && !any(&self.except)
    }
}

fn is_page(path: &[u8]) -> bool {
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    match last.iter().rposition(|byte| *byte == b'.') {
        None => true,
        Some(dot) => {
            EXTENSIONS.iter().any(|extension| last[dot + 1..].eq_ignore_ascii_case(extension))
        }
    }
}
