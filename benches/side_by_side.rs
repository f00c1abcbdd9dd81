//! The collector beside nginx, which answers the same requests with its own GIF and a buffered
//! access log: on one core, with the same client on the other, taking turns.
//!
//! `wrk` and `nginx` come from Debian; without them this says so and ends. CPU is the process's own
//! (the engine's apart), as the kernel counts it. Throughput is what a closed loop of 256
//! connections gets; latency is that of an open loop at half of it: requests leave at times that
//! were fixed beforehand, and are timed from then on.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_macros,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bench prints its figures"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

const SITE: &str = "bench.example";
const CONNECTIONS: usize = 256;
const REQUESTS: usize = 4096;

/// The server's core, and the client's.
const SERVER_CORE: &str = "0";
const CLIENT_CORE: &str = "1";

const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
];
const REFERRERS: [&str; 5] = [
    "",
    "https%3A%2F%2Fwww.google.com%2F",
    "https%3A%2F%2Ft.co%2Fabc",
    "https%3A%2F%2Fnews.ycombinator.com%2F",
    "https%3A%2F%2Fchatgpt.com%2F",
];

/// A page view of its own: 4096 visitors, pages after a rough Zipf's law over 500.
fn request(number: usize) -> String {
    let page = 500 / (1 + number * 7919 % 500);
    format!(
        "GET /p.gif?s={SITE}&u=%2Fblog%2Fpost-{page}&r={} HTTP/1.1\r\nHost: localhost\r\n\
         X-Forwarded-For: {}.{}.{}.{}\r\nUser-Agent: {}\r\nAccept-Language: en-GB,en;q=0.9\r\n\
         Accept: image/avif,image/webp,*/*\r\nReferer: https://{SITE}/blog/post-{page}\r\n\r\n",
        REFERRERS[number % 5],
        11 + number % 3,
        number % 200,
        number / 16 % 256,
        number % 256,
        AGENTS[number % 4],
    )
}

/// The requests, as a script of wrk's.
fn script() -> String {
    let mut lua = "local requests = {}\nlocal at = 0\n".to_owned();
    for number in 0..REQUESTS {
        let request = request(number).replace("\r\n", "\\r\\n");
        writeln!(lua, "requests[{number}] = '{request}'").expect("memory");
    }
    lua + "function request() at = (at + 1) % 4096; return requests[at] end\n"
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// A server on its core.
struct Server {
    name: &'static str,
    child: Child,
    /// The process that takes the requests, and the engine beside it.
    pid: u32,
    engine: Option<u32>,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status());
        drop(self.child.wait());
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback has a port");
    listener.local_addr().expect("it is bound").port()
}

fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "gave up waiting until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A child of a process, of whichever of its threads, whose command line holds `word`.
fn child_of(parent: u32, word: &str) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).ok()?;
    let children =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let children = children.collect::<Vec<_>>().concat();
    let mut pids = children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok());
    pids.find(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    })
}

fn nginx(folder: &Path) -> Server {
    let port = free_port();
    let at = folder.display();
    let config = format!(
        "worker_processes 1; daemon off; pid {at}/nginx.pid; error_log {at}/nginx.err;\n\
         events {{ worker_connections 8192; }}\n\
         http {{ access_log {at}/access.log combined buffer=64k flush=1s; \
         keepalive_requests 100000000;\n\
         server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ empty_gif; }} }} }}\n"
    );
    let path = folder.join("nginx.conf");
    fs::write(&path, config).expect("the folder is writable");
    let child = Command::new("taskset")
        .args(["-c", SERVER_CORE, "nginx", "-c"])
        .arg(&path)
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx starts");
    let pid = until("nginx has a worker", || child_of(child.id(), "worker"));
    Server { name: "nginx, buffered log", child, pid, engine: None, port }
}

fn headcount(folder: &Path, name: &'static str, durability: &str) -> Server {
    let (port, console) = (free_port(), free_port());
    let data = folder.join(durability);
    let program = env!("CARGO_BIN_EXE_headcount");
    let added = Command::new(program)
        .args(["site", "add", SITE])
        .env("HEADCOUNT_DATA_DIR", &data)
        .current_dir(folder)
        .stdout(Stdio::null())
        .status();
    assert!(added.is_ok_and(|status| status.success()), "a site is added");
    let child = Command::new("taskset")
        .args(["-c", SERVER_CORE, program, "serve"])
        .env("HEADCOUNT_DATA_DIR", &data)
        .env("HEADCOUNT_LOG__LEVEL", "warn")
        .env("HEADCOUNT_SPOOL__DURABILITY", durability)
        .env("HEADCOUNT_INGEST__LISTEN", format!("127.0.0.1:{port}"))
        .env("HEADCOUNT_CONSOLE__LISTEN", format!("127.0.0.1:{console}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("headcount starts");
    let pid = child.id();
    let engine = until("the engine runs", || child_of(pid, "engine"));
    until("it takes hits", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    // The engine is no part of what is compared: it stays out of the server's way.
    let moved = Command::new("taskset")
        .args(["-apc", CLIENT_CORE, &engine.to_string()])
        .stdout(Stdio::null())
        .status();
    assert!(moved.is_ok_and(|status| status.success()), "the engine moves to the client's core");
    Server { name, child, pid, engine: Some(engine), port }
}

/// CPU of a process so far, in microseconds.
fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after = stat.rsplit_once(')').expect("a stat line").1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<f64>().expect("ticks")).sum::<f64>() * 1e4
}

/// Resident bytes of a process.
fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("it is told");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("KiB") * 1024.0
}

/// What a turn under full load showed.
#[derive(Clone, Copy)]
struct Turn {
    requests_s: f64,
    cpu_us: f64,
    engine_us: f64,
}

/// A turn under full load, by wrk.
fn turn(server: &Server, script: &Path, seconds: u64) -> Turn {
    let engine = || server.engine.map_or(0.0, cpu);
    let (before, engine_before) = (cpu(server.pid), engine());
    let output = Command::new("taskset")
        .args(["-c", CLIENT_CORE, "wrk", "-t1", &format!("-c{CONNECTIONS}")])
        .args([&format!("-d{seconds}s"), "-s"])
        .arg(script)
        .arg(format!("http://127.0.0.1:{}/", server.port))
        .output()
        .expect("wrk runs");
    let (after, engine_after) = (cpu(server.pid), engine());
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().find(|line| line.contains("requests in")).expect("wrk's summary");
    let requests: f64 =
        line.split_whitespace().next().and_then(|it| it.parse().ok()).expect("a number");
    assert!(!said.contains("Non-2xx"), "{said}");
    Turn {
        requests_s: requests / seconds as f64,
        cpu_us: (after - before) / requests,
        engine_us: (engine_after - engine_before) / requests,
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Sends on one connection at its own times; latencies in microseconds.
async fn steady(
    port: u16,
    first: Instant,
    every: Duration,
    until: Instant,
    from: usize,
) -> Vec<f64> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    let (mut taken, mut due, mut number) = (Vec::new(), first, from);
    let mut answer = [0; 2048];
    while due < until {
        sleep_until(due.into()).await;
        stream.write_all(request(number % REQUESTS).as_bytes()).await.expect("it reads");
        let mut got = 0;
        // Both answer a whole GIF, which ends in a semicolon.
        while got == 0 || answer[got - 1] != b';' {
            let read = timeout(Duration::from_secs(10), stream.read(&mut answer[got..])).await;
            got += read.expect("it answers").expect("it answers");
        }
        taken.push(due.elapsed().as_secs_f64() * 1e6);
        (due, number) = (due + every, number + 97);
    }
    taken
}

/// Latencies at a fixed rate, in order.
fn open_loop(server: &Server, rate: f64, length: Duration) -> Vec<f64> {
    const SENDERS: usize = 128;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut all = runtime.expect("a runtime").block_on(async {
        let begin = Instant::now() + Duration::from_millis(200);
        let every = Duration::from_secs_f64(SENDERS as f64 / rate);
        let senders = (0..SENDERS).map(|at| {
            let first = begin + every.mul_f64(at as f64 / SENDERS as f64);
            tokio::spawn(steady(server.port, first, every, begin + length, at * 31))
        });
        let mut all = Vec::new();
        for sender in senders.collect::<Vec<_>>() {
            all.extend(sender.await.expect("it ends"));
        }
        all
    });
    all.sort_by(f64::total_cmp);
    all
}

/// Bytes of a connection that does nothing, over `count` of them.
fn idle_bytes(server: &Server, count: usize) -> f64 {
    let before = resident(server.pid);
    let mut open = Vec::new();
    for _ in 0..count {
        open.push(std::net::TcpStream::connect(("127.0.0.1", server.port)).expect("it listens"));
    }
    std::thread::sleep(Duration::from_millis(500));
    (resident(server.pid) - before) / count as f64
}

fn main() {
    // `cargo test --benches` runs this too: short, so that it cannot rot.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let missing: Vec<_> =
        ["nginx", "wrk", "taskset"].into_iter().filter(|it| !is_there(it)).collect();
    if !missing.is_empty() {
        println!("side by side: not run: install {} (Debian has them)", missing.join(", "));
        return;
    }
    let (rounds, seconds, steady_s) = if bench { (7, 3, 10) } else { (1, 1, 1) };
    let folder = tempfile::tempdir().expect("a folder");
    let script_path = folder.path().join("requests.lua");
    fs::write(&script_path, script()).expect("the folder is writable");
    let servers = Arc::new([
        nginx(folder.path()),
        headcount(folder.path(), "headcount, disk", "disk"),
        headcount(folder.path(), "headcount, process", "process"),
    ]);
    let fresh = resident(servers[1].pid);
    let mut turns: [Vec<Turn>; 3] = Default::default();
    for _ in 0..rounds {
        for (server, turns) in servers.iter().zip(&mut turns) {
            turns.push(turn(server, &script_path, seconds));
        }
    }
    let of = |at: usize, what: fn(&Turn) -> f64| median(turns[at].iter().map(what).collect());
    // Turns that follow each other see the same machine: ratios are of those.
    let ratio = |at: usize, to: usize, what: fn(&Turn) -> f64| {
        median(turns[at].iter().zip(&turns[to]).map(|(a, b)| what(a) / what(b)).collect())
    };
    println!("{CONNECTIONS} connections, one core, {rounds} turns of {seconds} s each, medians");
    println!(
        "{:<22} {:>12} {:>11} {:>12} {:>10}",
        "", "requests/s", "CPU us/hit", "against nginx", "engine us"
    );
    for (at, server) in servers.iter().enumerate() {
        println!(
            "{:<22} {:>12.0} {:>11.2} {:>12.2}x {:>10.2}",
            server.name,
            of(at, |turn| turn.requests_s),
            of(at, |turn| turn.cpu_us),
            ratio(at, 0, |turn| turn.cpu_us),
            of(at, |turn| turn.engine_us),
        );
    }
    println!(
        "disk against process: {:.2}x the throughput, {:.2}x the CPU",
        ratio(1, 2, |turn| turn.requests_s),
        ratio(1, 2, |turn| turn.cpu_us)
    );
    let rate = of(1, |turn| turn.requests_s) / 2.0;
    println!("\nopen loop, {rate:.0} requests a second for {steady_s} s, in microseconds");
    println!("{:<22} {:>9} {:>9} {:>9} {:>9}", "", "requests", "p50", "p99", "p99.9");
    for server in servers.iter() {
        let taken = open_loop(server, rate, Duration::from_secs(steady_s));
        let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize];
        println!(
            "{:<22} {:>9} {:>9.0} {:>9.0} {:>9.0}",
            server.name,
            taken.len(),
            at(0.5),
            at(0.99),
            at(0.999)
        );
    }
    let connections = if bench { 900 } else { 50 };
    println!("\nmemory");
    println!("headcount, fresh, without the engine: {:.1} MiB", fresh / 1_048_576.0);
    for server in &servers[..2] {
        let bytes = idle_bytes(server, connections) / 1024.0;
        println!("{}: an idle connection {bytes:.1} KiB, of {connections}", server.name);
    }
}
