//! What other systems' scripts send, as their documents show it, and what is heard.

use super::super::*;
use super::shown;

/// Each hit in a line; of what is malformed the field.
fn heard(said: Vec<Result<Said<'_>, Malformed>>) -> Vec<String> {
    let line = |said: Result<Said<'_>, Malformed>| match said {
        Err(error) => format!("malformed {}", error.field),
        Ok(said) => {
            let Discarded { identifiers, addresses, agents, times } = said.discarded();
            let gone = [
                (identifiers, " -id"),
                (addresses, " -address"),
                (agents, " -agent"),
                (times, " -time"),
                (said.besides.automated, " driven"),
                (said.besides.denied, " denied"),
            ];
            let gone: String =
                gone.into_iter().filter(|(is, _)| *is).map(|(_, text)| text).collect();
            shown(&said).trim_end_matches(" | ").to_owned() + &gone
        }
    };
    said.into_iter().map(line).collect()
}

#[track_caller]
fn check(said: Vec<Result<Said<'_>, Malformed>>, expected: &[&str]) {
    assert_eq!(heard(said), expected);
}

#[test]
fn umami_s_payloads_are_heard_without_whom_they_name() {
    let send = |body: &str, expected: &str| {
        check(vec![umami::send(body.as_bytes())], &[expected]);
    };
    send(
        r#"{"type":"event","payload":{"website":"8f2b","hostname":"a.example","screen":"1920x1080",
            "language":"en-US","title":"Home","url":"/x?utm_source=n","referrer":"https://c.example/"}}"#,
        "pageview | 8f2b | https://a.example/x?utm_source=n | https://c.example/",
    );
    send(
        r#"{"type":"event","payload":{"website":"8f2b","hostname":"a.example","url":"https://a.example/y",
            "referrer":"/x","name":"buy","data":{"plan":"pro","n":3,"deep":{"a":1},"revenue":"9.90","currency":"EUR"}}}"#,
        "event buy true [plan=pro,n=3] 990EUR | 8f2b | https://a.example/y",
    );
    send(
        r#"{"type":"event","payload":{"website":"8f2b","hostname":"a.example","url":"/","id":"me",
            "ip":"203.0.113.9","userAgent":"x","timestamp":1700000000,"referrer":""}}"#,
        "pageview | 8f2b | https://a.example/ -id -address -agent -time",
    );
    send(
        r#"{"type":"identify","payload":{"website":"8f2b","hostname":"a.example","url":"/","id":"me"}}"#,
        "unsupported | 8f2b | https://a.example/ -id",
    );
    send(
        r#"{"type":"event","payload":{"website":"8f2b","hostname":"a.example","name":"n","data":{"revenue":"x","currency":"EUR"}}}"#,
        "event n true [revenue=x,currency=EUR] | 8f2b | https://a.example/",
    );
    send(r#"{"type":"event","payload":{"website":"8f2b"}}"#, "malformed url");
    send(r#"{"type":"other","payload":{"hostname":"a","url":"/"}}"#, "malformed type");
    send(r#"{"type":"event","payload":7}"#, "malformed payload");
    send("[]", "malformed body");
}

#[test]
fn an_umami_batch_is_heard_item_by_item() {
    let item = r#"{"type":"event","payload":{"website":"8f2b","hostname":"a.example","url":"/x"}}"#;
    let body = format!("[{item},{{}},{item}]");
    let one = "pageview | 8f2b | https://a.example/x";
    check(umami::batch(body.as_bytes()), &[one, "malformed payload", one]);
    check(umami::batch(b"[]"), &["malformed body"]);
    check(umami::batch(item.as_bytes()), &["malformed body"]);
    let many = format!("[{}]", vec![item; 101].join(","));
    check(umami::batch(many.as_bytes()), &["malformed body"]);
}

#[test]
fn goatcounter_s_query_is_heard_on_the_host_that_sent_it() {
    let page = Some("https://a.example/blog/one?x=1");
    let count = |query: &str, page: Option<&str>, expected: &str| {
        check(vec![goatcounter::count(query, page)], &[expected]);
    };
    count(
        "p=%2Fblog%2Fone&r=https%3A%2F%2Fc.example&t=One&e=false&s=1920%2C1080%2C1&b=0&q=%3Futm_source%3Dn&rnd=k3b",
        page,
        "pageview |  | https://a.example/blog/one?utm_source=n | https://c.example",
    );
    count("p=blog", page, "pageview |  | https://a.example/blog");
    count("p=/blog?y=2&q=?x=1", page, "pageview |  | https://a.example/blog?y=2");
    count("p=https://b.example/x", page, "pageview |  | https://b.example/x");
    count("p=Sign-up&e=true", page, "event Sign-up true [] |  | https://a.example/blog/one?x=1");
    count("p=/x", Some("https://a.example"), "pageview |  | https://a.example/x");
    count("p=/x", None, "pageview |  | /x");
    count("p=/x&b=153", page, "pageview |  | https://a.example/x driven");
    count("p=/x&b=7", page, "malformed b");
    count("p=/x&b=x", page, "malformed b");
    count("p=Sign-up&e=true", None, "malformed url");
    count("", page, "malformed p");
}

#[test]
fn matomo_s_parameters_are_heard_in_query_form_and_list() {
    let track = |query: &str, form: &str, expected: &str| {
        let (said, _) = matomo::track(query, form.as_bytes());
        check(vec![said], &[expected]);
    };
    track(
        "idsite=3&rec=1&action_name=Home&url=https%3A%2F%2Fa.example%2Fx&urlref=https%3A%2F%2Fc.example%2F&rand=1&apiv=1&res=1920x1080",
        "",
        "pageview | 3 | https://a.example/x | https://c.example/",
    );
    track(
        "",
        "idsite=3&rec=1&url=https://a.example/&_id=0123456789abcdef&uid=me&cip=203.0.113.9&cdt=1700000000&ua=x&h=1",
        "pageview | 3 | https://a.example/ -id -address -agent -time",
    );
    let base = "idsite=3&rec=1&url=https://a.example/x&";
    let also = |rest: &str, expected: &str| {
        track(&format!("{base}{rest}"), "", &format!("{expected} | 3 | https://a.example/x"));
    };
    also(
        "e_c=Video&e_a=Play&e_n=Intro&e_v=3",
        "event Play true [category=Video,name=Intro,value=3]",
    );
    also("e_a=Play", "pageview");
    also("link=https://b.example/y", "event Outbound Link: Click true [url=https://b.example/y]");
    also(
        "download=https://a.example/f.pdf",
        "event File Download true [url=https://a.example/f.pdf]",
    );
    also("search=boots", "event Site Search true [query=boots]");
    also("idgoal=4&revenue=9", "event Goal 4 true []");
    also("idgoal=0&revenue=9&ec_id=77", "event Order true []");
    also("ping=1", "unsupported");
    also("ca=1", "unsupported");
    track(
        "idsite=a&rec=1&url=https%3A%2F%2Fa.example%2F%3Fmtm_campaign%3Dfall%26pk_kwd%3Dboots%26x%3D1",
        "",
        "pageview | a | https://a.example/?utm_campaign=fall&utm_term=boots&x=1",
    );
    track("idsite=3&url=/", "", "malformed rec");
    track("rec=1&url=/", "", "malformed idsite");
    track("idsite=3&rec=1", "", "malformed url");
    assert!(matomo::track("idsite=3&rec=1&url=/&send_image=0", b"").1);
    assert!(matomo::track("", b"idsite=3&rec=1&url=/&send_image=0").1);
    assert!(!matomo::track("idsite=3&rec=1&url=/", b"").1);
    check(vec![matomo::track("", b"\xff").0], &["malformed body"]);
    check(
        matomo::bulk(
            br#"{"requests":["?idsite=3&rec=1&url=https://a.example/x","?idsite=3",7],"token_auth":"x"}"#,
        ),
        &["pageview | 3 | https://a.example/x", "malformed rec", "malformed requests"],
    );
    check(matomo::bulk(b"{}"), &["malformed requests"]);
    check(matomo::bulk(br#"{"requests":[]}"#), &["malformed requests"]);
}

#[test]
fn google_s_beacons_are_heard_line_by_line() {
    let base = "v=2&tid=G-AB12&cid=1.2&sid=17&dl=https%3A%2F%2Fa.example%2Fx&dr=https%3A%2F%2Fc.example%2F&ul=en-us&sr=1x1&gcs=G111";
    let tail = " | G-AB12 | https://a.example/x | https://c.example/ -id";
    let collect = |query: &str, body: &str, expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|kind| format!("{kind}{tail}")).collect();
        let query = format!("{base}&{query}");
        assert_eq!(heard(ga4::collect(&query, body.as_bytes())), expected);
    };
    collect("en=page_view&_ee=1&ep.x=y", "", &["pageview"]);
    collect(
        "",
        "en=page_view\r\nen=user_engagement&_et=5200\r\nen=scroll&epn.percent_scrolled=90&_et=10\r\n",
        &["pageview", "engagement 5200 None", "engagement 10 Some(90)"],
    );
    collect(
        "en=purchase&cu=EUR&epn.value=9.9&ep.transaction_id=7",
        "",
        &["event purchase true [transaction_id=7] 990EUR"],
    );
    collect("en=add_to_cart&cu=EUR&epn.value=9.9", "", &["event add_to_cart true [value=9.9]"]);
    collect(
        "en=click&ep.link_url=https%3A%2F%2Fb.example%2F&ep.outbound=true",
        "",
        &["event Outbound Link: Click true [url=https://b.example/]"],
    );
    collect(
        "en=file_download&ep.link_url=https%3A%2F%2Fa.example%2Ff.pdf",
        "",
        &["event File Download true [url=https://a.example/f.pdf]"],
    );
    collect("en=session_start", "", &["unsupported"]);
    check(
        ga4::collect("v=2&tid=G&en=page_view&dl=https://a.example/&gcs=G100&uaa=x", b""),
        &["pageview | G | https://a.example/ -agent denied"],
    );
    check(ga4::collect("v=2&tid=G&en=page_view", b""), &["malformed url"]);
    check(ga4::collect("v=2&tid=G&dl=https://a.example/", b""), &["malformed en"]);
    check(ga4::collect("", b"\xff"), &["malformed body"]);
    check(ga4::collect("", "en=x\n".repeat(101).as_bytes()), &["malformed body"]);
}

#[test]
fn the_measurement_protocol_s_events_are_heard_each() {
    let query = "measurement_id=G-AB12&api_secret=s";
    check(
        ga4::protocol(
            query,
            br#"{"client_id":"1.2","user_id":"me","timestamp_micros":1,"ip_override":"203.0.113.9",
                "events":[{"name":"page_view","params":{"page_location":"https://a.example/x","session_id":"7"}},
                          {"name":"purchase","params":{"page_location":"https://a.example/y","page_referrer":"https://c.example/",
                            "currency":"EUR","value":12.5,"items":[{}],"coupon":"A"}},
                          {"name":"x"},7]}"#,
        ),
        &[
            "pageview | G-AB12 | https://a.example/x -id -address -time",
            "event purchase true [coupon=A] 1250EUR | G-AB12 | https://a.example/y | https://c.example/ -id -address -time",
            "malformed url",
            "malformed events",
        ],
    );
    check(ga4::protocol(query, b"[]"), &["malformed body"]);
    check(ga4::protocol(query, br#"{"events":[]}"#), &["malformed events"]);
    let many = format!("{{\"events\":[{}]}}", vec!["{}"; 26].join(","));
    check(ga4::protocol(query, many.as_bytes()), &["malformed events"]);
}
