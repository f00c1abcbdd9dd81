//! Listeners that whoever started this program holds open, and hands over: systemd, or another
//! supervisor that speaks its protocol (`LISTEN_FDS`, sd_listen_fds(3)).
//!
//! Such a socket outlives the program: while one version stops and the next one starts, the kernel
//! takes connections in, and they wait in its queue instead of being refused.

use std::net::TcpListener;

use listenfd::ListenFd;
use socket2::SockRef;

use crate::edge::BindError;
use crate::limits;

/// What was handed over; empty where nothing was.
#[derive(Default)]
pub(super) struct Inherited {
    /// For the ingest listener.
    pub(super) ingest: Vec<TcpListener>,
    /// For the console.
    pub(super) console: Option<TcpListener>,
}

/// Why a descriptor that was handed over cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InheritedError {
    /// It is no listening TCP socket.
    #[error("descriptor {0} that was handed over is no TCP listener ({1})")]
    NoListener(usize, std::io::Error),
    /// Its name is none of ours.
    #[error(
        "descriptor {0} that was handed over has another name than ingest or console: \
         see FileDescriptorName= in systemd.socket(5)"
    )]
    Name(usize),
    /// Nobody would answer on the second.
    #[error("descriptor {0} that was handed over is a second one for the console: it has one")]
    SecondConsole(usize),
}

impl Inherited {
    /// Takes what was handed over. Without names the first is for the ingest listener, the second
    /// for the console. Call it before there are threads: it takes `LISTEN_FDS` away, so that no
    /// child reads it.
    pub(super) fn take() -> Result<Self, InheritedError> {
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut handed = ListenFd::from_env();
        let is_named = !names.is_empty();
        let mut names = names.split(':');
        let mut inherited = Self::default();
        for at in 0..handed.len() {
            let failed = |error| InheritedError::NoListener(at + 3, error);
            let Some(listener) = handed.take_tcp_listener(at).map_err(failed)? else { continue };
            prepare(&listener).map_err(failed)?;
            let name = match (is_named, at) {
                (true, _) => names.next().unwrap_or_default(),
                (false, 0) => "ingest",
                (false, _) => "console",
            };
            match name {
                "ingest" => inherited.ingest.push(listener),
                "console" if inherited.console.is_none() => inherited.console = Some(listener),
                "console" => return Err(InheritedError::SecondConsole(at + 3)),
                _ => return Err(InheritedError::Name(at + 3)),
            }
        }
        Ok(inherited)
    }
}

/// What a listener of ours has, too.
fn prepare(listener: &TcpListener) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    SockRef::from(listener).set_tcp_user_timeout(Some(limits::UNREAD_TIMEOUT))
}

/// As many listeners as there are threads: those that were handed over, shared where there are
/// fewer.
pub(super) fn spread(
    handed: Vec<TcpListener>,
    threads: usize,
) -> Result<Vec<TcpListener>, BindError> {
    let failed = |error| BindError::Io("a socket that was handed over".to_owned(), error);
    let more = threads.saturating_sub(handed.len());
    let shared = handed.iter().cycle().take(more).map(TcpListener::try_clone);
    let shared = shared.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    Ok(handed.into_iter().chain(shared).collect())
}
