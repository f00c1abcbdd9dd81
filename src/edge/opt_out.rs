//! The opt-out: the one thing that is ever kept on a device, at its owner's own request. It says
//! "no" and nothing else.

#![expect(clippy::disallowed_types, reason = "src/edge is where headers are")]

use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};

use super::answer::{self, Answer};

const COOKIE: &str = "headcount_opt_out=1";

/// Browsers keep a cookie for 400 days at most.
const SET: &str = "headcount_opt_out=1; Path=/; Max-Age=34560000; SameSite=Lax";
const UNSET: &str = "headcount_opt_out=; Path=/; Max-Age=0; SameSite=Lax";

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Whether the browser says that its owner opted out.
pub(super) fn is_set(headers: &HeaderMap) -> bool {
    headers.get_all(header::COOKIE).iter().any(|line| is_in(line.as_bytes()))
}

/// Whether a `Cookie` header says so.
pub(super) fn is_in(line: &[u8]) -> bool {
    line.split(|byte| *byte == b';').any(|pair| pair.trim_ascii() == COOKIE.as_bytes())
}

/// The page: what is counted here, and a button.
pub(super) fn page(headers: &HeaderMap) -> Answer {
    let page = if is_set(headers) { OUT } else { IN };
    let body = Bytes::from(format!("{HEAD}{page}{FOOT}"));
    let mut answer = answer::content(StatusCode::OK, "text/html; charset=utf-8", body);
    answer::set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer::set(&mut answer, header::CONTENT_SECURITY_POLICY, POLICY);
    answer::set(&mut answer, header::REFERRER_POLICY, "no-referrer");
    answer
}

/// The button was pressed: on the page for being in, or the one for being out.
pub(super) fn choose(back_in: bool) -> Answer {
    let mut answer: Answer = Response::default();
    *answer.status_mut() = StatusCode::SEE_OTHER;
    let cookie = if back_in { UNSET } else { SET };
    answer.headers_mut().insert(header::SET_COOKIE, HeaderValue::from_static(cookie));
    answer::set(&mut answer, header::LOCATION, "/opt-out");
    answer::set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"robots\" content=\"noindex\">
<title>Being counted</title>
<style>
:root { color-scheme: light dark }
body { font: 1.0625rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 12vh auto; padding: 0 1.25rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem }
p, form { margin: 0 0 1rem }
button { font: inherit; font-weight: 600; padding: .6rem 1.1rem; border-radius: .5rem; cursor: pointer;
  border: 1px solid color-mix(in srgb, currentColor 35%, transparent); background: transparent; color: inherit }
button:focus-visible { outline: 3px solid #3b82f6; outline-offset: 2px }
small { opacity: .75 }
</style>
<main>
";

const IN: &str = "<h1>Visits to this site are counted, visitors are not followed</h1>
<p>The site learns how many devices came, which pages they read and where they came from. It keeps
counts: no address, no identifier, nothing about you.</p>
<p>If you would rather not be counted at all, press the button. Your browser then keeps one cookie
that says so, for 400 days, and this site counts nothing of what it does.</p>
<form method=\"post\" action=\"/opt-out\"><button>Do not count this browser</button></form>
";

const OUT: &str = "<h1>This browser is not counted</h1>
<p>It keeps one cookie that says so. It holds no identifier: it is the same for everybody who
presses the button.</p>
<form method=\"post\" action=\"/opt-out?back\"><button>Count this browser again</button></form>
";

const FOOT: &str =
    "<p><small>A browser that sends Global Privacy Control or Do Not Track is never told
apart from others here, without any cookie.</small></p>
</main>
</html>
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_cookie_itself_opts_out() {
        let check = |lines: &[&'static str], expected| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_static(line));
            }
            assert_eq!(is_set(&headers), expected, "{lines:?}");
        };
        check(&[], false);
        check(&["headcount_opt_out=1"], true);
        check(&["a=b; headcount_opt_out=1"], true);
        check(&["a=b", "c=d;headcount_opt_out=1 ; e=f"], true);
        check(&["headcount_opt_out=0"], false);
        check(&["headcount_opt_out="], false);
        check(&["x_headcount_opt_out=1"], false);
        check(&["a=headcount_opt_out=1"], false);
    }
}
