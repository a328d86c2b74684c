//! Queries over all resource types: GET at the base URL and POST /.search (RFC 7644 §3.4.2.1, §3.4.3).

use serde_json::{Value, json};

use crate::{
    client::{Client, encode, id, patch},
    world::World,
};

on_both!(filters_at_the_root, order_and_pages_at_the_root, projection_at_the_root, products_without_groups);

fn names(list: &Value) -> Vec<String> {
    let name = |resource: &Value| {
        let name = resource.get("userName").or_else(|| resource.get("displayName"));
        name.and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    list["Resources"].as_array().expect("Resources").iter().map(name).collect()
}

/// Ann, the group Staff with her in it, Bob, the group Zoo.
async fn people(okta: &Client) -> Vec<String> {
    let ann = id(&okta.create_user("ann").await);
    let staff = id(&okta.create_group("Staff", &[&ann]).await);
    let bob = id(&okta.create_user("bob").await);
    let zoo = id(&okta.create_group("Zoo", &[]).await);
    let body = patch(json!([{"op": "remove", "path": "displayName"}]));
    okta.patch(&format!("/Users/{ann}"), &body).await.expect(200);
    let body = patch(json!([{"op": "add", "value": {"displayName": "Middle", "externalId": "x1"}}]));
    okta.patch(&format!("/Users/{bob}"), &body).await.expect(200);
    vec![ann, staff, bob, zoo]
}

async fn filters_at_the_root(world: World) {
    let okta = world.tenant("acme").await;
    let ids = people(&okta).await;
    let stranger = world.tenant("globex").await;
    stranger.create_user("ann").await;

    let table = [
        (r#"meta.resourceType eq "User""#.to_owned(), vec!["ann", "bob"]),
        (r#"meta.resourceType eq "Group""#.to_owned(), vec!["Staff", "Zoo"]),
        (r#"userName eq "ANN""#.to_owned(), vec!["ann"]),
        (r#"displayName eq "middle" or displayName eq "zoo""#.to_owned(), vec!["bob", "Zoo"]),
        (format!(r#"id eq "{}""#, ids[1]), vec!["Staff"]),
        (format!(r#"members.value eq "{}""#, ids[0]), vec!["Staff"]),
        (format!(r#"groups.value eq "{}""#, ids[1]), vec!["ann"]),
        ("userName pr".to_owned(), vec!["ann", "bob"]),
        ("not (userName pr)".to_owned(), vec!["Staff", "Zoo"]),
        ("nobody.knows pr".to_owned(), vec![]),
        (r#"nobodyKnows eq "x""#.to_owned(), vec![]),
        (r#"externalId eq "x1" and userName pr"#.to_owned(), vec!["bob"]),
        (r#"schemas eq "urn:ietf:params:scim:schemas:core:2.0:Group""#.to_owned(), vec!["Staff", "Zoo"]),
    ];
    for (filter, expected) in table {
        let got = okta.get(&format!("?filter={}", encode(&filter))).await.expect(200);
        assert_eq!(names(&got), expected, "{filter}");
        assert_eq!(got["totalResults"], expected.len(), "{filter}");
        let body =
            json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter});
        let searched = okta.post("/.search", &body).await.expect(200);
        assert_eq!(searched["Resources"], got["Resources"], "{filter}");
    }
    for filter in ["userName", "userName eq 5", "password pr", "active gt true", r#"userName eq "x"#] {
        let got = okta.get(&format!("?filter={}", encode(filter))).await;
        got.expect_error(400, "invalidFilter");
    }
    // At the endpoint of a type an unknown name is a mistake.
    okta.get(&format!("/Users?filter={}", encode("nobodyKnows pr"))).await.expect_error(400, "invalidFilter");
}

async fn order_and_pages_at_the_root(world: World) {
    let okta = world.tenant("acme").await;
    people(&okta).await;
    let get = async |query: &str| okta.get(&format!("?{query}")).await.expect(200);

    assert_eq!(names(&get("").await), ["ann", "Staff", "bob", "Zoo"], "in the order of creation");
    let by_name = ["bob", "Staff", "Zoo", "ann"];
    assert_eq!(names(&get("sortBy=displayName").await), by_name, "Middle, Staff, Zoo, none");
    let down = names(&get("sortBy=displayName&sortOrder=descending").await);
    assert_eq!(down, ["ann", "Zoo", "Staff", "bob"]);
    assert_eq!(names(&get("sortBy=userName").await), ["ann", "bob", "Staff", "Zoo"]);
    assert_eq!(names(&get("sortBy=nobodyKnows").await), ["ann", "Staff", "bob", "Zoo"]);
    assert_eq!(names(&get("sortBy=meta.lastModified&sortOrder=descending").await).len(), 4);

    let mut walked = Vec::new();
    for start in [1, 4] {
        let page = get(&format!("startIndex={start}&count=3&sortBy=displayName")).await;
        assert_eq!(page["totalResults"], 4);
        walked.extend(names(&page));
    }
    assert_eq!(walked, by_name);
    let page = get("startIndex=3&count=1").await;
    assert_eq!((names(&page), &page["totalResults"]), (vec!["bob".to_owned()], &json!(4)));
    assert_eq!(get("count=0").await["totalResults"], 4);

    let first = get("cursor=&count=3").await;
    let next = first["nextCursor"].as_str().expect("more");
    assert_eq!(names(&first), ["ann", "Staff", "bob"]);
    assert_eq!(names(&get(&format!("cursor={next}&count=3")).await), ["Zoo"]);
}

async fn projection_at_the_root(world: World) {
    let okta = world.tenant("acme").await;
    let ids = people(&okta).await;
    let list = okta.get("?attributes=userName,members.value").await.expect(200);
    let resources = list["Resources"].as_array().expect("Resources");
    let keys = |at: usize| resources[at].as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(0), ["schemas", "id", "userName"]);
    assert_eq!(keys(1), ["schemas", "id", "members"]);
    assert_eq!(resources[1]["members"], json!([{"value": ids[0]}]));
    let whole = okta.get("").await.expect(200);
    assert_eq!(whole["Resources"][0]["groups"][0]["value"], ids[1].as_str());
    assert_eq!(whole["Resources"][1]["members"][0]["value"], ids[0].as_str());
    okta.get("?attributes=userName&excludedAttributes=members").await.expect_error(400, "invalidValue");
}

async fn products_without_groups(world: World) {
    let okta = world.tenant_of("epic-emp", "acme").await;
    okta.create_user("ann@example.com").await;
    let list = okta.get("").await.expect(200);
    assert_eq!(list["totalResults"], 1);
    let list = okta.get(&format!("?filter={}", encode("members pr"))).await.expect(200);
    assert_eq!(list["totalResults"], 0);
}
