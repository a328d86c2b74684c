//! `…/users` and `…/users/{id}`: everybody, page by page; who somebody is at a sign-in.

use axum::{Json, extract::State};
use provisioning::{Entry, LookUpError, LookedUp, Tenant};
use serde::Deserialize;
use store::UserId;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{At, Listed, UserEntry, entry, page_error};
use crate::api::{
    ApiState,
    extract::{Parameters, Segments},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(users)).routes(routes!(user))
}

/// What users are wanted: those of one key, or all.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// The one of this userName, in any case unless the profile says that case counts.
    #[param(example = "ann@example.com")]
    user_name: Option<String>,
    /// Those of this externalId, exactly as the identity provider sent it.
    external_id: Option<String>,
    /// Those that have this e-mail address among theirs, in any case.
    email: Option<String>,
    /// Active ones alone (`true`), or inactive ones (`false`).
    active: Option<bool>,
    /// Most rows, 1 to 200; 50 if not given.
    limit: Option<u64>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl Wanted {
    /// The name of the parameter, and what it looks for.
    fn sought(&self) -> Result<Option<(&'static str, LookedUp<'_>)>, ApiError> {
        let by_name = self.user_name.as_deref().map(|name| ("userName", LookedUp::UserName(name)));
        let by_id = self.external_id.as_deref().map(|id| ("externalId", LookedUp::ExternalId(id)));
        let by_email = self.email.as_deref().map(|email| ("email", LookedUp::Email(email)));
        let mut sought = [by_name, by_id, by_email].into_iter().flatten();
        let first = sought.next();
        match sought.next() {
            Some((field, _)) => {
                Err(ApiError::unfit(field, format!("{field}: send one of userName, externalId and email")))
            }
            None => Ok(first),
        }
    }
}

/// A tenant's users with their groups and roles; who somebody is at a sign-in
///
/// With `userName`, `externalId` or `email` those who have it, in the order in which they came: none is an empty page, and no
/// error. That is one look at an index, whatever the size of the tenant, and the answer for a sign-in: is there such a person,
/// is it active, what may it do, and why. Otherwise everybody, in the order in which they came; with `active` alone in the order
/// of userNames. Deleted users are in none of these lists.
#[utoipa::path(
    get, operation_id = "listUsers", path = "/api/v1/tenants/{slug}/users", tag = "directory",
    security(("bearer" = ["directory:read"])), params(("slug" = String, Path, example = "acme"), Wanted),
    responses(
        (status = 200, description = "Some of them", body = Listed<UserEntry>, example = json!({
            "items": [{
                "user": {
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "01a21501-26ee-77e9-aff9-ab72c1670eed",
                    "userName": "ann@example.com", "active": true
                },
                "groups": [{"id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "display": "Envi_Manager"}],
                "roles": [{
                    "role": "Manager", "via": {"id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "display": "Envi_Manager"}
                }]
            }],
            "position": 1742
        })),
        (status = "4XX", body = Problem)
    ),
)]
async fn users(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Listed<UserEntry>>, ApiError> {
    let sought = wanted.sought()?;
    let part = Part::new(wanted.limit, wanted.cursor.clone());
    let limit = part.limit()?;
    let tenant = tenant(&state, &slug).await?;
    let base_url = tenant.base_url(&state.public_url);
    let provisioner = &state.provisioner;
    // One more than fits tells whether there is a next page.
    let more = limit + 1;
    let by_id = |entry: &Entry| entry.id.to_string();
    let (found, place): (_, fn(&Entry) -> String) = match (sought, wanted.active) {
        (Some((field, sought)), active) => {
            let after = part.after::<uuid::Uuid>()?.map(UserId);
            let found = provisioner.look_up(&tenant, &base_url, (sought, active), after, more).await;
            (found.map_err(|error| unknown(field, error))?, by_id)
        }
        (None, Some(active)) => {
            let after = part.after::<String>()?;
            let found =
                provisioner.entries_of_standing(&tenant, &base_url, active, after.as_deref(), more).await;
            (found.map_err(page_error)?, |entry| entry.name_key.clone())
        }
        (None, None) => {
            let after = part.after::<uuid::Uuid>()?.map(UserId);
            let found = provisioner.entries(&tenant, &base_url, after, more).await;
            (found.map_err(page_error)?, by_id)
        }
    };
    Ok(Json(Listed::at(found.position, Page::cut(found.items, limit, place, entry))))
}

/// A user with its groups and roles
///
/// Active or not; a deleted one is 404.
#[utoipa::path(
    get, operation_id = "getUser", path = "/api/v1/tenants/{slug}/users/{id}", tag = "directory",
    security(("bearer" = ["directory:read"])),
    params(("slug" = String, Path, example = "acme"), ("id" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "The user", body = At<UserEntry>, example = json!({
            "user": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": "01a21501-26ee-77e9-aff9-ab72c1670eed",
                "externalId": "00u1", "userName": "ann@example.com", "name": {"givenName": "Ann", "familyName": "Lee"},
                "emails": [{"value": "ann@example.com", "type": "work", "primary": true}], "active": true
            },
            "groups": [{"id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "display": "Envi_Manager"}],
            "roles": [{
                "role": "Manager", "via": {"id": "01a21501-3b0c-7d1e-9c55-0f4e1f6a2b77", "display": "Envi_Manager"}
            }],
            "position": 1742
        })),
        (status = "4XX", body = Problem)
    ),
)]
async fn user(
    State(state): State<ApiState>,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Json<At<UserEntry>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let none = || ApiError::not_found("This tenant has no user of this id.");
    let id: UserId = id.parse().map_err(|()| none())?;
    by_id(&state, &tenant, id).await?.map(Json).ok_or_else(none)
}

async fn by_id(state: &ApiState, tenant: &Tenant, id: UserId) -> Result<Option<At<UserEntry>>, ApiError> {
    let base_url = tenant.base_url(&state.public_url);
    let found = state.provisioner.look_up(tenant, &base_url, (LookedUp::Id(id), None), None, 1).await;
    let found = found.map_err(|error| unknown("id", error))?;
    let position = found.position;
    Ok(found.items.into_iter().next().map(|one| At { one: entry(one), position }))
}

fn unknown(field: &str, error: LookUpError) -> ApiError {
    match error {
        LookUpError::Store(error) => page_error(error),
        LookUpError::NoEmails(_) => {
            ApiError::unfit(field, format!("{field}: {error}; look people up by userName or externalId"))
        }
        LookUpError::Length => ApiError::unfit(field, format!("{field}: {error}")),
    }
}
