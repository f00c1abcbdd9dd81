//! Strategies for hits and records, for the property tests of every stage.

#![expect(clippy::disallowed_methods, reason = "what is made up here never was personal")]

use std::fmt;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{
    Bucket, Currency, Day, DropReason, Hit, HitKind, MailAction, MailClass, MailHit, MailingId,
    Recipient, Record, RejectReason, Revenue, Second, SiteName, Text, VisitDims, Visitor,
    VisitorId, encode_record,
};
use crate::keys::KeyId;
use crate::limits;

/// A record that a failing test can show: as its bytes, without the ids.
#[derive(Clone, PartialEq)]
pub(crate) struct Shown(pub(crate) Record);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut bytes, mut ids) = (Vec::new(), Vec::new());
        encode_record(&self.0, &mut bytes, &mut ids);
        write!(f, "{} with {} ids", bytes.escape_ascii(), ids.len())
    }
}

/// Any record.
pub(crate) fn record() -> impl Strategy<Value = Shown> {
    let drops = prop::sample::select(DropReason::ALL);
    let rejects = prop::sample::select(RejectReason::ALL);
    prop_oneof![
        6 => hit(),
        1 => (site(), second(), drops)
            .prop_map(|(site, at, reason)| Shown(Record::Drop { site, at, reason })),
        1 => (site(), second(), rejects, any::<u64>())
            .prop_map(|(site, at, reason, hits)| Shown(Record::Reject { site, at, reason, hits })),
        1 => (site(), second(), any::<u64>())
            .prop_map(|(site, at, hits)| Shown(Record::Received { site, at, hits })),
        1 => (site(), second(), day()).prop_map(|(site, at, day)| Shown(Record::DayEnd { site, at, day })),
        1 => (site(), second()).prop_map(|(site, at)| Shown(Record::KeysLost { site, at })),
        2 => mail(),
        1 => (site(), second(), any::<u64>())
            .prop_map(|(site, at, key)| Shown(Record::MailingOver { site, at, key: KeyId(key) })),
        1 => (site(), second()).prop_map(|(site, at)| Shown(Record::Passed { site, at })),
    ]
}

fn mail() -> impl Strategy<Value = Shown> {
    let what = (
        any::<[u8; 5]>(),
        any::<u16>(),
        prop::sample::select(MailAction::ALL),
        prop::sample::select(MailClass::ALL),
    );
    let whose = (option::of(any::<(u64, u64)>()), option::of(any::<(u64, u64, u64)>()));
    (site(), second(), what, (text(), text(), text()), whose).prop_map(
        |(
            site,
            at,
            (bits, link, action, class),
            (client, system, country),
            (sender, recipient),
        )| {
            let id = VisitorId::from_raw;
            Shown(Record::Mail(Box::new(MailHit {
                site,
                at,
                mailing: MailingId::from_bits(bits),
                link,
                action,
                class,
                client,
                system,
                country,
                sender: sender.map(|(key, of)| (KeyId(key), id(of))),
                recipient: recipient.map(|(key, of, network)| Recipient {
                    key: KeyId(key),
                    id: id(of),
                    network: id(network),
                }),
            })))
        },
    )
}

fn hit() -> impl Strategy<Value = Shown> {
    let head = (site(), second(), day(), any::<u32>().prop_map(Bucket));
    (head, visitor(), kind(), text(), text(), dims()).prop_map(
        |((site, at, day, hour), visitor, kind, hostname, page, dims)| {
            let visitor = visitor.into_visitor();
            let dims = Box::new(dims);
            Shown(Record::Hit(Hit { site, at, day, hour, visitor, kind, hostname, page, dims }))
        },
    )
}

/// A [`Visitor`] before it becomes one: a test's made-up ids may be shown, a visitor's not.
#[derive(Clone, Debug)]
enum Bits {
    Known(KeyId, u64, Option<(KeyId, u64)>),
    Withheld,
    Lost,
}

impl Bits {
    fn into_visitor(self) -> Visitor {
        match self {
            Self::Known(key, id, before) => Visitor::Known {
                key,
                id: VisitorId::from_raw(id),
                before: before.map(|(key, id)| (key, VisitorId::from_raw(id))),
            },
            Self::Withheld => Visitor::Withheld,
            Self::Lost => Visitor::Lost,
        }
    }
}

fn visitor() -> impl Strategy<Value = Bits> {
    let before = option::of((key_id(), any::<u64>()));
    prop_oneof![
        6 => (key_id(), any::<u64>(), before)
            .prop_map(|(key, id, before)| Bits::Known(key, id, before)),
        1 => Just(Bits::Withheld),
        1 => Just(Bits::Lost),
    ]
}

fn kind() -> impl Strategy<Value = HitKind> {
    let props = vec((text(), text()), 0..=limits::PROPS_MAX);
    prop_oneof![
        Just(HitKind::Pageview),
        (text(), any::<bool>(), props, option::of(revenue())).prop_map(
            |(name, interactive, props, revenue)| HitKind::Event {
                name,
                interactive,
                props,
                revenue
            }
        ),
        (any::<u32>(), option::of(any::<u8>())).prop_map(|(engaged_ms, scroll_percent)| {
            HitKind::Engagement { engaged_ms, scroll_percent }
        }),
    ]
}

fn revenue() -> impl Strategy<Value = Revenue> {
    let currency = "[A-Z]{3}".prop_map(|code| Currency::parse(&code).expect("three letters"));
    (any::<i64>(), currency).prop_map(|(minor, currency)| Revenue { minor, currency })
}

fn dims() -> impl Strategy<Value = VisitDims> {
    vec(text(), 17).prop_map(|texts| {
        let mut texts = texts.into_iter();
        let mut next = || texts.next().unwrap_or_default();
        VisitDims {
            channel: next(),
            source: next(),
            referrer_host: next(),
            utm_source: next(),
            utm_medium: next(),
            utm_campaign: next(),
            utm_content: next(),
            utm_term: next(),
            country: next(),
            region: next(),
            city: next(),
            browser: next(),
            browser_version: next(),
            os: next(),
            os_version: next(),
            device: next(),
            language: next(),
        }
    })
}

/// A text: often empty, sometimes longer than one length byte can say.
pub(crate) fn text() -> impl Strategy<Value = Text> {
    prop_oneof![2 => Just(String::new()), 6 => "\\PC{1,20}", 1 => "[a-z/]{120,300}"]
        .prop_map(|text| Text::from_scrubbed(&text))
}

/// A site, one of few, or none.
pub(crate) fn site() -> impl Strategy<Value = SiteName> {
    prop_oneof![
        4 => "[a-c]\\.example".prop_map(|name| SiteName::parse(&name).expect("a domain")),
        1 => Just(SiteName::unknown()),
    ]
}

/// Any second, most of them of our time.
pub(crate) fn second() -> impl Strategy<Value = Second> {
    prop_oneof![4 => 1_700_000_000..2_000_000_000_i64, 1 => any::<i64>()].prop_map(Second)
}

fn day() -> impl Strategy<Value = Day> {
    prop_oneof![4 => 19_000..25_000_i32, 1 => any::<i32>()].prop_map(Day)
}

fn key_id() -> impl Strategy<Value = KeyId> {
    prop_oneof![1 => 0..4_u64, 1 => any::<u64>()].prop_map(KeyId)
}
