//! A mailing's HTML: its links go by the listener, and a pixel tells that it was opened.
//!
//! *Owns* which links are wrapped, where the pixel stands, what in a mailing deserves a warning.
//! *In*: HTML as text; what knows the wrapped form of a link. *Out*: the HTML, its links, warnings.
//! *Never* changes a byte but the links, `data-notrack` and the pixel; sees a recipient; does IO.
//!
//! ```text
//! message    a whole message is refused: it would have to be taken apart, and signed again
//! scan       HTML → anchors, where and what they are; also those that only some mail clients see
//! place      what an anchor's href is: on the web, relative, something else
//! kept       which links stay as they are
//! shown      the host that an anchor's text shows
//! wrap       all of it: anchors → edits, links, warnings
//! flaw       the warnings
//! ```
//!
//! The parser only finds; the edits are made in the text itself. So what stands between them is
//! the same, byte by byte, however it was written.

mod flaw;
mod kept;
mod message;
mod place;
mod scan;
mod shown;
#[cfg(test)]
mod tests;
mod wrap;

pub use flaw::{Flaw, Warning};
pub use wrap::{Link, Listener, STOP, Target, WrapError, Wrapped, wrap};
