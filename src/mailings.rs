//! `headcount mailing` on a terminal: arguments in, a command or CSV out.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use headcount::config::Config;
use headcount::console::{Command, NewMailing, WrapRequest};
use headcount::{app, terminal};

/// `headcount mailing …`
#[derive(Subcommand)]
pub(crate) enum MailingTask {
    /// Makes a mailing, and prints its id on the last line.
    ///
    /// In aggregate mode all recipients get the same pixel and links: there is nothing to forget.
    /// In token mode each gets a token of its own, so that openers and clickers are counted once;
    /// that needs their consent.
    Create {
        /// What it is called.
        name: String,
        /// The site that it belongs to.
        #[arg(long, value_name = "DOMAIN")]
        site: String,
        /// aggregate or token.
        #[arg(long, default_value = "aggregate")]
        mode: String,
        /// In token mode: what the recipients agreed to.
        #[arg(long, value_name = "TEXT")]
        consent: Option<String>,
        /// How many it was sent to, if it was.
        #[arg(long, value_name = "N", default_value_t = 0)]
        sent: u64,
        /// A host that its links may lead to, besides the site's own: shop.example.com or
        /// *.example.com; may be given more than once.
        #[arg(long = "host", value_name = "HOST")]
        hosts: Vec<String>,
        /// The utm_campaign of the visits that come from it; without one: made of the name.
        #[arg(long, value_name = "SLUG")]
        campaign: Option<String>,
    },
    /// Lists the mailings: id, site, mode, sent, name.
    List {
        /// Of this site alone.
        #[arg(long, value_name = "DOMAIN")]
        site: Option<String>,
    },
    /// Wraps a mailing's HTML: links and a pixel that lead through the listener.
    ///
    /// The HTML goes to standard output or --out, what was done to standard error. Links to
    /// unsubscribe, with data-notrack, with merge fields, or to hosts that are not allowed stay as
    /// they are; data-forward marks a link for passing the mailing on.
    Wrap {
        /// The mailing's id.
        id: String,
        /// Its HTML.
        file: PathBuf,
        /// Where mail clients find the listener, such as https://stats.example.com.
        #[arg(long, value_name = "URL")]
        url: String,
        /// In token mode: what the mail merge puts a recipient's token for. {{token}} if none.
        #[arg(long, value_name = "FIELD")]
        field: Option<String>,
        /// Where the pixel stands: bottom, or top, where Gmail would cut the end off.
        #[arg(long, value_name = "PLACE")]
        pixel: Option<String>,
        /// Where the HTML is written.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Makes tokens, one for each recipient, as CSV for a mail merge. They are kept nowhere here.
    Tokens {
        /// The mailing's id.
        id: String,
        /// How many.
        #[arg(long, value_name = "N")]
        count: u64,
    },
    /// Says that a mailing was sent; once for each batch.
    Sent {
        /// The mailing's id.
        id: String,
        /// To how many.
        count: u64,
        /// When, such as 2026-11-22T09:00:00Z; without it: now.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Prints a mailing's figures. Those below 10 are not told.
    Report {
        /// The mailing's id.
        id: String,
    },
    /// Counts a recipient no more, and takes back what it was counted for.
    Revoke {
        /// The mailing's id.
        id: String,
        /// The recipient's token.
        #[arg(long)]
        token: String,
    },
    /// Destroys the key of a mailing's recipients now: its tokens are nobody's from then on.
    Shred {
        /// The mailing's id.
        id: String,
    },
}

/// What is to be done.
pub(crate) enum Asked {
    /// A command, and where its document is written.
    Command(Command, Option<PathBuf>),
    /// Tokens.
    Tokens(String, u64),
}

impl MailingTask {
    /// The command that it is.
    pub(crate) fn asked(self) -> Result<Asked, String> {
        Ok(Asked::Command(
            match self {
                Self::Create { name, site, mode, consent, sent, hosts, campaign } => {
                    let mode = Some(mode);
                    let new = NewMailing { name, site, mode, consent, sent, hosts, campaign };
                    Command::MailingCreate(new)
                }
                Self::List { site } => Command::MailingList { site },
                Self::Wrap { id, file, url, field, pixel, out } => {
                    let html = read(&file)?;
                    let request = WrapRequest { html, url, field, pixel };
                    return Ok(Asked::Command(Command::MailingWrap { id, request }, out));
                }
                Self::Tokens { id, count } => return Ok(Asked::Tokens(id, count)),
                Self::Sent { id, count, at } => Command::MailingSent { id, count, at },
                Self::Report { id } => Command::MailingReport { id },
                Self::Revoke { id, token } => Command::MailingRevoke { id, token },
                Self::Shred { id } => Command::MailingShred { id },
            },
            None,
        ))
    }
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = std::fs::read(file)
        .map_err(|error| format!("{} cannot be read ({error})", file.display()))?;
    String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8", file.display()))
}

/// Writes a wrapped mailing where it was asked for, and what was done beside it.
pub(crate) fn written(document: &str, lines: &[String], out: Option<&Path>) -> Result<(), String> {
    for line in lines {
        terminal::remark(line);
    }
    match out {
        None => terminal::write(document).map_err(|error| error.to_string()),
        Some(file) => std::fs::write(file, document)
            .map_err(|error| format!("{} cannot be written ({error})", file.display())),
    }
}

/// Prints tokens as CSV.
pub(crate) fn tokens(config: &Config, id: &str, count: u64) -> Result<(), String> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let minted = app::mint_tokens(config, id, count, |line| out.write_all(line.as_bytes()));
    minted.map_err(|error| error.to_string())?;
    out.flush().map_err(|error| error.to_string())
}
