//! The life of a credential.

use scim_core::profile::CredentialKind;
use store::{
    CredentialId, StoreError, UserId,
    credentials::{AllowedFrom, Credential, CredentialUse},
    federations::Federation,
    logins::Login,
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
        replaced: false,
        allowed_from: Default::default(),
        warned_days: None,
        kid: None,
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
        let expired = scope.credential(first.id).await.unwrap().unwrap();
        assert_eq!((expired.name.as_str(), expired.login.as_deref(), expired.replaced), ("Okta", Some("Sync"), true));
        assert!(scope.revoke_credential(second.id, &context()).await.unwrap());
        scope.create_credential(&basic("okta", "sync"), &context()).await.unwrap();
        assert_eq!(store.platform().tenant_counts(scope.id()).await.unwrap().credentials, 1);
    }

    async fn a_login_leads_to_its_tenant(store: TestStore) {
        let (acme, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        let owner = async |login: &str| store.platform().login(login).await.unwrap();
        let credential = basic("okta", "Okta@Acme.example");
        store.tenant(acme).create_credential(&credential, &context()).await.unwrap();
        store.tenant(other).create_credential(&bearer("okta"), &context()).await.unwrap();
        let expected = Login { tenant: acme, credential: credential.id };
        for spelling in ["Okta@Acme.example", "okta@acme.EXAMPLE"] {
            assert_eq!(owner(spelling).await, Some(expected), "{spelling}");
        }
        for nobody in ["", "okta", "okta@acme.example "] {
            assert_eq!(owner(nobody).await, None, "{nobody:?}");
        }
        // What another tenant is refused leaves nothing behind, and revoking what is not one's own does nothing.
        let taken = store.tenant(other).create_credential(&basic("x", "okta@acme.example"), &context()).await;
        assert_eq!(conflict(taken), "login");
        assert_eq!(store.tenant(other).credentials().await.unwrap().len(), 1);
        assert!(!store.tenant(other).revoke_credential(credential.id, &context()).await.unwrap());
        assert_eq!(owner("okta@acme.example").await, Some(expected));
        assert!(store.tenant(acme).revoke_credential(credential.id, &context()).await.unwrap());
        assert_eq!(owner("okta@acme.example").await, None);
    }

    /// A tenant has one federation at most, and a directory one tenant.
    async fn a_directory_is_trusted_by_one_credential(store: TestStore) {
        let (acme, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        let scope = store.tenant(acme);
        let federation = |directory: u128| Federation {
            issuer: "https://sts.example.com/".into(),
            audience: "a".into(),
            directory: uuid::Uuid::from_u128(directory),
            keys_url: None,
        };
        let federated = |name: &str, directory| Credential { login: Some(federation(directory).login()), ..bearer(name) };
        let (first, second) = (federated("first", 1), federated("second", 2));
        assert!(first.is_federated() && !bearer("x").is_federated() && !basic("x", "y").is_federated());
        let mine = bearer("mine");
        scope.create_credential(&mine, &context()).await.unwrap();
        assert_eq!(scope.current_federation().await.unwrap(), None);
        assert!(!scope.remove_federation(&context()).await.unwrap());

        scope.set_federation(&first, &federation(1), &context()).await.unwrap();
        let owner = async |directory| store.platform().directory(federation(directory).directory).await.unwrap();
        assert_eq!(owner(1).await, Some(Login { tenant: acme, credential: first.id }));
        let epoch = store.epoch();
        let taken = store.tenant(other).set_federation(&federated("x", 1), &federation(1), &context()).await;
        assert_eq!(conflict(taken), "login");
        assert_eq!(conflict(scope.set_federation(&federated("mine", 2), &federation(2), &context()).await), "name");
        assert_eq!(store.epoch(), epoch);
        assert_eq!(scope.current_federation().await.unwrap(), Some((first.clone(), federation(1))));

        scope.set_federation(&second, &federation(2), &context()).await.unwrap();
        assert_eq!(store.epoch(), epoch + 1);
        assert_eq!((owner(1).await, owner(2).await.map(|login| login.credential)), (None, Some(second.id)));
        assert_eq!(scope.current_federation().await.unwrap(), Some((second.clone(), federation(2))));
        let (kept, terms) = scope.federation(first.id).await.unwrap().unwrap();
        assert!(kept.revoked_at.is_some() && terms == federation(1), "history stays");
        assert_eq!(scope.federation(mine.id).await.unwrap(), None);
        assert_eq!(store.tenant(other).federation(second.id).await.unwrap(), None);

        assert!(scope.remove_federation(&context()).await.unwrap());
        assert_eq!((owner(2).await, scope.current_federation().await.unwrap()), (None, None));
        assert_eq!(scope.credential(mine.id).await.unwrap().unwrap().revoked_at, None);
        let trail = scope.audit(None, 10).await.unwrap();
        let events: Vec<_> = trail.iter().rev().map(|row| row.event.as_str()).collect();
        let (made, gone) = ("credential.created", "credential.revoked");
        assert_eq!(events.split_first().unwrap().1, [made, made, gone, made, gone]);
    }

    /// A login is free as soon as its credential is revoked or expired, for everybody.
    async fn a_login_goes_to_another_tenant(store: TestStore) {
        let (acme, other) = (tenant(&store, "acme").await, tenant(&store, "other").await);
        let first = Credential { expires_at: Some(store.now() + 10_000), ..basic("okta", "sync") };
        store.tenant(acme).create_credential(&first, &context()).await.unwrap();
        store.advance(20_000);
        let second = basic("okta", "sync");
        store.tenant(other).create_credential(&second, &context()).await.unwrap();
        let now = Some(Login { tenant: other, credential: second.id });
        assert_eq!(store.platform().login("sync").await.unwrap(), now);
        // The first owner has lost it: revoking what expired does not take it from the second.
        assert!(store.tenant(acme).revoke_credential(first.id, &context()).await.unwrap());
        assert_eq!(store.platform().login("sync").await.unwrap(), now);
        let again = store.tenant(acme).create_credential(&basic("again", "sync"), &context()).await;
        assert_eq!(conflict(again), "login");

        assert!(store.tenant(other).revoke_credential(second.id, &context()).await.unwrap());
        let third = basic("again", "SYNC");
        store.tenant(acme).create_credential(&third, &context()).await.unwrap();
        let now = Some(Login { tenant: acme, credential: third.id });
        assert_eq!(store.platform().login("sync").await.unwrap(), now);
    }

    /// Of many tenants that want one login at the same moment, one gets it.
    async fn a_login_has_one_owner(store: TestStore) {
        let mut tenants = Vec::new();
        for number in 0..6 {
            tenants.push(tenant(&store, &format!("t{number}")).await);
        }
        let expired = Credential { expires_at: Some(store.now() + 1), ..basic("old", "sync") };
        store.tenant(tenants[0]).create_credential(&expired, &context()).await.unwrap();
        store.advance(1_000);
        let mut takers = tokio::task::JoinSet::new();
        for id in tenants {
            let scope = store.tenant(id);
            takers.spawn(async move { scope.create_credential(&basic("new", "Sync"), &context()).await });
        }
        let outcomes = takers.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        let refused = |outcome: &Result<(), StoreError>| {
            matches!(outcome, Ok(()) | Err(StoreError::Conflict { attribute: "login" }))
        };
        assert!(outcomes.iter().all(refused), "{outcomes:?}");
        assert!(store.platform().login("sync").await.unwrap().is_some());
    }

    async fn a_rotated_credential_gives_its_name_to_the_new_one(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let (old, new) = (Credential { expires_at: Some(store.now() + 60_000), ..bearer("Okta") }, bearer("Okta"));
        scope.create_credential(&old, &context()).await.unwrap();
        let epoch = store.epoch();
        let ends_at = store.now() + 10_000;
        let kept = scope.rotate_credential(old.id, ends_at, &new, &context()).await.unwrap().unwrap();
        assert_eq!(kept, Credential { expires_at: Some(ends_at), replaced: true, ..old.clone() });
        assert_eq!(store.epoch(), epoch + 1);
        assert_eq!(scope.credential(old.id).await.unwrap(), Some(kept));
        assert_eq!(scope.credential(new.id).await.unwrap(), Some(new.clone()));
        assert_eq!(conflict(scope.create_credential(&bearer("okta"), &context()).await), "name");

        // Not twice, not what is revoked, expired, unknown, another tenant's or has a login; then nothing is left.
        let other = store.tenant(tenant(&store, "other").await);
        let (revoked, expired, login) = (
            bearer("revoked"),
            Credential { expires_at: Some(store.now() - 1), ..bearer("expired") },
            basic("login", "sync"),
        );
        for credential in [&revoked, &expired, &login] {
            scope.create_credential(credential, &context()).await.unwrap();
        }
        scope.revoke_credential(revoked.id, &context()).await.unwrap();
        let (epoch, count) = (store.epoch(), scope.credentials().await.unwrap().len());
        for id in [old.id, revoked.id, expired.id, login.id, CredentialId::generate()] {
            let rotated = scope.rotate_credential(id, ends_at, &bearer("later"), &context()).await.unwrap();
            assert_eq!(rotated, None, "{id}");
        }
        assert_eq!(other.rotate_credential(new.id, ends_at, &bearer("Okta"), &context()).await.unwrap(), None);
        assert_eq!((store.epoch(), scope.credentials().await.unwrap().len()), (epoch, count));
        assert!(other.credentials().await.unwrap().is_empty());

        // Somebody narrows the networks of the old one just before: the new one cannot come from elsewhere.
        let narrow = AllowedFrom { networks: vec!["203.0.113.0/24".parse().unwrap()], report_only: false };
        let (held, wide) = (bearer("narrowed"), bearer("narrowed"));
        scope.create_credential(&held, &context()).await.unwrap();
        scope.allow_credential_from(held.id, &narrow, &context()).await.unwrap().unwrap();
        let kept = scope.rotate_credential(held.id, ends_at, &wide, &context()).await.unwrap().unwrap();
        assert_eq!(kept.allowed_from, narrow);
        assert_eq!(scope.credential(wide.id).await.unwrap().unwrap().allowed_from, narrow);

        // It ends when it would have, or sooner; and one that never ended gets an end.
        let third = bearer("Okta");
        let kept = scope.rotate_credential(new.id, ends_at, &third, &context()).await.unwrap().unwrap();
        assert_eq!(kept.expires_at, Some(ends_at));
        scope.revoke_credential(new.id, &context()).await.unwrap();
        let early = Credential { expires_at: Some(store.now() + 5_000), ..bearer("early") };
        scope.create_credential(&early, &context()).await.unwrap();
        let kept = scope.rotate_credential(early.id, ends_at, &bearer("early"), &context()).await.unwrap().unwrap();
        assert_eq!(kept.expires_at, early.expires_at);

        let trail = scope.audit(Some(&new.id.to_string()), 10).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| (row.event.as_str(), row.object_version)).collect();
        assert_eq!(events, [("credential.revoked", 3), ("credential.rotated", 2), ("credential.rotated", 1)]);
        let payload = |row: usize| trail[row].payload.as_ref().unwrap();
        assert_eq!(payload(1)["replacedBy"], third.id.to_string());
        assert_eq!(payload(1)["before"], serde_json::json!({"expiresAt": null}));
        assert_eq!(payload(1)["state"]["expiresAt"], ends_at);
        assert_eq!(payload(2)["replaces"], old.id.to_string());
    }

    /// Two people who rotate one token at the same moment get one new token between them.
    async fn a_credential_is_rotated_once(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let old = bearer("Okta");
        scope.create_credential(&old, &context()).await.unwrap();
        let ends_at = store.now() + 10_000;
        let mut people = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (scope, id) = (scope.clone(), old.id);
            people.spawn(async move { scope.rotate_credential(id, ends_at, &bearer("Okta"), &context()).await });
        }
        let rotated = people.join_all().await.into_iter().filter(|outcome| outcome.as_ref().unwrap().is_some());
        assert_eq!(rotated.count(), 1);
        assert_eq!(scope.credentials().await.unwrap().len(), 2);
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

    async fn networks_are_said_anew(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let other = store.tenant(tenant(&store, "other").await);
        let allowed = |text: &str, report_only| AllowedFrom {
            networks: text.split(' ').map(|network| network.parse().unwrap()).collect(),
            report_only,
        };
        let okta = Credential { allowed_from: allowed("10.0.0.0/8", false), ..bearer("okta") };
        scope.create_credential(&okta, &context()).await.unwrap();
        assert_eq!(scope.credential(okta.id).await.unwrap(), Some(okta.clone()));
        let epoch = store.epoch();
        let (list, anywhere) = (allowed("203.0.113.0/24 2001:db8::/32", true), AllowedFrom::default());
        let change = async |scope: &store::TenantScope, list| {
            scope.allow_credential_from(okta.id, list, &context()).await.unwrap()
        };
        let changed = Credential { allowed_from: list.clone(), ..okta.clone() };
        assert_eq!(change(&scope, &list).await, Some(changed.clone()));
        assert_eq!(store.epoch(), epoch + 1);
        assert_eq!(change(&scope, &list).await, Some(changed.clone()), "nothing to change");
        assert_eq!(change(&other, &list).await, None);
        assert_eq!(scope.credential(okta.id).await.unwrap(), Some(changed));
        assert_eq!(change(&scope, &anywhere).await.unwrap().allowed_from, anywhere);
        assert_eq!(store.epoch(), epoch + 2);
        scope.revoke_credential(okta.id, &context()).await.unwrap();
        assert_eq!(change(&scope, &list).await, None, "revoked");
        let trail = scope.audit(Some(&okta.id.to_string()), 10).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| (row.event.as_str(), row.object_version)).collect();
        let updated = "credential.updated";
        assert_eq!(events, [("credential.revoked", 4), (updated, 3), (updated, 2), ("credential.created", 1)]);
        let payload = trail[2].payload.as_ref().unwrap();
        assert_eq!(payload["before"], serde_json::json!({"allowedFrom": ["10.0.0.0/8"], "reportOnly": false}));
        let now = serde_json::json!(["203.0.113.0/24", "2001:db8::/32"]);
        assert_eq!((&payload["state"]["allowedFrom"], &payload["state"]["reportOnly"]), (&now, &true.into()));
    }

    /// Of many nodes one warns of each step, and none of what is revoked, replaced or past.
    async fn an_end_is_told_once(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let now = store.now();
        let ending = |name: &str, at| Credential { expires_at: Some(at), ..bearer(name) };
        let okta = ending("okta", now + 50_000_000);
        let (later, past, revoked, replaced) =
            (ending("later", now + 90_000_000), ending("past", now - 1), ending("revoked", now + 1_000_000), ending("new", now + 40_000_000));
        for credential in [&okta, &later, &past, &revoked, &replaced, &bearer("endless")] {
            scope.create_credential(credential, &context()).await.unwrap();
        }
        scope.revoke_credential(revoked.id, &context()).await.unwrap();
        let new = ending("new", now + 60_000_000);
        scope.rotate_credential(replaced.id, now + 30_000_000, &new, &context()).await.unwrap().unwrap();
        let ids = |page: &[Credential]| page.iter().map(|one| one.id).collect::<Vec<_>>();
        let ending = async |after: i64, last, limit| {
            scope.credentials_ending((after, now + 80_000_000), last, limit).await.unwrap()
        };
        let page = ending(now, None, 1).await;
        assert_eq!(ids(&page), [okta.id]);
        let page = ending(now, page.last(), 10).await;
        assert_eq!(ids(&page), [new.id]);
        assert!(ending(now, page.last(), 10).await.is_empty());
        assert_eq!(ids(&ending(now - 2, None, 10).await), [past.id, okta.id, new.id]);

        let epoch = store.epoch();
        for (days, expected) in [(7, 1), (7, 0), (30, 0), (1, 1)] {
            let mut nodes = tokio::task::JoinSet::new();
            for _ in 0..6 {
                let (scope, id) = (scope.clone(), okta.id);
                nodes.spawn(async move { scope.warn_of_credential_end(id, days, &context()).await.unwrap() });
            }
            assert_eq!(nodes.join_all().await.into_iter().filter(|warned| *warned).count(), expected, "{days}");
        }
        for nobody in [past.id, revoked.id, replaced.id, CredentialId::generate()] {
            assert!(!scope.warn_of_credential_end(nobody, 1, &context()).await.unwrap());
        }
        assert_eq!(store.epoch(), epoch);
        assert_eq!(scope.credential(okta.id).await.unwrap().unwrap().warned_days, Some(1));
        let trail = scope.audit(Some(&okta.id.to_string()), 10).await.unwrap();
        let events: Vec<_> = trail.iter().map(|row| (row.event.as_str(), row.object_version)).collect();
        let expiring = "credential.expiring";
        assert_eq!(events, [(expiring, 3), (expiring, 2), ("credential.created", 1)]);
        assert_eq!(trail[0].payload.as_ref().unwrap()["daysLeft"], 1);
    }
}
