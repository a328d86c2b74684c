//! Nodes behind `deploy/haproxy.cfg` are restarted one after the other while clients that never try again are at work.
//! `tests/long restart` does it for minutes.

use std::{
    fs::File,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use store_testing::Trial;

use crate::harness::{Database, Installation, PATIENCE, Scim, Server, eventually, free_port, variable};

/// Seconds; each node is restarted at least once.
const VARIABLE: &str = "ROLLCALL_LONG_RESTART";
/// Those of `tests/run`.
const FEW: usize = 1;
/// Clients at once.
const CLIENTS: usize = 6;
/// Between two requests of one of them.
const PACE: Duration = Duration::from_millis(15);

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// HAProxy with the file that is shipped; killed when dropped.
struct Proxy {
    child: Child,
    origin: String,
}

impl Proxy {
    fn start(folder: &Path, nodes: [u16; 2]) -> Self {
        let port = free_port();
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/haproxy.cfg");
        let log = File::create(folder.join("haproxy.log")).unwrap();
        let mut command = Command::new(variable("ROLLCALL_TEST_HAPROXY"));
        command
            .args(["-db", "-f", file])
            .env("SCIM_BIND", format!("127.0.0.1:{port}"))
            .env("NODE_ONE", format!("127.0.0.1:{}", nodes[0]))
            .env("NODE_TWO", format!("127.0.0.1:{}", nodes[1]));
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        Self { child, origin: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What clients saw.
#[derive(Default)]
struct Seen {
    took: Vec<Duration>,
    failed: Vec<String>,
    made: usize,
}

async fn node(installation: &Installation, port: u16) -> Server {
    let listen = format!("127.0.0.1:{port}");
    // What the file asks for, as long as it can notice within.
    let mut command =
        installation.command(&["serve", "--no-migrate", "--listen", &listen, "--shutdown-delay", "2"]);
    Server::start(&mut command, port).await
}

#[tokio::test]
async fn no_request_fails_while_nodes_are_restarted() {
    let trial = Trial::new("restart", VARIABLE, FEW);
    let installation = Installation::new(Database::Postgres).await;
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let ports = [free_port(), free_port()];
    let mut nodes = [node(&installation, ports[0]).await, node(&installation, ports[1]).await];
    let proxy = Proxy::start(installation.dir.path(), ports);
    let through = |port: u16| async move { reqwest::get(format!("http://127.0.0.1:{port}/readyz")).await };
    eventually(PATIENCE, "a proxy", || async {
        let asked = reqwest::get(format!("{}/readyz", proxy.origin)).await;
        asked.is_ok_and(|answer| answer.status() == 200)
    })
    .await;

    let (seen, over) = (Arc::new(Mutex::new(Seen::default())), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let base_url = format!("{}/t/acme/scim/v2", proxy.origin);
            let client = Client {
                http: reqwest::Client::builder().timeout(PATIENCE).build().unwrap(),
                base_url,
                authorization: authorization.clone(),
                seen: seen.clone(),
            }
            .work(client, over.clone());
            tokio::spawn(client)
        })
        .collect();

    let (begun, longest) = (Instant::now(), Duration::from_secs(trial.cases as u64));
    let mut restarts = 0;
    while restarts < 2 || begun.elapsed() < longest {
        let which = restarts % 2;
        let port = ports[which];
        super::harness::terminate(&nodes[which].child);
        eventually(Duration::from_secs(1), "a node that says that it leaves", || async {
            through(port).await.is_ok_and(|answer| answer.status() == 503)
        })
        .await;
        let child = &mut nodes[which].child;
        eventually(PATIENCE, "an end", || {
            let ended = child.try_wait().unwrap();
            async move { ended.is_some_and(|status| status.success()) }
        })
        .await;
        nodes[which] = node(&installation, port).await;
        // The proxy looks twice a second.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        restarts += 1;
    }
    over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }

    let mut seen = std::mem::take(&mut *seen.lock().unwrap());
    seen.took.sort_unstable();
    let at = |share: f64| seen.took[((seen.took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    trial.report(&format!(
        "PostgreSQL, two nodes: {restarts} restarts, {} requests, {} failed; p50 {:.1} ms, p99 {:.1} ms, longest {:.0} ms",
        seen.took.len(),
        seen.failed.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    ));
    assert_eq!(seen.failed, Vec::<String>::new());
    let [users, entries, events] = installation.made().await;
    let made = i64::try_from(seen.made).unwrap();
    assert_eq!([users, entries, events], [made; 3], "each that was answered is there, once");
    let (status, list) =
        Scim::new(format!("{}/t/acme/scim/v2", proxy.origin), authorization).get("/Users?count=0").await;
    assert_eq!((status, &list["totalResults"]), (200, &json!(made)), "{list}");
}

/// Somebody who provisions as Okta does, and tries nothing twice.
struct Client {
    http: reqwest::Client,
    base_url: String,
    authorization: String,
    seen: Arc<Mutex<Seen>>,
}

impl Client {
    async fn work(self, number: usize, over: Arc<AtomicBool>) {
        let mut person = 0;
        while !over.load(Ordering::Relaxed) {
            person += 1;
            self.provision(&format!("{number}-{person}@northwind.example")).await;
        }
    }

    /// Looks for somebody, makes them, changes them, looks at them, deactivates them.
    async fn provision(&self, name: &str) {
        let filter = format!("/Users?filter=userName%20eq%20%22{name}%22");
        self.send("GET", &filter, None, 200).await;
        let mut user = json!({"schemas": [USER], "userName": name, "active": true});
        let Some(made) = self.send("POST", "/Users", Some(&user), 201).await else { return };
        self.seen.lock().unwrap().made += 1;
        let path = format!("/Users/{}", made["id"].as_str().unwrap());
        user["displayName"] = json!("Ada Byron");
        self.send("PUT", &path, Some(&user), 200).await;
        self.send("GET", &path, None, 200).await;
        let leave = json!({"op": "replace", "value": {"active": false}});
        self.send("PATCH", &path, Some(&json!({"schemas": [PATCH], "Operations": [leave]})), 200).await;
    }

    /// One request, once.
    async fn send(&self, method: &str, path: &str, body: Option<&Value>, expected: u16) -> Option<Value> {
        let url = format!("{}{path}", self.base_url);
        let mut request = self.http.request(method.parse().unwrap(), url);
        request = request.header("authorization", &self.authorization);
        if let Some(body) = body {
            request = request.header("content-type", "application/scim+json").body(body.to_string());
        }
        let begun = Instant::now();
        let answered = async {
            let answer = request.send().await?;
            Ok::<_, reqwest::Error>((answer.status().as_u16(), answer.text().await?))
        };
        let answered = answered.await;
        let (took, failed) = (begun.elapsed(), format!("{method} {path}: {answered:?}"));
        let text = answered.ok().filter(|(status, _)| *status == expected).map(|(_, text)| text);
        {
            let mut seen = self.seen.lock().unwrap();
            seen.took.push(took);
            if text.is_none() {
                seen.failed.push(failed);
            }
        }
        tokio::time::sleep(PACE).await;
        text.and_then(|text| serde_json::from_str(&text).ok())
    }
}
