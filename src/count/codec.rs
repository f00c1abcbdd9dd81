//! The state as bytes, for a checkpoint. Ids stand only in parts that carry their day's key.
//!
//! ```text
//! every part   version u8 (4), kind u8
//! 0 the rest   ledger: number, (site text, reason text, total)*
//!              sites: number, (site text, ended: number, key id*, minutes: number, (minute, views)*)*
//! of a day     site text, day, items: number, then the items of the kind, each list in its order:
//! 1 texts      text*
//! 2 origins    19 indices of texts*
//! 3 views      (hostname text, page text)*; a free place: both empty
//! 4 things     (print 8 bytes, before, hour, bucket u32, visit u16, scroll, flags u8)*
//! 5 visitors   (id 8 bytes, first, hour, of hour, last thing u32; of the visit: origin, began,
//!              last, exit, its bucket u32, number u16, flags u8)*
//! 6, 7, 8      mailings: see `mail/codec.rs`
//! ```
//!
//! Numbers and texts as in `hit/wire.rs`; what has a size is little endian. A list longer than a
//! part goes on in the next. Another version's state is not read: visits begin anew.

use std::collections::VecDeque;

use super::day::{DayVisitors, Visit, VisitorState};
use super::intern::{Held, OriginId, Packed, ViewId};
use super::pieces::Pieces;
use super::seen::{Link, Print, Thing};
use super::{BadState, Counter, reason};
use crate::hit::wire::{
    CodecError, read_byte, read_day, read_key_id, read_number, read_signed, read_str, read_text,
    read_u32, write_number, write_signed, write_str,
};
use crate::hit::{Bucket, Day, DropReason, RejectReason, SiteName, Text, VisitDims, VisitorId};
use crate::keys::KeyId;

pub(super) const VERSION: u8 = 4;

/// What a part holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Rest = 0,
    Texts = 1,
    Origins = 2,
    Views = 3,
    Things = 4,
    Visitors = 5,
}

/// Bytes of a thing, and of a visitor.
const THING_BYTES: usize = 24;
const VISITOR_BYTES: usize = 47;

impl From<CodecError> for BadState {
    fn from(_: CodecError) -> Self {
        Self
    }
}

/// Takes a part into `counter`, whose days are not whole before all have been taken.
pub(super) fn read(
    mut input: &[u8],
    key: Option<KeyId>,
    counter: &mut Counter,
) -> Result<(), BadState> {
    let input = &mut input;
    if read_byte(input)? != VERSION {
        return Err(BadState);
    }
    let kind = read_byte(input)?;
    match key {
        None if kind == Kind::Rest as u8 => read_rest(input, counter)?,
        None => return Err(BadState),
        Some(key) => {
            let site = SiteName::from_stored(read_str(input)?);
            let day = read_day(input)?;
            let days = &mut counter.sites.entry(site).or_default().days;
            read_items(kind, input, days.entry((day, key)).or_default())?;
        }
    }
    if input.is_empty() { Ok(()) } else { Err(BadState) }
}

fn read_items(kind: u8, input: &mut &[u8], of: &mut DayVisitors) -> Result<(), BadState> {
    for _ in 0..read_number(input)? {
        match kind {
            1 => read_new_text(input, of)?,
            2 => read_origin(input, of)?,
            3 => of.views.restore(read_text(input)?, read_text(input)?),
            4 => drop(of.things.push(read_thing(input)?)),
            5 => drop(of.visitors.push(read_visitor(input)?)),
            _ => return Err(BadState),
        }
    }
    Ok(())
}

/// The beginning of a part of a day.
pub(super) fn head(kind: Kind, site: &SiteName, day: Day, items: usize) -> Vec<u8> {
    let mut out = vec![VERSION, kind as u8];
    write_str(site.as_str(), &mut out);
    write_signed(day.0.into(), &mut out);
    write_number(items as u64, &mut out);
    out
}

pub(super) fn rest(counter: &Counter) -> Vec<u8> {
    let mut out = vec![VERSION, Kind::Rest as u8];
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

pub(super) fn texts(of: &Pieces<Text>) -> Vec<u8> {
    let mut out = Vec::new();
    of.iter().for_each(|text| write_str(text.as_str(), &mut out));
    out
}

fn read_new_text(input: &mut &[u8], of: &mut DayVisitors) -> Result<(), BadState> {
    let expected = of.origins.texts.len();
    let index = of.origins.text(&read_text(input)?);
    if index as usize == expected { Ok(()) } else { Err(BadState) }
}

pub(super) fn origins(of: &Pieces<Packed>) -> Vec<u8> {
    let mut out = Vec::new();
    of.iter().flatten().for_each(|index| write_number((*index).into(), &mut out));
    out
}

fn read_origin(input: &mut &[u8], of: &mut DayVisitors) -> Result<(), BadState> {
    let mut packed = [0; 2 + VisitDims::COUNT];
    for index in &mut packed {
        *index = read_u32(input)?;
        if *index as usize >= of.origins.texts.len() {
            return Err(BadState);
        }
    }
    let expected = of.origins.packed.len();
    if of.origins.keep(packed) as usize == expected { Ok(()) } else { Err(BadState) }
}

pub(super) fn views(of: &Pieces<Held>) -> Vec<u8> {
    let mut out = Vec::new();
    for view in of.iter() {
        write_str(view.hostname.as_str(), &mut out);
        write_str(view.page.as_str(), &mut out);
    }
    out
}

pub(super) fn things(of: &Pieces<Thing>) -> Vec<u8> {
    let mut out = Vec::with_capacity(of.len() * THING_BYTES);
    for thing in of.iter() {
        let Thing { print, before, hour, bucket, visit, scroll, flags } = thing;
        out.extend_from_slice(&print.0.to_le_bytes());
        for number in [before.0, hour.0, bucket.0] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&visit.to_le_bytes());
        out.extend_from_slice(&[*scroll, *flags]);
    }
    out
}

fn read_thing(input: &mut &[u8]) -> Result<Thing, BadState> {
    let mut bytes: &[u8] = take::<THING_BYTES>(input)?;
    let bytes = &mut bytes;
    Ok(Thing {
        print: Print(u64::from_le_bytes(*take(bytes)?)),
        before: Link(u32::from_le_bytes(*take(bytes)?)),
        hour: Bucket(u32::from_le_bytes(*take(bytes)?)),
        bucket: Bucket(u32::from_le_bytes(*take(bytes)?)),
        visit: u16::from_le_bytes(*take(bytes)?),
        scroll: read_byte(bytes)?,
        flags: read_byte(bytes)?,
    })
}

pub(super) fn visitors(of: &Pieces<VisitorState>) -> Vec<u8> {
    let mut out = Vec::with_capacity(of.len() * VISITOR_BYTES);
    for visitor in of.iter() {
        let VisitorState { id, first, hour, of_hour, last_thing, visit } = visitor;
        let Visit { origin, began, last, exit, exit_bucket, number, flags } = visit;
        out.extend_from_slice(&id.to_raw().to_le_bytes());
        let numbers = [first.0, hour.0, of_hour.0, last_thing.0];
        let of_visit = [origin.0, *began, *last, exit.0, exit_bucket.0];
        for number in numbers.into_iter().chain(of_visit) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&number.to_le_bytes());
        out.push(*flags);
    }
    out
}

#[expect(clippy::disallowed_methods, reason = "the checkpoint's sealed part")]
fn read_visitor(input: &mut &[u8]) -> Result<VisitorState, BadState> {
    let mut bytes: &[u8] = take::<VISITOR_BYTES>(input)?;
    let bytes = &mut bytes;
    Ok(VisitorState {
        id: VisitorId::from_raw(u64::from_le_bytes(*take(bytes)?)),
        first: OriginId(u32::from_le_bytes(*take(bytes)?)),
        hour: Bucket(u32::from_le_bytes(*take(bytes)?)),
        of_hour: OriginId(u32::from_le_bytes(*take(bytes)?)),
        last_thing: Link(u32::from_le_bytes(*take(bytes)?)),
        visit: Visit {
            origin: OriginId(u32::from_le_bytes(*take(bytes)?)),
            began: u32::from_le_bytes(*take(bytes)?),
            last: u32::from_le_bytes(*take(bytes)?),
            exit: ViewId(u32::from_le_bytes(*take(bytes)?)),
            exit_bucket: Bucket(u32::from_le_bytes(*take(bytes)?)),
            number: u16::from_le_bytes(*take(bytes)?),
            flags: read_byte(bytes)?,
        },
    })
}

fn take<'a, const N: usize>(input: &mut &'a [u8]) -> Result<&'a [u8; N], BadState> {
    let (taken, rest) = input.split_first_chunk().ok_or(BadState)?;
    *input = rest;
    Ok(taken)
}
