//! The primary is killed while people are provisioned: two PostgreSQL under Patroni, behind HAProxy and PgBouncer, by the files of
//! `deploy/patroni`. Clients try again as identity providers do. `tests/long failover` runs it,
//! and one with two Redis under Sentinel.

mod clients;
mod cluster;
mod sentinel;

use std::time::{Duration, Instant};

use store_testing::Trial;

use self::{
    clients::{Clients, Seen},
    cluster::Cluster,
    sentinel::Redis,
};
use crate::{
    harness::{Database, Installation, Scim, eventually},
    nodes::Node,
};

/// How often the primary is killed.
const VARIABLE: &str = "ROLLCALL_LONG_FAILOVER";
const FEW: usize = 1;
/// Between two of them, while all is well.
const WELL: Duration = Duration::from_secs(10);
/// Longest wait for a write once there is another primary.
const LONGEST: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_with_the_primary() {
    let trial = Trial::new("failover", VARIABLE, FEW);
    let mut installation = Installation::new(Database::Sqlite).await;
    let mut cluster = Cluster::start(installation.dir.path()).await;
    cluster.settle(&mut installation).await;
    let authorization = installation.tenant("acme", "generic");
    let (_nodes, base_urls) = two_nodes(&installation).await;

    let clients = Clients::start(&base_urls, &authorization);
    for _ in 0..trial.cases {
        tokio::time::sleep(WELL).await;
        let killed = cluster.kill_primary().await;
        cluster.another_is_primary(killed).await;
        let since = Instant::now();
        let written = || async { clients.seen.lock().unwrap().is_written_after(since) };
        eventually(LONGEST, "a write to the other primary", written).await;
        cluster.start_again(killed).await;
    }
    tokio::time::sleep(WELL).await;
    let seen = clients.end().await;
    let lost = lost(&seen, &Scim::new(&base_urls[0], &authorization)).await;
    trial.report(&format!(
        "PostgreSQL under Patroni, two nodes: primary killed {} times; {} requests answered, {} tried again, {} given up; \
         {} acknowledged writes, {} lost; longest time without one {:.1} s",
        trial.cases,
        seen.answered,
        seen.again,
        seen.failed.len(),
        seen.writes,
        lost.len(),
        seen.longest_pause().as_secs_f64(),
    ));
    assert_eq!((lost, seen.failed), (Vec::new(), Vec::new()));
    assert!(seen.again > 0, "nobody noticed anything");
    let told = installation.run(&["audit", "verify", "--tenant", "acme"]);
    assert!(told.starts_with("acme: whole, "), "{told}");
}

/// Redis is there for speed: nobody notices that its primary is another one, and all nodes listen to that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_another_redis() {
    let mut installation = Installation::new(Database::Postgres).await;
    let mut redis = Redis::start(installation.dir.path()).await;
    installation.set("ROLLCALL_REDIS_URL", Some(&redis.url()));
    installation.run(&["migrate"]);
    let authorization = installation.tenant("acme", "generic");
    let (nodes, base_urls) = two_nodes(&installation).await;

    let clients = Clients::start(&base_urls, &authorization);
    tokio::time::sleep(WELL / 4).await;
    redis.kill_primary().await;
    let took =
        eventually(LONGEST, "nodes that listen again", || async { redis.listeners() == nodes.len() }).await;
    tokio::time::sleep(WELL / 4).await;
    let seen = clients.end().await;
    println!(
        "failover: Redis under Sentinel, primary killed: {} requests answered, {} tried again; nodes listen again after {:.1} s",
        seen.answered,
        seen.again,
        took.as_secs_f64()
    );
    assert_eq!((seen.again, &seen.failed), (0, &Vec::new()));
    let lost = lost(&seen, &Scim::new(&base_urls[0], &authorization)).await;
    assert_eq!(lost, Vec::<String>::new());
}

/// Running, with the base URLs of the tenant.
async fn two_nodes(installation: &Installation) -> ([Node; 2], Vec<String>) {
    let mut nodes = [Node::new(), Node::new()];
    for node in &mut nodes {
        node.start(installation).await;
    }
    let base_urls = nodes.each_ref().map(|node| format!("{}/t/acme/scim/v2", node.origin()));
    (nodes, base_urls.to_vec())
}

/// What was acknowledged last of each person, and is not there.
async fn lost(seen: &Seen, scim: &Scim) -> Vec<String> {
    let mut lost = Vec::new();
    for (name, person) in &seen.people {
        let (status, user) = scim.get(&format!("/Users/{}", person.id)).await;
        let is_there = status == 200
            && user["userName"] == name.as_str()
            && user["active"] == person.active
            && user["displayName"].as_str().unwrap_or_default() == person.display_name;
        if !is_there {
            lost.push(format!("{name}: {person:?}, but {status} {user}"));
        }
    }
    lost
}
