//! Mailings over the API: who may make them, what is refused, and how it is said.

use super::*;

const HTML: &str = r#"<p><a href="https://example.org/a">a</a> <a href="https://x.example/">x</a>"#;

impl Running {
    /// An API key of example.org that makes mailings.
    fn mailing_key(&self) -> String {
        let site = SiteName::parse("example.org").unwrap();
        let key = self.console.state().create_key(&site, "sender", true, NOW).unwrap();
        format!("Bearer {key}")
    }

    fn ask_as(&self, key: &str, method: &str, path: &str, body: &Value) -> Answer {
        let path = format!("/api/v1/mailings{path}");
        self.send(method, &path, &[JSON, ("authorization", key)], &body.to_string())
    }

    /// Makes a mailing, and says its id.
    fn make(&self, key: &str, more: &Value) -> String {
        let mut new = json!({"name": "News", "site": "example.org", "sent": 100});
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.ask_as(key, "POST", "", &new);
        assert_eq!(made.status, 201, "{}", made.body);
        made.json()["mailing"]["id"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_key_for_mailings_makes_those_of_its_site_and_any_other_reads() {
    let running = Running::start();
    let (sender, reader) = (running.mailing_key(), running.key("example.org"));
    let new = json!({"name": "News", "site": "example.org"});
    let id = running.make(&sender, &json!({}));
    let refused = running.ask_as(&reader, "POST", "", &new);
    assert_eq!(refused.status, 403);
    assert!(refused.body.contains("headcount key create --mailings"), "{}", refused.body);
    let other = json!({"name": "News", "site": "shop.example"});
    assert_eq!(running.ask_as(&sender, "POST", "", &other).status, 403);
    for (method, path, body) in [
        ("POST", "wrap", json!({"html": HTML, "url": "https://s.example"})),
        ("POST", "sent", json!({"count": 1})),
        ("POST", "tokens", json!({"count": 1})),
        ("POST", "revoke", json!({"token": "x"})),
        ("DELETE", "key", json!({})),
    ] {
        let answer = running.ask_as(&reader, method, &format!("/{id}/{path}"), &body);
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
    }
    let list = running.get("/api/v1/mailings?site_id=example.org", &[("authorization", &reader)]);
    let listed = list.json()["mailings"].clone();
    assert_eq!(
        (list.status, &listed[0]["id"], &listed[0]["mode"]),
        (200, &json!(id), &json!("aggregate"))
    );
    // Whoever may not read its site is not told that it is there.
    running.command(&Command::SiteAdd { domain: "shop.example".to_owned(), timezone: None });
    let stranger = running.key("shop.example");
    for id in [id.as_str(), "aaaaaaaa", "junk"] {
        let answer = running.ask_as(&stranger, "GET", &format!("/{id}"), &json!({}));
        assert_eq!(
            (answer.status, answer.json()["error"].as_str().unwrap().contains("no such")),
            (404, true)
        );
    }
    running.stop();
}

#[test]
fn what_is_wrong_with_a_mailing_is_said_with_what_is_valid() {
    let running = Running::start();
    let key = running.mailing_key();
    let check = |path: &str, body: Value, said: &str| {
        let answer = running.ask_as(&key, "POST", path, &body);
        assert_eq!(answer.status, 400, "{}", answer.body);
        let error = answer.json()["error"].as_str().unwrap().to_owned();
        assert!(error.contains(said), "{error}");
    };
    let new = |more: Value| {
        let mut new = json!({"name": "News", "site": "example.org"});
        new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        new
    };
    check("", json!({"title": "x"}), "valid fields are name, site, mode");
    check("", new(json!({"name": " "})), "name: 1 to 100 characters");
    check("", new(json!({"mode": "full"})), "mode: aggregate or token");
    check("", new(json!({"mode": "token"})), "consent: token mode tells recipients apart");
    check("", new(json!({"consent": "yes"})), "consent: in aggregate mode");
    for host in ["https://a.example", "a.example/x", "localhost", "1.2.3.4", "a b.example", ""] {
        check("", new(json!({"hosts": [host]})), "hosts: host names such as shop.example.com");
    }
    check("", new(json!({"campaign": "November News"})), "campaign: lower case letters");

    let id = running.make(&key, &json!({}));
    let apart = running.make(&key, &json!({"mode": "token", "consent": "opt-in, form 3"}));
    let wrap = |more: Value| {
        let mut wrap = json!({"html": HTML, "url": "https://s.example"});
        wrap.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wrap
    };
    let at = |id: &str, what: &str| format!("/{id}/{what}");
    for url in
        ["s.example", "https://s.example/x", "https://u@s.example", "https://s.example/?a", ""]
    {
        check(&at(&id, "wrap"), wrap(json!({"url": url})), "url: where the listener is found");
    }
    check(&at(&id, "wrap"), wrap(json!({"pixel": "left"})), "pixel: top or bottom");
    check(&at(&id, "wrap"), wrap(json!({"field": "{{t}}"})), "field: this mailing is in aggregate");
    for field in ["", "a b", "<%= t %>", "{{t}}/x", "\"", "&t;"] {
        check(&at(&apart, "wrap"), wrap(json!({"field": field})), "field: what the mail merge");
    }
    check(
        &at(&id, "wrap"),
        wrap(json!({"html": "Subject: x\nFrom: y\nDKIM-Signature: z\n\nx"})),
        "before it is signed",
    );
    check(&at(&id, "tokens"), json!({"count": 1}), "in aggregate mode");
    check(&at(&apart, "tokens"), json!({"count": 0}), "count: 1 to 10000000");
    check(&at(&apart, "tokens"), json!({"count": 1, "at": "x"}), "valid fields are count");
    check(&at(&id, "sent"), json!({"count": 0}), "at least 1");
    check(
        &at(&id, "sent"),
        json!({"count": 1, "at": "tomorrow"}),
        "at: a time such as 2026-11-22T",
    );
    check(&at(&id, "sent"), json!({"count": 1, "at": "2030-01-01T00:00:00Z"}), "not in the future");
    check(&at(&apart, "revoke"), json!({"token": "x"}), "no token");
    running.stop();
}

#[test]
fn a_mailing_that_is_wrapped_again_keeps_the_numbers_of_its_links() {
    let running = Running::start();
    let key = running.mailing_key();
    let id = running.make(&key, &json!({}));
    let wrap = |html: &str| {
        let body = json!({"html": html, "url": "https://s.example"});
        let answer = running.ask_as(&key, "POST", &format!("/{id}/wrap"), &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()
    };
    let first = wrap(HTML);
    assert_eq!(first["links"][0]["link"], 1);
    assert_eq!(first["links"][1]["link"], Value::Null, "its host is not allowed");
    assert!(first["html"].as_str().unwrap().contains("href=\"https://x.example/\""));
    let html = format!("<a href='https://www.example.org/b'>b</a>{HTML}");
    let second = wrap(&html);
    let numbers: Vec<&Value> =
        second["links"].as_array().unwrap().iter().map(|link| &link["link"]).collect();
    assert_eq!(numbers, [&json!(2), &json!(1), &Value::Null]);
    assert_eq!(wrap(HTML), first, "the same gives the same");
    running.stop();
}

#[test]
fn tokens_are_told_once_each_another_and_belong_to_the_mailings_key() {
    let running = Running::start();
    let key = running.mailing_key();
    let id = running.make(&key, &json!({"mode": "token", "consent": "opt-in, form 3"}));
    let answer = running.ask_as(&key, "POST", &format!("/{id}/tokens"), &json!({"count": 10_000}));
    // Chunks are left as they came: tokens are lines of 32 letters.
    let tokens: std::collections::BTreeSet<&str> =
        answer.body.lines().filter(|line| line.len() == 32).collect();
    assert_eq!((answer.status, tokens.len()), (200, 10_000));
    let room = &running.console.setup.mailroom;
    let key_of = room.keys.load(crate::hit::MailingId::parse(&id).unwrap()).unwrap().unwrap();
    assert!(tokens.iter().all(|token| key_of.recipient(token, b"").is_some()));
    running.stop();
}

#[test]
fn a_mailings_key_is_destroyed_when_its_time_is_over_or_somebody_asks_and_has_a_receipt() {
    let running = Running::start();
    let key = running.mailing_key();
    let id = running.make(&key, &json!({"mode": "token", "consent": "opt-in, form 3"}));
    let later = running.make(&key, &json!({"mode": "token", "consent": "opt-in", "sent": 0}));
    let state = running.console.state();
    let room = &running.console.setup.mailroom;
    let due = |days: i64| -> Vec<String> {
        let at = Second(NOW.0 + days * 86_400);
        super::due(state, at).unwrap().iter().map(|due| due.mailing.to_string()).collect()
    };
    assert_eq!(due(13), [""; 0]);
    assert_eq!(due(14), [id.as_str()]);
    let mut both = [id.clone(), later.clone()];
    both.sort();
    let mut found = due(60);
    found.sort();
    assert_eq!(found, both, "also of one that nobody says is sent");
    // Fourteen days from the first sending, and a second batch changes nothing.
    let sent = |count: u64| json!({"count": count});
    running.clock.set(Second(NOW.0 + 5 * 86_400));
    assert_eq!(running.ask_as(&key, "POST", &format!("/{later}/sent"), &sent(50)).status, 200);
    running.clock.set(Second(NOW.0 + 9 * 86_400));
    assert_eq!(running.ask_as(&key, "POST", &format!("/{later}/sent"), &sent(50)).status, 200);
    assert_eq!(due(18), [id.as_str()]);
    let one = super::due(state, Second(NOW.0 + 19 * 86_400)).unwrap();
    assert_eq!(one.len(), 2);
    let end = Second(NOW.0 + 19 * 86_400);
    for due in &one {
        super::destroy(state, room, due, end).unwrap();
        assert!(room.keys.load(due.mailing).unwrap().is_none());
    }
    assert_eq!(super::due(state, end).unwrap(), []);
    let mailing = state.mailing(one[0].mailing).unwrap().unwrap();
    let kept = mailing.key.unwrap();
    assert_eq!((kept.destroyed, kept.shredded), (Some(end), false));

    let third = running.make(&key, &json!({"mode": "token", "consent": "opt-in", "name": "C"}));
    let shred = running.ask_as(&key, "DELETE", &format!("/{third}/key"), &json!({}));
    assert_eq!(shred.status, 200, "{}", shred.body);
    let of = state.mailing(crate::hit::MailingId::parse(&third).unwrap()).unwrap().unwrap();
    assert!(of.key.unwrap().shredded && of.counts_until <= running.clock.now());
    let plain = running.make(&key, &json!({}));
    let none = running.ask_as(&key, "DELETE", &format!("/{plain}/key"), &json!({}));
    assert!(none.status == 400 && none.body.contains("has no key"), "{}", none.body);
    running.stop();
}
