//! Two tenants that hold the same names and know each other's ids reach nothing of one another: every route of the
//! table, every form of address, either token.

use scim_api::ROUTES;
use serde_json::{Value, json};
use store::tenants::TenantStatus;

use crate::{
    client::{Client, Reply, encode, group, id, patch, user},
    world::{SHARED_HOST, World},
};

on_both!(nothing_crosses_over);

/// Ids of one tenant, and a text that stands in everything it keeps.
#[derive(Clone, Debug)]
struct Holdings {
    client: Client2,
    mark: String,
    user: String,
    second: String,
    group: String,
}

/// A client and its slug.
#[derive(Clone)]
struct Client2 {
    slug: String,
    client: Client,
}

impl std::fmt::Debug for Client2 {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.slug)
    }
}

/// What to send to a route: paths and bodies that try to get at these holdings.
type Attempt = (String, Option<Value>);

/// The attempts on one route, or `None` for a route that nobody thought of.
fn attempts(method: &str, path: &str, prey: &Holdings) -> Option<Vec<Attempt>> {
    let (user_id, group_id) = (prey.user.as_str(), prey.group.as_str());
    let filters = |names: &[&str]| {
        let mut paths = vec![String::new(), "?count=1000&startIndex=1".into(), "?sortBy=id".into()];
        let wanted = names.iter().flat_map(|name| {
            [user_id, group_id, prey.mark.as_str()].map(|value| format!("{name} eq \"{value}\""))
        });
        paths.extend(wanted.map(|filter| format!("?filter={}", encode(&filter))));
        paths
    };
    let gets =
        |names: &[&str]| filters(names).into_iter().map(|query| (format!("{path}{query}"), None)).collect();
    let bodies = |path: &str, bodies: Vec<Value>| -> Vec<Attempt> {
        bodies.into_iter().map(|body| (path.to_owned(), Some(body))).collect()
    };
    let bare = |path: &str| vec![(path.to_owned(), None)];
    let searches = |name: &str| {
        let filter = format!("{name} eq \"{user_id}\" or id eq \"{user_id}\" or id eq \"{group_id}\"");
        bodies(path, vec![json!({}), json!({"filter": filter}), json!({"filter": "id pr", "count": 1000})])
    };
    let by_id = |ids: [&str; 2]| ids.map(|id| path.replace("{id}", id));
    let thief = || {
        let mut body = user(&format!("thief-{}@example.com", uuid()));
        body["id"] = user_id.into();
        body["meta"] = json!({"location": format!("https://scim.example.com/t/x/scim/v2/Users/{user_id}")});
        body["groups"] = json!([{"value": group_id}]);
        body
    };
    let gang = || group(&format!("gang-{}", uuid()), &[user_id, group_id]);

    Some(match (method, path) {
        ("GET", "/Users") => gets(&["id", "userName", "groups.value", "externalId", "title"]),
        ("GET", "/Groups") => gets(&["id", "displayName", "members.value", "externalId"]),
        ("POST", "/Users") => bodies(path, vec![thief(), user("same@example.com")]),
        ("POST", "/Groups") => bodies(path, vec![gang(), group("Same", &[user_id])]),
        ("POST", "/Users/.search") => searches("groups.value"),
        ("POST", "/Groups/.search") => searches("members.value"),
        ("GET" | "DELETE", "/Users/{id}" | "/Groups/{id}") => {
            by_id([user_id, group_id]).into_iter().flat_map(|path| bare(&path)).collect()
        }
        ("PUT", "/Users/{id}") => {
            by_id([user_id, group_id]).into_iter().flat_map(|path| bodies(&path, vec![thief()])).collect()
        }
        ("PUT", "/Groups/{id}") => {
            by_id([user_id, group_id]).into_iter().flat_map(|path| bodies(&path, vec![gang()])).collect()
        }
        ("PATCH", "/Users/{id}") => {
            let body = patch(json!([{"op": "replace", "value": {"active": false, "title": "stolen"}}]));
            by_id([user_id, group_id])
                .into_iter()
                .flat_map(|path| bodies(&path, vec![body.clone()]))
                .collect()
        }
        ("PATCH", "/Groups/{id}") => {
            let all = vec![
                patch(
                    json!([{"op": "add", "path": "members", "value": [{"value": user_id}, {"value": group_id}]}]),
                ),
                patch(json!([{"op": "remove", "path": format!("members[value eq \"{user_id}\"]")}])),
                patch(json!([{"op": "replace", "value": {"displayName": "stolen", "members": []}}])),
            ];
            by_id([user_id, group_id]).into_iter().flat_map(|path| bodies(&path, all.clone())).collect()
        }
        ("GET", "/ServiceProviderConfig" | "/Schemas" | "/ResourceTypes" | "") => bare(path),
        ("GET", "/Roles" | "/Entitlements") => gets(&["id", "displayName"]),
        ("GET", "/Schemas/{id}" | "/ResourceTypes/{id}" | "/Roles/{id}" | "/Entitlements/{id}") => {
            by_id([user_id, "User"]).into_iter().flat_map(|path| bare(&path)).collect()
        }
        (_, "/Me") => bodies(path, vec![thief()]),
        ("POST", "/Bulk") => bodies(
            path,
            vec![json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
                "Operations": bulk_operations(prey, &thief(), &gang()),
            })],
        ),
        ("POST", "/.search") => bodies(path, vec![json!({"filter": format!("id eq \"{user_id}\"")})]),
        _ => return None,
    })
}

/// Every method on either id, and creations that name both; all but the latter must find nothing.
fn bulk_operations(prey: &Holdings, thief: &Value, gang: &Value) -> Vec<Value> {
    let change = patch(json!([
        {"op": "add", "value": {"displayName": format!("stolen-{}", uuid())}},
        {"op": "add", "path": "members", "value": [{"value": prey.user}, {"value": "bulkId:gang"}]},
    ]));
    let mut operations = vec![
        json!({"method": "POST", "path": "/Users", "bulkId": "thief", "data": thief}),
        json!({"method": "POST", "path": "/Groups", "bulkId": "gang", "data": gang}),
        json!({"method": "PATCH", "path": "/Groups/bulkId:gang", "data": change}),
    ];
    for id in [&prey.user, &prey.second, &prey.group] {
        for (endpoint, body) in [("/Users", thief), ("/Groups", gang)] {
            let path = format!("{endpoint}/{id}");
            operations.extend([
                json!({"method": "PUT", "path": path, "data": body}),
                json!({"method": "PATCH", "path": path, "data": change}),
                json!({"method": "PATCH", "path": path, "version": "*", "data": change}),
                json!({"method": "PATCH", "path": path, "version": "W/\"1\"", "data": change}),
                json!({"method": "DELETE", "path": path}),
                json!({"method": "DELETE", "path": path, "version": "W/\"1\""}),
            ]);
        }
    }
    operations
}

fn uuid() -> String {
    store::UserId::generate().to_string()
}

async fn settle(world: &World, slug: &str) -> Holdings {
    let client = world.tenant(slug).await;
    let mark = format!("mark-of-{slug}");
    let mut ids = Vec::new();
    for name in ["same@example.com", "twin@example.com"] {
        let mut body = user(name);
        body["title"] = mark.as_str().into();
        body["externalId"] = format!("{mark}-{name}").into();
        ids.push(id(&client.post("/Users", &body).await.expect(201)));
    }
    let mut body = group("Same", &[&ids[0], &ids[1]]);
    body["externalId"] = mark.as_str().into();
    let group = id(&client.post("/Groups", &body).await.expect(201));
    let [user, second] = [ids[0].clone(), ids[1].clone()];
    Holdings { client: Client2 { slug: slug.to_owned(), client }, mark, user, second, group }
}

/// Everything there is to know of a tenant: what it is shown itself, and what the store holds.
async fn snapshot(world: &World, of: &Holdings) -> Vec<String> {
    let scope = world.scope(&of.client.client).await;
    let counts = world.store.platform().tenant_counts(scope.id()).await.expect("counts");
    vec![
        of.client.client.get("/Users?count=1000").await.expect(200).to_string(),
        of.client.client.get("/Groups?count=1000").await.expect(200).to_string(),
        format!("{counts:?}"),
        format!("{:?}", scope.audit(None, 100_000).await.expect("audit")),
        format!("{:?}", scope.outbox(100_000).await.expect("outbox")),
        format!("{:?}", scope.roles_of_user(of.user.parse().expect("an id")).await.expect("roles")),
    ]
}

/// Host and base path of every form of a tenant's address.
fn addresses(slug: &str) -> Vec<(String, String)> {
    ["/scim/v2", "/scim", "/scim/api/V1"]
        .into_iter()
        .flat_map(|alias| {
            [
                (SHARED_HOST.to_owned(), format!("/t/{slug}{alias}")),
                (format!("{slug}.tenants.example.net"), alias.to_owned()),
            ]
        })
        .collect()
}

fn shared() -> Vec<(String, String)> {
    ["/scim/v2", "/scim", "/scim/api/V1"].map(|alias| (SHARED_HOST.to_owned(), alias.to_owned())).to_vec()
}

/// Nothing of `prey` is in the answer but what the request itself said.
#[track_caller]
fn check_silent(reply: &Reply, attempt: &Attempt, prey: &Holdings) {
    let said = format!("{} {}", attempt.0, attempt.1.as_ref().map(Value::to_string).unwrap_or_default());
    let text = format!("{} {:?}", without_failures(reply), reply.headers);
    for secret in [&prey.user, &prey.second, &prey.group, &prey.mark] {
        let may_echo = said.contains(secret.as_str()) && reply.status.is_client_error();
        assert!(may_echo || !text.contains(secret.as_str()), "{secret} of {:?}: {reply:?}", prey.client);
    }
    let own_place = format!("/t/{}/", prey.client.slug);
    let own_host = format!("{}.tenants", prey.client.slug);
    assert!(!text.contains(&own_place) && !text.contains(&own_host), "{reply:?}");
}

/// The body, but for operations of a bulk request that were refused: as a refusal does, they say what was named.
fn without_failures(reply: &Reply) -> String {
    let Ok(mut body) = serde_json::from_str::<Value>(&reply.text) else { return reply.text.clone() };
    if let Some(operations) = body.get_mut("Operations").and_then(Value::as_array_mut) {
        operations.retain(|operation| operation["status"].as_str().is_some_and(|status| status < "400"));
    }
    body.to_string()
}

/// A bulk request makes what is the thief's own, and finds nothing of what it names.
#[track_caller]
fn check_bulk(reply: &Reply) {
    let answer = reply.expect(200);
    let operations = answer["Operations"].as_array().expect("Operations");
    let statuses: Vec<&str> =
        operations.iter().filter_map(|operation| operation["status"].as_str()).collect();
    assert_eq!(statuses[..3], ["201", "201", "200"], "{reply:?}");
    assert_eq!(statuses[3..], ["404"; 36], "{reply:?}");
    for refused in &operations[3..] {
        let detail = refused["response"]["detail"].as_str().expect("a detail");
        assert!(detail.contains(" not found. (request id "), "{refused}");
    }
}

/// `thief` tries every route against `prey`, first at the prey's own addresses, then at its own and the shared ones.
async fn raid(world: &World, thief: &Holdings, prey: &Holdings) {
    let before = snapshot(world, prey).await;
    for (method, path) in ROUTES {
        let known = |of: &Holdings| {
            attempts(method, path, of).unwrap_or_else(|| panic!("{method} {path} has no case in this test"))
        };
        for (host, base) in addresses(&prey.client.slug) {
            let client = thief.client.client.at(&host, &base);
            for attempt in known(prey).into_iter().chain(known(thief)) {
                let reply = client.call(method, &attempt.0, attempt.1.as_ref()).await;
                reply.expect_error(401, "");
                check_silent(&reply, &attempt, prey);
                check_silent(&reply, &(String::new(), None), thief);
            }
        }
        for (host, base) in addresses(&thief.client.slug).into_iter().chain(shared()) {
            let client = thief.client.client.at(&host, &base);
            for attempt in known(prey) {
                let reply = client.call(method, &attempt.0, attempt.1.as_ref()).await;
                check_silent(&reply, &attempt, prey);
                if path.ends_with("/{id}") && (path.starts_with("/Users") || path.starts_with("/Groups")) {
                    reply.expect_error(404, "");
                }
                if *path == "/Bulk" {
                    check_bulk(&reply);
                }
            }
        }
        assert_eq!(snapshot(world, prey).await, before, "{method} {path} changed {:?}", prey.client);
    }
}

async fn nothing_crosses_over(world: World) {
    let acme = settle(&world, "acme").await;
    let beta = settle(&world, "beta").await;
    raid(&world, &acme, &beta).await;
    raid(&world, &beta, &acme).await;
    // Nor does a tenant's sleep matter to the other.
    world.set_status(&acme.client.client, TenantStatus::Inactive).await;
    beta.client.client.get(&format!("/Users/{}", beta.user)).await.expect(200);
    let elsewhere = beta.client.client.at(SHARED_HOST, "/t/acme/scim/v2");
    elsewhere.get("/Users").await.expect_error(401, "");
}

#[tokio::test]
async fn a_route_without_a_case_is_noticed() {
    let app = axum::Router::new();
    let client = Client { app, host: String::new(), base: String::new(), authorization: None };
    let client = Client2 { slug: "acme".into(), client };
    let text = String::new();
    let nobody =
        Holdings { client, mark: text.clone(), user: text.clone(), second: text.clone(), group: text };
    assert!(attempts("GET", "/Devices/{id}", &nobody).is_none());
    assert!(attempts("DELETE", "/Users", &nobody).is_none());
    for (method, path) in ROUTES {
        assert!(
            attempts(method, path, &nobody).is_some_and(|attempts| !attempts.is_empty()),
            "{method} {path}"
        );
    }
}
