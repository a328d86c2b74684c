//! Access tokens, on each database.

use secrecy::ExposeSecret;
use store_testing::on_both;

use super::*;
use crate::{
    IssuedClient, NewClient, Refusal,
    oauth::tests::{make, new_client},
    scopes::{DEFAULT, SCIM_READ, SCIM_WRITE},
    service::tests::{DAY, World, bearer, context, make_tenant},
};

const HOUR: i64 = DAY / 24;

async fn client(world: &World<'_>, made: &IssuedClient) -> Client {
    world.service.verify_client(&made.client_id, &made.secret).await.expect("accepted")
}

async fn issue(world: &World<'_>, made: &IssuedClient) -> AccessToken {
    let client = client(world, made).await;
    world.service.issue_access_token(&client, None, AccessLifetime::default()).await.expect("issued")
}

#[test]
fn a_lifetime_is_bounded() {
    for (text, seconds) in [("5min", 300), ("1h", 3600), (" 24h ", 86_400), ("300s", 300), ("1d", 86_400)] {
        let lifetime: AccessLifetime = text.parse().expect("a lifetime");
        assert_eq!(lifetime.0.as_secs(), seconds, "{text}");
        assert_eq!(lifetime.to_string().parse(), Ok(lifetime));
    }
    for text in ["", "1", "299s", "25h", "1y", "-1h", "0", "99999999999999999999h"] {
        assert!(text.parse::<AccessLifetime>().is_err_and(|error| error.contains("5min to 24h")), "{text}");
    }
}

on_both! {
    async fn an_access_token_is_its_clients_for_an_hour(store: TestStore) {
        let world = &World::new(&store).await;
        let made = make(world, "Entra").await;
        let issued = issue(world, &made).await;
        assert!(issued.token.expose_secret().starts_with("rcl_ey"));
        assert_eq!((issued.expires_in, issued.scope.as_str()), (3600, DEFAULT));
        let another = world.another_node().await;
        for node in [&world.service, &another, &world.service] {
            let principal = node.verify(&bearer(&issued.token)).await.expect("accepted");
            assert_eq!((principal.tenant, principal.credential), (world.tenant, made.credential.id));
            assert_eq!((principal.name.as_str(), principal.scope.as_str()), ("Entra", DEFAULT));
            assert_eq!(principal.user, None);
        }
        assert_eq!(world.service.list(world.tenant).await.expect("a list").len(), 1, "no row of its own");
        let second = issue(world, &made).await;
        assert_ne!(second.token.expose_secret(), issued.token.expose_secret());
        store.advance(HOUR / 2);
        let renewed = issue(world, &made).await;
        store.advance(HOUR / 2);
        for node in [&world.service, &another] {
            let late = node.verify(&bearer(&issued.token)).await;
            assert!(matches!(late, Err(Refusal::Expired)), "from memory or not");
            node.verify(&bearer(&renewed.token)).await.expect("half an hour is left");
        }
    }

    async fn it_may_hold_less_and_never_more(store: TestStore) {
        let world = &World::new(&store).await;
        let both = client(world, &make(world, "both").await).await;
        let new = NewClient { scope: SCIM_READ.into(), ..new_client(world, "reader") };
        let made = world.service.create_client(world.tenant, new, &context()).await.expect("made");
        let reader = client(world, &made).await;
        for (asking, scope, given) in [
            (&both, None, Some(DEFAULT)),
            (&both, Some(""), Some(DEFAULT)),
            (&both, Some(" "), Some(DEFAULT)),
            (&both, Some(SCIM_READ), Some(SCIM_READ)),
            (&both, Some("scim:write scim:read scim:write"), Some("scim:write scim:read")),
            (&both, Some("directory:read"), None),
            (&both, Some("scim:read everything"), None),
            (&reader, None, Some(SCIM_READ)),
            (&reader, Some(DEFAULT), None),
        ] {
            match (world.service.issue_access_token(asking, scope, AccessLifetime::default()).await, given) {
                (Ok(issued), Some(given)) => {
                    assert_eq!(issued.scope, given);
                    let principal = world.verify(&issued.token).await.expect("accepted");
                    assert_eq!(principal.scope, given);
                    assert_eq!(principal.may(SCIM_WRITE), given.contains(SCIM_WRITE));
                }
                (Err(AccessError::Scope(text)), None) => assert!(text.contains(&asking.principal.scope), "{text}"),
                (other, given) => panic!("{scope:?}: {other:?} instead of {given:?}"),
            }
        }
    }

    async fn no_access_token_outlives_its_client(store: TestStore) {
        let world = &World::new(&store).await;
        let new = NewClient { expires_at: store.now() + 600_000, ..new_client(world, "short") };
        let made = world.service.create_client(world.tenant, new, &context()).await.expect("made");
        let issued = issue(world, &made).await;
        assert!((590..=600).contains(&issued.expires_in), "{}", issued.expires_in);
        world.verify(&issued.token).await.expect("accepted");
        store.advance(600_000);
        assert!(matches!(world.verify(&issued.token).await, Err(Refusal::Expired)));
    }

    async fn it_ends_with_its_client_on_every_node(store: TestStore) {
        let world = &World::new(&store).await;
        let another = world.another_node().await;
        let (mine, other) = (make(world, "mine").await, make(world, "other").await);
        let (token, kept) = (issue(world, &mine).await, issue(world, &other).await);
        for node in [&world.service, &another] {
            node.verify(&bearer(&token.token)).await.expect("accepted, and now in memory");
        }
        assert!(world.service.revoke(world.tenant, mine.credential.id, &context()).await.expect("revoked"));
        assert!(matches!(world.verify(&token.token).await, Err(Refusal::Revoked)), "at once here");
        refused_within_a_second(&another, &token).await;
        another.verify(&bearer(&kept.token)).await.expect("another client's");
    }

    async fn a_client_revokes_its_own_tokens_alone(store: TestStore) {
        let world = &World::new(&store).await;
        let another = world.another_node().await;
        let (mine, other) = (make(world, "mine").await, make(world, "other").await);
        let elsewhere = make_tenant(&store, "elsewhere").await;
        let theirs = world.service.create_client(elsewhere, new_client(world, "mine"), &context()).await.expect("made");
        let long_lived = world.issue("Okta").await;
        let (token, kept, foreign) =
            (issue(world, &mine).await, issue(world, &mine).await, issue(world, &theirs).await);
        let others = issue(world, &other).await;
        let me = client(world, &mine).await;
        let revoke = async |token: &SecretString| {
            world.service.revoke_access_token(&me, token.expose_secret(), "request-7").await
        };
        another.verify(&bearer(&token.token)).await.expect("accepted, and now in memory");
        for _ in 0..2 {
            revoke(&token.token).await.expect("revoked, or was already");
        }
        assert!(matches!(world.verify(&token.token).await, Err(Refusal::Revoked)), "at once here");
        refused_within_a_second(&another, &token).await;
        for unknown in ["", "rcl_a.b.c", "anything"] {
            revoke(&unknown.into()).await.expect("nothing to revoke");
        }
        assert!(matches!(revoke(&others.token).await, Err(RevokeError::OfAnother)));
        assert!(matches!(revoke(&foreign.token).await, Err(RevokeError::OfAnother)));
        assert!(matches!(revoke(&long_lived.token).await, Err(RevokeError::LongLived)));
        for valid in [&kept.token, &others.token, &foreign.token, &long_lived.token] {
            world.verify(valid).await.expect("still accepted");
        }
        // It stays refused after a restart, and is forgotten when it would have ended anyway.
        let fresh = world.another_node().await;
        assert!(matches!(fresh.verify(&bearer(&token.token)).await, Err(Refusal::Revoked)));
        assert_eq!(world.service.forget_ended_tokens().await.expect("looked"), 0);
        store.advance(HOUR);
        assert!(matches!(fresh.verify(&bearer(&token.token)).await, Err(Refusal::Expired)));
        revoke(&kept.token).await.expect("it has ended");
        assert_eq!(world.service.forget_ended_tokens().await.expect("looked"), 1);
    }

    /// An id that is another's, or a token that says it is a credential: the row has to be of the kind.
    async fn a_client_and_a_token_are_not_taken_for_each_other(store: TestStore) {
        let world = &World::new(&store).await;
        let (made, long_lived) = (make(world, "Entra").await, world.issue("Okta").await);
        let me = client(world, &made).await;
        let of_token = Client {
            principal: crate::Principal { credential: long_lived.credential.id, ..me.principal.clone() },
            ..me.clone()
        };
        let forged = world.service.issue_access_token(&of_token, None, AccessLifetime::default()).await.expect("signed");
        assert!(matches!(world.verify(&forged.token).await, Err(Refusal::Unknown)), "a token is no client");
        let forged = world.forge(world.tenant, made.credential.id.0).await;
        assert!(matches!(world.verify(&forged).await, Err(Refusal::Unknown)), "a client is no token");
    }
}

async fn refused_within_a_second(node: &TokenService, token: &AccessToken) {
    let refused = async {
        while node.verify(&bearer(&token.token)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_millis(1500), refused).await.expect("refused in time");
}
