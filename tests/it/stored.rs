//! What a stopped collector left behind: the records of its spool, the rows in ClickHouse.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use headcount::app::DataFolder;
use headcount::count::Rows;
use headcount::hit::{Record, SystemClock};
use headcount::keys::Keys;
use headcount::spool::{Durability, Lsn, Spool, SpoolConfig};

/// Every record that the spool still holds.
pub(crate) fn spool_records(data: &Path) -> BTreeMap<Lsn, Record> {
    let folder = DataFolder::open(data).expect("a data folder");
    let keys = Arc::new(Keys::kernel(folder.installation()).expect("the kernel's keyring"));
    let config = SpoolConfig {
        dir: data.join("spool"),
        durability: Durability::Process,
        segment_bytes: 1 << 25,
        max_bytes: 1 << 32,
    };
    let (spool, recovery) = Spool::open(config, keys, Arc::new(SystemClock)).expect("a spool");
    assert_eq!(recovery.bad_frames, 0, "kill -9 damages nothing");
    let mut records = BTreeMap::new();
    spool
        .replay(recovery.first, &mut |lsn, record| {
            records.insert(lsn, record);
        })
        .expect("it replays");
    records
}
