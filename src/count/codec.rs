//! The state as bytes, for a checkpoint. Ids stand only in parts that carry their day's key.
//!
//! ```text
//! every part   version u8 (3), kind u8
//! 0 the rest   ledger: number, (site text, reason text, total)*
//!              sites: number, (site text, ended: number, key id*, minutes: number, (minute, views)*)*
//! 1 a day      site text, day, texts: number, text*, origins: number, 19 indices*,
//!              visitors: number, (id 8 bytes, first, hour, of hour, visits, flags u8, visit?, seen)*
//!   visit      where flagged: origin, number, bucket, began, last, exit where flagged: bucket,
//!              hostname text, page text
//!   seen       number, (print 8 bytes, hour, bucket, visit, scroll + 1 or 0, flags u8)*
//! 2, 3, 4      mailings: see `mail/codec.rs`
//! ```
//!
//! Numbers and texts as in `hit/wire.rs`. Another version's state is not read: visits begin anew.

use std::collections::VecDeque;

use super::day::{DayVisitors, View, Visit, VisitorState};
use super::intern::{OriginId, Origins, Packed, Pages};
use super::seen::{Entry, Print, Seen};
use super::{BadState, CountLimits, Counter, DayState, SiteState, mail, reason};
use crate::hit::wire::{
    CodecError, read_byte, read_day, read_key_id, read_number, read_signed, read_str, read_text,
    read_u32, write_number, write_signed, write_str,
};
use crate::hit::{Bucket, Day, DropReason, RejectReason, Second, SiteName, VisitDims, VisitorId};
use crate::keys::KeyId;

pub(super) const VERSION: u8 = 3;
const REST: u8 = 0;
const DAY: u8 = 1;

const HAS_VISIT: u8 = 1;
const VIEWED: u8 = 2;
const BOUNCE: u8 = 4;
const HAS_EXIT: u8 = 8;

const ENGAGED: u8 = 1;
const TODAY: u8 = 2;

impl From<CodecError> for BadState {
    fn from(_: CodecError) -> Self {
        Self
    }
}

pub(super) fn encode(counter: &Counter) -> Vec<DayState> {
    let mut parts = vec![DayState { key: None, bytes: rest(counter) }];
    for (site, state) in &counter.sites {
        for ((day, key), visitors) in &state.days {
            let bytes = write_part(site, *day, visitors);
            parts.push(DayState { key: Some(*key), bytes });
        }
    }
    mail::encode(&counter.mail, &mut parts);
    parts
}

pub(super) fn decode(limits: CountLimits, parts: &[DayState]) -> Result<Counter, BadState> {
    let mut counter = Counter::new(limits);
    let mut of_mail = Vec::new();
    for DayState { key, bytes } in parts {
        let mut input = bytes.as_slice();
        if read_byte(&mut input)? != VERSION {
            return Err(BadState);
        }
        match (read_byte(&mut input)?, key) {
            (REST, None) => read_rest(&mut input, &mut counter)?,
            (DAY, Some(key)) => read_part(&mut input, *key, &mut counter)?,
            (kind @ (mail::REST | mail::IDS | mail::RECIPIENTS), key) => {
                of_mail.push((kind, *key, std::mem::take(&mut input)));
            }
            _ => return Err(BadState),
        }
        if !input.is_empty() {
            return Err(BadState);
        }
    }
    counter.mail = mail::decode(&of_mail)?;
    Ok(counter)
}

fn rest(counter: &Counter) -> Vec<u8> {
    let mut out = vec![VERSION, REST];
    write_number(counter.ledger.len() as u64, &mut out);
    for ((site, reason), total) in &counter.ledger {
        write_str(site.as_str(), &mut out);
        write_str(reason, &mut out);
        write_number(*total, &mut out);
    }
    write_number(counter.sites.len() as u64, &mut out);
    for (site, state) in &counter.sites {
        write_str(site.as_str(), &mut out);
        write_number(state.ended.len() as u64, &mut out);
        for key in &state.ended {
            out.extend_from_slice(&key.0.to_le_bytes());
        }
        let minutes: Vec<(i64, u32)> = state.recent.each_minute().collect();
        write_number(minutes.len() as u64, &mut out);
        for (minute, views) in minutes {
            write_signed(minute, &mut out);
            write_number(views.into(), &mut out);
        }
    }
    out
}

fn read_rest(input: &mut &[u8], counter: &mut Counter) -> Result<(), BadState> {
    for _ in 0..read_number(input)? {
        let site = SiteName::from_stored(read_str(input)?);
        let reason = reason_of(read_str(input)?).ok_or(BadState)?;
        let total = read_number(input)?;
        counter.ledger.insert((site, reason), total);
    }
    for _ in 0..read_number(input)? {
        let site = SiteName::from_stored(read_str(input)?);
        let mut ended = VecDeque::new();
        for _ in 0..read_number(input)? {
            ended.push_back(read_key_id(input)?);
        }
        let state = counter.sites.entry(site).or_default();
        state.ended = ended;
        for _ in 0..read_number(input)? {
            state.recent.viewed(read_signed(input)?, read_u32(input)?);
        }
    }
    Ok(())
}

/// The ledger's own word of that text.
fn reason_of(text: &str) -> Option<&'static str> {
    use reason::{COUNTED, KEY_LOST, KEYS_LOST, PAST_BOUND, RECEIVED, WITHHELD};
    let own = [COUNTED, KEY_LOST, KEYS_LOST, PAST_BOUND, RECEIVED, WITHHELD];
    let drops = DropReason::ALL.iter().map(|reason| reason.ledger_label());
    let refusals = RejectReason::ALL.iter().map(|reason| reason.ledger_label());
    own.into_iter().chain(drops).chain(refusals).find(|word| *word == text)
}

fn write_part(site: &SiteName, day: Day, of: &DayVisitors) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 * of.len() + 1024);
    out.extend_from_slice(&[VERSION, DAY]);
    write_str(site.as_str(), &mut out);
    write_signed(day.0.into(), &mut out);
    write_number(of.origins.texts().len() as u64, &mut out);
    for text in of.origins.texts() {
        write_str(text.as_str(), &mut out);
    }
    write_number(of.origins.packed().len() as u64, &mut out);
    for index in of.origins.packed().iter().flatten() {
        write_number((*index).into(), &mut out);
    }
    write_number(of.len() as u64, &mut out);
    for (id, visitor) in &of.visitors {
        out.extend_from_slice(&id.to_raw().to_le_bytes());
        write_visitor(visitor, &mut out);
    }
    out
}

fn write_visitor(visitor: &VisitorState, out: &mut Vec<u8>) {
    let VisitorState { first, hour, of_hour, visits, visit, seen } = visitor;
    for number in [first.0, hour.0, of_hour.0, (*visits).into()] {
        write_number(number.into(), out);
    }
    match visit {
        None => out.push(0),
        Some(visit) => write_visit(visit, out),
    }
    write_number(seen.0.len() as u64, out);
    for Entry { print, hour, bucket, visit, scroll, engaged, today } in &seen.0 {
        out.extend_from_slice(&print.0.to_le_bytes());
        let scroll = scroll.map_or(0, |percent| u32::from(percent) + 1);
        for number in [hour.0, bucket.0, (*visit).into(), scroll] {
            write_number(number.into(), out);
        }
        out.push(flag(*engaged, ENGAGED) | flag(*today, TODAY));
    }
}

fn write_visit(visit: &Visit, out: &mut Vec<u8>) {
    let Visit { origin, number, bucket, began, last, viewed, bounce, exit } = visit;
    let flags = flag(*viewed, VIEWED) | flag(*bounce, BOUNCE) | flag(exit.is_some(), HAS_EXIT);
    out.push(HAS_VISIT | flags);
    for number in [origin.0, (*number).into(), bucket.0] {
        write_number(number.into(), out);
    }
    write_signed(began.0, out);
    write_signed(last.0, out);
    if let Some(View { bucket, hostname, page }) = exit {
        write_number(bucket.0.into(), out);
        write_str(hostname.as_str(), out);
        write_str(page.as_str(), out);
    }
}

fn flag(set: bool, flag: u8) -> u8 {
    if set { flag } else { 0 }
}

fn read_part(input: &mut &[u8], key: KeyId, counter: &mut Counter) -> Result<(), BadState> {
    let site = SiteName::from_stored(read_str(input)?);
    let day = read_day(input)?;
    let mut texts = Vec::new();
    for _ in 0..read_number(input)? {
        texts.push(read_text(input)?);
    }
    let mut packed: Vec<Packed> = Vec::new();
    for _ in 0..read_number(input)? {
        let mut one = [0; 2 + VisitDims::COUNT];
        for index in &mut one {
            *index = read_u32(input)?;
        }
        packed.push(one);
    }
    let origins = Origins::restore(&texts, &packed).ok_or(BadState)?;
    let Counter { sites, pages, .. } = counter;
    let SiteState { days, recent, .. } = sites.entry(site).or_default();
    let mut of = DayVisitors { origins, ..DayVisitors::default() };
    for _ in 0..read_number(input)? {
        let id = read_id(input)?;
        let visitor = read_visitor(input, packed.len(), pages)?;
        if let Some(visit) = &visitor.visit {
            recent.moved(None, visit.last);
        }
        of.visitors.insert(id, visitor);
    }
    days.insert((day, key), of);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "the checkpoint's sealed part")]
fn read_id(input: &mut &[u8]) -> Result<VisitorId, BadState> {
    read_key_id(input).map(|bits| VisitorId::from_raw(bits.0)).map_err(BadState::from)
}

fn read_origin(input: &mut &[u8], origins: usize) -> Result<OriginId, BadState> {
    let id = read_u32(input)?;
    if (id as usize) < origins { Ok(OriginId(id)) } else { Err(BadState) }
}

fn read_u16(input: &mut &[u8]) -> Result<u16, BadState> {
    u16::try_from(read_u32(input)?).map_err(|_| BadState)
}

fn read_visitor(
    input: &mut &[u8],
    origins: usize,
    pages: &mut Pages,
) -> Result<VisitorState, BadState> {
    let first = read_origin(input, origins)?;
    let hour = Bucket(read_u32(input)?);
    let of_hour = read_origin(input, origins)?;
    let visits = read_u16(input)?;
    let flags = read_byte(input)?;
    let visit = match flags & HAS_VISIT {
        0 => None,
        _ => Some(read_visit(input, flags, origins, pages)?),
    };
    let mut seen = Seen::default();
    for _ in 0..read_number(input)? {
        seen.0.push(read_entry(input)?);
    }
    Ok(VisitorState { first, hour, of_hour, visits, visit, seen })
}

fn read_visit(
    input: &mut &[u8],
    flags: u8,
    origins: usize,
    pages: &mut Pages,
) -> Result<Visit, BadState> {
    let origin = read_origin(input, origins)?;
    let number = read_u16(input)?;
    let bucket = Bucket(read_u32(input)?);
    let (began, last) = (Second(read_signed(input)?), Second(read_signed(input)?));
    let exit = if flags & HAS_EXIT == 0 {
        None
    } else {
        let bucket = Bucket(read_u32(input)?);
        let hostname = pages.share(&read_text(input)?);
        Some(View { bucket, hostname, page: pages.share(&read_text(input)?) })
    };
    let (viewed, bounce) = (flags & VIEWED != 0, flags & BOUNCE != 0);
    Ok(Visit { origin, number, bucket, began, last, viewed, bounce, exit })
}

fn read_entry(input: &mut &[u8]) -> Result<Entry, BadState> {
    let print = Print(read_key_id(input)?.0);
    let (hour, bucket) = (Bucket(read_u32(input)?), Bucket(read_u32(input)?));
    let visit = read_u16(input)?;
    let scroll = match read_u32(input)? {
        0 => None,
        percent => Some(u8::try_from(percent - 1).map_err(|_| BadState)?),
    };
    let flags = read_byte(input)?;
    let (engaged, today) = (flags & ENGAGED != 0, flags & TODAY != 0);
    Ok(Entry { print, hour, bucket, visit, scroll, engaged, today })
}
