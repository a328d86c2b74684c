//! A tenant at a glance: what it is, how it stands, and the way to everything that can be set.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Tenant, configuration::ConsolePage};
use serde::Deserialize;
use store::{
    activity::{HOUR, Milestone, Traffic, hour_of},
    credentials::Credential,
    tenants::TenantCounts,
};
use token_service::expiring;

use super::{delivery::Kept, domains, setup, tenant};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    findings::{self, Finding},
    form::Errors,
    health::{Health, Known, Next, what_failed},
    plot::{Plot, Span},
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
    /// How its connection stands.
    pub(crate) health: Health,
    /// What it tells by what it does not do.
    pub(crate) findings: Vec<Finding>,
    /// Where the next step is taken: what to press, and where it leads; `None`: on this page, or nowhere.
    pub(crate) next: Option<(&'static str, String)>,
    /// The last request that was answered well.
    pub(crate) success: Option<Moment>,
    /// The last one that failed: when, what, and its request id.
    pub(crate) failure: Option<(Moment, String, String)>,
    /// Base URLs on host names of its own, for those who may see connection data.
    pub(crate) own_urls: Vec<String>,
    /// Why the page with the connection data is not offered, for those who would use it; empty: it is.
    pub(crate) closed: Vec<String>,
    pub(crate) plot: Plot,
    /// How soon its changes were with the application, in the time of the plot.
    pub(crate) kept: Kept,
    /// Address of the page, for the spans of the plot.
    pub(crate) plot_path: String,
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

/// Query of the page.
#[derive(Deserialize)]
pub(crate) struct OverviewParameters {
    #[serde(default)]
    done: String,
    /// `24h`, `7d` or `30d`.
    #[serde(default)]
    span: String,
}

/// `GET /console/tenants/{slug}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<OverviewParameters>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let notice = match query.done.as_str() {
        "created" => Some("The tenant is made. Activate it when its identity provider may connect."),
        "activated" => Some("The tenant is active: its identity provider is served."),
        "restored" => {
            Some("The tenant is restored as it was. Activate it when its identity provider may connect.")
        }
        "deactivated" => Some("The tenant is inactive: its identity provider is answered 403."),
        _ => None,
    };
    let shown = overview(&state, &visit, &tenant, Span::of(&query.span)).await?;
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
    let mut shown = overview(state, visit, tenant, Span::Day).await?;
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    shown.errors.add_told(&[], problem);
    page(status, &shown)
}

async fn overview(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    span: Span,
) -> Result<OverviewPage, PageError> {
    let now = state.store.now();
    let scope = state.store.tenant(tenant.id());
    let credentials = state.tokens.list(tenant.id()).await?;
    let heard = scope.heard().await?;
    let (from, until) = span.bounds(now);
    let day = hour_of(now) + HOUR - 24 * HOUR;
    let hours = scope.traffic(from.min(day), until).await?;
    let delivered = scope.delivery_hours(from, until).await?;
    let mut traffic = Traffic::default();
    hours.iter().filter(|hour| hour.hour >= day).for_each(|hour| traffic.add(&hour.traffic));
    let valid_token = credentials.iter().any(|credential| setup::provisions(credential, now));
    let active = tenant.is_active();
    let known = Known { active, credential: valid_token, heard: &heard, traffic, now };
    let health = known.health();
    let failure = known.reached(Milestone::Failure);
    let counts = state.store.platform().tenant_counts(tenant.id()).await?;
    let mut findings = findings::of(tenant, &heard, counts.users > 0, &credentials, now);
    let properties = tenant
        .profile
        .gates
        .iter()
        .filter_map(|gate| Some((gate.title.clone(), tenant.row.properties.get(&gate.name)?.clone())));
    let organization = tenant.profile.organization.as_ref();
    let head = TenantHead::new(tenant, "overview");
    let chrome = visit.chrome(head.name.clone());
    findings.retain(|finding| chrome.manages() || finding.is_open());
    let own_urls = if chrome.manages() { domains::own_base_urls(state, tenant).await? } else { Vec::new() };
    let feature_off = tenant.profile.feature_gate && !tenant.row.gate_open;
    let mut closed = match tenant.console_page_open() {
        ConsolePage::Hidden { reasons } if chrome.manages() => reasons,
        _ => Vec::new(),
    };
    // The first reason sends others to the support, who are the operators.
    if let Some(reason) = closed.first_mut().filter(|_| feature_off && chrome.opens()) {
        "Activating the tenant turns it on.".clone_into(reason);
    }
    Ok(OverviewPage {
        own_urls,
        next: next_step(health.next, &chrome, &head, feature_off),
        closed,
        success: known.reached(Milestone::Success).map(|heard| Moment::new(heard.last_at, now)),
        failure: failure.map(|failure| {
            (Moment::new(failure.last_at, now), what_failed(failure), failure.last_request_id.clone())
        }),
        kept: Kept::of(&delivered),
        plot: Plot::new(span, &hours, now),
        plot_path: format!("/console/tenants/{}", head.slug),
        health,
        findings,
        chrome,
        active,
        notice: None,
        counts,
        valid_token,
        next_end: next_end(&credentials, now),
        profile_version: tenant.row.profile_version,
        organization: organization.map(|kind| (kind.title.clone(), tenant.row.organization.clone())),
        properties: properties.collect(),
        errors: Errors::default(),
        head,
    })
}

/// Where the next step is taken, for who may take it.
fn next_step(
    next: Next,
    chrome: &Chrome,
    head: &TenantHead,
    feature_off: bool,
) -> Option<(&'static str, String)> {
    let tenant = format!("/console/tenants/{}", head.slug);
    let setup = chrome.manages() && head.page_open;
    match next {
        Next::Credential if setup => Some(("Make a credential", format!("{tenant}/setup"))),
        Next::Connect if setup => Some(("Connect the identity provider", format!("{tenant}/setup"))),
        // Without the page there is nowhere to make one. A feature gate is opened by activating, a button of this page.
        Next::Credential | Next::Connect if !head.page_open && chrome.opens() && !feature_off => {
            Some(("Set the account’s properties", format!("{tenant}/settings")))
        }
        Next::Failures if chrome.manages() => {
            Some(("See what fails", format!("{tenant}/activity?outcome=failed")))
        }
        // Activating is a button of this page.
        Next::Nothing | Next::Activate | Next::Credential | Next::Connect | Next::Failures => None,
    }
}

/// The credential of an identity provider that ends next: its name, and when.
pub(crate) fn next_end(credentials: &[Credential], now: i64) -> Option<(String, Badge)> {
    let next = expiring::next(credentials, now)?;
    let ends_at = next.expires_at?;
    let kind = expiring::step(ends_at, now).map_or("quiet", setup::urgency);
    let name = next.login.clone().unwrap_or_else(|| next.name.clone());
    Some((name, Badge::new(kind, Moment::new(ends_at, now).relative)))
}
