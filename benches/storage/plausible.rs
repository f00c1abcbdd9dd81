//! The same hits as Plausible keeps them: a row an event, and of each visit the last state, which
//! every later event replaces by a row that takes it back and a row that says it anew.
//!
//! The columns, their types, codecs and keys are those of Plausible's schema as of September 2025.
//! What is empty in every row of this traffic is left to its default: it is stored as well.

use headcount::hit::{Text, VisitDims};

use super::traffic::{Moment, Random, Said, Traffic, Visit};

pub(crate) const DATABASE: &str = "plausible";
pub(crate) const TABLES: [&str; 2] = ["events_v2", "sessions_v2"];

/// Columns that both tables have.
const SHARED: &str = "
    site_id UInt64, user_id UInt64, session_id UInt64,
    hostname String CODEC(ZSTD(3)),
    timestamp DateTime CODEC(Delta(4), LZ4),
    referrer String CODEC(ZSTD(3)),
    referrer_source String CODEC(ZSTD(3)),
    screen_size LowCardinality(String),
    operating_system LowCardinality(String),
    operating_system_version LowCardinality(String),
    browser LowCardinality(String),
    browser_version LowCardinality(String),
    utm_medium String CODEC(ZSTD(3)),
    utm_source String CODEC(ZSTD(3)),
    utm_campaign String CODEC(ZSTD(3)),
    utm_content String CODEC(ZSTD(3)),
    utm_term String CODEC(ZSTD(3)),
    subdivision1_code LowCardinality(String),
    subdivision2_code LowCardinality(String),
    city_geoname_id UInt32,
    channel LowCardinality(String),
    click_id_param LowCardinality(String),
    acquisition_channel LowCardinality(String),
    batch UInt64,
    INDEX minmax_batch batch TYPE minmax GRANULARITY 1";

const EVENTS: &str = "
    name LowCardinality(String),
    pathname String CODEC(ZSTD(3)),
    country_code FixedString(2),
    `meta.key` Array(String) CODEC(ZSTD(3)),
    `meta.value` Array(String) CODEC(ZSTD(3)),
    revenue_reporting_amount Nullable(Decimal(18, 3)),
    revenue_reporting_currency FixedString(3),
    revenue_source_amount Nullable(Decimal(18, 3)),
    revenue_source_currency FixedString(3),
    scroll_depth UInt8,
    engagement_time UInt32";

const SESSIONS: &str = "
    sign Int8,
    start DateTime CODEC(Delta(4), LZ4),
    is_bounce UInt8,
    entry_page String CODEC(ZSTD(3)),
    exit_page String CODEC(ZSTD(3)),
    pageviews Int32, events Int32, duration UInt32,
    country_code LowCardinality(FixedString(2)),
    transferred_from String,
    `entry_meta.key` Array(String) CODEC(ZSTD(3)),
    `entry_meta.value` Array(String) CODEC(ZSTD(3)),
    exit_page_hostname String CODEC(ZSTD(3)),
    INDEX minmax_timestamp timestamp TYPE minmax GRANULARITY 1";

/// What both tables' rows begin with.
const INTO_SHARED: &str = "site_id, user_id, session_id, hostname, timestamp, referrer, \
    referrer_source, screen_size, operating_system, operating_system_version, browser, \
    browser_version, utm_medium, utm_source, utm_campaign, utm_content, utm_term, \
    acquisition_channel, batch";

/// The statements that make the tables.
pub(crate) fn schema() -> [String; 3] {
    [
        format!("CREATE DATABASE {DATABASE}"),
        format!(
            "CREATE TABLE {DATABASE}.events_v2 ({SHARED}, {EVENTS}) ENGINE = MergeTree \
             PARTITION BY toYYYYMM(timestamp) \
             PRIMARY KEY (site_id, toDate(timestamp), name, user_id) \
             ORDER BY (site_id, toDate(timestamp), name, user_id, timestamp) SAMPLE BY user_id"
        ),
        format!(
            "CREATE TABLE {DATABASE}.sessions_v2 ({SHARED}, {SESSIONS}) \
             ENGINE = VersionedCollapsingMergeTree(sign, events) PARTITION BY toYYYYMM(start) \
             ORDER BY (site_id, toDate(start), user_id, session_id) SAMPLE BY user_id"
        ),
    ]
}

/// The two buffers, and the states of a day's visits.
#[derive(Default)]
pub(crate) struct Buffers {
    events: Vec<u8>,
    sessions: Vec<u8>,
    states: Vec<Option<State>>,
    batch: u64,
}

/// What is said of a visit so far.
#[derive(Clone, Copy)]
struct State {
    start: u32,
    last: u32,
    entry: u32,
    exit: u32,
    pageviews: i32,
    events: i32,
    is_bounce: bool,
}

impl Buffers {
    /// A day begins: its visits are numbered anew.
    pub(crate) fn begin_day(&mut self, visits: usize) {
        self.states = vec![None; visits];
    }

    pub(crate) fn add(
        &mut self,
        traffic: &Traffic,
        visit: &Visit,
        dims: &VisitDims,
        moment: &Moment,
        first_second: i64,
    ) {
        let at = u32::try_from(first_second).expect("a time") + moment.second;
        self.event(traffic, visit, dims, moment, at);
        if matches!(moment.said, Said::Engagement { .. }) {
            return;
        }
        let before = self.states[moment.visit as usize];
        let is_view = matches!(moment.said, Said::Pageview);
        let mut now = before.unwrap_or(State {
            start: at,
            last: at,
            entry: moment.page,
            exit: moment.page,
            pageviews: 0,
            events: 0,
            is_bounce: true,
        });
        now.is_bounce = before.is_none();
        now.last = at;
        now.pageviews += i32::from(is_view);
        now.events += 1;
        if is_view {
            now.exit = moment.page;
        }
        if let Some(before) = before {
            self.session(traffic, visit, dims, moment, (-1, before));
        }
        self.session(traffic, visit, dims, moment, (1, now));
        self.states[moment.visit as usize] = Some(now);
    }

    /// The rows since the last call, with the table and columns that each go into.
    pub(crate) fn take(&mut self) -> [(String, Vec<u8>); 2] {
        self.batch += 1;
        let events = format!(
            "{DATABASE}.events_v2 ({INTO_SHARED}, name, pathname, country_code, `meta.key`, \
             `meta.value`, revenue_reporting_amount, revenue_reporting_currency, \
             revenue_source_amount, revenue_source_currency, scroll_depth, engagement_time)"
        );
        let sessions = format!(
            "{DATABASE}.sessions_v2 ({INTO_SHARED}, sign, start, is_bounce, entry_page, exit_page, \
             pageviews, events, duration, country_code, exit_page_hostname)"
        );
        [(events, std::mem::take(&mut self.events)), (sessions, std::mem::take(&mut self.sessions))]
    }

    fn event(
        &mut self,
        traffic: &Traffic,
        visit: &Visit,
        dims: &VisitDims,
        moment: &Moment,
        at: u32,
    ) {
        let row = &mut self.events;
        shared(row, traffic, visit, dims, (moment.visit, at, self.batch));
        let site = &traffic.sites[visit.site];
        let (name, prop, cents) = match moment.said {
            Said::Pageview => ("pageview", None, None),
            Said::Engagement { .. } => ("engagement", None, None),
            Said::Event { event, value, cents } => {
                let event = &traffic.events[event];
                (event.name.as_str(), Some((&event.key, &event.values[value])), cents)
            }
        };
        string(row, name);
        text(row, &site.pages[moment.page as usize]);
        row.extend_from_slice(dims.country.as_str().as_bytes());
        let (key, value) = prop.unzip();
        for one in [key, value] {
            row.push(u8::from(one.is_some()));
            if let Some(one) = one {
                text(row, one);
            }
        }
        for _ in 0..2 {
            row.push(u8::from(cents.is_none()));
            if let Some(cents) = cents {
                row.extend_from_slice(&(cents * 10).to_le_bytes());
            }
            row.extend_from_slice(if cents.is_some() { b"EUR" } else { &[0; 3] });
        }
        let (scroll, ms) = match moment.said {
            Said::Engagement { ms, scroll } => (scroll, ms),
            _ => (u8::MAX, 0),
        };
        row.push(scroll);
        row.extend_from_slice(&ms.to_le_bytes());
    }

    fn session(
        &mut self,
        traffic: &Traffic,
        visit: &Visit,
        dims: &VisitDims,
        moment: &Moment,
        (sign, state): (i8, State),
    ) {
        let row = &mut self.sessions;
        shared(row, traffic, visit, dims, (moment.visit, state.last, self.batch));
        let site = &traffic.sites[visit.site];
        row.extend_from_slice(&sign.to_le_bytes());
        row.extend_from_slice(&state.start.to_le_bytes());
        row.push(u8::from(state.is_bounce));
        text(row, &site.pages[state.entry as usize]);
        text(row, &site.pages[state.exit as usize]);
        row.extend_from_slice(&state.pageviews.to_le_bytes());
        row.extend_from_slice(&state.events.to_le_bytes());
        row.extend_from_slice(&(state.last - state.start).to_le_bytes());
        row.extend_from_slice(dims.country.as_str().as_bytes());
        text(row, &site.host);
    }
}

fn shared(
    row: &mut Vec<u8>,
    traffic: &Traffic,
    visit: &Visit,
    dims: &VisitDims,
    (number, at, batch): (u32, u32, u64),
) {
    let session = Random::new(visit.visitor ^ u64::from(number)).next();
    row.extend_from_slice(&(visit.site as u64 + 1).to_le_bytes());
    row.extend_from_slice(&visit.visitor.to_le_bytes());
    row.extend_from_slice(&session.to_le_bytes());
    text(row, &traffic.sites[visit.site].host);
    row.extend_from_slice(&at.to_le_bytes());
    // Plausible keeps the referring page, too.
    match (dims.channel.as_str(), visit.referring_page) {
        ("Referral", page) if page > 0 => {
            string(row, &format!("{}/posts/{page}", dims.referrer_host.as_str()));
        }
        _ => text(row, &dims.referrer_host),
    }
    text(row, &dims.source);
    text(row, &dims.device);
    text(row, &dims.os);
    text(row, &dims.os_version);
    text(row, &dims.browser);
    text(row, &dims.browser_version);
    text(row, &dims.utm_medium);
    text(row, &dims.utm_source);
    text(row, &dims.utm_campaign);
    text(row, &dims.utm_content);
    text(row, &dims.utm_term);
    text(row, &dims.channel);
    row.extend_from_slice(&batch.to_le_bytes());
}

fn text(row: &mut Vec<u8>, text: &Text) {
    string(row, text.as_str());
}

/// No text of this traffic is longer than a byte tells.
fn string(row: &mut Vec<u8>, text: &str) {
    assert!(text.len() < 128, "a short text");
    row.push(text.len() as u8);
    row.extend_from_slice(text.as_bytes());
}
