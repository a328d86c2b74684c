//! `/api/v1/audit` and `/api/v1/tenants/{slug}/audit`: what happened to the installation, and to a tenant.

use axum::{Json, extract::State};
use scim_core::timestamp;
use serde::{Deserialize, Serialize};
use store::trail::{Entry, Trail, TrailPage, TrailQuery};
use token_service::scopes;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Parameters, Segments, Vendor},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
    view::{time, word},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(list_of_tenant))
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AuditEntry {
    /// Its place in the trail, from 1, without gaps.
    number: i64,
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
    /// What is known beside that; never a secret. `state` and `before` of what was changed, where there are such. Null: it
    /// was purged; or it is a tenant's, and the token does not hold `directory:read`.
    #[schema(value_type = Object)]
    payload: serde_json::Value,
    /// Hash (SHA-256, hexadecimal) over this entry and the one before.
    chain: String,
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

/// What entries are wanted; all that is said must fit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query, rename_all = "camelCase")]
struct Wanted {
    /// An id of an object or request; a part of an event's or actor's name; the beginning of a userName, of a group's
    /// displayName, or of the name of a person or token of the installation. In any case.
    q: Option<String>,
    /// What was done: `user.created`.
    event: Option<String>,
    /// Kind of what it was done to: `User`.
    object_type: Option<String>,
    /// Only those about what has this id.
    object_id: Option<String>,
    /// Name of who did it, at that time.
    actor: Option<String>,
    /// Id of the request.
    cause: Option<String>,
    /// Not before this time (RFC 3339).
    from: Option<String>,
    /// Before this time (RFC 3339).
    to: Option<String>,
    /// Most rows, 1 to 200; 50 if not given.
    limit: Option<u64>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl Wanted {
    fn query(self) -> Result<TrailQuery, ApiError> {
        for (name, text) in [
            ("q", &self.q),
            ("event", &self.event),
            ("objectType", &self.object_type),
            ("objectId", &self.object_id),
            ("actor", &self.actor),
            ("cause", &self.cause),
        ] {
            if text.as_deref().is_some_and(|text| text.contains('\0')) {
                return Err(ApiError::unfit(name, format!("{name}: there is no such character in a text")));
            }
        }
        let part = Part::new(self.limit, self.cursor);
        Ok(TrailQuery {
            limit: usize::try_from(part.limit()?).unwrap_or(usize::MAX),
            before: part.after::<i64>()?,
            text: self.q,
            event: self.event,
            object_type: self.object_type,
            object_id: self.object_id,
            actor: self.actor,
            cause: self.cause,
            from: instant("from", self.from)?,
            to: instant("to", self.to)?,
        })
    }
}

fn instant(name: &str, text: Option<String>) -> Result<Option<i64>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let read = timestamp::parse(&text).map(Some);
    read.ok_or_else(|| {
        ApiError::unfit(name, format!("{name}: {text:?} is no time; write it like 2026-11-26T10:00:00Z"))
    })
}

/// What happened to the installation, newest first
///
/// Platform tokens, people of the console, keys. What happened to a tenant stands in its own trail. An entry is here as soon
/// as it has its number, within a second after the change. Where much has to be looked through, a page may hold fewer
/// entries than asked for, even none, and still have a next one.
#[utoipa::path(
    get, operation_id = "listAudit",
    path = "/api/v1/audit", tag = "platform", security(("bearer" = ["admin:read"])), params(Wanted),
    responses((status = 200, body = Page<AuditEntry>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let trail = Trail::Installation(state.store.platform());
    Ok(Json(shown(trail.page(&wanted.query()?).await?, true)))
}

/// What happened to a tenant, newest first
///
/// Users, groups, roles, credentials, its configuration; `payload` needs `directory:read` as well, since it holds people's
/// data. For the rest see `listAudit`.
#[utoipa::path(
    get, operation_id = "listTenantAudit",
    path = "/api/v1/tenants/{slug}/audit", tag = "tenants", security(("bearer" = ["admin:read"])),
    params(("slug" = String, Path), Wanted),
    responses((status = 200, body = Page<AuditEntry>), (status = "4XX", body = Problem)),
)]
async fn list_of_tenant(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<AuditEntry>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let trail = Trail::Tenant(state.store.tenant(tenant.id()));
    let payloads = vendor.principal.may(scopes::DIRECTORY_READ);
    Ok(Json(shown(trail.page(&wanted.query()?).await?, payloads)))
}

fn shown(page: TrailPage, payloads: bool) -> Page<AuditEntry> {
    let items = page.items.into_iter().map(|entry| view(entry, payloads)).collect();
    Page::going_on(items, page.next)
}

fn view(entry: Entry, payloads: bool) -> AuditEntry {
    let record = entry.record;
    AuditEntry {
        number: entry.number,
        id: record.id.to_string(),
        event: record.event,
        object_type: record.object_type,
        object_id: record.object_id,
        object_version: record.object_version,
        actor: ActorView { kind: word(record.actor.kind), id: record.actor.id, name: record.actor.name },
        cause: record.cause,
        at: time(record.at),
        payload: record.payload.filter(|_| payloads).unwrap_or_default(),
        chain: entry.chain.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
