//! What a dashboard asks: the question as our API takes it, and the SQL by which the other tables
//! answer it.

use headcount::hit::Second;
use headcount::release::Reader;
use headcount::stats::{Query, Setting, plan};
use headcount::store::Param;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::traffic::{DAY_S, DAYS, FIRST_DAY};

/// The largest site of the traffic.
const SITE: &str = "site0.example";

pub(crate) struct Question {
    pub(crate) label: &'static str,
    pub(crate) sql: String,
    pub(crate) params: Vec<(String, Param)>,
    /// Asked one after the other.
    pub(crate) theirs: Vec<String>,
}

/// Rows of the other tables from one midnight to another.
fn between(first: &str, end: &str) -> [String; 2] {
    let time = |at: &str| format!("toDateTime('{at} 00:00:00', 'UTC')");
    let (first, end) = (time(first), time(end));
    [
        format!(
            "FROM events_v2 WHERE site_id = 1 AND timestamp >= {first} AND timestamp < {end} \
             AND name != 'engagement'"
        ),
        // A session that began before the period may reach into it.
        format!(
            "FROM sessions_v2 WHERE site_id = 1 AND start >= {first} - INTERVAL 7 DAY \
             AND timestamp >= {first} AND start < {end}"
        ),
    ]
}

fn question(label: &'static str, asked: &Value, theirs: Vec<String>) -> Question {
    let mut whole = json!({"site_id": SITE, "date_range": "30d"});
    for (name, value) in asked.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    let query = Query::parse(&whole).expect("a question");
    let setting = Setting {
        zone: TimeZone::UTC,
        now: Second((FIRST_DAY + DAYS) * DAY_S),
        begun: None,
        reader: Reader::OWNER,
    };
    let plan = plan(&query, &setting).expect("it can be answered");
    Question { label, sql: plan.sql, params: plan.params, theirs }
}

/// The first asks for visitors, visits and page views, in this order.
pub(crate) fn all() -> Vec<Question> {
    const VIEWS: &str = "countIf(name = 'pageview')";
    const SUMS: &str = "uniq(user_id) AS visitors, sum(sign) AS visits";
    const BOUNCES: &str = "round(100 * sum(sign * is_bounce) / sum(sign))";
    const DURATION: &str = "round(sum(sign * duration) / sum(sign))";
    let [events, sessions] = between("2026-10-16", "2026-11-15");
    let [events_of_day, _] = between("2026-11-10", "2026-11-11");
    let top = json!({"limit": 10});
    let by = |column: &str, rows: &str| {
        format!("{rows} GROUP BY {column} ORDER BY visitors DESC, {column} LIMIT 10")
    };
    let totals = |sessions: &str| {
        format!("SELECT {SUMS}, sum(sign * pageviews), {BOUNCES}, {DURATION} {sessions}")
    };
    let kpis = json!(["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"]);
    let goals = json!(["Outbound Link: Click", "File Download", "Signup", "Purchase"]);
    let months = [("2026-11-01", "2026-11-15"), ("2026-10-18", "2026-11-01")];
    vec![
        question("totals", &json!({"metrics": kpis}), vec![totals(&sessions)]),
        question(
            "by day",
            &json!({"metrics": ["visitors", "pageviews"], "dimensions": ["time:day"]}),
            vec![format!(
                "SELECT toDate(timestamp, 'UTC') AS day, uniq(user_id), {VIEWS} {events} \
                 GROUP BY day ORDER BY day"
            )],
        ),
        question(
            "one day by hour",
            &json!({"metrics": ["visitors", "pageviews"], "dimensions": ["time:hour"],
                    "date_range": ["2026-11-10", "2026-11-10"]}),
            vec![format!(
                "SELECT toStartOfHour(timestamp, 'UTC') AS hour, uniq(user_id), {VIEWS} \
                 {events_of_day} GROUP BY hour ORDER BY hour"
            )],
        ),
        question(
            "top pages",
            &json!({"metrics": ["visitors", "pageviews"], "dimensions": ["event:page"],
                    "pagination": top}),
            vec![by(
                "pathname",
                &format!("SELECT pathname, uniq(user_id) AS visitors, {VIEWS} {events}"),
            )],
        ),
        question(
            "top sources",
            &json!({"metrics": ["visitors", "visits", "bounce_rate"],
                    "dimensions": ["visit:source"], "pagination": top}),
            vec![by(
                "referrer_source",
                &format!("SELECT referrer_source, {SUMS}, {BOUNCES} {sessions}"),
            )],
        ),
        question(
            "entry pages",
            &json!({"metrics": ["visitors", "visits", "visit_duration"],
                    "dimensions": ["visit:entry_page"], "pagination": top}),
            vec![by("entry_page", &format!("SELECT entry_page, {SUMS}, {DURATION} {sessions}"))],
        ),
        question(
            "countries",
            &json!({"metrics": ["visitors"], "dimensions": ["visit:country"], "pagination": top}),
            vec![by(
                "country_code",
                &format!("SELECT country_code, uniq(user_id) AS visitors {events}"),
            )],
        ),
        question(
            "devices from one source",
            &json!({"metrics": ["visitors"], "dimensions": ["visit:device"],
                    "filters": [["is", "visit:source", ["Google"]]]}),
            vec![by(
                "screen_size",
                &format!(
                    "SELECT screen_size, uniq(user_id) AS visitors {events} \
                     AND referrer_source = 'Google'"
                ),
            )],
        ),
        question(
            "pages in one country",
            &json!({"metrics": ["visitors", "pageviews"], "dimensions": ["event:page"],
                    "filters": [["is", "visit:country", ["US"]]], "pagination": top}),
            vec![by(
                "pathname",
                &format!(
                    "SELECT pathname, uniq(user_id) AS visitors, {VIEWS} {events} \
                     AND country_code = 'US'"
                ),
            )],
        ),
        question(
            "goal conversions",
            &json!({"metrics": ["visitors", "events", "conversion_rate"],
                    "dimensions": ["event:goal"], "filters": [["is", "event:goal", goals]]}),
            vec![by(
                "name",
                &format!(
                    "SELECT name, uniq(user_id) AS visitors, count(), \
                     100 * visitors / (SELECT uniq(user_id) {events}) {events} AND name IN \
                     ('Outbound Link: Click', 'File Download', 'Signup', 'Purchase')"
                ),
            )],
        ),
        question(
            "values of a property",
            &json!({"metrics": ["visitors", "events"], "dimensions": ["event:props:url"],
                    "filters": [["is", "event:name", ["Outbound Link: Click"]]],
                    "pagination": top}),
            vec![by(
                "url",
                &format!(
                    "SELECT meta.value[indexOf(meta.key, 'url')] AS url, \
                     uniq(user_id) AS visitors, count() {events} \
                     AND name = 'Outbound Link: Click' AND has(meta.key, 'url')"
                ),
            )],
        ),
        question(
            "two weeks and the two before",
            &json!({"metrics": kpis, "date_range": ["2026-11-01", "2026-11-14"],
                    "include": {"comparisons": {"mode": "previous_period"}}}),
            months.iter().map(|(first, end)| totals(&between(first, end)[1])).collect(),
        ),
    ]
}
