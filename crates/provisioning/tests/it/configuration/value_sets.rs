//! Lists of allowed values.

use provisioning::TenantDirectory;
use scim_core::value_set::AllowedValue;
use serde_json::{Value, json};
use store_testing::on_both;

use super::{BADGES, told};
use crate::support::{World, context, person};

fn values(of: &[&str]) -> Vec<AllowedValue> {
    of.iter().map(|value| AllowedValue::from(*value)).collect()
}

fn at_site(user_name: &str, site: &str) -> Value {
    let mut body = person(user_name);
    body["site"] = json!(site);
    body
}

on_both! {
    async fn a_list_holds_for_the_next_request_and_in_other_nodes(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        side.create_user(&at_site("a@x.example", "anywhere")).await.expect("nobody has filled the list");
        let node = store.another().await;
        let elsewhere = TenantDirectory::new(node.clone());
        let id = side.tenant().id();
        assert!(elsewhere.by_id(id).await.expect("read").expect("there").value_sets.get("sites").is_none());

        let list = vec![AllowedValue { value: " North ".into(), label: Some(" The north ".into()) }];
        world.directory.set_value_set(side.tenant(), "sites", list, &context()).await.expect("set");
        let side = side.again(world).await;
        let error = side.create_user(&at_site("b@x.example", "anywhere")).await.expect_err("not in the list");
        assert!(error.detail.contains("urn:example:badges:site: "), "{error}");
        let made = side.create_user(&at_site("b@x.example", "NORTH")).await.expect("in the list");
        assert_eq!(made.rendered.body["urn:example:badges"]["site"], "North");
        let kept = &side.tenant().own_sets.get("sites").expect("own").values()[0];
        assert_eq!((kept.value.as_str(), kept.label.as_deref()), ("North", Some("The north")));

        let asked = std::time::Instant::now();
        loop {
            let there = elsewhere.by_id(id).await.expect("read").expect("there");
            if there.value_sets.get("sites").is_some() {
                break;
            }
            assert!(asked.elapsed().as_secs() < 5, "the other node does not learn of it");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        node.close().await;

        world.directory.set_value_set(side.tenant(), "sites", Vec::new(), &context()).await.expect("emptied");
        let side = side.again(world).await;
        assert!(side.create_user(&at_site("c@x.example", "North")).await.is_err(), "an empty list allows nothing");
        world.directory.clear_value_set(side.tenant(), "sites", &context()).await.expect("cleared");
        let side = side.again(world).await;
        side.create_user(&at_site("c@x.example", "anywhere")).await.expect("as at first");
    }

    async fn what_does_not_fit_is_told(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let set = async |name: &str, of: &[&str]| {
            told(world.directory.set_value_set(side.tenant(), name, values(of), &context()).await)
        };
        let unknown = set("Sites", &["a"]).await;
        assert_eq!(unknown, "value set: Badges has no \"Sites\"; it has sites, roles, buildings");
        assert!(set("sites", &["a", "b", "A"]).await.starts_with("value 3: \"A\" is there already, as value 1"));
        let none = world.tenant("eptura-engage").await;
        if none.tenant().profile.value_sets.is_empty() {
            let error = told(world.directory.set_value_set(none.tenant(), "x", values(&["a"]), &context()).await);
            assert!(error.contains("has none"), "{error}");
        }
        assert!(told(world.directory.clear_value_set(side.tenant(), "x", &context()).await).contains("it has"));
        assert_eq!(side.again(world).await.tenant().own_sets.iter().count(), 0);
    }

    async fn the_list_of_roles_gives_them_anew(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let ann = side.make_user("ann@x.example").await;
        side.make_group("Badge_CLERK", &[&ann]).await;
        side.make_group("Badge_Cook", &[&ann]).await;
        assert_eq!(side.roles(&ann).await, ["Clerk via Badge_CLERK"]);
        let list = values(&["Cook", "Guard"]);
        let moved = world.directory.set_value_set(side.tenant(), "roles", list, &context()).await.expect("set");
        assert_eq!(moved, (1, 1));
        assert_eq!(side.roles(&ann).await, ["Cook via Badge_Cook"]);
        // Another list has nothing to do with roles.
        let side = side.again(world).await;
        let before = side.tenant().row.mapping_version;
        world.directory.set_value_set(side.tenant(), "sites", values(&["a"]), &context()).await.expect("set");
        let side = side.again(world).await;
        assert_eq!(side.tenant().row.mapping_version, before);
        let moved = world.directory.clear_value_set(side.tenant(), "roles", &context()).await.expect("cleared");
        assert_eq!((moved, side.roles(&ann).await), ((1, 1), vec!["Clerk via Badge_CLERK".to_owned()]));
    }

    /// Who takes long over a list, or works by what a node knew a second ago, gives the roles of now.
    async fn a_list_from_before_another_profile_gives_the_roles_of_that_profile(store: TestStore) {
        let world = &World::new(&store);
        let early = world.tenant_with(BADGES).await;
        let ann = early.make_user("ann@x.example").await;
        early.make_group("Badge_Clerk", &[&ann]).await;
        early.make_group("Key_Cook", &[&ann]).await;
        assert_eq!(early.roles(&ann).await, ["Clerk via Badge_Clerk"]);
        let keys = BADGES.replace("Badge_", "Key_");
        world.directory.save_profile(early.tenant(), &keys, 1, &context()).await.expect("saved");
        assert!(early.roles(&ann).await.is_empty());

        let list = values(&["Cook", "Clerk"]);
        world.directory.set_value_set(early.tenant(), "roles", list, &context()).await.expect("set");
        assert_eq!(early.roles(&ann).await, ["Cook via Key_Cook"]);
        world.directory.clear_value_set(early.tenant(), "roles", &context()).await.expect("cleared");
        assert!(early.roles(&ann).await.is_empty());

        // A list that the new profile does not have any more is refused, though the early one had it.
        let side = early.again(world).await;
        let without = keys.replace("[[value-set]]\nname = \"sites\"\ntitle = \"Sites\"\n", "")
            .replace("value-set = \"sites\"\n", "");
        world.directory.save_profile(side.tenant(), &without, 2, &context()).await.expect("saved");
        let refused = world.directory.set_value_set(side.tenant(), "sites", values(&["a"]), &context()).await;
        assert!(told(refused).contains("has no \"sites\""));
    }

    async fn a_profile_from_before_another_list_gives_the_roles_of_that_list(store: TestStore) {
        let world = &World::new(&store);
        let early = world.tenant_with(BADGES).await;
        let ann = early.make_user("ann@x.example").await;
        early.make_group("Key_Cook", &[&ann]).await;
        let list = values(&["Cook", "Guard"]);
        world.directory.set_value_set(early.tenant(), "roles", list, &context()).await.expect("set");
        let keys = BADGES.replace("Badge_", "Key_");
        let saved = world.directory.save_profile(early.tenant(), &keys, 1, &context()).await.expect("saved");
        assert_eq!((saved.version, saved.granted), (2, 1));
        assert_eq!(early.roles(&ann).await, ["Cook via Key_Cook"]);
    }

    /// A node that has not heard of the new list yet cannot give roles by the old one.
    async fn an_earlier_mapping_gives_nothing(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant_with(BADGES).await;
        let ann = side.make_user("ann@x.example").await;
        world.directory.set_value_set(side.tenant(), "roles", values(&["Cook"]), &context()).await.expect("set");
        let body = json!({"schemas": [scim_core::urn::GROUP], "displayName": "Badge_Clerk", "members": [{"value": ann}]});
        let error = side.create_group(&body).await.expect_err("made for the old list");
        assert_eq!(error.status, 503);
        let side = side.again(world).await;
        side.create_group(&body).await.expect("made");
        assert!(side.roles(&ann).await.is_empty());
    }
}
