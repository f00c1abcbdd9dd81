//! Making a mailing, and saying that it was sent.

use url::Url;

use super::{MailingError, Mailroom, find};
use crate::console::state::{KeyState, Mailing, StateDb, StateError};
use crate::hit::{MailingId, Second};
use crate::keys::{LinkKey, MailingKey};
use crate::limits;

const DAY_S: i64 = 24 * 60 * 60;

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMailing {
    /// What it is called.
    pub name: String,
    /// The site.
    pub site: String,
    /// `aggregate`, if none, or `token`.
    #[serde(default)]
    pub mode: Option<String>,
    /// In token mode: why its recipients may be told apart.
    #[serde(default)]
    pub consent: Option<String>,
    /// How many it was sent to, if it was.
    #[serde(default)]
    pub sent: u64,
    /// Hosts that its links may lead to, besides the site's.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// The `utm_campaign` of the visits that come from it; none: made of the name.
    #[serde(default)]
    pub campaign: Option<String>,
}

/// Makes a mailing.
pub(in crate::console) fn make(
    state: &StateDb,
    room: &Mailroom,
    new: &NewMailing,
    now: Second,
) -> Result<Mailing, MailingError> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(MailingError::invalid("name: 1 to 100 characters, on one line"));
    }
    let site = state.site(&new.site.trim().to_lowercase())?.ok_or(StateError::NoSite)?;
    let consent = new.consent.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let tokens = match (new.mode.as_deref().unwrap_or("aggregate"), consent) {
        ("aggregate", None) => false,
        ("aggregate", Some(_)) => {
            let what = "consent: in aggregate mode nobody is told apart, and none is needed";
            return Err(MailingError::invalid(what));
        }
        ("token", Some(text)) if text.chars().count() <= 500 => true,
        ("token", _) => {
            let what = "consent: token mode tells recipients apart; say in up to 500 characters \
                        what they agreed to, such as \"newsletter tracking, opt-in form v3\"";
            return Err(MailingError::invalid(what));
        }
        _ => return Err(MailingError::invalid("mode: aggregate or token")),
    };
    let hosts = new.hosts.iter().map(|host| allowed(host)).collect::<Result<_, _>>()?;
    let campaign = campaign(new.campaign.as_deref(), name)?;
    let mut bits = [0; 5];
    getrandom::fill(&mut bits).map_err(|_| StateError::Random)?;
    let id = MailingId::from_bits(bits);
    let key = if tokens {
        let key = MailingKey::draw().map_err(|_| StateError::Random)?;
        // Before the mailing: a key without one is nobody's, a mailing without its key is broken.
        room.keys.keep(id, &key)?;
        Some(KeyState { id: key.id(), destroyed: None, shredded: false })
    } else {
        None
    };
    let sent = (new.sent > 0).then_some(now);
    let mailing = Mailing {
        id,
        site: site.name,
        name: name.to_owned(),
        campaign,
        consent: consent.map(str::to_owned),
        hosts,
        link_key: LinkKey::draw().map_err(|_| StateError::Random)?,
        sent: new.sent,
        first_sent: sent,
        created: now,
        counts_until: sent.map_or(unsent_until(now), |at| counted_until(room, at)),
        links_until: Second(now.0 + i64::from(room.link_days) * DAY_S),
        key,
    };
    state.add_mailing(&mailing)?;
    Ok(mailing)
}

/// Says that a mailing was sent to `count` more, at `at`.
pub(in crate::console) fn sent(
    state: &StateDb,
    room: &Mailroom,
    id: &str,
    (count, at): (u64, Option<&str>),
    now: Second,
) -> Result<Mailing, MailingError> {
    let mailing = find(state, id)?;
    let at = match at {
        None => now,
        Some(text) => {
            let at = text.parse::<jiff::Timestamp>().map(|at| Second(at.as_second()));
            let valid = |at: &Second| *at <= now && at.0 >= mailing.created.0 - DAY_S;
            at.ok().filter(valid).ok_or_else(|| {
                MailingError::invalid(
                    "at: a time such as 2026-11-22T09:00:00Z, not in the future and at most a day \
                     before the mailing was made",
                )
            })?
        }
    };
    if count == 0 {
        return Err(MailingError::invalid("count: how many it was sent to, at least 1"));
    }
    state.mailing_sent(mailing.id, count, at, counted_until(room, at))?;
    Ok(find(state, id)?)
}

fn counted_until(room: &Mailroom, sent: Second) -> Second {
    Second(sent.0 + i64::from(room.count_days) * DAY_S)
}

/// A mailing that nobody says is sent is counted all the same: its key ends at some time.
fn unsent_until(now: Second) -> Second {
    Second(now.0 + limits::MAILING_UNSENT_DAYS * DAY_S)
}

/// A host as it is compared: in lower case, in ASCII.
fn allowed(host: &str) -> Result<String, MailingError> {
    let text = host.trim();
    let (below, name) = text.strip_prefix("*.").map_or(("", text), |name| ("*.", name));
    let url = Url::parse(&format!("https://{name}/")).ok();
    let is_whole = |url: &Url| {
        crate::edge::is_destination(url.as_str()) && url.path() == "/" && url.query().is_none()
    };
    let url = url.filter(|url| is_whole(url) && !name.contains(['/', '?', '#', '@', ':']));
    let found = url.and_then(|url| url.host_str().map(|host| format!("{below}{host}")));
    found.ok_or_else(|| {
        MailingError::invalid("hosts: host names such as shop.example.com or *.example.com")
    })
}

/// The campaign's name in URLs.
fn campaign(given: Option<&str>, name: &str) -> Result<String, MailingError> {
    let slug = |text: &str| -> String {
        let lower = text.chars().flat_map(char::to_lowercase);
        let plain = lower.map(|c| if c.is_ascii_alphanumeric() { c } else { ' ' });
        let words: String = plain.collect();
        let words: Vec<&str> = words.split_ascii_whitespace().collect();
        words.join("-").chars().take(limits::CAMPAIGN_CHARS_MAX).collect()
    };
    match given.map(str::trim) {
        Some(given) if !given.is_empty() && slug(given) == given => Ok(given.to_owned()),
        Some(_) => Err(MailingError::invalid(
            "campaign: lower case letters and digits with hyphens between them, such as \
             november-news",
        )),
        None => Ok(Some(slug(name)).filter(|it| !it.is_empty()).unwrap_or("mailing".to_owned())),
    }
}
