//! What was sent and how long it took, by kind of request.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};

use super::KindReport;
use crate::client::Provider;

/// Significant digits of a latency.
const DIGITS: u8 = 3;

/// A kind of request, in the order of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    CreateUser,
    CreateGroup,
    LookUp,
    Get,
    Update,
    Activate,
    Member,
    ReadBack,
    DeleteGroup,
    DeleteUser,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::CreateUser,
        Self::CreateGroup,
        Self::LookUp,
        Self::Get,
        Self::Update,
        Self::Activate,
        Self::Member,
        Self::ReadBack,
        Self::DeleteGroup,
        Self::DeleteUser,
    ];

    /// The kinds of the load proper.
    pub(super) const OF_THE_LOAD: [Self; 5] =
        [Self::LookUp, Self::Get, Self::Update, Self::Activate, Self::Member];

    fn name(self, provider: Provider) -> &'static str {
        match (self, provider) {
            (Self::CreateUser, _) => "POST user",
            (Self::CreateGroup, _) => "POST group",
            (Self::LookUp, _) => "look up by userName",
            (Self::Get, _) => "GET user",
            (Self::Update, Provider::Okta) => "PUT user",
            (Self::Update, Provider::Entra) => "PATCH user",
            (Self::Activate, _) => "PATCH active",
            (Self::Member, _) => "PATCH group member",
            (Self::ReadBack, _) => "read back",
            (Self::DeleteGroup, _) => "DELETE group",
            (Self::DeleteUser, _) => "DELETE user",
        }
    }
}

/// One kind's requests.
#[derive(Clone)]
struct Count {
    /// Microseconds of each answer.
    micros: Histogram<u64>,
    requests: u64,
    errors: u64,
    first: Option<String>,
    spent: Duration,
}

/// All kinds' requests; players have one each, so that none waits for another.
pub(super) struct Tally(Mutex<Vec<Count>>);

impl Tally {
    pub(super) fn new() -> Result<Self, CreationError> {
        let micros = Histogram::new(DIGITS)?;
        let count = Count { micros, requests: 0, errors: 0, first: None, spent: Duration::ZERO };
        Ok(Self(Mutex::new(vec![count; Kind::ALL.len()])))
    }

    fn counts(&self) -> MutexGuard<'_, Vec<Count>> {
        // Only counts are behind the lock: a panic elsewhere cannot leave them half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An empty one.
    pub(super) fn like(&self) -> Self {
        let mut counts = self.counts().clone();
        for count in &mut counts {
            count.clear();
        }
        Self(Mutex::new(counts))
    }

    /// A request and how long its answer took.
    pub(super) fn sent(&self, kind: Kind, took: Duration) {
        let count = &mut self.counts()[kind as usize];
        count.requests += 1;
        // The table grows with what it holds: nothing is too long for it.
        let _ = count.micros.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// A request that failed, or whose answer is wrong. It was counted as sent.
    pub(super) fn failed(&self, kind: Kind, what: impl FnOnce() -> String) {
        let count = &mut self.counts()[kind as usize];
        count.errors += 1;
        count.first.get_or_insert_with(what);
    }

    /// Adds a player's counts and empties them.
    pub(super) fn absorb(&self, other: &mut Self) {
        let others = other.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        for (count, other) in self.counts().iter_mut().zip(others) {
            // Both grow by themselves, so one holds what the other does.
            if count.micros.add(&other.micros).is_err() {
                tracing::warn!("latencies beyond what can be counted are left out");
            }
            count.requests += other.requests;
            count.errors += other.errors;
            count.first = count.first.take().or_else(|| other.first.take());
            other.clear();
        }
    }

    /// So long were requests of these kinds sent.
    pub(super) fn spent(&self, kinds: &[Kind], time: Duration) {
        for kind in kinds {
            self.counts()[*kind as usize].spent = time;
        }
    }

    pub(super) fn errors(&self) -> u64 {
        self.counts().iter().map(|count| count.errors).sum()
    }

    pub(super) fn requests(&self, kinds: &[Kind]) -> u64 {
        let counts = self.counts();
        kinds.iter().map(|kind| counts[*kind as usize].requests).sum()
    }

    /// The kinds that were sent.
    pub(super) fn report(&self, provider: Provider) -> Vec<KindReport> {
        let counts = self.counts();
        let all = Kind::ALL.into_iter().zip(counts.iter());
        all.filter(|(_, count)| count.requests > 0)
            .map(|(kind, count)| count.report(kind.name(provider)))
            .collect()
    }
}

impl Count {
    fn clear(&mut self) {
        self.micros.reset();
        (self.requests, self.errors, self.first, self.spent) = (0, 0, None, Duration::ZERO);
    }

    fn report(&self, kind: &'static str) -> KindReport {
        let millis = |micros: u64| micros as f64 / 1e3;
        let quantile = |q: f64| millis(self.micros.value_at_quantile(q));
        let seconds = self.spent.as_secs_f64();
        KindReport {
            kind,
            requests: self.requests,
            per_second: if seconds > 0.0 { self.requests as f64 / seconds } else { 0.0 },
            p50_ms: quantile(0.5),
            p95_ms: quantile(0.95),
            p99_ms: quantile(0.99),
            max_ms: millis(self.micros.max()),
            errors: self.errors,
            first_error: self.first.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn players_counts_add_up() {
        let all = Tally::new().unwrap();
        let mut players = [all.like(), all.like()];
        for player in &players {
            for millis in 1..=100 {
                player.sent(Kind::Get, Duration::from_millis(millis));
            }
            player.failed(Kind::Get, || "GET /Users/7: 500".into());
        }
        for player in &mut players {
            all.absorb(player);
            assert_eq!(player.requests(&[Kind::Get]), 0);
        }
        all.spent(&Kind::OF_THE_LOAD, Duration::from_secs(2));
        let report = all.report(Provider::Okta);
        let [get] = &report[..] else { panic!("only one kind was sent: {report:?}") };
        assert_eq!((get.kind, get.requests, get.errors), ("GET user", 200, 2));
        assert_eq!(get.first_error.as_deref(), Some("GET /Users/7: 500"));
        assert!((get.per_second - 100.0).abs() < 1e-9);
        for (found, expected) in
            [(get.p50_ms, 50.0), (get.p95_ms, 95.0), (get.p99_ms, 99.0), (get.max_ms, 100.0)]
        {
            assert!((found - expected).abs() < 0.1, "{found} {expected}");
        }
    }
}
