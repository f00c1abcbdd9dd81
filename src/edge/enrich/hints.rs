//! What a browser's hints say that its agent does not: who it is under Chrome's name, and the
//! versions that agents have frozen.

use super::agent::major;
use crate::edge::raw::RawHints;

/// Brands of a list that are looked at; browsers send three.
const BRANDS_MAX: usize = 8;

/// The first major version of the Windows platform that is Windows 11
/// (<https://learn.microsoft.com/microsoft-edge/web-platform/how-to-detect-win11>).
const WINDOWS_11: u16 = 13;

/// A brand that says more than that it is Chromium.
#[derive(Clone, Copy)]
pub(super) enum Brand<'a> {
    /// A browser, and its version.
    Browser(&'static str, &'a str),
    /// A browser that a program drives.
    Headless,
}

/// Brands, and the browsers that they are.
const BROWSERS: &[(&str, &str)] = &[
    ("Amazon Silk", "Silk"),
    ("Android WebView", "Webview"),
    ("Avast Secure Browser", "Avast Secure Browser"),
    ("AVG Secure Browser", "AVG Secure Browser"),
    ("Brave", "Brave"),
    ("CCleaner Browser", "CCleaner Browser"),
    ("CocCoc", "Cốc Cốc"),
    ("DuckDuckGo", "DuckDuckGo"),
    ("Ecosia", "Ecosia"),
    ("HeyTapBrowser", "HeyTap Browser"),
    ("HuaweiBrowser", "Huawei Browser"),
    ("Microsoft Edge", "Edge"),
    ("Norton Private Browser", "Norton Private Browser"),
    ("Oculus Browser", "Meta Quest Browser"),
    ("Opera", "Opera"),
    ("Opera GX", "Opera"),
    ("Opera Mini Android", "Opera Mini"),
    ("Samsung Internet", "Samsung Internet"),
    ("Vivaldi", "Vivaldi"),
    ("Whale", "Whale"),
    ("XiaoMiBrowser", "Mi Browser"),
    ("Yandex", "Yandex Browser"),
    ("YaBrowser", "Yandex Browser"),
];

/// The first brand of a list such as `"Chromium";v="142", "Brave";v="142"` that says something.
pub(super) fn brand(list: &str) -> Option<Brand<'_>> {
    let mut quoted = list.split('"').skip(1).step_by(2);
    let pairs = std::iter::from_fn(|| Some((quoted.next()?, quoted.next()?)));
    pairs.take(BRANDS_MAX).find_map(|(brand, version)| {
        if brand == "HeadlessChrome" {
            return Some(Brand::Headless);
        }
        let (_, name) = BROWSERS.iter().find(|(it, _)| *it == brand)?;
        Some(Brand::Browser(name, version))
    })
}

/// The system of a platform; empty: not one of those that we name.
pub(super) fn platform(platform: &str) -> &'static str {
    match platform.trim_matches('"') {
        "Android" => "Android",
        "Chrome OS" | "Chromium OS" => "ChromeOS",
        "Linux" => "Linux",
        "macOS" => "macOS",
        "Windows" => "Windows",
        "iOS" => "iOS",
        _ => "",
    }
}

/// The version of the system `os`, if the hints tell it of that system.
pub(super) fn version<'a>(os: &str, hints: &RawHints<'a>) -> Option<&'a str> {
    let version = major(hints.platform_version.expose().trim_matches('"'));
    let number = version.parse::<u16>().ok()?;
    if platform(hints.platform.expose()) != os {
        return None;
    }
    match (os, number) {
        ("Windows", WINDOWS_11..) => Some("11"),
        ("Windows", 1..) => Some("10"),
        ("Android" | "macOS", 1..) => Some(version),
        _ => None,
    }
}

/// Whether the browser asks for pages for phones; on a tablet it does not.
pub(super) fn is_mobile(mobile: &str) -> bool {
    mobile == "?1"
}
