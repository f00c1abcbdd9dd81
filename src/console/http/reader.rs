//! Who asks: an API key that reads one site, or somebody who is signed in.

#![expect(clippy::disallowed_types, reason = "the console reads its own readers' requests")]

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use std::sync::Arc;

use super::error::ApiError;
use crate::console::Console;
use crate::console::state::{Access, Role, Site};

/// The session cookie's name.
pub(super) const COOKIE: &str = "headcount_session";

const FETCH_SITE: header::HeaderName = header::HeaderName::from_static("sec-fetch-site");

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Holds an API key.
    Key {
        /// The domain of the site that it reads.
        site: String,
        /// Whether it makes mailings of that site, too.
        mailings: bool,
    },
    /// Is signed in.
    SignedIn(Access),
}

/// A caller who is signed in: keys change nothing.
pub(super) struct SignedIn(pub(super) Access);

/// A caller who may add and remove sites.
pub(super) struct MayChangeSites;

impl Caller {
    /// Whether the caller may read that site.
    pub(super) fn may_read(&self, domain: &str) -> bool {
        match self {
            Self::Key { site, .. } => site == domain,
            Self::SignedIn(access) => access.may_read(domain),
        }
    }

    /// Whether the caller may make, wrap and end mailings of that site.
    pub(super) fn may_make_mailings(&self, domain: &str) -> bool {
        match self {
            Self::Key { site, mailings } => *mailings && site == domain,
            Self::SignedIn(access) => access.may_read(domain) && access.role != Role::Viewer,
        }
    }

    /// Whether the caller may read what is no site's.
    pub(super) fn may_read_all(&self) -> bool {
        matches!(self, Self::SignedIn(Access { sites: None, .. }))
    }

    /// The site of that domain, if the caller may read it.
    pub(super) fn site(&self, console: &Console, domain: &str) -> Result<Site, ApiError> {
        let allowed = self.may_read(domain);
        let site = if allowed { console.state.site(domain)? } else { None };
        site.ok_or_else(|| {
            let what = match self {
                Self::Key { site, .. } => format!("site_id: this key reads {site} only"),
                Self::SignedIn(_) => {
                    "site_id: there is no such site; see GET /api/v1/sites".to_owned()
                }
            };
            ApiError::new(StatusCode::FORBIDDEN, what)
        })
    }
}

impl FromRequestParts<Arc<Console>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, ApiError> {
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            let key = value.to_str().ok().and_then(bearer);
            let site = key.map(|key| console.state.site_of_key(key)).transpose()?.flatten();
            let caller =
                site.map(|(site, mailings)| Self::Key { site: site.as_str().to_owned(), mailings });
            return caller.ok_or_else(|| {
                let what = "this API key is not known: make one with `headcount key create`";
                ApiError::new(StatusCode::UNAUTHORIZED, what)
            });
        }
        let Some(access) = access(console, &parts.headers)? else {
            let what = "sign in, or send an API key as `Authorization: Bearer KEY`";
            return Err(ApiError::new(StatusCode::UNAUTHORIZED, what));
        };
        same_origin(&parts.method, &parts.headers)?;
        Ok(Self::SignedIn(access))
    }
}

impl FromRequestParts<Arc<Console>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, ApiError> {
        match Caller::from_request_parts(parts, console).await? {
            Caller::SignedIn(access) => Ok(Self(access)),
            Caller::Key { .. } => {
                let what = "an API key reads figures only: sign in for this";
                Err(ApiError::new(StatusCode::FORBIDDEN, what))
            }
        }
    }
}

impl FromRequestParts<Arc<Console>> for MayChangeSites {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, ApiError> {
        let SignedIn(access) = SignedIn::from_request_parts(parts, console).await?;
        if access.may_change_sites() {
            return Ok(Self);
        }
        let what = "you may read: an owner or editor of all sites can change them";
        Err(ApiError::new(StatusCode::FORBIDDEN, what))
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// What the holder of the request's session may do, if it carries one that lasts.
pub(super) fn access(console: &Console, headers: &HeaderMap) -> Result<Option<Access>, ApiError> {
    match session(headers) {
        Some(session) => Ok(console.state.access(session, console.clock.now())?),
        None => Ok(None),
    }
}

/// The session cookie's value.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// A page of another origin must not act with the reader's cookie: what is not a plain look comes
/// as JSON, which a form cannot send, and says that it comes from the console itself.
pub(super) fn same_origin(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let is_json = text(header::CONTENT_TYPE).is_some_and(|value| {
        value.split(';').next().is_some_and(|kind| kind.trim() == "application/json")
    });
    if !is_json {
        let what = "content-type: send application/json";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, what));
    }
    sent_here(headers)
}

/// Whether a request comes from a page of the console's own, or from no browser.
pub(super) fn sent_here(headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // A browser says at least one of the two; what says neither is no browser and sends no cookie
    // by itself. The first is the better one: a proxy may have changed the host.
    let sent_here = match (text(FETCH_SITE), text(header::ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin
            .split_once("://")
            .is_some_and(|(_, authority)| Some(authority) == text(header::HOST)),
        (None, None) => true,
    };
    if sent_here {
        Ok(())
    } else {
        let what = "origin: this came from another site's page";
        Err(ApiError::new(StatusCode::FORBIDDEN, what))
    }
}
