//! The door: a raw hit goes in by value, a record without personal data comes out.

use super::Places;
use super::decode::Malformed;
use super::enrich::{self, Agent, PageUrl, Place, Source};
use super::raw::{RawClient, RawHit, RawKind, RawText};
use super::sites::{Signals, SiteDay};
use crate::hit::{DropReason, Hit, HitKind, Record, Second, VisitDims, Visitor};
use crate::keys::VisitorParts;

const URL: Malformed = Malformed {
    field: "url",
    why: "must be an http or https address, or a path that begins with a slash",
};

const NAME: Malformed = Malformed { field: "name", why: "must be a name, not an identifier" };

/// Turns a hit of `site` at the time `at` into what may be kept: a hit or a drop. The only way
/// out of the edge for what a client sent.
///
/// The order of the reasons to drop is the order in which they are looked for: what a visitor asks
/// for comes first, and costs nothing.
pub(super) fn deidentify(
    raw: RawHit<'_>,
    site: &SiteDay,
    places: &Places,
    at: Second,
) -> Result<Record, Malformed> {
    let RawHit { client, kind, automated, denied, touch, url, referrer, device } = raw;
    let dropped = |reason| Ok(Record::Drop { site: site.site.clone(), at, reason });
    let withheld = client.wishes.no_tracking || denied;
    if client.wishes.opted_out || (withheld && site.signals == Signals::Drop) {
        return dropped(DropReason::OptOut);
    }
    if client.prefetch {
        return dropped(DropReason::Prefetch);
    }
    if automated {
        return dropped(DropReason::Headless);
    }
    if let Some(reason) = site.rules.of_client(client) {
        return dropped(reason);
    }
    let hosted = places.data_centres.as_deref().zip(client.prefix.address());
    if site.rules.block_data_centres && hosted.is_some_and(|(list, network)| list.hold(network)) {
        return dropped(DropReason::DataCentre);
    }
    let told = client.agent.as_ref().map(RawText::expose);
    let known = client.known.as_ref();
    let agent = match told.map(|agent| enrich::agent_of(agent, &client.hints, touch)) {
        None => known.map(enrich::agent_known).unwrap_or_default(),
        Some(Ok(agent)) => agent,
        Some(Err(reason)) => return dropped(reason),
    };
    let page = enrich::page_url(url.expose(), site.site.as_str()).ok_or(URL)?;
    if let Some(reason) = site.rules.of_page(&page.hostname, &page.page) {
        return dropped(reason);
    }
    let place = places.geo.as_deref().zip(client.prefix.address());
    let place = match known {
        Some(known) => enrich::place_known(known),
        None => place.map(|(geo, at)| geo.place(at, places.detail)).unwrap_or_default(),
    };
    if let Some(reason) = site.rules.of_country(&place.country) {
        return dropped(reason);
    }
    let Some(kind) = clean(kind)? else { return dropped(DropReason::Unsupported) };
    let source = enrich::source_of(&page.campaign, referrer.expose(), page.hostname.as_str());
    if source.spam {
        return dropped(DropReason::ReferrerSpam);
    }
    let (visitor, dims) = if withheld {
        (Visitor::Withheld, VisitDims::default())
    } else {
        let parts = VisitorParts {
            address: client.address.expose(),
            agent: told.unwrap_or_default().as_bytes(),
            language: client.language.expose().as_bytes(),
            device: device.expose().as_bytes(),
        };
        (site.visitor(&parts), dimensions(client, &page, source, agent, place))
    };
    let (day, hour) = site.stamp(at);
    let PageUrl { hostname, page, campaign: _ } = page;
    let site = site.site.clone();
    Ok(Record::Hit(Hit {
        site,
        at,
        day,
        hour,
        visitor,
        kind,
        hostname,
        page,
        dims: Box::new(dims),
    }))
}

/// What may be kept of it; none: nothing of it is counted.
fn clean(kind: RawKind<'_>) -> Result<Option<HitKind>, Malformed> {
    Ok(Some(match kind {
        RawKind::Unsupported => return Ok(None),
        RawKind::Pageview => HitKind::Pageview,
        RawKind::Engagement { engaged_ms, scroll_percent } => {
            HitKind::Engagement { engaged_ms, scroll_percent }
        }
        RawKind::Event { name, interactive, props, revenue } => {
            let name = enrich::event_name(name.expose());
            if name.is_empty() {
                return Err(NAME);
            }
            let props = props.iter().filter_map(|(k, v)| enrich::prop(k.expose(), v.expose()));
            HitKind::Event { name, interactive, props: props.collect(), revenue }
        }
    }))
}

fn dimensions(
    client: &RawClient<'_>,
    page: &PageUrl,
    source: Source,
    agent: Agent,
    place: Place,
) -> VisitDims {
    let campaign = &page.campaign;
    VisitDims {
        channel: source.channel,
        source: source.source,
        referrer_host: source.referrer_host,
        utm_source: campaign.utm_source.clone(),
        utm_medium: campaign.utm_medium.clone(),
        utm_campaign: campaign.utm_campaign.clone(),
        utm_content: campaign.utm_content.clone(),
        utm_term: campaign.utm_term.clone(),
        country: place.country,
        region: place.region,
        city: place.city,
        browser: agent.browser,
        browser_version: agent.browser_version,
        os: agent.os,
        os_version: agent.os_version,
        device: agent.device,
        language: enrich::language_of(client.language.expose()),
    }
}
