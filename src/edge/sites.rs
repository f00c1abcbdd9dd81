//! The sites that are measured: found by their domain without a lock, each with its day and keys.
//!
//! A [`SiteDay`] is a snapshot: one site, one local day, its keys, its offsets from UTC. It serves
//! until its day ends (or the half hour after midnight, or its key); the first look-up after that
//! makes the next one, under a lock.
//!
//! **A site's day never goes back.** When the clock steps back over a midnight, hits go on to be
//! stamped with the day that has begun, at its first hour: the keys of the day before may be
//! destroyed and its end may have been told, so neither is begun again. A new time zone begins
//! anew: it has keys of its own.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use hashbrown::HashMap;
use jiff::tz::TimeZone;

use super::calendar::LocalDay;
use super::rules::SiteRules;
use crate::hit::{Bucket, Day, Record, Second, SiteName, Visitor};
use crate::keys::{DayKey, KeyId, Keys, SiteKey, VisitorParts};
use crate::limits;
use crate::telemetry;

/// A site, as the operator configured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteConfig {
    /// Its domain.
    pub name: SiteName,
    /// What else it goes by: further domains, and ids of other systems, in lower case.
    pub aliases: Vec<String>,
    /// Its time zone: an IANA name such as `Europe/Berlin`.
    pub timezone: String,
    /// What becomes of hits that carry GPC or DNT.
    pub signals: Signals,
    /// What is not counted.
    pub rules: Arc<SiteRules>,
}

/// What becomes of a hit whose visitor asks not to be tracked (`Sec-GPC: 1`, `DNT: 1`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Signals {
    /// It is counted without a visitor id.
    #[default]
    Withhold,
    /// It is not counted.
    Drop,
}

/// Why the sites cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SitesError {
    /// No such time zone.
    #[error(
        "site {site} has the time zone {timezone:?}, which is not known: give an IANA name such as \
         Europe/Berlin"
    )]
    UnknownZone {
        /// The site.
        site: SiteName,
        /// What stands there.
        timezone: String,
    },
}

/// The sites, and their days. Shared by every listener thread.
pub struct Sites {
    keys: Arc<Keys>,
    table: ArcSwap<Table>,
    /// Held by whoever changes the table or a site's day. The days whose end has been told.
    ended: Mutex<HashMap<SiteName, Day>>,
}

#[derive(Default)]
struct Table {
    sites: HashMap<SiteName, Arc<Site>>,
    aliases: HashMap<String, Arc<Site>>,
}

struct Site {
    config: SiteConfig,
    zone: TimeZone,
    today: ArcSwap<SiteDay>,
}

/// One site on one local day.
pub(super) struct SiteDay {
    pub(super) site: SiteName,
    pub(super) signals: Signals,
    pub(super) rules: Arc<SiteRules>,
    day: LocalDay,
    key: Option<(KeyId, SiteKey)>,
    /// Yesterday's, in the half hour in which a visit can go on.
    before: Option<(KeyId, SiteKey)>,
    /// Whether the key comes from an earlier run.
    key_found: bool,
    /// When this snapshot may be used.
    serves: Range<Second>,
}

impl Sites {
    /// No sites yet.
    #[must_use]
    pub fn new(keys: Arc<Keys>) -> Self {
        Self { keys, table: ArcSwap::default(), ended: Mutex::default() }
    }

    /// Replaces the sites; keys and days go on where name and time zone stay. Where a name comes
    /// twice, the first stands. On an error nothing has changed.
    pub fn set(&self, sites: Vec<SiteConfig>, now: Second) -> Result<(), SitesError> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.table.load();
        let zones = sites.iter().map(zone_of).collect::<Result<Vec<_>, _>>()?;
        let mut table = Table::default();
        for (config, zone) in sites.into_iter().zip(zones) {
            if table.sites.contains_key(&config.name) {
                continue;
            }
            let same = old.sites.get(&config.name).filter(|it| name_of(&it.zone) == name_of(&zone));
            if same.is_none() {
                ended.remove(&config.name);
            }
            let seen = same.map(|it| it.today.load().day.clone());
            let today = Arc::new(self.day_of(&config, &zone, seen, now));
            let name = config.name.clone();
            let site = Arc::new(Site { config, zone, today: ArcSwap::new(today) });
            for alias in &site.config.aliases {
                table.aliases.entry_ref(alias.as_str()).or_insert_with(|| Arc::clone(&site));
            }
            table.sites.insert(name, site);
        }
        ended.retain(|name, _| table.sites.contains_key(name));
        self.table.store(Arc::new(table));
        Ok(())
    }

    /// The sites' names, in alphabetical order.
    #[must_use]
    pub fn names(&self) -> Vec<SiteName> {
        let mut names = self.table.load().sites.keys().cloned().collect::<Vec<_>>();
        names.sort_unstable();
        names
    }

    /// The IANA name of a site's time zone.
    #[must_use]
    pub fn timezone_of(&self, site: &str) -> Option<String> {
        self.table.load().sites.get(site).map(|it| name_of(&it.zone).to_owned())
    }

    /// The site of a domain as a client wrote it, on the day that it is there now. Takes a lock
    /// only when a day, or the half hour after its midnight, is over.
    pub(super) fn find(&self, domain: &str, now: Second) -> Option<Arc<SiteDay>> {
        let table = self.table.load();
        let site = look_up(&table, domain)?;
        let today = site.today.load();
        if today.serves.contains(&now) {
            return Some(Arc::clone(&today));
        }
        let _changing = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        Some(self.renew(site, now))
    }

    /// Destroys the keys that are due, and says which days are over: each once, half an hour after
    /// its midnight, and again after a restart. Call it every few seconds: it is what makes keys
    /// die on sites that nobody visits.
    pub fn due(&self, now: Second) -> Vec<Record> {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        self.keys.destroy_due(now);
        let mut records = Vec::new();
        for (site, it) in &self.table.load().sites {
            let LocalDay { start, before: over, .. } = self.renew(it, now).day;
            let told = ended.get(site).is_some_and(|day| *day >= over);
            if !told && now.0 >= start.0 + limits::VISIT_GAP_S {
                ended.insert(site.clone(), over);
                records.push(Record::DayEnd { site: site.clone(), at: now, day: over });
            }
        }
        records
    }

    /// Says for which sites the day's uniques begin anew: the collector `last_ran` in their day,
    /// and its key is not there any more. Call it once, after the first [`Sites::set`].
    #[must_use]
    pub fn keys_lost(&self, last_ran: Second, now: Second) -> Vec<Record> {
        let lost = |it: &SiteDay| it.day.start <= last_ran && !it.key_found;
        let table = self.table.load();
        let sites = table.sites.values().filter(|it| lost(&it.today.load()));
        sites.map(|it| Record::KeysLost { site: it.config.name.clone(), at: now }).collect()
    }

    /// The site's snapshot for now, made if need be. Only under the lock.
    fn renew(&self, site: &Site, now: Second) -> Arc<SiteDay> {
        let today = site.today.load_full();
        if today.serves.contains(&now) {
            return today;
        }
        let next = Arc::new(self.day_of(&site.config, &site.zone, Some(today.day.clone()), now));
        site.today.store(Arc::clone(&next));
        next
    }

    fn day_of(
        &self,
        config: &SiteConfig,
        zone: &TimeZone,
        seen: Option<LocalDay>,
        now: Second,
    ) -> SiteDay {
        let computed = LocalDay::at(zone, now);
        let day = seen.filter(|seen| seen.day > computed.day).unwrap_or(computed);
        let dies_at = Second(day.end.0 + limits::VISIT_GAP_S);

        let key = self.keys.day_key(name_of(zone), day.day, now, dies_at).ok();
        // It lives for the half hour after its own day's end, and no longer.
        let before = self.keys.living_key(name_of(zone), day.before, now);
        let serves = if let Some(key) = &key {
            let until = before.as_ref().map_or(day.end, |it| it.dies_at()).min(key.dies_at());
            Second(key.dies_at().0 - limits::DAY_KEY_LIFE_S_MAX)..until
        } else {
            telemetry::error("edge", "no key can be drawn: hits are counted without ids", &[]);
            now..Second(now.0 + 1)
        };
        let of_site = |key: &DayKey| (key.id(), key.site_key(&config.name));
        SiteDay {
            site: config.name.clone(),
            signals: config.signals,
            rules: Arc::clone(&config.rules),
            key_found: key.as_ref().is_some_and(|it| it.was_found()),
            key: key.as_deref().map(of_site),
            before: before.as_deref().map(of_site),
            day,
            serves,
        }
    }
}

impl SiteDay {
    /// The site's day, and the bucket in which its hour began.
    pub(super) fn stamp(&self, at: Second) -> (Day, Bucket) {
        (self.day.day, self.day.hour(at))
    }

    /// Whose hit it is. `Lost` where the system's random source gave no key.
    pub(super) fn visitor(&self, parts: &VisitorParts<'_>) -> Visitor {
        let known = |(key, of_site): &(KeyId, SiteKey)| (*key, of_site.visitor_id(parts));
        let Some((key, id)) = self.key.as_ref().map(known) else { return Visitor::Lost };
        Visitor::Known { key, id, before: self.before.as_ref().map(known) }
    }
}

fn look_up<'a>(table: &'a Table, domain: &str) -> Option<&'a Arc<Site>> {
    let Table { sites, aliases } = table;
    let find = |domain: &str| {
        let bare = || sites.get(domain.strip_prefix("www.")?);
        sites.get(domain).or_else(bare).or_else(|| aliases.get(domain))
    };
    find(domain).or_else(|| {
        let is_folded = domain.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
        if is_folded { None } else { find(&domain.to_lowercase()) }
    })
}

fn zone_of(site: &SiteConfig) -> Result<TimeZone, SitesError> {
    let zone = TimeZone::get(&site.timezone).ok().filter(|zone| !zone.is_unknown());
    zone.ok_or_else(|| SitesError::UnknownZone {
        site: site.name.clone(),
        timezone: site.timezone.clone(),
    })
}

fn name_of(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}
