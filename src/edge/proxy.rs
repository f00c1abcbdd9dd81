//! The PROXY protocol's header, versions 1 and 2, on a listener that expects it.
//! Source: HAProxy's `proxy-protocol.txt`, section 2. Never guessed: it is there or the connection ends.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes of the longest line of version 1, its end included.
const LINE_BYTES_MAX: usize = 107;

/// Bytes behind version 2's head that are read; addresses take 36, the rest are extensions.
const REST_BYTES_MAX: usize = 2048;

/// The address that the proxy names; none where it speaks for itself (a health check) or does not
/// know. Reads exactly the header, and not one byte of what follows.
pub(super) async fn read<R: AsyncRead + Unpin>(stream: &mut R) -> std::io::Result<Option<IpAddr>> {
    let mut first = [0; 12];
    stream.read_exact(&mut first).await?;
    if first == SIGNATURE {
        let mut head = [0; 4];
        stream.read_exact(&mut head).await?;
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        if length > REST_BYTES_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut rest = [0; REST_BYTES_MAX];
        stream.read_exact(&mut rest[..length]).await?;
        return binary(head[0], head[1], &rest[..length]);
    }
    let mut line = [0; LINE_BYTES_MAX];
    line[..12].copy_from_slice(&first);
    let mut length = 12;
    while !line[..length].ends_with(b"\r\n") {
        if length == LINE_BYTES_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
        line[length] = stream.read_u8().await?;
        length += 1;
    }
    text(&line[..length - 2])
}

/// Version 1: `PROXY TCP4 source destination port port`.
fn text(line: &[u8]) -> std::io::Result<Option<IpAddr>> {
    let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix("PROXY "));
    let mut words = line.unwrap_or_default().split(' ');
    let (family, source) = (words.next(), words.next().unwrap_or_default());
    let source = match family {
        Some("UNKNOWN") => return Ok(None),
        Some("TCP4") => source.parse().ok().map(IpAddr::V4),
        Some("TCP6") => source.parse().ok().map(IpAddr::V6),
        _ => None,
    };
    source.map(Some).ok_or(ErrorKind::InvalidData.into())
}

/// Version 2: version and command, family and protocol, addresses.
fn binary(command: u8, family: u8, rest: &[u8]) -> std::io::Result<Option<IpAddr>> {
    let source = match (command, family) {
        (0x21, 0x11) => rest.first_chunk().map(|v4: &[u8; 4]| IpAddr::V4(Ipv4Addr::from(*v4))),
        (0x21, 0x21) => rest.first_chunk().map(|v6: &[u8; 16]| IpAddr::V6(Ipv6Addr::from(*v6))),
        // LOCAL: the proxy itself. PROXY for Unix sockets or datagrams: no address that means
        // anything here.
        (0x20 | 0x21, _) => return Ok(None),
        _ => None,
    };
    source.map(Some).ok_or(ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> (std::io::Result<Option<IpAddr>>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut left = bytes;
        let read = runtime.block_on(read(&mut left));
        (read, left.len())
    }

    #[track_caller]
    fn check(header: &[u8], expected: Option<&str>) {
        let mut bytes = header.to_vec();
        bytes.extend_from_slice(b"GET / HTTP/1.1\r\n");
        let (found, left) = parse(&bytes);
        assert_eq!(found.expect("a header"), expected.map(|text| text.parse().expect("address")));
        assert_eq!(left, 16, "not one byte more is read");
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).expect("short").to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn both_versions_name_the_client() {
        check(b"PROXY TCP4 203.0.113.7 10.0.0.1 5000 80\r\n", Some("203.0.113.7"));
        check(b"PROXY TCP6 2001:db8::7 ::1 5000 80\r\n", Some("2001:db8::7"));
        check(b"PROXY UNKNOWN\r\n", None);
        check(&v2(0x21, 0x11, &[203, 0, 113, 7, 10, 0, 0, 1, 1, 1, 0, 80]), Some("203.0.113.7"));
        let mut v6 = [0; 36];
        v6[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        v6[15] = 7;
        check(&v2(0x21, 0x21, &v6), Some("2001:db8::7"));
        check(&v2(0x20, 0x00, &[]), None);
        check(&v2(0x21, 0x31, &[0; 216]), None);
    }

    #[test]
    fn what_is_no_header_ends_the_connection() {
        for junk in [
            &b"GET / HTTP/1.1\r\n"[..],
            b"PROXY TCP4 nobody x 1 2\r\n",
            b"PROXY TCP9 203.0.113.7 10.0.0.1 5000 80\r\n",
            b"PROXY TCP4 203.0.113.7",
            &[b'A'; 300],
            &v2(0x31, 0x11, &[0; 12]),
            &v2(0x21, 0x11, &[0; 3]),
        ] {
            assert!(parse(junk).0.is_err(), "{junk:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            drop(parse(&bytes));
            drop(parse(&[&SIGNATURE[..], &bytes].concat()));
            drop(parse(&[b"PROXY ", &bytes[..]].concat()));
        }
    }
}
