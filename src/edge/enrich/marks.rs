//! The words that user agents go by: robots, and what woothee does not know or takes for another.
//!
//! Matched in any case, anywhere; of those that begin at one place the longest stands. The names on
//! the right are the only ones that come out.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::robots::{BOTS, HEADLESS};

/// What a word in an agent says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// It is a robot, a library, a preview or a monitor.
    Bot,
    /// It is a browser that a program drives.
    Headless,
    /// Nothing: it only looks like another word of these.
    Nothing,
    /// A browser; its version follows.
    Browser(&'static str),
    /// The version of the app that is named before it, else of this one.
    Version(&'static str),
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

const OTHERS: &[(&str, Mark)] = &[
    ("@calendar", Mark::Nothing),
    ("botswana", Mark::Nothing),
    ("cubot", Mark::Nothing),
    ("idbot", Mark::Nothing),
    ("firephp/", Mark::Nothing),
    ("compatible; konqueror", Mark::Browser("Konqueror")),
    ("compatible; linux", Mark::Nothing),
    ("compatible; msie", Mark::Nothing),
    ("compatible; opera", Mark::Nothing),
    ("compatible; windows", Mark::Nothing),
    ("tablet pc", Mark::Nothing),
    ("like iphone", Mark::Nothing),
    // Browsers that are another one below.
    ("alohabrowser", Mark::Browser("Aloha")),
    ("avast/", Mark::Browser("Avast Secure Browser")),
    ("avg/", Mark::Browser("AVG Secure Browser")),
    ("avastsecurebrowser/", Mark::Browser("Avast Secure Browser")),
    ("baidubrowser", Mark::Browser("Baidu")),
    (" brave", Mark::Browser("Brave")),
    ("ccleaner/", Mark::Browser("CCleaner Browser")),
    ("coc_coc_browser/", Mark::Browser("Cốc Cốc")),
    ("ddg/", Mark::Browser("DuckDuckGo")),
    ("dolphin", Mark::Browser("Dolphin")),
    ("duckduckgo/", Mark::Browser("DuckDuckGo")),
    ("ecosia ", Mark::Browser("Ecosia")),
    ("ecosia android@", Mark::Browser("Ecosia")),
    ("ecosia ios@", Mark::Browser("Ecosia")),
    ("edg/", Mark::Browser("Edge")),
    ("edga/", Mark::Browser("Edge")),
    ("edge/", Mark::Browser("Edge")),
    ("edgios/", Mark::Browser("Edge")),
    ("epiphany/", Mark::Browser("GNOME Web")),
    ("falkon/", Mark::Browser("Falkon")),
    ("firefox klar/", Mark::Browser("Firefox Focus")),
    ("focus/", Mark::Browser("Firefox Focus")),
    ("fxios/", Mark::Browser("Firefox")),
    ("heytapbrowser/", Mark::Browser("HeyTap Browser")),
    ("huaweibrowser/", Mark::Browser("Huawei Browser")),
    ("konqueror/", Mark::Browser("Konqueror")),
    ("ladybird/", Mark::Browser("Ladybird")),
    ("librewolf/", Mark::Browser("LibreWolf")),
    ("maxthon", Mark::Browser("Maxthon")),
    ("miuibrowser/", Mark::Browser("Mi Browser")),
    ("mint browser/", Mark::Browser("Mint Browser")),
    ("mqqbrowser", Mark::Browser("QQ Browser")),
    ("mullvadbrowser/", Mark::Browser("Mullvad Browser")),
    ("mxbrowser/", Mark::Browser("Maxthon")),
    ("nintendobrowser/", Mark::Browser("Nintendo Browser")),
    ("norton/", Mark::Browser("Norton Private Browser")),
    ("oculusbrowser/", Mark::Browser("Meta Quest Browser")),
    ("opera mini/", Mark::Browser("Opera Mini")),
    ("opios/", Mark::Browser("Opera Mini")),
    ("opr/", Mark::Browser("Opera")),
    ("opt/", Mark::Browser("Opera")),
    ("opx/", Mark::Browser("Opera")),
    ("palemoon/", Mark::Browser("Pale Moon")),
    ("phx/", Mark::Browser("Phoenix")),
    ("puffin/", Mark::Browser("Puffin")),
    ("qqbrowser", Mark::Browser("QQ Browser")),
    ("quark/", Mark::Browser("Quark")),
    ("samsungbrowser/", Mark::Browser("Samsung Internet")),
    ("sailfishbrowser/", Mark::Browser("Sailfish Browser")),
    ("seamonkey/", Mark::Browser("SeaMonkey")),
    ("silk/", Mark::Browser("Silk")),
    ("sznprohlizec/", Mark::Browser("Seznam")),
    ("ubrowser/", Mark::Browser("UC Browser")),
    ("ucbrowser", Mark::Browser("UC Browser")),
    ("ucweb", Mark::Browser("UC Browser")),
    ("vivobrowser/", Mark::Browser("Vivo Browser")),
    ("waterfox/", Mark::Browser("Waterfox")),
    ("yasearchbrowser/", Mark::Browser("Yandex Browser")),
    ("whale/", Mark::Browser("Whale")),
    // Browsers inside apps.
    ("alipayclient/", Mark::Browser("Alipay")),
    ("baiduboxapp/", Mark::Browser("Baidu")),
    ("barcelona ", Mark::Browser("Threads")),
    ("bytedancewebview/", Mark::Browser("TikTok")),
    ("dingtalk/", Mark::Browser("DingTalk")),
    ("fban/", Mark::Browser("Facebook")),
    ("fbav/", Mark::Version("Facebook")),
    ("fb_iab/", Mark::Browser("Facebook")),
    ("metaiab facebook", Mark::Browser("Facebook")),
    ("fban/messenger", Mark::Browser("Messenger")),
    ("fb_iab/messenger", Mark::Browser("Messenger")),
    ("fb_iab/orca", Mark::Browser("Messenger")),
    ("gsa/", Mark::Browser("Google App")),
    ("instagram ", Mark::Browser("Instagram")),
    ("kakaotalk", Mark::Browser("KakaoTalk")),
    (" line/", Mark::Browser("LINE")),
    ("linkedinapp", Mark::Browser("LinkedIn")),
    ("micromessenger/", Mark::Browser("WeChat")),
    ("musical_ly", Mark::Browser("TikTok")),
    ("naver(", Mark::Browser("Naver")),
    ("pinterest/", Mark::Browser("Pinterest")),
    ("slack/", Mark::Browser("Slack")),
    ("slack_ssb/", Mark::Browser("Slack")),
    ("snapchat", Mark::Browser("Snapchat")),
    ("telegram-android/", Mark::Browser("Telegram")),
    ("trill_", Mark::Browser("TikTok")),
    ("twitter for", Mark::Browser("X")),
    ("twitter for iphone", Mark::Browser("X")),
    ("twitterandroid", Mark::Browser("X")),
    ("vkandroidapp/", Mark::Browser("VK")),
    ("vkclient", Mark::Browser("VK")),
    ("__weibo__", Mark::Browser("Weibo")),
    ("zalo ", Mark::Browser("Zalo")),
    // Systems.
    ("harmonyos", Mark::System("HarmonyOS")),
    ("openharmony", Mark::System("HarmonyOS")),
    ("arkweb", Mark::System("HarmonyOS")),
    ("freebsd", Mark::System("BSD")),
    ("netbsd", Mark::System("BSD")),
    ("openbsd", Mark::System("BSD")),
    ("iph os ", Mark::System("iOS")),
    ("iphone os ", Mark::System("iOS")),
    ("ipad", Mark::Machine("iPadOS", Device::Tablet)),
    ("kaios/", Mark::Machine("KaiOS", Device::Mobile)),
    ("nintendo", Mark::Machine("Nintendo", Device::Console)),
    ("playstation", Mark::Machine("PlayStation", Device::Console)),
    ("sailfish", Mark::Machine("Sailfish OS", Device::Mobile)),
    ("series 60", Mark::Machine("Symbian", Device::Mobile)),
    ("series60", Mark::Machine("Symbian", Device::Mobile)),
    ("symbian/3", Mark::Machine("Symbian", Device::Mobile)),
    ("tizen", Mark::System("Tizen")),
    ("vidaa", Mark::Machine("VIDAA", Device::Tv)),
    ("web0s", Mark::Machine("webOS", Device::Tv)),
    ("webos.tv", Mark::Machine("webOS", Device::Tv)),
    ("webos/", Mark::System("webOS")),
    ("xbox", Mark::Machine("Xbox", Device::Console)),
    // Devices.
    ("android tv", Mark::Device(Device::Tv)),
    ("apple tv", Mark::Device(Device::Tv)),
    ("appletv", Mark::Device(Device::Tv)),
    ("bravia", Mark::Device(Device::Tv)),
    ("chromecast", Mark::Device(Device::Tv)),
    ("crkey", Mark::Device(Device::Tv)),
    ("devicetype/androidtv", Mark::Device(Device::Tv)),
    ("googletv", Mark::Device(Device::Tv)),
    ("hbbtv", Mark::Device(Device::Tv)),
    ("mibox", Mark::Device(Device::Tv)),
    ("mitv", Mark::Device(Device::Tv)),
    ("netcast", Mark::Device(Device::Tv)),
    ("netrange", Mark::Device(Device::Tv)),
    ("philipstv", Mark::Device(Device::Tv)),
    ("roku", Mark::Machine("Roku", Device::Tv)),
    ("smart tv", Mark::Device(Device::Tv)),
    ("smart-tv", Mark::Device(Device::Tv)),
    ("smarttv", Mark::Device(Device::Tv)),
    (" tv safari", Mark::Device(Device::Tv)),
    ("viera", Mark::Device(Device::Tv)),
    ("; aft", Mark::Device(Device::Tv)),
    ("kindle", Mark::Device(Device::Tablet)),
    ("playbook", Mark::Device(Device::Tablet)),
    ("tablet", Mark::Device(Device::Tablet)),
    ("(pc;", Mark::Device(Device::Desktop)),
    ("mobile", Mark::Mobile),
];

struct Marks {
    words: AhoCorasick,
    marks: Vec<Mark>,
}

static MARKS: LazyLock<Marks> = LazyLock::new(|| {
    let bots = BOTS.iter().map(|word| (*word, Mark::Bot));
    let headless = HEADLESS.iter().map(|word| (*word, Mark::Headless));
    let others = OTHERS.iter().copied();
    let (words, marks): (Vec<_>, Vec<_>) = bots.chain(headless).chain(others).unzip();
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
