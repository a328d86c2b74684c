//! Tenants, their first profile version, and their list.

use store::{
    Backend, TenantId,
    tenants::{NewTenant, TenantCounts, TenantStatus},
};
use store_testing::{TestStore, on_both};
use uuid::Uuid;

use crate::common::{conflict, context, new_tenant, raw, run, tenant};

/// Two live users, one of them active, a hidden one; two groups that give one role to both; a hidden group.
async fn fill(store: &TestStore, tenant: TenantId) {
    let literal = |id: Uuid| match store.backend() {
        Backend::Postgres => format!("'{id}'"),
        Backend::Sqlite => format!("x'{}'", id.simple()),
    };
    let tenant = literal(tenant.0);
    let ids = [1, 2, 3].map(|number| literal(Uuid::from_u128(number)));
    let db = raw(store).await;
    for (id, active, deleted) in [(&ids[0], true, "NULL"), (&ids[1], false, "NULL"), (&ids[2], true, "9")] {
        let row =
            format!("{tenant}, {id}, 'u', {id}, NULL, NULL, {active}, '{{}}', '{{}}', 1, 0, 0, {deleted}");
        run(&db, &format!("INSERT INTO users VALUES ({row})")).await;
        let row = format!("{tenant}, {id}, 'g', {id}, NULL, '{{}}', '{{}}', 1, 0, 0, {deleted}");
        run(&db, &format!("INSERT INTO groups VALUES ({row})")).await;
    }
    run(&db, &format!("INSERT INTO roles VALUES ({tenant}, 'manager', 'Manager', 0)")).await;
    for (user, group) in [(&ids[0], &ids[0]), (&ids[0], &ids[1]), (&ids[1], &ids[0])] {
        run(&db, &format!("INSERT INTO role_grants VALUES ({tenant}, {user}, {group}, 'manager')")).await;
    }
    db.close().await.unwrap();
}

on_both! {
    async fn made_and_found(store: TestStore) {
        let platform = store.platform();
        let (epoch, before) = (store.epoch(), store.now());
        let made = platform.create_tenant(&new_tenant("acme"), &context()).await.unwrap();
        assert!(store.epoch() > epoch);
        assert_eq!((made.slug.as_str(), made.profile.as_str(), made.profile_version), ("acme", "name = \"acme\"", 1));
        assert_eq!((made.status, made.gate_open), (TenantStatus::Inactive, false));
        assert!((before..before + 60_000).contains(&made.created_at));
        assert_eq!(platform.tenant_by_slug("acme").await.unwrap(), Some(made.clone()));
        assert_eq!(platform.tenant_by_id(made.id).await.unwrap(), Some(made.clone()));
        assert_eq!(platform.tenant_by_slug("ACME").await.unwrap(), None);
        assert_eq!(platform.tenant_by_id(TenantId::generate()).await.unwrap(), None);
        let trail = store.tenant(made.id).audit(None, 10).await.unwrap();
        assert_eq!((trail.len(), trail[0].event.as_str(), trail[0].object_version), (1, "tenant.created", 1));
        assert_eq!(trail[0].payload.as_ref().unwrap()["state"]["slug"], "acme");
    }

    async fn slugs_are_unique(store: TestStore) {
        let platform = store.platform();
        tenant(&store, "acme").await;
        let epoch = store.epoch();
        assert_eq!(conflict(platform.create_tenant(&new_tenant("acme"), &context()).await), "slug");
        assert_eq!((platform.tenants("", 0, 10).await.unwrap().total, store.epoch()), (1, epoch));
    }

    async fn activated_and_deactivated(store: TestStore) {
        let platform = store.platform();
        let id = tenant(&store, "acme").await;
        let state = async || {
            let row = platform.tenant_by_id(id).await.unwrap().unwrap();
            (row.status, row.gate_open, store.tenant(id).audit(None, 10).await.unwrap().len())
        };
        for (status, expected) in [
            (TenantStatus::Inactive, (TenantStatus::Inactive, false, 1)),
            (TenantStatus::Active, (TenantStatus::Active, true, 2)),
            (TenantStatus::Active, (TenantStatus::Active, true, 2)),
            (TenantStatus::Inactive, (TenantStatus::Inactive, true, 3)),
        ] {
            let (epoch, events) = (store.epoch(), state().await.2);
            assert!(platform.configure_tenant(id, &status.into(), &context()).await.unwrap());
            assert_eq!(state().await, expected);
            assert_eq!(store.epoch() > epoch, expected.2 > events);
        }
        let newest = store.tenant(id).audit(None, 1).await.unwrap().remove(0);
        assert_eq!((newest.event.as_str(), newest.object_version), ("tenant.deactivated", 3));
        let payload = newest.payload.unwrap();
        assert_eq!((&payload["before"]["status"], &payload["state"]["status"]), (&"active".into(), &"inactive".into()));
        assert!(!platform.configure_tenant(TenantId::generate(), &TenantStatus::Active.into(), &context()).await.unwrap());

        let active = NewTenant { activate: true, ..new_tenant("at-once") };
        let made = platform.create_tenant(&active, &context()).await.unwrap();
        assert_eq!((made.status, made.gate_open), (TenantStatus::Active, true));
    }

    async fn listed_and_searched(store: TestStore) {
        let platform = store.platform();
        for (slug, name) in [("c", "ÉCOLE Zürich"), ("a", "100%_sure\\"), ("b", "Bakery"), ("bb", "école b")] {
            let new = NewTenant { name: name.into(), ..new_tenant(slug) };
            platform.create_tenant(&new, &context()).await.unwrap();
        }
        for (search, expected) in [
            ("", vec!["a", "b", "bb", "c"]),
            ("école", vec!["bb", "c"]),
            ("BAK", vec!["b"]),
            ("b", vec!["b", "bb"]),
            ("%_", vec!["a"]),
            ("\\", vec!["a"]),
            ("0_", vec![]),
            ("%a", vec![]),
        ] {
            let page = platform.tenants(search, 0, 10).await.unwrap();
            let found: Vec<_> = page.items.iter().map(|row| row.slug.as_str()).collect();
            assert_eq!((found, page.total), (expected.clone(), expected.len() as u64), "{search:?}");
        }
        let page = platform.tenants("", 1, 2).await.unwrap();
        let found: Vec<_> = page.items.iter().map(|row| (row.slug.as_str(), row.profile.as_str())).collect();
        assert_eq!((found, page.total), (vec![("b", "name = \"b\""), ("bb", "name = \"bb\"")], 4));
        assert_eq!(platform.tenants("", 9, 2).await.unwrap().items, []);
    }

    async fn counts(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let platform = store.platform();
        let valid = crate::credentials::bearer("valid");
        let mut expired = crate::credentials::bearer("expired");
        expired.expires_at = Some(store.now() - 1);
        for credential in [&valid, &expired] {
            store.tenant(id).create_credential(credential, &context()).await.unwrap();
        }
        let expected = TenantCounts { credentials: 1, ..TenantCounts::default() };
        assert_eq!(platform.tenant_counts(id).await.unwrap(), expected);

        fill(&store, id).await;
        let expected = TenantCounts { users: 2, active_users: 1, groups: 2, roles: 1, credentials: 1 };
        assert_eq!(platform.tenant_counts(id).await.unwrap(), expected);
        assert_eq!(platform.tenant_counts(TenantId::generate()).await.unwrap(), TenantCounts::default());
    }

    async fn a_list_goes_on_after_a_slug(store: TestStore) {
        for slug in ["beta", "acme", "gamma", "acme-2"] {
            tenant(&store, slug).await;
        }
        let slugs = async |search, after, limit| {
            let rows = store.platform().tenants_after(search, after, limit).await.unwrap();
            rows.into_iter().map(|row| row.slug).collect::<Vec<_>>()
        };
        assert_eq!(slugs("", None, 2).await, ["acme", "acme-2"]);
        assert_eq!(slugs("", Some("acme-2"), 9).await, ["beta", "gamma"]);
        assert_eq!(slugs("ACME", Some("acme"), 9).await, ["acme-2"]);
        assert_eq!(slugs("", Some("zeta"), 9).await, Vec::<String>::new());
    }
}
