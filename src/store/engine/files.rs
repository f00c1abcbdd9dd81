//! The engine's configuration files, written anew at every start.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::{DATABASE, EngineError};
use crate::store::client::READ_BOUNDS;

/// What one start of the engine is reached by. Drawn at random; known to this process, and to who
/// may read the engine's folder.
pub(super) struct Secrets {
    /// The HTTP port, on loopback.
    pub(super) port: u16,
    /// The only path that the engine answers on. The user `default` can have no password, since the
    /// start-up query runs as it: this keeps every other local process from being `default`.
    pub(super) path: String,
    /// The collector's password.
    pub(super) collector: String,
    /// The reader's password.
    pub(super) reader: String,
}

impl Secrets {
    pub(super) fn draw() -> Result<Self, EngineError> {
        // Another process may take the port before the engine does: the start then fails, and the
        // next one draws another.
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| EngineError::Io("free port", error))?
            .port();
        Ok(Self { port, path: random()?, collector: random()?, reader: random()? })
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{}", self.port, self.path)
    }
}

fn random() -> Result<String, EngineError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|_| EngineError::Io("random source", std::io::ErrorKind::Other.into()))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// Writes `config.xml` and `users.xml` into `dir`.
pub(super) fn write(dir: &Path, secrets: &Secrets, memory_bytes: u64) -> Result<(), EngineError> {
    let users = dir.join("users.xml");
    let config = config_xml(&users.to_string_lossy(), secrets, memory_bytes);
    private(&dir.join("config.xml"), &config)
        .and_then(|()| private(&users, &users_xml(secrets, memory_bytes)))
        .map_err(|error| EngineError::Io("configuration file", error))
}

fn private(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(fresh, path)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// No log, on the disk or elsewhere: a query's text never leaves the engine.
fn config_xml(users: &str, secrets: &Secrets, memory_bytes: u64) -> String {
    let marks = (memory_bytes / 16).clamp(16 << 20, 256 << 20);
    format!(
        "<clickhouse>
  <users_config>{users}</users_config>
  <listen_host>127.0.0.1</listen_host>
  <http_port>{port}</http_port>
  <logger><level>none</level><console>0</console></logger>
  <http_handlers>
    <rule>
      <url>/{path}</url>
      <handler>
        <type>dynamic_query_handler</type>
        <query_param_name>query</query_param_name>
      </handler>
    </rule>
  </http_handlers>
  <max_server_memory_usage>{memory_bytes}</max_server_memory_usage>
  <mark_cache_size>{marks}</mark_cache_size>
  <max_concurrent_queries>100</max_concurrent_queries>
</clickhouse>
",
        users = escape(users),
        port = secrets.port,
        path = secrets.path,
    )
}

/// `default` may open the port and nothing else; `collector` writes one database; `reader` reads it,
/// within bounds that it cannot lift.
fn users_xml(secrets: &Secrets, memory_bytes: u64) -> String {
    let bounds: String =
        READ_BOUNDS.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect();
    let grants = |grants: &[String]| -> String {
        grants.iter().map(|grant| format!("<query>GRANT {grant}</query>")).collect()
    };
    let collector = grants(&[
        format!("CREATE DATABASE, CREATE TABLE, ALTER TABLE, INSERT, SELECT ON {DATABASE}.*"),
        format!("OPTIMIZE ON {DATABASE}.*"),
        "TABLE ENGINE ON SummingMergeTree".into(),
        "TABLE ENGINE ON MergeTree".into(),
        "TABLE ENGINE ON Memory".into(),
        "SELECT ON system.tables".into(),
        "SELECT ON system.columns".into(),
        "SELECT ON system.parts".into(),
        "SELECT ON system.server_settings".into(),
        // To end the start-up query, and the engine with it.
        "KILL QUERY ON *.*".into(),
        "SELECT ON system.processes".into(),
        // For `input()`, which a deadline inside the statement needs.
        "CREATE TEMPORARY TABLE ON *.*".into(),
    ]);
    let opener = grants(&["SYSTEM LISTEN ON *.*".into()]);
    let reader = grants(&[format!("SELECT ON {DATABASE}.*")]);
    let user = |name: &str, password: &str, profile: &str, grants: &str| {
        format!(
            "    <{name}>{password}<networks><ip>127.0.0.1</ip></networks>\
             <profile>{profile}</profile><quota>default</quota>\
             <grants>{grants}</grants></{name}>\n"
        )
    };
    let password = |secret: &str| format!("<password>{secret}</password>");
    format!(
        "<clickhouse>
  <profiles>
    <default><log_queries>0</log_queries><max_memory_usage>{query_bytes}</max_memory_usage></default>
    <reader>{bounds}<max_memory_usage>{query_bytes}</max_memory_usage><readonly>1</readonly></reader>
  </profiles>
  <quotas><default></default></quotas>
  <users>
{opener}{collector}{reader}  </users>
</clickhouse>
",
        query_bytes = memory_bytes / 2,
        opener = user("default", "<no_password/>", "default", &opener),
        collector = user("collector", &password(&secrets.collector), "default", &collector),
        reader = user("reader", &password(&secrets.reader), "reader", &reader),
    )
}
