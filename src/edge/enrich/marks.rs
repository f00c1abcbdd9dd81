//! The words that user agents go by: robots, and what woothee does not know.
//!
//! Matched in any case, anywhere; of those that begin at one place the longest stands. The names on
//! the right are the only ones that come out.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// What a word in an agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is a robot, a library, a preview or a monitor.
    Bot,
    /// Nothing: it only looks like another word of these.
    Nothing,
    /// A browser; its version follows.
    Browser(&'static str),
    /// A system; its version follows.
    System(&'static str),
    /// A system, and a kind of device.
    Machine(&'static str, Device),
    /// A kind of device.
    Device(Device),
    /// A phone, or a browser's mobile version.
    Mobile,
}

/// A kind of device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Device {
    Console,
    Desktop,
    Mobile,
    Tablet,
    Tv,
}

impl Device {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Console => "Console",
            Self::Desktop => "Desktop",
            Self::Mobile => "Mobile",
            Self::Tablet => "Tablet",
            Self::Tv => "TV",
        }
    }
}

/// Robots, libraries, previews, monitors: no person looks at the page.
const BOTS: &[&str] = &[
    // What they call themselves; nearly every one has one of these.
    "bot",
    "crawl",
    "spider",
    "slurp",
    "scrape",
    "scraping",
    "harvest",
    "archiver",
    "http://",
    "https://",
    "www.",
    "headless",
    "monitor",
    "preview",
    "scanner",
    "validator",
    "checker",
    "@",
    "(compatible;)",
    "subscribers",
    "feed parser",
    "feedparser",
    "fetcher",
    "prerender",
    "extractor",
    "grabber",
    // Search, advertising, AI.
    "adsbot",
    "apis-google",
    "mediapartners",
    "google favicon",
    "google-",
    "googleother",
    "googleweblight",
    "googleimageproxy",
    "duplexweb",
    "bingpreview",
    "yahoomailproxy",
    "anthropic",
    "chatgpt-user",
    "claude-user",
    "claude-web",
    "cohere-ai",
    "duckassist",
    "meta-externalagent",
    "mistralai",
    "perplexity",
    "ia_archiver",
    "yeti/",
    "heritrix",
    "nutch",
    // Links shown in chats and feeds.
    "facebookexternalhit",
    "facebookcatalog",
    "whatsapp/",
    "embedly",
    "iframely",
    "vkshare",
    "skypeuri",
    "feedburner",
    "feedly",
    "feedbin",
    "newsblur",
    "inoreader",
    "netvibes",
    "simplepie",
    "rssreader",
    "rss reader",
    "rssowl",
    "liferea",
    "akregator",
    "magpierss",
    // Tests and measurements.
    "lighthouse",
    "pagespeed",
    "gtmetrix",
    "pingdom",
    "ptst/",
    "webpagetest",
    "sitespeed",
    "uptime",
    "statuscake",
    "site24x7",
    "newrelicpinger",
    "datadog",
    "checkly",
    "freshping",
    "hetrix",
    "nagios",
    "check_http",
    "zabbix",
    "kube-probe",
    "healthcheck",
    "googlehc",
    "cloudfront",
    "phantomjs",
    "slimerjs",
    "puppeteer",
    "playwright",
    "selenium",
    "webdriver",
    "cypress",
    "htmlunit",
    "jsdom",
    // Libraries and command lines.
    "curl/",
    "libcurl",
    "wget",
    "aria2",
    "httrack",
    "webcopier",
    "webzip",
    "libwww",
    "lwp",
    "perl/",
    "mechanize",
    "python",
    "aiohttp",
    "httpx",
    "scrapy",
    "colly",
    "go-http",
    "okhttp",
    "axios",
    "node-fetch",
    "node.js",
    "nodejs",
    "undici",
    "guzzle",
    "php/",
    "ruby/",
    "faraday",
    "http_request",
    "http-client",
    "httpclient",
    "http client",
    "httpunit",
    "restsharp",
    "reqwest",
    "hyper/",
    "postman",
    "insomnia",
    "cfnetwork",
    "dalvik/",
    "jakarta",
    "winhttp",
    "powershell",
    "deno/",
    "bun/",
    "urlgrabber",
    "java/1",
    "wordpress",
    // Search-engine optimisers and those who look for holes.
    "ahrefs",
    "semrush",
    "majestic",
    "screaming frog",
    "sitebulb",
    "xenu",
    "serpstat",
    "sistrix",
    "siteimprove",
    "netcraft",
    "censys",
    "shodan",
    "expanse",
    "zgrab",
    "masscan",
    "nmap",
    "nikto",
    "sqlmap",
    "nuclei",
    "wpscan",
    "acunetix",
    "nessus",
    "openvas",
    "qualys",
    "barkrowler",
    "zoominfo",
    "dataprovider",
    "trendiction",
    "turnitin",
    "panscient",
    "admantx",
    "proximic",
];

const OTHERS: &[(&str, Mark)] = &[
    ("cubot", Mark::Nothing),
    ("tablet pc", Mark::Nothing),
    ("like iphone", Mark::Nothing),
    // Browsers that are another one below.
    ("brave/", Mark::Browser("Brave")),
    ("coc_coc_browser/", Mark::Browser("Cốc Cốc")),
    ("ddg/", Mark::Browser("DuckDuckGo")),
    ("duckduckgo/", Mark::Browser("DuckDuckGo")),
    ("ecosia ", Mark::Browser("Ecosia")),
    ("edg/", Mark::Browser("Edge")),
    ("edga/", Mark::Browser("Edge")),
    ("edge/", Mark::Browser("Edge")),
    ("edgios/", Mark::Browser("Edge")),
    ("epiphany/", Mark::Browser("GNOME Web")),
    ("falkon/", Mark::Browser("Falkon")),
    ("firefox klar/", Mark::Browser("Firefox Focus")),
    ("focus/", Mark::Browser("Firefox Focus")),
    ("heytapbrowser/", Mark::Browser("HeyTap Browser")),
    ("huaweibrowser/", Mark::Browser("Huawei Browser")),
    ("konqueror/", Mark::Browser("Konqueror")),
    ("librewolf/", Mark::Browser("LibreWolf")),
    ("maxthon/", Mark::Browser("Maxthon")),
    ("miuibrowser/", Mark::Browser("Mi Browser")),
    ("mqqbrowser/", Mark::Browser("QQ Browser")),
    ("opera mini/", Mark::Browser("Opera Mini")),
    ("opr/", Mark::Browser("Opera")),
    ("opt/", Mark::Browser("Opera")),
    ("opx/", Mark::Browser("Opera")),
    ("palemoon/", Mark::Browser("Pale Moon")),
    ("puffin/", Mark::Browser("Puffin")),
    ("qqbrowser/", Mark::Browser("QQ Browser")),
    ("quark/", Mark::Browser("Quark")),
    ("seamonkey/", Mark::Browser("SeaMonkey")),
    ("silk/", Mark::Browser("Silk")),
    ("ubrowser/", Mark::Browser("UC Browser")),
    ("ucbrowser/", Mark::Browser("UC Browser")),
    ("vivobrowser/", Mark::Browser("Vivo Browser")),
    ("waterfox/", Mark::Browser("Waterfox")),
    ("whale/", Mark::Browser("Whale")),
    // Browsers inside apps.
    ("bytedancewebview/", Mark::Browser("TikTok")),
    ("fban/", Mark::Browser("Facebook")),
    ("fbav/", Mark::Browser("Facebook")),
    ("fb_iab/", Mark::Browser("Facebook")),
    ("instagram ", Mark::Browser("Instagram")),
    ("kakaotalk", Mark::Browser("KakaoTalk")),
    ("line/", Mark::Browser("LINE")),
    ("linkedinapp", Mark::Browser("LinkedIn")),
    ("micromessenger/", Mark::Browser("WeChat")),
    ("musical_ly", Mark::Browser("TikTok")),
    ("pinterest/", Mark::Browser("Pinterest")),
    ("snapchat/", Mark::Browser("Snapchat")),
    ("snapchat ", Mark::Browser("Snapchat")),
    ("trill_", Mark::Browser("TikTok")),
    ("twitter for", Mark::Browser("X")),
    ("twitterandroid", Mark::Browser("X")),
    // Systems.
    ("harmonyos", Mark::System("HarmonyOS")),
    ("openharmony", Mark::System("HarmonyOS")),
    ("arkweb", Mark::System("HarmonyOS")),
    ("ipad", Mark::Machine("iPadOS", Device::Tablet)),
    ("kaios/", Mark::Machine("KaiOS", Device::Mobile)),
    ("nintendo", Mark::Machine("Nintendo", Device::Console)),
    ("playstation", Mark::Machine("PlayStation", Device::Console)),
    ("tizen", Mark::System("Tizen")),
    ("web0s", Mark::Machine("webOS", Device::Tv)),
    ("webos.tv", Mark::Machine("webOS", Device::Tv)),
    ("xbox", Mark::Machine("Xbox", Device::Console)),
    // Devices.
    ("android tv", Mark::Device(Device::Tv)),
    ("apple tv", Mark::Device(Device::Tv)),
    ("appletv", Mark::Device(Device::Tv)),
    ("bravia", Mark::Device(Device::Tv)),
    ("chromecast", Mark::Device(Device::Tv)),
    ("crkey", Mark::Device(Device::Tv)),
    ("googletv", Mark::Device(Device::Tv)),
    ("hbbtv", Mark::Device(Device::Tv)),
    ("netcast", Mark::Device(Device::Tv)),
    ("roku", Mark::Device(Device::Tv)),
    ("smart tv", Mark::Device(Device::Tv)),
    ("smart-tv", Mark::Device(Device::Tv)),
    ("smarttv", Mark::Device(Device::Tv)),
    ("viera", Mark::Device(Device::Tv)),
    ("; aft", Mark::Device(Device::Tv)),
    ("kindle", Mark::Device(Device::Tablet)),
    ("playbook", Mark::Device(Device::Tablet)),
    ("tablet", Mark::Device(Device::Tablet)),
    ("mobile", Mark::Mobile),
];

struct Marks {
    words: AhoCorasick,
    marks: Vec<Mark>,
}

static MARKS: LazyLock<Marks> = LazyLock::new(|| {
    let bots = BOTS.iter().map(|word| (*word, Mark::Bot));
    let (words, marks): (Vec<_>, Vec<_>) = bots.chain(OTHERS.iter().copied()).unzip();
    let words = AhoCorasick::builder()
        .kind(Some(AhoCorasickKind::DFA))
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(words)
        .expect("a few hundred short words make an automaton");
    Marks { words, marks }
});

/// The marks in `agent`, from the left, each with what follows it.
pub(super) fn marks_of(agent: &str) -> impl Iterator<Item = (Mark, &str)> {
    let table = &*MARKS;
    let found = table.words.find_iter(agent);
    found.map(|it| (table.marks[it.pattern().as_usize()], &agent[it.end()..]))
}
