//! A request is one trace: what was done for it, for which tenant, and nothing of whom it is about.

use std::{collections::BTreeSet, time::Duration};

use serde_json::{Value, json};

use super::collector::{Collector, Span};
use crate::harness::{Database, Installation, Scim, Server, free_port, on_both_databases};

on_both_databases!(a_request_is_a_trace);

/// It takes the connection, and never answers.
#[tokio::test]
async fn a_collector_that_hangs_keeps_no_node_from_its_end() {
    let installation = Installation::new(Database::Sqlite).await;
    let authorization = installation.tenant("acme", "generic");
    let collector = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let server = installation.serve_with(&["--otlp-endpoint", &endpoint]).await;
    let scim = Scim::new(server.base_url("acme"), authorization);
    assert_eq!(scim.get("/Users").await.0, 200);
    let (status, took) = server.terminate().await;
    assert!(status.success(), "{status}");
    assert!(took < Duration::from_secs(6), "{took:?}");
    // Something was to be sent.
    collector.set_nonblocking(true).unwrap();
    collector.accept().unwrap();
}

/// Words that may stand nowhere in what leaves.
const PERSONAL: [&str; 5] =
    ["planted.okafor", "Planted-Family", "1619345678", "planted-group", "planted-state"];

/// Everything that spans tell; the rest stays.
const TOLD: [&str; 9] = [
    "http.request.method",
    "http.route",
    "http.response.status_code",
    "rollcall.request_id",
    "rollcall.tenant",
    "rollcall.step",
    "db.system.name",
    "db.operation.name",
    "db.query.summary",
];

/// A trace that a client claims to be in.
const CLAIMED: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

async fn a_request_is_a_trace(installation: Installation) {
    let system = if installation.is_sqlite() { "sqlite" } else { "postgresql" };
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let collector = Collector::start().await;
    let server = serve(&installation, &collector, &[]).await;
    let client = Client { base_url: server.base_url("acme"), authorization: authorization.clone() };

    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "planted.okafor@example.com",
        "name": { "familyName": "Planted-Family", "givenName": "Ada" },
        "emails": [{ "value": "planted.okafor@example.com", "primary": true }],
        "title": "1619345678",
    });
    let (status, made) = client.send("made-1", "POST", "/Users", Some(user.clone()), "00").await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    assert_eq!(client.send("taken-1", "POST", "/Users", Some(user), "01").await.0, 409);
    let filter = "/Users?filter=userName%20eq%20%22planted.okafor@example.com%22";
    assert_eq!(client.send("asked-1", "GET", filter, None, "01").await.0, 200);
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "displayName": "planted-group",
        "members": [{ "value": id }],
    });
    assert_eq!(client.send("group-1", "POST", "/Groups", Some(group), "01").await.0, 201);
    assert_eq!(client.send("planted-token", "GET", "/Planted-Family", None, "01").await.0, 404);
    let page = reqwest::Client::new().get(format!("{}/console/sign-in", server.origin));
    assert_eq!(page.header("x-request-id", "page-1").send().await.unwrap().status(), 200);

    let made = collector.trace("made-1").await;
    let root = root(&made);
    assert_eq!((root.name.as_str(), root.kind, root.status), ("POST /scim/v2/Users", 2, 0));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/scim/v2/Users"),
        ("http.response.status_code", "201"),
        ("rollcall.tenant", "acme"),
    ] {
        assert_eq!(root.attribute(name), value, "{root:?}");
    }
    // The trace is ours, whatever was claimed; that it was is told by a link.
    assert_eq!(root.links, [CLAIMED]);
    assert_ne!(root.trace, CLAIMED);
    let below = |name: &str, parent: &Span| {
        made.iter().filter(|span| span.name == name && span.parent == parent.id).count()
    };
    assert_eq!((below("credential", root), below("tenant", root)), (1, 1), "{made:#?}");
    let steps: Vec<_> =
        made.iter().filter(|span| span.name == "core").map(|span| span.attribute("rollcall.step")).collect();
    assert_eq!(steps, ["take", "create"], "{made:#?}");
    if installation.is_sqlite() {
        let change = made.iter().find(|span| span.name == "change").unwrap();
        assert_eq!(change.parent, root.id);
        for name in ["INSERT users", "INSERT user_values", "INSERT payloads", "INSERT audit", "INSERT outbox"]
        {
            assert_eq!(below(name, change), 1, "{name}: {made:#?}");
        }
    } else {
        assert_eq!(below("SELECT create_user", root), 1, "{made:#?}");
    }
    assert!(
        made.iter().all(|span| span.kind != 3 || span.attribute("db.system.name") == system),
        "{made:#?}"
    );

    // A statement that fails says so, and what a client did wrong is no fault.
    let taken = collector.trace("taken-1").await;
    assert!(taken.iter().any(|span| span.kind == 3 && span.status == 2) || installation.is_sqlite());
    assert_eq!(taken.iter().find(|span| span.parent.is_empty()).unwrap().status, 0, "{taken:#?}");
    // Transactions, too.
    let group = collector.trace("group-1").await;
    let names: Vec<_> = group.iter().map(|span| span.name.as_str()).collect();
    for name in ["BEGIN", "INSERT groups", "COMMIT", "POST /scim/v2/Groups"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    // Where there is no route there is a method; pages have routes of their own.
    for (request, name) in [("planted-token", "GET"), ("page-1", "GET /console/sign-in")] {
        assert_eq!(self::root(&collector.trace(request).await).name, name);
    }
    collector.trace("asked-1").await;
    assert!(server.terminate().await.0.success());

    let spans = collector.spans();
    for span in &spans {
        // Nothing that a server asks of its database for itself begins a trace.
        let parent = spans.iter().find(|other| other.id == span.parent && other.trace == span.trace);
        assert!(span.kind == 2 && span.parent.is_empty() || parent.is_some(), "{span:#?} stands alone");
        assert_eq!(span.events, 0, "{span:#?}");
    }
    let told: BTreeSet<&str> =
        spans.iter().flat_map(|span| span.attributes.keys().map(String::as_str)).collect();
    let unknown: Vec<_> = told.iter().filter(|name| !TOLD.contains(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?} leave, too");
    let token = authorization.split_once(' ').unwrap().1;
    for word in PERSONAL.into_iter().chain([token, id]) {
        assert!(!collector.holds(word), "{word:?} has left");
    }

    if installation.is_sqlite() {
        nobody_switches_sampling_on(&installation, &authorization).await;
    }
}

/// Which traces are kept is the operator's choice.
async fn nobody_switches_sampling_on(installation: &Installation, authorization: &str) {
    let collector = Collector::start().await;
    let server = serve(installation, &collector, &[("OTEL_TRACES_SAMPLER", "always_off")]).await;
    let client = Client { base_url: server.base_url("acme"), authorization: authorization.to_owned() };
    assert_eq!(client.send("off-1", "GET", "/Users", None, "01").await.0, 200);
    assert!(server.terminate().await.0.success());
    assert!(collector.spans().is_empty());
}

fn root(trace: &[Span]) -> &Span {
    trace.iter().find(|span| span.parent.is_empty()).unwrap()
}

async fn serve(installation: &Installation, collector: &Collector, more: &[(&str, &str)]) -> Server {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut command =
        installation.command(&["serve", "--listen", &listen, "--log", "info,sqlx=debug,sea_orm=trace"]);
    command.env("ROLLCALL_OTLP_ENDPOINT", &collector.endpoint).env("OTEL_BSP_SCHEDULE_DELAY", "100");
    // What is logged does not leave by another way.
    let log = std::fs::File::create(installation.dir.path().join("log")).unwrap();
    Server::start_with_log(command.envs(more.iter().copied()), port, log.into()).await
}

struct Client {
    base_url: String,
    authorization: String,
}

impl Client {
    /// Sends a request under an id, with a trace of its own that it says is kept (`01`) or not (`00`).
    async fn send(
        &self,
        id: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
        flags: &str,
    ) -> (u16, Value) {
        let mut request = reqwest::Client::new()
            .request(method.parse().unwrap(), format!("{}{path}", self.base_url))
            .header("authorization", &self.authorization)
            .header("traceparent", format!("00-{CLAIMED}-00f067aa0ba902b7-{flags}"))
            .header("tracestate", "vendor=planted-state")
            .header("x-request-id", id);
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status().as_u16(), answer.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or_default())
    }
}
