//! What the journal is told of requests, whatever becomes of them.

use activity::{Journal, Options};
use axum::Router;
use scim_api::ScimState;
use serde_json::{Value, json};
use store::activity::{LoggedRequest, Milestone, RequestQuery};

use crate::{
    client::{Client, user},
    world::World,
};

on_both!(
    each_request_with_a_valid_credential_is_logged,
    bodies_are_logged_as_far_as_they_are_known,
    what_is_refused_is_logged_with_its_reason,
);

/// The same client at a node that keeps a journal.
fn with_journal(world: &World, client: &Client) -> (Journal, Client) {
    let journal = Journal::start(world.store.clone(), Options::default());
    let state = ScimState { journal: journal.clone(), ..world.state.clone() };
    (journal, Client { app: scim_api::service(state, Router::new()), ..client.clone() })
}

/// All entries, oldest first.
async fn logged(world: &World, client: &Client, journal: &Journal) -> Vec<LoggedRequest> {
    journal.flush().await;
    let scope = world.scope(client).await;
    let lines = scope.requests(&RequestQuery { limit: 100, ..RequestQuery::default() }).await.expect("a log");
    let mut entries = Vec::new();
    for line in lines.iter().rev() {
        entries.push(scope.request(line.id).await.expect("a look-up").expect("an entry"));
    }
    entries.sort_by_key(|entry| entry.line.id);
    entries
}

fn json_of(text: &Option<String>) -> Value {
    serde_json::from_str(text.as_deref().expect("a body")).expect("JSON")
}

async fn each_request_with_a_valid_credential_is_logged(world: World) {
    let (journal, acme) = with_journal(&world, &world.tenant("acme").await);
    let stranger = Client { authorization: Some("Bearer nonsense".into()), ..acme.clone() };
    stranger.get("/Users").await.expect(401);
    acme.get("/Users?filter=userName+eq+%22ann%40example.com%22").await.expect(200);
    let mut body = user("ann@example.com");
    body["password"] = "correct horse".into();
    let made = acme.post("/Users", &body).await;
    let id = made.expect(201)["id"].as_str().expect("an id").to_owned();
    acme.get(&format!("/Users/{id}")).await.expect(200);

    let entries = logged(&world, &acme, &journal).await;
    let lines: Vec<_> = entries
        .iter()
        .map(|entry| (entry.line.method.as_str(), entry.line.route.as_str(), entry.line.status))
        .collect();
    assert_eq!(lines, [("GET", "/Users", 200), ("POST", "/Users", 201), ("GET", "/Users/{id}", 200)]);
    assert_eq!(entries[0].line.query.as_deref(), Some("filter=userName eq \"ann@example.com\""));
    let post = &entries[1];
    assert_eq!(post.line.request_id, made.header("x-request-id"));
    assert_eq!(post.line.resource_id.as_ref(), Some(&id));
    assert!(post.line.credential_name.starts_with("token "));
    assert!(post.line.duration_us > 0);
    assert_eq!(json_of(&post.request_body)["password"], "•••");
    assert_eq!(json_of(&post.response_body), made.json());
    assert_eq!(post.line.response_bytes, Some(made.text.len() as i64));
    assert!(!format!("{entries:?}").contains("horse"));
    assert_eq!(entries[2].line.path, format!("/Users/{id}"));

    let heard = world.scope(&acme).await.heard().await.expect("milestones");
    let reached: Vec<_> = heard.iter().map(|heard| heard.milestone).collect();
    assert_eq!(reached, [Milestone::Call, Milestone::Lookup, Milestone::UserCreated, Milestone::Success]);
}

async fn bodies_are_logged_as_far_as_they_are_known(world: World) {
    let (journal, acme) = with_journal(&world, &world.tenant("acme").await);
    let large = json!({"userName": "ann", "displayName": "x".repeat(40_000)});
    acme.post("/Users", &large).await.expect(201);
    let huge = json!({"userName": "bob", "displayName": "x".repeat(300_000)});
    let sent = acme.post("/Users", &huge).await;
    let entries = logged(&world, &acme, &journal).await;
    let cut = &entries[0];
    assert!(cut.request_cut && cut.response_cut);
    assert!(cut.request_body.as_ref().is_some_and(|body| body.len() == 16 * 1024));
    assert!(cut.line.request_bytes > 40_000);
    let none = &entries[1];
    assert_eq!((none.request_body.as_ref(), none.line.status), (None, i32::from(sent.status.as_u16())));
    assert!(none.line.request_bytes > 300_000);
}

async fn what_is_refused_is_logged_with_its_reason(world: World) {
    let (journal, acme) = with_journal(&world, &world.tenant("acme").await);
    acme.post("/Users", &user("ann")).await.expect(201);
    acme.post("/Users", &user("ANN")).await.expect_error(409, "uniqueness");
    acme.get("/Nothing").await.expect(404);
    acme.get("/Users?filter=userName").await.expect_error(400, "invalidFilter");
    let reader = Client { app: acme.app.clone(), ..world.client("acme", "scim:read").await };
    reader.post("/Users", &user("bob")).await.expect(403);
    let entries = logged(&world, &acme, &journal).await;
    let told: Vec<_> = entries[1..]
        .iter()
        .map(|entry| (entry.line.status, entry.line.scim_type.as_deref(), entry.line.route.as_str()))
        .collect();
    let wanted = [
        (409, Some("uniqueness"), "/Users"),
        (404, None, ""),
        (400, Some("invalidFilter"), "/Users"),
        (403, None, "/Users"),
    ];
    assert_eq!(told, wanted);
    let detail = entries[1].line.detail.as_deref().expect("a reason");
    assert!(detail.contains("userName") && !detail.contains("request id"), "{detail}");
}
