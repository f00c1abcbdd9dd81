//! Made-up traffic of a realistic shape, the same for the same number: days of visits, and their
//! hits in the order of time. The shape is written out at the head of `storage.rs`.

use headcount::hit::{Currency, Revenue, SiteName, Text, VisitDims};

/// Days of traffic, and the first of them: 16 October 2026, so that two months are begun.
pub(crate) const DAYS: i64 = 30;
/// See [`DAYS`].
pub(crate) const FIRST_DAY: i64 = 20_742;
pub(crate) const DAY_S: i64 = 86_400;

/// Share of all visits in percent, and pages, of each site.
const SITES: [(u64, usize); 5] = [(50, 4_000), (25, 2_000), (13, 1_000), (8, 600), (4, 400)];
/// Hits of a visit, on average: three page views, two engagements, a third of an event.
const HITS_A_VISIT: f64 = 5.4;
/// Share of a day's visits by the hour, in thousandths.
const HOURS: [u64; 24] =
    [14, 10, 8, 7, 8, 12, 22, 37, 52, 60, 62, 60, 58, 60, 62, 60, 57, 54, 53, 56, 60, 55, 43, 30];
/// A day's visits against the mean, in percent, from Monday on.
const WEEKDAYS: [f64; 7] = [1.12, 1.15, 1.13, 1.10, 1.00, 0.72, 0.78];
const COUNTRIES: [&str; 48] = [
    "DE", "US", "GB", "FR", "IN", "NL", "AT", "CH", "ES", "IT", "PL", "CA", "SE", "BE", "BR", "AU",
    "DK", "NO", "FI", "CZ", "PT", "JP", "TR", "IE", "MX", "RO", "HU", "GR", "UA", "ZA", "AR", "ID",
    "SG", "KR", "PH", "IL", "NZ", "SK", "BG", "HR", "LT", "MY", "TH", "VN", "CL", "CO", "EG", "NG",
];
const LANGUAGES: [&str; 48] = [
    "de", "en", "en", "fr", "en", "nl", "de", "de", "es", "it", "pl", "en", "sv", "nl", "pt", "en",
    "da", "no", "fi", "cs", "pt", "ja", "tr", "en", "es", "ro", "hu", "el", "uk", "en", "es", "id",
    "en", "ko", "en", "he", "en", "sk", "bg", "hr", "lt", "ms", "th", "vi", "es", "es", "ar", "en",
];
/// Browser, its newest version, system, its versions, device, weight.
type Device = (&'static str, u32, &'static str, &'static [&'static str], &'static str, u64);
const DEVICES: [Device; 12] = [
    ("Chrome", 143, "Windows", &["10", "11"], "Desktop", 230),
    ("Chrome", 143, "Android", &["10", "13", "14", "15", "16"], "Mobile", 250),
    ("Safari", 26, "iOS", &["16", "17", "18", "26"], "Mobile", 210),
    ("Safari", 26, "macOS", &["10.15"], "Desktop", 70),
    ("Chrome", 143, "macOS", &["10.15"], "Desktop", 60),
    ("Edge", 143, "Windows", &["10", "11"], "Desktop", 60),
    ("Firefox", 145, "Windows", &["10", "11"], "Desktop", 40),
    ("Firefox", 145, "Linux", &[""], "Desktop", 15),
    ("Samsung Internet", 29, "Android", &["10", "13", "14", "15"], "Mobile", 30),
    ("Safari", 26, "iPadOS", &["17", "18", "26"], "Tablet", 20),
    ("Chrome", 143, "Linux", &[""], "Desktop", 15),
    ("Opera", 124, "Windows", &["10", "11"], "Desktop", 10),
];
const SEARCH: [(&str, &str); 6] = [
    ("Google", "google.com"),
    ("Bing", "bing.com"),
    ("DuckDuckGo", "duckduckgo.com"),
    ("Ecosia", "ecosia.org"),
    ("Yahoo!", "search.yahoo.com"),
    ("Brave", "search.brave.com"),
];
const SOCIAL: [(&str, &str); 8] = [
    ("LinkedIn", "linkedin.com"),
    ("Facebook", "facebook.com"),
    ("Reddit", "reddit.com"),
    ("Hacker News", "news.ycombinator.com"),
    ("YouTube", "youtube.com"),
    ("Twitter", "t.co"),
    ("Instagram", "instagram.com"),
    ("Pinterest", "pinterest.com"),
];
/// Channel, source and medium of campaigns.
const MEDIA: [(&str, &str, &str); 5] = [
    ("Email", "newsletter", "email"),
    ("Paid Search", "google", "cpc"),
    ("Paid Social", "facebook", "paid-social"),
    ("Paid Social", "linkedin", "paid-social"),
    ("Display", "partner", "banner"),
];
const REFERRALS: usize = 400;
const CAMPAIGNS: usize = 30;
const CONTENTS: usize = 4;
const TERMS: usize = 6;
/// Event, key of its property, how many values that has, weight.
const EVENTS: [(&str, &str, usize, u64); 5] = [
    ("Outbound Link: Click", "url", 300, 50),
    ("File Download", "url", 60, 20),
    ("Search", "results", 4, 14),
    ("Signup", "plan", 3, 11),
    (PURCHASE, "plan", 5, 5),
];
const PURCHASE: &str = "Purchase";

/// SplitMix64.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// From 0 to 1.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }

    /// Seconds, exponentially spread around `mean`, within bounds.
    fn seconds(&mut self, mean: f64, most: i64) -> i64 {
        ((-mean * (1.0 - self.part()).ln()) as i64).clamp(1, most)
    }
}

/// A choice by weight.
struct Weighted(Vec<f64>);

impl Weighted {
    fn new(weights: impl Iterator<Item = f64>) -> Self {
        let mut sum = 0.0;
        let sums = weights.map(|weight| {
            sum += weight;
            sum
        });
        Self(sums.collect())
    }

    /// The n-th is chosen 1/n^power as often as the first.
    fn zipf(count: usize, power: f64) -> Self {
        Self::new((1..=count).map(|rank| (rank as f64).powf(-power)))
    }

    fn pick(&self, random: &mut Random) -> usize {
        let at = random.part() * self.0.last().expect("a choice");
        self.0.partition_point(|sum| *sum <= at).min(self.0.len() - 1)
    }
}

/// A visit, as places in the tables of [`Traffic`].
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) site: usize,
    /// The visitor's id of the day.
    pub(crate) visitor: u64,
    pub(crate) arrival: usize,
    /// Of the referring site's pages, the number.
    pub(crate) referring_page: usize,
    pub(crate) device: usize,
    pub(crate) country: usize,
    pub(crate) language: usize,
}

/// What a hit of a day says.
#[derive(Clone, Copy)]
pub(crate) enum Said {
    Pageview,
    Engagement { ms: u32, scroll: u8 },
    Event { event: usize, value: usize, cents: Option<i64> },
}

/// One hit of a day.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    /// Seconds since the day began.
    pub(crate) second: u32,
    /// Place in the day's visits.
    pub(crate) visit: u32,
    pub(crate) page: u32,
    pub(crate) said: Said,
}

/// A day's visits, and their hits in the order of time.
pub(crate) struct Day {
    pub(crate) first_second: i64,
    pub(crate) visits: Vec<Visit>,
    pub(crate) moments: Vec<Moment>,
}

/// A site and its pages.
pub(crate) struct Site {
    pub(crate) name: SiteName,
    pub(crate) host: Text,
    pub(crate) pages: Vec<Text>,
    by_fame: Weighted,
}

/// An event, and the values of its property.
pub(crate) struct Event {
    pub(crate) name: Text,
    pub(crate) key: Text,
    pub(crate) values: Vec<Text>,
}

/// What all days are made of.
pub(crate) struct Traffic {
    pub(crate) sites: Vec<Site>,
    /// Dimensions that say how a visit came.
    pub(crate) arrivals: Vec<VisitDims>,
    /// Dimensions that say on what.
    pub(crate) devices: Vec<VisitDims>,
    pub(crate) countries: Vec<Text>,
    pub(crate) languages: Vec<Text>,
    pub(crate) events: Vec<Event>,
    of_sites: Weighted,
    of_hours: Weighted,
    of_devices: Weighted,
    of_countries: Weighted,
    of_referrals: Weighted,
    of_campaigns: Weighted,
    of_events: Weighted,
    hits: u64,
}

fn text(text: &str) -> Text {
    Text::from_scrubbed(text)
}

/// Two words for a number, as a title has them.
fn words(number: usize) -> String {
    const FIRST: [&str; 16] = [
        "quiet", "early", "simple", "open", "winter", "modern", "hidden", "local", "honest",
        "steady", "second", "small", "better", "public", "slow", "bright",
    ];
    const SECOND: [&str; 20] = [
        "harbour", "garden", "letters", "metrics", "kitchen", "weather", "signals", "numbers",
        "privacy", "journal", "machines", "markets", "pictures", "travel", "recipes", "archive",
        "library", "history", "systems", "release",
    ];
    format!("{}-{}-{number}", FIRST[number % 16], SECOND[number / 16 % 20])
}

fn page(number: usize) -> Text {
    const SECTIONS: [&str; 6] = ["blog", "docs", "products", "news", "help/articles", "blog/2026"];
    if number == 0 {
        return text("/");
    }
    text(&format!("/{}/{}", SECTIONS[number % SECTIONS.len()], words(number)))
}

fn arrivals() -> Vec<VisitDims> {
    let came = |channel: &str, source: &str, host: &str| VisitDims {
        channel: text(channel),
        source: text(source),
        referrer_host: text(host),
        ..VisitDims::default()
    };
    let mut all = vec![came("Direct", "", "")];
    all.extend(SEARCH.iter().map(|(source, host)| came("Organic Search", source, host)));
    all.extend(SOCIAL.iter().map(|(source, host)| came("Organic Social", source, host)));
    all.extend((0..REFERRALS).map(|number| {
        let host = format!("{}.example", words(number));
        came("Referral", &host, &host)
    }));
    for campaign in 0..CAMPAIGNS {
        let (channel, source, medium) = MEDIA[campaign % MEDIA.len()];
        for variant in 0..CONTENTS * TERMS {
            let searched = channel == "Paid Search";
            all.push(VisitDims {
                utm_source: text(source),
                utm_medium: text(medium),
                utm_campaign: text(&format!("{}-2026", words(campaign))),
                utm_content: text(&format!("variant-{}", variant % CONTENTS)),
                utm_term: text(&if searched { words(variant / CONTENTS) } else { String::new() }),
                ..came(channel, source, "")
            });
        }
    }
    all
}

/// Every device with its weight: half have the newest version of the browser, and so on down.
fn devices() -> (Vec<VisitDims>, Weighted) {
    let (mut all, mut weights) = (Vec::new(), Vec::new());
    for (browser, newest, os, versions, device, weight) in DEVICES {
        for (place, os_version) in versions.iter().enumerate() {
            for age in 0..6 {
                all.push(VisitDims {
                    browser: text(browser),
                    browser_version: text(&(newest - age).to_string()),
                    os: text(os),
                    os_version: text(os_version),
                    device: text(device),
                    ..VisitDims::default()
                });
                let newer = (place + 1) as f64 / versions.len() as f64;
                weights.push(weight as f64 * newer * 0.5_f64.powi(age as i32 + 1));
            }
        }
    }
    (all, Weighted::new(weights.into_iter()))
}

impl Traffic {
    pub(crate) fn new(hits: u64) -> Self {
        let site = |(place, (_, pages)): (usize, &(u64, usize))| Site {
            name: SiteName::parse(&format!("site{place}.example")).expect("a domain"),
            host: text(&format!("www.site{place}.example")),
            pages: (0..*pages).map(page).collect(),
            by_fame: Weighted::zipf(*pages, 1.0),
        };
        let event = |(name, key, values, _): &(&str, &str, usize, u64)| Event {
            name: text(name),
            key: text(key),
            values: (0..*values)
                .map(|value| match *key {
                    "url" => {
                        text(&format!("https://{}.example/{}", words(value), words(value / 3)))
                    }
                    _ => text(&words(value)),
                })
                .collect(),
        };
        let (devices, of_devices) = devices();
        Self {
            sites: SITES.iter().enumerate().map(site).collect(),
            arrivals: arrivals(),
            devices,
            countries: COUNTRIES.iter().map(|code| text(code)).collect(),
            languages: LANGUAGES.iter().map(|code| text(code)).collect(),
            events: EVENTS.iter().map(event).collect(),
            of_sites: Weighted::new(SITES.iter().map(|(share, _)| *share as f64)),
            of_hours: Weighted::new(HOURS.iter().map(|share| *share as f64)),
            of_devices,
            of_countries: Weighted::zipf(COUNTRIES.len(), 1.1),
            of_referrals: Weighted::zipf(REFERRALS, 1.0),
            of_campaigns: Weighted::zipf(CAMPAIGNS, 0.8),
            of_events: Weighted::new(EVENTS.iter().map(|(.., weight)| *weight as f64)),
            hits,
        }
    }

    /// The day of that number.
    pub(crate) fn day(&self, number: i64) -> Day {
        let mut random = Random::new(number as u64 + 1);
        let weekday = (FIRST_DAY + number + 3).rem_euclid(7) as usize;
        let visits = self.hits as f64 / DAYS as f64 / HITS_A_VISIT * WEEKDAYS[weekday];
        let first_second = (FIRST_DAY + number) * DAY_S;
        let mut day = Day { first_second, visits: Vec::new(), moments: Vec::new() };
        while (day.visits.len() as f64) < visits {
            self.visitor(&mut random, &mut day);
        }
        day.moments.sort_by_key(|moment| (moment.second, moment.visit));
        day
    }

    /// A visitor, who comes once; one in eight comes again.
    fn visitor(&self, random: &mut Random, day: &mut Day) {
        let country = self.of_countries.pick(random);
        let mut visit = Visit {
            site: self.of_sites.pick(random),
            visitor: random.next(),
            arrival: self.arrival(random, 42),
            referring_page: random.below(30) * random.below(2),
            device: self.of_devices.pick(random),
            country,
            language: if random.chance(80) { country } else { 1 },
        };
        let begun = self.of_hours.pick(random) as i64 * 3600 + random.below(3600) as i64;
        let ended = self.walk(random, visit, begun, day);
        let again = ended + 31 * 60 + random.below(8 * 3600) as i64;
        if random.chance(12) && again < DAY_S {
            visit.arrival = self.arrival(random, 60);
            self.walk(random, visit, again, day);
        }
    }

    /// How a visit comes: `direct` percent directly, of the others a half by a search engine.
    fn arrival(&self, random: &mut Random, direct: u64) -> usize {
        if random.chance(direct) {
            return 0;
        }
        let (search, social) = (1, 1 + SEARCH.len());
        let referral = social + SOCIAL.len();
        match random.below(100) {
            // Nine in ten searches are Google's.
            0..50 if random.chance(90) => search,
            0..50 => search + 1 + random.below(SEARCH.len() - 1),
            50..65 => social + random.below(SOCIAL.len()),
            65..82 => referral + self.of_referrals.pick(random),
            _ => {
                let campaign = self.of_campaigns.pick(random);
                referral
                    + REFERRALS
                    + (campaign * CONTENTS * TERMS)
                    + random.below(CONTENTS * TERMS)
            }
        }
    }

    /// A visit's hits, until it ends or the day does; the second of the last.
    fn walk(&self, random: &mut Random, visit: Visit, begun: i64, day: &mut Day) -> i64 {
        let place = day.visits.len() as u32;
        day.visits.push(visit);
        let site = &self.sites[visit.site];
        let (mut at, mut last) = (begun, begun);
        let mut page = site.by_fame.pick(random);
        let mut say = |second: i64, page: usize, said: Said| {
            if second < DAY_S {
                let (second, page) = (second as u32, page as u32);
                day.moments.push(Moment { second, visit: place, page, said });
                last = i64::from(second);
            }
        };
        // Of 100 visits 45 are of one page; the others go on with a chance of 72 in 100.
        let mut goes_on = random.chance(55);
        loop {
            say(at, page, Said::Pageview);
            let read = random.seconds(45.0, 900);
            if random.chance(11) {
                say(at + read / 2, page, self.event(random));
            }
            if random.chance(70) {
                let (ms, scroll) =
                    (read as u32 * 1000 + random.below(1000) as u32, (10 + random.below(91)) as u8);
                say(at + read, page, Said::Engagement { ms, scroll });
            }
            if !goes_on {
                return last;
            }
            at += read + 1;
            // To what the page links to, or to what all look for.
            page = if random.chance(50) {
                (page * 7 + 1 + random.below(6)) % site.pages.len()
            } else {
                site.by_fame.pick(random)
            };
            goes_on = random.chance(72);
        }
    }

    fn event(&self, random: &mut Random) -> Said {
        let event = self.of_events.pick(random);
        let values = self.events[event].values.len();
        let cents = (EVENTS[event].0 == PURCHASE).then(|| 900 + random.below(400) as i64 * 50);
        // The lower of two: some values are more frequent.
        let value = random.below(values).min(random.below(values));
        Said::Event { event, value, cents }
    }

    /// The dimensions of a visit.
    pub(crate) fn dims(&self, visit: &Visit) -> VisitDims {
        let device = &self.devices[visit.device];
        VisitDims {
            country: self.countries[visit.country].clone(),
            browser: device.browser.clone(),
            browser_version: device.browser_version.clone(),
            os: device.os.clone(),
            os_version: device.os_version.clone(),
            device: device.device.clone(),
            language: self.languages[visit.language].clone(),
            ..self.arrivals[visit.arrival].clone()
        }
    }
}

/// What an event brought in.
pub(crate) fn revenue(cents: i64) -> Revenue {
    Revenue { minor: cents, currency: Currency::parse("EUR").expect("a currency") }
}
