//! An import on its way: while a batch of rows is written, the next ones are judged, and more of the file is read.

use std::{error::Error, sync::Arc};

use scim_core::{ScimError, fold};
use store::{
    StoreError,
    users::{Made, UserState},
};
use tokio::{
    io::AsyncRead,
    sync::mpsc::{self, Receiver, UnboundedSender},
    task::{JoinHandle, JoinSet},
};

use super::{
    IN_FLIGHT, ImportProgress, ImportSummary, LineError, MAX_ERRORS,
    import::{Cells, Import, Outcome, Step},
    reader::{Batch, End, Reader},
};
use crate::computing::compute;

/// Batches that wait, judged or about to be, for the one that is written.
const AHEAD: usize = 1;

/// A row of a batch: its line, and what became of it so far.
type Judged = Vec<(u64, Result<Step, LineError>)>;

/// A batch on its way to the database.
struct Job {
    judged: JoinHandle<Result<Judged, StoreError>>,
    bytes: u64,
    line: u64,
}

/// A batch that is done.
struct Done {
    rows: Vec<(u64, Result<Outcome, LineError>)>,
    bytes: u64,
    /// Why no row after it will do better.
    fault: Option<LineError>,
}

impl Import {
    /// Carries out all rows in their order; gives also why it ended before the end of the file.
    pub(super) async fn run<R: AsyncRead + Unpin>(
        self: Arc<Self>,
        reader: &mut Reader<R>,
        progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> (ImportSummary, Option<LineError>) {
        let (mut summary, mut stopped) = (ImportSummary::default(), None);
        let (jobs, waiting) = mpsc::channel(AHEAD);
        let (told, mut results) = mpsc::unbounded_channel();
        // Ends with whoever waits for the import: rows that are under way end as a whole or not at all.
        let mut writer = JoinSet::new();
        writer.spawn(Arc::clone(&self).write_all(waiting, told));
        let mut count = |done: Done, stopped: &mut Option<LineError>| {
            done.rows.into_iter().for_each(|(_, row)| tally(&mut summary, row));
            if stopped.is_none() {
                *stopped = done.fault;
            }
            progress(ImportProgress { bytes: done.bytes, rows: summary.rows(), failed: summary.failed });
        };
        loop {
            let line = reader.line();
            let Batch { rows, bytes, end } = reader.batch(&self).await;
            if !rows.is_empty() {
                let judged = tokio::spawn(Arc::clone(&self).judge_all(rows));
                // Nobody takes it when no row will do better; the file can be imported again.
                if jobs.send(Job { judged, bytes, line }).await.is_err() {
                    break;
                }
            }
            while let Ok(done) = results.try_recv() {
                count(done, &mut stopped);
            }
            match end {
                None => {}
                Some(End::Whole) => break,
                Some(End::Broken(error)) => {
                    stopped = stopped.or(Some(error));
                    break;
                }
            }
        }
        drop(jobs);
        while let Some(done) = results.recv().await {
            count(done, &mut stopped);
        }
        if let Some(Err(error)) = writer.join_next().await {
            stopped = stopped.or(Some(broken(reader.line(), &error)));
        }
        (summary, stopped)
    }

    /// Judges rows by who is there; writes nothing.
    async fn judge_all(
        self: Arc<Self>,
        rows: Vec<(u64, Result<Cells, LineError>)>,
    ) -> Result<Judged, StoreError> {
        let scope = self.provisioner.store.tenant(self.tenant.id());
        let names = rows.iter().map(|(_, cells)| cells.as_ref().map(|cells| self.user_name(cells)));
        let names: Vec<String> = names.map(Result::unwrap_or_default).collect();
        let asked: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
        let Ok(mut known) = scope.users_by_names(&asked).await else {
            return Ok(rows.into_iter().map(|(line, cells)| (line, cells.map(Step::Alone))).collect());
        };
        let judge = move || {
            let judged = rows.into_iter().zip(names).map(|((line, cells), name)| {
                (line, cells.map(|cells| self.judge(cells, known.remove(&fold(&name)))))
            });
            judged.collect()
        };
        compute(judge).await
    }

    async fn write_all(self: Arc<Self>, mut jobs: Receiver<Job>, told: UnboundedSender<Done>) {
        while let Some(Job { judged, bytes, line }) = jobs.recv().await {
            let done = match judged.await {
                Ok(Ok(judged)) => Arc::clone(&self).write(judged, bytes).await,
                Ok(Err(error)) => Done { rows: Vec::new(), bytes, fault: Some(broken(line, &error)) },
                Err(error) => Done { rows: Vec::new(), bytes, fault: Some(broken(line, &error)) },
            };
            let goes_on = done.fault.is_none();
            if told.send(done).is_err() || !goes_on {
                return;
            }
        }
    }

    /// Writes what is to be written of a batch: new users together, all others one by one.
    async fn write(self: Arc<Self>, judged: Judged, bytes: u64) -> Done {
        let (mut rows, mut states, mut created, mut alone) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (line, judged) in judged {
            match judged {
                Err(error) => rows.push((line, Err(error))),
                Ok(Step::Done(outcome)) => {
                    rows.push((line, outcome.map_err(|error| LineError::of(line, &error))));
                }
                Ok(Step::Create(state, cells)) => {
                    states.push(*state);
                    created.push((line, cells));
                }
                Ok(Step::Alone(cells)) => alone.push((line, cells)),
            }
        }
        for ((line, cells), made) in created.into_iter().zip(self.make(&states).await) {
            match made {
                Made::Created(_) => rows.push((line, Ok(Outcome::Created))),
                Made::Taken | Made::Departed | Made::Undone => alone.push((line, cells)),
            }
        }
        alone.sort_by_key(|(line, _)| *line);
        let fault = self.one_by_one(alone, &mut rows).await;
        rows.sort_by_key(|(line, _)| *line);
        Done { rows, bytes, fault }
    }

    /// Makes users together. Where nothing came of all of them, one by one shows whose fault it is.
    async fn make(&self, states: &[UserState]) -> Vec<Made> {
        let made = self.provisioner.make_users(self.request(), states, false).await;
        made.unwrap_or_else(|error| {
            tracing::warn!(tenant = %self.tenant.id(), %error, "rows could not be written together");
            vec![Made::Undone; states.len()]
        })
    }

    /// Carries out rows by themselves, [`IN_FLIGHT`] at once; gives the fault of the server that ended it.
    async fn one_by_one(
        self: Arc<Self>,
        rows: Vec<(u64, Cells)>,
        done: &mut Vec<(u64, Result<Outcome, LineError>)>,
    ) -> Option<LineError> {
        let mut tasks: JoinSet<(u64, Result<Outcome, ScimError>)> = JoinSet::new();
        let (mut rows, mut fault) = (rows.into_iter().peekable(), None);
        loop {
            let line = rows.peek().map_or(0, |(line, _)| *line);
            if let (true, None, Some((line, cells))) = (tasks.len() < IN_FLIGHT, &fault, rows.peek().cloned())
            {
                rows.next();
                let import = Arc::clone(&self);
                tasks.spawn(async move { (line, import.row(&cells).await) });
                continue;
            }
            match tasks.join_next().await {
                None => return fault,
                Some(Ok((line, outcome))) => {
                    let told = outcome.map_err(|error| (error.status, LineError::of(line, &error)));
                    if let Err((500.., error)) = &told {
                        fault = fault.or(Some(error.clone()));
                    }
                    done.push((line, told.map_err(|(_, error)| error)));
                }
                Some(Err(error)) => fault = fault.or(Some(broken(line, &error))),
            }
        }
    }
}

fn broken(line: u64, error: &(dyn Error + 'static)) -> LineError {
    tracing::error!(error, "a row was not carried out");
    LineError::new(line, "a row on or before this line failed; the server's log says why")
}

fn tally(summary: &mut ImportSummary, row: Result<Outcome, LineError>) {
    match row {
        Ok(Outcome::Created) => summary.created += 1,
        Ok(Outcome::Updated) => summary.updated += 1,
        Ok(Outcome::Unchanged) => summary.unchanged += 1,
        Ok(Outcome::Skipped) => summary.skipped += 1,
        Err(error) => {
            summary.failed += 1;
            if summary.errors.len() < MAX_ERRORS {
                summary.errors.push(error);
            }
        }
    }
}
