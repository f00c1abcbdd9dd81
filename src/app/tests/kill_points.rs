//! A program that is killed before each system call that changes the disk, and started again.
//!
//! The test runs itself in a process of its own, which leads hits through the real spool, counter
//! and outbox on a real disk. `strace` kills it as one of its threads makes the Nth such call, for
//! every kind of call and every N until it lives to its end. What it did is told over a socket, by calls that change no disk:
//! the pages that were acknowledged, and the batches that are in ClickHouse.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::machine::{ClickHouse, Collector, Found, NOW, hit, site, sums};
use super::power_loss::assert_equal;
use crate::app::recover::count_limits;
use crate::count::{Counter, Deltas};
use crate::hit::{Record, Second};
use crate::keys::Keys;
use crate::outbox::{NewBatch, Outbox, Table};

/// Every call that can change a file system, by what it does; which of a line there are is up to the
/// machine. `strace` counts each by itself.
const CALLS: &[&str] = &[
    "?write,?pwrite64,?writev,?pwritev,?pwritev2",
    "?fdatasync,?sync_file_range",
    "?fsync",
    "?ftruncate,?truncate,?fallocate",
    RENAME,
    "?unlink,?unlinkat,?rmdir",
    "?mkdir,?mkdirat",
    "?link,?linkat,?symlink,?symlinkat",
];
const RENAME: &str = "?rename,?renameat,?renameat2";

/// This test, as its own program knows it.
const NAME: &str = "app::tests::kill_points::killed_before_any_write_it_loses_and_doubles_nothing";

/// Which installation's keys, whose thread, which folder, and where to tell.
const LIFE: &str = "HEADCOUNT_TEST_LIFE";

/// Long for anything that is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which thread is killed, and what it finds.
struct Phase {
    name: &'static str,
    thread: &'static str,
    /// Whether a life before it was killed in the middle.
    starts_again: bool,
}

/// The thread that does all but the group commits.
const OWN_THREAD: &str = "life";

const PHASES: &[Phase] = &[
    Phase { name: "group commits of the spool", thread: "spool", starts_again: false },
    Phase {
        name: "a first start, checkpoints, the outbox",
        thread: OWN_THREAD,
        starts_again: false,
    },
    Phase {
        name: "a start after a kill, checkpoints, the outbox",
        thread: OWN_THREAD,
        starts_again: true,
    },
];

#[test]
fn killed_before_any_write_it_loses_and_doubles_nothing() {
    if let Ok(life) = std::env::var(LIFE) {
        let [installation, thread, port, from, folder] =
            *life.splitn(5, ' ').collect::<Vec<_>>().as_slice()
        else {
            panic!("a life has five words");
        };
        let keys = Arc::new(Keys::kernel(installation, NOW).expect("the kernel's keyring"));
        let port = port.parse().expect("a port");
        let mut told = TcpStream::connect(("127.0.0.1", port)).expect("the test listens");
        let from = from.parse().expect("a number");
        std::thread::scope(|scope| {
            let live = || live(Path::new(folder), &keys, thread, from, &mut told);
            let named = std::thread::Builder::new().name(OWN_THREAD.to_owned());
            named.spawn_scoped(scope, live).map(drop).expect("a thread");
        });
        return;
    }
    let named = tempfile::tempdir().expect("a folder");
    let installation = format!("kill-points-{}", named.path().display());
    // Drawn here: every life finds it in the kernel.
    let keys = Arc::new(Keys::kernel(&installation, NOW).expect("the kernel's keyring"));
    drop(hit(&keys, 0, "/"));
    for phase in PHASES {
        let mut points = 0;
        for calls in CALLS {
            let of_kind = (1..).take_while(|nth| sweep(phase, calls, *nth, &installation, &keys));
            points += of_kind.count();
        }
        say(&format!("{points} kill points: {}", phase.name));
        assert!(points > 10, "{} has more of them", phase.name);
    }
    keys.destroy_due(Second(NOW.0 + 7200));
}

#[expect(clippy::disallowed_macros, clippy::print_stderr, reason = "the test's own summary")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// What the killed program told.
#[derive(Default)]
struct Outcome {
    sent: u64,
    acknowledged: BTreeSet<u64>,
    clickhouse: ClickHouse,
}

/// Kills before the `nth` of these calls, starts again, and checks. False: there is no such call.
fn sweep(phase: &Phase, calls: &str, nth: u64, installation: &str, keys: &Arc<Keys>) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let mut outcome = Outcome::default();
    let mut life = |thread: &str, calls: &str, nth: u64| {
        killed_at(thread, (calls, nth), installation, folder.path(), &mut outcome)
    };
    if phase.starts_again {
        // After three files that are made once, and one checkpoint: before the second is in place.
        assert!(life(OWN_THREAD, RENAME, 5), "the first life renames so often");
    }
    let killed = life(phase.thread, calls, nth);
    check(folder.path(), keys, outcome, &format!("{}, {calls} {nth}", phase.name));
    killed
}

/// Runs the program until it ends, or is killed before the nth of these calls of `thread`.
fn killed_at(
    thread: &str,
    point: (&str, u64),
    installation: &str,
    folder: &Path,
    outcome: &mut Outcome,
) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    let life = format!("{installation} {thread} {port} {} {}", outcome.sent, folder.display());
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args([NAME, "--exact", "--nocapture"])
        .env(LIFE, life)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    // The program waits for its thread to be traced before it goes on.
    listener.set_nonblocking(true).expect("a listener can be");
    let (mut told, _) = until("it tells", || listener.accept().ok());
    told.set_nonblocking(false).expect("a stream can be");
    let mut strace = trace(&child, thread, point);
    let mut bytes = Vec::new();
    told.read_to_end(&mut bytes).expect("until it ends");
    let status = child.wait().expect("it was started here");
    strace.wait().expect("it was started here");
    take_in(&bytes, outcome);
    assert!(status.success() || status.signal() == Some(9), "it is killed or lives: {status}");
    status.signal().is_some()
}

/// `strace` on one thread of the program, that kills it before the nth of these calls.
fn trace(child: &Child, thread: &str, (calls, nth): (&str, u64)) -> Child {
    let tid = until("the thread is there", || {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", child.id())).ok()?;
        tasks.filter_map(Result::ok).find(|task| {
            let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
            name.trim_end() == thread
        })
    });
    Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:signal=KILL:when={nth}"), "-p"])
        .arg(tid.file_name())
        .stderr(Stdio::null())
        .spawn()
        .expect("strace is needed: `make tools` installs it")
}

fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "gave up waiting until {what}");
        std::thread::yield_now();
    }
}

/// A life: three rounds of hits, counting, outbox, checkpoint, and writing to ClickHouse.
fn live(folder: &Path, keys: &Arc<Keys>, thread: &str, from: u64, told: &mut TcpStream) {
    let traced = || {
        until("it is traced", || {
            let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
            let statuses = tasks
                .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("status")).ok());
            statuses.into_iter().find(|status| {
                status.starts_with(&format!("Name:\t{thread}\n"))
                    && !status.contains("\nTracerPid:\t0\n")
            })
        })
    };
    if thread == OWN_THREAD {
        traced();
    }
    let found = Found::in_folder(folder, keys);
    let mut collector = Collector::start(found, &mut |_, _| {}).expect("it starts");
    if thread != OWN_THREAD {
        traced();
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for round in 0..3 {
        for request in 0..2 {
            let page = from + round * 2 + request;
            told.write_all(&tell(b'S', page)).expect("the test listens");
            assert!(runtime.block_on(collector.submit(vec![hit_of(keys, page)])), "it is kept");
            told.write_all(&tell(b'A', page)).expect("the test listens");
        }
        collector.count(&mut |_, _| {});
        assert!(collector.cut(), "it is kept");
        collector.checkpoint();
        for table in Table::ALL {
            write_one(&collector.outbox, *table, told);
        }
    }
    collector.stop();
    collector.checkpoint();
}

fn hit_of(keys: &Keys, page: u64) -> Record {
    hit(keys, page % 3, &format!("/{page}"))
}

/// As the sender does it: a note, the insert, the batch is done.
fn write_one(outbox: &Outbox, table: Table, told: &mut TcpStream) {
    let Some(batch) = outbox.next(table) else { return };
    outbox.note(batch.number, b"token").expect("it is kept");
    let content = &batch.content;
    let at = Table::ALL.iter().position(|it| *it == table).expect("a table");
    let mut message = tell(b'B', batch.number).to_vec();
    message.extend(outbox.incarnation());
    for number in [at, content.month as usize, content.rows as usize, content.bytes.len()] {
        message.extend((number as u64).to_le_bytes());
    }
    message.extend(&content.bytes);
    told.write_all(&message).expect("the test listens");
    outbox.done(batch.number).expect("it is noted");
}

fn tell(what: u8, number: u64) -> [u8; 9] {
    let mut message = [what; 9];
    message[1..].copy_from_slice(&number.to_le_bytes());
    message
}

/// Reads what was told; a message that is cut off was not sent.
fn take_in(mut told: &[u8], outcome: &mut Outcome) {
    while let Some(((what, number), rest)) = message(told) {
        told = rest;
        match what {
            b'S' => outcome.sent = outcome.sent.max(number + 1),
            b'A' => drop(outcome.acknowledged.insert(number)),
            _ => match batch(told) {
                None => return,
                Some((incarnation, batch, rest)) => {
                    outcome.clickhouse.insert(incarnation, number, &batch);
                    told = rest;
                }
            },
        }
    }
}

fn message(told: &[u8]) -> Option<((u8, u64), &[u8])> {
    let (what, rest) = told.split_first()?;
    let (number, rest) = rest.split_first_chunk()?;
    Some(((*what, u64::from_le_bytes(*number)), rest))
}

fn batch(told: &[u8]) -> Option<([u8; 16], NewBatch, &[u8])> {
    let (incarnation, mut rest) = told.split_first_chunk()?;
    let mut number = || {
        let (number, left) = rest.split_first_chunk()?;
        rest = left;
        usize::try_from(u64::from_le_bytes(*number)).ok()
    };
    let (table, month, rows, length) = (number()?, number()?, number()?, number()?);
    let (bytes, rest) = rest.split_at_checked(length)?;
    let batch = NewBatch {
        table: Table::ALL[table],
        month: u32::try_from(month).ok()?,
        rows: u32::try_from(rows).ok()?,
        schema: crate::store::SCHEMA,
        bytes: bytes.to_vec(),
    };
    Some((*incarnation, batch, rest))
}

/// Starts on what the killed program left, writes everything, and compares: what was acknowledged
/// was counted, nothing twice, and every counter is what those hits make, counted once in order.
fn check(folder: &Path, keys: &Arc<Keys>, outcome: Outcome, what: &str) {
    let Outcome { sent, acknowledged, mut clickhouse } = outcome;
    let found = Found::in_folder(folder, keys);
    let mut collector = Collector::start(found, &mut |_, _| {}).expect("it starts again");
    collector.checkpoint();
    while Table::ALL.iter().any(|table| clickhouse.take(&collector.outbox, *table)) {}
    collector.stop();
    let stored = clickhouse.sums();
    let pages: BTreeSet<u64> = stored
        .iter()
        .filter(|((table, _), counters)| *table == "pages" && counters["pageviews"] != 0)
        .filter_map(|((_, key), _)| key.iter().find_map(|text| text.strip_prefix('/')))
        .map(|page| page.parse().expect("a number"))
        .collect();
    assert!(acknowledged.is_subset(&pages), "{what}: {acknowledged:?} of which {pages:?}");
    assert!(pages.iter().all(|page| *page < sent), "{what}: {pages:?} of {sent}");
    let (mut counter, mut deltas) = (Counter::new(count_limits()), Deltas::default());
    for page in &pages {
        counter.apply(&hit_of(keys, *page), &mut deltas);
        counter.apply(&Record::Received { site: site(), at: NOW, hits: 1 }, &mut deltas);
    }
    assert_equal(&stored, &sums(&crate::store::encode(&deltas.into_rows(), "n")), what);
}
