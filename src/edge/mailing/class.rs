//! Who or what asks for a mail's pixel or follows its link, by documented signals alone.
//!
//! The order is that of the rules: what says clearly what it is comes before what is guessed. Time
//! since sending tells little (`count/mail/hold.rs` says why) and is asked of networks alone that
//! people share with filters. What a burst tells is decided later, by the counter.

use super::networks::{Certainty, MailNetworks};
use crate::edge::Places;
use crate::edge::enrich::{self, agent_of};
use crate::edge::raw::{RawClient, RawText};
use crate::hit::{MailAction, MailClass, Text};

/// A request, for what is asked of it.
pub(super) struct Asked<'a> {
    pub(super) action: MailAction,
    /// Seconds since the mailing was first sent; none: nobody said when.
    pub(super) since_sent_s: Option<i64>,
    pub(super) client: &'a RawClient<'a>,
}

/// What was told.
pub(super) struct Told {
    pub(super) class: MailClass,
    pub(super) client: Text,
    pub(super) system: Text,
    pub(super) country: Text,
}

/// Seconds after the sending in which a network that people share with filters is a filter's:
/// nearly all of 836 bursts of filters began within it (craft-campaign#546).
const FILTERING_S: i64 = 10 * 60;

/// Words in the agents of what looks for harm in mails, in lower case. Each vendor's own name for
/// itself, or that of its product.
const FILTERS: &[&str] = &[
    "barracuda",
    "bitdefender",
    "cloudmark",
    "forcepoint",
    "fortimail",
    "mimecast",
    "proofpoint",
    "safelinks",
    "sophos",
    "symantec",
    "trendmicro",
    "urldefense",
    "zscaler",
];

/// What mail programs say of themselves, in the order in which it is looked for.
const PROGRAMS: &[(&str, &str)] = &[
    ("Thunderbird/", "Thunderbird"),
    ("Betterbird/", "Thunderbird"),
    ("Microsoft Outlook", "Outlook"),
    ("ms-office", "Outlook"),
    ("MSOffice", "Outlook"),
    ("Outlook-iOS", "Outlook"),
    ("Outlook-Android", "Outlook"),
    ("eM Client", "eM Client"),
    ("eMClient", "eM Client"),
    ("Evolution/", "Evolution"),
    ("KMail/", "KMail"),
    ("Postbox/", "Postbox"),
    ("Airmail", "Airmail"),
    ("Lotus-Notes", "Notes"),
    ("claws-mail", "Claws Mail"),
    ("Claws Mail", "Claws Mail"),
    ("Geary/", "Geary"),
];

/// Who asks.
pub(super) fn told(asked: &Asked<'_>, places: &Places) -> Told {
    let client = asked.client;
    let agent = client.agent.as_ref().map(RawText::expose).unwrap_or_default().trim();
    let machine = |class, client| Told {
        class,
        client: enrich::of_list(client),
        system: Text::EMPTY,
        country: Text::EMPTY,
    };
    if let Some((class, name)) = service(agent, asked.action) {
        return machine(class, name);
    }
    // Sec-Purpose, and those before it: nobody has asked for it yet.
    if client.prefetch {
        return machine(MailClass::Prefetch, "");
    }
    let networks = places.mail_networks.as_deref().unwrap_or(MailNetworks::built_in());
    let in_filter = networks.find(&client.address, asked.action).is_some_and(|found| match found {
        Certainty::Certain => true,
        Certainty::Probable => {
            asked.since_sent_s.is_some_and(|since| (0..FILTERING_S).contains(&since))
        }
    });
    if in_filter || agent.is_empty() || names_filter(agent) {
        return machine(MailClass::Scanner, "");
    }
    let program = program(agent);
    let browser = agent_of(agent, &client.hints, false);
    let (client_name, system) = match (program, browser) {
        // A robot, a library, a preview, a browser that a program drives.
        (None, Err(_)) => return machine(MailClass::Scanner, ""),
        (Some(program), browser) => {
            (enrich::of_list(program), browser.map(|it| it.os).unwrap_or_default())
        }
        (None, Ok(browser)) => (browser.browser, browser.os),
    };
    let place = places.geo.as_deref().zip(client.prefix.address());
    let country = place.map(|(geo, at)| geo.place(at, places.detail).country).unwrap_or_default();
    Told { class: MailClass::Human, client: client_name, system, country }
}

/// A provider's or maker's own service, by what it says of itself.
fn service(agent: &str, action: MailAction) -> Option<(MailClass, &'static str)> {
    let open = action == MailAction::Open;
    // Fetched while a mail is shown, for whoever looks at it; from Google's addresses, without
    // cookies. "Images now showing", Gmail's blog, December 2013.
    if agent.contains("GoogleImageProxy") {
        return Some(if open {
            (MailClass::Proxied, "Gmail")
        } else {
            (MailClass::Scanner, "Gmail")
        });
    }
    // Fetched while the mailbox is open, before the mail is: 1 to 6 % of Gmail's opens over 9.8
    // thousand million events (SparkPost, now Bird). An Edge of 2015 that names Mozilla twice.
    if agent.ends_with("Edge/12.246 Mozilla/5.0") {
        return Some((MailClass::Prefetch, "Gmail"));
    }
    // Fetched at the first view: help.yahoo.com/kb/SLN28749.
    if agent.starts_with("YahooMailProxy") {
        return Some(if open {
            (MailClass::Proxied, "Yahoo Mail")
        } else {
            (MailClass::Scanner, "Yahoo Mail")
        });
    }
    // Apple's Mail Privacy Protection, since September 2021: this and no more, for every mail,
    // read or not. No browser says just that, so that a click with it is no person's.
    if agent == "Mozilla/5.0" {
        return Some(if open {
            (MailClass::PrivacyProxy, "Apple Mail")
        } else {
            (MailClass::Scanner, "")
        });
    }
    None
}

fn names_filter(agent: &str) -> bool {
    let agent = agent.to_ascii_lowercase();
    FILTERS.iter().any(|word| agent.contains(word))
}

/// The mail program that an agent names.
fn program(agent: &str) -> Option<&'static str> {
    let named = PROGRAMS.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    // Apple's Mail says what it is built on, and not, as Safari does, what it is.
    let apple = || {
        let webkit = agent.contains("AppleWebKit/") && agent.contains("Mac OS X");
        let bare =
            !["Safari/", "Chrome/", "Version/", "CriOS/", "FxiOS/", "GSA/", "FBAN", "Instagram"]
                .iter()
                .any(|mark| agent.contains(mark));
        (webkit && bare).then_some("Apple Mail")
    };
    named.or_else(apple)
}
