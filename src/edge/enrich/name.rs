//! Where a [`Text`] is made: of text that the scrubber let through, or of one of our own names.

use std::cell::RefCell;

use hashbrown::HashMap;

use crate::hit::Text;

/// Names that a thread remembers. All of ours, with versions, languages and countries, are fewer;
/// when made-up versions fill it, it begins anew.
const NAMES_MAX: usize = 4096;

thread_local! {
    /// A name's text, made once a thread: a clone instead of an allocation for every hit.
    static NAMES: RefCell<HashMap<Box<str>, Text>> = RefCell::default();
}

/// The only door: `text` must be an outcome of the scrubber, or one of our own names.
#[expect(clippy::disallowed_methods, reason = "this is where scrubbed text becomes Text")]
pub(super) fn scrubbed(text: &str) -> Text {
    Text::from_scrubbed(text)
}

/// A name of a closed vocabulary: from our tables, a short number, a language, a country.
pub(super) fn known(name: &str) -> Text {
    if name.is_empty() {
        return Text::EMPTY;
    }
    NAMES.with_borrow_mut(|names| {
        if let Some(text) = names.get(name) {
            return text.clone();
        }
        if names.len() == NAMES_MAX {
            names.clear();
        }
        let text = scrubbed(name);
        names.insert(name.into(), text.clone());
        text
    })
}
