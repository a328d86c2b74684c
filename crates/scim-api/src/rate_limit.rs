//! How many requests a tenant may send to this node.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
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

/// A bucket for each tenant, which holds the requests of one second and fills up again at that rate.
pub(crate) struct RateLimit<C: Clock = MonotonicClock> {
    tenants: RateLimiter<TenantId, HashMapStateStore<TenantId>, C, NoOpMiddleware<C::Instant>>,
    clock: C,
    per_second: NonZeroU32,
    requests: AtomicU32,
}

impl RateLimit {
    /// So many requests a second.
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self::with_clock(per_second, MonotonicClock)
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    fn with_clock(per_second: NonZeroU32, clock: C) -> Self {
        let tenants = RateLimiter::hashmap_with_clock(Quota::per_second(per_second), clock.clone());
        Self { tenants, clock, per_second, requests: AtomicU32::new(0) }
    }

    /// Counts a request; 429 with `Retry-After` when it is one too many.
    pub(crate) fn check(&self, tenant: TenantId, request_id: &str) -> Result<(), Box<Response>> {
        self.take(tenant).map_err(|wait| Box::new(refusal(self.per_second, wait, request_id)))
    }

    /// Counts a request, or gives the time until one would be taken.
    fn take(&self, tenant: TenantId) -> Result<(), Duration> {
        if self.requests.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.tenants.retain_recent();
            self.tenants.shrink_to_fit();
        }
        self.tenants.check_key(&tenant).map_err(|until| until.wait_time_from(self.clock.now()))
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

    fn limit(per_second: u32) -> (RateLimit<FakeRelativeClock>, FakeRelativeClock) {
        let clock = FakeRelativeClock::default();
        (RateLimit::with_clock(NonZeroU32::new(per_second).expect("not 0"), clock.clone()), clock)
    }

    /// How many of 100 requests are taken.
    fn taken(limit: &RateLimit<FakeRelativeClock>, tenant: TenantId) -> usize {
        (0..100).filter(|_| limit.take(tenant).is_ok()).count()
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
        assert!(limit.tenants.len() <= FORGET_EVERY as usize + 1000, "{}", limit.tenants.len());
        let acme = TenantId::generate();
        let _ = taken(&limit, acme);
        limit.tenants.retain_recent();
        assert!(limit.take(acme).is_err(), "and nobody else");
    }
}
