//! Every bound in the program, with its reason.

use std::time::Duration;

/// Bytes of a site's domain: DNS allows 253, and nothing longer can be reached.
pub const SITE_NAME_BYTES_MAX: usize = 253;

/// Bytes of a request body: thirty properties at their bounds, percent-encoded, fit in half of it.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// Bytes of a page's URL, as Plausible has it.
pub const URL_BYTES_MAX: usize = 2_000;

/// Bytes of a request's head. hyper's buffer for a connection is bounded by it.
pub const HEAD_BYTES_MAX: usize = 16 * 1024;

/// Sites that one request may be for: a page that is measured in a few roll-ups.
pub const DOMAINS_MAX: usize = 10;

/// Query parameters looked at; what is past them is not read. Google's script sends about sixty.
pub const QUERY_PARAMS_MAX: usize = 200;

/// Hits of one request of a dialect that has lists of them.
pub const BATCH_HITS_MAX: usize = 100;

/// Time for a request's head to arrive; hyper takes it as the idle limit too.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(20);

/// Time for a request's body to arrive once its head has.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for which a client waits that is refused and whose connection ends: as many of them as there
/// are places come back once in it, and not as often as a core can take.
pub const REFUSAL_WAIT: Duration = Duration::from_secs(1);

/// Time that an answer may lie unread on its way to a client.
pub const UNREAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Open connections of one listener thread; more wait in the kernel's backlog. Fewer where the
/// process may not open as many files.
pub const CONNECTIONS_MAX: usize = 16_384;

/// Files that may be open beside the listeners' connections: segments, databases, the console's
/// connections and those to ClickHouse.
pub const OTHER_FILES_MAX: u64 = 512;

/// Bytes that the kernel keeps of what one client has sent and nobody has read yet: a whole body. By
/// itself it would keep megabytes.
pub const UNREAD_REQUESTS_BYTES: usize = 64 * 1024;

/// The same of the answers that the client has not read. Only some pages are longer than that, and
/// scores of answers to hits fit: a client that sends ever more, and reads nothing, ends with them.
pub const UNREAD_ANSWERS_BYTES: usize = 16 * 1024;

/// Addresses walked in a forwarding header; real chains have a handful.
pub const FORWARDED_HOPS_MAX: usize = 16;

/// Characters of an event's name, as Plausible has it.
pub const EVENT_NAME_CHARS_MAX: usize = 120;

/// Properties of an event, as Plausible has it; more are left out.
pub const PROPS_MAX: usize = 30;

/// Characters of a property's key and value, as Plausible has them.
pub const PROP_KEY_CHARS_MAX: usize = 300;
/// See [`PROP_KEY_CHARS_MAX`].
pub const PROP_VALUE_CHARS_MAX: usize = 2_000;

/// Characters of a stored page path, and its segments.
pub const PAGE_CHARS_MAX: usize = 200;
/// See [`PAGE_CHARS_MAX`].
pub const PAGE_SEGMENTS_MAX: usize = 8;

/// Characters of a campaign parameter.
pub const CAMPAIGN_CHARS_MAX: usize = 64;

/// Minor units of one event's revenue: ten billion euros; nine hundred thousand of them fit into
/// the Int64 that they are summed in.
pub const REVENUE_MINOR_MAX: i64 = 1_000_000_000_000;

/// Milliseconds of one engagement report: a day. Longer ones are cut to it.
pub const ENGAGED_MS_MAX: u32 = 24 * 60 * 60 * 1000;

/// Seconds without a hit after which a visit is over.
pub const VISIT_GAP_S: i64 = 30 * 60;

/// Seconds after which a visit is over whatever happens.
pub const VISIT_LENGTH_S_MAX: i64 = 24 * 60 * 60;

/// Seconds a day's key may live: a day of 25 hours and the half hour in which a visit goes on.
pub const DAY_KEY_LIFE_S_MAX: i64 = 26 * 60 * 60;

/// Distinct pages, events and properties remembered for one visitor of a day. Reaching it takes a
/// machine; what is past it is counted, but not as a first.
pub const SEEN_PER_VISITOR_MAX: usize = 1_000;

/// Visitors remembered for one site and day: at about 90 bytes each (`benches/count.rs`), 2 GB.
pub const VISITORS_PER_SITE_MAX: usize = 20_000_000;

/// Visitors remembered at all sites together, on all days that are not over: 5 GB.
pub const VISITORS_MAX: usize = 50_000_000;

/// Limiter entries kept: a flood of made-up prefixes cannot fill the memory. About 100 MB.
pub const LIMITER_KEYS_MAX: usize = 1_000_000;

/// Records that may wait for one group commit; past them the edge answers 503.
pub const COMMIT_RECORDS_MAX: usize = 65_536;

/// Committed frames that may wait for the counter.
pub const FRAMES_QUEUED_MAX: usize = 4096;

/// Records in them: seconds of a busy site, at about half a kilobyte each.
pub const RECORDS_QUEUED_MAX: usize = 262_144;

/// Bytes of the records that may wait for one group commit; past them the edge answers 503.
pub const COMMIT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Bytes of zeros that the spool writes ahead of its frames: some tens of frames of a busy site.
pub const SPOOL_AHEAD_BYTES: u64 = 1024 * 1024;

/// Bytes of one spool or outbox frame, sealed: bounds what recovery will allocate. What is put into
/// a frame is bounded by [`COMMIT_BYTES_MAX`] and [`CUT_BYTES_MAX`].
pub const FRAME_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Rows a counted stretch may have before it is cut into a batch: well below ClickHouse's block.
pub const BATCH_ROWS_MAX: usize = 200_000;

/// Bytes of rows after which they are cut into batches.
pub const CUT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes after which a batch is cut: it stays in memory while it is sent, and fits a frame of the
/// outbox with room to spare.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Days a query may span at the grain of hours, and at all.
pub const QUERY_HOURS_DAYS_MAX: i64 = 92;
/// See [`QUERY_HOURS_DAYS_MAX`].
pub const QUERY_DAYS_MAX: i64 = 3_700;

/// Rows of one answer, as Plausible has it.
pub const ANSWER_ROWS_MAX: usize = 10_000;

/// Rows of an answer that may be skipped: past them a table is read by a filter, not by pages.
pub const ANSWER_OFFSET_MAX: usize = 1_000_000;

/// Cells of a breakdown that are folded for a reader with a threshold, which needs them all in
/// memory. A site with more is narrowed by a shorter range.
pub const FOLDED_CELLS_MAX: usize = 100_000;

/// Filters of a question, and values of one: a dashboard sends a handful.
pub const FILTERS_MAX: usize = 20;
/// See [`FILTERS_MAX`].
pub const FILTER_VALUES_MAX: usize = 200;

/// How deep `and`, `or` and `not` may nest: a dashboard needs two.
pub const FILTER_DEPTH_MAX: usize = 8;

/// Bytes of a mailing's HTML after which Gmail cuts it ("[Message clipped]"), and with it a pixel at
/// its end. The figure that senders go by; Google gives none.
pub const MAILING_BYTES_SHOWN: usize = 102_000;

/// Bytes of a mailing's HTML: ten times what Gmail shows.
pub const MAILING_BYTES_MAX: usize = 1024 * 1024;

/// Days that a mailing is counted of which nobody says that it was sent.
pub const MAILING_UNSENT_DAYS: i64 = 60;

/// The fewest openings or clicks of a cell of a mailing's report, and recipients of a mailing that
/// has one: of fewer, single ones could be told.
pub const MAILING_K: u32 = 10;

/// Tokens that one request may ask for: a million is made in a second.
pub const TOKENS_MAX: u64 = 10_000_000;

/// Seconds that what happens to a mail waits before it is counted. A filter follows the links of a
/// mail within a few seconds: what it did first is told from a reader by what it does next.
pub const MAIL_HOLD_S: i64 = 15;

/// Different links of a mailing that one reader follows within [`MAIL_HOLD_S`]; a filter, more.
pub const MAIL_LINKS_READ: usize = 2;

/// Seconds after a burst in which its sender is still taken for a filter.
pub const MAIL_BURST_S: i64 = 10 * 60;

/// Seconds within which the same again, by the same, is not counted: a mail program that shows a
/// mail twice.
pub const MAIL_REPEAT_S: i64 = 60;

/// What happens to mails that may wait to be counted: past it, the oldest is counted as it came.
/// About 60 MB.
pub const MAIL_HELD_MAX: usize = 262_144;

/// Senders and recipients whose last ten minutes are remembered; what others do is counted as it
/// came.
pub const MAIL_DOERS_MAX: usize = 262_144;

/// Things remembered of one of them.
pub const MAIL_DEEDS_MAX: usize = 32;

/// Links of a mailing.
pub const MAILING_LINKS_MAX: u16 = 1_000;

/// Recipients of one mailing that are remembered, at about 60 bytes each; what others do is counted,
/// and not as a first.
pub const RECIPIENTS_PER_MAILING_MAX: usize = 5_000_000;

/// Seconds a sign-in link works: long enough to be typed over from another machine's terminal.
pub const SIGN_IN_LINK_LIFE_S: i64 = 60 * 60;

/// Seconds a session lasts.
pub const SESSION_LIFE_S: i64 = 30 * 24 * 60 * 60;

/// Sign-in attempts a minute, over all who try: a person needs one, and 256 random bits stand
/// behind it.
pub const SIGN_INS_PER_MINUTE: u32 = 30;

/// Passwords a minute that may be tried for one user.
pub const PASSWORDS_PER_MINUTE: u32 = 5;

/// Bytes of one line on the control socket: a mailing, with quotes and line ends escaped.
pub const CONTROL_LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Time that open connections have to end when the program stops.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// Time that the first byte of a connection may take when the program stops.
pub const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(1);

/// Time that rows that were just counted have then to reach ClickHouse. The outbox keeps the others.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// Time that the console's connections have then: a dashboard left open must not hold the program.
pub const CONSOLE_STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Time that the engine has then to end in order. Its rows are synced: after that it is killed.
pub const ENGINE_STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// A supervisor that asked the program to stop need not wait longer.
const STOPPED_WITHIN: Duration = Duration::from_secs(10);

const _: () =
    assert!(4 * COMMIT_BYTES_MAX < FRAME_BYTES_MAX && 2 * CUT_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(
    STOP_TIMEOUT.as_secs()
        + DRAIN_TIMEOUT.as_secs()
        + CONSOLE_STOP_TIMEOUT.as_secs()
        + ENGINE_STOP_TIMEOUT.as_secs()
        < STOPPED_WITHIN.as_secs()
);
const _: () = assert!(BATCH_ROWS_MAX < 1_000_000, "a batch is one block of ClickHouse");
const _: () = assert!(VISIT_GAP_S < DAY_KEY_LIFE_S_MAX - 25 * 60 * 60 + 1800);
