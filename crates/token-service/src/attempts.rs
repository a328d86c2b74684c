//! Slows down guessing: wrong answers are given later and later, right ones always at once. Nobody can be locked out by
//! somebody else's attempts.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use moka::future::Cache;
use scim_core::fold;
use sha2::{Digest, Sha256};

/// Those that are kept; the least frequent go first.
const CAPACITY: u64 = 10_000;
/// The longest delay of a wrong answer.
const LONGEST: Duration = Duration::from_secs(4);
/// Wrong answers beyond the free ones that are still counted, so that a flood is forgotten as soon as it has ended.
const MOST: u32 = 8;
/// Time between two pieces of news of the same one.
const SILENCE: Duration = Duration::from_secs(15 * 60);

/// How many wrong answers cost nothing.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// So many.
    pub free: u32,
    /// In so long. After this long without a wrong answer, all are forgotten.
    pub window: Duration,
}

/// What a wrong answer costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// There were more than the free ones.
    pub over: bool,
    /// It is given so much later.
    pub delay: Duration,
    /// It is the first one over the limit for a quarter of an hour: worth telling somebody.
    pub news: bool,
}

/// Wrong answers by whoever gave them (kept as digests); cheap to clone.
#[derive(Clone)]
pub struct Attempts {
    limit: Limit,
    kept: Cache<[u8; 32], Arc<Mutex<Debt>>>,
    told: Cache<[u8; 32], ()>,
}

/// Every wrong answer adds a step, which the time that passes takes away again.
struct Debt {
    left: Duration,
    at: Instant,
}

impl Attempts {
    /// Nobody has given a wrong answer yet.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        let idle = limit.window.max(SILENCE);
        Self {
            limit,
            kept: Cache::builder().max_capacity(CAPACITY).time_to_idle(idle).build(),
            told: Cache::builder().max_capacity(CAPACITY).time_to_live(SILENCE).build(),
        }
    }

    /// Counts a wrong answer of somebody: an address, a user name, an e-mail address, compared without case.
    pub async fn failed(&self, who: &str, now: Instant) -> Cost {
        let key = key(who);
        let new = async { Arc::new(Mutex::new(Debt { left: Duration::ZERO, at: now })) };
        let debt = self.kept.get_with(key, new).await;
        let count = self.limit.count(&mut debt.lock().unwrap_or_else(PoisonError::into_inner), now);
        match count.checked_sub(self.limit.free + 1) {
            None => Cost::default(),
            Some(doublings) => Cost {
                over: true,
                delay: Duration::from_millis(500 << doublings.min(4)).min(LONGEST),
                news: self.told.entry(key).or_insert(()).await.is_fresh(),
            },
        }
    }

    /// Forgets the wrong answers of somebody after a right one.
    pub async fn succeeded(&self, who: &str) {
        self.kept.invalidate(&key(who)).await;
    }
}

impl Limit {
    /// The wrong answers that count now, with this one.
    fn count(self, debt: &mut Debt, now: Instant) -> u32 {
        let step = self.window / self.free.max(1);
        let passed = now.saturating_duration_since(debt.at);
        let left = if passed >= self.window { Duration::ZERO } else { debt.left.saturating_sub(passed) };
        debt.left = (left + step).min(step * (self.free + MOST));
        debt.at = debt.at.max(now);
        u32::try_from(debt.left.as_nanos().div_ceil(step.as_nanos().max(1))).unwrap_or(u32::MAX)
    }
}

fn key(who: &str) -> [u8; 32] {
    Sha256::digest(fold(who).as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(15 * 60);

    fn attempts() -> Attempts {
        Attempts::new(Limit { free: 3, window: WINDOW })
    }

    #[tokio::test]
    async fn wrong_answers_become_slower_and_a_right_one_forgets_them() {
        let attempts = attempts();
        let now = Instant::now();
        let mut delays = Vec::new();
        for _ in 0..9 {
            delays.push(attempts.failed("a@b", now).await.delay.as_millis());
        }
        assert_eq!(delays, [0, 0, 0, 500, 1000, 2000, 4000, 4000, 4000]);
        assert_eq!(attempts.failed("other@b", now).await, Cost::default());
        assert_eq!(attempts.failed("A@B", now).await.delay, LONGEST, "compared without case");
        attempts.succeeded("a@b").await;
        assert_eq!(attempts.failed("a@b", now).await, Cost::default());
    }

    #[tokio::test]
    async fn time_forgets_one_after_the_other() {
        let attempts = attempts();
        let now = Instant::now();
        for _ in 0..50 {
            attempts.failed("a@b", now).await;
        }
        // A third of the window takes one away, and this one is added.
        assert!(attempts.failed("a@b", now + WINDOW / 3).await.over);
        for third in 2..8 {
            attempts.failed("a@b", now + WINDOW / 3 * third).await;
        }
        assert!(attempts.failed("a@b", now + WINDOW * 3).await.over, "as many as are forgotten");
        assert!(!attempts.failed("a@b", now + WINDOW * 4).await.over, "a pause forgets all");
        // Whoever stays below the rate is never slowed down.
        for number in 0..50 {
            assert!(!attempts.failed("slow@b", now + WINDOW / 3 * number).await.over);
        }
    }

    #[tokio::test]
    async fn it_is_news_once() {
        let attempts = attempts();
        let now = Instant::now();
        let mut news = 0;
        for _ in 0..40 {
            news += usize::from(attempts.failed("a@b", now).await.news);
        }
        assert_eq!(news, 1);
    }

    #[tokio::test]
    async fn strangers_take_bounded_room() {
        let attempts = attempts();
        let now = Instant::now();
        for number in 0..CAPACITY + 500 {
            attempts.failed(&number.to_string(), now).await;
        }
        attempts.kept.run_pending_tasks().await;
        assert!(attempts.kept.entry_count() <= CAPACITY);
    }
}
