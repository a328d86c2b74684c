//! People of the console: the list, and somebody new.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::{extract::State, response::Response};
use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use store::{
    AdminId, TenantId,
    admins::{Admin, AdminRole, Standing},
};
use token_service::people::{Invited, NewPerson, PeopleError};

use crate::{
    ConsoleState,
    chrome::{Badge, Chrome, page},
    error::PageError,
    extract::{Fields, Parameters, Visit},
    form::Errors,
    pager::{PAGE_SIZE, Pager, page_number},
    when::Moment,
};

/// Tenants that a row names; the rest is a number.
const NAMED: usize = 3;

#[derive(Template)]
#[template(path = "admins.html")]
pub(crate) struct AdminsPage {
    pub(crate) chrome: Chrome,
    pub(crate) notice: Option<&'static str>,
    /// The link that was just made.
    pub(crate) issued: Option<Link>,
    pub(crate) rows: Vec<Row>,
    pub(crate) pager: Pager,
    pub(crate) typed: PersonForm,
    pub(crate) errors: Errors,
}

/// A link to be sent to somebody.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) email: String,
    pub(crate) link: String,
    pub(crate) until: Moment,
}

impl Link {
    /// Of an invitation that was just made.
    pub(crate) fn of(state: &ConsoleState, invited: &Invited) -> Self {
        Self {
            email: invited.admin.email.clone(),
            link: invited.link(&state.public_url).expose_secret().to_owned(),
            until: Moment::new(invited.expires_at, state.store.now()),
        }
    }
}

/// Somebody as they are shown.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) email: String,
    pub(crate) role: &'static str,
    /// Slugs, a few of them.
    pub(crate) tenants: Vec<String>,
    /// How many more there are.
    pub(crate) more: usize,
    /// Do they reach all tenants?
    pub(crate) all: bool,
    /// Is it the one who looks?
    pub(crate) you: bool,
    pub(crate) state: Badge,
    pub(crate) second_factor: bool,
    pub(crate) by_provider: bool,
    pub(crate) seen: Option<Moment>,
}

/// Who somebody is to be, as typed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct PersonForm {
    #[serde(default)]
    pub(crate) email: String,
    #[serde(default)]
    pub(crate) role: String,
    /// Slugs with commas or blanks between them.
    #[serde(default)]
    pub(crate) tenants: String,
}

/// The roles to choose from: value, name, what it means.
pub(crate) const ROLES: [(&str, &str, &str); 3] = [
    ("operator", "Operator", "all tenants and everything"),
    ("manager", "Manager", "everything of the tenants below"),
    ("auditor", "Auditor", "reads the tenants below, or all where none is named"),
];

/// Value of a role in forms.
pub(crate) fn role_value(role: AdminRole) -> &'static str {
    match role {
        AdminRole::Operator => "operator",
        AdminRole::Manager => "manager",
        AdminRole::Auditor => "auditor",
    }
}

fn role_of(value: &str) -> Option<AdminRole> {
    [AdminRole::Operator, AdminRole::Manager, AdminRole::Auditor]
        .into_iter()
        .find(|role| role_value(*role) == value)
}

impl PersonForm {
    /// Role and tenants, which are looked up.
    pub(crate) async fn read(
        &self,
        state: &ConsoleState,
    ) -> Result<Result<(AdminRole, BTreeSet<TenantId>), Errors>, PageError> {
        let (mut errors, mut tenants) = (Errors::default(), BTreeSet::new());
        let separated = |ch: char| ch == ',' || ch.is_whitespace();
        for slug in self.tenants.split(separated).filter(|slug| !slug.is_empty()) {
            let known = provisioning::slug::check(slug).is_ok();
            let tenant = if known { state.tenants.by_slug(slug).await? } else { None };
            match tenant {
                Some(tenant) => {
                    tenants.insert(tenant.id());
                }
                None => errors.add(
                    "tenants",
                    format!("There is no tenant “{slug}”. Write slugs, as in the list of tenants."),
                ),
            }
        }
        let role = role_of(&self.role);
        if role.is_none() {
            errors.add("role", "Choose a role.");
        }
        Ok(match role {
            Some(role) if errors.is_empty() => Ok((role, tenants)),
            _ => Err(errors),
        })
    }
}

/// What the list is asked for.
#[derive(Deserialize)]
pub(crate) struct Listed {
    page: Option<String>,
    #[serde(default)]
    done: String,
}

/// `GET /console/admins`.
pub(crate) async fn show(
    State(state): State<ConsoleState>,
    visit: Visit,
    Parameters(query): Parameters<Listed>,
) -> Result<Response, PageError> {
    let mut shown = list(&state, &visit, page_number(query.page.as_deref())).await?;
    shown.notice = (query.done == "removed").then_some("Removed. Their sessions have ended.");
    page(StatusCode::OK, &shown)
}

/// `POST /console/admins`: the answer is the only place where the link ever stands.
pub(crate) async fn add(
    State(state): State<ConsoleState>,
    visit: Visit,
    Fields(typed): Fields<PersonForm>,
) -> Result<Response, PageError> {
    let added = match typed.read(&state).await? {
        Ok((role, tenants)) => {
            let new = NewPerson { email: typed.email.trim().to_owned(), role, tenants };
            match state.tokens.invite(new, &visit.context()).await {
                Ok(invited) => Ok(invited),
                Err(error) => Err(unfit(error)?),
            }
        }
        Err(errors) => Err(errors),
    };
    let mut shown = list(&state, &visit, 1).await?;
    match added {
        Ok(invited) => {
            shown.issued = Some(Link::of(&state, &invited));
            shown.chrome.title = "New person".into();
            page(StatusCode::CREATED, &shown)
        }
        Err(errors) => {
            shown.typed = typed;
            shown.errors = errors;
            shown.chrome.title = format!("Error: {}", shown.chrome.title);
            page(StatusCode::UNPROCESSABLE_ENTITY, &shown)
        }
    }
}

/// What can be said beside a field.
pub(crate) fn unfit(error: PeopleError) -> Result<Errors, PageError> {
    let mut errors = Errors::default();
    match error {
        PeopleError::Unfit(_) | PeopleError::Taken(_) | PeopleError::LastOperator => {
            errors.add_told(&["email", "role", "tenants"], &error.to_string());
            Ok(errors)
        }
        error => Err(error.into()),
    }
}

async fn list(state: &ConsoleState, visit: &Visit, number: u64) -> Result<AdminsPage, PageError> {
    let platform = state.store.platform();
    let found = platform.admins((number - 1) * PAGE_SIZE, PAGE_SIZE).await?;
    let ids: Vec<AdminId> = found.items.iter().map(|admin| admin.id).collect();
    let standings = platform.standings(&ids).await?;
    let mut rows = Vec::with_capacity(found.items.len());
    for admin in found.items {
        rows.push(row(state, visit, admin, &standings).await?);
    }
    let pager = Pager::new("/console/admins", &[], number, rows.len(), found.total);
    Ok(AdminsPage {
        chrome: visit.chrome("People"),
        notice: None,
        issued: None,
        rows,
        pager,
        typed: PersonForm { role: "manager".into(), ..PersonForm::default() },
        errors: Errors::default(),
    })
}

/// Somebody as a row.
pub(crate) async fn row(
    state: &ConsoleState,
    visit: &Visit,
    admin: Admin,
    standings: &BTreeMap<AdminId, Standing>,
) -> Result<Row, PageError> {
    let now = state.store.now();
    let mut tenants = Vec::new();
    for id in admin.tenants.iter().take(NAMED) {
        tenants.extend(state.tenants.by_id(*id).await?.map(|tenant| tenant.row.slug.clone()));
    }
    let standing = standings.get(&admin.id).cloned().unwrap_or_default();
    Ok(Row {
        id: admin.id.to_string(),
        role: role_name(admin.role),
        more: admin.tenants.len().saturating_sub(NAMED),
        all: admin.reaches_all(),
        you: admin.id == visit.admin.id,
        state: badge(&admin, &standing, now),
        second_factor: standing.second_factor,
        by_provider: standing.by_provider,
        seen: standing.last_seen_at.map(|at| Moment::new(at, now)),
        email: admin.email,
        tenants,
    })
}

/// Name of a role.
pub(crate) fn role_name(role: AdminRole) -> &'static str {
    ROLES.iter().find(|(value, _, _)| *value == role_value(role)).map_or("", |(_, name, _)| name)
}

fn badge(admin: &Admin, standing: &Standing, now: i64) -> Badge {
    let enters = !admin.password_hash.is_empty() || standing.by_provider;
    match standing.invited_until {
        _ if enters => Badge::new("ok", "Can sign in"),
        Some(until) if until > now => Badge::new("warn", "Invited"),
        _ => Badge::new("bad", "Invitation expired"),
    }
}
