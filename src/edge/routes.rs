//! The listener's requests. What is not here is answered with 404, and not counted.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses and requests are")]

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::body::Incoming;
use hyper::{Method, Request};

use super::answer::{self, Answer};
use super::dialect::{self, Dialect};
use super::{Edge, hits, mailing, opt_out, pages, script};

/// One request's answer.
pub(super) async fn answer(
    edge: Arc<Edge>,
    peer: IpAddr,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    edge.figures.requests.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    let (method, path, headers) = (&head.method, head.uri.path(), &head.headers);
    if let Some(dialect) = Dialect::at(path) {
        return Ok(dialect::answer(dialect, &edge, peer, &head, body).await);
    }
    if path.starts_with(mailing::ROOT) {
        return Ok(mailing::answer(&edge, peer, method, path, headers).await);
    }
    let get = *method == Method::GET || *method == Method::HEAD;
    Ok(match path {
        path if edge.paths.takes_events(path) => answer::from_any_origin(match *method {
            Method::POST => hits::event(&edge, peer, headers, body).await,
            Method::OPTIONS => return Ok(answer::preflight()),
            _ => answer::not_allowed("POST, OPTIONS"),
        }),
        "/p.gif" => match *method {
            Method::GET => {
                hits::pixel(&edge, peer, headers, head.uri.query().unwrap_or_default()).await
            }
            // Whoever asks for the head alone shows the image to nobody.
            Method::HEAD => answer::gif(),
            _ => answer::not_allowed("GET, HEAD"),
        },
        "/opt-out" => match *method {
            Method::POST => opt_out::choose(head.uri.query() == Some("back")),
            _ if get => opt_out::page(headers),
            _ => answer::not_allowed("GET, HEAD, POST"),
        },
        _ if !get => answer::not_allowed("GET, HEAD"),
        "/healthz" => pages::health(),
        "/readyz" => pages::ready(edge.is_ready()),
        "/.well-known/gpc.json" => pages::gpc(),
        "/robots.txt" => pages::robots(),
        path => match edge.paths.script(path) {
            Some(found) => script::answer(found, headers),
            None if edge.demo => pages::demo(path),
            None => answer::not_found(),
        },
    })
}
