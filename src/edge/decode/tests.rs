mod dialects;

use proptest::prelude::*;

use super::super::raw::{RawAddress, RawHints, Wishes};
use super::*;

/// What was said, for comparing. Only tests may look.
fn shown(said: &Said<'_>) -> String {
    let kind = match &said.kind {
        Kind::Pageview => "pageview".to_owned(),
        Kind::Event { name, interactive, props, revenue } => {
            let props: Vec<String> = props.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let revenue = revenue
                .map(|it| format!(" {}{}", it.minor, it.currency.as_str()))
                .unwrap_or_default();
            format!("event {name} {interactive} [{}]{revenue}", props.join(","))
        }
        Kind::Unsupported => "unsupported".to_owned(),
        Kind::Engagement { engaged_ms, scroll_percent } => {
            format!("engagement {engaged_ms} {scroll_percent:?}")
        }
    };
    let domains: Vec<&str> = said.names().collect();
    format!("{kind} | {} | {} | {} | {}", domains.join("+"), said.url, said.referrer, said.device)
}

#[track_caller]
fn check(body: &str, expected: Result<&str, &str>) {
    let found = plausible::event(body.as_bytes());
    match (found, expected) {
        (Ok(said), Ok(expected)) => assert_eq!(shown(&said), expected, "{body}"),
        (Err(error), Err(field)) => assert_eq!(error.field, field, "{body}"),
        (Ok(said), Err(field)) => panic!("{body}: {} instead of {field}", shown(&said)),
        (Err(error), Ok(_)) => panic!("{body}: {error:?}"),
    }
}

#[test]
fn plausible_s_fields_are_understood_by_both_names() {
    check(
        r#"{"n":"pageview","u":"https://a.example/x","d":"a.example"}"#,
        Ok("pageview | a.example | https://a.example/x |  | "),
    );
    check(
        r#"{"name":"pageview","url":"https://a.example/x","domain":"a.example, b.example",
            "referrer":"https://c.example","device":"d1","w":1200,"h":1,"v":4,"unknown":[1,{}]}"#,
        Ok("pageview | a.example+b.example | https://a.example/x | https://c.example | d1"),
    );
    check(
        r#"{"n":"Sign \"up\"","u":"/x","d":"a","p":{"plan":"x","seats":3,"paid":true,"no":null,
            "list":[1],"deep":{"a":1}},"i":false,"$":{"amount":"9.99","currency":"EUR"}}"#,
        Ok("event Sign \"up\" false [plan=x,seats=3,paid=true] 999EUR | a | /x |  | "),
    );
    check(
        r#"{"n":"A","u":"/x","d":"a","props":"{\"k\":\"v\"}","revenue":"{\"amount\":1.5,\"currency\":\"usd\"}"}"#,
        Ok("event A true [k=v] 150USD | a | /x |  | "),
    );
    check(
        r#"{"n":404,"u":"/x","d":"a","m":{"k":1.25}}"#,
        Ok("event 404 true [k=1.25] | a | /x |  | "),
    );
    check(r#"{"n":"A","u":"/x","r":null,"p":null,"$":null}"#, Ok("event A true [] |  | /x |  | "));
    check(r#"{"n":"A","u":"/a","u":"/b","d":"a"}"#, Ok("event A true [] | a | /b |  | "));
}

#[test]
fn an_engagement_says_how_long_or_how_far() {
    let body = |rest: &str| format!(r#"{{"n":"engagement","u":"/x","d":"a"{rest}}}"#);
    let check = |rest: &str, expected: Result<&str, &str>| {
        let expected = expected.map(|kind| format!("engagement {kind} | a | /x |  | "));
        check(&body(rest), expected.as_deref().map_err(|field| *field));
    };
    check(r#","e":1500,"sd":40"#, Ok("1500 Some(40)"));
    check(r#","e":1500"#, Ok("1500 None"));
    check(r#","sd":40"#, Ok("0 Some(40)"));
    check(r#","e":1500.7,"sd":140"#, Ok("1500 Some(100)"));
    check(r#","e":99999999999,"sd":255"#, Ok("86400000 None"));
    check("", Err("e"));
    check(r#","sd":255"#, Err("e"));
    check(r#","e":-1"#, Err("e"));
    check(r#","e":"1500""#, Err("e"));
    check(r#","e":1,"sd":-1"#, Err("sd"));
    check(r#","e":1,"sd":"a""#, Err("sd"));
}

#[test]
fn a_script_says_that_the_screen_takes_fingers() {
    for (said, touch) in
        [(",\"t\":1", true), (",\"t\":0", false), (",\"t\":\"1\"", false), ("", false)]
    {
        let body = format!(r#"{{"n":"pageview","u":"/x","d":"a"{said}}}"#);
        let heard = plausible::event(body.as_bytes()).map(|said| said.besides.touch);
        assert_eq!(heard, Ok(touch), "{said}");
    }
}

#[test]
fn the_field_at_fault_is_named() {
    check("", Err("body"));
    check("[]", Err("body"));
    check("{", Err("body"));
    check(r#"{"n":"pageview"} x"#, Err("body"));
    check(&"[".repeat(100_000), Err("body"));
    check(r#"{"u":"/x","d":"a"}"#, Err("name"));
    check(r#"{"n":" ","u":"/x","d":"a"}"#, Err("name"));
    check(r#"{"n":{},"u":"/x","d":"a"}"#, Err("name"));
    check(r#"{"n":"pageview","d":"a"}"#, Err("url"));
    check(r#"{"n":"pageview","u":"","d":"a"}"#, Err("url"));
    check(r#"{"n":"pageview","u":7,"d":"a"}"#, Err("url"));
    check(&format!(r#"{{"n":"pageview","u":"/{}","d":"a"}}"#, "x".repeat(2_000)), Err("url"));
    check(r#"{"n":"pageview","u":"/x","d":7}"#, Err("domain"));
    check(r#"{"n":"A","u":"/x","d":"a","p":[]}"#, Err("props"));
    check(r#"{"n":"A","u":"/x","d":"a","p":"x"}"#, Err("props"));
    check(r#"{"n":"A","u":"/x","d":"a","$":5}"#, Err("revenue"));
    check(r#"{"n":"A","u":"/x","d":"a","$":{"amount":5}}"#, Err("revenue"));
    check(r#"{"n":"A","u":"/x","d":"a","$":{"amount":"x","currency":"EUR"}}"#, Err("revenue"));
    assert_eq!(plausible::event(b"{\"n\":\"\xff\"}").err().map(|error| error.field), Some("body"));
}

#[test]
fn no_more_properties_are_kept_than_the_bound() {
    let props: Vec<String> = (0..100).map(|n| format!("\"k{n}\":{n}")).collect();
    let body = format!(r#"{{"n":"A","u":"/x","d":"a","p":{{{}}}}}"#, props.join(","));
    let Ok(Said { kind: Kind::Event { props, .. }, .. }) = plausible::event(body.as_bytes()) else {
        panic!("an event")
    };
    assert_eq!(props.len(), limits::PROPS_MAX);
    assert_eq!(props[29].0, "k29");
}

#[test]
fn a_pixel_s_query_says_the_same_as_a_body() {
    let check = |query: &str, page: Option<&str>, expected: &str| {
        let said = pixel::said(query, page).ok();
        assert_eq!(
            said.as_ref().map_or_else(|| "malformed".to_owned(), shown),
            expected,
            "{query}"
        );
    };
    check(
        "s=a.example&u=/x&r=https://c.example",
        None,
        "pageview | a.example | /x | https://c.example | ",
    );
    check("s=a&u=%2Fx%3Fy%3D1", None, "pageview | a | /x?y=1 |  | ");
    check("s=a&n=Open", Some("https://a/x"), "event Open true [] | a | https://a/x |  | ");
    check("s=a&n=pageview&u=/y", Some("https://a/x"), "pageview | a | /y |  | ");
    check("s=a&u=%ff%fe", None, "pageview | a | \u{fffd}\u{fffd} |  | ");
    check("s=a", None, "malformed");
    check("", None, "malformed");
    let many = "k=v&".repeat(10_000) + "s=a";
    check(&many, Some("/x"), "pageview |  | /x |  | ");
}

#[test]
fn the_host_of_a_page_is_found_where_it_names_one() {
    let host = |url: &str| {
        let query = format!(
            "u={}",
            percent_encoding::utf8_percent_encode(url, percent_encoding::NON_ALPHANUMERIC)
        );
        pixel::said(&query, None).ok().and_then(|said| said.host().map(str::to_owned))
    };
    assert_eq!(host("https://a.example/x").as_deref(), Some("a.example"));
    assert_eq!(host("https://me:pw@a.example:8443?x").as_deref(), Some("a.example"));
    assert_eq!(host("/x"), None);
    assert_eq!(host("https://"), None);
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        drop(plausible::event(&bytes));
        drop(umami::send(&bytes));
        drop(umami::batch(&bytes));
        drop(matomo::bulk(&bytes));
        let text = String::from_utf8_lossy(&bytes);
        let client = RawClient {
            address: RawAddress::split(None).0,
            prefix: RawAddress::split(None).1,
            agent: Some(RawText::new("")),
            known: None,
            hints: RawHints::default(),
            language: RawText::new(""),
            wishes: Wishes::default(),
            prefetch: false,
        };
        drop(goatcounter::count(&text, Some(&text)));
        drop(matomo::track(&text, &bytes));
        drop(ga4::collect(&text, &bytes));
        drop(ga4::protocol(&text, &bytes));
        if let Ok(said) = pixel::said(&text, Some(&text)) {
            std::hint::black_box(said.host());
            drop(said.raw(&client));
        }
    }

    #[test]
    fn no_text_in_any_field_makes_a_decoder_panic(
        field in "n|u|d|r|p|\\$|e|sd|i|device",
        value in "\\PC{0,40}|[0-9]{1,40}|\\{\\}|\\[\\]|true|null",
        quoted in any::<bool>(),
    ) {
        let value = if quoted { serde_json::to_string(&value).expect("JSON") } else { value };
        let body = format!(r#"{{"n":"A","u":"/x","d":"a","{field}":{value}}}"#);
        drop(plausible::event(body.as_bytes()));
        drop(plausible::event(body.replace("\"A\"", "\"engagement\"").as_bytes()));
    }

    #[test]
    fn no_text_in_any_field_of_a_dialect_makes_its_decoder_panic(
        key in "p|b|e|r|q|rec|url|e_c|e_a|link|idgoal|en|dl|_et|epn.percent_scrolled|epn.value|cu|gcs",
        value in "\\PC{0,20}|[0-9]{1,30}|G1.{0,3}",
    ) {
        let value = percent_encoding::utf8_percent_encode(&value, percent_encoding::NON_ALPHANUMERIC);
        let query = format!("idsite=1&rec=1&url=/x&en=purchase&dl=/x&p=/x&{key}={value}");
        drop(goatcounter::count(&query, Some("https://a.example")));
        drop(matomo::track(&query, b""));
        drop(ga4::collect(&query, query.as_bytes()));
    }

    #[test]
    fn no_value_in_a_dialect_s_json_makes_its_decoder_panic(
        key in "url|hostname|name|data|referrer|id|page_location|value|currency|engagement_time_msec",
        value in "\"\\PC{0,20}\"|[0-9]{1,30}|\\{\\}|\\[\\]|true|null",
    ) {
        let fields = format!(r#"{{"url":"/x","hostname":"a","name":"n","page_location":"/x","{key}":{value}}}"#);
        let send = format!(r#"{{"type":"event","payload":{fields}}}"#);
        drop(umami::send(send.as_bytes()));
        drop(umami::batch(format!("[{send}]").as_bytes()));
        let events = format!(r#"{{"events":[{{"name":"purchase","params":{fields}}}]}}"#);
        drop(ga4::protocol("", events.as_bytes()));
    }
}
