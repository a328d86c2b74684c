//! Entra ID without a secret token: whose own tokens a tenant takes.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use scim_core::profile::CredentialKind;
use serde::Deserialize;
use token_service::{
    federation::{ENTRA_AUDIENCE, NewFederation},
    scopes,
};

use super::{
    Done, closed,
    setup::{is_live, takes, token_badge, unfit},
    tenant,
};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
    when::Moment,
};

#[derive(Template)]
#[template(path = "federation.html")]
pub(crate) struct FederationPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) active: bool,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// The issuer's keys could not be fetched when its tokens were just allowed: why.
    pub(crate) no_keys: Option<String>,
    pub(crate) base_url: String,
    /// `aud` of Entra's custom apps.
    pub(crate) audience: &'static str,
    pub(crate) current: Option<Trusted>,
    pub(crate) typed: FederationForm,
    pub(crate) errors: Errors,
}

/// Whose tokens are taken.
pub(crate) struct Trusted {
    /// Id of the credential.
    pub(crate) id: String,
    pub(crate) directory: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) keys_url: Option<String>,
    pub(crate) scope: String,
    pub(crate) state: Badge,
    /// Not expired: it can be revoked.
    pub(crate) live: bool,
    pub(crate) used: Option<Moment>,
    /// Address and user agent of the last use.
    pub(crate) used_from: String,
}

/// What was typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct FederationForm {
    pub(crate) directory: String,
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) keys_url: String,
}

impl FederationForm {
    /// Is something typed that Entra ID does not need?
    pub(crate) fn is_particular(&self) -> bool {
        [&self.issuer, &self.audience, &self.keys_url].into_iter().any(|text| !text.trim().is_empty())
    }
}

/// Fields that a problem may be about.
const FIELDS: [&str; 4] = ["directory", "issuer", "audience", "keys-url"];

/// `GET …/federation`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::OK)? {
        return Ok(closed);
    }
    let mut shown = federation_page(&state, &visit, &tenant).await?;
    shown.notice = (query.done == "set").then_some("Tokens of this directory are taken from now on.");
    page(StatusCode::OK, &shown)
}

/// `POST …/federation`.
pub(crate) async fn set(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<FederationForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    takes(&tenant, CredentialKind::Bearer)?;
    let new = NewFederation {
        directory: typed.directory.clone(),
        issuer: Some(typed.issuer.clone()),
        audience: Some(typed.audience.clone()),
        keys_url: Some(typed.keys_url.clone()),
        scope: scopes::DEFAULT.to_owned(),
        expires_at: None,
        allowed_from: Default::default(),
    };
    match state.tokens.set_federation(tenant.id(), new, &visit.context()).await {
        Ok(set) => match set.keys {
            Ok(_) => {
                Ok(Redirect::to(&format!("/console/tenants/{slug}/federation?done=set")).into_response())
            }
            Err(reason) => {
                let mut shown = federation_page(&state, &visit, &tenant).await?;
                shown.no_keys = Some(reason);
                page(StatusCode::OK, &shown)
            }
        },
        Err(error) => {
            let errors = unfit(error, &FIELDS)?;
            let mut shown = federation_page(&state, &visit, &tenant).await?;
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            (shown.typed, shown.errors) = (typed, errors);
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
    }
}

async fn federation_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &provisioning::Tenant,
) -> Result<FederationPage, PageError> {
    let now = state.store.now();
    let found = state.tokens.federation(tenant.id()).await?;
    let current = found.map(|(credential, federation)| Trusted {
        id: credential.id.to_string(),
        directory: federation.directory.to_string(),
        issuer: federation.issuer,
        audience: federation.audience,
        keys_url: federation.keys_url,
        state: token_badge(&credential, now),
        live: is_live(&credential, now),
        used: credential.last_used_at.map(|at| Moment::new(at, now)),
        used_from: credential.last_used_from.unwrap_or_default(),
        scope: credential.scope,
    });
    let head = TenantHead::new(tenant, "setup");
    Ok(FederationPage {
        chrome: visit.chrome(format!("Entra ID without a secret token · {}", head.name)),
        active: tenant.is_active(),
        notice: None,
        no_keys: None,
        base_url: tenant.base_url(&state.public_url),
        audience: ENTRA_AUDIENCE,
        current,
        typed: FederationForm::default(),
        errors: Errors::default(),
        head,
    })
}
