//! The page on which a recipient withdraws. A button, since filters follow every link of a mail.
//!
//! What it says is the same for every token, so that it tells nobody which one is whose.

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header;

use super::events;
use super::path::Path;
use super::registry::Refused;
use crate::edge::Edge;
use crate::edge::answer::{self, Answer};
use crate::edge::arrival::Arrival;
use crate::hit::{DropReason, Record};

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// The page with the button.
pub(super) fn page() -> Answer {
    html(ASK)
}

/// The button was pressed.
pub(super) async fn withdraw(edge: &Edge, path: &str) -> Answer {
    let mut arrival = Arrival::new(edge);
    let at = arrival.at;
    let found = Path::parse(path).ok_or_else(Refused::unknown);
    let record = match found.and_then(|path| edge.mailings.find(&path)) {
        Err(Refused { site, reason }) => {
            Record::Drop { site: site.unwrap_or_else(|| edge.unknown.clone()), at, reason }
        }
        Ok(found) => events::withdrawal(&found, at).unwrap_or_else(|| Record::Drop {
            site: found.mailing.site.clone(),
            at,
            reason: DropReason::Forged,
        }),
    };
    // A wish is kept before it is said to be.
    let kept = match arrival.submit(vec![record]) {
        Ok(receipt) => receipt.kept().await.is_ok(),
        Err(_) => false,
    };
    if kept { html(DONE) } else { answer::full() }
}

fn html(main: &str) -> Answer {
    let body = Bytes::from(format!("{HEAD}{main}{FOOT}"));
    let mut answer = answer::content(StatusCode::OK, "text/html; charset=utf-8", body);
    answer::set(&mut answer, header::CONTENT_SECURITY_POLICY, POLICY);
    super::not_kept(answer)
}

const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<title>Being counted</title>
<style>
:root { color-scheme: light dark }
body { font: 1.0625rem/1.6 system-ui, sans-serif; max-width: 36rem; margin: 12vh auto; padding: 0 1.25rem }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1rem }
p, form { margin: 0 0 1rem }
button { font: inherit; font-weight: 600; padding: .6rem 1.1rem; border-radius: .5rem; cursor: pointer;
  border: 1px solid color-mix(in srgb, currentColor 35%, transparent); background: transparent; color: inherit }
button:focus-visible { outline: 3px solid #3b82f6; outline-offset: 2px }
</style>
<main>
";

const ASK: &str = "<h1>Stop counting what you do with this mail</h1>
<p>Its sender learns how many recipients opened it and followed its links. If you press the button,
you are taken out of these figures, also for what you have done already, and counted no more. You
go on getting mails, and its links go on working.</p>
<form method=\"post\"><button>Stop counting me</button></form>
";

const DONE: &str = "<h1>You are counted no more</h1>
<p>What you do with this mail is not counted any more, and what was counted of you is taken back.</p>
";

const FOOT: &str = "</main>
</html>
";
