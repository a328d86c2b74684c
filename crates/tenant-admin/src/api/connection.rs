//! `/api/v1/tenants/{slug}/connection`: how a tenant's identity provider gets on.

use axum::{Json, extract::State};
use serde::Serialize;
use store::activity::{HOUR, Milestone, Traffic, hour_of};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::Segments,
    problem::{ApiError, Problem},
    tenant,
    view::time,
};
use crate::{
    findings::{self, Finding},
    health::Known,
    pages::setup,
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(show))
}

/// How a connection stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConnectionView {
    /// In a word, as the console shows it.
    #[schema(example = "Working")]
    state: String,
    /// In a sentence or two.
    text: String,
    /// When the identity provider called last with a valid credential.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_call: Option<String>,
    /// What it tells by what it does not do, what is worth a look first.
    findings: Vec<FindingView>,
}

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct FindingView {
    /// A word for programs.
    #[schema(example = "users-without-groups")]
    code: &'static str,
    /// Is it worth a look? Otherwise it is as it should be, though it may not look so.
    look: bool,
    /// What, in a sentence or two.
    what: String,
    /// What to do next.
    next: &'static str,
}

/// How a tenant's identity provider gets on
///
/// Whether requests come and succeed, and what is missing: users without groups, a credential that nobody uses, or silence that
/// is as it should be.
#[utoipa::path(
    get, operation_id = "getConnection", path = "/api/v1/tenants/{slug}/connection", tag = "requests",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path)),
    responses((status = 200, body = ConnectionView), (status = "4XX", body = Problem)),
)]
async fn show(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
) -> Result<Json<ConnectionView>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let now = state.store.now();
    let scope = state.store.tenant(tenant.id());
    let credentials = state.tokens.list(tenant.id()).await?;
    let heard = scope.heard().await?;
    let until = hour_of(now) + HOUR;
    let mut traffic = Traffic::default();
    scope.traffic(until - 24 * HOUR, until).await?.iter().for_each(|hour| traffic.add(&hour.traffic));
    let credential = credentials.iter().any(|credential| setup::provisions(credential, now));
    let known = Known { active: tenant.is_active(), credential, heard: &heard, traffic, now };
    let health = known.health();
    let last_call = known.reached(Milestone::Call).map(|heard| time(heard.last_at));
    let users = scope.has_users().await?;
    let findings = findings::of(&tenant, &heard, users, &credentials, now).into_iter().map(view).collect();
    Ok(Json(ConnectionView { state: health.badge.text, text: health.text, last_call, findings }))
}

fn view(finding: Finding) -> FindingView {
    let look = finding.is_look();
    FindingView { code: finding.code, look, what: finding.what, next: finding.next }
}
