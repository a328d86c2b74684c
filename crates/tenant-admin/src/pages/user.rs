//! One user, live or deleted: attributes, groups, roles and why, history, the raw document; and what a person does to
//! it: off, on, back again.

pub(crate) mod attributes;
pub(crate) mod history;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use http::StatusCode;
use provisioning::{DeletedUser, Request, Tenant};
use scim_core::{ScimError, profile::DeletePolicy, projection::Projection, roles::Role};
use serde::Deserialize;
use serde_json::Value;
use store::{GroupId, UserId, users::RoleGrant};

use self::{attributes::Section, history::History};
use super::{Done, roles::why, tenant, users};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    when::Moment,
};

/// Groups whose rules are looked up to say why somebody has a role.
const EXPLAINED: usize = 100;

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
    /// May it sign in?
    pub(crate) active: bool,
    /// Can it be deleted, as an identity provider would?
    pub(crate) deletable: bool,
    pub(crate) sections: Vec<Section>,
    pub(crate) groups: Vec<InGroup>,
    pub(crate) roles: Vec<RoleRow>,
    pub(crate) history: History,
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

/// A role, and what gave it.
#[derive(Clone, Debug)]
pub(crate) struct RoleRow {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) via: Vec<Via>,
    /// Did the identity provider assign it to the user itself?
    pub(crate) assigned: bool,
}

/// A group that gave a role.
#[derive(Clone, Debug)]
pub(crate) struct Via {
    pub(crate) group: Link,
    /// By which rule; empty where no rule of the present profile gives it.
    pub(crate) why: String,
}

/// Which part of the history.
#[derive(Deserialize)]
pub(crate) struct Until {
    pub(crate) until: Option<String>,
}

/// `GET …/users/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    Parameters(Done { done }): Parameters<Done>,
    Parameters(Until { until }): Parameters<Until>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let mut shown = user_page(&state, &visit, &tenant, id, until.as_deref()).await?;
    shown.notice = match (done.as_str(), shown.deleted.is_some()) {
        ("restored", false) => {
            Some("The user is restored. Groups and roles come back when the identity provider pushes them.")
        }
        ("deactivated", false) if !shown.active => Some(
            "The user is inactive. The identity provider may turn it on again: take it away from the app there, too.",
        ),
        ("reactivated", false) if shown.active => Some("The user is active again."),
        ("deleted", true) => Some("The user is deleted. The identity provider does not see it any more."),
        _ => None,
    };
    page(StatusCode::OK, &shown)
}

/// `POST …/users/{id}/deactivate`.
pub(crate) async fn deactivate(
    state: State<ConsoleState>,
    visit: Visit,
    segments: Segments<(String, String)>,
) -> Result<Response, PageError> {
    set_active(state, visit, segments, false).await
}

/// `POST …/users/{id}/reactivate`.
pub(crate) async fn reactivate(
    state: State<ConsoleState>,
    visit: Visit,
    segments: Segments<(String, String)>,
) -> Result<Response, PageError> {
    set_active(state, visit, segments, true).await
}

async fn set_active(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
    active: bool,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let (base_url, context) = (tenant.base_url(&state.public_url), visit.context());
    let projection = Projection::default();
    let request =
        Request { tenant: &tenant, context: &context, base_url: &base_url, projection: &projection };
    let done = if active { "reactivated" } else { "deactivated" };
    match state.provisioner.set_active(request, &id, active).await {
        Ok(_) => Ok(Redirect::to(&format!("/console/tenants/{slug}/users/{id}?done={done}")).into_response()),
        // Who no longer fits the profile cannot be turned on; who keeps a protected role cannot be turned off.
        Err(error) if matches!(error.status, 400 | 409) => refused(&state, &visit, &tenant, id, error).await,
        Err(error) => Err(error.into()),
    }
}

/// The user's page with what was not done, and why.
pub(super) async fn refused(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    id: String,
    error: ScimError,
) -> Result<Response, PageError> {
    let mut shown = user_page(state, visit, tenant, id, None).await?;
    shown.problem = Some(error.detail);
    page(StatusCode::CONFLICT, &shown)
}

/// `POST …/users/{id}/restore`.
pub(crate) async fn restore(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let (base_url, context) = (tenant.base_url(&state.public_url), visit.context());
    let projection = Projection::default();
    let request =
        Request { tenant: &tenant, context: &context, base_url: &base_url, projection: &projection };
    match state.provisioner.restore_user(request, &id).await {
        Ok(_) => {
            Ok(Redirect::to(&format!("/console/tenants/{slug}/users/{id}?done=restored")).into_response())
        }
        Err(error) if error.status == 409 => refused(&state, &visit, &tenant, id, error).await,
        Err(error) => Err(error.into()),
    }
}

/// A user, live or soft-deleted, as its pages show it.
pub(crate) async fn user_page(
    state: &ConsoleState,
    visit: &Visit,
    tenant: &Tenant,
    id: String,
    before: Option<&str>,
) -> Result<UserPage, PageError> {
    let user_id: UserId = id.parse().map_err(|()| PageError::NotFound)?;
    let (base_url, context) = (tenant.base_url(&state.public_url), visit.context());
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
    let mut roles = roles(tenant, &scope, scope.roles_of_user(user_id).await?).await?;
    if let (None, Some(document)) = (&deleted, user.body.as_object()) {
        add_assigned(&mut roles, tenant.profile.assigned_roles(&tenant.value_sets, document));
    }
    let head = TenantHead::new(tenant, "users");
    let chrome = visit.chrome(&head.name);
    let (path, activity) = (
        format!("/console/tenants/{}/users/{id}", head.slug),
        format!("/console/tenants/{}/activity", head.slug),
    );
    let activity = chrome.manages().then_some(activity.as_str());
    let history = History::of(&state.store, tenant.id(), &id, before, &path, activity).await?;
    let body = user.body;
    let user_name = body["userName"].as_str().unwrap_or_default().to_owned();
    let name =
        Some(users::display_name(&body)).filter(|name| !name.is_empty()).unwrap_or_else(|| user_name.clone());
    let active = body["active"].as_bool().unwrap_or(true);
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
        active: active && deleted.is_none(),
        deletable: deleted.is_none() && tenant.profile.policies.delete != DeletePolicy::Deactivate,
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

/// Roles that the identity provider assigned itself, beside those that groups give.
fn add_assigned(rows: &mut Vec<RoleRow>, roles: Vec<Role>) {
    for Role { key, name } in roles {
        match rows.iter_mut().find(|row| row.key == key) {
            Some(row) => row.assigned = true,
            None => rows.push(RoleRow { key, name, via: Vec::new(), assigned: true }),
        }
    }
}

/// Grants come by role, so neighbours belong together.
async fn roles(
    tenant: &Tenant,
    scope: &store::TenantScope,
    grants: Vec<RoleGrant>,
) -> Result<Vec<RoleRow>, PageError> {
    let mut groups: Vec<GroupId> = grants.iter().map(|grant| grant.via.group).collect();
    groups.sort_unstable();
    groups.dedup();
    groups.truncate(EXPLAINED);
    let labels = scope.labels_of(&groups).await?;
    let mut rows: Vec<RoleRow> = Vec::new();
    for grant in grants {
        let label = labels.iter().find(|label| label.id == grant.via.group);
        let why = label.map(|label| why(tenant, &label.display_name, label.external_id.as_deref()));
        let why = why.and_then(|why| why.rule_of(&grant.role.name).map(str::to_owned)).unwrap_or_default();
        let group = Link { id: grant.via.group.to_string(), name: grant.via.display };
        let via = Via { group, why };
        match rows.iter_mut().find(|row| row.key == grant.role.key) {
            Some(row) => row.via.push(via),
            None => rows.push(RoleRow {
                key: grant.role.key,
                name: grant.role.name,
                via: vec![via],
                assigned: false,
            }),
        }
    }
    Ok(rows)
}
