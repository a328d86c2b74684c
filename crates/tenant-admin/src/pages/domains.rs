//! Host names of the tenant's own: claimed here, proven by a TXT record, given up.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{Tenant, configuration::ConfigurationError, domains::proof_name};
use serde::Deserialize;
use store::domains::{Domain, MOST};
use url::Url;

use super::{Done, tenant};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
    when::Moment,
};

#[derive(Template)]
#[template(path = "domains.html")]
pub(crate) struct DomainsPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// Its name under the installation's own domain, if tenants have such.
    pub(crate) given: Option<String>,
    pub(crate) rows: Vec<Row>,
    /// Are there as many as a tenant may have?
    pub(crate) full: bool,
    /// What was typed.
    pub(crate) host: String,
    pub(crate) errors: Errors,
}

/// A host name.
pub(crate) struct Row {
    pub(crate) host: String,
    /// Ids of the values to copy.
    pub(crate) ids: (String, String, String),
    pub(crate) state: Badge,
    /// Base URL that it gives.
    pub(crate) base_url: String,
    /// The TXT record that proves it: name and text.
    pub(crate) record: String,
    pub(crate) text: String,
    pub(crate) proven: bool,
    pub(crate) claimed: Moment,
    pub(crate) claimed_by: String,
    pub(crate) checked: Option<Moment>,
    /// What was wrong then.
    pub(crate) problem: Option<String>,
    /// When it is forgotten, or taken away.
    pub(crate) ends: Option<Moment>,
}

/// A host name that was typed.
#[derive(Default, Deserialize)]
pub(crate) struct HostForm {
    #[serde(default)]
    host: String,
}

/// `GET …/domains`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let notice = match query.done.as_str() {
        "added" => Some(
            "The host name is noted. Set its TXT record, then check it: until it is proven it leads nowhere.",
        ),
        "proven" => Some("The host name is proven: it leads to this tenant, in every node within a second."),
        "unproven" => Some("The proof is not there yet. What was found stands beside the name."),
        "removed" => Some("The host name is given up: it leads nowhere any more."),
        _ => None,
    };
    let shown = domains_page(&state, &visit, &tenant).await?;
    page(StatusCode::OK, &DomainsPage { notice, ..shown })
}

/// `POST …/domains`.
pub(crate) async fn add(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<HostForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    match state.tenants.claim_domain(&tenant, &typed.host, &visit.context()).await {
        Ok(_) => Ok(done(&slug, "added")),
        Err(error) => refused(&state, &visit, &tenant, typed, error).await,
    }
}

/// `POST …/domains/check`.
pub(crate) async fn check(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<HostForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    match state.tenants.check_domain(&tenant, &typed.host, &visit.context()).await {
        Ok(domain) if domain.proven_at.is_some() && domain.problem.is_none() => Ok(done(&slug, "proven")),
        Ok(_) => Ok(done(&slug, "unproven")),
        Err(error) => refused(&state, &visit, &tenant, HostForm::default(), error).await,
    }
}

/// `POST …/domains/remove`.
pub(crate) async fn remove(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Fields(typed): Fields<HostForm>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    if state.tenants.remove_domain(&tenant, &typed.host, &visit.context()).await? {
        return Ok(done(&slug, "removed"));
    }
    Err(PageError::NotFound)
}

async fn refused(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    typed: HostForm,
    error: ConfigurationError,
) -> Result<Response, PageError> {
    let problem = match error {
        ConfigurationError::Store(error) => return Err(error.into()),
        other => other.to_string(),
    };
    let mut shown = domains_page(state, visit, tenant).await?;
    shown.errors.add_told(&["host"], &problem);
    shown.chrome.title = format!("Error: {}", shown.chrome.title);
    page(StatusCode::UNPROCESSABLE_ENTITY, &DomainsPage { host: typed.host, ..shown })
}

fn done(slug: &str, what: &str) -> Response {
    Redirect::to(&format!("/console/tenants/{slug}/domains?done={what}")).into_response()
}

async fn domains_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
) -> Result<DomainsPage, PageError> {
    let head = TenantHead::new(tenant, "settings");
    let domains = state.tenants.domains(tenant).await?;
    let now = state.store.now();
    let row = |(number, domain)| Row { ids: ids(number), ..row(&state.public_url, tenant, domain, now) };
    let given = state.tenant_domain.as_ref().map(|domain| format!("{}.{domain}", tenant.row.slug));
    Ok(DomainsPage {
        chrome: visit.chrome(format!("Host names · {}", head.name)),
        notice: None,
        given,
        full: domains.len() as u64 >= MOST,
        rows: domains.into_iter().enumerate().map(row).collect(),
        host: String::new(),
        errors: Errors::default(),
        head,
    })
}

fn row(public_url: &Url, tenant: &Tenant, domain: Domain, now: i64) -> Row {
    let state = match (domain.proven_at, domain.missing_since) {
        (Some(_), None) => Badge::new("ok", "Proven"),
        (Some(_), Some(_)) => Badge::new("bad", "Proof missing"),
        (None, _) => Badge::new("warn", "Not proven"),
    };
    Row {
        ids: ids(0),
        state,
        base_url: base_url(public_url, tenant, &domain.host),
        record: proof_name(&domain.host),
        proven: domain.proven_at.is_some(),
        claimed: Moment::new(domain.created_at, now),
        checked: domain.checked_at.map(|at| Moment::new(at, now)),
        ends: domain.ends_at().map(|at| Moment::new(at, now)),
        host: domain.host,
        text: domain.challenge,
        claimed_by: domain.created_by,
        problem: domain.problem,
    }
}

/// Ids of what can be copied of the name at this place of the list.
pub(crate) fn ids(number: usize) -> (String, String, String) {
    (format!("base-url-{number}"), format!("record-{number}"), format!("text-{number}"))
}

/// Base URL on a host name, with scheme and port of the public URL.
fn base_url(public_url: &Url, tenant: &Tenant, host: &str) -> String {
    let port = public_url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", public_url.scheme(), tenant.profile.base_path)
}

/// Base URLs of the names that the tenant has proven.
pub(crate) async fn own_base_urls(state: &ConsoleState, tenant: &Tenant) -> Result<Vec<String>, PageError> {
    let domains = state.tenants.domains(tenant).await?;
    let proven = domains.into_iter().filter(|domain| domain.proven_at.is_some());
    Ok(proven.map(|domain| base_url(&state.public_url, tenant, &domain.host)).collect())
}
