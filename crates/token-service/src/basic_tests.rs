//! User names with passwords, on each database.

use std::time::Duration;

use store_testing::on_both;

use super::*;
use crate::{
    Presented,
    service::tests::{DAY, World, context, make_tenant},
};

fn new_basic(username: &str) -> NewBasic {
    NewBasic {
        username: username.into(),
        name: None,
        scope: scopes::DEFAULT.into(),
        expires_at: None,
        allowed_from: Default::default(),
    }
}

fn presented(username: &str, password: &str) -> Presented {
    Presented::Basic { username: username.into(), password: password.into() }
}

async fn make(world: &World<'_>, username: &str) -> IssuedBasic {
    world.service.create_basic(world.tenant, new_basic(username), &context()).await.expect("made")
}

async fn refused(world: &World<'_>, tenant: TenantId, new: NewBasic) -> String {
    match world.service.create_basic(tenant, new, &context()).await {
        Err(IssueError::Unfit(text) | IssueError::Taken(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => String::new(),
    }
}

on_both! {
    async fn a_user_name_and_its_password_say_who_calls(store: TestStore) {
        let world = &World::new(&store).await;
        let made = make(world, " Okta@acme.example ").await;
        let password = made.password.expose_secret();
        assert_eq!(password.len(), 24);
        let kept = &made.credential;
        assert_eq!((kept.login.as_deref(), kept.name.as_str()), (Some("Okta@acme.example"), "Okta@acme.example"));
        assert_eq!((kept.created_by.as_str(), kept.hint.as_str()), ("ada@example.com", ""));
        assert!(kept.secret_hash.as_deref().is_some_and(|hash| hash.starts_with("$argon2id$")));
        assert_eq!(world.service.list(world.tenant).await.expect("a list"), std::slice::from_ref(kept));

        for node in [&world.service, &world.another_node().await] {
            // The second time from memory.
            for spelling in ["Okta@acme.example", "okta@ACME.example", "Okta@acme.example"] {
                let principal = node.verify(&presented(spelling, password)).await.expect("accepted");
                assert_eq!((principal.tenant, principal.credential), (world.tenant, kept.id));
                assert_eq!((principal.kind, principal.user), (CredentialKind::Basic, None));
                assert!(principal.may(scopes::SCIM_WRITE));
            }
            let changed = password.to_lowercase() + "x";
            for (username, password) in [
                ("Okta@acme.example", changed.as_str()),
                ("Okta@acme.example", ""),
                ("Okta@acme.example", &"x".repeat(5000)),
                ("nobody", password),
                ("", password),
                (&"x".repeat(5000), password),
            ] {
                let refusal = node.verify(&presented(username, password)).await;
                assert!(matches!(refusal, Err(Refusal::WrongPassword)), "{refusal:?}");
            }
        }
    }

    async fn a_revoked_user_name_is_refused_by_the_next_request(store: TestStore) {
        let world = &World::new(&store).await;
        let other = world.another_node().await;
        let made = make(world, "okta").await;
        let mine = presented("okta", made.password.expose_secret());
        world.service.verify(&mine).await.expect("accepted, and now in memory");
        other.verify(&mine).await.expect("accepted");
        // Another credential moves the epoch; this one is still good.
        world.issue("Entra").await;
        world.service.verify(&mine).await.expect("accepted");

        assert!(world.service.revoke(world.tenant, made.credential.id, &context()).await.expect("revoked"));
        assert!(matches!(world.service.verify(&mine).await, Err(Refusal::WrongPassword)));
        let refused = async {
            while other.verify(&mine).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_millis(1500), refused).await.expect("refused in time");

        // The same user name again, in another tenant: the old password opens neither.
        let elsewhere = make_tenant(&store, "elsewhere").await;
        let again = world.service.create_basic(elsewhere, new_basic("Okta"), &context()).await.expect("made");
        assert!(matches!(world.service.verify(&mine).await, Err(Refusal::WrongPassword)));
        let theirs = presented("okta", again.password.expose_secret());
        assert_eq!(world.service.verify(&theirs).await.expect("accepted").tenant, elsewhere);
    }

    async fn a_user_name_ends_when_it_was_told_to(store: TestStore) {
        let world = &World::new(&store).await;
        let new = NewBasic { expires_at: Some(store.now() + DAY), ..new_basic("okta") };
        let made = world.service.create_basic(world.tenant, new, &context()).await.expect("made");
        let mine = presented("okta", made.password.expose_secret());
        world.service.verify(&mine).await.expect("accepted");
        store.advance(DAY - 60_000);
        world.service.verify(&mine).await.expect("the last minute");
        store.advance(60_000);
        for node in [&world.service, &world.another_node().await] {
            assert!(matches!(node.verify(&mine).await, Err(Refusal::Expired)));
            let wrong = node.verify(&presented("okta", "wrong password")).await;
            assert!(matches!(wrong, Err(Refusal::WrongPassword)), "who has no password learns nothing");
        }
    }

    /// A row that says `basic` and one that says `bearer` are not taken for each other.
    async fn a_token_is_no_password(store: TestStore) {
        let world = &World::new(&store).await;
        let issued = world.issue("okta").await;
        let token = issued.token.expose_secret();
        for username in ["okta", "rcl", &issued.credential.id.to_string()] {
            let refusal = world.service.verify(&presented(username, token)).await;
            assert!(matches!(refusal, Err(Refusal::WrongPassword)), "{refusal:?}");
        }
        let made = make(world, "sync").await;
        let raw = Presented::Bearer(made.password);
        assert!(matches!(world.service.verify(&raw).await, Err(Refusal::Foreign)));
    }

    async fn what_does_not_fit_is_said_to_the_person(store: TestStore) {
        let world = &World::new(&store).await;
        let other = make_tenant(&store, "other").await;
        let now = store.now();
        make(world, "taken").await;
        world.issue("Entra").await;
        let here = world.tenant;
        let named = |name: &str| NewBasic { name: Some(name.into()), ..new_basic("named") };
        let until = |at| NewBasic { expires_at: Some(at), ..new_basic("timed") };
        for (tenant, new, wanted) in [
            (here, new_basic(" "), "username: use 1 to 100"),
            (here, new_basic(&"x".repeat(101)), "username: use 1 to 100"),
            (here, new_basic("acme:okta"), "username: use 1 to 100"),
            (here, new_basic("two\nlines"), "username: use 1 to 100"),
            (here, new_basic("Taken"), "username: this tenant has"),
            (here, new_basic("entra"), "username: this tenant has"),
            (here, NewBasic { name: Some("x".into()), ..new_basic("TAKEN") }, "username: \"TAKEN\" is in use"),
            (other, new_basic("TAKEN"), "username: \"TAKEN\" is in use"),
            (here, named("entra"), "name: "),
            (here, named(" "), "name: "),
            (here, NewBasic { scope: "platform".into(), ..new_basic("scoped") }, "scope: "),
            (here, until(now - 1), "expiry: "),
            (here, until(now + 3654 * DAY), "expiry: "),
        ] {
            let shown = format!("{new:?}");
            let text = refused(world, tenant, new).await;
            assert!(text.starts_with(wanted), "{shown}: {text:?}");
        }
        assert_eq!(refused(world, other, NewBasic { username: "é".repeat(100), ..named("long") }).await, "");
        assert_eq!(world.service.list(here).await.expect("a list").len(), 2);
    }
}
