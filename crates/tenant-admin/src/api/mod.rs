//! `/api/v1`: the vendor's application looks after tenants and reads their users. Bearer tokens only; cookies mean
//! nothing here. One file a resource; adding one is such a file and a line in [`resources`].
//!
//! A route says in its description which scope it needs (`security`), and [`guard`] asks for what the description says:
//! so the two cannot differ, and a route that says nothing is served to nobody.

mod admins;
mod audit;
mod clients;
mod connection;
mod credentials;
mod deleted_tenants;
mod destinations;
mod directory;
mod domains;
mod events;
mod extract;
mod federation;
mod guard;
mod keys;
mod networks;
mod page;
mod platform_tokens;
mod problem;
mod profile;
mod receipts;
mod refusals;
mod requests;
mod tenants;
mod value_sets;
mod view;

use std::sync::{Arc, OnceLock};

use admission::Admission;
use axum::{Json, Router, extract::DefaultBodyLimit, middleware, response::IntoResponse, routing::any};
use provisioning::{Provisioner, Tenant, TenantDirectory};
use store::Store;
use token_service::{Networks, TokenService};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::{
    Modify, OpenApi,
    openapi::RefOr,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use problem::ApiError;

/// Largest body.
const BODY_LIMIT: usize = 64 * 1024;
/// Largest body of those with a profile or a list of values.
const LARGE_BODY: usize = 8 * 1024 * 1024;

/// What the API needs.
#[derive(Clone)]
pub struct ApiState {
    /// Rows.
    pub store: Store,
    /// Users and groups.
    pub provisioner: Provisioner,
    /// Tenants.
    pub tenants: TenantDirectory,
    /// Tokens.
    pub tokens: TokenService,
    /// To whom events are sent.
    pub destinations: delivery::Destinations,
    /// Origin of the shared host; the API answers on its host only.
    pub public_url: url::Url,
    /// Proxies whose word on the sender's address is believed.
    pub trusted_proxies: Networks,
    /// Those who wait for something to happen.
    pub live: crate::Live,
    /// Lets requests in.
    pub admission: Admission,
}

/// What the description says of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rollcall",
        version = "1",
        description = "Looks after the tenants of a Rollcall installation and reads their users, groups and roles. Each \
                       operation names the scope that its token needs. Times are UTC (RFC 3339), errors are problem \
                       documents (RFC 9457), lists go on at `nextCursor`.",
        license(name = "Apache-2.0 OR MIT")
    ),
    components(schemas(problem::Problem)),
    modifiers(&Bearer)
)]
struct Description;

/// The one way to sign in.
struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("rcl_ + JWT")
            .description(Some(
                "A token of the installation (`rollcall token create --platform`); for the directory of one tenant, a \
                 token of this tenant with the scope directory:read.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// All resources.
fn resources() -> OpenApiRouter<ApiState> {
    OpenApiRouter::with_openapi(Description::openapi())
        .merge(tenants::routes())
        .merge(deleted_tenants::routes())
        .merge(domains::routes())
        .merge(credentials::routes())
        .merge(clients::routes())
        .merge(federation::routes())
        .merge(refusals::routes())
        .merge(requests::routes())
        .merge(connection::routes())
        .merge(value_sets::routes())
        .merge(profile::routes())
        .merge(directory::routes())
        .merge(platform_tokens::routes())
        .merge(admins::routes())
        .merge(keys::routes())
        .merge(audit::routes())
        .merge(events::routes())
        .merge(destinations::routes())
        .merge(receipts::routes())
        .routes(routes!(describe))
}

/// This document
///
/// It holds no secret and needs no token.
#[utoipa::path(
    get, operation_id = "describe", path = "/api/v1/openapi.json", tag = "description", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
async fn describe() -> Json<&'static utoipa::openapi::OpenApi> {
    Json(document())
}

/// The description of all that [`resources`] serves.
fn document() -> &'static utoipa::openapi::OpenApi {
    static DOCUMENT: OnceLock<utoipa::openapi::OpenApi> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut document = resources().into_openapi();
        name_problems(&mut document);
        document
    })
}

/// Errors have a media type of their own (RFC 9457 §3), which routes need not say each.
fn name_problems(document: &mut utoipa::openapi::OpenApi) {
    let operations =
        document.paths.paths.values_mut().flat_map(|path| {
            [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete]
        });
    for (status, response) in operations.flatten().flat_map(|operation| &mut operation.responses.responses) {
        if status.starts_with('4')
            && let RefOr::T(response) = response
            && let Some(content) = response.content.shift_remove("application/json")
        {
            response.content.insert("application/problem+json".to_owned(), content);
        }
    }
}

/// The API, with everything that stands around it.
pub(crate) fn router(state: ApiState) -> Router {
    let (router, _) = resources().split_for_parts();
    let guard = guard::Guard { state: state.clone(), needs: Arc::new(guard::needs(document())) };
    router
        .route_layer(middleware::from_fn_with_state(guard, guard::require))
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .route("/api/v1", any(nothing_here))
        .route("/api/v1/{*rest}", any(nothing_here))
        // From the inside out.
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(state.public_url.clone(), guard::frame))
        .with_state(state)
}

/// See [`crate::problem`].
pub(crate) fn problem(status: u16, detail: &'static str) -> axum::response::Response {
    let status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    ApiError::new(status, detail).document(&uuid::Uuid::now_v7().to_string())
}

async fn nothing_here() -> ApiError {
    ApiError::not_found("Nothing is served at this address; /api/v1/openapi.json lists what there is.")
}

fn panicked(reason: Box<dyn std::any::Any + Send>) -> axum::response::Response {
    let text = reason
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| reason.downcast_ref::<&str>().copied())
        .unwrap_or("no reason given");
    ApiError::internal(format_args!("panic: {text}")).into_response()
}

/// The tenant of an address.
async fn tenant(state: &ApiState, slug: &str) -> Result<Arc<Tenant>, ApiError> {
    state.tenants.by_slug(slug).await?.ok_or_else(ApiError::no_tenant)
}

#[cfg(test)]
mod tests;
