//! Activating a tenant, and deactivating it after a question.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::configuration::{ConfigurationError, ConsolePage};

use super::{overview, tenant};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Segments, Visit},
    rights,
};

#[derive(Template)]
#[template(path = "deactivate.html")]
pub(crate) struct DeactivatePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
}

/// `POST …/activate`: it opens the feature gate, so while the page is not offered it is for operators.
pub(crate) async fn activate(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if !rights::may_open(visit.admin.role) && tenant.console_page_open() != ConsolePage::Open {
        return overview::refused(&state, &visit, &tenant, StatusCode::FORBIDDEN, rights::FOR_OPERATORS)
            .await;
    }
    match state.tenants.activate(&tenant, &visit.context()).await {
        Ok(()) => Ok(done(&slug, "activated")),
        Err(ConfigurationError::Store(error)) => Err(error.into()),
        Err(error) => {
            overview::refused(&state, &visit, &tenant, StatusCode::CONFLICT, &error.to_string()).await
        }
    }
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
    let tenant = tenant(&state, &slug).await?;
    match state.tenants.deactivate(&tenant, &visit.context()).await {
        Ok(()) => Ok(done(&slug, "deactivated")),
        Err(ConfigurationError::Store(error)) => Err(error.into()),
        Err(error) => {
            overview::refused(&state, &visit, &tenant, StatusCode::CONFLICT, &error.to_string()).await
        }
    }
}

fn done(slug: &str, what: &str) -> Response {
    Redirect::to(&format!("/console/tenants/{slug}?done={what}")).into_response()
}
