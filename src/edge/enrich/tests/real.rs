//! Real requests, where the folder with test data is at hand: `HEADCOUNT_TEST_DATA` names it.

use std::path::PathBuf;
use std::{env, fs};

use super::super::{agent_of, page_url};
use crate::edge::raw::RawHints;

/// The lines of the access log in the test data; none where no test data was asked for.
fn access_log() -> Option<String> {
    let folder = PathBuf::from(env::var_os("HEADCOUNT_TEST_DATA")?);
    let path = folder.join("apache_logs");
    Some(fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("HEADCOUNT_TEST_DATA must name the folder that holds apache_logs: {error}")
    }))
}

#[test]
fn real_paths_keep_their_names() {
    let Some(log) = access_log() else { return };
    let paths = log.lines().filter_map(|line| line.split(' ').nth(6));
    let (mut all, mut changed) = (0_u32, 0_u32);
    for path in paths.map(|it| it.split(['?', ';']).next().unwrap_or_default()) {
        let Some(page) = page_url(path, "example.com") else { continue };
        all += 1;
        let placeholders = [":email", ":id", ":token", ":number", ":address"];
        changed += u32::from(placeholders.iter().any(|it| page.page.as_str().contains(it)));
    }
    assert!(all > 9_000, "{all} paths");
    assert!(changed * 100 < all * 3, "{changed} of {all} paths are scrubbed");
}

#[test]
fn real_agents_have_names() {
    let Some(log) = access_log() else { return };
    let agents = log.lines().filter_map(|line| line.rsplit('"').nth(1));
    let (mut people, mut unnamed) = (0_u32, 0_u32);
    for agent in agents.filter_map(|it| agent_of(it, &RawHints::default(), false).ok()) {
        people += 1;
        unnamed += u32::from(agent.browser.is_empty() || agent.os.is_empty());
    }
    assert!(people > 5_000, "{people} people");
    assert!(unnamed * 100 < people * 2, "{unnamed} of {people} have no name");
}
