//! From where a credential may come: its list of networks, to look at and to change.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::Tenant;
use serde::Deserialize;
use store::{CredentialId, credentials::AllowedFrom};
use token_service::{Networks, places::MAX_NETWORKS};

use super::{
    closed,
    setup::{self, TokenRow},
    tenant,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Segments, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "networks.html")]
pub(crate) struct NetworksPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) token: TokenRow,
    pub(crate) typed: NetworksForm,
    pub(crate) errors: Errors,
}

impl NetworksPage {
    /// The most that fit.
    pub(crate) fn most(&self) -> usize {
        MAX_NETWORKS
    }
}

/// What was typed; part of the forms for new credentials, too.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct NetworksForm {
    /// Addresses and CIDR, separated by commas, blanks or line ends.
    pub(crate) networks: String,
    /// Checkbox.
    pub(crate) report_only: Option<String>,
}

impl NetworksForm {
    /// As it is kept.
    fn of(row: &TokenRow) -> Self {
        Self { networks: row.networks.join("\n"), report_only: row.report_only.then(|| "on".to_owned()) }
    }

    /// What it asks for; or what is wrong.
    pub(crate) fn read(&self) -> Result<AllowedFrom, String> {
        let networks: Networks = self.networks.parse()?;
        Ok(AllowedFrom { networks: networks.0, report_only: self.report_only.is_some() })
    }

    /// Is there anything in it?
    pub(crate) fn is_empty(&self) -> bool {
        self.networks.trim().is_empty() && self.report_only.is_none()
    }
}

/// `GET …/tokens/{id}/networks`, `GET …/logins/{id}/networks`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::OK)? {
        return Ok(closed);
    }
    let token = live(&state, &tenant, &id).await?;
    let typed = NetworksForm::of(&token);
    shown(StatusCode::OK, &visit, &tenant, token, typed, Errors::default())
}

/// `POST …/tokens/{id}/networks`, `POST …/logins/{id}/networks`.
pub(crate) async fn save(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Fields(typed): Fields<NetworksForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    let token = live(&state, &tenant, &id).await?;
    let id: CredentialId = id.parse().map_err(|()| PageError::NotFound)?;
    let errors = match typed.read() {
        Ok(allowed) => match state.tokens.allow_from(tenant.id(), id, &allowed, &visit.context()).await {
            Ok(_) => {
                let done = format!("/console/tenants/{slug}/setup?done=networks#{}", token.list());
                return Ok(Redirect::to(&done).into_response());
            }
            Err(error) => setup::unfit(error, &["networks"])?,
        },
        Err(problem) => {
            let mut errors = Errors::default();
            errors.add_told(&["networks"], &format!("networks: {problem}"));
            errors
        }
    };
    shown(StatusCode::UNPROCESSABLE_ENTITY, &visit, &tenant, token, typed, errors)
}

async fn live(state: &ConsoleState, tenant: &Tenant, id: &str) -> Result<TokenRow, PageError> {
    let rows = setup::token_rows(state, tenant).await?;
    rows.into_iter().find(|row| row.id == id && row.live).ok_or(PageError::NotFound)
}

fn shown(
    status: StatusCode,
    visit: &Visit,
    tenant: &Tenant,
    token: TokenRow,
    typed: NetworksForm,
    errors: Errors,
) -> Result<Response, PageError> {
    let mut chrome = visit.chrome(format!("Networks of {}", token.name));
    if !errors.is_empty() {
        chrome.title = format!("Error: {}", chrome.title);
    }
    page(status, &NetworksPage { chrome, head: TenantHead::new(tenant, "setup"), token, typed, errors })
}
