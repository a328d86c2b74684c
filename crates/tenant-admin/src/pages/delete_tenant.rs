//! Deleting a tenant after its slug was typed: for operators.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{Tenant, configuration::ConfigurationError};
use serde::Deserialize;

use super::tenant;
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "delete_tenant.html")]
pub(crate) struct DeleteTenantPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    /// What it has: `12 users and 1 group`.
    pub(crate) contents: String,
    /// Its valid credentials.
    pub(crate) credentials: u64,
    /// How long it can be restored: `30 days`.
    pub(crate) retention: String,
    pub(crate) typed: String,
    pub(crate) errors: Errors,
}

/// What was typed to confirm.
#[derive(Deserialize)]
pub(crate) struct ConfirmForm {
    #[serde(default)]
    confirm: String,
}

/// `GET …/delete`: the question.
pub(crate) async fn ask(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    form(&state, &visit, &tenant, StatusCode::OK, String::new(), Errors::default()).await
}

/// `POST …/delete`.
pub(crate) async fn delete(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<ConfirmForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    match state.tenants.delete(&tenant, &typed.confirm, &visit.context()).await {
        Ok(()) => Ok(Redirect::to("/console/deleted-tenants?done=deleted").into_response()),
        Err(ConfigurationError::Store(error)) => Err(error.into()),
        Err(error) => {
            let mut errors = Errors::default();
            errors.add_told(&["confirm"], &error.to_string());
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            form(&state, &visit, &tenant, status, typed.confirm, errors).await
        }
    }
}

async fn form(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    status: StatusCode,
    typed: String,
    errors: Errors,
) -> Result<Response, PageError> {
    let head = TenantHead::new(tenant, "settings");
    let counts = state.store.platform().tenant_counts(tenant.id()).await?;
    let error = if errors.is_empty() { "" } else { "Error: " };
    page(
        status,
        &DeleteTenantPage {
            chrome: visit.chrome(format!("{error}Delete {}", head.name)),
            contents: format!("{} and {}", count(counts.users, "user"), count(counts.groups, "group")),
            credentials: counts.credentials,
            retention: count(state.tenants.retention_days().into(), "day"),
            typed,
            errors,
            head,
        },
    )
}
