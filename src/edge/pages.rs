//! What the listener serves besides hits and the tracker: health, the statement about GPC, the demo.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header;
use rust_embed::RustEmbed;

use super::answer::{self, Answer};

/// The demo site.
#[derive(RustEmbed)]
#[folder = "pixel/demo"]
struct Demo;

/// `GET /healthz`: the program runs.
pub(super) fn health() -> Answer {
    not_cached(answer::text(StatusCode::OK, "ok\n"))
}

/// `GET /readyz`: a balancer may send hits here.
pub(super) fn ready(ready: bool) -> Answer {
    not_cached(if ready {
        answer::text(StatusCode::OK, "ready\n")
    } else {
        answer::text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    })
}

/// `GET /.well-known/gpc.json`: this site honours Global Privacy Control. Source: the GPC
/// specification, section "GPC support resource". The date is when this was decided.
pub(super) fn gpc() -> Answer {
    let body = Bytes::from_static(b"{\"gpc\":true,\"lastUpdate\":\"2026-11-23\"}\n");
    answer::content(StatusCode::OK, "application/json", body)
}

/// `GET /robots.txt`: nothing here is for a search engine.
pub(super) fn robots() -> Answer {
    answer::text(StatusCode::OK, "User-agent: *\nDisallow: /\n")
}

/// A page or file of the demo site.
pub(super) fn demo(path: &str) -> Answer {
    let path = path.trim_matches('/');
    let name = if path.is_empty() { "index" } else { path };
    let found = Demo::get(name).or_else(|| Demo::get(&format!("{name}.html")));
    let Some(file) = found else { return answer::not_found() };
    let kind = match name.rsplit_once('.').map(|(_, extension)| extension) {
        None | Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some(_) => "application/octet-stream",
    };
    not_cached(answer::content(StatusCode::OK, kind, Bytes::from(file.data.into_owned())))
}

fn not_cached(mut answer: Answer) -> Answer {
    answer::set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}
