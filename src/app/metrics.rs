//! The program's metrics in Prometheus' text format: totals of the program, no figures of a site.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;

use crate::edge::EdgeFigures;
use crate::outbox::OutboxFigures;
use crate::spool::SpoolFigures;
use crate::store::SendFigures;

/// What is written.
pub(super) struct Figures<'a> {
    pub(super) edge: EdgeFigures,
    pub(super) spool: SpoolFigures,
    pub(super) outbox: OutboxFigures,
    pub(super) sent: &'a SendFigures,
    pub(super) visitors: usize,
    pub(super) recipients: usize,
    pub(super) keyring: bool,
    /// The ledger's totals over all sites, by reason.
    pub(super) totals: BTreeMap<&'static str, u64>,
}

/// Appends them all.
pub(super) fn write(figures: &Figures<'_>, out: &mut String) {
    let Figures { edge, spool, outbox, sent: of, visitors, recipients, keyring, totals } = figures;
    let sent = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
    let counters: &[(&str, &str, u64)] = &[
        ("http_requests_total", "Requests of any kind at the ingest listener.", edge.requests),
        ("spool_commits_total", "Group commits.", spool.commits),
        ("spool_failed_commits_total", "Group commits that failed.", spool.failed_commits),
        ("store_batches_total", "Batches written to ClickHouse.", sent(&of.batches)),
        ("store_rows_total", "Rows written to ClickHouse.", sent(&of.rows)),
        ("store_inserts_total", "Inserts sent.", sent(&of.inserts)),
        ("store_failures_total", "Attempts that failed or stayed in doubt.", sent(&of.failures)),
        ("store_set_aside_total", "Batches set aside since the start.", sent(&of.set_aside)),
        ("store_doubled_total", "Batches found written twice: an alarm.", sent(&of.doubled)),
    ];
    let gauges: &[(&str, &str, u64)] = &[
        ("http_open_connections", "Connections at the ingest listener.", edge.open_connections),
        ("spool_bytes", "Bytes of the spool.", spool.bytes),
        ("spool_refusing", "1 while hits are refused.", u64::from(spool.refusing)),
        ("outbox_waiting_batches", "Batches that ClickHouse lacks.", outbox.waiting as u64),
        ("outbox_waiting_bytes", "Their bytes.", outbox.waiting_bytes),
        ("outbox_set_aside_batches", "Batches set aside.", outbox.set_aside as u64),
        ("visitors_in_memory", "Visitors whose day is not over.", *visitors as u64),
        (
            "recipients_in_memory",
            "Recipients of mailings whose key lives, and who did something.",
            *recipients as u64,
        ),
        ("keys_in_kernel", "1 if a restart keeps the day's uniques.", u64::from(*keyring)),
    ];
    for (kind, all) in [("counter", counters), ("gauge", gauges)] {
        for (name, help, value) in all {
            head(name, help, kind, out);
            line(out, format_args!("headcount_{name} {value}"));
        }
    }
    head("hits_total", "Hits since the spool began, by the ledger's reasons.", "counter", out);
    for (reason, hits) in totals {
        line(out, format_args!("headcount_hits_total{{reason=\"{reason}\"}} {hits}"));
    }
    head(
        "discarded_total",
        "Hits of other systems' scripts that came with what is not kept, by what it was.",
        "counter",
        out,
    );
    let discarded = [
        ("identifier", edge.discarded_identifiers),
        ("address", edge.discarded_addresses),
        ("agent", edge.discarded_agents),
        ("time", edge.discarded_times),
    ];
    for (what, hits) in discarded {
        line(out, format_args!("headcount_discarded_total{{what=\"{what}\"}} {hits}"));
    }
    head("build_info", "The version.", "gauge", out);
    let version = env!("CARGO_PKG_VERSION");
    line(out, format_args!("headcount_build_info{{version=\"{version}\"}} 1"));
}

fn head(name: &str, help: &str, kind: &str, out: &mut String) {
    line(out, format_args!("# HELP headcount_{name} {help}"));
    line(out, format_args!("# TYPE headcount_{name} {kind}"));
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    let written = writeln!(out, "{text}");
    debug_assert!(written.is_ok(), "writing to a String does not fail");
}
