//! Links to set-up pages, on each database.

use store::{
    admins::{Admin, AdminRole},
    tenants::{TenantSettings, TenantStatus},
};
use store_testing::{TestStore, on_both};

use super::*;
use crate::{
    Presented, scopes,
    service::tests::{DAY, World, context},
};

async fn world(store: &TestStore) -> (World<'_>, AdminId) {
    let world = World::new(store).await;
    let settings = TenantSettings { status: Some(TenantStatus::Active), ..TenantSettings::default() };
    store.platform().configure_tenant(world.tenant, &settings, &context()).await.expect("active");
    let id = AdminId::generate();
    let admin = Admin {
        id,
        email: "ada@example.com".into(),
        password_hash: String::new(),
        role: AdminRole::Operator,
        tenants: Default::default(),
        created_at: 0,
    };
    store.platform().create_admin(&admin, &context()).await.expect("an operator");
    (world, id)
}

fn token(name: &str, expires_at: i64) -> NewToken {
    let scope = scopes::DEFAULT.into();
    NewToken { name: name.into(), scope, expires_at, user: None, allowed_from: Default::default() }
}

on_both! {
    async fn a_link_makes_one_token_that_works(store: TestStore) {
        let (world, issuer) = world(&store).await;
        let service = &world.service;
        let made = service.create_setup_link(world.tenant, issuer, " Ines ", &context()).await.expect("made");
        let secret = made.secret.expose_secret();
        assert_eq!((secret.len(), made.link.note.as_str()), (43, "Ines"));
        assert_eq!(made.link.expires_at - made.link.created_at, 7 * DAY);

        let seen = service.setup_link(secret).await.expect("asked").expect("good");
        assert_eq!((seen.tenant, seen.link.openings), (world.tenant, 0));
        let session = service.enter_setup(secret, "r").await.expect("asked").expect("good");
        let cookie = session.secret.expose_secret();
        let guest = service.setup_guest(cookie).await.expect("asked").expect("in");
        assert_eq!(guest, session.guest);
        for wrong in ["", secret, &secret[1..], "x", &"é".repeat(22)] {
            assert!(service.setup_guest(wrong).await.expect("asked").is_none(), "{wrong}");
        }
        for wrong in ["", cookie, &"A".repeat(43), "../../etc/passwd"] {
            assert!(service.enter_setup(wrong, "r").await.expect("asked").is_none(), "{wrong}");
        }

        let ends = store.now() + DAY;
        let mut tries = Vec::new();
        for number in 0..6 {
            let (service, guest) = (service.clone(), guest.clone());
            tries.push(tokio::spawn(async move {
                let new = token(&format!("Okta {number}"), ends);
                service.issue_by_link(&guest, new, &context()).await.expect("no mistake")
            }));
        }
        let mut issued = Vec::new();
        for one in tries {
            issued.extend(one.await.expect("ran"));
        }
        assert_eq!(issued.len(), 1, "one of six at once");
        let presented = Presented::Bearer(issued[0].token.clone());
        let principal = service.verify(&presented).await.expect("it works");
        assert_eq!((principal.tenant, principal.credential), (world.tenant, issued[0].credential.id));
        let more = service.issue_by_link(&guest, token("more", ends), &context()).await.expect("no mistake");
        assert!(more.is_none());
        assert_eq!(service.list(world.tenant).await.expect("a list").len(), 1);

        // On another node, at once, too.
        let other = world.another_node().await;
        assert!(other.setup_guest(cookie).await.expect("asked").is_some());
        assert!(service.revoke_setup_link(world.tenant, made.link.id, &context()).await.expect("asked"));
        for node in [service, &other] {
            assert!(node.setup_guest(cookie).await.expect("asked").is_none());
            assert!(node.setup_link(secret).await.expect("asked").is_none());
        }
        service.verify(&presented).await.expect("the token lives on");
    }

    async fn a_link_makes_one_user_name(store: TestStore) {
        let (world, issuer) = world(&store).await;
        let service = &world.service;
        let made = service.create_setup_link(world.tenant, issuer, "", &context()).await.expect("made");
        let session = service.enter_setup(made.secret.expose_secret(), "r").await.expect("asked").expect("good");
        let new = |username: &str| NewBasic {
            username: username.into(),
            name: None,
            scope: scopes::DEFAULT.into(),
            expires_at: None,
            allowed_from: Default::default(),
        };
        service.create_basic(world.tenant, new("taken"), &context()).await.expect("made");
        let taken = service.create_basic_by_link(&session.guest, new("Taken"), &context()).await;
        assert!(matches!(taken, Err(IssueError::Taken(text)) if text.starts_with("username: ")));
        let basic = service.create_basic_by_link(&session.guest, new("okta@acme"), &context()).await;
        let basic = basic.expect("no mistake").expect("made");
        let presented = Presented::Basic { username: "okta@acme".into(), password: basic.password };
        service.verify(&presented).await.expect("it works");
        let more = service.create_basic_by_link(&session.guest, new("more"), &context()).await;
        assert!(more.expect("no mistake").is_none());
        service.leave_setup(session.secret.expose_secret()).await.expect("left");
        assert!(service.setup_guest(session.secret.expose_secret()).await.expect("asked").is_none());
    }

    async fn what_does_not_fit_makes_no_link(store: TestStore) {
        let (world, issuer) = world(&store).await;
        for note in ["x".repeat(101), "a\nb".into()] {
            let refused = world.service.create_setup_link(world.tenant, issuer, &note, &context()).await;
            assert!(matches!(refused, Err(IssueError::Unfit(text)) if text.starts_with("note: ")));
        }
        assert!(world.service.setup_links(world.tenant).await.expect("a list").is_empty());
    }
}
