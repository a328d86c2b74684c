//! `DELETE /api/v1/tenants/{slug}` and `/api/v1/deleted-tenants`: the end of a tenant, and the way back.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::Serialize;
use store::tenants::DeletedTenant;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Parameters, Segments, Vendor},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
    view::time,
};

const DAY: i64 = 24 * 3_600_000;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(delete)).routes(routes!(list)).routes(routes!(restore))
}

/// A tenant that was deleted and can be restored, unless its data is being removed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeletedTenantView {
    /// Id.
    id: String,
    /// Part of its addresses; never used again.
    #[schema(example = "acme")]
    slug: String,
    /// For people.
    name: String,
    /// When it was deleted.
    deleted_at: String,
    /// Who did.
    deleted_by: String,
    /// Can it be restored?
    restorable: bool,
    /// From when its data is removed.
    purged_from: String,
}

/// Delete a tenant
///
/// It is there for nobody from now on, on every node within a second: its credentials are refused as unknown ones are. It
/// can be restored until its retention is over; then its data is removed for good. Its slug is never used again.
#[utoipa::path(
    delete, operation_id = "deleteTenant",
    path = "/api/v1/tenants/{slug}", tag = "tenants", security(("bearer" = ["admin:write"])),
    params(("slug" = String, Path)),
    responses((status = 204, description = "It is deleted"), (status = "4XX", body = Problem)),
)]
async fn delete(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
) -> Result<StatusCode, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    state.tenants.delete(&tenant, &slug, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Deleted tenants, the last one first
#[utoipa::path(
    get, operation_id = "listDeletedTenants",
    path = "/api/v1/deleted-tenants", tag = "tenants", security(("bearer" = ["admin:read"])), params(Part),
    responses((status = 200, body = Page<DeletedTenantView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Page<DeletedTenantView>>, ApiError> {
    let (limit, offset) = (part.limit()?, part.after::<u64>()?.unwrap_or_default());
    let offset = offset.min(u64::from(u32::MAX));
    let found = state.store.platform().deleted_tenants(offset, limit + 1).await?;
    let days = state.tenants.retention_days();
    let next = |_: &DeletedTenant| (offset + limit).to_string();
    Ok(Json(Page::cut(found.items, limit, next, |row| view(row, days))))
}

/// Restore a deleted tenant
///
/// As it was, but inactive. 404 when there is none, or its data is being removed.
#[utoipa::path(
    post, operation_id = "restoreTenant",
    path = "/api/v1/deleted-tenants/{slug}/restore", tag = "tenants", security(("bearer" = ["admin:write"])),
    params(("slug" = String, Path)),
    responses((status = 204, description = "It is there again"), (status = "4XX", body = Problem)),
)]
async fn restore(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
) -> Result<StatusCode, ApiError> {
    let none = || {
        ApiError::not_found(
            "There is no deleted tenant of this slug that can be restored; the list shows those that can.",
        )
    };
    let found = state.store.platform().deleted_tenant(&slug).await?.ok_or_else(none)?;
    state.tenants.restore(found.id, &vendor.context()).await?.ok_or_else(none)?;
    Ok(StatusCode::NO_CONTENT)
}

fn view(row: DeletedTenant, days: u32) -> DeletedTenantView {
    DeletedTenantView {
        id: row.id.to_string(),
        slug: row.slug,
        name: row.name,
        deleted_by: row.deleted_by,
        restorable: !row.purging,
        purged_from: time(row.deleted_at + i64::from(days) * DAY),
        deleted_at: time(row.deleted_at),
    }
}
