//! Many users in one transaction: the same rows as one by one, no more and no less.

use std::collections::BTreeMap;

use scim_core::intake::Note;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{
    Backend, StoreError, TenantScope, Terms, UserId,
    users::{Made, Together, UserState},
};

use crate::support::{Bed, context, user_state};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

both!(
    the_same_rows_as_one_by_one,
    names_that_are_taken_are_passed_over,
    all_or_none,
    who_may_come_back_is_not_made,
    users_of_another_layout_are_refused,
    a_refused_row_leaves_nothing,
    nodes_at_the_same_names_make_each_once,
    users_are_found_by_many_names,
    names_are_found_by_their_index,
);

/// Users of every kind: with and without what a column is made of, values that are indexed, quotes and other scripts.
fn states(count: usize) -> Vec<UserState> {
    let state = |at: usize| {
        let mut document = json!({"userName": format!("User{at}@X"), "name": {"familyName": "O'\"Lee\\"}});
        if at.is_multiple_of(2) {
            document["externalId"] = json!(if at == 4 { String::new() } else { format!("e{at}") });
            document["emails"] = json!([{"value": format!("A{at}@x"), "type": "work"}, {"value": "same@x"}]);
        }
        if at.is_multiple_of(3) {
            document["displayName"] = json!(format!("Zoë {at} {{1,NULL}}, 日本"));
            document[ENTERPRISE] = json!({"employeeNumber": at.to_string(), "manager": {"value": "7"}});
        }
        if at % 5 != 1 {
            document["active"] = json!(!at.is_multiple_of(5));
        }
        let note = Note { path: "title".into(), text: "was left out".into() };
        user_state(document).noted(if at == 3 { vec![note] } else { Vec::new() })
    };
    (0..count).map(state).collect()
}

fn ids(made: &[Made]) -> Vec<UserId> {
    let id = |made: &Made| match made {
        Made::Created(id) => *id,
        other => panic!("not made: {other:?}"),
    };
    made.iter().map(id).collect()
}

async fn together(scope: &TenantScope, states: &[UserState]) -> Vec<Made> {
    scope.create_users(states, Together::default(), &context()).await.expect("made")
}

/// All rows of a tenant by table, ids and salts left out.
async fn rows(bed: &Bed, scope: &TenantScope) -> BTreeMap<&'static str, Vec<String>> {
    let mut found = BTreeMap::new();
    for (table, sql) in [
        (
            "users",
            "SELECT user_name || '|' || user_name_key || '|' || COALESCE(external_id, 'none') || '|' || \
             COALESCE(display_name, 'none') || '|' || CAST(active AS text) || '|' || document || '|' || \
             CAST(search AS text) || '|' || CAST(version AS text) || '|' || CAST(created_at = updated_at AS text) || \
             COALESCE(CAST(deleted_at AS text), 'live') FROM users WHERE tenant_id = $1 ORDER BY id",
        ),
        (
            "user_values",
            "SELECT u.user_name || '|' || v.path || '|' || v.value FROM user_values v JOIN users u \
             ON u.tenant_id = v.tenant_id AND u.id = v.user_id WHERE v.tenant_id = $1 ORDER BY u.id, v.path, v.value",
        ),
        (
            "payloads",
            "SELECT p.object_type || '|' || COALESCE(p.body, 'none') FROM payloads p WHERE p.tenant_id = $1 ORDER BY p.id",
        ),
        ("audit", TRAIL),
        ("outbox", OUTBOX),
    ] {
        found.insert(table, bed.texts(sql, scope).await);
    }
    found
}

const TRAIL: &str = "SELECT a.event || '|' || a.object_type || '|' || CAST(a.object_version AS text) || '|' || \
     a.actor_kind || '|' || a.actor_id || '|' || a.actor_name || '|' || a.cause || '|' || \
     CAST(a.id = a.payload_id AS text) || CAST(a.at = u.created_at AS text) || u.user_name || \
     CAST(a.seq IS NULL AS text) || CAST(a.chain IS NULL AS text) || CAST(a.digest IS NULL AS text) \
     FROM audit a JOIN users u ON u.tenant_id = a.tenant_id AND u.user_name LIKE 'User%' \
     JOIN payloads p ON p.id = a.payload_id AND p.object_id = a.object_id \
     AND p.body LIKE '%\"' || u.user_name || '\"%' WHERE a.tenant_id = $1 ORDER BY a.id";

const OUTBOX: &str = "SELECT o.event || '|' || o.object_type || '|' || CAST(o.object_version AS text) || '|' || \
     CAST(o.at = a.at AS text) || CAST(o.digest = a.digest AS text) || o.actor_kind || o.actor_id || o.actor_name || \
     o.cause || CAST(o.payload_id = a.payload_id AS text) || CAST(o.object_id = a.object_id AS text) || \
     CAST(o.seq IS NULL AS text) FROM outbox o JOIN audit a ON a.tenant_id = o.tenant_id AND a.id = o.id \
     WHERE o.tenant_id = $1 ORDER BY o.id";

async fn the_same_rows_as_one_by_one(bed: Bed) {
    // Enough for statements of each size, and one alone.
    for (count, one, many) in
        [(1, bed.new_tenant(), bed.new_tenant()), (173, bed.tenant.clone(), bed.other.clone())]
    {
        let states = states(count);
        for state in &states {
            one.create_user(state, &context()).await.expect("made");
        }
        let made = ids(&together(&many, &states).await);
        assert!(made.is_sorted(), "ids in the order of the states");
        let (expected, found) = (rows(&bed, &one).await, rows(&bed, &many).await);
        assert_eq!(found["users"].len(), count);
        assert_eq!(found["audit"].len(), count);
        for (table, expected) in &expected {
            assert_eq!(&found[table], expected, "{table}");
        }
        for (id, state) in made.iter().zip(&states) {
            let user = many.user(*id, true).await.expect("read").expect("there");
            assert_eq!((&user.document, user.version), (&state.document, 1));
        }
    }
    // Each entry proves its own payload.
    let sql = "SELECT a.digest, p.salt, p.body FROM audit a JOIN payloads p ON p.tenant_id = a.tenant_id \
               AND p.id = a.payload_id WHERE a.tenant_id = $1";
    let proven = bed.proofs(sql, &bed.other).await;
    assert_eq!(proven.len(), 173);
    for (digest, salt, body) in proven {
        assert_eq!(Sha256::new().chain_update(salt).chain_update(body).finalize().to_vec(), digest);
    }
}

async fn names_that_are_taken_are_passed_over(bed: Bed) {
    let there = bed.user("user1@x").await;
    let mut list = states(6);
    list.push(user_state(json!({"userName": "uSER4@x", "title": "second"})));
    let made = together(&bed.tenant, &list).await;
    let taken: Vec<usize> = (0..made.len()).filter(|at| made[*at] == Made::Taken).collect();
    assert_eq!(taken, [1, 6]);
    let fourth = bed.tenant.user_by_name("user4@x", false).await.expect("read").expect("there");
    assert_eq!(fourth.document, list[4].document, "the first of the list has the name");
    let first = bed.tenant.user_by_name("User1@x", false).await.expect("read").expect("there");
    assert_eq!((first.id, first.version), (there.id, 1));
    let created = ids(&made.into_iter().filter(|made| *made != Made::Taken).collect::<Vec<_>>());
    for id in &created {
        assert_eq!(bed.events(id).await, [("user.created".to_owned(), 1)]);
    }
    assert_eq!(bed.written().await, (6, 6), "what was passed over is in no trail");
    assert_eq!(together(&bed.tenant, &list).await, vec![Made::Taken; 7]);
    assert_eq!(together(&bed.tenant, &[]).await, []);
    assert_eq!(bed.written().await, (6, 6));
}

async fn all_or_none(bed: Bed) {
    let whole = Together { whole: true, returning: false };
    bed.user("user2@x").await;
    let made = bed.tenant.create_users(&states(4), whole, &context()).await.expect("an answer");
    assert_eq!(made, [Made::Undone, Made::Undone, Made::Taken, Made::Undone]);
    assert_eq!(bed.written().await, (1, 1));
    let free: Vec<UserState> = states(6).into_iter().skip(3).collect();
    ids(&bed.tenant.create_users(&free, whole, &context()).await.expect("made"));
    assert_eq!(bed.written().await, (4, 4));
}

async fn who_may_come_back_is_not_made(bed: Bed) {
    for (name, external_id) in [("user1@x", "other"), ("somebody", "e2")] {
        let state = user_state(json!({"userName": name, "externalId": external_id}));
        let user = bed.tenant.create_user(&state, &context()).await.expect("made");
        assert!(bed.tenant.soft_delete_user(user.id, None, &context()).await.expect("deleted"));
    }
    let how = Together { whole: false, returning: true };
    let made = bed.tenant.create_users(&states(4), how, &context()).await.expect("made");
    let departed: Vec<usize> = (0..made.len()).filter(|at| made[*at] == Made::Departed).collect();
    assert_eq!(departed, [1, 2]);
    // Unasked, a soft-deleted user is in nobody's way.
    let made = together(&bed.tenant, &states(4)[1..3]).await;
    assert_eq!(ids(&made).len(), 2);
}

async fn users_of_another_layout_are_refused(bed: Bed) {
    let tenant = bed.kept_tenant("acme").await;
    let under = |version| tenant.under(Terms { layout_version: Some(version), ..Terms::default() });
    let refused = under(7).create_users(&states(3), Together::default(), &context()).await;
    assert!(matches!(refused, Err(StoreError::Reconfigured)), "{refused:?}");
    assert_eq!(ids(&together(&under(1), &states(3)).await).len(), 3);
    assert_eq!(together(&under(1), &states(3)).await, vec![Made::Taken; 3]);
    let refused = under(2).create_users(&states(4), Together::default(), &context()).await;
    assert!(matches!(refused, Err(StoreError::Reconfigured)), "{refused:?}");
}

/// A row that the database does not take takes all of its transaction along.
async fn a_refused_row_leaves_nothing(bed: Bed) {
    bed.refuse_value("a98@x").await;
    let refused = bed.tenant.create_users(&states(120), Together::default(), &context()).await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(bed.written().await, (0, 0));
    for (table, rows) in rows(&bed, &bed.tenant).await {
        assert_eq!(rows, Vec::<String>::new(), "{table}");
    }
    assert_eq!(ids(&together(&bed.tenant, &states(90)).await).len(), 90);
}

async fn nodes_at_the_same_names_make_each_once(bed: Bed) {
    let (forth, mut back) = (states(200), states(200));
    back.reverse();
    let call = async |states: &[UserState]| {
        let mut made = Vec::new();
        for chunk in states.chunks(40) {
            made.extend(together(&bed.tenant, chunk).await);
        }
        made
    };
    let both = futures::future::join(call(&forth), call(&back)).await;
    let created = both.0.iter().chain(&both.1).filter(|made| matches!(made, Made::Created(_))).count();
    assert_eq!(created, 200);
    assert_eq!(bed.written().await, (200, 200));
}

async fn users_are_found_by_many_names(bed: Bed) {
    let made = ids(&together(&bed.tenant, &states(30)).await);
    bed.tenant.soft_delete_user(made[3], None, &context()).await.expect("deleted");
    together(&bed.other, &states(40)).await;
    let names: Vec<String> = (0..40).map(|at| format!("USER{at}@x")).chain(["nobody\0".into()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let found = bed.tenant.users_by_names(&names).await.expect("read");
    assert_eq!(found.len(), 29);
    assert_eq!(found["user7@x"].id, made[7]);
    assert!(found.values().all(|user| user.groups.is_none() && user.deleted_at.is_none()));
    assert!(bed.tenant.users_by_names(&[]).await.expect("read").is_empty());
}

/// Names are looked up, not looked for among all.
async fn names_are_found_by_their_index(bed: Bed) {
    match bed.backend {
        Backend::Sqlite => {
            let sql = "SELECT r.id FROM users r WHERE r.tenant_id = $1 AND r.deleted_at IS NULL \
                       AND r.user_name_key IN (SELECT value FROM json_each($2))";
            let plan = bed.plan(sql).await;
            assert!(plan.contains("users_user_name (tenant_id=? AND user_name_key=?)"), "{plan}");
        }
        Backend::Postgres => {
            bed.many_users(20_000).await;
            let read = bed
                .rows_read_by(async |tenant| {
                    let found = tenant.users_by_names(&["many7", "MANY19999", "nobody"]).await;
                    assert_eq!(found.expect("read").len(), 2);
                })
                .await;
            assert!(read < 20, "{read} rows were read");
        }
    }
}
