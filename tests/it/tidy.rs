//! The rules of the house that a compiler does not check.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in the order of a hit's way. Each uses those before it; `app` uses all.
const ORDER: &[&str] = &[
    "limits",
    "hit",
    "telemetry",
    "terminal",
    "keys",
    "edge",
    "spool",
    "count",
    "outbox",
    "store",
    "stats",
    "release",
    "mailing",
    "config",
    "console",
    "app",
];

/// Edges against the order, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("hit", "keys"),      // A hit names the key that made its id, and nothing else of it.
    ("stats", "release"), // An answer leaves through the release, which knows no questions.
];

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it is a folder") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("it is text");
                found.push((path.strip_prefix(root).expect("inside").to_owned(), text));
            }
        }
    }
    found.sort();
    assert!(found.len() > 10, "{folder} was found");
    found
}

/// Whether it is tests, and nothing else.
fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

/// The modules that a text names by `crate::…`.
fn named(text: &str) -> Vec<String> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let mut names = Vec::new();
    for line in code {
        for part in line.split("crate::").skip(1) {
            let name: String = part.chars().take_while(char::is_ascii_lowercase).collect();
            names.push(name);
        }
    }
    names
}

/// Why `module` must not name `other`, if it must not.
fn backwards(module: &str, other: &str) -> bool {
    match (place(module), place(other)) {
        (Some(own), Some(others)) => others > own && !EXCEPTIONS.contains(&(module, other)),
        _ => false,
    }
}

#[test]
fn a_module_uses_only_those_before_it_on_the_hits_way() {
    assert!(backwards("spool", "count") && !backwards("count", "spool"));
    for (path, text) in sources("src") {
        let mut parts = path.components().skip(1).map(|c| c.as_os_str().to_string_lossy());
        let module = parts.next().expect("a module").trim_end_matches(".rs").to_owned();
        if is_test(&path) {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for other in named(code) {
            assert!(
                !backwards(&module, &other),
                "{}: {module} must not use crate::{other}",
                path.display()
            );
        }
    }
}

#[test]
fn raw_types_are_named_in_the_edge_only() {
    for (path, text) in sources("src") {
        let named = text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| ["RawHit", "RawText", "RawAddress"].contains(&word));
        assert!(!named || path.starts_with("src/edge"), "{} names a raw type", path.display());
    }
}

#[test]
fn every_stage_says_what_it_never_does() {
    for (path, text) in sources("src") {
        if is_test(&path) {
            continue;
        }
        let is_stage = path.components().count() == 3 && path.ends_with("mod.rs");
        let doc: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(!doc.is_empty(), "{} has no doc", path.display());
        assert!(!is_stage || doc.contains("*Never*"), "{} has no *Never*", path.display());
    }
}

#[test]
fn files_are_small_rooms_and_nothing_unfinished_lands() {
    // Written apart, so that this file does not find itself.
    let unfinished = [concat!("FIX", "ME"), concat!("XX", "X"), concat!("<<<", "<<<<")];
    let mut long = 0;
    let all = [sources("src"), sources("tests")].concat();
    for (path, text) in &all {
        let lines = text.lines().count();
        assert!(lines <= 700, "{} has {lines} lines", path.display());
        long += usize::from(lines > 450);
        for (number, line) in text.lines().enumerate() {
            let at = format!("{}:{}", path.display(), number + 1);
            assert!(unfinished.iter().all(|word| !line.contains(word)), "{at}: unfinished");
            assert!(!line.contains('\t'), "{at}: a tab");
        }
    }
    assert!(long * 10 <= all.len(), "{long} of {} files have over 450 lines", all.len());
}

#[test]
fn the_documents_table_of_what_can_be_answered_is_the_planners() {
    let document = include_str!("../../ARCHITECTURE.md");
    let table = headcount::stats::markdown();
    assert!(document.contains(&table), "ARCHITECTURE.md should hold:\n{table}");
}
