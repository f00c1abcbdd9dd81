//! The API.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query as Params, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::reader::{Caller, MayChangeSites, SignedIn};
use crate::console::Console;
use crate::console::command::Command;
use crate::console::state::Site;
use crate::hit::SiteName;
use crate::release::Reader;
use crate::stats::{self, Query};
use crate::store::Param;

pub(super) type Answer = Result<Json<Value>, ApiError>;

pub(super) fn body(bytes: &Bytes) -> Result<Value, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        ApiError::bad(format!("body: not JSON at line {line}, column {column}"))
    })
}

/// `POST /api/v2/query`.
pub(super) async fn query(
    State(console): State<Arc<Console>>,
    caller: Caller,
    bytes: Bytes,
) -> Answer {
    let query = Query::parse(&body(&bytes)?)?;
    let site = caller.site(&console, &query.site_id)?;
    let (zone, now) = (zone(&site)?, console.clock.now());
    let answer =
        stats::answer(&query, zone, now, Reader::OWNER, console.questions.as_ref()).await?;
    Ok(Json(answer))
}

/// `GET /api/v2/query/words`: what can be asked, and what each word means.
pub(super) async fn words(_: Caller) -> Answer {
    Ok(Json(stats::words()))
}

fn zone(site: &Site) -> Result<TimeZone, ApiError> {
    TimeZone::get(&site.timezone).map_err(|_| {
        let what = "the site's time zone is not known to this version of headcount";
        ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, what)
    })
}

/// `?site_id=`.
#[derive(Deserialize)]
pub(super) struct OfSite {
    site_id: Option<String>,
}

impl OfSite {
    pub(super) fn domain(&self) -> Result<&str, ApiError> {
        let missing = || ApiError::bad("site_id: give a site's domain as ?site_id=");
        self.site_id.as_deref().filter(|site| !site.is_empty()).ok_or_else(missing)
    }
}

/// `GET /api/v1/ledger?site_id=`.
pub(super) async fn ledger(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Params(of): Params<OfSite>,
) -> Answer {
    console.live.caught_up().await;
    let domain = of.domain()?;
    let name = if domain == SiteName::UNKNOWN && caller.may_read_all() {
        SiteName::unknown()
    } else {
        caller.site(&console, domain)?.name
    };
    let sql = "SELECT sumIf(hits, node != 'import'), sumIf(hits, node = 'import') FROM ledger \
               WHERE site = {site:String} AND reason = 'counted'";
    let params = [("site", Param::Text(name.as_str().to_owned()))];
    // First what is written, then what was counted: so that what is spooled is never negative.
    let rows = console.questions.ask(sql, &params).await?;
    let sum = |at: usize| rows.first()?.get(at)?.as_u64();
    let (written, imported) = (sum(0).unwrap_or(0), sum(1).unwrap_or(0));
    Ok(Json(balance(&console.live.ledger(&name), written, imported)))
}

/// The ledger's totals in the API's shape. `imported`: counted hits that came by no listener.
fn balance(totals: &[(&'static str, u64)], written: u64, imported: u64) -> Value {
    let total = |reason: &str| totals.iter().find(|(name, _)| *name == reason).map_or(0, |t| t.1);
    let under = |prefix: &str| {
        let entries = totals.iter().filter_map(|(name, hits)| {
            Some(((*name).strip_prefix(prefix)?.to_owned(), json!(hits)))
        });
        entries.collect::<Map<String, Value>>()
    };
    let counted = total("counted");
    json!({
        "received": total("received"),
        "counted": counted,
        "dropped": under("dropped:"),
        "rejected": under("rejected:"),
        "withheld": total("withheld"),
        "spooled": counted.saturating_sub(written),
        "written": written,
        "imported": imported,
    })
}

/// `GET /api/v1/live?site_id=`.
pub(super) async fn live(
    State(console): State<Arc<Console>>,
    caller: Caller,
    Params(of): Params<OfSite>,
) -> Answer {
    let site = caller.site(&console, of.domain()?)?;
    console.live.caught_up().await;
    Ok(Json(json!({
        "current_visitors": console.live.current_visitors(&site.name),
        "pageviews_per_minute": console.live.minutes(&site.name),
    })))
}

/// `GET /api/v1/session`.
pub(super) async fn session(
    State(console): State<Arc<Console>>,
    SignedIn(access): SignedIn,
) -> Answer {
    Ok(Json(json!({
        "signed_in": true,
        "email": access.email,
        "role": access.role.name(),
        "may_change_sites": access.may_change_sites(),
        "geo_attribution": console.live.geo_attribution(),
        "places": console.live.places(),
    })))
}

/// `GET /api/v1/sites`.
pub(super) async fn sites(State(console): State<Arc<Console>>, caller: Caller) -> Answer {
    let sites = console.state.sites()?;
    let readable = sites.iter().filter(|site| caller.may_read(site.name.as_str()));
    let sites: Vec<Value> = readable
        .map(|site| {
            json!({
                "domain": site.name.as_str(),
                "timezone": site.timezone,
                "configured": site.configured,
            })
        })
        .collect();
    Ok(Json(json!({ "sites": sites })))
}

/// `POST /api/v1/sites`.
pub(super) async fn add_site(
    State(console): State<Arc<Console>>,
    _: MayChangeSites,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    let fields: BTreeMap<String, String> = serde_json::from_value(body(&bytes)?)
        .map_err(|_| ApiError::bad("body: give an object of texts: domain, timezone"))?;
    if fields.keys().any(|name| !matches!(name.as_str(), "domain" | "timezone")) {
        return Err(ApiError::bad("body: valid fields are domain, timezone"));
    }
    let domain = fields.get("domain").cloned().unwrap_or_default();
    let timezone = fields.get("timezone").cloned();
    run(&console, &Command::SiteAdd { domain, timezone }, StatusCode::CREATED).await
}

/// `DELETE /api/v1/sites/{domain}`.
pub(super) async fn remove_site(
    State(console): State<Arc<Console>>,
    _: MayChangeSites,
    Path(domain): Path<String>,
) -> Result<Response, ApiError> {
    run(&console, &Command::SiteRemove { domain }, StatusCode::OK).await
}

async fn run(console: &Console, command: &Command, done: StatusCode) -> Result<Response, ApiError> {
    let reply = console.run(command).await;
    let said = reply.lines.join("; ");
    if reply.ok {
        Ok((done, Json(json!({ "done": said }))).into_response())
    } else {
        Err(ApiError::bad(said))
    }
}

/// `GET /metrics`.
pub(super) async fn metrics(State(console): State<Arc<Console>>) -> Response {
    console.live.caught_up().await;
    let mut text = String::new();
    console.live.metrics(&mut text);
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// Anything else under `/api/`.
pub(super) async fn unknown() -> ApiError {
    let what = "no such path; valid are POST /api/v2/query, GET /api/v2/query/words, \
                GET /api/v1/ledger, GET /api/v1/live, GET /api/v1/session, \
                GET and POST /api/v1/sites, DELETE /api/v1/sites/DOMAIN, \
                GET and POST /api/v1/mailings, GET /api/v1/mailings/ID, \
                POST /api/v1/mailings/ID/{wrap,sent,tokens,revoke}, \
                DELETE /api/v1/mailings/ID/key";
    ApiError::new(StatusCode::NOT_FOUND, what)
}
