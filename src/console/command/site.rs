//! `headcount site`.

use super::{Desk, Reply};
use crate::console::state::StateError;
use crate::hit::SiteName;

/// Adds a site after checking its domain and time zone.
pub(super) fn add(
    desk: &Desk<'_>,
    domain: &str,
    timezone: Option<&str>,
) -> Result<Reply, StateError> {
    let name = match SiteName::parse(domain) {
        Ok(name) => name,
        Err(why) => return Ok(Reply::failed(format!("{why}; for example example.org"))),
    };
    if !is_host(name.as_str()) {
        return Ok(Reply::failed(
            "a site's domain is a host name without a scheme; for example example.org",
        ));
    }
    let timezone = timezone.unwrap_or("UTC");
    let Some(timezone) = known_zone(timezone) else {
        return Ok(Reply::failed(
            "there is no such time zone: give an IANA name, for example Europe/Berlin",
        ));
    };
    desk.state.add_site(&name, &timezone, desk.now)?;
    Ok(Reply::done(vec![format!("added {name}, whose days are those of {timezone}")]))
}

/// Whether what stands before a path or a port is a host name.
fn is_host(name: &str) -> bool {
    let host = name.split(['/', ':']).next().unwrap_or_default();
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    !name.contains("//") && !name.ends_with(['/', ':']) && host.split('.').all(label)
}

/// The zone's name as the database of time zones writes it.
fn known_zone(name: &str) -> Option<String> {
    let zone = jiff::tz::TimeZone::get(name).ok()?;
    zone.iana_name().map(str::to_owned)
}

pub(super) fn list(desk: &Desk<'_>) -> Result<Reply, StateError> {
    let line = |site: &crate::console::Site| {
        let from = if site.configured { "\tfrom the configuration file" } else { "" };
        format!("{}\t{}{from}", site.name, site.timezone)
    };
    Ok(Reply::done(desk.state.sites()?.iter().map(line).collect()))
}

pub(super) fn remove(desk: &Desk<'_>, domain: &str) -> Result<Reply, StateError> {
    let domain = domain.trim().to_lowercase();
    desk.state.remove_site(&domain)?;
    Ok(Reply::done(vec![format!("removed {domain} and its API keys; its counts stay")]))
}
