//! Replacing and patching users.

use provisioning::Query;
use scim_core::{ScimType, urn};
use serde_json::{Value, json};
use store_testing::on_both;

use crate::support::{World, patch, person};

on_both! {
    async fn our_own_answer_put_back_changes_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("echo@example.com").await;
        side.make_group("Everyone", &[&id]).await;
        let before = side.user(&id).await.expect("read");
        let events = side.events().await;
        world.later(60_000);
        let after = side.put_user(&id, &before.body).await.expect("replaced");
        assert_eq!(after, before, "same version, same lastModified");
        assert_eq!(side.events().await, events);
    }

    async fn put_clears_what_is_left_out_but_not_active(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("put@example.com").await;
        side.patch_user(&id, &patch(json!([{ "op": "replace", "value": { "active": false } }])))
            .await
            .expect("off");
        world.later(1000);
        let body =
            json!({ "schemas": [urn::USER], "id": "ignored", "userName": "put@example.com", "title": "Dr" });
        let after = side.put_user(&id, &body).await.expect("replaced").body;
        assert_eq!((&after["active"], &after["title"]), (&json!(false), &json!("Dr")));
        assert!(after.get("name").is_none() && after.get("emails").is_none(), "{after}");
        assert_eq!((after["id"].as_str(), &after["meta"]["version"]), (Some(id.as_str()), &json!("W/\"3\"")));
        assert_ne!(after["meta"]["lastModified"], after["meta"]["created"]);

        let nameless = side.put_user(&id, &json!({ "schemas": [urn::USER] })).await.expect_err("refused");
        assert_eq!((nameless.status, nameless.scim_type), (400, Some(ScimType::InvalidValue)));
        assert_eq!(side.user(&id).await.expect("read").body, after, "nothing half-written");
    }

    async fn patches_that_change_nothing_write_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("same@example.com").await;
        let before = side.user(&id).await.expect("read");
        let events = side.events().await;
        world.later(60_000);
        for operations in [
            json!([{ "op": "replace", "value": { "active": true } }]),
            json!([{ "op": "Replace", "path": "active", "value": "True" }]),
            json!([{ "op": "remove", "path": "title" }]),
            json!([{ "op": "add", "path": "emails", "value": before.body["emails"] }]),
            json!([{ "op": "replace", "value": { "id": "x", "userName": "same@example.com" } }]),
            json!([
                { "op": "add", "path": "title", "value": "Dr" },
                { "op": "remove", "path": "title" }
            ]),
        ] {
            let after = side.patch_user(&id, &patch(operations.clone())).await.expect("patched");
            assert_eq!(after, before, "{operations}");
        }
        assert_eq!(side.events().await, events);
    }

    async fn off_and_on_again_is_the_same_user(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("leaver@example.com").await;
        let group = side.make_group("Everyone", &[&id]).await;
        let before = side.user(&id).await.expect("read").body;
        let off = patch(json!([{ "op": "replace", "value": { "active": false } }]));
        assert_eq!(side.patch_user(&id, &off).await.expect("off").body["active"], false);

        let lookup = Query {
            filter: Some("userName eq \"leaver@example.com\"".into()),
            start_index: 1,
            count: 100,
            ..Query::default()
        };
        let found = side.users(&lookup).await.expect("a list");
        assert_eq!((found.total, &found.resources[0]["id"]), (1, &json!(id)));
        assert_eq!(found.resources[0]["active"], false);

        let on = patch(json!([{ "op": "replace", "value": { "active": true } }]));
        let mut after = side.patch_user(&id, &on).await.expect("on").body.into_value();
        assert_eq!(after["meta"]["version"], "W/\"3\"");
        assert_eq!(after["groups"][0]["value"], json!(group));
        after["meta"] = before["meta"].clone();
        assert_eq!(after, *before, "the same attributes came back");
        let events = side.event_names().await;
        assert!(events.iter().any(|event| event == "user.deactivated"), "{events:?}");
        assert!(events.iter().any(|event| event == "user.reactivated"), "{events:?}");
    }

    async fn a_rename_to_a_taken_name_is_refused(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        side.make_user("taken@example.com").await;
        let id = side.make_user("mover@example.com").await;
        let rename = |name: &str| patch(json!([{ "op": "replace", "path": "userName", "value": name }]));
        for error in [
            side.patch_user(&id, &rename("TAKEN@example.com")).await.expect_err("PATCH"),
            side.put_user(&id, &person("taken@example.com")).await.expect_err("PUT"),
        ] {
            assert_eq!((error.status, error.scim_type), (409, Some(ScimType::Uniqueness)));
        }
        assert_eq!(side.user(&id).await.expect("read").etag, "W/\"1\"");
        // Another spelling of one's own name, and a free name, are fine.
        let own = side.patch_user(&id, &rename("Mover@example.com")).await.expect("renamed");
        assert_eq!((&own.body["userName"], own.etag.as_str()), (&json!("Mover@example.com"), "W/\"2\""));
        side.patch_user(&id, &rename("free@example.com")).await.expect("renamed");
        side.make_user("mover@example.com").await;
    }

    async fn a_patch_is_all_or_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("whole@example.com").await;
        let before = side.user(&id).await.expect("read");
        let operations = json!([
            { "op": "replace", "path": "title", "value": "Dr" },
            { "op": "replace", "path": "colour", "value": "red" },
        ]);
        let error = side.patch_user(&id, &patch(operations)).await.expect_err("refused");
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidPath)));
        let nameless = patch(json!([{ "op": "remove", "path": "userName" }]));
        assert_eq!(side.patch_user(&id, &nameless).await.expect_err("refused").status, 400);
        assert_eq!(side.user(&id).await.expect("read"), before);
    }

    async fn if_match_names_the_version_that_may_change(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("match@example.com").await;
        let title = |value: &str| patch(json!([{ "op": "replace", "path": "title", "value": value }]));
        let current = side.patch_user_if(&id, Some(vec![1]), &title("a")).await.expect("matched");
        assert_eq!(current.etag, "W/\"2\"");
        for versions in [vec![1], vec![3, 4], vec![]] {
            for error in [
                side.patch_user_if(&id, Some(versions.clone()), &title("b")).await.expect_err("PATCH"),
                side.put_user_if(&id, Some(versions.clone()), &person("m@example.com"))
                    .await
                    .expect_err("PUT"),
                side.delete_user(&id, Some(versions.clone())).await.expect_err("DELETE"),
            ] {
                assert_eq!(error.status, 412, "{versions:?}");
            }
        }
        assert_eq!(side.user(&id).await.expect("read").body["title"], "a");
        side.patch_user_if(&id, Some(vec![9, 2]), &title("c")).await.expect("one of the list");
        side.delete_user(&id, Some(vec![3])).await.expect("deleted");
    }

    async fn parallel_patches_all_arrive(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("busy@example.com").await;
        let names = ["title", "nickName", "locale", "userType", "displayName"];
        let bodies: Vec<Value> =
            names.iter().map(|name| patch(json!([{ "op": "add", "path": name, "value": name }]))).collect();
        let outcomes = futures::future::join_all(bodies.iter().map(|body| side.patch_user(&id, body))).await;
        for outcome in outcomes {
            outcome.expect("patched");
        }
        let after = side.user(&id).await.expect("read");
        assert_eq!(after.etag, "W/\"6\"");
        for name in names {
            assert_eq!(after.body[name], *name);
        }
    }

    async fn of_parallel_changes_of_one_version_one_wins(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("once@example.com").await;
        let bodies: Vec<Value> = (0..5)
            .map(|at| patch(json!([{ "op": "replace", "path": "title", "value": format!("t{at}") }])))
            .collect();
        let changes = bodies.iter().map(|body| side.patch_user_if(&id, Some(vec![1]), body));
        let outcomes = futures::future::join_all(changes).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|error| error.status == 412));
        assert_eq!(side.user(&id).await.expect("read").etag, "W/\"2\"");
    }
}
