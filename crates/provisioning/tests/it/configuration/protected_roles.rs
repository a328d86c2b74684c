//! The last active holder of a protected role keeps it, whatever the request is.

use serde_json::json;
use store_testing::on_both;

use super::{BADGES, told};
use crate::support::{World, context, patch};

on_both! {
    async fn the_last_owner_stays(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let (ann, bob) = (side.make_user("ann@x.example").await, side.make_user("bob@x.example").await);
        let owners = side.make_group("Owners", &[&ann]).await;
        let events = side.events().await;
        let removal = patch(json!([{"op": "remove", "path": format!("members[value eq \"{ann}\"]")}]));
        let renaming = patch(json!([{"op": "replace", "path": "displayName", "value": "Former owners"}]));
        let emptied = json!({"schemas": [scim_core::urn::GROUP], "displayName": "Owners", "members": []});
        for error in [
            side.patch_group(&owners, &removal).await.expect_err("refused"),
            side.patch_group(&owners, &renaming).await.expect_err("refused"),
            side.put_group(&owners, &emptied).await.expect_err("refused"),
            side.delete_group(&owners, None).await.expect_err("refused"),
            side.delete_user(&ann, None).await.expect_err("refused"),
        ] {
            assert_eq!((error.status, error.scim_type), (409, None));
            assert!(error.detail.starts_with("roles: \"Owner\" is a protected role"), "{error}");
        }
        assert_eq!((side.events().await, side.roles(&ann).await), (events, vec!["Owner via Owners".to_owned()]));

        // Give it to somebody else first.
        let addition = patch(json!([{"op": "add", "path": "members", "value": [{"value": bob}]}]));
        side.patch_group(&owners, &addition).await.expect("added");
        side.patch_group(&owners, &removal).await.expect("removed");
        // Somebody who is turned off goes out at once, and keeps nobody else from anything.
        let off = patch(json!([{"op": "replace", "path": "active", "value": false}]));
        side.patch_user(&bob, &off).await.expect("deactivated");
        side.delete_group(&owners, None).await.expect("nobody active had it");
    }

    async fn a_profile_takes_it_only_with_its_protection(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let ann = side.make_user("ann@x.example").await;
        side.make_group("Owners", &[&ann]).await;
        let without_rule = BADGES.replace("group = \"Owners\"", "group = \"Bosses\"");
        let save = async |text: &str| world.directory.save_profile(side.tenant(), text, 1, &context()).await;
        let error = told(save(&without_rule).await);
        assert!(error.starts_with("roles: ") && error.contains("\"Owner\""), "{error}");
        assert_eq!(side.again(world).await.tenant().row.profile_version, 1);
        let unprotected = without_rule.replace("protected = [\"Owner\"]", "");
        let saved = save(&unprotected).await.expect("saved");
        assert_eq!((saved.version, saved.revoked), (2, 1));
    }
}
