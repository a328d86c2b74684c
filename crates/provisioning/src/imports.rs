//! Imports that outlive the request that began them: the file is kept in the database, columns are mapped to attributes,
//! all rows are tried, then imported; how far it is can be seen from every node. Nothing is lost when it is broken off:
//! the same file can be imported again.

mod file;
mod kept;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{Stream, TryStreamExt as _};
use store::{
    ChangeContext, ImportId, StoreError,
    imports::{ImportRow, Stage},
};
use uuid::Uuid;

use crate::{
    Provisioner, Tenant,
    attempts::whole,
    csv::{self, Begin, Existing, ImportError, ImportOptions, ImportProgress, ImportSummary, LineError},
};
use file::Kept;
pub use kept::{Outcome, Progress, Settings};

/// Largest file that is kept, in bytes; larger ones are for the command line.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Bytes of a part of a file.
const PART: usize = 256 * 1024;

/// Longest name of a file, in characters.
const NAME: usize = 100;

/// Time between two notes of how far it is.
const BEAT: Duration = Duration::from_millis(500);

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// It is none that can be imported; says where and why.
    #[error("{0}")]
    Unfit(String),
    /// It did not arrive as a whole.
    #[error("the file did not arrive as a whole")]
    Broken,
    /// Store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Provisioner {
    /// Takes a file in and keeps it, part by part. Its columns are guessed, by what they were in the import before, too.
    pub async fn receive_import<B: AsRef<[u8]>, E>(
        &self,
        tenant: &Tenant,
        context: &ChangeContext,
        name: &str,
        source: impl Stream<Item = Result<B, E>> + Unpin,
    ) -> Result<ImportId, ReceiveError> {
        let scope = self.store.tenant(tenant.id());
        let name: String = name.chars().filter(|ch| !ch.is_control()).take(NAME).collect();
        let id = scope.begin_import(&name, &context.actor.name).await?;
        let received = self.receive_parts(tenant, id, source).await;
        if received.is_err() {
            // What is there of it is of no use.
            scope.move_import(id, &[Stage::Arriving], Stage::Ready, None, None).await?;
            scope.discard_import(id).await?;
        }
        received.map(|()| id)
    }

    async fn receive_parts<B: AsRef<[u8]>, E>(
        &self,
        tenant: &Tenant,
        id: ImportId,
        mut source: impl Stream<Item = Result<B, E>> + Unpin,
    ) -> Result<(), ReceiveError> {
        let scope = self.store.tenant(tenant.id());
        let (mut part, mut number, mut length) = (Vec::with_capacity(PART), 0, 0);
        while let Some(chunk) = source.try_next().await.map_err(|_| ReceiveError::Broken)? {
            let chunk = chunk.as_ref();
            length += chunk.len();
            if length > MAX_BYTES {
                let most = MAX_BYTES / 1024 / 1024;
                return Err(ReceiveError::Unfit(format!(
                    "The file has more than {most} MiB. Split it, or import it on the server: rollcall import {} FILE.csv",
                    tenant.row.slug
                )));
            }
            part.extend_from_slice(chunk);
            if part.len() >= PART {
                scope.add_import_part(id, number, &part).await?;
                number += 1;
                part.clear();
            }
        }
        if length == 0 {
            return Err(ReceiveError::Unfit("The file is empty. Choose another one.".to_owned()));
        }
        scope.add_import_part(id, number, &part).await?;
        let begin = csv::begin(Kept::new(scope.clone(), id)).await;
        let Begin { names, .. } =
            begin.map_err(|error| ReceiveError::Unfit(format!("Line {}: {error}", error.line)))?;
        let columns = self.guess_columns(tenant, &names).await?;
        let settings = Settings { names, columns, existing: Existing::Update };
        scope.move_import(id, &[Stage::Arriving], Stage::Ready, Some(&settings.to_json()), None).await?;
        Ok(())
    }

    /// By what the columns of the same names held in the tenant's last import, or else by their names.
    async fn guess_columns(&self, tenant: &Tenant, names: &[String]) -> Result<Vec<String>, StoreError> {
        let mut guessed = csv::guess(&tenant.profile.user, names);
        let known = csv::columns_of(&tenant.profile.user);
        let earlier = self.store.tenant(tenant.id()).imports(2).await?;
        let earlier =
            earlier.iter().filter(|row| row.stage != Stage::Arriving).map(|row| Settings::of(&row.settings));
        let Some(earlier) = earlier.into_iter().find(|earlier| !earlier.names.is_empty()) else {
            return Ok(guessed);
        };
        for (name, guess) in names.iter().zip(&mut guessed) {
            let before = earlier.names.iter().zip(&earlier.columns).find(|(other, _)| *other == name);
            if let Some((_, column)) = before
                && (column.is_empty() || known.contains(column))
            {
                guess.clone_from(column);
            }
        }
        Ok(guessed)
    }

    /// The first rows of an import's file.
    pub async fn begin_of_import(&self, tenant: &Tenant, id: ImportId) -> Result<Begin, LineError> {
        csv::begin(Kept::new(self.store.tenant(tenant.id()), id)).await
    }

    /// Tries all rows, away from the request; `false` when the import is not at a stage for it. What is wrong with the
    /// columns is told at once.
    pub async fn try_import(
        &self,
        tenant: &Tenant,
        context: &ChangeContext,
        id: ImportId,
        settings: &Settings,
    ) -> Result<bool, StoreError> {
        let from = [Stage::Ready, Stage::Trying, Stage::Tried, Stage::Running, Stage::Stopped];
        self.start(tenant, context, id, &from, Some(settings), true).await
    }

    /// Imports what was tried, away from the request; also what was broken off or stopped.
    pub async fn run_import(
        &self,
        tenant: &Tenant,
        context: &ChangeContext,
        id: ImportId,
    ) -> Result<bool, StoreError> {
        let from = [Stage::Tried, Stage::Running, Stage::Stopped];
        self.start(tenant, context, id, &from, None, false).await
    }

    async fn start(
        &self,
        tenant: &Tenant,
        context: &ChangeContext,
        id: ImportId,
        from: &[Stage],
        settings: Option<&Settings>,
        dry_run: bool,
    ) -> Result<bool, StoreError> {
        let (scope, worker) = (self.store.tenant(tenant.id()), Uuid::new_v4());
        let to = if dry_run { Stage::Trying } else { Stage::Running };
        let settings = settings.map(Settings::to_json);
        let moved = whole(|| scope.move_import(id, from, to, settings.as_ref(), Some(worker))).await?;
        let row = if moved { scope.import(id).await? } else { None };
        let Some(row) = row else { return Ok(false) };
        let work = Work {
            provisioner: self.clone(),
            tenant: tenant.clone(),
            context: context.clone(),
            worker,
            dry_run,
            row,
        };
        tokio::spawn(work.carry_out());
        Ok(true)
    }

    /// Ends an import that somebody is at: what it did stays.
    pub async fn stop_import(&self, tenant: &Tenant, id: ImportId) -> Result<bool, StoreError> {
        let scope = self.store.tenant(tenant.id());
        Ok(scope.stop_import(id, Stage::Running, Stage::Stopped).await?
            || scope.stop_import(id, Stage::Trying, Stage::Ready).await?)
    }

    /// Removes files of all tenants that nobody has imported; gives the number of their parts.
    pub async fn forget_import_files(&self) -> Result<u64, StoreError> {
        let (mut gone, mut offset) = (0, 0);
        loop {
            let page = self.store.platform().tenants("", offset, 100).await?;
            for tenant in &page.items {
                gone += self.store.tenant(tenant.id).forget_import_files().await?;
            }
            if !page.more {
                return Ok(gone);
            }
            offset += 100;
        }
    }
}

/// An import that is being carried out.
struct Work {
    provisioner: Provisioner,
    tenant: Tenant,
    context: ChangeContext,
    worker: Uuid,
    dry_run: bool,
    row: ImportRow,
}

/// How far it is, written while it goes on.
#[derive(Default)]
struct Counter {
    bytes: AtomicU64,
    rows: AtomicU64,
    failed: AtomicU64,
}

impl Counter {
    fn set(&self, now: ImportProgress) {
        self.bytes.store(now.bytes, Ordering::Relaxed);
        self.rows.store(now.rows, Ordering::Relaxed);
        self.failed.store(now.failed, Ordering::Relaxed);
    }

    fn now(&self) -> Progress {
        Progress {
            bytes: self.bytes.load(Ordering::Relaxed),
            rows: self.rows.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

impl Work {
    async fn carry_out(self) {
        let (scope, settings) =
            (self.provisioner.store.tenant(self.tenant.id()), Settings::of(&self.row.settings));
        let options = ImportOptions {
            existing: settings.existing,
            dry_run: self.dry_run,
            columns: Some(settings.columns),
        };
        let counter = Arc::new(Counter::default());
        let advance = |now: ImportProgress| counter.set(now);
        let source = Kept::new(scope.clone(), self.row.id);
        let import = self.provisioner.import_users(&self.tenant, &self.context, source, options, &advance);
        let done = tokio::select! {
            done = import => done,
            // Rows that are under way end as a whole or not at all.
            () = self.beat(&counter) => return,
        };
        let outcome = match done {
            Ok(summary) => Outcome { summary, stopped: None },
            Err(ImportError::Refused { error }) => {
                Outcome { summary: ImportSummary::default(), stopped: Some(error) }
            }
            Err(ImportError::Stopped { error, summary }) => Outcome { summary, stopped: Some(error) },
        };
        // A file that was not read to its end can be gone on with.
        let stage = match (self.dry_run, outcome.stopped.is_some()) {
            (true, _) => Stage::Tried,
            (false, true) => Stage::Stopped,
            (false, false) => Stage::Done,
        };
        let (progress, told) = (counter.now().to_json(), outcome.to_json());
        let end = || scope.end_import(self.row.id, self.worker, stage, &progress, &told);
        if let Err(error) = whole(end).await {
            tracing::warn!(import = %self.row.id, %error, "what came of an import could not be noted; it can be repeated");
        }
    }

    /// Notes how far it is; ends when somebody has stopped it.
    async fn beat(&self, counter: &Counter) {
        let scope = self.provisioner.store.tenant(self.tenant.id());
        let mut beats = tokio::time::interval(BEAT);
        beats.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            beats.tick().await;
            match scope.beat_import(self.row.id, self.worker, &counter.now().to_json()).await {
                Ok(true) => {}
                Ok(false) => return,
                // It goes on; whoever looks sees it a little later.
                Err(error) => tracing::warn!(import = %self.row.id, %error, "progress could not be noted"),
            }
        }
    }
}
