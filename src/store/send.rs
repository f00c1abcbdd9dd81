//! Writes the outbox's batches, each exactly once. One task and one insert in flight per table.
//!
//! The rule: note a token durably, send, and look for the marker after every send, acknowledged or
//! not. There: done. Absent: [`attempt::next`] says what may follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::attempt::{self, Attempt, Next};
use super::migrate::MARKER_DAYS;
use super::rows::{self, Kind, Marker};
use super::{Store, StoreError};
use crate::outbox::{Batch, Outbox, OutboxError, Table};
use crate::telemetry::{self, Value};

/// Where batches come from.
pub trait Batches: Send + Sync + 'static {
    /// See [`Outbox::incarnation`].
    fn incarnation(&self) -> [u8; 16];
    /// See [`Outbox::next`]; with the last note.
    fn next(&self, table: Table) -> Option<Batch>;
    /// See [`Outbox::changes`].
    fn changes(&self) -> watch::Receiver<u64>;
    /// See [`Outbox::note`].
    fn note(&self, number: u64, note: &[u8]) -> Result<(), OutboxError>;
    /// See [`Outbox::done`].
    fn done(&self, number: u64) -> Result<(), OutboxError>;
    /// See [`Outbox::set_aside`].
    fn set_aside(&self, number: u64) -> Result<(), OutboxError>;
}

impl Batches for Outbox {
    fn incarnation(&self) -> [u8; 16] {
        Self::incarnation(self)
    }

    fn next(&self, table: Table) -> Option<Batch> {
        Self::next(self, table)
    }

    fn changes(&self) -> watch::Receiver<u64> {
        Self::changes(self)
    }

    fn note(&self, number: u64, note: &[u8]) -> Result<(), OutboxError> {
        Self::note(self, number, note)
    }

    fn done(&self, number: u64) -> Result<(), OutboxError> {
        Self::done(self, number)
    }

    fn set_aside(&self, number: u64) -> Result<(), OutboxError> {
        Self::set_aside(self, number)
    }
}

/// How patient the sender is.
#[derive(Clone, Copy, Debug)]
pub struct SendRules {
    /// Time for one insert.
    pub insert_timeout: Duration,
    /// Time for one look.
    pub look_timeout: Duration,
    /// The shortest and longest wait after a failure.
    pub backoff: (Duration, Duration),
    /// Refusals of its content after which a batch is set aside.
    pub refusals: u32,
    /// After three quarters of this an insert is refused by itself, after all of it a resend need not
    /// fear it: for a store behind a proxy, which may hold bytes back and deliver them later. Longer
    /// than `insert_timeout` by a half or more.
    pub deadline: Option<Duration>,
}

impl SendRules {
    /// The rules for `store`.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        let insert_timeout = store.insert_timeout;
        Self {
            insert_timeout,
            look_timeout: Duration::from_secs(20),
            backoff: (Duration::from_millis(50), Duration::from_secs(30)),
            refusals: 5,
            deadline: (!store.embedded).then_some(insert_timeout * 2),
        }
    }
}

/// What the sender has done since the start, for metrics.
#[derive(Debug, Default)]
pub struct SendFigures {
    /// Batches written.
    pub batches: AtomicU64,
    /// Their rows.
    pub rows: AtomicU64,
    /// Inserts sent.
    pub inserts: AtomicU64,
    /// Attempts that failed or stayed in doubt.
    pub failures: AtomicU64,
    /// Batches set aside.
    pub set_aside: AtomicU64,
    /// Markers that say that a batch was written twice: an alarm.
    pub doubled: AtomicU64,
}

fn add(figure: &AtomicU64, more: u64) {
    figure.fetch_add(more, Ordering::Relaxed);
}

/// Writes batches until `stop`. An insert in flight is then left as it is: its note says so, and the
/// next start looks for it.
pub async fn send(
    store: Store,
    outbox: Arc<Outbox>,
    stop: watch::Receiver<bool>,
    figures: Arc<SendFigures>,
) {
    let rules = SendRules::of(&store);
    send_with(store, outbox, rules, stop, figures).await;
}

/// [`send`], from any source and under other rules.
pub async fn send_with<B: Batches>(
    store: Store,
    outbox: Arc<B>,
    rules: SendRules,
    stop: watch::Receiver<bool>,
    figures: Arc<SendFigures>,
) {
    let name = format!("{:032x}", u128::from_be_bytes(outbox.incarnation()));
    let taken = Arc::new(Notify::new());
    let mut tables = JoinSet::new();
    for &table in Table::ALL {
        let sender = Sender {
            store: store.clone(),
            outbox: Arc::clone(&outbox),
            writer: format!("{name}/{}", table.name()),
            name: name.clone(),
            table,
            rules,
            taken: Arc::clone(&taken),
            figures: Arc::clone(&figures),
        };
        let mut stop = stop.clone();
        tables.spawn(async move {
            tokio::select! {
                // A sender that is gone says stop, too.
                _ = stop.wait_for(|&stop| stop) => {}
                () = sender.run() => {}
            }
        });
    }
    while let Some(ended) = tables.join_next().await {
        if ended.is_err() {
            telemetry::error("store", "a sender failed", &[]);
        }
    }
}

/// Why a batch is not settled yet.
#[derive(Debug, thiserror::Error)]
enum Unsettled {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// An earlier attempt could still arrive.
    #[error("an earlier attempt could still arrive")]
    InFlight,
    /// ClickHouse reported success, and the marker is not there.
    #[error("the insert was reported done, and is not there")]
    UsedUp,
    #[error("the system's random source failed")]
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    Written,
    Aside,
}

/// What is known of the batch that is tried, beyond its note.
#[derive(Default)]
struct Trial {
    number: u64,
    failures: u32,
    refusals: u32,
    used_up: bool,
}

struct Sender<B> {
    store: Store,
    outbox: Arc<B>,
    /// The outbox's incarnation.
    name: String,
    /// The outbox and the table.
    writer: String,
    table: Table,
    rules: SendRules,
    /// Told of every batch that is written: ClickHouse is there.
    taken: Arc<Notify>,
    figures: Arc<SendFigures>,
}

impl<B: Batches> Sender<B> {
    async fn run(&self) {
        let mut trial = Trial::default();
        // Taken before the first look, so that no commit falls between a look and the wait.
        let mut changes = self.outbox.changes();
        loop {
            changes.mark_unchanged();
            let Some(batch) = self.outbox.next(self.table) else {
                // The timeout is for a disk that could not be read just now.
                drop(timeout(Duration::from_secs(5), changes.changed()).await);
                continue;
            };
            if batch.number != trial.number {
                trial = Trial { number: batch.number, ..Trial::default() };
            }
            // Listened to from before the attempt, so that nothing that is told meanwhile is missed.
            let taken = self.taken.notified();
            let Err(error) = self.settle(&batch, &mut trial).await else {
                self.taken.notify_waiters();
                continue;
            };
            add(&self.figures.failures, 1);
            trial.failures += 1;
            self.report(&error, &batch, trial.failures);
            let pause = sleep(self.backoff(trial.failures));
            if matches!(error, Unsettled::Store(StoreError::Away)) {
                // Another table's batch that is written says that the outage is over.
                tokio::select! {
                    () = pause => {}
                    () = taken => {}
                }
            } else {
                pause.await;
            }
        }
    }

    /// One round: look, send, look.
    async fn settle(&self, batch: &Batch, trial: &mut Trial) -> Result<(), Unsettled> {
        match self.attempt(batch, trial).await? {
            Settled::Written => {
                self.outbox.done(batch.number)?;
                add(&self.figures.batches, 1);
                add(&self.figures.rows, u64::from(batch.content.rows));
            }
            Settled::Aside => {
                self.outbox.set_aside(batch.number)?;
                add(&self.figures.set_aside, 1);
            }
        }
        Ok(())
    }

    async fn attempt(&self, batch: &Batch, trial: &mut Trial) -> Result<Settled, Unsettled> {
        let content = &batch.content;
        let Some(columns) = rows::columns(self.table, content.schema) else {
            return Err(StoreError::Newer(content.schema).into());
        };
        let Some(marker) = Marker::of(&self.name, batch.number, content.month) else {
            return Ok(self.aside(batch, "its month is none"));
        };
        // The run first, then the look: an attempt of an earlier run is over by now, so what it
        // wrote is seen. The other way round it could end in between.
        let now = self.store.now(&self.writer).await?;
        let last = batch.note.as_deref().and_then(Attempt::decode);
        if last.is_some() && self.is_there(columns, &marker, batch).await? {
            return Ok(Settled::Written);
        }
        let attempt = match attempt::next(last.as_ref(), &now, trial.used_up, MARKER_DAYS) {
            Next::Wait => return Err(Unsettled::InFlight),
            Next::Unknowable => return Ok(self.aside(batch, "its marker may have been forgotten")),
            Next::Fresh => self.fresh(batch.number, now)?,
            Next::Same => match last {
                Some(last) => last,
                None => self.fresh(batch.number, now)?,
            },
        };
        trial.used_up = false;
        add(&self.figures.inserts, 1);
        let within = self.rules.insert_timeout;
        let refuse_ms = self.rules.deadline.map(|deadline| attempt.deadline_ms - ms(deadline / 4));
        let sent = self.store.insert(content, columns, &marker, &attempt, refuse_ms, within).await;
        if self.is_there(columns, &marker, batch).await? {
            return Ok(Settled::Written);
        }
        match sent {
            Ok(()) => {
                // An earlier attempt under this token may be just about to be in place.
                for _ in 0..4 {
                    sleep(Duration::from_millis(250)).await;
                    if self.is_there(columns, &marker, batch).await? {
                        return Ok(Settled::Written);
                    }
                }
                trial.used_up = true;
                Err(Unsettled::UsedUp)
            }
            Err(error) => {
                if error.blames_content() {
                    trial.refusals += 1;
                }
                if trial.refusals >= self.rules.refusals {
                    return Ok(self.aside(batch, "ClickHouse refuses its content"));
                }
                Err(error.into())
            }
        }
    }

    /// Draws a token, and keeps it before it is used.
    fn fresh(&self, number: u64, now: attempt::Now) -> Result<Attempt, Unsettled> {
        let mut token = [0; 16];
        getrandom::fill(&mut token).map_err(|_| Unsettled::Random)?;
        let deadline_ms = self.rules.deadline.map_or(i64::MAX, |deadline| now.ms + ms(deadline));
        let attempt = Attempt { token, written_ms: now.ms, deadline_ms, run: now.run };
        self.outbox.note(number, &attempt.encode())?;
        Ok(attempt)
    }

    async fn is_there(
        &self,
        columns: &[rows::Column],
        marker: &Marker,
        batch: &Batch,
    ) -> Result<bool, StoreError> {
        let counter = columns.iter().find(|column| column.kind == Kind::Count);
        let counter = counter.ok_or(StoreError::Answer)?.name;
        let within = self.rules.look_timeout;
        let found = self.store.look(self.table, counter, marker, within).await?;
        if found > 1 {
            add(&self.figures.doubled, 1);
            telemetry::error(
                "store",
                "a batch is in ClickHouse more than once",
                &[
                    ("table", Value::Word(self.table.name())),
                    ("batch", batch.number.into()),
                    ("times", Value::Number(found)),
                ],
            );
        }
        Ok(found > 0)
    }

    fn aside(&self, batch: &Batch, why: &'static str) -> Settled {
        telemetry::error(
            "store",
            "a batch is set aside",
            &[
                ("table", Value::Word(self.table.name())),
                ("batch", batch.number.into()),
                ("rows", Value::Number(i64::from(batch.content.rows))),
                ("why", Value::Word(why)),
            ],
        );
        Settled::Aside
    }

    fn report(&self, error: &Unsettled, batch: &Batch, failures: u32) {
        // The first, then ever fewer: an outage must not fill the log.
        if !failures.is_power_of_two() {
            return;
        }
        let (what, code) = match error {
            Unsettled::Store(StoreError::Refused(code)) => {
                ("ClickHouse refused a batch; it is tried again", *code)
            }
            Unsettled::Store(StoreError::Newer(_)) => {
                ("a batch was made by a newer headcount; it waits for one", 0)
            }
            Unsettled::Store(_) => ("ClickHouse cannot be reached; a batch waits", 0),
            Unsettled::Outbox(_) => ("the outbox cannot be written", 0),
            Unsettled::InFlight => ("an earlier attempt is waited out", 0),
            Unsettled::UsedUp => {
                ("a batch was reported done and is not there; it is sent again", 0)
            }
            Unsettled::Random => ("the system's random source failed", 0),
        };
        telemetry::warn(
            "store",
            what,
            &[
                ("table", Value::Word(self.table.name())),
                ("batch", batch.number.into()),
                ("failures", Value::Number(i64::from(failures))),
                ("code", Value::Number(i64::from(code))),
            ],
        );
    }

    /// Doubles from failure to failure, up to a bound; between a half and all of it, at random, so
    /// that tables and nodes do not come back at once.
    fn backoff(&self, failures: u32) -> Duration {
        let (least, most) = self.rules.backoff;
        let whole = least.saturating_mul(1 << failures.min(16)).min(most);
        let mut random = [0];
        // Without randomness it is the whole wait.
        let share = if getrandom::fill(&mut random).is_ok() { random[0] } else { u8::MAX };
        whole / 2 + whole * u32::from(share) / 510
    }
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4)
}

impl StoreError {
    /// Whether ClickHouse finds fault with the bytes themselves, so that no later time, no other
    /// setting and no operator's hand would have it take them.
    fn blames_content(&self) -> bool {
        // CANNOT_PARSE_TEXT, CANNOT_PARSE_INPUT_ASSERTION_FAILED, ATTEMPT_TO_READ_AFTER_EOF,
        // CANNOT_READ_ALL_DATA, TYPE_MISMATCH, INCORRECT_DATA, TOO_LARGE_STRING_SIZE.
        matches!(self, Self::Refused(6 | 27 | 32 | 33 | 53 | 117 | 131))
    }
}
