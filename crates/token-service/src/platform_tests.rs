//! Tokens of the installation, on each database.

use store_testing::on_both;

use super::*;
use crate::service::tests::{DAY, World, bearer, context};

fn new(name: &str, expires_at: i64) -> NewPlatformToken {
    NewPlatformToken {
        name: name.into(),
        scope: scopes::DEFAULT_PLATFORM.into(),
        expires_at,
        allowed_from: AllowedFrom::default(),
    }
}

async fn issue(world: &World<'_>, name: &str) -> IssuedPlatformToken {
    let new = new(name, world.store.now() + DAY);
    world.service.issue_platform(new, &context()).await.expect("issued")
}

async fn identify(service: &TokenService, token: &SecretString) -> Result<Caller, Refusal> {
    service.identify(&bearer(token), &Sender::default()).await
}

async fn problem(world: &World<'_>, new: NewPlatformToken) -> String {
    match world.service.issue_platform(new, &context()).await {
        Err(IssueError::Unfit(text) | IssueError::Taken(text)) => text,
        Err(other) => panic!("{other}"),
        Ok(_) => String::new(),
    }
}

on_both! {
    async fn it_says_who_calls_and_opens_no_tenant(store: TestStore) {
        let world = &World::new(&store).await;
        let made = issue(world, " Vendor ").await;
        assert_eq!((made.kept.name.as_str(), made.kept.created_by.as_str()), ("Vendor", "ada@example.com"));
        assert!(made.token.expose_secret().starts_with("rcl_"));
        assert!(made.token.expose_secret().ends_with(&made.kept.hint));
        assert_eq!(world.service.platform_tokens().await.expect("a list"), std::slice::from_ref(&made.kept));
        for node in [&world.service, &world.another_node().await] {
            // The second time from memory.
            for _ in 0..2 {
                let Ok(Caller::Platform(principal)) = identify(node, &made.token).await else { panic!("refused") };
                assert_eq!((principal.token, principal.name.as_str()), (made.kept.id, "Vendor"));
                assert!(principal.may("admin:write") && principal.may("directory:read"));
                assert!(!principal.may("scim:read"));
                let refused = node.verify(&bearer(&made.token)).await;
                assert!(matches!(refused, Err(Refusal::OfPlatform)), "{refused:?}");
            }
        }
        let tenants = world.issue("Okta").await;
        let caller = identify(&world.service, &tenants.token).await.expect("known");
        assert!(matches!(caller, Caller::Tenant(principal) if principal.tenant == world.tenant));
        assert!(world.service.list(world.tenant).await.expect("a list").len() == 1, "it is no tenant's");
    }

    async fn it_ends(store: TestStore) {
        let world = &World::new(&store).await;
        let (first, second) = (issue(world, "first").await, issue(world, "second").await);
        assert!(identify(&world.service, &first.token).await.is_ok());
        assert!(world.service.revoke_platform(first.kept.id, &context()).await.expect("revoked"));
        assert!(!world.service.revoke_platform(first.kept.id, &context()).await.expect("again"));
        assert!(matches!(identify(&world.service, &first.token).await, Err(Refusal::Revoked)));
        assert!(identify(&world.service, &second.token).await.is_ok());
        store.advance(DAY);
        assert!(matches!(identify(&world.service, &second.token).await, Err(Refusal::Expired)));
    }

    async fn another_node_hears_of_its_end(store: TestStore) {
        let world = &World::new(&store).await;
        let (made, node) = (issue(world, "Vendor").await, world.another_node().await);
        assert!(identify(&node, &made.token).await.is_ok());
        world.service.revoke_platform(made.kept.id, &context()).await.expect("revoked");
        let started = std::time::Instant::now();
        while identify(&node, &made.token).await.is_ok() {
            assert!(started.elapsed() < std::time::Duration::from_secs(1), "still let in");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    async fn it_makes_way_for_a_new_one(store: TestStore) {
        let world = &World::new(&store).await;
        let first = issue(world, "Vendor").await;
        store.advance(1_000);
        let rotated = world.service.rotate_platform(first.kept.id, 5_000, &context()).await.expect("rotated");
        let (old, second) = (rotated.old, rotated.issued);
        assert_eq!((second.kept.name.as_str(), &second.kept.scope), ("Vendor", &first.kept.scope));
        let lifetime = |token: &PlatformToken| token.expires_at - token.created_at;
        assert!((lifetime(&first.kept) - lifetime(&second.kept)).abs() <= 1_000, "whole seconds");
        assert!(old.replaced && old.expires_at <= store.now() + 5_000);
        assert!(identify(&world.service, &first.token).await.is_ok());
        for id in [first.kept.id, PlatformTokenId::generate()] {
            let again = world.service.rotate_platform(id, 0, &context()).await;
            assert!(matches!(again, Err(IssueError::Unfit(text)) if text.starts_with("token: ")));
        }
        store.advance(5_000);
        assert!(matches!(identify(&world.service, &first.token).await, Err(Refusal::Expired)));
        assert!(identify(&world.service, &second.token).await.is_ok());
    }

    async fn what_does_not_fit_is_told(store: TestStore) {
        let world = &World::new(&store).await;
        issue(world, "Vendor").await;
        let fit = new("Other", store.now() + DAY);
        for (unfit, word) in [
            (NewPlatformToken { name: "vendor".into(), ..fit.clone() }, "revoke it first"),
            (NewPlatformToken { name: " ".into(), ..fit.clone() }, "name: "),
            (NewPlatformToken { scope: "scim:read".into(), ..fit.clone() }, "\"scim:read\" is unknown"),
            (NewPlatformToken { scope: String::new(), ..fit.clone() }, "admin:*"),
            (NewPlatformToken { expires_at: store.now(), ..fit.clone() }, "expiry: "),
            (NewPlatformToken { expires_at: store.now() + 3654 * DAY, ..fit.clone() }, "10y"),
        ] {
            let text = problem(world, unfit).await;
            assert!(text.contains(word), "{text:?}");
        }
        assert_eq!(problem(world, fit).await, "");
    }

    async fn it_may_be_bound_to_networks(store: TestStore) {
        let world = &World::new(&store).await;
        let make = async |name: &str, report_only| {
            let networks = vec!["203.0.113.0/24".parse().expect("a network")];
            let allowed_from = AllowedFrom { networks, report_only };
            let new = NewPlatformToken { allowed_from, ..new(name, store.now() + DAY) };
            world.service.issue_platform(new, &context()).await.expect("issued").token
        };
        let (strict, lax) = (make("strict", false).await, make("lax", true).await);
        let from = |text: &str| Sender { address: Some(text.parse().expect("an address")), ..Sender::default() };
        // In any order: what was verified once is not let in from everywhere.
        for (sender, fits) in [
            (from("203.0.113.9"), true),
            (from("198.51.100.1"), false),
            (Sender::default(), false),
            (from("203.0.113.9"), true),
        ] {
            let outcome = world.service.identify(&bearer(&strict), &sender).await;
            assert_eq!(outcome.is_ok(), fits, "{sender:?}");
            assert!(fits || matches!(outcome, Err(Refusal::PlatformElsewhere)));
            assert!(world.service.identify(&bearer(&lax), &sender).await.is_ok(), "only told");
        }
    }

    async fn its_last_use_is_written(store: TestStore) {
        let world = &World::new(&store).await;
        let made = issue(world, "Vendor").await;
        let Ok(Caller::Platform(principal)) = identify(&world.service, &made.token).await else { panic!("refused") };
        world.service.note_platform_use(&principal, "203.0.113.9 curl/8\n");
        world.service.flush_uses().await.expect("written");
        let kept = &world.service.platform_tokens().await.expect("a list")[0];
        assert_eq!(kept.last_used_from.as_deref(), Some("203.0.113.9 curl/8"));
        assert!(kept.last_used_at.is_some());
    }

    /// A good signature over an id that the other table holds is nobody's.
    async fn a_tenants_token_cannot_pass_for_it(store: TestStore) {
        let world = &World::new(&store).await;
        let (tenants, platforms) = (world.issue("Okta").await, issue(world, "Vendor").await);
        let inner = &world.service.inner;
        let forge = async |id: uuid::Uuid, tenant: Option<uuid::Uuid>| {
            let claims = Claims {
                iss: inner.installation,
                aud: inner.installation,
                sub: id,
                jti: id,
                tenant,
                iat: store.now() / 1000,
                nbf: None,
                exp: (store.now() + DAY) / 1000,
                scope: scopes::DEFAULT_PLATFORM.into(),
            };
            SecretString::from(inner.keys.sign(&claims).await.expect("signed").token)
        };
        for token in [
            forge(tenants.credential.id.0, None).await,
            forge(platforms.kept.id.0, Some(world.tenant.0)).await,
            forge(uuid::Uuid::now_v7(), None).await,
        ] {
            assert!(matches!(identify(&world.service, &token).await, Err(Refusal::Unknown)));
        }
    }
}

#[test]
fn nobody_gives_what_they_do_not_have() {
    let holder = |scope: &str| PlatformPrincipal {
        token: PlatformTokenId::generate(),
        name: "Vendor".into(),
        scope: scope.into(),
    };
    for (held, wanted, fits) in [
        ("admin:*", "admin:read admin:write", true),
        ("admin:*", "admin:*", true),
        ("admin:*", "directory:read", false),
        ("admin:write", "admin:write", true),
        ("admin:write", "admin:read", false),
        ("admin:read admin:write", "admin:*", false),
        ("admin:* directory:read", " directory:read  admin:read ", true),
    ] {
        assert_eq!(holder(held).may_give(wanted).is_ok(), fits, "{held:?} gives {wanted:?}");
    }
}
