//! Setup: what the customer's administrator pastes into their identity provider and how far that has come, and the
//! tenant's credentials.

pub(crate) mod address;
mod clients;
pub(crate) mod connection;
mod credentials;
pub(crate) mod links;
pub(crate) mod live;
pub(crate) mod progress;
mod refusals;
pub(crate) mod token_form;
mod token_rows;

pub(crate) use clients::{ClientForm, IssuedClient, create_client};
#[cfg(test)]
pub(crate) use credentials::RotationRow;
pub(crate) use credentials::{Credentials, IssuedLogin, IssuedToken, LoginForm};
#[cfg(test)]
pub(crate) use refusals::RefusalRow;
pub(crate) use refusals::Refusals;
pub(crate) use token_form::TokenForm;
pub(crate) use token_rows::{TokenRow, is_live, provisions, token_badge, token_rows, urgency};

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Tenant;
use scim_core::profile::CredentialKind;
use secrecy::ExposeSecret;
use serde::Deserialize;
use token_service::{NewBasic, scopes, service::IssueError};

use connection::Connection;
use links::SetupLinks;

use super::{closed, tenant};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
    rights,
};

#[derive(Template)]
#[template(path = "setup.html")]
pub(crate) struct SetupPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) active: bool,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    pub(crate) connection: Connection,
    pub(crate) credentials: Credentials,
    pub(crate) errors: Errors,
    /// What the product calls a tenant's organization, and which one it is.
    pub(crate) organization: Option<(String, Option<String>)>,
    /// Name of a token that is made by one press.
    pub(crate) quick_name: String,
    /// Start of the names of groups that give a role.
    pub(crate) prefix: Option<String>,
    pub(crate) refusals: Refusals,
    /// Links for people without an account; `None`: they are not for this person.
    pub(crate) links: Option<SetupLinks>,
}

/// What the address asks for.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    /// What was just done.
    done: String,
    /// Word of an identity provider.
    #[serde(rename = "for")]
    provider: Option<String>,
}

/// `GET …/setup`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<Asked>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::OK)? {
        return Ok(closed);
    }
    let notice = match query.done.as_str() {
        "networks" => Some("The networks are saved: they hold for the next request."),
        "updated" => Some("The configuration is updated."),
        "revoked" => Some("The token is revoked: the next request with it is refused."),
        "revoked-client" => Some("The client is revoked: its access tokens are refused from now on."),
        "revoked-link" => Some("The link is revoked, and whoever came by it is signed out."),
        "revoked-login" => Some("The user name is revoked: the next request with it is refused."),
        _ => None,
    };
    let mut setup = page_for(&state, &visit, &tenant, query.provider.as_deref()).await?;
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
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    takes(&tenant, CredentialKind::Bearer)?;
    let longest = state.tokens.longest(tenant.row.credential_days);
    let made = match typed.read(state.store.now(), longest) {
        Ok(new) => issue(&state, &visit, &tenant, new).await?,
        Err(errors) => Err(errors),
    };
    let mut setup = setup_page(&state, &visit, &tenant).await?;
    match made {
        Ok(issued) => setup.with_token(issued),
        Err(errors) => {
            setup.credentials.typed_token = typed;
            setup.with_errors(errors)
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
    match state.tokens.issue(tenant.id(), new, &visit.context()).await {
        Ok(issued) => Ok(Ok(IssuedToken { name, token: issued.token.expose_secret().to_owned(), old: None })),
        Err(error) => unfit(error, &["name", "networks"]).map(Err),
    }
}

/// `POST …/logins`: the answer is the only place where the password ever stands.
pub(crate) async fn create_login(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<LoginForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if let Some(closed) = closed::instead(&visit, &tenant, StatusCode::FORBIDDEN)? {
        return Ok(closed);
    }
    takes(&tenant, CredentialKind::Basic)?;
    let username = typed.username.trim().to_owned();
    let made = match typed.places().read() {
        Ok(allowed_from) => {
            let scope = scopes::DEFAULT.to_owned();
            let new = NewBasic { username, name: None, scope, expires_at: None, allowed_from };
            state.tokens.create_basic(tenant.id(), new, &visit.context()).await
        }
        Err(problem) => Err(IssueError::Unfit(format!("networks: {problem}"))),
    };
    let mut setup = setup_page(&state, &visit, &tenant).await?;
    match made {
        Ok(issued) => {
            let username = issued.credential.login.unwrap_or_default();
            let password = issued.password.expose_secret().to_owned();
            setup.credentials.issued_login = Some(IssuedLogin { username, password });
            setup.chrome.title = format!("New user name · {}", setup.head.name);
            page(StatusCode::CREATED, &setup)
        }
        Err(error) => {
            setup.credentials.typed_login = typed;
            setup.with_errors(unfit(error, &["username", "networks"])?)
        }
    }
}

/// Refuses to make what the tenant's profile would not let in; its page has no form for that.
pub(crate) fn takes(tenant: &Tenant, kind: CredentialKind) -> Result<(), PageError> {
    if tenant.profile.credentials.contains(&kind) {
        return Ok(());
    }
    Err(PageError::BadRequest(
        "The tenant's profile does not take this kind of credential. Go back and load the page again.",
    ))
}

/// What is wrong with what was asked for, beside its field; other faults are the page's.
pub(crate) fn unfit(error: IssueError, fields: &[&'static str]) -> Result<Errors, PageError> {
    match error {
        IssueError::Unfit(problem) | IssueError::Taken(problem) => {
            let mut errors = Errors::default();
            errors.add_told(fields, &problem);
            Ok(errors)
        }
        IssueError::Store(error) => Err(error.into()),
    }
}

impl SetupPage {
    /// The page with a token that was just made.
    pub(crate) fn with_token(mut self, issued: IssuedToken) -> Result<Response, PageError> {
        self.credentials.issued_token = Some(issued);
        self.chrome.title = format!("New token · {}", self.head.name);
        page(StatusCode::CREATED, &self)
    }

    /// The page with what is wrong with a form of it.
    pub(crate) fn with_errors(mut self, errors: Errors) -> Result<Response, PageError> {
        self.chrome.title = format!("Error: {}", self.chrome.title);
        self.errors = errors;
        page(StatusCode::UNPROCESSABLE_ENTITY, &self)
    }
}

/// The page of a tenant with nothing made and nothing typed.
pub(crate) async fn setup_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
) -> Result<SetupPage, PageError> {
    page_for(state, visit, tenant, None).await
}

async fn page_for(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    asked: Option<&str>,
) -> Result<SetupPage, PageError> {
    let home = format!("/console/tenants/{}/setup", tenant.row.slug);
    let links = match rights::may_operate(visit.admin.role) {
        true => Some(SetupLinks::of(state, tenant).await?),
        false => None,
    };
    let connection = Connection::of(state, tenant, asked, &home).await?;
    let mut credentials = Credentials::of(state, tenant).await?;
    credentials.with_bearer = connection.connect.with_bearer;
    let head = TenantHead::new(tenant, "setup");
    let organization = tenant.profile.organization.as_ref();
    Ok(SetupPage {
        chrome: visit.chrome(format!("{} · {}", head.page, head.name)),
        active: tenant.is_active(),
        notice: None,
        connection,
        credentials,
        errors: Errors::default(),
        organization: organization.map(|kind| (kind.title.clone(), tenant.row.organization.clone())),
        quick_name: quick_name(&head.page, state.store.now()),
        prefix: tenant.profile.roles.prefix.clone(),
        refusals: Refusals::of(state, tenant).await?,
        links,
        head,
    })
}

/// Names of live tokens are unique, so this one says when.
fn quick_name(page: &str, now: i64) -> String {
    let at = scim_core::timestamp::to_rfc3339(now);
    let (day, time) = at.split_once('T').unwrap_or((&at, ""));
    format!("{page} {day} {}", time.get(..8).unwrap_or(time))
}
