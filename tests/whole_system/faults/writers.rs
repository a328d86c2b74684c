//! Those who provision while a fault is made, as Okta does: each with a connection of its own, at any node, all of them at the
//! same few users and groups.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use store_testing::Dice;

use super::{
    history::{Change, Values},
    resources::{Client, Kind, Outcome, Resource, Shared},
};

/// Requests that are under way at once.
const WRITERS: usize = 8;
/// Users and groups that they change at a time.
const USERS: usize = 9;
const GROUPS: usize = 3;
/// After so many steps another resource takes its place, and after so many of which nobody knows what came of them: the orders
/// to try would be too many.
const STEPS: usize = 150;
const UNKNOWN: usize = 3;
/// Pause after a request that was not carried out.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest pause of a writer between two others, in milliseconds.
const BREATH: usize = 12;

/// The writers, until they are stopped.
pub(super) struct Writers {
    stop: Arc<AtomicBool>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Writers {
    /// Makes the resources, and lets everybody begin.
    pub(super) async fn start(shared: &Arc<Shared>, dice: &mut Dice) -> Self {
        let client = Client::new(shared);
        let mut places = Vec::new();
        for place in 0..USERS + GROUPS {
            let kind = if place < USERS { Kind::User } else { Kind::Group };
            let (outcome, resource) = client.create(0, kind, values(shared, kind, dice)).await;
            assert_eq!(outcome, Outcome::Acknowledged, "while all is well");
            places.push(resource);
        }
        let places = Arc::new(Mutex::new(places));
        let stop = Arc::new(AtomicBool::new(false));
        let writer = |dice| Writer { client: Client::new(shared), places: places.clone(), dice };
        let tasks =
            (0..WRITERS).map(|_| tokio::spawn(writer(Dice::new(dice.number())).work(stop.clone()))).collect();
        Self { stop, tasks }
    }

    /// Lets each end the request that it is at.
    pub(super) async fn stop(self) {
        self.stop.store(true, Ordering::SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

struct Writer {
    client: Client,
    places: Arc<Mutex<Vec<Arc<Resource>>>>,
    dice: Dice,
}

impl Writer {
    async fn work(mut self, stop: Arc<AtomicBool>) {
        while !stop.load(Ordering::SeqCst) {
            let node = self.dice.below(self.client.shared.nodes.len());
            let place = self.dice.below(USERS + GROUPS);
            let resource = self.places.lock().unwrap()[place].clone();
            let is_done = resource.is_gone()
                || resource.len() >= STEPS
                || resource.unknown.load(Ordering::SeqCst) >= UNKNOWN;
            let outcome = match is_done || self.dice.chance(4) {
                true => self.replace(node, place, &resource).await,
                false => self.change(node, &resource).await,
            };
            let pause = match outcome {
                Outcome::Acknowledged => Duration::from_millis(self.dice.below(BREATH) as u64),
                Outcome::Refused | Outcome::Unknown => PAUSE,
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Makes another one, which takes the place of this one once it is there.
    async fn replace(&mut self, node: usize, place: usize, old: &Resource) -> Outcome {
        let values = values(&self.client.shared, old.kind, &mut self.dice);
        let (outcome, made) = self.client.create(node, old.kind, values).await;
        if outcome == Outcome::Acknowledged {
            self.places.lock().unwrap()[place] = made;
            // Those who come too late find nothing.
            if self.dice.chance(50) {
                self.client.ask(node, old, Change::Delete, None).await;
            }
        }
        outcome
    }

    async fn change(&mut self, node: usize, resource: &Resource) -> Outcome {
        let shared = &self.client.shared;
        let bit = 1 << self.dice.below(shared.staff.len());
        let title = Change::Title(shared.title());
        let put = Change::Put(values(shared, resource.kind, &mut self.dice));
        let active = Change::Active(self.dice.chance(50));
        let change = match resource.kind {
            Kind::User => self.dice.weighted(&[
                (25, Change::Read),
                (30, active),
                (25, title),
                (18, put),
                (2, Change::Delete),
            ]),
            Kind::Group => self.dice.weighted(&[
                (20, Change::Read),
                (40, Change::Add(bit)),
                (20, Change::Remove(bit)),
                (10, title),
                (8, put),
                (2, Change::Delete),
            ]),
        };
        let if_match = resource.version().filter(|_| change.is_write() && self.dice.chance(15));
        self.client.ask(node, resource, change, if_match).await
    }
}

/// Values that nobody had before.
fn values(shared: &Shared, kind: Kind, dice: &mut Dice) -> Values {
    let members = match kind {
        Kind::User => 0,
        Kind::Group => dice.number() & ((1 << shared.staff.len()) - 1),
    };
    Values { title: shared.title(), active: kind == Kind::Group || dice.chance(80), members }
}
