//! A browser, its system and device; robots first.
//!
//! woothee names what most people use, but has stood still since 2021: [`super::marks`] tells
//! robots from people before it, and names after it what it takes for something else; a browser's
//! hints say what its agent does not any more. Nothing of the client's own words gets out: names
//! come from our tables, of versions only the first number.

use std::cell::RefCell;
use std::sync::LazyLock;

use woothee::parser::{Parser, WootheeResult};

use super::hints::{self, Brand};
use super::marks::{Device, Mark, marks_of};
use super::name;
use super::recent::Recent;
use crate::edge::raw::RawHints;
use crate::hit::{DropReason, Text};

/// Bytes of an agent that are looked at; those of in-app browsers have 400.
const AGENT_BYTES_MAX: usize = 512;

/// Digits of a version that is one.
const VERSION_DIGITS_MAX: usize = 4;

/// The Safari whose system says 18 for ever; from it on its own version is the system's.
const SAFARI_OF_FROZEN_IOS: u16 = 26;

/// Browsers that others are built on: a hint that says another name knows better.
const BASES: &[&str] = &["", "Chrome", "Edge", "Webview"];

/// Agents that a thread remembers, at about 100 bytes each. `tests/corpora` has a thousand in all
/// its visits; their places are by chance, so that there are more of these.
const RECENT_MAX: usize = 4096;

thread_local! {
    static RECENT: RefCell<Recent<Result<Agent, DropReason>>> =
        RefCell::new(Recent::new(RECENT_MAX));
}

/// What is kept of a user agent. Names are empty where they are not known.
#[derive(Clone, Default)]
pub(in crate::edge) struct Agent {
    /// Browser family.
    pub browser: Text,
    /// Its major version.
    pub browser_version: Text,
    /// System family.
    pub os: Text,
    /// Its major version, where the browser still tells it.
    pub os_version: Text,
    /// `Desktop`, `Mobile`, `Tablet`, `TV` or `Console`.
    pub device: Text,
}

/// What the marks say: of each kind the first.
#[derive(Default)]
struct Marked<'a> {
    machine: Option<DropReason>,
    browser: Option<(&'static str, &'a str)>,
    system: Option<(&'static str, &'a str)>,
    device: Option<Device>,
    mobile: bool,
}

/// What is known of a browser by its `User-Agent`, its hints, and whether its screen takes more
/// than one finger. An error: a robot, a library, a preview or a monitor, or a browser that a
/// program drives.
pub(in crate::edge) fn agent_of(
    agent: &str,
    hints: &RawHints<'_>,
    touch: bool,
) -> Result<Agent, DropReason> {
    let RawHints { brands, mobile, platform, platform_version } = hints;
    let told =
        [agent, brands.expose(), mobile.expose(), platform.expose(), platform_version.expose()];
    RECENT.with_borrow_mut(|recent| recent.get((told, touch), || read(agent, hints, touch)))
}

/// [`agent_of`], looked at anew.
pub(super) fn read(agent: &str, hints: &RawHints<'_>, touch: bool) -> Result<Agent, DropReason> {
    let agent = cut(agent.trim());
    let marked = Marked::of(agent);
    let brand = hints::brand(hints.brands.expose());
    if let Some(reason) = marked.machine {
        return Err(reason);
    }
    if let Some(Brand::Headless) = brand {
        return Err(DropReason::Headless);
    }
    let base = base_of(agent, marked.browser.is_some()).ok_or(DropReason::Bot)?;
    let (browser, version) = browser(agent, &marked, &base, brand.as_ref());
    // On iPads browsers say that they are on a Mac. Those have no hints, and on a Mac none says
    // that it is mobile or (CriOS, FxiOS, EdgiOS) for iOS.
    let is_pad =
        (touch && hints.brands.expose().is_empty()) || marked.mobile || agent.contains("iOS/");
    let (os, os_version) = match system(agent, &marked, &base) {
        ("macOS", _) if is_pad => ("iPadOS", safari_version(&base)),
        ("", _) => (hints::platform(hints.platform.expose()), ""),
        it => it,
    };
    let os_version = hints::version(os, hints).unwrap_or(os_version);
    let mobile = marked.mobile || hints::is_mobile(hints.mobile.expose());
    let device = marked.device.or_else(|| device(os, mobile, &base));
    Ok(Agent {
        browser: name::known(browser),
        browser_version: name::known(if browser.is_empty() { "" } else { major(version) }),
        os: name::known(os),
        os_version: name::known(os_version),
        device: name::known(device.map_or("", Device::name)),
    })
}

impl<'a> Marked<'a> {
    fn of(agent: &'a str) -> Self {
        let machine = agent.is_empty().then_some(DropReason::Bot);
        let mut it = Self { machine, ..Self::default() };
        for (mark, rest) in marks_of(agent) {
            let rest = rest.trim_start_matches(['/', ' ']);
            match mark {
                Mark::Bot => {
                    it.machine = Some(DropReason::Bot);
                    break;
                }
                // A robot may say its name behind it.
                Mark::Headless => it.machine = Some(DropReason::Headless),
                Mark::Nothing => {}
                Mark::Browser(name) => it.browser = it.browser.or(Some((name, rest))),
                Mark::Version(name) => match it.browser {
                    Some((_, version)) if !major(version).is_empty() => {}
                    Some((first, _)) => it.browser = Some((first, rest)),
                    None => it.browser = Some((name, rest)),
                },
                Mark::System(name) => it.system = it.system.or(Some((name, rest))),
                Mark::Machine(name, device) => {
                    it.system = it.system.or(Some((name, rest)));
                    it.device = it.device.or(Some(device));
                }
                Mark::Device(device) => it.device = it.device.or(Some(device)),
                Mark::Mobile => it.mobile = true,
            }
        }
        it
    }
}

/// What woothee says. None: a robot or a library, or nothing that a person browses with.
fn base_of(agent: &str, has_browser: bool) -> Option<WootheeResult<'_>> {
    static PARSER: LazyLock<Parser> = LazyLock::new(Parser::new);
    let found = PARSER.parse(agent);
    let machine = found.as_ref().is_some_and(|it| {
        it.category == "crawler" || it.name == "HTTP Library" || it.name.ends_with("RSSReader")
    });
    (!machine && (has_browser || is_shaped(agent))).then(|| found.unwrap_or_default())
}

/// Every browser since Mosaic says Mozilla or Opera, and then its system in parentheses.
fn is_shaped(agent: &str) -> bool {
    let rest = agent.strip_prefix("Mozilla/").or_else(|| agent.strip_prefix("Opera/"));
    let version = rest.and_then(|rest| rest.split_once('(')).map(|(version, _)| version);
    version.is_some_and(|it| it.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b' ')))
}

/// The browser's family, and what its version begins.
fn browser<'a>(
    agent: &'a str,
    marked: &Marked<'a>,
    base: &'a WootheeResult<'_>,
    brand: Option<&Brand<'a>>,
) -> (&'static str, &'a str) {
    let told = marked.browser.unwrap_or_else(|| match browser_name(base.name) {
        // An app's pages are Chrome's; of itself it says 4.0 whatever it is.
        "Webview" => ("Webview", agent.split_once("Chrome/").map_or(base.version, |(_, it)| it)),
        name => (name, base.version),
    });
    match brand {
        Some(Brand::Browser(name, version)) if BASES.contains(&told.0) => (name, version),
        _ => told,
    }
}

fn browser_name(woothee: &str) -> &'static str {
    match woothee {
        "Chrome" => "Chrome",
        "Edge" => "Edge",
        "Firefox" => "Firefox",
        "Google Search App" => "Google App",
        "Internet Explorer" => "Internet Explorer",
        "Opera" => "Opera",
        "Safari" => "Safari",
        "SamsungBrowser" => "Samsung Internet",
        "Sleipnir" => "Sleipnir",
        "Vivaldi" => "Vivaldi",
        "Webview" => "Webview",
        "Yandex Browser" => "Yandex Browser",
        _ => "",
    }
}

/// The system's family and major version.
fn system<'a>(
    agent: &'a str,
    marked: &Marked<'a>,
    base: &'a WootheeResult<'_>,
) -> (&'static str, &'a str) {
    let version = major(&base.os_version);
    match (marked.system, base.os) {
        (Some(("iPadOS", _)), _) | (None, "iPad") => ("iPadOS", ios_version(version, base)),
        (Some(("iOS", rest)), _) => ("iOS", ios_version(major(rest), base)),
        (Some((name, rest)), _) => (name, major(rest)),
        (None, "Windows 10") => ("Windows", "10"),
        (None, "Windows 8" | "Windows 8.1") => ("Windows", "8"),
        (None, "Windows 7") => ("Windows", "7"),
        (None, "Windows Vista") => ("Windows", "Vista"),
        (None, "Windows XP") => ("Windows", "XP"),
        (None, "Windows Phone OS") => ("Windows Phone", version),
        (None, it) if it.starts_with("Windows") => ("Windows", ""),
        (None, "Mac OSX" | "Mac OS Classic") => ("macOS", macos_version(agent)),
        (None, "iPhone" | "iPod" | "iOS") => ("iOS", ios_version(version, base)),
        // A browser that hides the device hides the version too.
        (None, "Android") if agent.contains("Android 10; K)") => ("Android", ""),
        (None, "Android") => ("Android", version),
        (None, "ChromeOS") => ("ChromeOS", ""),
        (None, "Linux") => ("Linux", ""),
        (None, "BSD") => ("BSD", ""),
        (None, "Firefox OS") => ("Firefox OS", ""),
        (None, "BlackBerry" | "BlackBerry 10") => ("BlackBerry", version),
        (None, "SymbianOS") => ("Symbian", ""),
        (None, _) if agent.contains("Win") => ("Windows", ""),
        (None, _) if agent.contains("Macintosh") => ("macOS", ""),
        _ => ("", ""),
    }
}

/// The version that a Mac says, but for 10.15: all say that whose browser says no more.
fn macos_version(agent: &str) -> &str {
    let version = agent.split_once("Mac OS X ").map_or("", |(_, version)| version);
    let frozen = version.starts_with("10_15") || version.starts_with("10.15");
    if frozen { "" } else { major(version) }
}

/// The system's version or, since that is frozen, Safari's.
fn ios_version<'a>(system: &'a str, base: &'a WootheeResult<'_>) -> &'a str {
    let safari = safari_version(base);
    let frozen = safari.parse::<u16>().is_ok_and(|it| it >= SAFARI_OF_FROZEN_IOS);
    if frozen { safari } else { system }
}

/// Safari's version, which on phones and tablets is the system's.
fn safari_version<'a>(base: &'a WootheeResult<'_>) -> &'a str {
    if base.name == "Safari" { major(base.version) } else { "" }
}

fn device(os: &str, mobile: bool, base: &WootheeResult<'_>) -> Option<Device> {
    match os {
        "Android" | "Tizen" if mobile => Some(Device::Mobile),
        "Android" | "iPadOS" => Some(Device::Tablet),
        "Tizen" => Some(Device::Tv),
        "iOS" | "HarmonyOS" | "Firefox OS" | "Windows Phone" | "BlackBerry" | "Symbian" => {
            Some(Device::Mobile)
        }
        "Windows" | "macOS" | "Linux" | "BSD" | "ChromeOS" => Some(Device::Desktop),
        _ => match base.category {
            "smartphone" | "mobilephone" => Some(Device::Mobile),
            "appliance" if base.name == "InternetTVBrowser" => Some(Device::Tv),
            "appliance" => Some(Device::Console),
            _ => mobile.then_some(Device::Mobile),
        },
    }
}

/// The first number of a version, if it begins with one that is short.
pub(super) fn major(version: &str) -> &str {
    let digits = version.bytes().take_while(u8::is_ascii_digit).count();
    if digits <= VERSION_DIGITS_MAX { &version[..digits] } else { "" }
}

fn cut(agent: &str) -> &str {
    &agent[..agent.floor_char_boundary(AGENT_BYTES_MAX)]
}
