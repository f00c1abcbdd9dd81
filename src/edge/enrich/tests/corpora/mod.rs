//! Measured on what others have collected:
//!
//! - `crawler-user-agents` (npm, MIT): agents of robots;
//! - `user-agents` (npm, BSD-2-Clause): agents of browsers, each with its part of all visits and the
//!   kind of device that its page measured;
//! - the tests of uap-core (crate `ua-parser`, Apache-2.0): agents with their names, most of them of
//!   machines that nobody has any more. Its parser is the judge of what `user-agents` does not tell.

mod judge;
mod lists;

use std::collections::BTreeMap;

use super::super::agent::{Agent, read};
use crate::edge::raw::RawHints;
use crate::hit::DropReason;
use crate::terminal;
use judge::{Judge, Name};
use lists::{browsers, crawlers, flat_yaml, uap_core};

/// What we say, what the judge says, and why we are right: looked at by hand.
const WE_KNOW_BETTER: &[(&str, &str, &str)] = &[
    ("Brave", "Safari", "on iPhones it writes its name behind Safari's"),
    ("Firefox", "Webview", "FxiOS is Firefox on iPhones, with Safari's name behind it or without"),
    ("Opera", "Safari", "OPT is Opera Touch"),
    ("Threads", "Webview", "Barcelona is its app"),
];

fn agent_of(agent: &str) -> Result<Agent, DropReason> {
    read(agent, &RawHints::default(), false)
}

/// How much of a whole is right, and what was wrong.
#[derive(Default)]
struct Figure {
    all: f64,
    right: f64,
    wrong: BTreeMap<String, (f64, String)>,
}

impl Figure {
    fn count(&mut self, weight: f64, is_right: bool, wrong: impl FnOnce() -> String, agent: &str) {
        self.all += weight;
        if is_right {
            self.right += weight;
        } else {
            let first = self.wrong.entry(wrong()).or_insert((0.0, agent.into()));
            first.0 += weight;
        }
    }

    /// Prints its line, and fails below `percent_min`.
    fn show(&self, what: &str, of: usize, percent_min: f64) {
        let percent = 100.0 * self.right / self.all;
        terminal::say(&format!(
            "{what:42} {percent:6.2} % of {of:4} agents are right, of {percent_min} % that must be"
        ));
        assert!(of > 150, "{what}: only {of} agents were found");
        assert!(
            percent >= percent_min,
            "{what}: {percent} % are right; wrong are {:#?}",
            self.wrong
        );
    }
}

#[test]
fn robots_that_others_list_are_caught() {
    let agents = crawlers();
    let mut caught = Figure::default();
    for agent in &agents {
        caught.count(1.0, agent_of(agent).is_err(), || agent.clone(), agent);
    }
    caught.show("robots of crawler-user-agents", agents.len(), 99.5);
}

#[test]
fn browsers_that_people_use_are_told_right() {
    let judge = Judge::new();
    let seen = browsers();
    let [mut people, mut browser, mut system, mut device] = [(); 4].map(|()| Figure::default());
    for it in &seen {
        let (agent, weight) = (it.agent.as_str(), it.weight);
        let found = agent_of(agent);
        people.count(weight, found.is_ok(), || agent.into(), agent);
        let Ok(found) = found else { continue };
        let ours = (found.browser.as_str(), found.browser_version.as_str());
        let theirs = judge.browser(agent);
        let is_right = is_browser(ours, theirs.as_ref());
        browser.count(weight, is_right, || format!("{ours:?}, not {theirs:?}"), agent);
        let ours = (found.os.as_str(), found.os_version.as_str());
        let theirs = judge.system(agent);
        let is_right = is_system(ours, theirs.as_ref(), agent);
        system.count(weight, is_right, || format!("{ours:?}, not {theirs:?}"), agent);
        let ours = found.device.as_str();
        device.count(weight, ours == it.device, || format!("{ours}, not {}", it.device), agent);
    }
    people.show("people of user-agents, by visits", seen.len(), 100.0);
    browser.show("their browsers and versions", seen.len(), 99.5);
    system.show("their systems and versions", seen.len(), 99.5);
    device.show("their devices", seen.len(), 99.5);
}

#[test]
fn agents_that_others_labelled_are_told_alike() {
    let (browser, all) = alike("tests/test_ua.yaml", judge::browser, |found, theirs| {
        is_browser((found.browser.as_str(), found.browser_version.as_str()), Some(theirs))
    });
    browser.show("browsers of uap-core, with versions", all, 92.0);
    // By name alone: what versions it has are those of Windows 95 and Firefox OS.
    let (system, all) = alike("tests/test_os.yaml", judge::system, |found, (theirs, _)| {
        is_same_system(found.os.as_str(), theirs)
    });
    system.show("systems of uap-core, without versions", all, 88.0);
}

/// The agents of a file of uap-core's tests whose name, as `name` has it, is one of ours.
fn alike(
    file: &str,
    name: impl Fn(&str, &str) -> Option<Name>,
    is_alike: impl Fn(&Agent, &Name) -> bool,
) -> (Figure, usize) {
    let mut figure = Figure::default();
    let mut all = 0;
    let cases = flat_yaml(&uap_core(file));
    for case in cases["test_cases"].as_array().expect("a list") {
        let text = |key: &str| case[key].as_str().unwrap_or_default();
        let agent = text("user_agent_string");
        let Some(theirs) = name(text("family"), text("major")) else { continue };
        // Others are apps that ask for data, and phones from before there were browsers.
        if !(agent.starts_with("Mozilla/") || agent.starts_with("Opera/")) {
            continue;
        }
        all += 1;
        let found = agent_of(agent);
        let is_right = found.as_ref().is_ok_and(|found| is_alike(found, &theirs));
        figure.count(1.0, is_right, || format!("{theirs:?}: {agent}"), agent);
    }
    (figure, all)
}

fn is_browser(ours: (&str, &str), theirs: Option<&Name>) -> bool {
    let Some((name, version)) = theirs else { return false };
    ours == (*name, version.as_str())
        || WE_KNOW_BETTER
            .iter()
            .any(|(ours_is, theirs_is, _)| ours.0 == *ours_is && name == theirs_is)
}

/// The judge knows no iPadOS.
fn is_same_system(ours: &str, theirs: &str) -> bool {
    ours == theirs || (ours, theirs) == ("iPadOS", "iOS")
}

fn is_system((ours, version): (&str, &str), theirs: Option<&Name>, agent: &str) -> bool {
    let Some((name, theirs)) = theirs else { return false };
    // Versions that agents have frozen: we say none, or take it from where it is still told.
    let frozen = match *name {
        "macOS" => version.is_empty() && theirs == "10",
        "Android" => version.is_empty() && agent.contains("Android 10; K)"),
        "iOS" => {
            theirs == "18" && version >= "26" && agent.contains(&format!("Version/{version}."))
        }
        "ChromeOS" | "Linux" | "BSD" => version.is_empty(),
        _ => false,
    };
    is_same_system(ours, name) && (version == theirs || frozen)
}
