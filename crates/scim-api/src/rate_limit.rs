//! How many requests a tenant may send to this node.

use std::{
    collections::HashMap,
    num::NonZeroU32,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::response::Response;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use http::{HeaderValue, header};
use scim_core::ScimError;
use store::TenantId;

use crate::error_response;

/// Requests after which tenants that have been quiet for a second are forgotten: with those of one second, the most
/// that are kept.
const FORGET_EVERY: u32 = 4096;

/// Buckets of tenants with the same limit: each holds the requests of one second and fills up again at that rate.
type Buckets<C> =
    RateLimiter<TenantId, HashMapStateStore<TenantId>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A bucket for each tenant that has a limit, its own or that of the installation.
pub(crate) struct RateLimit<C: Clock = MonotonicClock> {
    /// By requests a second; there are as many as tenants with different limits.
    buckets: RwLock<HashMap<NonZeroU32, Arc<Buckets<C>>>>,
    /// Of tenants that have none of their own.
    usual: Option<NonZeroU32>,
    clock: C,
    requests: AtomicU32,
}

impl RateLimit {
    /// So many requests a second for tenants that have no limit of their own; `None`: as many as they like.
    pub(crate) fn new(usual: Option<NonZeroU32>) -> Self {
        Self::with_clock(usual, MonotonicClock)
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    fn with_clock(usual: Option<NonZeroU32>, clock: C) -> Self {
        Self { buckets: RwLock::default(), usual, clock, requests: AtomicU32::new(0) }
    }

    /// Counts a request; 429 with `Retry-After` when it is one too many. `own`: the tenant's own limit.
    pub(crate) fn check(
        &self,
        tenant: TenantId,
        own: Option<i32>,
        request_id: &str,
    ) -> Result<(), Box<Response>> {
        let own = own.and_then(|own| u32::try_from(own).ok()).and_then(NonZeroU32::new);
        let Some(per_second) = own.or(self.usual) else { return Ok(()) };
        self.take(tenant, per_second).map_err(|wait| Box::new(refusal(per_second, wait, request_id)))
    }

    /// Counts a request, or gives the time until one would be taken.
    fn take(&self, tenant: TenantId, per_second: NonZeroU32) -> Result<(), Duration> {
        if self.requests.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.forget();
        }
        let buckets = self.of(per_second);
        buckets.check_key(&tenant).map_err(|until| until.wait_time_from(self.clock.now()))
    }

    fn of(&self, per_second: NonZeroU32) -> Arc<Buckets<C>> {
        let known = self.buckets.read().unwrap_or_else(PoisonError::into_inner).get(&per_second).cloned();
        known.unwrap_or_else(|| {
            let mut all = self.buckets.write().unwrap_or_else(PoisonError::into_inner);
            let new = || {
                let quota = Quota::per_second(per_second);
                Arc::new(RateLimiter::hashmap_with_clock(quota, self.clock.clone()))
            };
            all.entry(per_second).or_insert_with(new).clone()
        })
    }

    /// Forgets tenants that have been quiet, and limits that nobody has any more.
    fn forget(&self) {
        self.buckets.write().unwrap_or_else(PoisonError::into_inner).retain(|_, buckets| {
            buckets.retain_recent();
            buckets.shrink_to_fit();
            !buckets.is_empty()
        });
    }
}

fn refusal(per_second: NonZeroU32, wait: Duration, request_id: &str) -> Response {
    let seconds = whole_seconds(wait);
    let detail = format!(
        "Too many requests: this tenant may send {per_second} a second. Nothing was done; send this one again after the \
         seconds in Retry-After ({seconds})."
    );
    let mut response = error_response(&ScimError::new(429, detail), Some(request_id));
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Rounded up, at least 1: `Retry-After` knows no fractions (RFC 9110 §10.2.3).
fn whole_seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    /// Of one limit.
    struct Limited {
        limit: RateLimit<FakeRelativeClock>,
        per_second: NonZeroU32,
    }

    impl Limited {
        fn take(&self, tenant: TenantId) -> Result<(), Duration> {
            self.limit.take(tenant, self.per_second)
        }
    }

    fn limit(per_second: u32) -> (Limited, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        let per_second = NonZeroU32::new(per_second).expect("not 0");
        (Limited { limit: RateLimit::with_clock(None, clock.clone()), per_second }, clock)
    }

    /// How many of 100 requests are taken.
    fn taken(limit: &Limited, tenant: TenantId) -> usize {
        (0..100).filter(|_| limit.take(tenant).is_ok()).count()
    }

    #[test]
    fn a_tenants_own_limit_comes_before_the_usual_one() {
        let usual = NonZeroU32::new(10);
        let limit = RateLimit::with_clock(usual, FakeRelativeClock::default());
        let of = |own| {
            let tenant = TenantId::generate();
            (0..100).filter(|_| limit.check(tenant, own, "1").is_ok()).count()
        };
        assert_eq!([None, Some(3), Some(50)].map(of), [10, 3, 50]);
        let without = RateLimit::with_clock(None, FakeRelativeClock::default());
        let acme = TenantId::generate();
        assert!((0..100).all(|_| without.check(acme, None, "1").is_ok()));
        assert_eq!((0..100).filter(|_| without.check(acme, Some(2), "1").is_ok()).count(), 2);
    }

    #[test]
    fn a_second_holds_so_many_requests_at_once_or_spread() {
        let (limit, clock) = limit(4);
        let [acme, beta] = [TenantId::generate(), TenantId::generate()];
        assert_eq!(taken(&limit, acme), 4);
        assert_eq!(limit.take(acme), Err(Duration::from_millis(250)));
        assert_eq!(taken(&limit, beta), 4, "each tenant has its own");
        clock.advance(Duration::from_millis(250));
        assert_eq!(taken(&limit, acme), 1);
        clock.advance(Duration::from_millis(750));
        assert_eq!(taken(&limit, acme), 3);
        clock.advance(Duration::from_secs(3600));
        assert_eq!(taken(&limit, acme), 4, "a quiet hour saves nothing up");
    }

    #[test]
    fn whoever_waits_as_told_is_let_in() {
        for per_second in [1, 3, 1000] {
            let (limit, clock) = limit(per_second);
            let acme = TenantId::generate();
            while limit.take(acme).is_ok() {}
            let wait = limit.take(acme).expect_err("too many");
            clock.advance(Duration::from_secs(whole_seconds(wait)));
            assert_eq!(limit.take(acme), Ok(()), "{per_second}");
        }
        assert_eq!(
            [0, 1, 1000, 1001].map(|millis| whole_seconds(Duration::from_millis(millis))),
            [1, 1, 1, 2]
        );
    }

    #[test]
    fn tenants_that_are_quiet_are_forgotten() {
        let (limit, clock) = limit(2);
        for _ in 0..FORGET_EVERY * 5 {
            assert_eq!(limit.take(TenantId::generate()), Ok(()));
            clock.advance(Duration::from_millis(1));
        }
        let kept = limit.limit.of(limit.per_second).len();
        assert!(kept <= FORGET_EVERY as usize + 1000, "{kept}");
        let acme = TenantId::generate();
        let _ = taken(&limit, acme);
        limit.limit.forget();
        assert!(limit.take(acme).is_err(), "and nobody else");
        clock.advance(Duration::from_secs(60));
        limit.limit.forget();
        assert_eq!(limit.limit.buckets.read().expect("no panic").len(), 0, "nor limits of nobody");
    }
}
