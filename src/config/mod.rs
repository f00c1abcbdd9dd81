//! The configuration: one TOML file, and the environment over it.
//!
//! *In*: `headcount.toml`, `HEADCOUNT_<SECTION>__<KEY>`, `HEADCOUNT_DATA_DIR`. *Out*: a [`Config`]
//! whose every value was checked, or every problem at once, before a port is bound.
//! *Never* weakens a promise: there is no key that keeps an address or logs a header.

mod read;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::edge::{
    Detail, Network, Pattern, RateLimit, ScriptPaths, Signals, SiteConfig, SiteRules,
};
use crate::hit::SiteName;
use crate::spool::Durability;
use crate::telemetry::Level;
use read::{Entry, Reader};

/// The whole configuration, checked.
#[derive(Clone)]
pub struct Config {
    /// Where everything that lasts is kept.
    pub data_dir: PathBuf,
    /// How much is logged.
    pub log_level: Level,
    /// The ingest listener.
    pub ingest: Ingest,
    /// Address of the console listener.
    pub console_listen: String,
    /// ClickHouse; none: the embedded engine.
    pub store: Option<External>,
    /// This collector's name in the ledger.
    pub node: String,
    /// The ClickHouse database.
    pub database: String,
    /// Bytes that the embedded engine may use.
    pub engine_memory_bytes: u64,
    /// When a hit is acknowledged.
    pub durability: Durability,
    /// Bytes of a spool segment.
    pub spool_segment_bytes: u64,
    /// How often the counter's state is kept.
    pub checkpoint_interval: Duration,
    /// Bytes of all spool segments.
    pub spool_max_bytes: u64,
    /// Bytes that may wait in the outbox.
    pub outbox_max_bytes: u64,
    /// Months that rows are kept; 0: for ever.
    pub retention_months: u32,
    /// What becomes of hits that carry GPC or DNT, on sites that do not say.
    pub signals: Signals,
    /// The country database; none: the one beside the program, if there is one.
    pub geo_database: Option<PathBuf>,
    /// Databases that know regions and cities; asked before the country database.
    pub city_databases: Vec<PathBuf>,
    /// How much of a visitor's place is kept.
    pub places: Detail,
    /// What the databases' licence asks to be shown beside what they told.
    pub geo_attribution: Option<String>,
    /// The list of data centres' networks; none: the one beside the program, if there is one.
    pub data_centres: Option<PathBuf>,
    /// The list of mail filters' networks; none: the one in the program.
    pub mail_networks: Option<PathBuf>,
    /// Where the keys of mailings are kept; none: in the data folder.
    pub mailing_keys: Option<PathBuf>,
    /// Days that a mailing is counted, from its first sending.
    pub mailing_days: u32,
    /// Days that a mailing's links lead somewhere.
    pub mailing_link_days: u32,
    /// Measured sites.
    pub sites: Vec<SiteConfig>,
}

/// The ingest listener.
#[derive(Clone)]
pub struct Ingest {
    /// Its address.
    pub listen: String,
    /// Peers whose forwarding header is believed.
    pub trusted_proxies: Vec<Network>,
    /// That header.
    pub client_ip_header: http::HeaderName,
    /// Whether every connection begins with a PROXY protocol header.
    pub proxy_protocol: bool,
    /// Hits that one network may send; none: no limit.
    pub rate_limit: Option<RateLimit>,
    /// Where the script is found, and hits are taken.
    pub paths: ScriptPaths,
    /// Listener threads.
    pub threads: usize,
}

/// A ClickHouse that somebody else runs.
#[derive(Clone)]
pub struct External {
    /// `http://host:port`.
    pub url: String,
    /// User.
    pub user: String,
    /// File with the password.
    pub password_file: Option<PathBuf>,
    /// Time for one insert. What a proxy may still hold after a failure is waited out for twice
    /// this.
    pub insert_timeout: Duration,
}

/// Everything that is wrong with a configuration: never empty.
#[derive(Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<String>);

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the configuration cannot be used:")?;
        for problem in &self.0 {
            write!(f, "\n  {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Mebibytes as bytes.
const MIB: u64 = 1024 * 1024;

impl Config {
    /// Reads `file` (none: `headcount.toml` in the working folder, if it is there), and the
    /// environment over it.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let text = match file {
            Some(path) => std::fs::read_to_string(path).map_err(|error| {
                Problems(vec![format!("{} cannot be read: {}", path.display(), error.kind())])
            })?,
            None => std::fs::read_to_string("headcount.toml").unwrap_or_default(),
        };
        Self::parse(&text, environment)
    }

    /// A configuration from a file's text and the environment.
    pub fn parse(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let mut reader = Reader::new(text, environment)?;
        let config = Self::from_reader(&mut reader);
        reader.finish()?;
        Ok(config)
    }

    fn from_reader(r: &mut Reader) -> Self {
        let data_dir = r.path("", "data_dir").unwrap_or_else(|| PathBuf::from("data"));
        let log_level =
            r.parsed("log", "level", Level::Info, "error, warn, info or debug", Level::parse);
        let ingest = ingest(r);
        let console_listen = r.listen("console", "listen", "127.0.0.1:8081");
        let store = external(r);
        let node = r.name("store", "node", "main");
        let database = r.name("store", "database", "headcount");
        let engine_memory_bytes = r.size("engine", "memory_bytes", 2048 * MIB, 512 * MIB);
        let durability =
            r.parsed("spool", "durability", Durability::Disk, "disk or process", |t| match t {
                "disk" => Some(Durability::Disk),
                "process" => Some(Durability::Process),
                _ => None,
            });
        let spool_segment_bytes = r.size("spool", "segment_bytes", 32 * MIB, MIB);
        let checkpoint_interval_s = r.number("spool", "checkpoint_interval_s", 60, 1, 3600);
        let spool_max_bytes = r.size("spool", "max_bytes", 4096 * MIB, 4 * MIB);
        let outbox_max_bytes = r.size("outbox", "max_bytes", 8192 * MIB, 4 * MIB);
        let retention_months = r.number("privacy", "retention_months", 25, 0, 1200);
        let signals =
            r.parsed("privacy", "signals", Signals::Withhold, "withhold or drop", signals);
        let geo_database = r.path("geo", "database");
        let city_databases = r.texts("geo", "city_databases", &[]);
        let city_databases = city_databases.into_iter().map(PathBuf::from).collect();
        let geo_attribution = r.optional("geo", "attribution");
        let data_centres = r.path("geo", "data_centres");
        let mail_networks = r.path("mailing", "networks_file");
        let mailing_keys = r.path("mailing", "key_dir");
        let mailing_days = r.number("mailing", "count_days", 14, 1, 30);
        let mailing_link_days = r.number("mailing", "link_days", 365, 1, 3650);
        let valid = "country, region or city";
        let places = r.parsed("privacy", "places", Detail::Country, valid, Detail::parse);
        let sites = sites(r, signals);
        if spool_segment_bytes * 2 > spool_max_bytes {
            r.problem("[spool] max_bytes must be at least twice segment_bytes".to_owned());
        }
        Self {
            data_dir,
            log_level,
            ingest,
            console_listen,
            store,
            node,
            database,
            engine_memory_bytes,
            durability,
            spool_segment_bytes,
            checkpoint_interval: Duration::from_secs(u64::from(checkpoint_interval_s)),
            spool_max_bytes,
            outbox_max_bytes,
            retention_months,
            signals,
            geo_database,
            city_databases,
            places,
            geo_attribution,
            data_centres,
            mail_networks,
            mailing_keys,
            mailing_days,
            mailing_link_days,
            sites,
        }
    }
}

fn signals(text: &str) -> Option<Signals> {
    match text {
        "withhold" => Some(Signals::Withhold),
        "drop" => Some(Signals::Drop),
        _ => None,
    }
}

fn ingest(r: &mut Reader) -> Ingest {
    let listen = r.listen("ingest", "listen", "127.0.0.1:8080");
    let trusted = r.texts("ingest", "trusted_proxies", &["127.0.0.1/32", "::1/128"]);
    let mut trusted_proxies = Vec::new();
    for text in &trusted {
        match Network::parse(text) {
            Ok(network) => trusted_proxies.push(network),
            Err(error) => {
                r.problem(format!("[ingest] trusted_proxies: {text:?}: {error}"));
            }
        }
    }
    let client_ip_header = r.parsed(
        "ingest",
        "client_ip_header",
        http::HeaderName::from_static("x-forwarded-for"),
        "the name of one header",
        |t| http::HeaderName::try_from(t).ok(),
    );
    let proxy_protocol = r.switch("ingest", "proxy_protocol", false);
    let per_second = r.number("ingest", "rate_limit_per_second", 0, 0, 1_000_000);
    let burst = r.number("ingest", "rate_limit_burst", 0, 0, 10_000_000);
    // A rate without a burst lets ten seconds of it come at once: a page and its events.
    let rate_limit = NonZeroU32::new(per_second).map(|per_second| RateLimit {
        per_second,
        burst: NonZeroU32::new(burst).unwrap_or_else(|| per_second.saturating_mul(TEN)),
    });
    if per_second == 0 && burst != 0 {
        r.problem("[ingest] rate_limit_burst needs rate_limit_per_second".to_owned());
    }
    let paths = paths(r);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = r.number("ingest", "threads", u32::try_from(cores).unwrap_or(1), 1, 256);
    Ingest {
        listen,
        trusted_proxies,
        client_ip_header,
        proxy_protocol,
        rate_limit,
        paths,
        threads: threads as usize,
    }
}

fn paths(r: &mut Reader) -> ScriptPaths {
    let usual = ScriptPaths::default();
    let valid = "a free path that ends in .js, such as /assets/page.js";
    let paths = r.parsed("ingest", "script_path", usual.clone(), valid, |path| {
        usual.clone().with_script(path)
    });
    let valid = "a free path, such as /assets/seen";
    let paths = r.parsed("ingest", "event_path", paths.clone(), valid, |path| {
        paths.clone().with_event(path)
    });
    if paths.collide() {
        r.problem("[ingest] event_path is a path of the script's".to_owned());
    }
    paths
}

const TEN: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

fn external(r: &mut Reader) -> Option<External> {
    let named = r.is_set("store", "database");
    let url = r.optional("store", "url");
    let user = r.optional("store", "user");
    let password_file = r.path("store", "password_file");
    let timeout_named = r.is_set("store", "insert_timeout_s");
    let insert_timeout_s = r.number("store", "insert_timeout_s", 60, 1, 600);
    let Some(url) = url else {
        if user.is_some() || password_file.is_some() || named || timeout_named {
            r.problem(
                "[store] user, password_file, database and insert_timeout_s need a url".to_owned(),
            );
        }
        return None;
    };
    if !(url.starts_with("http://") && url.len() > "http://".len()) {
        r.problem(format!("[store] url is {url:?}: it begins with http:// and names a host"));
    }
    let user = user.unwrap_or_else(|| "default".to_owned());
    let insert_timeout = Duration::from_secs(u64::from(insert_timeout_s));
    Some(External { url, user, password_file, insert_timeout })
}

fn sites(r: &mut Reader, signals_by_default: Signals) -> Vec<SiteConfig> {
    let mut sites: Vec<SiteConfig> = Vec::new();
    for mut table in r.tables("site") {
        let number = sites.len() + 1;
        let at = format!("[[site]] {number}");
        let domain = table.text("domain");
        let timezone = table.text("timezone").unwrap_or_else(|| "UTC".to_owned());
        let asked = table.text("signals");
        let aliases = table.texts("aliases").into_iter().map(|it| it.to_lowercase()).collect();
        let rules = rules(&mut table, &at, r);
        for problem in table.rest(SITE_KEYS) {
            r.problem(format!("{at}: {problem}"));
        }
        if jiff::tz::TimeZone::get(&timezone).is_err() {
            r.problem(format!(
                "{at}: timezone {timezone:?} is not known; a valid one is Europe/Berlin"
            ));
        }
        let signals = asked.as_deref().map_or(Some(signals_by_default), signals);
        if signals.is_none() {
            r.problem(format!("{at}: signals is withhold or drop"));
        }
        match domain.as_deref().map(SiteName::parse) {
            None => r.problem(format!("{at}: domain is missing")),
            Some(Err(error)) => r.problem(format!("{at}: domain: {error}")),
            Some(Ok(name)) if sites.iter().any(|site| site.name == name) => {
                r.problem(format!("{at}: domain {:?} is there twice", name.as_str()));
            }
            Some(Ok(name)) => sites.push(SiteConfig {
                name,
                aliases,
                timezone,
                signals: signals.unwrap_or(signals_by_default),
                rules: Arc::new(rules),
            }),
        }
    }
    sites
}

/// The keys of a `[[site]]`.
const SITE_KEYS: &[&str] = &[
    "domain",
    "aliases",
    "timezone",
    "signals",
    "block_addresses",
    "block_countries",
    "block_pages",
    "block_hostnames",
    "allow_hostnames",
    "block_data_centres",
];

/// What is not counted for a site.
fn rules(table: &mut Entry, at: &str, r: &mut Reader) -> SiteRules {
    let patterns = |table: &mut Entry, r: &mut Reader, key: &str| {
        let mut patterns = Vec::new();
        for text in table.texts(key) {
            match Pattern::parse(&text) {
                Ok(pattern) => patterns.push(pattern),
                Err(error) => r.problem(format!("{at}: {key}: {text:?} {error}")),
            }
        }
        patterns
    };
    let mut rules = SiteRules {
        block_pages: patterns(table, r, "block_pages"),
        block_hostnames: patterns(table, r, "block_hostnames"),
        allow_hostnames: patterns(table, r, "allow_hostnames"),
        block_data_centres: table.switch("block_data_centres"),
        ..SiteRules::default()
    };
    for text in table.texts("block_addresses") {
        match Network::parse(&text) {
            Ok(network) => rules.block_addresses.push(network),
            Err(error) => r.problem(format!("{at}: block_addresses: {text:?} {error}")),
        }
    }
    for text in table.texts("block_countries") {
        let code = text.trim().to_uppercase();
        if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            rules.block_countries.push(code);
        } else {
            r.problem(format!(
                "{at}: block_countries: {text:?} is no country code; one is DE, another US"
            ));
        }
    }
    rules
}
