//! The place of a truncated address, from MMDB files.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use maxminddb::{PathElement, Reader};

use super::name;
use crate::hit::Text;

/// The database's name beside the executable, where the build puts it.
const DATABASE: &str = "country.mmdb";

/// Databases, in memory: a file that is replaced while it is read cannot crash us. The first that
/// knows a network tells of it.
pub struct Geo {
    readers: Vec<Reader<Vec<u8>>>,
}

/// How much of a visitor's place is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// The country.
    #[default]
    Country,
    /// The region too, as far as a database knows it.
    Region,
    /// The city too. Of a small one there may be one visitor.
    City,
}

impl Detail {
    /// Each, by its name.
    const NAMES: &[(&str, Self)] =
        &[("country", Self::Country), ("region", Self::Region), ("city", Self::City)];

    /// The detail of a name: `country`, `region` or `city`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, detail)| *detail)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, detail)| *detail == self).map_or("", |(name, _)| name)
    }
}

/// Where a network is: empty as far as it is not known, or not to be kept.
#[derive(Clone, Default)]
pub(in crate::edge) struct Place {
    pub(in crate::edge) country: Text,
    pub(in crate::edge) region: Text,
    pub(in crate::edge) city: Text,
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
        Self::open_all(&[path])
    }

    /// Reads several, the one that is asked first in front.
    pub fn open_all(paths: &[impl AsRef<Path>]) -> Result<Self, GeoError> {
        let open = |path: &Path| {
            let failed = |source| GeoError::Read { path: path.to_owned(), source };
            Reader::from_source(fs::read(path).map_err(failed)?)
                .map_err(|_| GeoError::Format { path: path.to_owned() })
        };
        let readers = paths.iter().map(|path| open(path.as_ref()));
        Ok(Self { readers: readers.collect::<Result<_, _>>()? })
    }

    /// The database that came with the program: beside the executable, or in the folder above.
    #[must_use]
    pub fn default_database() -> Option<PathBuf> {
        beside_the_program(DATABASE)
    }

    /// Where a network is, as far as `detail` lets.
    pub(in crate::edge) fn place(&self, truncated: IpAddr, detail: Detail) -> Place {
        let mut found = self.readers.iter().filter_map(|reader| {
            // A database of the other kind of addresses knows nothing of it.
            let record = reader.lookup(truncated).ok()?;
            let text = |paths: &[&[PathElement<'_>]]| {
                paths.iter().find_map(|path| record.decode_path::<&str>(path).ok().flatten())
            };
            let country = text(COUNTRY).filter(|code| is_country(code))?;
            let upto = |least, paths| if detail >= least { text(paths) } else { None };
            Some(Place {
                country: name::known(country),
                region: place_name(upto(Detail::Region, REGION)),
                city: place_name(upto(Detail::City, CITY)),
            })
        });
        found.next().unwrap_or_default()
    }

    /// When the oldest of them was built, in seconds since 1970.
    #[must_use]
    pub fn built(&self) -> u64 {
        let built = self.readers.iter().map(|reader| reader.metadata().build_epoch);
        built.min().unwrap_or(0)
    }
}

/// A file beside the executable, or in the folder above.
pub(super) fn beside_the_program(name: &str) -> Option<PathBuf> {
    let executable = env::current_exe().ok()?;
    let mut folders = executable.ancestors().skip(1).take(2);
    folders.find_map(|folder| Some(folder.join(name)).filter(|it| it.is_file()))
}

/// Where a database says it: the flat shape, then MaxMind's.
const COUNTRY: &[&[PathElement<'static>]] = &[
    &[PathElement::Key("country_code")],
    &[PathElement::Key("country"), PathElement::Key("iso_code")],
];
const REGION: &[&[PathElement<'static>]] = &[
    &[PathElement::Key("state1")],
    &[
        PathElement::Key("subdivisions"),
        PathElement::Index(0),
        PathElement::Key("names"),
        PathElement::Key("en"),
    ],
];
const CITY: &[&[PathElement<'static>]] = &[
    &[PathElement::Key("city")],
    &[PathElement::Key("city"), PathElement::Key("names"), PathElement::Key("en")],
];

/// A region's or city's name, without its quarter: some databases say `London (Shadwell)`.
fn place_name(found: Option<&str>) -> Text {
    let name = found.unwrap_or_default();
    let name = name.split_once('(').map_or(name, |(name, _)| name).trim();
    let end = name.char_indices().nth(PLACE_CHARS_MAX).map_or(name.len(), |(at, _)| at);
    name::known(&name[..end])
}

/// Characters of a place's name.
const PLACE_CHARS_MAX: usize = 64;

/// Two capitals; `ZZ` is how some databases say that they do not know.
fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|it| it.is_ascii_uppercase()) && code != "ZZ"
}
