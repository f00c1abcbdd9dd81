//! What is said of a mailing: figures, none of fewer than [`limits::MAILING_K`].
//!
//! A figure of 1 to 9 is left out, and with it, where a sum is shown beside it, enough others that
//! subtraction does not bring it back (`release::fold`). Nothing is said of a mailing that was sent
//! to fewer than ten.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::MailingError;
use crate::console::state::{Mailing, NewLink, StateDb};
use crate::hit::{MailClass, Second};
use crate::limits;
use crate::release::{self, Cell, Folded, Reader};
use crate::stats::Questions;
use crate::store::{Param, StoreError};

/// Hours since the sending that are told.
const HOURS: i64 = 14 * 24;

/// Rows of a breakdown that are told; the rest is in the last.
const ROWS: usize = 100;

/// What people do, in SQL.
const PEOPLE: &str = "class IN ('human', 'proxied')";

/// Sums of the whole mailing under one class.
#[derive(Clone, Copy, Default)]
struct Sums {
    opens: i64,
    unique_opens: i64,
    clicks: i64,
    unique_clicks: i64,
    readers: i64,
    forwards: i64,
    spread: i64,
}

/// The figures, and what they are of.
pub(in crate::console) struct Report<'a> {
    mailing: &'a Mailing,
    links: Vec<(u16, NewLink)>,
    classes: Vec<(MailClass, Sums)>,
    /// By link: clicks, unique clicks, forwards, of people.
    clicked: Vec<(u16, [i64; 3])>,
    /// By hour since the first sending: opens, clicks, of people.
    hours: Vec<(i64, [i64; 2])>,
    clients: Vec<(String, i64)>,
    systems: Vec<(String, i64)>,
    countries: Vec<(String, i64)>,
    web: Web,
}

/// What the mailing's visits did on the site.
struct Web {
    visits: i64,
    visitors: i64,
    bounces: i64,
    duration_s: i64,
    goals: Vec<(String, i64)>,
}

fn reader() -> Reader {
    Reader::with_threshold(limits::MAILING_K)
}

/// A figure that stands by itself.
fn figure(count: i64) -> Option<i64> {
    (count == 0 || count >= i64::from(limits::MAILING_K)).then_some(count)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn rate(part: Option<i64>, whole: Option<i64>) -> Option<f64> {
    let (part, whole) = (part?, whole.filter(|whole| *whole > 0)?);
    Some(part as f64 / whole as f64)
}

/// A time as it is told.
pub(in crate::console) fn time(at: Second) -> String {
    Timestamp::from_second(at.0).unwrap_or_default().to_string()
}

/// A mailing, as it is listed: without figures.
pub(in crate::console) fn described(it: &Mailing) -> Value {
    let key = match &it.key {
        None => "none",
        Some(key) if key.destroyed.is_some() => "destroyed",
        Some(_) => "alive",
    };
    json!({
        "id": it.id.as_str(),
        "name": it.name,
        "site": it.site.as_str(),
        "mode": if it.has_tokens() { "token" } else { "aggregate" },
        "campaign": it.campaign,
        "created_at": time(it.created),
        "sent": it.sent,
        "first_sent_at": it.first_sent.map(time),
        "counts_until": time(it.counts_until),
        "links_until": time(it.links_until),
        "key": key,
    })
}

/// The list of a site's mailings, each with its openings and clicks.
pub(in crate::console) async fn list(
    mailings: &[Mailing],
    store: &dyn Questions,
) -> Result<Value, StoreError> {
    let mut listed = Vec::new();
    let Some(first) = mailings.first() else { return Ok(json!({ "mailings": listed })) };
    let sql = format!(
        "SELECT mailing, sumIf(opens, {PEOPLE}), sumIf(clicks, class = 'human') FROM mailings
         WHERE site = {{site:String}} AND link = '' GROUP BY mailing"
    );
    let rows = store.ask(&sql, &[("site", Param::Text(first.site.as_str().to_owned()))]).await?;
    for mailing in mailings {
        let row = rows.iter().find(|row| text(row, 0) == mailing.id.as_str());
        let count = |at| row.map_or(0, |row| number(row, at));
        let mut told = described(mailing);
        let shown = mailing.sent >= u64::from(limits::MAILING_K);
        told["opens"] = json!(figure(count(1)).filter(|_| shown));
        told["clicks"] = json!(figure(count(2)).filter(|_| shown));
        listed.push(told);
    }
    Ok(json!({ "mailings": listed }))
}

fn text(row: &[Value], at: usize) -> String {
    row.get(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A sum, as ClickHouse's JSON has it.
fn number(row: &[Value], at: usize) -> i64 {
    match row.get(at) {
        Some(Value::String(text)) => text.parse().unwrap_or(0),
        Some(value) => value.as_i64().unwrap_or(0),
        None => 0,
    }
}

impl<'a> Report<'a> {
    /// Asks for all figures of a mailing.
    pub(in crate::console) async fn of(
        mailing: &'a Mailing,
        state: &StateDb,
        store: &dyn Questions,
    ) -> Result<Self, MailingError> {
        let links = state.mailing_links(mailing.id)?;
        let asked = Asked { mailing, store };
        let classes = asked.classes().await?;
        let clicked = asked
            .rows(
                "SELECT toUInt16(link) AS number, sum(clicks), sum(unique_clicks), sum(forwards)
                 FROM mailings WHERE link != '' AND class = 'human' AND {OF} GROUP BY number",
            )
            .await?;
        let clicked = clicked.iter().map(|row| {
            let link = u16::try_from(number(row, 0)).unwrap_or(0);
            (link, [number(row, 1), number(row, 2), number(row, 3)])
        });
        let hours = asked
            .rows(&format!(
                "SELECT intDiv(toInt64(toUnixTimestamp(bucket)) - {{from:Int64}}, 3600) AS hour,
                    sumIf(opens, {PEOPLE}), sumIf(clicks, class = 'human')
                 FROM mailings WHERE link = '' AND {{OF}} GROUP BY hour ORDER BY hour"
            ))
            .await?;
        let hours =
            hours.iter().map(|row| (number(row, 0).max(0), [number(row, 1), number(row, 2)]));
        Ok(Self {
            mailing,
            links,
            classes,
            clicked: clicked.collect(),
            hours: hours.filter(|(hour, _)| *hour < HOURS).collect(),
            clients: asked.breakdown("client", PEOPLE).await?,
            systems: asked.breakdown("system", "class = 'human'").await?,
            countries: asked.breakdown("country", "class = 'human'").await?,
            web: asked.web().await?,
        })
    }

    fn sums(&self, of: impl Fn(MailClass) -> bool) -> Sums {
        let mut all = Sums::default();
        for (_, sums) in self.classes.iter().filter(|(class, _)| of(*class)) {
            all.opens += sums.opens;
            all.unique_opens += sums.unique_opens;
            all.clicks += sums.clicks;
            all.unique_clicks += sums.unique_clicks;
            all.readers += sums.readers;
            all.forwards += sums.forwards;
            all.spread += sums.spread;
        }
        all
    }

    /// Each class's figure. People's two are told together or not at all, since their sum is told.
    fn by_class(&self, of: fn(&Sums) -> i64) -> Value {
        let one = |class| of(&self.sums(|it| it == class));
        let (human, proxied) = (one(MailClass::Human), one(MailClass::Proxied));
        let both = figure(human).is_some() && figure(proxied).is_some();
        json!({
            "people": figure(human + proxied),
            "human": both.then_some(human),
            "proxied": both.then_some(proxied),
            "privacy_proxy": figure(one(MailClass::PrivacyProxy)),
            "prefetch": figure(one(MailClass::Prefetch)),
            "scanner": figure(one(MailClass::Scanner)),
        })
    }

    fn is_hidden(&self) -> bool {
        self.mailing.sent < u64::from(limits::MAILING_K)
    }

    /// The report, as the API tells it.
    pub(in crate::console) fn json(&self) -> Value {
        let mut mailing = described(self.mailing);
        mailing["hosts"] = json!(self.mailing.hosts);
        mailing["consent"] = json!(self.mailing.consent);
        mailing["receipt"] = self.receipt();
        let mut report = json!({ "mailing": mailing, "k": limits::MAILING_K, "hidden": null });
        if self.is_hidden() {
            report["hidden"] = json!("sent");
            return report;
        }
        let tokens = self.mailing.has_tokens();
        let people = self.sums(MailClass::is_person);
        let human = self.sums(|class| class == MailClass::Human);
        let unique = |count| tokens.then(|| figure(count)).flatten();
        report["counts"] = json!({
            "opens": self.by_class(|sums| sums.opens),
            "unique_opens": tokens.then(|| self.by_class(|sums| sums.unique_opens)),
            "clicks": {
                "human": figure(human.clicks),
                "prefetch": figure(self.sums(|it| it == MailClass::Prefetch).clicks),
                "scanner": figure(self.sums(|it| it == MailClass::Scanner).clicks),
            },
            "unique_clicks": unique(people.unique_clicks),
            "readers": unique(people.readers),
        });
        report["rates"] = self.rates();
        let (links, other) = self.told_links();
        report["links"] = json!(links);
        report["other_links"] = other;
        report["hours"] = json!(self.told_hours());
        report["clients"] = breakdown(&self.clients);
        report["systems"] = breakdown(&self.systems);
        report["countries"] = breakdown(&self.countries);
        report["forwards"] = self.forwards();
        report["web"] = self.told_web();
        report
    }

    fn receipt(&self) -> Value {
        let key = self.mailing.key.as_ref();
        let receipt = key.and_then(|key| Some((key, key.destroyed?)));
        receipt.map_or(Value::Null, |(key, at)| {
            json!({
                "fingerprint": format!("{:016x}", key.id.0),
                "destroyed_at": time(at),
                "why": if key.shredded { "shred" } else { "window" },
            })
        })
    }

    /// Rates: of recipients in token mode, else of what was done, which is more than that.
    fn rates(&self) -> Value {
        let sent = i64::try_from(self.mailing.sent).ok();
        let people = self.sums(MailClass::is_person);
        let (open, click, to_open) = if self.mailing.has_tokens() {
            // Of those whom only machines opened for, nobody knows.
            let machines = self.sums(|class| !class.is_person()).unique_opens;
            let observable = figure(machines).and_then(|machines| Some(sent? - machines));
            let clicked = figure(people.unique_clicks);
            let opened = figure(people.unique_opens);
            (rate(opened, observable), rate(clicked, sent), rate(clicked, figure(people.readers)))
        } else {
            let (opens, clicks) = (figure(people.opens), figure(people.clicks));
            (rate(opens, sent), rate(clicks, sent), rate(clicks, opens))
        };
        json!({ "open_rate": open, "click_rate": click, "click_to_open_rate": to_open })
    }

    /// The links by their clicks, and the sum of those that are too few to be told.
    fn told_links(&self) -> (Vec<Value>, Value) {
        let of = |number: u16| self.clicked.iter().find(|(link, _)| *link == number);
        let cells = self.links.iter().map(|(number, _)| {
            let counters = of(*number).map_or([0; 3], |(_, counters)| *counters);
            // A share link's followers are its forwards.
            let followed = counters[0] + counters[2];
            Cell {
                name: number.to_string(),
                visitors: followed,
                counters: vec![followed, counters[1]],
            }
        });
        let (zero, some): (Vec<Cell>, Vec<Cell>) = cells.partition(|cell| cell.visitors == 0);
        let Folded { shown, other } = release::fold(reader(), some);
        let hidden = self.links.len() - shown.len() - zero.len();
        let tokens = self.mailing.has_tokens();
        let unique = |cell: &Cell| tokens.then(|| figure(cell.counters[1])).flatten();
        let mut told: Vec<Cell> = shown.into_iter().chain(zero).collect();
        told.sort_by_key(|cell| std::cmp::Reverse(cell.visitors));
        let told = told.iter().filter_map(|cell| {
            let number: u16 = cell.name.parse().ok()?;
            let (_, link) = self.links.iter().find(|(it, _)| *it == number)?;
            Some(json!({
                "link": number,
                "label": link.label,
                "url": link.destination,
                "share": link.share,
                "clicks": cell.visitors,
                "unique_clicks": unique(cell),
            }))
        });
        let rest = (hidden > 0).then(|| {
            json!({
                "links": hidden,
                "clicks": other.as_ref().map(|cell| cell.visitors),
                // A recipient may have followed several of them.
                "unique_clicks": null,
            })
        });
        (told.collect(), json!(rest))
    }

    fn told_hours(&self) -> Vec<Value> {
        let shown =
            |at: usize| -> Vec<String> {
                let cells =
                    self.hours.iter().filter(|(_, counts)| counts[at] > 0).map(|(hour, counts)| {
                        Cell { name: hour.to_string(), visitors: counts[at], counters: Vec::new() }
                    });
                let folded = release::fold(reader(), cells.collect());
                folded.shown.into_iter().map(|cell| cell.name).collect()
            };
        let (opens, clicks) = (shown(0), shown(1));
        let last = self.hours.last().map_or(-1, |(hour, _)| *hour);
        let hour = |hour: i64| {
            let counts = self.hours.iter().find(|(it, _)| *it == hour);
            let [opened, clicked] = counts.map_or([0; 2], |(_, counts)| *counts);
            let name = hour.to_string();
            json!({
                "hour": hour,
                "opens": (opened == 0 || opens.contains(&name)).then_some(opened),
                "clicks": (clicked == 0 || clicks.contains(&name)).then_some(clicked),
            })
        };
        (0..=last).map(hour).collect()
    }

    fn forwards(&self) -> Value {
        let human = self.sums(|class| class == MailClass::Human);
        let high = human.forwards + human.spread;
        let method = if self.mailing.has_tokens() {
            "share links; recipients seen on two systems in two networks"
        } else {
            "share links"
        };
        // Told together or not at all: their difference is a figure too.
        let both = figure(human.forwards).is_some() && figure(human.spread).is_some();
        json!({
            "low": both.then_some(human.forwards),
            "high": if both { Some(high) } else { figure(high) },
            "method": method,
        })
    }

    fn told_web(&self) -> Value {
        let Web { visits, visitors, bounces, duration_s, goals } = &self.web;
        let goals: Vec<Value> =
            goals.iter().map(|(name, count)| json!({ "name": name, "visitors": count })).collect();
        json!({
            "campaign": self.mailing.campaign,
            "visits": visits,
            "visitors": visitors,
            "bounce_rate": rate(Some(*bounces), Some(*visits)),
            "visit_duration": rate(Some(*duration_s), Some(*visits)),
            "goals": goals,
        })
    }
}

/// A breakdown of openings: those that are told, and the rest as one.
fn breakdown(rows: &[(String, i64)]) -> Value {
    let cells = rows.iter().filter(|(_, opens)| *opens > 0).map(|(name, opens)| Cell {
        name: if name.is_empty() { "(unknown)".to_owned() } else { name.clone() },
        visitors: *opens,
        counters: vec![*opens],
    });
    let Folded { shown, other } = release::fold(reader(), cells.collect());
    let cells = shown.iter().chain(&other);
    cells.map(|cell| json!({ "name": cell.name, "opens": cell.visitors })).collect()
}

/// The questions about one mailing.
struct Asked<'a> {
    mailing: &'a Mailing,
    store: &'a dyn Questions,
}

impl Asked<'_> {
    /// Asks; `{OF}` stands for what holds of the mailing's rows.
    async fn rows(&self, sql: &str) -> Result<Vec<Vec<Value>>, StoreError> {
        let of = "site = {site:String} AND mailing = {mailing:String}";
        let from = self.mailing.first_sent.unwrap_or(self.mailing.created).bucket().start();
        let params = [
            ("site", Param::Text(self.mailing.site.as_str().to_owned())),
            ("mailing", Param::Text(self.mailing.id.as_str().to_owned())),
            ("campaign", Param::Text(self.mailing.campaign.clone())),
            ("from", Param::Number(from.0)),
            ("created", Param::Number(self.mailing.created.bucket().start().0)),
        ];
        let sql = sql.replace("{OF}", of);
        let used: Vec<_> =
            params.into_iter().filter(|(name, _)| sql.contains(&format!("{{{name}:"))).collect();
        self.store.ask(&sql, &used).await
    }

    async fn classes(&self) -> Result<Vec<(MailClass, Sums)>, StoreError> {
        let rows = self
            .rows(
                "SELECT class, sum(opens), sum(unique_opens), sum(clicks), sum(unique_clicks),
                    sum(readers), sum(forwards), sum(spread)
                 FROM mailings WHERE link = '' AND {OF} GROUP BY class",
            )
            .await?;
        let class = |row: &Vec<Value>| {
            let class = *MailClass::ALL.iter().find(|class| class.label() == text(row, 0))?;
            let sums = Sums {
                opens: number(row, 1),
                unique_opens: number(row, 2),
                clicks: number(row, 3),
                unique_clicks: number(row, 4),
                readers: number(row, 5),
                forwards: number(row, 6),
                spread: number(row, 7),
            };
            Some((class, sums))
        };
        Ok(rows.iter().filter_map(class).collect())
    }

    async fn breakdown(&self, by: &str, of: &str) -> Result<Vec<(String, i64)>, StoreError> {
        let sql = format!(
            "SELECT {by}, sum(opens) AS opened FROM mailings
             WHERE link = '' AND {of} AND {{OF}} GROUP BY {by} HAVING opened > 0
             ORDER BY opened DESC, {by} LIMIT {ROWS}"
        );
        let rows = self.rows(&sql).await?;
        Ok(rows.iter().map(|row| (text(row, 0), number(row, 1))).collect())
    }

    async fn web(&self) -> Result<Web, StoreError> {
        let since = "site = {site:String} AND utm_campaign = {campaign:String}
                     AND bucket >= fromUnixTimestamp({created:Int64})";
        let sql = format!(
            "SELECT sum(visits), sum(visitors), sum(bounces), sum(duration_s) FROM visits
             WHERE {since} AND utm_medium = 'email'"
        );
        let rows = self.rows(&sql).await?;
        let sum = |at| rows.first().map_or(0, |row| number(row, at));
        let sql = format!(
            "SELECT name, sum(visitors) AS reached FROM events WHERE {since}
             GROUP BY name HAVING reached > 0 ORDER BY reached DESC, name LIMIT 20"
        );
        let goals = self.rows(&sql).await?;
        Ok(Web {
            visits: sum(0),
            visitors: sum(1),
            bounces: sum(2),
            duration_s: sum(3),
            goals: goals.iter().map(|row| (text(row, 0), number(row, 1))).collect(),
        })
    }
}
