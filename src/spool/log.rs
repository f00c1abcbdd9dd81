//! A sealed, append-only log of frames in segment files: under the spool, and under the outbox.
//!
//! ```text
//! segment   NNNNNNNNNNNNNNNN.seg, named by the place of its first item, in hexadecimal
//!   head    magic 8 | version u32 | kind u32 | first u64 | salt 16 | crc32c u32 | 0 u32
//!   frame*  magic 4 | length u32 | first u64 | count u32 | number u32 | 0 u32 | crc32c u32 | payload
//! ```
//!
//! Integers are little-endian. A frame is one commit; its payload is sealed under the segment's own
//! key, derived from the log's key file and the segment's salt, with the frame's number as nonce
//! and its head as additional data. The checksum covers head and sealed payload, so that a torn
//! frame (checksum wrong) and a forged one (seal wrong) are told apart.
//!
//! **Appending.** A segment's head is synced and its name made durable before its first frame. Each
//! open begins a new segment, so no nonce is used twice whatever happened to the last process. When
//! an append or sync fails, the segment is never written again: the kernel may have dropped the
//! pages that it could not write, and a second sync would lie. The file is cut back to its last
//! whole frame if it can be, and the next append begins a new segment at the same place.
//!
//! **Room ahead.** Where frames are synced one by one, zeros are written ahead of them, and frames
//! over the zeros: a sync then writes the frame alone, not the file's new length and blocks as well,
//! and costs about 0.6 of the time. Zeros behind the last frame are no torn tail.
//!
//! **Opening.** Segments are walked in order. Where a frame is not whole, the next whole one is
//! looked for: if there is none, and it is the last segment, this is the torn tail of a process or
//! machine that died, and it is cut; everything else is a bad frame, counted and stepped over. What
//! is left of the last segment is synced: a frame that is read is on the disk. A last segment whose
//! head is damaged is put aside under another name. A segment reaches no further than the place at
//! which the next begins: what stands behind that was written by a commit that failed, and its
//! client was told so.
//!
//! **Deleting.** Whole segments, the oldest first, and never the last.

use std::io;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::disk::{self, Disk, DiskFile};
use super::frame::{FRAME_HEAD_BYTES, FrameHead, SEGMENT_HEAD_BYTES, SegmentHead, VERSION};
use crate::keys::SealKey;
use crate::limits;
use crate::telemetry::{self, Value};

const SEGMENT_KEY_CONTEXT: &str = "headcount 2026-11 log segment key v1";

/// What stands behind the name of a segment that was put aside.
const DAMAGED: &str = ".damaged";

/// Why a log cannot be used.
#[derive(Debug)]
pub(crate) enum LogError {
    /// The system said no to this step.
    Io(&'static str, io::Error),
    /// A newer program's format.
    Newer(u32),
}

/// Where a frame stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The first item of its segment: the segment's name.
    pub(crate) segment: u64,
    offset: u64,
    bytes: u64,
}

impl Active {
    /// Writes zeros ahead once the frames, which end at `end`, have filled the last ones, and no
    /// further than the segment goes.
    fn make_room(&mut self, end: u64, shape: &Shape) {
        let room = (end + shape.ahead_bytes).min(shape.segment_bytes);
        if end <= self.room || room <= end {
            return;
        }
        // On a disk that is nearly full the frames have what is left.
        let made = usize::try_from(room - end).is_ok_and(|it| self.file.make_room(it).is_ok());
        self.room = if made { room } else { u64::MAX };
    }
}

/// What opening found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The place of the oldest item that is still there.
    pub(crate) first: u64,
    /// The place after the last one.
    pub(crate) next: u64,
    pub(crate) torn_bytes: u64,
    pub(crate) bad_frames: u64,
}

/// A frame, opened.
pub(crate) struct Opening<'a> {
    pub(crate) first: u64,
    pub(crate) count: u32,
    pub(crate) place: &'a Place,
    pub(crate) payload: Vec<u8>,
}

#[derive(Clone)]
struct Segment {
    first: u64,
    bytes: u64,
}

struct Active {
    file: Box<dyn DiskFile>,
    key: SealKey,
    frames: u32,
    /// Up to where the file has frames or zeros.
    room: u64,
}

/// Which log it is, and how its segments are written.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    /// What stands in its segments' heads.
    pub(crate) kind: u32,
    /// Bytes of a segment, after which the next is begun.
    pub(crate) segment_bytes: u64,
    /// Bytes of zeros that are written ahead of frames that are synced; 0: none.
    pub(crate) ahead_bytes: u64,
}

/// The log.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    root: Zeroizing<[u8; 32]>,
    shape: Shape,
    segments: Vec<Segment>,
    active: Option<Active>,
}

impl Log {
    /// Opens the log, cuts its torn tail, and tells what it found.
    pub(crate) fn open(
        disk: Arc<dyn Disk>,
        root: Zeroizing<[u8; 32]>,
        shape: Shape,
    ) -> Result<(Self, Opened), LogError> {
        let mut log = Self { disk, root, shape, segments: Vec::new(), active: None };
        let mut names = log.disk.list().map_err(|e| LogError::Io("listing", e))?;
        names.sort();
        for name in &names {
            if let Some(first) = place_in(name) {
                log.segments.push(Segment { first, bytes: 0 });
            }
        }
        let opened = log.scan()?;
        Ok((log, opened))
    }

    /// What it holds now, for reading alone.
    pub(crate) fn so_far(&self) -> Self {
        Self {
            disk: Arc::clone(&self.disk),
            root: self.root.clone(),
            shape: self.shape,
            segments: self.segments.clone(),
            active: None,
        }
    }

    fn scan(&mut self) -> Result<Opened, LogError> {
        let mut opened = Opened {
            first: self.segments.first().map_or(0, |segment| segment.first),
            ..Opened::default()
        };
        opened.next = opened.first;
        let last = self.segments.len().saturating_sub(1);
        for at in 0..self.segments.len() {
            let name = name_of(self.segments[at].first);
            let bytes = self.disk.read(&name).map_err(|e| LogError::Io("reading", e))?;
            let limit = self.reach(at);
            let (mut bad, mut whole_up_to) = (0, 0);
            match SegmentHead::decode(&bytes) {
                Some(head) if head.version > VERSION => return Err(LogError::Newer(head.version)),
                Some(_) => {
                    whole_up_to = walk(&bytes, limit, &mut bad, |head, _, _| {
                        opened.next = opened.next.max(head.first + u64::from(head.count));
                    });
                }
                // A head that is not whole: the process died while the segment was made. Behind one
                // that was whole there may be frames, which are damaged, and stay.
                None if at == last && bytes.len() <= SEGMENT_HEAD_BYTES => {}
                None => bad = 1,
            }
            opened.next = opened.next.max(self.segments[at].first);
            opened.bad_frames += bad;
            let torn = written(&bytes).saturating_sub(whole_up_to);
            if at == last {
                if whole_up_to == 0 && bad > 0 {
                    self.put_aside(&name)?;
                } else {
                    opened.torn_bytes = torn;
                    self.cut(&name, whole_up_to)?;
                }
            }
            self.segments[at].bytes = whole_up_to;
            if bad > 0 {
                telemetry::error(
                    "log",
                    "frames do not verify and were stepped over",
                    &[("segment", Value::Operator(&name)), ("frames", Value::from(bad))],
                );
            }
        }
        // A segment that was cut to nothing is as if it had never been made.
        if self.segments.last().is_some_and(|segment| segment.bytes == 0) {
            self.segments.pop();
        }
        Ok(opened)
    }

    /// Gives a segment without a readable head a name that is no segment's, for whoever can still
    /// read something in it.
    fn put_aside(&self, name: &str) -> Result<(), LogError> {
        let renamed = self.disk.rename(name, &format!("{name}{DAMAGED}"));
        renamed
            .and_then(|()| self.disk.sync_folder())
            .map_err(|error| LogError::Io("putting a damaged segment aside", error))
    }

    /// Cuts a file to its whole part; to nothing: removes it. Also where it is whole: the process
    /// that wrote it may not have lived to sync it, and what is built upon it from here on needs it.
    fn cut(&self, name: &str, bytes: u64) -> Result<(), LogError> {
        let cut = if bytes == 0 {
            self.disk.remove(name).and_then(|()| self.disk.sync_folder())
        } else {
            self.disk.cut(name, bytes)
        };
        cut.map_err(|error| LogError::Io("cutting the torn tail", error))
    }

    /// The place at which a segment ends for sure.
    fn reach(&self, at: usize) -> u64 {
        self.segments.get(at + 1).map_or(u64::MAX, |next| next.first)
    }

    /// Appends a frame of `count` items from place `first` on, and syncs it if `sync`.
    pub(crate) fn append(
        &mut self,
        first: u64,
        count: u32,
        payload: Vec<u8>,
        sync: bool,
    ) -> Result<Place, LogError> {
        if self.segments.last().is_some_and(|segment| segment.bytes >= self.shape.segment_bytes) {
            self.active = None;
        }
        if self.active.is_none() {
            self.begin_segment(first)?;
        }
        match self.append_to_active(first, count, payload, sync) {
            Ok(place) => Ok(place),
            Err(error) => {
                self.give_up_active();
                Err(LogError::Io("writing", error))
            }
        }
    }

    fn append_to_active(
        &mut self,
        first: u64,
        count: u32,
        mut payload: Vec<u8>,
        sync: bool,
    ) -> io::Result<Place> {
        let (Some(active), Some(segment)) = (&mut self.active, self.segments.last_mut()) else {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        };
        let sealed_bytes = payload.len() + crate::keys::SEAL_BYTES;
        if sealed_bytes > limits::FRAME_BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let length = u32::try_from(sealed_bytes)
            .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        let head = FrameHead { length, number: active.frames, first, count };
        let mut encoded = head.encode();
        active.frames += 1;
        active.key.seal(&head.nonce(), FrameHead::sealed_part(&encoded), &mut payload);
        FrameHead::finish(&mut encoded, &payload);
        // One write: a frame is torn at one place at most.
        payload.splice(0..0, encoded);
        active.file.append(&payload)?;
        if sync {
            active.make_room(segment.bytes + head.bytes(), &self.shape);
            active.file.sync()?;
        }
        let place = Place { segment: segment.first, offset: segment.bytes, bytes: head.bytes() };
        segment.bytes += head.bytes();
        Ok(place)
    }

    fn begin_segment(&mut self, first: u64) -> Result<(), LogError> {
        let io = |error| LogError::Io("beginning a segment", error);
        // An earlier segment of this place holds no whole frame, or only ones of failed commits.
        let name = name_of(first);
        if self.segments.last().is_some_and(|segment| segment.first >= first) {
            disk::remove_if_there(&*self.disk, &name).map_err(io)?;
            self.segments.pop();
        }
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| io(io::Error::from(io::ErrorKind::Other)))?;
        let head = SegmentHead { version: VERSION, kind: self.shape.kind, first, salt };
        let made = self.disk.create(&name).and_then(|mut file| {
            file.append(&head.encode())?;
            file.sync()?;
            self.disk.sync_folder()?;
            Ok(file)
        });
        match made {
            Ok(file) => {
                self.segments.push(Segment { first, bytes: SEGMENT_HEAD_BYTES as u64 });
                self.active = Some(Active { file, key: self.key(&salt), frames: 0, room: 0 });
                Ok(())
            }
            Err(error) => {
                // Half a segment must not stand in the way of the next attempt.
                drop(self.disk.remove(&name));
                Err(io(error))
            }
        }
    }

    fn give_up_active(&mut self) {
        self.active = None;
        if let Some(segment) = self.segments.last() {
            // If it cannot be cut, the next segment's first place bounds it all the same.
            drop(self.disk.cut(&name_of(segment.first), segment.bytes));
        }
    }

    fn key(&self, salt: &[u8; 16]) -> SealKey {
        let mut hasher = blake3::Hasher::new_derive_key(SEGMENT_KEY_CONTEXT);
        hasher.update(&*self.root).update(salt);
        SealKey::from_bytes(hasher.finalize().as_bytes())
    }

    /// Opens every frame that holds an item at `from` or later, in order.
    pub(crate) fn each(
        &self,
        from: u64,
        mut each: impl FnMut(Opening<'_>),
    ) -> Result<(), LogError> {
        for (at, segment) in self.segments.iter().enumerate() {
            let limit = self.reach(at);
            if limit <= from {
                continue;
            }
            let name = name_of(segment.first);
            let mut bytes = self.disk.read(&name).map_err(|e| LogError::Io("reading", e))?;
            bytes.truncate(usize::try_from(segment.bytes).unwrap_or(usize::MAX));
            let Some(segment_head) = SegmentHead::decode(&bytes) else { continue };
            let key = self.key(&segment_head.salt);
            let mut unsealed = 0_u64;
            walk(&bytes, limit, &mut 0, |head, offset, frame| {
                if head.first + u64::from(head.count) <= from {
                    return;
                }
                let place =
                    Place { segment: segment.first, offset: offset as u64, bytes: head.bytes() };
                match open_frame(&key, frame) {
                    Some(payload) => each(Opening {
                        first: head.first,
                        count: head.count,
                        place: &place,
                        payload,
                    }),
                    None => unsealed += 1,
                }
            });
            if unsealed > 0 {
                telemetry::error(
                    "log",
                    "frames were not sealed by this installation's key",
                    &[("segment", Value::Operator(&name)), ("frames", Value::from(unsealed))],
                );
            }
        }
        Ok(())
    }

    /// Reads one frame again.
    pub(crate) fn read(&self, place: &Place) -> Result<Option<Vec<u8>>, LogError> {
        let io = |error| LogError::Io("reading", error);
        let name = name_of(place.segment);
        let head = self.disk.read_at(&name, 0, SEGMENT_HEAD_BYTES).map_err(io)?;
        let length = usize::try_from(place.bytes).unwrap_or(usize::MAX);
        let frame = self.disk.read_at(&name, place.offset, length).map_err(io)?;
        let Some(head) = SegmentHead::decode(&head) else { return Ok(None) };
        Ok(open_frame(&self.key(&head.salt), &frame))
    }

    /// Deletes the oldest segments, as long as `may_go` says so of one and it is not the last.
    /// Asked with the first places of a segment and of the one after it.
    pub(crate) fn delete_oldest(
        &mut self,
        mut may_go: impl FnMut(u64, u64) -> bool,
    ) -> Result<(), LogError> {
        let mut gone = false;
        while self.segments.len() > 1 && may_go(self.segments[0].first, self.segments[1].first) {
            let name = name_of(self.segments[0].first);
            disk::remove_if_there(&*self.disk, &name)
                .map_err(|e| LogError::Io("deleting a segment", e))?;
            self.segments.remove(0);
            gone = true;
        }
        if gone {
            self.disk.sync_folder().map_err(|e| LogError::Io("deleting a segment", e))?;
        }
        Ok(())
    }

    /// Whether the next append begins a new segment.
    pub(crate) fn rolls_next(&self) -> bool {
        self.active.is_none()
            || self.segments.last().is_some_and(|segment| segment.bytes >= self.shape.segment_bytes)
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }
}

/// Looks at the segments among `names`, and changes nothing: the bad frames and the bad segments that
/// an open would find or has put aside, and how many segments there are.
pub(crate) fn verify(disk: &dyn Disk, names: &[String]) -> io::Result<(u64, u64, u64)> {
    let last = names.iter().filter_map(|name| place_in(name)).max();
    let aside = names.iter().filter(|name| name.ends_with(DAMAGED)).count() as u64;
    let (mut bad_frames, mut bad_segments, mut segments) = (0, aside, 0);
    for name in names {
        let Some(first) = place_in(name) else { continue };
        // A running program deletes segments.
        let Some(bytes) = disk::read_if_there(disk, name)? else { continue };
        segments += 1;
        if SegmentHead::decode(&bytes).is_some() {
            walk(&bytes, u64::MAX, &mut bad_frames, |_, _, _| {});
        } else if Some(first) != last || bytes.len() > SEGMENT_HEAD_BYTES {
            bad_segments += 1;
        }
    }
    Ok((bad_frames, bad_segments, segments))
}

/// Walks the whole frames of a segment's bytes that lie before `limit`; counts the places at which
/// a frame is not whole although a later one is. Returns where the last whole frame ends.
fn walk<'a>(
    bytes: &'a [u8],
    limit: u64,
    bad: &mut u64,
    mut each: impl FnMut(FrameHead, usize, &'a [u8]),
) -> u64 {
    let (mut at, mut whole_up_to) = (SEGMENT_HEAD_BYTES, SEGMENT_HEAD_BYTES);
    let mut stepping = false;
    while at + FRAME_HEAD_BYTES <= bytes.len() {
        if let Some((head, _, payload)) = FrameHead::decode(&bytes[at..]) {
            *bad += u64::from(stepping);
            stepping = false;
            let end = at + FRAME_HEAD_BYTES + payload.len();
            if head.first < limit {
                each(head, at, &bytes[at..end]);
            }
            at = end;
            whole_up_to = end;
        } else {
            stepping = true;
            at += 1;
        }
    }
    whole_up_to as u64
}

/// The bytes up to the last one that is not zero: behind it is room that was made ahead.
fn written(bytes: &[u8]) -> u64 {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

fn open_frame(key: &SealKey, frame: &[u8]) -> Option<Vec<u8>> {
    let (head, encoded, payload) = FrameHead::decode(frame)?;
    key.open(&head.nonce(), FrameHead::sealed_part(encoded), payload)
}

fn name_of(first: u64) -> String {
    format!("{first:016x}.seg")
}

fn place_in(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".seg").filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok()
}
