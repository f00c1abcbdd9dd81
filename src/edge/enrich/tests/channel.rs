//! Each channel: what belongs to it, and what nearly does.

use super::super::channel::Channel;
use super::super::page::page_url;
use super::super::source::source_of;

/// A visit to `/?query` from `referrer`, and its channel: a rule a line, near misses behind it.
const RULES: &[(&str, &str, Channel)] = &[
    // Cross-network: the campaign says so, whatever else there is.
    ("utm_source=google&utm_medium=cpc&utm_campaign=x-Cross-Network-y", "", Channel::CrossNetwork),
    ("utm_campaign=cross-network", "https://facebook.com/", Channel::CrossNetwork),
    ("utm_source=google&utm_medium=cpc&utm_campaign=cross_network", "", Channel::PaidSearch),
    ("utm_source=cross-network", "", Channel::Referral),
    // Paid Shopping: a shop or a campaign for one, and a paid medium.
    ("utm_source=amazon&utm_medium=cpc", "", Channel::PaidShopping),
    ("utm_source=google&utm_medium=ppc&utm_campaign=shopping", "", Channel::PaidShopping),
    ("utm_source=google&utm_medium=ppc&utm_campaign=e-shop", "", Channel::PaidShopping),
    ("utm_source=google&utm_medium=cpc&utm_campaign=bishops", "", Channel::PaidSearch),
    ("utm_source=amazon&utm_medium=email", "", Channel::OrganicShopping),
    // Paid Search: a search engine, and a paid medium or the id of an advertisement's click.
    ("utm_source=google&utm_medium=CPC", "", Channel::PaidSearch),
    ("utm_source=bing&utm_medium=paidsearch", "", Channel::PaidSearch),
    ("utm_source=google&utm_medium=retargeting", "", Channel::PaidSearch),
    ("gclid=Cj0KC", "https://www.google.com/", Channel::PaidSearch),
    ("gclid=Cj0KC", "", Channel::PaidSearch),
    ("gbraid=0AAA", "", Channel::PaidSearch),
    ("wbraid=Cj0K", "", Channel::PaidSearch),
    ("gad_source=1", "", Channel::PaidSearch),
    ("msclkid=7f", "https://www.bing.com/", Channel::PaidSearch),
    ("msclkid=7f", "https://duckduckgo.com/", Channel::PaidSearch),
    ("yclid=2", "", Channel::PaidSearch),
    ("gclid=", "https://www.google.com/", Channel::OrganicSearch),
    ("srsltid=Afm", "https://www.google.com/", Channel::OrganicSearch),
    ("ysclid=l", "", Channel::OrganicSearch),
    ("utm_source=google&utm_medium=unpaid", "", Channel::OrganicSearch),
    ("utm_source=newsletter&utm_medium=email&gclid=Cj0KC", "", Channel::Email),
    // Paid Social: a social network, and the same.
    ("utm_source=facebook&utm_medium=paid-social", "", Channel::PaidSocial),
    ("utm_source=ig&utm_medium=paid", "", Channel::PaidSocial),
    ("ttclid=E", "", Channel::PaidSocial),
    ("twclid=2", "https://t.co/x", Channel::PaidSocial),
    ("li_fat_id=4", "", Channel::PaidSocial),
    ("rdt_cid=5", "", Channel::PaidSocial),
    ("epik=dj0", "", Channel::PaidSocial),
    ("ScCid=a", "", Channel::PaidSocial),
    ("qclid=a", "", Channel::PaidSocial),
    ("fbclid=IwAR", "", Channel::OrganicSocial),
    ("igsh=M", "", Channel::OrganicSocial),
    ("utm_source=facebook&utm_medium=social&ttclid=E", "", Channel::OrganicSocial),
    // Paid Video.
    ("utm_source=youtube&utm_medium=cpv", "", Channel::PaidVideo),
    ("utm_source=youtube&utm_medium=cpc", "", Channel::PaidVideo),
    ("utm_source=youtube&utm_medium=cpm", "", Channel::PaidVideo),
    ("gclid=Cj0KC", "https://www.youtube.com/", Channel::PaidVideo),
    ("utm_source=youtube", "", Channel::OrganicVideo),
    // Display.
    ("utm_source=site&utm_medium=banner", "", Channel::Display),
    ("utm_source=site&utm_medium=cpm", "", Channel::Display),
    ("utm_source=site&utm_medium=interstitial", "", Channel::Display),
    ("dclid=Cj", "", Channel::Display),
    ("utm_source=site&utm_medium=banners", "", Channel::Referral),
    // Paid Other: paid, and of a source that is none of those.
    ("utm_source=site&utm_medium=retargeting", "", Channel::PaidOther),
    ("utm_source=claude.ai&utm_medium=cpc", "", Channel::PaidOther),
    ("gclid=Cj0KC", "https://example.org/", Channel::PaidOther),
    ("dicbo=v4", "", Channel::PaidOther),
    ("utm_source=site&utm_medium=prepaid", "", Channel::Referral),
    // AI Assistants.
    ("", "https://chatgpt.com/", Channel::Assistants),
    ("utm_source=chatgpt.com", "", Channel::Assistants),
    ("utm_source=perplexity&utm_medium=organic", "", Channel::Assistants),
    ("", "https://copilot.microsoft.com/", Channel::Assistants),
    ("", "https://gemini.google.com/app", Channel::Assistants),
    ("", "https://www.google.com/", Channel::OrganicSearch),
    ("", "https://mychatgpt.com/", Channel::Referral),
    // Organic Shopping.
    ("utm_source=etsy", "", Channel::OrganicShopping),
    ("", "https://www.amazon.co.uk/dp/1", Channel::OrganicShopping),
    ("utm_source=x&utm_campaign=e-shop-opening", "", Channel::OrganicShopping),
    ("utm_source=site&utm_campaign=workshop", "", Channel::Referral),
    // Organic Social.
    ("", "https://l.facebook.com/", Channel::OrganicSocial),
    ("", "android-app://com.linkedin.android/", Channel::OrganicSocial),
    ("utm_source=site&utm_medium=social-media", "", Channel::OrganicSocial),
    ("utm_source=site&utm_medium=sm", "", Channel::OrganicSocial),
    ("utm_source=site&utm_medium=socials", "", Channel::Referral),
    // Organic Video.
    ("", "https://youtu.be/x", Channel::OrganicVideo),
    ("utm_source=site&utm_medium=product-video", "", Channel::OrganicVideo),
    ("utm_source=site&utm_medium=vide", "", Channel::Referral),
    // Organic Search.
    ("", "https://www.bing.com/search?q=x", Channel::OrganicSearch),
    ("", "https://search.brave.com/", Channel::OrganicSearch),
    ("utm_source=site&utm_medium=organic", "", Channel::OrganicSearch),
    ("", "https://docs.google.com/", Channel::Referral),
    ("utm_source=site&utm_medium=organic-search", "", Channel::Referral),
    // Email.
    ("utm_source=site&utm_medium=e-mail", "", Channel::Email),
    ("utm_source=site&utm_medium=E+mail", "", Channel::Email),
    ("utm_source=newsletter", "", Channel::Email),
    ("", "https://mail.google.com/", Channel::Email),
    ("utm_source=site&utm_medium=mail", "", Channel::Referral),
    // Affiliates.
    ("utm_source=site&utm_medium=affiliate", "", Channel::Affiliates),
    ("utm_source=site&utm_medium=affiliates", "", Channel::Affiliates),
    ("awc=12_3", "", Channel::Affiliates),
    ("irclickid=a", "https://example.org/", Channel::Affiliates),
    ("utm_source=site&utm_medium=affiliated", "", Channel::Referral),
    // Audio.
    ("utm_source=site&utm_medium=audio", "", Channel::Audio),
    ("utm_source=site&utm_medium=audiobook", "", Channel::Referral),
    // SMS.
    ("utm_source=sms", "", Channel::Sms),
    ("utm_medium=sms", "", Channel::Sms),
    ("utm_source=sms&utm_medium=link", "", Channel::Referral),
    ("utm_source=site&utm_medium=mms", "", Channel::Referral),
    // Mobile Push Notifications.
    ("utm_source=site&utm_medium=web-push", "", Channel::MobilePush),
    ("utm_source=site&utm_medium=mobile-app", "", Channel::MobilePush),
    ("utm_source=site&utm_medium=notifications", "", Channel::MobilePush),
    ("utm_source=firebase", "", Channel::MobilePush),
    ("utm_source=site&utm_medium=pushes", "", Channel::Referral),
    // Referral: a medium that says so, or a source that nothing else is known of.
    ("utm_medium=referral", "", Channel::Referral),
    ("utm_medium=app", "", Channel::Referral),
    ("utm_source=site", "", Channel::Referral),
    ("", "https://example.org/", Channel::Referral),
    // Direct: nothing, or nothing that says from where.
    ("", "", Channel::Direct),
    ("utm_campaign=spring", "", Channel::Direct),
    ("utm_medium=referrals", "", Channel::Direct),
    ("", "https://www.example.com/other", Channel::Direct),
];

#[test]
fn each_channel_has_what_belongs_to_it_and_nothing_else() {
    for (query, referrer, expected) in RULES {
        let page = page_url(&format!("https://example.com/?{query}"), "").unwrap();
        let source = source_of(&page.campaign, referrer, "example.com");
        assert_eq!(source.channel.as_str(), expected.name(), "?{query} from {referrer:?}");
    }
}

#[test]
fn there_is_a_rule_for_each_channel() {
    for channel in Channel::ALL {
        assert!(RULES.iter().any(|(_, _, it)| it == channel), "{channel:?}");
        let same = Channel::ALL.iter().filter(|it| it.name() == channel.name());
        assert_eq!(same.count(), 1, "{channel:?} shares its name");
    }
}
