//! `/api/v1/events` and `/api/v1/tenants/{slug}/events`: what has happened, in one order, to be followed from any place or
//! time.

mod stream;

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use delivery::{Event, names};
use http::{HeaderMap, StatusCode};
use scim_core::timestamp;
use serde::{Deserialize, Serialize};
use store::{
    TenantId,
    feed::{FeedEnds, FeedPage, FeedQuery},
};
use token_service::{platform::Caller, scopes};
use tokio::time::{Instant, sleep};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    ApiState,
    extract::{Parameters, Segments},
    guard::{Door, Waited},
    problem::{ApiError, Problem},
    tenant,
};

/// Events of a page when nobody says how many, and at most.
const USUAL: usize = 100;
const MOST: usize = 500;

/// Longest wait for something to happen, in seconds.
const LONGEST_WAIT: u64 = 30;

/// What other nodes have numbered is looked for so often.
const LOOK: Duration = Duration::from_millis(500);

/// What is numbered within this time is told together.
const GATHER: Duration = Duration::from_millis(50);

/// The routes of this file.
pub(super) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(list_of_tenant)).routes(routes!(schema))
}

/// Who asks, and how they want to be told.
struct Asker {
    caller: Caller,
    door: Arc<Door>,
    headers: HeaderMap,
}

/// Some of the feed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EventPage {
    /// In order.
    events: Vec<Event>,
    /// Go on after this place: send it as `after`.
    last: i64,
    /// Is there more right now?
    more: bool,
}

/// From where on, and which.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Those after this place: `last` of the page before. 0, and nothing at all: from the first that is kept.
    after: Option<i64>,
    /// Instead of a place: all that was committed at this time (RFC 3339) or later; a few before it may be among them.
    since: Option<String>,
    /// Of the tenant of this slug alone.
    tenant: Option<String>,
    /// Of these types alone, with commas: `user.created,role.*`.
    types: Option<String>,
    /// Most events, 1 to 500; 100 if not given.
    limit: Option<usize>,
    /// Seconds to wait, 0 to 30, until there is an event; 0 if not given.
    wait: Option<u64>,
}

impl Wanted {
    fn limit(&self) -> Result<usize, ApiError> {
        match self.limit.unwrap_or(USUAL) {
            limit @ 1..=MOST => Ok(limit),
            other => Err(ApiError::unfit("limit", format!("limit: {other} does not fit; use 1 to {MOST}"))),
        }
    }

    fn wait(&self) -> Result<Duration, ApiError> {
        match self.wait.unwrap_or_default() {
            wait @ 0..=LONGEST_WAIT => Ok(Duration::from_secs(wait)),
            other => Err(ApiError::unfit(
                "wait",
                format!("wait: {other} does not fit; use 0 to {LONGEST_WAIT} seconds"),
            )),
        }
    }

    /// Names of the events that are wanted and may be told; `None`: all.
    fn types(&self, all: bool) -> Result<Option<Vec<String>>, ApiError> {
        let may = |name: &&str| all || names::is_of_directory(name);
        let Some(types) = &self.types else {
            let names = names::NAMES.iter().map(|name| name.name).filter(may).map(str::to_owned);
            return Ok((!all).then(|| names.collect()));
        };
        let mut wanted = BTreeSet::new();
        for pattern in types.split(',').map(str::trim) {
            let found = names::matching(pattern).ok_or_else(|| {
                let known: Vec<&str> = names::NAMES.iter().map(|name| name.name).collect();
                ApiError::unfit(
                    "types",
                    format!(
                        "types: there is no event {pattern:?}; use user.* or some of {}",
                        known.join(", ")
                    ),
                )
            })?;
            if let Some(hidden) = found.iter().find(|name| !may(name)) {
                let detail = format!(
                    "types: {hidden} is told to tokens of the installation that hold admin:read, too"
                );
                return Err(ApiError::unfit("types", detail));
            }
            wanted.extend(found);
        }
        Ok(Some(wanted.into_iter().map(str::to_owned).collect()))
    }

    /// After which place.
    async fn after(&self, state: &ApiState) -> Result<i64, ApiError> {
        let platform = state.store.platform();
        if let Some(since) = &self.since {
            if self.after.is_some() {
                return Err(ApiError::unfit("since", "since: send either after or since"));
            }
            let at = timestamp::parse(since).ok_or_else(|| {
                ApiError::unfit(
                    "since",
                    format!("since: {since:?} is no time; write it like 2026-11-26T10:00:00Z"),
                )
            })?;
            return Ok(platform.feed_place_at(at).await?);
        }
        let after = self.after.unwrap_or_default();
        if after < 0 {
            return Err(ApiError::unfit("after", "after: places begin at 1; send 0 to begin with the first"));
        }
        Ok(after)
    }
}

/// A page after a place that the feed still knows, and knows already.
fn whole(page: FeedPage, after: i64) -> Result<FeedPage, ApiError> {
    let FeedEnds { forgotten, last } = page.ends;
    if after != 0 && after < forgotten {
        let detail = format!(
            "after: events up to {forgotten} are forgotten. Read the users and groups anew, then follow the feed from there on, \
             or from the first event that is kept with after=0."
        );
        return Err(ApiError::new(StatusCode::GONE, detail).at("after"));
    }
    if after > last {
        let detail = format!(
            "after: the feed ends at {last}. If the database was restored, read the users and groups anew and follow the feed \
             from there on."
        );
        return Err(ApiError::unfit("after", detail));
    }
    Ok(page)
}

/// What has happened, in order
///
/// Of all tenants, in the order in which the changes were committed; those of one object come in the order of its versions. Ask
/// for the first page, then again and again with `after` set to `last`, and wait a little where there is no `more`: nothing is
/// left out, and nothing comes later at a place that was passed. Tenants, credentials and configuration are told of to those who
/// hold `admin:read`, too. Events are kept for 90 days if the installation does not say otherwise; `after` below that is
/// answered with 410.
///
/// With `Accept: text/event-stream` the answer goes on: server-sent events, each with its place as `id`, its type as `event` and
/// itself as `data`. It ends after ten minutes, or with the token; whoever reads it comes again with `Last-Event-ID`.
#[utoipa::path(
    get, operation_id = "listEvents",
    path = "/api/v1/events", tag = "events", security(("bearer" = ["directory:read"])),
    params(Wanted, ("Last-Event-ID" = Option<i64>, Header, description = "Of a stream, instead of `after` and `since`: the `id` that came last.")),
    responses(
        (status = 200, content((EventPage = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", body = Problem),
    ),
)]
async fn list(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Extension(door): Extension<Arc<Door>>,
    headers: HeaderMap,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, ApiError> {
    let tenant = match &wanted.tenant {
        Some(slug) => Some(tenant(&state, slug).await?.id()),
        None => None,
    };
    follow(&state, &wanted, tenant, Asker { caller, door, headers }).await
}

/// What has happened in a tenant, in order
///
/// As `listEvents`; a token of the tenant itself is let in, too.
#[utoipa::path(
    get, operation_id = "listTenantEvents",
    path = "/api/v1/tenants/{slug}/events", tag = "events", security(("bearer" = ["directory:read"])),
    params(
        ("slug" = String, Path),
        Wanted,
        ("Last-Event-ID" = Option<i64>, Header, description = "Of a stream, instead of `after` and `since`: the `id` that came last."),
    ),
    responses(
        (status = 200, content((EventPage = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", body = Problem),
    ),
)]
async fn list_of_tenant(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    Extension(door): Extension<Arc<Door>>,
    headers: HeaderMap,
    Segments(slug): Segments<String>,
    Parameters(wanted): Parameters<Wanted>,
) -> Result<Response, ApiError> {
    if wanted.tenant.as_ref().is_some_and(|other| *other != slug) {
        return Err(ApiError::unfit("tenant", "tenant: the address names another one"));
    }
    let tenant = tenant(&state, &slug).await?.id();
    follow(&state, &wanted, Some(tenant), Asker { caller, door, headers }).await
}

/// What events look like
///
/// A JSON Schema (2020-12) of all types of events, each with a definition of its own. It holds no secret and needs no token.
#[utoipa::path(
    get, operation_id = "getEventSchema", path = "/api/v1/events/schema", tag = "events", security(()),
    responses((status = 200, description = "JSON Schema", body = Object)),
)]
async fn schema() -> Json<serde_json::Value> {
    Json(delivery::schema())
}

/// Is the caller told of configuration, and of the names of people of the console?
fn may_all(caller: &Caller) -> bool {
    matches!(caller, Caller::Platform(principal) if principal.may(scopes::ADMIN_READ))
}

/// A page, as soon as there is something in it, or when the time is over; or all that follows, as a stream.
async fn follow(
    state: &ApiState,
    wanted: &Wanted,
    tenant: Option<TenantId>,
    asker: Asker,
) -> Result<Response, ApiError> {
    let (caller, all) = (&asker.caller, may_all(&asker.caller));
    let (limit, wait, events) = (wanted.limit()?, wanted.wait()?, wanted.types(all)?);
    if stream::is_wanted(&asker.headers) {
        if wanted.wait.is_some() {
            return Err(ApiError::unfit("wait", "wait: a stream waits by itself; leave it out"));
        }
        let after = match stream::last_event_id(&asker.headers)? {
            Some(after) => after,
            None => wanted.after(state).await?,
        };
        let query = FeedQuery { after, tenant, events, limit };
        return stream::open(state, query, asker).await;
    }
    let query = FeedQuery { after: wanted.after(state).await?, tenant, events, limit };
    let shown = |page: FeedPage| {
        let events = page.items.into_iter().map(Event::from);
        let events = if all { events.collect() } else { events.map(Event::without_admins).collect() };
        Json(EventPage { events, last: page.last, more: page.more })
    };
    if wait.is_zero() {
        return Ok(shown(page(state, &query).await?).into_response());
    }
    let _place = state.live.place(who(caller)).ok_or_else(too_many_wait)?;
    // Whoever waits keeps nobody from work.
    asker.door.leave();
    let mut response = shown(next(state, query, Instant::now() + wait).await?).into_response();
    response.extensions_mut().insert(Waited);
    Ok(response)
}

async fn page(state: &ApiState, query: &FeedQuery) -> Result<FeedPage, ApiError> {
    whole(state.store.platform().feed(query).await?, query.after)
}

/// The first page with something in it; an empty one when the time is over, when much was looked through, or when the server
/// stops.
async fn next(state: &ApiState, mut query: FeedQuery, until: Instant) -> Result<FeedPage, ApiError> {
    let mut stopped = pin!(state.live.stopped());
    loop {
        // Before the look: what is numbered meanwhile wakes us.
        let numbered = state.store.numbered();
        let page = page(state, &query).await?;
        let now = Instant::now();
        if !page.items.is_empty() || page.more || now >= until {
            return Ok(page);
        }
        query.after = page.last;
        tokio::select! {
            // Many may wait: no more looks than need be.
            () = async { numbered.await; sleep(GATHER).await } => {}
            () = sleep(LOOK.min(until - now)) => {}
            () = &mut stopped => return Ok(page),
        }
    }
}

/// Of whose waiting there is not too much: a tenant's credentials count together.
fn who(caller: &Caller) -> String {
    match caller {
        Caller::Platform(principal) => format!("platform token {}", principal.token),
        Caller::Tenant(principal) => format!("tenant {}", principal.tenant),
    }
}

fn too_many_wait() -> ApiError {
    let detail =
        "Too many requests wait for events, or too many of yours do. Send wait=0, or let one end first.";
    ApiError::new(StatusCode::TOO_MANY_REQUESTS, detail)
}
