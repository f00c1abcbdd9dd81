//! Each fence of the privacy boundary, broken on purpose: it must not build.
//!
//! A copy of the project with one violation is checked by the compiler, or by clippy where clippy
//! keeps the fence. The copy always stands at one place and shares the project's target folder, so
//! that of all crates only this one is checked anew.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// What the checker said about the copy in which `change` was made to `file`.
fn check(tool: &str, file: &str, change: impl FnOnce(&str) -> String) -> String {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let copy = target().join("fences");
    drop(fs::remove_dir_all(&copy));
    fs::create_dir_all(&copy).expect("a folder");
    for part in ["Cargo.toml", "Cargo.lock", ".clippy.toml", "build.rs"] {
        fs::copy(root.join(part), copy.join(part)).expect("it is there");
    }
    for part in ["src", "schema", "pixel", "benches", "tests", "dashboards"] {
        copy_folder(&root.join(part), &copy.join(part));
    }
    let path = copy.join(file);
    let before = fs::read_to_string(&path).expect("the file to break is there");
    let after = change(&before);
    assert_ne!(before, after, "{file} was not changed");
    fs::write(&path, after).expect("writable");

    let output = Command::new(env!("CARGO"))
        .args([tool, "--quiet", "--lib", "--offline", "--locked", "--message-format", "short"])
        .current_dir(&copy)
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_INCREMENTAL", "0")
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo runs");
    assert!(!output.status.success(), "{file} was broken, and still builds");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The project's target folder.
fn target() -> PathBuf {
    let own = std::env::current_exe().expect("this test is a file");
    own.ancestors().nth(3).expect("target/debug/deps/test").to_owned()
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("it can be listed");
        let name = entry.file_name();
        if name == "node_modules" {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            copy_folder(&entry.path(), &to.join(name));
        } else {
            fs::copy(entry.path(), to.join(name)).expect("it can be copied");
        }
    }
}

#[track_caller]
fn expect(said: &str, error: &str, place: &str) {
    let found = said.lines().any(|line| line.contains(error) && line.contains(place));
    assert!(found, "no {error:?} at {place:?} in:\n{said}");
}

fn add(code: &'static str) -> impl FnOnce(&str) -> String {
    move |before| format!("{before}\n{code}\n")
}

fn replace(from: &'static str, to: &'static str) -> impl FnOnce(&str) -> String {
    move |before| {
        assert!(before.contains(from), "{from:?} is not there any more");
        before.replacen(from, to, 1)
    }
}

#[test]
fn the_copy_builds_while_no_fence_is_broken() {
    // Otherwise every other test here passes for the wrong reason.
    let said =
        check("check", "src/limits.rs", add("const _: () = assert!(1 > 2, \"the control\");"));
    expect(&said, "the control", "src/limits.rs");
    assert_eq!(said.lines().filter(|line| line.contains("error")).count(), 2, "{said}");
}

#[test]
fn a_raw_hit_cannot_be_named_outside_the_edge() {
    let said = check("check", "src/spool/mod.rs", add("fn leak(_: &crate::edge::raw::RawHit) {}"));
    expect(&said, "private", "src/spool/mod.rs");
}

#[test]
fn a_raw_type_cannot_be_printed_copied_or_serialised() {
    for (type_name, derive) in
        [("RawHit", "Debug"), ("RawHit", "serde::Serialize"), ("RawText", "Clone")]
    {
        let said = check("check", "src/edge/raw.rs", move |before| {
            let at = format!("pub(super) struct {type_name}");
            assert!(before.contains(&at), "{at} is not there any more");
            before.replacen(&at, &format!("#[derive({derive})] {at}"), 1)
        });
        expect(&said, "error", "src/edge/raw.rs");
    }
}

#[test]
fn a_raw_hit_cannot_be_used_after_the_door() {
    let said = check(
        "check",
        "src/edge/deidentify.rs",
        add("fn twice(raw: super::raw::RawHit) { drop(raw); drop(raw); }"),
    );
    expect(&said, "use of moved value", "src/edge/deidentify.rs");
}

#[test]
fn a_visitor_id_cannot_be_printed() {
    let said = check(
        "check",
        "src/count/mod.rs",
        add("fn show(id: crate::hit::VisitorId) -> String { format!(\"{id:?}\") }"),
    );
    expect(&said, "doesn't implement `Debug`", "src/count/mod.rs");
}

#[test]
fn a_hit_cannot_gain_a_field_that_is_not_clean() {
    let said = check(
        "check",
        "src/hit/record.rs",
        replace(
            "/// The site's day.\n    pub day: Day,",
            "/// A leak.\n    pub agent: String,\n    /// The site's day.\n    pub day: Day,",
        ),
    );
    expect(&said, "pattern does not mention field `agent`", "src/hit/record.rs");
    let said = check(
        "check",
        "src/hit/record.rs",
        replace("    pub page: Text,", "    pub page: String,"),
    );
    expect(&said, "error", "src/hit/record.rs");
}

#[test]
fn clippy_keeps_addresses_logs_clocks_and_unscrubbed_text_where_they_belong() {
    let said = check(
        "clippy",
        "src/count/mod.rs",
        add("fn address() -> std::net::IpAddr { std::net::IpAddr::from([0; 4]) }\n\
             fn log() { eprintln!(\"a line\"); }\n\
             fn text() -> crate::hit::Text { crate::hit::Text::from_scrubbed(\"x\") }\n\
             fn id() -> crate::hit::VisitorId { crate::hit::VisitorId::from_raw(1) }\n\
             fn now() -> std::time::SystemTime { std::time::SystemTime::now() }\n\
             fn headers() -> http::HeaderMap { http::HeaderMap::new() }\n\
             fn unwrapped() -> u8 { Some(1).unwrap() }"),
    );
    for error in [
        "disallowed type `std::net::IpAddr`",
        "disallowed macro `std::eprintln`",
        "disallowed method `headcount::hit::Text::from_scrubbed`",
        "disallowed method `headcount::hit::VisitorId::from_raw`",
        "disallowed method `std::time::SystemTime::now`",
        "disallowed type `http::HeaderMap`",
        "used `unwrap()`",
    ] {
        expect(&said, error, "src/count/mod.rs");
    }
}
