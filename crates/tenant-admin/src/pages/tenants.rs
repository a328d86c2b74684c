//! The list of tenants.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use store::{credentials::Credential, tenants::TenantRow, tenants::TenantStatus};

use super::{new_tenant, overview, setup};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, count, page},
    error::PageError,
    extract::{Parameters, Visit},
    pager::{PAGE_SIZE, Pager, page_number},
};

#[derive(Template)]
#[template(path = "tenants.html")]
pub(crate) struct TenantsPage {
    pub(crate) chrome: Chrome,
    pub(crate) search: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) pager: Pager,
    /// For the live region: `3 tenants`.
    pub(crate) summary: String,
    /// What the shared host refused, for operators, if there is any.
    pub(crate) refusals: Option<setup::Refusals>,
}

/// A tenant in the list.
pub(crate) struct Row {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) product: String,
    pub(crate) status: Badge,
    pub(crate) users: u64,
    pub(crate) inactive_users: u64,
    /// `None`: the product has no groups.
    pub(crate) groups: Option<u64>,
    pub(crate) token: Badge,
    /// When the next credential ends, if the badge does not say so.
    pub(crate) next_end: Option<String>,
}

/// Query of a list page.
#[derive(Deserialize)]
pub(crate) struct ListParameters {
    /// What to look for.
    #[serde(default)]
    pub(crate) q: String,
    /// From 1.
    pub(crate) page: Option<String>,
}

impl ListParameters {
    /// What to look for, cut to a sane length.
    pub(crate) fn search(&self) -> String {
        self.q.trim().chars().filter(|letter| !letter.is_control()).take(100).collect()
    }
}

/// `GET /console/`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<ListParameters>,
) -> Result<Response, PageError> {
    let search = query.search();
    let number = page_number(query.page.as_deref());
    let (platform, offset) = (state.store.platform(), (number - 1) * PAGE_SIZE);
    let found = if visit.admin.reaches_all() {
        platform.tenants(&search, offset, PAGE_SIZE).await?
    } else {
        platform.tenants_given_to(visit.admin.id, &search, offset, PAGE_SIZE).await?
    };
    let mut rows = Vec::with_capacity(found.items.len());
    for tenant in &found.items {
        rows.push(row(&state, tenant).await?);
    }
    let pager = Pager::new("/console/", &[("q", &search)], number, rows.len(), found.total);
    let summary = count(found.total, "tenant");
    let chrome = visit.chrome("Tenants");
    let refusals = if chrome.founds() { setup::Refusals::shared(&state).await? } else { None };
    page(StatusCode::OK, &TenantsPage { chrome, search, rows, pager, summary, refusals })
}

async fn row(state: &ConsoleState, tenant: &TenantRow) -> Result<Row, PageError> {
    let counts = state.store.platform().tenant_counts(tenant.id).await?;
    let tokens = state.tokens.list(tenant.id).await?;
    let now = state.store.now();
    let badge = token_state(&tokens, now);
    let next_end = overview::next_end(&tokens, now).map(|(_, badge)| badge.text);
    let product = new_tenant::product(&tenant.profile_name);
    Ok(Row {
        slug: tenant.slug.clone(),
        name: tenant.name.clone(),
        product: product.map_or_else(|| tenant.profile_name.clone(), |profile| profile.title.clone()),
        status: Badge::active(tenant.status == TenantStatus::Active),
        users: counts.users,
        inactive_users: counts.users.saturating_sub(counts.active_users),
        groups: product.is_none_or(|profile| profile.group.is_some()).then_some(counts.groups),
        next_end: next_end.filter(|text| !badge.text.ends_with(text.as_str())),
        token: badge,
    })
}

/// The state of the live credential that lasts longest, of those that an identity provider can use.
fn token_state(tokens: &[Credential], now: i64) -> Badge {
    let live = tokens.iter().filter(|token| setup::provisions(token, now));
    match live.max_by_key(|token| token.expires_at.unwrap_or(i64::MAX)) {
        Some(token) => setup::token_badge(token, now),
        None if tokens.is_empty() => Badge::new("quiet", "No credential"),
        None => Badge::new("bad", "No live credential"),
    }
}
