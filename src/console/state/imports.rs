//! What was imported, so that it is imported once.

use rusqlite::params;

use super::{StateDb, StateError};
use crate::hit::{Second, SiteName};

/// An import that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Of its content and of how it was read: the same again has the same.
    pub id: String,
    /// The site.
    pub site: SiteName,
    /// The times of its first and last hit.
    pub span: (Second, Second),
    /// Its page views.
    pub pages: u64,
    /// When it was accepted.
    pub accepted: Second,
    /// When all of it was in ClickHouse; none: not yet.
    pub written: Option<Second>,
}

impl StateDb {
    /// Keeps that an import is to be written, from here on whatever happens. False: it was there.
    pub fn accept_import(&self, import: &Import) -> Result<bool, StateError> {
        let pages = i64::try_from(import.pages).unwrap_or(i64::MAX);
        let (first, last) = import.span;
        let added = self.connection().execute(
            "INSERT OR IGNORE INTO imports (id, site, first_at, last_at, pages, accepted_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![import.id, import.site.as_str(), first.0, last.0, pages, import.accepted.0],
        )?;
        Ok(added == 1)
    }

    /// All of it is in ClickHouse.
    pub fn import_written(&self, id: &str, now: Second) -> Result<(), StateError> {
        let sql = "UPDATE imports SET written_at = ?2 WHERE id = ?1";
        self.connection().execute(sql, params![id, now.0])?;
        Ok(())
    }

    /// The import of that id.
    pub fn import(&self, id: &str) -> Result<Option<Import>, StateError> {
        Ok(self.imports()?.into_iter().find(|import| import.id == id))
    }

    /// Every import, the latest last.
    pub fn imports(&self) -> Result<Vec<Import>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, site, first_at, last_at, pages, accepted_at, written_at FROM imports
             ORDER BY accepted_at, id",
        )?;
        let imports = statement.query_map([], |row| {
            let site: String = row.get(1)?;
            Ok(Import {
                id: row.get(0)?,
                site: SiteName::from_stored(&site),
                span: (Second(row.get(2)?), Second(row.get(3)?)),
                pages: u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0),
                accepted: Second(row.get(5)?),
                written: row.get::<_, Option<i64>>(6)?.map(Second),
            })
        })?;
        Ok(imports.collect::<Result<_, _>>()?)
    }
}
