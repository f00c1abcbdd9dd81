//! Tests of the sites, their days and their keys.

use super::*;
use crate::hit::VisitorId;

const HOUR_S: i64 = 3600;
const HALF_HOUR_S: i64 = limits::VISIT_GAP_S;
const DAY_S: i64 = 86_400;
/// 2026-11-23T00:00:00Z.
const MIDNIGHT: Second = Second(20_780 * DAY_S);
const TODAY: Day = Day(20_780);

fn after(midnight: Second, s: i64) -> Second {
    Second(midnight.0 + s)
}

fn config(name: &str, timezone: &str) -> SiteConfig {
    let name = SiteName::parse(name).expect("a domain");
    SiteConfig {
        name,
        aliases: Vec::new(),
        timezone: timezone.to_owned(),
        signals: Signals::Withhold,
        rules: Arc::default(),
    }
}

fn sites(keys: &Arc<Keys>, configs: &[(&str, &str)], now: Second) -> Sites {
    let sites = Sites::new(Arc::clone(keys));
    let configs = configs.iter().map(|(name, zone)| config(name, zone)).collect();
    sites.set(configs, now).expect("every zone is known");
    sites
}

fn one_site(now: Second) -> (Arc<Keys>, Sites) {
    let keys = Arc::new(Keys::memory());
    let sites = sites(&keys, &[("a.example", "UTC")], now);
    (keys, sites)
}

/// A visitor's key, id, and the same of the day before, as the site makes them at `now`.
type Known = (KeyId, VisitorId, Option<(KeyId, VisitorId)>);

fn known(sites: &Sites, site: &str, now: Second) -> Known {
    let day = sites.find(site, now).expect("the site is there");
    let parts =
        VisitorParts { address: &[192, 0, 2, 1], agent: b"agent", language: b"", device: b"" };
    match day.visitor(&parts) {
        Visitor::Known { key, id, before } => (key, id, before),
        Visitor::Withheld | Visitor::Lost => panic!("the site has a key"),
    }
}

fn ends(records: &[Record]) -> Vec<(&str, Day)> {
    let end = |record| match record {
        &Record::DayEnd { ref site, day, .. } => (site.as_str(), day),
        _ => panic!("only days end"),
    };
    let mut ends = records.iter().map(end).collect::<Vec<_>>();
    ends.sort_unstable();
    ends
}

#[test]
fn a_site_is_found_in_any_case_and_behind_www() {
    let keys = Arc::new(Keys::memory());
    let known = ["a.example", "www.b.example", "b.example", "www.c.example", "bücher.example"];
    let sites = sites(&keys, &known.map(|name| (name, "UTC")), MIDNIGHT);
    let check = |domain: &str, expected: Option<&str>| {
        let found = sites.find(domain, MIDNIGHT);
        assert_eq!(found.as_ref().map(|it| it.site.as_str()), expected, "{domain}");
    };
    check("a.example", Some("a.example"));
    check("A.Example", Some("a.example"));
    check("WWW.a.example", Some("a.example"));
    check("www.a.example", Some("a.example"));
    check("www.www.a.example", None);
    check("www.b.example", Some("www.b.example"));
    check("b.example", Some("b.example"));
    check("c.example", None);
    check("BÜCHER.example", Some("bücher.example"));
    check("a.example.evil", None);
    check("", None);
    check("www.", None);
    let mut all = known;
    all.sort_unstable();
    assert_eq!(sites.names().iter().map(SiteName::as_str).collect::<Vec<_>>(), all);
}

#[test]
fn an_unknown_time_zone_is_named_and_changes_nothing() {
    let (_, sites) = one_site(MIDNIGHT);
    for timezone in ["Europe/Berlim", "", "CEST", "+02:00", "Etc/Unknown", "../UTC"] {
        let configs = vec![config("b.example", "UTC"), config("c.example", timezone)];
        let error = sites.set(configs, MIDNIGHT).expect_err("there is no such zone").to_string();
        assert!(error.contains("c.example") && error.contains("Europe/Berlin"), "{error}");
        assert!(error.contains(&format!("{timezone:?}")), "{error}");
        assert_eq!(sites.names().len(), 1);
    }
}

#[test]
fn zones_of_one_name_in_two_spellings_share_a_key() {
    let keys = Arc::new(Keys::memory());
    let zones = [("a.example", "Europe/Berlin"), ("b.example", "europe/berlin")];
    let sites = sites(&keys, &zones, MIDNIGHT);
    assert_eq!(sites.timezone_of("b.example").as_deref(), Some("Europe/Berlin"));
    assert_eq!(sites.timezone_of("c.example"), None);
    let (a, b) = (known(&sites, "a.example", MIDNIGHT), known(&sites, "b.example", MIDNIGHT));
    assert_eq!(a.0, b.0);
    assert!(a.1 != b.1, "but an id is the site's");
}

#[test]
fn both_ids_are_there_for_half_an_hour_after_midnight_and_then_nothing_links_the_days() {
    let (keys, sites) = one_site(after(MIDNIGHT, -HOUR_S));
    let yesterday = known(&sites, "a.example", after(MIDNIGHT, -1));
    assert!(yesterday.2.is_none());

    let first = known(&sites, "a.example", MIDNIGHT);
    assert!(first.0 != yesterday.0 && first.1 != yesterday.1);
    assert!(first.2 == Some((yesterday.0, yesterday.1)));
    assert!(known(&sites, "a.example", after(MIDNIGHT, HALF_HOUR_S - 1)) == first);
    assert!(keys.find(yesterday.0).is_some());

    let alone = known(&sites, "a.example", after(MIDNIGHT, HALF_HOUR_S));
    assert!(alone == (first.0, first.1, None));
    sites.due(after(MIDNIGHT, HALF_HOUR_S));
    assert!(keys.find(yesterday.0).is_none());
    assert!(keys.find(first.0).is_some());
}

#[test]
fn a_key_dies_on_a_site_that_nobody_visits() {
    let (keys, sites) = one_site(after(MIDNIGHT, -HOUR_S));
    let id = known(&sites, "a.example", after(MIDNIGHT, -HOUR_S)).0;
    let held = Arc::downgrade(&keys.find(id).expect("it lives"));
    sites.due(after(MIDNIGHT, HALF_HOUR_S - 1));
    assert!(held.upgrade().is_some());
    sites.due(after(MIDNIGHT, HALF_HOUR_S));
    assert!(held.upgrade().is_none(), "nobody holds it any more");
    let day = sites.table.load().sites.get("a.example").map(|it| it.today.load_full());
    assert!(day.is_some_and(|it| it.before.is_none()), "nor what was derived from it");
}

#[test]
fn no_key_outlives_26_hours_on_the_longest_of_days() {
    for zone in ["Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "UTC"] {
        let keys = Arc::new(Keys::memory());
        let sites = sites(&keys, &[("a.example", zone)], Second(1_767_225_600));
        let mut drawn = HashMap::new();
        for quarter in 0..366 * 96 {
            let now = Second(1_767_225_600 + quarter * 900);
            sites.due(now);
            let (key, _, before) = known(&sites, "a.example", now);
            for key in std::iter::once(key).chain(before.map(|(key, _)| key)) {
                let since = *drawn.entry(key).or_insert(now);
                assert!(now.0 - since.0 < limits::DAY_KEY_LIFE_S_MAX, "{zone} {now:?}");
            }
        }
        assert!((365..=368).contains(&drawn.len()), "one key a day: {}", drawn.len());
    }
}

#[test]
fn a_day_ends_once_half_an_hour_after_its_sites_midnight() {
    let keys = Arc::new(Keys::memory());
    let zones = [("a.example", "UTC"), ("b.example", "Asia/Kathmandu")];
    let start = after(MIDNIGHT, -DAY_S + HOUR_S);
    let sites = sites(&keys, &zones, start);
    let yesterday = Day(TODAY.0 - 1);
    let before = Day(TODAY.0 - 2);
    // At the start: the days that were over.
    assert_eq!(ends(&sites.due(start)), [("a.example", before), ("b.example", before)]);
    let mut told = Vec::new();
    for s in (start.0..MIDNIGHT.0 + 2 * HOUR_S).step_by(60) {
        for record in &sites.due(Second(s)) {
            let (site, day) = ends(std::slice::from_ref(record))[0];
            told.push((site.to_owned(), day, s - MIDNIGHT.0));
        }
    }
    let kathmandu = -(5 * HOUR_S + HALF_HOUR_S + 900) + HALF_HOUR_S;
    let expected = [("b.example", kathmandu), ("a.example", HALF_HOUR_S)];
    assert_eq!(told, expected.map(|(site, s)| (site.to_owned(), yesterday, s)));
}

#[test]
fn a_collector_that_slept_tells_the_last_day_and_goes_on_with_todays() {
    let (_, sites) = one_site(MIDNIGHT);
    sites.due(after(MIDNIGHT, HOUR_S));
    let now = after(MIDNIGHT, 5 * DAY_S + HOUR_S);
    assert_eq!(ends(&sites.due(now)), [("a.example", Day(TODAY.0 + 4))]);
    assert_eq!(sites.find("a.example", now).map(|it| it.stamp(now).0), Some(Day(TODAY.0 + 5)));
}

#[test]
fn a_clock_that_steps_back_over_midnight_changes_neither_day_nor_key() {
    let (_, sites) = one_site(after(MIDNIGHT, -HOUR_S));
    let tonight = known(&sites, "a.example", MIDNIGHT);
    for now in [after(MIDNIGHT, -1), after(MIDNIGHT, -HALF_HOUR_S)] {
        let day = sites.find("a.example", now).expect("the site");
        assert_eq!(day.stamp(now), (TODAY, MIDNIGHT.bucket()), "the day's first hour");
        assert!(known(&sites, "a.example", now) == tonight);
        assert_eq!(sites.due(now).len(), 0);
    }
}

#[test]
fn a_clock_that_steps_back_far_revives_no_key_and_lets_none_live_on() {
    let (keys, sites) = one_site(after(MIDNIGHT, -HOUR_S));
    let yesterday = known(&sites, "a.example", after(MIDNIGHT, -HOUR_S)).0;
    let today = known(&sites, "a.example", after(MIDNIGHT, HOUR_S)).0;
    sites.due(after(MIDNIGHT, HOUR_S));
    assert!(keys.find(yesterday).is_none());

    let now = after(MIDNIGHT, -10 * HOUR_S);
    assert_eq!(sites.due(now).len(), 0, "an end is told once");
    let (key, _, before) = known(&sites, "a.example", now);
    assert!(key != yesterday && key != today && before.is_none());
    assert!(keys.find(today).is_none(), "it would have had 34 hours to live");
    assert_eq!(sites.find("a.example", now).map(|it| it.stamp(now).0), Some(TODAY));
    // By the clock that it has now, the fresh one lives no longer than any other.
    sites.due(after(now, limits::DAY_KEY_LIFE_S_MAX));
    assert!(keys.find(key).is_none());
}

#[test]
fn other_sites_and_signals_leave_days_keys_and_ends_as_they_are() {
    let now = after(MIDNIGHT, HOUR_S);
    let (_, sites) = one_site(now);
    let visitor = known(&sites, "a.example", now);
    assert_eq!(sites.due(now).len(), 1);
    let dropping = SiteConfig { signals: Signals::Drop, ..config("a.example", "UTC") };
    let again = SiteConfig { signals: Signals::Withhold, ..dropping.clone() };
    sites.set(vec![dropping, config("b.example", "UTC"), again], now).expect("known zones");
    assert!(known(&sites, "a.example", now) == visitor);
    let signals = sites.find("a.example", now).map(|it| it.signals);
    assert_eq!(signals, Some(Signals::Drop), "of two with one name the first stands");
    assert_eq!(ends(&sites.due(now)), [("b.example", Day(TODAY.0 - 1))]);

    sites.set(vec![config("b.example", "UTC")], now).expect("known zones");
    assert!(sites.find("a.example", now).is_none());
}

#[test]
fn another_time_zone_begins_anew_even_on_the_day_before() {
    let now = after(MIDNIGHT, HOUR_S);
    let (_, sites) = one_site(now);
    let visitor = known(&sites, "a.example", now);
    sites.due(now);
    sites.set(vec![config("a.example", "America/Los_Angeles")], now).expect("known zones");
    assert!(known(&sites, "a.example", now).0 != visitor.0);
    let day = sites.find("a.example", now).map(|it| it.stamp(now).0);
    assert_eq!(day, Some(Day(TODAY.0 - 1)));
    assert_eq!(ends(&sites.due(now)), [("a.example", Day(TODAY.0 - 2))]);
}

#[test]
fn keys_are_lost_only_where_the_collector_ran_on_the_same_day_and_they_are_not_found_again() {
    let now = after(MIDNIGHT, 10 * HOUR_S);
    let zones = [("a.example", "UTC"), ("b.example", "Asia/Tokyo")];
    let check = |keys: Keys, last_ran: Second, expected: &[&str]| {
        let sites = sites(&Arc::new(keys), &zones, now);
        let records = sites.keys_lost(last_ran, now);
        let mut lost = Vec::new();
        for record in &records {
            assert!(matches!(record, Record::KeysLost { at, .. } if *at == now));
            if let Record::KeysLost { site, .. } = record {
                lost.push(site.as_str());
            }
        }
        lost.sort_unstable();
        assert_eq!(lost, expected);
        for (zone, key) in [("UTC", "a.example"), ("Asia/Tokyo", "b.example")]
            .map(|(zone, site)| (zone, known(&sites, site, now).0))
        {
            assert!(sites.keys.find(key).is_some(), "{zone}");
        }
    };
    check(Keys::memory(), after(now, -60), &["a.example", "b.example"]);
    check(Keys::memory(), after(MIDNIGHT, 0), &["a.example", "b.example"]);
    // Tokyo's day began nine hours earlier.
    check(Keys::memory(), after(MIDNIGHT, -1), &["b.example"]);
    check(Keys::memory(), after(MIDNIGHT, -9 * HOUR_S - 1), &[]);

    let installation = format!("test-sites-{}", std::process::id());
    let first = Keys::kernel(&installation, now).expect("the kernel's keyring can be used");
    let first = Arc::new(first);
    sites(&first, &zones[..1], now);
    let second = Keys::kernel(&installation, now).expect("the kernel's keyring can be used");
    check(second, after(now, -60), &["b.example"]);
    let third = Keys::kernel(&installation, now).expect("the kernel's keyring can be used");
    assert_eq!(third.found(), 2);
    third.destroy_due(after(now, 48 * HOUR_S));
}

#[test]
fn threads_that_meet_at_midnight_agree_on_the_days_key() {
    let (keys, sites) = one_site(after(MIDNIGHT, -1));
    let ids = std::thread::scope(|scope| {
        let meet = || scope.spawn(|| known(&sites, "a.example", MIDNIGHT).0);
        let threads = [(); 8].map(|()| meet());
        threads.map(|thread| thread.join().expect("it does not panic"))
    });
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(keys.destroy_due(after(MIDNIGHT, 3 * DAY_S)).len(), 2, "yesterday's and today's");
}
