//! `…/destinations/{id}/receipts`: the application says which events it has done.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use store::{TenantId, destinations::NOTED};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    destinations::{id_of, none},
    extract::{Body, Segments},
    problem::{ApiError, Problem},
    tenant,
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(note)).routes(routes!(note_of_tenant))
}

/// Events that are done.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Receipts {
    /// Their places in the feed (`position` of each event), 1 to 500.
    #[schema(example = json!([17, 18]), min_items = 1, max_items = 500)]
    positions: Vec<i64>,
}

/// What was noted.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Noted {
    /// How many of the events were not known to be done. Those whose turn has not come yet are left out.
    noted: u64,
}

/// Say which events are done
///
/// Whoever takes an event keeps it at first; with this it says that it has done what the event tells: access is given, or
/// removed. Users' pages in the console and the tenant's overview show how long that took. Saying it twice does no harm.
#[utoipa::path(
    post, operation_id = "noteReceipts",
    path = "/api/v1/destinations/{id}/receipts", tag = "destinations", security(("bearer" = ["receipts:write"])),
    params(("id" = String, Path)), request_body = Receipts,
    responses((status = 200, body = Noted), (status = "4XX", body = Problem)),
)]
async fn note(
    State(state): State<ApiState>,
    Segments(id): Segments<String>,
    Body(receipts): Body<Receipts>,
) -> Result<Json<Noted>, ApiError> {
    noted(&state, None, &id, &receipts.positions).await
}

/// Say which events of a tenant are done
///
/// As `noteReceipts`, for a destination of the tenant and with a token of it as well.
#[utoipa::path(
    post, operation_id = "noteTenantReceipts",
    path = "/api/v1/tenants/{slug}/destinations/{id}/receipts", tag = "destinations",
    security(("bearer" = ["receipts:write"])),
    params(("slug" = String, Path), ("id" = String, Path)), request_body = Receipts,
    responses((status = 200, body = Noted), (status = "4XX", body = Problem)),
)]
async fn note_of_tenant(
    State(state): State<ApiState>,
    Segments((slug, id)): Segments<(String, String)>,
    Body(receipts): Body<Receipts>,
) -> Result<Json<Noted>, ApiError> {
    let tenant = tenant(&state, &slug).await?.id();
    noted(&state, Some(tenant), &id, &receipts.positions).await
}

async fn noted(
    state: &ApiState,
    tenant: Option<TenantId>,
    id: &str,
    positions: &[i64],
) -> Result<Json<Noted>, ApiError> {
    if positions.is_empty() || positions.len() > NOTED {
        return Err(ApiError::unfit("positions", format!("positions: name 1 to {NOTED}")));
    }
    let platform = state.store.platform();
    let destination = platform.destination(id_of(id)?).await?.ok_or_else(none)?;
    // Those of others, and the vendor's own, are none of this tenant's: the first word counts.
    if tenant.is_some() && destination.tenant != tenant {
        return Err(none());
    }
    let noted = platform.note_applied(&destination, tenant, positions).await?;
    Ok(Json(Noted { noted }))
}
