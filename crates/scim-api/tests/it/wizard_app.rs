//! An Okta wizard app: GET, then PUT of our own answer with the mapped values laid over it.

use serde_json::{Value, json};

use crate::{
    client::{Client, id, user},
    world::World,
};

on_both!(echo_changes_nothing, life_of_a_user, read_only_keys_are_ignored);

async fn echo_changes_nothing(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.create_user("echo@example.com").await;
    let path = format!("/Users/{}", id(&created));
    let read = okta.get(&path).await;
    let before = world.events(&okta).await;

    let echoed = okta.put(&path, &read.expect(200)).await;
    assert_eq!(echoed.expect(200), read.json());
    assert_eq!(echoed.header("etag"), read.header("etag"));
    assert_eq!(echoed.json()["meta"]["lastModified"], read.json()["meta"]["lastModified"]);
    assert_eq!(world.events(&okta).await, before, "an echo makes no event");

    let group = okta.create_group("Staff", &[&id(&created)]).await;
    let path = format!("/Groups/{}", id(&group));
    let read = okta.get(&path).await;
    let before = world.events(&okta).await;
    let echoed = okta.put(&path, &read.expect(200)).await;
    assert_eq!(echoed.expect(200), read.json());
    assert_eq!(echoed.header("etag"), read.header("etag"));
    assert_eq!(world.events(&okta).await, before, "an echo makes no event");
}

/// GET, lay values over it, PUT.
async fn update(okta: &Client, path: &str, changes: Value) -> Value {
    let mut body = okta.get(path).await.expect(200);
    for (name, value) in changes.as_object().expect("an object") {
        body[name] = value.clone();
    }
    okta.put(path, &body).await.expect(200)
}

async fn life_of_a_user(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.create_user("life@example.com").await;
    let path = format!("/Users/{}", id(&created));
    let first = okta.get(&path).await.header("etag").to_owned();

    let name = json!({"givenName": "Other", "familyName": "Family"});
    let updated = update(&okta, &path, json!({"name": name, "title": "Nurse"})).await;
    assert_eq!(updated["name"]["givenName"], "Other");
    assert_eq!(updated["title"], "Nurse");
    assert_ne!(okta.get(&path).await.header("etag"), first);

    let inactive = update(&okta, &path, json!({"active": false})).await;
    assert_eq!(inactive["active"], false);
    // Inactive users are still found, under the same id.
    let found = okta.filter("/Users", "userName eq \"life@example.com\"").await.expect(200);
    assert_eq!(found["totalResults"], 1);
    assert_eq!(
        (&found["Resources"][0]["id"], &found["Resources"][0]["active"]),
        (&created["id"], &json!(false))
    );
    okta.post("/Users", &user("LIFE@example.com")).await.expect_error(409, "uniqueness");

    let active = update(&okta, &path, json!({"active": true})).await;
    assert_eq!(active["active"], true);
    assert_eq!(active["id"], created["id"]);
    assert_eq!(active["title"], "Nurse", "what was there before comes back");
    assert!(!okta.get(&path).await.text.contains("1mz050nq"), "the password is in no answer");
}

async fn read_only_keys_are_ignored(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.create_user("ro@example.com").await;
    let path = format!("/Users/{}", id(&created));
    let mut body = okta.get(&path).await.expect(200);
    body["id"] = json!("another");
    body["meta"] = json!({"version": "W/\"99\"", "location": "https://evil.example"});
    body["groups"] = json!([{"value": "nothing"}]);
    body["nobodyKnowsThis"] = json!({"a": 1});
    body["urn:example:unknown"] = json!({"b": 2});
    let answer = okta.put(&path, &body).await.expect(200);
    assert_eq!(answer, okta.get(&path).await.expect(200));
    assert_eq!(answer["meta"], created["meta"]);
    assert_eq!(answer["id"], created["id"]);
}
