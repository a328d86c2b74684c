//! The groups of a tenant, with the role that each gives.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Query, Request, Tenant};
use scim_core::{projection::Projection, roles::RuleKind};
use serde_json::Value;
use store::ChangeContext;

use super::{setup, tenant, tenants::ListParameters};
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
    /// Why a group gives no role, where it gives none.
    pub(crate) why_none: String,
}

/// A group in the list.
pub(crate) struct GroupRow {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Users that are direct members.
    pub(crate) users: u64,
    /// Roles that it gives; empty: none.
    pub(crate) roles: Vec<String>,
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
    let (summary, why_none) = (count(total, "group"), why_none(&tenant));
    page(StatusCode::OK, &GroupsPage { chrome, head, search, rows, pager, summary, prefix, why_none })
}

async fn list(
    state: &ConsoleState,
    tenant: &Tenant,
    context: &ChangeContext,
    search: &str,
    number: u64,
) -> Result<(Vec<GroupRow>, u64), PageError> {
    let base_url = setup::base_url(&state.public_url, tenant);
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
    let mut rows = Vec::with_capacity(found.resources.len());
    for group in &found.resources {
        let (id, name) =
            (group["id"].as_str().unwrap_or_default(), group["displayName"].as_str().unwrap_or_default());
        let users = Query { filter: Some(members_filter(id)), start_index: 1, ..Query::default() };
        rows.push(GroupRow {
            id: id.to_owned(),
            name: name.to_owned(),
            users: state.provisioner.users(request, &users).await?.total,
            roles: roles_of(tenant, group),
        });
    }
    Ok((rows, found.total))
}

/// The roles that a group gives, by its body.
pub(crate) fn roles_of(tenant: &Tenant, group: &Value) -> Vec<String> {
    let name = group["displayName"].as_str().unwrap_or_default();
    let roles = tenant.profile.roles_of_group(&tenant.value_sets, name, group["externalId"].as_str());
    roles.into_iter().map(|role| role.name).collect()
}

/// Why a group gives no role, where it gives none.
pub(crate) fn why_none(tenant: &Tenant) -> String {
    match tenant.profile.roles.lines().as_slice() {
        [] => "this product maps no group to a role".to_owned(),
        [line] if line.kind == RuleKind::Prefix => {
            format!("the name does not start with {}", line.wanted)
        }
        _ => "no rule knows the group".to_owned(),
    }
}

/// The SCIM filter for the users that are direct members of a group.
pub(crate) fn members_filter(group: &str) -> String {
    format!("groups[value eq {} and type eq \"direct\"]", Value::from(group))
}
