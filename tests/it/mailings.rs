//! Mailings, from the command that makes one to the report, on a running collector.

use std::path::Path;

use headcount::outbox::Table;
use serde_json::{Value, json};

use crate::stored;
use crate::support::http::{Answer, Client};
use crate::support::search::{Mark, files, found_in};
use crate::support::{Collector, PATIENCE, command, until};

const SITE: &str = "news.example";
const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                       Gecko) Chrome/141.0.0.0 Safari/537.36";
const GMAIL: &str = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com \
                     GoogleImageProxy)";
const APPLE: &str = "Mozilla/5.0";

const HTML: &str = r#"<html><body>
<p><a href="https://news.example/one">One</a> <a href="https://www.news.example/two">Two</a></p>
<p><a href="https://shop.example/three">Three</a> <a href="https://elsewhere.example/">Four</a></p>
<p><a data-forward href="https://news.example/view">Pass it on</a></p>
<p><a href="https://news.example/unsubscribe">Unsubscribe</a> <a href="headcount:stop">Stop</a></p>
</body></html>"#;

/// A collector with a site, in a folder of its own.
struct Bench {
    collector: Collector,
    key: String,
    folder: tempfile::TempDir,
}

impl Bench {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let proxies = [("HEADCOUNT_INGEST__TRUSTED_PROXIES", "127.0.0.1/32")];
        let collector = Collector::start(&folder.path().join("data"), &proxies);
        let key = collector.site(SITE, "Europe/Berlin");
        Self { collector, key, folder }
    }

    /// Makes and wraps a mailing.
    fn mailing(&self, arguments: &[&str]) -> Mailing {
        let create = ["mailing", "create", "November news", "--site", SITE];
        let said = self.collector.command(&[&create, arguments].concat());
        let id = said.lines().last().expect("an id").to_owned();
        let file = self.folder.path().join("mailing.html");
        std::fs::write(&file, HTML).expect("writable");
        let file = file.to_str().expect("UTF-8");
        let url = "https://stats.example";
        let html = self.collector.command(&["mailing", "wrap", &id, file, "--url", url]);
        Mailing { id, html }
    }

    fn report(&self, mailing: &Mailing) -> Value {
        let path = format!("/api/v1/mailings/{}", mailing.id);
        let bearer = format!("Bearer {}", self.key);
        // The engine may still be starting.
        let answer = until("the report is there", || {
            let answer = self.collector.console().get(&path, &[("authorization", &bearer)]);
            answer.ok().filter(|answer| answer.status == 200)
        });
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// Waits until the report says so: what is held is counted by then.
    fn wait_for(&self, mailing: &Mailing, pointer: &str, expected: &Value) -> Value {
        let begun = std::time::Instant::now();
        loop {
            let report = self.report(mailing);
            if report.pointer(pointer) == Some(expected) {
                return report;
            }
            assert!(begun.elapsed() < PATIENCE, "{pointer} is not {expected}: {report:#}");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    fn tokens(&self, mailing: &Mailing, count: usize) -> Vec<String> {
        let count = count.to_string();
        let csv = self.collector.command(&["mailing", "tokens", &mailing.id, "--count", &count]);
        assert_eq!(csv.lines().next(), Some("token"));
        csv.lines().skip(1).map(str::to_owned).collect()
    }
}

struct Mailing {
    id: String,
    html: String,
}

impl Mailing {
    /// The paths of one kind of URL, in the order of the HTML, with a token in the field's place.
    fn paths(&self, kind: &str, token: &str) -> Vec<String> {
        let begin = format!("\"https://stats.example/e/{kind}/");
        let urls = self.html.match_indices(&begin).map(|(at, _)| {
            let url = &self.html[at + 1..];
            let url = &url[..url.find('"').expect("a quote")];
            let path = url.strip_prefix("https://stats.example").expect("the listener's");
            path.replace("{{token}}", token)
        });
        urls.collect()
    }

    fn pixel(&self, token: &str) -> String {
        self.paths("o", token).pop().expect("a pixel")
    }

    fn link(&self, number: usize, token: &str) -> String {
        self.paths("c", token).swap_remove(number - 1)
    }
}

/// Asks as a device of its own: one network for each number.
fn get(client: &mut Client, path: &str, agent: &str, device: usize) -> Answer {
    let address = format!("203.{}.{}.7", device / 256, device % 256);
    let headers = [("x-forwarded-for", address.as_str()), ("user-agent", agent)];
    client.get(path, &headers).expect("answered")
}

/// What an answer says, without the time.
fn said(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let headers = answer.headers.iter().filter(|(name, _)| name != "date").cloned();
    (answer.status, headers.collect(), answer.body.clone())
}

#[test]
fn a_mailing_is_counted_by_who_did_it_and_no_figure_below_ten_is_told() {
    let bench = Bench::start();
    let mailing = bench.mailing(&["--host", "shop.example", "--sent", "500"]);
    assert!(mailing.html.contains("https://elsewhere.example/"), "its host is not allowed");
    assert!(mailing.html.contains("\"https://news.example/unsubscribe\""));
    let mut client = bench.collector.ingest();
    for device in 0..30 {
        let pixel = get(&mut client, &mailing.pixel(""), BROWSER, device);
        assert_eq!((pixel.status, pixel.body.len()), (200, 43));
        get(&mut client, &mailing.pixel(""), GMAIL, device);
        get(&mut client, &mailing.pixel(""), APPLE, device);
    }
    for device in 0..12 {
        let click = get(&mut client, &mailing.link(1, ""), BROWSER, device);
        assert_eq!(click.status, 302);
        assert_eq!(
            click.header("location"),
            Some(
                "https://news.example/one?utm_source=newsletter&utm_medium=email&\
                 utm_campaign=november-news"
            )
        );
        assert_eq!(click.header("cache-control"), Some("no-store"));
    }
    // Their browsers come to the page, and one signs up.
    for device in 0..12 {
        let address = format!("203.0.{device}.7");
        let headers = [("x-forwarded-for", address.as_str()), ("user-agent", BROWSER)];
        let location = "https://news.example/one?utm_source=newsletter&utm_medium=email&\
                        utm_campaign=november-news";
        let events: &[&str] = if device == 0 { &["pageview", "Signup"] } else { &["pageview"] };
        for name in events {
            let event = json!({"n": name, "d": SITE, "u": location}).to_string();
            let answer = client.post("/api/event", &headers, event.as_bytes()).expect("answered");
            assert_eq!(answer.status, 202);
        }
    }
    let shop = get(&mut client, &mailing.link(3, ""), BROWSER, 100);
    assert_eq!(
        shop.header("location"),
        Some("https://shop.example/three"),
        "another's is as it was"
    );
    for device in 200..213 {
        get(&mut client, &mailing.paths("s", "")[0], BROWSER, device);
    }
    // Filters follow every link at once.
    for device in 300..311 {
        for number in 1..=3 {
            get(&mut client, &mailing.link(number, ""), BROWSER, device);
        }
    }
    let report = bench.wait_for(&mailing, "/counts/clicks/scanner", &json!(33));
    assert_eq!(
        report["counts"]["opens"],
        json!({"people": 60, "human": 30, "proxied": 30, "privacy_proxy": 30, "prefetch": 0,
            "scanner": 0})
    );
    assert_eq!(report["counts"]["clicks"]["human"], 13);
    assert_eq!(report["forwards"]["low"], 13);
    let links = report["links"].as_array().expect("links");
    // One click is not told, and its neighbour's not either: their sum would tell it.
    assert!(links.iter().all(|link| link["clicks"] != 1 && link["clicks"] != 12), "{links:?}");
    assert_eq!(report["other_links"], json!({"links": 2, "clicks": 13, "unique_clicks": null}));
    assert_eq!(
        report["clients"],
        json!([{"name": "Chrome", "opens": 30}, {"name": "Gmail", "opens": 30}])
    );
    assert_eq!(report["counts"]["unique_opens"], Value::Null);
    assert_eq!(report["web"]["visits"], 12);
    assert_eq!(report["web"]["goals"], json!([{"name": "Signup", "visitors": 1}]));

    let few = bench.mailing(&["--sent", "9"]);
    get(&mut bench.collector.ingest(), &few.pixel(""), BROWSER, 1);
    assert_eq!(bench.report(&few)["hidden"], "sent");
    assert!(bench.report(&few).get("counts").is_none());
}

#[test]
fn what_was_not_made_here_is_answered_alike_and_is_a_line_of_the_ledger() {
    let bench = Bench::start();
    let mailing = bench.mailing(&["--sent", "500"]);
    let apart =
        bench.mailing(&["--sent", "500", "--mode", "token", "--consent", "an opt-in, form 3"]);
    let other =
        bench.mailing(&["--sent", "500", "--mode", "token", "--consent", "an opt-in, form 3"]);
    let mut client = bench.collector.ingest();
    let token = bench.tokens(&other, 1).remove(0);

    let good = said(&get(&mut client, &mailing.pixel(""), BROWSER, 1));
    let pixel = mailing.pixel("");
    let mut forged = pixel.clone();
    let mac_at = forged.len() - ".gif".len() - 1;
    let last = if forged.as_bytes()[mac_at] == b'a' { "b" } else { "a" };
    forged.replace_range(mac_at..=mac_at, last);
    let junk =
        ["/e/o/", "/e/o/x.gif", "/e/o/aaaaaaaa.bbbbbbbbbbbbbbbb.gif", "/e/o/%00%ff/../..gif"];
    for path in [forged.as_str(), &apart.pixel(&token)].iter().chain(&junk) {
        assert_eq!(said(&get(&mut client, path, BROWSER, 1)), good, "{path}");
    }

    let link = mailing.link(1, "");
    let nowhere = said(&get(&mut client, &format!("{link}x"), BROWSER, 1));
    assert_eq!(nowhere.0, 404);
    let other_number = link.replacen(".1.", ".2.", 1);
    let as_share = link.replacen("/e/c/", "/e/s/", 1);
    let encoded = format!("{link}%27");
    let junk = ["/e/", "/e/c/", "/e/c/a.b.c", "/e/c/aaaaaaaa.99999999.b", "/e/q/x", "/e/c/\u{65}"];
    for path in [other_number.as_str(), &as_share, &encoded].iter().chain(&junk) {
        let answer = said(&get(&mut client, path, BROWSER, 1));
        assert_eq!(answer, nowhere, "{path}");
    }
    // A good link leads on, whatever stands in its token's place.
    for token in ["{{token}}", "%7B%7Btoken%7D%7D", &token, "junk", "%27"] {
        let answer = get(&mut client, &apart.link(1, token), BROWSER, 1);
        assert_eq!(answer.status, 302, "{token}");
    }
    // Whoever asks for the head alone sees what the others see, and is not counted.
    let head = client.send("HEAD", &link, &[("user-agent", BROWSER)], b"").expect("answered");
    assert_eq!((head.status, head.body.len()), (302, 0));
    let head = client.send("HEAD", &pixel, &[("user-agent", BROWSER)], b"").expect("answered");
    assert_eq!((head.status, head.header("content-length")), (200, Some("43")));
    assert_eq!(client.send("OPTIONS", &link, &[], b"").expect("answered").status, 204);
    assert_eq!(client.send("DELETE", &link, &[], b"").expect("answered").status, 405);

    let ledger = bench.collector.settled_ledger(&bench.key, SITE);
    // One open, and two clicks with unmerged fields: of one link, so one of them again.
    assert_eq!(ledger["counted"], 2, "{ledger}");
    assert_eq!(ledger["dropped"]["repeated"], 1, "{ledger}");
    assert_eq!(ledger["dropped"]["forged"], 2 + 1 + 3 + 3, "{ledger}");
}

#[test]
fn kills_in_the_midst_of_holds_and_firsts_lose_and_double_nothing() {
    const ROUNDS: usize = 4;
    const RECIPIENTS: usize = 25;
    let mut bench = Bench::start();
    let mailing =
        bench.mailing(&["--sent", "500", "--mode", "token", "--consent", "an opt-in, form 3"]);
    let tokens = bench.tokens(&mailing, ROUNDS * RECIPIENTS);
    for (round, tokens) in tokens.chunks(RECIPIENTS).enumerate() {
        let mut client = bench.collector.ingest();
        for (at, token) in tokens.iter().enumerate() {
            let device = round * RECIPIENTS + at;
            get(&mut client, &mailing.link(1, token), BROWSER, device);
            get(&mut client, &mailing.pixel(token), GMAIL, device);
        }
        // The last pixel was answered: all before it is on the disk, and none of it counted yet.
        bench.collector.kill();
        bench.collector.restart();
    }
    let all = ROUNDS * RECIPIENTS;
    bench.wait_for(&mailing, "/counts/clicks/human", &json!(all));
    // Again by all of them: more is done, and nobody is new.
    let mut client = bench.collector.ingest();
    for (device, token) in tokens.iter().enumerate() {
        get(&mut client, &mailing.link(2, token), BROWSER, device);
        get(&mut client, &mailing.pixel(token), BROWSER, device);
    }
    let report = bench.wait_for(&mailing, "/counts/clicks/human", &json!(2 * all));
    assert_eq!(report["counts"]["unique_clicks"], all);
    assert_eq!(report["counts"]["readers"], all);
    assert_eq!(report["counts"]["unique_opens"]["people"], all);
    bench.collector.settled_ledger(&bench.key, SITE);
    assert!(bench.collector.stop().success());
    let sums = stored::read(bench.collector.data()).sums_of(Table::Mailings, SITE);
    let whole = &sums[""];
    let count = |name: &str| whole[name];
    let all = i64::try_from(all).expect("few");
    assert_eq!([count("clicks"), count("unique_clicks")], [2 * all, all]);
    assert_eq!([count("unique_opens"), count("readers")], [all, all]);
    assert_eq!([sums["1"]["unique_clicks"], sums["2"]["unique_clicks"]], [all, all]);
}

#[test]
fn a_recipient_withdraws_and_a_shredded_key_leaves_nothing_but_counts() {
    let mut bench = Bench::start();
    let mailing =
        bench.mailing(&["--sent", "500", "--mode", "token", "--consent", "an opt-in, form 3"]);
    let tokens = bench.tokens(&mailing, 30);
    let mut client = bench.collector.ingest();
    for (device, token) in tokens.iter().enumerate() {
        get(&mut client, &mailing.pixel(token), BROWSER, device);
        get(&mut client, &mailing.link(1, token), BROWSER, device);
    }
    let report = bench.wait_for(&mailing, "/counts/unique_clicks", &json!(30));
    assert_eq!(report["counts"]["unique_opens"]["people"], 30);

    let mut client = bench.collector.ingest();
    // By the mail's own link: a page, and a button, since filters follow links.
    let stop = mailing.paths("x", &tokens[0]).remove(0);
    let page = get(&mut client, &stop, BROWSER, 0);
    assert_eq!(page.status, 200);
    assert!(String::from_utf8_lossy(&page.body).contains("<form method=\"post\">"));
    assert_eq!(bench.report(&mailing)["counts"]["unique_opens"]["people"], 30);
    assert_eq!(client.post(&stop, &[], b"").expect("answered").status, 200);
    // And by the sender.
    bench.collector.command(&["mailing", "revoke", &mailing.id, "--token", &tokens[1]]);
    let report = bench.wait_for(&mailing, "/counts/unique_opens/people", &json!(28));
    assert_eq!(report["counts"]["unique_clicks"], 28);
    let mut client = bench.collector.ingest();
    let quiet = said(&get(&mut client, &mailing.pixel(&tokens[0]), BROWSER, 0));
    assert_eq!(quiet, said(&get(&mut client, &mailing.pixel(&tokens[2]), BROWSER, 2)));
    let ledger = bench.collector.settled_ledger(&bench.key, SITE);
    assert_eq!(ledger["dropped"]["withdrawn"], 3, "two wishes, and one opening after: {ledger}");
    let wrong =
        command(bench.collector.data(), &["mailing", "revoke", &mailing.id, "--token", "x"]);
    assert!(!wrong.status.success());

    let key_file = bench.collector.data().join(format!("mailing-keys/{}.key", mailing.id));
    assert!(key_file.try_exists().expect("readable"));
    let said_of_it = bench.collector.command(&["mailing", "shred", &mailing.id]);
    assert!(said_of_it.contains("was destroyed at"), "{said_of_it}");
    assert!(!key_file.try_exists().expect("readable"));
    let after = bench.report(&mailing);
    assert_eq!(after["counts"], report["counts"], "the numbers are as they were");
    assert_eq!(after["mailing"]["receipt"]["why"], "shred");

    // Its links lead on, uncounted; its tokens are nobody's, and no new ones are made.
    let click = get(&mut client, &mailing.link(1, &tokens[5]), BROWSER, 5);
    assert_eq!(click.status, 302);
    assert_eq!(get(&mut client, &mailing.pixel(&tokens[5]), BROWSER, 5).body.len(), 43);
    let ledger = bench.collector.settled_ledger(&bench.key, SITE);
    assert_eq!(ledger["dropped"]["mailing_over"], 2, "{ledger}");
    let again =
        command(bench.collector.data(), &["mailing", "tokens", &mailing.id, "--count", "1"]);
    assert!(!again.status.success() && again.stdout.is_empty());

    assert_eq!(traces(&tokens, bench.folder.path()), [""; 0], "while it runs");
    bench.collector.kill();
    assert_eq!(traces(&tokens, bench.folder.path()), [""; 0], "after a kill");
    bench.collector.restart();
    assert_eq!(bench.report(&mailing)["counts"], report["counts"]);
    assert!(bench.collector.stop().success());
    assert_eq!(traces(&tokens, bench.folder.path()), [""; 0], "after a stop");
}

/// Where tokens, addresses or agents of the readers stand in files.
fn traces(tokens: &[String], folder: &Path) -> Vec<String> {
    let mut marks: Vec<Mark> = tokens.iter().map(|token| Mark::text(token)).collect();
    marks.push(Mark::text("Mozilla/5.0 (Windows NT 10.0"));
    marks.push(Mark::text("203.0.17.7"));
    let found = files(folder).into_iter().flat_map(|(path, bytes)| {
        let found = found_in(&marks, &bytes);
        found.into_iter().map(|mark| format!("{mark} in {}", path.display())).collect::<Vec<_>>()
    });
    found.collect()
}
