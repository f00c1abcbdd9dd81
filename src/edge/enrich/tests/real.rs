//! Real requests, where the folder with test data is at hand: `HEADCOUNT_TEST_DATA` names it.

use std::path::{Path, PathBuf};
use std::{env, fs};

use super::super::{agent_of, page_url};
use crate::edge::raw::RawHints;

/// The lines of the access log in the test data; none where that is not there, which is said.
fn access_log(test: &str) -> Option<String> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = env::var_os("HEADCOUNT_TEST_DATA").map_or(beside, PathBuf::from);
    let log = fs::read_to_string(folder.join("apache_logs")).ok();
    if log.is_none() {
        not_run(test);
    }
    log
}

#[expect(clippy::disallowed_macros, clippy::print_stderr, reason = "what a test did not run")]
fn not_run(test: &str) {
    eprintln!("not run: {test}: there is no apache_logs in HEADCOUNT_TEST_DATA");
}

#[test]
fn real_paths_keep_their_names() {
    let Some(log) = access_log("real_paths_keep_their_names") else { return };
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
    let Some(log) = access_log("real_agents_have_names") else { return };
    let agents = log.lines().filter_map(|line| line.rsplit('"').nth(1));
    let (mut people, mut unnamed) = (0_u32, 0_u32);
    for agent in agents.filter_map(|it| agent_of(it, &RawHints::default(), false).ok()) {
        people += 1;
        unnamed += u32::from(agent.browser.is_empty() || agent.os.is_empty());
    }
    assert!(people > 5_000, "{people} people");
    assert!(unnamed * 100 < people * 2, "{unnamed} of {people} have no name");
}
