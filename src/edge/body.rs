//! A request's body: bounded in bytes and in time, and wiped when it has been read.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::limits;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyError {
    /// More than `limits::BODY_BYTES_MAX`.
    TooLarge,
    /// It did not arrive in time.
    Timeout,
    /// The client went away, or what it sent is no body.
    Gone,
}

/// Reads the whole body.
pub(super) async fn read(
    body: Incoming,
    within: Duration,
) -> Result<Zeroizing<Vec<u8>>, BodyError> {
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > limits::BODY_BYTES_MAX {
        return Err(BodyError::TooLarge);
    }
    timeout(within, collect(body, declared)).await.unwrap_or(Err(BodyError::Timeout))
}

async fn collect(mut body: Incoming, declared: usize) -> Result<Zeroizing<Vec<u8>>, BodyError> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(declared));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Gone)?.into_data() else { continue };
        if bytes.len() + data.len() > limits::BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
