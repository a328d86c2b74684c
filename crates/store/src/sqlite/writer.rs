//! The thread that carries out changes of single users, those that wait together in one transaction: all of them share the
//! wait for the disk, which is the most of what a change costs. Each is answered when it is committed.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    slice,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::Connection;
use telemetry::spans;
use tokio::{
    sync::{Mutex as Turn, Notify, mpsc, oneshot},
    time::{Instant, timeout, timeout_at},
};
use tracing::Span;

use super::{Fault, Link, SYSTEM, Source, change, closed};
use crate::{
    StoreError,
    error::waited_too_long,
    users::{Single, Written},
};

/// Changes that wait for the thread; more wait to be handed over.
const WAITING: usize = 256;

/// Changes in one transaction: the others who write wait for it, some milliseconds.
const TOGETHER: usize = 64;

/// Memory for pages: those that one transaction changes stay in it, so that each is written once.
const CACHE: &str = "PRAGMA cache_size = -8192";

/// Longest wait for the thread to end.
const FAREWELL: Duration = Duration::from_secs(2);

type Outcome = Result<Option<Written>, Fault>;

/// The way to the thread. It ends when this is closed or dropped, after what it was given.
pub(super) struct Writer {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    longest: Duration,
}

/// A change that waits.
struct Job {
    change: Single,
    /// In which its statements are.
    span: Span,
    /// Whoever sets it first has the change: the thread to carry it out, or the caller to give it up.
    taken: Arc<AtomicBool>,
    answer: oneshot::Sender<Outcome>,
}

impl Job {
    /// Is it to be carried out still?
    fn take(&self) -> bool {
        !self.answer.is_closed() && !self.taken.swap(true, Ordering::AcqRel)
    }
}

impl Writer {
    pub(super) fn start(
        source: Source,
        turn: Arc<Turn<()>>,
        recorded: Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let longest = source.longest;
        let work = Work { source, turn, recorded, link: None };
        let thread = thread::Builder::new().name("sqlite-writer".into()).spawn(move || work.run(waiting));
        let thread = thread.map_err(|error| StoreError::Setup(format!("cannot start a thread: {error}")))?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), longest })
    }

    /// See [`super::Sqlite::write`]. Waits for its turn as long as any other change does.
    pub(super) async fn write(&self, change: Single) -> Result<Option<Written>, StoreError> {
        let deadline = Instant::now() + self.longest;
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (answer, mut answered) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let job = Job { change, span: spans::change(SYSTEM), taken: taken.clone(), answer };
        match timeout_at(deadline, jobs.ok_or_else(closed)?.send(job)).await {
            Ok(sent) => sent.map_err(|_| closed())?,
            Err(_) => return Err(waited_too_long()),
        }
        let outcome = match timeout_at(deadline, &mut answered).await {
            Ok(outcome) => outcome,
            Err(_) if !taken.swap(true, Ordering::AcqRel) => return Err(waited_too_long()),
            // It is being carried out.
            Err(_) => answered.await,
        };
        Ok(outcome.map_err(|_| closed())??)
    }

    pub(super) async fn close(&self) {
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let end = tokio::task::spawn_blocking(move || thread.join());
            if timeout(FAREWELL, end).await.is_err() {
                tracing::warn!("SQLite's writer did not end within {FAREWELL:?}");
            }
        }
    }
}

/// What the thread works with.
struct Work {
    source: Source,
    turn: Arc<Turn<()>>,
    recorded: Arc<Notify>,
    /// Made when it is first needed, and again after a fault.
    link: Option<Link>,
}

impl Work {
    fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        while let Err(_panic) = catch_unwind(AssertUnwindSafe(|| self.serve(&mut waiting))) {
            // Those whose change it was were told as their answers were dropped, and nothing of it was committed.
            tracing::error!("SQLite's writer failed; it begins anew");
            self.link = None;
        }
    }

    /// Goes on until nobody can give it anything any more.
    fn serve(&mut self, waiting: &mut mpsc::Receiver<Job>) {
        while let Some(first) = waiting.blocking_recv() {
            let turn = self.turn.clone().blocking_lock_owned();
            let (mut changes, mut answers) = (Vec::new(), Vec::new());
            let mut next = Some(first);
            while let Some(job) = next {
                if job.take() {
                    changes.push((job.change, job.span));
                    answers.push(job.answer);
                }
                next = if changes.len() < TOGETHER { waiting.try_recv().ok() } else { None };
            }
            let outcomes = self.carry_out(&changes);
            drop(turn);
            if outcomes.iter().any(|outcome| matches!(outcome, Ok(Some(_)))) {
                self.recorded.notify_one();
            }
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // Whoever asked may have gone; what was done stays done.
                let _ = answer.send(outcome);
            }
        }
    }

    /// What became of each, in their order. What fails as a whole is carried out one by one, so that no change pays for
    /// another one.
    fn carry_out(&mut self, changes: &[(Single, Span)]) -> Vec<Outcome> {
        if changes.is_empty() {
            return Vec::new();
        }
        if let Err(fault) = self.begin() {
            return changes.iter().map(|_| Err(fault.clone())).collect();
        }
        match self.commit(changes) {
            Ok(outcomes) => outcomes,
            Err(fault) => {
                self.undo();
                match changes {
                    [_] => vec![Err(fault)],
                    several => several.iter().flat_map(|one| self.carry_out(slice::from_ref(one))).collect(),
                }
            }
        }
    }

    fn begin(&mut self) -> Result<(), Fault> {
        let link = match self.link.take() {
            Some(link) => link,
            None => {
                let link = self.source.connect()?;
                link.connection.busy_timeout(self.source.longest)?;
                link.connection.execute_batch(CACHE)?;
                link
            }
        };
        let link = self.link.insert(link);
        link.begin().prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(())
    }

    /// Carries out and commits. The error: nothing was.
    fn commit(&self, changes: &[(Single, Span)]) -> Result<Vec<Outcome>, Fault> {
        let Some(link) = &self.link else { return Ok(Vec::new()) };
        let mut outcomes = Vec::with_capacity(changes.len());
        for (change, span) in changes {
            outcomes.push(span.in_scope(|| one_of(link.begin(), change))?);
        }
        link.begin().prepare_cached("COMMIT")?.execute([])?;
        Ok(outcomes)
    }

    /// Leaves a transaction that failed.
    fn undo(&mut self) {
        self.link = self.link.take().filter(|Link { connection, .. }| {
            connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok()
        });
    }
}

/// One change of a transaction; one that cannot be made is undone alone. The outer error: the transaction has ended.
fn one_of(connection: &Connection, change: &Single) -> Result<Outcome, Fault> {
    let run = |sql| connection.prepare_cached(sql)?.execute([]).map_err(Fault::from);
    run("SAVEPOINT one")?;
    let outcome = change::carry_out(connection, change).map_err(Fault::from);
    if let Err(fault) = &outcome {
        // After some faults SQLite has undone all of it by itself.
        if connection.is_autocommit() {
            return Err(fault.clone());
        }
        run("ROLLBACK TO one")?;
    }
    run("RELEASE one")?;
    Ok(outcome)
}
