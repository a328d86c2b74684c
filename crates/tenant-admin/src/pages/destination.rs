//! One destination: how it stands, what became of each event, and what a person does about it.

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use delivery::{DestinationChange, Shown as Way, WayChange, webhook::WebhookChange};
use http::StatusCode;
use serde::{Deserialize, Serialize as _};
use serde_json::Value;
use store::{
    DestinationId, TenantId,
    destinations::{
        COUNTED, Delivery, DeliveryQuery, Destination, DestinationKind, DestinationState, Fate, REVIVED,
    },
};

use super::{
    delivery::Kept,
    destinations::{self, Issued, TARGETS},
    user::attributes::plain,
};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, count, page},
    error::PageError,
    extract::{Fields, Parameters, Segments, Visit},
    form::Errors,
    pager::link,
    plot::{Plot, Span},
    when::{Moment, Took},
};

/// Deliveries that a page shows.
const SHOWN: usize = 50;

/// So often [`REVIVED`] letters are sent again by one press of the button: as many as are counted.
const ROUNDS: i64 = COUNTED / REVIVED;

#[derive(Template)]
#[template(path = "destination.html")]
pub(crate) struct DestinationPage {
    pub(crate) chrome: Chrome,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) state: Badge,
    /// What was just done.
    pub(crate) notice: Option<String>,
    /// Why a test event was not taken.
    pub(crate) untaken: Option<String>,
    /// A secret that was just made.
    pub(crate) issued: Option<Issued>,
    /// Slug and name of the tenant whose events it is sent; nothing: of all.
    pub(crate) tenant: Option<(String, String)>,
    /// In which way it gets its events.
    pub(crate) way: &'static str,
    /// Is it a webhook, which has a secret?
    pub(crate) is_webhook: bool,
    /// Names of the headers that its calls carry beside the usual ones.
    pub(crate) headers: Vec<String>,
    /// What its kind has beside: title and value.
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) events: String,
    /// Within how long its events shall be there.
    pub(crate) target: Took,
    /// Is it sent anything?
    pub(crate) is_active: bool,
    /// Was it disabled, since it took nothing for too long?
    pub(crate) is_disabled: bool,
    /// Why the last attempt failed, and since when all do.
    pub(crate) problem: Option<(String, Option<Moment>)>,
    /// What waits for it, and since when.
    pub(crate) waiting: Option<(String, Option<Moment>)>,
    pub(crate) dead: u64,
    pub(crate) missed: i64,
    pub(crate) made: Moment,
    pub(crate) made_by: String,
    pub(crate) plot: Plot,
    pub(crate) plot_path: String,
    pub(crate) kept: Kept,
    /// Which deliveries are shown: link, name, and whether these are.
    pub(crate) filters: Vec<(String, &'static str, bool)>,
    pub(crate) rows: Vec<Row>,
    /// Link to older ones.
    pub(crate) older: Option<String>,
    pub(crate) typed: ChangeForm,
    pub(crate) errors: Errors,
}

/// An event, and what became of it.
pub(crate) struct Row {
    pub(crate) position: i64,
    pub(crate) event: String,
    pub(crate) tenant: String,
    /// Page of what it is about, where there is one.
    pub(crate) href: Option<String>,
    pub(crate) at: Moment,
    pub(crate) state: Badge,
    pub(crate) attempts: i32,
    /// How long it took until it was there, and until it was done.
    pub(crate) delivered: Option<Took>,
    /// See `delivered`.
    pub(crate) applied: Option<Took>,
    pub(crate) problem: Option<String>,
    /// When it is tried next.
    pub(crate) next: Option<Moment>,
}

/// What may be changed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct ChangeForm {
    pub(crate) name: String,
    pub(crate) url: String,
    /// Shall the headers of somebody's own be gone?
    pub(crate) without_headers: Option<String>,
    /// Seconds.
    pub(crate) target: u32,
}

impl ChangeForm {
    /// Is the target one of those on offer?
    pub(crate) fn has_usual_target(&self) -> bool {
        TARGETS.iter().any(|(seconds, _)| *seconds == self.target)
    }
}

/// Query of the page.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Shown {
    #[serde(default)]
    done: String,
    /// How many there were of what was done.
    #[serde(default)]
    count: u64,
    /// `24h`, `7d` or `30d`.
    #[serde(default)]
    span: String,
    /// `due`, `behind`, `done`, `dead`; nothing: all.
    #[serde(default)]
    state: String,
    /// Those before this place.
    before: Option<i64>,
}

/// `GET /console/destinations/{id}`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
    Parameters(query): Parameters<Shown>,
) -> Result<Response, PageError> {
    let destination = one(&state, &id).await?;
    page(StatusCode::OK, &destination_page(&state, &visit, destination, &query).await?)
}

/// `POST /console/destinations/{id}`.
pub(crate) async fn change(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
    Fields(typed): Fields<ChangeForm>,
) -> Result<Response, PageError> {
    let destination = one(&state, &id).await?;
    let url = typed.url.trim().to_owned();
    let headers = match Way::of(&destination).map_err(PageError::internal)? {
        Way::Webhook(settings) if typed.without_headers.is_some() => {
            Some(settings.headers.into_iter().map(|name| (name, None)).collect())
        }
        _ => None,
    };
    let webhook = WebhookChange { url: Some(url), headers };
    let change = DestinationChange {
        name: Some(typed.name.clone()),
        target: Some(typed.target),
        // Where the others are is not typed here.
        way: (destination.kind == DestinationKind::Webhook).then_some(WayChange::Webhook(webhook)),
        ..DestinationChange::default()
    };
    match state.destinations.change(destination.id, change, &visit.context()).await {
        Ok(_) => Ok(done(&id, "saved")),
        Err(error) => {
            let errors = destinations::unfit(error)?;
            let mut shown = destination_page(&state, &visit, destination, &Shown::default()).await?;
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            (shown.typed, shown.errors) = (typed, errors);
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
    }
}

/// `POST …/pause`.
pub(crate) async fn pause(
    state: State<ConsoleState>,
    visit: Visit,
    segments: Segments<String>,
) -> Result<Response, PageError> {
    set_active(state, visit, segments, false).await
}

/// `POST …/resume`: also one that was disabled.
pub(crate) async fn resume(
    state: State<ConsoleState>,
    visit: Visit,
    segments: Segments<String>,
) -> Result<Response, PageError> {
    set_active(state, visit, segments, true).await
}

async fn set_active(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
    active: bool,
) -> Result<Response, PageError> {
    let destination = one(&state, &id).await?;
    let change = DestinationChange { active: Some(active), ..DestinationChange::default() };
    match state.destinations.change(destination.id, change, &visit.context()).await {
        Ok(_) => Ok(done(&id, if active { "resumed" } else { "paused" })),
        Err(error) => Err(destinations::unfit(error).err().unwrap_or(PageError::NotFound)),
    }
}

/// `POST …/test`: sends a message that says nothing, and tells what came of it.
pub(crate) async fn test(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let destination = one(&state, &id).await?;
    let began = tokio::time::Instant::now();
    let came = match state.destinations.test(destination.id).await {
        Ok(came) => came,
        Err(error) => return Err(destinations::unfit(error).err().unwrap_or(PageError::NotFound)),
    };
    let took = Took(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX));
    let mut shown = destination_page(&state, &visit, destination, &Shown::default()).await?;
    match came {
        Ok(status) => {
            let status = status.map(|status| format!(" with {status}")).unwrap_or_default();
            shown.notice = Some(format!("The test event was taken{status}, after {took}."));
        }
        Err(refusal) => {
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            shown.untaken = Some(refusal.problem);
        }
    }
    page(StatusCode::OK, &shown)
}

/// `POST …/secret`: the answer is the only place where the new one ever stands.
pub(crate) async fn rotate(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let destination = one(&state, &id).await?;
    match state.destinations.rotate(destination.id, None, &visit.context()).await {
        Ok((destination, secret)) => {
            let issued = Issued {
                name: destination.name.clone(),
                secret,
                href: format!("/console/destinations/{id}"),
            };
            let shown = destination_page(&state, &visit, destination, &Shown::default()).await?;
            page(StatusCode::CREATED, &DestinationPage { issued: Some(issued), ..shown })
        }
        Err(error) => Err(destinations::unfit(error).err().unwrap_or(PageError::NotFound)),
    }
}

/// `POST …/replay`: what was given up is sent again.
pub(crate) async fn replay(
    State(state): State<ConsoleState>,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let destination = one(&state, &id).await?;
    let platform = state.store.platform();
    let mut all = 0;
    for _ in 0..ROUNDS {
        let again = platform.revive(destination.id, 0, i64::MAX).await?;
        all += again;
        if i64::try_from(again).unwrap_or_default() < REVIVED {
            break;
        }
    }
    let to =
        link(&format!("/console/destinations/{id}"), &[("done", "replayed"), ("count", &all.to_string())]);
    Ok(Redirect::to(&to).into_response())
}

/// `POST …/delete`.
pub(crate) async fn delete(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(id): Segments<String>,
) -> Result<Response, PageError> {
    let destination = one(&state, &id).await?;
    match state.destinations.delete(destination.id, None, &visit.context()).await {
        Ok(()) => Ok(Redirect::to("/console/destinations?done=deleted").into_response()),
        Err(error) => Err(destinations::unfit(error).err().unwrap_or(PageError::NotFound)),
    }
}

async fn one(state: &ConsoleState, id: &str) -> Result<Destination, PageError> {
    let id: DestinationId = id.parse().map_err(|()| PageError::NotFound)?;
    state.store.platform().destination(id).await?.ok_or(PageError::NotFound)
}

fn done(id: &str, what: &str) -> Response {
    Redirect::to(&format!("/console/destinations/{id}?done={what}")).into_response()
}

fn notice(query: &Shown, destination: &Destination) -> Option<String> {
    let is_active = destination.state == DestinationState::Active;
    Some(match query.done.as_str() {
        "saved" => "The changes hold from the next attempt on.".to_owned(),
        "paused" if !is_active => "It is sent nothing now; its events wait.".to_owned(),
        "resumed" if is_active => "It is active, and tried at once with all that waits.".to_owned(),
        "replayed" => format!("{} sent again.", count(query.count, "event")),
        _ => return None,
    })
}

async fn destination_page(
    state: &ConsoleState,
    visit: &Visit,
    destination: Destination,
    query: &Shown,
) -> Result<DestinationPage, PageError> {
    let (platform, now) = (state.store.platform(), state.store.now());
    let settings = Way::of(&destination).map_err(PageError::internal)?;
    let waiting = platform.waiting(destination.id).await?;
    let span = Span::of(&query.span);
    let (from, until) = span.bounds(now);
    let hours = platform.delivery_hours_of(destination.id, from, until).await?;
    let path = format!("/console/destinations/{}", destination.id);
    let fate: Option<Fate> = serde_json::from_value(query.state.as_str().into()).ok();
    let which = DeliveryQuery { fate, before: query.before, limit: SHOWN + 1 };
    let mut found = platform.deliveries(destination.id, &which).await?;
    let more = found.len() > SHOWN;
    found.truncate(SHOWN);
    let older = found.last().filter(|_| more).map(|last| {
        link(&path, &[("state", &query.state), ("before", &last.position.to_string())]) + "#events-title"
    });
    let mut slugs = Slugs::default();
    let mut rows = Vec::with_capacity(found.len());
    for one in found {
        let tenant = slugs.of(state, one.tenant).await?;
        rows.push(row(one, tenant, now));
    }
    let tenant = match destination.tenant {
        Some(id) => {
            state.tenants.by_id(id).await?.map(|tenant| (tenant.row.slug.clone(), tenant.row.name.clone()))
        }
        None => None,
    };
    Ok(DestinationPage {
        chrome: visit.chrome(destination.name.clone()),
        id: destination.id.to_string(),
        state: destinations::badge(&destination),
        notice: notice(query, &destination),
        untaken: None,
        issued: None,
        tenant,
        typed: ChangeForm {
            name: destination.name.clone(),
            url: match &settings {
                Way::Webhook(settings) => settings.url.clone(),
                _ => String::new(),
            },
            without_headers: None,
            target: u32::try_from(destination.target / 1_000).unwrap_or_default(),
        },
        headers: match &settings {
            Way::Webhook(settings) => settings.headers.clone(),
            _ => Vec::new(),
        },
        way: destinations::way(destination.kind),
        is_webhook: destination.kind == DestinationKind::Webhook,
        facts: facts(&settings),
        events: destinations::events(&destination),
        target: Took(destination.target),
        is_active: destination.state == DestinationState::Active,
        is_disabled: destination.state == DestinationState::Disabled,
        problem: destinations::trouble(&destination)
            .map(|problem| (problem, destination.failing_since.map(|at| Moment::new(at, now)))),
        waiting: (waiting.open > 0)
            .then(|| (count(waiting.open, "event"), waiting.oldest_at.map(|at| Moment::new(at, now)))),
        dead: waiting.dead,
        missed: destination.missed,
        made: Moment::new(destination.created_at, now),
        made_by: destination.created_by,
        plot: Plot::of_deliveries(span, &hours, now),
        plot_path: path.clone(),
        kept: Kept::of(&hours),
        filters: filters(&path, fate),
        rows,
        older,
        name: destination.name,
        errors: Errors::default(),
    })
}

/// Slugs of tenants, each looked up once.
#[derive(Default)]
struct Slugs(HashMap<TenantId, String>);

impl Slugs {
    async fn of(&mut self, state: &ConsoleState, id: TenantId) -> Result<String, PageError> {
        if let Some(slug) = self.0.get(&id) {
            return Ok(slug.clone());
        }
        let tenant = state.tenants.by_id(id).await?;
        let slug = tenant.map(|tenant| tenant.row.slug.clone()).unwrap_or_default();
        self.0.insert(id, slug.clone());
        Ok(slug)
    }
}

/// What a kind has beside: what it calls it, as the API does.
fn facts(settings: &Way) -> Vec<(String, String)> {
    let settings = serde_json::to_value(settings).unwrap_or_default();
    let settings = settings.as_object().cloned().unwrap_or_default();
    let told = |value: Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Array(several) => {
            let texts: Vec<String> = several.iter().map(plain).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        other => Some(plain(&other)),
    };
    settings.into_iter().filter_map(|(name, value)| Some((name, told(value)?))).collect()
}

fn filters(path: &str, shown: Option<Fate>) -> Vec<(String, &'static str, bool)> {
    let all = [
        (None, "All"),
        (Some(Fate::Due), "Due"),
        (Some(Fate::Behind), "Behind another"),
        (Some(Fate::Done), "Delivered"),
        (Some(Fate::Dead), "Given up"),
    ];
    let to = |fate: Option<Fate>| {
        let word = fate.and_then(|fate| fate.serialize(serde_json::value::Serializer).ok());
        let word = word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned();
        link(path, &[("state", &word)]) + "#events-title"
    };
    all.into_iter().map(|(fate, name)| (to(fate), name, fate == shown)).collect()
}

fn row(one: Delivery, tenant: String, now: i64) -> Row {
    let state = match one.fate {
        Fate::Behind => Badge::new("quiet", "Behind another"),
        Fate::Due if one.attempts > 0 => Badge::new("warn", "To be tried again"),
        Fate::Due => Badge::new("quiet", "Due"),
        Fate::Done => Badge::new("ok", "Delivered"),
        Fate::Dead => Badge::new("bad", "Given up"),
    };
    let kind = match one.event.split('.').next() {
        Some("user" | "role") => Some("users"),
        Some("group" | "membership") => Some("groups"),
        _ => None,
    };
    Row {
        position: one.position,
        href: kind
            .filter(|_| !tenant.is_empty())
            .map(|kind| format!("/console/tenants/{tenant}/{kind}/{}", one.object_id)),
        event: one.event,
        tenant,
        at: Moment::new(one.numbered_at, now),
        state,
        attempts: one.attempts,
        delivered: one.delivered_at.map(|at| Took(at - one.numbered_at)),
        applied: one.applied_at.map(|at| Took(at - one.numbered_at)),
        problem: one.problem,
        next: (one.fate == Fate::Due && one.attempts > 0).then(|| Moment::new(one.next_at, now)),
    }
}
