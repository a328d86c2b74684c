//! `rollcall destination …` beside a running server: a webhook is made, tried, paused, resumed, sent things again and
//! removed.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::StatusCode};
use serde_json::{Value, json};

use crate::harness::{Installation, PATIENCE, Scim, eventually, on_both_databases};

on_both_databases!(a_webhook_from_the_command_line, an_installation_has_its_own, mistakes_are_explained);

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);

/// Somebody who takes webhooks.
#[derive(Clone)]
struct Receiver {
    url: String,
    events: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn new() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let receiver = Self { url, events: Arc::default() };
        let app = Router::new().fallback(take).with_state(receiver.clone());
        // On a thread of its own: a test waits for its commands without giving way to anything else.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, app).await.unwrap();
            });
        });
        receiver
    }

    /// Types and ids of what came, in order.
    fn came(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let events = self.events.lock().unwrap();
        events.iter().map(|event| (text(&event["type"]), text(&event["id"]))).collect()
    }

    async fn has(&self, count: usize) -> Vec<(String, String)> {
        eventually(PATIENCE, "an event", || async { self.came().len() >= count }).await;
        self.came()
    }
}

async fn take(State(receiver): State<Receiver>, body: Bytes) -> StatusCode {
    receiver.events.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    StatusCode::NO_CONTENT
}

/// The one destination of a tenant, or of the installation.
fn only(installation: &Installation, whose: &[&str]) -> Value {
    let listed = installation.json(&[&["destination", "list", "--json"], whose].concat());
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    listed[0].clone()
}

fn user(name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name})
}

async fn a_webhook_from_the_command_line(mut installation: Installation) {
    installation.set("ROLLCALL_EGRESS_ALLOW", Some("127.0.0.0/8"));
    let receiver = Receiver::new();
    let server = installation.serve().await;
    let scim = Scim::new(server.base_url("acme"), installation.tenant("acme", "generic"));
    let create =
        ["destination", "create", "acme", "--name", "App", "--url", &receiver.url, "--events", "user.*"];
    let secret = installation.run(&create);
    assert!(secret.starts_with("whsec_") && secret.lines().count() == 1, "the secret alone");
    let made = only(&installation, &["acme"]);
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(
        (&made["kind"], &made["name"], &made["state"]),
        (&json!("webhook"), &json!("App"), &json!("active"))
    );
    assert_eq!(made["settings"]["url"], receiver.url);
    assert!(made["events"].as_array().unwrap().contains(&json!("user.created")), "{made}");
    assert!(!made.to_string().contains(&secret), "the secret is nowhere else");
    assert!(installation.run(&["destination", "list", "acme"]).contains(&id));
    assert_eq!(installation.json(&["destination", "list", "--json"]), json!([]), "the installation has none");

    let run = |words: &[&str]| installation.run(&[&["destination"], words].concat());
    assert_eq!(run(&["test", &id]), "App took it: 204");
    assert_eq!(receiver.has(1).await[0].0, "webhook.test");

    scim.create("/Users", user("ann@acme.example")).await;
    let came = receiver.has(2).await;
    assert_eq!(came[1].0, "user.created");
    let deliveries = |more: &[&str]| {
        installation.json(&[&["destination", "deliveries", id.as_str(), "--json"], more].concat())
    };
    eventually(PATIENCE, "a delivery", || async { deliveries(&["--state", "done"]) != json!([]) }).await;
    let done = deliveries(&[]);
    assert_eq!((&done[0]["type"], &done[0]["state"]), (&json!("user.created"), &json!("done")));
    assert_eq!((&done[0]["attempts"], &done[0]["status"]), (&json!(1), &json!(204)));
    assert_eq!(deliveries(&["--state", "dead"]), json!([]));
    assert!(run(&["deliveries", &id]).contains("user.created"));

    // What happens while it is paused waits.
    assert_eq!(run(&["pause", &id]), "App paused");
    assert_eq!(only(&installation, &["acme"])["state"], "paused");
    tokio::time::sleep(WITHIN).await;
    scim.create("/Users", user("bo@acme.example")).await;
    tokio::time::sleep(WITHIN).await;
    assert_eq!(receiver.came().len(), 2);
    assert_eq!(run(&["resume", &id]), "App active");
    receiver.has(3).await;

    // All of it once more, with the ids that it had.
    assert_eq!(run(&["replay", &id, "--dead"]), "0 events sent again");
    let told = run(&["replay", &id, "--after", "0"]);
    assert!(told.starts_with("sent again: places 0 to "), "{told}");
    let mut again = receiver.has(5).await;
    let first = again.drain(..3).skip(1).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(again.into_iter().collect::<std::collections::BTreeSet<_>>(), first);

    assert_eq!(run(&["delete", &id]), "App deleted");
    assert_eq!(installation.json(&["destination", "list", "acme", "--json"]), json!([]));
    let trail = installation.run(&["audit", "--tenant", "acme"]);
    assert!(trail.contains("destination.created") && trail.contains("destination.deleted"), "{trail}");
}

async fn an_installation_has_its_own(mut installation: Installation) {
    installation.set("ROLLCALL_EGRESS_ALLOW", Some("127.0.0.0/8"));
    let receiver = Receiver::new();
    let server = installation.serve().await;
    let clients =
        ["acme", "beta"].map(|slug| Scim::new(server.base_url(slug), installation.tenant(slug, "generic")));
    for scim in &clients {
        scim.create("/Users", user("ann@x.example")).await;
    }
    // From the first event on, of all tenants; of these types alone.
    let create = ["destination", "create", "--name", "All", "--url", &receiver.url, "--after", "0"];
    installation.run(&[&create[..], &["--events", "user.created,role.granted"]].concat());
    let made = only(&installation, &[]);
    assert_eq!(made["events"], json!(["role.granted", "user.created"]));
    assert_eq!(installation.json(&["destination", "list", "acme", "--json"]), json!([]));
    let came = receiver.has(2).await;
    assert!(came.iter().all(|(kind, _)| kind == "user.created"), "{came:?}");
    let tenants: Vec<Value> =
        receiver.events.lock().unwrap().iter().map(|event| event["tenant"]["slug"].clone()).collect();
    assert!(tenants.contains(&json!("acme")) && tenants.contains(&json!("beta")), "{tenants:?}");
}

async fn mistakes_are_explained(installation: Installation) {
    installation.run(&["migrate"]);
    let url = "https://app.example.com/rollcall";
    let create = |more: &[&'static str]| [&["destination", "create", "--name", "App"], more].concat();
    for (arguments, word) in [
        (create(&["--url", "ftp://app.example.com/"]), "url: "),
        (create(&["--url", "https://127.0.0.1/hook"]), "url: "),
        (create(&["--url", url, "--events", "user.nonesuch"]), "user.nonesuch"),
        (create(&["--url", url, "--after", "1000000"]), "after: "),
        (create(&["nobody", "--url", url]), "tenant list"),
        (vec!["destination", "pause", "nonesuch"], "destination list"),
        (vec!["destination", "deliveries", "01a21501-2586-7278-b146-11da0122125d"], "destination list"),
        (vec!["destination", "replay", "01a21501-2586-7278-b146-11da0122125d"], "--dead"),
    ] {
        let error = installation.refuse(&arguments);
        assert!(error.contains(word), "{arguments:?}: {error}");
    }
    installation.run(&create(&["--url", url]));
    let id = only(&installation, &[])["id"].as_str().unwrap().to_owned();
    let error = installation.refuse(&["destination", "replay", &id, "--after", "10", "--last", "5"]);
    assert!(error.contains("--last"), "{error}");
}
