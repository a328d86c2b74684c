//! Attempts at the SCIM endpoints: every route of the table, at the addresses of the other tenant and at one's own.

use scim_api::ROUTES;
use serde_json::{Value, json};

use super::{
    prey::{IDS, Prey},
    request::{Actor, Request},
    world::{ENTERPRISE, GROUP, Thief, USER},
};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

/// What a route is asked with; names of what the thief makes are counted on.
fn body(method: &str, path: &str, prey: &Prey, number: usize) -> Option<Value> {
    let thief = format!("thief{number}");
    let user = json!({"schemas": [USER], "userName": thief, "title": "stolen"});
    Some(match (method, path) {
        ("GET" | "DELETE", _) => return None,
        ("POST" | "PUT", "/Users" | "/Users/{id}" | "/Me") => user,
        ("POST" | "PUT", "/Groups" | "/Groups/{id}") => {
            json!({"schemas": [GROUP], "displayName": thief, "members": [{"value": prey.get("user")}]})
        }
        ("PATCH", "/Users/{id}" | "/Me") => {
            patch(json!([{"op": "replace", "path": "active", "value": false}]))
        }
        ("PATCH", "/Groups/{id}") => patch(json!([{"op": "replace", "path": "members", "value": []}])),
        ("POST", "/Bulk") => {
            bulk(json!([{"method": "DELETE", "path": format!("/Users/{}", prey.get("user"))}]))
        }
        ("POST", "/.search" | "/Users/.search" | "/Groups/.search") => {
            json!({"schemas": [SEARCH], "count": 1000})
        }
        _ => panic!("{method} {path}: say here what it is asked with"),
    })
}

fn patch(operations: Value) -> Value {
    json!({"schemas": [PATCH], "Operations": operations})
}

fn bulk(operations: Value) -> Value {
    json!({"schemas": [BULK], "Operations": operations})
}

fn query(path: &str, parameters: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("{path}?{query}")
}

/// The id that fits a route best.
fn fitting<'a>(path: &str, prey: &'a Prey) -> &'a str {
    match path {
        path if path.starts_with("/Users/") => prey.get("user"),
        path if path.starts_with("/Groups/") => prey.get("group"),
        path if path.starts_with("/Roles/") => prey.get("role"),
        path if path.starts_with("/Entitlements/") => prey.get("licence"),
        path if path.starts_with("/Schemas/") => USER,
        path if path.starts_with("/ResourceTypes/") => "User",
        path => {
            assert!(!path.contains('{'), "{path}: say here what its id is");
            ""
        }
    }
}

/// Whoever it is, at all forms of the other tenant's address.
pub(super) fn at_their_addresses(thief: &Thief, others: &[&Actor], prey: &Prey) -> Vec<Request> {
    let slug = prey.get("slug");
    let bases = ["scim/v2", "scim", "scim/api/V1"].map(|base| (None, format!("/t/{slug}/{base}")));
    let hosts = [format!("{slug}.{}", super::world::DOMAIN), prey.get("their host").to_owned()];
    let hosts = hosts.map(|host| (Some(host), "/scim/v2".to_owned()));
    let own = [
        &thief.bearer,
        &thief.basic,
        &thief.access,
        &thief.bound,
        &thief.reader,
        &thief.revoked,
        &thief.manager,
        &thief.guest,
    ];
    let mut requests = Vec::new();
    for (number, (host, base)) in bases.iter().chain(&hosts).enumerate() {
        // All of them at the first; those who differ most at the others.
        let few = [&thief.bearer, &thief.basic].into_iter().chain(others.iter().copied());
        let actors: Vec<&Actor> =
            if number == 0 { own.into_iter().chain(others.iter().copied()).collect() } else { few.collect() };
        for actor in actors {
            for (method, path) in ROUTES {
                let filled = path.replace("{id}", fitting(path, prey));
                let mut request = Request::new("addresses", actor, method, format!("{base}{filled}"));
                if let Some(body) = body(method, path, prey, 0) {
                    request = request.scim(&body);
                }
                requests.push(match host {
                    Some(host) => request.at(host),
                    None => request,
                });
            }
        }
    }
    requests
}

/// The other tenant's own keys, at the thief's addresses: they open nothing there, and nothing of theirs is to be had there.
pub(super) fn their_keys(thief: &Thief, victim: &Thief) -> Vec<Request> {
    let own = thief.prey.get("slug");
    let mut requests = Vec::new();
    for actor in [&victim.bearer, &victim.basic, &victim.access, &victim.bound] {
        let actor = Actor { name: "key of the other tenant", headers: actor.headers.clone() };
        for (method, path) in ROUTES {
            let filled = path.replace("{id}", fitting(path, &thief.prey));
            for base in [format!("/t/{own}/scim/v2"), format!("/t/{own}/scim")] {
                let mut request = Request::new("keys", &actor, method, format!("{base}{filled}"));
                if let Some(body) = body(method, path, &thief.prey, 0) {
                    request = request.scim(&body);
                }
                requests.push(request);
            }
        }
    }
    requests
}

/// Every id of the other tenant in every place for an id, at one's own addresses; with versions, too.
pub(super) fn their_ids(thief: &Thief, prey: &Prey) -> Vec<Request> {
    let own = thief.prey.get("slug");
    let mut requests = Vec::new();
    for (method, path) in ROUTES.iter().filter(|(_, path)| path.contains("{id}")) {
        for id in IDS {
            let filled = path.replace("{id}", prey.get(id));
            for actor in [&thief.bearer, &thief.basic, &thief.access, &thief.bound] {
                // Half of them at the address that all tenants share.
                let base = if actor.name == thief.bearer.name { format!("/t/{own}") } else { String::new() };
                let mut request = Request::new("ids", actor, method, format!("{base}/scim/v2{filled}"));
                if let Some(body) = body(method, path, prey, 0) {
                    request = request.scim(&body);
                }
                requests.push(request);
            }
        }
        for id in ["user", "boss", "inactive", "gone", "group", "subgroup"] {
            let filled = path.replace("{id}", prey.get(id));
            for header in ["if-match", "if-none-match"] {
                for version in [prey.get("etag"), "*", "W/\"1\"", "W/\"7\""] {
                    let mut request =
                        Request::new("versions", &thief.bearer, method, format!("/t/{own}/scim/v2{filled}"));
                    if let Some(body) = body(method, path, prey, 0) {
                        request = request.scim(&body);
                    }
                    requests.push(request.header(header, version));
                }
            }
        }
    }
    requests
}

/// Conditions on what the other tenant has, in each list and search.
pub(super) fn their_words(thief: &Thief, prey: &Prey) -> Vec<Request> {
    let base = format!("/t/{}/scim/v2", thief.prey.get("slug"));
    let mut filters = Vec::new();
    for (attribute, names) in [
        ("id", &["user", "boss", "inactive", "gone", "group", "subgroup"][..]),
        ("userName", &["user name", "boss name", "inactive name", "gone name"]),
        ("externalId", &["external id", "group of theirs", "gone external id"]),
        ("displayName", &["display name", "group name", "subgroup name"]),
        ("emails.value", &["mail", "gone mail"]),
        ("groups.value", &["group", "subgroup", "user"]),
        ("groups.display", &["group name"]),
        ("members.value", &["user", "boss", "subgroup"]),
        ("members.display", &["display name", "boss display name"]),
        ("roles.value", &["role"]),
        ("entitlements.value", &["licence"]),
        (format!("{ENTERPRISE}:manager.value").as_str(), &["boss"]),
        (format!("{ENTERPRISE}:employeeNumber").as_str(), &["number"]),
    ] {
        for name in names {
            for operator in ["eq", "sw", "co"] {
                filters.push(format!("{attribute} {operator} \"{}\"", prey.get(name)));
            }
        }
    }
    // A walk through ids, and everything but what one knows.
    filters.push(format!("id ge \"{}\"", prey.get("boss")));
    filters.push(format!("not (userName eq \"{}\")", prey.get("user name")));
    filters.push(format!("userName pr and id eq \"{}\"", prey.get("user")));
    let mut requests = Vec::new();
    for filter in &filters {
        for path in ["/Users", "/Groups"] {
            let path = query(&format!("{base}{path}"), &[("filter", filter)]);
            requests.push(Request::new("filters", &thief.bearer, "GET", path));
        }
        for path in ["/.search", "/Users/.search", "/Groups/.search"] {
            let search = json!({"schemas": [SEARCH], "filter": filter, "count": 1000});
            requests
                .push(Request::new("filters", &thief.access, "POST", format!("{base}{path}")).scim(&search));
        }
    }
    for path in ["/Roles", "/Entitlements"] {
        for name in ["role", "licence"] {
            let filter = format!("id eq \"{}\"", prey.get(name));
            let path = query(&format!("{base}{path}"), &[("filter", &filter)]);
            requests.push(Request::new("filters", &thief.bearer, "GET", path));
        }
    }
    // Where a list goes on is in the hands of whoever asks.
    for list in ["/Users", "/Groups", "/Roles", "/Entitlements", ""] {
        for (_, cursor) in prey.cursors() {
            let path = query(&format!("{base}{list}"), &[("cursor", cursor), ("count", "100")]);
            requests.push(Request::new("cursors", &thief.bearer, "GET", path).alone());
            if list == "/Users" || list == "/Groups" || list.is_empty() {
                let search = json!({"schemas": [SEARCH], "cursor": cursor, "count": 100});
                let path = format!("{base}{list}/.search");
                requests.push(Request::new("cursors", &thief.access, "POST", path).scim(&search).alone());
            }
        }
    }
    requests
}

/// One operation of a bulk request after the other, each about something of the other tenant.
pub(super) fn in_bulk(thief: &Thief, prey: &Prey) -> Vec<Request> {
    let path = format!("/t/{}/scim/v2/Bulk", thief.prey.get("slug"));
    let mut operations = Vec::new();
    for id in ["user", "boss", "inactive", "gone", "group", "subgroup"] {
        for (endpoint, changes) in [
            ("/Users", json!([{"op": "replace", "path": "active", "value": false}])),
            ("/Groups", json!([{"op": "replace", "path": "members", "value": []}])),
        ] {
            let whole = if endpoint == "/Users" {
                json!({"schemas": [USER], "userName": "thief0"})
            } else {
                json!({"schemas": [GROUP], "displayName": "thief0"})
            };
            let path = format!("{endpoint}/{}", prey.get(id));
            operations.push(json!([{"method": "PUT", "path": path, "data": whole}]));
            operations.push(json!([{"method": "PATCH", "path": path, "data": patch(changes.clone())}]));
            operations.push(json!([{"method": "DELETE", "path": path}]));
            operations
                .push(json!([{"method": "PATCH", "path": path, "version": prey.get("etag"), "data": patch(changes)}]));
            operations.push(json!([{"method": "DELETE", "path": path, "version": prey.get("etag")}]));
        }
    }
    // A name that nothing in this request has, but something in the other tenant.
    for id in IDS {
        let path = format!("/Groups/bulkId:{}", prey.get(id));
        operations.push(json!([{"method": "DELETE", "path": path}]));
        let members = json!([{"op": "add", "path": "members", "value": [{"value": format!("bulkId:{}", prey.get(id))}]}]);
        let group = format!("/Groups/{}", thief.prey.get("group"));
        operations.push(json!([{"method": "PATCH", "path": group, "data": patch(members)}]));
    }
    let all = operations.iter().map(|operations| {
        Request::new("bulk", &thief.bearer, "POST", path.clone()).scim(&bulk(operations.clone()))
    });
    all.collect()
}

/// Membership of what is the other tenant's, in groups of one's own, in all ways to say it.
pub(super) fn as_members(thief: &Thief, prey: &Prey) -> Vec<Request> {
    let base = format!("/t/{}/scim/v2", thief.prey.get("slug"));
    let group = format!("{base}/Groups/{}", thief.prey.get("group"));
    let mut requests = Vec::new();
    for id in ["user", "boss", "inactive", "gone", "group", "subgroup", "token", "tenant"] {
        let id = prey.get(id);
        let elsewhere = format!("/t/{}/scim/v2", prey.get("slug"));
        let members = [
            json!({"value": id}),
            json!({"value": id, "type": "Group"}),
            json!({"value": id, "$ref": format!("{elsewhere}/Users/{id}"), "display": "x"}),
        ];
        for member in members {
            for operation in [
                json!({"op": "add", "path": "members", "value": [member]}),
                json!({"op": "add", "value": {"members": [member]}}),
                json!({"op": "remove", "path": "members", "value": [member]}),
            ] {
                let body = patch(json!([operation]));
                requests.push(Request::new("members", &thief.bearer, "PATCH", group.clone()).scim(&body));
                let answered = query(&group, &[("attributes", "members")]);
                requests.push(Request::new("members", &thief.basic, "PATCH", answered).scim(&body));
            }
        }
        for operation in [
            json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")}),
            json!({"op": "replace", "path": format!("members[value eq \"{id}\"].display"), "value": "x"}),
        ] {
            let body = patch(json!([operation]));
            requests.push(Request::new("members", &thief.bearer, "PATCH", group.clone()).scim(&body));
        }
    }
    requests
}

/// Names and references that the other tenant has, in what the thief makes of its own: last of all, since what was sent so comes
/// back in its own lists.
pub(super) fn as_ones_own(thief: &Thief, prey: &Prey) -> Vec<Request> {
    let base = format!("/t/{}/scim/v2", thief.prey.get("slug"));
    let mut requests = Vec::new();
    let mut make = |path: &str, body: Value| {
        requests.push(Request::new("names", &thief.bearer, "POST", format!("{base}{path}")).scim(&body));
    };
    for name in ["user name", "boss name", "inactive name", "gone name"] {
        make("/Users", json!({"schemas": [USER], "userName": prey.get(name)}));
    }
    for (number, id) in ["user", "boss", "group", "gone", "tenant"].into_iter().enumerate() {
        let id = prey.get(id);
        let thief = |way: &str| format!("thief{number}-{way}-{}", prey.get("slug"));
        make("/Users", json!({"schemas": [USER], "userName": thief("id"), "id": id}));
        let manager = json!({"manager": {"value": id}});
        make("/Users", json!({"schemas": [USER], "userName": thief("manager"), ENTERPRISE: manager}));
        make("/Users", json!({"schemas": [USER], "userName": thief("groups"), "groups": [{"value": id}]}));
        let members = json!([{"value": id}]);
        make(
            "/Groups",
            json!({"schemas": [GROUP], "displayName": thief("gang"), "id": id, "members": members}),
        );
    }
    for name in ["external id", "gone external id", "mail"] {
        let value = prey.get(name);
        let body = json!({"schemas": [USER], "userName": format!("of-{value}"), "externalId": value,
            "emails": [{"value": format!("{value}@mail.example")}]});
        make("/Users", body);
    }
    for name in ["group name", "subgroup name"] {
        make("/Groups", json!({"schemas": [GROUP], "displayName": prey.get(name)}));
    }
    for name in ["role", "licence"] {
        let value = prey.get(name);
        let attribute = if name == "role" { "roles" } else { "entitlements" };
        let body =
            json!({"schemas": [USER], "userName": format!("with-{value}"), (attribute): [{"value": value}]});
        make("/Users", body);
    }
    requests
}
