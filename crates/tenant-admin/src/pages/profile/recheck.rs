//! Who of the people that are there does not fit: looked at step by step, so that any number can be.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{
    Rules, Tenant,
    configuration::{ConfigurationError, Draft},
};
use serde::Deserialize;
use store::UserId;
use uuid::Uuid;

use super::{MisfitRow, ProfileForm, STEP, lines, misfits};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    pages::tenant,
};

#[derive(Template)]
#[template(path = "profile_recheck.html")]
pub(crate) struct RecheckPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    /// The text that is not saved; empty: people are judged by what holds.
    pub(crate) text: String,
    pub(crate) version: i32,
    /// People looked at so far.
    pub(crate) checked: u64,
    /// All people.
    pub(crate) total: u64,
    /// Those looked at who do not fit.
    pub(crate) misfits: u64,
    /// Some of those whom this step found.
    pub(crate) found: Vec<MisfitRow>,
    /// Where the next step begins; `None`: all were looked at.
    pub(crate) after: Option<String>,
}

/// People of whom counting them is work enough for one request.
const MANY: u64 = 10_000;

/// How far it has come.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Step {
    text: String,
    version: String,
    after: String,
    checked: u64,
    misfits: u64,
    /// All people, as the first step has counted them.
    total: Option<u64>,
}

/// `GET …/profile/recheck`: by what holds.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(step): Parameters<Step>,
) -> Result<Response, PageError> {
    looked(&state, &visit, &slug, Step { text: String::new(), ..step }).await
}

/// `POST …/profile/recheck`: by a text that is not saved.
pub(crate) async fn run(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(step): Fields<Step>,
) -> Result<Response, PageError> {
    looked(&state, &visit, &slug, step).await
}

async fn looked(state: &ConsoleState, visit: &Visit, slug: &str, step: Step) -> Result<Response, PageError> {
    let tenant = tenant(state, slug).await?;
    let text = lines(&step.text);
    let version = step.version.parse().unwrap_or(tenant.row.profile_version);
    let draft = match &text {
        text if text.is_empty() => None,
        text => match Draft::unproven(&tenant, text).await {
            Ok(draft) => Some(draft),
            Err(error) => {
                let form = ProfileForm::of(text.clone(), version);
                return super::refused(state, visit, &tenant, &form, error).await;
            }
        },
    };
    let rules = draft.as_ref().map_or_else(|| Rules::of(&tenant), Draft::rules);
    let shown = step_of(state, visit, &tenant, rules, &step).await?;
    page(StatusCode::OK, &RecheckPage { text, version, ..shown })
}

async fn step_of(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    rules: Rules<'_>,
    step: &Step,
) -> Result<RecheckPage, PageError> {
    let after: Option<UserId> = match step.after.as_str() {
        "" => None,
        id => Some(
            id.parse()
                .map_err(|()| PageError::BadRequest("Begin again: the place to go on from is none."))?,
        ),
    };
    let counted = match step.total {
        Some(_) => None,
        None => Some(state.store.platform().tenant_counts(tenant.id()).await?.users),
    };
    let total = step.total.or(counted).unwrap_or_default();
    // Counting very many people is a step of its own.
    let most = if counted.is_some_and(|people| people > MANY) { 0 } else { STEP };
    let found = state.tenants.recheck_from(tenant, rules, after, Some(most), &|_, _| ()).await;
    let found = found.map_err(|error| match error {
        ConfigurationError::Store(error) => error.into(),
        other => PageError::internal(other),
    })?;
    let head = TenantHead::new(tenant, "profile");
    let checked = step.checked.saturating_add(found.checked);
    Ok(RecheckPage {
        chrome: visit.chrome(format!("Who does not fit · {}", head.name)),
        text: String::new(),
        version: tenant.row.profile_version,
        checked,
        total: total.max(checked),
        misfits: step.misfits.saturating_add(found.misfits),
        after: (!found.complete).then(|| found.last.unwrap_or(UserId(Uuid::nil())).to_string()),
        found: misfits(found),
        head,
    })
}
