//! `/api/v1/tenants/{slug}/refusals` and `/api/v1/refusals`: what was refused, and the likely mistake.

use axum::{Json, extract::State};
use serde::Serialize;
use token_service::refusals::Refused;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::Segments,
    page::Page,
    problem::{ApiError, Problem},
    tenant,
    view::{time, word},
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(of_tenant)).routes(routes!(shared))
}

/// Refusals that are alike.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RefusalView {
    /// What was answered: 401, 403, or 429 to many different guesses.
    #[schema(example = 401)]
    status: u16,
    /// The likely mistake, for programs.
    #[schema(example = "expired")]
    mistake: String,
    /// The same for people.
    what: String,
    /// What to do about it, for people.
    remedy: &'static str,
    /// Base URL that was used.
    base_url: String,
    /// What was sent, as far as it is no secret.
    #[schema(example = "Bearer rcl_…, 512 characters, ending in 4f0a, #1c29f3d0")]
    sent: String,
    /// User name or client id, if it is the tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// Its credential, if it is the tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_id: Option<String>,
    /// Address that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    /// User-Agent.
    agent: String,
    /// How often.
    count: u64,
    /// The first time.
    first_at: String,
    /// The last time.
    last_at: String,
}

/// What the addresses of a tenant have refused, newest first
///
/// At most 100 rows of the last 30 days; other nodes' are in it after a few seconds.
#[utoipa::path(
    get, operation_id = "listRefusals", path = "/api/v1/tenants/{slug}/refusals", tag = "credentials",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path)),
    responses((status = 200, body = Page<RefusalView>), (status = "4XX", body = Problem)),
)]
async fn of_tenant(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
) -> Result<Json<Page<RefusalView>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    Ok(page(state.tokens.refusals(tenant.id(), &tenant.profile.credentials).await?))
}

/// What was refused where no tenant could be told, newest first
///
/// At the shared address, at `/oauth/token` and at `/api/v1`. At most 100 rows of the last 30 days.
#[utoipa::path(
    get, operation_id = "listSharedRefusals", path = "/api/v1/refusals", tag = "platform",
    security(("bearer" = ["admin:read"])),
    responses((status = 200, body = Page<RefusalView>), (status = "4XX", body = Problem)),
)]
async fn shared(State(state): State<ApiState>) -> Result<Json<Page<RefusalView>>, ApiError> {
    Ok(page(state.tokens.shared_refusals().await?))
}

fn page(refused: Vec<Refused>) -> Json<Page<RefusalView>> {
    Json(Page { items: refused.into_iter().map(view).collect(), next_cursor: None })
}

fn view(refused: Refused) -> RefusalView {
    RefusalView {
        status: refused.status(),
        mistake: word(refused.mistake),
        what: refused.what,
        remedy: refused.remedy,
        base_url: refused.base_url,
        sent: refused.sent.line(),
        username: refused.username,
        credential_id: refused.credential.map(|id| id.to_string()),
        sender: refused.sender.map(|sender| sender.to_string()),
        agent: refused.agent,
        count: refused.count,
        first_at: time(refused.first_at),
        last_at: time(refused.last_at),
    }
}
