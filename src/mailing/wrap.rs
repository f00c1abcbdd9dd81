//! Wraps a mailing.

use std::collections::HashMap;
use std::ops::Range;

use thiserror::Error;
use url::Url;

use super::flaw::{self, Flaw, Warning};
use super::place::Place;
use super::{kept, message, scan, shown};
use crate::limits;

/// Out of the flow and pulled back by its height, so that it moves nothing, also where a mail
/// client takes one of the two away.
const PIXEL_STYLE: &str =
    "display:block;position:absolute;margin:-1px 0 0;border:0;width:1px;height:1px";

/// Where a mailing's clicks and opens go.
#[derive(Clone, Copy, Debug)]
pub struct Listener<'a> {
    /// What its URLs begin with, in lower case, such as `https://stats.example.com`.
    pub base: &'a str,
    /// The pixel's URL. None: opens are not counted.
    pub pixel: Option<&'a str>,
    /// Whether the pixel stands at the beginning: Gmail cuts the end of a long mailing off.
    pub pixel_first: bool,
    /// Where a recipient withdraws: what a link to [`STOP`] leads to. None: nobody is told apart,
    /// so that nobody needs to.
    pub stop: Option<&'a str>,
}

/// The href of a link by which a recipient withdraws.
pub const STOP: &str = "headcount:stop";

/// What a link leads to, for whoever knows its wrapped form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target<'a> {
    /// The URL as a browser asks for it: whole, entities decoded, percent-encoded.
    pub url: &'a str,
    /// Whether the link is for passing the mailing on (`data-forward`).
    pub share: bool,
}

/// A wrapped mailing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapped {
    /// Its HTML.
    pub html: String,
    /// What was asked for, in the order in which each stood there first.
    pub links: Vec<Link>,
    /// What deserves a look, in the order of the text.
    pub warnings: Vec<Warning>,
}

/// A destination. A button that stands there twice, the second time for Outlook, is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// See [`Target`].
    pub destination: String,
    /// See [`Target`].
    pub share: bool,
    /// What it says, where it stood first with a text.
    pub text: String,
    /// What stands there now. None: it was left as it is.
    pub wrapped: Option<String>,
    /// How often it stands there.
    pub times: usize,
}

/// Why a mailing is not wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WrapError {
    /// A message that a change would make look forged.
    #[error("this is a signed message (DKIM-Signature): give the HTML, before it is signed")]
    Signed,
    /// A message with its header.
    #[error("this is a whole message: give its HTML part")]
    Message,
    /// It has links or a pixel of this listener.
    #[error("line {line}: this is wrapped already: give the HTML as it was written")]
    WrappedAlready {
        /// The line of the first one.
        line: usize,
    },
    /// Its tags can be read in two ways.
    #[error(
        "a <select> or <frameset> holds tags that do not belong there: what follows is unclear"
    )]
    Ambiguous,
}

/// Has the links of `html` go by the listener, and puts the pixel before `</body>`, or at the end
/// where there is none; or behind `<body>`.
///
/// `wrapped` is asked once for each destination, and says None for what is to be left as it is: what
/// the `List-Unsubscribe` header names, hosts that are not allowed. Without asking are left: links to
/// unsubscribe (`kept.rs` has the rule), with `data-notrack` or a merge field, to other schemes than
/// http and https, to the listener's own pages, and relative ones.
///
/// # Errors
///
/// See [`WrapError`].
pub fn wrap(
    html: &str,
    listener: Listener<'_>,
    wrapped: impl FnMut(&Target<'_>) -> Option<String>,
) -> Result<Wrapped, WrapError> {
    message::refuse(html)?;
    let own = format!("{}/e/", listener.base.trim_end_matches('/'));
    refuse_wrapped(html, &own)?;
    let found = scan::scan(html).map_err(|_| WrapError::Ambiguous)?;

    let mut asked = Asked { of: wrapped, known: HashMap::new(), links: Vec::new() };
    let mut edits = Vec::new();
    let mut flaws: Vec<(usize, Flaw)> = found.bases.iter().map(|at| (*at, Flaw::Base)).collect();
    let mut stops = false;
    for anchor in &found.anchors {
        if let (STOP, Some(stop)) = (anchor.href.as_str(), listener.stop) {
            edits.push((anchor.value.clone(), attribute_value(stop)));
            stops = true;
            continue;
        }
        if anchor.href == STOP {
            flaws.push((anchor.value.start, Flaw::NothingToStop));
        }
        let place = Place::of(&anchor.href);
        let url = place.url().filter(|url| !kept::is_kept(anchor, url, &own));
        let share = !anchor.forward.is_empty();
        let wrapped = url.and_then(|url| asked.wrapped(url, share, &anchor.text));
        let at = anchor.value.start;
        flaws.extend(flaws_of(&place, wrapped, &anchor.text).map(|flaw| (at, flaw)));
        let marks = anchor.notrack.iter().chain(&anchor.forward);
        edits.extend(marks.map(|at| (at.clone(), String::new())));
        edits.extend(wrapped.map(|url| (anchor.value.clone(), attribute_value(url))));
    }
    if let Some(pixel) = listener.pixel {
        let at = if listener.pixel_first {
            found.body_start.unwrap_or(0)
        } else {
            found.body_end.unwrap_or(html.len())
        };
        edits.push((at..at, pixel_tag(pixel)));
    }

    if listener.stop.is_some() && !stops {
        flaws.push((html.len(), Flaw::NoWayOut));
    }
    let links = asked.links;
    let mut warnings = flaw::warnings(html, flaws);
    let html = edited(html, edits);
    if html.len() > limits::MAILING_BYTES_SHOWN {
        let clipped = vec![(limits::MAILING_BYTES_SHOWN, Flaw::Clipped)];
        warnings.extend(flaw::warnings(&html, clipped));
    }
    Ok(Wrapped { html, links, warnings })
}

/// A second wrapping would count each click twice.
fn refuse_wrapped(html: &str, own: &str) -> Result<(), WrapError> {
    let of = |kind: &str| html.find(&format!("{own}{kind}/"));
    match of("c").into_iter().chain(of("o")).min() {
        Some(at) => Err(WrapError::WrappedAlready { line: html[..at].matches('\n').count() + 1 }),
        None => Ok(()),
    }
}

/// Destinations, each asked for once.
struct Asked<F> {
    of: F,
    /// The number of each in `links`.
    known: HashMap<(Url, bool), usize>,
    links: Vec<Link>,
}

impl<F: FnMut(&Target<'_>) -> Option<String>> Asked<F> {
    fn wrapped(&mut self, url: &Url, share: bool, text: &str) -> Option<&str> {
        let number = *self.known.entry((url.clone(), share)).or_insert_with(|| {
            let destination = url.to_string();
            let wrapped = (self.of)(&Target { url: &destination, share });
            self.links.push(Link { destination, share, text: String::new(), wrapped, times: 0 });
            self.links.len() - 1
        });
        let link = &mut self.links[number];
        link.times += 1;
        if link.text.is_empty() {
            let words: Vec<&str> = text.split_whitespace().collect();
            link.text = words.join(" ");
        }
        link.wrapped.as_deref()
    }
}

/// What is wrong with a link to `place`, once it is `wrapped`, that shows `text`.
fn flaws_of(place: &Place, wrapped: Option<&str>, text: &str) -> impl Iterator<Item = Flaw> {
    let own = match place {
        Place::Web(url) if url.scheme() == "http" => Some(Flaw::Insecure),
        Place::Relative => Some(Flaw::Relative),
        Place::Broken => Some(Flaw::Broken),
        Place::Web(_) | Place::Other => None,
    };
    let leads = wrapped.map_or_else(|| place.url().cloned(), |url| Url::parse(url).ok());
    let other = leads.is_some_and(|url| shown::shows_other_host(text, &url));
    own.into_iter().chain(other.then_some(Flaw::OtherHost))
}

/// An attribute's value, encoded and in quotes.
fn attribute_value(value: &str) -> String {
    format!("\"{}\"", htmlize::escape_attribute(value))
}

fn pixel_tag(url: &str) -> String {
    let src = attribute_value(url);
    format!("<img src={src} width=\"1\" height=\"1\" alt=\"\" style=\"{PIXEL_STYLE}\">")
}

/// `text` with each range replaced; none overlaps another.
fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(text.len() + edits.len() * 64);
    let mut done = 0;
    for (range, new) in edits {
        out.push_str(&text[done..range.start]);
        out.push_str(&new);
        done = range.end;
    }
    out.push_str(&text[done..]);
    out
}
