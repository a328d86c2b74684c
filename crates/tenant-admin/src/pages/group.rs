//! One group: its members, the roles that it gives and why, its history.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use provisioning::{Request, people::Finding};
use scim_core::projection::Projection;
use serde::Deserialize;
use store::{
    GroupId,
    users::{Bounded, Standing},
};

use super::{
    groups::why_of,
    roles::Why,
    tenant,
    user::{
        Until,
        attributes::{self, Section},
        history::History,
        moment, pretty,
    },
    users::{self, UserRow},
};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    pager::{Step, Walk, numbered},
    when::Moment,
};

#[derive(Template)]
#[template(path = "group.html")]
pub(crate) struct GroupPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) id: String,
    pub(crate) name: String,
    /// Roles that it gives, and why; or why none.
    pub(crate) why: Why,
    /// Does any group of the product give roles?
    pub(crate) gives_roles: bool,
    /// Looked for among the members.
    pub(crate) search: String,
    pub(crate) members: Vec<UserRow>,
    pub(crate) walk: Walk,
    pub(crate) summary: String,
    /// More people fit the search than were looked at.
    pub(crate) cut: bool,
    pub(crate) sections: Vec<Section>,
    pub(crate) history: History,
    pub(crate) created: Option<Moment>,
    pub(crate) modified: Option<Moment>,
    pub(crate) version: String,
    pub(crate) location: String,
    pub(crate) raw: String,
}

/// Whom to look for among the members.
#[derive(Deserialize)]
pub(crate) struct Among {
    #[serde(default)]
    q: String,
}

/// `GET …/groups/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Parameters(Among { q }): Parameters<Among>,
    Parameters(step): Parameters<Step>,
    Parameters(Until { until }): Parameters<Until>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let group_id: GroupId = id.parse().map_err(|()| PageError::NotFound)?;
    let search: String = q.trim().chars().filter(|letter| !letter.is_control()).take(100).collect();
    let (base_url, context) = (tenant.base_url(&state.public_url), visit.context());
    // Members are read a page at a time: a group may have very many.
    let projection = Projection { attributes: None, excluded: vec!["members".to_owned()] };
    let request =
        Request { tenant: &tenant, context: &context, base_url: &base_url, projection: &projection };
    let group = state.provisioner.group(request, &id).await?;
    let finding = Finding {
        text: &search,
        group: Some(group_id),
        place: step.place(),
        count: step.size(),
        ..Finding::default()
    };
    let found = users::find(&state, &tenant, &context, Standing::Live, &finding).await?;
    let body = group.body;
    let name = body["displayName"].as_str().unwrap_or_default().to_owned();
    let head = TenantHead::new(&tenant, "groups");
    let path = format!("/console/tenants/{slug}/groups/{id}");
    let chrome = visit.chrome(format!("{name} · {}", head.name));
    let activity = format!("/console/tenants/{slug}/activity");
    let activity = chrome.manages().then_some(activity.as_str());
    let history = History::of(&state.store, tenant.id(), &id, until.as_deref(), &path, activity).await?;
    let sections =
        tenant.profile.group.as_ref().map(|group| attributes::sections(group, &body)).unwrap_or_default();
    let ids: Vec<&str> = found.users.iter().filter_map(|user| user.rendered.body["id"].as_str()).collect();
    let (beyond, total) = ((found.before, found.after), found.total);
    let walk = Walk::new(&path, &[("q", &search)], &step, &ids, beyond, total);
    let now = state.store.now();
    let shown = GroupPage {
        why: why_of(&tenant, &body),
        gives_roles: tenant.profile.roles.gives_roles(),
        walk,
        summary: numbered(total.unwrap_or(Bounded { count: found.users.len() as u64, more: true }), "user"),
        cut: !found.whole,
        members: users::rows(&state, &tenant, found).await?,
        search,
        sections,
        history,
        created: moment(&body["meta"]["created"], now),
        modified: moment(&body["meta"]["lastModified"], now),
        version: group.etag,
        location: group.location,
        raw: pretty(&body),
        id,
        name,
        chrome,
        head,
    };
    page(StatusCode::OK, &shown)
}
