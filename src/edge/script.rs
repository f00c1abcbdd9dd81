//! The tracker: its two scripts, the paths where they and their hits are found, and what a page
//! holds of them.

#![expect(clippy::disallowed_types, reason = "src/edge is where headers are")]

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::answer::{self, Answer};
use super::coding;

/// Where hits are always taken, and the script is always found, whatever else is configured.
pub(super) const EVENT: &str = "/api/event";
const STEM: &str = "/s";

/// Paths that are something else already.
const TAKEN: &[&str] =
    &["/p.gif", "/opt-out", "/healthz", "/readyz", "/robots.txt", "/.well-known/gpc.json"];

/// Bytes that a path of one's own may have.
const PATH_BYTES_MAX: usize = 100;

/// One script, as it was built.
struct Built {
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
    /// The value of a script element's `integrity`.
    integrity: &'static str,
    /// Of what is in it: another build, another name.
    hash: String,
}

macro_rules! built {
    ($file:literal) => {
        LazyLock::new(|| Built {
            plain: include_bytes!(concat!("../../pixel/dist/", $file)),
            brotli: include_bytes!(concat!("../../pixel/dist/", $file, ".br")),
            gzip: include_bytes!(concat!("../../pixel/dist/", $file, ".gz")),
            integrity: include_str!(concat!("../../pixel/dist/", $file, ".sri")),
            hash: blake3::hash(include_bytes!(concat!("../../pixel/dist/", $file))).to_hex()[..16]
                .to_owned(),
        })
    };
}

static CORE: LazyLock<Built> = built!("s.js");
static FULL: LazyLock<Built> = built!("s.full.js");

/// A script that was asked for by one of its names.
pub(super) struct Script {
    built: &'static Built,
    /// Whether the name holds the hash of what is in it.
    pinned: bool,
}

/// Further paths for the script and for hits, beside `/s.js` and `/api/event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptPaths {
    stem: String,
    event: String,
}

impl Default for ScriptPaths {
    fn default() -> Self {
        Self { stem: STEM.to_owned(), event: EVENT.to_owned() }
    }
}

/// What a page's script element asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The larger script, which counts more by itself.
    pub full: bool,
    /// This very build, and no other.
    pub pinned: bool,
}

impl ScriptPaths {
    /// A path for the script, such as `/assets/page.js`.
    #[must_use]
    pub fn with_script(self, path: &str) -> Option<Self> {
        let stem = path.strip_suffix(".js").filter(|stem| !stem.ends_with('/'))?;
        is_path(path).then(|| Self { stem: stem.to_owned(), ..self })
    }

    /// A path for hits, such as `/assets/seen`.
    #[must_use]
    pub fn with_event(self, path: &str) -> Option<Self> {
        is_path(path).then(|| Self { event: path.to_owned(), ..self })
    }

    /// Whether one path leads to the script and to hits.
    #[must_use]
    pub fn collide(&self) -> bool {
        self.script(&self.event).is_some() || self.script(EVENT).is_some()
    }

    /// Whether hits are taken there.
    pub(super) fn takes_events(&self, path: &str) -> bool {
        path == EVENT || path == self.event
    }

    /// The script that is found there.
    pub(super) fn script(&self, path: &str) -> Option<Script> {
        [self.stem.as_str(), STEM].iter().find_map(|stem| {
            let name = path.strip_prefix(stem)?.strip_prefix('.')?;
            let (built, pinned) = match name {
                "js" => (&CORE, false),
                "full.js" => (&FULL, false),
                _ => {
                    let hash = name.strip_suffix(".js")?;
                    ([&CORE, &FULL].into_iter().find(|built| built.hash == hash)?, true)
                }
            };
            Some(Script { built, pinned })
        })
    }

    /// The script element for the pages of a site. `origin`: where the listener, or a proxy before
    /// it, is found: `https://stats.example.com`, or a folder there.
    #[must_use]
    pub fn element(&self, origin: &str, site: &str, snippet: Snippet) -> String {
        let Self { stem, event } = self;
        let built = if snippet.full { &FULL } else { &CORE };
        let name = match snippet {
            Snippet { pinned: true, .. } => format!(".{}", built.hash),
            Snippet { full: true, .. } => ".full".to_owned(),
            Snippet { .. } => String::new(),
        };
        let mut element = format!("<script defer data-domain=\"{site}\"");
        // Without it, hits go to the usual path of the script's host. Writing to a string cannot fail.
        if event != EVENT || origin.matches('/').count() > 2 {
            write!(element, " data-api=\"{origin}{event}\"").unwrap_or_default();
        }
        write!(element, " src=\"{origin}{stem}{name}.js\"").unwrap_or_default();
        if snippet.pinned {
            let integrity = built.integrity;
            write!(element, " integrity=\"{integrity}\" crossorigin=\"anonymous\"")
                .unwrap_or_default();
        }
        element + "></script>"
    }
}

/// Whether a path is plain, and leads to nothing else.
fn is_path(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
    path.len() <= PATH_BYTES_MAX
        && path.bytes().all(plain)
        && path.strip_prefix('/').is_some_and(|path| {
            path.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
        })
        && !TAKEN.contains(&path)
        && super::dialect::Dialect::at(path).is_none()
}

/// A script's answer. A name that never changes is kept for an hour and then asked for by its tag;
/// one that holds a hash is kept for good.
pub(super) fn answer(Script { built, pinned }: Script, headers: &HeaderMap) -> Answer {
    let text = |name| headers.get(name).and_then(|it: &HeaderValue| it.to_str().ok());
    let accepts = text(header::ACCEPT_ENCODING).unwrap_or_default();
    let (body, coded) = if coding::is_accepted(accepts, "br") {
        (built.brotli, Some("br"))
    } else if coding::is_accepted(accepts, "gzip") {
        (built.gzip, Some("gzip"))
    } else {
        (built.plain, None)
    };
    let tag = format!("\"{}-{}\"", built.hash, coded.unwrap_or("plain"));
    // It may come back in a list, or marked as weak by a proxy.
    let known = text(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&tag));
    let (status, body) =
        if known { (StatusCode::NOT_MODIFIED, &[][..]) } else { (StatusCode::OK, body) };
    let kind = "text/javascript; charset=utf-8";
    let mut answer = answer::content(status, kind, Bytes::from_static(body));
    if let (Some(coded), false) = (coded, known) {
        answer::set(&mut answer, header::CONTENT_ENCODING, coded);
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.headers_mut().insert(header::ETAG, tag);
    }
    let caching =
        if pinned { "public, max-age=31536000, immutable" } else { "public, max-age=3600" };
    answer::set(&mut answer, header::CACHE_CONTROL, caching);
    answer::set(&mut answer, header::VARY, "accept-encoding");
    // A page of another origin may run it, whatever policy it has, and check that it is the one
    // that it pinned.
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    answer::set(&mut answer, policy, "cross-origin");
    answer::set(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(script: &str, event: &str) -> Option<ScriptPaths> {
        ScriptPaths::default().with_script(script)?.with_event(event)
    }

    #[test]
    fn a_path_is_plain_and_not_taken() {
        let check = |script, event, expected| {
            assert_eq!(named(script, event).is_some(), expected, "{script} {event}");
        };
        check("/s.js", "/api/event", true);
        check("/assets/page.js", "/assets/seen", true);
        check("/a-b_c.min.js", "/x", true);
        check("assets/page.js", "/x", false);
        check("/page", "/x", false);
        check("/.js", "/x", false);
        check("/a/.js", "/x", false);
        check("/a//b.js", "/x", false);
        check("/../b.js", "/x", false);
        check("/a\"b.js", "/x", false);
        check("/page.js", "x", false);
        check("/page.js", "/", false);
        check("/page.js", "/x/", false);
        check("/page.js", "/x?y", false);
        check("/page.js", "/p.gif", false);
        check("/page.js", "/opt-out", false);
        check("/page.js", "/matomo.php", false);
    }

    #[test]
    fn a_path_leads_to_the_script_or_to_hits() {
        let collide = |script, event| named(script, event).expect("two paths").collide();
        assert!(!collide("/s.js", "/api/event"));
        assert!(!collide("/page.js", "/page"));
        assert!(collide("/page.js", "/page.js"));
        assert!(collide("/page.js", "/s.full.js"));
    }

    #[test]
    fn a_script_is_found_by_each_of_its_names_and_by_the_first_ones_too() {
        let paths = named("/lib/page.js", "/lib/seen").expect("two paths");
        let check = |path: &str, expected: Option<(&'static LazyLock<Built>, bool)>| {
            let found = paths.script(path).map(|it| (it.built.hash.as_str(), it.pinned));
            assert_eq!(
                found,
                expected.map(|(built, pinned)| (built.hash.as_str(), pinned)),
                "{path}"
            );
        };
        check("/lib/page.js", Some((&CORE, false)));
        check("/lib/page.full.js", Some((&FULL, false)));
        check(&format!("/lib/page.{}.js", CORE.hash), Some((&CORE, true)));
        check(&format!("/lib/page.{}.js", FULL.hash), Some((&FULL, true)));
        check("/s.js", Some((&CORE, false)));
        check("/s.full.js", Some((&FULL, false)));
        check(&format!("/s.{}.js", FULL.hash), Some((&FULL, true)));
        for path in ["/page.js", "/lib/page", "/lib/page.x.js", "/s.0123456789abcdef.js", "/s"] {
            check(path, None);
        }
        assert!(paths.takes_events("/lib/seen") && paths.takes_events("/api/event"));
        assert!(!paths.takes_events("/lib"));
    }

    #[test]
    fn a_page_is_told_what_to_hold() {
        let origin = "https://stats.example.com";
        let check = |paths: &ScriptPaths, full, pinned, expected: &str| {
            let snippet = Snippet { full, pinned };
            assert_eq!(paths.element(origin, "example.com", snippet), expected);
        };
        let usual = ScriptPaths::default();
        let start = "<script defer data-domain=\"example.com\"";
        check(&usual, false, false, &format!("{start} src=\"{origin}/s.js\"></script>"));
        check(&usual, true, false, &format!("{start} src=\"{origin}/s.full.js\"></script>"));
        let (hash, integrity) = (&FULL.hash, FULL.integrity);
        let pinned = format!(
            "{start} src=\"{origin}/s.{hash}.js\" integrity=\"{integrity}\" \
             crossorigin=\"anonymous\"></script>"
        );
        check(&usual, true, true, &pinned);
        let own = named("/lib/page.js", "/lib/seen").expect("two paths");
        let api = format!("data-api=\"{origin}/lib/seen\"");
        let folder = usual.element("https://example.com/x", "example.com", Snippet::default());
        assert!(folder.contains("data-api=\"https://example.com/x/api/event\""), "{folder}");
        check(&own, false, false, &format!("{start} {api} src=\"{origin}/lib/page.js\"></script>"));
    }

    #[test]
    fn a_script_is_sent_in_the_coding_that_is_taken_and_not_twice() {
        let mut headers = HeaderMap::new();
        let mut ask = |accepts: &'static str, known: &str| {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(accepts));
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(known).expect("a tag"));
            let answer = answer(Script { built: &CORE, pinned: false }, &headers);
            let header = |name| {
                answer
                    .headers()
                    .get(name)
                    .map(|it: &HeaderValue| it.to_str().expect("text").to_owned())
            };
            (
                answer.status().as_u16(),
                header(header::CONTENT_ENCODING),
                header(header::ETAG).expect("a tag"),
            )
        };
        let check = |found: (u16, Option<String>, String), status, coding: Option<&str>| {
            assert_eq!((found.0, found.1.as_deref()), (status, coding));
            found.2
        };
        let plain = check(ask("", ""), 200, None);
        let brotli = check(ask("gzip, br", &plain), 200, Some("br"));
        let gzip = check(ask("gzip, br;q=0", &brotli), 200, Some("gzip"));
        check(ask("gzip", &format!("\"x\", W/{gzip}")), 304, None);
        check(ask("br", &brotli), 304, None);
    }
}
