//! Users after their deletion, by each policy.

use provisioning::Query;
use scim_core::profile::{DeletePolicy, DuplicatePolicy};
use serde_json::{Value, json};
use store::ActorKind;
use store_testing::on_both;

use crate::support::{Side, World, patch, person};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// A tenant to which people come back.
async fn relinking(world: &World<'_>, duplicate: DuplicatePolicy) -> Side {
    world.tenant("generic").await.with(|profile| {
        profile.policies.relink_on_return = true;
        profile.policies.duplicate = duplicate;
    })
}

fn employee(user_name: &str, external_id: &str) -> Value {
    let mut body = person(user_name);
    body["externalId"] = json!(external_id);
    body
}

async fn names(side: &Side, id: &str) -> Vec<String> {
    side.trail(id).await.into_iter().map(|record| record.event).collect()
}

on_both! {
    async fn who_comes_back_is_the_same_and_nothing_old_comes_with_it(store: TestStore) {
        let world = &World::new(&store);
        let side = relinking(world, DuplicatePolicy::Reject).await;
        let mut body = employee("ann@example.com", "00u1");
        body["title"] = json!("Nurse");
        let first = side.create_user(&body).await.expect("made");
        let id = first.rendered.body["id"].as_str().expect("an id");
        side.make_group("Envi_Manager", &[id]).await;
        side.delete_user(id, None).await.expect("deleted");
        world.later(1000);

        let again = side.create_user(&employee("ann.lee@example.com", "00u1")).await.expect("back");
        assert!(again.returned && !again.linked && !first.returned);
        let shown = &again.rendered.body;
        assert_eq!((&shown["id"], &shown["userName"]), (&json!(id), &json!("ann.lee@example.com")));
        assert!(shown.get("title").is_none(), "{shown}");
        assert_eq!((&shown["groups"], again.rendered.etag.as_str()), (&json!([]), "W/\"3\""));
        assert_eq!(shown["meta"]["created"], first.rendered.body["meta"]["created"]);
        assert_eq!(side.user(id).await.expect("live").body, *shown);
        assert_eq!(side.roles(id).await, [""; 0]);
        assert_eq!(names(&side, id).await.last().map(String::as_str), Some("user.restored"));

        // By name where the externalId is another one.
        side.delete_user(id, None).await.expect("deleted");
        let third = side.create_user(&employee("ANN.LEE@example.com", "00u2")).await.expect("back");
        assert_eq!((third.returned, &third.rendered.body["id"]), (true, &json!(id)));
    }

    async fn without_the_switch_who_comes_back_is_somebody_new(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let body = employee("ann@example.com", "00u1");
        let first = side.create_user(&body).await.expect("made").rendered.body["id"].clone();
        side.delete_user(first.as_str().expect("an id"), None).await.expect("deleted");
        let again = side.create_user(&body).await.expect("made");
        assert!(!again.returned && again.rendered.body["id"] != first);
    }

    async fn of_many_posts_one_brings_back_and_the_others_follow_the_policy(store: TestStore) {
        let world = &World::new(&store);
        for duplicate in [DuplicatePolicy::Reject, DuplicatePolicy::Link] {
            let side = relinking(world, duplicate).await;
            let body = employee("ann@example.com", "00u1");
            let id = side.create_user(&body).await.expect("made").rendered.body["id"].clone();
            side.delete_user(id.as_str().expect("an id"), None).await.expect("deleted");
            let all = futures::future::join_all((0..6).map(|_| side.create_user(&body))).await;
            let made: Vec<_> = all.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
            assert_eq!(made.iter().filter(|created| created.returned).count(), 1, "{all:?}");
            assert!(made.iter().all(|created| created.rendered.body["id"] == id), "{all:?}");
            assert_eq!(side.total("/Users").await, 1);
            let refused: Vec<_> = all.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
            assert!(refused.iter().all(|error| error.status == 409), "{refused:?}");
            let expected = if duplicate == DuplicatePolicy::Link { 0 } else { 5 };
            assert_eq!(refused.len(), expected, "{duplicate:?}");
        }
    }

    async fn a_live_user_with_the_name_goes_before_who_comes_back(store: TestStore) {
        let world = &World::new(&store);
        let side = relinking(world, DuplicatePolicy::Reject).await;
        let gone = side.create_user(&employee("ann@example.com", "00u1")).await.expect("made");
        let gone = gone.rendered.body["id"].as_str().expect("an id").to_owned();
        side.delete_user(&gone, None).await.expect("deleted");
        let other = side.with(|profile| profile.policies.relink_on_return = false).make_user("ann@example.com").await;
        let body = employee("ann@example.com", "00u1");
        assert_eq!(side.create_user(&body).await.expect_err("taken").status, 409);
        let linking = side.with(|profile| profile.policies.duplicate = DuplicatePolicy::Link);
        let linked = linking.create_user(&body).await.expect("linked");
        assert!(linked.linked && !linked.returned);
        assert_eq!(linked.rendered.body["id"], json!(other));
        assert!(side.deleted_user(&gone).await.is_ok());
    }

    async fn a_deleted_user_is_restored_by_a_person(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let id = side.make_user("ann@example.com").await;
        let before = side.user(&id).await.expect("live").body;
        assert_eq!(side.deleted_user(&id).await.expect_err("live").status, 404);
        assert_eq!(side.restore_user(&id).await.expect_err("live").status, 404);
        side.delete_user(&id, None).await.expect("deleted");
        let deleted = side.deleted_user(&id).await.expect("there");
        assert_eq!(deleted.rendered.body["userName"], "ann@example.com");
        assert!(deleted.purged_from.is_none(), "kept for ever unless the profile says otherwise");

        // Whoever no longer fits the profile is not lost.
        let stricter = side.with(|profile| {
            let text = scim_core::profile::Profile::builtin("mdscripts").expect("a file");
            profile.user = scim_core::profile::Profile::from_toml(text).expect("compiles").user;
        });
        let restored = stricter.restore_user(&id).await.expect("restored");
        assert_eq!(restored.body["userName"], before["userName"]);
        assert_eq!(side.user(&id).await.expect("live").body["emails"], before["emails"]);
        assert_eq!(names(&side, &id).await, ["user.created", "user.deleted", "user.restored"]);

        side.delete_user(&id, None).await.expect("deleted");
        side.make_user("ANN@example.com").await;
        let error = side.restore_user(&id).await.expect_err("the name is taken");
        assert_eq!(error.status, 409);
        assert!(error.detail.starts_with("userName: another user has this name by now"), "{error}");
        for id in ["", "x", "0190b5e0-0000-7000-8000-000000000000"] {
            assert_eq!(side.restore_user(id).await.expect_err(id).status, 404);
        }
    }

    async fn deleted_users_are_found_by_a_filter(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        for name in ["ann@example.com", "bob@example.com", "carl@example.com"] {
            let id = side.make_user(name).await;
            if name != "bob@example.com" {
                side.delete_user(&id, None).await.expect("deleted");
            }
        }
        let query = |filter: Option<&str>, start_index, count| Query {
            filter: filter.map(str::to_owned),
            start_index,
            count,
            ..Query::default()
        };
        assert_eq!(side.deleted_users(&query(None, 1, 10)).await, ["ann@example.com", "carl@example.com"]);
        assert_eq!(side.deleted_users(&query(None, 2, 1)).await, ["carl@example.com"]);
        let by_name = query(Some(r#"emails.value co "CARL" or userName co "bob""#), 1, 10);
        assert_eq!(side.deleted_users(&by_name).await, ["carl@example.com"]);
    }

    async fn only_who_is_gone_is_erased_and_only_by_name(store: TestStore) {
        let world = &World::new(&store);
        for (profile, inactive_is_gone) in [("clinical-maestro", true), ("generic", false)] {
            let side = world.tenant(profile).await;
            let id = side.make_user("ann@example.com").await;
            let error = side.erase_user(&id, "ann@example.com").await.expect_err("active");
            assert_eq!(error.status, 409, "{profile}: {error}");
            let off = patch(json!([{ "op": "replace", "value": { "active": false } }]));
            side.patch_user(&id, &off).await.expect("deactivated");
            if !inactive_is_gone {
                assert_eq!(side.erase_user(&id, "ann@example.com").await.expect_err("inactive").status, 409);
                side.delete_user(&id, None).await.expect("deleted");
            }
            for typed in ["", "bob@example.com", "ANN@example.com", "ann@example"] {
                let error = side.erase_user(&id, typed).await.expect_err(typed);
                assert!(error.status == 400 && error.detail.starts_with("userName: "), "{error}");
            }
            assert!(side.erase_user(&id, " ann@example.com ").await.is_ok(), "{profile}");
            assert_eq!(side.user(&id).await.expect_err("gone").status, 404);
            assert_eq!(side.deleted_user(&id).await.expect_err("gone").status, 404);
            assert_eq!(side.erase_user(&id, "ann@example.com").await.expect_err("gone").status, 404);
            let trail = side.trail(&id).await;
            let last = trail.last().expect("an entry");
            assert_eq!((last.event.as_str(), last.actor.name.as_str()), ("user.purged", "Okta"));
            let told: Vec<_> = trail.iter().filter_map(|record| record.payload.as_ref()).collect();
            assert!(!format!("{told:?}").contains("ann@"), "{told:?}");
        }
    }

    async fn a_product_that_deactivates_erases_nobody_by_scim(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("clinical-maestro").await;
        let id = side.make_user("ann@example.com").await;
        for _ in 0..2 {
            side.delete_user(&id, None).await.expect("deactivated");
        }
        assert_eq!(side.user(&id).await.expect("kept").body["active"], false);
        assert_eq!(names(&side, &id).await, ["user.created", "user.deactivated"]);
    }

    async fn a_purge_with_a_version_purges_that_version(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await.with(|profile| profile.policies.delete = DeletePolicy::Purge);
        let id = side.make_user("ann@example.com").await;
        assert_eq!(side.delete_user(&id, Some(vec![7])).await.expect_err("another version").status, 412);
        side.delete_user(&id, Some(vec![1])).await.expect("purged");
        assert_eq!(side.user(&id).await.expect_err("gone").status, 404);
    }

    async fn whose_retention_is_over_is_purged(store: TestStore) {
        let world = &World::new(&store);
        let short = world.tenant_with_policies("delete = \"soft-delete\"\nretention-days = 30").await;
        let forever = world.tenant_with_policies("delete = \"soft-delete\"").await;
        let mut ids = Vec::new();
        for side in [&short, &forever] {
            let (gone, back) = (side.make_user("gone@example.com").await, side.make_user("back@example.com").await);
            let live = side.make_user("live@example.com").await;
            side.delete_user(&gone, None).await.expect("deleted");
            side.delete_user(&back, None).await.expect("deleted");
            ids.push([gone, back, live]);
        }
        let [gone, back, live] = &ids[0];
        let deleted = short.deleted_user(gone).await.expect("there");
        assert_eq!(deleted.purged_from, Some(deleted.deleted_at + 30 * DAY));
        assert_eq!(world.purge_expired().await, 0);
        world.later(29 * DAY);
        assert_eq!(world.purge_expired().await, 0);
        short.restore_user(back).await.expect("restored");
        short.delete_user(back, None).await.expect("deleted again");
        world.later(DAY + 60_000);
        // Two nodes at once purge each of them once.
        let (one, two) = futures::future::join(world.purge_expired(), world.purge_expired()).await;
        assert_eq!(one + two, 1);
        assert_eq!(world.purge_expired().await, 0);
        assert_eq!(short.deleted_user(gone).await.expect_err("purged").status, 404);
        assert!(short.deleted_user(back).await.is_ok(), "its time began anew");
        assert!(short.user(live).await.is_ok());
        let trail = short.trail(gone).await;
        let last = trail.last().expect("an entry");
        assert_eq!((last.event.as_str(), last.actor.kind), ("user.purged", ActorKind::System));
        assert_eq!(last.cause, "retention-days = 30");
        assert!(trail[..trail.len() - 1].iter().all(|record| record.payload.is_none()), "{trail:?}");
        world.later(3650 * DAY);
        assert_eq!(world.purge_expired().await, 1, "only the one who was deleted again");
        let [gone, back, _] = &ids[1];
        assert!(forever.deleted_user(gone).await.is_ok() && forever.deleted_user(back).await.is_ok());
    }

    /// Whatever keeps somebody from being purged, it does not keep the others.
    async fn one_who_cannot_be_purged_holds_up_nobody(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with_policies("delete = \"soft-delete\"\nretention-days = 1").await;
        let mut ids = Vec::new();
        for name in ["first@example.com", "second@example.com", "third@example.com"] {
            let id = side.make_user(name).await;
            side.delete_user(&id, None).await.expect("deleted");
            world.later(1000);
            ids.push(id);
        }
        store.keep_user(&ids[0]).await;
        world.later(DAY + 60_000);
        assert_eq!(world.purge_expired().await, 2);
        assert!(side.deleted_user(&ids[0]).await.is_ok());
        for id in &ids[1..] {
            assert_eq!(side.deleted_user(id).await.expect_err("purged").status, 404);
        }
        assert_eq!(world.purge_expired().await, 0);
    }

    /// TOML has more than one way to write a key.
    async fn a_policy_holds_however_its_key_is_written(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with_policies("delete = \"soft-delete\"\n\"retention\\u002Ddays\" = 1").await;
        assert!(!side.tenant().row.profile.contains("retention-days"));
        let id = side.make_user("gone@example.com").await;
        side.delete_user(&id, None).await.expect("deleted");
        world.later(DAY + 60_000);
        assert_eq!(world.purge_expired().await, 1);
    }

    async fn more_than_one_batch_is_purged_at_once(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with_policies("delete = \"soft-delete\"\nretention-days = 1").await;
        let mut last = String::new();
        for number in 0..103 {
            last = side.make_user(&format!("u{number}@example.com")).await;
            side.delete_user(&last, None).await.expect("deleted");
        }
        world.later(DAY + 60_000);
        assert_eq!(world.purge_expired().await, 103);
        assert_eq!(side.deleted_user(&last).await.expect_err("purged").status, 404);
    }
}
