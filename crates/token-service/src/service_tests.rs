//! The token service on each database.

use secrecy::ExposeSecret;
use store::{Actor, ActorKind, tenants::NewTenant};
use store_testing::{TestStore, on_both};

use super::*;
use crate::Presented;

pub(crate) const DAY: i64 = 86_400_000;

pub(crate) fn context() -> ChangeContext {
    ChangeContext {
        actor: Actor { kind: ActorKind::Admin, id: "admin".into(), name: "ada@example.com".into() },
        cause: "request".into(),
    }
}

pub(crate) fn new_token(name: &str, expires_at: i64) -> NewToken {
    NewToken {
        name: name.into(),
        scope: scopes::DEFAULT.into(),
        expires_at,
        user: None,
        allowed_from: Default::default(),
    }
}

pub(crate) fn bearer(token: &SecretString) -> Presented {
    Presented::Bearer(token.expose_secret().into())
}

pub(crate) async fn make_tenant(store: &Store, slug: &str) -> TenantId {
    let new = NewTenant {
        slug: slug.into(),
        name: slug.into(),
        profile_name: "generic".into(),
        profile: "name = \"generic\"".into(),
        compatibility: "lenient".into(),
        activate: true,
    };
    store.platform().create_tenant(&new, &context()).await.expect("a tenant").id
}

pub(crate) async fn make_user(store: &Store, tenant: TenantId) -> UserId {
    let document = serde_json::json!({"userName": "ann@example.com"});
    let document = document.as_object().expect("an object").clone();
    let state = store::users::UserState::new(&scim_core::ResourceType::user(), document);
    store.tenant(tenant).create_user(&state, &context()).await.expect("a user").id
}

pub(crate) fn master_key(byte: u8) -> MasterKey {
    let text = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, [byte; 32]);
    MasterKey::from_base64(&text).expect("a master key")
}

/// A service on a fresh database, and a tenant.
pub(crate) struct World<'a> {
    pub(crate) store: &'a TestStore,
    pub(crate) service: TokenService,
    pub(crate) tenant: TenantId,
}

impl<'a> World<'a> {
    pub(crate) async fn new(store: &'a TestStore) -> Self {
        let service = TokenService::open(store.store(), master_key(1)).await.expect("opened");
        Self { store, service, tenant: make_tenant(store, "acme").await }
    }

    /// A service with a store of its own on the same database.
    pub(crate) async fn another_node(&self) -> TokenService {
        TokenService::open(self.store.another().await, master_key(1)).await.expect("opened")
    }

    pub(crate) async fn issue(&self, name: &str) -> Issued {
        let new = new_token(name, self.store.now() + DAY);
        self.service.issue(self.tenant, new, &context()).await.expect("issued")
    }

    pub(crate) async fn verify(&self, token: &SecretString) -> Result<Principal, Refusal> {
        self.service.verify(&bearer(token)).await
    }

    /// A token with a good signature that was never issued.
    pub(crate) async fn forge(&self, tenant: TenantId, id: Uuid) -> SecretString {
        let inner = &self.service.inner;
        let claims = Claims {
            iss: inner.installation,
            aud: inner.installation,
            sub: id,
            jti: id,
            tenant: Some(tenant.0),
            iat: self.store.now() / 1000,
            nbf: None,
            exp: (self.store.now() + DAY) / 1000,
            scope: scopes::DEFAULT.into(),
        };
        inner.keys.sign(&claims).await.expect("signed").token.into()
    }
}

on_both! {
    async fn a_token_is_bound_to_a_user_of_its_tenant(store: TestStore) {
        let world = &World::new(&store).await;
        let other = make_tenant(&store, "other").await;
        let (ann, stranger) = (make_user(&store, world.tenant).await, make_user(&store, other).await);
        let now = store.now();
        let issue = async |user| {
            let new = NewToken { user: Some(user), ..new_token(&format!("for {user}"), now + DAY) };
            world.service.issue(world.tenant, new, &context()).await
        };
        for nobody in [UserId::generate(), stranger] {
            assert!(matches!(issue(nobody).await, Err(IssueError::Unfit(text)) if text.starts_with("user: ")));
        }
        let issued = issue(ann).await.expect("issued");
        assert_eq!(issued.credential.user, Some(ann));
        for node in [&world.service, &world.another_node().await] {
            assert_eq!(node.verify(&bearer(&issued.token)).await.expect("accepted").user, Some(ann));
        }
        assert!(store.tenant(world.tenant).purge_user(ann, None, &context()).await.expect("purged"));
        let principal = world.another_node().await.verify(&bearer(&issued.token)).await.expect("accepted");
        assert_eq!(principal.user, Some(ann), "it never becomes the tenant's own");
    }

    async fn an_issued_token_says_who_calls(store: TestStore) {
        let world = &World::new(&store).await;
        let issued = world.issue(" Okta ").await;
        let token = issued.token.expose_secret();
        assert!(token.starts_with("rcl_ey"), "the prefix and a JWT");
        assert!(token.ends_with(&issued.credential.hint) && issued.credential.hint.len() == 4);
        assert!(!token.contains("http"));
        let principal = world.verify(&issued.token).await.expect("accepted");
        assert_eq!((principal.tenant, principal.name.as_str()), (world.tenant, "Okta"));
        assert!(principal.may(scopes::SCIM_WRITE) && !principal.may("scim:") && !principal.may("platform"));
        assert_eq!(world.verify(&issued.token).await.expect("from memory"), principal);
        assert_eq!(principal.user, None);

        let listed = world.service.list(world.tenant).await.expect("a list");
        assert_eq!(listed, [issued.credential]);
        assert_eq!(listed[0].created_by, "ada@example.com");
        let expires_at = listed[0].expires_at.expect("an end");
        assert_eq!(expires_at % 1000, 0, "a whole second");
        assert!((DAY - 60_000..=DAY).contains(&(expires_at - listed[0].created_at)), "{expires_at}");
    }

    async fn a_revoked_token_is_refused_by_the_next_request(store: TestStore) {
        let world = &World::new(&store).await;
        let (mine, other) = (world.issue("mine").await, world.issue("other").await);
        world.verify(&mine.token).await.expect("accepted, and now in memory");
        let id = mine.credential.id;
        let elsewhere = make_tenant(&store, "elsewhere").await;
        assert!(!world.service.revoke(elsewhere, id, &context()).await.expect("asked"), "another tenant's");
        world.verify(&mine.token).await.expect("still accepted");
        assert!(world.service.revoke(world.tenant, id, &context()).await.expect("revoked"));
        assert!(matches!(world.verify(&mine.token).await, Err(Refusal::Revoked)));
        assert!(!world.service.revoke(world.tenant, id, &context()).await.expect("asked"), "twice");
        world.verify(&other.token).await.expect("not touched");
        // The name is free again; the new token is another one.
        let again = world.issue("mine").await;
        world.verify(&again.token).await.expect("accepted");
        assert!(matches!(world.verify(&mine.token).await, Err(Refusal::Revoked)));
    }

    async fn a_revocation_reaches_another_node_within_a_second(store: TestStore) {
        let world = &World::new(&store).await;
        let other = world.another_node().await;
        let issued = world.issue("Okta").await;
        other.verify(&bearer(&issued.token)).await.expect("accepted by a node that did not issue it");
        assert!(world.service.revoke(world.tenant, issued.credential.id, &context()).await.expect("revoked"));
        let refused = async {
            while other.verify(&bearer(&issued.token)).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(1500), refused).await.expect("refused in time");
    }

    async fn a_token_ends_with_its_second(store: TestStore) {
        let world = &World::new(&store).await;
        let issued = world.issue("Okta").await;
        world.verify(&issued.token).await.expect("accepted");
        let left = issued.credential.expires_at.expect("an end") - store.now();
        store.advance(left - 60_000);
        world.verify(&issued.token).await.expect("the last minute");
        store.advance(60_000);
        assert!(matches!(world.verify(&issued.token).await, Err(Refusal::Expired)), "also from memory");
        let another = world.another_node().await;
        assert!(matches!(another.verify(&bearer(&issued.token)).await, Err(Refusal::Expired)));
    }

    async fn a_good_signature_is_not_enough(store: TestStore) {
        let world = &World::new(&store).await;
        let issued = world.issue("Okta").await;
        let elsewhere = make_tenant(&store, "elsewhere").await;
        let id = issued.credential.id.0;
        world.verify(&world.forge(world.tenant, id).await).await.expect("the row is active");
        for forged in [
            world.forge(elsewhere, id).await,
            world.forge(world.tenant, CredentialId::generate().0).await,
            world.forge(TenantId::generate(), id).await,
        ] {
            assert!(matches!(world.verify(&forged).await, Err(Refusal::Unknown)));
        }
        for foreign in ["", "rcl_", "non-token", "rcl_a.b.c"] {
            assert!(matches!(world.verify(&foreign.into()).await, Err(Refusal::Foreign)), "{foreign:?}");
        }
        let basic = Presented::Basic { username: "u".into(), password: "p".into() };
        assert!(matches!(world.service.verify(&basic).await, Err(Refusal::WrongPassword)));
    }

    async fn what_does_not_fit_is_said_to_the_person(store: TestStore) {
        let world = &World::new(&store).await;
        let now = store.now();
        let issue = async |new: NewToken| match world.service.issue(world.tenant, new, &context()).await {
            Err(IssueError::Unfit(text) | IssueError::Taken(text)) => text,
            Err(other) => panic!("{other}"),
            Ok(_) => String::new(),
        };
        assert_eq!(issue(new_token("taken", now + DAY)).await, "");
        assert_eq!(issue(new_token("long", now + 3653 * DAY)).await, "");
        let scope = |scope: &str| NewToken { scope: scope.into(), ..new_token("scoped", now + DAY) };
        for (text, field) in [
            (issue(new_token("taken", now + DAY)).await, "name: "),
            (issue(new_token(" ", now + DAY)).await, "name: "),
            (issue(new_token(&"x".repeat(101), now + DAY)).await, "name: "),
            (issue(new_token("two\nlines", now + DAY)).await, "name: "),
            (issue(scope("")).await, "scope: "),
            (issue(scope("platform")).await, "scope: "),
            (issue(new_token("past", now - DAY)).await, "expiry: "),
            (issue(new_token("now", now)).await, "expiry: "),
            (issue(new_token("far", now + 3653 * DAY + 600_000)).await, "expiry: "),
            (issue(new_token("never", i64::MAX)).await, "expiry: "),
            (issue(new_token("minus", i64::MIN)).await, "expiry: "),
        ] {
            assert!(text.starts_with(field), "{field}: {text:?}");
        }
        assert_eq!(world.service.list(world.tenant).await.expect("a list").len(), 2);
    }

    async fn nodes_that_start_at_once_share_their_keys(store: TestStore) {
        let world = &World::new(&store).await;
        let nodes = futures::future::join_all((0..4).map(|_| world.another_node())).await;
        assert_eq!(store.platform().signing_keys().await.expect("keys").len(), 2);
        let issued = world.issue("Okta").await;
        for node in nodes {
            node.verify(&bearer(&issued.token)).await.expect("accepted");
        }
    }

    async fn another_master_key_is_refused_with_the_remedy(store: TestStore) {
        let _first = World::new(&store).await;
        let other = TokenService::open(store.store(), master_key(2)).await;
        let text = other.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains("ROLLCALL_MASTER_KEY") && text.contains("master.key"), "{text}");
        assert_eq!(store.platform().signing_keys().await.expect("keys").len(), 2);
    }

    async fn uses_are_written_in_batches(store: TestStore) {
        let world = &World::new(&store).await;
        let issued = world.issue("Okta").await;
        let principal = world.verify(&issued.token).await.expect("accepted");
        world.service.note_use(&principal, "10.0.0.1 first");
        store.advance(5000);
        let before = store.now();
        world.service.note_use(&principal, "10.0.0.2 Okta SCIM Client 1.0.0");
        assert_eq!(world.service.list(world.tenant).await.expect("a list")[0].last_used_at, None);
        world.service.flush_uses().await.expect("written");
        let listed = world.service.list(world.tenant).await.expect("a list");
        assert!(listed[0].last_used_at.is_some_and(|at| (before..=store.now()).contains(&at)));
        assert_eq!(listed[0].last_used_from.as_deref(), Some("10.0.0.2 Okta SCIM Client 1.0.0"));
        world.service.flush_uses().await.expect("nothing to write");
    }

    async fn the_writing_task_ends_with_the_service(store: TestStore) {
        let world = &World::new(&store).await;
        let service = world.another_node().await;
        let task = service.inner.flusher.get().expect("a task").clone();
        assert!(!task.is_finished());
        drop(service);
        let ended = async {
            while !task.is_finished() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), ended).await.expect("ended");
    }
}
