//! `/api/v1/tenants/{slug}/value-sets`: lists of allowed values.

use axum::{
    Json,
    extract::{DefaultBodyLimit, State},
};
use provisioning::Tenant;
use scim_core::value_set::{AllowedValue, ValueSet};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState, LARGE_BODY,
    extract::{Body, Segments, Vendor},
    page::Page,
    problem::{ApiError, Problem},
    tenant,
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, replace, clear))
        .layer(DefaultBodyLimit::max(LARGE_BODY))
}

/// A value set as its list shows it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ValueSetView {
    /// Name in the profile.
    #[schema(example = "siteNumbers")]
    name: String,
    /// For people.
    title: String,
    /// While nobody has filled it, no value is allowed; otherwise every value is.
    required: bool,
    /// `tenant` or `profile`; not there: nobody has.
    #[serde(skip_serializing_if = "Option::is_none")]
    filled_by: Option<&'static str>,
    /// Number of values.
    count: usize,
}

/// A value set with its values.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ValueSetDetail {
    #[serde(flatten)]
    set: ValueSetView,
    /// In their order.
    values: Vec<ListedValue>,
    /// Role grants that came with the change, where the set holds the product's roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    grants_added: Option<u64>,
    /// Role grants that ended with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    grants_ended: Option<u64>,
}

/// An allowed value.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ListedValue {
    /// As it stands in a user.
    value: String,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// A list to be put in place.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Values {
    /// All values, at most 10,000; none: nothing is allowed.
    values: Vec<ListedValue>,
}

/// The value sets that a tenant's profile declares
#[utoipa::path(
    get, operation_id = "listValueSets", path = "/api/v1/tenants/{slug}/value-sets", tag = "value sets",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path)),
    responses((status = 200, body = Page<ValueSetView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
) -> Result<Json<Page<ValueSetView>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let items = tenant.profile.value_sets.iter().filter_map(|set| view(&tenant, &set.name)).collect();
    Ok(Json(Page { items, next_cursor: None }))
}

/// A value set
#[utoipa::path(
    get, operation_id = "getValueSet", path = "/api/v1/tenants/{slug}/value-sets/{name}", tag = "value sets",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = ValueSetDetail), (status = "4XX", body = Problem)),
)]
async fn show(
    State(state): State<ApiState>,
    Segments((slug, name)): Segments<(String, String)>,
) -> Result<Json<ValueSetDetail>, ApiError> {
    detail(&*tenant(&state, &slug).await?, &name, None).map(Json)
}

/// Put a list in place
///
/// It takes the place of the tenant's whole list. Where it holds the product's roles, they are given anew at once.
#[utoipa::path(
    put, operation_id = "replaceValueSet",
    path = "/api/v1/tenants/{slug}/value-sets/{name}", tag = "value sets",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path), ("name" = String, Path)),
    request_body = Values,
    responses((status = 200, body = ValueSetDetail), (status = "4XX", body = Problem)),
)]
async fn replace(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments((slug, name)): Segments<(String, String)>,
    Body(new): Body<Values>,
) -> Result<Json<ValueSetDetail>, ApiError> {
    let before = tenant(&state, &slug).await?;
    view(&before, &name).ok_or_else(unknown)?;
    let values = new.values.into_iter().map(|one| AllowedValue { value: one.value, label: one.label });
    let moved = state.tenants.set_value_set(&before, &name, values.collect(), &vendor.context()).await?;
    detail(&*tenant(&state, &slug).await?, &name, Some(moved)).map(Json)
}

/// Take a tenant's list away
///
/// The values of its profile hold again, or every value where it has none.
#[utoipa::path(
    delete, operation_id = "clearValueSet",
    path = "/api/v1/tenants/{slug}/value-sets/{name}", tag = "value sets",
    security(("bearer" = ["admin:write"])), params(("slug" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = ValueSetDetail), (status = "4XX", body = Problem)),
)]
async fn clear(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments((slug, name)): Segments<(String, String)>,
) -> Result<Json<ValueSetDetail>, ApiError> {
    let before = tenant(&state, &slug).await?;
    view(&before, &name).ok_or_else(unknown)?;
    let moved = state.tenants.clear_value_set(&before, &name, &vendor.context()).await?;
    detail(&*tenant(&state, &slug).await?, &name, Some(moved)).map(Json)
}

fn unknown() -> ApiError {
    ApiError::not_found("The tenant's profile declares no value set of this name.")
}

fn view(tenant: &Tenant, name: &str) -> Option<ValueSetView> {
    let declared = tenant.profile.value_set(name)?;
    Some(ValueSetView {
        name: declared.name.clone(),
        title: declared.title.clone(),
        required: declared.required,
        filled_by: tenant.filled_by(name),
        count: tenant.value_sets.get(name).map_or(0, |set| set.values().len()),
    })
}

fn detail(tenant: &Tenant, name: &str, moved: Option<(u64, u64)>) -> Result<ValueSetDetail, ApiError> {
    let set = view(tenant, name).ok_or_else(unknown)?;
    let values = tenant.value_sets.get(name).map(ValueSet::values).unwrap_or_default();
    let value = |one: &AllowedValue| ListedValue { value: one.value.clone(), label: one.label.clone() };
    Ok(ValueSetDetail {
        set,
        values: values.iter().map(value).collect(),
        grants_added: moved.map(|(added, _)| added),
        grants_ended: moved.map(|(_, ended)| ended),
    })
}
