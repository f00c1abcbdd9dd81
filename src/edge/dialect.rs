//! Requests of other systems' scripts: a site that leaves one of them keeps its script, and has it
//! send to us.
//!
//! | path | system |
//! |---|---|
//! | `POST /api/send`, `POST /api/batch` | Umami |
//! | `/count` | GoatCounter |
//! | `/matomo.php`, `/piwik.php` | Matomo |
//! | `/g/collect`, `POST /mp/collect` | Google Analytics 4 |
//!
//! What a request says is read by `decode`; here is how each is answered.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses and headers are")]

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::Edge;
use super::answer::{self, Answer};
use super::arrival::Arrival;
use super::decode::{Malformed, Said, ga4, goatcounter, matomo, umami};
use super::hits::{self, Outcome, Refusal};
use crate::hit::DropReason;

/// Why GoatCounter's server did not count, in its own words' place.
const X_GOATCOUNTER: HeaderName = HeaderName::from_static("x-goatcounter");

/// Another system's endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Umami,
    UmamiBatch,
    GoatCounter,
    Matomo,
    Ga4,
    Ga4Protocol,
}

/// What one request asks beside its hits.
#[derive(Clone, Copy)]
enum Form {
    /// An image, as far as its system has one.
    Usual,
    /// No image.
    Silent,
    /// One hit of many: each is told of.
    Bulk,
}

impl Dialect {
    /// The dialect that is spoken at a path.
    pub(super) fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/api/send" => Self::Umami,
            "/api/batch" => Self::UmamiBatch,
            "/count" => Self::GoatCounter,
            "/matomo.php" | "/piwik.php" => Self::Matomo,
            "/g/collect" => Self::Ga4,
            "/mp/collect" => Self::Ga4Protocol,
            _ => return None,
        })
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Umami | Self::UmamiBatch | Self::Ga4Protocol => "POST, OPTIONS",
            Self::GoatCounter | Self::Matomo | Self::Ga4 => "GET, HEAD, POST, OPTIONS",
        }
    }

    /// What the request says. `page`: the page that sent it, as far as the browser says.
    fn decode<'a>(
        self,
        query: &'a str,
        body: &'a [u8],
        page: Option<&str>,
    ) -> (Vec<Result<Said<'a>, Malformed>>, Form) {
        match self {
            Self::Umami => (vec![umami::send(body)], Form::Usual),
            Self::UmamiBatch => (umami::batch(body), Form::Bulk),
            Self::GoatCounter => (vec![goatcounter::count(query, page)], Form::Usual),
            Self::Matomo if body.trim_ascii_start().starts_with(b"{") => {
                (matomo::bulk(body), Form::Bulk)
            }
            Self::Matomo => {
                let (said, silent) = matomo::track(query, body);
                (vec![said], if silent { Form::Silent } else { Form::Usual })
            }
            Self::Ga4 => (ga4::collect(query, body), Form::Silent),
            Self::Ga4Protocol => (ga4::protocol(query, body), Form::Silent),
        }
    }

    fn taken(self, form: Form, outcomes: &[Outcome]) -> Answer {
        let dropped = outcomes.iter().find_map(|outcome| outcome.ok().flatten());
        let mut taken = match (self, form) {
            (Self::Umami, _) if dropped == Some(DropReason::Bot) => {
                of_json(&json!({"beep": "boop"}))
            }
            (Self::Umami, _) => of_json(&json!({"cache": CACHE, "sessionId": "", "visitId": ""})),
            (Self::UmamiBatch, _) => of_json(&umami_batch(outcomes)),
            (Self::Matomo, Form::Bulk) => of_json(&matomo_bulk(outcomes)),
            (_, Form::Usual) => answer::gif(),
            (_, Form::Silent | Form::Bulk) => no_content(),
        };
        if let (Some(reason), [_]) = (dropped, outcomes) {
            answer::set(&mut taken, answer::DROPPED, reason.label());
        }
        taken
    }

    fn refused(self, refusal: Refusal) -> Answer {
        let refused = hits::refused(refusal);
        if self != Self::GoatCounter {
            return refused;
        }
        // Its image is whole whatever happened.
        let mut image = answer::gif();
        *image.status_mut() = refused.status();
        if let Refusal::Malformed(Malformed { field, why }) = refusal
            && let Ok(why) = HeaderValue::from_str(&format!("{field} {why}"))
        {
            image.headers_mut().insert(X_GOATCOUNTER, why);
        }
        image
    }
}

/// Stands for the session that Umami's server would write here. The same for everybody.
const CACHE: &str = "headcount";

/// One request of `dialect`.
pub(super) async fn answer(
    dialect: Dialect,
    edge: &Edge,
    peer: IpAddr,
    head: &hyper::http::request::Parts,
    body: Incoming,
) -> Answer {
    let allowed = dialect.methods();
    answer::from_any_origin(match head.method {
        Method::OPTIONS => return answer::preflight(),
        // Whoever asks for the head alone shows the image to nobody.
        Method::HEAD if allowed.contains("HEAD") => answer::gif(),
        Method::POST => {
            let mut arrival = Arrival::new(edge);
            match hits::receive(edge, body, &mut arrival).await {
                Ok(body) => hear(dialect, edge, peer, head, body, arrival).await,
                Err(refused) => refused,
            }
        }
        Method::GET if allowed.contains("GET") => {
            hear(dialect, edge, peer, head, Zeroizing::default(), Arrival::new(edge)).await
        }
        _ => answer::not_allowed(allowed),
    })
}

async fn hear(
    dialect: Dialect,
    edge: &Edge,
    peer: IpAddr,
    head: &hyper::http::request::Parts,
    body: Zeroizing<Vec<u8>>,
    mut arrival: Arrival<'_>,
) -> Answer {
    let headers = &head.headers;
    let (judged, form) = {
        let page = page(headers);
        let query = head.uri.query().unwrap_or_default();
        let (said, form) = dialect.decode(query, &body, page.as_deref());
        (hits::judge(edge, peer, headers, &said, &mut arrival), form)
    };
    // The client's text is gone before the wait begins.
    drop(body);
    match hits::kept(judged).await {
        Ok(outcomes) => dialect.taken(form, &outcomes),
        Err(refusal) => dialect.refused(refusal),
    }
}

/// The page that sent a request: a beacon may say its origin alone.
fn page(headers: &HeaderMap) -> Option<String> {
    [header::REFERER, header::ORIGIN].iter().find_map(|name| {
        let text = headers.get(name)?.to_str().ok()?;
        text.contains("://").then(|| text.to_owned())
    })
}

fn umami_batch(outcomes: &[Outcome]) -> Value {
    let errors: Vec<Value> = malformed(outcomes)
        .map(|(index, error)| json!({"index": index, "response": {error.field: error.why}}))
        .collect();
    json!({
        "size": outcomes.len(),
        "processed": outcomes.len() - errors.len(),
        "errors": errors.len(),
        "details": errors,
        "cache": CACHE,
    })
}

fn matomo_bulk(outcomes: &[Outcome]) -> Value {
    let invalid: Vec<usize> = malformed(outcomes).map(|(index, _)| index).collect();
    json!({
        "status": "success",
        "tracked": outcomes.len() - invalid.len(),
        "invalid": invalid.len(),
        "invalid_indices": invalid,
    })
}

fn malformed(outcomes: &[Outcome]) -> impl Iterator<Item = (usize, Malformed)> {
    let error = |(index, outcome): (usize, &Outcome)| Some((index, outcome.err()?));
    outcomes.iter().enumerate().filter_map(error)
}

fn of_json(value: &Value) -> Answer {
    answer::content(StatusCode::OK, "application/json", Bytes::from(value.to_string()))
}

fn no_content() -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}
