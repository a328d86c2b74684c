//! The faults: how each is made and ended.

use std::{
    process::Child,
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, TransactionTrait as _};

use super::world::World;
use crate::harness::{Installation, variable};

/// How far a clock jumps, in seconds.
const JUMP: i64 = 3_600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    NodeKilled,
    NodeStopped,
    PostgresKilled,
    RedisGone,
    RedisSlow,
    DiskFull,
    PoolExhausted,
    ClockForward,
    ClockBack,
    Migrations,
}

/// What was made, and is ended.
pub(super) enum Made {
    At(usize),
    Locks(DatabaseTransaction),
    Program(Child),
    Nothing,
}

impl Fault {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::NodeKilled => "a node is killed (SIGKILL) and started again",
            Self::NodeStopped => "one of two nodes stands still (SIGSTOP) and goes on",
            Self::PostgresKilled => "PostgreSQL is killed (SIGKILL or immediate stop) and started again",
            Self::RedisGone => "Redis is killed and started again",
            Self::RedisSlow => "Redis answers two seconds late",
            Self::DiskFull => "the database's disk is full",
            Self::PoolExhausted => "others lock all users and groups: every connection waits",
            Self::ClockForward => "a node's clock jumps an hour ahead, and back",
            Self::ClockBack => "a node's clock jumps an hour back, and ahead",
            Self::Migrations => "migrations are run; on PostgreSQL tables go into partitions and back",
        }
    }

    /// Variables that give a node a clock which can be set, where this fault sets it.
    pub(super) fn clock(self, installation: &Installation) -> Option<Vec<(&'static str, String)>> {
        if !matches!(self, Self::ClockForward | Self::ClockBack) {
            return None;
        }
        set_clock(installation, 0);
        let file = installation.dir.path().join("clock").display().to_string();
        Some(vec![
            ("LD_PRELOAD", variable("ROLLCALL_TEST_FAKETIME")),
            ("FAKETIME_TIMESTAMP_FILE", file),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            // What is set is the time of day; the time since the start goes on.
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ])
    }

    /// Makes it.
    pub(super) async fn begin(self, world: &mut World) -> Made {
        let which = world.dice.below(world.nodes.len());
        match self {
            Self::NodeKilled => {
                world.nodes[which].kill();
                return Made::At(which);
            }
            Self::NodeStopped => {
                world.nodes[which].signal("STOP");
                return Made::At(which);
            }
            Self::PostgresKilled => {
                let postgres = world.postgres.as_mut().unwrap();
                if world.dice.chance(50) { postgres.kill() } else { postgres.stop_at_once() }
            }
            Self::RedisGone => world.redis.as_mut().unwrap().kill(),
            Self::RedisSlow => world.redis.as_ref().unwrap().set_slow(true),
            Self::DiskFull => world.disk.as_ref().unwrap().fill(),
            Self::PoolExhausted => {
                let database = world.installation.database().await;
                // Who comes between two changes may be the one that PostgreSQL ends (deadlock).
                loop {
                    let locks = database.begin().await.unwrap();
                    let lock = "LOCK TABLE users, groups IN ACCESS EXCLUSIVE MODE";
                    if locks.execute_unprepared(lock).await.is_ok() {
                        return Made::Locks(locks);
                    }
                }
            }
            Self::ClockForward => set_clock(&world.installation, JUMP),
            Self::ClockBack => set_clock(&world.installation, -JUMP),
            Self::Migrations => {
                let partitions: &[&str] = match world.installation.is_sqlite() {
                    true => &["migrate"],
                    false => &["migrate", "--partitions", "4", "--while-serving"],
                };
                let program =
                    world.installation.command(partitions).stdout(std::process::Stdio::null()).spawn();
                return Made::Program(program.unwrap());
            }
        }
        Made::Nothing
    }

    /// Ends it; gives when it had ended, and the nodes that it was about. Where something is started again, its start is
    /// part of the time that is taken until all is well.
    pub(super) async fn end(self, world: &mut World, made: Made) -> (Instant, Vec<usize>) {
        let mut nodes: Vec<usize> = (0..world.nodes.len()).collect();
        let mut ended = Instant::now();
        match (self, made) {
            (Self::NodeKilled, Made::At(which)) => {
                nodes = vec![which];
                world.nodes[which].start(&world.installation).await;
            }
            (Self::NodeStopped, Made::At(which)) => {
                nodes = vec![which];
                world.nodes[which].signal("CONT");
            }
            (Self::PostgresKilled, _) => world.postgres.as_mut().unwrap().start_again().await,
            (Self::RedisGone, _) => world.redis.as_mut().unwrap().start_again().await,
            (Self::RedisSlow, _) => world.redis.as_ref().unwrap().set_slow(false),
            (Self::DiskFull, _) => {
                world.disk.as_ref().unwrap().clear();
                ended = Instant::now();
                // PostgreSQL ends when there is no room for its log; whoever runs it starts it again.
                if let Some(postgres) = &mut world.postgres {
                    postgres.start_again().await;
                }
            }
            (Self::PoolExhausted, Made::Locks(locks)) => {
                locks.rollback().await.unwrap();
                ended = Instant::now();
            }
            (Self::ClockForward | Self::ClockBack, _) => {
                nodes = vec![0];
                set_clock(&world.installation, 0);
            }
            (Self::Migrations, Made::Program(mut program)) => {
                while program.try_wait().unwrap().is_none() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                assert!(program.wait().unwrap().success(), "the migration failed");
                if world.installation.is_sqlite() {
                    world.installation.run(&["migrate"]);
                } else {
                    let whole = ["migrate", "--partitions", "0", "--while-serving"];
                    let mut again = world.installation.command(&whole);
                    let mut again = again.stdout(std::process::Stdio::null()).spawn().unwrap();
                    while again.try_wait().unwrap().is_none() {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    assert!(again.wait().unwrap().success(), "the migration back failed");
                }
                ended = Instant::now();
            }
            (fault, _) => panic!("{fault:?} was not made so"),
        }
        (ended, nodes)
    }
}

/// Sets the clock of the nodes that look at it to so many seconds ahead.
fn set_clock(installation: &Installation, ahead: i64) {
    let file = installation.dir.path().join("clock");
    // Whoever looks meanwhile finds a whole file.
    let next = file.with_extension("next");
    std::fs::write(&next, format!("{ahead:+}")).unwrap();
    std::fs::rename(next, file).unwrap();
}
