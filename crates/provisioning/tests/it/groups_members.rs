//! Members of groups: adding, removing, replacing, unknown ones, many at once.

use scim_core::{ScimType, profile::UnknownMemberPolicy, urn};
use serde_json::{Value, json};
use store_testing::on_both;

use crate::support::{World, patch, person};

const NOBODY: &str = "0190b5e0-0000-7000-8000-000000000000";

on_both! {
    async fn members_are_users_and_groups_with_their_names(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let user = side.make_user("ann@example.com").await;
        let mut named = person("bob@example.com");
        named["displayName"] = "Bob B.".into();
        let named = side.create_user(&named).await.expect("made").rendered.body["id"].clone();
        let named = named.as_str().expect("an id");
        let inner = side.make_group("Inner", &[]).await;
        let id = side.make_group("Outer", &[&user, &inner, &user, named]).await;
        let mut members =
            side.group(&id).await.expect("read").body["members"].as_array().cloned().expect("members");
        members.sort_by_key(|member| member["display"].as_str().map(str::to_owned));
        assert_eq!(
            members,
            [
                // A member without displayName has no display: nothing stands in for it.
                json!({
                    "value": user,
                    "$ref": format!("{}/Users/{user}", side.base_url),
                    "type": "User",
                }),
                json!({
                    "value": named,
                    "$ref": format!("{}/Users/{named}", side.base_url),
                    "type": "User",
                    "display": "Bob B.",
                }),
                json!({
                    "value": inner,
                    "$ref": format!("{}/Groups/{inner}", side.base_url),
                    "type": "Group",
                    "display": "Inner",
                }),
            ]
        );
    }

    async fn an_echoed_group_and_repeated_members_change_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let user = side.make_user("ann@example.com").await;
        let id = side.make_group("Nurses", &[&user]).await;
        let before = side.group(&id).await.expect("read");
        let events = side.events().await;
        world.later(60_000);
        assert_eq!(side.put_group(&id, &before.body).await.expect("replaced"), before);
        for operations in [
            json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]),
            json!([{ "op": "replace", "path": "members", "value": [{ "value": user, "display": "x" }] }]),
            json!([{ "op": "replace", "value": { "id": id, "displayName": "Nurses" } }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{NOBODY}\"]") }]),
        ] {
            let after = side.patch_group(&id, &patch(operations.clone())).await.expect("patched");
            assert_eq!(after, before, "{operations}");
        }
        assert_eq!(side.events().await, events);
    }

    async fn put_sets_exactly_the_members_of_the_body(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let (ann, bea) = (side.make_user("ann@example.com").await, side.make_user("bea@example.com").await);
        let id = side.make_group("Nurses", &[&ann]).await;
        let body =
            |members: Value| json!({ "schemas": [urn::GROUP], "displayName": "Nurses", "members": members });
        side.put_group(&id, &body(json!([{ "value": bea }]))).await.expect("replaced");
        assert_eq!(side.members(&id).await, std::slice::from_ref(&bea));
        side.put_group(&id, &body(json!([]))).await.expect("replaced");
        assert_eq!(side.members(&id).await, Vec::<String>::new());
        side.put_group(&id, &body(json!([{ "value": ann }, { "value": bea }]))).await.expect("replaced");
        assert_eq!(side.members(&id).await.len(), 2);
        side.put_group(&id, &json!({ "schemas": [urn::GROUP], "displayName": "Nurses" }))
            .await
            .expect("replaced");
        assert_eq!(side.members(&id).await, Vec::<String>::new(), "left out is unassigned");
    }

    async fn unknown_members_are_skipped_or_refused(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("generic").await, world.tenant("generic").await);
        let (ann, theirs) =
            (side.make_user("ann@example.com").await, other.make_user("them@example.com").await);
        let unknown = [NOBODY, "not-a-uuid", theirs.as_str()];
        let skipping = side.with(|profile| profile.policies.unknown_member = UnknownMemberPolicy::Skip);
        let refusing = side.with(|profile| profile.policies.unknown_member = UnknownMemberPolicy::Reject);

        let id = skipping.make_group("Skips", &[unknown[0], &ann, unknown[1], unknown[2]]).await;
        assert_eq!(skipping.members(&id).await, std::slice::from_ref(&ann));

        for value in unknown {
            let body = json!({
                "schemas": [urn::GROUP],
                "displayName": "Refuses",
                "members": [{ "value": ann }, { "value": value }],
            });
            let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": value }] }]));
            for error in [
                refusing.create_group(&body).await.expect_err("POST"),
                refusing.put_group(&id, &body).await.expect_err("PUT"),
                refusing.patch_group(&id, &add).await.expect_err("PATCH"),
            ] {
                assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
                assert!(error.detail.starts_with("members: 1 of"), "{}", error.detail);
            }
        }
        assert_eq!(side.total("/Groups").await, 1, "nothing half-written");
        assert_eq!(side.version_of_group(&id).await, 1);
    }

    /// Nested groups that come and go at once lock each other's rows; the database undoes one, and it is repeated.
    async fn nested_groups_that_come_and_go_never_fail(store: TestStore) {
        let world = &World::new(&store);
        let side = &world.tenant("generic").await;
        let mut groups = Vec::new();
        for number in 0..6 {
            groups.push(side.make_group(&format!("Group {number}"), &[]).await);
        }
        let groups = &groups;
        let lanes = (0..8_usize).map(|lane| async move {
            for round in 0..12_usize {
                let (outer, inner) = (&groups[(lane + round) % 5], &groups[(lane * 3 + round + 1) % 6]);
                let add = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": inner }] }]));
                let outcome = match (lane + round) % 7 {
                    0 => {
                        let body = json!({ "schemas": [urn::GROUP], "displayName": format!("Lane {lane}-{round}"),
                            "members": [{ "value": outer }, { "value": inner }] });
                        let made = side.create_group(&body).await.expect("a group").body["id"].as_str().map(str::to_owned);
                        side.delete_group(&made.expect("an id"), None).await
                    }
                    1 => side.patch_group(inner, &add).await.map(|_| ()),
                    2 => {
                        let remove = patch(json!([{ "op": "remove", "path": "members" }]));
                        side.patch_group(outer, &remove).await.map(|_| ())
                    }
                    3 if round == 11 => side.delete_group(&groups[5], None).await,
                    _ => side.patch_group(outer, &add).await.map(|_| ()),
                };
                if let Err(error) = outcome {
                    assert_eq!(error.status, 404, "{error}");
                }
            }
        });
        futures::future::join_all(lanes).await;
    }

    async fn parallel_member_changes_all_arrive(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let mut users = Vec::new();
        for at in 0..10 {
            users.push(side.make_user(&format!("user{at}@example.com")).await);
        }
        let id = side.make_group("Busy", &[]).await;
        // Okta sends the name along with every change of members.
        let bodies: Vec<Value> = users
            .iter()
            .map(|user| {
                patch(json!([
                    { "op": "replace", "value": { "id": id, "displayName": "Busy" } },
                    { "op": "add", "path": "members", "value": [{ "value": user }] },
                ]))
            })
            .collect();
        let outcomes = futures::future::join_all(bodies.iter().map(|body| side.patch_group(&id, body))).await;
        for outcome in outcomes {
            outcome.expect("patched");
        }
        users.sort();
        assert_eq!(side.members(&id).await, users);
        assert_eq!(side.version_of_group(&id).await, 11, "each change is a version");
    }

    async fn operations_on_members_apply_in_order(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let (ann, bea) = (side.make_user("ann@example.com").await, side.make_user("bea@example.com").await);
        let id = side.make_group("Nurses", &[&ann]).await;
        let operations = json!([
            { "op": "remove", "path": format!("members[value eq \"{ann}\"]") },
            { "op": "add", "path": "members", "value": [{ "value": bea }] },
            { "op": "remove", "path": "members", "value": [{ "value": bea }] },
            { "op": "add", "path": "members", "value": [{ "value": ann }] },
        ]);
        side.patch_group(&id, &patch(operations)).await.expect("patched");
        assert_eq!(side.members(&id).await, [ann]);
        side.patch_group(&id, &patch(json!([{ "op": "remove", "path": "members" }]))).await.expect("emptied");
        assert_eq!(side.members(&id).await, Vec::<String>::new());
    }
}
