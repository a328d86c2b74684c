//! How many requests a node works on at once, and whose turn it is.
//!
//! Whoever has found out who calls asks for a [`Place`] before any work is done, and keeps it until the head of the answer is
//! there. When all places are taken, requests wait in a line for each tenant, and the lines are served in turn: so a tenant
//! that sends more than the node can do waits for itself. Lines are short, and nobody waits long in them; who finds no room is
//! turned away with nothing done, and is told so a while later: whoever asks again at once costs a request a second for each
//! connection, and not as many as the node can refuse.

mod meter;
mod room;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use store::TenantId;
use tokio::sync::oneshot;

use meter::Meter;
use room::{Entry, Room};

/// Who waits for whom: requests of one lane wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lane {
    /// Of a tenant, by whichever of its credentials.
    Tenant(TenantId),
    /// Of the vendor's application.
    Platform,
    /// Of people at the console.
    Console,
}

/// How much room there is.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Requests at once.
    pub places: usize,
    /// Requests of one lane that may wait.
    pub line: usize,
    /// Requests that may wait in all lines.
    pub lines: usize,
    /// Longest wait.
    pub patience: Duration,
    /// Until somebody who is turned away is told so: up to a half less or more.
    pub pause: Duration,
}

impl Options {
    /// For so many requests at once: of one lane four times as many may wait, of all sixteen times, two seconds; whoever
    /// is turned away is told so after one.
    #[must_use]
    pub fn new(places: usize) -> Self {
        let places = places.max(1);
        Self {
            places,
            line: places * 4,
            lines: places * 16,
            patience: Duration::from_secs(2),
            pause: Duration::from_secs(1),
        }
    }

    /// Places that one lane may have: three of four, so that others find one free.
    fn share(&self) -> usize {
        (self.places - self.places / 4).max(1)
    }
}

/// Why a request is turned away. Nothing was done, and none of it was read that is large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Too many of the same lane wait.
    Line,
    /// Too many wait.
    Lines,
    /// It waited too long.
    Late,
}

/// Lets requests in; cheap to clone.
#[derive(Clone)]
pub struct Admission(Arc<Inner>);

struct Inner {
    options: Options,
    room: Mutex<Room>,
    meter: Meter,
}

/// A request is worked on until this is dropped.
#[must_use]
pub struct Place {
    inner: Arc<Inner>,
    lane: Lane,
}

/// A place that whoever works on the request may give back before the end, when it only waits from then on.
#[derive(Clone, Default)]
pub struct Held(Arc<Mutex<Option<Place>>>);

impl Admission {
    /// With so much room.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let room = Room::new(options.places, options.share());
        Self(Arc::new(Inner { options, room: Mutex::new(room), meter: Meter::default() }))
    }

    /// A place, at once or after a wait; or why there is none, after a pause.
    ///
    /// # Errors
    /// When the lines are full, or the wait is over.
    pub async fn enter(&self, lane: Lane) -> Result<Place, Full> {
        let (inner, options) = (&self.0, &self.0.options);
        let entry = inner.room().enter(lane, options.line, options.lines);
        let waiting = match entry {
            Ok(Entry::Let) => return Ok(self.place(lane)),
            Ok(Entry::Wait(turn)) => Waiting { inner, lane, turn: Some(turn) },
            Err(full) => {
                self.turn_away().await;
                return Err(inner.meter.turned_away(full));
            }
        };
        inner.meter.waiting.increment(1.0);
        match tokio::time::timeout(options.patience, waiting.turn()).await {
            Ok(true) => Ok(self.place(lane)),
            // The end of the wait, since no line is given up while this waits in it.
            Ok(false) | Err(_) => Err(inner.meter.turned_away(Full::Late)),
        }
    }

    /// Waits for about as long as anybody is kept who is told to come again later, for whatever reason.
    pub async fn turn_away(&self) {
        // Those who came together do not come back together.
        let share = rand::random_range(0.5..1.5);
        tokio::time::sleep(self.0.options.pause.mul_f64(share)).await;
    }

    /// Shows operators how many there are, whether anybody comes or not.
    pub fn show(&self) {
        self.0.meter.show();
    }

    fn place(&self, lane: Lane) -> Place {
        self.0.meter.admitted.increment(1);
        self.0.meter.working.increment(1.0);
        Place { inner: Arc::clone(&self.0), lane }
    }
}

impl Default for Admission {
    /// For tests: more room than anybody needs, and no pause.
    fn default() -> Self {
        Self::new(Options { pause: Duration::ZERO, ..Options::new(10_000) })
    }
}

impl Inner {
    fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.inner.meter.working.decrement(1.0);
        self.inner.room().leave(self.lane);
    }
}

impl Held {
    /// Holds this place.
    pub fn hold(&self, place: Place) {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(place);
        drop(before);
    }

    /// Gives it back.
    pub fn release(&self) {
        let place = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(place);
    }
}

/// Somebody in a line.
struct Waiting<'a> {
    inner: &'a Inner,
    lane: Lane,
    /// Taken when it is their turn.
    turn: Option<oneshot::Receiver<()>>,
}

impl Waiting<'_> {
    /// Waits; true when there is a place, which is theirs then.
    async fn turn(mut self) -> bool {
        let Some(turn) = self.turn.as_mut() else { return false };
        let is_theirs = turn.await.is_ok();
        if is_theirs {
            self.turn = None;
        }
        is_theirs
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.inner.meter.waiting.decrement(1.0);
        let Some(mut turn) = self.turn.take() else { return };
        let mut room = self.inner.room();
        turn.close();
        // It was their turn, and they have gone.
        if turn.try_recv().is_ok() {
            room.leave(self.lane);
        } else {
            room.give_up(self.lane);
        }
    }
}

#[cfg(test)]
mod tests;
