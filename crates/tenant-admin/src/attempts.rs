//! Slows down guessing of passwords: a wrong answer is given later and later, a right one always at once. Nobody can
//! be locked out by somebody else's attempts.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use scim_core::fold;
use sha2::{Digest, Sha256};

/// Wrong answers that cost nothing: people mistype.
const FREE: u32 = 3;
/// The longest delay of a wrong answer.
const LONGEST: Duration = Duration::from_secs(4);
/// After this long without a wrong answer an address is forgotten.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// Most addresses kept; the oldest go first.
const CAPACITY: usize = 10_000;

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// Failed sign-ins by e-mail address (kept as digests); cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Attempts(Arc<Mutex<HashMap<[u8; 32], Failures>>>);

impl Attempts {
    /// Counts a wrong answer for an e-mail address and says how long to wait before giving it.
    pub(crate) fn failed(&self, email: &str, now: Instant) -> Duration {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= CAPACITY {
            kept.retain(|_, failures| now.saturating_duration_since(failures.last) < MEMORY);
        }
        if kept.len() >= CAPACITY
            && let Some(oldest) = kept.iter().min_by_key(|(_, failures)| failures.last).map(|(key, _)| *key)
        {
            kept.remove(&oldest);
        }
        let failures = kept.entry(key(email)).or_insert(Failures { count: 0, last: now });
        if now.saturating_duration_since(failures.last) >= MEMORY {
            failures.count = 0;
        }
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        delay(failures.count)
    }

    /// Forgets the wrong answers of an address after a right one.
    pub(crate) fn succeeded(&self, email: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&key(email));
    }
}

fn key(email: &str) -> [u8; 32] {
    Sha256::digest(fold(email).as_bytes()).into()
}

fn delay(count: u32) -> Duration {
    match count.checked_sub(FREE + 1) {
        None => Duration::ZERO,
        Some(doublings) => Duration::from_millis(500 << doublings.min(4)).min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_answers_become_slower_and_a_right_one_forgets_them() {
        let attempts = Attempts::default();
        let now = Instant::now();
        let delays: Vec<u128> = (0..9).map(|_| attempts.failed("a@b", now).as_millis()).collect();
        assert_eq!(delays, [0, 0, 0, 500, 1000, 2000, 4000, 4000, 4000]);
        assert_eq!(attempts.failed("other@b", now), Duration::ZERO);
        assert_eq!(attempts.failed("A@B", now), LONGEST, "addresses are compared without case");
        attempts.succeeded("a@b");
        assert_eq!(attempts.failed("a@b", now), Duration::ZERO);
    }

    #[test]
    fn old_attempts_and_the_oldest_address_are_forgotten() {
        let attempts = Attempts::default();
        let now = Instant::now();
        for _ in 0..9 {
            attempts.failed("a@b", now);
        }
        assert_eq!(attempts.failed("a@b", now + MEMORY), Duration::ZERO);
        for number in 0..CAPACITY + 10 {
            attempts.failed(&format!("{number}@b"), now + MEMORY);
        }
        assert!(attempts.0.lock().expect("lock").len() <= CAPACITY);
    }
}
