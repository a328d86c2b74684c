//! The feed: events of all tenants in one order.

use std::collections::HashMap;

use serde_json::json;
use store::{
    TenantId,
    feed::{FeedEnds, FeedPage, FeedQuery, LOOKED_THROUGH},
};
use store_testing::{TestStore, on_both};

use crate::{
    common::{context, raw, run, tenant},
    support::user_state,
};

async fn page(store: &TestStore, query: FeedQuery) -> FeedPage {
    store.platform().feed(&query).await.expect("a page")
}

fn after(after: i64) -> FeedQuery {
    FeedQuery { after, limit: 100, ..FeedQuery::default() }
}

async fn users(store: &TestStore, tenant: TenantId, names: &[&str]) {
    for name in names {
        let state = user_state(json!({ "userName": name }));
        store.tenant(tenant).create_user(&state, &context()).await.expect("made");
    }
}

/// Of each event its tenant's slug, its number there and its name.
fn told(page: &FeedPage) -> Vec<(&str, i64, &str)> {
    page.items.iter().map(|told| (told.slug.as_str(), told.number, told.record.event.as_str())).collect()
}

on_both! {
    async fn events_come_in_the_order_of_their_numbers(store: TestStore) {
        let (one, two) = (tenant(&store, "one").await, tenant(&store, "two").await);
        let ends = FeedEnds { forgotten: 0, last: 0 };
        assert_eq!(page(&store, after(0)).await, FeedPage { items: Vec::new(), last: 0, more: false, ends });
        store.number().await;
        users(&store, two, &["ann"]).await;
        store.number().await;
        users(&store, one, &["bob", "cat"]).await;
        let seen = page(&store, after(0)).await;
        assert_eq!((seen.items.len(), seen.last, seen.more), (3, 3, false), "what has no number is not told");
        store.number().await;

        let all = page(&store, after(0)).await;
        let mut first = told(&all);
        // Tenants are numbered in the order of their ids.
        first[..2].sort_unstable();
        let expected = [("one", 1, "tenant.created"), ("two", 1, "tenant.created"), ("two", 2, "user.created"),
            ("one", 2, "user.created"), ("one", 3, "user.created")];
        assert_eq!(first, expected);
        let places: Vec<i64> = all.items.iter().map(|told| told.position).collect();
        assert_eq!((places, all.last, all.more), (vec![1, 2, 3, 4, 5], 5, false));
        let ann = &all.items[2];
        assert_eq!((ann.tenant, ann.record.payload.clone()), (two, Some(json!({"state": {"userName": "ann"}}))));
        assert_eq!(store.platform().feed_ends().await.expect("ends"), FeedEnds { forgotten: 0, last: 5 });

        // From place to place, one at a time, each once.
        let (mut walked, mut from) = (Vec::new(), 0);
        loop {
            let part = page(&store, FeedQuery { limit: 1, ..after(from) }).await;
            from = part.last;
            walked.extend(part.items);
            if !part.more {
                break;
            }
        }
        assert_eq!(walked, all.items);
        let ends = FeedEnds { forgotten: 0, last: 5 };
        assert_eq!(page(&store, after(5)).await, FeedPage { items: Vec::new(), last: 5, more: false, ends });

        let of_one = page(&store, FeedQuery { tenant: Some(one), ..after(0) }).await;
        assert_eq!(of_one.items.iter().map(|told| told.number).collect::<Vec<_>>(), [1, 2, 3]);
        let of_two = page(&store, FeedQuery { tenant: Some(two), ..after(0) }).await;
        assert_eq!((of_two.items.len(), of_two.last), (2, 5), "nothing of it comes before the end of the feed");
        let named = FeedQuery { events: Some(vec!["user.created".into()]), limit: 2, ..after(0) };
        let made = page(&store, named.clone()).await;
        assert_eq!((made.items.len(), made.last, made.more), (2, 4, true));
        let made = page(&store, FeedQuery { after: 4, ..named }).await;
        assert_eq!((made.items.len(), made.last, made.more), (1, 5, false));
        let none = page(&store, FeedQuery { events: Some(vec!["user.purged".into()]), ..after(0) }).await;
        assert_eq!((none.items.len(), none.last, none.more), (0, 5, false));
        assert_eq!(page(&store, FeedQuery { limit: 0, ..after(2) }).await.last, 2);
    }

    async fn many_places_are_looked_through_in_steps(store: TestStore) {
        let id = tenant(&store, "one").await;
        store.number().await;
        let db = raw(&store).await;
        let hex = id.0.simple();
        let tenant = match store.backend() {
            store::Backend::Postgres => format!("'{}'", id.0),
            store::Backend::Sqlite => format!("x'{hex}'"),
        };
        run(&db, &format!(
            "INSERT INTO feed (position, tenant, seq, event, object_id, numbered_at) WITH RECURSIVE n (n) AS (SELECT 2 UNION ALL \
             SELECT n + 1 FROM n WHERE n < {}) SELECT n, {tenant}, 1, CASE n WHEN 5003 THEN 'user.created' ELSE 'x' END, 'u', 0 FROM n",
            LOOKED_THROUGH + 3
        )).await;
        run(&db, &format!("UPDATE feed_ends SET position = {} WHERE name = 'last'", LOOKED_THROUGH + 3)).await;
        db.close().await.expect("closed");
        let wanted = FeedQuery { events: Some(vec!["user.created".into()]), ..after(0) };
        let first = page(&store, wanted.clone()).await;
        assert_eq!((first.items.len(), first.last, first.more), (0, LOOKED_THROUGH, true));
        let second = page(&store, FeedQuery { after: first.last, ..wanted }).await;
        assert_eq!((second.items.len(), second.last, second.more), (1, LOOKED_THROUGH + 3, false));
    }

    async fn times_have_places_and_old_ones_are_forgotten(store: TestStore) {
        let id = tenant(&store, "one").await;
        store.number().await;
        let mut times = HashMap::new();
        for name in ["a", "b", "c", "d", "e"] {
            store.advance(60_000);
            times.insert(name, store.now());
            users(&store, id, &[name]).await;
            store.number().await;
        }
        let platform = store.platform();
        for (name, place) in [("a", 1), ("c", 3), ("e", 5)] {
            assert_eq!(platform.feed_place_at(times[name]).await.expect("a place"), place, "{name}");
            assert_eq!(platform.feed_place_at(times[name] + 30_000).await.expect("a place"), place + 1, "after {name}");
        }
        assert_eq!(platform.feed_place_at(0).await.expect("a place"), 0);
        assert_eq!(platform.feed_place_at(i64::MAX).await.expect("a place"), 6);

        assert_eq!(platform.forget_feed(times["d"], 3).await.expect("some"), 3);
        assert_eq!(platform.feed_ends().await.expect("ends"), FeedEnds { forgotten: 3, last: 6 });
        assert_eq!(platform.forget_feed(times["d"], 3).await.expect("the rest"), 1);
        assert_eq!(platform.forget_feed(times["d"], 3).await.expect("nothing"), 0);
        assert_eq!(page(&store, after(0)).await.items.len(), 2);
        assert_eq!(platform.feed_place_at(times["a"]).await.expect("a place"), 4);
        // All: the places go on.
        assert_eq!(platform.forget_feed(i64::MAX, 100).await.expect("all"), 2);
        users(&store, id, &["f"]).await;
        store.number().await;
        assert_eq!(page(&store, after(0)).await.items[0].position, 7);
        assert_eq!(store.tenant(id).outbox(100).await.expect("events").len(), 7, "the events themselves stay");
    }

    /// As a node of an older version does it, which knows no places.
    async fn what_others_have_numbered_gets_its_place(store: TestStore) {
        let (one, two) = (tenant(&store, "one").await, tenant(&store, "two").await);
        users(&store, one, &["a", "b"]).await;
        store.number().await;
        let db = raw(&store).await;
        run(&db, "DELETE FROM feed WHERE position > 1; UPDATE feed_ends SET position = 1 WHERE name = 'last'; \
                  UPDATE trails SET feed_seq = (SELECT COUNT(*) FROM feed f WHERE f.tenant = trails.owner) WHERE outbox_seq > 0").await;
        db.close().await.expect("closed");
        // One of them changes again, the other does not.
        users(&store, one, &["c"]).await;
        store.number().await;
        store.store().place_left_out().await.expect("placed");
        let all = page(&store, after(0)).await;
        assert_eq!((all.items.len(), all.last), (5, 5));
        for (tenant, expected) in [(one, vec![1, 2, 3, 4]), (two, vec![1])] {
            let of = page(&store, FeedQuery { tenant: Some(tenant), ..after(0) }).await;
            assert_eq!(of.items.iter().map(|told| told.number).collect::<Vec<_>>(), expected);
        }
        assert_eq!(store.store().place_left_out().await.expect("asked"), 0);
    }

    async fn what_was_purged_is_told_without_content(store: TestStore) {
        let id = tenant(&store, "one").await;
        users(&store, id, &["ann"]).await;
        store.number().await;
        let scope = store.tenant(id);
        let ann = scope.user_by_name("ann", false).await.expect("read").expect("there");
        assert!(scope.purge_user(ann.id, None, &context()).await.expect("purged"));
        store.number().await;
        let all = page(&store, after(1)).await;
        let events: Vec<_> = all.items.iter().map(|told| (told.record.event.as_str(), told.record.payload.is_some())).collect();
        assert_eq!(events, [("user.created", false), ("user.purged", true)]);
    }
}
