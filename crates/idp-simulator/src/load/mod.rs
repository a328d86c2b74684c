//! Load as a provider makes it, for measuring an installation: so many connections, each of which sends its next request
//! when the one before is answered, each answer looked at, what was written read back at the end.

mod bodies;
mod play;
mod tally;

use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::client::{Client, Provider, Target, TargetError};
use crate::people::People;
use crate::scenario::Progress;

use play::{Player, read_back_groups};
use tally::{Kind, Tally};

/// Size and length of a load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Whose requests are sent.
    pub provider: Provider,
    /// Users that are made first.
    pub users: usize,
    /// Groups that are made first; members go in and out of them.
    pub groups: usize,
    /// Connections, each with one request under way; no more than there are users.
    pub connections: usize,
    /// How long, without the making and removing of users and groups.
    pub time: Duration,
    /// The same seed gives the same people.
    pub seed: u64,
    /// Whether the users and groups stay when the load is over.
    pub keep: bool,
}

/// What a load found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct LoadReport {
    /// Seconds of the load proper.
    pub seconds: f64,
    /// Connections that were used.
    pub connections: usize,
    /// Users that were made.
    pub users: usize,
    /// Groups that were made.
    pub groups: usize,
    /// Requests of the load proper a second.
    pub per_second: f64,
    /// Each kind of request, in the order of a run; those that were never sent are left out.
    pub kinds: Vec<KindReport>,
}

/// One kind of request. Times are milliseconds from sending to the last byte of the answer.
#[derive(Clone, Debug, serde::Serialize)]
pub struct KindReport {
    /// `look up by userName`, `PUT user`, …
    pub kind: &'static str,
    /// Requests that were sent.
    pub requests: u64,
    /// A second of the time in which this kind was sent.
    pub per_second: f64,
    /// Half of the answers came within this time.
    pub p50_ms: f64,
    /// 95 of 100.
    pub p95_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// Requests without an answer, with an answer of failure, or with one that says something wrong.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<String>,
}

impl LoadReport {
    /// Errors of all kinds.
    pub fn errors(&self) -> u64 {
        self.kinds.iter().map(|kind| kind.errors).sum()
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The base URL or the credential cannot be used at all.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Nobody would be asked for.
    #[error("a load needs at least one user, one connection and some time")]
    Empty,
    /// A table of latencies cannot be made.
    #[error("latencies cannot be counted: {0}")]
    Histogram(#[from] hdrhistogram::CreationError),
}

/// Makes users and groups, plays the provider's daily requests for a while, reads back what was written, and removes the
/// users and groups again. A server that refuses to make them gets no load: the report says what it answered.
pub async fn load(
    target: &Target,
    options: &LoadOptions,
    progress: Progress<'_>,
) -> Result<LoadReport, LoadError> {
    let connections = options.connections.min(options.users);
    if connections == 0 || options.time.is_zero() {
        return Err(LoadError::Empty);
    }
    let client = Client::new(target, options.provider, std::sync::Arc::default())?;
    let people = People::new(options.seed, &format!("load {:?}", options.provider));
    let mut run = Run { tally: Tally::new()?, players: vec![], options, progress, done: 0.into() };
    run.players = (0..connections)
        .map(|index| Player::new(client.clone(), options, &people, (index, connections), &run.tally))
        .collect();
    let (users, groups) = run.prepare(&client, &people).await;
    let mut seconds = 0.0;
    if run.tally.errors() == 0 {
        seconds = run.play().await;
        run.read_back(&client).await;
    }
    if !options.keep {
        run.remove(&client).await;
    }
    Ok(run.report(connections, users, groups, seconds))
}

/// A load under way.
struct Run<'a> {
    tally: Tally,
    players: Vec<Player>,
    options: &'a LoadOptions,
    progress: Progress<'a>,
    /// Steps that were done.
    done: std::sync::atomic::AtomicU64,
}

impl Run<'_> {
    /// Users in and out, and a step for each second between.
    fn step(&self, label: &str) {
        let done = self.done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        let seconds = self.options.time.as_secs().max(1);
        let users = self.options.users as u64 * if self.options.keep { 1 } else { 2 };
        (self.progress)(done, users + seconds, label);
    }

    /// Each player makes its own users, one of them the groups; gives how many there are.
    async fn prepare(&mut self, client: &Client, people: &People) -> (usize, usize) {
        let start = Instant::now();
        let mut players = std::mem::take(&mut self.players);
        join_all(players.iter_mut().map(|player| player.make_users(|| self.step("making users")))).await;
        for player in &mut players {
            self.tally.absorb(&mut player.tally);
        }
        let mut groups = vec![];
        // Where users are refused nothing more is tried.
        let wanted = if self.tally.errors() == 0 { self.options.groups } else { 0 };
        for index in 0..wanted {
            let name = format!("Load {} {index}", people.tag());
            groups.extend(play::make_group(client, &self.tally, &name).await);
        }
        for player in &mut players {
            player.groups.clone_from(&groups);
        }
        self.tally.spent(&[Kind::CreateUser, Kind::CreateGroup], start.elapsed());
        self.players = players;
        (self.players.iter().map(|player| player.users.len()).sum(), groups.len())
    }

    /// The load proper; gives its seconds.
    async fn play(&mut self) -> f64 {
        let start = Instant::now();
        let until = start + self.options.time;
        let mut players = std::mem::take(&mut self.players);
        let ticks = async {
            let mut tick = tokio::time::interval(Duration::from_secs(1));
            tick.tick().await;
            loop {
                tick.tick().await;
                self.step("load");
            }
        };
        tokio::select! {
            _ = join_all(players.iter_mut().map(|player| player.play(until))) => {}
            () = ticks => {}
        }
        for player in &mut players {
            self.tally.absorb(&mut player.tally);
        }
        self.tally.spent(&Kind::OF_THE_LOAD, start.elapsed());
        self.players = players;
        start.elapsed().as_secs_f64()
    }

    async fn read_back(&mut self, client: &Client) {
        let start = Instant::now();
        let mut players = std::mem::take(&mut self.players);
        join_all(players.iter_mut().map(Player::read_back)).await;
        for player in &mut players {
            self.tally.absorb(&mut player.tally);
        }
        read_back_groups(client, &self.tally, &players).await;
        self.tally.spent(&[Kind::ReadBack], start.elapsed());
        self.players = players;
    }

    async fn remove(&mut self, client: &Client) {
        let start = Instant::now();
        let mut players = std::mem::take(&mut self.players);
        let groups = players.first().map(|player| player.groups.clone()).unwrap_or_default();
        for group in groups {
            play::remove_group(client, &self.tally, &group).await;
        }
        join_all(players.iter_mut().map(|player| player.remove_users(|| self.step("removing users")))).await;
        for player in &mut players {
            self.tally.absorb(&mut player.tally);
        }
        self.tally.spent(&[Kind::DeleteUser, Kind::DeleteGroup], start.elapsed());
    }

    fn report(&self, connections: usize, users: usize, groups: usize, seconds: f64) -> LoadReport {
        let requests = self.tally.requests(&Kind::OF_THE_LOAD);
        let per_second = if seconds > 0.0 { requests as f64 / seconds } else { 0.0 };
        LoadReport {
            seconds,
            connections,
            users,
            groups,
            per_second,
            kinds: self.tally.report(self.options.provider),
        }
    }
}
