//! What today's rules say about a user: one that was sent, one that is kept, or one that somebody pastes. Nothing is
//! written.

use std::sync::Arc;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{
    Rules, Tenant,
    configuration::{Change, Trial, Trying, trial},
};
use scim_core::intake::Origin;
use serde::Deserialize;
use serde_json::Value;
use store::{UserId, users::User};

use super::{request, tenant, user::pretty};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
};

/// Changes that are shown.
const SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "check.html")]
pub(crate) struct CheckPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) typed: CheckForm,
    pub(crate) errors: Errors,
    /// Are values masked in what is to be checked?
    pub(crate) masked: bool,
    pub(crate) outcome: Option<Outcome>,
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CheckForm {
    /// `create`, `replace` or `patch`.
    pub(crate) way: String,
    /// Id or user name of the user who would be changed.
    pub(crate) user: String,
    /// JSON.
    pub(crate) body: String,
}

/// What the form begins with.
#[derive(Deserialize)]
pub(crate) struct From {
    /// Id of an entry of the log.
    request: Option<String>,
    /// Id of a user.
    user: Option<String>,
}

/// What would happen, for people.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) verdict: Badge,
    /// Path, problem, and what asks for it.
    pub(crate) violations: Vec<(String, String, String)>,
    /// Path and text.
    pub(crate) notes: Vec<(String, String)>,
    pub(crate) changes: Vec<ChangeRow>,
    /// Changes that are not shown.
    pub(crate) others: usize,
}

/// A value that would change.
#[derive(Clone, Debug)]
pub(crate) struct ChangeRow {
    pub(crate) path: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
}

/// `GET …/activity/check`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(from): Parameters<From>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let typed = begin(&state, &tenant, from).await?;
    page(StatusCode::OK, &check_page(&visit, &tenant, typed))
}

/// `POST …/activity/check`.
pub(crate) async fn check(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<CheckForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let mut shown = check_page(&visit, &tenant, typed);
    let body = read(&shown.typed.body, &mut shown.errors);
    let user = match shown.typed.way.as_str() {
        "replace" | "patch" => find(&state, &tenant, &shown.typed.user, &mut shown.errors).await?,
        _ => None,
    };
    let Some(body) = body.filter(|_| shown.errors.is_empty()) else {
        return page(StatusCode::UNPROCESSABLE_ENTITY, &shown);
    };
    let patches = shown.typed.way == "patch";
    // Rules are computed, as long as the body is large.
    let tried = tokio::task::spawn_blocking(move || {
        let trying = match &user {
            None => Trying::Create,
            Some(user) if patches => Trying::Patch(&user.document),
            Some(user) => Trying::Replace(&user.document),
        };
        outcome(trial(Rules::of(&tenant), trying, &body))
    });
    shown.outcome = Some(tried.await.map_err(PageError::internal)?);
    page(StatusCode::OK, &shown)
}

fn check_page(visit: &Visit, tenant: &Arc<Tenant>, typed: CheckForm) -> CheckPage {
    let head = TenantHead::new(tenant, "activity");
    CheckPage {
        chrome: visit.chrome(format!("Check against today’s rules · {}", head.name)),
        head,
        masked: typed.body.contains(activity::MASK),
        typed,
        errors: Errors::default(),
        outcome: None,
    }
}

/// What the form begins with: a request as it came, or a user as it is kept.
async fn begin(state: &ConsoleState, tenant: &Tenant, from: From) -> Result<CheckForm, PageError> {
    if let Some(id) = from.request {
        let entry = request::entry(state, tenant, &id).await?;
        let user = entry.line.resource_id.unwrap_or_default();
        let way = match entry.line.method.as_str() {
            "PATCH" => "patch",
            "PUT" => "replace",
            _ => "create",
        };
        if let Some(body) = entry.request_body {
            let body = request::indented(&body);
            return Ok(CheckForm { way: way.to_owned(), user, body });
        }
        return begin_with_user(state, tenant, user).await;
    }
    match from.user {
        Some(user) => begin_with_user(state, tenant, user).await,
        None => Ok(CheckForm { way: "create".to_owned(), ..CheckForm::default() }),
    }
}

async fn begin_with_user(state: &ConsoleState, tenant: &Tenant, id: String) -> Result<CheckForm, PageError> {
    let known: UserId = id.parse().map_err(|()| PageError::NotFound)?;
    let user = state.store.tenant(tenant.id()).user(known, false).await?.ok_or(PageError::NotFound)?;
    let mut document = user.document;
    let schemas: Vec<Value> =
        tenant.profile.user.schema_urns(&document).into_iter().map(Value::from).collect();
    document.insert("schemas".into(), schemas.into());
    Ok(CheckForm { way: "replace".to_owned(), user: id, body: pretty(&Value::Object(document)) })
}

fn read(text: &str, errors: &mut Errors) -> Option<Value> {
    match serde_json::from_str(text) {
        Ok(body) => Some(body),
        Err(_) if text.trim().is_empty() => {
            errors.add("body", "Paste a SCIM user, or the body of a PATCH, as JSON.");
            None
        }
        Err(error) => {
            errors.add("body", format!("This is no JSON: {error}."));
            None
        }
    }
}

/// The user who would be changed, by id or name.
async fn find(
    state: &ConsoleState,
    tenant: &Tenant,
    named: &str,
    errors: &mut Errors,
) -> Result<Option<User>, PageError> {
    let (scope, named) = (state.store.tenant(tenant.id()), named.trim());
    let found = match named.parse::<UserId>() {
        Ok(id) => scope.user(id, false).await?,
        Err(()) if named.is_empty() || named.contains('\0') => None,
        Err(()) => scope.user_by_name(named, false).await?,
    };
    if found.is_none() {
        errors.add(
            "user",
            "There is no such user here. Give an id or a user name, or check the body as a new user.",
        );
    }
    Ok(found)
}

fn outcome(trial: Trial) -> Outcome {
    let taken = trial.document.is_some();
    let verdict = match taken {
        true => Badge::new("ok", format!("Would be taken ({})", trial.status)),
        false => Badge::new("bad", format!("Would be refused ({})", trial.status)),
    };
    let violations = trial.violations.into_iter().map(|one| (one.path, one.problem, asked_by(&one.origin)));
    let notes = trial.notes.into_iter().chain(trial.ignored).map(|note| (note.path, note.text));
    let mut changes = if trial.changes.is_empty() { trial.reshaped } else { trial.changes };
    let others = changes.len().saturating_sub(SHOWN);
    changes.truncate(SHOWN);
    Outcome {
        verdict,
        violations: violations.collect(),
        notes: notes.collect(),
        changes: changes.into_iter().map(change_row).collect(),
        others,
    }
}

fn asked_by(origin: &Origin) -> String {
    match origin {
        Origin::Schema => String::new(),
        Origin::Format => "format of the attribute".to_owned(),
        Origin::ValueSet(name) => format!("value set {name}"),
        Origin::Rule(name) => format!("rule {name}"),
        Origin::NotApplicable => "it does not apply to this user".to_owned(),
    }
}

fn change_row(change: Change) -> ChangeRow {
    let shown = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    ChangeRow { path: change.path, before: change.before.map(shown), after: change.after.map(shown) }
}
