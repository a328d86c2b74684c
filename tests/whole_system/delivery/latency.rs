//! How long after its commit an event is with the receiver, at 200 changes a second.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use futures::StreamExt as _;
use serde_json::{Value, json};
use store_testing::Trial;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::{Instant, MissedTickBehavior};

use super::{Application, FEW, LONGEST, VARIABLE};
use crate::harness::{Installation, Scim, eventually, on_both_databases};

on_both_databases!(an_event_comes_soon_after_its_commit);

/// From one change to the next.
const EVERY: Duration = Duration::from_millis(5);
/// Those who are changed in turn.
const PEOPLE: usize = 200;

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// By title: how long after the commit it came, in milliseconds.
type Arrivals = Arc<Mutex<HashMap<String, f64>>>;

async fn an_event_comes_soon_after_its_commit(mut installation: Installation) {
    let trial = Trial::new("latency", VARIABLE, FEW);
    installation.set("ROLLCALL_EGRESS_ALLOW", Some("127.0.0.0/8"));
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let application = Application::new(&installation);
    let server = installation.serve().await;
    let scim = Arc::new(Scim::new(server.base_url("acme"), authorization));
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let user = json!({"schemas": [USER], "userName": format!("{number}@northwind.example")});
        people.push(scim.create("/Users", user).await);
    }
    let arrivals = Arrivals::default();
    let url = receiver(arrivals.clone()).await;
    application.wants_events(&server.origin, &url).await;

    let mut beat = tokio::time::interval(EVERY);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let begun = Instant::now();
    let mut under_way = futures::stream::FuturesUnordered::new();
    for number in 0..trial.cases {
        beat.tick().await;
        let (scim, id) = (scim.clone(), people[number % PEOPLE].clone());
        under_way.push(tokio::spawn(async move {
            let operation = json!({"op": "replace", "value": {"title": format!("change {number}")}});
            let body = json!({"schemas": [PATCH], "Operations": [operation]});
            let (status, answer) = scim.send("PATCH", &format!("/Users/{id}"), Some(body)).await;
            assert!((200..300).contains(&status), "{status}: {answer}");
        }));
    }
    while let Some(ended) = under_way.next().await {
        ended.unwrap();
    }
    let rate = trial.cases as f64 / begun.elapsed().as_secs_f64();
    let all = || async { arrivals.lock().unwrap().len() >= trial.cases };
    eventually(LONGEST, "all events", all).await;
    let mut took: Vec<f64> = arrivals.lock().unwrap().values().copied().collect();
    assert_eq!(took.len(), trial.cases);
    took.sort_by(f64::total_cmp);
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize];
    trial.report(&format!(
        "{}: {} changes, {rate:.0} a second; from the commit to the receiver: p50 {:.0} ms, p99 {:.0} ms, longest {:.0} ms",
        if installation.is_sqlite() { "SQLite" } else { "PostgreSQL" },
        took.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    ));
}

/// A receiver in this process; gives its address.
async fn receiver(arrivals: Arrivals) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().route("/", post(arrived)).with_state(arrivals);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    format!("http://{address}/")
}

async fn arrived(State(arrivals): State<Arrivals>, body: Bytes) -> StatusCode {
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs_f64() * 1e3;
    let event: Value = serde_json::from_slice(&body).unwrap();
    if let Some(title) = event["data"]["state"]["title"].as_str() {
        let committed = OffsetDateTime::parse(event["timestamp"].as_str().unwrap(), &Rfc3339).unwrap();
        let committed = committed.unix_timestamp_nanos() as f64 / 1e6;
        // What counts is the first time.
        arrivals.lock().unwrap().entry(title.to_owned()).or_insert(now - committed);
    }
    StatusCode::NO_CONTENT
}
