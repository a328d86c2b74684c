//! An Okta catalogue app: everything by PATCH.

use serde_json::json;

use crate::{
    client::{id, patch},
    world::World,
};

on_both!(life_of_a_user, a_failing_operation_changes_nothing, attributes_shape_the_answer);

async fn life_of_a_user(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.create_user("cat@example.com").await;
    let path = format!("/Users/{}", id(&created));

    let changes = json!({"name": {"givenName": "Other"}, "title": "Nurse"});
    let reply = okta.patch(&path, &patch(json!([{"op": "replace", "value": changes}]))).await;
    let updated = reply.expect(200);
    assert_eq!(updated["name"]["givenName"], "Other");
    assert_eq!(updated["name"]["familyName"], "Family", "what is not mentioned stays");
    assert_eq!(updated["title"], "Nurse");
    assert_eq!(reply.header("etag"), updated["meta"]["version"]);
    assert_eq!(reply.header("location"), updated["meta"]["location"]);

    for (active, name) in [(false, "deactivate"), (true, "reactivate")] {
        let body = patch(json!([{"op": "replace", "value": {"active": active}}]));
        let answer = okta.patch(&path, &body).await.expect(200);
        assert_eq!(answer["active"], active, "{name}");
        assert_eq!(answer["id"], created["id"]);
        let found = okta.filter("/Users", "userName eq \"cat@example.com\"").await.expect(200);
        assert_eq!(found["Resources"][0], answer, "{name}");
    }

    // Entra's dress: capitals, a path, a boolean as text.
    let body = patch(json!([{"op": "Replace", "path": "active", "value": "False"}]));
    assert_eq!(okta.patch(&path, &body).await.expect(200)["active"], false);

    // A password arrives, is taken, and is never shown.
    let body = patch(json!([{"op": "replace", "value": {"password": "Sommer-2031"}}]));
    let reply = okta.patch(&path, &body).await;
    reply.expect(200);
    assert!(!reply.text.contains("Sommer-2031"));

    // The same again changes nothing.
    let before = okta.get(&path).await;
    let body = patch(json!([{"op": "replace", "value": {"title": "Nurse"}}]));
    assert_eq!(okta.patch(&path, &body).await.header("etag"), before.header("etag"));
}

async fn a_failing_operation_changes_nothing(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.create_user("fail@example.com").await;
    let path = format!("/Users/{}", id(&created));
    let before = okta.get(&path).await;
    let table = [
        (json!([{"op": "replace", "path": "title", "value": "X"}, {"op": "remove"}]), "noTarget"),
        (
            json!([{"op": "replace", "path": "title", "value": "X"}, {"op": "add", "path": "noSuch", "value": 1}]),
            "invalidPath",
        ),
        (
            json!([{"op": "replace", "path": "title", "value": "X"}, {"op": "replace", "path": "id", "value": "1"}]),
            "mutability",
        ),
        (
            json!([{"op": "replace", "path": "title", "value": "X"}, {"op": "remove", "path": "userName"}]),
            "mutability",
        ),
        (json!([{"op": "jump", "path": "title", "value": "X"}]), "invalidSyntax"),
        (json!([]), "invalidSyntax"),
        (json!({}), "invalidSyntax"),
    ];
    for (operations, scim_type) in table {
        let reply = okta.patch(&path, &patch(operations.clone())).await;
        reply.expect_error(400, scim_type);
        assert_eq!(okta.get(&path).await.json(), before.json(), "{operations}");
    }
}

async fn attributes_shape_the_answer(world: World) {
    let okta = world.tenant("acme").await;
    let created = okta.create_user("shape@example.com").await;
    let path = format!("/Users/{}", id(&created));
    let body = patch(json!([{"op": "replace", "value": {"title": "Nurse"}}]));
    let answer = okta.patch(&format!("{path}?attributes=Title"), &body).await.expect(200);
    let keys: Vec<&String> = answer.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["schemas", "id", "title"]);
    let answer = okta.get(&format!("{path}?excludedAttributes=emails,id")).await.expect(200);
    assert!(answer["emails"].is_null() && answer["id"] == created["id"] && answer["userName"].is_string());
    okta.get(&format!("{path}?attributes=title&excludedAttributes=emails"))
        .await
        .expect_error(400, "invalidValue");
}
