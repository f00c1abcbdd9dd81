//! Tests of the de-identified hit, and of its records as bytes.

use std::collections::{HashMap, VecDeque};

use proptest::prelude::*;

use super::arbitrary::{self, Shown};
use super::*;
use crate::keys::KeyId;

fn encode(record: &Record) -> (Vec<u8>, Vec<(KeyId, VisitorId)>) {
    let (mut bytes, mut ids) = (Vec::new(), Vec::new());
    encode_record(record, &mut bytes, &mut ids);
    (bytes, ids)
}

/// The ids as a spool gives them out: each key's by itself, in their order.
fn by_key(ids: Vec<(KeyId, VisitorId)>) -> impl FnMut(KeyId) -> Option<VisitorId> {
    let mut queues = HashMap::<KeyId, VecDeque<VisitorId>>::new();
    for (key, id) in ids {
        queues.entry(key).or_default().push_back(id);
    }
    move |key| queues.get_mut(&key)?.pop_front()
}

fn decode(
    mut bytes: &[u8],
    mut ids: impl FnMut(KeyId) -> Option<VisitorId>,
) -> Result<Record, CodecError> {
    decode_record(&mut bytes, &mut ids)
}

proptest! {
    #[test]
    fn records_come_back_as_they_were_and_what_follows_them_stays(
        records in prop::collection::vec(arbitrary::record(), 1..5),
        rest in any::<[u8; 3]>(),
    ) {
        let (mut bytes, mut ids) = (Vec::new(), Vec::new());
        for Shown(record) in &records {
            encode_record(record, &mut bytes, &mut ids);
        }
        bytes.extend_from_slice(&rest);
        let (mut input, mut next) = (&*bytes, by_key(ids));
        for record in &records {
            let back = decode_record(&mut input, &mut next).map(Shown);
            prop_assert_eq!(back.as_ref(), Ok(record));
        }
        prop_assert_eq!(input, &rest[..]);
    }

    #[test]
    fn a_record_that_is_cut_anywhere_is_too_short(Shown(record) in arbitrary::record()) {
        let (bytes, ids) = encode(&record);
        for cut in 0..bytes.len() {
            let back = decode(&bytes[..cut], by_key(ids.clone())).map(Shown);
            prop_assert_eq!(back, Err(CodecError::Short), "cut at {}", cut);
        }
    }

    #[test]
    fn any_bytes_are_a_record_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        #[expect(clippy::disallowed_methods, reason = "an id for whatever the bytes ask for")]
        let back = decode(&bytes, |_| Some(VisitorId::from_raw(7)));
        if let Ok(record) = back {
            let (bytes, ids) = encode(&record);
            prop_assert_eq!(decode(&bytes, by_key(ids)).map(Shown), Ok(Shown(record)));
        }
    }

    #[test]
    fn a_record_with_a_changed_byte_is_a_record_or_an_error(
        Shown(record) in arbitrary::record(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let (mut bytes, ids) = encode(&record);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(record) = decode(&bytes, by_key(ids)) {
            let (bytes, ids) = encode(&record);
            prop_assert_eq!(decode(&bytes, by_key(ids)).map(Shown), Ok(Shown(record)));
        }
    }

    #[test]
    fn other_ids_leave_the_same_bytes(Shown(record) in arbitrary::record(), other in any::<u64>()) {
        let (bytes, ids) = encode(&record);
        #[expect(clippy::disallowed_methods, reason = "an id that is not the record's")]
        let back = decode(&bytes, |_| Some(VisitorId::from_raw(other)));
        let (bytes_of_other, ids_of_other) = encode(&back.expect("the bytes are whole"));
        prop_assert_eq!(bytes_of_other, bytes);
        prop_assert_eq!(ids_of_other.len(), ids.len());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "ids to tell apart")]
fn a_dead_key_loses_its_id_alone() {
    let [yesterday, today] = [KeyId(1), KeyId(2)];
    let [id_before, id] = [VisitorId::from_raw(10), VisitorId::from_raw(20)];
    let whole = Visitor::Known { key: today, id, before: Some((yesterday, id_before)) };
    let check = |dead: &[KeyId], expected: &Visitor| {
        let (bytes, ids) = encode(&Record::Hit(hit(whole.clone())));
        let mut living = by_key(ids);
        let mut asked = Vec::new();
        let back = decode(&bytes, |key| {
            asked.push(key);
            living(key).filter(|_| !dead.contains(&key))
        });
        assert!(back == Ok(Record::Hit(hit(expected.clone()))), "with {dead:?} dead");
        assert_eq!(asked, [today, yesterday], "each key's sequence goes on");
    };
    check(&[], &whole);
    check(&[yesterday], &Visitor::Known { key: today, id, before: None });
    check(&[today], &Visitor::Lost);
    check(&[yesterday, today], &Visitor::Lost);
}

#[test]
fn a_value_that_nobody_writes_is_refused() {
    let check = |bytes: &[u8], expected: CodecError| {
        let back = decode(bytes, |_| None).map(Shown);
        assert_eq!(back, Err(expected), "{}", bytes.escape_ascii());
    };
    check(b"", CodecError::Short);
    check(&[0], CodecError::Unknown);
    check(&[10], CodecError::Unknown);
    // A drop of a site whose name is not UTF-8, then one for no reason that there is.
    check(&[2, 1, 0xff, 0, 1], CodecError::Unknown);
    check(&[2, 1, b'a', 0, 99], CodecError::Unknown);
    // A name of 2^63 bytes is not allocated for; a number of 65 bits is none.
    check(&[2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1], CodecError::Short);
    check(&[2, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 2], CodecError::Unknown);
    // An event with 2^32 properties.
    let mut event = vec![1, 1, b'a', 0, 0, 0, 0, 1, 0, 0];
    event.extend([0x80, 0x80, 0x80, 0x80, 0x10]);
    check(&event, CodecError::Short);
}

/// What is on disks now must be read by every later version.
#[test]
fn the_bytes_of_a_record_are_these() {
    let check = |record: Record, expected: &[u8]| {
        let (bytes, _) = encode(&record);
        assert_eq!(bytes, expected, "{}", bytes.escape_ascii());
    };
    let (site, at) = (SiteName::from_stored("a.b"), Second(1000));
    let head = |tag: u8, rest: &[u8]| [&[tag, 3, b'a', b'.', b'b', 0xd0, 0x0f], rest].concat();
    let reason = DropReason::Bot;
    check(Record::Drop { site: site.clone(), at, reason }, &head(2, &[2]));
    let reason = RejectReason::Shed;
    check(Record::Reject { site: site.clone(), at, reason, hits: 300 }, &head(3, &[4, 0xac, 2]));
    check(Record::Received { site: site.clone(), at, hits: 5 }, &head(4, &[5]));
    check(Record::DayEnd { site: site.clone(), at, day: Day(-2) }, &head(5, &[3]));
    check(Record::KeysLost { site: site.clone(), at }, &head(6, &[]));
    let expected = [&head(1, &[4, 7, 0, 0])[..], &[1, b'h', 2, b'/', b'p'], &[0; 17]].concat();
    check(Record::Hit(hit(Visitor::Withheld)), &expected);
}

#[expect(clippy::disallowed_methods, reason = "a made-up page")]
fn hit(visitor: Visitor) -> Hit {
    Hit {
        site: SiteName::from_stored("a.b"),
        at: Second(1000),
        day: Day(2),
        hour: Bucket(7),
        visitor,
        kind: HitKind::Pageview,
        hostname: Text::from_scrubbed("h"),
        page: Text::from_scrubbed("/p"),
        dims: Box::default(),
    }
}
