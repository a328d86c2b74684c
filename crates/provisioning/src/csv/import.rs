//! A CSV file into a tenant's users.

use std::sync::Arc;

use scim_core::{Document, ResourceType, ScimError, ScimType, projection::Projection};
use serde_json::{Value, json};
use store::{
    ChangeContext,
    users::{User, UserState},
};
use tokio::io::AsyncRead;

use super::{
    Existing, ImportError, ImportOptions, ImportProgress, ImportSummary, LineError,
    apart::set_apart,
    columns::Known,
    merge::{Plan, body},
    reader::Reader,
    rows::{Row, Rows},
};
use crate::{Provisioner, Request, Tenant, attempts::Attempts, scim_error, users::new_state};

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Created,
    Updated,
    Unchanged,
    Skipped,
}

/// The cells of a row.
pub(super) type Cells = Vec<String>;

/// What is to be done for a row.
pub(super) enum Step {
    /// Nothing any more.
    Done(Result<Outcome, ScimError>),
    /// Make a user in this state, together with others; or else what the row says by itself.
    Create(Box<UserState>, Cells),
    /// What the row says, by itself.
    Alone(Cells),
}

impl Provisioner {
    /// Imports a CSV file: UTF-8, the first row names the columns, one of them `userName`, by which users are found.
    /// Each row is a change of its own, though many are written together; so a file that was broken off can be imported
    /// again: what is there already is unchanged then. Rows with an error are told and passed over. See [`super`] for the
    /// limits.
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
            tenant: tenant.without_linking(),
            context: context.clone(),
            projection: Projection { attributes: Some(vec!["id".to_owned()]), excluded: Vec::new() },
            plan,
            options,
        };
        let mut reader = Reader::new(rows, names);
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

/// One import.
pub(super) struct Import {
    pub(super) provisioner: Provisioner,
    pub(super) tenant: Tenant,
    context: ChangeContext,
    projection: Projection,
    plan: Plan,
    options: ImportOptions,
}

impl Import {
    pub(super) fn request(&self) -> Request<'_> {
        Request { tenant: &self.tenant, context: &self.context, base_url: "", projection: &self.projection }
    }

    fn kind(&self) -> &ResourceType {
        &self.tenant.profile.user
    }

    /// The userName of a row in the form in which it is kept, so that it is found again.
    pub(super) fn user_name(&self, cells: &Cells) -> String {
        let name = self.plan.user_name(cells);
        let constraint = self.kind().schema.attribute("userName").and_then(|one| one.constraint.as_deref());
        let format = constraint.and_then(|constraint| constraint.format.as_ref());
        format.and_then(|format| format.check(name).ok()).unwrap_or_else(|| name.to_owned())
    }

    /// Judges a row by the user who is known to have its name, without writing anything.
    pub(super) fn judge(&self, cells: Cells, known: Option<User>) -> Step {
        match known {
            None => match new_state(self.request(), &self.new_body(&cells)) {
                Err(error) => Step::Done(Err(error)),
                Ok(_) if self.options.dry_run => Step::Done(Ok(Outcome::Created)),
                Ok(state) => Step::Create(Box::new(state), cells),
            },
            Some(user) => match self.laid_over(&user, &cells) {
                Ok(Laid::Outcome(outcome)) => Step::Done(Ok(outcome)),
                Ok(Laid::Changed(_)) if !self.options.dry_run => Step::Alone(cells),
                Ok(Laid::Changed(merged)) => Step::Done(self.try_change(&user, merged)),
                Err(error) => Step::Done(Err(error)),
            },
        }
    }

    /// Carries out a row by itself.
    pub(super) async fn row(&self, cells: &Cells) -> Result<Outcome, ScimError> {
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

    async fn create(&self, cells: &Cells) -> Result<Outcome, ScimError> {
        let body = self.new_body(cells);
        if self.options.dry_run {
            self.provisioner.check_new_user(self.request(), &body)?;
        } else {
            self.provisioner.create_user(self.request(), &body).await?;
        }
        Ok(Outcome::Created)
    }

    fn new_body(&self, cells: &Cells) -> Value {
        let nobody = Document::from_iter([("active".to_owned(), json!(true))]);
        body(self.kind(), self.plan.merge(cells, &nobody))
    }

    /// A row of a user who is there.
    async fn meet(&self, user: &User, cells: &Cells) -> Result<Outcome, ScimError> {
        let merged = match self.laid_over(user, cells)? {
            Laid::Outcome(outcome) => return Ok(outcome),
            Laid::Changed(merged) => merged,
        };
        if self.options.dry_run {
            return self.try_change(user, merged);
        }
        let (offered, kept) = set_apart(self.kind(), &merged);
        let body: Value = body(self.kind(), offered);
        let after = self.provisioner.merge_user(self.request(), user, &body, &kept).await?;
        Ok(changed(after.version != user.version))
    }

    /// What a row makes of a user, before it is judged.
    fn laid_over(&self, user: &User, cells: &Cells) -> Result<Laid, ScimError> {
        match self.options.existing {
            Existing::Skip => return Ok(Laid::Outcome(Outcome::Skipped)),
            Existing::Refuse => {
                let problem =
                    "userName: a user of this tenant has it already; leave the row out, or update users.";
                return Err(ScimError::new(400, problem));
            }
            Existing::Update => {}
        }
        let merged = self.plan.merge(cells, &user.document);
        Ok(if merged == user.document { Laid::Outcome(Outcome::Unchanged) } else { Laid::Changed(merged) })
    }

    fn try_change(&self, user: &User, merged: Document) -> Result<Outcome, ScimError> {
        let (offered, kept) = set_apart(self.kind(), &merged);
        let body: Value = body(self.kind(), offered);
        let after = self.provisioner.check_merge(self.request(), user, &body, &kept)?;
        Ok(changed(after != user.document))
    }
}

/// A row laid over a user.
enum Laid {
    /// That is all.
    Outcome(Outcome),
    /// Another document than before.
    Changed(Document),
}

fn changed(changed: bool) -> Outcome {
    if changed { Outcome::Updated } else { Outcome::Unchanged }
}

/// Whether a row met a change of the same user by somebody else.
fn is_race(error: &ScimError, known: bool) -> bool {
    match error.status {
        409 => !known && error.scim_type == Some(ScimType::Uniqueness),
        404 | 412 => known,
        _ => false,
    }
}
