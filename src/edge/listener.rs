//! Listeners and connections: one listener per thread on the same port, a bounded number of
//! connections on each, a time limit on every wait for a client.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::sink::wake_waiting;
use super::stream::Stream;
use super::{Edge, Patience, proxy, routes};
use crate::limits;
use crate::telemetry::{self, Value};

/// Connections that the kernel keeps while all threads are busy.
const BACKLOG: i32 = 4096;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program has the port.
    #[error("{0} is in use by another program: stop it, or listen on another port")]
    InUse(String),
    /// This machine has no such address.
    #[error("{0} is no address of this machine: listen on one that is, or on 0.0.0.0")]
    NotHere(String),
    /// The port is one of those below 1024, and this user may not have it.
    #[error("{0}: this user may not listen on that port")]
    NotAllowed(String),
    /// The system said no.
    #[error("listening on {0} failed ({1})")]
    Io(String, std::io::Error),
}

/// Binds `threads` listeners to one address, between which the kernel spreads connections.
pub fn bind(listen: &str, threads: usize) -> Result<Vec<std::net::TcpListener>, BindError> {
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::AddrInUse => BindError::InUse(listen.to_owned()),
        ErrorKind::AddrNotAvailable => BindError::NotHere(listen.to_owned()),
        ErrorKind::PermissionDenied => BindError::NotAllowed(listen.to_owned()),
        _ => BindError::Io(listen.to_owned(), error),
    };
    let address: SocketAddr =
        listen.parse().map_err(|_| failed(std::io::Error::from(ErrorKind::InvalidInput)))?;
    // Another program of the same user could share the port by SO_REUSEPORT, unseen: so the port
    // is first taken alone.
    drop(socket(address, false).map_err(failed)?);
    (0..threads).map(|_| socket(address, true).map_err(failed)).collect()
}

fn socket(address: SocketAddr, shared: bool) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    // A client that takes no answers does not hold its place for ever.
    socket.set_tcp_user_timeout(Some(limits::UNREAD_TIMEOUT))?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Takes requests on `listener` until `stop` turns true; then those under way end, within
/// `limits::STOP_TIMEOUT`.
pub async fn serve(
    listener: std::net::TcpListener,
    edge: Arc<Edge>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    // Connections have them from their listener, whoever opened that.
    let options = SockRef::from(&listener);
    options.set_recv_buffer_size(limits::UNREAD_REQUESTS_BYTES)?;
    options.set_send_buffer_size(limits::UNREAD_ANSWERS_BYTES)?;
    let listener = TcpListener::from_std(listener)?;
    let permits = Arc::new(Semaphore::new(edge.connections_max));
    tokio::spawn(wake_waiting(edge.sink.bell()));
    loop {
        let accepted = tokio::select! {
            // A sender that is gone says stop, too.
            _ = stop.wait_for(|stop| *stop) => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                let (edge, stop) = (Arc::clone(&edge), stop.clone());
                tokio::spawn(async move {
                    let _permit = permit;
                    edge.figures.open.fetch_add(1, Ordering::Relaxed);
                    connection(stream, peer, &edge, stop).await;
                    edge.figures.open.fetch_sub(1, Ordering::Relaxed);
                });
            }
            Err(error) => {
                // Out of descriptors or memory: what is open goes on, and ends.
                let values = [("error", Value::Io(&error))];
                telemetry::warn("edge", "cannot accept connections", &values);
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
    drop(listener);
    let all = u32::try_from(edge.connections_max).unwrap_or(u32::MAX);
    // Whoever has all permits knows that every connection has ended.
    drop(timeout(limits::STOP_TIMEOUT, permits.acquire_many(all)).await);
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> std::io::Result<(TcpStream, IpAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.map_err(std::io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer.ip(), permit))
}

async fn connection(
    mut stream: TcpStream,
    mut peer: IpAddr,
    edge: &Edge,
    mut stop: watch::Receiver<bool>,
) {
    // Whoever connects just before a stop is still answered: its request is on its way.
    let begins = tokio::select! {
        biased;
        readable = timeout(edge.patience.head, stream.readable()) => matches!(readable, Ok(Ok(()))),
        () = stopped_for(&mut stop, limits::FIRST_BYTE_TIMEOUT) => false,
    };
    if !begins {
        return;
    }
    if edge.proxy_protocol {
        // Whoever is not a trusted proxy has no business on this listener.
        if !edge.trust.believes(peer) {
            return;
        }
        match timeout(edge.patience.head, proxy::read(&mut stream)).await {
            Ok(Ok(Some(named))) => peer = named,
            Ok(Ok(None)) => {}
            _ => return,
        }
    }
    // Answers are small, and each is written at once.
    drop(stream.set_nodelay(true));
    let Patience { head: head_timeout, refusal, .. } = edge.patience;
    let answered = AtomicBool::new(false);
    let stream = Stream::new(TokioIo::new(stream), &answered, refusal);
    let service = service_fn(|request| async {
        let answer = routes::answer(edge, peer, request).await;
        answered.store(true, Ordering::Relaxed);
        Ok::<_, Infallible>(answer)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(limits::HEAD_BYTES_MAX)
        // Answers are short: copied behind their head they cost less than a second buffer.
        .writev(false)
        .serve_connection(stream, service);
    tokio::pin!(connection);
    // A client that goes away or sends no HTTP is its own affair; hyper's error would quote it.
    tokio::select! {
        // What has arrived is read first: hyper closes a connection that it is told to end before
        // it has read anything.
        biased;
        ended = connection.as_mut() => return drop(ended),
        () = stopped_for(&mut stop, Duration::ZERO) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(connection.await);
}

/// Ends so long after the program was asked to stop.
async fn stopped_for(stop: &mut watch::Receiver<bool>, grace: Duration) {
    // A sender that is gone says stop, too.
    drop(stop.wait_for(|stop| *stop).await);
    sleep(grace).await;
}
