//! Groups pushed by Okta become roles by their prefix.

use serde_json::{Value, json};

use crate::harness::{Installation, Scim, on_both_databases};

on_both_databases!(a_prefix_gives_roles, the_last_group_takes_the_role_away);

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

async fn user(scim: &Scim, name: &str) -> String {
    let body = json!({
        "schemas": [USER], "userName": name, "name": {"givenName": "Ada", "familyName": "Reyes"},
        "emails": [{"primary": true, "value": name, "type": "work"}], "groups": [], "active": true,
    });
    scim.create("/Users", body).await
}

async fn push_group(scim: &Scim, name: &str, members: &[&str]) -> String {
    let group = scim.create("/Groups", json!({"schemas": [GROUP], "displayName": name, "members": []})).await;
    let members: Vec<_> = members.iter().map(|id| json!({"value": id})).collect();
    patch(scim, &group, json!([{"op": "add", "path": "members", "value": members}])).await;
    group
}

async fn patch(scim: &Scim, group: &str, operations: Value) {
    let body = json!({"schemas": [PATCH], "Operations": operations});
    let (status, answer) = scim.send("PATCH", &format!("/Groups/{group}"), Some(body)).await;
    assert!(matches!(status, 200 | 204), "{status} {answer}");
}

fn roles(installation: &Installation, user_name: &str) -> Vec<(String, String)> {
    let shown = installation.json(&["user", "show", "envi", user_name, "--json"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    shown["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|grant| (text(&grant["role"]), text(&grant["via"]["display"])))
        .collect()
}

async fn a_prefix_gives_roles(installation: Installation) {
    let server = installation.serve().await;
    let scim = Scim::new(server.base_url("envi"), installation.tenant("envi", "envi"));
    let ada = user(&scim, "ada@envi.example").await;
    let bo = user(&scim, "bo@envi.example").await;
    let manager = push_group(&scim, "Envi_Manager", &[&ada, &bo]).await;
    push_group(&scim, "envi_testing", &[&ada]).await;
    push_group(&scim, "Everyone", &[&ada, &bo]).await;

    let pair = |role: &str, via: &str| (role.to_owned(), via.to_owned());
    assert_eq!(
        roles(&installation, "ada@envi.example"),
        [pair("Manager", "Envi_Manager"), pair("testing", "envi_testing")]
    );
    assert_eq!(roles(&installation, "BO@envi.example"), [pair("Manager", "Envi_Manager")]);

    patch(&scim, &manager, json!([{"op": "remove", "path": format!("members[value eq \"{bo}\"]")}])).await;
    assert_eq!(roles(&installation, "bo@envi.example"), []);
    let shown = installation.json(&["user", "show", "envi", "bo@envi.example", "--json"]);
    assert_eq!(shown["groups"].as_array().unwrap().len(), 1, "{shown}");
    assert_eq!(shown["user"]["userName"], "bo@envi.example");
}

async fn the_last_group_takes_the_role_away(installation: Installation) {
    let server = installation.serve().await;
    let scim = Scim::new(server.base_url("envi"), installation.tenant("envi", "envi"));
    let ada = user(&scim, "ada@envi.example").await;
    let first = push_group(&scim, "Envi_Manager", &[&ada]).await;
    let second = push_group(&scim, "ENVI_manager ", &[&ada]).await;
    let via = |roles: Vec<(String, String)>| roles.into_iter().map(|(role, _)| role).collect::<Vec<_>>();
    // Two groups, one role, in the spelling of the first.
    assert_eq!(via(roles(&installation, "ada@envi.example")), ["Manager", "Manager"]);

    // A rename away from the prefix takes the role of that group; deletion that of the other.
    patch(&scim, &second, json!([{"op": "replace", "value": {"id": second, "displayName": "Others"}}])).await;
    assert_eq!(via(roles(&installation, "ada@envi.example")), ["Manager"]);
    let (status, _) = scim.send("DELETE", &format!("/Groups/{first}"), None).await;
    assert_eq!(status, 204);
    assert_eq!(roles(&installation, "ada@envi.example"), []);
    // The person stays.
    assert_eq!(scim.get(&format!("/Users/{ada}")).await.0, 200);
}
