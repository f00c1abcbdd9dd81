//! Random traffic as the edge would stamp it: a few visitors on sites in four time zones, around
//! midnights, changes of the clock and the edges of every rule.

use headcount::hit::{
    Bucket, Currency, Day, DropReason, Hit, HitKind, Record, RejectReason, Revenue, Second,
    SiteName, Text, VisitDims, Visitor, VisitorId,
};
use headcount::keys::KeyId;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use proptest::prelude::*;

/// Sites with their time zones: one whose clock goes back on a day of the traffic, one with a half
/// hour, one whose clock goes back a week later, and UTC.
const SITES: [(&str, &str); 4] = [
    ("berlin.example", "Europe/Berlin"),
    ("kolkata.example", "Asia/Kolkata"),
    ("newyork.example", "America/New_York"),
    ("utc.example", "UTC"),
];

/// Evening before a day of 25 hours in Berlin; and in New York.
const BEGINNINGS: [i64; 3] = [1_792_875_600, 1_793_494_800, 1_792_965_600];

/// Seconds of the half hour in which a visit can go on.
const GAP_S: i64 = 1800;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Seconds since the last.
    after_s: i64,
    site: usize,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Hit { visitor: u64, page: usize, host: usize, source: usize, kind: Kind, whose: Whose },
    Drop,
    Reject(u64),
    Received(u64),
    KeysLost,
}

#[derive(Clone, Debug)]
enum Kind {
    Pageview,
    Event { name: usize, interactive: bool, prop: Option<usize>, minor: Option<i64> },
    Engagement { ms: u32, percent: Option<u8> },
}

#[derive(Clone, Debug)]
enum Whose {
    Visitor,
    /// A visitor's, under the key of the day before: it comes when that day has ended.
    Late,
    Withheld,
    Lost,
}

/// What happens, from when on: a failing test shows it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    begin: i64,
    events: Vec<Event>,
}

impl Plan {
    /// The records that the edge would make of it.
    pub(crate) fn records(&self) -> Vec<Record> {
        Traffic::default().records(self.begin, &self.events)
    }
}

/// The sites that the traffic is on.
pub(crate) fn sites() -> impl Iterator<Item = SiteName> {
    (0..SITES.len()).map(name)
}

/// Traffic of at most `most` things.
pub(crate) fn traffic(most: usize) -> impl Strategy<Value = Plan> {
    let begin = prop::sample::select(&BEGINNINGS[..]);
    (begin, prop::collection::vec(event(), 1..most))
        .prop_map(|(begin, events)| Plan { begin, events })
}

fn event() -> impl Strategy<Value = Event> {
    let after_s = prop_oneof![
        8 => prop::sample::select(&[0_i64, 1, 7, 40, 300][..]),
        3 => prop::sample::select(&[1799_i64, 1800, 1801][..]),
        2 => prop::sample::select(&[900_i64, 3600, 7200, 20_000][..]),
        1 => prop::sample::select(&[-1_i64, -30][..]),
    ];
    (after_s, 0..SITES.len(), what()).prop_map(|(after_s, site, what)| Event {
        after_s,
        site,
        what,
    })
}

fn what() -> impl Strategy<Value = What> {
    let whose = prop_oneof![
        20 => Just(Whose::Visitor),
        1 => Just(Whose::Late),
        1 => Just(Whose::Withheld),
        1 => Just(Whose::Lost),
    ];
    let hit = (0..3_u64, 0..4_usize, 0..2_usize, 0..3_usize, kind(), whose).prop_map(
        |(visitor, page, host, source, kind, whose)| What::Hit {
            visitor,
            page,
            host: host * usize::from(page == 0),
            source,
            kind,
            whose,
        },
    );
    prop_oneof![
        20 => hit,
        1 => Just(What::Drop),
        1 => (1..4_u64).prop_map(What::Reject),
        1 => (1..4_u64).prop_map(What::Received),
        1 => Just(What::KeysLost),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    let percent = prop::option::of(prop::sample::select(&[0_u8, 30, 70, 100][..]));
    let minor = prop::option::of(prop::sample::select(&[-50_i64, 0, 999][..]));
    prop_oneof![
        5 => Just(Kind::Pageview),
        2 => (0..2_usize, any::<bool>(), prop::option::of(0..3_usize), minor).prop_map(
            |(name, interactive, prop, minor)| Kind::Event { name, interactive, prop, minor }
        ),
        3 => (prop::sample::select(&[0_u32, 500, 4000][..]), percent)
            .prop_map(|(ms, percent)| Kind::Engagement { ms, percent }),
    ]
}

/// What the edge knows while it stamps.
#[derive(Default)]
struct Traffic {
    records: Vec<Record>,
    /// The last day of each site of which there was a hit, and whose end has been told.
    ended: [Option<Day>; SITES.len()],
}

impl Traffic {
    fn records(mut self, begin: i64, events: &[Event]) -> Vec<Record> {
        let mut now = begin;
        for event in events {
            now += event.after_s;
            (0..SITES.len()).for_each(|site| self.end_day(site, now));
            let (site, at) = (name(event.site), Second(now));
            match &event.what {
                What::Hit { .. } => self.hit(event, now),
                What::Drop => {
                    self.records.push(Record::Drop { site, at, reason: DropReason::Bot });
                }
                What::Reject(hits) => {
                    let (reason, hits) = (RejectReason::Shed, *hits);
                    self.records.push(Record::Reject { site, at, reason, hits });
                }
                What::Received(hits) => {
                    self.records.push(Record::Received { site, at, hits: *hits });
                }
                What::KeysLost => self.records.push(Record::KeysLost { site, at }),
            }
        }
        self.records
    }

    /// Half an hour after a site's midnight its day before is over.
    fn end_day(&mut self, site: usize, now: i64) {
        let (day, start, _) = local(site, now);
        let before = Day(day.0 - 1);
        if now >= start + GAP_S && self.ended[site].is_none_or(|ended| ended < before) {
            self.ended[site] = Some(before);
            let record = Record::DayEnd { site: name(site), at: Second(now), day: before };
            self.records.push(record);
        }
    }

    fn hit(&mut self, event: &Event, now: i64) {
        let What::Hit { visitor, page, host, source, kind, whose } = &event.what else { return };
        let (mut day, start, hour) = local(event.site, now);
        let known = |day: Day| (key(event.site, day), id(event.site, day, *visitor));
        let visitor = match whose {
            Whose::Withheld => Visitor::Withheld,
            Whose::Lost => Visitor::Lost,
            Whose::Late => {
                day = Day(day.0 - 1);
                let (key, id) = known(day);
                Visitor::Known { key, id, before: None }
            }
            Whose::Visitor => {
                let (key, id) = known(day);
                let before = (now < start + GAP_S).then(|| known(Day(day.0 - 1)));
                Visitor::Known { key, id, before }
            }
        };
        let dims = VisitDims {
            source: text(["", "Google", "news"][*source]),
            channel: text(["Direct", "Organic Search", "Email"][*source]),
            country: text(["", "DE", "IN"][(*source + page) % 3]),
            device: text(["Desktop", "Mobile"][page % 2]),
            utm_campaign: text(["", "spring", "summer"][host + source % 2]),
            browser: text("Firefox"),
            ..VisitDims::default()
        };
        let withheld = matches!(whose, Whose::Withheld);
        self.records.push(Record::Hit(Hit {
            site: name(event.site),
            at: Second(now),
            day,
            hour,
            visitor,
            kind: of_kind(kind),
            hostname: text(["a.example", "b.example"][*host]),
            page: text(["/", "/pricing", "/docs", "/thanks"][*page]),
            dims: Box::new(if withheld { VisitDims::default() } else { dims }),
        }));
    }
}

fn of_kind(kind: &Kind) -> HitKind {
    match kind {
        Kind::Pageview => HitKind::Pageview,
        Kind::Event { name, interactive, prop, minor } => HitKind::Event {
            name: text(["Sign up", "Download"][*name]),
            interactive: *interactive,
            // Twice the same, at times.
            props: prop
                .iter()
                .flat_map(|at| {
                    let value = ["a", "b", "b"][*at];
                    [("plan", value), (["again", "again", "plan"][*at], value)]
                })
                .map(|(key, value)| (text(key), text(value)))
                .collect(),
            revenue: minor.map(|minor| Revenue {
                minor,
                currency: Currency::parse(if minor > 0 { "EUR" } else { "USD" }).expect("a code"),
            }),
        },
        Kind::Engagement { ms, percent } => {
            HitKind::Engagement { engaged_ms: *ms, scroll_percent: *percent }
        }
    }
}

/// The site's day at `now`, when that began, and the bucket in which its hour did.
fn local(site: usize, now: i64) -> (Day, i64, Bucket) {
    let zone = TimeZone::get(SITES[site].1).expect("a zone");
    let zoned = Timestamp::from_second(now).expect("a time").to_zoned(zone);
    let start = zoned.start_of_day().expect("a day").timestamp().as_second();
    let since = zoned.date().since(Date::new(1970, 1, 1).expect("a date")).expect("days");
    let into = i64::from(zoned.minute()) * 60 + i64::from(zoned.second());
    let hour = Second((now - into).max(start)).bucket();
    let day = Day(since.get_days());
    debug_assert_eq!(
        zoned.date(),
        Date::new(1970, 1, 1).expect("a date") + since.get_days().days()
    );
    (day, start, hour)
}

fn key(site: usize, day: Day) -> KeyId {
    KeyId(1_000_000 * (site as u64 + 1) + u64::from(day.0.unsigned_abs()))
}

#[expect(clippy::disallowed_methods, reason = "made up, and nobody's")]
fn id(site: usize, day: Day, visitor: u64) -> VisitorId {
    VisitorId::from_raw(key(site, day).0 * 100 + visitor)
}

#[expect(clippy::disallowed_methods, reason = "a test's own text")]
fn text(text: &str) -> Text {
    Text::from_scrubbed(text)
}

fn name(site: usize) -> SiteName {
    SiteName::parse(SITES[site].0).expect("a domain")
}
