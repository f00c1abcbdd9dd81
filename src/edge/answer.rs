//! What the listener says. Nothing of the request is repeated.

#![expect(clippy::disallowed_types, reason = "an answer's own headers")]

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

use super::decode::Malformed;
use crate::hit::DropReason;

pub(super) type Answer = Response<Full<Bytes>>;

/// Why a hit that was taken is not counted.
pub(super) const DROPPED: HeaderName = HeaderName::from_static("x-headcount-dropped");

/// A clear pixel: 1 by 1, GIF89a, one transparent colour.
const GIF: [u8; 43] = *b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\
    !\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// Seconds after which a client may try again when nothing can be kept.
const RETRY_AFTER_S: u64 = 5;

/// An answer with a text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Answer {
    content(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

/// An answer with a body of some type.
pub(super) fn content(status: StatusCode, kind: &'static str, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, kind);
    set(&mut answer, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    answer
}

pub(super) fn set(answer: &mut Answer, name: HeaderName, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// The hit is kept; `dropped`: and why it is not counted.
pub(super) fn taken(dropped: Option<DropReason>) -> Answer {
    let mut answer = text(StatusCode::ACCEPTED, "ok");
    if let Some(reason) = dropped {
        set(&mut answer, DROPPED, reason.label());
    }
    answer
}

/// The field at fault, and what is valid there.
pub(super) fn malformed(error: Malformed) -> Answer {
    let body = serde_json::json!({"errors": {error.field: error.why}}).to_string();
    content(StatusCode::BAD_REQUEST, "application/json", Bytes::from(body))
}

/// Nothing can be kept just now.
pub(super) fn full() -> Answer {
    let answer = text(StatusCode::SERVICE_UNAVAILABLE, "nothing can be kept just now: try again\n");
    retry_after(answer, RETRY_AFTER_S)
}

/// The network sends more than it may.
pub(super) fn too_many(wait: Duration) -> Answer {
    let answer = text(StatusCode::TOO_MANY_REQUESTS, "more than this network may send\n");
    retry_after(answer, wait.as_secs() + 1)
}

fn retry_after(mut answer: Answer, seconds: u64) -> Answer {
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// An answer that leaves bytes unread: the connection ends with it.
pub(super) fn last(mut answer: Answer) -> Answer {
    set(&mut answer, header::CONNECTION, "close");
    answer
}

/// Lets a page of any origin send hits here and read what became of them. No credentials: there
/// are none.
pub(super) fn from_any_origin(mut answer: Answer) -> Answer {
    set(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(&mut answer, header::ACCESS_CONTROL_EXPOSE_HEADERS, "x-headcount-dropped");
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}

/// The answer to a browser that asks before it sends JSON from another origin.
pub(super) fn preflight() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    set(&mut answer, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    set(&mut answer, header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS");
    set(&mut answer, header::ACCESS_CONTROL_ALLOW_HEADERS, "content-type, x-umami-cache");
    set(&mut answer, header::ACCESS_CONTROL_MAX_AGE, "86400");
    answer
}

/// The pixel: always whole, never from a cache.
pub(super) fn gif() -> Answer {
    /// Made once: the answer to half of all requests.
    static HEADERS: LazyLock<HeaderMap> = LazyLock::new(|| {
        let mut answer = content(StatusCode::OK, "image/gif", Bytes::new());
        let never = "no-store, no-cache, must-revalidate, max-age=0";
        set(&mut answer, header::CACHE_CONTROL, never);
        // A page of another origin may show it, whatever policy it has.
        let policy = HeaderName::from_static("cross-origin-resource-policy");
        set(&mut answer, policy, "cross-origin");
        answer.into_parts().0.headers
    });
    let mut answer = Response::new(Full::new(Bytes::from_static(&GIF)));
    answer.headers_mut().clone_from(&HEADERS);
    answer
}

/// There is no such path.
pub(super) fn not_found() -> Answer {
    text(StatusCode::NOT_FOUND, "there is nothing here\n")
}

/// There is such a path, and another way to ask it.
pub(super) fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = last(text(StatusCode::METHOD_NOT_ALLOWED, "not by this method\n"));
    set(&mut answer, header::ALLOW, methods);
    answer
}
