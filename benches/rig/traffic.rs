//! Page views as browsers send them.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use super::CLIENT_CORE;

/// The site that is measured.
pub(crate) const SITE: &str = "bench.example";

/// How many requests there are before they repeat.
pub(crate) const REQUESTS: usize = 4096;

/// Connections of a closed loop.
pub(crate) const CONNECTIONS: usize = 256;

pub(crate) const AGENTS: [&str; 4] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
];
pub(crate) const REFERRERS: [&str; 5] = [
    "",
    "https://www.google.com/",
    "https://t.co/abc",
    "https://news.ycombinator.com/",
    "https://chatgpt.com/",
];

/// A page view of its own: 4096 visitors, pages after a rough Zipf's law over 500.
pub(crate) fn request(number: usize) -> String {
    let page = 500 / (1 + number * 7919 % 500);
    request_of(number, &format!("/blog/post-{page}"))
}

/// One visitor's view of a page.
pub(crate) fn request_of(number: usize, page: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("s", SITE)
        .append_pair("u", page)
        .append_pair("r", REFERRERS[number % 5])
        .finish();
    format!(
        "GET /p.gif?{query} HTTP/1.1\r\nHost: localhost\r\n\
         X-Forwarded-For: {}.{}.{}.{}\r\nUser-Agent: {}\r\nAccept-Language: en-GB,en;q=0.9\r\n\
         Accept: image/avif,image/webp,*/*\r\nReferer: https://{SITE}{page}\r\n\r\n",
        11 + number % 3,
        number % 200,
        number / 16 % 256,
        number % 256,
        AGENTS[number % 4],
    )
}

/// The requests, as a script of wrk's.
pub(crate) fn script() -> String {
    let mut lua = "local requests = {}\nlocal at = 0\n".to_owned();
    for number in 0..REQUESTS {
        let request = request(number).replace("\r\n", "\\r\\n");
        writeln!(lua, "requests[{number}] = '{request}'").expect("memory");
    }
    lua + "function request() at = (at + 1) % 4096; return requests[at] end\n"
}

/// Full load by wrk, from the clients' core; how many requests were answered.
pub(crate) fn saturate(port: u16, script: &Path, seconds: u64) -> f64 {
    let output = Command::new("taskset")
        .args(["-c", CLIENT_CORE, "wrk", "-t1", &format!("-c{CONNECTIONS}")])
        .args([&format!("-d{seconds}s"), "-s"])
        .arg(script)
        .arg(format!("http://127.0.0.1:{port}/"))
        .output()
        .expect("wrk runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(!said.contains("Non-2xx"), "{said}");
    let line = said.lines().find(|line| line.contains("requests in")).expect("wrk's summary");
    line.split_whitespace().next().and_then(|it| it.parse().ok()).expect("a number")
}
