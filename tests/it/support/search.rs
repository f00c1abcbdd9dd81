//! Looks for marks that must not be anywhere.

use std::fs;
use std::path::{Path, PathBuf};

/// A mark, in every form in which it could be written down.
pub(crate) struct Mark {
    pub(crate) name: String,
    forms: Vec<Vec<u8>>,
}

impl Mark {
    /// A text: plain, percent-encoded throughout, base64 at each alignment, hex.
    pub(crate) fn text(text: &str) -> Self {
        let lower = text.to_lowercase();
        let mut forms = Vec::new();
        for variant in [text, lower.as_str()] {
            let bytes = variant.as_bytes();
            forms.push(bytes.to_vec());
            forms.push(bytes.iter().flat_map(|b| format!("%{b:02x}").into_bytes()).collect());
            forms.push(bytes.iter().flat_map(|b| format!("%{b:02X}").into_bytes()).collect());
            forms.push(special_percent(bytes));
            forms.push(hex(bytes));
            forms.push(hex(bytes).to_ascii_uppercase());
            forms.extend(base64_cores(bytes));
        }
        forms.sort();
        forms.dedup();
        Self { name: text.to_owned(), forms }
    }

    /// Bytes as they are: an address as a number.
    pub(crate) fn bytes(name: &str, bytes: &[u8]) -> Self {
        let reversed = bytes.iter().rev().copied().collect();
        Self { name: name.to_owned(), forms: vec![bytes.to_vec(), reversed, hex(bytes)] }
    }

    /// Whether any form of it stands in `hay`.
    pub(crate) fn is_in(&self, hay: &[u8]) -> bool {
        self.forms.iter().any(|form| memmem(hay, form))
    }
}

/// The marks that stand in `hay`.
pub(crate) fn found_in<'a>(marks: &'a [Mark], hay: &[u8]) -> Vec<&'a str> {
    marks.iter().filter(|mark| mark.is_in(hay)).map(|mark| mark.name.as_str()).collect()
}

/// Every file under `folder`, with its bytes.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it is a folder") {
            let path = entry.expect("it can be listed").path();
            let kind = fs::symlink_metadata(&path).expect("it is there").file_type();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() {
                let bytes = fs::read(&path).expect("it can be read");
                found.push((path, bytes));
            }
        }
    }
    found
}

fn memmem(hay: &[u8], needle: &[u8]) -> bool {
    let Some((first, rest)) = needle.split_first() else { return false };
    let mut at = 0;
    while let Some(found) = hay[at..].iter().position(|byte| byte == first) {
        let after = at + found + 1;
        if hay[after..].starts_with(rest) {
            return true;
        }
        at = after;
    }
    false
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().flat_map(|b| format!("{b:02x}").into_bytes()).collect()
}

fn special_percent(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            out.push(*byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

/// What every base64 text holds that encodes `bytes` at some alignment: the characters that depend
/// on nothing before or after them.
fn base64_cores(bytes: &[u8]) -> Vec<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut cores = Vec::new();
    for shift in 0..3_usize {
        let bits = |i: usize| -> u8 {
            let bit = |n: usize| -> u8 {
                let n = n.checked_sub(shift * 8);
                n.and_then(|n| bytes.get(n / 8).map(|byte| byte >> (7 - n % 8) & 1)).unwrap_or(0)
            };
            (0..6).fold(0, |acc, n| acc << 1 | bit(i * 6 + n))
        };
        let first = (shift * 8).div_ceil(6);
        let last = (shift + bytes.len()) * 8 / 6;
        let core: Vec<u8> = (first..last).map(|i| ALPHABET[usize::from(bits(i))]).collect();
        let url: Vec<u8> = core
            .iter()
            .map(|c| match c {
                b'+' => b'-',
                b'/' => b'_',
                other => *other,
            })
            .collect();
        cores.push(core);
        cores.push(url);
    }
    cores
}

#[test]
fn the_search_finds_a_mark_in_each_of_its_forms() {
    let mark = Mark::text("Zed+one@mark.example");
    let found = |hay: &str| mark.is_in(hay.as_bytes());
    assert!(found("...Zed+one@mark.example..."));
    assert!(found("zed+one@mark.example"));
    assert!(found("x=Zed%2Bone%40mark.example&y"));
    assert!(found("5a65642b6f6e65406d61726b2e6578616d706c65"));
    // base64 of "aZed+one@mark.example", "aaZed+one@mark.example!" and of the mark alone.
    assert!(found("YVplZCtvbmVAbWFyay5leGFtcGxl"));
    assert!(found("YWFaZWQrb25lQG1hcmsuZXhhbXBsZSE="));
    assert!(found("WmVkK29uZUBtYXJrLmV4YW1wbGU="));
    assert!(!found("zed one mark example"));
}
