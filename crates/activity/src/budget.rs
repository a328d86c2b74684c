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

use crate::Outline;

/// Requests of one kind and tenant that are logged a second, when they go on and on.
const OF_KIND: NonZeroU32 = NonZeroU32::new(10).unwrap();
/// Those that are logged before that begins to count: a set-up, an import of a clinic.
const KIND_AT_ONCE: NonZeroU32 = NonZeroU32::new(300).unwrap();
/// Requests of all tenants that are logged a second, and at once.
const OF_ALL: NonZeroU32 = NonZeroU32::new(200).unwrap();
const ALL_AT_ONCE: NonZeroU32 = NonZeroU32::new(4_000).unwrap();

/// KiB of bodies of one kind and tenant that are logged a second, and at once; of other requests the log has the size. A
/// request is some two KiB, a page of a list a hundred, and all of it has to be read for what is secret.
const KIB_OF_KIND: NonZeroU32 = NonZeroU32::new(64).unwrap();
const KIB_AT_ONCE: NonZeroU32 = NonZeroU32::new(4_096).unwrap();

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
    bodies: OfKinds<C>,
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
        let of_bodies = Quota::per_second(KIB_OF_KIND).allow_burst(KIB_AT_ONCE);
        let of_all = Quota::per_second(OF_ALL).allow_burst(ALL_AT_ONCE);
        Self {
            kinds: RateLimiter::hashmap_with_clock(of_kind, clock.clone()),
            bodies: RateLimiter::hashmap_with_clock(of_bodies, clock.clone()),
            all: RateLimiter::direct_with_clock(of_all, clock),
            asked: AtomicU32::new(0),
        }
    }

    /// Is there room for this request in the log?
    pub(crate) fn has_room_for(&self, request: &Outline<'_>) -> bool {
        if self.asked.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            for kinds in [&self.kinds, &self.bodies] {
                kinds.retain_recent();
                kinds.shrink_to_fit();
            }
        }
        self.kinds.check_key(&Kind::of(request)).is_ok() && self.all.check().is_ok()
    }

    /// Is there room for so many bytes of bodies of this request, too?
    pub(crate) fn has_room_for_bodies(&self, request: &Outline<'_>, bytes: usize) -> bool {
        let kib = u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX);
        // More than there ever is room for is refused by the outer result.
        NonZeroU32::new(kib)
            .is_none_or(|kib| matches!(self.bodies.check_key_n(&Kind::of(request), kib), Ok(Ok(()))))
    }
}

impl Kind {
    fn of(request: &Outline<'_>) -> Self {
        Self {
            tenant: request.tenant,
            route: request.route,
            method: match request.method {
                "GET" => Method::Get,
                "POST" => Method::Post,
                "PUT" => Method::Put,
                "PATCH" => Method::Patch,
                "DELETE" => Method::Delete,
                _ => Method::Other,
            },
            failed: !request.is_success(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn request(tenant: TenantId, method: &'static str, route: &'static str, status: u16) -> Outline<'static> {
        Outline { tenant, at: 0, duration: Duration::ZERO, method, route, status }
    }

    fn taken(budget: &Budget<FakeRelativeClock>, request: &Outline<'_>) -> usize {
        (0..5_000).filter(|_| budget.has_room_for(request)).count()
    }

    #[test]
    fn a_flood_of_one_kind_hides_no_other() {
        let clock = FakeRelativeClock::default();
        let budget = Budget::with_clock(clock.clone());
        let [acme, beta] = [TenantId::generate(), TenantId::generate()];
        assert_eq!(taken(&budget, &request(acme, "GET", "/Users", 200)), 300);
        for other in [
            request(acme, "GET", "/Users", 400),
            request(acme, "POST", "/Users", 201),
            request(acme, "GET", "/Groups", 200),
            request(beta, "GET", "/Users", 200),
        ] {
            assert!(budget.has_room_for(&other));
        }
        clock.advance(Duration::from_secs(1));
        assert_eq!(taken(&budget, &request(acme, "GET", "/Users", 200)), 10);
    }

    #[test]
    fn large_bodies_of_a_flood_are_left_out() {
        let clock = FakeRelativeClock::default();
        let budget = Budget::with_clock(clock.clone());
        let page = request(TenantId::generate(), "GET", "/Users", 200);
        let taken = || (0..1_000).filter(|_| budget.has_room_for_bodies(&page, 128 * 1024)).count();
        assert_eq!(taken(), 32);
        assert!(budget.has_room_for_bodies(&page, 0), "what has no body needs no room");
        clock.advance(Duration::from_secs(4));
        assert_eq!(taken(), 2);
        let created = request(page.tenant, "POST", "/Users", 201);
        assert_eq!((0..300).filter(|_| budget.has_room_for_bodies(&created, 4_000)).count(), 300);
        assert!(!budget.has_room_for_bodies(&created, usize::MAX));
    }

    #[test]
    fn all_together_have_a_bound() {
        let clock = FakeRelativeClock::default();
        let budget = Budget::with_clock(clock.clone());
        let taken_by = |tenants: usize| -> usize {
            (0..tenants).map(|_| taken(&budget, &request(TenantId::generate(), "GET", "/Users", 200))).sum()
        };
        assert_eq!(taken_by(20), 4_000);
        clock.advance(Duration::from_secs(1));
        assert_eq!(taken_by(3), 200);
    }
}
