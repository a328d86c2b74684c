//! The primary is killed while people are provisioned: two PostgreSQL under Patroni, behind HAProxy and PgBouncer, by the files of
//! `deploy/patroni`. Clients try again as identity providers do. `tests/long failover` runs it.

mod clients;
mod cluster;

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use store_testing::Trial;

use self::{
    clients::{Clients, Seen},
    cluster::Cluster,
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
    let mut nodes = [Node::new(), Node::new()];
    for node in &mut nodes {
        node.start(&installation).await;
    }
    let base_urls: Vec<String> =
        nodes.iter().map(|node| format!("{}/t/acme/scim/v2", node.origin())).collect();

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
    clients.over.store(true, Ordering::SeqCst);
    let Clients { tasks, seen, .. } = clients;
    for task in tasks {
        task.await.unwrap();
    }

    let seen = Arc::into_inner(seen).unwrap().into_inner().unwrap();
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
