//! Lists of tenants, and what stands beside each.

use store::{
    TenantId,
    credentials::CredentialUse,
    refusals::RefusalRow,
    tenants::{NewTenant, Summary, TenantFilter, TenantStatus},
};
use store_testing::on_both;

use crate::{
    common::{context, new_tenant, tenant},
    credentials::bearer,
};

const DAY: i64 = 24 * 3_600_000;

on_both! {
    async fn filtered_and_paged(store: TestStore) {
        let platform = store.platform();
        for (slug, profile, activate) in [("a", "envi", true), ("b", "generic", false), ("c", "envi", false), ("d", "envi", true)] {
            let new = NewTenant { profile_name: profile.into(), activate, ..new_tenant(slug) };
            platform.create_tenant(&new, &context()).await.unwrap();
        }
        let d = platform.tenant_by_slug("d").await.unwrap().unwrap().id;
        let slugs = async |filter: &TenantFilter, offset, limit| {
            let page = platform.list_tenants(filter, offset, limit).await.unwrap();
            (page.items.into_iter().map(|row| row.slug).collect::<Vec<_>>().join(" "), page.total)
        };
        let all = TenantFilter::default();
        assert_eq!(slugs(&all, 1, 2).await, ("b c".into(), 4));
        let envi = TenantFilter { profile: Some("envi".into()), ..all.clone() };
        assert_eq!(slugs(&envi, 0, 9).await, ("a c d".into(), 3));
        assert_eq!(platform.count_tenants(&envi).await.unwrap(), (3, 2));
        let idle = TenantFilter { status: Some(TenantStatus::Inactive), ..envi.clone() };
        assert_eq!(slugs(&idle, 0, 9).await, ("c".into(), 1));
        let named = TenantFilter { search: "THE D".into(), ..all.clone() };
        assert_eq!(slugs(&named, 0, 9).await, ("d".into(), 1));
        platform.delete_tenant(d, &context()).await.unwrap();
        assert_eq!(slugs(&all, 0, 9).await, ("a b c".into(), 3));
        assert_eq!(platform.tenant_ids(&envi).await.unwrap().len(), 2);
        let known = platform.tenants_of_ids(&[d, TenantId::generate()]).await.unwrap();
        assert!(known.is_empty());
    }

    async fn counted_in_one_statement(store: TestStore) {
        let platform = store.platform();
        let (acme, beta) = (tenant(&store, "acme").await, tenant(&store, "beta").await);
        store.many_users(acme, 7).await;
        store.many_users(beta, 2).await;
        let now = store.now();
        let (mut soon, mut later, mut ended) = (bearer("soon"), bearer("later"), bearer("ended"));
        soon.expires_at = Some(now + 5 * DAY);
        later.expires_at = Some(now + 90 * DAY);
        ended.expires_at = Some(now - 1);
        for credential in [&soon, &later, &ended] {
            store.tenant(acme).create_credential(credential, &context()).await.unwrap();
        }
        let used = CredentialUse { id: later.id, at: now, from: "x".into() };
        store.tenant(acme).note_uses(&[used]).await.unwrap();
        let mut of_user = bearer("of a user");
        of_user.user = Some(store::UserId::generate());
        of_user.expires_at = Some(now + DAY);
        store.tenant(beta).create_credential(&of_user, &context()).await.unwrap();

        let ids = [acme, beta];
        let summaries = platform.tenant_summaries(&ids).await.unwrap();
        let expected = Summary { users: 7, groups: 0, credentials: 3, live: 2, next_end: soon.expires_at, last_used: Some(now) };
        assert_eq!(summaries[&acme], expected);
        assert_eq!(summaries[&beta], Summary { users: 2, ..Summary::default() });
        assert_eq!(platform.tenant_summaries(&[]).await.unwrap().len(), 0);
        assert_eq!(platform.users_of_tenants(&ids).await.unwrap(), 9);
        assert_eq!(platform.users_of_tenants(&[beta]).await.unwrap(), 2);

        let ending = platform.credentials_ending(&ids, now + 100 * DAY, 1).await.unwrap();
        assert_eq!((ending.total, ending.more, ending.items.len()), (2, true, 1));
        let first = &ending.items[0];
        assert_eq!((first.tenant, first.id, first.name.as_str(), first.ends_at), (acme, soon.id.0, "soon", now + 5 * DAY));
        assert_eq!(platform.credentials_ending(&ids, now + DAY, 9).await.unwrap().total, 0);
        assert_eq!(platform.credentials_ending(&[beta], now + 100 * DAY, 9).await.unwrap().total, 0);

        let refusal = |id: u8, count, at| RefusalRow { id: vec![id], details: "{}".into(), count, first_at: at, last_at: at };
        store.tenant(acme).note_refusals(&[refusal(1, 3, now - 1), refusal(2, 2, now), refusal(3, 9, now - 2 * DAY)]).await.unwrap();
        let refused = platform.tenants_refused(&ids, now - DAY, 9).await.unwrap();
        assert_eq!((refused.len(), refused[0].tenant, refused[0].count, refused[0].last_at), (1, acme, 5, now));
        // None of it leaves a tenant set behind.
        assert_eq!(store.tenant(beta).refusals().await.unwrap(), []);
    }
}
