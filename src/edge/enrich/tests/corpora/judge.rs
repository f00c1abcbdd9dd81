//! Who else says what an agent is: the parser of uap-core, and the people who labelled its tests.
//!
//! It has names of its own; here they are ours. What is on no line of [`BROWSERS`] or [`SYSTEMS`] we
//! give no name, and is not measured.

use ua_parser::{Extractor, Regexes};

use super::lists;

/// uap-core's families of browsers, and ours.
const BROWSERS: &[(&str, &str)] = &[
    ("Amazon Silk", "Silk"),
    ("Baidu Browser", "Baidu"),
    ("Brave", "Brave"),
    ("Chrome", "Chrome"),
    ("Chrome Mobile", "Chrome"),
    ("Chrome Mobile WebView", "Webview"),
    ("Chrome Mobile iOS", "Chrome"),
    ("Chromium", "Chrome"),
    ("Coc Coc", "Cốc Cốc"),
    ("DuckDuckGo", "DuckDuckGo"),
    ("DuckDuckGo Mobile", "DuckDuckGo"),
    ("Ecosia Android", "Ecosia"),
    ("Ecosia iOS", "Ecosia"),
    ("Edge", "Edge"),
    ("Edge Mobile", "Edge"),
    ("Epiphany", "GNOME Web"),
    ("Facebook", "Facebook"),
    ("Facebook Messenger", "Messenger"),
    ("Firefox", "Firefox"),
    ("Firefox Mobile", "Firefox"),
    ("Firefox iOS", "Firefox"),
    ("Google", "Google App"),
    ("IE", "Internet Explorer"),
    ("IE Mobile", "Internet Explorer"),
    ("Instagram", "Instagram"),
    ("Konqueror", "Konqueror"),
    ("LINE", "LINE"),
    ("LinkedIn", "LinkedIn"),
    ("Maxthon", "Maxthon"),
    ("MiuiBrowser", "Mi Browser"),
    ("Mobile Safari", "Safari"),
    ("Mobile Safari UI/WKWebView", "Webview"),
    ("Opera", "Opera"),
    ("Opera Mini", "Opera Mini"),
    ("Opera Mobile", "Opera"),
    ("Oculus Browser", "Meta Quest Browser"),
    ("Pale Moon", "Pale Moon"),
    ("Pinterest", "Pinterest"),
    ("Puffin", "Puffin"),
    ("QQ Browser", "QQ Browser"),
    ("QQ Browser Mobile", "QQ Browser"),
    ("Safari", "Safari"),
    ("Samsung Internet", "Samsung Internet"),
    ("SeaMonkey", "SeaMonkey"),
    ("Seznam prohlížeč", "Seznam"),
    ("Snapchat", "Snapchat"),
    ("Twitter", "X"),
    ("UC Browser", "UC Browser"),
    ("Vivaldi", "Vivaldi"),
    ("Waterfox", "Waterfox"),
    ("Whale", "Whale"),
    ("Yandex Browser", "Yandex Browser"),
];

/// uap-core's families of systems, and ours.
const SYSTEMS: &[(&str, &str)] = &[
    ("Android", "Android"),
    ("Chrome OS", "ChromeOS"),
    ("Firefox OS", "Firefox OS"),
    ("FreeBSD", "BSD"),
    ("HarmonyOS", "HarmonyOS"),
    ("KaiOS", "KaiOS"),
    ("Linux", "Linux"),
    ("Mac OS X", "macOS"),
    ("NetBSD", "BSD"),
    ("OpenBSD", "BSD"),
    ("Tizen", "Tizen"),
    ("Ubuntu", "Linux"),
    ("Web0S", "webOS"),
    ("Windows", "Windows"),
    ("iOS", "iOS"),
];

/// What another says: a name of ours and a major version.
pub(super) type Name = (&'static str, String);

pub(super) fn browser(family: &str, major: &str) -> Option<Name> {
    let (_, name) = BROWSERS.iter().find(|(it, _)| *it == family)?;
    Some((name, major.into()))
}

pub(super) fn system(family: &str, major: &str) -> Option<Name> {
    let (_, name) = SYSTEMS.iter().find(|(it, _)| *it == family)?;
    Some((name, major.into()))
}

/// The parser.
pub(super) struct Judge(Extractor<'static>);

impl Judge {
    pub(super) fn new() -> Self {
        let regexes = lists::flat_yaml(&lists::uap_core("regexes.yaml"));
        let regexes: Regexes<'static> = serde_json::from_value(regexes).expect("lists of regexes");
        Self(Extractor::try_from(regexes).expect("regexes"))
    }

    pub(super) fn browser(&self, agent: &str) -> Option<Name> {
        let it = self.0.ua.extract(agent)?;
        browser(&it.family, it.major.unwrap_or_default())
    }

    pub(super) fn system(&self, agent: &str) -> Option<Name> {
        let it = self.0.os.extract(agent)?;
        system(&it.os, &it.major.unwrap_or_default())
    }
}
