//! Activating a tenant, and deactivating it after a question.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use store::tenants::TenantStatus;

use super::tenant;
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Segments, Visit},
};

#[derive(Template)]
#[template(path = "deactivate.html")]
pub(crate) struct DeactivatePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
}

/// `POST …/activate`.
pub(crate) async fn activate(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    set(&state, &visit, &slug, TenantStatus::Active).await
}

/// `GET …/deactivate`: the question, for browsers without script (with script it is a dialog on the overview).
pub(crate) async fn ask(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let head = TenantHead::new(&tenant, "overview");
    page(StatusCode::OK, &DeactivatePage { chrome: visit.chrome(format!("Deactivate {}", head.name)), head })
}

/// `POST …/deactivate`.
pub(crate) async fn deactivate(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    set(&state, &visit, &slug, TenantStatus::Inactive).await
}

async fn set(
    state: &ConsoleState,
    visit: &Visit,
    slug: &str,
    status: TenantStatus,
) -> Result<Response, PageError> {
    let tenant = tenant(state, slug).await?;
    if !state.store.platform().set_tenant_status(tenant.id(), status, &visit.context()).await? {
        return Err(PageError::NotFound);
    }
    let done = if status == TenantStatus::Active { "activated" } else { "deactivated" };
    Ok(Redirect::to(&format!("/console/tenants/{slug}?done={done}")).into_response())
}
