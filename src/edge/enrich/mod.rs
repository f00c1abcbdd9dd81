//! What is made of what a client sent: closed, clean values.
//!
//! *Owns* the scrubber, the names of sources, channels, browsers, systems and devices, the country.
//! *In*: a URL, a referrer, a header, a truncated address. *Out*: [`Text`]s that may be kept.
//! *Never* passes on what is not on a list or was not scrubbed; does no IO but to open the country
//! database.
//!
//! ```text
//! scrub      free text → text without e-mail addresses, ids, tokens, numbers, addresses
//!   detect   which words those are
//!   name     the one place where a `Text` is made
//! page       URL → host, path; campaign: the seven keys of its query; click: whose click it was
//! source     campaign and referrer → source; channel: its group; spam
//! agent      browser, system, device, or a robot; recent: those that come again
//!   marks    the words they go by; robots: the words robots go by; hints
//! known      what another system made of agent and address
//! language, geo
//! ```

mod agent;
mod campaign;
mod channel;
mod click;
mod data_centres;
mod detect;
mod geo;
mod hints;
mod host;
mod known;
mod language;
mod marks;
mod name;
mod page;
mod recent;
mod robots;
mod scrub;
mod source;
mod spam;
#[cfg(test)]
mod tests;

pub(super) use agent::{Agent, agent_of};
pub use data_centres::{DataCentres, DataCentresError};
pub(super) use geo::Place;
pub use geo::{Detail, Geo, GeoError};
pub(super) use known::{agent_known, place_known};
pub(super) use language::language_of;
pub(super) use page::{PageUrl, page_url};
pub(super) use source::{Source, source_of};

use crate::hit::Text;
use crate::limits;

/// An event's name, scrubbed; at most `limits::EVENT_NAME_CHARS_MAX` characters.
pub(super) fn event_name(name: &str) -> Text {
    name::scrubbed(&scrub::value(name, limits::EVENT_NAME_CHARS_MAX))
}

/// A name of a closed list of the edge's own.
pub(super) fn of_list(name: &'static str) -> Text {
    name::known(name)
}

/// The channel and the source of what was counted elsewhere, by nobody knows which.
pub(super) fn imported() -> Text {
    name::known("Imported")
}

/// A property, scrubbed and cut to `limits::PROP_KEY_CHARS_MAX` and `PROP_VALUE_CHARS_MAX`
/// characters. None: nothing is left of the key or the value.
pub(super) fn prop(key: &str, value: &str) -> Option<(Text, Text)> {
    let key = scrub::value(key, limits::PROP_KEY_CHARS_MAX);
    let value = scrub::value(value, limits::PROP_VALUE_CHARS_MAX);
    let whole = !key.is_empty() && !value.is_empty();
    whole.then(|| (name::scrubbed(&key), name::scrubbed(&value)))
}
