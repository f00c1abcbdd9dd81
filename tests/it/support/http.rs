//! A plain HTTP/1.1 client on one kept-alive connection: what goes out is what the test wrote.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// One connection, opened when it is first used.
pub(crate) struct Client {
    port: u16,
    stream: Option<BufReader<TcpStream>>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    pub(crate) fn new(port: u16) -> Self {
        Self { port, stream: None }
    }

    pub(crate) fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> std::io::Result<Answer> {
        self.send("GET", path, headers, b"")
    }

    pub(crate) fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        self.send("POST", path, headers, body)
    }

    /// Sends a request and reads its answer. After an error the connection is opened anew.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n").into_bytes();
        for (name, value) in headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if method == "POST" {
            request.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        self.raw(&request, method == "HEAD")
    }

    /// Sends bytes as they are, and reads one answer.
    pub(crate) fn raw(&mut self, request: &[u8], head: bool) -> std::io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open()?,
        };
        stream.get_mut().write_all(request)?;
        let answer = read_answer(&mut stream, head)?;
        if answer.header("connection") != Some("close") {
            self.stream = Some(stream);
        }
        Ok(answer)
    }

    fn open(&self) -> std::io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(BufReader::new(stream))
    }
}

fn read_answer(stream: &mut BufReader<TcpStream>, head: bool) -> std::io::Result<Answer> {
    let short = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let mut line = String::new();
    let mut next = |stream: &mut BufReader<TcpStream>| -> std::io::Result<String> {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(short());
        }
        Ok(line.trim_end().to_owned())
    };
    let status = next(stream)?;
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(short)?;
    let mut headers = Vec::new();
    loop {
        let line = next(stream)?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').ok_or_else(short)?;
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer { status, headers, body: Vec::new() };
    let length = answer.header("content-length").and_then(|text| text.parse().ok());
    if head || status == 204 || status == 304 {
        return Ok(answer);
    }
    if let Some(length) = length {
        answer.body.resize(length, 0);
        stream.read_exact(&mut answer.body)?;
    } else if answer.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&next(stream)?, 16).map_err(|_| short())?;
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk)?;
            answer.body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        stream.read_to_end(&mut answer.body)?;
    }
    Ok(answer)
}
