//! The end of a tenant.

use store_testing::on_both;

use crate::support::{World, context};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

on_both! {
    async fn deleted_restored_and_purged(store: TestStore) {
        let world = &World::new(&store);
        let directory = &world.directory;
        let made = directory.create("acme", None, "generic", "lenient", true, &context()).await.expect("made");
        let wrong = directory.delete(&made, "Acme", &context()).await.expect_err("not the slug").to_string();
        assert!(wrong.starts_with("confirm: ") && wrong.contains("nothing was deleted"), "{wrong}");
        assert!(directory.by_slug("acme").await.expect("asked").is_some());
        directory.delete(&made, " acme ", &context()).await.expect("deleted");
        assert!(directory.by_slug("acme").await.expect("asked").is_none());
        assert!(directory.by_id(made.id()).await.expect("asked").is_none());

        assert_eq!(directory.purge_deleted().await.expect("a round"), 0);
        assert_eq!(directory.restore(made.id(), &context()).await.expect("asked").as_deref(), Some("acme"));
        assert_eq!(directory.restore(made.id(), &context()).await.expect("asked"), None);
        let back = directory.by_slug("acme").await.expect("asked").expect("there");
        assert!(!back.is_active(), "somebody decides");

        directory.delete(&back, "acme", &context()).await.expect("deleted");
        assert_eq!(directory.clone().with_retention(0).purge_deleted().await.expect("a round"), 0, "somebody may still be at it");
        world.later(HOUR);
        assert_eq!(directory.purge_deleted().await.expect("a round"), 0);
        world.later(30 * DAY);
        assert_eq!(directory.purge_deleted().await.expect("a round"), 1);
        assert_eq!(directory.purge_deleted().await.expect("a round"), 0);
        assert_eq!(directory.restore(made.id(), &context()).await.expect("asked"), None);
        let again = directory.create("acme", None, "generic", "lenient", true, &context()).await;
        assert!(again.is_err_and(|error| error.to_string().contains("never reused")));
    }

    async fn many_rows_go_in_small_steps(store: TestStore) {
        let world = &World::new(&store);
        let directory = &world.directory;
        let made = directory.create("acme", None, "generic", "lenient", true, &context()).await.expect("made");
        store.many_users(made.id(), 2_500).await;
        directory.delete(&made, "acme", &context()).await.expect("deleted");
        world.later(HOUR);
        assert_eq!(directory.clone().with_retention(0).purge_deleted().await.expect("a round"), 1);
        let told = store.platform().audit(Some(&made.id().to_string()), 1).await.expect("a trail").remove(0);
        let rows = told.payload.expect("a payload")["state"]["rows"].as_u64().expect("a number");
        assert_eq!(told.event, "tenant.purged");
        assert!(rows >= 2_500, "{rows}");
    }
}
