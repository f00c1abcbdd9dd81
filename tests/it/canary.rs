//! Marked hits of every kind, valid and not; then a search of everything that the program wrote,
//! logged and answered. No mark may be anywhere, in any form.

use std::path::Path;

use serde_json::json;

use crate::stored;
use crate::support::Collector;
use crate::support::search::{Mark, files, found_in};

const SITE: &str = "canary.example";
const ADDRESS_V4: &str = "203.0.113.77";
const ADDRESS_V6: &str = "2001:db8:77aa:bb99:1234:5678:9abc:def1";
const AGENT: &str =
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 zqagentmark/77.31";
const AGENT_MARK: &str = "zqagentmark";
const EMAIL: &str = "zqmail.mark@person.example";
const EMAIL_NAME: &str = "zqmail.mark";
const TOKEN: &str = "zq9TokenMark8a7B6c5D4e3F2a1B0c9D8";
const UUID: &str = "7a7b7c7d-1234-4abc-8def-77aa88bb99cc";
const CLICK_ID: &str = "zqClickIdMark0aBcDeFgHiJkLmNoPqRsTuV";
const COOKIE: &str = "zqcookiemark";
const DEVICE: &str = "zqdevicemark-1";
const SECRET_HEADER: &str = "zqheadermark";
const PHONE: &str = "4915112345678";

fn marks() -> Vec<Mark> {
    let v6 = ADDRESS_V6.parse::<std::net::Ipv6Addr>().expect("an address").octets();
    let texts = [
        ADDRESS_V4,
        ADDRESS_V6,
        AGENT_MARK,
        EMAIL,
        EMAIL_NAME,
        TOKEN,
        UUID,
        CLICK_ID,
        COOKIE,
        DEVICE,
        SECRET_HEADER,
        PHONE,
    ];
    let mut marks: Vec<Mark> = texts.iter().map(|text| Mark::text(text)).collect();
    marks.push(Mark::bytes("the IPv6 address as a number", &v6));
    marks.push(Mark::bytes("its /64 as a number", &v6[..8]));
    marks
}

/// A URL with a mark in each of its parts.
fn url(path: &str) -> String {
    format!(
        "https://{EMAIL_NAME}:{TOKEN}@{SITE}{path}?email={EMAIL}&token={TOKEN}&gclid={CLICK_ID}\
         &utm_campaign={EMAIL}&utm_source={TOKEN}&utm_content={UUID}&ref={PHONE}&fbclid={CLICK_ID}\
         #{TOKEN}"
    )
}

fn headers(address: &str) -> Vec<(&str, &str)> {
    vec![
        ("x-forwarded-for", address),
        ("user-agent", AGENT),
        ("cookie", "session=zqcookiemark; other=1"),
        ("authorization", "Bearer zqheadermark"),
        (
            "referer",
            "https://canary.example/zq9TokenMark8a7B6c5D4e3F2a1B0c9D8/7a7b7c7d-1234-4abc-8def-77aa88bb99cc?x=zqcookiemark",
        ),
        ("accept-language", "zu-zqheadermark,en;q=0.5"),
        ("sec-ch-ua", "\"zqheadermark\";v=\"77\", \"Brave\";v=\"zqheadermark\""),
        ("sec-ch-ua-platform", "\"zqheadermark\""),
        ("sec-ch-ua-platform-version", "\"zqheadermark\""),
        ("x-zqheadermark", "zqheadermark"),
    ]
}

fn bodies() -> Vec<Vec<u8>> {
    let paths = [
        format!("/u/{EMAIL}"),
        format!("/u/{}", EMAIL.replace('@', "%40")),
        format!("/u/{}", EMAIL.replace('@', "%2540")),
        format!("/reset/{TOKEN}"),
        format!("/order/{UUID}/status"),
        format!("/from/{ADDRESS_V4}"),
        format!("/from/[{ADDRESS_V6}]"),
        format!("/call/+{PHONE}"),
        format!("/t/{TOKEN}"),
        format!("/c;jsessionid={TOKEN}"),
        "/plain".to_owned(),
    ];
    let mut bodies = Vec::new();
    for path in &paths {
        let page = url(path);
        bodies.push(json!({"n": "pageview", "d": SITE, "u": page, "h": 1,
            "r": format!("https://{EMAIL_NAME}@news.example/{TOKEN}?q={EMAIL}"),
            "device": DEVICE, "zqheadermark": SECRET_HEADER}));
        bodies.push(json!({"n": "Signup", "d": SITE, "u": page, "device": DEVICE,
            "p": {"mail": EMAIL, "token": TOKEN, "uuid": UUID, "ip": ADDRESS_V4, "v6": ADDRESS_V6,
                  "phone": PHONE, "link": url("/x"), "click": CLICK_ID,
                  "text": format!("ask {EMAIL} or {PHONE}")},
            "$": {"amount": "9.99", "currency": "EUR"}}));
        bodies.push(json!({"n": "engagement", "d": SITE, "u": page, "e": 5000, "sd": 50,
            "device": DEVICE}));
        bodies.push(json!({"n": EMAIL, "d": SITE, "u": page}));
        bodies.push(json!({"n": TOKEN, "d": SITE, "u": page}));
        bodies.push(json!({"n": "pageview", "d": "other.example", "u": page}));
        bodies.push(json!({"n": "pageview", "d": EMAIL, "u": page}));
    }
    let mut bytes: Vec<Vec<u8>> = bodies.iter().map(|body| body.to_string().into_bytes()).collect();
    // And what is not of the form.
    for broken in [
        format!("{{\"n\": \"{EMAIL}\", \"d\": {TOKEN}"),
        format!("{{\"n\": {{\"{EMAIL}\": 1}}, \"d\": \"{SITE}\", \"u\": \"/\"}}"),
        format!("{{\"n\": \"pageview\", \"d\": \"{SITE}\", \"u\": \"data:{TOKEN}\"}}"),
        format!("{{\"n\": \"engagement\", \"d\": \"{SITE}\", \"u\": \"/\", \"e\": \"{TOKEN}\"}}"),
        format!("{{\"n\": \"pageview\", \"d\": \"{SITE}\", \"u\": \"{}\"}}", TOKEN.repeat(4_000)),
        EMAIL.to_owned(),
    ] {
        bytes.push(broken.into_bytes());
    }
    bytes.push([b"{\"n\":\"\xff\xfe", TOKEN.as_bytes(), b"\"}"].concat());
    bytes
}

/// Sends everything, and returns all that was answered.
fn send_all(collector: &Collector) -> Vec<u8> {
    let mut client = collector.ingest();
    let mut answered = Vec::new();
    let mut keep = |answer: crate::support::http::Answer| {
        answered.extend_from_slice(format!("{:?}", answer.headers).as_bytes());
        answered.extend_from_slice(&answer.body);
    };
    let junk = format!("{EMAIL}, {TOKEN}, 999.1.1.1");
    for address in [ADDRESS_V4, ADDRESS_V6, "[2001:db8:77aa:bb99:1234:5678:9abc:def1]:443", &junk] {
        let headers = headers(address);
        for body in bodies() {
            keep(client.post("/api/event", &headers, &body).expect("answered"));
        }
        for signal in ["sec-gpc", "dnt"] {
            let mut headers = headers.clone();
            headers.push((signal, "1"));
            for body in bodies() {
                keep(client.post("/api/event", &headers, &body).expect("answered"));
            }
        }
        for path in [
            format!("/p.gif?s={SITE}&u=/u/{EMAIL}&r=https://x.example/{TOKEN}&n={TOKEN}"),
            format!("/p.gif?s={SITE}&gclid={CLICK_ID}&device={DEVICE}"),
            format!("/p.gif?s={EMAIL}&u=%ff%fe{TOKEN}"),
            format!("/p.gif?{}", format!("{TOKEN}={EMAIL}&").repeat(60)),
            format!("/{EMAIL}/{TOKEN}?x={CLICK_ID}"),
            format!("/opt-out?{TOKEN}"),
            format!("/e/o/{TOKEN}.gif"),
        ] {
            keep(client.get(&path, &headers).expect("answered"));
        }
        let mut bot = headers.clone();
        bot[1] = ("user-agent", "Googlebot/2.1 (+http://zqagentmark.example/bot)");
        for body in bodies().iter().take(4) {
            keep(client.post("/api/event", &bot, body).expect("answered"));
        }
        // A head that is too large, a method that is not there, a path that is not one.
        let huge = SECRET_HEADER.repeat(4_000);
        keep(collector.ingest().get("/p.gif", &[("x-huge", &huge)]).expect("answered"));
        keep(
            collector
                .ingest()
                .send("DELETE", &format!("/{TOKEN}"), &headers, b"")
                .expect("answered"),
        );
        if let Ok(answer) =
            collector.ingest().raw(format!("GET {TOKEN} zq\r\n\r\n").as_bytes(), false)
        {
            keep(answer);
        }
    }
    // The console refuses without repeating what it was given.
    let mut console = collector.console();
    let body = json!({"site_id": EMAIL, "metrics": ["visitors"], "date_range": "7d"}).to_string();
    let json_type = ("content-type", "application/json");
    keep(
        console
            .post(
                "/api/v2/query",
                &[json_type, ("authorization", "Bearer zqheadermark")],
                body.as_bytes(),
            )
            .expect("answered"),
    );
    keep(console.get(&format!("/sign-in?token={TOKEN}"), &[]).expect("answered"));
    keep(console.get("/metrics", &[]).expect("answered"));
    answered
}

fn found_in_folder(marks: &[Mark], folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in files(folder) {
        for mark in found_in(marks, &bytes) {
            found.push(format!("{mark} in {}", path.display()));
        }
        for mark in found_in(marks, path.to_string_lossy().as_bytes()) {
            found.push(format!("{mark} in the name of {}", path.display()));
        }
    }
    found
}

#[test]
fn no_mark_of_a_person_is_found_in_any_file_table_log_metric_or_answer() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut collector = Collector::start(&data, &[("HEADCOUNT_SPOOL__CHECKPOINT_INTERVAL_S", "1")]);
    let key = collector.site(SITE, "UTC");
    let marks = marks();

    let answered = send_all(&collector);
    assert_eq!(found_in(&marks, &answered), Vec::<&str>::new(), "in an answer");
    let ledger = collector.settled_ledger(&key, SITE);
    assert!(ledger["counted"].as_u64() > Some(100), "the hits were counted: {ledger}");
    assert!(ledger["withheld"].as_u64() > Some(30), "and withheld: {ledger}");

    // While it runs, after a kill, after a restart, and after a clean stop.
    assert_eq!(found_in_folder(&marks, folder.path()), Vec::<String>::new(), "while it ran");
    collector.kill();
    assert_eq!(found_in_folder(&marks, folder.path()), Vec::<String>::new(), "after a kill");
    collector.restart();
    send_all(&collector);
    collector.settled_ledger(&key, SITE);
    let ledger_body = serde_json::to_vec(&collector.settled_ledger(&key, SITE)).expect("JSON");
    assert_eq!(found_in(&marks, &ledger_body), Vec::<&str>::new(), "in the ledger");
    assert!(collector.stop().success());
    assert_eq!(found_in_folder(&marks, folder.path()), Vec::<String>::new(), "after a stop");

    let filled: Vec<String> =
        stored::sizes(&data).into_iter().filter(|(_, rows, _)| *rows > 0).map(|it| it.0).collect();
    let tables =
        ["event_props", "events", "journeys", "ledger", "pages", "schema_migrations", "visits"];
    assert_eq!(filled, tables, "every table has rows to be searched");
    let texts = stored::every_text(&data);
    assert!(texts.iter().any(|text| text == SITE), "the tables were read");
    assert!(texts.iter().any(|text| text.contains("/plain")), "with the page paths");
    for text in &texts {
        assert_eq!(found_in(&marks, text.as_bytes()), Vec::<&str>::new(), "in a table: {text:?}");
    }

    // The search sees a mark that is there: in a file, and in a table.
    std::fs::write(data.join("planted"), format!("x{EMAIL}y")).expect("writable");
    assert_eq!(found_in_folder(&marks, folder.path()).len(), 2, "the e-mail and its name");
    stored::plant(&data, TOKEN);
    let texts = stored::every_text(&data);
    assert!(texts.iter().any(|text| !found_in(&marks, text.as_bytes()).is_empty()));
}
