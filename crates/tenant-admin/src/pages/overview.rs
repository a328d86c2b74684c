//! A tenant at a glance: what it is, how it stands, and the way to everything that can be set.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Tenant;
use store::{credentials::Credential, tenants::TenantCounts};
use token_service::expiring;

use super::{Done, setup, tenant};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    form::Errors,
    when::Moment,
};

#[derive(Template)]
#[template(path = "overview.html")]
pub(crate) struct OverviewPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) active: bool,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    pub(crate) counts: TenantCounts,
    /// Is there a credential with which an identity provider gets in?
    pub(crate) valid_token: bool,
    /// The credential that ends next: its name, and how urgent that is.
    pub(crate) next_end: Option<(String, Badge)>,
    /// Version of the tenant's own profile.
    pub(crate) profile_version: i32,
    /// What the product calls a tenant's organization, and which one it is.
    pub(crate) organization: Option<(String, Option<String>)>,
    /// Properties of the account that are set: title and value.
    pub(crate) properties: Vec<(String, String)>,
    pub(crate) errors: Errors,
}

/// `GET /console/tenants/{slug}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let notice = match query.done.as_str() {
        "created" => Some("The tenant is made. Activate it when its identity provider may connect."),
        "activated" => Some("The tenant is active: its identity provider is served."),
        "deactivated" => Some("The tenant is inactive: its identity provider is answered 403."),
        _ => None,
    };
    let shown = overview(&state, &visit, &tenant).await?;
    page(StatusCode::OK, &OverviewPage { notice, ..shown })
}

/// The page with what stands in the way of a change.
pub(crate) async fn refused(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    status: StatusCode,
    problem: &str,
) -> Result<Response, PageError> {
    let mut shown = overview(state, visit, tenant).await?;
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    shown.errors.add_told(&[], problem);
    page(status, &shown)
}

async fn overview(state: &ConsoleState, visit: &Visit, tenant: &Tenant) -> Result<OverviewPage, PageError> {
    let now = state.store.now();
    let credentials = state.tokens.list(tenant.id()).await?;
    let properties = tenant
        .profile
        .gates
        .iter()
        .filter_map(|gate| Some((gate.title.clone(), tenant.row.properties.get(&gate.name)?.clone())));
    let organization = tenant.profile.organization.as_ref();
    let head = TenantHead::new(tenant, "overview");
    Ok(OverviewPage {
        chrome: visit.chrome(head.name.clone()),
        active: tenant.is_active(),
        notice: None,
        counts: state.store.platform().tenant_counts(tenant.id()).await?,
        valid_token: credentials.iter().any(|credential| setup::provisions(credential, now)),
        next_end: next_end(&credentials, now),
        profile_version: tenant.row.profile_version,
        organization: organization.map(|kind| (kind.title.clone(), tenant.row.organization.clone())),
        properties: properties.collect(),
        errors: Errors::default(),
        head,
    })
}

/// The credential of an identity provider that ends next: its name, and when.
pub(crate) fn next_end(credentials: &[Credential], now: i64) -> Option<(String, Badge)> {
    let next = expiring::next(credentials, now)?;
    let ends_at = next.expires_at?;
    let kind = expiring::step(ends_at, now).map_or("quiet", setup::urgency);
    let name = next.login.clone().unwrap_or_else(|| next.name.clone());
    Some((name, Badge::new(kind, Moment::new(ends_at, now).relative)))
}
