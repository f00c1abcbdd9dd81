//! The collector's clock: the machine's, and so many seconds. The kernel's timers and the engine go
//! by the machine's.

use std::fs;
use std::path::{Path, PathBuf};

use headcount::hit::{Clock as _, SystemClock};

/// The sites' time zones, and when their midnights are in UTC: an hour from each other, and never
/// moved by a daylight saving time.
pub(super) const ZONES: [&str; 2] = ["Africa/Lagos", "Africa/Abidjan"];
const MIDNIGHTS_S: [i64; 2] = [23 * 3600, 0];

const DAY_S: i64 = 24 * 3600;

/// How long after its day's end a key dies.
const KEY_OUTLIVES_S: i64 = 30 * 60;

pub(super) struct FakeClock {
    library: PathBuf,
    file: PathBuf,
    ahead_s: i64,
}

impl FakeClock {
    /// Ten minutes before the next midnight. The file that says so stands in `folder`.
    pub(super) fn start(library: PathBuf, folder: &Path) -> Self {
        let mut clock = Self { library, file: folder.join("clock"), ahead_s: 0 };
        let before = next_midnight(SystemClock.now().0) - 600;
        clock.set(before);
        clock
    }

    /// The environment of a program that goes by it.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        vec![
            ("LD_PRELOAD".into(), path(&self.library)),
            ("FAKETIME_TIMESTAMP_FILE".into(), path(&self.file)),
            ("FAKETIME_NO_CACHE".into(), "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC".into(), "1".into()),
        ]
    }

    pub(super) fn now(&self) -> i64 {
        SystemClock.now().0 + self.ahead_s
    }

    pub(super) fn set(&mut self, to: i64) {
        self.ahead_s = to - SystemClock.now().0;
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{:+}s\n", self.ahead_s)).expect("the folder is writable");
        fs::rename(&new, &self.file).expect("the folder is writable");
    }

    /// Where a step of `by_s` leads: not where a key's death is near, which is to come by a step and
    /// not by itself; not further back than a little before the last midnight, where a day that has
    /// begun would be one of the future.
    pub(super) fn after_step(&self, by_s: i64) -> i64 {
        let (now, to) = (self.now(), self.now() + by_s);
        if by_s < 0 {
            return to.max(last_midnight(now) - 20 * 60);
        }
        let near = midnights(now).find(|m| (m + 600..=m + KEY_OUTLIVES_S).contains(&to));
        near.map_or(to, |midnight| midnight + KEY_OUTLIVES_S + 1)
    }

    /// The next moment at which a key is dead.
    pub(super) fn after_death(&self) -> i64 {
        let now = self.now();
        let deaths = midnights(now).map(|midnight| midnight + KEY_OUTLIVES_S + 1);
        deaths.filter(|death| *death > now).min().expect("one comes")
    }

    /// So many seconds after the next midnight.
    pub(super) fn after_midnight(&self, seconds: i64) -> i64 {
        next_midnight(self.now()) + seconds
    }

    /// Whether a key dies on the way to `to`.
    pub(super) fn kills_a_key(&self, to: i64) -> bool {
        let now = self.now();
        midnights(now).map(|m| m + KEY_OUTLIVES_S).any(|death| now < death && death <= to)
    }
}

/// Every midnight around `at`.
fn midnights(at: i64) -> impl Iterator<Item = i64> {
    let day = at.div_euclid(DAY_S);
    (day - 1..=day + 2).flat_map(|day| MIDNIGHTS_S.map(|midnight| day * DAY_S + midnight))
}

fn next_midnight(at: i64) -> i64 {
    midnights(at).filter(|midnight| *midnight > at).min().expect("one comes")
}

fn last_midnight(at: i64) -> i64 {
    midnights(at).filter(|midnight| *midnight <= at).max().expect("one was")
}

/// The library that fakes it, where Debian puts it.
pub(super) fn library() -> Option<PathBuf> {
    let mut folders = vec![PathBuf::from("/usr/lib"), PathBuf::from("/usr/local/lib")];
    let inner = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(Result::ok);
    folders.extend(inner.map(|entry| entry.path()));
    let found = folders.into_iter().map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    found.into_iter().find(|path| path.is_file())
}
