//! The last minutes of a site, exactly: who is there now, and page views a minute.

use crate::hit::{Hit, HitKind, Second};

/// Minutes that are remembered.
pub const MINUTES: usize = 30;

/// Seconds within which visitors can be asked for. A power of two.
const SECONDS: usize = 512;

/// For each of the last seconds, the visitors whose last hit was in it; for each of the last
/// minutes, its page views. A slot says which second or minute it is about; an older one is empty.
pub(super) struct Recent {
    seconds: Box<[(i64, u32); SECONDS]>,
    minutes: Box<[(i64, u32); MINUTES]>,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            seconds: Box::new([(i64::MIN, 0); SECONDS]),
            minutes: Box::new([(i64::MIN, 0); MINUTES]),
        }
    }
}

impl Recent {
    /// A hit was counted.
    pub(super) fn hit(&mut self, hit: &Hit) {
        if matches!(hit.kind, HitKind::Pageview) {
            self.viewed(hit.at.0.div_euclid(60), 1);
        }
    }

    /// `views` in a minute.
    pub(super) fn viewed(&mut self, minute: i64, views: u32) {
        add(&mut self.minutes[..], minute, views);
    }

    /// A visitor's last hit is now at `to`, and was at `from`.
    pub(super) fn moved(&mut self, from: Option<Second>, to: Second) {
        if let Some(from) = from {
            let slot = &mut self.seconds[place(from.0, SECONDS)];
            if slot.0 == from.0 {
                slot.1 = slot.1.saturating_sub(1);
            }
        }
        add(&mut self.seconds[..], to.0, 1);
    }

    pub(super) fn visitors(&self, now: Second, within_s: i64) -> u64 {
        let since = now.0.saturating_sub(within_s);
        let slots = self.seconds.iter().filter(|(second, _)| *second > since && *second <= now.0);
        slots.map(|(_, visitors)| u64::from(*visitors)).sum()
    }

    pub(super) fn minutes(&self, now: Second) -> [u32; MINUTES] {
        let last = now.0.div_euclid(60);
        let mut views = [0; MINUTES];
        for (minute, count) in &self.minutes[..] {
            let age = usize::try_from(last.saturating_sub(*minute)).unwrap_or(MINUTES);
            if age < MINUTES {
                views[MINUTES - 1 - age] = *count;
            }
        }
        views
    }

    /// Each remembered minute and its page views.
    pub(super) fn each_minute(&self) -> impl Iterator<Item = (i64, u32)> {
        self.minutes.iter().copied().filter(|(_, views)| *views > 0)
    }
}

/// Adds to the slot of `time`, unless a later time has it.
fn add(slots: &mut [(i64, u32)], time: i64, more: u32) {
    let slot = &mut slots[place(time, slots.len())];
    if slot.0 < time {
        *slot = (time, 0);
    }
    if slot.0 == time {
        slot.1 = slot.1.saturating_add(more);
    }
}

fn place(time: i64, slots: usize) -> usize {
    usize::try_from(time.rem_euclid(i64::try_from(slots).unwrap_or(i64::MAX))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_is_current_by_the_last_of_its_hits() {
        let mut recent = Recent::default();
        let at = Second(1_800_000_000);
        let after = |seconds: i64| Second(at.0 + seconds);
        recent.moved(None, at);
        recent.moved(None, after(10));
        assert_eq!(recent.visitors(after(20), 300), 2);
        recent.moved(Some(at), after(200));
        assert_eq!(recent.visitors(after(309), 300), 2);
        assert_eq!(recent.visitors(after(310), 300), 1);
        assert_eq!(recent.visitors(after(499), 300), 1);
        assert_eq!(recent.visitors(after(500), 300), 0);
        // The slot is another second's by now.
        recent.moved(None, after(200 + 512));
        recent.moved(Some(after(200)), after(200 + 513));
        assert_eq!(recent.visitors(after(800), 300), 2);
    }

    #[test]
    fn page_views_are_remembered_for_half_an_hour() {
        let mut recent = Recent::default();
        recent.viewed(1000, 3);
        recent.viewed(1001, 1);
        let views = recent.minutes(Second(1001 * 60 + 59));
        assert_eq!(views[MINUTES - 2..], [3, 1]);
        let views = recent.minutes(Second((1000 + 29) * 60));
        assert_eq!(views[..2], [3, 1]);
        let views = recent.minutes(Second((1000 + 30) * 60));
        assert_eq!(views[..2], [1, 0]);
        recent.viewed(1030, 7);
        assert_eq!(recent.minutes(Second(1030 * 60))[MINUTES - 1], 7);
        recent.viewed(1000, 1);
        assert_eq!(recent.minutes(Second(1030 * 60))[MINUTES - 1], 7);
    }
}
