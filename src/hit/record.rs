//! The hit, and everything else that the counter must know, as records of the spool.

use super::field::{Clean, labels};
use super::mail::MailHit;
use super::{Bucket, Currency, Day, Revenue, Second, SiteName, Text, VisitorId};
use crate::keys::KeyId;

/// One accepted request, de-identified, and stamped with its site's day and hour, so that nothing
/// after the edge depends on a time zone or its data.
#[derive(Clone, PartialEq)]
pub struct Hit {
    /// The site.
    pub site: SiteName,
    /// When it was received.
    pub at: Second,
    /// The site's day.
    pub day: Day,
    /// The bucket in which the site's hour began: the hour's name.
    pub hour: Bucket,
    /// Whose hit it is.
    pub visitor: Visitor,
    /// What it says.
    pub kind: HitKind,
    /// The page's host name, without port.
    pub hostname: Text,
    /// The page's scrubbed path.
    pub page: Text,
    /// What a visit that this hit opens would stand under.
    pub dims: Box<VisitDims>,
}

/// Whose hit it is.
#[derive(Clone, PartialEq)]
pub enum Visitor {
    /// A device that is known for this day.
    Known {
        /// The key that made `id`: one time zone, one day.
        key: KeyId,
        /// The id of the hit's own day.
        id: VisitorId,
        /// In the 30 minutes after a midnight: the id under the day before, and its key.
        before: Option<(KeyId, VisitorId)>,
    },
    /// The visitor asked not to be counted as one (GPC, DNT): no id was computed.
    Withheld,
    /// The id was in a sealed field whose key has died. Only a replay yields it.
    Lost,
}

/// What a hit says.
#[derive(Clone, Debug, PartialEq)]
pub enum HitKind {
    /// A page was viewed.
    Pageview,
    /// Something else happened on a page.
    Event {
        /// The event's name.
        name: Text,
        /// Whether it ends a bounce.
        interactive: bool,
        /// Properties; keys and values are scrubbed. At most `limits::PROPS_MAX`.
        props: Vec<(Text, Text)>,
        /// What it brought in.
        revenue: Option<Revenue>,
    },
    /// How long and how far a page was read, since the last such report.
    Engagement {
        /// Milliseconds visible and focused.
        engaged_ms: u32,
        /// The deepest point reached, in percent of the page, 0 to 100; none if not reported.
        scroll_percent: Option<u8>,
    },
}

/// The dimensions of a visit: those of the hit that opens it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct VisitDims {
    /// `Organic Search`, `Direct`, …
    pub channel: Text,
    /// The source's name: `Google`, `newsletter`; empty: direct.
    pub source: Text,
    /// The referring host.
    pub referrer_host: Text,
    /// The five campaign parameters.
    pub utm_source: Text,
    /// `utm_medium`.
    pub utm_medium: Text,
    /// `utm_campaign`.
    pub utm_campaign: Text,
    /// `utm_content`.
    pub utm_content: Text,
    /// `utm_term`.
    pub utm_term: Text,
    /// ISO 3166 alpha-2, or empty.
    pub country: Text,
    /// Region, where the operator turned it on.
    pub region: Text,
    /// City, where the operator turned it on.
    pub city: Text,
    /// Browser family.
    pub browser: Text,
    /// Its major version.
    pub browser_version: Text,
    /// System family.
    pub os: Text,
    /// Its major version.
    pub os_version: Text,
    /// `Desktop`, `Mobile`, `Tablet`, …
    pub device: Text,
    /// Primary language subtag, lower case.
    pub language: Text,
}

impl VisitDims {
    /// How many dimensions there are.
    pub(crate) const COUNT: usize = 17;

    /// Each dimension, in the order of their columns.
    #[must_use]
    pub(crate) fn texts(&self) -> [&Text; Self::COUNT] {
        let Self {
            channel,
            source,
            referrer_host,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            country,
            region,
            city,
            browser,
            browser_version,
            os,
            os_version,
            device,
            language,
        } = self;
        [
            channel,
            source,
            referrer_host,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            country,
            region,
            city,
            browser,
            browser_version,
            os,
            os_version,
            device,
            language,
        ]
    }

    /// Each dimension, to be written, in the order of [`VisitDims::texts`].
    pub(crate) fn texts_mut(&mut self) -> [&mut Text; Self::COUNT] {
        let Self {
            channel,
            source,
            referrer_host,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            country,
            region,
            city,
            browser,
            browser_version,
            os,
            os_version,
            device,
            language,
        } = self;
        [
            channel,
            source,
            referrer_host,
            utm_source,
            utm_medium,
            utm_campaign,
            utm_content,
            utm_term,
            country,
            region,
            city,
            browser,
            browser_version,
            os,
            os_version,
            device,
            language,
        ]
    }
}

/// Which clock a record goes by. Live traffic and each import have a lane of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// From a listener, now.
    Live,
}

/// Everything that the counter must know, in spool order.
#[derive(Clone, PartialEq)]
pub enum Record {
    /// A hit. Acknowledged.
    Hit(Hit),
    /// What happened to a mailing.
    Mail(Box<MailHit>),
    /// A hit that is not counted, and why. Acknowledged.
    Drop {
        /// Its site.
        site: SiteName,
        /// When.
        at: Second,
        /// Why.
        reason: DropReason,
    },
    /// Requests that were refused: the client was told so.
    Reject {
        /// Their site, as far as it was known.
        site: SiteName,
        /// When the last one came.
        at: Second,
        /// Why.
        reason: RejectReason,
        /// How many.
        hits: u64,
    },
    /// What the listener counted by itself, in the frame that this record closes.
    Received {
        /// The site.
        site: SiteName,
        /// When.
        at: Second,
        /// How many.
        hits: u64,
    },
    /// A site's day, and the half hour in which a visit can go on, are over.
    DayEnd {
        /// The site.
        site: SiteName,
        /// When this was noticed.
        at: Second,
        /// The day that is over; earlier days are too.
        day: Day,
    },
    /// Keys were lost in a restart: the day's uniques begin anew.
    KeysLost {
        /// The site.
        site: SiteName,
        /// When.
        at: Second,
    },
    /// A mailing's key is destroyed: its recipients are forgotten.
    MailingOver {
        /// The site.
        site: SiteName,
        /// When.
        at: Second,
        /// The key.
        key: KeyId,
    },
    /// It is this late: what was held back for a few seconds goes on.
    Passed {
        /// No site in particular.
        site: SiteName,
        /// The time.
        at: Second,
    },
}

impl Record {
    /// The site that it is about.
    #[must_use]
    pub fn site(&self) -> &SiteName {
        match self {
            Self::Hit(hit) => &hit.site,
            Self::Mail(hit) => &hit.site,
            Self::Drop { site, .. }
            | Self::Reject { site, .. }
            | Self::Received { site, .. }
            | Self::DayEnd { site, .. }
            | Self::KeysLost { site, .. }
            | Self::MailingOver { site, .. }
            | Self::Passed { site, .. } => site,
        }
    }

    /// When it was.
    #[must_use]
    pub fn at(&self) -> Second {
        match self {
            Self::Hit(hit) => hit.at,
            Self::Mail(hit) => hit.at,
            Self::Drop { at, .. }
            | Self::Reject { at, .. }
            | Self::Received { at, .. }
            | Self::DayEnd { at, .. }
            | Self::KeysLost { at, .. }
            | Self::MailingOver { at, .. }
            | Self::Passed { at, .. } => *at,
        }
    }
}

/// A closed list of words with the names that they have among all of the ledger's reasons.
macro_rules! reasons {
    ($(#[$doc:meta])* $name:ident under $under:literal {
        $($(#[$vdoc:meta])* $variant:ident = $code:literal $label:literal,)*
    }) => {
        labels! {
            $(#[$doc])*
            $name { $($(#[$vdoc])* $variant = $code $label,)* }
        }

        impl $name {
            /// Its name among all of the ledger's reasons.
            #[must_use]
            pub fn ledger_label(self) -> &'static str {
                match self { $(Self::$variant => concat!($under, ":", $label),)* }
            }
        }
    };
}

reasons! {
    /// Why an acknowledged hit is not counted.
    DropReason under "dropped" {
        /// Its domain is not measured here.
        UnknownSite = 1 "unknown_site",
        /// The agent is a robot, a library or a preview.
        Bot = 2 "bot",
        /// The referrer is known spam.
        ReferrerSpam = 3 "referrer_spam",
        /// The request was a prefetch.
        Prefetch = 4 "prefetch",
        /// The visitor opted out, or the site drops hits that carry GPC or DNT.
        OptOut = 5 "opt_out",
        /// An engagement without a visit or a view that it belongs to. Decided by the counter.
        NoVisit = 6 "no_visit",
        /// Older than the retention. Decided before counting.
        Expired = 7 "expired",
        /// What it says is nothing that is counted: a heartbeat, an identification.
        Unsupported = 8 "unsupported",
        /// Its network is blocked for the site.
        BlockedAddress = 9 "blocked_address",
        /// Its country is blocked for the site.
        BlockedCountry = 10 "blocked_country",
        /// Its page is blocked for the site.
        BlockedPage = 11 "blocked_page",
        /// Its host name is blocked for the site, or not among those that are allowed.
        BlockedHostname = 12 "blocked_hostname",
        /// A browser that a program drives.
        Headless = 13 "headless",
        /// Its network is a data centre's, and the site drops those.
        DataCentre = 14 "data_centre",
        /// The URL is of no mailing that is known here.
        UnknownMailing = 15 "unknown_mailing",
        /// The URL, or the token in it, was not made here.
        Forged = 16 "forged",
        /// The mailing is counted no more.
        MailingOver = 17 "mailing_over",
        /// The same again within a minute. Decided by the counter.
        Repeated = 18 "repeated",
        /// Its recipient asked to be counted no more. Decided by the counter.
        Withdrawn = 19 "withdrawn",
        /// The link leads to a host that the mailing does not allow.
        BlockedLink = 20 "blocked_link",
    }
}

reasons! {
    /// Why a request was refused.
    RejectReason under "rejected" {
        /// The body or query is not of the form.
        Malformed = 1 "malformed",
        /// A body, URL or header over its bound.
        TooLarge = 2 "too_large",
        /// More than the rate limit allows.
        RateLimited = 3 "rate_limited",
        /// Spool or outbox is full, or the disk failed.
        Shed = 4 "shed",
        /// The body did not arrive in time.
        Timeout = 5 "timeout",
        /// The client went away before its request was whole.
        Abandoned = 6 "abandoned",
    }
}

impl Clean for Visitor {}
impl Clean for HitKind {}
impl Clean for VisitDims {}

/// Does not compile when a field is added that is not listed here or whose type is not `Clean`.
#[expect(dead_code, reason = "its body is a check that the compiler makes")]
fn every_field_is_clean(hit: &Hit, kind: &HitKind, visitor: &Visitor, dims: &VisitDims) {
    fn clean<T: Clean>(_: &T) {}
    let Hit { site, at, day, hour, visitor: whose, kind: what, hostname, page, dims: under } = hit;
    clean(site);
    clean(at);
    clean(day);
    clean(hour);
    clean(whose);
    clean(what);
    clean(hostname);
    clean(page);
    clean(under);
    match kind {
        HitKind::Pageview => {}
        HitKind::Event { name, interactive, props, revenue } => {
            clean(name);
            clean(interactive);
            clean(props);
            clean(revenue);
        }
        HitKind::Engagement { engaged_ms, scroll_percent } => {
            clean(engaged_ms);
            clean(scroll_percent);
        }
    }
    match visitor {
        Visitor::Known { key: _, id, before } => {
            clean(id);
            if let Some((_, id)) = before {
                clean(id);
            }
        }
        Visitor::Withheld | Visitor::Lost => {}
    }
    dims.texts().into_iter().for_each(clean);
    let Revenue { minor: _, currency } = Revenue { minor: 0, currency: Currency::NONE };
    clean(&currency);
}
