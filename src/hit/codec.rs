//! Records as bytes, for the spool. Visitor ids go apart, so that they can be sealed apart.
//!
//! A record is a tag byte and its fields in the order below. A tag's fields never change: a record
//! that says more gets a new tag, and the old one is still read.
//!
//! ```text
//! number      LEB128, at most 64 bits; signed ones zigzag
//! text        number of bytes, then UTF-8
//! key id      8 bytes, little endian
//!
//! 1 hit       site text, at, day, hour, visitor, kind, hostname text, page text, 17 texts of dims
//!   visitor   0 withheld │ 1 key id │ 2 key id, key id before │ 3 lost
//!   kind      0 page view
//!             1 event: name text, flags (1 interactive, 2 revenue), number of props,
//!               as often (key text, value text), where flagged (minor, currency text)
//!             2 engagement: milliseconds, scroll percent + 1 or 0
//! 2 drop      site text, at, reason's code
//! 3 reject    site text, at, reason's code, hits
//! 4 received  site text, at, hits
//! 5 day end   site text, at, day
//! 6 keys lost site text, at
//! 7 mail      site text, at, mailing 8 bytes, link, action, class, client text, system text,
//!             country text, flags (1 sender, 2 recipient), sender's key id, recipient's key id,
//!             each where flagged
//! 8 mailing over  site text, at, key id
//! 9 passed    site text, at
//! ```

use super::wire::{
    CodecError, read_byte, read_day, read_key_id, read_number, read_signed, read_str, read_text,
    read_u32, write_number, write_signed, write_str,
};
use super::{
    Bucket, Currency, DropReason, Hit, HitKind, MailAction, MailClass, MailHit, MailingId,
    Recipient, Record, RejectReason, Revenue, Second, SiteName, Text, VisitDims, Visitor,
    VisitorId,
};
use crate::keys::KeyId;

mod tag {
    pub(super) const HIT: u8 = 1;
    pub(super) const DROP: u8 = 2;
    pub(super) const REJECT: u8 = 3;
    pub(super) const RECEIVED: u8 = 4;
    pub(super) const DAY_END: u8 = 5;
    pub(super) const KEYS_LOST: u8 = 6;
    pub(super) const MAIL: u8 = 7;
    pub(super) const MAILING_OVER: u8 = 8;
    pub(super) const PASSED: u8 = 9;
}

mod visitor {
    pub(super) const WITHHELD: u8 = 0;
    pub(super) const KNOWN: u8 = 1;
    pub(super) const KNOWN_BEFORE: u8 = 2;
    pub(super) const LOST: u8 = 3;
}

mod kind {
    pub(super) const PAGEVIEW: u8 = 0;
    pub(super) const EVENT: u8 = 1;
    pub(super) const ENGAGEMENT: u8 = 2;
}

const SENDER: u8 = 1;
const RECIPIENT: u8 = 2;

const INTERACTIVE: u8 = 1;
const REVENUE: u8 = 2;

/// Appends `record` to `out`, and its visitor ids to `ids`, in the order in which
/// [`decode_record`] asks for them.
pub fn encode_record(record: &Record, out: &mut Vec<u8>, ids: &mut Vec<(KeyId, VisitorId)>) {
    match record {
        Record::Hit(hit) => {
            head(tag::HIT, &hit.site, hit.at, out);
            write_hit(hit, out, ids);
        }
        Record::Drop { site, at, reason } => {
            head(tag::DROP, site, *at, out);
            out.push(reason.code());
        }
        Record::Reject { site, at, reason, hits } => {
            head(tag::REJECT, site, *at, out);
            out.push(reason.code());
            write_number(*hits, out);
        }
        Record::Received { site, at, hits } => {
            head(tag::RECEIVED, site, *at, out);
            write_number(*hits, out);
        }
        Record::DayEnd { site, at, day } => {
            head(tag::DAY_END, site, *at, out);
            write_signed(day.0.into(), out);
        }
        Record::KeysLost { site, at } => head(tag::KEYS_LOST, site, *at, out),
        Record::Mail(hit) => {
            head(tag::MAIL, &hit.site, hit.at, out);
            write_mail(hit, out, ids);
        }
        Record::MailingOver { site, at, key } => {
            head(tag::MAILING_OVER, site, *at, out);
            out.extend_from_slice(&key.0.to_le_bytes());
        }
        Record::Passed { site, at } => head(tag::PASSED, site, *at, out),
    }
}

/// Takes the next record off `input`. `id` yields the next visitor id of a key, `None` once that
/// key has died: the hit's visitor is then `Lost`, or its `before` none.
///
/// After an error `input` stands somewhere within the record.
pub fn decode_record(
    input: &mut &[u8],
    id: &mut dyn FnMut(KeyId) -> Option<VisitorId>,
) -> Result<Record, CodecError> {
    let tag = read_byte(input)?;
    if !(tag::HIT..=tag::PASSED).contains(&tag) {
        return Err(CodecError::Unknown);
    }
    let site = SiteName::from_stored(read_str(input)?);
    let at = Second(read_signed(input)?);
    Ok(match tag {
        tag::HIT => Record::Hit(read_hit(site, at, input, id)?),
        tag::DROP => {
            let reason = DropReason::from_code(read_byte(input)?).ok_or(CodecError::Unknown)?;
            Record::Drop { site, at, reason }
        }
        tag::REJECT => {
            let reason = RejectReason::from_code(read_byte(input)?).ok_or(CodecError::Unknown)?;
            Record::Reject { site, at, reason, hits: read_number(input)? }
        }
        tag::RECEIVED => Record::Received { site, at, hits: read_number(input)? },
        tag::DAY_END => Record::DayEnd { site, at, day: read_day(input)? },
        tag::KEYS_LOST => Record::KeysLost { site, at },
        tag::MAIL => Record::Mail(Box::new(read_mail(site, at, input, id)?)),
        tag::MAILING_OVER => Record::MailingOver { site, at, key: read_key_id(input)? },
        _ => Record::Passed { site, at },
    })
}

fn head(tag: u8, site: &SiteName, at: Second, out: &mut Vec<u8>) {
    out.push(tag);
    write_str(site.as_str(), out);
    write_signed(at.0, out);
}

fn write_hit(hit: &Hit, out: &mut Vec<u8>, ids: &mut Vec<(KeyId, VisitorId)>) {
    let Hit { site: _, at: _, day, hour, visitor, kind, hostname, page, dims } = hit;
    write_signed(day.0.into(), out);
    write_number(hour.0.into(), out);
    write_visitor(visitor, out, ids);
    write_kind(kind, out);
    write_str(hostname.as_str(), out);
    write_str(page.as_str(), out);
    for text in dims.texts() {
        write_str(text.as_str(), out);
    }
}

fn read_hit(
    site: SiteName,
    at: Second,
    input: &mut &[u8],
    id: &mut dyn FnMut(KeyId) -> Option<VisitorId>,
) -> Result<Hit, CodecError> {
    let day = read_day(input)?;
    let hour = Bucket(read_u32(input)?);
    let visitor = read_visitor(input, id)?;
    let kind = read_kind(input)?;
    let hostname = read_text(input)?;
    let page = read_text(input)?;
    let mut dims = Box::<VisitDims>::default();
    for text in dims.texts_mut() {
        *text = read_text(input)?;
    }
    Ok(Hit { site, at, day, hour, visitor, kind, hostname, page, dims })
}

fn write_mail(hit: &MailHit, out: &mut Vec<u8>, ids: &mut Vec<(KeyId, VisitorId)>) {
    let MailHit { site: _, at: _, mailing, link, action, class, client, system, country, .. } = hit;
    let MailHit { sender, recipient, .. } = hit;
    out.extend_from_slice(&mailing.bytes());
    write_number((*link).into(), out);
    out.extend_from_slice(&[action.code(), class.code()]);
    for text in [client, system, country] {
        write_str(text.as_str(), out);
    }
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(flag(sender.is_some(), SENDER) | flag(recipient.is_some(), RECIPIENT));
    if let Some((key, id)) = sender {
        out.extend_from_slice(&key.0.to_le_bytes());
        ids.push((*key, *id));
    }
    if let Some(Recipient { key, id, network }) = recipient {
        out.extend_from_slice(&key.0.to_le_bytes());
        ids.extend([(*key, *id), (*key, *network)]);
    }
}

fn read_mail(
    site: SiteName,
    at: Second,
    input: &mut &[u8],
    id: &mut dyn FnMut(KeyId) -> Option<VisitorId>,
) -> Result<MailHit, CodecError> {
    let (bytes, rest) = input.split_first_chunk::<8>().ok_or(CodecError::Short)?;
    *input = rest;
    let mailing = std::str::from_utf8(bytes).ok().and_then(MailingId::parse);
    let mailing = mailing.ok_or(CodecError::Unknown)?;
    let link = u16::try_from(read_number(input)?).map_err(|_| CodecError::Unknown)?;
    let action = MailAction::from_code(read_byte(input)?).ok_or(CodecError::Unknown)?;
    let class = MailClass::from_code(read_byte(input)?).ok_or(CodecError::Unknown)?;
    let (client, system, country) = (read_text(input)?, read_text(input)?, read_text(input)?);
    let flags = read_byte(input)?;
    if flags & !(SENDER | RECIPIENT) != 0 {
        return Err(CodecError::Unknown);
    }
    let sender = if flags & SENDER == 0 { None } else { Some(read_key_id(input)?) };
    let recipient = if flags & RECIPIENT == 0 { None } else { Some(read_key_id(input)?) };
    let sender = sender.and_then(|key| Some((key, id(key)?)));
    // Both are asked for: they are two of its key's sequence.
    let recipient = recipient.and_then(|key| match (id(key), id(key)) {
        (Some(id), Some(network)) => Some(Recipient { key, id, network }),
        _ => None,
    });
    Ok(MailHit {
        site,
        at,
        mailing,
        link,
        action,
        class,
        client,
        system,
        country,
        sender,
        recipient,
    })
}

fn write_visitor(visitor: &Visitor, out: &mut Vec<u8>, ids: &mut Vec<(KeyId, VisitorId)>) {
    match visitor {
        Visitor::Withheld => out.push(visitor::WITHHELD),
        Visitor::Lost => out.push(visitor::LOST),
        Visitor::Known { key, id, before } => {
            let known = if before.is_some() { visitor::KNOWN_BEFORE } else { visitor::KNOWN };
            out.push(known);
            for (key, id) in [(*key, *id)].into_iter().chain(*before) {
                out.extend_from_slice(&key.0.to_le_bytes());
                ids.push((key, id));
            }
        }
    }
}

fn read_visitor(
    input: &mut &[u8],
    id: &mut dyn FnMut(KeyId) -> Option<VisitorId>,
) -> Result<Visitor, CodecError> {
    let before = match read_byte(input)? {
        visitor::WITHHELD => return Ok(Visitor::Withheld),
        visitor::LOST => return Ok(Visitor::Lost),
        visitor::KNOWN => false,
        visitor::KNOWN_BEFORE => true,
        _ => return Err(CodecError::Unknown),
    };
    let key = read_key_id(input)?;
    let key_before = if before { Some(read_key_id(input)?) } else { None };
    // Both are asked for, whichever is dead: each key's ids are a sequence of their own.
    let known = id(key);
    let before = key_before.and_then(|key| Some((key, id(key)?)));
    Ok(known.map_or(Visitor::Lost, |id| Visitor::Known { key, id, before }))
}

fn write_kind(kind: &HitKind, out: &mut Vec<u8>) {
    match kind {
        HitKind::Pageview => out.push(kind::PAGEVIEW),
        HitKind::Event { name, interactive, props, revenue } => {
            out.push(kind::EVENT);
            write_str(name.as_str(), out);
            let interactive = if *interactive { INTERACTIVE } else { 0 };
            out.push(interactive | if revenue.is_some() { REVENUE } else { 0 });
            write_number(props.len() as u64, out);
            for (key, value) in props {
                write_str(key.as_str(), out);
                write_str(value.as_str(), out);
            }
            if let Some(Revenue { minor, currency }) = revenue {
                write_signed(*minor, out);
                write_str(currency.as_str(), out);
            }
        }
        HitKind::Engagement { engaged_ms, scroll_percent } => {
            out.push(kind::ENGAGEMENT);
            write_number((*engaged_ms).into(), out);
            write_number(scroll_percent.map_or(0, |percent| u64::from(percent) + 1), out);
        }
    }
}

fn read_kind(input: &mut &[u8]) -> Result<HitKind, CodecError> {
    Ok(match read_byte(input)? {
        kind::PAGEVIEW => HitKind::Pageview,
        kind::EVENT => {
            let name = read_text(input)?;
            let flags = read_byte(input)?;
            if flags & !(INTERACTIVE | REVENUE) != 0 {
                return Err(CodecError::Unknown);
            }
            let props = read_props(input)?;
            let revenue = if flags & REVENUE == 0 { None } else { Some(read_revenue(input)?) };
            HitKind::Event { name, interactive: flags & INTERACTIVE != 0, props, revenue }
        }
        kind::ENGAGEMENT => {
            let engaged_ms = read_u32(input)?;
            let scroll_percent = match read_number(input)? {
                0 => None,
                more => Some(u8::try_from(more - 1).map_err(|_| CodecError::Unknown)?),
            };
            HitKind::Engagement { engaged_ms, scroll_percent }
        }
        _ => return Err(CodecError::Unknown),
    })
}

fn read_props(input: &mut &[u8]) -> Result<Vec<(Text, Text)>, CodecError> {
    let props = usize::try_from(read_number(input)?).map_err(|_| CodecError::Short)?;
    // Each takes two bytes at least: what cannot be there is not allocated for.
    if props > input.len() / 2 {
        return Err(CodecError::Short);
    }
    (0..props).map(|_| Ok((read_text(input)?, read_text(input)?))).collect()
}

fn read_revenue(input: &mut &[u8]) -> Result<Revenue, CodecError> {
    let minor = read_signed(input)?;
    let currency = match read_str(input)? {
        "" => Currency::NONE,
        code => Currency::parse(code).ok_or(CodecError::Unknown)?,
    };
    Ok(Revenue { minor, currency })
}
