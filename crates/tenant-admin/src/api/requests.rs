//! `/api/v1/tenants/{slug}/requests`: what a tenant's identity provider sent, and what it was answered.

use axum::{Json, extract::State};
use scim_core::timestamp;
use serde::{Deserialize, Serialize};
use store::activity::{LoggedRequest, Position, RequestLine, RequestQuery};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Parameters, Segments},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
    view::time,
};
use crate::pages::activity::statuses;

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one))
}

/// One request of a tenant's identity provider, without its bodies.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RequestView {
    /// Id of the entry.
    id: String,
    /// When it was answered.
    at: String,
    /// Request id, as the answer carries it.
    request_id: String,
    /// Id of the credential.
    credential: String,
    /// Name of the credential at that time.
    credential_name: String,
    /// Method.
    #[schema(example = "POST")]
    method: String,
    /// Endpoint below the base URL; empty where there is none.
    #[schema(example = "/Users/{id}")]
    route: String,
    /// Path below the base URL, as sent.
    path: String,
    /// Query, decoded; secrets in it are masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// Id of the user or group that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_id: Option<String>,
    /// Status of the answer.
    #[schema(example = 201)]
    status: i32,
    /// `scimType` of an answer that is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    scim_type: Option<String>,
    /// `detail` of an answer that is an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// What a failure means, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    meaning: Option<MeaningView>,
    /// How long it took, in microseconds.
    duration_microseconds: i64,
    /// Bytes of its body.
    request_bytes: i64,
    /// Bytes of the answer's body; not there: it was streamed.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_bytes: Option<i64>,
    /// What it held was taken away, because somebody it names was purged.
    erased: bool,
}

/// What a failure means.
#[derive(Debug, Serialize, ToSchema)]
struct MeaningView {
    /// What happened.
    what: &'static str,
    /// What to do next.
    remedy: &'static str,
}

/// One request with its bodies.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WholeRequestView {
    /// All but the bodies.
    #[serde(flatten)]
    request: RequestView,
    /// Its body as JSON text, passwords and numbers of licences masked; not there: there was none, or it was not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    request_body: Option<String>,
    /// Only its beginning is there.
    request_body_cut: bool,
    /// Likewise the body of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<String>,
    /// Only its beginning is there.
    response_body_cut: bool,
}

/// What requests are wanted, all conditions at once.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Of this method.
    method: Option<String>,
    /// Of this status, this class (`4xx`), `failed` or `ok`.
    status: Option<String>,
    /// Whose path and query contain this text.
    path: Option<String>,
    /// By the credential of this id.
    credential: Option<String>,
    /// That name this user or group: id, user name, external id or e-mail address.
    about: Option<String>,
    /// Of this request id.
    request_id: Option<String>,
    /// Answered at this time (RFC 3339) or later.
    from: Option<String>,
    /// Answered before this time (RFC 3339).
    until: Option<String>,
    /// Most rows, 1 to 200; 50 if not given.
    limit: Option<u64>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// What a tenant's identity provider sent
///
/// Newest first, half a second late, kept for as long as the installation keeps requests (7 days if not said otherwise).
/// Only requests with a valid credential of the tenant: what was refused for its credential is in `refusals`.
#[utoipa::path(
    get, operation_id = "listRequests", path = "/api/v1/tenants/{slug}/requests", tag = "requests",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path), Wanted),
    responses((status = 200, body = Page<RequestView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Json<Page<RequestView>>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let part = Part::new(wanted.limit, wanted.cursor.clone());
    let limit = part.limit()?;
    let before = part.after::<Position>()?;
    let query = RequestQuery { before, limit: limit + 1, ..wanted.query()? };
    let lines = state.store.tenant(tenant.id()).requests(&query).await?;
    Ok(Json(Page::cut(lines, limit, |line| line.position().to_string(), view)))
}

/// One request, with what was sent and what was answered
#[utoipa::path(
    get, operation_id = "getRequest", path = "/api/v1/tenants/{slug}/requests/{id}", tag = "requests",
    security(("bearer" = ["admin:read"])), params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 200, body = WholeRequestView), (status = "4XX", body = Problem)),
)]
async fn one(
    State(state): State<ApiState>,
    Segments((slug, id)): Segments<(String, String)>,
) -> Result<Json<WholeRequestView>, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    let missing = || ApiError::not_found("There is no such request, or it is no longer kept.");
    let id = uuid::Uuid::try_parse(&id).map_err(|_| missing())?;
    let found = state.store.tenant(tenant.id()).request(id).await?.ok_or_else(missing)?;
    let LoggedRequest { line, request_body, response_body, request_cut, response_cut } = found;
    Ok(Json(WholeRequestView {
        request: view(line),
        request_body,
        request_body_cut: request_cut,
        response_body,
        response_body_cut: response_cut,
    }))
}

impl Wanted {
    /// What the store is asked for; what cannot be read is refused with its name.
    fn query(&self) -> Result<RequestQuery, ApiError> {
        let status = match &self.status {
            Some(text) => Some(statuses(text).ok_or_else(|| {
                ApiError::unfit(
                    "status",
                    "status: use a number such as 409, a class such as 4xx, failed or ok",
                )
            })?),
            None => None,
        };
        let credential = match &self.credential {
            Some(text) => Some(text.parse().map_err(|()| {
                ApiError::unfit("credential", "credential: use the id of a credential, a UUID in lower case")
            })?),
            None => None,
        };
        Ok(RequestQuery {
            method: text("method", &self.method)?.map(|method| method.to_uppercase()),
            status,
            path: text("path", &self.path)?,
            credential,
            subject: text("about", &self.about)?,
            request_id: text("requestId", &self.request_id)?,
            from: instant("from", &self.from)?,
            until: instant("until", &self.until)?,
            ..RequestQuery::default()
        })
    }
}

/// PostgreSQL takes no NUL in a text.
fn text(name: &'static str, given: &Option<String>) -> Result<Option<String>, ApiError> {
    match given {
        Some(text) if text.contains('\0') => {
            Err(ApiError::unfit(name, format!("{name}: leave out the NUL character")))
        }
        given => Ok(given.clone()),
    }
}

fn instant(name: &'static str, given: &Option<String>) -> Result<Option<i64>, ApiError> {
    let Some(text) = given else { return Ok(None) };
    let unfit = || ApiError::unfit(name, format!("{name}: use a time such as 2026-11-21T10:00:00Z"));
    timestamp::parse(text).map(Some).ok_or_else(unfit)
}

fn view(line: RequestLine) -> RequestView {
    let meaning = activity::explain(line.status, line.scim_type.as_deref(), &line.route);
    RequestView {
        id: line.id.to_string(),
        at: time(line.at),
        request_id: line.request_id,
        credential: line.credential.to_string(),
        credential_name: line.credential_name,
        method: line.method,
        route: line.route,
        path: line.path,
        query: line.query,
        resource_id: line.resource_id,
        status: line.status,
        scim_type: line.scim_type,
        detail: line.detail,
        meaning: meaning.map(|meaning| MeaningView { what: meaning.what, remedy: meaning.remedy }),
        duration_microseconds: line.duration_us,
        request_bytes: line.request_bytes,
        response_bytes: line.response_bytes,
        erased: line.erased,
    }
}
