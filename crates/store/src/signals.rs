//! How nodes learn of each other's configuration changes: the epoch row is polled; Redis only makes it quicker. The same look
//! tells for how long the database has not answered.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use sea_orm::{ConnectionTrait, DatabaseConnection, EntityTrait as _};
use tokio::{sync::Notify, task::JoinHandle, time};

use crate::{
    StoreError, StoreOptions, connect,
    entity::{epochs, installations},
    error::unreadable,
};

/// Name of the one epoch that there is.
pub(crate) const CONFIGURATION: &str = "configuration";

/// Time between two looks at the epoch. The contract allows a change 1 s.
const INTERVAL: Duration = Duration::from_millis(300);

/// A look that takes longer is given up, and so is its connection: the next look makes another.
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// Longest wait for Redis, and the pause after it failed.
const REDIS_PATIENCE: Duration = Duration::from_secs(1);

/// The epoch as this node knows it, and the tasks that keep it fresh. They end when this is stopped or dropped.
pub(crate) struct Signals {
    epoch: Arc<AtomicU64>,
    answered: Arc<Mutex<Instant>>,
    announce: Arc<Notify>,
    poller: Arc<Poller>,
    tasks: Vec<JoinHandle<()>>,
}

/// The connection that looks, and how another one is made.
struct Poller {
    make: Box<dyn Fn() -> Result<DatabaseConnection, StoreError> + Send + Sync>,
    present: Mutex<DatabaseConnection>,
}

impl Poller {
    fn present(&self) -> DatabaseConnection {
        self.present.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Another one takes its place. Where nothing comes back from the old one (its server lost power, its address leads elsewhere
    /// by now) the pool would wait for it as long as the system does, a quarter of an hour, before it makes another by itself.
    fn renew(&self) {
        match (self.make)() {
            Ok(made) => *self.present.lock().unwrap_or_else(PoisonError::into_inner) = made,
            Err(error) => tracing::warn!(%error, "no other connection for configuration changes"),
        }
    }
}

impl Signals {
    /// Reads the epoch through `db` once and from then on through a connection of its own, which `make` gives (it connects when
    /// it is first used).
    pub(crate) async fn start(
        db: &DatabaseConnection,
        make: impl Fn() -> Result<DatabaseConnection, StoreError> + Send + Sync + 'static,
        options: &StoreOptions,
    ) -> Result<Self, StoreError> {
        let present = Mutex::new(make()?);
        let poller = Arc::new(Poller { make: Box::new(make), present });
        let epoch = Arc::new(AtomicU64::new(read_epoch(db).await?));
        let answered = Arc::new(Mutex::new(Instant::now()));
        let look = Arc::new(Notify::new());
        let announce = Arc::new(Notify::new());
        let looking = poll(poller.clone(), epoch.clone(), answered.clone(), look.clone());
        let mut tasks = vec![tokio::spawn(looking)];
        if let Some(url) = &options.redis_url {
            let client = redis_client(url)?;
            let channel = channel_name(db).await?;
            tasks.push(tokio::spawn(listen(client.clone(), channel.clone(), look)));
            tasks.push(tokio::spawn(publish(client, channel, announce.clone())));
        }
        Ok(Self { epoch, answered, announce, poller, tasks })
    }

    /// When the database last answered a look.
    pub(crate) fn answered(&self) -> Instant {
        *self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// This node committed a change. Others hear of it at once where there is Redis; the caller never waits for that.
    pub(crate) fn moved_to(&self, epoch: u64) {
        raise(&self.epoch, epoch);
        self.announce.notify_one();
    }

    /// Ends the tasks and their connection.
    pub(crate) async fn stop(&self) {
        self.abort();
        connect::close(&self.poller.present()).await;
    }

    fn abort(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.abort();
    }
}

/// A slow look may bring an older number than a change made here meanwhile, so it only ever grows: an older number
/// would make caches trust what they loaded before that change.
fn raise(epoch: &AtomicU64, value: u64) {
    epoch.fetch_max(value, Ordering::SeqCst);
}

/// The epoch in the database.
pub(crate) async fn read_epoch<C: ConnectionTrait>(db: &C) -> Result<u64, StoreError> {
    let row = epochs::Entity::find_by_id(CONFIGURATION.to_owned()).one(db).await?;
    let value = row.ok_or_else(|| unreadable("epochs", "the row `configuration` is missing"))?.value;
    u64::try_from(value).map_err(|error| unreadable("epochs.value", error))
}

/// Looks at the epoch again and again, through any outage of the database.
async fn poll(poller: Arc<Poller>, epoch: Arc<AtomicU64>, answered: Arc<Mutex<Instant>>, look: Arc<Notify>) {
    let mut healthy = true;
    loop {
        // Either way it is time: after the pause, or because Redis said so.
        let _ = time::timeout(INTERVAL, look.notified()).await;
        let outcome = time::timeout(LONGEST_LOOK, read_epoch(&poller.present())).await;
        if outcome.is_err() {
            poller.renew();
        }
        if let Ok(Ok(value)) = outcome {
            raise(&epoch, value);
            *answered.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            if !healthy {
                tracing::info!("configuration changes are seen again");
            }
            healthy = true;
        } else if healthy {
            healthy = false;
            match outcome {
                Ok(Err(error)) => tracing::warn!(%error, "cannot look for configuration changes; trying on"),
                _ => tracing::warn!("looking for configuration changes takes too long; trying on"),
            }
        }
    }
}

fn redis_client(url: &str) -> Result<redis::Client, StoreError> {
    // The cause is not shown: it may quote a part of the password.
    redis::Client::open(url).map_err(|_| {
        StoreError::Setup("the Redis URL cannot be read; write redis://[:PASSWORD@]HOST:PORT[/DB]".into())
    })
}

/// Installations may share one Redis.
async fn channel_name(db: &DatabaseConnection) -> Result<String, StoreError> {
    let row = installations::Entity::find().one(db).await?;
    let id = row.ok_or_else(|| unreadable("installation", "the row is missing"))?.id;
    Ok(format!("rollcall:{id}:epoch"))
}

/// Wakes the poller at each message. Messages carry nothing: the database is the truth.
async fn listen(client: redis::Client, channel: String, look: Arc<Notify>) {
    loop {
        if let Err(error) = follow(&client, &channel, &look).await {
            tracing::debug!(%error, "Redis is away; configuration changes are polled for");
        }
        time::sleep(REDIS_PATIENCE).await;
    }
}

async fn follow(client: &redis::Client, channel: &str, look: &Notify) -> redis::RedisResult<()> {
    let mut messages = in_time(client.get_async_pubsub()).await?;
    in_time(messages.subscribe(channel)).await?;
    // What was said before is lost.
    look.notify_one();
    let mut messages = messages.into_on_message();
    while messages.next().await.is_some() {
        look.notify_one();
    }
    Ok(())
}

/// Tells other nodes of changes made here; several at once are one message.
async fn publish(client: redis::Client, channel: String, announce: Arc<Notify>) {
    let mut connection = None;
    loop {
        announce.notified().await;
        // A kept connection may have died unnoticed: then once more with a new one.
        let kept = connection.is_some();
        connection = match send(&client, connection.take(), &channel).await {
            Err(_) if kept => send(&client, None, &channel).await,
            outcome => outcome,
        }
        .inspect_err(|error| tracing::debug!(%error, "Redis is away; other nodes find the change by polling"))
        .ok();
    }
}

type Connection = redis::aio::MultiplexedConnection;

async fn send(
    client: &redis::Client,
    kept: Option<Connection>,
    channel: &str,
) -> redis::RedisResult<Connection> {
    let mut connection = match kept {
        Some(connection) => connection,
        None => in_time(client.get_multiplexed_async_connection()).await?,
    };
    in_time(redis::cmd("PUBLISH").arg(channel).arg("").exec_async(&mut connection)).await?;
    Ok(connection)
}

async fn in_time<T>(work: impl Future<Output = redis::RedisResult<T>>) -> redis::RedisResult<T> {
    match time::timeout(REDIS_PATIENCE, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_epoch_never_goes_back() {
        let epoch = AtomicU64::new(5);
        raise(&epoch, 4);
        assert_eq!(epoch.load(Ordering::SeqCst), 5);
        raise(&epoch, 7);
        assert_eq!(epoch.load(Ordering::SeqCst), 7);
    }

    #[test]
    fn a_bad_redis_url_is_not_quoted() {
        match redis_client("http://:hunter2@redis") {
            Err(StoreError::Setup(text)) => assert!(!text.contains("hunter2")),
            _ => panic!("taken"),
        }
    }

    /// What is announced wakes the poller of whoever listens, in any order of starting.
    #[tokio::test]
    async fn an_announcement_wakes_listeners() {
        let url = std::env::var("ROLLCALL_TEST_REDIS_URL").expect(
            "this test needs a Redis server: run `tests/run`, which starts one, or set ROLLCALL_TEST_REDIS_URL",
        );
        let client = redis_client(&url).unwrap();
        let channel = format!("rollcall:{}:epoch", uuid::Uuid::now_v7());
        let (look, announce) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let tasks = [
            tokio::spawn(listen(client.clone(), channel.clone(), look.clone())),
            tokio::spawn(publish(client, channel, announce.clone())),
        ];
        let woken = async || time::timeout(Duration::from_secs(5), look.notified()).await.is_ok();
        assert!(woken().await, "subscribing looks once");
        for _ in 0..3 {
            announce.notify_one();
            assert!(woken().await);
        }
        assert!(
            time::timeout(Duration::from_millis(200), look.notified()).await.is_err(),
            "woken for nothing"
        );
        tasks.iter().for_each(JoinHandle::abort);
    }
}
