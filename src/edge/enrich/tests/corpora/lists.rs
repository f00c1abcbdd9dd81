//! The lists, where `make setup` and cargo put them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// One agent of a corpus.
pub(super) struct Seen {
    pub(super) agent: String,
    /// Its part of all visits.
    pub(super) weight: f64,
    /// `Desktop`, `Mobile` or `Tablet`, as its own page measured it.
    pub(super) device: String,
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| {
        panic!("{} is not there ({error}): run `make setup`", path.display())
    })
}

fn package(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules").join(file);
    serde_json::from_str(&read(&path)).expect("a package's JSON is whole")
}

/// A file of uap-core, which comes with the crate `ua-parser`.
pub(super) fn uap_core(file: &str) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args([
            "metadata",
            "--format-version=1",
            "--locked",
            "--offline",
            "--filter-platform=host-tuple",
            "--manifest-path",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .expect("cargo runs");
    assert!(told.status.success(), "cargo does not tell where uap-core is: run `cargo fetch`");
    let told: Value = serde_json::from_slice(&told.stdout).expect("cargo tells where crates are");
    let crates = told["packages"].as_array().expect("a list");
    let found = crates.iter().find(|it| it["name"] == "ua-parser").expect("it is a dependency");
    let manifest = PathBuf::from(found["manifest_path"].as_str().expect("a path"));
    read(&manifest.with_file_name("uap-core").join(file))
}

/// Every agent of `crawler-user-agents` that it gives as an example.
pub(super) fn crawlers() -> Vec<String> {
    let list = package("crawler-user-agents/crawler-user-agents.json");
    let crawlers = list.as_array().expect("a list").iter();
    let agents = crawlers.flat_map(|it| it["instances"].as_array().into_iter().flatten());
    agents.map(|it| it.as_str().expect("a text").to_owned()).collect()
}

/// The agents of `user-agents`, each once.
pub(super) fn browsers() -> Vec<Seen> {
    let list = package("user-agents/dist/user-agents.json");
    let mut seen: Vec<Seen> = Vec::new();
    for it in list.as_array().expect("a list") {
        let agent = it["userAgent"].as_str().expect("a text");
        let weight = it["weight"].as_f64().expect("a number");
        match seen.iter_mut().find(|it| it.agent == agent) {
            Some(it) => it.weight += weight,
            None => seen.push(Seen {
                agent: agent.into(),
                weight,
                device: match it["deviceCategory"].as_str() {
                    Some("desktop") => "Desktop".into(),
                    Some("mobile") => "Mobile".into(),
                    Some("tablet") => "Tablet".into(),
                    other => panic!("{other:?} is no device"),
                },
            }),
        }
    }
    seen
}

/// The lists of flat objects in a file of uap-core: all of its YAML that there is. Each list under
/// its key.
pub(super) fn flat_yaml(text: &str) -> Value {
    let mut lists = serde_json::Map::new();
    let mut key = String::new();
    for line in text.lines() {
        let line = line.trim_end();
        let plain = line.trim_start();
        if plain.is_empty() || plain.starts_with('#') || plain == "---" {
            continue;
        }
        if let (false, Some(list)) = (line.starts_with([' ', '-']), plain.strip_suffix(':')) {
            key = list.into();
            lists.insert(key.clone(), Value::Array(Vec::new()));
            continue;
        }
        let list = lists[&key].as_array_mut().expect("it was made above");
        let pair = match plain.strip_prefix("- ") {
            Some(pair) => {
                list.push(Value::Object(serde_json::Map::new()));
                pair.trim_start()
            }
            None => plain,
        };
        let (name, value) = pair.split_once(':').expect("a key and a value");
        let object = list.last_mut().expect("an object has begun");
        object[name] = scalar(value.trim());
    }
    Value::Object(lists)
}

fn scalar(text: &str) -> Value {
    if let Some(text) = text.strip_prefix('\'') {
        let mut out = String::new();
        let mut parts = text.split('\'').peekable();
        // Two quotes are one of the text; behind a single one nothing but a comment follows.
        while let Some(part) = parts.next() {
            out.push_str(part);
            if parts.peek().is_some_and(|next| next.is_empty()) {
                parts.next();
                if parts.peek().is_none() {
                    break;
                }
                out.push('\'');
            } else {
                break;
            }
        }
        return Value::String(out);
    }
    if text.starts_with('"') {
        let end = text.rfind('"').expect("a quote");
        let escaped = text[..=end].replace("\\'", "'");
        return serde_json::from_str(&escaped).unwrap_or_else(|_| text[1..end].into());
    }
    let text = text.split(" #").next().unwrap_or_default().trim();
    if matches!(text, "" | "null" | "~") { Value::Null } else { Value::String(text.into()) }
}
