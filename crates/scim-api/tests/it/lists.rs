//! Lists: pages, order, filters, projection, `.search`.

use serde_json::{Value, json};

use crate::{
    client::{Client, encode, id, user},
    world::World,
};

on_both!(pages, order, search_is_like_get, the_last_page_stays_put);

async fn ten_users(okta: &Client) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..10 {
        let mut body = user(&format!("u{n}@example.com"));
        if n % 2 == 0 {
            body["title"] = json!(format!("T{}", 9 - n));
        }
        ids.push(id(&okta.post("/Users", &body).await.expect(201)));
    }
    ids
}

fn ids(list: &Value) -> Vec<String> {
    list["Resources"].as_array().expect("Resources").iter().map(id).collect()
}

async fn pages(world: World) {
    let okta = world.tenant("acme").await;
    let empty = okta.get("/Users").await.expect(200);
    assert_eq!(empty["Resources"], json!([]));
    let created = ten_users(&okta).await;

    let table = [
        ("", 1, 10),
        ("?startIndex=1&count=3", 1, 3),
        ("?startIndex=9&count=3", 9, 2),
        ("?startIndex=0&count=3", 1, 3),
        ("?startIndex=-5", 1, 10),
        ("?startIndex=11", 11, 0),
        ("?startIndex=99999", 99999, 0),
        ("?count=0", 1, 0),
        ("?count=-3", 1, 0),
        ("?count=5000", 1, 10),
        ("?STARTINDEX=4&COUNT=2", 4, 2),
    ];
    for (query, start_index, items) in table {
        let list = okta.get(&format!("/Users{query}")).await.expect(200);
        assert_eq!(list["totalResults"], 10, "{query}");
        assert_eq!(list["startIndex"], start_index, "{query}");
        assert_eq!(list["itemsPerPage"], items, "{query}");
        assert_eq!(ids(&list).len(), items, "{query}");
    }
    for query in ["?count=a", "?startIndex=a", "?count=", "?startIndex=1.5", "?sortOrder=up"] {
        okta.get(&format!("/Users{query}")).await.expect_error(400, "invalidValue");
        okta.get(&format!("/Groups{query}")).await.expect_error(400, "invalidValue");
    }
    let mut walked = Vec::new();
    for start in [1, 4, 7, 10] {
        walked.extend(ids(&okta.get(&format!("/Users?startIndex={start}&count=3")).await.expect(200)));
    }
    assert_eq!(walked, created, "each once, in the order of creation");
    let huge = okta.get("/Users?startIndex=99999999999999999999").await.expect(200);
    assert_eq!(huge["Resources"], json!([]));

    // A blank is `+` or `%20`, a plus is `%2B`.
    okta.create_user("a+b@example.com").await;
    let found = okta.get("/Users?filter=userName+eq+%22a%2Bb@example.com%22").await.expect(200);
    assert_eq!(found["totalResults"], 1);
}

async fn order(world: World) {
    let okta = world.tenant("acme").await;
    let created = ten_users(&okta).await;
    let sorted = async |query: &str| ids(&okta.get(&format!("/Users?{query}")).await.expect(200));

    // T9, T7, … belong to users 0, 2, …; absent ones come last, in the order of their ids.
    let ascending = sorted("sortBy=title").await;
    let by = |order: &[usize]| order.iter().map(|n| created[*n].clone()).collect::<Vec<_>>();
    assert_eq!(ascending[..5], by(&[8, 6, 4, 2, 0]));
    assert_eq!(ascending[5..], by(&[1, 3, 5, 7, 9]));
    assert_eq!(sorted("sortBy=TITLE&sortOrder=Ascending").await, ascending);
    let descending = sorted("sortBy=title&sortOrder=descending").await;
    assert_eq!(descending[5..], by(&[0, 2, 4, 6, 8]), "absent first, then T9 to T1");
    // A change between two pages moves nobody.
    let first = sorted("count=5").await;
    okta.patch(
        &format!("/Users/{}", created[0]),
        &crate::client::patch(json!([{"op": "replace", "path": "nickName", "value": "x"}])),
    )
    .await
    .expect(200);
    let second = sorted("startIndex=6&count=5").await;
    assert_eq!([first, second].concat(), created);
}

async fn search_is_like_get(world: World) {
    let okta = world.tenant("acme").await;
    ten_users(&okta).await;
    okta.create_group("G", &[]).await;
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": "title pr", "sortBy": "title", "sortOrder": "descending", "startIndex": 2, "count": 2,
        "attributes": ["userName", "title"],
    });
    let query = format!(
        "/Users?filter={}&sortBy=title&sortOrder=descending&startIndex=2&count=2&attributes=userName,title",
        encode("title pr")
    );
    let got = okta.get(&query).await.expect(200);
    assert_eq!(got["totalResults"], 5);
    assert_eq!(ids(&got).len(), 2);
    let keys: Vec<&String> = got["Resources"][0].as_object().expect("an object").keys().collect();
    assert!(
        keys.iter().all(|key| ["schemas", "id", "userName", "title"].contains(&key.as_str())),
        "{keys:?}"
    );
    assert_eq!(okta.post("/Users/.search", &body).await.expect(200), got);
    let groups = okta.post("/Groups/.search", &json!({"filter": "displayName eq \"g\""})).await.expect(200);
    assert_eq!(groups["totalResults"], 1);
    okta.post("/Users/.search", &json!({"schemas": ["urn:x"]})).await.expect_error(400, "invalidSyntax");
    okta.post("/Users/.search", &json!({"filter": "title"})).await.expect_error(400, "invalidFilter");
    okta.post("/Users/.search", &json!({"count": "x"})).await.expect_error(400, "invalidValue");
}

async fn the_last_page_stays_put(world: World) {
    let okta = world.tenant("acme").await;
    let created = ten_users(&okta).await;
    okta.delete(&format!("/Users/{}", created[3])).await;
    let list = okta.get("/Users").await.expect(200);
    assert_eq!(list["totalResults"], 9);
    assert!(!ids(&list).contains(&created[3]));
}
