//! Setup: what the customer's administrator pastes into Okta, and the tenant's tokens.

mod token_form;
mod token_rows;

pub(crate) use token_form::{PRESETS, TokenForm};
pub(crate) use token_rows::{TokenRow, provisions, token_badge, token_rows};

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Tenant;
use scim_core::profile::CredentialKind;
use secrecy::ExposeSecret;
use serde::Deserialize;
use token_service::service::IssueError;

use super::tenant;
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
};

#[derive(Template)]
#[template(path = "setup.html")]
pub(crate) struct SetupPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) active: bool,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    pub(crate) base_urls: Vec<BaseUrl>,
    /// A token made by this very request.
    pub(crate) issued: Option<IssuedToken>,
    pub(crate) tokens: Vec<TokenRow>,
    pub(crate) typed: TokenForm,
    pub(crate) errors: Errors,
    /// First and last day that the form takes: `2026-11-22`.
    pub(crate) days: (String, String),
    /// Does the product sign in with bearer tokens?
    pub(crate) bearer: bool,
    /// Does its guide paste `Bearer` and the token?
    pub(crate) with_bearer: bool,
    /// The product keeps this page closed until the tenant is activated for the first time.
    pub(crate) gated: bool,
    /// Start of the names of groups that give a role.
    pub(crate) prefix: Option<String>,
}

/// An address of the tenant.
pub(crate) struct BaseUrl {
    pub(crate) id: &'static str,
    pub(crate) label: &'static str,
    pub(crate) value: String,
}

/// A token that is shown once.
pub(crate) struct IssuedToken {
    pub(crate) name: String,
    pub(crate) token: String,
}

/// What was just done.
#[derive(Deserialize)]
pub(crate) struct Done {
    #[serde(default)]
    done: String,
}

/// `GET …/setup`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let notice = match query.done.as_str() {
        "revoked" => Some("The token is revoked: the next request with it is refused."),
        _ => None,
    };
    let mut setup = setup_page(&state, &visit, &tenant).await?;
    setup.notice = notice;
    page(StatusCode::OK, &setup)
}

/// `POST …/tokens`: the answer is the only place where the token ever stands.
pub(crate) async fn create_token(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<TokenForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let made = match typed.read(state.store.now()) {
        Ok(new) => issue(&state, &visit, &tenant, new).await?,
        Err(errors) => Err(errors),
    };
    let mut setup = setup_page(&state, &visit, &tenant).await?;
    match made {
        Ok(issued) => {
            setup.issued = Some(issued);
            setup.chrome.title = format!("New token · {}", setup.head.name);
            page(StatusCode::CREATED, &setup)
        }
        Err(errors) => {
            setup.chrome.title = format!("Error: {}", setup.chrome.title);
            (setup.typed, setup.errors) = (typed, errors);
            page(StatusCode::UNPROCESSABLE_ENTITY, &setup)
        }
    }
}

async fn issue(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    new: token_service::NewToken,
) -> Result<Result<IssuedToken, Errors>, PageError> {
    let name = new.name.clone();
    let mut errors = Errors::default();
    match state.tokens.issue(tenant.id(), new, &visit.context()).await {
        Ok(issued) => {
            return Ok(Ok(IssuedToken { name, token: issued.token.expose_secret().to_owned() }));
        }
        Err(IssueError::Unfit(problem)) => errors.add_told(&["name"], &problem),
        Err(IssueError::Store(error)) => return Err(error.into()),
    }
    Ok(Err(errors))
}

async fn setup_page(state: &ConsoleState, visit: &Visit, tenant: &Tenant) -> Result<SetupPage, PageError> {
    let head = TenantHead::new(tenant, "setup");
    Ok(SetupPage {
        chrome: visit.chrome(format!("Setup · {}", head.name)),
        active: tenant.is_active(),
        notice: None,
        base_urls: base_urls(state, tenant),
        issued: None,
        tokens: token_rows(state, tenant).await?,
        typed: TokenForm::fresh(),
        errors: Errors::default(),
        days: token_form::days(state.store.now()),
        bearer: tenant.profile.credentials.contains(&CredentialKind::Bearer),
        with_bearer: tenant.profile.paste_with_bearer,
        gated: tenant.profile.feature_gate && !tenant.row.gate_open,
        prefix: tenant.profile.roles.prefix.clone(),
        head,
    })
}

/// Base URL of a tenant on the shared host, in the form of its product's guide.
pub(crate) fn base_url(state: &ConsoleState, tenant: &Tenant) -> String {
    let origin = state.public_url.origin().ascii_serialization();
    format!("{origin}/t/{}{}", tenant.row.slug, tenant.profile.base_path)
}

fn base_urls(state: &ConsoleState, tenant: &Tenant) -> Vec<BaseUrl> {
    let mut urls = vec![BaseUrl { id: "base-url", label: "Base URL", value: base_url(state, tenant) }];
    if let Some(domain) = &state.tenant_domain {
        let port = match state.public_url.port() {
            Some(port) if !domain.contains(':') => format!(":{port}"),
            _ => String::new(),
        };
        let (scheme, path) = (state.public_url.scheme(), &tenant.profile.base_path);
        let value = format!("{scheme}://{}.{domain}{port}{path}", tenant.row.slug);
        urls.push(BaseUrl { id: "base-url-host", label: "The same, on the tenant's own host", value });
    }
    urls
}
