//! Okta Identity Governance: what it asks before it assigns anything, what it assigns, and who may do what by then.

use serde_json::{Value, json};

use crate::{
    api::{Program, program},
    harness::{Installation, PATIENCE, Scim, eventually, on_both_databases},
};

on_both_databases!(okta_discovers_and_assigns, nothing_is_there_to_be_discovered);

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
const ROLE: &str = "urn:okta:scim:schemas:core:1.0:Role";
const ENTITLEMENT: &str = "urn:okta:scim:schemas:core:1.0:Entitlement";

/// What docs/guides.md adds to the profile `generic`.
const ADDED: &str = r#"
[roles]
prefix = "App_"
catalogue = "roles"
protected = ["Owner"]

[entitlements]
catalogue = "licences"

[[value-set]]
name = "roles"
title = "Roles"

[[value-set]]
name = "licences"
title = "Licences"
"#;

/// A tenant whose copy of `generic` offers its roles and licences; gives the Authorization header.
fn governed(installation: &Installation) -> String {
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let text = installation.run(&["profile", "show", "acme"]);
    let switched = text.replacen("groups = true", "groups = true\nroles = true\nentitlements = true", 1);
    assert_ne!(switched, text);
    let file = installation.dir.path().join("mine.toml");
    std::fs::write(&file, switched + ADDED).unwrap();
    installation.run(&["profile", "set", "acme", &file.display().to_string()]);
    installation.run(&["value-set", "set", "acme", "roles", "Viewer", "Editor|Writes articles", "Owner"]);
    installation.run(&["value-set", "set", "acme", "licences", "lic-1|Full seat", "lic-2|Light seat"]);
    authorization
}

/// What Okta does when provisioning is enabled: resource types, schemas, and all pages of each list that is its own.
async fn discover(scim: &Scim) -> Vec<(String, Vec<Value>)> {
    let (status, types) = scim.get("/ResourceTypes").await;
    assert_eq!(status, 200, "{types}");
    let (status, schemas) = scim.get("/Schemas").await;
    assert_eq!(status, 200, "{schemas}");
    let known = schemas["Resources"].as_array().unwrap();
    let mut found = Vec::new();
    for kind in types["Resources"].as_array().unwrap() {
        assert!(known.iter().any(|schema| schema["id"] == kind["schema"]), "{kind}");
        if ![ROLE, ENTITLEMENT].map(Value::from).contains(&kind["schema"]) {
            continue;
        }
        let endpoint = kind["endpoint"].as_str().unwrap();
        let mut all: Vec<Value> = Vec::new();
        loop {
            let (status, page) = scim.get(&format!("{endpoint}?count=1&startIndex={}", all.len() + 1)).await;
            // The steps of Okta's own test.
            assert_eq!((status, &page["schemas"]), (200, &json!([LIST])), "{page}");
            assert!(page["startIndex"].is_u64() && page["totalResults"].is_u64(), "{page}");
            let resources = page["Resources"].as_array().unwrap();
            assert_eq!((resources.len(), &page["itemsPerPage"]), (1, &json!(1)), "{page}");
            all.extend(resources.iter().cloned());
            if page["totalResults"] == all.len() {
                break;
            }
        }
        found.push((kind["name"].as_str().unwrap().to_owned(), all));
    }
    found
}

/// A resource as Okta writes it into a user.
fn assigned(resource: &Value) -> Value {
    json!({"value": resource["id"], "display": resource["displayName"], "type": resource["type"]})
}

async fn patch(scim: &Scim, path: &str, operations: Value) -> (u16, Value) {
    scim.send("PATCH", path, Some(json!({"schemas": [PATCH], "Operations": operations}))).await
}

/// Roles of a user as the directory has them, by the command line and by the API: the same by both.
async fn roles(installation: &Installation, vendor: &Program, user_name: &str) -> Value {
    let shown = installation.json(&["user", "show", "acme", user_name, "--json"]);
    let (status, listed) = vendor.get(&format!("/tenants/acme/users?userName={user_name}")).await;
    assert_eq!((status, &listed["items"][0]["roles"]), (200, &shown["roles"]), "{listed}");
    shown["roles"].clone()
}

async fn okta_discovers_and_assigns(installation: Installation) {
    let authorization = governed(&installation);
    let arguments = ["token", "create", "--platform", "--name", "app", "--scope", "directory:read"];
    let token = installation.run(&arguments);
    let server = installation.serve().await;
    let vendor = program(&server, &token);
    let scim = Scim::new(server.base_url("acme"), authorization);
    let found = discover(&scim).await;
    let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Role", "Entitlement"]);
    let (viewer, editor) = (assigned(&found[0].1[0]), assigned(&found[0].1[1]));
    assert_eq!(found[0].1.len(), 2, "who is an owner is said by a group alone");
    assert_eq!(editor, json!({"value": "Editor", "display": "Writes articles", "type": "Role"}));
    let seat = assigned(&found[1].1[0]);

    let ann = json!({
        "schemas": [USER], "userName": "ann@acme.example", "externalId": "00u1", "active": true, "groups": [],
        "name": {"givenName": "Ann", "familyName": "Lee"}, "password": "1mz050nq",
        "emails": [{"primary": true, "value": "ann@acme.example", "type": "work"}],
        "roles": [viewer], "entitlements": [seat],
    });
    let id = scim.create("/Users", ann.clone()).await;
    let path = format!("/Users/{id}");
    let (_, kept) = scim.get(&path).await;
    assert_eq!((&kept["roles"], &kept["entitlements"]), (&ann["roles"], &ann["entitlements"]));
    let direct = |role: &str| {
        let via = json!({"attribute": "roles", "display": "assigned by the identity provider"});
        json!({"role": role, "via": via})
    };
    let held = async || roles(&installation, &vendor, "ann@acme.example").await;
    assert_eq!(held().await, json!([direct("Viewer")]));

    // A role may come both ways; each is told.
    let group = json!({"schemas": [GROUP], "displayName": "App_Viewer", "members": [{"value": id}]});
    let group = scim.create("/Groups", group).await;
    let by_group = json!({"role": "Viewer", "via": {"id": group, "display": "App_Viewer"}});
    let (status, _) = patch(&scim, &path, json!([{"op": "add", "path": "roles", "value": [editor]}])).await;
    assert_eq!(status, 200);
    assert_eq!(held().await, json!([by_group, direct("Viewer"), direct("Editor")]));
    let shown = installation.run(&["user", "show", "acme", "ann@acme.example"]);
    assert!(shown.contains("Editor: assigned by the identity provider"), "{shown}");
    let (status, _) =
        patch(&scim, &path, json!([{"op": "remove", "path": "roles[value eq \"Viewer\"]"}])).await;
    assert_eq!(status, 200);
    assert_eq!(held().await, json!([by_group, direct("Editor")]));
    let mut without = ann.clone();
    without["roles"] = json!([]);
    assert_eq!(scim.send("PUT", &path, Some(without)).await.0, 200);
    assert_eq!(held().await, json!([by_group]));

    // What was never on offer is refused, and nothing of the request is kept.
    for (value, word) in [("Cook", "send Viewer, Editor."), ("owner", "protected role")] {
        let mut bo = ann.clone();
        bo["userName"] = json!("bo@acme.example");
        bo["roles"] = json!([{"value": value, "type": "Role"}]);
        let (status, error) = scim.send("POST", "/Users", Some(bo)).await;
        assert_eq!((status, &error["scimType"]), (400, &json!("invalidValue")), "{error}");
        let detail = error["detail"].as_str().unwrap();
        assert!(detail.starts_with("roles[0].value: ") && detail.contains(word), "{detail}");
    }
    let (_, users) = scim.get("/Users").await;
    assert_eq!(users["totalResults"], 1);

    // The list is the tenant's: a change of it holds in the running server.
    installation.run(&["value-set", "set", "acme", "roles", "Viewer", "Cook"]);
    eventually(PATIENCE, "another role", || async { scim.get("/Roles/Cook").await.0 == 200 }).await;
    assert_eq!(scim.get("/Roles/Editor").await.0, 404);
}

async fn nothing_is_there_to_be_discovered(installation: Installation) {
    let server = installation.serve().await;
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    assert!(discover(&scim).await.is_empty());
    for path in ["/Roles?count=1&startIndex=1", "/Entitlements?count=1&startIndex=1", "/Roles/Viewer"] {
        let (status, error) = scim.get(path).await;
        assert_eq!(status, 404, "{error}");
        assert!(error["detail"].as_str().unwrap().contains("/ResourceTypes"), "{error}");
    }
    // Roles are an attribute like any other there, and give nobody anything.
    let body = json!({"schemas": [USER], "userName": "ann@acme.example", "roles": [{"value": "Cook"}]});
    scim.create("/Users", body).await;
    let shown = installation.json(&["user", "show", "acme", "ann@acme.example", "--json"]);
    assert_eq!((&shown["user"]["roles"], &shown["roles"]), (&json!([{"value": "Cook"}]), &json!([])));
}
