//! The channel of a visit: the group that its source and medium belong to.
//!
//! The rules, their order and names are those of Google Analytics 4's default channel group
//! (<https://support.google.com/analytics/answer/9756891>), with AI assistants as a group of their
//! own; Plausible shows the same names. Google knows from its own networks which of its clicks were
//! paid for: here the id of an advertisement's click is a paid medium where the campaign names none.

use super::campaign::Campaign;
use super::click::ClickKind;
use super::source::Category;

const DISPLAY: &[&str] = &["display", "banner", "expandable", "interstitial", "cpm"];
const SOCIAL: &[&str] =
    &["social", "social-network", "social-media", "sm", "social network", "social media"];
const EMAIL: &[&str] = &["email", "e-mail", "e_mail", "e mail", "newsletter"];
const REFERRAL: &[&str] = &["referral", "app", "link"];

macro_rules! channels {
    ($($(#[$doc:meta])* $channel:ident = $name:literal,)*) => {
        /// A channel: there are no others.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Channel {
            $($(#[$doc])* $channel,)*
        }

        impl Channel {
            /// All of them, in the order in which they are looked for.
            #[cfg(test)]
            pub(super) const ALL: &[Self] = &[$(Self::$channel),*];

            /// What it is called.
            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$channel => $name,)*
                }
            }
        }
    };
}

channels! {
    CrossNetwork = "Cross-network",
    PaidShopping = "Paid Shopping",
    PaidSearch = "Paid Search",
    PaidSocial = "Paid Social",
    PaidVideo = "Paid Video",
    Display = "Display",
    PaidOther = "Paid Other",
    Assistants = "AI Assistants",
    OrganicShopping = "Organic Shopping",
    OrganicSocial = "Organic Social",
    OrganicVideo = "Organic Video",
    OrganicSearch = "Organic Search",
    Email = "Email",
    Affiliates = "Affiliates",
    Audio = "Audio",
    Sms = "SMS",
    MobilePush = "Mobile Push Notifications",
    Referral = "Referral",
    Direct = "Direct",
}

/// The channel; `source` is the source's name, empty for none, `category` what it is known as.
pub(super) fn channel_of(campaign: &Campaign, source: &str, category: Option<Category>) -> Channel {
    let medium = campaign.utm_medium.as_str().to_lowercase();
    let medium = medium.as_str();
    let name = campaign.utm_campaign.as_str().to_lowercase();
    let tag = source.to_lowercase();
    let is = |it| category == Some(it);
    // What the campaign says of itself wins over an id that a shared link still carries.
    let clicked = |it| medium.is_empty() && campaign.click.is_some_and(|click| click.kind == it);
    let paid = is_paid(medium) || clicked(ClickKind::Ad);
    let shopping = is(Category::Shopping) || is_shopping(&name);
    let affiliate = matches!(medium, "affiliate" | "affiliates");
    let rules = [
        (name.contains("cross-network"), Channel::CrossNetwork),
        (shopping && paid, Channel::PaidShopping),
        (is(Category::Search) && paid, Channel::PaidSearch),
        (is(Category::Social) && paid, Channel::PaidSocial),
        (is(Category::Video) && paid, Channel::PaidVideo),
        (DISPLAY.contains(&medium) || clicked(ClickKind::Display), Channel::Display),
        (paid, Channel::PaidOther),
        (is(Category::Assistant), Channel::Assistants),
        (shopping, Channel::OrganicShopping),
        (is(Category::Social) || SOCIAL.contains(&medium), Channel::OrganicSocial),
        (is(Category::Video) || medium.contains("video"), Channel::OrganicVideo),
        (is(Category::Search) || medium == "organic", Channel::OrganicSearch),
        (
            is(Category::Mail) || EMAIL.contains(&medium) || EMAIL.contains(&tag.as_str()),
            Channel::Email,
        ),
        (affiliate || clicked(ClickKind::Affiliate), Channel::Affiliates),
        (REFERRAL.contains(&medium), Channel::Referral),
        (medium == "audio", Channel::Audio),
        (medium == "sms" || tag == "sms", Channel::Sms),
        (is_push(medium) || tag == "firebase", Channel::MobilePush),
        (!source.is_empty(), Channel::Referral),
    ];
    rules.into_iter().find(|(holds, _)| *holds).map_or(Channel::Direct, |(_, channel)| channel)
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
