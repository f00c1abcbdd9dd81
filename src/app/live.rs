//! What the console reads from the running stages: current visitors, the ledger, facts for
//! `doctor`.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::Notify;

use super::metrics;
use super::sites::Measured;
use crate::console::command::doctor::{self, DoctorContext, LedgerFacts};
use crate::console::{Examiner, Live, Site};
use crate::count::Counter;
use crate::edge::Edge;
use crate::hit::{Clock, SiteName};
use crate::outbox::Outbox;
use crate::spool::SpoolWriter;
use crate::stats::{Pending, Questions};
use crate::store::{Param, SendFigures, Store, StoreError};
use crate::telemetry;

/// Seconds in which a visitor is a current one, as Plausible has it.
const CURRENT_S: i64 = 5 * 60;

/// The running stages, for reading.
pub(super) struct Running {
    pub(super) data_dir: PathBuf,
    pub(super) counter: Arc<Mutex<Counter>>,
    pub(super) edge: Arc<Edge>,
    pub(super) measured: Measured,
    pub(super) spool: Arc<SpoolWriter>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) sent: Arc<SendFigures>,
    pub(super) store: Arc<Connected>,
    /// Whether visitor keys are in the kernel's keyring.
    pub(super) keyring: bool,
    pub(super) clock: Arc<dyn Clock>,
}

impl Running {
    fn counter(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
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
        let visitors = self.counter().visitors_in_memory();
        let figures = metrics::Figures {
            edge: self.edge.figures(),
            spool: self.spool.figures(),
            outbox: self.outbox.figures(),
            sent: &self.sent,
            visitors,
            keyring: self.keyring,
            totals: self.totals(),
        };
        metrics::write(&figures, out);
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
            let mut ledger = LedgerFacts::default();
            let totals: Vec<(&'static str, u64)> = self.totals().into_iter().collect();
            ledger.add(&totals);
            DoctorContext {
                config_problems: Vec::new(),
                folder: doctor::probe_folder(&self.data_dir),
                keyring: doctor::probe_keyring(),
                now: self.clock.now(),
                store: Some(doctor::probe_store(&*self.store).await),
                ledger: Some(ledger),
                batches_set_aside: Some(self.outbox.figures().set_aside),
            }
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
        self.there.notify_one();
    }

    /// Waits until there is a store. For one who waits.
    pub(super) async fn wait(&self) {
        if self.store.get().is_none() {
            self.there.notified().await;
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
