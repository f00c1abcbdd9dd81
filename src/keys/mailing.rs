//! A mailing's key: makes the tokens of its recipients, and knows them again until it is destroyed.
//!
//! ```text
//! token         tid ‖ mac, in base32: 32 letters and digits
//!   tid         8 bytes from the system's random source; kept nowhere here
//!   mac         first 12 bytes of keyed_hash(token key, tid)
//! recipient     first 8 bytes of keyed_hash(recipient key, tid)
//! network       first 8 bytes of keyed_hash(recipient key, recipient ‖ truncated address)
//! token key, recipient key, seal key = derive_key("…", the mailing's key)
//!
//! pixel's mac   first 10 bytes of keyed_hash(link key, "p" ‖ mailing)
//! link's mac    first 10 bytes of keyed_hash(link key, "l" ‖ mailing ‖ number ‖ hash(destination))
//! ```
//!
//! The link key is another one: links go on leading somewhere for a year, and tell of nobody.
//!
//! It is the one key that outlives a day: mails are read for two weeks. It is drawn at random and
//! lies in a file of its own, since it must outlive a reboot, and in nothing else; its end is the
//! file's. What is derived from it is nothing without it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use blake3::Hasher;
use zeroize::{Zeroize, Zeroizing};

use super::day::{Secret, derive};
use super::{KeyId, KeysError, SealKey};
use crate::hit::{BASE32, MailingId, Recipient, VisitorId};

const ID_CONTEXT: &str = "headcount 2026-11 mailing key id v1";
const TOKEN_CONTEXT: &str = "headcount 2026-11 mailing token key v1";
const RECIPIENT_CONTEXT: &str = "headcount 2026-11 mailing recipient key v1";
const SEAL_CONTEXT: &str = "headcount 2026-11 mailing seal key v1";

const TID_BYTES: usize = 8;
const MAC_BYTES: usize = 12;
const TOKEN_BYTES: usize = TID_BYTES + MAC_BYTES;

/// Characters of a token.
pub const TOKEN_CHARS: usize = 32;

/// One mailing's key. Not `Debug`, not `Clone`; wiped on drop.
pub struct MailingKey {
    id: KeyId,
    secret: Secret,
    tokens: Secret,
    recipients: Secret,
}

/// Why a mailing's key cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum MailingKeyError {
    /// The system said no.
    #[error("the key of mailing {0} cannot be {1} ({2})")]
    Io(MailingId, &'static str, std::io::Error),
    /// The file does not hold a key.
    #[error("the key file of mailing {0} is damaged: shred the mailing")]
    Damaged(MailingId),
    /// No key could be drawn.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl MailingKey {
    /// A fresh key from the system's random source.
    pub fn draw() -> Result<Self, KeysError> {
        let mut secret = Secret::new(Zeroizing::new([0; 32]));
        getrandom::fill(&mut secret[..]).map_err(|_| KeysError::Random)?;
        Ok(Self::new(secret))
    }

    fn new(secret: Secret) -> Self {
        let id = first_8(&derive(ID_CONTEXT, &secret, b""));
        let tokens = derive(TOKEN_CONTEXT, &secret, b"");
        let recipients = derive(RECIPIENT_CONTEXT, &secret, b"");
        Self { id: KeyId(u64::from_le_bytes(id)), secret, tokens, recipients }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key that seals what belongs to the mailing's recipients.
    #[must_use]
    pub fn seal_key(&self) -> SealKey {
        SealKey::from_bytes(&derive(SEAL_CONTEXT, &self.secret, b""))
    }

    /// A fresh token, for one recipient.
    pub fn token(&self) -> Result<String, KeysError> {
        let mut token = [0; TOKEN_BYTES];
        let (tid, mac) = token.split_at_mut(TID_BYTES);
        getrandom::fill(tid).map_err(|_| KeysError::Random)?;
        mac.copy_from_slice(&self.mac(tid));
        let text = BASE32.encode(&token);
        token.zeroize();
        Ok(text)
    }

    /// Whose mail a token's is; `network` is its truncated address. None: it was not made with this
    /// key.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where recipients are made")]
    pub fn recipient(&self, token: &str, network: &[u8]) -> Option<Recipient> {
        let mut bytes = Zeroizing::new([0; TOKEN_BYTES]);
        if token.len() != TOKEN_CHARS {
            return None;
        }
        BASE32.decode_mut(token.as_bytes(), &mut bytes[..]).ok()?;
        let (tid, mac) = bytes.split_at(TID_BYTES);
        if !is_same(mac, &self.mac(tid)) {
            return None;
        }
        let of = |parts: [&[u8]; 2]| {
            let mut hasher = Hasher::new_keyed(&self.recipients);
            for part in parts {
                hasher.update(part);
            }
            let id = first_8(hasher.finalize().as_bytes());
            hasher.zeroize();
            VisitorId::from_raw(u64::from_le_bytes(id))
        };
        let id = of([tid, b""]);
        // Never as long as a tid alone, so never a recipient's own id.
        let network = of([&id.to_raw().to_le_bytes(), &[b"n", network].concat()]);
        Some(Recipient { key: self.id, id, network })
    }

    fn mac(&self, tid: &[u8]) -> [u8; MAC_BYTES] {
        let hash = blake3::keyed_hash(&self.tokens, tid);
        *hash.as_bytes().first_chunk().expect("32 bytes begin with 12")
    }
}

/// Compares in a time that tells nothing of where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    one.len() == other.len() && std::hint::black_box(difference) == 0
}

fn first_8(bytes: &[u8; 32]) -> [u8; 8] {
    *bytes.first_chunk().expect("32 bytes begin with 8")
}

/// Makes what a mailing's URLs carry, so that nobody else can make one. Wiped on drop.
pub struct LinkKey(Secret);

/// What a URL carries: in base32, 16 letters and digits.
#[derive(Clone, Copy)]
pub struct LinkMac([u8; LINK_MAC_BYTES]);

const LINK_MAC_BYTES: usize = 10;

impl LinkKey {
    /// Random bytes for a new one.
    pub fn draw() -> Result<[u8; 32], KeysError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|_| KeysError::Random)?;
        Ok(bytes)
    }

    /// The key of such bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(Zeroizing::new(bytes)))
    }

    /// What the URL of the mailing's pixel carries.
    #[must_use]
    pub fn of_pixel(&self, mailing: MailingId) -> LinkMac {
        self.mac(&[b"p", mailing.as_str().as_bytes()])
    }

    /// What the URL of a link carries. It is bound to where the link leads.
    #[must_use]
    pub fn of_link(&self, mailing: MailingId, number: u16, destination: &str) -> LinkMac {
        let leads = blake3::hash(destination.as_bytes());
        let number = number.to_le_bytes();
        self.mac(&[b"l", mailing.as_str().as_bytes(), &number, leads.as_bytes()])
    }

    /// All parts but the first have one length each.
    fn mac(&self, parts: &[&[u8]]) -> LinkMac {
        let hash = blake3::keyed_hash(&self.0, &parts.concat());
        LinkMac(*hash.as_bytes().first_chunk().expect("32 bytes begin with 10"))
    }
}

impl LinkMac {
    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        BASE32.encode(&self.0)
    }

    /// Whether a text is its own.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        let mut bytes = [0; LINK_MAC_BYTES];
        BASE32.decode_len(text.len()) == Ok(LINK_MAC_BYTES)
            && BASE32.decode_mut(text.as_bytes(), &mut bytes) == Ok(LINK_MAC_BYTES)
            && is_same(&bytes, &self.0)
    }
}

/// The folder of mailings' keys, a file for each. Leave it out of backups.
#[derive(Clone, Debug)]
pub struct MailingKeys {
    folder: PathBuf,
}

impl MailingKeys {
    /// The keys in `folder`, which is made with the first of them.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, mailing: MailingId) -> PathBuf {
        self.folder.join(format!("{mailing}.key"))
    }

    /// The mailings that have a file here.
    pub fn kept(&self) -> std::io::Result<Vec<MailingId>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut kept = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".key"));
            kept.extend(id.and_then(MailingId::parse));
        }
        Ok(kept)
    }

    /// Keeps a mailing's key, durably.
    pub fn keep(&self, mailing: MailingId, key: &MailingKey) -> Result<(), MailingKeyError> {
        let failed = |error| MailingKeyError::Io(mailing, "kept", error);
        make_folder(&self.folder).map_err(failed)?;
        let path = self.path(mailing);
        let mut options = OpenOptions::new();
        let mut file =
            options.write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(&key.secret[..]).and_then(|()| file.sync_all()).map_err(failed)?;
        sync(&self.folder).map_err(failed)
    }

    /// A mailing's key; none: it is destroyed, or never was.
    pub fn load(&self, mailing: MailingId) -> Result<Option<MailingKey>, MailingKeyError> {
        let failed = |error| MailingKeyError::Io(mailing, "read", error);
        let mut file = match File::open(self.path(mailing)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut secret = Secret::new(Zeroizing::new([0; 32]));
        file.read_exact(&mut secret[..]).map_err(|_| MailingKeyError::Damaged(mailing))?;
        // What a destruction that was cut short has left.
        if secret.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        Ok(Some(MailingKey::new(secret)))
    }

    /// Destroys a mailing's key: its file is overwritten, synced and taken away. Doing it again
    /// ends what was cut short.
    pub fn destroy(&self, mailing: MailingId) -> Result<(), MailingKeyError> {
        let failed = |error| MailingKeyError::Io(mailing, "destroyed", error);
        let path = self.path(mailing);
        match OpenOptions::new().write(true).open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed(error)),
            Ok(mut file) => {
                file.write_all(&[0; 32]).and_then(|()| file.sync_all()).map_err(failed)?;
            }
        }
        fs::remove_file(&path).and_then(|()| sync(&self.folder)).map_err(failed)
    }
}

/// Makes a folder that its owner alone can look into, if it is not there, and makes it stay.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(()) => folder.parent().map_or(Ok(()), sync),
    }
}

fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_recipients_under_its_own_key_alone() {
        let (key, other) = (MailingKey::draw().unwrap(), MailingKey::draw().unwrap());
        let (token, second) = (key.token().unwrap(), key.token().unwrap());
        assert_eq!(token.len(), TOKEN_CHARS);
        let of = |key: &MailingKey, token: &str, network: &[u8]| key.recipient(token, network);
        let found = of(&key, &token, b"net").unwrap();
        let elsewhere = of(&key, &token, b"other").unwrap();
        assert!(found.id == elsewhere.id && found.network != elsewhere.network);
        assert!(found == of(&key, &token, b"net").unwrap());
        assert!(found.id != of(&key, &second, b"net").unwrap().id);
        assert!(found.network != of(&key, &second, b"net").unwrap().network);
        assert!(of(&other, &token, b"net").is_none());
    }

    #[test]
    fn a_token_with_any_letter_changed_is_nobodys() {
        let key = MailingKey::draw().unwrap();
        let token = key.token().unwrap();
        for at in 0..TOKEN_CHARS {
            for letter in ["a", "b", "7", "A", "1", "=", "%"] {
                if token.get(at..=at) != Some(letter) {
                    let mut changed = token.clone();
                    changed.replace_range(at..=at, letter);
                    assert!(key.recipient(&changed, b"").is_none(), "{at} {letter}");
                }
            }
        }
        for junk in ["", "a", &token[1..], &format!("{token}a"), "{{token}}"] {
            assert!(key.recipient(junk, b"").is_none());
        }
    }

    #[test]
    fn a_links_mac_is_bound_to_mailing_number_and_destination() {
        let (key, other) = (LinkKey::from_bytes([1; 32]), LinkKey::from_bytes([2; 32]));
        let [id, another] = [[1; 5], [2; 5]].map(MailingId::from_bits);
        let mac = key.of_link(id, 7, "https://a.example/");
        let text = mac.text();
        assert_eq!(text.len(), 16);
        assert!(mac.is(&text));
        let others = [
            other.of_link(id, 7, "https://a.example/"),
            key.of_link(another, 7, "https://a.example/"),
            key.of_link(id, 8, "https://a.example/"),
            key.of_link(id, 7, "https://b.example/"),
            key.of_pixel(id),
        ];
        assert!(others.iter().all(|other| !other.is(&text)));
        for junk in ["", "a", &text[1..], &format!("{text}a"), &text.to_uppercase(), "%27"] {
            assert!(!mac.is(junk), "{junk}");
        }
    }

    #[test]
    fn a_key_is_there_until_it_is_destroyed_and_its_bytes_go_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let keys = MailingKeys::new(dir.path().join("keys"));
        let id = MailingId::from_bits([3; 5]);
        assert!(keys.load(id).unwrap().is_none());
        let key = MailingKey::draw().unwrap();
        keys.keep(id, &key).unwrap();
        assert!(keys.keep(id, &key).is_err(), "a key is never written over");
        assert!(keys.load(id).unwrap().unwrap().id() == key.id());

        // The bytes themselves are seen to go, by another name of the same file.
        let witness = dir.path().join("witness");
        fs::hard_link(keys.path(id), &witness).unwrap();
        assert_eq!(fs::read(&witness).unwrap(), key.secret[..]);
        keys.destroy(id).unwrap();
        assert_eq!(fs::read(&witness).unwrap(), [0; 32]);
        assert!(keys.load(id).unwrap().is_none());
        keys.destroy(id).unwrap();

        fs::write(keys.path(id), [0; 32]).unwrap();
        assert!(keys.load(id).unwrap().is_none(), "cut short before its file was taken away");
        fs::write(keys.path(id), b"short").unwrap();
        assert!(matches!(keys.load(id), Err(MailingKeyError::Damaged(_))));
    }
}
