//! Events that come late, or again: what is written is never older than what was written before.

use directory_testing::{BASE, Directory};
use serde_json::json;
use store_testing::on_both;

use super::bed::{Bed, context, directory, mapping, shown};

fn dn(name: &str) -> String {
    format!("uid={name},{BASE}")
}

on_both! {
    async fn what_is_sent_again_brings_nothing_back(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let mut settings = mapping(&server);
        let to = bed.writes_to(server.ldaps(), settings.clone()).await;
        let again = async |place: i64| {
            bed.store.platform().replay(to, place - 1, place).await.unwrap();
            bed.all_done(to).await;
        };
        let ann = bed.user(json!({"userName": "ann", "externalId": "1", "title": "first"})).await;
        bed.all_done(to).await;
        bed.put(&ann, json!({"userName": "ann.lee", "externalId": "2", "title": "second"})).await;
        bed.all_done(to).await;
        let places = bed.places(to, &ann).await;
        assert_eq!(places.len(), 2);
        let before = server.writes().await;
        again(places[0]).await;
        assert_eq!(server.writes().await, before);
        assert_eq!(shown(server.entry(&dn("ann.lee")).await)["title"], "second");

        // Nobody who is deleted is opened again by what was before, nor ended who is back by the deletion.
        bed.delete(&ann).await;
        bed.all_done(to).await;
        assert_eq!(shown(server.entry(&dn("ann.lee")).await)["empStatus"], "INACTIVE");
        let before = server.writes().await;
        again(places[0]).await;
        assert_eq!(server.writes().await, before);
        bed.restore(&ann).await;
        bed.all_done(to).await;
        let restored = shown(server.entry(&dn("ann.lee")).await);
        assert_eq!((&restored["empStatus"], &restored["title"]), (&json!("ACTIVE"), &json!("second")));
        let before = server.writes().await;
        let deleted = bed.places(to, &ann).await[2];
        again(deleted).await;
        assert_eq!(server.writes().await, before);

        settings["onDelete"] = "delete".into();
        bed.maps(to, directory(&settings)).await;
        bed.delete(&ann).await;
        bed.all_done(to).await;
        assert_eq!(server.entries().await.len(), 0);
        for place in [places[0], deleted] {
            again(place).await;
            assert_eq!(server.entries().await.len(), 0, "the event at {place}");
        }
        let scope = bed.store.tenant(bed.tenant.id());
        assert!(scope.purge_user(ann.parse().unwrap(), None, &context()).await.unwrap());
        bed.all_done(to).await;
        bed.store.platform().replay(to, 0, i64::MAX).await.unwrap();
        bed.all_done(to).await;
        assert_eq!(server.entries().await.len(), 0);
    }

    /// Entries hold no id here, so nothing but the link says whose they are.
    async fn what_is_sent_again_leaves_a_name_to_whoever_has_it_now(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let mut settings = mapping(&server);
        settings["link"] = json!({"attribute": "uid"});
        let to = bed.writes_to(server.ldaps(), settings).await;
        let ann = bed.user(json!({"userName": "ann", "title": "ann"})).await;
        bed.put(&ann, json!({"userName": "ann.lee", "title": "ann"})).await;
        bed.all_done(to).await;
        bed.user(json!({"userName": "ann", "title": "another"})).await;
        bed.all_done(to).await;
        let before = server.writes().await;
        let place = bed.places(to, &ann).await[1];
        bed.store.platform().replay(to, place - 1, place).await.unwrap();
        bed.all_done(to).await;
        assert_eq!(server.writes().await, before);
        server.delete(&dn("ann.lee")).await;
        bed.store.platform().replay(to, 0, i64::MAX).await.unwrap();
        bed.all_done(to).await;
        for (name, title) in [("ann.lee", "ann"), ("ann", "another")] {
            assert_eq!(shown(server.entry(&dn(name)).await)["title"], title);
        }
    }

    /// By its former link an entry is found though the event comes when the user has had others since.
    async fn what_comes_late_finds_the_entry_all_the_same(store: TestStore) {
        let bed = Bed::new(store, "generic").await;
        let server = Directory::start().await;
        let mut settings = mapping(&server);
        let to = bed.writes_to(server.ldaps(), settings.clone()).await;
        for on_delete in ["deactivate", "delete"] {
            settings["onDelete"] = on_delete.into();
            bed.maps(to, directory(&settings)).await;
            let number = |at: usize| format!("{on_delete}{at}");
            let ann = bed.user(json!({"userName": "a", "externalId": number(0)})).await;
            let bob = bed.user(json!({"userName": "bob", "externalId": number(9)})).await;
            bed.all_done(to).await;
            bed.set_active(to, false).await;
            for (at, name) in ["b", "c"].into_iter().enumerate() {
                bed.put(&ann, json!({"userName": name, "externalId": number(at + 1)})).await;
                bed.put(&bob, json!({"userName": format!("bob.{name}"), "externalId": number(at + 10)})).await;
            }
            bed.delete(&ann).await;
            let late = bed.user(json!({"userName": "late", "externalId": number(20)})).await;
            bed.delete(&late).await;
            bed.set_active(to, true).await;
            bed.all_done(to).await;
            let entries = server.entries().await;
            let open: Vec<&String> =
                entries.iter().filter(|(_, entry)| entry["empStatus"] == ["ACTIVE"]).map(|(dn, _)| dn).collect();
            assert_eq!(open, [&dn("bob.c")], "{entries:?}");
            assert_eq!(entries[&dn("bob.c")]["employeeNumber"], [number(11)]);
            let closed: Vec<&String> = entries.keys().filter(|name| **name != dn("bob.c")).collect();
            match on_delete {
                "delete" => assert_eq!(closed, Vec::<&String>::new()),
                _ => assert_eq!(closed, [&dn("c"), &dn("late")], "by their last names"),
            }
            for name in ["bob.c", "c", "late"] {
                if server.entry(&dn(name)).await.is_some() {
                    server.delete(&dn(name)).await;
                }
            }
            bed.delete(&bob).await;
            bed.all_done(to).await;
        }
    }
}
