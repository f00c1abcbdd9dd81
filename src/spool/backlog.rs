//! How many committed records may wait for the counter. It stands still for a moment when it hands
//! rows to the outbox, and for seconds after a start, while it reads its last checkpoint: commits go
//! on meanwhile.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Records that wait, and who waits for room.
pub(super) struct Backlog {
    waiting: Mutex<usize>,
    room: Condvar,
    most: usize,
}

/// A frame's place among those that wait: given back when it is dropped.
pub(super) struct Place {
    backlog: Arc<Backlog>,
    records: usize,
}

impl Backlog {
    /// With room for `most` records; one frame of more than that has room where none waits.
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::new(0), room: Condvar::new(), most })
    }

    /// A place for so many records; waits until there is one.
    pub(super) fn place(self: &Arc<Self>, records: usize) -> Place {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |waiting: &mut usize| *waiting > 0 && *waiting + records > self.most;
        let mut waiting =
            self.room.wait_while(waiting, full).unwrap_or_else(PoisonError::into_inner);
        *waiting += records;
        Place { backlog: Arc::clone(self), records }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.backlog.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        *waiting -= self.records;
        drop(waiting);
        self.backlog.room.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn what_does_not_fit_waits_until_something_goes_and_a_large_frame_goes_alone() {
        let backlog = Backlog::new(10);
        let first = backlog.place(6);
        let second = backlog.place(4);
        let (sender, places) = sync_channel(2);
        let large = Arc::clone(&backlog);
        let waits = std::thread::spawn(move || sender.send(large.place(25)).is_ok());
        drop(first);
        assert!(places.try_recv().is_err(), "four records still wait");
        drop(second);
        let third = places.recv().expect("there is room");
        assert!(waits.join().expect("it does not panic"));
        assert_eq!(*backlog.waiting.lock().expect("nobody panicked"), 25);
        drop(third);
        drop(backlog.place(10));
    }
}
