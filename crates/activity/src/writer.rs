//! Reads, masks and gathers what was handed over, and writes it in batches.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use metrics::counter;
use scim_core::profile::Profile;
use store::{
    Store, StoreError, TenantId,
    activity::{ActivityBatch, Heard, HeardChange, Milestone, Traffic, hour_of},
};
use telemetry::metrics::REQUEST_LOG_DROPPED;
use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    Exchange, Secrets,
    entry::{Noted, note},
    journal::{Message, Unlogged},
};

/// Longest time that a request waits for others.
const GATHER: Duration = Duration::from_millis(400);
/// Longest time that numbers of requests wait which are not logged.
const LONELY: Duration = Duration::from_secs(1);
/// Requests in one batch: SQLite's one writer is held for a few milliseconds.
const BATCH: usize = 200;
/// Pause before a batch is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often a batch is tried while the database is away: half a minute.
const ATTEMPTS: usize = 30;

/// Counts requests that are not logged.
pub(crate) fn dropped(requests: usize) {
    counter!(REQUEST_LOG_DROPPED.name).increment(requests as u64);
}

/// See the module.
pub(crate) struct Writer {
    store: Store,
    log: bool,
    unlogged: Arc<Unlogged>,
}

impl Writer {
    pub(crate) fn new(store: Store, log: bool, unlogged: Arc<Unlogged>) -> Self {
        Self { store, log, unlogged }
    }

    /// Goes on until all handles are gone and all is written.
    pub(crate) async fn run(self, mut receiver: mpsc::Receiver<Message>) {
        loop {
            let first = match timeout(LONELY, receiver.recv()).await {
                Ok(Some(first)) => first,
                Ok(None) => return self.write(Vec::new()).await,
                Err(_) => {
                    // What was only counted has no message of its own.
                    self.write(Vec::new()).await;
                    continue;
                }
            };
            let mut gathered = Gathered::default();
            gathered.take(first);
            let deadline = Instant::now() + GATHER;
            while gathered.flushes.is_empty() && gathered.exchanges.len() < BATCH {
                match timeout_at(deadline, receiver.recv()).await {
                    Ok(Some(message)) => gathered.take(message),
                    Ok(None) | Err(_) => break,
                }
            }
            let Gathered { exchanges, flushes, rooms } = gathered;
            self.write(exchanges).await;
            drop(rooms);
            for flush in flushes {
                // Whoever asked may have gone.
                let _ = flush.send(());
            }
        }
    }

    /// Writes a batch; while the database is away, again and again.
    async fn write(&self, exchanges: Vec<Exchange>) {
        let (log, unlogged) = (self.log, self.unlogged.take());
        if exchanges.is_empty() && unlogged.is_empty() {
            return;
        }
        let Ok(batch) = spawn_blocking(move || batch_of(&exchanges, log, unlogged)).await else {
            tracing::error!("requests could not be read for the log; they are missing in it");
            return;
        };
        if batch.is_empty() {
            return;
        }
        for attempt in 1.. {
            let error = match self.store.platform().write_activity(&batch).await {
                Ok(()) => return,
                Err(error) => error,
            };
            let again = matches!(error, StoreError::Unavailable(_) | StoreError::Contended(_));
            if !again || attempt == ATTEMPTS {
                tracing::warn!(%error, requests = batch.requests.len(), "requests could not be logged; they are only counted");
                break;
            }
            sleep(PAUSE).await;
        }
        dropped(batch.requests.len());
        for ((tenant, hour), traffic) in &batch.traffic {
            self.unlogged.count(*tenant, *hour, traffic);
        }
    }
}

#[derive(Default)]
struct Gathered {
    exchanges: Vec<Exchange>,
    flushes: Vec<oneshot::Sender<()>>,
    rooms: Vec<tokio::sync::OwnedSemaphorePermit>,
}

impl Gathered {
    fn take(&mut self, message: Message) {
        match message {
            Message::Exchange(exchange, room) => {
                self.exchanges.push(*exchange);
                self.rooms.extend(room);
            }
            Message::Flush(flush) => self.flushes.push(flush),
        }
    }
}

/// What is written of these requests.
fn batch_of(
    exchanges: &[Exchange],
    log: bool,
    unlogged: BTreeMap<(TenantId, i64), Traffic>,
) -> ActivityBatch {
    let mut batch = ActivityBatch { traffic: unlogged, ..ActivityBatch::default() };
    let mut heard: BTreeMap<(TenantId, Milestone), Heard> = BTreeMap::new();
    // Most requests of a batch are served by few profiles.
    let mut secrets: HashMap<*const Profile, Secrets> = HashMap::new();
    for exchange in exchanges {
        let secrets =
            secrets.entry(Arc::as_ptr(&exchange.profile)).or_insert_with(|| Secrets::of(&exchange.profile));
        let Noted { request, milestones, scim_type } = note(exchange, secrets, log);
        batch
            .traffic
            .entry((exchange.tenant, hour_of(exchange.at)))
            .or_default()
            .count(exchange.status.into(), exchange.duration_us());
        for milestone in milestones {
            let new = Heard {
                milestone,
                first_at: exchange.at,
                last_at: exchange.at,
                last_method: exchange.method.chars().take(20).collect(),
                last_route: exchange.route.to_owned(),
                last_status: exchange.status.into(),
                last_scim_type: scim_type.clone(),
                last_request_id: exchange.request_id.clone(),
            };
            let known = heard.entry((exchange.tenant, milestone)).or_insert_with(|| new.clone());
            known.first_at = known.first_at.min(new.first_at);
            if new.last_at >= known.last_at {
                *known = Heard { first_at: known.first_at, ..new };
            }
        }
        batch.requests.extend(request);
    }
    batch.heard = heard.into_iter().map(|((tenant, _), heard)| HeardChange { tenant, heard }).collect();
    batch
}
