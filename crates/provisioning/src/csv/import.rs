//! A CSV file into a tenant's users.

use std::{collections::HashMap, sync::Arc};

use scim_core::{
    Document, ResourceType, ScimError, ScimType, fold, profile::DuplicatePolicy, projection::Projection,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{ChangeContext, users::User};
use tokio::{io::AsyncRead, task::JoinSet};

use super::{
    Existing, IN_FLIGHT, ImportError, ImportOptions, ImportProgress, ImportSummary, LineError, MAX_ERRORS,
    MAX_ROWS,
    apart::set_apart,
    columns::Known,
    merge::{Plan, body},
    rows::{Row, Rows},
};
use crate::{Provisioner, Request, Tenant, attempts::Attempts, scim_error};

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Created,
    Updated,
    Unchanged,
    Skipped,
}

impl Provisioner {
    /// Imports a CSV file: UTF-8, the first row names the columns, one of them `userName`, by which users are found.
    /// Each row is a change of its own, so a file that was broken off can be imported again: what is there already is
    /// unchanged then. Rows with an error are told and passed over. See [`super`] for the limits.
    pub async fn import_users(
        &self,
        tenant: &Tenant,
        context: &ChangeContext,
        source: impl AsyncRead + Unpin,
        options: ImportOptions,
        progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> Result<ImportSummary, ImportError> {
        let mut rows = Rows::new(source);
        let (names, plan) = header(&tenant.profile.user, &mut rows, options.columns.as_deref())
            .await
            .map_err(|error| ImportError::Refused { error })?;
        let dry_run = options.dry_run;
        let import = Import {
            provisioner: self.clone(),
            tenant: without_linking(tenant),
            context: context.clone(),
            projection: Projection { attributes: Some(vec!["id".to_owned()]), excluded: Vec::new() },
            plan,
            options,
        };
        let mut reader = Reader { rows, names, lines: HashMap::new(), read: 0 };
        let (summary, stopped) = Arc::new(import).run(&mut reader, progress).await;
        tracing::info!(
            tenant = %tenant.id(), dry_run, created = summary.created, updated = summary.updated,
            unchanged = summary.unchanged, skipped = summary.skipped, failed = summary.failed,
            stopped_at_line = stopped.as_ref().map(|error| error.line), "users imported"
        );
        match stopped {
            None => Ok(summary),
            Some(error) => Err(ImportError::Stopped { error, summary }),
        }
    }
}

/// The names of the columns, and what to do with their cells.
async fn header<R: AsyncRead + Unpin>(
    kind: &ResourceType,
    rows: &mut Rows<R>,
    mapping: Option<&[String]>,
) -> Result<(Vec<String>, Plan), LineError> {
    let Some(Row { line, cells }) = rows.next().await? else {
        return Err(LineError::new(1, "the file is empty; its first row must name the columns"));
    };
    let names = cells.map_err(|misfit| LineError::new(line, misfit.problem))?;
    let known = Known::of(kind);
    let columns = match mapping {
        None => known.header(line, &names)?,
        Some(mapping) => known.mapped(line, &names, mapping)?,
    };
    Ok((names, Plan::of(&columns)))
}

/// The policy `link` would lay a whole row over a user who came into being meanwhile; an import looks again and merges.
fn without_linking(tenant: &Tenant) -> Tenant {
    let mut tenant = tenant.clone();
    Arc::make_mut(&mut tenant.profile).policies.duplicate = DuplicatePolicy::Reject;
    tenant
}

/// The rows of a file as they can be carried out.
struct Reader<R> {
    rows: Rows<R>,
    names: Vec<String>,
    /// The line of each userName, by the digest of its folded form: a file may have a million.
    lines: HashMap<[u8; 16], u64>,
    read: u64,
}

/// The end of a file.
enum End {
    /// All of it was read.
    Whole,
    /// It cannot be read on.
    Broken(LineError),
}

impl<R: AsyncRead + Unpin> Reader<R> {
    /// The next row with something in it: its line and cells, or what is wrong with it.
    async fn next(&mut self, import: &Import) -> Result<Result<(u64, Vec<String>), LineError>, End> {
        loop {
            let Row { line, cells } = self.rows.next().await.map_err(End::Broken)?.ok_or(End::Whole)?;
            if cells.as_ref().is_ok_and(|cells| cells.iter().all(String::is_empty)) {
                continue;
            }
            if self.read >= MAX_ROWS {
                let problem = format!("the file has more than {MAX_ROWS} rows; split it");
                return Err(End::Broken(LineError::new(line, problem)));
            }
            self.read += 1;
            return Ok(self.check(import, line, cells));
        }
    }

    fn check(
        &mut self,
        import: &Import,
        line: u64,
        cells: Result<Vec<String>, super::rows::Misfit>,
    ) -> Result<(u64, Vec<String>), LineError> {
        let cells = cells.map_err(|misfit| LineError {
            line,
            path: misfit.cell.and_then(|at| self.names.get(at)).cloned(),
            problem: misfit.problem,
        })?;
        if cells.len() != self.names.len() {
            let problem = format!(
                "has {} cells where the header has {}; put cells with a comma in quotes",
                cells.len(),
                self.names.len()
            );
            return Err(LineError::new(line, problem));
        }
        let name = import.user_name(&cells);
        let mut key = [0; 16];
        key.copy_from_slice(&Sha256::digest(fold(&name))[..16]);
        match self.lines.insert(key, line) {
            Some(first) if !name.is_empty() => {
                self.lines.insert(key, first);
                let problem = format!("is the same as in line {first}; have one row for each user");
                Err(LineError::at(line, "userName", problem))
            }
            _ => Ok((line, cells)),
        }
    }
}

/// One import.
struct Import {
    provisioner: Provisioner,
    tenant: Tenant,
    context: ChangeContext,
    projection: Projection,
    plan: Plan,
    options: ImportOptions,
}

impl Import {
    /// Carries out all rows, [`IN_FLIGHT`] at once; gives also why it ended before the end of the file. Tasks run while
    /// a slow file is waited for, so that none of them holds a transaction open.
    async fn run<R: AsyncRead + Unpin>(
        self: Arc<Self>,
        reader: &mut Reader<R>,
        progress: &(dyn Fn(ImportProgress) + Send + Sync),
    ) -> (ImportSummary, Option<LineError>) {
        let (mut summary, mut stopped) = (ImportSummary::default(), None);
        let mut tasks: JoinSet<(u64, Result<Outcome, ScimError>)> = JoinSet::new();
        let mut more = true;
        loop {
            let (bytes, rows, failed) = (reader.rows.bytes(), summary.rows(), summary.failed);
            progress(ImportProgress { bytes, rows, failed });
            if more && tasks.len() < IN_FLIGHT {
                match reader.next(&self).await {
                    Ok(Ok((line, cells))) => {
                        let import = Arc::clone(&self);
                        tasks.spawn(async move { (line, import.row(&cells).await) });
                    }
                    Ok(Err(error)) => count_error(&mut summary, error),
                    Err(End::Whole) => more = false,
                    Err(End::Broken(error)) => {
                        stopped = stopped.or(Some(error));
                        more = false;
                    }
                }
                continue;
            }
            match tasks.join_next().await {
                None => break,
                Some(Ok((line, outcome))) => {
                    let fault = count(&mut summary, line, outcome);
                    // No row will do better; the file can be imported again.
                    more &= fault.is_none();
                    stopped = stopped.or(fault);
                }
                Some(Err(error)) => {
                    tracing::error!(%error, "a row was not carried out");
                    let problem = "a row on or before this line failed; the server's log says why";
                    stopped = stopped.or(Some(LineError::new(reader.rows.line(), problem)));
                    more = false;
                }
            }
        }
        summary.errors.sort_by_key(|error| error.line);
        (summary, stopped)
    }

    fn request(&self) -> Request<'_> {
        Request { tenant: &self.tenant, context: &self.context, base_url: "", projection: &self.projection }
    }

    fn kind(&self) -> &ResourceType {
        &self.tenant.profile.user
    }

    /// The userName of a row in the form in which it is kept, so that it is found again.
    fn user_name(&self, cells: &[String]) -> String {
        let name = self.plan.user_name(cells);
        let constraint = self.kind().schema.attribute("userName").and_then(|one| one.constraint.as_deref());
        let format = constraint.and_then(|constraint| constraint.format.as_ref());
        format.and_then(|format| format.check(name).ok()).unwrap_or_else(|| name.to_owned())
    }

    async fn row(&self, cells: &[String]) -> Result<Outcome, ScimError> {
        let scope = self.provisioner.store.tenant(self.tenant.id());
        let name = self.user_name(cells);
        let mut attempts = Attempts::new(None);
        loop {
            let known = match name.is_empty() {
                true => None,
                false => scope.user_by_name(&name, false).await.map_err(scim_error)?,
            };
            let outcome = match &known {
                None => self.create(cells).await,
                Some(user) => self.meet(user, cells).await,
            };
            match outcome {
                // Somebody else was there meanwhile, or is gone.
                Err(error) if is_race(&error, known.is_some()) => {
                    attempts.again().await.map_err(|_| error)?
                }
                outcome => return outcome,
            }
        }
    }

    async fn create(&self, cells: &[String]) -> Result<Outcome, ScimError> {
        let nobody = Document::from_iter([("active".to_owned(), json!(true))]);
        let body = body(self.kind(), self.plan.merge(cells, &nobody));
        if self.options.dry_run {
            self.provisioner.check_new_user(self.request(), &body)?;
        } else {
            self.provisioner.create_user(self.request(), &body).await?;
        }
        Ok(Outcome::Created)
    }

    /// A row of a user who is there.
    async fn meet(&self, user: &User, cells: &[String]) -> Result<Outcome, ScimError> {
        match self.options.existing {
            Existing::Skip => return Ok(Outcome::Skipped),
            Existing::Refuse => {
                let problem =
                    "userName: a user of this tenant has it already; leave the row out, or update users.";
                return Err(ScimError::new(400, problem));
            }
            Existing::Update => {}
        }
        let merged = self.plan.merge(cells, &user.document);
        if merged == user.document {
            return Ok(Outcome::Unchanged);
        }
        let (offered, kept) = set_apart(self.kind(), &merged);
        let body: Value = body(self.kind(), offered);
        let changes = if self.options.dry_run {
            self.provisioner.check_merge(self.request(), user, &body, &kept)? != user.document
        } else {
            let after = self.provisioner.merge_user(self.request(), user, &body, &kept).await?;
            after.version != user.version
        };
        Ok(if changes { Outcome::Updated } else { Outcome::Unchanged })
    }
}

/// Whether a row met a change of the same user by somebody else.
fn is_race(error: &ScimError, known: bool) -> bool {
    match error.status {
        409 => !known && error.scim_type == Some(ScimType::Uniqueness),
        404 | 412 => known,
        _ => false,
    }
}

/// Counts a row; gives the fault of the server that it met.
fn count(summary: &mut ImportSummary, line: u64, outcome: Result<Outcome, ScimError>) -> Option<LineError> {
    match outcome {
        Ok(Outcome::Created) => summary.created += 1,
        Ok(Outcome::Updated) => summary.updated += 1,
        Ok(Outcome::Unchanged) => summary.unchanged += 1,
        Ok(Outcome::Skipped) => summary.skipped += 1,
        Err(error) => {
            let told = LineError::of(line, &error);
            count_error(summary, told.clone());
            return (error.status >= 500).then_some(told);
        }
    }
    None
}

fn count_error(summary: &mut ImportSummary, error: LineError) {
    summary.failed += 1;
    if summary.errors.len() < MAX_ERRORS {
        summary.errors.push(error);
    }
}
