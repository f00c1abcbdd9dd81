//! The same for mailings: every mail hit is kept, and each is judged afterwards by looking at all
//! the others.

use std::collections::{BTreeMap, BTreeSet};

use headcount::count::{Counter, Deltas, LedgerKey, MailCounters, MailKey, Rows};
use headcount::hit::{
    MailAction, MailClass, MailHit, MailingId, Recipient, Record, Second, SiteName, Text, VisitorId,
};
use headcount::keys::KeyId;
use proptest::prelude::*;

use super::compare;
use super::laws::FREE;

/// Seconds: of the hold, within which the same is the same again, after a burst.
const HOLD: i64 = 15;
const AGAIN: i64 = 60;
const AFTER: i64 = 600;

/// The rows of these records, long after the last. Their time never goes back, or whoever does
/// something does it once: then nothing folds, and the time does not matter.
pub(super) fn recount(records: &[Record]) -> Rows {
    let mut rows = Rows::default();
    let all: Vec<&MailHit> = records
        .iter()
        .filter_map(|record| if let Record::Mail(hit) = record { Some(&**hit) } else { None })
        .collect();
    let mut counted: Vec<&MailHit> = Vec::new();
    let mut withdrawn = BTreeSet::new();
    for hit in all {
        let whose = hit.recipient.map(|it| it.id.to_raw());
        if hit.action == MailAction::Withdrawal {
            withdrawn.extend(whose);
        }
        let same = |other: &&&MailHit| {
            (doer(other), other.mailing, other.link, other.action)
                == (doer(hit), hit.mailing, hit.link, hit.action)
                && hit.at.0 - other.at.0 < AGAIN
        };
        let reason = if hit.action == MailAction::Withdrawal
            || whose.is_some_and(|whose| withdrawn.contains(&whose))
        {
            "dropped:withdrawn"
        } else if doer(hit).is_some() && counted.iter().any(|other| same(&other)) {
            "dropped:repeated"
        } else {
            counted.push(hit);
            "counted"
        };
        let key = LedgerKey { site: hit.site.clone(), bucket: hit.at.bucket(), reason };
        *rows.ledger.entry(key).or_default() += 1;
    }
    let judged: Vec<(&MailHit, MailClass)> =
        counted.iter().map(|hit| (*hit, class(hit, &counted))).collect();
    for (hit, class) in &judged {
        for link in BTreeSet::from([0, hit.link]) {
            let row = rows.mailings.entry(key(hit, *class, link)).or_default();
            match hit.action {
                MailAction::Open => row.opens += 1,
                MailAction::Click => row.clicks += 1,
                MailAction::Forward => row.forwards += 1,
                MailAction::Withdrawal => panic!("never counted"),
            }
        }
    }
    let mut people: BTreeMap<u64, Vec<(&MailHit, MailClass)>> = BTreeMap::new();
    for (hit, class) in judged {
        if let Some(whose) = hit.recipient.map(|it| it.id.to_raw())
            && !withdrawn.contains(&whose)
        {
            people.entry(whose).or_default().push((hit, class));
        }
    }
    for did in people.values() {
        firsts(did, &mut rows);
    }
    rows.mailings.retain(|_, row| *row != MailCounters::default());
    rows
}

/// Who did it, where that is one device or one recipient.
fn doer(hit: &MailHit) -> Option<(u64, u64)> {
    let device = matches!(hit.class, MailClass::Human | MailClass::Scanner);
    let recipient = hit.recipient.map(|it| (it.key.0, it.id.to_raw()));
    recipient.or(hit.sender.filter(|_| device).map(|(key, id)| (key.0, id.to_raw())))
}

/// What it turns out to be: a person's device that bursts just after it, or not long before, is a
/// filter.
fn class(hit: &MailHit, counted: &[&MailHit]) -> MailClass {
    let follows = |it: &MailHit| it.action != MailAction::Open;
    if hit.class != MailClass::Human || doer(hit).is_none() {
        return hit.class;
    }
    let mut bursts = counted.iter().enumerate().filter(|(_, end)| {
        doer(end) == doer(hit) && end.at.0 < hit.at.0 + HOLD && end.at.0 > hit.at.0 - AFTER
    });
    let is_burst = |(at, end): (usize, &&MailHit)| {
        let others = counted[..at].iter().filter(|other| {
            follows(other)
                && doer(other) == doer(end)
                && other.mailing == end.mailing
                && other.link != end.link
        });
        let near: BTreeSet<u16> =
            others.clone().filter(|it| end.at.0 - it.at.0 < HOLD).map(|it| it.link).collect();
        let mut others = others;
        follows(end) && (near.len() >= 2 || others.any(|other| other.at == end.at))
    };
    if bursts.any(is_burst) { MailClass::Scanner } else { hit.class }
}

/// What one recipient is counted for once, of what it did in order.
fn firsts(did: &[(&MailHit, MailClass)], rows: &mut Rows) {
    let is_person = |class: &MailClass| matches!(class, MailClass::Human | MailClass::Proxied);
    let of = |action| did.iter().filter(move |(hit, _)| hit.action == action);
    let by_person = |action| of(action).filter(|(_, class)| is_person(class));
    let mut add = |hit: &MailHit, class, link, change: fn(&mut MailCounters)| {
        change(rows.mailings.entry(key(hit, class, link)).or_default());
    };
    let opened = by_person(MailAction::Open).next().or(of(MailAction::Open).next());
    if let Some((hit, class)) = opened {
        add(hit, *class, 0, |row| row.unique_opens += 1);
    }
    if let Some((hit, class)) = by_person(MailAction::Click).next() {
        add(hit, *class, 0, |row| row.unique_clicks += 1);
    }
    let links: BTreeSet<u16> = by_person(MailAction::Click).map(|(hit, _)| hit.link).collect();
    for link in links {
        let mut clicks = by_person(MailAction::Click).filter(|(hit, _)| hit.link == link);
        let (hit, class) = clicks.next().expect("it has one");
        add(hit, *class, link, |row| row.unique_clicks += 1);
    }
    if let Some((hit, class)) = did.iter().find(|(_, class)| is_person(class)) {
        add(hit, *class, 0, |row| row.readers += 1);
    }
    let own: Vec<_> = did.iter().filter(|(_, class)| *class == MailClass::Human).collect();
    if let Some(((first, _), rest)) = own.split_first() {
        let network = |hit: &MailHit| hit.recipient.map(|it| it.network.to_raw());
        let elsewhere = rest.iter().find(|(hit, _)| {
            (&hit.client, &hit.system) != (&first.client, &first.system)
                && network(hit) != network(first)
        });
        if let Some((hit, class)) = elsewhere {
            add(hit, *class, 0, |row| row.spread += 1);
        }
    }
}

fn key(hit: &MailHit, class: MailClass, link: u16) -> MailKey {
    let of_all = |text: &Text| if link == 0 { text.clone() } else { Text::EMPTY };
    MailKey {
        site: hit.site.clone(),
        bucket: hit.at.bucket(),
        mailing: hit.mailing,
        link,
        class,
        client: of_all(&hit.client),
        system: of_all(&hit.system),
        country: of_all(&hit.country),
    }
}

/// One thing that is done, some seconds after the one before it.
#[derive(Clone, Copy, Debug)]
struct Deed {
    step: i64,
    action: MailAction,
    link: u16,
    class: MailClass,
    sender: Option<u64>,
    whose: Option<u64>,
    client: usize,
    system: usize,
    network: u64,
    second: bool,
}

fn deed() -> impl Strategy<Value = Deed> {
    // Most of all about the edges of what is told by time.
    let step = prop_oneof![
        8 => 0_i64..3,
        2 => 3_i64..40,
        1 => 40_i64..1_000,
        2 => HOLD - 2..HOLD + 2,
        1 => AGAIN - 2..AGAIN + 2,
        1 => AFTER - 16..AFTER + 2,
    ];
    let action = prop_oneof![
        6 => Just(MailAction::Open),
        9 => Just(MailAction::Click),
        1 => Just(MailAction::Forward),
        1 => Just(MailAction::Withdrawal)
    ];
    let any_class = prop::sample::select(MailClass::ALL);
    let class = prop_oneof![4 => Just(MailClass::Human), 2 => any_class];
    let who = (prop::option::weighted(0.8, 0_u64..2), prop::option::weighted(0.4, 0_u64..3));
    let place = (0_usize..2, 0_usize..3, 0_u64..3, prop::bool::weighted(0.2));
    (step, action, 1_u16..5, class, who, place).prop_map(
        |(step, action, link, class, (sender, whose), (client, system, network, second))| {
            let follows = matches!(action, MailAction::Click | MailAction::Forward);
            let link = if follows { link } else { 0 };
            Deed { step, action, link, class, sender, whose, client, system, network, second }
        },
    )
}

#[expect(clippy::disallowed_methods, reason = "what is made up here never was personal")]
fn record(deed: &Deed, at: i64) -> Record {
    let of = |names: &[&str], at: usize| Text::from_scrubbed(names[at]);
    let other = u64::from(deed.second);
    Record::Mail(Box::new(MailHit {
        site: SiteName::parse("news.example").expect("a domain"),
        at: Second(at),
        mailing: MailingId::from_bits([1 + u8::from(deed.second); 5]),
        link: deed.link,
        action: deed.action,
        class: deed.class,
        client: of(&["Thunderbird", "Chrome"], deed.client),
        system: of(&["Linux", "iOS", "Windows"], deed.system),
        country: of(&["DE", "FR", ""], deed.system),
        sender: deed.sender.map(|id| (KeyId(1), VisitorId::from_raw(id))),
        recipient: deed.whose.map(|id| Recipient {
            key: KeyId(2 + other),
            id: VisitorId::from_raw(id + 100 * other),
            network: VisitorId::from_raw(deed.network),
        }),
    }))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn mailings_and_their_twin_agree_to_the_last_unit(
        deeds in prop::collection::vec(deed(), 1..120),
    ) {
        let mut at = 1_793_520_000;
        let records: Vec<Record> = deeds.iter().map(|deed| {
            at += deed.step;
            record(deed, at)
        }).collect();
        let (mut counter, mut deltas) = (Counter::new(FREE), Deltas::default());
        for record in &records {
            counter.apply(record, &mut deltas);
        }
        let late = Record::Passed { site: SiteName::unknown(), at: Second(at + AFTER) };
        counter.apply(&late, &mut deltas);
        compare(&deltas.into_rows(), &recount(&records));
    }
}
