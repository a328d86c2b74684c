//! Creating, linking, reading and listing users.

use provisioning::Query;
use scim_core::{ScimType, profile::DuplicatePolicy, projection::Projection};
use serde_json::{Value, json};
use store_testing::on_both;

use crate::support::{Side, World, person};

on_both! {
    async fn a_user_is_made_and_read_back(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let made = side.create_user(&person("Ann@Example.com")).await.expect("made");
        assert!(!made.linked);
        let (body, id) = (&made.rendered.body, made.rendered.body["id"].as_str().expect("an id"));
        assert_eq!(body["userName"], "Ann@Example.com");
        assert_eq!(body["name"]["familyName"], "Example");
        assert_eq!(body["meta"]["resourceType"], "User");
        assert_eq!(body["meta"]["location"], format!("{}/Users/{id}", side.base_url));
        assert_eq!(made.rendered.location, format!("{}/Users/{id}", side.base_url));
        assert_eq!((made.rendered.etag.as_str(), &body["meta"]["version"]), ("W/\"1\"", &json!("W/\"1\"")));
        assert_eq!(body["meta"]["created"], body["meta"]["lastModified"]);
        assert_eq!(side.user(id).await.expect("read").body, *body);
    }

    async fn what_a_body_lacks_is_named(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let error =
            side.create_user(&json!({ "schemas": [scim_core::urn::USER] })).await.expect_err("refused");
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidValue)));
        assert!(error.detail.contains("userName"), "{}", error.detail);
        let error = side.create_user(&json!([])).await.expect_err("refused");
        assert_eq!((error.status, error.scim_type), (400, Some(ScimType::InvalidSyntax)));
        assert_eq!(side.total("/Users").await, 0);
    }

    async fn a_taken_name_is_refused_without_telling_whose_it_is(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("generic").await, world.tenant("generic").await);
        side.make_user("émile@example.com").await;
        let mut twin = person("ÉMILE@example.com");
        twin["name"] = json!({ "familyName": "Other" });
        let error = side.create_user(&twin).await.expect_err("refused");
        assert_eq!((error.status, error.scim_type), (409, Some(ScimType::Uniqueness)));
        assert!(error.detail.starts_with("userName"), "{}", error.detail);
        assert!(!error.detail.to_lowercase().contains("mile"), "{}", error.detail);
        // The same name in another tenant is nobody's business here.
        other.make_user("émile@example.com").await;
        assert_eq!((side.total("/Users").await, other.total("/Users").await), (1, 1));
    }

    async fn of_many_creations_of_one_name_one_wins(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let body = person("race@example.com");
        let outcomes = futures::future::join_all((0..8).map(|_| side.create_user(&body))).await;
        let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(made, 1);
        assert!(outcomes.iter().flat_map(|outcome| outcome.as_ref().err()).all(|error| error.status == 409));
        assert_eq!(side.total("/Users").await, 1);
    }

    async fn linking_gives_the_existing_id_and_takes_the_body(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await.with(|profile| {
            profile.policies.duplicate = DuplicatePolicy::Link;
        });
        let first = side.create_user(&person("link@example.com")).await.expect("made");
        let mut body = person("LINK@example.com");
        body["name"] = json!({ "familyName": "Linked" });
        body["externalId"] = json!("00u1");
        body.as_object_mut().expect("an object").remove("emails");
        let second = side.create_user(&body).await.expect("linked");
        assert!(!first.linked && second.linked);
        assert_eq!(second.rendered.body["id"], first.rendered.body["id"]);
        assert_eq!(second.rendered.body["userName"], "LINK@example.com");
        assert_eq!(second.rendered.body["name"], json!({ "familyName": "Linked" }));
        assert_eq!(second.rendered.etag, "W/\"2\"");
        assert!(second.rendered.body.get("emails").is_none(), "the body replaces the document");
        // The same body again changes nothing.
        let events = side.events().await;
        let third = side.create_user(&body).await.expect("linked");
        assert!(third.linked);
        assert_eq!((third.rendered.etag.as_str(), side.events().await), ("W/\"2\"", events));
    }

    async fn parallel_links_meet_in_one_user(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await.with(|profile| {
            profile.policies.duplicate = DuplicatePolicy::Link;
        });
        let body = person("meet@example.com");
        let outcomes = futures::future::join_all((0..5).map(|_| side.create_user(&body))).await;
        let ids: Vec<Value> = outcomes
            .into_iter()
            .map(|outcome| outcome.expect("made or linked").rendered.body["id"].clone())
            .collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(side.total("/Users").await, 1);
    }

    async fn an_id_that_is_none_is_not_found_by_any_verb(store: TestStore) {
        let world = &World::new(&store);
        let (side, other) = (world.tenant("generic").await, world.tenant("generic").await);
        let theirs = other.make_user("theirs@example.com").await;
        let mine = side.make_user("mine@example.com").await.to_uppercase();
        for id in ["1", "", "me", "../x", "0190b5e0-0000-7000-8000-000000000000", &theirs, &mine] {
            let patch = json!({ "Operations": [{ "op": "replace", "path": "active", "value": false }] });
            for error in [
                side.user(id).await.expect_err("GET"),
                side.put_user(id, &person("x@example.com")).await.expect_err("PUT"),
                side.patch_user(id, &patch).await.expect_err("PATCH"),
                side.delete_user(id, None).await.expect_err("DELETE"),
            ] {
                assert_eq!((error.status, error.scim_type), (404, None), "{id:?}: {error}");
            }
        }
        assert_eq!(other.user(&theirs).await.expect("untouched").etag, "W/\"1\"");
    }
}

fn query(filter: &str) -> Query {
    Query { filter: Some(filter.to_owned()), start_index: 1, count: 100, ..Query::default() }
}

async fn names(side: &Side, query: &Query) -> Vec<String> {
    let page = side.users(query).await.expect("a list");
    page.resources.iter().map(|user| user["userName"].as_str().unwrap_or_default().to_owned()).collect()
}

on_both! {
    async fn lists_filter_sort_and_page(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        for name in ["carl@example.com", "Ann@example.com", "bea@example.com"] {
            side.make_user(name).await;
        }
        assert_eq!(names(&side, &query("userName eq \"ANN@example.com\"")).await, ["Ann@example.com"]);
        assert!(names(&side, &query("userName eq \"\"")).await.is_empty());

        let by_name =
            Query { sort_by: Some("USERNAME".into()), start_index: 1, count: 100, ..Query::default() };
        assert_eq!(names(&side, &by_name).await, ["Ann@example.com", "bea@example.com", "carl@example.com"]);
        let second = Query { descending: true, start_index: 2, count: 1, ..by_name.clone() };
        assert_eq!(names(&side, &second).await, ["bea@example.com"]);
        // A complex attribute stands for its value.
        let by_mail = Query { sort_by: Some("emails".into()), ..by_name.clone() };
        assert_eq!(names(&side, &by_mail).await, ["Ann@example.com", "bea@example.com", "carl@example.com"]);

        let counted = side.users(&Query { count: 0, ..by_name.clone() }).await.expect("a list");
        assert_eq!((counted.total, counted.resources.len()), (3, 0));
        let beyond = side.users(&Query { start_index: 9, ..by_name }).await.expect("a list");
        assert_eq!((beyond.total, beyond.resources.len()), (3, 0));
    }

    async fn names_that_nobody_knows_are_refused_in_lists(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        for (sort_by, filter, scim_type) in [
            (Some("colour"), None, ScimType::InvalidValue),
            (Some("name"), None, ScimType::InvalidValue),
            (Some(scim_core::urn::ENTERPRISE_USER), None, ScimType::InvalidValue),
            (None, Some("colour eq \"red\""), ScimType::InvalidFilter),
            (None, Some("userName eq red"), ScimType::InvalidFilter),
        ] {
            let query = Query {
                sort_by: sort_by.map(str::to_owned),
                filter: filter.map(str::to_owned),
                start_index: 1,
                count: 10,
                ..Query::default()
            };
            let error = side.users(&query).await.expect_err("refused");
            assert_eq!((error.status, error.scim_type), (400, Some(scim_type)), "{sort_by:?} {filter:?}");
        }
    }

    async fn groups_of_a_user_are_shown_unless_left_out(store: TestStore) {
        let world = &World::new(&store);
        let side = world.tenant("generic").await;
        let user = side.make_user("member@example.com").await;
        let group = side.make_group("Everyone", &[&user]).await;
        let shown = side.user(&user).await.expect("read").body;
        assert_eq!(
            shown["groups"],
            json!([{
                "value": group,
                "$ref": format!("{}/Groups/{group}", side.base_url),
                "display": "Everyone",
                "type": "direct",
            }])
        );
        let outer = side.make_group("All", &[&group]).await;
        let shown = side.user(&user).await.expect("read").body;
        assert_eq!(
            shown["groups"][0],
            json!({
                "value": outer,
                "$ref": format!("{}/Groups/{outer}", side.base_url),
                "display": "All",
                "type": "indirect",
            })
        );
        assert_eq!(shown["groups"][1]["type"], "direct");
        let outside = side.make_user("outside@example.com").await;
        for (filter, total) in [
            (format!("groups.value eq \"{outer}\""), 1),
            (format!("groups[value eq \"{outer}\" and type eq \"direct\"]"), 0),
            ("groups.type eq \"indirect\"".to_owned(), 1),
            (format!("groups.display eq \"all\" or id eq \"{outside}\""), 2),
        ] {
            let query = Query { filter: Some(filter.clone()), start_index: 1, ..Query::default() };
            assert_eq!(side.users(&query).await.expect("a list").total, total, "{filter}");
        }
        let without = Projection { attributes: None, excluded: vec!["groups".into()] };
        let bare = side.projected(without).user(&user).await.expect("read").body;
        assert!(bare.get("groups").is_none(), "{bare}");
    }
}
