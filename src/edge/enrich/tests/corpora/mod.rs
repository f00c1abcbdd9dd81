//! Agents that others have collected.

mod lists;

use super::super::agent::read;
use crate::edge::raw::RawHints;
use lists::*;
use std::fmt::Write as _;
fn agent_of(a: &str) -> A {
    match read(a, &RawHints::default(), false) {
        Ok(x) => A {
            bot: false,
            browser: x.browser,
            browser_version: x.browser_version,
            os: x.os,
            os_version: x.os_version,
            device: x.device,
        },
        Err(_) => A { bot: true, ..A::default() },
    }
}
#[derive(Default)]
struct A {
    bot: bool,
    browser: crate::hit::Text,
    browser_version: crate::hit::Text,
    os: crate::hit::Text,
    os_version: crate::hit::Text,
    device: crate::hit::Text,
}

#[test]
fn look() {
    let mut out = String::new();
    for it in crawlers() {
        let a = agent_of(&it);
        if !a.bot {
            writeln!(out, "CRAWLER\t{it}\t{}", a.browser.as_str()).unwrap();
        }
    }
    let regexes: ua_parser::Regexes<'_> =
        serde_json::from_value(flat_yaml(&uap_core("regexes.yaml"))).unwrap();
    let judge = ua_parser::Extractor::try_from(regexes).unwrap();
    for it in browsers() {
        let a = agent_of(&it.agent);
        if a.bot {
            writeln!(out, "BOT\t{}\t{}", it.weight, it.agent).unwrap();
            continue;
        }
        let (u, o, _) = judge.extract(&it.agent);
        let u =
            u.map(|u| (u.family.to_string(), u.major.unwrap_or("").to_owned())).unwrap_or_default();
        let o = o
            .map(|o| (o.os.to_string(), o.major.map(|x| x.to_string()).unwrap_or_default()))
            .unwrap_or_default();
        writeln!(
            out,
            "REAL\t{}\t{} {}|{} {}\t{} {}|{} {}\t{}\t{}\t{}",
            it.weight,
            a.browser.as_str(),
            a.browser_version.as_str(),
            u.0,
            u.1,
            a.os.as_str(),
            a.os_version.as_str(),
            o.0,
            o.1,
            a.device.as_str(),
            it.device,
            it.agent
        )
        .unwrap();
    }
    for (file, tag) in [("tests/test_ua.yaml", "UA"), ("tests/test_os.yaml", "OS")] {
        let all = flat_yaml(&uap_core(file));
        for c in all["test_cases"].as_array().unwrap() {
            let ua = c["user_agent_string"].as_str().unwrap();
            let a = agent_of(ua);
            let (n, v) = if tag == "UA" {
                (a.browser.as_str(), a.browser_version.as_str())
            } else {
                (a.os.as_str(), a.os_version.as_str())
            };
            writeln!(
                out,
                "{tag}\t{}\t{} {}\t{} {}\t{}",
                if a.bot { "BOT" } else { "" },
                n,
                v,
                c["family"].as_str().unwrap_or("?"),
                c["major"].as_str().unwrap_or(""),
                ua
            )
            .unwrap();
        }
    }
    std::fs::write("/tmp/agents-look/out.txt", out).unwrap();
}
