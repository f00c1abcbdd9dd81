//! What another system made of an agent and an address, in our names.
//!
//! Names on the left are those of the npm package detect-browser, which Umami stores.

use super::marks::Device;
use super::{Agent, Place, name};
use crate::edge::raw::RawKnown;

const BROWSERS: &[(&str, &str)] = &[
    ("android", "Android Browser"),
    ("chrome", "Chrome"),
    ("chromium-webview", "Webview"),
    ("crios", "Chrome"),
    ("curl", ""),
    ("edge", "Edge"),
    ("edge-chromium", "Edge"),
    ("edge-ios", "Edge"),
    ("facebook", "Facebook"),
    ("firefox", "Firefox"),
    ("fxios", "Firefox"),
    ("ie", "Internet Explorer"),
    ("instagram", "Instagram"),
    ("ios", "Safari"),
    ("ios-webview", "Webview"),
    ("kakaotalk", "KakaoTalk"),
    ("miui", "Mi Browser"),
    ("opera", "Opera"),
    ("opera-mini", "Opera Mini"),
    ("safari", "Safari"),
    ("samsung", "Samsung Internet"),
    ("silk", "Silk"),
    ("yandexbrowser", "Yandex Browser"),
];

/// By how they begin: the version follows, which Windows alone has.
const SYSTEMS: &[(&str, &str, &str)] = &[
    ("Android", "Android", ""),
    ("BlackBerry", "BlackBerry", ""),
    ("Chrome OS", "ChromeOS", ""),
    ("iOS", "iOS", ""),
    ("Linux", "Linux", ""),
    ("Mac OS", "macOS", ""),
    ("Open BSD", "BSD", ""),
    ("Windows 10", "Windows", "10"),
    ("Windows 7", "Windows", "7"),
    ("Windows 8", "Windows", "8"),
    ("Windows Mobile", "Windows Phone", ""),
    ("Windows Vista", "Windows", "Vista"),
    ("Windows XP", "Windows", "XP"),
    ("Windows", "Windows", ""),
];

/// Browser, system and device; empty where the word is not known.
pub(in crate::edge) fn agent_known(known: &RawKnown<'_>) -> Agent {
    let browser = known.browser.expose();
    let browser = BROWSERS.iter().find(|(word, _)| *word == browser).map_or("", |(_, name)| name);
    let os = known.os.expose();
    let os = SYSTEMS.iter().find(|(word, ..)| os.starts_with(word));
    let (os, os_version) = os.map_or(("", ""), |(_, name, version)| (name, version));
    let device = match known.device.expose() {
        "desktop" | "laptop" => Device::Desktop.name(),
        "mobile" => Device::Mobile.name(),
        "tablet" => Device::Tablet.name(),
        _ => "",
    };
    Agent {
        browser: name::known(browser),
        browser_version: name::known(""),
        os: name::known(os),
        os_version: name::known(os_version),
        device: name::known(device),
    }
}

/// The country, by its two letters.
pub(in crate::edge) fn place_known(known: &RawKnown<'_>) -> Place {
    let country = known.country.expose();
    let shaped = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    Place { country: name::known(if shaped { country } else { "" }), ..Place::default() }
}
