//! Deleting users, by each policy.

use scim_core::profile::DeletePolicy;
use serde_json::json;
use store_testing::on_both;

use crate::support::{Side, World};

async fn with_policy(world: &World<'_>, policy: DeletePolicy) -> Side {
    world.tenant("generic").await.with(|profile| profile.policies.delete = policy)
}

on_both! {
    async fn deactivate_keeps_the_user_and_can_be_repeated(store: TestStore) {
        let world = &World::new(&store);
        let side = with_policy(world, DeletePolicy::Deactivate).await;
        let id = side.make_user("stay@example.com").await;
        side.delete_user(&id, None).await.expect("deactivated");
        let after = side.user(&id).await.expect("still there");
        assert_eq!((&after.body["active"], after.etag.as_str()), (&json!(false), "W/\"2\""));
        side.delete_user(&id, None).await.expect("again");
        assert_eq!(side.user(&id).await.expect("read"), after, "nothing changed");
        assert_eq!(side.total("/Users").await, 1);
    }

    async fn soft_delete_and_purge_hide_the_user_and_free_the_name(store: TestStore) {
        let world = &World::new(&store);
        for policy in [DeletePolicy::SoftDelete, DeletePolicy::Purge] {
            let side = with_policy(world, policy).await;
            let id = side.make_user("gone@example.com").await;
            let group = side.make_group("Everyone", &[&id]).await;
            side.delete_user(&id, None).await.expect("deleted");
            assert_eq!(side.user(&id).await.expect_err("hidden").status, 404, "{policy:?}");
            assert_eq!(side.delete_user(&id, None).await.expect_err("twice").status, 404, "{policy:?}");
            assert_eq!(side.total("/Users").await, 0, "{policy:?}");
            assert_eq!(side.members(&group).await, Vec::<String>::new(), "{policy:?}");
            let again = side.make_user("gone@example.com").await;
            assert_ne!(again, id, "{policy:?}");
            assert_eq!(side.user(&again).await.expect("read").body["groups"], json!([]), "{policy:?}");
        }
    }

    async fn a_hidden_user_is_not_purged_by_a_client(store: TestStore) {
        let world = &World::new(&store);
        let side = with_policy(world, DeletePolicy::SoftDelete).await;
        let id = side.make_user("hidden@example.com").await;
        side.delete_user(&id, None).await.expect("deleted");
        let events = side.events().await;
        let purging = side.with(|profile| profile.policies.delete = DeletePolicy::Purge);
        assert_eq!(purging.delete_user(&id, None).await.expect_err("hidden").status, 404);
        assert_eq!(purging.events().await, events);
    }
}
