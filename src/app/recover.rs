//! What a start finds on the disk: the counter's state, and the rows that the outbox lacks.

use super::counting::is_enough;
use crate::count::{CountLimits, Counter, DayState, Deltas, Rows};
use crate::limits;
use crate::outbox::{OutboxError, Reached};
use crate::spool::{Lsn, Recovery, Spool, SpoolError};
use crate::telemetry::{self, Value};

/// Where counting goes on.
pub(super) struct Recovered {
    pub(super) counter: Counter,
    /// Rows that were counted again and that the outbox does not have.
    pub(super) deltas: Deltas,
    /// The records before this place are in `counter` and in `rows` or the outbox.
    pub(super) applied: Lsn,
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
    }
}

/// Loads the checkpoint, replays the spool behind it, and lets go of the rows that the outbox
/// already has. `keep` takes the rows of all records before a place, when they are many: what was
/// spooled during a day without an outbox does not fit into memory at once.
pub(super) fn recover(
    spool: &Spool,
    recovery: Recovery,
    reached: Reached,
    mut keep: impl FnMut(Lsn, &Rows) -> Result<(), OutboxError>,
) -> Result<Recovered, RecoverError> {
    let (mut counter, from) = match spool.load_checkpoint()? {
        None => (Counter::new(count_limits()), recovery.first),
        Some((from, sections)) => {
            let parts: Vec<DayState> = sections
                .into_iter()
                .map(|section| DayState { key: section.key, bytes: section.bytes })
                .collect();
            if let Ok(counter) = Counter::decode(count_limits(), &parts) {
                (counter, from)
            } else {
                telemetry::error("count", "the checkpoint does not decode; visits begin anew", &[]);
                (Counter::new(count_limits()), from)
            }
        }
    };
    let mut deltas = Deltas::default();
    let mut kept_already = Deltas::default();
    let mut records: u64 = 0;
    let mut failed = None;
    spool.replay(from, &mut |lsn, record| {
        records += 1;
        if lsn < reached.lsn {
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
    let applied = recovery.next.max(reached.lsn).max(from);
    telemetry::info(
        "count",
        "recovered",
        &[
            ("from", Value::from(from.0)),
            ("to", Value::from(applied.0)),
            ("replayed", Value::from(records)),
            ("visitors", Value::from(counter.visitors_in_memory())),
        ],
    );
    Ok(Recovered { counter, deltas, applied })
}
