//! The chain over a trail: whatever is done to it past the store is found, and a purge is none of that.

use sea_orm::DatabaseConnection;
use store::{
    Backend, TenantId,
    trail::verify::{Check, Fault, STEP, Step, Walk, Wrong},
};
use store_testing::{TestStore, on_both};

use crate::{
    common::{context, raw, run, tenant},
    trail::copies,
};

async fn checked(store: &TestStore, tenant: TenantId) -> Check {
    let mut walk = Walk::default();
    loop {
        match store.tenant(tenant).verify_trail(walk).await.unwrap() {
            Step::More(next) => walk = next,
            Step::Done(check) => return check,
        }
    }
}

/// A tenant with six entries, and a login that nothing holds up.
async fn six(store: &TestStore) -> (TenantId, DatabaseConnection) {
    let id = tenant(store, "acme").await;
    let okta = crate::credentials::bearer("okta");
    store.tenant(id).create_credential(&okta, &context()).await.unwrap();
    for number in 0..3 {
        let user = serde_json::json!({"userName": format!("u{number}")});
        store.tenant(id).create_user(&crate::support::user_state(user), &context()).await.unwrap();
    }
    store.tenant(id).revoke_credential(okta.id, &context()).await.unwrap();
    store.number().await;
    let db = raw(store).await;
    if store.backend() == Backend::Sqlite {
        for trigger in ["audit_append_only", "audit_keeps", "audit_numbered_once"] {
            run(&db, &format!("DROP TRIGGER {trigger}")).await;
        }
    }
    for table in ["audit", "payloads", "trails"] {
        run(&db, &format!("CREATE TABLE {table}_kept AS SELECT * FROM {table}")).await;
    }
    (id, db)
}

async fn undo(db: &DatabaseConnection) {
    for table in ["audit", "payloads", "trails"] {
        run(db, &format!("DELETE FROM {table}")).await;
        run(db, &format!("INSERT INTO {table} SELECT * FROM {table}_kept")).await;
    }
}

on_both! {
    async fn every_kind_of_tampering_is_found(store: TestStore) {
        let (id, db) = six(&store).await;
        let clean = checked(&store, id).await;
        assert_eq!((clean.through, clean.purged, clean.fault), (6, 0, None));
        let payload = "(SELECT payload_id FROM audit WHERE seq = 3)";
        let change = |what: &str| vec![format!("UPDATE audit SET {what} WHERE seq = 3")];
        let payload_of_3 = |what: &str| vec![format!("UPDATE payloads SET {what} WHERE id = {payload}")];
        let bytes = match store.backend() {
            Backend::Postgres => "'\\x00'::bytea",
            Backend::Sqlite => "X'00'",
        };
        let id_of_5 = "(SELECT id FROM audit WHERE seq = 5)";
        let mut table: Vec<(Vec<String>, i64, Wrong)> = [
            "event = 'user.deleted'", "object_type = 'Group'", "object_id = 'x'", "object_version = 2",
            "actor_kind = 'system'", "actor_id = 'x'", "actor_name = 'somebody else'", "cause = 'x'", "at = at + 1",
            "digest = NULL", "chain = NULL",
        ].into_iter().map(|what| (change(what), 3, Wrong::Changed)).collect();
        table.extend([
            (change(&format!("digest = {bytes}")), 3, Wrong::Changed),
            (change(&format!("chain = {bytes}")), 3, Wrong::Changed),
            // Content.
            (payload_of_3("body = '{}'"), 3, Wrong::Payload),
            (payload_of_3("body = body || ' '"), 3, Wrong::Payload),
            (payload_of_3(&format!("salt = {bytes}")), 3, Wrong::Payload),
            (change("payload_id = (SELECT payload_id FROM audit WHERE seq = 4)"), 3, Wrong::Payload),
            // Removed: from the middle, from the end, all, and with the gap closed.
            (vec!["DELETE FROM audit WHERE seq = 3".into()], 3, Wrong::Missing),
            (change("seq = NULL"), 3, Wrong::Missing),
            (vec!["DELETE FROM audit WHERE seq = 6".into()], 6, Wrong::Missing),
            (vec!["DELETE FROM audit".into()], 1, Wrong::Missing),
            (
                vec![
                    "DELETE FROM audit WHERE seq = 3".into(), "UPDATE audit SET seq = seq + 100 WHERE seq > 3".into(),
                    "UPDATE audit SET seq = seq - 101 WHERE seq > 3".into(),
                ],
                3, Wrong::Changed,
            ),
            // Reordered.
            (
                ["seq = 100 WHERE seq = 3", "seq = 3 WHERE seq = 4", "seq = 4 WHERE seq = 100"]
                    .map(|what| format!("UPDATE audit SET {what}")).to_vec(),
                3, Wrong::Changed,
            ),
            // Put in: in the middle, and behind the end.
            (
                vec![
                    "UPDATE audit SET seq = seq + 100 WHERE seq >= 3".into(),
                    "UPDATE audit SET seq = seq - 99 WHERE seq > 3".into(), inserted(3),
                ],
                3, Wrong::Changed,
            ),
            (vec![inserted(7)], 7, Wrong::End),
            // The end itself.
            (vec!["UPDATE trails SET audit_seq = 5".into()], 6, Wrong::End),
            (vec!["DELETE FROM audit WHERE seq = 6".into(), "UPDATE trails SET audit_seq = 5".into()], 6, Wrong::End),
            (vec![format!("UPDATE trails SET audit_chain = {bytes}")], 7, Wrong::End),
            (vec!["DELETE FROM trails".into()], 1, Wrong::End),
            // Of two, the first is named.
            (vec![format!("DELETE FROM audit WHERE id = {id_of_5}"), "UPDATE audit SET at = 1 WHERE seq = 2".into()], 2, Wrong::Changed),
        ]);
        for (statements, number, what) in table {
            for statement in &statements {
                run(&db, statement).await;
            }
            let check = checked(&store, id).await;
            assert_eq!(check.fault, Some(Fault { number, what }), "{statements:?}");
            assert_eq!(check.through, number - 1, "{statements:?}");
            undo(&db).await;
            assert_eq!(checked(&store, id).await.fault, None, "undone: {statements:?}");
        }
        db.close().await.unwrap();
    }

    async fn what_is_purged_is_proven_all_the_same(store: TestStore) {
        let (id, db) = six(&store).await;
        let scope = store.tenant(id);
        let user = scope.user_by_name("u0", false).await.unwrap().unwrap();
        assert!(scope.purge_user(user.id, None, &context()).await.unwrap());
        let check = checked(&store, id).await;
        assert_eq!((check.through, check.purged, check.fault), (6, 1, None), "before the purge has its number");
        store.number().await;
        let check = checked(&store, id).await;
        assert_eq!((check.through, check.purged, check.fault), (7, 1, None));
        // Of a tenant that is purged nothing has its content any more.
        run(&db, "UPDATE tenants SET deleted_at = 1, purging_at = 1").await;
        run(&db, "DELETE FROM payloads").await;
        let check = checked(&store, id).await;
        assert_eq!((check.through, check.purged, check.fault), (7, 7, None));
        db.close().await.unwrap();
    }

    /// Nobody was purged: then content that is gone was taken away, of a user as of anything else.
    async fn content_that_was_taken_away_is_no_purge(store: TestStore) {
        let (id, db) = six(&store).await;
        for (number, how) in [
            (2, "UPDATE payloads SET body = NULL WHERE id = (SELECT payload_id FROM audit WHERE seq = 2)"),
            (3, "UPDATE payloads SET body = NULL WHERE id = (SELECT payload_id FROM audit WHERE seq = 3)"),
            (4, "DELETE FROM payloads WHERE id = (SELECT payload_id FROM audit WHERE seq = 4)"),
            (5, "UPDATE audit SET payload_id = NULL WHERE seq = 5"),
            (1, "DELETE FROM payloads"),
        ] {
            run(&db, how).await;
            assert_eq!(checked(&store, id).await.fault, Some(Fault { number, what: Wrong::Payload }), "{how}");
            undo(&db).await;
        }
        // That somebody was purged explains what is missing of them alone.
        let scope = store.tenant(id);
        let user = scope.user_by_name("u0", false).await.unwrap().unwrap();
        assert!(scope.purge_user(user.id, None, &context()).await.unwrap());
        store.number().await;
        run(&db, "UPDATE payloads SET body = NULL WHERE id = (SELECT payload_id FROM audit WHERE seq = 4)").await;
        assert_eq!(checked(&store, id).await.fault, Some(Fault { number: 4, what: Wrong::Payload }));
        db.close().await.unwrap();
    }

    /// No entry has a number below 1, so whatever stands there was put in.
    async fn what_stands_before_the_first_entry_is_found(store: TestStore) {
        let (id, db) = six(&store).await;
        for number in [0, -7] {
            run(&db, &inserted(number)).await;
            let check = checked(&store, id).await;
            assert_eq!((check.fault, check.through), (Some(Fault { number, what: Wrong::Changed }), 0));
            undo(&db).await;
        }
        assert_eq!(checked(&store, id).await.fault, None);
        db.close().await.unwrap();
    }

    async fn an_entry_of_another_tenant_does_not_fit(store: TestStore) {
        let (one, db) = six(&store).await;
        let two = tenant(&store, "two").await;
        store.number().await;
        let literal = |id: TenantId| match store.backend() {
            Backend::Postgres => format!("'{id}'"),
            Backend::Sqlite => format!("X'{}'", id.0.simple()),
        };
        let (one_id, two_id) = (literal(one), literal(two));
        run(&db, &format!("DELETE FROM audit WHERE tenant_id = {one_id} AND seq = 1")).await;
        run(&db, &format!("UPDATE audit SET tenant_id = {one_id} WHERE tenant_id = {two_id}")).await;
        assert_eq!(checked(&store, one).await.fault, Some(Fault { number: 1, what: Wrong::Changed }));
        assert_eq!(checked(&store, two).await.fault, Some(Fault { number: 1, what: Wrong::Missing }));
        db.close().await.unwrap();
    }

    async fn the_installations_trail_is_chained_too(store: TestStore) {
        let platform = store.platform();
        for name in ["one", "two", "three"] {
            platform.create_platform_token(&crate::platform_tokens::token(&store, name), &context()).await.unwrap();
        }
        store.number().await;
        let check = async || match platform.verify_trail(Walk::default()).await.unwrap() {
            Step::Done(check) => check,
            Step::More(_) => panic!("three entries are less than a step"),
        };
        assert_eq!((check().await.through, check().await.fault), (3, None));
        let db = raw(&store).await;
        if store.backend() == Backend::Sqlite {
            for trigger in ["append_only", "keeps", "numbered_once"] {
                run(&db, &format!("DROP TRIGGER platform_audit_{trigger}")).await;
            }
        }
        run(&db, "UPDATE platform_audit SET payload = '{}' WHERE seq = 2").await;
        assert_eq!(check().await.fault, Some(Fault { number: 2, what: Wrong::Changed }));
        run(&db, "DELETE FROM platform_audit WHERE seq = 2").await;
        assert_eq!(check().await.fault, Some(Fault { number: 2, what: Wrong::Missing }));
        db.close().await.unwrap();
    }

    /// A check that somebody asks for is carried out step by step, and what it comes to is kept.
    async fn a_check_that_was_asked_for_is_carried_out(store: TestStore) {
        let (id, db) = six(&store).await;
        run(&db, &copies(&store, "audit", id, STEP + 10)).await;
        store.number().await;
        let scope = store.tenant(id);
        assert!(!store.check_step().await.unwrap(), "nobody has asked");
        assert_eq!((scope.trail_state().await.unwrap().check, scope.trail_state().await.unwrap().running), (None, None));
        scope.request_check().await.unwrap();
        store.platform().request_check().await.unwrap();
        let (through, began) = scope.trail_state().await.unwrap().running.unwrap();
        assert_eq!(through, 0);
        store.advance(5);
        scope.request_check().await.unwrap();
        assert_eq!(scope.trail_state().await.unwrap().running, Some((0, began)), "one is under way");
        assert!(store.check_step().await.unwrap());
        assert_eq!(scope.trail_state().await.unwrap().running, Some((STEP, began)));
        while store.check_step().await.unwrap() {}
        let state = scope.trail_state().await.unwrap();
        let check = state.check.unwrap();
        assert_eq!((state.running, check.through, check.fault), (None, STEP + 16, None));
        assert_eq!(check.purged, STEP + 10, "what was copied has no content");
        assert_eq!(store.platform().trail_state().await.unwrap().check.unwrap().fault, None);

        run(&db, "UPDATE audit SET cause = 'x' WHERE seq = 4").await;
        scope.request_check().await.unwrap();
        assert_eq!(scope.trail_state().await.unwrap().check, Some(check), "the last result stays until there is another one");
        while store.check_step().await.unwrap() {}
        let fault = scope.trail_state().await.unwrap().check.unwrap().fault;
        assert_eq!(fault, Some(Fault { number: 4, what: Wrong::Changed }));
        // Numbering goes on all the same.
        scope.create_credential(&crate::credentials::bearer("new"), &context()).await.unwrap();
        store.number().await;
        let elsewhere = checked(&store, id).await;
        scope.keep_check(&elsewhere).await.unwrap();
        assert_eq!(scope.trail_state().await.unwrap().check, Some(elsewhere));
        db.close().await.unwrap();
    }
}

/// A row that somebody puts in at a number.
fn inserted(seq: i64) -> String {
    format!(
        "INSERT INTO audit (tenant_id, id, seq, event, object_type, object_id, object_version, actor_kind, actor_id, \
         actor_name, cause, at, payload_id, digest, chain) SELECT tenant_id, payload_id_of_new, {seq}, event, object_type, \
         object_id, object_version, actor_kind, actor_id, actor_name, cause, at, payload_id, digest, chain FROM \
         (SELECT a.*, (SELECT t.owner FROM trails t LIMIT 1) AS payload_id_of_new FROM audit a WHERE a.seq = 2) w"
    )
}
