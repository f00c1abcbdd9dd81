//! What the running program knows that no table holds.

use std::future::Future;
use std::pin::Pin;

use super::command::Reply;
use super::command::doctor::DoctorContext;
use super::state::Import;
use super::state::Site;
use crate::hit::{MailingId, SiteName};

/// Figures of the running program. `app` implements it.
pub trait Live: Send + Sync + 'static {
    /// Waits until the counter has caught up with what was spooled before the program started: its
    /// figures are not whole before.
    fn caught_up(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Visitors of the last five minutes.
    fn current_visitors(&self, site: &SiteName) -> u64;

    /// Page views of each of the last 30 minutes, the oldest first; the last one is under way.
    fn minutes(&self, site: &SiteName) -> Vec<u32>;

    /// The ledger's totals of a site, as `count::Counter::ledger` names them.
    fn ledger(&self, site: &SiteName) -> Vec<(&'static str, u64)>;

    /// Appends the program's metrics in Prometheus' text format.
    fn metrics(&self, out: &mut String);

    /// How much of a visitor's place is kept: `country`, `region` or `city`.
    fn places(&self) -> &'static str;

    /// What is to be shown beside countries, regions and cities, for whoever told them.
    fn geo_attribution(&self) -> Option<&str>;

    /// Takes an import that was counted, unless it or its days are there already, and has it
    /// written.
    fn accept_import<'a>(
        &'a self,
        import: Import,
        force: bool,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

    /// The mailings, their links or keys are others from now on. Keys that are due are destroyed.
    fn mailings_changed(&self);

    /// A recipient withdraws from a mailing.
    fn withdraw<'a>(
        &'a self,
        mailing: MailingId,
        token: &'a str,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

    /// The measured sites are these from now on.
    fn sites_changed(&self, sites: Vec<Site>);
}

/// Gathers what `doctor` looks at. `app` implements it.
pub trait Examiner: Send + Sync + 'static {
    /// The facts, gathered now.
    fn examine(&self) -> Pin<Box<dyn Future<Output = DoctorContext> + Send + '_>>;
}
