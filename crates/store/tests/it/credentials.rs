//! The life of a credential.

use scim_core::profile::CredentialKind;
use store::{
    CredentialId, UserId,
    credentials::{Credential, CredentialUse},
};
use store_testing::on_both;

use crate::common::{conflict, context, tenant};

pub(crate) fn bearer(name: &str) -> Credential {
    Credential {
        id: CredentialId::generate(),
        kind: CredentialKind::Bearer,
        name: name.into(),
        scope: "scim".into(),
        login: None,
        secret_hash: None,
        hint: "wxyz".into(),
        created_at: 1_700_000_000_123,
        created_by: "root".into(),
        expires_at: None,
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        user: None,
    }
}

fn basic(name: &str, login: &str) -> Credential {
    Credential {
        kind: CredentialKind::Basic,
        login: Some(login.into()),
        secret_hash: Some("$argon2id$secret".into()),
        ..bearer(name)
    }
}

on_both! {
    async fn kept_and_revoked(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let (first, second) = (
            Credential { user: Some(UserId::generate()), ..bearer("okta") },
            Credential { created_at: 1_700_000_000_124, ..basic("entra", "Sync") },
        );
        let before = store.epoch();
        scope.create_credential(&first, &context()).await.unwrap();
        scope.create_credential(&second, &context()).await.unwrap();
        assert_eq!(store.epoch(), before + 2);
        assert_eq!(scope.credential(first.id).await.unwrap(), Some(first.clone()));
        assert_eq!(scope.credentials().await.unwrap(), [second.clone(), first.clone()]);

        let now = store.now();
        assert!(scope.revoke_credential(second.id, &context()).await.unwrap());
        assert_eq!(store.epoch(), before + 3);
        let revoked = scope.credential(second.id).await.unwrap().unwrap().revoked_at.unwrap();
        assert!((now..now + 60_000).contains(&revoked));
        for id in [second.id, CredentialId::generate()] {
            assert!(!scope.revoke_credential(id, &context()).await.unwrap());
        }
        assert_eq!(store.epoch(), before + 3);

        let trail = scope.audit(Some(&second.id.to_string()), 10).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| (row.event.as_str(), row.object_version)).collect();
        assert_eq!(events, [("credential.revoked", 2), ("credential.created", 1)]);
        let payload = trail[0].payload.as_ref().unwrap();
        assert_eq!(payload["state"]["revokedAt"], revoked);
        assert!(trail.iter().all(|row| !row.payload.as_ref().unwrap().to_string().contains("argon2")));
    }

    async fn names_and_logins_are_unique_while_valid(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let other = store.tenant(tenant(&store, "other").await);
        let first = Credential { expires_at: Some(store.now() + 10_000), ..basic("Okta", "Sync") };
        scope.create_credential(&first, &context()).await.unwrap();
        let epoch = store.epoch();
        assert_eq!(conflict(scope.create_credential(&bearer("OKTA"), &context()).await), "name");
        assert_eq!(conflict(scope.create_credential(&basic("x", "SYNC"), &context()).await), "login");
        assert_eq!(conflict(other.create_credential(&basic("x", "sync"), &context()).await), "login");
        assert_eq!(store.epoch(), epoch);
        other.create_credential(&bearer("okta"), &context()).await.unwrap();

        store.advance(20_000);
        let second = basic("okta", "sync");
        scope.create_credential(&second, &context()).await.unwrap();
        assert_eq!(scope.credential(first.id).await.unwrap().unwrap().name, "Okta");
        assert!(scope.revoke_credential(second.id, &context()).await.unwrap());
        scope.create_credential(&basic("okta", "sync"), &context()).await.unwrap();
        assert_eq!(store.platform().tenant_counts(scope.id()).await.unwrap().credentials, 1);
    }

    async fn last_uses(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let (first, second) = (bearer("a"), bearer("b"));
        for credential in [&first, &second] {
            scope.create_credential(credential, &context()).await.unwrap();
        }
        let (epoch, trail) = (store.epoch(), scope.audit(None, 100).await.unwrap().len());
        let used = |id, at, from: &str| CredentialUse { id, at, from: from.into() };
        scope.note_uses(&[]).await.unwrap();
        scope
            .note_uses(&[
                used(first.id, 20, "192.0.2.1 Okta"),
                used(first.id, 30, "192.0.2.2 Okta"),
                used(first.id, 10, "192.0.2.3 Okta"),
                used(CredentialId::generate(), 40, "nobody"),
            ])
            .await
            .unwrap();
        scope.note_uses(&[used(first.id, 29, "late"), used(second.id, 7, "curl")]).await.unwrap();
        let first = scope.credential(first.id).await.unwrap().unwrap();
        assert_eq!((first.last_used_at, first.last_used_from.as_deref()), (Some(30), Some("192.0.2.2 Okta")));
        let second = scope.credential(second.id).await.unwrap().unwrap();
        assert_eq!((second.last_used_at, second.last_used_from.as_deref()), (Some(7), Some("curl")));
        assert_eq!((store.epoch(), scope.audit(None, 100).await.unwrap().len()), (epoch, trail));
    }

    async fn writers_take_turns(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let mut writers = tokio::task::JoinSet::new();
        for number in 0..40 {
            let scope = scope.clone();
            writers.spawn(async move { scope.create_credential(&bearer(&format!("t{number}")), &context()).await });
        }
        for outcome in writers.join_all().await {
            outcome.unwrap();
        }
        assert_eq!(scope.credentials().await.unwrap().len(), 40);
    }
}
