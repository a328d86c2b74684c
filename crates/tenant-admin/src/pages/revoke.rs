//! Revoking a token, a user name or an OAuth client, after a question that names it.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::Tenant;
use serde::Deserialize;
use store::CredentialId;

use super::{
    setup::{self, TokenRow},
    tenant,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
};

#[derive(Template)]
#[template(path = "revoke.html")]
pub(crate) struct RevokePage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) token: TokenRow,
    /// What was typed instead of the slug.
    pub(crate) mistyped: bool,
}

/// The typed slug, asked for when it is the tenant's only live credential.
#[derive(Deserialize)]
pub(crate) struct Confirmation {
    #[serde(default)]
    slug: String,
}

/// `GET …/tokens/{id}/revoke`, and the same below `logins` and `clients`.
pub(crate) async fn ask(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let token = revocable(&state, &tenant, &id).await?;
    question(StatusCode::OK, &visit, &tenant, token, false)
}

/// `POST …/tokens/{id}/revoke`, and the same below `logins` and `clients`.
pub(crate) async fn revoke(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Fields(confirmation): Fields<Confirmation>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let token = revocable(&state, &tenant, &id).await?;
    if token.last_live && confirmation.slug.trim() != slug {
        return question(StatusCode::UNPROCESSABLE_ENTITY, &visit, &tenant, token, true);
    }
    let id: CredentialId = id.parse().map_err(|()| PageError::NotFound)?;
    state.tokens.revoke(tenant.id(), id, &visit.context()).await?;
    let done = match token.list() {
        "logins" => "revoked-login",
        "clients" => "revoked-client",
        _ => "revoked",
    };
    Ok(Redirect::to(&format!("/console/tenants/{slug}/setup?done={done}#{}", token.list())).into_response())
}

async fn revocable(state: &ConsoleState, tenant: &Tenant, id: &str) -> Result<TokenRow, PageError> {
    let rows = setup::token_rows(state, tenant).await?;
    rows.into_iter().find(|row| row.id == id && (row.live || row.ended)).ok_or(PageError::NotFound)
}

fn question(
    status: StatusCode,
    visit: &Visit,
    tenant: &Tenant,
    token: TokenRow,
    mistyped: bool,
) -> Result<Response, PageError> {
    let chrome = visit.chrome(format!("Revoke {}", token.name));
    page(status, &RevokePage { chrome, head: TenantHead::new(tenant, "setup"), token, mistyped })
}
