//! One attempt at writing a batch: its token, what is noted beside the batch before it begins, and
//! when the next attempt may use the same token. Pure.

/// What the outbox keeps beside a batch from before its first attempt on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Attempt {
    /// The deduplication token of the insert.
    pub(super) token: [u8; 16],
    /// ClickHouse's time before the token was first used, in milliseconds.
    pub(super) written_ms: i64,
    /// ClickHouse's time after which an insert under this token is refused; `i64::MAX`: never.
    pub(super) deadline_ms: i64,
    /// The run of the ClickHouse process that the token was made for.
    pub(super) run: String,
}

/// ClickHouse now: which run of its process, and its time in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Now {
    pub(super) run: String,
    pub(super) ms: i64,
}

/// How the next attempt goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Under the same token: should the earlier attempt still arrive, one of the two is dropped.
    Same,
    /// Under a fresh token: the earlier one can no longer arrive, or its token is used up.
    Fresh,
    /// Not yet: an earlier attempt could still arrive.
    Wait,
    /// Never: the marker of an earlier attempt may have been there, and gone by its age.
    Unknowable,
}

/// What follows when the marker is absent. `used_up`: ClickHouse reported success for the last
/// token, and its marker is still not there.
///
/// A token is logged before its rows are in place: after a crash in between, the same token is
/// answered with success and inserts nothing. So it is good for one run of the process only. A fresh
/// token beside an attempt that still sits in a socket would write twice. So within one run it is
/// the same token, and past it, an attempt that some proxy holds must have met its deadline.
pub(super) fn next(last: Option<&Attempt>, now: &Now, used_up: bool, marker_days: i64) -> Next {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let Some(last) = last else { return Next::Fresh };
    if now.ms - last.written_ms > (marker_days - 1) * DAY_MS {
        return Next::Unknowable;
    }
    let expired = now.ms > last.deadline_ms;
    if last.run == now.run && !used_up && !expired {
        return Next::Same;
    }
    if last.deadline_ms == i64::MAX || expired { Next::Fresh } else { Next::Wait }
}

const FORMAT: u8 = 1;

impl Attempt {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.token);
        bytes.extend(self.written_ms.to_le_bytes());
        bytes.extend(self.deadline_ms.to_le_bytes());
        bytes.extend(self.run.as_bytes());
        bytes
    }

    /// `None` if no version of this program wrote it.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[FORMAT])?;
        let (token, rest) = rest.split_first_chunk()?;
        let (written_ms, rest) = rest.split_first_chunk()?;
        let (deadline_ms, run) = rest.split_first_chunk()?;
        Some(Self {
            token: *token,
            written_ms: i64::from_le_bytes(*written_ms),
            deadline_ms: i64::from_le_bytes(*deadline_ms),
            run: std::str::from_utf8(run).ok()?.to_owned(),
        })
    }

    /// The token as ClickHouse gets it.
    pub(super) fn token(&self) -> String {
        format!("{:032x}", u128::from_be_bytes(self.token))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attempt(run: &str, deadline_ms: i64) -> Attempt {
        Attempt { token: [7; 16], written_ms: 1_000, deadline_ms, run: run.into() }
    }

    #[test]
    fn a_token_is_used_again_within_one_run_and_never_after() {
        let check = |last: Option<Attempt>, run: &str, ms, used_up, expected| {
            let now = Now { run: run.into(), ms };
            assert_eq!(next(last.as_ref(), &now, used_up, 35), expected, "{last:?} {now:?}");
        };
        let never = i64::MAX;
        check(None, "a", 2_000, false, Next::Fresh);
        check(Some(attempt("a", never)), "a", 2_000, false, Next::Same);
        check(Some(attempt("a", never)), "b", 2_000, false, Next::Fresh);
        check(Some(attempt("a", never)), "a", 2_000, true, Next::Fresh);
        // Behind a proxy: what it may hold is waited out.
        check(Some(attempt("a", 5_000)), "a", 2_000, false, Next::Same);
        check(Some(attempt("a", 5_000)), "b", 2_000, false, Next::Wait);
        check(Some(attempt("a", 5_000)), "a", 2_000, true, Next::Wait);
        check(Some(attempt("a", 5_000)), "b", 5_001, false, Next::Fresh);
        // Its own deadline would refuse it for ever.
        check(Some(attempt("a", 5_000)), "a", 5_001, false, Next::Fresh);
        let days_34 = 34 * 24 * 60 * 60 * 1000;
        check(Some(attempt("a", never)), "b", 1_001 + days_34, false, Next::Unknowable);
    }

    proptest! {
        #[test]
        fn a_note_is_read_back(
            token: [u8; 16], written_ms: i64, deadline_ms: i64, run in ".{0,40}",
        ) {
            let attempt = Attempt { token, written_ms, deadline_ms, run };
            prop_assert_eq!(Attempt::decode(&attempt.encode()), Some(attempt));
        }

        #[test]
        fn any_bytes_decode_or_are_refused(bytes: Vec<u8>) {
            if let Some(attempt) = Attempt::decode(&bytes) {
                prop_assert_eq!(attempt.encode(), bytes);
            }
        }
    }
}
