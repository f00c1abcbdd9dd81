//! Where requests arrive, and where personal data lives and dies.
//!
//! *Owns* listeners, routes, the client's address, decoding, enrichment, `deidentify`.
//! *In*: bytes of browsers and mail clients. *Out*: [`crate::hit::Record`]s into a [`Sink`].
//! *Never* lets a raw value out; never waits for the store.
//!
//! ```text
//! listener   connections, bounded; a time limit on every wait
//!   stream   a connection's bytes; what is no HTTP waits for its answer
//! routes     path and method
//! hits       the requests that carry hits
//! script     the tracker, compressed beforehand
//! dialect    those of other systems' scripts
//! log        lines of an access log, which come by no listener; past: their clock and keys
//! export     what other systems counted, or kept
//! mailing    pixels and links of mails
//!   address    peer or trusted header → bytes for the hash, truncated network
//!   decode     JSON, form or query → what was said
//!   deidentify raw hit → record; enrich cleans and names, sites stamps and makes the id
//!   arrival    each request is told to the ledger exactly once
//! ```

mod address;
mod answer;
mod arrival;
mod body;
mod calendar;
mod coding;
mod decode;
mod deidentify;
mod dialect;
mod enrich;
mod export;
mod head;
mod hits;
mod limiter;
mod listener;
mod log;
mod mailing;
mod network;
mod opt_out;
mod pages;
mod past;
mod proxy;
mod raw;
mod routes;
mod rules;
mod script;
mod sink;
mod sites;
mod stream;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hyper::header::HeaderName;

pub use coding::is_accepted;
pub use enrich::{DataCentres, DataCentresError, Detail, Geo, GeoError};
pub use export::{
    ExportError, ExportFile, ExportKind, Exported, PageSums, Total, TotalOf, imported, read_export,
};
pub use limiter::RateLimit;
pub use listener::{BindError, bind, serve};
pub use log::{LogEdge, LogFigures, LogFormat, LogRules, PageLines};
pub use mailing::{
    MailNetworks, MailNetworksError, MailingConfig, MailingLink, MailingTokens, MailingUrls,
    allowed_host, is_destination,
};
pub use network::{Network, NetworkError};
pub use rules::{BadPattern, Pattern, SiteRules};
pub use script::{ScriptPaths, Snippet};
pub use sink::{Commit, Full, Receipt, Refused, Sink};
pub use sites::{Signals, SiteConfig, Sites, SitesError};

use crate::hit::{Clock, MailingId, SiteName};
use crate::limits;
use address::Trust;
use arrival::Arrival;
use decode::Discarded;
use limiter::Limiter;

/// How the edge takes requests.
#[derive(Clone)]
pub struct EdgeConfig {
    /// Peers whose forwarding header is believed.
    pub trusted_proxies: Vec<Network>,
    /// That one header.
    pub client_ip_header: HeaderName,
    /// Whether every connection begins with a PROXY protocol header.
    pub proxy_protocol: bool,
    /// Hits that one network may send; none: no limit.
    pub rate_limit: Option<RateLimit>,
    /// Where the script is found, and hits are taken.
    pub paths: ScriptPaths,
    /// Whether the demo site is served too.
    pub demo: bool,
    /// Open connections of one listener thread.
    pub connections_max: usize,
    /// How long clients are waited for.
    pub patience: Patience,
}

/// How long clients are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a request's head; an idle connection too.
    pub head: Duration,
    /// For its body, once its head is there.
    pub body: Duration,
    /// How long they wait themselves for an answer that refuses them and ends the connection.
    pub refusal: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            head: limits::HEAD_TIMEOUT,
            body: limits::BODY_TIMEOUT,
            refusal: limits::REFUSAL_WAIT,
        }
    }
}

/// What is known of networks.
#[derive(Clone, Default)]
pub struct Places {
    /// Their countries; none: they are not known.
    pub geo: Option<Arc<Geo>>,
    /// How much of that is kept.
    pub detail: Detail,
    /// Which are data centres; none: it is not known.
    pub data_centres: Option<Arc<DataCentres>>,
    /// Which are of mail filters; none: those that the program knows.
    pub mail_networks: Option<Arc<MailNetworks>>,
}

/// What all listener threads share.
pub struct Edge {
    trust: Trust,
    proxy_protocol: bool,
    limiter: Option<Limiter>,
    paths: ScriptPaths,
    demo: bool,
    connections_max: usize,
    patience: Patience,
    sites: Arc<Sites>,
    places: Places,
    mailings: mailing::Mailings,
    sink: Arc<dyn Sink>,
    clock: Arc<dyn Clock>,
    unknown: SiteName,
    ready: AtomicBool,
    figures: Counts,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    open: AtomicU64,
    identifiers: AtomicU64,
    addresses: AtomicU64,
    agents: AtomicU64,
    times: AtomicU64,
}

/// Figures of the listener, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeFigures {
    /// Requests since the start, of any kind.
    pub requests: u64,
    /// Connections that are open.
    pub open_connections: u64,
    /// Hits that came with an identifier, which was let go of.
    pub discarded_identifiers: u64,
    /// The same with an address.
    pub discarded_addresses: u64,
    /// The same with an agent.
    pub discarded_agents: u64,
    /// The same with a time.
    pub discarded_times: u64,
}

impl Edge {
    /// An edge that is not ready yet.
    #[must_use]
    pub fn new(
        config: EdgeConfig,
        sites: Arc<Sites>,
        places: Places,
        sink: Arc<dyn Sink>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Self> {
        Arc::new(Self {
            trust: Trust { proxies: config.trusted_proxies, header: config.client_ip_header },
            proxy_protocol: config.proxy_protocol,
            limiter: config.rate_limit.map(Limiter::new),
            paths: config.paths,
            demo: config.demo,
            connections_max: config.connections_max,
            patience: config.patience,
            sites,
            places,
            mailings: mailing::Mailings::default(),
            sink,
            clock,
            unknown: SiteName::unknown(),
            ready: AtomicBool::new(false),
            figures: Counts::default(),
        })
    }

    /// Says whether a balancer may send hits here.
    pub fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// The mailings are these from now on.
    pub fn set_mailings(&self, mailings: Vec<MailingConfig>) {
        self.mailings.set(mailings);
    }

    /// A recipient withdraws from a mailing. None: the token is nobody's.
    pub fn withdraw(&self, mailing: MailingId, token: &str) -> Option<Result<Receipt, Full>> {
        let record = mailing::withdrawal(self, mailing, token, self.clock.now())?;
        let receipt = Arrival::new(self).submit(vec![record]);
        self.sink.flush();
        Some(receipt)
    }

    /// Its figures now.
    #[must_use]
    pub fn figures(&self) -> EdgeFigures {
        let figure = |of: &AtomicU64| of.load(Ordering::Relaxed);
        let Counts { requests, open, identifiers, addresses, agents, times } = &self.figures;
        EdgeFigures {
            requests: figure(requests),
            open_connections: figure(open),
            discarded_identifiers: figure(identifiers),
            discarded_addresses: figure(addresses),
            discarded_agents: figure(agents),
            discarded_times: figure(times),
        }
    }

    /// Counts what came along with a hit and is gone.
    fn discarded(&self, what: Discarded) {
        let Discarded { identifiers, addresses, agents, times } = what;
        let of = &self.figures;
        let all = [
            (identifiers, &of.identifiers),
            (addresses, &of.addresses),
            (agents, &of.agents),
            (times, &of.times),
        ];
        for (came, figure) in all {
            if came {
                figure.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// A listener's thread has done all that it can do now. Call it before the thread sleeps.
    pub fn idle(&self) {
        self.sink.flush();
    }

    /// Forgets the networks that the rate limit need not know any more. Call it every minute.
    pub fn sweep(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.sweep();
        }
    }
}
