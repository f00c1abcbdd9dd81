//! The de-identified hit, and the closed vocabulary of its fields.
//!
//! *Owns* [`Hit`], [`Record`] and the types of their fields.
//! *In*: what `edge::deidentify` lets out. *Out*: what the spool keeps and the counter counts.
//! *Never* holds an address, a user agent, a full URL or free text that was not scrubbed: a field
//! whose type is not [`Clean`] does not compile, and [`Text`] can be made by `edge::scrub` and by
//! the codec alone (clippy keeps both).

#[cfg(test)]
pub(crate) mod arbitrary;
mod codec;
mod field;
mod mail;
mod record;
#[cfg(test)]
mod tests;
mod time;
pub(crate) mod wire;

pub use codec::{decode_record, encode_record};
pub use field::{Currency, HitSiteError, Revenue, SiteName, Text, VisitorId};
pub(crate) use mail::BASE32;
pub use mail::{MailAction, MailClass, MailHit, MailingId, Recipient};
pub use record::{DropReason, Hit, HitKind, Origin, Record, RejectReason, VisitDims, Visitor};
pub use time::{Bucket, Clock, Day, ManualClock, Second, SystemClock};
pub use wire::CodecError;
