//! Other systems' scripts, and what a site's rules leave out.

use super::*;

#[track_caller]
fn check_dialect(server: &Server, request: (&str, &str, &str), expected: &str, told: &[&str]) {
    let (method, path, body) = request;
    let headers = [FIREFOX, ("referer", "https://a.example/held")];
    let found = server.client().send(method, path, &headers, body.as_bytes()).expect("an answer");
    let dropped = found.header("x-headcount-dropped").unwrap_or("-");
    let body = String::from_utf8_lossy(&found.body);
    let body = if body.starts_with("GIF89a") { "GIF" } else { body.trim_end() };
    assert_eq!(format!("{} {dropped} {body}", found.status), expected, "{path}");
    assert_eq!(server.told(), told, "{path}");
}

#[test]
fn other_systems_scripts_are_answered_as_they_expect() {
    let server = Server::start(config());
    let check = |request: (&str, &str, &str), expected: &str, told: &[&str]| {
        check_dialect(&server, request, expected, told);
    };
    let view = &["a.example pageview /x"][..];
    let umami = r#"{"type":"event","payload":{"website":"w","hostname":"a.example","url":"/x"}}"#;
    let session = r#"{"cache":"headcount","sessionId":"","visitId":""}"#;
    check(("POST", "/api/send", umami), &format!("200 - {session}"), view);
    let blog = umami.replace("a.example", "blog.example");
    check(("POST", "/api/send", &blog), &format!("200 - {session}"), view);
    let elsewhere = umami.replace("a.example", "c.example");
    let unknown = &["(unknown) dropped unknown_site"][..];
    check(("POST", "/api/send", &elsewhere), &format!("200 unknown_site {session}"), unknown);
    let refused = &["(unknown) refused malformed"][..];
    check(
        ("POST", "/api/send", "{}"),
        r#"400 - {"errors":{"payload":"must be an object"}}"#,
        refused,
    );
    let batch = format!("[{umami},{{}}]");
    let told = ["(unknown) refused malformed", "a.example pageview /x"];
    check(
        ("POST", "/api/batch", &batch),
        r#"200 - {"cache":"headcount","details":[{"index":1,"response":{"payload":"must be an object"}}],"errors":1,"processed":1,"size":2}"#,
        &told,
    );
    check(("GET", "/count?p=/x", ""), "200 - GIF", view);
    check(("POST", "/count?p=/x", ""), "200 - GIF", view);
    check(("GET", "/count?p=/x&b=151", ""), "200 headless GIF", &["a.example dropped headless"]);
    check(("GET", "/count", ""), "400 - GIF", refused);
    let matomo = "idsite=1&rec=1&url=https://a.example/x";
    check(("GET", &format!("/matomo.php?{matomo}"), ""), "200 - GIF", view);
    check(("POST", "/piwik.php", matomo), "200 - GIF", view);
    check(("POST", &format!("/matomo.php?{matomo}&send_image=0"), ""), "204 - ", view);
    let heartbeat = &["a.example dropped unsupported"][..];
    check(("POST", &format!("/matomo.php?{matomo}&ping=1"), ""), "200 unsupported GIF", heartbeat);
    check(
        ("POST", "/matomo.php", &format!(r#"{{"requests":["?{matomo}","?x"]}}"#)),
        r#"200 - {"invalid":1,"invalid_indices":[1],"status":"success","tracked":1}"#,
        &told,
    );
    let google = "/g/collect?tid=G-AB12&dl=https://elsewhere.example/x";
    check(("POST", &format!("{google}&en=page_view"), ""), "204 - ", view);
    check(("POST", google, "en=page_view\nen=page_view\n"), "204 - ", &[view[0], view[0]]);
    let event = r#"{"client_id":"1","events":[{"name":"page_view","params":{"page_location":"https://a.example/x"}}]}"#;
    check(("POST", "/mp/collect?measurement_id=G-OTHER", event), "204 - ", view);
    check(("GET", "/mp/collect", ""), "405 - not by this method", &[]);
    let figures = server.edge.figures();
    assert_eq!((figures.discarded_identifiers, figures.discarded_addresses), (1, 0));
}

#[test]
fn whoever_denies_consent_by_google_s_means_gets_no_id() {
    let server = Server::start(config());
    let path = "/g/collect?tid=G-AB12&dl=https://a.example/x&en=page_view&gcs=G100";
    server.client().send("POST", path, &[FIREFOX], b"").expect("an answer");
    assert_eq!(server.told(), ["a.example pageview /x"]);
    assert_eq!(server.visitors().last(), Some(&None));
}

#[test]
fn what_a_site_s_rules_leave_out_is_dropped_under_its_reason() {
    let server = Server::start(config());
    let check = |headers: &[(&str, &str)], url: &str, told: &str| {
        let body = format!(r#"{{"n":"pageview","u":"{url}","d":"ruled.example"}}"#);
        let headers: Vec<_> = [&[FIREFOX][..], headers].concat();
        assert_eq!(server.post(&headers, &body).status, 202);
        assert_eq!(server.told(), [format!("ruled.example {told}")], "{url}");
    };
    check(&[], "https://ruled.example/", "pageview /");
    check(&[], "https://ruled.example/admin/x", "dropped blocked_page");
    check(&[], "https://ruled.example/admin", "pageview /admin");
    check(&[], "https://copy.example/", "dropped blocked_hostname");
    check(&[], "https://x.staging.example/", "dropped blocked_hostname");
    check(
        &[("x-forwarded-for", "203.0.113.7")],
        "https://ruled.example/",
        "dropped blocked_address",
    );
    check(&[("x-forwarded-for", "203.0.113.8")], "https://ruled.example/", "pageview /");
}
