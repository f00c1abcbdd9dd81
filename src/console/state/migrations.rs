//! The database's versions. Each step is run once, in a transaction; none is ever changed.

use rusqlite::Connection;

use super::StateError;

const STEPS: &[&str] = &[
    "
    CREATE TABLE sites (
        domain TEXT PRIMARY KEY,
        timezone TEXT NOT NULL,
        added_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE api_keys (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        site TEXT NOT NULL,
        name TEXT NOT NULL,
        hash BLOB NOT NULL UNIQUE,
        created_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE sessions (
        hash BLOB PRIMARY KEY,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE sign_ins (
        hash BLOB PRIMARY KEY,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE users (
        email TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        password TEXT NOT NULL,
        added_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE user_sites (
        email TEXT NOT NULL,
        site TEXT NOT NULL,
        PRIMARY KEY (email, site)
    ) STRICT, WITHOUT ROWID;
    -- Whose it is; NULL: whoever opened a sign-in link.
    ALTER TABLE sessions ADD COLUMN email TEXT;
",
    "
    CREATE TABLE imports (
        id TEXT PRIMARY KEY,
        site TEXT NOT NULL,
        first_at INTEGER NOT NULL,
        last_at INTEGER NOT NULL,
        pages INTEGER NOT NULL,
        accepted_at INTEGER NOT NULL,
        written_at INTEGER
    ) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE mailings (
        id TEXT PRIMARY KEY,
        site TEXT NOT NULL,
        name TEXT NOT NULL,
        campaign TEXT NOT NULL,
        consent TEXT,
        hosts TEXT NOT NULL,
        link_key BLOB NOT NULL,
        sent INTEGER NOT NULL,
        first_sent_at INTEGER,
        created_at INTEGER NOT NULL,
        counts_until INTEGER NOT NULL,
        links_until INTEGER NOT NULL,
        -- The name of the recipients' key, and its receipt. NULL: they are not told apart.
        key_id INTEGER,
        key_destroyed_at INTEGER,
        shredded INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE mailing_links (
        mailing TEXT NOT NULL,
        number INTEGER NOT NULL,
        destination TEXT NOT NULL,
        label TEXT NOT NULL,
        share INTEGER NOT NULL,
        PRIMARY KEY (mailing, number)
    ) STRICT, WITHOUT ROWID;
    -- Whether a key may make mailings of its site, too.
    ALTER TABLE api_keys ADD COLUMN mailings INTEGER NOT NULL DEFAULT 0;
",
];

/// Brings the database up to this program's version.
pub(super) fn run(connection: &mut Connection) -> Result<(), StateError> {
    let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = usize::try_from(version).ok().filter(|version| *version <= STEPS.len());
    let Some(done) = known else { return Err(StateError::Newer(version)) };
    for (step, version) in STEPS.iter().zip(1_i64..).skip(done) {
        change.execute_batch(step)?;
        change.pragma_update(None, "user_version", version)?;
    }
    Ok(change.commit()?)
}
