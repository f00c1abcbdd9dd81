//! Rows of one table while they add up: found by a hash of ids, and not by their texts.

use hashbrown::HashTable;

/// Rows, each once for the hash and ids that it is found by.
pub(super) struct Pending<I, K, C> {
    index: HashTable<u32>,
    rows: Vec<Row<I, K, C>>,
}

struct Row<I, K, C> {
    hash: u64,
    ids: I,
    key: K,
    counters: C,
}

impl<I, K, C> Default for Pending<I, K, C> {
    fn default() -> Self {
        Self { index: HashTable::new(), rows: Vec::new() }
    }
}

impl<I: PartialEq, K, C: Default> Pending<I, K, C> {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The counters of the row that is found by `hash`, `ids` and `same`; made by `key` where it is
    /// not there.
    pub(super) fn row(
        &mut self,
        (hash, ids): (u64, I),
        same: impl Fn(&K) -> bool,
        key: impl FnOnce() -> K,
    ) -> &mut C {
        let Self { index, rows } = self;
        let is_it = |at: &u32| {
            let row = &rows[*at as usize];
            row.ids == ids && same(&row.key)
        };
        let at = if let Some(at) = index.find(hash, is_it) {
            *at as usize
        } else {
            let at = u32::try_from(rows.len()).expect("rows leave long before");
            rows.push(Row { hash, ids, key: key(), counters: C::default() });
            index.insert_unique(hash, at, |at| rows[*at as usize].hash);
            at as usize
        };
        &mut rows[at].counters
    }

    /// The rows, in the order in which they were made. Those of two ids may have the same key.
    pub(super) fn into_rows(self) -> impl Iterator<Item = (K, C)> {
        self.rows.into_iter().map(|row| (row.key, row.counters))
    }
}
