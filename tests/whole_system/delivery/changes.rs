//! People who are made and changed through SCIM by clients that try again, at whichever node answers, until each change has
//! been answered with success.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use store_testing::Dice;

use crate::harness::PATIENCE;

/// Changes that are under way at once; each client has people and a group of its own.
pub(super) const CLIENTS: usize = 8;
/// One change in so many makes somebody.
const MAKES: usize = 5;
/// Pause after a request that was not answered.
const PAUSE: Duration = Duration::from_millis(100);

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What all clients share.
#[derive(Clone)]
pub(super) struct Changes {
    /// Base URLs of the nodes.
    pub(super) nodes: Vec<String>,
    pub(super) authorization: String,
    /// Changes that are still to be made.
    pub(super) left: Arc<AtomicUsize>,
    /// Titles of those that were answered with success.
    pub(super) answered: Arc<Mutex<Vec<String>>>,
    /// Pause of a client between two changes.
    pub(super) pace: Duration,
}

impl Changes {
    /// One client, until no change is left.
    pub(super) async fn client(self, which: usize, seed: u64) {
        let mut dice = Dice::new(seed);
        let mut client = Client { node: which, http: http(), changes: self.clone() };
        let group = json!({"schemas": [GROUP], "displayName": format!("group of {which}")});
        let filter = format!("/Groups?filter=displayName eq \"group of {which}\"");
        let group = client.made("/Groups", &group, &filter).await;
        let mut people: Vec<String> = Vec::new();
        while let Ok(left) =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        {
            let title = format!("change {left} of {which}");
            if people.is_empty() || dice.below(MAKES) == 0 {
                let name = format!("{left}.{which}@northwind.example");
                let user = json!({"schemas": [USER], "userName": name, "title": title});
                let filter = format!("/Users?filter=userName eq \"{name}\"");
                people.push(client.made("/Users", &user, &filter).await);
            } else {
                let id = dice.pick(&people).clone();
                // Each is the same change if it comes twice.
                let mut value = json!({"title": title});
                match dice.below(4) {
                    0 => value["active"] = json!(dice.chance(50)),
                    1 => client.member(&group, &id, dice.chance(70)).await,
                    _ => {}
                }
                client.patch(&format!("/Users/{id}"), &json!({"op": "replace", "value": value})).await;
            }
            self.answered.lock().unwrap().push(title);
            tokio::time::sleep(self.pace).await;
        }
    }
}

struct Client {
    /// The node that is asked.
    node: usize,
    http: reqwest::Client,
    changes: Changes,
}

impl Client {
    /// Makes something; gives its id, also where it was made by a request whose answer was lost.
    async fn made(&mut self, path: &str, body: &Value, filter: &str) -> String {
        let (status, answer) = self.send(Method::POST, path, Some(body)).await;
        if status == 201 {
            return answer["id"].as_str().unwrap().to_owned();
        }
        assert_eq!(status, 409, "{answer}");
        let (status, found) = self.send(Method::GET, filter, None).await;
        assert_eq!((status.as_u16(), &found["totalResults"]), (200, &json!(1)), "{found}");
        found["Resources"][0]["id"].as_str().unwrap().to_owned()
    }

    async fn member(&mut self, group: &str, id: &str, is_in: bool) {
        let operation = match is_in {
            true => json!({"op": "add", "path": "members", "value": [{"value": id}]}),
            false => json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}),
        };
        self.patch(&format!("/Groups/{group}"), &operation).await;
    }

    async fn patch(&mut self, path: &str, operation: &Value) {
        let body = json!({"schemas": [PATCH], "Operations": [operation]});
        let (status, answer) = self.send(Method::PATCH, path, Some(&body)).await;
        assert!(status.is_success(), "{status} {path}: {answer}");
    }

    /// Sends a request until some node answers it, with anything but that it cannot now.
    async fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        loop {
            let base = &self.changes.nodes[self.node % self.changes.nodes.len()];
            let mut request = self.http.request(method.clone(), format!("{base}{path}"));
            request = request.header("authorization", &self.changes.authorization);
            if let Some(body) = body {
                request = request.header("content-type", "application/scim+json").body(body.to_string());
            }
            if let Ok(answer) = request.send().await {
                let status = answer.status();
                if let (false, Ok(text)) = (status == 503, answer.text().await) {
                    return (status, serde_json::from_str(&text).unwrap_or(Value::Null));
                }
            }
            self.node += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().timeout(PATIENCE).build().unwrap()
}
