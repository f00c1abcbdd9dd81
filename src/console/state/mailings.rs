//! Mailings: their links, and what became of their keys. Nothing of their recipients.

use rusqlite::{OptionalExtension as _, Row, TransactionBehavior, params};

use super::{StateDb, StateError};
use crate::hit::{MailingId, Second, SiteName};
use crate::keys::{KeyId, LinkKey};
use crate::limits;

/// A mailing.
#[derive(Clone)]
pub struct Mailing {
    /// Its id.
    pub id: MailingId,
    /// The site that it belongs to.
    pub site: SiteName,
    /// What it is called.
    pub name: String,
    /// The `utm_campaign` of the visits that come from it.
    pub campaign: String,
    /// In token mode: why its recipients may be told apart.
    pub consent: Option<String>,
    /// Hosts that its links may lead to, besides the site's.
    pub hosts: Vec<String>,
    /// The bytes of the key that its URLs are made with.
    pub link_key: [u8; 32],
    /// How many it was sent to.
    pub sent: u64,
    /// When it was first sent.
    pub first_sent: Option<Second>,
    /// When it was made.
    pub created: Second,
    /// Until when it is counted.
    pub counts_until: Second,
    /// Until when its links lead somewhere.
    pub links_until: Second,
    /// The key of its recipients, in token mode.
    pub key: Option<KeyState>,
}

/// What became of the key of a mailing's recipients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// Its name.
    pub id: KeyId,
    /// When it was destroyed; none: it lives.
    pub destroyed: Option<Second>,
    /// Whether somebody asked for that; if not, its time was over.
    pub shredded: bool,
}

/// One link of a mailing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// Where it leads.
    pub destination: String,
    /// What it says.
    pub label: String,
    /// Whether it is for passing the mailing on.
    pub share: bool,
}

impl Mailing {
    /// The hosts that its links may lead to: the site's own, and those that were allowed.
    #[must_use]
    pub fn allowed(&self) -> Vec<String> {
        let host = self.site.as_str().split(['/', ':']).next().unwrap_or_default();
        let own = [host.to_owned(), format!("*.{host}")];
        own.into_iter().chain(self.hosts.iter().cloned()).collect()
    }

    /// Whether its recipients can be told apart.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.key.is_some()
    }

    /// What makes its URLs.
    #[must_use]
    pub fn links(&self) -> LinkKey {
        LinkKey::from_bytes(self.link_key)
    }
}

const COLUMNS: &str = "id, site, name, campaign, consent, hosts, link_key, sent, first_sent_at, \
                       created_at, counts_until, links_until, key_id, key_destroyed_at, shredded";

fn mailing(row: &Row<'_>) -> rusqlite::Result<Mailing> {
    let (id, site, hosts): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(5)?);
    let key: Option<i64> = row.get(12)?;
    let (destroyed, shredded): (Option<i64>, bool) = (row.get(13)?, row.get(14)?);
    Ok(Mailing {
        id: MailingId::parse(&id).ok_or(rusqlite::Error::InvalidQuery)?,
        site: SiteName::from_stored(&site),
        name: row.get(2)?,
        campaign: row.get(3)?,
        consent: row.get(4)?,
        hosts: hosts.split_ascii_whitespace().map(str::to_owned).collect(),
        link_key: row.get(6)?,
        sent: u64::try_from(row.get::<_, i64>(7)?).unwrap_or(0),
        first_sent: row.get::<_, Option<i64>>(8)?.map(Second),
        created: Second(row.get(9)?),
        counts_until: Second(row.get(10)?),
        links_until: Second(row.get(11)?),
        key: key.map(|id| KeyState {
            id: KeyId(id.cast_unsigned()),
            destroyed: destroyed.map(Second),
            shredded,
        }),
    })
}

impl StateDb {
    /// Keeps a new mailing.
    pub fn add_mailing(&self, it: &Mailing) -> Result<(), StateError> {
        let sql = format!(
            "INSERT INTO mailings ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, NULL, 0)"
        );
        self.connection().execute(
            &sql,
            params![
                it.id.as_str(),
                it.site.as_str(),
                it.name,
                it.campaign,
                it.consent,
                it.hosts.join(" "),
                it.link_key,
                i64::try_from(it.sent).unwrap_or(i64::MAX),
                it.first_sent.map(|at| at.0),
                it.created.0,
                it.counts_until.0,
                it.links_until.0,
                it.key.as_ref().map(|key| key.id.0.cast_signed()),
            ],
        )?;
        Ok(())
    }

    /// Every mailing, the newest first.
    pub fn mailings(&self) -> Result<Vec<Mailing>, StateError> {
        let connection = self.connection();
        let sql = format!("SELECT {COLUMNS} FROM mailings ORDER BY created_at DESC, id");
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_map([], mailing)?.collect::<Result<_, _>>()?)
    }

    /// The mailing of an id.
    pub fn mailing(&self, id: MailingId) -> Result<Option<Mailing>, StateError> {
        let connection = self.connection();
        let sql = format!("SELECT {COLUMNS} FROM mailings WHERE id = ?1");
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_row([id.as_str()], mailing).optional()?)
    }

    /// A mailing's links, by their numbers.
    pub fn mailing_links(&self, id: MailingId) -> Result<Vec<(u16, NewLink)>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT number, destination, label, share FROM mailing_links WHERE mailing = ?1
             ORDER BY number",
        )?;
        let links = statement.query_map([id.as_str()], |row| {
            let link = NewLink { destination: row.get(1)?, label: row.get(2)?, share: row.get(3)? };
            Ok((row.get(0)?, link))
        })?;
        Ok(links.collect::<Result<_, _>>()?)
    }

    /// Adds the links that a mailing does not have yet, and says the number of each. None: it would
    /// have too many.
    pub fn add_mailing_links(
        &self,
        id: MailingId,
        links: &[NewLink],
    ) -> Result<Option<Vec<u16>>, StateError> {
        let mut connection = self.connection();
        let change = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut numbers = Vec::with_capacity(links.len());
        for NewLink { destination, label, share } in links {
            let found: Option<u16> = change
                .query_row(
                    "SELECT number FROM mailing_links
                     WHERE mailing = ?1 AND destination = ?2 AND share = ?3",
                    params![id.as_str(), destination, share],
                    |row| row.get(0),
                )
                .optional()?;
            let number = if let Some(number) = found {
                number
            } else {
                let next: u16 = change.query_row(
                    "SELECT coalesce(max(number), 0) + 1 FROM mailing_links WHERE mailing = ?1",
                    [id.as_str()],
                    |row| row.get(0),
                )?;
                if next > limits::MAILING_LINKS_MAX {
                    return Ok(None);
                }
                change.execute(
                    "INSERT INTO mailing_links (mailing, number, destination, label, share)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![id.as_str(), next, destination, label, share],
                )?;
                next
            };
            numbers.push(number);
        }
        change.commit()?;
        Ok(Some(numbers))
    }

    /// A mailing was sent to `count` more; the first time, its time of counting begins: it lasts
    /// until `counts_until` then.
    pub fn mailing_sent(
        &self,
        id: MailingId,
        count: u64,
        at: Second,
        counts_until: Second,
    ) -> Result<(), StateError> {
        self.connection().execute(
            "UPDATE mailings SET sent = sent + ?2,
                counts_until = CASE WHEN first_sent_at IS NULL THEN min(counts_until, ?4)
                                    ELSE counts_until END,
                first_sent_at = min(coalesce(first_sent_at, ?3), ?3)
             WHERE id = ?1",
            params![id.as_str(), i64::try_from(count).unwrap_or(i64::MAX), at.0, counts_until.0],
        )?;
        Ok(())
    }

    /// A mailing is counted no more, since somebody asked for it: its key is to be destroyed.
    pub fn shred_mailing(&self, id: MailingId, now: Second) -> Result<(), StateError> {
        self.connection().execute(
            "UPDATE mailings SET counts_until = min(counts_until, ?2), shredded = 1
             WHERE id = ?1 AND key_destroyed_at IS NULL",
            params![id.as_str(), now.0],
        )?;
        Ok(())
    }

    /// The receipt: a mailing's key is destroyed.
    pub fn mailing_key_destroyed(&self, id: MailingId, now: Second) -> Result<(), StateError> {
        self.connection().execute(
            "UPDATE mailings SET key_destroyed_at = ?2
             WHERE id = ?1 AND key_id IS NOT NULL AND key_destroyed_at IS NULL",
            params![id.as_str(), now.0],
        )?;
        Ok(())
    }
}
