//! The line to one destination, on the node that holds it: its events are made deliveries, those that are due are attempted,
//! some at once, and what came of them is settled. Nothing here decides about order: only what may go next is ever due.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};

use egress::Client;
use metrics::counter;
use store::{
    Actor, ActorKind, ChangeContext, Store, StoreError,
    destinations::{Attempt, End, Failing, Hold, Letter, MANY},
};
use telemetry::metrics::DELIVERIES_GIVEN_UP;
use token_service::Vault;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{Instant, sleep},
};

use crate::{
    backoff,
    carrier::{Carrier, Refusal, TIME},
    ways::{self, Ground},
};

/// Attempts under way at once; one, where the destination as a whole takes nothing.
const WIDTH: usize = 8;

/// Deliveries that are read at once.
const AHEAD: usize = 32;

/// What other nodes did is looked for so often.
const LOOK: Duration = Duration::from_millis(500);

/// Pause after a fault of the database.
const PAUSE: Duration = Duration::from_millis(500);

/// Nothing begins that might not have ended when others may begin.
const MARGIN: Duration = TIME.saturating_add(Duration::from_secs(3));

/// A destination that has taken nothing for so long is disabled, in milliseconds.
const PATIENCE: i64 = 5 * 24 * 3_600_000;

/// A destination that is held, until then by this node's own clock.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) hold: Hold,
    pub(crate) until: Instant,
}

/// What came of an attempt.
struct Outcome {
    attempt: Attempt,
    /// The version of the destination that it was made by.
    version: i64,
    is_gone: bool,
    retry_after: Option<Duration>,
}

pub(crate) struct Line {
    store: Store,
    vault: Vault,
    egress: Client,
    held: watch::Receiver<Held>,
    /// What came of attempts is noted in this term alone.
    term: i64,
    /// The version of the destination that all of this belongs to.
    version: i64,
    /// What carries.
    carrier: Option<Arc<dyn Carrier>>,
    /// Read and not begun.
    ahead: VecDeque<Letter>,
    /// They go on by themselves: one may hold what the line waits for, such as a connection of the database.
    under_way: JoinSet<Outcome>,
    /// Ended and not settled.
    ended: Vec<Outcome>,
    /// Places of all of these.
    taken: HashSet<i64>,
    /// Does it take nothing at all?
    failing: Option<Failing>,
    /// Nothing begins before, in milliseconds.
    rests_until: i64,
    /// It was disabled from here, until it is on other terms.
    is_disabled: bool,
}

/// Is it over?
enum Next {
    GoOn,
    /// There is more to be made out.
    GoOnAtOnce,
    End,
}

impl Line {
    pub(crate) fn new(store: Store, vault: Vault, egress: Client, held: watch::Receiver<Held>) -> Self {
        let (term, version, failing) = {
            let Held { hold, .. } = &*held.borrow();
            (hold.term, hold.destination.version, failing_of(hold))
        };
        Self {
            store,
            vault,
            egress,
            held,
            term,
            version,
            carrier: None,
            ahead: VecDeque::new(),
            under_way: JoinSet::new(),
            ended: Vec::new(),
            taken: HashSet::new(),
            failing,
            rests_until: 0,
            is_disabled: false,
        }
    }

    /// Goes on until nobody holds the destination for it, or another node does.
    pub(crate) async fn run(mut self) {
        loop {
            let is_held = self.held.has_changed().is_ok();
            let numbered = self.store.numbered();
            let step = if is_held { self.step().await } else { self.settle().await };
            match step {
                Ok(Next::GoOn) => {}
                // What is under way is looked at with the next settling.
                Ok(Next::GoOnAtOnce) => continue,
                Ok(Next::End) => return,
                Err(error) => {
                    let id = self.held.borrow().hold.destination.id;
                    tracing::warn!(destination = %id, %error, "deliveries could not be read or written; trying on");
                    sleep(PAUSE).await;
                }
            }
            if !is_held && self.under_way.is_empty() {
                return;
            }
            self.wait(numbered, is_held).await;
        }
    }

    /// Settles, makes deliveries, begins attempts.
    async fn step(&mut self) -> Result<Next, StoreError> {
        if let Next::End = self.settle().await? {
            return Ok(Next::End);
        }
        let Held { hold, until } = self.held.borrow().clone();
        self.begin_terms(&hold);
        // On other terms, or held by others: whoever holds it says what to do.
        let Some(more) = self.store.platform().make_deliveries(&hold).await? else {
            self.give_back();
            return Ok(Next::GoOn);
        };
        self.fill(&hold, until).await?;
        Ok(if more { Next::GoOnAtOnce } else { Next::GoOn })
    }

    /// Begins as many attempts as there may be.
    async fn fill(&mut self, hold: &Hold, until: Instant) -> Result<(), StoreError> {
        let now = self.store.now();
        let width = if self.is_down() { 1 } else { WIDTH };
        if self.is_disabled || now < self.rests_until || self.under_way.len() >= width {
            return Ok(());
        }
        if self.ahead.is_empty() {
            let taken: Vec<i64> = self.taken.iter().copied().collect();
            let due = self.store.platform().due(hold.destination.id, now, &taken, AHEAD).await?;
            self.taken.extend(due.iter().map(|letter| letter.event.position));
            self.ahead.extend(due);
        }
        if self.ahead.is_empty() {
            return Ok(());
        }
        let carrier = match self.carrier(hold) {
            Ok(carrier) => carrier,
            Err(problem) => {
                self.give_back();
                return self.disable(hold, &problem).await;
            }
        };
        while self.under_way.len() < width {
            // Reading may have taken its time.
            if Instant::now() + MARGIN >= until {
                self.give_back();
                break;
            }
            let Some(letter) = self.ahead.pop_front() else { break };
            self.under_way.spawn(attempt(self.store.clone(), carrier.clone(), letter, hold));
        }
        Ok(())
    }

    /// Somebody may have mended it: on other terms it is tried at once.
    fn begin_terms(&mut self, hold: &Hold) {
        let version = hold.destination.version;
        if self.version != version {
            self.version = version;
            self.carrier = None;
            self.is_disabled = false;
            self.failing = failing_of(hold);
            self.rests_until = 0;
            self.give_back();
        }
    }

    fn carrier(&mut self, hold: &Hold) -> Result<Arc<dyn Carrier>, String> {
        if let Some(carrier) = &self.carrier {
            return Ok(carrier.clone());
        }
        let ground = Ground { store: &self.store, vault: &self.vault, egress: &self.egress };
        let carrier = ground.carrier(&hold.destination)?;
        self.carrier = Some(carrier.clone());
        Ok(carrier)
    }

    /// What was read and not begun is read again when its time has come.
    fn give_back(&mut self) {
        for letter in self.ahead.drain(..) {
            self.taken.remove(&letter.event.position);
        }
    }

    /// Notes what has ended, and what it says of the destination.
    async fn settle(&mut self) -> Result<Next, StoreError> {
        if self.held.borrow().hold.term != self.term {
            return Ok(Next::End);
        }
        while let Some(ended) = self.under_way.try_join_next() {
            self.ended.extend(outcome(ended));
        }
        if self.ended.is_empty() {
            return Ok(Next::GoOn);
        }
        let hold = self.held.borrow().hold.clone();
        let (version, now) = (hold.destination.version, self.store.now());
        let attempts: Vec<Attempt> =
            self.ended.iter().map(|outcome| outcome.on_terms(version, now)).collect();
        let Some(failing) = self.store.platform().settle(&hold, &attempts).await? else {
            return Ok(Next::End);
        };
        let given_up = attempts.iter().filter(|attempt| matches!(attempt.end, End::Dead(_))).count() as u64;
        let way = hold.destination.kind.word();
        counter!(DELIVERIES_GIVEN_UP.name, "way" => way).increment(given_up);
        let ended = std::mem::take(&mut self.ended);
        for outcome in &ended {
            self.taken.remove(&outcome.attempt.position);
        }
        let now = self.store.now();
        let wanted = ended.iter().filter_map(|outcome| outcome.retry_after).max().unwrap_or_default();
        self.rests_until = self.rests_until.max(now + millis(wanted));
        let was_down = self.is_down();
        self.failing = failing;
        if let (true, Some(failing)) = (self.is_down(), failing) {
            self.give_back();
            self.rests_until = self.rests_until.max(now + backoff::rest(failing.since, now));
            if !was_down {
                let problem = ended.iter().find_map(|outcome| outcome.problem());
                tracing::warn!(destination = %hold.destination.id, problem, "the destination takes no events");
            }
        } else if was_down {
            tracing::info!(destination = %hold.destination.id, "the destination takes events again");
            self.rests_until = now + millis(wanted);
        }
        let is_gone = ended.iter().any(|outcome| outcome.is_gone);
        let is_too_long = self.is_down() && failing.is_some_and(|failing| now - failing.since >= PATIENCE);
        if is_gone {
            self.disable(&hold, "it answered 410: it wants no more events").await?;
        } else if is_too_long {
            let problem = ended.iter().find_map(|outcome| outcome.problem()).unwrap_or_default();
            self.disable(&hold, &format!("it has taken nothing for five days; the last time {problem}"))
                .await?;
        }
        Ok(Next::GoOn)
    }

    /// Is it the destination that fails, and not an event that it cannot take?
    fn is_down(&self) -> bool {
        self.failing.is_some_and(|failing| failing.failures >= MANY)
    }

    async fn disable(&mut self, hold: &Hold, problem: &str) -> Result<(), StoreError> {
        let actor = Actor { kind: ActorKind::System, id: String::new(), name: "delivery".to_owned() };
        let context = ChangeContext { actor, cause: "delivery".to_owned() };
        let is_disabled = self.store.platform().disable_destination(hold, problem, &context).await?;
        // If not: it is on other terms, or another node's, and whoever holds it will say so.
        self.is_disabled = true;
        self.give_back();
        if is_disabled {
            let Hold { destination, .. } = hold;
            tracing::error!(
                destination = %destination.id, name = destination.name, problem,
                "the destination is disabled; its events wait until it is made active again"
            );
        }
        Ok(())
    }

    /// Until there may be something to do.
    async fn wait(&mut self, numbered: impl Future<Output = ()>, is_held: bool) {
        if !self.ended.is_empty() {
            return;
        }
        let is_free = self.under_way.len() < WIDTH && !self.is_down();
        tokio::select! {
            Some(ended) = self.under_way.join_next() => self.ended.extend(outcome(ended)),
            () = numbered, if is_free => {}
            _ = self.held.changed(), if is_held => {}
            () = sleep(LOOK) => {}
        }
    }
}

impl Outcome {
    /// The attempt: one that has failed on other terms is made on these at once.
    fn on_terms(&self, version: i64, now: i64) -> Attempt {
        let mut attempt = self.attempt.clone();
        if let (true, End::Again(next_at, _)) = (self.version != version, &mut attempt.end) {
            *next_at = now;
        }
        attempt
    }

    fn problem(&self) -> Option<&str> {
        match &self.attempt.end {
            End::Done => None,
            End::Again(_, problem) | End::Dead(problem) => Some(problem),
        }
    }
}

/// What came of an attempt; one that panicked ends the line, which begins anew. None is called off but with it.
fn outcome(ended: Result<Outcome, JoinError>) -> Option<Outcome> {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(outcome) => Some(outcome),
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        Err(Err(_)) => None,
    }
}

fn failing_of(hold: &Hold) -> Option<Failing> {
    let failures = hold.destination.failures;
    hold.destination.failing_since.map(|since| Failing { since, failures })
}

/// One attempt, from its beginning to what comes of it.
fn attempt(
    store: Store,
    carrier: Arc<dyn Carrier>,
    letter: Letter,
    hold: &Hold,
) -> impl Future<Output = Outcome> + Send + 'static {
    let position = letter.event.position;
    let failed = letter.attempts + 1;
    let (is_of_tenant, version) = (hold.destination.tenant.is_some(), hold.destination.version);
    async move {
        let (began, at) = (Instant::now(), store.now());
        let message = ways::message(letter.event, is_of_tenant, at);
        // The way has its own limit; this one holds whatever the way does.
        let carried = tokio::time::timeout(TIME + Duration::from_secs(1), carrier.carry(&message)).await;
        let carried = carried.unwrap_or_else(|_| {
            Err(Refusal { problem: "it took too long".to_owned(), ..Refusal::default() })
        });
        let took = millis(began.elapsed());
        let (status, end, refusal) = match carried {
            Ok(status) => (status, End::Done, Refusal::default()),
            Err(refusal) => {
                let end = match backoff::pause(failed) {
                    Some(pause) => {
                        let pause = pause.max(refusal.retry_after.unwrap_or_default());
                        End::Again(store.now() + millis(pause), refusal.problem.clone())
                    }
                    None => End::Dead(refusal.problem.clone()),
                };
                (refusal.status, end, refusal)
            }
        };
        Outcome {
            attempt: Attempt { position, at, took, status, of_event: refusal.of_event, end },
            version,
            is_gone: refusal.is_gone,
            retry_after: refusal.retry_after,
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
