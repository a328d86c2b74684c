//! Links to set-up pages: what they open, and when not any more.

use std::collections::BTreeSet;

use scim_core::profile::CredentialKind;
use store::{
    ActorKind, AdminId, CredentialId, SetupLinkId, TenantId,
    admins::{Admin, AdminRole},
    credentials::Credential,
    setup_links::{KEPT, MOST_LIVE, MOST_OPENINGS, SetupLink},
    tenants::{TenantSettings, TenantStatus},
};
use store_testing::{TestStore, on_both};

use crate::common::{context, tenant};

const WEEK: i64 = 7 * 86_400_000;

async fn operator(store: &TestStore, role: AdminRole) -> AdminId {
    let id = AdminId::generate();
    let admin = Admin {
        id,
        email: format!("{id}@example.com"),
        password_hash: String::new(),
        role,
        tenants: BTreeSet::new(),
        created_at: 0,
    };
    store.platform().create_admin(&admin, &context()).await.unwrap();
    id
}

async fn active_tenant(store: &TestStore, slug: &str) -> TenantId {
    let id = tenant(store, slug).await;
    set(store, id, TenantStatus::Active).await;
    id
}

async fn set(store: &TestStore, id: TenantId, status: TenantStatus) {
    let settings = TenantSettings { status: Some(status), ..TenantSettings::default() };
    assert!(store.platform().configure_tenant(id, &settings, &context()).await.unwrap());
}

fn link(store: &TestStore, issuer: AdminId) -> SetupLink {
    SetupLink {
        id: SetupLinkId::generate(),
        note: "Ines at Northwind".into(),
        issuer,
        issuer_name: "ada@example.com".into(),
        created_at: store.now(),
        expires_at: store.now() + WEEK,
        revoked_at: None,
        openings: 0,
        opened_at: None,
        credential: None,
        used_at: None,
    }
}

fn credential(store: &TestStore, name: &str) -> Credential {
    Credential {
        id: CredentialId::generate(),
        kind: CredentialKind::Bearer,
        name: name.into(),
        scope: "scim:read".into(),
        login: None,
        secret_hash: None,
        hint: "wxyz".into(),
        created_at: store.now(),
        created_by: "link".into(),
        expires_at: Some(store.now() + 4 * WEEK),
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        user: None,
        replaced: false,
        allowed_from: Default::default(),
        warned_days: None,
        kid: None,
    }
}

on_both! {
    async fn a_link_is_looked_at_opened_and_used(store: TestStore) {
        let (acme, other) = (active_tenant(&store, "acme").await, active_tenant(&store, "other").await);
        let (platform, scope) = (store.platform(), store.tenant(acme));
        let made = link(&store, operator(&store, AdminRole::Operator).await);
        assert!(scope.create_setup_link(&made, b"secret", &context()).await.unwrap());

        for _ in 0..3 {
            let guest = platform.setup_link(b"secret").await.unwrap().unwrap();
            assert_eq!((guest.tenant, &guest.link), (acme, &made), "looking changes nothing");
        }
        assert_eq!(platform.setup_link(b"Secret").await.unwrap(), None);
        assert_eq!(platform.open_setup_link(b"Secret", b"s0", i64::MAX, "r-2").await.unwrap(), None);
        let opened = platform.open_setup_link(b"secret", b"s1", i64::MAX, "r-2").await.unwrap().unwrap();
        assert_eq!((opened.tenant, opened.link.openings), (acme, 1));
        let guest = platform.setup_guest(b"s1").await.unwrap().unwrap();
        assert_eq!((guest.tenant, guest.link.id), (acme, made.id));
        assert_eq!(platform.setup_guest(b"secret").await.unwrap(), None, "the link itself is no session");

        let first = credential(&store, "Okta");
        assert!(!store.tenant(other).create_credential_by_link(made.id, &first, &context()).await.unwrap());
        let epoch = store.epoch();
        assert!(scope.create_credential_by_link(made.id, &first, &context()).await.unwrap());
        assert_eq!(store.epoch(), epoch + 1);
        assert!(!scope.create_credential_by_link(made.id, &credential(&store, "more"), &context()).await.unwrap());
        assert_eq!(scope.credentials().await.unwrap(), std::slice::from_ref(&first));
        let listed = scope.setup_links().await.unwrap();
        assert_eq!((listed.len(), listed[0].credential, listed[0].openings), (1, Some(first.id), 1));
        assert_eq!(store.tenant(other).setup_links().await.unwrap(), []);

        platform.leave_setup(b"s1").await.unwrap();
        assert_eq!(platform.setup_guest(b"s1").await.unwrap(), None);
        let trail = scope.audit(Some(&made.id.to_string()), 10).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| (row.event.as_str(), row.actor.kind)).collect();
        let (link, cli) = (ActorKind::SetupLink, ActorKind::Cli);
        assert_eq!(events, [("setup-link.used", cli), ("setup-link.opened", link), ("setup-link.created", cli)]);
        assert_eq!(trail[1].actor.name, "setup link for Ines at Northwind");
        assert!(!format!("{trail:?}").contains("secret"), "no digest in the trail");
    }

    async fn of_two_at_once_one_makes_its_credential(store: TestStore) {
        let acme = active_tenant(&store, "acme").await;
        let scope = store.tenant(acme);
        let made = link(&store, operator(&store, AdminRole::Operator).await);
        scope.create_setup_link(&made, b"secret", &context()).await.unwrap();
        let tries = (0..8).map(|number| {
            let (scope, credential) = (scope.clone(), credential(&store, &format!("token {number}")));
            let link = made.id;
            tokio::spawn(async move {
                scope.create_credential_by_link(link, &credential, &context()).await.unwrap()
            })
        });
        let mut made = 0;
        for attempt in tries.collect::<Vec<_>>() {
            made += usize::from(attempt.await.unwrap());
        }
        assert_eq!((made, scope.credentials().await.unwrap().len()), (1, 1));
    }

    async fn a_name_that_is_taken_leaves_the_link_as_it_was(store: TestStore) {
        let acme = active_tenant(&store, "acme").await;
        let scope = store.tenant(acme);
        scope.create_credential(&credential(&store, "Okta"), &context()).await.unwrap();
        let made = link(&store, operator(&store, AdminRole::Operator).await);
        scope.create_setup_link(&made, b"secret", &context()).await.unwrap();
        let taken = scope.create_credential_by_link(made.id, &credential(&store, "OKTA"), &context()).await;
        assert_eq!(crate::common::conflict(taken), "name");
        assert!(scope.create_credential_by_link(made.id, &credential(&store, "Okta 2"), &context()).await.unwrap());
    }

    async fn links_die_with_time_their_tenant_and_their_issuer(store: TestStore) {
        let platform = store.platform();
        let operator = operator(&store, AdminRole::Operator).await;
        let others = [crate::setup_links::operator(&store, AdminRole::Manager).await, AdminId::generate()];
        let opens = async |secret: &[u8]| {
            let link = platform.setup_link(secret).await.unwrap().is_some();
            let mut session = b"s-".to_vec();
            session.extend(secret);
            assert_eq!(link, platform.setup_guest(&session).await.unwrap().is_some(), "sessions go with it");
            link
        };
        let make = async |tenant: TenantId, secret: &[u8], issuer: AdminId| {
            let made = link(&store, issuer);
            assert!(store.tenant(tenant).create_setup_link(&made, secret, &context()).await.unwrap());
            let mut session = b"s-".to_vec();
            session.extend(secret);
            platform.open_setup_link(secret, &session, i64::MAX, "r").await.unwrap();
            made.id
        };
        let acme = active_tenant(&store, "acme").await;
        make(acme, b"one", operator).await;
        assert!(opens(b"one").await);
        for (number, issuer) in others.into_iter().enumerate() {
            let secret = format!("issuer {number}");
            let made = make(acme, secret.as_bytes(), issuer).await;
            assert!(!opens(secret.as_bytes()).await, "its issuer is no operator");
            let new = credential(&store, "x");
            assert!(!store.tenant(acme).create_credential_by_link(made, &new, &context()).await.unwrap());
        }
        // Revoked.
        let two = make(acme, b"two", operator).await;
        let elsewhere = store.tenant(TenantId::generate());
        assert!(!elsewhere.revoke_setup_link(two, &context()).await.unwrap() && opens(b"two").await);
        assert!(store.tenant(acme).revoke_setup_link(two, &context()).await.unwrap());
        assert!(!store.tenant(acme).revoke_setup_link(two, &context()).await.unwrap());
        assert!(!opens(b"two").await && opens(b"one").await);
        // Deactivated: for good.
        set(&store, acme, TenantStatus::Inactive).await;
        assert!(!opens(b"one").await);
        set(&store, acme, TenantStatus::Active).await;
        assert!(!opens(b"one").await);
        // A week.
        make(acme, b"three", operator).await;
        store.advance(WEEK - 60_000);
        assert!(opens(b"three").await);
        store.advance(60_000);
        assert!(!opens(b"three").await);
        let scope = store.tenant(acme);
        assert_eq!(scope.setup_links().await.unwrap().len(), 5);
        store.advance(KEPT);
        make(acme, b"four", operator).await;
        assert_eq!(scope.setup_links().await.unwrap().len(), 1, "those of long ago are gone");
    }

    async fn there_is_an_end_of_links_and_openings(store: TestStore) {
        let acme = active_tenant(&store, "acme").await;
        let scope = store.tenant(acme);
        let issuer = operator(&store, AdminRole::Operator).await;
        for number in 0..MOST_LIVE {
            let secret = number.to_string();
            assert!(scope.create_setup_link(&link(&store, issuer), secret.as_bytes(), &context()).await.unwrap());
        }
        assert!(!scope.create_setup_link(&link(&store, issuer), b"more", &context()).await.unwrap());
        let first = scope.setup_links().await.unwrap()[0].id;
        scope.revoke_setup_link(first, &context()).await.unwrap();
        assert!(scope.create_setup_link(&link(&store, issuer), b"more", &context()).await.unwrap());

        let platform = store.platform();
        for number in 0..MOST_OPENINGS {
            let session = format!("s {number}");
            assert!(platform.open_setup_link(b"more", session.as_bytes(), i64::MAX, "r").await.unwrap().is_some());
        }
        assert_eq!(platform.setup_link(b"more").await.unwrap(), None);
        assert_eq!(platform.open_setup_link(b"more", b"last", i64::MAX, "r").await.unwrap(), None);
        assert!(platform.setup_guest(b"s 0").await.unwrap().is_some(), "those who are in stay in");
        // A session ends by itself, too.
        platform.open_setup_link(b"0", b"short", store.now() + 1_000, "r").await.unwrap();
        platform.open_setup_link(b"1", b"short 1", store.now() + 1_000, "r").await.unwrap();
        store.advance(1_000);
        assert_eq!(platform.setup_guest(b"short 1").await.unwrap(), None);
    }

    async fn the_choice_of_an_identity_provider_is_kept(store: TestStore) {
        let (one, two) = (active_tenant(&store, "one").await, active_tenant(&store, "two").await);
        let scope = store.tenant(one);
        assert_eq!(scope.setup_choice().await.unwrap(), None);
        for choice in ["okta", "entra"] {
            scope.choose_setup(choice).await.unwrap();
            assert_eq!(scope.setup_choice().await.unwrap().as_deref(), Some(choice));
        }
        assert_eq!(store.tenant(two).setup_choice().await.unwrap(), None);
    }
}
