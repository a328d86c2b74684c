//! A node's part in sending: it takes what destinations nobody sends to, and has a [`Line`] for each that it holds. Nodes need
//! not know of each other; the database says who holds what, and for how long.

use std::{
    collections::{HashMap, hash_map},
    sync::Arc,
    time::Duration,
};

use egress::Client;
use store::{DestinationId, Store, destinations::Hold};
use token_service::Vault;
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};
use uuid::Uuid;

use crate::line::{Held, Line};

/// For how long a destination is held. When a node is gone without a word, another one takes its destinations so much later.
const SPAN: Duration = Duration::from_secs(30);

/// What is held is held anew after this time.
const RENEW: Duration = Duration::from_secs(5);

/// Configuration that has changed is looked for so often.
const LOOK: Duration = Duration::from_millis(250);

/// How long attempts may go on when the server stops.
const FAREWELL: Duration = Duration::from_secs(5);

/// What sends on this node.
#[derive(Clone)]
pub struct Sender {
    store: Store,
    vault: Vault,
    egress: Client,
    node: Uuid,
    /// A line has ended: its destination may be held for another one, on other terms.
    ended: Arc<Notify>,
}

/// A line that runs.
struct Running {
    /// `None`: it ends what is under way.
    held: Option<watch::Sender<Held>>,
    term: i64,
    task: JoinHandle<()>,
}

impl Sender {
    /// A node of its own.
    pub(crate) fn new(store: Store, vault: Vault, egress: Client) -> Self {
        Self { store, vault, egress, node: Uuid::new_v4(), ended: Arc::default() }
    }

    /// Goes on until `stop` says so. What is under way then is ended, or sent again by the next node.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut lines: HashMap<DestinationId, Running> = HashMap::new();
        loop {
            let epoch = self.store.epoch();
            self.take(&mut lines).await;
            let waits = async {
                let until = Instant::now() + RENEW;
                while Instant::now() < until && self.store.epoch() == epoch {
                    sleep(LOOK).await;
                }
            };
            tokio::select! {
                () = waits => {}
                () = self.ended.notified() => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        self.end(lines).await;
    }

    /// Holds what there is to hold for another while, and brings the lines to what is held.
    async fn take(&self, lines: &mut HashMap<DestinationId, Running>) {
        // Before the database says when it ends: here it ends earlier.
        let until = Instant::now() + SPAN;
        let span = i64::try_from(SPAN.as_millis()).unwrap_or(i64::MAX);
        let holds = match self.store.platform().hold_destinations(self.node, span).await {
            Ok(holds) => holds,
            Err(error) => {
                tracing::warn!(%error, "destinations could not be held; trying on");
                return;
            }
        };
        // A line whose end of the channel is dropped ends what is under way, and itself. Until then there is no other one.
        lines.retain(|id, line| {
            let is_held = |hold: &Hold| hold.destination.id == *id && hold.term == line.term;
            if !holds.iter().any(is_held) {
                line.held = None;
            }
            !line.task.is_finished()
        });
        for hold in holds {
            self.bring(lines, Held { hold, until });
        }
    }

    fn bring(&self, lines: &mut HashMap<DestinationId, Running>, held: Held) {
        match lines.entry(held.hold.destination.id) {
            hash_map::Entry::Occupied(line) => {
                if let Some(sender) = &line.get().held {
                    // Nobody listens any more: it is begun anew the next time.
                    let _ = sender.send(held);
                }
            }
            hash_map::Entry::Vacant(free) => {
                let term = held.hold.term;
                let (sender, receiver) = watch::channel(held);
                let line = Line::new(self.store.clone(), self.vault.clone(), self.egress.clone(), receiver);
                let ended = self.ended.clone();
                let task = tokio::spawn(async move {
                    line.run().await;
                    ended.notify_one();
                });
                free.insert(Running { held: Some(sender), term, task });
            }
        }
    }

    async fn end(&self, lines: HashMap<DestinationId, Running>) {
        let until = Instant::now() + FAREWELL;
        let tasks: Vec<JoinHandle<()>> = lines.into_values().map(|line| line.task).collect();
        for task in tasks {
            let abort = task.abort_handle();
            if timeout(until.saturating_duration_since(Instant::now()), task).await.is_err() {
                abort.abort();
            }
        }
        if let Err(error) = self.store.platform().let_go_of_destinations(self.node).await {
            tracing::debug!(%error, "destinations could not be let go of; others take them when their time is over");
        }
    }
}
