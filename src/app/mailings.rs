//! The mailings that the edge counts, and the end of their keys.

use std::sync::{Arc, Mutex, PoisonError};

use crate::console::{self, Mailing, MailingError, Mailroom, StateDb, StateError};
use crate::edge::{Edge, MailingConfig, MailingLink, MailingTokens, Sink};
use crate::hit::{Record, Second};
use crate::keys::{Keys, MailingKey};
use crate::spool::SpoolWriter;
use crate::telemetry::{self, Value};

/// What makes a change of the console's mailings take effect.
pub(super) struct Mailings {
    pub(super) state: Arc<StateDb>,
    pub(super) room: Mailroom,
    pub(super) keys: Arc<Keys>,
    /// One change at a time.
    pub(super) changing: Mutex<()>,
}

impl Mailings {
    /// Finds the keys that are there, those that are due too: what was spooled under them is still
    /// to be read. Destroys those of no mailing: what a creation that was cut short has left.
    pub(super) fn open_keys(&self) -> Result<(), StateError> {
        let all = self.state.mailings()?;
        for id in self.room.keys.kept().unwrap_or_default() {
            if all.iter().all(|it| it.id != id)
                && let Err(error) = self.room.keys.destroy(id)
            {
                self.failed(&error.into());
            }
        }
        let keys = all.iter().filter_map(|it| self.key(it));
        self.keys.set_mailings(keys.collect());
        Ok(())
    }

    /// Has the edge count the mailings that there are. With `ends`, destroys the keys that are due:
    /// not before everything that was spooled under them has been read.
    pub(super) fn apply(&self, edge: &Edge, spool: &SpoolWriter, now: Second, ends: bool) {
        let _one = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = self.try_apply(edge, spool, now, ends) {
            let why = error.to_string();
            let values = [("why", Value::Operator(&why))];
            telemetry::error("app", "the mailings could not be read", &values);
        }
    }

    fn try_apply(
        &self,
        edge: &Edge,
        spool: &SpoolWriter,
        now: Second,
        ends: bool,
    ) -> Result<(), StateError> {
        let due = if ends { console::due(&self.state, now)? } else { Vec::new() };
        let mut configs = Vec::new();
        let mut keys = Vec::new();
        for mailing in self.state.mailings()? {
            let key = self.key(&mailing);
            let is_counted = now < mailing.counts_until;
            configs.push(self.config(&mailing, key.clone().filter(|_| is_counted))?);
            keys.extend(key.filter(|_| is_counted || !ends));
        }
        // Nobody makes anything with a key that is due from here on; then it is forgotten, and
        // destroyed last.
        edge.set_mailings(configs);
        for due in &due {
            spool.note(Record::MailingOver { site: due.site.clone(), at: now, key: due.key });
        }
        self.keys.set_mailings(keys);
        for due in &due {
            if let Err(error) = console::destroy(&self.state, &self.room, due, now) {
                self.failed(&error);
            }
        }
        Ok(())
    }

    /// Whether a key is due: looked at every few seconds.
    pub(super) fn has_due(&self, now: Second) -> bool {
        console::due(&self.state, now).is_ok_and(|due| !due.is_empty())
    }

    fn config(
        &self,
        it: &Mailing,
        key: Option<Arc<MailingKey>>,
    ) -> Result<MailingConfig, StateError> {
        let links = self.state.mailing_links(it.id)?.into_iter().map(|(number, link)| {
            MailingLink { number, destination: link.destination, share: link.share }
        });
        let tokens = match (it.has_tokens(), key) {
            (false, _) => MailingTokens::None,
            (true, Some(key)) => MailingTokens::Alive(key),
            (true, None) => MailingTokens::Destroyed,
        };
        Ok(MailingConfig {
            id: it.id,
            site: it.site.clone(),
            link_key: it.links(),
            links: links.collect(),
            hosts: it.allowed(),
            sent: it.first_sent,
            counts_until: it.counts_until,
            links_until: it.links_until,
            tokens,
        })
    }

    /// A mailing's key, as long as it is there.
    fn key(&self, it: &Mailing) -> Option<Arc<MailingKey>> {
        it.key.as_ref().filter(|key| key.destroyed.is_none())?;
        match self.room.keys.load(it.id) {
            Ok(key) => key.map(Arc::new),
            Err(error) => {
                self.failed(&error.into());
                None
            }
        }
    }

    #[expect(clippy::unused_self, reason = "it is said of these mailings")]
    fn failed(&self, error: &MailingError) {
        let why = error.to_string();
        let values = [("why", Value::Operator(&why))];
        telemetry::error("app", "a mailing's key", &values);
    }
}
