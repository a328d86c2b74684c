//! To whom the events of all tenants are sent: the list, and the form that makes one more.

use askama::Template;
use axum::{extract::State, response::Response};
use delivery::{DestinationError, NewDestination, NewWay, TARGET, webhook::NewWebhook};
use http::StatusCode;
use serde::Deserialize;
use store::{
    TenantId,
    destinations::{Destination, DestinationKind, DestinationState, Waiting},
};

use super::Done;
use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, count, page},
    error::PageError,
    extract::{Fields, Parameters, Visit},
    form::Errors,
    when::{Moment, Took},
};

/// Fields of the form that makes one.
const FIELDS: [&str; 5] = ["name", "url", "headers", "events", "target"];

/// Targets on offer: seconds, and what to call them.
pub(crate) const TARGETS: [(u32, &str); 6] = [
    (5, "5 seconds"),
    (30, "30 seconds"),
    (60, "1 minute"),
    (300, "5 minutes"),
    (3_600, "1 hour"),
    (86_400, "1 day"),
];

/// Kinds of events on offer: name of the checkbox, what it stands for, and in words.
pub(crate) const KINDS: [(&str, &[&str], &str); 4] = [
    ("users", &["user.*"], "users: made, changed, deactivated, deleted"),
    ("groups", &["group.*", "membership.*"], "groups and who is in them"),
    ("roles", &["role.*"], "roles: granted and revoked"),
    (
        "settings",
        &["tenant.*", "credential.*", "token.*", "schema.*", "domain.*", "destination.*"],
        "how tenants are configured",
    ),
];

#[derive(Template)]
#[template(path = "destinations.html")]
pub(crate) struct DestinationsPage {
    pub(crate) chrome: Chrome,
    /// What was just done.
    pub(crate) notice: Option<&'static str>,
    pub(crate) issued: Option<Issued>,
    pub(crate) rows: Vec<Row>,
    /// Where the form is sent.
    pub(crate) action: String,
    pub(crate) typed: NewWebhookForm,
    pub(crate) errors: Errors,
}

/// A secret that is shown once.
pub(crate) struct Issued {
    /// The destination's name.
    pub(crate) name: String,
    pub(crate) secret: String,
    /// Its page.
    pub(crate) href: String,
}

/// A destination in a list.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
    /// In which way it gets its events.
    pub(crate) way: &'static str,
    /// Where to, without what may be secret of it.
    pub(crate) host: String,
    pub(crate) state: Badge,
    /// Why the last attempt failed.
    pub(crate) problem: Option<String>,
    /// What it is sent.
    pub(crate) events: String,
    /// Within which time.
    pub(crate) target: String,
    /// What waits for it, and since when; nothing: all is there.
    pub(crate) waiting: Option<(String, Option<Moment>)>,
    /// How many were given up.
    pub(crate) dead: u64,
}

/// What was typed.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct NewWebhookForm {
    pub(crate) name: String,
    pub(crate) url: String,
    /// Seconds.
    pub(crate) target: u32,
    /// Checkboxes of [`KINDS`].
    pub(crate) users: Option<String>,
    /// See `users`.
    pub(crate) groups: Option<String>,
    /// See `users`.
    pub(crate) roles: Option<String>,
    /// See `users`.
    pub(crate) settings: Option<String>,
}

impl Default for NewWebhookForm {
    fn default() -> Self {
        Self {
            name: String::new(),
            url: String::new(),
            target: TARGET,
            users: None,
            groups: None,
            roles: None,
            settings: None,
        }
    }
}

impl NewWebhookForm {
    /// As it is offered: with all that applications want.
    pub(crate) fn fresh() -> Self {
        let on = || Some("on".to_owned());
        Self { users: on(), groups: on(), roles: on(), ..Self::default() }
    }

    /// Is the checkbox of a kind set?
    pub(crate) fn has(&self, kind: &str) -> bool {
        match kind {
            "users" => self.users.is_some(),
            "groups" => self.groups.is_some(),
            "roles" => self.roles.is_some(),
            _ => self.settings.is_some(),
        }
    }

    fn read(&self, tenant: Option<TenantId>) -> NewDestination {
        let chosen = KINDS.iter().filter(|(kind, ..)| self.has(kind));
        let events: Vec<String> =
            chosen.flat_map(|(_, patterns, _)| patterns.iter().map(|&pattern| pattern.to_owned())).collect();
        // All kinds are all there ever will be.
        let is_all = KINDS.iter().all(|(kind, ..)| self.has(kind));
        let webhook = NewWebhook { url: self.url.trim().to_owned(), ..NewWebhook::default() };
        NewDestination {
            tenant,
            name: self.name.clone(),
            events: (!is_all).then_some(events),
            after: None,
            target: Some(self.target),
            way: NewWay::Webhook(webhook),
        }
    }
}

/// `GET /console/destinations`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<Done>,
) -> Result<Response, PageError> {
    let mut shown = destinations_page(&state, &visit).await?;
    shown.notice =
        (query.done == "deleted").then_some("The destination is deleted: it is sent nothing any more.");
    page(StatusCode::OK, &shown)
}

/// `POST /console/destinations`: the answer is the only place where the secret ever stands.
pub(crate) async fn create(
    State(state): State<ConsoleState>,
    visit: Visit,
    Fields(typed): Fields<NewWebhookForm>,
) -> Result<Response, PageError> {
    let made = make(&state, &visit, None, &typed).await?;
    let mut shown = destinations_page(&state, &visit).await?;
    let status = match made {
        Ok(issued) => {
            shown.issued = Some(issued);
            StatusCode::CREATED
        }
        Err(errors) => {
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            (shown.typed, shown.errors) = (typed, errors);
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    page(status, &shown)
}

/// Makes what a form asks for; the inner error says what is wrong with it.
pub(super) async fn make(
    state: &ConsoleState,
    visit: &Visit,
    tenant: Option<TenantId>,
    typed: &NewWebhookForm,
) -> Result<Result<Issued, Errors>, PageError> {
    match state.destinations.create(typed.read(tenant), &visit.context()).await {
        Ok((made, secret)) => {
            // A webhook always has one.
            let secret = secret.unwrap_or_default();
            Ok(Ok(Issued { name: made.name, secret, href: format!("/console/destinations/{}", made.id) }))
        }
        Err(error) => Ok(Err(unfit(error)?)),
    }
}

/// What is wrong with what was typed, or a fault.
pub(super) fn unfit(error: DestinationError) -> Result<Errors, PageError> {
    let mut errors = Errors::default();
    match error {
        DestinationError::Unfit(text) => {
            // As the API calls it.
            let text = text.replacen("targetSeconds: ", "target: ", 1);
            errors.add_told(&FIELDS, &text);
            Ok(errors)
        }
        DestinationError::Unknown => Err(PageError::NotFound),
        DestinationError::Sealing(reason) => Err(PageError::internal(reason)),
        DestinationError::Store(error) => Err(error.into()),
    }
}

async fn destinations_page(state: &ConsoleState, visit: &Visit) -> Result<DestinationsPage, PageError> {
    let chrome = visit.chrome("Destinations");
    Ok(DestinationsPage {
        notice: None,
        issued: None,
        rows: rows(state, &chrome, None).await?,
        chrome,
        action: "/console/destinations".to_owned(),
        typed: NewWebhookForm::fresh(),
        errors: Errors::default(),
    })
}

/// Those of a tenant, or of the installation. Where they are and what waits there is for operators: it is the vendor's own
/// matter, and of all tenants.
pub(super) async fn rows(
    state: &ConsoleState,
    chrome: &Chrome,
    tenant: Option<TenantId>,
) -> Result<Vec<Row>, PageError> {
    let (platform, now) = (state.store.platform(), state.store.now());
    let mut rows = Vec::new();
    for destination in platform.destinations(tenant).await? {
        rows.push(if chrome.operates() {
            let waiting = platform.waiting(destination.id).await?;
            row(destination, waiting, now)
        } else {
            let seen = row(destination, Waiting::default(), now);
            Row { host: String::new(), problem: None, ..seen }
        });
    }
    Ok(rows)
}

/// Why it takes nothing, if it takes nothing.
pub(super) fn trouble(destination: &Destination) -> Option<String> {
    let is_in_trouble =
        destination.failing_since.is_some() || destination.state == DestinationState::Disabled;
    destination.problem.clone().filter(|_| is_in_trouble)
}

fn row(destination: Destination, waiting: Waiting, now: i64) -> Row {
    Row {
        problem: trouble(&destination),
        id: destination.id.to_string(),
        state: badge(&destination),
        host: host(&destination),
        way: way(destination.kind),
        events: events(&destination),
        target: Took(destination.target).to_string(),
        waiting: (waiting.open > 0)
            .then(|| (count(waiting.open, "event"), waiting.oldest_at.map(|at| Moment::new(at, now)))),
        dead: waiting.dead,
        name: destination.name,
    }
}

/// In which way it gets its events, in words.
pub(crate) fn way(kind: DestinationKind) -> &'static str {
    match kind {
        DestinationKind::Webhook => "Webhook",
        DestinationKind::RedisStream => "Stream of Redis",
        DestinationKind::Ldap => "Directory (LDAP)",
    }
}

/// Whether it is sent anything, and takes it.
pub(crate) fn badge(destination: &Destination) -> Badge {
    match destination.state {
        DestinationState::Active if destination.failing_since.is_some() => Badge::new("warn", "Failing"),
        DestinationState::Active => Badge::new("ok", "Active"),
        DestinationState::Paused => Badge::new("quiet", "Paused"),
        DestinationState::Disabled => Badge::new("bad", "Disabled"),
    }
}

/// Its address without path and query, which hold secrets as often as not.
fn host(destination: &Destination) -> String {
    let url = destination.settings["url"].as_str().and_then(|url| url::Url::parse(url).ok());
    let host = |url: url::Url| Some(format!("{}://{}", url.scheme(), url.host_str()?));
    url.and_then(host).unwrap_or_default()
}

/// What it is sent, in words.
pub(crate) fn events(destination: &Destination) -> String {
    match &destination.events {
        None => "all events".to_owned(),
        Some(names) => {
            let mut kinds: Vec<&str> = names.iter().filter_map(|name| name.split('.').next()).collect();
            kinds.dedup();
            format!("{} events: {}", names.len(), kinds.join(", "))
        }
    }
}
