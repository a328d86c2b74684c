//! One Okta app, as far as the guides use it: what an administrator does there, as the requests that follow.

use serde_json::{Map, Value, json};

use crate::harness::Scim;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// An app with what was entered in its provisioning settings.
pub(super) struct Okta {
    pub(super) scim: Scim,
}

impl Okta {
    /// "Configure API Integration": the base URL, and the `Authorization` header that comes of what was pasted.
    pub(super) fn configured(base_url: &str, authorization: &str) -> Self {
        Self { scim: Scim::new(base_url.trim_end_matches('/'), authorization) }
    }

    /// "Test API Credentials": the status of the answer.
    pub(super) async fn test_api_credentials(&self) -> u16 {
        let (status, body) = self.scim.get("/Users?startIndex=1&count=2").await;
        assert!(status != 200 || body["totalResults"].is_u64(), "{body}");
        status
    }

    /// Assigns a person to the app: looks the userName up, then creates or links. What the product answers.
    pub(super) async fn assign(&self, profile: Value) -> Value {
        match self.find(profile["userName"].as_str().unwrap()).await {
            None => self.create(profile).await,
            Some(found) => {
                let mut body = found.as_object().unwrap().clone();
                body.extend(profile.as_object().unwrap().clone());
                body.insert("active".into(), json!(true));
                let (status, answer) = self.scim.send("PUT", &path(&found["id"]), Some(json!(body))).await;
                assert_eq!((status, &answer["id"]), (200, &found["id"]), "{answer}");
                answer
            }
        }
    }

    async fn create(&self, profile: Value) -> Value {
        let (status, answer) = self.post(profile).await;
        assert_eq!(status, 201, "{answer}");
        let (status, read) = self.scim.get(&path(&answer["id"])).await;
        assert_eq!((status, &read), (200, &answer), "what was answered is what is kept");
        answer
    }

    /// The create alone, with what Okta adds to every one.
    pub(super) async fn post(&self, profile: Value) -> (u16, Value) {
        self.scim.send("POST", "/Users", Some(with_what_okta_adds(profile))).await
    }

    /// A create that must be refused because of these paths; the message that Okta's administrator sees.
    pub(super) async fn refused(&self, profile: Value, paths: &[&str]) -> String {
        let (status, answer) = self.post(profile.clone()).await;
        assert_eq!((status, &answer["scimType"]), (400, &json!("invalidValue")), "{answer}");
        let detail = answer["detail"].as_str().unwrap().to_owned();
        for path in paths {
            assert!(detail.contains(path), "{path}: {detail}");
        }
        assert!(self.find(profile["userName"].as_str().unwrap()).await.is_none(), "nobody was made");
        detail
    }

    /// The user of this name, active or not.
    pub(super) async fn find(&self, user_name: &str) -> Option<Value> {
        let name: String = url::form_urlencoded::byte_serialize(user_name.as_bytes()).collect();
        let query = format!("/Users?filter=userName%20eq%20%22{name}%22&startIndex=1&count=100");
        let (status, list) = self.scim.get(&query).await;
        assert_eq!(status, 200, "{list}");
        let mut found = list["Resources"].as_array().unwrap().clone();
        assert!(found.len() <= 1, "{list}");
        found.pop()
    }

    /// An update of the profile; the user as it is read afterwards.
    pub(super) async fn update(&self, user: &Value, changed: Value) -> Value {
        let body = json!({"schemas": [PATCH], "Operations": [{"op": "replace", "value": changed}]});
        let (status, answer) = self.scim.send("PATCH", &path(&user["id"]), Some(body)).await;
        assert!(matches!(status, 200 | 204), "{status} {answer}");
        self.read(user).await
    }

    /// The user as it stands in the product.
    pub(super) async fn read(&self, user: &Value) -> Value {
        let (status, read) = self.scim.get(&path(&user["id"])).await;
        assert_eq!((status, &read["id"]), (200, &user["id"]), "{read}");
        read
    }

    /// Takes the app away from a person, or deactivates them in Okta: which is the same on the wire.
    pub(super) async fn unassign(&self, user: &Value) -> Value {
        self.update(user, json!({"active": false})).await
    }

    /// Assigns the app to them again: found by name, then active.
    pub(super) async fn assign_again(&self, user: &Value) -> Value {
        let found = self.find(user["userName"].as_str().unwrap()).await.unwrap();
        assert_eq!(found["id"], user["id"], "the same user");
        self.update(&found, json!({"active": true})).await
    }

    /// "Import Now": all users of the product.
    pub(super) async fn import(&self) -> Vec<Value> {
        let mut users = Vec::new();
        loop {
            let query = format!("/Users?startIndex={}&count=100", users.len() + 1);
            let (status, page) = self.scim.get(&query).await;
            assert_eq!(status, 200, "{page}");
            users.extend(page["Resources"].as_array().unwrap().iter().cloned());
            if users.len() as u64 >= page["totalResults"].as_u64().unwrap() {
                return users;
            }
        }
    }

    /// Pushes a group by name with its members; the group as it is read afterwards.
    pub(super) async fn push_group(&self, name: &str, members: &[&Value]) -> Value {
        let query = format!("/Groups?filter=displayName%20eq%20%22{name}%22&startIndex=1&count=100");
        let (status, found) = self.scim.get(&query.replace(' ', "%20")).await;
        assert_eq!(status, 200, "{found}");
        let id = match found["Resources"][0]["id"].as_str() {
            Some(id) => id.to_owned(),
            None => {
                let body = json!({"schemas": [GROUP], "displayName": name, "members": []});
                self.scim.create("/Groups", body).await
            }
        };
        let members: Vec<Value> =
            members.iter().map(|user| json!({"value": user["id"], "display": user["userName"]})).collect();
        let all = json!({"op": "replace", "path": "members", "value": members});
        self.change_group(&id, json!([all])).await
    }

    /// Takes one member out of a group, or puts one in.
    pub(super) async fn change_group(&self, id: &str, operations: Value) -> Value {
        let body = json!({"schemas": [PATCH], "Operations": operations});
        let (status, answer) = self.scim.send("PATCH", &format!("/Groups/{id}"), Some(body)).await;
        assert!(matches!(status, 200 | 204), "{status} {answer}");
        let (status, group) = self.scim.get(&format!("/Groups/{id}")).await;
        assert_eq!(status, 200, "{group}");
        group
    }
}

fn path(id: &Value) -> String {
    format!("/Users/{}", id.as_str().unwrap())
}

fn with_what_okta_adds(profile: Value) -> Value {
    let profile = profile.as_object().unwrap();
    let mut schemas = vec![USER];
    schemas.extend(profile.keys().map(String::as_str).filter(|key| key.starts_with("urn:")));
    let mut body = Map::new();
    body.insert("schemas".into(), json!(schemas));
    body.extend(profile.clone());
    body.insert("externalId".into(), json!(format!("00u{}", profile["userName"].as_str().unwrap())));
    body.insert("password".into(), json!("1mz050nq"));
    body.insert("active".into(), json!(true));
    body.entry("groups").or_insert_with(|| json!([]));
    Value::Object(body)
}

/// The ids of a group's members, in order.
pub(super) fn members(group: &Value) -> Vec<&str> {
    let list = group["members"].as_array().map_or(&[][..], Vec::as_slice);
    let mut ids: Vec<&str> = list.iter().map(|member| member["value"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}
