#![allow(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::disallowed_methods,
    clippy::disallowed_types
)]
use crate::hit::Text;
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};
pub(super) struct PageUrl {
    pub hostname: Text,
    pub page: Text,
    pub campaign: Campaign,
}
#[derive(Default)]
pub(super) struct Campaign {
    pub utm_source: Text,
    pub utm_medium: Text,
    pub utm_campaign: Text,
    pub utm_content: Text,
    pub utm_term: Text,
    pub tag: Text,
}
pub(super) struct Source {
    pub channel: Text,
    pub source: Text,
    pub referrer_host: Text,
    pub spam: bool,
}
#[derive(Default)]
pub(super) struct Agent {
    pub bot: bool,
    pub browser: Text,
    pub browser_version: Text,
    pub os: Text,
    pub os_version: Text,
    pub device: Text,
}
pub struct Geo;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct GeoError;
impl Geo {
    pub fn open(_: &Path) -> Result<Geo, GeoError> {
        Err(GeoError)
    }
    pub fn default_database() -> Option<PathBuf> {
        None
    }
    pub(super) fn country(&self, _: IpAddr) -> Text {
        Text::EMPTY
    }
    pub fn built(&self) -> u64 {
        0
    }
}
fn t(s: &str) -> Text {
    Text::from_scrubbed(s)
}
pub(super) fn page_url(url: &str, host: &str) -> Option<PageUrl> {
    let (h, p) = if url.starts_with('/') {
        (host, url)
    } else {
        let r = url.strip_prefix("https://").or(url.strip_prefix("http://"))?;
        r.find('/').map_or((r, "/"), |i| r.split_at(i))
    };
    Some(PageUrl {
        hostname: t(h),
        page: t(p.split(['?', '#']).next()?),
        campaign: Campaign::default(),
    })
}
pub(super) fn event_name(n: &str) -> Text {
    t(n)
}
pub(super) fn prop(k: &str, v: &str) -> Option<(Text, Text)> {
    Some((t(k), t(v)))
}
pub(super) fn source_of(_: &Campaign, _: &str, _: &str) -> Source {
    Source { channel: t("Direct"), source: t(""), referrer_host: t(""), spam: false }
}
pub(super) fn agent_of(a: &str) -> Agent {
    Agent { bot: a.is_empty() || a.contains("bot"), ..Agent::default() }
}
pub(super) fn language_of(_: &str) -> Text {
    t("")
}
