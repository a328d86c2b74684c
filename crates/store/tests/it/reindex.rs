//! Users are made anew when what they are searched by has changed, while others go on writing.

use std::sync::Arc;

use scim_core::{Document, ResourceType, filter};
use serde_json::{Value, json};
use store::{
    ListQuery, StoreError, TenantScope, Terms, UserId,
    tenants::NewProfile,
    users::{Reindexed, UserState},
};
use store_testing::on_both;

use crate::{
    common::{context, tenant},
    support::user_state,
};

/// Users whose title is indexed.
fn titled() -> ResourceType {
    let mut kind = ResourceType::user();
    let schema = Arc::make_mut(&mut kind.schema);
    let title = schema.attributes.iter_mut().find(|attribute| attribute.name == "title").expect("title");
    Arc::make_mut(title).indexed = true;
    kind
}

fn document(value: Value) -> Document {
    value.as_object().expect("an object").clone()
}

/// How many users have this title, as a node that knows the new layout asks.
async fn having(scope: &TenantScope, kind: &ResourceType, title: &str) -> u64 {
    let filter = filter::parse(&format!("title eq \"{title}\""), kind, true).expect("parses");
    let query = ListQuery { filter: Some(filter), limit: 10, ..ListQuery::default() };
    scope.users(&query).await.expect("a list").total
}

async fn new_layout(scope: &TenantScope) {
    let new = NewProfile {
        expected_version: 1,
        profile_name: "mine",
        text: "second",
        roles_of: None,
        new_layout: true,
    };
    scope.save_profile(&new, &context()).await.expect("saved");
}

on_both! {
    async fn pages_until_all_are_done(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let (scope, kind) = (store.tenant(id), titled());
        let mut last = None;
        for number in 0..5 {
            let state = user_state(json!({"userName": format!("u{number}"), "title": "Boss", "displayName": "D"}));
            last = Some(scope.create_user(&state, &context()).await.expect("made"));
        }
        let last = last.expect("made");
        scope.soft_delete_user(last.id, None, &context()).await.expect("deleted");
        new_layout(&scope).await;
        assert_eq!(store.platform().tenants_to_reindex(10).await.expect("read"), [id]);

        // Until it is done filters look at the documents.
        let partly = scope.under(Terms { index_incomplete: true, ..Terms::default() });
        assert_eq!((having(&partly, &kind, "boss").await, having(&scope, &kind, "boss").await), (4, 0));

        let written = scope.audit(None, 100).await.expect("a trail").len();
        scope.earlier_changes_end().await.expect("none is under way");
        let mut after = None;
        let mut pages = Vec::new();
        loop {
            let Reindexed { users, last } = scope.reindex_users(&kind, 2, after, 3).await.expect("a page");
            pages.push(users);
            match last {
                Some(_) => after = last,
                None => break,
            }
        }
        assert_eq!(pages, [3, 1, 0]);
        assert!(!scope.finish_reindex(1).await.expect("asked"), "that is not the layout");
        let epoch = store.epoch();
        assert!(scope.finish_reindex(2).await.expect("finished"));
        assert!(store.epoch() > epoch);
        assert!(store.platform().tenant_by_id(id).await.expect("read").expect("there").indexed);
        assert!(store.platform().tenants_to_reindex(10).await.expect("read").is_empty());
        assert_eq!(having(&scope, &kind, "BOSS").await, 4);
        let users = scope.users_after(None, 10).await.expect("users");
        assert!(users.iter().all(|user| user.version == 1), "nobody was changed");
        assert_eq!(users.len(), 4);
        assert_eq!(scope.users_after(Some(users[1].id), 1).await.expect("users"), users[2..3]);
        assert_eq!(scope.audit(None, 100).await.expect("a trail").len(), written);

        // Back: what is not indexed any more leaves the index, what still is stays.
        scope.reindex_users(&ResourceType::user(), 2, None, 10).await.expect("a page");
        assert_eq!(having(&scope, &kind, "boss").await, 0);
        let filter = filter::parse("displayName eq \"d\"", &kind, true).expect("parses");
        let query = ListQuery { filter: Some(filter), limit: 10, ..ListQuery::default() };
        assert_eq!(scope.users(&query).await.expect("a list").total, 4);
    }

    /// A node that is slow with an earlier layout does not undo what another one has made for the later one.
    async fn an_earlier_layout_is_not_made_any_more(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let (scope, kind) = (store.tenant(id), titled());
        for number in 0..3 {
            let state = user_state(json!({"userName": format!("u{number}"), "title": "Boss"}));
            scope.create_user(&state, &context()).await.expect("made");
        }
        let first = scope.reindex_users(&ResourceType::user(), 1, None, 1).await.expect("a page of the first layout");
        new_layout(&scope).await;
        scope.reindex_users(&kind, 2, None, 10).await.expect("the second layout");
        assert!(scope.finish_reindex(2).await.expect("finished"));
        for after in [first.last, None] {
            let slow = scope.reindex_users(&ResourceType::user(), 1, after, 10).await;
            assert!(matches!(slow, Err(StoreError::Reconfigured)), "{slow:?}");
        }
        assert_eq!(having(&scope, &kind, "boss").await, 3);
    }

    async fn search_forms_are_made_anew(store: TestStore) {
        let scope = store.tenant(tenant(&store, "acme").await);
        let state = user_state(json!({"userName": "ann", "nickName": "Annie"}));
        scope.create_user(&state, &context()).await.expect("made");
        let mut exact = ResourceType::user();
        let schema = Arc::make_mut(&mut exact.schema);
        let nick = schema.attributes.iter_mut().find(|attribute| attribute.name == "nickName").expect("there");
        Arc::make_mut(nick).case_exact = true;
        let filter = filter::parse("nickName eq \"Annie\"", &exact, true).expect("parses");
        let query = ListQuery { filter: Some(filter), limit: 10, ..ListQuery::default() };
        assert_eq!(scope.users(&query).await.expect("a list").total, 0);
        scope.reindex_users(&exact, 1, None, 10).await.expect("a page");
        assert_eq!(scope.users(&query).await.expect("a list").total, 1);
    }

    /// A node that has not heard of the new layout yet writes nobody whom the index would not find.
    async fn users_of_an_earlier_layout_are_refused(store: TestStore) {
        let id = tenant(&store, "acme").await;
        let scope = store.tenant(id).under(Terms { layout_version: Some(1), ..Terms::default() });
        let ann = scope.create_user(&user_state(json!({"userName": "ann"})), &context()).await.expect("made");
        new_layout(&store.tenant(id)).await;
        let reconfigured = |outcome: Result<(), StoreError>| {
            assert!(matches!(outcome, Err(StoreError::Reconfigured)), "{outcome:?}");
        };
        let state = UserState::new(&titled(), document(json!({"userName": "ann", "title": "Boss"})));
        reconfigured(scope.replace_user(ann.id, 1, &state, &context()).await.map(|_| ()));
        let bob = user_state(json!({"userName": "bob"}));
        reconfigured(scope.create_user(&bob, &context()).await.map(|_| ()));
        assert_eq!(scope.user_by_name("bob", false).await.expect("read"), None);
        let stale = scope.replace_user(ann.id, 7, &state, &context()).await;
        assert!(matches!(stale, Err(StoreError::Stale)), "{stale:?}");
        let gone = scope.replace_user(UserId::generate(), 1, &state, &context()).await;
        assert_eq!(gone.expect("ok"), None);

        let now = store.tenant(id).under(Terms { layout_version: Some(2), ..Terms::default() });
        assert_eq!(now.replace_user(ann.id, 1, &state, &context()).await.expect("ok").expect("there").version, 2);
        now.create_user(&bob, &context()).await.expect("made");
        let taken = now.create_user(&bob, &context()).await;
        assert!(matches!(taken, Err(StoreError::Conflict { attribute: "userName" })), "{taken:?}");
    }
}
