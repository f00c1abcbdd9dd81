//! Tests of the keys, against the kernel that runs them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::day::encode;
use super::seal::Algorithm;
use super::*;
use crate::hit::{SiteName, VisitorId};

const NOW: Second = Second(1_700_000_000);
const TODAY: Day = Day(19_675);
const HOUR_S: i64 = 3600;

fn later(s: i64) -> Second {
    Second(NOW.0 + s)
}

fn parts<'a>(address: &'a [u8], agent: &'a [u8]) -> VisitorParts<'a> {
    VisitorParts { address, agent, language: b"de", device: b"" }
}

fn site(name: &str) -> SiteName {
    SiteName::parse(name).expect("a domain")
}

fn key(keys: &Keys, zone: &str, day: Day) -> Arc<DayKey> {
    keys.day_key(zone, day, NOW, later(25 * HOUR_S)).expect("a key can be drawn")
}

fn id(key: &DayKey, of: &str) -> VisitorId {
    key.site_key(&site(of)).visitor_id(&parts(&[192, 0, 2, 1], b"Mozilla/5.0"))
}

/// A day key of known bytes, for what must come out of them.
fn known_key(byte: u8) -> DayKey {
    let mut secret = day::Secret::default();
    secret.fill(byte);
    DayKey::of_earlier_run(secret, later(1))
}

fn encoded(parts: [&[u8]; 4]) -> Vec<u8> {
    let [address, agent, language, device] = parts;
    let mut bytes = Vec::new();
    encode(&VisitorParts { address, agent, language, device }, |it| bytes.extend_from_slice(it));
    bytes
}

mod ids {
    use super::*;

    proptest! {
        #[test]
        fn other_parts_are_other_bytes(
            a in any::<[Vec<u8>; 4]>(),
            b in any::<[Vec<u8>; 4]>(),
        ) {
            let bytes = |it: &[Vec<u8>; 4]| encoded(it.each_ref().map(Vec::as_slice));
            prop_assert_eq!(a == b, bytes(&a) == bytes(&b));
        }

        #[test]
        fn bytes_that_move_from_one_part_into_the_next_are_other_bytes(
            all in prop::collection::vec(any::<u8>(), 1..64),
            cuts in any::<[prop::sample::Index; 2]>(),
        ) {
            let [a, b] = cuts.map(|cut| all.split_at(cut.index(all.len() + 1)));
            let here = encoded([b"addr", a.0, a.1, b""]);
            let there = encoded([b"addr", b.0, b.1, b""]);
            prop_assert_eq!(a == b, here == there);
        }
    }

    #[test]
    fn the_same_visitor_has_one_id_on_one_site_and_day() {
        let keys = Keys::memory();
        let today = key(&keys, "UTC", TODAY);
        assert!(id(&today, "a.example") == id(&key(&keys, "UTC", TODAY), "a.example"));
        assert_eq!(today.id(), key(&keys, "UTC", TODAY).id());
    }

    #[test]
    fn another_site_day_zone_or_installation_gives_another_id() {
        let (here, there) = (Keys::memory(), Keys::memory());
        let ids = [
            id(&key(&here, "UTC", TODAY), "a.example"),
            id(&key(&here, "UTC", TODAY), "b.example"),
            id(&key(&here, "UTC", Day(TODAY.0 + 1)), "a.example"),
            id(&key(&here, "Europe/Berlin", TODAY), "a.example"),
            id(&key(&there, "UTC", TODAY), "a.example"),
        ];
        assert_eq!(ids.into_iter().collect::<HashSet<_>>().len(), ids.len());
    }

    #[test]
    fn every_part_makes_a_difference() {
        let site_key = known_key(1).site_key(&site("a.example"));
        let same = [b"addr".as_slice(), b"agent", b"lang", b"device"];
        let ids = (0..5).map(|n| {
            let mut it = same;
            if let Some(part) = it.get_mut(n) {
                *part = b"other";
            }
            let [address, agent, language, device] = it;
            site_key.visitor_id(&VisitorParts { address, agent, language, device })
        });
        assert_eq!(ids.collect::<HashSet<_>>().len(), 5);
    }

    /// A restart into a new version keeps the day's uniques, so the derivation may not change.
    /// The figures come from another implementation.
    #[test]
    fn ids_are_made_as_the_design_says() {
        assert_eq!(id(&known_key(7), "a.example").to_raw(), 0x3418_5290_7e39_844c);
        assert_eq!(known_key(7).id(), KeyId(0xf7b8_e58b_57c7_aa97));
    }

    #[test]
    fn a_keys_name_tells_no_byte_of_it() {
        let key = known_key(7);
        assert_ne!(key.id().0.to_le_bytes(), [7; 8]);
        assert_ne!(key.id(), known_key(8).id());
    }
}

mod lives {
    use super::*;

    #[test]
    fn a_key_is_found_by_its_id_until_it_is_destroyed() {
        let keys = Keys::memory();
        let [today, other] = ["UTC", "Europe/Berlin"].map(|zone| key(&keys, zone, TODAY).id());
        assert!(keys.find(today).is_some());
        assert!(keys.find(KeyId(today.0 ^ 1)).is_none());
        assert_eq!(keys.destroy_due(later(25 * HOUR_S - 1)), []);
        let mut destroyed = keys.destroy_due(later(25 * HOUR_S));
        destroyed.sort_unstable();
        let mut both = [today, other];
        both.sort_unstable();
        assert_eq!(destroyed, both);
        assert!(keys.find(today).is_none() && keys.find(other).is_none());
        assert_eq!(keys.destroy_due(later(25 * HOUR_S)), []);
    }

    #[test]
    fn no_key_lives_longer_than_26_hours_whatever_was_asked_for() {
        let keys = Keys::memory();
        let drawn = keys.day_key("UTC", TODAY, NOW, later(1000 * HOUR_S)).expect("a key");
        assert_eq!(drawn.dies_at(), later(26 * HOUR_S));
        assert_eq!(keys.destroy_due(later(26 * HOUR_S - 1)), []);
        assert_eq!(keys.destroy_due(later(26 * HOUR_S)), [drawn.id()]);
    }

    #[test]
    fn a_dead_key_is_not_given_out_even_before_it_is_destroyed() {
        let keys = Keys::memory();
        let dead = key(&keys, "UTC", TODAY).id();
        let now = later(25 * HOUR_S);
        assert!(keys.living_key("UTC", TODAY, now).is_none());
        let fresh = keys.day_key("UTC", TODAY, now, later(26 * HOUR_S)).expect("a key");
        assert_ne!(fresh.id(), dead);
        assert!(keys.find(dead).is_none());
    }

    #[test]
    fn a_clock_that_steps_back_does_not_lengthen_a_life() {
        let keys = Keys::memory();
        let tomorrow = later(24 * HOUR_S);
        let drawn = keys.day_key("UTC", TODAY, tomorrow, later(48 * HOUR_S)).expect("a key").id();
        assert_eq!(keys.destroy_due(later(22 * HOUR_S)), [], "26 hours are left");
        assert_eq!(keys.destroy_due(later(22 * HOUR_S - 1)), [drawn]);
    }

    #[test]
    fn the_last_holder_is_the_only_one_once_a_key_is_destroyed() {
        let keys = Keys::memory();
        let held = Arc::downgrade(&key(&keys, "UTC", TODAY));
        assert!(held.upgrade().is_some());
        keys.destroy_due(later(26 * HOUR_S));
        assert!(held.upgrade().is_none());
    }
}

mod seals {
    use super::*;

    const ALGORITHMS: [Algorithm; 2] = [Algorithm::Aes256Gcm, Algorithm::ChaCha20Poly1305];
    const NONCE: [u8; 12] = [3; 12];

    fn sealed(key: &SealKey, plain: &[u8]) -> Vec<u8> {
        let mut bytes = plain.to_vec();
        key.seal(&NONCE, b"aad", &mut bytes);
        bytes
    }

    #[test]
    fn what_was_sealed_opens_on_a_machine_that_prefers_another_algorithm() {
        for plain in [b"".as_slice(), b"ids", &[0; 5000]] {
            for here in ALGORITHMS {
                let bytes = sealed(&SealKey::with(here, &[1; 32]), plain);
                assert_eq!(bytes.len(), plain.len() + SEAL_BYTES);
                for there in ALGORITHMS {
                    let opened = SealKey::with(there, &[1; 32]).open(&NONCE, b"aad", &bytes);
                    assert_eq!(opened.as_deref(), Some(plain));
                }
            }
        }
    }

    /// What is on disks now must open in every later version. The bytes come from another
    /// implementation.
    #[test]
    fn the_sealed_bytes_are_these() {
        let check = |algorithm: Algorithm, expected: &str| {
            let bytes = sealed(&SealKey::with(algorithm, &[1; 32]), b"ids");
            let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
            assert_eq!(hex, expected);
        };
        check(Algorithm::Aes256Gcm, "9b3f1b3e306fa232fb17fd62eac93b37f39d5301");
        check(Algorithm::ChaCha20Poly1305, "fb76b317b01ed8d4c4ad8af812a415d0588a8002");
    }

    #[test]
    fn another_key_nonce_or_context_opens_nothing() {
        for algorithm in ALGORITHMS {
            let key = SealKey::with(algorithm, &[1; 32]);
            let bytes = sealed(&key, b"ids");
            assert!(SealKey::from_bytes(&[2; 32]).open(&NONCE, b"aad", &bytes).is_none());
            assert!(key.open(&[4; 12], b"aad", &bytes).is_none());
            assert!(key.open(&NONCE, b"", &bytes).is_none());
        }
    }

    #[test]
    fn any_flipped_bit_and_any_cut_opens_nothing() {
        for algorithm in ALGORITHMS {
            let key = SealKey::with(algorithm, &[1; 32]);
            let whole = sealed(&key, b"ids");
            for at in 0..whole.len() * 8 {
                let mut bytes = whole.clone();
                bytes[at / 8] ^= 1 << (at % 8);
                assert!(key.open(&NONCE, b"aad", &bytes).is_none(), "bit {at}");
            }
            for cut in 0..whole.len() {
                assert!(key.open(&NONCE, b"aad", &whole[..cut]).is_none(), "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_days_seal_dies_with_its_key_and_is_not_another_days() {
        let keys = Keys::memory();
        let [today, tomorrow] = [TODAY, Day(TODAY.0 + 1)].map(|day| key(&keys, "UTC", day));
        let bytes = sealed(&today.seal_key(), b"ids");
        assert!(today.seal_key().open(&NONCE, b"aad", &bytes).is_some());
        assert!(tomorrow.seal_key().open(&NONCE, b"aad", &bytes).is_none());
    }
}

/// The real thing: these fail where the kernel has no keyring, since its promise is not kept there.
mod kernel {
    use super::*;

    /// An installation of its own, whose keys are taken out of the kernel when the test ends.
    struct Installation(String);

    impl Installation {
        fn new() -> Self {
            let mut bytes = [0; 8];
            getrandom::fill(&mut bytes).expect("random bytes");
            Self(format!("test-{:016x}", u64::from_le_bytes(bytes)))
        }

        fn run(&self) -> Keys {
            Keys::kernel(&self.0, NOW).expect("the kernel's keyring can be used")
        }
    }

    impl Drop for Installation {
        fn drop(&mut self) {
            if let Ok(keys) = Keys::kernel(&self.0, NOW) {
                keys.destroy_due(later(100 * HOUR_S));
            }
        }
    }

    fn until(what: &str, mut is: impl FnMut() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is() {
            assert!(Instant::now() < deadline, "waited for long that {what}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    #[test]
    fn the_next_run_finds_the_days_keys_and_another_installation_does_not() {
        let installation = Installation::new();
        let first = installation.run();
        assert_eq!((first.backend(), first.found()), (Backend::Kernel, 0));
        let drawn = key(&first, "Europe/Berlin", TODAY);
        assert!(!drawn.was_found());
        let visitor = id(&drawn, "a.example");
        drop(first);

        let next = installation.run();
        assert_eq!(next.found(), 1);
        assert!(next.find(drawn.id()).is_some(), "by its id, before anybody named its zone");
        let found = key(&next, "Europe/Berlin", TODAY);
        assert!(found.was_found());
        assert_eq!((found.id(), found.dies_at()), (drawn.id(), drawn.dies_at()));
        assert!(id(&found, "a.example") == visitor);

        let other = Installation::new().run();
        assert_eq!(other.found(), 0);
        assert!(other.find(drawn.id()).is_none());
        assert_ne!(key(&other, "Europe/Berlin", TODAY).id(), drawn.id());
        other.destroy_due(later(100 * HOUR_S));
    }

    #[test]
    fn a_destroyed_key_is_gone_from_the_kernel_too() {
        let installation = Installation::new();
        let keys = installation.run();
        let drawn = key(&keys, "UTC", TODAY).id();
        assert_eq!(installation.run().found(), 1);
        assert_eq!(keys.destroy_due(later(25 * HOUR_S)), [drawn]);
        assert_eq!(installation.run().found(), 0);
        assert_ne!(key(&keys, "UTC", TODAY).id(), drawn, "a dead key does not come back");
    }

    #[test]
    fn the_kernel_forgets_a_key_by_itself() {
        let installation = Installation::new();
        let keys = installation.run();
        let dies_soon = keys.day_key("UTC", TODAY, NOW, later(1)).expect("a key");
        let lives_on = key(&keys, "Asia/Kolkata", TODAY);
        // To these runs' clock no time passes: only the kernel's timeout can end the key.
        until("the kernel forgets the key", || installation.run().find(dies_soon.id()).is_none());
        assert!(installation.run().find(lives_on.id()).is_some());
    }

    #[test]
    fn a_dead_key_that_the_kernel_still_has_is_not_taken_up() {
        let installation = Installation::new();
        key(&installation.run(), "UTC", TODAY);
        let late = Keys::kernel(&installation.0, later(25 * HOUR_S)).expect("a keyring");
        assert_eq!(late.found(), 0);
        assert_eq!(installation.run().found(), 0, "it was destroyed when it was seen");
    }

    #[test]
    fn many_zones_and_days_are_found_again() {
        let installation = Installation::new();
        let keys = installation.run();
        let zones = ["UTC", "America/Argentina/Buenos_Aires", "Pacific/Kiritimati", "Etc/GMT+12"];
        let mut ids = Vec::new();
        for zone in zones {
            for day in [TODAY.0 - 1, TODAY.0] {
                ids.push(key(&keys, zone, Day(day)).id());
            }
        }
        let next = installation.run();
        assert_eq!(next.found(), ids.len());
        assert!(ids.iter().all(|id| next.find(*id).is_some()));
    }
    #[test]
    fn a_thread_that_is_older_than_the_keys_may_draw_one() {
        let installation = Installation::new();
        let (hand_over, take) = std::sync::mpsc::sync_channel::<Keys>(1);
        let older = std::thread::spawn(move || take.recv().map(|it| key(&it, "UTC", TODAY).id()));
        assert!(hand_over.send(installation.run()).is_ok());
        let drawn = older.join().expect("it does not panic").expect("it was handed the keys");
        assert!(installation.run().find(drawn).is_some());
    }

    /// An unprivileged user may hold 200 keys: run as one, this fills the quota.
    #[test]
    fn more_keys_than_the_kernel_takes_are_given_out_all_the_same() {
        let installation = Installation::new();
        let keys = installation.run();
        let zones = jiff::tz::db().available().take(110).map(|zone| zone.to_string());
        let mut ids = HashSet::new();
        for zone in zones {
            for day in [TODAY.0 - 1, TODAY.0] {
                let id = key(&keys, &zone, Day(day)).id();
                assert!(keys.find(id).is_some());
                ids.insert(id);
            }
        }
        assert_eq!(ids.len(), 220);
        let next = installation.run();
        assert!(next.found() > 0 && next.found() <= 220);
        assert_eq!(next.found(), ids.iter().filter(|id| next.find(**id).is_some()).count());
    }
}
