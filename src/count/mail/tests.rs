//! Tests of mailings' counts: a table for each rule, and laws.

#![expect(clippy::disallowed_methods, reason = "what is made up here never was personal")]

use proptest::prelude::*;

use super::super::{CountLimits, Counter, DayState, Deltas};
use super::*;
use crate::hit::{MailingId, Recipient, Record, SiteName, VisitorId};
use crate::limits;

const BEGIN: i64 = 1_793_520_000;
const FREE: CountLimits = CountLimits {
    seen_per_visitor: 9,
    visitors_per_site: 9,
    visitors: 9,
    recipients_per_mailing: 1_000_000,
};
const MAILING_KEY: KeyId = KeyId(7);

use MailAction::{Click, Forward, Open, Withdrawal};
use MailClass::{Human, Prefetch, PrivacyProxy, Proxied, Scanner};

/// One thing that is done: when, what, on which link, as what, by which device, whose mail.
#[derive(Clone, Copy, Debug)]
struct Deed(i64, MailAction, u16, MailClass, Option<u64>, Option<u64>);

impl Deed {
    fn record(self) -> Record {
        let Self(at, action, link, class, sender, recipient) = self;
        Record::Mail(Box::new(MailHit {
            site: SiteName::parse("news.example").unwrap(),
            at: Second(BEGIN + at),
            mailing: MailingId::from_bits([1; 5]),
            link,
            action,
            class,
            client: Text::from_scrubbed(if class == Proxied { "Gmail" } else { "Firefox" }),
            system: Text::from_scrubbed(
                sender.map_or("", |it| if it % 2 == 0 { "iOS" } else { "Windows" }),
            ),
            country: Text::from_scrubbed("DE"),
            sender: sender.map(|id| (KeyId(1), VisitorId::from_raw(id))),
            recipient: recipient.map(|id| Recipient {
                key: MAILING_KEY,
                id: VisitorId::from_raw(id),
                network: VisitorId::from_raw(sender.unwrap_or(0)),
            }),
        }))
    }
}

fn passed(at: i64) -> Record {
    Record::Passed { site: SiteName::unknown(), at: Second(BEGIN + at) }
}

/// The rows of all that, and the ledger, a long time later.
fn rows(deeds: &[Deed]) -> Rows {
    let (mut counter, mut deltas) = (Counter::new(FREE), Deltas::default());
    for deed in deeds {
        counter.apply(&deed.record(), &mut deltas);
    }
    counter.apply(&passed(1_000_000), &mut deltas);
    assert!(!counter.is_holding());
    deltas.into_rows()
}

/// The sum of a counter over the rows of a link (0: of the whole) and a class.
fn sum(rows: &Rows, link: u16, class: MailClass, of: fn(&MailCounters) -> i64) -> i64 {
    let rows = rows.mailings.iter();
    rows.filter(|(key, _)| key.link == link && key.class == class).map(|(_, row)| of(row)).sum()
}

fn ledger(rows: &Rows, reason: &str) -> i64 {
    rows.ledger.iter().filter(|(key, _)| key.reason == reason).map(|(_, hits)| hits).sum()
}

#[test]
fn a_lone_click_is_counted_as_it_came_once_the_hold_is_over() {
    let (mut counter, mut deltas) = (Counter::new(FREE), Deltas::default());
    counter.apply(&Deed(0, Click, 3, Human, Some(1), None).record(), &mut deltas);
    counter.apply(&passed(limits::MAIL_HOLD_S - 1), &mut deltas);
    assert!(deltas.rows.mailings.is_empty() && counter.is_holding());
    counter.apply(&passed(limits::MAIL_HOLD_S), &mut deltas);
    assert!(!counter.is_holding());
    let rows = deltas.into_rows();
    assert_eq!(sum(&rows, 0, Human, |row| row.clicks), 1);
    assert_eq!(sum(&rows, 3, Human, |row| row.clicks), 1);
    let of_link = rows.mailings.keys().find(|key| key.link == 3).unwrap();
    assert!(of_link.client.is_empty() && of_link.country.is_empty() && of_link.system.is_empty());
    assert_eq!(ledger(&rows, "counted"), 1);
}

#[test]
fn a_burst_of_links_is_a_scanners_before_and_for_ten_minutes_after_it() {
    let check = |deeds: &[Deed], people: i64, scanned: i64| {
        let rows = rows(deeds);
        let followed = |class| sum(&rows, 0, class, |row| row.clicks + row.opens + row.forwards);
        assert_eq!((followed(Human), followed(Scanner)), (people, scanned), "{deeds:?}");
    };
    let click = |at, link| Deed(at, Click, link, Human, Some(1), None);
    check(&[click(0, 1), click(0, 2)], 0, 2);
    check(&[click(0, 1), click(1, 2)], 2, 0);
    check(&[click(0, 1), click(7, 2), click(14, 3)], 0, 3);
    check(&[click(0, 1), click(7, 2), click(15, 3)], 3, 0);
    check(&[click(0, 1), click(7, 2), Deed(9, Forward, 4, Human, Some(1), None)], 0, 3);
    check(&[Deed(0, Open, 0, Human, Some(1), None), click(14, 1), click(14, 2)], 0, 3);
    check(&[Deed(0, Open, 0, Human, Some(1), None), click(16, 1), click(16, 2)], 1, 2);
    check(&[click(0, 1), click(0, 2), click(599, 3)], 0, 3);
    check(&[click(0, 1), click(0, 2), click(600, 3)], 1, 2);
    // Another device; another mail's recipient in the same office; one that cannot be told.
    check(&[click(0, 1), Deed(0, Click, 2, Human, Some(2), None)], 2, 0);
    let of = |at, link, whose| Deed(at, Click, link, Human, Some(1), Some(whose));
    check(&[of(0, 1, 1), of(0, 2, 2), of(0, 3, 3)], 3, 0);
    check(&[of(0, 1, 1), of(0, 2, 1), of(0, 3, 3)], 1, 2);
    check(&[Deed(0, Click, 1, Human, None, None), Deed(0, Click, 2, Human, None, None)], 2, 0);
}

#[test]
fn the_same_again_within_a_minute_is_not_counted_and_a_proxy_stands_for_many() {
    let check = |class, sender, recipient, opens, repeated| {
        let open = |at| Deed(at, Open, 0, class, sender, recipient);
        let rows = rows(&[open(0), open(1), open(59), open(60)]);
        assert_eq!(sum(&rows, 0, class, |row| row.opens), opens, "{class:?}");
        assert_eq!(ledger(&rows, "dropped:repeated"), repeated, "{class:?}");
        assert_eq!(ledger(&rows, "counted"), opens, "{class:?}");
    };
    check(Human, Some(1), None, 2, 2);
    check(Scanner, Some(1), None, 2, 2);
    check(Proxied, Some(1), None, 4, 0);
    check(Proxied, Some(1), Some(1), 2, 2);
    check(PrivacyProxy, Some(1), None, 4, 0);
    check(Human, None, None, 4, 0);
}

#[test]
fn a_recipient_stands_once_and_a_person_takes_the_place_of_a_machine() {
    let open = |at, class| Deed(at, Open, 0, class, Some(1), Some(1));
    let check = |deeds: &[Deed], expected: [i64; 4]| {
        let rows = rows(deeds);
        let of = |class| sum(&rows, 0, class, |row| row.unique_opens);
        assert_eq!([of(Human), of(Proxied), of(PrivacyProxy), of(Prefetch)], expected, "{deeds:?}");
    };
    check(&[open(0, PrivacyProxy)], [0, 0, 1, 0]);
    check(&[open(0, PrivacyProxy), open(100, Prefetch)], [0, 0, 1, 0]);
    check(&[open(0, PrivacyProxy), open(100, Human)], [1, 0, 0, 0]);
    check(&[open(0, Proxied), open(100, Human), open(200, Prefetch)], [0, 1, 0, 0]);
    check(&[open(0, Human), Deed(0, Open, 0, Human, Some(2), Some(2))], [2, 0, 0, 0]);
    check(&[Deed(0, Open, 0, Human, Some(1), None)], [0, 0, 0, 0]);
}

#[test]
fn clickers_are_told_once_for_the_mailing_and_once_for_each_link() {
    let click = |at, link, class| Deed(at, Click, link, class, Some(1), Some(1));
    let rows = rows(&[
        click(0, 1, Human),
        click(100, 1, Human),
        click(200, 2, Human),
        click(300, 2, Scanner),
        Deed(400, Click, 2, Human, Some(2), Some(2)),
        Deed(500, Open, 0, Proxied, Some(3), Some(3)),
        Deed(600, Open, 0, PrivacyProxy, Some(3), Some(4)),
    ]);
    let unique = |link| sum(&rows, link, Human, |row| row.unique_clicks);
    assert_eq!([unique(0), unique(1), unique(2)], [2, 1, 2]);
    assert_eq!(sum(&rows, 2, Scanner, |row| row.unique_clicks), 0);
    let readers = |class| sum(&rows, 0, class, |row| row.readers);
    assert_eq!([readers(Human), readers(Proxied), readers(PrivacyProxy)], [2, 1, 0]);
}

#[test]
fn a_mail_that_is_opened_on_another_system_in_another_network_may_have_been_passed_on() {
    let check = |second: Deed, spread| {
        let rows = rows(&[Deed(0, Open, 0, Human, Some(2), Some(1)), second]);
        let all: i64 = rows.mailings.values().map(|row| row.spread).sum();
        assert_eq!(all, spread, "{second:?}");
    };
    check(Deed(100, Open, 0, Human, Some(3), Some(1)), 1);
    check(Deed(100, Click, 1, Human, Some(3), Some(1)), 1);
    check(Deed(100, Open, 0, Human, Some(4), Some(1)), 0);
    check(Deed(100, Open, 0, Proxied, Some(3), Some(1)), 0);
    check(Deed(100, Open, 0, Human, Some(3), Some(2)), 0);
}

#[test]
fn a_withdrawal_takes_back_every_first_and_silences_what_comes_later() {
    let of = |at: i64, action, link, class| {
        Deed(at, action, link, class, Some(at.unsigned_abs()), Some(1))
    };
    let mut deeds = vec![
        of(0, Open, 0, PrivacyProxy),
        of(100, Open, 0, Human),
        of(201, Click, 1, Human),
        of(300, Click, 2, Human),
        of(401, Forward, 3, Human),
    ];
    let firsts = |rows: &Rows| -> i64 {
        let of =
            |row: &MailCounters| row.unique_opens + row.unique_clicks + row.readers + row.spread;
        rows.mailings.values().map(of).sum()
    };
    assert_eq!(firsts(&rows(&deeds)), 1 + 3 + 1 + 1);
    deeds.push(of(500, Withdrawal, 0, Human));
    deeds.push(of(600, Click, 4, Human));
    deeds.push(of(700, Open, 0, Proxied));
    let rows = rows(&deeds);
    assert_eq!(firsts(&rows), 0);
    for (key, row) in &rows.mailings {
        assert!(row.unique_opens >= 0 && row.unique_clicks >= 0 && row.readers >= 0, "{key:?}");
    }
    let totals = sum(&rows, 0, Human, |row| row.opens + row.clicks + row.forwards);
    assert_eq!(totals, 4, "what was counted stays, and tells of nobody");
    assert_eq!(ledger(&rows, "dropped:withdrawn"), 3);
    assert_eq!(ledger(&rows, "counted"), 5);
}

#[test]
fn a_destroyed_keys_recipients_are_forgotten_and_what_they_do_is_counted_as_nobodys() {
    let (mut counter, mut deltas) = (Counter::new(FREE), Deltas::default());
    let open = |at, whose| Deed(at, Open, 0, Human, Some(1), Some(whose)).record();
    counter.apply(&open(0, 1), &mut deltas);
    counter.apply(&passed(20), &mut deltas);
    counter.apply(&open(30, 2), &mut deltas);
    assert_eq!(counter.recipients_in_memory(), 1);
    let over =
        Record::MailingOver { site: SiteName::unknown(), at: Second(BEGIN + 31), key: MAILING_KEY };
    counter.apply(&over, &mut deltas);
    assert_eq!(counter.recipients_in_memory(), 0);
    counter.apply(&open(100, 3), &mut deltas);
    counter.apply(&passed(200), &mut deltas);
    assert_eq!(counter.recipients_in_memory(), 0);
    let rows = deltas.into_rows();
    assert_eq!(sum(&rows, 0, Human, |row| row.opens), 3);
    assert_eq!(sum(&rows, 0, Human, |row| row.unique_opens), 1);
    let sealed: Vec<_> = counter.encode().into_iter().filter_map(|part| part.key).collect();
    assert!(!sealed.contains(&MAILING_KEY), "nothing of it is kept");
}

#[test]
fn past_its_bound_a_recipient_is_counted_and_not_as_a_first() {
    let limits = CountLimits { recipients_per_mailing: 1, ..FREE };
    let (mut counter, mut deltas) = (Counter::new(limits), Deltas::default());
    for whose in [1, 2, 2] {
        counter.apply(&Deed(0, Open, 0, Proxied, None, Some(whose)).record(), &mut deltas);
    }
    counter.apply(&passed(100), &mut deltas);
    let rows = deltas.into_rows();
    assert_eq!(sum(&rows, 0, Proxied, |row| row.opens), 2);
    assert_eq!(sum(&rows, 0, Proxied, |row| row.unique_opens), 1);
    assert_eq!(ledger(&rows, "past_bound"), 1);
}

fn deed() -> impl Strategy<Value = Deed> {
    let actions =
        prop_oneof![5 => Just(Open), 5 => Just(Click), 1 => Just(Forward), 1 => Just(Withdrawal)];
    let step = prop_oneof![4 => 0_i64..3, 2 => 3_i64..40, 1 => 40_i64..900, 1 => -50_i64..0];
    let class = prop::sample::select(MailClass::ALL);
    let who = (prop::option::of(0_u64..4), prop::option::of(0_u64..4));
    (step, actions, 1_u16..4, class, who).prop_map(
        |(step, action, link, class, (sender, whose))| {
            let link = if matches!(action, Click | Forward) { link } else { 0 };
            Deed(step, action, link, class, sender, whose)
        },
    )
}

proptest! {
    #[test]
    fn any_split_by_a_checkpoint_gives_the_same_rows(
        deeds in prop::collection::vec(deed(), 1..60),
        splits in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let mut at = 0;
        let records: Vec<Record> = deeds.iter().map(|deed| {
            at += deed.0;
            Deed(at, deed.1, deed.2, deed.3, deed.4, deed.5).record()
        }).chain([passed(100_000)]).collect();
        let (mut whole, mut expected) = (Counter::new(FREE), Deltas::default());
        for record in &records {
            whole.apply(record, &mut expected);
        }

        let splits: Vec<usize> = splits.iter().map(|split| split.index(records.len())).collect();
        let (mut counter, mut rows) = (Counter::new(FREE), Deltas::default());
        for (index, record) in records.iter().enumerate() {
            if splits.contains(&index) {
                let parts: Vec<DayState> = counter.encode();
                counter = Counter::decode(FREE, &parts).unwrap();
            }
            counter.apply(record, &mut rows);
        }
        let (rows, expected) = (rows.into_rows(), expected.into_rows());
        prop_assert!(rows == expected);

        // Everything is counted or dropped, once; nothing is negative; classes add up.
        let all: i64 = expected.ledger.values().sum();
        prop_assert_eq!(all, i64::try_from(deeds.len()).unwrap());
        let total = |of: fn(&MailCounters) -> i64| -> i64 {
            let rows = expected.mailings.iter().filter(|(key, _)| key.link == 0);
            rows.map(|(_, row)| of(row)).sum()
        };
        prop_assert_eq!(
            total(|row| row.opens + row.clicks + row.forwards), ledger(&expected, "counted")
        );
        for row in expected.mailings.values() {
            prop_assert!(row.unique_opens <= row.opens && row.unique_clicks <= row.clicks);
            prop_assert!(row.unique_opens >= 0 && row.unique_clicks >= 0 && row.readers >= 0);
        }
        prop_assert!(total(|row| row.unique_opens) <= 4 && total(|row| row.readers) <= 4);
    }
}
