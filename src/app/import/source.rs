//! A log's files, plain or packed, as one stream of lines in the order of their times.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use memchr::memrchr;

use crate::edge::LogEdge;
use crate::hit::Second;

/// Bytes of a block of lines.
const BLOCK_BYTES: usize = 1 << 20;

/// Bytes of a line, at most: what is longer was written by no server.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Whole lines, and where they stand.
#[derive(Default)]
pub(super) struct Block {
    pub(super) text: Vec<u8>,
    /// Of which file, from which of its lines on, and how many.
    pub(super) runs: Vec<(usize, u64, u64)>,
}

/// The files.
pub(super) struct Source {
    inputs: Vec<Input>,
    names: Vec<String>,
    read: Arc<AtomicU64>,
    bytes: Option<u64>,
}

struct Input {
    reader: Box<dyn BufRead + Send>,
    file: usize,
    /// Lines taken from it.
    lines: u64,
    /// Its next line, and the time that it stands at; only where there are several files.
    next: Vec<u8>,
    at: Second,
}

/// Counts what is read from a file, as it is on the disk.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Source {
    /// Opens the files; `-` is standard input. An error comes with the file that it is about.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self, (String, io::Error)> {
        let read = Arc::new(AtomicU64::new(0));
        let mut bytes = Some(0);
        let (mut inputs, mut names) = (Vec::new(), Vec::new());
        for (file, path) in paths.iter().enumerate() {
            let name = path.display().to_string();
            let failed = |error| (name.clone(), error);
            let (raw, length) = open(path).map_err(failed)?;
            bytes = bytes.zip(length).map(|(sum, length)| sum + length);
            let counted = Counted { inner: raw, read: Arc::clone(&read) };
            let reader = unpacked(BufReader::with_capacity(1 << 18, counted)).map_err(failed)?;
            let at = Second(i64::MIN);
            inputs.push(Input { reader, file, lines: 0, next: Vec::new(), at });
            names.push(name);
        }
        Ok(Self { inputs, names, read, bytes })
    }

    /// The name of a file.
    pub(super) fn name(&self, file: usize) -> &str {
        &self.names[file]
    }

    /// Bytes that were read of the files as they are on the disk, and all of them if that is known.
    pub(super) fn progress(&self) -> (u64, Option<u64>) {
        (self.read.load(Ordering::Relaxed), self.bytes)
    }

    /// Reads the first line of every file, where there are several to be merged.
    pub(super) fn begin(&mut self, clock: &mut LogEdge) -> Result<(), (String, io::Error)> {
        if self.inputs.len() > 1 {
            for input in &mut self.inputs {
                input.advance(clock).map_err(|error| (self.names[input.file].clone(), error))?;
            }
            self.inputs.retain(|input| !input.next.is_empty());
            // From here on the earliest is looked for line by line.
            self.names.shrink_to_fit();
        }
        Ok(())
    }

    /// The next block; none at the end.
    pub(super) fn next(
        &mut self,
        clock: &mut LogEdge,
    ) -> Result<Option<Block>, (String, io::Error)> {
        let Self { inputs, names, .. } = self;
        let block = match inputs.as_mut_slice() {
            [] => return Ok(None),
            [one] if one.next.is_empty() => {
                one.whole_lines().map_err(|error| (names[one.file].clone(), error))?
            }
            _ => merged(inputs, names, clock)?,
        };
        Ok((!block.text.is_empty()).then_some(block))
    }
}

/// Takes lines from whichever file stands at the earliest time.
fn merged(
    inputs: &mut Vec<Input>,
    names: &[String],
    clock: &mut LogEdge,
) -> Result<Block, (String, io::Error)> {
    let mut block = Block::default();
    let mut runs: VecDeque<(usize, u64, u64)> = VecDeque::new();
    while block.text.len() < BLOCK_BYTES {
        let earliest = inputs.iter().enumerate().min_by_key(|(_, input)| (input.at, input.file));
        let Some((at, input)) = earliest else { break };
        match runs.back_mut() {
            Some((file, _, lines)) if *file == input.file => *lines += 1,
            _ => runs.push_back((input.file, input.lines, 1)),
        }
        block.text.extend_from_slice(&input.next);
        let input = &mut inputs[at];
        input.advance(clock).map_err(|error| (names[input.file].clone(), error))?;
        if input.next.is_empty() {
            inputs.remove(at);
        }
    }
    block.runs = runs.into();
    Ok(block)
}

impl Input {
    /// Reads its next line, with its end; an empty one at the file's.
    fn advance(&mut self, clock: &mut LogEdge) -> io::Result<()> {
        self.next.clear();
        let most = LINE_BYTES_MAX as u64;
        let read = self.reader.by_ref().take(most).read_until(b'\n', &mut self.next)?;
        if read == LINE_BYTES_MAX {
            return Err(too_long());
        }
        if read > 0 {
            self.lines += 1;
            if self.next.last() != Some(&b'\n') {
                self.next.push(b'\n');
            }
            let line = self.next.trim_ascii_end();
            // A line without a time stands where the one before it did.
            self.at = clock.time_of(line).unwrap_or(self.at).max(self.at);
        }
        Ok(())
    }

    /// Reads about a block of it, to the end of a line.
    fn whole_lines(&mut self) -> io::Result<Block> {
        let mut text = Vec::with_capacity(BLOCK_BYTES + 4096);
        self.reader.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut text)?;
        if text.len() == BLOCK_BYTES && memrchr(b'\n', &text) != Some(text.len() - 1) {
            let most = LINE_BYTES_MAX as u64;
            let rest = self.reader.by_ref().take(most).read_until(b'\n', &mut text)?;
            if rest == LINE_BYTES_MAX {
                return Err(too_long());
            }
        }
        let ends = memchr::memchr_iter(b'\n', &text).count() as u64;
        let lines = ends + u64::from(!text.is_empty() && text.last() != Some(&b'\n'));
        let runs = vec![(self.file, self.lines + 1, lines)];
        self.lines += lines;
        Ok(Block { text, runs })
    }
}

/// A whole file, unpacked if it is packed with gzip.
pub(super) fn whole(path: &Path) -> io::Result<String> {
    let invalid = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    let (raw, _) = open(path)?;
    let mut bytes = Vec::new();
    unpacked(BufReader::new(raw))?.read_to_end(&mut bytes)?;
    if bytes.starts_with(b"PK") {
        return Err(invalid("it is a zip archive: unpack it, and give the CSV files in it"));
    }
    String::from_utf8(bytes).map_err(|_| invalid("it is not text in UTF-8"))
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a line is longer than a megabyte: it is no log")
}

fn open(path: &Path) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path)?;
    let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|it| it.len());
    Ok((Box::new(file), length))
}

/// The lines of a file, unpacked if it is packed: told by its first bytes, not by its name.
fn unpacked<R: BufRead + Send + 'static>(mut reader: R) -> io::Result<Box<dyn BufRead + Send>> {
    let is_packed = reader.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    Ok(if is_packed {
        Box::new(BufReader::with_capacity(1 << 18, MultiGzDecoder::new(reader)))
    } else {
        Box::new(reader)
    })
}
