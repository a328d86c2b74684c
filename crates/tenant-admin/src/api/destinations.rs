//! `/api/v1/destinations` and `/api/v1/tenants/{slug}/destinations`: to whom events are sent, and what became of them.

mod deliveries;
mod forms;

use std::time::Instant;

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use provisioning::Tenant;
use store::{
    DestinationId, TenantId,
    destinations::{DeliveryQuery, Destination},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Body, Parameters, Segments, Vendor},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
};
use deliveries::{Again, AgainView, DeliveryView, WhichDeliveries};
use forms::{
    DestinationChangeBody, DestinationView, DestinationWithSecret, Form, MadeDestination, NewDestinationBody,
    NewSecret, TestView,
};

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(list_of_tenant, create_of_tenant))
        .routes(routes!(read, change, delete))
        .routes(routes!(rotate))
        .routes(routes!(test))
        .routes(routes!(deliveries))
        .routes(routes!(replay))
}

/// Destinations of the installation
///
/// Each is sent the events of all tenants. Those of one tenant are at `/api/v1/tenants/{slug}/destinations`.
#[utoipa::path(
    get, operation_id = "listDestinations",
    path = "/api/v1/destinations", tag = "destinations", security(("bearer" = ["admin:read"])), params(Part),
    responses((status = 200, body = Page<DestinationView>), (status = "4XX", body = Problem)),
)]
async fn list(
    State(state): State<ApiState>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Page<DestinationView>>, ApiError> {
    shown(&state, None, &part).await
}

/// Make a destination of the installation
///
/// It is sent the events of all tenants. To a webhook each is a POST, signed as Standard Webhooks 1.0.0 says, and taken with a
/// status of 2xx; to a stream of Redis each is an entry. What is not taken is sent again for a day and three hours; of one
/// object an event is sent only when the one before it was taken or given up. The answer is the only place where the secret of
/// a webhook ever stands.
#[utoipa::path(
    post, operation_id = "createDestination",
    path = "/api/v1/destinations", tag = "destinations", security(("bearer" = ["admin:write"])),
    request_body = NewDestinationBody,
    responses((status = 201, body = MadeDestination), (status = "4XX", body = Problem)),
)]
async fn create(
    State(state): State<ApiState>,
    vendor: Vendor,
    Body(new): Body<Form>,
) -> Result<Response, ApiError> {
    make(&state, &vendor, None, new).await
}

/// Destinations of a tenant
///
/// Each is sent the events of this tenant alone.
#[utoipa::path(
    get, operation_id = "listTenantDestinations",
    path = "/api/v1/tenants/{slug}/destinations", tag = "destinations", security(("bearer" = ["admin:read"])),
    params(("slug" = String, Path), Part),
    responses((status = 200, body = Page<DestinationView>), (status = "4XX", body = Problem)),
)]
async fn list_of_tenant(
    State(state): State<ApiState>,
    Segments(slug): Segments<String>,
    Parameters(part): Parameters<Part>,
) -> Result<Json<Page<DestinationView>>, ApiError> {
    let tenant = tenant(&state, &slug).await?.id();
    shown(&state, Some(tenant), &part).await
}

/// Make a destination of a tenant
///
/// As `createDestination`, with the events of this tenant alone; or, with the kind `ldap`, a directory that its users are
/// written to.
#[utoipa::path(
    post, operation_id = "createTenantDestination",
    path = "/api/v1/tenants/{slug}/destinations", tag = "destinations", security(("bearer" = ["admin:write"])),
    params(("slug" = String, Path)), request_body = NewDestinationBody,
    responses((status = 201, body = MadeDestination), (status = "4XX", body = Problem)),
)]
async fn create_of_tenant(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(new): Body<Form>,
) -> Result<Response, ApiError> {
    let tenant = tenant(&state, &slug).await?;
    make(&state, &vendor, Some(&*tenant), new).await
}

/// A destination
#[utoipa::path(
    get, operation_id = "getDestination",
    path = "/api/v1/destinations/{id}", tag = "destinations", security(("bearer" = ["admin:read"])),
    params(("id" = String, Path)),
    responses((status = 200, body = DestinationView), (status = "4XX", body = Problem)),
)]
async fn read(
    State(state): State<ApiState>,
    Segments(id): Segments<String>,
) -> Result<Json<DestinationView>, ApiError> {
    let found = state.store.platform().destination(id_of(&id)?).await?.ok_or_else(none)?;
    view(&state, found).await.map(Json)
}

/// Change a destination
///
/// It holds from the next attempt on; the kind stays. With `active` true one that was paused or disabled is tried at once, and
/// gets all that has happened meanwhile.
#[utoipa::path(
    patch, operation_id = "changeDestination",
    path = "/api/v1/destinations/{id}", tag = "destinations", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)), request_body = DestinationChangeBody,
    responses((status = 200, body = DestinationView), (status = "4XX", body = Problem)),
)]
async fn change(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
    Body(change): Body<Form>,
) -> Result<Json<DestinationView>, ApiError> {
    let id = id_of(&id)?;
    let found = state.destinations.one(id).await?;
    let of = match found.tenant {
        Some(tenant) => state.tenants.by_id(tenant).await?,
        None => None,
    };
    let change = change.change(found.kind, of.as_deref())?;
    let changed = state.destinations.change(id, change, &vendor.context()).await?;
    view(&state, changed).await.map(Json)
}

/// Delete a destination
///
/// What it was not sent yet it never is.
#[utoipa::path(
    delete, operation_id = "deleteDestination",
    path = "/api/v1/destinations/{id}", tag = "destinations", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)),
    responses((status = 204, description = "It is deleted"), (status = "4XX", body = Problem)),
)]
async fn delete(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
) -> Result<StatusCode, ApiError> {
    state.destinations.delete(id_of(&id)?, None, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook another secret
///
/// For a day the old one signs, too: each call has a signature by both, so the receiver can change at any time. The answer is
/// the only place where the new one ever stands.
#[utoipa::path(
    post, operation_id = "rotateDestinationSecret",
    path = "/api/v1/destinations/{id}/secret", tag = "destinations", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)), request_body = NewSecret,
    responses((status = 200, body = DestinationWithSecret), (status = "4XX", body = Problem)),
)]
async fn rotate(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(id): Segments<String>,
    Body(new): Body<NewSecret>,
) -> Result<Json<DestinationWithSecret>, ApiError> {
    let (destination, secret) = state.destinations.rotate(id_of(&id)?, new.secret, &vendor.context()).await?;
    Ok(Json(DestinationWithSecret { secret, destination: view(&state, destination).await? }))
}

/// Send a destination a test
///
/// An event of the type `webhook.test`, sent at once and once. To a webhook it is a POST, and what the receiver answered beside
/// its status is told to nobody; to a stream it is an entry, which stays. Nothing is written to a directory: the test signs in
/// there and looks for the base DN.
#[utoipa::path(
    post, operation_id = "testDestination",
    path = "/api/v1/destinations/{id}/test", tag = "destinations", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)),
    responses((status = 200, body = TestView), (status = "4XX", body = Problem)),
)]
async fn test(
    State(state): State<ApiState>,
    Segments(id): Segments<String>,
) -> Result<Json<TestView>, ApiError> {
    let began = Instant::now();
    let came = state.destinations.test(id_of(&id)?).await?;
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Json(match came {
        Ok(status) => TestView { taken: true, status, problem: None, took },
        Err(refusal) => {
            TestView { taken: false, status: refusal.status, problem: Some(refusal.problem), took }
        }
    }))
}

/// What became of the events of a destination
///
/// The last event first.
#[utoipa::path(
    get, operation_id = "listDeliveries",
    path = "/api/v1/destinations/{id}/deliveries", tag = "destinations", security(("bearer" = ["admin:read"])),
    params(("id" = String, Path), WhichDeliveries),
    responses((status = 200, body = Page<DeliveryView>), (status = "4XX", body = Problem)),
)]
async fn deliveries(
    State(state): State<ApiState>,
    Segments(id): Segments<String>,
    Parameters(which): Parameters<WhichDeliveries>,
) -> Result<Json<Page<DeliveryView>>, ApiError> {
    let id = id_of(&id)?;
    let part = Part::new(which.limit, which.cursor);
    let (limit, before) = (part.limit()?, part.after::<i64>()?);
    state.store.platform().destination(id).await?.ok_or_else(none)?;
    let query = DeliveryQuery {
        fate: which.state,
        before,
        limit: usize::try_from(limit).unwrap_or(usize::MAX).saturating_add(1),
    };
    let found = state.store.platform().deliveries(id, &query).await?;
    Ok(Json(Page::cut(found, limit, |one| one.position.to_string(), DeliveryView::from)))
}

/// Send events again
///
/// Those that were given up (`dead`), or all of a stretch of the feed, each from its first attempt on. They keep their ids, so
/// the receiver can tell what it knows already; a directory is written the users as they are now. At a time at most 1,000 that
/// were given up, or 500 places.
#[utoipa::path(
    post, operation_id = "replayDestination",
    path = "/api/v1/destinations/{id}/replay", tag = "destinations", security(("bearer" = ["admin:write"])),
    params(("id" = String, Path)), request_body = Again,
    responses((status = 200, body = AgainView), (status = "4XX", body = Problem)),
)]
async fn replay(
    State(state): State<ApiState>,
    Segments(id): Segments<String>,
    Body(again): Body<Again>,
) -> Result<Json<AgainView>, ApiError> {
    let id = id_of(&id)?;
    let platform = state.store.platform();
    let destination = platform.destination(id).await?.ok_or_else(none)?;
    let last = again.last.unwrap_or(destination.position);
    if again.after < 0 || last < again.after {
        return Err(ApiError::unfit("last", "last: it has to be after `after`, which is 0 or more"));
    }
    if again.dead {
        let count = platform.revive(id, again.after, last).await?;
        return Ok(Json(AgainView { count: Some(count), last }));
    }
    let last = platform.replay(id, again.after, last).await?.ok_or_else(none)?;
    Ok(Json(AgainView { count: None, last }))
}

async fn shown(
    state: &ApiState,
    tenant: Option<TenantId>,
    part: &Part,
) -> Result<Json<Page<DestinationView>>, ApiError> {
    let mut views = Vec::new();
    for destination in state.store.platform().destinations(tenant).await? {
        views.push((destination.id, view(state, destination).await?));
    }
    Page::among(views, part, |(id, _)| id.0, |(_, view)| view).map(Json)
}

async fn make(
    state: &ApiState,
    vendor: &Vendor,
    tenant: Option<&Tenant>,
    new: Form,
) -> Result<Response, ApiError> {
    let new = new.destination(tenant)?;
    let (destination, secret) = state.destinations.create(new, &vendor.context()).await?;
    let made = MadeDestination { secret, destination: view(state, destination).await? };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

async fn view(state: &ApiState, destination: Destination) -> Result<DestinationView, ApiError> {
    let waiting = state.store.platform().waiting(destination.id).await?;
    DestinationView::new(destination, &waiting)
}

pub(super) fn id_of(id: &str) -> Result<DestinationId, ApiError> {
    id.parse().map_err(|()| none())
}

pub(super) fn none() -> ApiError {
    ApiError::not_found("There is no destination of this id.")
}
