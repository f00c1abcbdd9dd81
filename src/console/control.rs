//! The control socket: how a command reaches the running program.
//!
//! A Unix socket in the data folder that only its owner can open. One JSON line in
//! ([`Command`]), one JSON line out ([`Reply`]).

use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::sync::watch;

use super::Console;
use super::command::{Command, Reply};
use crate::limits;
use crate::telemetry::{self, Value};

/// The socket's name in the data folder.
pub const FILE: &str = "control.sock";

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same for `doctor`, which reads all of spool and outbox: gigabytes, from a slow disk.
const DOCTOR_PATIENCE: Duration = Duration::from_mins(10);

/// How long a client may take to say its line.
const LINE_TIMEOUT: Duration = Duration::from_secs(5);

/// The control socket, bound. Its file goes when this is dropped.
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Binds the socket in `data_dir`. The caller holds the data folder's lock, so a socket that is
    /// there was left by a program that is gone. Needs a tokio runtime.
    pub fn bind(data_dir: &Path) -> std::io::Result<Self> {
        let path = data_dir.join(FILE);
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(&path)?,
            Ok(_) => return Err(ErrorKind::AlreadyExists.into()),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }

    /// Answers commands until `stop` turns true.
    pub async fn serve(self, console: Arc<Console>, mut stop: watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match accepted {
                // One after the other: they are typed by hand.
                Ok((stream, _)) => {
                    if let Err(error) = answer(stream, &console).await {
                        let values = [("error", Value::Io(&error))];
                        telemetry::warn("console", "a command got no answer", &values);
                    }
                }
                Err(error) => {
                    let values = [("error", Value::Io(&error))];
                    telemetry::warn("console", "the control socket failed", &values);
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // A file that stays is taken away at the next start.
        drop(std::fs::remove_file(&self.path));
    }
}

async fn answer(stream: tokio::net::UnixStream, console: &Console) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = tokio::io::BufReader::new(read.take(limits::CONTROL_LINE_BYTES_MAX));
    tokio::time::timeout(LINE_TIMEOUT, read.read_line(&mut line)).await??;
    let reply = match serde_json::from_str::<Command>(&line) {
        Ok(command) => console.run(&command).await,
        Err(_) => Reply::failed(
            "the running headcount does not know this command: is it of another version?",
        ),
    };
    let mut line = serde_json::to_vec(&reply)?;
    line.push(b'\n');
    write.write_all(&line).await?;
    write.shutdown().await
}

/// Asks the running program; none if no program runs on `data_dir`.
pub fn ask(data_dir: &Path, command: &Command) -> std::io::Result<Option<Reply>> {
    let mut stream = match UnixStream::connect(data_dir.join(FILE)) {
        Ok(stream) => stream,
        Err(error)
            if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let reads_all = *command == Command::Doctor;
    stream.set_read_timeout(Some(if reads_all { DOCTOR_PATIENCE } else { PATIENCE }))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_vec(command)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut line = String::new();
    BufReader::new(stream.take(16 * limits::CONTROL_LINE_BYTES_MAX)).read_line(&mut line)?;
    if line.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(serde_json::from_str(&line)?))
}
