//! What the console reads from the running stages: current visitors, the ledger, facts for
//! `doctor`.

use std::collections::BTreeMap;
use std::future::Future;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::{Notify, watch};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::import::accept;
use super::mailings::Mailings;
use super::metrics;
use super::sites::Measured;
use crate::console::command::doctor::{self, DoctorContext, LedgerFacts};
use crate::console::{Examiner, Import, Live, Reply, Site, StateDb};
use crate::count::Counter;
use crate::edge::{Detail, Edge, Full, Refused};
use crate::hit::{Clock, MailingId, SiteName};
use crate::outbox::Outbox;
use crate::spool::SpoolWriter;
use crate::stats::{Pending, Questions};
use crate::store::{Param, SendFigures, Store, StoreError};
use crate::telemetry;

/// Seconds in which a visitor is a current one, as Plausible has it.
const CURRENT_S: i64 = 5 * 60;

/// Bytes in the outbox that are no more than what was counted just now.
const BEHIND_BYTES: u64 = 1 << 20;

/// The running stages, for reading.
pub(super) struct Running {
    pub(super) data_dir: PathBuf,
    pub(super) counter: Arc<Mutex<Counter>>,
    /// Whether what was spooled before the start is in `counter`.
    pub(super) caught_up: watch::Receiver<bool>,
    pub(super) edge: Arc<Edge>,
    pub(super) measured: Measured,
    pub(super) mailings: Mailings,
    pub(super) state: Arc<StateDb>,
    /// Told when an import was accepted.
    pub(super) imports: Notify,
    pub(super) spool: Arc<SpoolWriter>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) sent: Arc<SendFigures>,
    pub(super) store: Arc<Connected>,
    /// Whether visitor keys are in the kernel's keyring.
    pub(super) keyring: bool,
    pub(super) places: Detail,
    pub(super) geo_attribution: Option<String>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Running {
    fn counter(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what was spooled before the start is counted.
    pub(super) fn is_caught_up(&self) -> bool {
        *self.caught_up.borrow()
    }

    /// Whether something waits for time to pass.
    pub(super) fn is_holding(&self) -> bool {
        self.counter().is_holding()
    }

    /// The ledger's sums; what is half counted is waited for.
    async fn settled_ledger(&self) -> LedgerFacts {
        for _ in 0..10 {
            let mut ledger = LedgerFacts::default();
            ledger.add(self.totals());
            if ledger.balances() {
                return ledger;
            }
            sleep(Duration::from_millis(200)).await;
        }
        let mut ledger = LedgerFacts::default();
        ledger.add(self.totals());
        ledger
    }

    /// The ledger's totals over all sites, by reason.
    fn totals(&self) -> BTreeMap<&'static str, u64> {
        let mut totals = BTreeMap::new();
        for ((_, reason), hits) in self.counter().ledger() {
            *totals.entry(*reason).or_default() += hits;
        }
        totals
    }
}

impl Live for Running {
    fn caught_up(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut caught_up = self.caught_up.clone();
        // Where it never will, the program ends.
        Box::pin(async move { drop(caught_up.wait_for(|is| *is).await) })
    }

    fn current_visitors(&self, site: &SiteName) -> u64 {
        self.counter().current_visitors(site, self.clock.now(), CURRENT_S)
    }

    fn minutes(&self, site: &SiteName) -> Vec<u32> {
        self.counter().live_minutes(site, self.clock.now()).to_vec()
    }

    fn ledger(&self, site: &SiteName) -> Vec<(&'static str, u64)> {
        let counter = self.counter();
        let of_site = counter.ledger().range((site.clone(), "")..);
        of_site
            .take_while(|((name, _), _)| name == site)
            .map(|((_, reason), hits)| (*reason, *hits))
            .collect()
    }

    fn metrics(&self, out: &mut String) {
        let (visitors, recipients) = {
            let counter = self.counter();
            (counter.visitors_in_memory(), counter.recipients_in_memory())
        };
        let figures = metrics::Figures {
            edge: self.edge.figures(),
            spool: self.spool.figures(),
            outbox: self.outbox.figures(),
            sent: &self.sent,
            visitors,
            recipients,
            keyring: self.keyring,
            totals: self.totals(),
        };
        metrics::write(&figures, out);
    }

    fn places(&self) -> &'static str {
        self.places.name()
    }

    fn geo_attribution(&self) -> Option<&str> {
        self.geo_attribution.as_deref()
    }

    fn accept_import<'a>(
        &'a self,
        import: Import,
        force: bool,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
        Box::pin(async move {
            // A day's counts may not all be in ClickHouse yet, where they are looked for.
            if self.outbox.figures().waiting_bytes > BEHIND_BYTES {
                return Reply::failed("ClickHouse is behind: try again when it has caught up");
            }
            let zone = self.measured.sites.timezone_of(import.site.as_str());
            let zone = zone.and_then(|zone| TimeZone::get(&zone).ok());
            let Some(zone) = zone else { return Reply::failed("this site is not measured") };
            let (state, store) = (&self.state, &*self.store);
            match accept(state, store, &zone, &self.data_dir, &import, force).await {
                Ok(()) => {
                    self.imports.notify_one();
                    Reply::done(Vec::new())
                }
                Err(error) => Reply::failed(error.to_string()),
            }
        })
    }

    fn mailings_changed(&self) {
        let ends = self.is_caught_up();
        self.mailings.apply(&self.edge, &self.spool, self.clock.now(), ends);
    }

    fn withdraw<'a>(
        &'a self,
        mailing: MailingId,
        token: &'a str,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
        Box::pin(async move {
            let receipt = match self.edge.withdraw(mailing, token.trim()) {
                None => {
                    return Reply::failed(
                        "this is no token of that mailing, or its key is destroyed",
                    );
                }
                Some(Err(Full(_))) => {
                    return Reply::failed("nothing can be kept just now: try again");
                }
                Some(Ok(receipt)) => receipt,
            };
            match receipt.kept().await {
                Ok(()) => Reply::done(vec!["withdrawn: what it did is taken back".to_owned()]),
                Err(Refused) => Reply::failed("nothing can be kept just now: try again"),
            }
        })
    }

    fn sites_changed(&self, sites: Vec<Site>) {
        if self.measured.set(&sites, self.clock.now()).is_err() {
            telemetry::error("app", "the sites cannot be measured: a time zone is not known", &[]);
        }
    }
}

impl Examiner for Running {
    fn examine(&self) -> Pin<Box<dyn Future<Output = DoctorContext> + Send + '_>> {
        Box::pin(async {
            let (dir, clock) = (self.data_dir.clone(), Arc::clone(&self.clock));
            // It reads all of spool and outbox: not on a thread that answers the dashboard.
            let probed = spawn_blocking(move || doctor::probe(&dir, &*clock)).await;
            let mut context = probed.unwrap_or_else(|error| resume_unwind(error.into_panic()));
            self.caught_up().await;
            context.ledger = Some(self.settled_ledger().await);
            match self.store.get() {
                None => context.store = Some(Err("it does not answer yet".to_owned())),
                Some(store) => doctor::probe_store(&mut context, store, &*self.clock).await,
            }
            context
        })
    }
}

/// The store, once there is one. The console is there before the engine answers.
#[derive(Default)]
pub(super) struct Connected {
    store: OnceLock<Store>,
    there: Notify,
}

impl Connected {
    pub(super) fn set(&self, store: Store) {
        if self.store.set(store).is_err() {
            debug_assert!(false, "there is one store");
        }
        self.there.notify_waiters();
    }

    /// The store, if there is one by now.
    fn get(&self) -> Option<&Store> {
        self.store.get()
    }

    /// The store, once there is one.
    pub(super) async fn wait(&self) -> &Store {
        loop {
            let there = self.there.notified();
            if let Some(store) = self.store.get() {
                return store;
            }
            there.await;
        }
    }
}

impl Questions for Connected {
    fn ask<'a>(&'a self, sql: &'a str, params: &'a [(&'a str, Param)]) -> Pending<'a> {
        match self.store.get() {
            Some(store) => store.ask(sql, params),
            None => Box::pin(async { Err(StoreError::Away) }),
        }
    }
}
