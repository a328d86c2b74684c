//! The list of tenants.

use std::collections::HashMap;

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use store::{
    TenantId,
    activity::Milestone,
    tenants::{Listed, Summary, TenantFilter, TenantStatus},
};
use token_service::expiring;

use super::{new_tenant, setup};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, count, page},
    error::PageError,
    extract::{Parameters, Visit},
    pager::{PAGE_SIZE, Pager, page_number},
    when::Moment,
};

/// Address of the list.
pub(crate) const PATH: &str = "/console/tenants";

#[derive(Template)]
#[template(path = "tenants.html")]
pub(crate) struct TenantsPage {
    pub(crate) chrome: Chrome,
    pub(crate) search: String,
    /// `active`, `inactive` or nothing.
    pub(crate) status: String,
    /// Name of a profile, or nothing.
    pub(crate) profile: String,
    /// Profiles to choose from: name and title.
    pub(crate) profiles: Vec<(String, String)>,
    pub(crate) rows: Vec<Row>,
    pub(crate) pager: Pager,
    /// For the live region: `3 tenants`.
    pub(crate) summary: String,
}

/// A tenant in the list.
pub(crate) struct Row {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) product: String,
    pub(crate) status: Badge,
    pub(crate) users: u64,
    /// `None`: the product has no groups.
    pub(crate) groups: Option<u64>,
    /// The last call of its identity provider.
    pub(crate) heard: Option<Moment>,
    /// How its credentials stand.
    pub(crate) credential: Badge,
}

/// Query of a list page.
#[derive(Deserialize)]
pub(crate) struct ListParameters {
    /// What to look for.
    #[serde(default)]
    pub(crate) q: String,
    /// From 1.
    pub(crate) page: Option<String>,
    /// Of users: `inactive`, `deleted`, or else those who are active. Of tenants: `active`, `inactive`, or else all.
    #[serde(default)]
    pub(crate) status: String,
    /// Of tenants: name of a profile.
    #[serde(default)]
    pub(crate) profile: String,
}

impl ListParameters {
    /// What to look for, cut to a sane length.
    pub(crate) fn search(&self) -> String {
        self.q.trim().chars().filter(|letter| !letter.is_control()).take(100).collect()
    }
}

impl TenantsPage {
    /// Is the list cut by anything?
    pub(crate) fn filtered(&self) -> bool {
        !(self.search.is_empty() && self.status.is_empty() && self.profile.is_empty())
    }
}

/// `GET /console/tenants`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<ListParameters>,
) -> Result<Response, PageError> {
    let search = query.search();
    let (word, status) = match query.status.as_str() {
        "active" => ("active", Some(TenantStatus::Active)),
        "inactive" => ("inactive", Some(TenantStatus::Inactive)),
        _ => ("", None),
    };
    let profiles: Vec<(String, String)> = new_tenant::products();
    let profile = profiles.iter().find(|(name, _)| *name == query.profile).map(|(name, _)| name.clone());
    let number = page_number(query.page.as_deref());
    let given_to = (!visit.admin.reaches_all()).then_some(visit.admin.id);
    let filter = TenantFilter { given_to, search: search.clone(), status, profile: profile.clone() };
    let (platform, offset) = (state.store.platform(), (number - 1) * PAGE_SIZE);
    let found = platform.list_tenants(&filter, offset, PAGE_SIZE).await?;
    let rows = rows(&state, &found.items).await?;
    let profile = profile.unwrap_or_default();
    let parameters = [("q", search.as_str()), ("status", word), ("profile", profile.as_str())];
    let pager = Pager::new(PATH, &parameters, number, rows.len(), found.total);
    let summary = count(found.total, "tenant");
    let chrome = visit.chrome("Tenants");
    page(
        StatusCode::OK,
        &TenantsPage { chrome, search, status: word.to_owned(), profile, profiles, rows, pager, summary },
    )
}

/// Two statements for a page, however many tenants there are.
async fn rows(state: &ConsoleState, listed: &[Listed]) -> Result<Vec<Row>, PageError> {
    let (platform, now) = (state.store.platform(), state.store.now());
    let ids: Vec<TenantId> = listed.iter().map(|tenant| tenant.id).collect();
    let calls = [Milestone::Call];
    let (summaries, heard) =
        tokio::try_join!(platform.tenant_summaries(&ids), platform.heard_from_tenants(&calls))?;
    let heard: HashMap<TenantId, i64> =
        heard.into_iter().map(|(tenant, heard)| (tenant, heard.last_at)).collect();
    let row = |tenant: &Listed| {
        let summary = summaries.get(&tenant.id).copied().unwrap_or_default();
        row(tenant, summary, heard.get(&tenant.id).copied(), now)
    };
    Ok(listed.iter().map(row).collect())
}

fn row(tenant: &Listed, summary: Summary, called: Option<i64>, now: i64) -> Row {
    let product = new_tenant::product(&tenant.profile_name);
    // The use of a credential is noted on its own, and was before calls were counted.
    let heard = called.max(summary.last_used);
    Row {
        slug: tenant.slug.clone(),
        name: tenant.name.clone(),
        product: product.map_or_else(|| tenant.profile_name.clone(), |profile| profile.title.clone()),
        status: Badge::active(tenant.status == TenantStatus::Active),
        users: summary.users,
        groups: product.is_none_or(|profile| profile.group.is_some()).then_some(summary.groups),
        heard: heard.map(|at| Moment::new(at, now)),
        credential: credential(summary, now),
    }
}

/// How the credentials of a tenant stand, in a word.
fn credential(summary: Summary, now: i64) -> Badge {
    match summary.next_end {
        _ if summary.credentials == 0 => Badge::new("quiet", "No credential"),
        _ if summary.live == 0 => Badge::new("bad", "No live credential"),
        Some(end) => {
            let kind = expiring::step(end, now).map_or("ok", setup::urgency);
            Badge::new(kind, format!("Ends {}", Moment::new(end, now).relative))
        }
        None => Badge::new("ok", "Does not end"),
    }
}
