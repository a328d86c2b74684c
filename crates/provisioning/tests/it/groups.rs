//! Groups themselves: names, roles, versions.

use provisioning::Query;
use scim_core::{ScimType, urn};
use serde_json::json;
use store_testing::on_both;

use crate::support::{World, patch};

on_both! {
    async fn a_product_without_groups_says_so(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await.with(|profile| {
            profile.group = None;
            profile.title = "Epic EMP".into();
        });
        let body = json!({ "schemas": [urn::GROUP], "displayName": "Everyone" });
        let id = "0190b5e0-0000-7000-8000-000000000000";
        let list = Query { start_index: 1, count: 10, ..Query::default() };
        for error in [
            side.create_group(&body).await.expect_err("POST"),
            side.group(id).await.expect_err("GET"),
            side.groups(&list).await.expect_err("list"),
            side.put_group(id, &body).await.expect_err("PUT"),
            side.patch_group(id, &patch(json!([]))).await.expect_err("PATCH"),
            side.delete_group(id, None).await.expect_err("DELETE"),
        ] {
            assert_eq!(error.status, 404);
            assert!(error.detail.starts_with("Epic EMP has no groups"), "{}", error.detail);
        }
    }

    async fn a_name_is_given_once_in_any_case(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let first = side.make_group("Nurses", &[]).await;
        let second = side.make_group("Doctors", &[]).await;
        let twin = json!({ "schemas": [urn::GROUP], "displayName": "NURSES" });
        let rename = patch(json!([{ "op": "replace", "value": { "id": second, "displayName": "nurses" } }]));
        for error in [
            side.create_group(&twin).await.expect_err("POST"),
            side.put_group(&second, &twin).await.expect_err("PUT"),
            side.patch_group(&second, &rename).await.expect_err("PATCH"),
        ] {
            assert_eq!((error.status, error.scim_type), (409, Some(ScimType::Uniqueness)));
            assert!(error.detail.starts_with("displayName"), "{}", error.detail);
        }
        side.delete_group(&first, None).await.expect("deleted");
        side.patch_group(&second, &rename).await.expect("the name is free");
    }

    async fn a_group_is_found_by_name_with_and_without_members(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let user = side.make_user("found@example.com").await;
        let id = side.make_group("Nurses", &[&user]).await;
        side.make_group("Doctors", &[]).await;
        let query = Query {
            filter: Some("displayName eq \"nurses\"".into()),
            start_index: 1,
            count: 100,
            ..Query::default()
        };
        let found = side.groups(&query).await.expect("a list");
        assert_eq!((found.total, &found.resources[0]["id"]), (1, &json!(id)));
        assert_eq!(found.resources[0]["members"][0]["value"], json!(user));
        let bare = side.without("members").groups(&query).await.expect("a list");
        assert!(bare.resources[0].get("members").is_none());
        assert!(side.without("members").group(&id).await.expect("read").body.get("members").is_none());
    }

    async fn unknown_ids_are_not_found_and_others_groups_are_unknown(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("generic").await, world.tenant("generic").await);
        let theirs = other.make_group("Theirs", &[]).await;
        let body = json!({ "schemas": [urn::GROUP], "displayName": "Mine" });
        let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "Mine" }]));
        for id in ["7", "not-a-uuid", &theirs] {
            for error in [
                side.group(id).await.expect_err("GET"),
                side.put_group(id, &body).await.expect_err("PUT"),
                side.patch_group(id, &rename).await.expect_err("PATCH"),
                side.delete_group(id, None).await.expect_err("DELETE"),
            ] {
                assert_eq!((error.status, error.scim_type), (404, None), "{id:?}");
            }
        }
        assert_eq!(other.group(&theirs).await.expect("untouched").body["displayName"], "Theirs");
    }

    async fn the_prefix_gives_roles(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("envi").await;
        let user = side.make_user("nurse@example.com").await;
        let manager = side.make_group("Envi_Manager", &[&user]).await;
        side.make_group("Everyone", &[&user]).await;
        assert_eq!(side.roles(&user).await, ["Manager via Envi_Manager"]);

        let testing = side.make_group("envi_testing", &[]).await;
        let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]));
        side.patch_group(&testing, &add).await.expect("added");
        assert_eq!(side.roles(&user).await, ["Manager via Envi_Manager", "testing via envi_testing"]);

        let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "Envi_Auditor" }]));
        side.patch_group(&testing, &rename).await.expect("renamed");
        assert_eq!(side.roles(&user).await, ["Auditor via Envi_Auditor", "Manager via Envi_Manager"]);

        let path = format!("members[value eq \"{user}\"]");
        side.patch_group(&manager, &patch(json!([{ "op": "remove", "path": path }]))).await.expect("removed");
        assert_eq!(side.roles(&user).await, ["Auditor via Envi_Auditor"]);
        side.delete_group(&testing, None).await.expect("deleted");
        assert_eq!(side.roles(&user).await, Vec::<String>::new());
        assert_eq!(side.user(&user).await.expect("stays").body["groups"][0]["display"], "Everyone");
    }

    async fn if_match_names_the_version_that_may_change(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let user = side.make_user("match@example.com").await;
        let id = side.make_group("Nurses", &[]).await;
        let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]));
        for versions in [vec![2], vec![]] {
            for error in [
                side.patch_group_if(&id, Some(versions.clone()), &add).await.expect_err("PATCH"),
                side.delete_group(&id, Some(versions.clone())).await.expect_err("DELETE"),
            ] {
                assert_eq!(error.status, 412, "{versions:?}");
            }
        }
        side.patch_group_if(&id, Some(vec![1, 5]), &add).await.expect("matched");
        let version = side.version_of_group(&id).await;
        assert_eq!(version, 2);
        side.delete_group(&id, Some(vec![version])).await.expect("deleted");
    }
}
