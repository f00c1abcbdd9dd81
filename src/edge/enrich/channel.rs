//! The channel of a visit: the group that its source and medium belong to.
//!
//! The rules, their order and names are those of Google Analytics 4's default channel group, with
//! AI assistants as a group of their own; Plausible shows the same names.

use super::campaign::{Campaign, ClickNetwork};
use super::source::Category;

const DISPLAY: &[&str] = &["display", "banner", "expandable", "interstitial", "cpm"];
const SOCIAL: &[&str] =
    &["social", "social-network", "social-media", "sm", "social network", "social media"];
const EMAIL: &[&str] = &["email", "e-mail", "e_mail", "e mail", "newsletter"];
const REFERRAL: &[&str] = &["referral", "app", "link"];

/// The channel; `source` is the source's name, empty for none, `category` what it is known as.
pub(super) fn channel_of(
    campaign: &Campaign,
    source: &str,
    category: Option<Category>,
) -> &'static str {
    let medium = campaign.utm_medium.as_str().to_lowercase();
    let medium = medium.as_str();
    let name = campaign.utm_campaign.as_str().to_lowercase();
    let tag = source.to_lowercase();
    let is = |it| category == Some(it);
    let paid = is_paid(medium);
    let clicked_ad = match campaign.click {
        Some(ClickNetwork::Google) => source == "Google",
        Some(ClickNetwork::Bing) => source == "Bing",
        _ => false,
    };
    let shopping = is(Category::Shopping) || is_shopping(&name);
    let rules = [
        (name.contains("cross-network"), "Cross-network"),
        (shopping && paid, "Paid Shopping"),
        ((is(Category::Search) && paid) || clicked_ad, "Paid Search"),
        (is(Category::Social) && paid, "Paid Social"),
        (is(Category::Video) && paid, "Paid Video"),
        (DISPLAY.contains(&medium), "Display"),
        (paid, "Paid Other"),
        (shopping, "Organic Shopping"),
        (is(Category::Social) || SOCIAL.contains(&medium), "Organic Social"),
        (is(Category::Video) || medium.contains("video"), "Organic Video"),
        (is(Category::Assistant), "AI Assistants"),
        (is(Category::Search) || medium == "organic", "Organic Search"),
        (is(Category::Mail) || EMAIL.contains(&medium) || EMAIL.contains(&tag.as_str()), "Email"),
        (matches!(medium, "affiliate" | "affiliates"), "Affiliates"),
        (medium == "audio", "Audio"),
        (medium == "sms" || tag == "sms", "SMS"),
        (is_push(medium) || tag == "firebase", "Mobile Push Notifications"),
        (REFERRAL.contains(&medium) || !source.is_empty(), "Referral"),
    ];
    rules.into_iter().find(|(holds, _)| *holds).map_or("Direct", |(_, channel)| channel)
}

fn is_paid(medium: &str) -> bool {
    medium.contains("cp") || medium.starts_with("paid") || matches!(medium, "ppc" | "retargeting")
}

/// `shopping` anywhere, or `shop` at the start of a word (or behind an e, as in e-shop).
fn is_shopping(campaign: &str) -> bool {
    let starts_word =
        |at: usize| !campaign[..at].ends_with(|c: char| c.is_ascii_lowercase() && c != 'e');
    campaign.contains("shopping") || campaign.match_indices("shop").any(|(at, _)| starts_word(at))
}

fn is_push(medium: &str) -> bool {
    medium.ends_with("push") || medium.contains("mobile") || medium.contains("notification")
}
