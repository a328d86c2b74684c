//! How long a revoked credential, or one of a deactivated tenant, still opens another node: with Redis, without it,
//! while it dies and comes back. `tests/long revocation` takes the figures.

use std::{
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use store_testing::Trial;

use crate::harness::{Console, Database, Installation, PATIENCE, Scim, Server, eventually, free_port};

/// The contract's limit for a change to hold in every running node.
const WITHIN: Duration = Duration::from_secs(1);
/// How many revocations to time.
const VARIABLE: &str = "ROLLCALL_LONG_REVOCATION";
const PROBE: &str = "/ServiceProviderConfig";
const EMAIL: &str = "operator@rollcall.example";

/// A Redis of one's own, which may be stopped; killed when dropped.
struct Redis {
    child: Child,
    port: u16,
}

impl Redis {
    async fn start(port: u16) -> Self {
        let mut command = Command::new("redis-server");
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        let child = command.stdout(Stdio::null()).spawn().unwrap();
        let ready = || async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() };
        eventually(PATIENCE, "Redis", ready).await;
        Self { child, port }
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Two nodes over one database.
struct Nodes {
    installation: Installation,
    here: Server,
    there: Server,
    console: Console,
}

impl Nodes {
    async fn start(database: Database, redis: Option<&Redis>) -> Self {
        let mut installation = Installation::new(database).await;
        let url = redis.map(Redis::url).unwrap_or_default();
        let arguments: Vec<&str> = if redis.is_some() { vec!["--redis-url", &url] } else { Vec::new() };
        if redis.is_none() {
            installation.set("ROLLCALL_REDIS_URL", None);
        }
        let here = installation.serve_with(&arguments).await;
        let there = installation.serve_with(&arguments).await;
        let password = installation.run(&["admin", "create", EMAIL, "--generate"]);
        let console = Console::sign_in(&here, EMAIL, &password).await;
        installation.run(&["tenant", "create", "acme", "--activate"]);
        Self { installation, here, there, console }
    }

    /// A new token's id, and clients of it at both nodes, which let it in.
    async fn token(&self, name: &str) -> (String, Scim, Scim) {
        let token = self.installation.run(&["token", "create", "acme", "--name", name]);
        let client = |node: &Server| Scim::new(node.base_url("acme"), format!("Bearer {token}"));
        let (here, there) = (client(&self.here), client(&self.there));
        for node in [&here, &there] {
            eventually(WITHIN, "a new token", || async { node.get(PROBE).await.0 == 200 }).await;
        }
        let listed = self.installation.json(&["token", "list", "acme", "--json"]);
        let of_name = listed.as_array().unwrap().iter().find(|token| token["name"] == name).unwrap();
        (of_name["id"].as_str().unwrap().to_owned(), here, there)
    }

    /// Revokes a token at the first node.
    async fn revoke(&self, token: &str) {
        let path = format!("/console/tenants/acme/tokens/{token}/revoke");
        let status = self.console.post(&path, &[("slug", "acme")]).await.status();
        assert!(status.is_redirection(), "{status}");
    }

    /// Revokes a token at one node; gives the time from the request to the first refusal of the other.
    async fn time_one(&self, name: &str) -> Duration {
        let (id, here, there) = self.token(name).await;
        // The new token was seen right after a look at the epoch; the revocation shall come at any time between two.
        tokio::time::sleep(Duration::from_millis(u64::from(rand::random::<u8>()) * 300 / 255)).await;
        let asked = Instant::now();
        let watch = tokio::spawn(async move {
            while there.get(PROBE).await.0 != 401 {
                assert!(asked.elapsed() < PATIENCE, "never refused");
            }
            asked.elapsed()
        });
        self.revoke(&id).await;
        assert_eq!(here.get(PROBE).await.0, 401, "at once where it was revoked");
        watch.await.unwrap()
    }

    async fn trial(&self, name: &'static str) {
        let mut trial = Trial::new(name, VARIABLE, 3);
        let mut times = Vec::new();
        for number in 0..trial.cases {
            times.push(self.time_one(&format!("{name} {number}")).await);
            trial.progress(number + 1);
        }
        times.sort();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        trial.report(&format!(
            "{} revocations; from the request at one node to the first refusal of the other: median {:.1} ms, longest {:.1} ms",
            times.len(),
            median.as_secs_f64() * 1e3,
            longest.as_secs_f64() * 1e3
        ));
        assert!(longest < WITHIN, "{times:?}");
    }
}

#[tokio::test]
async fn with_redis() {
    let redis = Redis::start(free_port()).await;
    Nodes::start(Database::Postgres, Some(&redis)).await.trial("revocation with Redis").await;
}

#[tokio::test]
async fn redis_stopped() {
    let mut redis = Redis::start(free_port()).await;
    let nodes = Nodes::start(Database::Postgres, Some(&redis)).await;
    redis.kill();
    nodes.trial("revocation with Redis stopped").await;
}

#[tokio::test]
async fn without_redis() {
    Nodes::start(Database::Postgres, None).await.trial("revocation without Redis").await;
}

#[tokio::test]
async fn two_processes_on_one_sqlite_file() {
    Nodes::start(Database::Sqlite, None).await.trial("revocation on SQLite").await;
}

/// What was revoked stays revoked whatever becomes of Redis, and what is revoked while it is away, too.
#[tokio::test]
async fn redis_dies_and_comes_back() {
    let mut redis = Redis::start(free_port()).await;
    let nodes = Nodes::start(Database::Postgres, Some(&redis)).await;
    let (before, _, revoked_before) = nodes.token("before").await;
    let (during, _, revoked_during) = nodes.token("during").await;
    let (_, _, kept) = nodes.token("kept").await;
    nodes.revoke(&before).await;
    eventually(WITHIN, "revoked", || async { revoked_before.get(PROBE).await.0 == 401 }).await;
    let port = redis.port;
    redis.kill();
    nodes.revoke(&during).await;
    eventually(WITHIN, "revoked", || async { revoked_during.get(PROBE).await.0 == 401 }).await;
    let _redis = Redis::start(port).await;
    for client in [&revoked_before, &revoked_during] {
        assert_eq!(client.get(PROBE).await.0, 401);
    }
    assert_eq!(kept.get(PROBE).await.0, 200);
    nodes.time_one("after").await;
}

/// A tenant that is switched off at one node is refused at the other, with each kind of credential; and let in again.
#[tokio::test]
async fn a_deactivated_tenant() {
    let nodes = Nodes::start(Database::Postgres, None).await;
    let (_, _, bearer) = nodes.token("bearer").await;
    let password = nodes.installation.run(&["basic", "create", "acme", "--username", "okta@acme"]);
    let basic = Scim::new(nodes.there.base_url("acme"), crate::harness::basic_header("okta@acme", &password));
    eventually(WITHIN, "a new user name", || async { basic.get(PROBE).await.0 == 200 }).await;
    for (action, status) in [("deactivate", 403), ("activate", 200)] {
        nodes.console.post(&format!("/console/tenants/acme/{action}"), &[]).await;
        for client in [&bearer, &basic] {
            eventually(WITHIN, action, || async { client.get(PROBE).await.0 == status }).await;
        }
    }
}
