//! `/api/v1/tenants/{slug}/refusals` and `/api/v1/refusals`: which requests were refused for their credential, and the
//! likely mistake.

use axum::{Json, extract::State};
use serde::Serialize;
use token_service::refusals::{Fingerprint, Refused};
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
    OpenApiRouter::new().routes(routes!(of_tenant)).routes(routes!(of_shared_host))
}

/// Refused requests that are alike.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RefusalView {
    /// The status that they were answered with.
    #[schema(example = 401)]
    status: u16,
    /// What was likely done wrong, for programs.
    #[schema(example = "no-token")]
    mistake: String,
    /// The same in a sentence.
    what: String,
    /// What to do.
    remedy: &'static str,
    /// Base URL that was used.
    base_url: String,
    /// What was sent, without what is secret in it.
    sent: Sent,
    /// User name or client id, if it is this tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    /// Id of its credential, if it is this tenant's.
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
    /// Address of the sender.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    /// Its User-Agent.
    agent: String,
    /// How often.
    count: u64,
    /// The first time.
    first_at: String,
    /// The last time.
    last_at: String,
}

/// A fingerprint of what was sent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Sent {
    /// `Bearer`, `Basic`, …; not there: no scheme, or one that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<String>,
    /// Characters of the token; not there of passwords.
    #[serde(skip_serializing_if = "Option::is_none")]
    length: Option<usize>,
    /// Its beginning, where that is no secret.
    #[schema(example = "rcl_")]
    head: String,
    /// Its last four characters, where it carries this installation's signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    tail: Option<String>,
    /// Two tries with the same have the same one.
    digest: String,
    /// Many different ones came, and were answered with 429.
    many: bool,
}

/// What a tenant's addresses refused
///
/// Newest first: of the last 30 days, at most 100 rows, alike ones in one. What other nodes refused is there after a few
/// seconds.
#[utoipa::path(
    get, operation_id = "listRefusals", path = "/api/v1/tenants/{slug}/refusals", tag = "refusals",
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

/// What the shared address refused
///
/// Requests that name no tenant, neither by their address nor by a credential. As for one tenant.
#[utoipa::path(
    get, operation_id = "listSharedRefusals", path = "/api/v1/refusals", tag = "refusals",
    security(("bearer" = ["admin:read"])),
    responses((status = 200, body = Page<RefusalView>), (status = "4XX", body = Problem)),
)]
async fn of_shared_host(State(state): State<ApiState>) -> Result<Json<Page<RefusalView>>, ApiError> {
    Ok(page(state.tokens.shared_refusals().await?))
}

/// There are so few that all fit in one.
fn page(refused: Vec<Refused>) -> Json<Page<RefusalView>> {
    Json(Page { items: refused.into_iter().map(view).collect(), next_cursor: None })
}

fn view(refused: Refused) -> RefusalView {
    let status = refused.status();
    let Fingerprint { scheme, length, head, tail, digest, many } = refused.sent;
    RefusalView {
        status,
        mistake: word(refused.mistake),
        what: refused.what,
        remedy: refused.remedy,
        base_url: refused.base_url,
        sent: Sent { scheme, length, head, tail, digest, many },
        username: refused.username,
        credential: refused.credential.map(|id| id.to_string()),
        sender: refused.sender.map(|address| address.to_string()),
        agent: refused.agent,
        count: refused.count,
        first_at: time(refused.first_at),
        last_at: time(refused.last_at),
    }
}
