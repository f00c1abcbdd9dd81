//! `headcount mailing`.

use serde_json::Value;

use super::{Desk, Reply};
use crate::console::mailings::made::{self, NewMailing};
use crate::console::mailings::wrapped::{self, WrapRequest};
use crate::console::mailings::{self, MailingError, find, report};
use crate::console::state::Mailing;

impl From<MailingError> for Reply {
    fn from(error: MailingError) -> Self {
        Self::failed(error.to_string())
    }
}

fn mode(it: &Mailing) -> &'static str {
    if it.has_tokens() { "token" } else { "aggregate" }
}

pub(super) fn create(desk: &Desk<'_>, new: &NewMailing) -> Result<Reply, MailingError> {
    let made = made::make(desk.state, &desk.setup.mailroom, new, desk.now)?;
    let mut lines = vec![format!(
        "made {:?} for {}, in {} mode; visits that come from it carry utm_campaign={}",
        made.name,
        made.site,
        mode(&made),
        made.campaign
    )];
    if made.has_tokens() {
        lines.push(
            "only the list that you merge says whose token is whose: delete it when the mailing \
             is sent"
                .to_owned(),
        );
    }
    lines.push(made.id.to_string());
    Ok(Reply::done(lines))
}

pub(super) fn list(desk: &Desk<'_>, site: Option<&str>) -> Result<Reply, MailingError> {
    let site = site.map(|site| site.trim().to_lowercase());
    let all = desk.state.mailings()?;
    let of_site = |it: &&Mailing| site.as_ref().is_none_or(|site| site == it.site.as_str());
    let line = |it: &Mailing| {
        format!("{}\t{}\t{}\t{} sent\t{}", it.id, it.site, mode(it), it.sent, it.name)
    };
    Ok(Reply::done(all.iter().filter(of_site).map(line).collect()))
}

/// The HTML is the reply's document; its lines say what was done.
pub(super) fn wrap(desk: &Desk<'_>, id: &str, asked: &WrapRequest) -> Result<Reply, MailingError> {
    let done = wrapped::run(desk.state, id, asked)?;
    let mut lines = Vec::new();
    for link in &done.links {
        let times =
            if link.times == 1 { String::new() } else { format!("  ({} times)", link.times) };
        lines.push(match link.number {
            Some(number) => {
                let share = if link.share { "  (for passing it on)" } else { "" };
                format!("link {number}  {}{times}{share}", link.destination)
            }
            None => format!(
                "not counted  {}{times}: its host is not allowed; allow it when the mailing is \
                 made, by --host",
                link.destination
            ),
        });
    }
    let warning = |it: &crate::mailing::Warning| format!("warning  line {}: {}", it.line, it.flaw);
    lines.extend(done.warnings.iter().map(warning));
    Ok(Reply { document: Some(done.html), ..Reply::done(lines) })
}

pub(super) fn sent(
    desk: &Desk<'_>,
    id: &str,
    count: u64,
    at: Option<&str>,
) -> Result<Reply, MailingError> {
    let it = made::sent(desk.state, &desk.setup.mailroom, id, (count, at), desk.now)?;
    Ok(Reply::done(vec![format!(
        "{:?} was sent to {} in all; it is counted until {}",
        it.name,
        it.sent,
        report::time(it.counts_until)
    )]))
}

/// Destroys the key here where no program runs; one that runs does so itself.
pub(super) fn shred(desk: &Desk<'_>, id: &str, runs: bool) -> Result<Reply, MailingError> {
    let it = find(desk.state, id)?;
    match &it.key {
        None => {
            let what = "this mailing has no key: nothing of its recipients was ever kept";
            return Err(MailingError::invalid(what));
        }
        Some(key) if key.destroyed.is_some() => return Ok(Reply::done(vec![receipt(&it)])),
        Some(_) => desk.state.shred_mailing(it.id, desk.now)?,
    }
    if !runs {
        for due in mailings::due(desk.state, desk.now)? {
            mailings::destroy(desk.state, &desk.setup.mailroom, &due, desk.now)?;
        }
        return Ok(Reply::done(vec![receipt(&find(desk.state, id)?)]));
    }
    Ok(Reply::done(Vec::new()))
}

/// The receipt of a destroyed key, as a sentence.
pub(in crate::console) fn receipt(it: &Mailing) -> String {
    let destroyed = it.key.as_ref().and_then(|key| Some((key.id, key.destroyed?)));
    match destroyed {
        None => format!("the key of {:?} is not destroyed yet", it.name),
        Some((key, at)) => format!(
            "the key {:016x} of {:?} was destroyed at {}: its tokens are nobody's",
            key.0,
            it.name,
            report::time(at)
        ),
    }
}

/// A report as lines for a terminal.
pub(in crate::console) fn told(report: &Value) -> Vec<String> {
    let of = |at: &str| report.pointer(at).cloned().unwrap_or(Value::Null);
    let count = |at: &str| match of(at) {
        Value::Null => "fewer than 10".to_owned(),
        value => value.to_string(),
    };
    let text = |at: &str| of(at).as_str().unwrap_or("-").to_owned();
    let mut lines = vec![
        format!(
            "{}, for {} ({} mode)",
            text("/mailing/name"),
            text("/mailing/site"),
            text("/mailing/mode")
        ),
        format!(
            "sent to {}, first at {}; counted until {}",
            count("/mailing/sent"),
            text("/mailing/first_sent_at"),
            text("/mailing/counts_until")
        ),
    ];
    if of("/mailing/receipt") != Value::Null {
        lines.push(format!(
            "key {} destroyed at {}",
            text("/mailing/receipt/fingerprint"),
            text("/mailing/receipt/destroyed_at")
        ));
    }
    if of("/hidden") != Value::Null {
        lines.push("fewer than 10 recipients: nothing is told of them".to_owned());
        return lines;
    }
    let classes = |at: &str| {
        let one = |class: &str, name: &str| format!("{name} {}", count(&format!("{at}/{class}")));
        let machines = [
            ("privacy_proxy", "privacy proxies"),
            ("prefetch", "prefetched"),
            ("scanner", "scanners"),
        ];
        let machines: Vec<String> = machines.iter().map(|(class, name)| one(class, name)).collect();
        format!("{} (besides: {})", count(&format!("{at}/people")), machines.join(", "))
    };
    lines.push(format!("opens\t{}", classes("/counts/opens")));
    if of("/counts/unique_opens") != Value::Null {
        lines.push(format!("recipients who opened\t{}", classes("/counts/unique_opens")));
        lines.push(format!("recipients who clicked\t{}", count("/counts/unique_clicks")));
    }
    lines.push(format!(
        "clicks\t{} (besides: scanners {})",
        count("/counts/clicks/human"),
        count("/counts/clicks/scanner")
    ));
    for (name, at) in [
        ("open rate", "/rates/open_rate"),
        ("click rate", "/rates/click_rate"),
        ("click-to-open rate", "/rates/click_to_open_rate"),
    ] {
        if let Some(rate) = of(at).as_f64() {
            lines.push(format!("{name}\t{:.1} %", rate * 100.0));
        }
    }
    lines.push(format!(
        "forwards\t{} to {} ({})",
        count("/forwards/low"),
        count("/forwards/high"),
        text("/forwards/method")
    ));
    let empty = Vec::new();
    for link in report["links"].as_array().unwrap_or(&empty) {
        lines.push(format!(
            "link {}\t{}\t{}",
            link["link"],
            link["clicks"],
            link["url"].as_str().unwrap_or_default()
        ));
    }
    if of("/other_links") != Value::Null {
        lines.push(format!(
            "{} other links\t{}",
            of("/other_links/links"),
            count("/other_links/clicks")
        ));
    }
    for (name, at) in [("client", "clients"), ("system", "systems"), ("country", "countries")] {
        for row in report[at].as_array().unwrap_or(&empty) {
            lines.push(format!(
                "{name}\t{}\t{}",
                row["name"].as_str().unwrap_or_default(),
                row["opens"]
            ));
        }
    }
    lines.push(format!(
        "visits on the site\t{} (utm_campaign={})",
        count("/web/visits"),
        text("/web/campaign")
    ));
    lines
}
