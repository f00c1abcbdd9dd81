//! What in a mailing deserves a warning.

use std::fmt::{self, Display};
use std::iter;

use crate::limits;

/// A flaw, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The line of the HTML that was given, from 1; of the result for [`Flaw::Clipped`].
    pub line: usize,
    /// What it is.
    pub flaw: Flaw,
}

/// What can be wrong with a mailing that is wrapped all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A `<base href>`: mail clients disagree about it.
    Base,
    /// A link whose href is no URL, such as `https://`.
    Broken,
    /// More than [`limits::MAILING_BYTES_SHOWN`]: from this line on Gmail does not show it.
    Clipped,
    /// A link to `http:`.
    Insecure,
    /// No link to [`super::STOP`] in a mailing whose recipients are told apart.
    NoWayOut,
    /// A link to [`super::STOP`] in a mailing whose recipients are not told apart.
    NothingToStop,
    /// A link whose text shows another host than it leads to, once wrapped: to a filter, phishing.
    OtherHost,
    /// A link that is relative: a mailing has no page that it could be relative to.
    Relative,
}

impl Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Base => "a <base href>, which mail clients disagree about: write links in full",
            Self::Broken => "a link that is no URL; it was left as it is",
            Self::Clipped => {
                let kb = limits::MAILING_BYTES_SHOWN / 1000;
                return write!(f, "Gmail shows {kb} kB of a mailing, and cuts it here");
            }
            Self::Insecure => "a link to http: instead of https:",
            Self::NoWayOut => {
                "recipients are told apart and have no way to withdraw: add a link to headcount:stop"
            }
            Self::NothingToStop => {
                "a link to headcount:stop, in a mailing that tells nobody apart: take it out"
            }
            Self::OtherHost => {
                "a link whose text shows another host than it leads to, as in phishing: give it \
                 other words, or data-notrack"
            }
            Self::Relative => "a relative link, which leads nowhere in a mailing; it was left",
        })
    }
}

/// The warnings for flaws at these bytes of `text`, in its order.
pub(super) fn warnings(text: &str, mut flaws: Vec<(usize, Flaw)>) -> Vec<Warning> {
    flaws.sort_by_key(|(at, _)| *at);
    let starts = iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1));
    let starts: Vec<usize> = starts.collect();
    let line = |at| starts.partition_point(|start| *start <= at);
    flaws.into_iter().map(|(at, flaw)| Warning { line: line(at), flaw }).collect()
}
