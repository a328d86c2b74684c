//! What a connection is at: who waits for whom, and since when.

use std::{
    sync::{
        LazyLock,
        atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// How long clients may take. What goes wrong with one of these costs the client its connection, and nobody else anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For the head of a request, from its first byte; for the first bytes of a body; for taking a piece of an answer.
    pub(crate) client: Duration,
    /// Without a request.
    pub(crate) idle: Duration,
}

/// Nothing has come since the last answer.
const IDLE: u8 = 0;
/// Part of a head has come.
const HEAD: u8 = 1;
/// A request is here, and its answer is not yet written.
const BUSY: u8 = 2;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

fn now() -> u64 {
    u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Shared by the parts of a connection.
#[derive(Default)]
pub(super) struct Life {
    phase: AtomicU8,
    /// Since when, in milliseconds of this process.
    since: AtomicU64,
    given_up: AtomicBool,
    is_told: Notify,
    late: AtomicBool,
}

impl Life {
    pub(super) fn new() -> Self {
        let life = Self::default();
        life.since.store(now(), Ordering::Relaxed);
        life
    }

    /// Bytes came.
    pub(super) fn heard(&self) {
        if self.phase.load(Ordering::Relaxed) == IDLE {
            self.since.store(now(), Ordering::Relaxed);
            self.phase.store(HEAD, Ordering::Release);
        }
    }

    /// A request is here.
    pub(super) fn begun(&self) {
        self.phase.store(BUSY, Ordering::Release);
    }

    /// Its answer is written.
    pub(super) fn answered(&self) {
        self.since.store(now(), Ordering::Relaxed);
        self.phase.store(IDLE, Ordering::Release);
    }

    /// Until when the client has to say more; `None` while it waits for us.
    pub(super) fn deadline(&self, patience: Patience) -> Option<Instant> {
        let longest = match self.phase.load(Ordering::Acquire) {
            IDLE => patience.idle,
            HEAD => patience.client,
            _ => return None,
        };
        Some(*START + Duration::from_millis(self.since.load(Ordering::Relaxed)) + longest)
    }

    /// Is part of a head here?
    pub(super) fn is_in_head(&self) -> bool {
        self.phase.load(Ordering::Acquire) == HEAD
    }

    /// Since when nothing is done here, if nothing has been for so long.
    pub(super) fn waits_since(&self, settled: Duration) -> Option<u64> {
        let since = self.since.load(Ordering::Relaxed);
        let settled = u64::try_from(settled.as_millis()).unwrap_or_default();
        let waits = self.phase.load(Ordering::Acquire) != BUSY && !self.is_given_up();
        (waits && since + settled <= now()).then_some(since)
    }

    /// Another needs its place.
    pub(super) fn give_up(&self) {
        self.given_up.store(true, Ordering::Release);
        self.is_told.notify_one();
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// Ends when another needs its place.
    pub(super) async fn told(&self) {
        self.is_told.notified().await;
    }

    /// The body of the request did not come in time.
    pub(super) fn is_late(&self) {
        self.late.store(true, Ordering::Release);
    }

    /// Did it not? Says so once.
    pub(super) fn take_late(&self) -> bool {
        self.late.load(Ordering::Acquire) && self.late.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { client: Duration::from_secs(10), idle: Duration::from_secs(75) };

    #[tokio::test]
    async fn a_connection_waits_is_spoken_to_and_works() {
        let (life, long, now) = (Life::new(), Duration::from_secs(60), Duration::ZERO);
        let left = |life: &Life| life.deadline(PATIENCE).map(|at| at - Instant::now());
        assert!(left(&life).is_some_and(|left| left > PATIENCE.client));
        life.heard();
        assert!(life.is_in_head());
        let first = life.deadline(PATIENCE).unwrap();
        assert!(left(&life).is_some_and(|left| left <= PATIENCE.client));
        tokio::time::sleep(Duration::from_millis(5)).await;
        life.heard();
        assert_eq!(life.deadline(PATIENCE), Some(first), "bytes that trickle in gain nothing");
        assert!(life.waits_since(now).is_some());
        life.begun();
        life.heard();
        assert_eq!((life.deadline(PATIENCE), life.waits_since(now)), (None, None), "now it waits for us");
        life.answered();
        assert!(left(&life).is_some_and(|left| left > PATIENCE.client));
        assert_eq!(life.waits_since(long), None, "the answer may still be on its way");
        assert!(life.waits_since(now).is_some());
        life.give_up();
        assert_eq!(life.waits_since(now), None, "once");
        life.told().await;
    }

    #[test]
    fn being_late_is_said_once() {
        let life = Life::new();
        assert!(!life.take_late());
        life.is_late();
        assert!(life.take_late());
        assert!(!life.take_late());
    }
}
