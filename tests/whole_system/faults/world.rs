//! An installation with nodes under load, and what is looked at when the faults are over.

use std::{io::Write as _, sync::Arc, time::Duration};

use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::json;
use store_testing::{Dice, Trial};

use super::{
    fault::Fault,
    resources::{Client, Shared, USER},
    servers::{Disk, Postgres, Redis},
    writers::Writers,
};
use crate::{
    harness::{Installation, PATIENCE, Scim, eventually},
    nodes::Node,
};

/// Those who may be members of groups.
const STAFF: usize = 32;
/// Room on a disk for what is written in a second, in megabytes: it is full when it is filled, not before.
const A_SECOND: usize = 8;
/// Longest wait for the first acknowledged write after a fault.
const LONGEST: Duration = Duration::from_secs(90);
/// A file to which each trial appends its row of the table.
const TABLE: &str = "ROLLCALL_FAULTS_TABLE";

/// All that a fault may be made in.
pub(super) struct World {
    // In the order in which they are to end.
    pub(super) nodes: Vec<Node>,
    pub(super) postgres: Option<Postgres>,
    pub(super) redis: Option<Redis>,
    pub(super) disk: Option<Disk>,
    pub(super) installation: Installation,
    pub(super) shared: Arc<Shared>,
    pub(super) dice: Dice,
}

impl World {
    /// What this fault needs, running.
    pub(super) async fn new(fault: Fault, mut installation: Installation, trial: &Trial) -> Self {
        let (is_sqlite, room) = (installation.is_sqlite(), trial.cases * A_SECOND);
        let (mut postgres, mut redis, mut disk) = (None, None, None);
        match fault {
            Fault::PostgresKilled => postgres = Some(Postgres::start(None).await.0),
            Fault::DiskFull if is_sqlite => {
                let folder = installation.dir.path().join("data");
                std::fs::create_dir(&folder).unwrap();
                disk = Some(Disk::mount(&folder, 32 + room));
            }
            Fault::DiskFull => {
                let started = Postgres::start(Some(160 + room)).await;
                (postgres, disk) = (Some(started.0), started.1);
            }
            Fault::RedisGone | Fault::RedisSlow => redis = Some(Redis::start().await),
            _ => {}
        }
        if let Some(postgres) = &postgres {
            installation.set("ROLLCALL_DATABASE_URL", Some(&postgres.url()));
        }
        if let Some(redis) = &redis {
            installation.set("ROLLCALL_REDIS_URL", Some(&redis.url()));
        }
        installation.run_long(&["migrate"]);
        let authorization = installation.tenant("acme", "generic");
        let mut nodes = Node::of(&installation);
        if let Some(clock) = fault.clock(&installation) {
            nodes[0].environment = clock;
        }
        for node in &mut nodes {
            node.start(&installation).await;
        }
        let base_urls: Vec<String> =
            nodes.iter().map(|node| format!("{}/t/acme/scim/v2", node.origin())).collect();
        let scim = Scim::new(&base_urls[0], &authorization);
        let mut staff = Vec::new();
        for number in 0..STAFF {
            let user = json!({"schemas": [USER], "userName": format!("staff{number}@northwind.example")});
            staff.push(scim.create("/Users", user).await);
        }
        let shared = Arc::new(Shared::new(base_urls, authorization, staff));
        Self { nodes, postgres, redis, disk, installation, shared, dice: Dice::new(trial.seed) }
    }

    /// Lets everybody write while a fault is made and ended, several times if there is time for that; then looks at
    /// everything.
    pub(super) async fn run(mut self, fault: Fault, trial: &Trial) {
        let writers = Writers::start(&self.shared, &mut self.dice).await;
        let rounds = (trial.cases / 60).max(1);
        let round = Duration::from_secs(trial.cases as u64) / u32::try_from(rounds).unwrap();
        let mut back = Duration::ZERO;
        for _ in 0..rounds {
            tokio::time::sleep(round.mul_f64(0.2)).await;
            let made = fault.begin(&mut self).await;
            tokio::time::sleep(round.mul_f64(0.5)).await;
            let (ended, nodes) = fault.end(&mut self, made).await;
            let first = || async { self.shared.first_after(ended, &nodes).is_some() };
            eventually(LONGEST, "a write after the fault", first).await;
            let first = self.shared.first_after(ended, &nodes).unwrap();
            back = back.max(first.duration_since(ended));
            tokio::time::sleep(round.mul_f64(0.3)).await;
        }
        writers.stop().await;
        self.check(fault.name(), Some(back), trial).await;
    }

    /// Everything is explained, totals are those of a count, and the trail is whole.
    pub(super) async fn check(&self, name: &str, back: Option<Duration>, trial: &Trial) {
        let client = Client::new(&self.shared);
        // Each node says the same.
        let mut strange = Vec::new();
        let mut count = 0;
        for node in 0..self.nodes.len() {
            let (seen, amiss) = client.look_at_all(node).await;
            (count, strange) = (seen, [strange, amiss].concat());
        }
        let (lost, wrong, amiss) = self.shared.judge();
        let wrong = wrong + strange.len();
        let [acknowledged, refused, unknown] = self.shared.counts();
        let database = if self.installation.is_sqlite() { "SQLite" } else { "PostgreSQL, two nodes" };
        let back = back.map_or_else(|| "–".to_owned(), |back| format!("{:.1} s", back.as_secs_f64()));
        let row = format!(
            "| {name} | {database} | {acknowledged} | {refused} | {unknown} | {lost} | {wrong} | {back} |"
        );
        trial.report(&row);
        assert!(lost + wrong == 0, "{row}\n{}", [strange, amiss].concat().join("\n"));
        assert_eq!(self.counted().await, count as i64, "rows of the database");
        self.trail_is_whole().await;
        if let Ok(table) = std::env::var(TABLE) {
            let mut table = std::fs::File::options().append(true).create(true).open(table).unwrap();
            writeln!(table, "{row}").unwrap();
        }
    }

    /// Users and groups that there are, counted past the program.
    async fn counted(&self) -> i64 {
        let database = self.installation.database().await;
        let sql = "SELECT (SELECT COUNT(*) FROM users WHERE deleted_at IS NULL) \
                   + (SELECT COUNT(*) FROM groups WHERE deleted_at IS NULL)";
        let statement = Statement::from_string(database.get_database_backend(), sql);
        let row = database.query_one_raw(statement).await.unwrap().unwrap();
        let count = row.try_get_by_index(0).unwrap();
        database.close().await.unwrap();
        count
    }

    async fn trail_is_whole(&self) {
        eventually(PATIENCE, "everything has its number", || async {
            !self.installation.run(&["audit", "verify", "--all"]).contains("wait for their number")
        })
        .await;
        let told = self.installation.run(&["audit", "verify", "--tenant", "acme"]);
        assert!(told.starts_with("acme: whole, "), "{told}");
    }
}
