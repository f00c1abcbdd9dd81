//! An engine of the bench's own: one user who may do everything, in two databases, and no cache that
//! would answer a question from the one before.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use headcount::store::engine::find_library;
use headcount::store::{Param, Store, StoreConfig};
use serde_json::Value;

/// Ended when dropped: its standard input closes.
pub(crate) struct Engine {
    child: Child,
    port: u16,
}

/// An answer, and what it took.
pub(crate) struct Answer {
    pub(crate) rows: Vec<Vec<Value>>,
    pub(crate) ms: f64,
    pub(crate) read_rows: u64,
    pub(crate) read_bytes: u64,
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("the engine ends");
    }
}

impl Engine {
    pub(crate) fn start(dir: &Path) -> Self {
        const QUERY: &str = "SYSTEM START LISTEN HTTP; SELECT sleepEachRow(0.02) \
            FROM numbers(1000000000000) SETTINGS max_block_size = 10 FORMAT Null";
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        configure(dir);
        let program = PathBuf::from(env!("CARGO_BIN_EXE_headcount"));
        let mut child = Command::new(&program)
            .arg("engine")
            .arg(find_library(&program).expect("the engine's library"))
            .arg(dir.join("engine.lock"))
            .arg("--config-file")
            .arg(dir.join("config.xml"))
            .arg("--path")
            .arg(dir.join("data"))
            .args(["--http_port", &port.to_string()])
            .args(["--listen_host", "127.0.0.1"])
            .args(["--query", QUERY])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program is there");
        let mut version = String::new();
        let stdout = child.stdout.take().expect("its output");
        BufReader::new(stdout).read_line(&mut version).expect("its version");
        child.stdin.as_mut().expect("its input").write_all(b"\n").expect("it waits");
        let engine = Self { child, port };
        let begun = Instant::now();
        while engine.post(&[], b"SELECT 1").is_err() {
            assert!(begun.elapsed() < Duration::from_mins(1), "the engine does not answer");
            std::thread::yield_now();
        }
        engine
    }

    /// The collector's store on this engine.
    pub(crate) fn store(&self) -> Store {
        Store::new(StoreConfig {
            url: format!("http://127.0.0.1:{}", self.port),
            user: "default".into(),
            password: None,
            database: "headcount".into(),
            insert_timeout: Duration::from_mins(5),
        })
    }

    /// Runs a statement that has no answer.
    pub(crate) fn run(&self, sql: &str) {
        self.post(&[], sql.as_bytes()).expect("it is done");
    }

    /// Sends rows as RowBinary after `INSERT INTO … `.
    pub(crate) fn insert(&self, into: &str, rows: &[u8]) {
        let query = ("query".to_owned(), format!("INSERT INTO {into} FORMAT RowBinary"));
        self.post(&[query], rows).expect("it is written");
    }

    pub(crate) fn ask(&self, database: &str, sql: &str, params: &[(String, Param)]) -> Answer {
        let mut fields = vec![
            ("database".to_owned(), database.to_owned()),
            ("default_format".to_owned(), "JSONCompact".to_owned()),
        ];
        fields.extend(params.iter().map(|(name, value)| {
            let value = match value {
                Param::Text(text) => text.clone(),
                Param::Number(number) => number.to_string(),
                Param::Texts(texts) => format!("['{}']", texts.join("','")),
            };
            (format!("param_{name}"), value)
        }));
        let (head, body) = self.post(&fields, sql.as_bytes()).expect("an answer");
        let answer: Value = serde_json::from_slice(&body).expect("JSON");
        let summary = head.lines().find_map(|line| line.strip_prefix("X-ClickHouse-Summary: "));
        let summary: Value = serde_json::from_str(summary.expect("a summary")).expect("JSON");
        let figure = |name: &str| -> u64 {
            summary[name].as_str().and_then(|text| text.parse().ok()).expect("a figure")
        };
        Answer {
            rows: serde_json::from_value(answer["data"].clone()).expect("rows"),
            ms: figure("elapsed_ns") as f64 / 1e6,
            read_rows: figure("read_rows"),
            read_bytes: figure("read_bytes"),
        }
    }

    /// A table's rows and bytes on the disk, in its active parts.
    pub(crate) fn size(&self, database: &str, tables: &[&str]) -> (f64, f64) {
        let sql = format!(
            "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts \
             WHERE active AND database = '{database}' AND table IN ('{}')",
            tables.join("', '")
        );
        let answer = self.ask("system", &sql, &[]);
        let figure = |place: usize| answer.rows[0][place].as_f64().expect("a number");
        (figure(0), figure(1))
    }

    /// One request; the answer's head and body, or ClickHouse's words.
    fn post(&self, fields: &[(String, String)], body: &[u8]) -> Result<(String, Vec<u8>), String> {
        let mut path = form_urlencoded::Serializer::for_suffix("/?".to_owned(), 2);
        path.extend_pairs(fields).append_pair("wait_end_of_query", "1");
        let io = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).map_err(io)?;
        // HTTP/1.0: the answer ends with the connection.
        let head =
            format!("POST {} HTTP/1.0\r\nContent-Length: {}\r\n\r\n", path.finish(), body.len());
        stream.write_all(head.as_bytes()).map_err(io)?;
        stream.write_all(body).map_err(io)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).map_err(io)?;
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").ok_or("no answer")?;
        let body = answer.split_off(end + 4);
        let head = String::from_utf8_lossy(&answer).into_owned();
        let taken = head.split(' ').nth(1) == Some("200");
        if taken { Ok((head, body)) } else { Err(String::from_utf8_lossy(&body).into_owned()) }
    }
}

fn configure(dir: &Path) {
    let users = dir.join("users.xml");
    let config = format!(
        "<clickhouse><users_config>{}</users_config><listen_host>127.0.0.1</listen_host>\
         <logger><level>none</level><console>0</console></logger></clickhouse>",
        users.display()
    );
    fs::write(dir.join("config.xml"), config).expect("a folder");
    let settings = [
        ("log_queries", "0"),
        ("max_threads", "4"),
        ("use_query_cache", "0"),
        ("use_query_condition_cache", "0"),
        ("use_uncompressed_cache", "0"),
        ("output_format_json_quote_64bit_integers", "0"),
    ];
    let settings = settings.map(|(name, value)| format!("<{name}>{value}</{name}>")).concat();
    let text = format!(
        "<clickhouse><profiles><default>{settings}</default></profiles>\
         <quotas><default></default></quotas>\
         <users><default><no_password/><networks><ip>127.0.0.1</ip></networks>\
         <profile>default</profile><quota>default</quota></default></users></clickhouse>"
    );
    fs::write(users, text).expect("a folder");
}
