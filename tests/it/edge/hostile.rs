//! Clients that mean no good: what they are answered, and that others are, meanwhile.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use headcount::edge::{EdgeConfig, Patience};
use headcount::limits;
use socket2::SockRef;

use super::{FIREFOX, Server, config, view};
use crate::support::until;

/// The head of a hit's request, with these further headers.
fn post(headers: &str) -> String {
    format!("POST /api/event HTTP/1.1\r\nhost: x\r\n{}: {}\r\n{headers}\r\n", FIREFOX.0, FIREFOX.1)
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
    stream
}

/// Sends this, and reads until the server ends the connection: the statuses of its answers.
fn statuses(server: &Server, sent: &str) -> Vec<u16> {
    let mut stream = connect(server);
    // What is refused before it was read may be cut off.
    drop(stream.write_all(sent.as_bytes()));
    let (mut text, mut part) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut part) {
        text.extend_from_slice(&part[..read]);
    }
    let text = String::from_utf8(text).expect("UTF-8");
    let answers = text.split("HTTP/1.1 ").skip(1);
    answers.map(|answer| answer[..3].parse().expect("a status")).collect()
}

#[test]
fn whatever_is_no_plain_http_1_is_refused_or_cut_off() {
    let soon = Duration::from_millis(100);
    let patience = Patience { head: soon, body: soon, refusal: Duration::ZERO };
    let server = Server::start(EdgeConfig { patience, ..config() });
    let check = |sent: &str, expected: &[u16], told: &[&str]| {
        assert_eq!(statuses(&server, sent), expected, "{}", sent.get(..200).unwrap_or(sent));
        assert_eq!(server.told(), told, "{}", sent.get(..200).unwrap_or(sent));
    };
    let hit = view("a.example");
    let length = format!("content-length: {}\r\n", hit.len());
    let counted = "a.example pageview /x";
    check(&(post(&length) + &hit), &[202], &[counted]);
    // Told twice, the same or another.
    check(&(post(&length.repeat(2)) + &hit), &[202], &[counted]);
    check(&(post(&format!("{length}content-length: 3\r\n")) + &hit), &[400], &[]);
    // Chunks beside a length: what follows is not taken for a request.
    let chunks = format!("{:x}\r\n{hit}\r\n0\r\n\r\n", hit.len());
    let smuggled = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    for both in [
        "content-length: 3\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 3\r\n",
    ] {
        check(&(post(both) + &chunks + smuggled), &[202], &[counted]);
    }
    check(&post("transfer-encoding: chunked, gzip\r\n"), &[400], &[]);
    // Without end, where nothing of it is kept.
    let chunked = post("transfer-encoding: chunked\r\n");
    let abandoned = "(unknown) refused abandoned";
    check(&(chunked.clone() + "0\r\n" + &"x: y\r\n".repeat(20_000)), &[400], &[abandoned]);
    check(&(chunked.clone() + "1;" + &"x".repeat(100_000)), &[400], &[abandoned]);
    // A body that is promised and does not come.
    let promised = post(&format!("expect: 100-continue\r\n{length}"));
    check(&promised, &[100, 408], &["(unknown) refused timeout"]);
    // HTTP/2: not by knowing of it, and not by asking for it.
    check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0", &[], &[]);
    let asked =
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n";
    check(&format!("GET /healthz HTTP/1.1\r\nhost: x\r\n{asked}\r\n"), &[200], &[]);
    check("GET /healthz HTTP/1.1\r\n\r\n", &[200], &[]);
    // A head without end.
    let head = format!("GET /healthz HTTP/1.1\r\nx: {}", "y".repeat(100_000));
    check(&head, &[431], &[]);
}

#[test]
fn who_is_sent_away_waits_for_it_and_others_do_not() {
    let chunked = post("transfer-encoding: chunked\r\n");
    let refused = [
        format!("GET /healthz HTTP/1.1\r\nx: {}", "y".repeat(100_000)),
        post("content-length: 2\r\ncontent-length: 3\r\n") + "{} ",
        chunked.clone() + "0\r\n" + &"x: y\r\n".repeat(20_000),
        chunked + "3\r\nno!\r\n0\r\n\r\n",
        "DELETE /p.gif HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "no HTTP\r\n\r\n".to_owned(),
    ];
    let sent_away = |refusal: Duration| {
        let patience = Patience { refusal, ..Patience::default() };
        let server = Server::start(EdgeConfig { patience, ..config() });
        let mut streams = refused.each_ref().map(|_| connect(&server));
        for (stream, sent) in streams.iter_mut().zip(&refused) {
            // It may be cut off before it has said all.
            drop(stream.write_all(sent.as_bytes()));
        }
        (server, streams)
    };
    let (server, streams) = sent_away(Duration::from_hours(1));
    // Answers that are none of these, a hundred times.
    let hit = view("a.example");
    let good = post(&format!("content-length: {}\r\n", hit.len())) + &hit;
    let malformed = post("content-length: 3\r\n") + "no!";
    let all = (good + &malformed).repeat(50) + "GET /nowhere HTTP/1.1\r\nhost: x\r\n";
    let expected = [[202, 400].repeat(50), vec![404]].concat();
    assert_eq!(statuses(&server, &(all + "connection: close\r\n\r\n")), expected);
    for (mut stream, sent) in streams.into_iter().zip(&refused) {
        stream.set_nonblocking(true).expect("a socket");
        let none = stream.read(&mut [0; 1]).expect_err("nothing is said yet");
        assert_eq!(none.kind(), ErrorKind::WouldBlock, "{}", sent.get(..99).unwrap_or(sent));
    }
    drop(server);
    let (_server, streams) = sent_away(Duration::from_millis(50));
    for mut stream in streams {
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).expect("and then it is");
        assert_eq!(answer, *b"HTTP/1.1 4");
    }
}

#[test]
fn requests_that_come_at_once_are_answered_in_their_order() {
    let server = Server::start(config());
    let hit = view("a.example");
    let one = post(&format!("content-length: {}\r\n", hit.len())) + &hit;
    let (health, last) = (
        "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        "GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    let pair = one + health;
    let expected = [[202, 200].repeat(50), vec![404]].concat();
    assert_eq!(statuses(&server, &(pair.repeat(50) + last)), expected);
    assert_eq!(server.told().len(), 50);
}

#[test]
fn a_client_that_reads_nothing_is_read_no_further() {
    let server = Server::start(config());
    let mut stream = connect(&server);
    SockRef::from(&stream).set_recv_buffer_size(4096).expect("a socket");
    SockRef::from(&stream).set_send_buffer_size(4096).expect("a socket");
    // Far more answers than all buffers between the two hold.
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let requests = request.repeat(1000);
    let all = 16 * limits::UNREAD_REQUESTS_BYTES;
    stream.set_nonblocking(true).expect("a socket");
    let mut sent = 0;
    let mut answered = server.edge.figures().requests;
    until("it takes no more", || {
        while let Ok(taken) = stream.write(&requests.as_bytes()[sent % request.len()..]) {
            sent += taken;
            assert!(sent < all, "{sent} bytes were taken, and no answer was read");
        }
        // It stands still while others are answered.
        assert_eq!(server.client().get("/readyz", &[]).expect("an answer").status, 503);
        let before = std::mem::replace(&mut answered, server.edge.figures().requests);
        (answered == before + 1).then_some(())
    });
    stream.shutdown(Shutdown::Both).expect("it is open");
}

#[test]
fn connections_past_the_bound_wait_until_one_ends() {
    let patience = Patience { head: Duration::from_millis(100), ..Patience::default() };
    let server = Server::start(EdgeConfig { connections_max: 4, patience, ..config() });
    let idle: Vec<_> = (0..4).map(|_| connect(&server)).collect();
    until("they have all places", || (server.edge.figures().open_connections == 4).then_some(()));
    // This one waits in the kernel until those that say nothing have had their time.
    let answer = server.client().get("/healthz", &[]).expect("an answer");
    assert_eq!(answer.status, 200);
    drop(idle);
}
