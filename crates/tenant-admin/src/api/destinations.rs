//! `/api/v1/destinations` and `/api/v1/tenants/{slug}/destinations`: to whom events are sent, and what became of them.

use std::{collections::BTreeMap, time::Instant};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use delivery::{
    DestinationError, LdapChange, NewLdap, NewWebhook, WebhookChange,
    ldap::{self, Directory},
    webhook,
};
use http::StatusCode;
use provisioning::Tenant;
use serde::{Deserialize, Deserializer, Serialize};
use store::{
    DestinationId, TenantId,
    destinations::{Delivery, DeliveryQuery, Destination, DestinationKind, Fate, Waiting},
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Body, Parameters, Segments, Vendor},
    page::{Page, Part},
    problem::{ApiError, Problem},
    tenant,
    view::{time, word},
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

/// A destination to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewDestinationBody {
    /// `webhook` if not given; `ldap`: a directory, of one tenant.
    #[serde(default = "a_webhook")]
    #[schema(value_type = Option<String>, example = "webhook")]
    kind: DestinationKind,
    /// For people.
    #[schema(example = "Our application")]
    name: String,
    /// Where each event is sent: https, on the public internet or in a network that the operator has opened. Of a directory
    /// ldaps, or ldap with StartTLS.
    #[schema(example = "https://example.com/rollcall")]
    url: String,
    /// Of `ldap`: the directory, and how users are written there.
    ldap: Option<Directory>,
    /// Of `ldap`: the password of the bind DN. It is shown nowhere.
    password: Option<String>,
    /// Headers beside the usual ones, by name. Their values are shown nowhere.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Types of events, `user.*` for all of a kind; none: all.
    events: Option<Vec<String>>,
    /// It is sent what comes after this place of the feed, 0 for all that is kept; if not given what happens from now on.
    after: Option<i64>,
    /// `whsec_` and 24 to 64 bytes in Base64; if not given one is made.
    secret: Option<String>,
}

/// What changes; what is not there stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DestinationChangeBody {
    /// For people.
    name: Option<String>,
    /// Where each event is sent.
    url: Option<String>,
    /// Of `ldap`: all of the directory and the mapping anew.
    ldap: Option<Directory>,
    /// Of `ldap`: the password of the bind DN.
    password: Option<String>,
    /// Headers by name; null takes one away, those not named stay.
    #[serde(default)]
    headers: BTreeMap<String, Option<String>>,
    /// Types of events; null: all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    events: Option<Option<Vec<String>>>,
    /// false: it is sent nothing, and its events wait; true: it is tried at once.
    active: Option<bool>,
}

fn a_webhook() -> DestinationKind {
    DestinationKind::Webhook
}

/// A member that is there, be it null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Vec<String>>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A new secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewSecret {
    /// `whsec_` and 24 to 64 bytes in Base64; if not given one is made.
    secret: Option<String>,
}

/// A destination.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DestinationView {
    /// Id.
    id: String,
    /// `webhook` or `ldap`.
    kind: String,
    /// For people.
    name: String,
    /// Where each event is sent.
    url: String,
    /// Names of its own headers.
    headers: Vec<String>,
    /// Of `ldap`: the directory, and how users are written there.
    #[serde(skip_serializing_if = "Option::is_none")]
    ldap: Option<Directory>,
    /// Types of events; null: all.
    events: Option<Vec<String>>,
    /// `active`; `paused` by somebody; `disabled`, as it has failed for five days or answered 410.
    state: String,
    /// The last place of the feed whose event it is sent, or was not to be sent.
    position: i64,
    /// Places of the feed that were forgotten while it waited.
    missed: i64,
    /// Events that it is still to be sent, up to 10,000.
    waiting: u64,
    /// Events that were given up, up to 10,000; see `replayDestination`.
    dead: u64,
    /// When the oldest event that waits was committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    waiting_since: Option<String>,
    /// Since when it takes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<String>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// When it was made.
    created_at: String,
    /// Who made it.
    created_by: String,
}

/// A destination and its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DestinationWithSecret {
    /// Of a webhook: what signs. It stands here and nowhere else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<String>,
    /// What was made.
    destination: DestinationView,
}

/// What came of a test.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TestView {
    /// Was it taken?
    taken: bool,
    /// Status of the answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// How long it took, in milliseconds.
    took: u64,
}

/// An event and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct DeliveryView {
    /// Place in the feed.
    position: i64,
    /// Id of the tenant.
    tenant: String,
    /// Number among the events of the tenant.
    sequence: i64,
    /// What has happened.
    r#type: String,
    /// What it happened to.
    object_id: String,
    /// `behind` one of the same object that is not ended; `due`; `done`; `dead`: given up.
    state: String,
    /// Attempts until now.
    attempts: i32,
    /// When it was committed, a moment later at most.
    committed_at: String,
    /// The first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_attempt_at: Option<String>,
    /// The last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_attempt_at: Option<String>,
    /// Of one that is due: the next attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<String>,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivered_at: Option<String>,
    /// Status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<i32>,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

/// What is to be sent again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Again {
    /// Only those that were given up; else all in the stretch, also what it was never sent.
    #[serde(default)]
    dead: bool,
    /// Those after this place of the feed.
    #[serde(default)]
    after: i64,
    /// Up to this place; if not given up to its last one.
    last: Option<i64>,
}

/// What is sent again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AgainView {
    /// With `dead`: how many; 1,000: there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// Up to this place. Is it lower than was asked for, go on with `after` set to it.
    last: i64,
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WhichDeliveries {
    /// `behind`, `due`, `done` or `dead`; if not given all.
    #[param(value_type = Option<String>)]
    state: Option<Fate>,
    /// Most rows, 1 to 200; 50 if not given.
    limit: Option<u64>,
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

impl DestinationView {
    fn new(destination: Destination, waiting: &Waiting) -> Result<Self, ApiError> {
        let (url, headers, ldap) = match destination.kind {
            DestinationKind::Webhook => {
                let settings = webhook::Settings::of(&destination.settings).map_err(ApiError::internal)?;
                (settings.url, settings.headers, None)
            }
            DestinationKind::Ldap => {
                let settings = ldap::Settings::of(&destination.settings).map_err(ApiError::internal)?;
                (settings.url, Vec::new(), Some(settings.ldap))
            }
        };
        Ok(Self {
            id: destination.id.to_string(),
            kind: word(destination.kind),
            name: destination.name,
            url,
            headers,
            ldap,
            events: destination.events,
            state: word(destination.state),
            position: destination.position,
            missed: destination.missed,
            waiting: waiting.open,
            dead: waiting.dead,
            waiting_since: waiting.oldest_at.map(time),
            failing_since: destination.failing_since.map(time),
            problem: destination.problem,
            created_at: time(destination.created_at),
            created_by: destination.created_by,
        })
    }
}

impl From<Delivery> for DeliveryView {
    fn from(one: Delivery) -> Self {
        Self {
            position: one.position,
            tenant: one.tenant.to_string(),
            sequence: one.number,
            r#type: one.event,
            object_id: one.object_id,
            state: word(one.fate),
            attempts: one.attempts,
            committed_at: time(one.numbered_at),
            first_attempt_at: one.tried.map(|(first, _)| time(first)),
            last_attempt_at: one.tried.map(|(_, last)| time(last)),
            next_attempt_at: (one.fate == Fate::Due).then(|| time(one.next_at)),
            delivered_at: one.delivered_at.map(time),
            status: one.status,
            problem: one.problem,
        }
    }
}

impl From<DestinationError> for ApiError {
    fn from(error: DestinationError) -> Self {
        match error {
            DestinationError::Unfit(text) => {
                let field = text.split_once(": ").map(|(field, _)| field.to_owned());
                let error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, text);
                match field {
                    Some(field) => error.at(field),
                    None => error,
                }
            }
            DestinationError::Unknown => none(),
            DestinationError::Sealing(reason) => Self::internal(reason),
            DestinationError::Store(error) => error.into(),
        }
    }
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
/// A webhook that is sent the events of all tenants. Each event is a POST, signed as Standard Webhooks 1.0.0 says, and taken
/// with a status of 2xx. What is not taken is sent again for a day and three hours; of one object an event is sent only when
/// the one before it was taken or given up. The answer is the only place where the secret ever stands.
#[utoipa::path(
    post, operation_id = "createDestination",
    path = "/api/v1/destinations", tag = "destinations", security(("bearer" = ["admin:write"])),
    request_body = NewDestinationBody,
    responses((status = 201, body = DestinationWithSecret), (status = "4XX", body = Problem)),
)]
async fn create(
    State(state): State<ApiState>,
    vendor: Vendor,
    Body(new): Body<NewDestinationBody>,
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
    responses((status = 201, body = DestinationWithSecret), (status = "4XX", body = Problem)),
)]
async fn create_of_tenant(
    State(state): State<ApiState>,
    vendor: Vendor,
    Segments(slug): Segments<String>,
    Body(new): Body<NewDestinationBody>,
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
/// It holds from the next attempt on. With `active` true one that was paused or disabled is tried at once, and gets all that
/// has happened meanwhile.
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
    Body(change): Body<DestinationChangeBody>,
) -> Result<Json<DestinationView>, ApiError> {
    let id = id_of(&id)?;
    let found = state.store.platform().destination(id).await?.ok_or_else(none)?;
    let DestinationChangeBody { name, url, ldap, password, headers, events, active } = change;
    let context = vendor.context();
    let changed = match found.kind {
        DestinationKind::Webhook => {
            not_given("ldap", ldap.is_some())?;
            not_given("password", password.is_some())?;
            let change = WebhookChange { name, url, headers, events, active };
            state.destinations.change(id, change, &context).await?
        }
        DestinationKind::Ldap => {
            not_given("headers", !headers.is_empty())?;
            let tenant = state.tenants.by_id(found.tenant.ok_or_else(none)?).await?.ok_or_else(none)?;
            let change = LdapChange { name, url, ldap, password, events, active };
            state.destinations.change_ldap(id, change, &tenant.profile.user, &context).await?
        }
    };
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
    state.destinations.delete(id_of(&id)?, &vendor.context()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a destination another secret
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
    Ok(Json(DestinationWithSecret { secret: Some(secret), destination: view(&state, destination).await? }))
}

/// Send a destination a test
///
/// An event of the type `webhook.test`, sent at once and once. What the receiver answered beside its status is told to nobody.
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
/// the receiver can tell what it knows already. At a time at most 1,000 that were given up, or 500 places.
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
    new: NewDestinationBody,
) -> Result<Response, ApiError> {
    let NewDestinationBody { kind, name, url, ldap, password, headers, events, after, secret } = new;
    let context = vendor.context();
    let (destination, secret) = match kind {
        DestinationKind::Webhook => {
            not_given("ldap", ldap.is_some())?;
            not_given("password", password.is_some())?;
            let tenant = tenant.map(Tenant::id);
            let new = NewWebhook { tenant, name, url, headers, events, after, secret };
            let (made, secret) = state.destinations.create(new, &context).await?;
            (made, Some(secret))
        }
        DestinationKind::Ldap => {
            not_given("headers", !headers.is_empty())?;
            not_given("secret", secret.is_some())?;
            let of_one = "kind: a directory is written the users of one tenant; make it at /api/v1/tenants/{slug}/destinations";
            let tenant = tenant.ok_or_else(|| ApiError::unfit("kind", of_one))?;
            let ldap = ldap.ok_or_else(|| {
                ApiError::unfit("ldap", "ldap: say where the directory is, and how users are written there")
            })?;
            let password =
                password.ok_or_else(|| ApiError::unfit("password", "password: give that of the bind DN"))?;
            let new = NewLdap { tenant: tenant.id(), name, url, ldap, password, events, after };
            (state.destinations.create_ldap(new, &tenant.profile.user, &context).await?, None)
        }
    };
    let made = DestinationWithSecret { secret, destination: view(state, destination).await? };
    Ok((StatusCode::CREATED, Json(made)).into_response())
}

/// A member that destinations of another kind have.
fn not_given(member: &'static str, is_given: bool) -> Result<(), ApiError> {
    match is_given {
        false => Ok(()),
        true => Err(ApiError::unfit(
            member,
            format!("{member}: destinations of this kind have none; leave it out"),
        )),
    }
}

async fn view(state: &ApiState, destination: Destination) -> Result<DestinationView, ApiError> {
    let waiting = state.store.platform().waiting(destination.id).await?;
    DestinationView::new(destination, &waiting)
}

fn id_of(id: &str) -> Result<DestinationId, ApiError> {
    id.parse().map_err(|()| none())
}

fn none() -> ApiError {
    ApiError::not_found("There is no destination of this id.")
}
