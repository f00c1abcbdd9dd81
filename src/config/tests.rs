//! Tests of the configuration.

use super::*;

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, Problems> {
    let pairs = environment.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    Config::parse(text, pairs)
}

fn problems(text: &str, environment: &[(&str, &str)]) -> Vec<String> {
    match parse(text, environment) {
        Ok(_) => Vec::new(),
        Err(Problems(problems)) => problems,
    }
}

#[test]
fn an_empty_file_gives_the_defaults_that_the_contract_names() {
    let config = parse("", &[]).expect("the defaults are valid");
    assert_eq!(config.data_dir, PathBuf::from("data"));
    assert_eq!(config.ingest.listen, "127.0.0.1:8080");
    assert_eq!(config.console_listen, "127.0.0.1:8081");
    assert_eq!(config.ingest.client_ip_header, "x-forwarded-for");
    assert_eq!(config.ingest.trusted_proxies.len(), 2);
    assert!(config.ingest.rate_limit.is_none());
    assert!(config.store.is_none());
    assert_eq!(config.durability, Durability::Disk);
    assert_eq!(config.retention_months, 25);
    assert!(config.sites.is_empty());
}

#[test]
fn the_example_in_the_project_is_valid_and_holds_every_default() {
    let example = include_str!("../../headcount.toml");
    let config = parse(example, &[]).expect("the example is valid");
    assert_eq!(config.ingest.listen, parse("", &[]).expect("valid").ingest.listen);
    // Every commented-out setting is a real one.
    let lines = example.lines().map(|line| {
        let setting = line.strip_prefix("# ");
        setting.filter(|it| it.contains(" = ") || it.starts_with('[')).unwrap_or(line)
    });
    let all: Vec<&str> = lines.collect();
    assert_eq!(problems(&all.join("\n"), &[]), Vec::<String>::new());
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = "data_dir = \"a\"\n[ingest]\nlisten = \"127.0.0.1:1\"";
    let config = parse(
        text,
        &[
            ("HEADCOUNT_DATA_DIR", "b"),
            ("HEADCOUNT_INGEST__LISTEN", "127.0.0.1:2"),
            ("HEADCOUNT_INGEST__TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8"),
            ("HEADCOUNT_SPOOL__MAX_BYTES", "134217728"),
            ("HEADCOUNT_TEST_DATA", "ignored"),
            ("OTHER", "ignored"),
        ],
    )
    .expect("valid");
    assert_eq!(config.data_dir, PathBuf::from("b"));
    assert_eq!(config.ingest.listen, "127.0.0.1:2");
    assert_eq!(config.ingest.trusted_proxies.len(), 2);
    assert_eq!(config.spool_max_bytes, 128 * MIB);
}

#[test]
fn five_errors_are_reported_at_once_each_naming_its_key_and_what_is_valid() {
    let text = r#"
        colour = "red"
        [ingest]
        listen = "somewhere"
        trusted_proxies = ["10.0.0.0/99"]
        [spool]
        durability = "maybe"
        [[site]]
        domain = "example.com"
        timezone = "Mars/Olympus"
    "#;
    let found = problems(text, &[]);
    assert_eq!(found.len(), 5, "{found:#?}");
    let expected = [
        "[ingest] listen must be an address and a port",
        "[ingest] trusted_proxies: \"10.0.0.0/99\"",
        "[spool] durability must be disk or process",
        "[[site]] 1: timezone \"Mars/Olympus\" is not known; a valid one is Europe/Berlin",
        "colour is not a setting; there are console, engine, geo, ingest, log, mailing, outbox",
    ];
    for (problem, start) in found.iter().zip(expected) {
        assert!(problem.starts_with(start), "{problem:?} does not start with {start:?}");
    }
}

#[test]
fn wrong_values_are_named() {
    let check = |text: &str, expected: &str| {
        let found = problems(text, &[]);
        assert!(found.iter().any(|p| p.contains(expected)), "{text:?} gave {found:#?}");
    };
    check("[ingest]\nport = 1", "[ingest] port is not a setting; there are client_ip_header");
    check("[ingest]\nrate_limit_burst = 5", "needs rate_limit_per_second");
    check("[ingest]\nrate_limit_per_second = -1", "a whole number from 0 to 1000000");
    check("[ingest]\nclient_ip_header = \"a b\"", "the name of one header");
    check("[ingest]\nscript_path = \"/page\"", "script_path must be a free path that ends in .js");
    check("[ingest]\nevent_path = \"/p.gif\"", "event_path must be a free path, such as");
    check("[ingest]\nevent_path = \"/s.full.js\"", "event_path is a path of the script's");
    check("[store]\nuser = \"me\"", "need a url");
    check("[store]\ndatabase = \"x\"", "need a url");
    check("[store]\ninsert_timeout_s = 5", "need a url");
    check("[store]\ninsert_timeout_s = 0", "a whole number from 1 to 600");
    check("[store]\nurl = \"ftp://x\"", "begins with http://");
    check("[privacy]\nsignals = \"ignore\"", "withhold or drop");
    check("[spool]\nmax_bytes = 5000000", "at least twice segment_bytes");
    check("[[site]]\ntimezone = \"UTC\"", "domain is missing");
    check("[[site]]\ndomain = \"a b\"", "letters, digits");
    check("[[site]]\ndomain = \"a\"\n[[site]]\ndomain = \"A\"", "is there twice");
    check("[[site]]\ndomain = \"a\"\ncolor = \"x\"", "color is not a setting");
    check("[[site]]\ndomain = 5", "domain must be a text");
    check("site = \"a\"", "written as [[site]]");
    check("ingest = 5", "written as [ingest]");
    check("a = [", "line 1 is not TOML");
}
