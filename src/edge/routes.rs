//! The listener's requests. What is not here is answered with 404, and not counted.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses and requests are")]

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use tokio::time::sleep;

use super::answer::{self, Answer};
use super::dialect::{self, Dialect};
use super::{Edge, hits, mailing, opt_out, pages, script};

/// One request's answer.
pub(super) async fn answer(edge: &Edge, peer: IpAddr, request: Request<Incoming>) -> Answer {
    edge.figures.requests.fetch_add(1, Ordering::Relaxed);
    let (head, body) = request.into_parts();
    // hyper goes by the chunks and hides a length beside them: where what stands before this server
    // went by the length, what follows is no request of its own (RFC 9112, section 6.3). Browsers
    // send no chunks over HTTP/1.
    let is_last = head.headers.contains_key(TRANSFER_ENCODING);
    let answer = routed(edge, peer, &head, body).await;
    let answer = if is_last { answer::last(answer) } else { answer };
    // Who is sent away for what is wrong with the request does not come back at once.
    if answer.status().is_client_error() && answer.headers().contains_key(CONNECTION) {
        sleep(edge.patience.refusal).await;
    }
    answer
}

async fn routed(edge: &Edge, peer: IpAddr, head: &Parts, body: Incoming) -> Answer {
    let (method, path, headers) = (&head.method, head.uri.path(), &head.headers);
    if let Some(dialect) = Dialect::at(path) {
        return dialect::answer(dialect, edge, peer, head, body).await;
    }
    if path.starts_with(mailing::ROOT) {
        return mailing::answer(edge, peer, method, path, headers).await;
    }
    let get = *method == Method::GET || *method == Method::HEAD;
    match path {
        path if edge.paths.takes_events(path) => answer::from_any_origin(match *method {
            Method::POST => hits::event(edge, peer, headers, body).await,
            Method::OPTIONS => return answer::preflight(),
            _ => answer::not_allowed("POST, OPTIONS"),
        }),
        "/p.gif" => match *method {
            Method::GET => {
                hits::pixel(edge, peer, headers, head.uri.query().unwrap_or_default()).await
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
    }
}
