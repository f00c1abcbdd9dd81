//! Mailings, for the dashboard and for senders' systems.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query as Params, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Answer, OfSite, body};
use super::error::ApiError;
use super::reader::Caller;
use crate::console::command::Command;
use crate::console::mailings::made::NewMailing;
use crate::console::mailings::wrapped::{self, WrapRequest};
use crate::console::mailings::{self, MailingError, report};
use crate::console::state::{Mailing, StateError};
use crate::console::{Console, Reply};
use crate::keys::MailingKey;
use crate::limits;

/// Tokens in one piece of an answer.
const PIECE: u64 = 4_096;

impl Console {
    /// The mailing of an id, if the caller may read its site.
    fn mailing(&self, caller: &Caller, id: &str) -> Result<Mailing, ApiError> {
        let found = mailings::find(&self.state, id)?;
        // Whoever may not read it is not told that it is there.
        if caller.may_read(found.site.as_str()) {
            Ok(found)
        } else {
            Err(StateError::NoMailing.into())
        }
    }

    /// The same, if the caller may change it.
    fn own_mailing(&self, caller: &Caller, id: &str) -> Result<Mailing, ApiError> {
        let found = self.mailing(caller, id)?;
        may_make(caller, found.site.as_str())?;
        Ok(found)
    }
}

fn may_make(caller: &Caller, site: &str) -> Result<(), ApiError> {
    if caller.may_make_mailings(site) {
        return Ok(());
    }
    let what = match caller {
        Caller::Key { .. } => {
            "this API key reads figures only: make one with `headcount key create --mailings`"
        }
        Caller::SignedIn(_) => "you may read: an owner or editor can make mailings",
    };
    Err(ApiError::new(StatusCode::FORBIDDEN, what))
}

fn done(reply: &Reply) -> Result<(), ApiError> {
    if reply.ok { Ok(()) } else { Err(ApiError::bad(reply.lines.join("; "))) }
}

fn parsed<T: for<'de> Deserialize<'de>>(bytes: &Bytes, valid: &str) -> Result<T, ApiError> {
    serde_json::from_value(body(bytes)?)
        .map_err(|_| ApiError::bad(format!("body: valid fields are {valid}")))
}

/// `GET /api/v1/mailings?site_id=`.
pub(super) async fn list(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Params(of): Params<OfSite>,
) -> Answer {
    let site = caller.site(&console, of.domain()?)?;
    let mut mailings = console.state.mailings()?;
    mailings.retain(|it| it.site == site.name);
    Ok(Json(report::list(&mailings, console.questions.as_ref()).await?))
}

/// `POST /api/v1/mailings`.
pub(super) async fn create(
    State(console): State<Arc<Console>>,
    caller: Caller,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let valid = "name, site, mode, consent, sent, hosts, campaign";
    let new: NewMailing = parsed(&bytes, valid)?;
    let site = caller.site(&console, &new.site)?;
    may_make(&caller, site.name.as_str())?;
    let reply = console.run(&Command::MailingCreate(new)).await;
    done(&reply)?;
    let id = reply.lines.last().map(String::as_str).unwrap_or_default();
    let made = report::described(&mailings::find(&console.state, id)?);
    Ok((StatusCode::CREATED, Json(json!({ "mailing": made }))).into_response())
}

/// `GET /api/v1/mailings/{id}`.
pub(super) async fn report(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    console.mailing(&caller, &id)?;
    Ok(Json(console.mailing_report(&id).await?))
}

/// `POST /api/v1/mailings/{id}/wrap`.
pub(super) async fn wrap(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Answer {
    let request: WrapRequest = parsed(&bytes, "html, url, field, pixel")?;
    console.own_mailing(&caller, &id)?;
    let done = wrapped::run(&console.state, &id, &request)?;
    console.live.mailings_changed();
    let links = done.links.iter().map(|link| {
        json!({
            "link": link.number,
            "url": link.destination,
            "times": link.times,
            "share": link.share,
        })
    });
    let warnings = done
        .warnings
        .iter()
        .map(|warning| json!({ "line": warning.line, "text": warning.flaw.to_string() }));
    Ok(Json(json!({
        "html": done.html,
        "links": links.collect::<Vec<Value>>(),
        "warnings": warnings.collect::<Vec<Value>>(),
    })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    count: u64,
    #[serde(default)]
    at: Option<String>,
}

/// `POST /api/v1/mailings/{id}/sent`.
pub(super) async fn sent(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Answer {
    let Count { count, at } = parsed(&bytes, "count, at")?;
    console.own_mailing(&caller, &id)?;
    done(&console.run(&Command::MailingSent { id: id.clone(), count, at }).await)?;
    Ok(Json(json!({ "mailing": report::described(&mailings::find(&console.state, &id)?) })))
}

/// `POST /api/v1/mailings/{id}/tokens`: each is told once, and kept nowhere.
pub(super) async fn tokens(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let Count { count, at: None } = parsed(&bytes, "count")? else {
        return Err(ApiError::bad("body: valid fields are count"));
    };
    let mailing = console.own_mailing(&caller, &id)?;
    if !(1..=limits::TOKENS_MAX).contains(&count) {
        return Err(ApiError::bad(format!("count: 1 to {}", limits::TOKENS_MAX)));
    }
    let key = mailings::living_key(&console.setup.mailroom, &mailing, console.clock.now())?;
    let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
    Ok((kind, Body::new(Tokens { key, left: count, begun: false })).into_response())
}

/// Tokens as CSV, made while they are read.
struct Tokens {
    key: MailingKey,
    left: u64,
    begun: bool,
}

impl http_body::Body for Tokens {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        if self.begun && self.left == 0 {
            return std::task::Poll::Ready(None);
        }
        let mut piece = String::new();
        if !self.begun {
            piece.push_str("token\n");
            self.begun = true;
        }
        for _ in 0..self.left.min(PIECE) {
            // Without a random source the list ends early: the sender counts its lines.
            let Ok(token) = self.key.token() else {
                self.left = 0;
                break;
            };
            piece.push_str(&token);
            piece.push('\n');
            self.left -= 1;
        }
        std::task::Poll::Ready(Some(Ok(http_body::Frame::data(piece.into()))))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    token: String,
}

/// `POST /api/v1/mailings/{id}/revoke`.
pub(super) async fn revoke(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Answer {
    let Token { token } = parsed(&bytes, "token")?;
    console.own_mailing(&caller, &id)?;
    let reply = console.run(&Command::MailingRevoke { id, token }).await;
    done(&reply)?;
    Ok(Json(json!({ "done": reply.lines.join("; ") })))
}

/// `DELETE /api/v1/mailings/{id}/key`.
pub(super) async fn shred(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer {
    console.own_mailing(&caller, &id)?;
    let reply = console.run(&Command::MailingShred { id }).await;
    done(&reply)?;
    Ok(Json(json!({ "done": reply.lines.join("; ") })))
}

impl From<MailingError> for ApiError {
    fn from(error: MailingError) -> Self {
        match error {
            MailingError::State(error) => error.into(),
            MailingError::Store(error) => error.into(),
            MailingError::Invalid(what) => Self::bad(what),
            MailingError::Key(error) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
            }
        }
    }
}
