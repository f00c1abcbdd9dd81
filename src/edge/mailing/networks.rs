//! The networks of what looks for harm in mails before people get them.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::edge::network::Network;
use crate::edge::raw::RawAddress;
use crate::hit::MailAction;

/// A list of them.
#[derive(Debug)]
pub struct MailNetworks {
    /// In the order of their beginnings; where two begin at one address, the wider first.
    ranges: Vec<Range>,
}

#[derive(Clone, Copy, Debug)]
struct Range {
    from: IpAddr,
    to: IpAddr,
    /// The one before it that holds it, if there is one.
    parent: Option<usize>,
    actions: Actions,
    certainty: Certainty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Actions {
    All,
    Opens,
    Clicks,
}

/// How sure it is that nobody is behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// Filters alone.
    Certain,
    /// People too: filters in the minutes after a mailing is sent.
    Probable,
}

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MailNetworksError {
    /// The file cannot be read.
    #[error("[mailing] networks_file {0} cannot be read ({1})")]
    Read(PathBuf, std::io::Error),
    /// A line is none.
    #[error(
        "[mailing] networks_file {0}, line {1}: give a network, all, opens or clicks, and certain or \
         probable, such as 192.0.2.0/24 all certain"
    )]
    Line(PathBuf, usize),
}

impl MailNetworks {
    /// Reads a list: a network, what it asks for, how sure that is; what stands behind a `#` is not
    /// read.
    pub fn open(path: &Path) -> Result<Self, MailNetworksError> {
        let text = fs::read_to_string(path)
            .map_err(|error| MailNetworksError::Read(path.to_owned(), error))?;
        Self::parse(&text).map_err(|line| MailNetworksError::Line(path.to_owned(), line))
    }

    /// The list that the program holds.
    pub(super) fn built_in() -> &'static Self {
        static LIST: LazyLock<MailNetworks> = LazyLock::new(|| {
            MailNetworks::parse(include_str!("networks.txt")).expect("a test reads it")
        });
        &LIST
    }

    pub(super) fn parse(text: &str) -> Result<Self, usize> {
        let mut ranges = Vec::new();
        for (line, number) in text.lines().zip(1_usize..) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                ranges.push(Range::parse(line).ok_or(number)?);
            }
        }
        ranges.sort_by(|a, b| a.from.cmp(&b.from).then(b.to.cmp(&a.to)));
        // Networks overlap by one holding the other, so that each has one that holds it next.
        let mut open: Vec<usize> = Vec::new();
        for at in 0..ranges.len() {
            while open.pop_if(|last| ranges[*last].to < ranges[at].from).is_some() {}
            ranges[at].parent = open.last().copied();
            open.push(at);
        }
        Ok(Self { ranges })
    }

    /// What the narrowest network that holds the address says of this action.
    pub(super) fn find(&self, address: &RawAddress, action: MailAction) -> Option<Certainty> {
        address.find(|address| self.look_up(address, action)).flatten()
    }

    fn look_up(&self, address: IpAddr, action: MailAction) -> Option<Certainty> {
        let behind = self.ranges.partition_point(|range| range.from <= address);
        let mut at = behind.checked_sub(1);
        while let Some(range) = at.map(|at| self.ranges[at]) {
            if address <= range.to && range.actions.hold(action) {
                return Some(range.certainty);
            }
            at = range.parent;
        }
        None
    }
}

impl Range {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (from, to) = Network::parse(words.next()?).ok()?.range();
        let actions = match words.next()? {
            "all" => Actions::All,
            "opens" => Actions::Opens,
            "clicks" => Actions::Clicks,
            _ => return None,
        };
        let certainty = match words.next()? {
            "certain" => Certainty::Certain,
            "probable" => Certainty::Probable,
            _ => return None,
        };
        words.next().is_none().then_some(Self { from, to, parent: None, actions, certainty })
    }
}

impl Actions {
    fn hold(self, action: MailAction) -> bool {
        match self {
            Self::All => true,
            Self::Opens => action == MailAction::Open,
            Self::Clicks => action != MailAction::Open,
        }
    }
}
