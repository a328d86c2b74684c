//! OAuth clients, on each database.

use store_testing::on_both;

use super::*;
use crate::{
    Presented,
    service::tests::{DAY, World, context, make_tenant},
};

pub(crate) fn new_client(world: &World<'_>, name: &str) -> NewClient {
    NewClient {
        name: name.into(),
        scope: scopes::DEFAULT.into(),
        expires_at: world.store.now() + DAY,
        allowed_from: Default::default(),
    }
}

pub(crate) async fn make(world: &World<'_>, name: &str) -> IssuedClient {
    world.service.create_client(world.tenant, new_client(world, name), &context()).await.expect("made")
}

async fn refusal(world: &World<'_>, id: &str, secret: &str) -> Refusal {
    world.service.verify_client(id, &secret.into()).await.expect_err("refused")
}

on_both! {
    async fn an_id_and_its_secret_say_who_calls(store: TestStore) {
        let world = &World::new(&store).await;
        let made = make(world, " Entra ").await;
        let secret = made.secret.expose_secret();
        assert!(made.client_id.starts_with("rc_") && made.client_id.len() == 35, "{}", made.client_id);
        assert!(secret.starts_with("rcs_") && secret.len() == 47);
        let kept = &made.credential;
        assert_eq!((kept.login.as_deref(), kept.name.as_str()), (Some(made.client_id.as_str()), "Entra"));
        assert_eq!((kept.kind, kept.created_by.as_str()), (CredentialKind::Oauth, "ada@example.com"));
        assert!(kept.secret_hash.as_deref().is_some_and(|hash| hash.starts_with("sha256$") && !hash.contains(secret)));
        assert_eq!(world.service.list(world.tenant).await.expect("a list"), std::slice::from_ref(kept));
        for node in [&world.service, &world.another_node().await] {
            let client = node.verify_client(&made.client_id, &made.secret).await.expect("accepted");
            assert_eq!((client.principal.tenant, client.principal.credential), (world.tenant, kept.id));
            assert_eq!(client.expires_at, kept.expires_at.expect("an end"));
            assert_eq!(client.expires_at % 1000, 0, "a whole second");
        }
        let other = make(world, "other").await;
        let changed = format!("{}x", &secret[..46]);
        for (id, secret) in [
            (made.client_id.as_str(), other.secret.expose_secret()),
            (&made.client_id, changed.as_str()),
            (&made.client_id, ""),
            (&made.client_id, kept.secret_hash.as_deref().expect("a hash")),
            ("rc_nobody", secret),
            ("", secret),
            (&"x".repeat(5000), secret),
        ] {
            assert!(matches!(refusal(world, id, secret).await, Refusal::WrongPassword), "{id}");
        }
    }

    /// Its secret buys access tokens and nothing else.
    async fn a_client_is_no_user_name(store: TestStore) {
        let world = &World::new(&store).await;
        let made = make(world, "Entra").await;
        let basic = Presented::Basic { username: made.client_id.clone(), password: made.secret.clone() };
        assert!(matches!(world.service.verify(&basic).await, Err(Refusal::WrongPassword)));
        assert!(matches!(world.verify(&made.secret).await, Err(Refusal::Foreign)));
        let new = crate::NewBasic {
            username: "okta".into(),
            name: None,
            scope: scopes::DEFAULT.into(),
            expires_at: None,
            allowed_from: Default::default(),
        };
        let basic = world.service.create_basic(world.tenant, new, &context()).await.expect("made");
        let refused = refusal(world, "okta", basic.password.expose_secret()).await;
        assert!(matches!(refused, Refusal::WrongPassword));
    }

    async fn a_revoked_client_and_an_expired_one_are_refused(store: TestStore) {
        let world = &World::new(&store).await;
        let (revoked, expired) = (make(world, "revoked").await, make(world, "expired").await);
        assert!(world.service.revoke(world.tenant, revoked.credential.id, &context()).await.expect("revoked"));
        let refused = refusal(world, &revoked.client_id, revoked.secret.expose_secret()).await;
        assert!(matches!(refused, Refusal::WrongPassword), "its id is nobody's any more");
        store.advance(DAY);
        let refused = refusal(world, &expired.client_id, expired.secret.expose_secret()).await;
        assert!(matches!(refused, Refusal::Expired));
        let wrong = refusal(world, &expired.client_id, "rcs_wrong").await;
        assert!(matches!(wrong, Refusal::WrongPassword), "who has no secret learns nothing");
        // Both names are free again.
        make(world, "revoked").await;
        make(world, "expired").await;
    }

    async fn what_does_not_fit_is_said_to_the_person(store: TestStore) {
        let world = &World::new(&store).await;
        let other = make_tenant(&store, "other").await;
        make(world, "taken").await;
        let fresh = |name: &str| new_client(world, name);
        let until = |at| NewClient { expires_at: at, ..fresh("timed") };
        for (new, wanted) in [
            (fresh("TAKEN"), "name: a credential named"),
            (fresh(" "), "name: "),
            (NewClient { scope: "platform".into(), ..fresh("scoped") }, "scope: "),
            (until(store.now()), "expiry: "),
            (until(store.now() + 3654 * DAY), "expiry: "),
        ] {
            match world.service.create_client(world.tenant, new.clone(), &context()).await {
                Err(IssueError::Unfit(text) | IssueError::Taken(text)) => assert!(text.starts_with(wanted), "{new:?}: {text}"),
                Err(error) => panic!("{error}"),
                Ok(_) => panic!("{new:?} was made"),
            }
        }
        world.service.create_client(other, fresh("taken"), &context()).await.expect("another tenant's name");
        assert_eq!(world.service.list(world.tenant).await.expect("a list").len(), 1);
    }
}
