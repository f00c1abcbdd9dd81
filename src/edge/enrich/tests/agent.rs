//! User agents.

use super::super::agent_of;
use crate::edge::raw::{RawHints, RawText};
use crate::hit::{DropReason, Text};

/// Browser, its version, system, its version, device.
#[track_caller]
fn check(agent: &str, expected: [&str; 5]) {
    check_hinted(agent, &RawHints::default(), false, expected);
}

/// The same, of a browser that tells more.
#[track_caller]
fn check_hinted(agent: &str, hints: &RawHints<'_>, touch: bool, expected: [&str; 5]) {
    let found = agent_of(agent, hints, touch);
    let found = found.unwrap_or_else(|_| panic!("{agent} is taken for a robot"));
    let found = [found.browser, found.browser_version, found.os, found.os_version, found.device];
    assert_eq!(found.each_ref().map(Text::as_str), expected, "{agent}");
}

#[test]
fn browsers_have_names() {
    const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    const MAC: &str =
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)";
    const ANDROID: &str =
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)";
    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)";
    check(WINDOWS, ["Chrome", "142", "Windows", "10", "Desktop"]);
    check(&format!("{WINDOWS} Edg/142.0.0.0"), ["Edge", "142", "Windows", "10", "Desktop"]);
    check(&format!("{WINDOWS} OPR/124.0.0.0"), ["Opera", "124", "Windows", "10", "Desktop"]);
    check(&format!("{WINDOWS} Vivaldi/7.6"), ["Vivaldi", "7", "Windows", "10", "Desktop"]);
    check(
        &format!("{WINDOWS} YaBrowser/25.10.0.0"),
        ["Yandex Browser", "25", "Windows", "10", "Desktop"],
    );
    check(&format!("{MAC} Version/26.1 Safari/605.1.15"), ["Safari", "26", "macOS", "", "Desktop"]);
    check(
        &format!("{MAC} Version/17.4 Safari/605.1.15 Ddg/17.4"),
        ["DuckDuckGo", "17", "macOS", "", "Desktop"],
    );
    check(
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        ["Firefox", "145", "Linux", "", "Desktop"],
    );
    check(
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
        ["Chrome", "141", "ChromeOS", "", "Desktop"],
    );
    check(
        "Mozilla/5.0 (Windows NT 6.1; Trident/7.0; rv:11.0) like Gecko",
        ["Internet Explorer", "11", "Windows", "7", "Desktop"],
    );
    check(
        &format!("{ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36"),
        ["Chrome", "142", "Android", "", "Mobile"],
    );
    check(
        &format!("{ANDROID} Chrome/142.0.0.0 Safari/537.36"),
        ["Chrome", "142", "Android", "", "Tablet"],
    );
    check(
        &format!("{ANDROID} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36"),
        ["Samsung Internet", "29", "Android", "", "Mobile"],
    );
    check(
        &format!("{ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36 EdgA/142.0.0.0"),
        ["Edge", "142", "Android", "", "Mobile"],
    );
    check(
        "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
        ["Firefox", "145", "Android", "15", "Mobile"],
    );
    check(
        "Mozilla/5.0 (Android 15; Tablet; rv:145.0) Gecko/145.0 Firefox/145.0",
        ["Firefox", "145", "Android", "15", "Tablet"],
    );
    check(
        &format!("{IPHONE} Version/17.4 Mobile/15E148 Safari/604.1"),
        ["Safari", "17", "iOS", "17", "Mobile"],
    );
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
        ["Safari", "26", "iOS", "26", "Mobile"],
    );
    check(
        &format!("{IPHONE} CriOS/142.0.0.0 Mobile/15E148 Safari/604.1"),
        ["Chrome", "142", "iOS", "17", "Mobile"],
    );
    check(
        &format!("{IPHONE} FxiOS/145.0 Mobile/15E148 Safari/605.1.15"),
        ["Firefox", "145", "iOS", "17", "Mobile"],
    );
    check(
        &format!("{IPHONE} GSA/390.0.0 Mobile/15E148 Safari/604.1"),
        ["Google App", "390", "iOS", "17", "Mobile"],
    );
    check(
        "Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1",
        ["Safari", "17", "iPadOS", "17", "Tablet"],
    );
}

#[test]
fn apps_televisions_and_consoles_have_names() {
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22G86 [FBAN/FBIOS;FBAV/530.0.0.1;FBBV/1]",
        ["Facebook", "530", "iOS", "18", "Mobile"],
    );
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22G86 Instagram 400.0.0 (iPhone15,2)",
        ["Instagram", "400", "iOS", "18", "Mobile"],
    );
    check(
        "Mozilla/5.0 (Linux; Android 14; CUBOT NOTE 40) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
        ["Chrome", "140", "Android", "14", "Mobile"],
    );
    check(
        "Mozilla/5.0 (Linux; Android 11; KFTRWI) AppleWebKit/537.36 (KHTML, like Gecko) Silk/130.1 like Chrome/130.0 Safari/537.36",
        ["Silk", "130", "Android", "11", "Tablet"],
    );
    check(
        "Mozilla/5.0 (Linux; Android 9; AFTMM) AppleWebKit/537.36 (KHTML, like Gecko) Silk/130.1 like Chrome/130.0 Safari/537.36",
        ["Silk", "130", "Android", "9", "TV"],
    );
    check(
        "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/2.2 Chrome/94.0 TV Safari/537.36",
        ["Samsung Internet", "2", "Tizen", "7", "TV"],
    );
    check(
        "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/94.0 Safari/537.36",
        ["Chrome", "94", "webOS", "", "TV"],
    );
    check(
        "Mozilla/5.0 (PlayStation; PlayStation 5/9.00) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/15.4 Safari/605.1.15",
        ["Safari", "15", "PlayStation", "", "Console"],
    );
    check(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
        ["Edge", "140", "Xbox", "", "Console"],
    );
    check(
        "Mozilla/5.0 (Nintendo Switch; WebApplet) AppleWebKit/613.0 (KHTML, like Gecko) NF/6.0 NintendoBrowser/5.1",
        ["Nintendo Browser", "5", "Nintendo", "", "Console"],
    );
    check(
        "Mozilla/5.0 (Linux; Android 12; BRAVIA 4K VH22 Build/STT2) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
        ["Chrome", "120", "Android", "12", "TV"],
    );
    check(
        "Mozilla/5.0 (Linux; Android 12; Build/STTL.240206.002) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 CrKey/1.56.500000 DeviceType/AndroidTV",
        ["Chrome", "120", "Android", "12", "TV"],
    );
    check(
        "Mozilla/5.0 (X11; Linux armv7l) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0 Safari/537.36 VIDAA/6.0",
        ["Chrome", "88", "VIDAA", "6", "TV"],
    );
    check(
        "Mozilla/5.0 (X11; Linux x86_64; Quest 3) AppleWebKit/537.36 (KHTML, like Gecko) OculusBrowser/35.0 Chrome/130.0 VR Safari/537.36",
        ["Meta Quest Browser", "35", "Linux", "", "Desktop"],
    );
    check(
        "Mozilla/5.0 (Mobile; Nokia 8110 4G; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5",
        ["Firefox", "48", "KaiOS", "2", "Mobile"],
    );
    check(
        "Mozilla/5.0 (PC; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0 Safari/537.36 ArkWeb/6.0",
        ["Chrome", "132", "HarmonyOS", "5", "Desktop"],
    );
    check(
        "Mozilla/5.0 (Tablet; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/132.0 Safari/537.36 ArkWeb/6.0",
        ["Chrome", "132", "HarmonyOS", "5", "Tablet"],
    );
    check(
        "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/114.0 Safari/537.36 ArkWeb/4.1 Mobile",
        ["Chrome", "114", "HarmonyOS", "5", "Mobile"],
    );
}

#[test]
fn apps_show_pages_too() {
    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22G86";
    const ANDROID: &str = "Mozilla/5.0 (Linux; Android 14; SM-S911B Build/UP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/142.0.0.0 Mobile Safari/537.36";
    let on_iphone = |app: &str, name, version| {
        check(&format!("{IPHONE} {app}"), [name, version, "iOS", "18", "Mobile"]);
    };
    let on_android = |app: &str, name, version| {
        check(&format!("{ANDROID} {app}"), [name, version, "Android", "14", "Mobile"]);
    };
    on_iphone("", "Webview", "");
    on_android("", "Webview", "142");
    on_iphone("[FBAN/MessengerForiOS;FBAV/530.0;FBBV/1]", "Messenger", "530");
    on_android("[FB_IAB/FB4A;FBAV/530.0.0;]", "Facebook", "530");
    on_android("Instagram 400.0.0.1 Android (34/14; 480dpi)", "Instagram", "400");
    on_android("trill_2022 BytedanceWebview/d8a21c6", "TikTok", "2022");
    on_iphone("LinkedInApp/9.30", "LinkedIn", "9");
    on_iphone("Snapchat/14.25.0.48 (like Safari/8624.5, panda)", "Snapchat", "14");
    on_iphone("[Pinterest/iOS]", "Pinterest", "");
    on_iphone("Twitter for iPhone/11.2", "X", "11");
    on_iphone("Safari Line/14.1.0", "LINE", "14");
    on_iphone("MicroMessenger/8.0.1(0x1) NetType/WIFI", "WeChat", "8");
    on_android("DuckDuckGo/5", "DuckDuckGo", "5");
    on_android("GSA/15.1", "Google App", "15");
    on_android("XiaoMi/MiuiBrowser/14.1", "Mi Browser", "14");
    on_android("UCBrowser/13.4", "UC Browser", "13");
    on_android("MQQBrowser/6.2", "QQ Browser", "6");
    on_android("HuaweiBrowser/15.0", "Huawei Browser", "15");
}

#[test]
fn what_nobody_knows_has_no_name() {
    check("Mozilla/5.0 (Amiga; Jane Doe) Secret/1.0", ["", "", "", "", ""]);
    check(
        "Mozilla/5.0 (X11; Linux x86_64; rv:123456.0) Gecko/20100101 Firefox/123456.0",
        ["Firefox", "", "Linux", "", "Desktop"],
    );
}

#[test]
fn robots_are_no_visitors() {
    let robots = [
        "",
        " ",
        "-",
        "Mozilla/5.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
        "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot",
        "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
        "Mozilla/5.0 (Linux; Android 5.0) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/600.2.5 (KHTML, like Gecko) Version/8.0.2 Safari/600.2.5 (Applebot/0.1)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 11; moto g power) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36 Chrome-Lighthouse",
        "Mozilla/5.0 (Linux; Android 7.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Mobile Safari/537.36 (compatible; Google-Read-Aloud)",
        "facebookexternalhit/1.1",
        "WhatsApp/2.23.20.0 A",
        "TelegramBot (like TwitterBot)",
        "Slackbot-LinkExpanding 1.0",
        "curl/8.5.0",
        "Wget/1.21",
        "python-requests/2.32",
        "Go-http-client/2.0",
        "okhttp/4.12.0",
        "axios/1.7.2",
        "node",
        "Java/17.0.1",
        "Apache-HttpClient/4.5.14 (Java/17)",
        "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8)",
        "MyApp/3 CFNetwork/1490 Darwin/23.0",
        "UptimeRobot/2.0",
        "Feedly/1.0",
        "SomeReader/1.0 (Linux)",
        "Mozilla/5.0 (compatible; Finder/1.0; help@example.com)",
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    ];
    for robot in robots {
        assert!(agent_of(robot, &RawHints::default(), false).is_err(), "{robot} is a visitor");
    }
}

#[test]
fn browsers_that_a_program_drives_are_told_apart_from_robots() {
    const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
    let check = |agent: &str, brands: &str, expected: DropReason| {
        let hints = RawHints { brands: RawText::new(brands), ..RawHints::default() };
        assert_eq!(agent_of(agent, &hints, false).err(), Some(expected), "{agent}");
    };
    let headless = CHROME.replace("Chrome", "HeadlessChrome");
    check(&headless, "", DropReason::Headless);
    check(CHROME, "\"HeadlessChrome\";v=\"140\", \"Chromium\";v=\"140\"", DropReason::Headless);
    check(&format!("{CHROME} Cypress/13.0"), "", DropReason::Headless);
    // A robot that drives one is a robot.
    check(&format!("{headless} (compatible; ExampleBot/1.0)"), "", DropReason::Bot);
}

#[test]
fn hints_say_what_agents_do_not_any_more() {
    const WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    const MAC: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    const ANDROID: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36";
    const CHROMIUM: &str = "\"Chromium\";v=\"142\", \"Not_A Brand\";v=\"99\"";
    let check = |agent: &str, [brand, platform, version]: [&str; 3], expected| {
        let brands = format!("{CHROMIUM}, \"{brand}\";v=\"142\"");
        let [platform, version] = [platform, version].map(|it| format!("\"{it}\""));
        let hints = RawHints {
            brands: RawText::new(&brands),
            mobile: RawText::new("?0"),
            platform: RawText::new(&platform),
            platform_version: RawText::new(&version),
        };
        check_hinted(agent, &hints, false, expected);
    };
    check(
        WINDOWS,
        ["Google Chrome", "Windows", "15.0.0"],
        ["Chrome", "142", "Windows", "11", "Desktop"],
    );
    check(WINDOWS, ["Brave", "Windows", "10.0.0"], ["Brave", "142", "Windows", "10", "Desktop"]);
    check(WINDOWS, ["Vivaldi", "Windows", ""], ["Vivaldi", "142", "Windows", "10", "Desktop"]);
    check(WINDOWS, ["Opera GX", "Windows", "0.1.0"], ["Opera", "142", "Windows", "10", "Desktop"]);
    check(MAC, ["Google Chrome", "macOS", "15.6.1"], ["Chrome", "142", "macOS", "15", "Desktop"]);
    check(
        ANDROID,
        ["Google Chrome", "Android", "16.0.0"],
        ["Chrome", "142", "Android", "16", "Mobile"],
    );
    check(ANDROID, ["Jane's", "Android", ""], ["Chrome", "142", "Android", "", "Mobile"]);
    // The version of another system than the agent's is not its version.
    check(ANDROID, ["Google Chrome", "Linux", "16"], ["Chrome", "142", "Android", "", "Mobile"]);
    // What the agent says of an app stands.
    check(
        &format!("{ANDROID} Instagram 400.0.0"),
        ["Android WebView", "Android", "16.0.0"],
        ["Instagram", "400", "Android", "16", "Mobile"],
    );
    check(
        &format!("{WINDOWS} Edg/142.0"),
        ["DuckDuckGo", "Windows", "14"],
        ["DuckDuckGo", "142", "Windows", "11", "Desktop"],
    );
}

#[test]
fn hints_name_the_device_where_the_agent_does_not() {
    const CHROME: &str = "Mozilla/5.0 (Unknown) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    let check = |mobile: &str, platform: &str, expected: [&str; 3]| {
        let hints = RawHints {
            brands: RawText::new("\"Chromium\";v=\"142\""),
            mobile: RawText::new(mobile),
            platform: RawText::new(platform),
            platform_version: RawText::new("\"16\""),
        };
        let [os, version, device] = expected;
        check_hinted(CHROME, &hints, false, ["Chrome", "142", os, version, device]);
    };
    check("?1", "\"Android\"", ["Android", "16", "Mobile"]);
    check("?0", "\"Android\"", ["Android", "16", "Tablet"]);
    check("?0", "\"Chrome OS\"", ["ChromeOS", "", "Desktop"]);
    check("?1", "\"Jane's\"", ["", "", "Mobile"]);
    check("", "", ["", "", ""]);
}

#[test]
fn a_mac_that_takes_fingers_is_an_ipad() {
    const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15";
    const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/142 Version/11.1.1 Safari/605.1.15";
    let none = RawHints::default;
    check_hinted(SAFARI, &none(), true, ["Safari", "18", "iPadOS", "18", "Tablet"]);
    check_hinted(SAFARI, &none(), false, ["Safari", "18", "macOS", "", "Desktop"]);
    check_hinted(CHROME, &none(), false, ["Chrome", "142", "iPadOS", "", "Tablet"]);
    // Chrome on a Mac has hints; on an iPad it has none.
    let hints = RawHints { brands: RawText::new("\"Chromium\";v=\"142\""), ..none() };
    check_hinted(SAFARI, &hints, true, ["Safari", "18", "macOS", "", "Desktop"]);
    // Fingers say nothing of other systems.
    check_hinted(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0",
        &none(),
        true,
        ["Firefox", "145", "Windows", "10", "Desktop"],
    );
}

#[test]
fn an_agent_that_comes_again_is_told_the_same() {
    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
    for _ in 0..2 {
        check(CHROME, ["Chrome", "142", "Windows", "10", "Desktop"]);
        assert!(agent_of("curl/8.5.0", &RawHints::default(), false).is_err());
        let hints = RawHints { brands: RawText::new("\"Brave\";v=\"142\""), ..Default::default() };
        check_hinted(CHROME, &hints, false, ["Brave", "142", "Windows", "10", "Desktop"]);
    }
}

#[test]
fn words_inside_other_words_are_no_robots() {
    for agent in [
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/22G86 [FBAN/FBIOS;FBAV/530.0;FBCR/OrangeBotswana]",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36 (Ecosia android@142.0.0.0)",
        "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; Trident/6.0)",
        "Mozilla/5.0 (Linux; Android 6.0; IDbot553 Build/MRA58K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/59.0.3071.125 Mobile Safari/537.36",
        "Mozilla/5.0 (Windows NT 6.3; rv:50.0) Gecko/20100101 Firefox/50.0 FirePHP/0.7.4",
    ] {
        assert!(agent_of(agent, &RawHints::default(), false).is_ok(), "{agent}");
    }
}
