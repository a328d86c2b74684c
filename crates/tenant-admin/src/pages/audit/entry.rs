//! One entry of an audit trail: everything that is known of it, with before and after.

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use store::trail::Entry;

use super::{
    Shown,
    chain::{ChainCard, Told, hex},
    differences::{self, Differences},
    looking_for,
    words::{self, Object},
};
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, TenantHead, page},
    error::PageError,
    extract::{Segments, Visit},
    pages::user::history::{Noted, notes},
    when::Moment,
};

#[derive(Template)]
#[template(path = "audit_entry.html")]
pub(crate) struct EntryPage {
    pub(crate) chrome: Chrome,
    pub(crate) head: Option<TenantHead>,
    /// Address of the list.
    pub(crate) base: String,
    pub(crate) number: i64,
    pub(crate) what: Badge,
    pub(crate) event: String,
    pub(crate) object: Object,
    pub(crate) version: i64,
    pub(crate) who: String,
    /// Its id, if it has one.
    pub(crate) who_id: String,
    pub(crate) when: Moment,
    pub(crate) cause: String,
    pub(crate) differences: Differences,
    pub(crate) facts: Vec<(String, String)>,
    pub(crate) notes: Vec<Noted>,
    /// The content as it was kept; `None`: it was purged.
    pub(crate) raw: Option<String>,
    pub(crate) digest: String,
    pub(crate) hash: String,
    /// What the last check found wrong with this one.
    pub(crate) fault: Option<Told>,
    /// Has the last check come past it?
    pub(crate) verified: Option<Moment>,
    pub(crate) links: Links,
}

/// Where one goes on from an entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    pub(crate) of_object: String,
    pub(crate) of_actor: String,
    pub(crate) of_request: String,
    pub(crate) older: Option<String>,
    pub(crate) newer: Option<String>,
}

/// `GET /console/tenants/{slug}/audit/{number}`.
pub(crate) async fn of_tenant(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments((slug, number)): Segments<(String, String)>,
) -> Result<Response, PageError> {
    show(&state, &visit, Shown::of_tenant(&state, &slug).await?, &number).await
}

/// `GET /console/audit/{number}`.
pub(crate) async fn of_installation(
    State(state): State<ConsoleState>,
    visit: Visit,
    Segments(number): Segments<String>,
) -> Result<Response, PageError> {
    show(&state, &visit, Shown::of_installation(&state), &number).await
}

async fn show(
    state: &ConsoleState,
    visit: &Visit,
    shown: Shown,
    number: &str,
) -> Result<Response, PageError> {
    let number = number.parse().map_err(|_| PageError::NotFound)?;
    let entry = shown.trail.entry(number).await?.ok_or(PageError::NotFound)?;
    let trail = shown.trail.state().await?;
    let object =
        Object::new(&entry.record, &shown.names(std::slice::from_ref(&entry)).await?, shown.head.as_ref());
    let chain = ChainCard::new(&trail, &shown.base, state.store.now());
    let chrome = visit.chrome(format!("Entry {number} · Audit"));
    page(StatusCode::OK, &EntryPage::new(chrome, shown, entry, object, &chain, state.store.now()))
}

impl EntryPage {
    fn new(chrome: Chrome, shown: Shown, entry: Entry, object: Object, chain: &ChainCard, now: i64) -> Self {
        let (base, record) = (shown.base, entry.record);
        let payload = record.payload.as_ref();
        let (what, kind) = words::event(&record.event, payload);
        let neighbour = |number: i64| (1..=chain.head).contains(&number).then(|| format!("{base}/{number}"));
        let check = chain.check.as_ref();
        Self {
            chrome,
            head: shown.head,
            number: entry.number,
            what: Badge::new(kind, what),
            event: record.event.clone(),
            version: record.object_version,
            who: words::who(&record),
            who_id: record.actor.id.clone(),
            when: Moment::new(record.at, now),
            cause: record.cause.clone(),
            differences: differences::of(payload),
            facts: differences::facts(payload),
            notes: payload.map(notes).unwrap_or_default(),
            raw: payload.and_then(|payload| serde_json::to_string_pretty(payload).ok()),
            digest: hex(&entry.digest),
            hash: hex(&entry.chain),
            fault: chain.fault_at(entry.number).cloned(),
            verified: check.filter(|check| check.through >= entry.number).map(|check| check.at.clone()),
            links: Links {
                of_object: looking_for(&base, "object", &object.id),
                of_actor: looking_for(&base, "actor", &record.actor.name),
                of_request: looking_for(&base, "request", &record.cause),
                older: neighbour(entry.number - 1),
                newer: neighbour(entry.number + 1),
            },
            object,
            base,
        }
    }
}
