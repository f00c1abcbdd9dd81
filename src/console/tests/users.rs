//! Users with passwords: who gets in, and what they may do.

use super::*;
use crate::console::password;

const PASSWORD: &str = "correct horse battery";

impl Running {
    fn add_user(&self, email: &str, role: &str, sites: &[&str]) {
        let command = Command::UserAdd {
            email: email.to_owned(),
            role: role.to_owned(),
            sites: sites.iter().map(ToString::to_string).collect(),
            password: password::hash(PASSWORD).unwrap(),
        };
        let reply = self.command(&command);
        assert!(reply.ok, "{:?}", reply.lines);
    }

    fn try_password(&self, email: &str, password: &str, headers: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("email", email)
            .append_pair("password", password)
            .finish();
        let form = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", "/sign-in", &[&[form], headers].concat(), &body)
    }

    fn cookie_of(&self, email: &str) -> String {
        let answer = self.try_password(email, PASSWORD, &[]);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/")), "{}", answer.body);
        answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned()
    }
}

#[test]
fn a_user_signs_in_with_the_password_and_with_no_other() {
    let running = Running::start();
    running.add_user("Ada@Example.com", "owner", &[]);
    let cookie = running.cookie_of(" ada@example.COM");
    let session = running.get("/api/v1/session", &[("cookie", &cookie)]);
    let expected = json!({
        "signed_in": true, "email": "ada@example.com", "role": "owner", "may_change_sites": true,
        "geo_attribution": "places by somebody", "places": "country",
    });
    assert_eq!((session.status, session.json()), (200, expected));
    for (email, password) in [
        ("ada@example.com", "correct horse batterz"),
        ("ada@example.com", ""),
        ("eve@example.com", PASSWORD),
        ("", ""),
    ] {
        let answer = running.try_password(email, password, &[]);
        assert_eq!((answer.status, answer.header("set-cookie")), (401, None));
        assert!(answer.body.contains("do not belong together"), "{}", answer.body);
        assert!(!answer.body.contains("example.com"), "nothing is repeated: {}", answer.body);
    }
    running.stop();
}

#[test]
fn another_sites_form_signs_nobody_in() {
    let running = Running::start();
    running.add_user("ada@example.com", "owner", &[]);
    let headers = [("sec-fetch-site", "cross-site")];
    assert_eq!(running.try_password("ada@example.com", PASSWORD, &headers).status, 403);
    let headers = [("origin", "https://evil.example")];
    assert_eq!(running.try_password("ada@example.com", PASSWORD, &headers).status, 403);
    running.stop();
}

#[test]
fn passwords_of_one_user_are_tried_five_times_a_minute() {
    let running = Running::start();
    running.add_user("ada@example.com", "owner", &[]);
    let tried: Vec<u16> = (0..8)
        .map(|_| running.try_password("ada@example.com", "wrong wrong", &[]).status)
        .collect();
    assert_eq!(tried, [401, 401, 401, 401, 401, 429, 429, 429]);
    running.stop();
}

#[test]
fn a_viewer_of_one_site_reads_that_site_and_changes_nothing() {
    let running = Running::start();
    running.add_user("vera@example.com", "viewer", &["example.org"]);
    let cookie = running.cookie_of("vera@example.com");
    let cookie = [("cookie", cookie.as_str()), JSON];
    assert_eq!(running.send("POST", "/api/v2/query", &cookie, QUESTION).status, 200);
    let other = QUESTION.replace("example.org", "example.net");
    assert_eq!(running.send("POST", "/api/v2/query", &cookie, &other).status, 403);
    assert_eq!(running.get("/api/v1/ledger?site_id=(unknown)", &cookie).status, 403);
    let sites = running.get("/api/v1/sites", &cookie).json();
    assert_eq!(sites["sites"].as_array().unwrap().len(), 1, "{sites}");
    let add = running.send("POST", "/api/v1/sites", &cookie, r#"{"domain":"x.example"}"#);
    assert_eq!(add.status, 403);
    assert_eq!(running.send("DELETE", "/api/v1/sites/example.org", &cookie, "").status, 403);
    running.stop();
}

#[test]
fn an_editor_adds_sites_and_a_new_password_ends_old_sessions() {
    let running = Running::start();
    running.add_user("ed@example.com", "editor", &[]);
    let cookie = running.cookie_of("ed@example.com");
    let headers = [("cookie", cookie.as_str()), JSON];
    let add = running.send("POST", "/api/v1/sites", &headers, r#"{"domain":"x.example"}"#);
    assert_eq!(add.status, 201, "{}", add.body);
    running.add_user("ed@example.com", "viewer", &[]);
    assert_eq!(running.get("/api/v1/session", &headers).status, 401);
    let cookie = running.cookie_of("ed@example.com");
    let remove = Command::UserRemove { email: "ed@example.com".to_owned() };
    assert_eq!(running.command(&remove).lines, ["removed ed@example.com"]);
    assert_eq!(running.get("/api/v1/session", &[("cookie", &cookie)]).status, 401);
    assert!(!running.command(&remove).ok);
    running.stop();
}

#[test]
fn whoever_could_read_only_a_site_that_goes_goes_with_it() {
    let running = Running::start();
    let site = Command::SiteAdd { domain: "x.example".to_owned(), timezone: None };
    assert!(running.command(&site).ok);
    running.add_user("vera@example.com", "viewer", &["x.example"]);
    running.add_user("both@example.com", "viewer", &["x.example", "example.org"]);
    let cookie = running.cookie_of("vera@example.com");
    assert!(running.command(&Command::SiteRemove { domain: "x.example".to_owned() }).ok);
    assert_eq!(running.get("/api/v1/session", &[("cookie", &cookie)]).status, 401);
    let users = running.command(&Command::UserList).lines;
    assert_eq!(users, ["both@example.com\tviewer of example.org"]);
    running.stop();
}

#[test]
fn what_makes_no_user_is_said() {
    let running = Running::start();
    let add = |email: &str, role: &str, site: &str| {
        let command = Command::UserAdd {
            email: email.to_owned(),
            role: role.to_owned(),
            sites: vec![site.to_owned()],
            password: String::new(),
        };
        running.command(&command).lines.concat()
    };
    assert!(add("nobody", "viewer", "example.org").contains("such as ada@example.com"));
    assert!(add("a b@c", "viewer", "example.org").contains("such as ada@example.com"));
    assert!(add("a@b.c", "boss", "example.org").contains("owner, editor or viewer"));
    assert!(add("a@b.c", "viewer", "z.example").contains("no such site"));
    running.stop();
}
