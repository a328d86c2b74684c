//! A whole service over a fresh database.

use axum::Router;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use provisioning::{Provisioner, TenantDirectory};
use scim_api::ScimState;
use secrecy::ExposeSecret as _;
use store::{
    Actor, ActorKind, ChangeContext, Store, TenantScope, UserId,
    keys::KeyState,
    tenants::{NewTenant, TenantSettings, TenantStatus},
};
use store_testing::TestStore;
use token_service::{IssuedBasic, MasterKey, NewBasic, NewToken, TokenService, Vault};

use crate::client::Client;

/// Host of the public URL.
pub(crate) const SHARED_HOST: &str = "scim.example.com";
/// DOMAIN of the tenants' own hosts.
const DOMAIN: &str = "tenants.example.net";
pub(crate) const BOTH_SCOPES: &str = "scim:read scim:write";
const YEAR: i64 = 365 * 24 * 3_600_000;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) tokens: TokenService,
    pub(crate) state: ScimState,
    pub(crate) app: Router,
    /// Keeps the database alive, and sets the clock.
    database: TestStore,
}

pub(crate) fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Cli, id: String::new(), name: "test".into() },
        cause: "test".into(),
    }
}

/// What guards the keys of every world.
fn master_key() -> MasterKey {
    MasterKey::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a key")
}

/// `Authorization` of a user name and a password (RFC 7617).
pub(crate) fn basic_header(username: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{username}:{password}")))
}

impl World {
    pub(crate) async fn on_sqlite() -> Self {
        Self::over(store_testing::sqlite().await).await
    }

    pub(crate) async fn on_postgres() -> Self {
        Self::over(store_testing::postgres().await).await
    }

    async fn over(database: TestStore) -> Self {
        let store = database.store();
        let state = Self::node(&store).await;
        let app = scim_api::service(state.clone(), Router::new());
        Self { store, tokens: state.tokens.clone(), state, app, database }
    }

    /// What a node works with.
    async fn node(store: &Store) -> ScimState {
        let tokens = TokenService::open(store.clone(), master_key()).await.expect("tokens");
        ScimState {
            admission: admission::Admission::default(),
            provisioner: Provisioner::new(store.clone()),
            tenants: TenantDirectory::new(store.clone()),
            tokens,
            public_url: format!("https://{SHARED_HOST}").parse().expect("a URL"),
            tenant_domain: Some(DOMAIN.into()),
            rate_limit: None,
            trusted_proxies: Default::default(),
            journal: Default::default(),
        }
    }

    /// The service of another node on the same database.
    pub(crate) async fn another_node(&self) -> Router {
        scim_api::service(Self::node(&self.database.another().await).await, Router::new())
    }

    /// The id, the public and the private half (PKCS #8) of the key that signs.
    pub(crate) async fn signing_key(&self) -> (String, Vec<u8>, Vec<u8>) {
        let vault = Vault::unlock(&self.store, &master_key()).await.expect("a vault");
        let rows = self.store.platform().signing_keys().await.expect("keys");
        let row = rows.into_iter().find(|row| row.state == KeyState::Active).expect("an active key");
        let private = vault.open(&row.sealed, &format!("signing-key:{}", row.kid)).expect("opened");
        (row.kid, row.public_key, private.to_vec())
    }

    /// Moves the clock by so many milliseconds.
    pub(crate) fn advance(&self, milliseconds: i64) {
        self.database.advance(milliseconds);
    }

    /// A new active tenant with the general profile, and a client that holds a token of it.
    pub(crate) async fn tenant(&self, slug: &str) -> Client {
        self.tenant_of("generic", slug).await
    }

    /// Likewise with another profile.
    pub(crate) async fn tenant_of(&self, profile: &str, slug: &str) -> Client {
        self.bare_tenant(profile, slug).await;
        self.client(slug, BOTH_SCOPES).await
    }

    /// A new active tenant that keeps to the letter of the protocol.
    pub(crate) async fn strict_tenant(&self, slug: &str) -> Client {
        self.state.tenants.create(slug, None, "generic", "strict", true, &context()).await.expect("a tenant");
        self.client(slug, BOTH_SCOPES).await
    }

    /// A new active tenant with a profile of its own.
    pub(crate) async fn tenant_with(&self, profile: &str, slug: &str) -> Client {
        let new = NewTenant {
            slug: slug.into(),
            name: slug.into(),
            profile_name: "own".into(),
            profile: profile.into(),
            compatibility: "lenient".into(),
            activate: true,
        };
        self.store.platform().create_tenant(&new, &context()).await.expect("a tenant");
        self.client(slug, BOTH_SCOPES).await
    }

    /// How many events wait to be delivered.
    pub(crate) async fn events(&self, client: &Client) -> usize {
        self.scope(client).await.outbox(10_000).await.expect("outbox").len()
    }

    /// A client of an existing tenant with a new token of these scopes, at the tenant's path address.
    pub(crate) async fn client(&self, slug: &str, scope: &str) -> Client {
        self.client_of(slug, scope, None).await
    }

    /// Likewise with a token that is bound to the user of this id.
    pub(crate) async fn personal_client(&self, slug: &str, scope: &str, user: &str) -> Client {
        self.client_of(slug, scope, Some(user.parse().expect("an id"))).await
    }

    async fn client_of(&self, slug: &str, scope: &str, user: Option<UserId>) -> Client {
        let tenant = self.state.tenants.by_slug(slug).await.expect("a look-up").expect("a tenant");
        let name = format!("token {}", store::CredentialId::generate());
        let new = NewToken {
            name,
            scope: scope.into(),
            expires_at: self.store.now() + YEAR,
            user,
            allowed_from: Default::default(),
        };
        let issued = self.tokens.issue(tenant.id(), new, &context()).await.expect("a token");
        Client {
            app: self.app.clone(),
            host: SHARED_HOST.into(),
            base: format!("/t/{slug}/scim/v2"),
            authorization: Some(format!("Bearer {}", issued.token.expose_secret())),
        }
    }

    /// A user name of an existing tenant with a generated password.
    pub(crate) async fn basic(&self, slug: &str, username: &str, expires_at: Option<i64>) -> IssuedBasic {
        let tenant = self.state.tenants.by_slug(slug).await.expect("a look-up").expect("a tenant");
        let new = NewBasic {
            username: username.into(),
            name: None,
            scope: BOTH_SCOPES.into(),
            expires_at,
            allowed_from: Default::default(),
        };
        self.tokens.create_basic(tenant.id(), new, &context()).await.expect("a user name")
    }

    /// A client of an existing tenant that signs in with a new user name, at the tenant's path address.
    pub(crate) async fn basic_client(&self, slug: &str, username: &str) -> Client {
        let made = self.basic(slug, username, None).await;
        Client {
            app: self.app.clone(),
            host: SHARED_HOST.into(),
            base: format!("/t/{slug}/scim/v2"),
            authorization: Some(basic_header(username, made.password.expose_secret())),
        }
    }

    /// A new active tenant without any credential.
    pub(crate) async fn bare_tenant(&self, profile: &str, slug: &str) {
        let tenants = &self.state.tenants;
        tenants.create(slug, None, profile, "lenient", true, &context()).await.expect("a tenant");
    }

    /// The store's view of the tenant of a client at a path address.
    pub(crate) async fn scope(&self, client: &Client) -> TenantScope {
        let slug = client.base.split('/').nth(2).expect("a path address");
        let tenant = self.state.tenants.by_slug(slug).await.expect("a look-up").expect("a tenant");
        self.store.tenant(tenant.id())
    }

    /// So many users of a client's tenant, made past the server; their ids in order.
    pub(crate) async fn many_users(&self, client: &Client, count: i64) -> Vec<String> {
        self.database.many_users(self.scope(client).await.id(), count).await
    }

    pub(crate) async fn set_status(&self, client: &Client, status: TenantStatus) {
        let tenant = self.scope(client).await.id();
        let changed = self.store.platform().configure_tenant(tenant, &status.into(), &context()).await;
        assert!(changed.expect("a change"));
    }

    /// Gives a client's tenant a limit of requests of its own, or takes it away.
    pub(crate) async fn rate_limit(&self, client: &Client, per_second: Option<i32>) {
        let tenant = self.scope(client).await.id();
        let settings = TenantSettings { rate_limit: Some(per_second), ..TenantSettings::default() };
        let changed = self.store.platform().configure_tenant(tenant, &settings, &context()).await;
        assert!(changed.expect("a change"));
    }

    /// Revokes the credential of a client.
    pub(crate) async fn revoke(&self, client: &Client) {
        let header = client.authorization.as_deref().expect("a credential");
        let presented = token_service::authorization::parse(header).expect("a token");
        let principal = self.tokens.verify(&presented).await.expect("valid");
        let revoked = self.tokens.revoke(principal.tenant, principal.credential, &context()).await;
        assert!(revoked.expect("a change"));
    }
}
