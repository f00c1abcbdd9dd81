//! The country of a truncated address, from an MMDB file.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use maxminddb::{PathElement, Reader};

use super::name;
use crate::hit::Text;

/// The database's name beside the executable, where the build puts it.
const DATABASE: &str = "country.mmdb";

/// A country database, in memory: a file that is replaced while it is read cannot crash us.
pub struct Geo {
    reader: Reader<Vec<u8>>,
}

/// Why a country database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// The file cannot be read.
    #[error("cannot read the country database {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is something else, or broken.
    #[error("{path} is not a country database in the MMDB format")]
    Format {
        /// The file.
        path: PathBuf,
    },
}

impl Geo {
    /// Reads the database at `path`: MaxMind's shape (`country.iso_code`) or the flat one
    /// (`country_code`).
    pub fn open(path: &Path) -> Result<Self, GeoError> {
        let bytes =
            fs::read(path).map_err(|source| GeoError::Read { path: path.to_owned(), source })?;
        match Reader::from_source(bytes) {
            Ok(reader) => Ok(Self { reader }),
            Err(_) => Err(GeoError::Format { path: path.to_owned() }),
        }
    }

    /// The database that came with the program: beside the executable, or in the folder above.
    #[must_use]
    pub fn default_database() -> Option<PathBuf> {
        beside_the_program(DATABASE)
    }

    /// The ISO 3166 alpha-2 code of the country of a network; empty where it is not known.
    pub(in crate::edge) fn country(&self, truncated: IpAddr) -> Text {
        let Ok(found) = self.reader.lookup(truncated) else { return Text::EMPTY };
        let flat = [PathElement::Key("country_code")];
        let nested = [PathElement::Key("country"), PathElement::Key("iso_code")];
        let code = [&flat[..], &nested[..]]
            .into_iter()
            .find_map(|path| found.decode_path::<&str>(path).ok().flatten());
        match code {
            Some(code) if is_country(code) => name::known(code),
            _ => Text::EMPTY,
        }
    }

    /// When the database was built, in seconds since 1970.
    #[must_use]
    pub fn built(&self) -> u64 {
        self.reader.metadata().build_epoch
    }
}

/// A file beside the executable, or in the folder above.
pub(super) fn beside_the_program(name: &str) -> Option<PathBuf> {
    let executable = env::current_exe().ok()?;
    let mut folders = executable.ancestors().skip(1).take(2);
    folders.find_map(|folder| Some(folder.join(name)).filter(|it| it.is_file()))
}

/// Two capitals; `ZZ` is how some databases say that they do not know.
fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|it| it.is_ascii_uppercase()) && code != "ZZ"
}
