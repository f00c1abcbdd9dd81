//! A mailing's pixel and links beside a page's pixel: one collector, one core, taking turns, with the
//! same client on the other core.
//!
//! The pixel is asked for by a provider's proxy, which stands for many, so that each request is an
//! opening; links and tokens are followed by 4096 devices over and over, so that most are the same
//! again within a minute, which is looked up and dropped. `wrk` comes from Debian.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    dead_code,
    missing_docs,
    reason = "a bench prints its figures, and shares the support of the tests"
)]

mod rig;
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rig::median;
use rig::process::cpu;
use rig::traffic::{self, AGENTS, REQUESTS, SITE};
use support::Collector;

const GMAIL: &str = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com \
                     GoogleImageProxy)";

/// The path of the first URL of a kind in a wrapped mailing.
fn path(html: &str, kind: &str) -> String {
    let at = html.find(&format!("/e/{kind}/")).expect("it is wrapped");
    let url = &html[at..];
    url[..url.find('"').expect("a quote")].to_owned()
}

/// A mailing's HTML, wrapped.
fn mailing(collector: &Collector, folder: &Path, more: &[&str]) -> (String, String) {
    let create = ["mailing", "create", "Bench", "--site", SITE, "--sent", "5000"];
    let said = collector.command(&[&create, more].concat());
    let id = said.lines().last().expect("an id").to_owned();
    let file = folder.join("mailing.html");
    fs::write(&file, format!("<p><a href=\"https://{SITE}/\">x</a></p>")).expect("writable");
    let file = file.to_str().expect("UTF-8");
    let url = "https://stats.example";
    let html = collector.command(&["mailing", "wrap", &id, file, "--url", url]);
    (id, html)
}

/// Requests for a path, each by a device of its own, as a script of wrk's.
fn script(to: PathBuf, path_of: impl Fn(usize) -> String, agent: Option<&str>) -> PathBuf {
    let mut lua = "local requests = {}\nlocal at = 0\n".to_owned();
    for number in 0..REQUESTS {
        let agent = agent.unwrap_or(AGENTS[number % 4]);
        let (a, b) = (number / 256, number % 256);
        writeln!(
            lua,
            "requests[{number}] = 'GET {} HTTP/1.1\\r\\nHost: localhost\\r\\n\
             X-Forwarded-For: 11.{a}.{b}.7\\r\\nUser-Agent: {agent}\\r\\n\\r\\n'",
            path_of(number)
        )
        .expect("memory");
    }
    lua.push_str("function request() at = (at + 1) % 4096; return requests[at] end\n");
    fs::write(&to, lua).expect("the folder is writable");
    to
}

fn main() {
    if rig::lacks("mailings", &["wrk", "taskset"]) {
        return;
    }
    rig::process::take_the_clients_core();
    let (rounds, seconds) = if rig::is_bench() { (7, 3) } else { (1, 1) };
    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path();
    let collector = rig::collector(&dir.join("data"), &[]);
    let (_, html) = mailing(&collector, dir, &[]);
    let (id, apart) = mailing(&collector, dir, &["--mode", "token", "--consent", "a bench"]);
    let count = REQUESTS.to_string();
    let csv = collector.command(&["mailing", "tokens", &id, "--count", &count]);
    let tokens: Vec<&str> = csv.lines().skip(1).collect();
    let page = dir.join("page.lua");
    fs::write(&page, traffic::script()).expect("the folder is writable");
    let pixel = |number: usize| path(&apart, "o").replace("{{token}}", tokens[number]);
    let kinds = [
        ("a page's pixel", page),
        ("a mailing's pixel", script(dir.join("o.lua"), |_| path(&html, "o"), Some(GMAIL))),
        ("a mailing's pixel, with a token", script(dir.join("t.lua"), pixel, None)),
        ("a mailing's link", script(dir.join("c.lua"), |_| path(&html, "c"), None)),
    ];
    let mut turns: Vec<Vec<(f64, f64)>> = vec![Vec::new(); kinds.len()];
    for _ in 0..rounds {
        for ((_, script), turns) in kinds.iter().zip(&mut turns) {
            let before = cpu(collector.pid());
            let requests = traffic::saturate(collector.ingest_port(), script, seconds);
            let spent = cpu(collector.pid()) - before;
            turns.push((requests / seconds as f64, spent / requests));
        }
    }
    println!("256 connections, one core, {rounds} turns of {seconds} s each, medians");
    println!("{:<32} {:>12} {:>11} {:>16}", "", "requests/s", "CPU us/hit", "to a page's");
    for ((name, _), of) in kinds.iter().zip(&turns) {
        let ratio = of.iter().zip(&turns[0]).map(|(mine, page)| mine.1 / page.1);
        println!(
            "{name:<32} {:>12.0} {:>11.2} {:>15.2}x",
            median(of.iter().map(|turn| turn.0).collect()),
            median(of.iter().map(|turn| turn.1).collect()),
            median(ratio.collect()),
        );
    }
}
