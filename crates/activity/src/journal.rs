//! The handle by which requests are handed over.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use store::{
    Store, TenantId,
    activity::{Traffic, hour_of},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::{
    Exchange, Outline,
    budget::Budget,
    writer::{self, Writer},
};

/// What is kept, and how much may wait to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Are requests logged? Otherwise they are only counted.
    pub log: bool,
    /// Requests that may wait.
    pub entries: usize,
    /// Bytes of their bodies that may wait; of further ones only the size is kept.
    pub bytes: usize,
}

impl Default for Options {
    /// 4,096 requests, 4 MiB: while they are read and written they take four times as much.
    fn default() -> Self {
        Self { log: true, entries: 4_096, bytes: 4 * 1024 * 1024 }
    }
}

/// Takes requests from whoever serves them; cheap to clone. [`Journal::default`] takes none.
#[derive(Clone, Default)]
pub struct Journal {
    desk: Option<Arc<Desk>>,
}

struct Desk {
    store: Store,
    sender: mpsc::Sender<Message>,
    room: Arc<Semaphore>,
    unlogged: Arc<Unlogged>,
    budget: Budget,
}

impl Desk {
    /// Counts a request that is not logged.
    fn count(&self, request: &Outline<'_>) {
        let mut traffic = Traffic::default();
        traffic.count(request.status.into(), request.duration_us());
        self.unlogged.count(request.tenant, request.at, &traffic);
        writer::dropped(1);
    }
}

/// What is handed to the writer.
pub(crate) enum Message {
    /// A request, and the room that its bodies take.
    Exchange(Box<Exchange>, Option<OwnedSemaphorePermit>),
    /// Answered when all before it has been written, or given up.
    Flush(oneshot::Sender<()>),
}

/// Counters of requests that found no room.
#[derive(Default)]
pub(crate) struct Unlogged(Mutex<BTreeMap<(TenantId, i64), Traffic>>);

impl Unlogged {
    pub(crate) fn count(&self, tenant: TenantId, at: i64, traffic: &Traffic) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counters.entry((tenant, hour_of(at))).or_default().add(traffic);
    }

    pub(crate) fn take(&self) -> BTreeMap<(TenantId, i64), Traffic> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Journal {
    /// Starts the task that writes. It ends when the last handle is gone.
    #[must_use]
    pub fn start(store: Store, options: Options) -> Self {
        let (sender, receiver) = mpsc::channel(options.entries);
        let unlogged = Arc::new(Unlogged::default());
        let writer = Writer::new(store.clone(), options.log, Arc::clone(&unlogged));
        tokio::spawn(writer.run(receiver));
        let room = Arc::new(Semaphore::new(options.bytes.min(Semaphore::MAX_PERMITS)));
        Self { desk: Some(Arc::new(Desk { store, sender, room, unlogged, budget: Budget::default() })) }
    }

    /// Are requests taken at all? Whoever serves them may spare itself the trouble otherwise.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.desk.is_some()
    }

    /// Milliseconds since 1970 UTC by the store's clock, for [`Exchange::at`].
    #[must_use]
    pub fn now(&self) -> i64 {
        self.desk.as_ref().map_or(0, |desk| desk.store.now())
    }

    /// Is a request like this one taken? One of a kind of which very many come is not, and has been counted by this.
    #[must_use]
    pub fn admits(&self, request: &Outline<'_>) -> bool {
        let Some(desk) = &self.desk else { return false };
        let has_room = desk.budget.has_room_for(request);
        if !has_room {
            desk.count(request);
        }
        has_room
    }

    /// Are so many bytes of bodies of a request that is admitted taken, too? Otherwise [`Payload::Large`] says how many
    /// there were.
    ///
    /// [`Payload::Large`]: crate::Payload::Large
    #[must_use]
    pub fn admits_bodies(&self, request: &Outline<'_>, bytes: usize) -> bool {
        self.desk.as_ref().is_some_and(|desk| desk.budget.has_room_for_bodies(request, bytes))
    }

    /// Takes a request that is admitted. Never waits: without room for its bodies it is taken without them, without room for
    /// itself it is counted alone.
    pub fn note(&self, mut exchange: Exchange) {
        let Some(desk) = &self.desk else { return };
        let weight = exchange.request.weight() + exchange.response.weight();
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let room = Arc::clone(&desk.room).try_acquire_many_owned(weight).ok();
        if room.is_none() {
            exchange.request = exchange.request.without_bytes();
            exchange.response = exchange.response.without_bytes();
        }
        let message = Message::Exchange(Box::new(exchange), room);
        if let Err(refused) = desk.sender.try_send(message)
            && let Message::Exchange(exchange, _) = refused.into_inner()
        {
            desk.count(&exchange.outline());
        }
    }

    /// Comes back when all that was handed over before has been written, or could not be (at shutdown, in tests).
    pub async fn flush(&self) {
        let Some(desk) = &self.desk else { return };
        let (done, written) = oneshot::channel();
        if desk.sender.send(Message::Flush(done)).await.is_ok() {
            // An error means that the writer is gone, and nothing is left to wait for.
            let _ = written.await;
        }
    }
}
