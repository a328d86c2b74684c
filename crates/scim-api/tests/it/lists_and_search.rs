//! Order of lists, and lists of what the service says of itself (RFC 7644 §3.4.2.3, §4).

use serde_json::{Value, json};

use crate::{
    client::{Client, encode, id},
    profiles::{ENTERPRISE, USER, X, every_kind},
    world::World,
};

on_both!(
    ties_are_broken_by_id,
    missing_values_have_their_place,
    case_counts_where_the_schema_says_so,
    lists_sort_by_their_primary,
    what_cannot_be_sorted_by,
    pages_in_any_order_cover_all,
    pages_of_a_search,
    discovery_is_listed,
);

async fn person(okta: &Client, name: &str, more: Value) -> String {
    let mut body = json!({"schemas": [USER, ENTERPRISE, X], "userName": name});
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    id(&okta.post("/Users", &body).await.expect(201))
}

/// Names in the order of the list.
async fn order(okta: &Client, query: &str) -> Vec<String> {
    let list = okta.get(&format!("/Users?{query}")).await.expect(200);
    let resources = list["Resources"].as_array().expect("Resources").iter();
    resources.map(|user| user["userName"].as_str().expect("a name").to_owned()).collect()
}

async fn ties_are_broken_by_id(world: World) {
    let okta = world.tenant("acme").await;
    let mut ids = Vec::new();
    for n in 0..6 {
        ids.push(person(&okta, &format!("u{}", 9 - n), json!({"title": "same"})).await);
    }
    assert!(ids.is_sorted(), "ids grow");
    let names = ["u9", "u8", "u7", "u6", "u5", "u4"];
    assert_eq!(order(&okta, "").await, names, "without sortBy, too");
    assert_eq!(order(&okta, "sortBy=title").await, names);
    assert_eq!(order(&okta, "sortBy=title&sortOrder=ascending").await, names, "ascending is the default");
    let descending = order(&okta, "sortBy=title&sortOrder=descending").await;
    for _ in 0..2 {
        assert_eq!(order(&okta, "sortBy=title&sortOrder=descending").await, descending);
    }
    // Changes between two pages move nobody.
    let first = order(&okta, "sortBy=title&count=3").await;
    for id in &ids {
        okta.operate(&format!("/Users/{id}"), json!([{"op": "add", "path": "nickName", "value": "n"}]))
            .await
            .expect(200);
    }
    let second = order(&okta, "sortBy=title&startIndex=4&count=3").await;
    assert_eq!([first, second].concat(), names);
}

async fn missing_values_have_their_place(world: World) {
    let okta = world.tenant("acme").await;
    for (name, title) in [("a", Some("2")), ("b", None), ("c", Some("1")), ("d", None)] {
        person(&okta, name, json!({"title": title, (ENTERPRISE): {"department": title}})).await;
    }
    for by in ["title", "TITLE", &format!("{ENTERPRISE}:department"), "department"] {
        assert_eq!(order(&okta, &format!("sortBy={by}")).await, ["c", "a", "b", "d"], "{by}");
        let descending = order(&okta, &format!("sortBy={by}&sortOrder=descending")).await;
        assert_eq!(descending[2..], ["a", "c"], "{by}: those without come first");
    }
    assert_eq!(order(&okta, "sortOrder=descending").await.len(), 4, "an order of nothing");
}

async fn case_counts_where_the_schema_says_so(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    for (name, text) in [("u1", "b"), ("u2", "B"), ("u3", "a"), ("u4", "C")] {
        person(&okta, name, json!({"title": text, "externalId": text, (X): {"code": text}})).await;
    }
    assert_eq!(order(&okta, "sortBy=title").await, ["u3", "u1", "u2", "u4"]);
    for exact in ["externalId", "code", &format!("{X}:code")] {
        assert_eq!(order(&okta, &format!("sortBy={exact}")).await, ["u2", "u4", "u3", "u1"], "{exact}");
    }
    person(&okta, "É", json!({"title": "z"})).await;
    person(&okta, "é2", json!({"title": "z"})).await;
    assert_eq!(order(&okta, "sortBy=userName").await, ["u1", "u2", "u3", "u4", "É", "é2"]);
}

async fn lists_sort_by_their_primary(world: World) {
    let okta = world.tenant_with(&every_kind(), "acme").await;
    let email = |value: &str, primary: bool| json!({"value": value, "primary": primary});
    person(&okta, "p", json!({"emails": [email("z@x", false), email("b@x", true)]})).await;
    person(&okta, "f", json!({"emails": [{"value": "a@x"}, {"value": "z@x"}]})).await;
    person(&okta, "s", json!({"emails": [email("c@x", true)]})).await;
    person(&okta, "n", json!({})).await;
    for by in ["emails", "emails.value", "EMAILS.VALUE"] {
        assert_eq!(order(&okta, &format!("sortBy={by}")).await, ["f", "p", "s", "n"], "{by}");
        assert_eq!(
            order(&okta, &format!("sortBy={by}&sortOrder=Descending")).await,
            ["n", "s", "p", "f"],
            "{by}"
        );
    }
    // Numbers and instants sort by what they are, not by their text.
    for (name, count, since) in [("p", 9, "2026-01-31T09:00:00+02:00"), ("f", 10, "2026-01-31T07:30:00Z")] {
        let filter = encode(&format!("userName eq \"{name}\""));
        let user = okta.get(&format!("/Users?filter={filter}")).await.expect(200)["Resources"][0].clone();
        let operations = json!([{"op": "add", "value": {(X): {"count": count, "since": since}}}]);
        okta.operate(&format!("/Users/{}", id(&user)), operations).await.expect(200);
    }
    for by in ["count", "since"] {
        assert_eq!(order(&okta, &format!("sortBy={by}")).await[..2], ["p", "f"], "{by}");
    }
    for by in ["id", "meta.created", "meta.lastModified", "active", "meta.resourceType", "name.familyName"] {
        assert_eq!(order(&okta, &format!("sortBy={by}")).await.len(), 4, "{by}");
    }
}

async fn what_cannot_be_sorted_by(world: World) {
    let okta = world.tenant("acme").await;
    person(&okta, "a", json!({})).await;
    for wrong in ["noSuchName", "name", "userName.value", "a%20b", "%22", "", ENTERPRISE] {
        let refused = okta.get(&format!("/Users?sortBy={wrong}")).await.expect_error(400, "invalidValue");
        assert!(refused.starts_with("sortBy"), "{refused}");
        okta.post("/Users/.search", &json!({"sortBy": wrong.replace('%', "\"")}))
            .await
            .expect_error(400, "invalidValue");
    }
    for endpoint in ["/Users", "/Groups"] {
        okta.get(&format!("{endpoint}?sortBy=id&sortOrder=upwards")).await.expect_error(400, "invalidValue");
    }
    // A password orders nobody: that would tell which one is greater.
    let reply = okta.get("/Users?sortBy=password").await;
    assert!(reply.status.as_u16() == 400 || order(&okta, "sortBy=password").await == ["a"], "{reply:?}");
}

async fn pages_in_any_order_cover_all(world: World) {
    let okta = world.tenant("acme").await;
    for n in 0..25 {
        person(&okta, &format!("u{n:02}"), json!({"title": (n % 3).to_string()})).await;
    }
    for query in
        ["", "sortBy=title&", "sortBy=title&sortOrder=descending&", "filter=title%20pr&sortBy=userName&"]
    {
        let whole = order(&okta, &format!("{query}count=100")).await;
        assert_eq!(whole.len(), 25);
        for size in [1, 7, 24] {
            let mut walked = Vec::new();
            let mut start = 1;
            while start <= 25 {
                let list =
                    okta.get(&format!("/Users?{query}startIndex={start}&count={size}")).await.expect(200);
                assert_eq!(list["totalResults"], 25);
                assert_eq!(list["startIndex"], start);
                let page = list["Resources"].as_array().expect("a list");
                assert_eq!(list["itemsPerPage"], page.len());
                walked.extend(page.iter().map(|user| user["userName"].as_str().expect("a name").to_owned()));
                start += page.len();
            }
            assert_eq!(walked, whole, "{query} by {size}");
        }
    }
    let cut = okta.get("/Users?count=100000").await.expect(200);
    assert_eq!(cut["itemsPerPage"], 25, "what is there, not what was asked for");
}

async fn pages_of_a_search(world: World) {
    let okta = world.tenant("acme").await;
    for n in 0..5 {
        person(&okta, &format!("u{n}"), json!({})).await;
        okta.create_group(&format!("g{n}"), &[]).await;
    }
    for (endpoint, name) in [("/Users", "userName"), ("/Groups", "displayName")] {
        for (more, start, items) in [
            (json!({}), 1, 5),
            (json!({"startIndex": 0, "count": 2}), 1, 2),
            (json!({"startIndex": -7, "count": -1}), 1, 0),
            (json!({"STARTINDEX": 4, "Count": 10}), 4, 2),
            (json!({"startIndex": 99}), 99, 0),
            (json!({"count": 0}), 1, 0),
            (json!({"count": 999_999_999_999_u64, "sortBy": name, "sortOrder": "descending"}), 1, 5),
        ] {
            let mut body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]});
            for (key, value) in more.as_object().expect("an object") {
                body[key] = value.clone();
            }
            let list = okta.post(&format!("{endpoint}/.search"), &body).await.expect(200);
            assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
            assert_eq!((&list["totalResults"], &list["startIndex"]), (&json!(5), &json!(start)), "{body}");
            assert_eq!(list["itemsPerPage"], items, "{body}");
            assert_eq!(list["Resources"].as_array().map(Vec::len), Some(items), "{body}");
        }
        for wrong in [
            json!({"count": "many"}),
            json!({"startIndex": 1.5}),
            json!({"count": true}),
            json!({"sortOrder": 1}),
        ] {
            okta.post(&format!("{endpoint}/.search"), &wrong).await.expect_error(400, "invalidValue");
        }
    }
}

async fn discovery_is_listed(world: World) {
    let okta = world.tenant("acme").await;
    for path in ["/Schemas", "/ResourceTypes"] {
        let list = okta.get(path).await.expect(200);
        assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        for one in list["Resources"].as_array().expect("a list") {
            assert_eq!(okta.get(&format!("{path}/{}", id(one))).await.expect(200), *one);
            okta.filter(&format!("{path}/{}", id(one)), "id pr").await.expect_error(403, "");
        }
        okta.filter(path, "id pr").await.expect_error(403, "");
        okta.get(&format!("{path}?FILTER=")).await.expect_error(403, "");
    }
    let config = okta.get("/ServiceProviderConfig").await.expect(200);
    assert_eq!(config["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]));
    okta.filter("/ServiceProviderConfig", "id pr").await.expect_error(403, "");
}
