//! `/api/v1/audit`: the audit trail of the installation, which tells what is about no tenant.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use store::audit::Record;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::Parameters,
    page::{Page, Part},
    problem::{ApiError, Problem},
    view::{time, word},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditEntry {
    /// Id.
    id: String,
    /// What was done.
    #[schema(example = "platform-token.created")]
    event: String,
    /// Kind of what it was done to.
    #[schema(example = "PlatformToken")]
    object_type: String,
    /// Its id.
    object_id: String,
    /// Its version after that.
    object_version: i64,
    /// Who did it.
    actor: ActorView,
    /// Id of the request that it was done by.
    cause: String,
    /// When.
    at: String,
    /// What is known beside that; never a secret. `state` and `before` of what was changed, where there are such.
    #[schema(value_type = Object)]
    payload: serde_json::Value,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActorView {
    /// `platform-token`, `admin`, `cli`, `system`, …
    #[schema(example = "admin")]
    kind: String,
    /// Id of the token or person; empty of the command line.
    id: String,
    /// Name at that time.
    name: String,
}

/// What entries are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Only those about what has this id.
    #[serde(rename = "objectId")]
    object_id: Option<String>,
    /// Most rows, 1 to 200; 50 if not given.
    limit: Option<u64>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// What happened to the installation, newest first
///
/// Platform tokens, people of the console, keys. What happened to a tenant stands in its own trail.
#[utoipa::path(
    get, operation_id = "listAudit",
    path = "/api/v1/audit", tag = "platform", security(("bearer" = ["admin:read"])), params(Wanted),
    responses((status = 200, body = Page<AuditEntry>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let part = Part::new(wanted.limit, wanted.cursor);
    let (limit, after) = (part.limit()?, part.after::<uuid::Uuid>()?);
    if wanted.object_id.as_deref().is_some_and(|id| id.contains('\0')) {
        return Err(ApiError::unfit("objectId", "objectId: there is no such character in an id"));
    }
    let platform = state.store.platform();
    let rows = platform.audit_before(after, wanted.object_id.as_deref(), limit + 1).await?;
    Ok(Json(Page::cut(rows, limit, |record| record.id.to_string(), view)))
}

fn view(record: Record) -> AuditEntry {
    AuditEntry {
        id: record.id.to_string(),
        event: record.event,
        object_type: record.object_type,
        object_id: record.object_id,
        object_version: record.object_version,
        actor: ActorView { kind: word(record.actor.kind), id: record.actor.id, name: record.actor.name },
        cause: record.cause,
        at: time(record.at),
        payload: record.payload.unwrap_or_default(),
    }
}
