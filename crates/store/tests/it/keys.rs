//! Signing keys and data keys: who comes first, who comes second, and what they leave.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use store::{
    CredentialId, Store, TenantId,
    credentials::Credential,
    keys::{DataKey, KeyState, Rewrapping, Rotation, SigningKey},
};
use store_testing::{TestStore, on_both};
use uuid::Uuid;

use crate::{
    common::{raw, run, tenant},
    credentials::bearer,
    support::context,
};

fn key(kid: &str, state: KeyState) -> SigningKey {
    SigningKey {
        kid: kid.into(),
        public_key: vec![0, 255, 1],
        sealed: vec![9; 48],
        state,
        created_at: 1_700_000_000_001,
        active_at: (state == KeyState::Active).then_some(1_700_000_000_002),
        retired_at: None,
        covers_until: 7,
    }
}

fn data_key(byte: u8) -> DataKey {
    DataKey { id: Uuid::from_u128(byte.into()), wrapped: vec![byte; 60], created_at: i64::from(byte) }
}

/// An active key `a` and a next one `n`.
async fn with_keys(store: &TestStore) {
    for key in [key("a", KeyState::Active), key("n", KeyState::Next)] {
        assert_eq!(store.platform().ensure_signing_key(&key).await.unwrap(), key);
    }
}

fn rotation(active: &str, next: &str, new_next: &str) -> Rotation {
    Rotation {
        active: active.into(),
        active_sealed: vec![1],
        next: next.into(),
        new_next: key(new_next, KeyState::Next),
    }
}

async fn states(store: &TestStore) -> Vec<(String, KeyState)> {
    let mut keys: Vec<_> =
        store.platform().signing_keys().await.unwrap().into_iter().map(|key| (key.kid, key.state)).collect();
    keys.sort_by(|left, right| left.0.cmp(&right.0));
    keys
}

async fn signed(store: &TestStore, tenant: TenantId, kid: Option<&str>, expires_in: i64) -> CredentialId {
    let credential = Credential {
        id: CredentialId::generate(),
        kid: kid.map(str::to_owned),
        expires_at: Some(store.now() + expires_in),
        ..bearer(&Uuid::now_v7().to_string())
    };
    store.tenant(tenant).create_credential(&credential, &context()).await.unwrap();
    credential.id
}

on_both! {
    async fn one_key_signs_and_one_is_next_whoever_comes_first(store: TestStore) {
        let nodes = [store.store(), store.another().await];
        let before = store.epoch();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..16 {
            let platform = nodes[number % 2].platform();
            let state = if number < 8 { KeyState::Active } else { KeyState::Next };
            tasks.spawn(async move { platform.ensure_signing_key(&key(&format!("k{number:02}"), state)).await.unwrap() });
        }
        let given = tasks.join_all().await;
        let keys = store.platform().signing_keys().await.unwrap();
        assert_eq!(keys.len(), 2);
        for state in [KeyState::Active, KeyState::Next] {
            let kept = keys.iter().find(|kept| kept.state == state).unwrap();
            assert_eq!(*kept, key(&kept.kid, state));
            assert!(given.iter().filter(|given| given.state == state).all(|given| given == kept), "{given:?}");
            assert_eq!(store.platform().ensure_signing_key(&key("later", state)).await.unwrap(), *kept);
        }
        assert!(nodes.iter().any(|node| node.epoch() > before), "others hear of a new key");
        let (before, there) = (store.epoch(), keys[0].clone());
        store.platform().ensure_signing_key(&there).await.unwrap();
        assert_eq!(store.epoch(), before, "and of none when there is none");
    }

    async fn a_rotation_moves_each_key_one_step(store: TestStore) {
        with_keys(&store).await;
        let before = store.epoch();
        assert!(store.platform().rotate_signing_keys(&rotation("a", "n", "z"), &context()).await.unwrap());
        assert!(store.epoch() > before);
        let expected = [("a", KeyState::Retired), ("n", KeyState::Active), ("z", KeyState::Next)];
        assert_eq!(states(&store).await, expected.map(|(kid, state)| (kid.to_owned(), state)));
        let keys = store.platform().signing_keys().await.unwrap();
        let of = |kid: &str| keys.iter().find(|key| key.kid == kid).unwrap();
        assert_eq!(of("a").sealed, [1], "nothing is left of the private half");
        assert_eq!(of("a").active_at, Some(1_700_000_000_002));
        assert_eq!(of("a").retired_at, of("n").active_at);
        assert!(of("n").active_at.is_some_and(|at| at >= store.now() - 60_000));
        assert_eq!(of("n").sealed, vec![9; 48]);
        let trail = store.platform().audit(None, 10).await.unwrap();
        assert_eq!((trail.len(), trail[0].event.as_str(), trail[0].object_id.as_str()), (1, "signing-key.rotated", "n"));
        assert_eq!((&trail[0].actor, &trail[0].cause), (&context().actor, &context().cause));
        assert_eq!(trail[0].payload, Some(json!({"retired": "a", "next": "z"})), "ids, and nothing of a key");

        let (before, states_before) = (store.epoch(), states(&store).await);
        for stale in [rotation("a", "n", "y"), rotation("n", "a", "y"), rotation("n", "gone", "y")] {
            assert!(!store.platform().rotate_signing_keys(&stale, &context()).await.unwrap(), "{stale:?}");
        }
        assert_eq!(states(&store).await, states_before);
        assert_eq!(store.epoch(), before);
        assert_eq!(store.platform().audit(None, 10).await.unwrap(), trail, "what was not done is not told");
    }

    async fn of_many_rotations_at_once_one_is_carried_out(store: TestStore) {
        with_keys(&store).await;
        let nodes = [store.store(), store.another().await];
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            let platform = nodes[number % 2].platform();
            let rotation = rotation("a", "n", &format!("z{number}"));
            tasks.spawn(async move { platform.rotate_signing_keys(&rotation, &context()).await.unwrap() });
        }
        assert_eq!(tasks.join_all().await.into_iter().filter(|done| *done).count(), 1);
        assert_eq!(states(&store).await.len(), 3);
    }

    async fn a_key_covers_its_tokens_as_long_as_it_signs(store: TestStore) {
        with_keys(&store).await;
        let platform = store.platform();
        let covers = async |kid: &str| {
            let keys = store.platform().signing_keys().await.unwrap();
            keys.into_iter().find(|key| key.kid == kid).unwrap().covers_until
        };
        assert!(platform.cover_signing_key("a", 500).await.unwrap());
        assert!(platform.cover_signing_key("a", 400).await.unwrap(), "it reaches further already");
        assert_eq!(covers("a").await, 500);
        assert!(!platform.cover_signing_key("n", 900).await.unwrap(), "it does not sign yet");
        assert!(platform.rotate_signing_keys(&rotation("a", "n", "z"), &context()).await.unwrap());
        for until in [400, 900] {
            assert!(!platform.cover_signing_key("a", until).await.unwrap(), "it signs no more");
        }
        assert_eq!((covers("a").await, covers("n").await), (500, 7));
    }

    async fn a_retired_key_goes_with_its_last_token(store: TestStore) {
        with_keys(&store).await;
        let platform = store.platform();
        let end = store.now() + 60_000;
        assert!(platform.cover_signing_key("a", end).await.unwrap());
        store.advance(3_600_000);
        assert_eq!(platform.remove_ended_signing_keys().await.unwrap(), Vec::<String>::new(), "it signs");
        store.advance(-3_600_000);
        assert!(platform.rotate_signing_keys(&rotation("a", "n", "z"), &context()).await.unwrap());
        let before = store.epoch();
        assert_eq!(platform.remove_ended_signing_keys().await.unwrap(), Vec::<String>::new());
        assert_eq!(store.epoch(), before);
        store.advance(60_000);
        assert_eq!(platform.remove_ended_signing_keys().await.unwrap(), ["a"]);
        assert!(store.epoch() > before);
        assert_eq!(states(&store).await.len(), 2);
    }

    async fn live_tokens_are_counted_over_all_tenants(store: TestStore) {
        let (acme, beta) = (tenant(&store, "acme").await, tenant(&store, "beta").await);
        assert!(store.platform().live_tokens_by_key().await.unwrap().is_empty());
        for (tenant, kid, expires_in) in
            [(acme, Some("a"), 60_000), (beta, Some("a"), 60_000), (beta, Some("n"), 1_000), (acme, None, 60_000)]
        {
            signed(&store, tenant, kid, expires_in).await;
        }
        let revoked = signed(&store, acme, Some("a"), 60_000).await;
        assert!(store.tenant(acme).revoke_credential(revoked, &context()).await.unwrap());
        let counts = store.platform().live_tokens_by_key().await.unwrap();
        assert_eq!(counts, [("a".to_owned(), 2), ("n".to_owned(), 1)].into());
        store.advance(1_000);
        assert_eq!(store.platform().live_tokens_by_key().await.unwrap(), [("a".to_owned(), 2)].into());
        let kept = store.tenant(beta).credentials().await.unwrap();
        assert_eq!(kept.iter().filter(|credential| credential.kid.as_deref() == Some("a")).count(), 1);
    }

    async fn the_first_data_key_is_the_only_one(store: TestStore) {
        let nodes = [store.store(), store.another().await];
        let mut tasks = tokio::task::JoinSet::new();
        for number in 1..=8_u8 {
            let platform = nodes[usize::from(number) % 2].platform();
            tasks.spawn(async move { platform.ensure_data_key(&data_key(number)).await.unwrap() });
        }
        let given = tasks.join_all().await;
        let kept = store.platform().data_keys().await.unwrap();
        assert_eq!(kept.len(), 1);
        assert!(given.iter().all(|given| *given == kept[0]), "{given:?}");
    }

    async fn data_keys_are_wrapped_anew_all_or_none(store: TestStore) {
        let platform = store.platform();
        platform.ensure_data_key(&data_key(1)).await.unwrap();
        let one = |before: u8, after: u8| Rewrapping {
            id: data_key(1).id,
            before: vec![before; 60],
            after: vec![after; 60],
        };
        let other = Rewrapping { id: data_key(2).id, before: vec![2; 60], after: vec![3; 60] };
        for stale in [vec![one(9, 5)], vec![one(1, 5), other], vec![]] {
            assert!(!platform.rewrap_data_keys(&stale, &context()).await.unwrap());
            assert_eq!(platform.data_keys().await.unwrap(), [data_key(1)]);
        }
        assert!(platform.rewrap_data_keys(&[one(1, 1)], &context()).await.unwrap());
        assert_eq!(platform.audit(None, 10).await.unwrap(), [], "nothing was wrapped otherwise");
        assert!(platform.rewrap_data_keys(&[one(1, 5)], &context()).await.unwrap());
        assert_eq!(platform.data_keys().await.unwrap(), [DataKey { wrapped: vec![5; 60], ..data_key(1) }]);
        let told = platform.audit(Some(&data_key(1).id.to_string()), 10).await.unwrap();
        assert_eq!((told.len(), told[0].event.as_str(), &told[0].payload), (1, "data-key.rewrapped", &Some(json!({}))));
    }

    async fn all_keys_are_replaced_at_once(store: TestStore) {
        with_keys(&store).await;
        store.platform().ensure_data_key(&data_key(1)).await.unwrap();
        let before = store.epoch();
        let signing = [key("b", KeyState::Active), key("m", KeyState::Next)];
        store.platform().replace_all_keys(&data_key(2), &signing, &context()).await.unwrap();
        assert_eq!(store.platform().signing_keys().await.unwrap(), signing);
        assert_eq!(store.platform().data_keys().await.unwrap(), [data_key(2)]);
        let told = store.platform().audit(None, 10).await.unwrap();
        assert_eq!((told.len(), told[0].event.as_str()), (1, "keys.replaced"));
        assert_eq!(told[0].payload, Some(json!({"signingKeys": ["b", "m"]})));
        assert!(store.epoch() > before);
        assert!(store.platform().reseal_signing_key("b", &[9; 48], &[4]).await.unwrap());
        assert!(!store.platform().reseal_signing_key("b", &[9; 48], &[5]).await.unwrap());
        assert_eq!(store.platform().signing_keys().await.unwrap()[0].sealed, [4]);
    }

    /// The one key of an installation from before has signed every token that is there.
    async fn keys_from_before_rotation_are_taken_over(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let db = raw(&store).await;
        signed(&store, id, None, 60_000).await;
        let postgres = db.get_database_backend() == DbBackend::Postgres;
        for sql in [
            "DROP TABLE data_keys",
            "ALTER TABLE credentials DROP COLUMN kid",
            "DROP INDEX signing_keys_next",
            "ALTER TABLE signing_keys DROP COLUMN active_at",
            "ALTER TABLE signing_keys DROP COLUMN retired_at",
            "ALTER TABLE signing_keys DROP COLUMN covers_until",
            "ALTER TABLE signing_keys RENAME COLUMN sealed TO private_key_encrypted",
            "DELETE FROM seaql_migrations WHERE version LIKE '%_keys'",
            if postgres { "DROP FUNCTION live_tokens_by_key" } else { "SELECT 1" },
        ] {
            run(&db, sql).await;
        }
        let bytes = if postgres { "'\\x0102'" } else { "x'0102'" };
        let values = format!("('old', {bytes}, {bytes}, 'active', 1700000000001)");
        db.execute_raw(Statement::from_string(
            db.get_database_backend(),
            format!("INSERT INTO signing_keys (kid, public_key, private_key_encrypted, state, created_at) VALUES {values}"),
        ))
        .await
        .unwrap();
        assert_eq!(Store::migrate(store.options()).await.unwrap().len(), 1);
        let keys = store.platform().signing_keys().await.unwrap();
        assert_eq!((keys[0].kid.as_str(), keys[0].state, keys[0].active_at), ("old", KeyState::Active, Some(1_700_000_000_001)));
        let ten_years = 3653 * 86_400_000;
        assert!((keys[0].covers_until - store.now() - ten_years).abs() < 60_000, "{}", keys[0].covers_until);
        assert_eq!(store.platform().live_tokens_by_key().await.unwrap(), [("old".to_owned(), 1)].into());
        db.close().await.unwrap();
    }
}
