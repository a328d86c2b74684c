//! The groups of a tenant, with the role that each gives.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Query, Request, Shown, Tenant};
use scim_core::projection::Projection;
use serde_json::Value;
use store::{ChangeContext, GroupId};

use super::{
    roles::{Why, why},
    tenant,
    tenants::ListParameters,
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    pager::{PAGE_SIZE, Pager, page_number},
};

#[derive(Template)]
#[template(path = "groups.html")]
pub(crate) struct GroupsPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) search: String,
    pub(crate) rows: Vec<GroupRow>,
    pub(crate) pager: Pager,
    pub(crate) summary: String,
    pub(crate) prefix: Option<String>,
}

/// A group in the list.
pub(crate) struct GroupRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Direct members, users and groups.
    pub(crate) members: String,
    /// Roles that it gives, and why; or why none.
    pub(crate) why: Why,
}

/// `GET …/groups`; 404 where the product has no groups.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(query): Parameters<ListParameters>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let search = query.search();
    let number = page_number(query.page.as_deref());
    let (rows, total) = list(&state, &tenant, &visit.context(), &search, number).await?;
    let path = format!("/console/tenants/{slug}/groups");
    let pager = Pager::new(&path, &[("q", &search)], number, rows.len(), total);
    let head = TenantHead::new(&tenant, "groups");
    let chrome = visit.chrome(format!("Groups · {}", head.name));
    let prefix = tenant.profile.roles.prefix.clone();
    let summary = count(total, "group");
    page(StatusCode::OK, &GroupsPage { chrome, head, search, rows, pager, summary, prefix })
}

async fn list(
    state: &ConsoleState,
    tenant: &Tenant,
    context: &ChangeContext,
    search: &str,
    number: u64,
) -> Result<(Vec<GroupRow>, u64), PageError> {
    let base_url = tenant.base_url(&state.public_url);
    let projection = Projection { attributes: None, excluded: vec!["members".to_owned()] };
    let request = Request { tenant, context, base_url: &base_url, projection: &projection };
    let query = Query {
        filter: (!search.is_empty()).then(|| format!("displayName co {}", Value::from(search))),
        sort_by: Some("displayName".to_owned()),
        descending: false,
        start_index: (number - 1) * PAGE_SIZE + 1,
        count: PAGE_SIZE,
        ..Query::default()
    };
    let found = state.provisioner.groups(request, &query).await?;
    let id = |group: &Shown| group["id"].as_str()?.parse().ok();
    let ids: Vec<GroupId> = found.resources.iter().filter_map(id).collect();
    let members = state.store.tenant(tenant.id()).member_counts(&ids).await?;
    let row = |group: &Shown| {
        let count = id(group).and_then(|id| members.get(&id)).copied().unwrap_or_default();
        GroupRow {
            id: group["id"].as_str().unwrap_or_default().to_owned(),
            name: group["displayName"].as_str().unwrap_or_default().to_owned(),
            members: format!("{}{}", count.count, if count.more { "+" } else { "" }),
            why: why_of(tenant, group),
        }
    };
    Ok((found.resources.iter().map(row).collect(), found.total))
}

/// The roles that a group gives, by its body.
pub(crate) fn why_of(tenant: &Tenant, group: &Value) -> Why {
    why(tenant, group["displayName"].as_str().unwrap_or_default(), group["externalId"].as_str())
}
