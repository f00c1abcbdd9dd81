//! The dashboard's page, and signing in and out.

#![expect(clippy::disallowed_types, reason = "the console reads its own readers' requests")]

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Query as Params, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Response};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::assets;
use super::error::ApiError;
use super::reader::{self, COOKIE};
use crate::console::{Console, password};
use crate::limits;

const SIGN_IN_HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Sign in to Headcount</title>
<link rel=\"icon\" href=\"/favicon.svg\">
<link rel=\"stylesheet\" href=\"/sign-in.css\">
<main>
<h1>Sign in to Headcount</h1>
";

const SIGN_IN_FORM: &str = "<form method=\"post\" action=\"/sign-in\">
<label>E-mail <input name=\"email\" type=\"email\" autocomplete=\"username\" required autofocus></label>
<label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label>
<button>Sign in</button>
</form>
";

const SIGN_IN_FOOT: &str = "<p class=\"hint\">No password yet? Open the link that \
<code>headcount serve</code> printed when it started, or run <code>headcount sign-in</code> where \
Headcount runs: it works once, for an hour.</p>
</main>
</html>
";

/// Why whoever is on the page was not let in.
#[derive(Clone, Copy)]
enum Alas {
    Nothing,
    Link,
    Password,
    TooMany,
}

/// The page to sign in on.
fn sign_in_page(status: StatusCode, alas: Alas) -> Response {
    let alas = match alas {
        Alas::Nothing => "",
        Alas::Link => "That link was used before, or is too old.",
        Alas::Password => "This e-mail address and this password do not belong together.",
        Alas::TooMany => "Too many attempts: try again in a minute.",
    };
    let alas = match alas {
        "" => String::new(),
        alas => format!("<p role=\"alert\">{alas}</p>\n"),
    };
    (status, Html(format!("{SIGN_IN_HEAD}{alas}{SIGN_IN_FORM}{SIGN_IN_FOOT}"))).into_response()
}

/// The style of that page: what the dashboard looks like is for who is signed in.
const SIGN_IN_STYLE: &str = ":root { color-scheme: light dark; --ink: #1c1c1a; --paper: #f6f6f1; \
--card: #fff; --line: #e2e2da }
@media (prefers-color-scheme: dark) { :root { --ink: #ecece6; --paper: #151614; --card: #1e1f1c; \
--line: #33352f } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--paper); \
color: var(--ink); font: 1rem/1.6 Inter, system-ui, sans-serif }
main { box-sizing: border-box; width: min(30rem, 100vw - 2rem); padding: 2rem; background: var(--card); \
border: 1px solid var(--line); border-radius: .75rem }
h1 { font-size: 1.375rem; line-height: 1.3; margin: 0 0 1rem }
p { margin: 0 0 .75rem }
label { display: block; margin: 0 0 1rem; font-weight: 600 }
input { box-sizing: border-box; display: block; width: 100%; margin-top: .25rem; padding: .55rem .7rem; font: inherit; \
color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: .5rem }
button { width: 100%; padding: .65rem; font: inherit; font-weight: 600; cursor: pointer; color: var(--paper); \
background: var(--ink); border: 0; border-radius: .5rem }
input:focus-visible, button:focus-visible { outline: 3px solid #3b82f6; outline-offset: 2px }
[role=alert] { padding: .6rem .8rem; border: 1px solid #d33; border-radius: .5rem }
.hint { margin: 1.5rem 0 0; font-size: .9rem; opacity: .8 }
code { font: .9em ui-monospace, monospace; padding: .1em .35em; border-radius: .3em; background: var(--paper) }
";

/// `GET /sign-in.css`.
pub(super) async fn sign_in_style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], SIGN_IN_STYLE).into_response()
}

/// A built file of the dashboard, or else its page, which finds its way by the path. The files are
/// the program, and public; the page is for who is signed in.
pub(super) async fn dashboard(
    State(console): State<Arc<Console>>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let accepts = text(header::ACCEPT_ENCODING).unwrap_or_default();
    let known = text(header::IF_NONE_MATCH);
    let path = uri.path().trim_start_matches('/');
    if path != assets::INDEX
        && let Some(file) = assets::serve(path, accepts, known)
    {
        return Ok(file);
    }
    let missing = || ApiError::new(StatusCode::NOT_FOUND, "there is no such file");
    if path.starts_with("assets/") {
        return Err(missing());
    }
    if reader::access(&console, &headers)?.is_none() {
        return Ok(sign_in_page(StatusCode::UNAUTHORIZED, Alas::Nothing));
    }
    assets::serve(assets::INDEX, accepts, known).ok_or_else(missing)
}

/// `?token=`.
#[derive(Deserialize)]
pub(super) struct Token {
    token: Option<String>,
}

/// `GET /sign-in?token=`: trades the link's token for a session.
pub(super) async fn sign_in(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    Params(token): Params<Token>,
) -> Result<Response, ApiError> {
    let Some(token) = token.token else {
        return Ok(sign_in_page(StatusCode::OK, Alas::Nothing));
    };
    if console.sign_ins.check().is_err() {
        return Ok(sign_in_page(StatusCode::TOO_MANY_REQUESTS, Alas::TooMany));
    }
    let Some(session) = console.state.sign_in(&token, console.clock.now())? else {
        return Ok(sign_in_page(StatusCode::UNAUTHORIZED, Alas::Link));
    };
    Ok(let_in(&session, &headers))
}

/// `POST /sign-in`: a form with `email` and `password`.
pub(super) async fn sign_in_with_password(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    // Nobody is signed in by another site's form.
    reader::sent_here(&headers)?;
    let field = |name: &str| {
        let found = form_urlencoded::parse(&body).find(|(key, _)| key == name);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let email = field("email").trim().to_lowercase();
    let password = Zeroizing::new(field("password"));
    let cell = blake3::hash(email.as_bytes()).as_bytes()[0];
    if console.sign_ins.check().is_err() || console.passwords.check_key(&cell).is_err() {
        return Ok(sign_in_page(StatusCode::TOO_MANY_REQUESTS, Alas::TooMany));
    }
    let kept = console.state.password_of(&email)?;
    // It takes a core for a while.
    let fits = tokio::task::spawn_blocking(move || password::fits(&password, kept.as_deref()));
    if !fits.await.unwrap_or(false) {
        return Ok(sign_in_page(StatusCode::UNAUTHORIZED, Alas::Password));
    }
    let session = console.state.begin_session(&email, console.clock.now())?;
    Ok(let_in(&session, &headers))
}

/// To the dashboard, with a session.
fn let_in(session: &str, headers: &HeaderMap) -> Response {
    let cookie = cookie(session, limits::SESSION_LIFE_S, headers);
    let to_dashboard = [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, cookie)];
    (StatusCode::SEE_OTHER, to_dashboard).into_response()
}

/// `POST /sign-out`.
pub(super) async fn sign_out(
    State(console): State<Arc<Console>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    reader::same_origin(&Method::POST, &headers)?;
    if let Some(session) = reader::session(&headers) {
        console.state.sign_out(session)?;
    }
    let gone = [(header::SET_COOKIE, cookie("", 0, &headers))];
    Ok((StatusCode::NO_CONTENT, gone).into_response())
}

/// Behind a proxy that speaks TLS the cookie goes over TLS only; the proxy says so.
fn cookie(session: &str, life_s: i64, headers: &HeaderMap) -> String {
    let tls = headers.get("x-forwarded-proto").is_some_and(|value| value == "https");
    let secure = if tls { "; Secure" } else { "" };
    format!("{COOKIE}={session}; Path=/; Max-Age={life_s}; HttpOnly; SameSite=Strict{secure}")
}
