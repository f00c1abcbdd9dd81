//! Wrapping a mailing's HTML: its links are kept, and lead through the listener.

use url::Url;

use super::{MailingError, find};
use crate::console::state::{Mailing, NewLink, StateDb};
use crate::edge::{MailingUrls, allowed_host};
use crate::limits;
use crate::mailing::{Listener, Target, Warning, Wrapped, wrap};

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrapRequest {
    /// The mailing's HTML.
    pub html: String,
    /// Where the listener, or the proxy before it, is found: `https://stats.example.com`.
    pub url: String,
    /// What the sender's mail merge puts a recipient's token for; none: `{{token}}`.
    #[serde(default)]
    pub field: Option<String>,
    /// `bottom`, if none, or `top`.
    #[serde(default)]
    pub pixel: Option<String>,
}

/// What became of it.
pub(in crate::console) struct Done {
    pub(in crate::console) html: String,
    pub(in crate::console) links: Vec<DoneLink>,
    pub(in crate::console) warnings: Vec<Warning>,
}

/// One of its destinations.
pub(in crate::console) struct DoneLink {
    /// Its number; none: it was left as it is, since its host is not allowed.
    pub(in crate::console) number: Option<u16>,
    pub(in crate::console) destination: String,
    pub(in crate::console) times: usize,
    pub(in crate::console) share: bool,
}

/// What a token's field is, where the sender does not say.
const FIELD: &str = "{{token}}";

/// Wraps the HTML for a mailing, whose links are those afterwards that it had and these.
pub(in crate::console) fn run(
    state: &StateDb,
    id: &str,
    asked: &WrapRequest,
) -> Result<Done, MailingError> {
    let mailing = find(state, id)?;
    if asked.html.len() > limits::MAILING_BYTES_MAX {
        return Err(MailingError::invalid(format!(
            "html: at most {} bytes",
            limits::MAILING_BYTES_MAX
        )));
    }
    let base = base(&asked.url)?;
    let token = field(&mailing, asked.field.as_deref())?;
    let pixel_first = match asked.pixel.as_deref() {
        None | Some("bottom") => false,
        Some("top") => true,
        Some(_) => return Err(MailingError::invalid("pixel: top or bottom")),
    };
    let key = mailing.links();
    let urls = MailingUrls { base: &base, mailing: mailing.id, token };
    let (pixel, stop) = (urls.pixel(key.of_pixel(mailing.id)), urls.stop());
    let listener =
        Listener { base: &base, pixel: Some(&pixel), pixel_first, stop: stop.as_deref() };
    let hosts = mailing.allowed();
    let refused = |error: crate::mailing::WrapError| MailingError::invalid(error.to_string());

    // First what there is, so that each link has its number; then with their URLs.
    let found = wrap(&asked.html, listener, |_| None).map_err(refused)?;
    let wanted = found.links.iter().filter(|link| allowed_host(&link.destination, &hosts));
    let new: Vec<NewLink> = wanted.map(|link| new_link(&mailing, link)).collect();
    let numbers = state.add_mailing_links(mailing.id, &new)?.ok_or_else(|| {
        MailingError::invalid(format!(
            "html: a mailing has at most {} links",
            limits::MAILING_LINKS_MAX
        ))
    })?;
    let number_of = |url: &str, share: bool| {
        let destination = tagged(&mailing, url);
        let at = new.iter().position(|it| it.destination == destination && it.share == share)?;
        numbers.get(at).copied()
    };
    let url_of = |target: &Target<'_>| {
        let number = number_of(target.url, target.share)?;
        let mac = key.of_link(mailing.id, number, &tagged(&mailing, target.url));
        Some(urls.link(number, mac, target.share))
    };
    let Wrapped { html, links, warnings } = wrap(&asked.html, listener, url_of).map_err(refused)?;
    let links = links.into_iter().map(|link| DoneLink {
        number: number_of(&link.destination, link.share),
        destination: link.destination,
        times: link.times,
        share: link.share,
    });
    Ok(Done { html, links: links.collect(), warnings })
}

fn new_link(mailing: &Mailing, link: &crate::mailing::Link) -> NewLink {
    let text = link.text.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    let text = text.trim();
    let label = if text.is_empty() { link.destination.clone() } else { text.to_owned() };
    NewLink { destination: tagged(mailing, &link.destination), label, share: link.share }
}

/// A link to the site's own pages carries the campaign, so that the visits that come by it are
/// known for it. One that carries some already keeps them.
fn tagged(mailing: &Mailing, url: &str) -> String {
    let host = mailing.site.as_str().split(['/', ':']).next().unwrap_or_default();
    let own = [host.to_owned(), format!("*.{host}")];
    let Ok(mut parsed) = Url::parse(url) else { return url.to_owned() };
    let has = parsed.query_pairs().any(|(name, _)| name.starts_with("utm_"));
    if has || !allowed_host(url, &own) {
        return url.to_owned();
    }
    parsed
        .query_pairs_mut()
        .append_pair("utm_source", "newsletter")
        .append_pair("utm_medium", "email")
        .append_pair("utm_campaign", &mailing.campaign);
    parsed.to_string()
}

/// What the mailing's URLs begin with.
fn base(url: &str) -> Result<String, MailingError> {
    let wrong = || {
        MailingError::invalid(
            "url: where the listener is found from outside, such as https://stats.example.com",
        )
    };
    let parsed = Url::parse(url.trim()).map_err(|_| wrong())?;
    let bare = parsed.path() == "/" && parsed.query().is_none() && parsed.fragment().is_none();
    let plain = parsed.username().is_empty() && parsed.password().is_none();
    if !bare || !plain || !matches!(parsed.scheme(), "http" | "https") || !parsed.has_host() {
        return Err(wrong());
    }
    Ok(parsed.as_str().trim_end_matches('/').to_owned())
}

/// What stands in the URLs for a recipient's token.
fn field<'a>(mailing: &Mailing, given: Option<&'a str>) -> Result<&'a str, MailingError> {
    if !mailing.has_tokens() {
        return match given {
            None => Ok(""),
            Some(_) => Err(MailingError::invalid(
                "field: this mailing is in aggregate mode: all recipients get the same links",
            )),
        };
    }
    let field = given.unwrap_or(FIELD);
    let fits = |c: char| {
        c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '<' | '>' | '&' | '/' | '?' | '#')
    };
    if field.is_empty() || field.len() > 64 || !field.chars().all(fits) {
        return Err(MailingError::invalid(
            "field: what the mail merge puts a token for, such as {{token}} or *|TOKEN|*; without \
             spaces and < > & \" ' / ? #",
        ));
    }
    Ok(field)
}
