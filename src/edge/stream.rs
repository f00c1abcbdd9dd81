//! A connection's bytes, and the wait before an answer that the HTTP library gives by itself.
//!
//! What is no HTTP is answered by hyper alone, which then ends the connection. A client that makes
//! its living from that is back at once, and a connection costs more than a hit: a few dozen such
//! clients would take a core. So they wait for their answer, as [`super::routes`] lets those wait
//! whom it refuses and sends away; they hold their place meanwhile, and nothing more is read.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::time::{Sleep, sleep};

/// How answers of the status 4xx begin.
const REFUSAL: &[u8] = b"HTTP/1.1 4";

/// A stream on which refusals that are not the service's go out after a wait.
pub(super) struct Stream<'a, T> {
    inner: T,
    /// Whether the service has given an answer that is not written yet.
    answered: &'a AtomicBool,
    wait: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<'a, T> Stream<'a, T> {
    /// `answered` is to be set before each answer of the service.
    pub(super) fn new(inner: T, answered: &'a AtomicBool, wait: Duration) -> Self {
        Self { inner, answered, wait, waiting: None }
    }
}

impl<T: Read + Unpin> Read for Stream<'_, T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<T: Write + Unpin> Write for Stream<'_, T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let ours = self.answered.load(Ordering::Relaxed);
        if !ours && bytes.starts_with(REFUSAL) {
            let wait = self.wait;
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(wait)));
            ready!(waiting.as_mut().poll(context));
        }
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes))?;
        if ours && written == bytes.len() {
            self.answered.store(false, Ordering::Relaxed);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
