//! `/api/v1/admins`: people who sign in to the console.

use std::collections::BTreeSet;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use store::{
    AdminId, TenantId,
    admins::{Admin, AdminRole, Standing},
};
use token_service::people::{Invited, NewPerson};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Body, Parameters, Segments, Vendor},
    page::{Page, Part},
    problem::{ApiError, Problem},
    view::{time, word},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(change, remove))
        .routes(routes!(invite))
        .routes(routes!(reset_second_factor))
        .routes(routes!(end_sessions))
}

/// A person of the console.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdminView {
    /// Id.
    id: String,
    /// E-mail address, by which they sign in.
    email: String,
    /// `operator`, `manager` or `auditor`.
    #[schema(example = "operator")]
    role: String,
    /// Slugs of the tenants that they are given; none: all of an operator's or auditor's.
    tenants: Vec<String>,
    /// When they were entered.
    created_at: String,
    /// Have they chosen a password?
    has_password: bool,
    /// Is a code asked for after it?
    second_factor: bool,
    /// Do they come through the OpenID provider?
    by_provider: bool,
    /// Until when the link is good by which they choose a password, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    invited_until: Option<String>,
}

/// Somebody who is to sign in to the console.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewAdminBody {
    /// E-mail address, unique without regard to case.
    email: String,
    /// `operator` (needs a token with `admin:*`), `manager` or `auditor`.
    role: Role,
    /// Slugs: none for an operator, one at least for a manager; for an auditor none means all.
    #[serde(default)]
    tenants: Vec<String>,
}

/// What of a person is to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AdminChange {
    /// `operator` (needs a token with `admin:*`), `manager` or `auditor`.
    role: Option<Role>,
    /// Slugs, all of them.
    tenants: Option<Vec<String>>,
}

/// What somebody is there for.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// All tenants and everything.
    Operator,
    /// Everything of the tenants that they are given.
    Manager,
    /// Reads.
    Auditor,
}

/// A link by which somebody chooses a password: it is shown this once.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct InvitedAdmin {
    /// To be sent to the person, in a way that you trust. It works once.
    #[schema(example = "https://scim.example.com/console/invitation/…")]
    link: String,
    /// When it ends.
    expires_at: String,
    /// For whom.
    admin: AdminView,
}

/// People of the console, by e-mail address
#[utoipa::path(
    get, operation_id = "listAdmins",
    path = "/api/v1/admins", tag = "platform", security(("bearer" = ["admin:read"])), params(Part),
    responses((status = 200, body = Page<AdminView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Page<AdminView>>, ApiError> {
    let (limit, after) = (part.limit()?, part.after::<String>()?);
    let rows = state.store.platform().admins_after(after.as_deref(), limit + 1).await?;
    let ids: Vec<AdminId> = rows.iter().map(|admin| admin.id).collect();
    let mut standings = state.store.platform().standings(&ids).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for admin in rows {
        let standing = standings.remove(&admin.id).unwrap_or_default();
        shown.push((admin.email.clone(), view(&state, &admin, &standing).await?));
    }
    let place = |(email, _): &(String, AdminView)| email.clone();
    Ok(Json(Page::cut(shown, limit, place, |(_, view)| view)))
}

/// Add a person
///
/// They choose a password by the link of the answer, which is the only place where it ever stands.
#[utoipa::path(
    post, operation_id = "createAdmin",
    path = "/api/v1/admins", tag = "platform", security(("bearer" = ["admin:write"])),
    request_body = NewAdminBody,
    responses((status = 201, body = InvitedAdmin), (status = "4XX", body = Problem)),
)]
async fn add(
    State(state): State<ApiState>,
    vendor: Vendor,
    Body(new): Body<NewAdminBody>,
) -> Result<Response, ApiError> {
    may_touch(&vendor, new.role.into())?;
    let tenants = by_slug(&state, &new.tenants).await?;
    let new = NewPerson { email: new.email, role: new.role.into(), tenants };
    let invited = state.tokens.invite(new, &vendor.context()).await?;
    made(&state, &invited).await
}

/// Change what a person is there for
///
/// It holds on every node within a second, in their open sessions too. The last operator who can sign in stays one.
#[utoipa::path(
    patch, operation_id = "changeAdmin",
    path = "/api/v1/admins/{id}", tag = "platform", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)), request_body = AdminChange,
    responses((status = 200, body = AdminView), (status = "4XX", body = Problem)),
)]
async fn change(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
    Body(change): Body<AdminChange>,
) -> Result<Json<AdminView>, ApiError> {
    let before = find(&state, &vendor, &id).await?;
    let role = change.role.map_or(before.role, AdminRole::from);
    may_touch(&vendor, role)?;
    let tenants = match &change.tenants {
        Some(slugs) => by_slug(&state, slugs).await?,
        None => before.tenants,
    };
    let after = state.tokens.change_person(before.id, role, &tenants, &vendor.context()).await?;
    of(&state, &after).await.map(Json)
}

/// Remove a person
///
/// Their sessions end on every node within a second. The last operator who can sign in stays.
#[utoipa::path(
    delete, operation_id = "removeAdmin",
    path = "/api/v1/admins/{id}", tag = "platform", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)),
    responses((status = 204, description = "They are removed"), (status = "4XX", body = Problem)),
)]
async fn remove(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
) -> Result<StatusCode, ApiError> {
    let admin = find(&state, &vendor, &id).await?;
    state.tokens.remove_person(admin.id, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make another link by which a person chooses a password
///
/// An earlier link ends; their password works until they choose another one.
#[utoipa::path(
    post, operation_id = "inviteAdmin",
    path = "/api/v1/admins/{id}/invitation", tag = "platform", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)),
    responses((status = 201, body = InvitedAdmin), (status = "4XX", body = Problem)),
)]
async fn invite(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
) -> Result<Response, ApiError> {
    let admin = find(&state, &vendor, &id).await?;
    let invited = state.tokens.invite_again(admin.id, &vendor.context()).await?;
    made(&state, &invited).await
}

/// Take a person's second factor away
///
/// For somebody who has lost phone and recovery codes. Their sessions end.
#[utoipa::path(
    delete, operation_id = "resetSecondFactor",
    path = "/api/v1/admins/{id}/second-factor", tag = "platform", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)),
    responses((status = 204, description = "They have none"), (status = "4XX", body = Problem)),
)]
async fn reset_second_factor(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
) -> Result<StatusCode, ApiError> {
    let admin = find(&state, &vendor, &id).await?;
    state.tokens.reset_second_factor(admin.id, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End all sessions of a person
#[utoipa::path(
    delete, operation_id = "endSessions",
    path = "/api/v1/admins/{id}/sessions", tag = "platform", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)),
    responses((status = 204, description = "They have ended"), (status = "4XX", body = Problem)),
)]
async fn end_sessions(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
) -> Result<StatusCode, ApiError> {
    let admin = find(&state, &vendor, &id).await?;
    state.store.platform().end_sessions(admin.id, None, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An operator may make any token, so only who holds all administration makes or changes one.
fn may_touch(vendor: &Vendor, role: AdminRole) -> Result<(), ApiError> {
    if role == AdminRole::Operator && !vendor.principal.may("admin:*") {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "role: an operator may everything, which your own token may not: it takes one with admin:*",
        )
        .at("role"));
    }
    Ok(())
}

async fn find(state: &ApiState, vendor: &Vendor, id: &str) -> Result<Admin, ApiError> {
    let none = || ApiError::not_found("There is no person of this id.");
    let id: AdminId = id.parse().map_err(|()| none())?;
    let admin = state.store.platform().admin_by_id(id).await?.ok_or_else(none)?;
    may_touch(vendor, admin.role)?;
    Ok(admin)
}

async fn by_slug(state: &ApiState, slugs: &[String]) -> Result<BTreeSet<TenantId>, ApiError> {
    let mut tenants = BTreeSet::new();
    for slug in slugs {
        let known = provisioning::slug::check(slug).is_ok();
        let tenant = if known { state.tenants.by_slug(slug).await? } else { None };
        let tenant = tenant
            .ok_or_else(|| ApiError::unfit("tenants", format!("tenants: there is no tenant {slug:?}")))?;
        tenants.insert(tenant.id());
    }
    Ok(tenants)
}

async fn made(state: &ApiState, invited: &Invited) -> Result<Response, ApiError> {
    let made = InvitedAdmin {
        link: invited.link(&state.public_url).expose_secret().to_owned(),
        expires_at: time(invited.expires_at),
        admin: of(state, &invited.admin).await?,
    };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

async fn of(state: &ApiState, admin: &Admin) -> Result<AdminView, ApiError> {
    let standing = state.store.platform().standings(&[admin.id]).await?.remove(&admin.id);
    view(state, admin, &standing.unwrap_or_default()).await
}

async fn view(state: &ApiState, admin: &Admin, standing: &Standing) -> Result<AdminView, ApiError> {
    let mut tenants = Vec::with_capacity(admin.tenants.len());
    for id in &admin.tenants {
        tenants.extend(state.tenants.by_id(*id).await?.map(|tenant| tenant.row.slug.clone()));
    }
    tenants.sort();
    let now = state.store.now();
    Ok(AdminView {
        id: admin.id.to_string(),
        email: admin.email.clone(),
        role: word(admin.role),
        tenants,
        created_at: time(admin.created_at),
        has_password: !admin.password_hash.is_empty(),
        second_factor: standing.second_factor,
        by_provider: standing.by_provider,
        invited_until: standing.invited_until.filter(|until| *until > now).map(time),
    })
}

impl From<Role> for AdminRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Operator => Self::Operator,
            Role::Manager => Self::Manager,
            Role::Auditor => Self::Auditor,
        }
    }
}
