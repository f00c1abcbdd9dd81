//! What a start finds on the disk: the counter's state, and the rows that the outbox lacks. Hits are
//! taken before it has been read.

use super::counting::is_enough;
use crate::count::{CountLimits, Counter, DayState, Deltas, Restoring, Rows};
use crate::limits;
use crate::outbox::{OutboxError, Reached};
use crate::spool::{Lsn, Past, Recovery, Spool, SpoolError};
use crate::telemetry::{self, Value};

/// What is to be read before counting goes on.
pub(super) struct Found {
    past: Past,
    /// The oldest record in the spool.
    first: Lsn,
    /// The rows of the records before it are in the outbox.
    kept: Lsn,
    /// Where the next record goes: the spool may have forgotten, without power, what outbox and
    /// checkpoint have.
    pub(super) next: Lsn,
}

/// Where counting goes on.
pub(super) struct Recovered {
    pub(super) counter: Counter,
    /// What was counted again and the outbox does not have.
    pub(super) deltas: Deltas,
}

/// Why counting cannot go on where it ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecoverError {
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

/// The bounds of the counter.
pub(super) fn count_limits() -> CountLimits {
    CountLimits {
        seen_per_visitor: limits::SEEN_PER_VISITOR_MAX,
        visitors_per_site: limits::VISITORS_PER_SITE_MAX,
        visitors: limits::VISITORS_MAX,
        recipients_per_mailing: limits::RECIPIENTS_PER_MAILING_MAX,
    }
}

/// Looks at what there is, without reading it.
pub(super) fn find(
    spool: &Spool,
    recovery: Recovery,
    reached: Reached,
) -> Result<Found, SpoolError> {
    let checkpoint = spool.checkpoint_reached()?.unwrap_or_default();
    let next = recovery.next.max(reached.lsn).max(checkpoint);
    Ok(Found { past: spool.past(), first: recovery.first, kept: reached.lsn, next })
}

impl Found {
    /// Loads the checkpoint, replays the spool behind it, and lets go of the rows that the outbox
    /// already has. `keep` takes the rows of all records before a place, when they are many: what
    /// was spooled during a day without an outbox does not fit into memory at once.
    pub(super) fn recover(
        self,
        mut keep: impl FnMut(Lsn, &Rows) -> Result<(), OutboxError>,
    ) -> Result<Recovered, RecoverError> {
        let (mut counter, from) = self.last_checkpoint()?;
        let mut deltas = Deltas::default();
        let mut kept_already = Deltas::default();
        let mut records: u64 = 0;
        let mut failed = None;
        self.past.replay(from, &mut |lsn, record| {
            records += 1;
            if lsn < self.kept {
                counter.apply(&record, &mut kept_already);
                if is_enough(&kept_already) {
                    kept_already = Deltas::default();
                }
            } else {
                counter.apply(&record, &mut deltas);
                if is_enough(&deltas) && failed.is_none() {
                    let rows = std::mem::take(&mut deltas).into_rows();
                    failed = keep(Lsn(lsn.0 + 1), &rows).err();
                }
            }
        })?;
        if let Some(error) = failed {
            return Err(error.into());
        }
        telemetry::info(
            "count",
            "recovered",
            &[
                ("from", Value::from(from.0)),
                ("to", Value::from(self.next.0)),
                ("replayed", Value::from(records)),
                ("visitors", Value::from(counter.visitors_in_memory())),
            ],
        );
        Ok(Recovered { counter, deltas })
    }

    /// The state of the last checkpoint, and the place from which the spool makes up for the rest.
    fn last_checkpoint(&self) -> Result<(Counter, Lsn), SpoolError> {
        let mut restoring = Ok(Restoring::new(count_limits()));
        let reached = self.past.load_checkpoint(&mut |section| {
            let part = DayState { key: section.key, bytes: section.bytes };
            let taken = restoring.as_mut().map_or(Ok(()), |it| it.take(&part));
            if let Err(bad) = taken {
                restoring = Err(bad);
            }
        })?;
        let Some(from) = reached else { return Ok((Counter::new(count_limits()), self.first)) };
        let counter = restoring.and_then(Restoring::finish).unwrap_or_else(|_| {
            telemetry::error("count", "the checkpoint does not decode; visits begin anew", &[]);
            Counter::new(count_limits())
        });
        Ok((counter, from))
    }
}
