//! What a tenant's profile asks of its users and groups, through the provisioner.

use std::sync::Arc;

use scim_core::profile::Profile;
use serde_json::json;
use store_testing::on_both;

use crate::support::{World, patch, person};

const MDSCRIPTS: &str = "urn:rollcall:params:scim:schemas:extension:mdscripts:2.0:User";

on_both! {
    async fn all_that_is_wrong_is_told_at_once_and_nothing_is_kept(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let mut body = person("no address");
        body["timezone"] = json!("Eastern");
        body["active"] = json!("perhaps");
        body["name"] = json!({ "givenName": "Ann2" });
        body[MDSCRIPTS] = json!({ "isProvider": "true", "deaLicense": "AP5836728", "role": "Owner" });
        let error = side.create_user(&body).await.expect_err("much is wrong");
        for path in ["userName", "timezone", "active", "name.givenName", ":npi", ":deaLicense", ":role"] {
            assert!(error.detail.contains(&format!("{path}: ")), "{path} in {error}");
        }
        assert!(!error.detail.contains("5836728"), "{error}");
        assert_eq!(side.total("/Users").await, 0);
    }

    async fn who_stops_being_a_provider_keeps_no_number(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("mdscripts").await;
        let mut body = person("ann@clinic.example");
        body[MDSCRIPTS] = json!({ "isProvider": true, "npi": 1_234_567_893, "deaLicense": "ae5836727" });
        let made = side.create_user(&body).await.expect("made").rendered;
        assert_eq!(made.body[MDSCRIPTS]["npi"], "1234567893");
        let id = made.body["id"].as_str().expect("an id");
        let demote = patch(json!([{ "op": "replace", "value": { "isProvider": "False", "role": "manager" } }]));
        let after = side.patch_user(id, &demote).await.expect("taken");
        assert_eq!(after.body[MDSCRIPTS], json!({ "isProvider": false, "role": "Manager" }));
        // The same again, and what the provider writes back, change nothing.
        let events = side.events().await;
        side.patch_user(id, &demote).await.expect("taken");
        side.put_user(id, &after.body).await.expect("taken");
        assert_eq!(side.events().await, events);
    }

    async fn names_of_the_guide_change_the_primary_element(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("clinical-maestro").await;
        let body = json!({ "userName": "ann@clinic.example", "email": "ann@clinic.example", "primaryPhone": "555" });
        let made = side.create_user(&body).await.expect("made").rendered;
        let id = made.body["id"].as_str().expect("an id");
        let change = json!([{ "op": "replace", "value": { "email": "new@clinic.example", "primaryPhoneType": "mobile" } }]);
        let after = side.patch_user(id, &patch(change)).await.expect("taken");
        assert_eq!(after.body["emails"], json!([{ "value": "new@clinic.example", "primary": true }]));
        assert_eq!(after.body["phoneNumbers"], json!([{ "value": "555", "type": "mobile", "primary": true }]));
        let mut echo = after.body.clone().into_value();
        echo["email"] = json!("third@clinic.example");
        let after = side.put_user(id, &echo).await.expect("taken");
        assert_eq!(after.body["emails"][0]["value"], "third@clinic.example");
    }

    async fn a_rule_that_came_later_keeps_nobody_signed_in(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let made = side.create_user(&person("ann")).await.expect("made").rendered;
        let id = made.body["id"].as_str().expect("an id");
        let text = Profile::builtin("mdscripts").expect("a file");
        let stricter = Profile::from_toml(text).expect("compiles");
        let side = side.with(|profile| profile.user = Arc::clone(&stricter.user));
        let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "Ann" }]));
        let error = side.patch_user(id, &rename).await.expect_err("the user name is no address");
        assert!(error.detail.contains("userName: "), "{error}");
        let off = patch(json!([{ "op": "replace", "value": { "active": false } }]));
        assert_eq!(side.patch_user(id, &off).await.expect("taken").body["active"], false);
        let on = patch(json!([{ "op": "replace", "value": { "active": true } }]));
        assert!(side.patch_user(id, &on).await.is_err(), "coming back is a change like any other");
    }

    async fn groups_are_mapped_by_all_rules_and_refused_where_that_is_wanted(store: TestStore) {
        let world = &World::new(&store);
        let text = Profile::builtin("envi").expect("a file").replace(
            "unmatched-group = \"keep\"",
            "unmatched-group = \"reject\"\n[[roles.rule]]\nexternal-id = \"00g7\"\nrole = \"Auditor\"",
        );
        let mapped = Profile::from_toml(&text).expect("compiles");
        let side = world.tenant("envi").await.with(|profile| profile.roles = mapped.roles);
        let made = side.create_group(&json!({ "displayName": "envi_managed" })).await.expect("by prefix");
        side.create_group(&json!({ "displayName": "Anything", "externalId": "00g7" })).await.expect("by id");
        let error = side.create_group(&json!({ "displayName": "Everyone" })).await.expect_err("no role");
        assert!(error.status == 400 && error.detail.starts_with("displayName: "), "{error}");
        let rename = patch(json!([{ "op": "replace", "path": "displayName", "value": "Everyone" }]));
        let id = made.body["id"].as_str().expect("an id");
        assert!(side.patch_group(id, &rename).await.is_err());
        assert_eq!(side.total("/Groups").await, 2);
    }
}
