//! How much of a flood is logged: enough of each kind to see what happens, and never so much that those who are served
//! wait for the log.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, MonotonicClock},
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed, keyed::HashMapStateStore},
};
use store::TenantId;

use crate::Exchange;

/// Requests of one kind and tenant that are logged a second, when they go on and on.
const OF_KIND: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Those that are logged before that begins to count: a set-up, an import of a clinic.
const KIND_AT_ONCE: NonZeroU32 = NonZeroU32::new(300).unwrap();
/// Requests of all tenants that are logged a second, and at once.
const OF_ALL: NonZeroU32 = NonZeroU32::new(200).unwrap();
const ALL_AT_ONCE: NonZeroU32 = NonZeroU32::new(4_000).unwrap();

/// Requests after which kinds that have been quiet are forgotten.
const FORGET_EVERY: u32 = 4_096;

/// What counts together: the look-ups of a tenant, its creations, its failures at one endpoint, …
#[derive(Clone, PartialEq, Eq, Hash)]
struct Kind {
    tenant: TenantId,
    route: &'static str,
    method: Method,
    failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Other,
}

type OfKinds<C> = RateLimiter<Kind, HashMapStateStore<Kind>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// See the module.
pub(crate) struct Budget<C: Clock = MonotonicClock> {
    kinds: OfKinds<C>,
    all: RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<C::Instant>>,
    asked: AtomicU32,
}

impl Default for Budget {
    fn default() -> Self {
        Self::with_clock(MonotonicClock)
    }
}

impl<C: Clock + Clone> Budget<C> {
    fn with_clock(clock: C) -> Self {
        let of_kind = Quota::per_second(OF_KIND).allow_burst(KIND_AT_ONCE);
        let of_all = Quota::per_second(OF_ALL).allow_burst(ALL_AT_ONCE);
        Self {
            kinds: RateLimiter::hashmap_with_clock(of_kind, clock.clone()),
            all: RateLimiter::direct_with_clock(of_all, clock),
            asked: AtomicU32::new(0),
        }
    }

    /// Is there room for this request in the log?
    pub(crate) fn has_room_for(&self, exchange: &Exchange) -> bool {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.kinds.retain_recent();
            self.kinds.shrink_to_fit();
        }
        self.kinds.check_key(&Kind::of(exchange)).is_ok() && self.all.check().is_ok()
    }
}

impl Kind {
    fn of(exchange: &Exchange) -> Self {
        Self {
            tenant: exchange.tenant,
            route: exchange.route,
            method: match exchange.method.as_str() {
                "GET" => Method::Get,
                "POST" => Method::Post,
                "PUT" => Method::Put,
                "PATCH" => Method::Patch,
                "DELETE" => Method::Delete,
                _ => Method::Other,
            },
            failed: !exchange.is_success(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use governor::clock::FakeRelativeClock;
    use scim_core::profile::Profile;
    use store::CredentialId;

    use super::*;
    use crate::Payload;

    fn exchange(tenant: TenantId, method: &str, route: &'static str, status: u16) -> Exchange {
        Exchange {
            tenant,
            profile: Arc::new(
                Profile::from_toml(Profile::builtin("generic").expect("there")).expect("valid"),
            ),
            at: 0,
            duration: Duration::ZERO,
            request_id: String::new(),
            credential: CredentialId::generate(),
            credential_name: String::new(),
            method: method.to_owned(),
            route,
            id: String::new(),
            path: String::new(),
            query: None,
            status,
            request: Payload::None,
            response: Payload::None,
        }
    }

    fn taken(budget: &Budget<FakeRelativeClock>, exchange: &Exchange) -> usize {
        (0..5_000).filter(|_| budget.has_room_for(exchange)).count()
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let clock = FakeRelativeClock::default();
        let budget = Budget::with_clock(clock.clone());
        let [acme, beta] = [TenantId::generate(), TenantId::generate()];
        assert_eq!(taken(&budget, &exchange(acme, "GET", "/Users", 200)), 300);
        for other in [
            exchange(acme, "GET", "/Users", 400),
            exchange(acme, "POST", "/Users", 201),
            exchange(acme, "GET", "/Groups", 200),
            exchange(beta, "GET", "/Users", 200),
        ] {
            assert!(budget.has_room_for(&other));
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(taken(&budget, &exchange(acme, "GET", "/Users", 200)), 10);
    }

    #[test]
    fn all_together_have_a_bound() {
        let clock = FakeRelativeClock::default();
        let budget = Budget::with_clock(clock.clone());
        let taken_by = |tenants: usize| -> usize {
            (0..tenants).map(|_| taken(&budget, &exchange(TenantId::generate(), "GET", "/Users", 200))).sum()
        };
        assert_eq!(taken_by(20), 4_000);
        clock.advance(Duration::from_secs(1));
        assert_eq!(taken_by(3), 200);
    }
}
