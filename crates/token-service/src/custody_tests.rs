//! Rotation, and changes of the master key, on each database and several nodes.

use std::time::Duration;

use secrecy::SecretString;
use store::{Actor, ActorKind};
use store_testing::on_both;

use super::*;
use crate::{
    NewToken, Refusal,
    service::tests::{DAY, World, bearer, context, make_tenant, master_key, new_token},
};

/// The contract's limit for a change to hold in every node is 1 s; tests share their machine.
const WITHIN: Duration = Duration::from_millis(1500);

fn kid(token: &SecretString) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use secrecy::ExposeSecret;
    let text =
        token.expose_secret().trim_start_matches("rcl_").split('.').next().unwrap_or_default().to_owned();
    let header = BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64");
    let header: serde_json::Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("a key id").to_owned()
}

async fn states(service: &TokenService) -> Vec<(KeyState, u64)> {
    let keys = service.signing_keys().await.expect("keys");
    keys.iter().map(|key| (key.state, key.live_tokens)).collect()
}

/// Events of the installation's audit trail, newest first.
async fn told(store: &Store) -> Vec<String> {
    let trail = store.platform().audit(None, 20).await.expect("a trail");
    trail.into_iter().map(|record| record.event).collect()
}

async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let holds = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(tokio::time::timeout(WITHIN, holds).await.is_ok(), "{what}: not in time");
}

on_both! {
    async fn a_rotation_ends_no_token(store: TestStore) {
        let world = &World::new(&store).await;
        let first = world.issue("first").await;
        let before = world.service.signing_keys().await.expect("keys");
        assert_eq!(states(&world.service).await, [(KeyState::Active, 1), (KeyState::Next, 0)]);
        assert_eq!(kid(&first.token), before[0].kid);
        assert_eq!(first.credential.kid.as_deref(), Some(before[0].kid.as_str()));
        let published = world.service.published_keys().await;
        assert!(before.iter().all(|key| published.body.contains(&key.kid)), "the next key is published before it signs");

        let done = world.service.rotate_keys(None, &context()).await.expect("rotated");
        assert_eq!((&done.active, &done.retired), (&before[1].kid, &before[0].kid));
        assert!(done.hasty, "it was published a moment ago");
        let second = world.issue("second").await;
        assert_eq!(kid(&second.token), done.active);
        assert_eq!(states(&world.service).await, [(KeyState::Active, 1), (KeyState::Next, 0), (KeyState::Retired, 1)]);
        for node in [&world.service, &world.another_node().await] {
            for token in [&first.token, &second.token] {
                node.verify(&bearer(token)).await.expect("accepted");
            }
        }
        store.advance(DAY / 2);
        let done = world.service.rotate_keys(Some(&done.active), &context()).await.expect("rotated");
        assert!(!done.hasty);
        assert_eq!(states(&world.service).await.len(), 4);
        assert!(world.service.published_keys().await.body.contains(&done.retired));
    }

    async fn other_nodes_take_a_rotation_up(store: TestStore) {
        let world = &World::new(&store).await;
        let other = &world.another_node().await;
        let old = world.issue("old").await;
        other.verify(&bearer(&old.token)).await.expect("accepted");
        let done = world.service.rotate_keys(None, &context()).await.expect("rotated");
        let new = world.issue("new").await;
        eventually("a token of the new key", || async { other.verify(&bearer(&new.token)).await.is_ok() }).await;
        other.verify(&bearer(&old.token)).await.expect("still accepted");
        let issue = async |name: &str| {
            let new = new_token(name, store.now() + DAY);
            other.issue(world.tenant, new, &context()).await.expect("issued").token
        };
        assert_eq!(kid(&issue("by the other").await), done.active, "it signs with the new key too");
        // Even before it has heard of a rotation: the key that it knows covers no later token any more.
        let again = world.service.rotate_keys(None, &context()).await.expect("rotated");
        let long = NewToken { name: "long".into(), ..new_token("long", store.now() + 300 * DAY) };
        let issued = other.issue(world.tenant, long, &context()).await.expect("issued");
        assert_eq!(kid(&issued.token), again.active);
    }

    async fn of_two_rotations_at_once_one_is_carried_out(store: TestStore) {
        let world = &World::new(&store).await;
        let other = &world.another_node().await;
        let active = world.service.signing_keys().await.expect("keys")[0].kid.clone();
        let (here, there) = (context(), context());
        let results = futures::future::join_all([
            world.service.rotate_keys(Some(&active), &here),
            other.rotate_keys(Some(&active), &there),
            world.service.rotate_keys(Some(&active), &here),
        ])
        .await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
        for refused in results.into_iter().filter_map(Result::err) {
            assert!(matches!(&refused, KeyError::Overtaken(_)), "{refused}");
        }
        assert_eq!(told(&store).await, ["signing-key.rotated"]);
        assert_eq!(states(&world.service).await.len(), 3);
        let late = world.service.rotate_keys(Some(&active), &here).await;
        assert!(late.is_err_and(|error| error.to_string().contains("meanwhile")));
    }

    async fn a_retired_key_stays_until_its_last_token_has_ended(store: TestStore) {
        let world = &World::new(&store).await;
        let issued = world.issue("day").await;
        let done = world.service.rotate_keys(None, &context()).await.expect("rotated");
        let end = issued.credential.expires_at.expect("an end");
        store.advance(end - store.now() - 60_000);
        assert_eq!(world.service.remove_ended_keys().await.expect("looked"), Vec::<String>::new());
        world.another_node().await.verify(&bearer(&issued.token)).await.expect("the last minute");
        store.advance(60_000 + 3_600_000);
        let other = world.another_node().await;
        assert_eq!(world.service.remove_ended_keys().await.expect("looked"), std::slice::from_ref(&done.retired));
        assert!(!world.service.published_keys().await.body.contains(&done.retired));
        eventually("the other node", || async { !other.published_keys().await.body.contains(&done.retired) }).await;
        assert_eq!(states(&world.service).await.len(), 2);
    }

    /// A stranger's key id costs no query as long as nothing has changed.
    async fn unknown_key_ids_do_not_reach_the_database(store: TestStore) {
        let world = &World::new(&store).await;
        let ring = world.service.inner.keys.fresh().await;
        for _ in 0..3 {
            let stranger = "rcl_eyJhbGciOiJFZERTQSIsImtpZCI6Im5vbmUifQ.e30.AAAA".into();
            assert!(matches!(world.verify(&stranger).await, Err(Refusal::Foreign)));
        }
        assert!(std::sync::Arc::ptr_eq(&ring, &world.service.inner.keys.fresh().await));
        make_tenant(&store, "beta").await;
        let after = world.service.inner.keys.fresh().await;
        assert!(std::sync::Arc::ptr_eq(&ring, &after) && after.is_of(store.epoch()), "looked, and found the same");
    }

    async fn the_master_key_is_changed_and_tokens_go_on(store: TestStore) {
        let world = &World::new(&store).await;
        let issued = world.issue("Okta").await;
        let sealed = world.service.vault().seal(b"webhook secret", "webhook:1").expect("sealed");
        let refused = rewrap_keys(&store, &master_key(2), &context()).await.map(|_| ());
        assert!(refused.is_err_and(|error| error.0.contains("ROLLCALL_FORMER_MASTER_KEY")));

        let both = master_key(2).with_former(master_key(1));
        let halfway = TokenService::open(store.another().await, both.clone()).await.expect("both open it");
        assert_eq!(halfway.vault().data_keys(), (1, 1));
        assert_eq!(rewrap_keys(&store, &both, &context()).await.expect("wrapped"), Rewrapped { all: 1, changed: 1 });
        for key in [both, master_key(2)] {
            assert_eq!(rewrap_keys(&store, &key, &context()).await.expect("asked"), Rewrapped { all: 1, changed: 0 });
        }
        assert_eq!(told(&store).await, ["data-key.rewrapped"], "what was done once is told once");
        assert!(TokenService::open(store.another().await, master_key(1)).await.is_err(), "the former is of no use");
        let after = TokenService::open(store.another().await, master_key(2)).await.expect("the new one alone");
        assert_eq!(**after.vault().open(&sealed, "webhook:1").expect("opened"), *b"webhook secret");
        // Whoever was running all along has noticed nothing.
        for node in [&world.service, &halfway, &after] {
            node.verify(&bearer(&issued.token)).await.expect("accepted");
            node.rotate_keys(None, &context()).await.expect("rotated");
        }
    }

    async fn several_changes_of_the_master_key_at_once(store: TestStore) {
        let _world = World::new(&store).await;
        let both = master_key(2).with_former(master_key(1));
        let (other, by) = (store.another().await, context());
        let results = futures::future::join_all([
            rewrap_keys(&store, &both, &by), rewrap_keys(&other, &both, &by), rewrap_keys(&store, &both, &by),
        ])
        .await;
        let changed: usize = results.into_iter().map(|result| result.expect("wrapped").changed).sum();
        assert!((1..=3).contains(&changed), "whoever comes late finds it done");
        assert!(TokenService::open(store.store(), master_key(2)).await.is_ok());
    }

    async fn a_lost_master_key_is_explained_and_has_a_way_out(store: TestStore) {
        let world = &World::new(&store).await;
        let beta = make_tenant(&store, "beta").await;
        let issued = world.issue("Okta").await;
        let other = new_token("Entra", store.now() + DAY);
        world.service.issue(beta, other, &context()).await.expect("issued");
        let sealed = world.service.vault().seal(b"x", "webhook:1").expect("sealed");
        let login = crate::NewBasic {
            username: "okta@acme".into(),
            name: None,
            scope: crate::scopes::DEFAULT.into(),
            expires_at: None,
            allowed_from: Default::default(),
        };
        let login = world.service.create_basic(world.tenant, login, &context()).await.expect("a login");
        assert!(matches!(
            lost::replace_keys(&store, &master_key(1), &context()).await,
            Err(lost::ReplaceError::NothingLost)
        ));

        let refused = TokenService::open(store.another().await, master_key(2)).await.map(|_| ());
        let text = refused.expect_err("lost").0;
        for word in ["ROLLCALL_MASTER_KEY", "master.key", "key rewrap", "key replace --lost-master-key", "data key"] {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert_eq!(store.platform().data_keys().await.expect("keys").len(), 1, "nothing was added");

        let actor = Actor { kind: ActorKind::Cli, id: String::new(), name: "command line".into() };
        let by = ChangeContext { actor, cause: "cli".into() };
        let done = lost::replace_keys(&store, &master_key(2), &by).await.expect("replaced");
        assert_eq!(done, lost::Replaced { tokens: 2, tenants: 2 });
        let trail = store.platform().audit(None, 10).await.expect("a trail");
        assert_eq!((trail.len(), trail[0].event.as_str(), &trail[0].actor), (1, "keys.replaced", &by.actor));
        let after = TokenService::open(store.another().await, master_key(2)).await.expect("opens");
        assert!(matches!(after.verify(&bearer(&issued.token)).await, Err(Refusal::Foreign)));
        assert!(after.list(beta).await.expect("a list")[0].revoked_at.is_some());
        assert!(after.vault().open(&sealed, "webhook:1").is_err_and(|error| error.0.contains("enter the secret anew")));
        let presented = crate::Presented::Basic { username: "okta@acme".into(), password: login.password };
        after.verify(&presented).await.expect("passwords do not depend on it");
        let fresh = after.issue(beta, new_token("again", store.now() + DAY), &context()).await.expect("issued");
        after.verify(&bearer(&fresh.token)).await.expect("accepted");

        // A node that ran on with the lost key refuses the old tokens too, and signs nothing that nobody could check.
        eventually("the old node", || async { world.service.verify(&bearer(&issued.token)).await.is_err() }).await;
        let new = new_token("none", store.now() + DAY);
        assert!(world.service.issue(beta, new, &context()).await.is_err());
    }

    /// An installation from before data keys: the master key itself encrypted the one signing key.
    async fn keys_from_before_data_keys_are_taken_over(store: TestStore) {
        let vault = Vault::unlock(&store, &master_key(1)).await.expect("a vault");
        let row = keys::generate(KeyState::Active, &vault, store.now()).expect("a key");
        let context = format!("signing-key:{}", row.kid);
        let plain = vault.open(&row.sealed, &context).expect("opened");
        let row = SigningKey { sealed: master_key(1).encrypt(&plain, &context).expect("encrypted"), ..row };
        // As the migration leaves it: one key, no data key.
        let spare = crate::vault::generate(&master_key(1), 0).expect("a data key");
        store.platform().replace_all_keys(&spare, std::slice::from_ref(&row), &self::context()).await.expect("replaced");
        store.execute("DELETE FROM data_keys").await;

        let wrong = TokenService::open(store.another().await, master_key(2)).await;
        assert!(wrong.is_err_and(|error| error.0.contains("ROLLCALL_MASTER_KEY")));
        assert_eq!(store.platform().data_keys().await.expect("keys"), [], "no data key under a wrong master key");
        let world = &World::new(&store).await;
        assert_eq!(kid(&world.issue("Okta").await.token), row.kid);
        let kept = store.platform().signing_keys().await.expect("keys");
        assert!(kept.len() == 2 && kept.iter().all(|row| !Vault::is_outdated(&row.sealed)));
        world.another_node().await.rotate_keys(None, &self::context()).await.expect("rotated");
    }
}
