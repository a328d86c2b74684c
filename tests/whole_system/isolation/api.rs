//! Attempts at `/api/v1` and at the OAuth endpoints: every operation that the server's own description has.

use serde_json::{Value, json};

use super::{
    prey::{IDS, Prey},
    request::{Actor, Request},
    world::{Thief, World},
};
use crate::harness::basic_header;

/// An operation of the description.
pub(super) struct Operation {
    method: String,
    path: String,
    /// Names of the parameters of its query.
    parameters: Vec<String>,
    /// Does it take a body?
    has_body: bool,
}

/// What the server says that there is.
pub(super) async fn operations(world: &World) -> Vec<Operation> {
    let request = Request::new("", &Actor::nobody(), "GET", "/api/v1/openapi.json");
    let document: Value = serde_json::from_str(&world.wire.send(&request).await.body).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let all = operation["parameters"].as_array().into_iter().flatten();
            let asked = all.filter(|parameter| parameter["in"] == "query");
            operations.push(Operation {
                method: method.to_uppercase(),
                path: path.clone(),
                parameters: asked.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect(),
                has_body: operation.get("requestBody").is_some(),
            });
        }
    }
    operations
}

impl Operation {
    /// Is it about one tenant?
    fn has_slug(&self) -> bool {
        self.path.contains("{slug}")
    }

    /// Names of what its path says beside the tenant.
    fn names(&self) -> Vec<&'static str> {
        let known = ["id", "host", "role", "name"];
        let names = self.path.split(['{', '}']).skip(1).step_by(2).filter(|name| *name != "slug");
        names
            .map(|name| {
                let known = known.iter().find(|known| **known == name);
                *known.unwrap_or_else(|| panic!("{}: say here what {{{name}}} may be", self.path))
            })
            .collect()
    }

    fn filled(&self, slug: &str, value: &str) -> String {
        let path = self.path.replace("{slug}", slug);
        ["{id}", "{host}", "{role}", "{name}"].iter().fold(path, |path, name| path.replace(name, value))
    }

    fn request(&self, kind: &'static str, actor: &Actor, path: String, prey: &Prey) -> Request {
        let request = Request::new(kind, actor, &self.method, path);
        if self.has_body { request.json(&self.body(prey)) } else { request }
    }

    /// A body that it takes.
    fn body(&self, prey: &Prey) -> Value {
        let receipts = json!({"positions": [prey.get("place").parse::<i64>().unwrap()]});
        match self.path.rsplit('/').next().unwrap() {
            "admins" => {
                json!({"email": "thief@thief.example", "role": "manager", "tenants": [prey.get("slug")]})
            }
            "tenants" => json!({"slug": "thief", "activate": true}),
            "platform-tokens" => json!({"name": "thief", "scope": "admin:*"}),
            "destinations" => json!({"name": "thief", "url": "https://thief.invalid/"}),
            "receipts" => receipts,
            "replay" => json!({"after": 0}),
            "secret" | "rotate" => json!({}),
            "basic" => json!({"username": "thief"}),
            "clients" | "tokens" => json!({"name": "thief"}),
            "domains" => json!({"host": "thief.example"}),
            "federation" => json!({"directory": prey.get("user")}),
            "profile" => json!({"text": "name = \"thief\"", "version": 1}),
            "check" => json!({"text": "name = \"thief\""}),
            "{slug}" => json!({"name": "stolen"}),
            "{name}" => json!({"values": [{"value": "stolen"}]}),
            "{id}" => json!({}),
            _ => panic!("{} {}: say here what it is asked with", self.method, self.path),
        }
    }

    /// What may stand in the places of its path.
    fn values<'a>(&self, prey: &'a Prey) -> Vec<&'a str> {
        match self.names().as_slice() {
            [] => vec![""],
            ["id"] => IDS.iter().map(|id| prey.get(id)).collect(),
            ["host"] => vec![prey.get("host")],
            ["role"] => vec![prey.get("role")],
            ["name"] => vec![prey.get("role"), prey.get("licence")],
            names => panic!("{}: say here what {names:?} may be", self.path),
        }
    }
}

/// About the other tenant, with what one has: its own tokens, those of the installation that hold too little, none.
pub(super) fn about_them(operations: &[Operation], thief: &Thief, prey: &Prey) -> Vec<Request> {
    let nobody = Actor::nobody();
    let actors = [
        &thief.reader,
        &thief.bearer,
        &thief.basic,
        &thief.access,
        &thief.bound,
        &thief.revoked,
        &thief.manager,
        &thief.guest,
        &nobody,
    ];
    let mut requests = Vec::new();
    for operation in operations {
        for value in operation.values(prey) {
            let path = operation.filled(prey.get("slug"), value);
            // An id in each place for one, by whoever may ask here at all; the others once.
            let all = value.is_empty() || value == prey.get("user") || !operation.names().contains(&"id");
            for actor in actors.iter().take(if all { actors.len() } else { 1 }) {
                let request = operation.request("API", actor, path.clone(), prey);
                // What is about no tenant is the same for everybody.
                requests.push(if value.is_empty() && !operation.has_slug() {
                    request.alone()
                } else {
                    request
                });
            }
        }
    }
    requests
}

/// What the other tenant has, asked for at one's own tenant: by its own token, and by one of the installation, which may see both
/// but nothing of one in the answer about the other.
pub(super) fn at_ones_own(
    operations: &[Operation],
    thief: &Thief,
    platform: &Actor,
    prey: &Prey,
) -> Vec<Request> {
    let own = thief.prey.get("slug");
    let mut requests = Vec::new();
    for operation in operations.iter().filter(|operation| operation.has_slug()) {
        for actor in [&thief.reader, platform] {
            if !operation.names().is_empty() {
                for value in operation.values(prey) {
                    let path = operation.filled(own, value);
                    requests.push(operation.request("API, own tenant", actor, path, prey));
                }
            }
            if operation.method != "GET" {
                continue;
            }
            let value = match operation.names().as_slice() {
                [] => "",
                ["id"] if operation.path.contains("/groups/") => thief.prey.get("group"),
                ["role"] => thief.prey.get("role"),
                _ => continue,
            };
            for parameter in &operation.parameters {
                for (asked, compared) in asked(parameter, prey) {
                    let query = url::form_urlencoded::Serializer::new(String::new())
                        .append_pair(parameter, &asked)
                        .finish();
                    let path = format!("{}?{query}", operation.filled(own, value));
                    let request = Request::new("API, queries", actor, "GET", path);
                    requests.push(if compared { request } else { request.alone() });
                }
            }
        }
    }
    let tokens = format!("/api/v1/tenants/{own}/credentials/tokens");
    for id in ["user", "boss", "inactive", "gone"] {
        let body = json!({"name": format!("thief-{}", prey.get(id)), "userId": prey.get(id)});
        requests.push(Request::new("API, own tenant", platform, "POST", tokens.clone()).json(&body));
    }
    // A receipt of one's own destination for what happened at the other tenant.
    let receipts = format!("/api/v1/tenants/{own}/destinations/{}/receipts", thief.prey.get("destination"));
    let place = json!({"positions": [prey.get("place").parse::<i64>().unwrap()]});
    requests.push(Request::new("API, own tenant", &thief.reader, "POST", receipts).json(&place).alone());
    requests
}

/// What a parameter of a query may be asked with, and whether the answer must be that about nobody.
fn asked(parameter: &str, prey: &Prey) -> Vec<(String, bool)> {
    let named = |names: &[&str]| names.iter().map(|name| (prey.get(name).to_owned(), true)).collect();
    match parameter {
        "userName" => named(&["user name", "boss name", "inactive name", "gone name"]),
        "externalId" => named(&["external id", "gone external id"]),
        "email" => vec![(format!("{}@mail.example", prey.get("mail")), true)],
        "q" | "about" | "search" => named(&["user name", "user", "group name", "mail", "group"]),
        "objectId" | "requestId" | "cause" => named(&["user", "group", "token", "entry"]),
        "actor" => named(&["called", "username-of-login"]),
        "credential" => named(&["token", "login", "client"]),
        "path" => vec![(format!("/Users/{}", prey.get("user")), true)],
        // Another tenant is 404 in the words of the API, there or not.
        "tenant" => named(&["slug", "tenant"]),
        "cursor" => prey.cursors().map(|(_, cursor)| (cursor.to_owned(), false)).collect(),
        "after" => vec![("0".to_owned(), false), (prey.get("place").to_owned(), false)],
        // These name nothing of a tenant.
        "active" | "limit" | "since" | "from" | "to" | "until" | "types" | "event" | "objectType"
        | "wait" | "method" | "status" | "state" => Vec::new(),
        _ => panic!("say here what the parameter {parameter} may be asked with"),
    }
}

/// At the OAuth endpoints, and with what they give.
pub(super) fn with_clients(thief: &Thief, prey: &Prey) -> Vec<Request> {
    let (id, secret) = (thief.client.0.as_str(), thief.client.1.as_str());
    let theirs = prey.get("client id");
    let basic = |id: &str, secret: &str| Actor::with("OAuth client", basic_header(id, secret));
    let nobody = Actor::nobody();
    let grant = ("grant_type", "client_credentials");
    let mut requests = Vec::new();
    for path in ["/oauth/token", "/oauth/revoke"] {
        let new = |actor: &Actor| Request::new("OAuth", actor, "POST", path);
        let token = ("token", prey.get("access token"));
        let both = [("client_id", theirs), ("client_secret", secret)];
        requests.push(new(&basic(theirs, secret)).form(&[grant, token]));
        requests.push(new(&basic(theirs, "")).form(&[grant, token]));
        requests.push(new(&nobody).form(&[&[grant, token][..], &both[..]].concat()));
        requests.push(new(&basic(id, secret)).form(&[grant, token, ("client_id", theirs)]));
        for scope in ["scim:read", "directory:read", "admin:*"] {
            let more = [("scope", scope), ("resource", prey.get("tenant")), ("audience", prey.get("tenant"))];
            requests.push(new(&basic(id, secret)).form(&[&[grant][..], &more[..]].concat()));
        }
        for name in ["token", "bound", "client", "tenant"] {
            requests.push(new(&basic(id, secret)).form(&[grant, ("token", prey.get(name))]));
        }
    }
    // It is good, so whoever has it knows that; it stays good.
    let revoke = Request::new("OAuth", &basic(id, secret), "POST", "/oauth/revoke");
    requests.push(revoke.form(&[("token", prey.get("access token"))]).alone());
    requests
}
