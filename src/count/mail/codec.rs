//! The state of mailings as bytes, for a checkpoint. Ids stand only in parts that carry their key.
//!
//! ```text
//! every part     version u8, kind u8, as in `count/codec.rs`
//! 6 the rest     held: number, record*; lately: number, (key id, burst + 1 or 0, last, deeds:
//!                number, (at, mailing text, link, action)*)*; due: number, (at, key id)*;
//!                ended: number, key id*
//! 7 ids          the ids of one key, in the order in which part 6 asks for them: 8 bytes each
//! 8 recipients   origins: number, (bucket, class, 3 texts)*; done: number, (id 8 bytes, flags u8,
//!                4 origins, device: 2 numbers where flagged)*; links: number, (id, link, origin)*
//! ```
//!
//! What belongs to a key that has died is not read.

use std::collections::{BTreeMap, VecDeque};

use super::Mail;
use super::hold::{Deed, Hold, Lately};
use super::recipients::{Done, Origin, Recipients};
use crate::count::codec::VERSION;
use crate::count::{BadState, DayState};
use crate::hit::wire::{
    read_byte, read_key_id, read_number, read_signed, read_str, read_text, read_u32, write_number,
    write_signed, write_str,
};
use crate::hit::{
    Bucket, MailAction, MailClass, MailingId, Record, Second, VisitorId, decode_record,
    encode_record,
};
use crate::keys::KeyId;

/// The kinds of parts.
pub(in crate::count) const REST: u8 = 6;
pub(in crate::count) const IDS: u8 = 7;
pub(in crate::count) const RECIPIENTS: u8 = 8;

const WITHDRAWN: u8 = 1;
const DEVICE: u8 = 2;

pub(in crate::count) fn encode(mail: &Mail, parts: &mut Vec<DayState>) {
    let Mail { hold: Hold { held, lately, due: _ }, recipients: _, ended } = mail;
    let mut ids = Vec::new();
    if !(held.is_empty() && lately.is_empty() && ended.is_empty()) {
        parts.push(DayState { key: None, bytes: rest(mail, &mut ids) });
    }
    let mut of_keys: BTreeMap<KeyId, Vec<u8>> = BTreeMap::new();
    for (key, id) in ids {
        let bytes = of_keys.entry(key).or_insert_with(|| vec![VERSION, IDS]);
        bytes.extend_from_slice(&id.to_raw().to_le_bytes());
    }
    parts.extend(of_keys.into_iter().map(|(key, bytes)| DayState { key: Some(key), bytes }));
    for (key, of) in &mail.recipients {
        parts.push(DayState { key: Some(*key), bytes: write_recipients(of) });
    }
}

fn rest(mail: &Mail, ids: &mut Vec<(KeyId, VisitorId)>) -> Vec<u8> {
    let mut out = vec![VERSION, REST];
    let Hold { held, lately, due } = &mail.hold;
    write_number(held.len() as u64, &mut out);
    for hit in held {
        encode_record(&Record::Mail(Box::new(hit.clone())), &mut out, ids);
    }
    write_number(lately.len() as u64, &mut out);
    for ((key, id), Lately { burst, last, deeds }) in lately {
        out.extend_from_slice(&key.0.to_le_bytes());
        ids.push((*key, *id));
        write_signed(burst.map_or(0, |at| at.0 + 1), &mut out);
        write_signed(last.0, &mut out);
        write_number(deeds.len() as u64, &mut out);
        for Deed { at, mailing, link, action } in deeds {
            write_signed(at.0, &mut out);
            write_str(mailing.as_str(), &mut out);
            write_number((*link).into(), &mut out);
            out.push(action.code());
        }
    }
    write_number(due.len() as u64, &mut out);
    for (at, (key, id)) in due {
        write_signed(at.0, &mut out);
        out.extend_from_slice(&key.0.to_le_bytes());
        ids.push((*key, *id));
    }
    write_number(mail.ended.len() as u64, &mut out);
    for key in &mail.ended {
        out.extend_from_slice(&key.0.to_le_bytes());
    }
    out
}

/// The state of its parts, the first two bytes of each taken off.
pub(in crate::count) fn decode(parts: &[(u8, Option<KeyId>, &[u8])]) -> Result<Mail, BadState> {
    let mut mail = Mail::default();
    let mut ids: BTreeMap<KeyId, std::slice::Iter<'_, [u8; 8]>> = BTreeMap::new();
    for (kind, key, bytes) in parts {
        match (*kind, key) {
            (IDS, Some(key)) => {
                let (chunks, []) = bytes.as_chunks::<8>() else { return Err(BadState) };
                ids.insert(*key, chunks.iter());
            }
            (RECIPIENTS, Some(key)) => {
                mail.recipients.insert(*key, read_recipients(bytes)?);
            }
            _ => {}
        }
    }
    let rest = parts.iter().find(|(kind, key, _)| (*kind, *key) == (REST, None));
    let Some((_, _, mut input)) = rest.copied() else { return Ok(mail) };
    read_rest(&mut input, &mut mail, &mut |key| ids.get_mut(&key)?.next().copied().map(id))?;
    if input.is_empty() { Ok(mail) } else { Err(BadState) }
}

fn read_rest(
    input: &mut &[u8],
    mail: &mut Mail,
    id: &mut dyn FnMut(KeyId) -> Option<VisitorId>,
) -> Result<(), BadState> {
    let Hold { held, lately, due } = &mut mail.hold;
    for _ in 0..read_number(input)? {
        let Record::Mail(hit) = decode_record(input, id)? else { return Err(BadState) };
        held.push_back(*hit);
    }
    for _ in 0..read_number(input)? {
        let key = read_key_id(input)?;
        let of = id(key);
        let burst = Some(read_signed(input)?).filter(|at| *at != 0).map(|at| Second(at - 1));
        let last = Second(read_signed(input)?);
        let mut deeds = VecDeque::new();
        for _ in 0..read_number(input)? {
            deeds.push_back(read_deed(input)?);
        }
        if let Some(of) = of {
            lately.insert((key, of), Lately { burst, last, deeds });
        }
    }
    for _ in 0..read_number(input)? {
        let at = Second(read_signed(input)?);
        let key = read_key_id(input)?;
        due.extend(id(key).map(|of| (at, (key, of))));
    }
    for _ in 0..read_number(input)? {
        mail.ended.push_back(read_key_id(input)?);
    }
    Ok(())
}

fn read_deed(input: &mut &[u8]) -> Result<Deed, BadState> {
    let at = Second(read_signed(input)?);
    let mailing = MailingId::parse(read_str(input)?).ok_or(BadState)?;
    let link = read_u16(input)?;
    let action = MailAction::from_code(read_byte(input)?).ok_or(BadState)?;
    Ok(Deed { at, mailing, link, action })
}

fn write_recipients(of: &Recipients) -> Vec<u8> {
    let Recipients { done, links, origins, numbers: _ } = of;
    let mut out = Vec::with_capacity(32 * (done.len() + links.len()) + 1024);
    out.extend_from_slice(&[VERSION, RECIPIENTS]);
    write_number(origins.len() as u64, &mut out);
    for Origin { bucket, class, client, system, country } in origins {
        write_number(bucket.0.into(), &mut out);
        out.push(class.code());
        for text in [client, system, country] {
            write_str(text.as_str(), &mut out);
        }
    }
    write_number(done.len() as u64, &mut out);
    for (id, Done { withdrawn, opened, clicked, read, spread, device }) in done {
        out.extend_from_slice(&id.to_raw().to_le_bytes());
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        out.push(flag(*withdrawn, WITHDRAWN) | flag(device.is_some(), DEVICE));
        for number in [*opened, *clicked, *read, *spread] {
            write_number(number.into(), &mut out);
        }
        for number in device.iter().flat_map(|(system, network)| [*system, *network]) {
            write_number(number.into(), &mut out);
        }
    }
    write_number(links.len() as u64, &mut out);
    for ((id, link), origin) in links {
        out.extend_from_slice(&id.to_raw().to_le_bytes());
        write_number((*link).into(), &mut out);
        write_number((*origin).into(), &mut out);
    }
    out
}

fn read_recipients(mut input: &[u8]) -> Result<Recipients, BadState> {
    let input = &mut input;
    let mut of = Recipients::default();
    for _ in 0..read_number(input)? {
        let bucket = Bucket(read_u32(input)?);
        let class = MailClass::from_code(read_byte(input)?).ok_or(BadState)?;
        let (client, system, country) = (read_text(input)?, read_text(input)?, read_text(input)?);
        of.number(&Origin { bucket, class, client, system, country });
    }
    let origins = of.origins.len() as u64;
    let origin = |input: &mut &[u8]| {
        let number = read_u32(input)?;
        if u64::from(number) <= origins { Ok(number) } else { Err(BadState) }
    };
    for _ in 0..read_number(input)? {
        let id = id(read_key_id(input)?.0.to_le_bytes());
        let flags = read_byte(input)?;
        let (opened, clicked) = (origin(input)?, origin(input)?);
        let (read, spread) = (origin(input)?, origin(input)?);
        let device = match flags & DEVICE {
            0 => None,
            _ => Some((read_u16(input)?, read_u16(input)?)),
        };
        let withdrawn = flags & WITHDRAWN != 0;
        of.done.insert(id, Done { withdrawn, opened, clicked, read, spread, device });
    }
    for _ in 0..read_number(input)? {
        let id = id(read_key_id(input)?.0.to_le_bytes());
        let link = read_u16(input)?;
        of.links.insert((id, link), origin(input)?);
    }
    if input.is_empty() { Ok(of) } else { Err(BadState) }
}

fn read_u16(input: &mut &[u8]) -> Result<u16, BadState> {
    u16::try_from(read_u32(input)?).map_err(|_| BadState)
}

#[expect(clippy::disallowed_methods, reason = "the checkpoint's sealed part")]
fn id(bytes: [u8; 8]) -> VisitorId {
    VisitorId::from_raw(u64::from_le_bytes(bytes))
}
