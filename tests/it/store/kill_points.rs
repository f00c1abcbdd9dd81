//! An engine that is killed before each system call that changes the disk, in the middle of an
//! insert; and, as controls, what becomes of the two rules that are simpler than ours.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use headcount::store::engine::Engine;
use serde_json::json;
use tokio::time::sleep;

use super::exactly_once::insert;
use super::harness::{
    Memory, Sending, ask, assert_exactly_once, brisk, client, config, distinct, engine, signal,
    until,
};

/// The calls that put a part in place, by what they do; which of a line there are is up to the
/// machine. `strace` counts each by itself, and for each thread.
const CALLS: &[(&str, &str)] = &[
    ("make folders", "?mkdir,?mkdirat"),
    ("write", "?write,?pwrite64,?writev,?pwritev,?pwritev2"),
    ("sync", "?fdatasync,?fsync"),
    ("link", "?link,?linkat,?symlink,?symlinkat"),
    ("rename", "?rename,?renameat,?renameat2"),
    ("remove", "?unlink,?unlinkat,?rmdir"),
    ("cut", "?ftruncate,?truncate,?fallocate"),
];

/// Kills of one engine, after which it would wait before it comes back.
const KILLS: u64 = 3;

/// An engine, started anew before its supervisor loses patience with it.
struct Killed {
    engine: Option<Engine>,
    dir: tempfile::TempDir,
}

impl Killed {
    fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// The engine's process, once it answers.
    async fn process(&mut self) -> u32 {
        if self.engine().restarts() >= KILLS {
            self.engine.take().unwrap().stop().await;
            self.engine = Some(Engine::start(config(self.dir.path())).await.unwrap());
        }
        let store = self.engine().store();
        until("the engine answers", async || store.ping().await.is_ok()).await;
        self.engine().process().unwrap()
    }
}

/// Kills the engine before every call of every kind, each while `write` writes a number of its own.
/// The engine, and how many numbers were written.
async fn sweep(what: &str, mut write: impl AsyncFnMut(&Engine, u64)) -> (Killed, u64) {
    let (engine, dir) = engine().await;
    let mut killed = Killed { engine: Some(engine), dir };
    let mut numbers = 0;
    for (name, calls) in CALLS {
        let mut points = 0;
        loop {
            let process = killed.process().await;
            let mut strace = trace(process, calls, points + 1).await;
            write(killed.engine(), numbers).await;
            numbers += 1;
            // It lets go of the engine, if that lives.
            drop(strace.kill());
            strace.wait().unwrap();
            if is_alive(process) {
                break;
            }
            points += 1;
        }
        say(&format!("{points} kill points: {what}, {name}"));
    }
    (killed, numbers)
}

#[expect(clippy::disallowed_macros, clippy::print_stderr, reason = "the test's own summary")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// `strace` on every thread of the engine, that kills it before the nth of these calls.
async fn trace(process: u32, calls: &str, nth: u64) -> Child {
    let strace = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")])
        .args(["-e", &format!("inject={calls}:signal=KILL:when={nth}")])
        .args(["-p", &process.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("strace is needed: `make tools` installs it");
    until("every thread is traced", async || {
        statuses(process).iter().all(|status| !status.contains("\nTracerPid:\t0\n"))
    })
    .await;
    strace
}

/// What the kernel says of the threads of a process.
fn statuses(process: u32) -> Vec<String> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task"));
    let paths = tasks.into_iter().flatten().filter_map(|task| Some(task.ok()?.path()));
    paths.filter_map(|path| std::fs::read_to_string(path.join("status")).ok()).collect()
}

fn is_alive(process: u32) -> bool {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    status.is_ok_and(|status| !status.contains("\nState:\tZ") && !status.contains("\nState:\tX"))
}

#[tokio::test]
async fn an_engine_killed_before_any_write_of_an_insert_loses_and_doubles_nothing() {
    let outbox = Arc::new(Memory::default());
    let (killed, numbers) = sweep("an insert", async |engine, number| {
        let store = engine.store();
        let sending = Sending::start(&store, &outbox, brisk(&store));
        outbox.commit([distinct(number)]);
        outbox.drained().await;
        sending.stop().await;
    })
    .await;
    assert!(numbers > 20, "an insert changes the disk more often: {numbers}");
    assert_exactly_once(&client(&killed.engine().store_config()), numbers).await;
    assert_eq!(outbox.aside(), [0; 0]);
    killed.engine.unwrap().stop().await;
}

#[tokio::test]
async fn a_token_alone_loses_at_one_of_these_kill_points() {
    let (killed, numbers) = sweep("a token alone", async |engine, number| {
        let (site, token) = (format!("s{number}"), format!("t{number}"));
        // Until it is reported done: that is all that a token alone knows.
        until("it is reported done", async || {
            insert(&engine.store_config(), &site, &token).await.is_ok()
        })
        .await;
    })
    .await;
    let there = "SELECT count() FROM (SELECT site FROM ledger GROUP BY site HAVING sum(hits) > 0)";
    let there = json!(ask(&client(&killed.engine().store_config()), there).await.unwrap());
    let there = there[0][0].as_u64().unwrap();
    say(&format!("a token alone lost {} of {numbers}", numbers - there));
    assert!(there < numbers, "it was said to lose, and lost nothing");
    killed.engine.unwrap().stop().await;
}

#[tokio::test]
async fn fresh_tokens_alone_double_on_an_engine_that_was_paused() {
    let (engine, _dir) = engine().await;
    let config = engine.store_config();
    let collector = client(&config);
    let times = async |site: &str| {
        let sql = format!("SELECT sum(hits) FROM ledger WHERE site = '{site}'");
        json!(ask(&collector, &sql).await.unwrap())[0][0].as_i64().unwrap()
    };
    for pause in 0..100 {
        let (site, first) = (format!("s{pause}"), format!("first {pause}"));
        let paused = async {
            sleep(Duration::from_micros(300 * (pause % 10))).await;
            signal("-STOP", engine.process().unwrap());
        };
        let (sent, ()) = tokio::join!(insert(&config, &site, &first), paused);
        signal("-CONT", engine.process().unwrap());
        // Not acknowledged, and not there: so it is sent again.
        if sent.is_err() && times(&site).await == 0 {
            until("it is reported done", async || insert(&config, &site, &site).await.is_ok())
                .await;
            if times(&site).await == 2 {
                say(&format!("fresh tokens alone doubled at pause {}", pause + 1));
                engine.stop().await;
                return;
            }
        }
    }
    panic!("they were said to double, and doubled nothing");
}
