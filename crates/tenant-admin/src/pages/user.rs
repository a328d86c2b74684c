//! One user, live or deleted: attributes, groups, roles, history, and the raw document.

pub(crate) mod attributes;
pub(crate) mod history;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{DeletedUser, Request, Tenant};
use scim_core::{ScimError, projection::Projection};
use serde_json::Value;
use store::UserId;

use self::{
    attributes::Section,
    history::{Entry, timeline},
};
use super::{Done, setup, tenant, users};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    when::Moment,
};

/// Most entries of a history that a page shows.
pub(crate) const HISTORY: u64 = 50;

#[derive(Template)]
#[template(path = "user.html")]
pub(crate) struct UserPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) user_name: String,
    pub(crate) status: Badge,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    /// Why it was not done.
    pub(crate) problem: Option<String>,
    pub(crate) deleted: Option<Deleted>,
    /// May it be deleted for good?
    pub(crate) erasable: bool,
    pub(crate) sections: Vec<Section>,
    pub(crate) groups: Vec<InGroup>,
    pub(crate) roles: Vec<RoleRow>,
    pub(crate) history: Vec<Entry>,
    pub(crate) created: Option<Moment>,
    pub(crate) modified: Option<Moment>,
    pub(crate) version: String,
    pub(crate) location: String,
    pub(crate) raw: String,
    pub(crate) prefix: Option<String>,
}

/// Of a soft-deleted user.
#[derive(Clone, Debug)]
pub(crate) struct Deleted {
    pub(crate) at: Moment,
    /// When it is purged without anybody; `None`: never.
    pub(crate) purged_from: Option<Moment>,
}

/// A group by id and name.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A group that the user is in.
#[derive(Clone, Debug)]
pub(crate) struct InGroup {
    pub(crate) group: Link,
    /// Through another group, which gives no role.
    pub(crate) indirect: bool,
}

/// A role, and the groups that gave it.
#[derive(Clone, Debug)]
pub(crate) struct RoleRow {
    pub(crate) name: String,
    pub(crate) via: Vec<Link>,
}

/// `GET …/users/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Parameters(Done { done }): Parameters<Done>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let mut shown = user_page(&state, &visit, &tenant, id).await?;
    shown.notice = (done == "restored" && shown.deleted.is_none()).then_some(
        "The user is restored. Groups and roles come back when the identity provider pushes them.",
    );
    page(StatusCode::OK, &shown)
}

/// `POST …/users/{id}/restore`.
pub(crate) async fn restore(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let (base_url, context) = (setup::base_url(&state.public_url, &tenant), visit.context());
    let projection = Projection::default();
    let request =
        Request { tenant: &tenant, context: &context, base_url: &base_url, projection: &projection };
    match state.provisioner.restore_user(request, &id).await {
        Ok(_) => {
            Ok(Redirect::to(&format!("/console/tenants/{slug}/users/{id}?done=restored")).into_response())
        }
        Err(error) if error.status == 409 => {
            let mut shown = user_page(&state, &visit, &tenant, id).await?;
            shown.problem = Some(error.detail);
            page(StatusCode::CONFLICT, &shown)
        }
        Err(error) => Err(error.into()),
    }
}

/// A user, live or soft-deleted, as its pages show it.
pub(crate) async fn user_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    id: String,
) -> Result<UserPage, PageError> {
    let user_id: UserId = id.parse().map_err(|()| PageError::NotFound)?;
    let (base_url, context) = (setup::base_url(&state.public_url, tenant), visit.context());
    let projection = Projection::default();
    let request = Request { tenant, context: &context, base_url: &base_url, projection: &projection };
    let now = state.store.now();
    let (user, deleted) = match state.provisioner.user(request, &id).await {
        Ok(user) => (user, None),
        Err(ScimError { status: 404, .. }) => {
            let DeletedUser { rendered, deleted_at, purged_from } =
                state.provisioner.deleted_user(request, &id).await?;
            let purged_from = purged_from.map(|at| Moment::new(at, now));
            (rendered, Some(Deleted { at: Moment::new(deleted_at, now), purged_from }))
        }
        Err(error) => return Err(error.into()),
    };
    let scope = state.store.tenant(tenant.id());
    let roles = roles(scope.roles_of_user(user_id).await?);
    let history = timeline(scope.audit(Some(&id), HISTORY).await?, now);
    let body = user.body;
    let user_name = body["userName"].as_str().unwrap_or_default().to_owned();
    let name =
        Some(users::display_name(&body)).filter(|name| !name.is_empty()).unwrap_or_else(|| user_name.clone());
    let active = body["active"].as_bool().unwrap_or(true);
    let head = TenantHead::new(tenant, "users");
    Ok(UserPage {
        chrome: visit.chrome(format!("{name} · {}", head.name)),
        head,
        id,
        name,
        user_name,
        status: if deleted.is_some() { Badge::deleted() } else { Badge::active(active) },
        notice: None,
        problem: None,
        erasable: provisioning::may_be_erased(&tenant.profile, active, deleted.is_some()),
        deleted,
        sections: attributes::sections(&tenant.profile.user, &body),
        groups: groups(&body["groups"]),
        roles,
        history,
        created: moment(&body["meta"]["created"], now),
        modified: moment(&body["meta"]["lastModified"], now),
        version: user.etag,
        location: user.location,
        raw: pretty(&body),
        prefix: tenant.profile.roles.prefix.clone(),
    })
}

/// A document as indented JSON.
pub(crate) fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap_or_default()
}

/// An RFC 3339 attribute as a moment.
pub(crate) fn moment(value: &Value, now: i64) -> Option<Moment> {
    scim_core::timestamp::parse(value.as_str()?).map(|at| Moment::new(at, now))
}

fn groups(value: &Value) -> Vec<InGroup> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let groups = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let in_group = |group: &Value| InGroup {
        group: Link { id: text(&group["value"]), name: text(&group["display"]) },
        indirect: group["type"] == "indirect",
    };
    groups.iter().map(in_group).collect()
}

/// Grants come by role, so neighbours belong together.
fn roles(grants: Vec<store::users::RoleGrant>) -> Vec<RoleRow> {
    let mut rows: Vec<(String, RoleRow)> = Vec::new();
    for grant in grants {
        let via = Link { id: grant.via.group.to_string(), name: grant.via.display };
        match rows.iter_mut().find(|(key, _)| *key == grant.role.key) {
            Some((_, row)) => row.via.push(via),
            None => rows.push((grant.role.key, RoleRow { name: grant.role.name, via: vec![via] })),
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}
