//! One group: its members, the role that its name gives, its history.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::Request;
use scim_core::projection::Projection;
use serde::Deserialize;
use store::GroupId;

use super::{
    groups::{members_filter, roles_of, why_none},
    setup, tenant,
    user::{
        HISTORY,
        attributes::{self, Section},
        history::{Entry, timeline},
        moment, pretty,
    },
    users::{self, UserRow},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    pager::{Pager, page_number},
    when::Moment,
};

#[derive(Template)]
#[template(path = "group.html")]
pub(crate) struct GroupPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) id: String,
    pub(crate) name: String,
    /// Roles that it gives; empty: none.
    pub(crate) roles: Vec<String>,
    /// Does any group of the product give roles?
    pub(crate) gives_roles: bool,
    /// Why it gives none, where it gives none.
    pub(crate) why_none: String,
    pub(crate) members: Vec<UserRow>,
    pub(crate) pager: Pager,
    pub(crate) summary: String,
    pub(crate) sections: Vec<Section>,
    pub(crate) history: Vec<Entry>,
    pub(crate) created: Option<Moment>,
    pub(crate) modified: Option<Moment>,
    pub(crate) version: String,
    pub(crate) location: String,
    pub(crate) raw: String,
}

/// Which page of the members.
#[derive(Deserialize)]
pub(crate) struct MembersPage {
    page: Option<String>,
}

/// `GET …/groups/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Parameters(query): Parameters<MembersPage>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let _: GroupId = id.parse().map_err(|()| PageError::NotFound)?;
    let (base_url, context) = (setup::base_url(&state.public_url, &tenant), visit.context());
    // Members are read a page at a time: a group may have very many.
    let projection = Projection { attributes: None, excluded: vec!["members".to_owned()] };
    let request =
        Request { tenant: &tenant, context: &context, base_url: &base_url, projection: &projection };
    let group = state.provisioner.group(request, &id).await?;
    let number = page_number(query.page.as_deref());
    let list = users::list(&state, &tenant, &context, Some(members_filter(&id)), number).await?;
    let now = state.store.now();
    let history = timeline(state.store.tenant(tenant.id()).audit(Some(&id), HISTORY).await?, now);
    let body = group.body;
    let name = body["displayName"].as_str().unwrap_or_default().to_owned();
    let head = TenantHead::new(&tenant, "groups");
    let path = format!("/console/tenants/{slug}/groups/{id}");
    let sections =
        tenant.profile.group.as_ref().map(|group| attributes::sections(group, &body)).unwrap_or_default();
    let shown = GroupPage {
        chrome: visit.chrome(format!("{name} · {}", head.name)),
        head,
        roles: roles_of(&tenant, &body),
        gives_roles: tenant.profile.roles.gives_roles(),
        why_none: why_none(&tenant),
        pager: Pager::new(&path, &[], number, list.rows.len(), list.total),
        summary: count(list.total, "user"),
        members: list.rows,
        sections,
        history,
        created: moment(&body["meta"]["created"], now),
        modified: moment(&body["meta"]["lastModified"], now),
        version: group.etag,
        location: group.location,
        raw: pretty(&body),
        id,
        name,
    };
    page(StatusCode::OK, &shown)
}
