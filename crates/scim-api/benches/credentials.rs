//! What the check of a credential costs, and a whole `GET /Users/{id}` beside it (through all layers, but without a
//! socket): the share of the first in the second is what a caller pays for being known.
//!
//! `tests/run --services cargo bench -p scim-api --bench credentials`

#![allow(missing_docs, reason = "criterion's macros make public functions")]
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot be set up has failed")]

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use axum::{Router, body::Body};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use http::{Request, StatusCode, header};
use provisioning::{Provisioner, TenantDirectory};
use scim_api::ScimState;
use secrecy::ExposeSecret as _;
use store::{Actor, ActorKind, Backend, ChangeContext, TenantId};
use store_testing::TestStore;
use token_service::{MasterKey, NewBasic, NewToken, Presented, TokenService, authorization, scopes};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

/// Users of the tenant.
const USERS: i64 = 1000;
const DAY: i64 = 24 * 3_600_000;
/// Checks that are not from memory need a new credential each, made beforehand.
const SAMPLES: usize = 20;

static NAMES: AtomicUsize = AtomicUsize::new(0);

struct World {
    tokens: TokenService,
    app: Router,
    tenant: TenantId,
    user: String,
    database: TestStore,
}

fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Cli, id: String::new(), name: "bench".into() },
        cause: "bench".into(),
    }
}

fn name() -> String {
    format!("credential {}", NAMES.fetch_add(1, Ordering::Relaxed))
}

impl World {
    async fn on(backend: Backend) -> Self {
        let database = store_testing::on(backend).await;
        let store = database.store();
        let key = MasterKey::from_base64(&BASE64_STANDARD.encode([7; 32])).unwrap();
        let tokens = TokenService::open(store.clone(), key).await.unwrap();
        let tenants = TenantDirectory::new(store.clone());
        tenants.create("acme", None, "generic", "lenient", true, &context()).await.unwrap();
        let tenant = tenants.by_slug("acme").await.unwrap().unwrap().id();
        let user = database.many_users(tenant, USERS).await.remove(0);
        let state = ScimState {
            admission: admission::Admission::default(),
            provisioner: Provisioner::new(store),
            tenants,
            tokens: tokens.clone(),
            public_url: "https://scim.example.com".parse().unwrap(),
            tenant_domain: None,
            rate_limit: None,
            trusted_proxies: Default::default(),
            journal: Default::default(),
        };
        let app = scim_api::service(state, Router::new());
        Self { tokens, app, tenant, user, database }
    }

    /// `Authorization` of a new token.
    async fn bearer(&self) -> String {
        let new = NewToken {
            name: name(),
            scope: scopes::DEFAULT.into(),
            expires_at: self.database.now() + DAY,
            user: None,
            allowed_from: Default::default(),
        };
        let issued = self.tokens.issue(self.tenant, new, &context()).await.unwrap();
        format!("Bearer {}", issued.token.expose_secret())
    }

    /// `Authorization` of a new user name.
    async fn basic(&self) -> String {
        let new = NewBasic {
            username: name(),
            name: None,
            scope: scopes::DEFAULT.into(),
            expires_at: None,
            allowed_from: Default::default(),
        };
        let made = self.tokens.create_basic(self.tenant, new, &context()).await.unwrap();
        let plain = format!("{}:{}", made.credential.login.unwrap(), made.password.expose_secret());
        format!("Basic {}", BASE64_STANDARD.encode(plain))
    }

    async fn new_header(&self, kind: &str) -> String {
        if kind == "basic" { self.basic().await } else { self.bearer().await }
    }

    async fn verify(&self, presented: &Presented) {
        self.tokens.verify(presented).await.unwrap();
    }

    async fn get_user(&self, authorization: &str) {
        let request = Request::get(format!("/t/acme/scim/v2/Users/{}", self.user))
            .header(header::HOST, "scim.example.com")
            .header(header::AUTHORIZATION, authorization)
            .body(Body::empty())
            .unwrap();
        let answer = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    }
}

fn credentials(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let world = runtime.block_on(World::on(backend));
        let place = format!("{backend:?}").to_lowercase();
        let mut group = criterion.benchmark_group(format!("credentials on {place}"));
        for kind in ["bearer", "basic"] {
            let header = runtime.block_on(world.new_header(kind));
            group.bench_function(format!("{kind}, from memory"), |bencher| {
                bencher.to_async(&runtime).iter(|| async {
                    // Read from the header each time, as a request does.
                    world.verify(&authorization::parse(&header).unwrap()).await;
                });
            });
            group.bench_function(format!("GET of a user with {kind}"), |bencher| {
                bencher.to_async(&runtime).iter(|| world.get_user(&header));
            });
        }
        group.sampling_mode(SamplingMode::Flat).sample_size(10).warm_up_time(Duration::from_millis(1));
        group.measurement_time(Duration::from_millis(1));
        for kind in ["bearer", "basic"] {
            group.bench_function(format!("{kind}, for the first time"), |bencher| {
                bencher.to_async(&runtime).iter_custom(|iterations| first_times(&world, kind, iterations));
            });
        }
        group.finish();
    }
}

/// The time of so many checks that nothing is remembered of: of as many credentials, which are all made before.
async fn first_times(world: &World, kind: &str, iterations: u64) -> Duration {
    let mut taken = Duration::ZERO;
    let mut left = usize::try_from(iterations).unwrap();
    while left > 0 {
        let mut headers = Vec::new();
        for _ in 0..left.min(SAMPLES) {
            headers.push(authorization::parse(&world.new_header(kind).await).unwrap());
        }
        left -= headers.len();
        let started = Instant::now();
        for presented in &headers {
            world.verify(presented).await;
        }
        taken += started.elapsed();
    }
    taken
}

criterion_group!(benches, credentials);
criterion_main!(benches);
