//! Users after their deletion: who comes back, who is restored, whose time is over.

use scim_core::{ResourceType, filter, intake::Note};
use serde_json::{Value, json};
use store::{
    Backend, CredentialId, ListQuery, StoreError, UserId,
    credentials::Credential,
    users::{Bounded, UserCounts},
};
use store_testing::on_both;

use crate::{
    common,
    credentials::bearer,
    support::{Bed, context, group_state, role_names, user_state},
};

both!(
    who_comes_back_keeps_the_id_and_nothing_else,
    the_external_id_goes_before_the_name_and_the_last_deleted_first,
    a_live_user_with_the_name_is_in_the_way,
    of_many_who_bring_one_back_one_does,
    a_restored_user_is_as_it_was,
    a_name_that_was_taken_meanwhile_stays_taken,
    only_what_was_meant_is_purged,
    deleted_users_are_counted_and_listed,
    another_tenant_brings_nobody_back,
    notes_are_told_with_the_change,
    skipped_members_are_told_to_people_alone,
    looking_for_who_comes_back_reads_few_rows,
);

async fn delete(bed: &Bed, id: UserId) {
    bed.tick();
    assert!(bed.tenant.soft_delete_user(id, None, &context()).await.expect("ok"), "was there");
}

async fn live(bed: &Bed, text: &str) -> Vec<UserId> {
    let filter = filter::parse(text, &ResourceType::user(), true).expect("a filter");
    let query = ListQuery { filter: Some(filter), limit: 10, ..ListQuery::default() };
    bed.tenant.users(&query).await.expect("a list").items.iter().map(|user| user.id).collect()
}

async fn who_comes_back_keeps_the_id_and_nothing_else(bed: Bed) {
    let old = json!({"userName": "ann", "externalId": "e1", "displayName": "Ann", "title": "Dr",
        "emails": [{"value": "ann@old"}]});
    let ann = bed.tenant.create_user(&user_state(old), &context()).await.expect("made");
    let group = bed.group("Envi_Manager", &[ann.id.0]).await;
    delete(&bed, ann.id).await;
    assert_eq!(live(&bed, r#"emails.value eq "ann@old""#).await, []);

    bed.tick();
    let new =
        user_state(json!({"userName": "ann.lee", "externalId": "e1", "emails": [{"value": "ann@new"}]}));
    let back = bed.tenant.admit_user(&new, &context()).await.expect("back");
    assert!(back.returned);
    assert_eq!((back.user.id, back.user.version, back.user.created_at), (ann.id, 3, ann.created_at));
    assert!(back.user.updated_at > ann.updated_at && back.user.deleted_at.is_none());
    assert_eq!((&back.user.document, back.user.groups.as_deref()), (&new.document, Some(&[][..])));
    assert_eq!(bed.tenant.user(ann.id, true).await.expect("read").as_ref(), Some(&back.user));
    assert_eq!(role_names(&bed, ann.id).await, [""; 0]);
    let members = bed.tenant.group(group.id, true).await.expect("read").expect("there").members;
    assert_eq!(members, Some(Vec::new()));
    assert_eq!(live(&bed, r#"emails.value eq "ann@new""#).await, [ann.id]);
    assert_eq!(live(&bed, r#"emails.value eq "ann@old""#).await, []);
    assert_eq!(live(&bed, r#"displayName eq "Ann""#).await, []);
    assert!(bed.tenant.user_by_name("ann", false).await.expect("read").is_none());

    let last = bed.records(ann.id).await.pop().expect("an event");
    assert_eq!((last.event.as_str(), last.version), ("user.restored", 3));
    assert_eq!(last.payload, Some(json!({"state": new.document})));

    // A stranger is simply made.
    let other =
        bed.tenant.admit_user(&user_state(json!({"userName": "bob"})), &context()).await.expect("made");
    assert!(!other.returned && other.user.id != ann.id);
    assert_eq!(bed.events(other.user.id).await, [("user.created".to_owned(), 1)]);
}

async fn the_external_id_goes_before_the_name_and_the_last_deleted_first(bed: Bed) {
    let mut made = Vec::new();
    // Made in this order, deleted in this order too: the last one of a name is the fourth, of e1 the third.
    for (name, external_id) in [("ann", "e1"), ("bob", "e2"), ("carl", "e1"), ("ANN", "e3")] {
        let state = user_state(json!({"userName": name, "externalId": external_id}));
        let user = bed.tenant.create_user(&state, &context()).await.expect(name);
        delete(&bed, user.id).await;
        made.push(user.id);
    }
    let admit = async |document: Value| {
        bed.tick();
        let back = bed.tenant.admit_user(&user_state(document), &context()).await.expect("admitted");
        (back.returned, back.user.id)
    };
    assert_eq!(
        admit(json!({"userName": "bob", "externalId": "e1"})).await,
        (true, made[2]),
        "externalId first"
    );
    assert_eq!(admit(json!({"userName": "Ann", "externalId": "new"})).await, (true, made[3]), "the last ann");
    assert_eq!(admit(json!({"userName": "x", "externalId": "e1"})).await, (true, made[0]), "the other e1");
    assert!(
        !admit(json!({"userName": "y", "externalId": "E2"})).await.0,
        "an externalId is compared as it is"
    );
    assert_eq!(admit(json!({"userName": "z", "externalId": "e2"})).await, (true, made[1]));
    assert!(!admit(json!({"userName": "zz", "externalId": "e2"})).await.0, "nobody is left");
}

async fn a_live_user_with_the_name_is_in_the_way(bed: Bed) {
    let state = user_state(json!({"userName": "ann", "externalId": "e1"}));
    let ann = bed.tenant.create_user(&state, &context()).await.expect("made");
    delete(&bed, ann.id).await;
    let other = bed.user("ann").await;
    let written = bed.written().await;
    let back = bed.tenant.admit_user(&state, &context()).await;
    assert!(matches!(back, Err(StoreError::Conflict { attribute: "userName" })), "{back:?}");
    assert_eq!(bed.written().await, written, "nothing was changed");
    assert!(bed.tenant.deleted_user(ann.id).await.expect("read").is_some());
    assert_eq!(live(&bed, r#"userName eq "ann""#).await, [other.id]);
}

async fn of_many_who_bring_one_back_one_does(bed: Bed) {
    let state = user_state(json!({"userName": "ann", "externalId": "e1"}));
    let ann = bed.tenant.create_user(&state, &context()).await.expect("made");
    delete(&bed, ann.id).await;
    let context = context();
    let all = futures::future::join_all((0..8).map(|_| bed.tenant.admit_user(&state, &context))).await;
    let back: Vec<_> = all.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert_eq!(back.len(), 1, "{all:?}");
    assert_eq!((back[0].returned, back[0].user.id), (true, ann.id));
    let others = all.iter().filter_map(|outcome| outcome.as_ref().err());
    let expected = |error: &StoreError| {
        matches!(error, StoreError::Conflict { .. } | StoreError::Stale | StoreError::Contended(_))
    };
    assert!(others.into_iter().all(expected), "{all:?}");
    let events: Vec<_> = bed.events(ann.id).await.into_iter().map(|(event, _)| event).collect();
    assert_eq!(events, ["user.created", "user.deleted", "user.restored"]);
}

async fn a_restored_user_is_as_it_was(bed: Bed) {
    let state = user_state(json!({"userName": "ann", "displayName": "Ann", "active": false}));
    let ann = bed.tenant.create_user(&state, &context()).await.expect("made");
    bed.group("Everyone", &[ann.id.0]).await;
    let live_one = bed.tenant.restore_user(ann.id, 1, &state, &context()).await.expect("ok");
    assert!(live_one.is_none(), "a live user is not restored");
    delete(&bed, ann.id).await;
    let deleted = bed.tenant.deleted_user(ann.id).await.expect("read").expect("there");
    assert_eq!((&deleted.document, deleted.version), (&ann.document, 2));
    assert_eq!(bed.tenant.user_as_kept(ann.id).await.expect("read").as_ref(), Some(&deleted));
    assert!(deleted.deleted_at.is_some_and(|at| at == deleted.updated_at));

    let stale = bed.tenant.restore_user(ann.id, 1, &state, &context()).await;
    assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
    let back = bed.tenant.restore_user(ann.id, 2, &state, &context()).await.expect("ok").expect("there");
    assert_eq!((back.version, back.active, &back.document), (3, false, &ann.document));
    assert_eq!(back.groups.as_deref(), Some(&[][..]), "memberships ended");
    assert_eq!(live(&bed, r#"displayName eq "ann""#).await, [ann.id], "it is found by its values again");
    assert!(bed.tenant.deleted_user(ann.id).await.expect("read").is_none());
    let kept = bed.tenant.user_as_kept(ann.id).await.expect("read").expect("there");
    assert_eq!((kept.deleted_at, kept.version, &kept.document), (None, 3, &ann.document));
    assert!(bed.tenant.user_as_kept(UserId::generate()).await.expect("read").is_none());
    let last = bed.records(ann.id).await.pop().expect("an event");
    assert_eq!((last.event.as_str(), last.payload), ("user.restored", Some(json!({"state": ann.document}))));
    let gone = bed.tenant.restore_user(UserId::generate(), 1, &state, &context()).await.expect("ok");
    assert!(gone.is_none());
}

async fn a_name_that_was_taken_meanwhile_stays_taken(bed: Bed) {
    let ann = bed.user("ann").await;
    delete(&bed, ann.id).await;
    bed.user("ANN").await;
    let state = user_state(json!({"userName": "ann"}));
    let back = bed.tenant.restore_user(ann.id, 2, &state, &context()).await;
    assert!(matches!(back, Err(StoreError::Conflict { attribute: "userName" })), "{back:?}");
    assert!(bed.tenant.deleted_user(ann.id).await.expect("read").is_some());
}

async fn only_what_was_meant_is_purged(bed: Bed) {
    let mut ids = Vec::new();
    for name in ["ann", "bob", "carl", "dora"] {
        ids.push(bed.user(name).await.id);
    }
    for id in &ids[..3] {
        delete(&bed, *id).await;
        bed.later(1000);
    }
    let deleted_at = bed.tenant.deleted_user(ids[1]).await.expect("read").expect("there").deleted_at;
    let until = deleted_at.expect("a time");
    let due = bed.tenant.deleted_until(until, None, 10).await.expect("read");
    let told: Vec<_> = due.iter().map(|due| (due.id, due.version)).collect();
    assert_eq!(told, [(ids[0], 2), (ids[1], 2)], "the third was deleted later, the fourth never");
    assert_eq!(due[1].deleted_at, until);
    assert_eq!(bed.tenant.deleted_until(until, None, 1).await.expect("read"), due[..1]);
    assert_eq!(bed.tenant.deleted_until(until, Some(due[0]), 10).await.expect("read"), due[1..]);
    assert_eq!(bed.tenant.deleted_until(until - 1, None, 10).await.expect("read"), due[..1]);

    // One who came back between the look and the purge stays.
    let state = user_state(json!({"userName": "ann"}));
    bed.tenant.restore_user(ids[0], 2, &state, &context()).await.expect("ok").expect("there");
    let purged = bed.tenant.purge_user(ids[0], Some(2), &context()).await;
    assert!(matches!(purged, Err(StoreError::Stale)), "{purged:?}");
    assert!(bed.tenant.user(ids[0], false).await.expect("read").is_some());
    assert!(bed.tenant.purge_user(ids[1], Some(2), &context()).await.expect("purged"));
    assert!(!bed.tenant.purge_user(ids[1], Some(2), &context()).await.expect("gone already"));
    let kept: Vec<_> = bed.records(ids[1]).await.into_iter().map(|record| record.payload).collect();
    let rows = json!({
        "users": 1, "user_values": 0, "members": 0, "role_grants": 0, "payloads": 2, "deliveries": 0, "request_log": 0,
        "request_subjects": 0,
    });
    assert_eq!(kept, [None, None, Some(json!({"live": false, "rows": rows}))], "made, deleted, purged");
}

async fn deleted_users_are_counted_and_listed(bed: Bed) {
    assert_eq!(bed.tenant.user_counts().await.expect("counts"), UserCounts::default());
    for name in ["ann", "bob", "carl"] {
        bed.user(name).await;
    }
    let inactive = user_state(json!({"userName": "dora", "active": false}));
    bed.tenant.create_user(&inactive, &context()).await.expect("made");
    let mut ids = Vec::new();
    for name in ["eve", "fred@x", "gina@x"] {
        let user = bed.user(name).await;
        delete(&bed, user.id).await;
        ids.push(user.id);
    }
    let few = |count| Bounded { count, more: false };
    let counts = UserCounts { active: few(3), inactive: few(1), deleted: few(3) };
    assert_eq!(bed.tenant.user_counts().await.expect("counts"), counts);
    let list = async |text: Option<&str>, limit| {
        let filter = text.map(|text| filter::parse(text, &ResourceType::user(), true).expect("a filter"));
        let query = ListQuery { filter, limit, edges: true, ..ListQuery::default() };
        let page = bed.tenant.deleted_users(&query).await.expect("a list");
        (page.total, page.more, page.items.into_iter().map(|user| user.id).collect::<Vec<_>>())
    };
    assert_eq!(list(None, 10).await, (3, false, ids.clone()));
    assert_eq!(list(None, 2).await, (3, true, ids[..2].to_vec()));
    assert_eq!(list(Some(r#"userName co "@X""#), 10).await, (2, false, ids[1..].to_vec()));
    assert_eq!(
        list(Some(r#"userName eq "ann""#), 10).await,
        (0, false, Vec::new()),
        "live ones are elsewhere"
    );
}

async fn another_tenant_brings_nobody_back(bed: Bed) {
    let state = user_state(json!({"userName": "ann", "externalId": "e1"}));
    let ann = bed.tenant.create_user(&state, &context()).await.expect("made");
    delete(&bed, ann.id).await;
    assert!(bed.other.deleted_user(ann.id).await.expect("read").is_none());
    assert!(
        bed.other
            .deleted_users(&ListQuery { limit: 10, ..ListQuery::default() })
            .await
            .expect("ok")
            .items
            .is_empty()
    );
    assert_eq!(bed.other.deleted_until(i64::MAX, None, 10).await.expect("ok"), []);
    assert_eq!(bed.other.user_counts().await.expect("ok"), UserCounts::default());
    assert!(bed.other.restore_user(ann.id, 2, &state, &context()).await.expect("ok").is_none());
    assert!(!bed.other.purge_user(ann.id, Some(2), &context()).await.expect("ok"));
    let made = bed.other.admit_user(&state, &context()).await.expect("made");
    assert!(!made.returned && made.user.id != ann.id);
    assert!(bed.tenant.deleted_user(ann.id).await.expect("read").is_some(), "still there");
}

async fn notes_are_told_with_the_change(bed: Bed) {
    let note = |path: &str| Note { path: path.into(), text: "was left out".into() };
    let told = |path: &str| json!([{"path": path, "text": "was left out"}]);
    let state = user_state(json!({"userName": "ann"})).noted(vec![note("nickName")]);
    let ann = bed.tenant.create_user(&state, &context()).await.expect("made");
    let next = user_state(json!({"userName": "ann", "title": "Dr"})).noted(vec![note("npi")]);
    bed.tenant.replace_user(ann.id, 1, &next, &context()).await.expect("ok").expect("there");
    let quiet = user_state(json!({"userName": "ann"}));
    bed.tenant.replace_user(ann.id, 2, &quiet, &context()).await.expect("ok").expect("there");
    let notes: Vec<_> = bed
        .records(ann.id)
        .await
        .into_iter()
        .map(|record| record.payload.expect("one")["notes"].clone())
        .collect();
    assert_eq!(notes, [told("nickName"), told("npi"), Value::Null]);

    let mut state = group_state::<&str>("Team", &[]);
    state.notes = vec![note("colour")];
    let team = bed.tenant.create_group(&state, false, &context()).await.expect("made").group;
    let mut state = group_state::<&str>("Crew", &[]);
    state.notes = vec![note("shape")];
    bed.tenant.change_group(team.id, Some(1), &state, false, &context()).await.expect("ok").expect("there");
    let notes: Vec<_> = bed
        .records(team.id)
        .await
        .into_iter()
        .map(|record| record.payload.expect("one")["notes"].clone())
        .collect();
    assert_eq!(notes, [told("colour"), told("shape")]);
}

async fn skipped_members_are_told_to_people_alone(bed: Bed) {
    let ann = bed.user("ann").await;
    let team = bed.group("Team", &[]).await;
    let (_, outbox) = bed.written().await;
    let ids: Vec<String> = (0..150).map(|_| UserId::generate().to_string()).collect();
    let outcome = bed.add(&team, &ids).await;
    assert_eq!((outcome.changed, outcome.skipped.len()), (false, 150));
    assert_eq!(bed.written().await.1, outbox, "nobody who takes events has to follow");
    let last = bed.audit(team.id).await.pop().expect("an entry");
    assert_eq!((last.event.as_str(), last.version), ("membership.skipped", 1));
    let payload = last.payload.expect("a payload");
    assert_eq!(payload["skipped"]["count"], 150);
    assert_eq!(payload["skipped"]["ids"], json!(ids[..100]));

    // Beside members who are known the others are told too, and those who joined are an event.
    let outcome = bed.add(&team, &[ann.id.to_string(), "who".into()]).await;
    assert_eq!((outcome.changed, outcome.group.version), (true, 2));
    let last = bed.audit(team.id).await.pop().expect("an entry");
    assert_eq!((last.event.as_str(), last.version), ("membership.skipped", 2));
    assert_eq!(last.payload.expect("a payload")["skipped"], json!({"count": 1, "ids": ["who"]}));
    assert_eq!(bed.events(ann.id).await.last().map(|(event, _)| event.as_str()), Some("membership.added"));
    let entries = bed.audit(team.id).await.len();
    bed.add(&team, &[ann.id.to_string()]).await;
    assert_eq!(bed.audit(team.id).await.len(), entries, "nothing was left out");

    let created =
        bed.tenant.create_group(&group_state("Crew", &["nobody"]), false, &context()).await.expect("made");
    let events: Vec<_> = bed.audit(created.group.id).await.into_iter().map(|record| record.event).collect();
    assert_eq!(events, ["group.created", "membership.skipped"]);
}

async fn looking_for_who_comes_back_reads_few_rows(bed: Bed) {
    if bed.backend == Backend::Sqlite {
        // SQLite counts no rows; this is what it is asked.
        for (column, index) in [
            ("r.user_name_key", "users_deleted_name (tenant_id=? AND user_name_key=?"),
            ("r.external_id", "users_deleted_external_id (tenant_id=? AND external_id=?"),
        ] {
            let sql = format!(
                "SELECT r.id, r.version FROM users r WHERE r.tenant_id = ?1 AND {column} = ?2 \
                 AND r.deleted_at IS NOT NULL ORDER BY r.deleted_at DESC, r.id DESC LIMIT 1"
            );
            let plan = bed.plan(&sql).await;
            assert!(plan.contains(index), "{plan}");
        }
        return;
    }
    bed.many_users(3_000).await;
    bed.delete_all_users().await;
    let nobody = json!({"userName": "many77", "externalId": "none"});
    let somebody = json!({"userName": "new", "externalId": "xmany78"});
    for document in [nobody, somebody] {
        let read = bed.rows_read_by(async |tenant| {
            let back = tenant.admit_user(&user_state(document), &context()).await.expect("back");
            assert!(back.returned);
        });
        let read = read.await;
        assert!(read < 20, "{read} rows");
    }
    let read = bed.rows_read_by(async |tenant| {
        let first = tenant.deleted_until(i64::MAX, None, 3).await.expect("due");
        let next = tenant.deleted_until(i64::MAX, first.last().copied(), 5).await.expect("due");
        assert_eq!((first.len(), next.len()), (3, 5));
    });
    let read = read.await;
    assert!(read < 20, "{read} rows");
}

on_both! {
    /// Tokens that stood for somebody who was deleted do not stand for whoever comes back.
    async fn tokens_of_who_comes_back_are_revoked(store: TestStore) {
        let scope = store.tenant(common::tenant(&store, "acme").await);
        let state = user_state(json!({"userName": "ann"}));
        let ann = scope.create_user(&state, &context()).await.unwrap();
        let bob = scope.create_user(&user_state(json!({"userName": "bob"})), &context()).await.unwrap();
        let of = |name: &str, user: Option<UserId>| {
            Credential { id: CredentialId::generate(), user, ..bearer(name) }
        };
        let all = [of("ann's", Some(ann.id)), of("bob's", Some(bob.id)), of("okta", None)];
        for credential in &all {
            scope.create_credential(credential, &context()).await.unwrap();
        }
        assert!(scope.soft_delete_user(ann.id, None, &context()).await.unwrap());
        let epoch = store.epoch();
        assert!(scope.admit_user(&state, &context()).await.unwrap().returned);
        assert!(store.epoch() > epoch, "nodes that know the token learn of it");
        let mut live = Vec::new();
        for credential in &all {
            live.push(scope.credential(credential.id).await.unwrap().unwrap().revoked_at.is_none());
        }
        assert_eq!(live, [false, true, true]);
        let trail = scope.audit(Some(&all[0].id.to_string()), 10).await.unwrap();
        assert_eq!(trail[0].event, "credential.revoked");

        // Without such tokens nothing of the configuration has changed.
        assert!(scope.soft_delete_user(ann.id, None, &context()).await.unwrap());
        let epoch = store.epoch();
        assert!(scope.admit_user(&state, &context()).await.unwrap().returned);
        assert_eq!(store.epoch(), epoch);
    }
}

/// What was purged is not left in pages of the file that are free, either.
#[tokio::test]
async fn the_file_holds_nothing_of_who_was_purged() {
    let store = store_testing::sqlite().await;
    let scope = store.tenant(common::tenant(&store, "acme").await);
    let mut ids = Vec::new();
    for number in 0..200 {
        let text = format!("xyzzy{number:03}").repeat(40);
        let user = user_state(json!({"userName": format!("u{number}"), "title": text}));
        ids.push(scope.create_user(&user, &context()).await.expect("made").id);
    }
    let path = store.options().url.strip_prefix("sqlite://").expect("a file").to_owned();
    let db = common::raw(&store).await;
    let holds_any = async || {
        common::run(&db, "PRAGMA wal_checkpoint(TRUNCATE)").await;
        let bytes = std::fs::read(&path).expect("the file");
        bytes.windows(5).any(|bytes| bytes == b"xyzzy")
    };
    assert!(holds_any().await);
    for id in ids {
        assert!(scope.purge_user(id, None, &context()).await.expect("purged"));
    }
    assert!(!holds_any().await);
    db.close().await.expect("closed");
}
