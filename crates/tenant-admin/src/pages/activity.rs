//! What a tenant's identity provider sends: the log of requests, as a list that goes on by itself while somebody looks.

mod filters;
pub(crate) mod rows;
mod tail;

use askama::Template;
use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use provisioning::Tenant;
use serde::Deserialize;
use store::activity::{HOUR, Position, RequestQuery, Traffic, hour_of};
use tower_sessions::Session;

pub(crate) use filters::{Filters, statuses};
use rows::RequestRow;
use tail::Tail;

use super::{setup::Refusals, tenant};
use crate::{
    ConsoleState,
    chrome::{Chrome, TenantHead, count, page},
    error::PageError,
    extract::{Parameters, Segments, Visit},
    live::{Pass, last_event_id},
    pager::link,
    rights::Right,
};

/// Entries of a page.
const SHOWN: u64 = 50;
/// Credentials that can be chosen.
const CALLERS: usize = 100;
/// Hours that the summary looks back.
const HOURS: i64 = 24;

#[derive(Template)]
#[template(path = "activity.html")]
pub(crate) struct ActivityPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: TenantHead,
    pub(crate) filters: Filters,
    /// Credentials: id and name.
    pub(crate) callers: Vec<(String, String)>,
    pub(crate) rows: Vec<RequestRow>,
    /// Of the last day.
    pub(crate) summary: String,
    /// Days that requests are kept; 0: none are.
    pub(crate) days: u32,
    /// Has nothing ever been heard?
    pub(crate) fresh: bool,
    /// Where to hear of new ones; on the first page alone.
    pub(crate) live: Option<String>,
    /// Link to the newest, if these are not.
    pub(crate) newest: Option<String>,
    /// Link to older ones.
    pub(crate) older: Option<String>,
    /// Link without any condition.
    pub(crate) all: String,
    /// What did not even get in, on the first page.
    pub(crate) refusals: Option<Refusals>,
}

/// Where a list goes on.
#[derive(Deserialize)]
pub(crate) struct Place {
    /// Entries older than this one.
    before: Option<String>,
}

/// From where new entries are told.
#[derive(Deserialize)]
pub(crate) struct After {
    after: Option<String>,
}

/// `GET …/activity`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(slug): Segments<String>,
    Parameters(filters): Parameters<Filters>,
    Parameters(Place { before }): Parameters<Place>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let scope = state.store.tenant(tenant.id());
    let before: Option<Position> = before.and_then(|before| before.parse().ok());
    let query = RequestQuery { before, limit: SHOWN + 1, ..filters.query() };
    // Read before the list, so that nothing is missed between the two.
    let now = state.store.now();
    let mut lines = scope.requests(&query).await?;
    let more = lines.len() as u64 > SHOWN;
    lines.truncate(usize::try_from(SHOWN).unwrap_or(usize::MAX));

    let path = format!("/console/tenants/{slug}/activity");
    let pairs = filters.pairs();
    let with = |name, value: &str| {
        let mut pairs = pairs.clone();
        pairs.push((name, value));
        link(&path, &pairs)
    };
    let older = lines.last().filter(|_| more).map(|line| with("before", &line.position().to_string()));
    let start = lines.first().map_or(Position { at: now, id: uuid::Uuid::nil() }, |line| line.position());
    let is_first = before.is_none();
    let watch = |start: Position| {
        let mut pairs = pairs.clone();
        let start = start.to_string();
        pairs.push(("after", &start));
        link(&format!("{path}/live"), &pairs)
    };
    let kept = state.request_log_days > 0;
    let whole = is_first && filters.is_empty();
    let head = TenantHead::new(&tenant, "activity");
    let shown = ActivityPage {
        chrome: visit.chrome(format!("Activity · {}", head.name)),
        head,
        callers: callers(&state, &tenant).await?,
        summary: summary(&state, &tenant, now).await?,
        days: state.request_log_days,
        fresh: lines.is_empty() && whole && scope.heard().await?.is_empty(),
        rows: lines.iter().map(|line| rows::row(line, &slug, now)).collect(),
        live: (is_first && kept).then(|| watch(start)),
        newest: (!is_first).then(|| link(&path, &pairs)),
        older,
        all: path.clone(),
        refusals: match whole {
            true => Some(Refusals::of(&state, &tenant).await?),
            false => None,
        },
        filters,
    };
    page(StatusCode::OK, &shown)
}

/// `GET …/activity/live`: the rows of new entries, while somebody looks.
pub(crate) async fn live(
    State(state): State<ConsoleState>,
    visit: Visit,
    session: Session,
    headers: HeaderMap,
    Segments(slug): Segments<String>,
    Parameters(filters): Parameters<Filters>,
    Parameters(After { after }): Parameters<After>,
) -> Result<Response, PageError> {
    let tenant = tenant(&state, &slug).await?;
    let start = last_event_id(&headers).or(after.as_deref()).and_then(|after| after.parse().ok());
    let start = start.unwrap_or(Position { at: state.store.now(), id: uuid::Uuid::nil() });
    let pass = Pass::new(&state, session, tenant.id(), Right::Manage);
    state.live.stream(visit.admin.id.0, Tail::new(&state, pass, &tenant, filters.query(), start))
}

/// The credentials that an entry may name, the newest first.
async fn callers(state: &ConsoleState, tenant: &Tenant) -> Result<Vec<(String, String)>, PageError> {
    let credentials = state.tokens.list(tenant.id()).await?;
    Ok(credentials.into_iter().take(CALLERS).map(|one| (one.id.to_string(), one.name)).collect())
}

/// The last day in a sentence.
async fn summary(state: &ConsoleState, tenant: &Tenant, now: i64) -> Result<String, PageError> {
    let from = hour_of(now) - (HOURS - 1) * HOUR;
    let hours = state.store.tenant(tenant.id()).traffic(from, now + HOUR).await?;
    let mut day = Traffic::default();
    hours.iter().for_each(|hour| day.add(&hour.traffic));
    Ok(sentence(&day))
}

fn sentence(day: &Traffic) -> String {
    if day.requests == 0 {
        return "No request in the last 24 hours.".to_owned();
    }
    let requests = count(day.requests.unsigned_abs(), "request");
    let each = rows::duration(day.duration_us / day.requests);
    match day.failures() {
        0 => format!("{requests} in the last 24 hours, none failed; {each} each on average."),
        failed => format!("{requests} in the last 24 hours, {failed} failed; {each} each on average."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_in_a_sentence() {
        assert_eq!(sentence(&Traffic::default()), "No request in the last 24 hours.");
        let day = Traffic { requests: 4, client_errors: 1, server_errors: 1, duration_us: 12_000 };
        assert_eq!(sentence(&day), "4 requests in the last 24 hours, 2 failed; 3 ms each on average.");
        let day = Traffic { requests: 1, duration_us: 700, ..Traffic::default() };
        assert_eq!(
            sentence(&day),
            "1 request in the last 24 hours, none failed; under 1 ms each on average."
        );
    }
}
