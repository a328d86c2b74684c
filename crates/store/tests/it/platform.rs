//! Admins and console sessions; see also `sign_in`.

use std::collections::BTreeSet;

use store::{
    AdminId, TenantId,
    admins::{Admin, AdminRole, sessions::SessionRow},
};
use store_testing::on_both;

use crate::common::{conflict, context, tenant};

fn admin(email: &str) -> Admin {
    Admin {
        id: AdminId::generate(),
        email: email.into(),
        password_hash: "$argon2id$…".into(),
        role: AdminRole::Operator,
        tenants: BTreeSet::new(),
        created_at: 1_700_000_000_001,
    }
}

on_both! {
    async fn admins(store: TestStore) {
        let platform = store.platform();
        assert_eq!(platform.admin_count().await.unwrap(), 0);
        let ada = admin("Ada@Example.com");
        platform.create_admin(&ada, &context()).await.unwrap();
        assert_eq!(conflict(platform.create_admin(&admin("ADA@example.COM"), &context()).await), "email");
        assert_eq!(platform.admin_by_email("ada@example.com").await.unwrap(), Some(ada.clone()));
        assert_eq!(platform.admin_by_id(ada.id).await.unwrap(), Some(ada));
        assert_eq!(platform.admin_by_email("eve@example.com").await.unwrap(), None);
        assert_eq!(platform.admin_count().await.unwrap(), 1);
        let trail = platform.audit(None, 10).await.unwrap();
        assert_eq!(trail.len(), 1, "what was refused leaves no trace");
        assert_eq!((trail[0].event.as_str(), trail[0].actor.name.as_str()), ("admin.created", "root"));
        assert!(!trail[0].payload.as_ref().unwrap().to_string().contains("argon2"));
    }

    async fn admins_reach_the_tenants_that_they_are_given(store: TestStore) {
        let platform = store.platform();
        let (acme, beta) = (tenant(&store, "acme").await, tenant(&store, "beta").await);
        let with = |email: &str, role, tenants: &[TenantId]| Admin {
            role,
            tenants: tenants.iter().copied().collect(),
            ..admin(email)
        };
        let operator = with("a@x", AdminRole::Operator, &[]);
        let manager = with("b@x", AdminRole::Manager, &[acme]);
        let auditor = with("c@x", AdminRole::Auditor, &[]);
        let auditor_of_one = with("d@x", AdminRole::Auditor, &[beta]);
        let of_nothing = with("e@x", AdminRole::Manager, &[]);
        let all = [operator, manager, auditor, auditor_of_one, of_nothing];
        for admin in &all {
            platform.create_admin(admin, &context()).await.unwrap();
            assert_eq!(platform.admin_by_id(admin.id).await.unwrap().as_ref(), Some(admin));
            assert_eq!(platform.admin_by_email(&admin.email).await.unwrap().as_ref(), Some(admin));
        }
        let reached = all.each_ref().map(|admin| (admin.reaches(acme), admin.reaches(beta)));
        assert_eq!(reached, [(true, true), (true, false), (true, true), (false, true), (false, false)]);

        let page = platform.admins(1, 3).await.unwrap();
        assert_eq!((page.total, page.more, page.items.as_slice()), (5, true, &all[1..4]));
        let after = platform.admins_after(Some("B@X"), 2).await.unwrap();
        assert_eq!(after, &all[2..4]);
        assert_eq!(platform.admins_after(None, 9).await.unwrap(), &all);
        let [_, manager, _, _, of_nothing] = &all;
        let slugs = async |id, search| {
            let page = platform.tenants_given_to(id, search, 0, 10).await.unwrap();
            (page.total, page.items.into_iter().map(|row| row.slug).collect::<Vec<_>>())
        };
        assert_eq!(slugs(manager.id, "").await, (1, vec!["acme".to_owned()]));
        assert_eq!(slugs(manager.id, "bet").await, (0, Vec::new()));
        assert_eq!(slugs(of_nothing.id, "").await, (0, Vec::new()));

        // A tenant that is not there is given to nobody.
        let lost = with("f@x", AdminRole::Manager, &[TenantId::generate()]);
        platform.create_admin(&lost, &context()).await.unwrap_err();
        assert_eq!(platform.admin_by_email("f@x").await.unwrap(), None);
    }

    async fn sessions(store: TestStore) {
        let platform = store.platform();
        let session = |byte: u8, data: &str, lives: i64| SessionRow {
            id_hash: vec![byte; 32],
            data: data.into(),
            expires_at: store.now() + lives,
            seat: None,
        };
        let (short, long) = (session(1, "{}", 1_000), session(2, "{}", 100_000));
        platform.create_session(&short).await.unwrap();
        platform.create_session(&long).await.unwrap();
        assert_eq!(platform.session(&short.id_hash).await.unwrap(), Some(short.clone()));
        let renewed = session(2, "{\"n\":2}", 200_000);
        platform.save_session(&renewed).await.unwrap();
        assert_eq!(platform.session(&long.id_hash).await.unwrap(), Some(renewed));
        store.advance(50_000);
        assert_eq!(platform.session(&short.id_hash).await.unwrap(), None);
        assert_eq!(platform.delete_expired_sessions().await.unwrap(), 1);
        assert_eq!(platform.delete_expired_sessions().await.unwrap(), 0);
        platform.delete_session(&long.id_hash).await.unwrap();
        platform.delete_session(&long.id_hash).await.unwrap();
        platform.save_session(&long).await.unwrap();
        assert_eq!(platform.session(&long.id_hash).await.unwrap(), None, "what has ended does not come back");
    }

    async fn the_clock_is_the_options_clock(store: TestStore) {
        let before = store.now();
        store.advance(1_000_000_000);
        assert!((before + 1_000_000_000..before + 1_000_060_000).contains(&store.now()));
        let made = crate::common::tenant(&store, "acme").await;
        let row = store.platform().tenant_by_id(made).await.unwrap().unwrap();
        assert!(row.created_at >= before + 1_000_000_000);
        let at = store.tenant(made).audit(None, 1).await.unwrap()[0].at;
        assert_eq!(at, row.created_at);
    }
}
