//! Whoever provisions is told the truth while something fails: what was acknowledged is there, what was refused is not, and
//! whatever is read is explained by an order of what was asked ([`history`]). `tests/long faults` tries each fault for longer
//! and prints the table of docs/trust.md.
//!
//! What is *acknowledged* (2xx) has been done. What is *refused* (4xx, 503) has had no effect, nor has what reached no node.
//! What became of the rest is *unknown*: no answer, half of one, 500, 504.

mod fault;
mod history;
mod history_tests;
mod races;
mod resources;
pub(crate) mod servers;
mod world;
mod writers;

use store_testing::Trial;

use self::{fault::Fault, world::World};
use crate::harness::{Database, Installation};

/// Seconds that each fault is tried for.
const VARIABLE: &str = "ROLLCALL_LONG_FAULTS";
/// Those of `tests/run`.
const FEW: usize = 3;

async fn withstands(fault: Fault, database: Database) {
    let trial = Trial::new("faults", VARIABLE, FEW);
    let world = World::new(fault, Installation::new(database).await, &trial).await;
    world.run(fault, &trial).await;
}

macro_rules! faults {
    ($($name:ident: $fault:ident on $($test:ident $database:ident),+;)+) => {$(
        mod $name {
            use super::{Database, Fault, withstands};

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $test() {
                    withstands(Fault::$fault, Database::$database).await;
                }
            )+
        }
    )+};
}

faults! {
    a_node_is_killed: NodeKilled on sqlite Sqlite, postgres Postgres;
    a_node_stands_still: NodeStopped on postgres Postgres;
    postgresql_is_killed: PostgresKilled on postgres Postgres;
    redis_is_killed: RedisGone on sqlite Sqlite, postgres Postgres;
    redis_is_slow: RedisSlow on postgres Postgres;
    the_disk_is_full: DiskFull on sqlite Sqlite, postgres Postgres;
    all_connections_wait: PoolExhausted on postgres Postgres;
    the_clock_jumps_ahead: ClockForward on sqlite Sqlite, postgres Postgres;
    the_clock_jumps_back: ClockBack on sqlite Sqlite, postgres Postgres;
    migrations_are_run: Migrations on sqlite Sqlite, postgres Postgres;
}
